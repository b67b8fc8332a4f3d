/*
 * An LMTP session driven without a network: a seam on a mail store and a directory in memory, and
 * a small engine that feeds octets and resumes what was pending. Everything the session sends is
 * collected.
 */
#ifndef POSTIL_TESTS_SUPPORT_LMTPDRIVE_H
#define POSTIL_TESTS_SUPPORT_LMTPDRIVE_H

#include "addin/lmtp/session.h"
#include "directory/directory.h"
#include "mailfile/store.h"

/* Persons and a group, as source_memory.h writes them: jcorrer@acme.example (mail/jcorrer.nsf), alee
 * (mail/alee.nsf), Staff (both), gone (forwarded), "Sam Twin" (two of them). acme.example is ours. */
extern const char lmtp_people[];

struct lmtp_drive {
	/* Set before lmtp_drive_open; zero is a good value for all but store. */
	struct mail_store *store;
	struct lmtp_session_options options;
	bool pending;                   /* every call answers PENDING first */
	STATUS find_status;             /* a look-up fails with it */
	STATUS deliver_status;          /* a delivery never comes back */

	struct directory *directory;
	struct mail_domains domains;
	struct arena arena;
	struct lmtp_session *session;
	enum net_next next;
	struct buf in, out;             /* not yet taken; all that was sent */
	struct buf log;                 /* lines about deliveries, LF behind each */
	size_t shown;                   /* of in, in the call under way */
	STATUS held;                    /* what the pending call answers */
	bool calling;                   /* a pending call is under way */
	struct lmtp_batch *batch, **batch_at;
	struct lmtp_found found, *found_at;
	unsigned finds, deliveries;
};

/* Options as the task would set them. */
void lmtp_drive_options(struct lmtp_session_options *options);
void lmtp_drive_open(struct lmtp_drive *d);
/* The octets come in pieces of at most `piece` (0: all at once); the session knows of more only
 * within a piece. */
void lmtp_drive_feed(struct lmtp_drive *d, struct slice octets, size_t piece);
void lmtp_drive_close(struct lmtp_drive *d);    /* the connection goes; d may be opened again */
/* All messages in a mail file, one behind the other; "none" if there is no file. The caller frees. */
char *lmtp_drive_content(struct mail_store *store, const char *path);

#endif

/*
 * The fields of a message in an mbox file in which servers keep their books:
 *
 *   X-UIDL               the UIDL (Qpopper and others, Dovecot with pop3_reuse_xuidl)
 *   X-UID, X-IMAPbase    UID; UID validity and last UID, in the first message
 *   X-IMAP               the same, in a first message that is no mail (c-client)
 *   Status, X-Status     R read, O old; A answered, F flagged, T draft, D deleted
 *   X-Keywords, Content-Length
 *
 * They are read while the message passes, and taken out of it or left in. UW-IMAP and
 * Dovecot show none of these to clients but X-UIDL; other servers show them. What export
 * wrote begins with X-Postil-Export, which says how many lines were put there; exactly
 * these are taken out.
 */
#ifndef POSTIL_MAILFILE_MBOXHEAD_H
#define POSTIL_MAILFILE_MBOXHEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define MBOX_EXPORT_FIELD "X-Postil-Export"
#define MBOX_BOOK_OCTETS 600            /* of such a line, looked at */

struct mbox_books {
	char uidl[128];                 /* as it stands there; empty: none */
	size_t uidl_octets;             /* may be more than fits: then it is no UIDL */
	uint32_t uid, validity;         /* 0: none */
	bool internal;                  /* X-IMAP: no mail */
	bool has_status;
	unsigned flags;                 /* UIDL_FLAG_* */
	bool has_length;
	uint64_t length;                /* Content-Length */
};

enum mbox_removal { MBOX_REMOVE_NONE, MBOX_REMOVE_HIDDEN /* all but X-UIDL */, MBOX_REMOVE_ALL };

struct mbox_head {
	enum mbox_removal removal;
	STATUS (*octets)(void *context, const void *p, size_t n);
	void *context;
	struct mbox_books books;        /* of the message so far */
	int state;
	char line[MBOX_BOOK_OCTETS];
	size_t used;
	bool dropping;                  /* the field under way */
	bool first_line;
	bool is_export;
	uint64_t to_drop;               /* lines that export wrote, to come */
	struct buf *md5;                /* values for Dovecot's %m are added here; may be NULL */
	bool in_md5;                    /* the field under way is one of these */
	bool received_seen;
};

void mbox_head_init(struct mbox_head *h, enum mbox_removal removal,
                    STATUS (*octets)(void *context, const void *p, size_t n), void *context);
/* A message begins: the books are empty. */
void mbox_head_begin(struct mbox_head *h);
STATUS mbox_head_feed(struct mbox_head *h, const void *p, size_t n);
STATUS mbox_head_end(struct mbox_head *h);
bool mbox_head_is_over(const struct mbox_head *h);      /* the header; what follows is body */

/* Does a server that hides its books keep them in the file that begins so? */
bool mbox_keeps_books(struct slice beginning);

#endif

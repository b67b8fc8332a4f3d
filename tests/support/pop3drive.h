/*
 * A POP3 session driven without a network: a seam on any mail store, and a small
 * engine that feeds octets, pulls long answers and resumes what was pending.
 * Everything the session sends is collected.
 */
#ifndef POSTIL_TESTS_SUPPORT_POP3DRIVE_H
#define POSTIL_TESTS_SUPPORT_POP3DRIVE_H

#include "addin/pop3/session.h"
#include "mailfile/store.h"

#define DRIVE_PATH "mail/jcorrer.nsf"

/* Who may log in: any of these names with this password, or, where the door lets
 * certificates in, without; that person's is presented in all connections. */
extern const char *const drive_names[];         /* ends with NULL */
extern const char *const drive_password;

struct drive {
	/* Set before drive_open; zero is a good value for all but store. */
	struct mail_store *store;
	struct pop3_session_options options;    /* its door: see also drive_secure */
	bool pending;                   /* every call answers PENDING first */
	size_t read_most;               /* a read brings no more than this; 0: what is asked */
	enum pop3_login_result force;   /* the answer to a good login */
	STATUS login_status;            /* login fails with it */
	const char *referral;           /* of a login that is forced to be on the wrong server */
	bool keep;                      /* nothing may be deleted */

	struct pop3_session *session;
	enum net_next next;             /* after NET_START_TLS octets are collected, not fed */
	struct pop3_door door;          /* as it is now */
	struct buf in, out;             /* not yet taken; all that was sent */
	struct maildrop *drop;
	struct buf data;
	STATUS held;                    /* what the pending call answers */
	bool calling;                   /* a pending call is under way */
	unsigned logins, reads, commits, closes;
	enum pop3_mechanism mechanism;  /* of the last login */
	struct buf authorization;       /* that it brought */
};

/* Options as the task would set them. */
void drive_options(struct pop3_session_options *options);
void drive_open(struct drive *d);
/* The octets come in pieces of at most `piece` (0: all at once). */
void drive_feed(struct drive *d, struct slice octets, size_t piece);
/* The handshake that NET_START_TLS asked for is done, and the door is this one. As in the
 * engine, octets that came in clear behind STLS end the connection instead. */
void drive_secure(struct drive *d, const struct pop3_door *door);
void drive_close(struct drive *d);      /* the connection goes; d may be opened again */

#endif

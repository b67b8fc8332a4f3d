/*
 * The inside of a login, shared by the files that make it up:
 *
 *   login.c     its life and its jobs
 *   verify.c    which persons a name means, whose password it is, who is locked out
 *   certificate.c  whose certificate it is
 *   entry.c     who is let in by which of them
 *   decide.c    what holds once the password has verified: access, server, mail file
 */
#ifndef POSTIL_POP3_LOGIN_IMPL_H
#define POSTIL_POP3_LOGIN_IMPL_H

#include "addin/pop3/login.h"
#include "directory/access.h"

#define SHOWN_NAME_OCTETS 128
#define REFERRAL_OCTETS 400

struct login {
	struct task *task;
	struct settings *settings;
	uint64_t conn_id, began_ms;
	struct arena arena;
	struct buf name, authorization; /* prepared by SASLprep, if they can be */
	struct buf password, prepared;  /* as it came; prepared, if that is another one */
	bool bad_name, bad_password;    /* they cannot be */
	struct buf path, referral;
	enum entry_way way;
	enum pop3_mechanism mechanism;
	bool utf8;                      /* the client has said UTF8 */
	bool has_peer;
	struct tls_peer peer;           /* in arena */
	const struct person *owner;     /* of the certificate */
	const struct person *persons;   /* whom the name may mean */
	size_t count;
	bool verified[DIRECTORY_MATCHES_MAX], locked[DIRECTORY_MATCHES_MAX];
	bool trusted;
	unsigned tries;
	enum login_lock lock;
	const struct person *person;    /* the one who is let in */
	struct names_list names;        /* of person, for groups in access control lists */
	bool names_known;
	enum login_step step;
	enum pop3_login_result result;
	struct registry_entry *entry;
	struct mailbox *mailbox;
	char reason[512];
	char certificate_trouble[512];
	char address[];
};

/* login.c: the end of it, with a reason for the log. */
void login_done(struct login *l, enum pop3_login_result result);
__attribute__((format(printf, 3, 4)))
void login_refuse(struct login *l, enum pop3_login_result result, const char *format, ...);

/* login.c: about the certificate, for the log. */
__attribute__((format(printf, 2, 3)))
void login_blame_certificate(struct login *l, const char *format, ...);

/* verify.c; each sets the next step. */
STATUS verify_look_up(void *context);   /* true answers of the cache go on to decide_open */
STATUS verify_hash(void *context);
STATUS verify_count(void *context);

/* decide.c */
STATUS decide_open(void *context);

#endif

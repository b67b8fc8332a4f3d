/*
 * The seam between protocol and mail: the five things a session asks for. No
 * pointer into directory or store flows through it, so that network code and
 * mail access may one day live in two processes.
 *
 * Each call finishes at once (its status is the answer) or returns POP3_PENDING;
 * then the session parks, and pop3_session_resume brings the status. A result
 * parameter must stay valid until then; it is set on success only. A session has
 * at most one call under way. When it is freed meanwhile, close is called, and
 * nothing may be written through a result parameter after that.
 */
#ifndef POSTIL_POP3_SEAM_H
#define POSTIL_POP3_SEAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"

#define POP3_PENDING ((STATUS)0x3FFF)
#define POP3_UIDL_MAX 70

/* What a refused login may say. Before the password has verified, everything
 * is POP3_LOGIN_REFUSED. */
enum pop3_login_result {
	POP3_LOGIN_OK,
	POP3_LOGIN_REFUSED,             /* -ERR [AUTH] */
	POP3_LOGIN_IN_USE,              /* -ERR [IN-USE] */
	POP3_LOGIN_LIMIT,               /* -ERR [IN-USE] too many sessions of this user */
	POP3_LOGIN_NO_ACCESS,           /* -ERR [AUTH] not authorized to use the server */
	POP3_LOGIN_NO_RIGHTS,           /* -ERR [SYS/PERM] not authorized to read the mail file */
	POP3_LOGIN_WRONG_SERVER,        /* -ERR [SYS/PERM], or [REFERRAL/pop-URL] */
	POP3_LOGIN_NO_MAILFILE,         /* -ERR [SYS/PERM] */
	POP3_LOGIN_TROUBLE_TEMP,        /* -ERR [SYS/TEMP] */
	POP3_LOGIN_TROUBLE_PERM         /* -ERR [SYS/PERM] */
};

struct pop3_login_answer {
	enum pop3_login_result result;
	bool may_delete;
	uint32_t messages;
	uint64_t octets;
	const char *referral;           /* URL of the right server (RFC 2384); NULL: not told. Valid
	                                 * until pop3_session_resume, or login, has returned */
};

struct pop3_message_info {
	uint64_t size_octets, header_octets;
	bool needs_utf8;                /* is not read by a session that has not said UTF8 */
	uint8_t uidl_length;
	char uidl[POP3_UIDL_MAX];       /* the first uidl_length octets are set */
};

enum pop3_mechanism {
	POP3_MECHANISM_USER,            /* USER and PASS */
	POP3_MECHANISM_PLAIN,
	POP3_MECHANISM_EXTERNAL
};

#define POP3_AUTHORIZATION_OCTETS 1024

/* What a client claims, and how. authorization is empty, or the identity it wants to act as
 * (SASL): a login is good only if that names the same person. It is UTF-8 without controls
 * and has at most POP3_AUTHORIZATION_OCTETS. EXTERNAL brings neither name nor password. With
 * USER, where the session's door lets certificates in, any password is as good as any other. */
struct pop3_credentials {
	struct slice name, password, authorization;
	enum pop3_mechanism mechanism;
	bool utf8;                      /* UTF8 was said: messages come in the form that they were
	                                 * sent in, else in the one that all clients know */
};

struct pop3_seam {
	/* Check what is claimed and open the maildrop. The session wipes the
	 * credentials when the call has finished. NOERROR: see *answer_r. */
	STATUS (*login)(void *context, const struct pop3_credentials *credentials,
	                struct pop3_login_answer *answer_r);
	/* Numbers count from 1. Never pending, no I/O. */
	void (*info)(void *context, uint32_t number, struct pop3_message_info *info_r);
	/* Octets of a message from offset: at least one, at most size of them (size is
	 * never 0 and never reaches past the end of the message). They lie in memory
	 * of the seam and stay until the next call. After POSTIL_ERR_TIMEOUT or
	 * POSTIL_ERR_LOCK_LOST the maildrop is lost and the session ends. */
	STATUS (*read)(void *context, uint32_t number, uint64_t offset, size_t size,
	               struct slice *data_r);
	/* UPDATE: delete and mark, all or none. On NOERROR it has happened; on
	 * POSTIL_ERR_UNKNOWN_OUTCOME it may have; on all else it has not. The arrays
	 * hold numbers in rising order; both may be empty. Called once, as the last
	 * thing before close, and lets the maildrop go whatever the outcome: who has
	 * read the answer to QUIT finds it free. */
	STATUS (*commit)(void *context, const uint32_t *deleted, size_t deleted_count,
	                 const uint32_t *read, size_t read_count);
	/* The session is over (after commit or without): let go what is left. Called
	 * once after a successful login. */
	void (*close)(void *context);
};

#endif

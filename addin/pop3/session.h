/*
 * A POP3 session: octets in, octets out. It never sees a socket, a store or a
 * directory; login, list, read and commit go through the seam (seam.h). Unit
 * tests, dialogues, the fuzzer and connections all drive this same code.
 *
 *   AUTHORIZATION --USER/PASS, AUTH--> TRANSACTION --QUIT--> UPDATE --> end
 *      |     ^
 *      +-----+ STLS, a handshake: everything begins anew, without a greeting
 *
 * RFC 1939, 2449 (CAPA, response codes, pipelining), 2595 (STLS), 3206, 5034 (PLAIN, and
 * EXTERNAL of RFC 4422 appendix A), 6856 (UTF8, LANG).
 *
 * What a line may be: a keyword in any case, then arguments, each behind exactly
 * one space; spaces at the end of a line are passed over. What follows `USER `
 * and `PASS ` is one argument to the end of the line, spaces included, and may
 * hold octets above 127. A line ends with CRLF or a bare LF. NUL, CR and other
 * controls in it, or octets above 127 elsewhere, make the line an error. PASS
 * must follow USER immediately.
 */
#ifndef POSTIL_POP3_SESSION_H
#define POSTIL_POP3_SESSION_H

#include "addin/net/net.h"
#include "addin/pop3/language.h"
#include "addin/pop3/seam.h"
#include "base/buf.h"

struct pop3_session;

#define POP3_COMMAND_OCTETS 255         /* with line end, RFC 2449 */
#define POP3_AUTH_LINE_OCTETS 12288     /* RFC 5034 */
#define POP3_EXPIRE_NOT_TOLD (-1)       /* no EXPIRE tag */
#define POP3_EXPIRE_NEVER (-2)

/* How one may log in on this connection as it is now. If neither password nor certificate
 * counts, USER, PASS and AUTH are refused, USER before a password is sent. */
struct pop3_door {
	bool password;                  /* a password counts: USER and PASS, AUTH PLAIN */
	bool certificate;               /* the client's certificate alone lets in: AUTH EXTERNAL, or
	                                 * USER and PASS with any password; never with password */
	bool stls;                      /* STLS is possible: never once TLS has begun */
	bool stls_first;                /* nothing but CAPA, STLS and QUIT is answered before it */
	enum pop3_text refused;         /* what logins are told if nothing counts; TEXT_NOTHING: a
	                                 * usual text */
};

struct pop3_session_options {
	const char *greeting;           /* text of the first line sent */
	const char *implementation;     /* for CAPA; NULL hides it */
	struct pop3_door door;          /* at the beginning */
	unsigned max_bad_commands;      /* then closed; 0 = 20 */
	unsigned max_failed_logins;     /* then closed; 0 = 5 */
	int expire_days;                /* or POP3_EXPIRE_...; see CAPA in the manual */
	int login_delay_secs;           /* -1: no LOGIN-DELAY tag */
	unsigned mark_read;             /* POP3MarkRead 0, 1, 2 */
	enum pop3_language preferred;   /* what LANG * chooses */
};

/* All the memory of a session is its own; options and seam must outlive it. */
STATUS pop3_session_new(const struct pop3_session_options *options,
                        const struct pop3_seam *seam, void *seam_context,
                        struct pop3_session **session_r);
void pop3_session_free(struct pop3_session **session);  /* without QUIT: nothing deleted */

enum net_next pop3_session_open(struct pop3_session *s, struct buf *out);
/* Feed octets; *used_r tells how many were taken. See net_protocol.input. */
enum net_next pop3_session_input(struct pop3_session *s, struct slice in,
                                 size_t *used_r, struct buf *out);
enum net_next pop3_session_pull(struct pop3_session *s, struct buf *out);
/* A seam call that answered PENDING has finished with this status. */
enum net_next pop3_session_resume(struct pop3_session *s, STATUS status, struct buf *out);
/* After NET_START_TLS, which STLS answers, and the handshake: what was said in clear is
 * forgotten, and the door is this one. Only what counts against the client (bad commands,
 * failed logins) stays, and an ending of the service. Nothing is added to out. */
enum net_next pop3_session_secured(struct pop3_session *s, const struct pop3_door *door,
                                   struct buf *out);
/* The service is ending: the next command is answered -ERR [SYS/TEMP]. */
void pop3_session_ending(struct pop3_session *s);

enum pop3_state { POP3_AUTHORIZATION, POP3_TRANSACTION, POP3_UPDATE, POP3_ENDED };
enum pop3_state pop3_session_state(const struct pop3_session *s);

/* How a session came to its end, for the log. */
enum pop3_end {
	POP3_END_NONE,                  /* not by its own doing: the connection went */
	POP3_END_QUIT,                  /* QUIT, all done */
	POP3_END_COMMIT,                /* QUIT, but UPDATE failed: see status */
	POP3_END_READ,                  /* a message could not be read to its end */
	POP3_END_BAD_COMMANDS,
	POP3_END_BAD_LOGINS,
	POP3_END_SERVICE,               /* the service was ending */
	POP3_END_MEMORY
};
struct pop3_session_counts {
	uint32_t messages, retrieved, deleted;  /* deleted: committed by QUIT */
	uint64_t octets_retrieved;
	uint64_t lines;                 /* complete lines that came, good or bad */
	unsigned bad_commands, failed_logins;
	enum pop3_end end;
	STATUS end_status;
};
void pop3_session_counts(const struct pop3_session *s, struct pop3_session_counts *counts_r);

#endif

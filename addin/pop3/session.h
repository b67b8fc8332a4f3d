/*
 * A POP3 session: octets in, octets out. It never sees a socket, a store or a
 * directory; login, list, read and commit go through the seam (seam.h). Unit
 * tests, dialogues, the fuzzer and connections all drive this same code.
 *
 *   AUTHORIZATION --USER/PASS, AUTH--> TRANSACTION --QUIT--> UPDATE --> end
 *
 * RFC 1939, 2449 (CAPA, response codes, pipelining), 3206, 5034 (PLAIN).
 */
#ifndef POSTIL_POP3_SESSION_H
#define POSTIL_POP3_SESSION_H

#include "addin/net/net.h"
#include "addin/pop3/seam.h"
#include "base/buf.h"

struct pop3_session;

struct pop3_session_options {
	const char *greeting;           /* text after "+OK " */
	const char *implementation;     /* for CAPA; NULL hides it */
	bool login_allowed;             /* USER, PASS, AUTH PLAIN on this connection */
	const char *login_refused;      /* text if not, e.g. the Internet Site's */
	unsigned max_bad_commands;      /* then closed; default 20 */
	size_t max_line_octets;         /* 255 for commands, RFC 2449; AUTH lines 12,288 */
	int expire_days;                /* -1: no EXPIRE tag; see CAPA in the manual */
	int login_delay_secs;           /* -1: no LOGIN-DELAY tag */
	unsigned mark_read;             /* POP3MarkRead 0, 1, 2 */
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
/* The service is ending: the next command is answered -ERR [SYS/TEMP]. */
void pop3_session_ending(struct pop3_session *s);

enum pop3_state { POP3_AUTHORIZATION, POP3_TRANSACTION, POP3_UPDATE, POP3_ENDED };
enum pop3_state pop3_session_state(const struct pop3_session *s);
struct pop3_session_counts {
	uint32_t messages, retrieved, deleted;
	uint64_t octets_retrieved;
	unsigned bad_commands;
};
void pop3_session_counts(const struct pop3_session *s, struct pop3_session_counts *counts_r);

#endif

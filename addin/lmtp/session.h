/*
 * An LMTP session: octets in, octets out. It never sees a socket, a store or a directory; those
 * are asked through the seam (seam.h). Unit tests, dialogues, the fuzzer and connections all
 * drive this same code.
 *
 *   LHLO --> MAIL --> RCPT ... --> DATA, octets, CRLF . CRLF --> an answer for each recipient
 *                              `-> BDAT n, octets ... BDAT n LAST, octets --> the same
 *
 * RFC 2033 with 8BITMIME (6152), SMTPUTF8 (6531), SIZE (1870), PIPELINING (2920),
 * ENHANCEDSTATUSCODES (2034) and CHUNKING (3030, without BINARYMIME). A command line ends with
 * CRLF; one that a bare LF ends is refused.
 *
 * While more input is there already, messages that are whole are gathered, with the answers that
 * follow them, and delivered together (LMTP_GATHER_...): who sends whole transactions by BDAT one
 * behind the other pays for one sync of each mail file. An answer never comes before what it says.
 */
#ifndef POSTIL_LMTP_SESSION_H
#define POSTIL_LMTP_SESSION_H

#include "addin/lmtp/seam.h"
#include "addin/net/net.h"
#include "base/buf.h"

struct lmtp_session;

#define LMTP_COMMAND_OCTETS 4096        /* with line end: RFC 5321 asks for 512 and room for parameters */
#define LMTP_GATHER_MESSAGES 100
#define LMTP_GATHER_OCTETS (1024u * 1024)

struct lmtp_session_options {
	const char *greeting;           /* behind 220 */
	const char *host;               /* what LHLO is answered with */
	const char *spool_dir;          /* where large messages are kept; see message.h */
	size_t spool_octets;            /* 0: the default of message.h */
	uint64_t max_octets;            /* of a message */
	unsigned max_recipients;        /* of a message */
	size_t max_files;               /* mail files of a message */
	unsigned max_bad_commands;      /* then closed */
	bool quota_stays;               /* being over quota is answered 552, not 452 */
};

/* All the memory of a session is its own; options and seam must outlive it. */
STATUS lmtp_session_new(const struct lmtp_session_options *options, const struct lmtp_seam *seam,
                        void *seam_context, struct lmtp_session **session_r);
/* What has not been delivered is gone: it was never answered. */
void lmtp_session_free(struct lmtp_session **session);

enum net_next lmtp_session_open(struct lmtp_session *s, struct buf *out);
/* Feed octets; *used_r tells how many were taken. See net_protocol.input. */
enum net_next lmtp_session_input(struct lmtp_session *s, struct slice in, size_t *used_r,
                                 struct buf *out);
enum net_next lmtp_session_pull(struct lmtp_session *s, struct buf *out);
/* A seam call that answered PENDING has finished with this status. */
enum net_next lmtp_session_resume(struct lmtp_session *s, STATUS status, struct buf *out);
/* The service is ending: the next command is answered 421. */
void lmtp_session_ending(struct lmtp_session *s);
bool lmtp_session_has_greeted(const struct lmtp_session *s);    /* LHLO has been said */

enum lmtp_end {
	LMTP_END_NONE,                  /* not by its own doing: the connection went */
	LMTP_END_QUIT,
	LMTP_END_BAD_COMMANDS,
	LMTP_END_SERVICE,               /* the service was ending */
	LMTP_END_MEMORY
};
struct lmtp_session_counts {
	uint64_t messages;              /* that came whole */
	uint64_t delivered, failed;     /* recipients of them, answered 250, or not */
	uint64_t refused;               /* RCPTs refused */
	uint64_t octets;                /* of the messages */
	unsigned bad_commands;
	enum lmtp_end end;
};
void lmtp_session_counts(const struct lmtp_session *s, struct lmtp_session_counts *counts_r);

#endif

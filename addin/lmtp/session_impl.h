/*
 * The inside of a session, shared by the files that make it up:
 *
 *   session.c    life, the loop over input, what to do when a call has finished
 *   line.c       command lines out of octets
 *   command.c    keywords and the short commands
 *   argument.c   what stands behind MAIL and RCPT
 *   envelope.c   MAIL, RCPT, RSET
 *   receive.c    DATA and BDAT: octets of a message
 *   dots.c       where a message of DATA ends
 *   gather.c     whole messages: delivered together, answered in order
 *   batch.c      messages as they are handed over
 *   reply.c      the words of every answer
 */
#ifndef POSTIL_LMTP_SESSION_IMPL_H
#define POSTIL_LMTP_SESSION_IMPL_H

#include "addin/lmtp/dots.h"
#include "addin/lmtp/line.h"
#include "addin/lmtp/reply.h"
#include "addin/lmtp/session.h"

enum lmtp_state {
	LMTP_COMMANDS,                  /* the next octets are a command */
	LMTP_DATA,                      /* a message, up to its end */
	LMTP_CHUNK,                     /* so many octets of BDAT */
	LMTP_ENDED
};

enum lmtp_waiting { WAIT_NOTHING, WAIT_FIND, WAIT_DELIVER };

struct lmtp_session {
	const struct lmtp_session_options *options;
	struct intake_options intake;
	const struct lmtp_seam *seam;
	void *seam_context;
	enum lmtp_state state;
	enum lmtp_waiting waiting;
	struct line_reader reader;
	bool greeted, ending;
	/* The transaction */
	struct lmtp_message *message;   /* between MAIL and its end */
	bool chunking;                  /* it has begun with BDAT */
	bool chunk_failed;              /* a chunk of it has been refused: the rest is, too */
	char *address;                  /* of the RCPT that is looked up */
	struct lmtp_found found;
	/* Octets under way */
	struct dots dots;
	uint64_t chunk_left;
	uint64_t chunk_octets;
	bool chunk_last;
	const struct reply *chunk_refusal;      /* not NULL: its octets are passed over */
	/* Whole messages */
	struct lmtp_batch *batch;       /* NULL: none; also while it is delivered */
	size_t gathered_octets;         /* of answers that wait behind them */
	size_t gathered_recipients;
	struct buf fallback;            /* while it is delivered: the answers if it never comes back */
	struct lmtp_session_counts counts;
};

enum net_next session_end(struct lmtp_session *s, enum lmtp_end why);
/* Where answers go now: behind those of messages that wait. */
struct buf *session_out(struct lmtp_session *s, struct buf *out);
/* An answer. */
enum net_next session_say(struct lmtp_session *s, const struct reply *reply, struct buf *out);
/* An answer to what counts against the peer. */
enum net_next session_bad(struct lmtp_session *s, const struct reply *reply, struct buf *out);

/* The same, where it is not known any more what the peer's next octets are: the session ends. */
enum net_next session_lost(struct lmtp_session *s, const struct reply *reply, struct buf *out);

/* A whole line. *again_r: it must be shown again when what was gathered is delivered. */
enum net_next command_run(struct lmtp_session *s, struct slice line, struct buf *out, bool *again_r);

enum net_next envelope_mail(struct lmtp_session *s, struct slice argument, struct buf *out);
enum net_next envelope_rcpt(struct lmtp_session *s, struct slice argument, struct buf *out);
enum net_next envelope_found(struct lmtp_session *s, STATUS status, struct buf *out);
void envelope_reset(struct lmtp_session *s);

enum net_next receive_data(struct lmtp_session *s, struct slice argument, struct buf *out);
enum net_next receive_bdat(struct lmtp_session *s, struct slice argument, struct buf *out);
/* Octets in the states DATA and CHUNK. */
enum net_next receive_octets(struct lmtp_session *s, struct slice in, size_t *used_r, struct buf *out);

/* The message of the transaction is whole. */
enum net_next gather_add(struct lmtp_session *s, struct buf *out);
bool gather_waits(const struct lmtp_session *s);        /* are there messages? */
bool gather_is_full(const struct lmtp_session *s);
/* Deliver what has been gathered and answer. */
enum net_next gather_deliver(struct lmtp_session *s, struct buf *out);
enum net_next gather_delivered(struct lmtp_session *s, STATUS status, struct buf *out);

#endif

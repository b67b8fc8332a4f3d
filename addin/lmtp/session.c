/*
 * The life of a session and its loop over input. Distrusts every octet of the peer.
 */
#include <stdlib.h>

#include "addin/lmtp/session_impl.h"

STATUS lmtp_session_new(const struct lmtp_session_options *options, const struct lmtp_seam *seam,
                        void *seam_context, struct lmtp_session **session_r)
{
	struct lmtp_session *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return POSTIL_ERR_MEMORY;
	s->options = options;
	s->intake = (struct intake_options){ .spool_dir = options->spool_dir,
		.spool_octets = options->spool_octets, .max_octets = options->max_octets };
	s->seam = seam;
	s->seam_context = seam_context;
	*session_r = s;
	return NOERROR;
}

void lmtp_session_free(struct lmtp_session **session)
{
	struct lmtp_session *s = *session;

	if (s == NULL)
		return;
	envelope_reset(s);
	lmtp_batch_free(&s->batch);
	buf_release(&s->fallback);
	free(s);
	*session = NULL;
}

enum net_next session_end(struct lmtp_session *s, enum lmtp_end why)
{
	s->state = LMTP_ENDED;
	s->waiting = WAIT_NOTHING;
	s->counts.end = why;
	return NET_CLOSE;
}

struct buf *session_out(struct lmtp_session *s, struct buf *out)
{
	return gather_waits(s) ? &s->batch->last->after : out;
}

enum net_next session_say(struct lmtp_session *s, const struct reply *reply, struct buf *out)
{
	struct buf *to = session_out(s, out);
	size_t before = to->n;

	reply_add(to, reply);
	if (to != out)
		s->gathered_octets += to->n - before;
	return NET_CONTINUE;
}

enum net_next session_bad(struct lmtp_session *s, const struct reply *reply, struct buf *out)
{
	session_say(s, reply, out);
	if (++s->counts.bad_commands < s->options->max_bad_commands)
		return NET_CONTINUE;
	if (gather_waits(s))            /* told when what came before it is answered */
		return gather_deliver(s, out);
	reply_add(out, &reply_too_many_errors);
	return session_end(s, LMTP_END_BAD_COMMANDS);
}

enum net_next session_lost(struct lmtp_session *s, const struct reply *reply, struct buf *out)
{
	if (s->counts.bad_commands + 1 < s->options->max_bad_commands)
		s->counts.bad_commands = s->options->max_bad_commands - 1;
	return session_bad(s, reply, out);
}

/* An answer that could not be built whole must not be followed by another. */
static enum net_next checked(struct lmtp_session *s, struct buf *out, enum net_next next)
{
	if (buf_status(out) != NOERROR)
		return session_end(s, LMTP_END_MEMORY);
	return next;
}

enum net_next lmtp_session_open(struct lmtp_session *s, struct buf *out)
{
	reply_greeting(out, s->options->greeting);
	return checked(s, out, NET_CONTINUE);
}

static enum net_next line_came(struct lmtp_session *s, enum line_result result, struct slice line,
                               struct buf *out, bool *again_r)
{
	if (s->ending) {
		if (gather_waits(s)) {
			*again_r = true;
			return gather_deliver(s, out);
		}
		reply_add(out, &reply_ending);
		return session_end(s, LMTP_END_SERVICE);
	}
	if (result == LINE_TOO_LONG)
		return session_bad(s, &reply_line_too_long, out);
	if (result == LINE_BARE)
		return session_bad(s, &reply_bare_line, out);
	return command_run(s, line, out, again_r);
}

/* The next line, if there is a whole one. *more_r: there is not. */
static enum net_next next_line(struct lmtp_session *s, struct slice in, size_t *used_r,
                               struct buf *out, bool *more_r)
{
	struct slice line = { NULL, 0 };
	enum line_result result = line_next(&s->reader, in, LMTP_COMMAND_OCTETS, &line, used_r);
	enum net_next next = NET_CONTINUE;
	bool again = false;

	*more_r = result == LINE_MORE;
	if (result != LINE_MORE && result != LINE_SKIPPED)
		next = line_came(s, result, line, out, &again);
	if (again) {
		*used_r = 0;
		s->reader.skipping = false;
	}
	return next;
}

/* Nothing more can be done with what has come. */
static enum net_next run_dry(struct lmtp_session *s, struct buf *out)
{
	if (gather_waits(s) && !s->seam->has_more(s->seam_context))
		return gather_deliver(s, out);
	return NET_CONTINUE;
}

enum net_next lmtp_session_input(struct lmtp_session *s, struct slice in, size_t *used_r,
                                 struct buf *out)
{
	enum net_next next = NET_CONTINUE;
	size_t used = 0;
	bool more = in.n == 0;

	*used_r = 0;
	if (s->state == LMTP_ENDED)
		return NET_CLOSE;
	if (s->waiting != WAIT_NOTHING)
		return NET_PARKED;
	while (next == NET_CONTINUE && !more) {
		struct slice rest = { in.p + used, in.n - used };
		size_t took = 0;

		if (out->n >= NET_PIECE) {
			next = NET_PULL;        /* let the peer take what is there before more is made */
			break;
		}
		if (s->state == LMTP_COMMANDS)
			next = next_line(s, rest, &took, out, &more);
		else
			next = receive_octets(s, rest, &took, out);
		used += took;
		more = more || used == in.n;
	}
	if (next == NET_CONTINUE)
		next = run_dry(s, out);
	*used_r = used;
	return checked(s, out, next);
}

enum net_next lmtp_session_pull(struct lmtp_session *s, struct buf *out)
{
	return s->state == LMTP_ENDED ? NET_CLOSE
	       : s->waiting != WAIT_NOTHING ? NET_PARKED : NET_CONTINUE;
}

enum net_next lmtp_session_resume(struct lmtp_session *s, STATUS status, struct buf *out)
{
	enum lmtp_waiting waited = s->waiting;
	enum net_next next;

	s->waiting = WAIT_NOTHING;
	switch (waited) {
	case WAIT_FIND:
		next = envelope_found(s, status, out);
		return checked(s, out, next == NET_CONTINUE ? run_dry(s, out) : next);
	case WAIT_DELIVER:
		return checked(s, out, gather_delivered(s, status, out));
	case WAIT_NOTHING:
		break;
	}
	return s->state == LMTP_ENDED ? NET_CLOSE : NET_CONTINUE;
}

void lmtp_session_ending(struct lmtp_session *s)
{
	s->ending = true;
}

bool lmtp_session_has_greeted(const struct lmtp_session *s)
{
	return s->greeted;
}

void lmtp_session_counts(const struct lmtp_session *s, struct lmtp_session_counts *counts_r)
{
	*counts_r = s->counts;
}

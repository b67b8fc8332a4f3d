/*
 * Whole messages: gathered while more input is there, delivered together, answered in order.
 *
 *   batch:  message 1 [answers that came behind it]  message 2 [...]
 *
 * The answers to the recipients of a message stand before those that came behind it, so the peer
 * sees the order in which it has asked.
 */
#include "addin/lmtp/session_impl.h"

#include <stdlib.h>

#define ANSWERS_OCTETS (32u * 1024)     /* that wait at most, and one more */
#define RECIPIENTS_MAX 2000             /* of all that wait, and one message more */

bool gather_waits(const struct lmtp_session *s)
{
	return s->batch != NULL && s->batch->count > 0;
}

bool gather_is_full(const struct lmtp_session *s)
{
	return gather_waits(s) && (s->batch->count >= LMTP_GATHER_MESSAGES ||
		s->batch->octets >= LMTP_GATHER_OCTETS || s->gathered_octets >= ANSWERS_OCTETS ||
		s->gathered_recipients >= RECIPIENTS_MAX);
}

enum net_next gather_add(struct lmtp_session *s, struct buf *out)
{
	if (s->batch == NULL)
		s->batch = lmtp_batch_new();
	if (s->batch == NULL) {
		reply_add(out, &reply_no_memory);
		return session_end(s, LMTP_END_MEMORY);
	}
	if (s->message->intake == NULL && s->message->broken == NOERROR)        /* not one octet */
		lmtp_message_octets(s->message, &s->intake, (struct slice){ "", 0 });
	s->counts.messages++;
	s->counts.octets += s->message->octets;
	s->gathered_recipients += s->message->count;
	lmtp_batch_add(s->batch, s->message);
	s->message = NULL;
	s->chunking = false;
	return gather_is_full(s) ? gather_deliver(s, out) : NET_CONTINUE;
}

/* --- answers ----------------------------------------------------------------------------- */

static const struct reply *reply_to(const struct lmtp_session *s, const struct lmtp_message *m,
                                    size_t recipient)
{
	return reply_of_status(m->broken != NOERROR ? m->broken : m->recipients[recipient].status,
	                       s->options->quota_stays);
}

static void answer(struct lmtp_session *s, const struct lmtp_message *m, struct buf *out)
{
	for (size_t i = 0; i < m->count; i++) {
		const struct reply *reply = reply_to(s, m, i);

		reply_add(out, reply);
		if (reply->code == 250)
			s->counts.delivered++;
		else
			s->counts.failed++;
	}
	buf_add_slice(out, buf_slice(&m->after));
	if (buf_status(&m->after) != NOERROR)
		out->broken = buf_status(&m->after);
}

/* Should the batch never come back. */
static void make_fallback(struct lmtp_session *s)
{
	buf_clear(&s->fallback);
	for (const struct lmtp_message *m = s->batch->first; m != NULL; m = m->next) {
		for (size_t i = 0; i < m->count; i++)
			reply_add(&s->fallback, reply_of_status(m->broken != NOERROR ? m->broken
			                                        : POSTIL_ERR_TIMEOUT, s->options->quota_stays));
		buf_add_slice(&s->fallback, buf_slice(&m->after));
	}
}

/* What made the session end was said behind messages that waited. */
static enum net_next end_if_bad(struct lmtp_session *s, struct buf *out)
{
	if (s->counts.bad_commands < s->options->max_bad_commands)
		return NET_CONTINUE;
	reply_add(out, &reply_too_many_errors);
	return session_end(s, LMTP_END_BAD_COMMANDS);
}

/* --- delivery -------------------------------------------------------------------------------- */

enum net_next gather_deliver(struct lmtp_session *s, struct buf *out)
{
	STATUS status;

	make_fallback(s);
	s->waiting = WAIT_DELIVER;
	status = s->seam->deliver(s->seam_context, &s->batch);
	if (status == LMTP_PENDING)
		return NET_PARKED;
	s->waiting = WAIT_NOTHING;
	return gather_delivered(s, status, out);
}

enum net_next gather_delivered(struct lmtp_session *s, STATUS status, struct buf *out)
{
	if (status == NOERROR && s->batch != NULL) {
		for (const struct lmtp_message *m = s->batch->first; m != NULL; m = m->next)
			answer(s, m, out);
	} else {
		buf_add_slice(out, buf_slice(&s->fallback));
		s->counts.failed += s->gathered_recipients;
	}
	lmtp_batch_free(&s->batch);
	buf_release(&s->fallback);
	s->gathered_octets = s->gathered_recipients = 0;
	return end_if_bad(s, out);
}

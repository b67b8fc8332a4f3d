/*
 * Octets of a message: by DATA, up to a line with nothing but a dot, or by BDAT, so many. They
 * are anything; those of a message that is refused are taken and passed over, so that a peer
 * that has sent on is still understood.
 */
#include "addin/lmtp/session_impl.h"

#include <string.h>

#include "base/text.h"

static void take_octets(void *context, struct slice octets)
{
	struct lmtp_session *s = context;

	lmtp_message_octets(s->message, &s->intake, octets);
}

/* --- DATA ---------------------------------------------------------------------------- */

enum net_next receive_data(struct lmtp_session *s, struct slice argument, struct buf *out)
{
	if (argument.n > 0)
		return session_bad(s, &reply_no_argument, out);
	if (s->message == NULL)
		return session_bad(s, &reply_no_mail, out);
	if (s->chunking)
		return session_bad(s, &reply_bdat_begun, out);
	if (s->message->count == 0)
		return session_bad(s, &reply_no_recipients, out);
	s->state = LMTP_DATA;
	s->dots = (struct dots){ DOTS_START };
	reply_add(out, &reply_go_ahead);
	return NET_CONTINUE;
}

/* --- BDAT ---------------------------------------------------------------------------- */

/* "123" or "123 LAST" */
static bool read_argument(struct slice argument, uint64_t *octets_r, bool *last_r)
{
	const char *space = memchr(argument.p, ' ', argument.n);
	struct slice number = { argument.p, space != NULL ? (size_t)(space - argument.p) : argument.n };
	struct slice rest = { argument.p + number.n, argument.n - number.n };

	*last_r = rest.n > 0;
	return text_number(number, INT64_MAX, octets_r) &&
	       (rest.n == 0 || slice_equal_nocase(rest, SLICE_LIT(" LAST")));
}

/* Why the chunk cannot be taken; NULL: it can. */
static const struct reply *refusal(const struct lmtp_session *s)
{
	if (!s->greeted)
		return &reply_hello_first;
	if (s->message == NULL)
		return &reply_no_mail;
	return s->message->count == 0 ? &reply_no_recipients : NULL;
}

static enum net_next chunk_done(struct lmtp_session *s, struct buf *out);

enum net_next receive_bdat(struct lmtp_session *s, struct slice argument, struct buf *out)
{
	uint64_t octets;
	bool last;

	if (!read_argument(argument, &octets, &last))
		return session_lost(s, &reply_bdat_argument, out);
	s->chunk_refusal = refusal(s);
	s->chunk_left = s->chunk_octets = octets;
	s->chunk_last = last;
	if (s->chunk_refusal == NULL)
		s->chunking = true;
	s->state = LMTP_CHUNK;
	return octets == 0 ? chunk_done(s, out) : NET_CONTINUE;
}

/* A chunk that did not fit refuses the message; the answer to the last one is still one for each
 * recipient. */
static enum net_next chunk_done(struct lmtp_session *s, struct buf *out)
{
	struct buf *to = session_out(s, out);
	size_t before = to->n;

	s->state = LMTP_COMMANDS;
	if (s->chunk_refusal != NULL)
		return session_bad(s, s->chunk_refusal, out);
	if (s->chunk_last)
		return gather_add(s, out);
	if (s->message->broken != NOERROR)
		return session_say(s, reply_of_status(s->message->broken, s->options->quota_stays), out);
	reply_chunk(to, s->chunk_octets);
	if (to != out)
		s->gathered_octets += to->n - before;
	return NET_CONTINUE;
}

static enum net_next take_chunk(struct lmtp_session *s, struct slice in, size_t *used_r,
                                struct buf *out)
{
	size_t n = in.n < s->chunk_left ? in.n : (size_t)s->chunk_left;

	if (s->chunk_refusal == NULL)
		take_octets(s, (struct slice){ in.p, n });
	s->chunk_left -= n;
	*used_r = n;
	return s->chunk_left == 0 ? chunk_done(s, out) : NET_CONTINUE;
}

enum net_next receive_octets(struct lmtp_session *s, struct slice in, size_t *used_r, struct buf *out)
{
	if (s->state == LMTP_CHUNK)
		return take_chunk(s, in, used_r, out);
	if (!dots_feed(&s->dots, in, used_r, take_octets, s))
		return NET_CONTINUE;
	s->state = LMTP_COMMANDS;
	return gather_add(s, out);
}

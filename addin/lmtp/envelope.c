/*
 * MAIL and RCPT: who sends, and to whom. Addresses are a stranger's; recipients that are refused
 * cost no memory.
 */
#include "addin/lmtp/session_impl.h"

#include <stdlib.h>
#include <string.h>

void envelope_reset(struct lmtp_session *s)
{
	lmtp_message_free(&s->message);
	s->chunking = s->chunk_failed = false;
	free(s->address);
	s->address = NULL;
	free(s->found.recipient);
	s->found.recipient = NULL;
}

static enum net_next out_of_memory(struct lmtp_session *s, struct buf *out)
{
	reply_add(out, &reply_no_memory);
	return session_end(s, LMTP_END_MEMORY);
}

enum net_next envelope_mail(struct lmtp_session *s, struct slice text, struct buf *out)
{
	struct argument argument;
	enum argument_fault fault;

	if (s->message != NULL)
		return session_bad(s, &reply_mail_given, out);
	fault = argument_parse(text, true, false, &argument);
	if (fault != ARGUMENT_GOOD)
		return session_bad(s, reply_of_argument(fault, true), out);
	if (argument.has_size && argument.size > s->options->max_octets)
		return session_say(s, &reply_too_large, out);
	s->message = lmtp_message_new(argument.address, argument.smtputf8);
	if (s->message == NULL)
		return out_of_memory(s, out);
	s->intake.smtputf8 = argument.smtputf8;
	return session_say(s, &reply_mail_ok, out);
}

static bool has_room(const struct lmtp_session *s, size_t files)
{
	return s->message->count < s->options->max_recipients &&
	       files <= s->options->max_files - s->message->files;
}

enum net_next envelope_rcpt(struct lmtp_session *s, struct slice text, struct buf *out)
{
	struct argument argument;
	enum argument_fault fault;
	STATUS status;

	if (s->message == NULL)
		return session_bad(s, &reply_no_mail, out);
	if (s->chunking)
		return session_bad(s, &reply_bdat_begun, out);
	fault = argument_parse(text, false, s->message->smtputf8, &argument);
	if (fault != ARGUMENT_GOOD) {
		s->counts.refused++;
		return session_bad(s, reply_of_argument(fault, false), out);
	}
	if (!has_room(s, 1)) {
		s->counts.refused++;
		return session_say(s, &reply_too_many_recipients, out);
	}
	s->address = strndup(argument.address.p, argument.address.n);
	if (s->address == NULL)
		return out_of_memory(s, out);
	s->found = (struct lmtp_found){ .recipient = NULL };
	s->waiting = WAIT_FIND;
	status = s->seam->find(s->seam_context, slice_of(s->address), &s->found);
	if (status == LMTP_PENDING)
		return NET_PARKED;
	s->waiting = WAIT_NOTHING;
	return envelope_found(s, status, out);
}

static const struct reply *take(struct lmtp_session *s)
{
	if (s->found.result != RECIPIENT_FOUND)
		return reply_of_result(s->found.result);
	if (!has_room(s, s->found.recipient->count))
		return &reply_too_many_recipients;
	if (lmtp_message_add(s->message, slice_of(s->address), s->found.recipient) != NOERROR)
		return reply_of_status(POSTIL_ERR_MEMORY, false);
	s->found.recipient = NULL;
	return reply_of_result(RECIPIENT_FOUND);
}

enum net_next envelope_found(struct lmtp_session *s, STATUS status, struct buf *out)
{
	const struct reply *reply = status == NOERROR ? take(s) : reply_of_result(RECIPIENT_TROUBLE);

	free(s->found.recipient);
	s->found.recipient = NULL;
	free(s->address);
	s->address = NULL;
	s->counts.refused += reply->code != 250;
	return session_say(s, reply, out);
}

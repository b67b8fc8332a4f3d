/*
 * LIST and UIDL: one line per message that is not marked deleted, made while
 * the client takes them. UIDLs come from a file and are checked before they go out.
 */
#include "addin/pop3/session_impl.h"

#include <string.h>

/* number, space, size or UIDL, CRLF */
#define LINE_OCTETS (10 + 1 + POP3_UIDL_MAX + 2)

static char *put_number(char *p, uint64_t value)
{
	char digits[20];
	size_t n = 0;

	do {
		digits[n++] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	while (n > 0)
		*p++ = digits[--n];
	return p;
}

/* A UIDL that RFC 1939 does not allow would break the answer: none is shown. */
static struct slice uidl_of(const struct pop3_message_info *info)
{
	struct slice uidl = { info->uidl, info->uidl_length };

	if (uidl.n > POP3_UIDL_MAX)
		return SLICE_LIT("");
	for (size_t i = 0; i < uidl.n; i++)
		if (uidl.p[i] < 0x21 || uidl.p[i] > 0x7E)
			return SLICE_LIT("");
	return uidl;
}

static void put_line(struct buf *out, enum answer_kind kind, uint32_t number,
                     const struct pop3_message_info *info)
{
	char line[LINE_OCTETS], *p = put_number(line, number);

	*p++ = ' ';
	if (kind == ANSWER_LIST) {
		p = put_number(p, info->size_octets);
	} else {
		struct slice uidl = uidl_of(info);

		memcpy(p, uidl.p, uidl.n);
		p += uidl.n;
	}
	*p++ = '\r';
	*p++ = '\n';
	buf_add(out, line, (size_t)(p - line));
}

/* POP3MarkRead 1: any access marks. Without memory the mark is lost, no more. */
static void mark(struct pop3_session *s, uint32_t number)
{
	if (s->options->mark_read == 1)
		session_mark(s, &s->read, number);
}

enum net_next list_pull(struct pop3_session *s, struct buf *out)
{
	struct pop3_message_info info;

	while (s->answer.number <= s->counts.messages) {
		uint32_t number = s->answer.number;

		if (out->n >= NET_PIECE)
			return NET_PULL;
		s->answer.number++;
		if (session_is_deleted(s, number))
			continue;
		s->seam->info(s->seam_context, number, &info);
		put_line(out, s->answer.kind, number, &info);
		mark(s, number);
	}
	s->answer.kind = ANSWER_NONE;
	reply_end(out);
	return NET_CONTINUE;
}

static enum net_next one(struct pop3_session *s, enum answer_kind kind, struct slice arg,
                         struct buf *out)
{
	struct pop3_message_info info;
	enum net_next next;
	uint32_t number;

	if (!command_message(s, arg, out, &number, &next))
		return next;
	s->seam->info(s->seam_context, number, &info);
	if (kind == ANSWER_LIST)
		reply_numbers(out, number, info.size_octets);
	else
		reply_number_text(out, number, uidl_of(&info));
	mark(s, number);
	return NET_CONTINUE;
}

static enum net_next start(struct pop3_session *s, enum answer_kind kind,
                           const struct slice *args, size_t count, struct buf *out)
{
	if (count == 1)
		return one(s, kind, args[0], out);
	s->answer = (struct answer){ .kind = kind, .number = 1 };
	reply_maildrop(out, s->language, s->live, s->live_octets);
	return list_pull(s, out);
}

enum net_next list_list(struct pop3_session *s, const struct slice *args, size_t count,
                        struct buf *out)
{
	return start(s, ANSWER_LIST, args, count, out);
}

enum net_next list_uidl(struct pop3_session *s, const struct slice *args, size_t count,
                        struct buf *out)
{
	return start(s, ANSWER_UIDL, args, count, out);
}

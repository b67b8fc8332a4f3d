/*
 * RETR and TOP: a message as it lies in the store, its lines that start with a
 * dot stuffed, piece by piece as the client takes them. Distrusts the octets and
 * what is said about their number: an answer that cannot be given whole ends the
 * connection instead of looking complete.
 */
#include "addin/pop3/session_impl.h"

#include <string.h>

#define TOP_SLACK_OCTETS 4096

/* How many octets to ask for: TOP wants the header and a few lines, not all. */
static size_t want(const struct answer *a)
{
	uint64_t most = NET_PIECE, left = a->end - a->offset;

	if (a->top)
		most = (a->offset < a->header ? a->header - a->offset : 0) + TOP_SLACK_OCTETS;
	if (most > NET_PIECE)
		most = NET_PIECE;
	return (size_t)(left < most ? left : most);
}

/* TOP: how much of data belongs to the answer; the end is set when it is found. */
static size_t top_cut(struct answer *a, struct slice data)
{
	size_t at = 0;

	if (a->offset < a->header) {
		if (a->header - a->offset >= data.n)
			return data.n;
		at = (size_t)(a->header - a->offset);
	}
	while (a->lines > 0 && at < data.n) {
		const char *end = memchr(data.p + at, '\n', data.n - at);

		if (end == NULL)
			return data.n;
		at = (size_t)(end - data.p) + 1;
		a->lines--;
	}
	if (a->lines == 0)
		a->end = a->offset + at;
	return at;
}

/* Double each dot that begins a line; dots are rarer than line ends. Whether there
 * is any is not asked of the store: with a damaged mark, mail could speak for us. */
static void add_stuffed(struct buf *out, struct slice data, bool line_start)
{
	const char *p = data.p, *end = data.p + data.n, *from = p;

	while (p < end && (p = memchr(p, '.', (size_t)(end - p))) != NULL) {
		if (p == data.p ? line_start : p[-1] == '\n') {
			buf_add(out, from, (size_t)(p - from) + 1);
			from = p;
		}
		p++;
	}
	buf_add(out, from, (size_t)(end - from));
}

static void add_data(struct answer *a, struct slice data, struct buf *out)
{
	bool after_cr = a->ended_cr;

	if (data.n == 0)
		return;
	add_stuffed(out, data, a->line_start);
	if (data.n > 1)
		after_cr = data.p[data.n - 2] == '\r';
	a->line_start = data.p[data.n - 1] == '\n';
	a->line_ended = a->line_start && after_cr;
	a->ended_cr = data.p[data.n - 1] == '\r';
	a->offset += data.n;
}

static enum net_next finish(struct pop3_session *s, struct buf *out)
{
	struct answer *a = &s->answer;

	if (!a->line_ended)
		buf_add(out, "\r\n", 2);
	reply_end(out);
	if (!a->top) {
		s->counts.retrieved++;
		s->counts.octets_retrieved += a->end;
	}
	if (s->options->mark_read != 0)
		session_mark(s, &s->read, a->number);
	a->kind = ANSWER_NONE;
	return NET_CONTINUE;
}

static enum net_next fail(struct pop3_session *s, STATUS status, struct buf *out)
{
	bool told = s->answer.told;

	s->answer.kind = ANSWER_NONE;
	if (!told)
		reply_read_failed(out, s->language, status);
	if (told || status == POSTIL_ERR_LOCK_LOST || status == POSTIL_ERR_TIMEOUT)
		return session_end(s, POP3_END_READ, status);
	return NET_CONTINUE;
}

static void tell(struct pop3_session *s, struct buf *out)
{
	struct answer *a = &s->answer;

	if (a->top)
		reply_say(out, s->language, TEXT_TOP);
	else
		reply_octets(out, s->language, a->end);
	a->told = true;
}

/* What a read brought. NET_CONTINUE: it has been added to the answer. */
static enum net_next take(struct pop3_session *s, STATUS status, struct buf *out)
{
	struct answer *a = &s->answer;
	struct slice data = s->data;

	s->data = SLICE_LIT("");
	if (status == NOERROR && (data.n == 0 || data.n > a->end - a->offset))
		status = POSTIL_ERR_DAMAGED;
	if (status != NOERROR)
		return fail(s, status, out);
	if (!a->told)
		tell(s, out);
	if (a->top)
		data.n = top_cut(a, data);
	add_data(a, data, out);
	return NET_CONTINUE;
}

enum net_next retr_pull(struct pop3_session *s, struct buf *out)
{
	struct answer *a = &s->answer;

	while (a->offset < a->end) {
		STATUS status;

		if (out->n >= NET_PIECE)
			return NET_PULL;
		status = s->seam->read(s->seam_context, a->number, a->offset, want(a), &s->data);
		if (status == POP3_PENDING) {
			s->waiting = WAIT_READ;
			return NET_PARKED;
		}
		enum net_next next = take(s, status, out);

		if (next != NET_CONTINUE || a->kind == ANSWER_NONE)
			return next;
	}
	if (!a->told)
		tell(s, out);
	return finish(s, out);
}

enum net_next retr_finished(struct pop3_session *s, STATUS status, struct buf *out)
{
	enum net_next next = take(s, status, out);

	if (next != NET_CONTINUE || s->answer.kind == ANSWER_NONE)
		return next;
	return retr_pull(s, out);
}

/* false: it has been answered that there is nothing to send. */
static bool begin(struct pop3_session *s, uint32_t number, struct buf *out)
{
	struct pop3_message_info info;

	s->seam->info(s->seam_context, number, &info);
	if (info.needs_utf8 && !s->utf8) {
		reply_error(out, s->language, CODE_UTF8, TEXT_NEEDS_UTF8);
		return false;
	}
	s->answer = (struct answer){
		.kind = ANSWER_BODY, .number = number,
		.line_start = true, .line_ended = true, .end = info.size_octets,
		.header = info.header_octets < info.size_octets ? info.header_octets
		                                                : info.size_octets,
	};
	return true;
}

enum net_next retr_retr(struct pop3_session *s, const struct slice *args, size_t count,
                        struct buf *out)
{
	enum net_next next;
	uint32_t number;

	if (!command_message(s, args[0], out, &number, &next))
		return next;
	if (!begin(s, number, out))
		return NET_CONTINUE;
	return retr_pull(s, out);
}

enum net_next retr_top(struct pop3_session *s, const struct slice *args, size_t count,
                       struct buf *out)
{
	uint64_t lines = 0;
	enum pop3_text wrong = command_number(args[1], &lines);
	enum net_next next;
	uint32_t number;

	if (wrong != TEXT_NOTHING)
		return command_bad(s, out, wrong);
	if (!command_message(s, args[0], out, &number, &next))
		return next;
	if (!begin(s, number, out))
		return NET_CONTINUE;
	s->answer.top = true;
	s->answer.lines = lines;
	if (lines == 0)
		s->answer.end = s->answer.header;
	return retr_pull(s, out);
}

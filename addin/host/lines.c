/* Lines out of a stream. Distrusts its source: a line without end is cut. */
#include "addin/host/lines.h"

#include <string.h>

#include "base/banned.h"

void line_reader_init(struct line_reader *reader)
{
	buf_init(&reader->rest, LINE_MAX_OCTETS + 1);
}

void line_reader_release(struct line_reader *reader)
{
	buf_release(&reader->rest);
}

static void emit(struct line_reader *reader, struct slice last,
                 void (*line)(void *context, struct slice text), void *context)
{
	struct slice whole = last;

	if (reader->rest.n > 0) {
		buf_add_slice(&reader->rest, last);
		whole = buf_slice(&reader->rest);
	}
	if (whole.n > 0 && whole.p[whole.n - 1] == '\r')
		whole.n--;
	line(context, whole);
	buf_clear(&reader->rest);
}

void line_reader_feed(struct line_reader *reader, struct slice octets,
                      void (*line)(void *context, struct slice text), void *context)
{
	while (octets.n > 0) {
		size_t room = LINE_MAX_OCTETS - reader->rest.n;
		size_t n = octets.n < room ? octets.n : room;
		const char *end = memchr(octets.p, '\n', n);
		size_t taken = end != NULL ? (size_t)(end - octets.p) : n;

		if (end != NULL || taken == room)
			emit(reader, (struct slice){ octets.p, taken }, line, context);
		else
			buf_add(&reader->rest, octets.p, taken);
		taken += end != NULL;
		octets.p += taken;
		octets.n -= taken;
	}
}

void line_reader_finish(struct line_reader *reader,
                        void (*line)(void *context, struct slice text), void *context)
{
	if (reader->rest.n > 0)
		emit(reader, (struct slice){ "", 0 }, line, context);
}

bool rate_has_room(struct rate *rate, uint64_t now_ms, double per_second)
{
	double most = per_second * 4;

	if (rate->last_ms == 0)
		rate->tokens = most;
	else
		rate->tokens += (double)(now_ms - rate->last_ms) * per_second / 1000;
	if (rate->tokens > most)
		rate->tokens = most;
	rate->last_ms = now_ms;
	return rate->tokens >= 1;
}

bool rate_take(struct rate *rate, uint64_t now_ms, double per_second)
{
	if (!rate_has_room(rate, now_ms, per_second)) {
		rate->dropped++;
		return false;
	}
	rate->tokens -= 1;
	return true;
}

/*
 * Splitting the client's octets into lines. Distrusts all of them: a line may be
 * endless, and is then skipped in whatever pieces it comes.
 */
#include "addin/pop3/line.h"

#include <string.h>

static enum line_result skip(struct line_reader *reader, struct slice in, size_t *used_r)
{
	const char *end = memchr(in.p, '\n', in.n);

	if (end == NULL) {
		*used_r = in.n;
		return LINE_MORE;
	}
	*used_r = (size_t)(end - in.p) + 1;
	reader->skipping = false;
	return LINE_SKIPPED;
}

enum line_result line_next(struct line_reader *reader, struct slice in, size_t limit,
                           struct slice *line_r, size_t *used_r)
{
	*used_r = 0;
	if (in.n == 0)
		return LINE_MORE;
	if (reader->skipping)
		return skip(reader, in, used_r);

	const char *end = memchr(in.p, '\n', in.n < limit ? in.n : limit);

	if (end == NULL && in.n < limit)
		return LINE_MORE;
	if (end == NULL) {
		reader->skipping = true;
		return LINE_TOO_LONG;
	}
	*used_r = (size_t)(end - in.p) + 1;
	*line_r = (struct slice){ in.p, (size_t)(end - in.p) };
	if (line_r->n > 0 && line_r->p[line_r->n - 1] == '\r')
		line_r->n--;
	return LINE_READY;
}

bool line_is_text(struct slice s, bool high_allowed)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 0x20 || c == 0x7F || (c > 0x7F && !high_allowed))
			return false;
	}
	return true;
}

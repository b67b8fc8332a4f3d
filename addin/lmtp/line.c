/* Splitting a peer's octets into lines. Distrusts all of them: a line may be endless, and is
 * then skipped in whatever pieces it comes. */
#include "addin/lmtp/line.h"

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
	const char *end;

	*used_r = 0;
	if (in.n == 0)
		return LINE_MORE;
	if (reader->skipping)
		return skip(reader, in, used_r);
	end = memchr(in.p, '\n', in.n < limit ? in.n : limit);
	if (end == NULL && in.n < limit)
		return LINE_MORE;
	if (end == NULL) {
		reader->skipping = true;
		return LINE_TOO_LONG;
	}
	*used_r = (size_t)(end - in.p) + 1;
	*line_r = (struct slice){ in.p, (size_t)(end - in.p) };
	if (line_r->n == 0 || line_r->p[line_r->n - 1] != '\r')
		return LINE_BARE;
	line_r->n--;
	return LINE_READY;
}

/*
 * Lines out of a stream of octets, and a limit on how many a second.
 */
#ifndef POSTIL_HOST_LINES_H
#define POSTIL_HOST_LINES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define LINE_MAX_OCTETS 4096    /* longer lines are cut into several */

struct line_reader {
	struct buf rest;
};

void line_reader_init(struct line_reader *reader);
void line_reader_release(struct line_reader *reader);
/* Feed octets; each whole line goes to line(), without its end. */
void line_reader_feed(struct line_reader *reader, struct slice octets,
                      void (*line)(void *context, struct slice text), void *context);
/* What is left without a line end. */
void line_reader_finish(struct line_reader *reader,
                        void (*line)(void *context, struct slice text), void *context);

struct rate {
	double tokens;
	uint64_t last_ms;
	unsigned long dropped;  /* refused since it was last asked for */
};

/* One more event? At most per_second in the long run, four times that at once. */
bool rate_take(struct rate *rate, uint64_t now_ms, double per_second);
/* Would one be let through? Counts nothing. */
bool rate_has_room(struct rate *rate, uint64_t now_ms, double per_second);

#endif

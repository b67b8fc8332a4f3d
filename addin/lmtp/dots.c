/*
 * Where a message ends. Its octets are chosen by strangers, among them some who would like to
 * end it where its sender did not.
 */
#include "addin/lmtp/dots.h"

#include <string.h>

/* What is message and has not been given out yet: from run to where the reader stands. */
struct reading {
	const char *run, *at, *end;
	void (*emit)(void *context, struct slice octets);
	void *context;
};

static void flush(struct reading *r, const char *to)
{
	if (to > r->run)
		r->emit(r->context, (struct slice){ r->run, (size_t)(to - r->run) });
	r->run = to;
}

/* In a line: on to its next CR. */
static enum dots_state read_text(struct reading *r)
{
	const char *cr = memchr(r->at, '\r', (size_t)(r->end - r->at));

	r->at = cr != NULL ? cr + 1 : r->end;
	return cr != NULL ? DOTS_CR : DOTS_TEXT;
}

/* Behind a CR that is given out already or stands in the run. */
static enum dots_state read_cr(struct reading *r)
{
	char c = *r->at;

	if (c != '\n' && c != '\r')
		return DOTS_TEXT;
	r->at++;
	return c == '\n' ? DOTS_START : DOTS_CR;
}

/* The dot that begins a line is never given out: either it is stuffing or the end. */
static enum dots_state read_start(struct reading *r)
{
	if (*r->at != '.')
		return *r->at == '\r' ? DOTS_CR : DOTS_TEXT;
	flush(r, r->at);
	r->at++;
	r->run = r->at;
	return DOTS_DOT;
}

static enum dots_state step(struct reading *r, enum dots_state state, bool *ended)
{
	switch (state) {
	case DOTS_START:
		state = read_start(r);
		if (state == DOTS_CR)
			r->at++;
		return state;
	case DOTS_DOT:
		if (*r->at != '\r')
			return DOTS_TEXT;
		r->at++;
		r->run = r->at;         /* withheld until it is known what follows */
		return DOTS_DOT_CR;
	case DOTS_DOT_CR:
		if (*r->at == '\n') {
			r->at++;
			r->run = r->at;
			*ended = true;
			return DOTS_START;
		}
		r->emit(r->context, SLICE_LIT("\r"));
		return DOTS_CR;
	case DOTS_CR:
		return read_cr(r);
	case DOTS_TEXT:
		break;
	}
	return read_text(r);
}

bool dots_feed(struct dots *dots, struct slice in, size_t *used_r,
               void (*emit)(void *context, struct slice octets), void *context)
{
	struct reading r = { .run = in.p, .at = in.p, .end = in.p + in.n, .emit = emit,
		.context = context };
	bool ended = false;

	while (r.at < r.end && !ended)
		dots->state = step(&r, dots->state, &ended);
	flush(&r, r.at);
	*used_r = (size_t)(r.at - in.p);
	return ended;
}

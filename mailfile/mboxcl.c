/* Reading mboxcl2. The file is hostile: lengths that lie, lines without end. It is
 * read through a window; nothing is held but what the window holds. */
#include "mailfile/mboxcl.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct window {
	int fd;
	char *buffer;
	size_t size, from, to;  /* what is not used yet lies between */
	uint64_t offset;        /* in the file, of from */
	bool at_end;
};

/* At least n octets, if the file has them. */
static STATUS fill(struct window *w, size_t n)
{
	if (w->to - w->from >= n || w->at_end)
		return NOERROR;
	memmove(w->buffer, w->buffer + w->from, w->to - w->from);
	w->to -= w->from;
	w->from = 0;
	while (w->to < w->size && !w->at_end) {
		ssize_t got = read(w->fd, w->buffer + w->to, w->size - w->to);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return POSTIL_ERR_IO;
		w->at_end = got == 0;
		w->to += (size_t)got;
	}
	return NOERROR;
}

static void use(struct window *w, size_t n)
{
	w->from += n;
	w->offset += n;
}

static const char *here(const struct window *w)
{
	return w->buffer + w->from;
}

static size_t have(const struct window *w)
{
	return w->to - w->from;
}

/* How many octets at the window's start are an empty line and "From ", or "From ". */
static bool separator(const char *p, size_t n, size_t *blank_r)
{
	size_t blank = n >= 1 && p[0] == '\n' ? 1 : n >= 2 && p[0] == '\r' && p[1] == '\n' ? 2 : 0;

	*blank_r = blank;
	return n >= blank + 5 && memcmp(p + blank, "From ", 5) == 0;
}

/* Does a message end where its Content-Length says? */
static bool ends_at(const struct window *w, uint64_t length)
{
	char next[7];
	ssize_t n;
	size_t blank;

	if (length > INT64_MAX - w->offset)
		return false;
	n = pread(w->fd, next, sizeof(next), (off_t)(w->offset + length));
	if (n < 0)
		return false;
	if (separator(next, (size_t)n, &blank))
		return true;
	if ((size_t)n != blank)                 /* nothing, or an empty line, and the end */
		return false;
	return length == 0 || pread(w->fd, next, 1, (off_t)(w->offset + length - 1)) == 1;
}

/* --- parts of a message ------------------------------------------------------------- */

/* The line that begins it. */
static STATUS read_from(struct window *w, const struct mbox_events *events, void *context)
{
	STATUS status = events->begin(context);
	char line[MBOX_FROM_OCTETS];
	size_t n = 0;

	for (bool done = false; status == NOERROR && !done; ) {
		const char *lf;
		size_t part;

		status = fill(w, 1);
		lf = have(w) != 0 ? memchr(here(w), '\n', have(w)) : NULL;
		part = lf != NULL ? (size_t)(lf - here(w)) + 1 : have(w);
		done = lf != NULL || part == 0;
		for (size_t i = 0; i < part && n < sizeof(line); i++)
			line[n++] = here(w)[i];
		use(w, part);
	}
	if (status != NOERROR || events->from == NULL)
		return status;
	return events->from(context, (struct slice){ line, n });
}

static STATUS put(struct window *w, size_t n, const struct mbox_events *events, void *context)
{
	STATUS status = n == 0 ? NOERROR : events->octets(context, here(w), n);

	use(w, n);
	return status;
}

/* To the empty line, this included; *ended_r: the message has none. */
static STATUS read_header(struct window *w, const struct mbox_events *events, void *context)
{
	bool at_start = true;
	STATUS status = NOERROR;

	while (status == NOERROR) {
		const char *lf;
		size_t n;
		bool is_empty;

		status = fill(w, 4);
		if (status != NOERROR || have(w) == 0)
			return status;
		is_empty = at_start && (here(w)[0] == '\n'
		                        || (have(w) > 1 && memcmp(here(w), "\r\n", 2) == 0));
		lf = memchr(here(w), '\n', have(w));
		n = lf != NULL ? (size_t)(lf - here(w)) + 1 : have(w);
		status = put(w, n, events, context);
		at_start = lf != NULL;
		if (is_empty)
			return status;
	}
	return status;
}

static STATUS read_counted(struct window *w, uint64_t length, const struct mbox_events *events,
                           void *context)
{
	STATUS status = NOERROR;

	while (length > 0 && status == NOERROR) {
		size_t n;

		status = fill(w, 1);
		n = have(w) < length ? have(w) : (size_t)length;
		if (status != NOERROR || n == 0)
			return status;
		status = put(w, n, events, context);
		length -= n;
	}
	return status;
}

/* Without a length: to the empty line before "From ", or to the end. */
static STATUS read_to_from(struct window *w, const struct mbox_events *events, void *context)
{
	bool at_start = true;
	STATUS status = NOERROR;

	while (status == NOERROR) {
		const char *lf;
		size_t n, blank;

		status = fill(w, 8);
		if (status != NOERROR || have(w) == 0)
			return status;
		if (at_start && separator(here(w), have(w), &blank) && blank > 0)
			return NOERROR;
		if (at_start && w->at_end && have(w) == blank)
			return NOERROR;                 /* the empty line that ends the file */
		lf = memchr(here(w), '\n', have(w));
		n = lf != NULL ? (size_t)(lf - here(w)) + 1 : have(w);
		status = put(w, n, events, context);
		at_start = lf != NULL;
	}
	return status;
}

static STATUS read_message(struct window *w, const struct mbox_events *events,
                           mbox_length_call *length, void *context)
{
	uint64_t octets;
	STATUS status = read_from(w, events, context);

	if (status == NOERROR)
		status = read_header(w, events, context);
	if (status == NOERROR)
		status = length(context, &octets) && ends_at(w, octets)
		         ? read_counted(w, octets, events, context)
		         : read_to_from(w, events, context);
	return status == NOERROR ? events->end(context) : status;
}

STATUS mboxcl_read(int fd, char *buffer, size_t size, const struct mbox_events *events,
                   mbox_length_call *length, void *context)
{
	struct window w = { .fd = fd, .buffer = buffer, .size = size };
	STATUS status = NOERROR;

	while (status == NOERROR) {
		status = fill(&w, 8);
		while (status == NOERROR && have(&w) > 0 && (here(&w)[0] == '\n' || here(&w)[0] == '\r')) {
			use(&w, 1);             /* empty lines between messages */
			status = fill(&w, 8);
		}
		if (status != NOERROR || have(&w) == 0)
			return status;
		if (have(&w) < 5 || memcmp(here(&w), "From ", 5) != 0)
			return POSTIL_ERR_SYNTAX;
		status = read_message(&w, events, length, context);
	}
	return status;
}

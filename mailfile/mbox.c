/* Reading and writing mbox files. The file is hostile: lines without end, `>`
 * without end, no message at all. Only the start of a line is looked at octet by
 * octet; the rest of it is found by memchr.
 *
 * reading                   writing
 *   START -> CR|REST|FROM     START -> REST
 *   CR: "\r" at a line's start, an empty line if "\n" follows
 *   FROM: the rest of a "From " line, passed over
 */
#include "mailfile/mbox.h"

#include <string.h>

static const char from_[] = "From ";
#define FROM_OCTETS (sizeof(from_) - 1)

enum { FILE_START, FILE_CR, START, CR, REST, FROM };

/* --- reading --------------------------------------------------------------------- */

void mbox_reader_init(struct mbox_reader *r, bool unquote, const struct mbox_events *events,
                      void *context)
{
	*r = (struct mbox_reader){ .events = events, .context = context, .unquote = unquote,
	                           .state = FILE_START };
}

static STATUS emit(struct mbox_reader *r, const void *p, size_t n)
{
	return n == 0 ? NOERROR : r->events->octets(r->context, p, n);
}

/* The empty line that was held back is part of the message after all. */
static STATUS emit_blank(struct mbox_reader *r)
{
	STATUS status = emit(r, r->blank == 2 ? "\r\n" : "\n", r->blank == 2 ? 2 : r->blank);

	r->blank = 0;
	return status;
}

static STATUS emit_quotes(struct mbox_reader *r)
{
	static const char quotes[] = ">>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>>";
	STATUS status = NOERROR;

	for (uint64_t left = r->quotes; status == NOERROR && left > 0; ) {
		size_t n = left < sizeof(quotes) - 1 ? (size_t)left : sizeof(quotes) - 1;

		status = emit(r, quotes, n);
		left -= n;
	}
	return status;
}

/* The line under way is no "From " line: put out what was looked at. */
static STATUS line_goes_on(struct mbox_reader *r)
{
	STATUS status = emit_blank(r);

	if (r->unquote && r->quotes > 0 && r->matched == FROM_OCTETS)
		r->quotes--;
	if (status == NOERROR)
		status = emit_quotes(r);
	if (status == NOERROR)
		status = emit(r, from_, r->matched);
	r->quotes = 0;
	r->matched = 0;
	r->state = REST;
	return status;
}

static STATUS message_ends(struct mbox_reader *r)
{
	r->blank = 0;
	if (!r->in_message)
		return NOERROR;
	r->in_message = false;
	return r->events->end(r->context);
}

/* "From " stands at the start of a line, with or without `>` before it. */
static STATUS from_found(struct mbox_reader *r)
{
	STATUS status;

	if (r->quotes > 0 || (r->in_message && r->blank == 0))
		return line_goes_on(r);
	status = message_ends(r);
	if (status == NOERROR)
		status = r->events->begin(r->context);
	r->in_message = true;
	r->matched = 0;
	r->state = FROM;
	memcpy(r->from, from_, FROM_OCTETS);
	r->from_octets = FROM_OCTETS;
	return status;
}

/* Part of the line that begins a message; last: to its end. */
static STATUS from_part(struct mbox_reader *r, const char *p, size_t n, bool last)
{
	size_t room = sizeof(r->from) - r->from_octets, part = n < room ? n : room;

	memcpy(r->from + r->from_octets, p, part);
	r->from_octets += part;
	if (!last || r->events->from == NULL)
		return NOERROR;
	return r->events->from(r->context, (struct slice){ r->from, r->from_octets });
}

static STATUS empty_line(struct mbox_reader *r, uint8_t octets)
{
	STATUS status = emit_blank(r);

	r->blank = octets;
	r->state = START;
	return status;
}

/* One octet at a line's start; *used_r: it has been taken. */
static STATUS at_line_start(struct mbox_reader *r, char c, bool *used_r)
{
	*used_r = true;
	if (r->matched == 0 && c == '>' && r->in_message) {
		r->quotes++;
		return NOERROR;
	}
	if (c == from_[r->matched]) {
		r->matched++;
		return r->matched == FROM_OCTETS ? from_found(r) : NOERROR;
	}
	if (!r->in_message)
		return POSTIL_ERR_SYNTAX;
	if (r->matched == 0 && r->quotes == 0 && c == '\n')
		return empty_line(r, 1);
	if (r->matched == 0 && r->quotes == 0 && c == '\r') {
		r->state = CR;
		return NOERROR;
	}
	*used_r = false;
	return line_goes_on(r);
}

/* Empty lines before the first message are passed over. */
static STATUS at_file_start(struct mbox_reader *r, char c, bool *used_r)
{
	*used_r = true;
	if (c == '\n')
		r->state = FILE_START;
	else if (c == '\r' && r->state == FILE_START)
		r->state = FILE_CR;
	else if (r->state == FILE_CR)
		return POSTIL_ERR_SYNTAX;
	else {
		r->state = START;
		*used_r = false;
	}
	return NOERROR;
}

static STATUS after_cr(struct mbox_reader *r, char c, bool *used_r)
{
	STATUS status;

	*used_r = c == '\n';
	if (c == '\n')
		return empty_line(r, 2);
	status = line_goes_on(r);
	return status == NOERROR ? emit(r, "\r", 1) : status;
}

static STATUS one_octet(struct mbox_reader *r, char c, bool *used_r)
{
	switch (r->state) {
	case FILE_START: case FILE_CR: return at_file_start(r, c, used_r);
	case CR: return after_cr(r, c, used_r);
	default: return at_line_start(r, c, used_r);
	}
}

STATUS mbox_reader_feed(struct mbox_reader *r, const void *data, size_t n)
{
	const char *p = data, *end = p + n;
	STATUS status = NOERROR;

	while (p < end && status == NOERROR) {
		if (r->state == REST || r->state == FROM) {
			const char *lf = memchr(p, '\n', (size_t)(end - p));
			const char *stop = lf != NULL ? lf + 1 : end;

			status = r->state == REST ? emit(r, p, (size_t)(stop - p))
			                          : from_part(r, p, (size_t)(stop - p), lf != NULL);
			if (lf != NULL)
				r->state = START;
			p = stop;
		} else {
			bool used;

			status = one_octet(r, *p, &used);
			p += used;
		}
	}
	return status;
}

STATUS mbox_reader_end(struct mbox_reader *r)
{
	STATUS status = NOERROR;

	if (!r->in_message)
		return r->matched > 0 ? POSTIL_ERR_SYNTAX : NOERROR;
	if (r->state == FROM) {
		status = from_part(r, "", 0, true);
	} else if (r->state == CR) {
		status = line_goes_on(r);
		if (status == NOERROR)
			status = emit(r, "\r", 1);
	} else if (r->quotes > 0 || r->matched > 0) {
		status = line_goes_on(r);
	}
	return status == NOERROR ? message_ends(r) : status;
}

/* --- writing ------------------------------------------------------------------------ */

void mbox_writer_init(struct mbox_writer *w, enum mbox_quoting quoting,
                      STATUS (*octets)(void *context, const void *p, size_t n), void *context)
{
	*w = (struct mbox_writer){ .quoting = quoting, .octets = octets, .context = context,
	                           .state = START, .at_start = true };
}

/* Octets that hold no CR before an LF any more. */
static STATUS put_line_part(struct mbox_writer *w, const char *p, size_t n)
{
	if (n == 0)
		return NOERROR;
	w->at_start = p[n - 1] == '\n';
	return w->octets(w->context, p, n);
}

static STATUS put_cr(struct mbox_writer *w)
{
	w->held_cr = false;
	return put_line_part(w, "\r", 1);
}

/* The start of a line is known: quote it or not, put out what was held. */
static STATUS start_known(struct mbox_writer *w, bool is_from)
{
	bool quote = is_from && (w->quoting == MBOX_QUOTE_ALL
	                         || (w->quoting == MBOX_QUOTE_FROM && w->quotes == 0));
	STATUS status = NOERROR;

	w->state = REST;
	for (uint64_t left = w->quotes + quote; status == NOERROR && left > 0; left--)
		status = put_line_part(w, ">", 1);
	if (status == NOERROR)
		status = put_line_part(w, from_, w->matched);
	w->quotes = 0;
	w->matched = 0;
	return status;
}

static STATUS look_at_start(struct mbox_writer *w, char c, bool *used_r)
{
	*used_r = true;
	if (w->matched == 0 && c == '>') {
		w->quotes++;
		return NOERROR;
	}
	if (c == from_[w->matched]) {
		w->matched++;
		return w->matched == FROM_OCTETS ? start_known(w, true) : NOERROR;
	}
	*used_r = false;
	return start_known(w, false);
}

/* The rest of a line: n octets of it, with its LF or without. */
static STATUS rest_of_line(struct mbox_writer *w, const char *p, size_t n, bool has_lf)
{
	size_t content = has_lf ? n - 1 : n;
	bool last_cr = content > 0 ? p[content - 1] == '\r' : w->held_cr;
	bool cr_before;
	STATUS status = NOERROR;

	if (content > 0) {
		cr_before = content > 1 ? p[content - 2] == '\r' : w->held_cr;
		if (w->held_cr)
			status = put_cr(w);
		if (status == NOERROR)
			status = put_line_part(w, p, content - last_cr);
		w->held_cr = last_cr;
		w->before_cr = last_cr && cr_before;
	}
	if (!has_lf || status != NOERROR)
		return status;
	if (w->held_cr && w->before_cr)         /* CR CR LF stays: see mbox.h */
		status = put_cr(w);
	w->held_cr = false;
	w->before_cr = false;
	w->state = START;
	return status == NOERROR ? put_line_part(w, "\n", 1) : status;
}

STATUS mbox_writer_feed(struct mbox_writer *w, const void *data, size_t n)
{
	const char *p = data, *end = p + n;
	STATUS status = NOERROR;

	while (p < end && status == NOERROR) {
		if (w->state == START && w->quoting != MBOX_QUOTE_NONE) {
			bool used;

			status = look_at_start(w, *p, &used);
			p += used;
		} else {
			const char *lf = memchr(p, '\n', (size_t)(end - p));
			const char *stop = lf != NULL ? lf + 1 : end;

			status = rest_of_line(w, p, (size_t)(stop - p), lf != NULL);
			p = stop;
		}
	}
	return status;
}

STATUS mbox_writer_end(struct mbox_writer *w)
{
	STATUS status = NOERROR;

	if (w->quotes > 0 || w->matched > 0)
		status = start_known(w, false);
	if (status == NOERROR && w->held_cr)
		status = put_cr(w);
	if (status == NOERROR && !w->at_start)
		status = put_line_part(w, "\n", 1);
	return status;
}

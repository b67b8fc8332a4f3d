/*
 * The walk through a message, line by line. Where a header begins it is gone over once to
 * know what kind of part follows (Content-Type, Content-Transfer-Encoding), then once more
 * to convert its fields; everything else is copied.
 *
 *   HEADER --empty line--> BODY      copied; boundary lines of the multiparts around it
 *     ^  |                   |        begin the HEADER of another part, or end them
 *     |  +--multipart: one more boundary--> BODY (its preamble)
 *     |  +--message/rfc822, message/global--> HEADER of the message inside
 *     +--+--message/global-headers, ...-delivery-status--> FIELDS, converted like a header
 *
 * A boundary line ends whatever is under way, a header without its empty line, too.
 * Where two multiparts in each other have one boundary, it is the outer one's.
 */
#include "mailfile/downgrade.h"

#include <stdlib.h>
#include <string.h>

#include "mailfile/downgrade_impl.h"
#include "mailfile/message.h"

#define WINDOW_OCTETS (64u * 1024)

enum place { HEADER, FIELDS, BODY };

/* A multipart that is open. */
struct level {
	char boundary[BOUNDARY_OCTETS];
	size_t length;
	bool digest;            /* multipart/digest */
};

struct walk {
	const struct downgrade_source *source;
	struct intake *result;
	bool changed;

	char *window;           /* octets of the source from `start` on */
	uint64_t start;
	size_t filled, at;
	bool line_start;        /* the next octet begins a line */

	enum place place;
	bool too_deep;          /* inside a multipart that is not looked into */
	size_t depth;
	struct level *levels;

	struct downgrade_part part;     /* whose header or body this is */
	struct buf field;       /* the one under way */
	bool field_passes;      /* it is too long and goes out as it comes */
	struct buf converted;
};

/* --- reading --------------------------------------------------------------------------- */

/* More octets behind those that are not used yet. */
static STATUS fill(struct walk *w)
{
	uint64_t left;
	size_t room;
	STATUS status;

	memmove(w->window, w->window + w->at, w->filled - w->at);
	w->start += w->at;
	w->filled -= w->at;
	w->at = 0;
	left = w->source->size_octets - (w->start + w->filled);
	room = WINDOW_OCTETS - w->filled;
	if (left < room)
		room = (size_t)left;
	if (room == 0)
		return NOERROR;
	status = w->source->read(w->source->context, w->start + w->filled, w->window + w->filled, room);
	if (status == NOERROR)
		w->filled += room;
	return status;
}

/* A line of the message with its end, or as much of it as the window holds; empty at the end
 * of the message. */
struct piece {
	struct slice octets;
	bool begins, ends;      /* the line */
};

static STATUS next_piece(struct walk *w, struct piece *piece_r)
{
	const char *lf = NULL;
	size_t n;
	STATUS status;

	if (w->filled > w->at)
		lf = memchr(w->window + w->at, '\n', w->filled - w->at);
	if (lf == NULL) {
		status = fill(w);
		if (status != NOERROR)
			return status;
		lf = w->filled > 0 ? memchr(w->window, '\n', w->filled) : NULL;
	}
	n = lf != NULL ? (size_t)(lf - (w->window + w->at)) + 1 : w->filled - w->at;
	*piece_r = (struct piece){ { w->window + w->at, n }, w->line_start, lf != NULL };
	w->at += n;
	w->line_start = lf != NULL;
	return NOERROR;
}

static uint64_t position(const struct walk *w)
{
	return w->start + w->at;
}

/* position is one that begins a line. */
static void go_to(struct walk *w, uint64_t to)
{
	if (to >= w->start && to - w->start <= w->filled) {
		w->at = (size_t)(to - w->start);
	} else {
		w->start = to;
		w->filled = w->at = 0;
	}
	w->line_start = true;
}

/* --- boundaries ------------------------------------------------------------------------------ */

static bool is_empty_line(const struct piece *p)
{
	return p->begins && p->ends && p->octets.n == 2 && p->octets.p[0] == '\r';
}

static bool is_boundary(const struct level *level, struct slice line, bool *closes_r)
{
	if (line.n < level->length || memcmp(line.p, level->boundary, level->length) != 0)
		return false;
	*closes_r = line.n == level->length + 2 && memcmp(line.p + level->length, "--", 2) == 0;
	return *closes_r || line.n == level->length;
}

/* false: the line is no boundary of ours. *level_r: the multipart's place among the levels. */
static bool find_boundary(const struct walk *w, const struct piece *p, size_t *level_r, bool *closes_r)
{
	struct slice line = p->octets;

	if (!p->begins || !p->ends || line.n < 4 || line.p[0] != '-' || line.p[1] != '-')
		return false;
	while (line.n > 2 && strchr(" \t\r\n", line.p[line.n - 1]) != NULL && line.p[line.n - 1] != '\0')
		line.n--;
	line.p += 2;
	line.n -= 2;
	for (size_t i = 0; i < w->depth; i++)
		if (is_boundary(&w->levels[i], line, closes_r)) {
			*level_r = i;
			return true;
		}
	return false;
}

/* --- what a header says ------------------------------------------------------------------------ */

static bool begins_with(struct slice s, const char *name)
{
	struct slice found = downgrade_field_name(s);

	return slice_equal_nocase(found, slice_of(name));
}

/* What has been collected of the header being looked at. */
struct look {
	struct buf field;
	bool collects, type_seen, encoding_seen;
};

static void look_taken(struct walk *w, struct look *l)
{
	struct buf value = BUF_INIT;

	if (!l->collects)
		return;
	downgrade_unfold(buf_slice(&l->field), &value);
	if (begins_with(buf_slice(&l->field), "Content-Type"))
		downgrade_part_type(&w->part, buf_slice(&value));
	else
		downgrade_part_encoding(&w->part, buf_slice(&value));
	buf_release(&value);
	buf_clear(&l->field);
	l->collects = false;
}

/* The first of each kind counts. */
static void look_at_line(struct walk *w, struct look *l, const struct piece *p)
{
	bool continues = !p->begins || p->octets.p[0] == ' ' || p->octets.p[0] == '\t';

	if (!continues) {
		look_taken(w, l);
		if (!l->type_seen && begins_with(p->octets, "Content-Type"))
			l->collects = l->type_seen = true;
		else if (!l->encoding_seen && begins_with(p->octets, "Content-Transfer-Encoding"))
			l->collects = l->encoding_seen = true;
	}
	if (l->collects && l->field.n + p->octets.n <= DOWNGRADE_FIELD_OCTETS)
		buf_add_slice(&l->field, p->octets);
}

/* Goes over the header that begins here and comes back. */
static STATUS look_ahead(struct walk *w, bool in_digest)
{
	uint64_t here = position(w);
	struct look l = { .field = BUF_INIT };
	STATUS status;

	memset(&w->part, 0, sizeof(w->part));
	for (;;) {
		struct piece p;
		size_t level;
		bool closes;

		status = next_piece(w, &p);
		if (status != NOERROR || p.octets.n == 0 || is_empty_line(&p)
		    || find_boundary(w, &p, &level, &closes))
			break;
		look_at_line(w, &l, &p);
	}
	look_taken(w, &l);
	if (status == NOERROR)
		status = buf_status(&l.field);
	buf_release(&l.field);
	if (!l.type_seen && in_digest)
		memcpy(w->part.type, "message/rfc822", sizeof("message/rfc822"));
	go_to(w, here);
	return status;
}

/* in_digest: of a part that is a message unless it says otherwise. */
static STATUS begin_header(struct walk *w, bool in_digest)
{
	w->place = HEADER;
	return look_ahead(w, in_digest);
}

/* --- fields ----------------------------------------------------------------------------------------- */

static STATUS copy(struct walk *w, struct slice s)
{
	return intake_add(w->result, s.p, s.n);
}

static const char *new_type(const struct walk *w)
{
	if (w->place != HEADER || w->part.encoded || !begins_with(buf_slice(&w->field), "Content-Type"))
		return NULL;
	return downgrade_plain_type(w->part.type);
}

/* The field under way is whole. */
static STATUS end_field(struct walk *w)
{
	struct slice field = buf_slice(&w->field);
	const char *type = new_type(w);
	bool high = words_has_high(field);
	STATUS status = buf_status(&w->field);

	w->field_passes = false;
	if (status == NOERROR && field.n > 0 && !high && type == NULL) {
		status = copy(w, field);
	} else if (status == NOERROR && field.n > 0) {
		buf_clear(&w->converted);
		status = downgrade_field(field, type, &w->converted);
		if (status == NOERROR)
			status = copy(w, buf_slice(&w->converted));
		w->changed = w->changed || high;
	}
	buf_clear(&w->field);
	return status;
}

static STATUS add_to_field(struct walk *w, struct slice s)
{
	STATUS status;

	if (!w->field_passes && w->field.n + s.n <= DOWNGRADE_FIELD_OCTETS) {
		buf_add_slice(&w->field, s);
		return buf_status(&w->field);
	}
	if (words_has_high(s) || words_has_high(buf_slice(&w->field)))
		return POSTIL_ERR_INVALID;
	status = copy(w, buf_slice(&w->field));
	buf_clear(&w->field);
	w->field_passes = true;
	return status == NOERROR ? copy(w, s) : status;
}

static STATUS field_line(struct walk *w, const struct piece *p)
{
	STATUS status = NOERROR;

	if (p->begins && p->octets.p[0] != ' ' && p->octets.p[0] != '\t')
		status = end_field(w);
	return status == NOERROR ? add_to_field(w, p->octets) : status;
}

/* --- parts ------------------------------------------------------------------------------------------- */

static bool is_multipart(const struct downgrade_part *part)
{
	return strncmp(part->type, "multipart/", 10) == 0
	       && (part->boundary_length > 0 || part->boundary_is_long);
}

static STATUS open_multipart(struct walk *w)
{
	struct level *level;

	w->place = BODY;
	if (w->depth == DOWNGRADE_DEPTH || w->part.boundary_is_long) {
		w->too_deep = true;
		return NOERROR;
	}
	level = &w->levels[w->depth++];
	memcpy(level->boundary, w->part.boundary, w->part.boundary_length);
	level->length = w->part.boundary_length;
	level->digest = strcmp(w->part.type, "multipart/digest") == 0;
	return NOERROR;
}

/* The empty line of a header has passed. */
static STATUS enter_body(struct walk *w)
{
	const char *type = w->part.type;

	if (is_multipart(&w->part))
		return open_multipart(w);
	w->place = BODY;
	if (w->part.encoded)
		return NOERROR;
	if (strcmp(type, "message/rfc822") == 0 || strcmp(type, "message/global") == 0)
		return begin_header(w, false);
	if (downgrade_plain_type(type) != NULL)
		w->place = FIELDS;
	return NOERROR;
}

static STATUS boundary_line(struct walk *w, const struct piece *p, size_t level, bool closes)
{
	STATUS status = end_field(w);

	if (status == NOERROR)
		status = copy(w, p->octets);
	w->too_deep = false;
	w->depth = closes ? level : level + 1;
	w->place = BODY;
	return status == NOERROR && !closes ? begin_header(w, w->levels[level].digest) : status;
}

static STATUS empty_line(struct walk *w, const struct piece *p)
{
	STATUS status = end_field(w);

	if (status == NOERROR)
		status = copy(w, p->octets);
	return status == NOERROR && w->place == HEADER ? enter_body(w) : status;
}

static STATUS step(struct walk *w, const struct piece *p)
{
	size_t level;
	bool closes;

	if (find_boundary(w, p, &level, &closes))
		return boundary_line(w, p, level, closes);
	if (w->place == BODY) {
		if (w->too_deep && words_has_high(p->octets))
			return POSTIL_ERR_INVALID;
		return copy(w, p->octets);
	}
	return is_empty_line(p) ? empty_line(w, p) : field_line(w, p);
}

static STATUS walk(struct walk *w)
{
	struct piece p;
	STATUS status = begin_header(w, false);

	while (status == NOERROR) {
		status = next_piece(w, &p);
		if (status != NOERROR || p.octets.n == 0)
			break;
		status = step(w, &p);
	}
	return status == NOERROR ? end_field(w) : status;
}

STATUS downgrade(const struct downgrade_source *source, struct intake *result, bool *changed_r)
{
	struct walk w = { .source = source, .result = result, .line_start = true,
		.field = BUF_INIT, .converted = BUF_INIT };
	STATUS status = POSTIL_ERR_MEMORY;

	w.window = malloc(WINDOW_OCTETS);
	w.levels = malloc(DOWNGRADE_DEPTH * sizeof(*w.levels));
	if (w.window != NULL && w.levels != NULL)
		status = walk(&w);
	free(w.window);
	free(w.levels);
	buf_release(&w.field);
	buf_release(&w.converted);
	if (status == NOERROR)
		*changed_r = w.changed;
	return status;
}

/* Octets of the field that s begins with, its folds included. */
static size_t field_octets(struct slice s)
{
	size_t n = 0;

	do {
		const char *lf = memchr(s.p + n, '\n', s.n - n);

		n = lf != NULL ? (size_t)(lf - s.p) + 1 : s.n;
	} while (n < s.n && (s.p[n] == ' ' || s.p[n] == '\t'));
	return n;
}

STATUS downgrade_lines(struct slice lines, struct buf *out)
{
	STATUS status = NOERROR;

	while (lines.n > 0 && status == NOERROR) {
		struct slice field = { lines.p, field_octets(lines) };

		if (words_has_high(field))
			status = downgrade_field(field, NULL, out);
		else
			buf_add_slice(out, field);
		lines = downgrade_skip(lines, field.n);
	}
	return status == NOERROR ? buf_status(out) : status;
}

/* Books in the headers of an mbox file. Every octet is the sender's or another
 * server's: lines without end, fields twice, values that are none. A line is looked
 * at up to 600 octets; the rest of it only passes. */
#include "mailfile/mboxhead.h"

#include <string.h>

#include "base/text.h"
#include "mailfile/uidlmap.h"

#define MD5_OCTETS_MAX 65536

/* NAME: octets of the line that may still be one of our fields; VALUE: they are;
 * KEEP, DROP: the rest of a line; BODY: the header is over. */
enum { NAME, VALUE, KEEP, DROP, BODY };

static void take_uidl(struct mbox_head *h, struct slice value)
{
	if (h->books.uidl_octets != 0)
		return;
	h->books.uidl_octets = value.n;
	memcpy(h->books.uidl, value.p, value.n < sizeof(h->books.uidl) ? value.n
	                                                               : sizeof(h->books.uidl));
}

static struct slice first_word(struct slice value)
{
	size_t n = 0;

	while (n < value.n && value.p[n] != ' ' && value.p[n] != '\t')
		n++;
	return (struct slice){ value.p, n };
}

static void take_uid(struct mbox_head *h, struct slice value)
{
	uint64_t number;

	if (h->books.uid == 0 && text_number(value, UINT32_MAX, &number))
		h->books.uid = (uint32_t)number;
}

static void take_base(struct mbox_head *h, struct slice value)
{
	uint64_t number;

	if (h->books.validity == 0 && text_number(first_word(value), UINT32_MAX, &number))
		h->books.validity = (uint32_t)number;
}

static void take_internal(struct mbox_head *h, struct slice value)
{
	take_base(h, value);
	h->books.internal = h->books.validity != 0;
}

static void take_status(struct mbox_head *h, struct slice value)
{
	h->books.has_status = true;
	if (value.n != 0 && memchr(value.p, 'R', value.n) != NULL)
		h->books.flags |= UIDL_FLAG_SEEN;
}

static void take_x_status(struct mbox_head *h, struct slice value)
{
	static const struct { char letter; unsigned flag; } letters[] = {
		{ 'A', UIDL_FLAG_ANSWERED }, { 'F', UIDL_FLAG_FLAGGED },
		{ 'T', UIDL_FLAG_DRAFT }, { 'D', UIDL_FLAG_DELETED },
	};

	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		if (value.n != 0 && memchr(value.p, letters[i].letter, value.n) != NULL)
			h->books.flags |= letters[i].flag;
}

static void take_length(struct mbox_head *h, struct slice value)
{
	if (!h->books.has_length)
		h->books.has_length = text_number(value, INT64_MAX, &h->books.length);
}

static void take_export(struct mbox_head *h, struct slice value)
{
	if (h->first_line)
		h->is_export = text_number(value, 16, &h->to_drop);
}

static void add_md5(struct mbox_head *h, const char *p, size_t n)
{
	if (h->md5 == NULL || !h->in_md5 || h->md5->n > MD5_OCTETS_MAX)
		return;
	while (n > 0 && (p[n - 1] == '\n' || p[n - 1] == '\r'))
		n--;
	buf_add(h->md5, p, n);
}

/* The values themselves are added where lines pass, with what folds them. */
static void take_md5(struct mbox_head *h, struct slice value)
{
	(void)value;
	h->in_md5 = true;
}

/* Date and Message-ID do not count behind Received, and only the first Received does. */
static void take_md5_before(struct mbox_head *h, struct slice value)
{
	(void)value;
	h->in_md5 = !h->received_seen;
}

static void take_md5_received(struct mbox_head *h, struct slice value)
{
	take_md5_before(h, value);
	h->received_seen = true;
}

static const struct {
	const char *name;
	void (*take)(struct mbox_head *h, struct slice value);
	enum mbox_removal removal;      /* taken out from this one on; NONE: never */
} fields[] = {
	{ "X-UIDL", take_uidl, MBOX_REMOVE_ALL },
	{ "X-UID", take_uid, MBOX_REMOVE_HIDDEN },
	{ "X-IMAPbase", take_base, MBOX_REMOVE_HIDDEN },
	{ "X-IMAP", take_internal, MBOX_REMOVE_HIDDEN },
	{ "Status", take_status, MBOX_REMOVE_HIDDEN },
	{ "X-Status", take_x_status, MBOX_REMOVE_HIDDEN },
	{ "X-Keywords", NULL, MBOX_REMOVE_HIDDEN },
	{ "Content-Length", take_length, MBOX_REMOVE_HIDDEN },
	{ MBOX_EXPORT_FIELD, take_export, MBOX_REMOVE_ALL },
	{ "Date", take_md5_before, MBOX_REMOVE_NONE },
	{ "Delivered-To", take_md5, MBOX_REMOVE_NONE },
	{ "Message-ID", take_md5_before, MBOX_REMOVE_NONE },
	{ "Received", take_md5_received, MBOX_REMOVE_NONE },
	{ "X-Delivery-ID", take_md5, MBOX_REMOVE_NONE },
};
#define FIELDS (sizeof(fields) / sizeof(fields[0]))

static size_t field_of(struct slice name)
{
	size_t i = 0;

	while (i < FIELDS && !slice_equal_nocase(name, slice_of(fields[i].name)))
		i++;
	return i;
}

void mbox_head_init(struct mbox_head *h, enum mbox_removal removal,
                    STATUS (*octets)(void *context, const void *p, size_t n), void *context)
{
	*h = (struct mbox_head){ .removal = removal, .octets = octets, .context = context };
	mbox_head_begin(h);
}

void mbox_head_begin(struct mbox_head *h)
{
	h->books = (struct mbox_books){ .uid = 0 };
	h->state = NAME;
	h->used = 0;
	h->dropping = h->is_export = h->received_seen = h->in_md5 = false;
	h->first_line = true;
	h->to_drop = 0;
}

bool mbox_head_is_over(const struct mbox_head *h)
{
	return h->state == BODY;
}

static STATUS put(struct mbox_head *h, const char *p, size_t n)
{
	return n == 0 ? NOERROR : h->octets(h->context, p, n);
}

/* --- one line --------------------------------------------------------------------- */

static struct slice without_end(struct slice line)
{
	if (line.n > 0 && line.p[line.n - 1] == '\n')
		line.n--;
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

/* Is the field that begins so taken out? Its value is taken note of. */
static bool judge_field(struct mbox_head *h, struct slice line)
{
	const char *colon = memchr(line.p, ':', line.n);
	size_t i = field_of((struct slice){ line.p, (size_t)(colon - line.p) });
	bool exported = h->to_drop > 0;

	h->in_md5 = false;
	if (i == FIELDS)
		return exported;
	if (h->is_export && !exported && fields[i].removal != MBOX_REMOVE_NONE)
		return false;                   /* the message's own */
	if (fields[i].take != NULL)
		fields[i].take(h, text_trim(without_end((struct slice){ colon + 1,
			line.n - (size_t)(colon - line.p) - 1 })));
	if (h->is_export)
		return exported || h->first_line;
	return fields[i].removal != MBOX_REMOVE_NONE && h->removal >= fields[i].removal;
}

/* The value on a field's first line, without the blanks before it. */
static void line_to_md5(struct mbox_head *h, struct slice line)
{
	const char *p = h->in_md5 ? memchr(line.p, ':', line.n) : NULL;

	if (p == NULL)
		return;
	do
		p++;
	while (p < line.p + line.n && (*p == ' ' || *p == '\t'));
	add_md5(h, p, (size_t)(line.p + line.n - p));
}

/* The buffered line is whole, or has filled the buffer. */
static STATUS line_known(struct mbox_head *h, bool is_whole)
{
	struct slice line = { h->line, h->used };
	struct slice content = without_end(line);
	STATUS status = NOERROR;

	if (content.n == 0 && is_whole) {
		h->state = BODY;
		h->used = 0;
		return put(h, line.p, line.n);
	}
	if (content.n > 0 && content.p[0] != ' ' && content.p[0] != '\t') {
		bool counted = h->to_drop > 0;

		h->in_md5 = false;
		h->dropping = memchr(line.p, ':', line.n) != NULL ? judge_field(h, line) : counted;
		h->to_drop -= counted;
		line_to_md5(h, line);
	} else {
		add_md5(h, line.p, line.n);
	}
	h->first_line = false;
	h->used = 0;
	if (!h->dropping)
		status = put(h, line.p, line.n);
	h->state = is_whole ? NAME : h->dropping ? DROP : KEEP;
	return status;
}

/* May what is buffered still become one of our fields? */
static bool may_be_field(const struct mbox_head *h)
{
	const char *colon = memchr(h->line, ':', h->used);

	if (colon == NULL)
		return h->used <= sizeof("Content-Length") + sizeof(MBOX_EXPORT_FIELD);
	return field_of((struct slice){ h->line, (size_t)(colon - h->line) }) < FIELDS;
}

/* Octets at the start of a line; returns how many were used. */
static size_t collect(struct mbox_head *h, const char *p, size_t n, STATUS *status_r)
{
	size_t used = 0;

	*status_r = NOERROR;
	while (used < n && h->used < sizeof(h->line)) {
		char c = h->line[h->used++] = p[used++];

		if (c == '\n') {
			*status_r = line_known(h, true);
			return used;
		}
		if (h->state == NAME && (c == ':' || h->used > 40)) {
			if (!may_be_field(h)) {
				*status_r = line_known(h, false);
				return used;
			}
			h->state = VALUE;
		}
	}
	if (h->used == sizeof(h->line))
		*status_r = line_known(h, false);
	return used;
}

STATUS mbox_head_feed(struct mbox_head *h, const void *data, size_t n)
{
	const char *p = data, *end = p + n;
	STATUS status = NOERROR;

	while (p < end && status == NOERROR) {
		const char *lf, *stop;

		if (h->state == BODY)
			return put(h, p, (size_t)(end - p));
		if (h->state == NAME || h->state == VALUE) {
			p += collect(h, p, (size_t)(end - p), &status);
			continue;
		}
		lf = memchr(p, '\n', (size_t)(end - p));
		stop = lf != NULL ? lf + 1 : end;
		add_md5(h, p, (size_t)(stop - p));
		if (h->state == KEEP)
			status = put(h, p, (size_t)(stop - p));
		if (lf != NULL)
			h->state = NAME;
		p = stop;
	}
	return status;
}

STATUS mbox_head_end(struct mbox_head *h)
{
	return h->used > 0 ? line_known(h, true) : NOERROR;
}

/* --- the file -------------------------------------------------------------------------- */

static STATUS nowhere(void *context, const void *p, size_t n)
{
	(void)context;
	(void)p;
	(void)n;
	return NOERROR;
}

bool mbox_keeps_books(struct slice beginning)
{
	const char *from = memmem(beginning.p, beginning.n, "From ", 5);
	const char *lf = from == NULL ? NULL
		: memchr(from, '\n', beginning.n - (size_t)(from - beginning.p));
	struct mbox_head head;

	if (lf == NULL)
		return false;
	mbox_head_init(&head, MBOX_REMOVE_NONE, nowhere, NULL);
	mbox_head_feed(&head, lf + 1, beginning.n - (size_t)(lf + 1 - beginning.p));
	return head.books.validity != 0;
}

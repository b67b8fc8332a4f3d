/* Parameters in the form of RFC 2231 (RFC 6857 section 3.1.4), and what the fields of a part
 * say about it. The octets are hostile: parameters come twice, in pieces, without values. */
#include <string.h>

#include "base/text.h"
#include "mailfile/downgrade_impl.h"

#define LINE_OCTETS 76

/* --- cutting ---------------------------------------------------------------------------- */

/* One parameter, cut at its `=`. */
struct parameter {
	struct slice name, value;       /* value: without the quotes, or up to a comment */
	struct slice rest;              /* comments behind it */
	bool quoted;
};

static bool cut_parameter(struct slice s, struct parameter *p)
{
	const char *equals = s.n > 0 ? memchr(s.p, '=', s.n) : NULL;
	size_t n;

	if (equals == NULL)
		return false;
	p->name = text_trim((struct slice){ s.p, (size_t)(equals - s.p) });
	s = text_trim(downgrade_skip(s, (size_t)(equals - s.p) + 1));
	p->quoted = s.n > 0 && s.p[0] == '"';
	n = p->quoted ? downgrade_quoted(s) : downgrade_until(s, "(");
	p->rest = downgrade_skip(s, n);
	p->value = text_trim((struct slice){ s.p, n });
	if (p->quoted) {
		p->value = downgrade_skip(p->value, 1);
		if (p->value.n > 0 && p->value.p[p->value.n - 1] == '"')
			p->value.n--;
	}
	return p->name.n > 0 && !words_has_high(p->name);
}

/* The value as it is meant. */
static void add_value(const struct parameter *p, struct buf *out)
{
	for (size_t i = 0; i < p->value.n; i++) {
		if (p->quoted && p->value.p[i] == '\\' && i + 1 < p->value.n)
			i++;
		buf_add_char(out, p->value.p[i]);
	}
}

static bool name_is(struct slice name, const char *text)
{
	return slice_equal_nocase(name, slice_of(text));
}

/* name, or name*, name*0, name*0* and the like. */
static bool is_parameter(struct slice name, const char *text)
{
	const char *star = name.n > 0 ? memchr(name.p, '*', name.n) : NULL;

	if (star != NULL)
		name.n = (size_t)(star - name.p);
	return name_is(name, text);
}

static bool is_piece(struct slice name)         /* name*1: to be continued, not encoded */
{
	return memchr(name.p, '*', name.n) != NULL && name.p[name.n - 1] != '*';
}

static bool is_first_piece(struct slice name)
{
	return name.n > 2 && memcmp(name.p + name.n - 2, "*0", 2) == 0;
}

/* --- writing ------------------------------------------------------------------------------ */

static bool is_attribute_character(unsigned char c)
{
	return c > ' ' && c < 0x7F && strchr("*'%()<>@,;:\\\"/[]?=", (char)c) == NULL;
}

static void add_octet(unsigned char c, struct buf *out)
{
	if (is_attribute_character(c))
		buf_add_char(out, (char)c);
	else
		buf_addf(out, "%%%02X", (unsigned)c);
}

static const char *charset_of(struct slice s)
{
	return text_is_utf8(s) ? "UTF-8''" : "unknown-8bit''";
}

/* How many octets of s go on a line with room for so many of code: whole characters, one
 * octet at least. */
static size_t fitting(struct slice s, size_t room)
{
	size_t n = 0, code = 0, whole = 0;

	while (n < s.n) {
		unsigned char c = (unsigned char)s.p[n];

		if ((c & 0xC0) != 0x80)
			whole = n;
		code += is_attribute_character(c) ? 1 : 3;
		if (code > room)
			break;
		n++;
	}
	if (n == s.n)
		return n;
	return whole > 0 ? whole : n > 0 ? n : 1;
}

static void write_line(struct words *w, struct slice name, const char *mark, const char *charset,
                       struct slice value)
{
	struct buf line = BUF_INIT;

	buf_add_slice(&line, name);
	buf_add_str(&line, mark);
	buf_add_str(&line, charset);
	for (size_t i = 0; i < value.n; i++)
		add_octet((unsigned char)value.p[i], &line);
	if (buf_status(&line) != NOERROR)
		w->out->broken = buf_status(&line);
	words_raw(w, SLICE_LIT(" "), buf_slice(&line));
	buf_release(&line);
}

/* name*=UTF-8''... on one line, or name*0*=UTF-8''..., name*1*=... */
static void write_encoded(struct words *w, struct slice name, struct slice value)
{
	const char *charset = charset_of(value);
	size_t used = name.n + strlen(charset) + 12, room = used + 20 < LINE_OCTETS ? LINE_OCTETS - used : 20;
	unsigned number = 0;
	char mark[16];

	if (fitting(value, room) == value.n) {
		write_line(w, name, "*=", charset, value);
		return;
	}
	while (value.n > 0 && buf_status(w->out) == NOERROR) {
		size_t n = fitting(value, room);

		if (number > 0)
			words_raw(w, SLICE_LIT(""), SLICE_LIT(";"));
		snprintf(mark, sizeof(mark), "*%u*=", number);
		write_line(w, name, mark, number == 0 ? charset : "", (struct slice){ value.p, n });
		value = downgrade_skip(value, n);
		number++;
	}
}

/* A parameter that has the form of RFC 2231 already, but with octets above 127. */
static void write_extended(struct words *w, const struct parameter *p)
{
	struct buf line = BUF_INIT;

	buf_add_slice(&line, p->name);
	buf_add_char(&line, '=');
	for (size_t i = 0; i < p->value.n; i++) {
		unsigned char c = (unsigned char)p->value.p[i];

		if (c == '\'' || c == '%')
			buf_add_char(&line, (char)c);
		else
			add_octet(c, &line);
	}
	if (buf_status(&line) != NOERROR)
		w->out->broken = buf_status(&line);
	words_raw(w, SLICE_LIT(" "), buf_slice(&line));
	buf_release(&line);
}

static void write_parameter(struct words *w, const struct parameter *p)
{
	struct buf value = BUF_INIT;

	add_value(p, &value);
	if (buf_status(&value) != NOERROR)
		w->out->broken = buf_status(&value);
	if (is_piece(p->name))
		write_line(w, p->name, "*=", is_first_piece(p->name) ? charset_of(buf_slice(&value)) : "",
		           buf_slice(&value));
	else if (memchr(p->name.p, '*', p->name.n) != NULL)
		write_extended(w, p);
	else
		write_encoded(w, p->name, buf_slice(&value));
	downgrade_phrase(w, p->rest);
	words_flush(w);
	buf_release(&value);
}

/* Does a piece of a value hold octets above 127? Then the first piece names the charset. */
static bool has_high_piece(struct slice s)
{
	while (s.n > 0) {
		size_t n = downgrade_until(s, ";");
		struct parameter p;

		if (words_has_high((struct slice){ s.p, n }) && cut_parameter((struct slice){ s.p, n }, &p)
		    && is_piece(p.name))
			return true;
		s = downgrade_skip(s, n < s.n ? n + 1 : n);
	}
	return false;
}

/* false: no form, or a boundary, which parts the body and cannot change. */
static bool add_parameter(struct words *w, struct slice s, bool high_pieces)
{
	struct parameter p;
	bool cut = cut_parameter(s, &p);
	bool first = cut && high_pieces && is_piece(p.name) && is_first_piece(p.name);

	if (!words_has_high(s) && !first) {
		downgrade_plain(w, s);
		return true;
	}
	if (!cut || is_parameter(p.name, "boundary"))
		return false;
	write_parameter(w, &p);
	return true;
}

static bool add_type(struct words *w, struct slice s, const char *type)
{
	if (type == NULL)
		return downgrade_comments(w, s);
	words_raw(w, SLICE_LIT(" "), slice_of(type));
	return true;
}

bool downgrade_parameters(struct words *w, struct slice s, const char *type)
{
	size_t n = downgrade_until(s, ";");
	bool high_pieces = has_high_piece(s);

	w->in_phrase = true;
	if (!add_type(w, (struct slice){ s.p, n }, type))
		return false;
	while (n < s.n) {
		s = downgrade_skip(s, n + 1);
		n = downgrade_until(s, ";");
		words_flush(w);
		words_raw(w, SLICE_LIT(""), SLICE_LIT(";"));
		if (!add_parameter(w, (struct slice){ s.p, n }, high_pieces))
			return false;
	}
	return true;
}

/* --- what a part is --------------------------------------------------------------------------- */

/* The first word, in small letters. */
static void copy_word(struct slice s, char *out, size_t size)
{
	size_t n = 0;

	s = text_trim(s);
	while (n + 1 < size && n < s.n && s.p[n] > ' ' && s.p[n] < 0x7F && strchr("(;", s.p[n]) == NULL) {
		char c = s.p[n];

		out[n++] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
	}
	out[n] = '\0';
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void add_boundary_octet(struct downgrade_part *part, char c)
{
	if (part->boundary_length == sizeof(part->boundary))
		part->boundary_is_long = true;
	else
		part->boundary[part->boundary_length++] = c;
}

/* With the escapes of RFC 2231 undone where it has them. */
static void add_boundary(struct downgrade_part *part, const struct parameter *p)
{
	bool extended = p->name.p[p->name.n - 1] == '*';
	struct slice s = p->value;
	const char *quote = extended && s.n > 0 ? memchr(s.p, '\'', s.n) : NULL;

	if (quote != NULL) {
		s = downgrade_skip(s, (size_t)(quote - s.p) + 1);
		quote = memchr(s.p, '\'', s.n);
		s = quote != NULL ? downgrade_skip(s, (size_t)(quote - s.p) + 1) : s;
	}
	for (size_t i = 0; i < s.n; i++) {
		if (extended && s.p[i] == '%' && s.n - i > 2 && hex(s.p[i + 1]) >= 0 && hex(s.p[i + 2]) >= 0) {
			add_boundary_octet(part, (char)(hex(s.p[i + 1]) << 4 | hex(s.p[i + 2])));
			i += 2;
			continue;
		}
		if (!extended && p->quoted && s.p[i] == '\\' && i + 1 < s.n)
			i++;
		add_boundary_octet(part, s.p[i]);
	}
}

static void find_boundary(struct downgrade_part *part, struct slice s)
{
	bool whole = false;

	while (s.n > 0 && !whole) {
		size_t n = downgrade_until(s, ";");
		struct parameter p;

		if (cut_parameter((struct slice){ s.p, n }, &p) && is_parameter(p.name, "boundary")) {
			whole = name_is(p.name, "boundary") || name_is(p.name, "boundary*");
			if (whole)
				part->boundary_length = 0;
			add_boundary(part, &p);
		}
		s = downgrade_skip(s, n < s.n ? n + 1 : n);
	}
	while (part->boundary_length > 0 && strchr(" \t", part->boundary[part->boundary_length - 1]) != NULL
	       && part->boundary[part->boundary_length - 1] != '\0')
		part->boundary_length--;
}

void downgrade_part_type(struct downgrade_part *part, struct slice value)
{
	size_t blanks = downgrade_blanks(value);

	while (blanks < value.n && value.p[blanks] == '(') {    /* comments before the type */
		blanks += downgrade_comment(downgrade_skip(value, blanks));
		blanks += downgrade_blanks(downgrade_skip(value, blanks));
	}
	value = downgrade_skip(value, blanks);
	copy_word(value, part->type, sizeof(part->type));
	if (strncmp(part->type, "multipart/", 10) == 0)
		find_boundary(part, value);
}

void downgrade_part_encoding(struct downgrade_part *part, struct slice value)
{
	char encoding[32];

	copy_word(value, encoding, sizeof(encoding));
	part->encoded = strcmp(encoding, "base64") == 0 || strcmp(encoding, "quoted-printable") == 0;
}

const char *downgrade_plain_type(const char *type)
{
	static const struct {
		const char *global, *plain;
	} types[] = {
		{ "message/global", "message/rfc822" },
		{ "message/global-headers", "text/rfc822-headers" },
		{ "message/global-delivery-status", "message/delivery-status" },
		{ "message/global-disposition-notification", "message/disposition-notification" },
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(type, types[i].global) == 0)
			return types[i].plain;
	return NULL;
}

/* Reading message headers. Every octet of a message is hostile: fields may be
 * endless, folds broken, encoded words malformed, dates absurd. */
#include "mailfile/header.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

/* --- fields ------------------------------------------------------------------ */

/* The octets of the first line of s with its line end. */
static size_t line_length(struct slice s)
{
	const char *lf = s.n != 0 ? memchr(s.p, '\n', s.n) : NULL;

	return lf != NULL ? (size_t)(lf - s.p) + 1 : s.n;
}

static struct slice advance(struct slice s, size_t n)
{
	return (struct slice){ s.p + n, s.n - n };
}

static struct slice without_line_end(struct slice s)
{
	if (s.n > 0 && s.p[s.n - 1] == '\n')
		s.n--;
	if (s.n > 0 && s.p[s.n - 1] == '\r')
		s.n--;
	return s;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Cut a line at its colon; false when it is no field. */
static bool field_split(struct slice line, struct slice *name_r, struct slice *value_r)
{
	const char *colon = memchr(line.p, ':', line.n);
	struct slice name;

	if (colon == NULL || colon == line.p)
		return false;
	name = (struct slice){ line.p, (size_t)(colon - line.p) };
	while (name.n > 0 && is_blank(name.p[name.n - 1]))
		name.n--;
	for (size_t i = 0; i < name.n; i++)
		if ((unsigned char)name.p[i] <= ' ' || (unsigned char)name.p[i] >= 0x7F)
			return false;
	*name_r = name;
	*value_r = without_line_end(advance(line, (size_t)(colon - line.p) + 1));
	return name.n > 0;
}

bool header_next(struct slice *rest, struct slice *name_r, struct slice *value_r)
{
	while (rest->n > 0) {
		struct slice field = *rest;
		size_t n = line_length(field);

		if (without_line_end((struct slice){ field.p, n }).n == 0)
			return false;
		while (n < field.n && is_blank(field.p[n]))
			n += line_length(advance(field, n));
		*rest = advance(field, n);
		field.n = n;
		if (field_split(field, name_r, value_r))
			return true;
	}
	return false;
}

bool header_find(struct slice header, const char *name, struct slice *value_r)
{
	struct slice wanted = slice_of(name), found;

	while (header_next(&header, &found, value_r))
		if (slice_equal_nocase(found, wanted))
			return true;
	return false;
}

/* --- values as text ------------------------------------------------------------ */

static void add_rune(struct buf *out, uint32_t c)
{
	if (c < 0x20 || (c >= 0x7F && c < 0xA0)) {
		buf_add_char(out, ' ');
	} else if (c < 0x80) {
		buf_add_char(out, (char)c);
	} else if (c < 0x800) {
		buf_add_char(out, (char)(0xC0 | c >> 6));
		buf_add_char(out, (char)(0x80 | (c & 0x3F)));
	} else {
		buf_add_char(out, (char)(0xE0 | c >> 12));
		buf_add_char(out, (char)(0x80 | (c >> 6 & 0x3F)));
		buf_add_char(out, (char)(0x80 | (c & 0x3F)));
	}
}

/* Windows-1252 from 0x80 to 0x9F; 0 is not assigned. */
static const uint16_t windows_1252[32] = {
	0x20AC, 0, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
	0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017D, 0,
	0, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
	0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0, 0x017E, 0x0178
};

/* Octets that are UTF-8 stay, others are taken as Windows-1252, which is
 * ISO-8859-1 wherever that has printable characters. */
static void add_octets(struct buf *out, struct slice s)
{
	bool utf8 = text_is_utf8(s);

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 0x20 || c == 0x7F)
			buf_add_char(out, ' ');
		else if (utf8 && c == 0xC2 && (unsigned char)s.p[i + 1] < 0xA0)
			buf_add_char(out, ' '), i++;    /* a control character of ISO-8859-1 */
		else if (utf8 || c < 0x80)
			buf_add_char(out, (char)c);
		else
			add_rune(out, c < 0xA0 ? windows_1252[c - 0x80] : c);
	}
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void decode_q(struct slice in, struct buf *out)
{
	for (size_t i = 0; i < in.n; i++) {
		int high, low;

		if (in.p[i] == '_') {
			buf_add_char(out, ' ');
		} else if (in.p[i] == '=' && in.n - i > 2
		           && (high = hex_digit(in.p[i + 1])) >= 0
		           && (low = hex_digit(in.p[i + 2])) >= 0) {
			buf_add_char(out, (char)(high << 4 | low));
			i += 2;
		} else {
			buf_add_char(out, in.p[i]);
		}
	}
}

static int base64_digit(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c != '\0' ? strchr(digits, c) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

/* Lenient, as mail is: stops at the first octet that is no digit. */
static void decode_b(struct slice in, struct buf *out)
{
	uint32_t bits = 0;
	int have = 0;

	for (size_t i = 0; i < in.n; i++) {
		int digit = base64_digit(in.p[i]);

		if (digit < 0)
			break;
		bits = bits << 6 | (uint32_t)digit;
		have += 6;
		if (have >= 8) {
			have -= 8;
			buf_add_char(out, (char)(bits >> have & 0xFF));
		}
	}
}

static bool charset_is_known(struct slice charset)
{
	static const char *const known[] = { "utf-8", "us-ascii", "iso-8859-1", "windows-1252" };
	const char *star = charset.n != 0 ? memchr(charset.p, '*', charset.n) : NULL;

	if (star != NULL)               /* RFC 2231: charset*language */
		charset.n = (size_t)(star - charset.p);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (slice_equal_nocase(charset, slice_of(known[i])))
			return true;
	return false;
}

/* An encoded word =?charset?Q?text?= at the start of s; 0: there is none. */
static size_t encoded_word(struct slice s, struct buf *out)
{
	const char *charset_end, *text_end;
	struct slice charset, text;
	struct buf octets = BUF_INIT;
	char how;

	if (s.n < 8 || s.p[0] != '=' || s.p[1] != '?')
		return 0;
	if (s.n > 1024)
		s.n = 1024;
	charset_end = memchr(s.p + 2, '?', s.n - 2);
	if (charset_end == NULL || s.n - (size_t)(charset_end - s.p) < 5 || charset_end[2] != '?')
		return 0;
	charset = (struct slice){ s.p + 2, (size_t)(charset_end - s.p) - 2 };
	how = charset_end[1];
	text.p = charset_end + 3;
	text_end = memmem(text.p, s.n - (size_t)(text.p - s.p), "?=", 2);
	if (text_end == NULL || !charset_is_known(charset) || strchr("QqBb", how) == NULL
	    || how == '\0')
		return 0;
	text.n = (size_t)(text_end - text.p);
	if (how == 'Q' || how == 'q')
		decode_q(text, &octets);
	else
		decode_b(text, &octets);
	add_octets(out, buf_slice(&octets));
	buf_release(&octets);
	return (size_t)(text_end - s.p) + 2;
}

static bool is_space(char c)
{
	return is_blank(c) || c == '\r' || c == '\n';
}

static size_t space_length(struct slice s)
{
	size_t n = 0;

	while (n < s.n && is_space(s.p[n]))
		n++;
	return n;
}

static size_t word_length(struct slice s)
{
	size_t n = 0;

	while (n < s.n && !is_space(s.p[n]) && !(n > 0 && s.p[n] == '=' && n + 1 < s.n
	                                         && s.p[n + 1] == '?'))
		n++;
	return n;
}

/* Cut at most max octets behind start, never inside a character. */
static void cut_text(struct buf *out, size_t start, size_t max)
{
	if (out->n - start <= max)
		return;
	out->n = start + max;
	while (out->n > start && ((unsigned char)out->p[out->n] & 0xC0) == 0x80)
		out->n--;
}

/* Blanks off both ends of what lies behind start; encoded words may hold some. */
static void trim_text(struct buf *out, size_t start)
{
	size_t blanks = 0;

	while (out->n > start && out->p[out->n - 1] == ' ')
		out->n--;
	while (start + blanks < out->n && out->p[start + blanks] == ' ')
		blanks++;
	if (blanks > 0)
		memmove(out->p + start, out->p + start + blanks, out->n - start - blanks);
	out->n -= blanks;
}

void header_text(struct slice value, size_t max_octets, struct buf *out)
{
	size_t start = out->n;
	bool after_encoded = false;

	value = advance(value, space_length(value));
	while (value.n > 0 && out->n - start <= max_octets && buf_status(out) == NOERROR) {
		size_t space = space_length(value), n;
		size_t before = out->n;

		value = advance(value, space);
		if (value.n == 0)
			break;
		if (space > 0)
			buf_add_char(out, ' ');
		n = encoded_word(value, out);
		if (n != 0 && after_encoded && space > 0 && out->n > before) {
			/* white space between two encoded words is not shown */
			memmove(out->p + before, out->p + before + 1, out->n - before - 1);
			out->n--;
		}
		after_encoded = n != 0;
		if (n == 0) {
			n = word_length(value);
			add_octets(out, (struct slice){ value.p, n });
		}
		value = advance(value, n);
	}
	cut_text(out, start, max_octets);
	trim_text(out, start);
}

/* --- addresses --------------------------------------------------------------------- */

/* Where the address at the start of s ends: a comma, or the end. */
static size_t address_length(struct slice s)
{
	unsigned comment = 0;
	bool quoted = false, angle = false;
	size_t i;

	for (i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '\\' && (quoted || comment > 0))
			i++;
		else if (c == '"' && comment == 0)
			quoted = !quoted;
		else if (!quoted && c == '(')
			comment++;
		else if (!quoted && c == ')' && comment > 0)
			comment--;
		else if (!quoted && comment == 0 && (c == '<' || c == '>'))
			angle = c == '<';
		else if (c == ',' && !quoted && comment == 0 && !angle)
			break;
	}
	return i < s.n ? i : s.n;
}

bool header_next_address(struct slice *rest, struct slice *address_r)
{
	for (;;) {
		size_t n;

		*rest = advance(*rest, space_length(*rest));
		if (rest->n == 0)
			return false;
		n = address_length(*rest);
		*address_r = (struct slice){ rest->p, n };
		*rest = advance(*rest, n < rest->n ? n + 1 : n);
		while (address_r->n > 0 && is_space(address_r->p[address_r->n - 1]))
			address_r->n--;
		if (address_r->n > 0)
			return true;
	}
}

/*
 * Text under hostile input: UTF-8 is checked before libunistring sees it, and
 * plain ASCII, which nearly all names are, never leaves this file.
 */
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

static bool is_ascii(struct slice s)
{
	unsigned char all = 0;

	for (size_t i = 0; i < s.n; i++)
		all |= (unsigned char)s.p[i];
	return all < 0x80;
}

bool text_is_utf8(struct slice s)
{
	return s.n == 0 || is_ascii(s) || u8_check((const uint8_t *)s.p, s.n) == NULL;
}

static bool is_ascii_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Append a folded character; a run of white space waits as one blank until
 * something follows it. */
struct fold {
	struct buf *out;
	bool any;               /* something was appended */
	bool blank_waits;
};

static void fold_add(struct fold *f, const char *p, size_t n)
{
	if (f->blank_waits && f->any)
		buf_add_char(f->out, ' ');
	f->blank_waits = false;
	f->any = true;
	buf_add(f->out, p, n);
}

static void fold_ascii(struct fold *f, struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (is_ascii_space(c)) {
			f->blank_waits = true;
			continue;
		}
		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		fold_add(f, &c, 1);
	}
}

static void fold_unicode(struct fold *f, const uint8_t *p, size_t n)
{
	while (n != 0) {
		ucs4_t c;
		size_t used = (size_t)u8_mbtouc(&c, p, n);

		if (uc_is_property_white_space(c))
			f->blank_waits = true;
		else
			fold_add(f, (const char *)p, used);
		p += used;
		n -= used;
	}
}

static STATUS fold(struct slice s, uninorm_t form, struct buf *out)
{
	struct fold f = { .out = out };
	uint8_t *folded;
	size_t n;

	if (s.n != 0 && memchr(s.p, '\0', s.n) != NULL)
		return POSTIL_ERR_INVALID;
	if (is_ascii(s)) {
		fold_ascii(&f, s);
		return buf_status(out);
	}
	if (!text_is_utf8(s))
		return POSTIL_ERR_INVALID;
	folded = u8_casefold((const uint8_t *)s.p, s.n, NULL, form, NULL, &n);
	if (folded == NULL)
		return POSTIL_ERR_MEMORY;
	fold_unicode(&f, folded, n);
	free(folded);
	return buf_status(out);
}

STATUS text_fold(struct slice s, struct buf *out)
{
	return fold(s, UNINORM_NFC, out);
}

STATUS text_fold_plain(struct slice s, struct buf *out)
{
	return fold(s, UNINORM_NFKD, out);
}

/* libunistring's answer, ours to free. */
static STATUS take(uint8_t *made, const size_t *n, struct buf *out)
{
	if (made == NULL)
		return POSTIL_ERR_MEMORY;
	buf_add(out, made, *n);
	free(made);
	return buf_status(out);
}

STATUS text_lower(struct slice s, struct buf *out)
{
	size_t n = 0;

	if (!text_is_utf8(s))
		return POSTIL_ERR_INVALID;
	if (s.n == 0)
		return NOERROR;
	return take(u8_tolower((const uint8_t *)s.p, s.n, NULL, UNINORM_NFKC, NULL, &n), &n, out);
}

STATUS text_compose(struct slice s, struct buf *out)
{
	size_t n = 0;

	if (!text_is_utf8(s))
		return POSTIL_ERR_INVALID;
	if (s.n == 0)
		return NOERROR;
	return take(u8_normalize(UNINORM_NFKC, (const uint8_t *)s.p, s.n, NULL, &n), &n, out);
}

uint32_t text_character(struct slice s, size_t *octets_r)
{
	ucs4_t c;

	*octets_r = (size_t)u8_mbtouc(&c, (const uint8_t *)s.p, s.n);
	return c;
}

bool text_is_right_to_left(uint32_t c)
{
	int class = uc_bidi_class(c);

	return class == UC_BIDI_R || class == UC_BIDI_AL;
}

bool text_is_left_to_right(uint32_t c)
{
	return uc_bidi_class(c) == UC_BIDI_L;
}

bool text_number(struct slice s, uint64_t max, uint64_t *value_r)
{
	uint64_t value = 0;

	if (s.n < 1 || s.n > 19)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		value = value * 10 + (uint64_t)(s.p[i] - '0');
	}
	if (value > max)
		return false;
	*value_r = value;
	return true;
}

void text_escape(struct slice s, size_t max_octets, struct buf *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (i == max_octets) {
			buf_add_str(out, "...");
			return;
		}
		if (c >= ' ' && c <= '~' && c != '[' && c != ']' && c != '\\') {
			buf_add_char(out, (char)c);
			continue;
		}
		buf_add(out, (char[]){ '\\', 'x', digits[c >> 4], digits[c & 15] }, 4);
	}
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct slice text_trim(struct slice s)
{
	while (s.n != 0 && is_blank(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n != 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

struct slice text_word(struct slice *rest)
{
	struct slice word;
	size_t n = 0;

	while (rest->n > 0 && (unsigned char)rest->p[0] <= ' ')
		*rest = (struct slice){ rest->p + 1, rest->n - 1 };
	while (n < rest->n && (unsigned char)rest->p[n] > ' ')
		n++;
	word = (struct slice){ rest->p, n };
	*rest = (struct slice){ rest->p + n, rest->n - n };
	return word;
}

bool text_ends_nocase(struct slice s, const char *suffix)
{
	struct slice end = slice_of(suffix);

	if (s.n < end.n)
		return false;
	return slice_equal_nocase((struct slice){ s.p + (s.n - end.n), end.n }, end);
}

const char *text_plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

void text_size(uint64_t octets, char out[16])
{
	static const char *const units[] = { "KB", "MB", "GB", "TB", "PB", "EB" };
	size_t unit = 0;
	double size = (double)octets / 1024;

	if (octets < 1024) {
		snprintf(out, 16, "%u B", (unsigned)octets);
		return;
	}
	/* 1023.95 would be printed as 1024.0 */
	for (; size >= 1023.95 && unit < sizeof(units) / sizeof(units[0]) - 1; unit++)
		size /= 1024;
	snprintf(out, 16, "%.1f %s", size, units[unit]);
}

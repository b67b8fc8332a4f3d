/* Patterns of UIDLs. The pattern is an administrator's; what is put into it comes
 * from files of the old server and is distrusted by whoever uses the result. */
#include "mailfile/uidlformat.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/crypt.h"
#include "base/text.h"

static const struct { const char *name, *pattern; } names[] = {
	{ "dovecot", "%08Xu%08Xv" }, { "cyrus", "%v.%u" }, { "courier", "UID%u-%v" },
	{ "uid", "%u" }, { "filename", "%f" }, { "guid", "%g" }, { "md5", "%m" },
};
static const struct { const char *name; char what; } long_names[] = {
	{ "uid", 'u' }, { "uidvalidity", 'v' }, { "filename", 'f' }, { "guid", 'g' },
	{ "md5", 'm' },
};

/* --- reading a pattern -------------------------------------------------------------- */

static bool digits(struct slice *rest, unsigned *value_r)
{
	unsigned value = 0;

	while (rest->n > 0 && rest->p[0] >= '0' && rest->p[0] <= '9') {
		value = value * 10 + (unsigned)(rest->p[0] - '0');
		if (value > 70)
			return false;
		rest->p++;
		rest->n--;
	}
	*value_r = value;
	return true;
}

static bool is_variable(char c)
{
	return c != '\0' && strchr("uvfgm", c) != NULL;
}

/* What stands behind a percent sign: [0][width][XLUM]letter */
static bool short_piece(struct slice *rest, struct uidl_piece *piece)
{
	piece->zeros = rest->n > 0 && rest->p[0] == '0';
	if (!digits(rest, &piece->width))
		return false;
	while (rest->n > 0 && !is_variable(rest->p[0])) {
		switch (rest->p[0]) {
		case 'X': piece->hex = true; break;
		case 'L': piece->small = true; break;
		case 'U': piece->capital = true; break;
		case 'M': piece->md5 = true; break;
		default: return false;
		}
		rest->p++;
		rest->n--;
	}
	if (rest->n == 0)
		return false;
	piece->what = rest->p[0];
	rest->p++;
	rest->n--;
	return true;
}

static bool filter(struct slice text, struct uidl_piece *piece)
{
	struct slice number;
	uint64_t width;

	if (slice_equal(text, SLICE_LIT("lower")))
		return piece->small = true;
	if (slice_equal(text, SLICE_LIT("upper")))
		return piece->capital = true;
	if (slice_equal(text, SLICE_LIT("hex")))
		return piece->hex = true;
	if (slice_equal(text, SLICE_LIT("md5")))
		return piece->md5 = true;
	if (text.n < 6 || memcmp(text.p, "hex(", 4) != 0 || text.p[text.n - 1] != ')')
		return false;
	number = (struct slice){ text.p + 4, text.n - 5 };
	if (!text_number(number, 70, &width))
		return false;
	piece->hex = piece->zeros = true;
	piece->width = (unsigned)width;
	return true;
}

/* The next part of `a | b | c`, trimmed. */
static struct slice part_of(struct slice *rest)
{
	const char *bar = rest->n != 0 ? memchr(rest->p, '|', rest->n) : NULL;
	struct slice part = { rest->p, bar != NULL ? (size_t)(bar - rest->p) : rest->n };
	size_t used = bar != NULL ? part.n + 1 : part.n;

	*rest = (struct slice){ rest->p + used, rest->n - used };
	return text_trim(part);
}

/* Behind `%{`. */
static bool long_piece(struct slice *rest, struct uidl_piece *piece)
{
	const char *end = rest->n != 0 ? memchr(rest->p, '}', rest->n) : NULL;
	struct slice inner, name;

	if (end == NULL)
		return false;
	inner = (struct slice){ rest->p, (size_t)(end - rest->p) };
	*rest = (struct slice){ end + 1, rest->n - inner.n - 1 };
	name = part_of(&inner);
	for (size_t i = 0; i < sizeof(long_names) / sizeof(long_names[0]); i++)
		if (slice_equal(name, slice_of(long_names[i].name)))
			piece->what = long_names[i].what;
	while (inner.n > 0)
		if (!filter(part_of(&inner), piece))
			return false;
	return piece->what != '\0';
}

static bool next_piece(struct slice *rest, struct uidl_piece *piece)
{
	const char *percent = memchr(rest->p, '%', rest->n);

	*piece = (struct uidl_piece){ .text = { rest->p, rest->n } };
	if (percent != rest->p) {
		if (percent != NULL)
			piece->text.n = (size_t)(percent - rest->p);
		rest->p += piece->text.n;
		rest->n -= piece->text.n;
		return true;
	}
	rest->p++;
	rest->n--;
	if (rest->n > 0 && (rest->p[0] == '%' || rest->p[0] == '{')) {
		bool is_long = rest->p[0] == '{';

		piece->text = (struct slice){ rest->p, 1 };
		rest->p++;
		rest->n--;
		return !is_long || long_piece(rest, piece);
	}
	return short_piece(rest, piece);
}

bool uidl_format_uses(const struct uidl_format *format, char what)
{
	for (size_t i = 0; i < format->count; i++)
		if (format->pieces[i].what == what)
			return true;
	return false;
}

bool uidl_format_parse(const char *text, struct uidl_format *format)
{
	struct slice rest;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcasecmp(text, names[i].name) == 0)
			text = names[i].pattern;
	if (strlen(text) >= sizeof(format->octets))
		return false;
	*format = (struct uidl_format){ .count = 0 };
	rest = (struct slice){ format->octets, strlen(text) };
	memcpy(format->octets, text, rest.n);
	while (rest.n > 0) {
		if (format->count == UIDL_FORMAT_PIECES
		    || !next_piece(&rest, &format->pieces[format->count]))
			return false;
		format->count++;
	}
	return uidl_format_uses(format, 'u') || uidl_format_uses(format, 'f')
	       || uidl_format_uses(format, 'g') || uidl_format_uses(format, 'm');
}

/* --- making a UIDL ---------------------------------------------------------------------- */

static bool value_of(const struct uidl_piece *piece, const struct uidl_parts *parts,
                     char number[24], struct slice *value_r)
{
	uint32_t n = piece->what == 'u' ? parts->uid : parts->validity;

	switch (piece->what) {
	case 'f': *value_r = parts->filename; break;
	case 'g': *value_r = parts->guid; break;
	case 'm': *value_r = parts->md5; break;
	default:
		if (n == 0)
			return false;
		snprintf(number, 24, piece->hex ? "%x" : "%u", (unsigned)n);
		*value_r = slice_of(number);
	}
	return value_r->n > 0;
}

static bool md5_of(struct slice value, char hex[33])
{
	uint8_t digest[16];

	if (crypt_md5(value, digest) != NOERROR)
		return false;
	for (size_t i = 0; i < 16; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	return true;
}

static char in_case(const struct uidl_piece *piece, char c)
{
	if (piece->small && c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return piece->capital && c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static bool add_piece(const struct uidl_piece *piece, const struct uidl_parts *parts,
                      struct buf *out)
{
	char number[24], hex[33];
	struct slice value = piece->text;

	if (piece->what != '\0' && !value_of(piece, parts, number, &value))
		return false;
	if (piece->md5 && md5_of(value, hex))
		value = (struct slice){ hex, 32 };
	for (size_t n = value.n; piece->zeros && n < piece->width; n++)
		buf_add_char(out, '0');
	if (!piece->zeros && piece->width != 0 && value.n > piece->width)
		value.n = piece->width;
	for (size_t i = 0; i < value.n; i++)
		buf_add_char(out, in_case(piece, value.p[i]));
	return true;
}

bool uidl_format_make(const struct uidl_format *format, const struct uidl_parts *parts,
                      struct buf *out)
{
	size_t before = out->n;

	for (size_t i = 0; i < format->count; i++)
		if (!add_piece(&format->pieces[i], parts, out)) {
			out->n = before;
			return false;
		}
	return buf_status(out) == NOERROR;
}

/*
 * Bitmaps of Notes to PNG (RFC 2083). The lines of a bitmap are run-length encoded; how
 * is written in the C API's editods.h, but for patterns (01cccccc), which are eight pixels
 * of a table each. Every count is held against the width of the line, and the whole
 * against a bound before memory is taken.
 */
#include "mailfile/cd.h"
#include "mailfile/richtextmaker.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define PATTERNS_MAX 256
#define PATTERN_PIXELS 8
#define SIDE_MAX 16384

struct bitmap {
	unsigned width, height, bits;
	size_t stride;                  /* octets of a line: its filter, then RGB */
	uint8_t colors[256][3];
	uint8_t patterns[PATTERNS_MAX][PATTERN_PIXELS][3];
	uint8_t *pixels;
	unsigned line;                  /* being read */
};

/* --- reading ------------------------------------------------------------------------ */

static bool header(struct bitmap *b, struct slice body, size_t max_octets)
{
	b->width = cd_word(body, 16);
	b->height = cd_word(body, 18);
	b->bits = cd_word(body, 20);
	b->stride = 1 + 3 * (size_t)b->width;
	if (b->pixels != NULL || b->width == 0 || b->height == 0 || b->width > SIDE_MAX ||
	    b->height > SIDE_MAX || b->stride * b->height > max_octets)
		return false;
	if (b->bits != 1 && b->bits != 8 && b->bits != 16)
		return false;
	b->pixels = calloc(b->height, b->stride);
	return b->pixels != NULL;
}

static void table(struct slice body, uint8_t *colors, size_t max)
{
	memcpy(colors, body.p, body.n < max ? body.n : max);
}

/* The colour of one unit of a line; of a bit map it is eight pixels. */
static void unit_color(const struct bitmap *b, const uint8_t *unit, uint8_t rgb[3])
{
	unsigned value;

	if (b->bits == 8) {
		memcpy(rgb, b->colors[unit[0]], 3);
		return;
	}
	value = unit[0] | (unsigned)unit[1] << 8;       /* 5 bits each */
	rgb[0] = (uint8_t)((value >> 10 & 31) * 255 / 31);
	rgb[1] = (uint8_t)((value >> 5 & 31) * 255 / 31);
	rgb[2] = (uint8_t)((value & 31) * 255 / 31);
}

/* What is more than a line holds is left out: real bitmaps have such lines. */
static void put_unit(const struct bitmap *b, uint8_t *line, unsigned *x, const uint8_t *unit)
{
	if (*x >= b->width)
		return;
	if (b->bits == 1) {
		for (int bit = 7; bit >= 0 && *x < b->width; bit--, ++*x)
			memset(line + 3 * *x, (unit[0] >> bit & 1) != 0 ? 0xFF : 0, 3);
		return;
	}
	unit_color(b, unit, line + 3 * *x);
	++*x;
}

static void put_pattern(const struct bitmap *b, uint8_t *line, unsigned *x, uint8_t which)
{
	for (unsigned i = 0; i < PATTERN_PIXELS && *x < b->width; i++, ++*x)
		memcpy(line + 3 * *x, b->patterns[which][i], 3);
}

/* One code of a line; its length, or 0 when it is cut off or not known. */
static size_t code(const struct bitmap *b, uint8_t *line, unsigned *x, struct slice s)
{
	const uint8_t *p = (const uint8_t *)s.p;
	size_t unit = b->bits == 16 ? 2 : 1;
	unsigned count = p[0] & 63;
	size_t n = p[0] >> 6 == 3 ? 1 + unit : p[0] >> 6 == 1 ? 3 : 1 + count * unit;

	if (p[0] >> 6 == 2 || s.n < n)
		return 0;
	if (p[0] >> 6 == 3)
		for (unsigned i = 0; i < count; i++)
			put_unit(b, line, x, p + 1);
	else if (p[0] >> 6 == 1)
		for (unsigned i = 0; i < p[1]; i++)
			put_pattern(b, line, x, p[2]);
	else
		for (unsigned i = 0; i < count; i++)
			put_unit(b, line, x, p + 1 + i * unit);
	return n;
}

static bool segment(struct bitmap *b, struct slice body)
{
	struct slice data = cd_part(body, 12, cd_word(body, 10));
	unsigned lines = cd_word(body, 8);

	for (; lines > 0 && b->line < b->height; lines--, b->line++) {
		uint8_t *line = b->pixels + b->line * b->stride + 1;
		unsigned x = 0;

		while (x < b->width) {
			size_t n = data.n > 0 ? code(b, line, &x, data) : 0;

			if (n == 0)
				return false;
			data = cd_rest(data, n);
		}
	}
	return true;
}

/* Tables stand behind the segments that need them. */
static bool read_tables(struct bitmap *b, struct slice records, size_t max_octets)
{
	struct cd_record r;
	bool ok = true;

	while (ok && cd_next(&records, &r)) {
		if (r.signature == CD_BITMAPHEADER)
			ok = header(b, r.body, max_octets);
		else if (r.signature == CD_COLORTABLE)
			table(r.body, b->colors[0], sizeof(b->colors));
		else if (r.signature == CD_PATTERNTABLE)
			table(r.body, b->patterns[0][0], sizeof(b->patterns));
	}
	return ok && b->pixels != NULL;
}

static bool read_segments(struct bitmap *b, struct slice records)
{
	struct cd_record r;

	while (cd_next(&records, &r))
		if (r.signature == CD_BITMAPSEGMENT && !segment(b, r.body))
			return false;
	return b->line == b->height;
}

/* --- writing ---------------------------------------------------------------------------- */

static void add_be32(struct buf *out, uint32_t n)
{
	char octets[4] = { (char)(n >> 24), (char)(n >> 16), (char)(n >> 8), (char)n };

	buf_add(out, octets, sizeof(octets));
}

static uint32_t crc(const char *p, size_t n)
{
	uint32_t c = 0xFFFFFFFF;

	for (size_t i = 0; i < n; i++) {
		c ^= (uint8_t)p[i];
		for (int k = 0; k < 8; k++)
			c = (c & 1) != 0 ? 0xEDB88320U ^ c >> 1 : c >> 1;
	}
	return ~c;
}

/* The length before it is put in when its end is known. */
static size_t chunk_begin(struct buf *out, const char *type)
{
	size_t at = out->n;

	add_be32(out, 0);
	buf_add(out, type, 4);
	return at;
}

static void chunk_end(struct buf *out, size_t at)
{
	uint32_t n = (uint32_t)(out->n - at - 8);

	if (buf_status(out) != NOERROR)
		return;
	for (int i = 0; i < 4; i++)
		out->p[at + (size_t)i] = (char)(n >> (24 - 8 * i));
	add_be32(out, crc(out->p + at + 4, n + 4U));
}

/* Deflate (RFC 1951) with the fixed codes, and one match: the pixel before, again and
 * again. Pictures of screens, which these bitmaps are, are made of that. */
struct deflate {
	struct buf *out;
	uint32_t bits;
	unsigned count;
};

static void put_bits(struct deflate *d, uint32_t value, unsigned n)
{
	d->bits |= value << d->count;
	for (d->count += n; d->count >= 8; d->count -= 8, d->bits >>= 8)
		buf_add_char(d->out, (char)(d->bits & 0xFF));
}

/* Huffman codes go in with their first bit first. */
static void put_code(struct deflate *d, uint32_t value, unsigned n)
{
	uint32_t turned = 0;

	for (unsigned i = 0; i < n; i++)
		turned |= (value >> i & 1) << (n - 1 - i);
	put_bits(d, turned, n);
}

static void put_literal(struct deflate *d, unsigned c)
{
	if (c < 144)
		put_code(d, 0x30 + c, 8);
	else if (c < 256)
		put_code(d, 0x190 + c - 144, 9);
	else if (c < 280)
		put_code(d, c - 256, 7);
	else
		put_code(d, 0xC0 + c - 280, 8);
}

/* A match of 3 to 258 octets, three octets back. */
static void put_match(struct deflate *d, unsigned length)
{
	static const uint16_t base[] = {
		3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115,
		131, 163, 195, 227, 258
	};
	unsigned i = sizeof(base) / sizeof(*base) - 1;

	while (base[i] > length)
		i--;
	put_literal(d, 257 + i);
	if (i >= 8 && i < 28)
		put_bits(d, length - base[i], (i - 4) / 4);
	put_code(d, 2, 5);
}

static size_t run_length(const uint8_t *p, size_t at, size_t n)
{
	size_t length = 0;

	while (at >= 3 && at + length < n && length < 258 && p[at + length] == p[at + length - 3])
		length++;
	return length;
}

static void put_deflated(struct buf *out, const uint8_t *p, size_t n)
{
	struct deflate d = { .out = out };
	uint32_t a = 1, b = 0;
	size_t length;

	buf_add(out, "\x78\x01", 2);
	put_bits(&d, 1, 1);             /* the last block */
	put_bits(&d, 1, 2);             /* fixed codes */
	for (size_t i = 0; i < n; i += length) {
		length = run_length(p, i, n);
		if (length >= 3)
			put_match(&d, (unsigned)length);
		else
			put_literal(&d, p[i]), length = 1;
	}
	put_literal(&d, 256);
	put_bits(&d, 0, 7);             /* to a whole octet */
	for (size_t i = 0; i < n; i++) {
		a = (a + p[i]) % 65521;
		b = (b + a) % 65521;
	}
	add_be32(out, b << 16 | a);
}

static void write_png(const struct bitmap *b, struct buf *out)
{
	size_t at;

	buf_add(out, "\x89PNG\r\n\x1A\n", 8);
	at = chunk_begin(out, "IHDR");
	add_be32(out, b->width);
	add_be32(out, b->height);
	buf_add(out, "\x08\x02\0\0\0", 5);      /* 8 bits, RGB */
	chunk_end(out, at);
	at = chunk_begin(out, "IDAT");
	put_deflated(out, b->pixels, b->stride * b->height);
	chunk_end(out, at);
	at = chunk_begin(out, "IEND");
	chunk_end(out, at);
}

bool rich_bitmap_png(struct richtext_maker *m, struct slice records, struct buf *png)
{
	struct bitmap *b = calloc(1, sizeof(*b));
	bool ok;

	if (b == NULL)
		return false;
	/* what a line is run-length encoded in says little about what it takes to decode it */
	ok = read_tables(b, records, m->options.picture_octets - m->bitmap_octets);
	if (ok)
		m->bitmap_octets += b->stride * b->height;
	ok = ok && read_segments(b, records);
	if (ok) {
		write_png(b, png);
		ok = buf_status(png) == NOERROR;
	}
	free(b->pixels);
	free(b);
	return ok;
}

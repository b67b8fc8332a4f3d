/*
 * Values of items: texts, numbers, packed raw data, attachments, rich text.
 * They come from the file and are distrusted: bounded in size and number,
 * decoded strictly.
 */
#include "base/dxlnote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypt.h"

#include "base/banned.h"

/* An ampersand in an attribute comes as "&#38;". */
static struct slice attribute_text(struct dxl_reader *r, struct slice raw)
{
	char *copy, *to;

	if (memchr(raw.p, '&', raw.n) == NULL)
		return raw;
	copy = to = arena_alloc(&r->arena, raw.n);
	if (copy == NULL)
		return raw;
	for (size_t i = 0; i < raw.n; i++) {
		*to++ = raw.p[i];
		if (raw.n - i >= 5 && memcmp(raw.p + i, "&#38;", 5) == 0)
			i += 4;
	}
	return (struct slice){ copy, (size_t)(to - copy) };
}

/* SAX2 attributes come as five pointers each: name, prefix, URI, value, end. */
struct slice dxl_attribute(struct dxl_reader *r, int count, const unsigned char **attributes,
                           const char *name)
{
	for (int i = 0; i < count; i++, attributes += 5) {
		const char *value = (const char *)attributes[3];

		if (attributes[2] == NULL && strcmp((const char *)attributes[0], name) == 0)
			return attribute_text(r, (struct slice){ value,
			                      (size_t)((const char *)attributes[4] - value) });
	}
	return (struct slice){ NULL, 0 };
}

bool dxl_attribute_is(struct dxl_reader *r, int count, const unsigned char **attributes,
                      const char *name, const char *value)
{
	return slice_equal(dxl_attribute(r, count, attributes, name), slice_of(value));
}

/* --- values ---------------------------------------------------------------- */

void dxl_begin_value(struct dxl_reader *r)
{
	r->value_from = r->text.n;
	r->capturing = true;
}

void dxl_end_value(struct dxl_reader *r)
{
	r->capturing = false;
	if (r->value_count == r->value_room) {
		size_t room = r->value_room == 0 ? 16 : 2 * r->value_room;
		struct dxl_span *more = room > VALUES_MAX ? NULL
		                    : realloc(r->values, room * sizeof(*more));

		if (more == NULL) {
			dxl_document_fault(r, r->item_line, "an item has too many values");
			return;
		}
		r->values = more;
		r->value_room = room;
	}
	r->values[r->value_count++] = (struct dxl_span){ r->value_from, r->text.n - r->value_from };
	r->has_value = true;
}

/* The text is bounded; a passed bound drops what may be dropped, else the document. */
bool dxl_text_fits(struct dxl_reader *r)
{
	if (buf_status(&r->text) == NOERROR)
		return true;
	if (r->type == ITEM_COMPOSITE || r->type == ITEM_OBJECT || r->type == ITEM_MIME_PART ||
	    r->stack[r->depth - 1] == E_RAWITEMDATA || r->stack[r->depth - 1] == E_ITEMDATA) {
		r->dropped = true;
		r->capturing = false;
		buf_clear(&r->text);
		return true;
	}
	dxl_document_fault(r, r->item_line, "an item is larger than allowed");
	return false;
}

void dxl_add_char(struct dxl_reader *r, uint32_t c)
{
	char utf8[4];
	size_t n = 0;

	if (c < 0x80) {
		utf8[n++] = (char)c;
	} else if (c < 0x800) {
		utf8[n++] = (char)(0xC0 | c >> 6);
		utf8[n++] = (char)(0x80 | (c & 63));
	} else if (c < 0x10000) {
		utf8[n++] = (char)(0xE0 | c >> 12);
		utf8[n++] = (char)(0x80 | (c >> 6 & 63));
		utf8[n++] = (char)(0x80 | (c & 63));
	} else {
		utf8[n++] = (char)(0xF0 | c >> 18);
		utf8[n++] = (char)(0x80 | (c >> 12 & 63));
		utf8[n++] = (char)(0x80 | (c >> 6 & 63));
		utf8[n++] = (char)(0x80 | (c & 63));
	}
	buf_add(&r->text, utf8, n);
}

bool dxl_parse_hex(struct slice s, uint32_t max, uint32_t *value_r)
{
	uint32_t value = 0;

	if (s.n == 0 || s.n > 8)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		uint32_t digit = c >= '0' && c <= '9' ? (uint32_t)(c - '0')
		                 : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
		                 : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10) : 16;

		if (digit > 15 || value > 0xFFFFFFF)
			return false;
		value = value << 4 | digit;
	}
	if (value > max)
		return false;
	*value_r = value;
	return true;
}

void dxl_nonxmlchar(struct dxl_reader *r, int count, const unsigned char **attributes)
{
	uint32_t c;

	if (!dxl_parse_hex(dxl_attribute(r, count, attributes, "value"), 0x10FFFF, &c) || c == 0 ||
	    (c >= 0xD800 && c <= 0xDFFF)) {
		dxl_document_fault(r, r->line, "<nonxmlchar> has no usable value");
		return;
	}
	dxl_add_char(r, c);
	dxl_text_fits(r);
}

/* --- raw items: the canonical form, little-endian -------------------------- */

static uint16_t word_at(const char *p)
{
	return (uint16_t)((uint8_t)p[0] | (uint8_t)p[1] << 8);
}

/* WORD count, WORD length of each, then the texts. */
static bool raw_text_list(struct slice raw, struct slice **values_r, size_t *count_r,
                          struct arena *arena)
{
	size_t count, at;
	struct slice *values;

	if (raw.n < 2)
		return false;
	count = word_at(raw.p);
	at = 2 + 2 * count;
	if (at > raw.n)
		return false;
	values = arena_alloc(arena, (count + 1) * sizeof(*values));
	if (values == NULL)
		return false;
	for (size_t i = 0; i < count; i++) {
		values[i] = (struct slice){ raw.p + at, word_at(raw.p + 2 + 2 * i) };
		if (values[i].n > raw.n - at)
			return false;
		at += values[i].n;
	}
	*values_r = values;
	*count_r = count;
	return true;
}

/* Where the texts of a list begin. */
static size_t raw_text_offset(struct slice raw)
{
	return raw.n < 2 ? raw.n : 2 + 2 * (size_t)word_at(raw.p);
}

/* Packed text has a NUL where a line ends. */
static void break_lines(struct buf *octets, size_t from)
{
	for (size_t i = from; i < octets->n; i++)
		if (octets->p[i] == '\0')
			octets->p[i] = '\n';
}

static bool raw_number(struct slice raw, struct slice *value_r, struct arena *arena)
{
	uint64_t bits = 0;
	double number;
	char text[40];
	int n;

	if (raw.n != 8)
		return false;
	for (int i = 7; i >= 0; i--)
		bits = bits << 8 | (uint8_t)raw.p[i];
	memcpy(&number, &bits, sizeof(number));
	n = snprintf(text, sizeof(text), "%.15g", number);
	value_r->p = arena_strndup(arena, text, (size_t)n);
	value_r->n = (size_t)n;
	return value_r->p != NULL;
}

/* Base64 in the buffer becomes the item's octets, and those its values where
 * the packing is known. */
static bool add_raw_item(struct dxl_reader *r)
{
	struct buf octets;
	struct slice one, *values = &one;
	size_t count = 1;
	bool ok;

	buf_init(&octets, r->limits->item_octets);
	ok = base64_decode_folded(buf_slice(&r->text), &octets) == NOERROR;
	if (!ok) {
		dxl_document_fault(r, r->item_line, "raw item data is not base64");
		buf_release(&octets);
		return false;
	}
	one = buf_slice(&octets);
	if (r->type == ITEM_TEXT || r->type == ITEM_TEXT_LIST)
		break_lines(&octets, r->type == ITEM_TEXT ? 0 : raw_text_offset(one));
	if (r->type == ITEM_TEXT_LIST && !raw_text_list(one, &values, &count, &r->arena))
		values = &one, count = 1, r->type = ITEM_OBJECT;
	else if (r->type == ITEM_NUMBER && !raw_number(one, &one, &r->arena))
		r->type = ITEM_OBJECT;
	ok = note_add(&r->note, buf_slice(&r->item_name), r->type, r->flags, values, count) != NULL;
	buf_release(&octets);
	return ok;
}

/* <filedata>: the base64 at the end of the buffer becomes octets. */
void dxl_end_filedata(struct dxl_reader *r)
{
	struct slice base64 = { "", 0 };
	struct buf octets;

	if (r->dropped)
		return;
	if (r->text.n > r->value_from)
		base64 = (struct slice){ r->text.p + r->value_from, r->text.n - r->value_from };
	buf_init(&octets, r->limits->item_octets);
	if (base64_decode_folded(base64, &octets) != NOERROR) {
		dxl_document_fault(r, r->item_line, "file data is not base64");
	} else {
		r->text.n = r->value_from;
		buf_add_slice(&r->text, buf_slice(&octets));
		dxl_end_value(r);
	}
	buf_release(&octets);
}

/* --- items ----------------------------------------------------------------- */

void dxl_begin_item(struct dxl_reader *r, struct slice name, uint16_t type)
{
	buf_clear(&r->item_name);
	buf_add_slice(&r->item_name, name);
	dxl_free_text(r);
	r->type = type;
	r->flags = 0;
	r->in_item = true;
	r->dropped = r->has_value = false;
	r->item_line = r->line;
}

uint16_t dxl_item_flags(struct dxl_reader *r, int count, const unsigned char **attributes)
{
	static const struct {
		const char *name;
		uint16_t flag;
	} flags[] = {
		{ "sign", ITEM_SIGN }, { "seal", ITEM_SEAL }, { "authors", ITEM_READWRITERS },
		{ "names", ITEM_NAMES }, { "readers", ITEM_READERS },
		{ "protected", ITEM_PROTECTED }, { "summary", ITEM_SUMMARY }
	};
	uint16_t set = 0;

	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		if (dxl_attribute_is(r, count, attributes, flags[i].name, "true"))
			set |= flags[i].flag;
	/* summary is assumed for texts, numbers and times: kept apart until the type is known */
	if (dxl_attribute_is(r, count, attributes, "summary", "false"))
		set |= 0x8000;
	return set;
}

static void settle_summary(struct dxl_reader *r)
{
	bool denied = (r->flags & 0x8000) != 0;

	r->flags &= 0x7FFF;
	if (!denied && (r->type & 0xFF00) >= 0x0300 && (r->type & 0xFF00) <= 0x0500)
		r->flags |= ITEM_SUMMARY;
}

static bool add_plain_item(struct dxl_reader *r)
{
	struct slice *values = arena_alloc(&r->arena, (r->value_count + 1) * sizeof(*values));

	if (values == NULL)
		return false;
	for (size_t i = 0; i < r->value_count; i++)
		values[i] = r->values[i].n == 0 ? (struct slice){ "", 0 }
		            : (struct slice){ r->text.p + r->values[i].from, r->values[i].n };
	return note_add(&r->note, buf_slice(&r->item_name), r->type, r->flags, values,
	                r->value_count) != NULL;
}

/* raw: the buffer holds base64 of the packed value. */
void dxl_end_item(struct dxl_reader *r, bool raw)
{
	struct item **last = r->note.last;
	bool ok;

	if (!r->in_item || r->bad)
		return;
	r->in_item = false;
	if (r->dropped || !r->has_value)
		return;
	settle_summary(r);
	ok = raw ? add_raw_item(r) : add_plain_item(r);
	if (r->bad)
		return;
	if (!ok)
		dxl_stop(r, POSTIL_ERR_MEMORY, status_text(POSTIL_ERR_MEMORY));
	else
		(*last)->line = r->item_line;
	if (r->arena.used_octets > r->limits->note_octets)
		dxl_document_fault(r, r->note.line, "the document is larger than allowed");
	dxl_free_text(r);
}

/* --- rich text: written again as it came ----------------------------------- */

void dxl_add_escaped(struct buf *out, struct slice s, bool in_attribute)
{
	for (size_t i = 0; i < s.n; i++) {
		switch (s.p[i]) {
		case '&': buf_add_str(out, "&amp;"); break;
		case '<': buf_add_str(out, "&lt;"); break;
		case '>': buf_add_str(out, "&gt;"); break;
		case '\'':
			buf_add_str(out, in_attribute ? "&apos;" : "'");
			break;
		case '\n':
			buf_add_str(out, in_attribute ? "&#10;" : "\n");
			break;
		default: buf_add_char(out, s.p[i]);
		}
	}
}

void dxl_rich_start(struct dxl_reader *r, const char *name, int count, const unsigned char **attributes)
{
	if (r->dropped)
		return;
	buf_add_char(&r->text, '<');
	buf_add_str(&r->text, name);
	for (int i = 0; i < count; i++, attributes += 5) {
		const char *value = (const char *)attributes[3];
		struct slice raw = { value, (size_t)((const char *)attributes[4] - value) };

		buf_add_char(&r->text, ' ');
		buf_add_str(&r->text, (const char *)attributes[0]);
		buf_add_str(&r->text, "='");
		dxl_add_escaped(&r->text, attribute_text(r, raw), true);
		buf_add_char(&r->text, '\'');
	}
	buf_add_char(&r->text, '>');
	dxl_text_fits(r);
}

void dxl_rich_end(struct dxl_reader *r, const char *name)
{
	if (r->dropped)
		return;
	buf_add_str(&r->text, "</");
	buf_add_str(&r->text, name);
	buf_add_char(&r->text, '>');
	dxl_text_fits(r);
}

void dxl_rich_begin(struct dxl_reader *r)
{
	r->type = ITEM_COMPOSITE;
	dxl_begin_value(r);
	r->rich_depth = r->depth;
}

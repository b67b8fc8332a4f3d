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
	r->base64 = r->may_spool = false;
}

/* A value that may be large. */
void dxl_begin_octets(struct dxl_reader *r, bool base64)
{
	dxl_begin_value(r);
	r->base64 = base64;
	r->decoder = (struct base64_stream)BASE64_STREAM_INIT;
	r->may_spool = r->limits->value_octets != 0 && !r->spooled;
}

/* A flaw that ends an item before its end. */
static void cut_item(struct dxl_reader *r, const char *why)
{
	r->cut = true;
	r->capturing = false;
	dxl_flaw(r, r->item_line, why);
}

static bool more_values(struct dxl_reader *r)
{
	size_t room = r->value_room == 0 ? 16 : 2 * r->value_room;
	struct dxl_span *more = room > VALUES_MAX ? NULL : realloc(r->values, room * sizeof(*more));

	if (more == NULL) {
		cut_item(r, "an item has too many values");
		return false;
	}
	r->values = more;
	r->value_room = room;
	return true;
}

void dxl_end_value(struct dxl_reader *r)
{
	r->capturing = false;
	if (r->cut && r->value_count > 0 && r->text.n == r->value_from)
		return;
	if (r->value_count == r->value_room && !more_values(r))
		return;
	r->values[r->value_count++] = (struct dxl_span){ r->value_from, r->text.n - r->value_from };
	r->has_value = true;
}

/* --- large values ----------------------------------------------------------- */

/* A note of many values that are not quite large would be too large itself. */
static size_t spool_above(const struct dxl_reader *r)
{
	return r->arena.used_octets < r->limits->note_octets / 2 ? r->limits->value_octets
	       : r->limits->value_octets < 4096 ? r->limits->value_octets : 4096;
}

static bool spill(struct dxl_reader *r)
{
	size_t n = r->text.n - r->value_from;
	STATUS status;

	if (!r->spooled)
		r->spool_from = r->spool.size_octets;
	r->spooled = true;
	if (n > r->limits->spool_octets || r->spool.size_octets > r->limits->spool_octets - n) {
		dxl_document_fault(r, r->note.line, "the document is larger than allowed");
		return false;
	}
	status = spool_add(&r->spool, r->text.p + r->value_from, n);
	r->text.n = r->value_from;
	if (status != NOERROR)
		dxl_stop(r, status, status_text(status));
	return status == NOERROR;
}

/* Text that was cut must not end within a character. */
static void trim_character(struct dxl_reader *r)
{
	size_t n = r->text.n;

	while (n > r->value_from && ((unsigned char)r->text.p[n - 1] & 0xC0) == 0x80)
		n--;
	if (n > r->value_from && (unsigned char)r->text.p[n - 1] >= 0xC0)
		n--;
	else
		n = r->text.n;
	r->text.n = n;
}

/* The text is bounded; a passed bound drops what may be dropped, else it is a flaw. */
bool dxl_text_fits(struct dxl_reader *r)
{
	if (r->may_spool && r->text.n - r->value_from > spool_above(r))
		return spill(r);
	if (buf_status(&r->text) == NOERROR)
		return true;
	if (buf_status(&r->text) == POSTIL_ERR_MEMORY) {
		dxl_stop(r, POSTIL_ERR_MEMORY, status_text(POSTIL_ERR_MEMORY));
		return false;
	}
	if (!r->limits->mend && (r->type == ITEM_COMPOSITE || r->type == ITEM_OBJECT ||
	    r->type == ITEM_MIME_PART || r->stack[r->depth - 1] == E_RAWITEMDATA ||
	    r->stack[r->depth - 1] == E_ITEMDATA)) {
		r->dropped = true;
		r->capturing = false;
		buf_clear(&r->text);
		return true;
	}
	r->text.broken = NOERROR;
	trim_character(r);
	cut_item(r, "an item is larger than allowed");
	return !r->bad;
}

/* The end of octets; fault: what to say when they were no base64. */
void dxl_end_octets(struct dxl_reader *r, const char *fault)
{
	if (r->dropped || r->bad)
		return;
	if (r->base64 && base64_stream_end(&r->decoder) != NOERROR)
		dxl_flaw(r, r->item_line, fault);
	if (r->bad)
		return;
	if (r->spooled && !spill(r))
		return;
	r->may_spool = r->base64 = false;
	dxl_end_value(r);
}

struct spooled {
	const struct spool *spool;
	uint64_t from;
};

static STATUS read_spooled(void *context, uint64_t offset, void *out, size_t size)
{
	const struct spooled *s = context;

	return spool_read(s->spool, s->from + offset, out, size);
}

static bool add_spooled_item(struct dxl_reader *r, const struct slice *values, size_t count)
{
	struct spooled *s = arena_alloc(&r->arena, sizeof(*s));
	struct item_blob blob = { r->spool.size_octets - r->spool_from, read_spooled, s };

	if (s == NULL)
		return false;
	*s = (struct spooled){ &r->spool, r->spool_from };
	return note_add_blob(&r->note, buf_slice(&r->item_name), r->type, r->flags, values,
	                     r->type == ITEM_OBJECT ? count : 0, &blob) != NULL;
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
		dxl_flaw(r, r->line, "<nonxmlchar> has no usable value");
		c = 0xFFFD;
	}
	if (r->bad)
		return;
	dxl_add_char(r, c);
	dxl_text_fits(r);
}

/* --- attachments ------------------------------------------------------------ */

/* Attributes of <file> that say something unusual, as they are written. */
static void add_file_attributes(struct dxl_reader *r, int count, const unsigned char **attributes)
{
	static const struct {
		const char *name, *usual;
	} known[] = {
		{ "hosttype", "msdos" }, { "compression", "none" }, { "encoding", "none" },
		{ "flags", "storedindoc" }, { "attribute", "" },
	};
	size_t from = r->text.n;

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		struct slice value = dxl_attribute(r, count, attributes, known[i].name);

		if (value.p == NULL || slice_equal(value, slice_of(known[i].usual)))
			continue;
		if (r->text.n > from)
			buf_add_char(&r->text, ' ');
		buf_add_str(&r->text, known[i].name);
		buf_add_str(&r->text, "='");
		dxl_add_escaped(&r->text, value, true);
		buf_add_char(&r->text, '\'');
	}
}

/* <file>: its name, then perhaps its attributes. */
void dxl_begin_file(struct dxl_reader *r, int count, const unsigned char **attributes)
{
	dxl_begin_value(r);
	buf_add_slice(&r->text, dxl_attribute(r, count, attributes, "name"));
	dxl_text_fits(r);
	dxl_end_value(r);
	r->value_from = r->text.n;
	add_file_attributes(r, count, attributes);
	if (r->text.n > r->value_from && dxl_text_fits(r) && !r->dropped) {
		r->file_parts[3] = r->value_count;
		dxl_end_value(r);
	}
}

/* The values of an object in their order, from the order in which they came. */
static size_t order_file(struct dxl_reader *r, const struct slice *came, struct slice *values)
{
	size_t count = 1;

	values[0] = r->value_count > 0 ? came[0] : (struct slice){ "", 0 };
	for (size_t i = 0; i < 4; i++) {
		size_t part = r->file_parts[i];

		values[i + 1] = part != 0 && part < r->value_count ? came[part] : (struct slice){ "", 0 };
		if (part != 0 && (i == 0 || values[i + 1].n > 0))
			count = i + 2;
	}
	return count;
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
	r->dropped = r->has_value = r->cut = false;
	r->spooled = r->may_spool = r->base64 = false;
	memset(r->file_parts, 0, sizeof(r->file_parts));
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
		{ "protected", ITEM_PROTECTED }, { "summary", ITEM_SUMMARY },
		{ "placeholder", ITEM_PLACEHOLDER }, { "unchanged", ITEM_UNCHANGED }
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
	struct slice file[5];
	size_t count = r->value_count;

	if (values == NULL)
		return false;
	for (size_t i = 0; i < count; i++)
		values[i] = r->values[i].n == 0 ? (struct slice){ "", 0 }
		            : (struct slice){ r->text.p + r->values[i].from, r->values[i].n };
	if (r->type == ITEM_OBJECT) {
		count = order_file(r, values, file);
		values = file;
	}
	if (r->spooled)
		return add_spooled_item(r, values, count);
	return note_add(&r->note, buf_slice(&r->item_name), r->type, r->flags, values, count) != NULL;
}

/* The buffer holds the octets, packed as the type says. */
static bool add_packed_item(struct dxl_reader *r)
{
	struct slice *values;
	size_t count;

	return dxl_unpack(buf_slice(&r->text), &r->arena, &r->type, &values, &count) &&
	       note_add(&r->note, buf_slice(&r->item_name), r->type, r->flags, values, count) != NULL;
}

/* raw: the buffer holds the packed value. */
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
	ok = raw && dxl_is_packed(r->type) ? add_packed_item(r) : add_plain_item(r);
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

/* As attribute_text and dxl_add_escaped in one, without memory for each. */
static void add_attribute(struct buf *out, struct slice raw)
{
	for (;;) {
		const char *amp = raw.n == 0 ? NULL : memchr(raw.p, '&', raw.n);
		size_t n = amp == NULL ? raw.n : (size_t)(amp - raw.p), skip;

		dxl_add_escaped(out, (struct slice){ raw.p, n }, true);
		if (amp == NULL)
			return;
		buf_add_str(out, "&amp;");
		skip = n + (raw.n - n >= 5 && memcmp(amp, "&#38;", 5) == 0 ? 5 : 1);
		raw = (struct slice){ raw.p + skip, raw.n - skip };
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
		add_attribute(&r->text, raw);
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
	dxl_begin_octets(r, false);
	r->rich_depth = r->depth;
}

/*
 * Reading DXL with libxml2's SAX interface: nothing is built that outlives one
 * document. The file is distrusted as a whole: libxml2 is given octets and no
 * way to open anything, entity declarations end the reading, depth and sizes
 * are bounded, and what a document says is only copied into a note.
 *
 *   database --+-- document --+-- noteinfo -- created, modified
 *              |              +-- updatedby, revisions, mime
 *              |              +-- item -- text | textlist | number | ... | richtext
 *              +-- note class='document' (the same)
 *              +-- anything else: passed over
 */
#include "base/dxl.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libxml/parser.h>
#include <libxml/parserInternals.h>

#include "base/clock.h"
#include "base/crypt.h"
#include "base/text.h"

#include "base/banned.h"

const struct dxl_limits dxl_limits_directory = {
	.depth = 64,
	.item_octets = 1024 * 1024,
	.note_octets = 8 * 1024 * 1024
};

#define DXL_NAMESPACE "http://www.lotus.com/dxl"
#define DEPTH_MAX 250                   /* libxml2 itself stops at 256 */
#define VALUES_MAX 65536                /* of one item */

enum element {
	E_OTHER, E_DATABASE, E_DOCUMENT, E_NOTE, E_NOTEINFO, E_CREATED, E_MODIFIED,
	E_UPDATEDBY, E_REVISIONS, E_MIME, E_ITEM, E_TEXT, E_TEXTLIST, E_NUMBER,
	E_NUMBERLIST, E_DATETIME, E_DATETIMELIST, E_DATETIMEPAIR, E_RAWITEMDATA,
	E_ITEMDATA, E_FORMULA, E_RICHTEXT, E_OBJECT, E_FILE, E_FILEDATA, E_NAME,
	E_BREAK, E_NONXMLCHAR, E_COUNT
};

static const char *const element_names[E_COUNT] = {
	[E_OTHER] = "", [E_DATABASE] = "database", [E_DOCUMENT] = "document",
	[E_NOTE] = "note", [E_NOTEINFO] = "noteinfo", [E_CREATED] = "created",
	[E_MODIFIED] = "modified", [E_UPDATEDBY] = "updatedby",
	[E_REVISIONS] = "revisions", [E_MIME] = "mime", [E_ITEM] = "item",
	[E_TEXT] = "text", [E_TEXTLIST] = "textlist", [E_NUMBER] = "number",
	[E_NUMBERLIST] = "numberlist", [E_DATETIME] = "datetime",
	[E_DATETIMELIST] = "datetimelist", [E_DATETIMEPAIR] = "datetimepair",
	[E_RAWITEMDATA] = "rawitemdata", [E_ITEMDATA] = "itemdata",
	[E_FORMULA] = "formula", [E_RICHTEXT] = "richtext", [E_OBJECT] = "object",
	[E_FILE] = "file", [E_FILEDATA] = "filedata", [E_NAME] = "name",
	[E_BREAK] = "break", [E_NONXMLCHAR] = "nonxmlchar"
};

struct span {
	size_t from, n;         /* in reader.text */
};

struct reader {
	xmlParserCtxtPtr xml;
	const xmlChar *names[E_COUNT];          /* interned: compared by address */
	const struct dxl_limits *limits;
	const struct dxl_sink *sink;
	void *context;
	ssize_t (*read)(void *read_context, void *out, size_t size);
	void *read_context;

	uint8_t stack[DEPTH_MAX];               /* enum element of each open element */
	size_t depth, depth_limit;
	size_t ignore_depth;                    /* != 0: pass over until this depth closes */

	struct arena arena;
	struct note note;
	bool in_note, bad;                      /* bad: the document is being skipped */

	/* the item being read */
	struct buf item_name;
	uint16_t type, flags;
	unsigned item_line;
	bool in_item, dropped, has_value;       /* dropped: left out for its size */
	struct buf text;                        /* octets of all its values */
	struct span *values;
	size_t value_count, value_room, value_from;
	bool capturing;                         /* characters go to text */
	size_t rich_depth;                      /* != 0: markup goes to text too */

	STATUS stopped;                         /* why we stopped the parser */
	char stop_text[200];
	unsigned error_line;                    /* first error of libxml2; 0: none */
	char error_text[256];
};

/* --- small helpers ------------------------------------------------------------- */

static unsigned current_line(const struct reader *r)
{
	return r->xml->input == NULL || r->xml->input->line < 0 ? 0
	       : (unsigned)r->xml->input->line;
}

/* Nothing more can be had from this file. */
static void stop(struct reader *r, STATUS status, const char *text)
{
	if (r->stopped != NOERROR)
		return;
	r->stopped = status;
	r->error_line = current_line(r);
	snprintf(r->stop_text, sizeof(r->stop_text), "%s", text);
	xmlStopParser(r->xml);
}

static void free_text(struct reader *r)
{
	buf_clear(&r->text);
	r->value_count = 0;
	r->capturing = false;
	r->rich_depth = 0;
}

/* This document cannot be used; say so once and go on behind it. */
static void document_fault(struct reader *r, unsigned line, const char *text)
{
	if (r->bad)
		return;
	r->bad = true;
	r->in_item = false;
	free_text(r);
	if (r->sink->fault != NULL)
		r->sink->fault(r->context, line, text);
}

static enum element element_of(const struct reader *r, const xmlChar *name)
{
	for (int i = 1; i < E_COUNT; i++)
		if (r->names[i] == name)
			return (enum element)i;
	return E_OTHER;
}

static bool is_document(enum element e)
{
	return e == E_DOCUMENT || e == E_NOTE;
}

/* libxml2 hands an ampersand in an attribute on as "&#38;". */
static struct slice attribute_text(struct reader *r, struct slice raw)
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
static struct slice attribute(struct reader *r, int count, const xmlChar **attributes,
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

static bool attribute_is(struct reader *r, int count, const xmlChar **attributes,
                         const char *name, const char *value)
{
	return slice_equal(attribute(r, count, attributes, name), slice_of(value));
}

/* --- values ---------------------------------------------------------------------- */

static void begin_value(struct reader *r)
{
	r->value_from = r->text.n;
	r->capturing = true;
}

static void end_value(struct reader *r)
{
	r->capturing = false;
	if (r->value_count == r->value_room) {
		size_t room = r->value_room == 0 ? 16 : 2 * r->value_room;
		struct span *more = room > VALUES_MAX ? NULL
		                    : realloc(r->values, room * sizeof(*more));

		if (more == NULL) {
			document_fault(r, r->item_line, "an item has too many values");
			return;
		}
		r->values = more;
		r->value_room = room;
	}
	r->values[r->value_count++] = (struct span){ r->value_from, r->text.n - r->value_from };
	r->has_value = true;
}

/* The text is bounded; a passed bound drops what may be dropped, else the document. */
static bool text_fits(struct reader *r)
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
	document_fault(r, r->item_line, "an item is larger than allowed");
	return false;
}

static void add_char(struct reader *r, uint32_t c)
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

static bool parse_hex(struct slice s, uint32_t max, uint32_t *value_r)
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

static void nonxmlchar(struct reader *r, int count, const xmlChar **attributes)
{
	uint32_t c;

	if (!parse_hex(attribute(r, count, attributes, "value"), 0x10FFFF, &c) || c == 0 ||
	    (c >= 0xD800 && c <= 0xDFFF)) {
		document_fault(r, current_line(r), "<nonxmlchar> has no usable value");
		return;
	}
	add_char(r, c);
	text_fits(r);
}

/* --- raw items: the canonical form, little-endian ------------------------------------ */

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
static bool add_raw_item(struct reader *r)
{
	struct buf octets;
	struct slice one, *values = &one;
	size_t count = 1;
	bool ok;

	buf_init(&octets, r->limits->item_octets);
	ok = base64_decode_folded(buf_slice(&r->text), &octets) == NOERROR;
	if (!ok) {
		document_fault(r, r->item_line, "raw item data is not base64");
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
static void end_filedata(struct reader *r)
{
	struct slice base64 = { "", 0 };
	struct buf octets;

	if (r->dropped)
		return;
	if (r->text.n > r->value_from)
		base64 = (struct slice){ r->text.p + r->value_from, r->text.n - r->value_from };
	buf_init(&octets, r->limits->item_octets);
	if (base64_decode_folded(base64, &octets) != NOERROR) {
		document_fault(r, r->item_line, "file data is not base64");
	} else {
		r->text.n = r->value_from;
		buf_add_slice(&r->text, buf_slice(&octets));
		end_value(r);
	}
	buf_release(&octets);
}

/* --- items ------------------------------------------------------------------------------ */

static void begin_item(struct reader *r, struct slice name, uint16_t type)
{
	buf_clear(&r->item_name);
	buf_add_slice(&r->item_name, name);
	free_text(r);
	r->type = type;
	r->flags = 0;
	r->in_item = true;
	r->dropped = r->has_value = false;
	r->item_line = current_line(r);
}

static uint16_t item_flags(struct reader *r, int count, const xmlChar **attributes)
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
		if (attribute_is(r, count, attributes, flags[i].name, "true"))
			set |= flags[i].flag;
	/* summary is assumed for texts, numbers and times: kept apart until the type is known */
	if (attribute_is(r, count, attributes, "summary", "false"))
		set |= 0x8000;
	return set;
}

static void settle_summary(struct reader *r)
{
	bool denied = (r->flags & 0x8000) != 0;

	r->flags &= 0x7FFF;
	if (!denied && (r->type & 0xFF00) >= 0x0300 && (r->type & 0xFF00) <= 0x0500)
		r->flags |= ITEM_SUMMARY;
}

static bool add_plain_item(struct reader *r)
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
static void end_item(struct reader *r, bool raw)
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
		stop(r, POSTIL_ERR_MEMORY, status_text(POSTIL_ERR_MEMORY));
	else
		(*last)->line = r->item_line;
	if (r->arena.used_octets > r->limits->note_octets)
		document_fault(r, r->note.line, "the document is larger than allowed");
	free_text(r);
}

/* --- documents ------------------------------------------------------------------------------ */

static void begin_document(struct reader *r, enum element e, int count,
                           const xmlChar **attributes)
{
	struct slice form = attribute(r, count, attributes, "form");

	if (e == E_NOTE && !attribute_is(r, count, attributes, "class", "document")) {
		r->ignore_depth = r->depth;
		arena_release(&r->arena);
		return;
	}
	note_init(&r->note, &r->arena);
	r->note.line = current_line(r);
	r->in_note = true;
	r->bad = false;
	if (form.n > 0 && note_add_text(&r->note, "Form", form) == NULL)
		stop(r, POSTIL_ERR_MEMORY, status_text(POSTIL_ERR_MEMORY));
	else if (form.n > 0)
		r->note.first->line = r->note.line;
}

static void end_document(struct reader *r)
{
	STATUS status = NOERROR;

	if (!r->in_note)
		return;
	r->in_note = false;
	if (!r->bad && r->stopped == NOERROR)
		status = r->sink->note(r->context, &r->note);
	arena_release(&r->arena);
	r->bad = false;
	if (status != NOERROR)
		stop(r, status, "");
}

static void noteinfo(struct reader *r, int count, const xmlChar **attributes)
{
	struct slice unid = attribute(r, count, attributes, "unid");

	if (unid.n == 0)
		return;
	if (!unid_parse(unid, &r->note.unid))
		document_fault(r, current_line(r), "the attribute unid is not 32 hexadecimal digits");
	else
		r->note.has_unid = true;
}

/* <created> and <modified>: the buffer holds the datetime. */
static void end_note_time(struct reader *r, enum element e)
{
	int64_t ms;

	if (timedate_parse_dxl(buf_cstr(&r->text), &ms)) {
		if (e == E_CREATED)
			r->note.created_ms = ms;
		else
			r->note.modified_ms = ms;
	}
	free_text(r);
}

/* --- elements inside a document ---------------------------------------------------------------- */

static void ignore(struct reader *r)
{
	r->ignore_depth = r->depth;
}

static void start_raw(struct reader *r, int count, const xmlChar **attributes)
{
	uint32_t type;

	if (!parse_hex(attribute(r, count, attributes, "type"), 0xFFFF, &type)) {
		document_fault(r, current_line(r), "raw item data without a type");
		return;
	}
	r->type = (uint16_t)type;
	begin_value(r);
}

/* A child of <item>, or of what stands for one. */
static void start_value(struct reader *r, enum element e, int count, const xmlChar **attributes)
{
	switch (e) {
	case E_TEXT:
		r->type = ITEM_TEXT;
		begin_value(r);
		break;
	case E_NUMBER:
		r->type = ITEM_NUMBER;
		begin_value(r);
		break;
	case E_DATETIME:
		r->type = ITEM_TIME;
		begin_value(r);
		break;
	case E_FORMULA:
		r->type = 0x0600;
		begin_value(r);
		break;
	case E_TEXTLIST:
		r->type = ITEM_TEXT_LIST;
		r->has_value = true;
		break;
	case E_NUMBERLIST:
		r->type = ITEM_NUMBER_RANGE;
		r->has_value = true;
		break;
	case E_DATETIMELIST:
		r->type = ITEM_TIME_RANGE;
		r->has_value = true;
		break;
	case E_OBJECT:
		r->type = ITEM_OBJECT;
		break;
	case E_RAWITEMDATA:
	case E_ITEMDATA:
		start_raw(r, count, attributes);
		break;
	default:
		ignore(r);
	}
}

static void start_in_document(struct reader *r, enum element e, int count,
                              const xmlChar **attributes)
{
	struct slice name;

	switch (e) {
	case E_NOTEINFO:
		noteinfo(r, count, attributes);
		break;
	case E_UPDATEDBY:
		begin_item(r, SLICE_LIT("$UpdatedBy"), ITEM_TEXT_LIST);
		r->flags = ITEM_NAMES;
		break;
	case E_REVISIONS:
		begin_item(r, SLICE_LIT("$Revisions"), ITEM_TIME_RANGE);
		break;
	case E_MIME:
		begin_item(r, SLICE_LIT("$MIME"), ITEM_MIME_PART);
		begin_value(r);
		break;
	case E_ITEM:
		name = attribute(r, count, attributes, "name");
		if (name.n == 0) {
			document_fault(r, current_line(r), "an item without a name");
			return;
		}
		begin_item(r, name, 0);
		r->flags = item_flags(r, count, attributes);
		break;
	default:
		ignore(r);
	}
}

static void start_file(struct reader *r, int count, const xmlChar **attributes)
{
	begin_value(r);
	buf_add_slice(&r->text, attribute(r, count, attributes, "name"));
	text_fits(r);
	end_value(r);
}

/* Does an element e directly inside parent hold a value of a list? */
static bool is_list_value(enum element parent, enum element e)
{
	return (parent == E_TEXTLIST && e == E_TEXT) ||
	       (parent == E_NUMBERLIST && e == E_NUMBER) ||
	       (parent == E_DATETIMELIST && (e == E_DATETIME || e == E_DATETIMEPAIR)) ||
	       (parent == E_UPDATEDBY && e == E_NAME) ||
	       (parent == E_REVISIONS && e == E_DATETIME);
}

static void start_inside(struct reader *r, enum element parent, enum element e, int count,
                         const xmlChar **attributes)
{
	if (is_list_value(parent, e)) {
		begin_value(r);
		r->capturing = e != E_DATETIMEPAIR;
		return;
	}
	switch (parent) {
	case E_DOCUMENT:
	case E_NOTE:
		start_in_document(r, e, count, attributes);
		break;
	case E_NOTEINFO:
		free_text(r);
		if (e != E_CREATED && e != E_MODIFIED)
			ignore(r);
		break;
	case E_CREATED:
	case E_MODIFIED:
		r->capturing = e == E_DATETIME;
		break;
	case E_ITEM:
		start_value(r, e, count, attributes);
		break;
	case E_TEXT:
	case E_FORMULA:
		if (e == E_BREAK)
			add_char(r, '\n');
		else if (e == E_NONXMLCHAR)
			nonxmlchar(r, count, attributes);
		else
			ignore(r);
		break;
	case E_DATETIMEPAIR:
		if (r->text.n > r->value_from)
			buf_add_char(&r->text, '/');
		r->capturing = e == E_DATETIME;
		break;
	case E_OBJECT:
		if (e == E_FILE)
			start_file(r, count, attributes);
		else
			ignore(r);
		break;
	case E_FILE:
		if (e == E_FILEDATA)
			begin_value(r);
		else
			ignore(r);
		break;
	default:
		ignore(r);
	}
}

/* --- rich text: written again as it came --------------------------------------------------------- */

static void add_escaped(struct buf *out, struct slice s, bool in_attribute)
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

static void rich_start(struct reader *r, const xmlChar *name, int count, const xmlChar **attributes)
{
	if (r->dropped)
		return;
	buf_add_char(&r->text, '<');
	buf_add_str(&r->text, (const char *)name);
	for (int i = 0; i < count; i++, attributes += 5) {
		const char *value = (const char *)attributes[3];
		struct slice raw = { value, (size_t)((const char *)attributes[4] - value) };

		buf_add_char(&r->text, ' ');
		buf_add_str(&r->text, (const char *)attributes[0]);
		buf_add_str(&r->text, "='");
		add_escaped(&r->text, attribute_text(r, raw), true);
		buf_add_char(&r->text, '\'');
	}
	buf_add_char(&r->text, '>');
	text_fits(r);
}

static void rich_end(struct reader *r, const xmlChar *name)
{
	if (r->dropped)
		return;
	buf_add_str(&r->text, "</");
	buf_add_str(&r->text, (const char *)name);
	buf_add_char(&r->text, '>');
	text_fits(r);
}

static void rich_begin(struct reader *r)
{
	r->type = ITEM_COMPOSITE;
	begin_value(r);
	r->rich_depth = r->depth;
}

/* --- what libxml2 calls ------------------------------------------------------------------------------ */

static void start_root(struct reader *r, enum element e, const xmlChar *uri, int count,
                       const xmlChar **attributes)
{
	if (uri != NULL && strcmp((const char *)uri, DXL_NAMESPACE) != 0) {
		stop(r, POSTIL_ERR_SYNTAX, "this is not DXL: the root element has another namespace");
		return;
	}
	if (is_document(e))
		begin_document(r, e, count, attributes);
	else if (e != E_DATABASE)
		stop(r, POSTIL_ERR_SYNTAX, "this is not DXL: the root element is not "
		     "<database>, <document> or <note>");
}

static void on_start(void *context, const xmlChar *name, const xmlChar *prefix,
                     const xmlChar *uri, int ns_count, const xmlChar **namespaces,
                     int count, int defaulted, const xmlChar **attributes)
{
	struct reader *r = context;
	enum element e = element_of(r, name), parent;

	if (r->stopped != NOERROR)
		return;
	r->depth++;
	if (r->depth > r->depth_limit) {
		if (!r->in_note)
			stop(r, POSTIL_ERR_SYNTAX, "elements are nested too deeply");
		else
			document_fault(r, current_line(r), "elements are nested too deeply");
		return;
	}
	r->stack[r->depth - 1] = (uint8_t)e;
	if (r->ignore_depth != 0 || r->bad)
		return;
	parent = r->depth > 1 ? r->stack[r->depth - 2] : E_OTHER;
	if (r->rich_depth == 0 && parent == E_ITEM && e == E_RICHTEXT)
		rich_begin(r);
	if (r->rich_depth != 0)
		rich_start(r, name, count, attributes);
	else if (r->depth == 1)
		start_root(r, e, uri, count, attributes);
	else if (r->in_note)
		start_inside(r, parent, e, count, attributes);
	else if (parent == E_DATABASE && is_document(e))
		begin_document(r, e, count, attributes);
	else
		ignore(r);
}

static void end_inside(struct reader *r, enum element parent, enum element e)
{
	if (is_list_value(parent, e)) {
		end_value(r);
		return;
	}
	switch (e) {
	case E_TEXT: case E_NUMBER: case E_DATETIME: case E_FORMULA:
		if (parent == E_ITEM)
			end_value(r);
		else
			r->capturing = false;
		break;
	case E_FILEDATA:
		end_filedata(r);
		break;
	case E_RAWITEMDATA: case E_ITEMDATA: case E_MIME:
		if (!r->dropped)
			end_value(r);
		end_item(r, e != E_MIME);
		break;
	case E_ITEM: case E_UPDATEDBY: case E_REVISIONS:
		end_item(r, false);
		break;
	case E_CREATED: case E_MODIFIED:
		end_note_time(r, e);
		break;
	default:
		break;
	}
}

static void on_end(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	struct reader *r = context;
	enum element e, parent;
	size_t depth = r->depth--;

	if (r->stopped != NOERROR || depth > r->depth_limit)
		return;
	e = r->stack[depth - 1];
	parent = depth > 1 ? r->stack[depth - 2] : E_OTHER;
	if (r->ignore_depth != 0) {
		if (r->ignore_depth == depth)
			r->ignore_depth = 0;
		return;
	}
	/* documents lie at the root or right below it, wherever else the word occurs */
	if (is_document(e) && depth <= 2) {
		end_document(r);
		return;
	}
	if (!r->in_note || r->bad)
		return;
	r->depth = depth;       /* text_fits looks at the element that ends */
	if (r->rich_depth != 0) {
		rich_end(r, name);
		if (r->rich_depth == depth) {
			if (!r->dropped)
				end_value(r);
			r->rich_depth = 0;
		}
	} else {
		end_inside(r, parent, e);
	}
	r->depth = depth - 1;
}

static void on_characters(void *context, const xmlChar *p, int n)
{
	struct reader *r = context;
	struct slice s = { (const char *)p, (size_t)n };

	if (!r->capturing || r->bad || r->stopped != NOERROR || r->ignore_depth != 0 || r->dropped)
		return;
	if (r->rich_depth != 0)
		add_escaped(&r->text, s, false);
	else
		buf_add_slice(&r->text, s);
	text_fits(r);
}

static void on_reference(void *context, const xmlChar *name)
{
	struct reader *r = context;

	if (r->in_note)
		document_fault(r, current_line(r), "an entity other than those of XML is used");
}

static void on_entity(void *context, const xmlChar *name, int type, const xmlChar *public_id,
                      const xmlChar *system_id, xmlChar *content)
{
	stop(context, POSTIL_ERR_SYNTAX, "entity declarations are refused");
}

static void on_unparsed_entity(void *context, const xmlChar *name, const xmlChar *public_id,
                               const xmlChar *system_id, const xmlChar *notation)
{
	stop(context, POSTIL_ERR_SYNTAX, "entity declarations are refused");
}

#if LIBXML_VERSION >= 21200
static void on_error(void *context, const xmlError *error)
#else
static void on_error(void *context, xmlErrorPtr error)
#endif
{
	struct reader *r = context;
	struct buf shown;
	struct slice message = slice_of(error->message);

	if (r->error_line != 0 || error->level < XML_ERR_FATAL || r->stopped != NOERROR)
		return;
	while (message.n > 0 && (message.p[message.n - 1] == '\n' || message.p[message.n - 1] == ' '))
		message.n--;
	buf_init(&shown, sizeof(r->error_text) * 4);
	text_escape(message, sizeof(r->error_text) - 1, &shown);
	snprintf(r->error_text, sizeof(r->error_text), "%s", buf_cstr(&shown));
	buf_release(&shown);
	r->error_line = error->line > 0 ? (unsigned)error->line : 1;
}

static int on_read(void *context, char *out, int size)
{
	struct reader *r = context;
	ssize_t got = r->read(r->read_context, out, (size_t)size);

	if (got < 0) {
		r->stopped = POSTIL_ERR_IO;
		snprintf(r->stop_text, sizeof(r->stop_text), "cannot be read: %s",
		         strerrordesc_np(errno));
		return 0;
	}
	return (int)got;
}

/* --- setting it going ---------------------------------------------------------------------------------- */

static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Some errors of encodings have no parser and would go to standard error. */
static void say_nothing(void *context, const char *format, ...)
{
}

static bool reader_start(struct reader *r)
{
	xmlSAXHandler sax = {
		.initialized = XML_SAX2_MAGIC,
		.startElementNs = on_start,
		.endElementNs = on_end,
		.characters = on_characters,
		.cdataBlock = on_characters,
		.ignorableWhitespace = on_characters,
		.reference = on_reference,
		.entityDecl = on_entity,
		.unparsedEntityDecl = on_unparsed_entity,
		.serror = on_error
	};

	pthread_once(&once, xmlInitParser);
	xmlSetGenericErrorFunc(NULL, say_nothing);
	r->xml = xmlCreateIOParserCtxt(&sax, r, on_read, NULL, r, XML_CHAR_ENCODING_NONE);
	if (r->xml == NULL)
		return false;
	xmlCtxtUseOptions(r->xml, XML_PARSE_NONET);
	for (int i = 1; i < E_COUNT; i++) {
		r->names[i] = xmlDictLookup(r->xml->dict, (const xmlChar *)element_names[i], -1);
		if (r->names[i] == NULL)
			return false;
	}
	return true;
}

static STATUS reader_verdict(struct reader *r, const char *name, struct fault *fault)
{
	if (r->stopped == POSTIL_ERR_IO)
		return fault_set(fault, POSTIL_ERR_IO, "%s %s", name, r->stop_text);
	if (r->stopped == POSTIL_ERR_SYNTAX && r->stop_text[0] != '\0')
		return fault_set(fault, r->stopped, "%s:%u: %s", name, r->error_line, r->stop_text);
	if (r->stopped != NOERROR)
		return fault_set(fault, r->stopped, "%s: %s", name, status_text(r->stopped));
	if (r->error_line != 0 || !r->xml->wellFormed)
		return fault_set(fault, POSTIL_ERR_SYNTAX, "%s:%u: not well-formed XML: %s", name,
		                 r->error_line != 0 ? r->error_line : 1, r->error_text);
	return NOERROR;
}

static void reader_release(struct reader *r)
{
	if (r->xml != NULL) {
		/* only an internal subset makes a document tree, and holds nothing of ours */
		xmlFreeDoc(r->xml->myDoc);
		xmlFreeParserCtxt(r->xml);
	}
	arena_release(&r->arena);
	buf_release(&r->item_name);
	buf_release(&r->text);
	free(r->values);
}

STATUS dxl_read_stream(ssize_t (*read_octets)(void *read_context, void *out, size_t size),
                       void *read_context, const char *name_for_messages,
                       const struct dxl_limits *limits, const struct dxl_sink *sink,
                       void *context, struct fault *fault)
{
	struct reader *r = calloc(1, sizeof(*r));
	STATUS status;

	if (r == NULL)
		return fault_set(fault, POSTIL_ERR_MEMORY, "%s: %s", name_for_messages,
		                 status_text(POSTIL_ERR_MEMORY));
	r->limits = limits != NULL ? limits : &dxl_limits_directory;
	r->depth_limit = r->limits->depth < DEPTH_MAX ? r->limits->depth : DEPTH_MAX;
	r->sink = sink;
	r->context = context;
	r->read = read_octets;
	r->read_context = read_context;
	arena_init(&r->arena);
	buf_init(&r->text, r->limits->item_octets);
	buf_init(&r->item_name, r->limits->item_octets);
	if (reader_start(r)) {
		xmlParseDocument(r->xml);
		status = reader_verdict(r, name_for_messages, fault);
	} else {
		status = fault_set(fault, POSTIL_ERR_MEMORY, "%s: %s", name_for_messages,
		                   status_text(POSTIL_ERR_MEMORY));
	}
	reader_release(r);
	free(r);
	return status;
}

static ssize_t read_memory(void *context, void *out, size_t size)
{
	struct slice *rest = context;
	size_t n = size < rest->n ? size : rest->n;

	if (n > 0) {
		memcpy(out, rest->p, n);
		rest->p += n;
		rest->n -= n;
	}
	return (ssize_t)n;
}

STATUS dxl_read_memory(struct slice xml, const char *name_for_messages,
                       const struct dxl_limits *limits, const struct dxl_sink *sink,
                       void *context, struct fault *fault)
{
	return dxl_read_stream(read_memory, &xml, name_for_messages, limits, sink, context, fault);
}

static ssize_t read_fd(void *context, void *out, size_t size)
{
	const int *fd = context;
	ssize_t n;

	do
		n = read(*fd, out, size);
	while (n < 0 && errno == EINTR);
	return n;
}

STATUS dxl_read_file(const char *path, const struct dxl_limits *limits,
                     const struct dxl_sink *sink, void *context, struct fault *fault)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	STATUS status;

	if (fd < 0)
		return fault_set(fault, errno == ENOENT ? POSTIL_ERR_NOEXIST
		                 : errno == EACCES ? POSTIL_ERR_PERMISSION : POSTIL_ERR_IO,
		                 "cannot open %s: %s", path, strerrordesc_np(errno));
	status = dxl_read_stream(read_fd, &fd, path, limits, sink, context, fault);
	close(fd);
	return status;
}

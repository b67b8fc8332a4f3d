/*
 * From elements to notes: a stack of open elements decides what each one means.
 * All of it comes from the file and is distrusted; what a document says is only
 * copied.
 *
 *   database --+-- document --+-- noteinfo -- created, modified
 *              |              +-- updatedby, revisions, mime
 *              |              +-- item -- text | textlist | number | ... | richtext
 *              +-- note class='document' (the same)
 *              +-- anything else: passed over
 */
#include "base/dxlnote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

#include "base/banned.h"

/* --- small helpers --------------------------------------------------------- */

/* Nothing more can be had from this file. */
void dxl_stop(struct dxl_reader *r, STATUS status, const char *text)
{
	if (r->stopped != NOERROR)
		return;
	r->stopped = status;
	r->error_line = r->line;
	snprintf(r->stop_text, sizeof(r->stop_text), "%s", text);
}

void dxl_free_text(struct dxl_reader *r)
{
	buf_clear(&r->text);
	r->value_count = 0;
	r->capturing = false;
	r->rich_depth = 0;
}

/* This document cannot be used; say so once and go on behind it. */
void dxl_document_fault(struct dxl_reader *r, unsigned line, const char *text)
{
	if (r->bad)
		return;
	r->bad = true;
	r->in_item = false;
	dxl_free_text(r);
	if (r->sink->fault != NULL)
		r->sink->fault(r->context, line, text);
}

/* Which items of the note are not whole: once each. */
static void mark_damage(struct dxl_reader *r, struct slice item)
{
	for (size_t at = 0; at < r->damage.n; ) {
		struct slice name = slice_of(r->damage.p + at);

		if (slice_equal(name, item))
			return;
		at += name.n + 1;
	}
	buf_add(&r->damage, item.p, item.n);
	buf_add_char(&r->damage, '\0');
}

/* Something is wrong with the document or its item: told and mended, or its end. */
void dxl_flaw(struct dxl_reader *r, unsigned line, const char *text)
{
	struct slice item = r->in_item ? buf_slice(&r->item_name) : SLICE_LIT("");

	if (!r->limits->mend) {
		dxl_document_fault(r, line, text);
		return;
	}
	if (item.n > 0 && memchr(item.p, '\0', item.n) == NULL)
		mark_damage(r, item);
	if (r->flaws++ < FLAWS_TOLD && r->sink->flaw != NULL && !r->bad)
		r->sink->flaw(r->context, line, r->in_item ? buf_cstr(&r->item_name) : "", text);
}

static bool is_document(enum dxl_element e)
{
	return e == E_DOCUMENT || e == E_NOTE;
}

/* --- documents ------------------------------------------------------------- */

/* Where the document answers another: a packed list of one UNID, whose halves are two
 * little-endian numbers each, as raw items have it. */
static bool add_parent(struct dxl_reader *r, struct slice parent)
{
	char packed[2 + UNID_OCTETS] = { 1, 0 };
	struct slice value = { packed, sizeof(packed) };
	struct unid unid;

	if (parent.n == 0)
		return true;
	if (!unid_parse(parent, &unid))
		return note_add_text(&r->note, "$REF", parent) != NULL;
	dxl_pack_unid(&unid, packed + 2);
	return note_add(&r->note, SLICE_LIT("$REF"), ITEM_NOTEREF_LIST, ITEM_SUMMARY, &value, 1)
	       != NULL;
}

static void tell_other(struct dxl_reader *r, const char *element, int count,
                       const unsigned char **attributes)
{
	if (r->sink->other != NULL)
		r->sink->other(r->context, r->line, element,
		               dxl_attribute(r, count, attributes, "name"));
}

static void begin_document(struct dxl_reader *r, enum dxl_element e, const char *element,
                           int count, const unsigned char **attributes)
{
	struct slice form = dxl_attribute(r, count, attributes, "form");

	if (e == E_NOTE && !dxl_attribute_is(r, count, attributes, "class", "document")) {
		tell_other(r, element, count, attributes);
		r->ignore_depth = r->depth;
		arena_release(&r->arena);
		return;
	}
	note_init(&r->note, &r->arena);
	r->note.line = r->line;
	r->in_note = true;
	r->bad = false;
	r->flaws = 0;
	buf_clear(&r->damage);
	spool_clear(&r->spool);
	if (form.n > 0 && note_add_text(&r->note, "Form", form) == NULL)
		dxl_stop(r, POSTIL_ERR_MEMORY, status_text(POSTIL_ERR_MEMORY));
	else if (form.n > 0)
		r->note.first->line = r->note.line;
	if (!add_parent(r, dxl_attribute(r, count, attributes, "parent")) ||
	    (dxl_attribute_is(r, count, attributes, "conflict", "true") &&
	     note_add_text(&r->note, "$Conflict", SLICE_LIT("")) == NULL))
		dxl_stop(r, POSTIL_ERR_MEMORY, status_text(POSTIL_ERR_MEMORY));
}

/* The item NOTE_DAMAGED, from the names that were collected. */
static bool add_damage(struct dxl_reader *r)
{
	struct slice values[FLAWS_TOLD];
	size_t count = 0;

	for (size_t at = 0; at < r->damage.n && count < FLAWS_TOLD; at += values[count++].n + 1)
		values[count] = slice_of(r->damage.p + at);
	return count == 0 || note_add(&r->note, SLICE_LIT(NOTE_DAMAGED), ITEM_TEXT_LIST,
	                              ITEM_SUMMARY, values, count) != NULL;
}

static void end_document(struct dxl_reader *r)
{
	STATUS status = NOERROR;

	if (!r->in_note)
		return;
	if (!r->bad && r->stopped == NOERROR && !add_damage(r))
		dxl_stop(r, POSTIL_ERR_MEMORY, status_text(POSTIL_ERR_MEMORY));
	r->in_note = false;
	if (!r->bad && r->stopped == NOERROR)
		status = r->sink->note(r->context, &r->note);
	else if (r->stopped == NOERROR && r->sink->broken != NULL)
		r->sink->broken(r->context, &r->note);
	arena_release(&r->arena);
	r->bad = false;
	if (status != NOERROR)
		dxl_stop(r, status, "");
}

static void noteinfo(struct dxl_reader *r, int count, const unsigned char **attributes)
{
	struct slice unid = dxl_attribute(r, count, attributes, "unid");

	if (unid.n == 0)
		return;
	if (!unid_parse(unid, &r->note.unid))
		dxl_flaw(r, r->line, "the attribute unid is not 32 hexadecimal digits");
	else
		r->note.has_unid = true;
}

/* <created> and <modified>: the buffer holds the datetime. */
static void end_note_time(struct dxl_reader *r, enum dxl_element e)
{
	int64_t ms;

	if (timedate_parse_dxl(buf_cstr(&r->text), &ms)) {
		if (e == E_CREATED)
			r->note.created_ms = ms;
		else
			r->note.modified_ms = ms;
	}
	dxl_free_text(r);
}

/* --- elements inside a document -------------------------------------------- */

static void ignore(struct dxl_reader *r)
{
	r->ignore_depth = r->depth;
}

static void start_raw(struct dxl_reader *r, int count, const unsigned char **attributes)
{
	uint32_t type;

	if (!dxl_parse_hex(dxl_attribute(r, count, attributes, "type"), 0xFFFF, &type)) {
		dxl_flaw(r, r->line, "raw item data without a type");
		r->dropped = true;
		return;
	}
	r->type = (uint16_t)type;
	dxl_begin_octets(r, true);
	if (dxl_is_packed(r->type))
		r->may_spool = false;
}

/* A child of <item>, or of what stands for one. */
static void start_value(struct dxl_reader *r, enum dxl_element e, int count, const unsigned char **attributes)
{
	switch (e) {
	case E_TEXT:
		r->type = ITEM_TEXT;
		dxl_begin_value(r);
		break;
	case E_NUMBER:
		r->type = ITEM_NUMBER;
		dxl_begin_value(r);
		break;
	case E_DATETIME:
		r->type = ITEM_TIME;
		dxl_begin_value(r);
		break;
	case E_FORMULA:
		r->type = 0x0600;
		dxl_begin_value(r);
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

static void start_in_document(struct dxl_reader *r, enum dxl_element e, int count,
                              const unsigned char **attributes)
{
	struct slice name;

	switch (e) {
	case E_NOTEINFO:
		noteinfo(r, count, attributes);
		break;
	case E_UPDATEDBY:
		dxl_begin_item(r, SLICE_LIT("$UpdatedBy"), ITEM_TEXT_LIST);
		r->flags = ITEM_NAMES;
		break;
	case E_REVISIONS:
		dxl_begin_item(r, SLICE_LIT("$Revisions"), ITEM_TIME_RANGE);
		break;
	case E_MIME:
		dxl_begin_item(r, SLICE_LIT("$MIME"), ITEM_MIME_PART);
		dxl_begin_octets(r, false);
		break;
	case E_ITEM:
		name = dxl_attribute(r, count, attributes, "name");
		if (name.n == 0) {
			dxl_flaw(r, r->line, "an item without a name");
			ignore(r);
			return;
		}
		if (r->arena.used_octets > r->limits->note_octets)
			dxl_document_fault(r, r->note.line, "the document is larger than allowed");
		dxl_begin_item(r, name, 0);
		r->flags = dxl_item_flags(r, count, attributes);
		break;
	default:
		ignore(r);
	}
}

/* One file for each object, with one of each of its parts. */
static void start_in_file(struct dxl_reader *r, enum dxl_element e)
{
	size_t part = e == E_FILEDATA ? 0 : e == E_CREATED ? 1 : e == E_MODIFIED ? 2 : SIZE_MAX;

	if (part == SIZE_MAX || r->file_parts[part] != 0) {
		ignore(r);
		return;
	}
	r->file_parts[part] = r->value_count;
	if (e == E_FILEDATA)
		dxl_begin_octets(r, true);
	else
		dxl_begin_value(r);
	r->capturing = e == E_FILEDATA;
}

/* Does an element e directly inside parent hold a value of a list? */
static bool is_list_value(enum dxl_element parent, enum dxl_element e)
{
	return (parent == E_TEXTLIST && e == E_TEXT) ||
	       (parent == E_NUMBERLIST && e == E_NUMBER) ||
	       (parent == E_DATETIMELIST && (e == E_DATETIME || e == E_DATETIMEPAIR)) ||
	       (parent == E_UPDATEDBY && e == E_NAME) ||
	       (parent == E_REVISIONS && e == E_DATETIME);
}

static void start_inside(struct dxl_reader *r, enum dxl_element parent, enum dxl_element e, int count,
                         const unsigned char **attributes)
{
	if (is_list_value(parent, e)) {
		dxl_begin_value(r);
		r->capturing = e != E_DATETIMEPAIR;
		r->pair_times = 0;
		return;
	}
	switch (parent) {
	case E_DOCUMENT:
	case E_NOTE:
		start_in_document(r, e, count, attributes);
		break;
	case E_NOTEINFO:
		dxl_free_text(r);
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
	case E_MIME:
		if (e == E_BREAK)
			dxl_add_char(r, '\n');
		else if (e == E_NONXMLCHAR)
			dxl_nonxmlchar(r, count, attributes);
		else
			ignore(r);
		break;
	case E_DATETIMEPAIR:
		if (e == E_DATETIME && r->pair_times++ == 1)
			buf_add_char(&r->text, '/');
		r->capturing = e == E_DATETIME && r->pair_times <= 2;
		break;
	case E_OBJECT:
		if (e == E_FILE && r->value_count == 0)
			dxl_begin_file(r, count, attributes);
		else
			ignore(r);
		break;
	case E_FILE:
		start_in_file(r, e);
		break;
	default:
		ignore(r);
	}
}

/* Right below <database>: what is no document, but for what describes the database. */
static void pass_over(struct dxl_reader *r, enum dxl_element parent, const char *name, int count,
                      const unsigned char **attributes)
{
	static const char *const itself[] = { "databaseinfo", "acl", "fulltextsettings",
		"launchsettings" };
	bool is_other = parent == E_DATABASE && r->depth == 2;

	for (size_t i = 0; i < sizeof(itself) / sizeof(*itself); i++)
		is_other = is_other && strcmp(name, itself[i]) != 0;
	if (is_other)
		tell_other(r, name, count, attributes);
	arena_release(&r->arena);
	ignore(r);
}

/* --- what the parser calls ------------------------------------------------- */

static void start_root(struct dxl_reader *r, enum dxl_element e, const char *name,
                       const char *uri, int count, const unsigned char **attributes)
{
	if (uri != NULL && strcmp(uri, DXL_NAMESPACE) != 0) {
		dxl_stop(r, POSTIL_ERR_SYNTAX, "this is not DXL: the root element has another namespace");
		return;
	}
	if (is_document(e))
		begin_document(r, e, name, count, attributes);
	else if (e != E_DATABASE)
		dxl_stop(r, POSTIL_ERR_SYNTAX, "this is not DXL: the root element is not "
		     "<database>, <document> or <note>");
}

void dxl_start(struct dxl_reader *r, enum dxl_element e, const char *name, const char *uri,
               int count, const unsigned char **attributes)
{
	enum dxl_element parent;

	if (r->stopped != NOERROR)
		return;
	r->depth++;
	if (r->depth > r->depth_limit) {
		if (!r->in_note || r->depth > DEPTH_END)
			dxl_stop(r, POSTIL_ERR_SYNTAX, "elements are nested too deeply");
		else if (r->depth == r->depth_limit + 1 &&
		         !(r->limits->mend && r->ignore_depth != 0))
			dxl_flaw(r, r->line, "elements are nested too deeply");
		return;
	}
	r->stack[r->depth - 1] = (uint8_t)e;
	if (r->ignore_depth != 0 || r->bad)
		return;
	parent = r->depth > 1 ? r->stack[r->depth - 2] : E_OTHER;
	if (r->rich_depth == 0 && parent == E_ITEM && e == E_RICHTEXT)
		dxl_rich_begin(r);
	if (r->rich_depth != 0)
		dxl_rich_start(r, name, count, attributes);
	else if (r->depth == 1)
		start_root(r, e, name, uri, count, attributes);
	else if (r->in_note)
		start_inside(r, parent, e, count, attributes);
	else if (parent == E_DATABASE && is_document(e))
		begin_document(r, e, name, count, attributes);
	else
		pass_over(r, parent, name, count, attributes);
}

static void end_inside(struct dxl_reader *r, enum dxl_element parent, enum dxl_element e)
{
	if (is_list_value(parent, e)) {
		dxl_end_value(r);
		return;
	}
	switch (e) {
	case E_TEXT: case E_NUMBER: case E_DATETIME: case E_FORMULA:
		if (parent == E_ITEM)
			dxl_end_value(r);
		else
			r->capturing = false;
		break;
	case E_FILEDATA:
		dxl_end_octets(r, "file data is not base64");
		break;
	case E_RAWITEMDATA: case E_ITEMDATA: case E_MIME:
		dxl_end_octets(r, "raw item data is not base64");
		dxl_end_item(r, e != E_MIME);
		break;
	case E_ITEM: case E_UPDATEDBY: case E_REVISIONS:
		dxl_end_item(r, false);
		break;
	case E_CREATED: case E_MODIFIED:
		if (parent == E_FILE)
			dxl_end_value(r);
		else
			end_note_time(r, e);
		break;
	default:
		break;
	}
}

void dxl_end(struct dxl_reader *r, const char *name)
{
	enum dxl_element e, parent;
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
		dxl_rich_end(r, name);
		if (r->rich_depth == depth) {
			dxl_end_octets(r, "");
			r->rich_depth = 0;
		}
	} else {
		end_inside(r, parent, e);
	}
	r->depth = depth - 1;
}

static void take_characters(struct dxl_reader *r, struct slice s)
{
	if (r->rich_depth != 0)
		dxl_add_escaped(&r->text, s, false);
	else if (r->base64)
		base64_stream_add(&r->decoder, s, &r->text);
	else
		buf_add_slice(&r->text, s);
	dxl_text_fits(r);
}

void dxl_characters(struct dxl_reader *r, struct slice s)
{
	size_t piece = r->limits->item_octets / 16 + 1;

	if (!r->capturing || r->bad || r->ignore_depth != 0)
		return;
	/* small enough that what is over the limit cannot be much */
	for (size_t i = 0; i < s.n && !r->dropped && !r->cut && r->stopped == NOERROR; i += piece)
		take_characters(r, (struct slice){ s.p + i, s.n - i < piece ? s.n - i : piece });
}

void dxl_finish(struct dxl_reader *r)
{
	if (r->in_note && !r->bad && r->sink->broken != NULL)
		r->sink->broken(r->context, &r->note);
	r->in_note = false;
}

void dxl_reader_init(struct dxl_reader *r, const struct dxl_limits *limits,
                     const struct dxl_sink *sink, void *context)
{
	memset(r, 0, sizeof(*r));
	r->limits = limits;
	r->depth_limit = limits->depth < DEPTH_MAX ? limits->depth : DEPTH_MAX;
	r->sink = sink;
	r->context = context;
	arena_init(&r->arena);
	buf_init(&r->text, limits->item_octets);
	buf_init(&r->item_name, limits->item_octets);
	buf_init(&r->damage, 65536);
	spool_init(&r->spool, limits->spool_dir);
}

void dxl_reader_release(struct dxl_reader *r)
{
	arena_release(&r->arena);
	buf_release(&r->item_name);
	buf_release(&r->damage);
	spool_release(&r->spool);
	buf_release(&r->text);
	free(r->values);
	r->values = NULL;
}

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

static bool is_document(enum dxl_element e)
{
	return e == E_DOCUMENT || e == E_NOTE;
}

/* --- documents ------------------------------------------------------------- */

static void begin_document(struct dxl_reader *r, enum dxl_element e, int count,
                           const unsigned char **attributes)
{
	struct slice form = dxl_attribute(r, count, attributes, "form");

	if (e == E_NOTE && !dxl_attribute_is(r, count, attributes, "class", "document")) {
		r->ignore_depth = r->depth;
		arena_release(&r->arena);
		return;
	}
	note_init(&r->note, &r->arena);
	r->note.line = r->line;
	r->in_note = true;
	r->bad = false;
	if (form.n > 0 && note_add_text(&r->note, "Form", form) == NULL)
		dxl_stop(r, POSTIL_ERR_MEMORY, status_text(POSTIL_ERR_MEMORY));
	else if (form.n > 0)
		r->note.first->line = r->note.line;
}

static void end_document(struct dxl_reader *r)
{
	STATUS status = NOERROR;

	if (!r->in_note)
		return;
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
		dxl_document_fault(r, r->line, "the attribute unid is not 32 hexadecimal digits");
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
		dxl_document_fault(r, r->line, "raw item data without a type");
		return;
	}
	r->type = (uint16_t)type;
	dxl_begin_value(r);
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
		dxl_begin_value(r);
		break;
	case E_ITEM:
		name = dxl_attribute(r, count, attributes, "name");
		if (name.n == 0) {
			dxl_document_fault(r, r->line, "an item without a name");
			return;
		}
		dxl_begin_item(r, name, 0);
		r->flags = dxl_item_flags(r, count, attributes);
		break;
	default:
		ignore(r);
	}
}

static void start_file(struct dxl_reader *r, int count, const unsigned char **attributes)
{
	dxl_begin_value(r);
	buf_add_slice(&r->text, dxl_attribute(r, count, attributes, "name"));
	dxl_text_fits(r);
	dxl_end_value(r);
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
		if (e == E_BREAK)
			dxl_add_char(r, '\n');
		else if (e == E_NONXMLCHAR)
			dxl_nonxmlchar(r, count, attributes);
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
			dxl_begin_value(r);
		else
			ignore(r);
		break;
	default:
		ignore(r);
	}
}

/* --- what the parser calls ------------------------------------------------- */

static void start_root(struct dxl_reader *r, enum dxl_element e, const char *uri, int count,
                       const unsigned char **attributes)
{
	if (uri != NULL && strcmp(uri, DXL_NAMESPACE) != 0) {
		dxl_stop(r, POSTIL_ERR_SYNTAX, "this is not DXL: the root element has another namespace");
		return;
	}
	if (is_document(e))
		begin_document(r, e, count, attributes);
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
		if (!r->in_note)
			dxl_stop(r, POSTIL_ERR_SYNTAX, "elements are nested too deeply");
		else
			dxl_document_fault(r, r->line, "elements are nested too deeply");
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
		start_root(r, e, uri, count, attributes);
	else if (r->in_note)
		start_inside(r, parent, e, count, attributes);
	else if (parent == E_DATABASE && is_document(e))
		begin_document(r, e, count, attributes);
	else
		ignore(r);
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
		dxl_end_filedata(r);
		break;
	case E_RAWITEMDATA: case E_ITEMDATA: case E_MIME:
		if (!r->dropped)
			dxl_end_value(r);
		dxl_end_item(r, e != E_MIME);
		break;
	case E_ITEM: case E_UPDATEDBY: case E_REVISIONS:
		dxl_end_item(r, false);
		break;
	case E_CREATED: case E_MODIFIED:
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
			if (!r->dropped)
				dxl_end_value(r);
			r->rich_depth = 0;
		}
	} else {
		end_inside(r, parent, e);
	}
	r->depth = depth - 1;
}

void dxl_characters(struct dxl_reader *r, struct slice s)
{
	if (!r->capturing || r->bad || r->stopped != NOERROR || r->ignore_depth != 0 || r->dropped)
		return;
	if (r->rich_depth != 0)
		dxl_add_escaped(&r->text, s, false);
	else
		buf_add_slice(&r->text, s);
	dxl_text_fits(r);
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
}

void dxl_reader_release(struct dxl_reader *r)
{
	arena_release(&r->arena);
	buf_release(&r->item_name);
	buf_release(&r->text);
	free(r->values);
	r->values = NULL;
}

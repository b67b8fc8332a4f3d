/*
 * Writing DXL: a note as Domino's exporter would write it, without its line
 * breaks inside tags. Values may hold anything: what XML cannot carry becomes
 * <nonxmlchar/>, octets that are no text become raw item data.
 */
#include "base/dxl.h"

#include <string.h>

#include "base/clock.h"
#include "base/crypt.h"
#include "base/text.h"

#include "base/banned.h"

STATUS dxl_write_begin(struct buf *out)
{
	buf_add_str(out, "<?xml version='1.0' encoding='utf-8'?>\n"
	            "<database xmlns='http://www.lotus.com/dxl' version='12.0'>\n");
	return buf_status(out);
}

STATUS dxl_write_end(struct buf *out)
{
	buf_add_str(out, "</database>\n");
	return buf_status(out);
}

/* U+FFFE and U+FFFF are the only well-formed sequences above ASCII that XML refuses. */
static bool is_noncharacter(const char *p, size_t n)
{
	return n >= 3 && (unsigned char)p[0] == 0xEF && (unsigned char)p[1] == 0xBF &&
	       (unsigned char)p[2] >= 0xBE;
}

static void write_attribute(struct buf *out, struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '&' || c == '<' || c == '\'' || c == '\n' || c == '\t' || c == '\r')
			buf_addf(out, "&#%u;", c);
		else if (c >= 0x20 && !is_noncharacter(s.p + i, s.n - i))
			buf_add_char(out, s.p[i]);
		else
			buf_add_char(out, '?');
		if (is_noncharacter(s.p + i, s.n - i))
			i += 2;
	}
}

/* A newline is an element in a value and itself in a MIME stream. */
static void write_text(struct buf *out, struct slice s, const char *newline)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '&') {
			buf_add_str(out, "&amp;");
		} else if (c == '<') {
			buf_add_str(out, "&lt;");
		} else if (c == '>') {
			buf_add_str(out, "&gt;");
		} else if (c == '\n') {
			buf_add_str(out, newline);
		} else if (c == '\r') {
			buf_add_str(out, "&#13;");
		} else if (is_noncharacter(s.p + i, s.n - i)) {
			buf_addf(out, "<nonxmlchar value='ff%02x'/>",
			         (unsigned char)s.p[i + 2] == 0xBE ? 0xFEu : 0xFFu);
			i += 2;
		} else if (c < 0x20 && c != '\t') {
			buf_addf(out, "<nonxmlchar value='%x'/>", c);
		} else {
			buf_add_char(out, s.p[i]);
		}
	}
}

static void write_element(struct buf *out, const char *element, struct slice s)
{
	buf_addf(out, "<%s>", element);
	write_text(out, s, "<break/>");
	buf_addf(out, "</%s>", element);
}

static void write_list(struct buf *out, const struct item *item, const char *list,
                       const char *element)
{
	buf_addf(out, "<%s>", list);
	for (size_t i = 0; i < item->count; i++)
		write_element(out, element, item->values[i]);
	buf_addf(out, "</%s>", list);
}

static void write_times(struct buf *out, const struct item *item)
{
	buf_add_str(out, "<datetimelist>");
	for (size_t i = 0; i < item->count; i++) {
		struct slice s = item->values[i];
		size_t at = 0;

		while (at < s.n && s.p[at] != '/')
			at++;
		if (at == s.n) {
			write_element(out, "datetime", s);
			continue;
		}
		buf_add_str(out, "<datetimepair>");
		write_element(out, "datetime", (struct slice){ s.p, at });
		write_element(out, "datetime", (struct slice){ s.p + at + 1, s.n - at - 1 });
		buf_add_str(out, "</datetimepair>");
	}
	buf_add_str(out, "</datetimelist>");
}

static void write_base64(struct buf *out, struct slice octets)
{
	struct buf text = BUF_INIT;

	if (base64_encode(octets, &text) != NOERROR && out->broken == NOERROR)
		out->broken = POSTIL_ERR_MEMORY;
	for (size_t i = 0; i < text.n; i += 76) {
		buf_add_char(out, '\n');
		buf_add(out, text.p + i, text.n - i < 76 ? text.n - i : 76);
	}
	buf_add_char(out, '\n');
	buf_release(&text);
}

static void write_raw(struct buf *out, const struct item *item)
{
	buf_addf(out, "<rawitemdata type='%x'>", item->type);
	if (item->count > 0)
		write_base64(out, item->values[0]);
	buf_add_str(out, "</rawitemdata>");
}

/* Two values, a name and octets, make an attachment. */
static void write_object(struct buf *out, const struct item *item)
{
	buf_add_str(out, "<object><file hosttype='msdos' compression='none' flags='storedindoc' name='");
	write_attribute(out, item->values[0]);
	buf_add_str(out, "'><filedata>");
	write_base64(out, item->values[1]);
	buf_add_str(out, "</filedata></file></object>");
}

static bool all_utf8(const struct item *item)
{
	for (size_t i = 0; i < item->count; i++) {
		struct slice s = item->values[i];

		if (!text_is_utf8(s) || (s.n > 0 && memchr(s.p, '\0', s.n) != NULL))
			return false;
	}
	return true;
}

static void write_value(struct buf *out, const struct item *item)
{
	struct slice first = item->count > 0 ? item->values[0] : slice_of("");
	bool single = item->count == 1;

	if (item->type == ITEM_TEXT && single && all_utf8(item))
		write_element(out, "text", first);
	else if ((item->type == ITEM_TEXT || item->type == ITEM_TEXT_LIST) && all_utf8(item))
		write_list(out, item, "textlist", "text");
	else if (item->type == ITEM_NUMBER && single && all_utf8(item))
		write_element(out, "number", first);
	else if ((item->type == ITEM_NUMBER || item->type == ITEM_NUMBER_RANGE) && all_utf8(item))
		write_list(out, item, "numberlist", "number");
	else if (item->type == ITEM_TIME && single && all_utf8(item))
		write_element(out, "datetime", first);
	else if ((item->type == ITEM_TIME || item->type == ITEM_TIME_RANGE) && all_utf8(item))
		write_times(out, item);
	else if (item->type == ITEM_COMPOSITE && first.n > 9 && slice_equal(
	         (struct slice){ first.p, 9 }, SLICE_LIT("<richtext")))
		buf_add_slice(out, first);
	else if (item->type == ITEM_OBJECT && item->count == 2 && all_utf8(&(struct item){
	         .count = 1, .values = item->values }))
		write_object(out, item);
	else
		write_raw(out, item);
}

static void write_item(struct buf *out, const struct item *item)
{
	static const struct {
		const char *name;
		uint16_t flag;
	} flags[] = {
		{ "sign", ITEM_SIGN }, { "seal", ITEM_SEAL }, { "authors", ITEM_READWRITERS },
		{ "names", ITEM_NAMES }, { "readers", ITEM_READERS }, { "protected", ITEM_PROTECTED }
	};
	bool by_default = (item->type & 0xFF00) >= 0x0300 && (item->type & 0xFF00) <= 0x0500;
	bool summary = (item->flags & ITEM_SUMMARY) != 0;

	buf_add_str(out, "<item name='");
	write_attribute(out, slice_of(item->name));
	buf_add_char(out, '\'');
	if (summary != by_default)
		buf_addf(out, " summary='%s'", summary ? "true" : "false");
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++)
		if (item->flags & flags[i].flag)
			buf_addf(out, " %s='true'", flags[i].name);
	buf_add_char(out, '>');
	write_value(out, item);
	buf_add_str(out, "</item>\n");
}

static void write_time(struct buf *out, const char *element, int64_t wall_ms)
{
	char text[32];

	if (wall_ms == 0)
		return;
	timedate_format_dxl(wall_ms, text);
	buf_addf(out, "<%s><datetime>%s</datetime></%s>\n", element, text, element);
}

static void write_noteinfo(struct buf *out, const struct note *note)
{
	char unid[33];

	buf_add_str(out, "<noteinfo");
	if (note->has_unid) {
		unid_format(&note->unid, unid);
		buf_addf(out, " unid='%s'", unid);
	}
	buf_add_str(out, ">\n");
	write_time(out, "created", note->created_ms);
	write_time(out, "modified", note->modified_ms);
	buf_add_str(out, "</noteinfo>\n");
}

/* Items that have an element of their own outside <item>. */
static bool write_special(struct buf *out, const struct item *item)
{
	if (slice_equal_nocase(slice_of(item->name), SLICE_LIT("$UpdatedBy"))) {
		write_list(out, item, "updatedby", "name");
	} else if (slice_equal_nocase(slice_of(item->name), SLICE_LIT("$Revisions"))) {
		write_list(out, item, "revisions", "datetime");
	} else if (item->type == ITEM_MIME_PART && item->count == 1 &&
	           slice_equal_nocase(slice_of(item->name), SLICE_LIT("$MIME")) && all_utf8(item)) {
		buf_add_str(out, "<mime>");
		write_text(out, item->values[0], "\n");
		buf_add_str(out, "</mime>");
	} else {
		return false;
	}
	buf_add_char(out, '\n');
	return true;
}

STATUS dxl_write_note(struct buf *out, const struct note *note)
{
	const struct item *form = note_find(note, "Form");

	buf_add_str(out, "<document");
	if (form != NULL && form->type == ITEM_TEXT && form->count == 1 && all_utf8(form)) {
		buf_add_str(out, " form='");
		write_attribute(out, form->values[0]);
		buf_add_char(out, '\'');
	} else {
		form = NULL;
	}
	buf_add_str(out, ">\n");
	write_noteinfo(out, note);
	for (const struct item *item = note->first; item != NULL; item = item->next)
		if (item != form && !write_special(out, item))
			write_item(out, item);
	buf_add_str(out, "</document>\n");
	return buf_status(out);
}

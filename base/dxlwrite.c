/*
 * Writing DXL: a note as Domino's exporter would write it, without its line
 * breaks inside tags. Values may hold anything: what XML cannot carry becomes
 * <nonxmlchar/>, octets that are no text become raw item data. Large values pass in
 * pieces.
 */
#include "base/dxl.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypt.h"
#include "base/dxlnote.h"
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

/* --- large values: in pieces ------------------------------------------------ */

/* 76 characters of base64 a line. */
#define LINE_OCTETS 57
#define PIECE_OCTETS (LINE_OCTETS * 1024)

struct writer {
	struct buf *out;
	const struct dxl_writing *to;   /* NULL: all stays in out */
	STATUS status;
	bool is_message;                /* of <mime>: its line ends are CRLF, else line feeds */
	char piece[PIECE_OCTETS + 4];
};

static void give_way(struct writer *w)
{
	if (w->status == NOERROR)
		w->status = buf_status(w->out);
	if (w->to == NULL || w->status != NOERROR || w->out->n < PIECE_OCTETS)
		return;
	w->status = w->to->flush(w->to->context, buf_slice(w->out));
	buf_clear(w->out);
}

static void write_lines(struct buf *out, struct slice octets)
{
	struct buf text = BUF_INIT;

	if (base64_encode(octets, &text) != NOERROR && out->broken == NOERROR)
		out->broken = POSTIL_ERR_MEMORY;
	for (size_t i = 0; i < text.n; i += 76) {
		buf_add_char(out, '\n');
		buf_add(out, text.p + i, text.n - i < 76 ? text.n - i : 76);
	}
	buf_release(&text);
}

static void write_base64(struct writer *w, const struct item *item, size_t value)
{
	uint64_t size = item_size(item, value);

	for (uint64_t at = 0; at < size && w->status == NOERROR; at += PIECE_OCTETS) {
		size_t n = size - at < PIECE_OCTETS ? (size_t)(size - at) : PIECE_OCTETS;

		w->status = item_read(item, value, at, w->piece, n);
		if (w->status == NOERROR)
			write_lines(w->out, (struct slice){ w->piece, n });
		give_way(w);
	}
	buf_add_char(w->out, '\n');
}

/* Octets at the end that may be the beginning of a character. */
static size_t open_tail(struct slice s)
{
	for (size_t back = 1; back <= 3 && back <= s.n; back++) {
		unsigned char c = (unsigned char)s.p[s.n - back];

		if (c >= 0xC0)
			return back < (c >= 0xF0 ? 4u : c >= 0xE0 ? 3u : 2u) ? back : 0;
		if (c < 0x80)
			return 0;
	}
	return 0;
}

/* Text in pieces that end between characters; a piece does not end in a CR either. each
 * false: no more is wanted. false: it is not text throughout, or was not wanted. */
static bool each_text(struct writer *w, const struct item *item, size_t value,
                      bool (*each)(struct writer *w, struct slice s))
{
	uint64_t size = item_size(item, value), at = 0;
	size_t held = 0;
	bool ok = true;

	while (at < size && ok && w->status == NOERROR) {
		size_t n = size - at < PIECE_OCTETS ? (size_t)(size - at) : PIECE_OCTETS;
		struct slice s = { w->piece, held + n };

		w->status = item_read(item, value, at, w->piece + held, n);
		if (w->status != NOERROR)
			break;
		at += n;
		held = at == size ? 0 : open_tail(s);
		if (at < size && held == 0 && s.p[s.n - 1] == '\r')
			held = 1;
		s.n -= held;
		ok = each(w, s);
		memmove(w->piece, w->piece + s.n, held);
	}
	return ok && w->status == NOERROR;
}

/* What <mime> can hold: text of XML. Line ends become line feeds and come back as CRLF, so a
 * CR by itself in a message cannot be; the last octet of a piece is none but before another. */
static bool is_mime_piece(struct writer *w, struct slice s)
{
	if (!text_is_utf8(s))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 0x20 && c != '\t' && c != '\n' &&
		    (c != '\r' || !w->is_message || i + 1 == s.n || s.p[i + 1] != '\n'))
			return false;
		if (c == 0xEF && is_noncharacter(s.p + i, s.n - i))
			return false;
	}
	return true;
}

static bool write_copy(struct writer *w, struct slice s)
{
	buf_add_slice(w->out, s);
	give_way(w);
	return true;
}

/* The octets of a message: its line ends are CRLF. */
static bool write_message(struct writer *w, struct slice s)
{
	while (s.n > 0) {
		const char *cr = memchr(s.p, '\r', s.n);
		size_t n = cr == NULL ? s.n : (size_t)(cr - s.p);

		write_text(w->out, (struct slice){ s.p, n }, "\n");
		n += cr != NULL;
		s = (struct slice){ s.p + n, s.n - n };
		give_way(w);
	}
	return true;
}

/* --- values ------------------------------------------------------------------ */

static void write_raw(struct writer *w, const struct item *item)
{
	buf_addf(w->out, "<rawitemdata type='%x'>", item->type);
	if (item->count > 0 || item->blob != NULL)
		write_base64(w, item, 0);
	buf_add_str(w->out, "</rawitemdata>");
}

static struct slice value_of(const struct item *item, size_t value)
{
	return value < item->count ? item->values[value] : (struct slice){ "", 0 };
}

static void write_file_time(struct buf *out, const char *element, struct slice time)
{
	buf_addf(out, "<%s><datetime>", element);
	write_text(out, time, "");
	buf_addf(out, "</datetime></%s>", element);
}

/* What was read of the attributes of <file>, or the usual ones. */
static void write_file_attributes(struct buf *out, struct slice unusual)
{
	static const char *const usual[] = { "hosttype='msdos'", "compression='none'",
		"flags='storedindoc'" };

	if (!text_is_utf8(unusual) || memchr(unusual.p, '<', unusual.n) != NULL)
		unusual.n = 0;
	for (size_t i = 0; i < sizeof(usual) / sizeof(*usual); i++) {
		size_t name = strcspn(usual[i], "=") + 1;
		bool told = false;

		for (size_t at = 0; at + name <= unusual.n && !told; at++)
			told = memcmp(unusual.p + at, usual[i], name) == 0 &&
			       (at == 0 || unusual.p[at - 1] == ' ');
		if (!told)
			buf_addf(out, "%s ", usual[i]);
	}
	buf_add_slice(out, unusual);
	if (unusual.n > 0)
		buf_add_char(out, ' ');
}

static void write_object(struct writer *w, const struct item *item)
{
	buf_add_str(w->out, "<object><file ");
	write_file_attributes(w->out, value_of(item, 4));
	buf_add_str(w->out, "name='");
	write_attribute(w->out, item->values[0]);
	buf_add_str(w->out, "'>");
	write_file_time(w->out, "created", value_of(item, 2));
	write_file_time(w->out, "modified", value_of(item, 3));
	buf_add_str(w->out, "<filedata>");
	write_base64(w, item, 1);
	buf_add_str(w->out, "</filedata></file></object>");
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

/* An attachment has a name and octets, and texts beside them. */
static bool is_file(const struct item *item)
{
	for (size_t i = 0; i < item->count; i++)
		if (i != 1 && !all_utf8(&(struct item){ .count = 1, .values = item->values + i }))
			return false;
	return item->type == ITEM_OBJECT &&
	       (item->count >= 2 || (item->count == 1 && item->blob != NULL));
}

static bool is_rich_text(const struct item *item)
{
	char head[9];

	return item->type == ITEM_COMPOSITE && item_size(item, 0) > sizeof(head) &&
	       item_read(item, 0, 0, head, sizeof(head)) == NOERROR &&
	       memcmp(head, "<richtext", sizeof(head)) == 0;
}

static bool write_plain_value(struct buf *out, const struct item *item)
{
	bool single = item->count == 1;

	if (item->blob != NULL || !all_utf8(item))
		return false;
	switch (item->type) {
	case ITEM_TEXT:
		if (single) {
			write_element(out, "text", item->values[0]);
			return true;
		}
		__attribute__((fallthrough));
	case ITEM_TEXT_LIST:
		write_list(out, item, "textlist", "text");
		return true;
	case ITEM_NUMBER:
		if (single) {
			write_element(out, "number", item->values[0]);
			return true;
		}
		__attribute__((fallthrough));
	case ITEM_NUMBER_RANGE:
		write_list(out, item, "numberlist", "number");
		return true;
	case ITEM_TIME:
		if (single) {
			write_element(out, "datetime", item->values[0]);
			return true;
		}
		__attribute__((fallthrough));
	case ITEM_TIME_RANGE:
		write_times(out, item);
		return true;
	default:
		return false;
	}
}

static void write_value(struct writer *w, const struct item *item)
{
	if (write_plain_value(w->out, item))
		return;
	if (is_rich_text(item))
		each_text(w, item, 0, write_copy);
	else if (is_file(item))
		write_object(w, item);
	else
		write_raw(w, item);
}

static void write_item(struct writer *w, const struct item *item)
{
	static const struct {
		const char *name;
		uint16_t flag;
	} flags[] = {
		{ "sign", ITEM_SIGN }, { "seal", ITEM_SEAL }, { "authors", ITEM_READWRITERS },
		{ "names", ITEM_NAMES }, { "readers", ITEM_READERS },
		{ "placeholder", ITEM_PLACEHOLDER }, { "protected", ITEM_PROTECTED },
		{ "unchanged", ITEM_UNCHANGED }
	};
	struct buf *out = w->out;
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
	write_value(w, item);
	buf_add_str(out, "</item>\n");
	give_way(w);
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

/* --- documents ----------------------------------------------------------------- */

/* Items that are attributes or elements of their own; NULL: there is none, or it cannot be. */
struct specials {
	const struct item *form, *parent, *conflict, *updatedby, *revisions, *mime;
};

static const struct item *find_text(const struct note *note, const char *name, uint16_t type)
{
	const struct item *item = note_find(note, name);

	if (item == NULL || item->blob != NULL || (item->type & 0xFF00) != (type & 0xFF00) ||
	    !all_utf8(item))
		return NULL;
	return item;
}

static struct specials find_specials(const struct note *note)
{
	struct specials s = {
		.form = find_text(note, "Form", ITEM_TEXT),
		.parent = note_find(note, "$REF"),
		.conflict = find_text(note, "$Conflict", ITEM_TEXT),
		.updatedby = find_text(note, "$UpdatedBy", ITEM_TEXT),
		.revisions = find_text(note, "$Revisions", ITEM_TIME),
		.mime = note_find(note, "$MIME")
	};

	if (s.form != NULL && (s.form->type != ITEM_TEXT || s.form->count != 1 ||
	    s.form->values[0].n == 0))
		s.form = NULL;
	if (s.parent != NULL && (s.parent->type != ITEM_NOTEREF_LIST || s.parent->count != 1 ||
	    s.parent->values[0].n != 2 + UNID_OCTETS))
		s.parent = NULL;
	if (s.conflict != NULL && (s.conflict->count != 1 || s.conflict->values[0].n != 0))
		s.conflict = NULL;
	if (s.mime != NULL && s.mime->type != ITEM_MIME_PART)
		s.mime = NULL;
	return s;
}

static void write_attributes(struct buf *out, const struct specials *s)
{
	if (s->form != NULL) {
		buf_add_str(out, " form='");
		write_attribute(out, s->form->values[0]);
		buf_add_char(out, '\'');
	}
	if (s->parent != NULL) {
		struct unid unid;
		char text[33];

		dxl_unpack_unid(s->parent->values[0].p + 2, &unid);
		unid_format(&unid, text);
		buf_addf(out, " parent='%s' response='true'", text);
	}
	if (s->conflict != NULL)
		buf_add_str(out, " conflict='true'");
}

/* The whole message as an element; false: it is no text, so it stays an item. */
static bool write_mime(struct writer *w, const struct item *item, bool is_message)
{
	w->is_message = is_message;
	if (!each_text(w, item, 0, is_mime_piece))
		return false;
	buf_add_str(w->out, "<mime>");
	each_text(w, item, 0, write_message);
	buf_add_str(w->out, "</mime>\n");
	return true;
}

static void write_message_given(struct writer *w)
{
	const struct item item = { .name = "$MIME", .type = ITEM_MIME_PART,
	                           .blob = &w->to->mime };

	if (!write_mime(w, &item, true) && w->status == NOERROR)
		write_item(w, &item);
}

static void write_document(struct writer *w, const struct note *note)
{
	struct specials s = find_specials(note);
	bool has_message = w->to != NULL && w->to->mime.size_octets > 0;

	buf_add_str(w->out, "<document");
	write_attributes(w->out, &s);
	buf_add_str(w->out, ">\n");
	write_noteinfo(w->out, note);
	if (s.updatedby != NULL)
		write_list(w->out, s.updatedby, "updatedby", "name");
	if (s.revisions != NULL)
		write_list(w->out, s.revisions, "revisions", "datetime");
	if (has_message)
		write_message_given(w);
	else if (s.mime != NULL && !write_mime(w, s.mime, false))
		s.mime = NULL;
	for (const struct item *item = note->first; item != NULL && w->status == NOERROR;
	     item = item->next)
		if (item != s.form && item != s.parent && item != s.conflict && item != s.updatedby &&
		    item != s.revisions && item != s.mime)
			write_item(w, item);
	buf_add_str(w->out, "</document>\n");
}

static STATUS write_with(struct buf *out, const struct dxl_writing *to, const struct note *note)
{
	struct writer *w = malloc(sizeof(*w));
	STATUS status;

	if (w == NULL)
		return POSTIL_ERR_MEMORY;
	w->out = out;
	w->to = to;
	w->status = NOERROR;
	write_document(w, note);
	give_way(w);
	status = w->status;
	free(w);
	return status;
}

STATUS dxl_write_note(struct buf *out, const struct note *note)
{
	return write_with(out, NULL, note);
}

STATUS dxl_write_note_to(const struct dxl_writing *writing, const struct note *note)
{
	return write_with(writing->out, writing, note);
}

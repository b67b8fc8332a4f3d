/* The body of a note that was made in Notes: its text, and the parts around it. */
#include <stdio.h>
#include <string.h>

#include "mailfile/renderimpl.h"
#include "mailfile/richtext.h"

/* What is held in memory: text that is not rich, an item of records; HTML, and text beside it; pictures. */
#define TEXT_MAX (8u * 1024 * 1024)
#define HTML_MAX (8u * 1024 * 1024)
#define PICTURES_MAX (24u * 1024 * 1024)

#define ITEM_LINKS 0x0007       /* NOTELINK_LIST */

/* --- text parts ------------------------------------------------------------------------------- */

static void encoded_text(struct render *r, enum mime_encoding encoding, struct slice text)
{
	struct mime_encoder *encoder;

	render_fail(r, mime_encoder_new(encoding, &encoder));
	if (r->status != NOERROR)
		return;
	while (text.n > 0 && r->status == NOERROR) {
		size_t n = text.n < MIME_PIECE_OCTETS ? text.n : MIME_PIECE_OCTETS;
		size_t before = r->out.n;

		render_fail(r, mime_encoder_add(encoder, (struct slice){ text.p, n }, &r->out));
		render_written(r, before);
		text = (struct slice){ text.p + n, text.n - n };
	}
	if (r->status == NOERROR) {
		size_t before = r->out.n;

		render_fail(r, mime_encoder_end(encoder, &r->out));
		render_written(r, before);
	}
	mime_encoder_free(&encoder);
}

/* In base64 the lines of a text end in CRLF, too (RFC 2045, 6.8). */
static void with_crlf(struct slice text, struct buf *out)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '\n')
			buf_add_char(out, '\r');
		buf_add_char(out, text.p[i]);
	}
}

void render_text_part(struct render *r, const char *subtype, struct slice text)
{
	enum mime_encoding encoding = mime_text_encoding(text);
	struct buf lines = BUF_INIT;

	render_str(r, "Content-Type: text/");
	render_str(r, subtype);
	render_str(r, encoding == MIME_7BIT && strcmp(subtype, "plain") == 0 ? "; charset=US-ASCII"
	           : "; charset=UTF-8");
	render_str(r, "\r\nContent-Transfer-Encoding: ");
	render_str(r, mime_encoding_name(encoding));
	render_str(r, "\r\n\r\n");
	if (encoding == MIME_BASE64) {
		with_crlf(text, &lines);
		render_fail(r, buf_status(&lines));
		text = buf_slice(&lines);
	}
	encoded_text(r, encoding, text);
	buf_release(&lines);
}

void render_sentence_part(struct render *r, const char *sentence)
{
	render_text_part(r, "plain", slice_of(sentence));
}

/* --- text that is not rich ----------------------------------------------------------------------- */

static const char cut_sentence[] = "[The text of this document is too long to be shown whole.]";

/* All of a value, up to TEXT_MAX; false: it is larger, or the rendering has failed. */
static bool read_value(struct render *r, const struct item *item, size_t value, struct buf *out)
{
	uint64_t size = item_size(item, value);

	if (size > TEXT_MAX)
		return false;
	render_fail(r, buf_reserve(out, (size_t)size));
	if (r->status != NOERROR || !render_read(r, item, value, 0, out->p, (size_t)size))
		return false;
	out->n = (size_t)size;
	return true;
}

static bool is_text(const struct item *item)
{
	return item->type == ITEM_TEXT || item->type == ITEM_TEXT_LIST;
}

static void add_line(void *context, const char *label, struct slice value)
{
	struct buf *text = context;

	buf_add_str(text, label);
	buf_add_slice(text, value);
	buf_add_char(text, '\n');
}

static void add_text_item(struct render *r, const struct item *item, struct buf *text)
{
	for (size_t i = 0; i < item->count || (i == 0 && item->blob != NULL); i++) {
		struct buf octets = BUF_INIT;

		if (text->n > TEXT_MAX || !read_value(r, item, i, &octets)) {
			add_line(text, cut_sentence, (struct slice){ NULL, 0 });
			buf_release(&octets);
			return;
		}
		render_clean(buf_slice(&octets), true, text);
		if (text->n > 0 && text->p[text->n - 1] != '\n')
			buf_add_char(text, '\n');
		buf_release(&octets);
	}
}

/* What is not whole since the document came here. */
static bool damage(const struct render *r, struct buf *sentence)
{
	const struct item *damaged = render_text_item(r, NOTE_DAMAGED);

	if (damaged == NULL || damaged->count == 0)
		return false;
	buf_add_str(sentence, "[This document came here damaged; these items are not whole:");
	for (size_t i = 0; i < damaged->count && sentence->n < 500; i++) {
		buf_add_str(sentence, i == 0 ? " " : ", ");
		render_clean(render_cut(damaged->values[i], 100), false, sentence);
	}
	buf_add_str(sentence, ".]\n");
	return true;
}

static void plain_text(struct render *r, struct buf *text)
{
	bool cut = false;

	render_form_lines(r, add_line, text);
	for (const struct item *item = note_find(r->note, "Body"); item != NULL && !cut;
	     item = note_find_next(item, "Body")) {
		if (!render_may_show(r, item))
			continue;
		if (is_text(item))
			add_text_item(r, item, text);
		else
			buf_add_str(text, "[A part of this document cannot be shown.]\n");
		cut = text->n > TEXT_MAX;
	}
	if (r->sealed)
		buf_add_str(text, RENDER_SEALED_SENTENCE);
	damage(r, text);
	render_fail(r, buf_status(text));
}

/* --- rich text --------------------------------------------------------------------------------------- */

struct rich {
	struct render *r;
	struct richtext_maker *maker;
	const struct item *item;        /* that is being read */
	uint64_t at;
};

static void add_escaped(struct buf *out, struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '<')
			buf_add_str(out, "&lt;");
		else if (s.p[i] == '>')
			buf_add_str(out, "&gt;");
		else if (s.p[i] == '&')
			buf_add_str(out, "&amp;");
		else if (s.n - i > 2 && memcmp(s.p + i, "\xEF\xBF", 2) == 0 && (s.p[i + 2] & 0x3E) == 0x3E)
			i += 2;         /* U+FFFE and U+FFFF, which XML does not have */
		else
			buf_add_char(out, s.p[i]);
	}
}

/* A line of ours among the rich text: it is rich text, too. */
static void rich_line(void *context, const char *label, struct slice value)
{
	struct rich *rich = context;
	struct buf xml = BUF_INIT;

	buf_add_str(&xml, "<richtext><pardef id='1'/><par def='1'><run><font style='bold'/>");
	buf_add_str(&xml, label);
	buf_add_str(&xml, "</run>");
	add_escaped(&xml, value);
	buf_add_str(&xml, "</par></richtext>");
	render_fail(rich->r, buf_status(&xml));
	if (rich->r->status == NOERROR)
		render_fail(rich->r, richtext_add_dxl(rich->maker, buf_slice(&xml)));
	buf_release(&xml);
}

static void rich_sentence(struct rich *rich, const char *sentence)
{
	rich_line(rich, "", (struct slice){ sentence, strcspn(sentence, "\n") });
}

/* A Body of text among others of rich text: each line is a paragraph. */
static void rich_text_item(struct rich *rich, const struct item *item)
{
	struct buf text = BUF_INIT;
	size_t from = 0;

	add_text_item(rich->r, item, &text);
	for (size_t i = 0; i < text.n && rich->r->status == NOERROR; i++)
		if (text.p[i] == '\n') {
			rich_line(rich, "", (struct slice){ text.p + from, i - from });
			from = i + 1;
		}
	render_fail(rich->r, buf_status(&text));
	buf_release(&text);
}

static ssize_t read_markup(void *context, void *out, size_t size)
{
	struct rich *rich = context;
	uint64_t left = item_size(rich->item, 0) - rich->at;
	size_t n = left < size ? (size_t)left : size;

	if (!render_read(rich->r, rich->item, 0, rich->at, out, n))
		return -1;
	rich->at += n;
	return (ssize_t)n;
}

static void records(struct rich *rich, const struct item *item)
{
	struct buf octets = BUF_INIT;

	if (read_value(rich->r, item, 0, &octets))
		render_fail(rich->r, richtext_add_cd(rich->maker, buf_slice(&octets)));
	else
		rich_sentence(rich, cut_sentence);
	buf_release(&octets);
}

/* DXL begins with a tag, canonical records with a signature that is never `<`. */
static void rich_item(struct rich *rich, const struct item *item)
{
	char first = '\0';

	if (item_size(item, 0) == 0 || !render_read(rich->r, item, 0, 0, &first, 1))
		return;
	rich->item = item;
	rich->at = 0;
	if (first == '<')
		render_fail(rich->r, richtext_add_dxl_stream(rich->maker, read_markup, rich));
	else
		records(rich, item);
}

/* Items that records of the text point into. */
static void helping_items(struct rich *rich)
{
	const struct item *fonts = note_find(rich->r->note, "$Fonts");
	const struct item *links = note_find(rich->r->note, "$Links");

	if (fonts != NULL && fonts->type == ITEM_COMPOSITE && render_may_show(rich->r, fonts))
		rich_item(rich, fonts);
	if (links != NULL && links->type == ITEM_LINKS && links->count > 0 &&
	    render_may_show(rich->r, links))
		render_fail(rich->r, richtext_set_links(rich->maker, links->values[0]));
}

static void rich_items(struct rich *rich)
{
	struct buf sentence = BUF_INIT;

	for (const struct item *item = note_find(rich->r->note, "Body");
	     item != NULL && rich->r->status == NOERROR; item = note_find_next(item, "Body")) {
		if (!render_may_show(rich->r, item))
			continue;
		if (item->type == ITEM_COMPOSITE)
			rich_item(rich, item);
		else if (is_text(item))
			rich_text_item(rich, item);
		else
			rich_sentence(rich, "[A part of this document cannot be shown.]");
	}
	if (rich->r->sealed && rich->r->status == NOERROR)
		rich_sentence(rich, RENDER_SEALED_SENTENCE);
	if (rich->r->status == NOERROR && damage(rich->r, &sentence))
		rich_line(rich, "", (struct slice){ sentence.p, strcspn(buf_cstr(&sentence), "\n") });
	render_fail(rich->r, buf_status(&sentence));
	buf_release(&sentence);
}

static void read_rich(struct render *r, const char *cid_suffix, struct arena *arena,
                      struct richtext *text_r)
{
	struct richtext_options options = {
		.html_octets = HTML_MAX, .picture_octets = PICTURES_MAX, .cid_suffix = cid_suffix,
	};
	struct rich rich = { .r = r };

	render_fail(r, richtext_new(&options, &rich.maker));
	if (r->status != NOERROR)
		return;
	helping_items(&rich);
	if (r->status == NOERROR)
		render_form_lines(r, rich_line, &rich);
	rich_items(&rich);
	if (r->status == NOERROR)
		render_fail(r, richtext_finish(&rich.maker, arena, text_r));
	richtext_free(&rich.maker);
}

/* --- parts ------------------------------------------------------------------------------------------------ */

static void base64_octets(struct render *r, struct slice octets)
{
	encoded_text(r, MIME_BASE64, octets);
}

static void picture(struct render *r, const struct richtext_picture *picture, const char *cid_suffix)
{
	render_str(r, "Content-Type: ");
	render_slice(r, picture->type);
	render_str(r, ";\r\n\tname=\"");
	render_str(r, picture->name);
	render_str(r, "\"\r\nContent-ID: <");
	render_str(r, picture->name);
	render_str(r, cid_suffix);
	render_str(r, ">\r\nContent-Disposition: inline;\r\n\tfilename=\"");
	render_str(r, picture->name);
	render_str(r, "\"\r\nContent-Transfer-Encoding: base64\r\n\r\n");
	base64_octets(r, picture->octets);
}

static void html(struct render *r, const struct richtext *text, const char *cid_suffix)
{
	if (text->picture_count == 0) {
		render_text_part(r, "html", buf_slice(&text->html));
		return;
	}
	render_multipart(r, "related", "related");
	render_boundary(r, "related", false);
	render_text_part(r, "html", buf_slice(&text->html));
	for (size_t i = 0; i < text->picture_count && r->status == NOERROR; i++) {
		render_boundary(r, "related", false);
		picture(r, &text->pictures[i], cid_suffix);
	}
	render_boundary(r, "related", true);
}

static void rich_part(struct render *r)
{
	struct richtext text = { .text = BUF_INIT };
	struct arena arena = ARENA_INIT;
	char cid_suffix[64];

	snprintf(cid_suffix, sizeof(cid_suffix), "@%s.notes", r->unid[0] != '\0' ? r->unid : "document");
	read_rich(r, cid_suffix, &arena, &text);
	if (r->status == NOERROR) {
		render_multipart(r, "alternative", "alternative");
		render_boundary(r, "alternative", false);
		render_text_part(r, "plain", buf_slice(&text.text));
		render_boundary(r, "alternative", false);
		html(r, &text, cid_suffix);
		render_boundary(r, "alternative", true);
		richtext_release(&text);
	}
	arena_release(&arena);
}

static bool is_rich(const struct render *r)
{
	for (const struct item *item = note_find(r->note, "Body"); item != NULL;
	     item = note_find_next(item, "Body"))
		if (item->type == ITEM_COMPOSITE && render_may_show(r, item))
			return true;
	return false;
}

static void what_is_said(struct render *r)
{
	struct buf text = BUF_INIT;

	if (is_rich(r)) {
		rich_part(r);
		return;
	}
	plain_text(r, &text);
	render_text_part(r, "plain", buf_slice(&text));
	buf_release(&text);
}

static bool is_shown_file(const struct render *r, const struct item *item)
{
	return render_is_file(item) && render_may_show(r, item);
}

static bool has_files(const struct render *r)
{
	for (const struct item *item = r->note->first; item != NULL; item = item->next)
		if (is_shown_file(r, item))
			return true;
	return false;
}

void render_body(struct render *r)
{
	if (!has_files(r)) {
		what_is_said(r);
		return;
	}
	render_multipart(r, "mixed", "mixed");
	render_boundary(r, "mixed", false);
	what_is_said(r);
	for (const struct item *item = r->note->first; item != NULL && r->status == NOERROR;
	     item = item->next) {
		if (!is_shown_file(r, item))
			continue;
		render_boundary(r, "mixed", false);
		render_file_part(r, item);
	}
	render_boundary(r, "mixed", true);
}

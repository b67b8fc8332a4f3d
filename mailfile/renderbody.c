/* The body of a note that was made in Notes: its text, and the parts around it. */
#include <string.h>

#include "mailfile/renderimpl.h"

#define TEXT_MAX (16u * 1024 * 1024)    /* of all text that is held; then a sentence */

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
	render_str(r, encoding == MIME_7BIT ? "; charset=US-ASCII" : "; charset=UTF-8");
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

/* --- what the note says --------------------------------------------------------------------------- */

struct said {
	struct buf text;
	bool cut;
};

static void add_value(struct render *r, struct said *said, const struct item *item, size_t value)
{
	uint64_t size = item_size(item, value);
	struct buf octets = BUF_INIT;

	if (size > TEXT_MAX - said->text.n || said->cut) {
		said->cut = true;
		return;
	}
	render_fail(r, buf_reserve(&octets, (size_t)size));
	if (r->status == NOERROR && render_read(r, item, value, 0, octets.p, (size_t)size)) {
		octets.n = (size_t)size;
		render_clean(buf_slice(&octets), true, &said->text);
		if (said->text.n > 0 && said->text.p[said->text.n - 1] != '\n')
			buf_add_char(&said->text, '\n');
	}
	buf_release(&octets);
}

static void add_body(struct render *r, struct said *said, const struct item *item)
{
	if (!render_may_show(r, item))
		return;
	if (item->type == ITEM_TEXT || item->type == ITEM_TEXT_LIST) {
		for (size_t i = 0; i < item->count || (i == 0 && item->blob != NULL); i++)
			add_value(r, said, item, i);
	} else {
		buf_add_str(&said->text, "[The text of this document cannot be shown.]\n");
	}
}

static void say(struct render *r, struct said *said)
{
	for (const struct item *item = note_find(r->note, "Body"); item != NULL;
	     item = note_find_next(item, "Body"))
		add_body(r, said, item);
	if (said->cut)
		buf_add_str(&said->text, "[The text of this document is too long to be shown whole.]\n");
	if (r->sealed)
		buf_add_str(&said->text, RENDER_SEALED_SENTENCE);
	render_fail(r, buf_status(&said->text));
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
	struct said said = { .text = BUF_INIT };

	say(r, &said);
	if (!has_files(r)) {
		render_text_part(r, "plain", buf_slice(&said.text));
		buf_release(&said.text);
		return;
	}
	render_multipart(r, "mixed", "mixed");
	render_boundary(r, "mixed", false);
	render_text_part(r, "plain", buf_slice(&said.text));
	buf_release(&said.text);
	for (const struct item *item = r->note->first; item != NULL && r->status == NOERROR;
	     item = item->next) {
		if (!is_shown_file(r, item))
			continue;
		render_boundary(r, "mixed", false);
		render_file_part(r, item);
	}
	render_boundary(r, "mixed", true);
}

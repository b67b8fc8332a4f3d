/* Encoded words and folding. The octets are hostile: any value, words without end. */
#include "mailfile/words.h"

#include <string.h>

#include "base/crypt.h"
#include "base/text.h"

#define LINE_OCTETS 76
#define ENCODED_WORD_OCTETS 75
#define LEAST_ROOM 30           /* less is left on this line: begin another one */

bool words_has_high(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] > 0x7F)
			return true;
	return false;
}

void words_start(struct words *w, struct buf *out, size_t column, bool in_phrase)
{
	*w = (struct words){ .out = out, .column = column, .in_phrase = in_phrase,
	                     .text = BUF_INIT };
}

void words_release(struct words *w)
{
	buf_release(&w->text);
}

/* --- lines --------------------------------------------------------------------- */

/* A line is folded before the blanks of a word, where it has any. */
static void put(struct words *w, struct slice blanks, struct slice word)
{
	if (w->column > 0 && blanks.n > 0 && w->column + blanks.n + word.n > LINE_OCTETS) {
		buf_add(w->out, "\r\n", 2);
		w->column = 0;
	}
	buf_add_slice(w->out, blanks);
	buf_add_slice(w->out, word);
	w->column += blanks.n + word.n;
}

/* --- encoded words --------------------------------------------------------------- */

static bool q_is_plain(unsigned char c, bool in_phrase)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
		return true;
	if (in_phrase)
		return c != '\0' && strchr("!*+-/", c) != NULL;
	return c > ' ' && c < 0x7F && c != '=' && c != '?' && c != '_';
}

static size_t q_octets(struct slice s, bool in_phrase)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == ' ' || q_is_plain((unsigned char)s.p[i], in_phrase) ? 1 : 3;
	return n;
}

static size_t b_octets(size_t n)
{
	return (n + 2) / 3 * 4;
}

static void add_q(struct buf *out, struct slice s, bool in_phrase)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == ' ')
			buf_add_char(out, '_');
		else if (q_is_plain(c, in_phrase))
			buf_add_char(out, (char)c);
		else
			buf_addf(out, "=%02X", (unsigned)c);
	}
}

/* How an encoded word is made of a text. */
struct coding {
	const char *charset;
	bool utf8, q, in_phrase;
};

static struct coding coding_for(struct slice text, bool in_phrase)
{
	struct coding c = { .charset = "UTF-8", .utf8 = text_is_utf8(text),
		.in_phrase = in_phrase };

	if (!c.utf8)
		c.charset = "unknown-8bit";
	c.q = q_octets(text, in_phrase) <= b_octets(text.n);
	return c;
}

/* Octets of the character that s begins with. */
static size_t character(const struct coding *c, struct slice s)
{
	size_t n = 1;

	while (c->utf8 && n < s.n && ((unsigned char)s.p[n] & 0xC0) == 0x80)
		n++;
	return n;
}

/* As many characters as room octets of code can hold, one at least. */
static size_t fitting(const struct coding *c, struct slice text, size_t room)
{
	size_t n = 0, code = 0;

	while (n < text.n) {
		struct slice rest = { text.p + n, text.n - n };
		size_t more = character(c, rest);

		code += q_octets((struct slice){ rest.p, more }, c->in_phrase);
		if (n > 0 && (c->q ? code : b_octets(n + more)) > room)
			break;
		n += more;
	}
	return n;
}

static void add_encoded_word(const struct coding *c, struct slice text, struct buf *out)
{
	buf_addf(out, "=?%s?%c?", c->charset, c->q ? 'Q' : 'B');
	if (c->q)
		add_q(out, text, c->in_phrase);
	else
		base64_encode(text, out);
	buf_add(out, "?=", 2);
}

/* The blanks before the first one are those of the text; between two of them one, which
 * is not shown. */
static void put_encoded(struct words *w, struct slice blanks, struct slice text)
{
	struct coding coding = coding_for(text, w->in_phrase);
	size_t around = strlen(coding.charset) + sizeof("=???") - 1 + 3;
	struct buf word = BUF_INIT;

	while (text.n > 0 && buf_status(w->out) == NOERROR) {
		size_t used = w->column + blanks.n + around, room = ENCODED_WORD_OCTETS - around, n;

		if (used + LEAST_ROOM <= LINE_OCTETS && LINE_OCTETS - used < room)
			room = LINE_OCTETS - used;
		n = fitting(&coding, text, room);
		add_encoded_word(&coding, (struct slice){ text.p, n }, &word);
		if (buf_status(&word) != NOERROR)
			w->out->broken = buf_status(&word);
		put(w, blanks, buf_slice(&word));
		buf_clear(&word);
		blanks = SLICE_LIT(" ");
		text.p += n;
		text.n -= n;
	}
	buf_release(&word);
	w->after_encoded = true;
}

/* --- words --------------------------------------------------------------------------- */

static bool is_encoded_word(struct slice s)
{
	return s.n > 7 && memcmp(s.p, "=?", 2) == 0 && memcmp(s.p + s.n - 2, "?=", 2) == 0;
}

/* An encoded word stands behind a blank, or at the beginning of a comment. */
static struct slice blanks_before(const struct words *w)
{
	if (w->blanks.n > 0 || (w->out->n > 0 && w->out->p[w->out->n - 1] == '('))
		return w->blanks;
	return SLICE_LIT(" ");
}

void words_flush(struct words *w)
{
	if (!w->runs)
		return;
	w->runs = false;
	if (buf_status(&w->text) != NOERROR)
		w->out->broken = buf_status(&w->text);
	put_encoded(w, blanks_before(w), buf_slice(&w->text));
	buf_clear(&w->text);
}

/* Blanks between two encoded words are not shown: those that must be are inside. */
void words_encode(struct words *w, struct slice blanks, struct slice text)
{
	if (w->runs || w->after_encoded)
		buf_add_slice(&w->text, blanks);
	if (!w->runs)
		w->blanks = blanks;
	w->runs = true;
	w->after_encoded = false;
	buf_add_slice(&w->text, text);
}

void words_raw(struct words *w, struct slice blanks, struct slice raw)
{
	bool encoded = is_encoded_word(raw);

	if (w->runs && encoded)
		buf_add_slice(&w->text, blanks);
	words_flush(w);
	if (w->after_encoded && blanks.n == 0 && raw.n > 0 && raw.p[0] != ')')
		blanks = SLICE_LIT(" ");
	put(w, blanks, raw);
	w->after_encoded = encoded;
}

void words_break(struct words *w)
{
	if (w->column > LINE_OCTETS / 2)
		w->column = LINE_OCTETS;
}

void words_add(struct words *w, struct slice blanks, struct slice raw, struct slice text)
{
	if (words_has_high(text))
		words_encode(w, blanks, text);
	else
		words_raw(w, blanks, raw);
}

static size_t run_of(struct slice s, bool blank)
{
	size_t n = 0;

	while (n < s.n && (s.p[n] == ' ' || s.p[n] == '\t') == blank)
		n++;
	return n;
}

void words_add_text(struct words *w, struct slice text)
{
	while (text.n > 0) {
		struct slice blanks = { text.p, run_of(text, true) }, word;

		word.p = text.p + blanks.n;
		word.n = run_of((struct slice){ word.p, text.n - blanks.n }, false);
		if (word.n == 0)
			return;
		words_add(w, blanks, word, word);
		text.p = word.p + word.n;
		text.n -= blanks.n + word.n;
	}
}

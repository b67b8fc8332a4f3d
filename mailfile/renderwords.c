/* Fields of a header, folded and encoded (RFC 5322, 2.2.3; RFC 2047). Texts are any octets: nothing
 * that comes in begins a line, and no line passes 998 octets.
 *
 * GMime would encode words too, but leaves "=?...?=" in plain text as it is, which would be decoded,
 * and makes words longer than the 75 octets of RFC 2047. */
#include <string.h>

#include "base/crypt.h"
#include "base/text.h"
#include "mailfile/renderimpl.h"

#define FOLD_AT 76u
#define WORD_MAX 900u           /* a word of this length still fits a line */
#define PLAIN_WORD_MAX 200u     /* a longer one in text is encoded, so that it can be folded */
#define ENCODED_TEXT_MAX 45u    /* octets in an encoded word: 60 in base64 */

/* --- clean text ------------------------------------------------------------------------ */

static bool is_control(unsigned char c)
{
	return c < ' ' || c == 0x7F;
}

static void add_latin1(struct buf *out, unsigned char c)
{
	if (c < 0x80)
		buf_add_char(out, (char)c);
	else if (c < 0xA0)
		buf_add_char(out, ' ');
	else
		buf_add(out, (char[]){ (char)(0xC0 | c >> 6), (char)(0x80 | (c & 0x3F)) }, 2);
}

/* A control character of Unicode above ASCII: U+0080 to U+009F. */
static bool is_c1(struct slice text, size_t i)
{
	return (unsigned char)text.p[i] == 0xC2 && i + 1 < text.n &&
	       (unsigned char)text.p[i + 1] < 0xA0;
}

static void trim_blanks(struct buf *out, size_t from)
{
	size_t blanks = 0;

	while (out->n > from && out->p[out->n - 1] == ' ')
		out->n--;
	while (from + blanks < out->n && out->p[from + blanks] == ' ')
		blanks++;
	if (blanks > 0) {
		memmove(out->p + from, out->p + from + blanks, out->n - from - blanks);
		out->n -= blanks;
	}
}

void render_clean(struct slice text, bool keep_lines, struct buf *out)
{
	bool utf8 = text_is_utf8(text);
	size_t from = out->n;

	buf_reserve(out, text.n);
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (keep_lines && (c == '\n' || c == '\t')) {
			buf_add_char(out, (char)c);
		} else if (keep_lines && c == '\r') {
			if (i + 1 == text.n || text.p[i + 1] != '\n')
				buf_add_char(out, '\n');
		} else if (is_control(c)) {
			buf_add_char(out, ' ');
		} else if (utf8 && is_c1(text, i)) {
			buf_add_char(out, ' ');
			i++;
		} else if (utf8) {
			buf_add_char(out, (char)c);
		} else {
			add_latin1(out, c);
		}
	}
	if (!keep_lines)
		trim_blanks(out, from);
}

/* --- words --------------------------------------------------------------------------------- */

void field_begin(struct field *f, struct render *r, const char *name)
{
	*f = (struct field){ .r = r };
	render_str(r, name);
	render_str(r, ":");
	f->column = strlen(name) + 1;
}

void field_end(struct field *f)
{
	render_str(f->r, "\r\n");
}

/* A blank, or a new line and a blank where n octets more would pass the margin. */
static void field_space(struct field *f, size_t n)
{
	if (f->any && f->column + 1 + n > FOLD_AT) {
		render_str(f->r, "\r\n");
		f->column = 0;
	}
	render_str(f->r, " ");
	f->column++;
	f->any = true;
}

static void add_word(struct field *f, struct slice word)
{
	size_t from = 0;

	for (size_t i = 0; i < word.n; i++) {
		if (!is_control((unsigned char)word.p[i]))
			continue;
		render_octets(f->r, word.p + from, i - from);
		render_str(f->r, "?");
		from = i + 1;
	}
	render_octets(f->r, word.p + from, word.n - from);
	f->column += word.n;
}

static struct slice bounded(struct slice word)
{
	return (struct slice){ word.p, word.n < WORD_MAX ? word.n : WORD_MAX };
}

void field_word(struct field *f, struct slice word)
{
	word = bounded(word);
	field_space(f, word.n);
	add_word(f, word);
}

void field_comma(struct field *f)
{
	render_str(f->r, ",");
	f->column++;
}

struct slice render_cut(struct slice text, size_t max)
{
	size_t n = max;

	if (text.n <= max)
		return text;
	while (n > 0 && ((unsigned char)text.p[n] & 0xC0) == 0x80)
		n--;
	return (struct slice){ text.p, n > 0 ? n : max };
}

static void encoded_word(struct slice text, struct buf *out)
{
	buf_add_str(out, "=?UTF-8?B?");
	base64_encode(text, out);
	buf_add_str(out, "?=");
}

static void field_encoded(struct field *f, struct slice text)
{
	struct buf word = BUF_INIT;

	while (text.n > 0 && f->r->status == NOERROR) {
		size_t room = f->column + 13 < FOLD_AT ? (FOLD_AT - f->column - 13) / 4 * 3 : 0;
		size_t n = render_cut(text, room >= 12 && room < ENCODED_TEXT_MAX ? room
		                      : ENCODED_TEXT_MAX).n;

		buf_clear(&word);
		encoded_word((struct slice){ text.p, n }, &word);
		render_fail(f->r, buf_status(&word));
		field_word(f, buf_slice(&word));
		text = (struct slice){ text.p + n, text.n - n };
	}
	buf_release(&word);
}

/* A run of octets that are no blanks, with the blanks before it but for the first. */
static size_t word_length(struct slice text)
{
	size_t n = 0;

	while (n < text.n && text.p[n] == ' ')
		n++;
	while (n < text.n && text.p[n] != ' ')
		n++;
	return n;
}

static bool word_is_plain(struct slice word)
{
	if (word.n > PLAIN_WORD_MAX)
		return false;
	for (size_t i = 0; i < word.n; i++)
		if ((unsigned char)word.p[i] >= 0x80 ||
		    (word.p[i] == '=' && i + 1 < word.n && word.p[i + 1] == '?'))
			return false;
	return true;
}

/* Where what has to be encoded begins and ends; the blank before and the one behind it are
 * not in it. */
static void find_odd(struct slice text, size_t *begin_r, size_t *end_r)
{
	size_t at = 0;

	*begin_r = *end_r = text.n;
	while (at < text.n) {
		size_t n = word_length((struct slice){ text.p + at, text.n - at });

		if (!word_is_plain((struct slice){ text.p + at, n })) {
			if (*begin_r == text.n)
				*begin_r = at;
			*end_r = at + n;
		}
		at += n;
		if (at < text.n)
			at++;
	}
}

static void field_plain(struct field *f, struct slice text)
{
	while (text.n > 0 && f->r->status == NOERROR) {
		size_t n = word_length(text);

		field_word(f, (struct slice){ text.p, n });
		n += n < text.n;
		text = (struct slice){ text.p + n, text.n - n };
	}
}

void field_text(struct field *f, struct slice text)
{
	struct buf clean = BUF_INIT;
	size_t begin, end;

	render_clean(text, false, &clean);
	render_fail(f->r, buf_status(&clean));
	find_odd(buf_slice(&clean), &begin, &end);
	if (begin > 0)
		field_plain(f, (struct slice){ clean.p, begin - (begin < clean.n) });
	if (end > begin)
		field_encoded(f, (struct slice){ clean.p + begin, end - begin });
	if (end < clean.n)
		field_plain(f, (struct slice){ clean.p + end + 1, clean.n - end - 1 });
	buf_release(&clean);
}

static void add_quoted(struct slice text, struct buf *out)
{
	buf_add_char(out, '"');
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '"' || text.p[i] == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, text.p[i]);
	}
	buf_add_char(out, '"');
}

static void field_quoted(struct field *f, struct slice text)
{
	struct buf quoted = BUF_INIT;

	add_quoted(text, &quoted);
	render_fail(f->r, buf_status(&quoted));
	field_word(f, buf_slice(&quoted));
	buf_release(&quoted);
}

void field_phrase(struct field *f, struct slice text)
{
	struct buf clean = BUF_INIT;

	render_clean(text, false, &clean);
	render_fail(f->r, buf_status(&clean));
	if (word_is_plain(buf_slice(&clean)))
		field_quoted(f, buf_slice(&clean));
	else
		field_encoded(f, buf_slice(&clean));
	buf_release(&clean);
}

static bool is_ascii(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
	return true;
}

void render_old_parameter(struct slice value, struct buf *out)
{
	if (is_ascii(value) && value.n <= PLAIN_WORD_MAX) {
		add_quoted(value, out);
		return;
	}
	buf_add_str(out, "\"");
	for (size_t n; value.n > 0; value = (struct slice){ value.p + n, value.n - n }) {
		n = render_cut(value, ENCODED_TEXT_MAX).n;
		encoded_word((struct slice){ value.p, n }, out);
		if (n < value.n)
			buf_add_str(out, "\r\n\t ");
	}
	buf_add_str(out, "\"");
}

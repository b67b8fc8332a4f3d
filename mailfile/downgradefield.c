/* One header field: which method of RFC 6857 is whose (section 3.2), and the methods for
 * text, comments and phrases (section 3.1). The octets are hostile: anything may be missing,
 * unbalanced or endless; each method goes over them once. */
#include <string.h>

#include "base/text.h"
#include "mailfile/downgrade_impl.h"

/* --- pieces of structured fields ------------------------------------------------------ */

struct slice downgrade_skip(struct slice s, size_t n)
{
	return n == 0 ? s : (struct slice){ s.p + n, s.n - n };      /* s.p may be NULL */
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

size_t downgrade_blanks(struct slice s)
{
	size_t n = 0;

	while (n < s.n && is_blank(s.p[n]))
		n++;
	return n;
}

size_t downgrade_quoted(struct slice s)
{
	for (size_t i = 1; i < s.n; i++) {
		if (s.p[i] == '"')
			return i + 1;
		if (s.p[i] == '\\')
			i++;
	}
	return s.n;
}

size_t downgrade_comment(struct slice s)
{
	size_t depth = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '(')
			depth++;
		else if (s.p[i] == ')' && --depth == 0)
			return i + 1;
		else if (s.p[i] == '\\')
			i++;
	}
	return s.n;
}

static size_t angle(struct slice s)
{
	size_t i = 1;

	while (i < s.n && s.p[i] != '>')
		i += s.p[i] == '"' ? downgrade_quoted(downgrade_skip(s, i)) : 1;
	return i < s.n ? i + 1 : s.n;
}

size_t downgrade_until(struct slice s, const char *stops)
{
	size_t i = 0;

	while (i < s.n) {
		char c = s.p[i];
		struct slice rest = downgrade_skip(s, i);

		if (c != '\0' && strchr(stops, c) != NULL)
			return i;
		if (c == '"')
			i += downgrade_quoted(rest);
		else if (c == '(')
			i += downgrade_comment(rest);
		else if (c == '<')
			i += angle(rest);
		else
			i++;
	}
	return s.n;
}

/* --- comments and phrases ---------------------------------------------------------------- */

/* Without the backslashes of quoted pairs. */
static void unescape(struct slice s, struct buf *out)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\\' && i + 1 < s.n)
			i++;
		buf_add_char(out, s.p[i]);
	}
}

static size_t comment_word(struct slice s)
{
	size_t n = 0;

	while (n < s.n && !is_blank(s.p[n]) && s.p[n] != '(' && s.p[n] != ')')
		n += s.p[n] == '\\' && n + 1 < s.n ? 2 : 1;
	return n;
}

static void comment_words(struct words *w, struct slice blanks, struct slice s)
{
	struct buf text = BUF_INIT;
	size_t depth = 0;

	while (s.n > 0) {
		size_t n = s.p[0] == '(' || s.p[0] == ')' ? 1 : comment_word(s);
		struct slice word = { s.p, n };

		if (n == 1 && (word.p[0] == '(' || word.p[0] == ')')) {
			depth += word.p[0] == '(' ? 1 : (size_t)-1;
			words_raw(w, blanks, word);
		} else if (n > 0) {
			buf_clear(&text);
			unescape(word, &text);
			words_add(w, blanks, word, buf_slice(&text));
		}
		s = downgrade_skip(s, n);
		n = downgrade_blanks(s);
		blanks = (struct slice){ s.p, n };
		s = downgrade_skip(s, n);
	}
	while (depth-- > 0)             /* it had no end */
		words_raw(w, SLICE_LIT(""), SLICE_LIT(")"));
	if (buf_status(&text) != NOERROR)
		w->out->broken = buf_status(&text);
	buf_release(&text);
}

void downgrade_add_comment(struct words *w, struct slice blanks, struct slice s)
{
	bool in_phrase = w->in_phrase;

	words_flush(w);
	words_break(w);
	w->in_phrase = true;
	comment_words(w, blanks, s);
	words_flush(w);
	w->in_phrase = in_phrase;
}

/* A word of a phrase, up to a blank, a quoted string or a comment. */
static size_t phrase_word(struct slice s)
{
	size_t n = 0;

	while (n < s.n && !is_blank(s.p[n]) && s.p[n] != '"' && s.p[n] != '(')
		n++;
	return n;
}

static void add_quoted(struct words *w, struct slice blanks, struct slice raw)
{
	struct slice inside = downgrade_skip(raw, 1);
	struct buf text = BUF_INIT;

	if (inside.n > 0 && inside.p[inside.n - 1] == '"')
		inside.n--;
	unescape(inside, &text);
	words_add(w, blanks, raw, buf_slice(&text));
	if (buf_status(&text) != NOERROR)
		w->out->broken = buf_status(&text);
	buf_release(&text);
}

void downgrade_phrase(struct words *w, struct slice s)
{
	while (s.n > 0) {
		struct slice blanks = { s.p, downgrade_blanks(s) }, word;

		s = downgrade_skip(s, blanks.n);
		if (s.n == 0)
			return;
		word.p = s.p;
		if (s.p[0] == '"') {
			word.n = downgrade_quoted(s);
			add_quoted(w, blanks, word);
		} else if (s.p[0] == '(') {
			word.n = downgrade_comment(s);
			downgrade_add_comment(w, blanks, word);
		} else {
			word.n = phrase_word(s);
			words_add(w, blanks, word, word);
		}
		s = downgrade_skip(s, word.n);
	}
}

void downgrade_plain(struct words *w, struct slice s)
{
	while (s.n > 0) {
		struct slice blanks = { s.p, downgrade_blanks(s) };
		size_t n = 0;

		s = downgrade_skip(s, blanks.n);
		while (n < s.n && !is_blank(s.p[n]))
			n++;
		if (n == 0)
			return;
		words_raw(w, blanks, (struct slice){ s.p, n });
		s = downgrade_skip(s, n);
	}
}

bool downgrade_comments(struct words *w, struct slice s)
{
	while (s.n > 0) {
		struct slice plain = { s.p, downgrade_until(s, "(") };
		struct slice blanks = { plain.p + plain.n, 0 };

		if (words_has_high(plain))
			return false;
		s = downgrade_skip(s, plain.n);
		while (plain.n > 0 && is_blank(plain.p[plain.n - 1])) {
			plain.n--;
			blanks.p--;
			blanks.n++;
		}
		downgrade_plain(w, plain);
		if (s.n == 0)
			return true;
		plain.n = downgrade_comment(s);
		downgrade_add_comment(w, blanks, (struct slice){ s.p, plain.n });
		s = downgrade_skip(s, plain.n);
	}
	return true;
}

bool downgrade_phrases(struct words *w, struct slice s)
{
	w->in_phrase = true;
	for (;;) {
		size_t n = downgrade_until(s, ",");

		downgrade_phrase(w, (struct slice){ s.p, n });
		if (n == s.n)
			return true;
		words_raw(w, SLICE_LIT(""), SLICE_LIT(","));
		s = downgrade_skip(s, n + 1);
	}
}

static bool text(struct words *w, struct slice s)
{
	words_add_text(w, s);
	return true;
}

/* --- which method is whose ------------------------------------------------------------------ */

static bool parameters(struct words *w, struct slice s)
{
	return downgrade_parameters(w, s, NULL);
}

/* Section 3.2. All that is not here is unstructured (RFC 5322 section 3.6.8). Return-Path and
 * its like name one mailbox, for which a group cannot stand. */
static const struct {
	const char *name;
	downgrade_method *method;
} methods[] = {
	{ "From", downgrade_addresses }, { "Sender", downgrade_addresses },
	{ "Reply-To", downgrade_addresses }, { "To", downgrade_addresses },
	{ "Cc", downgrade_addresses }, { "Bcc", downgrade_addresses },
	{ "Resent-From", downgrade_addresses }, { "Resent-Sender", downgrade_addresses },
	{ "Resent-Reply-To", downgrade_addresses }, { "Resent-To", downgrade_addresses },
	{ "Resent-Cc", downgrade_addresses }, { "Resent-Bcc", downgrade_addresses },
	{ "Disposition-Notification-To", downgrade_addresses },
	{ "Return-Receipt-To", downgrade_addresses }, { "Errors-To", downgrade_addresses },
	{ "Mail-Reply-To", downgrade_addresses }, { "Mail-Followup-To", downgrade_addresses },
	{ "Apparently-To", downgrade_addresses },
	{ "Return-Path", downgrade_path }, { "Delivered-To", downgrade_path },
	{ "X-Original-To", downgrade_path }, { "Envelope-To", downgrade_path },
	{ "Original-Recipient", downgrade_typed }, { "Final-Recipient", downgrade_typed },
	{ "Reporting-MTA", downgrade_typed }, { "Remote-MTA", downgrade_typed },
	{ "Received-From-MTA", downgrade_typed }, { "DSN-Gateway", downgrade_typed },
	{ "Date", downgrade_comments }, { "Resent-Date", downgrade_comments },
	{ "MIME-Version", downgrade_comments }, { "Content-ID", downgrade_comments },
	{ "Content-Transfer-Encoding", downgrade_comments },
	{ "Content-Language", downgrade_comments }, { "Accept-Language", downgrade_comments },
	{ "Auto-Submitted", downgrade_comments },
	{ "Message-ID", downgrade_comments }, { "Resent-Message-ID", downgrade_comments },
	{ "In-Reply-To", downgrade_comments }, { "References", downgrade_comments },
	{ "Received", downgrade_received },
	{ "Content-Type", parameters }, { "Content-Disposition", parameters },
	{ "Keywords", downgrade_phrases },
};

static downgrade_method *method_of(struct slice name)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (slice_equal_nocase(name, slice_of(methods[i].name)))
			return methods[i].method;
	return text;
}

struct slice downgrade_field_name(struct slice field)
{
	const char *colon = field.n > 0 ? memchr(field.p, ':', field.n) : NULL;
	struct slice name = { field.p, colon != NULL ? (size_t)(colon - field.p) : 0 };

	while (name.n > 0 && is_blank(name.p[name.n - 1]))
		name.n--;
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= ' ' || name.p[i] > '~')
			return SLICE_LIT("");
	return name;
}

void downgrade_unfold(struct slice field, struct buf *out)
{
	const char *colon = field.n > 0 ? memchr(field.p, ':', field.n) : NULL;
	struct slice s = field;

	if (downgrade_field_name(field).n > 0)
		s = downgrade_skip(field, (size_t)(colon - field.p) + 1);
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\r' && i + 1 < s.n && s.p[i + 1] == '\n')
			i++;
		else
			buf_add_char(out, s.p[i] == '\r' || s.p[i] == '\n' ? ' ' : s.p[i]);
	}
	while (out->n > 0 && is_blank(out->p[out->n - 1]))
		out->n--;
}

/* Section 3.1.9: the field goes, a new one shows what it held. A line that is no field at
 * all gets a name, too: it may not stay, and it may not be lost. */
static void encapsulate(struct slice name, struct slice value, struct buf *out)
{
	size_t start = out->n;
	struct words w;

	buf_add_str(out, "Downgraded-");
	buf_add_slice(out, name.n > 0 ? name : SLICE_LIT("Line"));
	buf_add_char(out, ':');
	words_start(&w, out, out->n - start, false);
	words_encode(&w, SLICE_LIT(" "), text_trim(value));
	words_flush(&w);
	words_release(&w);
}

static bool convert(struct slice name, struct slice value, const char *type, struct buf *out)
{
	size_t start = out->n;
	struct words w;
	bool good;

	buf_add_slice(out, name);
	buf_add_char(out, ':');
	words_start(&w, out, out->n - start, false);
	good = type != NULL ? downgrade_parameters(&w, value, type) : method_of(name)(&w, value);
	words_flush(&w);
	words_release(&w);
	if (!good)
		out->n = start;
	return good;
}

/* A part whose Content-Type were gone would be another part. */
static bool is_needed(struct slice name)
{
	return slice_equal_nocase(name, SLICE_LIT("Content-Type"))
	       || slice_equal_nocase(name, SLICE_LIT("Content-Transfer-Encoding"));
}

STATUS downgrade_field(struct slice field, const char *type, struct buf *out)
{
	struct slice name = downgrade_field_name(field);
	struct buf value = BUF_INIT;
	STATUS status = NOERROR;

	downgrade_unfold(field, &value);
	if (name.n == 0 || !convert(name, buf_slice(&value), type, out)) {
		if (is_needed(name))
			status = POSTIL_ERR_INVALID;
		else
			encapsulate(name, buf_slice(&value), out);
	}
	buf_add(out, "\r\n", 2);
	if (status == NOERROR)
		status = buf_status(&value) != NOERROR ? buf_status(&value) : buf_status(out);
	buf_release(&value);
	return status;
}

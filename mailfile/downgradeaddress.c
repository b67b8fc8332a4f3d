/* Addresses of ASCII alone (RFC 6857 sections 3.1.5 to 3.1.8, 3.1.10, 3.2.1, 3.2.2, 3.2.5).
 * The octets are hostile; an address list has no end of its own. */
#include <string.h>

#include "base/idna.h"
#include "base/text.h"
#include "mailfile/downgrade_impl.h"

static const struct slice blank = { " ", 1 };
static const struct slice nothing = { "", 0 };

/* --- addr-spec ------------------------------------------------------------------------- */

/* s without comments, and the comments with a blank before each. */
static void without_comments(struct slice s, struct buf *out, struct buf *comments)
{
	while (s.n > 0) {
		size_t n = downgrade_until(s, "(");

		buf_add(out, s.p, n);
		s = downgrade_skip(s, n);
		if (s.n == 0)
			return;
		n = downgrade_comment(s);
		buf_add_char(comments, ' ');
		buf_add(comments, s.p, n);
		s = downgrade_skip(s, n);
	}
}

/* Where the last `@` outside quoted strings stands; s.n: nowhere. */
static size_t last_at(struct slice s)
{
	size_t found = s.n, i = 0;

	while (i < s.n) {
		if (s.p[i] == '@')
			found = i;
		i += s.p[i] == '"' ? downgrade_quoted(downgrade_skip(s, i)) : 1;
	}
	return found;
}

static bool add_domain(struct slice domain, struct buf *out)
{
	if (words_has_high(domain))
		return idna_to_ascii(domain, out) == NOERROR;
	buf_add_slice(out, domain);
	return true;
}

/* local@domain in ASCII; false: it has no such form, as a local part has none. */
static bool add_address(struct slice s, struct buf *out)
{
	size_t at = last_at(s);
	struct slice local = text_trim((struct slice){ s.p, at });

	if (!words_has_high(s)) {
		buf_add_slice(out, text_trim(s));
		return true;
	}
	if (at == s.n || local.n == 0 || words_has_high(local))
		return false;
	buf_add_slice(out, local);
	buf_add_char(out, '@');
	return add_domain(text_trim(downgrade_skip(s, at + 1)), out);
}

/* --- mailboxes and groups ------------------------------------------------------------------ */

/* What a mailbox consists of. */
struct mailbox_parts {
	struct slice phrase;
	struct buf address;     /* inside the angle brackets */
	struct buf rest;        /* comments, each with a blank before it */
	bool angle;
};

static void cut_mailbox(struct slice s, struct mailbox_parts *m)
{
	size_t open = downgrade_until(s, "<"), close;

	*m = (struct mailbox_parts){ .address = BUF_INIT, .rest = BUF_INIT, .angle = open < s.n };
	if (!m->angle) {
		without_comments(s, &m->address, &m->rest);
		return;
	}
	m->phrase = (struct slice){ s.p, open };
	s = downgrade_skip(s, open + 1);
	close = downgrade_until(s, ">");
	without_comments((struct slice){ s.p, close }, &m->address, &m->rest);
	if (close < s.n)
		buf_add_slice(&m->rest, downgrade_skip(s, close + 1));
}

static void write_mailbox(struct words *w, const struct mailbox_parts *m, struct slice address)
{
	struct buf whole = BUF_INIT;

	if (m->angle)
		buf_add_char(&whole, '<');
	buf_add_slice(&whole, address);
	if (m->angle)
		buf_add_char(&whole, '>');
	if (buf_status(&whole) != NOERROR)
		w->out->broken = buf_status(&whole);
	words_flush(w);
	words_raw(w, blank, buf_slice(&whole));
	buf_release(&whole);
}

/* An address that has no form of ASCII is shown as the name of a group of nobody. */
static void write_nobody(struct words *w, struct slice text)
{
	words_encode(w, blank, text_trim(text));
	words_flush(w);
	words_raw(w, blank, SLICE_LIT(":;"));
}

/* in_group: a mailbox of a group cannot become one; false then. */
static bool mailbox(struct words *w, struct slice s, bool in_group)
{
	struct mailbox_parts m;
	struct buf address = BUF_INIT;
	bool has_form;

	cut_mailbox(s, &m);
	has_form = add_address(buf_slice(&m.address), &address);
	if (has_form || !in_group) {
		downgrade_phrase(w, m.phrase);
		if (has_form)
			write_mailbox(w, &m, buf_slice(&address));
		else
			write_nobody(w, buf_slice(&m.address));
		downgrade_phrase(w, buf_slice(&m.rest));
		words_flush(w);
	}
	buf_release(&address);
	buf_release(&m.address);
	buf_release(&m.rest);
	return has_form || !in_group;
}

static bool group_members(struct words *w, struct slice s)
{
	for (;;) {
		size_t n = downgrade_until(s, ",");
		struct slice member = text_trim((struct slice){ s.p, n });

		if (!words_has_high(member)) {
			downgrade_plain(w, (struct slice){ s.p, n });
		} else if (!mailbox(w, member, true)) {
			return false;
		}
		if (n == s.n)
			return true;
		words_raw(w, nothing, SLICE_LIT(","));
		s = downgrade_skip(s, n + 1);
	}
}

/* name: members; -- where a member has no form of ASCII, the name and a text that shows all. */
static void group(struct words *w, struct slice name, struct slice members)
{
	size_t start, column;
	bool after_encoded;

	downgrade_phrase(w, name);
	words_flush(w);
	start = w->out->n;
	column = w->column;
	after_encoded = w->after_encoded;
	words_raw(w, nothing, SLICE_LIT(":"));
	if (group_members(w, members)) {
		words_raw(w, nothing, SLICE_LIT(";"));
		return;
	}
	words_flush(w);
	w->out->n = start;
	w->column = column;
	w->after_encoded = after_encoded;
	write_nobody(w, members);
}

/* The octets of the address that s begins with, up to its comma; *colon_r: where the colon of
 * a group stands, else that number. */
static size_t address_octets(struct slice s, size_t *colon_r)
{
	size_t n = downgrade_until(s, ",:;");

	*colon_r = n;
	if (n == s.n || s.p[n] != ':')
		return n;
	n += 1 + downgrade_until(downgrade_skip(s, n + 1), ";");
	if (n == s.n)
		return n;
	n++;
	return n + downgrade_until(downgrade_skip(s, n), ",");
}

static void address(struct words *w, struct slice s, size_t colon)
{
	struct slice name = { s.p, colon }, members;
	size_t n;

	if (colon == s.n) {
		(void)mailbox(w, s, false);
		return;
	}
	members = downgrade_skip(s, colon + 1);
	n = downgrade_until(members, ";");
	group(w, name, (struct slice){ members.p, n });
	if (n < members.n)
		downgrade_phrase(w, downgrade_skip(members, n + 1));
}

bool downgrade_addresses(struct words *w, struct slice s)
{
	w->in_phrase = true;
	for (;;) {
		size_t colon, n = address_octets(s, &colon);
		struct slice one = { s.p, n };

		if (words_has_high(one))
			address(w, one, colon);
		else
			downgrade_plain(w, one);
		words_flush(w);
		if (n == s.n)
			return true;
		words_raw(w, nothing, SLICE_LIT(","));
		s = downgrade_skip(s, n + 1);
	}
}

/* --- others ---------------------------------------------------------------------------------- */

bool downgrade_path(struct words *w, struct slice s)
{
	struct mailbox_parts m;
	struct buf address = BUF_INIT;
	bool good;

	cut_mailbox(s, &m);
	good = text_trim(m.phrase).n == 0 && add_address(buf_slice(&m.address), &address);
	if (good) {
		write_mailbox(w, &m, buf_slice(&address));
		downgrade_phrase(w, buf_slice(&m.rest));
		words_flush(w);
	}
	buf_release(&address);
	buf_release(&m.address);
	buf_release(&m.rest);
	return good;
}

/* utf-8-addr-xtext of RFC 6533 section 3 */
static bool add_xtext(struct slice s, struct buf *out)
{
	if (!text_is_utf8(s))
		return false;
	while (s.n > 0) {
		size_t n;
		uint32_t c = text_character(s, &n);

		if (c > 0x7E || c <= ' ' || c == '\\' || c == '+' || c == '=')
			buf_addf(out, "\\x{%02X}", (unsigned)c);
		else
			buf_add_char(out, (char)c);
		s = downgrade_skip(s, n);
	}
	return true;
}

bool downgrade_typed(struct words *w, struct slice s)
{
	size_t semicolon = downgrade_until(s, ";");
	struct slice type = { s.p, semicolon };
	struct buf value = BUF_INIT, comments = BUF_INIT;
	bool good = semicolon < s.n && !words_has_high(type);

	if (good) {
		struct buf made = BUF_INIT;
		struct slice what;

		without_comments(downgrade_skip(s, semicolon + 1), &value, &comments);
		what = text_trim(buf_slice(&value));
		if (slice_equal_nocase(text_trim(type), SLICE_LIT("utf-8")))
			good = add_xtext(what, &made);
		else if (slice_equal_nocase(text_trim(type), SLICE_LIT("dns")))
			good = add_domain(what, &made);
		else
			good = add_address(what, &made);
		downgrade_plain(w, type);
		words_raw(w, nothing, SLICE_LIT(";"));
		words_raw(w, blank, buf_slice(&made));
		downgrade_phrase(w, buf_slice(&comments));
		words_flush(w);
		buf_release(&made);
	}
	buf_release(&value);
	buf_release(&comments);
	return good;
}

/* --- Received ----------------------------------------------------------------------------------- */

static size_t received_token(struct slice s)
{
	if (s.n > 0 && s.p[0] == '(')
		return downgrade_comment(s);
	if (s.n > 0 && s.p[0] == ';')
		return 1;
	return downgrade_until(s, " \t(;");
}

/* The value of a clause in ASCII. */
static bool add_value(struct slice s, struct buf *out)
{
	bool angle = s.n > 1 && s.p[0] == '<' && s.p[s.n - 1] == '>';

	if (angle)
		s = (struct slice){ s.p + 1, s.n - 2 };
	if (angle)
		buf_add_char(out, '<');
	if (last_at(s) == s.n ? !add_domain(s, out) : !add_address(s, out))
		return false;
	if (angle)
		buf_add_char(out, '>');
	return true;
}

static bool is_word(struct slice s, const char *word)
{
	return slice_equal_nocase(s, slice_of(word));
}

/* *rest: what is behind `for` or `id`. A value that has no form of ASCII takes its clause
 * with it (section 3.2.5). */
static bool clause_goes(struct slice word, struct slice rest)
{
	struct buf made = BUF_INIT;
	struct slice value = downgrade_skip(rest, downgrade_blanks(rest));
	bool goes;

	value.n = received_token(value);
	if (!words_has_high(value) || value.p[0] == '(' || (!is_word(word, "for") && !is_word(word, "id")))
		return false;
	goes = is_word(word, "id") || !add_value(value, &made);
	buf_release(&made);
	return goes;
}

static bool received_word(struct words *w, struct slice blanks, struct slice word)
{
	struct buf made = BUF_INIT;
	bool good = add_value(word, &made);

	if (good)
		words_raw(w, blanks, buf_slice(&made));
	buf_release(&made);
	return good;
}

bool downgrade_received(struct words *w, struct slice s)
{
	while (s.n > 0) {
		struct slice blanks = { s.p, downgrade_blanks(s) }, word;

		s = downgrade_skip(s, blanks.n);
		if (s.n == 0)
			return true;
		word = (struct slice){ s.p, received_token(s) };
		s = downgrade_skip(s, word.n);
		if (word.p[0] == '(') {
			downgrade_add_comment(w, blanks, word);
		} else if (clause_goes(word, s)) {
			s = downgrade_skip(s, downgrade_blanks(s));
			s = downgrade_skip(s, received_token(s));
		} else if (!words_has_high(word)) {
			words_raw(w, blanks, word);
		} else if (!received_word(w, blanks, word)) {
			return false;
		}
	}
	return true;
}

/*
 * HTML that an author put into a rich text. It is not passed on: it is taken apart, and what
 * it says is told anew as text, breaks, links, styles, lists and rules. So it cannot run,
 * load or unbalance anything, whatever it holds. It comes in pieces that may end
 * inside of a tag.
 */
#include "mailfile/richtextmaker.h"

#include <string.h>

#include "base/banned.h"

#define TAG_MAX 8192            /* a longer tag is forgotten but for its beginning */
#define ENTITY_MAX 12

/* Something stands here. */
static void any(struct richtext_maker *m)
{
	if (m->pass.line_waits)
		rich_break(m);
	m->pass.line_waits = false;
	m->pass.any = true;
}

/* --- entities -------------------------------------------------------------------- */

static void add_rune(struct richtext_maker *m, uint32_t c)
{
	char utf8[4];
	size_t n = 0;

	if (c == 0 || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
		c = 0xFFFD;
	if (c < 0x80) {
		utf8[n++] = (char)c;
	} else if (c < 0x800) {
		utf8[n++] = (char)(0xC0 | c >> 6);
	} else if (c < 0x10000) {
		utf8[n++] = (char)(0xE0 | c >> 12);
		utf8[n++] = (char)(0x80 | (c >> 6 & 0x3F));
	} else {
		utf8[n++] = (char)(0xF0 | c >> 18);
		utf8[n++] = (char)(0x80 | (c >> 12 & 0x3F));
		utf8[n++] = (char)(0x80 | (c >> 6 & 0x3F));
	}
	if (c >= 0x80)
		utf8[n++] = (char)(0x80 | (c & 0x3F));
	rich_text(m, (struct slice){ utf8, n });
}

static bool numeric_entity(struct slice name, uint32_t *rune_r)
{
	bool hex = name.n > 1 && (name.p[1] == 'x' || name.p[1] == 'X');
	uint32_t value = 0;
	size_t i = hex ? 2 : 1;

	if (name.n <= i || name.p[0] != '#')
		return false;
	for (; i < name.n; i++) {
		char c = name.p[i];
		int digit = c >= '0' && c <= '9' ? c - '0' : hex && c >= 'a' && c <= 'f' ? c - 'a' + 10
		            : hex && c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;

		if (digit < 0)
			return false;
		value = value * (hex ? 16 : 10) + (uint32_t)digit;
		if (value > 0x10FFFF)
			value = 0x110000;
	}
	*rune_r = value;
	return true;
}

static void end_entity(struct richtext_maker *m, bool closed)
{
	static const struct {
		const char *name;
		uint32_t rune;
	} known[] = {
		{ "amp", '&' }, { "lt", '<' }, { "gt", '>' }, { "quot", '"' }, { "apos", '\'' },
		{ "nbsp", 0xA0 }, { "copy", 0xA9 }, { "reg", 0xAE }, { "trade", 0x2122 },
		{ "euro", 0x20AC }, { "ndash", 0x2013 }, { "mdash", 0x2014 }, { "hellip", 0x2026 },
		{ "lsquo", 0x2018 }, { "rsquo", 0x2019 }, { "ldquo", 0x201C }, { "rdquo", 0x201D },
		{ "bull", 0x2022 }, { "middot", 0xB7 }, { "auml", 0xE4 }, { "ouml", 0xF6 },
		{ "uuml", 0xFC }, { "Auml", 0xC4 }, { "Ouml", 0xD6 }, { "Uuml", 0xDC }, { "szlig", 0xDF },
		{ "eacute", 0xE9 }, { "egrave", 0xE8 }, { "agrave", 0xE0 }, { "ccedil", 0xE7 }
	};
	struct slice name = buf_slice(&m->pass.entity);
	uint32_t rune;

	m->pass.in_entity = false;
	m->pass.blank = false;
	any(m);
	if (closed && numeric_entity(name, &rune)) {
		add_rune(m, rune);
		return;
	}
	for (size_t i = 0; closed && i < sizeof(known) / sizeof(*known); i++)
		if (slice_equal(name, slice_of(known[i].name))) {
			add_rune(m, known[i].rune);
			return;
		}
	rich_text(m, SLICE_LIT("&"));
	rich_text(m, name);
	if (closed)
		rich_text(m, SLICE_LIT(";"));
}

/* --- tags -------------------------------------------------------------------------- */

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* The value of href in what stands behind the name of a tag. */
static struct slice find_href(struct slice s)
{
	struct slice none = { "", 0 };

	for (size_t i = 0; i + 5 < s.n; i++) {
		size_t at = i + 4, from;
		char quote;

		if (!slice_equal_nocase((struct slice){ s.p + i, 4 }, SLICE_LIT("href")) ||
		    (i > 0 && !is_space(s.p[i - 1])))
			continue;
		while (at < s.n && is_space(s.p[at]))
			at++;
		if (at == s.n || s.p[at++] != '=')
			continue;
		while (at < s.n && is_space(s.p[at]))
			at++;
		if (at == s.n)
			return none;
		quote = s.p[at] == '"' || s.p[at] == '\'' ? s.p[at++] : ' ';
		from = at;
		while (at < s.n && s.p[at] != quote && !(quote == ' ' && is_space(s.p[at])))
			at++;
		return (struct slice){ s.p + from, at - from };
	}
	return none;
}

static void set_style(struct richtext_maker *m, size_t which, bool closes)
{
	struct rich_font font = m->font;
	unsigned *opened = &m->pass.opened[which];

	if (closes && *opened > 0)
		--*opened;
	else if (!closes && *opened < 1000)
		++*opened;
	if (*opened > 0)
		font.style |= (uint8_t)(1U << which);
	else if ((m->pass.style & 1U << which) == 0)
		font.style &= (uint8_t)~(1U << which);
	rich_font(m, &font);
}

/* The rich text may have another font by now: what tags have opened goes on in it. */
static void open_styles(struct richtext_maker *m)
{
	struct rich_font font = m->font;

	if (font.style != m->pass.last)
		m->pass.style = font.style;
	for (size_t i = 0; i < sizeof(m->pass.opened) / sizeof(*m->pass.opened); i++)
		if (m->pass.opened[i] > 0)
			font.style |= (uint8_t)(1U << i);
	rich_font(m, &font);
}

/* A new line, unless one has just begun; it begins with what stands in it. */
static void new_line(struct richtext_maker *m)
{
	m->pass.line_waits = m->pass.line_waits || m->pass.any;
	m->pass.any = false;
	m->pass.blank = true;
}

/* Of entities, addresses hold "&amp;" only. */
static void begin_link(struct richtext_maker *m, struct slice href)
{
	struct buf address = BUF_INIT;

	for (size_t i = 0; i < href.n; i++) {
		buf_add_char(&address, href.p[i]);
		if (href.n - i >= 5 && memcmp(href.p + i, "&amp;", 5) == 0)
			i += 4;
	}
	if (address.n > 0)
		rich_link_begin(m, buf_slice(&address));
	buf_release(&address);
}

enum tag_kind { TAG_SKIP, TAG_BREAK, TAG_LINE, TAG_STYLE, TAG_LINK, TAG_ITEM, TAG_RULE, TAG_CELL };

static const struct {
	const char *name;
	uint8_t kind, style;            /* style: number of the bit of enum rich_style */
} tags[] = {
	{ "script", TAG_SKIP, 0 }, { "style", TAG_SKIP, 0 }, { "title", TAG_SKIP, 0 },
	{ "xml", TAG_SKIP, 0 },
	{ "br", TAG_BREAK, 0 }, { "p", TAG_LINE, 0 }, { "div", TAG_LINE, 0 }, { "tr", TAG_LINE, 0 },
	{ "table", TAG_LINE, 0 }, { "ul", TAG_LINE, 0 }, { "ol", TAG_LINE, 0 },
	{ "blockquote", TAG_LINE, 0 }, { "pre", TAG_LINE, 0 }, { "h1", TAG_LINE, 0 },
	{ "h2", TAG_LINE, 0 }, { "h3", TAG_LINE, 0 }, { "h4", TAG_LINE, 0 }, { "h5", TAG_LINE, 0 },
	{ "h6", TAG_LINE, 0 }, { "li", TAG_ITEM, 0 }, { "hr", TAG_RULE, 0 }, { "td", TAG_CELL, 0 },
	{ "th", TAG_CELL, 0 }, { "a", TAG_LINK, 0 }, { "b", TAG_STYLE, 0 },
	{ "strong", TAG_STYLE, 0 }, { "i", TAG_STYLE, 1 }, { "em", TAG_STYLE, 1 },
	{ "u", TAG_STYLE, 2 }, { "s", TAG_STYLE, 3 }, { "strike", TAG_STYLE, 3 },
	{ "del", TAG_STYLE, 3 }, { "sup", TAG_STYLE, 4 }, { "sub", TAG_STYLE, 5 }
};

static void do_tag(struct richtext_maker *m, size_t which, bool closes, struct slice attributes)
{
	switch ((enum tag_kind)tags[which].kind) {
	case TAG_SKIP:
		if (!closes)
			memcpy(m->pass.skip, tags[which].name, strlen(tags[which].name) + 1);
		break;
	case TAG_BREAK:
		rich_break(m);
		m->pass.any = false;
		m->pass.blank = true;
		break;
	case TAG_LINE:
		new_line(m);
		break;
	case TAG_ITEM:
		new_line(m);
		if (closes)
			break;
		any(m);
		rich_text(m, SLICE_LIT("* "));
		m->pass.any = false;
		break;
	case TAG_RULE:
		rich_rule(m);
		m->pass.line_waits = m->pass.any = false;
		break;
	case TAG_CELL:
		if (!closes && m->pass.any)
			rich_text(m, SLICE_LIT("\t"));
		break;
	case TAG_STYLE:
		set_style(m, tags[which].style, closes);
		break;
	case TAG_LINK:
		if (closes)
			rich_link_end(m);
		else
			begin_link(m, find_href(attributes));
		break;
	}
}

static void end_tag(struct richtext_maker *m)
{
	struct slice tag = buf_slice(&m->pass.tag), name;
	bool closes = tag.n > 0 && tag.p[0] == '/';
	size_t n = 0;

	m->pass.in_tag = false;
	if (closes)
		tag.p++, tag.n--;
	while (n < tag.n && !is_space(tag.p[n]) && tag.p[n] != '/')
		n++;
	name = (struct slice){ tag.p, n };
	if (m->pass.skip[0] != '\0') {
		if (closes && slice_equal_nocase(name, slice_of(m->pass.skip)))
			m->pass.skip[0] = '\0';
		return;
	}
	for (size_t i = 0; i < sizeof(tags) / sizeof(*tags); i++)
		if (slice_equal_nocase(name, slice_of(tags[i].name)))
			do_tag(m, i, closes, (struct slice){ tag.p + n, tag.n - n });
}

/* --- octets ------------------------------------------------------------------------- */

static void begin_tag(struct richtext_maker *m)
{
	m->pass.in_tag = true;
	m->pass.hyphens = 0;
	buf_clear(&m->pass.tag);
}

static void in_tag(struct richtext_maker *m, char c)
{
	struct rich_pass *p = &m->pass;
	bool comment = p->tag.n >= 3 && memcmp(p->tag.p, "!--", 3) == 0;

	if (comment && c == '>' && p->hyphens >= 2) {
		p->in_tag = false;
	} else if (comment) {
		p->hyphens = c != '-' ? 0 : p->hyphens < 2 ? p->hyphens + 1 : 2;
	} else if (c == '>') {
		end_tag(m);
	} else if (c == '<' && p->skip[0] != '\0') {
		begin_tag(m);           /* what came before was a script's "less than" */
	} else if (p->tag.n < TAG_MAX) {
		buf_add_char(&p->tag, is_space(c) ? ' ' : c);
	}
}

static void in_text(struct richtext_maker *m, char c, struct slice *run)
{
	struct rich_pass *p = &m->pass;

	if (c == '<' || c == '&' || is_space(c)) {
		rich_text(m, *run);
		run->n = 0;
	}
	if (c == '<') {
		begin_tag(m);
	} else if (p->skip[0] != '\0') {
		run->n = 0;
	} else if (c == '&') {
		p->in_entity = true;
		buf_clear(&p->entity);
	} else if (is_space(c)) {
		if (!p->blank)
			rich_text(m, SLICE_LIT(" "));
		p->blank = true;
	} else {
		p->blank = false;
		any(m);
		run->n++;
	}
}

static bool entity_goes_on(char c)
{
	return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '#';
}

void rich_pass_html(struct richtext_maker *m, struct slice html)
{
	struct slice run = { html.p, 0 };

	if (m->pass.entity.limit == 0) {        /* the first piece */
		buf_init(&m->pass.entity, 64);
		m->pass.blank = true;
		m->pass.style = m->pass.last = m->font.style;
	}
	open_styles(m);
	for (size_t i = 0; i < html.n && !m->full; i++) {
		char c = html.p[i];

		if (run.n == 0)
			run.p = html.p + i;
		if (m->pass.in_entity && entity_goes_on(c) && m->pass.entity.n < ENTITY_MAX) {
			buf_add_char(&m->pass.entity, c);
			continue;
		}
		if (m->pass.in_entity) {
			end_entity(m, c == ';');
			if (c == ';')
				continue;
		}
		if (m->pass.in_tag)
			in_tag(m, c);
		else
			in_text(m, c, &run);
	}
	rich_text(m, run);
	m->pass.last = m->font.style;
}

void rich_pass_end(struct richtext_maker *m)
{
	if (m->pass.entity.limit == 0)
		return;
	if (m->pass.in_entity)
		end_entity(m, false);
	buf_release(&m->pass.tag);
	buf_release(&m->pass.entity);
	memset(&m->pass, 0, sizeof(m->pass));
}

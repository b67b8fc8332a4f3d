/*
 * Rich text as HTML for mail: what mail clients understand, which is HTML 4 with styles at
 * the elements. Every octet of a document goes through escape(); tags, attributes and
 * styles are made of constants and numbers, and of names that readers have cleaned.
 */
#include "mailfile/richtextmaker.h"

#include <string.h>

#include "base/banned.h"

#define LINE_OCTETS 200         /* a blank behind this becomes a line end */

static void add(struct richtext_maker *m, const char *markup)
{
	buf_add_str(&m->html, markup);
}

static void end_line(struct richtext_maker *m)
{
	buf_add_char(&m->html, '\n');
	m->html_line = m->html.n;
}

void html_raw(struct richtext_maker *m, const char *tags)
{
	html_close_inline(m);
	add(m, tags);
	end_line(m);
}

/* Controls are left out; C1 controls come as 0xC2 and an octet below 0xA0. */
static bool is_control(struct slice s, size_t at)
{
	unsigned char c = (unsigned char)s.p[at];

	return c < 0x20 || c == 0x7F ||
	       (c == 0xC2 && at + 1 < s.n && (unsigned char)s.p[at + 1] < 0xA0);
}

static const char *entity(char c)
{
	switch (c) {
	case '&': return "&amp;";
	case '<': return "&lt;";
	case '>': return "&gt;";
	case '"': return "&quot;";
	case '\'': return "&#39;";
	default: return NULL;
	}
}

/* For attributes. */
static void escape(struct richtext_maker *m, struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		const char *as = entity(s.p[i]);

		if (is_control(s, i))
			i += (unsigned char)s.p[i] == 0xC2;
		else if (as != NULL)
			add(m, as);
		else
			buf_add_char(&m->html, s.p[i]);
	}
}

/* --- runs ---------------------------------------------------------------------- */

static const struct {
	uint8_t style;
	char name[7];
} style_tags[] = {
	{ RICH_BOLD, "b" }, { RICH_ITALIC, "i" }, { RICH_UNDERLINE, "u" }, { RICH_STRIKE, "s" },
	{ RICH_SUPER, "sup" }, { RICH_SUB, "sub" }
};
#define STYLE_TAGS (sizeof(style_tags) / sizeof(*style_tags))

static bool same_font(const struct rich_font *a, const struct rich_font *b)
{
	return a->style == b->style && a->half_points == b->half_points && a->color == b->color &&
	       a->background == b->background && strcmp(a->name, b->name) == 0;
}

static bool has_span(const struct rich_font *f)
{
	return f->name[0] != '\0' || f->half_points != 0 || f->color != 0 || f->background != 0;
}

static void close_font(struct richtext_maker *m)
{
	if (!m->html_font_open)
		return;
	for (size_t i = STYLE_TAGS; i-- > 0;)
		if ((m->html_font.style & style_tags[i].style) != 0)
			buf_addf(&m->html, "</%s>", style_tags[i].name);
	if (has_span(&m->html_font))
		add(m, "</span>");
	m->html_font_open = false;
}

void html_close_inline(struct richtext_maker *m)
{
	close_font(m);
	if (m->html_link_open)
		add(m, "</a>");
	m->html_link_open = false;
}

/* Every name is followed by a family that is always there. */
static const char *generic_family(const char *name)
{
	static const char *const serif[] = { "Times", "Georgia", "Garamond", "Cambria", "Palatino" };
	static const char *const mono[] = { "Courier", "Consolas", "Lucida Console", "Monaco", "Menlo" };

	for (size_t i = 0; i < sizeof(mono) / sizeof(*mono); i++)
		if (strncmp(name, mono[i], strlen(mono[i])) == 0)
			return "monospace";
	for (size_t i = 0; i < sizeof(serif) / sizeof(*serif); i++)
		if (strncmp(name, serif[i], strlen(serif[i])) == 0)
			return "serif";
	return "sans-serif";
}

static void open_span(struct richtext_maker *m, const struct rich_font *f)
{
	add(m, "<span style=\"");
	if (strcmp(f->name, "serif") == 0 || strcmp(f->name, "monospace") == 0)
		buf_addf(&m->html, "font-family:%s;", f->name);
	else if (f->name[0] != '\0')
		buf_addf(&m->html, "font-family:'%s',%s;", f->name, generic_family(f->name));
	if (f->half_points != 0)
		buf_addf(&m->html, "font-size:%u%spt;", f->half_points / 2U,
		         f->half_points % 2 != 0 ? ".5" : "");
	if (f->color != 0)
		buf_addf(&m->html, "color:#%06X;", (unsigned)(f->color & 0xFFFFFF));
	if (f->background != 0)
		buf_addf(&m->html, "background-color:#%06X;", (unsigned)(f->background & 0xFFFFFF));
	m->html.n -= m->html.n > 0;     /* the last semicolon */
	add(m, "\">");
}

static void open_font(struct richtext_maker *m)
{
	if (m->html_font_open && same_font(&m->html_font, &m->font))
		return;
	close_font(m);
	m->html_font = m->font;
	m->html_font_open = true;
	if (has_span(&m->font))
		open_span(m, &m->font);
	for (size_t i = 0; i < STYLE_TAGS; i++)
		if ((m->font.style & style_tags[i].style) != 0)
			buf_addf(&m->html, "<%s>", style_tags[i].name);
}

/* Tags for what comes next: a link stands outside of its font. */
static void open_inline(struct richtext_maker *m)
{
	if (m->html_link_open != m->in_link) {
		html_close_inline(m);
		if (m->in_link) {
			add(m, "<a href=\"");
			escape(m, buf_slice(&m->link));
			add(m, "\">");
			m->html_link_open = true;
		}
	}
	open_font(m);
}

static void add_blank(struct richtext_maker *m)
{
	if (m->html_blank)
		add(m, "&nbsp;");
	else if (m->html.n - m->html_line > LINE_OCTETS)
		end_line(m);
	else
		buf_add_char(&m->html, ' ');
	m->html_blank = !m->html_blank;
}

void html_text(struct richtext_maker *m, struct slice s)
{
	open_inline(m);
	for (size_t i = 0; i < s.n; i++) {
		const char *as = entity(s.p[i]);

		if (s.p[i] == ' ') {
			add_blank(m);
			continue;
		}
		if (s.p[i] == '\t') {
			add(m, "&nbsp;&nbsp;&nbsp;&nbsp;");
		} else if (is_control(s, i)) {
			i += (unsigned char)s.p[i] == 0xC2;
			continue;
		} else if (as != NULL) {
			add(m, as);
		} else {
			buf_add_char(&m->html, s.p[i]);
		}
		m->html_blank = false;
	}
}

void html_break(struct richtext_maker *m)
{
	add(m, "<br>");
	end_line(m);
	m->html_blank = true;
}

void html_rule(struct richtext_maker *m)
{
	html_close_inline(m);
	add(m, "<hr>");
	end_line(m);
	m->html_blank = true;
}

void html_anchor(struct richtext_maker *m, struct slice name)
{
	html_close_inline(m);
	add(m, "<a id=\"");
	rich_anchor_name(name, &m->html);
	add(m, "\"></a>");
}

void html_picture(struct richtext_maker *m, const struct richtext_picture *picture,
                  const struct rich_picture_look *look)
{
	open_inline(m);
	buf_addf(&m->html, "<img src=\"cid:%s", picture->name);
	buf_add_slice(&m->html, buf_slice(&m->cid_suffix));
	add(m, "\" alt=\"");
	escape(m, look->description);
	add(m, "\"");
	if (look->width > 0 && look->width <= 20000)
		buf_addf(&m->html, " width=\"%u\"", look->width);
	if (look->height > 0 && look->height <= 20000)
		buf_addf(&m->html, " height=\"%u\"", look->height);
	add(m, ">");
	m->html_blank = false;
}

void html_button(struct richtext_maker *m, struct slice label)
{
	open_inline(m);
	add(m, "<span style=\"border:1px solid #808080;padding:0 4px\">");
	html_text(m, label);
	add(m, "</span>");
}

/* --- paragraphs ------------------------------------------------------------------ */

static void add_length(struct richtext_maker *m, const char *property, int32_t twips)
{
	if (twips > 20 * RICH_TWIPS_INCH)
		twips = 20 * RICH_TWIPS_INCH;
	if (twips < -20 * RICH_TWIPS_INCH)
		twips = -20 * RICH_TWIPS_INCH;
	buf_addf(&m->html, "%s:%dpt;", property, (int)twips / 20);
}

static void add_percent(struct richtext_maker *m, const char *property, int32_t hundredths)
{
	if (hundredths > 0 && hundredths < 10000)
		buf_addf(&m->html, "%s:%d.%02d%%;", property, (int)hundredths / 100,
		         (int)hundredths % 100);
}

/* Margins count from the edge of the paper, where text begins an inch further in. A right
 * margin that is no percentage depends on a page that mail does not have. */
static void add_margins(struct richtext_maker *m)
{
	const struct rich_par *p = &m->par;
	int32_t base = rich_in_cell(m) ? 0 : RICH_TWIPS_INCH;
	int32_t left = rich_left(m, p->left, base), first = rich_left(m, p->first, left);

	/* in a list they are the list's */
	if (m->levels[m->level_count - 1].list_count == 0) {
		if (p->left.set && p->left.percent)
			add_percent(m, "margin-left", p->left.value);
		else if (left > base)
			add_length(m, "margin-left", left - base);
		if (p->first.set && first != left)
			add_length(m, "text-indent", first - left);
	}
	if (p->right.set && p->right.percent)
		add_percent(m, "margin-right", 10000 - p->right.value);
}

static void add_par_style(struct richtext_maker *m)
{
	static const char *const aligns[] = {
		[RICH_ALIGN_LEFT] = "", [RICH_ALIGN_RIGHT] = "text-align:right;",
		[RICH_ALIGN_CENTER] = "text-align:center;", [RICH_ALIGN_FULL] = "text-align:justify;",
		[RICH_ALIGN_NONE] = "white-space:nowrap;"
	};
	static const char *const spaces[] = { "", "0.5em;", "1em;" };
	const struct rich_par *p = &m->par;

	add(m, aligns[p->align]);
	add_margins(m);
	if (p->line_spacing > 0)
		add(m, p->line_spacing == 1 ? "line-height:1.5;" : "line-height:2;");
	if (p->before > 0) {
		add(m, "margin-top:");
		add(m, spaces[p->before]);
	}
	if (p->after > 0) {
		add(m, "margin-bottom:");
		add(m, spaces[p->after]);
	}
	if (p->new_page)
		add(m, "page-break-before:always;");
}

/* A style attribute that stayed empty goes away again; so does a last semicolon. */
static void end_style(struct richtext_maker *m, size_t from)
{
	if (m->html.n == from + strlen(" style=\"")) {
		m->html.n = from;
		return;
	}
	if (m->html.n > 0 && m->html.p[m->html.n - 1] == ';')
		m->html.n--;
	add(m, "\"");
}

void html_par_begin(struct richtext_maker *m)
{
	size_t from;

	add(m, m->par_item ? "<li" : "<div");
	if (m->par.right_to_left)
		add(m, " dir=\"rtl\"");
	from = m->html.n;
	add(m, " style=\"");
	add_par_style(m);
	end_style(m, from);
	add(m, ">");
	if (m->par_item && m->par.list == RICH_LIST_CHECK)
		add(m, "\xE2\x98\x91 ");        /* a box with a check, one without */
	if (m->par_item && m->par.list == RICH_LIST_UNCHECK)
		add(m, "\xE2\x98\x90 ");
	m->html_blank = true;
}

/* An item stays open for lists inside it: the next item or the list's end closes it. */
void html_par_end(struct richtext_maker *m)
{
	html_close_inline(m);
	if (!m->par_used)
		add(m, "<br>");
	if (!m->par_item)
		add(m, "</div>");
	end_line(m);
}

void html_list_begin(struct richtext_maker *m, enum rich_list kind)
{
	static const char *const tags[] = {
		[RICH_LIST_NONE] = "<ul>", [RICH_LIST_BULLET] = "<ul>",
		[RICH_LIST_CIRCLE] = "<ul style=\"list-style-type:circle\">",
		[RICH_LIST_SQUARE] = "<ul style=\"list-style-type:square\">",
		[RICH_LIST_CHECK] = "<ul style=\"list-style-type:none\">",
		[RICH_LIST_UNCHECK] = "<ul style=\"list-style-type:none\">",
		[RICH_LIST_NUMBER] = "<ol>", [RICH_LIST_ALPHA_UPPER] = "<ol type=\"A\">",
		[RICH_LIST_ALPHA_LOWER] = "<ol type=\"a\">", [RICH_LIST_ROMAN_UPPER] = "<ol type=\"I\">",
		[RICH_LIST_ROMAN_LOWER] = "<ol type=\"i\">"
	};

	html_raw(m, tags[kind]);
}

void html_list_end(struct richtext_maker *m, enum rich_list kind)
{
	html_raw(m, kind >= RICH_LIST_NUMBER ? "</li></ol>" : "</li></ul>");
}

/* --- tables, sections ---------------------------------------------------------------- */

static void add_columns(struct richtext_maker *m, const struct rich_table_look *look)
{
	if (look->width_count == 0)
		return;
	add(m, "<colgroup>");
	for (size_t i = 0; i < look->width_count; i++) {
		struct rich_length w = look->widths[i];
		size_t from;

		add(m, "<col");
		from = m->html.n;
		add(m, " style=\"");
		if (w.set && w.percent)
			add_percent(m, "width", w.value);
		else if (w.set && w.value > 0)
			add_length(m, "width", w.value);
		end_style(m, from);
		add(m, ">");
	}
	add(m, "</colgroup>");
	end_line(m);
}

void html_table_begin(struct richtext_maker *m, const struct rich_table_look *look)
{
	html_close_inline(m);
	add(m, "<table cellpadding=\"3\" style=\"border-collapse:collapse");
	if (look->full)
		add(m, ";width:100%");
	if (look->right)
		add(m, ";margin-left:auto");
	if (look->center)
		add(m, ";margin-left:auto;margin-right:auto");
	add(m, "\">");
	end_line(m);
	add_columns(m, look);
}

void html_cell_begin(struct richtext_maker *m, const struct rich_cell_look *look)
{
	add(m, "<td");
	if (look->column_span > 1 && look->column_span <= 1000)
		buf_addf(&m->html, " colspan=\"%u\"", look->column_span);
	if (look->row_span > 1 && look->row_span <= 1000)
		buf_addf(&m->html, " rowspan=\"%u\"", look->row_span);
	add(m, " style=\"vertical-align:");
	add(m, look->middle ? "middle" : look->bottom ? "bottom" : "top");
	if (look->border)
		add(m, ";border:1px solid #808080");
	if (look->background != 0)
		buf_addf(&m->html, ";background-color:#%06X", (unsigned)(look->background & 0xFFFFFF));
	if (look->header)
		add(m, ";font-weight:bold");
	add(m, "\">");
}

void html_section_begin(struct richtext_maker *m, struct slice title, uint32_t color)
{
	html_close_inline(m);
	if (color != 0)
		buf_addf(&m->html, "<div style=\"border-left:3px solid #%06X;padding-left:6px\">",
		         (unsigned)(color & 0xFFFFFF));
	else
		add(m, "<div>");
	end_line(m);
}

/* --- the document ----------------------------------------------------------------------- */

void html_begin(struct richtext_maker *m)
{
	add(m, "<!DOCTYPE html>\n<html>\n<head>\n"
	    "<meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\">\n</head>\n"
	    "<body style=\"font-family:sans-serif;font-size:10pt\">");
	end_line(m);
}

void html_end(struct richtext_maker *m)
{
	add(m, "</body>");
	end_line(m);
	add(m, "</html>");
	end_line(m);
}

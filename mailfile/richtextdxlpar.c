/* Definitions of paragraphs, paragraphs and fonts of DXL rich text: attributes, all of them
 * distrusted. */
#include "mailfile/richtextdxl.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

/* Paragraph definitions have decimal numbers. */
static struct rich_par *find_pardef(struct dxl_text *t, struct slice id, bool make)
{
	unsigned number = 0;
	struct rich_par **block;

	if (id.n == 0 || id.n > 5)
		return NULL;
	for (size_t i = 0; i < id.n; i++) {
		if (id.p[i] < '0' || id.p[i] > '9')
			return NULL;
		number = number * 10 + (unsigned)(id.p[i] - '0');
	}
	if (number > 65535)
		return NULL;
	block = &t->pardefs[number / 256];
	if (*block == NULL && make) {
		*block = calloc(256, sizeof(**block));
		if (*block == NULL)
			t->m->status = POSTIL_ERR_MEMORY;
	}
	return *block != NULL ? *block + number % 256 : NULL;
}

static uint8_t keyword(struct slice value, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (dxl_is(value, words[i]))
			return (uint8_t)i;
	return 0;
}

static uint8_t spacing(struct slice value)
{
	return dxl_is(value, "1.5") ? 1 : dxl_is(value, "2") ? 2 : 0;
}

/* A reader of mail reads, and not with Notes: paragraphs hidden from readers or from the
 * web are hidden, those hidden from Notes, editors or printers are not. A formula cannot
 * be computed: its paragraph is shown. */
void dxl_pardef(struct dxl_text *t, dxl_attributes a, size_t n)
{
	static const char *const aligns[] = { "left", "right", "center", "full", "none" };
	static const char *const lists[] = {
		"none", "bullet", "circle", "square", "check", "uncheck", "number", "alphaupper",
		"alphalower", "romanupper", "romanlower"
	};
	struct rich_par *p = find_pardef(t, markup_value(a, n, "id"), true);
	struct slice hide = markup_value(a, n, "hide");

	if (p == NULL)
		return;
	p->align = keyword(markup_value(a, n, "align"), aligns, sizeof(aligns) / sizeof(*aligns));
	p->list = keyword(markup_value(a, n, "list"), lists, sizeof(lists) / sizeof(*lists));
	p->line_spacing = spacing(markup_value(a, n, "linespacing"));
	p->before = spacing(markup_value(a, n, "spacebefore"));
	p->after = spacing(markup_value(a, n, "spaceafter"));
	p->left = rich_read_length(markup_value(a, n, "leftmargin"));
	p->first = rich_read_length(markup_value(a, n, "firstlineleftmargin"));
	p->right = rich_read_length(markup_value(a, n, "rightmargin"));
	p->hidden = dxl_has_token(hide, "read") || dxl_has_token(hide, "web");
	p->new_page = dxl_is(markup_value(a, n, "newpage"), "true");
	p->right_to_left = dxl_is(markup_value(a, n, "readingorder"), "righttoleft");
}

void dxl_par(struct dxl_text *t, dxl_attributes a, size_t n)
{
	struct slice def = markup_value(a, n, "def");
	const struct rich_par *p = find_pardef(t, def, false);

	if (p != NULL)
		t->par = *p;
	else if (def.n > 0)
		memset(&t->par, 0, sizeof(t->par));
	rich_par_begin(t->m, &t->par);
}

void dxl_font(struct dxl_text *t, dxl_attributes a, size_t n)
{
	static const struct {
		const char *token;
		uint8_t style;
	} styles[] = {
		{ "bold", RICH_BOLD }, { "italic", RICH_ITALIC }, { "underline", RICH_UNDERLINE },
		{ "strikethrough", RICH_STRIKE }, { "superscript", RICH_SUPER }, { "subscript", RICH_SUB }
	};
	struct slice style = markup_value(a, n, "style");
	struct rich_length size = rich_read_length(markup_value(a, n, "size"));
	struct rich_font f = { .background = t->m->font.background };

	rich_clean_name(markup_value(a, n, "name"), f.name, sizeof(f.name));
	f.color = rich_read_color(markup_value(a, n, "color"));
	if (f.color == (0x000000 | RICH_COLOR_SET))
		f.color = 0;
	if (size.set && size.value > 0 && size.value <= 20 * 250 && size.value != 20 * 10)
		f.half_points = (uint16_t)(size.value / 10);
	for (size_t i = 0; i < sizeof(styles) / sizeof(*styles); i++)
		if (dxl_has_token(style, styles[i].token))
			f.style |= styles[i].style;
	rich_font(t->m, &f);
}

void dxl_highlight(struct dxl_text *t, struct slice color)
{
	struct rich_font f = t->m->font;

	f.background = dxl_is(color, "yellow") ? 0xFFFF00 | RICH_COLOR_SET
	               : dxl_is(color, "pink") ? 0xFFC0CB | RICH_COLOR_SET
	               : dxl_is(color, "blue") ? 0xADD8E6 | RICH_COLOR_SET : f.background;
	rich_font(t->m, &f);
}

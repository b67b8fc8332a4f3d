/*
 * DXL rich text: elements in, pieces of richtextmaker.h out. The content model is that of
 * the Domino DTD (richtext.block, richtext.inline); what is not in it is passed over with
 * a sentence. Values of attributes are distrusted; the parser has bounded depth.
 */
#include "mailfile/richtextdxl.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define LABEL_MAX 4096

/* What is done with an element when it begins and when it ends. */
enum dxl_does {
	DOES_NOTHING,           /* a container whose children count */
	DOES_SKIP,              /* nothing in it is to be seen */
	DOES_PAR, DOES_PARDEF, DOES_RUN, DOES_BLOCK, DOES_FONT, DOES_INLINE, DOES_BREAK, DOES_RULE,
	DOES_CHAR, DOES_ANCHOR, DOES_LINK, DOES_REGION, DOES_PICTURE, DOES_IMAGE, DOES_BITMAP,
	DOES_NO_IMAGE, DOES_CAPTION, DOES_ATTACHMENT, DOES_BUTTON, DOES_COMPUTED, DOES_POPUP, DOES_POPUP_TEXT,
	DOES_OBJECT, DOES_FIELD, DOES_EMBEDDED, DOES_KEYWORD, DOES_LABEL, DOES_RECORDS,
	DOES_TABLE, DOES_COLUMN, DOES_ROW, DOES_CELL, DOES_SECTION, DOES_TITLE
};

static const struct {
	const char *name;
	uint8_t does, chars;
} elements[] = {
	{ "", DOES_SKIP, CHARS_NONE },          /* unknown */
	{ "par", DOES_PAR, CHARS_TEXT }, { "run", DOES_RUN, CHARS_TEXT },
	{ "font", DOES_FONT, CHARS_NONE }, { "pardef", DOES_PARDEF, CHARS_NONE },
	{ "break", DOES_BREAK, CHARS_NONE }, { "richtext", DOES_NOTHING, CHARS_NONE },
	{ "table", DOES_TABLE, CHARS_NONE }, { "tablerow", DOES_ROW, CHARS_NONE },
	{ "tablecell", DOES_CELL, CHARS_NONE }, { "tablecolumn", DOES_COLUMN, CHARS_NONE },
	{ "section", DOES_SECTION, CHARS_NONE }, { "sectiontitle", DOES_TITLE, CHARS_NONE },
	{ "block", DOES_BLOCK, CHARS_NONE }, { "span", DOES_INLINE, CHARS_TEXT },
	{ "urllink", DOES_LINK, CHARS_TEXT }, { "doclink", DOES_LINK, CHARS_TEXT },
	{ "viewlink", DOES_LINK, CHARS_TEXT }, { "databaselink", DOES_LINK, CHARS_TEXT },
	{ "namedelementlink", DOES_LINK, CHARS_TEXT }, { "region", DOES_REGION, CHARS_TEXT },
	{ "anchor", DOES_ANCHOR, CHARS_NONE }, { "horizrule", DOES_RULE, CHARS_NONE },
	{ "picture", DOES_PICTURE, CHARS_NONE }, { "gif", DOES_IMAGE, CHARS_BASE64 },
	{ "jpeg", DOES_IMAGE, CHARS_BASE64 }, { "png", DOES_IMAGE, CHARS_BASE64 },
	{ "notesbitmap", DOES_BITMAP, CHARS_BASE64 }, { "bitmap", DOES_NO_IMAGE, CHARS_NONE },
	{ "cgm", DOES_NO_IMAGE, CHARS_NONE }, { "imageref", DOES_NO_IMAGE, CHARS_NONE },
	{ "nativeimage", DOES_NO_IMAGE, CHARS_NONE }, { "caption", DOES_CAPTION, CHARS_LABEL },
	{ "attachmentref", DOES_ATTACHMENT, CHARS_NONE }, { "button", DOES_BUTTON, CHARS_LABEL },
	{ "computedtext", DOES_COMPUTED, CHARS_NONE }, { "popup", DOES_POPUP, CHARS_TEXT },
	{ "popuptext", DOES_POPUP_TEXT, CHARS_LABEL }, { "actionhotspot", DOES_INLINE, CHARS_TEXT },
	{ "objectref", DOES_OBJECT, CHARS_NONE }, { "imagemap", DOES_NOTHING, CHARS_NONE },
	{ "area", DOES_NOTHING, CHARS_NONE }, { "layer", DOES_NOTHING, CHARS_NONE },
	{ "field", DOES_FIELD, CHARS_NONE }, { "sharedfieldref", DOES_FIELD, CHARS_NONE },
	{ "embeddedcontrol", DOES_NOTHING, CHARS_NONE },
	{ "embeddedkeywords", DOES_NOTHING, CHARS_NONE }, { "keyword", DOES_KEYWORD, CHARS_TEXT },
	{ "text", DOES_LABEL, CHARS_LABEL }, { "nonxmlchar", DOES_CHAR, CHARS_NONE },
	{ "compositedata", DOES_RECORDS, CHARS_BASE64 },
	{ "richtextdata", DOES_RECORDS, CHARS_BASE64 },
	{ "embeddeddatepicker", DOES_EMBEDDED, CHARS_NONE },
	{ "embeddedfileuploadcontrol", DOES_EMBEDDED, CHARS_NONE },
	{ "embeddedfolderpane", DOES_EMBEDDED, CHARS_NONE },
	{ "embeddednavigator", DOES_EMBEDDED, CHARS_NONE },
	{ "embeddedoutline", DOES_EMBEDDED, CHARS_NONE },
	{ "embeddedview", DOES_EMBEDDED, CHARS_NONE }, { "javaapplet", DOES_EMBEDDED, CHARS_NONE },
	{ "subformref", DOES_EMBEDDED, CHARS_NONE }, { "code", DOES_SKIP, CHARS_NONE },
	{ "parstyle", DOES_SKIP, CHARS_NONE }, { "border", DOES_SKIP, CHARS_NONE },
	{ "cellbackground", DOES_SKIP, CHARS_NONE }, { "tablerowstyle", DOES_SKIP, CHARS_NONE },
	{ "point", DOES_SKIP, CHARS_NONE }, { "associatedfiles", DOES_SKIP, CHARS_NONE },
	{ "layerbackground", DOES_SKIP, CHARS_NONE }, { "namedelementref", DOES_SKIP, CHARS_NONE },
	{ "formregionbegin", DOES_SKIP, CHARS_NONE }, { "formregionend", DOES_SKIP, CHARS_NONE }
};

bool dxl_is(struct slice value, const char *text)
{
	return slice_equal(value, slice_of(text));
}

bool dxl_has_token(struct slice tokens, const char *token)
{
	size_t from = 0;

	for (size_t i = 0; i <= tokens.n; i++)
		if (i == tokens.n || tokens.p[i] == ' ') {
			if (dxl_is((struct slice){ tokens.p + from, i - from }, token))
				return true;
			from = i + 1;
		}
	return false;
}

static uint8_t element_of(struct slice name)
{
	for (size_t i = 1; i < sizeof(elements) / sizeof(*elements); i++)
		if (slice_equal(name, slice_of(elements[i].name)))
			return (uint8_t)i;
	return 0;
}

static struct dxl_open *top(struct dxl_text *t)
{
	return &t->open[t->depth - 1];
}

void dxl_any(struct dxl_text *t)
{
	for (size_t i = t->depth; i-- > 0 && !t->open[i].any;)
		t->open[i].any = true;
}

/* --- text ------------------------------------------------------------------------ */

static void give_text(struct dxl_text *t, struct slice s)
{
	if (s.n == 0)
		return;
	switch ((enum dxl_chars)top(t)->chars) {
	case CHARS_TEXT:
		rich_pass_end(t->m);
		rich_text(t->m, s);
		dxl_any(t);
		break;
	case CHARS_HTML:
		rich_pass_html(t->m, s);
		dxl_any(t);
		break;
	case CHARS_LABEL:
		if (t->label.n < LABEL_MAX)
			buf_add_slice(&t->label, rich_cut(s, LABEL_MAX));
		break;
	default:
		break;
	}
}

/* White space at and behind a line end is the XML's, not the text's (the DTD says which
 * becomes a blank), unless it is to be kept. It is decided when the next character is
 * there. */
static void add_text(struct dxl_text *t, struct slice s)
{
	size_t from = 0;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '\n' || (t->node_newline && (c == ' ' || c == '\t'))) {
			give_text(t, (struct slice){ s.p + from, i - from });
			from = i + 1;
			t->node_newline = true;
			continue;
		}
		if (t->node_newline && t->node_any && !t->node_blank)
			give_text(t, SLICE_LIT(" "));
		t->node_newline = false;
		t->node_any = true;
		t->node_blank = c == ' ' || c == '\t';
	}
	give_text(t, (struct slice){ s.p + from, s.n - from });
}

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Rubbish between digits is passed over: what it belongs to says later whether it is
 * whole. */
static void add_base64(struct dxl_text *t, struct slice s)
{
	for (size_t i = 0; i < s.n && !t->data_over; i++) {
		int digit = base64_digit(s.p[i]);

		if (digit < 0)
			continue;
		t->bits = t->bits << 6 | (uint32_t)digit;
		t->bit_count += 6;
		if (t->bit_count < 8)
			continue;
		t->bit_count -= 8;
		buf_add_char(&t->data, (char)(t->bits >> t->bit_count & 0xFF));
		t->data_over = t->data.n > t->m->options.picture_octets;
	}
}

static STATUS on_text(void *context, struct slice s)
{
	struct dxl_text *t = context;

	if (t->skip_depth != 0 || t->depth == 0)
		return NOERROR;
	if (top(t)->chars == CHARS_BASE64)
		add_base64(t, s);
	else if (top(t)->chars == CHARS_NONE)
		return NOERROR;
	else if (top(t)->keep || top(t)->chars == CHARS_HTML)
		give_text(t, s);
	else
		add_text(t, s);
	return t->m->status;
}

/* --- other things that stand in a text -------------------------------------------------- */

static void attachment(struct dxl_text *t, dxl_attributes a, size_t n)
{
	struct slice name = markup_value(a, n, "name"), shown = markup_value(a, n, "displayname");

	/* what is in it is its icon */
	t->skip_depth = t->depth;
	rich_attachment(t->m, name, shown);
	dxl_any(t);
}

static void object(struct dxl_text *t, dxl_attributes a, size_t n)
{
	struct slice what = markup_value(a, n, "description");

	if (what.n == 0)
		what = markup_value(a, n, "class");
	t->m->incomplete = true;
	rich_note(t->m, "Embedded object", what);
	dxl_any(t);
}

static void field(struct dxl_text *t, dxl_attributes a, size_t n)
{
	t->m->incomplete = true;
	rich_note(t->m, "Field", markup_value(a, n, "name"));
	dxl_any(t);
	t->skip_depth = t->depth;
}

static void records(struct dxl_text *t)
{
	if (t->data_over)
		rich_gap(t->m, RICH_GAP_UNKNOWN);
	else
		rich_read_cd(t->m, buf_slice(&t->data));
}

static void section_title(struct dxl_text *t)
{
	if (!t->title_waits)
		return;
	t->title_waits = false;
	rich_section_begin(t->m, buf_slice(&t->label), t->title_color);
}

/* --- elements ----------------------------------------------------------------------------- */

/* Beside all others: whether they may stand in a line, and what their text is. */
static void start_inline(struct dxl_text *t, enum dxl_does does, struct slice name,
                         dxl_attributes a, size_t n)
{
	switch (does) {
	case DOES_BREAK:
		if (t->depth > 1 && t->open[t->depth - 2].chars == CHARS_LABEL)
			buf_add_char(&t->label, ' ');
		else if (top(t)->html)
			rich_pass_html(t->m, SLICE_LIT("\n"));
		else
			rich_break(t->m);
		break;
	case DOES_RULE:
		rich_rule(t->m);
		break;
	case DOES_CHAR:
		/* all that XML cannot hold are controls: a line end and a page end among them */
		if (dxl_is(markup_value(a, n, "value"), "b") || dxl_is(markup_value(a, n, "value"), "c"))
			rich_break(t->m);
		break;
	case DOES_ANCHOR:
		rich_anchor(t->m, markup_value(a, n, "name"));
		break;
	case DOES_LINK:
		dxl_link_start(t, elements[top(t)->element].name, a, n);
		break;
	case DOES_REGION:
		dxl_region_start(t, a, n);
		break;
	case DOES_PICTURE:
		dxl_picture_start(t, a, n);
		break;
	case DOES_ATTACHMENT:
		attachment(t, a, n);
		break;
	case DOES_OBJECT:
		object(t, a, n);
		break;
	case DOES_FIELD:
		field(t, a, n);
		break;
	case DOES_KEYWORD:
		rich_text(t->m, dxl_is(markup_value(a, n, "on"), "true") ? SLICE_LIT(" [x] ")
		          : SLICE_LIT(" [ ] "));
		break;
	case DOES_COMPUTED:
	case DOES_EMBEDDED:
		rich_gap(t->m, does == DOES_COMPUTED ? RICH_GAP_COMPUTED : RICH_GAP_EMBEDDED);
		dxl_any(t);
		t->skip_depth = t->depth;
		break;
	case DOES_NO_IMAGE:
		dxl_picture_missing(t);
		t->skip_depth = t->depth;
		break;
	default:
		break;
	}
}

static void start_run(struct dxl_text *t, dxl_attributes a, size_t n)
{
	if (dxl_is(markup_value(a, n, "html"), "true"))
		top(t)->html = true;
	dxl_highlight(t, markup_value(a, n, "highlight"));
}

static void start_known(struct dxl_text *t, enum dxl_does does, struct slice name,
                        dxl_attributes a, size_t n)
{
	uint8_t parent = t->depth > 1 ? elements[t->open[t->depth - 2].element].does : DOES_NOTHING;

	switch (does) {
	case DOES_SKIP:
		t->skip_depth = t->depth;
		if (top(t)->element == 0)
			rich_gap(t->m, RICH_GAP_UNKNOWN);
		else if (parent == DOES_TITLE)
			buf_add_str(&t->label, "[Computed title]");
		break;
	case DOES_PAR:
		dxl_par(t, a, n);
		break;
	case DOES_PARDEF:
		dxl_pardef(t, a, n);
		t->skip_depth = t->depth;
		break;
	case DOES_RUN:
	case DOES_BLOCK:
		start_run(t, a, n);
		break;
	case DOES_FONT:
		if (parent == DOES_RUN || parent == DOES_BLOCK)
			dxl_font(t, a, n);
		break;
	case DOES_TABLE:
		dxl_table_start(t, a, n);
		break;
	case DOES_COLUMN:
		dxl_table_column(t, a, n);
		break;
	case DOES_ROW:
		dxl_row_start(t, a, n);
		break;
	case DOES_CELL:
		dxl_cell_start(t, a, n);
		break;
	case DOES_SECTION:
		buf_clear(&t->label);
		t->title_waits = true;
		t->title_color = 0;
		break;
	case DOES_TITLE:
		t->title_color = rich_read_color(markup_value(a, n, "color"));
		break;
	default:
		start_inline(t, does, name, a, n);
	}
}

static STATUS on_start(void *context, struct slice name, dxl_attributes a, size_t n)
{
	struct dxl_text *t = context;
	struct dxl_open *open, *outer = t->depth > 0 ? top(t) : NULL;
	struct slice keep = markup_value(a, n, "keepindentation");
	enum dxl_does does;

	t->node_any = t->node_blank = t->node_newline = false;
	if (t->depth == DXL_DEPTH_MAX)
		return POSTIL_ERR_SYNTAX;
	open = &t->open[t->depth++];
	if (t->skip_depth != 0)
		return NOERROR;
	memset(open, 0, sizeof(*open));
	open->element = element_of(name);
	does = (enum dxl_does)elements[open->element].does;
	open->font = t->m->font;
	open->keep = keep.n > 0 ? dxl_is(keep, "true") : outer != NULL && outer->keep;
	open->html = outer != NULL && outer->html;
	if (t->title_waits && does != DOES_TITLE && does != DOES_LABEL && does != DOES_FONT &&
	    does != DOES_SKIP && does != DOES_BREAK && does != DOES_CHAR)
		section_title(t);
	if (elements[open->element].chars == CHARS_LABEL && !t->title_waits)
		buf_clear(&t->label);
	buf_clear(&t->data);
	t->bit_count = 0;
	t->data_over = false;
	open->chars = elements[open->element].chars;
	start_known(t, does, name, a, n);
	if (open->chars == CHARS_TEXT && open->html)
		open->chars = CHARS_HTML;
	return t->m->status;
}

static void end_label(struct dxl_text *t, enum dxl_does does)
{
	switch (does) {
	case DOES_BUTTON:
		rich_button(t->m, buf_slice(&t->label));
		dxl_any(t);
		break;
	case DOES_POPUP_TEXT:
		buf_clear(&t->popup);
		buf_add_slice(&t->popup, buf_slice(&t->label));
		break;
	case DOES_POPUP:
		if (t->popup.n > 0)
			rich_note(t->m, "Pop-up", buf_slice(&t->popup));
		buf_clear(&t->popup);
		break;
	case DOES_CAPTION:
		t->captioned = t->label.n > 0;
		break;
	case DOES_LABEL:
		/* of a title: gathered; of a control: shown */
		if (!t->title_waits) {
			rich_text(t->m, buf_slice(&t->label));
			buf_clear(&t->label);
		}
		break;
	default:
		break;
	}
}

static void end_known(struct dxl_text *t, struct dxl_open *open)
{
	enum dxl_does does = (enum dxl_does)elements[open->element].does;

	switch (does) {
	case DOES_PAR:
		rich_par_end(t->m);
		break;
	case DOES_RUN:
	case DOES_BLOCK:
		rich_font(t->m, &open->font);
		break;
	case DOES_LINK:
	case DOES_REGION:
		dxl_link_end(t, open);
		break;
	case DOES_IMAGE:
	case DOES_BITMAP:
		dxl_picture_data(t, does == DOES_BITMAP);
		break;
	case DOES_PICTURE:
		dxl_picture_end(t);
		break;
	case DOES_RECORDS:
		records(t);
		break;
	case DOES_CELL:
		rich_cell_end(t->m);
		break;
	case DOES_ROW:
		rich_row_end(t->m);
		break;
	case DOES_TABLE:
		dxl_table_end(t);
		break;
	case DOES_TITLE:
		section_title(t);
		break;
	case DOES_SECTION:
		section_title(t);
		rich_section_end(t->m);
		break;
	default:
		end_label(t, does);
	}
}

static STATUS on_end(void *context, struct slice name)
{
	struct dxl_text *t = context;
	struct dxl_open open;

	t->node_any = t->node_blank = t->node_newline = false;
	if (t->depth == 0)
		return NOERROR;
	if (t->skip_depth != 0) {
		if (t->skip_depth == t->depth--)
			t->skip_depth = 0;
		return NOERROR;
	}
	open = *top(t);
	end_known(t, &open);
	t->depth--;
	return t->m->status;
}

/* --- reading ----------------------------------------------------------------------------------- */

static void free_regions(struct dxl_text *t)
{
	for (size_t i = 0; i < t->region_count; i++)
		buf_release(&t->regions[i].address);
	free(t->regions);
}

void dxl_text_free(struct dxl_text **text)
{
	struct dxl_text *t = *text;

	for (size_t i = 0; i < sizeof(t->pardefs) / sizeof(*t->pardefs); i++)
		free(t->pardefs[i]);
	free_regions(t);
	free(t->tables);
	buf_release(&t->label);
	buf_release(&t->data);
	buf_release(&t->description);
	buf_release(&t->popup);
	free(t);
	*text = NULL;
}

STATUS richtext_add_dxl_stream(struct richtext_maker *maker,
                               ssize_t (*read)(void *context, void *out, size_t size),
                               void *context)
{
	static const struct markup_sink sink = { on_start, on_end, on_text };
	struct dxl_text *t = calloc(1, sizeof(*t));
	STATUS status;
	bool deep;

	if (t == NULL)
		return POSTIL_ERR_MEMORY;
	t->m = maker;
	status = markup_read(read, context, &sink, t, NULL);
	deep = t->depth >= MARKUP_DEPTH_MAX;
	if (t->skip_depth != 0)
		t->depth = t->skip_depth;
	t->skip_depth = 0;
	while (t->depth > 0)            /* what a broken end left open */
		on_end(t, (struct slice){ "", 0 });
	if (maker->status == NOERROR && status == POSTIL_ERR_SYNTAX) {
		rich_gap(maker, deep ? RICH_GAP_DEEP : RICH_GAP_BROKEN);
		rich_par_end(maker);
	}
	dxl_text_free(&t);
	if (status == POSTIL_ERR_IO || status == POSTIL_ERR_MEMORY)
		return status;
	return maker->status;
}

static ssize_t read_slice(void *context, void *out, size_t size)
{
	struct slice *rest = context;
	size_t n = size < rest->n ? size : rest->n;

	if (n > 0)
		memcpy(out, rest->p, n);
	rest->p += n;
	rest->n -= n;
	return (ssize_t)n;
}

STATUS richtext_add_dxl(struct richtext_maker *maker, struct slice xml)
{
	return richtext_add_dxl_stream(maker, read_slice, &xml);
}

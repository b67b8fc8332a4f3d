/* Links, pictures and tables of DXL rich text. */
#include "mailfile/richtextdxl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

/* --- links --------------------------------------------------------------------- */

/* A link that spans paragraphs goes on in <region> elements of the same number. */
static void remember_region(struct dxl_text *t, struct slice id, struct slice address)
{
	struct dxl_region *region;

	if (id.n == 0 || id.n >= sizeof(region->id) || t->region_count == DXL_REGIONS_MAX)
		return;
	if (t->regions == NULL)
		t->regions = calloc(DXL_REGIONS_MAX, sizeof(*t->regions));
	if (t->regions == NULL)
		return;
	region = &t->regions[t->region_count++];
	memcpy(region->id, id.p, id.n);
	buf_add_slice(&region->address, address);
}

void dxl_region_start(struct dxl_text *t, dxl_attributes a, size_t n)
{
	struct slice id = markup_value(a, n, "regionid");

	for (size_t i = t->region_count; i-- > 0;)
		if (slice_equal(id, slice_of(t->regions[i].id))) {
			rich_link_begin(t->m, buf_slice(&t->regions[i].address));
			return;
		}
}

/* Where a link to a document, view or database leads; an anchor alone is one of this
 * document. */
static void notes_address(dxl_attributes a, size_t n, struct buf *address)
{
	struct slice anchor = markup_value(a, n, "anchor"), document = markup_value(a, n, "document");
	struct slice database = markup_value(a, n, "database");

	if (rich_notes_address(markup_value(a, n, "server"), database, markup_value(a, n, "view"),
	                       document, address))
		return;
	buf_clear(address);
	if (document.n == 0 && database.n == 0 && anchor.n > 0) {
		buf_add_char(address, '#');
		buf_add_slice(address, anchor);
	}
}

static void set_label(struct dxl_text *t, const char *kind, struct slice description)
{
	buf_clear(&t->label);
	buf_addf(&t->label, "[%s", kind);
	if (description.n > 0) {
		buf_add_str(&t->label, ": ");
		buf_add_slice(&t->label, rich_cut(description, 1024));
	}
	buf_add_char(&t->label, ']');
}

void dxl_link_start(struct dxl_text *t, const char *element, dxl_attributes a, size_t n)
{
	struct slice href = markup_value(a, n, "href"), description = markup_value(a, n, "description");
	struct buf address = BUF_INIT;

	if (strcmp(element, "urllink") == 0 || href.n > 0) {
		buf_add_slice(&address, href);
		set_label(t, "Link", (struct slice){ "", 0 });
	} else if (strcmp(element, "namedelementlink") == 0) {
		set_label(t, "Link", markup_value(a, n, "name"));
	} else {
		notes_address(a, n, &address);
		set_label(t, strcmp(element, "doclink") == 0 ? "Document link"
		          : strcmp(element, "viewlink") == 0 ? "View link" : "Database link", description);
	}
	remember_region(t, markup_value(a, n, "regionid"), buf_slice(&address));
	rich_link_begin(t->m, buf_slice(&address));
	buf_clear(&t->description);
	if (strcmp(element, "urllink") == 0 && t->m->in_link)
		buf_add_slice(&t->description, href);
	else
		buf_add_slice(&t->description, buf_slice(&t->label));
	buf_release(&address);
}

/* A link with nothing in it is an icon in Notes: it says what it is. */
void dxl_link_end(struct dxl_text *t, struct dxl_open *open)
{
	if (!open->any && t->description.n > 0 && open->chars != CHARS_NONE) {
		rich_text(t->m, buf_slice(&t->description));
		dxl_any(t);
	}
	buf_clear(&t->description);
	rich_link_end(t->m);
}

/* --- pictures --------------------------------------------------------------------- */

static unsigned pixels(struct slice text)
{
	struct rich_length length = rich_read_length(text);

	return length.set && !length.percent && length.value > 0 ? (unsigned)length.value / 15 : 0;
}

void dxl_picture_start(struct dxl_text *t, dxl_attributes a, size_t n)
{
	unsigned width = pixels(markup_value(a, n, "scaledwidth"));
	unsigned height = pixels(markup_value(a, n, "scaledheight"));

	t->width = width != 0 ? width : pixels(markup_value(a, n, "width"));
	t->height = height != 0 ? height : pixels(markup_value(a, n, "height"));
	t->picture_done = t->captioned = false;
	buf_clear(&t->description);
	buf_add_slice(&t->description, markup_value(a, n, "alttext"));
	dxl_any(t);
}

static void show(struct dxl_text *t, struct slice octets)
{
	struct rich_picture_look look = { t->width, t->height, buf_slice(&t->description) };

	rich_picture(t->m, octets, &look);
}

void dxl_picture_data(struct dxl_text *t, bool bitmap)
{
	struct buf png = BUF_INIT;

	if (t->picture_done)
		return;
	t->picture_done = true;
	if (t->data_over)
		rich_gap(t->m, RICH_GAP_PICTURE_SIZE);
	else if (!bitmap)
		show(t, buf_slice(&t->data));
	else if (rich_bitmap_png(t->m, buf_slice(&t->data), &png))
		show(t, buf_slice(&png));
	else
		rich_gap(t->m, RICH_GAP_PICTURE);
	buf_release(&png);
}

void dxl_picture_missing(struct dxl_text *t)
{
	if (!t->picture_done)
		rich_gap(t->m, RICH_GAP_PICTURE);
	t->picture_done = true;
}

/* A caption stands below its picture. */
void dxl_picture_end(struct dxl_text *t)
{
	if (!t->picture_done)
		dxl_picture_missing(t);
	if (t->captioned) {
		rich_break(t->m);
		rich_text(t->m, buf_slice(&t->label));
	}
	buf_clear(&t->description);
}

/* --- tables ------------------------------------------------------------------------- */

static struct dxl_table *top(struct dxl_text *t)
{
	return t->table_count > 0 && t->table_count <= DXL_TABLES_MAX ? &t->tables[t->table_count - 1]
	       : NULL;
}

void dxl_table_start(struct dxl_text *t, dxl_attributes a, size_t n)
{
	struct slice style = markup_value(a, n, "colorstyle"), width = markup_value(a, n, "widthtype");
	struct dxl_table *table;

	if (t->tables == NULL)
		t->tables = calloc(DXL_TABLES_MAX, sizeof(*t->tables));
	if (t->tables == NULL) {
		t->m->status = POSTIL_ERR_MEMORY;
		return;
	}
	t->table_count++;
	table = top(t);
	if (table == NULL)
		return;
	memset(table, 0, sizeof(*table));
	if (style.n < sizeof(table->style))
		memcpy(table->style, style.p, style.n);
	table->color = rich_read_color(markup_value(a, n, "bgcolor"));
	table->other = rich_read_color(markup_value(a, n, "altbgcolor"));
	table->right = dxl_is(width, "fixedright");
	table->center = dxl_is(width, "fixedcenter");
	table->full = dxl_is(width, "fitmargins") || dxl_is(width, "fitwindow");
}

void dxl_table_column(struct dxl_text *t, dxl_attributes a, size_t n)
{
	struct dxl_table *table = top(t);

	if (table != NULL && table->width_count < DXL_COLUMNS_MAX && !table->begun)
		table->widths[table->width_count++] = rich_read_length(markup_value(a, n, "width"));
}

static void begin(struct dxl_text *t, struct dxl_table *table)
{
	struct rich_table_look look = {
		table->right, table->center, table->full, table->widths, table->width_count
	};

	if (table->begun)
		return;
	table->begun = true;
	rich_table_begin(t->m, &look);
}

/* Rows that are pages with tabs become rows with a title above. */
static void row_label(struct dxl_text *t, struct dxl_table *table, struct slice label)
{
	struct rich_font bold = { .style = RICH_BOLD }, before = t->m->font;
	struct rich_cell_look look = {
		.column_span = table->width_count > 0 ? (unsigned)table->width_count : 1, .border = true
	};

	rich_row_begin(t->m);
	rich_cell_begin(t->m, &look);
	rich_font(t->m, &bold);
	rich_text(t->m, label);
	rich_font(t->m, &before);
	rich_row_end(t->m);
}

void dxl_row_start(struct dxl_text *t, dxl_attributes a, size_t n)
{
	struct dxl_table *table = top(t);
	struct slice label = markup_value(a, n, "tablabel");

	if (table == NULL)
		return;
	begin(t, table);
	if (label.n > 0)
		row_label(t, table, label);
	table->row++;
	table->column = 0;
	rich_row_begin(t->m);
}

/* The colour that a table's style gives a cell. */
static uint32_t style_color(const struct dxl_table *table)
{
	bool top_row = table->row == 1, left = table->column == 0;
	bool right = table->column + 1 == table->width_count, first;
	const char *style = table->style;

	if (strcmp(style, "solid") == 0)
		first = true;
	else if (strcmp(style, "altrows") == 0)
		first = table->row % 2 == 1;
	else if (strcmp(style, "altcolumns") == 0)
		first = table->column % 2 == 0;
	else if (strcmp(style, "top") == 0)
		first = top_row;
	else if (strcmp(style, "left") == 0)
		first = left;
	else if (strcmp(style, "lefttop") == 0)
		first = left || top_row;
	else if (strcmp(style, "right") == 0)
		first = right;
	else if (strcmp(style, "righttop") == 0)
		first = right || top_row;
	else
		return 0;
	return first ? table->color : table->other;
}

static unsigned span(struct slice text)
{
	unsigned value = 0;

	for (size_t i = 0; i < text.n && i < 4; i++)
		value = text.p[i] >= '0' && text.p[i] <= '9' ? value * 10 + (unsigned)(text.p[i] - '0') : 0;
	return value == 0 ? 1 : value > 1000 ? 1000 : value;
}

/* "0px", or "0px 0px": no border at all. */
static bool has_border(struct slice widths)
{
	for (size_t i = 0; i < widths.n; i++)
		if (widths.p[i] >= '1' && widths.p[i] <= '9')
			return true;
	return widths.n == 0;
}

void dxl_cell_start(struct dxl_text *t, dxl_attributes a, size_t n)
{
	struct dxl_table *table = top(t);
	struct slice valign = markup_value(a, n, "valign");
	struct rich_cell_look look = {
		.row_span = span(markup_value(a, n, "rowspan")),
		.column_span = span(markup_value(a, n, "columnspan")),
		.background = rich_read_color(markup_value(a, n, "bgcolor")),
		.border = has_border(markup_value(a, n, "borderwidth")),
		.middle = dxl_is(valign, "center"), .bottom = dxl_is(valign, "bottom"),
		.header = dxl_is(markup_value(a, n, "rowheader"), "true") ||
		          dxl_is(markup_value(a, n, "columnheader"), "true")
	};

	if (table == NULL)
		return;
	if (look.background == 0)
		look.background = style_color(table);
	table->column += look.column_span;
	rich_cell_begin(t->m, &look);
}

void dxl_table_end(struct dxl_text *t)
{
	struct dxl_table *table = top(t);

	if (table != NULL && table->begun)
		rich_table_end(t->m);
	if (t->table_count > 0)
		t->table_count--;
}

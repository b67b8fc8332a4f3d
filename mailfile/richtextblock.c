/*
 * What paragraphs of a rich text stand in: lists, tables, sections. Depth is bounded here;
 * what is too deep is counted, so that its end is known, and loses its frame.
 *
 *   page --+-- paragraph, or item of a list (lists are found by marks and margins)
 *          +-- section -- the same
 *          +-- table -- row -- cell -- the same
 */
#include "mailfile/richtextmaker.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

/* --- lists ------------------------------------------------------------------------- */

static void close_list(struct richtext_maker *m)
{
	struct rich_level *l = rich_level(m);

	html_list_end(m, (enum rich_list)l->lists[--l->list_count].kind);
}

void rich_close_lists(struct richtext_maker *m)
{
	while (rich_level(m)->list_count > 0)
		close_list(m);
}

static bool numbered(unsigned kind)
{
	return kind >= RICH_LIST_NUMBER;
}

/* Lists of the same marks look the same; checked and unchecked items are one list. */
static bool same_list(unsigned a, unsigned b)
{
	return a == b || ((a == RICH_LIST_CHECK || a == RICH_LIST_UNCHECK) &&
	                  (b == RICH_LIST_CHECK || b == RICH_LIST_UNCHECK));
}

/* Notes knows no lists, only paragraphs with marks: one that is further in than the one
 * before belongs to that one's item, and a paragraph without a mark ends a list unless it
 * is further in than its items. */
void rich_settle_lists(struct richtext_maker *m)
{
	struct rich_level *l = rich_level(m);
	int32_t left = rich_left(m, m->par.left, rich_in_cell(m) ? 0 : RICH_TWIPS_INCH);
	struct rich_list_open *top;

	m->par_item = false;
	while (l->list_count > 0 && (l->lists[l->list_count - 1].left > left ||
	       (m->par.list == RICH_LIST_NONE && l->lists[l->list_count - 1].left == left)))
		close_list(m);
	if (m->par.list == RICH_LIST_NONE)
		return;
	top = l->list_count > 0 ? &l->lists[l->list_count - 1] : NULL;
	if (top != NULL && top->left == left && !same_list(top->kind, m->par.list)) {
		close_list(m);
		top = l->list_count > 0 ? &l->lists[l->list_count - 1] : NULL;
	}
	if (top == NULL || (top->left < left && l->list_count < RICH_LISTS_MAX)) {
		top = &l->lists[l->list_count++];
		*top = (struct rich_list_open){ .kind = m->par.list, .left = left };
		html_list_begin(m, (enum rich_list)m->par.list);
	}
	if (top->item_open)
		html_raw(m, "</li>");
	top->item_open = true;
	if (numbered(top->kind))
		top->number++;
	m->par_item = true;
}

/* --- tables and sections -------------------------------------------------------------------------- */

/* A level more, or a ghost that keeps the count. */
static struct rich_level *push(struct richtext_maker *m, enum rich_level_kind kind)
{
	struct rich_level *l;

	rich_par_end(m);
	if (m->ghosts > 0 || m->level_count > m->options.depth) {
		m->ghosts++;
		rich_gap(m, RICH_GAP_DEEP);
		rich_par_end(m);
		return NULL;
	}
	if (m->full) {
		m->ghosts++;
		return NULL;
	}
	l = &m->levels[m->level_count++];
	memset(l, 0, sizeof(*l));
	l->kind = (uint8_t)kind;
	return l;
}

/* The level that ends, or NULL for a ghost. */
static struct rich_level *pop(struct richtext_maker *m, enum rich_level_kind kind)
{
	rich_par_end(m);
	if (m->ghosts > 0) {
		m->ghosts--;
		return NULL;
	}
	if (m->level_count < 2 || rich_level(m)->kind != kind)
		return NULL;
	rich_close_lists(m);
	return rich_level(m);
}

static bool in_table(struct richtext_maker *m)
{
	rich_par_end(m);
	return m->ghosts == 0 && rich_level(m)->kind == RICH_LEVEL_TABLE;
}

void rich_table_begin(struct richtext_maker *m, const struct rich_table_look *look)
{
	struct rich_level *l = push(m, RICH_LEVEL_TABLE);

	if (l == NULL)
		return;
	l->table = calloc(1, sizeof(*l->table));
	if (l->table == NULL) {
		m->status = POSTIL_ERR_MEMORY;
		m->level_count--;
		m->ghosts++;
		return;
	}
	html_table_begin(m, look);
	rich_check_size(m);
}

void rich_cell_end(struct richtext_maker *m)
{
	struct rich_level *l = rich_level(m);

	if (!in_table(m) || !l->cell_open)
		return;
	rich_close_lists(m);
	if (l->table->count > 0)
		l->table->cells[l->table->count - 1].end = l->table->lines.n;
	l->cell_open = false;
	html_raw(m, "</td>");
}

void rich_row_end(struct richtext_maker *m)
{
	rich_cell_end(m);
	if (!in_table(m) || !rich_level(m)->row_open)
		return;
	rich_level(m)->row_open = false;
	html_raw(m, "</tr>");
	rich_check_size(m);
}

void rich_row_begin(struct richtext_maker *m)
{
	rich_row_end(m);
	if (!in_table(m) || m->full)
		return;
	rich_level(m)->row_open = true;
	rich_level(m)->table->row++;
	rich_level(m)->table->column = 0;
	html_raw(m, "<tr>");
}

static struct rich_cell *new_cell(struct rich_table *table)
{
	if (table->count == table->room) {
		size_t room = table->room == 0 ? 16 : 2 * table->room;
		struct rich_cell *more = realloc(table->cells, room * sizeof(*more));

		if (more == NULL)
			return NULL;
		table->cells = more;
		table->room = room;
	}
	memset(&table->cells[table->count], 0, sizeof(struct rich_cell));
	return &table->cells[table->count++];
}

void rich_cell_begin(struct richtext_maker *m, const struct rich_cell_look *look)
{
	unsigned span = look->column_span == 0 ? 1 : look->column_span > 1000 ? 1000 : look->column_span;
	struct rich_table *table = rich_level(m)->table;
	struct rich_cell *cell;

	rich_cell_end(m);
	if (!in_table(m) || !rich_level(m)->row_open || m->full)
		return;
	cell = new_cell(table);
	if (cell == NULL) {
		m->status = POSTIL_ERR_MEMORY;
		return;
	}
	cell->from = cell->end = table->lines.n;
	cell->row = table->row;
	cell->column = table->column;
	cell->span = (uint16_t)span;
	table->column = table->column > 60000 ? 60000 : (uint16_t)(table->column + span);
	rich_level(m)->cell_open = true;
	html_cell_begin(m, look);
	rich_check_size(m);
}

void rich_free_table(struct rich_table *table)
{
	if (table == NULL)
		return;
	buf_release(&table->lines);
	free(table->cells);
	free(table);
}

void rich_table_end(struct richtext_maker *m)
{
	struct rich_level *l;
	struct rich_table *table;

	rich_row_end(m);
	l = pop(m, RICH_LEVEL_TABLE);
	if (l == NULL)
		return;
	html_raw(m, "</table>");
	table = l->table;
	l->table = NULL;
	m->level_count--;
	plain_table_end(m, table);
	rich_free_table(table);
	rich_check_size(m);
}

void rich_section_begin(struct richtext_maker *m, struct slice title, uint32_t color)
{
	static const struct rich_par plain = { 0 };

	rich_par_end(m);
	rich_close_lists(m);
	if (push(m, RICH_LEVEL_SECTION) != NULL)
		html_section_begin(m, title, color);
	if (title.n > 0 && !m->full) {
		struct rich_font bold = { .style = RICH_BOLD, .color = color }, before = m->font;

		rich_par_begin(m, &plain);
		rich_font(m, &bold);
		rich_text(m, title);
		rich_par_end(m);
		rich_font(m, &before);
	}
	rich_check_size(m);
}

void rich_section_end(struct richtext_maker *m)
{
	if (pop(m, RICH_LEVEL_SECTION) == NULL)
		return;
	m->level_count--;
	html_raw(m, "</div>");
	rich_check_size(m);
}

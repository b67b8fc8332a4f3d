/*
 * Rich text as plain text: a line for each paragraph, wrapped at blanks to 76 columns,
 * lists with their marks, tables in columns where they fit. Cells are kept until the
 * table ends, each line with three octets before it that say how to lay it out; control
 * characters of the text itself never come this far.
 */
#include "mailfile/richtextmaker.h"

#include <string.h>

#include "base/banned.h"

#define COLUMNS 76
#define INDENT_MAX 40
#define LINE_OCTETS_MAX 990     /* RFC 5322 2.1.1: 998 */
#define COLUMNS_MAX 64          /* of a table that is laid out in columns */

/* before each line of a cell: how it is wrapped, columns before its first line and the others */
#define WRAPPED 'w'
#define AS_IS 'a'
#define HEAD_OCTETS 3

/* --- widths ------------------------------------------------------------------------ */

static uint32_t next_rune(struct slice *s)
{
	unsigned char c = (unsigned char)s->p[0];
	size_t n = c < 0xC0 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
	uint32_t rune = n == 1 ? c : c & (0x7FU >> n);

	if (n > s->n)
		n = s->n;
	for (size_t i = 1; i < n; i++)
		rune = rune << 6 | ((unsigned char)s->p[i] & 0x3FU);
	s->p += n;
	s->n -= n;
	return rune;
}

static bool is_wide(uint32_t c)
{
	return c >= 0x1100 && (c <= 0x115F || (c >= 0x2E80 && c <= 0xA4CF) ||
	       (c >= 0xAC00 && c <= 0xD7A3) || (c >= 0xF900 && c <= 0xFAFF) ||
	       (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF00 && c <= 0xFF60) ||
	       (c >= 0xFFE0 && c <= 0xFFE6) || (c >= 0x1F300 && c <= 0x1FAFF) ||
	       (c >= 0x20000 && c <= 0x3FFFD));
}

size_t plain_width(struct slice text)
{
	size_t width = 0;

	while (text.n > 0) {
		uint32_t c = next_rune(&text);

		width += is_wide(c) ? 2 : c >= 0x0300 && c <= 0x036F ? 0 : 1;
	}
	return width;
}

/* --- lines --------------------------------------------------------------------------- */

static void add_blanks(struct buf *out, size_t n)
{
	while (n-- > 0)
		buf_add_char(out, ' ');
}

/* Octets of s that may stand in one line: never a part of a character. */
static size_t line_piece(struct slice s, size_t max)
{
	size_t n = s.n < max ? s.n : max;

	while (n > 0 && n < s.n && ((unsigned char)s.p[n] & 0xC0) == 0x80)
		n--;
	return n > 0 ? n : s.n < max ? s.n : max;
}

/* Returns how many octets the last line has been given. */
static size_t add_in_pieces(struct buf *out, struct slice s)
{
	while (s.n > LINE_OCTETS_MAX - INDENT_MAX) {
		size_t n = line_piece(s, LINE_OCTETS_MAX - INDENT_MAX);

		buf_add(out, s.p, n);
		buf_add_char(out, '\n');
		s = (struct slice){ s.p + n, s.n - n };
	}
	buf_add_slice(out, s);
	return s.n;
}

static struct slice next_word(struct slice *rest)
{
	const char *blank;
	size_t n = 0;
	struct slice word;

	while (n < rest->n && rest->p[n] == ' ')        /* its blanks belong to it */
		n++;
	blank = n < rest->n ? memchr(rest->p + n, ' ', rest->n - n) : NULL;
	word = (struct slice){ rest->p, blank != NULL ? (size_t)(blank - rest->p) : rest->n };
	*rest = (struct slice){ rest->p + word.n, rest->n - word.n };
	return word;
}

static struct slice without_blanks(struct slice s)
{
	while (s.n > 0 && s.p[0] == ' ')
		s.p++, s.n--;
	return s;
}

static void add_wrapped(struct buf *out, size_t first, size_t rest, struct slice text)
{
	size_t column = first, start = out->n, octets = first;
	bool begun = false;             /* the line has a word */

	add_blanks(out, first);
	while (text.n > 0) {
		struct slice word = next_word(&text);
		size_t width = plain_width(word);

		if (without_blanks(word).n == 0)
			break;                          /* blanks at the end of the text */
		/* characters of no width count as octets */
		if (begun && (column + width > COLUMNS || octets + word.n > LINE_OCTETS_MAX)) {
			buf_add_char(out, '\n');
			add_blanks(out, rest);
			word = without_blanks(word);
			column = octets = rest;
			width = plain_width(word);
		}
		octets += add_in_pieces(out, word);
		column += width;
		begun = true;
	}
	while (out->n > start && out->p[out->n - 1] == ' ')
		out->n--;
	buf_add_char(out, '\n');
}

/* The innermost cell that is open, or NULL: the page itself. */
static struct rich_table *sink_table(struct richtext_maker *m)
{
	for (size_t i = m->level_count; i-- > 0;)
		if (m->levels[i].kind == RICH_LEVEL_TABLE)
			return m->levels[i].cell_open ? m->levels[i].table : NULL;
	return NULL;
}

/* A line goes into the cell, or onto the page. */
static void put_line(struct richtext_maker *m, char how, size_t first, size_t rest, struct slice text)
{
	struct rich_table *table = sink_table(m);
	struct rich_cell *cell;
	size_t width;

	m->plain_octets += text.n + 1;
	if (table == NULL || table->count == 0) {
		size_t before = m->text.n;

		if (how == WRAPPED) {
			add_wrapped(&m->text, first, rest, text);
		} else {
			add_blanks(&m->text, text.n > 0 ? first : 0);
			add_in_pieces(&m->text, text);
			buf_add_char(&m->text, '\n');
		}
		m->plain_octets += m->text.n - before - text.n;
		return;
	}
	cell = &table->cells[table->count - 1];
	width = plain_width(text) + (first > rest ? first : rest);
	cell->lines++;
	if (width > cell->width)
		cell->width = width > UINT32_MAX ? UINT32_MAX : (uint32_t)width;
	buf_add_char(&table->lines, how);
	buf_add_char(&table->lines, (char)(' ' + first));
	buf_add_char(&table->lines, (char)(' ' + rest));
	buf_add_slice(&table->lines, text);
	buf_add_char(&table->lines, '\n');
	if (buf_status(&table->lines) != NOERROR)
		m->status = POSTIL_ERR_MEMORY;
}

/* --- paragraphs ------------------------------------------------------------------------- */

static void end_line(struct richtext_maker *m)
{
	char how = m->par.align == RICH_ALIGN_NONE ? AS_IS : WRAPPED;

	put_line(m, how, m->line_first, m->line_rest, buf_slice(&m->line));
	m->line_first = m->line_rest;
	buf_clear(&m->line);
}

static void add_roman(struct buf *out, unsigned n, bool upper)
{
	static const struct {
		unsigned value;
		const char *lower, *upper;
	} digits[] = {
		{ 1000, "m", "M" }, { 900, "cm", "CM" }, { 500, "d", "D" }, { 400, "cd", "CD" },
		{ 100, "c", "C" }, { 90, "xc", "XC" }, { 50, "l", "L" }, { 40, "xl", "XL" },
		{ 10, "x", "X" }, { 9, "ix", "IX" }, { 5, "v", "V" }, { 4, "iv", "IV" }, { 1, "i", "I" }
	};

	for (size_t i = 0; i < sizeof(digits) / sizeof(*digits); i++)
		for (; n >= digits[i].value; n -= digits[i].value)
			buf_add_str(out, upper ? digits[i].upper : digits[i].lower);
}

static void add_letters(struct buf *out, unsigned n, char first)
{
	char text[8];
	size_t at = sizeof(text);

	for (; n > 0 && at > 0; n = (n - 1) / 26)
		text[--at] = (char)(first + (char)((n - 1) % 26));
	buf_add(out, text + at, sizeof(text) - at);
}

void plain_mark(enum rich_list kind, unsigned number, struct buf *out)
{
	static const char *const marks[] = {
		[RICH_LIST_BULLET] = "*", [RICH_LIST_CIRCLE] = "o", [RICH_LIST_SQUARE] = "-",
		[RICH_LIST_CHECK] = "[x]", [RICH_LIST_UNCHECK] = "[ ]"
	};

	switch (kind) {
	case RICH_LIST_NONE:
		return;
	case RICH_LIST_ALPHA_UPPER:
	case RICH_LIST_ALPHA_LOWER:
		add_letters(out, number, kind == RICH_LIST_ALPHA_UPPER ? 'A' : 'a');
		break;
	case RICH_LIST_ROMAN_UPPER:
	case RICH_LIST_ROMAN_LOWER:
		if (number < 4000)
			add_roman(out, number, kind == RICH_LIST_ROMAN_UPPER);
		else
			buf_addf(out, "%u", number);
		break;
	case RICH_LIST_NUMBER:
		buf_addf(out, "%u", number);
		break;
	default:
		buf_add_str(out, marks[kind]);
		return;
	}
	buf_add_char(out, '.');
}

static unsigned columns(int32_t twips)
{
	int32_t n = twips / (RICH_TWIPS_INCH / 10);

	return n < 0 ? 0 : n > INDENT_MAX ? INDENT_MAX : (unsigned)n;
}

static void set_indents(struct richtext_maker *m)
{
	int32_t base = rich_in_cell(m) ? 0 : RICH_TWIPS_INCH;
	int32_t left = rich_left(m, m->par.left, base);

	m->line_rest = columns(left - base);
	m->line_first = columns(rich_left(m, m->par.first, left) - base);
}

void plain_par_begin(struct richtext_maker *m)
{
	struct rich_level *l = &m->levels[m->level_count - 1];
	size_t depth = l->list_count;

	if (m->par.before > 0)
		put_line(m, AS_IS, 0, 0, (struct slice){ "", 0 });
	if (!m->par_item) {
		set_indents(m);
		if (depth > 0)          /* it belongs to the item before it */
			m->line_first = m->line_rest = (unsigned)(4 * depth);
		return;
	}
	plain_mark((enum rich_list)m->par.list, l->lists[depth - 1].number, &m->line);
	buf_add_char(&m->line, ' ');
	m->line_first = (unsigned)(4 * depth - 2);
	m->line_rest = m->line_first + (unsigned)m->line.n;
	if (m->line_rest > INDENT_MAX)
		m->line_rest = INDENT_MAX;
}

void plain_par_end(struct richtext_maker *m)
{
	end_line(m);
	if (m->par.after > 0)
		put_line(m, AS_IS, 0, 0, (struct slice){ "", 0 });
}

/* Controls go, a blank that does not break is a blank. */
void plain_text(struct richtext_maker *m, struct slice text)
{
	size_t from = 0, i;

	for (i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];
		unsigned char second = i + 1 < text.n ? (unsigned char)text.p[i + 1] : 0;
		bool two = c == 0xC2 && second <= 0xA0 && second != 0;

		if ((c >= 0x20 && c != 0x7F && !two) || c == '\t')
			continue;
		if (i > from)
			buf_add(&m->line, text.p + from, i - from);
		if (two && second == 0xA0)
			buf_add_char(&m->line, ' ');
		i += two;
		from = i + 1;
	}
	if (i > from)
		buf_add(&m->line, text.p + from, i - from);
	m->plain_octets += text.n;
}

void plain_break(struct richtext_maker *m)
{
	end_line(m);
}

void plain_rule(struct richtext_maker *m)
{
	static const char dashes[] = "------------------------------------------------------------------------";
	struct slice rule = { dashes, sink_table(m) != NULL ? 20 : sizeof(dashes) - 1 };

	if (m->line.n > 0)
		end_line(m);
	put_line(m, AS_IS, 0, 0, rule);
}

/* --- tables ------------------------------------------------------------------------------ */

struct layout {
	uint32_t width[COLUMNS_MAX];    /* of each column */
	uint32_t start[COLUMNS_MAX + 1];
	unsigned count;
};

static void widen(struct layout *l, const struct rich_cell *cell)
{
	uint32_t have = 2U * (cell->span - 1U);

	for (unsigned i = 0; i < cell->span; i++)
		have += l->width[cell->column + i];
	if (cell->width > have)
		l->width[cell->column + cell->span - 1] += cell->width - have;
}

/* Do the columns fit beside each other? */
static bool lay_out(const struct rich_table *table, struct layout *l)
{
	uint64_t total = 0;

	memset(l, 0, sizeof(*l));
	for (size_t i = 0; i < table->count; i++) {
		unsigned end = table->cells[i].column + (unsigned)table->cells[i].span;

		if (end > COLUMNS_MAX || table->cells[i].width > COLUMNS)
			return false;
		if (end > l->count)
			l->count = end;
	}
	for (size_t i = 0; i < table->count; i++)
		if (table->cells[i].span == 1)
			widen(l, &table->cells[i]);
	for (size_t i = 0; i < table->count; i++)
		if (table->cells[i].span > 1)
			widen(l, &table->cells[i]);
	for (unsigned i = 0; i < l->count; i++) {
		l->start[i] = (uint32_t)total;
		total += l->width[i] + 2U;
	}
	return l->count > 1 && total - 2 <= COLUMNS;
}

/* The next line of a cell, its head taken off. */
static bool next_line(struct rich_table *table, struct rich_cell *cell, char head[HEAD_OCTETS],
                      struct slice *line_r)
{
	size_t left = cell->end - cell->from;
	const char *p, *end;

	if (left <= HEAD_OCTETS)
		return false;
	p = table->lines.p + cell->from;
	end = memchr(p + HEAD_OCTETS, '\n', left - HEAD_OCTETS);
	if (end == NULL)
		return false;
	memcpy(head, p, HEAD_OCTETS);
	*line_r = (struct slice){ p + HEAD_OCTETS, (size_t)(end - p) - HEAD_OCTETS };
	cell->from += (size_t)(end - p) + 1;
	return true;
}

/* Cells side by side, until the longest is at its end. */
static void put_columns(struct richtext_maker *m, struct rich_table *table, struct rich_cell *row,
                        size_t count, const struct layout *l)
{
	bool any = true;

	while (any) {
		size_t column = 0;

		any = false;
		buf_clear(&m->line);
		for (size_t i = 0; i < count; i++) {
			char head[HEAD_OCTETS];
			struct slice line;
			size_t start;

			if (!next_line(table, &row[i], head, &line))
				continue;
			any = true;
			start = l->start[row[i].column] + (size_t)(head[1] - ' ');
			if (line.n == 0)
				continue;
			if (start > column)
				add_blanks(&m->line, start - column);
			buf_add_slice(&m->line, line);
			column = (start > column ? start : column) + plain_width(line);
		}
		if (any)
			put_line(m, AS_IS, 0, 0, buf_slice(&m->line));
	}
	buf_clear(&m->line);
}

/* Cells with a tab between them. */
static void put_tabbed(struct richtext_maker *m, struct rich_table *table, struct rich_cell *row,
                       size_t count)
{
	buf_clear(&m->line);
	for (size_t i = 0; i < count; i++) {
		char head[HEAD_OCTETS];
		struct slice line;

		if (i > 0)
			buf_add_char(&m->line, '\t');
		if (next_line(table, &row[i], head, &line))
			buf_add_slice(&m->line, line);
	}
	put_line(m, WRAPPED, 0, 0, buf_slice(&m->line));
	buf_clear(&m->line);
}

/* One cell below the other. */
static void put_stacked(struct richtext_maker *m, struct rich_table *table, struct rich_cell *row,
                        size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char head[HEAD_OCTETS];
		struct slice line;

		while (next_line(table, &row[i], head, &line))
			put_line(m, head[0], (size_t)(head[1] - ' '), (size_t)(head[2] - ' '), line);
	}
}

void plain_table_end(struct richtext_maker *m, struct rich_table *table)
{
	struct layout l;
	bool fits = lay_out(table, &l);

	for (size_t i = 0, n; i < table->count; i += n) {
		struct rich_cell *row = &table->cells[i];
		bool single = true;

		for (n = 0; i + n < table->count && row[n].row == row->row; n++)
			single = single && row[n].lines <= 1;
		if (fits)
			put_columns(m, table, row, n, &l);
		else if (single && n > 1)
			put_tabbed(m, table, row, n);
		else
			put_stacked(m, table, row, n);
	}
}

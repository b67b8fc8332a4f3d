/*
 * The walk through a damaged file: from the list of tables on its first page
 * down to the rows, then over the pages that are left. See salvage.h.
 */
#include "nsf/salvage_impl.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/banned.h"

enum { INTERIOR_INDEX = 2, INTERIOR_TABLE = 5, LEAF_INDEX = 10, LEAF_TABLE = 13,
	DEPTH_MAX = 20 };

STATUS salvage_open(const char *path, struct salvage **salvage_r, struct fault *fault)
{
	struct salvage *s = calloc(1, sizeof(*s));
	STATUS status;

	if (s == NULL)
		return fault_set(fault, POSTIL_ERR_MEMORY, "%s: out of memory", path);
	s->fd = s->wal_fd = -1;
	status = salvage_image_open(s, path, fault);
	if (status == NOERROR) {
		s->stack = calloc(s->pages == 0 ? 1 : s->pages, sizeof(*s->stack));
		status = s->stack == NULL ? POSTIL_ERR_MEMORY : salvage_uses(s);
	}
	if (status != NOERROR) {
		salvage_close(&s);
		return status;
	}
	*salvage_r = s;
	return NOERROR;
}

void salvage_close(struct salvage **salvage)
{
	struct salvage *s = *salvage;

	if (s == NULL)
		return;
	if (s->fd >= 0)
		close(s->fd);
	if (s->wal_fd >= 0)
		close(s->wal_fd);
	buf_release(&s->payload);
	free(s->frames);
	free(s->uses);
	free(s->parents);
	free(s->stack);
	free(s);
	*salvage = NULL;
}

const struct salvage_counts *salvage_counts(const struct salvage *s)
{
	return &s->counts;
}

void salvage_on_page(struct salvage *s, bool (*on_page)(void *context, uint64_t done, uint64_t total),
                     void *context)
{
	s->on_page = on_page;
	s->on_page_context = context;
}

/* --- one page ------------------------------------------------------------------------------- */

struct page {
	const unsigned char *octets;
	size_t header;          /* 100 on the first page */
	unsigned kind;
	size_t cells, pointers; /* number, and where the list of them begins */
};

static bool page_open(const struct salvage *s, const unsigned char *octets, uint32_t number,
                      struct page *page)
{
	size_t most;

	page->octets = octets;
	page->header = number == 1 ? 100 : 0;
	page->kind = octets[page->header];
	if (page->kind != INTERIOR_INDEX && page->kind != INTERIOR_TABLE && page->kind != LEAF_INDEX
	    && page->kind != LEAF_TABLE)
		return false;
	page->pointers = page->header + (page->kind < LEAF_INDEX ? 12 : 8);
	page->cells = salvage_u16(octets + page->header + 3);
	most = (s->usable - page->pointers) / 2;
	if (page->cells > most)
		page->cells = most;
	return true;
}

/* 0: a pointer to nowhere. */
static size_t cell_at(const struct salvage *s, const struct page *page, size_t i)
{
	size_t at = salvage_u16(page->octets + page->pointers + i * 2);

	return at < page->pointers || at + 4 > s->usable ? 0 : at;
}

static void push(struct salvage *s, uint32_t number, uint8_t use)
{
	if (number < 2 || number > s->pages || s->stack_n >= s->pages
	    || (s->uses[number - 1] != SALVAGE_UNKNOWN && s->uses[number - 1] != SALVAGE_FREE))
		return;
	s->uses[number - 1] = use;
	s->stack[s->stack_n++] = number;
}

static void children(struct salvage *s, const struct page *page, uint8_t use)
{
	push(s, salvage_u32(page->octets + page->header + 8), use);
	for (size_t i = page->cells; i-- > 0;) {
		size_t at = cell_at(s, page, i);

		if (at != 0)
			push(s, salvage_u32(page->octets + at), use);
	}
}

static STATUS rows(struct salvage *s, const struct page *page, const char *table)
{
	size_t skip = page->kind == INTERIOR_INDEX ? 4 : 0;
	struct salvage_row row;
	STATUS status = NOERROR;

	row.table = table;
	for (size_t i = 0; i < page->cells && status == NOERROR; i++) {
		size_t at = cell_at(s, page, i);

		if (at == 0 || !salvage_cell(s, page->octets, at + skip, page->kind == LEAF_TABLE, &row)) {
			if (buf_status(&s->payload) == POSTIL_ERR_MEMORY)
				return POSTIL_ERR_MEMORY;
			s->counts.bad_rows++;
		} else {
			status = s->each(s->each_context, &row);
		}
	}
	return status;
}

static STATUS tick(struct salvage *s)
{
	s->done++;
	return s->on_page == NULL || s->on_page(s->on_page_context, s->done, s->pages) ? NOERROR
		: POSTIL_ERR_CANCEL;
}

/* --- tables ---------------------------------------------------------------------------------- */

/* A table whose first page is on the stack. */
static STATUS walk(struct salvage *s, uint8_t use, const char *table)
{
	unsigned char octets[SALVAGE_PAGE_MAX];
	struct page page;
	STATUS status = NOERROR;

	while (status == NOERROR && s->stack_n > 0) {
		uint32_t number = s->stack[--s->stack_n];

		status = salvage_page(s, number, octets);
		if (status != NOERROR)
			break;
		if (!page_open(s, octets, number, &page)) {
			s->counts.bad_pages++;
			continue;
		}
		if (page.kind < LEAF_INDEX)
			children(s, &page, use);
		if (page.kind != INTERIOR_TABLE)
			status = rows(s, &page, table);
		if (status == NOERROR)
			status = tick(s);
	}
	s->stack_n = 0;
	return status;
}

/* A row of the list of tables: type, name, table, first page, text. */
static STATUS table_found(void *context, const struct salvage_row *row)
{
	struct salvage *s = context;
	struct salvage_table *t;

	if (row->count < 4 || row->values[0].type != SALVAGE_TEXT || row->values[1].type != SALVAGE_TEXT
	    || row->values[3].type != SALVAGE_INTEGER || s->table_count == SALVAGE_TABLES_MAX
	    || row->values[1].octets.n >= sizeof(s->tables[0].name)
	    || memchr(row->values[1].octets.p, '\0', row->values[1].octets.n) != NULL
	    || row->values[3].integer < 2 || row->values[3].integer > s->pages)
		return NOERROR;
	t = &s->tables[s->table_count++];
	memcpy(t->name, row->values[1].octets.p, row->values[1].octets.n);
	t->name[row->values[1].octets.n] = '\0';
	t->root = (uint32_t)row->values[3].integer;
	return NOERROR;
}

/* The first page of a table belongs to no other: known before any is walked. */
static void roots_claim(struct salvage *s)
{
	for (size_t i = 0; i < s->table_count; i++) {
		uint8_t *use = &s->uses[s->tables[i].root - 1];

		if (*use == SALVAGE_UNKNOWN || *use == SALVAGE_FREE)
			*use = (uint8_t)(SALVAGE_TABLE + i + 1);
	}
}

static STATUS tables_walk(struct salvage *s)
{
	STATUS status = NOERROR;

	for (size_t i = 0; i < s->table_count && status == NOERROR; i++) {
		uint8_t use = (uint8_t)(SALVAGE_TABLE + i + 1);

		if (s->uses[s->tables[i].root - 1] != use)
			continue;
		s->stack[0] = s->tables[i].root;
		s->stack_n = 1;
		status = walk(s, use, s->tables[i].name);
	}
	return status;
}

/* The table that a page belongs to as far as the maps know; NULL: they do not. */
static const char *table_above(const struct salvage *s, uint32_t number)
{
	for (int depth = 0; depth < DEPTH_MAX && number > 1 && number <= s->pages; depth++) {
		for (size_t i = 0; i < s->table_count; i++)
			if (s->tables[i].root == number)
				return s->tables[i].name;
		number = s->parents[number - 1];
	}
	return NULL;
}

/* Overflow pages begin with the number of another page, whose first octet is no
 * kind of page; so what a message holds is never taken for rows. */
static STATUS lost_walk(struct salvage *s)
{
	unsigned char octets[SALVAGE_PAGE_MAX];
	struct page page;
	STATUS status = NOERROR;

	for (uint32_t number = 2; number <= s->pages && status == NOERROR; number++) {
		if (s->uses[number - 1] != SALVAGE_UNKNOWN)
			continue;
		status = salvage_page(s, number, octets);
		if (status != NOERROR || !page_open(s, octets, number, &page))
			continue;
		s->uses[number - 1] = SALVAGE_LOST;
		s->counts.lost_pages++;
		if (page.kind != INTERIOR_TABLE)
			status = rows(s, &page, table_above(s, number));
		if (status == NOERROR)
			status = tick(s);
	}
	return status;
}

STATUS salvage_each(struct salvage *s, STATUS (*each)(void *context, const struct salvage_row *row),
                    void *context)
{
	STATUS status = NOERROR;

	if (s->pages == 0)
		return NOERROR;
	s->each = table_found;
	s->each_context = s;
	s->uses[0] = SALVAGE_TABLE;
	s->stack[0] = 1;
	s->stack_n = 1;
	status = walk(s, SALVAGE_TABLE, "sqlite_schema");
	s->each = each;
	s->each_context = context;
	if (status == NOERROR) {
		roots_claim(s);
		status = tables_walk(s);
	}
	return status == NOERROR ? lost_walk(s) : status;
}

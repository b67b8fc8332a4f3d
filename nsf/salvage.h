/*
 * What is left in a damaged file: its pages read one by one, without SQLite,
 * by the file format that sqlite.org/fileformat2.html describes. First the rows
 * of every table that can be reached from the list of tables, then those on
 * pages that nothing leads to any more. A log beside the file counts as far as
 * its checksums hold.
 *
 * Everything is distrusted. No page is read twice as part of a table or of a
 * long value, so that the work grows with the file and with nothing else.
 */
#ifndef POSTIL_NSF_SALVAGE_H
#define POSTIL_NSF_SALVAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/fault.h"

#define SALVAGE_COLUMNS_MAX 32

enum salvage_type { SALVAGE_NULL, SALVAGE_INTEGER, SALVAGE_REAL, SALVAGE_TEXT, SALVAGE_BLOB };

struct salvage_value {
	enum salvage_type type;
	int64_t integer;
	double real;
	struct slice octets;    /* of TEXT and BLOB */
};

struct salvage_row {
	const char *table;      /* NULL: the page lay about, its table is not known */
	bool has_rowid;
	int64_t rowid;
	bool whole;             /* false: its last octets cannot be found */
	size_t count;           /* of columns, in the order they are stored in */
	struct salvage_value values[SALVAGE_COLUMNS_MAX];
};

struct salvage_counts {
	uint64_t pages, lost_pages;     /* all; with rows, but reached from nowhere */
	uint64_t bad_pages, bad_rows;   /* of tables, and not readable */
};

struct salvage;

/* POSTIL_ERR_IO, POSTIL_ERR_MEMORY; a file with nothing in it opens as well. */
STATUS salvage_open(const char *path, struct salvage **salvage_r, struct fault *fault);
void salvage_close(struct salvage **salvage);
/* Values are valid during the call. A status other than NOERROR ends it. */
STATUS salvage_each(struct salvage *salvage,
                    STATUS (*each)(void *context, const struct salvage_row *row),
                    void *context);
/* Told after each page with its number; false ends with POSTIL_ERR_CANCEL. */
void salvage_on_page(struct salvage *salvage,
                     bool (*on_page)(void *context, uint64_t done, uint64_t total),
                     void *context);
const struct salvage_counts *salvage_counts(const struct salvage *salvage);

#endif

/*
 * The statistics table: Facility.Name = value, as StatUpdate and kin fill it and
 * `show stat` shows it. Names are compared without regard to ASCII case; the
 * table is kept in their order. (C API, StatUpdate, StatReset, StatTraverse.)
 */
#ifndef POSTIL_HOST_STAT_H
#define POSTIL_HOST_STAT_H

#include <stdbool.h>
#include <stdint.h>

#include "addin/host/logformat.h"
#include "base/buf.h"
#include "base/status.h"

#define STAT_TABLE_MAX 20000
#define STAT_TEXT_MAX 1024

enum stat_type { VT_LONG, VT_TEXT, VT_TIMEDATE, VT_NUMBER };
enum { ST_UNIQUE = 0x01, ST_ADDITIVE = 0x02 };

struct statistic {
	char *facility, *name;
	uint32_t flags;
	enum stat_type type;
	struct buf value;       /* as it came: 4 or 8 octets, or text */
	int64_t updated_ms;     /* wall clock */
	unsigned owner;         /* which task run made it; 0 = the host */
};

struct stat_table {
	struct statistic **sorted;
	size_t count, size;
};

void stat_table_release(struct stat_table *table);
/* POSTIL_ERR_INVALID: unknown type or a value of the wrong length; also a name
 * that is empty or holds what is not printable. ERR_STAT_POOLFULL. */
STATUS stat_update(struct stat_table *table, unsigned owner, struct slice facility,
                   struct slice name, uint32_t flags, uint32_t type, struct slice value);
STATUS stat_set_number(struct stat_table *table, const char *facility, const char *name,
                       int64_t value);  /* the host's own */
STATUS stat_set_text(struct stat_table *table, const char *facility, const char *name,
                     const char *text);
void stat_delete(struct stat_table *table, struct slice facility, struct slice name);
void stat_delete_owner(struct stat_table *table, unsigned owner);
/* Additive numbers become 0. ERR_STAT_NOT_FOUND, ERR_STAT_NOT_SET. */
STATUS stat_reset(struct stat_table *table, struct slice facility, struct slice name);
/* The index of the first entry behind that place; table->count: none. */
size_t stat_after(const struct stat_table *table, struct slice facility, struct slice name);
void stat_format_value(const struct statistic *s, const struct log_style *style,
                       struct buf *out);
/* Does `Facility.Name` match what was asked: the name, a facility alone, or a
 * pattern with `*` and `?`? */
bool stat_matches(const struct statistic *s, struct slice pattern);

/* Pattern with `*` (any run) and `?` (any octet), without regard to ASCII case. */
bool wildcard_matches(struct slice pattern, struct slice text);

#endif

/* What the files of the salvage share: the pages of a damaged file. */
#ifndef POSTIL_NSF_SALVAGE_IMPL_H
#define POSTIL_NSF_SALVAGE_IMPL_H

#include "nsf/salvage.h"

#define SALVAGE_PAGE_MAX 65536

/* What a page has been found to be. From SALVAGE_TABLE on: number of a table. */
enum salvage_use { SALVAGE_UNKNOWN, SALVAGE_FREE, SALVAGE_MAP, SALVAGE_OVERFLOW, SALVAGE_LOST,
	SALVAGE_TABLE };

#define SALVAGE_TABLES_MAX 100

struct salvage_table {
	char name[64];
	uint32_t root;
};

struct salvage {
	int fd, wal_fd;                 /* -1: no log */
	size_t page_octets, usable;
	uint32_t pages;
	uint32_t *frames;               /* of each page: its frame in the log, from 1; NULL: no log */
	uint8_t *uses;                  /* of each page: enum salvage_use */
	uint32_t *parents;              /* of each page: the page above it, as the maps say; 0: none */
	struct salvage_table tables[SALVAGE_TABLES_MAX];
	size_t table_count;
	struct buf payload;
	struct salvage_counts counts;
	uint64_t done;
	bool (*on_page)(void *context, uint64_t done, uint64_t total);
	void *on_page_context;
	STATUS (*each)(void *context, const struct salvage_row *row);
	void *each_context;
	uint32_t *stack;                /* of pages to be looked at in the walk */
	size_t stack_n;
};

static inline uint32_t salvage_u32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint32_t salvage_u16(const unsigned char *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

/* --- salvageimage.c --- */
STATUS salvage_image_open(struct salvage *s, const char *path, struct fault *fault);
/* The page as the log and the file have it; what is cut off is zeros. number counts from 1. */
STATUS salvage_page(struct salvage *s, uint32_t number, unsigned char *page);
/* What the maps of pages and the list of free ones say, into uses. */
STATUS salvage_uses(struct salvage *s);

/* --- salvagerow.c --- */
/* Up to nine octets; 0: it does not end before end. */
size_t salvage_varint(const unsigned char *p, const unsigned char *end, uint64_t *value_r);
/* The row of one cell at offset at. leaf_table: with a rowid. False: not readable. */
bool salvage_cell(struct salvage *s, const unsigned char *page, size_t at, bool leaf_table,
                  struct salvage_row *row);

#endif

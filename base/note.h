/*
 * The document model: a note is a list of typed items in order. It is the
 * common currency of DXL files, directories and mail files.
 *
 * A note and all it holds live in the arena given at note_init.
 */
#ifndef POSTIL_BASE_NOTE_H
#define POSTIL_BASE_NOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"

#define UNID_OCTETS 16

struct unid {
	uint8_t octets[UNID_OCTETS];
};
bool unid_parse(struct slice hex, struct unid *unid_r);        /* 32 hex digits */
void unid_format(const struct unid *unid, char out[33]);
STATUS unid_random(struct unid *unid_r);

/* Note classes and item types have the numbers of the C API. */
enum note_class {
	NOTE_CLASS_DOCUMENT = 0x0001,
	NOTE_CLASS_VIEW = 0x0008,
	NOTE_CLASS_ACL = 0x0040
};

enum item_type {
	ITEM_COMPOSITE = 0x0001,        /* rich text; value = its DXL or CD octets */
	ITEM_OBJECT = 0x0003,           /* attachment */
	ITEM_MIME_PART = 0x0019,
	ITEM_NUMBER = 0x0300,           /* value = decimal text */
	ITEM_TIME = 0x0400,             /* value = DXL datetime text */
	ITEM_TEXT = 0x0500,
	ITEM_TEXT_LIST = 0x0501,
	ITEM_NUMBER_RANGE = 0x0301,
	ITEM_TIME_RANGE = 0x0401,
	ITEM_RFC822_TEXT = 0x0502
};

enum item_flag {
	ITEM_SIGN = 0x0001, ITEM_SEAL = 0x0002, ITEM_SUMMARY = 0x0004,
	ITEM_READWRITERS = 0x0020, ITEM_NAMES = 0x0040, ITEM_PROTECTED = 0x0200,
	ITEM_READERS = 0x0400
};

struct item {
	struct item *next;
	const char *name;       /* as written; compared without regard to ASCII case */
	uint16_t type;          /* enum item_type, or any other C API number */
	uint16_t flags;
	size_t count;           /* number of values; 0 for an empty list */
	struct slice *values;   /* text is UTF-8; a newline in it is '\n' */
	unsigned line;          /* where in the source file, 0 = unknown */
};

struct note {
	struct arena *arena;
	bool has_unid;
	struct unid unid;
	uint16_t class;         /* enum note_class */
	int64_t created_ms, modified_ms;        /* since 1970; 0 = unknown */
	struct item *first, **last;
	unsigned line;          /* where in the source file, 0 = unknown */
};

void note_init(struct note *note, struct arena *arena);
/* Append an item; name and values are copied. NULL: out of memory. */
struct item *note_add(struct note *note, struct slice name, uint16_t type,
                      uint16_t flags, const struct slice *values, size_t count);
struct item *note_add_text(struct note *note, const char *name, struct slice value);
/* First item of that name, or NULL; *after continues the search behind it. */
const struct item *note_find(const struct note *note, const char *name);
const struct item *note_find_next(const struct item *after, const char *name);
/* First value of the first item of that name; empty if there is none. */
struct slice note_text(const struct note *note, const char *name);
/* The number in it: number items, and text items that hold a number. */
bool note_number(const struct note *note, const char *name, int64_t *value_r);

#endif

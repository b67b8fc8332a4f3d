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
	ITEM_NOTEREF_LIST = 0x0004,     /* value = packed: WORD count, then UNIDs */
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
	ITEM_READWRITERS = 0x0020, ITEM_NAMES = 0x0040, ITEM_PLACEHOLDER = 0x0100,
	ITEM_PROTECTED = 0x0200, ITEM_READERS = 0x0400, ITEM_UNCHANGED = 0x1000
};

/* A value too large for memory, read on demand: exactly size octets from offset, never
 * past size_octets. Whoever made it says how long it can be read. */
struct item_blob {
	uint64_t size_octets;
	STATUS (*read)(void *context, uint64_t offset, void *out, size_t size);
	void *context;
};

/* What the values of an item are:
 *   text, numbers, times   one for each, as the types above say
 *   ITEM_OBJECT            the file's name as it was (UTF-8), its octets, and when it was
 *                          created and modified (DXL datetime text, may be empty); the
 *                          two times, or all but one value, may be missing
 *   others                 one, the octets
 * With a blob the octets are the blob's: the second value of an object is empty then, and
 * another item has no values. */
struct item {
	struct item *next;
	const char *name;       /* as written; compared without regard to ASCII case */
	uint16_t type;          /* enum item_type, or any other C API number */
	uint16_t flags;
	size_t count;           /* number of values; 0 for an empty list */
	struct slice *values;   /* text is UTF-8; a newline in it is '\n' */
	const struct item_blob *blob;           /* NULL: all values are in memory */
	unsigned line;          /* where in the source file, 0 = unknown */
};

/* A text list that names the items of a note that are less than they were: octets that ended
 * too early, texts that were too long. Whoever reads a damaged source adds it. */
#define NOTE_DAMAGED "$PostilDamaged"

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
/* The same with a value that stays where it is; blob is copied, what it reads is not. */
struct item *note_add_blob(struct note *note, struct slice name, uint16_t type, uint16_t flags,
                           const struct slice *values, size_t count,
                           const struct item_blob *blob);
/* First item of that name, or NULL; *after continues the search behind it. */
const struct item *note_find(const struct note *note, const char *name);
const struct item *note_find_next(const struct item *after, const char *name);
/* A value wherever it is. item_size: 0 for a value that the item does not have. item_read:
 * exactly size octets from offset; POSTIL_ERR_INVALID past the value's end, else what the
 * blob answers. */
uint64_t item_size(const struct item *item, size_t value_index);
STATUS item_read(const struct item *item, size_t value_index, uint64_t offset, void *out,
                 size_t size);
/* First value of the first item of that name; empty if there is none. */
struct slice note_text(const struct note *note, const char *name);
/* The number in it: number items, and text items that hold a number. */
bool note_number(const struct note *note, const char *name, int64_t *value_r);

#endif

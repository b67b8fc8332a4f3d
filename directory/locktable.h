/*
 * The lockout records in memory: a tree by kind and folded name, bounded in number.
 * One thread at a time; lockout.c guards it.
 */
#ifndef POSTIL_DIRECTORY_LOCKTABLE_H
#define POSTIL_DIRECTORY_LOCKTABLE_H

#include "directory/lockout.h"

#define LOCKTABLE_NAME_MAX 1024         /* octets of a name, and of its key */

struct locked {
	enum lockout_kind kind;
	uint32_t failures;
	int64_t first_ms, last_ms, locked_ms;
	uint64_t note_id;
	size_t key_n;
	char *key;              /* folded; behind it in the same block: */
	char *name;             /* as shown, NUL-terminated */
};

struct locktable {
	void *tree;             /* tsearch */
	size_t count[LOCKOUT_KINDS];
};

void locktable_release(struct locktable *table);
struct locked *locktable_find(const struct locktable *table, enum lockout_kind kind,
                              struct slice key);
/* A new record without failures; NULL: out of memory. The key is not there yet. */
struct locked *locktable_add(struct locktable *table, enum lockout_kind kind, struct slice key,
                             struct slice name);
void locktable_remove(struct locktable *table, struct locked *record);
/* Which record of that kind should give way to a new one: of those not locked the one
 * that failed longest ago, if there are none of all. NULL: the table is empty. */
struct locked *locktable_oldest(const struct locktable *table, enum lockout_kind kind);
/* In order of kind and key. */
void locktable_each(const struct locktable *table,
                    void (*each)(void *context, struct locked *record), void *context);

#endif

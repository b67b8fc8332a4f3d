/* The tree of lockout records. Names come from the directory and from peers' addresses. */
#include "directory/locktable.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

static int compare(const void *a, const void *b)
{
	const struct locked *x = a, *y = b;
	size_t n = x->key_n < y->key_n ? x->key_n : y->key_n;
	int order = (int)x->kind - (int)y->kind;

	if (order == 0)
		order = memcmp(x->key, y->key, n);
	return order != 0 ? order : (x->key_n > y->key_n) - (x->key_n < y->key_n);
}

void locktable_release(struct locktable *table)
{
	tdestroy(table->tree, free);
	*table = (struct locktable){ .tree = NULL };
}

struct locked *locktable_find(const struct locktable *table, enum lockout_kind kind,
                              struct slice key)
{
	struct locked wanted = { .kind = kind, .key_n = key.n };
	struct locked **at;

	wanted.key = (char *)(uintptr_t)key.p;  /* only looked at */
	at = tfind(&wanted, &table->tree, compare);
	return at == NULL ? NULL : *at;
}

struct locked *locktable_add(struct locktable *table, enum lockout_kind kind, struct slice key,
                             struct slice name)
{
	struct locked *record = calloc(1, sizeof(*record) + key.n + name.n + 1);

	if (record == NULL)
		return NULL;
	record->kind = kind;
	record->key = (char *)(record + 1);
	record->key_n = key.n;
	record->name = record->key + key.n;
	memcpy(record->key, key.p, key.n);
	memcpy(record->name, name.p, name.n);
	if (tsearch(record, &table->tree, compare) == NULL) {
		free(record);
		return NULL;
	}
	table->count[kind]++;
	return record;
}

void locktable_remove(struct locktable *table, struct locked *record)
{
	tdelete(record, &table->tree, compare);
	table->count[record->kind]--;
	free(record);
}

struct walk {
	void (*each)(void *context, struct locked *record);
	void *context;
};

static void visit(const void *node, VISIT which, void *closure)
{
	const struct walk *walk = closure;

	if (which == postorder || which == leaf)
		walk->each(walk->context, *(struct locked *const *)node);
}

void locktable_each(const struct locktable *table,
                    void (*each)(void *context, struct locked *record), void *context)
{
	struct walk walk = { each, context };

	twalk_r(table->tree, visit, &walk);
}

struct oldest {
	enum lockout_kind kind;
	struct locked *record;
};

static void look(void *context, struct locked *record)
{
	struct oldest *o = context;
	bool locked = record->locked_ms != 0;

	if (record->kind != o->kind)
		return;
	if (o->record == NULL || (!locked && o->record->locked_ms != 0) ||
	    (locked == (o->record->locked_ms != 0) && record->last_ms < o->record->last_ms))
		o->record = record;
}

struct locked *locktable_oldest(const struct locktable *table, enum lockout_kind kind)
{
	struct oldest o = { kind, NULL };

	locktable_each(table, look, &o);
	return o.record;
}

/*
 * View entries that wait. Everything here was made by collect.c.
 */
#include "directory/compile.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

#define BATCH_OCTETS (24u << 20)

struct entry {
	const char *view;
	struct slice key, value;
	uint64_t note_id;
	size_t order;           /* of two that are alike the later one counts */
};

void entries_init(struct entries *entries)
{
	*entries = (struct entries){ .arena = ARENA_INIT };
}

void entries_release(struct entries *entries)
{
	arena_release(&entries->arena);
	free(entries->list);
	entries_init(entries);
}

static int compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = strcmp(x->view, y->view);
	size_t n = x->key.n < y->key.n ? x->key.n : y->key.n;

	if (order == 0)
		order = memcmp(x->key.p, y->key.p, n);
	if (order == 0)
		order = x->key.n < y->key.n ? -1 : x->key.n > y->key.n;
	if (order == 0)
		order = x->note_id < y->note_id ? -1 : x->note_id > y->note_id;
	if (order == 0)
		order = x->order < y->order ? -1 : 1;
	return order;
}

STATUS entries_flush(struct entries *entries, struct nsf *nsf)
{
	STATUS status = NOERROR;

	if (entries->count > 0)
		qsort(entries->list, entries->count, sizeof(*entries->list), compare);
	for (size_t i = 0; i < entries->count && status == NOERROR; i++) {
		const struct entry *e = &entries->list[i];

		status = nsf_view_put(nsf, e->view, e->key, e->note_id, e->value);
	}
	entries->count = 0;
	arena_release(&entries->arena);
	return status;
}

static STATUS make_room(struct entries *entries)
{
	size_t room = entries->room == 0 ? 256 : 2 * entries->room;
	struct entry *list;

	if (entries->count < entries->room)
		return NOERROR;
	list = realloc(entries->list, room * sizeof(*list));
	if (list == NULL)
		return POSTIL_ERR_MEMORY;
	entries->list = list;
	entries->room = room;
	return NOERROR;
}

static bool copy(struct arena *arena, struct slice from, struct slice *to)
{
	to->p = arena_strndup(arena, from.p, from.n);
	to->n = from.n;
	return to->p != NULL;
}

STATUS entries_add(struct entries *entries, struct nsf *nsf, const char *view,
                   struct slice key, uint64_t note_id, struct slice value)
{
	struct entry e = { .view = view, .note_id = note_id };
	STATUS status = NOERROR;

	if (entries->arena.used_octets > BATCH_OCTETS)
		status = entries_flush(entries, nsf);
	if (status == NOERROR)
		status = make_room(entries);
	if (status != NOERROR)
		return status;
	if (!copy(&entries->arena, key, &e.key) || !copy(&entries->arena, value, &e.value))
		return POSTIL_ERR_MEMORY;
	e.order = entries->count;
	entries->list[entries->count++] = e;
	return NOERROR;
}

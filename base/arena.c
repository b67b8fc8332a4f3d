/*
 * Arenas. Blocks grow from half a kilobyte (a session needs little) to 64
 * kilobytes; a request that would waste most of a block gets one of its own.
 * Sizes may come from hostile input: overflow is refused.
 */
#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
	FIRST_BLOCK_OCTETS = 512,
	LARGEST_BLOCK_OCTETS = 64 * 1024
};

struct arena_block {
	struct arena_block *next;
	size_t size, used;      /* of octets[] */
	alignas(max_align_t) unsigned char octets[];
};

void arena_init(struct arena *a)
{
	*a = (struct arena)ARENA_INIT;
}

void arena_release(struct arena *a)
{
	struct arena_block *block, *next;

	for (block = a->first; block != NULL; block = next) {
		next = block->next;
		free(block);
	}
	arena_init(a);
}

static struct arena_block *block_new(size_t size)
{
	struct arena_block *block;

	if (size > SIZE_MAX - sizeof(*block))
		return NULL;
	block = calloc(1, sizeof(*block) + size);
	if (block != NULL)
		block->size = size;
	return block;
}

/* Room for n octets at the front block, or in a block behind it if n is large. */
static struct arena_block *block_for(struct arena *a, size_t n)
{
	struct arena_block *block;
	size_t size = FIRST_BLOCK_OCTETS - sizeof(*block);

	if (a->first != NULL && n <= a->first->size - a->first->used)
		return a->first;
	if (a->first != NULL) {
		size = (a->first->size + sizeof(*block)) * 2;
		size = (size > LARGEST_BLOCK_OCTETS ? LARGEST_BLOCK_OCTETS : size) - sizeof(*block);
	}
	block = block_new(n > size / 4 ? n : size);
	if (block == NULL)
		return NULL;
	if (n > size / 4 && a->first != NULL) {
		block->next = a->first->next;
		a->first->next = block;
	} else {
		block->next = a->first;
		a->first = block;
	}
	return block;
}

void *arena_alloc(struct arena *a, size_t n)
{
	const size_t step = alignof(max_align_t);
	struct arena_block *block;
	void *p;

	if (n > SIZE_MAX - step)
		return NULL;
	n = n == 0 ? step : (n + step - 1) / step * step;
	block = block_for(a, n);
	if (block == NULL)
		return NULL;
	p = block->octets + block->used;
	block->used += n;
	a->used_octets += n;
	return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
	char *copy;

	if (n == SIZE_MAX)
		return NULL;
	copy = arena_alloc(a, n + 1);
	if (copy != NULL && n != 0)
		memcpy(copy, s, n);
	return copy;
}

STATUS arena_copy(struct arena *a, struct slice s, struct slice *copy_r)
{
	char *copy = arena_strndup(a, s.p, s.n);

	if (copy == NULL)
		return POSTIL_ERR_MEMORY;
	*copy_r = (struct slice){ copy, s.n };
	return NOERROR;
}

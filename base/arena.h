/*
 * An arena: memory of things that end together (a session, a compile run).
 * Allocations are aligned for any type, zeroed, and freed all at once.
 */
#ifndef POSTIL_BASE_ARENA_H
#define POSTIL_BASE_ARENA_H

#include <stddef.h>

#include "base/buf.h"

struct arena_block;

struct arena {
	struct arena_block *first;
	size_t used_octets;     /* handed out so far */
};

#define ARENA_INIT { NULL, 0 }
void arena_init(struct arena *a);
void arena_release(struct arena *a);    /* frees everything; a may be used again */
void *arena_alloc(struct arena *a, size_t n);           /* NULL: out of memory */
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t n);  /* adds a NUL */

STATUS arena_copy(struct arena *a, struct slice s, struct slice *copy_r);      /* with a NUL behind it */

#endif

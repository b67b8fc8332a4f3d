/*
 * A binary heap of nodes that live in their owners: the smallest key first.
 * Room is made beforehand (heap_reserve), so adding cannot fail. The caller locks.
 */
#ifndef POSTIL_NET_HEAP_H
#define POSTIL_NET_HEAP_H

#include <stdbool.h>
#include <stdint.h>

struct heap_node {
	uint64_t key;
	unsigned at;    /* place in the heap, counted from 1; 0: not in it */
};

struct heap {
	struct heap_node **nodes;
	unsigned count, size;
};

bool heap_reserve(struct heap *heap, unsigned nodes);   /* false: no memory */
void heap_release(struct heap *heap);
/* Put the node in, or move it to where the new key belongs. */
void heap_set(struct heap *heap, struct heap_node *node, uint64_t key);
void heap_remove(struct heap *heap, struct heap_node *node);    /* may be absent */
struct heap_node *heap_top(const struct heap *heap);            /* NULL: empty */

#endif

/*
 * A binary heap; see heap.h. It sees no input.
 */
#include <assert.h>
#include <stdlib.h>

#include "addin/net/heap.h"

bool heap_reserve(struct heap *heap, unsigned nodes)
{
	unsigned size = heap->size > 0 ? heap->size : 64;
	struct heap_node **grown;

	if (nodes <= heap->size)
		return true;
	while (size < nodes)
		size *= 2;
	grown = realloc(heap->nodes, size * sizeof(*grown));
	if (grown == NULL)
		return false;
	heap->nodes = grown;
	heap->size = size;
	return true;
}

void heap_release(struct heap *heap)
{
	free(heap->nodes);
	*heap = (struct heap){ 0 };
}

static void place(struct heap *heap, struct heap_node *node, unsigned at)
{
	heap->nodes[at - 1] = node;
	node->at = at;
}

static void rise(struct heap *heap, struct heap_node *node)
{
	unsigned at = node->at;

	while (at > 1 && heap->nodes[at / 2 - 1]->key > node->key) {
		place(heap, heap->nodes[at / 2 - 1], at);
		at /= 2;
	}
	place(heap, node, at);
}

static void sink(struct heap *heap, struct heap_node *node)
{
	unsigned at = node->at;

	for (;;) {
		unsigned child = at * 2;

		if (child < heap->count && heap->nodes[child]->key < heap->nodes[child - 1]->key)
			child++;
		if (child > heap->count || heap->nodes[child - 1]->key >= node->key)
			break;
		place(heap, heap->nodes[child - 1], at);
		at = child;
	}
	place(heap, node, at);
}

void heap_set(struct heap *heap, struct heap_node *node, uint64_t key)
{
	node->key = key;
	if (node->at == 0) {
		assert(heap->count < heap->size);
		place(heap, node, ++heap->count);
	}
	rise(heap, node);
	sink(heap, node);
}

void heap_remove(struct heap *heap, struct heap_node *node)
{
	struct heap_node *last;
	unsigned at = node->at;

	if (at == 0)
		return;
	node->at = 0;
	last = heap->nodes[--heap->count];
	if (last == node)
		return;
	place(heap, last, at);
	rise(heap, last);
	sink(heap, last);
}

struct heap_node *heap_top(const struct heap *heap)
{
	return heap->count > 0 ? heap->nodes[0] : NULL;
}

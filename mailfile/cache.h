/*
 * Things found by a path, oldest out first: the bones under the two caches of
 * the store on note databases. A node is the first member of what is cached and
 * belongs to its owner; several nodes may have the same key. No locks: the owner
 * has one.
 */
#ifndef POSTIL_MAILFILE_CACHE_H
#define POSTIL_MAILFILE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct cache_node {
	struct cache_node *chain;               /* same bucket */
	struct cache_node *newer, *older;
	const char *key;                        /* owned by the node's owner */
	size_t hash;
	size_t cost;
};

struct cache {
	struct cache_node **buckets;
	size_t bucket_count;                    /* a power of two */
	size_t count, cost;
	struct cache_node *newest, *oldest;
	uint64_t seed;                          /* of the hash, secret */
};

STATUS cache_init(struct cache *cache);
void cache_release(struct cache *cache);        /* it must be empty */
/* The newest node with that key, or NULL; the next older one after a node. */
struct cache_node *cache_find(const struct cache *cache, const char *key);
struct cache_node *cache_find_next(const struct cache_node *node);
void cache_insert(struct cache *cache, struct cache_node *node);       /* as newest */
void cache_remove(struct cache *cache, struct cache_node *node);
void cache_touch(struct cache *cache, struct cache_node *node);        /* now the newest */

#endif

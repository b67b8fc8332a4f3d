/* A hash table with an order of use. Keys are paths of mail files, which a
 * directory's documents name: they may be chosen, so the hash has a seed. */
#include "mailfile/cache.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypt.h"

#define BUCKETS_FIRST 64

/* FNV-1a from a secret start, its high bits mixed down. */
static size_t hash_of(const struct cache *cache, const char *key)
{
	uint64_t hash = 0xCBF29CE484222325u ^ cache->seed;

	for (; *key != '\0'; key++)
		hash = (hash ^ (unsigned char)*key) * 0x100000001B3u;
	return (size_t)(hash ^ hash >> 32);
}

STATUS cache_init(struct cache *cache)
{
	STATUS status;

	*cache = (struct cache){ .bucket_count = BUCKETS_FIRST };
	status = crypt_random(&cache->seed, sizeof(cache->seed));
	if (status != NOERROR)
		return status;
	cache->buckets = calloc(BUCKETS_FIRST, sizeof(struct cache_node *));
	return cache->buckets != NULL ? NOERROR : POSTIL_ERR_MEMORY;
}

void cache_release(struct cache *cache)
{
	free(cache->buckets);
	*cache = (struct cache){ 0 };
}

static struct cache_node *match(struct cache_node *node, size_t hash, const char *key)
{
	while (node != NULL && (node->hash != hash || strcmp(node->key, key) != 0))
		node = node->chain;
	return node;
}

struct cache_node *cache_find(const struct cache *cache, const char *key)
{
	size_t hash = hash_of(cache, key);

	return match(cache->buckets[hash & (cache->bucket_count - 1)], hash, key);
}

struct cache_node *cache_find_next(const struct cache_node *node)
{
	return match(node->chain, node->hash, node->key);
}

/* Twice the buckets; without memory for them the chains just grow longer. */
static void grow(struct cache *cache)
{
	size_t count = cache->bucket_count * 2;
	struct cache_node **buckets = calloc(count, sizeof(struct cache_node *));

	if (buckets == NULL)
		return;
	for (struct cache_node *node = cache->oldest; node != NULL; node = node->newer) {
		struct cache_node **head = &buckets[node->hash & (count - 1)];

		node->chain = *head;
		*head = node;
	}
	free(cache->buckets);
	cache->buckets = buckets;
	cache->bucket_count = count;
}

static void link_newest(struct cache *cache, struct cache_node *node)
{
	node->newer = NULL;
	node->older = cache->newest;
	if (cache->newest != NULL)
		cache->newest->newer = node;
	else
		cache->oldest = node;
	cache->newest = node;
}

static void unlink_order(struct cache *cache, struct cache_node *node)
{
	if (node->newer != NULL)
		node->newer->older = node->older;
	else
		cache->newest = node->older;
	if (node->older != NULL)
		node->older->newer = node->newer;
	else
		cache->oldest = node->newer;
}

void cache_insert(struct cache *cache, struct cache_node *node)
{
	struct cache_node **head;

	if (cache->count >= cache->bucket_count)
		grow(cache);
	node->hash = hash_of(cache, node->key);
	head = &cache->buckets[node->hash & (cache->bucket_count - 1)];
	node->chain = *head;
	*head = node;
	link_newest(cache, node);
	cache->count++;
	cache->cost += node->cost;
}

void cache_remove(struct cache *cache, struct cache_node *node)
{
	struct cache_node **at = &cache->buckets[node->hash & (cache->bucket_count - 1)];

	while (*at != node)
		at = &(*at)->chain;
	*at = node->chain;
	unlink_order(cache, node);
	cache->count--;
	cache->cost -= node->cost;
}

void cache_touch(struct cache *cache, struct cache_node *node)
{
	if (cache->newest == node)
		return;
	unlink_order(cache, node);
	link_newest(cache, node);
}

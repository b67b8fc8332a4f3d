/*
 * How many connections there may be, in all and from one client address, and
 * who gives way when there are no more. Clients choose their addresses, so the
 * table is seeded. All under the engine's lock.
 */
#include <stdlib.h>
#include <string.h>

#include "addin/net/impl.h"

static unsigned bucket_of(const struct net *net, const uint8_t key[16])
{
	uint64_t half[2], h = net->source_seed;

	memcpy(half, key, sizeof(half));
	for (int i = 0; i < 2; i++) {
		h = (h ^ half[i]) * UINT64_C(0x9E3779B97F4A7C15);
		h ^= h >> 29;
		h = (h + (net->source_seed << 1)) * UINT64_C(0xBF58476D1CE4E5B9);
		h ^= h >> 32;
	}
	return (unsigned)(h % SOURCE_BUCKETS);
}

static struct source *source_find(struct net *net, const uint8_t key[16])
{
	struct source *source = net->sources[bucket_of(net, key)];

	while (source != NULL && memcmp(source->key, key, 16) != 0)
		source = source->chain;
	return source;
}

static struct source *source_add(struct net *net, const uint8_t key[16])
{
	struct source **bucket = &net->sources[bucket_of(net, key)], *source;

	if (!heap_reserve(&net->source_heap, net->source_count + 1))
		return NULL;
	source = calloc(1, sizeof(*source));
	if (source == NULL)
		return NULL;
	memcpy(source->key, key, 16);
	source->chain = *bucket;
	*bucket = source;
	net->source_count++;
	return source;
}

static void source_remove(struct net *net, struct source *source)
{
	struct source **at = &net->sources[bucket_of(net, source->key)];

	while (*at != source)
		at = &(*at)->chain;
	*at = source->chain;
	net->source_count--;
	free(source);
}

/* The heap holds the sources that have somebody before login, the one with most
 * connections at its top. */
static void source_changed(struct net *net, struct source *source)
{
	if (source->newest != NULL)
		heap_set(&net->source_heap, &source->node, ~(uint64_t)source->count);
	else
		heap_remove(&net->source_heap, &source->node);
}

static void prelogin_link(struct source *source, struct net_conn *conn)
{
	conn->newer = NULL;
	conn->older = source->newest;
	if (source->newest != NULL)
		source->newest->newer = conn;
	source->newest = conn;
}

static void prelogin_unlink(struct source *source, struct net_conn *conn)
{
	if (conn->newer != NULL)
		conn->newer->older = conn->older;
	else if (source->newest == conn)
		source->newest = conn->older;
	if (conn->older != NULL)
		conn->older->newer = conn->newer;
	conn->newer = conn->older = NULL;
}

static unsigned most_for(const struct net *net, const struct address *address)
{
	if (address->local ||
	    (atomic_load(&net->limits.spare_loopback) && address_is_loopback(address)))
		return 0;
	return atomic_load(&net->limits.max_per_address);
}

STATUS limit_enter(struct net *net, struct net_conn *conn)
{
	unsigned most = most_for(net, &conn->address);
	struct source *source;
	uint8_t key[16];

	address_key(&conn->address, key);
	source = source_find(net, key);
	if (source != NULL && most != 0 && source->count >= most)
		return POSTIL_ERR_LIMIT;
	if (source == NULL && (source = source_add(net, key)) == NULL)
		return POSTIL_ERR_MEMORY;
	source->refs++;
	source->count++;
	prelogin_link(source, conn);
	source_changed(net, source);
	conn->source = source;
	conn->counted = true;
	if (++net->active > net->peak)
		net->peak = net->active;
	return NOERROR;
}

void limit_tls(struct net_conn *conn)
{
	struct net *net = conn->net;

	if (!conn->counted || conn->counted_tls)
		return;
	conn->counted_tls = true;
	if (++net->active_tls > net->peak_tls)
		net->peak_tls = net->active_tls;
}

void limit_established(struct net_conn *conn)
{
	if (!conn->counted)
		return;
	prelogin_unlink(conn->source, conn);
	source_changed(conn->net, conn->source);
}

void limit_prelogin(struct net_conn *conn)
{
	prelogin_link(conn->source, conn);
	source_changed(conn->net, conn->source);
}

void limit_leave(struct net_conn *conn)
{
	struct source *source = conn->source;

	if (!conn->counted)
		return;
	conn->counted = false;
	prelogin_unlink(source, conn);
	source->count--;
	source_changed(conn->net, source);
	conn->net->active--;
	if (conn->counted_tls)
		conn->net->active_tls--;
	conn->counted_tls = false;
}

void limit_forget(struct net_conn *conn)
{
	struct source *source = conn->source;

	conn->source = NULL;
	if (source != NULL && --source->refs == 0)
		source_remove(conn->net, source);
}

struct net_conn *limit_victim(struct net *net)
{
	struct source *most = (struct source *)(void *)heap_top(&net->source_heap);

	return most == NULL ? NULL : most->newest;
}

void limit_release(struct net *net)
{
	for (unsigned i = 0; i < SOURCE_BUCKETS; i++) {
		while (net->sources[i] != NULL)
			source_remove(net, net->sources[i]);
	}
	heap_release(&net->source_heap);
}

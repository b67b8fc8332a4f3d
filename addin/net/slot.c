/*
 * The table of connections: slabs that are never given back while the engine
 * lives, so that a late event or timer finds a connection of another generation
 * and not freed memory. It sees no input.
 */
#include <stdlib.h>

#include "addin/net/impl.h"

static struct net_conn *conn_in(const struct net *net, char *slab, unsigned index)
{
	return (struct net_conn *)(void *)(slab + index * net->conn_octets);
}

struct net_conn *slot_at(struct net *net, uint32_t slot)
{
	char *slab;

	if (slot / SLAB_CONNS >= SLABS_MAX)
		return NULL;
	slab = atomic_load_explicit(&net->slabs[slot / SLAB_CONNS], memory_order_acquire);
	return slab == NULL ? NULL : conn_in(net, slab, slot % SLAB_CONNS);
}

void *conn_state(const struct net_conn *conn)
{
	return (char *)(uintptr_t)conn + conn->net->state_at;
}

static void slab_init(struct net *net, char *slab, unsigned first)
{
	for (unsigned i = 0; i < SLAB_CONNS; i++) {
		struct net_conn *conn = conn_in(net, slab, i);

		conn->net = net;
		conn->slot = first + i;
		conn->fd = -1;
		conn->timer.kind = TIMER_CONN;
		atomic_init(&conn->timer.key, NEVER);
		atomic_init(&conn->deadline, NEVER);
		/* the lowest slots are given out first */
		net->free_slots[net->free_count++] = first + SLAB_CONNS - 1 - i;
	}
}

static bool slab_add(struct net *net)
{
	unsigned index = net->slots / SLAB_CONNS, wanted = net->slots + SLAB_CONNS;
	uint32_t *grown;
	char *slab;

	if (index == SLABS_MAX || !timers_reserve(net, wanted + LISTENERS_MAX))
		return false;
	if (wanted > net->free_size) {
		grown = realloc(net->free_slots, 2 * wanted * sizeof(*grown));
		if (grown == NULL)
			return false;
		net->free_slots = grown;
		net->free_size = 2 * wanted;
	}
	slab = calloc(SLAB_CONNS, net->conn_octets);
	if (slab == NULL)
		return false;
	slab_init(net, slab, net->slots);
	net->slots = wanted;
	atomic_store_explicit(&net->slabs[index], slab, memory_order_release);
	return true;
}

struct net_conn *slot_take(struct net *net)
{
	if (net->free_count == 0 && !slab_add(net))
		return NULL;
	net->used++;
	return slot_at(net, net->free_slots[--net->free_count]);
}

void slot_give(struct net *net, struct net_conn *conn)
{
	net->free_slots[net->free_count++] = conn->slot;
	net->used--;
}

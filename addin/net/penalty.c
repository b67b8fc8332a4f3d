/*
 * Penalties: a hash table by client address with its entries in a list by age. Clients
 * choose their addresses, so the table is seeded; every call takes constant time.
 */
#include "addin/net/penalty.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypt.h"
#include "base/ipaddr.h"

#define FINGERPRINTS 8
#define FAILURES_MAX 32         /* the delay has long reached its bound */

struct entry {
	struct entry *chain;            /* of its bucket */
	struct entry *older, *newer;
	uint8_t unit[16];
	char text[IPADDR_UNIT_TEXT];
	unsigned failures;
	uint64_t last_ms;               /* of the last failure, moved on when it halves */
	uint64_t fingerprints[FINGERPRINTS];    /* the newest of them, in a ring */
	unsigned next;
};

struct net_penalty {
	pthread_mutex_t mutex;
	struct net_penalty_options options;
	uint64_t seed;
	struct entry **buckets;         /* as many as there may be entries */
	size_t count;
	struct entry *oldest, *newest;
};

STATUS net_penalty_new(const struct net_penalty_options *options, struct net_penalty **penalty_r)
{
	struct net_penalty *p = calloc(1, sizeof(*p));
	STATUS status = POSTIL_ERR_MEMORY;

	if (p != NULL)
		p->buckets = calloc(options->addresses, sizeof(struct entry *));
	if (p != NULL && p->buckets != NULL)
		status = crypt_random(&p->seed, sizeof(p->seed));
	if (status != NOERROR) {
		if (p != NULL)
			free(p->buckets);
		free(p);
		return status;
	}
	p->options = *options;
	pthread_mutex_init(&p->mutex, NULL);
	*penalty_r = p;
	return NOERROR;
}

void net_penalty_free(struct net_penalty **penalty)
{
	struct net_penalty *p = *penalty;

	if (p == NULL)
		return;
	for (struct entry *e = p->oldest, *newer; e != NULL; e = newer) {
		newer = e->newer;
		free(e);
	}
	pthread_mutex_destroy(&p->mutex);
	free(p->buckets);
	free(p);
	*penalty = NULL;
}

void net_penalty_set_options(struct net_penalty *p, const struct net_penalty_options *options)
{
	pthread_mutex_lock(&p->mutex);
	p->options.first_ms = options->first_ms;
	p->options.most_ms = options->most_ms;
	p->options.halve_ms = options->halve_ms;
	pthread_mutex_unlock(&p->mutex);
}

/* --- the table -------------------------------------------------------------------- */

static struct entry **bucket_of(const struct net_penalty *p, const uint8_t unit[16])
{
	uint64_t half[2], h = p->seed;

	memcpy(half, unit, sizeof(half));
	for (int i = 0; i < 2; i++) {
		h = (h ^ half[i]) * UINT64_C(0x9E3779B97F4A7C15);
		h ^= h >> 29;
		h = (h + (p->seed << 1)) * UINT64_C(0xBF58476D1CE4E5B9);
		h ^= h >> 32;
	}
	return &p->buckets[h % p->options.addresses];
}

static struct entry *find(const struct net_penalty *p, const uint8_t unit[16])
{
	struct entry *e = *bucket_of(p, unit);

	while (e != NULL && memcmp(e->unit, unit, 16) != 0)
		e = e->chain;
	return e;
}

static void unlink_age(struct net_penalty *p, struct entry *e)
{
	*(e->older != NULL ? &e->older->newer : &p->oldest) = e->newer;
	*(e->newer != NULL ? &e->newer->older : &p->newest) = e->older;
}

static void link_newest(struct net_penalty *p, struct entry *e)
{
	e->older = p->newest;
	e->newer = NULL;
	*(p->newest != NULL ? &p->newest->newer : &p->oldest) = e;
	p->newest = e;
}

static void forget(struct net_penalty *p, struct entry *e)
{
	struct entry **at = bucket_of(p, e->unit);

	while (*at != e)
		at = &(*at)->chain;
	*at = e->chain;
	unlink_age(p, e);
	p->count--;
	free(e);
}

static struct entry *add(struct net_penalty *p, const uint8_t unit[16], const char *address)
{
	struct entry *e, **bucket = bucket_of(p, unit);

	if (p->count >= p->options.addresses)
		forget(p, p->oldest);
	e = calloc(1, sizeof(*e));
	if (e == NULL)
		return NULL;
	memcpy(e->unit, unit, 16);
	ipaddr_unit_text(address, e->text);
	e->chain = *bucket;
	*bucket = e;
	link_newest(p, e);
	p->count++;
	return e;
}

/* --- the delay ---------------------------------------------------------------------- */

/* One failure less for each quiet time that has passed: each halves the delay. */
static void calm(const struct net_penalty *p, struct entry *e, uint64_t now_ms)
{
	uint64_t quiet = now_ms > e->last_ms ? (now_ms - e->last_ms) / p->options.halve_ms : 0;

	if (quiet >= e->failures) {
		e->failures = 0;
		return;
	}
	e->failures -= (unsigned)quiet;
	e->last_ms += quiet * p->options.halve_ms;
}

static uint32_t wait_of(const struct net_penalty *p, const struct entry *e)
{
	uint64_t ms = p->options.first_ms;

	if (e->failures == 0 || p->options.most_ms == 0)
		return 0;
	for (unsigned i = 1; i < e->failures && ms < p->options.most_ms; i++)
		ms *= 2;
	return ms < p->options.most_ms ? (uint32_t)ms : p->options.most_ms;
}

uint32_t net_penalty_ms(struct net_penalty *p, const char *address, uint64_t now_ms)
{
	uint8_t unit[16];
	struct entry *e;
	uint32_t ms = 0;

	if (!ipaddr_unit(address, unit))
		return 0;
	pthread_mutex_lock(&p->mutex);
	e = find(p, unit);
	if (e != NULL) {
		calm(p, e, now_ms);
		ms = wait_of(p, e);
	}
	pthread_mutex_unlock(&p->mutex);
	return ms;
}

static bool is_known(const struct entry *e, uint64_t fingerprint)
{
	for (size_t i = 0; i < FINGERPRINTS; i++)
		if (fingerprint != 0 && e->fingerprints[i] == fingerprint)
			return true;
	return false;
}

static void count(struct net_penalty *p, struct entry *e, unsigned failures,
                  uint64_t fingerprint, uint64_t now_ms)
{
	calm(p, e, now_ms);
	if (is_known(e, fingerprint) && e->failures > 0)
		return;
	e->fingerprints[e->next++ % FINGERPRINTS] = fingerprint;
	e->failures = failures < FAILURES_MAX - e->failures ? e->failures + failures : FAILURES_MAX;
	e->last_ms = now_ms;
	unlink_age(p, e);
	link_newest(p, e);
}

void net_penalty_failed(struct net_penalty *p, const char *address, unsigned failures,
                        uint64_t fingerprint, uint64_t now_ms)
{
	uint8_t unit[16];
	struct entry *e;

	if (!ipaddr_unit(address, unit))
		return;
	pthread_mutex_lock(&p->mutex);
	e = find(p, unit);
	if (e == NULL)
		e = add(p, unit, address);
	if (e != NULL)
		count(p, e, failures, fingerprint, now_ms);
	pthread_mutex_unlock(&p->mutex);
}

/* --- showing --------------------------------------------------------------------------- */

struct shown {
	char text[IPADDR_UNIT_TEXT];
	unsigned failures;
	uint32_t wait_ms;
};

static int longer_first(const void *a, const void *b)
{
	const struct shown *x = a, *y = b;

	return (y->wait_ms > x->wait_ms) - (y->wait_ms < x->wait_ms);
}

void net_penalty_each(struct net_penalty *p, uint64_t now_ms,
                      void (*each)(void *context, const char *address, unsigned failures,
                                   uint32_t wait_ms), void *context)
{
	struct shown *list;
	size_t n = 0;

	pthread_mutex_lock(&p->mutex);
	list = calloc(p->count + 1, sizeof(*list));
	for (struct entry *e = p->newest; list != NULL && e != NULL; e = e->older) {
		calm(p, e, now_ms);
		list[n] = (struct shown){ .failures = e->failures, .wait_ms = wait_of(p, e) };
		memcpy(list[n].text, e->text, sizeof(e->text));
		if (list[n].wait_ms > 0)
			n++;
	}
	pthread_mutex_unlock(&p->mutex);
	if (n > 0)
		qsort(list, n, sizeof(*list), longer_first);
	for (size_t i = 0; i < n; i++)
		each(context, list[i].text, list[i].failures, list[i].wait_ms);
	free(list);
}

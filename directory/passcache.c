/*
 * The password cache: a table of HMACs in a mapping of its own, kept out of
 * core dumps and, where the limits allow, out of swap. Sets of eight entries;
 * the oldest of its set gives way. Nothing in it leads back to a password
 * without the key, which never leaves the mapping.
 */
#include "directory/passcache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/crypt.h"

#include "base/banned.h"

#define WAYS 8
#define TTL_MAX_SECS 1800
#define ENTRIES_MAX (1u << 24)

struct entry {
	uint8_t mac[32];
	uint64_t added_ms;      /* 0: free */
};

struct passcache {
	pthread_mutex_t mutex;  /* over entries and ttl_ms */
	uint64_t ttl_ms;
	size_t sets, mapped_octets;
	uint8_t key[32];
	struct entry entries[];
};

STATUS passcache_new(size_t entries, unsigned ttl_secs, struct passcache **cache_r)
{
	size_t sets = entries == 0 ? 1 : (entries + WAYS - 1) / WAYS;
	size_t octets = sizeof(struct passcache) + sets * WAYS * sizeof(struct entry);
	struct passcache *cache;
	STATUS status;

	if (entries > ENTRIES_MAX)
		return POSTIL_ERR_INVALID;
	cache = mmap(NULL, octets, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (cache == MAP_FAILED)
		return POSTIL_ERR_MEMORY;
	madvise(cache, octets, MADV_DONTDUMP);
	mlock(cache, octets);   /* as far as the limits allow */
	cache->sets = sets;
	cache->mapped_octets = octets;
	status = crypt_random(cache->key, sizeof(cache->key));
	if (status != NOERROR || pthread_mutex_init(&cache->mutex, NULL) != 0) {
		munmap(cache, octets);
		return status != NOERROR ? status : POSTIL_ERR_MEMORY;
	}
	passcache_set_ttl(cache, ttl_secs);
	*cache_r = cache;
	return NOERROR;
}

void passcache_free(struct passcache **cache)
{
	size_t octets;

	if (*cache == NULL)
		return;
	octets = (*cache)->mapped_octets;
	pthread_mutex_destroy(&(*cache)->mutex);
	crypt_wipe(*cache, octets);
	munmap(*cache, octets);
	*cache = NULL;
}

void passcache_set_ttl(struct passcache *cache, unsigned ttl_secs)
{
	pthread_mutex_lock(&cache->mutex);
	cache->ttl_ms = 1000 * (uint64_t)(ttl_secs < TTL_MAX_SECS ? ttl_secs : TTL_MAX_SECS);
	pthread_mutex_unlock(&cache->mutex);
}

static STATUS mac_of(struct passcache *cache, struct slice password, struct slice person,
                     struct slice digest, uint8_t mac[32])
{
	const struct slice parts[] = { password, person, digest };

	return crypt_hmac_parts(cache->key, parts, 3, mac);
}

static struct entry *set_of(struct passcache *cache, const uint8_t mac[32])
{
	uint64_t number;

	memcpy(&number, mac, sizeof(number));
	return cache->entries + number % cache->sets * WAYS;
}

static bool is_fresh(const struct passcache *cache, const struct entry *entry, uint64_t now_ms)
{
	return entry->added_ms != 0 && now_ms - entry->added_ms < cache->ttl_ms;
}

bool passcache_hit(struct passcache *cache, struct slice password, struct slice person,
                   struct slice digest)
{
	uint64_t now_ms = clock_mono_ms() + 1;  /* never 0 */
	uint8_t mac[32];
	struct entry *set;
	bool hit = false;

	if (mac_of(cache, password, person, digest, mac) != NOERROR)
		return false;
	set = set_of(cache, mac);
	pthread_mutex_lock(&cache->mutex);
	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].added_ms != 0 && !is_fresh(cache, &set[i], now_ms))
			crypt_wipe(&set[i], sizeof(set[i]));
		hit |= crypt_equal(set[i].mac, mac, sizeof(mac)) && is_fresh(cache, &set[i], now_ms);
	}
	pthread_mutex_unlock(&cache->mutex);
	crypt_wipe(mac, sizeof(mac));
	return hit;
}

void passcache_add(struct passcache *cache, struct slice password, struct slice person,
                   struct slice digest)
{
	uint64_t now_ms = clock_mono_ms() + 1;
	uint8_t mac[32];
	struct entry *set, *place;

	if (mac_of(cache, password, person, digest, mac) != NOERROR)
		return;
	place = set = set_of(cache, mac);
	pthread_mutex_lock(&cache->mutex);
	for (size_t i = 0; i < WAYS; i++) {
		if (crypt_equal(set[i].mac, mac, sizeof(mac))) {
			place = &set[i];
			break;
		}
		if (set[i].added_ms < place->added_ms)
			place = &set[i];
	}
	if (cache->ttl_ms != 0) {
		memcpy(place->mac, mac, sizeof(mac));
		place->added_ms = now_ms;
	}
	pthread_mutex_unlock(&cache->mutex);
	crypt_wipe(mac, sizeof(mac));
}

/*
 * A password that has been verified once need not be hashed again every minute.
 *
 * After a success an HMAC-SHA256 under a random key of this process, over
 * password, person and stored digest, stands for the hash for at most ttl_secs.
 * A changed digest, name or password misses by construction. Bounded in number
 * (oldest out), compared in constant time, its memory is locked out of core dumps.
 */
#ifndef POSTIL_DIRECTORY_PASSCACHE_H
#define POSTIL_DIRECTORY_PASSCACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"

struct passcache;

/* ttl_secs 0: every verification hashes. At most 1,800. */
STATUS passcache_new(size_t entries, unsigned ttl_secs, struct passcache **cache_r);
void passcache_free(struct passcache **cache);
void passcache_set_ttl(struct passcache *cache, unsigned ttl_secs);
/* Is this answer known? Costs one HMAC. Any thread. */
bool passcache_hit(struct passcache *cache, struct slice password, struct slice person,
                   struct slice digest);
void passcache_add(struct passcache *cache, struct slice password, struct slice person,
                   struct slice digest);

#endif

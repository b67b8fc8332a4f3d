/*
 * Failed logins per client address: how long the answer to the next one waits. The
 * delay doubles with each failure up to a bound and halves with quiet time; an IPv6 /64
 * is one address; the same wrong name and password again (a phone with an old password)
 * does not make it grow. Memory is bounded: the address that failed longest ago is
 * forgotten first.
 *
 * Nothing waits in here: who asks hands the milliseconds to net_conn_delay. Who is
 * trusted (networks.h) is not asked about at all.
 */
#ifndef POSTIL_NET_PENALTY_H
#define POSTIL_NET_PENALTY_H

#include <stdbool.h>
#include <stdint.h>

#include "addin/net/networks.h"

struct net_penalty;

struct net_penalty_options {
	uint32_t first_ms;      /* after the first failure */
	uint32_t most_ms;       /* bound; 0: no penalties */
	uint32_t halve_ms;      /* a quiet time after which it has halved; not 0 */
	uint32_t addresses;     /* remembered at most; not 0 */
};

STATUS net_penalty_new(const struct net_penalty_options *options, struct net_penalty **penalty_r);
void net_penalty_free(struct net_penalty **penalty);
/* addresses stays as it was. */
void net_penalty_set_options(struct net_penalty *penalty,
                             const struct net_penalty_options *options);
/* What the answer to a failed login from this address waits. Any thread. */
uint32_t net_penalty_ms(struct net_penalty *penalty, const char *address, uint64_t now_ms);
/* Count failures (the tries of one login against several persons count each).
 * fingerprint: a keyed digest of name and password; 0: unknown, always counts. */
void net_penalty_failed(struct net_penalty *penalty, const char *address, unsigned failures,
                        uint64_t fingerprint, uint64_t now_ms);
/* Addresses (ipaddr_unit_text) that wait now, longest first. */
void net_penalty_each(struct net_penalty *penalty, uint64_t now_ms,
                      void (*each)(void *context, const char *address, unsigned failures,
                                   uint32_t wait_ms), void *context);

#endif

/*
 * Failed logins per client address: how long the answer to the next one waits. The
 * delay doubles with each failure up to a bound and halves with time; an IPv6 /64 is
 * one address; the same wrong name and password again (a phone with an old password)
 * does not make it grow. Networks that are trusted are never delayed. Memory is
 * bounded: the least recently failed address is forgotten first.
 *
 * Nothing waits in here: who asks hands the milliseconds to net_conn_delay.
 */
#ifndef POSTIL_NET_PENALTY_H
#define POSTIL_NET_PENALTY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"

/* --- networks ------------------------------------------------------------------ */

struct net_networks;    /* a list of addresses and networks */

/* "192.0.2.0/24, 2001:db8::/32 127.0.0.1": blanks or commas between. POSTIL_ERR_INVALID:
 * *bad_r (may be NULL) is the part that is not understood. An empty text is an empty list. */
STATUS net_networks_parse(struct slice text, struct net_networks **networks_r,
                          struct slice *bad_r);
void net_networks_free(struct net_networks **networks);
/* address: numeric, as net_peer has it. networks NULL: false. */
bool net_networks_have(const struct net_networks *networks, const char *address);

/* --- penalties ------------------------------------------------------------------ */

struct net_penalty;

struct net_penalty_options {
	uint32_t first_ms;      /* after the first failure */
	uint32_t most_ms;       /* bound; 0: no penalties */
	uint32_t halve_ms;      /* a quiet time after which it has halved */
	uint32_t addresses;     /* remembered at most */
};

STATUS net_penalty_new(const struct net_penalty_options *options, struct net_penalty **penalty_r);
void net_penalty_free(struct net_penalty **penalty);
void net_penalty_set_options(struct net_penalty *penalty, const struct net_penalty_options *options);
/* What the next failed login from this address waits, before it is counted. Any thread. */
uint32_t net_penalty_ms(struct net_penalty *penalty, const char *address, uint64_t now_ms);
/* Count failures (tries of one login against several persons count each). fingerprint: a
 * keyed digest of name and password; 0: unknown, always counts. */
void net_penalty_failed(struct net_penalty *penalty, const char *address, unsigned failures,
                        uint64_t fingerprint, uint64_t now_ms);
/* Addresses that wait now, longest first, for `tell pop3 show penalties`. */
void net_penalty_each(struct net_penalty *penalty, uint64_t now_ms,
                      void (*each)(void *context, const char *address, unsigned failures,
                                   uint32_t wait_ms), void *context);

#endif

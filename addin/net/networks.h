/*
 * Lists of addresses and networks as notes.ini has them, and what counts as one client:
 * an IPv4 address or an IPv6 /64.
 */
#ifndef POSTIL_NET_NETWORKS_H
#define POSTIL_NET_NETWORKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"

struct net_networks;

#define NET_NETWORKS_MAX 1024
#define NET_UNIT_OCTETS 48

/* "192.0.2.0/24, 2001:db8::/32 127.0.0.1": blanks, commas or semicolons between; bits
 * behind the prefix are passed over. An empty text is an empty list. POSTIL_ERR_INVALID:
 * *bad_r (may be NULL) is the part of text that is not understood; POSTIL_ERR_TOO_LONG:
 * more than NET_NETWORKS_MAX. */
STATUS net_networks_parse(struct slice text, struct net_networks **networks_r,
                          struct slice *bad_r);
void net_networks_free(struct net_networks **networks);
/* Is this numeric address (as net_peer has it, an IPv6 zone is passed over) in one of
 * them? NULL: no. */
bool net_networks_have(const struct net_networks *networks, const char *address);

/* The 16 octets that stand for a client: IPv4 as ::ffff:a.b.c.d, of IPv6 the first 8.
 * false: not a numeric address. */
bool net_address_unit(const char *address, uint8_t unit[16]);
/* The same for people: "192.0.2.7", "2001:db8:0:1::/64". What is no address is copied, cut. */
void net_address_unit_text(const char *address, char text[NET_UNIT_OCTETS]);

#endif

/*
 * Lists of addresses and networks as notes.ini has them.
 */
#ifndef POSTIL_NET_NETWORKS_H
#define POSTIL_NET_NETWORKS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"

struct net_networks;

#define NET_NETWORKS_MAX 1024

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

#endif

/*
 * One connection of the POP3 task: the engine's protocol on one side, the seam of
 * its session on the other.
 */
#ifndef POSTIL_POP3_CLIENT_H
#define POSTIL_POP3_CLIENT_H

#include "addin/net/net.h"

struct task;

/* Its listeners' user_data is the struct task. */
extern const struct net_protocol client_protocol;

/* Milliseconds of the monotonic clock at which a connection began; for net_each. */
uint64_t client_since_ms(const void *state);

#endif

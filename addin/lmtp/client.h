/* A connection: its session, and the one job that may be under way. */
#ifndef POSTIL_LMTP_CLIENT_H
#define POSTIL_LMTP_CLIENT_H

#include "addin/lmtp/task.h"

/* The listener's user data is the task. */
extern const struct net_protocol client_protocol;

/* For net_each, where another thread may be busy with the connection. */
uint64_t client_since_ms(const void *state);
uint32_t client_messages(const void *state);

#endif

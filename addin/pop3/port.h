/*
 * The ports the task listens on, one in clear and one for TLS: asked of the host, handed
 * to the engine, changed when the settings change. Used by the task's main thread only.
 */
#ifndef POSTIL_POP3_PORT_H
#define POSTIL_POP3_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addin/pop3/task.h"

struct ports;

STATUS ports_new(struct task *task, struct ports **ports_r);
void ports_free(struct ports **ports);
/* Listen as these settings say; nothing happens to a port that does already. The TLS port
 * is listened on once there are credentials for it. */
void ports_follow(struct ports *ports, const struct settings *settings);
/* The host could bind a port meanwhile. */
void ports_retry(struct ports *ports);
/* No new connections; the host keeps the sockets. */
void ports_stop(struct ports *ports);
/* "Listen for connect requests on TCP Port:110 SSL Port:995", or that there is none. */
void ports_describe(const struct ports *ports, char *text, size_t size);

#endif

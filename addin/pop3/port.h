/*
 * The port the task listens on: asked of the host, handed to the engine, changed
 * when the settings change. Used by the task's main thread only.
 */
#ifndef POSTIL_POP3_PORT_H
#define POSTIL_POP3_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addin/pop3/task.h"

struct port;

STATUS port_new(struct task *task, struct port **port_r);
void port_free(struct port **port);
/* Listen as these settings say; nothing happens if it does already. */
void port_follow(struct port *port, const struct settings *settings);
/* The host could bind the port meanwhile. */
void port_retry(struct port *port);
/* No new connections; the host keeps the sockets. */
void port_stop(struct port *port);
/* "TCP Port:110", or that nothing is listened on. */
void port_describe(const struct port *port, char *text, size_t size);

#endif

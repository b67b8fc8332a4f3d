/*
 * The port the task listens on: asked of the host, handed to the engine, changed
 * when the settings change. Used by the task's main thread only.
 */
#ifndef POSTIL_POP3_LISTENER_H
#define POSTIL_POP3_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addin/pop3/task.h"

struct listener;

STATUS listener_new(struct task *task, struct listener **listener_r);
void listener_free(struct listener **listener);
/* Listen as these settings say; nothing happens if it does already. */
void listener_follow(struct listener *listener, const struct settings *settings);
/* The host could bind the port meanwhile. */
void listener_retry(struct listener *listener);
/* No new connections; the host keeps the sockets. */
void listener_stop(struct listener *listener);
/* "TCP Port:110", or that nothing is listened on. */
void listener_describe(const struct listener *listener, char *text, size_t size);

#endif

/*
 * Where the task listens: a UNIX socket and a TCP port, each asked of the host, handed to the
 * engine, changed when the settings change. Used by the task's main thread only.
 */
#ifndef POSTIL_LMTP_PORT_H
#define POSTIL_LMTP_PORT_H

#include "addin/lmtp/task.h"

struct ports;

STATUS ports_new(struct task *task, struct ports **ports_r);
void ports_free(struct ports **ports);
/* Listen as these settings say; nothing happens to what is as it was. */
void ports_follow(struct ports *ports, const struct settings *settings);
void ports_retry(struct ports *ports);          /* the host could bind one meanwhile */
void ports_stop(struct ports *ports);           /* no new connections; the host keeps the sockets */
/* "Listen for connect requests on /data/lmtp.sock, TCP Port:24", or that there is none. */
void ports_describe(const struct ports *ports, char *text, size_t size);

#endif

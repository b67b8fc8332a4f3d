/*
 * Listening sockets: opened at a task's wish, kept while it is started anew,
 * handed over as descriptors. Where binding fails the host says so and tries
 * again every LISTEN_RETRY_SECONDS (20); the task is told when it succeeded.
 */
#ifndef POSTIL_HOST_LISTENER_H
#define POSTIL_HOST_LISTENER_H

#include "addin/host/task.h"

#define LISTENER_SOCKETS_MAX 2          /* IPv6 and IPv4 */

struct listener {
	struct listener *next;
	char owner[TASK_NAME_MAX + 1];  /* "": came from systemd, not asked for yet */
	char *service, *address;        /* address "": all of IPv6 and IPv4 */
	uint16_t port;
	bool from_systemd;
	int fds[LISTENER_SOCKETS_MAX];
	size_t fd_count;                /* 0: not bound, tried again at retry_ms */
	uint64_t retry_ms;
	unsigned failures;
	int error;
};

/* The sockets for this address and port; they stay the host's. POSTIL_ERR_BUSY:
 * cannot be bound now; POSTIL_ERR_INVALID: no such address or port;
 * POSTIL_ERR_IN_USE: another task has it. */
STATUS listener_open(struct task *task, const char *service, const char *address,
                     uint32_t port, int *fds, size_t *count_r);
void listener_close(struct task *task, const char *address, uint32_t port);
void listeners_close_of(struct host *host, const char *owner);
void listeners_tick(struct host *host);         /* tries again what failed */
void listeners_take_systemd(struct host *host); /* what host->inherited holds */
void listeners_free(struct host *host);

#endif

/*
 * Listening sockets, TCP and UNIX: opened at a task's wish, kept while it is started anew,
 * handed over as descriptors. Where binding fails the host says so and tries
 * again every LISTEN_RETRY_SECONDS (20); the task is told when it succeeded.
 */
#ifndef POSTIL_HOST_LISTENER_H
#define POSTIL_HOST_LISTENER_H

#include "addin/host/localsocket.h"
#include "addin/host/task.h"

#define LISTENER_SOCKETS_MAX 2          /* IPv6 and IPv4 */

struct listener {
	struct listener *next;
	char owner[TASK_NAME_MAX + 1];  /* "": came from systemd, not asked for yet */
	char *service, *address;        /* address "": all of IPv6 and IPv4; a path: a UNIX socket */
	uint16_t port;                  /* 0: a UNIX socket */
	unsigned mode;                  /* of that: its permissions, and whose it is */
	char *group;
	struct localsocket_id id;
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
/* The UNIX socket at this absolute path; see localsocket.h. */
STATUS listener_open_local(struct task *task, const char *service, const char *path,
                           uint32_t mode, const char *group, int *fd_r);
bool listener_is_local(const struct listener *listener);
/* "all addresses port 110", or the path. */
void listener_describe(const struct listener *listener, char *text, size_t size);
void listener_close(struct task *task, const char *address, uint32_t port);
void listeners_close_of(struct host *host, const char *owner);
void listeners_tick(struct host *host);         /* tries again what failed */
void listeners_take_systemd(struct host *host); /* what host->inherited holds */
void listeners_free(struct host *host);

#endif

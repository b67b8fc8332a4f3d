/* Listening sockets come from the host, ready; only their number is checked. */
#include "addin/pop3/listener.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <postil.h>

#include "base/fault.h"

#define SERVICE "POP3 Server"
#define SOCKETS_MAX 4

struct listener {
	struct task *task;
	bool wanted;                    /* the settings enable a port */
	char address[SETTINGS_TEXT_OCTETS];
	uint16_t port;
	struct net_listener *sockets[SOCKETS_MAX];
	size_t count;
};

STATUS listener_new(struct task *task, struct listener **listener_r)
{
	struct listener *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return POSTIL_ERR_MEMORY;
	l->task = task;
	*listener_r = l;
	return NOERROR;
}

void listener_stop(struct listener *l)
{
	for (size_t i = 0; i < l->count; i++)
		net_unlisten(l->task->net, &l->sockets[i]);
	l->count = 0;
}

void listener_free(struct listener **listener)
{
	free(*listener);
	*listener = NULL;
}

/* Failures to bind have been told by the host, which also tries again. */
static void ask_host(struct listener *l)
{
	int fds[SOCKETS_MAX];
	WORD count = SOCKETS_MAX;

	if (PostilListen(SERVICE, l->address, l->port, fds, &count) != NOERROR)
		return;
	for (WORD i = 0; i < count; i++) {
		struct fault fault = { .status = NOERROR };
		STATUS status = net_listen(l->task->net, fds[i], false, l->task,
		                           &l->sockets[l->count], &fault);

		if (status == NOERROR)
			l->count++;
		else
			task_log(l->task, "POP3 Server: cannot listen on port %u: %s",
			         (unsigned)l->port, fault_text(&fault, status));
	}
}

void listener_retry(struct listener *l)
{
	if (l->wanted && l->count == 0)
		ask_host(l);
}

void listener_follow(struct listener *l, const struct settings *settings)
{
	if (l->wanted == settings->port_enabled && l->port == settings->port &&
	    strcmp(l->address, settings->address) == 0)
		return;
	if (l->wanted) {
		listener_stop(l);
		PostilUnlisten(SERVICE, l->address, l->port);
	}
	l->wanted = settings->port_enabled;
	l->port = settings->port;
	memcpy(l->address, settings->address, sizeof(l->address));
	if (l->wanted)
		ask_host(l);
}

void listener_describe(const struct listener *l, char *text, size_t size)
{
	if (!l->wanted)
		snprintf(text, size, "No port is enabled");
	else if (l->count == 0)
		snprintf(text, size, "Waiting for TCP Port:%u", (unsigned)l->port);
	else
		snprintf(text, size, "Listen for connect requests on TCP Port:%u",
		         (unsigned)l->port);
}

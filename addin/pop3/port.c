/* Listening sockets come from the host, ready; only their number is checked. */
#include "addin/pop3/port.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <postil.h>

#include "base/fault.h"

#define SERVICE "POP3 Server"
#define SOCKETS_MAX 4

struct port {
	struct task *task;
	bool wanted;                    /* the settings enable a port */
	char address[SETTINGS_TEXT_OCTETS];
	uint16_t number;
	struct net_listener *sockets[SOCKETS_MAX];
	size_t count;
};

STATUS port_new(struct task *task, struct port **port_r)
{
	struct port *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return POSTIL_ERR_MEMORY;
	p->task = task;
	*port_r = p;
	return NOERROR;
}

void port_stop(struct port *p)
{
	for (size_t i = 0; i < p->count; i++)
		net_unlisten(p->task->net, &p->sockets[i]);
	p->count = 0;
}

void port_free(struct port **port)
{
	free(*port);
	*port = NULL;
}

/* Failures to bind have been told by the host, which also tries again. */
static void ask_host(struct port *p)
{
	int fds[SOCKETS_MAX];
	WORD count = SOCKETS_MAX;

	if (PostilListen(SERVICE, p->address, p->number, fds, &count) != NOERROR)
		return;
	for (WORD i = 0; i < count; i++) {
		struct fault fault = { .status = NOERROR };
		STATUS status = net_listen(p->task->net, fds[i], false, p->task,
		                           &p->sockets[p->count], &fault);

		if (status == NOERROR)
			p->count++;
		else
			task_log(p->task, "POP3 Server: cannot listen on port %u: %s",
			         (unsigned)p->number, fault_text(&fault, status));
	}
}

void port_retry(struct port *p)
{
	if (p->wanted && p->count == 0)
		ask_host(p);
}

void port_follow(struct port *p, const struct settings *settings)
{
	if (p->wanted == settings->port_enabled && p->number == settings->port &&
	    strcmp(p->address, settings->address) == 0)
		return;
	if (p->wanted) {
		port_stop(p);
		PostilUnlisten(SERVICE, p->address, p->number);
	}
	p->wanted = settings->port_enabled;
	p->number = settings->port;
	memcpy(p->address, settings->address, sizeof(p->address));
	if (p->wanted)
		ask_host(p);
}

void port_describe(const struct port *p, char *text, size_t size)
{
	if (!p->wanted)
		snprintf(text, size, "No port is enabled");
	else if (p->count == 0)
		snprintf(text, size, "Waiting for TCP Port:%u", (unsigned)p->number);
	else
		snprintf(text, size, "Listen for connect requests on TCP Port:%u",
		         (unsigned)p->number);
}

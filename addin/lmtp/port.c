/* Listening sockets come from the host, ready; only their number is checked. */
#include "addin/lmtp/port.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <postil.h>

#include "base/fault.h"

#define SERVICE "LMTP Server"
#define SOCKETS_MAX 4

enum kind { LOCAL, TCP, KINDS };

struct port {
	bool wanted;
	char where[PATH_MAX];           /* path or address */
	uint16_t number;                /* 0: a path */
	unsigned mode;
	char group[SETTINGS_TEXT_OCTETS];
	struct net_listener *sockets[SOCKETS_MAX];
	size_t count;
};

struct ports {
	struct task *task;
	struct port port[KINDS];
};

STATUS ports_new(struct task *task, struct ports **ports_r)
{
	struct ports *ports = calloc(1, sizeof(*ports));

	if (ports == NULL)
		return POSTIL_ERR_MEMORY;
	ports->task = task;
	*ports_r = ports;
	return NOERROR;
}

static void stop(struct ports *ports, struct port *p)
{
	for (size_t i = 0; i < p->count; i++)
		net_unlisten(ports->task->net, &p->sockets[i]);
	p->count = 0;
}

void ports_stop(struct ports *ports)
{
	for (int kind = 0; kind < KINDS; kind++)
		stop(ports, &ports->port[kind]);
}

void ports_free(struct ports **ports)
{
	free(*ports);
	*ports = NULL;
}

static STATUS ask(const struct port *p, int *fds, WORD *count)
{
	if (p->number != 0)
		return PostilListen(SERVICE, p->where, p->number, fds, count);
	*count = 1;
	return PostilListenLocal(SERVICE, p->where, p->mode, p->group, fds);
}

/* Failures to bind have been told by the host, which also tries again. */
static void ask_host(struct ports *ports, struct port *p)
{
	int fds[SOCKETS_MAX];
	WORD count = SOCKETS_MAX;

	if (ask(p, fds, &count) != NOERROR)
		return;
	for (WORD i = 0; i < count; i++) {
		struct fault fault = { .status = NOERROR };
		STATUS status = net_listen(ports->task->net, fds[i], false, ports->task,
		                           &p->sockets[p->count], &fault);

		if (status == NOERROR)
			p->count++;
		else
			task_log(ports->task, SERVICE ": cannot listen on %s: %s", p->where,
			         fault_text(&fault, status));
	}
}

void ports_retry(struct ports *ports)
{
	for (int kind = 0; kind < KINDS; kind++)
		if (ports->port[kind].wanted && ports->port[kind].count == 0)
			ask_host(ports, &ports->port[kind]);
}

static bool is_same(const struct port *a, const struct port *b)
{
	return a->wanted == b->wanted && a->number == b->number && a->mode == b->mode &&
	       strcmp(a->where, b->where) == 0 && strcmp(a->group, b->group) == 0;
}

/* What becomes another one is left before the new one is asked for. */
static void follow(struct ports *ports, struct port *p, const struct port *now)
{
	if (is_same(p, now))
		return;
	stop(ports, p);
	if (p->wanted && (p->number != now->number || strcmp(p->where, now->where) != 0))
		PostilUnlisten(SERVICE, p->where, p->number);
	*p = *now;
	if (p->wanted)
		ask_host(ports, p);
}

void ports_follow(struct ports *ports, const struct settings *settings)
{
	struct port local = { .wanted = settings->socket_path[0] != '\0',
		.mode = settings->socket_permissions };
	struct port tcp = { .wanted = settings->port != 0, .number = (uint16_t)settings->port };

	snprintf(local.where, sizeof(local.where), "%s", settings->socket_path);
	snprintf(local.group, sizeof(local.group), "%s", settings->socket_group);
	snprintf(tcp.where, sizeof(tcp.where), "%s", settings->address);
	follow(ports, &ports->port[LOCAL], &local);
	follow(ports, &ports->port[TCP], &tcp);
}

static void add_port(const struct port *p, bool listening, struct buf *text)
{
	if (!p->wanted || (p->count > 0) != listening)
		return;
	buf_add_str(text, text->n > 0 ? ", " : "");
	if (p->number != 0)
		buf_addf(text, "TCP Port:%u", (unsigned)p->number);
	else
		buf_add_str(text, p->where);
}

void ports_describe(const struct ports *ports, char *text, size_t size)
{
	struct buf open = BUF_INIT, waiting = BUF_INIT;

	for (int kind = 0; kind < KINDS; kind++) {
		add_port(&ports->port[kind], true, &open);
		add_port(&ports->port[kind], false, &waiting);
	}
	if (open.n == 0 && waiting.n == 0)
		snprintf(text, size, "No port is enabled");
	else
		snprintf(text, size, "%s%s%s%s%s", open.n > 0 ? "Listen for connect requests on " : "",
		         buf_cstr(&open), open.n > 0 && waiting.n > 0 ? ", waiting for " : "",
		         open.n == 0 ? "Waiting for " : "", buf_cstr(&waiting));
	buf_release(&open);
	buf_release(&waiting);
}

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

enum kind { PLAIN, TLS, KINDS };

static const char *const labels[KINDS] = { [PLAIN] = "TCP", [TLS] = "SSL" };

struct port {
	bool wanted;                    /* the settings enable it */
	char address[SETTINGS_TEXT_OCTETS];
	uint16_t number;
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

static void stop(struct ports *ports, enum kind kind)
{
	struct port *p = &ports->port[kind];

	for (size_t i = 0; i < p->count; i++)
		net_unlisten(ports->task->net, &p->sockets[i]);
	p->count = 0;
}

void ports_stop(struct ports *ports)
{
	for (int kind = 0; kind < KINDS; kind++)
		stop(ports, (enum kind)kind);
}

void ports_free(struct ports **ports)
{
	free(*ports);
	*ports = NULL;
}

/* Failures to bind have been told by the host, which also tries again. */
static void ask_host(struct ports *ports, enum kind kind)
{
	struct port *p = &ports->port[kind];
	int fds[SOCKETS_MAX];
	WORD count = SOCKETS_MAX;

	if (PostilListen(SERVICE, p->address, p->number, fds, &count) != NOERROR)
		return;
	for (WORD i = 0; i < count; i++) {
		struct fault fault = { .status = NOERROR };
		STATUS status = net_listen(ports->task->net, fds[i], kind == TLS, ports->task,
		                           &p->sockets[p->count], &fault);

		if (status == NOERROR)
			p->count++;
		else
			task_log(ports->task, "POP3 Server: cannot listen on port %u: %s",
			         (unsigned)p->number, fault_text(&fault, status));
	}
}

void ports_retry(struct ports *ports)
{
	for (int kind = 0; kind < KINDS; kind++)
		if (ports->port[kind].wanted && ports->port[kind].count == 0)
			ask_host(ports, (enum kind)kind);
}

/* true: it is as it was. */
static bool leave(struct ports *ports, enum kind kind, bool wanted, uint16_t number,
                  const char *address)
{
	struct port *p = &ports->port[kind];

	if (p->wanted == wanted && p->number == number && strcmp(p->address, address) == 0)
		return true;
	if (p->wanted) {
		stop(ports, kind);
		PostilUnlisten(SERVICE, p->address, p->number);
	}
	p->wanted = wanted;
	p->number = number;
	snprintf(p->address, sizeof(p->address), "%s", address);
	return false;
}

/* Both are left before either is asked for: they may have changed places. */
void ports_follow(struct ports *ports, const struct settings *settings)
{
	bool plain = settings->port_enabled;
	bool tls = settings->tls_port_enabled && secure_has_any(settings->secure);
	bool plain_stays, tls_stays;

	if (plain && tls && settings->port == settings->tls_port) {
		task_log(ports->task, "POP3 Server: the Server document names port %u for TCP/IP and for "
		         "TLS; it is used for TLS", (unsigned)settings->port);
		plain = false;
	}
	plain_stays = leave(ports, PLAIN, plain, settings->port, settings->address);
	tls_stays = leave(ports, TLS, tls, settings->tls_port, settings->address);
	if (plain && !plain_stays)
		ask_host(ports, PLAIN);
	if (tls && !tls_stays)
		ask_host(ports, TLS);
}

/* The ports that are wanted and listened on, or not: " TCP Port:110". */
static void add_ports(const struct ports *ports, bool listening, char *text, size_t size)
{
	for (int kind = 0; kind < KINDS; kind++) {
		const struct port *p = &ports->port[kind];
		size_t n = strlen(text);

		if (p->wanted && (p->count > 0) == listening)
			snprintf(text + n, size - n, " %s Port:%u", labels[kind], (unsigned)p->number);
	}
}

void ports_describe(const struct ports *ports, char *text, size_t size)
{
	char open[64] = "", waiting[64] = "";

	add_ports(ports, true, open, sizeof(open));
	add_ports(ports, false, waiting, sizeof(waiting));
	if (open[0] == '\0' && waiting[0] == '\0')
		snprintf(text, size, "No port is enabled");
	else if (waiting[0] == '\0')
		snprintf(text, size, "Listen for connect requests on%s", open);
	else if (open[0] == '\0')
		snprintf(text, size, "Waiting for%s", waiting);
	else
		snprintf(text, size, "Listen for connect requests on%s, waiting for%s", open, waiting);
}

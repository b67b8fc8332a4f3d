/* Listening sockets. Distrusts the tasks' addresses and ports, and the
 * descriptors that the environment announces. */
#include "addin/host/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "addin/host/privileged.h"
#include "base/clock.h"
#include "base/banned.h"

#define LISTENERS_MAX 256
#define LISTENER_TEXT_OCTETS 320
#define TELL_AGAIN_AFTER 15     /* failures between two lines about one port */

static uint64_t retry_ms(const struct host *host)
{
	return (uint64_t)setting_number(host, "LISTEN_RETRY_SECONDS", 20, 1, 3600) * 1000;
}

static struct listener *find(struct host *host, const char *address, uint16_t port)
{
	for (struct listener *l = host->listeners; l != NULL; l = l->next)
		if (l->port == port && strcmp(l->address, address) == 0)
			return l;
	return NULL;
}

/* --- opening ------------------------------------------------------------------------ */

static bool make_address(const char *text, int family, uint16_t port,
                         struct port_request *request_r)
{
	*request_r = (struct port_request){ .family = family, .port = port };
	if (text[0] == '\0')
		return true;
	return inet_pton(family, text, request_r->address) == 1;
}

static int open_one(struct host *host, const struct port_request *request, int *fd_r)
{
	if (host->privileged_fd >= 0)
		return privileged_open(&host->privileged_fd, request, fd_r);
	return port_open(request, fd_r);
}

bool listener_is_local(const struct listener *l)
{
	return l->address[0] == '/';
}

void listener_describe(const struct listener *l, char *text, size_t size)
{
	if (listener_is_local(l))
		snprintf(text, size, "%s", l->address);
	else
		snprintf(text, size, "%s port %u", l->address[0] != '\0' ? l->address : "all addresses",
		         l->port);
}

/* A UNIX socket of ours takes its name with it. */
static void close_sockets(struct listener *l)
{
	if (listener_is_local(l) && l->fd_count > 0 && !l->from_systemd)
		localsocket_remove(l->address, &l->id);
	while (l->fd_count > 0)
		close(l->fds[--l->fd_count]);
}

static bool open_local(struct listener *l)
{
	l->error = localsocket_open(l->address, l->mode, l->group, &l->id, &l->fds[0]);
	l->fd_count = l->error == 0;
	return l->fd_count > 0;
}

static bool family_is_missing(int error)
{
	return error == EAFNOSUPPORT || error == EADDRNOTAVAIL || error == EPROTONOSUPPORT;
}

/* All sockets of one listener, or none and l->error. */
static bool open_sockets(struct host *host, struct listener *l)
{
	static const int families[] = { AF_INET6, AF_INET };
	struct port_request request;
	int error = EINVAL;

	if (listener_is_local(l))
		return open_local(l);
	for (size_t i = 0; i < 2; i++) {
		if (!make_address(l->address, families[i], l->port, &request))
			continue;
		error = open_one(host, &request, &l->fds[l->fd_count]);
		if (error == 0) {
			l->fd_count++;
		} else if (l->address[0] != '\0' || !family_is_missing(error)) {
			close_sockets(l);
			break;
		}
	}
	l->error = l->fd_count > 0 ? 0 : error;
	return l->fd_count > 0;
}

static const char *local_advice(int error)
{
	switch (error) {
	case EADDRINUSE:
		return " (another program serves it)";
	case EEXIST:
		return " (what lies there is no socket)";
	case EINVAL:
		return " (there is no such group)";
	case EPERM:
		return " (the server's user must be in the group that it is for)";
	case ENAMETOOLONG:
		return " (a socket's path has at most 107 octets)";
	default:
		return "";
	}
}

static const char *advice(int error)
{
	switch (error) {
	case EACCES:
		return " (ports below 1024 need CAP_NET_BIND_SERVICE, or a start as root with"
		       " ServerUser in notes.ini)";
	case EADDRINUSE:
		return " (another program has it: see ss -ltnp)";
	default:
		return "";
	}
}

static void say_failure(struct host *host, struct listener *l, int error_before)
{
	char where[LISTENER_TEXT_OCTETS];

	if (l->failures % TELL_AGAIN_AFTER != 0 && l->error == error_before)
		return;
	listener_describe(l, where, sizeof(where));
	log_say(host->log, "%s: Listener failure on %s: %s%s", l->service, where,
	        strerrordesc_np(l->error),
	        listener_is_local(l) ? local_advice(l->error) : advice(l->error));
	log_say(host->log, "%s: Suspending listen task for %u seconds due to network errors",
	        l->service, (unsigned)(retry_ms(host) / 1000));
}

static bool try_open(struct host *host, struct listener *l)
{
	int error_before = l->error;

	if (open_sockets(host, l)) {
		l->failures = 0;
		return true;
	}
	say_failure(host, l, error_before);
	l->failures++;
	l->retry_ms = clock_mono_ms() + retry_ms(host);
	return false;
}

static void free_listener(struct listener *l)
{
	free(l->service);
	free(l->address);
	free(l->group);
	free(l);
}

static struct listener *add(struct host *host, const char *service, const char *address,
                            uint16_t port)
{
	struct listener *l;
	unsigned count = 0;

	for (l = host->listeners; l != NULL; l = l->next)
		count++;
	l = count < LISTENERS_MAX ? calloc(1, sizeof(*l)) : NULL;
	if (l == NULL)
		return NULL;
	l->service = strdup(service);
	l->address = strdup(address);
	l->group = strdup("");
	if (l->service == NULL || l->address == NULL || l->group == NULL) {
		free_listener(l);
		return NULL;
	}
	l->port = port;
	l->next = host->listeners;
	host->listeners = l;
	return l;
}

static void set_owner(struct listener *l, const struct task *t, const char *service)
{
	char *copy;

	memcpy(l->owner, t->name, sizeof(l->owner));
	if (strcmp(l->service, service) == 0)
		return;
	copy = strdup(service);
	if (copy == NULL)
		return;
	free(l->service);
	l->service = copy;
}

static bool is_address(const char *text)
{
	unsigned char octets[16];

	return text[0] == '\0' || inet_pton(AF_INET6, text, octets) == 1
	       || inet_pton(AF_INET, text, octets) == 1;
}

STATUS listener_open(struct task *t, const char *service, const char *address,
                     uint32_t port, int *fds, size_t *count_r)
{
	struct host *host = t->host;
	struct listener *l;

	if (port == 0 || port > 65535 || !is_address(address))
		return POSTIL_ERR_INVALID;
	l = find(host, address, (uint16_t)port);
	if (l == NULL)
		l = add(host, service, address, (uint16_t)port);
	if (l == NULL)
		return POSTIL_ERR_LIMIT;
	if (l->owner[0] != '\0' && strcmp(l->owner, t->name) != 0)
		return POSTIL_ERR_IN_USE;
	set_owner(l, t, service);
	if (l->fd_count == 0 && !try_open(host, l))
		return POSTIL_ERR_BUSY;
	for (size_t i = 0; i < l->fd_count; i++)
		fds[i] = l->fds[i];
	*count_r = l->fd_count;
	return NOERROR;
}

/* Permissions of one that is open already may be others now. */
static void set_rights(struct host *host, struct listener *l, uint32_t mode, const char *group)
{
	bool same = l->mode == mode && strcmp(l->group, group) == 0;
	char *copy = same ? NULL : strdup(group);
	int error = 0;

	if (copy == NULL)
		return;
	free(l->group);
	l->group = copy;
	l->mode = mode;
	if (l->fd_count > 0 && !l->from_systemd)
		error = localsocket_permit(l->address, l->mode, l->group);
	if (error != 0)
		log_say(host->log, "%s: the permissions of %s cannot be set: %s%s", l->service, l->address,
		        strerrordesc_np(error), local_advice(error));
}

STATUS listener_open_local(struct task *t, const char *service, const char *path,
                           uint32_t mode, const char *group, int *fd_r)
{
	struct host *host = t->host;
	struct listener *l;

	if (path[0] != '/' || mode > 0777)
		return POSTIL_ERR_INVALID;
	l = find(host, path, 0);
	if (l == NULL)
		l = add(host, service, path, 0);
	if (l == NULL)
		return POSTIL_ERR_LIMIT;
	if (l->owner[0] != '\0' && strcmp(l->owner, t->name) != 0)
		return POSTIL_ERR_IN_USE;
	set_owner(l, t, service);
	set_rights(host, l, mode, group);
	if (l->fd_count == 0 && !try_open(host, l))
		return POSTIL_ERR_BUSY;
	*fd_r = l->fds[0];
	return NOERROR;
}

/* --- closing ---------------------------------------------------------------------------- */

static void forget(struct listener **at)
{
	struct listener *l = *at;

	*at = l->next;
	close_sockets(l);
	free_listener(l);
}

/* What systemd gave is kept for the next who asks. */
static void close_matching(struct host *host, const char *owner, const char *address,
                           uint32_t port)
{
	struct listener **at = &host->listeners;

	while (*at != NULL) {
		struct listener *l = *at;

		if (strcmp(l->owner, owner) != 0
		    || (address != NULL && (l->port != port || strcmp(l->address, address) != 0))) {
			at = &l->next;
		} else if (l->from_systemd) {
			l->owner[0] = '\0';
			at = &l->next;
		} else {
			forget(at);
		}
	}
}

void listener_close(struct task *t, const char *address, uint32_t port)
{
	close_matching(t->host, t->name, address, port);
}

void listeners_close_of(struct host *host, const char *owner)
{
	close_matching(host, owner, NULL, 0);
}

void listeners_free(struct host *host)
{
	while (host->listeners != NULL)
		forget(&host->listeners);
}

/* --- trying again ------------------------------------------------------------------------- */

static void tell_ready(struct host *host, const struct listener *l)
{
	struct task *t = task_find(host, slice_of(l->owner));
	unsigned char memory[WIRE_HEAD + 8 + WIRE_NAME_MAX];
	char where[LISTENER_TEXT_OCTETS];
	struct wire_out out;

	listener_describe(l, where, sizeof(where));
	log_say(host->log, "%s: Listening on %s", l->service, where);
	if (t == NULL || !t->hello)
		return;
	wire_begin(&out, memory, sizeof(memory), WIRE_PORT_READY, 0, 0, NOERROR);
	wire_put_text(&out, l->address);
	wire_put_u32(&out, l->port);
	task_event(t, &out);
}

void listeners_tick(struct host *host)
{
	uint64_t now = clock_mono_ms();

	for (struct listener *l = host->listeners; l != NULL; l = l->next)
		if (l->fd_count == 0 && l->owner[0] != '\0' && now >= l->retry_ms
		    && try_open(host, l))
			tell_ready(host, l);
}

/* --- sockets from systemd ------------------------------------------------------------------- */

/* A UNIX socket that has a name. */
static bool describe_local(const struct sockaddr_storage *name, socklen_t n, char *address,
                           size_t size)
{
	const struct sockaddr_un *local = (const struct sockaddr_un *)name;
	size_t octets = n > offsetof(struct sockaddr_un, sun_path)
		? n - offsetof(struct sockaddr_un, sun_path) : 0;

	if (octets == 0 || local->sun_path[0] != '/')
		return false;
	octets = strnlen(local->sun_path, octets);
	if (octets >= size)
		return false;
	memcpy(address, local->sun_path, octets);
	address[octets] = '\0';
	return true;
}

static bool describe(int fd, char *address, size_t size, uint16_t *port_r)
{
	struct sockaddr_storage name;
	socklen_t n = sizeof(name);
	int listening = 0;
	socklen_t listening_n = sizeof(listening);
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&name;
	const struct sockaddr_in *four = (const struct sockaddr_in *)&name;

	if (getsockname(fd, (struct sockaddr *)&name, &n) != 0
	    || getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &listening_n) != 0
	    || !listening)
		return false;
	address[0] = '\0';
	*port_r = 0;
	if (name.ss_family == AF_UNIX)
		return describe_local(&name, n, address, size);
	if (name.ss_family == AF_INET6) {
		*port_r = ntohs(six->sin6_port);
		if (!IN6_IS_ADDR_UNSPECIFIED(&six->sin6_addr))
			inet_ntop(AF_INET6, &six->sin6_addr, address, (socklen_t)size);
		return true;
	}
	*port_r = ntohs(four->sin_port);
	if (name.ss_family == AF_INET && four->sin_addr.s_addr != INADDR_ANY)
		inet_ntop(AF_INET, &four->sin_addr, address, (socklen_t)size);
	return name.ss_family == AF_INET;
}

static void take_one(struct host *host, int fd)
{
	char address[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 1];
	struct listener *l;
	uint16_t port;

	if (!describe(fd, address, sizeof(address), &port)) {
		log_say(host->log, "A descriptor from systemd is no listening socket of TCP or with a path");
		close(fd);
		return;
	}
	l = find(host, address, port);
	if (l == NULL)
		l = add(host, "systemd", address, port);
	if (l == NULL || l->fd_count >= LISTENER_SOCKETS_MAX) {
		close(fd);
		return;
	}
	fcntl(fd, F_SETFL, O_NONBLOCK);
	l->from_systemd = true;
	l->fds[l->fd_count++] = fd;
}

void listeners_take_systemd(struct host *host)
{
	for (size_t i = 0; i < host->inherited_count; i++)
		take_one(host, host->inherited[i]);
	host->inherited_count = 0;
}

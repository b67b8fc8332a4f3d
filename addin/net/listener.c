/*
 * Listening sockets. One worker at a time accepts from a listener (EPOLLONESHOT)
 * and re-arms it before it speaks to the new client. Another process may hold
 * and use the same socket. When descriptors run out, one kept in reserve serves
 * to tell the client, and after that the listener rests a moment: it never spins.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "addin/net/impl.h"
#include "base/clock.h"

#define REST_MS 250
#define REFUSED_READS 16        /* of one who is refused and sends on */
#define COMPLAIN_MS 10000
#define KEEPALIVE_SECS 60
#define KEEPALIVE_PROBE_SECS 10
#define KEEPALIVE_PROBES 3
#define USER_TIMEOUT_MS 60000

/* Accepted sockets inherit these, which saves five calls for each of them. */
static void set_options(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_SECS },
		{ IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_PROBE_SECS },
		{ IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT_MS },
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		setsockopt(fd, options[i].level, options[i].name, &options[i].value,
			sizeof(options[i].value));
}

/* Under the listener's lock. */
static void watch(struct net_listener *listener, int how)
{
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLONESHOT,
		.data.u64 = EVENT_LISTENER + listener->number
	};

	if (epoll_ctl(listener->net->epoll, how, listener->fd, &event) != 0)
		net_logf(listener->net, "a listening socket cannot be watched: %s",
			strerror(errno));
}

static void complain(struct net *net, const char *what, int error)
{
	uint64_t now = clock_mono_ms(), next = atomic_load(&net->log_next);

	if (now < next ||
	    !atomic_compare_exchange_strong(&net->log_next, &next, now + COMPLAIN_MS))
		return;
	net_logf(net, "%s: %s", what, strerror(error));
}

/* A client that begins with TLS could make nothing of the text. */
static void refuse(struct worker *worker, int fd, bool tls)
{
	struct net *net = worker->net;
	char line[512], scratch[512];
	size_t n = 0;

	worker_count(&worker->refused, 1);
	pthread_mutex_lock(&net->lock);
	if (!tls && net->refused_line != NULL && (n = strlen(net->refused_line)) <= sizeof(line))
		memcpy(line, net->refused_line, n);
	pthread_mutex_unlock(&net->lock);
	if (n > 0 && n <= sizeof(line) && send(fd, line, n, MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
		shutdown(fd, SHUT_WR);
		for (int i = 0; i < REFUSED_READS; i++)
			if (recv(fd, scratch, sizeof(scratch), MSG_DONTWAIT) != sizeof(scratch))
				break;
	}
	close(fd);
}

/* No descriptor is left: use the one in reserve to take the connection and tell
 * the client. false: there was none. */
static bool refuse_by_reserve(struct worker *worker, int listening, bool tls)
{
	struct net *net = worker->net;
	int fd = -1;

	pthread_mutex_lock(&net->lock);
	if (net->reserve >= 0) {
		close(net->reserve);
		fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		net->reserve = -1;
	}
	pthread_mutex_unlock(&net->lock);
	if (fd >= 0)
		refuse(worker, fd, tls);
	pthread_mutex_lock(&net->lock);
	if (net->reserve < 0)
		net->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
	pthread_mutex_unlock(&net->lock);
	return fd >= 0;
}

/* Under net.lock. A slot for the newcomer, and whom it displaces. */
static STATUS admit(struct net *net, struct net_conn *conn, struct net_conn **victim_r,
                    uint64_t *generation_r)
{
	STATUS status = limit_enter(net, conn);
	struct net_conn *victim;

	*victim_r = NULL;
	if (status != NOERROR || net->active <= atomic_load(&net->limits.max_connections))
		return status;
	limit_established(conn);        /* it does not give way to itself */
	victim = limit_victim(net);
	if (victim == NULL) {
		limit_leave(conn);
		limit_forget(conn);
		return POSTIL_ERR_LIMIT;
	}
	limit_prelogin(conn);
	limit_leave(victim);
	atomic_store(&victim->close_why, POSTIL_ERR_LIMIT);
	*generation_r = atomic_load(&victim->word) & WORD_GENERATION;
	*victim_r = victim;
	return NOERROR;
}

static void conn_init(struct worker *worker, struct net_conn *conn, int fd, bool tls)
{
	struct net *net = worker->net;
	uint64_t word = atomic_load(&conn->word);

	conn->worker = worker;
	conn->accepted_ms = worker->now;
	atomic_store(&conn->active_ms, worker->now);
	atomic_store(&conn->deadline, NEVER);
	conn->transport = &transport_plain;
	conn->transport_state = NULL;
	conn->fd = fd;
	conn->in_set = conn->eof = conn->hungry = conn->yields = false;
	conn->lingers = conn->established = conn->visible = conn->opened = false;
	conn->wants_out = false;
	conn->closable = true;
	conn->phase = PHASE_CLEAR;
	conn->tls = tls;
	if (tls)
		limit_tls(conn);
	memset(conn_state(conn), 0, net->protocol->state_octets);
	atomic_store(&conn->id, ++net->next_id);
	atomic_store(&conn->word, word_next(word, CONN_OWNED));
}

static void displace(struct worker *worker, struct net_conn *victim, uint64_t generation)
{
	uint64_t word = atomic_load(&victim->word);

	if ((word & WORD_GENERATION) == generation && word_state(word) != CONN_FREE &&
	    word_state(word) != CONN_OWNED)
		conn_close_requested(worker, victim, word);
}

static void welcome(struct worker *worker, int fd, const struct sockaddr_storage *from,
                    bool tls, void *user_data)
{
	struct net *net = worker->net;
	struct net_conn *conn, *victim = NULL;
	uint64_t generation = 0;
	STATUS status = POSTIL_ERR_MEMORY;

	pthread_mutex_lock(&net->lock);
	conn = slot_take(net);
	if (conn != NULL) {
		address_from(&conn->address, from);
		status = admit(net, conn, &victim, &generation);
		if (status == NOERROR) {
			conn->user_data = user_data;
			conn_init(worker, conn, fd, tls);
		} else {
			slot_give(net, conn);
		}
	}
	pthread_mutex_unlock(&net->lock);
	if (victim != NULL)
		displace(worker, victim, generation);
	if (status != NOERROR) {
		refuse(worker, fd, tls);
		return;
	}
	worker_count(tls ? &worker->accepted_tls : &worker->accepted, 1);
	conn_accepted(worker, conn);
}

/* Under the listener's lock; -1: nobody there (any more). */
static int take(struct worker *worker, struct net_listener *listener,
                struct sockaddr_storage *from)
{
	socklen_t size = sizeof(*from);
	int fd = accept4(listener->fd, (struct sockaddr *)from, &size,
		SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0 || errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
		goto out;
	if (errno == EMFILE || errno == ENFILE) {
		complain(worker->net, "no more files may be open; a connection was refused "
			"(raise the limit of open files, or lower that of connections)", errno);
		if (refuse_by_reserve(worker, listener->fd, listener->tls))
			goto out;
	} else if (errno != ENOBUFS && errno != ENOMEM) {
		goto out;       /* an error of the network that belongs to one connection */
	}
	timer_want(worker->net, &listener->timer, clock_mono_ms() + REST_MS);
	return -1;
out:
	watch(listener, EPOLL_CTL_MOD);
	return fd;
}

void listener_event(struct worker *worker, unsigned number)
{
	struct net_listener *listener = worker->net->listeners[number];
	struct sockaddr_storage from = { 0 };
	void *user_data;
	bool tls;
	int fd = -1;

	pthread_mutex_lock(&listener->lock);
	if (listener->fd >= 0)
		fd = take(worker, listener, &from);
	user_data = listener->user_data;
	tls = listener->tls;
	pthread_mutex_unlock(&listener->lock);
	if (fd >= 0)
		welcome(worker, fd, &from, tls, user_data);
}

void listener_expired(struct net_listener *listener)
{
	pthread_mutex_lock(&listener->lock);
	if (listener->fd >= 0)
		watch(listener, EPOLL_CTL_MOD);
	pthread_mutex_unlock(&listener->lock);
}

void listener_stop(struct net_listener *listener)
{
	pthread_mutex_lock(&listener->lock);
	if (listener->fd >= 0) {
		/* another process may hold the socket: closing alone would leave it watched */
		epoll_ctl(listener->net->epoll, EPOLL_CTL_DEL, listener->fd, NULL);
		close(listener->fd);
		listener->fd = -1;
	}
	pthread_mutex_unlock(&listener->lock);
}

static struct net_listener *listener_new(struct net *net)
{
	struct net_listener *listener;

	if (net->listener_count == LISTENERS_MAX || !timers_reserve(net, net->slots + LISTENERS_MAX))
		return NULL;
	listener = calloc(1, sizeof(*listener));
	if (listener == NULL)
		return NULL;
	pthread_mutex_init(&listener->lock, NULL);
	listener->net = net;
	listener->fd = -1;
	listener->timer.kind = TIMER_LISTENER;
	atomic_init(&listener->timer.key, NEVER);
	listener->number = net->listener_count;
	net->listeners[net->listener_count++] = listener;
	return listener;
}

/* Under net.lock: one that has been stopped, or a new one. */
static struct net_listener *listener_get(struct net *net)
{
	for (unsigned i = 0; i < net->listener_count; i++) {
		if (!net->listeners[i]->in_use)
			return net->listeners[i];
	}
	return listener_new(net);
}

static STATUS start(struct net *net, int fd, bool tls, void *user_data,
                    struct net_listener **listener_r, struct fault *fault)
{
	struct net_listener *listener;

	pthread_mutex_lock(&net->lock);
	listener = atomic_load(&net->ending) ? NULL : listener_get(net);
	if (listener != NULL)
		listener->in_use = true;
	pthread_mutex_unlock(&net->lock);
	if (listener == NULL)
		return fault_set(fault, POSTIL_ERR_LIMIT,
			"no more listening sockets can be served (at most %d)", LISTENERS_MAX);
	pthread_mutex_lock(&listener->lock);
	listener->fd = fd;
	listener->tls = tls;
	listener->user_data = user_data;
	watch(listener, EPOLL_CTL_ADD);
	pthread_mutex_unlock(&listener->lock);
	*listener_r = listener;
	return NOERROR;
}

STATUS net_listen(struct net *net, int fd, bool tls, void *user_data,
                  struct net_listener **listener_r, struct fault *fault)
{
	int flags = fcntl(fd, F_GETFL), listening = 0;
	socklen_t size = sizeof(listening);
	STATUS status;

	if (tls && net->protocol->tls == NULL)
		status = fault_set(fault, POSTIL_ERR_INVALID,
			"this service has no TLS, so no port for it can be served");
	else if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 || !listening)
		status = fault_set(fault, POSTIL_ERR_INVALID,
			"descriptor %d is not a listening socket", fd);
	else if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
	         fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
		status = fault_set(fault, POSTIL_ERR_IO, "listening socket: %s", strerror(errno));
	else {
		set_options(fd);
		status = start(net, fd, tls, user_data, listener_r, fault);
	}
	if (status != NOERROR && fd >= 0)
		close(fd);
	return status;
}

void net_unlisten(struct net *net, struct net_listener **listener)
{
	struct net_listener *stopped = *listener;

	if (stopped == NULL)
		return;
	*listener = NULL;
	listener_stop(stopped);
	timer_drop(net, &stopped->timer);
	pthread_mutex_lock(&net->lock);
	stopped->in_use = false;
	pthread_mutex_unlock(&net->lock);
}

/*
 * The life of one connection: claimed by a worker, driven until it must wait,
 * handed back to the epoll set, parked, or closed. See impl.h for the states.
 * The far end is hostile: it may say anything, nothing, or be gone.
 */
#include <assert.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "addin/net/impl.h"
#include "base/clock.h"

#define LINGER_READS 16

bool conn_claim(struct worker *worker, struct net_conn *conn, uint64_t word)
{
	uint64_t owned = (word & ~(WORD_STATE | WORD_MISSED)) | CONN_OWNED;

	if (!atomic_compare_exchange_strong(&conn->word, &word, owned))
		return false;
	conn->worker = worker;
	return true;
}

static void finish(struct net_conn *conn)
{
	struct net *net = conn->net;

	timer_drop(net, &conn->timer);
	conn->transport->release(conn->transport_state);
	close(conn->fd);
	conn->fd = -1;
	pthread_mutex_lock(&net->lock);
	limit_leave(conn);
	limit_forget(conn);
	atomic_store(&conn->id, 0);
	atomic_store(&conn->close_why, NOERROR);
	atomic_store(&conn->word,
		((atomic_load(&conn->word) & WORD_GENERATION) + WORD_GENERATION_ONE) &
		~EVENT_SPECIAL);
	slot_give(net, conn);
	pthread_mutex_unlock(&net->lock);
	net_signal_end(net);
}

/* Does the client still send? Then closing at once would reset the connection,
 * and the last reply could be lost on its way. */
static bool still_sends(struct worker *worker, struct net_conn *conn)
{
	ssize_t got = 0;

	for (int i = 0; i < LINGER_READS; i++) {
		got = transport_plain.read(NULL, conn->fd, worker->in, INPUT_OCTETS);
		if (got <= 0)
			break;
		conn->lingers = true;
	}
	return conn->lingers && (got > 0 || got == TRANSPORT_AGAIN);
}

static bool arm(struct worker *worker, struct net_conn *conn, enum net_next next);

/* All who should know are told that it ends. */
static void tell(struct worker *worker, struct net_conn *conn, STATUS why)
{
	struct net *net = conn->net;

	pthread_mutex_lock(&net->lock);
	conn->visible = conn->closable = false;
	pthread_mutex_unlock(&net->lock);
	if (conn->phase == PHASE_HANDSHAKE)
		secure_failed(worker, conn, why);
	if (conn->opened)
		net->protocol->close(conn_state(conn), conn, why);
	if (conn->out == NULL)
		conn->transport->farewell(conn->transport_state);
}

/* An end that the protocol wished, or a handshake that failed: what was sent last, a reply
 * or an alert, is to arrive. */
static bool may_linger(const struct net_conn *conn, STATUS why)
{
	return (why == NOERROR || why == POSTIL_ERR_INVALID) && !conn->eof;
}

static void conn_close(struct worker *worker, struct net_conn *conn, STATUS why)
{
	bool told = conn->lingers;

	if (!told)
		tell(worker, conn, why);
	input_drop(conn);
	free(conn->out);
	conn->out = NULL;
	conn->out_n = conn->out_at = 0;
	if (!told && may_linger(conn, why) && still_sends(worker, conn)) {
		shutdown(conn->fd, SHUT_WR);
		conn->wants_out = false;
		conn->accepted_ms = clock_mono_ms();
		if (arm(worker, conn, NET_CLOSE))
			return;
	}
	finish(conn);
}

void conn_close_requested(struct worker *worker, struct net_conn *conn, uint64_t word)
{
	STATUS why;

	if (!conn_claim(worker, conn, word))
		return;
	worker->now = clock_mono_ms();
	if (word_state(word) == CONN_JOB)
		job_forget(conn);
	why = atomic_load(&conn->close_why);
	conn_close(worker, conn, why != NOERROR ? why : POSTIL_ERR_CANCEL);
}

/* Has somebody asked to close what has just been let go of as word? */
static void heed_close(struct worker *worker, struct net_conn *conn, uint64_t word)
{
	if (atomic_load(&conn->close_why) != NOERROR ||
	    (atomic_load(&worker->net->closing) && word_state(word) != CONN_JOB))
		conn_close_requested(worker, conn, word);
}

static uint64_t deadline_of(struct net_conn *conn)
{
	struct net *net = conn->net;
	uint32_t idle;

	if (conn->lingers)              /* whatever the client still sends */
		return conn->accepted_ms + LINGER_MS;
	if (conn->phase == PHASE_HANDSHAKE)
		return (conn->established ? net_conn_active_ms(conn) : conn->accepted_ms) +
			atomic_load(&net->limits.prelogin_ms);
	idle = net->protocol->idle_ms(conn_state(conn));
	if (idle == 0)
		return conn->accepted_ms + atomic_load(&net->limits.prelogin_ms);
	return atomic_load_explicit(&conn->active_ms, memory_order_relaxed) + idle;
}

static void note_established(struct net_conn *conn)
{
	struct net *net = conn->net;

	if (conn->established || conn->lingers || conn->phase == PHASE_HANDSHAKE ||
	    !net->protocol->established(conn_state(conn)))
		return;
	conn->established = true;
	pthread_mutex_lock(&net->lock);
	limit_established(conn);
	pthread_mutex_unlock(&net->lock);
}

static bool watch(struct net_conn *conn)
{
	struct epoll_event event = {
		.events = EPOLLONESHOT | (conn->wants_out ? EPOLLOUT : EPOLLIN),
		.data.u64 = (atomic_load(&conn->word) & WORD_GENERATION) | conn->slot
	};
	int how = conn->in_set ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	conn->in_set = true;
	return epoll_ctl(conn->net->epoll, how, conn->fd, &event) == 0;
}

/* Hand over to the epoll set. true: nothing more to do with conn. false: still
 * owned, because an event has come meanwhile (or because epoll failed: close_why
 * says so). The descriptor is armed while still owned, so that no
 * other thread can have closed it. */
static bool arm(struct worker *worker, struct net_conn *conn, enum net_next next)
{
	uint64_t word = atomic_load(&conn->word), armed = word_next(word, CONN_ARMED);
	uint64_t deadline = deadline_of(conn);

	conn->next = (uint8_t)next;
	note_established(conn);
	atomic_store(&conn->deadline, deadline);
	timer_want(conn->net, &conn->timer, deadline);
	if (!watch(conn)) {
		atomic_store(&conn->close_why, POSTIL_ERR_MEMORY);
		return false;
	}
	conn->worker = NULL;
	word = atomic_load(&conn->word);
	if ((word & WORD_MISSED) != 0 ||
	    !atomic_compare_exchange_strong(&conn->word, &word, armed)) {
		conn->worker = worker;
		atomic_fetch_and(&conn->word, ~WORD_MISSED);
		return false;
	}
	heed_close(worker, conn, armed);
	return true;
}

/* The protocol meets the connection. */
static enum net_next introduce(struct worker *worker, struct net_conn *conn)
{
	struct net *net = conn->net;
	enum net_next next;

	conn->opened = true;
	next = net->protocol->open(conn_state(conn), conn, &worker->out);
	pthread_mutex_lock(&net->lock);
	conn->visible = true;
	pthread_mutex_unlock(&net->lock);
	return next;
}

/* The handshake, so far as it goes. true: it is done, and the protocol has said *next.
 * false: it waits for the socket or has failed. */
static bool shake(struct worker *worker, struct net_conn *conn, STATUS status,
                  enum net_next *next)
{
	for (;;) {
		if (status == NOERROR)
			status = secure_step(worker, conn);
		if (status == NOERROR)
			status = atomic_load(&conn->close_why);
		if (status != NOERROR) {
			conn_close(worker, conn, status);
			return false;
		}
		if (conn->phase == PHASE_TLS)
			break;
		if (arm(worker, conn, NET_CONTINUE))
			return false;
	}
	turn_begin(worker, conn);
	*next = !conn->opened ? introduce(worker, conn)
		: conn->net->protocol->secured(conn_state(conn), conn, &worker->out);
	return true;
}

static STATUS park(struct worker *worker, struct net_conn *conn)
{
	uint64_t word, deadline;

	note_established(conn);
	if (worker->start_set) {
		word = word_next(atomic_load(&conn->word), CONN_JOB);
		STATUS status = job_park(worker, conn);

		if (status == NOERROR)
			heed_close(worker, conn, word);
		return status;
	}
	assert(worker->delay_set);
	word = word_next(atomic_load(&conn->word), CONN_DELAY);
	deadline = clock_mono_ms() + worker->delay_ms;
	conn->worker = NULL;
	atomic_store(&conn->deadline, deadline);
	timer_want(conn->net, &conn->timer, deadline);
	atomic_store(&conn->word, word);
	heed_close(worker, conn, word);
	return NOERROR;
}

static void linger(struct worker *worker, struct net_conn *conn)
{
	while (still_sends(worker, conn)) {
		if (arm(worker, conn, NET_CLOSE))
			return;
	}
	finish(conn);
}

/* What the socket waits for has come, perhaps. */
static STATUS look(struct worker *worker, struct net_conn *conn, enum net_next *next)
{
	turn_begin(worker, conn);
	*next = (enum net_next)conn->next;
	return conn->hungry ? turn_read(worker, conn) : NOERROR;
}

/* The connection ends before its job could be parked. */
static void drop_start(struct worker *worker, enum net_next next)
{
	if (next == NET_PARKED && worker->start_set)
		worker->start.discard(worker->start.context, POSTIL_ERR_CANCEL);
}

/* No event will tell of octets that the transport holds: they are read at once, or, when it
 * is the others' turn, after an event that comes for certain. */
static bool read_at_once(struct net_conn *conn, enum net_next next, unsigned *reads)
{
	if (!conn->hungry || !conn->transport->has_pending(conn->transport_state))
		return false;
	conn->next = (uint8_t)next;
	if ((*reads)++ < PENDING_READS)
		return true;
	conn->hungry = false;
	conn->wants_out = true;
	return false;
}

/* Go on after `next` until conn waits for the socket, is parked or has ended. */
static void drive(struct worker *worker, struct net_conn *conn, enum net_next next,
                  STATUS status)
{
	for (unsigned reads = 0;;) {
		if (status == NOERROR)
			status = turn_advance(worker, conn, &next);
		if (status == POSTIL_ERR_CLOSED && next == NET_PARKED)
			status = NOERROR;       /* what a client asked for is done though it has gone */
		if (status == NOERROR)
			status = turn_end(worker, conn, next);
		turn_forget(worker, conn);
		if (status == NOERROR)
			status = atomic_load(&conn->close_why);
		if (status != NOERROR || (next == NET_CLOSE && conn->out == NULL)) {
			drop_start(worker, next);
			conn_close(worker, conn, status);
			return;
		}
		if (next == NET_START_TLS && conn->out == NULL) {
			turn_wipe(worker, conn);
			if (!shake(worker, conn, secure_begin(worker, conn), &next))
				return;
			continue;
		}
		if (next == NET_PARKED) {
			status = park(worker, conn);
			if (status == NOERROR)
				return;
			turn_begin(worker, conn);
			next = conn->net->protocol->resume(conn_state(conn), conn, status,
				worker->start.context, &worker->out);
			status = NOERROR;
			continue;
		}
		if (!read_at_once(conn, next, &reads) && arm(worker, conn, next))
			return;
		status = look(worker, conn, &next);
	}
}

void conn_accepted(struct worker *worker, struct net_conn *conn)
{
	enum net_next next;

	if (conn->tls) {
		if (!shake(worker, conn, secure_begin(worker, conn), &next))
			return;
	} else {
		turn_begin(worker, conn);
		next = introduce(worker, conn);
	}
	drive(worker, conn, next, NOERROR);
}

void conn_resume(struct worker *worker, struct net_conn *conn, STATUS status, void *result)
{
	enum net_next next;

	worker->now = clock_mono_ms();
	turn_begin(worker, conn);
	next = conn->net->protocol->resume(conn_state(conn), conn, status, result, &worker->out);
	drive(worker, conn, next, NOERROR);
}

void conn_event(struct worker *worker, uint64_t data)
{
	struct net_conn *conn = slot_at(worker->net, (uint32_t)data);
	uint64_t word = conn == NULL ? 0 : atomic_load(&conn->word);
	enum net_next next;
	STATUS status;

	for (;;) {
		if (((word ^ data) & WORD_GENERATION) != 0 || conn == NULL)
			return;
		if (word_state(word) == CONN_OWNED) {
			if (atomic_compare_exchange_strong(&conn->word, &word, word | WORD_MISSED))
				return;
		} else if (word_state(word) != CONN_ARMED) {
			return;
		} else if (conn_claim(worker, conn, word)) {
			break;
		} else {
			word = atomic_load(&conn->word);
		}
	}
	if (conn->lingers) {
		linger(worker, conn);
		return;
	}
	if (conn->phase == PHASE_HANDSHAKE) {
		if (shake(worker, conn, NOERROR, &next))
			drive(worker, conn, next, NOERROR);
		return;
	}
	status = look(worker, conn, &next);
	drive(worker, conn, next, status);
}

void conn_expired(struct worker *worker, struct net_conn *conn, uint64_t word)
{
	if (!conn_claim(worker, conn, word))
		return;
	worker->now = clock_mono_ms();
	switch (word_state(word)) {
	case CONN_JOB:
		job_forget(conn);
		conn_resume(worker, conn, POSTIL_ERR_TIMEOUT, NULL);
		break;
	case CONN_DELAY:
		conn_resume(worker, conn, NOERROR, NULL);
		break;
	default:
		conn_close(worker, conn, POSTIL_ERR_TIMEOUT);
		break;
	}
}

void conn_sweep(struct worker *worker)
{
	struct net *net = worker->net;
	bool all = atomic_load(&net->closing);
	struct net_conn *conn;

	for (uint32_t slot = 0; (conn = slot_at(net, slot)) != NULL; slot++) {
		uint64_t word = atomic_load(&conn->word);
		enum conn_state state = word_state(word);

		if (state == CONN_FREE || state == CONN_OWNED)
			continue;
		if (atomic_load(&conn->close_why) != NOERROR || (all && state != CONN_JOB))
			conn_close_requested(worker, conn, word);
	}
}

enum net_next net_conn_delay(struct net_conn *conn, uint32_t ms)
{
	conn->worker->delay_set = true;
	conn->worker->delay_ms = ms;
	return NET_PARKED;
}

void net_conn_touch(struct net_conn *conn)
{
	atomic_store_explicit(&conn->active_ms, conn->worker->now, memory_order_relaxed);
}

uint64_t net_conn_active_ms(const struct net_conn *conn)
{
	return atomic_load_explicit(&conn->active_ms, memory_order_relaxed);
}

uint64_t net_conn_id(const struct net_conn *conn)
{
	return atomic_load(&conn->id);
}

struct net *net_conn_net(struct net_conn *conn)
{
	return conn->net;
}

void *net_conn_listener_data(const struct net_conn *conn)
{
	return conn->user_data;
}

void net_conn_peer(const struct net_conn *conn, struct net_peer *peer_r)
{
	struct sockaddr_storage local = { 0 };
	socklen_t size = sizeof(local);
	struct address address;

	*peer_r = (struct net_peer){ .port = conn->address.port, .tls = conn->tls };
	address_text(&conn->address, peer_r->text, sizeof(peer_r->text));
	if (getsockname(conn->fd, (struct sockaddr *)&local, &size) != 0)
		return;
	address_from(&address, &local);
	peer_r->local_port = address.port;
	address_text(&address, peer_r->local_text, sizeof(peer_r->local_text));
}

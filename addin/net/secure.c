/*
 * TLS between a connection and its socket: the transport over tls/, and the handshake,
 * which comes before the protocol sees anything or in the midst of it (NET_START_TLS).
 * Whoever is at the far end has proved nothing yet; tls/ bounds what it may send.
 */
#include <assert.h>
#include <stdio.h>

#include "addin/net/impl.h"
#include "base/status.h"

#define RECORDS_AT_ONCE 64      /* in one read: a client may put each octet into its own */

/* --- the transport ------------------------------------------------------------------- */

static ssize_t secure_read(void *state, int fd, void *out, size_t size)
{
	ssize_t got = 0;
	size_t n = 0;

	for (int i = 0; i < RECORDS_AT_ONCE && n < size; i++) {
		if (i > 0 && !tls_connection_has_pending(state))
			break;
		got = tls_connection_read(state, (char *)out + n, size - n);
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	if (n > 0)
		return (ssize_t)n;      /* an end or error is told again by the next read */
	switch (got) {
	case TLS_IO_READ:
		return TRANSPORT_AGAIN;
	case TLS_IO_WRITE:
		return TRANSPORT_CROSSED;
	default:
		return got == 0 ? 0 : TRANSPORT_BROKEN;
	}
}

static ssize_t secure_write(void *state, int fd, const void *p, size_t n)
{
	ssize_t sent = tls_connection_write(state, p, n);

	switch (sent) {
	case TLS_IO_WRITE:
		return TRANSPORT_AGAIN;
	case TLS_IO_READ:
		return TRANSPORT_CROSSED;
	default:
		return sent >= 0 ? sent : TRANSPORT_BROKEN;
	}
}

static bool secure_has_pending(const void *state)
{
	return tls_connection_has_pending(state);
}

static void secure_ends(void *state)
{
	tls_connection_ends(state);
}

static void secure_farewell(void *state)
{
	tls_connection_shutdown(state);
}

static void secure_release(void *state)
{
	struct tls_connection *connection = state;

	tls_connection_free(&connection);
}

static const struct transport transport_secure = {
	.read = secure_read,
	.write = secure_write,
	.has_pending = secure_has_pending,
	.ends = secure_ends,
	.farewell = secure_farewell,
	.release = secure_release,
};

const struct tls_connection *net_conn_tls(const struct net_conn *conn)
{
	return conn->phase == PHASE_TLS ? conn->transport_state : NULL;
}

/* --- what is told of those that fail -------------------------------------------------- */

static void log_failed(const struct net_conn *conn, const char *why)
{
	struct net_peer peer;

	net_conn_peer(conn, &peer);
	net_logf(conn->net, "TLS/SSL connection %s(%u) -> %s(%u) failed with %s", peer.text,
		(unsigned)peer.port, peer.local_text, (unsigned)peer.local_port, why);
}

/* NULL: nothing that an administrator should know. */
static const char *reason(const struct tls_connection *connection, STATUS why)
{
	const char *text = tls_connection_why(connection);

	if (text != NULL)
		return text;
	switch (why) {
	case POSTIL_ERR_TIMEOUT:
		return "a handshake that did not end in time";
	case POSTIL_ERR_LIMIT:
		return "a handshake that gave way to other connections";
	case POSTIL_ERR_MEMORY:
		return "too little memory";
	default:
		return NULL;            /* closed on request */
	}
}

void secure_failed(struct worker *worker, const struct net_conn *conn, STATUS why)
{
	const char *text = reason(conn->transport_state, why);

	worker_count(&worker->bad_handshakes, 1);
	if (text != NULL && !tls_connection_is_silent(conn->transport_state))
		log_failed(conn, text);
}

void secure_refused(struct worker *worker, const struct net_conn *conn, size_t octets)
{
	char text[100];

	snprintf(text, sizeof(text), "%zu octets in clear that came behind the command for TLS",
		octets);
	worker_count(&worker->bad_handshakes, 1);
	log_failed(conn, text);
}

/* --- the handshake --------------------------------------------------------------------- */

static STATUS connection_new(struct net_conn *conn, struct tls_connection **connection_r)
{
	struct tls_setup setup = { 0 };
	STATUS status;

	assert(conn->phase == PHASE_CLEAR && conn->net->protocol->tls != NULL);
	status = conn->net->protocol->tls(conn_state(conn), conn, &setup);
	if (status != NOERROR)
		return status;
	status = tls_connection_new(&setup, conn->fd, connection_r);
	tls_context_release(&setup.context);
	return status;
}

STATUS secure_begin(struct worker *worker, struct net_conn *conn)
{
	struct tls_connection *connection = NULL;
	STATUS status = connection_new(conn, &connection);

	if (status != NOERROR) {
		worker_count(&worker->bad_handshakes, 1);
		log_failed(conn, status == POSTIL_ERR_NOT_FOUND ? "no credentials for this address of ours"
			: status_text(status));
		return status;
	}
	conn->transport->release(conn->transport_state);
	conn->transport = &transport_secure;
	conn->transport_state = connection;
	conn->phase = PHASE_HANDSHAKE;
	conn->hungry = conn->eof = false;
	return NOERROR;
}

static void done(struct worker *worker, struct net_conn *conn)
{
	struct net *net = conn->net;

	conn->phase = PHASE_TLS;
	if (conn->tls)
		return;
	pthread_mutex_lock(&net->lock);
	conn->tls = true;
	limit_tls(conn);
	pthread_mutex_unlock(&net->lock);
	worker_count(&worker->accepted_tls, 1);
}

STATUS secure_step(struct worker *worker, struct net_conn *conn)
{
	switch (tls_connection_handshake(conn->transport_state)) {
	case TLS_DONE:
		done(worker, conn);
		return NOERROR;
	case TLS_WANT_READ:
		conn->wants_out = false;
		return NOERROR;
	case TLS_WANT_WRITE:
		conn->wants_out = true;
		return NOERROR;
	default:
		return POSTIL_ERR_INVALID;
	}
}

/*
 * The turn of one connection: octets read are shown to the protocol, what it
 * says is collected and sent, until something must be waited for or others
 * should have their turn. Input is hostile; it is only measured here.
 *
 * While output is unsent nothing is read and no more of a long answer is asked
 * for, so a client that does not read costs two pieces and the input of one read.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "addin/net/impl.h"

#define PRIVATE_MIN 256

void turn_begin(struct worker *worker, struct net_conn *conn)
{
	if (worker->out.size > 4 * NET_PIECE)
		buf_release(&worker->out);
	buf_clear(&worker->out);
	worker->view = conn->in != NULL ? conn->in : worker->in;
	worker->view_n = conn->in_n;
	worker->view_at = 0;
	worker->shown = 0;
	worker->step = INPUT_STEP;
	worker->moved = 0;
	worker->calls = 0;
	worker->starved = conn->hungry;
	worker->start_set = worker->delay_set = worker->crossed = false;
	conn->yields = false;
}

/* Before login there may be a password in it. */
static void wipe(const struct net_conn *conn, char *p, size_t n)
{
	if (!conn->established && n > 0)
		explicit_bzero(p, n);
}

void input_drop(struct net_conn *conn)
{
	wipe(conn, conn->in, conn->in_size);
	free(conn->in);
	conn->in = NULL;
	conn->in_n = conn->in_size = 0;
}

/* Other room for the private input; what does not fit is gone. */
static bool input_resize(struct net_conn *conn, unsigned size)
{
	char *moved = malloc(size);

	if (moved == NULL)
		return false;
	if (conn->in != NULL) {
		memcpy(moved, conn->in, conn->in_n < size ? conn->in_n : size);
		wipe(conn, conn->in, conn->in_size);
		free(conn->in);
	}
	conn->in = moved;
	conn->in_size = size;
	return true;
}

/* Private input grows by doubling, so that octets sent one by one are cheap. */
static bool private_room(struct net_conn *conn)
{
	unsigned size = conn->in_size * 2;

	if (conn->in_size - conn->in_n >= PRIVATE_MIN / 2)
		return true;
	if (size < PRIVATE_MIN)
		size = PRIVATE_MIN;
	return input_resize(conn, size);
}

STATUS turn_read(struct worker *worker, struct net_conn *conn)
{
	char *to = worker->in;
	size_t size = INPUT_OCTETS;
	ssize_t got;

	if (conn->in != NULL) {
		if (!private_room(conn))
			return POSTIL_ERR_MEMORY;
		worker->view = conn->in;
		to = conn->in + conn->in_n;
		size = conn->in_size - conn->in_n;
		if (size > INPUT_OCTETS)
			size = INPUT_OCTETS;
	}
	got = conn->transport->read(conn->transport_state, conn->fd, to, size);
	worker->crossed = got == TRANSPORT_CROSSED;
	if (got == TRANSPORT_AGAIN || worker->crossed)
		return NOERROR;
	if (got < 0)
		return POSTIL_ERR_CLOSED;
	worker->starved = false;
	conn->eof = got == 0;
	worker->view_n += (size_t)got;
	if (conn->in != NULL)
		conn->in_n += (unsigned)got;
	worker_count(&worker->octets_in, (uint64_t)got);
	return NOERROR;
}

/* *sent_r < n: the transport takes no more. */
static STATUS push(struct worker *worker, struct net_conn *conn, const char *p, size_t n,
                   size_t *sent_r)
{
	ssize_t sent = conn->transport->write(conn->transport_state, conn->fd, p, n);

	*sent_r = 0;
	worker->crossed = sent == TRANSPORT_CROSSED;
	if (sent == TRANSPORT_AGAIN || worker->crossed)
		return NOERROR;
	if (sent < 0)
		return POSTIL_ERR_CLOSED;
	*sent_r = (size_t)sent;
	worker->moved += (size_t)sent;
	worker_count(&worker->octets_out, (uint64_t)sent);
	atomic_store_explicit(&conn->active_ms, worker->now, memory_order_relaxed);
	return NOERROR;
}

/* What the transport did not take becomes private, behind what is private already. */
static STATUS keep(struct net_conn *conn, const char *p, size_t n)
{
	unsigned left = conn->out_n - conn->out_at;
	char *kept;

	if (n == 0)
		return NOERROR;
	kept = malloc(left + n);
	if (kept == NULL)
		return POSTIL_ERR_MEMORY;
	if (left > 0)
		memcpy(kept, conn->out + conn->out_at, left);
	memcpy(kept + left, p, n);
	free(conn->out);
	conn->out = kept;
	conn->out_at = 0;
	conn->out_n = left + (unsigned)n;
	return NOERROR;
}

static STATUS turn_write(struct worker *worker, struct net_conn *conn)
{
	size_t sent;
	STATUS status = push(worker, conn, conn->out + conn->out_at,
		conn->out_n - conn->out_at, &sent);

	if (status != NOERROR)
		return status;
	conn->out_at += (unsigned)sent;
	if (conn->out_at == conn->out_n) {
		free(conn->out);
		conn->out = NULL;
		conn->out_n = conn->out_at = 0;
	}
	return NOERROR;
}

/* Send what there is; last: nothing comes behind it. conn->out != NULL afterwards: the
 * transport takes no more. */
static STATUS flush(struct worker *worker, struct net_conn *conn, bool last)
{
	struct buf *out = &worker->out;
	STATUS status = buf_status(out);
	size_t sent = 0;

	if (last)
		conn->transport->ends(conn->transport_state);
	if (status == NOERROR && conn->out != NULL)
		status = turn_write(worker, conn);
	if (status == NOERROR && conn->out == NULL && out->n > 0)
		status = push(worker, conn, out->p, out->n, &sent);
	if (status == NOERROR && sent < out->n)
		status = keep(conn, out->p + sent, out->n - sent);
	buf_clear(out);
	return status;
}

/* Show the protocol a part of the input: bounded, so is what it can say to it. */
static enum net_next feed(struct worker *worker, struct net_conn *conn)
{
	size_t left = worker->view_n - worker->view_at, used = 0;
	size_t shown = left < worker->step ? left : worker->step;
	enum net_next next;

	worker->shown = shown;
	next = conn->net->protocol->input(conn_state(conn), conn,
		(struct slice){ worker->view + worker->view_at, shown }, &used, &worker->out);

	assert(used <= shown);
	worker->shown = 0;
	worker->view_at += used;
	if (used > 0 || next != NET_CONTINUE)
		worker->step = INPUT_STEP;
	else if (shown < left)
		worker->step = 2 * shown;
	else
		worker->starved = true;
	return next;
}

static bool may_go_on(const struct worker *worker, enum net_next next)
{
	return next == NET_PULL || (next == NET_CONTINUE && !worker->starved &&
		worker->view_at < worker->view_n);
}

STATUS turn_advance(struct worker *worker, struct net_conn *conn, enum net_next *next)
{
	const struct net_protocol *protocol = conn->net->protocol;

	for (;;) {
		bool more = may_go_on(worker, *next);
		bool enough = more && (worker->calls++ >= WAKE_CALLS || worker->moved >= WAKE_OCTETS);

		if (!more || enough || conn->out != NULL || worker->out.n >= FLUSH_OCTETS) {
			STATUS status = flush(worker, conn, *next == NET_CLOSE);

			if (status != NOERROR || !more || conn->out != NULL)
				return status;
			if (enough) {
				conn->yields = true;
				return NOERROR;
			}
		}
		*next = *next == NET_PULL ?
			protocol->pull(conn_state(conn), conn, &worker->out) : feed(worker, conn);
	}
}

static STATUS keep_input(struct worker *worker, struct net_conn *conn, size_t left)
{
	size_t size = conn->in == NULL ? left : left + PRIVATE_MIN;
	bool shared = conn->in == NULL;

	if (!shared && worker->view_at > 0) {
		memmove(conn->in, conn->in + worker->view_at, left);
		wipe(conn, conn->in + left, conn->in_n - left);
	}
	conn->in_n = shared ? 0 : (unsigned)left;
	if ((shared || conn->in_size > 2 * size) && !input_resize(conn, (unsigned)size))
		return POSTIL_ERR_MEMORY;
	if (shared)
		memcpy(conn->in, worker->view + worker->view_at, left);
	conn->in_n = (unsigned)left;
	return NOERROR;
}

void turn_forget(struct worker *worker, const struct net_conn *conn)
{
	if (worker->view == worker->in)
		wipe(conn, worker->in, worker->view_n);
}

void turn_wipe(struct worker *worker, struct net_conn *conn)
{
	if (conn->in != NULL)
		explicit_bzero(conn->in, conn->in_size);
	input_drop(conn);
	explicit_bzero(worker->in, sizeof(worker->in));
	if (worker->out.p != NULL)
		explicit_bzero(worker->out.p, worker->out.size);
	buf_clear(&worker->out);
}

/* What the connection waits for: usually to send what it keeps, or to read. */
static bool wants_out(const struct worker *worker, const struct net_conn *conn)
{
	if (conn->out != NULL)
		return !worker->crossed;
	return !conn->hungry || worker->crossed;
}

STATUS turn_end(struct worker *worker, struct net_conn *conn, enum net_next next)
{
	size_t left = worker->view_n - worker->view_at;

	conn->hungry = next == NET_CONTINUE && conn->out == NULL && !conn->yields;
	conn->wants_out = wants_out(worker, conn);
	if (next == NET_START_TLS && left > 0) {
		secure_refused(worker, conn, left);
		return POSTIL_ERR_INVALID;
	}
	if (next == NET_CLOSE)
		left = 0;
	if (conn->hungry && conn->eof)
		return POSTIL_ERR_CLOSED;
	if (worker->starved && left >= atomic_load(&conn->net->limits.line_octets))
		return POSTIL_ERR_TOO_LONG;
	if (left == 0)
		input_drop(conn);
	return left > 0 ? keep_input(worker, conn, left) : NOERROR;
}

bool net_conn_has_more(const struct net_conn *conn)
{
	const struct worker *worker = conn->worker;
	int waiting = 0;

	if (worker->view_at + worker->shown < worker->view_n)
		return true;
	if (conn->eof)
		return false;
	return conn->transport->has_pending(conn->transport_state) ||
	       (ioctl(conn->fd, FIONREAD, &waiting) == 0 && waiting > 0);
}

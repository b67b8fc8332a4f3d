/*
 * Requests and replies over the wire. What the host sends is distrusted: every
 * message is checked by addin/wire, and a reply that nobody waits for, or of
 * another kind than was asked, ends the link.
 */
#include "addin/runtime/link.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "addin/runtime/events.h"
#include "addin/runtime/outbox.h"
#include "addin/runtime/thread.h"
#include "base/clock.h"
#include "base/banned.h"

#define CLOSE_MS 3000   /* how long the last messages may take */

struct waiter {
	struct waiter *next;
	uint32_t id;
	enum wire_kind kind;
	bool done;
	STATUS status;
	struct link_reply *reply;       /* NULL: only the status matters */
	pthread_cond_t arrived;
};

static struct {
	int fd, signals;
	pthread_mutex_t lock;           /* guards what follows */
	pthread_cond_t ended;
	struct waiter *waiters;
	bool closed;
	atomic_bool ending;
	atomic_uint last_id;
	_Atomic uint64_t close_at;      /* monotonic ms; 0: not closing */
	pthread_mutex_t sending;
	char data_directory[PATH_MAX];
	char program_directory[PATH_MAX];
	char server_name[1024];
} self = { .fd = -1, .signals = -1, .lock = PTHREAD_MUTEX_INITIALIZER,
           .sending = PTHREAD_MUTEX_INITIALIZER };

/* --- the end ------------------------------------------------------------------- */

static void tell_ending(void)
{
	pthread_mutex_lock(&self.lock);
	atomic_store(&self.ending, true);
	pthread_cond_broadcast(&self.ended);
	pthread_mutex_unlock(&self.lock);
}

static void fail_link(void)
{
	pthread_mutex_lock(&self.lock);
	self.closed = true;
	atomic_store(&self.ending, true);
	for (struct waiter *w = self.waiters; w != NULL; w = w->next) {
		w->done = true;
		w->status = POSTIL_ERR_CLOSED;
		pthread_cond_signal(&w->arrived);
	}
	self.waiters = NULL;
	pthread_cond_broadcast(&self.ended);
	pthread_mutex_unlock(&self.lock);
	shutdown(self.fd, SHUT_RDWR);
	events_link_closed();
}

bool link_is_closed(void)
{
	bool closed;

	pthread_mutex_lock(&self.lock);
	closed = self.closed;
	pthread_mutex_unlock(&self.lock);
	return closed;
}

bool link_is_ending(void)
{
	return atomic_load(&self.ending);
}

bool link_wait_ending(uint32_t ms)
{
	struct timespec until = thread_deadline(ms);

	pthread_mutex_lock(&self.lock);
	while (!atomic_load(&self.ending))
		if (pthread_cond_timedwait(&self.ended, &self.lock, &until) == ETIMEDOUT)
			break;
	pthread_mutex_unlock(&self.lock);
	return link_is_ending();
}

/* --- sending ------------------------------------------------------------------- */

bool link_lock_sending(uint32_t ms)
{
	struct timespec until;

	if (ms == 0) {
		pthread_mutex_lock(&self.sending);
		return true;
	}
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ms / 1000;
	return pthread_mutex_timedlock(&self.sending, &until) == 0;
}

void link_unlock_sending(void)
{
	pthread_mutex_unlock(&self.sending);
}

/* As long as it takes, but not past close_at. */
static STATUS await_room(void)
{
	struct pollfd polled = { .fd = self.fd, .events = POLLOUT };
	uint64_t close_at = atomic_load(&self.close_at), now = clock_mono_ms();
	int ms = -1;

	if (close_at != 0) {
		if (now >= close_at)
			return POSTIL_ERR_TIMEOUT;
		ms = (int)(close_at - now);
	}
	return poll(&polled, 1, ms) < 0 && errno != EINTR ? POSTIL_ERR_IO : NOERROR;
}

STATUS link_send_locked(const struct wire_out *out)
{
	STATUS status;

	while ((status = wire_send(self.fd, out, NULL, 0, false)) == POSTIL_ERR_BUSY) {
		status = await_room();
		if (status != NOERROR)
			break;
	}
	return status;
}

STATUS link_send(const struct wire_out *out)
{
	STATUS status;

	link_lock_sending(0);
	status = link_send_locked(out);
	link_unlock_sending();
	return status;
}

/* --- requests ------------------------------------------------------------------ */

void link_begin(struct wire_out *out, void *p, size_t size, enum wire_kind kind)
{
	uint32_t id;

	do
		id = atomic_fetch_add(&self.last_id, 1) + 1;
	while (id == 0);
	wire_begin(out, p, size, kind, 0, id, NOERROR);
}

static STATUS enlist(struct waiter *w)
{
	STATUS status = NOERROR;

	pthread_mutex_lock(&self.lock);
	if (self.closed) {
		status = POSTIL_ERR_CLOSED;
	} else {
		w->next = self.waiters;
		self.waiters = w;
	}
	pthread_mutex_unlock(&self.lock);
	return status;
}

static struct waiter *delist(uint32_t id)
{
	for (struct waiter **at = &self.waiters; *at != NULL; at = &(*at)->next)
		if ((*at)->id == id) {
			struct waiter *w = *at;

			*at = w->next;
			return w;
		}
	return NULL;
}

static void await(struct waiter *w)
{
	pthread_mutex_lock(&self.lock);
	while (!w->done)
		pthread_cond_wait(&w->arrived, &self.lock);
	pthread_mutex_unlock(&self.lock);
}

/* What cannot be sent is answered here, unless the end of the link did it. */
static void send_request(struct waiter *w, const struct wire_out *out)
{
	STATUS status;

	link_lock_sending(0);
	outbox_drain_locked();
	status = link_send_locked(out);
	link_unlock_sending();
	if (status == NOERROR)
		return;
	pthread_mutex_lock(&self.lock);
	if (delist(w->id) != NULL) {
		w->done = true;
		w->status = status;
	}
	pthread_mutex_unlock(&self.lock);
}

STATUS link_request(struct wire_out *out, struct link_reply *reply_r)
{
	struct waiter w = { .reply = reply_r };
	struct wire_in sent;
	STATUS status;

	status = wire_end(out, WIRE_TASK);
	if (status != NOERROR)
		return status;
	wire_parse(out->p, out->n, WIRE_HOST, &sent);
	w.id = sent.id;
	w.kind = sent.kind;
	pthread_cond_init(&w.arrived, NULL);
	status = enlist(&w);
	if (status == NOERROR) {
		send_request(&w, out);
		await(&w);
		status = w.status;
	}
	pthread_cond_destroy(&w.arrived);
	return status;
}

void link_reply_release(struct link_reply *reply)
{
	free(reply->more);
	reply->more = NULL;
}

/* --- receiving ----------------------------------------------------------------- */

static void drop_descriptors(struct wire_in *in)
{
	for (size_t i = 0; i < in->fd_count; i++)
		close(in->fds[i]);
	in->fd_count = 0;
}

static STATUS keep_reply(struct link_reply *reply, struct wire_in *in)
{
	unsigned char *p = reply->small;

	reply->more = NULL;
	if (in->n > sizeof(reply->small)) {
		p = reply->more = malloc(in->n);
		if (p == NULL)
			return POSTIL_ERR_MEMORY;
	}
	if (in->n > 0)
		memcpy(p, in->p, in->n);
	reply->in = *in;
	reply->in.p = p;
	in->fd_count = 0;
	return NOERROR;
}

static STATUS take_reply(struct wire_in *in)
{
	STATUS status = NOERROR;
	struct waiter *w;

	pthread_mutex_lock(&self.lock);
	w = delist(in->id);
	if (w == NULL) {
		status = POSTIL_ERR_INVALID;
	} else if (w->kind != in->kind) {
		status = POSTIL_ERR_INVALID;
		w->status = POSTIL_ERR_CLOSED;
	} else {
		w->status = in->status;
		if (in->status == NOERROR && w->reply != NULL)
			w->status = keep_reply(w->reply, in);
	}
	if (w != NULL) {
		w->done = true;
		pthread_cond_signal(&w->arrived);
	}
	pthread_mutex_unlock(&self.lock);
	drop_descriptors(in);
	return status;
}

static STATUS take_message(struct wire_in *in)
{
	if (in->flags & WIRE_REPLY)
		return take_reply(in);
	if (in->kind == WIRE_QUIT)
		tell_ending();
	else
		events_take(in);
	return NOERROR;
}

static STATUS receive_all(void *memory)
{
	struct wire_in in;
	STATUS status;

	do {
		status = wire_receive(self.fd, WIRE_TASK, memory, &in, false);
		if (status == NOERROR)
			status = take_message(&in);
	} while (status == NOERROR);
	return status == POSTIL_ERR_BUSY ? NOERROR : status;
}

static void take_signals(void)
{
	struct signalfd_siginfo info;

	while (read(self.signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		tell_ending();
}

static void *read_wire(void *unused)
{
	static unsigned char memory[WIRE_MAX];
	struct pollfd polled[2] = {
		{ .fd = self.fd, .events = POLLIN },
		{ .fd = self.signals, .events = POLLIN },
	};
	STATUS status = NOERROR;

	while (status == NOERROR) {
		if (poll(polled, 2, -1) < 0 && errno != EINTR)
			status = POSTIL_ERR_IO;
		if (polled[1].revents != 0)
			take_signals();
		if (status == NOERROR && polled[0].revents != 0)
			status = receive_all(memory);
	}
	if (status == POSTIL_ERR_INVALID)
		fputs("The server sent what this task does not understand; the task ends\n", stderr);
	fail_link();
	return NULL;
}

/* --- opening, closing ------------------------------------------------------------ */

/* SIGTERM is a wish to end, like quit; a terminal's signals are the host's. All
 * threads inherit this. */
static void settle_signals(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	self.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static STATUS say_hello(const char *task_name)
{
	unsigned char memory[LINK_SMALL];
	struct link_reply reply;
	struct wire_out out;
	STATUS status;

	link_begin(&out, memory, sizeof(memory), WIRE_HELLO);
	wire_put_u32(&out, (uint32_t)getpid());
	wire_put_octets(&out, task_name, strnlen(task_name, WIRE_NAME_MAX));
	status = link_request(&out, &reply);
	if (status != NOERROR)
		return status;
	if (wire_get_text(&reply.in, self.data_directory, sizeof(self.data_directory)) >=
	    sizeof(self.data_directory))
		status = POSTIL_ERR_TOO_LONG;
	wire_get_text(&reply.in, self.server_name, sizeof(self.server_name));
	if (wire_get_text(&reply.in, self.program_directory, sizeof(self.program_directory)) >=
	    sizeof(self.program_directory))
		status = POSTIL_ERR_TOO_LONG;
	link_reply_release(&reply);
	return status;
}

STATUS link_open(int fd, const char *task_name)
{
	STATUS status;

	self.fd = fd;
	settle_signals();
	thread_cond_init(&self.ended);
	status = outbox_start();
	if (status == NOERROR)
		status = thread_start(read_wire, NULL, 128 * 1024);
	if (status == NOERROR)
		status = say_hello(task_name);
	return status;
}

void link_close(STATUS exit_status)
{
	unsigned char memory[LINK_SMALL];
	struct wire_out out;

	if (link_is_closed() || !link_lock_sending(CLOSE_MS))
		return;
	atomic_store(&self.close_at, clock_mono_ms() + CLOSE_MS);
	outbox_drain_locked();
	wire_begin(&out, memory, sizeof(memory), WIRE_GOODBYE, 0, 0, NOERROR);
	wire_put_u32(&out, exit_status);
	if (wire_end(&out, WIRE_TASK) == NOERROR)
		link_send_locked(&out);
	link_unlock_sending();
}

const char *link_data_directory(void)
{
	return self.data_directory;
}

const char *link_program_directory(void)
{
	return self.program_directory;
}

const char *link_server_name(void)
{
	return self.server_name;
}

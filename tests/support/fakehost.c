/* The host's end of a wire, for tests. */
#include "tests/support/fakehost.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/unit.h"

struct fakehost {
	int fd, wake[2];
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct buf record;
	size_t packets;
	bool paused, closed, stop;
	fakehost_fn answer;
	void *context;
};

/* The message in the making; the fake host's thread and the test's each have one. */
static _Thread_local struct {
	unsigned char memory[WIRE_MAX];
	struct wire_out out;
} own;

/* --- the record ------------------------------------------------------------------- */

static void write_octets(struct buf *b, struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		buf_addf(b, "%02x", (unsigned char)s.p[i]);
}

static void write_log(struct buf *b, struct wire_in in)
{
	while (!wire_at_end(&in)) {
		uint32_t severity = wire_get_u32(&in), flags = wire_get_u32(&in);

		wire_get_u64(&in);
		buf_addf(b, "log %u %u ", severity, flags);
		buf_add_slice(b, wire_get_slice(&in));
		buf_add_char(b, '\n');
	}
}

static void write_stat(struct buf *b, struct wire_in in)
{
	while (!wire_at_end(&in)) {
		buf_add_str(b, "stat ");
		buf_add_slice(b, wire_get_slice(&in));
		buf_add_char(b, '.');
		buf_add_slice(b, wire_get_slice(&in));
		buf_addf(b, " %u", wire_get_u32(&in));
		buf_addf(b, " %u ", wire_get_u32(&in));
		write_octets(b, wire_get_slice(&in));
		buf_add_char(b, '\n');
	}
}

/* What letters the fields of the others are. */
static const char *fields_of(const struct wire_in *in)
{
	switch (in->kind) {
	case WIRE_HELLO:
	case WIRE_STATUS_NEW:
	case WIRE_STATUS_SET:
		return "us";
	case WIRE_STAT_DELETE:
	case WIRE_STAT_RESET:
	case WIRE_ENV_SET:
		return "ss";
	case WIRE_STAT_LIST:
		return "ssss";
	case WIRE_ENV_GET:
		return "s";
	case WIRE_ENV_SEQNO:
		return "";
	case WIRE_MQ_CREATE:
		return "suu";
	case WIRE_MQ_OPEN:
		return "su";
	case WIRE_MQ_PUT:
		return "uus";
	case WIRE_MQ_GET:
		return "uuu";
	case WIRE_MQ_SCAN:
		return "uuq";
	case WIRE_MQ_REMOVE:
		return "uq";
	case WIRE_LISTEN:
	case WIRE_UNLISTEN:
		return "ssu";
	case WIRE_LISTEN_LOCAL:
		return "ssus";
	case WIRE_LOAD_PROGRAM:
		return "sssu";
	case WIRE_LIST_SESSIONS:
		return in->status == NOERROR ? "qssuuuuu" : "";
	default:
		return in->status == NOERROR ? "u" : "";
	}
}

static void write_fields(struct buf *b, struct wire_in in)
{
	const char *fields = fields_of(&in);

	buf_add_str(b, wire_kind_name(in.kind));
	if (in.flags & WIRE_REPLY)
		buf_addf(b, " reply%s 0x%04X", in.flags & WIRE_MORE ? " more" : "", in.status);
	do
		for (const char *f = fields; *f != '\0'; f++) {
			buf_add_char(b, ' ');
			if (*f == 'u')
				buf_addf(b, "%u", wire_get_u32(&in));
			else if (*f == 'q')
				buf_addf(b, "%llu", (unsigned long long)wire_get_u64(&in));
			else
				buf_add_slice(b, wire_get_slice(&in));
		}
	while (!wire_at_end(&in));
	buf_add_char(b, '\n');
}

static void write_down(struct fakehost *host, const struct wire_in *in)
{
	pthread_mutex_lock(&host->lock);
	host->packets++;
	if (in->kind == WIRE_LOG)
		write_log(&host->record, *in);
	else if (in->kind == WIRE_STAT_UPDATE)
		write_stat(&host->record, *in);
	else
		write_fields(&host->record, *in);
	pthread_cond_broadcast(&host->changed);
	pthread_mutex_unlock(&host->lock);
}

/* --- answering -------------------------------------------------------------------- */

static struct wire_out *begin(enum wire_kind kind, uint32_t id, unsigned flags, STATUS status)
{
	wire_begin(&own.out, own.memory, sizeof(own.memory), kind, flags, id, status);
	return &own.out;
}

struct wire_out *fakehost_reply(struct fakehost *host, enum wire_kind kind, uint32_t id,
                                unsigned flags, STATUS status)
{
	return begin(kind, id, WIRE_REPLY | flags, status);
}

struct wire_out *fakehost_message(struct fakehost *host, enum wire_kind kind, uint32_t id)
{
	return begin(kind, id, 0, NOERROR);
}

void fakehost_send(struct fakehost *host)
{
	ck_assert_int_eq(wire_end(&own.out, WIRE_HOST), NOERROR);
	wire_send(host->fd, &own.out, NULL, 0, true);
}

void fakehost_send_octets(struct fakehost *host, const void *p, size_t n)
{
	ck_assert_int_eq(send(host->fd, p, n, MSG_NOSIGNAL), (ssize_t)n);
}

static void answer(struct fakehost *host, struct wire_in *in)
{
	struct wire_in copy = *in;
	struct wire_out *out;

	if ((in->flags & WIRE_REPLY) || !wire_has_reply(in->kind))
		return;
	if (host->answer != NULL && host->answer(host->context, host, &copy))
		return;
	if (in->kind == WIRE_HELLO) {
		out = fakehost_reply(host, in->kind, in->id, 0, NOERROR);
		wire_put_text(out, "/data");
		wire_put_text(out, "Alpha/Acme");
		wire_put_text(out, "/programs");
	} else {
		fakehost_reply(host, in->kind, in->id, 0, POSTIL_ERR_NOT_FOUND);
	}
	fakehost_send(host);
}

static bool wait_readable(struct fakehost *host)
{
	struct pollfd polled[2];
	bool paused, stop;
	char c;

	for (;;) {
		pthread_mutex_lock(&host->lock);
		paused = host->paused;
		stop = host->stop;
		pthread_mutex_unlock(&host->lock);
		if (stop)
			return false;
		polled[0] = (struct pollfd){ .fd = host->wake[0], .events = POLLIN };
		polled[1] = (struct pollfd){ .fd = paused ? -1 : host->fd, .events = POLLIN };
		if (poll(polled, 2, -1) < 0)
			continue;
		if (polled[0].revents != 0 && read(host->wake[0], &c, 1) == 1)
			continue;
		if (polled[1].revents != 0)
			return true;
	}
}

static void *run(void *context)
{
	struct fakehost *host = context;
	unsigned char *memory = malloc(WIRE_MAX);
	struct wire_in in;

	while (wait_readable(host) &&
	       wire_receive(host->fd, WIRE_HOST, memory, &in, true) == NOERROR) {
		write_down(host, &in);
		answer(host, &in);
	}
	free(memory);
	pthread_mutex_lock(&host->lock);
	host->closed = true;
	pthread_cond_broadcast(&host->changed);
	pthread_mutex_unlock(&host->lock);
	return NULL;
}

/* --- for the test ------------------------------------------------------------------- */

/* The host would be another process: no signal of the task's comes to its thread. */
static void start_thread(struct fakehost *host)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ck_assert_int_eq(pthread_create(&host->thread, NULL, run, host), 0);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct fakehost *fakehost_start(fakehost_fn fn, void *context, int *task_fd_r)
{
	struct fakehost *host = calloc(1, sizeof(*host));
	int ends[2];

	ck_assert_ptr_nonnull(host);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	ck_assert_int_eq(pipe(host->wake), 0);
	host->fd = ends[0];
	host->answer = fn;
	host->context = context;
	pthread_mutex_init(&host->lock, NULL);
	pthread_cond_init(&host->changed, NULL);
	start_thread(host);
	*task_fd_r = ends[1];
	return host;
}

static void wake(struct fakehost *host)
{
	ck_assert_int_eq(write(host->wake[1], "w", 1), 1);
}

void fakehost_stop(struct fakehost **at)
{
	struct fakehost *host = *at;

	pthread_mutex_lock(&host->lock);
	host->stop = true;
	pthread_mutex_unlock(&host->lock);
	wake(host);
	pthread_join(host->thread, NULL);
	close(host->fd);
	close(host->wake[0]);
	close(host->wake[1]);
	buf_release(&host->record);
	free(host);
	*at = NULL;
}

int fakehost_fd(const struct fakehost *host)
{
	return host->fd;
}

void fakehost_pause(struct fakehost *host, bool paused)
{
	pthread_mutex_lock(&host->lock);
	host->paused = paused;
	pthread_mutex_unlock(&host->lock);
	wake(host);
}

static bool holds(struct fakehost *host, const char *text)
{
	return text == NULL ? host->closed : strstr(buf_cstr(&host->record), text) != NULL;
}

static bool wait_until(struct fakehost *host, const char *text, unsigned ms)
{
	struct timespec until;
	bool found;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&host->lock);
	while (!(found = holds(host, text)) && !(text != NULL && host->closed))
		if (pthread_cond_timedwait(&host->changed, &host->lock, &until) == ETIMEDOUT)
			break;
	found = holds(host, text);
	pthread_mutex_unlock(&host->lock);
	return found;
}

bool fakehost_wait(struct fakehost *host, const char *text, unsigned ms)
{
	return wait_until(host, text, ms);
}

bool fakehost_wait_closed(struct fakehost *host, unsigned ms)
{
	return wait_until(host, NULL, ms);
}

size_t fakehost_count(struct fakehost *host, const char *text)
{
	size_t count = 0;

	pthread_mutex_lock(&host->lock);
	for (const char *p = buf_cstr(&host->record); (p = strstr(p, text)) != NULL; p += strlen(text))
		count++;
	pthread_mutex_unlock(&host->lock);
	return count;
}

size_t fakehost_packets(struct fakehost *host)
{
	size_t packets;

	pthread_mutex_lock(&host->lock);
	packets = host->packets;
	pthread_mutex_unlock(&host->lock);
	return packets;
}

char *fakehost_record(struct fakehost *host)
{
	char *copy;

	pthread_mutex_lock(&host->lock);
	copy = strdup(buf_cstr(&host->record));
	pthread_mutex_unlock(&host->lock);
	return copy;
}

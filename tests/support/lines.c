/* The engine's test protocol and its client; see lines.h. */
#include "tests/support/lines.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/unit.h"

#define WAIT_MS 10000

uint32_t lines_idle_ms = 60000;
_Atomic unsigned lines_opened, lines_closed, lines_run, lines_discarded, lines_cancelled,
	lines_frozen;
_Atomic unsigned lines_closed_why[0x10000];
char lines_hashes[4096];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t thawed = PTHREAD_COND_INITIALIZER;
static bool frozen;

struct state {
	uint64_t big;           /* octets left of a long answer */
	uint64_t spin;
	bool login;
};

struct work {
	bool freeze;
	unsigned ms;
	char name[16];
};

uint64_t lines_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void lines_freeze(void)
{
	pthread_mutex_lock(&lock);
	frozen = true;
	pthread_mutex_unlock(&lock);
}

void lines_thaw(void)
{
	pthread_mutex_lock(&lock);
	frozen = false;
	pthread_cond_broadcast(&thawed);
	pthread_mutex_unlock(&lock);
}

static STATUS work_run(void *context)
{
	struct work *work = context;

	if (work->freeze) {
		pthread_mutex_lock(&lock);
		atomic_fetch_add(&lines_frozen, 1);
		while (frozen)
			pthread_cond_wait(&thawed, &lock);
		atomic_fetch_sub(&lines_frozen, 1);
		pthread_mutex_unlock(&lock);
	}
	if (work->ms > 0)
		usleep(work->ms * 1000);
	if (work->name[0] != '\0') {
		pthread_mutex_lock(&lock);
		snprintf(lines_hashes + strlen(lines_hashes),
			sizeof(lines_hashes) - strlen(lines_hashes), "%s", work->name);
		pthread_mutex_unlock(&lock);
	}
	atomic_fetch_add(&lines_run, 1);
	return NOERROR;
}

static void work_discard(void *context, STATUS status)
{
	free(context);
	if (status == POSTIL_ERR_CANCEL)
		atomic_fetch_add(&lines_cancelled, 1);
	atomic_fetch_add(&lines_discarded, 1);
}

static struct net_job job_of(enum net_job_class class, bool freeze, unsigned ms, const char *name,
                             uint32_t deadline_ms)
{
	struct work *work = calloc(1, sizeof(*work));

	ck_assert_ptr_nonnull(work);
	work->freeze = freeze;
	work->ms = ms;
	snprintf(work->name, sizeof(work->name), "%s", name);
	return (struct net_job){ .class = class, .deadline_ms = deadline_ms, .run = work_run,
		.discard = work_discard, .context = work };
}

static enum net_next lines_open(void *state, struct net_conn *conn, struct buf *out)
{
	struct state *s = state;

	ck_assert(s->big == 0 && !s->login);
	atomic_fetch_add(&lines_opened, 1);
	buf_add_str(out, "hello\n");
	return NET_CONTINUE;
}

static enum net_next command(struct state *s, struct net_conn *conn, char *line, struct buf *out)
{
	struct net_job job;
	char *argument = strchr(line, ' ');
	unsigned number = 0;

	if (argument != NULL)
		*argument++ = '\0';
	else
		argument = line + strlen(line);
	number = (unsigned)strtoul(argument, NULL, 10);
	net_conn_touch(conn);
	if (net_is_ending(net_conn_net(conn))) {
		buf_add_str(out, "ending\n");
		return NET_CLOSE;
	}
	if (strcmp(line, "ECHO") == 0)
		buf_addf(out, "%s\n", argument);
	else if (strcmp(line, "NAP") == 0)
		return net_conn_delay(conn, number);
	else if (strcmp(line, "BIG") == 0) {
		s->big = number;
		return NET_PULL;
	} else if (strcmp(line, "SPIN") == 0) {
		s->spin = number;
		return NET_PULL;
	} else if (strcmp(line, "LOGIN") == 0) {
		s->login = true;
		buf_add_str(out, "in\n");
	} else if (strcmp(line, "STORE") == 0) {
		job = job_of(NET_JOB_STORE, false, number, "", 0);
		return net_job_start(conn, &job);
	} else if (strcmp(line, "FREEZE") == 0 || strcmp(line, "STUCK") == 0) {
		job = job_of(line[0] == 'F' ? NET_JOB_STORE : NET_JOB_HASH, true, 0, "", number);
		return net_job_start(conn, &job);
	} else if (strcmp(line, "HASH") == 0) {
		job = job_of(NET_JOB_HASH, false, 2, argument, 0);
		return net_job_start(conn, &job);
	} else if (strcmp(line, "RACE") == 0) {
		job = job_of(NET_JOB_STORE, false, number, "", number);
		return net_job_start(conn, &job);
	} else if (strcmp(line, "DETACH") == 0) {
		job = job_of(NET_JOB_STORE, false, 0, "", 0);
		net_detach(net_conn_net(conn), &job);
		buf_add_str(out, "detached\n");
	} else if (strcmp(line, "QUIT") == 0) {
		buf_add_str(out, "bye\n");
		return NET_CLOSE;
	} else {
		buf_add_str(out, "what?\n");
	}
	return NET_CONTINUE;
}

static enum net_next lines_input(void *state, struct net_conn *conn, struct slice in,
                                 size_t *used_r, struct buf *out)
{
	enum net_next next = NET_CONTINUE;
	const char *end;

	while (next == NET_CONTINUE &&
	       (end = memchr(in.p + *used_r, '\n', in.n - *used_r)) != NULL) {
		char line[256];
		size_t n = (size_t)(end - in.p) - *used_r;

		snprintf(line, sizeof(line), "%.*s", (int)n, in.p + *used_r);
		*used_r += n + 1;
		next = command(state, conn, line, out);
	}
	return next;
}

static enum net_next lines_pull(void *state, struct net_conn *conn, struct buf *out)
{
	struct state *s = state;
	size_t n = s->big < NET_PIECE ? s->big : NET_PIECE;

	if (s->spin > 0) {
		buf_add_str(out, --s->spin == 0 ? "\n" : "x");
		return s->spin == 0 ? NET_CONTINUE : NET_PULL;
	}
	if (buf_reserve(out, n) == NOERROR) {
		memset(out->p + out->n, 'B', n);
		out->n += n;
	}
	s->big -= n;
	if (s->big > 0)
		return NET_PULL;
	buf_add_char(out, '\n');
	return NET_CONTINUE;
}

static enum net_next lines_resume(void *state, struct net_conn *conn, STATUS status, void *result,
                                  struct buf *out)
{
	ck_assert(status != POSTIL_ERR_TIMEOUT || result == NULL);
	if (status == NOERROR)
		buf_add_str(out, result != NULL ? "done\n" : "woke\n");
	else
		buf_add_str(out, status == POSTIL_ERR_TIMEOUT ? "late\n" : "full\n");
	free(result);
	return NET_CONTINUE;
}

static void lines_close(void *state, struct net_conn *conn, STATUS why)
{
	atomic_fetch_add(&lines_closed_why[why], 1);
	atomic_fetch_add(&lines_closed, 1);
}

static uint32_t idle_ms(void *state)
{
	return ((struct state *)state)->login ? lines_idle_ms : 0;
}

static bool established(void *state)
{
	return ((struct state *)state)->login;
}

const struct net_protocol lines_protocol = {
	.state_octets = sizeof(struct state),
	.open = lines_open,
	.input = lines_input,
	.pull = lines_pull,
	.resume = lines_resume,
	.close = lines_close,
	.idle_ms = idle_ms,
	.established = established,
};

static socklen_t address_of(const char *text, int port, struct sockaddr_storage *address_r)
{
	struct sockaddr_in *in = (struct sockaddr_in *)address_r;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)address_r;

	memset(address_r, 0, sizeof(*address_r));
	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)port);
		return sizeof(*in);
	}
	ck_assert_int_eq(inet_pton(AF_INET6, text, &in6->sin6_addr), 1);
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons((uint16_t)port);
	return sizeof(*in6);
}

int lines_listen(const char *address)
{
	struct sockaddr_storage a;
	socklen_t size = address_of(address, 0, &a);
	int fd = socket(a.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, size), 0);
	ck_assert_int_eq(listen(fd, 4096), 0);
	return fd;
}

int lines_port(int fd)
{
	struct sockaddr_storage a;
	socklen_t size = sizeof(a);

	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &size), 0);
	return ntohs(a.ss_family == AF_INET ? ((struct sockaddr_in *)&a)->sin_port :
		((struct sockaddr_in6 *)&a)->sin6_port);
}

void lines_start(struct lines *lines, const struct net_options *options)
{
	struct fault fault = { 0 };
	int fd = lines_listen("127.0.0.1");
	STATUS status;

	lines->port = lines_port(fd);
	status = net_new(options, &lines_protocol, &lines->net, &fault);
	ck_assert_msg(status == NOERROR, "%s", fault.text);
	status = net_start(lines->net, &fault);
	ck_assert_msg(status == NOERROR, "%s", fault.text);
	status = net_listen(lines->net, fd, false, NULL, &lines->listener, &fault);
	ck_assert_msg(status == NOERROR, "%s", fault.text);
}

STATUS lines_stop(struct lines *lines)
{
	STATUS status = net_end(lines->net);

	net_free(&lines->net);
	return status;
}

int lines_dial(const char *from, int port)
{
	struct sockaddr_storage a;
	socklen_t size = address_of(from, 0, &a);
	int fd = socket(a.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool is_4 = a.ss_family == AF_INET;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, size), 0);
	size = address_of(is_4 ? "127.0.0.1" : "::1", port, &a);
	ck_assert_msg(connect(fd, (struct sockaddr *)&a, size) == 0, "connect: %s",
		strerror(errno));
	return fd;
}

int lines_connect(int port)
{
	int fd = lines_dial("127.0.0.1", port);

	ck_assert_str_eq(lines_hear(fd), "hello");
	return fd;
}

void lines_say(int fd, const char *text)
{
	ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

const char *lines_hear(int fd)
{
	static _Thread_local char line[1024];
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t n = 0;

	while (n < sizeof(line) - 1) {
		ssize_t got;

		if (poll(&p, 1, WAIT_MS) != 1)
			return "(nothing)";
		got = recv(fd, line + n, 1, 0);
		if (got < 0)
			return "(reset)";
		if (got == 0 || line[n] == '\n')
			break;
		n++;
	}
	line[n] = '\0';
	return line;
}

void lines_talk(int fd, const char *say, const char *hear)
{
	const char *heard;

	lines_say(fd, say);
	heard = lines_hear(fd);
	ck_assert_msg(strcmp(heard, hear) == 0, "to %s came '%s', not '%s'", say, heard, hear);
}

bool lines_ended(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char octet;

	return poll(&p, 1, ms) == 1 && recv(fd, &octet, 1, MSG_DONTWAIT) <= 0;
}

bool lines_wait(const _Atomic unsigned *value, unsigned wanted)
{
	for (uint64_t end = lines_now_ms() + WAIT_MS; lines_now_ms() < end;) {
		if (atomic_load(value) == wanted)
			return true;
		usleep(1000);
	}
	return false;
}

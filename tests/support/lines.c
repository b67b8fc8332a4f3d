/* The engine's test protocol and its client; see lines.h. */
#include "tests/support/lines.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>

#include "tests/support/servercert.h"
#include "tests/support/unit.h"

#define WAIT_MS 10000
#define DESCRIPTORS 65536

bool lines_over_tls;
struct tls_context *lines_context;
_Atomic unsigned lines_secured;
_Atomic uint64_t lines_shaking;

uint32_t lines_idle_ms = 60000;
_Atomic unsigned lines_opened, lines_closed, lines_run, lines_discarded, lines_cancelled,
	lines_frozen;
_Atomic unsigned lines_closed_why[0x10000];
char lines_hashes[4096];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t thawed = PTHREAD_COND_INITIALIZER;
static bool frozen;
static struct buf logged;
static SSL *ssls[DESCRIPTORS];
static SSL_CTX *client_ctx;

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

bool lines_memory_tells(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
	return false;
#else
	return true;
#endif
#else
	return true;
#endif
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
	} else if (strcmp(line, "STARTTLS") == 0) {
		buf_add_str(out, "begin");
		for (unsigned i = 0; i < number; i++)
			buf_add_char(out, 'S');
		buf_add_char(out, '\n');
		return NET_START_TLS;
	} else if (strcmp(line, "TLS") == 0) {
		const struct tls_connection *tls = net_conn_tls(conn);
		struct net_peer peer;

		net_conn_peer(conn, &peer);
		ck_assert(peer.tls == (tls != NULL));
		buf_addf(out, "%s\n", tls == NULL ? "clear" : tls_connection_version(tls));
	} else if (strcmp(line, "PEER") == 0) {
		struct net_peer peer;

		net_conn_peer(conn, &peer);
		buf_addf(out, "%s %s\n", peer.text, peer.local_text);
	} else if (strcmp(line, "MORE") == 0) {
		buf_add_str(out, net_conn_has_more(conn) ? "more\n" : "none\n");
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

static STATUS lines_tls(void *state, struct net_conn *conn, struct tls_setup *setup_r)
{
	atomic_store(&lines_shaking, net_conn_id(conn));
	if (lines_context == NULL)
		return POSTIL_ERR_NOEXIST;
	*setup_r = (struct tls_setup){ .context = tls_context_share(lines_context),
		.binding = { "lines", 5 } };
	return NOERROR;
}

static enum net_next secured(void *state, struct net_conn *conn, struct buf *out)
{
	memset(state, 0, sizeof(struct state));
	atomic_fetch_add(&lines_secured, 1);
	return NET_CONTINUE;
}

static void closed(void *state, struct net_conn *conn, STATUS why)
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
	.tls = lines_tls,
	.secured = secured,
	.open = lines_open,
	.input = lines_input,
	.pull = lines_pull,
	.resume = lines_resume,
	.close = closed,
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

static int serve(struct lines *lines, bool tls)
{
	struct net_listener *listener = NULL;
	struct fault fault = { 0 };
	int fd = lines_listen("127.0.0.1"), port = lines_port(fd);
	STATUS status = net_listen(lines->net, fd, tls, NULL, &listener, &fault);

	ck_assert_msg(status == NOERROR, "%s", fault.text);
	if (lines->listener == NULL)
		lines->listener = listener;
	return port;
}

static void start(struct lines *lines, const struct net_options *options)
{
	struct fault fault = { 0 };
	STATUS status = net_new(options, &lines_protocol, &lines->net, &fault);

	ck_assert_msg(status == NOERROR, "%s", fault.text);
	status = net_start(lines->net, &fault);
	ck_assert_msg(status == NOERROR, "%s", fault.text);
	lines->listener = NULL;
	lines->tls_port = 0;
}

void lines_start(struct lines *lines, const struct net_options *options)
{
	start(lines, options);
	if (lines_over_tls)
		lines_context = servercert_context();
	lines->port = serve(lines, lines_over_tls);
}

void lines_start_tls(struct lines *lines, const struct net_options *options)
{
	start(lines, options);
	lines_context = servercert_context();
	lines->port = serve(lines, false);
	lines->tls_port = serve(lines, true);
}

STATUS lines_stop(struct lines *lines)
{
	STATUS status = net_end(lines->net);

	net_free(&lines->net);
	tls_context_release(&lines_context);
	SSL_CTX_free(client_ctx);
	client_ctx = NULL;
	pthread_mutex_lock(&lock);
	buf_release(&logged);
	pthread_mutex_unlock(&lock);
	return status;
}

void lines_log(void *context, const char *text)
{
	pthread_mutex_lock(&lock);
	buf_addf(&logged, "%s\n", text);
	pthread_mutex_unlock(&lock);
}

unsigned lines_logged(const char *text)
{
	const char *at, *end;
	unsigned n = 0;

	pthread_mutex_lock(&lock);
	for (at = buf_cstr(&logged); (end = strchr(at, '\n')) != NULL; at = end + 1)
		n += memmem(at, (size_t)(end - at), text, strlen(text)) != NULL;
	pthread_mutex_unlock(&lock);
	return n;
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

	if (lines_over_tls)
		lines_secure(fd, TLS1_3_VERSION);
	ck_assert_str_eq(lines_hear(fd), "hello");
	return fd;
}

SSL *lines_ssl(int fd)
{
	return fd >= 0 && fd < DESCRIPTORS ? ssls[fd] : NULL;
}

void lines_secure(int fd, int version)
{
	struct timeval wait = { .tv_sec = WAIT_MS / 1000 };
	SSL *ssl;

	signal(SIGPIPE, SIG_IGN);       /* libssl does not ask the kernel to be spared it */
	ck_assert_int_lt(fd, DESCRIPTORS);
	ck_assert_ptr_null(ssls[fd]);
	if (client_ctx == NULL)
		client_ctx = SSL_CTX_new(TLS_client_method());
	ssl = SSL_new(client_ctx);
	ck_assert_ptr_nonnull(ssl);
	ck_assert_int_eq(SSL_set_max_proto_version(ssl, version), 1);
	ck_assert_int_eq(SSL_set_fd(ssl, fd), 1);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	ck_assert_msg(SSL_connect(ssl) == 1, "handshake: %s",
		ERR_reason_error_string(ERR_peek_last_error()));
	ssls[fd] = ssl;
}

ssize_t lines_send(int fd, const void *p, size_t n)
{
	size_t sent = 0;

	if (lines_ssl(fd) == NULL)
		return send(fd, p, n, MSG_NOSIGNAL);
	ERR_clear_error();
	return SSL_write_ex(lines_ssl(fd), p, n, &sent) == 1 ? (ssize_t)sent : -1;
}

ssize_t lines_recv(int fd, void *p, size_t n)
{
	SSL *ssl = lines_ssl(fd);
	size_t got = 0;

	if (ssl == NULL)
		return recv(fd, p, n, 0);
	ERR_clear_error();
	if (SSL_read_ex(ssl, p, n, &got) == 1)
		return (ssize_t)got;
	return SSL_get_error(ssl, 0) == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

void lines_half_close(int fd)
{
	if (lines_ssl(fd) != NULL)
		SSL_shutdown(lines_ssl(fd));
	shutdown(fd, SHUT_WR);
}

void lines_close(int fd)
{
	SSL_free(lines_ssl(fd));
	ssls[fd] = NULL;
	close(fd);
}

/* Is there something to read within ms? */
static bool readable(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return (lines_ssl(fd) != NULL && SSL_has_pending(lines_ssl(fd)) == 1) || poll(&p, 1, ms) == 1;
}

void lines_say(int fd, const char *text)
{
	ck_assert_int_eq(lines_send(fd, text, strlen(text)), (ssize_t)strlen(text));
}

const char *lines_hear(int fd)
{
	static _Thread_local char line[1024];
	size_t n = 0;

	while (n < sizeof(line) - 1) {
		ssize_t got;

		if (!readable(fd, WAIT_MS))
			return "(nothing)";
		got = lines_recv(fd, line + n, 1);
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
	char octet;

	return readable(fd, ms) && lines_recv(fd, &octet, 1) <= 0;
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

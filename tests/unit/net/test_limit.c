/* Limits and who gives way; time-outs; descriptors that run out; the end. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "addin/net/impl.h"
#include "tests/support/lines.h"
#include "tests/support/unit.h"

static struct lines lines;

static void stop(void)
{
	ck_assert_int_eq(lines_stop(&lines), NOERROR);
	ck_assert_uint_eq(lines_opened, lines_closed);
}

START_TEST(per_address)
{
	const struct net_options options = { .max_per_address = 3, .refused_line = "sorry\n" };
	struct net_counters counters;
	int fds[4], fd;

	lines_start(&lines, &options);
	for (int i = 0; i < 3; i++)
		fds[i] = lines_connect(lines.port);
	fd = lines_dial("127.0.0.1", lines.port);
	ck_assert_str_eq(lines_hear(fd), "sorry");
	ck_assert_str_eq(lines_hear(fd), "");
	close(fd);
	fds[3] = lines_dial("127.0.0.2", lines.port);
	ck_assert_str_eq(lines_hear(fds[3]), "hello");
	close(fds[0]);
	ck_assert(lines_wait(&lines_closed, 1));
	fds[0] = lines_connect(lines.port);
	net_counters(lines.net, &counters);
	ck_assert_uint_eq(counters.refused, 1);
	ck_assert_uint_eq(counters.active, 4);
	for (int i = 0; i < 4; i++)
		close(fds[i]);
	stop();
}
END_TEST

START_TEST(one_address)
{
	static const struct {
		const char *a, *b;
		bool same;
	} cases[] = {
		{ "192.0.2.1", "192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.2", false },
		{ "192.0.2.1", "::ffff:192.0.2.1", true },
		{ "::ffff:192.0.2.1", "::ffff:192.0.2.2", false },
		{ "2001:db8:0:1::1", "2001:db8:0:1:ffff:ffff:ffff:ffff", true },
		{ "2001:db8:0:1::1", "2001:db8:0:2::1", false },
		{ "::1", "127.0.0.1", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *text[2] = { cases[i].a, cases[i].b };
		uint8_t key[2][16];

		for (int j = 0; j < 2; j++) {
			struct sockaddr_storage from = { 0 };
			struct address address;

			if (inet_pton(AF_INET, text[j], &((struct sockaddr_in *)&from)->sin_addr) == 1)
				from.ss_family = AF_INET;
			else if (inet_pton(AF_INET6, text[j], &((struct sockaddr_in6 *)&from)->sin6_addr) == 1)
				from.ss_family = AF_INET6;
			address_from(&address, &from);
			address_key(&address, key[j]);
		}
		ck_assert_msg((memcmp(key[0], key[1], 16) == 0) == cases[i].same, "%s and %s",
			text[0], text[1]);
	}
}
END_TEST

/* Clients of a UNIX socket have no address: none of them is counted against it. */
START_TEST(unix_socket)
{
	const struct net_options options = { .max_per_address = 1, .refused_line = "sorry\n" };
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	struct net_listener *listener;
	char *dir = unit_tempdir();
	struct fault fault;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), fds[3];

	snprintf(name.sun_path, sizeof(name.sun_path), "%s/s", dir);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	ck_assert_int_eq(listen(fd, 10), 0);
	lines_start(&lines, &options);
	ck_assert_uint_eq(net_listen(lines.net, fd, false, NULL, &listener, &fault), NOERROR);
	for (int i = 0; i < 3; i++) {
		fds[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		ck_assert_int_eq(connect(fds[i], (struct sockaddr *)&name, sizeof(name)), 0);
		ck_assert_str_eq(lines_hear(fds[i]), "hello");
		lines_talk(fds[i], "PEER\n", "local local");
	}
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	stop();
	unit_tempdir_remove(&dir);
}
END_TEST

/* Full: of the address that holds most, the newest before login gives way. */
START_TEST(gives_way)
{
	const struct net_options options = { .max_connections = 6, .refused_line = "full\n" };
	int a[3], b[2], c, d, e;

	lines_start(&lines, &options);
	for (int i = 0; i < 3; i++) {
		a[i] = lines_dial("127.0.0.2", lines.port);
		ck_assert_str_eq(lines_hear(a[i]), "hello");
	}
	for (int i = 0; i < 2; i++) {
		b[i] = lines_dial("127.0.0.3", lines.port);
		ck_assert_str_eq(lines_hear(b[i]), "hello");
	}
	lines_talk(a[2], "LOGIN\n", "in");
	c = lines_connect(lines.port);
	lines_talk(c, "LOGIN\n", "in");
	d = lines_connect(lines.port);          /* a[1]: a[2] has logged in */
	ck_assert(lines_ended(a[1], 5000));
	lines_talk(a[0], "ECHO x\n", "x");
	lines_talk(a[2], "ECHO x\n", "x");
	for (int i = 0; i < 2; i++)
		lines_talk(b[i], "LOGIN\n", "in");
	lines_talk(d, "LOGIN\n", "in");
	e = lines_connect(lines.port);          /* a[0]: the last before login */
	ck_assert(lines_ended(a[0], 5000));
	lines_talk(e, "LOGIN\n", "in");
	close(a[1]);
	a[1] = lines_dial("127.0.0.1", lines.port);     /* nobody gives way */
	ck_assert_str_eq(lines_hear(a[1]), "full");
	ck_assert_uint_eq(lines_closed_why[POSTIL_ERR_LIMIT], 2);
	close(a[0]), close(a[1]), close(a[2]), close(b[0]), close(b[1]), close(c), close(d), close(e);
	stop();
}
END_TEST

/* One who is about to run a job, or waits, gives way as well. */
START_TEST(gives_way_parked)
{
	const struct net_options options = { .max_connections = 3, .workers = 6,
		.grace_ms = 200 };
	int fds[6];

	lines_start(&lines, &options);
	lines_freeze();
	for (int i = 0; i < 6; i++) {
		fds[i] = lines_connect(lines.port);
		lines_say(fds[i], i % 2 == 0 ? "FREEZE 0\n" : "NAP 60000\n");
		usleep(2000);
	}
	for (int i = 2; i < 5; i++)
		ck_assert(lines_ended(fds[i], 5000));
	ck_assert(!lines_ended(fds[0], 0) && !lines_ended(fds[1], 0) && !lines_ended(fds[5], 0));
	lines_thaw();
	ck_assert_str_eq(lines_hear(fds[0]), "done");
	for (int i = 0; i < 6; i++)
		close(fds[i]);
	stop();
}
END_TEST

START_TEST(idle)
{
	const struct net_options options = { .prelogin_ms = 1000 };
	uint64_t before = lines_now_ms();
	int fd, in;

	lines_idle_ms = 2000;
	lines_start(&lines, &options);
	fd = lines_connect(lines.port);
	in = lines_connect(lines.port);
	lines_talk(in, "LOGIN\n", "in");
	while (lines_now_ms() - before < 300) { /* commands do not help before login, nor octets after */
		usleep(20000);
		lines_talk(fd, "ECHO x\n", "x");
	}
	ck_assert(lines_ended(fd, 5000));
	ck_assert_uint_ge(lines_now_ms() - before, 995);
	lines_talk(in, "ECHO x\n", "x");
	before = lines_now_ms();
	while (!lines_ended(in, 50))
		send(in, "o", 1, MSG_NOSIGNAL);
	ck_assert_uint_ge(lines_now_ms() - before, 1990);
	ck_assert_uint_lt(lines_now_ms() - before, 10000);
	close(fd);
	close(in);
	ck_assert_uint_eq(lines_closed_why[POSTIL_ERR_TIMEOUT], 2);
	stop();
}
END_TEST

/* While output moves a client is not idle; a client that takes nothing is. */
START_TEST(idle_while_output_moves)
{
	const struct net_options options = { 0 };
	static char piece[262144];
	int fd, small = 8192;
	uint64_t before;

	lines_idle_ms = 1000;
	lines_start(&lines, &options);
	fd = lines_connect(lines.port);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	lines_talk(fd, "LOGIN\n", "in");
	lines_say(fd, "BIG 1000000000\n");
	for (before = lines_now_ms(); lines_now_ms() - before < 2500;) {
		ssize_t got = recv(fd, piece, sizeof(piece), 0);

		ck_assert_int_gt(got, 0);
		usleep(20000);
	}
	ck_assert(lines_wait(&lines_closed, 1));        /* now nothing is taken */
	ck_assert_uint_eq(lines_closed_why[POSTIL_ERR_TIMEOUT], 1);
	close(fd);
	stop();
}
END_TEST

START_TEST(delayed)
{
	const struct net_options options = { .workers = 4 };
	int fds[200];
	uint64_t before;

	lines_start(&lines, &options);
	for (int i = 0; i < 200; i++)
		fds[i] = lines_connect(lines.port);
	before = lines_now_ms();
	for (int i = 0; i < 200; i++)
		lines_say(fds[i], i % 2 == 0 ? "NAP 150\n" : "NAP 60\n");
	for (int i = 1; i < 200; i += 2)
		ck_assert_str_eq(lines_hear(fds[i]), "woke");
	ck_assert_uint_ge(lines_now_ms() - before, 58);
	for (int i = 0; i < 200; i += 2)
		ck_assert_str_eq(lines_hear(fds[i]), "woke");
	ck_assert_uint_ge(lines_now_ms() - before, 148);
	for (int i = 0; i < 200; i++)
		close(fds[i]);
	stop();
}
END_TEST

static _Atomic unsigned complaints;

static void complain(void *context, const char *text)
{
	ck_assert_ptr_nonnull(strstr(text, "open"));
	atomic_fetch_add(&complaints, 1);
}

static uint64_t cpu_us(void)
{
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	return (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 +
		(uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

/* No more descriptors: the newcomer is told, nothing spins, and it goes on. */
START_TEST(descriptors_run_out)
{
	const struct net_options options = { .refused_line = "later\n", .log = complain };
	struct rlimit limit;
	int spare[64], spares = 0, fd, waiting[8];
	uint64_t before;

	lines_start(&lines, &options);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	for (int i = 0; i < 8; i++) {   /* made before there are no more */
		waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		ck_assert_int_ge(waiting[i], 0);
	}
	fd = lines_connect(lines.port);
	limit.rlim_cur = 48;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	while (spares < 64 && (spare[spares] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
		spares++;
	ck_assert_int_lt(spares, 64);
	for (int i = 0; i < 8; i++) {
		struct sockaddr_in to = { .sin_family = AF_INET,
			.sin_port = htons((uint16_t)lines.port),
			.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

		ck_assert_int_eq(connect(waiting[i], (struct sockaddr *)&to, sizeof(to)), 0);
		ck_assert_str_eq(lines_hear(waiting[i]), "later");
	}
	before = cpu_us();
	usleep(200000);
	ck_assert_uint_lt(cpu_us() - before, 100000);
	lines_talk(fd, "ECHO here\n", "here");
	while (spares > 0)
		close(spare[--spares]);
	for (int i = 0; i < 8; i++)
		close(waiting[i]);
	close(lines_connect(lines.port));
	ck_assert_uint_eq(complaints, 1);
	close(fd);
	stop();
}
END_TEST

/* Connections leave the files alone that sessions need; also when told anew. */
START_TEST(files_are_kept)
{
	struct net_options options = { .max_connections = 100, .files_each = 1,
		.files_kept = 60, .log = complain };
	struct rlimit limit;
	int fds[3];

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max = 64;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	lines_start(&lines, &options);
	ck_assert_uint_eq(complaints, 1);
	net_set_options(lines.net, &options);
	for (int i = 0; i < 3; i++)     /* there is room for two: the newest gives way */
		fds[i] = lines_connect(lines.port);
	ck_assert(lines_wait(&lines_closed_why[POSTIL_ERR_LIMIT], 1));
	lines_talk(fds[0], "ECHO first\n", "first");
	lines_talk(fds[2], "ECHO last\n", "last");
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	options.files_kept = 64;
	net_set_options(lines.net, &options);
	ck_assert_uint_eq(atomic_load(&lines.net->limits.max_connections), 1);
	options.files_kept = 0;
	net_set_options(lines.net, &options);
	ck_assert_uint_eq(atomic_load(&lines.net->limits.max_connections), 100);
	stop();
}
END_TEST

/* Another process may hold the listening socket: ended here, it is not watched
 * any more, and can be served again. */
/* What accepted sockets take over from the listening one. */
static const struct {
	int level, name, value;
} inherited[] = {
	{ SOL_SOCKET, SO_KEEPALIVE, 1 },
	{ IPPROTO_TCP, TCP_KEEPIDLE, 60 },
	{ IPPROTO_TCP, TCP_KEEPINTVL, 10 },
	{ IPPROTO_TCP, TCP_KEEPCNT, 3 },
	{ IPPROTO_TCP, TCP_USER_TIMEOUT, 60000 },
	{ IPPROTO_TCP, TCP_NODELAY, 1 },
};

static int option_of(int fd, int level, int name)
{
	int value = -1;
	socklen_t size = sizeof(value);

	ck_assert_int_eq(getsockopt(fd, level, name, &value, &size), 0);
	return value;
}

START_TEST(listener_shared)
{
	const struct net_options options = { 0 };
	struct fault fault = { 0 };
	struct net_listener *again = NULL;
	int held = lines_listen("127.0.0.1"), copy = dup(held), port = lines_port(held), fd;

	lines_start(&lines, &options);
	ck_assert_int_eq(net_listen(lines.net, copy, false, NULL, &again, &fault), NOERROR);
	close(lines_connect(port));
	ck_assert(lines_wait(&lines_closed, 1));
	net_unlisten(lines.net, &again);
	fd = lines_dial("127.0.0.1", port);
	ck_assert(!lines_ended(fd, 50));        /* waits in the backlog */
	ck_assert_int_eq(net_listen(lines.net, dup(held), false, NULL, &again, &fault), NOERROR);
	ck_assert_str_eq(lines_hear(fd), "hello");
	close(fd);
	for (size_t i = 0; i < sizeof(inherited) / sizeof(inherited[0]); i++)
		ck_assert_int_eq(option_of(held, inherited[i].level, inherited[i].name), inherited[i].value);
	ck_assert_int_eq(net_listen(lines.net, dup(lines.net->epoll), false, NULL, &again, &fault),
		POSTIL_ERR_INVALID);
	close(held);
	stop();
}
END_TEST

static void *end_it(void *context)
{
	*(STATUS *)context = lines_stop(&lines);
	return NULL;
}

/* While it ends: the idle hear of it at their next command or nothing at all, a
 * long answer and jobs are finished, newcomers wait for the next process. */
START_TEST(ends_in_order)
{
	const struct net_options options = { .grace_ms = 3000, .workers = 6 };
	STATUS status = POSTIL_ERR_CANCEL;
	int idle_one, asking, reading, working, small = 65536;
	static char piece[65536];
	pthread_t thread;
	ssize_t got;
	size_t n = 0;

	lines_start(&lines, &options);
	idle_one = lines_connect(lines.port);
	asking = lines_connect(lines.port);
	reading = lines_connect(lines.port);
	working = lines_connect(lines.port);
	setsockopt(reading, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	lines_say(reading, "BIG 20000000\nECHO no more\n");
	lines_freeze();
	lines_say(working, "FREEZE 0\n");
	ck_assert(lines_wait(&lines_frozen, 1));
	ck_assert_int_eq(pthread_create(&thread, NULL, end_it, &status), 0);
	while (!net_is_ending(lines.net))
		usleep(1000);
	ck_assert(!lines_ended(idle_one, 0));
	lines_talk(asking, "ECHO x\n", "ending");
	ck_assert(lines_ended(asking, 5000));
	while (n < 20000001 && (got = recv(reading, piece, sizeof(piece), 0)) > 0)
		n += (size_t)got;
	ck_assert_uint_ge(n, 20000001);
	ck_assert(lines_ended(idle_one, 10000));        /* and nothing was said */
	usleep(100000);
	lines_thaw();
	ck_assert_str_eq(lines_hear(working), "done");
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_int_eq(status, NOERROR);
	ck_assert_uint_eq(lines_opened, lines_closed);
	ck_assert_uint_eq(lines_discarded, 0);
	close(idle_one), close(asking), close(reading), close(working);
}
END_TEST

/* A job that never returns does not keep net_end. */
START_TEST(ends_with_frozen_job)
{
	const struct net_options options = { .grace_ms = 200 };
	int fd;

	lines_start(&lines, &options);
	lines_freeze();
	fd = lines_connect(lines.port);
	lines_say(fd, "FREEZE 0\n");
	ck_assert(lines_wait(&lines_frozen, 1));
	ck_assert_int_eq(lines_stop(&lines), POSTIL_ERR_TIMEOUT);
	close(fd);
	lines_thaw();
	ck_assert(lines_wait(&lines_closed, 1));
}
END_TEST

static _Atomic bool storm_over;

static void note_id(void *context, struct net_conn *conn, void *state)
{
	uint64_t *id = context;

	if (*id == 0 || net_conn_id(conn) % 7 == 0)
		*id = net_conn_id(conn);
}

static void *close_at_random(void *context)
{
	while (!atomic_load(&storm_over)) {
		struct net_counters counters;
		uint64_t id = 0;

		net_each(lines.net, note_id, &id);
		net_close_conn(lines.net, id, POSTIL_ERR_CANCEL);
		net_counters(lines.net, &counters);
		usleep(700);
	}
	return NULL;
}

static void *talk_at_random(void *context)
{
	static const char *const say[] = { "ECHO x\n", "STORE 1\n", "HASH h\n", "NAP 2\n",
		"BIG 100000\n", "LOGIN\n", "RACE 1\n", "QUIT\n" };
	unsigned n = (unsigned)(uintptr_t)context;

	while (!atomic_load(&storm_over)) {
		int fd = lines_dial("127.0.0.1", lines.port);

		for (int i = 0; i < 6; i++) {
			n = n * 1103515245 + 12345;
			if (send(fd, say[n / 65536 % 8], strlen(say[n / 65536 % 8]), MSG_NOSIGNAL) < 0)
				break;
			if (n / 256 % 4 != 0 && lines_hear(fd)[0] == '\0')
				break;
		}
		close(fd);
	}
	return NULL;
}

/* Everything at once: closers, deadlines, limits, jobs. */
START_TEST(storm)
{
	const struct net_options options = { .max_connections = 5, .prelogin_ms = 20,
		.refused_line = "full\n", .workers = 6, .grace_ms = 2000 };
	pthread_t threads[9];

	lines_idle_ms = 15;
	lines_start(&lines, &options);
	ck_assert_int_eq(pthread_create(&threads[0], NULL, close_at_random, NULL), 0);
	for (uintptr_t i = 1; i < 9; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, talk_at_random, (void *)i), 0);
	usleep(1500000);
	atomic_store(&storm_over, true);
	for (int i = 0; i < 9; i++)
		pthread_join(threads[i], NULL);
	stop();
}
END_TEST

UNIT_MAIN("limit", per_address, one_address, unix_socket, gives_way, gives_way_parked, idle,
          idle_while_output_moves, delayed, descriptors_run_out, listener_shared, ends_in_order,
          ends_with_frozen_job, storm, files_are_kept)

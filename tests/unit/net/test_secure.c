/* TLS: handshakes that succeed, fail, or never end; the change from clear to TLS. */
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "addin/net/impl.h"
#include "tests/support/lines.h"
#include "tests/support/unit.h"

static struct lines lines;

static void start_with(struct net_options options)
{
	options.log = lines_log;
	lines_start_tls(&lines, &options);
}

static void start(void)
{
	start_with((struct net_options){ 0 });
}

static void stop(void)
{
	struct net_counters counters;

	ck_assert_int_eq(net_end(lines.net), NOERROR);
	net_counters(lines.net, &counters);
	ck_assert_uint_eq(counters.active, 0);
	ck_assert_uint_eq(counters.active_tls, 0);
	ck_assert_int_eq(lines_stop(&lines), NOERROR);
	ck_assert_uint_eq(lines_opened, lines_closed);
}

static struct net_counters counted(void)
{
	struct net_counters counters;

	net_counters(lines.net, &counters);
	return counters;
}

static bool wait_bad(uint64_t wanted)
{
	for (uint64_t end = lines_now_ms() + 10000; lines_now_ms() < end; usleep(1000))
		if (counted().bad_handshakes == wanted && counted().active == 0)
			return true;
	return false;
}

static bool wait_active(unsigned wanted)
{
	for (uint64_t end = lines_now_ms() + 10000; lines_now_ms() < end; usleep(1000))
		if (counted().active == wanted)
			return true;
	return false;
}

/* Over TLS from the first octet; the greeting has been read. */
static int connect_tls(int version)
{
	int fd = lines_dial("127.0.0.1", lines.tls_port);

	lines_secure(fd, version);
	ck_assert_str_eq(lines_hear(fd), "hello");
	return fd;
}

static void cork(int fd, int corked)
{
	ck_assert_int_eq(setsockopt(fd, IPPROTO_TCP, TCP_CORK, &corked, sizeof(corked)), 0);
}

/* A whole first record with a hello, of TLS 1.3 as libssl says it. */
static size_t hello(uint8_t *out, size_t size, int version)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	BIO *sent = BIO_new(BIO_s_mem());
	SSL *ssl;
	int n;

	SSL_CTX_set_min_proto_version(ctx, version);
	SSL_CTX_set_max_proto_version(ctx, version);
	SSL_CTX_set_security_level(ctx, 0);
	ssl = SSL_new(ctx);
	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), sent);
	ck_assert_int_le(SSL_connect(ssl), 0);
	n = BIO_read(sent, out, (int)size);
	ck_assert_int_gt(n, 50);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	return (size_t)n;
}

START_TEST(versions)
{
	static const struct {
		int version;
		const char *name;
	} cases[] = { { TLS1_2_VERSION, "TLSv1.2" }, { TLS1_3_VERSION, "TLSv1.3" } };

	start();
	for (size_t i = 0; i < 2; i++) {
		int fd = connect_tls(cases[i].version);

		lines_talk(fd, "TLS\n", cases[i].name);
		lines_talk(fd, "ECHO x\n", "x");
		lines_talk(fd, "STORE 1\n", "done");
		lines_talk(fd, "QUIT\n", "bye");
		ck_assert_int_eq(lines_recv(fd, (char[1]){ 0 }, 1), 0);         /* close_notify */
		lines_close(fd);
		ck_assert(wait_active(0));              /* the peak counts both otherwise */
	}
	ck_assert_uint_eq(counted().accepted, 0);
	ck_assert_uint_eq(counted().accepted_tls, 2);
	ck_assert_uint_eq(counted().peak_tls, 1);
	ck_assert_uint_eq(counted().bad_handshakes, 0);
	ck_assert_uint_eq(lines_logged(""), 0);
	stop();
}
END_TEST

/* Segments with octets that have come. */
static unsigned segments(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);

	ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size), 0);
	return info.tcpi_data_segs_in;
}

/* The last reply and close_notify; the kernel holds octets for a fifth of a second alone, so
 * on a busy machine there may be two attempts or three. */
START_TEST(ends_in_one_segment)
{
	unsigned came = 0;

	start();
	for (int i = 0; i < 5 && came != 1; i++) {
		int fd = connect_tls(TLS1_3_VERSION);
		unsigned before = segments(fd);

		lines_talk(fd, "QUIT\n", "bye");
		ck_assert_int_eq(lines_recv(fd, (char[1]){ 0 }, 1), 0);
		came = segments(fd) - before;
		lines_close(fd);
	}
	ck_assert_uint_eq(came, 1);
	stop();
}
END_TEST

START_TEST(starttls)
{
	int other, fd;

	start();
	other = lines_connect(lines.port);
	fd = lines_connect(lines.port);
	lines_talk(fd, "TLS\n", "clear");
	ck_assert_uint_eq(counted().active_tls, 0);
	lines_talk(fd, "STARTTLS 0\n", "begin");
	lines_secure(fd, TLS1_3_VERSION);
	lines_talk(fd, "TLS\n", "TLSv1.3");             /* and no greeting before it */
	lines_talk(other, "TLS\n", "clear");
	ck_assert_uint_eq(lines_secured, 1);
	ck_assert_uint_eq(lines_opened, 2);
	ck_assert_uint_eq(counted().accepted, 2);
	ck_assert_uint_eq(counted().accepted_tls, 1);
	ck_assert_uint_eq(counted().active, 2);
	ck_assert_uint_eq(counted().active_tls, 1);
	lines_talk(fd, "LOGIN\n", "in");
	lines_talk(fd, "QUIT\n", "bye");
	ck_assert_int_eq(lines_recv(fd, (char[1]){ 0 }, 1), 0);
	ck_assert(wait_active(1));
	ck_assert_uint_eq(counted().active_tls, 0);
	ck_assert_uint_eq(counted().peak_tls, 1);
	lines_close(fd);
	lines_close(other);
	stop();
}
END_TEST

/* All of the answer goes out in clear, however slowly, and then comes the handshake. */
START_TEST(starttls_behind_much)
{
	static char piece[65536];
	int fd, small = 65536;
	size_t n = 0;

	start();
	fd = lines_connect(lines.port);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	lines_say(fd, "STARTTLS 9000000\n");
	while (n < 5 + 9000000 + 1) {
		size_t left = 5 + 9000000 + 1 - n;
		ssize_t got = recv(fd, piece, left < sizeof(piece) ? left : sizeof(piece), 0);

		ck_assert_int_gt(got, 0);
		ck_assert(memchr(piece, SSL3_RT_HANDSHAKE, (size_t)got) == NULL);
		n += (size_t)got;
	}
	ck_assert_int_eq(piece[0], 'S');
	lines_secure(fd, TLS1_3_VERSION);
	lines_talk(fd, "TLS\n", "TLSv1.3");
	lines_close(fd);
	stop();
}
END_TEST

/* What comes in the same segment is refused, whatever it is. */
START_TEST(starttls_and_more)
{
	uint8_t text[1000] = "STARTTLS 0\n";
	size_t n = hello(text + 11, sizeof(text) - 11, TLS1_3_VERSION);
	char wanted[100];
	int fd;

	start();
	fd = lines_connect(lines.port);
	lines_say(fd, "STARTTLS 0\nECHO x\n");
	ck_assert_str_eq(lines_hear(fd), "begin");
	ck_assert_str_eq(lines_hear(fd), "");
	snprintf(wanted, sizeof(wanted), "TLS/SSL connection 127.0.0.1(%d) -> 127.0.0.1(%d) failed "
		"with 7 octets in clear", lines_port(fd), lines.port);
	lines_close(fd);
	ck_assert(wait_bad(1));
	ck_assert_uint_eq(lines_logged(wanted), 1);
	fd = lines_connect(lines.port);
	ck_assert_int_eq(send(fd, text, 11 + n, 0), (ssize_t)(11 + n));
	ck_assert_str_eq(lines_hear(fd), "begin");
	ck_assert_str_eq(lines_hear(fd), "");
	lines_close(fd);
	ck_assert(wait_bad(2));
	ck_assert_uint_eq(lines_logged("octets in clear"), 2);
	ck_assert_uint_eq(lines_closed_why[POSTIL_ERR_INVALID], 2);
	ck_assert_uint_eq(lines_secured, 0);
	stop();
}
END_TEST

START_TEST(starttls_and_more_later)
{
	int fd;

	start();
	fd = lines_connect(lines.port);
	lines_talk(fd, "STARTTLS 0\n", "begin");
	lines_say(fd, "ECHO x\n");
	ck_assert_int_eq(lines_hear(fd)[0], SSL3_RT_ALERT);
	ck_assert(lines_ended(fd, 5000));
	lines_close(fd);
	ck_assert(wait_bad(1));
	ck_assert_uint_eq(lines_logged("failed with rejected unknown record type"), 1);
	ck_assert_uint_eq(lines_closed_why[POSTIL_ERR_INVALID], 1);
	stop();
}
END_TEST

START_TEST(starttls_and_gone)
{
	int fd;

	start();
	fd = lines_connect(lines.port);
	lines_talk(fd, "STARTTLS 0\n", "begin");
	lines_close(fd);
	ck_assert(wait_bad(1));
	ck_assert_uint_eq(lines_logged(""), 0);
	ck_assert_uint_eq(lines_closed, 1);
	stop();
}
END_TEST

static void forgets(bool after_login)
{
	int fd;

	start();
	fd = lines_connect(lines.port);
	if (after_login)
		lines_talk(fd, "LOGIN\n", "in");
	lines_say(fd, "ECHO sesame\nSTARTTLS 0\n");
	ck_assert_str_eq(lines_hear(fd), "sesame");
	ck_assert_str_eq(lines_hear(fd), "begin");
	lines_secure(fd, TLS1_3_VERSION);
	for (unsigned i = 0; i < lines.net->workers_started; i++) {
		const struct worker *worker = lines.net->workers[i];

		ck_assert_ptr_null(memmem(worker->in, INPUT_OCTETS, "sesame", 6));
		if (worker->out.p != NULL)
			ck_assert_ptr_null(memmem(worker->out.p, worker->out.size, "sesame", 6));
	}
	lines_close(fd);
	stop();
}

/* Nothing of what was said in clear stays in buffers that others use. */
START_TEST(starttls_forgets)
{
	forgets(false);
}
END_TEST

START_TEST(starttls_forgets_after_login)
{
	forgets(true);
}
END_TEST

/* No TLS at all, or none that we speak; an alert, an end and a line in the log. */
START_TEST(refused)
{
	static const struct {
		const char *octets;
		size_t n;
		const char *why;
	} cases[] = {
		{ "QUIT\r\n", 6, "rejected unknown record type" },
		{ "G", 1, "rejected unknown record type" },
		{ "\x80\x2e\x01\x00\x02", 5, "rejected SSLv2 connection" },
		{ "\x16\x02", 2, "rejected unknown record type" },
		{ "\x16\x03\x01\xff\xff", 5, "a first record that is too long" },
		{ "\x16\x03\x01\x00\x01", 5, "a first record without a hello" },
		{ "\x16\x03\x01\x02\x00\x02", 6, "a first record without a hello" },
		{ "\x16\x03\x01\x02\x00\x01\x01\x00\x00", 9, "a hello that is too long" },
	};
	uint8_t old[1000];
	char rest[20] = "";
	size_t n = 0;
	int fd;

	start();
	for (; n < sizeof(cases) / sizeof(cases[0]); n++) {
		unsigned before = lines_logged(cases[n].why);

		fd = lines_dial("127.0.0.1", lines.tls_port);
		ck_assert_int_eq(send(fd, cases[n].octets, cases[n].n, 0), (ssize_t)cases[n].n);
		ck_assert_int_eq(recv(fd, rest, sizeof(rest), 0), 7);
		ck_assert_int_eq(rest[0], SSL3_RT_ALERT);
		ck_assert(lines_ended(fd, 5000));
		lines_close(fd);
		ck_assert(wait_bad(n + 1));
		ck_assert_msg(lines_logged(cases[n].why) == before + 1, "%s", cases[n].why);
	}
	fd = lines_dial("127.0.0.1", lines.tls_port);
	ck_assert_int_gt(send(fd, old, hello(old, sizeof(old), TLS1_VERSION), 0), 0);
	ck_assert_int_eq(recv(fd, rest, sizeof(rest), 0), 7);
	ck_assert_int_eq(rest[6], SSL_AD_PROTOCOL_VERSION);
	lines_close(fd);
	ck_assert(wait_bad(n + 1));
	ck_assert_uint_eq(lines_logged("failed with a protocol version below TLS 1.2"), 1);
	ck_assert_uint_eq(lines_logged("failed with"), n + 1);
	ck_assert_uint_eq(lines_opened, 0);
	stop();
}
END_TEST

/* Noise behind a good beginning, as much as one likes. */
START_TEST(garbage)
{
	uint8_t noise[20000];
	uint32_t seed = 995;
	size_t n;

	start();
	for (unsigned i = 0; i < 50; i++) {
		int fd = lines_dial("127.0.0.1", lines.tls_port);

		n = hello(noise, 1000, TLS1_3_VERSION);
		for (size_t at = i % 2 == 0 ? n : 40 + i; at < sizeof(noise); at++)
			noise[at] = (uint8_t)((seed = seed * 1664525 + 1013904223) >> 24);
		send(fd, noise, sizeof(noise), MSG_NOSIGNAL);
		lines_half_close(fd);
		while (recv(fd, noise, sizeof(noise), 0) > 0)
			continue;
		lines_close(fd);
	}
	ck_assert(wait_bad(50));
	ck_assert_uint_eq(lines_logged("failed with"), 50);
	stop();
}
END_TEST

START_TEST(silent)
{
	uint8_t octets[1000];
	int fd;

	start();
	lines_close(lines_dial("127.0.0.1", lines.tls_port));
	ck_assert(wait_bad(1));
	ck_assert_uint_eq(lines_logged(""), 0);
	fd = lines_dial("127.0.0.1", lines.tls_port);
	hello(octets, sizeof(octets), TLS1_3_VERSION);
	ck_assert_int_eq(send(fd, octets, 1, 0), 1);
	lines_close(fd);
	ck_assert(wait_bad(2));
	ck_assert_uint_eq(lines_logged("failed with a handshake that the client broke off"), 1);
	ck_assert_uint_eq(lines_opened, 0);
	stop();
}
END_TEST

/* As many as there may be (both ends of each are ours), up to 5,000. */
static unsigned many(void)
{
	struct rlimit files;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	return files.rlim_cur > 10200 ? 5000 : (unsigned)(files.rlim_cur - 200) / 2;
}

/* Thousands that begin and never end: they cost little, others do not wait for them, and at
 * the deadline all are gone. */
START_TEST(half_open)
{
	static int fds[5000];
	const uint32_t deadline_ms = 6000;
	unsigned n = many();
	uint64_t begun = lines_now_ms(), slowest = 0;
	uint8_t octets[1000];
	size_t length = hello(octets, sizeof(octets), TLS1_3_VERSION);
	long kib;

	start_with((struct net_options){ .max_connections = 6000, .prelogin_ms = deadline_ms });
	lines_close(connect_tls(TLS1_3_VERSION));
	kib = unit_resident_kib();
	for (unsigned i = 0; i < n; i++) {
		fds[i] = lines_dial("127.0.0.1", lines.tls_port);
		if (i % 5 != 0)         /* a fifth is silent */
			ck_assert_int_gt(send(fds[i], octets, i % (length - 1) + 1, 0), 0);
	}
	ck_assert(wait_active(n));
	kib = unit_resident_kib() - kib;
	for (int i = 0; i < 20; i++) {
		uint64_t before = lines_now_ms();

		lines_close(connect_tls(TLS1_3_VERSION));
		if (lines_now_ms() - before > slowest)
			slowest = lines_now_ms() - before;
	}
	ck_assert_uint_eq(counted().peak_tls, counted().peak);
	ck_assert_msg(kib < (long)n * 3 || !lines_memory_tells(), "%ld KiB for %u", kib, n);
	ck_assert_msg(slowest < 1000, "%lu ms for one handshake", (unsigned long)slowest);
	for (unsigned i = 0; i < n; i++) {
		ck_assert(lines_ended(fds[i], 20000));
		lines_close(fds[i]);
	}
	ck_assert_uint_ge(lines_now_ms() - begun, deadline_ms);
	ck_assert(wait_bad(n));
	ck_assert_uint_eq(lines_logged("failed with a handshake that did not end in time"), n - (n + 4) / 5);
	stop();
}
END_TEST

START_TEST(hello_octet_by_octet)
{
	uint8_t octets[1000], answer[5];
	size_t n = hello(octets, sizeof(octets), TLS1_3_VERSION);
	int fd, one = 1;

	start();
	fd = lines_dial("127.0.0.1", lines.tls_port);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	for (size_t i = 0; i < n; i++) {
		ck_assert_int_eq(recv(fd, answer, 1, MSG_DONTWAIT), -1);
		ck_assert_int_eq(send(fd, octets + i, 1, 0), 1);
		usleep(200);
	}
	ck_assert_int_eq(recv(fd, answer, 5, MSG_WAITALL), 5);
	ck_assert_int_eq(answer[0], SSL3_RT_HANDSHAKE);
	lines_close(fd);
	ck_assert(wait_bad(1));
	stop();
}
END_TEST

/* Each octet in a record of its own, thousands of them at once. */
START_TEST(small_records)
{
	const char *text = "ECHO abcdefghijklmnopqrstuvwxyz\n";
	int fd;

	start();
	fd = connect_tls(TLS1_3_VERSION);
	for (int i = 0; i < 100; i++) {
		if (i % 10 == 0)
			cork(fd, 1);
		for (const char *p = text; *p != '\0'; p++)
			ck_assert_int_eq(lines_send(fd, p, 1), 1);
		if (i % 10 == 9)
			cork(fd, 0);
	}
	for (int i = 0; i < 100; i++)
		ck_assert_str_eq(lines_hear(fd), "abcdefghijklmnopqrstuvwxyz");
	lines_close(fd);
	stop();
}
END_TEST

START_TEST(key_update)
{
	static char piece[65536];
	size_t n = 0;
	int fd;

	start();
	fd = connect_tls(TLS1_3_VERSION);
	for (int i = 0; i < 40; i++) {
		ck_assert_int_eq(SSL_key_update(lines_ssl(fd),
			i % 2 == 0 ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED), 1);
		lines_talk(fd, "ECHO x\n", "x");
	}
	lines_say(fd, "BIG 20000000\n");
	for (int i = 0; n < 20000001; i++) {    /* and in the midst of a long answer */
		ssize_t got = lines_recv(fd, piece, sizeof(piece));

		ck_assert_int_gt(got, 0);
		n += (size_t)got;
		if (i % 100 != 0)
			continue;
		ck_assert_int_eq(SSL_key_update(lines_ssl(fd), SSL_KEY_UPDATE_REQUESTED), 1);
		ck_assert_int_eq(SSL_do_handshake(lines_ssl(fd)), 1);
	}
	lines_talk(fd, "ECHO y\n", "y");
	lines_close(fd);
	stop();
}
END_TEST

/* Without close_notify: what was said is done and answered, and it is an ordinary end. */
START_TEST(ends_without_a_word)
{
	int fd;

	start();
	fd = connect_tls(TLS1_3_VERSION);
	lines_say(fd, "NAP 20\nECHO x\nECHO cut");
	shutdown(fd, SHUT_WR);
	ck_assert_str_eq(lines_hear(fd), "woke");
	ck_assert_str_eq(lines_hear(fd), "x");
	ck_assert_int_eq(lines_recv(fd, (char[1]){ 0 }, 1), 0);
	lines_close(fd);
	ck_assert(lines_wait(&lines_closed, 1));
	ck_assert_uint_eq(lines_closed_why[POSTIL_ERR_CLOSED], 1);
	ck_assert_uint_eq(lines_logged(""), 0);
	stop();
}
END_TEST

/* Ends that are ours come with close_notify. */
START_TEST(times_out)
{
	int fd;

	start_with((struct net_options){ .prelogin_ms = 300 });
	fd = connect_tls(TLS1_3_VERSION);
	ck_assert_int_eq(lines_recv(fd, (char[1]){ 0 }, 1), 0);
	lines_close(fd);
	ck_assert_uint_eq(lines_closed_why[POSTIL_ERR_TIMEOUT], 1);
	ck_assert_uint_eq(lines_logged(""), 0);
	stop();
}
END_TEST

/* The deadline runs from accept, not from the command. */
START_TEST(starttls_times_out)
{
	uint64_t begun = lines_now_ms();
	int fd;

	start_with((struct net_options){ .prelogin_ms = 600 });
	fd = lines_connect(lines.port);
	lines_talk(fd, "NAP 400\n", "woke");
	lines_talk(fd, "STARTTLS 0\n", "begin");
	ck_assert_int_eq(send(fd, "\x16", 1, 0), 1);
	ck_assert(lines_ended(fd, 5000));
	ck_assert_uint_ge(lines_now_ms() - begun, 600);
	ck_assert_uint_lt(lines_now_ms() - begun, 980);
	lines_close(fd);
	ck_assert(wait_bad(1));
	ck_assert_uint_eq(lines_logged("did not end in time"), 1);
	ck_assert_uint_eq(lines_closed_why[POSTIL_ERR_TIMEOUT], 1);
	stop();
}
END_TEST

START_TEST(gives_way)
{
	int fds[3], fd;

	start_with((struct net_options){ .max_connections = 3, .refused_line = "full\n" });
	for (int i = 0; i < 3; i++) {
		fds[i] = lines_dial("127.0.0.2", lines.tls_port);
		ck_assert_int_eq(send(fds[i], "\x16\x03", 2, 0), 2);
		ck_assert(wait_active((unsigned)i + 1));
	}
	usleep(20000);
	fd = connect_tls(TLS1_3_VERSION);
	lines_talk(fd, "LOGIN\n", "in");
	ck_assert(lines_ended(fds[2], 5000));
	ck_assert(!lines_ended(fds[0], 0) && !lines_ended(fds[1], 0));
	ck_assert_uint_eq(lines_logged("gave way"), 1);
	ck_assert_uint_eq(lines_closed, 0);
	for (int i = 0; i < 3; i++)
		lines_close(fds[i]);
	lines_close(fd);
	ck_assert(wait_bad(3));
	stop();
}
END_TEST

/* Who is refused is told nothing in clear that it would take for TLS. */
START_TEST(full)
{
	int fd, other;

	start_with((struct net_options){ .max_per_address = 1, .refused_line = "full\n" });
	fd = connect_tls(TLS1_3_VERSION);
	other = lines_dial("127.0.0.1", lines.tls_port);
	ck_assert_str_eq(lines_hear(other), "");
	lines_close(other);
	other = lines_dial("127.0.0.1", lines.port);
	ck_assert_str_eq(lines_hear(other), "full");
	lines_close(other);
	lines_close(fd);
	stop();
}
END_TEST

START_TEST(closed_on_request)
{
	uint64_t id;
	int fd, other;

	start();
	fd = lines_dial("127.0.0.1", lines.tls_port);
	ck_assert_int_eq(send(fd, "\x16", 1, 0), 1);
	ck_assert(wait_active(1));
	usleep(20000);
	ck_assert_int_eq(net_close_conn(lines.net, lines_shaking, POSTIL_ERR_CANCEL), NOERROR);
	ck_assert(lines_ended(fd, 5000));
	ck_assert(wait_active(0));
	ck_assert_int_eq(net_close_conn(lines.net, lines_shaking, POSTIL_ERR_CANCEL),
		POSTIL_ERR_NOT_FOUND);
	ck_assert_uint_eq(lines_closed, 0);
	lines_close(fd);
	id = lines_shaking;
	fd = lines_connect(lines.port);
	lines_talk(fd, "STARTTLS 0\n", "begin");
	for (int i = 0; i < 10000 && lines_shaking == id; i++)
		usleep(1000);
	id = lines_shaking;
	other = connect_tls(TLS1_3_VERSION);
	ck_assert_uint_eq(lines_shaking, id + 1);
	ck_assert_int_eq(net_close_conn(lines.net, id + 1, POSTIL_ERR_CANCEL), NOERROR);
	ck_assert_int_eq(lines_recv(other, (char[1]){ 0 }, 1), 0);
	ck_assert_int_eq(net_close_conn(lines.net, id, POSTIL_ERR_CANCEL), NOERROR);
	ck_assert(lines_ended(fd, 5000));
	ck_assert(lines_wait(&lines_closed, 2));
	ck_assert_uint_eq(lines_closed_why[POSTIL_ERR_CANCEL], 2);
	ck_assert_uint_eq(lines_logged(""), 0);
	lines_close(fd);
	lines_close(other);
	stop();
}
END_TEST

START_TEST(service_ends)
{
	int fds[20], fd;

	start_with((struct net_options){ .grace_ms = 300 });
	for (int i = 0; i < 20; i++) {
		fds[i] = lines_dial("127.0.0.1", lines.tls_port);
		if (i % 2 == 0)
			ck_assert_int_eq(send(fds[i], "\x16\x03", 2, 0), 2);
	}
	fd = connect_tls(TLS1_3_VERSION);
	stop();
	ck_assert_int_eq(lines_recv(fd, (char[1]){ 0 }, 1), 0);
	for (int i = 0; i < 20; i++) {
		ck_assert(lines_ended(fds[i], 5000));
		lines_close(fds[i]);
	}
	lines_close(fd);
}
END_TEST

START_TEST(nothing_to_begin_with)
{
	struct net_protocol clear = lines_protocol;
	struct net_listener *listener = NULL;
	struct fault fault = { 0 };
	struct net *net = NULL;
	int fd;

	start();
	tls_context_release(&lines_context);
	fd = lines_dial("127.0.0.1", lines.tls_port);
	ck_assert(lines_ended(fd, 5000));
	lines_close(fd);
	ck_assert(wait_bad(1));
	fd = lines_connect(lines.port);
	lines_talk(fd, "STARTTLS 0\n", "begin");
	ck_assert(lines_ended(fd, 5000));
	lines_close(fd);
	ck_assert(wait_bad(2));
	ck_assert_uint_eq(lines_logged("failed with "), 2);
	ck_assert_uint_eq(lines_closed_why[POSTIL_ERR_NOEXIST], 1);
	stop();
	clear.tls = NULL;
	ck_assert_int_eq(net_new(&(struct net_options){ 0 }, &clear, &net, &fault), NOERROR);
	ck_assert_int_eq(net_listen(net, lines_listen("127.0.0.1"), true, NULL, &listener, &fault),
		POSTIL_ERR_INVALID);
	ck_assert_int_eq(net_end(net), NOERROR);
	net_free(&net);
}
END_TEST

UNIT_MAIN("secure", versions, ends_in_one_segment, starttls, starttls_behind_much, starttls_and_more,
          starttls_and_more_later, starttls_and_gone, starttls_forgets,
          starttls_forgets_after_login, refused, garbage, silent, half_open, hello_octet_by_octet,
          small_records, key_update, ends_without_a_word, times_out,
          starttls_times_out, gives_way, full, closed_on_request, service_ends,
          nothing_to_begin_with)

/*
 * Connections: input however it comes, long answers, clients that misbehave. Each test runs
 * in clear and over TLS.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "addin/net/impl.h"
#include "tests/support/lines.h"
#include "tests/support/unit.h"

static struct lines lines;

static void start(void)
{
	const struct net_options options = { .max_connections = 3000 };

	lines_start(&lines, &options);
}

static void stop(void)
{
	ck_assert_int_eq(lines_stop(&lines), NOERROR);
	ck_assert_uint_eq(lines_opened, lines_closed);
}

static uint64_t read_octets(int fd, uint64_t wanted, char octet)
{
	static char piece[65536];
	uint64_t n = 0, wrong = 0;

	while (n < wanted) {
		size_t size = wanted - n < sizeof(piece) ? (size_t)(wanted - n) : sizeof(piece);
		ssize_t got = lines_recv(fd, piece, size);

		if (got <= 0)
			break;
		for (ssize_t i = 0; i < got; i++)
			wrong += piece[i] != octet;
		n += (uint64_t)got;
	}
	ck_assert_uint_eq(wrong, 0);
	return n;
}

START_TEST(octet_by_octet)
{
	const char *text = "ECHO one\nECHO two\nQUIT\n";
	int fd;

	start();
	fd = lines_connect(lines.port);
	for (const char *p = text; *p != '\0'; p++) {
		ck_assert_int_eq(lines_send(fd, p, 1), 1);
		usleep(500);
	}
	ck_assert_str_eq(lines_hear(fd), "one");
	ck_assert_str_eq(lines_hear(fd), "two");
	ck_assert_str_eq(lines_hear(fd), "bye");
	ck_assert(lines_ended(fd, 5000));
	lines_close(fd);
	stop();
	ck_assert_uint_eq(lines_closed_why[NOERROR], 1);
}
END_TEST

/* More than is read at once, with every kind of answer between. */
START_TEST(pipelined)
{
	static const struct {
		const char *say, *hear;
	} round[] = {
		{ "ECHO a", "a" }, { "STORE 0", "done" }, { "SPIN 9", "xxxxxxxx" },
		{ "NAP 1", "woke" }, { "BIG 5", "BBBBB" }, { "ECHO b c", "b c" },
	};
	const size_t n = sizeof(round) / sizeof(round[0]);
	char all[40000] = "";
	size_t length = 0;
	int fd;

	start();
	fd = lines_connect(lines.port);
	for (size_t i = 0; i < 100 * n; i++)
		length += (size_t)snprintf(all + length, sizeof(all) - length, "%s\n",
			round[i % n].say);
	for (size_t i = 0; i < 2000; i++)
		length += (size_t)snprintf(all + length, sizeof(all) - length, "ECHO %zu\n", i);
	lines_say(fd, all);
	for (size_t i = 0; i < 100 * n; i++)
		ck_assert_str_eq(lines_hear(fd), round[i % n].hear);
	for (size_t i = 0; i < 2000; i++)
		ck_assert_uint_eq(strtoul(lines_hear(fd), NULL, 10), i);
	lines_close(fd);
	stop();
}
END_TEST

START_TEST(half_closed_after_quit)
{
	int fd;

	start();
	fd = lines_connect(lines.port);
	lines_say(fd, "ECHO x\nSTORE 20\nBIG 3\nQUIT\nECHO never\n");
	lines_half_close(fd);
	ck_assert_str_eq(lines_hear(fd), "x");
	ck_assert_str_eq(lines_hear(fd), "done");
	ck_assert_str_eq(lines_hear(fd), "BBB");
	ck_assert_str_eq(lines_hear(fd), "bye");
	ck_assert_str_eq(lines_hear(fd), "");
	lines_close(fd);
	fd = lines_connect(lines.port);         /* and without QUIT */
	lines_say(fd, "NAP 20\nECHO y\nECHO cut");
	lines_half_close(fd);
	ck_assert_str_eq(lines_hear(fd), "woke");
	ck_assert_str_eq(lines_hear(fd), "y");
	ck_assert_str_eq(lines_hear(fd), "");
	lines_close(fd);
	stop();
	ck_assert_uint_eq(lines_closed_why[NOERROR], 1);
	ck_assert_uint_eq(lines_closed_why[POSTIL_ERR_CLOSED], 1);
}
END_TEST

/* What is said from here on goes out together when cork is false again. */
static void cork(int fd, int corked)
{
	ck_assert_int_eq(setsockopt(fd, IPPROTO_TCP, TCP_CORK, &corked, sizeof(corked)), 0);
}

/* The last reply arrives although the client goes on talking. */
START_TEST(talks_after_quit)
{
	char noise[20001];
	int fd;

	memset(noise, 'n', sizeof(noise) - 1);
	noise[sizeof(noise) - 1] = '\0';
	start();
	for (int i = 0; i < 20; i++) {
		fd = lines_connect(lines.port);
		cork(fd, 1);
		lines_say(fd, "QUIT\n");
		lines_say(fd, noise);
		cork(fd, 0);
		lines_send(fd, noise, sizeof(noise) - 1);
		ck_assert_str_eq(lines_hear(fd), "bye");
		ck_assert_str_eq(lines_hear(fd), "");
		lines_close(fd);
	}
	stop();
}
END_TEST

/* Who talks on and on after QUIT does not keep its place. */
START_TEST(talks_for_ever_after_quit)
{
	const struct net_options options = { 0 };
	uint64_t end = lines_now_ms() + 8000;
	char flood[60000];
	int fd;

	lines_start(&lines, &options);
	fd = lines_connect(lines.port);
	memset(flood, 'x', sizeof(flood));
	memcpy(flood, "QUIT\n", 5);
	cork(fd, 1);
	ck_assert_int_eq(lines_send(fd, flood, sizeof(flood)), (ssize_t)sizeof(flood));
	cork(fd, 0);
	while (lines_now_ms() < end && lines_send(fd, "x", 1) == 1)
		usleep(50000);
	ck_assert_uint_lt(lines_now_ms(), end);
	lines_close(fd);
	stop();
}
END_TEST

/* What came before login, a password perhaps, does not stay in shared buffers. */
START_TEST(forgets_before_login)
{
	static const char *const says[][2] = {
		{ "ECHO sesame-open\n", "sesame-open" }, { "ECHO sesame-", "" },
		{ "shut\nECHO sesame-", "sesame-shut" }, { "last\n", "sesame-last" },
	};
	const struct net_options options = { 0 };
	int fd;

	lines_start(&lines, &options);
	fd = lines_connect(lines.port);
	for (size_t i = 0; i < sizeof(says) / sizeof(says[0]); i++) {
		lines_say(fd, says[i][0]);
		if (says[i][1][0] != '\0')
			ck_assert_str_eq(lines_hear(fd), says[i][1]);
	}
	lines_say(fd, "QUIT\n");
	ck_assert(lines_wait(&lines_closed, 1));
	for (unsigned i = 0; i < lines.net->workers_started; i++)
		ck_assert_ptr_null(memmem(lines.net->workers[i]->in, INPUT_OCTETS, "sesame", 6));
	lines_close(fd);
	stop();
}
END_TEST

START_TEST(slow_reader_of_50_mb)
{
	const uint64_t octets = 50 * 1000 * 1000;
	long before, most = 0;
	uint64_t n = 0;
	int fd, small = 65536;

	start();
	fd = lines_connect(lines.port);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	lines_talk(fd, "ECHO warm\n", "warm");
	before = unit_resident_kib();
	lines_say(fd, "BIG 50000000\nECHO after\n");
	while (n < octets) {
		uint64_t piece = octets - n < 1000000 ? octets - n : 1000000;

		ck_assert_uint_eq(read_octets(fd, piece, 'B'), piece);
		n += piece;
		usleep(2000);
		if (unit_resident_kib() - before > most)
			most = unit_resident_kib() - before;
	}
	ck_assert_str_eq(lines_hear(fd), "");
	ck_assert_str_eq(lines_hear(fd), "after");
	ck_assert_msg(most < 4096 || !lines_memory_tells(), "%ld KiB more", most);
	lines_close(fd);
	stop();
}
END_TEST

/* Clients that ask for much and read nothing cost two pieces each; the others
 * are served as ever. */
START_TEST(never_reads)
{
	enum { CLIENTS = 40 };
	int fds[CLIENTS], fd;
	struct net_counters before, after;
	long kib;

	start();
	fd = lines_connect(lines.port);
	kib = unit_resident_kib();
	for (int i = 0; i < CLIENTS; i++) {
		fds[i] = lines_connect(lines.port);
		fcntl(fds[i], F_SETFL, O_NONBLOCK);
		for (int j = 0; j < 1000; j++)
			lines_send(fds[i], "BIG 4000000000\n", 15);
	}
	do {    /* until nothing moves any more */
		net_counters(lines.net, &before);
		usleep(50000);
		net_counters(lines.net, &after);
	} while (before.octets_out != after.octets_out);
	kib = unit_resident_kib() - kib;
	ck_assert_msg(kib < CLIENTS * 200 + 4096 || !lines_memory_tells(), "%ld KiB for %d clients", kib, CLIENTS);
	ck_assert_uint_le(after.threads_busy, 1);
	lines_talk(fd, "ECHO still here\n", "still here");
	for (int i = 0; i < CLIENTS; i++)
		lines_close(fds[i]);
	ck_assert(lines_wait(&lines_closed, CLIENTS));
	lines_close(fd);
	stop();
}
END_TEST

START_TEST(vanishes)
{
	struct linger at_once = { .l_onoff = 1 };
	static const char *const say[] = { "", "ECHO", "BIG 4000000000\n", "STORE 30\n", "NAP 30\n",
		"BIG 1000\nQUIT\n" };

	start();
	for (size_t i = 0; i < 60; i++) {
		int fd = lines_connect(lines.port);

		lines_say(fd, say[i % 6]);
		if (i % 2 == 0)
			usleep(1000);
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
		lines_close(fd);
	}
	ck_assert(lines_wait(&lines_closed, 60));
	stop();
}
END_TEST

START_TEST(line_too_long)
{
	char text[1001];
	int fd;

	memset(text, 'l', 1000);
	text[1000] = '\0';
	start();
	fd = lines_connect(lines.port);
	for (int i = 0; i < 65; i++)    /* 65,000: within line_octets */
		lines_say(fd, text);
	usleep(20000);
	lines_say(fd, "\nECHO fine\n");
	ck_assert_str_eq(lines_hear(fd), "what?");
	ck_assert_str_eq(lines_hear(fd), "fine");
	for (int i = 0; i < 80; i++)
		lines_send(fd, text, 1000);
	ck_assert(lines_ended(fd, 5000));
	lines_close(fd);
	ck_assert(lines_wait(&lines_closed, 1));
	stop();
	ck_assert_uint_eq(lines_closed_why[POSTIL_ERR_TOO_LONG], 1);
}
END_TEST

static void note_peer(void *context, struct net_conn *conn, void *state)
{
	net_conn_peer(conn, context);
}

START_TEST(peer_in_words)
{
	struct net_peer peer = { 0 };
	struct net_listener *both = NULL;
	struct fault fault = { 0 };
	int fd, listening;

	start();
	listening = lines_listen("::");
	fd = lines_port(listening);
	ck_assert_int_eq(net_listen(lines.net, listening, false, NULL, &both, &fault), NOERROR);
	listening = fd;
	fd = lines_dial("127.0.0.3", listening);
	ck_assert_str_eq(lines_hear(fd), "hello");
	lines_talk(fd, "ECHO x\n", "x");
	net_each(lines.net, note_peer, &peer);
	ck_assert_str_eq(peer.text, "127.0.0.3");
	ck_assert_str_eq(peer.local_text, "127.0.0.1");
	ck_assert_int_eq(peer.port, lines_port(fd));
	ck_assert_int_eq(peer.local_port, listening);
	lines_close(fd);
	ck_assert(lines_wait(&lines_closed, 1));
	fd = lines_dial("::1", listening);
	ck_assert_str_eq(lines_hear(fd), "hello");
	lines_talk(fd, "ECHO x\n", "x");
	net_each(lines.net, note_peer, &peer);
	ck_assert_str_eq(peer.text, "::1");
	lines_close(fd);
	net_unlisten(lines.net, &both);
	ck_assert_ptr_null(both);
	stop();
}
END_TEST

/* Octets are counted when they have been sent: a client may have them a moment before. */
static void wait_for_octets_out(uint64_t wanted)
{
	uint64_t until = lines_now_ms() + 10000;
	struct net_counters counters;

	do {
		net_counters(lines.net, &counters);
		if (counters.octets_out >= wanted)
			return;
		usleep(1000);
	} while (lines_now_ms() < until);
}

START_TEST(a_thousand)
{
	enum { CLIENTS = 1200 };
	static int fds[CLIENTS];
	struct net_counters counters;

	start();
	for (int i = 0; i < CLIENTS; i++)
		fds[i] = lines_dial("127.0.0.1", lines.port);
	for (int i = 0; lines_over_tls && i < CLIENTS; i++)
		lines_secure(fds[i], TLS1_3_VERSION);
	for (int i = 0; i < CLIENTS; i++)
		ck_assert_str_eq(lines_hear(fds[i]), "hello");
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < CLIENTS; i++)
			lines_say(fds[i], round == 1 ? "STORE 0\n" : "ECHO x\n");
		for (int i = 0; i < CLIENTS; i++)
			ck_assert_str_eq(lines_hear(fds[i]), round == 1 ? "done" : "x");
	}
	wait_for_octets_out(CLIENTS * (6 + 2 + 5 + 2));
	net_counters(lines.net, &counters);
	ck_assert_uint_eq(counters.active, CLIENTS);
	ck_assert_uint_eq(counters.peak, CLIENTS);
	ck_assert_uint_eq(lines_over_tls ? counters.accepted_tls : counters.accepted, CLIENTS);
	ck_assert_uint_eq(counters.octets_in, CLIENTS * (7 + 8 + 7));
	ck_assert_uint_eq(counters.octets_out, CLIENTS * (6 + 2 + 5 + 2));
	for (int i = 0; i < CLIENTS; i++)
		lines_close(fds[i]);
	ck_assert(lines_wait(&lines_closed, CLIENTS));
	ck_assert_int_eq(net_end(lines.net), NOERROR);
	net_counters(lines.net, &counters);     /* outlive the end */
	ck_assert_uint_eq(lines_over_tls ? counters.accepted_tls : counters.accepted, CLIENTS);
	ck_assert_uint_eq(counters.active, 0);
	ck_assert_uint_eq(counters.threads, 0);
	net_free(&lines.net);
	ck_assert_uint_eq(lines_opened, lines_closed);
}
END_TEST

/* What has come behind what the protocol is shown. */
START_TEST(more_is_there)
{
	char text[4096];
	int fd;

	start();
	fd = lines_connect(lines.port);
	lines_talk(fd, "MORE\n", "none");
	memset(text, 'x', sizeof(text));
	memcpy(text, "MORE\nECHO ", 10);
	memcpy(text + sizeof(text) - 6, "\nMORE\n", 6);
	lines_send(fd, text, sizeof(text));
	ck_assert_str_eq(lines_hear(fd), "more");
	lines_hear(fd);
	ck_assert_str_eq(lines_hear(fd), "none");
	lines_close(fd);
	stop();
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		octet_by_octet, pipelined, half_closed_after_quit, talks_after_quit,
		talks_for_ever_after_quit, forgets_before_login, slow_reader_of_50_mb, never_reads,
		vanishes, line_too_long, peer_in_words, more_is_there, a_thousand, NULL
	};
	int failed = unit_run("conn", tests);

	lines_over_tls = true;
	return unit_run("conn over TLS", tests) | failed;
}

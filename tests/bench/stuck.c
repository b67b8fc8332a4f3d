/*
 * Connections that begin a TLS handshake and never go on with it.
 *
 *     stuck PORT COUNT half|whole
 *
 * half: the first half of a ClientHello; whole: all of it and nothing more, so that the
 * server has made its keys and signed. Prints one line of JSON when all have sent that and
 * all of a whole one have been answered, and when the server has closed all of them (or its input has ended) another: how many are
 * gone, and after how many seconds of their own life the first and the last.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/wire.h"

struct stuck {
	struct wire wire;
	bool answered;
	double begun;
};

static struct {
	unsigned answered, gone;
	double first, last;
} ends = { .first = 1e9 };

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void begin(struct stuck *stuck, uint16_t port, int poller, const char *p, size_t n)
{
	wire_open(&stuck->wire, port, false, NULL);
	stuck->begun = now();
	epoll_ctl(poller, EPOLL_CTL_ADD, stuck->wire.fd,
	          &(struct epoll_event){ .events = EPOLLIN, .data.ptr = stuck });
	if (!wire_write(&stuck->wire, p, n))
		fprintf(stderr, "stuck: the server closed at once\n");
}

/* What the server says is thrown away until it closes. */
static void look(struct stuck *stuck)
{
	char octets[4096];
	ssize_t got = wire_read(&stuck->wire, octets, sizeof(octets));
	double age = now() - stuck->begun;

	if (got > 0 && !stuck->answered) {
		stuck->answered = true;
		ends.answered++;
	}
	if (got != 0)
		return;
	wire_close(&stuck->wire);
	ends.gone++;
	if (age < ends.first)
		ends.first = age;
	if (age > ends.last)
		ends.last = age;
}

/* Until *counted is all of them, the input ends, or nothing has come for two minutes. */
static void wait_all(int poller, const unsigned *counted, unsigned all)
{
	struct epoll_event events[64];
	char c;

	while (*counted < all && ends.gone < all) {
		int n = epoll_wait(poller, events, 64, 120000);

		if (n == 0)
			return;
		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr != NULL)
				look(events[i].data.ptr);
			else if (read(STDIN_FILENO, &c, 1) <= 0)
				return;
		}
	}
}

int main(int argc, char *argv[])
{
	unsigned count = argc == 4 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	struct stuck *all = calloc(count, sizeof(*all));
	int poller = epoll_create1(EPOLL_CLOEXEC);
	struct rlimit files;
	char hello[4096];
	size_t n;

	if (count == 0 || all == NULL || (strcmp(argv[3], "half") != 0 && strcmp(argv[3], "whole") != 0)) {
		fprintf(stderr, "usage: stuck PORT COUNT half|whole\n");
		return 2;
	}
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	wire_init_tls();
	n = wire_hello(hello, sizeof(hello));
	if (strcmp(argv[3], "half") == 0)
		n /= 2;
	for (unsigned i = 0; i < count; i++)
		begin(&all[i], (uint16_t)strtoul(argv[1], NULL, 10), poller, hello, n);
	if (strcmp(argv[3], "whole") == 0)
		wait_all(poller, &ends.answered, count);
	printf("{\"stuck\": %u, \"octets\": %zu}\n", count, n);
	fflush(stdout);
	epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO,
	          &(struct epoll_event){ .events = EPOLLIN, .data.ptr = NULL });
	wait_all(poller, &ends.gone, count);
	printf("{\"gone\": %u, \"first_s\": %.2f, \"last_s\": %.2f}\n", ends.gone,
	       ends.gone > 0 ? ends.first : 0, ends.last);
	free(all);
	return 0;
}

/*
 * The canned server: what the machine allows. One thread, one epoll set,
 * prebuilt octets, one write per reply, nothing behind it. It understands just
 * enough POP3 for the load generator and trusts its client. With CREDENTIAL, a PEM file of
 * certificate and key, it speaks TLS as a plain loop around libssl does, with tickets.
 *
 *     canned PORT MESSAGES OCTETS [CREDENTIAL]
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#define LINE_MAX_OCTETS 512
#define SUITE "TLS_AES_128_GCM_SHA256" /* what ours chooses: the dearer ones flatter it */

struct client {
	int fd;
	SSL *ssl;               /* NULL: in clear */
	size_t have;            /* octets of an incomplete line */
	const char *rest;       /* of a reply the socket did not take */
	size_t rest_octets;
	char line[LINE_MAX_OCTETS];
};

static char *reply_stat, *reply_list, *reply_uidl, *reply_retr;
static size_t retr_octets;
static int poller;
static SSL_CTX *context;        /* NULL: in clear */

static const char greeting[] = "+OK canned ready\r\n";

static int set_up_tls(const char *credential)
{
	context = SSL_CTX_new(TLS_server_method());
	if (context == NULL || SSL_CTX_use_certificate_chain_file(context, credential) != 1 ||
	    SSL_CTX_use_PrivateKey_file(context, credential, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_set_ciphersuites(context, SUITE) != 1) {
		ERR_print_errors_fp(stderr);
		return -1;
	}
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
	                 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(context, 1);
	SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_num_tickets(context, 1);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	return 0;
}

static char *build_list(unsigned messages, size_t octets, int uidl)
{
	size_t size = 64 + (size_t)messages * 40;
	char *p = malloc(size);
	size_t n;

	if (p == NULL)
		exit(1);
	n = (size_t)snprintf(p, size, "+OK %u messages\r\n", messages);
	for (unsigned i = 1; i <= messages; i++)
		n += uidl ? (size_t)snprintf(p + n, size - n, "%u %022u\r\n", i, i)
		          : (size_t)snprintf(p + n, size - n, "%u %zu\r\n", i, octets);
	snprintf(p + n, size - n, ".\r\n");
	return p;
}

static void build(unsigned messages, size_t octets)
{
	static const char head[] = "Subject: canned\r\n\r\n";
	size_t n;
	char first[64];

	reply_list = build_list(messages, octets, 0);
	reply_uidl = build_list(messages, octets, 1);
	reply_stat = malloc(64);
	n = (size_t)snprintf(first, sizeof(first), "+OK %zu octets\r\n", octets);
	reply_retr = malloc(n + octets + 4);
	if (reply_stat == NULL || reply_retr == NULL)
		exit(1);
	snprintf(reply_stat, 64, "+OK %u %zu\r\n", messages, messages * octets);
	memcpy(reply_retr, first, n);
	memset(reply_retr + n, 'x', octets);
	memcpy(reply_retr + n, head, sizeof(head) - 1);
	for (size_t i = sizeof(head) + 70; i + 2 < octets; i += 78)
		memcpy(reply_retr + n + i, "\r\n", 2);
	memcpy(reply_retr + n + octets - 2, "\r\n.\r\n", 5);
	retr_octets = n + octets + 3;
}

static void client_close(struct client *c)
{
	if (c->ssl != NULL && SSL_is_init_finished(c->ssl))
		SSL_shutdown(c->ssl);
	SSL_free(c->ssl);
	close(c->fd);
	free(c);
}

static void client_want(struct client *c, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = c };

	epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &e);
}

/* Octets that went out; 0: none now; -1: gone. */
static ssize_t put(struct client *c, const char *p, size_t n)
{
	size_t all = 0, sent;
	ssize_t plain;

	if (c->ssl == NULL) {
		plain = send(c->fd, p, n, MSG_NOSIGNAL);
		return plain >= 0 ? plain : errno == EAGAIN ? 0 : -1;
	}
	ERR_clear_error();
	while (all < n && SSL_write_ex(c->ssl, p + all, n - all, &sent) == 1)
		all += sent;
	return all == n || SSL_get_error(c->ssl, 0) == SSL_ERROR_WANT_WRITE ? (ssize_t)all : -1;
}

/* Octets that came; 0: none now; -1: gone. */
static ssize_t get(struct client *c, char *p, size_t n)
{
	size_t got;
	ssize_t plain;

	if (c->ssl == NULL) {
		plain = recv(c->fd, p, n, 0);
		return plain > 0 ? plain : plain < 0 && errno == EAGAIN ? 0 : -1;
	}
	ERR_clear_error();
	if (SSL_read_ex(c->ssl, p, n, &got) == 1)
		return (ssize_t)got;
	return SSL_get_error(c->ssl, 0) == SSL_ERROR_WANT_READ ? 0 : -1;
}

/* 1: sent whole; 0: the rest waits; -1: gone. */
static int client_send(struct client *c, const char *p, size_t n)
{
	ssize_t sent = put(c, p, n);

	if (sent < 0)
		return -1;
	if ((size_t)sent == n)
		return 1;
	c->rest = p + sent;
	c->rest_octets = n - (size_t)sent;
	client_want(c, EPOLLOUT);
	return 0;
}

/* Answer one line; -1 when the client is to be closed. */
static int client_line(struct client *c)
{
	static const char ok[] = "+OK\r\n";

	switch (c->line[0] & ~0x20) {
	case 'S':
		return client_send(c, reply_stat, strlen(reply_stat));
	case 'L':
		return client_send(c, reply_list, strlen(reply_list));
	case 'R':
		if ((c->line[1] & ~0x20) == 'E')
			return client_send(c, reply_retr, retr_octets);
		break;
	case 'U':
		if ((c->line[1] & ~0x20) == 'I')
			return client_send(c, reply_uidl, strlen(reply_uidl));
		break;
	case 'Q':
		client_send(c, ok, sizeof(ok) - 1);
		return -1;
	}
	return client_send(c, ok, sizeof(ok) - 1);
}

static int client_lines(struct client *c)
{
	char *end;

	while (c->rest_octets == 0 && (end = memchr(c->line, '\n', c->have)) != NULL) {
		size_t n = (size_t)(end - c->line) + 1;

		if (client_line(c) < 0)
			return -1;
		memmove(c->line, c->line + n, c->have - n);
		c->have -= n;
	}
	return 0;
}

/* 1: done, and the greeting is out; 0: it waits; -1: failed. */
static int client_shake(struct client *c)
{
	int done;

	ERR_clear_error();
	done = SSL_do_handshake(c->ssl);
	if (done != 1)
		return SSL_get_error(c->ssl, done) == SSL_ERROR_WANT_READ ? 0 : -1;
	return client_send(c, greeting, sizeof(greeting) - 1);
}

static int client_read(struct client *c)
{
	do {
		ssize_t got = get(c, c->line + c->have, sizeof(c->line) - c->have);

		if (got <= 0)
			return (int)got;
		c->have += (size_t)got;
		if (client_lines(c) < 0)
			return -1;
	} while (c->rest_octets == 0 && c->ssl != NULL && SSL_has_pending(c->ssl));
	return 0;
}

static int client_ready(struct client *c, uint32_t events)
{
	if (events & EPOLLOUT) {
		const char *p = c->rest;
		size_t n = c->rest_octets;

		c->rest_octets = 0;
		switch (client_send(c, p, n)) {
		case -1:
			return -1;
		case 0:
			return 0;
		}
		client_want(c, EPOLLIN);
		if (client_lines(c) < 0)
			return -1;
		return c->ssl != NULL && SSL_has_pending(c->ssl) ? client_read(c) : 0;
	}
	if (c->ssl != NULL && !SSL_is_init_finished(c->ssl))
		return client_shake(c) < 0 ? -1 : 0;
	return client_read(c);
}

static void accept_all(int listener)
{
	int fd, on = 1;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct client *c = calloc(1, sizeof(*c));
		struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };

		if (c == NULL)
			exit(1);
		c->fd = fd;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		epoll_ctl(poller, EPOLL_CTL_ADD, fd, &e);
		if (context == NULL)
			client_send(c, greeting, sizeof(greeting) - 1);
		else if ((c->ssl = SSL_new(context)) == NULL || SSL_set_fd(c->ssl, fd) != 1)
			exit(1);
		else
			SSL_set_accept_state(c->ssl);
	}
}

static size_t number(const char *text)
{
	return strtoul(text, NULL, 10);
}

int main(int argc, char *argv[])
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	struct epoll_event events[64];
	struct rlimit files;
	int listener, on = 1;

	if (argc < 4 || argc > 5 || number(argv[3]) < 128) {
		fprintf(stderr, "usage: canned PORT MESSAGES OCTETS (128 or more) [CREDENTIAL]\n");
		return 2;
	}
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	if (argc == 5 && set_up_tls(argv[4]) < 0)
		return 1;
	signal(SIGPIPE, SIG_IGN);
	build((unsigned)number(argv[2]), number(argv[3]));
	address.sin_port = htons((uint16_t)number(argv[1]));
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(listener, 4096) < 0) {
		perror("canned: bind");
		return 1;
	}
	poller = epoll_create1(EPOLL_CLOEXEC);
	epoll_ctl(poller, EPOLL_CTL_ADD, listener,
	          &(struct epoll_event){ .events = EPOLLIN, .data.ptr = NULL });
	for (;;) {
		int n = epoll_wait(poller, events, 64, -1);

		for (int i = 0; i < n; i++) {
			struct client *c = events[i].data.ptr;

			if (c == NULL)
				accept_all(listener);
			else if (client_ready(c, events[i].events) < 0)
				client_close(c);
		}
	}
}

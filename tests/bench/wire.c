/*
 * One connection of the load generator. See wire.h.
 */
#include "tests/bench/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

static SSL_CTX *context;

static void end(const char *what)
{
	fprintf(stderr, "load: %s\n", what);
	exit(1);
}

static int new_ticket(SSL *ssl, SSL_SESSION *session)
{
	const struct wire *wire = SSL_get_app_data(ssl);

	if (wire->ticket == NULL)
		return 0;
	SSL_SESSION_free(*wire->ticket);
	*wire->ticket = session;
	return 1;
}

void wire_init_tls(void)
{
	context = SSL_CTX_new(TLS_client_method());
	if (context == NULL || SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1)
		end("no TLS");
	SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(context,
		SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(context, new_ticket);
}

static void begin_tls(struct wire *wire)
{
	fcntl(wire->fd, F_SETFL, fcntl(wire->fd, F_GETFL) | O_NONBLOCK);
	wire->ssl = SSL_new(context);
	if (wire->ssl == NULL || SSL_set_fd(wire->ssl, wire->fd) != 1)
		end("no memory for TLS");
	SSL_set_app_data(wire->ssl, wire);
	SSL_set_connect_state(wire->ssl);
	if (wire->ticket != NULL && *wire->ticket != NULL)
		wire->offered = SSL_set_session(wire->ssl, *wire->ticket) == 1;
}

void wire_open(struct wire *wire, uint16_t port, bool tls, SSL_SESSION **ticket)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	int on = 1;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	*wire = (struct wire){ .ticket = ticket };
	wire->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(wire->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (wire->fd < 0 || connect(wire->fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		perror("load: connect");
		exit(1);
	}
	if (tls)
		begin_tls(wire);
}

void wire_close(struct wire *wire)
{
	if (wire->ssl != NULL) {
		/* libssl drops the ticket of a connection that did not end in order. */
		SSL_set_shutdown(wire->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
		SSL_free(wire->ssl);
	}
	close(wire->fd);
}

int wire_shake(struct wire *wire)
{
	int done;

	ERR_clear_error();
	done = SSL_do_handshake(wire->ssl);
	if (done == 1)
		return 1;
	return SSL_get_error(wire->ssl, done) == SSL_ERROR_WANT_READ ? 0 : -1;
}

bool wire_is_resumed(const struct wire *wire)
{
	return SSL_session_reused(wire->ssl) == 1;
}

ssize_t wire_read(struct wire *wire, void *out, size_t size)
{
	size_t got;
	ssize_t plain;

	if (wire->ssl == NULL) {
		plain = recv(wire->fd, out, size, MSG_DONTWAIT);
		if (plain < 0)
			return errno == EAGAIN ? -1 : 0;
		return plain;
	}
	ERR_clear_error();
	if (SSL_read_ex(wire->ssl, out, size, &got) == 1)
		return (ssize_t)got;
	return SSL_get_error(wire->ssl, 0) == SSL_ERROR_WANT_READ ? -1 : 0;
}

bool wire_write(struct wire *wire, const void *p, size_t n)
{
	size_t sent;

	if (wire->ssl == NULL)
		return send(wire->fd, p, n, MSG_NOSIGNAL) == (ssize_t)n;
	ERR_clear_error();
	return SSL_write_ex(wire->ssl, p, n, &sent) == 1 && sent == n;
}

size_t wire_hello(void *out, size_t size)
{
	SSL *ssl = SSL_new(context);
	BIO *in = BIO_new(BIO_s_mem()), *sent = BIO_new(BIO_s_mem());
	int n;

	if (ssl == NULL || in == NULL || sent == NULL)
		end("no memory for TLS");
	SSL_set_bio(ssl, in, sent);
	SSL_connect(ssl);
	n = BIO_read(sent, out, (int)size);
	SSL_free(ssl);
	if (n <= 0)
		end("no hello");
	return (size_t)n;
}

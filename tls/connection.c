/*
 * A connection. Everything that comes is hostile. Until the first record has come whole,
 * its octets are only collected and measured here: what is no hello of TLS is refused
 * without libssl, what is too long never makes it allocate, and half a hello costs no more
 * than itself.
 */
#include "tls/connection.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/err.h>

#include "base/crypt.h"
#include "tls/private.h"

#define RECORD_HEADER 5
#define HELLO_HEADER 9          /* of the record and of the handshake message in it */
#define RECORD_MAX (16384 + RECORD_HEADER)
#define FIRST_READ 2048
#define TAKEN_AT_ONCE 32768     /* octets, in one call: then others have their turn */
#define BARREN_MAX 65536        /* octets of records without anything for the owner */

struct tls_connection {
	struct tls_context *context;
	SSL *ssl;               /* NULL until the first record is whole */
	const char *why;
	uint8_t *hello;         /* octets that libssl has not read: hello[hello_at .. hello_n) */
	unsigned hello_n, hello_at;
	unsigned taken;         /* octets, since the owner's call */
	unsigned barren;        /* octets, since the last one for the owner */
	int fd;
	uint8_t ask;
	bool heard;             /* an octet has come */
	bool failed;
	bool dry;               /* the last read found nothing more */
	bool more;              /* what is written will be followed at once by something else */
	bool no_tickets;
	uint8_t binding[32];
};

static BIO_METHOD *method;
static pthread_once_t method_once = PTHREAD_ONCE_INIT;

/* --- the socket, as libssl sees it ---------------------------------------------------- */

static int socket_read(BIO *bio, char *out, size_t size, size_t *got_r)
{
	struct tls_connection *connection = BIO_get_data(bio);
	unsigned left = connection->hello_n - connection->hello_at;
	ssize_t got;

	BIO_clear_retry_flags(bio);
	if (left > 0) {
		*got_r = size < left ? size : left;
		memcpy(out, connection->hello + connection->hello_at, *got_r);
		connection->hello_at += (unsigned)*got_r;
		return 1;
	}
	free(connection->hello);
	connection->hello = NULL;
	connection->hello_n = connection->hello_at = 0;
	*got_r = 0;
	/* libssl reads on over records that carry nothing, as long as there are any */
	if (connection->taken >= TAKEN_AT_ONCE) {
		BIO_set_retry_read(bio);
		return 0;
	}
	do
		got = recv(connection->fd, out, size, MSG_DONTWAIT);
	while (got < 0 && errno == EINTR);
	if (got > 0) {
		connection->taken += (unsigned)got;
		*got_r = (size_t)got;
		return 1;
	}
	if (got == 0)
		BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
	else if (errno == EAGAIN)
		BIO_set_retry_read(bio);
	return 0;
}

/* Is this a ticket, after which the first reply comes? Nobody waits for it, and alone it
 * would cost a segment and wake the client for nothing. If no reply comes the kernel sends
 * it in a moment. */
static bool is_ticket(const SSL *ssl)
{
	return !SSL_is_init_finished(ssl) && SSL_version(ssl) == TLS1_3_VERSION &&
		SSL_get_peer_finished(ssl, NULL, 0) > 0;
}

static int socket_write(BIO *bio, const char *p, size_t n, size_t *sent_r)
{
	const struct tls_connection *connection = BIO_get_data(bio);
	int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
	ssize_t sent;

	if (connection->more || is_ticket(connection->ssl))
		flags |= MSG_MORE;

	BIO_clear_retry_flags(bio);
	do
		sent = send(connection->fd, p, n, flags);
	while (sent < 0 && errno == EINTR);
	*sent_r = sent > 0 ? (size_t)sent : 0;
	if (sent < 0 && (errno == EAGAIN || errno == ENOBUFS))
		BIO_set_retry_write(bio);
	return sent > 0;
}

static long socket_control(BIO *bio, int command, long number, void *pointer)
{
	switch (command) {
	case BIO_CTRL_FLUSH:
	case BIO_CTRL_DUP:
		return 1;
	case BIO_CTRL_EOF:
		return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
	default:
		return 0;
	}
}

static void make_method(void)
{
	method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "postil socket");
	if (method == NULL)
		return;
	BIO_meth_set_read_ex(method, socket_read);
	BIO_meth_set_write_ex(method, socket_write);
	BIO_meth_set_ctrl(method, socket_control);
}

/* --- life ------------------------------------------------------------------------------- */

/* Port, site, whether a certificate is asked for, the CAs: a ticket holds for all of them. */
static STATUS bind_to(struct tls_connection *connection, const struct tls_setup *setup)
{
	const struct tls_trust *trust = tls_context_trust(setup->context);
	static const uint8_t key[32];
	const char ask = (char)('0' + setup->ask);
	const struct slice parts[] = {
		setup->binding, { &ask, 1 }, { (const char *)tls_trust_digest(trust), 32 },
	};

	return crypt_hmac_parts(key, parts, sizeof(parts) / sizeof(parts[0]), connection->binding);
}

STATUS tls_connection_new(const struct tls_setup *setup, int fd,
                          struct tls_connection **connection_r)
{
	struct tls_connection *connection;
	STATUS status;

	pthread_once(&method_once, make_method);
	connection = method == NULL ? NULL : calloc(1, sizeof(*connection));
	if (connection == NULL)
		return POSTIL_ERR_MEMORY;
	status = bind_to(connection, setup);
	if (status != NOERROR) {
		free(connection);
		return status;
	}
	connection->context = tls_context_share(setup->context);
	connection->fd = fd;
	connection->ask = (uint8_t)setup->ask;
	*connection_r = connection;
	return NOERROR;
}

void tls_connection_free(struct tls_connection **connection_p)
{
	struct tls_connection *connection = *connection_p;

	*connection_p = NULL;
	if (connection == NULL)
		return;
	SSL_free(connection->ssl);
	free(connection->hello);
	tls_context_release(&connection->context);
	free(connection);
}

struct tls_connection *tls_connection_of(const SSL *ssl)
{
	return SSL_get_app_data(ssl);
}

const struct tls_context *tls_connection_context(const struct tls_connection *connection)
{
	return connection->context;
}

void tls_connection_blame(struct tls_connection *connection, const char *why)
{
	if (connection->why == NULL)
		connection->why = why;
}

void tls_connection_forbid_tickets(struct tls_connection *connection)
{
	connection->no_tickets = true;
	SSL_set_num_tickets(connection->ssl, 0);        /* TLS 1.3; for 1.2 the key is refused */
}

bool tls_connection_may_have_tickets(const struct tls_connection *connection)
{
	return !connection->no_tickets;
}

const char *tls_connection_why(const struct tls_connection *connection)
{
	return connection->failed ? connection->why : NULL;
}

bool tls_connection_is_silent(const struct tls_connection *connection)
{
	return !connection->heard;
}

static enum tls_step fail(struct tls_connection *connection, const char *why)
{
	tls_connection_blame(connection, why);
	connection->failed = true;
	return TLS_FAILED;
}

/* --- the first record --------------------------------------------------------------------- */

static unsigned record_octets(const uint8_t *p)
{
	return RECORD_HEADER + ((unsigned)p[3] << 8 | p[4]);
}

static unsigned hello_octets(const uint8_t *p)
{
	return (unsigned)p[6] << 16 | (unsigned)p[7] << 8 | p[8];
}

struct complaint {
	const char *why;
	uint8_t alert;
};

/* What is wrong with what has come so far, or NULL. */
static const struct complaint *complaint(const uint8_t *p, unsigned n)
{
	static const struct complaint
		ssl_2 = { "rejected SSLv2 connection", SSL_AD_PROTOCOL_VERSION },
		unknown = { "rejected unknown record type", SSL_AD_UNEXPECTED_MESSAGE },
		long_record = { "a first record that is too long", SSL_AD_RECORD_OVERFLOW },
		no_hello = { "a first record without a hello", SSL_AD_UNEXPECTED_MESSAGE },
		long_hello = { "a hello that is too long", SSL_AD_ILLEGAL_PARAMETER };

	if (n >= 1 && p[0] != SSL3_RT_HANDSHAKE)
		return (p[0] & 0x80) != 0 && (n < 3 || p[2] == SSL3_MT_CLIENT_HELLO)
			? &ssl_2 : &unknown;
	if (n >= 2 && p[1] != SSL3_VERSION_MAJOR)
		return &unknown;
	if (n >= RECORD_HEADER && record_octets(p) > RECORD_MAX)
		return &long_record;
	if (n >= RECORD_HEADER && record_octets(p) < HELLO_HEADER)
		return &no_hello;
	if (n >= 6 && p[5] != SSL3_MT_CLIENT_HELLO)
		return &no_hello;
	if (n >= HELLO_HEADER && hello_octets(p) > TLS_HELLO_MAX)
		return &long_hello;
	return NULL;
}

/* There is no SSL to say it: the alert as it goes over the wire. */
static enum tls_step refuse(struct tls_connection *connection, const struct complaint *what)
{
	const uint8_t record[] = { SSL3_RT_ALERT, SSL3_VERSION_MAJOR, TLS1_2_VERSION_MINOR, 0, 2,
		SSL3_AL_FATAL, what->alert };

	send(connection->fd, record, sizeof(record), MSG_DONTWAIT | MSG_NOSIGNAL);
	return fail(connection, what->why);
}

static bool hello_add(struct tls_connection *connection, const uint8_t *p, unsigned n)
{
	uint8_t *grown = realloc(connection->hello, connection->hello_n + n);

	if (grown == NULL)
		return false;
	memcpy(grown + connection->hello_n, p, n);
	connection->hello = grown;
	connection->hello_n += n;
	return true;
}

static enum tls_step collect(struct tls_connection *connection)
{
	uint8_t piece[FIRST_READ];

	for (;;) {
		const struct complaint *wrong = complaint(connection->hello, connection->hello_n);
		ssize_t got;

		if (wrong != NULL)
			return refuse(connection, wrong);
		if (connection->hello_n >= RECORD_HEADER &&
		    connection->hello_n >= record_octets(connection->hello))
			return TLS_DONE;
		got = recv(connection->fd, piece, sizeof(piece), MSG_DONTWAIT);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			return TLS_WANT_READ;
		if (got <= 0)
			return fail(connection, "a handshake that the client broke off");
		connection->heard = true;
		if (!hello_add(connection, piece, (unsigned)got))
			return fail(connection, "too little memory");
	}
}

/* --- the handshake -------------------------------------------------------------------------- */

static int verify_mode(enum tls_ask ask)
{
	switch (ask) {
	case TLS_ASK_NO:
		return SSL_VERIFY_NONE;
	case TLS_ASK_OPTIONAL:
		return SSL_VERIFY_PEER;
	default:
		return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	}
}

static bool begin(struct tls_connection *connection)
{
	SSL *ssl = SSL_new(tls_context_ssl(connection->context));
	BIO *bio = ssl == NULL ? NULL : BIO_new(method);

	if (bio == NULL || SSL_set_session_id_context(ssl, connection->binding,
	                                              sizeof(connection->binding)) != 1) {
		BIO_free(bio);
		SSL_free(ssl);
		return false;
	}
	BIO_set_data(bio, connection);
	BIO_set_init(bio, 1);
	SSL_set_bio(ssl, bio, bio);
	SSL_set_app_data(ssl, connection);
	SSL_set_verify(ssl, verify_mode((enum tls_ask)connection->ask), NULL);
	/* an end without close_notify counts as one with; a record that brings no octets of
	 * the client's is no reason to read on and on */
	SSL_set_options(ssl, SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_clear_mode(ssl, SSL_MODE_AUTO_RETRY);
	SSL_set_accept_state(ssl);
	connection->ssl = ssl;
	return true;
}

static enum tls_step step_failed(struct tls_connection *connection, int error)
{
	if (error == SSL_ERROR_SYSCALL || error == SSL_ERROR_ZERO_RETURN)
		tls_connection_blame(connection, "a handshake that the client broke off");
	return fail(connection, tls_reason());
}

enum tls_step tls_connection_handshake(struct tls_connection *connection)
{
	enum tls_step step;
	int got;

	if (connection->failed)
		return TLS_FAILED;
	if (connection->ssl == NULL) {
		step = collect(connection);
		if (step != TLS_DONE)
			return step;
		if (!begin(connection))
			return fail(connection, "too little memory");
	}
	ERR_clear_error();
	connection->taken = 0;
	got = SSL_do_handshake(connection->ssl);
	if (got == 1)
		return TLS_DONE;
	switch (SSL_get_error(connection->ssl, got)) {
	case SSL_ERROR_WANT_READ:
		return TLS_WANT_READ;
	case SSL_ERROR_WANT_WRITE:
		return TLS_WANT_WRITE;
	default:
		return step_failed(connection, SSL_get_error(connection->ssl, got));
	}
}

/* --- octets ------------------------------------------------------------------------------------ */

static ssize_t io_failed(struct tls_connection *connection, int got)
{
	int error = SSL_get_error(connection->ssl, got);

	if (error == SSL_ERROR_WANT_READ)
		return TLS_IO_READ;
	if (error == SSL_ERROR_WANT_WRITE)
		return TLS_IO_WRITE;
	connection->failed = true;
	tls_connection_blame(connection, error == SSL_ERROR_SYSCALL ? "a connection that broke"
		: tls_reason());
	ERR_clear_error();
	return TLS_IO_BROKEN;
}

ssize_t tls_connection_read(struct tls_connection *connection, void *out, size_t size)
{
	size_t got = 0;
	int done;

	if (connection->failed)
		return TLS_IO_BROKEN;
	ERR_clear_error();
	connection->taken = 0;
	done = SSL_read_ex(connection->ssl, out, size, &got);
	connection->dry = done != 1;
	connection->barren = done == 1 ? 0 : connection->barren + connection->taken;
	if (done == 1)
		return (ssize_t)got;
	if (connection->barren > BARREN_MAX) {
		connection->failed = true;
		tls_connection_blame(connection, "a flood of records that carry nothing");
		return TLS_IO_BROKEN;
	}
	if ((SSL_get_shutdown(connection->ssl) & SSL_RECEIVED_SHUTDOWN) != 0)
		return 0;
	return io_failed(connection, 0);
}

ssize_t tls_connection_write(struct tls_connection *connection, const void *p, size_t n)
{
	size_t sent = 0, all = 0;

	if (connection->failed)
		return TLS_IO_BROKEN;
	ERR_clear_error();
	while (all < n) {
		if (SSL_write_ex(connection->ssl, (const char *)p + all, n - all, &sent) != 1) {
			ssize_t failed = io_failed(connection, 0);

			return failed == TLS_IO_BROKEN || all == 0 ? failed : (ssize_t)all;
		}
		all += sent;
	}
	return (ssize_t)all;
}

bool tls_connection_has_pending(const struct tls_connection *connection)
{
	return !connection->failed && !connection->dry && connection->ssl != NULL &&
		(connection->hello_at < connection->hello_n || SSL_has_pending(connection->ssl) == 1);
}

void tls_connection_ends(struct tls_connection *connection)
{
	connection->more = true;
}

void tls_connection_shutdown(struct tls_connection *connection)
{
	connection->more = false;
	if (connection->ssl == NULL || connection->failed || !SSL_is_init_finished(connection->ssl))
		return;
	ERR_clear_error();
	SSL_shutdown(connection->ssl);
	ERR_clear_error();
}

/* --- who and what -------------------------------------------------------------------------------- */

const char *tls_connection_version(const struct tls_connection *connection)
{
	return SSL_get_version(connection->ssl);
}

const char *tls_connection_cipher(const struct tls_connection *connection)
{
	return SSL_CIPHER_standard_name(SSL_get_current_cipher(connection->ssl));
}

bool tls_connection_is_resumed(const struct tls_connection *connection)
{
	return SSL_session_reused(connection->ssl) == 1;
}

bool tls_connection_has_peer(const struct tls_connection *connection)
{
	return SSL_get0_peer_certificate(connection->ssl) != NULL &&
		SSL_get_verify_result(connection->ssl) == X509_V_OK;
}

STATUS tls_connection_peer(const struct tls_connection *connection, struct arena *arena,
                           struct tls_peer *peer_r)
{
	const X509 *leaf = SSL_get0_peer_certificate(connection->ssl);
	unsigned char *der = NULL;
	STATUS status;
	int n;

	if (leaf == NULL || !tls_connection_has_peer(connection))
		return POSTIL_ERR_NOT_FOUND;
	n = i2d_X509(leaf, &der);
	if (n <= 0)
		return POSTIL_ERR_MEMORY;
	status = tls_peer_read((struct slice){ (const char *)der, (size_t)n }, arena, peer_r);
	OPENSSL_free(der);
	return status;
}

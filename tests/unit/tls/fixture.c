/* See fixture.h. Nothing here is hostile. */
#include "tests/unit/tls/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/pem.h>

#include "base/clock.h"
#include "base/banned.h"

struct tls_identity *make_identity(struct tls_make wanted)
{
	struct tls_identity *identity = NULL;
	struct fault fault = { .status = NOERROR };
	STATUS status;

	if (wanted.not_after == 0)
		wanted.not_after = clock_wall_secs() + DAY;
	if (wanted.not_before == 0)
		wanted.not_before = clock_wall_secs() - HOUR;
	status = tls_make(&wanted, &identity, &fault);
	ck_assert_msg(status == NOERROR, "%s", fault_text(&fault, status));
	return identity;
}

X509 *identity_x509(const struct tls_identity *identity)
{
	struct buf der = BUF_INIT;
	const unsigned char *p;
	X509 *leaf;

	ck_assert_int_eq(tls_identity_der(identity, &der), NOERROR);
	p = (const unsigned char *)der.p;
	leaf = d2i_X509(NULL, &p, (long)der.n);
	ck_assert_ptr_nonnull(leaf);
	buf_release(&der);
	return leaf;
}

EVP_PKEY *identity_key(const struct tls_identity *identity)
{
	struct buf pem = BUF_INIT;
	EVP_PKEY *key;
	BIO *bio;

	ck_assert_int_eq(tls_identity_key(identity, NULL, &pem), NOERROR);
	bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	ck_assert_ptr_nonnull(key);
	BIO_free(bio);
	buf_wipe_release(&pem);
	return key;
}

/* --- the world ---------------------------------------------------------------------- */

static void add_warning(void *context, const char *text)
{
	struct world *world = context;

	buf_addf(&world->warnings, "%s\n", text);
}

void world_open(struct world *world)
{
	*world = (struct world){ .dir = unit_tempdir() };
	ck_assert_int_ge(asprintf(&world->trusted, "%s/trusted", world->dir), 0);
	ck_assert_int_eq(mkdir(world->trusted, 0700), 0);
	world->ca = make_identity((struct tls_make){ .use = TLS_USE_CA, SUBJECT("O", "Acme", "CN", "CA") });
	world->server = make_identity((struct tls_make){ .use = TLS_USE_SERVER, .issuer = world->ca,
		SUBJECT("CN", "mail"), HOSTS("localhost", "mail.example.org"),
		.not_after = clock_wall_secs() + 90 * DAY });
	world_pair(world, "mail.pem", world->server);
	world_certificate(world, "trusted/ca.pem", world->ca);
	ck_assert_int_eq(tls_tickets_new(0, &world->tickets), NOERROR);
	world->names[0] = "mail";
	world->paths[0] = world->trusted;
	world->options = (struct tls_options){ .certs_dir = world->dir, .credentials = world->names,
		.credential_count = 1, .trust.paths = world->paths, .trust.path_count = 1, .alpn = "pop3",
		.warn = add_warning, .warn_context = world };
	tls_policy_init(&world->options.policy);
}

void world_close(struct world *world)
{
	tls_tickets_release(&world->tickets);
	tls_identity_free(&world->server);
	tls_identity_free(&world->ca);
	buf_release(&world->warnings);
	free(world->trusted);
	unit_tempdir_remove(&world->dir);
}

void world_write(struct world *world, const char *file, mode_t mode, struct slice text)
{
	char *path = NULL, *beside = NULL;
	int fd;

	ck_assert_int_ge(asprintf(&path, "%s/%s", world->dir, file), 0);
	ck_assert_int_ge(asprintf(&beside, "%s~", path), 0);
	fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	ck_assert_int_eq(write(fd, text.p, text.n), (ssize_t)text.n);
	close(fd);
	ck_assert_int_eq(rename(beside, path), 0);
	free(beside);
	free(path);
}

void world_certificate(struct world *world, const char *file, const struct tls_identity *one)
{
	struct buf pem = BUF_INIT;

	ck_assert_int_eq(tls_identity_certificate(one, &pem), NOERROR);
	world_write(world, file, 0644, buf_slice(&pem));
	buf_release(&pem);
}

void world_key(struct world *world, const char *file, const struct tls_identity *one,
               const char *passphrase)
{
	struct buf pem = BUF_INIT;

	ck_assert_int_eq(tls_identity_key(one, passphrase, &pem), NOERROR);
	world_write(world, file, 0600, buf_slice(&pem));
	buf_wipe_release(&pem);
}

void world_pair(struct world *world, const char *file, const struct tls_identity *one)
{
	struct buf pem = BUF_INIT;

	ck_assert_int_eq(tls_identity_certificate(one, &pem), NOERROR);
	ck_assert_int_eq(tls_identity_key(one, NULL, &pem), NOERROR);
	world_write(world, file, 0600, buf_slice(&pem));
	buf_wipe_release(&pem);
}

void world_crl(struct world *world, const char *file, const struct tls_identity *ca,
               const struct tls_identity *revoked, int64_t last, int64_t next)
{
	struct buf pem = BUF_INIT;
	int64_t now = clock_wall_secs();

	ck_assert_int_eq(tls_make_crl(ca, (struct slice){ "", 0 }, &revoked, revoked == NULL ? 0 : 1,
		now + last, now + next, &pem, NULL), NOERROR);
	world_write(world, file, 0644, buf_slice(&pem));
	buf_release(&pem);
}

STATUS world_try(struct world *world, struct tls_context *previous, struct tls_context **context_r,
                 struct fault *fault)
{
	buf_clear(&world->warnings);
	return tls_context_new(&world->options, world->tickets, previous, context_r, fault);
}

struct tls_context *world_context(struct world *world)
{
	struct tls_context *context = NULL;
	struct fault fault = { .status = NOERROR };
	STATUS status = world_try(world, NULL, &context, &fault);

	ck_assert_msg(status == NOERROR, "%s", fault_text(&fault, status));
	return context;
}

/* --- a client and its server ---------------------------------------------------------- */

/* libssl's macros take texts as if they were to be changed. */
static char *changeable(const char *text)
{
	return (char *)(uintptr_t)text;
}

static void behave(SSL_CTX *client, const struct manner *manner)
{
	SSL_CTX_set_verify(client, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_security_level(client, 0);
	if (manner->version != 0) {
		ck_assert_int_eq(SSL_CTX_set_min_proto_version(client, manner->version), 1);
		ck_assert_int_eq(SSL_CTX_set_max_proto_version(client, manner->version), 1);
	}
	if (manner->ciphers != NULL)
		ck_assert_int_eq(SSL_CTX_set_cipher_list(client, manner->ciphers), 1);
	if (manner->suites != NULL)
		ck_assert_int_eq(SSL_CTX_set_ciphersuites(client, manner->suites), 1);
	if (manner->groups != NULL)
		ck_assert_int_eq(SSL_CTX_set1_groups_list(client, changeable(manner->groups)), 1);
	if (manner->signatures != NULL)
		ck_assert_int_eq(SSL_CTX_set1_sigalgs_list(client, changeable(manner->signatures)), 1);
	if (manner->alpn.n > 0)
		ck_assert_int_eq(SSL_CTX_set_alpn_protos(client, (const unsigned char *)manner->alpn.p,
		                                         (unsigned)manner->alpn.n), 0);
}

static void present(SSL_CTX *client, const struct manner *manner)
{
	X509 *leaf;
	EVP_PKEY *key;

	if (manner->identity == NULL)
		return;
	leaf = identity_x509(manner->identity);
	key = identity_key(manner->identity);
	ck_assert_int_eq(SSL_CTX_use_certificate(client, leaf), 1);
	ck_assert_int_eq(SSL_CTX_use_PrivateKey(client, key), 1);
	if (manner->between != NULL)
		ck_assert_int_eq(SSL_CTX_add_extra_chain_cert(client, identity_x509(manner->between)), 1);
	X509_free(leaf);
	EVP_PKEY_free(key);
}

static void tcp_pair(int fds[2])
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, size), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(connect(fds[0], (struct sockaddr *)&address, size), 0);
	fds[1] = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	ck_assert_int_ge(fds[1], 0);
	ck_assert_int_eq(setsockopt(fds[1], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), 0);
	ck_assert_int_eq(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
	close(listener);
}

static void open_server(struct talk *talk, struct tls_context *context, enum tls_ask ask,
                        const char *binding, bool tcp)
{
	struct tls_setup setup = { .context = context, .ask = ask, .binding = slice_of(binding) };
	int fds[2];

	*talk = (struct talk){ .step = TLS_WANT_READ };
	if (tcp)
		tcp_pair(fds);
	else
		ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
	talk->fd = fds[0];
	talk->server_fd = fds[1];
	ck_assert_int_eq(tls_connection_new(&setup, fds[1], &talk->server), NOERROR);
}

void talk_open(struct talk *talk, struct tls_context *context, enum tls_ask ask,
               const char *binding, const struct manner *manner)
{
	open_server(talk, context, ask, binding, manner->tcp);
	talk->client_context = SSL_CTX_new(TLS_client_method());
	ck_assert_ptr_nonnull(talk->client_context);
	behave(talk->client_context, manner);
	present(talk->client_context, manner);
	talk->client = SSL_new(talk->client_context);
	ck_assert_ptr_nonnull(talk->client);
	ck_assert_int_eq(SSL_set_fd(talk->client, talk->fd), 1);
	if (manner->host != NULL)
		ck_assert_int_eq(SSL_set_tlsext_host_name(talk->client, changeable(manner->host)), 1);
	if (manner->session != NULL)
		ck_assert_int_eq(SSL_set_session(talk->client, manner->session), 1);
	SSL_set_connect_state(talk->client);
}

void talk_open_raw(struct talk *talk, struct tls_context *context, enum tls_ask ask)
{
	open_server(talk, context, ask, "raw", false);
}

void talk_close(struct talk *talk)
{
	/* without a proper end libssl would not resume the session */
	if (talk->client != NULL)
		SSL_set_shutdown(talk->client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(talk->client);
	SSL_CTX_free(talk->client_context);
	tls_connection_free(&talk->server);
	close(talk->fd);
	close(talk->server_fd);
	*talk = (struct talk){ .fd = -1 };
}

bool talk_handshake(struct talk *talk)
{
	for (int turns = 0; turns < 200; turns++) {
		struct pollfd ends[] = { { talk->fd, POLLIN, 0 }, { talk->server_fd, POLLIN, 0 } };
		int got;

		if (turns >= 20)
			poll(ends, 2, 5);       /* over TCP octets take their time */
		if (!talk->client_done) {
			got = SSL_do_handshake(talk->client);
			talk->client_done = got == 1;
			if (got != 1 && SSL_get_error(talk->client, got) != SSL_ERROR_WANT_READ &&
			    SSL_get_error(talk->client, got) != SSL_ERROR_WANT_WRITE)
				shutdown(talk->fd, SHUT_WR);    /* it has given up */
		}
		if (talk->step != TLS_DONE)
			talk->step = tls_connection_handshake(talk->server);
		if (talk->step == TLS_FAILED || (talk->step == TLS_DONE && talk->client_done))
			break;
	}
	return talk->step == TLS_DONE && talk->client_done;
}

void talk_echo(struct talk *talk)
{
	char c = 'x';

	ck_assert_int_eq(SSL_write(talk->client, "a", 1), 1);
	ck_assert_int_eq(tls_connection_read(talk->server, &c, 1), 1);
	ck_assert_int_eq(c, 'a');
	ck_assert_int_eq(tls_connection_write(talk->server, "b", 1), 1);
	ck_assert_int_eq(SSL_read(talk->client, &c, 1), 1);
	ck_assert_int_eq(c, 'b');
}

SSL_SESSION *talk_session(struct talk *talk)
{
	SSL_SESSION *session = SSL_get1_session(talk->client);

	if (session != NULL && SSL_SESSION_is_resumable(session))
		return session;
	SSL_SESSION_free(session);
	return NULL;
}

bool gets_in(struct tls_context *context, enum tls_ask ask, const struct manner *manner,
             const char **why_r)
{
	struct talk talk;
	bool in;

	talk_open(&talk, context, ask, "port", manner);
	in = talk_handshake(&talk);
	if (in)
		talk_echo(&talk);
	if (why_r != NULL)
		*why_r = tls_connection_why(talk.server);
	ck_assert(in == (tls_connection_why(talk.server) == NULL));
	talk_close(&talk);
	return in;
}

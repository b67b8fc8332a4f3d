/*
 * What the tests of tls share: a directory with a CA, a server's credential and trusted
 * CAs, a context made of it, and a client of libssl that is driven in the same thread as
 * the server's end, over a socket pair. All fail the test rather than return an error.
 */
#ifndef POSTIL_TESTS_UNIT_TLS_FIXTURE_H
#define POSTIL_TESTS_UNIT_TLS_FIXTURE_H

#include <sys/types.h>

#include <openssl/ssl.h>

#include "base/buf.h"
#include "tests/support/unit.h"
#include "tls/connection.h"
#include "tls/context.h"
#include "tls/make.h"

#define HOUR 3600
#define DAY (24 * HOUR)

/* Members of struct tls_make from a list of strings. */
#define SUBJECT(...) .subject = (const char *const[]){ __VA_ARGS__ }, \
	.subject_count = sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *)
#define HOSTS(...) .hosts = (const char *const[]){ __VA_ARGS__ }, \
	.host_count = sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *)

/* Valid from an hour ago for a day unless wanted says so. */
struct tls_identity *make_identity(struct tls_make wanted);
X509 *identity_x509(const struct tls_identity *identity);
EVP_PKEY *identity_key(const struct tls_identity *identity);

struct world {
	char *dir;                      /* credentials; trusted/ below it holds ca.pem */
	char *trusted;
	struct tls_identity *ca, *server;       /* mail.pem: localhost, mail.example.org */
	struct tls_tickets *tickets;
	struct tls_options options;     /* credential "mail", trusted/, ALPN pop3 */
	struct buf warnings;            /* a line each */
	const char *names[8], *paths[4];        /* what options point to */
};

void world_open(struct world *world);
void world_close(struct world *world);

/* file: below world->dir. Written beside it and renamed. */
void world_write(struct world *world, const char *file, mode_t mode, struct slice text);
/* Certificate; key, encrypted if passphrase is not NULL; both in one; revocation list. */
void world_certificate(struct world *world, const char *file, const struct tls_identity *one);
void world_key(struct world *world, const char *file, const struct tls_identity *one,
               const char *passphrase);
void world_pair(struct world *world, const char *file, const struct tls_identity *one);
void world_crl(struct world *world, const char *file, const struct tls_identity *ca,
               const struct tls_identity *revoked, int64_t last, int64_t next);
/* What tls_context_new says; world_context must have it succeed. */
STATUS world_try(struct world *world, struct tls_context *previous, struct tls_context **context_r,
                 struct fault *fault);
struct tls_context *world_context(struct world *world);

/* How a client behaves, NULL and 0: as libssl does. */
struct manner {
	int version;                    /* this one alone */
	const char *ciphers;            /* of TLS 1.2 */
	const char *suites;             /* of TLS 1.3 */
	const char *groups, *signatures;
	const char *host;               /* SNI */
	struct slice alpn;              /* as on the wire */
	const struct tls_identity *identity, *between;  /* its certificate, an issuer to send along */
	SSL_SESSION *session;           /* to be resumed */
	bool tcp;                       /* over loopback instead of a socket pair */
};

struct talk {
	SSL_CTX *client_context;
	SSL *client;
	int fd, server_fd;
	struct tls_connection *server;
	bool client_done;
	enum tls_step step;             /* of the server */
};

void talk_open(struct talk *talk, struct tls_context *context, enum tls_ask ask,
               const char *binding, const struct manner *manner);
/* A server's end alone: what is written into fd it reads. */
void talk_open_raw(struct talk *talk, struct tls_context *context, enum tls_ask ask);
void talk_close(struct talk *talk);
/* Drives both ends until neither can go on: did the server's end finish? */
bool talk_handshake(struct talk *talk);
/* One octet each way, so that tickets are read. */
void talk_echo(struct talk *talk);
/* The ticket that the client has got, or NULL; the caller's. */
SSL_SESSION *talk_session(struct talk *talk);

/* All at once: does such a client get in? why_r (may be NULL): what the server says. */
bool gets_in(struct tls_context *context, enum tls_ask ask, const struct manner *manner,
             const char **why_r);

#endif

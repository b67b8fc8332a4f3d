/*
 * One enciphered connection on the server's side, over a socket that does not block. One
 * thread at a time may use it. The far end is hostile.
 *
 *      tls_connection_new      costs some hundred octets; nothing of libssl is made before a
 *                              whole first record has come, so who says nothing or half a
 *                              hello holds no more memory than it has sent
 *      tls_connection_handshake  again and again until it says TLS_DONE or fails
 *      tls_connection_read, tls_connection_write
 *      tls_connection_shutdown   close_notify; announced by tls_connection_ends
 *
 * Refused with an alert and a reason in words: anything that is no TLS hello, versions
 * below TLS 1.2, a hello of more than TLS_HELLO_MAX octets, chains of more than
 * TLS_CHAIN_MAX octets, another ALPN id, certificates that are not to be trusted. No
 * renegotiation, no compression, no early data. Whoever floods with records that carry
 * nothing (key updates, empty ones, wishes to renegotiate) keeps nobody else from his turn,
 * and is broken off after some ten thousand octets.
 *
 * Resumption. A ticket is bound to the setup's `binding`, its `ask` and the set of
 * trusted CAs of the context; with others there is a full handshake. It carries the
 * client's certificate and the issuers between (for up to 8 KiB of them; with more no
 * ticket is made), is renewed when it is used, at most for a day after the full handshake,
 * and when it comes back dates, purpose, chain and CRLs are checked
 * again with what the context knows now; what fails them has a full handshake, which then
 * fails for the same reason. Nothing about the person is in it: whoever turns a
 * certificate into a person must ask the directory for every connection, resumed or not.
 */
#ifndef POSTIL_TLS_CONNECTION_H
#define POSTIL_TLS_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/buf.h"
#include "tls/context.h"
#include "tls/peer.h"

#define TLS_HELLO_MAX 16384
#define TLS_CHAIN_MAX 32768

struct tls_connection;

enum tls_ask {                  /* for a certificate of the client */
	TLS_ASK_NO,
	TLS_ASK_OPTIONAL,       /* none is fine; one that is not to be trusted ends the handshake */
	TLS_ASK_REQUIRED        /* none ends the handshake */
};

struct tls_setup {
	struct tls_context *context;    /* shared by the connection */
	enum tls_ask ask;
	struct slice binding;           /* port and site, in any form: tickets are bound to it */
};

/* POSTIL_ERR_MEMORY. fd stays the caller's, and must be non-blocking. */
STATUS tls_connection_new(const struct tls_setup *setup, int fd,
                          struct tls_connection **connection_r);
void tls_connection_free(struct tls_connection **connection);

enum tls_step {
	TLS_DONE,
	TLS_WANT_READ,          /* wait until the socket has octets, then again */
	TLS_WANT_WRITE,         /* wait until it takes some */
	TLS_FAILED              /* tls_connection_why; nothing can be done with it any more */
};
enum tls_step tls_connection_handshake(struct tls_connection *connection);
/* Why it failed, in words that complete "TLS/SSL connection ... failed with ...": static
 * text, NULL if it has not failed. */
const char *tls_connection_why(const struct tls_connection *connection);
/* Has not one octet come? Then nobody tried (a probe of a load balancer, say). */
bool tls_connection_is_silent(const struct tls_connection *connection);

/* After the handshake. Octets moved; 0 from read: the client has ended, with
 * close_notify or without, and may still be written to; or: */
enum {
	TLS_IO_READ = -1,       /* wait until the socket has octets, then again */
	TLS_IO_WRITE = -2,      /* wait until it takes some, then again, for write with the same
	                         * octets (more may follow them) */
	TLS_IO_BROKEN = -3
};
ssize_t tls_connection_read(struct tls_connection *connection, void *out, size_t size);
ssize_t tls_connection_write(struct tls_connection *connection, const void *p, size_t n);
/* Octets have been taken from the socket that read has not given out yet: call it before
 * waiting for the socket. */
bool tls_connection_has_pending(const struct tls_connection *connection);
/* After the octets that are written next comes tls_connection_shutdown: all of it goes out
 * together. */
void tls_connection_ends(struct tls_connection *connection);
void tls_connection_shutdown(struct tls_connection *connection);

/* --- after the handshake: who and what -------------------------------------------- */

const char *tls_connection_version(const struct tls_connection *connection);    /* "TLSv1.3" */
const char *tls_connection_cipher(const struct tls_connection *connection);     /* IANA name */
bool tls_connection_is_resumed(const struct tls_connection *connection);
/* A client certificate was presented, and chain, dates, purpose and CRLs are in order? */
bool tls_connection_has_peer(const struct tls_connection *connection);
/* What it says. POSTIL_ERR_NOT_FOUND: none was presented. */
STATUS tls_connection_peer(const struct tls_connection *connection, struct arena *arena,
                           struct tls_peer *peer_r);

#endif

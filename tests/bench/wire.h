/*
 * The load generator's end of a connection, in clear or over TLS 1.3, to a server on
 * loopback that it trusts: certificates are not looked at.
 */
#ifndef POSTIL_BENCH_WIRE_H
#define POSTIL_BENCH_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <openssl/ssl.h>

struct wire {
	int fd;
	SSL *ssl;               /* NULL: in clear */
	SSL_SESSION **ticket;   /* where the newest ticket goes; NULL: they are dropped */
	bool offered;           /* a ticket went out with the hello */
};

/* Once, before the first wire over TLS. What fails ends the program, here and below. */
void wire_init_tls(void);
/* Connect to 127.0.0.1; the connection is blocking in clear, non-blocking over TLS. ticket
 * (may be NULL): *ticket is offered if there is one, and replaced by what the server gives. */
void wire_open(struct wire *wire, uint16_t port, bool tls, SSL_SESSION **ticket);
void wire_close(struct wire *wire);
/* 1: the handshake is done; 0: it waits for the server; -1: failed. */
int wire_shake(struct wire *wire);
bool wire_is_resumed(const struct wire *wire);
/* Octets; 0: the server has ended or the connection broke; -1: nothing there now. */
ssize_t wire_read(struct wire *wire, void *out, size_t size);
/* All of it: commands are short. */
bool wire_write(struct wire *wire, const void *p, size_t n);
/* A ClientHello as a client of this kind sends it, without a connection; its octets. */
size_t wire_hello(void *out, size_t size);

#endif

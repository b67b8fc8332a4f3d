/*
 * How octets pass between a connection and its socket. A plain connection uses
 * the socket itself; an enciphered one brings another table and its own state.
 */
#ifndef POSTIL_NET_TRANSPORT_H
#define POSTIL_NET_TRANSPORT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	TRANSPORT_AGAIN = -1,   /* nothing moved: wait for the socket */
	TRANSPORT_BROKEN = -2   /* the connection is of no use any more */
};

struct transport {
	/* Octets moved, or one of the above. 0 from read: the client sends no more. */
	ssize_t (*read)(void *state, int fd, void *out, size_t size);
	ssize_t (*write)(void *state, int fd, const void *p, size_t n);
	/* Say that nothing more will be sent. */
	void (*shutdown)(void *state, int fd);
	/* Release the state; the engine closes fd. */
	void (*release)(void *state);
};

extern const struct transport transport_plain;

#endif

/*
 * How octets pass between a connection and its socket. A plain connection uses
 * the socket itself; an enciphered one (secure.c) brings another table and its own state.
 */
#ifndef POSTIL_NET_TRANSPORT_H
#define POSTIL_NET_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	TRANSPORT_AGAIN = -1,   /* nothing moved: again when the socket has octets (read) or
	                         * takes some (write) */
	TRANSPORT_CROSSED = -2, /* nothing moved: again when it takes some (read) or has octets
	                         * (write) */
	TRANSPORT_BROKEN = -3   /* the connection is of no use any more */
};

struct transport {
	/* Octets moved, or one of the above. 0 from read: the client sends no more, now and
	 * whenever it is asked again. A write that moved nothing or not all is repeated with
	 * the octets that were left, more may follow them. */
	ssize_t (*read)(void *state, int fd, void *out, size_t size);
	ssize_t (*write)(void *state, int fd, const void *p, size_t n);
	/* Has read more to give that no event of the socket will announce? */
	bool (*has_pending)(const void *state);
	/* What is written from now on is the last before farewell. */
	void (*ends)(void *state);
	/* Tell the client that nothing more will be sent, if there is a way besides shutting the
	 * socket, which is the engine's. Never waits. */
	void (*farewell)(void *state);
	/* Release the state; the engine closes fd. */
	void (*release)(void *state);
};

extern const struct transport transport_plain;

#endif

/*
 * Opening ports as root after the host itself is root no more: a child, forked
 * before, that does only this. Over a SOCK_SEQPACKET pair it takes a port_request
 * and answers errno, with the listening socket when that is 0.
 */
#ifndef POSTIL_HOST_PRIVILEGED_H
#define POSTIL_HOST_PRIVILEGED_H

#include <stdint.h>
#include <sys/types.h>

struct port_request {
	int32_t family;                 /* AF_INET or AF_INET6 */
	uint16_t port;
	unsigned char address[16];      /* network order; zero: all */
};

/* Open, bind, listen; non-blocking and close-on-exec. 0 or errno. */
int port_open(const struct port_request *request, int *fd_r);

/* Fork the child; *fd_r is our end. 0 or errno. The child keeps none of the
 * host's descriptors and ends when that end is closed. */
int privileged_start(int *fd_r);
/* As port_open, by the child. When it does not answer within a second it is
 * given up: *fd is closed and set to -1. */
int privileged_open(int *fd, const struct port_request *request, int *fd_r);

#endif

/*
 * Messages over the socket. The other side is distrusted: packets longer than
 * WIRE_MAX, ancillary data that was cut, and descriptors that no reply should
 * carry are refused, and such descriptors closed.
 */
#include "addin/wire/wire.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static STATUS status_of_errno(int error)
{
	switch (error) {
	case EAGAIN:
	case ENOBUFS:
		return POSTIL_ERR_BUSY;
	case EPIPE:
	case ECONNRESET:
	case ENOTCONN:
		return POSTIL_ERR_CLOSED;
	case EMSGSIZE:
		return POSTIL_ERR_TOO_LONG;
	default:
		return POSTIL_ERR_IO;
	}
}

static STATUS wait_for(int fd, short events)
{
	struct pollfd pfd = { .fd = fd, .events = events };

	while (poll(&pfd, 1, -1) < 0)
		if (errno != EINTR)
			return POSTIL_ERR_IO;
	return NOERROR;
}

static STATUS send_packet(int fd, const struct msghdr *message, bool wait)
{
	STATUS status;

	for (;;) {
		if (sendmsg(fd, message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
			return NOERROR;
		if (errno == EINTR)
			continue;
		status = status_of_errno(errno);
		if (status != POSTIL_ERR_BUSY || !wait)
			return status;
		status = wait_for(fd, POLLOUT);
		if (status != NOERROR)
			return status;
	}
}

STATUS wire_send_octets(int fd, const void *p, size_t n, const int *fds, size_t fd_count,
                        bool wait)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(WIRE_FDS_MAX * sizeof(int))];
	} control = { .space = { 0 } };
	union {
		const void *from;
		void *to;
	} octets = { .from = p };
	struct iovec part = { octets.to, n };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (fd_count > WIRE_FDS_MAX)
		return POSTIL_ERR_TOO_LONG;
	if (fd_count > 0) {
		struct cmsghdr *head = &control.align;

		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(head), fds, fd_count * sizeof(int));
	}
	return send_packet(fd, &message, wait);
}

STATUS wire_send(int fd, const struct wire_out *out, const int *fds, size_t fd_count,
                 bool wait)
{
	return wire_send_octets(fd, out->p, out->n, fds, fd_count, wait);
}

/* --- receiving ----------------------------------------------------------------- */

struct arrived {
	int fds[WIRE_FDS_MAX];
	size_t count;
	bool too_many;
};

static void close_all(struct arrived *a)
{
	for (size_t i = 0; i < a->count; i++)
		close(a->fds[i]);
	a->count = 0;
}

static void collect(struct msghdr *message, struct arrived *a)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
		size_t count;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (a->count < WIRE_FDS_MAX) {
				a->fds[a->count++] = fd;
			} else {
				close(fd);
				a->too_many = true;
			}
		}
	}
}

static STATUS receive_packet(int fd, struct msghdr *message, size_t *n_r, bool wait)
{
	STATUS status;
	ssize_t got;

	for (;;) {
		got = recvmsg(fd, message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
		if (got > 0)
			break;
		if (got == 0)
			return POSTIL_ERR_CLOSED;
		if (errno == EINTR)
			continue;
		status = status_of_errno(errno);
		if (status != POSTIL_ERR_BUSY || !wait)
			return status;
		status = wait_for(fd, POLLIN);
		if (status != NOERROR)
			return status;
	}
	*n_r = (size_t)got;
	return NOERROR;
}

/* Descriptors come with nothing but the reply to a LISTEN, as many as it says. */
static STATUS take_descriptors(struct wire_in *in, struct arrived *a)
{
	struct wire_in look = *in;
	size_t expected = 0;

	if ((in->kind == WIRE_LISTEN || in->kind == WIRE_LISTEN_LOCAL) && (in->flags & WIRE_REPLY) && in->status == NOERROR)
		expected = wire_get_u32(&look);
	if (a->too_many || a->count != expected)
		return POSTIL_ERR_INVALID;
	memcpy(in->fds, a->fds, sizeof(in->fds));
	in->fd_count = a->count;
	a->count = 0;
	return NOERROR;
}

STATUS wire_receive(int fd, enum wire_side self, void *memory, struct wire_in *in_r,
                    bool wait)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(WIRE_FDS_MAX * sizeof(int))];
	} control;
	struct iovec part = { memory, WIRE_MAX };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1,
	                          .msg_control = &control, .msg_controllen = sizeof(control) };
	struct arrived arrived = { .count = 0 };
	struct wire_in in;
	STATUS status;
	size_t n = 0;

	status = receive_packet(fd, &message, &n, wait);
	if (status != NOERROR)
		return status;
	collect(&message, &arrived);
	if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		status = POSTIL_ERR_INVALID;
	if (status == NOERROR)
		status = wire_parse(memory, n, self, &in);
	if (status == NOERROR)
		status = take_descriptors(&in, &arrived);
	close_all(&arrived);
	if (status == NOERROR)
		*in_r = in;
	return status;
}

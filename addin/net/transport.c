/*
 * The plain transport: the socket itself. What it carries is hostile, but it
 * looks at none of it.
 */
#include <errno.h>
#include <sys/socket.h>

#include "addin/net/transport.h"

static ssize_t plain_read(void *state, int fd, void *out, size_t size)
{
	ssize_t got;

	do
		got = recv(fd, out, size, MSG_DONTWAIT);
	while (got < 0 && errno == EINTR);
	if (got >= 0)
		return got;
	return errno == EAGAIN ? TRANSPORT_AGAIN : TRANSPORT_BROKEN;
}

static ssize_t plain_write(void *state, int fd, const void *p, size_t n)
{
	ssize_t sent;

	do
		sent = send(fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent >= 0)
		return sent;
	return errno == EAGAIN || errno == ENOBUFS ? TRANSPORT_AGAIN : TRANSPORT_BROKEN;
}

static bool plain_has_pending(const void *state)
{
	return false;
}

static void plain_ends(void *state)
{
}

static void plain_farewell(void *state)
{
}

static void plain_release(void *state)
{
}

const struct transport transport_plain = {
	.read = plain_read,
	.write = plain_write,
	.has_pending = plain_has_pending,
	.ends = plain_ends,
	.farewell = plain_farewell,
	.release = plain_release,
};

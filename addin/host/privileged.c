/* Opening ports, here or in the privileged child. The child distrusts the host:
 * it takes requests of one size, opens TCP sockets only and can do nothing else. */
#include "addin/host/privileged.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/banned.h"

#define BACKLOG 4096

static int bind_it(int fd, const struct port_request *r)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(r->port) };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(r->port) };
	int on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (r->family == AF_INET) {
		memcpy(&four.sin_addr, r->address, 4);
		return bind(fd, (struct sockaddr *)&four, sizeof(four));
	}
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	memcpy(&six.sin6_addr, r->address, 16);
	return bind(fd, (struct sockaddr *)&six, sizeof(six));
}

int port_open(const struct port_request *request, int *fd_r)
{
	int fd, error;

	if (request->family != AF_INET && request->family != AF_INET6)
		return EAFNOSUPPORT;
	fd = socket(request->family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
	if (fd < 0)
		return errno;
	if (bind_it(fd, request) != 0 || listen(fd, BACKLOG) != 0) {
		error = errno;
		close(fd);
		return error;
	}
	*fd_r = fd;
	return 0;
}

/* --- the child ------------------------------------------------------------------------ */

union descriptor_space {
	struct cmsghdr head;
	char space[CMSG_SPACE(sizeof(int))];
};

static void answer(int pair, int32_t error, int fd)
{
	union descriptor_space control = { .space = { 0 } };
	struct iovec part = { &error, sizeof(error) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (error == 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control.space);
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	}
	sendmsg(pair, &message, MSG_NOSIGNAL);
}

/* Of root's power only the right to bind is kept. */
static void give_up_power(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 }, { 0 } };

	data[0].effective = data[0].permitted = 1u << CAP_NET_BIND_SERVICE;
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	syscall(SYS_capset, &head, data);
}

static void close_others(int pair)
{
	if (pair > 0)
		syscall(SYS_close_range, 0u, (unsigned)pair - 1, 0u);
	syscall(SYS_close_range, (unsigned)pair + 1, ~0u, 0u);
}

static void serve(int pair)
{
	struct port_request request;
	ssize_t n;
	int fd, error;

	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	close_others(pair);
	give_up_power();
	for (;;) {
		n = recv(pair, &request, sizeof(request), MSG_TRUNC);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			_exit(0);
		fd = -1;
		error = n == (ssize_t)sizeof(request) ? port_open(&request, &fd) : EINVAL;
		answer(pair, error, fd);
		if (fd >= 0)
			close(fd);
	}
}

int privileged_start(int *fd_r)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return errno;
	pid = fork();
	if (pid == 0)
		serve(pair[1]);
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return EAGAIN;
	}
	*fd_r = pair[0];
	return 0;
}

/* --- the host's side ---------------------------------------------------------------------- */

static int receive_answer(int fd, int *fd_r)
{
	union descriptor_space control;
	int32_t error = EIO;
	struct iovec part = { &error, sizeof(error) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1,
	                          .msg_control = &control,
	                          .msg_controllen = sizeof(control.space) };
	struct cmsghdr *head;

	if (recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) != (ssize_t)sizeof(error))
		return EIO;
	head = CMSG_FIRSTHDR(&message);
	if (error != 0)
		return error;
	if (head == NULL || head->cmsg_type != SCM_RIGHTS)
		return EIO;
	memcpy(fd_r, CMSG_DATA(head), sizeof(*fd_r));
	return 0;
}

int privileged_open(int *fd, const struct port_request *request, int *fd_r)
{
	struct pollfd wait = { .fd = *fd, .events = POLLIN };

	if (send(*fd, request, sizeof(*request), MSG_NOSIGNAL | MSG_DONTWAIT) > 0
	    && poll(&wait, 1, 1000) == 1)
		return receive_answer(*fd, fd_r);
	close(*fd);
	*fd = -1;
	return EPIPE;
}

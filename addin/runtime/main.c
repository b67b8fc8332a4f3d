/*
 * main() of every task: finds the wire to the host, makes the default status
 * line, calls AddInMain. The environment is the host's and is checked all the
 * same, because anybody can start the program by hand.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "addin/api/addin.h"
#include "addin/runtime/defaults.h"
#include "addin/runtime/link.h"
#include "base/banned.h"

#define DEFAULT_NAME_OCTETS 20

static bool is_wire(int fd)
{
	int type = 0, domain = 0;
	socklen_t n = sizeof(type), m = sizeof(domain);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &n) == 0 && type == SOCK_SEQPACKET &&
	       getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &m) == 0 && domain == AF_UNIX;
}

/* The descriptor named by the environment; -1: none. */
static int find_wire(void)
{
	const char *text = getenv(WIRE_FD_ENV);
	char *end;
	long fd;

	if (text == NULL)
		return -1;
	errno = 0;
	fd = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || fd < 3 || fd > INT_MAX ||
	    !is_wire((int)fd))
		return -1;
	fcntl((int)fd, F_SETFD, FD_CLOEXEC);
	unsetenv(WIRE_FD_ENV);
	return (int)fd;
}

/* Of a task that was loaded by its path the folders are not its name. */
static DHANDLE make_default_line(const char *task_name)
{
	char name[DEFAULT_NAME_OCTETS + 1];
	const char *slash = strrchr(task_name, '/');
	size_t n;

	if (slash != NULL)
		task_name = slash + 1;
	n = strnlen(task_name, DEFAULT_NAME_OCTETS);

	memcpy(name, task_name, n);
	name[n] = '\0';
	return AddInCreateStatusLine(name);
}

int main(int argc, char *argv[])
{
	const char *name = argc > 0 && argv[0] != NULL ? argv[0] : "task";
	int fd = find_wire();
	STATUS status;
	DHANDLE line;

	if (fd < 0) {
		fprintf(stderr, "%s is a server task: enter `load %s` at the server's console\n",
		        name, basename(argc > 0 ? argv[0] : NULL));
		return EXIT_FAILURE;
	}
	status = link_open(fd, name);
	if (status != NOERROR) {
		fprintf(stderr, "%s: the server does not answer: %s\n", name, status_text(status));
		return EXIT_FAILURE;
	}
	line = make_default_line(name);
	defaults_start(line);
	status = AddInMain(NULLHANDLE, argc, argv);
	AddInDeleteStatusLine(line);
	link_close(status);
	return status == NOERROR ? EXIT_SUCCESS : EXIT_FAILURE;
}

/*
 * postil-console: one command to a running server, or a console of it in this
 * terminal; with -t the server's own, started by it on descriptor CONSOLE_FD.
 * Distrusts the lines that come from the server only in length: it shows what
 * the server made safe to show.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "addin/tools/terminal.h"
#include "addin/wire/console.h"
#include "base/buf.h"
#include "base/banned.h"

#define EXIT_NO_SERVER 2

static void usage(FILE *to)
{
	fprintf(to, "usage: postil console [-d DATA] [COMMAND...]\n"
	        "  -d DATA   the data directory of the server (else $POSTIL_DATA, else %s)\n"
	        "Without COMMAND an interactive console. Exit status: 0, 1 when the command failed,\n"
	        "2 when the server could not be reached.\n", POSTIL_DATA_DIR);
}

/* The socket is reached through a descriptor of its directory: sun_path is short. */
static int connect_to(const char *data_dir)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int dir = open(data_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), error;

	if (dir < 0 || fd < 0) {
		fprintf(stderr, "postil console: %s: %s\n", data_dir, strerrordesc_np(errno));
		return -1;
	}
	snprintf(name.sun_path, sizeof(name.sun_path), "/proc/self/fd/%d/" CONSOLE_SOCKET, dir);
	if (connect(fd, (struct sockaddr *)&name, sizeof(name)) == 0) {
		close(dir);
		return fd;
	}
	error = errno;
	if (error == ENOENT || error == ECONNREFUSED)
		fprintf(stderr, "postil console: no server is running on %s\n", data_dir);
	else if (error == EACCES)
		fprintf(stderr, "postil console: %s: only the owner of the data directory and root"
		        " may use its console\n", data_dir);
	else
		fprintf(stderr, "postil console: %s/" CONSOLE_SOCKET ": %s\n", data_dir,
		        strerrordesc_np(error));
	close(dir);
	close(fd);
	return -1;
}

static bool join_words(char **words, int count, struct buf *out)
{
	for (int i = 0; i < count; i++)
		buf_addf(out, "%s%s", i > 0 ? " " : "", words[i]);
	return buf_status(out) == NOERROR && out->n > 0 && memchr(out->p, '\n', out->n) == NULL;
}

static int run_command(const char *data_dir, char **words, int count)
{
	struct buf command = BUF_INIT;
	int fd, code = EXIT_NO_SERVER;

	if (!join_words(words, count, &command)) {
		fprintf(stderr, "postil console: a command is one line\n");
		buf_release(&command);
		return EXIT_FAILURE;
	}
	fd = connect_to(data_dir);
	if (fd >= 0)
		code = terminal_command(fd, buf_cstr(&command));
	buf_release(&command);
	return code;
}

/* The keys of the terminal are for the server, which tells us when it ends. */
static int run_as_terminal(void)
{
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	fcntl(CONSOLE_FD, F_SETFD, FD_CLOEXEC);
	return terminal_run(CONSOLE_FD, true);
}

int main(int argc, char **argv)
{
	const char *data_dir = getenv("POSTIL_DATA");
	int c, fd;

	signal(SIGPIPE, SIG_IGN);
	while ((c = getopt(argc, argv, "+d:th")) != -1) {
		if (c == 't')
			return run_as_terminal();
		if (c == 'd') {
			data_dir = optarg;
		} else {
			usage(c == 'h' ? stdout : stderr);
			return c == 'h' ? EXIT_SUCCESS : EXIT_NO_SERVER;
		}
	}
	if (data_dir == NULL || data_dir[0] == '\0')
		data_dir = POSTIL_DATA_DIR;
	if (optind < argc)
		return run_command(data_dir, argv + optind, argc - optind);
	fd = connect_to(data_dir);
	return fd < 0 ? EXIT_NO_SERVER : terminal_run(fd, false);
}

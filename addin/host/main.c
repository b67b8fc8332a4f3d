/*
 * postil-server: the host. Takes the data directory, becomes ServerUser when
 * started as root, locks the directory and serves. Distrusts its arguments and
 * its environment.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "addin/host/privileged.h"
#include "addin/host/program.h"
#include "addin/host/serve.h"
#include "addin/host/start.h"
#include "base/text.h"
#include "base/banned.h"

struct options {
	const char *data_dir;
	unsigned wait_secs;
};

static void usage(FILE *to)
{
	fprintf(to, "usage: postil server [-d DATA] [-w SECONDS]\n"
	        "  -d DATA     the data directory (else $POSTIL_DATA, else %s)\n"
	        "  -w SECONDS  how long to wait for tasks that a server left behind when it was\n"
	        "              killed (30)\n", POSTIL_DATA_DIR);
}

static bool read_options(int argc, char **argv, struct options *o)
{
	uint64_t number;
	int c;

	*o = (struct options){ getenv("POSTIL_DATA"), 30 };
	while ((c = getopt(argc, argv, "d:w:h")) != -1) {
		if (c == 'd') {
			o->data_dir = optarg;
		} else if (c == 'w' && text_number(slice_of(optarg), 86400, &number)) {
			o->wait_secs = (unsigned)number;
		} else if (c == 'h') {
			usage(stdout);
			exit(EXIT_SUCCESS);
		} else {
			return false;
		}
	}
	if (o->data_dir == NULL || o->data_dir[0] == '\0')
		o->data_dir = POSTIL_DATA_DIR;
	return optind == argc;
}

/* 0, 1 and 2 are open, so that no socket of ours ever gets their numbers. */
static bool open_standard(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= 2);
	if (fd > 2)
		close(fd);
	return fd > 2;
}

static STATUS read_settings(struct host *host, struct fault *fault)
{
	char path[PATH_MAX + 16];
	STATUS status;

	snprintf(path, sizeof(path), "%s/notes.ini", host->data_dir);
	status = ini_read(path, &host->ini, fault);
	if (status == POSTIL_ERR_NOEXIST)
		return fault_set(fault, status, "%s does not exist: is %s a data directory?", path,
		                 host->data_dir);
	if (status != NOERROR)
		return status;
	if (setting(host, "ServerName")[0] == '\0')
		return fault_set(fault, POSTIL_ERR_INVALID, "%s: ServerName is not set; set it to the"
		                 " name that the Server document has in the directory", path);
	return NOERROR;
}

static STATUS set_user(struct host *host, struct fault *fault)
{
	int error;

	if (geteuid() != 0) {
		keep_privileges_to_ourselves();
		return NOERROR;
	}
	error = privileged_start(&host->privileged_fd);
	if (error != 0)
		return fault_set(fault, POSTIL_ERR_IO, "The process that opens ports cannot be"
		                 " started: %s", strerrordesc_np(error));
	return become_server_user(host->ini, host->data_dir, fault);
}

static STATUS prepare(struct host *host, const struct options *o, struct fault *fault)
{
	STATUS status;

	host->data_dir = realpath(o->data_dir, NULL);
	if (host->data_dir == NULL)
		return fault_set(fault, POSTIL_ERR_NOEXIST, "%s: %s", o->data_dir,
		                 strerrordesc_np(errno));
	host->program_dir = program_directory();
	if (host->program_dir == NULL)
		return fault_set(fault, POSTIL_ERR_MEMORY, "Out of memory");
	status = read_settings(host, fault);
	if (status == NOERROR)
		status = set_user(host, fault);
	if (status == NOERROR)
		status = lock_data(host->data_dir, o->wait_secs, &host->lock_fd, fault);
	return status;
}

int main(int argc, char **argv)
{
	struct host host = { .signal_fd = -1, .ini_fd = -1, .privileged_fd = -1, .lock_fd = -1 };
	struct options options;
	struct fault fault = { 0 };
	int code = EXIT_FAILURE;

	umask(077);
	host.inherited_count = inherit_descriptors(host.inherited, INHERITED_MAX);
	if (!read_options(argc, argv, &options)) {
		usage(stderr);
		return 2;
	}
	if (!open_standard())
		return EXIT_FAILURE;
	loop_init(&host.loop);
	if (prepare(&host, &options, &fault) == NOERROR) {
		raise_descriptor_limit();
		code = host_serve(&host);
	} else {
		fprintf(stderr, "postil server: %s\n", fault.text);
	}
	ini_free(&host.ini);
	free(host.data_dir);
	free(host.program_dir);
	return code;
}

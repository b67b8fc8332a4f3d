/*
 * Programs: the words of a command, where a task's program lies, starting it.
 */
#ifndef POSTIL_HOST_PROGRAM_H
#define POSTIL_HOST_PROGRAM_H

#include <sys/types.h>

#include "addin/host/host.h"

#define PROGRAM_WORDS_MAX 64

/* The words of a command, at most PROGRAM_WORDS_MAX, for program_args_free; blanks
 * divide, double quotes hold together. POSTIL_ERR_INVALID: none, or a quote is open. */
STATUS program_args(struct slice command, char ***argv_r);
void program_args_free(char ***argv);

/* The program of that name in the directory, or of that absolute path. Names of
 * other letters than the file's are found in lower case; those with a slash or a
 * leading dot are POSTIL_ERR_INVALID, and so are Postil's own programs. */
STATUS program_find(const char *directory, const char *name, char *path, size_t size);

/* The directory that holds this program's companions: $POSTIL_PROGRAM_DIR, the
 * one this program lies in, or the installed one. NULL: out of memory. */
char *program_directory(void);

/* Move a descriptor above the numbers a child's descriptors are given. */
void program_move_up(int *fd);

struct program_start {
	const struct host *host;
	const char *path;
	char **argv;
	int wire_fd;            /* -1: none */
	int output_fd;          /* its standard output and error */
};
/* In a process group of its own, with the signals and descriptors it expects and
 * the lock of the data directory. 0 or errno. */
int program_start(const struct program_start *start, pid_t *pid_r);

#endif

/*
 * The file DATA/console.log and its older generations console.log.1 and on.
 * All but init, release and limits is called on the worker thread only, one
 * call at a time.
 */
#ifndef POSTIL_HOST_LOGFILE_H
#define POSTIL_HOST_LOGFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct log_file {
	char *path;
	int fd;
	int64_t max_octets;             /* 0: never rotated */
	int generations;
	bool reopen;                    /* open anew before the next write */
	int error;                      /* errno of the last write, 0 = it went well */
	unsigned long lost;             /* lines that could not be written */
};

STATUS log_file_init(struct log_file *file, const char *data_dir);
void log_file_release(struct log_file *file);
void log_file_limits(struct log_file *file, int64_t max_kbytes, int64_t generations);

/* Append lines with one write; rotates first when they would pass the limit. */
void log_file_write(struct log_file *file, struct slice lines);

#endif

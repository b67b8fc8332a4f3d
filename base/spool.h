/*
 * A spool: octets that are written in order and read from anywhere, in a file without a
 * name that is gone when it is released. For what is too large for memory.
 */
#ifndef POSTIL_BASE_SPOOL_H
#define POSTIL_BASE_SPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct spool {
	const char *dir;        /* NULL: $TMPDIR or /tmp; the caller's, must stay */
	int fd;                 /* -1: no file yet */
	uint64_t size_octets;
};

void spool_init(struct spool *spool, const char *dir);
void spool_release(struct spool *spool);
/* Append. The file is made for the first octet. POSTIL_ERR_DISK_FULL, _PERMISSION, _IO. */
STATUS spool_add(struct spool *spool, const void *p, size_t n);
/* Exactly size octets from offset; POSTIL_ERR_INVALID past the end. */
STATUS spool_read(const struct spool *spool, uint64_t offset, void *out, size_t size);
/* Begin anew: the octets are gone, their room on the disk is free. */
void spool_clear(struct spool *spool);

#endif

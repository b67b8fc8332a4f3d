/* A spool. The name that a file system without O_TMPFILE needs exists for an instant. */
#include "base/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/banned.h"

void spool_init(struct spool *spool, const char *dir)
{
	*spool = (struct spool){ .dir = dir, .fd = -1 };
}

void spool_release(struct spool *spool)
{
	if (spool->fd >= 0)
		close(spool->fd);
	spool->fd = -1;
	spool->size_octets = 0;
}

static STATUS io_status(int error)
{
	if (error == ENOSPC || error == EDQUOT)
		return POSTIL_ERR_DISK_FULL;
	return error == EACCES || error == EPERM ? POSTIL_ERR_PERMISSION : POSTIL_ERR_IO;
}

static STATUS open_named(struct spool *spool, const char *dir)
{
	static const char pattern[] = "/postil.XXXXXX";
	size_t length = strlen(dir);
	char *name = malloc(length + sizeof(pattern));
	STATUS status = NOERROR;

	if (name == NULL)
		return POSTIL_ERR_MEMORY;
	memcpy(name, dir, length);
	memcpy(name + length, pattern, sizeof(pattern));
	spool->fd = mkostemp(name, O_CLOEXEC);
	if (spool->fd < 0)
		status = io_status(errno);
	else
		unlink(name);
	free(name);
	return status;
}

static STATUS open_file(struct spool *spool)
{
	const char *dir = spool->dir != NULL ? spool->dir : getenv("TMPDIR");

	if (dir == NULL || dir[0] == '\0')
		dir = "/tmp";
	spool->fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	return spool->fd >= 0 ? NOERROR : open_named(spool, dir);
}

STATUS spool_add(struct spool *spool, const void *p, size_t n)
{
	const char *from = p;
	STATUS status = spool->fd < 0 && n > 0 ? open_file(spool) : NOERROR;

	while (status == NOERROR && n > 0) {
		ssize_t put = pwrite(spool->fd, from, n, (off_t)spool->size_octets);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return put < 0 ? io_status(errno) : POSTIL_ERR_IO;
		from += put;
		n -= (size_t)put;
		spool->size_octets += (uint64_t)put;
	}
	return status;
}

STATUS spool_read(const struct spool *spool, uint64_t offset, void *out, size_t size)
{
	char *to = out;

	if (offset > spool->size_octets || size > spool->size_octets - offset)
		return POSTIL_ERR_INVALID;
	while (size > 0) {
		ssize_t got = pread(spool->fd, to, size, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return POSTIL_ERR_IO;
		to += got;
		size -= (size_t)got;
		offset += (uint64_t)got;
	}
	return NOERROR;
}

void spool_clear(struct spool *spool)
{
	if (spool->size_octets > 0 && ftruncate(spool->fd, 0) != 0)
		spool_release(spool);
	spool->size_octets = 0;
}

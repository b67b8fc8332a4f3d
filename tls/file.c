/*
 * Files that credentials and trust are read from, and the state they were in. A name that
 * was looked for in vain is remembered too: that it comes is a change like any other. The
 * files are an administrator's; they are distrusted for size, kind and who may read them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tls/private.h"

struct stamp {
	dev_t device;
	ino_t inode;            /* 0: there is no such file */
	off_t size;
	struct timespec changed, modified;
	mode_t mode;
};

struct tls_file {
	char *path;
	struct stamp stamp;
};

static struct stamp stamp_of(const struct stat *st)
{
	return (struct stamp){ .device = st->st_dev, .inode = st->st_ino, .size = st->st_size,
		.changed = st->st_ctim, .modified = st->st_mtim, .mode = st->st_mode };
}

static bool time_equal(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool stamp_equal(const struct stamp *a, const struct stamp *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
		a->mode == b->mode && time_equal(a->changed, b->changed) &&
		time_equal(a->modified, b->modified);
}

void tls_files_release(struct tls_files *files)
{
	for (size_t i = 0; i < files->count; i++)
		free(files->list[i].path);
	free(files->list);
	*files = (struct tls_files){ 0 };
}

static STATUS remember(struct tls_files *files, const char *path, const struct stamp *stamp)
{
	char *copy;

	if (files->count == files->size) {
		size_t size = files->size == 0 ? 16 : 2 * files->size;
		struct tls_file *grown = reallocarray(files->list, size, sizeof(*grown));

		if (grown == NULL)
			return POSTIL_ERR_MEMORY;
		files->list = grown;
		files->size = size;
	}
	copy = strdup(path);
	if (copy == NULL)
		return POSTIL_ERR_MEMORY;
	files->list[files->count++] = (struct tls_file){ .path = copy, .stamp = *stamp };
	return NOERROR;
}

STATUS tls_files_watch(struct tls_files *files, const char *path)
{
	struct stamp stamp = { 0 };
	struct stat st;

	if (stat(path, &st) == 0)
		stamp = stamp_of(&st);
	return remember(files, path, &stamp);
}

bool tls_files_changed(const struct tls_files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		struct stamp stamp = { 0 };
		struct stat st;

		if (stat(files->list[i].path, &st) == 0)
			stamp = stamp_of(&st);
		if (!stamp_equal(&stamp, &files->list[i].stamp))
			return true;
	}
	return false;
}

static STATUS fail(const char *path, int error, struct fault *fault)
{
	STATUS status = POSTIL_ERR_IO;

	if (error == ENOENT || error == ENOTDIR)
		status = POSTIL_ERR_NOEXIST;
	else if (error == EACCES || error == EPERM)
		status = POSTIL_ERR_PERMISSION;
	return fault_set(fault, status, "%s: %s", path, strerror(error));
}

static STATUS read_all(int fd, const char *path, size_t size, size_t most, struct buf *out,
                       struct fault *fault)
{
	/* one octet more shows whether it has grown; reserved at once, so that nothing of a
	 * secret is left behind where the buffer has been */
	STATUS status = size > most ? POSTIL_ERR_TOO_LONG : buf_reserve(out, size + 1);
	size_t n = 0;

	while (status == NOERROR && n <= size) {
		ssize_t got = read(fd, out->p + out->n, size + 1 - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fail(path, errno, fault);
		if (got == 0)
			break;
		out->n += (size_t)got;
		n += (size_t)got;
	}
	if (status == POSTIL_ERR_TOO_LONG)
		return fault_set(fault, status, "%s: it is larger than %zu octets", path, most);
	if (status != NOERROR)
		return fault_set(fault, status, "%s: no memory", path);
	if (n > size)
		return fault_set(fault, POSTIL_ERR_IO, "%s: it changes while it is read", path);
	return NOERROR;
}

STATUS tls_files_read(struct tls_files *files, const char *path, size_t most, struct buf *out,
                      mode_t *mode_r, struct fault *fault)
{
	/* O_NONBLOCK: a pipe of that name must not hold us up */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), error = errno;
	struct stamp stamp = { 0 };
	struct stat st = { 0 };
	STATUS status;

	if (fd < 0) {
		status = tls_files_watch(files, path);
		return status != NOERROR ? status : fail(path, error, fault);
	}
	if (fstat(fd, &st) == 0)
		stamp = stamp_of(&st);
	status = remember(files, path, &stamp);
	if (status == NOERROR && !S_ISREG(st.st_mode))
		status = fault_set(fault, POSTIL_ERR_INVALID, "%s: it is not a file", path);
	if (status == NOERROR)
		status = read_all(fd, path, (size_t)st.st_size, most, out, fault);
	if (status == NOERROR)
		*mode_r = st.st_mode;
	close(fd);
	return status;
}

STATUS tls_check_secret(const char *path, mode_t mode, struct fault *fault)
{
	if ((mode & (S_IRWXG | S_IRWXO)) == 0)
		return NOERROR;
	return fault_set(fault, POSTIL_ERR_PERMISSION,
		"%s: it holds a secret but others may open it (mode %03o): chmod 600 it", path,
		(unsigned)(mode & 0777));
}

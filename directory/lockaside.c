/* What is set aside is never replaced and never deleted. The lock is one on the
 * directory: each file in it may go away. */
#include "directory/lockaside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/banned.h"

#define ASIDE_MAX 1000
#define LOCK_TRIES 100          /* every 10 ms */

static STATUS lock_directory(const char *path, int *fd_r)
{
	static const struct timespec pause = { .tv_nsec = 10000000 };
	const char *slash = strrchr(path, '/');
	char *directory = slash == NULL ? strdup(".") : strndup(path, (size_t)(slash - path) + 1);
	int fd = directory == NULL ? -1 : open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = -1;

	free(directory);
	if (fd < 0)
		return directory == NULL ? POSTIL_ERR_MEMORY : POSTIL_ERR_PERMISSION;
	for (int i = 0; i < LOCK_TRIES && rc != 0; i++) {
		if (i > 0)
			nanosleep(&pause, NULL);
		rc = flock(fd, LOCK_EX | LOCK_NB);
	}
	if (rc != 0) {
		close(fd);
		return POSTIL_ERR_BUSY;
	}
	*fd_r = fd;
	return NOERROR;
}

static STATUS status_of_errno(void)
{
	return errno == EACCES || errno == EPERM || errno == EROFS ? POSTIL_ERR_PERMISSION
	       : POSTIL_ERR_IO;
}

/* A second name for it; one that is there is not replaced. */
static STATUS name_again(const char *path, char **to_r)
{
	char *to;

	for (int i = 1; i < ASIDE_MAX; i++) {
		if (asprintf(&to, "%s.damaged-%d", path, i) < 0)
			return POSTIL_ERR_MEMORY;
		if (link(path, to) == 0) {
			*to_r = to;
			return NOERROR;
		}
		free(to);
		if (errno != EEXIST)
			return status_of_errno();
	}
	return POSTIL_ERR_EXISTS;
}

/* While path is there nobody makes a file anew, so what lies beside it is its own. The
 * lock file stays, it fits any. */
static STATUS move_beside(const char *path, const char *to)
{
	char *from, *name;
	STATUS status = NOERROR;

	if (asprintf(&from, "%s-wal", path) < 0)
		return POSTIL_ERR_MEMORY;
	if (asprintf(&name, "%s-wal", to) < 0) {
		free(from);
		return POSTIL_ERR_MEMORY;
	}
	if (rename(from, name) != 0 && errno != ENOENT)
		status = status_of_errno();
	memcpy(from + strlen(path), "-shm", 4);
	if (status == NOERROR)
		unlink(from);
	free(from);
	free(name);
	return status;
}

static STATUS move(const char *path, char **to_r)
{
	STATUS status = name_again(path, to_r);

	if (status == NOERROR)
		status = move_beside(path, *to_r);
	if (status == NOERROR && unlink(path) != 0)
		status = status_of_errno();
	if (status != NOERROR) {
		free(*to_r);
		*to_r = NULL;
	}
	return status;
}

STATUS lockaside(const char *path, const struct stat *bad, char **to_r)
{
	struct stat st;
	int fd;
	STATUS status = lock_directory(path, &fd);

	*to_r = NULL;
	if (status != NOERROR)
		return status;
	if (stat(path, &st) == 0 && st.st_dev == bad->st_dev && st.st_ino == bad->st_ino)
		status = move(path, to_r);
	close(fd);
	return status;
}

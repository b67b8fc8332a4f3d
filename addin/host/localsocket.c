/*
 * UNIX sockets of the host. Distrusts what lies under the path: it may be a socket that another
 * program serves, one that a killed server has left, or no socket at all.
 *
 * Who connects before the permissions are set is refused: only then the socket listens.
 */
#include "addin/host/localsocket.h"

#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"

#include "base/banned.h"

#define BACKLOG 4096
#define GROUP_OCTETS 16384

static int make_name(const char *path, struct sockaddr_un *name_r)
{
	size_t n = strlen(path);

	*name_r = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (n == 0 || n >= sizeof(name_r->sun_path))
		return ENAMETOOLONG;
	memcpy(name_r->sun_path, path, n);
	return 0;
}

static bool find_group(const char *group, gid_t *gid_r)
{
	struct group entry, *found = NULL;
	char memory[GROUP_OCTETS];
	uint64_t number;

	if (getgrnam_r(group, &entry, memory, sizeof(memory), &found) == 0 && found != NULL) {
		*gid_r = entry.gr_gid;
		return true;
	}
	if (!text_number(slice_of(group), UINT32_MAX - 1, &number))
		return false;
	*gid_r = (gid_t)number;
	return true;
}

int localsocket_permit(const char *path, unsigned mode, const char *group)
{
	gid_t gid;

	if (group[0] != '\0') {
		if (!find_group(group, &gid))
			return EINVAL;
		if (lchown(path, (uid_t)-1, gid) != 0)
			return errno;
	}
	return chmod(path, mode & 0777) == 0 ? 0 : errno;
}

/* Does anybody listen there? What cannot be told counts as yes. */
static bool is_stale(const struct sockaddr_un *name)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool stale = false;

	if (fd < 0)
		return false;
	if (connect(fd, (const struct sockaddr *)name, sizeof(*name)) != 0)
		stale = errno == ECONNREFUSED;
	close(fd);
	return stale;
}

static int make_way(const char *path, const struct sockaddr_un *name)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return errno == ENOENT ? 0 : errno;
	if (!S_ISSOCK(st.st_mode))
		return EEXIST;
	if (!is_stale(name))
		return EADDRINUSE;
	return unlink(path) == 0 || errno == ENOENT ? 0 : errno;
}

static int bind_it(int fd, const char *path, const struct sockaddr_un *name)
{
	int error;

	if (bind(fd, (const struct sockaddr *)name, sizeof(*name)) == 0)
		return 0;
	if (errno != EADDRINUSE)
		return errno;
	error = make_way(path, name);
	if (error != 0)
		return error;
	return bind(fd, (const struct sockaddr *)name, sizeof(*name)) == 0 ? 0 : errno;
}

static int identify(const char *path, struct localsocket_id *id_r)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return errno;
	*id_r = (struct localsocket_id){ st.st_dev, st.st_ino };
	return 0;
}

int localsocket_open(const char *path, unsigned mode, const char *group,
                     struct localsocket_id *id_r, int *fd_r)
{
	struct sockaddr_un name;
	int error = make_name(path, &name), fd;
	struct localsocket_id id = { 0 };

	if (error != 0)
		return error;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return errno;
	error = bind_it(fd, path, &name);
	if (error == 0) {
		error = identify(path, &id);
		if (error == 0)
			error = localsocket_permit(path, mode, group);
		if (error == 0 && listen(fd, BACKLOG) != 0)
			error = errno;
		if (error != 0)
			localsocket_remove(path, &id);
	}
	if (error != 0) {
		close(fd);
		return error;
	}
	*id_r = id;
	*fd_r = fd;
	return 0;
}

void localsocket_remove(const char *path, const struct localsocket_id *id)
{
	struct localsocket_id now = { 0 };

	if (identify(path, &now) == 0 && now.dev == id->dev && now.ino == id->ino)
		unlink(path);
}

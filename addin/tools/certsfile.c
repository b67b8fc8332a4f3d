/* Files below DATA/certs. They are written whole: a server may be reading them. */
#include "addin/tools/certs.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "addin/tools/tool.h"
#include "base/ini.h"

#include "base/banned.h"

#define READ_MAX_OCTETS (1024 * 1024)

int certs_find_owner(struct certs *certs)
{
	struct fault fault = { .status = NOERROR };
	struct ini *ini = NULL;
	const struct passwd *user;
	const char *name;
	char *path = NULL;
	STATUS status;
	int exit_status = EX_OK;

	if (geteuid() != 0)
		return EX_OK;
	if (asprintf(&path, "%s/notes.ini", certs->data_dir) < 0)
		return EX_OSERR;
	status = ini_read(path, &ini, &fault);
	free(path);
	if (status == POSTIL_ERR_NOEXIST)
		return EX_OK;
	if (status != NOERROR)
		return tool_fail(&fault, status);
	name = ini_get(ini, "ServerUser");
	user = name == NULL ? NULL : getpwnam(name);
	if (user != NULL) {
		certs->give = true;
		certs->uid = user->pw_uid;
		certs->gid = user->pw_gid;
	} else if (name != NULL) {
		tool_say("there is no user %s, whom ServerUser in notes.ini names and who must read the files",
		         name);
		exit_status = EX_NOUSER;
	}
	ini_free(&ini);
	return exit_status;
}

char *certs_path(const struct certs *certs, const char *a, const char *b)
{
	char *path = NULL;

	return asprintf(&path, "%s/certs/%s%s", certs->data_dir, a, b) < 0 ? NULL : path;
}

bool certs_exists(const struct certs *certs, const char *file)
{
	char *path = certs_path(certs, file, "");
	bool exists = path == NULL || faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;

	free(path);
	return exists;
}

static STATUS failed(const char *path, struct fault *fault)
{
	STATUS status = POSTIL_ERR_IO;

	if (errno == ENOENT)
		status = POSTIL_ERR_NOEXIST;
	else if (errno == EEXIST)
		status = POSTIL_ERR_EXISTS;
	else if (errno == EACCES || errno == EPERM)
		status = POSTIL_ERR_PERMISSION;
	return fault_set(fault, status, "%s: %s%s", path, strerrordesc_np(errno),
	                 errno == EEXIST ? "; -f replaces it" : "");
}

/* Each directory on the way to a file, from DATA on. */
static STATUS make_directories(const struct certs *certs, char *path, struct fault *fault)
{
	STATUS status = NOERROR;

	for (char *slash = strchr(path + strlen(certs->data_dir) + 1, '/');
	     slash != NULL && status == NOERROR; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0700) == 0) {
			if (certs->give && lchown(path, certs->uid, certs->gid) != 0)
				status = failed(path, fault);
		} else if (errno != EEXIST) {
			status = failed(path, fault);
		}
		*slash = '/';
	}
	return status;
}

static STATUS fill(const struct certs *certs, int fd, mode_t mode, const struct buf *text,
                   const char *path, struct fault *fault)
{
	size_t done = 0;

	if (fchmod(fd, mode) != 0 || (certs->give && fchown(fd, certs->uid, certs->gid) != 0))
		return failed(path, fault);
	while (done < text->n) {
		ssize_t n = write(fd, text->p + done, text->n - done);

		if (n < 0 && errno != EINTR)
			return failed(path, fault);
		done += n > 0 ? (size_t)n : 0;
	}
	return fsync(fd) == 0 ? NOERROR : failed(path, fault);
}

static STATUS put(const char *beside, const char *path, bool force, struct fault *fault)
{
	if (force)
		return rename(beside, path) == 0 ? NOERROR : failed(path, fault);
	return link(beside, path) == 0 ? NOERROR : failed(path, fault);
}

STATUS certs_write(const struct certs *certs, const char *file, mode_t mode, bool force,
                   const struct buf *text, struct fault *fault)
{
	char *path = certs_path(certs, file, ""), *beside = certs_path(certs, file, ".XXXXXX");
	STATUS status = path == NULL || beside == NULL ? POSTIL_ERR_MEMORY : buf_status(text);
	int fd = -1;

	if (status == NOERROR)
		status = make_directories(certs, path, fault);
	if (status == NOERROR) {
		fd = mkostemp(beside, O_CLOEXEC);
		status = fd < 0 ? failed(beside, fault) : fill(certs, fd, mode, text, path, fault);
	}
	if (status == NOERROR)
		status = put(beside, path, force, fault);
	if (fd >= 0) {
		close(fd);
		unlink(beside);         /* gone already if it has been renamed */
	}
	free(beside);
	free(path);
	return status;
}

STATUS certs_read_path(const char *path, struct buf *out, struct fault *fault)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t n = 0;
	STATUS status = fd < 0 ? failed(path, fault) : buf_reserve(out, READ_MAX_OCTETS + 1);

	while (status == NOERROR && out->n <= READ_MAX_OCTETS) {
		n = read(fd, out->p + out->n, READ_MAX_OCTETS + 1 - out->n);
		if (n == 0)
			break;
		if (n < 0 && errno != EINTR)
			status = failed(path, fault);
		out->n += n > 0 ? (size_t)n : 0;
	}
	if (status == NOERROR && out->n > READ_MAX_OCTETS)
		status = fault_set(fault, POSTIL_ERR_TOO_LONG, "%s: it is larger than %d octets", path,
			READ_MAX_OCTETS);
	if (fd >= 0)
		close(fd);
	return status;
}

STATUS certs_read(const struct certs *certs, const char *file, struct buf *out, struct fault *fault)
{
	char *path = certs_path(certs, file, "");
	STATUS status = path == NULL ? POSTIL_ERR_MEMORY : certs_read_path(path, out, fault);

	free(path);
	return status;
}

/* Before the loop. Distrusts the environment, notes.ini's ServerUser, and a lock
 * file that others may hold. */
#include "addin/host/start.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <pwd.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "addin/host/program.h"
#include "base/clock.h"
#include "base/text.h"
#include "base/banned.h"

/* --- the lock ------------------------------------------------------------------------ */

/* Two locks on one file. flock() belongs to the open file and so to the tasks, too;
 * the record lock belongs to the server's process alone and tells whether that lives. */
static bool server_lives(int fd, pid_t *pid_r)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1 };

	if (fcntl(fd, F_GETLK, &lock) != 0 || lock.l_type == F_UNLCK)
		return false;
	*pid_r = lock.l_pid;
	return true;
}

static STATUS take_flock(int fd, unsigned wait_secs, struct fault *fault)
{
	uint64_t until = clock_mono_ms() + (uint64_t)wait_secs * 1000;
	struct timespec pause = { 0, 50 * 1000000 };
	bool said = false;
	pid_t pid = 0;

	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return fault_set(fault, POSTIL_ERR_IO, "The data directory cannot be locked: %s",
			                 strerrordesc_np(errno));
		if (server_lives(fd, &pid))
			return fault_set(fault, POSTIL_ERR_IN_USE, "Server is already running (in"
			                 " another process), number %d", (int)pid);
		if (clock_mono_ms() >= until)
			return fault_set(fault, POSTIL_ERR_IN_USE, "Server is already running (in"
			                 " another process): tasks of a server that has ended still"
			                 " hold the data directory");
		if (!said)
			fprintf(stderr, "postil server: waiting for tasks of a server that has"
			        " ended\n");
		said = true;
		nanosleep(&pause, NULL);
	}
	return NOERROR;
}

STATUS lock_data(const char *data_dir, unsigned wait_secs, int *fd_r, struct fault *fault)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1 };
	char path[4096];
	STATUS status;
	int fd;

	snprintf(path, sizeof(path), "%s/.lock", data_dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fault_set(fault, POSTIL_ERR_IO, "%s cannot be opened: %s%s", path,
		                 strerrordesc_np(errno), errno != EACCES ? ""
		                 : "; the data directory must belong to the user of the server");
	/* Now: a close later would give the record lock back. */
	program_move_up(&fd);
	status = take_flock(fd, wait_secs, fault);
	if (status == NOERROR && fcntl(fd, F_SETLK, &lock) != 0)
		status = fault_set(fault, POSTIL_ERR_IN_USE,
		                   "Server is already running (in another process)");
	if (status != NOERROR)
		close(fd);
	else
		*fd_r = fd;
	return status;
}

/* --- the user ---------------------------------------------------------------------------- */

/* Else whoever owns the directory could choose as whom he lives on. */
static STATUS check_owner(const char *path, const char *name, uid_t uid, struct fault *fault)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return fault_set(fault, POSTIL_ERR_PERMISSION, "%s: %s", path,
		                 strerrordesc_np(errno));
	if (S_ISLNK(st.st_mode) || (st.st_uid != 0 && st.st_uid != uid)
	    || (st.st_mode & S_IWOTH) != 0)
		return fault_set(fault, POSTIL_ERR_PERMISSION, "Started as root: %s must belong to"
		                 " root or to ServerUser=%s, be no link and not be writable for all",
		                 path, name);
	return NOERROR;
}

static STATUS check_owners(const char *data_dir, const char *name, uid_t uid,
                           struct fault *fault)
{
	char path[4096 + 16];
	STATUS status = check_owner(data_dir, name, uid, fault);

	snprintf(path, sizeof(path), "%s/notes.ini", data_dir);
	return status != NOERROR ? status : check_owner(path, name, uid, fault);
}

STATUS become_server_user(const struct ini *ini, const char *data_dir, struct fault *fault)
{
	const char *name = ini_get(ini, "ServerUser");
	struct passwd *user;

	if (name == NULL || name[0] == '\0')
		return fault_set(fault, POSTIL_ERR_PERMISSION, "Started as root: set ServerUser in"
		                 " %s/notes.ini to the user the server is to run as", data_dir);
	user = getpwnam(name);
	if (user == NULL)
		return fault_set(fault, POSTIL_ERR_PERMISSION, "ServerUser=%s in %s/notes.ini: there"
		                 " is no such user", name, data_dir);
	if (user->pw_uid == 0)
		return fault_set(fault, POSTIL_ERR_PERMISSION, "ServerUser=%s in %s/notes.ini is root:"
		                 " name a user without privileges", name, data_dir);
	if (check_owners(data_dir, name, user->pw_uid, fault) != NOERROR)
		return POSTIL_ERR_PERMISSION;
	if (initgroups(name, user->pw_gid) != 0 || setgid(user->pw_gid) != 0
	    || setuid(user->pw_uid) != 0 || setuid(0) == 0)
		return fault_set(fault, POSTIL_ERR_PERMISSION, "Cannot become user %s", name);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	setenv("HOME", user->pw_dir, 1);
	setenv("USER", name, 1);
	setenv("LOGNAME", name, 1);
	return NOERROR;
}

void keep_privileges_to_ourselves(void)
{
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static uint64_t announced(size_t most)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	uint64_t number, count;

	if (pid == NULL || fds == NULL || !text_number(slice_of(pid), INT32_MAX, &number)
	    || !text_number(slice_of(fds), most, &count) || number != (uint64_t)getpid())
		return 0;
	return count;
}

size_t inherit_descriptors(int *fds, size_t most)
{
	uint64_t count = announced(most);
	size_t taken = 0;

	for (uint64_t i = 0; i < count; i++) {
		fds[taken] = fcntl(3 + (int)i, F_DUPFD_CLOEXEC, 10 + (int)most);
		if (fds[taken] >= 0) {
			close(3 + (int)i);
			taken++;
		}
	}
	syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC);
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return taken;
}

void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* --- systemd --------------------------------------------------------------------------------- */

void notify_systemd(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	size_t n = path != NULL ? strlen(path) : 0;
	int fd;

	if (n == 0 || n >= sizeof(name.sun_path) || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(name.sun_path, path, n);
	if (path[0] == '@')
		name.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&name,
	       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
	close(fd);
}

/*
 * FILE-lock: byte ranges for open-file-description locks, and two numbers.
 *
 *   octet 0       writer
 *   octet 1       POP3 session
 *   octet 2       the writer that is next
 *   8 to 15       generation, host byte order: odd while a commit is under way
 *   16 to 23      epoch: how often the session lock has been taken
 *
 * Such locks belong to the open file and not to the process, so that threads
 * exclude each other too, and end with its last descriptor; O_CLOEXEC keeps
 * children from inheriting one. The numbers are distrusted: any value is one.
 * A writer that died in its commit leaves an odd generation; readers do not
 * trust it, the next writer goes on from there.
 */
#include "nsf/private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/banned.h"

enum { OCTET_WRITER = 0, OCTET_SESSION = 1, OCTET_NEXT = 2, OCTET_GENERATION = 8, OCTET_EPOCH = 16 };

struct nsf_lock {
	int fd;
	bool has_session;
	uint64_t epoch;
	uint64_t generation;    /* written last, while the writer lock is held */
	char *wal_path;
	char db_path[];
};

_Atomic unsigned nsf_lock_wait_ms = 5000;

static STATUS status_of_errno(int error)
{
	switch (error) {
	case ENOENT: case ENOTDIR: return POSTIL_ERR_NOEXIST;
	case EACCES: case EPERM: case EROFS: case ELOOP: return POSTIL_ERR_PERMISSION;
	case ENOSPC: case EDQUOT: return POSTIL_ERR_DISK_FULL;
	case ENOMEM: return POSTIL_ERR_MEMORY;
	default: return POSTIL_ERR_IO;
	}
}

/* ending: of the lock file's name. */
static STATUS make(const char *path, const char *ending, struct nsf_lock **lock_r,
                   struct fault *fault)
{
	size_t n = strlen(path);
	size_t size = n + sizeof("-lock-next");
	struct nsf_lock *lock = calloc(1, sizeof(*lock) + 2 * size);
	int error;

	if (lock == NULL)
		return fault_set(fault, POSTIL_ERR_MEMORY, "%s: out of memory", path);
	lock->wal_path = lock->db_path + size;
	memcpy(lock->db_path, path, n);
	snprintf(lock->wal_path, size, "%s%s", path, ending);
	lock->fd = open(lock->wal_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock->fd < 0) {
		error = errno;
		free(lock);
		return fault_set(fault, status_of_errno(error),
		                 "%s%s: cannot open the lock file: %s", path, ending,
		                 strerrordesc_np(error));
	}
	snprintf(lock->wal_path, size, "%s-wal", path);
	*lock_r = lock;
	return NOERROR;
}

STATUS nsf_lock_make(const char *path, struct nsf_lock **lock_r, struct fault *fault)
{
	return make(path, "-lock", lock_r, fault);
}

STATUS nsf_lock_open(const char *path, struct nsf_lock **lock_r, struct fault *fault)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return fault_set(fault, status_of_errno(errno), "%s: %s", path, strerrordesc_np(errno));
	if (!S_ISREG(st.st_mode))
		return fault_set(fault, POSTIL_ERR_FOREIGN, "%s: not a regular file", path);
	return nsf_lock_make(path, lock_r, fault);
}

void nsf_lock_close(struct nsf_lock **lock)
{
	if (*lock == NULL)
		return;
	close((*lock)->fd);
	free(*lock);
	*lock = NULL;
}

static int set_lock(const struct nsf_lock *lock, off_t octet, short type)
{
	struct flock range = { .l_type = type, .l_whence = SEEK_SET, .l_start = octet, .l_len = 1 };
	int rc;

	do
		rc = fcntl(lock->fd, F_OFD_SETLK, &range);
	while (rc < 0 && errno == EINTR);
	return rc;
}

static uint64_t number_get(const struct nsf_lock *lock, off_t octet)
{
	uint64_t value = 0;

	if (pread(lock->fd, &value, sizeof(value), octet) != (ssize_t)sizeof(value))
		return 0;
	return value;
}

static bool number_set(const struct nsf_lock *lock, off_t octet, uint64_t value)
{
	return pwrite(lock->fd, &value, sizeof(value), octet) == (ssize_t)sizeof(value);
}

STATUS nsf_lock_session(struct nsf_lock *lock)
{
	if (lock->has_session)
		return NOERROR;
	if (set_lock(lock, OCTET_SESSION, F_WRLCK) < 0)
		return errno == EAGAIN || errno == EACCES ? POSTIL_ERR_IN_USE : POSTIL_ERR_IO;
	if (nsf_lock_is_removed(lock)) {
		set_lock(lock, OCTET_SESSION, F_UNLCK);
		return POSTIL_ERR_NOEXIST;
	}
	lock->has_session = true;
	lock->epoch = number_get(lock, OCTET_EPOCH) + 1;
	number_set(lock, OCTET_EPOCH, lock->epoch);
	return NOERROR;
}

void nsf_unlock_session(struct nsf_lock *lock)
{
	if (lock->has_session)
		set_lock(lock, OCTET_SESSION, F_UNLCK);
	lock->has_session = false;
}

uint64_t nsf_lock_epoch(const struct nsf_lock *lock)
{
	return lock->epoch;
}

bool nsf_lock_is_removed(struct nsf_lock *lock)
{
	struct stat st;

	return fstat(lock->fd, &st) < 0 || st.st_nlink == 0;
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);     /* never the replaceable clock: the wait must end */
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* There is no wait with a bound for such locks, so ask again and again. */
static STATUS wait_for(struct nsf_lock *lock, off_t octet, long pause_ns, uint64_t *end)
{
	struct timespec pause = { 0, pause_ns };

	while (set_lock(lock, octet, F_WRLCK) < 0) {
		if (errno != EAGAIN && errno != EACCES)
			return POSTIL_ERR_IO;
		if (*end == 0)
			*end = now_ms() + nsf_lock_wait_ms;
		else if (now_ms() >= *end)
			return POSTIL_ERR_BUSY;
		nanosleep(&pause, NULL);
	}
	return NOERROR;
}

/* Who has just written and wants to again must not be faster, each time, than
 * those who sleep between their questions: so one of them is next, and nobody
 * passes it. */
STATUS nsf_lock_writer(struct nsf_lock *lock)
{
	uint64_t end = 0;
	STATUS status = wait_for(lock, OCTET_NEXT, 100000, &end);

	if (status != NOERROR)
		return status;
	status = wait_for(lock, OCTET_WRITER, 20000, &end);
	set_lock(lock, OCTET_NEXT, F_UNLCK);
	if (status != NOERROR || !nsf_lock_is_removed(lock))
		return status;
	nsf_unlock_writer(lock);
	return POSTIL_ERR_NOEXIST;
}

void nsf_unlock_writer(struct nsf_lock *lock)
{
	set_lock(lock, OCTET_WRITER, F_UNLCK);
}

STATUS nsf_lock_commit_begin(struct nsf_lock *lock)
{
	uint64_t now = number_get(lock, OCTET_GENERATION);

	lock->generation = now % 2 == 0 ? now + 1 : now + 2;
	return number_set(lock, OCTET_GENERATION, lock->generation) ? NOERROR : POSTIL_ERR_IO;
}

void nsf_lock_commit_end(struct nsf_lock *lock)
{
	number_set(lock, OCTET_GENERATION, lock->generation + 1);
}

static uint64_t time_word(const struct stat *st)
{
	return (uint64_t)st->st_mtim.tv_sec * 1000000000u + (uint64_t)st->st_mtim.tv_nsec;
}

/* An empty write-ahead log says no more than none at all. */
STATUS nsf_lock_stamp(struct nsf_lock *lock, struct nsf_stamp *stamp_r)
{
	struct stat db, wal;

	memset(stamp_r, 0, sizeof(*stamp_r));
	if (stat(lock->db_path, &db) < 0)
		return status_of_errno(errno);
	if (stat(lock->wal_path, &wal) < 0) {
		if (errno != ENOENT)
			return status_of_errno(errno);
		memset(&wal, 0, sizeof(wal));
	}
	stamp_r->words[0] = number_get(lock, OCTET_GENERATION);
	stamp_r->words[1] = (uint64_t)db.st_ino ^ (uint64_t)db.st_dev << 40;
	stamp_r->words[2] = (uint64_t)db.st_size;
	stamp_r->words[3] = time_word(&db);
	if (wal.st_size > 0) {
		stamp_r->words[4] = (uint64_t)wal.st_size ^ (uint64_t)wal.st_ino << 32;
		stamp_r->words[5] = time_word(&wal);
	}
	stamp_r->valid = stamp_r->words[0] % 2 == 0;
	return NOERROR;
}

/* --- another lock file ------------------------------------------------------------------ */

static STATUS take_place(struct nsf_lock *lock, const struct nsf_lock *next, struct fault *fault)
{
	size_t size = strlen(lock->db_path) + sizeof("-lock-next");
	char *from = malloc(size), *to = malloc(size);
	STATUS status = from == NULL || to == NULL ? POSTIL_ERR_MEMORY : NOERROR;

	if (status == NOERROR) {
		snprintf(from, size, "%s-lock-next", lock->db_path);
		snprintf(to, size, "%s-lock", lock->db_path);
		if (set_lock(next, OCTET_SESSION, F_WRLCK) < 0 || set_lock(next, OCTET_WRITER, F_WRLCK) < 0
		    || !number_set(next, OCTET_GENERATION, (number_get(lock, OCTET_GENERATION) | 1) + 3)
		    || !number_set(next, OCTET_EPOCH, number_get(lock, OCTET_EPOCH) + 1)
		    || rename(from, to) < 0)
			status = status_of_errno(errno);
	}
	free(from);
	free(to);
	return status == NOERROR ? status
		: fault_set(fault, status, "%s-lock: cannot be succeeded: %s", lock->db_path,
		            status_text(status));
}

STATUS nsf_lock_succeed(struct nsf_lock *lock, struct nsf_lock **next_r, struct fault *fault)
{
	struct nsf_lock *next = NULL;
	STATUS status = make(lock->db_path, "-lock-next", &next, fault);

	if (status == NOERROR)
		status = take_place(lock, next, fault);
	if (status != NOERROR) {
		nsf_lock_close(&next);
		return status;
	}
	*next_r = next;
	return NOERROR;
}

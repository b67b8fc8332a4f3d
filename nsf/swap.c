/*
 * One file in the place of another that may be open elsewhere.
 *
 * Whoever writes holds a lock in FILE-lock, and sees there whether that file has
 * lost its name; so the lock file is succeeded by another one first, and a writer
 * that waits for the old lock finds that its file has gone. The old log must not be
 * found beside the new file: it moves away with the old file, just before the new
 * one appears by one rename. A crash between these two steps leaves the old file under
 * both of its names, with the log beside the second.
 */
#include "nsf/maintain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/banned.h"

bool nsf_watch_go_on(const struct nsf_watch *watch, uint64_t done, uint64_t total)
{
	return watch == NULL || watch->go_on == NULL || watch->go_on(watch->context, done, total);
}

void nsf_watch_tell(const struct nsf_watch *watch, const char *format, ...)
{
	char line[600];
	va_list ap;

	if (watch == NULL || watch->tell == NULL)
		return;
	va_start(ap, format);
	vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	watch->tell(watch->context, line);
}

/* --- names ------------------------------------------------------------------------------- */

static STATUS fail_errno(const char *path, const char *what, struct fault *fault)
{
	int error = errno;
	STATUS status = error == ENOSPC || error == EDQUOT ? POSTIL_ERR_DISK_FULL
		: error == EACCES || error == EPERM || error == EROFS ? POSTIL_ERR_PERMISSION
		: error == ENOENT ? POSTIL_ERR_NOEXIST : error == EEXIST ? POSTIL_ERR_EXISTS
		: POSTIL_ERR_IO;

	return fault_set(fault, status, "%s: %s: %s", path, what, strerrordesc_np(error));
}

static bool is_free(const char *name)
{
	struct stat st;

	return lstat(name, &st) < 0 && errno == ENOENT;
}

STATUS nsf_name_free(const char *path, const char *ending, const char *before_nsf,
                     char out[PATH_MAX], struct fault *fault)
{
	time_t now = (time_t)clock_wall_secs();
	size_t n = strlen(path);
	struct tm tm;
	char date[32] = "", number[16] = "";

	if (before_nsf != NULL && n > 4 && strcmp(path + n - 4, ".nsf") == 0)
		n -= 4;
	if (localtime_r(&now, &tm) != NULL)
		strftime(date, sizeof(date), "%Y%m%d-%H%M%S", &tm);
	for (int i = 1; i < 1000; i++) {
		if (i > 1)
			snprintf(number, sizeof(number), "-%d", i);
		if (snprintf(out, PATH_MAX, "%.*s.%s-%s%s%s", (int)n, path, ending, date, number,
		             before_nsf == NULL ? "" : before_nsf) >= PATH_MAX - 16)
			return fault_set(fault, POSTIL_ERR_TOO_LONG, "%s: its name is too long", path);
		if (is_free(out))
			return NOERROR;
	}
	return fault_set(fault, POSTIL_ERR_EXISTS, "%s: too many files with the ending %s", path, ending);
}

static void remove_ending(const char *path, const char *ending)
{
	char name[PATH_MAX + 16];

	if (snprintf(name, sizeof(name), "%s%s", path, ending) < (int)sizeof(name))
		unlink(name);
}

void nsf_draft_strip(const char *draft)
{
	remove_ending(draft, "-wal");
	remove_ending(draft, "-shm");
	remove_ending(draft, "-journal");
	remove_ending(draft, "-lock");
}

void nsf_draft_remove(const char *draft)
{
	remove_ending(draft, "");
	nsf_draft_strip(draft);
}

STATUS nsf_sync_file(const char *path, struct fault *fault)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	STATUS status = NOERROR;

	if (fd < 0 || fsync(fd) < 0)
		status = fail_errno(path, "cannot sync", fault);
	if (fd >= 0)
		close(fd);
	return status;
}

STATUS nsf_sync_directory(const char *path, struct fault *fault)
{
	char name[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t n = slash == NULL ? 0 : slash == path ? 1 : (size_t)(slash - path);
	STATUS status = NOERROR;
	int fd;

	if (n >= sizeof(name))
		return fault_set(fault, POSTIL_ERR_TOO_LONG, "%s: its name is too long", path);
	memcpy(name, path, n);
	name[n] = '\0';
	fd = open(n == 0 ? "." : name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		status = fail_errno(path, "cannot sync its directory", fault);
	if (fd >= 0)
		close(fd);
	return status;
}

/* --- the swap ------------------------------------------------------------------------------- */

/* What is in the log goes into the old file while both still have their names: a crash between
 * the steps below then leaves it whole, and nothing that was acknowledged lies in a log that
 * nobody finds. Best effort: a file that cannot be opened, or in which somebody still reads,
 * keeps its log. */
static void log_write_back(const char *path)
{
	struct nsf *nsf = NULL;

	if (nsf_open(path, &nsf, NULL) == NOERROR)
		sqlite3_wal_checkpoint_v2(nsf->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	nsf_close(&nsf);
}

/* The log gets the kept file's name, if there is something in it; then log and index lose
 * theirs. A journal that a compaction left goes with the old file, too: found beside the new one
 * it would be undone into that. */
static STATUS log_keep(const char *path, const char *kept, struct fault *fault)
{
	char from[PATH_MAX + 16], to[PATH_MAX + 16];
	struct stat st;

	snprintf(from, sizeof(from), "%s-journal", path);
	snprintf(to, sizeof(to), "%s-journal", kept);
	if (rename(from, to) < 0 && errno != ENOENT)
		return fail_errno(from, "cannot be kept", fault);

	snprintf(from, sizeof(from), "%s-wal", path);
	snprintf(to, sizeof(to), "%s-wal", kept);
	if (lstat(from, &st) == 0 && st.st_size > 0 && link(from, to) < 0)
		return fail_errno(from, "cannot be kept", fault);
	remove_ending(path, "-wal");
	remove_ending(path, "-shm");
	return NOERROR;
}

static void log_bring_back(const char *path, const char *kept, const char *ending)
{
	char from[PATH_MAX + 16], to[PATH_MAX + 16];

	snprintf(from, sizeof(from), "%s%s", kept, ending);
	snprintf(to, sizeof(to), "%s%s", path, ending);
	if (link(from, to) == 0)
		unlink(from);
}

static STATUS lay(const char *path, const char *draft, const char *kept, struct fault *fault)
{
	STATUS status;

	if (link(path, kept) < 0)
		return fail_errno(kept, "cannot keep the old file", fault);
	status = log_keep(path, kept, fault);
	if (status == NOERROR && rename(draft, path) < 0) {
		status = fail_errno(path, "cannot be replaced", fault);
		log_bring_back(path, kept, "-wal");
		log_bring_back(path, kept, "-journal");
	}
	if (status != NOERROR)
		unlink(kept);
	return status == NOERROR ? nsf_sync_directory(path, fault) : status;
}

STATUS nsf_swap(const char *path, const char *draft, const char *kept, struct nsf_lock *lock,
                struct fault *fault)
{
	struct nsf_lock *next = NULL;
	STATUS status = nsf_lock_succeed(lock, &next, fault);

	if (status == NOERROR) {
		log_write_back(path);
		status = lay(path, draft, kept, fault);
	}
	nsf_lock_close(&next);
	return status;
}

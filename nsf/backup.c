/*
 * Backup and restore. A backup is read in one read transaction, which keeps
 * nobody waiting; it gets its name when it has been checked and synced. Both
 * files are distrusted: a damaged one never counts as a backup, nor takes the
 * place of a mail file.
 */
#include "nsf/maintain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypt.h"
#include "nsf/salvage.h"
#include "base/banned.h"

enum { STEP_PAGES = 256, COPY_OCTETS = 1 << 20 };

static STATUS draft_make(const char *draft, int *fd_r, struct fault *fault)
{
	nsf_draft_remove(draft);
	*fd_r = open(draft, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*fd_r >= 0)
		return NOERROR;
	return fault_set(fault, errno == ENOENT ? POSTIL_ERR_NOEXIST : errno == EACCES || errno == EROFS
	                 ? POSTIL_ERR_PERMISSION : errno == ENOSPC || errno == EDQUOT
	                 ? POSTIL_ERR_DISK_FULL : POSTIL_ERR_IO, "%s: cannot make: %s", draft,
	                 strerrordesc_np(errno));
}

/* --- backup ------------------------------------------------------------------------------- */

static int pages_copy(sqlite3 *from, sqlite3 *to, const struct nsf_watch *watch)
{
	sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
	int rc = SQLITE_OK;

	if (backup == NULL)
		return sqlite3_extended_errcode(to);
	while (rc == SQLITE_OK) {
		int total = sqlite3_backup_pagecount(backup);

		if (!nsf_watch_go_on(watch, (uint64_t)(total - sqlite3_backup_remaining(backup)),
		                     (uint64_t)total)) {
			rc = SQLITE_INTERRUPT;
			break;
		}
		rc = sqlite3_backup_step(backup, STEP_PAGES);
	}
	sqlite3_backup_finish(backup);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Nobody sees the draft: it is synced once, at the end. */
static STATUS draft_fill(struct nsf *nsf, const char *draft, const struct nsf_watch *watch,
                         struct fault *fault)
{
	sqlite3 *to = NULL;
	STATUS status = NOERROR;
	int rc = sqlite3_open_v2(draft, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX
	                         | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_exec(to, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(nsf->db, "BEGIN; SELECT k FROM store", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = pages_copy(nsf->db, to, watch);
	if (rc != SQLITE_OK)
		status = fault_set(fault, nsf_status(to, rc), "%s: cannot be copied to %s: %s", nsf->path,
		                   draft, rc == SQLITE_INTERRUPT ? "stopped" : sqlite3_errstr(rc));
	if (!sqlite3_get_autocommit(nsf->db))
		sqlite3_exec(nsf->db, "ROLLBACK", NULL, NULL, NULL);
	sqlite3_close(to);
	return status;
}

static STATUS draft_check(const char *draft, const char *what, struct fault *fault)
{
	struct fault found = { .status = NOERROR };
	STATUS status = nsf_check(draft, NULL, NULL, &found);

	nsf_draft_strip(draft);
	if (status == POSTIL_ERR_DAMAGED)
		return fault_set(fault, status, "%s is damaged: repair it with `load fixup` at the server's "
		                 "console first", what);
	if (status != NOERROR)
		return fault_set(fault, status, "%s", fault_text(&found, status));
	return nsf_sync_file(draft, fault);
}

/* The name is given when nothing has it, or what has it is given up by wish. */
static STATUS publish(const char *draft, const char *target, bool replace, struct fault *fault)
{
	if (replace ? rename(draft, target) == 0 : link(draft, target) == 0) {
		if (!replace)
			unlink(draft);
		return nsf_sync_directory(target, fault);
	}
	return fault_set(fault, errno == EEXIST ? POSTIL_ERR_EXISTS : POSTIL_ERR_IO, "%s: %s", target,
	                 errno == EEXIST ? "exists already" : strerrordesc_np(errno));
}

/* Not over a database that somebody works with. */
static STATUS target_check(const char *target, bool replace, struct fault *fault)
{
	char lock[PATH_MAX + 16];
	struct stat st;

	if (strlen(target) >= PATH_MAX - 16)
		return fault_set(fault, POSTIL_ERR_TOO_LONG, "%s: the name is too long", target);
	snprintf(lock, sizeof(lock), "%s-lock", target);
	if (lstat(target, &st) < 0)
		return NOERROR;
	if (!replace)
		return fault_set(fault, POSTIL_ERR_EXISTS, "%s: exists already", target);
	if (!S_ISREG(st.st_mode) || lstat(lock, &st) == 0)
		return fault_set(fault, POSTIL_ERR_IN_USE, "%s: is a mail file itself or no file at all, and "
		                 "is not replaced", target);
	return NOERROR;
}

STATUS nsf_backup(const char *path, const char *target, bool replace,
                  const struct nsf_watch *watch, uint64_t *octets_r, struct fault *fault)
{
	char draft[PATH_MAX];
	struct nsf *nsf = NULL;
	struct stat st;
	int fd = -1;
	STATUS status = target_check(target, replace, fault);

	if (status == NOERROR)
		status = nsf_open(path, &nsf, fault);
	if (status != NOERROR)
		return status;
	snprintf(draft, sizeof(draft), "%s-draft", target);
	status = draft_make(draft, &fd, fault);
	if (fd >= 0)
		close(fd);
	if (status == NOERROR)
		status = draft_fill(nsf, draft, watch, fault);
	nsf_close(&nsf);
	if (status == NOERROR)
		status = draft_check(draft, path, fault);
	if (status == NOERROR && stat(draft, &st) == 0)
		*octets_r = (uint64_t)st.st_size;
	if (status == NOERROR)
		status = publish(draft, target, replace, fault);
	if (fd >= 0)
		nsf_draft_remove(draft);
	return status;
}

/* --- restore ---------------------------------------------------------------------------------- */

/* errno tells why not. */
static bool write_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, p, n);

		if (done < 0 && errno != EINTR)
			return false;
		p += done > 0 ? done : 0;
		n -= done > 0 ? (size_t)done : 0;
	}
	return true;
}

static STATUS octets_copy(const char *from, int to, const struct nsf_watch *watch, struct fault *fault)
{
	int fd = open(from, O_RDONLY | O_CLOEXEC);
	char *piece = malloc(COPY_OCTETS);
	STATUS status = NOERROR;
	uint64_t done = 0;
	ssize_t n = 1;

	if (fd < 0 || piece == NULL)
		status = fault_set(fault, fd >= 0 ? POSTIL_ERR_MEMORY : errno == ENOENT ? POSTIL_ERR_NOEXIST
		                   : POSTIL_ERR_PERMISSION, "%s: cannot be read: %s", from,
		                   strerrordesc_np(errno));
	while (status == NOERROR && n > 0) {
		n = read(fd, piece, COPY_OCTETS);
		if (n < 0 || !write_all(to, piece, (size_t)n))
			status = fault_set(fault, errno == ENOSPC || errno == EDQUOT ? POSTIL_ERR_DISK_FULL
			                   : POSTIL_ERR_IO, "%s: cannot be copied: %s", from,
			                   strerrordesc_np(errno));
		done += n > 0 ? (uint64_t)n : 0;
		if (status == NOERROR && !nsf_watch_go_on(watch, done, 0))
			status = fault_set(fault, POSTIL_ERR_CANCEL, "%s: stopped", from);
	}
	if (fd >= 0)
		close(fd);
	free(piece);
	return status;
}

/* Who opened a backup as a database may have left part of it in a log. */
static STATUS backup_alone(const char *backup, struct fault *fault)
{
	char log[PATH_MAX + 16];
	struct stat st;

	if (strlen(backup) >= PATH_MAX - 16)
		return fault_set(fault, POSTIL_ERR_TOO_LONG, "%s: the name is too long", backup);
	snprintf(log, sizeof(log), "%s-wal", backup);
	if (lstat(log, &st) == 0 && st.st_size > 0)
		return fault_set(fault, POSTIL_ERR_IN_USE, "%s: is open somewhere, or part of it lies in %s; "
		                 "make a backup of it first", backup, log);
	return NOERROR;
}

struct merge {
	struct nsf *nsf;                /* the draft */
	uint64_t next_id, sequence;     /* of the old file, as far as seen */
	uint64_t renamed;
	sqlite3_stmt *find, *add;
};

/* What the backup says of this UIDL. */
static STATUS merge_find(struct merge *m, struct slice uidl, bool *known_r, bool *same_r,
                         struct slice digest)
{
	struct slice theirs;
	int rc;

	nsf_bind_text(m->find, 1, uidl);
	rc = sqlite3_step(m->find);
	*known_r = rc == SQLITE_ROW;
	*same_r = false;
	if (rc == SQLITE_ROW) {
		theirs = nsf_column(m->find, 0);
		*same_r = theirs.n == digest.n && memcmp(theirs.p, digest.p, digest.n) == 0;
	}
	sqlite3_reset(m->find);
	return nsf_status(m->nsf->db, rc);
}

/* A UIDL of the old file, for other octets than in the backup: what is in the backup
 * must not have it. */
static STATUS merge_rename(struct merge *m, struct slice uidl, struct slice digest)
{
	static const char *const changes[] = {
		"UPDATE inbox SET uidl=?2 WHERE uidl=?1", "UPDATE filed SET uidl=?2 WHERE uidl=?1",
		"UPDATE second SET uidl=?2 WHERE uidl=?1", "UPDATE stub SET uidl=?2 WHERE uidl=?1",
		"UPDATE gone SET uidl=?2 WHERE uidl=?1", "UPDATE uidl SET uidl=?2 WHERE uidl=?1",
		"INSERT INTO uidl(uidl,id,digest) VALUES(?1,0,?3)",
	};
	char made[NSF_UIDL_MADE];
	STATUS status = nsf_uidl_make(made);

	for (size_t i = 0; status == NOERROR && i < sizeof(changes) / sizeof(changes[0]); i++) {
		sqlite3_stmt *s = NULL;
		int rc = sqlite3_prepare_v2(m->nsf->db, changes[i], -1, &s, NULL);

		if (rc == SQLITE_OK) {
			nsf_bind_text(s, 1, uidl);
			nsf_bind_text(s, 2, (struct slice){ made, sizeof(made) });
			nsf_bind_blob(s, 3, digest.p, digest.n);
			rc = sqlite3_step(s);
		}
		sqlite3_finalize(s);
		status = nsf_status(m->nsf->db, rc);
	}
	m->renamed += status == NOERROR;
	return status;
}

static STATUS merge_uidl(struct merge *m, struct slice uidl, struct slice digest)
{
	bool known = false, same = false;
	STATUS status = merge_find(m, uidl, &known, &same, digest);

	if (status != NOERROR || same)
		return status;
	if (known)
		return merge_rename(m, uidl, digest);
	nsf_bind_text(m->add, 1, uidl);
	nsf_bind_blob(m->add, 2, digest.p, digest.n);
	status = nsf_status(m->nsf->db, sqlite3_step(m->add));
	sqlite3_reset(m->add);
	return status;
}

static void higher(uint64_t *known, const struct salvage_value *value)
{
	if (value->type == SALVAGE_INTEGER && value->integer > 0
	    && (uint64_t)value->integer <= NSF_ID_MAX && (uint64_t)value->integer > *known)
		*known = (uint64_t)value->integer;
}

/* Of a damaged file as much as can be read. */
static STATUS merge_row(void *context, const struct salvage_row *row)
{
	struct merge *m = context;
	const struct salvage_value *v = row->values;

	if (row->table == NULL || !row->whole)
		return NOERROR;
	if (strcmp(row->table, "store") == 0 && row->count > 5) {
		higher(&m->next_id, &v[4]);
		higher(&m->sequence, &v[5]);
	}
	if (strcmp(row->table, "uidl") != 0 || row->count != 3 || v[0].type != SALVAGE_TEXT
	    || v[2].type != SALVAGE_BLOB || v[2].octets.n != NSF_DIGEST_OCTETS
	    || v[0].octets.n == 0 || v[0].octets.n > NSF_UIDL_MAX)
		return NOERROR;
	higher(&m->next_id, &v[1]);
	return merge_uidl(m, v[0].octets, v[2].octets);
}

static STATUS merge_all(struct merge *m, struct salvage *old)
{
	sqlite3 *db = m->nsf->db;
	int rc = sqlite3_prepare_v2(db, "SELECT digest FROM uidl WHERE uidl=?1", -1, &m->find, NULL);
	STATUS status;

	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(db, "INSERT INTO uidl(uidl,id,digest) VALUES(?1,0,?2)", -1, &m->add,
		                        NULL);
	status = nsf_status(db, rc);
	if (status == NOERROR)
		status = salvage_each(old, merge_row, m);
	sqlite3_finalize(m->find);
	sqlite3_finalize(m->add);
	if (status != NOERROR)
		return status;
	/* One more than the highest id that is seen: it may be that of a message. */
	if (m->nsf->counters.next_id <= m->next_id + 1)
		m->nsf->counters.next_id = m->next_id + 2;
	if (m->nsf->counters.sequence <= (int64_t)m->sequence)
		m->nsf->counters.sequence = (int64_t)m->sequence + 1;
	return NOERROR;
}

/* What the old file has given away stays given. Its writer lock is held; a reader of ours
 * keeps its log from being emptied meanwhile. */
static STATUS merge(const char *draft, const char *path, struct nsf_restored *restored,
                    struct fault *fault)
{
	struct merge m = { .nsf = NULL };
	struct salvage *old = NULL;
	struct nsf *reader = NULL;
	uint64_t octets;
	STATUS status = salvage_open(path, &old, fault);

	if (status == NOERROR && nsf_open(path, &reader, NULL) == NOERROR)
		sqlite3_exec(reader->db, "BEGIN; SELECT k FROM store", NULL, NULL, NULL);
	if (status == NOERROR)
		status = nsf_open(draft, &m.nsf, fault);
	if (status == NOERROR)
		status = nsf_begin(m.nsf, fault);
	if (status == NOERROR) {
		status = merge_all(&m, old);
		if (status == NOERROR)
			status = nsf_commit(m.nsf, fault);
		else
			fault_set(fault, status, "%s: %s", path, status_text(status));
	}
	if (status == NOERROR)
		status = nsf_inbox_stat(m.nsf, &restored->messages, &octets);
	restored->renamed = m.renamed;
	nsf_close(&m.nsf);
	nsf_close(&reader);
	salvage_close(&old);
	return status;
}

/* The draft's own lock file must not be there while it is opened for writing by its
 * final name, so all is done before the swap. */
static STATUS restore_over(const char *draft, const char *path, struct nsf_restored *restored,
                           struct fault *fault)
{
	struct nsf_lock *lock = NULL;
	STATUS status = nsf_lock_open(path, &lock, fault);

	if (status != NOERROR)
		return status;
	status = nsf_lock_session(lock);
	if (status == NOERROR)
		status = nsf_lock_writer(lock);
	if (status != NOERROR)
		fault_set(fault, status, "%s: cannot be restored: %s", path, status == POSTIL_ERR_IN_USE
		          ? "a session has it open" : status_text(status));
	if (status == NOERROR)
		status = nsf_name_free(path, "before", NULL, restored->kept, fault);
	if (status == NOERROR)
		status = merge(draft, path, restored, fault);
	if (status == NOERROR) {
		nsf_draft_strip(draft);
		status = nsf_sync_file(draft, fault);
	}
	if (status == NOERROR)
		status = nsf_swap(path, draft, restored->kept, lock, fault);
	nsf_lock_close(&lock);
	return status;
}

/* Nobody makes the file meanwhile. */
static STATUS publish_new(const char *draft, const char *path, struct fault *fault)
{
	struct nsf_lock *lock = NULL;
	struct stat st;
	STATUS status = nsf_lock_make(path, &lock, fault);

	if (status != NOERROR)
		return status;
	status = nsf_lock_writer(lock);
	if (status != NOERROR)
		fault_set(fault, status, "%s-lock: %s", path, status_text(status));
	else if (lstat(path, &st) == 0)
		status = fault_set(fault, POSTIL_ERR_EXISTS, "%s: exists already", path);
	if (status == NOERROR)
		status = nsf_leftovers_remove(path, fault);
	if (status == NOERROR)
		status = publish(draft, path, false, fault);
	nsf_lock_close(&lock);
	return status;
}

static STATUS restore_new(const char *draft, const char *path, struct nsf_restored *restored,
                          struct fault *fault)
{
	struct nsf *nsf = NULL;
	uint64_t octets;
	STATUS status = nsf_open(draft, &nsf, fault);

	if (status == NOERROR)
		status = nsf_inbox_stat(nsf, &restored->messages, &octets);
	nsf_close(&nsf);
	nsf_draft_strip(draft);
	return status == NOERROR ? publish_new(draft, path, fault) : status;
}

STATUS nsf_restore(const char *backup, const char *path, const struct nsf_watch *watch,
                   struct nsf_restored *restored_r, struct fault *fault)
{
	char draft[PATH_MAX];
	struct stat st;
	STATUS status = backup_alone(backup, fault);
	int fd = -1;

	memset(restored_r, 0, sizeof(*restored_r));
	if (status == NOERROR && strlen(path) >= PATH_MAX - 64)
		status = fault_set(fault, POSTIL_ERR_TOO_LONG, "%s: the name is too long", path);
	if (status != NOERROR)
		return status;
	snprintf(draft, sizeof(draft), "%s-restore", path);
	status = draft_make(draft, &fd, fault);
	if (status == NOERROR)
		status = octets_copy(backup, fd, watch, fault);
	if (fd >= 0)
		close(fd);
	if (status == NOERROR)
		status = draft_check(draft, backup, fault);
	if (status == NOERROR)
		status = lstat(path, &st) == 0 ? restore_over(draft, path, restored_r, fault)
			: restore_new(draft, path, restored_r, fault);
	if (fd >= 0)
		nsf_draft_remove(draft);
	if (status != NOERROR)
		restored_r->kept[0] = '\0';
	return status;
}

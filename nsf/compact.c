/*
 * Giving space back. In place: what deletions left is freed and the pages at the
 * end of the file are given up, in short steps, each with the writer lock for
 * itself alone. As a copy: SQLite writes the file anew, with nobody else at it.
 */
#include "nsf/maintain.h"

#include <string.h>
#include <sys/stat.h>

#include "base/banned.h"


/* Pages that move are written once more when the log is emptied: 16 MiB of them. */
enum { LOG_FRAMES = 2048 };

static int64_t number(struct nsf *nsf, const char *sql)
{
	sqlite3_stmt *s = NULL;
	int64_t value = 0;

	if (sqlite3_prepare_v2(nsf->db, sql, -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW)
		value = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return value < 0 ? 0 : value;
}

static uint64_t file_octets(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

/* Free pages, and those of bodies that nothing names any more. */
static unsigned unused_percent(struct nsf *nsf)
{
	int64_t pages = number(nsf, "PRAGMA page_count"), octets = number(nsf, "PRAGMA page_size");
	int64_t unused = number(nsf, "PRAGMA freelist_count");
	int64_t left = number(nsf, "SELECT total(length(b.data)) FROM (SELECT id FROM gone UNION ALL "
	                      "SELECT id FROM loose) g JOIN body b ON b.k BETWEEN g.id<<16 AND g.id<<16|65535");

	if (octets > 0)
		unused += left / octets;
	if (pages == 0 || unused > pages)
		return pages == 0 ? 0 : 100;
	return (unsigned)(unused * 100 / pages);
}

static STATUS in_place(struct nsf *nsf, bool shrink, const struct nsf_watch *watch,
                       struct fault *fault)
{
	int64_t pages = number(nsf, "PRAGMA page_count");
	bool more = true;
	STATUS status = NOERROR;

	while (status == NOERROR && more) {
		int64_t left = number(nsf, "PRAGMA freelist_count");

		if (!nsf_watch_go_on(watch, (uint64_t)(pages > left ? pages - left : 0), (uint64_t)pages))
			return fault_set(fault, POSTIL_ERR_CANCEL, "%s: stopped", nsf->path);
		status = nsf_reclaim_part(nsf, shrink, &more);
		if (nsf->log_frames > LOG_FRAMES)
			nsf_log_empty(nsf);
	}
	nsf_log_empty(nsf);
	return status == NOERROR ? status
		: fault_set(fault, status, "%s: cannot be compacted: %s", nsf->path, status_text(status));
}

/* --- as a copy ------------------------------------------------------------------------------ */

static int stop(void *context)
{
	return nsf_watch_go_on(context, 0, 0) ? 0 : 1;
}

/* A file that anybody else has open does not leave the mode that needs a log. */
static int write_anew(struct nsf *nsf, const struct nsf_watch *watch)
{
	int rc;

	nsf_statements_finalize(nsf);
	sqlite3_busy_timeout(nsf->db, 0);
	rc = sqlite3_exec(nsf->db, "PRAGMA journal_mode=DELETE", NULL, NULL, NULL);
	if (rc == SQLITE_OK) {
		sqlite3_limit(nsf->db, SQLITE_LIMIT_ATTACHED, 1);       /* SQLite attaches the copy */
		sqlite3_progress_handler(nsf->db, 100000, stop, (void *)(uintptr_t)watch);
		rc = sqlite3_exec(nsf->db, "VACUUM", NULL, NULL, NULL);
		sqlite3_progress_handler(nsf->db, 0, NULL, NULL);
		sqlite3_exec(nsf->db, "PRAGMA journal_mode=WAL", NULL, NULL, NULL);
	}
	return rc;
}

static STATUS copy_locked(struct nsf *nsf, const struct nsf_watch *watch, struct fault *fault)
{
	STATUS status = nsf_lock_commit_begin(nsf->lock);
	int rc;

	if (status != NOERROR)
		return fault_set(fault, status, "%s-lock: %s", nsf->path, status_text(status));
	rc = write_anew(nsf, watch);
	nsf_lock_commit_end(nsf->lock);
	if (rc == SQLITE_OK)
		return NOERROR;
	if ((rc & 0xFF) == SQLITE_BUSY || (rc & 0xFF) == SQLITE_LOCKED)
		return fault_set(fault, POSTIL_ERR_IN_USE, "%s: is open in a server task or a tool; compact it "
		                 "in place, or when nobody uses it", nsf->path);
	if ((rc & 0xFF) == SQLITE_INTERRUPT)
		return fault_set(fault, POSTIL_ERR_CANCEL, "%s: stopped", nsf->path);
	return nsf_fail(nsf, rc, fault);
}

static STATUS as_copy(struct nsf *nsf, const struct nsf_watch *watch, struct fault *fault)
{
	STATUS status = nsf_writer_prepare(nsf, fault);

	if (status != NOERROR)
		return status;
	status = nsf_lock_session(nsf->lock);
	if (status == NOERROR)
		status = nsf_lock_writer(nsf->lock);
	if (status != NOERROR)
		return fault_set(fault, status, "%s: cannot be compacted: %s", nsf->path,
		                 status == POSTIL_ERR_IN_USE ? "a session has it open; compact it in place"
		                 : status_text(status));
	status = copy_locked(nsf, watch, fault);
	nsf_unlock_writer(nsf->lock);
	nsf_unlock_session(nsf->lock);
	return status;
}

STATUS nsf_compact(const char *path, const struct nsf_compact_options *options,
                   const struct nsf_watch *watch, struct nsf_compact_result *result_r,
                   struct fault *fault)
{
	struct nsf *nsf = NULL;
	STATUS status = nsf_open(path, &nsf, fault);

	memset(result_r, 0, sizeof(*result_r));
	if (status != NOERROR)
		return status;
	result_r->before_octets = file_octets(path);
	result_r->unused_percent = unused_percent(nsf);
	result_r->passed_over = result_r->unused_percent < options->unused_percent;
	if (result_r->passed_over) {
		status = NOERROR;
	} else if (options->style == NSF_COMPACT_COPY) {
		status = in_place(nsf, false, watch, fault);
		if (status == NOERROR)
			status = as_copy(nsf, watch, fault);
	} else {
		status = in_place(nsf, options->style == NSF_COMPACT_SHRINK, watch, fault);
	}
	nsf_close(&nsf);
	result_r->after_octets = file_octets(path);
	return status;
}

void nsf_tidy(const char *path)
{
	struct nsf *nsf = NULL;
	int keep_names = 0;

	if (nsf_open(path, &nsf, NULL) != NOERROR)
		return;
	sqlite3_file_control(nsf->db, "main", SQLITE_FCNTL_PERSIST_WAL, &keep_names);
	nsf_close(&nsf);
}

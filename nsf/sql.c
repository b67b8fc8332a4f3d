/*
 * Statements, result codes and transactions. The database file is distrusted:
 * what comes out of a column has been checked for its type before it is used,
 * and a schema that is not ours shows as a damaged file.
 */
#include "nsf/private.h"

#include <errno.h>
#include <string.h>

#include "base/banned.h"

static STATUS status_of_io(sqlite3 *db, int rc)
{
	switch (rc) {
	case SQLITE_IOERR_NOMEM: return POSTIL_ERR_MEMORY;
	case SQLITE_IOERR_CORRUPTFS: case SQLITE_IOERR_SHORT_READ: return POSTIL_ERR_DAMAGED;
	}
	switch (db == NULL ? 0 : sqlite3_system_errno(db)) {
	case ENOSPC: case EDQUOT: return POSTIL_ERR_DISK_FULL;
	default: return POSTIL_ERR_IO;
	}
}

STATUS nsf_status(sqlite3 *db, int rc)
{
	switch (rc & 0xFF) {
	case SQLITE_OK: case SQLITE_ROW: case SQLITE_DONE: return NOERROR;
	case SQLITE_BUSY: case SQLITE_LOCKED: case SQLITE_PROTOCOL: return POSTIL_ERR_BUSY;
	case SQLITE_NOMEM: return POSTIL_ERR_MEMORY;
	case SQLITE_FULL: return POSTIL_ERR_DISK_FULL;
	case SQLITE_IOERR: return status_of_io(db, rc);
	case SQLITE_READONLY: return rc == SQLITE_READONLY_DBMOVED ? POSTIL_ERR_NOEXIST
		: POSTIL_ERR_PERMISSION;
	case SQLITE_PERM: case SQLITE_AUTH: case SQLITE_CANTOPEN: return POSTIL_ERR_PERMISSION;
	case SQLITE_TOOBIG: return POSTIL_ERR_TOO_LONG;
	case SQLITE_INTERRUPT: return POSTIL_ERR_CANCEL;
	default: return POSTIL_ERR_DAMAGED;     /* corrupt, or not the tables we made */
	}
}

STATUS nsf_fail(struct nsf *nsf, int rc, struct fault *fault)
{
	STATUS status = nsf_status(nsf->db, rc);

	if (status == POSTIL_ERR_DAMAGED)
		return fault_set(fault, status, "%s: the database is damaged (%s); enter `load fixup` "
		                 "with its name at the server's console, or restore it from a backup",
		                 nsf->path, sqlite3_errmsg(nsf->db));
	return fault_set(fault, status, "%s: %s (%s, SQLite code %d)", nsf->path,
	                 status_text(status), sqlite3_errmsg(nsf->db), rc);
}

STATUS nsf_statement(struct nsf *nsf, enum statement which, sqlite3_stmt **statement_r)
{
	sqlite3_stmt **kept = &nsf->statements[which];
	unsigned flags = *kept == NULL ? SQLITE_PREPARE_PERSISTENT : 0;
	int rc;

	if (*kept != NULL && !sqlite3_stmt_busy(*kept)) {
		*statement_r = *kept;
		return NOERROR;
	}
	/* In use by a caller further up, from whose callback this comes: one more. */
	rc = sqlite3_prepare_v3(nsf->db, nsf_statement_texts[which], -1, flags, statement_r, NULL);
	if (rc != SQLITE_OK)
		return nsf_status(nsf->db, rc);
	if (*kept == NULL)
		*kept = *statement_r;
	return NOERROR;
}

void nsf_statement_done(struct nsf *nsf, enum statement which, sqlite3_stmt *statement)
{
	if (statement == NULL)
		return;
	if (statement != nsf->statements[which]) {
		sqlite3_finalize(statement);
		return;
	}
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
}

void nsf_statements_finalize(struct nsf *nsf)
{
	for (size_t i = 0; i < ST_COUNT; i++) {
		sqlite3_finalize(nsf->statements[i]);
		nsf->statements[i] = NULL;
	}
}

STATUS nsf_statement_run(struct nsf *nsf, enum statement which, sqlite3_stmt *statement)
{
	int rc = sqlite3_step(statement);
	STATUS status = nsf_status(nsf->db, rc);

	if (rc == SQLITE_ROW)
		status = POSTIL_ERR_DAMAGED;
	nsf_statement_done(nsf, which, statement);
	return status;
}

static STATUS statement_with(struct nsf *nsf, enum statement which, int count,
                             const int64_t *integers, sqlite3_stmt **statement_r)
{
	STATUS status = nsf_statement(nsf, which, statement_r);

	for (int i = 0; status == NOERROR && i < count; i++)
		sqlite3_bind_int64(*statement_r, i + 1, integers[i]);
	return status;
}

STATUS nsf_run(struct nsf *nsf, enum statement which, int count, const int64_t *integers)
{
	sqlite3_stmt *statement;
	STATUS status = statement_with(nsf, which, count, integers, &statement);

	return status == NOERROR ? nsf_statement_run(nsf, which, statement) : status;
}

int nsf_bind_text(sqlite3_stmt *statement, int index, struct slice s)
{
	return sqlite3_bind_text64(statement, index, s.n == 0 ? "" : s.p, s.n, SQLITE_STATIC,
	                           SQLITE_UTF8);
}

int nsf_bind_blob(sqlite3_stmt *statement, int index, const void *p, size_t n)
{
	return sqlite3_bind_blob64(statement, index, n == 0 ? "" : p, n, SQLITE_STATIC);
}

struct slice nsf_column(sqlite3_stmt *statement, int index)
{
	int type = sqlite3_column_type(statement, index);
	struct slice s = { "", 0 };

	if (type != SQLITE_TEXT && type != SQLITE_BLOB)
		return s;
	s.p = sqlite3_column_blob(statement, index);
	s.n = (size_t)sqlite3_column_bytes(statement, index);
	if (s.p == NULL)
		s = (struct slice){ "", 0 };
	return s;
}

bool nsf_column_count(sqlite3_stmt *statement, int index, uint64_t *value_r)
{
	sqlite3_int64 value;

	if (sqlite3_column_type(statement, index) != SQLITE_INTEGER)
		return false;
	value = sqlite3_column_int64(statement, index);
	if (value < 0)
		return false;
	*value_r = (uint64_t)value;
	return true;
}

static STATUS number_take(struct nsf *nsf, enum statement which, sqlite3_stmt *s, uint64_t *value_r)
{
	int rc = sqlite3_step(s);
	STATUS status = rc == SQLITE_DONE ? POSTIL_ERR_NOT_FOUND : nsf_status(nsf->db, rc);

	if (rc == SQLITE_ROW && !nsf_column_count(s, 0, value_r))
		status = POSTIL_ERR_DAMAGED;
	nsf_statement_done(nsf, which, s);
	return status;
}

STATUS nsf_ask_number(struct nsf *nsf, enum statement which, int count, const int64_t *integers,
                      uint64_t *value_r)
{
	sqlite3_stmt *s;
	STATUS status = statement_with(nsf, which, count, integers, &s);

	return status == NOERROR ? number_take(nsf, which, s, value_r) : status;
}

STATUS nsf_ask_named(struct nsf *nsf, enum statement which, struct slice name, uint64_t *value_r)
{
	sqlite3_stmt *s;
	STATUS status = nsf_statement(nsf, which, &s);

	if (status != NOERROR)
		return status;
	nsf_bind_text(s, 1, name);
	status = number_take(nsf, which, s, value_r);
	return status == NOERROR && *value_r == 0 ? POSTIL_ERR_DAMAGED : status;
}

STATUS nsf_ask_ids(struct nsf *nsf, enum statement which, int count, const int64_t *integers,
                   STATUS (*each)(void *context, uint64_t id), void *context)
{
	sqlite3_stmt *s;
	STATUS status = statement_with(nsf, which, count, integers, &s);
	uint64_t id;
	int rc;

	if (status != NOERROR)
		return status;
	while ((rc = sqlite3_step(s)) == SQLITE_ROW && status == NOERROR)
		status = nsf_column_count(s, 0, &id) && id <= NSF_ID_MAX ? each(context, id)
			: POSTIL_ERR_DAMAGED;
	if (status == NOERROR)
		status = nsf_status(nsf->db, rc);
	nsf_statement_done(nsf, which, s);
	return status;
}

/* --- counters -------------------------------------------------------------------- */

STATUS nsf_counters_read(struct nsf *nsf, struct counters *counters_r, int *kind_r)
{
	sqlite3_stmt *s;
	STATUS status = nsf_statement(nsf, ST_COUNTERS_GET, &s);
	struct counters c;
	uint64_t sequence;
	int rc;

	if (status != NOERROR)
		return status;
	rc = sqlite3_step(s);
	status = nsf_status(nsf->db, rc);
	if (rc == SQLITE_DONE)
		status = POSTIL_ERR_DAMAGED;
	if (rc == SQLITE_ROW) {
		if (nsf_column_count(s, 1, &c.messages) && nsf_column_count(s, 2, &c.octets)
		    && nsf_column_count(s, 3, &c.next_id) && nsf_column_count(s, 4, &sequence)
		    && nsf_column_count(s, 5, &c.filed) && nsf_column_count(s, 6, &c.warned)
		    && nsf_column_count(s, 7, &c.quota) && nsf_column_count(s, 8, &c.quota_messages)
		    && nsf_column_count(s, 9, &c.warning) && nsf_column_count(s, 10, &c.soft_hours)
		    && c.next_id > 0) {
			c.sequence = (int64_t)sequence;
			*counters_r = c;
			if (kind_r != NULL)
				*kind_r = sqlite3_column_int(s, 0);
		} else {
			status = POSTIL_ERR_DAMAGED;
		}
	}
	nsf_statement_done(nsf, ST_COUNTERS_GET, s);
	return status;
}

static STATUS counters_write(struct nsf *nsf)
{
	const struct counters *c = &nsf->counters, *old = &nsf->counters_stored;

	if (c->messages == old->messages && c->octets == old->octets
	    && c->next_id == old->next_id && c->sequence == old->sequence
	    && c->filed == old->filed && c->warned == old->warned)
		return NOERROR;
	return nsf_run(nsf, ST_COUNTERS_SET, 6, (const int64_t[]){ (int64_t)c->messages,
	               (int64_t)c->octets, (int64_t)c->next_id, c->sequence, (int64_t)c->filed,
	               (int64_t)c->warned });
}

/* --- the log ------------------------------------------------------------------------ */

static int log_grew(void *context, sqlite3 *db, const char *name, int frames)
{
	struct nsf *nsf = context;

	(void)db;
	(void)name;
	nsf->log_frames = frames;
	return SQLITE_OK;
}

bool nsf_log_is_long(const struct nsf *nsf)
{
	return nsf->log_frames >= NSF_WAL_OCTETS / 8192;
}

bool nsf_log_empty(struct nsf *nsf)
{
	nsf->log_frames = 0;
	return sqlite3_wal_checkpoint_v2(nsf->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL) == SQLITE_OK;
}

/* The log is emptied by who has time for it: nsf_reclaim, nsf_close; so no
 * commit waits for that. A writer that finds it long does it before the next
 * change: most while others go on writing, and the rest, which is little, under
 * the lock; then the log begins anew with this writer's first frame. */
static STATUS lock_with_short_log(struct nsf *nsf)
{
	bool emptied = nsf_log_is_long(nsf) && nsf_log_empty(nsf);
	STATUS status = nsf_lock_writer(nsf->lock);

	if (status == NOERROR && emptied)
		nsf_log_empty(nsf);
	return status;
}

/* --- transactions ------------------------------------------------------------------- */

STATUS nsf_writer_prepare(struct nsf *nsf, struct fault *fault)
{
	STATUS status = NOERROR;
	int rc;

	if (nsf->lock == NULL)
		status = nsf_lock_make(nsf->path, &nsf->lock, fault);
	if (status != NOERROR || nsf->write_ready)
		return status;
	sqlite3_wal_hook(nsf->db, log_grew, nsf);       /* and SQLite does not empty it in a commit */
	rc = sqlite3_exec(nsf->db, "PRAGMA synchronous=FULL; PRAGMA secure_delete=FAST",
	                  NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		return nsf_fail(nsf, rc, fault);
	nsf->write_ready = true;
	return NOERROR;
}

static void roll_back(struct nsf *nsf)
{
	/* After some errors SQLite has done so by itself. */
	if (!sqlite3_get_autocommit(nsf->db))
		nsf_run(nsf, ST_ROLLBACK, 0, NULL);
	if (!sqlite3_get_autocommit(nsf->db)) {         /* out of memory for the statement */
		nsf_statements_finalize(nsf);
		sqlite3_exec(nsf->db, "ROLLBACK", NULL, NULL, NULL);
	}
	nsf->in_transaction = false;
	nsf_unlock_writer(nsf->lock);
}

STATUS nsf_begin(struct nsf *nsf, struct fault *fault)
{
	STATUS status;

	if (nsf->in_transaction)
		return fault_set(fault, POSTIL_ERR_INVALID, "%s: a transaction is open", nsf->path);
	status = nsf_writer_prepare(nsf, fault);
	if (status != NOERROR)
		return status;
	status = lock_with_short_log(nsf);
	if (status != NOERROR)
		return fault_set(fault, status, "%s-lock: %s", nsf->path,
		                 status == POSTIL_ERR_BUSY ? "another writer has held the lock too long"
		                 : status_text(status));
	status = nsf_run(nsf, ST_BEGIN, 0, NULL);
	if (status == NOERROR) {
		status = nsf_counters_read(nsf, &nsf->counters, NULL);
		nsf->counters_stored = nsf->counters;
		nsf->changes_before = sqlite3_total_changes64(nsf->db);
	}
	if (status != NOERROR) {
		fault_set(fault, status, "%s: %s (%s)", nsf->path, status_text(status),
		          sqlite3_errmsg(nsf->db));
		roll_back(nsf);
		return status;
	}
	nsf->in_transaction = true;
	nsf->broken = NOERROR;
	return NOERROR;
}

/* A sync that failed in the commit leaves frames that recovery may yet find. */
static STATUS commit_status(struct nsf *nsf, STATUS status)
{
	int rc = sqlite3_extended_errcode(nsf->db);

	if (rc == SQLITE_IOERR_FSYNC || rc == SQLITE_IOERR_DIR_FSYNC)
		return POSTIL_ERR_UNKNOWN_OUTCOME;
	return status;
}

STATUS nsf_commit(struct nsf *nsf, struct fault *fault)
{
	bool changed;
	STATUS status = nsf->broken;

	if (!nsf->in_transaction)
		return fault_set(fault, POSTIL_ERR_INVALID, "%s: no transaction is open", nsf->path);
	if (status == NOERROR)
		status = counters_write(nsf);
	changed = sqlite3_total_changes64(nsf->db) != nsf->changes_before;
	if (status == NOERROR && changed)
		status = nsf_lock_commit_begin(nsf->lock);
	if (status == NOERROR) {
		status = nsf_run(nsf, ST_COMMIT, 0, NULL);
		if (status != NOERROR)
			status = commit_status(nsf, status);
		if (changed)
			nsf_lock_commit_end(nsf->lock);
	}
	if (status != NOERROR)
		fault_set(fault, status, "%s: %s (%s)", nsf->path, status_text(status),
		          sqlite3_errmsg(nsf->db));
	roll_back(nsf);
	return status;
}

void nsf_rollback(struct nsf *nsf)
{
	if (nsf->in_transaction)
		roll_back(nsf);
}

STATUS nsf_change_begin_one(struct nsf *nsf, struct change *change, struct fault *fault)
{
	change->own = !nsf->in_transaction;
	change->savepoint = false;
	if (change->own)
		return nsf_begin(nsf, fault);
	change->saved = nsf->counters;
	if (nsf->broken == NOERROR && sqlite3_get_autocommit(nsf->db))
		nsf->broken = POSTIL_ERR_IO;
	return nsf->broken == NOERROR ? NOERROR
		: fault_set(fault, nsf->broken, "%s: the transaction cannot go on", nsf->path);
}

STATUS nsf_change_begin(struct nsf *nsf, struct change *change, struct fault *fault)
{
	STATUS status = nsf_change_begin_one(nsf, change, fault);

	if (status != NOERROR || change->own)
		return status;
	status = nsf_run(nsf, ST_SAVEPOINT, 0, NULL);
	change->savepoint = status == NOERROR;
	return status == NOERROR ? status
		: fault_set(fault, status, "%s: the transaction cannot go on", nsf->path);
}

static void change_undo(struct nsf *nsf, struct change *change, STATUS status)
{
	nsf->counters = change->saved;
	if (sqlite3_get_autocommit(nsf->db) || nsf_run(nsf, ST_SAVEPOINT_ROLLBACK, 0, NULL) != NOERROR
	    || nsf_run(nsf, ST_SAVEPOINT_RELEASE, 0, NULL) != NOERROR)
		nsf->broken = status;
}

STATUS nsf_change_end(struct nsf *nsf, struct change *change, STATUS status, struct fault *fault)
{
	if (change->own) {
		if (status == NOERROR)
			return nsf_commit(nsf, fault);
		/* The caller may have said more in the fault than the code. */
		if (fault != NULL && fault->status != status)
			fault_set(fault, status, "%s: %s (%s)", nsf->path, status_text(status),
			          sqlite3_errmsg(nsf->db));
		nsf_rollback(nsf);
		return status;
	}
	if (!change->savepoint) {
		nsf->counters = status == NOERROR ? nsf->counters : change->saved;
		if (sqlite3_get_autocommit(nsf->db))    /* SQLite has given all of it up */
			nsf->broken = status == NOERROR ? POSTIL_ERR_IO : status;
		return status;
	}
	if (status == NOERROR)
		status = nsf_run(nsf, ST_SAVEPOINT_RELEASE, 0, NULL);
	if (status != NOERROR)
		change_undo(nsf, change, status);
	return status;
}

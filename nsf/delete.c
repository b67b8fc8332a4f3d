/*
 * Deletion in two steps: one small transaction takes messages out of the inbox
 * and writes their numbers into `gone`; later, in bounded steps, their rows and
 * bodies are freed and stubs left. So QUIT costs little whatever the sizes are,
 * and works within the reserve of a full disk.
 */
#include "nsf/private.h"

#include "base/clock.h"
#include "base/banned.h"

enum {
	STEP_NOTES = 128,       /* of one call of nsf_reclaim, at most */
	STEP_CHUNKS = 32,
	STEP_PAGES = 512        /* given back to the file system */
};

STATUS nsf_message_take(struct nsf *nsf, uint64_t id, bool *taken_r)
{
	struct counters *c = &nsf->counters;
	sqlite3_stmt *s;
	STATUS status = nsf_statement(nsf, ST_INBOX_TAKE, &s);
	uint64_t size = 0;
	int rc;

	*taken_r = false;
	if (status != NOERROR)
		return status;
	sqlite3_bind_int64(s, 1, (sqlite3_int64)id);
	rc = sqlite3_step(s);
	status = nsf_status(nsf->db, rc);
	if (rc == SQLITE_ROW) {
		if (!nsf_column_count(s, 0, &size) || c->messages == 0 || c->octets < size)
			status = POSTIL_ERR_DAMAGED;
		*taken_r = true;
		rc = sqlite3_step(s);
		if (rc != SQLITE_DONE && status == NOERROR)
			status = nsf_status(nsf->db, rc);
	}
	nsf_statement_done(nsf, ST_INBOX_TAKE, s);
	if (status != NOERROR || !*taken_r)
		return status;
	c->messages--;
	c->octets -= size;
	return NOERROR;
}

static STATUS delete_all(struct nsf *nsf, const uint64_t *ids, size_t count)
{
	int64_t now = clock_wall_secs();
	STATUS status = NOERROR;

	for (size_t i = 0; status == NOERROR && i < count; i++) {
		bool taken = false;

		if (ids[i] <= NSF_ID_MAX)
			status = nsf_message_take(nsf, ids[i], &taken);
		if (status == NOERROR && taken) {
			nsf->counters.sequence++;
			status = nsf_run(nsf, ST_GONE_ADD, 2, (const int64_t[]){ (int64_t)ids[i], now });
		}
	}
	return status;
}

static STATUS delete_once(struct nsf *nsf, const uint64_t *ids, size_t count, struct fault *fault)
{
	struct change change;
	STATUS status = nsf_change_begin(nsf, &change, fault);

	if (status != NOERROR)
		return status;
	return nsf_change_end(nsf, &change, delete_all(nsf, ids, count), fault);
}

STATUS nsf_delete(struct nsf *nsf, const uint64_t *ids, size_t count, struct fault *fault)
{
	STATUS status;

	if (fault != NULL)
		fault->status = NOERROR;
	if (count == 0)
		return NOERROR;
	nsf->known_id = 0;
	status = delete_once(nsf, ids, count, fault);
	if (status == POSTIL_ERR_DISK_FULL && !nsf->in_transaction) {
		/* An emptied log can be written again without a new block. */
		sqlite3_wal_checkpoint_v2(nsf->db, NULL, SQLITE_CHECKPOINT_RESTART, NULL, NULL);
		status = delete_once(nsf, ids, count, fault);
	}
	return status;
}

/* --- reclaiming ----------------------------------------------------------------------------- */

/* Frees up to *chunks chunks of a body from its end; *rest_r: some are left. */
static STATUS body_free(struct nsf *nsf, uint64_t id, int *chunks, bool *rest_r)
{
	int64_t first = nsf_body_key(id, 0), last = nsf_body_key(id, 0xFFFF), from = first;
	sqlite3_stmt *s;
	STATUS status = nsf_statement(nsf, ST_BODY_LAST, &s);
	int rc;

	*rest_r = false;
	if (status != NOERROR)
		return status;
	sqlite3_bind_int64(s, 1, first);
	sqlite3_bind_int64(s, 2, last);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		last = sqlite3_column_int64(s, 0);
	nsf_statement_done(nsf, ST_BODY_LAST, s);
	if (rc != SQLITE_ROW)
		return nsf_status(nsf->db, rc);
	if (last - first >= *chunks) {
		from = last - *chunks + 1;
		*rest_r = true;
	}
	*chunks -= (int)(last - from) + 1;
	return nsf_run(nsf, ST_BODY_DELETE, 2, (const int64_t[]){ from, last });
}

static STATUS note_free(struct nsf *nsf, uint64_t id)
{
	static const enum statement steps[] = { ST_STUB_ADD, ST_ITEMS_DELETE, ST_UNREAD_PURGE,
		ST_VIEW_DELETE_NOTE, ST_NOTE_DELETE, ST_GONE_DELETE };
	STATUS status = NOERROR;

	for (size_t i = 0; status == NOERROR && i < sizeof(steps) / sizeof(steps[0]); i++)
		status = nsf_run(nsf, steps[i], 1, (const int64_t[]){ (int64_t)id });
	return status;
}

/* *id_r = 0: there is none. */
static STATUS gone_first(struct nsf *nsf, uint64_t *id_r)
{
	sqlite3_stmt *s;
	STATUS status = nsf_statement(nsf, ST_GONE_FIRST, &s);
	int rc;

	*id_r = 0;
	if (status != NOERROR)
		return status;
	rc = sqlite3_step(s);
	status = nsf_status(nsf->db, rc);
	if (rc == SQLITE_ROW && (!nsf_column_count(s, 0, id_r) || *id_r > NSF_ID_MAX || *id_r == 0))
		status = POSTIL_ERR_DAMAGED;
	nsf_statement_done(nsf, ST_GONE_FIRST, s);
	return status;
}

static STATUS step(struct nsf *nsf, bool *more_r)
{
	int notes = STEP_NOTES, chunks = STEP_CHUNKS;
	bool rest = false;
	uint64_t id = 0;
	STATUS status = NOERROR;

	while (status == NOERROR && notes-- > 0 && chunks > 0) {
		status = gone_first(nsf, &id);
		if (status != NOERROR || id == 0)
			break;
		status = body_free(nsf, id, &chunks, &rest);
		if (status == NOERROR && !rest)
			status = note_free(nsf, id);
	}
	if (status == NOERROR && id != 0)
		status = gone_first(nsf, &id);
	*more_r = id != 0;
	return status;
}

static STATUS step_commit(struct nsf *nsf, bool *more_r)
{
	struct change change;
	STATUS status = nsf_change_begin(nsf, &change, NULL);

	if (status != NOERROR)
		return status;
	status = step(nsf, more_r);
	return nsf_change_end(nsf, &change, status, NULL);
}

static int64_t free_pages(struct nsf *nsf)
{
	sqlite3_stmt *s = NULL;
	int64_t count = 0;

	if (sqlite3_prepare_v2(nsf->db, "PRAGMA freelist_count", -1, &s, NULL) == SQLITE_OK
	    && sqlite3_step(s) == SQLITE_ROW)
		count = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return count;
}

/* Pages at the end of the file that are free, or whose content finds room
 * further in front. Under the lock, so that no delivery has to wait for SQLite. */
static void pages_give_back(struct nsf *nsf, bool *more_r)
{
	int64_t before = free_pages(nsf);

	if (before == 0 || nsf_lock_writer(nsf->lock) != NOERROR)
		return;
	sqlite3_exec(nsf->db, "PRAGMA incremental_vacuum(512)", NULL, NULL, NULL);
	nsf_unlock_writer(nsf->lock);
	if (before > STEP_PAGES && free_pages(nsf) < before)
		*more_r = true;
}

/* What is lost of this in a crash of the machine is done again, so it need not
 * wait for the disk. */
static STATUS reclaim_unsynced(struct nsf *nsf, bool has_gone, bool *more_r)
{
	STATUS status = nsf_writer_prepare(nsf, NULL);

	if (status != NOERROR)
		return status;
	sqlite3_exec(nsf->db, "PRAGMA synchronous=NORMAL", NULL, NULL, NULL);
	if (has_gone)
		status = step_commit(nsf, more_r);
	if (status == NOERROR)
		pages_give_back(nsf, more_r);
	if (sqlite3_exec(nsf->db, "PRAGMA synchronous=FULL", NULL, NULL, NULL) != SQLITE_OK)
		nsf->write_ready = false;       /* the next writer sets it, or fails */
	return status;
}

STATUS nsf_reclaim(struct nsf *nsf, bool *more_r)
{
	uint64_t id = 0;
	STATUS status;

	*more_r = false;
	if (nsf->in_transaction)
		return POSTIL_ERR_INVALID;
	status = gone_first(nsf, &id);
	if (status == NOERROR && (id != 0 || free_pages(nsf) > 0))
		status = reclaim_unsynced(nsf, id != 0, more_r);
	if (status == NOERROR)
		nsf_log_empty(nsf);
	return status;
}

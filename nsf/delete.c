/*
 * Deletion in two steps: one small transaction takes messages out of the inbox
 * and writes their numbers into `gone`; later, in bounded steps, their rows and
 * bodies are freed and stubs left. So QUIT costs little whatever the sizes are,
 * and works within the reserve of a full disk. Where deletions can be undone for
 * a time, the trash comes first.
 */
#include "nsf/private.h"

#include "base/clock.h"
#include "base/banned.h"

enum {
	STEP_NOTES = 128,       /* of one call of nsf_reclaim, at most */
	STEP_CHUNKS = 128,
	STEP_PAGES = 512,       /* given back to the file system */
	STEP_TRASH = 64
};

static STATUS gone_add(struct nsf *nsf, uint64_t note, const struct message_row *row)
{
	sqlite3_stmt *s;
	STATUS status = nsf_statement(nsf, ST_GONE_ADD, &s);

	if (status != NOERROR)
		return status;
	nsf->counters.sequence++;
	sqlite3_bind_int64(s, 1, (sqlite3_int64)note);
	sqlite3_bind_int64(s, 2, clock_wall_secs());
	if (row != NULL)
		nsf_bind_text(s, 3, (struct slice){ row->uidl, row->uidl_n });
	status = nsf_statement_run(nsf, ST_GONE_ADD, s);
	/* Octets under the note's own number are freed with the note. */
	if (status == NOERROR && row != NULL && (row->id != note || (row->flags & MESSAGE_SECOND) != 0))
		status = nsf_message_drop(nsf, row);
	return status;
}

static STATUS delete_one(struct nsf *nsf, uint64_t id)
{
	struct message_row row;
	bool taken = false;
	STATUS status;

	if (id > NSF_ID_MAX)
		return NOERROR;
	if (nsf->counters.soft_hours > 0) {
		status = nsf_message_file(nsf, id, &row, &taken);
		return status == NOERROR && taken ? nsf_trash_add(nsf, row.note, true) : status;
	}
	status = nsf_message_take(nsf, id, &row, &taken);
	return status == NOERROR && taken ? gone_add(nsf, row.note, &row) : status;
}

static STATUS delete_all(struct nsf *nsf, const uint64_t *ids, size_t count)
{
	STATUS status = NOERROR;

	for (size_t i = 0; status == NOERROR && i < count; i++)
		status = delete_one(nsf, ids[i]);
	return status;
}

/* A note may be anywhere: in the inbox with or without octets, filed, in the trash. */
STATUS nsf_note_destroy(struct nsf *nsf, uint64_t id)
{
	static const enum statement steps[] = { ST_PENDING_DELETE, ST_MEMBER_DELETE_NOTE,
		ST_VIEW_DELETE_NOTE };
	struct message_row row, taken;
	bool has = false, was = false;
	uint64_t inbox;
	STATUS status = nsf_note_is_there(nsf, id, NULL);

	if (status == NOERROR)
		status = nsf_message_find(nsf, id, &row, &has);
	if (status == NOERROR && has)
		status = row.in_inbox ? nsf_message_take(nsf, row.id, &taken, &was)
			: nsf_message_unfile(nsf, row.id);
	if (status == NOERROR)
		status = nsf_trash_take(nsf, id, &was, &inbox);
	for (size_t i = 0; status == NOERROR && i < sizeof(steps) / sizeof(steps[0]); i++)
		status = nsf_run(nsf, steps[i], 1, (const int64_t[]){ (int64_t)id });
	return status == NOERROR ? gone_add(nsf, id, has ? &row : NULL) : status;
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

static STATUS note_free(struct nsf *nsf, uint64_t id)
{
	static const enum statement steps[] = { ST_STUB_ADD, ST_LOOSE_OBJECTS, ST_ITEMS_DELETE,
		ST_UNREAD_PURGE, ST_VIEW_DELETE_NOTE, ST_MEMBER_DELETE_NOTE, ST_NOTE_DELETE,
		ST_GONE_DELETE };
	STATUS status = NOERROR;

	for (size_t i = 0; status == NOERROR && i < sizeof(steps) / sizeof(steps[0]); i++)
		status = nsf_run(nsf, steps[i], 1, (const int64_t[]){ (int64_t)id });
	return status;
}

/* *id_r = 0: there is none. */
static STATUS first_of(struct nsf *nsf, enum statement which, uint64_t *id_r)
{
	STATUS status = nsf_ask_number(nsf, which, 0, NULL, id_r);

	if (status == POSTIL_ERR_NOT_FOUND)
		*id_r = 0;
	else if (status == NOERROR && (*id_r > NSF_ID_MAX || *id_r == 0))
		status = POSTIL_ERR_DAMAGED;
	return status == POSTIL_ERR_NOT_FOUND ? NOERROR : status;
}

/* What is to be freed next: a note, else octets. *id_r = 0: nothing is. */
static STATUS next_gone(struct nsf *nsf, uint64_t *id_r, bool *is_note_r)
{
	STATUS status = first_of(nsf, ST_GONE_FIRST, id_r);

	*is_note_r = *id_r != 0;
	if (status == NOERROR && *id_r == 0)
		status = first_of(nsf, ST_LOOSE_FIRST, id_r);
	return status;
}

static STATUS step(struct nsf *nsf, bool *more_r)
{
	int notes = STEP_NOTES, chunks = STEP_CHUNKS;
	bool rest = false, is_note = false;
	uint64_t id = 0;
	STATUS status = NOERROR;

	while (status == NOERROR && notes-- > 0 && chunks > 0) {
		status = next_gone(nsf, &id, &is_note);
		if (status != NOERROR || id == 0)
			break;
		status = nsf_octets_free(nsf, id, &chunks, &rest);
		if (status == NOERROR && !rest)
			status = is_note ? note_free(nsf, id)
				: nsf_run(nsf, ST_LOOSE_DELETE, 1, (const int64_t[]){ (int64_t)id });
	}
	if (status == NOERROR && id != 0)
		status = next_gone(nsf, &id, &is_note);
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
	uint64_t count = 0;

	return nsf_ask_number(nsf, ST_FREE_COUNT, 0, NULL, &count) == NOERROR ? (int64_t)count : 0;
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

STATUS nsf_reclaim_pending(struct nsf *nsf, bool *pending_r)
{
	uint64_t id = 0;
	bool is_note;
	STATUS status = next_gone(nsf, &id, &is_note);

	*pending_r = id != 0;
	return status;
}

STATUS nsf_reclaim_part(struct nsf *nsf, bool pages, bool *more_r)
{
	STATUS status = nsf->in_transaction ? POSTIL_ERR_INVALID : nsf_writer_prepare(nsf, NULL);
	bool rows = false;

	*more_r = false;
	if (status == NOERROR)
		status = nsf_reclaim_pending(nsf, &rows);
	if (status != NOERROR || (!rows && !pages))
		return status;
	sqlite3_exec(nsf->db, "PRAGMA synchronous=NORMAL", NULL, NULL, NULL);
	if (rows)
		status = step_commit(nsf, more_r);
	else
		pages_give_back(nsf, more_r);
	if (sqlite3_exec(nsf->db, "PRAGMA synchronous=FULL", NULL, NULL, NULL) != SQLITE_OK)
		nsf->write_ready = false;
	*more_r = *more_r || (rows && pages);
	return status;
}

STATUS nsf_reclaim(struct nsf *nsf, bool *more_r)
{
	uint64_t id = 0;
	bool is_note;
	STATUS status;

	*more_r = false;
	if (nsf->in_transaction)
		return POSTIL_ERR_INVALID;
	status = next_gone(nsf, &id, &is_note);
	if (status == NOERROR && (id != 0 || free_pages(nsf) > 0))
		status = reclaim_unsynced(nsf, id != 0, more_r);
	if (status == NOERROR)
		nsf_log_empty(nsf);
	return status;
}

/* --- for good ------------------------------------------------------------------------------- */

static STATUS trash_step(struct nsf *nsf, int64_t before, uint64_t *purged_r, bool *more_r)
{
	STATUS status = NOERROR;
	uint64_t note = 0;

	*more_r = true;
	for (int i = 0; status == NOERROR && *more_r && i < STEP_TRASH; i++) {
		status = nsf_trash_oldest(nsf, before, &note);
		*more_r = note != 0;
		if (status == NOERROR && note != 0) {
			status = nsf_note_destroy(nsf, note);
			++*purged_r;
		}
	}
	return status;
}

STATUS nsf_trash_purge(struct nsf *nsf, int64_t before_secs, uint64_t *purged_r, bool *more_r)
{
	struct change change;
	uint64_t purged = 0, note = 0;
	bool more = false;
	STATUS status = nsf_trash_oldest(nsf, before_secs, &note);

	*more_r = false;
	if (status != NOERROR || note == 0)
		return status;
	status = nsf_change_begin(nsf, &change, NULL);
	if (status != NOERROR)
		return status;
	status = nsf_change_end(nsf, &change, trash_step(nsf, before_secs, &purged, &more), NULL);
	if (status != NOERROR)
		return status;
	*purged_r += purged;
	*more_r = more;
	return NOERROR;
}

/*
 * Notes: their rows, by number and by UNID. What rows say is distrusted.
 */
#include "nsf/private.h"

#include <string.h>

#include "base/clock.h"
#include "base/banned.h"

/* --- notes into rows --------------------------------------------------------------------- */

/* *id_r = 0: no note has it. */
static STATUS unid_find(struct nsf *nsf, const struct unid *unid, uint64_t *id_r, bool *gone_r)
{
	sqlite3_stmt *s;
	STATUS status = nsf_statement(nsf, ST_NOTE_FIND, &s);
	int rc;

	*id_r = 0;
	*gone_r = false;
	if (status != NOERROR)
		return status;
	nsf_bind_blob(s, 1, unid->octets, UNID_OCTETS);
	rc = sqlite3_step(s);
	status = nsf_status(nsf->db, rc);
	if (rc == SQLITE_ROW) {
		if (!nsf_column_count(s, 0, id_r) || *id_r == 0 || *id_r > NSF_ID_MAX)
			status = POSTIL_ERR_DAMAGED;
		*gone_r = sqlite3_column_type(s, 1) != SQLITE_NULL;
	}
	nsf_statement_done(nsf, ST_NOTE_FIND, s);
	return status;
}

static STATUS stub_delete(struct nsf *nsf, const struct unid *unid)
{
	sqlite3_stmt *s;
	STATUS status = nsf_statement(nsf, ST_STUB_DELETE, &s);

	if (status != NOERROR)
		return status;
	nsf_bind_blob(s, 1, unid->octets, UNID_OCTETS);
	return nsf_statement_run(nsf, ST_STUB_DELETE, s);
}

/* Make sure that no row has unid: a live note keeps it (POSTIL_ERR_EXISTS), one
 * that waits to be reclaimed gives it up, and a stub goes. */
static STATUS unid_claim(struct nsf *nsf, const struct unid *unid)
{
	uint64_t id;
	bool gone;
	STATUS status = unid_find(nsf, unid, &id, &gone);

	if (status == NOERROR && id != 0)
		status = gone ? nsf_run(nsf, ST_NOTE_RENAME, 1, (const int64_t[]){ (int64_t)id })
			: POSTIL_ERR_EXISTS;
	return status == NOERROR ? stub_delete(nsf, unid) : status;
}

static STATUS row_insert(struct nsf *nsf, uint64_t id, const struct note *note,
                         const struct unid *unid, int flags, int64_t created_ms)
{
	int64_t now = clock_wall_ms();
	sqlite3_stmt *s;
	STATUS status = nsf_statement(nsf, ST_NOTE_ADD, &s);

	if (status != NOERROR)
		return status;
	sqlite3_bind_int64(s, 1, (sqlite3_int64)id);
	nsf_bind_blob(s, 2, unid->octets, UNID_OCTETS);
	sqlite3_bind_int(s, 3, note->class);
	sqlite3_bind_int64(s, 4, ++nsf->counters.sequence);
	sqlite3_bind_int64(s, 5, note->created_ms != 0 ? note->created_ms
	                   : created_ms != 0 ? created_ms : now);
	sqlite3_bind_int64(s, 6, note->modified_ms != 0 ? note->modified_ms : now);
	sqlite3_bind_int(s, 7, flags);
	return nsf_statement_run(nsf, ST_NOTE_ADD, s);
}

STATUS nsf_note_insert(struct nsf *nsf, uint64_t id, const struct note *note, int flags,
                       int64_t created_ms)
{
	struct unid unid = note->unid;
	STATUS status = note->has_unid ? unid_claim(nsf, &unid) : unid_random(&unid);

	if (status == NOERROR)
		status = row_insert(nsf, id, note, &unid, flags, created_ms);
	return status == NOERROR ? nsf_items_insert(nsf, id, note) : status;
}

static STATUS note_replace(struct nsf *nsf, uint64_t id, const struct note *note)
{
	int64_t now = clock_wall_ms();
	STATUS status = nsf_items_delete(nsf, id);

	if (status == NOERROR)
		status = nsf_run(nsf, ST_NOTE_SET, 5, (const int64_t[]){ (int64_t)id, note->class,
		                 ++nsf->counters.sequence, note->created_ms != 0 ? note->created_ms : now,
		                 note->modified_ms != 0 ? note->modified_ms : now });
	if (status == NOERROR)
		status = nsf_items_insert(nsf, id, note);
	return status == NOERROR && nsf->kind == NSF_MAIL ? nsf_pending_again(nsf, id) : status;
}

static STATUS note_put(struct nsf *nsf, const struct note *note, uint64_t *id_r)
{
	bool gone = false;
	STATUS status = NOERROR;

	*id_r = 0;
	if (note->has_unid)
		status = unid_find(nsf, &note->unid, id_r, &gone);
	if (status != NOERROR)
		return status;
	if (*id_r != 0 && !gone)
		return note_replace(nsf, *id_r, note);
	status = nsf_id_take(nsf, id_r);
	if (status == NOERROR)
		status = nsf_note_insert(nsf, *id_r, note, 0, 0);
	return status == NOERROR && nsf->kind == NSF_MAIL && note->class == NOTE_CLASS_DOCUMENT
		? nsf_run(nsf, ST_UNREAD_ADD, 1, (const int64_t[]){ (int64_t)*id_r }) : status;
}

STATUS nsf_note_put(struct nsf *nsf, const struct note *note, uint64_t *id_r)
{
	struct change change;
	uint64_t id = 0;
	STATUS status = nsf_change_begin(nsf, &change, NULL);

	if (status != NOERROR)
		return status;
	status = note_put(nsf, note, &id);
	status = nsf_change_end(nsf, &change, status, NULL);
	if (status == NOERROR && id_r != NULL)
		*id_r = id;
	return status;
}

/* --- deleting ------------------------------------------------------------------------------ */

STATUS nsf_note_is_there(struct nsf *nsf, uint64_t id, int64_t *sequence_r)
{
	sqlite3_stmt *s;
	STATUS status = nsf_statement(nsf, ST_NOTE_GET, &s);
	int rc;

	if (status != NOERROR)
		return status;
	sqlite3_bind_int64(s, 1, id > NSF_ID_MAX ? -1 : (sqlite3_int64)id);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW && sequence_r != NULL)
		*sequence_r = sqlite3_column_int64(s, 4);
	nsf_statement_done(nsf, ST_NOTE_GET, s);
	return rc == SQLITE_DONE ? POSTIL_ERR_DELETED : nsf_status(nsf->db, rc);
}

STATUS nsf_note_delete(struct nsf *nsf, uint64_t id)
{
	struct change change;
	STATUS status;

	if (id > NSF_ID_MAX)
		return POSTIL_ERR_DELETED;
	status = nsf_change_begin(nsf, &change, NULL);
	if (status != NOERROR)
		return status;
	return nsf_change_end(nsf, &change, nsf_note_destroy(nsf, id), NULL);
}

/* --- rows into notes ----------------------------------------------------------------------- */

static STATUS row_get(struct nsf *nsf, uint64_t id, struct note *note)
{
	sqlite3_stmt *s;
	STATUS status = nsf_statement(nsf, ST_NOTE_GET, &s);
	struct slice unid;
	uint64_t class;
	int rc;

	if (status != NOERROR)
		return status;
	sqlite3_bind_int64(s, 1, (sqlite3_int64)id);
	rc = sqlite3_step(s);
	status = rc == SQLITE_DONE ? POSTIL_ERR_DELETED : nsf_status(nsf->db, rc);
	if (rc == SQLITE_ROW) {
		unid = nsf_column(s, 0);
		if (unid.n != UNID_OCTETS || !nsf_column_count(s, 1, &class) || class > UINT16_MAX) {
			status = POSTIL_ERR_DAMAGED;
		} else {
			memcpy(note->unid.octets, unid.p, UNID_OCTETS);
			note->has_unid = true;
			note->class = (uint16_t)class;
			note->created_ms = sqlite3_column_int64(s, 2);
			note->modified_ms = sqlite3_column_int64(s, 3);
		}
	}
	nsf_statement_done(nsf, ST_NOTE_GET, s);
	return status;
}

STATUS nsf_note_get(struct nsf *nsf, uint64_t id, struct arena *arena, struct note *note_r)
{
	STATUS status;

	if (id > NSF_ID_MAX)
		return POSTIL_ERR_DELETED;
	note_init(note_r, arena);
	status = row_get(nsf, id, note_r);
	return status == NOERROR ? nsf_items_get(nsf, id, note_r) : status;
}

STATUS nsf_note_find(struct nsf *nsf, const struct unid *unid, uint64_t *id_r)
{
	uint64_t id;
	bool gone;
	STATUS status = unid_find(nsf, unid, &id, &gone);

	if (status == NOERROR && (id == 0 || gone))
		status = POSTIL_ERR_NOT_FOUND;
	if (status == NOERROR)
		*id_r = id;
	return status;
}

STATUS nsf_notes_each(struct nsf *nsf, STATUS (*each)(void *context, uint64_t id), void *context)
{
	return nsf_ask_ids(nsf, ST_NOTES_EACH, 0, NULL, each, context);
}

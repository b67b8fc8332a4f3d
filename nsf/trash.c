/*
 * The trash: it keeps what is deleted until its time is over, and knows whether it came from
 * the inbox. What rows say is distrusted.
 */
#include "nsf/private.h"

#include "base/clock.h"
#include "base/banned.h"

STATUS nsf_trash_add(struct nsf *nsf, uint64_t note, bool from_inbox)
{
	nsf->counters.sequence++;
	return nsf_run(nsf, ST_TRASH_ADD, 3,
	               (const int64_t[]){ (int64_t)note, clock_wall_secs(), from_inbox });
}

STATUS nsf_trash_take(struct nsf *nsf, uint64_t note, bool *was_r, uint64_t *inbox_r)
{
	sqlite3_stmt *s;
	STATUS status = nsf_statement(nsf, ST_TRASH_TAKE, &s);
	int rc;

	*was_r = false;
	*inbox_r = 0;
	if (status != NOERROR)
		return status;
	sqlite3_bind_int64(s, 1, (sqlite3_int64)note);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW) {
		*was_r = true;
		*inbox_r = sqlite3_column_int(s, 0) != 0;
		rc = sqlite3_step(s);
	}
	status = nsf_status(nsf->db, rc);
	nsf_statement_done(nsf, ST_TRASH_TAKE, s);
	return status;
}

STATUS nsf_trash_oldest(struct nsf *nsf, int64_t before_secs, uint64_t *note_r)
{
	STATUS status;

	*note_r = 0;
	status = nsf_ask_number(nsf, ST_TRASH_OLD, 1, &before_secs, note_r);
	if (status == NOERROR && *note_r > NSF_ID_MAX)
		return POSTIL_ERR_DAMAGED;
	return status == POSTIL_ERR_NOT_FOUND ? NOERROR : status;
}

STATUS nsf_trash_since(struct nsf *nsf, uint64_t note_id, int64_t *since_secs_r)
{
	sqlite3_stmt *s;
	STATUS status = nsf_statement(nsf, ST_TRASH_GET, &s);
	int rc;

	if (status != NOERROR)
		return status;
	sqlite3_bind_int64(s, 1, note_id > NSF_ID_MAX ? -1 : (sqlite3_int64)note_id);
	rc = sqlite3_step(s);
	status = rc == SQLITE_DONE ? POSTIL_ERR_NOT_FOUND : nsf_status(nsf->db, rc);
	if (rc == SQLITE_ROW)
		*since_secs_r = sqlite3_column_int64(s, 0);
	nsf_statement_done(nsf, ST_TRASH_GET, s);
	return status;
}

static STATUS trash_put(struct nsf *nsf, uint64_t note)
{
	int64_t since;
	bool was = false;
	STATUS status = nsf_note_is_there(nsf, note, NULL);

	if (status != NOERROR)
		return status;
	status = nsf_trash_since(nsf, note, &since);
	if (status != POSTIL_ERR_NOT_FOUND)     /* there already, or not to be read */
		return status;
	status = nsf_inbox_leave(nsf, note, &was);
	return status == NOERROR ? nsf_trash_add(nsf, note, was) : status;
}

STATUS nsf_trash_put(struct nsf *nsf, uint64_t note_id)
{
	struct change change;
	STATUS status;

	if (note_id > NSF_ID_MAX)
		return POSTIL_ERR_DELETED;
	status = nsf_change_begin(nsf, &change, NULL);
	if (status != NOERROR)
		return status;
	return nsf_change_end(nsf, &change, trash_put(nsf, note_id), NULL);
}

static STATUS trash_restore(struct nsf *nsf, uint64_t note)
{
	uint64_t inbox;
	bool was;
	STATUS status = nsf_trash_take(nsf, note, &was, &inbox);

	if (status == NOERROR && !was)
		return POSTIL_ERR_NOT_FOUND;
	nsf->counters.sequence++;
	return status == NOERROR && inbox != 0 ? nsf_inbox_enter(nsf, note) : status;
}

STATUS nsf_trash_restore(struct nsf *nsf, uint64_t note_id)
{
	struct change change;
	STATUS status;

	if (note_id > NSF_ID_MAX)
		return POSTIL_ERR_NOT_FOUND;
	status = nsf_change_begin(nsf, &change, NULL);
	if (status != NOERROR)
		return status;
	return nsf_change_end(nsf, &change, trash_restore(nsf, note_id), NULL);
}

/*
 * What enters and leaves the inbox, and notes there that have no octets yet. A rendering is made outside of any transaction,
 * so what is set here is set only if the note is still as it was when it was read.
 */
#include "nsf/private.h"

#include <stdlib.h>

#include "base/banned.h"

STATUS nsf_pending_sequence(struct nsf *nsf, uint64_t note, int64_t *sequence_r)
{
	sqlite3_stmt *s;
	STATUS status = nsf_statement(nsf, ST_PENDING_GET, &s);
	int rc;

	if (status != NOERROR)
		return status;
	sqlite3_bind_int64(s, 1, (sqlite3_int64)note);
	rc = sqlite3_step(s);
	status = rc == SQLITE_DONE ? POSTIL_ERR_NOT_FOUND : nsf_status(nsf->db, rc);
	if (rc == SQLITE_ROW)
		*sequence_r = sqlite3_column_int64(s, 0);
	nsf_statement_done(nsf, ST_PENDING_GET, s);
	return status;
}

/* --- into the inbox ------------------------------------------------------------------------- */

STATUS nsf_inbox_enter(struct nsf *nsf, uint64_t note)
{
	struct message_row row;
	int64_t sequence = 0;
	bool has = false;
	STATUS status = nsf_note_is_there(nsf, note, &sequence);

	if (status == NOERROR)
		status = nsf_message_find(nsf, note, &row, &has);
	if (status != NOERROR)
		return status;
	if (has)
		return row.in_inbox ? NOERROR : nsf_message_return(nsf, &row);
	return nsf_run(nsf, ST_PENDING_ADD, 2, (const int64_t[]){ (int64_t)note, sequence });
}

STATUS nsf_inbox_leave(struct nsf *nsf, uint64_t note, bool *was_r)
{
	struct message_row row, filed;
	bool has = false;
	STATUS status = nsf_message_find(nsf, note, &row, &has);

	*was_r = false;
	if (status == NOERROR && has && row.in_inbox)
		return nsf_message_file(nsf, row.id, &filed, was_r);
	if (status == NOERROR)
		status = nsf_run(nsf, ST_PENDING_DELETE, 1, (const int64_t[]){ (int64_t)note });
	*was_r = status == NOERROR && sqlite3_changes(nsf->db) > 0;
	return status;
}

/* From wherever it lies, the trash included. */
static STATUS inbox_enter_from(struct nsf *nsf, uint64_t note)
{
	uint64_t inbox;
	bool was;
	STATUS status = nsf_trash_take(nsf, note, &was, &inbox);

	return status == NOERROR ? nsf_inbox_enter(nsf, note) : status;
}

STATUS nsf_inbox_add_pending(struct nsf *nsf, uint64_t note_id)
{
	struct change change;
	STATUS status;

	if (note_id > NSF_ID_MAX)
		return POSTIL_ERR_DELETED;
	status = nsf_change_begin(nsf, &change, NULL);
	if (status != NOERROR)
		return status;
	return nsf_change_end(nsf, &change, inbox_enter_from(nsf, note_id), NULL);
}

STATUS nsf_pending_again(struct nsf *nsf, uint64_t note)
{
	int64_t values[] = { (int64_t)note, nsf->counters.sequence };
	struct message_row row, taken;
	bool has = false, was;
	STATUS status = nsf_message_find(nsf, note, &row, &has);

	if (status == NOERROR && !has)
		return nsf_run(nsf, ST_PENDING_AGAIN, 2, values);
	if (status == NOERROR)
		status = row.in_inbox ? nsf_message_take(nsf, row.id, &taken, &was)
			: nsf_message_unfile(nsf, row.id);
	if (status == NOERROR)
		status = nsf_message_drop(nsf, &row);
	if (status == NOERROR && row.in_inbox)
		status = nsf_run(nsf, ST_PENDING_ADD, 2, values);
	nsf->known_id = 0;
	return status;
}

/* --- what is pending ------------------------------------------------------------------------- */

static STATUS pending_next(struct nsf *nsf, uint64_t *note, int64_t *sequence_r)
{
	sqlite3_stmt *s;
	STATUS status = nsf_statement(nsf, ST_PENDING_NEXT, &s);
	int rc;

	if (status != NOERROR)
		return status;
	sqlite3_bind_int64(s, 1, (sqlite3_int64)*note);
	rc = sqlite3_step(s);
	status = rc == SQLITE_DONE ? POSTIL_ERR_NOT_FOUND : nsf_status(nsf->db, rc);
	if (rc == SQLITE_ROW) {
		if (!nsf_column_count(s, 0, note) || *note > NSF_ID_MAX)
			status = POSTIL_ERR_DAMAGED;
		*sequence_r = sqlite3_column_int64(s, 1);
	}
	nsf_statement_done(nsf, ST_PENDING_NEXT, s);
	return status;
}

STATUS nsf_pending_each(struct nsf *nsf,
                        STATUS (*each)(void *context, uint64_t note_id, int64_t sequence),
                        void *context)
{
	uint64_t note = 0;
	int64_t sequence = 0;
	STATUS status;

	while ((status = pending_next(nsf, &note, &sequence)) == NOERROR) {
		status = each(context, note, sequence);
		if (status != NOERROR)
			return status;
	}
	return status == POSTIL_ERR_NOT_FOUND ? NOERROR : status;
}

/* --- octets ------------------------------------------------------------------------------------ */

static STATUS pending_set(struct nsf *nsf, uint64_t note, int64_t sequence,
                          const struct nsf_delivery *octets, char *buffer, uint64_t *message_r)
{
	int64_t is = 0;
	STATUS status = nsf_pending_sequence(nsf, note, &is);

	*message_r = 0;
	if (status == POSTIL_ERR_NOT_FOUND || (status == NOERROR && is != sequence))
		return NOERROR;
	if (status == NOERROR)
		status = nsf_note_is_there(nsf, note, NULL);
	if (status == NOERROR)
		status = nsf_id_take(nsf, message_r);
	if (status == NOERROR)
		status = nsf_message_add(nsf, *message_r, note, octets, buffer);
	return status == NOERROR ? nsf_run(nsf, ST_PENDING_DELETE, 1, (const int64_t[]){ (int64_t)note })
		: status;
}

STATUS nsf_pending_set(struct nsf *nsf, uint64_t note_id, int64_t sequence,
                       const struct nsf_delivery *octets, uint64_t *message_r,
                       struct fault *fault)
{
	uint64_t message = 0;
	struct change change;
	char *buffer = NULL;
	STATUS status = nsf_message_check(octets);

	if (fault != NULL)
		fault->status = NOERROR;
	if (status != NOERROR || note_id > NSF_ID_MAX)
		return fault_set(fault, status != NOERROR ? status : POSTIL_ERR_DELETED,
		                 "%s: a rendering cannot be stored", nsf->path);
	status = nsf_message_buffer(octets, 1, &buffer);
	if (status == NOERROR)
		status = nsf_change_begin(nsf, &change, fault);
	if (status == NOERROR) {
		status = pending_set(nsf, note_id, sequence, octets, buffer, &message);
		status = nsf_change_end(nsf, &change, status, fault);
	}
	free(buffer);
	if (status == NOERROR && message_r != NULL)
		*message_r = message;
	return status;
}

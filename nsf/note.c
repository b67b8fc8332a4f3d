/*
 * Notes and their items. Values come back out of the file only after their
 * lengths have been checked against what is there.
 */
#include "nsf/private.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/banned.h"

enum { NAME_MAX_OCTETS = 32767 };

/* --- items into rows ------------------------------------------------------------------- */

static STATUS values_encode(const struct item *item, struct buf *out)
{
	for (size_t i = 0; i < item->count; i++) {
		size_t n = item->values[i].n;
		unsigned char length[4] = { n & 255, n >> 8 & 255, n >> 16 & 255, n >> 24 & 255 };

		if (n > NSF_VALUE_MAX)
			return POSTIL_ERR_TOO_LONG;
		buf_add(out, length, sizeof(length));
		buf_add_slice(out, item->values[i]);
	}
	return buf_status(out);
}

static STATUS item_insert(struct nsf *nsf, uint64_t id, int ord, const struct item *item)
{
	struct slice name = slice_of(item->name);
	struct buf list = BUF_INIT;
	sqlite3_stmt *s = NULL;
	STATUS status = NOERROR;

	buf_init(&list, NSF_VALUE_MAX);
	if (name.n > NAME_MAX_OCTETS || (item->count == 1 && item->values[0].n > NSF_VALUE_MAX))
		status = POSTIL_ERR_TOO_LONG;
	else if (item->count != 1)
		status = values_encode(item, &list);
	if (status == NOERROR)
		status = nsf_statement(nsf, ST_ITEM_ADD, &s);
	if (status == NOERROR) {
		sqlite3_bind_int64(s, 1, (sqlite3_int64)id);
		sqlite3_bind_int(s, 2, ord);
		nsf_bind_text(s, 3, name);
		sqlite3_bind_int(s, 4, item->type);
		sqlite3_bind_int(s, 5, item->flags);
		if (item->count == 1)
			nsf_bind_text(s, 6, item->values[0]);
		else
			nsf_bind_blob(s, 6, list.p, list.n);
		status = nsf_statement_run(nsf, ST_ITEM_ADD, s);
	}
	buf_release(&list);
	return status;
}

static STATUS items_insert(struct nsf *nsf, uint64_t id, const struct note *note)
{
	STATUS status = NOERROR;
	int ord = 0;

	for (const struct item *item = note->first; item != NULL && status == NOERROR;
	     item = item->next)
		status = item_insert(nsf, id, ord++, item);
	return status;
}

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
                         const struct unid *unid, int flags)
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
	sqlite3_bind_int64(s, 5, note->created_ms != 0 ? note->created_ms : now);
	sqlite3_bind_int64(s, 6, note->modified_ms != 0 ? note->modified_ms : now);
	sqlite3_bind_int(s, 7, flags);
	return nsf_statement_run(nsf, ST_NOTE_ADD, s);
}

STATUS nsf_note_insert(struct nsf *nsf, uint64_t id, const struct note *note, int flags)
{
	struct unid unid = note->unid;
	STATUS status = note->has_unid ? unid_claim(nsf, &unid) : unid_random(&unid);

	if (status == NOERROR)
		status = row_insert(nsf, id, note, &unid, flags);
	return status == NOERROR ? items_insert(nsf, id, note) : status;
}

static STATUS note_replace(struct nsf *nsf, uint64_t id, const struct note *note)
{
	int64_t now = clock_wall_ms();
	STATUS status = nsf_run(nsf, ST_ITEMS_DELETE, 1, (const int64_t[]){ (int64_t)id });

	if (status == NOERROR)
		status = nsf_run(nsf, ST_NOTE_SET, 5, (const int64_t[]){ (int64_t)id, note->class,
		                 ++nsf->counters.sequence, note->created_ms != 0 ? note->created_ms : now,
		                 note->modified_ms != 0 ? note->modified_ms : now });
	return status == NOERROR ? items_insert(nsf, id, note) : status;
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
	if (nsf->counters.next_id > NSF_ID_MAX)
		return POSTIL_ERR_DAMAGED;
	*id_r = nsf->counters.next_id++;
	return nsf_note_insert(nsf, *id_r, note, 0);
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

static STATUS note_is_there(struct nsf *nsf, uint64_t id)
{
	sqlite3_stmt *s;
	STATUS status = nsf_statement(nsf, ST_NOTE_GET, &s);
	int rc;

	if (status != NOERROR)
		return status;
	sqlite3_bind_int64(s, 1, (sqlite3_int64)id);
	rc = sqlite3_step(s);
	nsf_statement_done(nsf, ST_NOTE_GET, s);
	return rc == SQLITE_DONE ? POSTIL_ERR_DELETED : nsf_status(nsf->db, rc);
}

static STATUS note_delete(struct nsf *nsf, uint64_t id)
{
	bool taken;
	STATUS status = note_is_there(nsf, id);

	if (status == NOERROR)
		status = nsf_message_take(nsf, id, &taken);
	if (status == NOERROR)
		status = nsf_view_delete_note(nsf, id);
	nsf->counters.sequence++;
	if (status == NOERROR)
		status = nsf_run(nsf, ST_GONE_ADD, 2,
		                 (const int64_t[]){ (int64_t)id, clock_wall_secs() });
	return status;
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
	return nsf_change_end(nsf, &change, note_delete(nsf, id), NULL);
}

/* --- rows into notes ----------------------------------------------------------------------- */

static bool values_count(struct slice list, size_t *count_r)
{
	size_t count = 0, at = 0;

	while (at < list.n) {
		const unsigned char *p = (const unsigned char *)list.p + at;
		size_t n;

		if (list.n - at < 4)
			return false;
		n = (size_t)p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16 | (size_t)p[3] << 24;
		if (n > list.n - at - 4)
			return false;
		at += 4 + n;
		count++;
	}
	*count_r = count;
	return true;
}

/* The list has been checked by values_count. */
static void values_decode(struct slice list, struct slice *values)
{
	for (size_t at = 0; at < list.n; values++) {
		const unsigned char *p = (const unsigned char *)list.p + at;

		values->n = (size_t)p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16 | (size_t)p[3] << 24;
		values->p = list.p + at + 4;
		at += 4 + values->n;
	}
}

static STATUS item_of_row(sqlite3_stmt *s, struct note *note)
{
	struct slice name = nsf_column(s, 0), value = nsf_column(s, 3);
	bool is_list = sqlite3_column_type(s, 3) == SQLITE_BLOB;
	struct slice *values = &value;
	size_t count = 1;
	uint64_t type, flags;
	STATUS status = NOERROR;

	if (!nsf_column_count(s, 1, &type) || type > UINT16_MAX || !nsf_column_count(s, 2, &flags)
	    || flags > UINT16_MAX || sqlite3_column_type(s, 0) != SQLITE_TEXT
	    || (!is_list && sqlite3_column_type(s, 3) != SQLITE_TEXT)
	    || (is_list && !values_count(value, &count)))
		return POSTIL_ERR_DAMAGED;
	if (is_list) {
		values = calloc(count + 1, sizeof(*values));
		if (values == NULL)
			return POSTIL_ERR_MEMORY;
		values_decode(value, values);
	}
	if (note_add(note, name, (uint16_t)type, (uint16_t)flags, values, count) == NULL)
		status = POSTIL_ERR_MEMORY;
	if (is_list)
		free(values);
	return status;
}

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

static STATUS items_get(struct nsf *nsf, uint64_t id, struct note *note)
{
	sqlite3_stmt *s;
	STATUS status = nsf_statement(nsf, ST_ITEMS_GET, &s);
	int rc;

	if (status != NOERROR)
		return status;
	sqlite3_bind_int64(s, 1, (sqlite3_int64)id);
	while ((rc = sqlite3_step(s)) == SQLITE_ROW && status == NOERROR)
		status = item_of_row(s, note);
	if (status == NOERROR)
		status = nsf_status(nsf->db, rc);
	nsf_statement_done(nsf, ST_ITEMS_GET, s);
	return status;
}

STATUS nsf_note_get(struct nsf *nsf, uint64_t id, struct arena *arena, struct note *note_r)
{
	STATUS status;

	if (id > NSF_ID_MAX)
		return POSTIL_ERR_DELETED;
	note_init(note_r, arena);
	status = row_get(nsf, id, note_r);
	return status == NOERROR ? items_get(nsf, id, note_r) : status;
}

STATUS nsf_notes_each(struct nsf *nsf, STATUS (*each)(void *context, uint64_t id), void *context)
{
	sqlite3_stmt *s;
	STATUS status = nsf_statement(nsf, ST_NOTES_EACH, &s);
	uint64_t id;
	int rc;

	if (status != NOERROR)
		return status;
	while ((rc = sqlite3_step(s)) == SQLITE_ROW && status == NOERROR)
		status = nsf_column_count(s, 0, &id) && id <= NSF_ID_MAX ? each(context, id)
			: POSTIL_ERR_DAMAGED;
	if (status == NOERROR)
		status = nsf_status(nsf->db, rc);
	nsf_statement_done(nsf, ST_NOTES_EACH, s);
	return status;
}

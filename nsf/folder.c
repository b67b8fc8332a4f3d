/*
 * Folders: which notes lie where. The inbox is the inbox of POP3, the trash keeps what is
 * deleted until its time is over; other folders are names and lists of notes. Names come from
 * outside and are checked; what rows say is distrusted.
 */
#include "nsf/private.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/banned.h"

enum { NAME_MAX_OCTETS = 255 };
enum place { PLACE_INBOX, PLACE_TRASH, PLACE_ALL, PLACE_FOLDER };

static const struct {
	const char *name;
	enum place place;
} fixed[] = {
	{ NSF_INBOX, PLACE_INBOX }, { NSF_TRASH, PLACE_TRASH }, { NSF_ALL, PLACE_ALL },
	{ "($SoftDeletions)", PLACE_TRASH }
};

static enum place place_of(struct slice name)
{
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		if (slice_equal_nocase(name, slice_of(fixed[i].name)))
			return fixed[i].place;
	return PLACE_FOLDER;
}

static bool name_is_valid(struct slice name)
{
	if (name.n == 0 || name.n > NAME_MAX_OCTETS || !text_is_utf8(name))
		return false;
	for (size_t i = 0; i < name.n; i++)
		if ((unsigned char)name.p[i] < 0x20 || name.p[i] == 0x7F)
			return false;
	return true;
}

/* --- lists of notes ---------------------------------------------------------- */

/* Collected first, so that who is told of them may change them. */
struct ids {
	uint64_t *all;
	size_t count, room;
};

static STATUS ids_add(struct ids *ids, uint64_t id)
{
	if (ids->count == ids->room) {
		size_t room = ids->room == 0 ? 64 : ids->room * 2;
		uint64_t *all = realloc(ids->all, room * sizeof(*all));

		if (all == NULL)
			return POSTIL_ERR_MEMORY;
		ids->all = all;
		ids->room = room;
	}
	ids->all[ids->count++] = id;
	return NOERROR;
}

static STATUS ids_get(struct nsf *nsf, enum statement which, int64_t folder, struct ids *ids)
{
	sqlite3_stmt *s;
	STATUS status = nsf_statement(nsf, which, &s);
	uint64_t id;
	int rc;

	if (status != NOERROR)
		return status;
	if (which == ST_MEMBERS)
		sqlite3_bind_int64(s, 1, folder);
	while ((rc = sqlite3_step(s)) == SQLITE_ROW && status == NOERROR)
		status = nsf_column_count(s, 0, &id) && id <= NSF_ID_MAX ? ids_add(ids, id)
			: POSTIL_ERR_DAMAGED;
	if (status == NOERROR)
		status = nsf_status(nsf->db, rc);
	nsf_statement_done(nsf, which, s);
	return status;
}

static STATUS folder_find(struct nsf *nsf, struct slice name, int64_t *folder_r)
{
	sqlite3_stmt *s;
	STATUS status = nsf_statement(nsf, ST_FOLDER_FIND, &s);
	uint64_t folder = 0;
	int rc;

	if (status != NOERROR)
		return status;
	nsf_bind_text(s, 1, name);
	rc = sqlite3_step(s);
	status = rc == SQLITE_DONE ? POSTIL_ERR_NOT_FOUND : nsf_status(nsf->db, rc);
	if (rc == SQLITE_ROW && (!nsf_column_count(s, 0, &folder) || folder == 0))
		status = POSTIL_ERR_DAMAGED;
	nsf_statement_done(nsf, ST_FOLDER_FIND, s);
	*folder_r = (int64_t)folder;
	return status;
}

static STATUS notes_in(struct nsf *nsf, struct slice name, struct ids *ids)
{
	static const enum statement of_place[] = { [PLACE_INBOX] = ST_INBOX_NOTES,
		[PLACE_TRASH] = ST_TRASH_NOTES, [PLACE_ALL] = ST_ALL_NOTES, [PLACE_FOLDER] = ST_MEMBERS };
	enum place place = place_of(name);
	int64_t folder = 0;
	STATUS status = place == PLACE_FOLDER ? folder_find(nsf, name, &folder) : NOERROR;

	return status == NOERROR ? ids_get(nsf, of_place[place], folder, ids) : status;
}

STATUS nsf_folder_each(struct nsf *nsf, struct slice name,
                       STATUS (*each)(void *context, uint64_t note_id), void *context)
{
	struct ids ids = { 0 };
	STATUS status = notes_in(nsf, name, &ids);

	for (size_t i = 0; status == NOERROR && i < ids.count; i++)
		status = each(context, ids.all[i]);
	free(ids.all);
	return status;
}

/* --- making and removing ---------------------------------------------------------- */

static STATUS folder_add(struct nsf *nsf, struct slice name)
{
	int64_t folder;
	sqlite3_stmt *s;
	STATUS status = folder_find(nsf, name, &folder);

	if (status != POSTIL_ERR_NOT_FOUND)
		return status == NOERROR ? POSTIL_ERR_EXISTS : status;
	status = nsf_statement(nsf, ST_FOLDER_ADD, &s);
	if (status != NOERROR)
		return status;
	nsf_bind_text(s, 1, name);
	return nsf_statement_run(nsf, ST_FOLDER_ADD, s);
}

STATUS nsf_folder_make(struct nsf *nsf, struct slice name)
{
	struct change change;
	STATUS status;

	if (place_of(name) != PLACE_FOLDER)
		return POSTIL_ERR_EXISTS;
	if (!name_is_valid(name))
		return POSTIL_ERR_INVALID;
	status = nsf_change_begin(nsf, &change, NULL);
	if (status != NOERROR)
		return status;
	return nsf_change_end(nsf, &change, folder_add(nsf, name), NULL);
}

STATUS nsf_folder_remove(struct nsf *nsf, struct slice name)
{
	struct change change;
	int64_t folder;
	STATUS status;

	if (place_of(name) != PLACE_FOLDER)
		return POSTIL_ERR_INVALID;
	status = nsf_change_begin(nsf, &change, NULL);
	if (status != NOERROR)
		return status;
	status = folder_find(nsf, name, &folder);
	if (status == NOERROR)
		status = nsf_run(nsf, ST_FOLDER_EMPTY, 1, &folder);
	if (status == NOERROR)
		status = nsf_run(nsf, ST_FOLDER_DELETE, 1, &folder);
	return nsf_change_end(nsf, &change, status, NULL);
}

/* --- one note ------------------------------------------------------------------------------------- */

static STATUS member_change(struct nsf *nsf, enum statement which, struct slice name, uint64_t note)
{
	int64_t folder;
	STATUS status = folder_find(nsf, name, &folder);

	if (status == NOERROR && which == ST_MEMBER_ADD)
		status = nsf_note_is_there(nsf, note, NULL);
	return status == NOERROR ? nsf_run(nsf, which, 2, (const int64_t[]){ folder, (int64_t)note })
		: status;
}

STATUS nsf_folder_add(struct nsf *nsf, struct slice name, uint64_t note_id)
{
	enum place place = place_of(name);
	struct change change;
	STATUS status;

	if (place == PLACE_INBOX)
		return nsf_inbox_add_pending(nsf, note_id);
	if (place == PLACE_TRASH)
		return nsf_trash_put(nsf, note_id);
	if (place == PLACE_ALL)
		return POSTIL_ERR_INVALID;
	if (note_id > NSF_ID_MAX)
		return POSTIL_ERR_DELETED;
	status = nsf_change_begin(nsf, &change, NULL);
	if (status != NOERROR)
		return status;
	return nsf_change_end(nsf, &change, member_change(nsf, ST_MEMBER_ADD, name, note_id), NULL);
}

/* *was_r: it was in the inbox, with octets or without. */
static STATUS inbox_leave(struct nsf *nsf, uint64_t note, bool *was_r)
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

STATUS nsf_folder_take(struct nsf *nsf, struct slice name, uint64_t note_id)
{
	enum place place = place_of(name);
	struct change change;
	bool was;
	STATUS status;

	if (place == PLACE_TRASH || place == PLACE_ALL)
		return POSTIL_ERR_INVALID;
	if (note_id > NSF_ID_MAX)
		return POSTIL_ERR_DELETED;
	status = nsf_change_begin(nsf, &change, NULL);
	if (status != NOERROR)
		return status;
	status = place == PLACE_INBOX ? inbox_leave(nsf, note_id, &was)
		: member_change(nsf, ST_MEMBER_DELETE, name, note_id);
	return nsf_change_end(nsf, &change, status, NULL);
}

/* --- which there are ---------------------------------------------------------- */

static STATUS folder_next(struct nsf *nsf, char *name, size_t *n)
{
	sqlite3_stmt *s;
	STATUS status = nsf_statement(nsf, ST_FOLDER_NEXT, &s);
	struct slice found;
	int rc;

	if (status != NOERROR)
		return status;
	nsf_bind_text(s, 1, (struct slice){ name, *n });
	rc = sqlite3_step(s);
	status = rc == SQLITE_DONE ? POSTIL_ERR_NOT_FOUND : nsf_status(nsf->db, rc);
	if (rc == SQLITE_ROW) {
		found = nsf_column(s, 1);
		if (found.n == 0 || found.n > NAME_MAX_OCTETS) {
			status = POSTIL_ERR_DAMAGED;
		} else {
			memcpy(name, found.p, found.n);
			*n = found.n;
		}
	}
	nsf_statement_done(nsf, ST_FOLDER_NEXT, s);
	return status;
}

static STATUS tell_folder(struct nsf *nsf, struct slice name,
                          STATUS (*each)(void *context, struct slice name, uint64_t notes),
                          void *context)
{
	struct ids ids = { 0 };
	STATUS status = notes_in(nsf, name, &ids);

	free(ids.all);
	return status == NOERROR ? each(context, name, ids.count) : status;
}

STATUS nsf_folders_each(struct nsf *nsf,
                        STATUS (*each)(void *context, struct slice name, uint64_t notes),
                        void *context)
{
	char name[NAME_MAX_OCTETS];
	size_t n = 0;
	STATUS status = NOERROR;

	for (size_t i = 0; status == NOERROR && i < 3; i++)
		status = tell_folder(nsf, slice_of(fixed[i].name), each, context);
	while (status == NOERROR) {
		status = folder_next(nsf, name, &n);
		if (status == NOERROR)
			status = tell_folder(nsf, (struct slice){ name, n }, each, context);
	}
	return status == POSTIL_ERR_NOT_FOUND ? NOERROR : status;
}

static STATUS fixed_folders(struct nsf *nsf, uint64_t note, bool *in_trash_r,
                            STATUS (*each)(void *context, struct slice name), void *context)
{
	struct message_row row;
	bool has = false;
	int64_t value;
	STATUS status = nsf_trash_since(nsf, note, &value);

	*in_trash_r = status == NOERROR;
	if (status == NOERROR)
		return each(context, slice_of(NSF_TRASH));
	if (status != POSTIL_ERR_NOT_FOUND)
		return status;
	status = nsf_message_find(nsf, note, &row, &has);
	if (status != NOERROR)
		return status;
	if (!has || !row.in_inbox)
		status = nsf_pending_sequence(nsf, note, &value);
	if (status == NOERROR)
		status = each(context, slice_of(NSF_INBOX));
	return status == POSTIL_ERR_NOT_FOUND ? NOERROR : status;
}

STATUS nsf_note_folders(struct nsf *nsf, uint64_t note_id,
                        STATUS (*each)(void *context, struct slice name), void *context)
{
	bool in_trash = false;
	sqlite3_stmt *s;
	STATUS status = nsf_note_is_there(nsf, note_id, NULL);
	int rc;

	if (status == NOERROR)
		status = fixed_folders(nsf, note_id, &in_trash, each, context);
	if (status != NOERROR || in_trash)
		return status;
	status = nsf_statement(nsf, ST_MEMBER_FOLDERS, &s);
	if (status != NOERROR)
		return status;
	sqlite3_bind_int64(s, 1, (sqlite3_int64)note_id);
	while ((rc = sqlite3_step(s)) == SQLITE_ROW && status == NOERROR)
		status = each(context, nsf_column(s, 0));
	if (status == NOERROR)
		status = nsf_status(nsf->db, rc);
	nsf_statement_done(nsf, ST_MEMBER_FOLDERS, s);
	return status;
}

/* --- the trash --------------------------------------------------------------------------------------- */

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
	sqlite3_stmt *s;
	STATUS status = nsf_statement(nsf, ST_TRASH_OLD, &s);
	int rc;

	*note_r = 0;
	if (status != NOERROR)
		return status;
	sqlite3_bind_int64(s, 1, before_secs);
	rc = sqlite3_step(s);
	status = nsf_status(nsf->db, rc);
	if (rc == SQLITE_ROW && (!nsf_column_count(s, 0, note_r) || *note_r > NSF_ID_MAX))
		status = POSTIL_ERR_DAMAGED;
	nsf_statement_done(nsf, ST_TRASH_OLD, s);
	return status;
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
	status = inbox_leave(nsf, note, &was);
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

/*
 * Folders: which notes lie where. The inbox is that of POP3, the trash has its own file; other
 * folders are names and lists of notes. Names come from outside and are checked; what rows say
 * is distrusted.
 */
#include "nsf/private.h"

#include <stdlib.h>
#include <string.h>

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

static STATUS ids_add(void *context, uint64_t id)
{
	struct ids *ids = context;

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

static STATUS folder_find(struct nsf *nsf, struct slice name, int64_t *folder_r)
{
	uint64_t folder = 0;
	STATUS status = nsf_ask_named(nsf, ST_FOLDER_FIND, name, &folder);

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

	return status == NOERROR ? nsf_ask_ids(nsf, of_place[place], place == PLACE_FOLDER, &folder,
	                                       ids_add, ids) : status;
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
	status = place == PLACE_INBOX ? nsf_inbox_leave(nsf, note_id, &was)
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

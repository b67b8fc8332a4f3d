/*
 * Unread marks: for each user who has ever asked, the messages he has not read.
 * A user seen for the first time has read nothing.
 */
#include "nsf/private.h"

#include "base/banned.h"

static STATUS user_find(struct nsf *nsf, struct slice name, uint64_t *user_r)
{
	return nsf_ask_named(nsf, ST_USER_FIND, name, user_r);
}

static STATUS user_add(struct nsf *nsf, struct slice name, uint64_t *user_r)
{
	sqlite3_stmt *s;
	STATUS status = user_find(nsf, name, user_r);   /* another process may have been first */

	if (status != POSTIL_ERR_NOT_FOUND)
		return status;
	status = nsf_statement(nsf, ST_USER_ADD, &s);
	if (status != NOERROR)
		return status;
	nsf_bind_text(s, 1, name);
	status = nsf_statement_run(nsf, ST_USER_ADD, s);
	if (status != NOERROR)
		return status;
	*user_r = (uint64_t)sqlite3_last_insert_rowid(nsf->db);
	return nsf_run(nsf, ST_USER_FILL, 1, (const int64_t[]){ (int64_t)*user_r });
}

STATUS nsf_user_id(struct nsf *nsf, struct slice canonical_name, bool make, uint64_t *user_r)
{
	struct change change;
	uint64_t user = 0;
	STATUS status;

	if (canonical_name.n == 0 || canonical_name.n > 1024)
		return POSTIL_ERR_INVALID;
	status = user_find(nsf, canonical_name, &user);
	if (status == POSTIL_ERR_NOT_FOUND && make) {
		status = nsf_change_begin(nsf, &change, NULL);
		if (status != NOERROR)
			return status;
		status = user_add(nsf, canonical_name, &user);
		status = nsf_change_end(nsf, &change, status, NULL);
	}
	if (status == NOERROR)
		*user_r = user;
	return status;
}

/* For messages, the marks of their notes. */
static STATUS mark_all(struct nsf *nsf, enum statement which, uint64_t user, const uint64_t *ids,
                       size_t count)
{
	STATUS status = NOERROR;
	uint64_t note;

	for (size_t i = 0; status == NOERROR && i < count; i++) {
		if (ids[i] > NSF_ID_MAX)
			continue;
		status = nsf_note_of_message(nsf, ids[i], &note);
		if (status == NOERROR)
			status = nsf_run(nsf, which, 2, (const int64_t[]){ (int64_t)user, (int64_t)note });
	}
	return status;
}

static STATUS mark(struct nsf *nsf, enum statement which, uint64_t user, const uint64_t *ids,
                   size_t count)
{
	struct change change;
	STATUS status;

	if (count == 0)
		return NOERROR;
	status = nsf_change_begin(nsf, &change, NULL);
	if (status != NOERROR)
		return status;
	return nsf_change_end(nsf, &change, mark_all(nsf, which, user, ids, count), NULL);
}

STATUS nsf_mark_read(struct nsf *nsf, uint64_t user, const uint64_t *ids, size_t count)
{
	return mark(nsf, ST_MARK_READ, user, ids, count);
}

STATUS nsf_mark_unread(struct nsf *nsf, uint64_t user, const uint64_t *ids, size_t count)
{
	return mark(nsf, ST_MARK_UNREAD, user, ids, count);
}

STATUS nsf_is_unread(struct nsf *nsf, uint64_t user, uint64_t note_id, bool *unread_r)
{
	enum statement which = user == 0 ? ST_UNREAD_HAS_NEW : ST_UNREAD_HAS;
	sqlite3_stmt *s;
	STATUS status = nsf_statement(nsf, which, &s);
	int rc;

	if (status != NOERROR)
		return status;
	sqlite3_bind_int64(s, 1, (sqlite3_int64)note_id);
	if (user != 0)
		sqlite3_bind_int64(s, 2, (sqlite3_int64)user);
	rc = sqlite3_step(s);
	*unread_r = rc == SQLITE_ROW;
	nsf_statement_done(nsf, which, s);
	return nsf_status(nsf->db, rc);
}

STATUS nsf_unread_each(struct nsf *nsf, uint64_t user,
                       STATUS (*each)(void *context, uint64_t note_id), void *context)
{
	return user == 0 ? nsf_ask_ids(nsf, ST_UNREAD_EACH_NEW, 0, NULL, each, context)
		: nsf_ask_ids(nsf, ST_UNREAD_EACH, 1, (const int64_t[]){ (int64_t)user }, each, context);
}

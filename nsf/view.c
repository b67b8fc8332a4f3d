/*
 * View entries and properties of the database: small values under a key. What
 * comes out of the file is passed on as octets with a length.
 */
#include "nsf/private.h"

#include <string.h>

#include "base/banned.h"

STATUS nsf_view_put(struct nsf *nsf, const char *view, struct slice key, uint64_t note_id,
                    struct slice value)
{
	struct change change;
	sqlite3_stmt *s;
	STATUS status;

	if (key.n > 4096 || value.n > NSF_VALUE_MAX)
		return POSTIL_ERR_TOO_LONG;
	if (note_id > NSF_ID_MAX)
		return POSTIL_ERR_INVALID;
	status = nsf_change_begin_one(nsf, &change, NULL);
	if (status != NOERROR)
		return status;
	status = nsf_statement(nsf, ST_VIEW_PUT, &s);
	if (status == NOERROR) {
		nsf_bind_text(s, 1, slice_of(view));
		nsf_bind_blob(s, 2, key.p, key.n);
		sqlite3_bind_int64(s, 3, (sqlite3_int64)note_id);
		nsf_bind_blob(s, 4, value.p, value.n);
		status = nsf_statement_run(nsf, ST_VIEW_PUT, s);
	}
	return nsf_change_end(nsf, &change, status, NULL);
}

STATUS nsf_view_delete_note(struct nsf *nsf, uint64_t note_id)
{
	struct change change;
	STATUS status = nsf_change_begin_one(nsf, &change, NULL);

	if (status != NOERROR)
		return status;
	status = nsf_run(nsf, ST_VIEW_DELETE_NOTE, 1, (const int64_t[]){ (int64_t)note_id });
	return nsf_change_end(nsf, &change, status, NULL);
}

/* The entries that a bound statement finds. */
static STATUS each_entry(struct nsf *nsf, sqlite3_stmt *s,
                         STATUS (*each)(void *context, uint64_t note_id, struct slice value),
                         void *context)
{
	STATUS status = NOERROR;
	uint64_t id;
	int rc;

	while ((rc = sqlite3_step(s)) == SQLITE_ROW && status == NOERROR)
		status = nsf_column_count(s, 0, &id) ? each(context, id, nsf_column(s, 1))
			: POSTIL_ERR_DAMAGED;
	return status == NOERROR ? nsf_status(nsf->db, rc) : status;
}

STATUS nsf_view_find(struct nsf *nsf, const char *view, struct slice key,
                     STATUS (*each)(void *context, uint64_t note_id, struct slice value),
                     void *context)
{
	sqlite3_stmt *s;
	STATUS status = nsf_statement(nsf, ST_VIEW_FIND, &s);

	if (status != NOERROR)
		return status;
	nsf_bind_text(s, 1, slice_of(view));
	nsf_bind_blob(s, 2, key.p, key.n);
	status = each_entry(nsf, s, each, context);
	nsf_statement_done(nsf, ST_VIEW_FIND, s);
	return status;
}

STATUS nsf_view_range(struct nsf *nsf, const char *view, struct slice first, struct slice last,
                      STATUS (*each)(void *context, uint64_t note_id, struct slice value),
                      void *context)
{
	sqlite3_stmt *s;
	STATUS status = nsf_statement(nsf, ST_VIEW_RANGE, &s);

	if (status != NOERROR)
		return status;
	nsf_bind_text(s, 1, slice_of(view));
	nsf_bind_blob(s, 2, first.p, first.n);
	nsf_bind_blob(s, 3, last.p, last.n);
	status = each_entry(nsf, s, each, context);
	nsf_statement_done(nsf, ST_VIEW_RANGE, s);
	return status;
}

STATUS nsf_view_each(struct nsf *nsf, const char *view,
                     STATUS (*each)(void *context, struct slice key, uint64_t note_id,
                                    struct slice value), void *context)
{
	sqlite3_stmt *s;
	STATUS status = nsf_statement(nsf, ST_VIEW_EACH, &s);
	uint64_t id;
	int rc;

	if (status != NOERROR)
		return status;
	nsf_bind_text(s, 1, slice_of(view));
	while ((rc = sqlite3_step(s)) == SQLITE_ROW && status == NOERROR)
		status = nsf_column_count(s, 0, &id)
			? each(context, nsf_column(s, 2), id, nsf_column(s, 1)) : POSTIL_ERR_DAMAGED;
	if (status == NOERROR)
		status = nsf_status(nsf->db, rc);
	nsf_statement_done(nsf, ST_VIEW_EACH, s);
	return status;
}

/* --- properties ------------------------------------------------------------------------ */

/* name NULL: the statement has no first parameter for it. */
static STATUS value_set(struct nsf *nsf, enum statement statement, const char *name, struct slice value)
{
	struct change change;
	sqlite3_stmt *s;
	STATUS status;

	if (value.n > NSF_VALUE_MAX)
		return POSTIL_ERR_TOO_LONG;
	status = nsf_change_begin_one(nsf, &change, NULL);
	if (status != NOERROR)
		return status;
	status = nsf_statement(nsf, statement, &s);
	if (status == NOERROR) {
		if (name != NULL)
			nsf_bind_text(s, 1, slice_of(name));
		nsf_bind_blob(s, name != NULL ? 2 : 1, value.p, value.n);
		status = nsf_statement_run(nsf, statement, s);
	}
	return nsf_change_end(nsf, &change, status, NULL);
}

static STATUS value_get(struct nsf *nsf, enum statement statement, const char *name, struct buf *value_r)
{
	sqlite3_stmt *s;
	STATUS status = nsf_statement(nsf, statement, &s);
	int rc;

	if (status != NOERROR)
		return status;
	if (name != NULL)
		nsf_bind_text(s, 1, slice_of(name));
	rc = sqlite3_step(s);
	status = rc == SQLITE_DONE ? POSTIL_ERR_NOT_FOUND : nsf_status(nsf->db, rc);
	if (rc == SQLITE_ROW) {
		buf_add_slice(value_r, nsf_column(s, 0));
		status = buf_status(value_r);
	}
	nsf_statement_done(nsf, statement, s);
	return status;
}

STATUS nsf_property_set(struct nsf *nsf, const char *name, struct slice value)
{
	return value_set(nsf, ST_PROPERTY_SET, name, value);
}

STATUS nsf_property_get(struct nsf *nsf, const char *name, struct buf *value_r)
{
	return value_get(nsf, ST_PROPERTY_GET, name, value_r);
}

STATUS nsf_setting_get(struct nsf *nsf, enum nsf_setting which, uint64_t *value_r)
{
	sqlite3_stmt *s;
	STATUS status = nsf_statement(nsf, ST_SETTINGS, &s);
	int rc;

	if (status != NOERROR)
		return status;
	rc = sqlite3_step(s);
	status = nsf_status(nsf->db, rc);
	if (rc == SQLITE_DONE || (rc == SQLITE_ROW && !nsf_column_count(s, (int)which, value_r)))
		status = POSTIL_ERR_DAMAGED;
	nsf_statement_done(nsf, ST_SETTINGS, s);
	return status;
}

/* What the open transaction knows of them is changed with them. */
static void setting_known(struct counters *c, enum nsf_setting which, uint64_t value)
{
	if (which == NSF_QUOTA_OCTETS)
		c->quota = value;
	else if (which == NSF_QUOTA_MESSAGES)
		c->quota_messages = value;
	else if (which == NSF_WARNING_OCTETS)
		c->warning = value;
	else if (which == NSF_SOFT_DELETE_HOURS)
		c->soft_hours = value;
}

STATUS nsf_setting_set(struct nsf *nsf, enum nsf_setting which, uint64_t value)
{
	static const enum statement statements[NSF_SETTINGS] = {
		[NSF_QUOTA_OCTETS] = ST_SET_QUOTA, [NSF_QUOTA_MESSAGES] = ST_SET_QUOTA_MESSAGES,
		[NSF_WARNING_OCTETS] = ST_SET_WARNING, [NSF_SOFT_DELETE_HOURS] = ST_SET_SOFT,
		[NSF_CUTOFF_DAYS] = ST_SET_CUTOFF
	};
	struct change change;
	STATUS status;

	if (value > INT64_MAX)
		return POSTIL_ERR_INVALID;
	status = nsf_change_begin_one(nsf, &change, NULL);
	if (status != NOERROR)
		return status;
	status = nsf_run(nsf, statements[which], 1, (const int64_t[]){ (int64_t)value });
	if (status == NOERROR)
		setting_known(&nsf->counters, which, value);
	return nsf_change_end(nsf, &change, status, NULL);
}

/* Eight octets, the high one first. */
STATUS nsf_replica_get(struct nsf *nsf, uint64_t *replica_r)
{
	struct buf value = BUF_INIT;
	uint64_t replica = 0;
	STATUS status = value_get(nsf, ST_REPLICA_GET, NULL, &value);

	if (status == POSTIL_ERR_NOT_FOUND || (status == NOERROR && value.n != sizeof(replica)))
		status = POSTIL_ERR_DAMAGED;
	for (size_t i = 0; status == NOERROR && i < value.n; i++)
		replica = replica << 8 | (unsigned char)value.p[i];
	buf_release(&value);
	if (status == NOERROR)
		*replica_r = replica;
	return status;
}

STATUS nsf_replica_set(struct nsf *nsf, uint64_t replica)
{
	char octets[sizeof(replica)];

	for (size_t i = 0; i < sizeof(octets); i++)
		octets[i] = (char)(replica >> (56 - 8 * i) & 0xFF);
	return value_set(nsf, ST_REPLICA_SET, NULL, (struct slice){ octets, sizeof(octets) });
}

STATUS nsf_acl_set(struct nsf *nsf, struct slice acl)
{
	return value_set(nsf, ST_ACL_SET, NULL, acl);
}

STATUS nsf_acl_get(struct nsf *nsf, struct buf *acl_r)
{
	return value_get(nsf, ST_ACL_GET, NULL, acl_r);
}

/* Counting again, for updall: counters against what is there, marks against notes. */
#include "nsf/maintain.h"

#include <string.h>

#include "base/banned.h"

static const char wrong_counters[] =
	"SELECT (n IS NOT (SELECT count(*) FROM inbox))+(bytes IS NOT (SELECT coalesce(sum(size),0) FROM inbox))"
	"+(filed_n IS NOT (SELECT count(*) FROM filed)) FROM store";
static const char count[] =
	"UPDATE store SET n=(SELECT count(*) FROM inbox),bytes=(SELECT coalesce(sum(size),0) FROM inbox),"
	"filed_n=(SELECT count(*) FROM filed)";
#define NO_MARKS "WHERE note_id NOT IN (SELECT id FROM note) OR user NOT IN (SELECT id FROM user)"

static STATUS number(struct nsf *nsf, const char *sql, uint64_t *value_r)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(nsf->db, sql, -1, &s, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		*value_r = (uint64_t)sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return nsf_status(nsf->db, rc);
}

static STATUS look(struct nsf *nsf, struct nsf_recounted *wrong)
{
	STATUS status = number(nsf, wrong_counters, &wrong->counters);

	return status == NOERROR ? number(nsf, "SELECT count(*) FROM unread " NO_MARKS, &wrong->marks)
		: status;
}

/* Looked at again under the lock: a delivery may have come in between. */
static STATUS mend(struct nsf *nsf, struct nsf_recounted *wrong)
{
	STATUS status = nsf_begin(nsf, NULL);

	if (status != NOERROR)
		return status;
	status = look(nsf, wrong);
	if (status == NOERROR && wrong->counters > 0)
		status = nsf_status(nsf->db, sqlite3_exec(nsf->db, count, NULL, NULL, NULL));
	if (status == NOERROR && wrong->marks > 0)
		status = nsf_status(nsf->db, sqlite3_exec(nsf->db, "DELETE FROM unread " NO_MARKS, NULL, NULL, NULL));
	if (status == NOERROR)
		return nsf_commit(nsf, NULL);
	nsf_rollback(nsf);
	return status;
}

STATUS nsf_recount(const char *path, struct nsf_recounted *recounted_r, struct fault *fault)
{
	struct nsf *nsf = NULL;
	STATUS status = nsf_open(path, &nsf, fault);

	memset(recounted_r, 0, sizeof(*recounted_r));
	if (status != NOERROR)
		return status;
	status = look(nsf, recounted_r);
	if (status == NOERROR && recounted_r->counters + recounted_r->marks > 0)
		status = mend(nsf, recounted_r);
	if (status != NOERROR)
		fault_set(fault, status, "%s: cannot be counted: %s", path, status_text(status));
	nsf_close(&nsf);
	return status;
}

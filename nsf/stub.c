/*
 * Stubs: what others may have to hear of a deletion, and what an import may find again; and the
 * regular round that ends the time of the trash and of stubs. Rows are distrusted.
 */
#include "nsf/private.h"

#include <string.h>

#include "base/clock.h"
#include "base/banned.h"

enum { HOUR_SECS = 3600, DAY_SECS = 86400 };

static bool stub_of_row(sqlite3_stmt *s, struct nsf_stub *stub)
{
	struct slice unid = nsf_column(s, 0);

	if (unid.n != UNID_OCTETS)
		return false;
	memcpy(stub->unid.octets, unid.p, UNID_OCTETS);
	stub->deleted_secs = sqlite3_column_int64(s, 1);
	stub->uidl = nsf_column(s, 2);
	stub->digest = nsf_column(s, 3);
	return stub->uidl.n <= NSF_UIDL_MAX
	       && (stub->digest.n == 0 || stub->digest.n == NSF_DIGEST_OCTETS);
}

STATUS nsf_stubs_each(struct nsf *nsf,
                      STATUS (*each)(void *context, const struct nsf_stub *stub), void *context)
{
	struct nsf_stub stub;
	sqlite3_stmt *s;
	STATUS status = nsf_statement(nsf, ST_STUBS_EACH, &s);
	int rc;

	if (status != NOERROR)
		return status;
	while ((rc = sqlite3_step(s)) == SQLITE_ROW && status == NOERROR)
		status = stub_of_row(s, &stub) ? each(context, &stub) : POSTIL_ERR_DAMAGED;
	if (status == NOERROR)
		status = nsf_status(nsf->db, rc);
	nsf_statement_done(nsf, ST_STUBS_EACH, s);
	return status;
}

STATUS nsf_stubs_purge(struct nsf *nsf, int64_t before_secs, uint64_t *purged_r, bool *more_r)
{
	struct change change;
	int count = 0;
	STATUS status = nsf_change_begin_one(nsf, &change, NULL);

	*more_r = false;
	if (status != NOERROR)
		return status;
	status = nsf_run(nsf, ST_STUBS_PURGE, 1, &before_secs);
	if (status == NOERROR)
		count = sqlite3_changes(nsf->db);
	status = nsf_change_end(nsf, &change, status, NULL);
	if (status != NOERROR)
		return status;
	*purged_r += (uint64_t)count;
	*more_r = count > 0;
	return NOERROR;
}

/* As long ago as that; a time before all others if that is longer than there is time. */
static int64_t ago(uint64_t count, int64_t unit_secs)
{
	int64_t now = clock_wall_secs();

	return count > (uint64_t)(now / unit_secs) ? 0 : now - (int64_t)count * unit_secs;
}

STATUS nsf_purge(struct nsf *nsf, struct nsf_purged *purged, bool *more_r)
{
	uint64_t hours = 0, days = 0;
	STATUS status = nsf_setting_get(nsf, NSF_SOFT_DELETE_HOURS, &hours);

	*more_r = false;
	if (status == NOERROR)
		status = nsf_setting_get(nsf, NSF_CUTOFF_DAYS, &days);
	/* Without hours, what lies in the trash was put there by hand, and stays. */
	if (status == NOERROR && hours > 0)
		status = nsf_trash_purge(nsf, ago(hours, HOUR_SECS), &purged->notes, more_r);
	if (status == NOERROR && !*more_r)
		status = nsf_stubs_purge(nsf, ago(days, DAY_SECS), &purged->stubs, more_r);
	return status;
}

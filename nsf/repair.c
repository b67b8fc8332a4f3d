/*
 * Mending in place: the questions of questions.c, each with what puts things right,
 * in one transaction. What is set aside is synced in its own file before the
 * transaction is, so that a crash leaves it twice rather than nowhere.
 */
#include "nsf/maintain.h"

#include "base/banned.h"

/* The lengths in a list of values must add up. Registered for the questions. */
static void values_fit(sqlite3_context *context, int count, sqlite3_value **values)
{
	const unsigned char *p = sqlite3_value_blob(values[0]);
	size_t n = (size_t)sqlite3_value_bytes(values[0]), at = 0;
	bool fits = sqlite3_value_type(values[0]) == SQLITE_BLOB;

	(void)count;
	while (fits && at < n) {
		size_t octets = n - at < 4 ? n
			: (size_t)p[at] | (size_t)p[at + 1] << 8 | (size_t)p[at + 2] << 16 | (size_t)p[at + 3] << 24;

		fits = n - at >= 4 && octets <= n - at - 4;
		at += 4 + octets;
	}
	sqlite3_result_int(context, fits);
}

STATUS nsf_functions_add(struct nsf *nsf)
{
	return nsf_status(nsf->db, sqlite3_create_function_v2(nsf->db, "values_fit", 1, SQLITE_UTF8
	                  | SQLITE_DIRECTONLY | SQLITE_DETERMINISTIC, NULL, values_fit, NULL, NULL, NULL));
}

static STATUS bad_aside(struct nsf *nsf, struct aside *aside, struct fault *fault)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(nsf->db, "SELECT id,why FROM temp.bad ORDER BY id", -1, &s, NULL);
	STATUS status = nsf_status(nsf->db, rc);
	bool any = false;

	while (status == NOERROR && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		const char *why = (const char *)sqlite3_column_text(s, 1);

		any = true;
		status = nsf_aside_message(aside, nsf, (uint64_t)sqlite3_column_int64(s, 0),
		                           why == NULL ? "" : why, fault);
	}
	sqlite3_finalize(s);
	if (status == NOERROR)
		status = nsf_status(nsf->db, rc);
	if (status == NOERROR && any)
		status = nsf_status(nsf->db, sqlite3_exec(nsf->db, nsf_bad_away, NULL, NULL, NULL));
	return status;
}

static STATUS mend(struct nsf *nsf, const struct nsf_question *q, struct aside *aside,
                   struct finder *finder, struct fault *fault)
{
	uint64_t before = finder->findings;
	STATUS status = nsf_status(nsf->db, nsf_question_ask(nsf, q, finder));

	if (status != NOERROR || finder->findings == before)
		return status;
	if (q->aside != NULL)
		status = nsf_aside_rows(aside, nsf, q->aside, "the row belongs to nothing or is damaged", fault);
	if (status == NOERROR)
		status = nsf_status(nsf->db, sqlite3_exec(nsf->db, q->mend, NULL, NULL, NULL));
	return status == NOERROR ? bad_aside(nsf, aside, fault) : status;
}

STATUS nsf_repair(struct nsf *nsf, bool sound, struct aside *aside, struct finder *finder,
                  struct fault *fault)
{
	STATUS status = nsf_begin(nsf, fault);

	if (status != NOERROR)
		return status;
	nsf->known_id = 0;
	for (size_t i = 0; status == NOERROR && i < nsf_question_count; i++)
		if (!sound || !nsf_questions[i].octets)
			status = mend(nsf, &nsf_questions[i], aside, finder, fault);
	if (status == NOERROR)
		status = nsf_status(nsf->db, sqlite3_exec(nsf->db, "UPDATE store SET seq=seq+1", NULL, NULL, NULL));
	if (status == NOERROR)
		return nsf_commit(nsf, fault);
	if (fault != NULL && fault->status != status)
		fault_set(fault, status, "%s: cannot be repaired: %s", nsf->path, sqlite3_errmsg(nsf->db));
	nsf_rollback(nsf);
	return status;
}

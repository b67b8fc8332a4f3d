/*
 * The full check of a file: SQLite's own, then what our tables promise each
 * other. Everything is read; findings are told one by one.
 */
#include "nsf/private.h"

#include <stdio.h>

#include "base/banned.h"

struct finder {
	void (*report)(void *context, const char *text);
	void *context;
	unsigned findings;
};

static void find(struct finder *finder, const char *text)
{
	finder->findings++;
	if (finder->report != NULL)
		finder->report(finder->context, text);
}

#define MESSAGES "(SELECT id,note,dot FROM inbox UNION ALL SELECT id,note,dot FROM filed)"
#define OCTETS "(SELECT id,size,uidl,hdr FROM inbox UNION ALL SELECT id,size,uidl,hdr FROM filed" \
	" UNION ALL SELECT id,size,uidl,hdr FROM second)"

/* Each row of these is a finding; the first column is an id or a number. */
static const struct {
	const char *sql, *text;
} questions[] = {
	{ "SELECT n FROM store WHERE n<>(SELECT count(*) FROM inbox)",
	  "the counter says %lld messages, which is not what the inbox holds" },
	{ "SELECT bytes FROM store WHERE bytes<>(SELECT coalesce(sum(size),0) FROM inbox)",
	  "the counter says %lld octets, which is not what the inbox holds" },
	{ "SELECT filed_n FROM store WHERE filed_n<>(SELECT count(*) FROM filed)",
	  "the counter says %lld messages outside the inbox, which is not what there is" },
	{ "SELECT next_id FROM store WHERE next_id<=(SELECT max(coalesce((SELECT max(id) FROM note),0),"
	  "coalesce((SELECT max(k)>>16 FROM body),0)))",
	  "the next note id would be %lld, which has been used" },
	{ "SELECT coalesce(note,id) AS n FROM " MESSAGES " WHERE n NOT IN (SELECT id FROM note)",
	  "message %lld has no note" },
	{ "SELECT id FROM " OCTETS " WHERE size<1 OR hdr<0 OR hdr>size"
	  " OR length(uidl) NOT BETWEEN 1 AND 70 OR typeof(size)<>'integer' OR typeof(hdr)<>'integer' OR typeof(uidl)<>'text'",
	  "message %lld has an impossible size or UIDL" },
	{ "SELECT i.id FROM " OCTETS " i LEFT JOIN uidl u ON u.uidl=i.uidl WHERE u.id IS NOT i.id",
	  "message %lld has a UIDL that belongs to another" },
	{ "SELECT i.id FROM " OCTETS " i WHERE i.size<>(SELECT coalesce(sum(length(b.data)),0) FROM body b"
	  " WHERE b.k BETWEEN i.id<<16 AND i.id<<16|65535)",
	  "message %lld does not have as many octets as its size says" },
	{ "SELECT i.id FROM " OCTETS " i JOIN body b ON b.k BETWEEN i.id<<16 AND i.id<<16|65535"
	  " WHERE length(b.data)<>min(262144,i.size-((b.k&65535)<<18))",
	  "message %lld has a chunk of the wrong length" },
	{ "SELECT id FROM " MESSAGES " m WHERE dot&2 AND NOT EXISTS (SELECT 1 FROM second s"
	  " WHERE s.id=m.id+1)",
	  "message %lld has lost its second form" },
	{ "SELECT id FROM second s WHERE NOT EXISTS (SELECT 1 FROM " MESSAGES " m WHERE m.id=s.id-1"
	  " AND m.dot&2)",
	  "the second form %lld belongs to no message" },
	{ "SELECT note_id FROM item WHERE object IS NOT NULL AND size<>(SELECT coalesce(sum(length(b.data)),0)"
	  " FROM body b WHERE b.k BETWEEN object<<16 AND object<<16|65535)",
	  "a large item of note %lld does not have as many octets as its size says" },
	{ "SELECT DISTINCT k>>16 FROM body WHERE k>>16 NOT IN (SELECT id FROM " OCTETS
	  " UNION ALL SELECT id FROM gone UNION ALL SELECT id FROM loose"
	  " UNION ALL SELECT object FROM item WHERE object IS NOT NULL)",
	  "a body is left of %lld, which is not there" },
	{ "SELECT id FROM gone WHERE id IN (SELECT coalesce(note,id) FROM " MESSAGES ")",
	  "message %lld is there and deleted" },
	{ "SELECT id FROM filed WHERE id IN (SELECT id FROM inbox)",
	  "message %lld is in the inbox and elsewhere" },
	{ "SELECT note FROM pending WHERE note NOT IN (SELECT id FROM note) OR note IN"
	  " (SELECT coalesce(note,id) FROM inbox)",
	  "note %lld waits to be rendered, but is not there or has been" },
	{ "SELECT note FROM member WHERE note NOT IN (SELECT id FROM note) OR folder NOT IN"
	  " (SELECT id FROM folder)",
	  "note %lld lies in a folder, but one of them is not there" },
	{ "SELECT note FROM trash WHERE note NOT IN (SELECT id FROM note) OR note IN"
	  " (SELECT coalesce(note,id) FROM inbox)",
	  "note %lld lies in the trash, but is not there or lies in the inbox" },
	{ "SELECT id FROM note WHERE typeof(unid)<>'blob' OR length(unid)<>16",
	  "note %lld has no UNID" },
	{ "SELECT DISTINCT note_id FROM item WHERE note_id NOT IN (SELECT id FROM note)",
	  "items are left of note %lld, which is not there" },
};

static int ask(sqlite3 *db, const char *sql, const char *text, struct finder *finder)
{
	sqlite3_stmt *s = NULL;
	char line[200];
	int rc = sqlite3_prepare_v2(db, sql, -1, &s, NULL);

	if (rc != SQLITE_OK)
		return rc;
	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		snprintf(line, sizeof(line), "a count in a row is damaged");
		if (sqlite3_column_type(s, 0) == SQLITE_INTEGER) {
			char *made = sqlite3_mprintf(text, sqlite3_column_int64(s, 0));

			snprintf(line, sizeof(line), "%s", made == NULL ? "a finding" : made);
			sqlite3_free(made);
		}
		find(finder, line);
	}
	sqlite3_finalize(s);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int integrity(sqlite3 *db, struct finder *finder)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(db, "PRAGMA integrity_check(100)", -1, &s, NULL);

	if (rc != SQLITE_OK)
		return rc;
	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(s, 0);

		if (text == NULL || sqlite3_stricmp(text, "ok") != 0)
			find(finder, text == NULL ? "no answer" : text);
	}
	sqlite3_finalize(s);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* In one read transaction, so that a delivery in between is no finding. */
STATUS nsf_check(const char *path, void (*report)(void *context, const char *text),
                 void *context, struct fault *fault)
{
	struct finder finder = { report, context, 0 };
	struct nsf *nsf = NULL;
	STATUS status = nsf_open(path, &nsf, fault);
	int rc;

	if (status != NOERROR)
		return status;
	rc = sqlite3_exec(nsf->db, "BEGIN", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = integrity(nsf->db, &finder);
	for (size_t i = 0; rc == SQLITE_OK && i < sizeof(questions) / sizeof(questions[0]); i++)
		rc = ask(nsf->db, questions[i].sql, questions[i].text, &finder);
	if (rc != SQLITE_OK)
		status = nsf_fail(nsf, rc, fault);
	else if (finder.findings > 0)
		status = fault_set(fault, POSTIL_ERR_DAMAGED, "%s: %u findings; restore the file from a "
		                   "backup", path, finder.findings);
	if (!sqlite3_get_autocommit(nsf->db))
		sqlite3_exec(nsf->db, "ROLLBACK", NULL, NULL, NULL);
	nsf_close(&nsf);
	return status;
}

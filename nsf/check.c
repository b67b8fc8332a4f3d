/*
 * The full check of a file: are its tables there, what SQLite says of their pages,
 * then what they promise each other. Everything is read; findings are told one by
 * one. A large file may be read for long, in read transactions that keep nobody
 * waiting.
 */
#include "nsf/maintain.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/banned.h"

static void find(struct finder *finder, const char *text)
{
	finder->findings++;
	nsf_watch_tell(finder->watch, "%s", text);
}

/* A question that cannot even be put: a table is missing, or is another one. */
STATUS nsf_tables_check(struct nsf *nsf, struct finder *finder)
{
	uint64_t before = finder->findings;

	for (size_t i = 0; i < nsf_table_count; i++) {
		char *sql = sqlite3_mprintf("SELECT %s FROM main.%s", nsf_tables[i].columns, nsf_tables[i].name);
		sqlite3_stmt *s = NULL;
		int rc = sql == NULL ? SQLITE_NOMEM : sqlite3_prepare_v2(nsf->db, sql, -1, &s, NULL);

		sqlite3_finalize(s);
		sqlite3_free(sql);
		if (rc == SQLITE_NOMEM)
			return POSTIL_ERR_MEMORY;
		if (rc != SQLITE_OK) {
			finder->findings++;
			nsf_watch_tell(finder->watch, "the table %s is missing or damaged", nsf_tables[i].name);
		}
	}
	return finder->findings == before ? NOERROR : POSTIL_ERR_DAMAGED;
}

static int stop(void *context)
{
	return nsf_watch_go_on(context, 0, 0) ? 0 : 1;
}

STATUS nsf_integrity(struct nsf *nsf, struct finder *finder)
{
	uint64_t before = finder->findings;
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(nsf->db, "PRAGMA main.integrity_check(20)", -1, &s, NULL);

	sqlite3_progress_handler(nsf->db, 1000000, stop, (void *)(uintptr_t)finder->watch);
	while (rc == SQLITE_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(s, 0);

		if (text == NULL || sqlite3_stricmp(text, "ok") != 0)
			find(finder, text == NULL ? "no answer" : text);
		rc = SQLITE_OK;
	}
	sqlite3_progress_handler(nsf->db, 0, NULL, NULL);
	sqlite3_finalize(s);
	if (rc != SQLITE_DONE)
		return nsf_status(nsf->db, rc);
	return finder->findings == before ? NOERROR : POSTIL_ERR_DAMAGED;
}

int nsf_question_ask(struct nsf *nsf, const struct nsf_question *question, struct finder *finder)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(nsf->db, question->sql, -1, &s, NULL);

	if (rc != SQLITE_OK)
		return rc;
	while ((rc = sqlite3_step(s)) == SQLITE_ROW) {
		char *made = sqlite3_mprintf(question->text, sqlite3_column_int64(s, 0));

		find(finder, made == NULL ? "a finding" : made);
		sqlite3_free(made);
	}
	sqlite3_finalize(s);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static STATUS ask_all(struct nsf *nsf, struct finder *finder, bool *sound_r, struct fault *fault)
{
	int rc = SQLITE_OK;
	STATUS status = nsf_scan(nsf, finder->watch, sound_r, fault);

	if (status != NOERROR)
		return status;
	for (size_t i = 0; rc == SQLITE_OK && i < nsf_question_count; i++)
		if (!*sound_r || !nsf_questions[i].octets)
			rc = nsf_question_ask(nsf, &nsf_questions[i], finder);
	return rc == SQLITE_OK ? NOERROR : nsf_fail(nsf, rc, fault);
}

/* --- SQLite's check and ours, beside each other ---------------------------------------------- */

/* SQLite looks at pages and indexes with a handle of its own, while we read the bodies. */
struct beside {
	pthread_t thread;
	struct nsf *nsf;
	bool started;
	_Atomic bool stop;
	STATUS status;
	struct finder finder;
	struct nsf_watch watch;
	struct buf said;        /* a line for each finding */
};

static void beside_say(void *context, const char *text)
{
	struct beside *b = context;

	buf_addf(&b->said, "%s\n", text);
}

static bool beside_go_on(void *context, uint64_t done, uint64_t total)
{
	(void)done;
	(void)total;
	return !((struct beside *)context)->stop;
}

static void *beside_run(void *context)
{
	struct beside *b = context;

	b->status = nsf_integrity(b->nsf, &b->finder);
	return NULL;
}

/* Without memory for a thread it is done at once. */
static STATUS beside_begin(struct beside *b, const char *path, struct fault *fault)
{
	STATUS status = nsf_open(path, &b->nsf, fault);

	b->watch = (struct nsf_watch){ .go_on = beside_go_on, .tell = beside_say, .context = b };
	b->finder.watch = &b->watch;
	if (status != NOERROR)
		return status;
	b->started = pthread_create(&b->thread, NULL, beside_run, b) == 0;
	if (!b->started)
		beside_run(b);
	return NOERROR;
}

static STATUS beside_end(struct beside *b, struct finder *finder)
{
	char *line, *next;

	if (b->started)
		pthread_join(b->thread, NULL);
	for (line = b->said.n > 0 ? b->said.p : NULL; line != NULL && line < b->said.p + b->said.n; line = next) {
		next = memchr(line, '\n', (size_t)(b->said.p + b->said.n - line));
		if (next == NULL)
			break;
		*next++ = '\0';
		nsf_watch_tell(finder->watch, "%s", line);
	}
	finder->findings += b->finder.findings;
	nsf_close(&b->nsf);
	buf_release(&b->said);
	return b->status;
}

/* What is damaged may fail in the middle of a question: then SQLite's check says the same. */
static STATUS look(struct nsf *nsf, struct finder *finder, struct nsf_examined *examined,
                   struct fault *fault)
{
	struct beside beside = { .status = NOERROR };
	STATUS status = beside_begin(&beside, nsf->path, fault), other;

	if (status != NOERROR)
		return status;
	status = ask_all(nsf, finder, &examined->sound, fault);
	beside.stop = status != NOERROR && status != POSTIL_ERR_DAMAGED;
	other = beside_end(&beside, finder);
	if (status == POSTIL_ERR_DAMAGED && other == NOERROR)
		finder->findings++;
	if (status == NOERROR || (status == POSTIL_ERR_DAMAGED && other != NOERROR))
		status = other;
	if (status != NOERROR && status != POSTIL_ERR_DAMAGED)
		fault_set(fault, status, "%s: %s", nsf->path, status_text(status));
	return status;
}

STATUS nsf_examine(struct nsf *nsf, struct finder *finder, struct nsf_examined *examined_r,
                   struct fault *fault)
{
	STATUS status = nsf_functions_add(nsf);
	int rc = status == NOERROR ? sqlite3_exec(nsf->db, "BEGIN", NULL, NULL, NULL) : SQLITE_NOMEM;

	*examined_r = (struct nsf_examined){ .whole = false };
	if (rc != SQLITE_OK)
		return nsf_fail(nsf, rc, fault);
	status = nsf_tables_check(nsf, finder);
	if (status == NOERROR)
		status = look(nsf, finder, examined_r, fault);
	examined_r->whole = status == NOERROR;
	if (!sqlite3_get_autocommit(nsf->db))
		sqlite3_exec(nsf->db, "COMMIT", NULL, NULL, NULL);      /* ROLLBACK would empty ours */
	return status == POSTIL_ERR_DAMAGED ? NOERROR : status;
}

STATUS nsf_check(const char *path, void (*report)(void *context, const char *text),
                 void *context, struct fault *fault)
{
	struct nsf_watch watch = { .tell = report, .context = context };
	struct finder finder = { &watch, 0 };
	struct nsf *nsf = NULL;
	STATUS status = nsf_open(path, &nsf, fault);
	struct nsf_examined examined;

	if (status != NOERROR)
		return status;
	status = nsf_examine(nsf, &finder, &examined, fault);
	if (status == NOERROR && finder.findings > 0)
		status = fault_set(fault, POSTIL_ERR_DAMAGED, "%s: faults found: %llu; `load fixup` at the "
		                   "server's console repairs the file", path, (unsigned long long)finder.findings);
	nsf_close(&nsf);
	return status;
}

/*
 * A new file from what can be read of a damaged one: every row of ours goes into a
 * draft with the same tables, where the questions then put right what does not fit
 * together. Rows are distrusted: one that is not shaped as its table wants it, or
 * that is cut off, is set aside; of two with one key the one reached first stays.
 */
#include <stdlib.h>
#include <string.h>

#include "nsf/maintain.h"
#include "nsf/salvage.h"
#include "base/banned.h"

enum { BATCH_OCTETS = 32 << 20, TABLES_MAX = 32 };

/* Ids of notes that were deleted before may have been higher than any that is left; with the
 * counter lost, so many are passed over. */
#define IDS_PASSED_OVER 1048576

struct load {
	struct nsf *nsf;                /* the draft */
	struct aside *aside;
	struct finder *finder;
	struct fault *fault;
	sqlite3_stmt *inserts[TABLES_MAX];
	uint64_t octets;                /* since the last commit */
	uint64_t rows;                  /* of ours */
	bool has_store;
	bool marks_lost;                /* some unread marks cannot be told from other rows */
};

static STATUS insert_ready(struct load *load, const struct nsf_table *table, sqlite3_stmt **s_r)
{
	size_t which = (size_t)(table - nsf_tables);
	sqlite3_stmt **s = &load->inserts[which];
	struct buf sql = BUF_INIT;
	int rc = SQLITE_OK;

	if (*s == NULL) {
		buf_addf(&sql, "INSERT OR %s INTO %s(%s) VALUES(?1",
		         table == nsf_table_named("store") ? "REPLACE" : "IGNORE", table->name, table->columns);
		for (size_t i = 1; i < strlen(table->shape); i++)
			buf_addf(&sql, ",?%zu", i + 1);
		buf_add_char(&sql, ')');
		rc = buf_status(&sql) != NOERROR ? SQLITE_NOMEM
			: sqlite3_prepare_v2(load->nsf->db, buf_cstr(&sql), -1, s, NULL);
		buf_release(&sql);
	}
	*s_r = *s;
	return nsf_status(load->nsf->db, rc);
}

static void bind(sqlite3_stmt *s, int index, const struct salvage_value *v)
{
	switch (v->type) {
	case SALVAGE_INTEGER: sqlite3_bind_int64(s, index, v->integer); break;
	case SALVAGE_REAL: sqlite3_bind_double(s, index, v->real); break;
	case SALVAGE_TEXT: nsf_bind_text(s, index, v->octets); break;
	case SALVAGE_BLOB: nsf_bind_blob(s, index, v->octets.p, v->octets.n); break;
	default: sqlite3_bind_null(s, index); break;
	}
}

/* So that the log does not become as long as the file. */
static STATUS batch_end(struct load *load)
{
	STATUS status = NOERROR;

	if (load->octets < BATCH_OCTETS)
		return NOERROR;
	load->octets = 0;
	status = nsf_commit(load->nsf, load->fault);
	if (status == NOERROR)
		status = nsf_begin(load->nsf, load->fault);
	return status;
}

/* Other programs have tables of users and of entries, too. */
static bool is_ours(const struct nsf_table *table)
{
	static const char *const names[] = { "store", "note", "inbox", "filed", "body" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(table->name, names[i]) == 0)
			return true;
	return false;
}

static STATUS insert(struct load *load, const struct nsf_table *table, const struct salvage_row *row)
{
	sqlite3_stmt *s;
	STATUS status = insert_ready(load, table, &s);
	int rc;

	if (status != NOERROR)
		return status;
	for (size_t i = 0; i < row->count; i++) {
		bind(s, (int)i + 1, &row->values[i]);
		load->octets += row->values[i].octets.n + 16;
	}
	if (table->has_rowid)
		sqlite3_bind_int64(s, 1, row->rowid);
	if (table == nsf_table_named("store") && row->count < strlen(table->shape))
		sqlite3_bind_int64(s, (int)strlen(table->shape), 0);    /* filed_n of an old row */
	rc = sqlite3_step(s);
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
	load->rows += is_ours(table);
	if ((rc & 0xFF) == SQLITE_CONSTRAINT)
		return nsf_aside_row(load->aside, table, row, load->fault);
	status = nsf_status(load->nsf->db, rc);
	return status == NOERROR ? batch_end(load) : status;
}

/* The one row with the counters must be right in itself; what it counts is counted anew. */
static bool store_is_good(const struct salvage_row *row)
{
	const struct salvage_value *v = row->values;

	if (row->rowid != 1 || v[1].integer < NSF_MAIL || v[1].integer > NSF_OTHER)
		return false;
	for (size_t i = 2; i <= 5; i++)
		if (v[i].integer < 0)
			return false;
	for (size_t i = 9; i < row->count; i++)
		if (v[i].integer < 0)
			return false;
	return v[4].integer > 0 && (uint64_t)v[4].integer <= NSF_ID_MAX;
}

/* A body cut off is octets all the same, which its digest will not vouch for. */
static bool is_usable(const struct nsf_table *table, const struct salvage_row *row)
{
	if (!nsf_table_fits(table, row))
		return false;
	if (strcmp(table->name, "store") == 0)
		return row->whole && store_is_good(row);
	return row->whole || strcmp(table->name, "body") == 0;
}

static STATUS take_row(void *context, const struct salvage_row *row)
{
	struct load *load = context;
	const struct nsf_table *table = row->table != NULL ? nsf_table_named(row->table)
		: nsf_table_of(row);

	if (row->table == NULL && table == NULL && row->count == 2 && !row->has_rowid)
		load->marks_lost = true;
	if (table == NULL)              /* an index, or nothing of ours */
		return NOERROR;
	if (strcmp(table->name, "store") == 0 && (load->has_store || !is_usable(table, row)))
		return NOERROR;
	if (!is_usable(table, row))
		return row->table == NULL ? NOERROR : nsf_aside_row(load->aside, table, row, load->fault);
	if (strcmp(table->name, "store") == 0)
		load->has_store = true;
	return insert(load, table, row);
}

static bool on_page(void *context, uint64_t done, uint64_t total)
{
	const struct load *load = context;

	return nsf_watch_go_on(load->finder->watch, done, total);
}

/* --- the draft -------------------------------------------------------------------------- */

static STATUS run(struct load *load, const char *sql)
{
	STATUS status = nsf_status(load->nsf->db, sqlite3_exec(load->nsf->db, sql, NULL, NULL, NULL));

	return status == NOERROR ? status
		: fault_set(load->fault, status, "%s: %s", load->nsf->path, sqlite3_errmsg(load->nsf->db));
}

/* A new file has a row with the counters; the old one's takes its place. */
static STATUS draft_begin(struct load *load, const char *draft)
{
	STATUS status;

	nsf_draft_remove(draft);
	status = nsf_create(draft, NSF_MAIL, &load->nsf, load->fault);
	if (status == NOERROR)
		status = nsf_writer_prepare(load->nsf, load->fault);
	if (status == NOERROR)
		status = run(load, "PRAGMA synchronous=OFF; PRAGMA cache_size=-8192");
	return status == NOERROR ? nsf_begin(load->nsf, load->fault) : status;
}

/* Marks that are lost are set: better seen twice than never. */
static STATUS draft_end(struct load *load)
{
	char *sql = sqlite3_mprintf(
		"UPDATE store SET next_id=%d+max((SELECT coalesce(max(id),0) FROM note WHERE id<1<<46),"
		"(SELECT coalesce(max(k)>>16,0) FROM body),(SELECT coalesce(max(id),0) FROM uidl WHERE id<1<<46)),"
		"seq=(SELECT coalesce(max(seq),0)+1000 FROM note WHERE seq<1<<46)", IDS_PASSED_OVER);
	STATUS status = sql == NULL ? POSTIL_ERR_MEMORY : NOERROR;

	if (status == NOERROR && !load->has_store) {
		nsf_watch_tell(load->finder->watch, "the counters are lost and made anew, with the quota, the "
		               "access control list and other settings of the file");
		status = run(load, sql);
	}
	sqlite3_free(sql);
	if (status == NOERROR && load->marks_lost)
		status = run(load, "INSERT OR IGNORE INTO unread(user,note_id) SELECT u.id,coalesce(i.note,i.id)"
		             " FROM user u,inbox i");
	/* The row is what it is: the handle has counted nothing. */
	load->nsf->counters = load->nsf->counters_stored;
	return status == NOERROR ? nsf_commit(load->nsf, load->fault) : status;
}

static void told(const struct load *load, const struct salvage_counts *counts)
{
	const struct nsf_watch *watch = load->finder->watch;

	load->finder->findings++;
	nsf_watch_tell(watch, "read page by page: %llu pages, of which %llu could be reached from nowhere and"
	               " %llu not be read; %llu rows, and %llu that could not be read",
	               (unsigned long long)counts->pages, (unsigned long long)counts->lost_pages,
	               (unsigned long long)counts->bad_pages, (unsigned long long)load->rows,
	               (unsigned long long)counts->bad_rows);
}

static STATUS load_all(struct load *load, const char *path, const char *draft)
{
	struct salvage *old = NULL;
	STATUS status = salvage_open(path, &old, load->fault);

	if (status == NOERROR) {
		salvage_on_page(old, on_page, load);
		status = draft_begin(load, draft);
	}
	if (status == NOERROR)
		status = salvage_each(old, take_row, load);
	for (size_t i = 0; i < TABLES_MAX; i++)
		sqlite3_finalize(load->inserts[i]);
	if (status == NOERROR)
		status = draft_end(load);
	if (status == NOERROR)
		told(load, salvage_counts(old));
	salvage_close(&old);
	return status;
}

STATUS nsf_rebuild(const char *path, const char *draft, struct aside *aside,
                   struct finder *finder, bool *any_r, struct fault *fault)
{
	struct load load = { .aside = aside, .finder = finder, .fault = fault };
	STATUS status = load_all(&load, path, draft);
	bool sound = false;

	*any_r = load.rows > 0;
	if (status == NOERROR && load.rows > 0)
		status = nsf_functions_add(load.nsf);
	if (status == NOERROR && load.rows > 0)
		status = nsf_scan(load.nsf, finder->watch, &sound, fault);
	if (status == NOERROR && load.rows > 0)
		status = nsf_repair(load.nsf, sound, aside, finder, fault);
	if (status != NOERROR && fault != NULL && fault->status != status)
		fault_set(fault, status, "%s: cannot be rebuilt: %s", path, status_text(status));
	nsf_close(&load.nsf);
	return status;
}

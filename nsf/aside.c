/*
 * The file beside a damaged one for what cannot be repaired: a mail file of its
 * own. A message whose octets are damaged is a message there, as far as it can be
 * read; a row that fits nowhere is a note. Items say where each came from.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nsf/maintain.h"
#include "nsf/salvage.h"
#include "base/banned.h"

enum { COLUMN_SHOWN = 1 << 20 };

static STATUS aside_open(struct aside *aside, struct fault *fault)
{
	STATUS status = NOERROR;

	if (aside->nsf != NULL)
		return NOERROR;
	status = nsf_name_free(aside->path, "damaged", ".nsf", aside->name, fault);
	if (status == NOERROR)
		status = nsf_create(aside->name, NSF_MAIL, &aside->nsf, fault);
	if (status != NOERROR)
		aside->name[0] = '\0';
	return status;
}

void nsf_aside_close(struct aside *aside)
{
	char name[PATH_MAX];

	if (aside->nsf == NULL)
		return;
	nsf_close(&aside->nsf);
	snprintf(name, sizeof(name), "%s", aside->name);
	nsf_tidy(name);
}

/* What is set aside is deleted where it was: an item that has no room stops that. */
static STATUS add_item(struct note *note, const char *name, struct slice value)
{
	return note_add_text(note, name, value) == NULL ? POSTIL_ERR_MEMORY : NOERROR;
}

static STATUS put(struct aside *aside, struct note *note, struct fault *fault)
{
	STATUS status = nsf_note_put(aside->nsf, note, NULL);

	aside->count += status == NOERROR;
	return status == NOERROR ? status
		: fault_set(fault, status, "%s: cannot be written: %s", aside->name, status_text(status));
}

/* --- messages ---------------------------------------------------------------------------- */

struct piece {
	int64_t key;
	uint64_t offset;        /* of its first octet in what is left of the message */
	size_t n;
};

struct rest {
	struct nsf *nsf;
	struct piece *pieces;
	size_t count;
	uint64_t size;
};

static STATUS rest_find(struct rest *rest, uint64_t id)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(rest->nsf->db, "SELECT k,length(data) FROM body WHERE k>=?1 AND k<=?2 AND"
	                            " typeof(data)='blob' AND length(data)>0 ORDER BY k", -1, &s, NULL);

	if (rc == SQLITE_OK) {
		sqlite3_bind_int64(s, 1, nsf_body_key(id, 0));
		sqlite3_bind_int64(s, 2, nsf_body_key(id, 0xFFFF));
	}
	while (rc == SQLITE_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		struct piece *more = rest->pieces;

		if (rest->count % 64 == 0)
			more = realloc(rest->pieces, (rest->count + 64) * sizeof(*more));
		if (more == NULL) {
			rc = SQLITE_NOMEM;
			break;
		}
		rest->pieces = more;
		rest->pieces[rest->count++] = (struct piece){ sqlite3_column_int64(s, 0), rest->size,
			(size_t)sqlite3_column_int64(s, 1) };
		rest->size += (uint64_t)sqlite3_column_int64(s, 1);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(s);
	return nsf_status(rest->nsf->db, rc);
}

static int piece_read(struct nsf *nsf, int64_t key, size_t from, void *out, size_t n)
{
	sqlite3_blob *blob = NULL;
	int rc = sqlite3_blob_open(nsf->db, "main", "body", "data", key, 0, &blob);

	if (rc == SQLITE_OK)
		rc = sqlite3_blob_read(blob, out, (int)n, (int)from);
	sqlite3_blob_close(blob);
	return rc;
}

static STATUS rest_read(void *context, uint64_t offset, void *out, size_t size)
{
	struct rest *rest = context;
	char *to = out;

	for (size_t i = 0; i < rest->count && size > 0; i++) {
		const struct piece *p = &rest->pieces[i];
		size_t from, n;
		int rc;

		if (offset >= p->offset + p->n)
			continue;
		from = (size_t)(offset - p->offset);
		n = p->n - from < size ? p->n - from : size;
		rc = piece_read(rest->nsf, p->key, from, to, n);
		if (rc != SQLITE_OK)
			return nsf_status(rest->nsf->db, rc);
		to += n;
		offset += n;
		size -= n;
	}
	return size == 0 ? NOERROR : POSTIL_ERR_DAMAGED;
}

/* What the message was called. */
static STATUS add_uidl(struct nsf *nsf, uint64_t id, struct note *note)
{
	sqlite3_stmt *s = NULL;
	STATUS status = NOERROR;

	if (sqlite3_prepare_v2(nsf->db, "SELECT CAST(uidl AS TEXT) FROM inbox WHERE id=?1 UNION ALL SELECT"
	                       " CAST(uidl AS TEXT) FROM filed WHERE id=?1", -1, &s, NULL) == SQLITE_OK) {
		sqlite3_bind_int64(s, 1, (sqlite3_int64)id);
		if (sqlite3_step(s) == SQLITE_ROW)
			status = add_item(note, "$DamagedUIDL", nsf_column(s, 0));
	}
	sqlite3_finalize(s);
	return status;
}

/* The items, where all of them can be read; the UNID stays with the file that it was in. */
static STATUS note_of(struct nsf *nsf, uint64_t id, const char *why, struct arena *arena,
                      struct note *note)
{
	char number[24];
	STATUS status = nsf_note_get(nsf, id, arena, note);

	if (status == POSTIL_ERR_MEMORY)
		return status;
	if (status != NOERROR)
		note_init(note, arena);
	note->has_unid = false;
	snprintf(number, sizeof(number), "%llu", (unsigned long long)id);
	status = add_item(note, "$DamagedReason", slice_of(why));
	if (status == NOERROR)
		status = add_item(note, "$DamagedNote", slice_of(number));
	return status == NOERROR ? add_uidl(nsf, id, note) : status;
}

static STATUS deliver(struct aside *aside, struct rest *rest, const struct note *note,
                      struct fault *fault)
{
	struct nsf_delivery d = { .size_octets = rest->size, .note = note, .body = rest_read,
		.context = rest };
	char start[4096];
	size_t n = rest->size < sizeof(start) ? (size_t)rest->size : sizeof(start);
	const char *end;
	STATUS status = rest_read(rest, 0, start, n);

	if (status != NOERROR)
		return status;
	end = memmem(start, n, "\r\n\r\n", 4);
	d.header_octets = end == NULL ? rest->size : (uint64_t)(end - start) + 4;
	d.has_dot_line = true;          /* lines are looked at one by one */
	status = nsf_deliver(aside->nsf, &d, 1, NULL, NULL, fault);
	aside->count += status == NOERROR;
	return status;
}

STATUS nsf_aside_message(struct aside *aside, struct nsf *nsf, uint64_t id, const char *why,
                         struct fault *fault)
{
	struct rest rest = { .nsf = nsf };
	struct arena arena = ARENA_INIT;
	struct note note;
	STATUS status = aside_open(aside, fault);

	if (status != NOERROR)
		return status;
	status = note_of(nsf, id, why, &arena, &note);
	if (status == NOERROR)
		status = rest_find(&rest, id);
	if (status == NOERROR)
		status = rest.size > 0 ? deliver(aside, &rest, &note, fault) : put(aside, &note, fault);
	if (status == POSTIL_ERR_DAMAGED)       /* the items are what is left */
		status = put(aside, &note, fault);
	free(rest.pieces);
	arena_release(&arena);
	return status;
}

/* --- rows ----------------------------------------------------------------------------------- */

static STATUS row_begin(struct note *note, struct arena *arena, const char *why)
{
	STATUS status;

	note_init(note, arena);
	status = add_item(note, "Form", SLICE_LIT("DamagedRow"));
	return status == NOERROR ? add_item(note, "$DamagedReason", slice_of(why)) : status;
}

static struct slice shown(struct slice value)
{
	return (struct slice){ value.p, value.n < COLUMN_SHOWN ? value.n : COLUMN_SHOWN };
}

static STATUS column_add(struct note *note, const char *name, sqlite3_stmt *s, int column)
{
	int type = sqlite3_column_type(s, column);
	struct slice value;

	if (type == SQLITE_NULL)
		return NOERROR;
	value = (struct slice){ sqlite3_column_blob(s, column), 0 };
	value.n = (size_t)sqlite3_column_bytes(s, column);
	return value.p == NULL ? NOERROR : add_item(note, name, shown(value));
}

STATUS nsf_aside_rows(struct aside *aside, struct nsf *nsf, const char *sql, const char *why,
                      struct fault *fault)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(nsf->db, sql, -1, &s, NULL);
	STATUS status = nsf_status(nsf->db, rc);

	while (status == NOERROR && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		struct arena arena = ARENA_INIT;
		struct note note;

		status = row_begin(&note, &arena, why);
		for (int i = 0; i < sqlite3_column_count(s) && status == NOERROR; i++)
			status = column_add(&note, sqlite3_column_name(s, i), s, i);
		if (status == NOERROR)
			status = aside_open(aside, fault);
		if (status == NOERROR)
			status = put(aside, &note, fault);
		arena_release(&arena);
	}
	sqlite3_finalize(s);
	return status == NOERROR ? nsf_status(nsf->db, rc) : status;
}

static STATUS value_add(struct note *note, const char *name, const struct salvage_value *v)
{
	char number[32];

	if (v->type == SALVAGE_TEXT || v->type == SALVAGE_BLOB)
		return add_item(note, name, shown(v->octets));
	if (v->type != SALVAGE_INTEGER)
		return NOERROR;
	snprintf(number, sizeof(number), "%lld", (long long)v->integer);
	return add_item(note, name, slice_of(number));
}

STATUS nsf_aside_row(struct aside *aside, const struct nsf_table *table,
                     const struct salvage_row *row, struct fault *fault)
{
	struct salvage_value id = { .type = SALVAGE_INTEGER, .integer = row->rowid };
	struct arena arena = ARENA_INIT;
	struct note note;
	char name[32];
	STATUS status = aside_open(aside, fault);

	if (status != NOERROR)
		return status;
	status = row_begin(&note, &arena, row->whole ? "the row does not fit its table"
	                   : "the row is not whole");
	if (status == NOERROR)
		status = add_item(&note, "Table", slice_of(table->name));
	if (status == NOERROR && row->has_rowid)
		status = value_add(&note, "Number", &id);
	for (size_t i = 0; i < row->count && status == NOERROR; i++) {
		snprintf(name, sizeof(name), "Column%zu", i + 1);
		status = value_add(&note, name, &row->values[i]);
	}
	if (status == NOERROR)
		status = put(aside, &note, fault);
	arena_release(&arena);
	return status;
}

/*
 * Items and the rows that hold them. Values come back out of the file only after their lengths
 * have been checked against what is there; large ones come in pieces, when somebody asks.
 */
#include "nsf/private.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

enum { NAME_MAX_OCTETS = 32767 };

/* A value that is read when it is wanted. The note's arena holds it. */
struct stored_blob {
	struct nsf *nsf;
	uint64_t id, size;
};

/* --- items into rows ------------------------------------------------------------------- */

static STATUS values_encode(const struct item *item, struct buf *out)
{
	for (size_t i = 0; i < item->count; i++) {
		size_t n = item->values[i].n;
		unsigned char length[4] = { n & 255, n >> 8 & 255, n >> 16 & 255, n >> 24 & 255 };

		if (n > NSF_VALUE_MAX)
			return POSTIL_ERR_TOO_LONG;
		buf_add(out, length, sizeof(length));
		buf_add_slice(out, item->values[i]);
	}
	return buf_status(out);
}

/* A value too large for a row gets a number and lies where bodies do. */
static STATUS object_insert(struct nsf *nsf, const struct item_blob *blob, uint64_t *object_r)
{
	uint64_t size = blob->size_octets;
	char *buffer;
	STATUS status;

	if (size > NSF_SIZE_MAX)
		return POSTIL_ERR_TOO_LONG;
	status = nsf_id_take(nsf, object_r);
	if (status != NOERROR)
		return status;
	buffer = malloc(size < NSF_CHUNK_OCTETS ? (size_t)size + 1 : NSF_CHUNK_OCTETS);
	if (buffer == NULL)
		return POSTIL_ERR_MEMORY;
	status = nsf_octets_add(nsf, *object_r, size, blob->read, blob->context, buffer, NULL);
	free(buffer);
	return status;
}

static void item_bind(sqlite3_stmt *s, uint64_t id, int ord, const struct item *item,
                      const struct buf *list)
{
	sqlite3_bind_int64(s, 1, (sqlite3_int64)id);
	sqlite3_bind_int(s, 2, ord);
	nsf_bind_text(s, 3, slice_of(item->name));
	sqlite3_bind_int(s, 4, item->type);
	sqlite3_bind_int(s, 5, item->flags);
	if (item->count == 1)
		nsf_bind_text(s, 6, item->values[0]);
	else
		nsf_bind_blob(s, 6, list->p, list->n);
}

static STATUS item_insert(struct nsf *nsf, uint64_t id, int ord, const struct item *item)
{
	struct buf list = BUF_INIT;
	sqlite3_stmt *s = NULL;
	uint64_t object = 0;
	STATUS status = NOERROR;

	buf_init(&list, NSF_VALUE_MAX);
	if (strlen(item->name) > NAME_MAX_OCTETS || (item->count == 1 && item->values[0].n > NSF_VALUE_MAX))
		status = POSTIL_ERR_TOO_LONG;
	else if (item->count != 1)
		status = values_encode(item, &list);
	if (status == NOERROR && item->blob != NULL)
		status = object_insert(nsf, item->blob, &object);
	if (status == NOERROR)
		status = nsf_statement(nsf, ST_ITEM_ADD, &s);
	if (status == NOERROR) {
		item_bind(s, id, ord, item, &list);
		if (item->blob != NULL) {
			sqlite3_bind_int64(s, 7, (sqlite3_int64)object);
			sqlite3_bind_int64(s, 8, (sqlite3_int64)item->blob->size_octets);
		}
		status = nsf_statement_run(nsf, ST_ITEM_ADD, s);
	}
	buf_release(&list);
	return status;
}

STATUS nsf_items_insert(struct nsf *nsf, uint64_t id, const struct note *note)
{
	STATUS status = NOERROR;
	int ord = 0;

	for (const struct item *item = note->first; item != NULL && status == NOERROR;
	     item = item->next)
		status = item_insert(nsf, id, ord++, item);
	return status;
}

STATUS nsf_items_delete(struct nsf *nsf, uint64_t id)
{
	STATUS status = nsf_run(nsf, ST_LOOSE_OBJECTS, 1, (const int64_t[]){ (int64_t)id });

	return status == NOERROR ? nsf_run(nsf, ST_ITEMS_DELETE, 1, (const int64_t[]){ (int64_t)id })
		: status;
}

/* --- rows into items ----------------------------------------------------------------------- */

static bool values_count(struct slice list, size_t *count_r)
{
	size_t count = 0, at = 0;

	while (at < list.n) {
		const unsigned char *p = (const unsigned char *)list.p + at;
		size_t n;

		if (list.n - at < 4)
			return false;
		n = (size_t)p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16 | (size_t)p[3] << 24;
		if (n > list.n - at - 4)
			return false;
		at += 4 + n;
		count++;
	}
	*count_r = count;
	return true;
}

/* The list has been checked by values_count. */
static void values_decode(struct slice list, struct slice *values)
{
	for (size_t at = 0; at < list.n; values++) {
		const unsigned char *p = (const unsigned char *)list.p + at;

		values->n = (size_t)p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16 | (size_t)p[3] << 24;
		values->p = list.p + at + 4;
		at += 4 + values->n;
	}
}

static STATUS stored_read(void *context, uint64_t offset, void *out, size_t size)
{
	const struct stored_blob *stored = context;

	if (offset > stored->size || size > stored->size - offset)
		return POSTIL_ERR_INVALID;
	return nsf_octets_read(stored->nsf, stored->id, stored->size, offset, out, size);
}

static STATUS blob_of_row(struct nsf *nsf, sqlite3_stmt *s, struct arena *arena,
                          struct item_blob *blob_r)
{
	struct stored_blob *stored = arena_alloc(arena, sizeof(*stored));

	if (stored == NULL)
		return POSTIL_ERR_MEMORY;
	stored->nsf = nsf;
	if (!nsf_column_count(s, 4, &stored->id) || stored->id == 0 || stored->id > NSF_ID_MAX
	    || !nsf_column_count(s, 5, &stored->size) || stored->size > NSF_SIZE_MAX)
		return POSTIL_ERR_DAMAGED;
	*blob_r = (struct item_blob){ stored->size, stored_read, stored };
	return NOERROR;
}

static STATUS item_add(struct nsf *nsf, sqlite3_stmt *s, struct note *note, uint16_t type,
                       uint16_t flags, const struct slice *values, size_t count)
{
	struct slice name = nsf_column(s, 0);
	struct item_blob blob;
	STATUS status;

	if (sqlite3_column_type(s, 4) == SQLITE_NULL)
		return note_add(note, name, type, flags, values, count) == NULL ? POSTIL_ERR_MEMORY
			: NOERROR;
	status = blob_of_row(nsf, s, note->arena, &blob);
	if (status != NOERROR)
		return status;
	return note_add_blob(note, name, type, flags, values, count, &blob) == NULL
		? POSTIL_ERR_MEMORY : NOERROR;
}

static STATUS item_of_row(struct nsf *nsf, sqlite3_stmt *s, struct note *note)
{
	struct slice value = nsf_column(s, 3);
	bool is_list = sqlite3_column_type(s, 3) == SQLITE_BLOB;
	struct slice *values = &value;
	size_t count = 1;
	uint64_t type, flags;
	STATUS status;

	if (!nsf_column_count(s, 1, &type) || type > UINT16_MAX || !nsf_column_count(s, 2, &flags)
	    || flags > UINT16_MAX || sqlite3_column_type(s, 0) != SQLITE_TEXT
	    || (!is_list && sqlite3_column_type(s, 3) != SQLITE_TEXT)
	    || (is_list && !values_count(value, &count)))
		return POSTIL_ERR_DAMAGED;
	if (is_list) {
		values = calloc(count + 1, sizeof(*values));
		if (values == NULL)
			return POSTIL_ERR_MEMORY;
		values_decode(value, values);
	}
	status = item_add(nsf, s, note, (uint16_t)type, (uint16_t)flags, values, count);
	if (is_list)
		free(values);
	return status;
}

STATUS nsf_items_get(struct nsf *nsf, uint64_t id, struct note *note)
{
	sqlite3_stmt *s;
	STATUS status = nsf_statement(nsf, ST_ITEMS_GET, &s);
	int rc;

	if (status != NOERROR)
		return status;
	sqlite3_bind_int64(s, 1, (sqlite3_int64)id);
	while ((rc = sqlite3_step(s)) == SQLITE_ROW && status == NOERROR)
		status = item_of_row(nsf, s, note);
	if (status == NOERROR)
		status = nsf_status(nsf->db, rc);
	nsf_statement_done(nsf, ST_ITEMS_GET, s);
	return status;
}

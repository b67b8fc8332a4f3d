/*
 * The inbox as POP3 reads it: counts, the list, and pieces of bodies. Every
 * call is one short read transaction, so that a slow client never keeps the
 * write-ahead log from being emptied. Rows are distrusted.
 */
#include "nsf/private.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

STATUS nsf_inbox_stat(struct nsf *nsf, uint64_t *count_r, uint64_t *octets_r)
{
	struct counters counters = nsf->counters;
	STATUS status = nsf->in_transaction ? NOERROR : nsf_counters_read(nsf, &counters, NULL);

	if (status != NOERROR)
		return status;
	*count_r = counters.messages;
	*octets_r = counters.octets;
	return NOERROR;
}

static bool uidl_is_valid(struct slice uidl)
{
	if (uidl.n == 0 || uidl.n > NSF_UIDL_MAX)
		return false;
	for (size_t i = 0; i < uidl.n; i++)
		if (uidl.p[i] < 0x21 || uidl.p[i] > 0x7E)
			return false;
	return true;
}

/* Ranges are checked rather than types: whatever a column holds, SQLite makes a
 * number or octets with a length of it, and this runs for every message. */
static bool message_of_row(sqlite3_stmt *s, struct nsf_message *message)
{
	sqlite3_int64 id = sqlite3_column_int64(s, 0), size = sqlite3_column_int64(s, 1);
	sqlite3_int64 header = sqlite3_column_int64(s, 2);

	message->uidl.p = sqlite3_column_blob(s, 4);
	message->uidl.n = (size_t)sqlite3_column_bytes(s, 4);
	if (id < 1 || (uint64_t)id > NSF_ID_MAX || size < 1 || header < 0 || header > size)
		return false;
	message->id = (uint64_t)id;
	message->size_octets = (uint64_t)size;
	message->header_octets = (uint64_t)header;
	message->has_dot_line = sqlite3_column_int(s, 3) != 0;
	return message->uidl.p != NULL && uidl_is_valid(message->uidl);
}

STATUS nsf_inbox_list(struct nsf *nsf, uint64_t unread_for,
                      STATUS (*each)(void *context, const struct nsf_message *message),
                      void *context)
{
	enum statement which = unread_for == 0 ? ST_INBOX_LIST : ST_INBOX_LIST_UNREAD;
	struct nsf_message message;
	sqlite3_stmt *s;
	STATUS status = nsf_statement(nsf, which, &s);
	int rc;

	if (status != NOERROR)
		return status;
	if (unread_for != 0)
		sqlite3_bind_int64(s, 1, (sqlite3_int64)unread_for);
	while ((rc = sqlite3_step(s)) == SQLITE_ROW && status == NOERROR)
		status = message_of_row(s, &message) ? each(context, &message) : POSTIL_ERR_DAMAGED;
	if (status == NOERROR)
		status = nsf_status(nsf->db, rc);
	nsf_statement_done(nsf, which, s);
	return status;
}

/* --- bodies ----------------------------------------------------------------------------
 *
 * A message of one small row comes with the question for its size. Larger
 * chunks are read from their pages straight to where they are wanted; who wants
 * pieces of one has it kept meanwhile, and the size of the message too.
 */

enum { SMALL_MESSAGE = 16384 /* as in ST_BODY_GET */ };

struct wanted {
	uint64_t id, chunk, key;
	size_t skip, size;      /* octets of the chunk */
	char *out;
};

void nsf_piece_drop(struct nsf *nsf)
{
	free(nsf->piece);
	nsf->piece = NULL;
	nsf->known_id = 0;
}

static STATUS piece_copy(struct nsf *nsf, const struct wanted *w, size_t *got_r)
{
	size_t left = w->skip < nsf->piece_octets ? nsf->piece_octets - w->skip : 0;

	*got_r = w->size < left ? w->size : left;
	memcpy(w->out, nsf->piece + w->skip, *got_r);
	if (*got_r == left && nsf->piece_octets < NSF_CHUNK_OCTETS)
		nsf_piece_drop(nsf);    /* the end of the message */
	return NOERROR;
}

static STATUS small_copy(const struct wanted *w, struct slice data, uint64_t size, size_t *got_r)
{
	if (data.n != size)
		return POSTIL_ERR_DAMAGED;
	*got_r = 0;
	if (w->skip >= data.n)
		return NOERROR;
	*got_r = w->size < data.n - w->skip ? w->size : data.n - w->skip;
	memcpy(w->out, data.p + w->skip, *got_r);
	return NOERROR;
}

/* *size_r: of the message. *got_r: what a small message gave. */
static STATUS ask(struct nsf *nsf, const struct wanted *w, uint64_t *size_r, size_t *got_r)
{
	sqlite3_stmt *s;
	STATUS status = nsf_statement(nsf, ST_BODY_GET, &s);
	int rc;

	if (status != NOERROR)
		return status;
	sqlite3_bind_int64(s, 1, (sqlite3_int64)w->id);
	sqlite3_bind_int64(s, 2, (sqlite3_int64)w->key);
	rc = sqlite3_step(s);
	status = rc == SQLITE_DONE ? POSTIL_ERR_DELETED : nsf_status(nsf->db, rc);
	if (rc == SQLITE_ROW && !nsf_column_count(s, 0, size_r))
		status = POSTIL_ERR_DAMAGED;
	else if (rc == SQLITE_ROW && *size_r <= SMALL_MESSAGE && w->chunk == 0)
		status = small_copy(w, nsf_column(s, 1), *size_r, got_r);
	nsf_statement_done(nsf, ST_BODY_GET, s);
	nsf->known_id = status == NOERROR ? w->id : 0;
	nsf->known_size = *size_r;
	return status;
}

/* The row of a chunk is not there, or no octets: since when? */
static STATUS chunk_missing(struct nsf *nsf, const struct wanted *w, int rc)
{
	uint64_t size = 0;
	size_t got;
	STATUS status = nsf_status(nsf->db, rc);

	if (rc != SQLITE_ERROR)
		return status;
	status = ask(nsf, w, &size, &got);
	nsf->known_id = 0;
	return status == NOERROR ? POSTIL_ERR_DAMAGED : status;
}

static STATUS chunk_read(struct nsf *nsf, const struct wanted *w, size_t length, size_t skip,
                         size_t size, char *out)
{
	sqlite3_blob *blob = NULL;
	STATUS status;
	int rc = sqlite3_blob_open(nsf->db, "main", "body", "data", (sqlite3_int64)w->key, 0, &blob);

	if (rc != SQLITE_OK) {
		sqlite3_blob_close(blob);
		return chunk_missing(nsf, w, rc);
	}
	if (sqlite3_blob_bytes(blob) != (int)length)
		status = POSTIL_ERR_DAMAGED;
	else
		status = nsf_status(nsf->db, sqlite3_blob_read(blob, out, (int)size, (int)skip));
	sqlite3_blob_close(blob);       /* and with it the read transaction */
	return status;
}

static STATUS piece_load(struct nsf *nsf, const struct wanted *w, size_t length)
{
	STATUS status;

	if (nsf->piece == NULL)
		nsf->piece = malloc(NSF_CHUNK_OCTETS);
	if (nsf->piece == NULL)
		return POSTIL_ERR_MEMORY;
	status = chunk_read(nsf, w, length, 0, length, nsf->piece);
	if (status != NOERROR) {
		nsf_piece_drop(nsf);
		return status;
	}
	nsf->piece_key = w->key;
	nsf->piece_octets = length;
	return NOERROR;
}

static STATUS part_read(struct nsf *nsf, const struct wanted *w, size_t *got_r)
{
	uint64_t size = 0, start = w->chunk << NSF_CHUNK_SHIFT;
	size_t length;
	STATUS status = NOERROR;

	*got_r = 0;
	if (nsf->piece != NULL && nsf->piece_key == w->key)
		return piece_copy(nsf, w, got_r);
	if (nsf->known_id == w->id && nsf->known_size > SMALL_MESSAGE) {
		size = nsf->known_size;
	} else {
		status = ask(nsf, w, &size, got_r);
		if (status != NOERROR || size <= SMALL_MESSAGE)
			return status;
	}
	if (start + w->skip >= size)
		return NOERROR;
	length = size - start < NSF_CHUNK_OCTETS ? (size_t)(size - start) : NSF_CHUNK_OCTETS;
	if (w->size < length - w->skip) {
		status = piece_load(nsf, w, length);
		return status == NOERROR ? piece_copy(nsf, w, got_r) : status;
	}
	*got_r = w->size < length - w->skip ? w->size : length - w->skip;
	return chunk_read(nsf, w, length, w->skip, *got_r, w->out);
}

STATUS nsf_body_read(struct nsf *nsf, uint64_t id, uint64_t offset, void *out, size_t size,
                     size_t *got_r)
{
	size_t done = 0, got = 0;
	STATUS status = NOERROR;
	struct wanted w = { .id = id };

	if (id > NSF_ID_MAX)
		return POSTIL_ERR_DELETED;
	if (offset > NSF_SIZE_MAX)
		offset = NSF_SIZE_MAX;
	do {
		size_t room;

		w.chunk = (offset + done) >> NSF_CHUNK_SHIFT;
		w.skip = (size_t)((offset + done) & (NSF_CHUNK_OCTETS - 1));
		if (w.chunk >> NSF_BODY_KEY_SHIFT != 0)
			break;
		w.key = (uint64_t)nsf_body_key(id, w.chunk);
		room = NSF_CHUNK_OCTETS - w.skip;
		w.size = size - done < room ? size - done : room;
		w.out = (char *)out + done;
		status = part_read(nsf, &w, &got);
		done += got;
	} while (status == NOERROR && got == w.size && done < size);
	if (status == NOERROR)
		*got_r = done;
	return status;
}

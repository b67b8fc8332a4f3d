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
 * One short read transaction for each call: the question for the size, which
 * brings a message of one small row along, and the chunks, from their pages
 * straight to where they are wanted. Who reads on in a message is not asked for
 * its size again; its chunks tell whether they are still there.
 */

enum { SMALL_MESSAGE = 16384 /* as in ST_BODY_GET */ };

struct wanted {
	uint64_t id, offset;
	size_t size;            /* octets of the message from offset */
	char *out;
};

static STATUS small_copy(const struct wanted *w, struct slice data, uint64_t size, size_t *got_r)
{
	if (data.n != size)
		return POSTIL_ERR_DAMAGED;
	if (w->offset >= data.n)
		return NOERROR;
	*got_r = w->size < data.n - w->offset ? w->size : data.n - (size_t)w->offset;
	memcpy(w->out, data.p + w->offset, *got_r);
	return NOERROR;
}

/* The statement stays on its row, and with it the read transaction. */
static STATUS ask(struct nsf *nsf, uint64_t id, sqlite3_stmt **s_r, uint64_t *size_r)
{
	STATUS status = nsf_statement(nsf, ST_BODY_GET, s_r);
	int rc;

	if (status != NOERROR)
		return status;
	sqlite3_bind_int64(*s_r, 1, (sqlite3_int64)id);
	sqlite3_bind_int64(*s_r, 2, nsf_body_key(id, 0));
	rc = sqlite3_step(*s_r);
	if (rc != SQLITE_ROW)
		return rc == SQLITE_DONE ? POSTIL_ERR_DELETED : nsf_status(nsf->db, rc);
	return nsf_column_count(*s_r, 0, size_r) ? NOERROR : POSTIL_ERR_DAMAGED;
}

/* SQLITE_ERROR: the row is not there, or holds no octets. */
static STATUS chunk_read(struct nsf *nsf, const struct wanted *w, uint64_t size, uint64_t at,
                         size_t n)
{
	size_t skip = (size_t)(at & (NSF_CHUNK_OCTETS - 1));
	uint64_t rest = size - (at - skip);
	sqlite3_blob *blob = NULL;
	STATUS status;
	int rc = sqlite3_blob_open(nsf->db, "main", "body", "data",
	                           nsf_body_key(w->id, at >> NSF_CHUNK_SHIFT), 0, &blob);

	if (rc != SQLITE_OK)
		status = rc == SQLITE_ERROR ? POSTIL_ERR_DAMAGED : nsf_status(nsf->db, rc);
	else if ((uint64_t)sqlite3_blob_bytes(blob) != (rest < NSF_CHUNK_OCTETS ? rest : NSF_CHUNK_OCTETS))
		status = POSTIL_ERR_DAMAGED;
	else
		status = nsf_status(nsf->db, sqlite3_blob_read(blob, w->out + (at - w->offset), (int)n,
		                                               (int)skip));
	sqlite3_blob_close(blob);
	return status;
}

static STATUS chunks_read(struct nsf *nsf, const struct wanted *w, uint64_t size, size_t *got_r)
{
	uint64_t at = w->offset, end = size;
	STATUS status = NOERROR;

	if (at < size && w->size < size - at)
		end = at + w->size;
	while (status == NOERROR && at < end) {
		size_t room = NSF_CHUNK_OCTETS - (size_t)(at & (NSF_CHUNK_OCTETS - 1));
		size_t n = end - at < room ? (size_t)(end - at) : room;

		status = chunk_read(nsf, w, size, at, n);
		at += n;
	}
	if (status == NOERROR && end > w->offset)
		*got_r = (size_t)(end - w->offset);
	return status;
}

/* With the size asked for and the chunks read in the same transaction. */
static STATUS whole_read(struct nsf *nsf, const struct wanted *w, size_t *got_r)
{
	sqlite3_stmt *s = NULL;
	uint64_t size = 0;
	STATUS status = ask(nsf, w->id, &s, &size);

	if (status == NOERROR && size > NSF_SIZE_MAX)
		status = POSTIL_ERR_DAMAGED;
	if (status == NOERROR && size <= SMALL_MESSAGE)
		status = small_copy(w, nsf_column(s, 1), size, got_r);
	else if (status == NOERROR)
		status = chunks_read(nsf, w, size, got_r);
	nsf_statement_done(nsf, ST_BODY_GET, s);
	nsf->known_id = status == NOERROR && size > SMALL_MESSAGE ? w->id : 0;
	nsf->known_size = size;
	return status;
}

STATUS nsf_body_read(struct nsf *nsf, uint64_t id, uint64_t offset, void *out, size_t size,
                     size_t *got_r)
{
	struct wanted w = { id, offset, size, out };
	size_t got = 0;
	STATUS status = POSTIL_ERR_DAMAGED;

	if (id > NSF_ID_MAX)
		return POSTIL_ERR_DELETED;
	if (nsf->known_id == id)
		status = chunks_read(nsf, &w, nsf->known_size, &got);
	if (status == POSTIL_ERR_DAMAGED)       /* or gone meanwhile: ask */
		status = whole_read(nsf, &w, &got);
	if (status == NOERROR)
		*got_r = got;
	return status;
}

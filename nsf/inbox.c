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

/* --- bodies ---------------------------------------------------------------------------- */

void nsf_piece_drop(struct nsf *nsf)
{
	free(nsf->piece);
	nsf->piece = NULL;
}

/* Who reads a chunk in pieces would otherwise have SQLite put it together for
 * each of them. Failing to keep it costs time only. */
static void piece_keep(struct nsf *nsf, uint64_t key, struct slice data, uint64_t size)
{
	char *p = realloc(nsf->piece, data.n);

	if (p == NULL) {
		nsf_piece_drop(nsf);
		return;
	}
	memcpy(p, data.p, data.n);
	nsf->piece = p;
	nsf->piece_octets = data.n;
	nsf->piece_key = key;
	nsf->piece_size = size;
}

struct wanted {
	uint64_t chunk;
	size_t skip, size;      /* octets of the chunk */
	char *out;
};

/* *size_r: of the message, *got_r: octets put out. */
static STATUS chunk_copy(const struct wanted *wanted, struct slice data, uint64_t size,
                         size_t *got_r)
{
	uint64_t start = wanted->chunk << NSF_CHUNK_SHIFT;
	uint64_t length = size - start < NSF_CHUNK_OCTETS ? size - start : NSF_CHUNK_OCTETS;

	if (data.n != length)
		return POSTIL_ERR_DAMAGED;
	*got_r = 0;
	if (wanted->skip >= data.n)
		return NOERROR;
	*got_r = wanted->size < data.n - wanted->skip ? wanted->size : data.n - wanted->skip;
	memcpy(wanted->out, data.p + wanted->skip, *got_r);
	return NOERROR;
}

static STATUS chunk_row(struct nsf *nsf, sqlite3_stmt *s, uint64_t key,
                        const struct wanted *wanted, size_t *got_r)
{
	struct slice data;
	uint64_t size;
	STATUS status;

	if (!nsf_column_count(s, 0, &size))
		return POSTIL_ERR_DAMAGED;
	*got_r = 0;
	if (wanted->chunk << NSF_CHUNK_SHIFT >= size)
		return NOERROR;
	data = nsf_column(s, 1);
	status = chunk_copy(wanted, data, size, got_r);
	if (status == NOERROR && wanted->skip + *got_r < data.n && data.n > 16384)
		piece_keep(nsf, key, data, size);
	return status;
}

static STATUS chunk_read(struct nsf *nsf, uint64_t id, const struct wanted *wanted, size_t *got_r)
{
	uint64_t key = (uint64_t)nsf_body_key(id, wanted->chunk);
	sqlite3_stmt *s;
	STATUS status;
	int rc;

	if (nsf->piece != NULL && nsf->piece_key == key) {
		status = chunk_copy(wanted, (struct slice){ nsf->piece, nsf->piece_octets },
		                    nsf->piece_size, got_r);
		if (wanted->skip + *got_r >= nsf->piece_octets)
			nsf_piece_drop(nsf);
		return status;
	}
	status = nsf_statement(nsf, ST_BODY_GET, &s);
	if (status != NOERROR)
		return status;
	sqlite3_bind_int64(s, 1, (sqlite3_int64)id);
	sqlite3_bind_int64(s, 2, (sqlite3_int64)key);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		status = chunk_row(nsf, s, key, wanted, got_r);
	else
		status = rc == SQLITE_DONE ? POSTIL_ERR_DELETED : nsf_status(nsf->db, rc);
	nsf_statement_done(nsf, ST_BODY_GET, s);
	return status;
}

STATUS nsf_body_read(struct nsf *nsf, uint64_t id, uint64_t offset, void *out, size_t size,
                     size_t *got_r)
{
	size_t done = 0, got = 0;
	STATUS status = NOERROR;

	if (id > NSF_ID_MAX)
		return POSTIL_ERR_DELETED;
	do {
		struct wanted wanted = { (offset + done) >> NSF_CHUNK_SHIFT,
			(size_t)((offset + done) & (NSF_CHUNK_OCTETS - 1)), size - done, (char *)out + done };

		if (wanted.chunk >> NSF_BODY_KEY_SHIFT != 0)
			break;
		status = chunk_read(nsf, id, &wanted, &got);
		done += got;
	} while (status == NOERROR && got > 0 && done < size);
	if (status == NOERROR)
		*got_r = done;
	return status;
}

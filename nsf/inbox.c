/*
 * The inbox as POP3 reads it: counts, the list, and pieces of bodies. Every
 * call is one short read transaction, so that a slow client never keeps the
 * write-ahead log from being emptied. Rows are distrusted.
 */
#include "nsf/private.h"

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
	int flags = sqlite3_column_int(s, 3);
	sqlite3_int64 id = sqlite3_column_int64(s, 0), size = sqlite3_column_int64(s, 1);
	sqlite3_int64 header = sqlite3_column_int64(s, 2);

	message->uidl.p = sqlite3_column_blob(s, 4);
	message->uidl.n = (size_t)sqlite3_column_bytes(s, 4);
	if (id < 1 || (uint64_t)id > NSF_ID_MAX || size < 1 || header < 0 || header > size)
		return false;
	message->id = (uint64_t)id;
	message->size_octets = (uint64_t)size;
	message->header_octets = (uint64_t)header;
	message->has_dot_line = (flags & MESSAGE_DOT) != 0;
	message->needs_utf8 = (flags & MESSAGE_NEEDS_UTF8) != 0;
	message->has_second = (flags & MESSAGE_SECOND) != 0;
	return message->uidl.p != NULL && uidl_is_valid(message->uidl);
}

/* Listed in the place of the first form. */
static STATUS second_form(struct nsf *nsf, uint64_t first,
                          STATUS (*each)(void *context, const struct nsf_message *message),
                          void *context)
{
	struct nsf_message second;
	sqlite3_stmt *s;
	STATUS status = nsf_statement(nsf, ST_SECOND_GET, &s);
	int rc;

	if (status != NOERROR)
		return status;
	sqlite3_bind_int64(s, 1, (sqlite3_int64)first + 1);
	rc = sqlite3_step(s);
	if (rc != SQLITE_ROW || !message_of_row(s, &second)) {
		status = POSTIL_ERR_DAMAGED;
	} else {
		second.has_second = true;
		status = each(context, &second);
	}
	nsf_statement_done(nsf, ST_SECOND_GET, s);
	return status;
}

STATUS nsf_inbox_list(struct nsf *nsf, uint64_t unread_for, bool utf8,
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
	while ((rc = sqlite3_step(s)) == SQLITE_ROW && status == NOERROR) {
		if (!message_of_row(s, &message))
			status = POSTIL_ERR_DAMAGED;
		else if (message.has_second && !utf8)
			status = second_form(nsf, message.id, each, context);
		else
			status = each(context, &message);
	}
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
static STATUS ask(struct nsf *nsf, enum statement which, uint64_t id, sqlite3_stmt **s_r,
                  uint64_t *size_r)
{
	STATUS status = nsf_statement(nsf, which, s_r);
	int rc;

	if (status != NOERROR)
		return status;
	sqlite3_bind_int64(*s_r, 1, (sqlite3_int64)id);
	if (which == ST_BODY_GET)
		sqlite3_bind_int64(*s_r, 2, nsf_body_key(id, 0));
	rc = sqlite3_step(*s_r);
	if (rc != SQLITE_ROW)
		return rc == SQLITE_DONE ? POSTIL_ERR_DELETED : nsf_status(nsf->db, rc);
	return nsf_column_count(*s_r, 0, size_r) && *size_r <= NSF_SIZE_MAX ? NOERROR
		: POSTIL_ERR_DAMAGED;
}

static STATUS chunks_read(struct nsf *nsf, const struct wanted *w, uint64_t size, size_t *got_r)
{
	uint64_t n = w->offset < size ? size - w->offset : 0;
	STATUS status;

	if (w->size < n)
		n = w->size;
	status = nsf_octets_read(nsf, w->id, size, w->offset, w->out, (size_t)n);
	if (status == NOERROR)
		*got_r = (size_t)n;
	return status;
}

/* With the size asked for and the chunks read in the same transaction. */
static STATUS whole_read(struct nsf *nsf, const struct wanted *w, size_t *got_r)
{
	enum statement which = ST_BODY_GET;
	sqlite3_stmt *s = NULL;
	uint64_t size = 0;
	STATUS status = ask(nsf, which, w->id, &s, &size);

	if (status == POSTIL_ERR_DELETED) {     /* moved since it was listed, or a second form */
		nsf_statement_done(nsf, which, s);
		which = ST_OCTETS_SIZE;
		s = NULL;
		status = ask(nsf, which, w->id, &s, &size);
	}
	if (status == NOERROR && which == ST_BODY_GET && size <= SMALL_MESSAGE)
		status = small_copy(w, nsf_column(s, 1), size, got_r);
	else if (status == NOERROR)
		status = chunks_read(nsf, w, size, got_r);
	nsf_statement_done(nsf, which, s);
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

/*
 * Messages: sequences of octets that belong to notes. A row in `inbox` lists one for POP3, a row
 * in `filed` keeps one whose note lies elsewhere. The caller's numbers are checked, and so are
 * those in rows.
 */
#include "nsf/private.h"

#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

/* --- adding -------------------------------------------------------------------------------- */

static bool form_is_possible(uint64_t size, uint64_t header)
{
	return size > 0 && header <= size;
}

STATUS nsf_message_check(const struct nsf_delivery *d)
{
	if (!form_is_possible(d->size_octets, d->header_octets) || d->uidl.n > NSF_UIDL_MAX
	    || (d->second != NULL
	        && !form_is_possible(d->second->size_octets, d->second->header_octets)))
		return POSTIL_ERR_INVALID;
	if (d->size_octets > NSF_SIZE_MAX
	    || (d->second != NULL && d->second->size_octets > NSF_SIZE_MAX))
		return POSTIL_ERR_TOO_LONG;
	for (size_t i = 0; i < d->uidl.n; i++)
		if (d->uidl.p[i] < 0x21 || d->uidl.p[i] > 0x7E)
			return POSTIL_ERR_INVALID;
	return NOERROR;
}

STATUS nsf_message_buffer(const struct nsf_delivery *messages, size_t count, char **buffer_r)
{
	uint64_t largest = 1;

	for (size_t i = 0; i < count; i++) {
		const struct nsf_form *second = messages[i].second;

		if (messages[i].size_octets > largest)
			largest = messages[i].size_octets;
		if (second != NULL && second->size_octets > largest)
			largest = second->size_octets;
	}
	*buffer_r = malloc(largest < NSF_CHUNK_OCTETS ? (size_t)largest : NSF_CHUNK_OCTETS);
	return *buffer_r == NULL ? POSTIL_ERR_MEMORY : NOERROR;
}

/* The five columns that both tables begin with. */
static STATUS row_bind(struct nsf *nsf, enum statement which, uint64_t id, uint64_t size,
                       struct slice uidl, uint64_t header, int flags, sqlite3_stmt **s_r)
{
	STATUS status = nsf_statement(nsf, which, s_r);

	if (status != NOERROR)
		return status;
	sqlite3_bind_int64(*s_r, 1, (sqlite3_int64)id);
	sqlite3_bind_int64(*s_r, 2, (sqlite3_int64)size);
	nsf_bind_text(*s_r, 3, uidl);
	sqlite3_bind_int64(*s_r, 4, (sqlite3_int64)header);
	sqlite3_bind_int64(*s_r, 5, flags);
	return NOERROR;
}

static STATUS second_add(struct nsf *nsf, uint64_t id, const struct nsf_form *form, char *buffer)
{
	uint8_t digest[32];
	char uidl[22];
	sqlite3_stmt *s;
	STATUS status = nsf_octets_add(nsf, id, form->size_octets, form->body, form->context, buffer,
	                               digest);

	if (status == NOERROR)
		status = nsf_uidl_make(uidl);
	if (status == NOERROR)
		status = nsf_uidl_claim(nsf, (struct slice){ uidl, sizeof(uidl) }, id, digest);
	if (status == NOERROR)
		status = row_bind(nsf, ST_SECOND_ADD, id, form->size_octets,
		                  (struct slice){ uidl, sizeof(uidl) }, form->header_octets,
		                  form->has_dot_line, &s);
	return status == NOERROR ? nsf_statement_run(nsf, ST_SECOND_ADD, s) : status;
}

static STATUS inbox_add(struct nsf *nsf, uint64_t id, uint64_t note, const struct nsf_delivery *d,
                        struct slice uidl)
{
	int flags = (d->has_dot_line ? MESSAGE_DOT : 0)
	            | (d->second != NULL ? MESSAGE_SECOND : d->needs_utf8 ? MESSAGE_NEEDS_UTF8 : 0);
	struct counters *c = &nsf->counters;
	sqlite3_stmt *s;
	STATUS status;

	if (c->messages >= INT64_MAX || c->octets > (uint64_t)INT64_MAX - d->size_octets)
		return POSTIL_ERR_DAMAGED;
	status = row_bind(nsf, ST_INBOX_ADD, id, d->size_octets, uidl, d->header_octets, flags, &s);
	if (status != NOERROR)
		return status;
	if (note != id)
		sqlite3_bind_int64(s, 6, (sqlite3_int64)note);
	c->messages++;
	c->octets += d->size_octets;
	return nsf_statement_run(nsf, ST_INBOX_ADD, s);
}

/* The given one, that of the same octets before, or a new one. */
static STATUS uidl_choose(struct nsf *nsf, uint64_t id, const struct nsf_delivery *d,
                          const uint8_t *digest, char *room, struct slice *uidl_r)
{
	STATUS status = NOERROR;

	*uidl_r = d->uidl;
	if (d->uidl.n == 0 && d->reuse_uidl) {
		status = nsf_uidl_reuse(nsf, id, digest, room, &uidl_r->n);
		uidl_r->p = room;
	}
	if (status != NOERROR || (d->uidl.n == 0 && uidl_r->n > 0))
		return status;
	if (d->uidl.n == 0) {
		status = nsf_uidl_make(room);
		*uidl_r = (struct slice){ room, 22 };
	}
	return status == NOERROR ? nsf_uidl_claim(nsf, *uidl_r, id, digest) : status;
}

STATUS nsf_message_add(struct nsf *nsf, uint64_t id, uint64_t note, const struct nsf_delivery *d,
                       char *buffer)
{
	char room[NSF_UIDL_MAX];
	uint8_t digest[32];
	uint64_t second = 0;
	struct slice uidl;
	STATUS status = nsf_octets_add(nsf, id, d->size_octets, d->body, d->context, buffer, digest);

	if (status == NOERROR)
		status = uidl_choose(nsf, id, d, digest, room, &uidl);
	if (status == NOERROR)
		status = inbox_add(nsf, id, note, d, uidl);
	if (status != NOERROR || d->second == NULL)
		return status;
	status = nsf_id_take(nsf, &second);
	if (status == NOERROR && second != id + 1)
		status = POSTIL_ERR_DAMAGED;
	return status == NOERROR ? second_add(nsf, second, d->second, buffer) : status;
}

/* --- finding ------------------------------------------------------------------------------- */

static STATUS row_read(sqlite3_stmt *s, struct message_row *row)
{
	struct slice uidl = nsf_column(s, 4);

	if (!nsf_column_count(s, 0, &row->id) || row->id == 0 || row->id > NSF_ID_MAX
	    || !nsf_column_count(s, 1, &row->size) || uidl.n == 0 || uidl.n > NSF_UIDL_MAX)
		return POSTIL_ERR_DAMAGED;
	row->note = row->id;
	if (sqlite3_column_type(s, 5) != SQLITE_NULL
	    && (!nsf_column_count(s, 5, &row->note) || row->note == 0 || row->note > NSF_ID_MAX))
		return POSTIL_ERR_DAMAGED;
	row->flags = sqlite3_column_int(s, 3);
	row->in_inbox = sqlite3_column_int(s, 6) != 0;
	memcpy(row->uidl, uidl.p, uidl.n);
	row->uidl_n = uidl.n;
	return NOERROR;
}

STATUS nsf_message_find(struct nsf *nsf, uint64_t note, struct message_row *row_r, bool *has_r)
{
	sqlite3_stmt *s;
	STATUS status = nsf_statement(nsf, ST_MESSAGE_OF_NOTE, &s);
	int rc;

	*has_r = false;
	if (status != NOERROR)
		return status;
	sqlite3_bind_int64(s, 1, (sqlite3_int64)note);
	rc = sqlite3_step(s);
	*has_r = rc == SQLITE_ROW;
	status = rc == SQLITE_ROW ? row_read(s, row_r) : nsf_status(nsf->db, rc);
	nsf_statement_done(nsf, ST_MESSAGE_OF_NOTE, s);
	return status;
}

STATUS nsf_message_of_note(struct nsf *nsf, uint64_t note_id, struct nsf_note_message *message_r)
{
	struct nsf_message *m = &message_r->message;
	struct message_row row;
	sqlite3_stmt *s;
	STATUS status = nsf_statement(nsf, ST_MESSAGE_OF_NOTE, &s);
	int rc;

	if (status != NOERROR)
		return status;
	sqlite3_bind_int64(s, 1, note_id > NSF_ID_MAX ? -1 : (sqlite3_int64)note_id);
	rc = sqlite3_step(s);
	status = rc == SQLITE_DONE ? POSTIL_ERR_NOT_FOUND : nsf_status(nsf->db, rc);
	if (rc == SQLITE_ROW) {
		status = row_read(s, &row);
		if (status == NOERROR && !nsf_column_count(s, 2, &m->header_octets))
			status = POSTIL_ERR_DAMAGED;
	}
	nsf_statement_done(nsf, ST_MESSAGE_OF_NOTE, s);
	if (status != NOERROR)
		return status;
	m->id = row.id;
	m->size_octets = row.size;
	m->has_dot_line = (row.flags & MESSAGE_DOT) != 0;
	m->needs_utf8 = (row.flags & MESSAGE_NEEDS_UTF8) != 0;
	m->has_second = (row.flags & MESSAGE_SECOND) != 0;
	message_r->note_id = row.note;
	memcpy(message_r->uidl, row.uidl, row.uidl_n);
	m->uidl = (struct slice){ message_r->uidl, row.uidl_n };
	message_r->in_inbox = row.in_inbox;
	return NOERROR;
}

STATUS nsf_note_of_message(struct nsf *nsf, uint64_t id, uint64_t *note_id_r)
{
	int64_t key = id > NSF_ID_MAX ? -1 : (int64_t)id;
	STATUS status = nsf_ask_number(nsf, ST_NOTE_OF_MESSAGE, 1, &key, note_id_r);

	if (status != POSTIL_ERR_NOT_FOUND)
		return status;
	*note_id_r = id;
	return NOERROR;
}

/* --- moving --------------------------------------------------------------------------------- */

static STATUS inbox_take(struct nsf *nsf, uint64_t id, struct message_row *row_r, bool *taken_r)
{
	sqlite3_stmt *s;
	STATUS status = nsf_statement(nsf, ST_INBOX_TAKE, &s);
	int rc;

	if (status != NOERROR)
		return status;
	sqlite3_bind_int64(s, 1, (sqlite3_int64)id);
	rc = sqlite3_step(s);
	status = nsf_status(nsf->db, rc);
	if (rc == SQLITE_ROW) {
		status = row_read(s, row_r);
		*taken_r = true;
		rc = sqlite3_step(s);
		if (rc != SQLITE_DONE && status == NOERROR)
			status = nsf_status(nsf->db, rc);
	}
	nsf_statement_done(nsf, ST_INBOX_TAKE, s);
	return status;
}

/* id may be that of a second form. */
static STATUS first_of_second(struct nsf *nsf, uint64_t id, uint64_t *first_r)
{
	STATUS status;

	*first_r = 0;
	status = nsf_ask_number(nsf, ST_INBOX_OF_SECOND, 1, (const int64_t[]){ (int64_t)id }, first_r);
	return status == POSTIL_ERR_NOT_FOUND ? NOERROR : status;
}

STATUS nsf_message_take(struct nsf *nsf, uint64_t id, struct message_row *row_r, bool *taken_r)
{
	struct counters *c = &nsf->counters;
	uint64_t first = 0;
	STATUS status;

	*taken_r = false;
	status = inbox_take(nsf, id, row_r, taken_r);
	if (status == NOERROR && !*taken_r)
		status = first_of_second(nsf, id, &first);
	if (status == NOERROR && first != 0)
		status = inbox_take(nsf, first, row_r, taken_r);
	if (status != NOERROR || !*taken_r)
		return status;
	if (c->messages == 0 || c->octets < row_r->size)
		return POSTIL_ERR_DAMAGED;
	c->messages--;
	c->octets -= row_r->size;
	return NOERROR;
}

STATUS nsf_message_unfile(struct nsf *nsf, uint64_t id)
{
	if (nsf->counters.filed == 0)
		return POSTIL_ERR_DAMAGED;
	nsf->counters.filed--;
	return nsf_run(nsf, ST_FILED_TAKE, 1, (const int64_t[]){ (int64_t)id });
}

/* Copied, then taken: two statements, so that no column can be lost on the way. */
STATUS nsf_message_file(struct nsf *nsf, uint64_t id, struct message_row *row_r, bool *filed_r)
{
	uint64_t first = id;
	STATUS status = nsf_run(nsf, ST_FILED_ADD, 1, (const int64_t[]){ (int64_t)id });

	*filed_r = false;
	if (status == NOERROR && sqlite3_changes(nsf->db) == 0) {
		status = first_of_second(nsf, id, &first);
		if (status == NOERROR && first != 0)
			status = nsf_run(nsf, ST_FILED_ADD, 1, (const int64_t[]){ (int64_t)first });
		if (status == NOERROR && (first == 0 || sqlite3_changes(nsf->db) == 0))
			return NOERROR;
	}
	if (status == NOERROR)
		status = nsf_message_take(nsf, first, row_r, filed_r);
	if (status == NOERROR && !*filed_r)
		status = POSTIL_ERR_DAMAGED;
	if (status == NOERROR)
		nsf->counters.filed++;
	return status;
}

STATUS nsf_message_return(struct nsf *nsf, const struct message_row *row)
{
	struct counters *c = &nsf->counters;
	STATUS status = nsf_run(nsf, ST_FILED_RETURN, 1, (const int64_t[]){ (int64_t)row->id });

	if (status == NOERROR)
		status = nsf_message_unfile(nsf, row->id);
	if (status != NOERROR)
		return status;
	if (c->messages >= INT64_MAX || c->octets > (uint64_t)INT64_MAX - row->size)
		return POSTIL_ERR_DAMAGED;
	c->messages++;
	c->octets += row->size;
	return NOERROR;
}

STATUS nsf_message_drop(struct nsf *nsf, const struct message_row *row)
{
	int64_t id = (int64_t)row->id, second = id + 1;
	STATUS status = nsf_run(nsf, ST_LOOSE_ADD, 1, &id);

	if (status == NOERROR && (row->flags & MESSAGE_SECOND) != 0)
		status = nsf_run(nsf, ST_SECOND_DELETE, 1, &second);
	if (status == NOERROR && (row->flags & MESSAGE_SECOND) != 0)
		status = nsf_run(nsf, ST_LOOSE_ADD, 1, &second);
	return status;
}

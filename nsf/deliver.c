/*
 * Delivery: bodies into chunks, notes, inbox rows and counters in one
 * transaction with one sync. A batch is all or none. The caller's octets are
 * passed through unread; its numbers and UIDL are checked.
 */
#include "nsf/private.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "base/crypt.h"
#include "base/banned.h"

static _Atomic uint64_t reserve_octets = (uint64_t)16 << 20;

void nsf_set_reserve(uint64_t octets)
{
	reserve_octets = octets;
}

static STATUS delivery_check(const struct nsf_delivery *d)
{
	if (d->size_octets == 0 || d->header_octets > d->size_octets)
		return POSTIL_ERR_INVALID;
	if (d->size_octets > NSF_SIZE_MAX)
		return POSTIL_ERR_TOO_LONG;
	if (d->uidl.n > NSF_UIDL_MAX)
		return POSTIL_ERR_INVALID;
	for (size_t i = 0; i < d->uidl.n; i++)
		if (d->uidl.p[i] < 0x21 || d->uidl.p[i] > 0x7E)
			return POSTIL_ERR_INVALID;
	return NOERROR;
}

/* What the batch needs beside the reserve: itself in the log, and once more in
 * the file when the log is emptied. */
static STATUS space_check(const struct nsf *nsf, const struct nsf_delivery *messages, size_t count,
                          struct fault *fault)
{
	struct statvfs fs;
	uint64_t need = reserve_octets, room;

	if (need == 0)
		return NOERROR;
	for (size_t i = 0; i < count; i++) {
		uint64_t twice = messages[i].size_octets * 2 + 32768;

		need = need > UINT64_MAX - twice ? UINT64_MAX : need + twice;
	}
	if (statvfs(nsf->path, &fs) < 0)
		return fault_set(fault, errno == ENOENT ? POSTIL_ERR_NOEXIST : POSTIL_ERR_IO,
		                 "%s: cannot tell the free space: %s", nsf->path, strerrordesc_np(errno));
	room = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (room >= need)
		return NOERROR;
	return fault_set(fault, POSTIL_ERR_DISK_FULL, "%s: only %llu octets are free on its file "
	                 "system, %llu are needed with the reserve for deletions", nsf->path,
	                 (unsigned long long)room, (unsigned long long)need);
}

/* --- body -------------------------------------------------------------------------------- */

/* The digest of a message is that of its only chunk; else a chain: that of the
 * digest so far and the next chunk's. */
static STATUS digest_add(uint8_t digest[32], struct slice chunk, bool first)
{
	uint8_t pair[64];
	STATUS status;

	if (first)
		return crypt_sha256(chunk, digest);
	memcpy(pair, digest, 32);
	status = crypt_sha256(chunk, pair + 32);
	if (status != NOERROR)
		return status;
	return crypt_sha256((struct slice){ (const char *)pair, sizeof(pair) }, digest);
}

static STATUS chunk_insert(struct nsf *nsf, int64_t key, const char *p, size_t n)
{
	sqlite3_stmt *s;
	STATUS status = nsf_statement(nsf, ST_BODY_ADD, &s);

	if (status != NOERROR)
		return status;
	sqlite3_bind_int64(s, 1, key);
	nsf_bind_blob(s, 2, p, n);
	return nsf_statement_run(nsf, ST_BODY_ADD, s);
}

static STATUS body_insert(struct nsf *nsf, uint64_t id, const struct nsf_delivery *d,
                          char *buffer, uint8_t digest[32])
{
	uint64_t offset = 0;
	STATUS status = NOERROR;

	while (status == NOERROR && offset < d->size_octets) {
		uint64_t left = d->size_octets - offset;
		size_t n = left < NSF_CHUNK_OCTETS ? (size_t)left : NSF_CHUNK_OCTETS;

		status = d->body(d->context, offset, buffer, n);
		if (status == NOERROR)
			status = digest_add(digest, (struct slice){ buffer, n }, offset == 0);
		if (status == NOERROR)
			status = chunk_insert(nsf, nsf_body_key(id, offset >> NSF_CHUNK_SHIFT), buffer, n);
		offset += n;
	}
	return status;
}

/* --- UIDL -------------------------------------------------------------------------------- */

/* 16 random octets in 22 characters. */
static STATUS uidl_make(char out[22])
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	uint8_t random[18];
	STATUS status = crypt_random(random, 16);

	if (status != NOERROR)
		return status;
	random[16] = random[17] = 0;
	for (size_t i = 0; i < 22; i++) {
		size_t bit = i * 6;
		unsigned two = (unsigned)random[bit / 8] << 8 | random[bit / 8 + 1];

		out[i] = alphabet[two >> (10 - bit % 8) & 63];
	}
	return NOERROR;
}

static STATUS uidl_insert(struct nsf *nsf, struct slice uidl, uint64_t id, const uint8_t *digest)
{
	sqlite3_stmt *s;
	STATUS status = nsf_statement(nsf, ST_UIDL_ADD, &s);
	int rc;

	if (status != NOERROR)
		return status;
	nsf_bind_text(s, 1, uidl);
	sqlite3_bind_int64(s, 2, (sqlite3_int64)id);
	nsf_bind_blob(s, 3, digest, NSF_DIGEST_OCTETS);
	rc = sqlite3_step(s);
	nsf_statement_done(nsf, ST_UIDL_ADD, s);
	return rc == SQLITE_CONSTRAINT_PRIMARYKEY || rc == SQLITE_CONSTRAINT_UNIQUE
		? POSTIL_ERR_EXISTS : nsf_status(nsf->db, rc);
}

static STATUS inbox_has(struct nsf *nsf, uint64_t id, bool *has_r)
{
	sqlite3_stmt *s;
	STATUS status = nsf_statement(nsf, ST_INBOX_HAS, &s);
	int rc;

	if (status != NOERROR)
		return status;
	sqlite3_bind_int64(s, 1, (sqlite3_int64)id);
	rc = sqlite3_step(s);
	*has_r = rc == SQLITE_ROW;
	nsf_statement_done(nsf, ST_INBOX_HAS, s);
	return nsf_status(nsf->db, rc);
}

/* A UIDL that was used before may come back for the same octets once the
 * message it named is no longer there. */
static STATUS uidl_revive(struct nsf *nsf, struct slice uidl, uint64_t id, const uint8_t *digest)
{
	sqlite3_stmt *s;
	STATUS status = nsf_statement(nsf, ST_UIDL_FIND, &s);
	uint64_t old = 0;
	bool same = false, live = true;
	struct slice known;
	int rc;

	if (status != NOERROR)
		return status;
	nsf_bind_text(s, 1, uidl);
	rc = sqlite3_step(s);
	status = nsf_status(nsf->db, rc);
	if (rc == SQLITE_ROW && nsf_column_count(s, 0, &old)) {
		known = nsf_column(s, 1);
		same = known.n == NSF_DIGEST_OCTETS && memcmp(known.p, digest, known.n) == 0;
	}
	nsf_statement_done(nsf, ST_UIDL_FIND, s);
	if (status == NOERROR)
		status = inbox_has(nsf, old, &live);
	if (status == NOERROR && (live || !same))
		status = POSTIL_ERR_EXISTS;
	if (status == NOERROR)
		status = nsf_statement(nsf, ST_UIDL_SET, &s);
	if (status != NOERROR)
		return status;
	nsf_bind_text(s, 1, uidl);
	sqlite3_bind_int64(s, 2, (sqlite3_int64)id);
	return nsf_statement_run(nsf, ST_UIDL_SET, s);
}

/* --- one message --------------------------------------------------------------------------- */

static STATUS inbox_insert(struct nsf *nsf, uint64_t id, const struct nsf_delivery *d,
                           struct slice uidl)
{
	sqlite3_stmt *s;
	STATUS status = nsf_statement(nsf, ST_INBOX_ADD, &s);

	if (status != NOERROR)
		return status;
	sqlite3_bind_int64(s, 1, (sqlite3_int64)id);
	sqlite3_bind_int64(s, 2, (sqlite3_int64)d->size_octets);
	nsf_bind_text(s, 3, uidl);
	sqlite3_bind_int64(s, 4, (sqlite3_int64)d->header_octets);
	sqlite3_bind_int64(s, 5, d->has_dot_line);
	return nsf_statement_run(nsf, ST_INBOX_ADD, s);
}

static STATUS id_take(struct nsf *nsf, const struct nsf_delivery *d, uint64_t *id_r)
{
	struct counters *c = &nsf->counters;

	if (c->next_id > NSF_ID_MAX || c->messages >= INT64_MAX
	    || c->octets > (uint64_t)INT64_MAX - d->size_octets)
		return POSTIL_ERR_DAMAGED;
	*id_r = c->next_id++;
	c->messages++;
	c->octets += d->size_octets;
	return NOERROR;
}

static STATUS deliver_one(struct nsf *nsf, const struct nsf_delivery *d, char *buffer,
                          uint64_t *id_r)
{
	static const struct note no_note = { .class = NOTE_CLASS_DOCUMENT };
	char made[22];
	struct slice uidl = d->uidl.n > 0 ? d->uidl : (struct slice){ made, sizeof(made) };
	uint8_t digest[32];
	uint64_t id = 0;
	STATUS status = d->uidl.n > 0 ? NOERROR : uidl_make(made);

	if (status == NOERROR)
		status = id_take(nsf, d, &id);
	if (status == NOERROR)
		status = body_insert(nsf, id, d, buffer, digest);
	if (status == NOERROR)
		status = nsf_note_insert(nsf, id, d->note == NULL ? &no_note : d->note,
		                         d->read ? NOTE_ROW_READ : 0);
	if (status == NOERROR)
		status = uidl_insert(nsf, uidl, id, digest);
	if (status == POSTIL_ERR_EXISTS && d->uidl.n > 0)
		status = uidl_revive(nsf, uidl, id, digest);
	if (status == NOERROR)
		status = inbox_insert(nsf, id, d, uidl);
	if (status == NOERROR && !d->read)
		status = nsf_run(nsf, ST_UNREAD_ADD, 1, (const int64_t[]){ (int64_t)id });
	*id_r = id;
	return status;
}

static STATUS buffer_for(const struct nsf_delivery *messages, size_t count, char **buffer_r)
{
	uint64_t largest = 1;

	for (size_t i = 0; i < count; i++)
		if (messages[i].size_octets > largest)
			largest = messages[i].size_octets;
	*buffer_r = malloc(largest < NSF_CHUNK_OCTETS ? (size_t)largest : NSF_CHUNK_OCTETS);
	return *buffer_r == NULL ? POSTIL_ERR_MEMORY : NOERROR;
}

static STATUS batch_check(const struct nsf_delivery *messages, size_t count, size_t *failed_r)
{
	for (size_t i = 0; i < count; i++) {
		STATUS status = delivery_check(&messages[i]);

		if (status != NOERROR) {
			if (failed_r != NULL)
				*failed_r = i;
			return status;
		}
	}
	return NOERROR;
}

static STATUS batch_insert(struct nsf *nsf, const struct nsf_delivery *messages, size_t count,
                           char *buffer, uint64_t *ids_r, size_t *failed_r)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t id;
		STATUS status = deliver_one(nsf, &messages[i], buffer, &id);

		if (status != NOERROR) {
			if (failed_r != NULL)
				*failed_r = i;
			return status;
		}
		if (ids_r != NULL)
			ids_r[i] = id;
	}
	return NOERROR;
}

STATUS nsf_deliver(struct nsf *nsf, const struct nsf_delivery *messages, size_t count,
                   uint64_t *ids_r, size_t *failed_r, struct fault *fault)
{
	struct change change;
	char *buffer = NULL;
	STATUS status;

	if (fault != NULL)
		fault->status = NOERROR;
	if (count == 0)
		return NOERROR;
	status = batch_check(messages, count, failed_r);
	if (status != NOERROR)
		return fault_set(fault, status, "%s: a message cannot be stored: %s", nsf->path,
		                 status_text(status));
	status = space_check(nsf, messages, count, fault);
	if (status == NOERROR)
		status = buffer_for(messages, count, &buffer);
	if (status == NOERROR)
		status = nsf_change_begin(nsf, &change, fault);
	if (status == NOERROR) {
		status = batch_insert(nsf, messages, count, buffer, ids_r, failed_r);
		if (status == POSTIL_ERR_EXISTS)
			fault_set(fault, status, "%s: the UIDL or UNID of a message is taken", nsf->path);
		status = nsf_change_end(nsf, &change, status, fault);
	}
	free(buffer);
	return status;
}

/*
 * What lies in `body`: octets of messages and large values of items, in chunks of 256 KiB under
 * one number. What comes from a source is passed through unread; what comes out of the file has
 * the length that is asked for, or it is damaged.
 */
#include "nsf/private.h"

#include <stdlib.h>
#include <string.h>

#include "base/crypt.h"
#include "base/banned.h"

STATUS nsf_id_take(struct nsf *nsf, uint64_t *id_r)
{
	if (nsf->counters.next_id > NSF_ID_MAX)
		return POSTIL_ERR_DAMAGED;
	*id_r = nsf->counters.next_id++;
	return NOERROR;
}

/* --- writing ----------------------------------------------------------------------------- */

/* The digest of a message is that of its only chunk; else a chain: that of the
 * digest so far and the next chunk's. */
STATUS nsf_digest_add(uint8_t digest[32], struct slice chunk, bool first)
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

STATUS nsf_digest(uint64_t size, octets_source *source, void *context,
                  uint8_t digest_r[NSF_DIGEST_OCTETS])
{
	char *buffer = malloc(size < NSF_CHUNK_OCTETS ? (size_t)size + 1 : NSF_CHUNK_OCTETS);
	STATUS status = buffer == NULL ? POSTIL_ERR_MEMORY : NOERROR;
	uint8_t digest[32] = { 0 };

	for (uint64_t offset = 0; status == NOERROR && offset < size; ) {
		size_t n = size - offset < NSF_CHUNK_OCTETS ? (size_t)(size - offset)
		                                            : NSF_CHUNK_OCTETS;

		status = source(context, offset, buffer, n);
		if (status == NOERROR)
			status = nsf_digest_add(digest, (struct slice){ buffer, n }, offset == 0);
		offset += n;
	}
	free(buffer);
	if (status == NOERROR)
		memcpy(digest_r, digest, NSF_DIGEST_OCTETS);
	return status;
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

STATUS nsf_octets_add(struct nsf *nsf, uint64_t id, uint64_t size, octets_source *source,
                      void *context, char *buffer, uint8_t *digest)
{
	uint64_t offset = 0;
	STATUS status = NOERROR;

	while (status == NOERROR && offset < size) {
		uint64_t left = size - offset;
		size_t n = left < NSF_CHUNK_OCTETS ? (size_t)left : NSF_CHUNK_OCTETS;

		status = source(context, offset, buffer, n);
		if (status == NOERROR && digest != NULL)
			status = nsf_digest_add(digest, (struct slice){ buffer, n }, offset == 0);
		if (status == NOERROR)
			status = chunk_insert(nsf, nsf_body_key(id, offset >> NSF_CHUNK_SHIFT), buffer, n);
		offset += n;
	}
	return status;
}

/* --- reading ------------------------------------------------------------------------------- */

/* SQLITE_ERROR: the row is not there, or holds no octets. */
static STATUS chunk_read(struct nsf *nsf, uint64_t id, uint64_t whole, uint64_t at, char *out,
                         size_t n)
{
	size_t skip = (size_t)(at & (NSF_CHUNK_OCTETS - 1));
	uint64_t rest = whole - (at - skip);
	sqlite3_blob *blob = NULL;
	STATUS status;
	int rc = sqlite3_blob_open(nsf->db, "main", "body", "data",
	                           nsf_body_key(id, at >> NSF_CHUNK_SHIFT), 0, &blob);

	if (rc != SQLITE_OK)
		status = rc == SQLITE_ERROR ? POSTIL_ERR_DAMAGED : nsf_status(nsf->db, rc);
	else if ((uint64_t)sqlite3_blob_bytes(blob) != (rest < NSF_CHUNK_OCTETS ? rest : NSF_CHUNK_OCTETS))
		status = POSTIL_ERR_DAMAGED;
	else
		status = nsf_status(nsf->db, sqlite3_blob_read(blob, out, (int)n, (int)skip));
	sqlite3_blob_close(blob);
	return status;
}

STATUS nsf_octets_read(struct nsf *nsf, uint64_t id, uint64_t whole, uint64_t offset, void *out,
                       size_t size)
{
	uint64_t at = offset, end = offset + size;
	STATUS status = NOERROR;

	while (status == NOERROR && at < end) {
		size_t room = NSF_CHUNK_OCTETS - (size_t)(at & (NSF_CHUNK_OCTETS - 1));
		size_t n = end - at < room ? (size_t)(end - at) : room;

		status = chunk_read(nsf, id, whole, at, (char *)out + (at - offset), n);
		at += n;
	}
	return status;
}

/* --- freeing ------------------------------------------------------------------------------- */

STATUS nsf_octets_free(struct nsf *nsf, uint64_t id, int *chunks, bool *rest_r)
{
	int64_t first = nsf_body_key(id, 0), last = nsf_body_key(id, 0xFFFF), from = first;
	sqlite3_stmt *s;
	STATUS status = nsf_statement(nsf, ST_BODY_LAST, &s);
	int rc;

	*rest_r = false;
	if (status != NOERROR)
		return status;
	sqlite3_bind_int64(s, 1, first);
	sqlite3_bind_int64(s, 2, last);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		last = sqlite3_column_int64(s, 0);
	nsf_statement_done(nsf, ST_BODY_LAST, s);
	if (rc != SQLITE_ROW)
		return nsf_status(nsf->db, rc);
	if (last - first >= *chunks) {
		from = last - *chunks + 1;
		*rest_r = true;
	}
	*chunks -= (int)(last - from) + 1;
	return nsf_run(nsf, ST_BODY_DELETE, 2, (const int64_t[]){ from, last });
}

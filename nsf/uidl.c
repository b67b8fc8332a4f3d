/*
 * UIDLs: made at random, and known for ever with a digest of what they named, so that none ever
 * names anything else. What the file says is distrusted.
 */
#include "nsf/private.h"

#include <string.h>

#include "base/crypt.h"
#include "base/banned.h"

/* 16 random octets in 22 characters. */
STATUS nsf_uidl_make(char out[22])
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

static STATUS message_has(struct nsf *nsf, uint64_t id, bool *has_r)
{
	sqlite3_stmt *s;
	STATUS status = nsf_statement(nsf, ST_MESSAGE_HAS, &s);
	int rc;

	if (status != NOERROR)
		return status;
	sqlite3_bind_int64(s, 1, (sqlite3_int64)id);
	rc = sqlite3_step(s);
	*has_r = rc == SQLITE_ROW;
	nsf_statement_done(nsf, ST_MESSAGE_HAS, s);
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
		status = message_has(nsf, old, &live);
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

STATUS nsf_uidl_claim(struct nsf *nsf, struct slice uidl, uint64_t id, const uint8_t *digest)
{
	STATUS status = uidl_insert(nsf, uidl, id, digest);

	return status == POSTIL_ERR_EXISTS ? uidl_revive(nsf, uidl, id, digest) : status;
}

/* Stubs know what deleted messages held. */
static STATUS stub_find(struct nsf *nsf, const uint8_t *digest, char *uidl_r, size_t *n_r)
{
	sqlite3_stmt *s;
	STATUS status = nsf_statement(nsf, ST_STUB_DIGEST, &s);
	struct slice uidl;
	int rc;

	if (status != NOERROR)
		return status;
	nsf_bind_blob(s, 1, digest, NSF_DIGEST_OCTETS);
	rc = sqlite3_step(s);
	status = nsf_status(nsf->db, rc);
	if (rc == SQLITE_ROW) {
		uidl = nsf_column(s, 0);
		if (uidl.n == 0 || uidl.n > NSF_UIDL_MAX) {
			status = POSTIL_ERR_DAMAGED;
		} else {
			memcpy(uidl_r, uidl.p, uidl.n);
			*n_r = uidl.n;
		}
	}
	nsf_statement_done(nsf, ST_STUB_DIGEST, s);
	return status;
}

STATUS nsf_uidl_reuse(struct nsf *nsf, uint64_t id, const uint8_t *digest, char *uidl_r,
                      size_t *n_r)
{
	STATUS status;

	*n_r = 0;
	status = stub_find(nsf, digest, uidl_r, n_r);
	if (status != NOERROR || *n_r == 0)
		return status;
	return uidl_revive(nsf, (struct slice){ uidl_r, *n_r }, id, digest);
}

STATUS nsf_uidls_each(struct nsf *nsf,
                      STATUS (*each)(void *context, struct slice uidl,
                                     const uint8_t digest[NSF_DIGEST_OCTETS], bool live),
                      void *context)
{
	sqlite3_stmt *s;
	STATUS status = nsf_statement(nsf, ST_UIDL_EACH, &s);
	int rc;

	if (status != NOERROR)
		return status;
	while ((rc = sqlite3_step(s)) == SQLITE_ROW && status == NOERROR) {
		struct slice uidl = nsf_column(s, 0), digest = nsf_column(s, 1);

		if (uidl.n == 0 || uidl.n > NSF_UIDL_MAX || digest.n != NSF_DIGEST_OCTETS)
			status = POSTIL_ERR_DAMAGED;
		else
			status = each(context, uidl, (const uint8_t *)digest.p,
			              sqlite3_column_int(s, 2) != 0);
	}
	if (status == NOERROR)
		status = nsf_status(nsf->db, rc);
	nsf_statement_done(nsf, ST_UIDL_EACH, s);
	return status;
}

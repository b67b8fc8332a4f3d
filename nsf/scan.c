/*
 * Every body is read once, in the order it lies in the file, and measured: size,
 * digest, header, lines that start with a dot. What comes of it goes into tables of
 * this handle alone, which the questions join with those of the file. The octets
 * are distrusted like all else; whatever a chunk holds, it is a run of octets.
 */
#include <string.h>

#include "base/crypt.h"
#include "nsf/maintain.h"
#include "base/banned.h"

static const char tables[] =
	"DROP TABLE IF EXISTS temp.found; DROP TABLE IF EXISTS temp.named;"
	"DROP TABLE IF EXISTS temp.scan; DROP TABLE IF EXISTS temp.bad;"
	"CREATE TEMP TABLE found(id INTEGER PRIMARY KEY,size INT,digest BLOB,hdr INT,dot INT,ok INT);"
	"CREATE TEMP TABLE named(id INT,uidl TEXT,fits INT);"
	"CREATE TEMP TABLE scan(horizon INT);"
	"CREATE TEMP TABLE bad(id INTEGER PRIMARY KEY,why TEXT);"
	"INSERT INTO temp.scan SELECT max(coalesce((SELECT next_id FROM store),0),"
	" coalesce((SELECT max(id)+1 FROM note WHERE id<1<<47),0),"
	" coalesce((SELECT (max(k)>>16)+1 FROM body),0));";

static const char names[] =
	"INSERT INTO temp.named SELECT u.id,u.uidl,f.ok AND u.digest IS f.digest"
	" FROM uidl u CROSS JOIN temp.found f ON f.id=u.id;"
	"CREATE INDEX temp.named_id ON named(id);";

struct body {
	int64_t id;             /* 0: none yet */
	uint64_t size, header;
	int64_t chunks;         /* the number of the next one */
	bool ok, dot, after_line, last_was_full;
	uint8_t digest[32];
};

/* Dots are fewer than lines in most messages. */
static bool has_dot_line(struct slice chunk)
{
	const char *p = chunk.p, *end = chunk.p + chunk.n;

	while ((p = memchr(p, '.', (size_t)(end - p))) != NULL) {
		if (p > chunk.p && p[-1] == '\n')
			return true;
		p++;
	}
	return false;
}

static void measure(struct body *b, struct slice chunk)
{
	const char *end;

	if (b->chunks == 0) {
		end = memmem(chunk.p, chunk.n, "\r\n\r\n", 4);
		b->header = end != NULL ? (uint64_t)(end - chunk.p) + 4 : UINT64_MAX;
		if (chunk.n >= 2 && memcmp(chunk.p, "\r\n", 2) == 0)
			b->header = 2;
	}
	if (!b->dot)
		b->dot = (b->after_line && chunk.n > 0 && chunk.p[0] == '.') || has_dot_line(chunk);
	b->after_line = chunk.n > 0 && chunk.p[chunk.n - 1] == '\n';
}

static STATUS chunk_add(struct body *b, int64_t number, sqlite3_stmt *s)
{
	bool is_blob = sqlite3_column_type(s, 1) == SQLITE_BLOB;
	struct slice chunk = nsf_column(s, 1);
	STATUS status;

	if (!is_blob || number != b->chunks || (b->chunks > 0 && !b->last_was_full) || chunk.n == 0
	    || chunk.n > NSF_CHUNK_OCTETS)
		b->ok = false;
	measure(b, chunk);
	status = nsf_digest_add(b->digest, chunk, b->chunks == 0);
	b->last_was_full = chunk.n == NSF_CHUNK_OCTETS;
	b->size += chunk.n;
	b->chunks++;
	return status;
}

static STATUS body_end(struct nsf *nsf, sqlite3_stmt *add, const struct body *b)
{
	int rc;

	if (b->id == 0)
		return NOERROR;
	sqlite3_bind_int64(add, 1, b->id);
	sqlite3_bind_int64(add, 2, (sqlite3_int64)b->size);
	nsf_bind_blob(add, 3, b->digest, NSF_DIGEST_OCTETS);
	sqlite3_bind_int64(add, 4, (sqlite3_int64)(b->header > b->size ? b->size : b->header));
	sqlite3_bind_int(add, 5, b->dot);
	sqlite3_bind_int(add, 6, b->ok && b->size > 0);
	rc = sqlite3_step(add);
	sqlite3_reset(add);
	return nsf_status(nsf->db, rc);
}

static STATUS bodies_read(struct nsf *nsf, sqlite3_stmt *each, sqlite3_stmt *add,
                          const struct nsf_watch *watch)
{
	struct body b = { .id = 0 };
	uint64_t done = 0;
	STATUS status = NOERROR;
	int rc = SQLITE_DONE;

	while (status == NOERROR && (rc = sqlite3_step(each)) == SQLITE_ROW) {
		int64_t key = sqlite3_column_int64(each, 0), id = key >> NSF_BODY_KEY_SHIFT;

		if (id != b.id) {
			status = body_end(nsf, add, &b);
			b = (struct body){ .id = id, .ok = id > 0, .after_line = true };
			if (status == NOERROR && !nsf_watch_go_on(watch, ++done, nsf->counters.messages))
				status = POSTIL_ERR_CANCEL;
		}
		if (status == NOERROR)
			status = chunk_add(&b, key & ((1 << NSF_BODY_KEY_SHIFT) - 1), each);
	}
	if (status == NOERROR)
		status = nsf_status(nsf->db, rc);
	return status == NOERROR ? body_end(nsf, add, &b) : status;
}

/* Is all as it should be? Then nothing will be asked about UIDLs one by one. */
static STATUS sound_find(struct nsf *nsf, bool *sound_r)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(nsf->db, nsf_sound, -1, &s, NULL);

	if (rc == SQLITE_OK && (rc = sqlite3_step(s)) == SQLITE_ROW)
		*sound_r = sqlite3_column_int(s, 0) == 1;
	sqlite3_finalize(s);
	return nsf_status(nsf->db, rc);
}

STATUS nsf_scan(struct nsf *nsf, const struct nsf_watch *watch, bool *sound_r, struct fault *fault)
{
	sqlite3_stmt *each = NULL, *add = NULL;
	int rc = sqlite3_exec(nsf->db, tables, NULL, NULL, NULL);
	STATUS status;

	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(nsf->db, "SELECT k,data FROM body ORDER BY k", -1, &each, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(nsf->db, "INSERT INTO temp.found(id,size,digest,hdr,dot,ok)"
		                        " VALUES(?1,?2,?3,?4,?5,?6)", -1, &add, NULL);
	status = nsf_status(nsf->db, rc);
	if (status == NOERROR)
		status = bodies_read(nsf, each, add, watch);
	sqlite3_finalize(each);
	sqlite3_finalize(add);
	if (status == NOERROR)
		status = sound_find(nsf, sound_r);
	if (status == NOERROR && !*sound_r)
		status = nsf_status(nsf->db, sqlite3_exec(nsf->db, names, NULL, NULL, NULL));
	return status == NOERROR ? status
		: fault_set(fault, status, "%s: cannot be read: %s", nsf->path,
		            status == POSTIL_ERR_DAMAGED ? sqlite3_errmsg(nsf->db) : status_text(status));
}

void nsf_scan_forget(struct nsf *nsf)
{
	sqlite3_exec(nsf->db, "DROP TABLE IF EXISTS temp.found; DROP TABLE IF EXISTS temp.named;"
	             "DROP TABLE IF EXISTS temp.scan; DROP TABLE IF EXISTS temp.bad", NULL, NULL, NULL);
}

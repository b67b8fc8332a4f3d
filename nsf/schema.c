/*
 * The tables of a database, and what brings an older file up to them. Version 1:
 *
 *   store     one row: kind, how many messages and octets are in the inbox, the
 *             next note id, a sequence number that grows with changes to notes,
 *             and the access control list (NULL: none)
 *   note      what every note has; item: its typed items, in order
 *   inbox     what STAT, LIST, UIDL and TOP need of each message, and no more
 *   body      messages as RETR sends them, in chunks of 256 KiB; k = id << 16 | chunk
 *   uidl      every UIDL ever used here, with a digest of what it named: it
 *             outlives its message so that it never names anything else
 *   gone      notes that are deleted but not yet reclaimed
 *   stub      UNIDs of deleted notes; user, unread: marks per user
 *   entry     view entries; property: named values of the database
 *
 * Version 2 adds:
 *
 *   store     quota, warning, hours of soft deletion and cutoff, so that whoever begins to write
 *             knows them with the counters; how many messages are in `filed`
 *   inbox     note: whose octets these are, where that is not the same number (the octets of a note
 *             made in Notes, each time it is rendered anew, are a message of their own); dot has
 *             more bits: 1 a line starts with a dot, 2 there is a second form for clients without
 *             UTF8, 4 such clients cannot have it
 *   filed     messages that are not in the inbox now, as inbox would say it; second: second forms,
 *             whose id is that of the message and one
 *   pending   notes that will be in the inbox once somebody has rendered them
 *   folder    names of folders; member: which notes lie in them; trash: since when a note lies
 *             there, and whether it came from the inbox
 *   item      object, size: a value too large for a row lies in `body` under that number
 *   loose     numbers in `body` that nothing needs any more
 *   gone, stub  the UIDL of what is deleted, and the digest of its octets
 *
 * A new file is made as one of version 1 and brought up like an old one. An item's value is text
 * when there is one value, else a blob: for each value its length in four octets, the low one
 * first, and its octets.
 */
#include "nsf/private.h"

#include "base/banned.h"

static const char pragmas[] =
	/* Nobody sees the file before it is whole: its maker syncs it once, at the end. */
	"PRAGMA synchronous=OFF; PRAGMA page_size=8192; PRAGMA auto_vacuum=INCREMENTAL;"
	"PRAGMA encoding='UTF-8'; PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0;";

static const char tables[] =
	"BEGIN IMMEDIATE;"
	"CREATE TABLE store(k INTEGER PRIMARY KEY CHECK(k=1),kind INT,n INT,bytes INT,next_id INT,"
		"seq INT,replica BLOB,created INT,acl BLOB);"
	"CREATE TABLE note(id INTEGER PRIMARY KEY,unid BLOB UNIQUE,class INT,seq INT,"
		"created INT,modified INT,flags INT);"
	"CREATE TABLE item(note_id INT,ord INT,name TEXT,type INT,flags INT,value,"
		"PRIMARY KEY(note_id,ord))WITHOUT ROWID;"
	"CREATE TABLE inbox(id INTEGER PRIMARY KEY,size INT,uidl TEXT,hdr INT,dot INT);"
	"CREATE TABLE uidl(uidl TEXT PRIMARY KEY,id INT,digest BLOB)WITHOUT ROWID;"
	"CREATE TABLE body(k INTEGER PRIMARY KEY,data BLOB);"
	"CREATE TABLE gone(id INTEGER PRIMARY KEY,deleted INT);"
	"CREATE TABLE stub(unid BLOB PRIMARY KEY,seq INT,deleted INT)WITHOUT ROWID;"
	"CREATE TABLE user(id INTEGER PRIMARY KEY,name TEXT UNIQUE);"
	"CREATE TABLE unread(user INT,note_id INT,PRIMARY KEY(user,note_id))WITHOUT ROWID;"
	"CREATE TABLE entry(view TEXT,key BLOB,note_id INT,value BLOB,"
		"PRIMARY KEY(view,key,note_id))WITHOUT ROWID;"
	"CREATE INDEX entry_note ON entry(note_id);"
	"CREATE TABLE property(name TEXT PRIMARY KEY,value BLOB)WITHOUT ROWID;";

static const char upgrade_2[] =
	"ALTER TABLE store ADD COLUMN quota INT;"
	"ALTER TABLE store ADD COLUMN quota_n INT;"
	"ALTER TABLE store ADD COLUMN warn INT;"
	"ALTER TABLE store ADD COLUMN warned INT;"
	"ALTER TABLE store ADD COLUMN soft INT;"
	"ALTER TABLE store ADD COLUMN cutoff INT;"
	"ALTER TABLE store ADD COLUMN filed_n INT DEFAULT 0;"
	"ALTER TABLE inbox ADD COLUMN note INT;"
	"CREATE INDEX inbox_note ON inbox(note) WHERE note IS NOT NULL;"
	"CREATE TABLE filed(id INTEGER PRIMARY KEY,size INT,uidl TEXT,hdr INT,dot INT,note INT);"
	"CREATE INDEX filed_note ON filed(note) WHERE note IS NOT NULL;"
	"CREATE TABLE second(id INTEGER PRIMARY KEY,size INT,uidl TEXT,hdr INT,dot INT);"
	"CREATE TABLE pending(note INTEGER PRIMARY KEY,seq INT);"
	"CREATE TABLE loose(id INTEGER PRIMARY KEY);"
	"CREATE TABLE folder(id INTEGER PRIMARY KEY,name TEXT UNIQUE COLLATE NOCASE);"
	"CREATE TABLE member(folder INT,note INT,PRIMARY KEY(folder,note))WITHOUT ROWID;"
	"CREATE INDEX member_note ON member(note);"
	"CREATE TABLE trash(note INTEGER PRIMARY KEY,deleted INT,inbox INT);"
	"CREATE INDEX trash_deleted ON trash(deleted);"
	"ALTER TABLE gone ADD COLUMN uidl TEXT;"
	"ALTER TABLE stub ADD COLUMN uidl TEXT;"
	"ALTER TABLE stub ADD COLUMN digest BLOB;"
	"CREATE INDEX stub_digest ON stub(digest) WHERE digest IS NOT NULL;"
	"ALTER TABLE item ADD COLUMN object INT;"
	"ALTER TABLE item ADD COLUMN size INT;"
	"PRAGMA user_version=2;";

static int run_format(sqlite3 *db, const char *format, int value)
{
	char *text = sqlite3_mprintf(format, value);
	int rc = text == NULL ? SQLITE_NOMEM : sqlite3_exec(db, text, NULL, NULL, NULL);

	sqlite3_free(text);
	return rc;
}

STATUS nsf_schema_create(sqlite3 *db, enum nsf_kind kind, struct fault *fault)
{
	int rc = sqlite3_exec(db, pragmas, NULL, NULL, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, tables, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = run_format(db, "INSERT INTO store VALUES(1,%d,0,0,1,0,randomblob(8),"
		                "CAST(strftime('%%s','now') AS INT)*1000,NULL)", kind);
	if (rc == SQLITE_OK)
		rc = run_format(db, "PRAGMA application_id=%d", NSF_APPLICATION_ID);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, upgrade_2, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		return NOERROR;
	return fault_set(fault, nsf_status(db, rc), "%s: cannot make the tables: %s",
	                 sqlite3_db_filename(db, "main"), sqlite3_errmsg(db));
}

/* --- older files -------------------------------------------------------------------------- */

static int version_of(sqlite3 *db, int *version_r)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &s, NULL);

	if (rc == SQLITE_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
		*version_r = sqlite3_column_int(s, 0);
		rc = SQLITE_OK;
	}
	sqlite3_finalize(s);
	return rc;
}

/* In one transaction, under the writer's lock. Another process may have been first. */
static STATUS upgrade(struct nsf *nsf, struct fault *fault)
{
	sqlite3 *db = nsf->db;
	STATUS status = NOERROR;
	int version = 0;
	int rc = sqlite3_exec(db, "PRAGMA synchronous=FULL; BEGIN IMMEDIATE", NULL, NULL, NULL);

	if (rc == SQLITE_OK)
		rc = version_of(db, &version);
	if (rc == SQLITE_OK && version == 1)
		rc = sqlite3_exec(db, upgrade_2, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		status = nsf_fail(nsf, rc, fault);
	if (!sqlite3_get_autocommit(db))
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	/* So that the version is in the file's own header, where openers look first. */
	if (rc == SQLITE_OK)
		sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	return status;
}

static STATUS upgrade_locked(struct nsf *nsf, struct fault *fault)
{
	STATUS status = nsf_lock_commit_begin(nsf->lock);

	if (status != NOERROR)
		return fault_set(fault, status, "%s-lock: %s", nsf->path, status_text(status));
	status = upgrade(nsf, fault);
	nsf_lock_commit_end(nsf->lock);
	return status;
}

STATUS nsf_schema_upgrade(struct nsf *nsf, struct fault *fault)
{
	int version = 0;
	int rc = version_of(nsf->db, &version);
	STATUS status;

	if (rc != SQLITE_OK)
		return nsf_fail(nsf, rc, fault);
	if (version > NSF_SCHEMA_VERSION)
		return fault_set(fault, POSTIL_ERR_SCHEMA, "%s: made by a newer version of Postil "
		                 "(schema %d); update Postil", nsf->path, version);
	if (version == NSF_SCHEMA_VERSION)      /* it is in the log, not yet in the file */
		return NOERROR;
	status = nsf_lock_make(nsf->path, &nsf->lock, fault);
	if (status != NOERROR)
		return status;
	status = nsf_lock_writer(nsf->lock);
	if (status != NOERROR)
		return fault_set(fault, status, "%s-lock: %s", nsf->path, status_text(status));
	status = upgrade_locked(nsf, fault);
	nsf_unlock_writer(nsf->lock);
	return status;
}

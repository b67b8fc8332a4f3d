/*
 * The tables of a new database. Version 1:
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
 * An item's value is text when there is one value, else a blob: for each value
 * its length in four octets, the low one first, and its octets.
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
		rc = run_format(db, "PRAGMA user_version=%d", NSF_SCHEMA_VERSION);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		return NOERROR;
	return fault_set(fault, nsf_status(db, rc), "%s: cannot make the tables: %s",
	                 sqlite3_db_filename(db, "main"), sqlite3_errmsg(db));
}

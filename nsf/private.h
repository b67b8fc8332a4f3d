/*
 * What the files of this room share: the handle, its statements, transactions
 * and the lock file. Nobody outside nsf/ includes it (tests may).
 */
#ifndef POSTIL_NSF_PRIVATE_H
#define POSTIL_NSF_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

#include "nsf/nsf.h"

#define NSF_APPLICATION_ID 0x5073746C   /* "Pstl" */
#define NSF_SCHEMA_VERSION 1
#define NSF_CHUNK_SHIFT 18
#define NSF_CHUNK_OCTETS ((size_t)1 << NSF_CHUNK_SHIFT)  /* of a body, in one row */
#define NSF_BODY_KEY_SHIFT 16                            /* chunks a message may have */
#define NSF_ID_MAX (((uint64_t)1 << 47) - 1)             /* so that a body key is positive */
#define NSF_SIZE_MAX ((uint64_t)NSF_CHUNK_OCTETS << NSF_BODY_KEY_SHIFT)
#define NSF_DIGEST_OCTETS 16                             /* of a SHA-256 */
#define NSF_VALUE_MAX ((size_t)64 << 20)                 /* of one item or other value */
#define NSF_WAL_OCTETS 4194304                           /* a writer empties a longer log */

enum note_row_flag {
	NOTE_ROW_READ = 1,      /* delivered without unread mark */
	NOTE_ROW_NO_STUB = 2    /* its UNID has been given on: leave no stub */
};

enum statement {
	ST_BEGIN, ST_COMMIT, ST_ROLLBACK, ST_SAVEPOINT, ST_SAVEPOINT_ROLLBACK, ST_SAVEPOINT_RELEASE,
	ST_COUNTERS_GET, ST_COUNTERS_SET,
	ST_INBOX_LIST, ST_INBOX_LIST_UNREAD, ST_BODY_GET,
	ST_BODY_ADD, ST_INBOX_ADD, ST_UIDL_ADD, ST_UIDL_FIND, ST_UIDL_SET, ST_INBOX_HAS,
	ST_UNREAD_ADD,
	ST_INBOX_TAKE, ST_GONE_ADD, ST_GONE_HAS, ST_GONE_FIRST,
	ST_STUB_ADD, ST_STUB_DELETE, ST_BODY_LAST, ST_BODY_DELETE, ST_BODY_ANY, ST_GONE_DELETE,
	ST_UNREAD_PURGE,
	ST_USER_FIND, ST_USER_ADD, ST_USER_FILL, ST_MARK_READ,
	ST_NOTE_ADD, ST_NOTE_FIND, ST_NOTE_SET, ST_NOTE_RENAME, ST_NOTE_GET, ST_NOTE_DELETE,
	ST_NOTES_EACH, ST_ITEM_ADD, ST_ITEMS_GET, ST_ITEMS_DELETE,
	ST_VIEW_PUT, ST_VIEW_DELETE_NOTE, ST_VIEW_FIND, ST_VIEW_RANGE, ST_VIEW_EACH,
	ST_PROPERTY_SET, ST_PROPERTY_GET, ST_ACL_SET, ST_ACL_GET,
	ST_COUNT
};

struct counters {
	uint64_t messages, octets;      /* in the inbox */
	uint64_t next_id;
	int64_t sequence;               /* of changes to notes */
};

struct nsf {
	sqlite3 *db;
	char *path;
	enum nsf_kind kind;
	struct nsf_lock *lock;          /* opened before the first write */
	bool in_transaction;
	STATUS broken;                  /* why the open transaction cannot be committed */
	bool write_ready;               /* the pragmas of writers have been set */
	sqlite3_int64 changes_before;   /* of the open transaction */
	int log_frames;                 /* in the log after our last commit; 0: emptied since */
	struct counters counters, counters_stored;      /* while in_transaction */
	uint64_t known_id, known_size;  /* of the message read last; 0: of none */
	sqlite3_stmt *statements[ST_COUNT];
};

/* --- sql.c --- */

/* STATUS for a result code of the last call on db. */
STATUS nsf_status(sqlite3 *db, int rc);
STATUS nsf_fail(struct nsf *nsf, int rc, struct fault *fault);
/* A statement ready for binding, prepared on first use. Give it back by
 * nsf_statement_done, which takes NULL too. */
STATUS nsf_statement(struct nsf *nsf, enum statement which, sqlite3_stmt **statement_r);
void nsf_statement_done(struct nsf *nsf, enum statement which, sqlite3_stmt *statement);
void nsf_statements_finalize(struct nsf *nsf);
/* Run to its end a statement that gives no rows; done with it in any case. */
STATUS nsf_statement_run(struct nsf *nsf, enum statement which, sqlite3_stmt *statement);
/* The usual case: integers are bound, no rows come back. */
STATUS nsf_run(struct nsf *nsf, enum statement which, int count, const int64_t *integers);
int nsf_bind_text(sqlite3_stmt *statement, int index, struct slice s);
int nsf_bind_blob(sqlite3_stmt *statement, int index, const void *p, size_t n);
struct slice nsf_column(sqlite3_stmt *statement, int index);    /* text or blob; else empty */
/* An integer that must be one and not negative; false: the row is damaged. */
bool nsf_column_count(sqlite3_stmt *statement, int index, uint64_t *value_r);

/* What only writers need: the lock file, durability. Done once. */
STATUS nsf_writer_prepare(struct nsf *nsf, struct fault *fault);
/* Move what is in the log, and no reader needs there, into the file. False: not
 * now, somebody else is at it. */
bool nsf_log_empty(struct nsf *nsf);
bool nsf_log_is_long(const struct nsf *nsf);

/* A change: a transaction of its own, or a savepoint inside nsf_begin. */
struct change {
	bool own, savepoint;
	struct counters saved;
};
STATUS nsf_change_begin(struct nsf *nsf, struct change *change, struct fault *fault);
/* For a change of one statement, which SQLite does whole or not at all: no savepoint, for
 * which it would copy every page that is touched. */
STATUS nsf_change_begin_one(struct nsf *nsf, struct change *change, struct fault *fault);
/* Commit if status is NOERROR, else undo; returns what came of it. */
STATUS nsf_change_end(struct nsf *nsf, struct change *change, STATUS status,
                      struct fault *fault);
STATUS nsf_counters_read(struct nsf *nsf, struct counters *counters_r, int *kind_r);

/* --- file.c --- */
bool nsf_is_network_fs(unsigned long magic);

/* --- schema.c --- */
STATUS nsf_schema_create(sqlite3 *db, enum nsf_kind kind, struct fault *fault);

/* --- lock.c --- */
STATUS nsf_lock_make(const char *path, struct nsf_lock **lock_r, struct fault *fault);
STATUS nsf_lock_writer(struct nsf_lock *lock);  /* waits, POSTIL_ERR_BUSY in the end */
void nsf_unlock_writer(struct nsf_lock *lock);
STATUS nsf_lock_commit_begin(struct nsf_lock *lock);    /* generation becomes odd */
void nsf_lock_commit_end(struct nsf_lock *lock);        /* and even again */
extern _Atomic unsigned nsf_lock_wait_ms;               /* how long writers wait */

/* --- inbox.c, delete.c, note.c --- */
STATUS nsf_message_take(struct nsf *nsf, uint64_t id, bool *taken_r);   /* out of the inbox */
/* Insert a note's row and items; id is free. flags: enum note_row_flag. */
STATUS nsf_note_insert(struct nsf *nsf, uint64_t id, const struct note *note, int flags);

static inline int64_t nsf_body_key(uint64_t id, uint64_t chunk)
{
	return (int64_t)(id << NSF_BODY_KEY_SHIFT | chunk);
}

#endif

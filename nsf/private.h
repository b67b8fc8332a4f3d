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
#define NSF_SCHEMA_VERSION 2
#define NSF_CHUNK_SHIFT 18
#define NSF_CHUNK_OCTETS ((size_t)1 << NSF_CHUNK_SHIFT)  /* of a body, in one row */
#define NSF_BODY_KEY_SHIFT 16                            /* chunks a message may have */
#define NSF_ID_MAX (((uint64_t)1 << 47) - 1)             /* so that a body key is positive */
#define NSF_SIZE_MAX ((uint64_t)NSF_CHUNK_OCTETS << NSF_BODY_KEY_SHIFT)
#define NSF_VALUE_MAX ((size_t)64 << 20)                 /* of one item or other value */
#define NSF_WAL_OCTETS 4194304                           /* a writer empties a longer log */

enum note_row_flag {
	NOTE_ROW_READ = 1,      /* delivered without unread mark */
	NOTE_ROW_NO_STUB = 2    /* its UNID has been given on: leave no stub */
};

/* In the column dot; one more column would cost the list of a long inbox a fifth of its time. */
enum message_flag {
	MESSAGE_DOT = 1,        /* some line starts with a dot */
	MESSAGE_SECOND = 2,     /* it has a second form */
	MESSAGE_NEEDS_UTF8 = 4  /* it has none, and needs one */
};

/* Pragmas and properties of the one row in store are statements too. */
enum statement {
	ST_BEGIN, ST_COMMIT, ST_ROLLBACK, ST_SAVEPOINT, ST_SAVEPOINT_ROLLBACK, ST_SAVEPOINT_RELEASE,
	ST_COUNTERS_GET, ST_COUNTERS_SET,
	ST_INBOX_LIST, ST_INBOX_LIST_UNREAD, ST_BODY_GET,
	ST_OCTETS_SIZE, ST_SECOND_GET, ST_SECOND_ADD, ST_SECOND_DELETE,
	ST_BODY_ADD, ST_INBOX_ADD, ST_UIDL_ADD, ST_UIDL_FIND, ST_UIDL_SET, ST_UIDL_EACH, ST_MESSAGE_HAS,
	ST_MESSAGE_OF_NOTE, ST_NOTE_OF_MESSAGE, ST_INBOX_OF_SECOND,
	ST_UNREAD_ADD, ST_UNREAD_HAS, ST_UNREAD_HAS_NEW,
	ST_INBOX_TAKE, ST_FILED_TAKE, ST_FILED_ADD, ST_FILED_RETURN, ST_GONE_ADD, ST_GONE_HAS,
	ST_GONE_FIRST,
	ST_STUB_ADD, ST_STUB_DELETE, ST_BODY_LAST, ST_BODY_DELETE, ST_BODY_ANY, ST_GONE_DELETE,
	ST_STUBS_OF_GONE, ST_STUB_DIGEST, ST_STUBS_EACH, ST_STUBS_PURGE,
	ST_LOOSE_ADD, ST_LOOSE_OBJECTS, ST_LOOSE_FIRST, ST_LOOSE_DELETE,
	ST_UNREAD_PURGE,
	ST_USER_FIND, ST_USER_ADD, ST_USER_FILL, ST_MARK_READ, ST_MARK_UNREAD, ST_UNREAD_EACH,
	ST_UNREAD_EACH_NEW,
	ST_PENDING_ADD, ST_PENDING_AGAIN, ST_PENDING_GET, ST_PENDING_NEXT, ST_PENDING_DELETE,
	ST_FOLDER_ADD, ST_FOLDER_FIND, ST_FOLDER_DELETE, ST_FOLDER_EMPTY, ST_FOLDER_NEXT,
	ST_MEMBER_ADD, ST_MEMBER_DELETE, ST_MEMBER_DELETE_NOTE, ST_MEMBERS, ST_MEMBER_FOLDERS,
	ST_INBOX_NOTES, ST_TRASH_NOTES, ST_ALL_NOTES,
	ST_TRASH_ADD, ST_TRASH_GET, ST_TRASH_TAKE, ST_TRASH_OLD, ST_TRASH_OCTETS, ST_TRASH_MESSAGES,
	ST_PAGE_SIZE, ST_PAGE_COUNT, ST_FREE_COUNT,
	ST_SET_QUOTA, ST_SET_QUOTA_MESSAGES, ST_SET_WARNING, ST_SET_SOFT, ST_SET_CUTOFF, ST_SETTINGS,
	ST_REPLICA_GET, ST_REPLICA_SET,
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
	uint64_t filed;                 /* messages that are not in the inbox */
	uint64_t warned;                /* 1: the owner knows that the file is near its quota */
	uint64_t quota, quota_messages, warning, soft_hours;    /* as nsf_setting_set said */
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
	bool crossed;                   /* see nsf_quota_crossed */
	sqlite3_stmt *statements[ST_COUNT];
};

/* --- statements.c, sql.c --- */

extern const char *const nsf_statement_texts[ST_COUNT];

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
/* What a file that has gone left beside its place: a log or a journal that SQLite would take for
 * one of the file that comes next. Nothing may have the name; the writer lock is held. */
STATUS nsf_leftovers_remove(const char *path, struct fault *fault);
STATUS nsf_schema_create(sqlite3 *db, enum nsf_kind kind, struct fault *fault);
/* Bring a file up to the current version, or find that somebody else has. */
STATUS nsf_schema_upgrade(struct nsf *nsf, struct fault *fault);

/* --- lock.c --- */
STATUS nsf_lock_make(const char *path, struct nsf_lock **lock_r, struct fault *fault);
STATUS nsf_lock_writer(struct nsf_lock *lock);  /* waits, POSTIL_ERR_BUSY in the end */
void nsf_unlock_writer(struct nsf_lock *lock);
STATUS nsf_lock_commit_begin(struct nsf_lock *lock);    /* generation becomes odd */
void nsf_lock_commit_end(struct nsf_lock *lock);        /* and even again */
/* Another lock file in the place of this one, whose writer lock is held: who waits for
 * the old one finds it removed. *next_r holds the writer's and the session's lock. */
STATUS nsf_lock_succeed(struct nsf_lock *lock, struct nsf_lock **next_r, struct fault *fault);
extern _Atomic unsigned nsf_lock_wait_ms;               /* how long writers wait */

/* --- octets.c: what lies in body --- */
/* Octets of `id` from a source, in chunks; buffer has room for the smaller of size and a
 * chunk. digest (may be NULL) takes 32 octets. */
typedef STATUS octets_source(void *context, uint64_t offset, void *out, size_t size);
STATUS nsf_octets_add(struct nsf *nsf, uint64_t id, uint64_t size, octets_source *source,
                      void *context, char *buffer, uint8_t *digest);
/* Exactly size octets from offset of the whole that is under id. */
STATUS nsf_octets_read(struct nsf *nsf, uint64_t id, uint64_t whole, uint64_t offset, void *out,
                       size_t size);
/* Of a message read in chunks of NSF_CHUNK_OCTETS, one after the other. */
STATUS nsf_digest_add(uint8_t digest[32], struct slice chunk, bool first);
/* Frees up to *chunks chunks from the end, and counts them off; *rest_r: some are left. */
STATUS nsf_octets_free(struct nsf *nsf, uint64_t id, int *chunks, bool *rest_r);
STATUS nsf_id_take(struct nsf *nsf, uint64_t *id_r);    /* the next number for a note or octets */

/* --- uidl.c --- */
STATUS nsf_uidl_make(char out[22]);
/* Give a UIDL to a message, whose octets have that digest; POSTIL_ERR_EXISTS: it
 * has named others, or names some. */
STATUS nsf_uidl_claim(struct nsf *nsf, struct slice uidl, uint64_t id, const uint8_t *digest);
/* The UIDL that a deleted message with these octets had, if any: then it is the new one's.
 * uidl_r has room for NSF_UIDL_MAX; *n_r 0: there is none. */
STATUS nsf_uidl_reuse(struct nsf *nsf, uint64_t id, const uint8_t *digest, char *uidl_r,
                      size_t *n_r);

/* --- message.c: which octets belong to which note, and where they are listed --- */
struct message_row {
	uint64_t id, note, size;
	int flags;              /* enum message_flag */
	bool in_inbox;
	size_t uidl_n;
	char uidl[NSF_UIDL_MAX];
};
/* Octets of a message (and its second form) for the note of that id, into the inbox. */
STATUS nsf_message_add(struct nsf *nsf, uint64_t id, uint64_t note, const struct nsf_delivery *d,
                       char *buffer);
STATUS nsf_message_buffer(const struct nsf_delivery *messages, size_t count, char **buffer_r);
STATUS nsf_message_check(const struct nsf_delivery *d);
/* The message of a note. *has_r false: it has none. */
STATUS nsf_message_find(struct nsf *nsf, uint64_t note, struct message_row *row_r, bool *has_r);
/* Out of the inbox, or out of filed. *taken_r false: it was not there. Its octets stay. */
STATUS nsf_message_take(struct nsf *nsf, uint64_t id, struct message_row *row_r, bool *taken_r);
STATUS nsf_message_unfile(struct nsf *nsf, uint64_t id);
/* From the inbox to filed, and back. */
STATUS nsf_message_file(struct nsf *nsf, uint64_t id, struct message_row *row_r, bool *filed_r);
STATUS nsf_message_return(struct nsf *nsf, const struct message_row *row);
/* Its octets are nobody's any more; its row has been taken. */
STATUS nsf_message_drop(struct nsf *nsf, const struct message_row *row);

/* --- item.c --- */
STATUS nsf_items_insert(struct nsf *nsf, uint64_t id, const struct note *note);
STATUS nsf_items_delete(struct nsf *nsf, uint64_t id);
STATUS nsf_items_get(struct nsf *nsf, uint64_t id, struct note *note);

/* --- note.c, delete.c, trash.c, pending.c, quota.c --- */
/* Insert a note's row and items; id is free. flags: enum note_row_flag. created_ms: if the
 * note does not say it itself; 0: now. */
STATUS nsf_note_insert(struct nsf *nsf, uint64_t id, const struct note *note, int flags,
                       int64_t created_ms);
STATUS nsf_note_is_there(struct nsf *nsf, uint64_t id, int64_t *sequence_r);
/* Inside a change: for good, or into the trash. */
STATUS nsf_note_destroy(struct nsf *nsf, uint64_t id);
STATUS nsf_trash_add(struct nsf *nsf, uint64_t note, bool from_inbox);
/* *was_r: it was in the trash, and inbox_r says whether it came from the inbox. */
STATUS nsf_trash_take(struct nsf *nsf, uint64_t note, bool *was_r, uint64_t *inbox_r);
/* What came into the trash first, before that time; 0: nothing. */
STATUS nsf_trash_oldest(struct nsf *nsf, int64_t before_secs, uint64_t *note_r);
/* The note has been changed: its octets are no longer its. */
STATUS nsf_pending_again(struct nsf *nsf, uint64_t note);
STATUS nsf_pending_sequence(struct nsf *nsf, uint64_t note, int64_t *sequence_r);
STATUS nsf_inbox_enter(struct nsf *nsf, uint64_t note);         /* inside a change; not from the trash */
/* Inside a change. *was_r: it was in the inbox, with octets or without. */
STATUS nsf_inbox_leave(struct nsf *nsf, uint64_t note, bool *was_r);
/* Would these go beyond a quota? Inside the transaction of the delivery. */
STATUS nsf_quota_check(struct nsf *nsf, const struct nsf_delivery *messages, size_t count,
                       struct fault *fault);
/* After they have been added: has the threshold been crossed? */
STATUS nsf_quota_note(struct nsf *nsf);
/* Free something that is needed less than the room for these. *made_r false: there is nothing. */
STATUS nsf_quota_make_room(struct nsf *nsf, const struct nsf_delivery *messages, size_t count,
                           bool *made_r);
/* One step of nsf_reclaim that leaves the log as it is: first all rows, then, if wished, pages. */
STATUS nsf_reclaim_part(struct nsf *nsf, bool pages, bool *more_r);
STATUS nsf_reclaim_pending(struct nsf *nsf, bool *pending_r);   /* would nsf_reclaim find rows? */
/* The number in the first column of the row that is asked for; POSTIL_ERR_NOT_FOUND: no row. */
STATUS nsf_ask_number(struct nsf *nsf, enum statement which, int count, const int64_t *integers,
                      uint64_t *value_r);
/* The number of what has a name; 0 is none that is given. */
STATUS nsf_ask_named(struct nsf *nsf, enum statement which, struct slice name, uint64_t *value_r);
/* The ids in the first column; each is not to change the rows that are asked for. */
STATUS nsf_ask_ids(struct nsf *nsf, enum statement which, int count, const int64_t *integers,
                   STATUS (*each)(void *context, uint64_t id), void *context);

static inline int64_t nsf_body_key(uint64_t id, uint64_t chunk)
{
	return (int64_t)(id << NSF_BODY_KEY_SHIFT | chunk);
}

#endif

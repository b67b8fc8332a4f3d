/*
 * The note database: one SQLite file that holds notes, items, an inbox with
 * what POP3 needs, views, unread marks and deletion stubs. names.nsf,
 * mail/NAME.nsf and inetlockout.nsf are all of this kind.
 *
 * Beside each database FILE lies FILE-lock, a small file with byte ranges for
 * open-file-description locks: one for the writer, one for the POP3 session,
 * and an 8-octet generation that grows with each commit. Lock files are never
 * removed while the database exists.
 *
 * Threads: a struct nsf is used by one thread at a time (not bound to the one
 * that opened it). Processes: any number. Durability: a call that changes the
 * file returns NOERROR only after the change has been synced.
 *
 * Everything in the file is distrusted: lengths, numbers and types are checked
 * when read, a damaged file gives POSTIL_ERR_DAMAGED, never a crash.
 */
#ifndef POSTIL_NSF_NSF_H
#define POSTIL_NSF_NSF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/note.h"

struct nsf;

enum nsf_kind { NSF_MAIL = 1, NSF_DIRECTORY = 2, NSF_OTHER = 3 };

#define NSF_UIDL_MAX 70         /* octets, each 0x21 to 0x7E (RFC 1939, section 7) */

/* --- files -------------------------------------------------------------- */

/* Make a new database, mode 0600, durably, with its lock file. POSTIL_ERR_EXISTS. */
STATUS nsf_create(const char *path, enum nsf_kind kind, struct nsf **nsf_r, struct fault *fault);
/* Open an existing one. Errors: POSTIL_ERR_NOEXIST, POSTIL_ERR_FOREIGN (a real
 * NSF: the fault says how to export it), POSTIL_ERR_SCHEMA, POSTIL_ERR_DAMAGED,
 * POSTIL_ERR_NETWORK_FS, POSTIL_ERR_PERMISSION. */
STATUS nsf_open(const char *path, struct nsf **nsf_r, struct fault *fault);
enum nsf_kind nsf_kind(const struct nsf *nsf);
/* Rolls back what is not committed. */
void nsf_close(struct nsf **nsf);
/* Give back what memory can be had again; the handle stays usable. */
void nsf_shrink(struct nsf *nsf);
/* How much of the file the handle may keep in memory; 1 MiB at first. For runs
 * that write much in one transaction. */
void nsf_set_cache(struct nsf *nsf, size_t octets);
/* Remove database, -wal, -shm and -lock. POSTIL_ERR_IN_USE while a session is on. */
STATUS nsf_remove(const char *path, struct fault *fault);
/* Full check: SQLite's and our own (counters, body chunks). Reports each
 * finding; NOERROR: none. */
STATUS nsf_check(const char *path, void (*report)(void *context, const char *text),
                 void *context, struct fault *fault);

/* --- session lock and generation: no database handle needed -------------- */

struct nsf_lock;        /* an open FILE-lock */

STATUS nsf_lock_open(const char *path, struct nsf_lock **lock_r, struct fault *fault);
void nsf_lock_close(struct nsf_lock **lock);    /* frees what it holds */
/* The exclusive POP3 session lock. POSTIL_ERR_IN_USE at once if another handle,
 * thread or process has it; it ends with the process. */
STATUS nsf_lock_session(struct nsf_lock *lock);
void nsf_unlock_session(struct nsf_lock *lock);
/* How often the session lock of this file has been taken, this time included;
 * set by nsf_lock_session. */
uint64_t nsf_lock_epoch(const struct nsf_lock *lock);
/* Has the lock file lost its name, so that the lock guards nothing any more? */
bool nsf_lock_is_removed(struct nsf_lock *lock);
/* A stamp of the file's content: equal stamps with valid = true mean that
 * nothing was committed between the two calls, by whatever program. Costs a
 * pread and a few fstat, no database access. */
struct nsf_stamp {
	uint64_t words[6];
	bool valid;     /* false: a commit is or may be under way; do not compare */
};
STATUS nsf_lock_stamp(struct nsf_lock *lock, struct nsf_stamp *stamp_r);

/* --- inbox: what STAT, LIST, UIDL, TOP and RETR need ---------------------- */

struct nsf_message {
	uint64_t id;            /* note id; grows with delivery, never used again */
	uint64_t size_octets;   /* exactly what RETR sends, without dot stuffing */
	uint64_t header_octets; /* header and the empty line that ends it */
	bool has_dot_line;      /* some line starts with a dot */
	struct slice uidl;
};

STATUS nsf_inbox_stat(struct nsf *nsf, uint64_t *count_r, uint64_t *octets_r);
/* In order of id, in one short read transaction. unread_for: 0 = all, else only
 * the messages unread for that user id (nsf_user_id). The callback must not
 * call into this nsf; a status other than NOERROR ends the listing with it. */
STATUS nsf_inbox_list(struct nsf *nsf, uint64_t unread_for,
                      STATUS (*each)(void *context, const struct nsf_message *message),
                      void *context);
/* Read from a body, at most size octets from offset; *got_r less than size only
 * at its end. No transaction stays open. POSTIL_ERR_DELETED: no such message any
 * more; POSTIL_ERR_DAMAGED: a chunk is missing or too short. */
STATUS nsf_body_read(struct nsf *nsf, uint64_t id, uint64_t offset, void *out,
                     size_t size, size_t *got_r);

/* --- delivery ------------------------------------------------------------- */

/* One message to be added. Everything is at hand (in memory or in a spool file
 * whose octets `read` returns) before the write lock is taken. */
struct nsf_delivery {
	uint64_t size_octets, header_octets;
	bool has_dot_line;
	struct slice uidl;              /* empty: a random one is made */
	const struct note *note;        /* items to store; has_unid: kept if free. May be NULL */
	bool read;                      /* true: delivered without unread mark */
	STATUS (*body)(void *context, uint64_t offset, void *out, size_t size); /* exactly size octets */
	void *context;
};
/* All or none, synced once. POSTIL_ERR_EXISTS: a UIDL or UNID is taken (index in
 * *failed_r); POSTIL_ERR_DISK_FULL: below the reserve, nothing changed;
 * POSTIL_ERR_NOEXIST: the file has been removed meanwhile. ids_r (may be NULL)
 * takes count ids. A UIDL whose message is gone may come back for the same
 * octets only: it never names others. */
STATUS nsf_deliver(struct nsf *nsf, const struct nsf_delivery *messages, size_t count,
                   uint64_t *ids_r, size_t *failed_r, struct fault *fault);

/* Below this many free octets (plus the message itself) deliveries are refused;
 * for all databases of the process. Default 16 MiB; 0 = do not look. */
void nsf_set_reserve(uint64_t octets);

/* --- deletion -------------------------------------------------------------- */

/* One transaction after which none of the ids is in the inbox (stubs are left).
 * Ids that are gone already are passed over. All or none. Works on a full disk
 * by way of the reserve. Rows and bodies are reclaimed by nsf_reclaim. */
STATUS nsf_delete(struct nsf *nsf, const uint64_t *ids, size_t count, struct fault *fault);
/* Free some of what deletions left, bounded; *more_r: call again. Also
 * checkpoints and gives pages back to the file system. */
STATUS nsf_reclaim(struct nsf *nsf, bool *more_r);

/* --- unread marks ------------------------------------------------------------ */

STATUS nsf_user_id(struct nsf *nsf, struct slice canonical_name, bool make, uint64_t *user_r);
STATUS nsf_mark_read(struct nsf *nsf, uint64_t user, const uint64_t *ids, size_t count);

/* --- notes and views (directory, settings, the Notes side) --------------------- */

STATUS nsf_begin(struct nsf *nsf, struct fault *fault);         /* write transaction */
STATUS nsf_commit(struct nsf *nsf, struct fault *fault);
void nsf_rollback(struct nsf *nsf);
/* Inside nsf_begin/nsf_commit, as all that changes the file may be; alone, each
 * is a transaction of its own. One that fails in a transaction has changed
 * nothing, the others before it stay. A UNID already there is replaced. */
STATUS nsf_note_put(struct nsf *nsf, const struct note *note, uint64_t *id_r);
STATUS nsf_note_delete(struct nsf *nsf, uint64_t id);
STATUS nsf_note_get(struct nsf *nsf, uint64_t id, struct arena *arena, struct note *note_r);
STATUS nsf_notes_each(struct nsf *nsf, STATUS (*each)(void *context, uint64_t id), void *context);
/* A view entry: key (folded text, at most 4,096 octets), which note, and a small
 * value that answers the common question without reading the note. Several notes
 * may share a key; the same view, key and note again replaces the value. Entries
 * come in order of key and note; callbacks may call into this nsf. */
STATUS nsf_view_put(struct nsf *nsf, const char *view, struct slice key, uint64_t note_id,
                    struct slice value);
STATUS nsf_view_delete_note(struct nsf *nsf, uint64_t note_id); /* its entries in all views */
STATUS nsf_view_find(struct nsf *nsf, const char *view, struct slice key,
                     STATUS (*each)(void *context, uint64_t note_id, struct slice value),
                     void *context);
/* The same for all keys from first to last, these two included. */
STATUS nsf_view_range(struct nsf *nsf, const char *view, struct slice first, struct slice last,
                      STATUS (*each)(void *context, uint64_t note_id, struct slice value),
                      void *context);
STATUS nsf_view_each(struct nsf *nsf, const char *view,
                     STATUS (*each)(void *context, struct slice key, uint64_t note_id,
                                    struct slice value), void *context);
/* Small named values of the database itself (title, owner...). get
 * appends to value_r. */
STATUS nsf_property_set(struct nsf *nsf, const char *name, struct slice value);
STATUS nsf_property_get(struct nsf *nsf, const char *name, struct buf *value_r); /* POSTIL_ERR_NOT_FOUND */
/* The access control list, in the form that whoever made it understands. */
STATUS nsf_acl_set(struct nsf *nsf, struct slice acl);
STATUS nsf_acl_get(struct nsf *nsf, struct buf *acl_r); /* appended; POSTIL_ERR_NOT_FOUND */

#endif

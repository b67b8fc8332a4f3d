/*
 * The note database: one SQLite file that holds notes, items, an inbox with
 * what POP3 needs, folders, views, unread marks and deletion stubs. names.nsf,
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
#define NSF_DIGEST_OCTETS 16    /* of a message's octets, by which UIDLs remember them */

/* --- files -------------------------------------------------------------- */

/* Make a new database, mode 0600, durably, with its lock file. POSTIL_ERR_EXISTS. */
STATUS nsf_create(const char *path, enum nsf_kind kind, struct nsf **nsf_r, struct fault *fault);
/* Open an existing one. Errors: POSTIL_ERR_NOEXIST, POSTIL_ERR_FOREIGN (a real
 * NSF: the fault says how to export it), POSTIL_ERR_SCHEMA, POSTIL_ERR_DAMAGED,
 * POSTIL_ERR_NETWORK_FS, POSTIL_ERR_PERMISSION. A file of an older schema is
 * brought up to this one, in place and in one transaction; if that cannot be
 * done (a full disk, a lock not had in time) the open fails and nothing is changed. */
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

/* --- inbox: what STAT, LIST, UIDL, TOP and RETR need ----------------------
 *
 * A message is a sequence of octets that never changes, with its own id. Mostly
 * that is the id of its note. A note made in Notes is rendered (see "pending
 * renderings"), and again after each change: each rendering is a message with a
 * new id and a new UIDL. A second form, for clients without UTF8, has the
 * message's id and one; where a call takes ids of messages, it takes these too.
 */

struct nsf_message {
	uint64_t id;            /* grows with delivery, never used again */
	uint64_t size_octets;   /* exactly what RETR sends, without dot stuffing */
	uint64_t header_octets; /* header and the empty line that ends it */
	bool has_dot_line;      /* some line starts with a dot */
	bool needs_utf8;        /* only for clients with UTF8 (RFC 6856), and there is no second form */
	bool has_second;        /* there is a second form, which this may be */
	struct slice uidl;
};

STATUS nsf_inbox_stat(struct nsf *nsf, uint64_t *count_r, uint64_t *octets_r);
/* In order of id, in one short read transaction. unread_for: 0 = all, else only
 * the messages unread for that user id (nsf_user_id). utf8 false: where there is
 * a second form, that one. The callback must not call into this nsf; a status
 * other than NOERROR ends the listing with it. */
STATUS nsf_inbox_list(struct nsf *nsf, uint64_t unread_for, bool utf8,
                      STATUS (*each)(void *context, const struct nsf_message *message),
                      void *context);
/* The message of a note, in the inbox or not; for a note that has none (not yet
 * rendered, or never in the inbox) POSTIL_ERR_NOT_FOUND. */
struct nsf_note_message {
	struct nsf_message message;             /* its uidl lies in uidl below */
	uint64_t note_id;
	bool in_inbox;
	char uidl[NSF_UIDL_MAX];
};
STATUS nsf_message_of_note(struct nsf *nsf, uint64_t note_id, struct nsf_note_message *message_r);
/* Whose octets a message is: for nsf_note_get and folders. The id of a note is answered as it is. */
STATUS nsf_note_of_message(struct nsf *nsf, uint64_t id, uint64_t *note_id_r);
/* Read from a body, at most size octets from offset; *got_r less than size only
 * at its end. No transaction stays open. A message that has left the inbox for a
 * folder or the trash can be read on. POSTIL_ERR_DELETED: no such message any
 * more; POSTIL_ERR_DAMAGED: a chunk is missing or too short. */
STATUS nsf_body_read(struct nsf *nsf, uint64_t id, uint64_t offset, void *out,
                     size_t size, size_t *got_r);

/* --- delivery ------------------------------------------------------------- */

/* The same message for clients without UTF8; it gets a UIDL of its own. */
struct nsf_form {
	uint64_t size_octets, header_octets;
	bool has_dot_line;
	STATUS (*body)(void *context, uint64_t offset, void *out, size_t size);
	void *context;
};

/* One message to be added. Everything is at hand (in memory or in a spool file
 * whose octets `read` returns) before the write lock is taken. */
struct nsf_delivery {
	uint64_t size_octets, header_octets;
	bool has_dot_line;
	struct slice uidl;              /* empty: a random one is made */
	bool reuse_uidl;                /* with uidl empty: octets that a deleted message had, of which
	                                 * there is a stub, get its UIDL again */
	const struct note *note;        /* items to store; has_unid: kept if free. May be NULL */
	bool read;                      /* true: delivered without unread mark */
	STATUS (*body)(void *context, uint64_t offset, void *out, size_t size); /* exactly size octets */
	void *context;
	const struct nsf_form *second;  /* NULL: none is needed, or none can be made: */
	bool needs_utf8;
	int64_t received_ms;            /* since 1970; 0: now. created_ms of the note, if that has none */
	bool beyond_quota;              /* no quota refuses it; it counts for the next one that asks */
	bool quota_report;              /* the notice of nsf_quota_crossed: not held against the quota,
	                                 * and nothing is delivered if another has been since */
};
/* All or none, synced once. POSTIL_ERR_EXISTS: a UIDL or UNID is taken (index in
 * *failed_r); POSTIL_ERR_DISK_FULL: below the reserve, nothing changed;
 * POSTIL_ERR_QUOTA: the batch would go beyond a quota of the file, and emptying
 * the trash would not change that; POSTIL_ERR_NOEXIST: the file has been removed
 * meanwhile. ids_r (may be NULL) takes count ids of messages, which are those of
 * their notes. A UIDL whose message is gone may come back for the same
 * octets only: it never names others. */
STATUS nsf_deliver(struct nsf *nsf, const struct nsf_delivery *messages, size_t count,
                   uint64_t *ids_r, size_t *failed_r, struct fault *fault);

/* The digest under which octets are remembered. */
STATUS nsf_digest(uint64_t size, STATUS (*source)(void *context, uint64_t offset, void *out,
                                                  size_t size),
                  void *context, uint8_t digest_r[NSF_DIGEST_OCTETS]);
/* Every UIDL ever used here, in no order. live: its message is in the inbox, a folder
 * or the trash. The callback must not call into this nsf. */
STATUS nsf_uidls_each(struct nsf *nsf,
                      STATUS (*each)(void *context, struct slice uidl,
                                     const uint8_t digest[NSF_DIGEST_OCTETS], bool live),
                      void *context);

/* Below this many free octets (plus the message itself) deliveries are refused;
 * for all databases of the process. Default 16 MiB; 0 = do not look. */
void nsf_set_reserve(uint64_t octets);

/* --- quota ------------------------------------------------------------------
 *
 * What a file uses is the size of its pages that are not free; what is deleted
 * but not yet reclaimed and what lies in the trash count until they are gone. A
 * delivery that would go beyond a quota first has those freed, the oldest in the
 * trash first; if that is not enough, it is refused. Nothing else is.
 */
struct nsf_quota {
	uint64_t octets, messages, warning_octets;      /* limits; 0: none */
	uint64_t used_octets;
	uint64_t used_messages;         /* with octets: in the inbox, in folders, in the trash */
};
STATUS nsf_quota_get(struct nsf *nsf, struct nsf_quota *quota_r);
/* Has the last nsf_deliver of this handle found the file at or above its warning
 * threshold, with no notice delivered since it was last below? True until a
 * delivery with quota_report says that the owner has been told. */
bool nsf_quota_crossed(const struct nsf *nsf);

/* --- deletion -------------------------------------------------------------- */

/* One transaction after which none of these messages is in the inbox. Those that
 * are not in the inbox now (deleted, or moved to a folder by somebody else) are
 * passed over. All or none. Where the file keeps deletions for a time
 * (NSF_SOFT_DELETE_HOURS) their notes lie in the trash then, else stubs are left.
 * Works on a full disk by way of the reserve. Rows and bodies are reclaimed by
 * nsf_reclaim. */
STATUS nsf_delete(struct nsf *nsf, const uint64_t *ids, size_t count, struct fault *fault);
/* Free some of what deletions left, bounded; *more_r: call again. Also
 * checkpoints and gives pages back to the file system. */
STATUS nsf_reclaim(struct nsf *nsf, bool *more_r);

/* A deletion that others may have to hear of. */
struct nsf_stub {
	struct unid unid;
	int64_t deleted_secs;           /* since 1970 */
	struct slice uidl, digest;      /* of its last message, 16 octets; empty: it had none */
};
STATUS nsf_stubs_each(struct nsf *nsf,
                      STATUS (*each)(void *context, const struct nsf_stub *stub), void *context);
/* Delete for good what has been in the trash for the file's hours, and drop stubs
 * older than its cutoff; bounded; *more_r: call again. UIDLs stay known. */
struct nsf_purged {
	uint64_t notes, stubs;          /* added to */
};
STATUS nsf_purge(struct nsf *nsf, struct nsf_purged *purged, bool *more_r);
/* Stubs of deletions before that time. */
STATUS nsf_stubs_purge(struct nsf *nsf, int64_t before_secs, uint64_t *purged_r, bool *more_r);

/* --- unread marks ------------------------------------------------------------ */

STATUS nsf_user_id(struct nsf *nsf, struct slice canonical_name, bool make, uint64_t *user_r);
/* ids of messages or of notes. */
STATUS nsf_mark_read(struct nsf *nsf, uint64_t user, const uint64_t *ids, size_t count);
STATUS nsf_mark_unread(struct nsf *nsf, uint64_t user, const uint64_t *ids, size_t count);
/* Is a note unread for a user (0: one who has never asked)? */
STATUS nsf_is_unread(struct nsf *nsf, uint64_t user, uint64_t note_id, bool *unread_r);
/* Notes unread for a user, in order; user 0: for one who has never asked. */
STATUS nsf_unread_each(struct nsf *nsf, uint64_t user,
                       STATUS (*each)(void *context, uint64_t note_id), void *context);

/* --- folders and trash -----------------------------------------------------------
 *
 * A note lies in any number of folders, or in none: then only in "($All)". What
 * leaves the inbox keeps its octets and UIDL and comes back with them. What lies
 * in the trash is in no other folder until it is restored, and is passed over by
 * nsf_notes_each. Names of folders are at most 255 octets of UTF-8, told apart
 * without regard to ASCII case; "Parent\Child" is a name like any other.
 */
#define NSF_INBOX "($Inbox)"
#define NSF_TRASH "($Trash)"            /* "($SoftDeletions)" is the same */
#define NSF_ALL "($All)"                /* every document not in the trash; never added to */

STATUS nsf_folder_make(struct nsf *nsf, struct slice name);    /* POSTIL_ERR_EXISTS, _INVALID */
/* Its notes stay. POSTIL_ERR_INVALID: one of the three above; POSTIL_ERR_NOT_FOUND. */
STATUS nsf_folder_remove(struct nsf *nsf, struct slice name);
/* All folders, the three first, with how many notes lie in each. The callback may call into this
 * nsf. */
STATUS nsf_folders_each(struct nsf *nsf,
                        STATUS (*each)(void *context, struct slice name, uint64_t notes),
                        void *context);
/* Put a note into a folder, leave the others as they are. The inbox: nsf_inbox_add_pending;
 * the trash: nsf_trash_put. POSTIL_ERR_NOT_FOUND: no such folder; POSTIL_ERR_DELETED: no such note. */
STATUS nsf_folder_add(struct nsf *nsf, struct slice name, uint64_t note_id);
/* Take a note out of a folder, and of no other. One that is not there is passed over. */
STATUS nsf_folder_take(struct nsf *nsf, struct slice name, uint64_t note_id);
/* The notes in a folder in order of id. The callback may call into this nsf. */
STATUS nsf_folder_each(struct nsf *nsf, struct slice name,
                       STATUS (*each)(void *context, uint64_t note_id), void *context);
/* The folders that a note lies in, the inbox and trash among them. */
STATUS nsf_note_folders(struct nsf *nsf, uint64_t note_id,
                        STATUS (*each)(void *context, struct slice name), void *context);

STATUS nsf_trash_put(struct nsf *nsf, uint64_t note_id);        /* again: nothing changes */
STATUS nsf_trash_restore(struct nsf *nsf, uint64_t note_id);    /* POSTIL_ERR_NOT_FOUND: not in it */
/* Delete for good what came into the trash before that time; bounded; *more_r: call again. */
STATUS nsf_trash_purge(struct nsf *nsf, int64_t before_secs, uint64_t *purged_r, bool *more_r);
/* Since when a note lies in the trash. POSTIL_ERR_NOT_FOUND: it does not. */
STATUS nsf_trash_since(struct nsf *nsf, uint64_t note_id, int64_t *since_secs_r);

/* --- pending renderings ------------------------------------------------------------
 *
 * A note in the inbox needs octets before POP3 can list it. Who opens the file for
 * POP3 renders what is pending: each, render (nobody waits for that), set.
 */

/* Into the inbox: with the octets that it had there before, if any and if it has not been changed
 * since, else as pending. One that is in the inbox stays as it is. POSTIL_ERR_DELETED. */
STATUS nsf_inbox_add_pending(struct nsf *nsf, uint64_t note_id);
/* sequence: which state of the note it is. The callback may call into this nsf. */
STATUS nsf_pending_each(struct nsf *nsf,
                        STATUS (*each)(void *context, uint64_t note_id, int64_t sequence),
                        void *context);
/* Give a note its octets; octets->note and ->received_ms are not looked at. The note has been
 * changed, rendered or taken out of the inbox since: NOERROR, and nothing is done. *message_r
 * (may be NULL): the id of the new message, or 0. */
STATUS nsf_pending_set(struct nsf *nsf, uint64_t note_id, int64_t sequence,
                       const struct nsf_delivery *octets, uint64_t *message_r,
                       struct fault *fault);

/* --- notes and views (directory, settings, the Notes side) --------------------- */

STATUS nsf_begin(struct nsf *nsf, struct fault *fault);         /* write transaction */
STATUS nsf_commit(struct nsf *nsf, struct fault *fault);
void nsf_rollback(struct nsf *nsf);
/* Inside nsf_begin/nsf_commit, as all that changes the file may be; alone, each
 * is a transaction of its own. One that fails in a transaction has changed
 * nothing, the others before it stay. A UNID already there is replaced; if that
 * note has octets, they are no longer its: in the inbox it becomes pending. Items
 * with blobs are read to their end and stored in pieces. */
STATUS nsf_note_put(struct nsf *nsf, const struct note *note, uint64_t *id_r);
/* For good, wherever it lies; a stub is left. POSTIL_ERR_DELETED. */
STATUS nsf_note_delete(struct nsf *nsf, uint64_t id);
/* In the trash or not. A value that was stored from a blob comes back as one; it
 * may be read until nsf is closed or the arena is released. */
STATUS nsf_note_get(struct nsf *nsf, uint64_t id, struct arena *arena, struct note *note_r);
/* Which note has this UNID, in the trash or not. POSTIL_ERR_NOT_FOUND: none. */
STATUS nsf_note_find(struct nsf *nsf, const struct unid *unid, uint64_t *id_r);
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
/* Small named values of the database itself; get appends to value_r. */
#define NSF_PROPERTY_TITLE "title"
#define NSF_PROPERTY_OWNER "owner"                      /* canonical name */
#define NSF_PROPERTY_FORMAT "MessageStorage"            /* the owner's format preference, as there */
STATUS nsf_property_set(struct nsf *nsf, const char *name, struct slice value);
STATUS nsf_property_get(struct nsf *nsf, const char *name, struct buf *value_r); /* POSTIL_ERR_NOT_FOUND */
/* Numbers of the database. */
enum nsf_setting {
	NSF_QUOTA_OCTETS,       /* 0: none */
	NSF_QUOTA_MESSAGES,     /* 0: none */
	NSF_WARNING_OCTETS,     /* 0: none */
	NSF_SOFT_DELETE_HOURS,  /* how long deletions can be undone; 0 (the default): not at all */
	NSF_CUTOFF_DAYS,        /* how long stubs are kept; default 90 */
	NSF_SETTINGS
};
STATUS nsf_setting_get(struct nsf *nsf, enum nsf_setting which, uint64_t *value_r);
STATUS nsf_setting_set(struct nsf *nsf, enum nsf_setting which, uint64_t value);
/* Which replicas are the same database; random when the file is made. */
STATUS nsf_replica_get(struct nsf *nsf, uint64_t *replica_r);
STATUS nsf_replica_set(struct nsf *nsf, uint64_t replica);
/* The access control list, in the form that whoever made it understands. */
STATUS nsf_acl_set(struct nsf *nsf, struct slice acl);
STATUS nsf_acl_get(struct nsf *nsf, struct buf *acl_r); /* appended; POSTIL_ERR_NOT_FOUND */

#endif

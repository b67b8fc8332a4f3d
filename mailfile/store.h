/*
 * The maildrop contract: what a mail store must do for the POP3 service and
 * for delivery. The note database is the first store (nsfstore.c), one in
 * memory and one that fails or freezes on demand live in tests/support.
 *
 * A store promises, within one mail file:
 *  - deliver: after NOERROR the messages stay, whole, until a commit names them;
 *  - list: numbers (positions) are in order of delivery and stay as they were at
 *    open for the life of the maildrop, whatever is delivered meanwhile;
 *  - a message's octets, size and UIDL never change;
 *  - commit: after NOERROR all named messages are gone, after an error none is,
 *    except POSTIL_ERR_UNKNOWN_OUTCOME, which says that it cannot tell;
 *  - one open maildrop per mail file, over all processes (POSTIL_ERR_IN_USE).
 * It promises nothing over two mail files.
 *
 * Any call may also answer POSTIL_ERR_LOCK_LOST (the maildrop must be closed, a
 * commit was not applied), POSTIL_ERR_TIMEOUT, POSTIL_ERR_IO,
 * POSTIL_ERR_DAMAGED or POSTIL_ERR_DISK_FULL.
 *
 * Calls block; who must not block makes them in a job of addin/net. A maildrop
 * is used by one thread at a time; a store by any number at once.
 */
#ifndef POSTIL_MAILFILE_STORE_H
#define POSTIL_MAILFILE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/note.h"
#include "mailfile/acl.h"

struct mail_store;      /* one store, e.g. a data directory of mail files */
struct maildrop;        /* one locked, open mail file */

#define MAILDROP_UIDL_MAX 70
#define MAILDROP_DIGEST_OCTETS 16       /* of a message's octets, see maildrop_digest */

struct maildrop_message {
	uint64_t size_octets;
	uint64_t header_octets;
	bool has_dot_line;
	struct slice uidl;      /* valid while the maildrop is open */
	bool needs_utf8;        /* there is no form of it without UTF8 (RFC 6856): to a session that did
	                         * not say UTF8 its octets are not sent; sizes are those it has */
};

struct maildrop_options {
	bool unread_only;               /* offer only what is unread for user */
	struct slice user;              /* canonical name: whose marks */
	bool look_only;                 /* without the session lock: list and read;
	                                 * commit answers POSTIL_ERR_INVALID */
	bool utf8;                      /* the client takes UTF-8 in headers (RFC 6856). Without, a
	                                 * message that has a second form is that form: size, UIDL, octets */
	struct slice folder;            /* with look_only: what lies there in place of the inbox */
	const struct acl_who *who;      /* whose rights hold; NULL: the file's own side (tools,
	                                 * delivery), which may all */
};

/* One message for delivery: exactly size octets in stored form, see message.h;
 * at least one. */
struct maildrop_delivery {
	uint64_t size_octets, header_octets;
	bool has_dot_line;
	bool read;                      /* deliver without unread mark */
	struct slice uidl;              /* empty: the store makes a random one */
	bool reuse_uidl;                /* with uidl empty: octets that a deleted message had get its UIDL
	                                 * again, as long as the store remembers the deletion */
	int64_t received_ms;            /* when it came, since 1970; 0: now */
	struct slice folder;            /* which takes it in place of the inbox, made if need be; empty:
	                                 * the inbox. Stores without folders: POSTIL_ERR_INVALID */
	const struct note *note;        /* items beside the octets; may be NULL */
	STATUS (*body)(void *context, uint64_t offset, void *out, size_t size);
	void *context;
	/* The form for clients that have not said UTF8 (RFC 6856), NULL: the same one. Of it
	 * only sizes, has_dot_line, body and context count; the store makes its UIDL. */
	const struct maildrop_delivery *second;
	bool needs_utf8;                /* there is no such form and none can be made */
	bool beyond_quota;              /* no quota refuses it: one reply speaks for several mail files,
	                                 * so that a full one could be neither told nor tried again alone */
};

/* A UIDL that a mail file has or had, and the octets that it names. */
struct maildrop_known {
	struct slice uidl;
	uint8_t digest[MAILDROP_DIGEST_OCTETS];
	bool live;              /* the message is there: in the inbox or in a folder */
};

/* What moving out takes along beside octets and UIDL. */
struct maildrop_details {
	int64_t received_ms;    /* 0: not known */
	bool read;              /* by the owner */
	char flags[8];          /* Maildir letters of what has no place in a mail file: D, F, R */
};

/* The item of a note that keeps them. */
#define MAILDROP_FLAGS_ITEM "$MailFlags"

struct maildrop_store_calls {
	int version;            /* 1 */
	const char *name;       /* "nsf", "memory", "rados" */

	/* Take the session lock and the list. path is relative to the store, as
	 * mailfile_path() made it. POSTIL_ERR_NOEXIST, POSTIL_ERR_IN_USE,
	 * POSTIL_ERR_FOREIGN, POSTIL_ERR_DAMAGED; POSTIL_ERR_NOACCESS: the file's
	 * access control list does not let options->who read, told before
	 * POSTIL_ERR_IN_USE is. A file that has neither list nor owner yet takes who
	 * as its owner. epoch_r grows with every taking of the lock of this file; a
	 * commit under an old epoch is refused. */
	STATUS (*open)(struct mail_store *store, const char *path,
	               const struct maildrop_options *options,
	               struct maildrop **drop_r, uint64_t *epoch_r, struct fault *fault);
	/* Ends the session: lock and list are let go. Never fails. */
	void (*close)(struct maildrop **drop);

	/* Without a body, without I/O: what the list at open said. */
	void (*stat)(const struct maildrop *drop, uint32_t *count_r, uint64_t *octets_r);
	/* index counts from 0. Without I/O. */
	void (*message)(const struct maildrop *drop, uint32_t index,
	                struct maildrop_message *message_r);
	/* Octets of the heap that this maildrop alone accounts for. */
	size_t (*memory)(const struct maildrop *drop);

	/* At most size octets of message index from offset; fewer only at its end. */
	STATUS (*read)(struct maildrop *drop, uint32_t index, uint64_t offset,
	               void *out, size_t size, size_t *got_r, struct fault *fault);
	/* Delete the count messages named by index and set marks, all or none.
	 * POSTIL_ERR_NOACCESS: rights.may_delete is false and count is not 0. */
	STATUS (*commit)(struct maildrop *drop, const uint32_t *deleted, size_t deleted_count,
	                 const uint32_t *read, size_t read_count, struct fault *fault);
	/* Reclaim what commits left, in bounded steps; *more_r: call again. May be
	 * NULL. Called after close too, by path, when the store is idle. */
	STATUS (*reclaim)(struct mail_store *store, const char *path, bool *more_r);

	/* Add messages to a mail file, which is made if make is true (owner: the
	 * canonical name it belongs to). Never waits for a session lock. POSTIL_ERR_QUOTA:
	 * the file's quota would be exceeded, nothing is added. A delivery that reaches the
	 * file's warning threshold adds one notice for its owner, until it is below again. */
	STATUS (*deliver)(struct mail_store *store, const char *path, bool make,
	                  struct slice owner, const struct maildrop_delivery *messages,
	                  size_t count, struct fault *fault);
	STATUS (*create)(struct mail_store *store, const char *path, struct slice owner,
	                 struct fault *fault);          /* POSTIL_ERR_EXISTS */
	STATUS (*remove)(struct mail_store *store, const char *path, struct fault *fault);
	/* The access control list, encoded and appended (of a file without one that of its
	 * owner); and another in its place, which holds from the next open on. */
	STATUS (*acl_get)(struct mail_store *store, const char *path, struct buf *encoded_r,
	                  struct fault *fault);
	STATUS (*acl_set)(struct mail_store *store, const char *path, const struct acl *acl,
	                  struct fault *fault);

	/* For moving in and out (mailfile/import.h, export.h); a store may leave out all of
	 * them. known: each UIDL of a file, in no order; a file that is not there has none.
	 * folders: each that holds messages, but the inbox. details: of a message, with I/O. */
	STATUS (*known)(struct mail_store *store, const char *path,
	                STATUS (*each)(void *context, const struct maildrop_known *known),
	                void *context, struct fault *fault);
	STATUS (*folders)(struct mail_store *store, const char *path,
	                  STATUS (*each)(void *context, struct slice folder), void *context,
	                  struct fault *fault);
	STATUS (*details)(struct maildrop *drop, uint32_t index,
	                  struct maildrop_details *details_r, struct fault *fault);

	/* Give back caches; called when the service has been idle. May be NULL. */
	void (*shrink)(struct mail_store *store);
	void (*free)(struct mail_store **store);
};

/* The first member of every store and of every maildrop. */
struct mail_store {
	const struct maildrop_store_calls *calls;
};
struct maildrop {
	const struct maildrop_store_calls *calls;
	struct acl_rights rights;       /* of who opened it; set by open */
};

/* The digest by which a store tells octets apart; of a delivery's body. */
STATUS maildrop_digest(const struct maildrop_delivery *delivery,
                       uint8_t digest_r[MAILDROP_DIGEST_OCTETS]);

/* --- the store on note databases (nsfstore.c) -------------------------------- */

struct render_options;  /* mailfile/render.h */

struct nsfstore_options {
	size_t handles;         /* idle open databases kept, default 64 */
	size_t list_octets;     /* message lists kept for the next session, default 32 MiB */
	const struct render_options *render;    /* how notes made in Notes become messages; copied, what
	                                         * it points to must stay. NULL: without any directory */
	/* For the log: a mail file has reached its warning threshold, a note cannot be made a
	 * message. A sentence; from any thread. May be NULL. */
	void (*tell)(void *context, const char *text);
	void *context;
};
/* data_dir: absolute path; mail files lie below it. options may be NULL. */
STATUS nsfstore_new(const char *data_dir, const struct nsfstore_options *options,
                    struct mail_store **store_r, struct fault *fault);

/* What a Person document's MailFile names, as a clean relative path: `\` is `/`,
 * `.nsf` is added if missing; refused (POSTIL_ERR_INVALID) when absolute, with
 * `..`, NUL, control characters, longer than 255, or when a component is a link
 * that leads out of data_dir. The last component need not exist. */
STATUS mailfile_path(const char *data_dir, struct slice mail_file, struct buf *path_r,
                     struct fault *fault);

#endif

/* What the files of the store on note databases share. */
#ifndef POSTIL_MAILFILE_NSFSTORE_H
#define POSTIL_MAILFILE_NSFSTORE_H

#include <limits.h>

#include "mailfile/handles.h"
#include "mailfile/lists.h"
#include "mailfile/render.h"
#include "mailfile/store.h"

struct nsfstore {
	struct mail_store base;
	struct handles *handles;
	struct lists *lists;
	struct render_options render;
	void (*tell)(void *context, const char *text);  /* may be NULL */
	void *context;
	size_t data_dir_length;
	char data_dir[];
};

/* The absolute path of a mail file; the fault is cleared. POSTIL_ERR_INVALID. */
STATUS nsfstore_path(const struct nsfstore *store, const char *path, char out[PATH_MAX],
                     struct fault *fault);
/* The room below tells most failures itself; this tells the rest. */
STATUS nsfstore_told(struct fault *fault, STATUS status, const char *path);

/* A line for the log, if somebody listens. */
__attribute__((format(printf, 2, 3)))
void nsfstore_tell(const struct nsfstore *store, const char *format, ...);

/* --- nsfrender.c --- */
/* Give octets to the notes of the inbox that have none. What cannot be rendered is told and stays
 * as it is; only what would keep the file from being read is an error. */
STATUS nsfstore_render(const struct nsfstore *store, struct nsf *nsf, const char *path);

/* --- quota.c --- */
/* Tell the owner, by a message in his inbox, and the log that the file has reached its warning
 * threshold. full: its absolute path. */
void nsfstore_warn_of_quota(const struct nsfstore *store, struct nsf *nsf, const char *full);

/* --- nsfdeliver.c: see store.h --- */
STATUS nsfstore_reclaim(struct mail_store *base, const char *path, bool *more_r);
STATUS nsfstore_deliver(struct mail_store *base, const char *path, bool make,
                        struct slice owner, const struct maildrop_delivery *messages,
                        size_t count, struct fault *fault);
STATUS nsfstore_create(struct mail_store *base, const char *path, struct slice owner,
                       struct fault *fault);
STATUS nsfstore_remove(struct mail_store *base, const char *path, struct fault *fault);

/* --- nsfmove.c: see store.h --- */
STATUS nsfstore_known(struct mail_store *base, const char *path,
                      STATUS (*each)(void *context, const struct maildrop_known *known),
                      void *context, struct fault *fault);
STATUS nsfstore_folders(struct mail_store *base, const char *path,
                        STATUS (*each)(void *context, struct slice folder), void *context,
                        struct fault *fault);
/* The messages of a folder in order of id, for a list. */
STATUS nsfmove_list(struct nsf *nsf, struct slice folder, struct msglist_maker *maker);
/* Of one message. */
STATUS nsfmove_details(struct nsf *nsf, uint64_t message, struct maildrop_details *details_r);
/* Messages that were just delivered leave the inbox for their folders; inside the
 * transaction. */
bool nsfmove_has_folders(const struct maildrop_delivery *messages, size_t count);
STATUS nsfmove_file(struct nsf *nsf, const struct maildrop_delivery *messages,
                    const uint64_t *ids, size_t count);

/* --- nsfacl.c --- */
/* The list that owner has in a new file; inside the caller's transaction. */
STATUS nsfacl_make(struct nsf *nsf, struct slice owner);
/* Appended, encoded: the file's list, or the one its owner would have. A file with
 * neither becomes adopter's; with adopter NULL nothing is appended. */
STATUS nsfacl_read(struct nsf *nsf, const struct acl_who *adopter, struct buf *encoded_r);
/* who NULL: all rights. POSTIL_ERR_NOACCESS, POSTIL_ERR_DAMAGED. */
STATUS nsfacl_judge(struct slice encoded, const struct acl_who *who,
                    struct acl_rights *rights_r);
/* See store.h. */
STATUS nsfstore_acl_get(struct mail_store *base, const char *path, struct buf *encoded_r,
                        struct fault *fault);
STATUS nsfstore_acl_set(struct mail_store *base, const char *path, const struct acl *acl,
                        struct fault *fault);

#endif

/*
 * Looking after note databases: check and repair, giving space back, backup and
 * restore. Each call works on one file by its path, while other processes have
 * it open; what it may need of them is said with it.
 *
 * Files are distrusted as in nsf.h. Names that are made beside a file NAME.nsf:
 *
 *   NAME.damaged-DATE.nsf   what could not be repaired, itself a database
 *   NAME.nsf.broken-DATE    a file that has been rebuilt, as it was
 *   NAME.nsf.before-DATE    a file that a backup has taken the place of
 *
 * DATE is YYYYMMDD-HHMMSS in local time; nothing is ever overwritten.
 */
#ifndef POSTIL_NSF_MAINT_H
#define POSTIL_NSF_MAINT_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"

/* How a run is followed; may be NULL, and so may its members. */
struct nsf_watch {
	/* Asked now and then with how much is done, of total (0: not known); false ends
	 * the run with POSTIL_ERR_CANCEL and nothing half done. */
	bool (*go_on)(void *context, uint64_t done, uint64_t total);
	/* A sentence about what was found or done. */
	void (*tell)(void *context, const char *text);
	void *context;
};

/* --- check and repair -------------------------------------------------------------- */

struct nsf_fixup_result {
	uint64_t findings;              /* what was wrong */
	uint64_t messages;              /* in the inbox afterwards */
	uint64_t set_aside;             /* messages, notes and rows now in the file `aside` */
	bool rebuilt;                   /* the file is another one now, the old one is `kept` */
	char aside[PATH_MAX], kept[PATH_MAX];   /* "": none */
};
/* Check a file and repair it. What is wrong in a file that SQLite finds whole is
 * mended in place, in one transaction; sessions go on. Any other is read page by page
 * into a new file that takes its place: sessions that are open lose theirs. What was
 * readable is as before (ids, UIDLs, octets, marks, access control list); octets that
 * are not those their digest was made of, and rows that fit nowhere, are set aside.
 * Ids are never used again. look_only: find, change nothing; then POSTIL_ERR_DAMAGED
 * says that something was found.
 *
 * POSTIL_ERR_FOREIGN (a real NSF, or nothing of ours in it), POSTIL_ERR_SCHEMA (a
 * newer one): left as it was. POSTIL_ERR_DAMAGED otherwise: nothing can be read, or
 * the directory, which is compiled anew from its documents. POSTIL_ERR_BUSY: a writer
 * has had its lock too long; others as nsf_open. */
STATUS nsf_fixup(const char *path, bool look_only, const struct nsf_watch *watch,
                 struct nsf_fixup_result *result_r, struct fault *fault);

/* --- space --------------------------------------------------------------------------- */

enum nsf_compact_style {
	NSF_COMPACT_SHRINK,     /* free what deletions left, give it to the file system */
	NSF_COMPACT_KEEP,       /* free it for use in the file */
	NSF_COMPACT_COPY        /* write the file anew: nobody may have it open */
};
struct nsf_compact_options {
	enum nsf_compact_style style;
	unsigned unused_percent;        /* leave alone a file with less of it unused; 0: none */
};
struct nsf_compact_result {
	uint64_t before_octets, after_octets;   /* size of the file */
	unsigned unused_percent;        /* of it, before */
	bool passed_over;
};
/* The first two styles work in steps of some milliseconds, take the writer lock for each
 * anew and never the session lock: logins and deliveries go on. POSTIL_ERR_IN_USE: a
 * session is on, or somebody has the file open (COPY). Others as nsf_open. */
STATUS nsf_compact(const char *path, const struct nsf_compact_options *options,
                   const struct nsf_watch *watch, struct nsf_compact_result *result_r,
                   struct fault *fault);

/* --- counts ----------------------------------------------------------------------------- */

struct nsf_recounted {
	uint64_t counters;      /* that were wrong */
	uint64_t marks;         /* of messages or users that are gone */
};
/* Count the inbox and drop marks that stand for nothing, in one short transaction. */
STATUS nsf_recount(const char *path, struct nsf_recounted *recounted_r, struct fault *fault);

/* --- backup -------------------------------------------------------------------------------- */

/* A copy of the file as it was when this began, in target: one file, synced, checked
 * before it has that name. Writers and sessions go on meanwhile. POSTIL_ERR_EXISTS:
 * target is there and replace is false; POSTIL_ERR_DAMAGED: the file is, so there is no
 * copy; others as nsf_open. */
STATUS nsf_backup(const char *path, const char *target, bool replace,
                  const struct nsf_watch *watch, uint64_t *octets_r, struct fault *fault);

struct nsf_restored {
	uint64_t messages;      /* in its inbox */
	uint64_t renamed;       /* that got a new UIDL, because the file had used theirs for others */
	char kept[PATH_MAX];    /* where the old file is now; "": there was none */
};
/* Put a backup in the place of path, or where nothing is. UIDLs used since by the
 * old file stay known and its ids stay used. POSTIL_ERR_IN_USE: a session is on;
 * POSTIL_ERR_DAMAGED, POSTIL_ERR_FOREIGN, POSTIL_ERR_SCHEMA: the backup is no good,
 * path is as it was. */
STATUS nsf_restore(const char *backup, const char *path, const struct nsf_watch *watch,
                   struct nsf_restored *restored_r, struct fault *fault);

/* If nobody else has the file open, put all into it and remove its log and the log's
 * index; else nothing. For the end of a task. */
void nsf_tidy(const char *path);

#endif

/* What the files about maintenance share. Nobody outside nsf/ includes it. */
#ifndef POSTIL_NSF_MAINTAIN_H
#define POSTIL_NSF_MAINTAIN_H

#include "nsf/maint.h"
#include "nsf/private.h"

#define NSF_UIDL_MADE 22        /* octets of a UIDL that nsf_uidl_make makes */

/* --- swap.c --- */

bool nsf_watch_go_on(const struct nsf_watch *watch, uint64_t done, uint64_t total);
__attribute__((format(printf, 2, 3)))
void nsf_watch_tell(const struct nsf_watch *watch, const char *format, ...);

/* A name beside path that nothing has yet: PATH.ending-DATE, or with last ".nsf" as
 * PATH without .nsf, .ending-DATE.nsf. POSTIL_ERR_TOO_LONG. */
STATUS nsf_name_free(const char *path, const char *ending, const char *last,
                     char out[PATH_MAX], struct fault *fault);
/* Remove a draft and what SQLite and we have laid beside it. */
void nsf_draft_remove(const char *draft);
/* Its log, its index and its lock file: when the draft is whole and closed. */
void nsf_draft_strip(const char *draft);
STATUS nsf_sync_file(const char *path, struct fault *fault);
STATUS nsf_sync_directory(const char *path, struct fault *fault);
/* Lay draft, whole and synced, in the place of path, whose writer lock the caller holds;
 * the old file and its log get the name kept. Who has the old one open cannot write to
 * it any more, and its session is over. */
STATUS nsf_swap(const char *path, const char *draft, const char *kept, struct nsf_lock *lock,
                struct fault *fault);

/* --- scan.c: all bodies read, and what they are, in tables of the handle's own --- */

/* found(id, size, digest, hdr, dot, ok): each body; ok: its chunks are there and of the
 * right lengths. *sound_r: nothing is wrong with octets, sizes and UIDLs; else named(id, uidl, fits): UIDLs of these; fits: the digest is the body's.
 * scan(horizon): ids below it have been looked at. bad(id, why): empty. */
STATUS nsf_scan(struct nsf *nsf, const struct nsf_watch *watch, bool *sound_r, struct fault *fault);
void nsf_scan_forget(struct nsf *nsf);

/* --- questions.c --- */

/* Each row that sql gives is a finding; its first column is a number for text. What
 * rows `aside` gives are kept in another file, then mend puts things right; ids of
 * messages that it writes into bad are set aside with all that is theirs. */
struct nsf_question {
	const char *sql, *text, *aside, *mend;
	bool octets;            /* has no rows where nsf_sound is 1 */
};
extern const char nsf_sound[];
extern const struct nsf_question nsf_questions[];
extern const size_t nsf_question_count;
extern const char nsf_bad_away[];       /* what removes the messages in bad, and empties it */

/* --- check.c --- */

struct finder {
	const struct nsf_watch *watch;
	uint64_t findings;
};
/* Are all tables there, with their columns? POSTIL_ERR_DAMAGED: no. */
STATUS nsf_tables_check(struct nsf *nsf, struct finder *finder);
/* What SQLite finds. */
STATUS nsf_integrity(struct nsf *nsf, struct finder *finder);
/* How many rows a question has; each is told of. */
int nsf_question_ask(struct nsf *nsf, const struct nsf_question *question, struct finder *finder);

struct nsf_examined {
	bool whole;             /* SQLite finds nothing wrong: what is may be mended in place */
	bool sound;             /* see nsf_scan */
};
/* All checks; the tables of nsf_scan stay if it comes so far. */
STATUS nsf_examine(struct nsf *nsf, struct finder *finder, struct nsf_examined *examined_r,
                   struct fault *fault);

/* --- tables.c: rows as they lie in a file --- */

struct nsf_table {
	const char *name;
	bool has_rowid;         /* its first column is the number of the row */
	size_t least;           /* columns, in rows of the first version */
	const char *columns;    /* names, divided by commas, in the order they are stored in */
	const char *shape;      /* a letter for each: k the number of the row; i integer, t text,
	                         * b blob, d 16 octets, v anything; capital: or NULL */
};
extern const struct nsf_table nsf_tables[];
extern const size_t nsf_table_count;
struct salvage_row;
const struct nsf_table *nsf_table_named(const char *name);
bool nsf_table_fits(const struct nsf_table *table, const struct salvage_row *row);
/* The table of a row whose page nothing leads to; NULL: it cannot be told. */
const struct nsf_table *nsf_table_of(const struct salvage_row *row);

/* --- aside.c: the file for what cannot be repaired --- */

struct aside {
	const char *path;       /* of the file that is repaired */
	char *name;             /* PATH_MAX; "": not made yet */
	struct nsf *nsf;
	uint64_t count;
};
/* A message of nsf as far as its octets can be read, with its items. */
STATUS nsf_aside_message(struct aside *aside, struct nsf *nsf, uint64_t id, const char *why,
                         struct fault *fault);
/* Each row that sql gives. */
STATUS nsf_aside_rows(struct aside *aside, struct nsf *nsf, const char *sql, const char *why,
                      struct fault *fault);
STATUS nsf_aside_row(struct aside *aside, const struct nsf_table *table,
                     const struct salvage_row *row, struct fault *fault);
void nsf_aside_close(struct aside *aside);

/* --- repair.c --- */

/* What the questions call; nsf_examine adds it itself. */
STATUS nsf_functions_add(struct nsf *nsf);
/* Ask all questions of a file whose tables are whole, and put right what they find, in one
 * transaction. */
STATUS nsf_repair(struct nsf *nsf, bool sound, struct aside *aside, struct finder *finder,
                  struct fault *fault);

/* --- rebuild.c --- */

/* What can be read of path into draft, a new file. *kind_r: what it is; *any_r false: nothing
 * of ours is in it. */
STATUS nsf_rebuild(const char *path, const char *draft, struct aside *aside,
                   struct finder *finder, bool *any_r, struct fault *fault);

#endif

/*
 * A compilation under way: shared by compile.c (files, transaction), collect.c
 * (documents), index.c (what leads to them) and entries.c (view entries that wait
 * to be written).
 */
#ifndef POSTIL_DIRECTORY_COMPILE_H
#define POSTIL_DIRECTORY_COMPILE_H

#include "base/dxl.h"
#include "directory/documents.h"

/* Entries are written in batches sorted by key: inserted as they come, each
 * would touch a page of its own, over and over. */
struct entries {
	struct arena arena;
	struct entry *list;
	size_t count, room;
};
void entries_init(struct entries *entries);
void entries_release(struct entries *entries);
STATUS entries_add(struct entries *entries, struct nsf *nsf, const char *view,
                   struct slice key, uint64_t note_id, struct slice value);
STATUS entries_flush(struct entries *entries, struct nsf *nsf);

/* The names that lead to a document, one behind the other in text. */
#define KEYS_MAX 1024
struct keys {
	struct buf text;
	struct key {
		size_t at, n;
		bool more;              /* MORE_SUFFIX follows */
		unsigned by;            /* enum directory_by, bits; 0 other names */
	} list[KEYS_MAX];
	size_t count;
};

struct compile {
	char *names_dir;
	struct nsf *nsf;                /* NULL: only checking, nothing is written */
	struct files files;
	struct documents documents;
	struct entries entries;
	struct keys keys;               /* of the document being taken */
	struct compile_report report;
	void (*say)(void *context, const char *text);
	void *context;
	struct fault *fault;
	uint32_t costliest_rounds;      /* of all living documents */
	bool documents_changed, files_changed;
	bool uncovered;                 /* what stood in place of another document has gone */

	/* the file being read */
	struct file *file;
	int fd;
	uint32_t run;
	unsigned line;                  /* of the document being taken */
	unsigned warnings_said;         /* of this file; too many become one line */
	bool keep_unseen;               /* of this file: a broken document may be any of them */
	bool quiet;                     /* warnings have been told before */
	uint64_t checked_id;            /* stands for note ids when only checking */
	struct cross *cross;            /* NULL: what shows only across documents is not told */
};

/* file:line: text. A fault costs a document, a warning does not. */
__attribute__((format(printf, 3, 4)))
void compile_fault(struct compile *c, unsigned line, const char *format, ...);
__attribute__((format(printf, 3, 4)))
void compile_warn(struct compile *c, unsigned line, const char *format, ...);
/* What comes of it; counts as nothing. */
__attribute__((format(printf, 3, 4)))
void compile_say(struct compile *c, unsigned line, const char *format, ...);

/* Say how many more of these warnings there were than are told; where is "" or a folder with
 * its slash, what may be "". The next ones are told again. */
void compile_end_warnings(struct compile *c, const char *where, const char *what);

/* Where an item of that name stands, else the document. */
unsigned compile_line(const struct note *note, const char *item_name);

struct form {
	const char *form;
	enum document_kind kind;
	const char *name_item;          /* NULL: nothing names it */
};

/* One document of the current file. */
STATUS collect_note(struct compile *c, const struct note *note);
/* A document of the current file that cannot be used, as far as it was read: what it was
 * before is not dropped. */
void collect_broken(struct compile *c, const struct note *note);
/* A document is no longer in its file: delete its note. */
STATUS collect_drop(struct compile *c, struct document *document);


/* Find the names that lead to a document, say what is wrong with its items, and with
 * write put its entries into the views. Sets what the document remembers of them. */
STATUS index_document(struct compile *c, const struct form *form, const struct note *note,
                      struct document *document, bool write);
/* Only what $Documents says of it. */
STATUS index_remember(struct compile *c, const struct document *document);

/* local.c: LocalPerson documents, a person's items that are kept beside an export. After
 * all files: bring records of persons into line with them. */
#define LOCAL_FORM "LocalPerson"
#define LOCAL_FOLDER "local/"           /* below DATA/names */
STATUS local_apply(struct compile *c);

#endif

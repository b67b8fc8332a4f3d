/*
 * What a compilation remembers from one run to the next: the DXL files with
 * their state, and for each document which file it came from, who it is
 * (UNID, form and name) and a digest of what it said.
 */
#ifndef POSTIL_DIRECTORY_DOCUMENTS_H
#define POSTIL_DIRECTORY_DOCUMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "directory/private.h"
#include "nsf/nsf.h"

/* --- files ------------------------------------------------------------------------ */

enum file_flag {
	FILE_KNOWN = 1,         /* its digest is that of the last reading */
	FILE_GOOD = 2,          /* its documents are those of a file read to its end */
	FILE_COVERED = 4        /* a later file has replaced a document of it */
};

#define FILE_DIGEST_OCTETS 32

struct file {
	char *name;             /* under DATA/names/ */
	uint32_t id;            /* for ever, in $Documents */
	uint32_t flags;         /* enum file_flag */
	uint32_t faults;        /* faulty documents at the last reading */
	int64_t mtime_ns;       /* 0: too young to be trusted */
	uint64_t size;
	uint8_t digest[FILE_DIGEST_OCTETS];
	/* of this run */
	uint32_t rank;          /* later files have higher ones */
	bool present, pending, again;   /* again: read it even if it has not changed */
	int64_t mtime_now_ns;
	uint64_t size_now;
	uint32_t first_document;        /* index + 1 in documents; 0: none */
};

struct files {
	struct file **list;
	size_t count, room;
	uint32_t next_id;
	void *by_name;          /* tsearch */
};

void files_init(struct files *files);
void files_release(struct files *files);
/* From and to the property; a missing one is an empty table. */
STATUS files_load(struct files *files, struct nsf *nsf);
STATUS files_save(const struct files *files, struct nsf *nsf);
struct file *files_find(const struct files *files, const char *name);
struct file *files_by_id(const struct files *files, uint32_t id);
STATUS files_add(struct files *files, const char *name, struct file **file_r);
/* Look for DXL files below names_dir: present ones get present, rank and what
 * stat says of them. */
STATUS files_scan(struct files *files, const char *names_dir, struct fault *fault);

/* --- documents --------------------------------------------------------------------- */

#define IDENTITY_OCTETS 16

struct identity {
	uint8_t octets[IDENTITY_OCTETS];
};

enum document_flag {
	DOCUMENT_DEAD = 1,      /* deleted in this run */
	DOCUMENT_COVERS = 2,    /* stands in place of a document of an earlier file */
	DOCUMENT_NEW = 4,       /* put in this run: its view entries may still wait */
	DOCUMENT_MADE_UNID = 8, /* it has none of its own: made of form and name */
	DOCUMENT_LOCALIZED = 16 /* a person: its record holds what a LocalPerson document says;
	                         * a LocalPerson: it is in force */
};

struct document {
	uint64_t note_id;
	struct file *file;
	uint32_t next_in_file;  /* index + 1 */
	uint32_t next_namesake; /* index + 1: another one of the same form_name */
	uint32_t run;           /* the reading in which it was last seen; 0: in none of this run */
	uint32_t line;          /* in its file */
	uint32_t rounds;        /* of its costliest V3 digest; 0: none */
	uint8_t kind, flags;    /* enum document_kind, enum document_flag */
	bool named;             /* form_name is set */
	struct identity unid, form_name;
	struct identity digest;
};

struct documents {
	struct document *list;
	uint32_t count, room;
	uint32_t *slots;        /* hash table of index + 1, by unid and by form_name */
	uint32_t slot_count, used;
};

void documents_init(struct documents *documents);
void documents_release(struct documents *documents);
STATUS documents_load(struct documents *documents, struct files *files, struct nsf *nsf);
/* A new one, taken into its file's list and the hash table; values but the links
 * are copied from document. The pointer holds until the next call. */
STATUS documents_add(struct documents *documents, const struct document *document,
                     struct document **document_r);
/* A living document of that UNID, or NULL. */
struct document *documents_find(struct documents *documents, const struct identity *unid);
/* The first living document of that form_name, and the next one of its name, or NULL. A
 * person and the LocalPerson document for it have the same form_name. */
struct document *documents_named(struct documents *documents, const struct identity *form_name);
struct document *documents_namesake(struct documents *documents, const struct document *after);
/* Value and key of its $Documents entry. */
void document_encode(const struct document *document, struct buf *out);
void document_key(uint64_t note_id, uint8_t key[8]);
/* Name of the file that a note came from, appended to out; nothing if nobody knows. */
STATUS document_file(struct nsf *nsf, uint64_t note_id, struct buf *out);

#endif

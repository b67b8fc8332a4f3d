/* What the files of the import share: import.c judges and delivers, importfile.c
 * reads files with one message or many, importdir.c directories. */
#ifndef POSTIL_MAILFILE_IMPORTER_H
#define POSTIL_MAILFILE_IMPORTER_H

#include "base/arena.h"
#include "mailfile/import.h"
#include "mailfile/known.h"
#include "mailfile/message.h"

#define IMPORT_READ_OCTETS (256u * 1024)
#define TRASH_FOLDER "($Trash)"

/* What the source says of the message under way. */
struct incoming {
	struct slice uidl;              /* empty: none known */
	bool unusable;                  /* one was known, but POP3 cannot carry it */
	unsigned flags;                 /* UIDL_FLAG_* */
	int64_t received_ms;            /* 0: not known */
};

struct importer {
	struct mail_store *store;
	const char *path;
	struct slice owner;
	const struct import_options *options;
	struct import_report *report;
	struct fault *fault;
	struct known *known;

	struct intake **intakes;        /* of the batch */
	struct maildrop_delivery *deliveries;
	struct label {                  /* of each, for people */
		const char *source;
		uint64_t number;
	} *labels;
	size_t batch, count;
	uint64_t batch_octets;          /* that it holds */
	struct arena arena;             /* what the deliveries point to, as long as the batch */

	struct intake *current;         /* the message being read, or NULL */
	bool passing;                   /* it is passed over */
	struct incoming incoming;
	struct slice folder;            /* where messages go now; empty: the inbox */
	struct arena folders;           /* their names, as long as the import */
	bool folder_counted;
	const char *source;             /* for people: the file */
	uint64_t number;                /* of the message in it, else 0 */
	uint64_t done_octets, total_octets;
	char *buffer;                   /* IMPORT_READ_OCTETS */
};

/* --- import.c --- */
/* One message: begin, then im->incoming may be filled in until end, octets, end. */
STATUS importer_begin(struct importer *im);
STATUS importer_octets(struct importer *im, const void *p, size_t n);
STATUS importer_end(struct importer *im);
/* The message under way comes to nothing: it is no mail. */
void importer_forget(struct importer *im);
/* Counted, and said. */
void importer_pass_over(struct importer *im, const char *why);
__attribute__((format(printf, 2, 3)))
void importer_say(struct importer *im, const char *format, ...);
void importer_progress(struct importer *im);
/* Another folder from now on. */
void importer_folder(struct importer *im, struct slice folder);
STATUS importer_read_failed(struct importer *im, const char *name, int error);
/* A UIDL as the source has it: kept in the batch's arena, or found unusable. */
STATUS importer_uidl(struct importer *im, struct slice uidl);
/* What a map says of the message under way; facts may be NULL. */
void importer_facts(struct importer *im, const struct uidl_facts *facts);

/* --- importfile.c --- */
/* A file with one message, or many; form AUTO looks. im->source is its name. */
STATUS importer_file(struct importer *im, int fd, enum mail_form form);

/* --- importdir.c --- */
STATUS importer_directory(struct importer *im, const char *dir);

#endif

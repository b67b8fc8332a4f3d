/* What the files of the export share: export.c goes through the messages,
 * exportmbox.c and exportdir.c write them. */
#ifndef POSTIL_MAILFILE_EXPORTER_H
#define POSTIL_MAILFILE_EXPORTER_H

#include <stdio.h>

#include "mailfile/export.h"

#define EXPORT_PIECE_OCTETS (256u * 1024)

struct exporter {
	struct mail_store *store;
	const char *path;               /* of the mail file */
	const struct export_options *options;
	struct export_report *report;
	struct fault *fault;
	struct maildrop *drop;          /* of the inbox, or of the folder under way */
	struct slice folder;            /* its name; empty: the inbox */
	const char *destination;
	const char *where;              /* the directory of the folder under way */
	enum mail_form form;
	uint64_t total_octets;          /* of the inbox; for the progress */
	uint32_t validity;              /* UID validity of what is written */
	FILE *file;                     /* mbox, or the message under way */
	FILE *map;
	FILE *uidlist;                  /* of the folder under way */
	char *piece;
	uint64_t written;               /* octets of the message under way, as they lie there */

	struct maildrop_message message;        /* under way */
	struct maildrop_details details;
	uint32_t uid;                   /* its number in its folder, from 1 */
};

/* --- export.c --- */
STATUS export_failed(struct exporter *ex, const char *name);    /* by errno */
STATUS export_new_file(struct exporter *ex, const char *name, FILE **file_r);
/* Written out and closed; sync: on the disk as well. NULL is fine. */
STATUS export_close_file(struct exporter *ex, FILE **file, const char *name, bool sync);
STATUS export_octets(void *context, const void *p, size_t n);
/* The message's octets after its first piece, which is in ex->piece; each goes to put. */
STATUS export_rest(struct exporter *ex, uint32_t index, size_t got,
                   STATUS (*put)(void *context, const void *p, size_t n), void *context);
/* Give the UIDL map a line; nothing without one. */
STATUS export_map_line(struct exporter *ex, const char *key);

/* --- exportmbox.c: the first piece of the message is in ex->piece --- */
STATUS export_mbox_message(struct exporter *ex, uint32_t index, size_t got);

/* --- exportdir.c --- */
STATUS export_make_directory(struct exporter *ex);      /* of the folder under way */
STATUS export_file_message(struct exporter *ex, uint32_t index, size_t got);
STATUS export_finish_directory(struct exporter *ex);
/* All that was written below the destination is on the disk. */
STATUS export_sync(struct exporter *ex);
/* Where the folder under way goes, appended; POSTIL_ERR_INVALID: nowhere. */
STATUS export_folder_path(struct exporter *ex, struct buf *out);

#endif

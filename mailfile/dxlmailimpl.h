/* What the files of the import of DXL share. */
#ifndef POSTIL_MAILFILE_DXLMAILIMPL_H
#define POSTIL_MAILFILE_DXLMAILIMPL_H

#include "mailfile/dxlmail.h"

#define DXLMAIL_BATCH 50
#define DXLMAIL_FOLDERS_MAX 64          /* of one document */

/* A document of the batch. */
struct waiting {
	struct note note;
	struct slice folders[DXLMAIL_FOLDERS_MAX];      /* beside the inbox */
	size_t folder_count;
	bool read, uidl_told;           /* told: why it does not keep its UIDL */
	bool in_inbox, wants_octets, lost;
	struct intake *intake;          /* NULL: it needs no octets */
	struct maildrop_delivery octets;
	struct slice uidl;
	char label[256];
};

struct dxl_importer {
	struct nsf *nsf;
	const struct import_options *options;
	struct import_report *report;
	struct fault *fault;
	const char *source;             /* the file being read */
	int fd;
	uint64_t done_octets, total_octets;
	uint64_t others;

	struct waiting batch[DXLMAIL_BATCH];
	size_t count;
	uint64_t octets;
	struct arena arena;
};

/* --- dxlmailsource.c --- */
__attribute__((format(printf, 2, 3)))
void dxlmail_say(struct dxl_importer *im, const char *format, ...);
/* "FILE:LINE: document UNID "Subject"" */
void dxlmail_label(const struct dxl_importer *im, const struct note *note, char out[256]);
/* A file, the files of a folder, or "-". */
STATUS dxlmail_read(struct dxl_importer *im, const char *source);

/* --- dxlmail.c --- */
/* The next document; it may wait for others until dxlmail_flush. */
STATUS dxlmail_take(struct dxl_importer *im, const struct note *note);
STATUS dxlmail_flush(struct dxl_importer *im);

#endif

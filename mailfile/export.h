/*
 * Messages out of a mail file: .eml files, mbox, mboxrd, Maildir.
 *
 * Nothing is ever overwritten: the destination must not exist. What was written
 * is synced before the call returns. The session lock is not taken; messages
 * deleted meanwhile are left out and counted.
 */
#ifndef POSTIL_MAILFILE_EXPORT_H
#define POSTIL_MAILFILE_EXPORT_H

#include "mailfile/import.h"

struct export_options {
	/* EML: a directory of 1.eml, 2.eml... with the octets as stored. MAILDIR: a
	 * directory with cur, new, tmp. MBOX, MBOXRD: a file ("-": standard output);
	 * in MBOX only lines that begin "From " are quoted, which cannot be undone.
	 * AUTO is MBOXRD. */
	enum mail_form form;
	const char *uidl_map;           /* a file to be made: KEY UIDL of each; may be NULL */
	void (*progress)(void *context, uint64_t done_octets, uint64_t total_octets,
	                 uint64_t messages);
	void *context;
};

struct export_report {
	uint64_t messages, octets;      /* octets in stored form */
	uint64_t gone;                  /* deleted while this ran */
};

STATUS export_mail(struct mail_store *store, const char *path, const char *destination,
                   const struct export_options *options, struct export_report *report,
                   struct fault *fault);

#endif

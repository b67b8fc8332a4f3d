/*
 * Messages out of a mail file: .eml files, mbox, mboxrd, Maildir.
 *
 * What comes back in by import is the same: octets, UIDLs, and as far as the form
 * carries them read marks, dates of receipt and folders.
 *
 * Nothing is ever overwritten: the destination must not exist. What was written
 * is synced before the call returns. The session lock is not taken; messages
 * deleted meanwhile are left out and counted.
 */
#ifndef POSTIL_MAILFILE_EXPORT_H
#define POSTIL_MAILFILE_EXPORT_H

#include "mailfile/import.h"

struct export_options {
	/* EML: a directory of 1.eml, 2.eml... with the octets as stored and the date of receipt
	 * as the file's time. MAILDIR: a directory with cur, new, tmp; all messages lie in cur,
	 * flags in their names, and dovecot-uidlist gives the UIDLs, so that a Dovecot serves
	 * the same ones. MBOX, MBOXRD: a file ("-": standard output); in MBOX only lines that
	 * begin "From " are quoted, which cannot be undone. AUTO is MBOXRD. */
	enum mail_form form;
	const char *uidl_map;           /* a file to be made: KEY UIDL of each; may be NULL */
	bool books;                     /* MBOX, MBOXRD: UIDLs and marks go into the header, as
	                                 * mailfile/mboxhead.h says */
	bool folders;                   /* MAILDIR: the folders too, as Maildir++ */
	const char *folder;             /* this one in place of the inbox; may be NULL */
	void (*progress)(void *context, uint64_t done_octets, uint64_t total_octets,
	                 uint64_t messages);
	void (*say)(void *context, const char *text);   /* of folders left out; may be NULL */
	void *context;
};

struct export_report {
	uint64_t messages, octets;      /* octets in stored form */
	uint64_t folders;               /* beside the inbox */
	uint64_t gone;                  /* deleted while this ran */
	uint64_t left_out;              /* folders whose names no Maildir can have */
};

STATUS export_mail(struct mail_store *store, const char *path, const char *destination,
                   const struct export_options *options, struct export_report *report,
                   struct fault *fault);

#endif

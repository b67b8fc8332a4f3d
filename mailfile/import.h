/*
 * Messages from files into a mail file: .eml, mbox, mboxrd, Maildir.
 *
 * Delivered in batches, each all or none. What cannot be read or is too long is
 * told and passed over; a failure of the store ends the import, and the report
 * says how many messages are in.
 */
#ifndef POSTIL_MAILFILE_IMPORT_H
#define POSTIL_MAILFILE_IMPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "mailfile/store.h"

enum mail_form {
	MAIL_FORM_AUTO,         /* a directory with cur or new: Maildir; another: its
	                         * *.eml files; a file that begins "From ": mbox; else eml */
	MAIL_FORM_EML, MAIL_FORM_MBOX, MAIL_FORM_MBOXRD, MAIL_FORM_MAILDIR,
	MAIL_FORM_DXL           /* documents, see mailfile/dxlmail.h */
};
/* false: no such form. */
bool mail_form_parse(const char *text, enum mail_form *form_r);

/* Which message had which UIDL: lines `KEY UIDL`, or a dovecot-uidlist. KEY is a
 * file's name without directory and Maildir flags, or a message's number in its
 * mbox file. */
struct uidl_map;
STATUS uidl_map_read(const char *path, struct uidl_map **map_r, struct fault *fault);
void uidl_map_free(struct uidl_map **map);
struct slice uidl_map_find(const struct uidl_map *map, struct slice key); /* empty: none */
size_t uidl_map_count(const struct uidl_map *map);

struct import_options {
	enum mail_form form;
	size_t batch;                   /* messages in one transaction, default 50 */
	uint64_t max_octets;            /* of one message, default 1 GiB */
	const struct uidl_map *uidls;   /* may be NULL */
	/* Now and then; total_octets 0: not known. May be NULL. */
	void (*progress)(void *context, uint64_t done_octets, uint64_t total_octets,
	                 uint64_t messages);
	void (*say)(void *context, const char *text);   /* of each message passed over */
	void *context;
};

struct import_report {
	uint64_t messages, octets;      /* delivered, in stored form */
	uint64_t passed_over;
	uint64_t uidls;                 /* of the messages, taken from the map */
};

/* source: a path, or "-" for standard input. The mail file is made if needed.
 * The report is added to, also on failure. */
STATUS import_mail(struct mail_store *store, const char *path, struct slice owner,
                   const char *source, const struct import_options *options,
                   struct import_report *report, struct fault *fault);

#endif

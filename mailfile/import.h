/*
 * Messages from files into a mail file: .eml, mbox and its kin, the Maildirs of
 * Dovecot and Courier, the spool of Cyrus; documents in DXL (dxlmail.h).
 *
 * What the old server knew comes along: the UIDLs that clients know, read marks, the
 * date of receipt, folders. A message that is there already (the same UIDL and the
 * same octets; without a known UIDL: the same octets) is passed over and counted, so
 * that an import may run again. A UIDL that names other octets in the mail file, and
 * one that POP3 cannot carry, is told and a new one made.
 *
 * Delivered in batches, each all or none. What cannot be read or is too long is
 * told and passed over; a failure of the store ends the import, and the report
 * says how many messages are in. Memory is bounded by the batch, whatever the
 * length of messages and files; of a directory the names are kept.
 */
#ifndef POSTIL_MAILFILE_IMPORT_H
#define POSTIL_MAILFILE_IMPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "mailfile/store.h"
#include "mailfile/uidlmap.h"

enum mail_form {
	MAIL_FORM_AUTO,         /* a directory with cyrus.index or cyrus.header: Cyrus; with cur or
	                         * new: Maildir; with *.dxl files: DXL; another: its *.eml files; a
	                         * file that begins "From ": mbox; as XML: DXL; else eml */
	MAIL_FORM_EML,
	MAIL_FORM_MBOX,         /* mboxo: lines stay as they are */
	MAIL_FORM_MBOXRD,       /* one `>` is taken off lines that match >+From */
	MAIL_FORM_MBOXCL2,      /* not quoted: Content-Length says where a message ends, if a
	                         * message does end there */
	MAIL_FORM_MAILDIR, MAIL_FORM_CYRUS,
	MAIL_FORM_DXL           /* documents, see mailfile/dxlmail.h */
};
/* false: no such form. */
bool mail_form_parse(const char *text, enum mail_form *form_r);

/* The header fields in which servers keep their books in an mbox file: Status,
 * X-Status, X-UID, X-IMAP, X-IMAPbase, X-Keywords, Content-Length. */
enum mail_books {
	MAIL_BOOKS_AUTO,        /* removed where X-IMAPbase or X-IMAP in the first message says that
	                         * a server kept them which does not show them to clients */
	MAIL_BOOKS_KEEP,
	MAIL_BOOKS_REMOVE       /* X-UIDL too */
};

struct render_options;

struct import_options {
	enum mail_form form;
	size_t batch;                   /* messages in one transaction, default 400 */
	uint64_t batch_octets;          /* and octets, default 2 MiB */
	uint64_t max_octets;            /* of one message, default 1 GiB */
	const struct uidl_map *uidls;   /* comes before what the source says itself; may be NULL */
	const struct uidl_format *uidl_format;  /* how the old server made UIDLs that it has not
	                                         * written down; NULL: as it does by default */
	bool folders;                   /* of a Maildir or Cyrus spool: its folders too */
	const char *folder;             /* which takes the messages; NULL: the inbox */
	enum mail_books books;
	bool dry_run;                   /* tell what would be; change nothing, make no mail file */
	const struct render_options *render;    /* for documents (DXL); may be NULL */
	/* Now and then; total_octets 0: not known. May be NULL. */
	void (*progress)(void *context, uint64_t done_octets, uint64_t total_octets,
	                 uint64_t messages);
	/* Of each message passed over, each UIDL not kept, each file of UIDLs. May be NULL. */
	void (*say)(void *context, const char *text);
	void *context;
};

struct import_report {
	uint64_t messages, octets;      /* delivered, in stored form */
	uint64_t read;                  /* of the messages: without unread mark */
	uint64_t filed;                 /* of the messages: into folders */
	uint64_t folders;               /* that got messages */
	uint64_t uidls;                 /* of the messages: with the UIDL that clients know */
	uint64_t uidls_made;            /* none was known */
	uint64_t uidls_clashing;        /* it names other octets here: a new one was made */
	uint64_t uidls_unusable;        /* over 70 octets, or none that POP3 can carry: a new one */
	uint64_t documents;             /* of DXL: kept, but without octets, since they lie where POP3
	                                 * does not look */
	uint64_t present;               /* passed over: there already */
	uint64_t passed_over;           /* for another reason, which was said */
	uint64_t lines_ignored;         /* of files of UIDLs */
	uint64_t expunged;              /* deleted on the old server, left out */
	uint64_t missing;               /* named by an index, without a file */
};

/* source: a path, or "-" for standard input. The mail file is made if needed.
 * The report is added to, also on failure. */
STATUS import_mail(struct mail_store *store, const char *path, struct slice owner,
                   const char *source, const struct import_options *options,
                   struct import_report *report, struct fault *fault);

#endif

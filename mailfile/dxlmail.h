/*
 * Mail as DXL: documents of a Notes mail file, in with all their items and out with
 * them again.
 *
 * In. A file is one document or a whole database; of a folder every .dxl and .xml file
 * is read, in order of their names. What a document is decides where it goes:
 *
 *   form Mailrule; Stationery, or with MailStationeryName        (Rules); (Stationery)
 *   form Appointment without DeliveredDate; form Task            ($Calendar); ($ToDo)
 *   mail: a form of mail or with DeliveredDate, or a message in it
 *     that was delivered (DeliveredDate, a Received field), or has
 *       neither date but a whole message                         the inbox
 *     that was sent (PostedDate)                                 ($Sent)
 *     else                                                       ($Drafts)
 *   anything else                                                no folder: ($All)
 *
 * Import_options.folder puts all of them into that folder instead, or into the inbox.
 * DXL does not say which documents lie in which folder, nor which are unread: all are new.
 * What is no document (design elements, profile documents) is passed over and told. What
 * goes to the inbox is rendered (render.h) before it is delivered.
 *
 * A UNID is kept. If another document has it here, the new one gets one made of its UNID and
 * its content; so the same document, imported again, is known to be there and is passed
 * over. The UIDL is that of the item MailPop3UIDL if POP3 can carry it and no other message
 * here has or had it.
 *
 * Out. Every note of the file but what lies in the trash, with all items; a message that was
 * received is the document's <mime>. Such an export, imported again, gives the same messages
 * with the same UIDLs, folders and marks; a Domino server takes it too.
 */
#ifndef POSTIL_MAILFILE_DXLMAIL_H
#define POSTIL_MAILFILE_DXLMAIL_H

#include "base/note.h"
#include "mailfile/export.h"
#include "mailfile/import.h"

struct nsf;

/* Items of an export that are none of the note's: what DXL has no place for. The import
 * takes them off and does what they say. */
#define DXLMAIL_FOLDERS "$PostilFolders"        /* the folders it lies in */
#define DXLMAIL_UNREAD "$PostilUnread"          /* for the owner: 1, or 0 */
#define DXLMAIL_UIDL "$PostilUIDL"
#define DXLMAIL_MESSAGE "$PostilMessage"        /* 1: a received message, its octets in <mime> */

/* As import_mail; the mail file must be a note database. POSTIL_ERR_SYNTAX: a file is not
 * well-formed, the fault says where; what came before is in, and so are the other files of
 * a folder. */
STATUS dxlmail_import(struct mail_store *store, const char *path, struct slice owner,
                      const char *source, const struct import_options *options,
                      struct import_report *report, struct fault *fault);
/* Is it a file that begins as DXL does, or a directory with .dxl files that is none of mail? */
bool dxlmail_is_source(const char *source);

/* As export_mail; the destination is a file or "-". */
STATUS dxlmail_export(struct mail_store *store, const char *path, const char *destination,
                      const struct export_options *options, struct export_report *report,
                      struct fault *fault);

/* The note database behind a path of the store. */
STATUS dxlmail_open(struct mail_store *store, const char *path, struct nsf **nsf_r,
                    struct fault *fault);

/* --- dxlmailnote.c ------------------------------------------------------------------ */

/* Which folder a document belongs to, as above; empty: none. */
struct slice dxlmail_folder(const struct note *note);
/* When it came, as far as it says: milliseconds since 1970, or 0. */
int64_t dxlmail_received(const struct note *note);
/* Have both the same items with the same values? Blobs are read. */
STATUS dxlmail_compare(const struct note *a, const struct note *b, bool *same_r);
/* A UNID made of one and the content of a note: always the same of the same. */
STATUS dxlmail_derive(const struct note *note, struct unid *unid_r);
/* What an export has said beside the items. Texts are the note's. */
struct dxlmail_extras {
	const struct item *folders;     /* NULL: not said */
	struct slice uidl;
	bool unread_known, unread;
	const struct item *message;     /* whose octets are the message; NULL: it is to be rendered */
};
struct dxlmail_extras dxlmail_extras(const struct note *note);
/* With values in memory copied to arena and without extras; blobs stay what they are. */
STATUS dxlmail_copy(const struct note *note, struct arena *arena, struct note *copy_r);

#endif

/*
 * The Notes side of a mail file: what a user of Notes does to it, while POP3 sessions have it
 * open. No session lock is taken or waited for; each call is one transaction, all or none.
 *
 * A session that listed the inbox before keeps its numbers: what is moved away here can still be
 * fetched by it, what is deleted answers one -ERR, and its DELE of what has been moved leaves
 * it where it is.
 *
 * Names and texts come from outside and are checked.
 */
#ifndef POSTIL_MAILFILE_NOTES_H
#define POSTIL_MAILFILE_NOTES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/fault.h"
#include "nsf/nsf.h"

/* One note of a folder. Texts lie in memory until the callback returns. */
struct notes_entry {
	uint64_t note_id;
	uint32_t number;                /* its place in the folder, from 1 */
	bool has_message;               /* else it waits to be rendered, or never was in the inbox */
	uint64_t size_octets;           /* of the message */
	bool unread;
	int64_t date_ms;                /* PostedDate, else when it was made here */
	struct slice from, subject;     /* UTF-8 */
};
/* The notes of a folder, the inbox in the order of POP3. user: canonical, whose marks; empty: unread
 * tells nothing. POSTIL_ERR_NOT_FOUND: no such folder. */
STATUS notes_list(struct nsf *nsf, struct slice folder, struct slice user,
                  STATUS (*each)(void *context, const struct notes_entry *entry), void *context,
                  struct fault *fault);

/* Which notes a text names: "NT0000012E" (a note id, as notes_list has it, in hexadecimal), "7" or
 * "3-9" (numbers of the folder as it is now). Added to ids, which the caller frees. */
struct notes_ids {
	uint64_t *all;
	size_t count, room;
};
void notes_ids_release(struct notes_ids *ids);
STATUS notes_ids_add(void *ids, uint64_t id);   /* what nsf_folder_each and the like call */
STATUS notes_choose(struct nsf *nsf, struct slice folder, const char *text, struct notes_ids *ids,
                    struct fault *fault);
/* The note of a message in the inbox, by UIDL. */
STATUS notes_choose_uidl(struct nsf *nsf, struct slice uidl, struct notes_ids *ids,
                         struct fault *fault);

/* Marks of a user (canonical name). */
STATUS notes_mark(struct nsf *nsf, struct slice user, bool read, const struct notes_ids *ids,
                  struct fault *fault);
/* Out of one folder into another, which must exist. from "($All)": out of none. to "($Trash)": out
 * of all, until restored. */
STATUS notes_move(struct nsf *nsf, struct slice from, struct slice to, const struct notes_ids *ids,
                  struct fault *fault);
/* Where deletions are kept for a time, to the trash, and from there for good; else for good. */
STATUS notes_delete(struct nsf *nsf, bool for_good, const struct notes_ids *ids,
                    struct fault *fault);
/* Out of the trash, to where it was. POSTIL_ERR_NOT_FOUND: one is not in it. */
STATUS notes_restore(struct nsf *nsf, const struct notes_ids *ids, struct fault *fault);
/* All in the trash, for good. Not one transaction, but in steps. */
STATUS notes_empty_trash(struct nsf *nsf, uint64_t *count_r, struct fault *fault);

/* --- properties: names and values as an administrator writes them ---------------
 *
 *   title                   text
 *   owner                   a name; stored in its canonical form
 *   quota, warning          octets, with K, M or G for 2^10, 2^20, 2^30; 0: none
 *   quota-messages          a number; 0: none
 *   soft-deletion           hours; 0: off
 *   cutoff                  days that stubs are kept
 *   replica                 sixteen hexadecimal digits, in the middle a colon or none
 *   format                  0 Notes rich text, 1 no preference, 2 MIME
 *
 * format is the owner's format preference for incoming mail (MessageStorage of the Person document),
 * kept for those who ask for it. It changes nothing of what is stored or served: mail stays as it
 * came, octet for octet, and notes that hold both forms serve the one that came.
 */
STATUS notes_property_set(struct nsf *nsf, const char *name, struct slice value,
                          struct fault *fault);
STATUS notes_properties_each(struct nsf *nsf,
                             STATUS (*each)(void *context, const char *name, struct slice value),
                             void *context, struct fault *fault);

#endif

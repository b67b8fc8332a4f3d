/*
 * Names in a Maildir: of messages (flags behind ":2,", the second of delivery
 * before the first dot) and of folders (Maildir++: `.A.B` is B in A, in modified
 * UTF-7, RFC 3501, 5.1.3).
 */
#ifndef POSTIL_MAILFILE_MAILDIRNAME_H
#define POSTIL_MAILFILE_MAILDIRNAME_H

#include "base/buf.h"
#include "mailfile/uidlmap.h"

/* UIDL_FLAG_*: S seen, R answered, F flagged, D draft, T deleted. */
unsigned maildir_flags(struct slice name);
/* The second since 1970 that the name begins with; 0: none. */
int64_t maildir_secs(struct slice name);

/* The folder that "Sent.2024" (or, with separator '/', "Sent/2024") is here, appended:
 * `\` between parents and children, Sent, Drafts, Trash and Junk under the names they
 * have in Notes. POSTIL_ERR_INVALID: it can be no folder's name. */
STATUS maildir_folder_in(struct slice name, char separator, struct buf *out);
/* The other way: without a dot before it. */
STATUS maildir_folder_out(struct slice folder, struct buf *out);

/* Modified UTF-7 to UTF-8; what is none stays as it is. And back. */
void maildir_utf7_decode(struct slice name, struct buf *out);
void maildir_utf7_encode(struct slice name, struct buf *out);

#endif

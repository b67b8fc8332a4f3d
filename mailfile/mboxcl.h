/*
 * mboxcl2: an mbox file whose lines are not quoted; Content-Length says how long a
 * message's body is. It is believed where the file or a line "From " follows what it
 * says; else the message ends, as in other mbox files, at the next "From " behind an
 * empty line.
 */
#ifndef POSTIL_MAILFILE_MBOXCL_H
#define POSTIL_MAILFILE_MBOXCL_H

#include "mailfile/mbox.h"

/* Of the message whose header was just given out: has it a Content-Length? */
typedef bool mbox_length_call(void *context, uint64_t *length_r);

/* fd: a regular file, from its beginning. buffer: at least 4096 octets. Events as of
 * mbox_reader; header_end is called behind the octets of each header. POSTIL_ERR_SYNTAX,
 * POSTIL_ERR_IO with errno, or what an event answered. */
STATUS mboxcl_read(int fd, char *buffer, size_t size, const struct mbox_events *events,
                   mbox_length_call *length, void *context);

#endif

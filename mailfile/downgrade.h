/*
 * A message with UTF-8 in its headers (RFC 6532) as one that every client can
 * read: post-delivery downgrading, RFC 6857.
 *
 * What is changed, at every level of the message, is header fields alone: text
 * and display names become encoded words (RFC 2047), parameters the form of RFC
 * 2231, domains A-labels (RFC 5890), an address whose local part cannot be
 * written in ASCII a group of nobody that shows it (`=?UTF-8?Q?...?= :;`), what
 * has no such form a field `Downgraded-NAME`. message/global and its sisters of
 * RFC 6533 get the types they had before there was UTF-8 in mail. Bodies,
 * boundaries and line ends stay octet for octet, so the parts are the same and
 * so are their octets. Fields without octets above 127 stay as they came.
 *
 * RFC 6857 rather than the simpler RFC 6858: the latter puts invented addresses
 * and fixed texts in place of what it takes away; here nothing the reader could
 * be shown is lost, for a few hundred lines that run once per message.
 *
 * The result is another sequence of octets than the message, so it has a UIDL of
 * its own (one UIDL names one sequence of octets for ever; a client that comes
 * back with UTF8 sees new UIDLs for these messages, and only for these).
 *
 * The message is hostile: it is read in pieces twice (headers once to know what
 * they are, once to convert them), memory does not grow with it: one field of at
 * most DOWNGRADE_FIELD_OCTETS, DOWNGRADE_DEPTH boundaries.
 */
#ifndef POSTIL_MAILFILE_DOWNGRADE_H
#define POSTIL_MAILFILE_DOWNGRADE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct intake;

#define DOWNGRADE_FIELD_OCTETS (256u * 1024)    /* a longer one with UTF-8 in it is refused */
#define DOWNGRADE_DEPTH 64                      /* messages and multiparts in each other */

/* The octets of a message in stored form (message.h). */
struct downgrade_source {
	uint64_t size_octets;
	STATUS (*read)(void *context, uint64_t offset, void *out, size_t size);
	void *context;
};

/* The second form, added to result in pieces (intake_finish is the caller's).
 * *changed_r false: no header has octets above 127, and result holds the message
 * as it is. POSTIL_ERR_INVALID: it cannot be made, since a boundary, or a field
 * too long or too deep in the message, has octets above 127. Other errors are
 * those of read and intake_add. */
STATUS downgrade(const struct downgrade_source *source, struct intake *result, bool *changed_r);

/* Whole header fields of a message's own level, such as delivery puts before it, with all
 * their line ends: the same in ASCII, appended. */
STATUS downgrade_lines(struct slice lines, struct buf *out);

#endif

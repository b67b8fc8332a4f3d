/*
 * The header of a stored message, read for people: fields one by one, values
 * unfolded and decoded to UTF-8 (RFC 5322, RFC 2047), addresses, the date.
 * Used for the items beside a message and by the tools; POP3 never looks here.
 */
#ifndef POSTIL_MAILFILE_HEADER_H
#define POSTIL_MAILFILE_HEADER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* The next field of *rest; false at the empty line or the end. A line that is
 * no field is passed over. value: all of it with its folds, without the last
 * line end. Line ends may be CRLF or LF. */
bool header_next(struct slice *rest, struct slice *name_r, struct slice *value_r);
/* The first field of that name (ASCII case aside). */
bool header_find(struct slice header, const char *name, struct slice *value_r);

/* A value as text: unfolded, encoded words of UTF-8, US-ASCII, ISO-8859-1 and
 * Windows-1252 decoded, other octets that are not UTF-8 taken as ISO-8859-1,
 * control characters as blanks, no blanks at the ends. At most max_octets are
 * appended, cut between characters. */
void header_text(struct slice value, size_t max_octets, struct buf *out);

/* The next address of a list, cut at commas outside quotes, comments and angle
 * brackets; false when there is none left. Not decoded. */
bool header_next_address(struct slice *rest, struct slice *address_r);

/* RFC 5322 date-time, obsolete forms included, to seconds since 1970. */
bool header_date(struct slice value, int64_t *secs_r);

#endif

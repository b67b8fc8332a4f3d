/*
 * Command lines out of a stream of octets, without keeping any: what is not a whole line yet
 * stays with the caller.
 */
#ifndef POSTIL_LMTP_LINE_H
#define POSTIL_LMTP_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct line_reader {
	bool skipping;          /* inside a line that was too long */
};

enum line_result {
	LINE_MORE,              /* no whole line: come back with more octets */
	LINE_READY,             /* *line_r is one, without its CRLF */
	LINE_BARE,              /* a line that a bare LF ended: never a command */
	LINE_TOO_LONG,          /* said once per line; its octets are being skipped */
	LINE_SKIPPED            /* the end of such a line has passed */
};

/* Look at the octets of in. limit counts the line end, too. *used_r octets have been dealt with;
 * the line may be looked at until then. */
enum line_result line_next(struct line_reader *reader, struct slice in, size_t limit,
                           struct slice *line_r, size_t *used_r);

#endif

/*
 * The mbox form (RFC 4155 and its kin): messages one behind the other, each
 * begun by a line "From SENDER DATE" and ended by an empty line.
 *
 * A message begins at "From " at the start of a line after an empty line;
 * Content-Length is not believed (but see mailfile/mboxcl.h). In an mboxrd file one `>` is taken off lines
 * that match >+From; in an mbox file lines stay as they are.
 */
#ifndef POSTIL_MAILFILE_MBOX_H
#define POSTIL_MAILFILE_MBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define MBOX_FROM_OCTETS 200

/* --- reading: octets in, in pieces of any size; messages out ------------------- */

struct mbox_events {
	STATUS (*begin)(void *context);
	STATUS (*octets)(void *context, const void *p, size_t n);
	STATUS (*end)(void *context);
	/* The line that began the message, from "From " to its end, at most
	 * MBOX_FROM_OCTETS of it; behind begin, before octets. May be NULL. */
	STATUS (*from)(void *context, struct slice line);
};

struct mbox_reader {
	const struct mbox_events *events;
	void *context;
	bool unquote;                   /* mboxrd */
	int state;
	bool in_message;
	uint8_t blank;                  /* octets of an empty line held back: 0, 1, 2 */
	uint8_t matched;                /* octets of "From " seen at a line's start */
	uint64_t quotes;                /* `>` before them */
	char from[MBOX_FROM_OCTETS];    /* the line that began the message */
	size_t from_octets;
};

void mbox_reader_init(struct mbox_reader *r, bool unquote, const struct mbox_events *events,
                      void *context);
/* POSTIL_ERR_SYNTAX: it does not begin as an mbox file does. Else what an event
 * answered. */
STATUS mbox_reader_feed(struct mbox_reader *r, const void *p, size_t n);
STATUS mbox_reader_end(struct mbox_reader *r);

/* The date of a line "From SENDER DATE", which is UTC (RFC 4155) unless it names a zone:
 * asctime's form, also without seconds or with a zone before or behind the year. */
bool mbox_from_date(struct slice line, int64_t *secs_r);

/* --- writing: the body of one message, line ends LF, `>` where it is needed ---- */

enum mbox_quoting { MBOX_QUOTE_NONE, MBOX_QUOTE_FROM, MBOX_QUOTE_ALL };

struct mbox_writer {
	enum mbox_quoting quoting;      /* NONE: only line ends are changed */
	STATUS (*octets)(void *context, const void *p, size_t n);
	void *context;
	int state;
	uint8_t matched;
	uint64_t quotes;
	bool held_cr, before_cr;        /* a CR not yet written; another before it */
	bool at_start;                  /* of a line */
};

void mbox_writer_init(struct mbox_writer *w, enum mbox_quoting quoting,
                      STATUS (*octets)(void *context, const void *p, size_t n), void *context);
/* Octets in stored form. CRLF becomes LF, but not behind another CR: read back
 * in, what was written gives the same octets. */
STATUS mbox_writer_feed(struct mbox_writer *w, const void *p, size_t n);
STATUS mbox_writer_end(struct mbox_writer *w);  /* the last line is ended if it was not */

#endif

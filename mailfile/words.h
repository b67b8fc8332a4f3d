/*
 * The value of a header field, written word by word: words with octets above 127
 * become encoded words (RFC 2047), lines are folded at blanks before they pass 76
 * octets. Neighbouring words that must be encoded are encoded as one, so that the
 * blanks between them are seen.
 *
 * An encoded word has at most 75 octets and holds whole characters; it is of UTF-8,
 * or of unknown-8bit (RFC 1428) where the octets are not UTF-8. Q or B, whichever is
 * shorter. Errors: the status of out.
 */
#ifndef POSTIL_MAILFILE_WORDS_H
#define POSTIL_MAILFILE_WORDS_H

#include <stdbool.h>

#include "base/buf.h"

struct words {
	struct buf *out;
	size_t column;          /* octets of the line under way */
	bool in_phrase;         /* phrases and comments allow fewer characters (section 5) */
	bool after_encoded;     /* the last one is an encoded word */
	bool runs;              /* text holds what is to be encoded */
	struct buf text;
	struct slice blanks;    /* before it */
};

bool words_has_high(struct slice s);    /* octets above 127 */

/* out ends with `column` octets of an unfinished line, the field's name and colon. */
void words_start(struct words *w, struct buf *out, size_t column, bool in_phrase);
/* A word that is written as it is unless text, what it means, has octets above 127.
 * blanks stand before it and must stay as they are until words_finish. */
void words_add(struct words *w, struct slice blanks, struct slice raw, struct slice text);
/* The same, encoded in any case. */
void words_encode(struct words *w, struct slice blanks, struct slice text);
/* Octets that stay as they are, with nothing between them and what follows if that has
 * no blanks. What is to be encoded goes out before them. */
void words_raw(struct words *w, struct slice blanks, struct slice raw);
/* A comment begins: on a line of its own if this one is half full. */
void words_break(struct words *w);
/* Writes what waits. Then w may be used on. */
void words_flush(struct words *w);
void words_release(struct words *w);

/* All words of a text, cut at blanks. */
void words_add_text(struct words *w, struct slice text);

#endif

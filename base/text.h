/*
 * Text: UTF-8 checks, case folding, numbers, escaping for a log line.
 * Every input is hostile.
 */
#ifndef POSTIL_BASE_TEXT_H
#define POSTIL_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

bool text_is_utf8(struct slice s);      /* well-formed, no surrogates, no overlong forms */

/* The form under which names are compared: Unicode full case folding and NFC
 * (libunistring), runs of white space become one blank, none at the ends.
 * POSTIL_ERR_INVALID when s is not UTF-8 or holds NUL. Appended to out. */
STATUS text_fold(struct slice s, struct buf *out);

/* text_fold, then compatibility decomposition: letters lose their accents to marks that
 * follow them. What was a letter of ASCII with an accent begins with that letter. */
STATUS text_fold_plain(struct slice s, struct buf *out);

/* Unicode's small letters and NFKC: what a label of an internationalized domain name is
 * before it is looked at (RFC 5895). POSTIL_ERR_INVALID when s is not UTF-8. Appended. */
STATUS text_lower(struct slice s, struct buf *out);
/* NFKC alone. POSTIL_ERR_INVALID when s is not UTF-8. Appended. */
STATUS text_compose(struct slice s, struct buf *out);

/* The character that s, valid UTF-8 and not empty, begins with, and its octets. */
uint32_t text_character(struct slice s, size_t *octets_r);
/* Is it written from right to left (R, AL), or from left to right (L)? */
bool text_is_right_to_left(uint32_t c);
bool text_is_left_to_right(uint32_t c);

/* Decimal number of 1 to 19 digits and nothing else. false: not a number or
 * larger than max. */
bool text_number(struct slice s, uint64_t max, uint64_t *value_r);

/* What goes into a log: each octet outside printable ASCII, and `[`, `]`,
 * `\`, becomes \xNN. At most max_octets of input are shown, then "...". */
void text_escape(struct slice s, size_t max_octets, struct buf *out);

struct slice text_trim(struct slice s); /* blanks and tabs off both ends */
/* The next run of octets that are neither blanks nor controls; empty at the end. *rest is behind it. */
struct slice text_word(struct slice *rest);
bool text_ends_nocase(struct slice s, const char *suffix);

/* "12.4 MB" and the like into out, for people. */
void text_size(uint64_t octets, char out[16]);
/* What a noun takes after this number: "" for 1, else "s". */
const char *text_plural(uint64_t n);

#endif

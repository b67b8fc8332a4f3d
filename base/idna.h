/*
 * Domain names with letters beyond ASCII, in the form that every program knows:
 * A-labels, `xn--` and Punycode (RFC 5890, RFC 3492). Labels are mapped to small letters
 * and NFKC first (RFC 5895). Whether a registry would let such a label be registered is
 * not asked: mail with it has come.
 */
#ifndef POSTIL_BASE_IDNA_H
#define POSTIL_BASE_IDNA_H

#include "base/buf.h"

/* Labels of ASCII stay as they are. POSTIL_ERR_INVALID: not UTF-8, a label is empty or
 * longer than 63 octets, the name longer than 253, or something in a label that was not
 * ASCII is now neither letter, digit, hyphen nor underscore of ASCII, nor beyond ASCII.
 * Appended to out on success only. */
STATUS idna_to_ascii(struct slice domain, struct buf *out);

#endif

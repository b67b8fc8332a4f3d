/*
 * SASLprep (RFC 4013): user names and passwords in the form in which they are compared, so
 * that what looks the same and is typed differently is the same. Text of ASCII comes out as
 * it goes in.
 */
#ifndef POSTIL_BASE_SASLPREP_H
#define POSTIL_BASE_SASLPREP_H

#include "base/buf.h"

/* A query string (unassigned characters pass) of any length, appended to out.
 * POSTIL_ERR_INVALID: not UTF-8, a character that section 2.3 forbids, or directions of
 * writing mixed as section 2.4 forbids. Then nothing is appended; out may hold a secret and
 * is the caller's to wipe. */
STATUS saslprep(struct slice s, struct buf *out);

#endif

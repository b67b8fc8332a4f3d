/*
 * LMBCS, the character set of texts in note databases: a lead octet below 0x20 names a
 * group of characters (a code page, control codes, Unicode); Notes leaves out the lead
 * octet of group 1 (Western European). Reading only.
 */
#ifndef POSTIL_BASE_LMBCS_H
#define POSTIL_BASE_LMBCS_H

#include "base/buf.h"

/* As UTF-8, appended to out. A NUL octet, which ends a line in LMBCS, becomes '\n'. What is
 * cut off, not assigned, or of a code page that this system's iconv does not know becomes
 * U+FFFD, one for each character. Never reads past text. */
void lmbcs_to_utf8(struct slice text, struct buf *out);

#endif

/*
 * Is this HTML harmless and in order? For tests of HTML that is made here: a small scanner
 * that knows nothing of how it was made.
 */
#ifndef POSTIL_TESTS_SUPPORT_HTMLCHECK_H
#define POSTIL_TESTS_SUPPORT_HTMLCHECK_H

#include "base/buf.h"

/* Every element is one of a few harmless ones, closed in order (but br, hr, img, col, meta);
 * attributes are quoted, none is an event's; addresses have harmless schemes; styles hold
 * no addresses; `<` and `&` in text are markup and entities. NULL, or what is wrong. */
const char *html_fault(struct slice html);

#endif

/*
 * Notes names: `CN=Jane Doe/OU=Sales/O=Acme` and its other forms.
 * (C API: DNParse, DNAbbreviate, DNCanonicalize.)
 */
#ifndef POSTIL_BASE_NAME_H
#define POSTIL_BASE_NAME_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/status.h"

/* Labels off: "Jane Doe/Sales/Acme". Names that are not hierarchical, or hold
 * labels other than CN, OU, O, C, are copied unchanged. Appended to out. */
STATUS name_abbreviate(struct slice name, struct buf *out);
/* Labels on: first part CN, last O (or C when it has two letters and there are
 * three parts or more, then the part before it is O), between OU; labels that are
 * there stay, `*` gets none. Names without `/`, with empty parts or with other
 * labels are copied unchanged. */
STATUS name_canonicalize(struct slice name, struct buf *out);
/* The CN part; the whole string if there is no hierarchy. */
STATUS name_common(struct slice name, struct buf *out);
/* The value of the O part, by its label or its place; nothing where there is none. */
STATUS name_organization(struct slice name, struct buf *out);
bool name_is_hierarchical(struct slice name);
/* Do two spellings name the same entity? Canonical forms, text_fold()ed. An
 * empty name, or one that is not UTF-8, equals nothing. */
bool name_equal(struct slice a, struct slice b);
/* Does name fall under a pattern: `*`, `*` followed by /OU/O, or the name itself?
 * Behind `*` the right-hand parts must be equal; labels count where both have them. */
bool name_matches(struct slice name, struct slice pattern);

#endif

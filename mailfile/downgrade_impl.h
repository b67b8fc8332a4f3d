/*
 * The inside of down-conversion, shared by the files that make it up:
 *
 *   downgrade.c         the walk through a message: headers, parts, boundaries
 *   downgradefield.c    one field: which method is whose, comments, phrases
 *   downgradeaddress.c  addresses, groups, paths, Received
 *   downgrademime.c     parameters; what a part's type says
 *   words.c             encoded words and folding
 */
#ifndef POSTIL_MAILFILE_DOWNGRADE_IMPL_H
#define POSTIL_MAILFILE_DOWNGRADE_IMPL_H

#include "mailfile/words.h"

#define BOUNDARY_OCTETS 1000    /* RFC 2046 says 70 */

/* --- downgradefield.c -------------------------------------------------------------- */

/* A field with its folds and its last line end, as one of ASCII alone, appended. type: the
 * media type to name in place of the one of a Content-Type; NULL: the same.
 * POSTIL_ERR_INVALID: it has no such form, and cannot be left out either. */
STATUS downgrade_field(struct slice field, const char *type, struct buf *out);
/* The name before the colon, without blanks; empty: this is no field. */
struct slice downgrade_field_name(struct slice field);
/* What is behind the colon with its folds undone, no line ends in it. Appended. */
void downgrade_unfold(struct slice field, struct buf *out);

/* Octets of the quoted string, or comment, that s begins with; all if it has no end. */
size_t downgrade_quoted(struct slice s);
size_t downgrade_comment(struct slice s);
size_t downgrade_blanks(struct slice s);
/* Where one of stops stands outside quoted strings, comments and, unless `<` is a stop,
 * angle brackets; s.n: nowhere. */
size_t downgrade_until(struct slice s, const char *stops);
struct slice downgrade_skip(struct slice s, size_t n);

/* The method of a structured value: writes it into w. false: it has no form of ASCII; what
 * has been written is taken back by the caller. */
typedef bool downgrade_method(struct words *w, struct slice value);
downgrade_method downgrade_comments;    /* only comments may hold what is beyond ASCII */
downgrade_method downgrade_phrases;     /* separated by commas */
/* Words, quoted strings and comments, as in a display name. */
void downgrade_phrase(struct words *w, struct slice phrase);
/* s: a comment with its parentheses. */
void downgrade_add_comment(struct words *w, struct slice blanks, struct slice s);
/* Octets of ASCII as they are, folded at their blanks. */
void downgrade_plain(struct words *w, struct slice s);

/* --- downgradeaddress.c ------------------------------------------------------------- */

downgrade_method downgrade_addresses, downgrade_path, downgrade_typed, downgrade_received;

/* --- downgrademime.c ------------------------------------------------------------------ */

/* Of Content-Type and Content-Disposition; type as in downgrade_field. */
bool downgrade_parameters(struct words *w, struct slice value, const char *type);

/* What the fields of a part say about it. */
struct downgrade_part {
	char type[80];                  /* "multipart/mixed", small letters; empty: not told */
	char boundary[BOUNDARY_OCTETS];
	size_t boundary_length;         /* 0: it has none */
	bool boundary_is_long;          /* longer than we can remember */
	bool encoded;                   /* base64 or quoted-printable: not to be looked into */
};
/* value: of Content-Type, unfolded. */
void downgrade_part_type(struct downgrade_part *part, struct slice value);
/* value: of Content-Transfer-Encoding, unfolded. */
void downgrade_part_encoding(struct downgrade_part *part, struct slice value);
/* The type that message/global and its sisters had before RFC 6532; NULL: it is none. */
const char *downgrade_plain_type(const char *type);

#endif

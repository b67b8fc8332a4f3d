/*
 * The inside of a search for a recipient:
 *
 *   recipient.c   from an address to a document, from a person to a mail file
 *   group.c       members of groups, and of groups in them
 */
#ifndef POSTIL_MAIL_RECIPIENT_IMPL_H
#define POSTIL_MAIL_RECIPIENT_IMPL_H

#include "addin/mail/recipient.h"

/* Names that are still to be looked up: members of groups. */
struct members {
	struct arena arena;
	struct slice *names;
	size_t count, room;
	struct unid *groups;            /* whose members are among them */
	size_t group_count, group_room;
};

struct search {
	struct directory *dir;
	const struct recipient_rules *rules;
	struct fault *fault;
	struct arena arena;             /* of the files */
	struct recipient_file *files;
	size_t count, room, octets;     /* octets: of their strings, with a NUL each */
	void *by_path;                  /* tsearch */
	struct members members;
	size_t passed_over;
};

/* What a name leads to: a person (or mail-in database), or the group whose members are now
 * among those of the search. */
struct found {
	const struct person *person;    /* in the arena given; NULL: a group */
};

/* The sentence in s->fault, and result. */
enum recipient_result search_failed(struct search *s, enum recipient_result result, STATUS status,
                                    const char *text);
/* A name as it stands. */
enum recipient_result search_name(struct search *s, struct slice name, struct arena *arena,
                                  struct found *found_r);
/* An address or a name, in all the ways that recipient.h tells. */
enum recipient_result search_address(struct search *s, struct slice address, struct arena *arena,
                                     struct found *found_r);
/* The mail file of a person, once. */
enum recipient_result search_take(struct search *s, const struct person *person);

/* group.c */
/* The group of this name: its members are to be looked up, once. FOUND, UNKNOWN, GROUP_LARGE,
 * TROUBLE. */
enum recipient_result group_find(struct search *s, struct slice name);
/* Look up all members, those of groups that come up meanwhile too. */
enum recipient_result group_expand(struct search *s);

#endif

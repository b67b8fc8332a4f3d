/*
 * Server access and group membership: AllowAccess and DenyAccess of the Server
 * document (Security tab), honoured for POP3 where POP3_EnforceAccess is Yes, and
 * the names under which somebody is known to access lists.
 */
#ifndef POSTIL_DIRECTORY_ACCESS_H
#define POSTIL_DIRECTORY_ACCESS_H

#include "directory/directory.h"

/* --- names list (C API: NAMES_LIST) ------------------------------------------ */

#define NAMES_LIST_GROUPS_MAX 1000      /* groups one person is in, nested ones too */

/* Which types of groups count, a bit each; our choice where the product is not known:
 *   allowing   multi-purpose, access control list only
 *   denying    these, and deny list only
 *   servers    multi-purpose, access control list only, servers only
 * A group inside another counts only where both do. Mail only groups never do. */
#define GROUPS_ALLOWING (1u << 0 | 1u << 2)
#define GROUPS_DENYING (GROUPS_ALLOWING | 1u << 3)
#define GROUPS_OF_SERVERS (GROUPS_ALLOWING | 1u << 4)

enum names_kind { NAMES_SELF, NAMES_ALTERNATE, NAMES_WILDCARD, NAMES_GROUP };

struct names_entry {
	enum names_kind kind;
	struct slice key;               /* directory_key */
	struct slice name;              /* as shown: of a group its ListName */
	size_t via;                     /* index of the entry that put a group here */
};

struct names_list {
	struct names_entry *entries;    /* own name first, groups last, nearest first */
	size_t count, room;
	bool cut;                       /* more groups than NAMES_LIST_GROUPS_MAX */
};

/* Own name (in any form) and alternate name (may be empty), the wildcards of its
 * hierarchy, and every group of those types that any of these is in, directly or through
 * groups; loops end. A group whose name is a pattern does not count. In arena. */
STATUS directory_names_list(struct directory *dir, struct slice name, struct slice alternate,
                            unsigned types, struct arena *arena, struct names_list *list_r);
/* The entry that an entry of an access list (a name in any form, group or pattern) means;
 * NULL: none. */
const struct names_entry *names_list_find(const struct names_list *list, struct slice entry);
/* "group Staff, which group Sales is in": how a found entry came into the list; appended. */
void names_list_describe(const struct names_list *list, const struct names_entry *entry,
                         struct buf *out);

/* --- server access ------------------------------------------------------------- */

enum access_rule {
	ACCESS_NO_SERVER,       /* there is no Server document: allowed */
	ACCESS_NOT_ENFORCED,    /* POP3_EnforceAccess is No: allowed */
	ACCESS_NO_LIST,         /* AllowAccess is empty: everyone is allowed */
	ACCESS_LISTED,          /* named by AllowAccess: allowed */
	ACCESS_TRUSTED,         /* "users listed in all trusted directories": allowed */
	ACCESS_DENY_LISTED,     /* named by DenyAccess: refused, whatever else holds */
	ACCESS_NOT_LISTED,      /* AllowAccess names others: refused */
	ACCESS_TOO_MANY_GROUPS  /* DenyAccess may name one of the groups that were not looked
	                         * at (NAMES_LIST_GROUPS_MAX): refused, since else who can
	                         * make groups could hide the one that denies */
};
struct access_verdict {
	enum access_rule rule;
	bool allowed;
	struct slice entry;     /* the list's entry that decided, as written; may be empty */
	struct slice how;       /* how the person comes under it, in words; may be empty */
};
/* By the Server document of server as it stands now, all by one state of the directory.
 * Strings in arena. Any trouble with the directory is its status; POSTIL_ERR_BUSY: it kept
 * changing. */
STATUS directory_check_access(struct directory *dir, struct slice server,
                              const struct person *person, struct arena *arena,
                              struct access_verdict *verdict_r);
/* A sentence that says which rule decided, escaped for a log; appended. */
void access_describe(const struct access_verdict *verdict, struct buf *out);

#endif

/*
 * Server access and group membership: AllowAccess and DenyAccess of the Server
 * document (Security tab), honoured for POP3 where POP3_EnforceAccess is Yes, and
 * the names under which a person is known to access lists.
 */
#ifndef POSTIL_DIRECTORY_ACCESS_H
#define POSTIL_DIRECTORY_ACCESS_H

#include "directory/directory.h"

/* --- names list (C API: NAMES_LIST) ------------------------------------------ */

#define NAMES_LIST_GROUPS_MAX 1000      /* groups one person is in, nested ones too */

enum names_kind { NAMES_SELF, NAMES_ALTERNATE, NAMES_WILDCARD, NAMES_GROUP };

struct names_entry {
	enum names_kind kind;
	struct slice key;               /* directory_key */
	int group_type;                 /* of NAMES_GROUP */
	const struct names_entry *via;  /* the entry that put it here; NULL: the person itself */
};

struct names_list {
	struct names_entry *entries;    /* own name first, groups last, nearest first */
	size_t count;
	bool cut;                       /* more groups than NAMES_LIST_GROUPS_MAX */
};

/* Own and alternate name, wildcards of its hierarchy, and every group any of these is
 * in, directly or through groups; loops end. In arena. */
STATUS directory_names_list(struct directory *dir, const struct person *person,
                            struct arena *arena, struct names_list *list_r);
/* Does an entry of an access list (a name in any form, group or pattern) mean a person
 * with this names list? types: bit per GroupType that counts. */
const struct names_entry *names_list_find(const struct names_list *list, struct slice entry,
                                          unsigned types);
#define GROUPS_FOR_ALLOWING (1u << 0 | 1u << 2)                 /* multi-purpose, access control */
#define GROUPS_FOR_DENYING (1u << 0 | 1u << 2 | 1u << 3)        /* and deny list */

/* --- server access ------------------------------------------------------------- */

enum access_rule {
	ACCESS_NOT_ENFORCED,    /* POP3_EnforceAccess is No: allowed */
	ACCESS_NO_LIST,         /* AllowAccess is empty: everyone is allowed */
	ACCESS_LISTED,          /* named by AllowAccess: allowed */
	ACCESS_TRUSTED,         /* "users listed in all trusted directories": allowed */
	ACCESS_DENY_LISTED,     /* named by DenyAccess: refused, whatever else holds */
	ACCESS_NOT_LISTED       /* AllowAccess names others: refused */
};
struct access_verdict {
	enum access_rule rule;
	bool allowed;
	struct slice entry;     /* the list's entry that decided, as written; may be empty */
};
/* By the Server document of server as it stands now. Strings in arena. Any trouble with
 * the directory is its status; without a Server document nothing is enforced. */
STATUS directory_check_access(struct directory *dir, struct slice server,
                              const struct person *person, struct arena *arena,
                              struct access_verdict *verdict_r);
/* A sentence that says which rule decided, for logs and `postil directory`. */
void access_describe(const struct access_verdict *verdict, struct buf *out);

#endif

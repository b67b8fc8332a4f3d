/*
 * Access control list of a mail file (C API acl.h; Domino help "Access levels in the
 * ACL"): who may read and who may delete. A file is made with its owner as Manager and
 * -Default- No Access; Internet sessions are capped by Maximum Internet name and
 * password access, which is Editor.
 *
 * The caller says who somebody is: this room knows no directory.
 */
#ifndef POSTIL_MAILFILE_ACL_H
#define POSTIL_MAILFILE_ACL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"

enum acl_level {
	ACL_NO_ACCESS, ACL_DEPOSITOR, ACL_READER, ACL_AUTHOR, ACL_EDITOR, ACL_DESIGNER, ACL_MANAGER
};

#define ACL_NO_DELETE 0x0004            /* a flag; numbers are those of the C API */
#define ACL_DEFAULT_ENTRY "-Default-"
#define ACL_ENTRIES_MAX 1000
#define ACL_NAME_MAX 255                /* octets */

struct acl_entry {
	struct slice name;              /* a canonical name, a pattern such as `*` followed by
	                                 * /O=Acme, a group, or -Default- */
	enum acl_level level;
	uint16_t flags;
};

struct acl {
	struct acl_entry *entries;
	size_t count;
	enum acl_level max_internet;    /* Maximum Internet name and password access */
};

/* Of a new file; without an owner nobody but -Default- is named. In arena. */
STATUS acl_default(struct slice owner, struct arena *arena, struct acl *acl_r);
/* As it is kept in the file: lines of text, `acl 1 LEVEL`, then `LEVEL FLAGS NAME`.
 * Appended to out. */
STATUS acl_encode(const struct acl *acl, struct buf *out);
/* Names lie in encoded, entries in arena. POSTIL_ERR_DAMAGED. */
STATUS acl_decode(struct slice encoded, struct arena *arena, struct acl *acl_r);

/* "manager", "no access", ... */
const char *acl_level_text(enum acl_level level);
/* The same, in any case, with or without blanks ("noaccess"), or a number 0 to 6. */
bool acl_level_parse(struct slice text, enum acl_level *level_r);

/* Add the entry, or put it in place of the one of that name, which is made canonical.
 * POSTIL_ERR_INVALID: the name is empty, has controls or is no text; POSTIL_ERR_TOO_LONG;
 * POSTIL_ERR_LIMIT: too many entries. */
STATUS acl_set(struct acl *acl, struct arena *arena, const struct acl_entry *entry);
/* POSTIL_ERR_NOT_FOUND; POSTIL_ERR_INVALID: -Default- cannot go. */
STATUS acl_remove(struct acl *acl, struct slice name);

/* Who asks. is_member: is that person in the group of this name, directly or not? Asked
 * only where no entry names the person; NULL: in none. */
struct acl_who {
	struct slice name;              /* canonical */
	struct slice alternate;         /* may be empty */
	bool (*is_member)(void *context, struct slice group);
	void *context;
	bool internet;                  /* capped by max_internet */
};
struct acl_rights {
	enum acl_level level;
	bool may_read, may_delete;
};
/* An entry of the person's own name wins; else the highest of the groups and patterns
 * that fit; else -Default-. Reading wants Reader, deleting Editor without the flag
 * ACL_NO_DELETE (an Author deletes only what is written by him, and mail is not). */
void acl_evaluate(const struct acl *acl, const struct acl_who *who, struct acl_rights *rights_r);

#endif

/*
 * Access control list of a mail file (C API acl.h; Domino help "Access levels in the
 * ACL"): who may read and delete. A file is made with its owner as Manager who may
 * delete and -Default- No Access; Internet sessions are capped by Maximum Internet name
 * and password access.
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

enum acl_flag {                         /* numbers of the C API */
	ACL_NO_DELETE = 0x0004, ACL_PERSON = 0x0020, ACL_GROUP = 0x0040, ACL_SERVER = 0x0002
};

struct acl_entry {
	struct slice name;              /* canonical name, `*` pattern or group; "-Default-" */
	enum acl_level level;
	uint16_t flags;
};

struct acl {
	struct acl_entry *entries;
	size_t count;
	enum acl_level max_internet;    /* Maximum Internet name and password; default Editor */
};

/* Of a new file: owner is Manager, -Default- No Access. In arena. */
STATUS acl_default(struct slice owner, struct arena *arena, struct acl *acl_r);
STATUS acl_encode(const struct acl *acl, struct buf *out);
STATUS acl_decode(struct slice encoded, struct arena *arena, struct acl *acl_r); /* POSTIL_ERR_DAMAGED */
/* "manager", "no access", ...; NULL / false where it is none. */
const char *acl_level_text(enum acl_level level);
bool acl_level_parse(struct slice text, enum acl_level *level_r);
/* Set or (level_r NULL in acl_remove) take away the entry of a name. */
STATUS acl_set(struct acl *acl, struct arena *arena, const struct acl_entry *entry);
bool acl_remove(struct acl *acl, struct slice name);

/* Who asks. name: canonical. alternate may be empty. is_member: is that person in the
 * group of this name, directly or not? Called only where no entry names the person; NULL:
 * in none. */
struct acl_who {
	struct slice name, alternate;
	bool (*is_member)(void *context, struct slice group);
	void *context;
	bool internet;                  /* capped by max_internet */
};
struct acl_rights {
	enum acl_level level;
	bool may_read, may_delete;
};
/* An entry of the person's own name wins; else the highest of the groups and patterns
 * that fit; else -Default-. Reading wants Reader, deleting Editor (or Author: mail is
 * not its reader's own, so no) and no ACL_NO_DELETE. */
void acl_evaluate(const struct acl *acl, const struct acl_who *who, struct acl_rights *rights_r);

#endif

/*
 * Where the directory comes from: the contract that every source fulfils
 * (compiled DXL in compiled.c, memory in tests/support, later LDAP). A source
 * answers by key and by form; what the answers mean (who may log in, which
 * groups count, which site holds) is decided once, above it, in lookup.c,
 * access.c, site.c and config.c.
 *
 * Every call answers from the directory as it is at that moment, in one
 * consistent look; any number of threads call at once. POSTIL_ERR_NOEXIST: there
 * is no directory (yet). What a source hands out lies in the arena given, or is
 * valid during the callback only where that is said. A callback must not call
 * into the source; a status other than NOERROR from it ends the call with it.
 */
#ifndef POSTIL_DIRECTORY_SOURCE_H
#define POSTIL_DIRECTORY_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "directory/directory.h"

/* How names are compared: directory_key of private.h makes keys out of names. */

enum directory_user_kind { DIRECTORY_PERSON, DIRECTORY_MAILIN };
enum directory_by { DIRECTORY_BY_FULL_NAME = 1, DIRECTORY_BY_ADDRESS = 2, DIRECTORY_BY_SHORT_NAME = 4 };

/* A group that has the key asked for among its members. */
struct directory_group {
	struct slice name;      /* ListName as written */
	struct slice key;       /* its directory_key: ask with it for the groups it is in */
	int type;               /* GroupType: 0 multi-purpose, 1 mail, 2 access control,
	                         * 3 deny list, 4 servers; what is not understood is 0 */
};

struct directory_source {
	const struct directory_source_calls *calls;
};

struct directory_source_calls {
	int version;            /* 3 */
	const char *name;       /* "compiled", "memory", "ldap" */

	/* Persons and mail-in databases that have key among their names: FullName in
	 * all forms and InternetAddress; with more, ShortName, FirstName, LastName and
	 * the Soundex code of LastName too. Each document comes once. The person's
	 * strings lie in arena; certificates are not asked for. */
	STATUS (*users)(struct directory_source *source, struct slice key, bool more,
	                struct arena *arena,
	                STATUS (*each)(void *context, enum directory_user_kind kind,
	                               const struct person *person), void *context);
	/* Persons that have key by a value of FullName itself, by InternetAddress or by a value of
	 * ShortName, and not by anything else; with their certificates. Each comes once. In arena. */
	STATUS (*persons)(struct directory_source *source, struct slice key, enum directory_by by,
	                  struct arena *arena,
	                  STATUS (*each)(void *context, enum directory_user_kind kind,
	                                 const struct person *person), void *context);
	/* Groups that have key among their Members, directly: names of persons, servers
	 * and groups, and patterns (`*`, and the key of `*` followed by OU and O parts)
	 * are keys alike. The group is valid during the callback. */
	STATUS (*groups_of)(struct directory_source *source, struct slice key,
	                    STATUS (*each)(void *context, const struct directory_group *group),
	                    void *context);
	/* Every document of a form (Server, ServerConfig, POP3Site, Domain, ...), in no
	 * order that means anything. note and file (under DATA/names, "" unknown) are
	 * valid during the callback. Forms with many documents (Person, Group) are not
	 * asked for. */
	STATUS (*documents)(struct directory_source *source, const char *form,
	                    STATUS (*each)(void *context, const struct note *note,
	                                   const char *file), void *context);
	/* Every document that has key among its names, whatever its form. */
	STATUS (*named)(struct directory_source *source, struct slice key,
	                STATUS (*each)(void *context, const struct note *note,
	                               const char *file), void *context);
	/* Changes with every change of the directory; 0 = there is none. Cheap. */
	uint64_t (*generation)(struct directory_source *source);
	/* Rounds of the costliest HTTPPassword of the directory; 0: no V3 digest in it.
	 * Cheap. */
	uint32_t (*costliest_rounds)(struct directory_source *source);
	void (*shrink)(struct directory_source *source);
	void (*close)(struct directory_source **source);
};

/* compiled.c: DATA/names.nsf. It need not exist yet. */
STATUS directory_source_compiled(const char *data_dir, struct directory_source **source_r,
                                 struct fault *fault);

#endif

/*
 * Certificates as persons have them, for an administrator to look at: `postil directory
 * certificate`, `find` and `show`.
 */
#ifndef POSTIL_TOOLS_HELD_H
#define POSTIL_TOOLS_HELD_H

#include "base/arena.h"
#include "base/buf.h"
#include "directory/directory.h"

#define HELD_MAX (2 * DIRECTORY_CERTIFICATES_MAX)

struct held {
	struct slice list[HELD_MAX];    /* each DER of one certificate */
	size_t count;
	size_t others;                  /* values without a certificate, and what found no room */
};

/* What stands in a value: none, one or several. In arena. */
STATUS held_add(struct held *held, struct slice value, struct arena *arena);
/* Of the person of that UNID, whose first name is name. In arena. */
STATUS held_of_person(struct directory *dir, struct slice name, const struct unid *unid,
                      struct arena *arena, struct held *held_r);
bool held_has(const struct held *held, struct slice der);

/* "CN=Jane Doe,O=Acme, valid from 2024-06-01 to 2025-06-01, expired"; appended, escaped. */
void held_describe(struct slice der, struct buf *out);
/* "SHA-256 12:34:..." */
void held_fingerprint(struct slice der, struct buf *out);

#endif

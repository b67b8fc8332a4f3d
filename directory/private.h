/*
 * What the files of this room share: the views of names.nsf and what their
 * entries hold. Nobody outside directory/ includes it (tests may).
 *
 *   $Users      directory_key of each name of a person or mail-in database -> record;
 *               names that count only under "More name variations" end in MORE_SUFFIX
 *   $Certificates  note id of a person -> its certificates (certificates.h); no entry: none
 *   $Names      directory_key of the names of every other document -> empty
 *   $Members    directory_key of each member of a group -> the group
 *   $Forms      form, folded, of documents that are no person, mail-in or group -> empty
 *   $Documents  note id -> which file it came from and what it is (documents.h)
 */
#ifndef POSTIL_DIRECTORY_PRIVATE_H
#define POSTIL_DIRECTORY_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "directory/source.h"
#include "nsf/nsf.h"

#define VIEW_USERS "$Users"
#define VIEW_CERTIFICATES "$Certificates"
#define VIEW_NAMES "$Names"
#define VIEW_MEMBERS "$Members"
#define VIEW_FORMS "$Forms"
#define VIEW_DOCUMENTS "$Documents"

#define PROPERTY_FORMAT "directory.format"
#define PROPERTY_FILES "directory.files"
#define PROPERTY_GENERATION "directory.generation"      /* it, and the costliest rounds */

/* A key holds no NUL: nothing comes between a name and itself with this behind. */
#define MORE_SUFFIX "\0m"
#define MORE_SUFFIX_OCTETS 2

#define GROUP_TYPE_MAX 4
#define DIRECTORY_NAME_MAX 1024         /* octets of a name, as written and folded */
#define DIRECTORY_PASSWORDS_MAX 16      /* values of HTTPPassword that are looked at */
#define DIRECTORY_PASSWORD_OCTETS 255   /* no known form is half as long */

enum document_kind {
	DOCUMENT_OTHER, DOCUMENT_PERSON, DOCUMENT_MAILIN, DOCUMENT_SERVER, DOCUMENT_GROUP,
	DOCUMENT_LOCAL
};

/* The form under which names are looked up: labels on where there is a
 * hierarchy, the common name where there is none, folded. Appended to out.
 * POSTIL_ERR_INVALID: empty, too long, not UTF-8, or holds NUL. */
STATUS directory_key(struct slice name, struct buf *out);

/* The value of a $Users entry: all of struct person but its certificates, the kind, and by
 * what its key leads there: enum directory_by, bits, 0 other names. */
#define RECORD_BY_AT 2                  /* where the latter stands, an octet */
STATUS record_encode(const struct person *person, enum document_kind kind, unsigned by,
                     struct buf *out);
/* Strings lie in arena. POSTIL_ERR_DAMAGED. */
STATUS record_decode(struct slice record, struct arena *arena, struct person *person_r,
                     enum document_kind *kind_r, unsigned *by_r);

/* The value of a $Members entry. */
STATUS group_encode(const struct directory_group *group, struct buf *out);
/* Strings lie in record. POSTIL_ERR_DAMAGED. */
STATUS group_decode(struct slice record, struct directory_group *group_r);

/* What sites are sorted by, and ISiteOrg as it is compared: "Acme", "O=Acme" and "/O=Acme"
 * are one organization. In arena. */
STATUS site_sort_key(struct arena *arena, struct slice name, struct slice *key_r);
STATUS site_organization(struct arena *arena, struct slice s, struct slice *organization_r);

/* What a document says of TLS, by the settings of a Server or of a POP3Site document. In
 * arena. */
STATUS tls_document_read(const struct note *note, bool site, struct arena *arena,
                         struct tls_document *document_r);

/* What a directory stands on: for access.c, site.c and config.c. */
struct directory_source *directory_source(struct directory *dir);

/* path of DATA/names.nsf, the caller's to free; NULL: out of memory. */
char *directory_path(const char *data_dir, const char *rest);

#endif

/*
 * postil certs: certificates for tests and samples, below DATA/certs. What the files of
 * this verb share.
 */
#ifndef POSTIL_TOOLS_CERTS_H
#define POSTIL_TOOLS_CERTS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/fault.h"

#define CERTS_CA "trusted/test-ca.pem"          /* below DATA/certs */
#define CERTS_CA_KEY "test-ca.key"
#define CERTS_CRL "crls/test-ca.crl"
#define CERTS_CLIENTS "clients"
#define CERTS_MARK "Postil test: not for use"
#define CERTS_LIST_MAX 64

struct certs {
	const char *data_dir;
	bool force;
	/* whom files are given to: ServerUser, if root runs this and the directory is root's */
	bool give;
	uid_t uid;
	gid_t gid;
};

/* --- certsfile.c: files below DATA/certs -------------------------------------------------- */

/* Whom files are given to. EX_OK, or it has been said why not. */
int certs_find_owner(struct certs *certs);
/* DATA/certs/a, or of that with b behind it; to be freed, NULL: no memory. */
char *certs_path(const struct certs *certs, const char *a, const char *b);
bool certs_exists(const struct certs *certs, const char *file);
/* Replace the file, or, without force, make it: POSTIL_ERR_EXISTS. Directories are made. */
STATUS certs_write(const struct certs *certs, const char *file, mode_t mode, bool force,
                   const struct buf *text, struct fault *fault);
/* Any file, of 1 MiB at most. POSTIL_ERR_NOEXIST. Wipe what is read if it is a secret. */
STATUS certs_read_path(const char *path, struct buf *out, struct fault *fault);
STATUS certs_read(const struct certs *certs, const char *file, struct buf *out, struct fault *fault);

/* --- certsmake.c ----------------------------------------------------------------------------- */

struct certs_order {
	const char *hosts[CERTS_LIST_MAX];
	size_t host_count;
	const char *name;               /* of the server's credential; NULL: the first host */
	const char *persons[CERTS_LIST_MAX], *addresses[CERTS_LIST_MAX];        /* NULL: none */
	size_t person_count;
	int64_t days;
};

/* Each: an exit status; what is wrong has been said. */
int certs_make(const struct certs *certs, const struct certs_order *order);
/* path: a file with the certificate. */
int certs_revoke(const struct certs *certs, const char *path);

#endif

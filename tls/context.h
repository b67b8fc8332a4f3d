/*
 * A context: credentials, trusted CAs, policy and ticket keys as they were read, never
 * changed afterwards and share-counted. A connection keeps the one it began with; when
 * files or options change, the owner makes another and drops the old:
 *
 *      if (!tls_context_is_current(old, &options) &&
 *          tls_context_new(&options, tickets, old, &next, &fault) == NOERROR)
 *              ... next takes the place of old, tls_context_release(&old)
 *
 * Credentials lie in certs_dir, a name NAME in these files, PEM, each its own subject:
 *
 *      NAME.pem        certificate of the server, then its issuers, and the private key
 *      NAME.key        the key, if it is not in NAME.pem
 *      NAME.pass       first line: the passphrase, if the key is encrypted
 *      NAME.ecdsa.pem, NAME.rsa.pem, NAME.ed25519.pem ...: pairs with keys of other kinds, side
 *                      by side (or in place of NAME.pem), each with a .key and .pass of its own
 *
 * Of a name that ends with .pem or .kyr (a key ring of another server) that end is left
 * out. A file with a private key or passphrase must not be open to group or others. A
 * name has letters, digits and -._ only and does not begin with a dot.
 *
 * SNI (RFC 6066 section 3) chooses: the first credential whose certificate is for that
 * name, wild cards included, else the first of all. Nothing is remembered per name asked.
 *
 * Trusted CAs and CRLs lie in files or in directories (every file in them that ends with
 * .pem, .crt, .cer, .crl or .der), PEM or DER, certificates and CRLs mixed as one likes.
 * A certificate that is not that of a CA vouches for nobody, not even for itself, and so
 * does a CA whose issuer is not there as well: a chain must end at a CA that signed itself.
 */
#ifndef POSTIL_TLS_CONTEXT_H
#define POSTIL_TLS_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/fault.h"
#include "tls/policy.h"
#include "tls/ticket.h"

struct tls_context;

struct tls_trust_options {
	const char *const *paths;       /* absolute; one that does not exist is empty */
	size_t path_count;
	bool check_crls;                /* of the whole chain */
	bool trust_expired_crls;        /* past their nextUpdate */
	bool allow_crl_failure;         /* no CRL of an issuer is no reason to refuse */
	bool accept_expired;            /* a client's own certificate, not its issuers' */
};

struct tls_options {
	const char *certs_dir;          /* absolute */
	const char *const *credentials; /* names; the first is the default */
	size_t credential_count;        /* at least 1, at most TLS_CREDENTIALS_MAX */
	struct tls_trust_options trust; /* of clients */
	struct tls_policy policy;
	const char *alpn;               /* the one protocol id that is accepted: "pop3"; a client
	                                 * that offers others alone is refused. NULL: none is looked at */
	/* Called by tls_context_new for what an administrator should know though it is no
	 * failure (a certificate that has expired, a name whose files cannot be used, a CRL
	 * out of date); may be NULL. */
	void (*warn)(void *context, const char *text);
	void *warn_context;
};

#define TLS_CREDENTIALS_MAX 64

/* Read everything. options is copied. tickets: shared. previous (may be NULL): where a
 * credential cannot be read, what previous had under that name is kept, with a warning. A
 * name besides the first whose files cannot be used is left out, with a warning.
 * POSTIL_ERR_NOEXIST, _PERMISSION, _INVALID, _TOO_LONG: the default credential cannot be
 * used and there is none to keep, or a trusted CA or CRL cannot be read; fault names the
 * file and what to do. The caller has one reference. Reads files: not for a worker. */
STATUS tls_context_new(const struct tls_options *options, struct tls_tickets *tickets,
                       struct tls_context *previous, struct tls_context **context_r,
                       struct fault *fault);
struct tls_context *tls_context_share(struct tls_context *context);     /* any thread */
void tls_context_release(struct tls_context **context);
/* Made with equal options, and every file it looked at (also in vain) is still the same,
 * by inode, size and times? Cheap: no file is read. */
bool tls_context_is_current(const struct tls_context *context, const struct tls_options *options);
/* The files alone: has one of them changed? */
bool tls_context_is_stale(const struct tls_context *context);

/* Does the default credential answer to this host name (as SNI is compared)? */
bool tls_context_serves(const struct tls_context *context, const char *host);
/* How many trusted CAs there are: without one no client certificate can be trusted. */
size_t tls_context_ca_count(const struct tls_context *context);
/* One line per credential, for `tell pop3 show config`: "mail (ECDSA, until 2027-01-31;
 * RSA, until 2027-01-31): mail.example.org"; appended. */
void tls_context_text(const struct tls_context *context, struct buf *out);

#endif

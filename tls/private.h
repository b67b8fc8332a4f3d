/*
 * What the files of this room share: types of libssl, files that are watched, credentials,
 * trust. The rest of the house sees the other headers alone.
 */
#ifndef POSTIL_TLS_PRIVATE_H
#define POSTIL_TLS_PRIVATE_H

#include <sys/stat.h>
#include <time.h>

#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include "base/buf.h"
#include "base/fault.h"
#include "tls/connection.h"
#include "tls/context.h"

/* --- file.c: files that are read, and whether they have changed since ---------------- */

struct tls_file;
struct tls_files {
	struct tls_file *list;
	size_t count, size;
};

void tls_files_release(struct tls_files *files);
/* Read a regular file and remember its state (also if there is none, or it cannot be read).
 * out gets no copy elsewhere; wipe it if the file is secret. POSTIL_ERR_NOEXIST,
 * _PERMISSION, _TOO_LONG, _IO. */
STATUS tls_files_read(struct tls_files *files, const char *path, size_t most, struct buf *out,
                      mode_t *mode_r, struct fault *fault);
/* Remember the state of something that is no file, or is not read. */
STATUS tls_files_watch(struct tls_files *files, const char *path);
bool tls_files_changed(const struct tls_files *files);
/* POSTIL_ERR_PERMISSION if a file that holds a secret is open to others. */
STATUS tls_check_secret(const char *path, mode_t mode, struct fault *fault);

/* --- credential.c: a name, its certificates and keys -------------------------------------- */

/* For libcrypto, where a PEM text may be encrypted and is not to be: no prompt, ever. */
int tls_no_passphrase(char *out, int size, int writing, void *context);

#define TLS_PAIRS_MAX 4         /* one of each kind of key */

struct tls_pair {
	X509 *leaf;
	STACK_OF(X509) *chain;  /* issuers */
	EVP_PKEY *key;
};

struct tls_credential;          /* share-counted, never changed */

struct tls_warn {
	void (*call)(void *context, const char *text);
	void *context;
};
__attribute__((format(printf, 2, 3)))
void tls_warn(const struct tls_warn *warn, const char *format, ...);

STATUS tls_credential_new(const char *certs_dir, const char *name, struct tls_files *files,
                          const struct tls_warn *warn, struct tls_credential **credential_r,
                          struct fault *fault);
struct tls_credential *tls_credential_share(struct tls_credential *credential);
void tls_credential_release(struct tls_credential **credential);
const char *tls_credential_name(const struct tls_credential *credential);
/* Is one of its certificates for this host? */
bool tls_credential_serves(const struct tls_credential *credential, const char *host);
bool tls_credential_apply(const struct tls_credential *credential, SSL_CTX *ssl);
void tls_credential_text(const struct tls_credential *credential, struct buf *out);

/* --- describe.c --------------------------------------------------------------------------- */

const char *tls_key_kind_text(const EVP_PKEY *key);     /* "ECDSA", "RSA", ... */

/* --- trust.c: who may vouch for a client --------------------------------------------------- */

struct tls_trust;

STATUS tls_trust_new(const struct tls_trust_options *options, struct tls_files *files,
                     const struct tls_warn *warn, struct tls_trust **trust_r, struct fault *fault);
void tls_trust_free(struct tls_trust **trust);
size_t tls_trust_ca_count(const struct tls_trust *trust);
const uint8_t *tls_trust_digest(const struct tls_trust *trust);         /* 32 octets: the CAs */
bool tls_trust_apply(struct tls_trust *trust, SSL_CTX *ssl);
/* Judge a chain that is set up in ctx: X509_V_OK or the error. */
int tls_trust_verify(const struct tls_trust *trust, X509_STORE_CTX *ctx);
/* The same for a certificate and issuers that a ticket has brought. */
int tls_trust_verify_again(const struct tls_trust *trust, X509 *leaf, STACK_OF(X509) *issuers);
const char *tls_trust_why(int error);   /* static text */

/* --- policy.c, ticket.c ------------------------------------------------------------------------- */

bool tls_policy_apply(const struct tls_policy *policy, SSL_CTX *ssl);
bool tls_policy_equal(const struct tls_policy *a, const struct tls_policy *b);
bool tls_tickets_apply(struct tls_tickets *tickets, SSL_CTX *ssl);
uint32_t tls_tickets_lifetime_secs(const struct tls_tickets *tickets);

/* --- context.c ------------------------------------------------------------------------------------ */

/* Of a context of libssl that belongs to one of ours. */
struct tls_tickets *tls_context_tickets(SSL_CTX *ssl);
/* The default credential's; SNI may choose another later. */
SSL_CTX *tls_context_ssl(const struct tls_context *context);
const struct tls_trust *tls_context_trust(const struct tls_context *context);

/* --- resume.c: what a ticket carries and what is asked when it comes back ------------------------- */

bool tls_resume_apply(SSL_CTX *ssl);
/* Would a ticket that carries this chain (the client's certificate, issuers, the CA) come
 * back in a hello that we take? */
bool tls_resume_fits(STACK_OF(X509) *chain);

/* --- connection.c --------------------------------------------------------------------------------- */

/* Of an SSL that belongs to one of our connections. */
struct tls_connection *tls_connection_of(const SSL *ssl);
const struct tls_context *tls_connection_context(const struct tls_connection *connection);
/* Remember the first reason for a failure: static text. */
void tls_connection_blame(struct tls_connection *connection, const char *why);
/* No ticket is made for it. */
void tls_connection_forbid_tickets(struct tls_connection *connection);
bool tls_connection_may_have_tickets(const struct tls_connection *connection);

/* --- peer.c: a distinguished name in words (RFC 4514), escaped; false: it is empty --------------- */

bool tls_name_text(const X509_NAME *name, size_t max_octets, struct buf *out);

/* --- reason.c: libssl's errors in words -------------------------------------------------------------- */

/* Static text for the newest error in this thread's queue, which is emptied. */
const char *tls_reason(void);

#endif

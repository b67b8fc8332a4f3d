/*
 * Certificates of our own: a CA, servers, clients, revocation lists. For tests and
 * samples; every certificate made by the `postil certs` command says that it is one.
 */
#ifndef POSTIL_TLS_MAKE_H
#define POSTIL_TLS_MAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/fault.h"

struct tls_identity;    /* a certificate and, mostly, its private key */

enum tls_key_kind { TLS_KEY_ECDSA, TLS_KEY_RSA };
enum tls_use { TLS_USE_CA, TLS_USE_SERVER, TLS_USE_CLIENT };

struct tls_make {
	enum tls_use use;
	enum tls_key_kind key;          /* P-256, or RSA of 2048 bits */
	/* Pairs in the order they get in the subject: { "O", "Acme", "CN", "Jane Doe" }; short
	 * names as libcrypto has them (CN, OU, O, C, L, ST, emailAddress, description); values
	 * UTF-8. None: an empty subject. */
	const char *const *subject;
	size_t subject_count;           /* strings, even */
	const char *const *hosts;       /* dNSName or, if numeric, iPAddress */
	size_t host_count;
	const char *const *addresses;   /* rfc822Name */
	size_t address_count;
	/* Extended key usage, short names with commas between ("serverAuth,emailProtection").
	 * NULL: what use says, for a CA none. "": none at all. */
	const char *purposes;
	const char *comment;            /* nsComment; NULL: none */
	size_t padding_octets;          /* so much larger, by an extension that means nothing */
	int64_t not_before, not_after;  /* seconds since 1970 */
	const struct tls_identity *issuer;      /* NULL: itself. It is not asked whether it is a CA */
	const struct tls_identity *same_key;    /* take the key of this one; NULL: a new one */
};

/* POSTIL_ERR_INVALID: no such attribute, purpose or date, or the issuer has no key;
 * POSTIL_ERR_MEMORY. */
STATUS tls_make(const struct tls_make *make, struct tls_identity **identity_r, struct fault *fault);
/* From PEM texts, as the functions below write them: the first certificate and the first
 * key in them, which is not encrypted. key may be empty: the identity can issue nothing then,
 * but be revoked. POSTIL_ERR_INVALID: there is none, or they do not belong together. */
STATUS tls_identity_read(struct slice certificate, struct slice key,
                         struct tls_identity **identity_r, struct fault *fault);
void tls_identity_free(struct tls_identity **identity);
/* Appended as PEM: the certificate; the private key (PKCS #8), encrypted with AES-256 if
 * passphrase is not NULL: wipe the buffer. POSTIL_ERR_MEMORY; POSTIL_ERR_INVALID: it has no
 * key. */
STATUS tls_identity_certificate(const struct tls_identity *identity, struct buf *out);
STATUS tls_identity_key(const struct tls_identity *identity, const char *passphrase,
                        struct buf *out);
/* Appended: the certificate as DER. */
STATUS tls_identity_der(const struct tls_identity *identity, struct buf *out);
/* Has this CA signed it? */
bool tls_identity_issued(const struct tls_identity *ca, const struct tls_identity *identity);
/* Appended as PEM: a revocation list of this CA that names these and what the older list
 * `before` (PEM, may be empty) names. POSTIL_ERR_INVALID: before is no list of this CA, or
 * the CA has no key. */
STATUS tls_make_crl(const struct tls_identity *ca, struct slice before,
                    const struct tls_identity *const *revoked, size_t count,
                    int64_t last_update, int64_t next_update, struct buf *out,
                    struct fault *fault);

#endif

/*
 * What a client's certificate says, whoever presented it: candidate names in Domino's
 * forms, e-mail addresses, the public key. Every octet of it is hostile; whether the chain
 * is trusted is told by the connection it came over. Whose certificate it is, is decided
 * elsewhere, and never by the name alone: a candidate name must be in the person's
 * FullName *and* tls_key_equal the certificate kept in that Person document.
 */
#ifndef POSTIL_TLS_PEER_H
#define POSTIL_TLS_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/fault.h"

#define TLS_PEER_NAMES_MAX 2
#define TLS_PEER_ADDRESSES_MAX 16
#define TLS_PEER_VALUE_MAX 256          /* octets of one attribute or address */

struct tls_peer {
	/* In the order to try them:
	 *   CN=Jane Doe/OU=Sales/O=Acme/C=US   the attributes CN, OU, O, C of the subject, in the
	 *                                      order of a Notes name whichever way the subject has
	 *                                      them; others (L, ST, E, ...) are left out
	 *   Jane Doe                           the common name alone
	 * None if there is not exactly one common name; not the first if one of its parts cannot
	 * be part of a name (empty, longer than TLS_PEER_VALUE_MAX, not text, a control
	 * character, or one of / = $ *), not the second if the common name is such a part. */
	struct slice names[TLS_PEER_NAMES_MAX];
	size_t name_count;
	struct slice addresses[TLS_PEER_ADDRESSES_MAX]; /* rfc822Name of subjectAltName, as
	                                 * written; no others than printable ASCII with one @ */
	size_t address_count;
	struct slice public_key;        /* SubjectPublicKeyInfo, DER */
	struct slice subject;           /* for a log: one line, escaped, at most 200 octets */
	int64_t not_before, not_after;  /* seconds since 1970 */
};

/* certificate: DER. The texts lie in arena. POSTIL_ERR_INVALID: no certificate.
 * POSTIL_ERR_TOO_LONG: more than TLS_CERTIFICATE_MAX octets. */
#define TLS_CERTIFICATE_MAX 32768
STATUS tls_peer_read(struct slice certificate, struct arena *arena, struct tls_peer *peer_r);

/* The certificates in a value as a Person document or a file has it: PEM (several), DER, or
 * base64 of DER with or without white space. Calls each for every one, DER; a status other
 * than NOERROR from it ends the call with it. POSTIL_ERR_INVALID: there is none. Input of
 * more than TLS_STORED_MAX octets is refused. */
#define TLS_STORED_MAX (1024 * 1024)
STATUS tls_certificates_each(struct slice stored, STATUS (*each)(void *context, struct slice der),
                             void *context);
/* Is this public key (tls_peer.public_key) that of one of the certificates stored in the
 * value? false also if the value holds none. Costs some microseconds, no blocking. */
bool tls_key_equal(struct slice public_key, struct slice stored);

/* What a certificate (DER) says, in lines "subject:      CN=Jane Doe,O=Acme" and so on, for a
 * person to read: names, dates, key, purpose, candidate names, fingerprint. Escaped, appended. */
void tls_certificate_text(struct slice der, struct buf *out);

#endif

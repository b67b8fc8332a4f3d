/*
 * Digests, random octets, Internet passwords. libcrypto appears in crypt.c and
 * inetpass.c and nowhere else in this room.
 */
#ifndef POSTIL_BASE_CRYPT_H
#define POSTIL_BASE_CRYPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"

STATUS crypt_random(void *out, size_t n);       /* fails rather than being weak */
void crypt_wipe(void *p, size_t n);             /* not optimised away */
bool crypt_equal(const void *a, const void *b, size_t n);       /* constant time */
STATUS crypt_sha256(struct slice data, uint8_t out[32]);
/* For names that other servers made of it; it protects nothing. */
STATUS crypt_md5(struct slice data, uint8_t out[16]);
/* HMAC-SHA256 over the concatenation of count slices, each preceded by its
 * 64-bit length so that no two lists of parts give the same octets. */
STATUS crypt_hmac_parts(const uint8_t key[32], const struct slice *parts,
                        size_t count, uint8_t out[32]);

STATUS base64_encode(struct slice in, struct buf *out); /* RFC 4648, padded, one line */
/* Strict RFC 4648: padding required, no white space, no trailing bits. */
STATUS base64_decode(struct slice in, struct buf *out);
/* As above but white space anywhere is skipped (DXL). */
STATUS base64_decode_folded(struct slice in, struct buf *out);
/* The same in pieces of any size, white space skipped. What was decoded before a fault
 * stays in out. end: POSTIL_ERR_INVALID when something is missing or was wrong. */
struct base64_stream {
	char quad[4];
	uint8_t have;
	bool ended, broken;
};
#define BASE64_STREAM_INIT { { 0 }, 0, false, false }
STATUS base64_stream_add(struct base64_stream *stream, struct slice in, struct buf *out);
STATUS base64_stream_end(const struct base64_stream *stream);

/* --- Internet passwords: values of the item HTTPPassword ---------------- */

enum inetpass_kind {
	INETPASS_NONE,          /* blank */
	INETPASS_PLAIN,         /* does not start with "(": text waiting to be hashed */
	INETPASS_V1,            /* 32 hex digits in parentheses */
	INETPASS_V2,            /* (G... 22 characters */
	INETPASS_V3,            /* (H... 51 characters, PBKDF2 */
	INETPASS_BAD            /* starts with "(" but is none of these */
};

#define INETPASS_MAX_OCTETS 256         /* of a password */
#define INETPASS_V3_ROUNDS_DEFAULT 5000
#define INETPASS_V3_ROUNDS_MAX 10000000

enum inetpass_kind inetpass_kind(struct slice digest, uint32_t *rounds_r /* V3, may be NULL */);
/* NOERROR: it matches. POSTIL_ERR_BADPASSWORD: it does not, or the digest is
 * blank, plain or malformed. Compares in constant time. */
STATUS inetpass_verify(struct slice password, struct slice digest);
/* Spend the time that verifying a V3 digest of so many rounds takes (0: one of V2), and
 * come to nothing: for refusals that must not be told apart. */
void inetpass_burn(struct slice password, uint32_t rounds);
/* A new digest string with NUL; kind V1, V2 or V3; rounds for V3 (0 = default). */
STATUS inetpass_hash(struct slice password, enum inetpass_kind kind,
                     uint32_t rounds, char out[64]);

#endif

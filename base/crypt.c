/*
 * Digests, random octets, constant-time comparison and base64. What base64
 * decodes comes from clients and DXL files and is distrusted: anything outside
 * the alphabet, wrong padding or left-over bits is refused.
 */
#include "base/crypt.h"

#include <errno.h>
#include <pthread.h>
#include <sys/random.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "base/banned.h"

static EVP_MAC *hmac;
static EVP_MD *sha256, *md5;
static pthread_once_t fetched = PTHREAD_ONCE_INIT;

/* Looking an algorithm up by name costs more than a short digest: do it once. */
static void fetch_algorithms(void)
{
	hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	md5 = EVP_MD_fetch(NULL, "MD5", NULL);
}

STATUS crypt_random(void *out, size_t n)
{
	unsigned char *p = out;

	while (n > 0) {
		ssize_t got = getrandom(p, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return POSTIL_ERR_IO;
		p += got;
		n -= (size_t)got;
	}
	return NOERROR;
}

void crypt_wipe(void *p, size_t n)
{
	if (n > 0)
		OPENSSL_cleanse(p, n);
}

bool crypt_equal(const void *a, const void *b, size_t n)
{
	return n == 0 || CRYPTO_memcmp(a, b, n) == 0;
}

STATUS crypt_sha256(struct slice data, uint8_t out[32])
{
	unsigned n = 0;

	pthread_once(&fetched, fetch_algorithms);
	if (sha256 == NULL || !EVP_Digest(data.p, data.n, out, &n, sha256, NULL) || n != 32)
		return POSTIL_ERR_MEMORY;
	return NOERROR;
}

STATUS crypt_md5(struct slice data, uint8_t out[16])
{
	unsigned n = 0;

	pthread_once(&fetched, fetch_algorithms);
	if (md5 == NULL || !EVP_Digest(data.p, data.n, out, &n, md5, NULL) || n != 16)
		return POSTIL_ERR_MEMORY;
	return NOERROR;
}

static bool mac_add_part(EVP_MAC_CTX *ctx, struct slice part)
{
	uint8_t length[8];

	for (int i = 0; i < 8; i++)
		length[i] = (uint8_t)((uint64_t)part.n >> (56 - 8 * i));
	if (!EVP_MAC_update(ctx, length, sizeof(length)))
		return false;
	return part.n == 0 || EVP_MAC_update(ctx, (const unsigned char *)part.p, part.n);
}

STATUS crypt_hmac_parts(const uint8_t key[32], const struct slice *parts,
                        size_t count, uint8_t out[32])
{
	char name[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
		OSSL_PARAM_construct_end()
	};
	EVP_MAC_CTX *ctx;
	size_t n = 0;
	bool ok;

	pthread_once(&fetched, fetch_algorithms);
	ctx = hmac == NULL ? NULL : EVP_MAC_CTX_new(hmac);
	ok = ctx != NULL && EVP_MAC_init(ctx, key, 32, params);
	for (size_t i = 0; ok && i < count; i++)
		ok = mac_add_part(ctx, parts[i]);
	ok = ok && EVP_MAC_final(ctx, out, &n, 32) && n == 32;
	EVP_MAC_CTX_free(ctx);
	return ok ? NOERROR : POSTIL_ERR_MEMORY;
}

/* --- base64, RFC 4648 section 4 ------------------------------------------- */

static const char alphabet[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

STATUS base64_encode(struct slice in, struct buf *out)
{
	const uint8_t *p = (const uint8_t *)in.p;

	for (size_t i = 0; i < in.n; i += 3) {
		size_t left = in.n - i;
		uint32_t bits = (uint32_t)p[i] << 16;
		char quad[4];

		if (left > 1)
			bits |= (uint32_t)p[i + 1] << 8;
		if (left > 2)
			bits |= p[i + 2];
		quad[0] = alphabet[bits >> 18];
		quad[1] = alphabet[bits >> 12 & 63];
		quad[2] = left > 1 ? alphabet[bits >> 6 & 63] : '=';
		quad[3] = left > 2 ? alphabet[bits & 63] : '=';
		buf_add(out, quad, sizeof(quad));
	}
	return buf_status(out);
}

static int base64_value(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* One quad of four characters; *octets_r is 3, 2 or 1. */
static bool base64_quad(const char quad[4], uint8_t out[3], size_t *octets_r)
{
	size_t pads = quad[3] != '=' ? 0 : quad[2] != '=' ? 1 : 2;
	uint32_t bits = 0;

	for (size_t i = 0; i < 4; i++) {
		int value = i < 4 - pads ? base64_value((unsigned char)quad[i]) : 0;

		if (value < 0)
			return false;
		bits = bits << 6 | (uint32_t)value;
	}
	for (size_t i = 0; i < 3; i++)
		out[i] = (uint8_t)(bits >> (16 - 8 * i));
	*octets_r = 3 - pads;
	for (size_t i = *octets_r; i < 3; i++)
		if (out[i] != 0)
			return false;   /* bits that belong to no octet */
	return true;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Into octets, which has room for 3 * in.n / 4 + 3: how many. */
static size_t base64_feed(struct base64_stream *b, struct slice in, bool folded, uint8_t *octets)
{
	size_t used = 0;

	for (size_t i = 0; i < in.n && !b->broken; i++) {
		size_t n = 0;

		if (folded && is_space(in.p[i]))
			continue;
		b->broken = b->ended;
		b->quad[b->have++] = in.p[i];
		if (b->have < 4 || b->broken)
			continue;
		b->have = 0;
		b->broken = !base64_quad(b->quad, octets + used, &n);
		b->ended = n < 3;
		if (!b->broken)
			used += n;
	}
	return used;
}

#define BASE64_PIECE 4096

static STATUS base64_add_any(struct base64_stream *b, struct slice in, bool folded,
                             struct buf *out)
{
	uint8_t octets[BASE64_PIECE / 4 * 3 + 3];

	for (size_t i = 0; i < in.n && !b->broken; i += BASE64_PIECE) {
		size_t n = in.n - i < BASE64_PIECE ? in.n - i : BASE64_PIECE;

		n = base64_feed(b, (struct slice){ in.p + i, n }, folded, octets);
		buf_add(out, octets, n);
	}
	crypt_wipe(octets, in.n < sizeof(octets) ? in.n : sizeof(octets));
	return b->broken ? POSTIL_ERR_INVALID : buf_status(out);
}

static STATUS base64_decode_any(struct slice in, bool folded, struct buf *out)
{
	struct base64_stream stream = BASE64_STREAM_INIT;
	STATUS status = base64_add_any(&stream, in, folded, out);

	if (status == NOERROR)
		status = base64_stream_end(&stream);
	crypt_wipe(&stream, sizeof(stream));
	return status;
}

STATUS base64_stream_add(struct base64_stream *stream, struct slice in, struct buf *out)
{
	return base64_add_any(stream, in, true, out);
}

STATUS base64_stream_end(const struct base64_stream *stream)
{
	return stream->have != 0 || stream->broken ? POSTIL_ERR_INVALID : NOERROR;
}

STATUS base64_decode(struct slice in, struct buf *out)
{
	return base64_decode_any(in, false, out);
}

STATUS base64_decode_folded(struct slice in, struct buf *out)
{
	return base64_decode_any(in, true, out);
}

/*
 * Internet passwords: the three forms the item HTTPPassword takes.
 *
 *   V1  ( 32 hex )      D(password), upper-case hex
 *   V2  (G 19 chars )   salt[5] + first 10 octets of D(salt + V1 string)
 *   V3  (H 48 chars )   salt[16] + rounds[10] + "02" + 8 octets of PBKDF2 over
 *                       the V2 string made with the first 5 octets of salt
 *
 * D is a 128-bit digest with the structure of MD2 and a table of its own. The
 * letters of V2 and V3 are a base64 whose alphabet begins with the digits, and
 * the fourth octet is raised by 4 before encoding.
 *
 * Stored values come from DXL files and are distrusted; so is the password.
 */
#include "base/crypt.h"

#include <string.h>

#include <openssl/evp.h>

#include "base/banned.h"

#define DIGEST_OCTETS 16
#define V1_CHARS 34
#define V2_CHARS 22
#define V3_CHARS 51
#define V2_SALT 5
#define V2_KEPT 9               /* octets of digest that 19 characters hold whole */
#define V3_SALT 16
#define V3_DIGEST 8
#define V3_OCTETS 36

static const uint8_t table[256] = {
	0xbd, 0x56, 0xea, 0xf2, 0xa2, 0xf1, 0xac, 0x2a, 0xb0, 0x93, 0xd1, 0x9c, 0x1b, 0x33, 0xfd, 0xd0,
	0x30, 0x04, 0xb6, 0xdc, 0x7d, 0xdf, 0x32, 0x4b, 0xf7, 0xcb, 0x45, 0x9b, 0x31, 0xbb, 0x21, 0x5a,
	0x41, 0x9f, 0xe1, 0xd9, 0x4a, 0x4d, 0x9e, 0xda, 0xa0, 0x68, 0x2c, 0xc3, 0x27, 0x5f, 0x80, 0x36,
	0x3e, 0xee, 0xfb, 0x95, 0x1a, 0xfe, 0xce, 0xa8, 0x34, 0xa9, 0x13, 0xf0, 0xa6, 0x3f, 0xd8, 0x0c,
	0x78, 0x24, 0xaf, 0x23, 0x52, 0xc1, 0x67, 0x17, 0xf5, 0x66, 0x90, 0xe7, 0xe8, 0x07, 0xb8, 0x60,
	0x48, 0xe6, 0x1e, 0x53, 0xf3, 0x92, 0xa4, 0x72, 0x8c, 0x08, 0x15, 0x6e, 0x86, 0x00, 0x84, 0xfa,
	0xf4, 0x7f, 0x8a, 0x42, 0x19, 0xf6, 0xdb, 0xcd, 0x14, 0x8d, 0x50, 0x12, 0xba, 0x3c, 0x06, 0x4e,
	0xec, 0xb3, 0x35, 0x11, 0xa1, 0x88, 0x8e, 0x2b, 0x94, 0x99, 0xb7, 0x71, 0x74, 0xd3, 0xe4, 0xbf,
	0x3a, 0xde, 0x96, 0x0e, 0xbc, 0x0a, 0xed, 0x77, 0xfc, 0x37, 0x6b, 0x03, 0x79, 0x89, 0x62, 0xc6,
	0xd7, 0xc0, 0xd2, 0x7c, 0x6a, 0x8b, 0x22, 0xa3, 0x5b, 0x05, 0x5d, 0x02, 0x75, 0xd5, 0x61, 0xe3,
	0x18, 0x8f, 0x55, 0x51, 0xad, 0x1f, 0x0b, 0x5e, 0x85, 0xe5, 0xc2, 0x57, 0x63, 0xca, 0x3d, 0x6c,
	0xb4, 0xc5, 0xcc, 0x70, 0xb2, 0x91, 0x59, 0x0d, 0x47, 0x20, 0xc8, 0x4f, 0x58, 0xe0, 0x01, 0xe2,
	0x16, 0x38, 0xc4, 0x6f, 0x3b, 0x0f, 0x65, 0x46, 0xbe, 0x7e, 0x2d, 0x7b, 0x82, 0xf9, 0x40, 0xb5,
	0x1d, 0x73, 0xf8, 0xeb, 0x26, 0xc7, 0x87, 0x97, 0x25, 0x54, 0xb1, 0x28, 0xaa, 0x98, 0x9d, 0xa5,
	0x64, 0x6d, 0x7a, 0xd4, 0x10, 0x81, 0x44, 0xef, 0x49, 0xd6, 0xae, 0x2e, 0xdd, 0x76, 0x5c, 0x2f,
	0xa7, 0x1c, 0xc9, 0x09, 0x69, 0x9a, 0x83, 0xcf, 0x29, 0x39, 0xb9, 0xe9, 0x4c, 0xff, 0x43, 0xab
};

static const char letters[] =
	"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+/";

static void mix(uint8_t state[DIGEST_OCTETS], const uint8_t block[DIGEST_OCTETS])
{
	uint8_t x[48];
	uint8_t t = 0;

	for (int i = 0; i < DIGEST_OCTETS; i++) {
		x[i] = state[i];
		x[16 + i] = block[i];
		x[32 + i] = state[i] ^ block[i];
	}
	for (int round = 0; round < 18; round++)
		for (int i = 0; i < 48; i++)
			t = x[i] ^= table[(uint8_t)(t + 48 - i)];
	memcpy(state, x, DIGEST_OCTETS);
	crypt_wipe(x, sizeof(x));
}

static void checksum(uint8_t sum[DIGEST_OCTETS], const uint8_t block[DIGEST_OCTETS])
{
	uint8_t t = sum[15];

	for (int i = 0; i < DIGEST_OCTETS; i++)
		t = sum[i] ^= table[(uint8_t)(block[i] ^ t)];
}

/* D: always padded, by a whole block when n is a multiple of 16. */
static void digest(const uint8_t *data, size_t n, uint8_t out[DIGEST_OCTETS])
{
	uint8_t sum[DIGEST_OCTETS] = { 0 }, block[DIGEST_OCTETS];
	size_t whole = n / DIGEST_OCTETS * DIGEST_OCTETS, rest = n - whole;

	memset(out, 0, DIGEST_OCTETS);
	for (size_t i = 0; i < whole; i += DIGEST_OCTETS) {
		mix(out, data + i);
		checksum(sum, data + i);
	}
	memset(block, (int)(DIGEST_OCTETS - rest), sizeof(block));
	if (rest > 0)
		memcpy(block, data + whole, rest);
	mix(out, block);
	checksum(sum, block);
	mix(out, sum);
	crypt_wipe(block, sizeof(block));
	crypt_wipe(sum, sizeof(sum));
}

/* --- letters ----------------------------------------------------------------- */

static void encode(const uint8_t *in, size_t n, char *out)
{
	for (size_t i = 0; i < n; i += 3) {
		uint32_t bits = (uint32_t)in[i] << 16 | (uint32_t)in[i + 1] << 8 | in[i + 2];

		for (int shift = 18; shift >= 0; shift -= 6)
			*out++ = letters[bits >> shift & 63];
	}
}

static int letter_value(char c)
{
	const char *at = c == '\0' ? NULL : strchr(letters, c);

	return at == NULL ? -1 : (int)(at - letters);
}

/* n characters, a multiple of 4, to 3/4 n octets. */
static bool decode(const char *in, size_t n, uint8_t *out)
{
	for (size_t i = 0; i < n; i += 4) {
		uint32_t bits = 0;

		for (size_t j = 0; j < 4; j++) {
			int value = letter_value(in[i + j]);

			if (value < 0)
				return false;
			bits = bits << 6 | (uint32_t)value;
		}
		*out++ = (uint8_t)(bits >> 16);
		*out++ = (uint8_t)(bits >> 8);
		*out++ = (uint8_t)bits;
	}
	return true;
}

/* --- the three forms ----------------------------------------------------------- */

static void make_v1(struct slice password, char out[V1_CHARS])
{
	static const char hex[] = "0123456789ABCDEF";
	uint8_t d[DIGEST_OCTETS];

	digest((const uint8_t *)password.p, password.n, d);
	out[0] = '(';
	for (int i = 0; i < DIGEST_OCTETS; i++) {
		out[1 + 2 * i] = hex[d[i] >> 4];
		out[2 + 2 * i] = hex[d[i] & 15];
	}
	out[V1_CHARS - 1] = ')';
	crypt_wipe(d, sizeof(d));
}

static void make_v2(struct slice password, const uint8_t salt[V2_SALT], char out[V2_CHARS])
{
	uint8_t salted[V2_SALT + V1_CHARS], d[DIGEST_OCTETS], raw[15];
	char text[20];

	memcpy(salted, salt, V2_SALT);
	make_v1(password, (char *)salted + V2_SALT);
	digest(salted, 34, d);  /* the last five octets do not take part */
	memcpy(raw, salt, V2_SALT);
	memcpy(raw + V2_SALT, d, 10);
	raw[3] = (uint8_t)(raw[3] + 4);
	encode(raw, sizeof(raw), text);
	out[0] = '(';
	out[1] = 'G';
	memcpy(out + 2, text, 19);
	out[V2_CHARS - 1] = ')';
	crypt_wipe(salted, sizeof(salted));
	crypt_wipe(d, sizeof(d));
	crypt_wipe(raw, sizeof(raw));
	crypt_wipe(text, sizeof(text));
}

/* raw takes V3_OCTETS as they are before encoding, the fourth not yet raised. */
static STATUS make_v3_raw(struct slice password, const uint8_t salt[V3_SALT],
                          uint32_t rounds, uint8_t raw[V3_OCTETS])
{
	char inner[V2_CHARS];
	uint32_t left = rounds;
	int ok;

	memcpy(raw, salt, V3_SALT);
	for (int i = 9; i >= 0; i--, left /= 10)
		raw[V3_SALT + i] = (uint8_t)('0' + left % 10);
	memcpy(raw + 26, "02", 2);
	make_v2(password, salt, inner);
	ok = PKCS5_PBKDF2_HMAC_SHA1(inner, V2_CHARS, salt, V3_SALT, (int)rounds,
	                            V3_DIGEST, raw + 28);
	crypt_wipe(inner, sizeof(inner));
	return ok ? NOERROR : POSTIL_ERR_MEMORY;
}

static struct slice trimmed(struct slice s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t' || s.p[0] == '\n' || s.p[0] == '\r'))
		s.p++, s.n--;
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t' ||
	                   s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\r'))
		s.n--;
	return s;
}

static bool is_v1(struct slice s)
{
	if (s.n != V1_CHARS || s.p[V1_CHARS - 1] != ')')
		return false;
	for (size_t i = 1; i < V1_CHARS - 1; i++) {
		char c = s.p[i];

		if (!((c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f')))
			return false;
	}
	return true;
}

static bool split_v2(struct slice s, uint8_t raw[15])
{
	char text[20];

	if (s.n != V2_CHARS || s.p[1] != 'G' || s.p[V2_CHARS - 1] != ')')
		return false;
	memcpy(text, s.p + 2, 19);
	text[19] = '0';
	if (!decode(text, sizeof(text), raw))
		return false;
	raw[3] = (uint8_t)(raw[3] - 4);
	return true;
}

static bool split_v3(struct slice s, uint8_t raw[V3_OCTETS], uint32_t *rounds_r)
{
	uint64_t rounds = 0;

	if (s.n != V3_CHARS || s.p[1] != 'H' || s.p[V3_CHARS - 1] != ')')
		return false;
	if (!decode(s.p + 2, 48, raw))
		return false;
	raw[3] = (uint8_t)(raw[3] - 4);
	for (int i = 0; i < 10; i++) {
		uint8_t c = raw[V3_SALT + i];

		if (c < '0' || c > '9')
			return false;
		rounds = rounds * 10 + (c - '0');
	}
	if (rounds == 0 || rounds > INETPASS_V3_ROUNDS_MAX)
		return false;
	*rounds_r = (uint32_t)rounds;
	return true;
}

enum inetpass_kind inetpass_kind(struct slice stored, uint32_t *rounds_r)
{
	uint8_t raw[V3_OCTETS];
	uint32_t rounds = 0;

	stored = trimmed(stored);
	if (stored.n == 0)
		return INETPASS_NONE;
	if (stored.p[0] != '(')
		return INETPASS_PLAIN;
	if (is_v1(stored))
		return INETPASS_V1;
	if (split_v2(stored, raw))
		return INETPASS_V2;
	if (!split_v3(stored, raw, &rounds))
		return INETPASS_BAD;
	if (rounds_r != NULL)
		*rounds_r = rounds;
	return INETPASS_V3;
}

static bool verify_v1(struct slice password, struct slice stored)
{
	char made[V1_CHARS], given[V1_CHARS];
	bool equal;

	for (size_t i = 0; i < V1_CHARS; i++) {
		char c = stored.p[i];

		given[i] = c >= 'a' && c <= 'f' ? (char)(c - 'a' + 'A') : c;
	}
	make_v1(password, made);
	equal = crypt_equal(made, given, V1_CHARS);
	crypt_wipe(made, sizeof(made));
	return equal;
}

static bool verify_v2(struct slice password, struct slice stored)
{
	uint8_t raw[15], own[15];
	char made[V2_CHARS];
	bool equal;

	if (!split_v2(stored, raw))
		return false;
	make_v2(password, raw, made);
	equal = split_v2((struct slice){ made, V2_CHARS }, own) &&
	        crypt_equal(raw + V2_SALT, own + V2_SALT, V2_KEPT);
	crypt_wipe(made, sizeof(made));
	crypt_wipe(own, sizeof(own));
	return equal;
}

static STATUS verify_v3(struct slice password, struct slice stored)
{
	uint8_t raw[V3_OCTETS], own[V3_OCTETS];
	uint32_t rounds;
	STATUS status;

	if (!split_v3(stored, raw, &rounds))
		return POSTIL_ERR_BADPASSWORD;
	status = make_v3_raw(password, raw, rounds, own);
	if (status == NOERROR && !crypt_equal(raw + 28, own + 28, V3_DIGEST))
		status = POSTIL_ERR_BADPASSWORD;
	crypt_wipe(own, sizeof(own));
	return status;
}

STATUS inetpass_verify(struct slice password, struct slice stored)
{
	if (password.n > INETPASS_MAX_OCTETS)
		return POSTIL_ERR_BADPASSWORD;
	stored = trimmed(stored);
	switch (inetpass_kind(stored, NULL)) {
	case INETPASS_V1:
		return verify_v1(password, stored) ? NOERROR : POSTIL_ERR_BADPASSWORD;
	case INETPASS_V2:
		return verify_v2(password, stored) ? NOERROR : POSTIL_ERR_BADPASSWORD;
	case INETPASS_V3:
		return verify_v3(password, stored);
	default:
		return POSTIL_ERR_BADPASSWORD;
	}
}

void inetpass_burn(struct slice password, uint32_t rounds)
{
	static const uint8_t salt[V3_SALT];
	uint8_t raw[V3_OCTETS];
	char made[V2_CHARS];

	if (password.n > INETPASS_MAX_OCTETS)
		password.n = INETPASS_MAX_OCTETS;
	if (rounds > INETPASS_V3_ROUNDS_MAX)
		rounds = INETPASS_V3_ROUNDS_MAX;
	if (rounds > 0)
		(void)make_v3_raw(password, salt, rounds, raw);
	else
		make_v2(password, salt, made);
	crypt_wipe(raw, sizeof(raw));
	crypt_wipe(made, sizeof(made));
}

STATUS inetpass_hash(struct slice password, enum inetpass_kind kind,
                     uint32_t rounds, char out[64])
{
	uint8_t salt[V3_SALT], raw[V3_OCTETS];
	STATUS status = NOERROR;

	if (rounds == 0)
		rounds = INETPASS_V3_ROUNDS_DEFAULT;
	if (password.n > INETPASS_MAX_OCTETS || rounds > INETPASS_V3_ROUNDS_MAX ||
	    (kind != INETPASS_V1 && kind != INETPASS_V2 && kind != INETPASS_V3))
		return POSTIL_ERR_INVALID;
	status = crypt_random(salt, sizeof(salt));
	if (status != NOERROR)
		return status;
	memset(out, 0, 64);
	if (kind == INETPASS_V1) {
		make_v1(password, out);
	} else if (kind == INETPASS_V2) {
		make_v2(password, salt, out);
	} else {
		status = make_v3_raw(password, salt, rounds, raw);
		raw[3] = (uint8_t)(raw[3] + 4);
		out[0] = '(';
		out[1] = 'H';
		encode(raw, V3_OCTETS, out + 2);
		out[V3_CHARS - 1] = ')';
		crypt_wipe(raw, sizeof(raw));
	}
	return status;
}

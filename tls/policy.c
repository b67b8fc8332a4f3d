/*
 * The table of suites, and how a list of codes narrows it. The list comes from documents
 * and notes.ini, often written for another server with other suites: what is not
 * understood is told, never obeyed.
 */
#include "tls/policy.h"

#include <string.h>

#include <openssl/ssl.h>

#include "base/text.h"
#include "tls/private.h"

#define TLS_1_3 0x13            /* the first octet of all its suites and of no other's */
#define CODE_SHOWN_OCTETS 24

/* In the order in which we want them: each suite of AES before its longer key, ChaCha20
 * last (SSL_OP_PRIORITIZE_CHACHA lifts it for clients that put it first). */
static const struct {
	uint16_t code;
	const char *name;       /* libssl's, which for TLS 1.3 is IANA's */
} suites[] = {
	{ 0x1301, "TLS_AES_128_GCM_SHA256" },
	{ 0x1302, "TLS_AES_256_GCM_SHA384" },
	{ 0x1303, "TLS_CHACHA20_POLY1305_SHA256" },
	{ 0xC02B, "ECDHE-ECDSA-AES128-GCM-SHA256" },
	{ 0xC02F, "ECDHE-RSA-AES128-GCM-SHA256" },
	{ 0xC02C, "ECDHE-ECDSA-AES256-GCM-SHA384" },
	{ 0xC030, "ECDHE-RSA-AES256-GCM-SHA384" },
	{ 0xCCA9, "ECDHE-ECDSA-CHACHA20-POLY1305" },
	{ 0xCCA8, "ECDHE-RSA-CHACHA20-POLY1305" },
	{ 0x009E, "DHE-RSA-AES128-GCM-SHA256" },
	{ 0x009F, "DHE-RSA-AES256-GCM-SHA384" },
	{ 0xCCAA, "DHE-RSA-CHACHA20-POLY1305" },
};
#define SUITES (sizeof(suites) / sizeof(suites[0]))
#define ALL_SUITES ((UINT32_C(1) << SUITES) - 1)

static bool is_1_3(size_t i)
{
	return suites[i].code >> 8 == TLS_1_3;
}

static uint32_t suites_of(bool version_1_3)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < SUITES; i++)
		if (is_1_3(i) == version_1_3)
			bits |= UINT32_C(1) << i;
	return bits;
}

void tls_policy_init(struct tls_policy *policy)
{
	*policy = (struct tls_policy){ .tls_1_2 = true, .tls_1_3 = true, .suites = ALL_SUITES };
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_prefix(struct slice text, size_t i)
{
	return text.p[i] == '0' && i + 1 < text.n && (text.p[i + 1] | 0x20) == 'x';
}

/* Hexadecimal digits, commas between octets and "0x" left out. false: anything else. */
static bool read_code(struct slice text, uint16_t *code_r)
{
	unsigned code = 0, digits = 0;
	size_t i = 0;

	while (i < text.n) {
		int digit = hex_digit(text.p[i]);

		if (is_prefix(text, i)) {
			i += 2;
			continue;
		}
		i++;
		if (text.p[i - 1] == ',')
			continue;
		if (digit < 0 || ++digits > 4)
			return false;
		code = code << 4 | (unsigned)digit;
	}
	*code_r = (uint16_t)code;
	return digits != 0;
}

/* The bit of a code, 0: not allowed or not understood. */
static uint32_t suite_bit(struct slice text)
{
	uint16_t code;

	if (!read_code(text_trim(text), &code))
		return 0;
	for (size_t i = 0; i < SUITES; i++)
		if (suites[i].code == code)
			return UINT32_C(1) << i;
	return 0;
}

STATUS tls_policy_narrow(struct tls_policy *policy, const struct slice *codes, size_t count,
                         struct buf *ignored, struct fault *fault)
{
	struct tls_policy narrow = *policy;
	uint32_t named = 0;
	bool empty = true;

	for (size_t i = 0; i < count; i++) {
		uint32_t bit = suite_bit(codes[i]);

		if (text_trim(codes[i]).n == 0)
			continue;
		empty = false;
		named |= bit;
		if (bit != 0 || ignored == NULL)
			continue;
		buf_add_str(ignored, ignored->n == 0 ? "" : " ");
		text_escape(text_trim(codes[i]), CODE_SHOWN_OCTETS, ignored);
	}
	if (empty)
		return NOERROR;
	if ((named & suites_of(true)) == 0)
		narrow.suites &= named | suites_of(true);
	else
		narrow.suites &= named;
	narrow.tls_1_2 = narrow.tls_1_2 && (narrow.suites & suites_of(false)) != 0;
	narrow.tls_1_3 = narrow.tls_1_3 && (narrow.suites & suites_of(true)) != 0;
	if (named == 0 || (!narrow.tls_1_2 && !narrow.tls_1_3))
		return fault_set(fault, POSTIL_ERR_INVALID,
			"not one cipher suite of the list is allowed here (allowed are TLS 1.2 with "
			"AES-GCM or ChaCha20 and forward secrecy, such as C02F, and TLS 1.3, such as 1301)");
	*policy = narrow;
	return NOERROR;
}

static bool speaks(const struct tls_policy *policy, size_t i)
{
	return (is_1_3(i) ? policy->tls_1_3 : policy->tls_1_2) && (policy->suites >> i & 1) != 0;
}

void tls_policy_text(const struct tls_policy *policy, struct buf *out)
{
	buf_addf(out, "%s%s%s:", policy->tls_1_2 ? "TLS 1.2" : "",
		policy->tls_1_2 && policy->tls_1_3 ? ", " : "", policy->tls_1_3 ? "TLS 1.3" : "");
	for (size_t i = 0; i < SUITES; i++)
		if (speaks(policy, i))
			buf_addf(out, " %s", suites[i].name);
}

bool tls_policy_equal(const struct tls_policy *a, const struct tls_policy *b)
{
	return a->tls_1_2 == b->tls_1_2 && a->tls_1_3 == b->tls_1_3 && a->suites == b->suites;
}

static void list(const struct tls_policy *policy, bool version_1_3, struct buf *out)
{
	for (size_t i = 0; i < SUITES; i++)
		if (speaks(policy, i) && is_1_3(i) == version_1_3)
			buf_addf(out, "%s%s", out->n == 0 ? "" : ":", suites[i].name);
}

bool tls_policy_apply(const struct tls_policy *policy, SSL_CTX *ssl)
{
	int groups[] = { NID_X25519, NID_X9_62_prime256v1, NID_secp384r1 };
	struct buf old = BUF_INIT, new = BUF_INIT;
	bool ok;

	list(policy, false, &old);
	list(policy, true, &new);
	ok = buf_status(&old) == NOERROR && buf_status(&new) == NOERROR &&
		SSL_CTX_set_min_proto_version(ssl, policy->tls_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION) == 1 &&
		SSL_CTX_set_max_proto_version(ssl, policy->tls_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION) == 1 &&
		(!policy->tls_1_2 || SSL_CTX_set_cipher_list(ssl, buf_cstr(&old)) == 1) &&
		(!policy->tls_1_3 || SSL_CTX_set_ciphersuites(ssl, buf_cstr(&new)) == 1) &&
		SSL_CTX_set1_groups(ssl, groups, sizeof(groups) / sizeof(groups[0])) == 1 &&
		SSL_CTX_set_dh_auto(ssl, 1) == 1;
	SSL_CTX_set_security_level(ssl, 2);
	SSL_CTX_set_options(ssl, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA |
		SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	buf_release(&old);
	buf_release(&new);
	return ok;
}

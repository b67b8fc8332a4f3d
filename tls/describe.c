/* A certificate in lines for people. It may be anybody's: what it says is escaped. */
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/text.h"
#include "tls/peer.h"
#include "tls/private.h"

#define VALUE_SHOWN_OCTETS 300
#define NAMES_SHOWN_MAX 32

static void add_name(const char *label, const X509_NAME *name, struct buf *out)
{
	buf_add_str(out, label);
	if (!tls_name_text(name, VALUE_SHOWN_OCTETS, out))
		buf_add_str(out, "none");
	buf_add_char(out, '\n');
}

static void add_date(const ASN1_TIME *time, struct buf *out)
{
	struct tm tm;
	char text[32];

	if (ASN1_TIME_to_tm(time, &tm) == 1 && strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &tm) > 0)
		buf_add_str(out, text);
	else
		buf_add_str(out, "an impossible time");
}

static void add_dates(const X509 *leaf, struct buf *out)
{
	time_t now = (time_t)clock_wall_secs();

	buf_add_str(out, "valid:        ");
	add_date(X509_get0_notBefore(leaf), out);
	buf_add_str(out, " to ");
	add_date(X509_get0_notAfter(leaf), out);
	buf_add_str(out, " UTC");
	if (X509_cmp_time(X509_get0_notAfter(leaf), &now) < 0)
		buf_add_str(out, ", expired");
	else if (X509_cmp_time(X509_get0_notBefore(leaf), &now) > 0)
		buf_add_str(out, ", not valid yet");
	buf_add_char(out, '\n');
}

const char *tls_key_kind_text(const EVP_PKEY *key)
{
	int kind = key == NULL ? NID_undef : EVP_PKEY_get_base_id(key);

	switch (kind) {
	case NID_undef:
		return "unknown";
	case EVP_PKEY_EC:
		return "ECDSA";
	case EVP_PKEY_RSA:
		return "RSA";
	default:
		return OBJ_nid2sn(kind);
	}
}

static void add_key(X509 *leaf, struct buf *out)
{
	const EVP_PKEY *key = X509_get0_pubkey(leaf);

	buf_addf(out, "key:          %s", tls_key_kind_text(key));
	if (key != NULL)
		buf_addf(out, ", %d bits", EVP_PKEY_get_bits(key));
	buf_add_char(out, '\n');
}

static void add_address(const ASN1_STRING *value, struct buf *out)
{
	const unsigned char *p = ASN1_STRING_get0_data(value);
	int n = ASN1_STRING_length(value);

	if (n == 4)
		buf_addf(out, " %d.%d.%d.%d", p[0], p[1], p[2], p[3]);
	for (int i = 0; n == 16 && i < n; i += 2)
		buf_addf(out, "%s%x", i == 0 ? " " : ":", p[i] << 8 | p[i + 1]);
}

static void add_names(const X509 *leaf, struct buf *out)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
	int count = sk_GENERAL_NAME_num(names);

	if (count > 0)
		buf_add_str(out, "names:       ");
	for (int i = 0; i < count && i < NAMES_SHOWN_MAX; i++) {
		int kind = -1;
		const ASN1_STRING *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &kind);

		if (kind == GEN_IPADD)
			add_address(value, out);
		if (kind != GEN_DNS && kind != GEN_EMAIL && kind != GEN_URI)
			continue;
		buf_add_char(out, ' ');
		text_escape((struct slice){ (const char *)ASN1_STRING_get0_data(value),
			(size_t)ASN1_STRING_length(value) }, VALUE_SHOWN_OCTETS, out);
	}
	if (count > NAMES_SHOWN_MAX)
		buf_addf(out, " and %d more", count - NAMES_SHOWN_MAX);
	if (count > 0)
		buf_add_char(out, '\n');
	GENERAL_NAMES_free(names);
}

static void add_uses(X509 *leaf, struct buf *out)
{
	uint32_t uses = X509_get_extended_key_usage(leaf);

	buf_add_str(out, "for:         ");
	if (X509_check_ca(leaf) != 0)
		buf_add_str(out, " issuing certificates (a CA)");
	else if (uses == UINT32_MAX)
		buf_add_str(out, " any purpose");
	else
		buf_addf(out, "%s%s%s", (uses & XKU_SSL_SERVER) != 0 ? " servers" : "",
			(uses & XKU_SSL_CLIENT) != 0 ? " clients" : "",
			(uses & (XKU_SSL_SERVER | XKU_SSL_CLIENT)) == 0 ? " other purposes than TLS" : "");
	buf_add_char(out, '\n');
}

static void add_fingerprint(const X509 *leaf, struct buf *out)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (X509_digest(leaf, EVP_sha256(), digest, &n) != 1)
		return;
	buf_add_str(out, "fingerprint:  SHA-256 ");
	for (unsigned i = 0; i < n; i++)
		buf_addf(out, "%s%02X", i == 0 ? "" : ":", digest[i]);
	buf_add_char(out, '\n');
}

static void add_notes_names(struct slice der, struct buf *out)
{
	struct arena arena = ARENA_INIT;
	struct tls_peer peer;

	if (tls_peer_read(der, &arena, &peer) == NOERROR) {
		buf_add_str(out, "Notes names:  ");
		for (size_t i = 0; i < peer.name_count; i++) {
			buf_add_str(out, i == 0 ? "" : ", ");
			text_escape(peer.names[i], VALUE_SHOWN_OCTETS, out);
		}
		buf_add_str(out, peer.name_count == 0 ? "none\n" : "\n");
	}
	arena_release(&arena);
}

void tls_certificate_text(struct slice der, struct buf *out)
{
	const unsigned char *p = (const unsigned char *)der.p;
	X509 *leaf = der.n > TLS_STORED_MAX ? NULL : d2i_X509(NULL, &p, (long)der.n);

	if (leaf == NULL) {
		buf_add_str(out, "a certificate that cannot be read\n");
		ERR_clear_error();
		return;
	}
	add_name("subject:      ", X509_get_subject_name(leaf), out);
	add_name("issuer:       ", X509_get_issuer_name(leaf), out);
	add_dates(leaf, out);
	add_key(leaf, out);
	add_uses(leaf, out);
	add_names(leaf, out);
	add_notes_names(der, out);
	add_fingerprint(leaf, out);
	X509_free(leaf);
	ERR_clear_error();
}

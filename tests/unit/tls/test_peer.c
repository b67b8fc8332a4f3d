/* What a client's certificate says: names in every order and spelling, addresses, keys. */
#include <string.h>

#include <openssl/x509v3.h>

#include "base/crypt.h"
#include "tests/unit/tls/fixture.h"
#include "tls/peer.h"

#include "base/banned.h"

#define PARTS_MAX 20
#define LONG_64 "0123456789012345678901234567890123456789012345678901234567890123"

/* One attribute: as octets of a type of ASN.1. */
struct part {
	const char *kind;
	int type;
	struct slice value;
};
#define UTF8(kind, text) { kind, V_ASN1_UTF8STRING, SLICE_LIT(text) }
#define TYPED(kind, type, octets) { kind, type, SLICE_LIT(octets) }

static struct buf certificate_of(const struct part *parts)
{
	struct tls_identity *plain = make_identity((struct tls_make){ .use = TLS_USE_CLIENT });
	EVP_PKEY *key = identity_key(plain);
	X509 *leaf = identity_x509(plain);
	X509_NAME *name = X509_NAME_new();
	unsigned char *der = NULL;
	struct buf out = BUF_INIT;
	int n;

	for (; parts->kind != NULL; parts++) {
		X509_NAME_ENTRY *entry = X509_NAME_ENTRY_create_by_txt(NULL, parts->kind, parts->type,
			(const unsigned char *)parts->value.p, (int)parts->value.n);

		ck_assert_ptr_nonnull(entry);
		ck_assert_int_eq(X509_NAME_add_entry(name, entry, -1, 0), 1);
		X509_NAME_ENTRY_free(entry);
	}
	ck_assert_int_eq(X509_set_subject_name(leaf, name), 1);
	ck_assert_int_gt(X509_sign(leaf, key, EVP_sha256()), 0);
	n = i2d_X509(leaf, &der);
	buf_add(&out, der, (size_t)n);
	OPENSSL_free(der);
	X509_NAME_free(name);
	X509_free(leaf);
	EVP_PKEY_free(key);
	tls_identity_free(&plain);
	return out;
}

static const struct {
	struct part parts[PARTS_MAX + 1];
	const char *names[2];
} cases[] = {
	/* the general part first, as most are, and last */
	{ { UTF8("C", "US"), UTF8("O", "Acme"), UTF8("OU", "Sales"), UTF8("CN", "Jane Doe") },
	  { "CN=Jane Doe/OU=Sales/O=Acme/C=US", "Jane Doe" } },
	{ { UTF8("CN", "Jane Doe"), UTF8("OU", "Sales"), UTF8("O", "Acme"), UTF8("C", "US") },
	  { "CN=Jane Doe/OU=Sales/O=Acme/C=US", "Jane Doe" } },
	{ { UTF8("O", "Acme"), UTF8("OU", "Europe"), UTF8("OU", "Sales"), UTF8("CN", "Jane") },
	  { "CN=Jane/OU=Sales/OU=Europe/O=Acme", "Jane" } },
	{ { UTF8("CN", "Jane"), UTF8("OU", "Sales"), UTF8("OU", "Europe"), UTF8("O", "Acme") },
	  { "CN=Jane/OU=Sales/OU=Europe/O=Acme", "Jane" } },
	{ { UTF8("O", "Acme"), UTF8("CN", "Jane"), UTF8("OU", "Sales") },
	  { "CN=Jane/OU=Sales/O=Acme", "Jane" } },
	{ { UTF8("OU", "Sales"), UTF8("CN", "Jane") }, { "CN=Jane/OU=Sales", "Jane" } },
	{ { UTF8("CN", "Jane") }, { "Jane" } },
	/* what does not count */
	{ { UTF8("description", "Postil test: not for use"), UTF8("C", "DE"), UTF8("ST", "x"), UTF8("L", "y"),
	    UTF8("O", "Acme"), UTF8("CN", "Jane"), UTF8("emailAddress", "j@a.example"),
	    UTF8("serialNumber", "7"), UTF8("UID", "jane"), UTF8("DC", "example") },
	  { "CN=Jane/O=Acme/C=DE", "Jane" } },
	/* other kinds of text */
	{ { TYPED("O", V_ASN1_T61STRING, "Caf\xE9"), TYPED("CN", V_ASN1_BMPSTRING, "\0J\0\xE4\x04\x16") },
	  { "CN=J\xC3\xA4\xD0\x96/O=Caf\xC3\xA9", "J\xC3\xA4\xD0\x96" } },
	{ { TYPED("O", V_ASN1_PRINTABLESTRING, "Acme"), TYPED("CN", V_ASN1_UNIVERSALSTRING, "\0\0\0J\0\1\xF6\0") },
	  { "CN=J\xF0\x9F\x98\x80/O=Acme", "J\xF0\x9F\x98\x80" } },
	{ { TYPED("O", V_ASN1_IA5STRING, "Acme"), UTF8("CN", "\xD0\x96\xD0\xB0\xD0\xBD\xD0\xBD\xD0\xB0") },
	  { "CN=\xD0\x96\xD0\xB0\xD0\xBD\xD0\xBD\xD0\xB0/O=Acme", "\xD0\x96\xD0\xB0\xD0\xBD\xD0\xBD\xD0\xB0" } },
	/* no common name, two */
	{ { UTF8("O", "Acme") }, { NULL } },
	{ { { NULL, 0, { NULL, 0 } } }, { NULL } },
	{ { UTF8("O", "Acme"), UTF8("CN", "Jane"), UTF8("CN", "Admin") }, { NULL } },
	{ { UTF8("CN", "Jane"), UTF8("O", "Acme"), UTF8("CN", "Jane") }, { NULL } },
	/* two organizations or countries: no hierarchical name */
	{ { UTF8("O", "Acme"), UTF8("O", "Evil"), UTF8("CN", "Jane") }, { "Jane" } },
	{ { UTF8("C", "US"), UTF8("C", "DE"), UTF8("O", "Acme"), UTF8("CN", "Jane") }, { "Jane" } },
	/* common names that cannot be one */
	{ { UTF8("O", "Acme"), UTF8("CN", "Jane\0Doe") }, { NULL } },
	{ { UTF8("O", "Acme"), UTF8("CN", "Jane\0") }, { NULL } },
	{ { UTF8("O", "Acme"), TYPED("CN", V_ASN1_BMPSTRING, "\0J\0\0\0e") }, { NULL } },
	{ { UTF8("O", "Acme"), UTF8("CN", "") }, { NULL } },
	{ { UTF8("O", "Acme"), UTF8("CN", " ") }, { NULL } },
	{ { UTF8("O", "Acme"), UTF8("CN", "Jane ") }, { NULL } },
	{ { UTF8("O", "Acme"), UTF8("CN", "Jane/O=Evil") }, { NULL } },
	{ { UTF8("O", "Acme"), UTF8("CN", "Jane/Evil") }, { NULL } },
	{ { UTF8("O", "Acme"), UTF8("CN", "CN=Jane") }, { NULL } },
	{ { UTF8("O", "Acme"), UTF8("CN", "*") }, { NULL } },
	{ { UTF8("O", "Acme"), UTF8("CN", "$Admin") }, { NULL } },
	{ { UTF8("O", "Acme"), UTF8("CN", "Ja\nne") }, { NULL } },
	{ { UTF8("O", "Acme"), UTF8("CN", "Ja\x7Fne") }, { NULL } },
	{ { UTF8("O", "Acme"), UTF8("CN", "Ja\xC2\x85ne") }, { NULL } },
	{ { UTF8("O", "Acme"), TYPED("CN", V_ASN1_BIT_STRING, "Jane") }, { NULL } },
	/* other parts that cannot: the common name is left */
	{ { UTF8("O", "Acme/O=Evil"), UTF8("CN", "Jane") }, { "Jane" } },
	{ { UTF8("O", ""), UTF8("CN", "Jane") }, { "Jane" } },
	{ { UTF8("O", "A\0cme"), UTF8("CN", "Jane") }, { "Jane" } },
	{ { UTF8("O", "Acme"), UTF8("OU", "*"), UTF8("CN", "Jane") }, { "Jane" } },
	{ { UTF8("C", "U$"), UTF8("O", "Acme"), UTF8("CN", "Jane") }, { "Jane" } },
	/* long ones */
	{ { UTF8("O", "Acme"), UTF8("CN", LONG_64 LONG_64 LONG_64 LONG_64) },
	  { "CN=" LONG_64 LONG_64 LONG_64 LONG_64 "/O=Acme", LONG_64 LONG_64 LONG_64 LONG_64 } },
	{ { UTF8("O", "Acme"), UTF8("CN", LONG_64 LONG_64 LONG_64 LONG_64 "x") }, { NULL } },
	{ { UTF8("O", LONG_64 LONG_64 LONG_64 LONG_64 "x"), UTF8("CN", "Jane") }, { "Jane" } },
	{ { UTF8("O", "Acme"), UTF8("OU", "1"), UTF8("OU", "2"), UTF8("OU", "3"), UTF8("OU", "4"),
	    UTF8("OU", "5"), UTF8("OU", "6"), UTF8("OU", "7"), UTF8("OU", "8"), UTF8("OU", "9"),
	    UTF8("OU", "a"), UTF8("OU", "b"), UTF8("OU", "c"), UTF8("OU", "d"), UTF8("OU", "e"),
	    UTF8("OU", "f"), UTF8("OU", "g"), UTF8("OU", "h"), UTF8("CN", "Jane") }, { "Jane" } },
};

START_TEST(test_names)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf der = certificate_of(cases[i].parts);
		struct arena arena = ARENA_INIT;
		struct tls_peer peer;
		size_t wanted = cases[i].names[0] == NULL ? 0 : cases[i].names[1] == NULL ? 1 : 2;

		ck_assert_int_eq(tls_peer_read(buf_slice(&der), &arena, &peer), NOERROR);
		ck_assert_msg(peer.name_count == wanted, "case %zu: %zu names, not %zu", i, peer.name_count, wanted);
		for (size_t j = 0; j < wanted; j++)
			ck_assert_msg(slice_equal(peer.names[j], slice_of(cases[i].names[j])), "case %zu: %.*s", i,
			              (int)peer.names[j].n, peer.names[j].p);
		for (size_t j = 0; j < peer.subject.n; j++)
			ck_assert(peer.subject.p[j] >= 0x20 && peer.subject.p[j] < 0x7F);
		ck_assert_uint_le(peer.subject.n, 4 * 200 + 3);
		arena_release(&arena);
		buf_release(&der);
	}
}
END_TEST

/* What is not the text that it says it is: no name, if it is a certificate at all. */
START_TEST(test_malformed_texts)
{
	static const char *const bad[] = { "\xC0\xAF++", "\xED\xA0\x80+", "\xF8\x88\x80\x80", "+++\xC3",
		"\x80+++", "\xF4\x90\x80\x80" };
	const struct part parts[] = { UTF8("O", "Acme"), UTF8("CN", "Ja++++ne"), { 0 } };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct buf der = certificate_of(parts);
		struct arena arena = ARENA_INIT;
		struct tls_peer peer = { .name_count = 0 };

		memcpy((char *)memmem(der.p, der.n, "Ja++++ne", 8) + 2, bad[i], 4);
		if (tls_peer_read(buf_slice(&der), &arena, &peer) == NOERROR)
			ck_assert_uint_eq(peer.name_count, 0);
		arena_release(&arena);
		buf_release(&der);
	}
}
END_TEST

static struct tls_identity *jane(const char *const *addresses, size_t count)
{
	return make_identity((struct tls_make){ .use = TLS_USE_CLIENT, .addresses = addresses,
		.address_count = count, SUBJECT("O", "Acme", "CN", "Jane"), .not_before = 1700000000,
		.not_after = 4000000000 });
}

START_TEST(test_addresses_and_dates)
{
	static const char *const addresses[] = { "jane@acme.example", "no at", "two@at@x", "@x", "x@",
		"a b@x", "j\xC3\xA4@x", "Jane@ACME.example", "tab\t@x", "" };
	struct tls_identity *one = jane(addresses, sizeof(addresses) / sizeof(addresses[0]));
	struct arena arena = ARENA_INIT;
	struct buf der = BUF_INIT;
	struct tls_peer peer;

	ck_assert_int_eq(tls_identity_der(one, &der), NOERROR);
	ck_assert_int_eq(tls_peer_read(buf_slice(&der), &arena, &peer), NOERROR);
	ck_assert_uint_eq(peer.address_count, 2);
	ck_assert(slice_equal(peer.addresses[0], SLICE_LIT("jane@acme.example")));
	ck_assert(slice_equal(peer.addresses[1], SLICE_LIT("Jane@ACME.example")));
	ck_assert_int_eq(peer.not_before, 1700000000);
	ck_assert_int_eq(peer.not_after, 4000000000);
	ck_assert(slice_equal(peer.subject, SLICE_LIT("CN=Jane,O=Acme")));
	arena_release(&arena);
	buf_release(&der);
	tls_identity_free(&one);
}
END_TEST

START_TEST(test_no_certificate)
{
	struct tls_identity *one = jane(NULL, 0);
	struct arena arena = ARENA_INIT;
	struct buf der = BUF_INIT;
	struct tls_peer peer;

	ck_assert_int_eq(tls_identity_der(one, &der), NOERROR);
	for (size_t n = 0; n < der.n; n++)
		ck_assert_int_eq(tls_peer_read((struct slice){ der.p, n }, &arena, &peer), POSTIL_ERR_INVALID);
	buf_add_char(&der, 0);
	ck_assert_int_eq(tls_peer_read(buf_slice(&der), &arena, &peer), POSTIL_ERR_INVALID);
	buf_reserve(&der, TLS_CERTIFICATE_MAX);
	memset(der.p + der.n, 0, TLS_CERTIFICATE_MAX - der.n + 1);
	ck_assert_int_eq(tls_peer_read((struct slice){ der.p, TLS_CERTIFICATE_MAX + 1 }, &arena, &peer),
	                 POSTIL_ERR_TOO_LONG);
	arena_release(&arena);
	buf_release(&der);
	tls_identity_free(&one);
}
END_TEST

/* --- as they are stored --------------------------------------------------------------------- */

struct counted {
	struct slice wanted;
	size_t count, equal;
	STATUS answer;
};

static STATUS count(void *context, struct slice der)
{
	struct counted *counted = context;

	counted->count++;
	counted->equal += slice_equal(der, counted->wanted);
	return counted->answer;
}

static void holds(struct slice stored, struct slice der, size_t how_many)
{
	struct counted counted = { .wanted = der };
	STATUS status = tls_certificates_each(stored, count, &counted);

	ck_assert_int_eq(status, how_many == 0 ? POSTIL_ERR_INVALID : NOERROR);
	ck_assert_uint_eq(counted.count, how_many);
	ck_assert_uint_eq(counted.equal, how_many);
}

static void add_folded(struct buf *out, struct slice text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (i % 61 == 0)
			buf_add_str(out, "\r\n \t");
		buf_add_char(out, text.p[i]);
	}
}

START_TEST(test_stored)
{
	struct tls_identity *one = jane(NULL, 0);
	struct buf der = BUF_INIT, pem = BUF_INIT, text = BUF_INIT, all = BUF_INIT;
	struct counted stops = { .answer = POSTIL_ERR_CANCEL };
	struct slice d;

	ck_assert_int_eq(tls_identity_der(one, &der), NOERROR);
	ck_assert_int_eq(tls_identity_certificate(one, &pem), NOERROR);
	ck_assert_int_eq(base64_encode(buf_slice(&der), &text), NOERROR);
	d = buf_slice(&der);
	holds(d, d, 1);
	holds(buf_slice(&pem), d, 1);
	holds(buf_slice(&text), d, 1);
	add_folded(&all, buf_slice(&text));
	holds(buf_slice(&all), d, 1);
	/* rubbish before it, of an item's format; not after it alone, and not too much */
	buf_clear(&all);
	buf_add(&all, "\x30\x01\0\0\x1cUserCertificate0\x80", 22);
	buf_add_slice(&all, d);
	holds(buf_slice(&all), d, 1);
	buf_add_slice(&all, d);
	holds(buf_slice(&all), d, 2);
	buf_add_str(&all, "rubbish");
	holds(buf_slice(&all), d, 2);
	buf_clear(&all);
	for (int i = 0; i < 70; i++)
		buf_add_char(&all, '0');
	buf_add_slice(&all, d);
	holds(buf_slice(&all), d, 0);
	/* PEM: text around, a key, another kind, several */
	buf_clear(&all);
	buf_add_str(&all, "Jane's certificates\n");
	ck_assert_int_eq(tls_identity_key(one, NULL, &all), NOERROR);
	buf_add_slice(&all, buf_slice(&pem));
	buf_add_str(&all, "-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n");
	buf_add_slice(&all, buf_slice(&pem));
	holds(buf_slice(&all), d, 2);
	ck_assert_int_eq(tls_certificates_each(buf_slice(&all), count, &stops), POSTIL_ERR_CANCEL);
	ck_assert_uint_eq(stops.count, 1);
	/* none */
	holds(SLICE_LIT(""), d, 0);
	holds(SLICE_LIT("certificate"), d, 0);
	holds(SLICE_LIT("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"), d, 0);
	holds((struct slice){ d.p, d.n - 1 }, d, 0);
	buf_clear(&all);
	ck_assert_int_eq(buf_reserve(&all, TLS_STORED_MAX + 1), NOERROR);
	memset(all.p, ' ', TLS_STORED_MAX + 1);
	memcpy(all.p, text.p, text.n);
	holds((struct slice){ all.p, TLS_STORED_MAX }, d, 1);
	holds((struct slice){ all.p, TLS_STORED_MAX + 1 }, d, 0);
	buf_wipe_release(&all);
	buf_release(&text);
	buf_release(&pem);
	buf_release(&der);
	tls_identity_free(&one);
}
END_TEST

/* A marker of PEM inside of a DER one. */
START_TEST(test_stored_with_a_marker)
{
	struct tls_identity *one = make_identity((struct tls_make){ .use = TLS_USE_CLIENT,
		.comment = "-----BEGIN CERTIFICATE-----" });
	struct buf der = BUF_INIT;

	ck_assert_int_eq(tls_identity_der(one, &der), NOERROR);
	holds(buf_slice(&der), buf_slice(&der), 1);
	buf_release(&der);
	tls_identity_free(&one);
}
END_TEST

START_TEST(test_keys)
{
	struct tls_identity *one = jane(NULL, 0), *other = jane(NULL, 0);
	struct tls_identity *renewed = make_identity((struct tls_make){ .use = TLS_USE_SERVER,
		.same_key = one, SUBJECT("CN", "somebody") });
	struct buf der = BUF_INIT, two = BUF_INIT, pem = BUF_INIT;
	struct arena arena = ARENA_INIT;
	struct tls_peer peer;

	ck_assert_int_eq(tls_identity_der(one, &der), NOERROR);
	ck_assert_int_eq(tls_identity_der(other, &two), NOERROR);
	ck_assert_int_eq(tls_peer_read(buf_slice(&der), &arena, &peer), NOERROR);
	ck_assert(tls_key_equal(peer.public_key, buf_slice(&der)));
	ck_assert(!tls_key_equal(peer.public_key, buf_slice(&two)));
	ck_assert(!tls_key_equal(peer.public_key, SLICE_LIT("")));
	ck_assert(!tls_key_equal(peer.public_key, peer.public_key));
	ck_assert(!tls_key_equal((struct slice){ "", 0 }, buf_slice(&der)));
	ck_assert(!tls_key_equal((struct slice){ peer.public_key.p, peer.public_key.n - 1 }, buf_slice(&der)));
	ck_assert_int_eq(tls_identity_certificate(other, &pem), NOERROR);
	ck_assert(!tls_key_equal(peer.public_key, buf_slice(&pem)));
	ck_assert_int_eq(tls_identity_certificate(renewed, &pem), NOERROR);
	ck_assert(tls_key_equal(peer.public_key, buf_slice(&pem)));
	arena_release(&arena);
	buf_release(&pem);
	buf_release(&two);
	buf_release(&der);
	tls_identity_free(&renewed);
	tls_identity_free(&other);
	tls_identity_free(&one);
}
END_TEST

START_TEST(test_in_words)
{
	static const char *const addresses[] = { "j@a.example" };
	const struct part odd[] = { UTF8("O", "Ac\x1b[31mme\n"), UTF8("CN", "Jane"), { 0 } };
	struct tls_identity *one = make_identity((struct tls_make){ .use = TLS_USE_SERVER,
		.key = TLS_KEY_RSA, HOSTS("mail.example.org", "192.0.2.1", "2001:db8::1"), .addresses = addresses,
		.address_count = 1, SUBJECT("CN", "mail"), .not_before = 1000000000, .not_after = 1100000000 });
	struct buf der = BUF_INIT, text = BUF_INIT, hostile = certificate_of(odd);

	ck_assert_int_eq(tls_identity_der(one, &der), NOERROR);
	tls_certificate_text(buf_slice(&der), &text);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&text), "subject:      CN=mail\nissuer:       CN=mail\n"
		"valid:        2001-09-09 01:46 to 2004-11-09 11:33 UTC, expired\n"
		"key:          RSA, 2048 bits\nfor:          servers\n"
		"names:        mail.example.org 192.0.2.1 2001:db8:0:0:0:0:0:1 j@a.example\n"
		"Notes names:  mail\nfingerprint:  SHA-256 "));
	buf_clear(&text);
	tls_certificate_text(buf_slice(&hostile), &text);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&text), "Notes names:  Jane\n"));
	ck_assert_ptr_null(strchr(buf_cstr(&text), '\x1b'));
	buf_clear(&text);
	tls_certificate_text(SLICE_LIT("rubbish"), &text);
	ck_assert_str_eq(buf_cstr(&text), "a certificate that cannot be read\n");
	buf_release(&hostile);
	buf_release(&text);
	buf_release(&der);
	tls_identity_free(&one);
}
END_TEST

UNIT_MAIN("peer", test_names, test_malformed_texts, test_addresses_and_dates, test_no_certificate, test_stored,
          test_stored_with_a_marker, test_keys, test_in_words)

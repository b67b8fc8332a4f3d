/* Certificates of our own: what was asked for stands in them, and libcrypto agrees. */
#include <string.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "tests/support/unit.h"
#include "tests/unit/tls/fixture.h"
#include "tls/make.h"
#include "tls/peer.h"


static struct tls_identity *make(struct tls_make wanted)
{
	struct tls_identity *identity = NULL;
	struct fault fault = { 0 };
	STATUS status;

	if (wanted.not_after == 0) {
		wanted.not_before = clock_wall_secs() - HOUR;
		wanted.not_after = clock_wall_secs() + HOUR;
	}
	status = tls_make(&wanted, &identity, &fault);
	ck_assert_msg(status == NOERROR, "%s", fault_text(&fault, status));
	return identity;
}

START_TEST(test_what_was_asked_for)
{
	struct tls_identity *ca = make((struct tls_make){ .use = TLS_USE_CA, SUBJECT("CN", "CA") });
	const char *hosts[] = { "mail.example.org", "127.0.0.1", "::1" }, *addresses[] = { "j@a.example" };
	struct tls_identity *server = make((struct tls_make){ .use = TLS_USE_SERVER,
		.key = TLS_KEY_RSA, .issuer = ca, .hosts = hosts, .host_count = 3 });
	struct tls_identity *client = make((struct tls_make){ .use = TLS_USE_CLIENT, .issuer = ca,
		.addresses = addresses, .address_count = 1, SUBJECT("O", "Acme", "CN", "Jane") });
	X509 *a = identity_x509(ca), *s = identity_x509(server), *c = identity_x509(client);

	ck_assert_int_eq(X509_check_ca(a), 1);
	ck_assert_int_eq(X509_check_ca(s), 0);
	ck_assert_int_eq(X509_verify(s, X509_get0_pubkey(a)), 1);
	ck_assert_int_eq(X509_check_issued(a, c), X509_V_OK);
	ck_assert_int_eq(X509_check_host(s, "mail.example.org", 0, 0, NULL), 1);
	ck_assert_int_eq(X509_check_ip_asc(s, "127.0.0.1", 0), 1);
	ck_assert_int_eq(X509_check_ip_asc(s, "::1", 0), 1);
	ck_assert_int_eq(X509_check_email(c, "j@a.example", 0, 0), 1);
	ck_assert_int_eq(X509_get_extended_key_usage(s), XKU_SSL_SERVER);
	ck_assert_int_eq(X509_get_extended_key_usage(c), XKU_SSL_CLIENT);
	ck_assert_int_eq(EVP_PKEY_get_base_id(X509_get0_pubkey(s)), EVP_PKEY_RSA);
	ck_assert_int_eq(EVP_PKEY_get_bits(X509_get0_pubkey(s)), 2048);
	ck_assert_int_eq(X509_NAME_entry_count(X509_get_subject_name(s)), 0);
	X509_free(a);
	X509_free(s);
	X509_free(c);
	tls_identity_free(&client);
	tls_identity_free(&server);
	tls_identity_free(&ca);
	tls_identity_free(&ca);         /* NULL */
}
END_TEST

START_TEST(test_odd_ones)
{
	struct tls_identity *ca = make((struct tls_make){ .use = TLS_USE_CA, SUBJECT("CN", "CA") });
	struct tls_identity *big = make((struct tls_make){ .use = TLS_USE_CLIENT, .issuer = ca,
		.padding_octets = 100000, .comment = "test", .purposes = "serverAuth",
		SUBJECT("CN", "a common name of more than the sixty-four characters that the standard allows"),
		.not_before = 2500000000, .not_after = 3000000000 });
	struct tls_identity *same = make((struct tls_make){ .use = TLS_USE_CLIENT, .same_key = big,
		.purposes = "" });
	X509 *b = identity_x509(big), *s = identity_x509(same);
	struct fault fault = { 0 };

	ck_assert_int_gt(i2d_X509(b, NULL), 100000);
	ck_assert_int_eq(X509_get_extended_key_usage(b), XKU_SSL_SERVER);
	ck_assert_int_eq((int)X509_get_extended_key_usage(s), -1);
	ck_assert_int_gt(X509_cmp_current_time(X509_get0_notBefore(b)), 0);
	ck_assert_int_eq(EVP_PKEY_eq(X509_get0_pubkey(b), X509_get0_pubkey(s)), 1);
	ck_assert_int_eq(X509_verify(s, X509_get0_pubkey(s)), 1);
	ck_assert_int_eq(tls_make(&(struct tls_make){ .not_after = 1, SUBJECT("XX", "y") }, &same, &fault),
	                 POSTIL_ERR_INVALID);
	ck_assert_ptr_nonnull(strstr(fault.text, "XX"));
	ck_assert_int_eq(tls_make(&(struct tls_make){ .not_after = 1, .purposes = "no such" }, &same,
	                          &fault), POSTIL_ERR_INVALID);
	ck_assert_ptr_nonnull(strstr(fault.text, "no such"));
	X509_free(b);
	X509_free(s);
	tls_identity_free(&same);
	tls_identity_free(&big);
	tls_identity_free(&ca);
}
END_TEST

START_TEST(test_written_and_read)
{
	struct tls_identity *ca = make((struct tls_make){ .use = TLS_USE_CA, SUBJECT("CN", "CA") });
	struct tls_identity *other = make((struct tls_make){ .use = TLS_USE_CA, SUBJECT("CN", "CA") });
	struct tls_identity *again = NULL, *child = NULL;
	struct buf pem = BUF_INIT, key = BUF_INIT, locked = BUF_INIT, wrong = BUF_INIT;
	struct fault fault = { 0 };

	ck_assert_int_eq(tls_identity_certificate(ca, &pem), NOERROR);
	ck_assert_int_eq(tls_identity_key(ca, NULL, &key), NOERROR);
	ck_assert_int_eq(tls_identity_key(ca, "sesame", &locked), NOERROR);
	ck_assert_int_eq(tls_identity_key(other, NULL, &wrong), NOERROR);
	ck_assert_ptr_nonnull(memmem(locked.p, locked.n, "ENCRYPTED", 9));
	ck_assert_int_eq(tls_identity_read(buf_slice(&pem), buf_slice(&key), &again, &fault), NOERROR);
	child = make((struct tls_make){ .use = TLS_USE_CLIENT, .issuer = again });
	tls_identity_free(&child);
	tls_identity_free(&again);
	ck_assert_int_eq(tls_identity_read(buf_slice(&pem), (struct slice){ "", 0 }, &again, &fault),
	                 NOERROR);
	ck_assert_int_eq(tls_make(&(struct tls_make){ .issuer = again }, &child, &fault),
	                 POSTIL_ERR_INVALID);
	ck_assert_int_eq(tls_identity_key(again, NULL, &locked), POSTIL_ERR_INVALID);
	tls_identity_free(&again);
	ck_assert_int_eq(tls_identity_read(buf_slice(&pem), buf_slice(&wrong), &again, &fault),
	                 POSTIL_ERR_INVALID);
	ck_assert_int_eq(tls_identity_read(buf_slice(&pem), buf_slice(&locked), &again, &fault),
	                 POSTIL_ERR_INVALID);
	ck_assert_int_eq(tls_identity_read(buf_slice(&key), buf_slice(&key), &again, &fault),
	                 POSTIL_ERR_INVALID);
	buf_release(&pem);
	buf_wipe_release(&key);
	buf_wipe_release(&locked);
	buf_wipe_release(&wrong);
	tls_identity_free(&other);
	tls_identity_free(&ca);
}
END_TEST

static bool names(struct slice pem, const struct tls_identity *one)
{
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	X509_CRL *crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL);
	X509_REVOKED *entry = NULL;
	X509 *leaf = identity_x509(one);
	bool named = X509_CRL_get0_by_cert(crl, &entry, leaf) == 1;

	X509_free(leaf);
	X509_CRL_free(crl);
	BIO_free(bio);
	return named;
}

START_TEST(test_revocation_lists)
{
	const struct slice none = { "", 0 };
	struct tls_identity *ca = make((struct tls_make){ .use = TLS_USE_CA, SUBJECT("CN", "CA") });
	struct tls_identity *a = make((struct tls_make){ .issuer = ca }), *b = make((struct tls_make){
		.issuer = ca });
	struct buf first = BUF_INIT, second = BUF_INIT, third = BUF_INIT;
	const struct tls_identity *both[] = { a, b };
	struct fault fault = { 0 };

	ck_assert_int_eq(tls_make_crl(ca, none, NULL, 0, 1, 2, &first, &fault), NOERROR);
	ck_assert(!names(buf_slice(&first), a));
	ck_assert_int_eq(tls_make_crl(ca, buf_slice(&first), both, 1, 1, 2, &second, &fault), NOERROR);
	ck_assert(names(buf_slice(&second), a) && !names(buf_slice(&second), b));
	ck_assert_int_eq(tls_make_crl(ca, buf_slice(&second), both + 1, 1, 1, 2, &third, &fault), NOERROR);
	ck_assert(names(buf_slice(&third), a) && names(buf_slice(&third), b));
	ck_assert_int_eq(tls_make_crl(a, buf_slice(&third), both, 2, 1, 2, &second, &fault),
	                 POSTIL_ERR_INVALID);
	ck_assert_int_eq(tls_make_crl(ca, SLICE_LIT("rubbish"), both, 2, 1, 2, &second, &fault),
	                 POSTIL_ERR_INVALID);
	buf_release(&first);
	buf_release(&second);
	buf_release(&third);
	tls_identity_free(&a);
	tls_identity_free(&b);
	tls_identity_free(&ca);
}
END_TEST

UNIT_MAIN("make", test_what_was_asked_for, test_odd_ones, test_written_and_read,
          test_revocation_lists)

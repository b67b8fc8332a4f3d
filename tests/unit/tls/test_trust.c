/* Who may vouch for a client: chains, purposes of CAs, revocation lists with every switch. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "tests/unit/tls/fixture.h"

#include "base/banned.h"

#define CASE(name) START_TEST(name) { struct world w; world_open(&w); name ## _body(&w); \
	world_close(&w); } END_TEST

/* With the files and options as they are: in, or refused for this reason. */
static void judged(struct world *w, const struct tls_identity *one, const struct tls_identity *between,
                   const char *reason)
{
	struct tls_context *context = world_context(w);
	const char *why = NULL;
	bool in = gets_in(context, TLS_ASK_REQUIRED, &(struct manner){ .identity = one,
		.between = between }, &why);

	tls_context_release(&context);
	if (reason == NULL)
		ck_assert_msg(in, "refused: %s", why);
	else
		ck_assert_msg(!in && strstr(why, reason) != NULL, "wanted \"%s\", got \"%s\"", reason,
		              in ? "in" : why);
}

static void warned(const struct world *w, const char *text)
{
	ck_assert_msg(w->warnings.n > 0 && memmem(w->warnings.p, w->warnings.n, text, strlen(text)) != NULL,
	              "%.*s", (int)w->warnings.n, w->warnings.p);
}

static void rid(const struct world *w, const char *file)
{
	char *path = NULL;

	ck_assert_int_ge(asprintf(&path, "%s/%s", w->dir, file), 0);
	ck_assert_int_eq(unlink(path), 0);
	free(path);
}

static struct tls_identity *client_of(const struct tls_identity *issuer)
{
	return make_identity((struct tls_make){ .use = TLS_USE_CLIENT, .issuer = issuer,
		SUBJECT("O", "Acme", "CN", "Jane Doe") });
}

static struct tls_identity *ca_of(const struct tls_identity *issuer, const char *name)
{
	return make_identity((struct tls_make){ .use = TLS_USE_CA, .issuer = issuer, SUBJECT("CN", name) });
}

/* --- chains ------------------------------------------------------------------------------- */

static void test_intermediate_body(struct world *w)
{
	struct tls_identity *sub = ca_of(w->ca, "sub"), *one = client_of(sub);

	judged(w, one, sub, NULL);
	judged(w, one, NULL, "CA that is not trusted");
	world_certificate(w, "trusted/sub.crt", sub);
	judged(w, one, NULL, NULL);
	judged(w, one, sub, NULL);
	ck_assert_uint_eq(w->warnings.n, 0);
	/* alone it vouches for nobody, and that is told */
	rid(w, "trusted/ca.pem");
	judged(w, one, sub, "CA that is not trusted");
	warned(w, "sub is among the trusted ones but its issuer is not");
	tls_identity_free(&one);
	tls_identity_free(&sub);
}
CASE(test_intermediate)

static void test_expired_intermediate_body(struct world *w)
{
	struct tls_identity *sub = make_identity((struct tls_make){ .use = TLS_USE_CA, .issuer = w->ca,
		SUBJECT("CN", "sub"), .not_before = clock_wall_secs() - 2 * DAY,
		.not_after = clock_wall_secs() - DAY });
	struct tls_identity *one = client_of(sub);

	judged(w, one, sub, "has expired");
	w->options.trust.accept_expired = true;         /* of clients, not of issuers */
	judged(w, one, sub, "has expired");
	tls_identity_free(&one);
	tls_identity_free(&sub);
}
CASE(test_expired_intermediate)

static void test_accept_expired_body(struct world *w)
{
	struct tls_identity *one = make_identity((struct tls_make){ .use = TLS_USE_CLIENT, .issuer = w->ca,
		.not_before = clock_wall_secs() - 2 * DAY, .not_after = clock_wall_secs() - DAY });
	struct tls_identity *early = make_identity((struct tls_make){ .use = TLS_USE_CLIENT,
		.issuer = w->ca, .not_before = clock_wall_secs() + HOUR });
	struct tls_identity *other = ca_of(NULL, "other");
	struct tls_identity *foreign = make_identity((struct tls_make){ .use = TLS_USE_CLIENT,
		.issuer = other, .not_before = clock_wall_secs() - 2 * DAY,
		.not_after = clock_wall_secs() - DAY });

	judged(w, one, NULL, "has expired");
	w->options.trust.accept_expired = true;
	judged(w, one, NULL, NULL);
	judged(w, early, NULL, "not yet valid");
	judged(w, foreign, NULL, "not trusted");
	tls_identity_free(&one);
	tls_identity_free(&early);
	tls_identity_free(&foreign);
	tls_identity_free(&other);
}
CASE(test_accept_expired)

static void test_no_ca_in_trusted_body(struct world *w)
{
	struct tls_identity *itself = make_identity((struct tls_make){ .use = TLS_USE_CLIENT,
		SUBJECT("CN", "Jane") });
	struct tls_identity *leaf = client_of(w->ca), *below = client_of(leaf);

	world_certificate(w, "trusted/itself.pem", itself);
	judged(w, itself, NULL, "vouches for itself");
	warned(w, "itself.pem: a certificate in it is not that of a CA");
	world_certificate(w, "trusted/itself.pem", leaf);
	judged(w, leaf, NULL, NULL);    /* by its CA */
	judged(w, below, NULL, "CA that is not trusted");
	judged(w, below, leaf, "client certificate");
	rid(w, "trusted/ca.pem");
	judged(w, leaf, NULL, "CA that is not trusted");
	tls_identity_free(&itself);
	tls_identity_free(&below);
	tls_identity_free(&leaf);
}
CASE(test_no_ca_in_trusted)

/* --- files --------------------------------------------------------------------------------- */

static void test_files_body(struct world *w)
{
	struct tls_identity *one = client_of(w->ca), *other = ca_of(NULL, "other");
	struct tls_context *context = NULL;
	struct fault fault = { .text = "" };
	struct buf text = BUF_INIT;

	rid(w, "trusted/ca.pem");
	judged(w, one, NULL, "CA that is not trusted");
	ck_assert_int_eq(tls_identity_der(w->ca, &text), NOERROR);
	world_write(w, "trusted/ca.der", 0644, buf_slice(&text));
	judged(w, one, NULL, NULL);
	rid(w, "trusted/ca.der");
	world_write(w, "trusted/.ca.der", 0644, buf_slice(&text));
	world_write(w, "trusted/ca.der.bak", 0644, buf_slice(&text));
	judged(w, one, NULL, "CA that is not trusted");
	/* a bundle with text, a key and a list in it */
	buf_clear(&text);
	buf_add_str(&text, "# our CAs\n");
	ck_assert_int_eq(tls_identity_certificate(other, &text), NOERROR);
	ck_assert_int_eq(tls_identity_key(other, "sesame", &text), NOERROR);
	ck_assert_int_eq(tls_make_crl(w->ca, (struct slice){ "", 0 }, NULL, 0, clock_wall_secs() - HOUR,
		clock_wall_secs() + HOUR, &text, NULL), NOERROR);
	ck_assert_int_eq(tls_identity_certificate(w->ca, &text), NOERROR);
	world_write(w, "trusted/all.pem", 0644, buf_slice(&text));
	w->options.trust.check_crls = true;
	judged(w, one, NULL, NULL);
	w->options.trust.check_crls = false;
	/* what cannot be read ends it all, and is named */
	world_write(w, "trusted/bad.pem", 0644, SLICE_LIT("rubbish"));
	ck_assert_int_eq(world_try(w, NULL, &context, &fault), POSTIL_ERR_INVALID);
	ck_assert_msg(strstr(fault.text, "/trusted/bad.pem: it is no certificate") != NULL, "%s", fault.text);
	world_write(w, "trusted/bad.pem", 0644, SLICE_LIT(""));
	ck_assert_int_eq(world_try(w, NULL, &context, &fault), POSTIL_ERR_INVALID);
	world_write(w, "trusted/bad.pem", 0644, (struct slice){ text.p, text.n - 40 });
	ck_assert_int_eq(world_try(w, NULL, &context, &fault), POSTIL_ERR_INVALID);
	ck_assert_msg(strstr(fault.text, "/trusted/bad.pem: a certificate") != NULL, "%s", fault.text);
	buf_clear(&text);
	ck_assert_int_eq(tls_identity_key(other, NULL, &text), NOERROR);
	world_write(w, "trusted/bad.pem", 0644, buf_slice(&text));
	ck_assert_int_eq(world_try(w, NULL, &context, &fault), POSTIL_ERR_INVALID);
	ck_assert_msg(strstr(fault.text, "/trusted/bad.pem: there is no") != NULL, "%s", fault.text);
	buf_wipe_release(&text);
	tls_identity_free(&one);
	tls_identity_free(&other);
}
CASE(test_files)

/* --- revocation ------------------------------------------------------------------------------- */

static void test_lists_body(struct world *w)
{
	struct tls_trust_options *trust = &w->options.trust;
	struct tls_identity *one = client_of(w->ca), *two = client_of(w->ca);

	/* not asked for: not looked at */
	world_crl(w, "trusted/a.crl", w->ca, one, -HOUR, DAY);
	judged(w, one, NULL, NULL);
	trust->check_crls = true;
	judged(w, one, NULL, "has been revoked");
	judged(w, two, NULL, NULL);
	trust->allow_crl_failure = trust->trust_expired_crls = trust->accept_expired = true;
	judged(w, one, NULL, "has been revoked");
	trust->allow_crl_failure = trust->trust_expired_crls = trust->accept_expired = false;
	/* out of date */
	world_crl(w, "trusted/a.crl", w->ca, one, -DAY, -HOUR);
	judged(w, two, NULL, "out of date");
	warned(w, "a.crl: the revocation list is out of date");
	trust->allow_crl_failure = true;
	judged(w, two, NULL, "out of date");
	trust->trust_expired_crls = true;
	judged(w, two, NULL, NULL);
	judged(w, one, NULL, "has been revoked");
	trust->allow_crl_failure = trust->trust_expired_crls = false;
	/* from the future */
	world_crl(w, "trusted/a.crl", w->ca, NULL, HOUR, DAY);
	judged(w, two, NULL, "not yet valid");
	/* an old one beside a new one */
	world_crl(w, "trusted/a.crl", w->ca, one, -DAY, -HOUR);
	world_crl(w, "trusted/b.crl", w->ca, NULL, -HOUR, DAY);
	judged(w, one, NULL, NULL);
	/* none */
	rid(w, "trusted/a.crl");
	rid(w, "trusted/b.crl");
	judged(w, two, NULL, "no revocation list");
	warned(w, "every client certificate is refused");
	trust->allow_crl_failure = true;
	judged(w, two, NULL, NULL);
	warned(w, "not noticed");
	tls_identity_free(&one);
	tls_identity_free(&two);
}
CASE(test_lists)

static void test_list_of_a_false_ca_body(struct world *w)
{
	struct tls_identity *twin = make_identity((struct tls_make){ .use = TLS_USE_CA,
		SUBJECT("O", "Acme", "CN", "CA") });
	struct tls_identity *one = client_of(w->ca);

	w->options.trust.check_crls = true;
	world_crl(w, "trusted/a.crl", twin, NULL, -HOUR, DAY);
	judged(w, one, NULL, "revocation list");
	tls_identity_free(&twin);
	tls_identity_free(&one);
}
CASE(test_list_of_a_false_ca)

static X509_CRL *read_crl(const struct world *w, const struct tls_identity *revoked)
{
	struct buf pem = BUF_INIT;
	X509_CRL *crl;
	BIO *bio;

	ck_assert_int_eq(tls_make_crl(w->ca, (struct slice){ "", 0 }, &revoked, revoked == NULL ? 0 : 1,
		clock_wall_secs() - HOUR, clock_wall_secs() + DAY, &pem, NULL), NOERROR);
	bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL);
	ck_assert_ptr_nonnull(crl);
	BIO_free(bio);
	buf_release(&pem);
	return crl;
}

static void write_crl(struct world *w, const char *file, X509_CRL *crl, bool sign, bool spoil)
{
	EVP_PKEY *key = identity_key(w->ca);
	unsigned char *der = NULL;
	int n;

	if (sign)
		ck_assert_int_gt(X509_CRL_sign(crl, key, EVP_sha256()), 0);
	n = i2d_X509_CRL(crl, &der);
	ck_assert_int_gt(n, 0);
	if (spoil)
		der[n - 1] ^= 1;
	world_write(w, file, 0644, (struct slice){ (const char *)der, (size_t)n });
	OPENSSL_free(der);
	EVP_PKEY_free(key);
	X509_CRL_free(crl);
}

static void test_odd_lists_body(struct world *w)
{
	struct tls_identity *one = client_of(w->ca);
	ASN1_OBJECT *unknown = OBJ_txt2obj("1.3.6.1.4.1.99999.1", 1);
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	X509_EXTENSION *extension;
	X509_CRL *crl;

	w->options.trust.check_crls = true;
	write_crl(w, "trusted/a.crl", read_crl(w, NULL), false, false);
	judged(w, one, NULL, NULL);
	write_crl(w, "trusted/a.crl", read_crl(w, NULL), false, true);
	judged(w, one, NULL, "wrong signature");
	crl = read_crl(w, one);
	ASN1_OCTET_STRING_set(value, (const unsigned char *)"\5\0", 2);
	for (int critical = 0; critical < 2; critical++) {
		crl = critical ? read_crl(w, NULL) : crl;
		extension = X509_EXTENSION_create_by_OBJ(NULL, unknown, critical, value);
		ck_assert_int_eq(X509_CRL_add_ext(crl, extension, -1), 1);
		X509_EXTENSION_free(extension);
		write_crl(w, "trusted/a.crl", crl, true, false);
		judged(w, one, NULL, critical ? "demands that are not understood" : "has been revoked");
	}
	ASN1_OCTET_STRING_free(value);
	ASN1_OBJECT_free(unknown);
	tls_identity_free(&one);
}
CASE(test_odd_lists)

static void test_lists_of_a_chain_body(struct world *w)
{
	struct tls_trust_options *trust = &w->options.trust;
	struct tls_identity *sub = ca_of(w->ca, "sub"), *one = client_of(sub);

	trust->check_crls = true;
	world_crl(w, "trusted/ca.crl", w->ca, NULL, -HOUR, DAY);
	judged(w, one, sub, "no revocation list");
	trust->allow_crl_failure = true;
	judged(w, one, sub, NULL);
	trust->allow_crl_failure = false;
	/* of an issuer that is not among the trusted: not verified beforehand */
	world_crl(w, "trusted/sub.crl", sub, NULL, -HOUR, DAY);
	judged(w, one, sub, NULL);
	world_crl(w, "trusted/sub.crl", sub, one, -HOUR, DAY);
	judged(w, one, sub, "has been revoked");
	world_certificate(w, "trusted/sub.pem", sub);
	judged(w, one, NULL, "has been revoked");
	/* the issuer itself */
	world_crl(w, "trusted/sub.crl", sub, NULL, -HOUR, DAY);
	judged(w, one, NULL, NULL);
	world_crl(w, "trusted/ca.crl", w->ca, sub, -HOUR, DAY);
	judged(w, one, NULL, "has been revoked");
	judged(w, one, sub, "has been revoked");
	tls_identity_free(&one);
	tls_identity_free(&sub);
}
CASE(test_lists_of_a_chain)

/* What nobody trusted has signed is refused for that, and no list is looked into. */
static void test_signature_comes_first_body(struct world *w)
{
	struct tls_identity *twin = make_identity((struct tls_make){ .use = TLS_USE_CA, .same_key = NULL,
		SUBJECT("O", "Acme", "CN", "CA") });
	struct tls_identity *forged = client_of(twin);

	w->options.trust.check_crls = true;     /* and there is none */
	judged(w, forged, NULL, "CA that is not trusted");
	tls_identity_free(&forged);
	tls_identity_free(&twin);
}
CASE(test_signature_comes_first)

/* --- a list of some megabytes -------------------------------------------------------------------- */

#define MANY 200000
#define HANDSHAKES 40

static X509_CRL *large_crl(const struct world *w)
{
	X509_CRL *crl = read_crl(w, NULL);
	ASN1_TIME *when = ASN1_TIME_set(NULL, clock_wall_secs() - HOUR);
	ASN1_INTEGER *serial = ASN1_INTEGER_new();

	for (int64_t i = 0; i < MANY; i++) {
		X509_REVOKED *entry = X509_REVOKED_new();

		/* in no order */
		ck_assert_int_eq(ASN1_INTEGER_set_int64(serial, 1 + i * 7919 % MANY + ((int64_t)1 << 60)), 1);
		X509_REVOKED_set_serialNumber(entry, serial);
		X509_REVOKED_set_revocationDate(entry, when);
		ck_assert_int_eq(X509_CRL_add0_revoked(crl, entry), 1);
	}
	ASN1_INTEGER_free(serial);
	ASN1_TIME_free(when);
	return crl;
}

static double seconds_of_handshakes(struct world *w, const struct tls_identity *one)
{
	struct tls_context *context = world_context(w);
	struct timespec from, to;

	ck_assert(gets_in(context, TLS_ASK_REQUIRED, &(struct manner){ .identity = one }, NULL));
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	for (int i = 0; i < HANDSHAKES; i++)
		ck_assert(gets_in(context, TLS_ASK_REQUIRED, &(struct manner){ .identity = one }, NULL));
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
	tls_context_release(&context);
	return (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

static void test_large_list_body(struct world *w)
{
	struct tls_identity *one = client_of(w->ca);
	double small, large;

	w->options.trust.check_crls = true;
	write_crl(w, "trusted/a.crl", read_crl(w, NULL), false, false);
	small = seconds_of_handshakes(w, one);
	write_crl(w, "trusted/a.crl", large_crl(w), true, false);
	large = seconds_of_handshakes(w, one);
	ck_assert_msg(large < 2.5 * small, "%d handshakes take %.3f s of CPU with a large list, %.3f s without",
	              HANDSHAKES, large, small);
	tls_identity_free(&one);
}
CASE(test_large_list)

UNIT_MAIN("trust", test_intermediate, test_expired_intermediate, test_accept_expired,
          test_no_ca_in_trusted, test_files, test_lists, test_list_of_a_false_ca, test_odd_lists,
          test_lists_of_a_chain, test_signature_comes_first, test_large_list)

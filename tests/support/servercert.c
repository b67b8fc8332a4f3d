/* See servercert.h. */
#include "tests/support/servercert.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "tests/support/unit.h"

#define DAY_SECS 86400

static X509 *sign(EVP_PKEY *key)
{
	X509 *leaf = X509_new();
	X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name,
		"DNS:localhost");
	X509_NAME *subject = X509_get_subject_name(leaf);

	ck_assert_ptr_nonnull(leaf);
	X509_set_version(leaf, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(leaf), 1);
	X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
		(const unsigned char *)"localhost", -1, -1, 0);
	X509_set_issuer_name(leaf, subject);
	X509_gmtime_adj(X509_getm_notBefore(leaf), -DAY_SECS);
	X509_gmtime_adj(X509_getm_notAfter(leaf), DAY_SECS);
	X509_set_pubkey(leaf, key);
	X509_add_ext(leaf, names, -1);
	X509_EXTENSION_free(names);
	ck_assert_int_gt(X509_sign(leaf, key, EVP_sha256()), 0);
	return leaf;
}

static void write_pem(const char *path)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *leaf = sign(key);
	FILE *file = fopen(path, "we");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_eq(fchmod(fileno(file), 0600), 0);
	ck_assert_int_eq(PEM_write_X509(file, leaf), 1);
	ck_assert_int_eq(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL), 1);
	ck_assert_int_eq(fclose(file), 0);
	X509_free(leaf);
	EVP_PKEY_free(key);
}

struct tls_context *servercert_context(void)
{
	static const char *const name = "server";
	struct tls_options options = { .credentials = &name, .credential_count = 1 };
	struct tls_context *context = NULL;
	struct tls_tickets *tickets = NULL;
	char *dir = unit_tempdir(), *path = NULL;
	struct fault fault = { 0 };
	STATUS status;

	ck_assert_int_gt(asprintf(&path, "%s/server.pem", dir), 0);
	write_pem(path);
	tls_policy_init(&options.policy);
	options.certs_dir = dir;
	ck_assert_int_eq(tls_tickets_new(0, &tickets), NOERROR);
	status = tls_context_new(&options, tickets, NULL, &context, &fault);
	ck_assert_msg(status == NOERROR, "%s", fault.text);
	tls_tickets_release(&tickets);
	free(path);
	unit_tempdir_remove(&dir);
	return context;
}

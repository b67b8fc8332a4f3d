/*
 * Making certificates and revocation lists. Subjects and names are the caller's and are
 * taken as they are, also those that no real CA would sign: tests want them.
 */
#include "tls/make.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/crypt.h"
#include "tls/private.h"

#define RSA_BITS 2048
#define SERIAL_OCTETS 16
#define VERSION_3 2

struct tls_identity {
	X509 *leaf;
	EVP_PKEY *key;          /* NULL: none */
};

void tls_identity_free(struct tls_identity **identity_p)
{
	struct tls_identity *identity = *identity_p;

	*identity_p = NULL;
	if (identity == NULL)
		return;
	X509_free(identity->leaf);
	EVP_PKEY_free(identity->key);
	free(identity);
}

/* --- subject, names, extensions -------------------------------------------------------- */

static bool add_attribute(X509_NAME *name, const char *kind, const char *value)
{
	const unsigned char *p = (const unsigned char *)value;

	if (X509_NAME_add_entry_by_txt(name, kind, MBSTRING_UTF8, p, -1, -1, 0) == 1)
		return true;
	/* longer than the standard allows: without its limits */
	return X509_NAME_add_entry_by_txt(name, kind, V_ASN1_UTF8STRING, p, -1, -1, 0) == 1;
}

static STATUS add_subject(X509 *leaf, const struct tls_make *make, struct fault *fault)
{
	X509_NAME *name = X509_NAME_new();
	STATUS status = name == NULL ? POSTIL_ERR_MEMORY : NOERROR;

	for (size_t i = 0; i + 1 < make->subject_count && status == NOERROR; i += 2)
		if (!add_attribute(name, make->subject[i], make->subject[i + 1]))
			status = fault_set(fault, POSTIL_ERR_INVALID, "a subject cannot have the attribute %s "
				"with this value", make->subject[i]);
	if (status == NOERROR && X509_set_subject_name(leaf, name) != 1)
		status = POSTIL_ERR_MEMORY;
	X509_NAME_free(name);
	return status;
}

static bool add_general_name(GENERAL_NAMES *names, int kind, const char *text)
{
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_STRING *value = kind == GEN_IPADD ? a2i_IPADDRESS(text) : ASN1_IA5STRING_new();

	if (name == NULL || value == NULL ||
	    (kind != GEN_IPADD && ASN1_STRING_set(value, text, -1) != 1)) {
		ASN1_STRING_free(value);
		GENERAL_NAME_free(name);
		return false;
	}
	GENERAL_NAME_set0_value(name, kind, value);
	if (sk_GENERAL_NAME_push(names, name) != 0)
		return true;
	GENERAL_NAME_free(name);
	return false;
}

static bool is_address(const char *host)
{
	ASN1_OCTET_STRING *address = a2i_IPADDRESS(host);
	bool is = address != NULL;

	ASN1_OCTET_STRING_free(address);
	ERR_clear_error();
	return is;
}

static bool add_names(X509 *leaf, const struct tls_make *make)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	bool ok = names != NULL;

	for (size_t i = 0; ok && i < make->host_count; i++)
		ok = add_general_name(names, is_address(make->hosts[i]) ? GEN_IPADD : GEN_DNS,
			make->hosts[i]);
	for (size_t i = 0; ok && i < make->address_count; i++)
		ok = add_general_name(names, GEN_EMAIL, make->addresses[i]);
	if (ok && sk_GENERAL_NAME_num(names) > 0)
		ok = X509_add1_ext_i2d(leaf, NID_subject_alt_name, names, 0, 0) == 1;
	GENERAL_NAMES_free(names);
	return ok;
}

static bool add_extension(X509 *leaf, X509V3_CTX *ctx, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, ctx, nid, value);
	bool ok = extension != NULL && X509_add_ext(leaf, extension, -1) == 1;

	X509_EXTENSION_free(extension);
	return ok;
}

static bool add_comment(X509 *leaf, const char *text, size_t padding_octets)
{
	size_t n = text == NULL ? 0 : strlen(text);
	char *all = malloc(n + padding_octets + 1);
	ASN1_IA5STRING *value = ASN1_IA5STRING_new();
	bool ok = all != NULL && value != NULL;

	if (ok) {
		if (n > 0)
			memcpy(all, text, n);
		memset(all + n, '.', padding_octets);
		ok = ASN1_STRING_set(value, all, (int)(n + padding_octets)) == 1 &&
			X509_add1_ext_i2d(leaf, NID_netscape_comment, value, 0, 0) == 1;
	}
	ASN1_IA5STRING_free(value);
	free(all);
	return ok;
}

static const char *purposes_of(const struct tls_make *make)
{
	if (make->purposes != NULL)
		return make->purposes;
	switch (make->use) {
	case TLS_USE_SERVER:
		return "serverAuth";
	case TLS_USE_CLIENT:
		return "clientAuth";
	default:
		return "";
	}
}

static STATUS add_extensions(X509 *leaf, const struct tls_make *make, struct fault *fault)
{
	const X509 *issuer = make->issuer == NULL ? leaf : make->issuer->leaf;
	bool is_ca = make->use == TLS_USE_CA;
	const char *purposes = purposes_of(make);
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, (X509 *)(uintptr_t)issuer, leaf, NULL, NULL, 0);
	if (!add_extension(leaf, &ctx, NID_basic_constraints,
	                   is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE") ||
	    !add_extension(leaf, &ctx, NID_key_usage,
	                   is_ca ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature") ||
	    !add_extension(leaf, &ctx, NID_subject_key_identifier, "hash") ||
	    !add_extension(leaf, &ctx, NID_authority_key_identifier, "keyid") ||
	    !add_names(leaf, make))
		return POSTIL_ERR_MEMORY;
	if (purposes[0] != '\0' && !add_extension(leaf, &ctx, NID_ext_key_usage, purposes))
		return fault_set(fault, POSTIL_ERR_INVALID, "\"%s\" is no list of purposes of a key", purposes);
	if ((make->comment != NULL || make->padding_octets > 0) &&
	    !add_comment(leaf, make->comment, make->padding_octets))
		return POSTIL_ERR_MEMORY;
	return NOERROR;
}

/* --- a certificate ------------------------------------------------------------------------ */

static bool set_serial(X509 *leaf)
{
	unsigned char octets[SERIAL_OCTETS];
	BIGNUM *number;
	bool ok;

	if (crypt_random(octets, sizeof(octets)) != NOERROR)
		return false;
	octets[0] = (octets[0] & 0x7F) | 0x40;  /* positive, and of one length */
	number = BN_bin2bn(octets, sizeof(octets), NULL);
	ok = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(leaf)) != NULL;
	BN_free(number);
	return ok;
}

static STATUS make_key(const struct tls_make *make, EVP_PKEY **key_r)
{
	if (make->same_key != NULL && make->same_key->key != NULL) {
		*key_r = make->same_key->key;
		return EVP_PKEY_up_ref(*key_r) == 1 ? NOERROR : POSTIL_ERR_MEMORY;
	}
	*key_r = make->key == TLS_KEY_RSA ? EVP_RSA_gen(RSA_BITS) : EVP_EC_gen("P-256");
	return *key_r == NULL ? POSTIL_ERR_MEMORY : NOERROR;
}

static STATUS fill(struct tls_identity *identity, const struct tls_make *make, struct fault *fault)
{
	X509 *leaf = identity->leaf;
	STATUS status = add_subject(leaf, make, fault);

	if (status != NOERROR)
		return status;
	if (X509_set_version(leaf, VERSION_3) != 1 || !set_serial(leaf) ||
	    X509_set_pubkey(leaf, identity->key) != 1 ||
	    X509_set_issuer_name(leaf, X509_get_subject_name(make->issuer == NULL ? leaf
	                                                     : make->issuer->leaf)) != 1)
		return POSTIL_ERR_MEMORY;
	if (ASN1_TIME_set(X509_getm_notBefore(leaf), (time_t)make->not_before) == NULL ||
	    ASN1_TIME_set(X509_getm_notAfter(leaf), (time_t)make->not_after) == NULL)
		return fault_set(fault, POSTIL_ERR_INVALID, "a certificate cannot have these dates");
	status = add_extensions(leaf, make, fault);
	if (status != NOERROR)
		return status;
	return X509_sign(leaf, make->issuer == NULL ? identity->key : make->issuer->key,
	                 EVP_sha256()) > 0 ? NOERROR : POSTIL_ERR_MEMORY;
}

STATUS tls_make(const struct tls_make *make, struct tls_identity **identity_r, struct fault *fault)
{
	struct tls_identity *identity;
	STATUS status;

	if (make->issuer != NULL && make->issuer->key == NULL)
		return fault_set(fault, POSTIL_ERR_INVALID, "the issuer's private key is not known");
	ERR_clear_error();
	identity = calloc(1, sizeof(*identity));
	status = identity == NULL ? POSTIL_ERR_MEMORY : make_key(make, &identity->key);
	if (status == NOERROR) {
		identity->leaf = X509_new();
		status = identity->leaf == NULL ? POSTIL_ERR_MEMORY : fill(identity, make, fault);
	}
	ERR_clear_error();
	if (status == NOERROR)
		*identity_r = identity;
	else
		tls_identity_free(&identity);
	return status == POSTIL_ERR_MEMORY ? fault_set(fault, status, "no memory for a certificate")
		: status;
}

/* --- PEM ------------------------------------------------------------------------------------ */

static STATUS read_key(struct slice text, struct tls_identity *identity, struct fault *fault)
{
	BIO *bio = BIO_new_mem_buf(text.p, (int)text.n);

	identity->key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, tls_no_passphrase, NULL);
	BIO_free(bio);
	if (identity->key == NULL)
		return fault_set(fault, POSTIL_ERR_INVALID, "there is no PEM private key that can be read "
			"without a passphrase");
	if (X509_check_private_key(identity->leaf, identity->key) != 1)
		return fault_set(fault, POSTIL_ERR_INVALID, "the private key is not that of the certificate");
	return NOERROR;
}

STATUS tls_identity_read(struct slice certificate, struct slice key,
                         struct tls_identity **identity_r, struct fault *fault)
{
	struct tls_identity *identity = calloc(1, sizeof(*identity));
	BIO *bio = BIO_new_mem_buf(certificate.p, (int)certificate.n);
	STATUS status = NOERROR;

	if (identity == NULL || bio == NULL)
		status = fault_set(fault, POSTIL_ERR_MEMORY, "no memory for a certificate");
	if (status == NOERROR) {
		identity->leaf = PEM_read_bio_X509(bio, NULL, tls_no_passphrase, NULL);
		if (identity->leaf == NULL)
			status = fault_set(fault, POSTIL_ERR_INVALID, "there is no PEM certificate");
	}
	if (status == NOERROR && key.n > 0)
		status = read_key(key, identity, fault);
	BIO_free(bio);
	ERR_clear_error();
	if (status == NOERROR)
		*identity_r = identity;
	else
		tls_identity_free(&identity);
	return status;
}

/* What bio holds, appended. wipe: it is a secret. */
static STATUS take(BIO *bio, bool written, bool secret, struct buf *out)
{
	char *p = NULL;
	long n = written ? BIO_get_mem_data(bio, &p) : 0;

	if (n > 0)
		buf_add(out, p, (size_t)n);
	if (n > 0 && secret)
		OPENSSL_cleanse(p, (size_t)n);
	BIO_free(bio);
	ERR_clear_error();
	return n > 0 ? buf_status(out) : POSTIL_ERR_MEMORY;
}

STATUS tls_identity_certificate(const struct tls_identity *identity, struct buf *out)
{
	BIO *bio = BIO_new(BIO_s_mem());

	return take(bio, bio != NULL && PEM_write_bio_X509(bio, identity->leaf) == 1, false, out);
}

STATUS tls_identity_key(const struct tls_identity *identity, const char *passphrase,
                        struct buf *out)
{
	BIO *bio;
	bool written;

	if (identity->key == NULL)
		return POSTIL_ERR_INVALID;
	bio = BIO_new(BIO_s_secmem());
	written = bio != NULL && PEM_write_bio_PKCS8PrivateKey(bio, identity->key,
		passphrase == NULL ? NULL : EVP_aes_256_cbc(), passphrase,
		passphrase == NULL ? 0 : (int)strlen(passphrase), NULL, NULL) == 1;
	return take(bio, written, true, out);
}

STATUS tls_identity_der(const struct tls_identity *identity, struct buf *out)
{
	unsigned char *der = NULL;
	int n = i2d_X509(identity->leaf, &der);

	if (n <= 0)
		return POSTIL_ERR_MEMORY;
	buf_add(out, der, (size_t)n);
	OPENSSL_free(der);
	return buf_status(out);
}

bool tls_identity_issued(const struct tls_identity *ca, const struct tls_identity *identity)
{
	bool issued = X509_verify(identity->leaf, X509_get0_pubkey(ca->leaf)) == 1;

	ERR_clear_error();
	return issued;
}

/* --- revocation lists -------------------------------------------------------------------------- */

static bool revoke(X509_CRL *crl, const ASN1_INTEGER *serial, const ASN1_TIME *when)
{
	X509_REVOKED *entry = X509_REVOKED_new();

	if (entry != NULL && X509_REVOKED_set_serialNumber(entry, (ASN1_INTEGER *)(uintptr_t)serial) == 1 &&
	    X509_REVOKED_set_revocationDate(entry, (ASN1_TIME *)(uintptr_t)when) == 1 &&
	    X509_CRL_add0_revoked(crl, entry) == 1)
		return true;
	X509_REVOKED_free(entry);
	return false;
}

static STATUS add_before(X509_CRL *crl, const struct tls_identity *ca, struct slice before,
                         struct fault *fault)
{
	BIO *bio = BIO_new_mem_buf(before.p, (int)before.n);
	X509_CRL *old = bio == NULL ? NULL : PEM_read_bio_X509_CRL(bio, NULL, tls_no_passphrase, NULL);
	STACK_OF(X509_REVOKED) *entries = old == NULL ? NULL : X509_CRL_get_REVOKED(old);
	STATUS status = NOERROR;

	if (old == NULL || X509_CRL_verify(old, ca->key) != 1)
		status = fault_set(fault, POSTIL_ERR_INVALID, "it is no revocation list of this CA");
	for (int i = 0; i < sk_X509_REVOKED_num(entries) && status == NOERROR; i++) {
		const X509_REVOKED *entry = sk_X509_REVOKED_value(entries, i);

		if (!revoke(crl, X509_REVOKED_get0_serialNumber(entry),
		            X509_REVOKED_get0_revocationDate(entry)))
			status = POSTIL_ERR_MEMORY;
	}
	X509_CRL_free(old);
	BIO_free(bio);
	return status;
}

static bool is_in(X509_CRL *crl, X509 *leaf)
{
	X509_REVOKED *entry = NULL;

	return X509_CRL_get0_by_serial(crl, &entry, X509_get_serialNumber(leaf)) == 1;
}

static STATUS add_revoked(X509_CRL *crl, const struct tls_identity *const *revoked, size_t count,
                          const ASN1_TIME *when)
{
	for (size_t i = 0; i < count; i++)
		if (!is_in(crl, revoked[i]->leaf) &&
		    !revoke(crl, X509_get0_serialNumber(revoked[i]->leaf), when))
			return POSTIL_ERR_MEMORY;
	return NOERROR;
}

static bool add_crl_extensions(X509_CRL *crl, const struct tls_identity *ca, int64_t number)
{
	ASN1_INTEGER *value = ASN1_INTEGER_new();
	X509_EXTENSION *issuer;
	X509V3_CTX ctx;
	bool ok;

	X509V3_set_ctx(&ctx, ca->leaf, NULL, NULL, crl, 0);
	issuer = X509V3_EXT_conf_nid(NULL, &ctx, NID_authority_key_identifier, "keyid");
	ok = value != NULL && issuer != NULL && X509_CRL_add_ext(crl, issuer, -1) == 1 &&
		ASN1_INTEGER_set_int64(value, number) == 1 &&
		X509_CRL_add1_ext_i2d(crl, NID_crl_number, value, 0, 0) == 1;
	X509_EXTENSION_free(issuer);
	ASN1_INTEGER_free(value);
	return ok;
}

static STATUS fill_crl(X509_CRL *crl, const struct tls_identity *ca, struct slice before,
                       const struct tls_identity *const *revoked, size_t count,
                       const ASN1_TIME *last, const ASN1_TIME *next, struct fault *fault)
{
	STATUS status = NOERROR;

	if (X509_CRL_set_version(crl, 1) != 1 ||
	    X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca->leaf)) != 1 ||
	    X509_CRL_set1_lastUpdate(crl, last) != 1 || X509_CRL_set1_nextUpdate(crl, next) != 1)
		return POSTIL_ERR_MEMORY;
	if (before.n > 0)
		status = add_before(crl, ca, before, fault);
	if (status == NOERROR)
		status = add_revoked(crl, revoked, count, last);
	return status;
}

STATUS tls_make_crl(const struct tls_identity *ca, struct slice before,
                    const struct tls_identity *const *revoked, size_t count,
                    int64_t last_update, int64_t next_update, struct buf *out,
                    struct fault *fault)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *last = ASN1_TIME_set(NULL, (time_t)last_update);
	ASN1_TIME *next = ASN1_TIME_set(NULL, (time_t)next_update);
	BIO *bio = BIO_new(BIO_s_mem());
	STATUS status = crl == NULL || last == NULL || next == NULL || bio == NULL ? POSTIL_ERR_MEMORY
		: NOERROR;
	bool written;

	if (ca->key == NULL)
		status = fault_set(fault, POSTIL_ERR_INVALID, "the private key of the CA is not known");
	if (status == NOERROR)
		status = fill_crl(crl, ca, before, revoked, count, last, next, fault);
	written = status == NOERROR && add_crl_extensions(crl, ca, last_update) &&
		X509_CRL_sort(crl) == 1 && X509_CRL_sign(crl, ca->key, EVP_sha256()) > 0 &&
		PEM_write_bio_X509_CRL(bio, crl) == 1;
	ASN1_TIME_free(last);
	ASN1_TIME_free(next);
	X509_CRL_free(crl);
	if (status == NOERROR)
		return take(bio, written, false, out);
	BIO_free(bio);
	ERR_clear_error();
	return status;
}

/*
 * Who may vouch for a client: trusted CAs and CRLs, and the judgement of a chain. What a
 * client presents is hostile; the files are an administrator's.
 *
 * CRLs may be large, and libcrypto would look into them before it has seen one signature
 * of the client's chain, and verify each whole CRL for each handshake. Here revocation is
 * looked at when the chain has been found good, and a CRL that a trusted CA has signed is
 * verified once, when it is read.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/crypt.h"
#include "base/text.h"
#include "tls/private.h"

#define FILE_MAX_OCTETS (64 * 1024 * 1024)      /* CRLs of large CAs are that large */
#define FILES_MAX 1000
#define NAMES_SENT_MAX 64       /* of CAs, to the client */
#define DEPTH_MAX 8

struct tls_trust {
	struct tls_trust_options options;       /* the switches; paths are not kept */
	X509_STORE *store;
	STACK_OF(X509_NAME) *names;
	STACK_OF(X509) *cas;
	STACK_OF(X509_CRL) *crls;
	/* of each CRL the CA that has signed it, an index into cas; -1: not known */
	int *signers;
	/* how libcrypto looks at revocation and at one CRL */
	X509_STORE_CTX_check_revocation_fn check_revocation;
	X509_STORE_CTX_check_crl_fn check_crl;
	uint8_t digest[32];
};

struct reading {
	struct tls_trust *trust;
	struct tls_files *files;
	const struct tls_warn *warn;
	size_t file_count;
	struct fault *fault;
};

void tls_trust_free(struct tls_trust **trust_p)
{
	struct tls_trust *trust = *trust_p;

	*trust_p = NULL;
	if (trust == NULL)
		return;
	X509_STORE_free(trust->store);
	sk_X509_NAME_pop_free(trust->names, X509_NAME_free);
	sk_X509_pop_free(trust->cas, X509_free);
	sk_X509_CRL_pop_free(trust->crls, X509_CRL_free);
	free(trust->signers);
	free(trust);
}

size_t tls_trust_ca_count(const struct tls_trust *trust)
{
	return (size_t)sk_X509_num(trust->cas);
}

const uint8_t *tls_trust_digest(const struct tls_trust *trust)
{
	return trust->digest;
}

/* --- reading ---------------------------------------------------------------------------- */

/* digest = SHA-256(digest, SHA-256 of the certificate) */
static STATUS digest_add(struct tls_trust *trust, const X509 *ca)
{
	uint8_t both[64];
	unsigned n = 0;

	memcpy(both, trust->digest, 32);
	if (X509_digest(ca, EVP_sha256(), both + 32, &n) != 1 || n != 32)
		return POSTIL_ERR_MEMORY;
	return crypt_sha256((struct slice){ (const char *)both, sizeof(both) }, trust->digest);
}

static STATUS add_ca(struct reading *r, const char *path, X509 *ca)
{
	struct tls_trust *trust = r->trust;
	X509_NAME *name;

	if (X509_check_ca(ca) == 0) {
		/* left out: in the store it would vouch for itself */
		tls_warn(r->warn, "%s: a certificate in it is not that of a CA, and vouches for nobody",
			path);
		return NOERROR;
	}
	if (X509_STORE_add_cert(trust->store, ca) != 1 || digest_add(trust, ca) != NOERROR ||
	    X509_add_cert(trust->cas, ca, X509_ADD_FLAG_UP_REF) != 1)
		return fault_set(r->fault, POSTIL_ERR_MEMORY, "%s: no memory", path);
	if (sk_X509_NAME_num(trust->names) >= NAMES_SENT_MAX)
		return NOERROR;
	name = X509_NAME_dup(X509_get_subject_name(ca));
	if (name == NULL || sk_X509_NAME_push(trust->names, name) == 0) {
		X509_NAME_free(name);
		return fault_set(r->fault, POSTIL_ERR_MEMORY, "%s: no memory", path);
	}
	return NOERROR;
}

static STATUS add_crl(struct reading *r, const char *path, X509_CRL *crl)
{
	const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl);

	if (next != NULL && X509_cmp_current_time(next) < 0)
		tls_warn(r->warn, "%s: the revocation list is out of date%s", path,
			r->trust->options.trust_expired_crls || !r->trust->options.check_crls ? ""
			: "; certificates of its issuer are refused");
	if (X509_STORE_add_crl(r->trust->store, crl) != 1 || X509_CRL_up_ref(crl) != 1)
		return fault_set(r->fault, POSTIL_ERR_MEMORY, "%s: no memory", path);
	if (sk_X509_CRL_push(r->trust->crls, crl) != 0)
		return NOERROR;
	X509_CRL_free(crl);
	return fault_set(r->fault, POSTIL_ERR_MEMORY, "%s: no memory", path);
}

static STATUS add_pem(struct reading *r, const char *path, struct slice text)
{
	BIO *bio = BIO_new_mem_buf(text.p, (int)text.n);
	STACK_OF(X509_INFO) *all = bio == NULL ? NULL : PEM_X509_INFO_read_bio(bio, NULL, tls_no_passphrase,
		NULL);
	STATUS status = NOERROR;
	int useful = 0;

	if (all == NULL)
		status = fault_set(r->fault, POSTIL_ERR_INVALID,
			"%s: a certificate or revocation list in it is malformed", path);
	for (int i = 0; i < sk_X509_INFO_num(all) && status == NOERROR; i++) {
		X509_INFO *one = sk_X509_INFO_value(all, i);

		if (one->x509 != NULL)
			status = add_ca(r, path, one->x509);
		if (one->crl != NULL && status == NOERROR)
			status = add_crl(r, path, one->crl);
		useful += one->x509 != NULL || one->crl != NULL;
	}
	if (status == NOERROR && useful == 0)
		status = fault_set(r->fault, POSTIL_ERR_INVALID,
			"%s: there is no certificate and no revocation list in it", path);
	sk_X509_INFO_pop_free(all, X509_INFO_free);
	BIO_free(bio);
	return status;
}

static STATUS add_der(struct reading *r, const char *path, struct slice text)
{
	const unsigned char *p = (const unsigned char *)text.p, *q = p;
	X509 *ca = d2i_X509(NULL, &p, (long)text.n);
	X509_CRL *crl = ca != NULL ? NULL : d2i_X509_CRL(NULL, &q, (long)text.n);
	STATUS status;

	if (ca != NULL)
		status = add_ca(r, path, ca);
	else if (crl != NULL)
		status = add_crl(r, path, crl);
	else
		status = fault_set(r->fault, POSTIL_ERR_INVALID,
			"%s: it is no certificate and no revocation list, neither PEM nor DER", path);
	X509_free(ca);
	X509_CRL_free(crl);
	return status;
}

static STATUS add_file(struct reading *r, const char *path)
{
	struct buf text = BUF_INIT;
	mode_t mode;
	STATUS status;

	if (r->file_count++ == FILES_MAX)
		return fault_set(r->fault, POSTIL_ERR_LIMIT,
			"%s: there are more than %d files of trusted CAs and revocation lists", path, FILES_MAX);
	status = tls_files_read(r->files, path, FILE_MAX_OCTETS, &text, &mode, r->fault);
	if (status == NOERROR)
		status = text.n > 0 && memmem(text.p, text.n, "-----BEGIN", 10) != NULL
			? add_pem(r, path, buf_slice(&text)) : add_der(r, path, buf_slice(&text));
	ERR_clear_error();
	buf_wipe_release(&text);        /* a key may be in it, though it does not belong there */
	return status;
}

static int is_ours(const struct dirent *entry)
{
	static const char *const ends[] = { ".pem", ".crt", ".cer", ".crl", ".der" };

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (entry->d_name[0] != '.' && text_ends_nocase(slice_of(entry->d_name), ends[i]))
			return 1;
	return 0;
}

static STATUS add_directory(struct reading *r, const char *path)
{
	struct dirent **entries = NULL;
	int count = scandir(path, &entries, is_ours, alphasort);
	STATUS status = NOERROR;

	if (count < 0)
		return fault_set(r->fault, POSTIL_ERR_IO, "%s: %s", path, strerror(errno));
	for (int i = 0; i < count; i++) {
		char *file = NULL;

		if (status == NOERROR && asprintf(&file, "%s/%s", path, entries[i]->d_name) < 0)
			status = POSTIL_ERR_MEMORY;
		if (status == NOERROR)
			status = add_file(r, file);
		free(file);
		free(entries[i]);
	}
	free(entries);
	return status;
}

/* The directory is remembered before its files are listed: what comes meanwhile is a change. */
static STATUS add_path(struct reading *r, const char *path)
{
	STATUS status = tls_files_watch(r->files, path);
	struct stat st;

	if (status != NOERROR)
		return status;
	if (stat(path, &st) != 0)
		return errno == ENOENT ? NOERROR
			: fault_set(r->fault, POSTIL_ERR_IO, "%s: %s", path, strerror(errno));
	return S_ISDIR(st.st_mode) ? add_directory(r, path) : add_file(r, path);
}

static void warn_of_switches(const struct reading *r)
{
	const struct tls_trust *trust = r->trust;

	if (trust->options.check_crls && sk_X509_CRL_num(trust->crls) == 0 &&
	    sk_X509_num(trust->cas) != 0)
		tls_warn(r->warn, "there is no revocation list: %s", trust->options.allow_crl_failure
			? "revoked certificates are not noticed"
			: "every client certificate is refused while CRLs are to be checked");
}

/* --- CRLs, looked at once ----------------------------------------------------------------- */

/* Has it nothing in it that changes what it is about, or that we do not know? */
static bool is_plain(const X509_CRL *crl)
{
	return X509_CRL_get_ext_by_critical(crl, 1, -1) < 0 &&
		X509_CRL_get_ext_by_NID(crl, NID_issuing_distribution_point, -1) < 0 &&
		X509_CRL_get_ext_by_NID(crl, NID_delta_crl, -1) < 0;
}

/* Which trusted CA has signed it, -1: none. */
static int signer_of(const struct tls_trust *trust, X509_CRL *crl)
{
	for (int i = 0; i < sk_X509_num(trust->cas); i++) {
		X509 *ca = sk_X509_value(trust->cas, i);

		if (X509_NAME_cmp(X509_get_subject_name(ca), X509_CRL_get_issuer(crl)) == 0 &&
		    (X509_get_key_usage(ca) & KU_CRL_SIGN) != 0 &&
		    X509_CRL_verify(crl, X509_get0_pubkey(ca)) == 1)
			return i;
	}
	return -1;
}

static STATUS look_at_crls(struct tls_trust *trust)
{
	int count = sk_X509_CRL_num(trust->crls);
	ASN1_INTEGER *zero = ASN1_INTEGER_new();
	X509_REVOKED *entry;

	trust->signers = calloc((size_t)count + 1, sizeof(*trust->signers));
	if (trust->signers == NULL || zero == NULL) {
		ASN1_INTEGER_free(zero);
		return POSTIL_ERR_MEMORY;
	}
	for (int i = 0; i < count; i++) {
		X509_CRL *crl = sk_X509_CRL_value(trust->crls, i);

		trust->signers[i] = is_plain(crl) ? signer_of(trust, crl) : -1;
		X509_CRL_get0_by_serial(crl, &entry, zero);     /* the first search sorts it */
	}
	ASN1_INTEGER_free(zero);
	ERR_clear_error();
	return NOERROR;
}

static bool is_in_time(const X509_CRL *crl)
{
	const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl);

	return X509_cmp_current_time(X509_CRL_get0_lastUpdate(crl)) < 0 &&
		(next == NULL || X509_cmp_current_time(next) > 0);
}

/* Does libcrypto ask about a CRL that the issuer in this chain has signed, as we know? */
static bool is_known(const struct tls_trust *trust, X509_STORE_CTX *ctx, X509_CRL *crl)
{
	STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);
	int depth = X509_STORE_CTX_get_error_depth(ctx), last = sk_X509_num(chain) - 1;
	const X509 *issuer = sk_X509_value(chain, depth < last ? depth + 1 : last);

	for (int i = 0; i < sk_X509_CRL_num(trust->crls); i++)
		if (sk_X509_CRL_value(trust->crls, i) == crl)
			return trust->signers[i] >= 0 && issuer != NULL &&
				X509_cmp(sk_X509_value(trust->cas, trust->signers[i]), issuer) == 0;
	return false;
}

static int check_crl(X509_STORE_CTX *ctx, X509_CRL *crl)
{
	const struct tls_trust *trust = X509_STORE_CTX_get_app_data(ctx);

	if (is_known(trust, ctx, crl) && is_in_time(crl))
		return 1;
	return trust->check_crl(ctx, crl);      /* which tells what is wrong with it */
}

static int check_later(X509_STORE_CTX *ctx)
{
	return 1;
}

static STATUS take_over(struct tls_trust *trust)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STATUS status = POSTIL_ERR_MEMORY;

	if (ctx != NULL && X509_STORE_CTX_init(ctx, trust->store, NULL, NULL) == 1) {
		trust->check_revocation = X509_STORE_CTX_get_check_revocation(ctx);
		trust->check_crl = X509_STORE_CTX_get_check_crl(ctx);
		X509_STORE_set_check_revocation(trust->store, check_later);
		X509_STORE_set_check_crl(trust->store, check_crl);
		status = NOERROR;
	}
	X509_STORE_CTX_free(ctx);
	return status;
}

/* --- a new one --------------------------------------------------------------------------- */

static bool has_issuer(const struct tls_trust *trust, X509 *ca)
{
	for (int i = 0; i < sk_X509_num(trust->cas); i++)
		if (X509_check_issued(sk_X509_value(trust->cas, i), ca) == X509_V_OK)
			return true;
	return false;
}

static void warn_of_orphans(const struct reading *r)
{
	for (int i = 0; i < sk_X509_num(r->trust->cas); i++) {
		X509 *ca = sk_X509_value(r->trust->cas, i);
		char name[256] = "";

		if (has_issuer(r->trust, ca))
			continue;
		X509_NAME_oneline(X509_get_subject_name(ca), name, sizeof(name));
		tls_warn(r->warn, "the CA %s is among the trusted ones but its issuer is not: it vouches for "
			"nobody until that is put beside it", name);
	}
}

static STATUS prepare(struct tls_trust *trust)
{
	trust->store = X509_STORE_new();
	trust->names = sk_X509_NAME_new_null();
	trust->cas = sk_X509_new_null();
	trust->crls = sk_X509_CRL_new_null();
	if (trust->store == NULL || trust->names == NULL || trust->cas == NULL || trust->crls == NULL)
		return POSTIL_ERR_MEMORY;
	return take_over(trust);
}

STATUS tls_trust_new(const struct tls_trust_options *options, struct tls_files *files,
                     const struct tls_warn *warn, struct tls_trust **trust_r, struct fault *fault)
{
	struct tls_trust *trust = calloc(1, sizeof(*trust));
	struct reading r = { .trust = trust, .files = files, .warn = warn, .fault = fault };
	STATUS status;

	if (trust == NULL)
		return fault_set(fault, POSTIL_ERR_MEMORY, "no memory");
	trust->options = *options;
	trust->options.paths = NULL;
	status = prepare(trust);
	for (size_t i = 0; i < options->path_count && status == NOERROR; i++)
		status = add_path(&r, options->paths[i]);
	if (status == NOERROR)
		status = look_at_crls(trust);
	if (status == POSTIL_ERR_MEMORY)
		fault_set(fault, status, "no memory");
	if (status != NOERROR) {
		tls_trust_free(&trust);
		return status;
	}
	warn_of_orphans(&r);
	warn_of_switches(&r);
	ERR_clear_error();
	*trust_r = trust;
	return NOERROR;
}

/* --- judging ---------------------------------------------------------------------------- */

/* libssl asks for each error it finds whether it is one. */
static int judge(int ok, X509_STORE_CTX *ctx)
{
	const struct tls_trust *trust = X509_STORE_CTX_get_app_data(ctx);
	const struct tls_trust_options *options = &trust->options;
	bool fine;

	if (ok)
		return 1;
	switch (X509_STORE_CTX_get_error(ctx)) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		fine = options->accept_expired && X509_STORE_CTX_get_error_depth(ctx) == 0;
		break;
	case X509_V_ERR_CRL_HAS_EXPIRED:
		fine = options->trust_expired_crls;
		break;
	case X509_V_ERR_UNABLE_TO_GET_CRL:
	case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
		fine = options->allow_crl_failure;
		break;
	default:
		return 0;
	}
	if (fine)
		X509_STORE_CTX_set_error(ctx, X509_V_OK);
	return fine;
}

int tls_trust_verify(const struct tls_trust *trust, X509_STORE_CTX *ctx)
{
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
	unsigned long flags = trust->options.check_crls
		? X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL : 0;

	/* the first slot, which is nobody's: libssl has one of its own */
	X509_STORE_CTX_set_app_data(ctx, (void *)(uintptr_t)trust);
	X509_STORE_CTX_set_verify_cb(ctx, judge);
	X509_VERIFY_PARAM_set_depth(param, DEPTH_MAX);
	X509_VERIFY_PARAM_set_auth_level(param, 2);
	if (X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_CLIENT) != 1 ||
	    X509_VERIFY_PARAM_set_flags(param, flags) != 1)
		return X509_V_ERR_UNSPECIFIED;
	if (X509_verify_cert(ctx) == 1 && (!trust->options.check_crls || trust->check_revocation(ctx) == 1))
		return X509_V_OK;
	return X509_STORE_CTX_get_error(ctx) != X509_V_OK ? X509_STORE_CTX_get_error(ctx)
		: X509_V_ERR_UNSPECIFIED;
}

int tls_trust_verify_again(const struct tls_trust *trust, X509 *leaf, STACK_OF(X509) *issuers)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	int error = X509_V_ERR_OUT_OF_MEM;

	/* the same default as libssl chooses for a client's chain */
	if (ctx != NULL && X509_STORE_CTX_init(ctx, trust->store, leaf, issuers) == 1 &&
	    X509_STORE_CTX_set_default(ctx, "ssl_client") == 1)
		error = tls_trust_verify(trust, ctx);
	X509_STORE_CTX_free(ctx);
	return error;
}

static const struct {
	int error;
	const char *why;
} whys[] = {
	{ X509_V_ERR_CERT_HAS_EXPIRED, "a client certificate that has expired" },
	{ X509_V_ERR_CERT_NOT_YET_VALID, "a client certificate that is not yet valid" },
	{ X509_V_ERR_CERT_REVOKED, "a client certificate that has been revoked" },
	{ X509_V_ERR_INVALID_PURPOSE, "a client certificate that is not meant for clients" },
	{ X509_V_ERR_CERT_REJECTED, "a client certificate that is not meant for clients" },
	{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, "a client certificate of a CA that is not trusted" },
	{ X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
	  "a client certificate of a CA that is not trusted" },
	{ X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE,
	  "a client certificate of a CA that is not trusted" },
	{ X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, "a client certificate of a CA that is not trusted" },
	{ X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "a client certificate that vouches for itself" },
	{ X509_V_ERR_CERT_UNTRUSTED, "a client certificate of a CA that is not trusted" },
	{ X509_V_ERR_INVALID_CA, "a client certificate whose issuer is no CA" },
	{ X509_V_ERR_CERT_CHAIN_TOO_LONG, "a client certificate with too long a chain" },
	{ X509_V_ERR_CERT_SIGNATURE_FAILURE, "a client certificate with a wrong signature" },
	{ X509_V_ERR_UNABLE_TO_GET_CRL, "no revocation list for a client certificate" },
	{ X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER, "no revocation list for a client certificate" },
	{ X509_V_ERR_CRL_HAS_EXPIRED,
	  "a revocation list out of date for a client certificate" },
	{ X509_V_ERR_CRL_NOT_YET_VALID,
	  "a revocation list that is not yet valid for a client certificate" },
	{ X509_V_ERR_CRL_SIGNATURE_FAILURE,
	  "a revocation list with a wrong signature for a client certificate" },
	{ X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION,
	  "a revocation list with demands that are not understood for a client certificate" },
	{ X509_V_ERR_DIFFERENT_CRL_SCOPE,
	  "a revocation list with demands that are not understood for a client certificate" },
	{ X509_V_ERR_KEYUSAGE_NO_CRL_SIGN,
	  "a revocation list of a CA that may not sign any for a client certificate" },
	{ X509_V_ERR_EE_KEY_TOO_SMALL, "a client certificate with too weak a key" },
	{ X509_V_ERR_CA_KEY_TOO_SMALL, "a client certificate of a CA with too weak a key" },
	{ X509_V_ERR_CA_MD_TOO_WEAK, "a client certificate with too weak a signature" },
	{ X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION,
	  "a client certificate with demands that are not understood" },
};

const char *tls_trust_why(int error)
{
	for (size_t i = 0; i < sizeof(whys) / sizeof(whys[0]); i++)
		if (whys[i].error == error)
			return whys[i].why;
	return "a client certificate that is not in order";
}

bool tls_trust_apply(struct tls_trust *trust, SSL_CTX *ssl)
{
	STACK_OF(X509_NAME) *names = SSL_dup_CA_list(trust->names);

	if (names == NULL)
		return false;
	SSL_CTX_set_client_CA_list(ssl, names);
	SSL_CTX_set1_cert_store(ssl, trust->store);
	return true;
}

/*
 * Credentials: PEM files of a name, read into pairs of certificate chain and key, one of
 * each kind of key. The files are an administrator's: each failure names the file and what
 * is wrong with it. Key texts and passphrases are wiped.
 */
#include <ctype.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/clock.h"
#include "base/text.h"
#include "tls/private.h"

#define FILE_MAX_OCTETS (256 * 1024)
#define CHAIN_MAX 16
#define NAME_MAX_OCTETS 200
#define PASSPHRASE_MAX 1024
#define SOON_SECS (14 * 24 * 3600)
#define DATE_OCTETS 16

struct tls_credential {
	_Atomic unsigned count;
	char *name;
	struct tls_pair pairs[TLS_PAIRS_MAX];
	size_t pair_count;
};

/* What is read and where from, while it is read. */
struct reading {
	const char *certs_dir;
	const char *name;               /* without its end */
	struct tls_files *files;
	const struct tls_warn *warn;
	struct tls_credential *credential;
};

void tls_warn(const struct tls_warn *warn, const char *format, ...)
{
	char text[512];
	va_list ap;

	if (warn->call == NULL)
		return;
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	warn->call(warn->context, text);
}

static void pair_release(struct tls_pair *pair)
{
	X509_free(pair->leaf);
	sk_X509_pop_free(pair->chain, X509_free);
	EVP_PKEY_free(pair->key);
	*pair = (struct tls_pair){ 0 };
}

struct tls_credential *tls_credential_share(struct tls_credential *credential)
{
	atomic_fetch_add(&credential->count, 1);
	return credential;
}

void tls_credential_release(struct tls_credential **credential_p)
{
	struct tls_credential *credential = *credential_p;

	*credential_p = NULL;
	if (credential == NULL || atomic_fetch_sub(&credential->count, 1) != 1)
		return;
	for (size_t i = 0; i < credential->pair_count; i++)
		pair_release(&credential->pairs[i]);
	free(credential->name);
	free(credential);
}

const char *tls_credential_name(const struct tls_credential *credential)
{
	return credential->name;
}

/* --- one file ------------------------------------------------------------------------- */

int tls_no_passphrase(char *out, int size, int writing, void *context)
{
	return -1;
}

/* No prompt, ever. context: the passphrase, or NULL. */
static int passphrase(char *out, int size, int writing, void *context)
{
	const char *text = context;
	size_t n = text == NULL ? 0 : strlen(text);

	if (text == NULL || n > (size_t)size)
		return -1;
	memcpy(out, text, n);
	return (int)n;
}

/* The first line of NAME.pass. */
static STATUS read_passphrase(struct reading *r, const char *path, char out[PASSPHRASE_MAX],
                              struct fault *fault)
{
	struct buf text = BUF_INIT;
	mode_t mode = 0;
	STATUS status = tls_files_read(r->files, path, PASSPHRASE_MAX - 1, &text, &mode, fault);
	size_t n = 0;

	if (status == NOERROR)
		status = tls_check_secret(path, mode, fault);
	if (status == NOERROR) {
		while (n < text.n && text.p[n] != '\n' && text.p[n] != '\r' && text.p[n] != '\0')
			n++;
		if (n > 0)
			memcpy(out, text.p, n);
		out[n] = '\0';
	}
	buf_wipe_release(&text);
	return status;
}

static EVP_PKEY *parse_key(struct slice text, char *phrase)
{
	BIO *bio = BIO_new_mem_buf(text.p, (int)text.n);
	EVP_PKEY *key = bio == NULL ? NULL
		: PEM_read_bio_PrivateKey(bio, NULL, passphrase, phrase);

	BIO_free(bio);
	return key;
}

static bool holds_key(struct slice text)
{
	return memmem(text.p, text.n, "PRIVATE KEY-----", 16) != NULL;
}

/* "keep.pem" or "keep.key" -> "keep.pass", to be freed. */
static char *pass_path(const char *path)
{
	char *out = NULL;

	return asprintf(&out, "%.*s.pass", (int)(strlen(path) - 4), path) < 0 ? NULL : out;
}

static STATUS key_from(struct reading *r, const char *path, struct slice text, mode_t mode,
                       EVP_PKEY **key_r, struct fault *fault)
{
	char phrase[PASSPHRASE_MAX], *pass = pass_path(path);
	STATUS phrase_status, status = tls_check_secret(path, mode, fault);
	EVP_PKEY *key = NULL;

	if (pass == NULL)
		return fault_set(fault, POSTIL_ERR_MEMORY, "%s: no memory", path);
	if (status != NOERROR)
		goto out;
	phrase_status = read_passphrase(r, pass, phrase, fault);
	if (phrase_status != NOERROR && phrase_status != POSTIL_ERR_NOEXIST) {
		status = phrase_status;
		goto out;
	}
	key = parse_key(text, phrase_status == NOERROR ? phrase : NULL);
	if (key != NULL)
		*key_r = key;
	else if (phrase_status != NOERROR && memmem(text.p, text.n, "ENCRYPTED", 9) != NULL)
		status = fault_set(fault, POSTIL_ERR_INVALID,
			"%s: its private key is encrypted; put the passphrase into %s", path, pass);
	else
		status = fault_set(fault, POSTIL_ERR_INVALID, "%s: its private key cannot be read%s%s",
			path, phrase_status == NOERROR ? ", perhaps for a wrong passphrase in " : "",
			phrase_status == NOERROR ? pass : "");
out:
	ERR_clear_error();
	OPENSSL_cleanse(phrase, sizeof(phrase));
	free(pass);
	return status;
}

/* The leaf, then its issuers. */
static STATUS chain_from(const char *path, struct slice text, struct tls_pair *pair,
                         struct fault *fault)
{
	BIO *bio = BIO_new_mem_buf(text.p, (int)text.n);
	STATUS status = NOERROR;
	X509 *one;

	pair->chain = sk_X509_new_null();
	if (bio == NULL || pair->chain == NULL)
		status = fault_set(fault, POSTIL_ERR_MEMORY, "%s: no memory", path);
	while (status == NOERROR &&
	       (one = PEM_read_bio_X509(bio, NULL, passphrase, NULL)) != NULL) {
		if (pair->leaf == NULL) {
			pair->leaf = one;
		} else if (sk_X509_num(pair->chain) == CHAIN_MAX || sk_X509_push(pair->chain, one) == 0) {
			X509_free(one);
			status = fault_set(fault, POSTIL_ERR_TOO_LONG,
				"%s: there are more than %d certificates in it", path, CHAIN_MAX);
		}
	}
	if (status == NOERROR && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		status = fault_set(fault, POSTIL_ERR_INVALID,
			"%s: certificate %d in it is malformed", path,
			pair->leaf == NULL ? 1 : 2 + sk_X509_num(pair->chain));
	else if (status == NOERROR && pair->leaf == NULL)
		status = fault_set(fault, POSTIL_ERR_INVALID, "%s: there is no PEM certificate in it", path);
	ERR_clear_error();
	BIO_free(bio);
	return status;
}

static STATUS key_beside(struct reading *r, const char *pem, struct tls_pair *pair,
                         struct fault *fault)
{
	struct buf text = BUF_INIT;
	mode_t mode = 0;
	char *path = strdup(pem);
	STATUS status;

	if (path == NULL)
		return fault_set(fault, POSTIL_ERR_MEMORY, "%s: no memory", pem);
	memcpy(path + strlen(path) - 4, ".key", 4);
	status = tls_files_read(r->files, path, FILE_MAX_OCTETS, &text, &mode, fault);
	if (status == NOERROR)
		status = key_from(r, path, buf_slice(&text), mode, &pair->key, fault);
	else if (status == POSTIL_ERR_NOEXIST)
		status = fault_set(fault, status,
			"%s: there is no private key in it, and there is no %s", pem, path);
	if (status == NOERROR && X509_check_private_key(pair->leaf, pair->key) != 1)
		status = fault_set(fault, POSTIL_ERR_INVALID,
			"%s: it is not the key of the certificate in %s", path, pem);
	buf_wipe_release(&text);
	free(path);
	return status;
}

static STATUS read_pair(struct reading *r, const char *path, struct tls_pair *pair,
                        struct fault *fault)
{
	struct buf text = BUF_INIT;
	mode_t mode = 0;
	STATUS status = tls_files_read(r->files, path, FILE_MAX_OCTETS, &text, &mode, fault);

	if (status == NOERROR)
		status = chain_from(path, buf_slice(&text), pair, fault);
	if (status == NOERROR && !holds_key(buf_slice(&text))) {
		status = key_beside(r, path, pair, fault);
	} else if (status == NOERROR) {
		status = key_from(r, path, buf_slice(&text), mode, &pair->key, fault);
		if (status == NOERROR && X509_check_private_key(pair->leaf, pair->key) != 1)
			status = fault_set(fault, POSTIL_ERR_INVALID,
				"%s: its private key is not that of its first certificate", path);
	}
	ERR_clear_error();
	buf_wipe_release(&text);
	return status;
}

/* --- a name --------------------------------------------------------------------------- */

static void date_text(const ASN1_TIME *time, char out[DATE_OCTETS])
{
	struct tm tm;

	if (ASN1_TIME_to_tm(time, &tm) != 1 || strftime(out, DATE_OCTETS, "%Y-%m-%d", &tm) == 0)
		snprintf(out, DATE_OCTETS, "?");
}

static void warn_of_dates(const struct reading *r, const char *path, const struct tls_pair *pair)
{
	time_t now = (time_t)clock_wall_secs(), soon = now + SOON_SECS;
	const ASN1_TIME *from = X509_get0_notBefore(pair->leaf);
	const ASN1_TIME *until = X509_get0_notAfter(pair->leaf);
	char date[DATE_OCTETS];

	date_text(until, date);
	if (X509_cmp_time(until, &now) < 0)
		tls_warn(r->warn, "%s: the certificate has expired on %s", path, date);
	else if (X509_cmp_time(until, &soon) < 0)
		tls_warn(r->warn, "%s: the certificate expires on %s", path, date);
	date_text(from, date);
	if (X509_cmp_time(from, &now) > 0)
		tls_warn(r->warn, "%s: the certificate is not valid before %s", path, date);
}

static STATUS add_pair(struct reading *r, const char *path, struct fault *fault)
{
	struct tls_credential *credential = r->credential;
	struct tls_pair pair = { 0 };
	STATUS status = read_pair(r, path, &pair, fault);

	for (size_t i = 0; status == NOERROR && i < credential->pair_count; i++)
		if (EVP_PKEY_get_base_id(credential->pairs[i].key) == EVP_PKEY_get_base_id(pair.key))
			status = fault_set(fault, POSTIL_ERR_INVALID,
				"%s: another file of %s has a key of the same kind", path, credential->name);
	if (status == NOERROR && credential->pair_count == TLS_PAIRS_MAX)
		status = fault_set(fault, POSTIL_ERR_LIMIT, "%s: %s has too many keys", path,
			credential->name);
	if (status != NOERROR) {
		pair_release(&pair);
		return status;
	}
	warn_of_dates(r, path, &pair);
	credential->pairs[credential->pair_count++] = pair;
	return NOERROR;
}

/* Is it NAME.WORD.pem? A host "b.example" must not take up "b.example.org.pem" by
 * chance, so only kinds of keys count as WORD. */
static const char *const kinds[] = { "", ".ecdsa", ".ec", ".rsa", ".ed25519", ".ed448" };

static STATUS add_pairs(struct reading *r, struct fault *fault)
{
	STATUS status = NOERROR;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && status == NOERROR; i++) {
		char *path = NULL;

		if (asprintf(&path, "%s/%s%s.pem", r->certs_dir, r->name, kinds[i]) < 0)
			return fault_set(fault, POSTIL_ERR_MEMORY, "no memory");
		status = add_pair(r, path, fault);
		/* none under this name; but no key for one that is there is a failure */
		if (status == POSTIL_ERR_NOEXIST && access(path, F_OK) != 0)
			status = NOERROR;
		free(path);
	}
	if (status == NOERROR && r->credential->pair_count == 0)
		return fault_set(fault, POSTIL_ERR_NOEXIST, "there is no %s.ecdsa.pem, %s.rsa.pem or "
			"%s/%s.pem", r->name, r->name, r->certs_dir, r->name);
	return status;
}

static bool is_name(const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || n > NAME_MAX_OCTETS || name[0] == '.')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)name[i]) && strchr("-._", name[i]) == NULL)
			return false;
	return true;
}

static char *name_copy(const char *name)
{
	struct slice s = slice_of(name);

	if (text_ends_nocase(s, ".pem") || text_ends_nocase(s, ".kyr"))
		s.n -= 4;
	return strndup(s.p, s.n);
}

STATUS tls_credential_new(const char *certs_dir, const char *name, struct tls_files *files,
                          const struct tls_warn *warn, struct tls_credential **credential_r,
                          struct fault *fault)
{
	struct tls_credential *credential = calloc(1, sizeof(*credential));
	struct reading r = { .certs_dir = certs_dir, .files = files, .warn = warn,
		.credential = credential };
	STATUS status;

	if (credential != NULL)
		credential->name = name_copy(name);
	if (credential == NULL || credential->name == NULL) {
		free(credential);
		return fault_set(fault, POSTIL_ERR_MEMORY, "no memory");
	}
	atomic_init(&credential->count, 1);
	r.name = credential->name;
	if (is_name(r.name)) {
		status = add_pairs(&r, fault);
	} else {
		struct buf shown = BUF_INIT;

		text_escape(slice_of(name), NAME_MAX_OCTETS, &shown);
		status = fault_set(fault, POSTIL_ERR_INVALID, "\"%s\" cannot be the name of a credential "
			"(letters, digits and -._ only)", buf_cstr(&shown));
		buf_release(&shown);
	}
	if (status != NOERROR) {
		tls_credential_release(&credential);
		return status;
	}
	*credential_r = credential;
	return NOERROR;
}

/* --- what it is used for ------------------------------------------------------------------ */

bool tls_credential_serves(const struct tls_credential *credential, const char *host)
{
	for (size_t i = 0; i < credential->pair_count; i++)
		if (X509_check_host(credential->pairs[i].leaf, host, strlen(host),
		                    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, NULL) == 1)
			return true;
	return false;
}

bool tls_credential_apply(const struct tls_credential *credential, SSL_CTX *ssl)
{
	for (size_t i = 0; i < credential->pair_count; i++) {
		const struct tls_pair *pair = &credential->pairs[i];

		if (SSL_CTX_use_cert_and_key(ssl, pair->leaf, pair->key, pair->chain, 1) != 1)
			return false;
	}
	return true;
}

static void hosts_text(const struct tls_pair *pair, struct buf *out)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(pair->leaf, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		int kind;
		const ASN1_STRING *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &kind);

		if (kind != GEN_DNS)
			continue;
		buf_add_char(out, ' ');
		text_escape((struct slice){ (const char *)ASN1_STRING_get0_data(value),
			(size_t)ASN1_STRING_length(value) }, 100, out);
	}
	GENERAL_NAMES_free(names);
}

void tls_credential_text(const struct tls_credential *credential, struct buf *out)
{
	buf_addf(out, "%s (", credential->name);
	for (size_t i = 0; i < credential->pair_count; i++) {
		const struct tls_pair *pair = &credential->pairs[i];
		char date[DATE_OCTETS];

		date_text(X509_get0_notAfter(pair->leaf), date);
		buf_addf(out, "%s%s, until %s", i == 0 ? "" : "; ", tls_key_kind_text(pair->key), date);
	}
	buf_add_str(out, "):");
	hosts_text(&credential->pairs[0], out);
	ERR_clear_error();
}

/*
 * Contexts: everything that a handshake needs, read once. Each credential has a context of
 * libssl of its own and SNI changes from one to the other; what a client asks for is only
 * compared. See context.h for which files count.
 */
#include "tls/context.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "tls/private.h"

#define HOST_MAX_OCTETS 255

/* Copies, to compare with. */
struct options {
	char *certs_dir, *alpn;
	char **credentials, **paths;
	size_t credential_count, path_count;
	bool check_crls, trust_expired_crls, allow_crl_failure, accept_expired;
	struct tls_policy policy;
};

struct served {
	struct tls_credential *credential;
	SSL_CTX *ssl;
};

struct tls_context {
	_Atomic unsigned count;
	struct options options;
	struct tls_files files;
	struct tls_trust *trust;
	struct tls_tickets *tickets;
	struct served *served;          /* the default first */
	size_t served_count;
	unsigned char alpn[256];        /* as on the wire */
	unsigned alpn_n;
};

static int context_index = -1;
static pthread_once_t index_once = PTHREAD_ONCE_INIT;

static void make_index(void)
{
	context_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

static struct tls_context *context_of(SSL_CTX *ssl)
{
	return SSL_CTX_get_ex_data(ssl, context_index);
}

struct tls_tickets *tls_context_tickets(SSL_CTX *ssl)
{
	return context_of(ssl)->tickets;
}

SSL_CTX *tls_context_ssl(const struct tls_context *context)
{
	return context->served[0].ssl;
}

const struct tls_trust *tls_context_trust(const struct tls_context *context)
{
	return context->trust;
}

/* --- options, copied and compared --------------------------------------------------- */

static void strings_release(char **list, size_t count)
{
	for (size_t i = 0; list != NULL && i < count; i++)
		free(list[i]);
	free(list);
}

static bool strings_copy(char ***to, size_t *count_r, const char *const *from, size_t count)
{
	char **list = calloc(count + 1, sizeof(*list));
	bool ok = list != NULL;

	for (size_t i = 0; ok && i < count; i++)
		ok = (list[i] = strdup(from[i])) != NULL;
	*to = list;
	*count_r = list == NULL ? 0 : count;
	return ok;
}

static bool strings_equal(char *const *a, size_t a_count, const char *const *b, size_t b_count)
{
	bool equal = a_count == b_count;

	for (size_t i = 0; equal && i < a_count; i++)
		equal = strcmp(a[i], b[i]) == 0;
	return equal;
}

static bool options_copy(struct options *to, const struct tls_options *from)
{
	to->policy = from->policy;
	to->check_crls = from->trust.check_crls;
	to->trust_expired_crls = from->trust.trust_expired_crls;
	to->allow_crl_failure = from->trust.allow_crl_failure;
	to->accept_expired = from->trust.accept_expired;
	to->certs_dir = strdup(from->certs_dir);
	if (from->alpn != NULL)
		to->alpn = strdup(from->alpn);
	return to->certs_dir != NULL && (from->alpn == NULL || to->alpn != NULL) &&
		strings_copy(&to->credentials, &to->credential_count, from->credentials,
			from->credential_count) &&
		strings_copy(&to->paths, &to->path_count, from->trust.paths, from->trust.path_count);
}

static void options_release(struct options *options)
{
	free(options->certs_dir);
	free(options->alpn);
	strings_release(options->credentials, options->credential_count);
	strings_release(options->paths, options->path_count);
}

static bool options_equal(const struct options *a, const struct tls_options *b)
{
	return strcmp(a->certs_dir, b->certs_dir) == 0 &&
		(a->alpn == NULL) == (b->alpn == NULL) &&
		(a->alpn == NULL || strcmp(a->alpn, b->alpn) == 0) &&
		a->check_crls == b->trust.check_crls &&
		a->trust_expired_crls == b->trust.trust_expired_crls &&
		a->allow_crl_failure == b->trust.allow_crl_failure &&
		a->accept_expired == b->trust.accept_expired &&
		tls_policy_equal(&a->policy, &b->policy) &&
		strings_equal(a->credentials, a->credential_count, b->credentials, b->credential_count) &&
		strings_equal(a->paths, a->path_count, b->trust.paths, b->trust.path_count);
}

/* --- what libssl asks in a handshake --------------------------------------------------- */

static int choose_credential(SSL *ssl, int *alert, void *argument)
{
	const char *host = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	const struct tls_context *context = argument;

	if (host == NULL || strlen(host) > HOST_MAX_OCTETS)
		return SSL_TLSEXT_ERR_NOACK;
	for (size_t i = 0; i < context->served_count; i++) {
		if (!tls_credential_serves(context->served[i].credential, host))
			continue;
		if (i != 0 && SSL_set_SSL_CTX(ssl, context->served[i].ssl) == NULL)
			return SSL_TLSEXT_ERR_ALERT_FATAL;
		return SSL_TLSEXT_ERR_OK;
	}
	ERR_clear_error();
	return SSL_TLSEXT_ERR_NOACK;
}

static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_n,
                       const unsigned char *in, unsigned in_n, void *argument)
{
	const struct tls_context *context = argument;
	unsigned char *chosen = NULL;

	if (SSL_select_next_proto(&chosen, out_n, context->alpn, context->alpn_n, in, in_n) ==
	    OPENSSL_NPN_NEGOTIATED) {
		*out = chosen;
		return SSL_TLSEXT_ERR_OK;
	}
	tls_connection_blame(tls_connection_of(ssl), "another protocol asked for by ALPN");
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static int verify(X509_STORE_CTX *store, void *argument)
{
	const struct tls_context *context = argument;
	const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_connection *connection = tls_connection_of(ssl);
	int error = tls_trust_verify(context->trust, store);

	X509_STORE_CTX_set_error(store, error);         /* chooses the alert */
	if (error != X509_V_OK)
		tls_connection_blame(connection, tls_trust_why(error));
	else if (!tls_resume_fits(X509_STORE_CTX_get0_chain(store)))
		tls_connection_forbid_tickets(connection);
	return error == X509_V_OK;
}

/* --- making one ------------------------------------------------------------------------- */

static bool configure(struct tls_context *context, SSL_CTX *ssl)
{
	SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
		SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_read_ahead(ssl, 1);
	SSL_CTX_set_max_cert_list(ssl, TLS_CHAIN_MAX);
	SSL_CTX_set_tlsext_servername_callback(ssl, choose_credential);
	SSL_CTX_set_tlsext_servername_arg(ssl, context);
	SSL_CTX_set_cert_verify_callback(ssl, verify, context);
	if (context->alpn_n != 0)
		SSL_CTX_set_alpn_select_cb(ssl, choose_alpn, context);
	return SSL_CTX_set_ex_data(ssl, context_index, context) == 1 &&
		tls_policy_apply(&context->options.policy, ssl) &&
		tls_tickets_apply(context->tickets, ssl) && tls_resume_apply(ssl) &&
		tls_trust_apply(context->trust, ssl);
}

static STATUS serve(struct tls_context *context, struct tls_credential *credential,
                    struct fault *fault)
{
	struct served *served = &context->served[context->served_count];

	ERR_clear_error();
	served->ssl = SSL_CTX_new(TLS_server_method());
	if (served->ssl == NULL || !configure(context, served->ssl)) {
		SSL_CTX_free(served->ssl);
		return fault_set(fault, POSTIL_ERR_MEMORY, "TLS cannot be set up: %s", tls_reason());
	}
	if (!tls_credential_apply(credential, served->ssl)) {
		SSL_CTX_free(served->ssl);
		return fault_set(fault, POSTIL_ERR_INVALID, "%s/%s: its certificate or key cannot be used: %s",
			context->options.certs_dir, tls_credential_name(credential), tls_reason());
	}
	served->credential = tls_credential_share(credential);
	context->served_count++;
	return NOERROR;
}

static struct tls_credential *kept(const struct tls_context *previous, const char *name)
{
	const struct options *options = previous == NULL ? NULL : &previous->options;

	if (options == NULL)
		return NULL;
	for (size_t i = 0; i < previous->served_count; i++) {
		const char *had = tls_credential_name(previous->served[i].credential);

		if (strncmp(had, name, strlen(had)) == 0 &&
		    (name[strlen(had)] == '\0' || strcmp(name + strlen(had), ".pem") == 0 ||
		     strcmp(name + strlen(had), ".kyr") == 0))
			return previous->served[i].credential;
	}
	return NULL;
}

static STATUS add_credential(struct tls_context *context, const char *name, size_t place,
                             const struct tls_context *previous, const struct tls_warn *warn,
                             struct fault *fault)
{
	struct tls_credential *credential = NULL, *old;
	struct fault local = { 0 };
	STATUS status = tls_credential_new(context->options.certs_dir, name, &context->files, warn,
		&credential, &local);

	if (status == NOERROR)
		status = serve(context, credential, &local);
	tls_credential_release(&credential);
	if (status == NOERROR)
		return NOERROR;
	old = kept(previous, name);
	if (old != NULL && serve(context, old, fault) == NOERROR) {
		tls_warn(warn, "%s; what was read before stays in use", fault_text(&local, status));
		return NOERROR;
	}
	if (place == 0)
		return fault_set(fault, status, "%s", fault_text(&local, status));
	tls_warn(warn, "%s; this name is left out", fault_text(&local, status));
	return NOERROR;
}

static STATUS read_all(struct tls_context *context, const struct tls_options *options,
                       const struct tls_context *previous, struct fault *fault)
{
	struct tls_warn warn = { options->warn, options->warn_context };
	size_t n = options->alpn == NULL ? 0 : strlen(options->alpn);
	STATUS status;

	assert(n < sizeof(context->alpn));
	if (options->credential_count == 0)
		return fault_set(fault, POSTIL_ERR_INVALID,
			"there is no name of a TLS credential (SSLKeyFile)");
	if (options->credential_count > TLS_CREDENTIALS_MAX)
		return fault_set(fault, POSTIL_ERR_INVALID, "there are %zu names of TLS credentials "
			"(SSLKeyFile), at most %d can be used", options->credential_count,
			TLS_CREDENTIALS_MAX);
	if (n != 0) {
		context->alpn[0] = (unsigned char)n;
		memcpy(context->alpn + 1, options->alpn, n);
		context->alpn_n = (unsigned)n + 1;
	}
	context->served = calloc(options->credential_count, sizeof(*context->served));
	if (context->served == NULL || !options_copy(&context->options, options))
		return fault_set(fault, POSTIL_ERR_MEMORY, "no memory");
	status = tls_trust_new(&options->trust, &context->files, &warn, &context->trust, fault);
	for (size_t i = 0; status == NOERROR && i < options->credential_count; i++)
		status = add_credential(context, options->credentials[i], i, previous, &warn, fault);
	return status;
}

STATUS tls_context_new(const struct tls_options *options, struct tls_tickets *tickets,
                       struct tls_context *previous, struct tls_context **context_r,
                       struct fault *fault)
{
	struct tls_context *context = calloc(1, sizeof(*context));
	STATUS status;

	if (context == NULL)
		return fault_set(fault, POSTIL_ERR_MEMORY, "no memory");
	pthread_once(&index_once, make_index);
	atomic_init(&context->count, 1);
	context->tickets = tls_tickets_share(tickets);
	status = read_all(context, options, previous, fault);
	if (status != NOERROR) {
		tls_context_release(&context);
		return status;
	}
	*context_r = context;
	return NOERROR;
}

struct tls_context *tls_context_share(struct tls_context *context)
{
	atomic_fetch_add(&context->count, 1);
	return context;
}

void tls_context_release(struct tls_context **context_p)
{
	struct tls_context *context = *context_p;

	*context_p = NULL;
	if (context == NULL || atomic_fetch_sub(&context->count, 1) != 1)
		return;
	for (size_t i = 0; i < context->served_count; i++) {
		SSL_CTX_free(context->served[i].ssl);
		tls_credential_release(&context->served[i].credential);
	}
	free(context->served);
	tls_trust_free(&context->trust);
	tls_files_release(&context->files);
	tls_tickets_release(&context->tickets);
	options_release(&context->options);
	free(context);
}

/* --- questions ------------------------------------------------------------------------------ */

bool tls_context_is_current(const struct tls_context *context, const struct tls_options *options)
{
	return options_equal(&context->options, options) && !tls_context_is_stale(context);
}

bool tls_context_is_stale(const struct tls_context *context)
{
	return tls_files_changed(&context->files);
}

bool tls_context_serves(const struct tls_context *context, const char *host)
{
	bool serves = tls_credential_serves(context->served[0].credential, host);

	ERR_clear_error();
	return serves;
}

size_t tls_context_ca_count(const struct tls_context *context)
{
	return tls_trust_ca_count(context->trust);
}

void tls_context_text(const struct tls_context *context, struct buf *out)
{
	for (size_t i = 0; i < context->served_count; i++) {
		if (i != 0)
			buf_add_char(out, '\n');
		tls_credential_text(context->served[i].credential, out);
	}
}

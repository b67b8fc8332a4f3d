/*
 * What a ticket carries besides libssl's own (session, client certificate), and what is
 * asked when it comes back. libssl has opened and authenticated the ticket by then, so its
 * content is what we once put in; it may be old, but not made up.
 *
 *      octet 1                 version of this form
 *      then for each issuer    length, 2 octets, most significant first; DER
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "tls/private.h"

#define FORM 1
#define ISSUERS_MAX_OCTETS 8192

static bool add_issuer(struct buf *out, const X509 *issuer)
{
	int n = i2d_X509(issuer, NULL);
	unsigned char *p;

	if (n <= 0 || n > ISSUERS_MAX_OCTETS || buf_reserve(out, (size_t)n + 2) != NOERROR)
		return false;
	p = (unsigned char *)out->p + out->n;
	p[0] = (unsigned char)(n >> 8);
	p[1] = (unsigned char)n;
	p += 2;
	if (i2d_X509(issuer, &p) != n)
		return false;
	out->n += (size_t)n + 2;
	return out->n <= ISSUERS_MAX_OCTETS;
}

/* The issuers between the client's certificate and the trusted CA, which we have. false:
 * they are too large. */
static bool write_issuers(const SSL *ssl, struct buf *out)
{
	STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);
	bool ok = true;

	for (int i = 1; ok && i + 1 < sk_X509_num(chain); i++)
		ok = add_issuer(out, sk_X509_value(chain, i));
	return ok;
}

/* libssl is about to make a ticket. 0 would end the connection. */
static int fill(SSL *ssl, void *argument)
{
	SSL_SESSION *session = SSL_get_session(ssl);
	struct buf data;

	if (SSL_session_reused(ssl))
		return 1;       /* it carries what it carried before */
	buf_init(&data, ISSUERS_MAX_OCTETS + 2);
	buf_add_char(&data, FORM);
	if (write_issuers(ssl, &data) && buf_status(&data) == NOERROR)
		SSL_SESSION_set1_ticket_appdata(session, data.p, data.n);
	buf_release(&data);
	ERR_clear_error();
	return 1;
}

/* NULL: the data are not of our form. */
static STACK_OF(X509) *read_issuers(SSL_SESSION *session)
{
	STACK_OF(X509) *issuers = sk_X509_new_null();
	const unsigned char *p;
	void *data = NULL;
	size_t n = 0;
	bool ok = issuers != NULL && SSL_SESSION_get0_ticket_appdata(session, &data, &n) == 1 &&
		n > 0 && *(unsigned char *)data == FORM;

	p = ok ? (unsigned char *)data + 1 : NULL;
	for (size_t left = ok ? n - 1 : 0; ok && left > 0;) {
		size_t one = left < 2 ? 0 : (size_t)p[0] << 8 | p[1];
		const unsigned char *at = p + 2;
		X509 *issuer = one == 0 || one > left - 2 ? NULL : d2i_X509(NULL, &at, (long)one);

		ok = issuer != NULL && sk_X509_push(issuers, issuer) != 0;
		if (!ok)
			X509_free(issuer);
		p += one + 2;
		left -= ok ? one + 2 : 0;
	}
	if (ok)
		return issuers;
	sk_X509_pop_free(issuers, X509_free);
	return NULL;
}

static bool still_trusted(const SSL *ssl, SSL_SESSION *session)
{
	const struct tls_context *context = tls_connection_context(tls_connection_of(ssl));
	STACK_OF(X509) *issuers = read_issuers(session);
	X509 *leaf = SSL_SESSION_get0_peer(session);
	bool trusted = issuers != NULL && (leaf == NULL ||
		tls_trust_verify_again(tls_context_trust(context), leaf, issuers) == X509_V_OK);

	sk_X509_pop_free(issuers, X509_free);
	return trusted;
}

/* A ticket has come back. */
static SSL_TICKET_RETURN judge(SSL *ssl, SSL_SESSION *session, const unsigned char *name,
                               size_t name_octets, SSL_TICKET_STATUS status, void *argument)
{
	bool good = (status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW) &&
		still_trusted(ssl, session);

	ERR_clear_error();
	if (!good)
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

bool tls_resume_apply(SSL_CTX *ssl)
{
	return SSL_CTX_set_session_ticket_cb(ssl, fill, judge, NULL) == 1;
}

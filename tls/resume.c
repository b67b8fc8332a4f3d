/*
 * What a ticket carries besides libssl's own (session, client certificate), and what is
 * asked when it comes back. libssl has opened and authenticated the ticket by then, so its
 * content is what we once put in; it may be old, but not made up.
 *
 *      1 octet                 version of this form
 *      8 octets                when the full handshake was, seconds since 1970
 *      then for each issuer    length, 2 octets; DER
 *
 * Numbers have the most significant octet first.
 */
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "base/clock.h"
#include "tls/private.h"

#define FORM 2
#define HEAD_OCTETS 9
#define CHAIN_MAX_OCTETS 8192   /* of the client's certificate and the issuers: a ticket that
                                 * comes back must fit into TLS_HELLO_MAX */
/* A ticket is renewed whenever it is used; so often that all goes back to a handshake this
 * long ago, and not longer (RFC 8446 section 4.6.1). */
#define CHAIN_OF_TICKETS_SECS (24 * 3600)

static bool add_issuer(struct buf *out, const X509 *issuer)
{
	int n = i2d_X509(issuer, NULL);
	unsigned char *p;

	if (n <= 0 || n > CHAIN_MAX_OCTETS || buf_reserve(out, (size_t)n + 2) != NOERROR)
		return false;
	p = (unsigned char *)out->p + out->n;
	p[0] = (unsigned char)(n >> 8);
	p[1] = (unsigned char)n;
	p += 2;
	if (i2d_X509(issuer, &p) != n)
		return false;
	out->n += (size_t)n + 2;
	return true;
}

/* The issuers between the client's certificate and the trusted CA, which we have. */
static bool write_issuers(const SSL *ssl, struct buf *out)
{
	STACK_OF(X509) *chain = SSL_get0_verified_chain(ssl);
	bool ok = true;

	for (int i = 1; ok && i + 1 < sk_X509_num(chain); i++)
		ok = add_issuer(out, sk_X509_value(chain, i));
	return ok;
}

bool tls_resume_fits(STACK_OF(X509) *chain)
{
	int octets = 0;

	for (int i = 0; i == 0 || i + 1 < sk_X509_num(chain); i++) {
		int n = i2d_X509(sk_X509_value(chain, i), NULL);

		if (n <= 0 || n > CHAIN_MAX_OCTETS - octets)
			return false;
		octets += n;
	}
	return true;
}

static void add_time(struct buf *out, int64_t secs)
{
	for (int shift = 56; shift >= 0; shift -= 8)
		buf_add_char(out, (char)((uint64_t)secs >> shift));
}

static int64_t read_time(const unsigned char *p)
{
	uint64_t secs = 0;

	for (int i = 0; i < 8; i++)
		secs = secs << 8 | p[i];
	return (int64_t)secs;
}

/* libssl is about to make a ticket. 0 would end the connection. */
static int fill(SSL *ssl, void *argument)
{
	SSL_SESSION *session = SSL_get_session(ssl);
	struct buf data = BUF_INIT;

	if (SSL_session_reused(ssl))
		return 1;       /* it carries what it carried before */
	buf_add_char(&data, FORM);
	add_time(&data, clock_wall_secs());
	if (write_issuers(ssl, &data) && buf_status(&data) == NOERROR)
		SSL_SESSION_set1_ticket_appdata(session, data.p, data.n);
	buf_release(&data);
	ERR_clear_error();
	return 1;
}

static bool is_young(int64_t secs)
{
	int64_t now = clock_wall_secs();

	return secs <= now && now - secs < CHAIN_OF_TICKETS_SECS;
}

/* NULL: the data are not of our form, or too old. */
static STACK_OF(X509) *read_issuers(SSL_SESSION *session)
{
	STACK_OF(X509) *issuers = sk_X509_new_null();
	const unsigned char *p;
	void *data = NULL;
	size_t n = 0;
	bool ok = issuers != NULL && SSL_SESSION_get0_ticket_appdata(session, &data, &n) == 1 &&
		n >= HEAD_OCTETS && *(unsigned char *)data == FORM &&
		is_young(read_time((unsigned char *)data + 1));

	p = ok ? (unsigned char *)data + HEAD_OCTETS : NULL;
	for (size_t left = ok ? n - HEAD_OCTETS : 0; ok && left > 0;) {
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
	/* a client of TLS 1.3 should use a ticket once (RFC 8446 appendix C.4) */
	return status == SSL_TICKET_SUCCESS && SSL_version(ssl) < TLS1_3_VERSION
		? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

bool tls_resume_apply(SSL_CTX *ssl)
{
	return SSL_CTX_set_session_ticket_cb(ssl, fill, judge, NULL) == 1;
}

/*
 * What a certificate says. Every octet of it was chosen by whoever made it, and who made
 * it may be anybody (a stored value is read before anyone has vouched for it): sizes are
 * bounded, texts are checked, a value that is not clean is as good as none.
 */
#include "tls/peer.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/crypt.h"
#include "base/text.h"
#include "tls/private.h"

#define STORED_PREFIX_MAX 64    /* octets of another kind that may stand before a certificate */
#define SUBJECT_SHOWN_OCTETS 200
#define UNITS_MAX 16

/* --- the subject ------------------------------------------------------------------------ */

/* The attributes of a subject that make a Notes name. */
struct parts {
	struct slice common, organization, country, units[UNITS_MAX];
	int common_at, other_at;        /* places in the subject; -1: none */
	size_t unit_count;
	unsigned commons, organizations, countries;
	bool bad;                       /* a part other than the common name is of no use */
	bool common_bad;
};

static bool is_clean(struct slice s)
{
	if (s.n == 0 || s.n > TLS_PEER_VALUE_MAX || !text_is_utf8(s))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 0x20 || c == 0x7F || strchr("/=$*", c) != NULL)
			return false;
		if (c == 0xC2 && (unsigned char)s.p[i + 1] < 0xA0)
			return false;           /* C1 controls, U+0080 to U+009F */
	}
	return text_trim(s).n == s.n;
}

/* As UTF-8, in arena. *clean_r = false: it is no text, or cannot be part of a name. */
static STATUS take_text(const ASN1_STRING *string, struct arena *arena, struct slice *text_r,
                        bool *clean_r)
{
	unsigned char *utf8 = NULL;
	int n = ASN1_STRING_to_UTF8(&utf8, string);
	struct slice text = { (const char *)utf8, n < 0 ? 0 : (size_t)n };
	STATUS status = NOERROR;

	*clean_r = n >= 0 && is_clean(text);
	if (*clean_r)
		status = arena_copy(arena, text, text_r);
	if (n >= 0)
		OPENSSL_free(utf8);
	return status;
}

static STATUS take_entry(X509_NAME_ENTRY *entry, int place, struct arena *arena,
                         struct parts *parts)
{
	int nid = OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry));
	struct slice text = { NULL, 0 };
	bool clean = true;
	STATUS status;

	if (nid != NID_commonName && nid != NID_organizationName &&
	    nid != NID_organizationalUnitName && nid != NID_countryName)
		return NOERROR;
	status = take_text(X509_NAME_ENTRY_get_data(entry), arena, &text, &clean);
	if (status != NOERROR)
		return status;
	if (nid == NID_commonName) {
		parts->commons++;
		parts->common = text;
		parts->common_at = place;
		parts->common_bad = !clean;
		return NOERROR;
	}
	parts->bad = parts->bad || !clean;
	if (nid == NID_organizationName) {
		parts->organizations++;
		parts->organization = text;
		parts->other_at = place;
	} else if (nid == NID_countryName) {
		parts->countries++;
		parts->country = text;
	} else if (parts->unit_count == UNITS_MAX) {
		parts->bad = true;
	} else {
		parts->units[parts->unit_count++] = text;
	}
	if (parts->other_at < 0)
		parts->other_at = place;
	return NOERROR;
}

static STATUS take_subject(const X509_NAME *subject, struct arena *arena, struct parts *parts)
{
	STATUS status = NOERROR;

	*parts = (struct parts){ .common_at = -1, .other_at = -1 };
	for (int i = 0; i < X509_NAME_entry_count(subject) && status == NOERROR; i++)
		status = take_entry(X509_NAME_get_entry(subject, i), i, arena, parts);
	return status;
}

static void add_part(struct buf *name, int nid, struct slice value)
{
	buf_addf(name, "%s%s=", name->n == 0 ? "" : "/", OBJ_nid2sn(nid));
	buf_add_slice(name, value);
}

/* A subject begins with its most general part mostly, a Notes name with its common name. */
static void build_name(const struct parts *parts, struct buf *name)
{
	bool as_is = parts->common_at < parts->other_at;

	add_part(name, NID_commonName, parts->common);
	for (size_t i = 0; i < parts->unit_count; i++)
		add_part(name, NID_organizationalUnitName,
			parts->units[as_is ? i : parts->unit_count - 1 - i]);
	if (parts->organizations == 1)
		add_part(name, NID_organizationName, parts->organization);
	if (parts->countries == 1)
		add_part(name, NID_countryName, parts->country);
}

static STATUS take_names(const X509_NAME *subject, struct arena *arena, struct tls_peer *peer)
{
	struct buf name = BUF_INIT;
	struct parts parts;
	STATUS status = take_subject(subject, arena, &parts);

	if (status != NOERROR || parts.commons != 1 || parts.common_bad)
		return status;
	if (!parts.bad && parts.other_at >= 0 && parts.organizations <= 1 && parts.countries <= 1) {
		build_name(&parts, &name);
		status = buf_status(&name);
		if (status == NOERROR)
			status = arena_copy(arena, buf_slice(&name), &peer->names[peer->name_count++]);
		buf_release(&name);
	}
	peer->names[peer->name_count++] = parts.common;
	return status;
}

bool tls_name_text(const X509_NAME *name, size_t max_octets, struct buf *out)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text = NULL;
	long n = 0;

	/* what the flags would escape, text_escape does */
	if (bio != NULL && X509_NAME_print_ex(bio, name, 0,
	    XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) >= 0)
		n = BIO_get_mem_data(bio, &text);
	if (n > 0)
		text_escape((struct slice){ text, (size_t)n }, max_octets, out);
	BIO_free(bio);
	return n > 0;
}

static STATUS show_subject(const X509_NAME *subject, struct arena *arena, struct slice *shown_r)
{
	struct buf shown = BUF_INIT;
	STATUS status;

	(void)tls_name_text(subject, SUBJECT_SHOWN_OCTETS, &shown);
	status = buf_status(&shown);
	if (status == NOERROR)
		status = arena_copy(arena, buf_slice(&shown), shown_r);
	buf_release(&shown);
	return status;
}

/* --- the rest ------------------------------------------------------------------------------ */

static bool is_address(struct slice s)
{
	const char *at = s.n == 0 ? NULL : memchr(s.p, '@', s.n);

	if (at == NULL || at == s.p || at == s.p + s.n - 1 || s.n > TLS_PEER_VALUE_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= 0x20 || s.p[i] >= 0x7F || (s.p[i] == '@' && s.p + i != at))
			return false;
	return true;
}

static STATUS take_addresses(const X509 *leaf, struct arena *arena, struct tls_peer *peer)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
	STATUS status = NOERROR;

	for (int i = 0; i < sk_GENERAL_NAME_num(names) && status == NOERROR; i++) {
		int kind = -1;
		const ASN1_STRING *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &kind);
		struct slice text;

		if (kind != GEN_EMAIL || peer->address_count == TLS_PEER_ADDRESSES_MAX)
			continue;
		text = (struct slice){ (const char *)ASN1_STRING_get0_data(value),
			(size_t)ASN1_STRING_length(value) };
		if (is_address(text))
			status = arena_copy(arena, text, &peer->addresses[peer->address_count++]);
	}
	GENERAL_NAMES_free(names);
	return status;
}

static STATUS copy_public_key(const X509 *leaf, struct arena *arena, struct slice *key_r)
{
	unsigned char *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &der);
	STATUS status;

	if (n <= 0)
		return POSTIL_ERR_INVALID;
	status = arena_copy(arena, (struct slice){ (const char *)der, (size_t)n }, key_r);
	OPENSSL_free(der);
	return status;
}

static int64_t seconds(const ASN1_TIME *time)
{
	struct tm tm;

	return ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

/* A whole certificate and nothing behind it; NULL: none. */
static X509 *parse(struct slice der)
{
	const unsigned char *p = (const unsigned char *)der.p;
	X509 *leaf = der.n > TLS_CERTIFICATE_MAX ? NULL : d2i_X509(NULL, &p, (long)der.n);

	if (leaf != NULL && p != (const unsigned char *)der.p + der.n) {
		X509_free(leaf);
		leaf = NULL;
	}
	return leaf;
}

STATUS tls_peer_read(struct slice certificate, struct arena *arena, struct tls_peer *peer_r)
{
	struct tls_peer peer = { .name_count = 0 };
	X509 *leaf;
	STATUS status;

	if (certificate.n > TLS_CERTIFICATE_MAX)
		return POSTIL_ERR_TOO_LONG;
	leaf = parse(certificate);
	if (leaf == NULL) {
		ERR_clear_error();
		return POSTIL_ERR_INVALID;
	}
	status = take_names(X509_get_subject_name(leaf), arena, &peer);
	if (status == NOERROR)
		status = take_addresses(leaf, arena, &peer);
	if (status == NOERROR)
		status = copy_public_key(leaf, arena, &peer.public_key);
	if (status == NOERROR)
		status = show_subject(X509_get_subject_name(leaf), arena, &peer.subject);
	peer.not_before = seconds(X509_get0_notBefore(leaf));
	peer.not_after = seconds(X509_get0_notAfter(leaf));
	X509_free(leaf);
	ERR_clear_error();
	if (status == NOERROR)
		*peer_r = peer;
	return status;
}

/* --- certificates as they are stored ---------------------------------------------------------- */

struct found {
	STATUS (*each)(void *context, struct slice der);
	void *context;
	size_t count;
};

static STATUS each_pem(struct slice stored, struct found *found)
{
	BIO *bio = BIO_new_mem_buf(stored.p, (int)stored.n);
	STATUS status = bio == NULL ? POSTIL_ERR_MEMORY : NOERROR;
	char *name = NULL, *header = NULL;
	unsigned char *der = NULL;
	long n = 0;

	while (status == NOERROR && PEM_read_bio(bio, &name, &header, &der, &n) == 1) {
		X509 *one = strstr(name, "CERTIFICATE") == NULL || n < 0 ? NULL
			: parse((struct slice){ (const char *)der, (size_t)n });

		if (one != NULL) {
			found->count++;
			status = found->each(found->context, (struct slice){ (const char *)der, (size_t)n });
		}
		X509_free(one);
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_free(der);
	}
	BIO_free(bio);
	return status;
}

/* Certificates one behind the other; before the first may stand what a foreign item format
 * puts there (a length and a name). */
static STATUS each_der(struct slice stored, struct found *found)
{
	const unsigned char *p = (const unsigned char *)stored.p, *end = p + stored.n;
	size_t skipped = 0;
	STATUS status = NOERROR;

	while (p < end && status == NOERROR) {
		const unsigned char *next = p;
		/* what says that it is longer is not looked into */
		long most = end - p < TLS_CERTIFICATE_MAX ? end - p : TLS_CERTIFICATE_MAX;
		X509 *one = *p == (V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED) ? d2i_X509(NULL, &next, most)
			: NULL;

		if (one == NULL) {
			if (found->count > 0 || ++skipped > STORED_PREFIX_MAX)
				break;
			p++;
			continue;
		}
		X509_free(one);
		found->count++;
		status = found->each(found->context,
			(struct slice){ (const char *)p, (size_t)(next - p) });
		p = next;
	}
	return status;
}

static STATUS each_base64(struct slice stored, struct found *found)
{
	struct buf der = BUF_INIT;
	STATUS status = base64_decode_folded(stored, &der);

	if (status == NOERROR && der.n > 0)
		status = each_der(buf_slice(&der), found);
	else if (status != POSTIL_ERR_MEMORY)
		status = NOERROR;
	buf_release(&der);
	return status;
}

STATUS tls_certificates_each(struct slice stored, STATUS (*each)(void *context, struct slice der),
                             void *context)
{
	struct found found = { .each = each, .context = context };
	STATUS status = NOERROR;

	if (stored.n == 0 || stored.n > TLS_STORED_MAX)
		return POSTIL_ERR_INVALID;
	if (memmem(stored.p, stored.n, "-----BEGIN", 10) != NULL)
		status = each_pem(stored, &found);
	if (status == NOERROR && found.count == 0)
		status = each_der(stored, &found);
	if (status == NOERROR && found.count == 0)
		status = each_base64(stored, &found);
	ERR_clear_error();
	if (status == NOERROR && found.count == 0)
		status = POSTIL_ERR_INVALID;
	return status;
}

struct comparison {
	struct slice public_key;
	bool equal;
};

static STATUS compare(void *context, struct slice der)
{
	struct comparison *comparison = context;
	X509 *one = parse(der);
	unsigned char *key = NULL;
	int n = one == NULL ? 0 : i2d_X509_PUBKEY(X509_get_X509_PUBKEY(one), &key);

	if (n > 0 && slice_equal(comparison->public_key, (struct slice){ (const char *)key, (size_t)n }))
		comparison->equal = true;
	if (n > 0)
		OPENSSL_free(key);
	X509_free(one);
	return NOERROR;
}

bool tls_key_equal(struct slice public_key, struct slice stored)
{
	struct comparison comparison = { .public_key = public_key };

	if (public_key.n == 0)
		return false;
	(void)tls_certificates_each(stored, compare, &comparison);
	return comparison.equal;
}

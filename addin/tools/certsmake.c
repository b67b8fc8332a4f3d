/*
 * Making: the test CA, a server's credential, clients' certificates, the test CA's
 * revocation list. Names are the caller's, and are read back from what was made.
 */
#include "addin/tools/certs.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "addin/tools/tool.h"
#include "base/clock.h"
#include "base/name.h"
#include "tls/make.h"
#include "tls/peer.h"

#include "base/banned.h"

#define DAY_SECS (24 * 3600)
#define CA_DAYS 3650
#define PARTS_MAX 16
#define PEM_MODE 0644
#define KEY_MODE 0600

struct making {
	const struct certs *certs;
	const struct certs_order *order;
	struct tls_identity *ca;
	int64_t now;
	struct fault fault;
	bool ca_is_new;
};

static STATUS write_pem(struct making *m, const char *file, mode_t mode, bool force,
                        const struct tls_identity *certificate, const struct tls_identity *key)
{
	struct buf text = BUF_INIT;
	STATUS status = NOERROR;

	if (certificate != NULL)
		status = tls_identity_certificate(certificate, &text);
	if (status == NOERROR && key != NULL)
		status = tls_identity_key(key, NULL, &text);
	if (status == NOERROR)
		status = certs_write(m->certs, file, mode, force, &text, &m->fault);
	buf_wipe_release(&text);
	return status;
}

/* --- the CA ------------------------------------------------------------------------------ */

static STATUS write_crl(struct making *m, struct slice before,
                        const struct tls_identity *const *revoked, size_t count, bool force)
{
	struct buf text = BUF_INIT;
	STATUS status = tls_make_crl(m->ca, before, revoked, count, m->now - DAY_SECS,
		m->now + (int64_t)CA_DAYS * DAY_SECS, &text, &m->fault);

	if (status == NOERROR)
		status = certs_write(m->certs, CERTS_CRL, PEM_MODE, force, &text, &m->fault);
	buf_release(&text);
	return status;
}

static STATUS read_ca(struct making *m)
{
	struct buf pem = BUF_INIT, key = BUF_INIT;
	struct fault fault = { .status = NOERROR };
	STATUS status = certs_read(m->certs, CERTS_CA, &pem, &m->fault);

	if (status == NOERROR)
		status = certs_read(m->certs, CERTS_CA_KEY, &key, &m->fault);
	if (status == NOERROR) {
		status = tls_identity_read(buf_slice(&pem), buf_slice(&key), &m->ca, &fault);
		if (status != NOERROR)
			fault_set(&m->fault, status, "the test CA, %s and %s in %s/certs, cannot be used: %s",
				CERTS_CA, CERTS_CA_KEY, m->certs->data_dir, fault_text(&fault, status));
	}
	buf_release(&pem);
	buf_wipe_release(&key);
	return status;
}

static STATUS make_ca(struct making *m)
{
	const char *const subject[] = { "O", CERTS_MARK, "CN", "Postil test CA" };
	STATUS status = tls_make(&(struct tls_make){ .use = TLS_USE_CA, .subject = subject,
		.subject_count = 4, .comment = CERTS_MARK, .not_before = m->now - DAY_SECS,
		.not_after = m->now + (int64_t)CA_DAYS * DAY_SECS }, &m->ca, &m->fault);

	if (status == NOERROR)
		status = write_pem(m, CERTS_CA_KEY, KEY_MODE, false, NULL, m->ca);
	if (status == NOERROR)
		status = write_pem(m, CERTS_CA, PEM_MODE, false, m->ca, NULL);
	m->ca_is_new = true;
	return status;
}

/* One that is there is used again, whatever -f says: others have certificates of it. */
static STATUS have_ca(struct making *m)
{
	bool pem = certs_exists(m->certs, CERTS_CA), key = certs_exists(m->certs, CERTS_CA_KEY);
	STATUS status;

	if (pem != key)
		return fault_set(&m->fault, POSTIL_ERR_EXISTS, "of the test CA in %s/certs there is only %s; "
			"remove it to have a new CA", m->certs->data_dir, pem ? CERTS_CA : CERTS_CA_KEY);
	status = pem ? read_ca(m) : make_ca(m);
	if (status == NOERROR && (m->ca_is_new || !certs_exists(m->certs, CERTS_CRL)))
		status = write_crl(m, (struct slice){ "", 0 }, NULL, 0, m->ca_is_new);
	return status;
}

/* --- the server ---------------------------------------------------------------------------- */

static const struct {
	enum tls_key_kind kind;
	const char *end;
} pairs[] = { { TLS_KEY_ECDSA, ".ecdsa.pem" }, { TLS_KEY_RSA, ".rsa.pem" } };
#define PAIRS (sizeof(pairs) / sizeof(pairs[0]))

static STATUS make_pair(struct making *m, const char *name, size_t which)
{
	const char *const subject[] = { "O", CERTS_MARK, "CN", m->order->hosts[0] };
	struct tls_identity *identity = NULL;
	char *file = NULL;
	STATUS status = tls_make(&(struct tls_make){ .use = TLS_USE_SERVER, .key = pairs[which].kind,
		.subject = subject, .subject_count = 4, .hosts = m->order->hosts,
		.host_count = m->order->host_count, .comment = CERTS_MARK, .not_before = m->now - DAY_SECS,
		.not_after = m->now + m->order->days * DAY_SECS, .issuer = m->ca }, &identity, &m->fault);

	if (status == NOERROR && asprintf(&file, "%s%s", name, pairs[which].end) < 0)
		status = POSTIL_ERR_MEMORY;
	if (status == NOERROR)
		status = write_pem(m, file, KEY_MODE, m->certs->force, identity, identity);
	free(file);
	tls_identity_free(&identity);
	return status;
}

static const char *server_name(const struct certs_order *order)
{
	return order->name != NULL ? order->name : order->hosts[0];
}

static STATUS make_server(struct making *m)
{
	STATUS status = NOERROR;

	for (size_t i = 0; i < PAIRS && status == NOERROR; i++)
		status = make_pair(m, server_name(m->order), i);
	return status;
}

/* --- a client ------------------------------------------------------------------------------- */

/* "Jane Doe/Sales/Acme" -> "clients/jane-doe-sales-acme", with end behind it; to be freed. */
static char *client_file(const char *person, const char *end)
{
	struct buf name = BUF_INIT;
	char *file;

	name_abbreviate(slice_of(person), &name);
	for (size_t i = 0; i < name.n; i++) {
		unsigned char c = (unsigned char)name.p[i];

		name.p[i] = (char)(isalnum(c) || c >= 0x80 ? tolower(c) : '-');
	}
	if (asprintf(&file, CERTS_CLIENTS "/%s%s", buf_cstr(&name), end) < 0)
		file = NULL;
	buf_release(&name);
	return file;
}

struct subject {
	struct buf canonical;
	const char *strings[2 * PARTS_MAX + 2];
	size_t count;
};

static void add_part(struct subject *s, char *part)
{
	char *equals = strchr(part, '=');

	if (equals != NULL)
		*equals = '\0';
	s->strings[s->count++] = equals == NULL ? "CN" : part;
	s->strings[s->count++] = equals == NULL ? part : equals + 1;
}

/* The parts of a canonical name, the most general first; NULs take the place of `=` and
 * `/` in it. false: it cannot be a subject. */
static bool fill_subject(const char *person, struct subject *s)
{
	char *text, *slash;

	if (name_canonicalize(slice_of(person), &s->canonical) != NOERROR)
		return false;
	buf_cstr(&s->canonical);        /* puts a NUL behind it */
	text = s->canonical.p;
	s->strings[s->count++] = "description";
	s->strings[s->count++] = CERTS_MARK;
	do {
		if (s->count >= 2 * PARTS_MAX)
			return false;
		slash = strrchr(text, '/');
		if (slash != NULL)
			*slash = '\0';
		add_part(s, slash == NULL ? text : slash + 1);
	} while (slash != NULL);
	return true;
}

/* Does what was made say the name that was asked for? */
static STATUS check_name(struct making *m, const char *person, const struct tls_identity *identity)
{
	struct arena arena = ARENA_INIT;
	struct buf der = BUF_INIT;
	struct tls_peer peer = { .name_count = 0 };
	STATUS status = tls_identity_der(identity, &der);

	if (status == NOERROR)
		status = tls_peer_read(buf_slice(&der), &arena, &peer);
	if (status == NOERROR && (peer.name_count == 0 || !name_equal(peer.names[0], slice_of(person))))
		status = fault_set(&m->fault, POSTIL_ERR_INVALID, "%s cannot be the name in a certificate: it "
			"takes CN, OU, O and C, none of them empty, long, or with one of / = $ * in it", person);
	buf_release(&der);
	arena_release(&arena);
	return status;
}

static STATUS write_client(struct making *m, const char *person, const struct tls_identity *identity)
{
	char *pem = client_file(person, ".pem"), *key = client_file(person, ".key");
	STATUS status = pem == NULL || key == NULL ? POSTIL_ERR_MEMORY : NOERROR;

	if (status == NOERROR)
		status = write_pem(m, key, KEY_MODE, m->certs->force, NULL, identity);
	if (status == NOERROR)
		status = write_pem(m, pem, KEY_MODE, m->certs->force, identity, NULL);
	free(pem);
	free(key);
	return status;
}

static STATUS make_client(struct making *m, size_t which)
{
	const char *person = m->order->persons[which];
	struct subject subject = { .count = 0 };
	struct tls_identity *identity = NULL;
	STATUS status;

	if (!fill_subject(person, &subject))
		status = fault_set(&m->fault, POSTIL_ERR_INVALID, "%s is no name of a person", person);
	else
		status = tls_make(&(struct tls_make){ .use = TLS_USE_CLIENT, .subject = subject.strings,
			.subject_count = subject.count, .addresses = &m->order->addresses[which],
			.address_count = m->order->addresses[which] != NULL, .comment = CERTS_MARK,
			.not_before = m->now - DAY_SECS, .not_after = m->now + m->order->days * DAY_SECS,
			.issuer = m->ca }, &identity, &m->fault);
	if (status == NOERROR)
		status = check_name(m, person, identity);
	if (status == NOERROR)
		status = write_client(m, person, identity);
	tls_identity_free(&identity);
	buf_release(&subject.canonical);
	return status;
}

/* --- all of it -------------------------------------------------------------------------------- */

static STATUS must_not_exist(struct making *m, char *file)
{
	STATUS status = file == NULL ? POSTIL_ERR_MEMORY : NOERROR;

	if (file != NULL && certs_exists(m->certs, file))
		status = fault_set(&m->fault, POSTIL_ERR_EXISTS, "there is %s/certs/%s already; -f replaces it",
			m->certs->data_dir, file);
	free(file);
	return status;
}

/* Before anything is made. */
static STATUS nothing_exists(struct making *m)
{
	STATUS status = NOERROR;

	for (size_t i = 0; m->order->host_count > 0 && i < PAIRS && status == NOERROR; i++) {
		char *file = NULL;

		if (asprintf(&file, "%s%s", server_name(m->order), pairs[i].end) < 0)
			file = NULL;
		status = must_not_exist(m, file);
	}
	for (size_t i = 0; i < m->order->person_count && status == NOERROR; i++) {
		status = must_not_exist(m, client_file(m->order->persons[i], ".pem"));
		if (status == NOERROR)
			status = must_not_exist(m, client_file(m->order->persons[i], ".key"));
	}
	return status;
}

/* As a word of the shell. */
static void quote(const char *text, struct buf *out)
{
	struct buf word = BUF_INIT;

	buf_add_char(&word, '\'');
	for (const char *p = text; *p != '\0'; p++)
		if (*p == '\'')
			buf_add_str(&word, "'\\''");
		else
			buf_add_char(&word, *p);
	buf_add_char(&word, '\'');
	tool_add_text(out, buf_slice(&word));
	buf_release(&word);
}

static void tell(const struct making *m)
{
	const char *data = m->certs->data_dir;

	if (m->ca_is_new)
		printf("Made a test CA: %s/certs/%s (key %s); clients that are to trust the server take that\n"
		       "file, and whoever has a certificate of it is trusted by the server: remove it from\n"
		       "trusted/ where real users log in.\n", data, CERTS_CA, CERTS_CA_KEY);
	if (m->order->host_count > 0)
		printf("Made a server's credential: %s/certs/%s.ecdsa.pem and .rsa.pem; name it in SSLKeyFile of\n"
		       "the Server or POP3 Site document: %s\n", data, server_name(m->order),
		       server_name(m->order));
	for (size_t i = 0; i < m->order->person_count; i++) {
		struct buf shown = BUF_INIT;
		char *file = client_file(m->order->persons[i], "");

		quote(m->order->persons[i], &shown);
		printf("Made a client's certificate: %s/certs/%s.pem and .key; make it that of the person:\n"
		       "  postil directory certificate add -d %s %s %s/certs/%s.pem\n", data,
		       file == NULL ? "?" : file, data, buf_cstr(&shown), data, file == NULL ? "?" : file);
		free(file);
		buf_release(&shown);
	}
}

int certs_make(const struct certs *certs, const struct certs_order *order)
{
	struct making m = { .certs = certs, .order = order, .now = clock_wall_secs() };
	STATUS status = certs->force ? NOERROR : nothing_exists(&m);

	if (status == NOERROR)
		status = have_ca(&m);
	if (status == NOERROR && order->host_count > 0)
		status = make_server(&m);
	for (size_t i = 0; i < order->person_count && status == NOERROR; i++)
		status = make_client(&m, i);
	tls_identity_free(&m.ca);
	if (status != NOERROR)
		return tool_fail(&m.fault, status);
	tell(&m);
	return EX_OK;
}

/* --- revoking ------------------------------------------------------------------------------------ */

static STATUS read_certificate(struct making *m, const char *path, struct tls_identity **one_r)
{
	struct buf pem = BUF_INIT;
	struct fault fault = { .status = NOERROR };
	STATUS status = certs_read_path(path, &pem, &m->fault);

	if (status == NOERROR) {
		status = tls_identity_read(buf_slice(&pem), (struct slice){ "", 0 }, one_r, &fault);
		if (status != NOERROR)
			fault_set(&m->fault, status, "%s: %s", path, fault_text(&fault, status));
	}
	buf_wipe_release(&pem);
	return status;
}

int certs_revoke(const struct certs *certs, const char *path)
{
	struct making m = { .certs = certs, .now = clock_wall_secs() };
	struct tls_identity *one = NULL;
	struct buf before = BUF_INIT;
	STATUS status = read_certificate(&m, path, &one);

	if (status == NOERROR)
		status = read_ca(&m);
	if (status == NOERROR && !tls_identity_issued(m.ca, one))
		status = fault_set(&m.fault, POSTIL_ERR_INVALID, "%s: it is no certificate of the test CA", path);
	if (status == NOERROR && certs_exists(certs, CERTS_CRL))
		status = certs_read(certs, CERTS_CRL, &before, &m.fault);
	if (status == NOERROR)
		status = write_crl(&m, buf_slice(&before), (const struct tls_identity *const *)&one, 1, true);
	buf_release(&before);
	tls_identity_free(&one);
	tls_identity_free(&m.ca);
	if (status != NOERROR)
		return tool_fail(&m.fault, status);
	printf("Revoked %s: %s/certs/%s names it; a server that checks CRLs refuses it from its next refresh\n"
	       "on.\n", path, certs->data_dir, CERTS_CRL);
	return EX_OK;
}

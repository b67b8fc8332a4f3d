/*
 * Contexts for places. Names and lists come from documents and notes.ini, which people
 * write: what cannot be used is told, and costs the place it stands for, no other.
 */
#include "addin/pop3/secure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addin/pop3/settings.h"
#include "base/text.h"

#define ALPN "pop3"
#define BINDING_OCTETS 64

struct place {
	struct tls_context *context;    /* NULL: none */
	bool lacking;                   /* what is asked for is not to be had now */
	bool asks;                      /* clients are asked for certificates */
	char fault[512];                /* why */
	struct unid unid;               /* of the site's document; the Server document: none */
	char name[128];                 /* in messages alone: cut, and not unique */
	char binding[2][BINDING_OCTETS];        /* of the TLS port, of STLS */
	size_t ca_count;
	struct tls_policy policy;
};

struct secure {
	size_t count;
	struct place places[];
};

/* While it is made. */
struct making {
	const struct settings *settings;
	struct tls_tickets *tickets;
	const struct secure *previous;
	void (*say)(void *context, const char *text);
	void *say_context;
	char *certs, *trusted, *crls;
};

__attribute__((format(printf, 2, 3)))
static void tell(const struct making *m, const char *format, ...)
{
	char text[640];
	va_list ap;

	if (m->say == NULL)
		return;
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	m->say(m->say_context, text);
}

/* --- one place ------------------------------------------------------------------------- */

static void bind_place(struct place *place, int which, const char *what, uint16_t port)
{
	char *at = place->binding[which];
	int n = snprintf(at, BINDING_OCTETS, "%s %u ", what, (unsigned)port);

	for (size_t i = 0; i < UNID_OCTETS; i++)
		n += snprintf(at + n, BINDING_OCTETS - (size_t)n, "%02x",
		              (unsigned)(unsigned char)place->unid.octets[i]);
}

/* Tickets taken at one site or port are of no use at another. */
static void name_place(const struct settings *s, size_t i, struct place *place)
{
	struct buf shown = BUF_INIT;

	if (s->internet_sites) {
		place->unid = s->sites.list[i].unid;
		text_escape(s->sites.list[i].name, 80, &shown);
		snprintf(place->name, sizeof(place->name), "Internet Site %s", buf_cstr(&shown));
	} else {
		snprintf(place->name, sizeof(place->name), "Server document");
	}
	bind_place(place, 0, "tls", s->tls_port);
	bind_place(place, 1, "stls", s->port);
	buf_release(&shown);
}

static const struct place *before(const struct making *m, const struct place *place)
{
	for (size_t i = 0; m->previous != NULL && i < m->previous->count; i++)
		if (memcmp(&m->previous->places[i].unid, &place->unid, sizeof(place->unid)) == 0)
			return &m->previous->places[i];
	return NULL;
}

static STATUS narrow(const struct making *m, struct place *place, const char *what,
                     const struct slice *codes, size_t count)
{
	struct fault fault = { .status = NOERROR };
	struct buf ignored = BUF_INIT;
	STATUS status = tls_policy_narrow(&place->policy, codes, count, &ignored, &fault);

	if (status != NOERROR)
		tell(m, "%s: %s: %s; all of them are offered", place->name, what,
		     fault_text(&fault, status));
	else if (ignored.n > 0)
		tell(m, "%s: %s names suites that are not offered here: %s", place->name, what,
		     buf_cstr(&ignored));
	buf_release(&ignored);
	return status == POSTIL_ERR_MEMORY ? status : NOERROR;
}

/* Codes parted by commas or blanks, or one behind the other, four digits each. */
static size_t split_codes(struct slice text, struct slice *codes, size_t most)
{
	size_t count = 0, i = 0;

	while (i < text.n && count < most) {
		size_t begin = i;

		while (i < text.n && strchr(", \t;", text.p[i]) == NULL && i - begin < 4)
			i++;
		if (i > begin)
			codes[count++] = (struct slice){ text.p + begin, i - begin };
		else
			i++;
	}
	return count;
}

#define CODES_MAX 128

static STATUS make_policy(const struct making *m, struct place *place,
                          const struct tls_document *document)
{
	struct slice codes[CODES_MAX];
	size_t count = split_codes(slice_of(m->settings->cipher_spec), codes, CODES_MAX);
	STATUS status;

	tls_policy_init(&place->policy);
	status = narrow(m, place, "SSLCipherList", document->ciphers, document->cipher_count);
	if (status == NOERROR)
		status = narrow(m, place, "SSLCipherSpec of notes.ini", codes, count);
	return status;
}

/* 2: as the document says. */
static bool choose(uint32_t variable, bool document)
{
	return variable == 2 ? document : variable != 0;
}

static void make_trust(const struct making *m, const struct place *place,
                       const struct tls_document *document, const char *paths[2],
                       struct tls_trust_options *trust)
{
	const struct settings *s = m->settings;
	bool demanded = choose(s->check_crls, document->check_crls);

	paths[0] = m->trusted;
	paths[1] = m->crls;
	*trust = (struct tls_trust_options){
		.paths = paths, .path_count = 2,
		/* a list that is there counts, unless that is switched off; being told to
		 * check makes one obligatory */
		.check_crls = place->asks && s->check_crls != 0,
		.allow_crl_failure = !demanded || choose(s->allow_crl_failure, document->allow_crl_failure),
		.trust_expired_crls = choose(s->trust_expired_crls, document->trust_expired_crls),
		.accept_expired = choose(s->accept_expired, document->accept_expired),
	};
}

static void warn(void *context, const char *text)
{
	const struct making *m = context;

	tell(m, "TLS: %s", text);
}

/* Where there was one that can go on, it does, and with its own suites. */
static void fall_back(const struct making *m, struct place *place, const struct place *old,
                      const char *why)
{
	place->lacking = true;
	snprintf(place->fault, sizeof(place->fault), "%s", why);
	if (old != NULL && old->context != NULL) {
		place->context = tls_context_share(old->context);
		place->policy = old->policy;
	}
	tell(m, "TLS cannot be spoken for the %s: %s%s; SSLKeyFile names the credential, "
	     "postil-certs(8) tells which files belong to one", place->name, why,
	     place->context != NULL ? "; what was read before stays in use" : "");
}

static STATUS make_context(const struct making *m, const struct tls_document *document,
                           const char *const *names, size_t count, struct place *place)
{
	const struct place *old = before(m, place);
	struct fault fault = { .status = NOERROR };
	const char *paths[2];
	struct tls_options options = { .certs_dir = m->certs, .credentials = names,
		.credential_count = count, .alpn = ALPN, .warn = warn, .warn_context = (void *)(uintptr_t)m };
	STATUS status = make_policy(m, place, document);

	if (status != NOERROR)
		return status;
	options.policy = place->policy;
	make_trust(m, place, document, paths, &options.trust);
	if (old != NULL && old->context != NULL && !old->lacking &&
	    tls_context_is_current(old->context, &options)) {
		place->context = tls_context_share(old->context);
		return NOERROR;
	}
	status = tls_context_new(&options, m->tickets, old == NULL ? NULL : old->context,
	                         &place->context, &fault);
	if (status == NOERROR)
		return NOERROR;
	if (status == POSTIL_ERR_MEMORY)
		return status;
	fall_back(m, place, old, fault_text(&fault, status));
	return NOERROR;
}

/* The names that a document gives, as strings. */
static STATUS make_place(const struct making *m, const struct tls_document *document,
                         struct place *place)
{
	static const char *const usual[] = { "keyfile" };
	char **names;
	size_t count = document->key_file_count;
	STATUS status = NOERROR;

	if (count == 0)
		return make_context(m, document, usual, 1, place);
	names = calloc(count, sizeof(*names));
	if (names == NULL)
		return POSTIL_ERR_MEMORY;
	for (size_t i = 0; i < count && status == NOERROR; i++) {
		names[i] = strndup(document->key_files[i].p, document->key_files[i].n);
		if (names[i] == NULL)
			status = POSTIL_ERR_MEMORY;
	}
	if (status == NOERROR)
		status = make_context(m, document, (const char *const *)names, count, place);
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
	return status;
}

/* --- all places ------------------------------------------------------------------------ */

static void count_cas(const struct making *m, struct place *place)
{
	place->ca_count = tls_context_ca_count(place->context);
	if (place->asks && place->ca_count == 0)
		tell(m, "%s: client certificates are asked for, but no CA is trusted: there is none in %s",
		     place->name, m->trusted);
}

/* Where the columns leave no way in there is a context, too: that is told over TLS. */
static STATUS make_places(struct making *m, struct secure *secure)
{
	STATUS status = NOERROR;

	for (size_t i = 0; i < secure->count && status == NOERROR; i++) {
		struct place *place = &secure->places[i];
		struct entry_rules rules;

		settings_place_rules(m->settings, i, &rules);
		name_place(m->settings, i, place);
		place->asks = rules.tls_certificate;
		if (!m->settings->tls_port_enabled && !rules.stls)
			continue;
		status = make_place(m, settings_place_tls(m->settings, i), place);
		if (status == NOERROR && place->context != NULL)
			count_cas(m, place);
	}
	return status;
}

/* DATA/certs or a folder in it; NULL: out of memory. */
static char *path_of(const char *data_dir, const char *rest)
{
	char *path;

	return asprintf(&path, "%s/certs%s", data_dir, rest) < 0 ? NULL : path;
}

STATUS secure_new(const struct settings *settings, const char *data_dir,
                  struct tls_tickets *tickets, const struct secure *previous,
                  void (*say)(void *context, const char *text), void *say_context,
                  struct secure **secure_r)
{
	struct making m = { .settings = settings, .tickets = tickets, .previous = previous,
		.say = say, .say_context = say_context, .certs = path_of(data_dir, ""),
		.trusted = path_of(data_dir, "/trusted"), .crls = path_of(data_dir, "/crls") };
	size_t count = settings_place_count(settings);
	struct secure *secure = calloc(1, sizeof(*secure) + count * sizeof(secure->places[0]));
	STATUS status = POSTIL_ERR_MEMORY;

	if (secure != NULL && m.certs != NULL && m.trusted != NULL && m.crls != NULL) {
		secure->count = count;
		status = make_places(&m, secure);
	}
	free(m.certs);
	free(m.trusted);
	free(m.crls);
	if (status != NOERROR)
		secure_free(&secure);
	else
		*secure_r = secure;
	return status;
}

void secure_free(struct secure **secure_p)
{
	struct secure *secure = *secure_p;

	*secure_p = NULL;
	if (secure == NULL)
		return;
	for (size_t i = 0; i < secure->count; i++)
		tls_context_release(&secure->places[i].context);
	free(secure);
}

/* --- questions ---------------------------------------------------------------------------- */

bool secure_is_current(const struct secure *secure)
{
	for (size_t i = 0; secure != NULL && i < secure->count; i++) {
		const struct place *place = &secure->places[i];

		if (place->context != NULL && !place->lacking && tls_context_is_stale(place->context))
			return false;
	}
	return true;
}

bool secure_is_lacking(const struct secure *secure)
{
	for (size_t i = 0; secure != NULL && i < secure->count; i++)
		if (secure->places[i].lacking)
			return true;
	return false;
}

bool secure_equal(const struct secure *a, const struct secure *b)
{
	if (a == NULL || b == NULL || a->count != b->count)
		return a == b;
	for (size_t i = 0; i < a->count; i++)
		if (a->places[i].context != b->places[i].context ||
		    a->places[i].lacking != b->places[i].lacking ||
		    strcmp(a->places[i].fault, b->places[i].fault) != 0)
			return false;
	return true;
}

bool secure_has(const struct secure *secure, size_t place)
{
	return secure != NULL && place < secure->count && secure->places[place].context != NULL;
}

bool secure_has_any(const struct secure *secure)
{
	for (size_t i = 0; secure != NULL && i < secure->count; i++)
		if (secure_has(secure, i))
			return true;
	return false;
}

STATUS secure_setup(const struct secure *secure, size_t place, bool stls, enum tls_ask ask,
                    struct tls_setup *setup_r)
{
	if (!secure_has(secure, place))
		return POSTIL_ERR_NOT_FOUND;
	*setup_r = (struct tls_setup){
		.context = tls_context_share(secure->places[place].context),
		.ask = ask,
		.binding = slice_of(secure->places[place].binding[stls]),
	};
	return NOERROR;
}

/* Each line of a text that has several. */
static void each_line(const char *label, struct buf *text,
                      void (*line)(void *context, const char *text), void *context)
{
	char *rest = NULL, *one;
	struct buf shown = BUF_INIT;

	buf_add_char(text, '\0');
	for (one = buf_status(text) != NOERROR ? NULL : strtok_r(text->p, "\n", &rest); one != NULL;
	     one = strtok_r(NULL, "\n", &rest)) {
		buf_clear(&shown);
		buf_addf(&shown, "%s: %s", label, one);
		line(context, buf_cstr(&shown));
	}
	buf_release(&shown);
}

void secure_each(const struct secure *secure, size_t i,
                 void (*line)(void *context, const char *text), void *context)
{
	const struct place *place = secure == NULL || i >= secure->count ? NULL : &secure->places[i];
	struct buf text = BUF_INIT;
	char cas[80];

	if (place == NULL)
		return;
	if (place->lacking) {
		buf_addf(&text, "%s", place->fault);
		each_line("TLS trouble", &text, line, context);
		buf_clear(&text);
	}
	if (place->context != NULL) {
		tls_context_text(place->context, &text);
		each_line("TLS credential", &text, line, context);
		buf_clear(&text);
		tls_policy_text(&place->policy, &text);
		each_line("TLS suites", &text, line, context);
		snprintf(cas, sizeof(cas), "TLS clients: %zu trusted CA%s", place->ca_count,
		         text_plural(place->ca_count));
		line(context, cas);
	}
	buf_release(&text);
}

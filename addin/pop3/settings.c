/*
 * Reading the settings. Distrusts the values of notes.ini, which people write: a
 * value that makes no sense is told and replaced. The directory's are checked there.
 */
#include "addin/pop3/settings.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/name.h"
#include "base/text.h"

#define NUMBER(variable, field, fallback, least, most, meaning) \
	{ variable, offsetof(struct settings, field), fallback, least, most, NULL, meaning }
#define TEXT(variable, field, fallback, meaning) \
	{ variable, offsetof(struct settings, field), 0, 0, 0, fallback, meaning }

const struct net_variable settings_table[] = {
	NUMBER("POP3_Config_Update_Interval", config_update_minutes, 2, 1, 1440,
	       "minutes between two looks at the settings"),
	NUMBER("POP3_READ_ALL", read_all, 1, 0, 1,
	       "1: offer all of the inbox, 0: only what is unread"),
	NUMBER("POP3MarkRead", mark_read, 0, 0, 2,
	       "at QUIT mark as read 0: nothing, 1: what was listed or fetched, 2: what was fetched"),
	NUMBER("POP3_Session_Timeout", session_timeout_minutes, 10, 10, 1440,
	       "minutes of silence after login until the session is closed"),
	NUMBER("POP3_Prelogin_Timeout", prelogin_timeout_secs, 60, 5, 3600,
	       "seconds from connecting until the login must be done"),
	NUMBER("POP3_Max_Sessions", max_sessions, 8000, 1, 1000000,
	       "sessions at one time"),
	NUMBER("POP3_Max_Sessions_Per_Address", max_per_address, 100, 0, 1000000,
	       "sessions at one time from one address (IPv6: one /64), 0: no limit of its own; "
	       "if not set, the machine itself has none"),
	NUMBER("POP3_Max_Sessions_Per_User", max_per_user, 4, 1, 10000,
	       "sessions at one time of one person"),
	NUMBER("POP3_Max_Bad_Commands", max_bad_commands, 20, 1, 100000,
	       "malformed commands until the session is closed"),
	NUMBER("POP3_Max_Failed_Logins", max_failed_logins, 5, 1, 1000,
	       "refused passwords until the session is closed"),
	NUMBER("POP3_Max_Name_Matches", max_name_matches, 8, 1, DIRECTORY_MATCHES_MAX,
	       "persons of one login name whose passwords are tried, more make the name ambiguous"),
	NUMBER("POP3_Failed_Login_Delay", failed_login_delay_secs, 2, 0, 60,
	       "seconds from a wrong password to its answer"),
	NUMBER("POP3_Failed_Login_Penalty", failed_login_penalty_secs, 15, 0, 60,
	       "seconds that are added at most, doubling from 1 with each failed login of an "
	       "address, 0: none"),
	NUMBER("POP3_Failed_Login_Calm", penalty_halves_secs, 60, 1, 86400,
	       "quiet seconds after which what is added has halved"),
	TEXT("POP3_Trusted_Networks", trusted_networks, "",
	     "addresses and networks (192.0.2.0/24, 2001:db8::/32) whose failed logins are "
	     "answered without delay"),
	NUMBER("POP3_Referral", referral, 0, 0, 1,
	       "1: tell a client the host of the right server when it is another one"),
	NUMBER("POP3_Password_Cache_Minutes", password_cache_minutes, 30, 0, 30,
	       "minutes for which a verified password is not hashed again, 0: never"),
	NUMBER("POP3_Password_Cache_Entries", password_cache_entries, 32768, 16, 1000000,
	       "verified passwords remembered (at start of the task)"),
	NUMBER("POP3_Takeover_Seconds", takeover_secs, 60, 0, 86400,
	       "seconds of silence after which a login from the same address takes the maildrop "
	       "over, 0: never"),
	NUMBER("POP3_Store_Timeout", store_timeout_secs, 30, 1, 3600,
	       "seconds until a call to directory or mail file is given up"),
	NUMBER("POP3_Grace_Seconds", grace_secs, 20, 1, 3600,
	       "seconds that answers under way may take when the task ends"),
	NUMBER("POP3_Open_Databases", open_databases, 64, 1, 10000,
	       "idle databases kept open (at start of the task)"),
	NUMBER("POP3_Threads", threads, 0, 0, 1000,
	       "worker threads, 0: two per core and two more (at start of the task)"),
	NUMBER("POP3_Show_Implementation", show_implementation, 1, 0, 1,
	       "1: CAPA tells the version"),
	NUMBER("POP3_Log_Sessions", log_sessions, 1, 0, 1,
	       "1: one line in the log for each session that logged in"),
	NUMBER("POP3_STLS", stls, 2, 0, 2,
	       "STLS on the TCP/IP port 0: never, 1: always, 2: as the document says, else if the "
	       "TLS port is enabled"),
	NUMBER("POP3_TLS_Either_Or", tls_either, 0, 0, 1,
	       "1: where client certificate and name and password are both Yes one of them is enough"),
	NUMBER("POP3_TLS_Address_Names", tls_address_names, 0, 0, 1,
	       "1: an e-mail address in a client certificate may stand for the person's name"),
	NUMBER("POP3_TLS_Accept_Expired", accept_expired, 2, 0, 2,
	       "client certificates that have expired 0: refused, 1: accepted, 2: as the document says"),
	NUMBER("POP3_TLS_Check_CRLs", check_crls, 2, 0, 2,
	       "revocation lists 0: ignored, 1: each CA must have one, 2: as the document says, else "
	       "those that are there count"),
	NUMBER("POP3_TLS_Trust_Expired_CRLs", trust_expired_crls, 2, 0, 2,
	       "revocation lists out of date 0: refused, 1: trusted, 2: as the document says"),
	NUMBER("POP3_TLS_Allow_CRL_Failure", allow_crl_failure, 2, 0, 2,
	       "no revocation list of a CA where one must be 0: refused, 1: accepted, 2: as the "
	       "document says"),
	NUMBER("POP3_TLS_Ticket_Hours", ticket_hours, 8, 1, 168,
	       "hours for which a TLS session can be resumed (at start of the task)"),
	TEXT("SSLCipherSpec", cipher_spec, "",
	     "hexadecimal codes of the cipher suites that may be used, empty: all that are safe"),
	TEXT("POP3_Address", address, "",
	     "the numeric address to listen on, empty: all of IPv6 and IPv4"),
	TEXT("POP3_Expire", expire, "NEVER",
	     "what CAPA tells about messages left here: NEVER, days, or - for nothing"),
	TEXT("POP3_Language", language, "en",
	     "the language that a client gets which asks for any: i-default, en, de"),
};
const size_t settings_count = sizeof(settings_table) / sizeof(settings_table[0]);

static void read_variables(struct settings *s, settings_get *get, void *context,
                           const struct net_variable_say *to)
{
	for (size_t i = 0; i < settings_count; i++) {
		const struct net_variable *variable = &settings_table[i];
		bool set = net_variable_read(s, variable, get, context, to);

		if (variable->offset == offsetof(struct settings, max_per_address))
			s->spare_loopback = !set;
	}
}

static void copy(char *to, size_t size, struct slice from)
{
	size_t n = from.n < size ? from.n : size - 1;

	memcpy(to, from.p, n);
	to[n] = '\0';
}

static void read_server_name(struct settings *s, settings_get *get, void *context)
{
	struct buf full = BUF_INIT, shorter = BUF_INIT, shown = BUF_INIT;
	char value[256] = "";

	get(context, "ServerName", value, sizeof(value));
	name_canonicalize(text_trim(slice_of(value)), &full);
	copy(s->server, sizeof(s->server), buf_slice(&full));
	name_abbreviate(buf_slice(&full), &shorter);
	text_escape(buf_slice(&shorter), 250, &shown);
	snprintf(s->greeting, sizeof(s->greeting), "Postil POP3 server version %s ready on %s.",
	         POSTIL_VERSION, shown.n > 0 ? buf_cstr(&shown) : "this server");
	buf_release(&full);
	buf_release(&shorter);
	buf_release(&shown);
}

static STATUS read_server_document(struct settings *s, struct directory *directory)
{
	struct pop3_settings document;
	STATUS status = directory_pop3_settings(directory, slice_of(s->server), &s->arena, &document);

	s->port = 110;
	s->tls_port = 995;
	s->port_enabled = s->name_and_password = s->tls_name_and_password = true;
	if (status != NOERROR || !document.found)
		return status;
	s->found = true;
	s->port = document.port;
	s->tls_port = document.tls_port;
	s->port_enabled = document.port_enabled;
	s->tls_port_enabled = document.tls_port_enabled;
	s->tls = document.tls;
	s->name_and_password = document.name_and_password;
	s->tls_name_and_password = document.tls_name_and_password;
	s->client_certificate = document.client_certificate;
	s->more_name_variations = document.more_name_variations;
	s->enforce_access = document.enforce_access;
	s->internet_sites = document.internet_sites;
	if (s->internet_sites)
		status = directory_pop3_sites(directory, slice_of(s->server), &s->arena, &s->sites);
	return status;
}

static STATUS read_documents(struct settings *s, struct directory *directory)
{
	STATUS status = read_server_document(s, directory);

	if (status == NOERROR)
		status = directory_lockout_rules(directory, slice_of(s->server), &s->lockout,
		                                 &s->lockout_from);
	/* no name, or no directory yet */
	return status == POSTIL_ERR_NOEXIST || status == POSTIL_ERR_NOT_FOUND ||
	       (status == POSTIL_ERR_INVALID && s->server[0] == '\0') ? NOERROR : status;
}

static void read_networks(struct settings *s, const struct net_variable_say *to)
{
	struct slice bad = { "", 0 };
	struct buf shown = BUF_INIT;
	STATUS status = net_networks_parse(slice_of(s->trusted_networks), &s->trusted, &bad);

	if (status == NOERROR)
		return;
	text_escape(bad, 60, &shown);
	net_variable_sayf(to, "notes.ini: POP3_Trusted_Networks: \"%s\" is neither an address nor a network; no "
	    "network is trusted", buf_cstr(&shown));
	buf_release(&shown);
}

static int expire_days(const struct settings *s, const struct net_variable_say *to)
{
	uint64_t days;

	if (slice_equal_nocase(slice_of(s->expire), SLICE_LIT("NEVER")))
		return POP3_EXPIRE_NEVER;
	if (strcmp(s->expire, "-") == 0)
		return POP3_EXPIRE_NOT_TOLD;
	if (text_number(slice_of(s->expire), 36500, &days))
		return (int)days;
	net_variable_sayf(to, "notes.ini: POP3_Expire must be NEVER, a number of days or -; CAPA tells nothing");
	return POP3_EXPIRE_NOT_TOLD;
}

/* The name must be one of the list: a range that only matches would surprise. */
static enum pop3_language preferred_language(const struct settings *s, const struct net_variable_say *to)
{
	enum pop3_language language = LANGUAGE_EN;

	if (strcmp(s->language, "*") != 0 &&
	    language_find(slice_of(s->language), LANGUAGE_EN, &language) &&
	    slice_equal_nocase(slice_of(s->language), slice_of(language_tag(language))))
		return language;
	net_variable_sayf(to, "notes.ini: POP3_Language must be i-default, en or de; it is en");
	return LANGUAGE_EN;
}

static void make_options(struct settings *s, const struct net_variable_say *to)
{
	snprintf(s->implementation, sizeof(s->implementation), "Postil-%s", POSTIL_VERSION);
	s->options = (struct pop3_session_options){
		.greeting = s->greeting,
		.implementation = s->show_implementation != 0 ? s->implementation : NULL,
		.max_bad_commands = s->max_bad_commands,
		.max_failed_logins = s->max_failed_logins,
		.expire_days = expire_days(s, to),
		.login_delay_secs = -1,
		.mark_read = s->mark_read,
		.preferred = preferred_language(s, to),
	};
}

/* --- places ----------------------------------------------------------------------------- */

size_t settings_place_count(const struct settings *s)
{
	return s->internet_sites ? s->sites.count : 1;
}

const struct tls_document *settings_place_tls(const struct settings *s, size_t place)
{
	return s->internet_sites ? &s->sites.list[place].tls : &s->tls;
}

static bool has_stls(const struct settings *s, const struct tls_document *document)
{
	if (s->stls != 2)
		return s->stls == 1;
	return document->stls == DIRECTORY_UNSAID ? s->tls_port_enabled
	                                          : document->stls == DIRECTORY_YES;
}

void settings_place_rules(const struct settings *s, size_t place, struct entry_rules *rules_r)
{
	struct entry_rules rules = { .password = s->name_and_password,
		.tls_password = s->tls_name_and_password, .tls_certificate = s->client_certificate };

	if (s->internet_sites) {
		const struct pop3_site *site = &s->sites.list[place];

		rules = (struct entry_rules){ .password = site->name_and_password,
			.tls_password = site->tls_name_and_password,
			.tls_certificate = site->client_certificate };
	}
	rules.either = s->tls_either != 0;
	rules.stls = (rules.tls_password || rules.tls_certificate) &&
		has_stls(s, settings_place_tls(s, place));
	*rules_r = rules;
}

bool settings_place_at(const struct settings *s, const char *local_address, size_t *place_r,
                       struct entry_rules *rules_r)
{
	const struct pop3_site *site = NULL;
	size_t place = 0;

	if (s->internet_sites) {
		site = pop3_sites_choose(&s->sites, local_address);
		if (site == NULL)
			return false;
		place = (size_t)(site - s->sites.list);
	}
	settings_place_rules(s, place, rules_r);
	rules_r->stls = rules_r->stls && secure_has(s->secure, place);
	*place_r = place;
	return entry_is_open(rules_r);
}

bool settings_is_loopback(const struct settings *s)
{
	return strncmp(s->address, "127.", 4) == 0 || strcmp(s->address, "::1") == 0 ||
	       strncmp(s->address, "::ffff:127.", 11) == 0;
}

bool settings_trusts(const struct settings *s, const char *address)
{
	return net_networks_have(s->trusted, address);
}

STATUS settings_read(settings_get *get, void *get_context, struct directory *directory,
                     void (*say_line)(void *context, const char *text), void *say_context,
                     struct settings **settings_r)
{
	struct net_variable_say to = { say_line, say_context };
	struct settings *s = calloc(1, sizeof(*s));
	STATUS status;

	if (s == NULL)
		return POSTIL_ERR_MEMORY;
	atomic_init(&s->shares, 1);
	read_variables(s, get, get_context, &to);
	read_networks(s, &to);
	read_server_name(s, get, get_context);
	status = read_documents(s, directory);
	make_options(s, &to);
	if (status != NOERROR)
		settings_release(&s);
	else
		*settings_r = s;
	return status;
}

struct settings *settings_share(struct settings *settings)
{
	atomic_fetch_add_explicit(&settings->shares, 1, memory_order_relaxed);
	return settings;
}

void settings_release(struct settings **settings)
{
	if (*settings != NULL && atomic_fetch_sub(&(*settings)->shares, 1) == 1) {
		secure_free(&(*settings)->secure);
		net_networks_free(&(*settings)->trusted);
		arena_release(&(*settings)->arena);
		free(*settings);
	}
	*settings = NULL;
}

static bool lists_equal(const struct slice *a, size_t a_count, const struct slice *b,
                        size_t b_count)
{
	bool equal = a_count == b_count;

	for (size_t i = 0; equal && i < a_count; i++)
		equal = slice_equal(a[i], b[i]);
	return equal;
}

static bool site_equal(const struct pop3_site *a, const struct pop3_site *b)
{
	return memcmp(&a->unid, &b->unid, sizeof(a->unid)) == 0 &&
	       slice_equal(a->name, b->name) && slice_equal(a->organization, b->organization) &&
	       a->name_and_password == b->name_and_password &&
	       a->tls_name_and_password == b->tls_name_and_password &&
	       a->client_certificate == b->client_certificate && tls_document_equal(&a->tls, &b->tls) &&
	       lists_equal(a->addresses, a->address_count, b->addresses, b->address_count);
}

static bool sites_equal(const struct pop3_sites *a, const struct pop3_sites *b)
{
	if (a->count != b->count || !slice_equal(a->organization, b->organization) ||
	    !slice_equal(a->host_name, b->host_name))
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!site_equal(&a->list[i], &b->list[i]))
			return false;
	return true;
}

static bool rules_equal(const struct lockout_rules *a, const struct lockout_rules *b)
{
	return a->enforce == b->enforce && a->log_lockouts == b->log_lockouts &&
	       a->log_failures == b->log_failures && a->lock_address == b->lock_address &&
	       a->count_against_address == b->count_against_address &&
	       a->max_tries == b->max_tries && a->expire_secs == b->expire_secs &&
	       a->clear_secs == b->clear_secs;
}

bool settings_equal(const struct settings *a, const struct settings *b)
{
	return net_variables_equal(a, b, settings_table, settings_count) &&
	       a->spare_loopback == b->spare_loopback && a->found == b->found &&
	       a->port == b->port && a->port_enabled == b->port_enabled &&
	       a->tls_port == b->tls_port && a->tls_port_enabled == b->tls_port_enabled &&
	       tls_document_equal(&a->tls, &b->tls) &&
	       a->name_and_password == b->name_and_password &&
	       a->tls_name_and_password == b->tls_name_and_password &&
	       a->client_certificate == b->client_certificate &&
	       a->more_name_variations == b->more_name_variations &&
	       a->enforce_access == b->enforce_access && a->internet_sites == b->internet_sites &&
	       sites_equal(&a->sites, &b->sites) && rules_equal(&a->lockout, &b->lockout) &&
	       a->lockout_from == b->lockout_from && strcmp(a->server, b->server) == 0;
}

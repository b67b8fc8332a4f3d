/*
 * What the task is told to do: variables of notes.ini (one table) and the Server
 * document. A snapshot: each connection keeps the one it began with; the task
 * reads a new one from time to time and at `tell pop3 refresh`.
 */
#ifndef POSTIL_POP3_SETTINGS_H
#define POSTIL_POP3_SETTINGS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "addin/net/networks.h"
#include "addin/net/variables.h"
#include "addin/pop3/entry.h"
#include "addin/pop3/secure.h"
#include "addin/pop3/session.h"
#include "directory/config.h"
#include "directory/directory.h"
#include "directory/site.h"

#define SETTINGS_TEXT_OCTETS NET_VARIABLE_OCTETS

struct settings {
	atomic_uint shares;
	/* notes.ini: settings.c has the table */
	uint32_t config_update_minutes, read_all, mark_read;
	uint32_t session_timeout_minutes, prelogin_timeout_secs;
	uint32_t max_sessions, max_per_address, max_per_user;
	uint32_t max_bad_commands, max_failed_logins, max_name_matches;
	uint32_t failed_login_delay_secs, failed_login_penalty_secs, penalty_halves_secs;
	uint32_t password_cache_minutes, password_cache_entries;
	uint32_t takeover_secs, store_timeout_secs, grace_secs;
	bool spare_loopback;            /* max_per_address is the default */
	uint32_t open_databases, threads, show_implementation, log_sessions, referral;
	uint32_t stls, tls_either, tls_address_names, ticket_hours;
	uint32_t check_crls, trust_expired_crls, allow_crl_failure, accept_expired;
	char cipher_spec[SETTINGS_TEXT_OCTETS];
	char address[SETTINGS_TEXT_OCTETS], expire[SETTINGS_TEXT_OCTETS], language[SETTINGS_TEXT_OCTETS];
	char trusted_networks[SETTINGS_TEXT_OCTETS];
	struct net_networks *trusted;   /* the same, read; NULL: none */
	/* The Server document, and the documents it leads to */
	bool found;                     /* there is one for this server */
	bool port_enabled, tls_port_enabled, name_and_password;
	bool tls_name_and_password, client_certificate;
	bool more_name_variations, enforce_access, internet_sites;
	uint16_t port, tls_port;
	struct tls_document tls;        /* of the Server document; in arena */
	struct pop3_sites sites;        /* where internet_sites is true; in arena */
	struct lockout_rules lockout;
	enum config_nearness lockout_from;
	struct arena arena;
	/* Made of both */
	char server[256];               /* canonical name of this server */
	char greeting[512], implementation[32];
	struct pop3_session_options options;    /* of a session; its door is each connection's own */
	struct secure *secure;          /* made for these settings and ended with them; NULL: no TLS */
};

typedef net_variable_get settings_get;

/* A variable out of bounds is told through say and counts as its default (or the
 * nearest bound, where it is a number). directory may have no Server document, or
 * not exist yet: then found is false and defaults hold. */
STATUS settings_read(settings_get *get, void *get_context, struct directory *directory,
                     void (*say)(void *context, const char *text), void *say_context,
                     struct settings **settings_r);
/* Places are what secure.h has contexts for: the Server document, or each site. */
size_t settings_place_count(const struct settings *settings);
const struct tls_document *settings_place_tls(const struct settings *settings, size_t place);
void settings_place_rules(const struct settings *settings, size_t place,
                          struct entry_rules *rules_r);
/* Which place holds for connections to this numeric address of ours, and its rules; STLS is
 * among them only where there is a context. false: none does, or there is no way in, "This
 * site is not enabled on the server". */
bool settings_place_at(const struct settings *settings, const char *local_address,
                       size_t *place_r, struct entry_rules *rules_r);
/* Is the address that it listens on loopback alone? */
bool settings_is_loopback(const struct settings *settings);
/* Answers are not delayed there, and nothing is counted against an address. */
bool settings_trusts(const struct settings *settings, const char *address);
struct settings *settings_share(struct settings *settings);
void settings_release(struct settings **settings);      /* frees with the last share */
/* All lines of `tell pop3 show config`: NAME=value and where it comes from. */
void settings_each(const struct settings *settings,
                   void (*line)(void *context, const char *text), void *context);
bool settings_equal(const struct settings *a, const struct settings *b);

extern const struct net_variable settings_table[];
extern const size_t settings_count;

#endif

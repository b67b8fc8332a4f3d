/*
 * What the task is told to do: variables of notes.ini (one table) and what the directory knows of
 * domains. A snapshot: each connection keeps the one it began with; the task reads a new one from
 * time to time and at `tell lmtp refresh`.
 */
#ifndef POSTIL_LMTP_SETTINGS_H
#define POSTIL_LMTP_SETTINGS_H

#include <limits.h>
#include <stdatomic.h>

#include "addin/lmtp/session.h"
#include "addin/mail/recipient.h"
#include "addin/net/networks.h"
#include "addin/net/variables.h"

#define SETTINGS_TEXT_OCTETS NET_VARIABLE_OCTETS

struct settings {
	atomic_uint shares;
	/* notes.ini: settings.c has the table */
	uint32_t config_update_minutes, port, max_sessions, max_recipients, max_message_kb;
	uint32_t max_bad_commands, timeout_secs, greeting_timeout_secs, store_timeout_secs, grace_secs;
	uint32_t quota_reply, open_databases, threads, log_deliveries;
	char socket[SETTINGS_TEXT_OCTETS], socket_mode[SETTINGS_TEXT_OCTETS];
	char socket_group[SETTINGS_TEXT_OCTETS], address[SETTINGS_TEXT_OCTETS];
	char trusted_networks[SETTINGS_TEXT_OCTETS], spool_dir[SETTINGS_TEXT_OCTETS];
	char domains_text[SETTINGS_TEXT_OCTETS], pop3_domain[SETTINGS_TEXT_OCTETS];
	char separators[SETTINGS_TEXT_OCTETS];
	/* Made of them, and of the directory */
	char socket_path[PATH_MAX];     /* absolute; "": no UNIX socket */
	unsigned socket_permissions;
	struct net_networks *trusted;   /* NULL: this machine alone */
	char server[256];               /* canonical name of this server */
	char host[256], greeting[512], spool_path[PATH_MAX];
	struct mail_domains domains;    /* in arena */
	struct arena arena;
	struct recipient_rules rules;
	struct lmtp_session_options options;
};

/* A variable out of bounds is told through say and counts as its default (or the nearest bound,
 * where it is a number). There may be no directory yet. data_dir must outlive the settings. */
STATUS settings_read(net_variable_get *get, void *get_context, const char *data_dir,
                     struct directory *directory, void (*say)(void *context, const char *text),
                     void *say_context, struct settings **settings_r);
struct settings *settings_share(struct settings *settings);
void settings_release(struct settings **settings);      /* frees with the last share */
bool settings_equal(const struct settings *a, const struct settings *b);
/* All lines of `tell lmtp show config`. */
void settings_each(const struct settings *settings,
                   void (*line)(void *context, const char *text), void *context);
/* May a client with this address (as net_peer has it) deliver here? Those of UNIX sockets and of
 * this machine may. */
bool settings_trusts(const struct settings *settings, const char *address);

extern const struct net_variable settings_table[];
extern const size_t settings_count;

#endif

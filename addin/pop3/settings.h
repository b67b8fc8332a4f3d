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

#include "addin/pop3/session.h"
#include "directory/directory.h"

#define SETTINGS_TEXT_OCTETS 64

struct settings {
	atomic_uint shares;
	/* notes.ini: settings.c has the table */
	uint32_t config_update_minutes, read_all, mark_read;
	uint32_t session_timeout_minutes, prelogin_timeout_secs;
	uint32_t max_sessions, max_per_address, max_per_user;
	uint32_t max_bad_commands, max_failed_logins, failed_login_delay_secs;
	uint32_t password_cache_minutes, password_cache_entries;
	uint32_t takeover_secs, store_timeout_secs, grace_secs;
	bool spare_loopback;            /* max_per_address is the default */
	uint32_t open_databases, threads, show_implementation, log_sessions;
	char address[SETTINGS_TEXT_OCTETS], expire[SETTINGS_TEXT_OCTETS];
	/* The Server document */
	bool found;                     /* there is one for this server */
	bool port_enabled, name_and_password;
	uint16_t port;
	/* Made of both */
	char server[256];               /* canonical name of this server */
	char greeting[512], implementation[32];
	struct pop3_session_options options;
};

/* The value of a variable of notes.ini; false: not set. value holds size octets. */
typedef bool settings_get(void *context, const char *name, char *value, size_t size);

/* A variable out of bounds is told through say and counts as its default (or the
 * nearest bound, where it is a number). directory may have no Server document, or
 * not exist yet: then found is false and defaults hold. */
STATUS settings_read(settings_get *get, void *get_context, struct directory *directory,
                     void (*say)(void *context, const char *text), void *say_context,
                     struct settings **settings_r);
struct settings *settings_share(struct settings *settings);
void settings_release(struct settings **settings);      /* frees with the last share */
/* All lines of `tell pop3 show config`: NAME=value and where it comes from. */
void settings_each(const struct settings *settings,
                   void (*line)(void *context, const char *text), void *context);
bool settings_equal(const struct settings *a, const struct settings *b);

/* The table, for the manual and its test. */
struct setting {
	const char *name;
	size_t offset;
	uint32_t fallback, least, most; /* most 0: a text */
	const char *text_fallback;
	const char *meaning;
};
extern const struct setting settings_table[];
extern const size_t settings_count;

#endif

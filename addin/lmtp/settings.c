/*
 * Reading the settings. Distrusts the values of notes.ini, which people write: a value that makes
 * no sense is told and replaced.
 */
#include "addin/lmtp/settings.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/name.h"
#include "base/text.h"

#define NUMBER(variable, field, fallback, least, most, meaning) \
	{ variable, offsetof(struct settings, field), fallback, least, most, NULL, meaning }
#define TEXT(variable, field, fallback, meaning) \
	{ variable, offsetof(struct settings, field), 0, 0, 0, fallback, meaning }

#define MODE_DEFAULT 0660
#define FILES_MAX 10000

const struct net_variable settings_table[] = {
	NUMBER("LMTP_Config_Update_Interval", config_update_minutes, 2, 1, 1440,
	       "minutes between two looks at the settings"),
	TEXT("LMTP_Socket", socket, "lmtp.sock",
	     "the UNIX socket, absolute or in the data directory; -: none"),
	TEXT("LMTP_Socket_Mode", socket_mode, "0660", "its permissions, octal"),
	TEXT("LMTP_Socket_Group", socket_group, "", "the group it is for, empty: the server's own"),
	NUMBER("LMTP_Port", port, 0, 0, 65535, "the TCP port, 0: none"),
	TEXT("LMTP_Address", address, "127.0.0.1",
	     "the numeric address to listen on with LMTP_Port, *: all of IPv6 and IPv4"),
	TEXT("LMTP_Trusted_Networks", trusted_networks, "",
	     "addresses and networks (192.0.2.0/24, 2001:db8::/32) that may deliver, besides this "
	     "machine"),
	NUMBER("LMTP_Max_Sessions", max_sessions, 200, 1, 100000, "sessions at one time"),
	NUMBER("LMTP_Max_Recipients", max_recipients, 1000, 1, 100000, "recipients of one message"),
	NUMBER("LMTP_Max_Message_KB", max_message_kb, 1048576, 1, 1048576,
	       "KiB that a message may have"),
	NUMBER("LMTP_Max_Bad_Commands", max_bad_commands, 20, 1, 100000,
	       "malformed commands until the session is closed"),
	NUMBER("LMTP_Timeout", timeout_secs, 300, 1, 86400,
	       "seconds of silence until a session is closed"),
	NUMBER("LMTP_Greeting_Timeout", greeting_timeout_secs, 60, 1, 3600,
	       "seconds from connecting until LHLO must be said"),
	NUMBER("LMTP_Store_Timeout", store_timeout_secs, 300, 1, 3600,
	       "seconds until a call to directory or mail file is given up"),
	NUMBER("LMTP_Grace_Seconds", grace_secs, 20, 1, 3600,
	       "seconds that deliveries under way may take when the task ends"),
	NUMBER("LMTP_Quota_Reply", quota_reply, 0, 0, 1,
	       "over quota 0: 452, the sender's server tries again, 1: 552, it returns the message"),
	NUMBER("LMTP_Open_Databases", open_databases, 64, 1, 10000,
	       "idle databases kept open (at start of the task)"),
	NUMBER("LMTP_Threads", threads, 0, 0, 1000,
	       "worker threads, 0: two per core and two more (at start of the task)"),
	NUMBER("LMTP_Log_Deliveries", log_deliveries, 1, 0, 1,
	       "1: one line in the log for each recipient of a message"),
	TEXT("LMTP_Spool_Dir", spool_dir, "",
	     "where large messages are kept while they come in, empty: the data directory"),
	TEXT("LMTP_Domains", domains_text, "",
	     "Internet domains that are ours besides those of the directory, *: all"),
	TEXT("LMTP_Detail_Separators", separators, "+",
	     "characters each of which begins the detail of a subaddress"),
	TEXT("POP3_Domain", pop3_domain, "", "the Internet domain of this server's persons"),
};
const size_t settings_count = sizeof(settings_table) / sizeof(settings_table[0]);

static void copy(char *to, size_t size, struct slice from)
{
	size_t n = from.n < size ? from.n : size - 1;

	memcpy(to, from.p, n);
	to[n] = '\0';
}

static void read_server_name(struct settings *s, net_variable_get *get, void *context)
{
	struct buf full = BUF_INIT;
	char value[256] = "";

	get(context, "ServerName", value, sizeof(value));
	name_canonicalize(text_trim(slice_of(value)), &full);
	copy(s->server, sizeof(s->server), buf_slice(&full));
	buf_release(&full);
}

/* --- sockets ------------------------------------------------------------------------ */

static bool read_octal(const char *text, unsigned *mode_r)
{
	unsigned mode = 0;

	if (text[0] == '\0' || strlen(text) > 4)
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '7')
			return false;
		mode = mode * 8 + (unsigned)(*text - '0');
	}
	*mode_r = mode;
	return mode <= 0777;
}

static void make_path(const char *data_dir, const char *name, char *path, size_t size)
{
	if (name[0] == '/')
		snprintf(path, size, "%s", name);
	else
		snprintf(path, size, "%s%s%s", data_dir, name[0] != '\0' ? "/" : "", name);
}

static void read_socket(struct settings *s, const char *data_dir, const struct net_variable_say *to)
{
	if (strcmp(s->socket, "-") != 0 && s->socket[0] != '\0')
		make_path(data_dir, s->socket, s->socket_path, sizeof(s->socket_path));
	s->socket_permissions = MODE_DEFAULT;
	if (!read_octal(s->socket_mode, &s->socket_permissions)) {
		net_variable_sayf(to, "notes.ini: LMTP_Socket_Mode must be octal, 0 to 777; %o is used",
		                  MODE_DEFAULT);
		s->socket_permissions = MODE_DEFAULT;
	}
	if (strcmp(s->address, "*") == 0)
		s->address[0] = '\0';
}

static void read_networks(struct settings *s, const struct net_variable_say *to)
{
	struct slice bad = { "", 0 };
	struct buf shown = BUF_INIT;

	if (net_networks_parse(slice_of(s->trusted_networks), &s->trusted, &bad) == NOERROR)
		return;
	text_escape(bad, 60, &shown);
	net_variable_sayf(to, "notes.ini: LMTP_Trusted_Networks is not understood at \"%s\"; only this "
	                  "machine may deliver", buf_cstr(&shown));
	buf_release(&shown);
}

/* --- names --------------------------------------------------------------------------- */

static bool is_host_name(struct slice s)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";

	for (size_t i = 0; i < s.n; i++)
		if (memchr(letters, s.p[i], sizeof(letters) - 1) == NULL)
			return false;
	return s.n > 0 && s.n < 250;
}

static STATUS read_documents(struct settings *s, struct directory *directory)
{
	struct slice written[] = { slice_of(s->domains_text), slice_of(s->pop3_domain) };
	struct pop3_settings document = { .found = false };
	STATUS status = directory_pop3_settings(directory, slice_of(s->server), &s->arena, &document);

	if (status == NOERROR && document.found && is_host_name(document.host_name))
		copy(s->host, sizeof(s->host), document.host_name);
	if (status == NOERROR || status == POSTIL_ERR_NOEXIST || status == POSTIL_ERR_INVALID)
		status = mail_domains_read(directory, slice_of(s->server), written, 2, &s->arena, &s->domains);
	return status;
}

static void make_host(struct settings *s)
{
	if (s->host[0] == '\0' && (gethostname(s->host, sizeof(s->host) - 1) != 0 ||
	                           !is_host_name(slice_of(s->host))))
		snprintf(s->host, sizeof(s->host), "localhost");
	snprintf(s->greeting, sizeof(s->greeting), "%s Postil LMTP server version %s ready", s->host,
	         POSTIL_VERSION);
}

static void make_options(struct settings *s, const char *data_dir)
{
	make_path(data_dir, s->spool_dir, s->spool_path, sizeof(s->spool_path));
	s->rules = (struct recipient_rules){ .data_dir = data_dir, .server = slice_of(s->server),
		.domains = &s->domains, .separators = slice_of(s->separators) };
	s->options = (struct lmtp_session_options){
		.greeting = s->greeting, .host = s->host, .spool_dir = s->spool_path,
		.max_octets = (uint64_t)s->max_message_kb * 1024, .max_recipients = s->max_recipients,
		.max_files = FILES_MAX > s->max_recipients ? FILES_MAX : s->max_recipients,
		.max_bad_commands = s->max_bad_commands, .quota_stays = s->quota_reply == 1,
	};
}

STATUS settings_read(net_variable_get *get, void *get_context, const char *data_dir,
                     struct directory *directory, void (*say)(void *context, const char *text),
                     void *say_context, struct settings **settings_r)
{
	struct net_variable_say to = { say, say_context };
	struct settings *s = calloc(1, sizeof(*s));
	STATUS status;

	if (s == NULL)
		return POSTIL_ERR_MEMORY;
	atomic_init(&s->shares, 1);
	for (size_t i = 0; i < settings_count; i++)
		net_variable_read(s, &settings_table[i], get, get_context, &to);
	read_server_name(s, get, get_context);
	read_socket(s, data_dir, &to);
	read_networks(s, &to);
	status = read_documents(s, directory);
	make_host(s);
	make_options(s, data_dir);
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
		net_networks_free(&(*settings)->trusted);
		arena_release(&(*settings)->arena);
		free(*settings);
	}
	*settings = NULL;
}

static bool domains_equal(const struct mail_domains *a, const struct mail_domains *b)
{
	bool equal = a->count == b->count && a->any == b->any;

	for (size_t i = 0; equal && i < a->count; i++)
		equal = slice_equal(a->list[i], b->list[i]);
	return equal;
}

bool settings_equal(const struct settings *a, const struct settings *b)
{
	return net_variables_equal(a, b, settings_table, settings_count) &&
	       strcmp(a->server, b->server) == 0 && strcmp(a->host, b->host) == 0 &&
	       domains_equal(&a->domains, &b->domains);
}

bool settings_trusts(const struct settings *s, const char *address)
{
	return strcmp(address, "local") == 0 || strncmp(address, "127.", 4) == 0 ||
	       strcmp(address, "::1") == 0 || net_networks_have(s->trusted, address);
}

void settings_each(const struct settings *s, void (*line)(void *context, const char *text),
                   void *context)
{
	struct buf text = BUF_INIT;

	buf_add_str(&text, "Domains that are ours:");
	if (s->domains.any)
		buf_add_str(&text, " all");
	for (size_t i = 0; i < s->domains.count && !s->domains.any && text.n < 800; i++) {
		buf_add_char(&text, ' ');
		text_escape(s->domains.list[i], 100, &text);
	}
	if (s->domains.count == 0 && !s->domains.any)
		buf_add_str(&text, " none");
	line(context, buf_cstr(&text));
	buf_release(&text);
	net_variables_each(s, settings_table, settings_count, line, context);
}

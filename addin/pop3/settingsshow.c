/* Settings as `tell pop3 show config` shows them. Names from documents are escaped. */
#include "addin/pop3/settings.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"

static const char *yes_no(bool yes)
{
	return yes ? "yes" : "no";
}

static void add_columns(const struct settings *s, size_t place, struct buf *text)
{
	struct entry_rules rules;

	settings_place_rules(s, place, &rules);
	buf_addf(text, "name and password %s; TLS: client certificate %s, name and password %s%s; STLS %s",
	         yes_no(rules.password), yes_no(rules.tls_certificate), yes_no(rules.tls_password),
	         rules.tls_certificate && rules.tls_password
	         ? rules.either ? " (one of them is enough)" : " (both are required)" : "",
	         yes_no(rules.stls));
}

static void each_site(const struct settings *s, void (*line)(void *context, const char *text),
                      void *context)
{
	struct buf text = BUF_INIT;

	if (s->sites.count == 0)
		line(context, "Internet Sites: no POP3 Site document is hosted by this server");
	for (size_t i = 0; i < s->sites.count; i++) {
		const struct pop3_site *site = &s->sites.list[i];

		buf_clear(&text);
		buf_add_str(&text, "Internet Site: ");
		text_escape(site->name, 100, &text);
		buf_add_str(&text, ", organization ");
		text_escape(site->organization, 60, &text);
		buf_add_str(&text, "; ");
		add_columns(s, i, &text);
		line(context, buf_cstr(&text));
		secure_each(s->secure, i, line, context);
	}
	buf_release(&text);
}

static void each_port(const struct settings *s, void (*line)(void *context, const char *text),
                      void *context)
{
	struct buf text = BUF_INIT;

	buf_addf(&text, "Server document: %s; TCP port %u %s, TLS port %u %s; ",
	         s->found ? s->server : "none found, defaults are used", (unsigned)s->port,
	         s->port_enabled ? "enabled" : "disabled", (unsigned)s->tls_port,
	         s->tls_port_enabled ? "enabled" : "disabled");
	if (s->internet_sites)
		buf_add_str(&text, "name and password as the Internet Sites say");
	else
		add_columns(s, 0, &text);
	line(context, buf_cstr(&text));
	if (!s->internet_sites)
		secure_each(s->secure, 0, line, context);
	buf_release(&text);
}

static void each_rule(const struct settings *s, void (*line)(void *context, const char *text),
                      void *context)
{
	static const char *const from[] = {
		[CONFIG_NONE] = "no Configuration Settings document holds",
		[CONFIG_DEFAULT] = "from the Configuration Settings for all servers",
		[CONFIG_GROUP] = "from the Configuration Settings of a group",
		[CONFIG_SERVER] = "from the Configuration Settings of this server",
	};
	char text[512];

	snprintf(text, sizeof(text), "Internet password lockout: %s, %" PRIu32 " tries, expires after %"
	         PRIu64 " seconds, cleared after %" PRIu64 " seconds; addresses locked %s, counted %s "
	         "(%s)", s->lockout.enforce ? "enforced" : "not enforced", s->lockout.max_tries,
	         s->lockout.expire_secs, s->lockout.clear_secs, yes_no(s->lockout.lock_address),
	         yes_no(s->lockout.count_against_address), from[s->lockout_from]);
	line(context, text);
}

void settings_each(const struct settings *s, void (*line)(void *context, const char *text),
                   void *context)
{
	char text[640];

	each_port(s, line, context);
	snprintf(text, sizeof(text), "Internet authentication: %s name variations; server access %s",
	         s->more_name_variations ? "more" : "fewer", s->enforce_access ? "enforced"
	         : "not enforced");
	line(context, text);
	if (s->internet_sites)
		each_site(s, line, context);
	each_rule(s, line, context);
	net_variables_each(s, settings_table, settings_count, line, context);
}

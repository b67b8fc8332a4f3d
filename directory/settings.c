/*
 * The table of settings and how their values are read. Documents are
 * distrusted: a value that is not understood counts as absent.
 */
#include "directory/settings.h"

#include <string.h>

#include "base/text.h"

#include "base/banned.h"

#define SERVER "Server"
#define PERSON "Person"
#define GROUP "Group"

const struct directory_setting directory_settings[SETTING_COUNT] = {
	[SET_SERVER_NAME] = { SERVER, "Server name", { "ServerName" }, SETTING_NAME, NULL, true },
	[SET_HOST_NAME] = { SERVER, "Fully qualified Internet host name",
		{ "SMTPFullHostDomain" }, SETTING_TEXT, NULL, true },
	[SET_POP3_PORT] = { SERVER, "POP3: TCP/IP port number",
		{ "POP3_Port", "POP3_TCPPort", "POP3Port" }, SETTING_PORT, "110", false },
	[SET_POP3_PORT_STATUS] = { SERVER, "POP3: TCP/IP port status",
		{ "POP3_PortStatus", "POP3_TCPPortStatus", "POP3_TCPStatus", "POP3_Status" },
		SETTING_SWITCH, "Enabled", false },
	[SET_POP3_PASSWORD] = { SERVER, "POP3: Name & password (TCP/IP)",
		{ "POP3_TCPNP", "POP3_TCPNameAndPwd", "POP3_NameAndPwd" },
		SETTING_SWITCH, "Yes", false },
	[SET_POP3_TLS_PORT] = { SERVER, "POP3: SSL (TLS) port number",
		{ "POP3_SSLPort", "POP3_TLSPort" }, SETTING_PORT, "995", false },
	[SET_POP3_TLS_STATUS] = { SERVER, "POP3: SSL (TLS) port status",
		{ "POP3_SSLStatus", "POP3_SSLPortStatus", "POP3_TLSStatus" },
		SETTING_SWITCH, "Disabled", true },
	[SET_POP3_TLS_PASSWORD] = { SERVER, "POP3: Name & password (TLS)",
		{ "POP3_SSLNP", "POP3_SSLNameAndPwd", "POP3_TLSNP" },
		SETTING_SWITCH, "Yes", false },
	[SET_POP3_TLS_CERTIFICATE] = { SERVER, "POP3: Client certificate",
		{ "POP3_SSLCert", "POP3_SSLClientCert", "POP3_TLSCert" },
		SETTING_SWITCH, "No", false },
	[SET_POP3_ENFORCE_ACCESS] = { SERVER, "POP3: Enforce server access settings",
		{ "POP3_EnforceAccess" }, SETTING_SWITCH, "No", true },
	[SET_NAME_VARIATIONS] = { SERVER, "Internet authentication",
		{ "InternetAuthentication", "INET_Authenticate_NamesLookup", "InetAuthNameVariations" },
		SETTING_VARIATIONS, "Fewer", false },
	[SET_INTERNET_SITES] = { SERVER, "Load Internet configurations from Internet Sites documents",
		{ "LdISite" }, SETTING_SWITCH, "Disabled", true },
	[SET_FULL_NAME] = { PERSON, "User name", { "FullName" }, SETTING_NAME, NULL, true },
	[SET_ALTERNATE_NAME] = { PERSON, "Alternate name", { "AltFullName" }, SETTING_NAME, NULL, true },
	[SET_SHORT_NAME] = { PERSON, "Short name/UserID", { "ShortName" }, SETTING_TEXT, NULL, true },
	[SET_FIRST_NAME] = { PERSON, "First name", { "FirstName" }, SETTING_TEXT, NULL, true },
	[SET_LAST_NAME] = { PERSON, "Last name", { "LastName" }, SETTING_TEXT, NULL, true },
	[SET_INTERNET_ADDRESS] = { PERSON, "Internet address",
		{ "InternetAddress" }, SETTING_TEXT, NULL, true },
	[SET_HTTP_PASSWORD] = { PERSON, "Internet password",
		{ "HTTPPassword" }, SETTING_DIGEST, NULL, true },
	[SET_MAIL_SERVER] = { PERSON, "Mail server", { "MailServer" }, SETTING_NAME, NULL, true },
	[SET_MAIL_FILE] = { PERSON, "Mail file", { "MailFile" }, SETTING_TEXT, NULL, true },
	[SET_GROUP_NAME] = { GROUP, "Group name", { "ListName" }, SETTING_NAME, NULL, true },
	[SET_GROUP_TYPE] = { GROUP, "Group type", { "GroupType" }, SETTING_TEXT, "0", true },
	[SET_GROUP_MEMBERS] = { GROUP, "Members", { "Members" }, SETTING_NAME, NULL, true },
	[SET_MAILIN_NAME] = { "Database", "Mail-in name", { "FullName" }, SETTING_NAME, NULL, true },
};

const struct item *setting_item(const struct note *note, enum setting which)
{
	const char *const *names = directory_settings[which].items;

	for (size_t i = 0; i < SETTING_ITEMS_MAX && names[i] != NULL; i++) {
		const struct item *item = note_find(note, names[i]);

		if (item != NULL && item->count > 0 && text_trim(item->values[0]).n > 0)
			return item;
	}
	return NULL;
}

struct slice setting_text(const struct note *note, enum setting which)
{
	const struct item *item = setting_item(note, which);

	return item == NULL ? slice_of(directory_settings[which].fallback)
	       : text_trim(item->values[0]);
}

static bool is_one_of(struct slice s, const char *const *words)
{
	for (; *words != NULL; words++)
		if (slice_equal_nocase(s, slice_of(*words)))
			return true;
	return false;
}

static bool begins_with(struct slice s, const char *word)
{
	size_t n = strlen(word);

	return s.n >= n && slice_equal_nocase((struct slice){ s.p, n }, slice_of(word));
}

/* false: not understood. */
static bool read_switch(struct slice s, enum setting_kind kind, bool *on_r)
{
	static const char *const on[] = { "1", "enabled", "enable", "yes", "on", "true", NULL };
	static const char *const off[] = { "0", "2", "disabled", "disable", "no", "off", "false", NULL };

	if (kind == SETTING_VARIATIONS && (begins_with(s, "more") || begins_with(s, "fewer"))) {
		*on_r = begins_with(s, "more");
		return true;
	}
	*on_r = is_one_of(s, on);
	return *on_r || is_one_of(s, off);
}

static bool read_port(struct slice s, uint16_t *port_r)
{
	uint64_t number;
	size_t whole = 0;

	while (whole < s.n && s.p[whole] != '.')
		whole++;
	for (size_t i = whole + 1; i < s.n; i++)        /* "110.0" is a number, too */
		if (s.p[i] != '0')
			return false;
	if (!text_number((struct slice){ s.p, whole }, UINT16_MAX, &number) || number == 0)
		return false;
	*port_r = (uint16_t)number;
	return true;
}

bool setting_switch(const struct note *note, enum setting which)
{
	const struct directory_setting *setting = &directory_settings[which];
	bool on = false;

	if (!read_switch(setting_text(note, which), setting->kind, &on))
		read_switch(slice_of(setting->fallback), setting->kind, &on);
	return on;
}

uint16_t setting_port(const struct note *note, enum setting which)
{
	uint16_t port = 0;

	if (!read_port(setting_text(note, which), &port))
		read_port(slice_of(directory_settings[which].fallback), &port);
	return port;
}

const char *setting_complaint(const struct note *note, enum setting which)
{
	const struct directory_setting *setting = &directory_settings[which];
	struct slice value = setting_text(note, which);
	uint16_t port;
	bool on;

	if (setting_item(note, which) == NULL)
		return NULL;
	switch (setting->kind) {
	case SETTING_PORT:
		return read_port(value, &port) ? NULL : "is not a port number from 1 to 65535";
	case SETTING_SWITCH:
		return read_switch(value, setting->kind, &on) ? NULL
		       : "is neither 1, Enabled, Yes nor 0, 2, Disabled, No";
	case SETTING_VARIATIONS:
		return read_switch(value, setting->kind, &on) ? NULL : "is neither Fewer nor More";
	default:
		return NULL;
	}
}

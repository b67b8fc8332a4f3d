/*
 * The table of settings and how their values are read. Documents are
 * distrusted: a value that is not understood counts as absent.
 */
#include "directory/settings.h"

#include <stdint.h>
#include <string.h>

#include "base/text.h"

#include "base/banned.h"

#define SERVER "Server"
#define PERSON "Person"
#define GROUP "Group"
#define SITE "POP3Site"
#define CONFIG "ServerConfig"
#define DOMAIN "Domain"

#define FILE_NAME_MAX 200       /* octets */

/* Names that are our guess, the same on both kinds of document. */
#define ACCEPT_EXPIRED "SSLAcceptExpired", "SSLAcceptExpiredCerts", "AcceptExpiredCerts"
#define CHECK_CRLS "SSLCheckCRL", "CheckCRL", "CheckForCRLs"
#define TRUST_EXPIRED_CRLS "SSLTrustExpiredCRL", "TrustExpiredCRL", "TrustExpiredCRLs"
#define ALLOW_CRL_FAILURE "SSLAllowCRLFail", "AllowCRLFail", "AllowCRLSearchToFail"

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
	[SET_USER_CERTIFICATE] = { PERSON, "Internet certificate",
		{ "UserCertificate", "UserCertificate;binary" }, SETTING_CERTIFICATE, NULL, true },
	[SET_MAIL_SERVER] = { PERSON, "Mail server", { "MailServer" }, SETTING_NAME, NULL, true },
	[SET_MAIL_FILE] = { PERSON, "Mail file", { "MailFile" }, SETTING_TEXT, NULL, true },
	[SET_FORWARD] = { PERSON, "Forwarding address", { "MailAddress" }, SETTING_TEXT, NULL, true },
	[SET_GROUP_NAME] = { GROUP, "Group name", { "ListName" }, SETTING_NAME, NULL, true },
	[SET_MAILIN_NAME] = { "Database", "Mail-in name", { "FullName" }, SETTING_NAME, NULL, true },

	[SET_ALLOW_ACCESS] = { SERVER, "Access server", { "AllowAccess" }, SETTING_ACCESS, NULL, true },
	[SET_DENY_ACCESS] = { SERVER, "Not access server",
		{ "DenyAccess" }, SETTING_ACCESS, NULL, true },
	[SET_TRUSTED_DIRECTORIES] = { SERVER, "Access server: users listed in all trusted directories",
		{ "AllowAccessTrusted", "AllowTrustedDirectories", "AccessTrustedDirectories",
		  "TrustedDirectories" }, SETTING_SWITCH, "No", false },
	[SET_GROUP_MEMBERS] = { GROUP, "Members", { "Members" }, SETTING_NAME, NULL, true },
	[SET_GROUP_ADDRESS] = { GROUP, "Internet Address",
		{ "InternetAddress" }, SETTING_TEXT, NULL, true },
	[SET_GROUP_TYPE] = { GROUP, "Group type", { "GroupType" }, SETTING_GROUP_TYPE, "0", true },

	[SET_DOMAIN_TYPE] = { DOMAIN, "Domain type", { "DomainType" }, SETTING_TEXT, NULL, true },
	[SET_DOMAIN_PRIMARY] = { DOMAIN, "Local primary Internet domain",
		{ "LocalPrimaryInternetDomain" }, SETTING_TEXT, NULL, true },
	[SET_DOMAIN_ALIASES] = { DOMAIN, "Alternate Internet domain aliases",
		{ "LocalInternetDomainAliases" }, SETTING_TEXT, NULL, true },

	[SET_SITE_NAME] = { SITE, "Descriptive name for this site",
		{ "ISiteName" }, SETTING_TEXT, NULL, true },
	[SET_SITE_ORGANIZATION] = { SITE, "Organization", { "ISiteOrg" }, SETTING_TEXT, NULL, true },
	[SET_SITE_ADDRESSES] = { SITE, "Host names or addresses mapped to this site",
		{ "ISiteAdrs" }, SETTING_TEXT, NULL, true },
	[SET_SITE_HOSTS] = { SITE, "Domino servers that host this site",
		{ "WSHostingSrvrs" }, SETTING_ACCESS, "*", true },
	[SET_SITE_PASSWORD] = { SITE, "TCP authentication: Name & password",
		{ "TCPNameAndPwd" }, SETTING_SWITCH, "Yes", true },
	[SET_SITE_TLS_PASSWORD] = { SITE, "TLS authentication: Name & password",
		{ "SSLNameAndPwd" }, SETTING_SWITCH, "Yes", true },
	[SET_SITE_CERTIFICATE] = { SITE, "TLS authentication: Client certificate",
		{ "SSLClientCert", "SSLCertificate", "SSLCert", "HTTP_SSLCert" },
		SETTING_SWITCH, "No", false },

	[SET_TLS_KEY_FILES] = { SERVER, "SSL (TLS) key file name",
		{ "POP3_SSLKeyFile", "HTTP_SSLKeyFile" }, SETTING_FILES, NULL, false },
	[SET_TLS_CIPHERS] = { SERVER, "SSL (TLS) ciphers",
		{ "POP3_SSLCipherList", "SSLCipherList" }, SETTING_CIPHERS, NULL, false },
	[SET_TLS_ACCEPT_EXPIRED] = { SERVER, "Accept expired SSL certificates",
		{ "POP3_SSLAcceptExpired", ACCEPT_EXPIRED }, SETTING_SWITCH, "No", false },
	[SET_TLS_CHECK_CRLS] = { SERVER, "Check for CRLs",
		{ "POP3_SSLCheckCRL", CHECK_CRLS }, SETTING_SWITCH, "No", false },
	[SET_TLS_TRUST_EXPIRED_CRLS] = { SERVER, "Trust expired CRLs",
		{ "POP3_SSLTrustExpiredCRL", TRUST_EXPIRED_CRLS }, SETTING_SWITCH, "No", false },
	[SET_TLS_ALLOW_CRL_FAILURE] = { SERVER, "Allow CRL search to fail",
		{ "POP3_SSLAllowCRLFail", ALLOW_CRL_FAILURE }, SETTING_SWITCH, "No", false },
	[SET_TLS_STLS] = { SERVER, "POP3: Negotiated TLS (STLS) over TCP/IP port",
		{ "POP3_NegotiatedSSL", "POP3_NegotiatedTLS", "POP3_STLS" }, SETTING_SWITCH, NULL, false },

	[SET_SITE_TLS_KEY_FILES] = { SITE, "Key file name", { "SSLKeyFile" }, SETTING_FILES, NULL, true },
	[SET_SITE_TLS_CIPHERS] = { SITE, "SSL (TLS) ciphers",
		{ "SSLCipherList" }, SETTING_CIPHERS, NULL, true },
	[SET_SITE_TLS_ACCEPT_EXPIRED] = { SITE, "Accept expired SSL certificates",
		{ ACCEPT_EXPIRED }, SETTING_SWITCH, "No", false },
	[SET_SITE_TLS_CHECK_CRLS] = { SITE, "Check for CRLs",
		{ CHECK_CRLS }, SETTING_SWITCH, "No", false },
	[SET_SITE_TLS_TRUST_EXPIRED_CRLS] = { SITE, "Trust expired CRLs",
		{ TRUST_EXPIRED_CRLS }, SETTING_SWITCH, "No", false },
	[SET_SITE_TLS_ALLOW_CRL_FAILURE] = { SITE, "Allow CRL search to fail",
		{ ALLOW_CRL_FAILURE }, SETTING_SWITCH, "No", false },
	[SET_SITE_TLS_STLS] = { SITE, "Negotiated TLS (STLS) over TCP/IP port",
		{ "POP3_NegotiatedSSL", "NegotiatedSSL", "POP3_STLS" }, SETTING_SWITCH, NULL, false },

	[SET_CONFIG_SERVER] = { CONFIG, "Group or server name",
		{ "ServerName" }, SETTING_ACCESS, NULL, true },
	[SET_CONFIG_DEFAULT] = { CONFIG, "Use these settings as the default settings for all servers",
		{ "UseAsDefault" }, SETTING_SWITCH, "No", true },
	[SET_LOCKOUT] = { CONFIG, "Enforce Internet password lockout",
		{ "ILEnforce" }, SETTING_SWITCH, "No", true },
	[SET_LOCKOUT_TRIES] = { CONFIG, "Default maximum tries allowed",
		{ "ILMaxTries" }, SETTING_NUMBER, "5", true },
	[SET_LOCKOUT_EXPIRES_MINUTES] = { CONFIG, "Default lockout expiration in minutes",
		{ "ILExpMinutes" }, SETTING_NUMBER, NULL, true },
	[SET_LOCKOUT_EXPIRES] = { CONFIG, "Default lockout expiration",
		{ "ILExpNum" }, SETTING_NUMBER, "0", true },
	[SET_LOCKOUT_EXPIRES_UNIT] = { CONFIG, "Unit of the lockout expiration",
		{ "ILTimeFormat" }, SETTING_UNIT, "minutes", true },
	[SET_LOCKOUT_CLEARS_MINUTES] = { CONFIG, "Default maximum tries interval in minutes",
		{ "ILClearMinutes" }, SETTING_NUMBER, NULL, true },
	[SET_LOCKOUT_CLEARS] = { CONFIG, "Default maximum tries interval",
		{ "ILClearNum" }, SETTING_NUMBER, "0", true },
	[SET_LOCKOUT_CLEARS_UNIT] = { CONFIG, "Unit of the maximum tries interval",
		{ "ILTimeFormat2" }, SETTING_UNIT, "minutes", true },
	[SET_LOCKOUT_LOG_LOCKOUTS] = { CONFIG, "Log settings: Lockouts",
		{ "ILLogLockouts" }, SETTING_SWITCH, "Yes", true },
	[SET_LOCKOUT_LOG_FAILURES] = { CONFIG, "Log settings: Failures",
		{ "ILLogFailures" }, SETTING_SWITCH, "Yes", true },
	[SET_LOCKOUT_ADDRESS] = { CONFIG, "Lock out IP addresses",
		{ "ILLockIP" }, SETTING_SWITCH, "No", true },
	[SET_LOCKOUT_COUNT_ADDRESS] = { CONFIG, "Count failures against the IP address",
		{ "ILCountAgainstIP" }, SETTING_SWITCH, "No", true },
};

/* Lists may begin with empty values, which say nothing. */
static struct slice first_value(const struct item *item)
{
	for (size_t i = 0; i < item->count; i++)
		if (text_trim(item->values[i]).n > 0)
			return text_trim(item->values[i]);
	return (struct slice){ "", 0 };
}

const struct item *setting_item(const struct note *note, enum setting which)
{
	const char *const *names = directory_settings[which].items;

	for (size_t i = 0; i < SETTING_ITEMS_MAX && names[i] != NULL; i++) {
		const struct item *item = note_find(note, names[i]);

		if (item != NULL && first_value(item).n > 0)
			return item;
	}
	return NULL;
}

struct slice setting_text(const struct note *note, enum setting which)
{
	const struct item *item = setting_item(note, which);

	return item == NULL ? slice_of(directory_settings[which].fallback) : first_value(item);
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

static bool read_number(struct slice s, uint64_t max, uint64_t *number_r)
{
	size_t whole = 0;

	while (whole < s.n && s.p[whole] != '.')
		whole++;
	for (size_t i = whole + 1; i < s.n; i++)        /* "110.0" is a number, too */
		if (s.p[i] != '0')
			return false;
	return text_number((struct slice){ s.p, whole }, max, number_r);
}

static bool read_port(struct slice s, uint16_t *port_r)
{
	uint64_t number;

	if (!read_number(s, UINT16_MAX, &number) || number == 0)
		return false;
	*port_r = (uint16_t)number;
	return true;
}

/* Exports have ",minutes" where the form shows "minutes". */
static unsigned read_unit(struct slice s)
{
	while (s.n > 0 && (s.p[0] == ',' || s.p[0] == ' ')) {
		s.p++;
		s.n--;
	}
	return begins_with(s, "minute") ? 60 : begins_with(s, "hour") ? 3600
	       : begins_with(s, "day") ? 86400 : 0;
}

static bool read_group_type(struct slice s, int *type_r)
{
	static const char *const labels[] = {
		"multi-purpose", "mail only", "access control list only", "deny list only", "servers only"
	};
	uint64_t number;

	for (int i = 0; i < (int)(sizeof(labels) / sizeof(*labels)); i++)
		if (slice_equal_nocase(s, slice_of(labels[i])) ||
		    (read_number(s, 4, &number) && number == (uint64_t)i)) {
			*type_r = i;
			return true;
		}
	return false;
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

bool setting_number(const struct note *note, enum setting which, uint64_t *value_r)
{
	return read_number(setting_text(note, which), SETTING_NUMBER_MAX, value_r) ||
	       read_number(slice_of(directory_settings[which].fallback), SETTING_NUMBER_MAX, value_r);
}

unsigned setting_unit_secs(const struct note *note, enum setting which)
{
	unsigned secs = read_unit(setting_text(note, which));

	return secs != 0 ? secs : read_unit(slice_of(directory_settings[which].fallback));
}

int setting_group_type(const struct note *note)
{
	int type = 0;

	read_group_type(setting_text(note, SET_GROUP_TYPE), &type);
	return type;
}

/* --- lists of files and ciphers ---------------------------------------------- */

/* The last part of a path of any system. */
static struct slice base_name(struct slice path)
{
	for (size_t i = path.n; i > 0; i--)
		if (path.p[i - 1] == '/' || path.p[i - 1] == '\\')
			return text_trim((struct slice){ path.p + i, path.n - i });
	return text_trim(path);
}

/* "C0,2F" is one code: these are first octets of two, and codes of nothing by themselves. */
static bool is_first_octet(struct slice s)
{
	static const char *const octets[] = { "00", "0x00", "13", "0x13", "c0", "0xc0", "cc", "0xcc", NULL };

	return is_one_of(text_trim(s), octets);
}

static bool is_separator(char c)
{
	return c == ',' || c == ';' || c == '\n' || c == '\r';
}

bool setting_piece(enum setting_kind kind, struct slice *rest, struct slice *piece_r)
{
	size_t n = 0;

	if (rest->n == 0)
		return false;
	while (n < rest->n && (!is_separator(rest->p[n]) ||
	       (kind == SETTING_CIPHERS && rest->p[n] == ',' &&
	        is_first_octet((struct slice){ rest->p, n }))))
		n++;
	*piece_r = (struct slice){ rest->p, n };
	*piece_r = kind == SETTING_FILES ? base_name(*piece_r) : text_trim(*piece_r);
	n += n < rest->n;
	rest->p += n;
	rest->n -= n;
	return true;
}

/* Digits in pairs, a comma and "0x" before each or none. */
static bool is_cipher(struct slice s)
{
	size_t digits = 0;

	for (size_t i = 0; i < s.n; i++) {
		char c = (char)(s.p[i] | 0x20);

		if (i + 1 < s.n && s.p[i] == '0' && (s.p[i + 1] | 0x20) == 'x')
			i++;
		else if ((s.p[i] >= '0' && s.p[i] <= '9') || (c >= 'a' && c <= 'f'))
			digits++;
		else if (s.p[i] != ',')
			return false;
	}
	return digits > 0 && digits <= 4;
}

static bool is_file_name(struct slice s)
{
	if (s.n > FILE_NAME_MAX || s.n == 0 || s.p[0] == '.' || !text_is_utf8(s))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7F)
			return false;
	return true;
}

bool setting_piece_is_good(enum setting_kind kind, struct slice piece)
{
	return kind == SETTING_CIPHERS ? is_cipher(piece) : is_file_name(piece);
}

static bool pieces_are_good(const struct item *item, enum setting_kind kind)
{
	for (size_t i = 0; i < item->count; i++) {
		struct slice rest = item->values[i], piece;

		while (setting_piece(kind, &rest, &piece))
			if (piece.n > 0 && !setting_piece_is_good(kind, piece))
				return false;
	}
	return true;
}

/* --- complaints ---------------------------------------------------------------- */

/* `*view` would mean all whom a view of the directory lists; there are no views here. */
static bool names_a_view(const struct item *item)
{
	for (size_t i = 0; i < item->count; i++) {
		struct slice entry = text_trim(item->values[i]);

		if (entry.n > 1 && entry.p[0] == '*' && entry.p[1] != '/')
			return true;
	}
	return false;
}

const char *setting_complaint(const struct note *note, enum setting which)
{
	const struct directory_setting *setting = &directory_settings[which];
	struct slice value = setting_text(note, which);
	uint16_t port;
	uint64_t number;
	int type;
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
	case SETTING_ACCESS:
		return names_a_view(setting_item(note, which)) ?
		       "names a view (`*` followed by a name), which is not understood" : NULL;
	case SETTING_GROUP_TYPE:
		return read_group_type(value, &type) ? NULL : "is no group type from 0 to 4";
	case SETTING_NUMBER:
		return read_number(value, SETTING_NUMBER_MAX, &number) ? NULL
		       : "is not a whole number from 0 to 100000000";
	case SETTING_FILES:
		return pieces_are_good(setting_item(note, which), setting->kind) ? NULL
		       : "holds a name that no file may have";
	case SETTING_CIPHERS:
		return pieces_are_good(setting_item(note, which), setting->kind) ? NULL
		       : "holds what is no cipher suite: two or four hexadecimal digits, such as C02F";
	case SETTING_UNIT:
		return read_unit(value) != 0 ? NULL : "is none of minutes, hours, days";
	default:
		return NULL;
	}
}

/*
 * Which item of which document says what: the one table of names. Item names
 * are compared without regard to case; where the real name is not confirmed,
 * several spellings are accepted and the first that is there counts.
 */
#ifndef POSTIL_DIRECTORY_SETTINGS_H
#define POSTIL_DIRECTORY_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/note.h"

enum setting {
	SET_SERVER_NAME, SET_HOST_NAME, SET_POP3_PORT, SET_POP3_PORT_STATUS, SET_POP3_PASSWORD,
	SET_POP3_TLS_PORT, SET_POP3_TLS_STATUS, SET_POP3_TLS_PASSWORD, SET_POP3_TLS_CERTIFICATE,
	SET_POP3_ENFORCE_ACCESS, SET_NAME_VARIATIONS, SET_INTERNET_SITES,
	SET_FULL_NAME, SET_ALTERNATE_NAME, SET_SHORT_NAME, SET_FIRST_NAME, SET_LAST_NAME,
	SET_INTERNET_ADDRESS, SET_HTTP_PASSWORD, SET_USER_CERTIFICATE, SET_MAIL_SERVER, SET_MAIL_FILE,
	SET_FORWARD, SET_GROUP_NAME, SET_GROUP_TYPE, SET_GROUP_MEMBERS, SET_GROUP_ADDRESS, SET_MAILIN_NAME,
	SET_DOMAIN_TYPE, SET_DOMAIN_PRIMARY, SET_DOMAIN_ALIASES,
	SET_ALLOW_ACCESS, SET_DENY_ACCESS, SET_TRUSTED_DIRECTORIES,
	SET_SITE_NAME, SET_SITE_ORGANIZATION, SET_SITE_ADDRESSES, SET_SITE_HOSTS, SET_SITE_PASSWORD,
	SET_SITE_TLS_PASSWORD, SET_SITE_CERTIFICATE,
	/* of TLS, the same of a Server and of a POP3Site document */
	SET_TLS_KEY_FILES, SET_TLS_CIPHERS, SET_TLS_ACCEPT_EXPIRED, SET_TLS_CHECK_CRLS,
	SET_TLS_TRUST_EXPIRED_CRLS, SET_TLS_ALLOW_CRL_FAILURE, SET_TLS_STLS,
	SET_SITE_TLS_KEY_FILES, SET_SITE_TLS_CIPHERS, SET_SITE_TLS_ACCEPT_EXPIRED,
	SET_SITE_TLS_CHECK_CRLS, SET_SITE_TLS_TRUST_EXPIRED_CRLS, SET_SITE_TLS_ALLOW_CRL_FAILURE,
	SET_SITE_TLS_STLS,
	SET_CONFIG_SERVER, SET_CONFIG_DEFAULT, SET_LOCKOUT, SET_LOCKOUT_TRIES,
	SET_LOCKOUT_EXPIRES_MINUTES, SET_LOCKOUT_EXPIRES, SET_LOCKOUT_EXPIRES_UNIT,
	SET_LOCKOUT_CLEARS_MINUTES, SET_LOCKOUT_CLEARS, SET_LOCKOUT_CLEARS_UNIT,
	SET_LOCKOUT_LOG_LOCKOUTS, SET_LOCKOUT_LOG_FAILURES, SET_LOCKOUT_ADDRESS,
	SET_LOCKOUT_COUNT_ADDRESS,
	SETTING_COUNT
};

enum setting_kind {
	SETTING_TEXT,
	SETTING_NAME,           /* a Notes name, or several */
	SETTING_PORT,           /* 1 to 65535 */
	SETTING_SWITCH,         /* on: 1, Enabled, Yes, On, True; off: 0, 2, Disabled, No, ... */
	SETTING_VARIATIONS,     /* on: 1, More...; off: 0, 2, Fewer... */
	SETTING_DIGEST,         /* values are never shown */
	SETTING_ACCESS,         /* names, groups and patterns */
	SETTING_GROUP_TYPE,     /* 0 to 4, or the label */
	SETTING_NUMBER,         /* 0 to SETTING_NUMBER_MAX */
	SETTING_UNIT,           /* minutes, hours, days */
	SETTING_CERTIFICATE,    /* values are octets, base64 or PEM */
	SETTING_FILES,          /* names of files, paths before them cut off */
	SETTING_CIPHERS         /* hexadecimal codes of IANA */
};

#define SETTING_NUMBER_MAX 100000000

#define SETTING_ITEMS_MAX 4

struct directory_setting {
	const char *form;               /* of the document */
	const char *label;              /* what administrators see */
	const char *items[SETTING_ITEMS_MAX];
	enum setting_kind kind;
	const char *fallback;           /* what counts when no item is there; NULL: nothing */
	bool confirmed;                 /* the first name has been seen in a real directory */
};

extern const struct directory_setting directory_settings[SETTING_COUNT];

/* The first item of the setting that is there and not empty, or NULL. */
const struct item *setting_item(const struct note *note, enum setting which);
struct slice setting_text(const struct note *note, enum setting which);        /* first one that is not empty */
bool setting_switch(const struct note *note, enum setting which);
uint16_t setting_port(const struct note *note, enum setting which);
/* The whole number in it or in the fallback. false: neither. */
bool setting_number(const struct note *note, enum setting which, uint64_t *value_r);
unsigned setting_unit_secs(const struct note *note, enum setting which);
/* GroupType of a Group document: 0 multi-purpose, 1 mail only, 2 access control list
 * only, 3 deny list only, 4 servers only. */
int setting_group_type(const struct note *note);
/* Values of a setting of files or ciphers: one behind the other, those of a list and those
 * of one text with commas between. rest begins as a value; false: no more in it. */
bool setting_piece(enum setting_kind kind, struct slice *rest, struct slice *piece_r);
/* Can it be used: is it a file's name, a cipher's code? */
bool setting_piece_is_good(enum setting_kind kind, struct slice piece);
/* Is the value one that is understood? NULL: yes; else what is wrong with it. */
const char *setting_complaint(const struct note *note, enum setting which);

#endif

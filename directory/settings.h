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
	SET_INTERNET_ADDRESS, SET_HTTP_PASSWORD, SET_MAIL_SERVER, SET_MAIL_FILE,
	SET_GROUP_NAME, SET_GROUP_TYPE, SET_GROUP_MEMBERS, SET_MAILIN_NAME,
	SETTING_COUNT
};

enum setting_kind {
	SETTING_TEXT,
	SETTING_NAME,           /* a Notes name, or several */
	SETTING_PORT,           /* 1 to 65535 */
	SETTING_SWITCH,         /* on: 1, Enabled, Yes, On, True; off: 0, 2, Disabled, No, ... */
	SETTING_VARIATIONS,     /* on: 1, More...; off: 0, 2, Fewer... */
	SETTING_DIGEST          /* values are never shown */
};

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
struct slice setting_text(const struct note *note, enum setting which);        /* first value */
bool setting_switch(const struct note *note, enum setting which);
uint16_t setting_port(const struct note *note, enum setting which);
/* Is the value one that is understood? NULL: yes; else what is wrong with it. */
const char *setting_complaint(const struct note *note, enum setting which);

#endif

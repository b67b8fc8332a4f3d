/*
 * What the server says to people, in every language it knows (RFC 6856 section 3). Keywords,
 * numbers and response codes are the same in all of them.
 *
 * One table: another language is one more column and one more line in language.c. $1 and $2
 * stand for what differs from answer to answer. A connection begins with i-default, which is
 * English in ASCII (RFC 2277); so are the greeting and the answer to one there is no room for.
 */
#ifndef POSTIL_POP3_LANGUAGE_H
#define POSTIL_POP3_LANGUAGE_H

#include "base/buf.h"

enum pop3_language { LANGUAGE_DEFAULT, LANGUAGE_EN, LANGUAGE_DE };
#define LANGUAGES 3

/*      name                  i-default and en, de */
#define POP3_TEXTS(TEXT) \
	TEXT(NOTHING,             "", \
	                          "") \
	TEXT(SITE_DISABLED,       "This site is not enabled on the server", \
	                          "Diese Site ist auf dem Server nicht freigegeben") \
	TEXT(NO_LOGIN,            "login is not enabled on this port", \
	                          "Anmeldungen sind auf diesem Port nicht freigegeben") \
	TEXT(NO_PASSWORD,         "name and password are not accepted on this port", \
	                          "Name und Passwort werden auf diesem Port nicht angenommen") \
	TEXT(NO_NAME,             "the user name is empty", \
	                          "der Benutzername ist leer") \
	TEXT(USER_FIRST,          "PASS must follow USER immediately", \
	                          "PASS muss unmittelbar auf USER folgen") \
	TEXT(NOT_BASE64,          "that is not base64", \
	                          "das ist nicht base64") \
	TEXT(NOT_PLAIN,           "that is not a response to PLAIN", \
	                          "das ist keine Antwort auf PLAIN") \
	TEXT(NOT_EXTERNAL,        "that is not a response to EXTERNAL", \
	                          "das ist keine Antwort auf EXTERNAL") \
	TEXT(NO_SUCH_MECHANISM,   "unknown authentication mechanism", \
	                          "unbekanntes Anmeldeverfahren") \
	TEXT(MECHANISM_CLOSED,    "this authentication mechanism is not offered here", \
	                          "dieses Anmeldeverfahren wird hier nicht angeboten") \
	TEXT(CANCELLED,           "authentication cancelled", \
	                          "Anmeldung abgebrochen") \
	TEXT(NO_STLS,             "STLS is not possible on this connection", \
	                          "STLS ist auf dieser Verbindung nicht möglich") \
	TEXT(BEGIN_TLS,           "Begin TLS negotiation", \
	                          "TLS kann beginnen") \
	TEXT(STLS_FIRST,          "STLS first, nothing else is answered before TLS", \
	                          "erst STLS, vor TLS wird nichts anderes beantwortet") \
	TEXT(NO_COMMAND,          "a line must begin with a command", \
	                          "eine Zeile muss mit einem Kommando beginnen") \
	TEXT(UNKNOWN_COMMAND,     "unknown command", \
	                          "unbekanntes Kommando") \
	TEXT(LOG_IN_FIRST,        "log in first", \
	                          "erst anmelden") \
	TEXT(LOGGED_IN,           "you are logged in already", \
	                          "Sie sind bereits angemeldet") \
	TEXT(ONE_SPACE,           "only one space may stand between words", \
	                          "zwischen zwei Wörtern darf nur ein Leerzeichen stehen") \
	TEXT(TOO_MANY_ARGUMENTS,  "too many arguments", \
	                          "zu viele Argumente") \
	TEXT(MISSING_ARGUMENT,    "missing argument", \
	                          "ein Argument fehlt") \
	TEXT(USAGE,               "$1, expected: $2", \
	                          "$1, erwartet wird: $2") \
	TEXT(BAD_OCTETS,          "the line holds octets that are not allowed", \
	                          "die Zeile enthält unerlaubte Zeichen") \
	TEXT(LINE_TOO_LONG,       "line too long", \
	                          "die Zeile ist zu lang") \
	TEXT(LINE_TOO_LONG_AUTH,  "line too long, authentication cancelled", \
	                          "die Zeile ist zu lang, Anmeldung abgebrochen") \
	TEXT(TOO_MANY_BAD,        "too many bad commands, closing connection", \
	                          "zu viele fehlerhafte Kommandos, die Verbindung wird beendet") \
	TEXT(NUMBER_SIGN,         "a number has no sign", \
	                          "eine Zahl hat hier kein Vorzeichen") \
	TEXT(NOT_A_NUMBER,        "not a number", \
	                          "das ist keine Zahl") \
	TEXT(LEADING_ZEROS,       "a number has no leading zeros", \
	                          "eine Zahl hat keine führenden Nullen") \
	TEXT(NUMBER_TOO_LARGE,    "the number is too large", \
	                          "die Zahl ist zu groß") \
	TEXT(NUMBERS_FROM_1,      "message numbers start at 1", \
	                          "Nachrichten sind ab 1 nummeriert") \
	TEXT(NO_MESSAGE,          "no message $1, the maildrop has $2 messages", \
	                          "keine Nachricht $1, das Postfach hat $2 Nachrichten") \
	TEXT(NO_MESSAGE_OF_ONE,   "no message $1, the maildrop has $2 message", \
	                          "keine Nachricht $1, das Postfach hat $2 Nachricht") \
	TEXT(GONE,                "message $1 has been deleted in this session", \
	                          "Nachricht $1 ist in dieser Sitzung gelöscht worden") \
	TEXT(SHUTTING_DOWN,       "the server is shutting down, try again later", \
	                          "der Server wird beendet, versuchen Sie es später wieder") \
	TEXT(MESSAGES,            "$1 messages ($2 octets)", \
	                          "$1 Nachrichten ($2 Oktette)") \
	TEXT(ONE_MESSAGE,         "$1 message ($2 octets)", \
	                          "$1 Nachricht ($2 Oktette)") \
	TEXT(OCTETS,              "$1 octets", \
	                          "$1 Oktette") \
	TEXT(TOP,                 "top of message follows", \
	                          "der Anfang der Nachricht folgt") \
	TEXT(PAPERS,              "$1, your papers please.", \
	                          "$1, Ihre Papiere bitte.") \
	TEXT(HAS_MESSAGES,        "$1 has $2 messages.", \
	                          "$1 hat $2 Nachrichten.") \
	TEXT(HAS_ONE_MESSAGE,     "$1 has $2 message.", \
	                          "$1 hat $2 Nachricht.") \
	TEXT(YOUR_MAILDROP,       "your maildrop", \
	                          "Ihr Postfach") \
	TEXT(WRONG_PASSWORD,      "invalid user name or password", \
	                          "Benutzername oder Passwort ist ungültig") \
	TEXT(IN_USE,              "unable to gain exclusive access to maildrop, another session has it", \
	                          "das Postfach wird von einer anderen Sitzung benutzt") \
	TEXT(TOO_MANY_SESSIONS,   "too many sessions of this user", \
	                          "zu viele Sitzungen dieses Benutzers") \
	TEXT(NO_ACCESS,           "you are not authorized to use the server", \
	                          "Sie dürfen diesen Server nicht benutzen") \
	TEXT(NO_RIGHTS,           "you are not authorized to read your mail file, ask the administrator", \
	                          "Sie dürfen Ihre Maildatei nicht lesen, fragen Sie den Administrator") \
	TEXT(WRONG_SERVER,        "your mail file is on another server", \
	                          "Ihre Maildatei liegt auf einem anderen Server") \
	TEXT(NO_MAILFILE,         "you have no mail file on this server", \
	                          "Sie haben auf diesem Server keine Maildatei") \
	TEXT(LOGIN_LATER,         "login is not possible now, try again later", \
	                          "die Anmeldung ist zur Zeit nicht möglich, versuchen Sie es später wieder") \
	TEXT(LOGIN_BROKEN,        "your mail file cannot be opened, ask the administrator", \
	                          "Ihre Maildatei kann nicht geöffnet werden, fragen Sie den Administrator") \
	TEXT(DELETED,             "message $1 deleted", \
	                          "Nachricht $1 gelöscht") \
	TEXT(MAY_NOT_DELETE,      "you are not authorized to delete in this mail file", \
	                          "Sie dürfen in dieser Maildatei nichts löschen") \
	TEXT(NOT_DELETED,         "out of memory, the message is not deleted", \
	                          "kein Speicher, die Nachricht ist nicht gelöscht") \
	TEXT(SIGNING_OFF,         "Postil POP3 server signing off.", \
	                          "Der Postil-POP3-Server verabschiedet sich.") \
	TEXT(SIGNING_OFF_DELETED, "Postil POP3 server signing off ($1 messages deleted).", \
	                          "Der Postil-POP3-Server verabschiedet sich ($1 Nachrichten gelöscht).") \
	TEXT(SIGNING_OFF_ONE,     "Postil POP3 server signing off ($1 message deleted).", \
	                          "Der Postil-POP3-Server verabschiedet sich ($1 Nachricht gelöscht).") \
	TEXT(OUTCOME_UNKNOWN,     "it is not known whether the messages were deleted, log in again to see", \
	                          "ob die Nachrichten gelöscht sind, ist nicht bekannt, melden Sie sich neu an") \
	TEXT(NOT_UPDATED_RIGHTS,  "you may not delete here, nothing was deleted", \
	                          "Sie dürfen hier nichts löschen, nichts ist gelöscht") \
	TEXT(NOT_UPDATED,         "the maildrop could not be updated, nothing was deleted", \
	                          "das Postfach konnte nicht geändert werden, nichts ist gelöscht") \
	TEXT(REMOVED,             "the message was removed by another program", \
	                          "die Nachricht ist von einem anderen Programm entfernt worden") \
	TEXT(UNREADABLE,          "the message cannot be read, ask the administrator", \
	                          "die Nachricht ist nicht lesbar, fragen Sie den Administrator") \
	TEXT(UNREADABLE_NOW,      "the message cannot be read now, try again later", \
	                          "die Nachricht ist zur Zeit nicht lesbar, versuchen Sie es später wieder") \
	TEXT(CAPABILITIES,        "Capability list follows", \
	                          "Die Fähigkeiten folgen") \
	TEXT(MECHANISMS,          "Mechanisms follow", \
	                          "Die Anmeldeverfahren folgen") \
	TEXT(UTF8_BEGINS,         "UTF-8 mode", \
	                          "UTF-8 gilt") \
	TEXT(NEEDS_UTF8,          "the message can be shown in UTF-8 mode only, say UTF8 before you log in", \
	                          "die Nachricht ist nur mit UTF-8 darstellbar, schicken Sie UTF8 vor der Anmeldung") \
	TEXT(LANGUAGES_FOLLOW,    "Language listing follows", \
	                          "Die Sprachen folgen") \
	TEXT(LANGUAGE_CHANGED,    "language changed", \
	                          "Sprache gewechselt") \
	TEXT(NO_SUCH_LANGUAGE,    "language $1 is not spoken here", \
	                          "die Sprache $1 wird hier nicht gesprochen")

#define POP3_TEXT_ID(name, english, german) TEXT_##name,
enum pop3_text { POP3_TEXTS(POP3_TEXT_ID) TEXT_COUNT };
#undef POP3_TEXT_ID

/* The text as it stands in the table. */
const char *language_text(enum pop3_language in, enum pop3_text text);
/* Appended with the arguments in their places, as they are. */
void language_say(struct buf *out, enum pop3_language in, enum pop3_text text,
                  struct slice first, struct slice second);

/* Its tag (RFC 5646), and its name in itself; "" for i-default. */
const char *language_tag(enum pop3_language language);
const char *language_name(enum pop3_language language);
/* The language that a basic language range (RFC 4647) stands for: that of this tag, one that
 * the range begins, or else the range with its last subtags taken off (lookup, section 3.4).
 * `*` is preferred. false: there is none. */
bool language_find(struct slice range, enum pop3_language preferred, enum pop3_language *language_r);

#endif

/*
 * Every answer (RFC 1939 section 3, RFC 2449 sections 4 and 8,
 * RFC 3206, RFC 6856). Nobody else writes a status indicator. A reply line is at most 512
 * octets, and user-given text in it is escaped first.
 */
#ifndef POSTIL_POP3_REPLY_H
#define POSTIL_POP3_REPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "addin/pop3/language.h"
#include "addin/pop3/seam.h"
#include "base/buf.h"

struct pop3_session_options;
struct pop3_door;

enum reply_code {
	CODE_NONE,
	CODE_AUTH,              /* [AUTH] */
	CODE_IN_USE,            /* [IN-USE] */
	CODE_SYS_TEMP,          /* [SYS/TEMP] */
	CODE_SYS_PERM,          /* [SYS/PERM] */
	CODE_UTF8               /* [UTF8], RFC 6856 section 5 */
};

/* Sent to a connection there is no room for. */
extern const char reply_refused_line[];

/* in: the language of the words. */
void reply_ok(struct buf *out, const char *text);
void reply_say(struct buf *out, enum pop3_language in, enum pop3_text text);
void reply_error(struct buf *out, enum pop3_language in, enum reply_code code,
                 enum pop3_text text);
void reply_referral(struct buf *out, enum pop3_language in, const char *url); /* -ERR [REFERRAL/url] */
/* Two numbers and nothing else: STAT, LIST n. */
void reply_numbers(struct buf *out, uint64_t first, uint64_t second);
void reply_number_text(struct buf *out, uint32_t number, struct slice text);   /* UIDL n */
/* "N messages (M octets)" */
void reply_maildrop(struct buf *out, enum pop3_language in, uint32_t messages, uint64_t octets);
void reply_octets(struct buf *out, enum pop3_language in, uint64_t octets);            /* RETR */
void reply_user(struct buf *out, enum pop3_language in, struct slice name);            /* asks for the password */
void reply_welcome(struct buf *out, enum pop3_language in, struct slice name, uint32_t messages);  /* name: if told */
void reply_login(struct buf *out, enum pop3_language in, enum pop3_login_result result);       /* a refusal */
void reply_deleted(struct buf *out, enum pop3_language in, uint32_t number);
void reply_no_message(struct buf *out, enum pop3_language in, uint64_t number, uint32_t messages);
void reply_gone(struct buf *out, enum pop3_language in, uint32_t number);
void reply_usage(struct buf *out, enum pop3_language in, enum pop3_text what, const char *usage);
void reply_signing_off(struct buf *out, enum pop3_language in, uint32_t deleted);
void reply_not_updated(struct buf *out, enum pop3_language in, STATUS status);
void reply_read_failed(struct buf *out, enum pop3_language in, STATUS status);
/* before_login: STLS is told where it may still be said. */
void reply_capabilities(struct buf *out, enum pop3_language in, const struct pop3_session_options *options,
                        const struct pop3_door *door, bool before_login);
void reply_mechanisms(struct buf *out, enum pop3_language in, const struct pop3_door *door);   /* AUTH alone */
/* LANG alone: every language; the one chosen, in itself; one there is none of. */
void reply_languages(struct buf *out, enum pop3_language in);
void reply_language(struct buf *out, enum pop3_language chosen);
void reply_no_language(struct buf *out, enum pop3_language in, struct slice range);
void reply_challenge(struct buf *out);                          /* "+ " */
void reply_end(struct buf *out);                                /* "." of a long answer */
/* Is trying again later of use? */
enum reply_code reply_code_of(STATUS status);

#endif

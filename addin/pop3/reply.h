/*
 * The words of every answer (RFC 1939 section 3, RFC 2449 sections 4 and 8,
 * RFC 3206). Nobody else writes a status indicator. A reply line is at most 512
 * octets, and user-given text in it is escaped first.
 */
#ifndef POSTIL_POP3_REPLY_H
#define POSTIL_POP3_REPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "addin/pop3/seam.h"
#include "base/buf.h"

struct pop3_session_options;
struct pop3_door;

/* The refusal of a connection that may do nothing (Domino's text), without -ERR. */
#define REPLY_SITE_DISABLED "This site is not enabled on the server"

enum reply_code {
	CODE_NONE,
	CODE_AUTH,              /* [AUTH] */
	CODE_IN_USE,            /* [IN-USE] */
	CODE_SYS_TEMP,          /* [SYS/TEMP] */
	CODE_SYS_PERM           /* [SYS/PERM] */
};

/* Sent to a connection there is no room for. */
extern const char reply_refused_line[];

void reply_ok(struct buf *out, const char *text);
void reply_error(struct buf *out, enum reply_code code, const char *text);
void reply_referral(struct buf *out, const char *url);  /* -ERR [REFERRAL/url] */
/* Two numbers and nothing else: STAT, LIST n. */
void reply_numbers(struct buf *out, uint64_t first, uint64_t second);
void reply_number_text(struct buf *out, uint32_t number, struct slice text);   /* UIDL n */
/* "N messages (M octets)" */
void reply_maildrop(struct buf *out, uint32_t messages, uint64_t octets);
void reply_octets(struct buf *out, uint64_t octets);            /* RETR */
void reply_user(struct buf *out, struct slice name);            /* asks for the password */
void reply_welcome(struct buf *out, struct slice name, uint32_t messages);  /* name: if told */
void reply_login(struct buf *out, enum pop3_login_result result);       /* a refusal */
void reply_deleted(struct buf *out, uint32_t number);
void reply_no_message(struct buf *out, uint64_t number, uint32_t messages);
void reply_gone(struct buf *out, uint32_t number);
void reply_usage(struct buf *out, const char *what, const char *usage);
void reply_signing_off(struct buf *out, uint32_t deleted);
void reply_not_updated(struct buf *out, STATUS status);
void reply_read_failed(struct buf *out, STATUS status);
/* before_login: STLS is told where it may still be said. */
void reply_capabilities(struct buf *out, const struct pop3_session_options *options,
                        const struct pop3_door *door, bool before_login);
void reply_mechanisms(struct buf *out, const struct pop3_door *door);   /* AUTH alone */
void reply_challenge(struct buf *out);                          /* "+ " */
void reply_end(struct buf *out);                                /* "." of a long answer */
/* Is trying again later of use? */
enum reply_code reply_code_of(STATUS status);

#endif

/*
 * The words of every answer: reply codes of RFC 5321, section 4.2.3, with the enhanced codes of
 * RFC 3463 and 5248. Nobody else writes a code. Nothing that a peer has sent is in an answer.
 */
#ifndef POSTIL_LMTP_REPLY_H
#define POSTIL_LMTP_REPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "addin/lmtp/argument.h"
#include "addin/mail/recipient.h"
#include "base/buf.h"
#include "base/status.h"

/* One answer in one line: "250 2.1.0 text". */
struct reply {
	uint16_t code;
	const char *enhanced;           /* "2.1.0"; NULL: none (220, 354) */
	const char *text;
};

/* Sent to a connection there is no room for, and to one from a network that is not trusted. */
extern const char reply_refused_line[];
extern const char reply_untrusted_line[];

extern const struct reply reply_go_ahead, reply_mail_ok, reply_ok, reply_bye, reply_vrfy, reply_help,
	reply_not_lmtp, reply_hello_first, reply_no_mail, reply_mail_given, reply_no_recipients,
	reply_too_many_recipients, reply_unknown_command, reply_not_here, reply_bare_line,
	reply_line_too_long, reply_bad_octets, reply_no_argument, reply_hello_argument, reply_too_large,
	reply_bdat_argument, reply_bdat_begun, reply_too_many_errors, reply_ending, reply_no_memory;

void reply_add(struct buf *out, const struct reply *reply);
void reply_greeting(struct buf *out, const char *text);         /* 220 */
/* What LHLO is answered: the extensions. */
void reply_hello(struct buf *out, const char *host, uint64_t max_octets);
void reply_chunk(struct buf *out, uint64_t octets);             /* BDAT, not the last */
const struct reply *reply_of_argument(enum argument_fault fault, bool mail);
const struct reply *reply_of_result(enum recipient_result result);
/* Of a delivery. quota_stays: being over quota is answered 552 (the message is returned), else 452
 * (it is tried again). */
const struct reply *reply_of_status(STATUS status, bool quota_stays);

#endif

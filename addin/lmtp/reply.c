/* The answers. No input. */
#include "addin/lmtp/reply.h"

#include <inttypes.h>

const char reply_refused_line[] = "421 4.3.2 too many connections, try again later\r\n";
const char reply_untrusted_line[] = "554 5.7.1 this address may not deliver here\r\n";

const struct reply reply_go_ahead = { 354, NULL, "send the message, a line with nothing but a dot ends it" };
const struct reply reply_mail_ok = { 250, "2.1.0", "sender ok" };
const struct reply reply_ok = { 250, "2.0.0", "ok" };
const struct reply reply_bye = { 221, "2.0.0", "bye" };
const struct reply reply_vrfy = { 252, "2.0.0", "send some mail, then it will be seen" };
const struct reply reply_help = { 214, "2.0.0", "LHLO MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT; see postil-lmtp(8)" };
const struct reply reply_not_lmtp = { 500, "5.5.1", "this is LMTP, say LHLO" };
const struct reply reply_hello_first = { 503, "5.5.1", "say LHLO first" };
const struct reply reply_no_mail = { 503, "5.5.1", "say MAIL first" };
const struct reply reply_mail_given = { 503, "5.5.1", "MAIL has been said" };
const struct reply reply_no_recipients = { 503, "5.5.1", "no valid recipients" };
const struct reply reply_too_many_recipients = { 452, "4.5.3", "too many recipients, send the message to these first" };
const struct reply reply_unknown_command = { 500, "5.5.1", "unknown command" };
const struct reply reply_not_here = { 502, "5.5.1", "not done here" };
const struct reply reply_bare_line = { 500, "5.5.2", "a line must end with CRLF" };
const struct reply reply_line_too_long = { 500, "5.5.2", "line too long" };
const struct reply reply_bad_octets = { 500, "5.5.2", "the line holds octets that are not allowed" };
const struct reply reply_no_argument = { 501, "5.5.4", "the command has no argument" };
const struct reply reply_hello_argument = { 501, "5.5.4", "LHLO has one argument, a host name" };
const struct reply reply_too_large = { 552, "5.3.4", "the message is too large" };
const struct reply reply_bdat_argument = { 501, "5.5.4", "BDAT has a number of octets, then perhaps LAST" };
const struct reply reply_bdat_begun = { 503, "5.5.1", "the message has begun with BDAT" };
const struct reply reply_too_many_errors = { 421, "4.7.0", "too many bad commands, closing the connection" };
const struct reply reply_ending = { 421, "4.3.2", "the server is shutting down, try again later" };
const struct reply reply_no_memory = { 421, "4.3.0", "out of memory, try again later" };

void reply_add(struct buf *out, const struct reply *r)
{
	if (r->enhanced != NULL)
		buf_addf(out, "%u %s %s\r\n", (unsigned)r->code, r->enhanced, r->text);
	else
		buf_addf(out, "%u %s\r\n", (unsigned)r->code, r->text);
}

void reply_greeting(struct buf *out, const char *text)
{
	buf_addf(out, "220 %s\r\n", text);
}

void reply_hello(struct buf *out, const char *host, uint64_t max_octets)
{
	buf_addf(out, "250-%s\r\n", host);
	buf_add_str(out, "250-PIPELINING\r\n");
	buf_addf(out, "250-SIZE %" PRIu64 "\r\n", max_octets);
	buf_add_str(out, "250-8BITMIME\r\n250-SMTPUTF8\r\n250-CHUNKING\r\n250 ENHANCEDSTATUSCODES\r\n");
}

void reply_chunk(struct buf *out, uint64_t octets)
{
	buf_addf(out, "250 2.0.0 %" PRIu64 " octets received\r\n", octets);
}

const struct reply *reply_of_argument(enum argument_fault fault, bool mail)
{
	static const struct reply syntax[] = {
		{ 501, "5.5.4", "say RCPT TO:<address>" },
		{ 501, "5.5.4", "say MAIL FROM:<address>, then parameters" },
	};
	static const struct reply address[] = {
		{ 501, "5.1.3", "the recipient is no address in angle brackets" },
		{ 501, "5.1.7", "the sender is no address in angle brackets" },
	};
	static const struct reply unknown = { 555, "5.5.4", "a parameter is not known here" };
	static const struct reply needs_utf8 = { 553, "5.6.7", "an address beyond ASCII needs SMTPUTF8" };

	return fault == ARGUMENT_SYNTAX ? &syntax[mail] : fault == ARGUMENT_ADDRESS ? &address[mail]
	       : fault == ARGUMENT_UNKNOWN ? &unknown : &needs_utf8;
}

const struct reply *reply_of_result(enum recipient_result result)
{
	static const struct reply replies[] = {
		[RECIPIENT_FOUND] = { 250, "2.1.5", "recipient ok" },
		[RECIPIENT_UNKNOWN] = { 550, "5.1.1", "no such recipient here" },
		[RECIPIENT_ELSEWHERE] = { 550, "5.1.2", "no such recipient, and not a domain of this server" },
		[RECIPIENT_NO_MAIL_FILE] = { 550, "5.2.1", "the recipient has no mail file" },
		[RECIPIENT_FORWARDED] = { 550, "5.1.6", "the recipient's mail belongs to another address, and nothing is "
			"sent on from here" },
		[RECIPIENT_OTHER_SERVER] = { 550, "5.1.6", "the recipient's mail file is on another server" },
		[RECIPIENT_GROUP_EMPTY] = { 550, "5.2.4", "no member of the group has a mail file here" },
		[RECIPIENT_GROUP_LARGE] = { 550, "5.2.4", "the group is too large" },
		[RECIPIENT_AMBIGUOUS] = { 451, "4.1.4", "more than one person has this name" },
		[RECIPIENT_BAD_MAIL_FILE] = { 451, "4.3.5", "the recipient's mail file cannot be used" },
		[RECIPIENT_TROUBLE] = { 451, "4.3.0", "the directory cannot be asked, try again later" },
	};

	return &replies[result];
}

const struct reply *reply_of_status(STATUS status, bool quota_stays)
{
	static const struct reply delivered = { 250, "2.0.0", "delivered" };
	static const struct reply over_quota[] = {
		{ 452, "4.2.2", "the mail file is over its quota" },
		{ 552, "5.2.2", "the mail file is over its quota" },
	};
	static const struct reply no_space = { 452, "4.3.1", "no space is left, try again later" };
	static const struct reply busy = { 451, "4.3.2", "the server is busy, try again later" };
	static const struct reply timeout = { 451, "4.4.2", "the mail file does not answer, try again later" };
	static const struct reply trouble = { 451, "4.3.0", "the mail file cannot be written now" };

	switch (status) {
	case NOERROR: return &delivered;
	case POSTIL_ERR_QUOTA: return &over_quota[quota_stays];
	case POSTIL_ERR_TOO_LONG: return &reply_too_large;
	case POSTIL_ERR_DISK_FULL: return &no_space;
	case POSTIL_ERR_LIMIT:
	case POSTIL_ERR_BUSY:
	case POSTIL_ERR_MEMORY: return &busy;
	case POSTIL_ERR_TIMEOUT: return &timeout;
	default: return &trouble;
	}
}

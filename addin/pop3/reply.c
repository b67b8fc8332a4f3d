/*
 * Every answer's text. Distrusts the login name, which is shown back: it is
 * escaped and cut, so that it can neither end the line nor imitate a response code.
 */
#include "addin/pop3/reply.h"

#include <inttypes.h>

#include "addin/pop3/session.h"
#include "base/text.h"

#define SHOWN_NAME_OCTETS 64

static const char *const codes[] = {
	[CODE_NONE] = "",
	[CODE_AUTH] = "[AUTH] ",
	[CODE_IN_USE] = "[IN-USE] ",
	[CODE_SYS_TEMP] = "[SYS/TEMP] ",
	[CODE_SYS_PERM] = "[SYS/PERM] ",
};

const char reply_refused_line[] = "-ERR [SYS/TEMP] too many connections, try again later\r\n";

void reply_ok(struct buf *out, const char *text)
{
	buf_add_str(out, "+OK");
	if (text[0] != '\0')
		buf_add_char(out, ' ');
	buf_add_str(out, text);
	buf_add(out, "\r\n", 2);
}

void reply_error(struct buf *out, enum reply_code code, const char *text)
{
	buf_add_str(out, "-ERR ");
	buf_add_str(out, codes[code]);
	buf_add_str(out, text);
	buf_add(out, "\r\n", 2);
}

void reply_referral(struct buf *out, const char *url)
{
	buf_addf(out, "-ERR [REFERRAL/%s] your mail file is on another server\r\n", url);
}

void reply_numbers(struct buf *out, uint64_t first, uint64_t second)
{
	buf_addf(out, "+OK %" PRIu64 " %" PRIu64 "\r\n", first, second);
}

void reply_number_text(struct buf *out, uint32_t number, struct slice text)
{
	buf_addf(out, "+OK %" PRIu32 " ", number);
	buf_add_slice(out, text);
	buf_add(out, "\r\n", 2);
}

void reply_maildrop(struct buf *out, uint32_t messages, uint64_t octets)
{
	buf_addf(out, "+OK %" PRIu32 " message%s (%" PRIu64 " octets)\r\n",
	         messages, text_plural(messages), octets);
}

void reply_octets(struct buf *out, uint64_t octets)
{
	buf_addf(out, "+OK %" PRIu64 " octets\r\n", octets);
}

void reply_user(struct buf *out, struct slice name)
{
	buf_add_str(out, "+OK ");
	text_escape(name, SHOWN_NAME_OCTETS, out);
	buf_add_str(out, ", your papers please.\r\n");
}

void reply_welcome(struct buf *out, struct slice name, uint32_t messages)
{
	buf_add_str(out, "+OK ");
	if (name.n == 0)
		buf_add_str(out, "your maildrop");
	text_escape(name, SHOWN_NAME_OCTETS, out);
	buf_addf(out, " has %" PRIu32 " message%s.\r\n", messages, text_plural(messages));
}

void reply_login(struct buf *out, enum pop3_login_result result)
{
	static const struct {
		enum reply_code code;
		const char *text;
	} refusals[] = {
		[POP3_LOGIN_REFUSED] = { CODE_AUTH, "invalid user name or password" },
		[POP3_LOGIN_IN_USE] = { CODE_IN_USE, "unable to gain exclusive access to maildrop, "
			"another session has it" },
		[POP3_LOGIN_LIMIT] = { CODE_IN_USE, "too many sessions of this user" },
		[POP3_LOGIN_NO_ACCESS] = { CODE_AUTH, "you are not authorized to use the server" },
		[POP3_LOGIN_NO_RIGHTS] = { CODE_SYS_PERM, "you are not authorized to read your mail file, "
			"ask the administrator" },
		[POP3_LOGIN_WRONG_SERVER] = { CODE_SYS_PERM, "your mail file is on another server" },
		[POP3_LOGIN_NO_MAILFILE] = { CODE_SYS_PERM, "you have no mail file on this server" },
		[POP3_LOGIN_TROUBLE_TEMP] = { CODE_SYS_TEMP, "login is not possible now, "
			"try again later" },
		[POP3_LOGIN_TROUBLE_PERM] = { CODE_SYS_PERM, "your mail file cannot be opened, "
			"ask the administrator" },
	};
	size_t i = (size_t)result;

	if (i >= sizeof(refusals) / sizeof(refusals[0]) || refusals[i].text == NULL)
		i = POP3_LOGIN_TROUBLE_TEMP;
	reply_error(out, refusals[i].code, refusals[i].text);
}

void reply_deleted(struct buf *out, uint32_t number)
{
	buf_addf(out, "+OK message %" PRIu32 " deleted\r\n", number);
}

void reply_no_message(struct buf *out, uint64_t number, uint32_t messages)
{
	buf_addf(out, "-ERR no message %" PRIu64 ", the maildrop has %" PRIu32 " message%s\r\n",
	         number, messages, text_plural(messages));
}

void reply_gone(struct buf *out, uint32_t number)
{
	buf_addf(out, "-ERR message %" PRIu32 " has been deleted in this session\r\n", number);
}

void reply_usage(struct buf *out, const char *what, const char *usage)
{
	buf_addf(out, "-ERR %s, expected: %s\r\n", what, usage);
}

void reply_signing_off(struct buf *out, uint32_t deleted)
{
	if (deleted == 0)
		reply_ok(out, "Postil POP3 server signing off.");
	else
		buf_addf(out, "+OK Postil POP3 server signing off (%" PRIu32
		         " message%s deleted).\r\n", deleted, text_plural(deleted));
}

enum reply_code reply_code_of(STATUS status)
{
	switch (status) {
	case POSTIL_ERR_NOEXIST:
	case POSTIL_ERR_NOACCESS:
	case POSTIL_ERR_DAMAGED:
	case POSTIL_ERR_FOREIGN:
	case POSTIL_ERR_SCHEMA:
	case POSTIL_ERR_NETWORK_FS:
	case POSTIL_ERR_PERMISSION:
		return CODE_SYS_PERM;
	default:
		return CODE_SYS_TEMP;
	}
}

void reply_not_updated(struct buf *out, STATUS status)
{
	if (status == POSTIL_ERR_UNKNOWN_OUTCOME)
		reply_error(out, CODE_SYS_TEMP, "it is not known whether the messages were deleted, "
		            "log in again to see");
	else if (status == POSTIL_ERR_NOACCESS)
		reply_error(out, CODE_SYS_PERM, "you may not delete here, nothing was deleted");
	else
		reply_error(out, reply_code_of(status), "the maildrop could not be updated, "
		            "nothing was deleted");
}

void reply_read_failed(struct buf *out, STATUS status)
{
	if (status == POSTIL_ERR_DELETED)
		reply_error(out, CODE_SYS_TEMP, "the message was removed by another program");
	else if (reply_code_of(status) == CODE_SYS_PERM)
		reply_error(out, CODE_SYS_PERM, "the message cannot be read, ask the administrator");
	else
		reply_error(out, CODE_SYS_TEMP, "the message cannot be read now, try again later");
}

/* SASL of no mechanism would be wrong (RFC 5034), so there is none then. */
static bool may_log_in(const struct pop3_door *door)
{
	return (door->password || door->certificate) && !door->stls_first;
}

static const char *mechanism(const struct pop3_door *door)
{
	return door->password ? "PLAIN" : "EXTERNAL";
}

/* RFC 2449 section 6: what may be said before login is told after it, too, but for STLS,
 * which RFC 2595 section 4 wants told before alone. */
void reply_capabilities(struct buf *out, const struct pop3_session_options *options,
                        const struct pop3_door *door, bool before_login)
{
	reply_ok(out, "Capability list follows");
	buf_add_str(out, "TOP\r\n");
	if (door->stls && before_login)
		buf_add_str(out, "STLS\r\n");
	if (may_log_in(door))
		buf_addf(out, "USER\r\nSASL %s\r\n", mechanism(door));
	buf_add_str(out, "RESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\nUIDL\r\n");
	if (options->expire_days == POP3_EXPIRE_NEVER)
		buf_add_str(out, "EXPIRE NEVER\r\n");
	else if (options->expire_days >= 0)
		buf_addf(out, "EXPIRE %d\r\n", options->expire_days);
	if (options->login_delay_secs >= 0)
		buf_addf(out, "LOGIN-DELAY %d\r\n", options->login_delay_secs);
	if (options->implementation != NULL)
		buf_addf(out, "IMPLEMENTATION %s\r\n", options->implementation);
	reply_end(out);
}

void reply_mechanisms(struct buf *out, const struct pop3_door *door)
{
	reply_ok(out, "Mechanisms follow");
	if (may_log_in(door))
		buf_addf(out, "%s\r\n", mechanism(door));
	reply_end(out);
}

void reply_challenge(struct buf *out)
{
	buf_add_str(out, "+ \r\n");
}

void reply_end(struct buf *out)
{
	buf_add_str(out, ".\r\n");
}

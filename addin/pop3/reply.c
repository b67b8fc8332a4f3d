/*
 * Every answer; its words are language.c's. Distrusts the login name, which is shown back: it is
 * escaped and cut, so that it can neither end the line nor imitate a response code.
 */
#include "addin/pop3/reply.h"

#include <inttypes.h>
#include <stdio.h>

#include "addin/pop3/session.h"
#include "base/text.h"

#define SHOWN_NAME_OCTETS 64

static const char *const codes[] = {
	[CODE_NONE] = "",
	[CODE_AUTH] = "[AUTH] ",
	[CODE_IN_USE] = "[IN-USE] ",
	[CODE_SYS_TEMP] = "[SYS/TEMP] ",
	[CODE_SYS_PERM] = "[SYS/PERM] ",
	[CODE_UTF8] = "[UTF8] ",
};

const char reply_refused_line[] = "-ERR [SYS/TEMP] too many connections, try again later\r\n";

static const struct slice nothing = { "", 0 };

/* A number as a slice that lives in digits. */
static struct slice decimal(char digits[24], uint64_t number)
{
	snprintf(digits, 24, "%" PRIu64, number);
	return slice_of(digits);
}

static void ok(struct buf *out, enum pop3_language in, enum pop3_text text, struct slice first,
               struct slice second)
{
	buf_add_str(out, "+OK ");
	language_say(out, in, text, first, second);
	buf_add(out, "\r\n", 2);
}

static void error(struct buf *out, enum pop3_language in, enum reply_code code, enum pop3_text text,
                  struct slice first, struct slice second)
{
	buf_add_str(out, "-ERR ");
	buf_add_str(out, codes[code]);
	language_say(out, in, text, first, second);
	buf_add(out, "\r\n", 2);
}

void reply_ok(struct buf *out, const char *text)
{
	buf_add_str(out, "+OK");
	if (text[0] != '\0')
		buf_add_char(out, ' ');
	buf_add_str(out, text);
	buf_add(out, "\r\n", 2);
}

void reply_say(struct buf *out, enum pop3_language in, enum pop3_text text)
{
	ok(out, in, text, nothing, nothing);
}

void reply_error(struct buf *out, enum pop3_language in, enum reply_code code,
                 enum pop3_text text)
{
	error(out, in, code, text, nothing, nothing);
}

void reply_referral(struct buf *out, enum pop3_language in, const char *url)
{
	buf_addf(out, "-ERR [REFERRAL/%s] %s\r\n", url, language_text(in, TEXT_WRONG_SERVER));
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

void reply_maildrop(struct buf *out, enum pop3_language in, uint32_t messages, uint64_t octets)
{
	char count[24], size[24];

	ok(out, in, messages == 1 ? TEXT_ONE_MESSAGE : TEXT_MESSAGES, decimal(count, messages),
	   decimal(size, octets));
}

void reply_octets(struct buf *out, enum pop3_language in, uint64_t octets)
{
	char size[24];

	ok(out, in, TEXT_OCTETS, decimal(size, octets), nothing);
}

void reply_user(struct buf *out, enum pop3_language in, struct slice name)
{
	struct buf shown = BUF_INIT;

	text_escape(name, SHOWN_NAME_OCTETS, &shown);
	ok(out, in, TEXT_PAPERS, buf_slice(&shown), nothing);
	buf_release(&shown);
}

void reply_welcome(struct buf *out, enum pop3_language in, struct slice name, uint32_t messages)
{
	struct buf shown = BUF_INIT;
	char count[24];

	if (name.n == 0)
		buf_add_str(&shown, language_text(in, TEXT_YOUR_MAILDROP));
	text_escape(name, SHOWN_NAME_OCTETS, &shown);
	ok(out, in, messages == 1 ? TEXT_HAS_ONE_MESSAGE : TEXT_HAS_MESSAGES, buf_slice(&shown),
	   decimal(count, messages));
	buf_release(&shown);
}

void reply_login(struct buf *out, enum pop3_language in, enum pop3_login_result result)
{
	static const struct {
		enum reply_code code;
		enum pop3_text text;
	} refusals[] = {
		[POP3_LOGIN_REFUSED] = { CODE_AUTH, TEXT_WRONG_PASSWORD },
		[POP3_LOGIN_IN_USE] = { CODE_IN_USE, TEXT_IN_USE },
		[POP3_LOGIN_LIMIT] = { CODE_IN_USE, TEXT_TOO_MANY_SESSIONS },
		[POP3_LOGIN_NO_ACCESS] = { CODE_AUTH, TEXT_NO_ACCESS },
		[POP3_LOGIN_NO_RIGHTS] = { CODE_SYS_PERM, TEXT_NO_RIGHTS },
		[POP3_LOGIN_WRONG_SERVER] = { CODE_SYS_PERM, TEXT_WRONG_SERVER },
		[POP3_LOGIN_NO_MAILFILE] = { CODE_SYS_PERM, TEXT_NO_MAILFILE },
		[POP3_LOGIN_TROUBLE_TEMP] = { CODE_SYS_TEMP, TEXT_LOGIN_LATER },
		[POP3_LOGIN_TROUBLE_PERM] = { CODE_SYS_PERM, TEXT_LOGIN_BROKEN },
	};
	size_t i = (size_t)result;

	if (i >= sizeof(refusals) / sizeof(refusals[0]) || refusals[i].text == TEXT_NOTHING)
		i = POP3_LOGIN_TROUBLE_TEMP;
	reply_error(out, in, refusals[i].code, refusals[i].text);
}

void reply_deleted(struct buf *out, enum pop3_language in, uint32_t number)
{
	char digits[24];

	ok(out, in, TEXT_DELETED, decimal(digits, number), nothing);
}

void reply_no_message(struct buf *out, enum pop3_language in, uint64_t number, uint32_t messages)
{
	char digits[24], count[24];

	error(out, in, CODE_NONE, messages == 1 ? TEXT_NO_MESSAGE_OF_ONE : TEXT_NO_MESSAGE,
	      decimal(digits, number), decimal(count, messages));
}

void reply_gone(struct buf *out, enum pop3_language in, uint32_t number)
{
	char digits[24];

	error(out, in, CODE_NONE, TEXT_GONE, decimal(digits, number), nothing);
}

void reply_usage(struct buf *out, enum pop3_language in, enum pop3_text what, const char *usage)
{
	error(out, in, CODE_NONE, TEXT_USAGE, slice_of(language_text(in, what)), slice_of(usage));
}

void reply_signing_off(struct buf *out, enum pop3_language in, uint32_t deleted)
{
	enum pop3_text text = deleted == 1 ? TEXT_SIGNING_OFF_ONE : TEXT_SIGNING_OFF_DELETED;
	char count[24];

	ok(out, in, deleted == 0 ? TEXT_SIGNING_OFF : text, decimal(count, deleted), nothing);
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

void reply_not_updated(struct buf *out, enum pop3_language in, STATUS status)
{
	if (status == POSTIL_ERR_UNKNOWN_OUTCOME)
		reply_error(out, in, CODE_SYS_TEMP, TEXT_OUTCOME_UNKNOWN);
	else if (status == POSTIL_ERR_NOACCESS)
		reply_error(out, in, CODE_SYS_PERM, TEXT_NOT_UPDATED_RIGHTS);
	else
		reply_error(out, in, reply_code_of(status), TEXT_NOT_UPDATED);
}

void reply_read_failed(struct buf *out, enum pop3_language in, STATUS status)
{
	if (status == POSTIL_ERR_DELETED)
		reply_error(out, in, CODE_SYS_TEMP, TEXT_REMOVED);
	else if (reply_code_of(status) == CODE_SYS_PERM)
		reply_error(out, in, CODE_SYS_PERM, TEXT_UNREADABLE);
	else
		reply_error(out, in, CODE_SYS_TEMP, TEXT_UNREADABLE_NOW);
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
void reply_capabilities(struct buf *out, enum pop3_language in, const struct pop3_session_options *options,
                        const struct pop3_door *door, bool before_login)
{
	reply_say(out, in, TEXT_CAPABILITIES);
	buf_add_str(out, "TOP\r\n");
	if (door->stls && before_login)
		buf_add_str(out, "STLS\r\n");
	if (may_log_in(door))
		buf_addf(out, "USER\r\nSASL %s\r\n", mechanism(door));
	buf_add_str(out, "RESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\nUIDL\r\n");
	if (may_log_in(door))           /* of use to who will be let in */
		buf_add_str(out, "UTF8 USER\r\nLANG\r\n");
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

void reply_mechanisms(struct buf *out, enum pop3_language in, const struct pop3_door *door)
{
	reply_say(out, in, TEXT_MECHANISMS);
	if (may_log_in(door))
		buf_addf(out, "%s\r\n", mechanism(door));
	reply_end(out);
}

void reply_languages(struct buf *out, enum pop3_language in)
{
	reply_say(out, in, TEXT_LANGUAGES_FOLLOW);
	for (unsigned i = 0; i < LANGUAGES; i++) {
		enum pop3_language language = (enum pop3_language)i;
		const char *name = language_name(language);

		buf_addf(out, "%s%s%s\r\n", language_tag(language), name[0] != '\0' ? " " : "", name);
	}
	reply_end(out);
}

void reply_language(struct buf *out, enum pop3_language chosen)
{
	buf_addf(out, "+OK %s %s\r\n", language_tag(chosen),
	         language_text(chosen, TEXT_LANGUAGE_CHANGED));
}

void reply_no_language(struct buf *out, enum pop3_language in, struct slice range)
{
	struct buf shown = BUF_INIT;

	text_escape(range, SHOWN_NAME_OCTETS, &shown);
	error(out, in, CODE_NONE, TEXT_NO_SUCH_LANGUAGE, buf_slice(&shown), nothing);
	buf_release(&shown);
}

void reply_challenge(struct buf *out)
{
	buf_add_str(out, "+ \r\n");
}

void reply_end(struct buf *out)
{
	buf_add_str(out, ".\r\n");
}

/*
 * Who is it: USER and PASS (RFC 1939 section 7), AUTH PLAIN (RFC 5034, 4616), AUTH EXTERNAL
 * (RFC 4422 appendix A), and STLS (RFC 2595 section 4). The session's door says which of
 * them count. Distrusts names, passwords and base64. What was learned of them is wiped as
 * soon as the login has been decided, or another command comes between.
 */
#include <string.h>

#include "addin/pop3/session_impl.h"
#include "base/crypt.h"
#include "base/text.h"

#define FAILED_LOGINS_DEFAULT 5

void auth_forget(struct pop3_session *s)
{
	buf_wipe_release(&s->name);
	buf_wipe_release(&s->password);
	buf_wipe_release(&s->authorization);
}

static enum net_next not_allowed(struct pop3_session *s, struct buf *out)
{
	enum pop3_text text = s->door.refused;

	auth_forget(s);
	reply_error(out, s->language, CODE_SYS_PERM, text != TEXT_NOTHING ? text : TEXT_NO_LOGIN);
	return NET_CONTINUE;
}

static bool is_open(const struct pop3_session *s)
{
	return s->door.password || s->door.certificate;
}

static enum net_next login(struct pop3_session *s, enum pop3_mechanism mechanism, struct buf *out)
{
	struct pop3_credentials credentials = { buf_slice(&s->name), buf_slice(&s->password),
		buf_slice(&s->authorization), mechanism, s->utf8 };
	STATUS status = buf_status(&s->name);

	if (status == NOERROR)
		status = buf_status(&s->password);
	if (status == NOERROR)
		status = buf_status(&s->authorization);
	if (status == NOERROR)
		status = s->seam->login(s->seam_context, &credentials, &s->login);
	if (status == POP3_PENDING) {
		s->waiting = WAIT_LOGIN;
		return NET_PARKED;
	}
	return auth_finished(s, status, out);
}

static void enter_transaction(struct pop3_session *s)
{
	s->state = POP3_TRANSACTION;
	s->open = true;
	s->live = s->counts.messages = s->login.messages;
	s->live_octets = s->login.octets;
}

static enum net_next refused(struct pop3_session *s, enum pop3_login_result result,
                             struct buf *out)
{
	unsigned most = s->options->max_failed_logins;

	auth_forget(s);
	if (result == POP3_LOGIN_WRONG_SERVER && s->login.referral != NULL)
		reply_referral(out, s->language, s->login.referral);
	else
		reply_login(out, s->language, result);
	if (result == POP3_LOGIN_REFUSED &&
	    ++s->counts.failed_logins >= (most == 0 ? FAILED_LOGINS_DEFAULT : most))
		return session_end(s, POP3_END_BAD_LOGINS, NOERROR);
	return NET_CONTINUE;
}

enum net_next auth_finished(struct pop3_session *s, STATUS status, struct buf *out)
{
	enum pop3_login_result result = s->login.result;

	if (status != NOERROR)
		result = reply_code_of(status) == CODE_SYS_PERM ? POP3_LOGIN_TROUBLE_PERM
		                                                : POP3_LOGIN_TROUBLE_TEMP;
	if (result != POP3_LOGIN_OK)
		return refused(s, result, out);
	enter_transaction(s);
	reply_welcome(out, s->language, buf_slice(s->name.n > 0 ? &s->name : &s->authorization),
	              s->counts.messages);
	auth_forget(s);
	return NET_CONTINUE;
}

enum net_next auth_user(struct pop3_session *s, const struct slice *args, size_t count,
                        struct buf *out)
{
	if (!is_open(s))
		return not_allowed(s, out);
	if (text_trim(args[0]).n == 0)
		return command_bad(s, out, TEXT_NO_NAME);
	buf_add_slice(&s->name, args[0]);
	reply_user(out, s->language, args[0]);
	return NET_CONTINUE;
}

enum net_next auth_pass(struct pop3_session *s, const struct slice *args, size_t count,
                        struct buf *out)
{
	if (!is_open(s))
		return not_allowed(s, out);
	if (s->name.n == 0 && buf_status(&s->name) == NOERROR)
		return command_bad(s, out, TEXT_USER_FIRST);
	buf_add_slice(&s->password, args[0]);
	return login(s, POP3_MECHANISM_USER, out);
}

/* An identity to act as. Controls are those of Unicode: U+0080 to U+009F, too. */
static bool is_identity(struct slice s)
{
	if (s.n > POP3_AUTHORIZATION_OCTETS || !text_is_utf8(s) || !line_is_text(s, true))
		return false;
	for (size_t i = 0; i + 1 < s.n; i++)
		if ((unsigned char)s.p[i] == 0xC2 && (unsigned char)s.p[i + 1] < 0xA0)
			return false;
	return true;
}

/* [authorization] NUL name NUL password */
static bool take_plain(struct pop3_session *s, struct slice message)
{
	struct slice part[3];
	size_t parts = 0;

	if (message.n == 0 || !text_is_utf8(message))
		return false;
	for (;;) {
		const char *nul = memchr(message.p, '\0', message.n);
		size_t n = nul != NULL ? (size_t)(nul - message.p) : message.n;

		if (parts == 3)
			return false;
		part[parts++] = (struct slice){ message.p, n };
		if (nul == NULL)
			break;
		message.p += n + 1;
		message.n -= n + 1;
	}
	if (parts != 3 || part[1].n == 0 || part[2].n == 0 || !is_identity(part[0]) ||
	    !line_is_text(part[1], true))
		return false;
	buf_add_slice(&s->authorization, part[0]);
	buf_add_slice(&s->name, part[1]);
	buf_add_slice(&s->password, part[2]);
	return true;
}

/* [authorization] */
static bool take_external(struct pop3_session *s, struct slice message)
{
	if (!is_identity(message))
		return false;
	buf_add_slice(&s->authorization, message);
	return true;
}

static const struct mechanism {
	const char *name;
	enum pop3_mechanism mechanism;
	bool (*take)(struct pop3_session *s, struct slice message);
	enum pop3_text malformed;
} mechanisms[] = {
	{ "PLAIN", POP3_MECHANISM_PLAIN, take_plain, TEXT_NOT_PLAIN },
	{ "EXTERNAL", POP3_MECHANISM_EXTERNAL, take_external, TEXT_NOT_EXTERNAL },
};

static const struct mechanism *find_mechanism(struct slice name)
{
	for (size_t i = 0; i < sizeof(mechanisms) / sizeof(mechanisms[0]); i++)
		if (slice_equal_nocase(name, slice_of(mechanisms[i].name)))
			return &mechanisms[i];
	return NULL;
}

static bool is_offered(const struct pop3_session *s, const struct mechanism *mechanism)
{
	return mechanism->mechanism == POP3_MECHANISM_EXTERNAL ? s->door.certificate
	                                                       : s->door.password;
}

static enum net_next respond(struct pop3_session *s, const struct mechanism *mechanism,
                             struct slice base64, struct buf *out)
{
	struct buf message = BUF_INIT;
	STATUS status = base64_decode(base64, &message);
	bool good = status == NOERROR && mechanism->take(s, buf_slice(&message));

	buf_wipe_release(&message);
	if (status != NOERROR)
		return command_bad(s, out, TEXT_NOT_BASE64);
	if (!good)
		return command_bad(s, out, mechanism->malformed);
	return login(s, mechanism->mechanism, out);
}

enum net_next auth_auth(struct pop3_session *s, const struct slice *args, size_t count,
                        struct buf *out)
{
	const struct mechanism *mechanism;

	if (count == 0) {
		reply_mechanisms(out, s->language, &s->door);
		return NET_CONTINUE;
	}
	mechanism = find_mechanism(args[0]);
	if (mechanism == NULL)
		return command_bad(s, out, TEXT_NO_SUCH_MECHANISM);
	if (!is_open(s))
		return not_allowed(s, out);
	if (!is_offered(s, mechanism))
		return command_bad(s, out, TEXT_MECHANISM_CLOSED);
	if (count == 2 && slice_equal(args[1], SLICE_LIT("=")))
		return respond(s, mechanism, SLICE_LIT(""), out);
	if (count == 2)
		return respond(s, mechanism, args[1], out);
	s->answers = mechanism;
	reply_challenge(out);
	return NET_CONTINUE;
}

enum net_next auth_continue(struct pop3_session *s, const struct mechanism *mechanism,
                            struct slice line, struct buf *out)
{
	if (slice_equal(line, SLICE_LIT("*"))) {
		reply_error(out, s->language, CODE_NONE, TEXT_CANCELLED);
		return NET_CONTINUE;
	}
	return respond(s, mechanism, line, out);
}

/* The engine sends the answer, and then TLS is spoken: see pop3_session_secured. */
enum net_next auth_stls(struct pop3_session *s, const struct slice *args, size_t count,
                        struct buf *out)
{
	if (!s->door.stls)
		return command_bad(s, out, TEXT_NO_STLS);
	s->stls_told = true;
	reply_say(out, s->language, TEXT_BEGIN_TLS);
	return NET_START_TLS;
}

/*
 * What a line says: keyword and the rest, one table. Distrusts the line.
 */
#include "addin/lmtp/session_impl.h"

#include <string.h>

typedef enum net_next command_handler(struct lmtp_session *s, struct slice argument, struct buf *out);

struct command {
	const char *name;
	bool gathers;           /* may be done while whole messages wait: the answer waits, too */
	bool early;             /* before LHLO */
	command_handler *handler;
};

static command_handler run_lhlo, run_helo, run_rset, run_noop, run_vrfy, run_expn, run_help, run_quit;

static const struct command commands[] = {
	{ "MAIL", true, false, envelope_mail },
	{ "RCPT", true, false, envelope_rcpt },
	{ "BDAT", true, true, receive_bdat },
	{ "DATA", false, false, receive_data },
	{ "RSET", true, true, run_rset },
	{ "NOOP", true, true, run_noop },
	{ "LHLO", false, true, run_lhlo },
	{ "HELO", false, true, run_helo },
	{ "EHLO", false, true, run_helo },
	{ "VRFY", false, true, run_vrfy },
	{ "EXPN", false, true, run_expn },
	{ "HELP", false, true, run_help },
	{ "QUIT", false, true, run_quit },
};

static const struct command *find(struct slice keyword)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (slice_equal_nocase(keyword, slice_of(commands[i].name)))
			return &commands[i];
	return NULL;
}

static struct slice without_end_spaces(struct slice s)
{
	while (s.n > 0 && s.p[s.n - 1] == ' ')
		s.n--;
	return s;
}

static bool is_text(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7F)
			return false;
	return true;
}

enum net_next command_run(struct lmtp_session *s, struct slice line, struct buf *out, bool *again_r)
{
	const char *space = memchr(line.p, ' ', line.n);
	struct slice keyword = { line.p, space != NULL ? (size_t)(space - line.p) : line.n };
	struct slice argument = { line.p + keyword.n, line.n - keyword.n };
	const struct command *command = find(keyword);

	if (gather_waits(s) && (command == NULL || !command->gathers || gather_is_full(s))) {
		*again_r = true;
		return gather_deliver(s, out);
	}
	if (!is_text(line))
		return session_bad(s, &reply_bad_octets, out);
	if (command == NULL)
		return session_bad(s, &reply_unknown_command, out);
	if (!s->greeted && !command->early)
		return session_bad(s, &reply_hello_first, out);
	if (argument.n > 0) {
		argument.p++;
		argument.n--;
	}
	return command->handler(s, without_end_spaces(argument), out);
}

/* --- the short ones ------------------------------------------------------------------ */

static enum net_next run_lhlo(struct lmtp_session *s, struct slice argument, struct buf *out)
{
	if (argument.n == 0 || memchr(argument.p, ' ', argument.n) != NULL)
		return session_bad(s, &reply_hello_argument, out);
	envelope_reset(s);
	s->greeted = true;
	reply_hello(out, s->options->host, s->options->max_octets);
	return NET_CONTINUE;
}

static enum net_next run_helo(struct lmtp_session *s, struct slice argument, struct buf *out)
{
	return session_bad(s, &reply_not_lmtp, out);
}

static enum net_next run_rset(struct lmtp_session *s, struct slice argument, struct buf *out)
{
	if (argument.n > 0)
		return session_bad(s, &reply_no_argument, out);
	envelope_reset(s);
	return session_say(s, &reply_ok, out);
}

static enum net_next run_noop(struct lmtp_session *s, struct slice argument, struct buf *out)
{
	return session_say(s, &reply_ok, out);
}

static enum net_next run_vrfy(struct lmtp_session *s, struct slice argument, struct buf *out)
{
	return session_say(s, &reply_vrfy, out);
}

static enum net_next run_expn(struct lmtp_session *s, struct slice argument, struct buf *out)
{
	return session_bad(s, &reply_not_here, out);
}

static enum net_next run_help(struct lmtp_session *s, struct slice argument, struct buf *out)
{
	return session_say(s, &reply_help, out);
}

static enum net_next run_quit(struct lmtp_session *s, struct slice argument, struct buf *out)
{
	if (argument.n > 0)
		return session_bad(s, &reply_no_argument, out);
	reply_add(out, &reply_bye);
	return session_end(s, LMTP_END_QUIT);
}

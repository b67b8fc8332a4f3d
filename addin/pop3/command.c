/*
 * What a line says: keyword, arguments, a table per state. Distrusts the line;
 * numbers are read by a strict reader of our own.
 */
#include "addin/pop3/session_impl.h"

#include <string.h>

struct command {
	const char *name;
	uint8_t least, most;    /* arguments */
	bool whole;             /* one argument: all that is left of the line */
	command_handler *handler;
	const char *usage;
};

static command_handler run_capa, run_noop, run_stat;

static const struct command authorization_commands[] = {
	{ "USER", 1, 1, true, auth_user, "USER name" },
	{ "PASS", 1, 1, true, auth_pass, "PASS password" },
	{ "CAPA", 0, 0, false, run_capa, "CAPA" },
	{ "STLS", 0, 0, false, auth_stls, "STLS" },
	{ "UTF8", 0, 0, false, utf8_utf8, "UTF8" },
	{ "LANG", 0, 1, false, utf8_lang, "LANG [language]" },
	{ "AUTH", 0, 2, false, auth_auth, "AUTH [mechanism [initial-response]]" },
	{ "QUIT", 0, 0, false, update_quit, "QUIT" },
};

static const struct command transaction_commands[] = {
	{ "RETR", 1, 1, false, retr_retr, "RETR message" },
	{ "DELE", 1, 1, false, update_dele, "DELE message" },
	{ "LIST", 0, 1, false, list_list, "LIST [message]" },
	{ "UIDL", 0, 1, false, list_uidl, "UIDL [message]" },
	{ "STAT", 0, 0, false, run_stat, "STAT" },
	{ "TOP", 2, 2, false, retr_top, "TOP message lines" },
	{ "QUIT", 0, 0, false, update_quit, "QUIT" },
	{ "NOOP", 0, 0, false, run_noop, "NOOP" },
	{ "RSET", 0, 0, false, update_rset, "RSET" },
	{ "CAPA", 0, 0, false, run_capa, "CAPA" },
	{ "LANG", 0, 1, false, utf8_lang, "LANG [language]" },
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct command *find(const struct command *table, size_t count,
                                  struct slice keyword)
{
	for (size_t i = 0; i < count; i++)
		if (slice_equal_nocase(keyword, slice_of(table[i].name)))
			return &table[i];
	return NULL;
}

static const struct command *find_in_state(enum pop3_state state, struct slice keyword)
{
	if (state == POP3_AUTHORIZATION)
		return find(authorization_commands, COUNT(authorization_commands), keyword);
	return find(transaction_commands, COUNT(transaction_commands), keyword);
}

static enum net_next not_here(struct pop3_session *s, struct slice keyword, struct buf *out)
{
	bool before = s->state == POP3_AUTHORIZATION;

	if (keyword.n == 0)
		return command_bad(s, out, TEXT_NO_COMMAND);
	if (find_in_state(before ? POP3_TRANSACTION : POP3_AUTHORIZATION, keyword) == NULL)
		return command_bad(s, out, TEXT_UNKNOWN_COMMAND);
	return command_bad(s, out, before ? TEXT_LOG_IN_FIRST : TEXT_LOGGED_IN);
}

/* Cut `rest` into words at single spaces. TEXT_NOTHING, or what is wrong with it. */
static enum pop3_text split(struct slice rest, struct slice *args, size_t *count_r)
{
	size_t count = 0;

	while (rest.n > 0) {
		const char *space = memchr(rest.p, ' ', rest.n);
		size_t n = space != NULL ? (size_t)(space - rest.p) : rest.n;

		if (n == 0)
			return TEXT_ONE_SPACE;
		if (count == COMMAND_ARGUMENTS_MAX)
			return TEXT_TOO_MANY_ARGUMENTS;
		args[count++] = (struct slice){ rest.p, n };
		if (space == NULL)
			break;
		rest.p += n + 1;
		rest.n -= n + 1;
	}
	*count_r = count;
	return TEXT_NOTHING;
}

static struct slice without_end_spaces(struct slice s)
{
	while (s.n > 0 && s.p[s.n - 1] == ' ')
		s.n--;
	return s;
}

static enum net_next usage_error(struct pop3_session *s, const struct command *command,
                                 enum pop3_text what, struct buf *out)
{
	size_t before = out->n;
	enum net_next next = command_bad(s, out, what);

	if (next == NET_CONTINUE) {
		out->n = before;
		reply_usage(out, s->language, what, command->usage);
	}
	return next;
}

/* `line` is cut behind the keyword: rest has the space first, if there is any. */
static enum net_next run(struct pop3_session *s, const struct command *command,
                         struct slice rest, struct buf *out)
{
	struct slice args[COMMAND_ARGUMENTS_MAX];
	size_t count = 0;
	enum pop3_text wrong = TEXT_NOTHING;

	if (!line_is_text(rest, command->whole))
		return command_bad(s, out, TEXT_BAD_OCTETS);
	if (!command->whole)
		rest = without_end_spaces(rest);
	if (rest.n > 0) {
		rest.p++;
		rest.n--;
		if (command->whole)
			args[count++] = rest;
		else
			wrong = split(rest, args, &count);
	}
	if (wrong == TEXT_NOTHING && count < command->least)
		wrong = TEXT_MISSING_ARGUMENT;
	if (wrong == TEXT_NOTHING && count > command->most)
		wrong = TEXT_TOO_MANY_ARGUMENTS;
	if (wrong != TEXT_NOTHING)
		return usage_error(s, command, wrong, out);
	return command->handler(s, args, count, out);
}

/* RFC 2595 section 2.3: logins must wait until nobody can listen. */
static bool must_wait_for_tls(const struct pop3_session *s, const struct command *command)
{
	return s->door.stls_first && (command == NULL || (command->handler != run_capa &&
		command->handler != auth_stls && command->handler != update_quit));
}

/* Not even USER, behind which a password would come. */
static enum net_next stls_first(struct pop3_session *s, const struct command *command,
                                struct buf *out)
{
	const enum pop3_text text = TEXT_STLS_FIRST;

	if (command == NULL)
		return command_bad(s, out, text);
	reply_error(out, s->language, CODE_SYS_PERM, text);
	return NET_CONTINUE;
}

enum net_next command_run(struct pop3_session *s, struct slice line, struct buf *out)
{
	const char *space = memchr(line.p, ' ', line.n);
	struct slice keyword = { line.p, space != NULL ? (size_t)(space - line.p) : line.n };
	struct slice rest = { line.p + keyword.n, line.n - keyword.n };
	const struct command *command;

	if (!line_is_text(keyword, false))
		return command_bad(s, out, TEXT_BAD_OCTETS);
	command = find_in_state(s->state, keyword);
	if (s->state == POP3_AUTHORIZATION && (command == NULL || command->handler != auth_pass))
		auth_forget(s);
	if (must_wait_for_tls(s, command))
		return stls_first(s, command, out);
	if (command == NULL)
		return not_here(s, keyword, out);
	return run(s, command, rest, out);
}

enum pop3_text command_number(struct slice arg, uint64_t *value_r)
{
	uint64_t value = 0;

	if (arg.p[0] == '-' || arg.p[0] == '+')
		return TEXT_NUMBER_SIGN;
	for (size_t i = 0; i < arg.n; i++)
		if (arg.p[i] < '0' || arg.p[i] > '9')
			return TEXT_NOT_A_NUMBER;
	if (arg.n > 1 && arg.p[0] == '0')
		return TEXT_LEADING_ZEROS;
	if (arg.n > 10)
		return TEXT_NUMBER_TOO_LARGE;
	for (size_t i = 0; i < arg.n; i++)
		value = value * 10 + (uint64_t)(arg.p[i] - '0');
	*value_r = value;
	return TEXT_NOTHING;
}

bool command_message(struct pop3_session *s, struct slice arg, struct buf *out,
                     uint32_t *number_r, enum net_next *next_r)
{
	uint64_t number = 0;
	enum pop3_text wrong = command_number(arg, &number);

	*next_r = NET_CONTINUE;
	if (wrong == TEXT_NOTHING && number == 0)
		wrong = TEXT_NUMBERS_FROM_1;
	if (wrong != TEXT_NOTHING) {
		*next_r = command_bad(s, out, wrong);
		return false;
	}
	if (number > s->counts.messages) {
		reply_no_message(out, s->language, number, s->counts.messages);
		return false;
	}
	if (session_is_deleted(s, (uint32_t)number)) {
		reply_gone(out, s->language, (uint32_t)number);
		return false;
	}
	*number_r = (uint32_t)number;
	return true;
}

static enum net_next run_capa(struct pop3_session *s, const struct slice *args, size_t count,
                              struct buf *out)
{
	reply_capabilities(out, s->language, s->options, &s->door, s->state == POP3_AUTHORIZATION);
	return NET_CONTINUE;
}

static enum net_next run_noop(struct pop3_session *s, const struct slice *args, size_t count,
                              struct buf *out)
{
	reply_ok(out, "");
	return NET_CONTINUE;
}

static enum net_next run_stat(struct pop3_session *s, const struct slice *args, size_t count,
                              struct buf *out)
{
	reply_numbers(out, s->live, s->live_octets);
	return NET_CONTINUE;
}

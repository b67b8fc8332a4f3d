/* Console commands: which line means which command, with which arguments. */
#include "addin/host/command.h"

#include <string.h>

#include "tests/support/unit.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void one(struct run *run, struct slice rest, const struct slice *args, size_t count)
{
}

static void other(struct run *run, struct slice rest, const struct slice *args, size_t count)
{
}

static const struct command table[] = {
	{ "load", 1, 64, false, "", "", one },
	{ "tell", 2, 64, false, "", "", one },
	{ "show tasks", 0, 1, false, "", "", one },
	{ "show statistics", 0, 1, false, "", "", other },
	{ "show server", 0, 0, false, "", "", one },
	{ "show users", 0, 0, false, "", "", one },
	{ "show usersall", 0, 0, false, "", "", other },
	{ "set configuration", 1, 64, false, "", "", one },
	{ "start consolelog", 0, 0, false, "", "", one },
	{ "stop consolelog", 0, 0, false, "", "", other },
	{ "quit", 0, 1, false, "", "", one },
	{ "exit", 0, 1, false, "", "", one },
	{ NULL, 0, 0, false, NULL, NULL, NULL }
};

static const struct {
	const char *line;
	enum command_match match;
	const char *words, *rest;
	size_t count;
} cases[] = {
	{ "", COMMAND_EMPTY },
	{ " \t ", COMMAND_EMPTY },
	{ "load pop3", COMMAND_FOUND, "load", "pop3", 1 },
	{ "l pop3", COMMAND_FOUND, "load", "pop3", 1 },
	{ "LOAD POP3 -x", COMMAND_FOUND, "load", "POP3 -x", 2 },
	{ "load", COMMAND_INSUFFICIENT },
	{ "loads pop3", COMMAND_UNKNOWN },
	{ "tell pop3", COMMAND_INSUFFICIENT },
	{ "te pop3 q", COMMAND_FOUND, "tell", "pop3 q", 2 },
	{ "tell pop3  show   config ", COMMAND_FOUND, "tell", "pop3  show   config", 3 },
	{ "show", COMMAND_INSUFFICIENT },
	{ "sh ta", COMMAND_FOUND, "show tasks", "", 0 },
	{ "show tasks only", COMMAND_FOUND, "show tasks", "only", 1 },
	{ "show tasks only more", COMMAND_TOO_MANY },
	{ "show t", COMMAND_FOUND, "show tasks", "", 0 },
	{ "show s", COMMAND_AMBIGUOUS },
	{ "show stat", COMMAND_FOUND, "show statistics", "", 0 },
	{ "show statistics pop3.*", COMMAND_FOUND, "show statistics", "pop3.*", 1 },
	{ "show users", COMMAND_FOUND, "show users", "", 0 },       /* exact wins */
	{ "show user", COMMAND_AMBIGUOUS },
	{ "show usersa", COMMAND_FOUND, "show usersall", "", 0 },
	{ "show nothing", COMMAND_UNKNOWN },
	{ "s tasks", COMMAND_AMBIGUOUS },
	{ "st consolelog", COMMAND_AMBIGUOUS },
	{ "sta c", COMMAND_FOUND, "start consolelog", "", 0 },
	{ "sto c", COMMAND_FOUND, "stop consolelog", "", 0 },
	{ "se c A=b", COMMAND_FOUND, "set configuration", "A=b", 1 },
	{ "set c \"A=b c\"", COMMAND_FOUND, "set configuration", "\"A=b c\"", 1 },
	{ "set c \"open quote", COMMAND_FOUND, "set configuration", "\"open quote", 1 },
	{ "q", COMMAND_FOUND, "quit", "", 0 },
	{ "e", COMMAND_FOUND, "exit", "", 0 },
	{ "quit a b", COMMAND_TOO_MANY },
	{ "\xFF\xFE", COMMAND_UNKNOWN },
	{ "\"\" x", COMMAND_UNKNOWN },
};

START_TEST(lines)
{
	struct command_found found;

	for (size_t i = 0; i < COUNT(cases); i++) {
		enum command_match match = command_match(table, slice_of(cases[i].line), &found);

		ck_assert_msg(match == cases[i].match, "%s: %d", cases[i].line, (int)match);
		if (match != COMMAND_FOUND)
			continue;
		ck_assert_str_eq(found.command->words, cases[i].words);
		ck_assert_msg(slice_equal(found.rest, slice_of(cases[i].rest)), "%s", cases[i].line);
		ck_assert_msg(found.count == cases[i].count, "%s: %zu", cases[i].line, found.count);
	}
}
END_TEST

START_TEST(arguments_lose_their_quotes)
{
	struct command_found found;

	ck_assert_int_eq(command_match(table, SLICE_LIT("tell x \"two words\" a\"b c\""), &found),
	                 COMMAND_FOUND);
	ck_assert_uint_eq(found.count, 3);
	ck_assert(slice_equal(found.args[1], SLICE_LIT("two words")));
	ck_assert(slice_equal(found.args[2], SLICE_LIT("a\"b c\"")));
}
END_TEST

START_TEST(length)
{
	char line[300];
	struct command_found found;
	struct slice s = { line, 255 };

	memset(line, 'x', sizeof(line));
	memcpy(line, "load ", 5);
	ck_assert_int_eq(command_match(table, s, &found), COMMAND_FOUND);
	s.n = 256;
	ck_assert_int_eq(command_match(table, s, &found), COMMAND_TOO_LONG);
	ck_assert_str_eq(command_match_text(COMMAND_TOO_LONG), "The command line is too long");
}
END_TEST

START_TEST(many_arguments_are_counted_not_kept)
{
	struct command_found found;

	ck_assert_int_eq(command_match(table, SLICE_LIT("load a b c d e f g h i j k l m"), &found),
	                 COMMAND_FOUND);
	ck_assert_uint_eq(found.count, COMMAND_ARGS_MAX);
}
END_TEST

UNIT_MAIN("command", lines, arguments_lose_their_quotes, length,
          many_arguments_are_counted_not_kept)

/* The table of commands, quit and help. Distrusts what is typed; command.c takes
 * it apart, the functions check their arguments. */
#include "addin/host/console.h"

#include "base/text.h"
#include "base/banned.h"

#define MANY 64

const struct command console_commands[] = {
	{ "load", 1, MANY, false, "Load pgmname [arguments]", "Load program", do_load },
	{ "tell", 2, MANY, false, "Tell taskname command-string",
	  "Send command-string to a task", do_tell },
	{ "restart task", 1, 1, false, "Restart Task taskname", "Restart specified server task",
	  do_restart_task },
	{ "show tasks", 0, 1, false, "Show Tasks [only]", "Server tasks", do_show_tasks },
	{ "show statistics", 0, 1, false, "Show Statistics [variable]",
	  "Statistic variable; * and ? stand for others", do_show_stat },
	{ "show server", 0, 0, false, "Show Server", "Server information", do_show_server },
	{ "show users", 0, 0, false, "Show Users", "Users with open sessions", do_show_users },
	{ "show inetusers", 0, 0, true, "Show INetUsers", "Users with open sessions",
	  do_show_users },
	{ "show allusers", 0, 0, true, "Show AllUsers", "Users with open sessions",
	  do_show_users },
	{ "show ports", 0, 1, false, "Show Port [number]", "Port specific information",
	  do_show_port },
	{ "show allports", 0, 0, true, "Show AllPorts", "Port specific information",
	  do_show_port },
	{ "show configuration", 1, 1, false, "Show Configuration variable",
	  "Configuration variable; * and ? stand for others", do_show_config },
	{ "set configuration", 1, MANY, false, "Set Configuration \"variable=value\"",
	  "Set configuration variable", do_set_config },
	{ "set statistics", 2, 2, false, "Set Statistics facility statname",
	  "Reset statistics", do_set_stat },
	{ "start consolelog", 0, 0, false, "Start Consolelog", "Start console logging",
	  do_start_consolelog },
	{ "stop consolelog", 0, 0, false, "Stop Consolelog", "Stop console logging",
	  do_stop_consolelog },
	{ "drop", 1, MANY, false, "Drop \"username\" | address | ALL", "Drop one or more sessions",
	  do_drop },
	{ "quit", 0, 1, false, "Quit", "Quit Server", do_quit },
	{ "exit", 0, 1, false, "Exit", "Exit Server", do_quit },
	{ "help", 0, 1, false, "Help", "Displays this help information", do_help },
	{ NULL, 0, 0, false, NULL, NULL, NULL }
};

void console_run(struct run *run, struct slice line)
{
	struct command_found found;
	enum command_match match = command_match(console_commands, line, &found);

	line = text_trim(line);
	if (line.n > 0 && line.p[0] == '<' && match != COMMAND_TOO_LONG)
		do_file(run, text_trim((struct slice){ line.p + 1, line.n - 1 }));
	else if (match == COMMAND_EMPTY)
		run_end(run, true);
	else if (match != COMMAND_FOUND)
		run_fail(run, "%s", command_match_text(match));
	else
		found.command->function(run, found.rest, found.args, found.count);
}

void do_quit(struct run *run, struct slice rest, const struct slice *args, size_t count)
{
	struct host *host = run_host(run);

	(void)rest;
	(void)args;
	(void)count;
	run_end(run, true);
	host_quit(host);
}

void do_help(struct run *run, struct slice rest, const struct slice *args, size_t count)
{
	(void)rest;
	(void)args;
	(void)count;
	run_line(run, SLICE_LIT(""));
	for (const struct command *c = console_commands; c->words != NULL; c++)
		if (!c->hidden)
			run_say(run, "  %-40s %s", c->syntax, c->help);
	run_say(run, "  %-40s %s", "< filename", "Execute server commands listed in a file");
	run_line(run, SLICE_LIT(""));
	run_say(run, "Commands and options may be shortened while they stay unique.");
	run_end(run, true);
}

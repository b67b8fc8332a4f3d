/* Console commands that change: set config, set stat, start and stop consolelog. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "addin/host/console.h"
#include "base/text.h"
#include "base/banned.h"

/* Variables that decide who the server is: an editor's business. */
static const char *const fixed[] = { "ServerUser", "Server_Console_Password", "Directory",
                                     "NotesProgram" };

static bool is_fixed(const char *name)
{
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		if (strcasecmp(fixed[i], name) == 0)
			return true;
	return false;
}

struct setting_run {
	struct run *run;
	char *name, *value;
};

static void setting_run_free(struct setting_run *s)
{
	if (s == NULL)
		return;
	free(s->name);
	free(s->value);
	free(s);
}

static void was_set(void *context, STATUS status, const char *why)
{
	struct setting_run *s = context;

	if (status != NOERROR)
		run_fail(s->run, "%s could not be written to notes.ini: %s", s->name, why);
	else if (s->value[0] == '\0')
		run_say(s->run, "%s removed.", s->name);
	else
		run_say(s->run, "%s changed to %s.", s->name, s->value);
	if (status == NOERROR)
		run_end(s->run, true);
	setting_run_free(s);
}

/* NAME=VALUE, perhaps in quotes. */
static struct setting_run *take_apart(struct run *run, struct slice text)
{
	struct setting_run *s = calloc(1, sizeof(*s));
	const char *equals;
	struct slice name, value;

	if (text.n >= 2 && text.p[0] == '"' && text.p[text.n - 1] == '"')
		text = (struct slice){ text.p + 1, text.n - 2 };
	equals = text.n > 0 ? memchr(text.p, '=', text.n) : NULL;
	if (s == NULL || equals == NULL) {
		free(s);
		return NULL;
	}
	name = text_trim((struct slice){ text.p, (size_t)(equals - text.p) });
	value = text_trim((struct slice){ equals + 1, text.n - (size_t)(equals - text.p) - 1 });
	s->run = run;
	s->name = strndup(name.p, name.n);
	s->value = strndup(value.p, value.n);
	if (s->name != NULL && s->value != NULL)
		return s;
	setting_run_free(s);
	return NULL;
}

void do_set_config(struct run *run, struct slice rest, const struct slice *args, size_t count)
{
	struct setting_run *s = take_apart(run, rest);

	(void)args;
	(void)count;
	if (s == NULL || setting_check(s->name, s->value) != NOERROR) {
		run_fail(run, "Invalid value for command option");
		setting_run_free(s);
	} else if (is_fixed(s->name)) {
		run_fail(run, "This system variable cannot be set via the server console. "
		         "You must edit NOTES.INI to set this variable.");
		setting_run_free(s);
	} else {
		setting_set(run_host(run), s->name, s->value, was_set, s);
	}
}

void do_set_stat(struct run *run, struct slice rest, const struct slice *args, size_t count)
{
	struct host *host = run_host(run);
	struct slice name = args[1];
	STATUS status;

	(void)rest;
	(void)count;
	/* The full name is taken as well: set stat POP3 POP3.Sessions.Peak */
	if (name.n > args[0].n && name.p[args[0].n] == '.'
	    && strncasecmp(name.p, args[0].p, args[0].n) == 0)
		name = (struct slice){ name.p + args[0].n + 1, name.n - args[0].n - 1 };
	status = stat_reset(&host->stats, args[0], name);
	if (status == ERR_STAT_NOT_FOUND)
		run_fail(run, "%.*s.%.*s not found in server statistics table", (int)args[0].n,
		         args[0].p, (int)name.n, name.p);
	else if (status != NOERROR)
		run_fail(run, "%.*s.%.*s is not a statistic that can be reset", (int)args[0].n,
		         args[0].p, (int)name.n, name.p);
	else
		run_end(run, true);
}

static void set_logging(struct run *run, bool enabled)
{
	struct log *log = run_host(run)->log;
	const char *state = enabled ? "ENABLED" : "DISABLED";

	if (log_is_enabled(log) == enabled) {
		run_say(run, "Console Logging is already %s", state);
	} else {
		if (!enabled)
			log_file_only(log, SLICE_LIT("Console Logging is DISABLED"));
		log_enable(log, enabled);
		if (enabled)
			run_say(run, "The Console file is %s", log_path(log));
		run_say(run, "Console Logging is %s", state);
	}
	run_end(run, true);
}

void do_start_consolelog(struct run *run, struct slice rest, const struct slice *args,
                         size_t count)
{
	(void)rest;
	(void)args;
	(void)count;
	set_logging(run, true);
}

void do_stop_consolelog(struct run *run, struct slice rest, const struct slice *args,
                        size_t count)
{
	(void)rest;
	(void)args;
	(void)count;
	set_logging(run, false);
}

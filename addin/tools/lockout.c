/* postil lockout: who is locked out by wrong passwords, and unlocking, with or without a
 * running server. Distrusted: arguments, and names in the records and the directory. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "addin/tools/tool.h"
#include "addin/tools/verbs.h"
#include "base/clock.h"
#include "directory/config.h"
#include "directory/lockadmin.h"

#include "base/banned.h"

#define USAGE "lockout list [-d DATA]\n" \
	"       postil lockout unlock [-d DATA] NAME|ADDRESS"

struct lockout_tool {
	char *data_dir;
	struct directory *dir;
	struct lockout *lockout;
	struct lockout_rules rules;
	unsigned count;
};

/* Without a server name or a directory nothing is enforced and no lock expires. */
static STATUS read_rules(struct lockout_tool *t, struct fault *fault)
{
	struct buf server = BUF_INIT;
	STATUS status = tool_server_name(t->data_dir, &server, fault);

	if (status == NOERROR && server.n > 0) {
		status = directory_lockout_rules(t->dir, buf_slice(&server), &t->rules, NULL);
		if (status == POSTIL_ERR_NOEXIST)
			status = NOERROR;
		else if (status != NOERROR)
			fault_set(fault, status, "%s/names.nsf: %s", t->data_dir,
			          status_text(status));
	}
	buf_release(&server);
	return status;
}

static void tool_close(struct lockout_tool *t)
{
	lockout_close(&t->lockout);
	directory_close(&t->dir);
	free(t->data_dir);
}

static int tool_open(struct lockout_tool *t, const char *data)
{
	struct fault fault = { .status = NOERROR };
	int exit_status = EX_OK;
	STATUS status;

	*t = (struct lockout_tool){ .count = 0 };
	t->data_dir = tool_data_dir(data, &exit_status);
	if (t->data_dir == NULL)
		return exit_status;
	status = directory_open(t->data_dir, &t->dir, &fault);
	if (status == NOERROR)
		status = read_rules(t, &fault);
	if (status == NOERROR)
		status = lockout_open(t->data_dir, &t->lockout, &fault);
	if (status == NOERROR)
		return EX_OK;
	tool_close(t);
	return tool_fail(&fault, status);
}

/* What is wrong with the file, once it has been looked at. */
static int tell_trouble(struct lockout_tool *t, STATUS status)
{
	struct fault fault = { .status = NOERROR };

	if (lockout_trouble(t->lockout, &fault))
		return tool_fail(&fault, fault.status);
	if (status == NOERROR)
		return EX_OK;
	tool_say("%s/inetlockout.nsf: %s", t->data_dir, status_text(status));
	return tool_exit_status(status);
}

static void add_name(const struct lockout_record *record, struct buf *out)
{
	struct buf name = BUF_INIT;

	lockadmin_add_name(record, &name);
	tool_add_text(out, buf_slice(&name));
	buf_release(&name);
}

static STATUS show_record(void *context, const struct lockout_record *record)
{
	struct lockout_tool *t = context;
	struct buf name = BUF_INIT, line = BUF_INIT;

	add_name(record, &name);
	lockadmin_add_line(record, buf_slice(&name), &line);
	puts(buf_cstr(&line));
	buf_release(&name);
	buf_release(&line);
	t->count++;
	return NOERROR;
}

static int run_list(struct lockout_tool *t, struct slice name)
{
	STATUS status = lockout_each(t->lockout, &t->rules, clock_wall_ms(), show_record, t);
	int exit_status = tell_trouble(t, status);

	(void)name;
	if (exit_status == EX_OK && t->count == 0)
		tool_say("no failed logins are on record");
	if (!t->rules.enforce)
		tool_say("Internet password lockout is not enforced on this server");
	return exit_status;
}

static void say_unlocked(void *context, const struct lockout_record *record)
{
	struct buf name = BUF_INIT;

	(void)context;
	add_name(record, &name);
	printf("%s is unlocked\n", buf_cstr(&name));
	buf_release(&name);
}

static int run_unlock(struct lockout_tool *t, struct slice name)
{
	struct buf shown = BUF_INIT;
	STATUS status = lockadmin_unlock(t->lockout, t->dir, name, say_unlocked, NULL);

	if (status == POSTIL_ERR_AMBIGUOUS) {
		tool_say("more than %d persons have that name", DIRECTORY_MATCHES_MAX);
		return EX_DATAERR;
	}
	if (status != POSTIL_ERR_NOT_FOUND)
		return tell_trouble(t, status);
	tool_add_text(&shown, name);
	tool_say("%s has no lockout record", buf_cstr(&shown));
	buf_release(&shown);
	return tell_trouble(t, NOERROR) == EX_OK ? EX_NOUSER : EX_DATAERR;
}

static const struct action {
	const char *name;
	int (*run)(struct lockout_tool *t, struct slice name);
	int words;
} actions[] = {
	{ "list", run_list, 0 },
	{ "unlock", run_unlock, 1 },
};

static int run_action(const struct action *action, const char *data, const char *name)
{
	struct lockout_tool t;
	int exit_status = tool_open(&t, data);

	if (exit_status != EX_OK)
		return exit_status;
	exit_status = action->run(&t, slice_of(name));
	tool_close(&t);
	if (fflush(stdout) != 0 && exit_status == EX_OK)
		exit_status = EX_IOERR;
	return exit_status;
}

int verb_lockout(int argc, char **argv)
{
	const struct action *action = NULL;
	const char *data = NULL;
	int option;

	if (argc == 2 && strcmp(argv[1], "-h") == 0)
		return tool_help(USAGE);
	for (size_t i = 0; argc >= 2 && i < sizeof(actions) / sizeof(*actions); i++)
		if (strcmp(argv[1], actions[i].name) == 0)
			action = &actions[i];
	if (action == NULL)
		return tool_usage(USAGE);
	argv[1] = argv[0];              /* what getopt calls the program */
	while ((option = getopt(argc - 1, argv + 1, "d:")) != -1) {
		if (option != 'd')
			return tool_usage(USAGE);
		data = optarg;
	}
	if (argc - 1 - optind != action->words)
		return tool_usage(USAGE);
	return run_action(action, data, action->words == 1 ? argv[1 + optind] : NULL);
}

/* load fixup: check databases and repair them. Its options come from a console. */
#include <stdio.h>
#include <string.h>

#include <addin.h>

#include "addin/maint/task.h"
#include "base/text.h"

static bool look_only;

static bool option(char letter, const char *value, bool *took_r)
{
	(void)value;
	*took_r = false;
	if (letter == 'N')
		look_only = true;
	return letter == 'N' || letter == 'F' || letter == 'f'; /* every check is a full one */
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

static void tell_result(struct run *run, const struct nsf_fixup_result *r)
{
	if (r->rebuilt)
		run_say(run, "%s: rebuilt from what could be read, %llu message%s; the old file is %s",
		        run->shown, (unsigned long long)r->messages, text_plural(r->messages),
		        last_part(r->kept));
	else if (r->findings > 0)
		run_say(run, "%s: %llu fault%s repaired", run->shown, (unsigned long long)r->findings,
		        text_plural(r->findings));
	if (r->aside[0] != '\0')
		run_say(run, "%s: what could not be repaired (%llu) is set aside in %s", run->shown,
		        (unsigned long long)r->set_aside, last_part(r->aside));
	if (r->findings == 0 && run->talkative)
		run_say(run, "%s: no fault found", run->shown);
}

static STATUS file(struct run *run, const char *path, bool *changed_r, struct fault *fault)
{
	struct nsf_fixup_result result;
	STATUS status = nsf_fixup(path, look_only, &run->watch, &result, fault);

	*changed_r = status == NOERROR && result.findings > 0;
	if (status == NOERROR)
		tell_result(run, &result);
	return status;
}

STATUS LNPUBLIC AddInMain(HMODULE module, int argc, char *argv[])
{
	static const struct maint fixup = {
		.title = "Database Fixup", .doing = "Performing consistency check on", .changed = "repaired",
		.usage = "load fixup [FILE|DIR]... [-F] [-N]", .option = option, .file = file,
	};

	(void)module;
	return maint_main(&fixup, argc, argv);
}

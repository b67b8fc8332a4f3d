/* load updall: recount, and drop what has had its time. No options. */
#include <addin.h>

#include "addin/maint/task.h"
#include "base/text.h"
#include "nsf/nsf.h"

static bool option(char letter, const char *value, bool *took_r)
{
	(void)letter;
	(void)value;
	*took_r = false;
	return false;           /* there are no view indexes to rebuild */
}

/* Purge and free in short steps, so that nobody waits for long. */
static STATUS purge(struct run *run, const char *path, struct nsf_purged *purged,
                    struct fault *fault)
{
	struct nsf *nsf = NULL;
	bool more = true, rest = true;
	STATUS status = nsf_open(path, &nsf, fault);

	if (status == NOERROR && nsf_kind(nsf) != NSF_MAIL)
		more = rest = false;
	while (status == NOERROR && (more || rest)) {
		if (!run->watch.go_on(run->watch.context, 0, 0))
			status = fault_set(fault, POSTIL_ERR_CANCEL, "stopped");
		else if (more)
			status = nsf_purge(nsf, purged, &more);
		else
			status = nsf_reclaim(nsf, &rest);
	}
	nsf_close(&nsf);
	if (status != NOERROR && fault->status != status)
		fault_set(fault, status, "%s: %s", path, status_text(status));
	return status;
}

static STATUS file(struct run *run, const char *path, bool *changed_r, struct fault *fault)
{
	struct nsf_purged purged = { 0 };
	struct nsf_recounted counted = { 0 };
	STATUS status = purge(run, path, &purged, fault);

	if (status == NOERROR)
		status = nsf_recount(path, &counted, fault);
	if (status != NOERROR)
		return status;
	*changed_r = purged.notes + purged.stubs + counted.counters + counted.marks > 0;
	if (*changed_r)
		run_say(run, "%s: %llu deleted note%s and %llu stub%s purged, %llu counter%s and %llu unread"
		        " mark%s put right", run->shown, (unsigned long long)purged.notes,
		        text_plural(purged.notes), (unsigned long long)purged.stubs,
		        text_plural(purged.stubs), (unsigned long long)counted.counters,
		        text_plural(counted.counters), (unsigned long long)counted.marks,
		        text_plural(counted.marks));
	else if (run->talkative)
		run_say(run, "%s: nothing to do", run->shown);
	return NOERROR;
}

STATUS LNPUBLIC AddInMain(HMODULE module, int argc, char *argv[])
{
	static const struct maint updall = {
		.title = "Index update process", .doing = "Updating", .changed = "changed",
		.usage = "load updall [FILE|DIR]...", .option = option, .file = file,
	};

	(void)module;
	return maint_main(&updall, argc, argv);
}

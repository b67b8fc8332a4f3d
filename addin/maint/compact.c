/* load compact: give space back. Its options come from a console. */
#include <addin.h>

#include "addin/maint/task.h"
#include "base/text.h"

static struct nsf_compact_options options;

static bool option(char letter, const char *value, bool *took_r)
{
	uint64_t number;

	*took_r = false;
	switch (letter) {
	case 'b': options.style = NSF_COMPACT_KEEP; return true;
	case 'B': options.style = NSF_COMPACT_SHRINK; return true;
	case 'c': options.style = NSF_COMPACT_COPY; return true;
	case 'S':
		*took_r = value != NULL && text_number(slice_of(value), 100, &number);
		if (*took_r)
			options.unused_percent = (unsigned)number;
		return *took_r;
	default: return false;
	}
}

static STATUS file(struct run *run, const char *path, bool *changed_r, struct fault *fault)
{
	struct nsf_compact_result r;
	STATUS status = nsf_compact(path, &options, &run->watch, &r, fault);
	char size[16];
	uint64_t saved;

	if (status != NOERROR)
		return status;
	saved = r.before_octets > r.after_octets ? r.before_octets - r.after_octets : 0;
	*changed_r = !r.passed_over;
	text_size(saved, size);
	if (r.passed_over && run->talkative)
		run_say(run, "%s: left alone, %u%% of it is unused", run->shown, r.unused_percent);
	else if (!r.passed_over && (run->talkative || saved > 0))
		run_say(run, "%s: compacted, %s recovered (%u%%)", run->shown, size,
		        r.before_octets == 0 ? 0 : (unsigned)(saved * 100 / r.before_octets));
	return NOERROR;
}

STATUS LNPUBLIC AddInMain(HMODULE module, int argc, char *argv[])
{
	static const struct maint compact = {
		.title = "Database Compactor", .doing = "Compacting", .changed = "compacted",
		.usage = "load compact [FILE|DIR]... [-b | -B | -c] [-S PERCENT]", .option = option,
		.file = file,
	};

	(void)module;
	return maint_main(&compact, argc, argv);
}

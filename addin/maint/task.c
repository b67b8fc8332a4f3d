/*
 * The common part of fixup, compact and updall. Distrusted: arguments and names
 * of files, which are shown with control characters escaped.
 */
#include "addin/maint/task.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <addin.h>
#include <postil.h>

#include "addin/maint/walk.h"
#include "base/clock.h"
#include "base/text.h"

enum { TALKATIVE_FILES = 20, TOLD_MAX = 20, STATUS_MS = 500, LOG_MS = 15000 };

void run_say(struct run *run, const char *format, ...)
{
	char line[800];
	va_list ap;

	va_start(ap, format);
	vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	AddInLogMessageText("%s: %s", NOERROR, run->maint->title, line);
}

/* --- progress ------------------------------------------------------------------------------ */

static void show_status(struct run *run, uint64_t done, uint64_t total)
{
	if (total > 0)
		AddInSetStatusText("%s %s (%zu of %zu), %u%%", run->maint->doing, run->shown, run->index + 1,
		                   run->count, (unsigned)(done >= total ? 100 : done * 100 / total));
	else
		AddInSetStatusText("%s %s (%zu of %zu)", run->maint->doing, run->shown, run->index + 1,
		                   run->count);
}

static bool go_on(void *context, uint64_t done, uint64_t total)
{
	struct run *run = context;
	uint64_t now = clock_mono_ms();

	if (now - run->status_ms >= STATUS_MS) {
		run->status_ms = now;
		show_status(run, done, total);
	}
	return !AddInShouldTerminate();
}

static void tell(void *context, const char *text)
{
	struct run *run = context;
	struct buf shown = BUF_INIT;

	run->told++;
	if (run->told > TOLD_MAX)
		return;
	text_escape(slice_of(text), 500, &shown);
	run_say(run, "%s: %s", run->shown, buf_cstr(&shown));
	buf_release(&shown);
}

/* --- files ---------------------------------------------------------------------------------- */

static void begin(struct run *run, const char *path)
{
	struct buf shown = BUF_INIT;
	uint64_t now = clock_mono_ms();

	text_escape(slice_of(path), sizeof(run->shown) - 1, &shown);
	snprintf(run->shown, sizeof(run->shown), "%s", buf_cstr(&shown));
	buf_release(&shown);
	run->path = path;
	run->told = 0;
	run->status_ms = now;
	show_status(run, 0, 0);
	if (run->talkative) {
		run_say(run, "%s %s", run->maint->doing, run->shown);
	} else if (now - run->log_ms >= LOG_MS) {
		run->log_ms = now;
		run_say(run, "%zu of %zu databases done", run->index, run->count);
	}
}

static void one(struct run *run, const char *path)
{
	struct fault fault = { .status = NOERROR };
	struct buf full = BUF_INIT, shown = BUF_INIT;
	bool changed = false;
	STATUS status;

	begin(run, path);
	buf_addf(&full, "%s/%s", run->data_dir, path);
	status = buf_status(&full);
	if (status == NOERROR)
		status = run->maint->file(run, buf_cstr(&full), &changed, &fault);
	if (status == NOERROR)
		nsf_tidy(buf_cstr(&full));
	if (run->told > TOLD_MAX)
		run_say(run, "%s: and %u more", run->shown, run->told - TOLD_MAX);
	run->changed += changed;
	run->done += status == NOERROR;
	if (status != NOERROR && status != POSTIL_ERR_CANCEL) {
		text_escape(slice_of(fault_text(&fault, status)), 500, &shown);
		run_say(run, "Error: %s", buf_cstr(&shown));
		run->errors++;
	}
	buf_release(&full);
	buf_release(&shown);
}

static void all(struct run *run, const struct walk *walk)
{
	run->count = walk->count;
	run->talkative = walk->count <= TALKATIVE_FILES;
	run->log_ms = clock_mono_ms();
	for (run->index = 0; run->index < walk->count && !AddInShouldTerminate(); run->index++)
		one(run, walk->paths[run->index]);
}

/* --- arguments --------------------------------------------------------------------------------- */

static bool options_take(struct run *run, int argc, char **argv, struct walk *walk, bool *named_r,
                         struct fault *fault)
{
	for (int i = 1; i < argc; i++) {
		const char *value;
		bool took = false;

		if (argv[i][0] != '-') {
			*named_r = true;
			if (walk_add(walk, run->data_dir, argv[i], fault) != NOERROR)
				return false;
			continue;
		}
		value = argv[i][1] != '\0' && argv[i][2] != '\0' ? argv[i] + 2 : i + 1 < argc ? argv[i + 1]
			: NULL;
		if (!run->maint->option(argv[i][1], value, &took) || (!took && argv[i][1] != '\0'
		                                                      && argv[i][2] != '\0')) {
			fault_set(fault, POSTIL_ERR_INVALID,
			          "the option %.40s is not one of this server's, or its value is wrong", argv[i]);
			return false;
		}
		i += took && argv[i][2] == '\0';
	}
	return true;
}

static void refuse(struct run *run, const struct fault *fault)
{
	struct buf shown = BUF_INIT;

	text_escape(slice_of(fault_text(fault, fault->status)), 500, &shown);
	run_say(run, "%s", buf_cstr(&shown));
	run_say(run, "Usage: %s", run->maint->usage);
	buf_release(&shown);
}

static void summary(struct run *run)
{
	run_say(run, "%s: %llu database%s done, %llu %s, %llu error%s",
	        run->index < run->count ? "Stopped" : "Completed", (unsigned long long)run->done,
	        text_plural(run->done), (unsigned long long)run->changed, run->maint->changed,
	        (unsigned long long)run->errors, text_plural(run->errors));
}

STATUS maint_main(const struct maint *maint, int argc, char **argv)
{
	struct run run = { .maint = maint, .data_dir = PostilDataDirectory() };
	struct fault fault = { .status = NOERROR };
	struct walk walk = { .paths = NULL };
	bool named = false, fine;

	run.watch = (struct nsf_watch){ .go_on = go_on, .tell = tell, .context = &run };
	run_say(&run, "Started");
	fine = options_take(&run, argc, argv, &walk, &named, &fault)
	       && (named || walk_add(&walk, run.data_dir, NULL, &fault) == NOERROR);
	if (fine) {
		walk_sort(&walk);
		all(&run, &walk);
		summary(&run);
	} else {
		refuse(&run, &fault);
	}
	walk_release(&walk);
	run_say(&run, "Shutdown");
	return NOERROR;
}

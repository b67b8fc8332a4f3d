/*
 * What the maintenance tasks share: options and arguments, the walk through the
 * files, progress on the console and in the status line, the end.
 */
#ifndef POSTIL_MAINT_TASK_H
#define POSTIL_MAINT_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "nsf/maint.h"

struct run {
	const struct maint *maint;
	const char *data_dir;
	const char *path;               /* of the file at hand, relative */
	char shown[256];                /* the same, fit to be shown */
	size_t index, count;            /* this file, all files */
	bool talkative;                 /* few files: each is told of */
	uint64_t status_ms, log_ms;     /* when progress was last shown */
	unsigned told;                  /* sentences about this file */
	uint64_t done, changed, errors; /* files */
	struct nsf_watch watch;
};

struct maint {
	const char *title;              /* "Database Fixup" */
	const char *doing;              /* "Checking" */
	const char *changed;            /* "repaired": what became of some of the files */
	const char *usage;
	/* A letter of an option, with what follows it (NULL: nothing), of which it says whether
	 * it took it. False: not one of ours. */
	bool (*option)(char letter, const char *value, bool *took_r);
	/* One file; *changed_r: it is counted as changed. */
	STATUS (*file)(struct run *run, const char *full_path, bool *changed_r, struct fault *fault);
};

/* AddInMain of a maintenance task. */
STATUS maint_main(const struct maint *maint, int argc, char **argv);

__attribute__((format(printf, 2, 3)))
void run_say(struct run *run, const char *format, ...);

#endif

/*
 * Which files a maintenance task or a backup is about: arguments as on Domino, a
 * database or a folder relative to the data directory, or nothing for all.
 */
#ifndef POSTIL_MAINT_WALK_H
#define POSTIL_MAINT_WALK_H

#include <stddef.h>

#include "base/fault.h"

struct walk {
	char **paths;           /* relative to the data directory, sorted, each once */
	size_t count;
};

/* Add what argument names (NULL: every *.nsf below the data directory). `\` is `/`; .nsf
 * may be missing; an absolute path must lead into the data directory. Links that are
 * found in folders are not followed. POSTIL_ERR_NOEXIST, POSTIL_ERR_INVALID. */
STATUS walk_add(struct walk *walk, const char *data_dir, const char *argument,
                struct fault *fault);
/* The order of names, and each once. */
void walk_sort(struct walk *walk);
void walk_release(struct walk *walk);

#endif

/*
 * The folders in which the directory's documents lie, DATA/names and those below
 * it: watched with inotify, and looked at for what inotify does not tell.
 */
#ifndef POSTIL_HOST_FOLDERS_H
#define POSTIL_HOST_FOLDERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

#define FOLDERS_DEEP 4          /* below DATA/names, as the compiler reads them */
#define FOLDERS_WATCHED_MAX 1000
#define FOLDERS_LOOKED_MAX 100000

struct folders;

STATUS folders_new(const char *data_dir, struct folders **folders_r);
void folders_free(struct folders **folders);

/* Readable when something has changed; -1: there is no inotify. */
int folders_fd(const struct folders *folders);
/* Take what inotify tells. true: documents or folders have changed. */
bool folders_changed(struct folders *folders);

/* Visit all folders, each once, whatever links lead to it: those that are new are
 * watched from now on, those that are gone no longer. Returns a fingerprint of the
 * names, sizes and times of all files. Blocks; one thread at a time, which need not
 * be that of the others. */
uint64_t folders_look(struct folders *folders);
/* How many folders the last look could not watch. */
unsigned folders_unwatched(const struct folders *folders);

#endif

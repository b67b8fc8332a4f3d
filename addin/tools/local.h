/*
 * Documents that tools write: small DXL files of their own below DATA/names/local,
 * so that an export beside them stays as it is. One process at a time changes them.
 */
#ifndef POSTIL_TOOLS_LOCAL_H
#define POSTIL_TOOLS_LOCAL_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/fault.h"
#include "base/note.h"

#define LOCAL_FOLDER "names/local"

struct local {
	const char *data_dir;
	int fd;                 /* the folder, locked; -1: not open */
};

struct local_notes {
	struct note **notes;
	size_t count, room;
};

/* The folder, made if need be, and the lock on it. data_dir must outlive it.
 * POSTIL_ERR_BUSY: another process has had it for half a minute. */
STATUS local_open(const char *data_dir, struct local *local, struct fault *fault);
void local_close(struct local *local);

/* The file for what belongs to a name: a readable part, a digest of the canonical,
 * folded name, and ending: always the same for the same name, however spelled. */
STATUS local_name(struct slice name, const char *ending, struct buf *out);

/* All documents of a file, in arena. POSTIL_ERR_NOEXIST, POSTIL_ERR_SYNTAX also when
 * one of them could not be kept whole. */
STATUS local_read(const struct local *local, const char *name, struct arena *arena,
                  struct local_notes *notes_r, struct fault *fault);
/* POSTIL_ERR_MEMORY */
STATUS local_add(struct local_notes *notes, struct arena *arena, struct note *note);

/* Replace the file as a whole, durably; readers see the old one or the new one.
 * anew: POSTIL_ERR_EXISTS if there is one. */
STATUS local_write(const struct local *local, const char *name, const struct local_notes *notes,
                   bool anew, struct fault *fault);

#endif

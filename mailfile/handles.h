/*
 * Open note databases that nobody uses at the moment, kept for the next call.
 * A handle is taken out, used by one thread, and put back. Beyond a number the
 * one idle for longest is closed. Any thread.
 */
#ifndef POSTIL_MAILFILE_HANDLES_H
#define POSTIL_MAILFILE_HANDLES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/fault.h"
#include "nsf/nsf.h"

struct handles;
struct handle;

/* Which file lies under a path: another one after a restore. */
struct file_id {
	dev_t dev;
	ino_t ino;
};
bool file_id_equal(struct file_id a, struct file_id b);
/* POSTIL_ERR_NOEXIST, POSTIL_ERR_PERMISSION, POSTIL_ERR_IO */
STATUS file_id_of(const char *path, struct file_id *id_r, struct fault *fault);

STATUS handles_new(size_t max_idle, struct handles **handles_r);
void handles_free(struct handles **handles);    /* all must have been put back */
/* A handle on the file with that id. POSTIL_ERR_LOCK_LOST: another file lies
 * under the path now. Else the errors of nsf_open. */
STATUS handles_take(struct handles *handles, const char *path, struct file_id id,
                    struct handle **handle_r, struct fault *fault);
/* Make the database; the handle is on it. */
STATUS handles_create(struct handles *handles, const char *path, struct handle **handle_r,
                      struct fault *fault);
struct nsf *handle_nsf(struct handle *handle);
/* status: of the last call on it; after a damage or I/O error it is closed. */
void handles_put(struct handles *handles, struct handle **handle, STATUS status);
void handles_drop(struct handles *handles, const char *path);   /* idle ones of that path */
void handles_drop_all(struct handles *handles);

#endif

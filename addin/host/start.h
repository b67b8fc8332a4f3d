/*
 * What happens before the loop: the lock of the data directory, the user, and
 * what systemd wants to be told.
 */
#ifndef POSTIL_HOST_START_H
#define POSTIL_HOST_START_H

#include <stdbool.h>

#include "base/fault.h"
#include "base/ini.h"

/* Lock the data directory; the lock is inherited by tasks. When only tasks of a
 * server that has died still hold it, wait for them at most wait_secs.
 * POSTIL_ERR_IN_USE: `Server is already running (in another process)`. */
STATUS lock_data(const char *data_dir, unsigned wait_secs, int *fd_r, struct fault *fault);

/* As root: become the user that ServerUser names, for good. */
STATUS become_server_user(const struct ini *ini, const char *data_dir, struct fault *fault);
/* Not as root: what was given to us is kept from tasks; no child gains anything. */
void keep_privileges_to_ourselves(void);

/* The descriptors that systemd passes (LISTEN_FDS), moved out of the way of ours; at
 * most `most`. All others above 2 are kept from tasks. First of all calls. */
size_t inherit_descriptors(int *fds, size_t most);

/* As many descriptors as the system allows, for ourselves and tasks. */
void raise_descriptor_limit(void);

/* sd_notify: "READY=1" and the like; nothing without $NOTIFY_SOCKET. */
void notify_systemd(const char *state);

#endif

/*
 * Files below a data directory belong to its owner, whoever runs a tool: a
 * file that root made could not be opened by the server.
 */
#ifndef POSTIL_TOOLS_IDENTITY_H
#define POSTIL_TOOLS_IDENTITY_H

#include "base/fault.h"

/* If the process is root's and dir belongs to somebody else, become that user
 * and the directory's group, for good, without supplementary groups. Anybody
 * else: nothing. Call before any file is touched and any thread started. */
STATUS identity_become_owner(const char *dir, struct fault *fault);

#endif

/* Setting a damaged file aside, one process at a time. */
#ifndef POSTIL_DIRECTORY_LOCKASIDE_H
#define POSTIL_DIRECTORY_LOCKASIDE_H

#include <sys/stat.h>

#include "base/status.h"

/* The database at path becomes path.damaged-N, N the first number that is free, and its
 * write-ahead log path.damaged-N-wal, if path is still the file bad (device and inode): two
 * processes that find the damage at once must not set aside what the first of them makes
 * anew. *to_r: the new name, the caller's to free; NULL: it was another file already.
 * POSTIL_ERR_BUSY: another process has been at it for a second. */
STATUS lockaside(const char *path, const struct stat *bad, char **to_r);

#endif

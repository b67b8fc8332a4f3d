/*
 * Listening UNIX sockets: a name in the file system that is ours while we listen.
 */
#ifndef POSTIL_HOST_LOCALSOCKET_H
#define POSTIL_HOST_LOCALSOCKET_H

#include <sys/stat.h>

/* Which socket lies under the path: another one if somebody has replaced it. */
struct localsocket_id {
	dev_t dev;
	ino_t ino;
};

/* Bind and listen at path, with the permissions mode, for group (name or number; "": left as it
 * is). A socket that nobody listens on any more is replaced; EADDRINUSE: somebody does, EEXIST:
 * something else lies there. 0, or the error. */
int localsocket_open(const char *path, unsigned mode, const char *group,
                     struct localsocket_id *id_r, int *fd_r);
/* Permissions and group of one that is open: 0, or the error (EINVAL: no such group). */
int localsocket_permit(const char *path, unsigned mode, const char *group);
/* Remove the name, if it is still that of id. */
void localsocket_remove(const char *path, const struct localsocket_id *id);

#endif

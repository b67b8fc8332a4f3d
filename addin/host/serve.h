/* The way from main to the loop. */
#ifndef POSTIL_HOST_SERVE_H
#define POSTIL_HOST_SERVE_H

#include "addin/host/host.h"

/* Run the server whose directories, notes.ini, lock and privileged child are in
 * host, until it has ended; the exit status. */
int host_serve(struct host *host);

#endif

/* What a thread of the task works with unless told otherwise: its module, its
 * status line, the clock of its idle loop. */
#ifndef POSTIL_RUNTIME_DEFAULTS_H
#define POSTIL_RUNTIME_DEFAULTS_H

#include "addin/api/addin.h"

/* In the main thread, before AddInMain: the default line, the task's start. */
void defaults_start(DHANDLE line);

#endif

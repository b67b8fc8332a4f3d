/*
 * What the host tells or asks unasked, handed to the task's callbacks on a
 * thread that exists once there are callbacks. The queue before it is bounded;
 * without callbacks the host gets its answer (no sessions) at once.
 */
#ifndef POSTIL_RUNTIME_EVENTS_H
#define POSTIL_RUNTIME_EVENTS_H

#include "addin/api/postil.h"
#include "addin/wire/wire.h"

void events_take(struct wire_in *in);   /* on the reader thread: never blocks for long */
void events_link_closed(void);
STATUS events_set_callbacks(const POSTIL_CALLBACKS *callbacks);

#endif

/*
 * One thread that does what may block on a file: log writes, notes.ini, looking
 * for changed documents. Jobs run in order; their `done` is called back on the
 * host's own thread, from the loop.
 */
#ifndef POSTIL_HOST_WORKER_H
#define POSTIL_HOST_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "addin/host/loop.h"

struct worker;

STATUS worker_start(struct loop *loop, struct worker **worker_r);
/* POSTIL_ERR_MEMORY, or POSTIL_ERR_LIMIT when WORKER_JOBS_MAX are waiting; then
 * neither function is ever called. done may be NULL. */
STATUS worker_submit(struct worker *worker, void (*run)(void *context),
                     void (*done)(void *context), void *context);
#define WORKER_JOBS_MAX 256

/* Wait until all jobs are done, at most max_ms; their `done` is called. false:
 * something is still stuck; then leave it alone and end the process. */
bool worker_stop(struct worker **worker, uint64_t max_ms);

#endif

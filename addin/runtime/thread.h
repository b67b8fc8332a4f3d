/* Threads of the runtime: small detached ones, waits by the monotonic clock. */
#ifndef POSTIL_RUNTIME_THREAD_H
#define POSTIL_RUNTIME_THREAD_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/status.h"

/* Start a detached thread with about this much stack. POSTIL_ERR_LIMIT. */
STATUS thread_start(void *(*run)(void *), void *context, size_t stack_octets);
/* A condition variable whose timed waits take thread_deadline(). */
void thread_cond_init(pthread_cond_t *cond);
struct timespec thread_deadline(uint32_t ms);   /* so long from now */

#endif

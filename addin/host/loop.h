/*
 * The host's event loop: descriptors and timers served by one thread with poll().
 *
 * Callbacks run one after another on the thread that calls loop_round(). A watch
 * or timer may be ended in any callback, its own included.
 */
#ifndef POSTIL_HOST_LOOP_H
#define POSTIL_HOST_LOOP_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

struct watch;
struct timer;

struct loop {
	struct watch *watches;
	struct timer *timers;
	struct pollfd *fds;
	struct watch **order;
	unsigned count, size;
	bool dead_watches;
};

void loop_init(struct loop *loop);
void loop_release(struct loop *loop);   /* frees what is still watched or armed */

/* Call ready when fd has one of events (POLLIN, POLLOUT), an error or a hangup.
 * fd stays the caller's, who ends the watch before closing it. NULL: out of memory. */
struct watch *loop_watch(struct loop *loop, int fd, short events,
                         void (*ready)(void *context, short revents), void *context);
void watch_events(struct watch *watch, short events);
void loop_unwatch(struct loop *loop, struct watch **watch);

/* A timer that calls fire each time after it was armed and its time has come. */
struct timer *loop_timer(struct loop *loop, void (*fire)(void *context), void *context);
void timer_arm(struct timer *timer, uint64_t after_ms);
void timer_disarm(struct timer *timer);
bool timer_is_armed(const struct timer *timer);
void loop_untimer(struct loop *loop, struct timer **timer);

/* Wait at most max_wait_ms for something to do and do it. POSTIL_ERR_MEMORY. */
STATUS loop_round(struct loop *loop, int max_wait_ms);

#endif

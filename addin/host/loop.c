/* The event loop. Distrusts nothing: what arrives is looked at by the callbacks. */
#include "addin/host/loop.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/banned.h"

struct watch {
	struct watch *next;
	int fd;
	short events;
	bool dead;
	void (*ready)(void *context, short revents);
	void *context;
};

struct timer {
	struct timer *next;
	uint64_t due_ms;
	bool armed, dead;
	void (*fire)(void *context);
	void *context;
};

void loop_init(struct loop *loop)
{
	*loop = (struct loop){ 0 };
}

void loop_release(struct loop *loop)
{
	struct watch *w;
	struct timer *t;

	while ((w = loop->watches) != NULL) {
		loop->watches = w->next;
		free(w);
	}
	while ((t = loop->timers) != NULL) {
		loop->timers = t->next;
		free(t);
	}
	free(loop->fds);
	free(loop->order);
	loop_init(loop);
}

struct watch *loop_watch(struct loop *loop, int fd, short events,
                         void (*ready)(void *context, short revents), void *context)
{
	struct watch *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->fd = fd;
	w->events = events;
	w->ready = ready;
	w->context = context;
	w->next = loop->watches;
	loop->watches = w;
	return w;
}

void watch_events(struct watch *watch, short events)
{
	watch->events = events;
}

void loop_unwatch(struct loop *loop, struct watch **watch)
{
	if (*watch == NULL)
		return;
	(*watch)->dead = true;
	loop->dead_watches = true;
	*watch = NULL;
}

struct timer *loop_timer(struct loop *loop, void (*fire)(void *context), void *context)
{
	struct timer *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->fire = fire;
	t->context = context;
	t->next = loop->timers;
	loop->timers = t;
	return t;
}

void timer_arm(struct timer *timer, uint64_t after_ms)
{
	timer->due_ms = clock_mono_ms() + after_ms;
	timer->armed = true;
}

void timer_disarm(struct timer *timer)
{
	timer->armed = false;
}

bool timer_is_armed(const struct timer *timer)
{
	return timer->armed;
}

void loop_untimer(struct loop *loop, struct timer **timer)
{
	if (*timer == NULL)
		return;
	(*timer)->dead = true;
	(*timer)->armed = false;
	*timer = NULL;
}

static void bury_watches(struct loop *loop)
{
	struct watch **at = &loop->watches, *w;

	if (!loop->dead_watches)
		return;
	while ((w = *at) != NULL) {
		if (w->dead) {
			*at = w->next;
			free(w);
		} else {
			at = &w->next;
		}
	}
	loop->dead_watches = false;
}

static void bury_timers(struct loop *loop)
{
	struct timer **at = &loop->timers, *t;

	while ((t = *at) != NULL) {
		if (t->dead) {
			*at = t->next;
			free(t);
		} else {
			at = &t->next;
		}
	}
}

static STATUS gather(struct loop *loop)
{
	unsigned n = 0;

	for (struct watch *w = loop->watches; w != NULL; w = w->next)
		n++;
	if (n > loop->size) {
		struct pollfd *fds = realloc(loop->fds, (n + 16) * sizeof(*fds));

		if (fds == NULL)
			return POSTIL_ERR_MEMORY;
		loop->fds = fds;
		struct watch **order = realloc(loop->order, (n + 16) * sizeof(struct watch *));

		if (order == NULL)
			return POSTIL_ERR_MEMORY;
		loop->order = order;
		loop->size = n + 16;
	}
	loop->count = 0;
	for (struct watch *w = loop->watches; w != NULL; w = w->next) {
		loop->fds[loop->count] = (struct pollfd){ .fd = w->fd, .events = w->events };
		loop->order[loop->count++] = w;
	}
	return NOERROR;
}

static int next_wait(const struct loop *loop, int max_wait_ms)
{
	uint64_t now = clock_mono_ms(), wait = (uint64_t)max_wait_ms;

	for (const struct timer *t = loop->timers; t != NULL; t = t->next) {
		if (!t->armed)
			continue;
		if (t->due_ms <= now)
			return 0;
		if (t->due_ms - now < wait)
			wait = t->due_ms - now;
	}
	return (int)wait;
}

static void fire_timers(struct loop *loop)
{
	uint64_t now = clock_mono_ms();

	for (struct timer *t = loop->timers; t != NULL; t = t->next) {
		if (!t->armed || t->dead || t->due_ms > now)
			continue;
		t->armed = false;
		t->fire(t->context);
	}
	bury_timers(loop);
}

STATUS loop_round(struct loop *loop, int max_wait_ms)
{
	STATUS status = gather(loop);
	int ready;

	if (status != NOERROR)
		return status;
	ready = poll(loop->fds, loop->count, next_wait(loop, max_wait_ms));
	for (unsigned i = 0; ready > 0 && i < loop->count; i++) {
		struct watch *w = loop->order[i];

		if (loop->fds[i].revents == 0)
			continue;
		ready--;
		/* Closed under us: never asked again, so that nothing spins. */
		if (loop->fds[i].revents & POLLNVAL)
			w->fd = -1;
		if (!w->dead)
			w->ready(w->context, loop->fds[i].revents);
	}
	bury_watches(loop);
	fire_timers(loop);
	return NOERROR;
}

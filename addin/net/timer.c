/*
 * Deadlines: a heap and one timerfd in the epoll set, no thread of its own.
 * A deadline that moves away costs nothing: the heap keeps the early key, and
 * when that comes up, the real deadline is looked at and put in. It sees no input.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "addin/net/impl.h"
#include "base/clock.h"

#define EXPIRED_AT_ONCE 32
#define OWNED_RETRY_MS 100      /* its owner is at work: look again */

struct expired {
	struct timer *timer;
	uint64_t word;
};

STATUS timers_init(struct net *net, struct fault *fault)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.u64 = EVENT_TIMER };

	net->timers.armed = NEVER;
	net->timers.fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (net->timers.fd < 0 ||
	    epoll_ctl(net->epoll, EPOLL_CTL_ADD, net->timers.fd, &event) != 0)
		return fault_set(fault, POSTIL_ERR_IO, "timer: %s", strerror(errno));
	return NOERROR;
}

void timers_release(struct net *net)
{
	if (net->timers.fd >= 0)
		close(net->timers.fd);
	heap_release(&net->timers.heap);
}

bool timers_reserve(struct net *net, unsigned nodes)
{
	bool done;

	pthread_mutex_lock(&net->timers.lock);
	done = heap_reserve(&net->timers.heap, nodes);
	pthread_mutex_unlock(&net->timers.lock);
	return done;
}

/* Under the lock. */
static void arm(struct net_timers *timers, uint64_t at)
{
	struct itimerspec when = { 0 };
	uint64_t now, ms;

	if (at >= timers->armed)
		return;
	now = clock_mono_ms();
	ms = at > now ? at - now : 0;
	timers->armed = at;
	when.it_value.tv_sec = (time_t)(ms / 1000);
	when.it_value.tv_nsec = (long)(ms % 1000) * 1000000 + 500000;
	timerfd_settime(timers->fd, 0, &when, NULL);
}

static void put(struct net_timers *timers, struct timer *timer, uint64_t at)
{
	heap_set(&timers->heap, &timer->node, at);
	atomic_store(&timer->key, at);
}

void timer_want(struct net *net, struct timer *timer, uint64_t at)
{
	struct net_timers *timers = &net->timers;

	if (atomic_load(&timer->key) <= at)
		return;
	pthread_mutex_lock(&timers->lock);
	if (timer->node.at == 0 || timer->node.key > at) {
		put(timers, timer, at);
		arm(timers, at);
	}
	pthread_mutex_unlock(&timers->lock);
}

void timer_drop(struct net *net, struct timer *timer)
{
	pthread_mutex_lock(&net->timers.lock);
	heap_remove(&net->timers.heap, &timer->node);
	atomic_store(&timer->key, NEVER);
	pthread_mutex_unlock(&net->timers.lock);
}

/* The key of this connection has come up; true: so has its deadline. An owner
 * stores the deadline before it looks at the key, and here the key is cleared
 * before the deadline is read: one of the two sees the other. */
static bool conn_is_due(struct net_timers *timers, struct timer *timer, uint64_t now,
                        uint64_t *word_r)
{
	struct net_conn *conn = (struct net_conn *)(void *)timer;
	uint64_t word = atomic_load(&conn->word), deadline = atomic_load(&conn->deadline);

	if (word_state(word) == CONN_FREE)
		return false;
	if (deadline > now) {
		if (deadline != NEVER)
			put(timers, timer, deadline);
		return false;
	}
	if (word_state(word) == CONN_OWNED) {
		put(timers, timer, now + OWNED_RETRY_MS);
		return false;
	}
	*word_r = word;
	return true;
}

static unsigned take_expired(struct net_timers *timers, struct expired expired[EXPIRED_AT_ONCE])
{
	uint64_t now = clock_mono_ms();
	struct heap_node *top;
	unsigned n = 0;

	pthread_mutex_lock(&timers->lock);
	while (n < EXPIRED_AT_ONCE && (top = heap_top(&timers->heap)) != NULL && top->key <= now) {
		struct timer *timer = (struct timer *)(void *)top;

		heap_remove(&timers->heap, top);
		atomic_store(&timer->key, NEVER);
		expired[n].timer = timer;
		if (timer->kind == TIMER_LISTENER ||
		    conn_is_due(timers, timer, now, &expired[n].word))
			n++;
	}
	timers->armed = NEVER;
	if ((top = heap_top(&timers->heap)) != NULL)
		arm(timers, top->key);
	pthread_mutex_unlock(&timers->lock);
	return n;
}

void timer_event(struct worker *worker)
{
	struct expired expired[EXPIRED_AT_ONCE];
	unsigned n = take_expired(&worker->net->timers, expired);

	for (unsigned i = 0; i < n; i++) {
		struct timer *timer = expired[i].timer;

		if (timer->kind == TIMER_LISTENER)
			listener_expired((struct net_listener *)(void *)timer);
		else
			conn_expired(worker, (struct net_conn *)(void *)timer, expired[i].word);
	}
}

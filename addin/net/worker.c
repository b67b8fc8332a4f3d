/*
 * A worker thread: waits for events, handles what it got, then runs the jobs
 * that may run. It distrusts nothing itself; the files it calls do.
 *
 * As many workers as there are cores wait for events at the same time, the
 * others are spare: were all of them to wait, each event would wake another
 * thread although one at work is about to look. Who goes to run a job, which may
 * block, leaves, and calls a spare one when too few are left.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#include "addin/net/impl.h"
#include "base/clock.h"

static _Thread_local struct worker *self;

struct worker *worker_self(void)
{
	return self;
}

static void kicked(struct worker *worker)
{
	if (atomic_load(&worker->net->stopping))
		net_kick(worker->net);          /* pass it on */
	if (atomic_exchange(&worker->net->sweep, false))
		conn_sweep(worker);
}

static void handle(struct worker *worker, uint64_t data)
{
	if ((data & EVENT_SPECIAL) == 0)
		conn_event(worker, data);
	else if (data == EVENT_TIMER)
		timer_event(worker);
	else if (data == EVENT_KICK)
		kicked(worker);
	else
		listener_event(worker, (unsigned)(data - EVENT_LISTENER));
}

static void count_busy(struct net *net)
{
	unsigned busy = atomic_fetch_add_explicit(&net->busy, 1, memory_order_relaxed) + 1;
	unsigned peak = atomic_load_explicit(&net->busy_peak, memory_order_relaxed);

	while (busy > peak && !atomic_compare_exchange_weak(&net->busy_peak, &peak, busy))
		continue;
}

/* Wait to be one of those who wait for events. */
static void enter(struct worker *worker)
{
	struct net *net = worker->net;

	pthread_mutex_lock(&net->gate_lock);
	while (net->pollers >= net->pollers_most && !atomic_load(&net->stopping))
		pthread_cond_wait(&net->gate, &net->gate_lock);
	net->pollers++;
	pthread_mutex_unlock(&net->gate_lock);
	worker->polls = true;
}

void worker_leaves(struct worker *worker)
{
	struct net *net = worker->net;
	bool call;

	if (!worker->polls)
		return;
	worker->polls = false;
	pthread_mutex_lock(&net->gate_lock);
	call = --net->pollers == 0 || net->pollers < net->pollers_most / 2;
	pthread_mutex_unlock(&net->gate_lock);
	if (call)
		pthread_cond_signal(&net->gate);
}

void workers_wake(struct net *net)
{
	pthread_mutex_lock(&net->gate_lock);
	pthread_cond_broadcast(&net->gate);
	pthread_mutex_unlock(&net->gate_lock);
}

void *worker_main(void *argument)
{
	struct worker *worker = argument;
	struct net *net = worker->net;
	struct epoll_event events[EVENTS_AT_ONCE];

	self = worker;
	while (!atomic_load(&net->stopping)) {
		int n;

		if (!worker->polls) {
			enter(worker);
			continue;       /* perhaps it stops */
		}
		n = epoll_wait(net->epoll, events, EVENTS_AT_ONCE, -1);
		if (n < 0 && errno != EINTR)
			net_logf(net, "waiting for events: %s", strerror(errno));
		count_busy(net);
		worker->now = clock_mono_ms();
		for (int i = 0; i < n; i++)
			handle(worker, events[i].data.u64);
		job_work(worker);
		atomic_fetch_sub_explicit(&net->busy, 1, memory_order_relaxed);
	}
	net_kick(net);
	buf_release(&worker->out);
	return NULL;
}

/*
 * Blocking work. A job needs a token of its class; with one it runs in the
 * worker that asked, as soon as its batch of events is done; without one it
 * waits: store jobs in order of arrival, hashes in turn by client address, so
 * that one address with many cannot starve the others.
 *
 * A running job knows its connection only by the word under which it was parked:
 * whoever claims that word first (the result, the deadline, a closer) has the
 * connection, the other goes the way of discard.
 */
#include <stdlib.h>

#include "addin/net/impl.h"
#include "base/clock.h"

#define DETACHED_MAX 1024

static void list_append(struct job_list *list, struct job *job)
{
	job->next = NULL;
	job->prev = list->tail;
	if (list->tail != NULL)
		list->tail->next = job;
	else
		list->head = job;
	list->tail = job;
}

static void list_remove(struct job_list *list, struct job *job)
{
	if (job->prev != NULL)
		job->prev->next = job->next;
	else
		list->head = job->next;
	if (job->next != NULL)
		job->next->prev = job->prev;
	else
		list->tail = job->prev;
}

static void ring_add(struct net_jobs *jobs, struct source *source)
{
	if (jobs->ring == NULL) {
		source->ring_next = source->ring_prev = source;
		jobs->ring = source;
		return;
	}
	source->ring_next = jobs->ring;         /* behind all others */
	source->ring_prev = jobs->ring->ring_prev;
	source->ring_prev->ring_next = source;
	source->ring_next->ring_prev = source;
}

static void ring_remove(struct net_jobs *jobs, struct source *source)
{
	if (source->ring_next == source) {
		jobs->ring = NULL;
	} else {
		source->ring_prev->ring_next = source->ring_next;
		source->ring_next->ring_prev = source->ring_prev;
		if (jobs->ring == source)
			jobs->ring = source->ring_next;
	}
	source->ring_next = source->ring_prev = NULL;
}

static void enqueue(struct net_jobs *jobs, struct job *job)
{
	atomic_fetch_add(&jobs->waiting, 1);
	if (job->conn == NULL) {
		jobs->detached_queued++;
		list_append(&jobs->detached, job);
		return;
	}
	jobs->queued[job->what.class]++;
	job->conn->queued = job;
	if (job->what.class == NET_JOB_STORE) {
		list_append(&jobs->store, job);
		return;
	}
	if (job->source->hashes.head == NULL)
		ring_add(jobs, job->source);
	list_append(&job->source->hashes, job);
}

static void dequeue(struct net_jobs *jobs, struct job *job)
{
	atomic_fetch_sub(&jobs->waiting, 1);
	if (job->conn == NULL) {
		jobs->detached_queued--;
		list_remove(&jobs->detached, job);
		return;
	}
	jobs->queued[job->what.class]--;
	job->conn->queued = NULL;
	if (job->what.class == NET_JOB_STORE) {
		list_remove(&jobs->store, job);
		return;
	}
	list_remove(&job->source->hashes, job);
	if (job->source->hashes.head == NULL)
		ring_remove(jobs, job->source);
}

static bool token_free(const struct net_jobs *jobs, enum net_job_class class)
{
	return jobs->used[class] < jobs->limit[class];
}

static void token_take(struct net_jobs *jobs, const struct job *job)
{
	jobs->used[job->what.class]++;
	if (job->conn == NULL)
		jobs->detached_used++;
	atomic_fetch_add(&jobs->running, 1);
}

static void token_give(struct net_jobs *jobs, const struct job *job)
{
	pthread_mutex_lock(&jobs->lock);
	jobs->used[job->what.class]--;
	if (job->conn == NULL)
		jobs->detached_used--;
	pthread_mutex_unlock(&jobs->lock);
}

/* The waiting job that may run, or NULL. */
static struct job *runnable(const struct net_jobs *jobs)
{
	if (jobs->store.head != NULL && token_free(jobs, NET_JOB_STORE))
		return jobs->store.head;
	if (jobs->ring != NULL && token_free(jobs, NET_JOB_HASH))
		return jobs->ring->hashes.head;
	if (jobs->detached.head != NULL && jobs->detached_used < jobs->detached_limit &&
	    token_free(jobs, jobs->detached.head->what.class))
		return jobs->detached.head;
	return NULL;
}

static struct job *take_runnable(struct net *net)
{
	struct net_jobs *jobs = &net->jobs;
	struct job *job;
	bool more;

	pthread_mutex_lock(&jobs->lock);
	job = runnable(jobs);
	if (job != NULL) {
		if (job->source != NULL)
			jobs->ring = job->source->ring_next;    /* the next address is next */
		dequeue(jobs, job);
		token_take(jobs, job);
	}
	more = runnable(jobs) != NULL;
	pthread_mutex_unlock(&jobs->lock);
	if (more)
		net_kick(net);
	return job;
}

/* Under the lock: the connection is parked from now on. */
static void park(struct net_conn *conn, struct job *job, uint64_t deadline)
{
	job->word = word_next(atomic_load(&conn->word), CONN_JOB);
	conn->worker = NULL;
	atomic_store(&conn->deadline, deadline);
	timer_want(conn->net, &conn->timer, deadline);
	atomic_store(&conn->word, job->word);
}

static STATUS park_waiting(struct net *net, const struct job *job, uint64_t deadline)
{
	struct net_jobs *jobs = &net->jobs;
	struct job *record;

	if (jobs->queued[job->what.class] >= atomic_load(&net->limits.max_queue))
		return POSTIL_ERR_LIMIT;
	record = malloc(sizeof(*record));
	if (record == NULL)
		return POSTIL_ERR_MEMORY;
	*record = *job;
	enqueue(jobs, record);
	park(job->conn, record, deadline);
	return NOERROR;
}

STATUS job_park(struct worker *worker, struct net_conn *conn)
{
	struct net *net = worker->net;
	struct net_jobs *jobs = &net->jobs;
	struct job job = { .what = worker->start, .conn = conn };
	enum net_job_class class = job.what.class;
	uint64_t deadline = NEVER;
	STATUS status = NOERROR;
	bool kick = false;

	if (class == NET_JOB_HASH)
		job.source = conn->source;
	if (job.what.deadline_ms != 0)
		deadline = clock_mono_ms() + job.what.deadline_ms;
	pthread_mutex_lock(&jobs->lock);
	if (!worker->deferred_set && jobs->queued[class] == 0 && token_free(jobs, class)) {
		token_take(jobs, &job);
		park(conn, &job, deadline);
		worker->deferred = job;
		worker->deferred_set = true;
	} else {
		status = park_waiting(net, &job, deadline);
		kick = status == NOERROR && runnable(jobs) != NULL;
	}
	pthread_mutex_unlock(&jobs->lock);
	if (kick)
		net_kick(net);
	return status;
}

void job_forget(struct net_conn *conn)
{
	struct net_jobs *jobs = &conn->net->jobs;
	struct job *job;

	pthread_mutex_lock(&jobs->lock);
	job = conn->queued;
	if (job != NULL)
		dequeue(jobs, job);
	pthread_mutex_unlock(&jobs->lock);
	if (job == NULL)
		return;
	job->what.discard(job->what.context, POSTIL_ERR_CANCEL);
	free(job);
}

static void run(struct worker *worker, struct job *job)
{
	struct net *net = worker->net;
	STATUS status;

	worker_leaves(worker);
	status = job->what.run(job->what.context);
	token_give(&net->jobs, job);
	if (job->conn != NULL && conn_claim(worker, job->conn, job->word))
		conn_resume(worker, job->conn, status, job->what.context);
	else
		job->what.discard(job->what.context, status);
	atomic_fetch_sub(&net->jobs.running, 1);
	net_signal_end(net);
}

void job_work(struct worker *worker)
{
	for (;;) {
		struct job job, *waiting;

		if (worker->deferred_set) {
			job = worker->deferred;
			worker->deferred_set = false;
			run(worker, &job);
			continue;
		}
		if (atomic_load(&worker->net->jobs.waiting) == 0)
			return;
		waiting = take_runnable(worker->net);
		if (waiting == NULL)
			return;
		job = *waiting;
		free(waiting);
		run(worker, &job);
	}
}

enum net_next net_job_start(struct net_conn *conn, const struct net_job *job)
{
	conn->worker->start = *job;
	conn->worker->start_set = true;
	return NET_PARKED;
}

void net_detach(struct net *net, const struct net_job *job)
{
	struct worker *self = worker_self();
	struct net_jobs *jobs = &net->jobs;
	struct job *record = NULL;

	pthread_mutex_lock(&jobs->lock);
	if (!atomic_load(&net->stopping) && jobs->detached_queued < DETACHED_MAX)
		record = calloc(1, sizeof(*record));
	if (record != NULL) {
		record->what = *job;
		enqueue(jobs, record);
	}
	pthread_mutex_unlock(&jobs->lock);
	if (record == NULL)
		job->discard(job->context, POSTIL_ERR_CANCEL);
	else if (self == NULL || self->net != net || self->deferred_set)
		net_kick(net);
}

void jobs_drop(struct net *net)
{
	struct net_jobs *jobs = &net->jobs;

	for (;;) {
		struct job *job;

		pthread_mutex_lock(&jobs->lock);
		job = jobs->detached.head;
		if (job != NULL)
			dequeue(jobs, job);
		pthread_mutex_unlock(&jobs->lock);
		if (job == NULL)
			return;
		job->what.discard(job->what.context, POSTIL_ERR_CANCEL);
		free(job);
	}
}

/* The thread for file work. Its jobs are made by the host itself. */
#include "addin/host/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/banned.h"

struct job {
	struct job *next;
	void (*run)(void *context);
	void (*done)(void *context);
	void *context;
};

struct job_list {
	struct job *first, **last;
	unsigned count;
};

struct worker {
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t wake, idle;
	struct job_list waiting, finished;      /* under mutex */
	bool busy, stop;                        /* under mutex */
	int event;
	struct loop *loop;
	struct watch *watch;
};

static void list_init(struct job_list *list)
{
	list->first = NULL;
	list->last = &list->first;
	list->count = 0;
}

static void list_add(struct job_list *list, struct job *job)
{
	job->next = NULL;
	*list->last = job;
	list->last = &job->next;
	list->count++;
}

static struct job *list_take(struct job_list *list)
{
	struct job *job = list->first;

	if (job == NULL)
		return NULL;
	list->first = job->next;
	if (list->first == NULL)
		list->last = &list->first;
	list->count--;
	return job;
}

static void tell_loop(struct worker *w)
{
	uint64_t one = 1;

	while (write(w->event, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

static void *work(void *context)
{
	struct worker *w = context;
	struct job *job;

	pthread_mutex_lock(&w->mutex);
	for (;;) {
		while (w->waiting.first == NULL && !w->stop) {
			pthread_cond_broadcast(&w->idle);
			pthread_cond_wait(&w->wake, &w->mutex);
		}
		job = list_take(&w->waiting);
		if (job == NULL)
			break;
		w->busy = true;
		pthread_mutex_unlock(&w->mutex);
		job->run(job->context);
		pthread_mutex_lock(&w->mutex);
		w->busy = false;
		list_add(&w->finished, job);
		tell_loop(w);
	}
	pthread_cond_broadcast(&w->idle);
	pthread_mutex_unlock(&w->mutex);
	return NULL;
}

static void call_done(struct worker *w)
{
	struct job *job;

	for (;;) {
		pthread_mutex_lock(&w->mutex);
		job = list_take(&w->finished);
		pthread_mutex_unlock(&w->mutex);
		if (job == NULL)
			return;
		if (job->done != NULL)
			job->done(job->context);
		free(job);
	}
}

static void on_finished(void *context, short revents)
{
	struct worker *w = context;
	uint64_t n;

	(void)revents;
	while (read(w->event, &n, sizeof(n)) < 0 && errno == EINTR)
		;
	call_done(w);
}

/* The thread takes no signals: they are the loop's. */
static int start_thread(struct worker *w)
{
	sigset_t all, before;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&w->thread, NULL, work, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

STATUS worker_start(struct loop *loop, struct worker **worker_r)
{
	struct worker *w = calloc(1, sizeof(*w));
	pthread_condattr_t attr;

	if (w == NULL)
		return POSTIL_ERR_MEMORY;
	pthread_mutex_init(&w->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->wake, &attr);
	pthread_cond_init(&w->idle, &attr);
	pthread_condattr_destroy(&attr);
	list_init(&w->waiting);
	list_init(&w->finished);
	w->loop = loop;
	w->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->event >= 0)
		w->watch = loop_watch(loop, w->event, POLLIN, on_finished, w);
	if (w->watch == NULL || start_thread(w) != 0) {
		loop_unwatch(loop, &w->watch);
		if (w->event >= 0)
			close(w->event);
		free(w);
		return POSTIL_ERR_MEMORY;
	}
	*worker_r = w;
	return NOERROR;
}

STATUS worker_submit(struct worker *w, void (*run)(void *context),
                     void (*done)(void *context), void *context)
{
	struct job *job = calloc(1, sizeof(*job));
	STATUS status = NOERROR;

	if (job == NULL)
		return POSTIL_ERR_MEMORY;
	*job = (struct job){ NULL, run, done, context };
	pthread_mutex_lock(&w->mutex);
	if (w->waiting.count >= WORKER_JOBS_MAX)
		status = POSTIL_ERR_LIMIT;
	else
		list_add(&w->waiting, job);
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->mutex);
	if (status != NOERROR)
		free(job);
	return status;
}

static struct timespec deadline_after(uint64_t ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += (time_t)(ms / 1000);
	t.tv_nsec += (long)(ms % 1000) * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

bool worker_stop(struct worker **worker, uint64_t max_ms)
{
	struct worker *w = *worker;
	struct timespec deadline = deadline_after(max_ms);
	bool idle;

	if (w == NULL)
		return true;
	pthread_mutex_lock(&w->mutex);
	while ((w->busy || w->waiting.first != NULL)
	       && pthread_cond_timedwait(&w->idle, &w->mutex, &deadline) == 0)
		;
	idle = !w->busy && w->waiting.first == NULL;
	w->stop = idle;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->mutex);
	if (!idle)
		return false;
	pthread_join(w->thread, NULL);
	call_done(w);
	loop_unwatch(w->loop, &w->watch);
	close(w->event);
	pthread_cond_destroy(&w->wake);
	pthread_cond_destroy(&w->idle);
	pthread_mutex_destroy(&w->mutex);
	free(w);
	*worker = NULL;
	return true;
}

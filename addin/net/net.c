/*
 * The engine as a whole: made, started, asked, ended. Options come from the
 * task, which has checked them; zero means the default.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "addin/net/impl.h"
#include "base/clock.h"

#define WORKERS_MIN 4
#define THREAD_STACK_OCTETS (1024 * 1024)
#define END_POLL_MS 100

void net_logf(struct net *net, const char *format, ...)
{
	char text[256];
	va_list ap;

	if (net->log == NULL)
		return;
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	net->log(net->log_context, text);
}

void net_kick(struct net *net)
{
	/* edge-triggered: each write wakes one worker, the count is never read */
	uint64_t one = 1;

	while (write(net->kick, &one, sizeof(one)) < 0 && errno == EINTR)
		continue;
}

void net_signal_end(struct net *net)
{
	if (!atomic_load(&net->ending))
		return;
	pthread_mutex_lock(&net->lock);
	pthread_cond_broadcast(&net->ended);
	pthread_mutex_unlock(&net->lock);
}

static unsigned cores(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : (unsigned)n;
}

static uint64_t open_files_allowed(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return UINT64_MAX;
	if (limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
		getrlimit(RLIMIT_NOFILE, &limit);
	}
	return limit.rlim_cur;
}

/* So many that strangers cannot take the files that sessions need to go on. */
static unsigned connections_allowed(struct net *net, const struct net_options *options)
{
	unsigned most = options->max_connections != 0 ? options->max_connections : 2000;
	uint64_t files = open_files_allowed(), fit = UINT64_MAX;

	if (options->files_kept != 0)
		fit = files <= options->files_kept ? 1
			: (files - options->files_kept) / (1 + (uint64_t)options->files_each);
	else if (files < most)
		net_logf(net, "%u connections are allowed but only %llu open files "
			"(raise the hard limit: ulimit -Hn, LimitNOFILE)", most, (unsigned long long)files);
	if (fit >= most)
		return most;
	fit = fit == 0 ? 1 : fit;
	net_logf(net, "%u connections are allowed but the %llu files that may be open are enough "
		"for %u (raise the hard limit: ulimit -Hn, LimitNOFILE)", most, (unsigned long long)files,
		(unsigned)fit);
	return (unsigned)fit;
}

void net_set_options(struct net *net, const struct net_options *options)
{
	struct net_limits *limits = &net->limits;
	unsigned most = connections_allowed(net, options);
	char *line = options->refused_line != NULL ? strdup(options->refused_line) : NULL;

	atomic_store(&limits->max_connections, most);
	atomic_store(&limits->max_per_address, options->max_per_address);
	atomic_store(&limits->spare_loopback, options->spare_loopback);
	atomic_store(&limits->max_queue, options->max_queue != 0 ? options->max_queue : most);
	atomic_store(&limits->prelogin_ms, options->prelogin_ms != 0 ? options->prelogin_ms : 60000);
	atomic_store(&limits->grace_ms, options->grace_ms != 0 ? options->grace_ms : 20000);
	atomic_store(&limits->line_octets, options->line_octets != 0 ? options->line_octets : 65536);
	pthread_mutex_lock(&net->lock);
	free(net->refused_line);
	net->refused_line = line;
	pthread_mutex_unlock(&net->lock);
}

static STATUS open_descriptors(struct net *net, struct fault *fault)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.u64 = EVENT_KICK };

	net->epoll = epoll_create1(EPOLL_CLOEXEC);
	net->kick = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	net->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (net->epoll < 0 || net->kick < 0 || net->reserve < 0 ||
	    epoll_ctl(net->epoll, EPOLL_CTL_ADD, net->kick, &event) != 0)
		return fault_set(fault, POSTIL_ERR_IO, "event set: %s", strerror(errno));
	return timers_init(net, fault);
}

static void init(struct net *net, const struct net_options *options,
                 const struct net_protocol *protocol)
{
	const size_t align = _Alignof(max_align_t);

	net->protocol = protocol;
	net->epoll = net->kick = net->reserve = net->timers.fd = -1;
	net->log = options->log;
	net->log_context = options->log_context;
	net->state_at = (sizeof(struct net_conn) + align - 1) / align * align;
	net->conn_octets = net->state_at + (protocol->state_octets + align - 1) / align * align;
	pthread_mutex_init(&net->lock, NULL);
	pthread_mutex_init(&net->jobs.lock, NULL);
	pthread_mutex_init(&net->timers.lock, NULL);
	pthread_cond_init(&net->ended, NULL);
	pthread_mutex_init(&net->gate_lock, NULL);
	pthread_cond_init(&net->gate, NULL);
	net->pollers_most = cores();
	net->worker_count = options->workers != 0 ? options->workers : 2 * cores() + 2;
	if (net->worker_count < WORKERS_MIN)
		net->worker_count = WORKERS_MIN;
	net->jobs.limit[NET_JOB_STORE] = net->worker_count - 2;
	net->jobs.limit[NET_JOB_HASH] = cores() / 2 > 0 ? cores() / 2 : 1;
	net->jobs.detached_limit = net->jobs.limit[NET_JOB_STORE] / 2;
	if (getrandom(&net->source_seed, sizeof(net->source_seed), GRND_NONBLOCK) < 0)
		net->source_seed = clock_mono_ms() ^ (uint64_t)(uintptr_t)net;
	net_set_options(net, options);
}

STATUS net_new(const struct net_options *options, const struct net_protocol *protocol,
               struct net **net_r, struct fault *fault)
{
	struct net *net = calloc(1, sizeof(*net));
	STATUS status;

	if (net == NULL)
		return fault_set(fault, POSTIL_ERR_MEMORY, "no memory for the network engine");
	init(net, options, protocol);
	status = open_descriptors(net, fault);
	if (status != NOERROR) {
		net_free(&net);
		return status;
	}
	*net_r = net;
	return NOERROR;
}

static STATUS start_worker(struct net *net, const pthread_attr_t *attributes)
{
	struct worker *worker = calloc(1, sizeof(*worker));

	if (worker == NULL)
		return POSTIL_ERR_MEMORY;
	worker->net = net;
	net->workers[net->workers_started] = worker;
	if (pthread_create(&worker->thread, attributes, worker_main, worker) != 0) {
		free(worker);
		return POSTIL_ERR_MEMORY;
	}
	net->workers_started++;
	return NOERROR;
}

STATUS net_start(struct net *net, struct fault *fault)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	STATUS status = NOERROR;

	net->workers = calloc(net->worker_count, sizeof(*net->workers));
	if (net->workers == NULL)
		return fault_set(fault, POSTIL_ERR_MEMORY, "no memory for worker threads");
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, THREAD_STACK_OCTETS);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_mutex_lock(&net->lock);
	while (status == NOERROR && net->workers_started < net->worker_count)
		status = start_worker(net, &attributes);
	pthread_mutex_unlock(&net->lock);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	if (status != NOERROR)
		return fault_set(fault, status, "only %u of %u worker threads could be started",
			net->workers_started, net->worker_count);
	return NOERROR;
}

bool net_is_ending(const struct net *net)
{
	return atomic_load(&net->ending);
}

/* Wait until nothing is left or `ms` have passed; true: nothing is left. */
static bool wait_for_end(struct net *net, uint32_t ms)
{
	uint64_t until = clock_mono_ms() + ms;
	bool done;

	pthread_mutex_lock(&net->lock);
	while (!(done = net->used == 0 && atomic_load(&net->jobs.running) == 0) &&
	       clock_mono_ms() < until && net->workers_started > 0) {
		struct timespec when;

		clock_gettime(CLOCK_REALTIME, &when);
		when.tv_nsec += END_POLL_MS * 1000000L;
		when.tv_sec += when.tv_nsec / 1000000000L;
		when.tv_nsec %= 1000000000L;
		pthread_cond_timedwait(&net->ended, &net->lock, &when);
	}
	pthread_mutex_unlock(&net->lock);
	return done;
}

/* Under the lock. */
static void add_counters(struct net *net, struct net_counters *sum)
{
	for (unsigned i = 0; i < net->workers_started; i++) {
		struct worker *worker = net->workers[i];

		sum->accepted += atomic_load(&worker->accepted);
		sum->accepted_tls += atomic_load(&worker->accepted_tls);
		sum->refused += atomic_load(&worker->refused);
		sum->bad_handshakes += atomic_load(&worker->bad_handshakes);
		sum->octets_in += atomic_load(&worker->octets_in);
		sum->octets_out += atomic_load(&worker->octets_out);
	}
}

static void stop_workers(struct net *net)
{
	unsigned started = net->workers_started;

	atomic_store(&net->stopping, true);
	workers_wake(net);
	net_kick(net);
	for (unsigned i = 0; i < started; i++)
		pthread_join(net->workers[i]->thread, NULL);
	pthread_mutex_lock(&net->lock);
	add_counters(net, &net->past);
	net->workers_started = 0;
	pthread_mutex_unlock(&net->lock);
	for (unsigned i = 0; i < started; i++)
		free(net->workers[i]);
}

STATUS net_end(struct net *net)
{
	uint32_t grace = atomic_load(&net->limits.grace_ms);
	unsigned listeners;
	bool done;

	pthread_mutex_lock(&net->lock);
	atomic_store(&net->ending, true);
	listeners = net->listener_count;
	pthread_mutex_unlock(&net->lock);
	for (unsigned i = 0; i < listeners; i++)
		listener_stop(net->listeners[i]);
	done = wait_for_end(net, grace);
	if (!done) {
		atomic_store(&net->closing, true);
		atomic_store(&net->sweep, true);
		net_kick(net);
		done = wait_for_end(net, grace);
	}
	if (!done && net->workers_started > 0) {
		atomic_store(&net->frozen, true);
		return POSTIL_ERR_TIMEOUT;
	}
	stop_workers(net);
	jobs_drop(net);
	return NOERROR;
}

void net_free(struct net **net_p)
{
	struct net *net = *net_p;

	*net_p = NULL;
	if (net == NULL || atomic_load(&net->frozen))
		return;
	for (unsigned i = 0; i < net->listener_count; i++) {
		pthread_mutex_destroy(&net->listeners[i]->lock);
		free(net->listeners[i]);
	}
	for (unsigned i = 0; i < SLABS_MAX; i++)
		free(atomic_load(&net->slabs[i]));
	limit_release(net);
	timers_release(net);
	if (net->epoll >= 0)
		close(net->epoll);
	if (net->kick >= 0)
		close(net->kick);
	if (net->reserve >= 0)
		close(net->reserve);
	pthread_cond_destroy(&net->ended);
	pthread_cond_destroy(&net->gate);
	pthread_mutex_destroy(&net->gate_lock);
	pthread_mutex_destroy(&net->timers.lock);
	pthread_mutex_destroy(&net->jobs.lock);
	pthread_mutex_destroy(&net->lock);
	free(net->free_slots);
	free(net->refused_line);
	free(net->workers);
	free(net);
}

STATUS net_close_conn(struct net *net, uint64_t conn_id, STATUS why)
{
	STATUS status = POSTIL_ERR_NOT_FOUND;
	struct net_conn *conn;

	if (conn_id == 0)
		return status;
	pthread_mutex_lock(&net->lock);
	for (uint32_t slot = 0; slot < net->slots && status != NOERROR; slot++) {
		conn = slot_at(net, slot);
		if (atomic_load(&conn->id) != conn_id || !conn->closable)
			continue;
		atomic_store(&conn->close_why, why != NOERROR ? why : POSTIL_ERR_CANCEL);
		status = NOERROR;
	}
	pthread_mutex_unlock(&net->lock);
	if (status == NOERROR) {
		atomic_store(&net->sweep, true);
		net_kick(net);
	}
	return status;
}

void net_each(struct net *net, void (*each)(void *context, struct net_conn *conn,
              void *state), void *context)
{
	pthread_mutex_lock(&net->lock);
	for (uint32_t slot = 0; slot < net->slots; slot++) {
		struct net_conn *conn = slot_at(net, slot);

		if (conn->visible)
			each(context, conn, conn_state(conn));
	}
	pthread_mutex_unlock(&net->lock);
}

void net_counters(struct net *net, struct net_counters *counters_r)
{
	pthread_mutex_lock(&net->lock);
	*counters_r = net->past;
	add_counters(net, counters_r);
	counters_r->active = net->active;
	counters_r->peak = net->peak;
	counters_r->active_tls = net->active_tls;
	counters_r->peak_tls = net->peak_tls;
	counters_r->threads = net->workers_started;
	pthread_mutex_unlock(&net->lock);
	counters_r->queue = atomic_load(&net->jobs.waiting);
	counters_r->threads_busy = atomic_load(&net->busy);
	counters_r->threads_peak = atomic_load(&net->busy_peak);
}

/*
 * The directory's compiler: `postil-directory update` is started when the
 * documents under DATA/names change (folders.h tells, and a look every minute),
 * one run at a time. Its output goes to the log.
 * Distrusts the program as any other: its lines are limited, it may hang.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "addin/host/folders.h"
#include "addin/host/program.h"
#include "addin/host/task.h"
#include "base/clock.h"
#include "base/banned.h"

#define SETTLE_MS 300           /* quiet time before a run */
#define SETTLE_MOST_MS 3000     /* but a run after this even without it */
#define LOOK_EVERY_MS 60000
#define RUN_MOST_MS 600000      /* then the run is ended */
#define FIRST_WAIT_MS 30000     /* tasks start without the first run's end */
#define LINES_PER_SECOND 1000

struct compiler {
	struct host *host;
	struct folders *folders;
	int output_fd;
	struct watch *inotify_watch, *output_watch;
	struct timer *settle, *look, *overdue, *first_wait;
	struct line_reader output;
	struct rate rate;
	pid_t pid;              /* 0: no run */
	bool again;             /* changed while a run was on */
	bool spoke;             /* this run has explained itself */
	bool wanted;            /* a run follows the look under way */
	bool unwatched_said;
	bool looking, gone;     /* the worker has it; compiler_stop was called */
	uint64_t first_change_ms;
	uint64_t seen, looked;  /* fingerprints of the documents: before the last run, now */
	char *names;
	void (*first_done)(struct host *host);
};

static void say_first_done(struct compiler *c)
{
	void (*done)(struct host *host) = c->first_done;

	if (done == NULL)
		return;
	c->first_done = NULL;
	timer_disarm(c->first_wait);
	done(c->host);
}

/* --- a run ----------------------------------------------------------------------------- */

static void on_line(void *context, struct slice text)
{
	struct compiler *c = context;

	c->spoke = c->spoke || text.n > 0;
	if (text.n > 0 && rate_take(&c->rate, clock_mono_ms(), LINES_PER_SECOND))
		log_say(c->host->log, "Directory: %.*s", (int)text.n, text.p);
}

static void close_output(struct compiler *c)
{
	if (c->output_fd < 0)
		return;
	line_reader_finish(&c->output, on_line, c);
	loop_unwatch(&c->host->loop, &c->output_watch);
	close(c->output_fd);
	c->output_fd = -1;
}

static void on_output(void *context, short revents)
{
	struct compiler *c = context;
	char octets[16384];
	ssize_t n = read(c->output_fd, octets, sizeof(octets));

	(void)revents;
	if (n > 0)
		line_reader_feed(&c->output, (struct slice){ octets, (size_t)n }, on_line, c);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		close_output(c);
}

static int start_program(struct compiler *c, int *output)
{
	static char name[] = "postil-directory", update[] = "update", option[] = "-d";
	char path[4096];
	char *argv[] = { name, update, option, c->host->data_dir, NULL };
	struct program_start start = { .host = c->host, .path = path, .argv = argv,
	                               .wire_fd = -1 };

	if (pipe2(output, O_CLOEXEC) != 0)
		return errno;
	program_move_up(&output[0]);
	program_move_up(&output[1]);
	fcntl(output[0], F_SETFL, O_NONBLOCK);
	start.output_fd = output[1];
	snprintf(path, sizeof(path), "%s/%s", c->host->program_dir, name);
	return program_start(&start, &c->pid);
}

static void run(struct compiler *c)
{
	int output[2] = { -1, -1 };
	int error = start_program(c, output);

	if (output[1] >= 0)
		close(output[1]);
	if (error != 0) {
		if (output[0] >= 0)
			close(output[0]);
		c->pid = 0;
		log_say(c->host->log, "Directory: %s/postil-directory cannot be started: %s; the"
		        " documents in %s are not taken up", c->host->program_dir,
		        strerrordesc_np(error), c->names);
		say_first_done(c);
		return;
	}
	c->spoke = false;
	c->output_fd = output[0];
	c->output_watch = loop_watch(&c->host->loop, c->output_fd, POLLIN, on_output, c);
	timer_arm(c->overdue, RUN_MOST_MS);
}

static void changed(struct compiler *c)
{
	uint64_t now = clock_mono_ms(), waited;

	if (c->pid != 0) {
		c->again = true;
		return;
	}
	if (!timer_is_armed(c->settle))
		c->first_change_ms = now;
	waited = now - c->first_change_ms;
	timer_arm(c->settle, waited >= SETTLE_MOST_MS ? 0 : SETTLE_MS);
}

static void on_overdue(void *context)
{
	struct compiler *c = context;

	if (c->pid == 0)
		return;
	log_say(c->host->log, "Directory: the run has not ended in %d seconds and is ended",
	        RUN_MOST_MS / 1000);
	kill(-c->pid, SIGKILL);
}

static void on_first_wait(void *context)
{
	struct compiler *c = context;

	log_say(c->host->log, "Directory: still compiling; tasks start with what names.nsf holds");
	say_first_done(c);
}

bool compiler_reaped(struct host *host, pid_t pid, int status)
{
	struct compiler *c = host->compiler;

	if (c == NULL || c->pid != pid)
		return false;
	for (int i = 0; i < 64 && c->output_fd >= 0; i++) {
		struct pollfd p = { .fd = c->output_fd, .events = POLLIN };

		if (poll(&p, 1, 0) <= 0)
			break;
		on_output(c, POLLIN);
	}
	close_output(c);
	c->pid = 0;
	timer_disarm(c->overdue);
	if (c->rate.dropped > 0)
		log_say(host->log, "Directory: %lu lines dropped", c->rate.dropped);
	c->rate.dropped = 0;
	if (WIFSIGNALED(status))
		log_say(host->log, "Directory: the run was ended by signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status) != 0 && !c->spoke)
		log_say(host->log, "Directory: the run ended with status %d",
		        WEXITSTATUS(status));
	tasks_settings_changed(host);
	say_first_done(c);
	if (c->again && host->state != HOST_ENDING) {
		c->again = false;
		changed(c);
	}
	return true;
}

/* --- what has changed ---------------------------------------------------------------------- */

static void compiler_free(struct compiler *c)
{
	folders_free(&c->folders);
	free(c->names);
	line_reader_release(&c->output);
	free(c);
}

static void look(void *context)
{
	struct compiler *c = context;

	c->looked = folders_look(c->folders);
}

static void say_unwatched(struct compiler *c)
{
	unsigned count = folders_unwatched(c->folders);

	if (count > 0 && !c->unwatched_said)
		log_say(c->host->log, "Directory: %u folder%s of documents cannot be watched; changes"
		        " there are taken up within a minute", count, count == 1 ? "" : "s");
	c->unwatched_said = count > 0;
}

/* A run is for what was seen before it: what comes later will differ from that. */
static void was_looked(void *context)
{
	struct compiler *c = context;

	c->looking = false;
	if (c->gone) {
		compiler_free(c);
		return;
	}
	say_unwatched(c);
	if (c->wanted && c->pid == 0) {
		c->wanted = false;
		c->seen = c->looked;
		run(c);
	} else if (c->looked != c->seen) {
		changed(c);
	}
}

static bool start_look(struct compiler *c)
{
	if (!c->looking)
		c->looking = worker_submit(c->host->worker, look, was_looked, c) == NOERROR;
	return c->looking;
}

static void on_look(void *context)
{
	struct compiler *c = context;

	timer_arm(c->look, LOOK_EVERY_MS);
	start_look(c);
}

/* New folders are watched before the documents in them are read. */
static void on_settled(void *context)
{
	struct compiler *c = context;

	if (c->pid != 0)
		return;
	c->wanted = start_look(c);
	if (!c->wanted)
		run(c);
}

static void on_inotify(void *context, short revents)
{
	struct compiler *c = context;

	(void)revents;
	if (folders_changed(c->folders))
		changed(c);
}

STATUS compiler_start(struct host *host, void (*first_done)(struct host *host))
{
	struct compiler *c = calloc(1, sizeof(*c));
	struct loop *loop = &host->loop;

	if (c == NULL)
		return POSTIL_ERR_MEMORY;
	if (asprintf(&c->names, "%s/names", host->data_dir) < 0)
		c->names = NULL;
	if (c->names == NULL || folders_new(host->data_dir, &c->folders) != NOERROR) {
		free(c->names);
		free(c);
		return POSTIL_ERR_MEMORY;
	}
	c->host = host;
	c->output_fd = -1;
	c->first_done = first_done;
	line_reader_init(&c->output);
	c->settle = loop_timer(loop, on_settled, c);
	c->look = loop_timer(loop, on_look, c);
	c->overdue = loop_timer(loop, on_overdue, c);
	c->first_wait = loop_timer(loop, on_first_wait, c);
	if (c->settle == NULL || c->look == NULL || c->overdue == NULL || c->first_wait == NULL)
		return POSTIL_ERR_MEMORY;
	if (folders_fd(c->folders) >= 0)
		c->inotify_watch = loop_watch(loop, folders_fd(c->folders), POLLIN, on_inotify, c);
	look(c);
	c->seen = c->looked;
	host->compiler = c;
	timer_arm(c->look, LOOK_EVERY_MS);
	timer_arm(c->first_wait, FIRST_WAIT_MS);
	run(c);
	return NOERROR;
}

void compiler_stop(struct host *host)
{
	struct compiler *c = host->compiler;

	if (c == NULL)
		return;
	host->compiler = NULL;
	if (c->pid != 0)
		kill(-c->pid, SIGTERM);
	close_output(c);
	loop_unwatch(&host->loop, &c->inotify_watch);
	loop_untimer(&host->loop, &c->settle);
	loop_untimer(&host->loop, &c->look);
	loop_untimer(&host->loop, &c->overdue);
	loop_untimer(&host->loop, &c->first_wait);
	c->gone = true;
	if (!c->looking)
		compiler_free(c);
}

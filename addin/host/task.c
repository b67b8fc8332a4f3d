/*
 * The life of a task: started, watched, asked to end, made to end, reaped.
 * Distrusts the program: its output is cut into lines and limited, its process
 * group is ended with it, and nothing it does or omits holds the host up.
 */
#include "addin/host/task.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "addin/host/control.h"
#include "addin/host/listener.h"
#include "addin/host/program.h"
#include "base/clock.h"
#include "base/banned.h"

#define SOCKET_OCTETS (256 * 1024)
#define KILL_AFTER_TERM_MS 5000

struct task *task_find(struct host *host, struct slice name)
{
	for (struct task *t = host->tasks; t != NULL; t = t->next)
		if (slice_equal_nocase(slice_of(t->name), name))
			return t;
	return NULL;
}

/* --- log lines --------------------------------------------------------------------------- */

static double line_limit(const struct host *host)
{
	return (double)setting_number(host, "TASK_LOG_LINES_PER_SECOND", 2000, 1, 1000000);
}

void task_log(struct task *t, uint32_t thread, struct slice text, bool console)
{
	if (!rate_take(&t->rate, clock_mono_ms(), line_limit(t->host)))
		return;
	if (!console)
		log_file_only(t->host->log, text);
	else
		log_add(t->host->log, t->name, (int)t->pid, thread, text);
	followers_line(t, text);
}

static void on_output_line(void *context, struct slice text)
{
	struct task *t = context;
	char line[LINE_MAX_OCTETS + TASK_NAME_MAX + 3];
	int n;

	if (text.n == 0)
		return;
	n = snprintf(line, sizeof(line), "%s: %.*s", t->name, (int)text.n, text.p);
	task_log(t, 0, (struct slice){ line, (size_t)n }, true);
}

static void close_output(struct task *t)
{
	if (t->output_fd < 0)
		return;
	line_reader_finish(&t->output, on_output_line, t);
	loop_unwatch(&t->host->loop, &t->output_watch);
	close(t->output_fd);
	t->output_fd = -1;
}

static void on_output(void *context, short revents)
{
	struct task *t = context;
	char octets[16384];
	ssize_t n = read(t->output_fd, octets, sizeof(octets));

	(void)revents;
	if (n > 0)
		line_reader_feed(&t->output, (struct slice){ octets, (size_t)n },
		                 on_output_line, t);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		close_output(t);
}

static void say_dropped(struct task *t)
{
	if (t->rate.dropped == 0)
		return;
	log_say(t->host->log, "%s: %lu lines dropped (it writes more than"
	        " TASK_LOG_LINES_PER_SECOND allows)", t->name, t->rate.dropped);
	t->rate.dropped = 0;
}

/* --- start --------------------------------------------------------------------------------- */

static void task_free(struct task *t)
{
	if (t == NULL)
		return;
	close_output(t);
	task_wire_close(t);
	line_reader_release(&t->output);
	for (size_t i = 0; i < t->line_count; i++)
		free(t->lines[i].text);
	free(t->lines);
	program_args_free(&t->argv);
	free(t);
}

static struct task *task_new(struct host *host, char ***argv)
{
	struct task *t = calloc(1, sizeof(*t));
	const char *base;

	if (t == NULL)
		return NULL;
	t->host = host;
	t->argv = *argv;
	*argv = NULL;
	base = strrchr(t->argv[0], '/');
	snprintf(t->name, sizeof(t->name), "%s", base != NULL ? base + 1 : t->argv[0]);
	t->wire_fd = t->output_fd = -1;
	t->out_last = &t->out_first;
	line_reader_init(&t->output);
	return t;
}

/* Both ends above the numbers that the child's descriptors get. */
static bool make_ends(int wire[2], int output[2])
{
	int n = SOCKET_OCTETS;

	wire[0] = wire[1] = output[0] = output[1] = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, wire) != 0
	    || pipe2(output, O_CLOEXEC) != 0)
		return false;
	for (int i = 0; i < 2; i++) {
		setsockopt(wire[i], SOL_SOCKET, SO_SNDBUF, &n, sizeof(n));
		program_move_up(&wire[i]);
		program_move_up(&output[i]);
	}
	fcntl(output[0], F_SETFL, O_NONBLOCK);
	return true;
}

static void close_ends(const int wire[2], const int output[2])
{
	for (int i = 0; i < 2; i++) {
		if (wire[i] >= 0)
			close(wire[i]);
		if (output[i] >= 0)
			close(output[i]);
	}
}

static int spawn(struct task *t, const char *path)
{
	int wire[2], output[2], error = EMFILE;
	struct program_start start = { .path = path, .argv = t->argv, .host = t->host };

	if (make_ends(wire, output)) {
		start.wire_fd = wire[1];
		start.output_fd = output[1];
		error = program_start(&start, &t->pid);
	}
	if (error != 0) {
		close_ends(wire, output);
		return error;
	}
	close(wire[1]);
	close(output[1]);
	t->wire_fd = wire[0];
	t->output_fd = output[0];
	t->wire_watch = loop_watch(&t->host->loop, wire[0], POLLIN, task_wire_ready, t);
	t->output_watch = loop_watch(&t->host->loop, output[0], POLLIN, on_output, t);
	return 0;
}

static void join(struct task *t, struct plan *plan)
{
	struct host *host = t->host;
	struct task **at = &host->tasks;

	t->run = ++host->last_run;
	t->plan = plan != NULL ? plan : plan_of(host, t->name);
	t->started_ms = clock_mono_ms();
	while (*at != NULL)
		at = &(*at)->next;
	*at = t;
	control_tasks(host);
}

static STATUS start(struct host *host, char ***argv, const char *path, struct plan *plan,
                    struct fault *fault)
{
	struct task *t = task_new(host, argv);
	int error;

	if (t == NULL)
		return fault_set(fault, POSTIL_ERR_MEMORY, "Out of memory");
	error = spawn(t, path);
	if (error != 0) {
		fault_set(fault, POSTIL_ERR_PERMISSION, "%s: %s", path, strerrordesc_np(error));
		task_free(t);
		return POSTIL_ERR_PERMISSION;
	}
	if (t->wire_watch == NULL || t->output_watch == NULL)
		task_contain(t, "no memory to watch it");
	join(t, plan);
	return NOERROR;
}

STATUS task_load(struct host *host, struct slice command, struct plan *plan,
                 struct fault *fault)
{
	char **argv = NULL, path[4096];
	struct task *running;
	STATUS status = program_args(command, &argv);

	if (status == NOERROR)
		status = program_find(host->program_dir, argv[0], path, sizeof(path));
	if (status == POSTIL_ERR_NOEXIST || status == POSTIL_ERR_INVALID)
		fault_set(fault, status, "Server Task executable file was not found.  Check that"
		          " it exists in your program directory.");
	else if (status != NOERROR)
		fault_set(fault, status, "%s", status_text(status));
	if (status == NOERROR) {
		const char *base = strrchr(argv[0], '/');

		running = task_find(host, slice_of(base != NULL ? base + 1 : argv[0]));
		status = running == NULL ? start(host, &argv, path, plan, fault)
		         : fault_set(fault, POSTIL_ERR_EXISTS, "%s: Task is already running",
		                     running->line_count > 0 ? running->lines[0].name
		                                             : running->name);
	}
	program_args_free(&argv);
	return status;
}

/* --- end ------------------------------------------------------------------------------------- */

static void quit_its_queue(struct task *t)
{
	char name[TASK_NAME_MAX + 4];
	struct queue *q;

	snprintf(name, sizeof(name), "MQ$%s", t->name);
	q = queue_find(&t->host->queues, slice_of(name));
	if (q != NULL)
		queue_quit(q);
}

void task_quit(struct task *t, enum wire_quit reason)
{
	unsigned char memory[WIRE_HEAD + 4];
	struct wire_out out;

	if (!t->quitting)
		t->quit_ms = clock_mono_ms();
	t->quitting = true;
	quit_its_queue(t);
	wire_begin(&out, memory, sizeof(memory), WIRE_QUIT, 0, 0, NOERROR);
	wire_put_u32(&out, (uint32_t)reason);
	task_event(t, &out);
}

void task_restart(struct task *t)
{
	t->load_again = true;
	task_quit(t, WIRE_QUIT_TASK);
}

static void kill_group(const struct task *t, int sig)
{
	if (t->pid > 1)
		kill(-t->pid, sig);
}

void task_contain(struct task *t, const char *format, ...)
{
	char why[256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, sizeof(why), format, ap);
	va_end(ap);
	log_say(t->host->log, "%s (process %d) is ended: %s", t->name, (int)t->pid, why);
	t->contained = true;
	kill_group(t, SIGKILL);
	task_wire_close(t);
}

static bool has_crashed(const struct task *t)
{
	if (t->contained || WIFSIGNALED(t->wait_status))
		return !(t->quitting && t->quit_signals > 0);
	return !t->goodbye && !t->quitting && (t->hello || WEXITSTATUS(t->wait_status) != 0);
}

static void say_end(const struct task *t)
{
	struct log *log = t->host->log;
	int status = t->wait_status;

	if (WIFSIGNALED(status))
		log_say(log, "%s (process %d) was ended by signal %d (%s)%s", t->name, (int)t->pid,
		        WTERMSIG(status), sigdescr_np(WTERMSIG(status)),
		        WCOREDUMP(status) ? ", core dumped" : "");
	else if (has_crashed(t))
		log_say(log, "%s (process %d) ended without notice, exit status %d", t->name,
		        (int)t->pid, WEXITSTATUS(status));
	else if (t->goodbye && t->exit_status != 0)
		log_say(log, "%s ended with status 0x%04X: %s", t->name, (unsigned)t->exit_status,
		        status_text((STATUS)t->exit_status));
	else if (!t->hello)
		log_say(log, "%s has ended without connecting to the server: it is no add-in task",
		        t->name);
}

static struct slice command_of(const struct task *t, struct buf *out)
{
	for (size_t i = 0; t->argv[i] != NULL; i++)
		buf_addf(out, i == 0 ? "%s" : " \"%s\"", t->argv[i]);
	return buf_slice(out);
}

static void load_again(struct host *host, struct slice command, struct plan *plan)
{
	struct fault fault;

	if (task_load(host, command, plan, &fault) != NOERROR)
		log_say(host->log, "Unable to restart %.*s: %s", (int)command.n, command.p,
		        fault.text);
}

/* What follows an end: another start, or the ports are given back. */
static void after_end(struct host *host, struct task *t)
{
	struct buf command = BUF_INIT;
	bool again = t->load_again && host->state != HOST_ENDING;
	bool crashed = has_crashed(t);

	if (again) {
		stat_delete_owner(&host->stats, t->run);
		load_again(host, command_of(t, &command), t->plan);
	} else if (crashed && t->plan != NULL && host->state != HOST_ENDING) {
		plan_crashed(t->plan, clock_mono_ms() - t->started_ms);
	} else {
		listeners_close_of(host, t->name);
	}
	buf_release(&command);
}

/* Everything it said before it died is still taken. */
static void drain(struct task *t)
{
	for (int i = 0; i < 1024 && t->wire_fd >= 0; i++) {
		struct pollfd p = { .fd = t->wire_fd, .events = POLLIN };

		if (poll(&p, 1, 0) <= 0)
			break;
		task_wire_ready(t, POLLIN);
	}
	for (int i = 0; i < 64 && t->output_fd >= 0; i++) {
		struct pollfd p = { .fd = t->output_fd, .events = POLLIN };

		if (poll(&p, 1, 0) <= 0)
			break;
		on_output(t, POLLIN);
	}
}

static void reset_its_queue(struct host *host, const struct task *t)
{
	char name[TASK_NAME_MAX + 4];
	struct queue *q;

	snprintf(name, sizeof(name), "MQ$%s", t->name);
	q = queue_find(&host->queues, slice_of(name));
	if (q != NULL)
		queue_reset(q);
}

bool task_reaped(struct host *host, pid_t pid, int status)
{
	struct task **at = &host->tasks, *t;

	while (*at != NULL && (*at)->pid != pid)
		at = &(*at)->next;
	t = *at;
	if (t == NULL)
		return false;
	t->reaped = true;
	t->wait_status = status;
	drain(t);
	kill_group(t, SIGKILL);
	close_output(t);
	task_wire_close(t);
	reset_its_queue(host, t);
	say_dropped(t);
	say_end(t);
	*at = t->next;
	after_end(host, t);
	task_free(t);
	control_tasks(host);
	return true;
}

/* --- each second ------------------------------------------------------------------------------- */

static void press(struct task *t, uint64_t now)
{
	uint64_t grace = (uint64_t)setting_number(t->host, "TASK_QUIT_SECONDS", 60, 1, 3600)
	                 * 1000;
	bool must = t->host->state == HOST_ENDING || t->load_again;

	if (!t->quitting || now - t->quit_ms < grace)
		return;
	if (!must) {
		if (t->quit_signals == 0)
			log_say(t->host->log, "%s has not ended yet, %u seconds after it was asked"
			        " to; `restart task` ends it by force", t->name,
			        (unsigned)(grace / 1000));
		t->quit_signals = t->quit_signals == 0 ? -1 : t->quit_signals;
		return;
	}
	if (t->quit_signals <= 0) {
		log_say(t->host->log, "%s has not ended in %u seconds: terminating process %d",
		        t->name, (unsigned)(grace / 1000), (int)t->pid);
		kill_group(t, SIGTERM);
		t->quit_signals = 1;
	} else if (t->quit_signals == 1 && now - t->quit_ms >= grace + KILL_AFTER_TERM_MS) {
		kill_group(t, SIGKILL);
		t->quit_signals = 2;
	}
}

void tasks_tick(struct host *host)
{
	uint64_t now = clock_mono_ms();

	for (struct task *t = host->tasks; t != NULL; t = t->next) {
		press(t, now);
		if (rate_has_room(&t->rate, now, line_limit(host)))
			say_dropped(t);
	}
}

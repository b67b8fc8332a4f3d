/*
 * The host's loop: start, signals, children, the end. Distrusts its children:
 * none of them is waited for without a bound.
 */
#include "addin/host/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "addin/host/control.h"
#include "addin/host/listener.h"
#include "addin/host/program.h"
#include "addin/host/start.h"
#include "addin/host/task.h"
#include "addin/wire/console.h"
#include "base/clock.h"
#include "base/banned.h"

#define LAST_WORDS_MS 2000      /* for log and terminal at the end */

/* --- signals and children -------------------------------------------------------------- */

static void reap(struct host *host)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == host->terminal_pid)
			host->terminal_pid = 0;
		else if (!task_reaped(host, pid, status))
			compiler_reaped(host, pid, status);
	}
}

static void on_signal(void *context, short revents)
{
	struct host *host = context;
	struct signalfd_siginfo info;

	(void)revents;
	while (read(host->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			reap(host);
		else if (info.ssi_signo == SIGHUP)
			log_reopen(host->log);
		else
			host_quit(host);
	}
}

static STATUS take_signals(struct host *host)
{
	sigset_t ours;

	sigemptyset(&ours);
	sigaddset(&ours, SIGCHLD);
	sigaddset(&ours, SIGHUP);
	sigaddset(&ours, SIGINT);
	sigaddset(&ours, SIGQUIT);
	sigaddset(&ours, SIGTERM);
	sigprocmask(SIG_BLOCK, &ours, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTTOU, SIG_IGN);
	host->signal_fd = signalfd(-1, &ours, SFD_NONBLOCK | SFD_CLOEXEC);
	if (host->signal_fd < 0)
		return POSTIL_ERR_IO;
	host->signal_watch = loop_watch(&host->loop, host->signal_fd, POLLIN, on_signal, host);
	return host->signal_watch != NULL ? NOERROR : POSTIL_ERR_MEMORY;
}

/* --- the terminal --------------------------------------------------------------------------- */

/* A program of its own talks to the terminal, so that one that is stopped stops
 * nobody else. It stays in our process group, which the terminal's keys reach. */
static int start_console(struct host *host, int fd)
{
	static char name[] = "postil-console", option[] = "-t";
	char *argv[] = { name, option, NULL }, path[4096];
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;
	int error;

	snprintf(path, sizeof(path), "%s/%s", host->program_dir, name);
	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	error = posix_spawn_file_actions_adddup2(&actions, fd, CONSOLE_FD);
	if (error == 0)
		error = posix_spawn(&host->terminal_pid, path, &actions, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	if (error != 0)
		host->terminal_pid = 0;
	return error;
}

static void open_terminal(struct host *host)
{
	int pair[2], error;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return;
	program_move_up(&pair[1]);
	error = start_console(host, pair[1]);
	close(pair[1]);
	if (error != 0) {
		close(pair[0]);
		log_say(host->log, "%s/postil-console cannot be started: %s; there is no console in"
		        " this terminal", host->program_dir, strerrordesc_np(error));
		return;
	}
	control_add_local(host, pair[0], !isatty(0) || !isatty(1));
}

/* --- start ------------------------------------------------------------------------------------- */

static void on_second(void *context)
{
	struct host *host = context;

	timer_arm(host->second, 1000);
	tasks_tick(host);
	listeners_tick(host);
	control_tick(host);
	if (host->state == HOST_RUNNING)
		plans_tick(host);
}

static void start_tasks(struct host *host)
{
	if (host->state != HOST_STARTING)
		return;
	host->state = HOST_RUNNING;
	plans_start(host);
	log_say(host->log, "Server started");
	notify_systemd("READY=1\nSTATUS=Serving");
}

static void say_hello(struct host *host)
{
	log_say(host->log, "Postil Server, Release %s", POSTIL_VERSION);
	log_say(host->log, "Server %s, data directory %s", setting(host, "ServerName"),
	        host->data_dir);
	if (log_is_enabled(host->log))
		log_say(host->log, "The Console file is %s", log_path(host->log));
	log_say(host->log, "Console Logging is %s", log_is_enabled(host->log) ? "ENABLED"
	                                                                       : "DISABLED");
	settings_judge(host, NULL);
}

static int current_hour(void)
{
	time_t now = (time_t)clock_wall_secs();
	struct tm tm;

	localtime_r(&now, &tm);
	return tm.tm_hour;
}

static STATUS start_parts(struct host *host, struct fault *fault)
{
	STATUS status = take_signals(host);

	if (status == NOERROR)
		status = worker_start(&host->loop, &host->worker);
	if (status == NOERROR)
		status = log_new(host->data_dir, host->worker, &host->log);
	if (status != NOERROR)
		return fault_set(fault, status, "%s", status_text(status));
	log_configure(host->log, host->ini);
	log_listen(host->log, control_log, host);
	status = control_open(host, fault);
	if (status != NOERROR)
		return status;
	host->second = loop_timer(&host->loop, on_second, host);
	if (host->second == NULL)
		return fault_set(fault, POSTIL_ERR_MEMORY, "%s", status_text(POSTIL_ERR_MEMORY));
	return NOERROR;
}

static STATUS start(struct host *host, struct fault *fault)
{
	STATUS status = start_parts(host, fault);

	if (status != NOERROR)
		return status;
	host->started_ms = clock_mono_ms();
	host->started_wall_ms = clock_wall_ms();
	host->last_hour = current_hour();
	open_terminal(host);
	say_hello(host);
	listeners_take_systemd(host);
	settings_watch(host);
	timer_arm(host->second, 1000);
	status = compiler_start(host, start_tasks);
	return status == NOERROR ? NOERROR : fault_set(fault, status, "%s", status_text(status));
}

/* --- the end --------------------------------------------------------------------------------------- */

void host_quit(struct host *host)
{
	if (host->state == HOST_ENDING)
		return;
	host->state = HOST_ENDING;
	host->quit_ms = clock_mono_ms();
	notify_systemd("STOPPING=1\nSTATUS=Waiting for tasks to end");
	plans_stop(host);
	if (host->tasks != NULL)
		log_say(host->log, "Waiting for processes to exit");
	for (struct task *t = host->tasks; t != NULL; t = t->next)
		task_quit(t, WIRE_QUIT_SERVER);
}

/* The last lines reach file and terminal, if those take them in time. */
static void flush_all(struct host *host)
{
	uint64_t until = clock_mono_ms() + LAST_WORDS_MS;

	while ((!log_is_idle(host->log) || !control_is_idle(host)) && clock_mono_ms() < until) {
		log_flush(host->log);
		loop_round(&host->loop, 50);
	}
}

static void end_terminal(struct host *host)
{
	uint64_t until = clock_mono_ms() + LAST_WORDS_MS;

	control_close(host);
	while (host->terminal_pid != 0 && clock_mono_ms() < until)
		loop_round(&host->loop, 50);
	if (host->terminal_pid != 0)
		kill(host->terminal_pid, SIGKILL);
}

static void release(struct host *host)
{
	listeners_free(host);
	plans_free(host);
	queue_table_release(&host->queues);
	stat_table_release(&host->stats);
	loop_unwatch(&host->loop, &host->signal_watch);
	loop_unwatch(&host->loop, &host->ini_watch);
	if (worker_stop(&host->worker, LAST_WORDS_MS))
		log_free(&host->log);
	if (host->signal_fd >= 0)
		close(host->signal_fd);
	if (host->ini_fd >= 0)
		close(host->ini_fd);
	loop_release(&host->loop);
}

int host_serve(struct host *host)
{
	struct fault fault = { 0 };
	struct termios modes;
	bool terminal = isatty(0) && tcgetattr(0, &modes) == 0;
	STATUS status = start(host, &fault);

	if (status != NOERROR) {
		fprintf(stderr, "postil server: %s\n", fault.text);
		return EXIT_FAILURE;
	}
	while (host->state != HOST_ENDING || host->tasks != NULL) {
		log_flush(host->log);
		if (loop_round(&host->loop, 1000) != NOERROR)
			host_quit(host);
	}
	compiler_stop(host);
	log_say(host->log, "Server shutdown complete");
	flush_all(host);
	end_terminal(host);
	if (terminal)
		tcsetattr(0, TCSANOW, &modes);
	release(host);
	return EXIT_SUCCESS;
}

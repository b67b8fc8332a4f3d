/* Console commands about tasks: load, tell, restart task, show tasks. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "addin/host/console.h"
#include "addin/host/listener.h"
#include "addin/host/task.h"
#include "base/text.h"
#include "base/banned.h"

#define FOLLOW_MS 5000          /* for the lines that follow a tell, at most */
#define FOLLOW_LAST_MS 150      /* for those behind the task's next MQGet */
#define NO_PRIORITY 0xFFFF

void do_load(struct run *run, struct slice rest, const struct slice *args, size_t count)
{
	struct host *host = run_host(run);
	struct fault fault;
	STATUS status;

	(void)count;
	if (host->state == HOST_ENDING) {
		run_fail(run, "The server is shutting down");
		return;
	}
	status = task_load(host, rest, NULL, &fault);
	if (status == NOERROR) {
		run_end(run, true);
	} else if (status == POSTIL_ERR_EXISTS) {
		run_fail(run, "%s", fault.text);
	} else {
		run_say(run, "Error attempting to load or run %.*s:", (int)args[0].n, args[0].p);
		run_fail(run, "    %s", fault.text);
	}
}

/* --- tell ------------------------------------------------------------------------------------ */

/* A console without the log that waits for the lines its tell brings: until the
 * task has taken the message and asks for the next, or FOLLOW_MS pass. */
struct follower {
	struct follower *next;
	struct task *task;
	struct run *run;
	struct queue *queue;
	uint64_t key;
	bool taken, last;
	struct timer *timer;
};

static void follower_end(struct follower *f)
{
	struct follower **at = &f->task->followers;

	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	loop_untimer(&f->task->host->loop, &f->timer);
	run_end(f->run, true);
	free(f);
}

static void on_follow_over(void *context)
{
	follower_end(context);
}

static struct follower *follow(struct task *t, struct run *run, struct queue *queue)
{
	struct follower *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->timer = loop_timer(&t->host->loop, on_follow_over, f);
	if (f->timer == NULL) {
		free(f);
		return NULL;
	}
	f->task = t;
	f->run = run;
	f->queue = queue;
	f->next = t->followers;
	t->followers = f;
	timer_arm(f->timer, FOLLOW_MS);
	return f;
}

void followers_taken(struct task *t, struct queue *queue, uint64_t key)
{
	for (struct follower *f = t->followers; f != NULL; f = f->next)
		if (f->queue == queue && (f->key == key || f->key == 0))
			f->taken = true;
}

void followers_asks_again(struct task *t, struct queue *queue)
{
	for (struct follower *f = t->followers; f != NULL; f = f->next) {
		if (f->queue != queue || !f->taken || f->last)
			continue;
		f->last = true;
		timer_arm(f->timer, FOLLOW_LAST_MS);
	}
}

void followers_line(struct task *t, struct slice line)
{
	for (struct follower *f = t->followers; f != NULL; f = f->next)
		run_line(f->run, line);
}

void followers_end(struct task *t)
{
	while (t->followers != NULL)
		follower_end(t->followers);
}

static void no_such_task(struct run *run, struct slice name)
{
	run_fail(run, "The %.*s task either does not exist or does not accept \"Tell\" commands.",
	         (int)name.n, name.p);
}

static bool is_quit(struct slice text)
{
	static const char word[] = "quit";

	return text.n > 0 && text.n < sizeof(word) && strncasecmp(text.p, word, text.n) == 0;
}

static struct queue *queue_named(struct host *host, struct slice task)
{
	struct buf name = BUF_INIT;
	struct queue *q;

	buf_addf(&name, "MQ$%.*s", (int)task.n, task.p);
	q = queue_find(&host->queues, buf_slice(&name));
	buf_release(&name);
	return q;
}

static void tell_text(struct run *run, struct task *t, struct queue *q, struct slice text)
{
	struct follower *f = t != NULL && !run_is_live(run) ? follow(t, run, q) : NULL;
	uint64_t key = 0;
	STATUS status = queue_put(q, NO_PRIORITY, text, &key);

	if (f != NULL)
		f->key = key;
	if (status == NOERROR && f != NULL)
		return;
	if (status == ERR_MQ_EXCEEDED_QUOTA || status == ERR_MQ_POOLFULL)
		run_say(run, "The queue of the task is full: it takes no messages");
	else if (status == ERR_MQ_QUITTING)
		run_say(run, "The task is ending and takes no more messages");
	else if (status != NOERROR)
		run_say(run, "%s", status_text(status));
	if (f != NULL) {
		f->run = run;
		loop_untimer(&t->host->loop, &f->timer);
		t->followers = f->next;
		free(f);
	}
	run_end(run, status == NOERROR);
}

/* A program that crashed and waits to be started again is a task that ends, too. */
static void tell_absent(struct run *run, struct slice name, bool quit)
{
	struct host *host = run_host(run);
	char text[TASK_NAME_MAX + 1];
	struct listener *l;

	if (quit && name.n < sizeof(text)) {
		for (l = host->listeners; l != NULL; l = l->next)
			if (slice_equal_nocase(slice_of(l->owner), name))
				break;
		if (l != NULL) {
			memcpy(text, l->owner, sizeof(text));
			plan_of(host, text);
			listeners_close_of(host, text);
			run_end(run, true);
			return;
		}
	}
	no_such_task(run, name);
}

void do_tell(struct run *run, struct slice rest, const struct slice *args, size_t count)
{
	struct host *host = run_host(run);
	struct slice text = rest, name = args[0];
	struct task *t = task_find(host, name);
	struct queue *q = queue_named(host, name);

	text.p += (size_t)(name.p + name.n - rest.p);
	text.n -= (size_t)(name.p + name.n - rest.p);
	if (text.n > 0 && text.p[0] == '"') {
		text.p++;
		text.n--;
	}
	text = text_trim(text);
	if (t != NULL && count == 2 && is_quit(args[1])) {
		task_quit(t, WIRE_QUIT_TASK);
		run_end(run, true);
	} else if (q != NULL) {
		tell_text(run, t, q, text);
	} else if (t != NULL) {
		no_such_task(run, name);
	} else {
		tell_absent(run, name, count == 2 && is_quit(args[1]));
	}
}

void do_restart_task(struct run *run, struct slice rest, const struct slice *args, size_t count)
{
	struct task *t = task_find(run_host(run), args[0]);

	(void)rest;
	(void)count;
	if (t == NULL) {
		run_fail(run, "Unable to restart %.*s: it is not running", (int)args[0].n, args[0].p);
		return;
	}
	run_say(run, "Waiting 0 seconds to restart %s...", t->name);
	task_restart(t);
	run_end(run, true);
}

/* --- show tasks ---------------------------------------------------------------------------------- */

static void show_row(struct run *run, const char *task, const char *description)
{
	run_say(run, "  %-20s %s", task, description);
}

void do_show_tasks(struct run *run, struct slice rest, const struct slice *args, size_t count)
{
	struct host *host = run_host(run);

	(void)rest;
	if (count == 1 && !(args[0].n > 0 && args[0].n <= 4
	                    && strncasecmp("only", args[0].p, args[0].n) == 0)) {
		run_fail(run, "Command or option is not recognized");
		return;
	}
	if (count == 0)
		show_server_lines(run);
	run_line(run, SLICE_LIT(""));
	run_say(run, "      %-21s%s", "Task", "Description");
	run_line(run, SLICE_LIT(""));
	show_row(run, "Database Server", "Perform console commands");
	show_row(run, "Database Server", "Supervise tasks");
	for (const struct task *t = host->tasks; t != NULL; t = t->next) {
		if (t->line_count == 0)
			show_row(run, t->name, t->hello ? "" : "Starting");
		for (size_t i = 0; i < t->line_count; i++)
			show_row(run, t->lines[i].name,
			         t->lines[i].text != NULL ? t->lines[i].text : "");
	}
	run_line(run, SLICE_LIT(""));
	run_end(run, true);
}

/*
 * A running add-in task as the host sees it: a process of its own, in a process
 * group of its own, with the wire as descriptor 3.
 */
#ifndef POSTIL_HOST_TASK_H
#define POSTIL_HOST_TASK_H

#include "addin/host/host.h"
#include "addin/host/lines.h"
#include "addin/wire/wire.h"

#define TASK_NAME_MAX 64
#define TASK_ARGS_MAX 64
#define TASK_STATUS_LINES_MAX 256
#define TASK_HANDLES_MAX 256
#define TASK_WAITS_MAX 256

struct status_line {
	uint32_t id;
	char name[21];          /* as `show tasks` shows it: 20 characters */
	char *text;
};

struct outgoing {               /* a message the socket had no room for */
	struct outgoing *next;
	int fds[WIRE_FDS_MAX];
	size_t fd_count, n;
	unsigned char octets[];
};

/* A message to the task that is answered. part is called for each reply; with
 * the last one, and when the task goes (in NULL, last true), last is true. */
struct question {
	struct question *next;
	uint32_t id;
	void (*part)(void *context, struct wire_in *in, bool last);
	void *context;
};

struct follower;                /* a console that waits for what `tell` brings */

struct task {
	struct task *next;
	struct host *host;
	unsigned run;           /* number of this start of the program, never reused */
	char name[TASK_NAME_MAX + 1];
	char **argv;
	struct plan *plan;      /* NULL: not to be started again after a crash */
	pid_t pid;
	int wire_fd, output_fd;
	struct watch *wire_watch, *output_watch;
	struct line_reader output;
	uint64_t started_ms;
	bool hello;             /* it has spoken the wire */
	bool goodbye;           /* AddInMain has returned */
	uint32_t exit_status;   /* what it returned */
	bool quitting, load_again, contained, reaped;
	uint64_t quit_ms;       /* monotonic; when it was asked to end */
	int quit_signals;       /* 1: SIGTERM sent, 2: SIGKILL sent */
	int wait_status;
	struct status_line *lines;
	size_t line_count;
	struct queue *handles[TASK_HANDLES_MAX];        /* handle n is at n - 1 */
	unsigned wait_count;
	struct mq_wait *waits;
	struct outgoing *out_first, **out_last;
	size_t out_octets;
	struct question *questions;
	uint32_t last_question;
	struct rate rate;
	struct follower *followers;
};

/* --- life (task.c) ------------------------------------------------------------------ */

/* Start a program: its name and arguments as typed. fault says why not:
 * POSTIL_ERR_INVALID (name), POSTIL_ERR_NOEXIST (no such program),
 * POSTIL_ERR_EXISTS (is running), others. */
STATUS task_load(struct host *host, struct slice command, struct plan *plan,
                 struct fault *fault);
struct task *task_find(struct host *host, struct slice name);   /* running; NULL */
void task_quit(struct task *task, enum wire_quit reason);
/* End it and load it again with the same arguments. */
void task_restart(struct task *task);
/* It did what no task may: say so and end its process group at once. */
__attribute__((format(printf, 2, 3)))
void task_contain(struct task *task, const char *format, ...);
bool task_reaped(struct host *host, pid_t pid, int status);
void tasks_tick(struct host *host);     /* each second: grace periods, dropped lines */
void task_log(struct task *task, uint32_t thread, struct slice text, bool console);

/* --- ServerTasks (plan.c) -------------------------------------------------------------- */

void plans_start(struct host *host);    /* those of ServerTasks */
void plans_tick(struct host *host);     /* ServerTasksAt0 to 23 */
void plan_crashed(struct plan *plan, uint64_t ran_ms);  /* load again after a pause */
/* What ServerTasks says about a program, NULL if nothing; a start that was planned
 * after a crash is off. */
struct plan *plan_of(struct host *host, const char *name);
void plans_stop(struct host *host);
void plans_free(struct host *host);

/* --- the wire (taskwire.c, taskmq.c) ----------------------------------------------------- */

void task_wire_ready(void *context, short revents);
void task_send(struct task *task, const struct wire_out *out, const int *fds, size_t fd_count);
void task_event(struct task *task, struct wire_out *out);       /* completes and sends */
/* A reply without payload, or the start of one with; then task_reply_end. */
void task_reply(struct task *task, enum wire_kind kind, uint32_t id, STATUS status);
void task_reply_begin(struct wire_out *out, enum wire_kind kind, uint32_t id);
void task_reply_end(struct task *task, struct wire_out *out, const int *fds, size_t fd_count);
/* out begins with the id that this returns. */
STATUS task_ask(struct task *task, struct wire_out *out, enum wire_kind kind,
                void (*part)(void *context, struct wire_in *in, bool last), void *context);
void task_ask_end(struct task *task, struct wire_out *out);
void task_wire_close(struct task *task);        /* questions end, queues are closed */
void tasks_settings_changed(struct host *host);

bool task_mq_message(struct task *task, struct wire_in *in);    /* false: not of its kinds */
void task_mq_close(struct task *task);

/* --- consoles that follow a tell (console_task.c) ------------------------------------------ */

void followers_taken(struct task *task, struct queue *queue, uint64_t key);
void followers_asks_again(struct task *task, struct queue *queue);
void followers_line(struct task *task, struct slice line);
void followers_end(struct task *task);

#endif

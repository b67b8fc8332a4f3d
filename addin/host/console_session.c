/*
 * Console commands about sessions: show users, drop. All tasks are asked; those
 * that do not answer within ASK_MS are named. Distrusts the answers: fields are
 * checked by the wire, rows are bounded, text is made safe when it is shown.
 */
#include <stdlib.h>
#include <string.h>

#include "addin/host/console.h"
#include "addin/host/task.h"
#include "base/text.h"
#include "base/banned.h"

#define ASK_MS 3000
#define ROWS_MAX 10000

struct inquiry;

struct asked {                  /* one task's part; lives until it has answered */
	struct asked *next;
	struct inquiry *inquiry;        /* NULL: nobody waits for it */
	char task[TASK_NAME_MAX + 1];
};

struct inquiry {
	struct run *run;
	struct host *host;
	struct timer *timer;
	struct asked *open;     /* not answered yet */
	unsigned rows, hidden;
	unsigned long dropped;
	bool drop, starting;
};

static void inquiry_end(struct inquiry *q)
{
	for (struct asked *a = q->open; a != NULL; a = a->next) {
		run_say(q->run, "%s did not answer within %d seconds", a->task, ASK_MS / 1000);
		a->inquiry = NULL;
	}
	loop_untimer(&q->host->loop, &q->timer);
	if (q->drop)
		run_say(q->run, "%lu session%s dropped", q->dropped, text_plural(q->dropped));
	else if (q->hidden > 0)
		run_say(q->run, "%u sessions more", q->hidden);
	else if (q->rows == 0)
		run_say(q->run, "No user info");
	run_end(q->run, true);
	free(q);
}

static void on_late(void *context)
{
	inquiry_end(context);
}

static void answered(struct asked *a)
{
	struct inquiry *q = a->inquiry;
	struct asked **at;

	if (q != NULL) {
		for (at = &q->open; *at != a; at = &(*at)->next)
			;
		*at = a->next;
		if (q->open == NULL && !q->starting)
			inquiry_end(q);
	}
	free(a);
}

static void show_session(struct inquiry *q, struct wire_in *in)
{
	char user[WIRE_NAME_MAX + 1], address[WIRE_NAME_MAX + 1];
	uint32_t port, tls, since, idle, messages;

	wire_get_u64(in);
	wire_get_text(in, user, sizeof(user));
	wire_get_text(in, address, sizeof(address));
	port = wire_get_u32(in);
	tls = wire_get_u32(in);
	since = wire_get_u32(in);
	idle = wire_get_u32(in);
	messages = wire_get_u32(in);
	if (q->rows >= ROWS_MAX) {
		q->hidden++;
		return;
	}
	if (q->rows++ == 0)
		run_say(q->run, "  %-28s %-24s %5s %-3s %9s %9s %8s", "User Name", "Address",
		        "Port", "TLS", "Since", "Idle", "Messages");
	run_say(q->run, "  %-28s %-24s %5u %-3s %3u:%02u:%02u %3u:%02u:%02u %8u",
	        user[0] != '\0' ? user : "(not logged in)", address, port, tls ? "yes" : "no",
	        since / 3600, since % 3600 / 60, since % 60, idle / 3600, idle % 3600 / 60,
	        idle % 60, messages);
}

static void on_part(void *context, struct wire_in *in, bool last)
{
	struct asked *a = context;
	struct inquiry *q = a->inquiry;

	if (q != NULL && in != NULL && in->status == NOERROR) {
		if (q->drop)
			q->dropped += wire_get_u32(in);
		else
			while (!wire_at_end(in))
				show_session(q, in);
	}
	if (last)
		answered(a);
}

static void ask_one(struct inquiry *q, struct task *t, struct slice pattern)
{
	struct asked *a = calloc(1, sizeof(*a));
	struct wire_out out;

	if (a == NULL)
		return;
	a->inquiry = q;
	memcpy(a->task, t->name, sizeof(a->task));
	if (task_ask(t, &out, q->drop ? WIRE_DROP_SESSIONS : WIRE_LIST_SESSIONS, on_part, a)
	    != NOERROR) {
		free(a);
		return;
	}
	a->next = q->open;
	q->open = a;
	if (q->drop)
		wire_put_octets(&out, pattern.p, pattern.n);
	task_ask_end(t, &out);
}

static void inquire(struct run *run, bool drop, struct slice pattern)
{
	struct inquiry *q = calloc(1, sizeof(*q));
	struct host *host = run_host(run);

	if (q == NULL) {
		run_fail(run, "Out of memory");
		return;
	}
	q->run = run;
	q->host = host;
	q->drop = drop;
	q->timer = loop_timer(&host->loop, on_late, q);
	q->starting = true;
	for (struct task *t = host->tasks; t != NULL; t = t->next)
		if (t->hello && q->timer != NULL)
			ask_one(q, t, pattern);
	q->starting = false;
	if (q->open == NULL)
		inquiry_end(q);
	else
		timer_arm(q->timer, ASK_MS);
}

void do_show_users(struct run *run, struct slice rest, const struct slice *args, size_t count)
{
	(void)rest;
	(void)args;
	(void)count;
	inquire(run, false, SLICE_LIT(""));
}

void do_drop(struct run *run, struct slice rest, const struct slice *args, size_t count)
{
	struct slice pattern = count == 1 ? args[0] : rest;

	if (memchr(pattern.p, '\0', pattern.n) != NULL)
		run_fail(run, "Invalid value for command option");
	else if (slice_equal_nocase(pattern, SLICE_LIT("all")))
		inquire(run, true, SLICE_LIT("ALL"));
	else
		inquire(run, true, pattern);
}

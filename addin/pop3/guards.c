/* Names come from records and from the console; they are shown escaped. */
#include "addin/pop3/guards.h"

#include "base/clock.h"
#include "base/text.h"
#include "directory/lockadmin.h"

#define SHOWN_NAME_OCTETS 128

/* --- lockouts --------------------------------------------------------------------- */

struct shown {
	struct task *task;
	unsigned count;
};

/* For the log, where a line holds other things, too. */
static void add_name(const struct lockout_record *record, struct buf *out)
{
	struct buf name = BUF_INIT;

	lockadmin_add_name(record, &name);
	text_escape(buf_slice(&name), SHOWN_NAME_OCTETS, out);
	buf_release(&name);
}

static STATUS show_record(void *context, const struct lockout_record *record)
{
	struct shown *shown = context;
	struct buf name = BUF_INIT, line = BUF_INIT;

	add_name(record, &name);
	lockadmin_add_line(record, buf_slice(&name), &line);
	task_log(shown->task, "  %s", buf_cstr(&line));
	buf_release(&name);
	buf_release(&line);
	shown->count++;
	return NOERROR;
}

void guards_show_lockouts(struct task *task)
{
	struct settings *settings = task_settings(task);
	struct shown shown = { .task = task };
	struct fault fault;

	if (!settings->lockout.enforce)
		task_log(task, "POP3 Server: Internet password lockout is not enforced");
	(void)lockout_each(task->lockout, &settings->lockout, clock_wall_ms(), show_record, &shown);
	if (lockout_trouble(task->lockout, &fault))
		task_log(task, "POP3 Server: %s", fault_text(&fault, fault.status));
	task_log(task, "POP3 Server: %u lockout record%s", shown.count, text_plural(shown.count));
	settings_release(&settings);
}

static void tell_unlocked(void *context, const struct lockout_record *record)
{
	struct buf name = BUF_INIT;

	add_name(record, &name);
	task_log(context, "POP3 Server: %s is unlocked", buf_cstr(&name));
	buf_release(&name);
}

void guards_unlock(struct task *task, struct slice name)
{
	struct buf shown = BUF_INIT;
	STATUS status = lockadmin_unlock(task->lockout, task->directory, name, tell_unlocked, task);

	text_escape(name, SHOWN_NAME_OCTETS, &shown);
	if (status == POSTIL_ERR_NOT_FOUND)
		task_log(task, "POP3 Server: %s has no lockout record", buf_cstr(&shown));
	else if (status == POSTIL_ERR_AMBIGUOUS)
		task_log(task, "POP3 Server: more than %d persons have the name %s; nobody was unlocked",
		         DIRECTORY_MATCHES_MAX, buf_cstr(&shown));
	else if (status != NOERROR)
		task_log(task, "POP3 Server: %s cannot be unlocked: %s", buf_cstr(&shown),
		         status_text(status));
	buf_release(&shown);
}

/* --- penalties -------------------------------------------------------------------------- */

static void show_penalty(void *context, const char *address, unsigned failures, uint32_t wait_ms)
{
	struct shown *shown = context;

	task_log(shown->task, "  %s: %u failed login%s, the next answer waits %.1f seconds longer",
	         address, failures, text_plural(failures), wait_ms / 1000.0);
	shown->count++;
}

void guards_show_penalties(struct task *task)
{
	struct shown shown = { .task = task };

	net_penalty_each(task->penalty, clock_mono_ms(), show_penalty, &shown);
	task_log(task, "POP3 Server: %u address%s with a penalty", shown.count,
	         shown.count == 1 ? "" : "es");
}

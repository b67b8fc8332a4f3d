/* Names come from records and from the console; they are shown escaped. */
#include "addin/pop3/guards.h"

#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/name.h"
#include "base/text.h"

#define SHOWN_NAME_OCTETS 128

/* --- lockouts --------------------------------------------------------------------- */

static void add_time(int64_t ms, struct buf *out)
{
	time_t secs = (time_t)(ms / 1000);
	char text[32] = "?";
	struct tm local;

	if (localtime_r(&secs, &local) != NULL)
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &local);
	buf_add_str(out, text);
}

static void add_name(const struct lockout_record *record, struct buf *out)
{
	struct buf name = BUF_INIT;

	if (record->kind == LOCKOUT_ADDRESS || name_abbreviate(record->name, &name) != NOERROR)
		text_escape(record->name, SHOWN_NAME_OCTETS, out);
	else
		text_escape(buf_slice(&name), SHOWN_NAME_OCTETS, out);
	buf_release(&name);
}

struct shown {
	struct task *task;
	unsigned count;
};

static STATUS show_record(void *context, const struct lockout_record *record)
{
	struct shown *shown = context;
	struct buf line = BUF_INIT;

	buf_add_str(&line, record->kind == LOCKOUT_PERSON ? "  user " : "  address ");
	add_name(record, &line);
	buf_addf(&line, ": %s, %u failed login%s, first ", record->locked ? "locked" : "not locked",
	         (unsigned)record->failures, text_plural(record->failures));
	add_time(record->first_ms, &line);
	buf_add_str(&line, ", last ");
	add_time(record->last_ms, &line);
	task_log(shown->task, "%s", buf_cstr(&line));
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

/* The persons that the name means, if it is not the one in a record itself. */
static bool unlock_persons(struct task *task, struct slice name)
{
	struct arena arena = ARENA_INIT;
	const struct person *persons;
	size_t count = 0;
	bool any = false;

	if (directory_find_login(task->directory, name, true, DIRECTORY_MATCHES_MAX, &arena, &persons,
	                         &count) == NOERROR)
		for (size_t i = 0; i < count; i++)
			if (lockout_unlock(task->lockout, LOCKOUT_PERSON, persons[i].name) == NOERROR)
				any = true;
	arena_release(&arena);
	return any;
}

void guards_unlock(struct task *task, struct slice name)
{
	struct buf shown = BUF_INIT, address = BUF_INIT;
	char unit[NET_UNIT_OCTETS];
	STATUS status = lockout_unlock(task->lockout, LOCKOUT_PERSON, name);

	buf_add_slice(&address, name);
	net_address_unit_text(buf_cstr(&address), unit);
	if (status != NOERROR && lockout_unlock(task->lockout, LOCKOUT_ADDRESS, slice_of(unit)) == NOERROR)
		status = NOERROR;
	if (status != NOERROR && unlock_persons(task, name))
		status = NOERROR;
	text_escape(name, SHOWN_NAME_OCTETS, &shown);
	if (status == NOERROR)
		task_log(task, "POP3 Server: %s is unlocked", buf_cstr(&shown));
	else
		task_log(task, "POP3 Server: %s has no lockout record", buf_cstr(&shown));
	buf_release(&shown);
	buf_release(&address);
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

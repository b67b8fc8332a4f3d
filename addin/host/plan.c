/*
 * The programs that notes.ini names: ServerTasks at the start, ServerTasksAt0 to
 * 23 at their hours, and those of ServerTasks again when they crash, after pauses
 * that grow from one second to five minutes while they keep crashing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "addin/host/task.h"
#include "base/clock.h"
#include "base/text.h"
#include "base/banned.h"

#define PAUSE_MAX_SECS 300
#define CALM_MS 60000   /* a task that ran this long starts again with the short pause */

struct plan {
	struct plan *next;
	struct host *host;
	char *command;
	unsigned pause_secs;
	struct timer *timer;
};

static void load(struct plan *p)
{
	struct fault fault;
	STATUS status = task_load(p->host, slice_of(p->command), p, &fault);

	if (status == NOERROR || status == POSTIL_ERR_EXISTS)
		return;
	log_say(p->host->log, "Error attempting to load or run %s:\n%s", p->command, fault.text);
}

static void on_pause_over(void *context)
{
	struct plan *p = context;

	if (p->host->state != HOST_ENDING)
		load(p);
}

/* The commands of a comma list, one by one. */
static bool next_command(struct slice *list, struct slice *command_r)
{
	while (list->n > 0) {
		const char *end = memchr(list->p, ',', list->n);
		size_t n = end != NULL ? (size_t)(end - list->p) : list->n;

		*command_r = text_trim((struct slice){ list->p, n });
		n += end != NULL;
		list->p += n;
		list->n -= n;
		if (command_r->n > 0)
			return true;
	}
	return false;
}

static struct plan *plan_new(struct host *host, struct slice command)
{
	struct plan *p = calloc(1, sizeof(*p)), **at = &host->plans;

	if (p == NULL)
		return NULL;
	p->host = host;
	p->command = strndup(command.p, command.n);
	p->timer = loop_timer(&host->loop, on_pause_over, p);
	if (p->command == NULL || p->timer == NULL) {
		loop_untimer(&host->loop, &p->timer);
		free(p->command);
		free(p);
		return NULL;
	}
	while (*at != NULL)
		at = &(*at)->next;
	*at = p;
	return p;
}

void plans_start(struct host *host)
{
	struct slice list = slice_of(setting(host, "ServerTasks")), command;

	while (next_command(&list, &command)) {
		struct plan *p = plan_new(host, command);

		if (p != NULL)
			load(p);
	}
}

void plans_tick(struct host *host)
{
	time_t now = (time_t)clock_wall_secs();
	struct tm tm;
	char name[32];
	struct slice list, command;
	struct fault fault;

	localtime_r(&now, &tm);
	if (tm.tm_hour == host->last_hour)
		return;
	host->last_hour = tm.tm_hour;
	snprintf(name, sizeof(name), "ServerTasksAt%d", tm.tm_hour);
	list = slice_of(setting(host, name));
	while (next_command(&list, &command))
		if (task_load(host, command, NULL, &fault) != NOERROR)
			log_say(host->log, "Error attempting to load or run %.*s:\n%s",
			        (int)command.n, command.p, fault.text);
}

void plan_crashed(struct plan *p, uint64_t ran_ms)
{
	if (ran_ms >= CALM_MS || p->pause_secs == 0)
		p->pause_secs = 1;
	else if (p->pause_secs * 2 <= PAUSE_MAX_SECS)
		p->pause_secs *= 2;
	else
		p->pause_secs = PAUSE_MAX_SECS;
	log_say(p->host->log, "Waiting %u seconds to restart %s...", p->pause_secs, p->command);
	timer_arm(p->timer, p->pause_secs * 1000);
}

static bool is_command_of(const char *command, const char *name)
{
	size_t n = strlen(name);

	return strncasecmp(command, name, n) == 0 && (command[n] == '\0' || command[n] == ' ');
}

struct plan *plan_of(struct host *host, const char *name)
{
	struct plan *p = host->plans;

	while (p != NULL && !is_command_of(p->command, name))
		p = p->next;
	if (p != NULL)
		timer_disarm(p->timer);
	return p;
}

void plans_stop(struct host *host)
{
	for (struct plan *p = host->plans; p != NULL; p = p->next)
		timer_disarm(p->timer);
}

void plans_free(struct host *host)
{
	struct plan *p;

	while ((p = host->plans) != NULL) {
		host->plans = p->next;
		loop_untimer(&host->loop, &p->timer);
		free(p->command);
		free(p);
	}
}

/* ServerTasksAt0 to 23: each list once, when its hour begins. The programs do
 * not exist, so that a line in the log tells of each start. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "addin/host/host.h"
#include "addin/host/task.h"
#include "base/clock.h"
#include "tests/support/unit.h"

#define MIDNIGHT 1769817600000  /* 2026-01-31 00:00:00 UTC */
#define MINUTE_MS 60000LL
#define HOUR_MS (60 * MINUTE_MS)

static struct host host;
static struct buf said;

static void keep(void *context, struct slice text, struct slice json)
{
	buf_add_slice(&said, text);
}

static void start(const char *notes)
{
	setenv("TZ", "UTC", 1);
	tzset();
	host = (struct host){ .last_hour = 0, .program_dir = unit_tempdir() };
	said = (struct buf)BUF_INIT;
	ck_assert_int_eq(ini_parse(slice_of(notes), &host.ini), NOERROR);
	ck_assert_int_eq(log_new(host.program_dir, NULL, &host.log), NOERROR);
	log_configure(host.log, host.ini);
	log_listen(host.log, keep, NULL);
}

static void stop(void)
{
	clock_fake(-1, -1);
	log_free(&host.log);
	ini_free(&host.ini);
	unit_tempdir_remove(&host.program_dir);
	buf_release(&said);
}

/* What is started when the clock comes to that moment. */
static void tick(int64_t wall_ms, const char *names)
{
	char text[128], *end;
	const char *at = names, *found = NULL;

	buf_clear(&said);
	clock_fake(0, wall_ms);
	plans_tick(&host);
	for (found = buf_cstr(&said); *at != '\0'; at += strcspn(at, " "), at += *at == ' ') {
		snprintf(text, sizeof(text), "load or run %.*s", (int)strcspn(at, " "), at);
		end = strstr(found, text);
		ck_assert_msg(end != NULL, "no \"%s\" in: %s", text, found);
		found = end + strlen(text);
	}
	ck_assert_msg(strstr(found, "load or run") == NULL, "more than \"%s\": %s", names, found);
}

START_TEST(each_hour_once)
{
	start("CONSOLE_LOG_ENABLED=0\nServerTasksAt0=midnight\nServerTasksAt1=first, second now\n"
	      "ServerTasksAt3=third\nServerTasksAt23=last\nServerTasksAt24=never\n");
	tick(MIDNIGHT + 30 * MINUTE_MS, "");            /* the hour of the start has begun already */
	tick(MIDNIGHT + HOUR_MS - 1, "");
	tick(MIDNIGHT + HOUR_MS, "first second");
	tick(MIDNIGHT + HOUR_MS + 1000, "");
	tick(MIDNIGHT + 2 * HOUR_MS - 1, "");
	tick(MIDNIGHT + 2 * HOUR_MS, "");
	tick(MIDNIGHT + 3 * HOUR_MS + MINUTE_MS, "third");      /* late is not too late */
	tick(MIDNIGHT + 23 * HOUR_MS, "last");
	tick(MIDNIGHT + 24 * HOUR_MS, "midnight");
	tick(MIDNIGHT + 25 * HOUR_MS, "first second");
	stop();
}
END_TEST

START_TEST(nothing_is_set)
{
	start("CONSOLE_LOG_ENABLED=0\nServerTasksAt1=\nServerTasksAt2= , ,\n");
	for (int i = 0; i < 24; i++)
		tick(MIDNIGHT + i * HOUR_MS, "");
	stop();
}
END_TEST

UNIT_MAIN("host/plan", each_hour_once, nothing_is_set)

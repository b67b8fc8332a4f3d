/* What a task's calls do without asking the host: idle clocks, messages, texts of
 * codes, memory behind handles, times. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "addin/api/addin.h"
#include "addin/api/misc.h"
#include "addin/api/miscerr.h"
#include "addin/api/nsferr.h"
#include "addin/api/osmem.h"
#include "addin/api/osmisc.h"
#include "addin/api/ostime.h"
#include "addin/api/srverr.h"
#include "addin/runtime/defaults.h"
#include "addin/runtime/link.h"
#include "base/clock.h"
#include "base/status.h"
#include "tests/support/fakehost.h"
#include "tests/support/unit.h"

#define PATIENCE 10000
#define NOON (INT64_C(1700049600) * 1000)       /* 2023-11-15 12:00:00 GMT */

static struct fakehost *open_link(void)
{
	struct fakehost *host;
	int fd;

	host = fakehost_start(NULL, NULL, &fd);
	ck_assert_int_eq(link_open(fd, "tester"), NOERROR);
	return host;
}

/* --- the idle loop ----------------------------------------------------------------------- */

static void wall(int64_t secs)
{
	clock_fake(-1, NOON + secs * 1000);
	AddInIdleDelay(0);
}

START_TEST(seconds)
{
	struct fakehost *host;

	clock_fake(-1, NOON + 5000);
	host = open_link();
	defaults_start(AddInCreateStatusLine("x"));
	ck_assert(!AddInSecondsHaveElapsed(1));
	wall(5);
	ck_assert(!AddInSecondsHaveElapsed(1));
	wall(6);
	ck_assert(AddInSecondsHaveElapsed(1));
	ck_assert(!AddInSecondsHaveElapsed(20));
	ck_assert(!AddInSecondsHaveElapsed(0));
	wall(6);
	ck_assert(!AddInSecondsHaveElapsed(1));
	wall(19);
	ck_assert(!AddInSecondsHaveElapsed(20));
	wall(21);
	ck_assert(AddInSecondsHaveElapsed(20));
	ck_assert(!AddInMinutesHaveElapsed(2));
	wall(39);
	ck_assert(!AddInSecondsHaveElapsed(20));
	wall(250);      /* several at once count once */
	ck_assert(AddInSecondsHaveElapsed(20));
	ck_assert(AddInMinutesHaveElapsed(2));
	wall(250);
	ck_assert(!AddInSecondsHaveElapsed(20));
	wall(100);      /* the clock was set back */
	ck_assert(!AddInSecondsHaveElapsed(20));
	wall(121);
	ck_assert(AddInMinutesHaveElapsed(2));
	fakehost_stop(&host);
}
END_TEST

START_TEST(first_interval_starts_with_the_task)
{
	struct fakehost *host;

	clock_fake(-1, NOON + 19000);
	host = open_link();
	defaults_start(AddInCreateStatusLine("x"));
	wall(20);
	ck_assert(AddInSecondsHaveElapsed(20));
	fakehost_stop(&host);
}
END_TEST

START_TEST(days)
{
	static const struct {
		int hours;      /* from noon */
		BOOL elapsed;
	} cases[] = { { 0, TRUE }, { 0, FALSE }, { 11, FALSE }, { 13, FALSE }, { 14, TRUE },
	              { 15, FALSE }, { 37, FALSE }, { 38, TRUE }, { 200, TRUE }, { 100, FALSE } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		clock_fake(-1, NOON + cases[i].hours * INT64_C(3600000));
		ck_assert_msg(AddInDayHasElapsed() == cases[i].elapsed, "case %zu", i);
	}
}
END_TEST

/* --- messages ------------------------------------------------------------------------------ */

START_TEST(messages)
{
	struct fakehost *host = open_link();
	char text[MAXSPRINTF], *record;
	static char longer[5000];

	AddInLogMessageText("plain", NOERROR);
	AddInLogMessageText("%s and %d and %c and %lu%%", NOERROR, "text", -1, 'c', 5ul);
	AddInLogMessageText("failed", ERR_MQ_EMPTY);
	AddInLogMessageText("flag bits do not matter", ERR_MQ_EMPTY | STS_DISPLAYED);
	AddInLogMessageText("unknown", 0x3FFE);
	AddInLogErrorText("one %s", NOERROR, "argument");
	AddInLogErrorText("none", ERR_NOEXIST, NULL);
	AddInLogMessage(ERR_INIT_CANT_LOAD, NOERROR, "thing");
	AddInLogError(ERR_CONSOLE_CANT_TELL, ERR_TASK_NOT_FOUND, "pop3");
	AddInLogMsg(0x3300, "x");
	memset(longer, 'l', sizeof(longer) - 1);
	AddInLogMessageText("%s", NOERROR, longer);
	ck_assert(fakehost_wait(host, "lllll\n", PATIENCE));
	record = fakehost_record(host);
	ck_assert_ptr_nonnull(strstr(record,
		"log 3 0 plain\n"
		"log 3 0 text and -1 and c and 5%\n"
		"log 1 0 failed: Message queue is empty\n"
		"log 1 0 flag bits do not matter: Message queue is empty\n"
		"log 1 0 unknown: Message 0x3FFE\n"
		"log 3 0 one argument\n"
		"log 1 0 none: File does not exist\n"
		"log 3 0 Program thing could not be started\n"
		"log 1 0 The pop3 task does not run or takes no Tell commands: Program of the task not "
		"found in the program directory\n"
		"log 3 0 Message 0x3300\n"));
	free(record);
	AddInFormatErrorText(text, "%d-%s", 7, longer);
	ck_assert_uint_eq(strlen(text), MAXSPRINTF - 1);
	AddInFormatError(text, ERR_INIT_CANT_LOAD, "abc");
	ck_assert_str_eq(text, "Program abc could not be started");
	fakehost_stop(&host);
}
END_TEST

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-security"
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
START_TEST(formats_that_write)
{
	static const char *const formats[] = { "%n", "a %5n", "%ln", "%d %n" };
	struct fakehost *host = open_link();
	char text[MAXSPRINTF];
	int hit = 77;

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		AddInFormatErrorText(text, formats[i], &hit, &hit);
		ck_assert_str_eq(text, formats[i]);
		ck_assert_int_eq(hit, 77);
	}
	AddInFormatErrorText(text, "100%% no");
	ck_assert_str_eq(text, "100% no");
	AddInFormatErrorText(text, "100%");
	fakehost_stop(&host);
}
END_TEST
#pragma GCC diagnostic pop

static void *use_defaults(void *context)
{
	HMODULE module;
	DHANDLE line;

	AddInQueryDefaults(&module, &line);
	ck_assert_uint_eq(line, *(DHANDLE *)context);
	AddInSetStatusText("from a thread");
	line = AddInCreateStatusLine("Thread");
	AddInSetDefaults(module, line);
	AddInSetStatusText("of its own");
	AddInSetStatus(ERR_MQ_QUITTING);
	return NULL;
}

START_TEST(defaults)
{
	struct fakehost *host = open_link();
	DHANDLE line = AddInCreateStatusLine("Main"), now;
	pthread_t thread;
	HMODULE module;

	defaults_start(line);
	AddInQueryDefaults(&module, &now);
	ck_assert_uint_eq(now, line);
	AddInDeleteStatusLine(now);
	line = AddInCreateStatusLine("Other");
	AddInSetDefaults(module, line);
	AddInSetStatusText("from main");
	ck_assert(fakehost_wait(host, "from main\n", PATIENCE));
	pthread_create(&thread, NULL, use_defaults, &line);
	pthread_join(thread, NULL);
	ck_assert(fakehost_wait(host, "status set 2 from a thread\n", PATIENCE));
	ck_assert(fakehost_wait(host, "status set 3 Message queue is about to end\n", PATIENCE));
	AddInQueryDefaults(NULL, &now);
	ck_assert_uint_eq(now, line);
	fakehost_stop(&host);
}
END_TEST

START_TEST(texts_of_codes)
{
	char text[64] = "unset", small[5];

	ck_assert_uint_eq(OSLoadString(NULLHANDLE, ERR_NO_SUCH_MQ, text, sizeof(text)), 29);
	ck_assert_str_eq(text, "No message queue of this name");
	ck_assert_uint_eq(OSLoadString(NULLHANDLE, ERR_NO_SUCH_MQ, small, sizeof(small)), 4);
	ck_assert_str_eq(small, "No m");
	ck_assert_uint_eq(OSLoadString(NULLHANDLE, POSTIL_ERR_DISK_FULL, text, sizeof(text)),
	                  strlen(status_text(POSTIL_ERR_DISK_FULL)));
	ck_assert_uint_eq(OSLoadString(NULLHANDLE, 0x3FFF, text, sizeof(text)), 0);
	ck_assert_str_eq(text, "");
	ck_assert_uint_eq(OSLoadString(NULLHANDLE, NOERROR, text, sizeof(text)), 0);
	ck_assert_uint_eq(OSLoadString(NULLHANDLE, ERR_NO_SUCH_MQ, text, 0), 0);
	ck_assert_uint_eq(OSTranslate(OS_TRANSLATE_LOWER_TO_UPPER, "aZ1\xC3\xA4", 5, text, 4), 4);
	ck_assert(memcmp(text, "AZ1\xC3", 4) == 0);
	ck_assert_uint_eq(OSTranslate(OS_TRANSLATE_LMBCS_TO_NATIVE, "ab", 2, text, 64), 2);
}
END_TEST

/* --- memory --------------------------------------------------------------------------------- */

START_TEST(memory)
{
	DHANDLE handles[300], old;
	DWORD size;

	ck_assert_int_eq(OSMemAlloc(0, 0, &old), NOERROR);
	ck_assert_uint_eq(old, NULLHANDLE);
	for (DWORD i = 0; i < 300; i++) {
		ck_assert_int_eq(OSMemAlloc(MEM_SHARE, i + 1, &handles[i]), NOERROR);
		memset(OSLock(char, handles[i]), (int)i, i + 1);
		ck_assert(OSUnlock(handles[i]));
	}
	for (DWORD i = 0; i < 300; i++) {
		const char *p = OSLock(char, handles[i]);

		ck_assert_int_eq(p[i], (char)i);
		ck_assert_int_eq(OSMemGetSize(handles[i], &size), NOERROR);
		ck_assert_uint_eq(size, i + 1);
	}
	ck_assert_int_eq(OSMemRealloc(handles[7], 100000), NOERROR);
	ck_assert_int_eq(OSLock(char, handles[7])[7], 7);
	OSLock(char, handles[7])[99999] = 'x';
	old = handles[9];
	ck_assert_int_eq(OSMemFree(old), NOERROR);
	ck_assert_int_ne(OSMemFree(old), NOERROR);
	ck_assert_int_eq(OSMemAlloc(0, 1, &handles[9]), NOERROR);
	ck_assert_uint_ne(handles[9], old);     /* an old handle does not reach the new block */
	ck_assert_ptr_null(OSLockObject(old));
	ck_assert(!OSUnlockObject(old));
	ck_assert_int_ne(OSMemGetSize(old, &size), NOERROR);
	ck_assert_int_ne(OSMemRealloc(old, 5), NOERROR);
	ck_assert_int_ne(OSMemFree(NULLHANDLE), NOERROR);
	ck_assert_int_ne(OSMemFree(0xFFFFFFFF), NOERROR);
	for (DWORD i = 0; i < 300; i++)
		ck_assert_int_eq(OSMemFree(handles[i]), NOERROR);
}
END_TEST

START_TEST(memory_of_the_other_kind)
{
	MEMHANDLE handle;

	ck_assert_int_eq(OSMemoryAllocate(0, 10, &handle), NOERROR);
	ck_assert_uint_eq(OSMemoryGetSize(handle), 10);
	memset(OSMemoryLock(handle), 1, 10);
	ck_assert(OSMemoryUnlock(handle));
	ck_assert_int_eq(OSMemoryReallocate(handle, 20), NOERROR);
	ck_assert_uint_eq(OSMemoryGetSize(handle), 20);
	OSMemoryFree(handle);
	ck_assert_ptr_null(OSMemoryLock(handle));
	ck_assert_uint_eq(OSMemoryGetSize(handle), 0);
}
END_TEST

/* --- time ------------------------------------------------------------------------------------ */

static TIMEDATE at(int64_t secs)
{
	struct timedate inner = timedate_from_wall(secs * 1000);

	return (TIMEDATE){ { inner.innards[0], inner.innards[1] } };
}

START_TEST(increments)
{
	static const struct {
		int64_t from;
		int seconds, minutes, hours, days, months, years;
		int64_t to;
	} cases[] = {
		{ 1700049600, 1, 1, 1, 1, 0, 0, 1700049600 + 1 + 60 + 3600 + 86400 },
		{ 1700049600, -1, 0, 0, 0, 0, 0, 1700049599 },
		{ 1706659200, 0, 0, 0, 0, 1, 0, 1709164800 },   /* 31 January 2024 -> 29 February */
		{ 1709164800, 0, 0, 0, 0, 0, 1, 1740700800 },   /* -> 28 February 2025 */
		{ 1704067200, 0, 0, 0, 0, -1, 0, 1701388800 },  /* 1 January 2024 -> 1 December 2023 */
		{ 1704067200, 0, 0, 0, -1, 12, 0, 1735603200 },
	};
	TIMEDATE t, absent = { { 0xFFFFFFFF, 0xFFFFFFFF } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		TIMEDATE to = at(cases[i].to);

		t = at(cases[i].from);
		ck_assert(!TimeDateIncrement(&t, cases[i].seconds, cases[i].minutes, cases[i].hours,
		                             cases[i].days, cases[i].months, cases[i].years));
		ck_assert_msg(TimeDateCompare(&t, &to) == 0, "case %zu: %d", i,
		              TimeDateDifference(&t, &to));
	}
	ck_assert(TimeDateIncrement(&absent, 1, 0, 0, 0, 0, 0));
	t = at(0);
	ck_assert(TimeDateIncrement(&t, 0, 0, 0, 0, 0, 9000));
	ck_assert(TimeDateIncrement(&t, 0, 0, 0, 0, INT32_MIN, INT32_MIN));
	ck_assert(TimeDateIncrement(&t, 0, 0, 0, INT32_MAX, 0, 0));
	ck_assert_int_eq(TimeDateCompare(&t, &(TIMEDATE){ { at(0).Innards[0], at(0).Innards[1] } }), 0);
}
END_TEST

START_TEST(differences)
{
	TIMEDATE early = at(1000), late = at(4600), absent, far_away = at(INT64_C(9000000000));

	TimeDateClear(&absent);
	ck_assert_int_eq(TimeDateDifference(&late, &early), 3600);
	ck_assert_int_eq(TimeDateDifference(&early, &late), -3600);
	ck_assert_int_eq(TimeDateDifference(&absent, &late), 0);
	ck_assert_int_eq(TimeDateDifference(&far_away, &early), INT32_MAX);
	ck_assert_int_eq(TimeDateDifference(&early, &far_away), INT32_MIN);
	ck_assert_int_eq(TimeDateCompare(&late, &early), 1);
	ck_assert_int_eq(TimeDateCompare(&early, &late), -1);
	ck_assert_int_eq(TimeDateCompare(&early, &early), 0);
	clock_fake(-1, 1000 * 1000);
	OSCurrentTIMEDATE(&late);
	ck_assert_int_eq(TimeDateCompare(&early, &late), 0);
}
END_TEST

UNIT_MAIN("local", seconds, first_interval_starts_with_the_task, days, messages,
          formats_that_write, defaults, texts_of_codes, memory, memory_of_the_other_kind,
          increments, differences)

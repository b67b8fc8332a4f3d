/*
 * A task that tries the add-in interface against the host that loaded it, for
 * tests/e2e/addin_calls.py. Its first argument says what: calls (each call, a
 * line "Check: ok NAME" or "Check: FAILED ..." each, then "Check: done"), idle or
 * told (in the manner of the usual samples), block (threads that wait for ever),
 * scribble (statistics and lines without end). It takes no input but what it is
 * told.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <global.h>
#include <addin.h>
#include <misc.h>
#include <miscerr.h>
#include <mq.h>
#include <osenv.h>
#include <osmem.h>
#include <osmisc.h>
#include <ostime.h>
#include <postil.h>
#include <stats.h>
#include <stdnames.h>

static const char *failed;      /* what the check under way found wrong */

#define EXPECT(what) \
	do { \
		if (!(what)) { \
			failed = #what; \
			return; \
		} \
	} while (0)

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- notes.ini ------------------------------------------------------------------------- */

static void check_environment(void)
{
	WORD before = OSGetEnvironmentSeqNo();
	char value[MAXENVVALUE];
	TIMEDATE time, back;

	EXPECT(OSGetEnvironmentString("servername", value, sizeof(value) - 1));
	EXPECT(value[0] != '\0');
	EXPECT(!OSGetEnvironmentString("CHECK_MISSING", value, sizeof(value) - 1));
	OSSetEnvironmentVariable("Check_Text", "some text");
	EXPECT(OSGetEnvironmentString("CHECK_TEXT", value, sizeof(value) - 1));
	EXPECT(strcmp(value, "some text") == 0);
	OSSetEnvironmentInt("CHECK_NUMBER", -12);
	EXPECT(OSGetEnvironmentLong("check_number") == -12);
	OSCurrentTIMEDATE(&time);
	OSSetEnvironmentTIMEDATE("CHECK_TIME", &time);
	EXPECT(OSGetEnvironmentTIMEDATE("CHECK_TIME", &back));
	EXPECT(TimeDateCompare(&time, &back) == 0);
	EXPECT((WORD)(OSGetEnvironmentSeqNo() - before) >= 3);
	OSSetEnvironmentVariable("CHECK_TEXT", "");
	EXPECT(!OSGetEnvironmentString("CHECK_TEXT", value, sizeof(value) - 1));
}

/* --- queues ----------------------------------------------------------------------------- */

static bool next_is(MQHANDLE queue, const char *text)
{
	char buffer[64];
	WORD length;

	return MQGet(queue, buffer, sizeof(buffer), 0, 0, &length) == NOERROR &&
	       length == strlen(text) && memcmp(buffer, text, length) == 0;
}

static void put(MQHANDLE queue, WORD priority, const char *text)
{
	if (MQPut(queue, priority, text, (WORD)strlen(text), 0) != NOERROR)
		failed = "MQPut";
}

static void check_queue_order(void)
{
	MQHANDLE queue, same;
	char small[3];
	WORD length;

	EXPECT(MQOpen("MQ$CHECK_NONE", 0, &queue) == ERR_NO_SUCH_MQ);
	EXPECT(MQCreate("MQ$CHECK_A", 3, 0) == NOERROR);
	EXPECT(MQCreate("mq$check_a", 3, 0) == ERR_DUPLICATE_MQ);
	EXPECT(MQOpen("MQ$CHECK_A", 0, &queue) == NOERROR);
	EXPECT(MQOpen("MQ$CHECK_A", MQ_OPEN_CREATE, &same) == NOERROR);
	put(queue, LOWPRIORITY, "last");
	put(queue, 5, "second");
	put(same, HIGHPRIORITY, "first");
	EXPECT(MQPut(queue, 0, "x", 1, 0) == ERR_MQ_EXCEEDED_QUOTA);
	EXPECT(MQGetCount(same) == 3);
	EXPECT(next_is(same, "first"));
	EXPECT(MQGet(queue, small, sizeof(small), 0, 0, &length) == ERR_MQ_BFR_TOO_SMALL);
	EXPECT(length == 3 && memcmp(small, "sec", 3) == 0);
	EXPECT(next_is(queue, "last"));
	EXPECT(!next_is(queue, ""));
	EXPECT(MQGet(queue, small, sizeof(small), 0, 0, &length) == ERR_MQ_EMPTY && length == 0);
	EXPECT(MQClose(queue, 0) == NOERROR);
	EXPECT(MQGetCount(same) == 0);
	EXPECT(MQClose(same, 0) == NOERROR);
	EXPECT(MQClose(same, 0) == ERR_MQ_EMPTY);
	EXPECT(MQOpen("MQ$CHECK_A", 0, &queue) == ERR_NO_SUCH_MQ);
}

static void check_queue_times(void)
{
	int64_t start = now_ms();
	MQHANDLE queue;
	char text[4];

	EXPECT(MQOpen("MQ$CHECK_T", MQ_OPEN_CREATE, &queue) == NOERROR);
	EXPECT(MQGet(queue, text, 4, MQ_WAIT_FOR_MSG, 300, NULL) == ERR_MQ_TIMEOUT);
	EXPECT(now_ms() - start >= 290);
	EXPECT(!MQIsQuitPending(queue));
	put(queue, 0, "left");
	MQPutQuitMsg(queue);
	EXPECT(MQIsQuitPending(queue));
	EXPECT(MQGet(queue, text, 4, MQ_WAIT_FOR_MSG, 0, NULL) == ERR_MQ_QUITTING);
	EXPECT(MQPut(queue, 0, "x", 1, 0) == ERR_MQ_QUITTING);
	EXPECT(MQClose(queue, 0) == NOERROR);
}

static void check_queue_largest(void)
{
	static char sent[MQ_MAX_MSGSIZE], got[MQ_MAX_MSGSIZE];
	MQHANDLE queue;
	WORD length;

	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (char)(i * 7 + i / 251);
	EXPECT(MQOpen("MQ$CHECK_L", MQ_OPEN_CREATE, &queue) == NOERROR);
	EXPECT(MQPut(queue, 0, sent, sizeof(sent), 0) == NOERROR);
	EXPECT(MQPut(queue, 0, sent, 0, 0) == NOERROR);
	EXPECT(MQGet(queue, got, sizeof(got), 0, 0, &length) == NOERROR);
	EXPECT(length == sizeof(sent) && memcmp(sent, got, sizeof(sent)) == 0);
	EXPECT(MQGet(queue, got, sizeof(got), 0, 0, &length) == NOERROR && length == 0);
	EXPECT(MQClose(queue, 0) == NOERROR);
}

static STATUS choose(const char *text, WORD length, WORD priority, void *context)
{
	const char *wanted = context;

	if (length == 4 && memcmp(text, "drop", 4) == 0)
		return ERR_MQSCAN_DELETE;
	return length == strlen(wanted) && memcmp(text, wanted, length) == 0 ? ERR_MQSCAN_DEQUEUE
	                                                                      : NOERROR;
}

static void check_queue_scan(void)
{
	char wanted[] = "this", none[] = "none", got[16];
	MQHANDLE queue;
	WORD length;

	EXPECT(MQOpen("MQ$CHECK_S", MQ_OPEN_CREATE, &queue) == NOERROR);
	for (int i = 0; i < 3; i++) {
		put(queue, 1, "keep");
		put(queue, 1, i == 1 ? "this" : "drop");
	}
	EXPECT(MQScan(queue, got, sizeof(got), 0, choose, wanted, &length) == NOERROR);
	EXPECT(length == 4 && memcmp(got, "this", 4) == 0);
	EXPECT(MQGetCount(queue) == 4);
	EXPECT(MQScan(queue, got, sizeof(got), 0, choose, none, &length) == ERR_MQ_EMPTY);
	EXPECT(MQGetCount(queue) == 3);
	EXPECT(next_is(queue, "keep"));
	EXPECT(MQClose(queue, 0) == NOERROR);
}

/* Four threads take, two put: each message comes out once. */
#define MESSAGES 500

struct race {
	MQHANDLE queue;
	_Atomic int taken[MESSAGES];
	_Atomic int bad;
};

static void *take_some(void *context)
{
	struct race *race = context;
	char text[16] = "";
	STATUS status;
	WORD length;

	for (;;) {
		long number;

		status = MQGet(race->queue, text, sizeof(text) - 1, MQ_WAIT_FOR_MSG, 0, &length);
		if (status != NOERROR)
			break;
		text[length] = '\0';
		number = strtol(text, NULL, 10);
		if (number < 0 || number >= MESSAGES)
			race->bad++;
		else
			race->taken[number]++;
	}
	if (status != ERR_MQ_QUITTING)
		race->bad++;
	return NULL;
}

static void *put_some(void *context)
{
	struct race *race = context;
	static _Atomic int next;
	char text[16];
	int number;

	while ((number = next++) < MESSAGES) {
		snprintf(text, sizeof(text), "%d", number);
		if (MQPut(race->queue, (WORD)(number % 3), text, (WORD)strlen(text), 0) != NOERROR)
			race->bad++;
	}
	return NULL;
}

static void check_queue_threads(void)
{
	static struct race race;
	pthread_t threads[6];

	EXPECT(MQOpen("MQ$CHECK_R", MQ_OPEN_CREATE, &race.queue) == NOERROR);
	for (int i = 0; i < 6; i++)
		EXPECT(pthread_create(&threads[i], NULL, i < 4 ? take_some : put_some, &race) == 0);
	pthread_join(threads[4], NULL);
	pthread_join(threads[5], NULL);
	while (MQGetCount(race.queue) > 0)
		AddInIdleDelay(10);
	MQPutQuitMsg(race.queue);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	EXPECT(race.bad == 0);
	for (int i = 0; i < MESSAGES; i++)
		EXPECT(race.taken[i] == 1);
	EXPECT(MQClose(race.queue, 0) == NOERROR);
}

/* --- statistics --------------------------------------------------------------------------- */

#define MANY 3000       /* more than one page */

struct tally {
	int count;
	LONG sum;
	bool sorted;
	char last[64];
};

static STATUS tally_one(void *context, char *facility, char *name, WORD type, void *value)
{
	struct tally *tally = context;

	if (strcmp(facility, "CheckMany") != 0 || type != VT_LONG)
		return ERR_CANCEL;
	if (strcmp(tally->last, name) >= 0)
		tally->sorted = false;
	snprintf(tally->last, sizeof(tally->last), "%s", name);
	tally->count++;
	tally->sum += *(LONG *)value;
	return NOERROR;
}

static void check_statistics_many(void)
{
	struct tally tally = { .sorted = true };
	char name[24];

	for (LONG i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "Number%05d", (int)i);
		EXPECT(StatUpdate("CheckMany", name, ST_UNIQUE, VT_LONG, &i) == NOERROR);
	}
	StatTraverse("checkmany", NULL, tally_one, &tally);
	EXPECT(tally.count == MANY && tally.sorted);
	EXPECT(tally.sum == MANY * (MANY - 1) / 2);
	for (LONG i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "Number%05d", (int)i);
		StatDelete("CheckMany", name);
	}
	tally = (struct tally){ .sorted = true };
	StatTraverse("CheckMany", NULL, tally_one, &tally);
	EXPECT(tally.count == 0);
}

static bool table_holds(const char *text)
{
	DHANDLE handle = NULLHANDLE;
	DWORD length = 0;
	bool found;

	if (StatQuery(";", "", "=", ";", &handle, &length) != NOERROR)
		return false;
	found = strstr(OSLock(char, handle), text) != NULL;
	OSUnlock(handle);
	OSMemFree(handle);
	return found;
}

static void check_statistics_kinds(void)
{
	LONG number = 5;
	NUMBER real = 0.25;
	TIMEDATE time;

	OSCurrentTIMEDATE(&time);
	for (int i = 0; i < 3; i++) {
		EXPECT(StatUpdate("Check", "Sum", ST_ADDITIVE, VT_LONG, &number) == NOERROR);
		EXPECT(StatUpdate("Check", "Real", ST_ADDITIVE, VT_NUMBER, &real) == NOERROR);
	}
	EXPECT(StatUpdate("Check", "Text", ST_UNIQUE, VT_TEXT, "a; text") == NOERROR);
	EXPECT(StatUpdate("Check", "Time", ST_UNIQUE, VT_TIMEDATE, &time) == NOERROR);
	EXPECT(table_holds(";Check.Sum=15;"));
	EXPECT(table_holds(";Check.Real=0.75;"));
	EXPECT(table_holds(";Check.Text=a; text;"));
	EXPECT(StatReset("Check", "Sum") == NOERROR);
	EXPECT(table_holds(";Check.Sum=0;"));
	EXPECT(StatReset("Check", "Text") == ERR_STAT_NOT_SET);
	EXPECT(StatReset("Check", "None") == ERR_STAT_NOT_FOUND);
}

/* --- lines, messages ---------------------------------------------------------------------- */

static void *say_some(void *context)
{
	DHANDLE line = AddInCreateStatusLine("Check Thread");
	HMODULE module;

	AddInQueryDefaults(&module, NULL);
	AddInSetDefaults(module, line);
	for (int i = 0; i < 100; i++) {
		AddInLogMessageText("Check: thread %s line %03d", NOERROR, (const char *)context, i);
		AddInSetStatusText("line %d", i);
	}
	AddInDeleteStatusLine(line);
	return NULL;
}

static void check_threads_say(void)
{
	static char names[4][2] = { "a", "b", "c", "d" };
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		EXPECT(pthread_create(&threads[i], NULL, say_some, names[i]) == 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
}

static void check_programs(void)
{
	char none[] = "no-such-program", hello[] = "hello";

	EXPECT(OSLoadProgram(none, NULL, NULL, OS_LOADPROG_BACKGROUND) != NOERROR);
	EXPECT(OSLoadProgram(hello, NULL, NULL, OS_LOADPROG_BACKGROUND) == NOERROR);
}

static void check_calls(void)
{
	static const struct {
		const char *name;
		void (*check)(void);
	} checks[] = {
		{ "environment", check_environment }, { "queue order", check_queue_order },
		{ "queue times", check_queue_times }, { "queue largest", check_queue_largest },
		{ "queue scan", check_queue_scan }, { "queue threads", check_queue_threads },
		{ "statistics many", check_statistics_many },
		{ "statistics kinds", check_statistics_kinds },
		{ "threads say", check_threads_say }, { "programs", check_programs },
	};

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		failed = NULL;
		checks[i].check();
		if (failed == NULL)
			AddInLogMessageText("Check: ok %s", NOERROR, checks[i].name);
		else
			AddInLogMessageText("Check: FAILED %s: %s", NOERROR, checks[i].name, failed);
	}
	AddInLogMessageText("Check: done", NOERROR);
	while (!AddInIdle())
		;
}

/* --- in the manner of the usual samples ------------------------------------------------------ */

static void own_line(const char *name)
{
	DHANDLE old, line;
	HMODULE module;

	AddInQueryDefaults(&module, &old);
	AddInDeleteStatusLine(old);
	line = AddInCreateStatusLine(name);
	AddInSetDefaults(module, line);
	AddInSetStatusText("Initializing");
}

static void idle(void)
{
	own_line("Idle Check");
	AddInLogMessageText("Check: idle begins", NOERROR);
	AddInSetStatusText("Idle");
	while (!AddInIdle()) {
		OSPreemptOccasionally();
		if (AddInDayHasElapsed())
			AddInLogMessageText("Check: daily job", NOERROR);
		else if (AddInMinutesHaveElapsed(60))
			AddInLogMessageText("Check: hourly job", NOERROR);
		else if (AddInSecondsHaveElapsed(2))
			AddInLogMessageText("Check: two-second job", NOERROR);
	}
	AddInSetStatusText("Terminating");
	AddInLogMessageText("Check: idle ends", NOERROR);
}

static STATUS told(void)
{
	char text[MAX_CONSOLE_CMD_LEN + 1];
	MQHANDLE queue;
	STATUS status;
	WORD length;

	own_line("Told Check");
	status = MQOpen(TASK_QUEUE_PREFIX "CHECKTASK", MQ_OPEN_CREATE, &queue);
	AddInSetStatusText("Idle");
	while (status == NOERROR) {
		status = MQGet(queue, text, sizeof(text) - 1, MQ_WAIT_FOR_MSG, 2000, &length);
		text[length] = '\0';
		if (status == ERR_MQ_TIMEOUT) {
			AddInLogMessageText("Check: nothing told", NOERROR);
			status = NOERROR;
		} else if (status == NOERROR) {
			AddInLogErrorText("Check: told '%s'", NOERROR, text);
		}
	}
	AddInLogMessageText("Check: told ends", status);
	return MQClose(queue, 0);
}

/* --- waiting and scribbling ------------------------------------------------------------------- */

static void *wait_for_ever(void *context)
{
	MQHANDLE queue;
	char text[8];

	if (MQOpen("MQ$CHECK_WAIT", MQ_OPEN_CREATE, &queue) == NOERROR)
		while (MQGet(queue, text, sizeof(text), MQ_WAIT_FOR_MSG, 0, NULL) != ERR_MQ_QUITTING)
			;
	return NULL;
}

static void block(void)
{
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		if (pthread_create(&threads[i], NULL, wait_for_ever, NULL) != 0 ||
		    pthread_detach(threads[i]) != 0)
			return;
	AddInLogMessageText("Check: blocks", NOERROR);
	while (!AddInIdleDelay(3600000))
		;
	if (PostilDataDirectory()[0] != '/')
		return;
	/* asked to end, the queue is not quitting; with the host gone it is */
	if (AddInShouldTerminate())
		AddInLogMessageText("Check: block ends", NOERROR);
}

static void scribble(void)
{
	DWORD number = 0;

	AddInLogMessageText("Check: scribbles", NOERROR);
	while (!AddInShouldTerminate()) {
		LONG value = (LONG)number;

		AddInSetStatusText("number %u", (unsigned)number);
		StatUpdate("Scribble", "Number", ST_UNIQUE, VT_LONG, &value);
		number++;
	}
	AddInLogMessageText("Check: scribbled", NOERROR);
}

STATUS LNPUBLIC AddInMain(HMODULE module, int argc, char *argv[])
{
	const char *what = argc > 1 ? argv[1] : "calls";

	if (strcmp(what, "idle") == 0)
		idle();
	else if (strcmp(what, "told") == 0)
		return told();
	else if (strcmp(what, "block") == 0)
		block();
	else if (strcmp(what, "scribble") == 0)
		scribble();
	else
		check_calls();
	return NOERROR;
}

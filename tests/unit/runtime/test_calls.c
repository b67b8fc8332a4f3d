/* The calls of the add-in interface against a host that answers as the real one:
 * queues, notes.ini, statistics, ports, sessions. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "addin/api/addin.h"
#include "addin/api/miscerr.h"
#include "addin/api/mq.h"
#include "addin/api/osenv.h"
#include "addin/api/osmem.h"
#include "addin/api/osmisc.h"
#include "addin/api/ostime.h"
#include "addin/api/postil.h"
#include "addin/api/stats.h"
#include "addin/runtime/link.h"
#include "tests/support/fakehost.h"
#include "tests/support/unit.h"

#define PATIENCE 10000

static struct fakehost *open_link(fakehost_fn answer, void *context)
{
	struct fakehost *host;
	int fd;

	host = fakehost_start(answer, context, &fd);
	ck_assert_int_eq(link_open(fd, "tester"), NOERROR);
	return host;
}

static void reply_status(struct fakehost *host, const struct wire_in *in, STATUS status)
{
	fakehost_reply(host, in->kind, in->id, 0, status);
	fakehost_send(host);
}

static void reply_u32(struct fakehost *host, const struct wire_in *in, uint32_t value)
{
	wire_put_u32(fakehost_reply(host, in->kind, in->id, 0, NOERROR), value);
	fakehost_send(host);
}

/* --- queues --------------------------------------------------------------------------- */

/* One queue of three messages; 7 is its handle. */
struct queue {
	struct {
		uint32_t priority;
		const char *text;
		bool gone;
	} messages[3];
	bool vanish;    /* MQ_REMOVE: someone else was quicker */
};
static const struct queue three = { .messages = { { 0, "first", 0 }, { 5, "second", 0 },
                                                  { 0xFFFF, "third!", 0 } } };

static void scan(struct queue *queue, struct fakehost *host, struct wire_in *in)
{
	uint32_t priority = wire_get_u32(in);
	uint64_t key = wire_get_u64(in);
	struct wire_out *out;

	for (uint64_t i = 0; i < 3; i++) {
		if (queue->messages[i].gone || i + 1 <= key)
			continue;
		ck_assert(key == 0 || priority == queue->messages[key - 1].priority);
		out = fakehost_reply(host, in->kind, in->id, 0, NOERROR);
		wire_put_u32(out, queue->messages[i].priority);
		wire_put_u64(out, i + 1);
		wire_put_text(out, queue->messages[i].text);
		fakehost_send(host);
		return;
	}
	reply_status(host, in, ERR_MQ_EMPTY);
}

static void get(struct queue *queue, struct fakehost *host, struct wire_in *in)
{
	struct wire_out *out;

	for (size_t i = 0; i < 3; i++) {
		if (queue->messages[i].gone)
			continue;
		queue->messages[i].gone = true;
		out = fakehost_reply(host, in->kind, in->id, 0, NOERROR);
		wire_put_u32(out, queue->messages[i].priority);
		wire_put_text(out, queue->messages[i].text);
		fakehost_send(host);
		return;
	}
	reply_status(host, in, wire_get_u32(in) == 0 ? ERR_MQ_EMPTY : ERR_MQ_TIMEOUT);
}

static bool queue_answers(void *context, struct fakehost *host, struct wire_in *in)
{
	struct queue *queue = context;
	char name[64];

	switch (in->kind) {
	case WIRE_MQ_CREATE:
		reply_status(host, in, ERR_DUPLICATE_MQ);
		return true;
	case WIRE_MQ_OPEN:
		wire_get_text(in, name, sizeof(name));
		if (strcmp(name, "MQ$NONE") == 0)
			reply_status(host, in, ERR_NO_SUCH_MQ);
		else
			reply_u32(host, in, 7);
		return true;
	case WIRE_MQ_COUNT:
	case WIRE_MQ_IS_QUIT:
		reply_u32(host, in, in->kind == WIRE_MQ_COUNT ? 70000 : 1);
		return true;
	case WIRE_MQ_GET:
	case WIRE_MQ_SCAN:
	case WIRE_MQ_REMOVE:
	case WIRE_MQ_PUT:
	case WIRE_MQ_PUT_QUIT:
	case WIRE_MQ_CLOSE:
		if (wire_get_u32(in) != 7)
			reply_status(host, in, ERR_MQ_EMPTY);
		else if (in->kind == WIRE_MQ_GET)
			get(queue, host, in);
		else if (in->kind == WIRE_MQ_SCAN)
			scan(queue, host, in);
		else if (in->kind == WIRE_MQ_REMOVE && queue->vanish)
			reply_status(host, in, POSTIL_ERR_NOT_FOUND);
		else if (in->kind == WIRE_MQ_REMOVE)
			queue->messages[wire_get_u64(in) - 1].gone = true, reply_status(host, in, NOERROR);
		else
			reply_status(host, in, NOERROR);
		return true;
	default:
		return false;
	}
}

START_TEST(queues)
{
	static char big[MQ_MAX_MSGSIZE + 1];
	struct queue queue = three;
	struct fakehost *host = open_link(queue_answers, &queue);
	char name[300], text[8];
	MQHANDLE handle = 0;
	WORD length;

	memset(big, 'b', sizeof(big));
	ck_assert_int_eq(MQCreate("MQ$X", 5, 0), ERR_DUPLICATE_MQ);
	ck_assert(fakehost_wait(host, "mq create MQ$X 5 0\n", PATIENCE));
	ck_assert_int_eq(MQOpen("MQ$NONE", 0, &handle), ERR_NO_SUCH_MQ);
	ck_assert_uint_eq(handle, 0);
	ck_assert_int_eq(MQOpen("MQ$X", MQ_OPEN_CREATE, &handle), NOERROR);
	ck_assert_uint_eq(handle, 7);
	ck_assert_int_eq(MQPut(handle, HIGHPRIORITY, "hello", 5, 0), NOERROR);
	ck_assert(fakehost_wait(host, "mq put 7 0 hello\n", PATIENCE));
	ck_assert_int_eq(MQPut(handle, LOWPRIORITY, big, MQ_MAX_MSGSIZE, 0), NOERROR);
	ck_assert_int_eq(MQPut(handle, 0, big, MQ_MAX_MSGSIZE + 1, 0), ERR_MQ_POOLFULL);
	ck_assert_int_eq(MQPut(8, 0, "x", 1, 0), ERR_MQ_EMPTY);
	ck_assert_int_eq(MQGet(handle, text, sizeof(text), 0, 0, &length), NOERROR);
	ck_assert(length == 5 && memcmp(text, "first", 5) == 0);
	ck_assert_int_eq(MQGet(handle, text, 3, 0, 0, &length), ERR_MQ_BFR_TOO_SMALL);
	ck_assert(length == 3 && memcmp(text, "sec", 3) == 0);
	ck_assert_int_eq(MQGet(handle, text, sizeof(text), MQ_WAIT_FOR_MSG, 9000, NULL), NOERROR);
	ck_assert(fakehost_wait(host, "mq get 7 1 9000\n", PATIENCE));
	ck_assert_int_eq(MQGet(handle, text, sizeof(text), 0, 0, &length), ERR_MQ_EMPTY);
	ck_assert_uint_eq(length, 0);
	ck_assert_int_eq(MQGet(handle, text, sizeof(text), MQ_WAIT_FOR_MSG, 1, &length),
	                 ERR_MQ_TIMEOUT);
	ck_assert_uint_eq(MQGetCount(handle), MAXWORD);
	ck_assert(MQIsQuitPending(handle));
	MQPutQuitMsg(handle);
	ck_assert(fakehost_wait(host, "mq put quit 7\n", PATIENCE));
	ck_assert_int_eq(MQClose(handle, 0), NOERROR);
	ck_assert_int_eq(MQClose(9, 0), ERR_MQ_EMPTY);
	/* a name no queue can have is refused here; the wire stays */
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	ck_assert_int_ne(MQOpen(name, 0, &handle), NOERROR);
	ck_assert(!link_is_closed());
	fakehost_stop(&host);
}
END_TEST

struct seen {
	char texts[64];
	STATUS wish;
	const char *at;         /* the message the wish is for */
};

static STATUS look(const char *text, WORD length, WORD priority, void *context)
{
	struct seen *seen = context;
	size_t n = strlen(seen->texts);

	snprintf(seen->texts + n, sizeof(seen->texts) - n, "%.*s/%u ", length, text, priority);
	return strncmp(text, seen->at, length) == 0 ? seen->wish : NOERROR;
}

START_TEST(scanning)
{
	static const struct {
		struct seen seen;
		bool vanish;
		STATUS result;
		const char *texts, *taken;
		WORD left;
	} cases[] = {
		{ { "", NOERROR, "" }, false, ERR_MQ_EMPTY, "first/0 second/5 third!/65535 ", "", 3 },
		{ { "", ERR_MQSCAN_ABORT, "second" }, false, ERR_MQSCAN_ABORT, "first/0 second/5 ",
		  "", 3 },
		{ { "", ERR_MQSCAN_DEQUEUE, "second" }, false, NOERROR, "first/0 second/5 ", "second",
		  2 },
		{ { "", ERR_MQSCAN_DEQUEUE, "third!" }, false, ERR_MQ_BFR_TOO_SMALL,
		  "first/0 second/5 third!/65535 ", "third!", 2 },
		{ { "", ERR_MQSCAN_DELETE, "first" }, false, ERR_MQ_EMPTY,
		  "first/0 second/5 third!/65535 ", "", 2 },
		{ { "", ERR_MQSCAN_DEQUEUE, "first" }, true, ERR_MQ_EMPTY,
		  "first/0 second/5 third!/65535 ", "", 3 },
	};
	struct queue queue;
	struct fakehost *host = open_link(queue_answers, &queue);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct seen seen = cases[i].seen;
		char text[16] = "";
		WORD length, left = 0, size = cases[i].result == ERR_MQ_BFR_TOO_SMALL ? 4 : 16;

		queue = three;
		queue.vanish = cases[i].vanish;
		ck_assert_msg(MQScan(7, text, size, 0, look, &seen, &length) == cases[i].result,
		              "case %zu", i);
		ck_assert_str_eq(seen.texts, cases[i].texts);
		ck_assert(strncmp(text, cases[i].taken, size) == 0 || size == 4);
		ck_assert_uint_eq(length, strnlen(cases[i].taken, size));
		for (size_t m = 0; m < 3; m++)
			left += !queue.messages[m].gone;
		ck_assert_msg(left == cases[i].left, "case %zu", i);
	}
	fakehost_stop(&host);
}
END_TEST

/* --- notes.ini ------------------------------------------------------------------------- */

static bool ini_answers(void *context, struct fakehost *host, struct wire_in *in)
{
	static const struct {
		const char *name, *value;
	} settings[] = {
		{ "NUMBER", "42" }, { "NEGATIVE", "-7 " }, { "TEXT", "forty" }, { "HALF", "12x" },
		{ "HUGE", "99999999999999999999999" }, { "EMPTY", "" },
		{ "TIME", "20140808T131833,00-04" },
	};
	char name[64];

	if (in->kind == WIRE_ENV_SET || in->kind == WIRE_ENV_SEQNO) {
		if (in->kind == WIRE_ENV_SET)
			reply_status(host, in, NOERROR);
		else
			reply_u32(host, in, 3);
		return true;
	}
	if (in->kind != WIRE_ENV_GET)
		return false;
	wire_get_text(in, name, sizeof(name));
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		if (strcmp(settings[i].name, name) == 0) {
			wire_put_text(fakehost_reply(host, in->kind, in->id, 0, NOERROR),
			              settings[i].value);
			fakehost_send(host);
			return true;
		}
	return false;
}

START_TEST(environment)
{
	static const struct {
		const char *name;
		long number;
	} cases[] = { { "NUMBER", 42 }, { "NEGATIVE", -7 }, { "TEXT", 0 }, { "HALF", 0 },
	              { "HUGE", 0 }, { "EMPTY", 0 }, { "MISSING", 0 } };
	struct fakehost *host = open_link(ini_answers, NULL);
	char value[8] = "unset";
	TIMEDATE time, again;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(OSGetEnvironmentLong(cases[i].name) == cases[i].number, "%s",
		              cases[i].name);
	ck_assert_int_eq(OSGetEnvironmentInt("NUMBER"), 42);
	ck_assert(OSGetEnvironmentString("TEXT", value, 3));
	ck_assert_str_eq(value, "for");
	ck_assert(!OSGetEnvironmentString("MISSING", value, 3));
	ck_assert_str_eq(value, "");
	ck_assert(OSGetEnvironmentTIMEDATE("TIME", &time));
	OSCurrentTIMEDATE(&again);
	ck_assert_int_eq(TimeDateCompare(&time, &again), -1);
	ck_assert_uint_eq(time.Innards[0], 6231300);    /* 17:18:33 GMT in hundredths */
	ck_assert_uint_eq(time.Innards[1] & 0xFFFFFF, 2456878);
	ck_assert(!OSGetEnvironmentTIMEDATE("TEXT", &time));
	OSSetEnvironmentVariable("NAME", "value with blanks");
	OSSetEnvironmentInt("NUMBER", -5);
	OSSetEnvironmentTIMEDATE("T", &time);
	ck_assert(fakehost_wait(host, "env set NAME value with blanks\n", PATIENCE));
	ck_assert(fakehost_wait(host, "env set NUMBER -5\n", PATIENCE));
	ck_assert(fakehost_wait(host, "env set T 20140808T171833", PATIENCE));
	ck_assert_uint_eq(OSGetEnvironmentSeqNo(), 3);
	fakehost_stop(&host);
}
END_TEST

/* --- statistics ------------------------------------------------------------------------ */

static void put_stat(struct wire_out *out, const char *name, uint32_t type, const void *p,
                     size_t n)
{
	wire_put_text(out, "F");
	wire_put_text(out, name);
	wire_put_u32(out, ST_UNIQUE);
	wire_put_u32(out, type);
	wire_put_octets(out, p, n);
	wire_put_u64(out, 1407518313000);
}

/* Two pages; the second holds values that do not fit their type. */
static bool stat_answers(void *context, struct fakehost *host, struct wire_in *in)
{
	char after[32];
	struct wire_out *out;

	if (in->kind == WIRE_STAT_RESET) {
		reply_status(host, in, ERR_STAT_NOT_SET);
		return true;
	}
	if (in->kind != WIRE_STAT_LIST)
		return false;
	wire_get_slice(in);
	wire_get_slice(in);
	wire_get_slice(in);
	wire_get_text(in, after, sizeof(after));
	if (after[0] == '\0') {
		out = fakehost_reply(host, in->kind, in->id, WIRE_MORE, NOERROR);
		put_stat(out, "A", VT_LONG, "\xFE\xFF\xFF\xFF", 4);
		put_stat(out, "B", VT_TEXT, "text", 4);
	} else {
		ck_assert_str_eq(after, "B");
		out = fakehost_reply(host, in->kind, in->id, 0, NOERROR);
		put_stat(out, "bad", VT_LONG, "\1", 1);
		put_stat(out, "bad", 99, "", 0);
		put_stat(out, "C", VT_NUMBER, "\0\0\0\0\0\0\xF8\x3F", 8);
	}
	fakehost_send(host);
	return true;
}

static STATUS collect(void *context, char *facility, char *name, WORD type, void *value)
{
	char texts[2][32], *all = context;
	size_t n = strlen(all);

	StatToText(facility, name, type, value, texts[0], sizeof(texts[0]), texts[1],
	           sizeof(texts[1]));
	snprintf(all + n, 200 - n, "%s=%s ", texts[0], texts[1]);
	memset(name, 'x', strlen(name));        /* the callee may */
	return strcmp(texts[0], "F.B") == 0 && all[0] == 'F' && n > 0 && all[n - 2] == '!'
	       ? ERR_CANCEL : NOERROR;
}

START_TEST(statistics)
{
	struct fakehost *host = open_link(stat_answers, NULL);
	LONG number = 7;
	NUMBER real = 1.5;
	TIMEDATE time = { { 0x11223344, 0x55667788 } };
	char all[200] = "", name[300];
	DHANDLE text;
	DWORD length;

	ck_assert_int_eq(StatUpdate("F", "A", ST_UNIQUE, VT_LONG, &number), NOERROR);
	ck_assert_int_eq(StatUpdate("F", "B", ST_UNIQUE, VT_TEXT, "hi"), NOERROR);
	ck_assert_int_eq(StatUpdate("F", "C", ST_ADDITIVE, VT_NUMBER, &real), NOERROR);
	ck_assert_int_eq(StatUpdate("F", "D", 0, VT_TIMEDATE, &time), NOERROR);
	StatDelete("F", "E");
	ck_assert(fakehost_wait(host, "stat F.A 1 0 07000000\nstat F.B 1 1 6869\n"
	                        "stat F.C 2 3 000000000000f83f\nstat F.D 0 2 4433221188776655\n"
	                        "stat delete F E\n", PATIENCE));
	ck_assert_int_ne(StatUpdate("F", "B", ST_ADDITIVE, VT_TEXT, "hi"), NOERROR);
	ck_assert_int_ne(StatUpdate("F", "B", 0, 4, "hi"), NOERROR);
	ck_assert_int_ne(StatUpdate(NULL, "B", 0, VT_TEXT, "hi"), NOERROR);
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	ck_assert_int_ne(StatUpdate("F", name, 0, VT_TEXT, "hi"), NOERROR);
	ck_assert_int_eq(StatReset("F", "A"), ERR_STAT_NOT_SET);
	StatTraverse(NULL, NULL, collect, all);
	ck_assert_str_eq(all, "F.A=-2 F.B=text F.C=1.5 ");
	memcpy(all, "F! ", 4);
	StatTraverse("F", NULL, collect, all);
	ck_assert_str_eq(all, "F! F.A=-2 F.B=text F.C=1.5 ");
	ck_assert_int_eq(StatQuery("Head\n", "  ", " = ", "\n", &text, &length), NOERROR);
	ck_assert_str_eq(OSLock(char, text), "Head\n  F.A = -2\n  F.B = text\n  F.C = 1.5\n");
	ck_assert_uint_eq(length, strlen(OSLock(char, text)));
	OSUnlock(text);
	OSMemFree(text);
	ck_assert_int_eq(StatQueryTime("F", NULL, NULL, "", "=", ";", &text, &length), NOERROR);
	ck_assert_ptr_nonnull(strstr(OSLock(char, text), "F.B=text [08/08/2014 "));
	OSMemFree(text);
	{
		static const POSTIL_STATISTIC two[] = { { "X", 1 }, { "Y", -1 } };

		PostilStatistics("POP3", two, 2);
		ck_assert(fakehost_wait(host, "stat POP3.X 1 0 01000000\nstat POP3.Y 1 0 ffffffff\n",
		                        PATIENCE));
	}
	fakehost_stop(&host);
	ck_assert_int_ne(StatQuery("", "", "", "", &text, &length), NOERROR);
	ck_assert_uint_eq(text, NULLHANDLE);
}
END_TEST

/* --- ports, programs --------------------------------------------------------------------- */

static bool port_answers(void *context, struct fakehost *host, struct wire_in *in)
{
	struct wire_out *out;
	int fds[2];

	if (in->kind == WIRE_LOAD_PROGRAM || in->kind == WIRE_UNLISTEN) {
		reply_status(host, in, NOERROR);
		return true;
	}
	if (in->kind != WIRE_LISTEN)
		return false;
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	out = fakehost_reply(host, in->kind, in->id, 0, NOERROR);
	wire_put_u32(out, 2);
	ck_assert_int_eq(wire_end(out, WIRE_HOST), NOERROR);
	ck_assert_int_eq(wire_send(fakehost_fd(host), out, fds, 2, true), NOERROR);
	close(fds[0]);
	close(fds[1]);
	return true;
}

START_TEST(ports_and_programs)
{
	struct fakehost *host = open_link(port_answers, NULL);
	WORD count = 2;
	int fds[2];
	char c;

	ck_assert_int_eq(PostilListen("POP3", "", 1110, fds, &count), NOERROR);
	ck_assert_uint_eq(count, 2);
	ck_assert_int_eq(write(fds[0], "x", 1), 1);
	ck_assert_int_eq(read(fds[1], &c, 1), 1);
	close(fds[0]);
	close(fds[1]);
	/* room for one: the other is closed, which its peer sees */
	count = 1;
	ck_assert_int_eq(PostilListen("POP3", "127.0.0.1", 1110, fds, &count), NOERROR);
	ck_assert_uint_eq(count, 1);
	ck_assert_int_eq(read(fds[0], &c, 1), 0);
	close(fds[0]);
	ck_assert_int_eq(PostilUnlisten("POP3", "", 1110), NOERROR);
	ck_assert_int_eq(OSLoadProgram("updater", NULL, "-x 1", OS_LOADPROG_BACKGROUND), NOERROR);
	ck_assert(fakehost_wait(host, "listen POP3 127.0.0.1 1110\nunlisten POP3  1110\n"
	                        "load program updater  -x 1 2\n", PATIENCE));
	ck_assert_str_eq(PostilDataDirectory(), "/data");
	fakehost_stop(&host);
}
END_TEST

/* --- what the host asks -------------------------------------------------------------------- */

static void list_many(void *context, void (*emit)(void *, const POSTIL_SESSION *), void *to)
{
	char user[300];

	for (DWORD i = 0; i < 1000; i++) {
		POSTIL_SESSION session = { .id_high = 1, .id_low = i, .user = user,
		                           .address = "127.0.0.1", .port = 110, .tls = i % 2 != 0,
		                           .since_secs = 5, .idle_secs = 4, .messages = i };

		snprintf(user, sizeof(user), "User %u %0*d", i, i == 999 ? 280 : 1, 0);
		emit(to, i == 998 ? &(POSTIL_SESSION){ .id_low = i } : &session);
	}
}

static DWORD drop_some(void *context, const char *pattern)
{
	AddInLogMessageText("drop %s", NOERROR, pattern);
	return strcmp(pattern, "ALL") == 0 ? 3 : 0;
}

static void port_ready(void *context, const char *address, WORD port)
{
	char value[8];

	/* a callback may ask the host */
	OSGetEnvironmentString("ASKED", value, sizeof(value) - 1);
	AddInLogMessageText("ready %s %u", NOERROR, address, port);
}

static void changed(void *context)
{
	AddInLogMessageText("changed %d", NOERROR, *(int *)context);
}

static void ask(struct fakehost *host, enum wire_kind kind, uint32_t id, const char *text)
{
	struct wire_out *out = fakehost_message(host, kind, id);

	if (text != NULL)
		wire_put_text(out, text);
	if (kind == WIRE_PORT_READY)
		wire_put_u32(out, 110);
	fakehost_send(host);
}

START_TEST(without_callbacks)
{
	struct fakehost *host = open_link(NULL, NULL);

	ask(host, WIRE_SETTINGS_CHANGED, 0, NULL);
	ask(host, WIRE_PORT_READY, 0, "");
	ask(host, WIRE_LIST_SESSIONS, 5, NULL);
	ask(host, WIRE_DROP_SESSIONS, 6, "ALL");
	ck_assert(fakehost_wait(host, "list sessions reply 0x0000", PATIENCE));
	ck_assert(fakehost_wait(host, "drop sessions reply 0x0000 0\n", PATIENCE));
	fakehost_stop(&host);
}
END_TEST

START_TEST(with_callbacks)
{
	struct fakehost *host = open_link(NULL, NULL);
	int number = 42;
	POSTIL_CALLBACKS callbacks = { .ListSessions = list_many, .DropSessions = drop_some,
	                               .PortReady = port_ready, .SettingsChanged = changed,
	                               .context = &number };
	char *record;

	PostilSetCallbacks(&callbacks);
	ask(host, WIRE_SETTINGS_CHANGED, 0, NULL);
	ask(host, WIRE_PORT_READY, 0, "::1");
	ask(host, WIRE_DROP_SESSIONS, 6, "ALL");
	ask(host, WIRE_DROP_SESSIONS, 7, "someone");
	ask(host, WIRE_LIST_SESSIONS, 8, NULL);
	ck_assert(fakehost_wait(host, "changed 42\n", PATIENCE));
	ck_assert(fakehost_wait(host, "env get ASKED\n", PATIENCE));
	ck_assert(fakehost_wait(host, "ready ::1 110\n", PATIENCE));
	ck_assert(fakehost_wait(host, "drop sessions reply 0x0000 3\n", PATIENCE));
	ck_assert(fakehost_wait(host, "drop sessions reply 0x0000 0\n", PATIENCE));
	ck_assert(fakehost_wait(host, "list sessions reply 0x0000 ", PATIENCE));
	record = fakehost_record(host);
	ck_assert_ptr_nonnull(strstr(record, "list sessions reply more 0x0000 4294967296 User 0 0 "
	                                     "127.0.0.1 110 0 5 4 0 4294967297 User 1 "));
	ck_assert_ptr_nonnull(strstr(record, " 998   0 0 0 0 0 "));     /* NULL names are empty */
	ck_assert_uint_eq(fakehost_count(host, "User "), 999);
	free(record);
	PostilSetCallbacks(NULL);
	ask(host, WIRE_DROP_SESSIONS, 9, "later");
	link_close(0);
	ck_assert(fakehost_wait(host, "goodbye", PATIENCE));
	ck_assert_uint_eq(fakehost_count(host, "drop later"), 0);
	fakehost_stop(&host);
}
END_TEST

/* A callback that hangs: what waits is bounded, and the host still gets answers. */
static pthread_mutex_t hang = PTHREAD_MUTEX_INITIALIZER;

static void hang_once(void *context)
{
	pthread_mutex_lock(&hang);
	pthread_mutex_unlock(&hang);
}

START_TEST(callback_hangs)
{
	struct fakehost *host = open_link(NULL, NULL);
	POSTIL_CALLBACKS callbacks = { .DropSessions = drop_some, .SettingsChanged = hang_once };

	pthread_mutex_lock(&hang);
	PostilSetCallbacks(&callbacks);
	for (uint32_t i = 0; i < 100; i++) {
		ask(host, WIRE_SETTINGS_CHANGED, 0, NULL);
		ask(host, WIRE_DROP_SESSIONS, i + 1, "ALL");
	}
	ck_assert(fakehost_wait(host, "drop sessions reply 0x3D0F", PATIENCE));
	AddInLogMessageText("alive", NOERROR);
	ck_assert(fakehost_wait(host, "alive", PATIENCE));
	pthread_mutex_unlock(&hang);
	ck_assert(fakehost_wait(host, "drop sessions reply 0x0000 3", PATIENCE));
	fakehost_stop(&host);
}
END_TEST

UNIT_MAIN("calls", queues, scanning, environment, statistics, ports_and_programs,
          without_callbacks, with_callbacks, callback_hangs)

/* Requests, the end of the wire, garbage from the host, one-way messages. */
#include "addin/runtime/link.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "addin/api/addin.h"
#include "addin/api/miscerr.h"
#include "addin/api/mq.h"
#include "addin/api/osenv.h"
#include "addin/api/stats.h"
#include "addin/runtime/outbox.h"
#include "base/clock.h"
#include "tests/support/fakehost.h"
#include "tests/support/unit.h"

#define PATIENCE 10000  /* ms; only a failure waits so long */

static struct fakehost *open_link(fakehost_fn answer, void *context)
{
	struct fakehost *host;
	int fd;

	host = fakehost_start(answer, context, &fd);
	ck_assert_int_eq(link_open(fd, "tester"), NOERROR);
	return host;
}

START_TEST(hello_and_goodbye)
{
	struct fakehost *host = open_link(NULL, NULL);
	char hello[64];

	snprintf(hello, sizeof(hello), "hello %d tester\n", (int)getpid());
	ck_assert(fakehost_wait(host, hello, PATIENCE));
	ck_assert_str_eq(link_data_directory(), "/data");
	ck_assert_str_eq(link_server_name(), "Alpha/Acme");
	ck_assert_str_eq(link_program_directory(), "/programs");
	ck_assert(!link_is_ending());
	AddInLogMessageText("last words", NOERROR);
	link_close(7);
	ck_assert(fakehost_wait(host, "log 3 0 last words\ngoodbye 7\n", PATIENCE));
	fakehost_stop(&host);
}
END_TEST

/* A host that answers hello with nonsense, or not at all. */
static bool refuse_hello(void *context, struct fakehost *host, struct wire_in *in)
{
	if (*(int *)context == 0)
		shutdown(fakehost_fd(host), SHUT_RDWR);
	else if (*(int *)context == 1)
		fakehost_send_octets(host, "nonsense", 8);
	else
		fakehost_reply(host, in->kind, in->id, 0, POSTIL_ERR_LIMIT), fakehost_send(host);
	return true;
}

START_TEST(hello_refused)
{
	static const STATUS expected[] = { POSTIL_ERR_CLOSED, POSTIL_ERR_CLOSED, POSTIL_ERR_LIMIT };
	struct fakehost *host;
	int fd;

	host = fakehost_start(refuse_hello, &_i, &fd);
	ck_assert_int_eq(link_open(fd, "tester"), expected[_i]);
	fakehost_stop(&host);
}
END_TEST

/* --- many threads ------------------------------------------------------------------ */

/* The value of a variable is its own name; replies are held back in pairs, so that
 * they come in another order than they were asked for. */
struct swap {
	uint32_t id;
	char name[32];
};

static void reply_name(struct fakehost *host, const struct swap *held)
{
	wire_put_text(fakehost_reply(host, WIRE_ENV_GET, held->id, 0, NOERROR), held->name);
	fakehost_send(host);
}

static bool swap_answers(void *context, struct fakehost *host, struct wire_in *in)
{
	struct swap *held = context, now = { .id = in->id };

	if (in->kind != WIRE_ENV_GET)
		return false;
	wire_get_text(in, now.name, sizeof(now.name));
	if (held->id == 0 && strcmp(now.name, "last") != 0) {
		*held = now;
		return true;
	}
	reply_name(host, &now);
	if (held->id != 0)
		reply_name(host, held);
	held->id = 0;
	return true;
}

static void *ask_names(void *context)
{
	char name[32], value[32];

	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "%s%d", (const char *)context, i);
		ck_assert(OSGetEnvironmentString(name, value, sizeof(value) - 1));
		ck_assert_str_eq(value, name);
		AddInLogMessageText("%s", NOERROR, name);
		AddInSetStatusText("%s", name);
	}
	return NULL;
}

START_TEST(replies_find_their_thread)
{
	static const char *const names[] = { "ONE", "TWO", "THREE", "FOUR" };
	struct swap held = { 0 };
	struct fakehost *host = open_link(swap_answers, &held);
	pthread_t threads[4];
	char value[8];

	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, ask_names, (void *)(uintptr_t)names[i]);
	/* an odd one may be held back when all others are done */
	for (int i = 0; i < 4; i++) {
		struct timespec until;

		for (;;) {
			clock_gettime(CLOCK_REALTIME, &until);
			until.tv_nsec += 20000000;
			if (until.tv_nsec >= 1000000000) {
				until.tv_sec++;
				until.tv_nsec -= 1000000000;
			}
			if (pthread_timedjoin_np(threads[i], NULL, &until) == 0)
				break;
			OSGetEnvironmentString("last", value, sizeof(value) - 1);
		}
	}
	link_close(0);
	ck_assert(fakehost_wait(host, "goodbye", PATIENCE));
	ck_assert_uint_eq(fakehost_count(host, "log 3 0 "), 800);
	fakehost_stop(&host);
}
END_TEST

/* --- the wire ends ------------------------------------------------------------------- */

static bool never(void *context, struct fakehost *host, struct wire_in *in)
{
	return in->kind != WIRE_HELLO;
}

static void *get_for_ever(void *context)
{
	WORD length = 77;
	char text[16];

	*(STATUS *)context = MQGet(1, text, sizeof(text), MQ_WAIT_FOR_MSG, 0, &length);
	ck_assert_uint_eq(length, 0);
	return NULL;
}

START_TEST(host_goes)
{
	struct fakehost *host = open_link(never, NULL);
	STATUS got = NOERROR;
	pthread_t thread;
	MQHANDLE queue;
	char value[16];

	pthread_create(&thread, NULL, get_for_ever, &got);
	ck_assert(fakehost_wait(host, "mq get 1 1 0\n", PATIENCE));
	fakehost_stop(&host);
	pthread_join(thread, NULL);
	ck_assert_int_eq(got, ERR_MQ_QUITTING);
	ck_assert(AddInIdle());
	ck_assert(AddInIdleDelay(100000));
	ck_assert(AddInShouldTerminate());
	ck_assert(link_is_closed());
	ck_assert_int_eq(MQOpen("MQ$X", 0, &queue), ERR_MQ_QUITTING);
	ck_assert_int_eq(MQPut(1, 0, "x", 1, 0), ERR_MQ_QUITTING);
	ck_assert(MQIsQuitPending(1));
	ck_assert_int_eq(MQGetCount(1), 0);
	ck_assert(!OSGetEnvironmentString("X", value, sizeof(value) - 1));
	for (int i = 0; i < 100000; i++)
		AddInLogMessageText("nobody hears this line %d", NOERROR, i);
	AddInSetStatusText("nor sees this");
	link_close(0);
}
END_TEST

/* What the host may not send ends the wire; the task is told to end. */
START_TEST(garbage_from_the_host)
{
	static const unsigned char unknown[] = "PW\1\0\377\0\0\0\0\0\0\0\0\0\0\0";
	struct fakehost *host = open_link(never, NULL);
	struct wire_out *out;

	switch (_i) {
	case 0:
		fakehost_send_octets(host, "garbage", 7);
		break;
	case 1:
		fakehost_send_octets(host, unknown, WIRE_HEAD);
		break;
	case 2: /* a reply to nothing */
		out = fakehost_reply(host, WIRE_ENV_SEQNO, 4711, 0, NOERROR);
		wire_put_u32(out, 1);
		fakehost_send(host);
		break;
	case 3: /* a request only tasks make */
		out = fakehost_message(host, WIRE_ENV_SEQNO, 1);
		ck_assert_int_eq(wire_end(out, WIRE_TASK), NOERROR);
		fakehost_send_octets(host, out->p, out->n);
		break;
	default: { /* more octets than any message has */
		static char huge[WIRE_MAX + 100];

		fakehost_send_octets(host, huge, sizeof(huge));
	}
	}
	ck_assert(link_wait_ending(PATIENCE));
	ck_assert(fakehost_wait_closed(host, PATIENCE));
	ck_assert(link_is_closed());
	fakehost_stop(&host);
}
END_TEST

/* A reply of another kind than was asked. */
static bool wrong_kind(void *context, struct fakehost *host, struct wire_in *in)
{
	if (in->kind != WIRE_ENV_GET)
		return false;
	wire_put_u32(fakehost_reply(host, WIRE_ENV_SEQNO, in->id, 0, NOERROR), 1);
	fakehost_send(host);
	return true;
}

START_TEST(reply_of_another_kind)
{
	struct fakehost *host = open_link(wrong_kind, NULL);
	char value[16];

	ck_assert(!OSGetEnvironmentString("X", value, sizeof(value) - 1));
	ck_assert(link_wait_ending(PATIENCE));
	fakehost_stop(&host);
}
END_TEST

START_TEST(quit_wakes_idle)
{
	struct fakehost *host = open_link(NULL, NULL);
	uint64_t start = clock_mono_ms();

	ck_assert(!AddInIdle());
	ck_assert_uint_ge(clock_mono_ms() - start, 50);
	wire_put_u32(fakehost_message(host, WIRE_QUIT, 0), WIRE_QUIT_TASK);
	fakehost_send(host);
	start = clock_mono_ms();
	ck_assert(AddInIdleDelay(60000));
	ck_assert_uint_lt(clock_mono_ms() - start, 5000);
	ck_assert(AddInShouldTerminate());
	/* ending does not close the wire */
	AddInLogMessageText("still here", NOERROR);
	link_close(0);
	ck_assert(fakehost_wait(host, "still here\ngoodbye 0", PATIENCE));
	fakehost_stop(&host);
}
END_TEST

START_TEST(sigterm_is_a_wish_to_end)
{
	struct fakehost *host = open_link(NULL, NULL);

	kill(getpid(), SIGTERM);
	kill(getpid(), SIGINT);
	kill(getpid(), SIGHUP);
	ck_assert(AddInIdleDelay(PATIENCE));
	fakehost_stop(&host);
}
END_TEST

/* --- one-way messages ------------------------------------------------------------------ */

START_TEST(logs_are_batched)
{
	struct fakehost *host = open_link(NULL, NULL);
	size_t before = fakehost_packets(host);

	for (int i = 0; i < 500; i++)
		AddInLogMessageText("line %d.", NOERROR, i);
	ck_assert(fakehost_wait(host, "line 499.", PATIENCE));
	ck_assert_uint_eq(fakehost_count(host, "log 3 0 line "), 500);
	ck_assert_uint_lt(fakehost_packets(host) - before, 100);
	fakehost_stop(&host);
}
END_TEST

START_TEST(order_is_kept_before_a_request)
{
	struct fakehost *host = open_link(NULL, NULL);
	LONG value = -2;
	char text[8];

	for (int i = 0; i < 50; i++) {
		AddInLogMessageText("before %d.", NOERROR, i);
		ck_assert_int_eq(StatUpdate("F", "S", ST_UNIQUE, VT_LONG, &value), NOERROR);
		OSGetEnvironmentString("X", text, sizeof(text) - 1);
		snprintf(text, sizeof(text), " %d.", i);
		ck_assert(fakehost_count(host, text) > 0);
	}
	ck_assert_uint_eq(fakehost_count(host, "stat F.S 1 0 feffffff\n"), 50);
	fakehost_stop(&host);
}
END_TEST

/* A host that reads nothing: no call waits for long, what is lost is told. */
START_TEST(flood_against_a_deaf_host)
{
	struct fakehost *host = open_link(NULL, NULL);
	uint64_t start, longest = 0;
	size_t told;
	DHANDLE line;

	fakehost_pause(host, true);
	line = AddInCreateStatusLine("flood");
	for (int i = 0; i < 60000; i++) {
		start = clock_mono_ms();
		AddInLogMessageText("a line of the flood, of some length, number %d.", NOERROR, i);
		if (clock_mono_ms() - start > longest)
			longest = clock_mono_ms() - start;
	}
	AddInSetStatusLine(line, "the last text");
	ck_assert_uint_lt(longest, 1000);
	fakehost_pause(host, false);
	ck_assert(fakehost_wait(host, "were lost", PATIENCE));
	ck_assert(fakehost_wait(host, "the last text", PATIENCE));
	link_close(0);
	ck_assert(fakehost_wait(host, "goodbye", PATIENCE));
	told = fakehost_count(host, "a line of the flood");
	ck_assert_uint_lt(told, 60000);
	ck_assert_uint_gt(told, 1000);
	{
		char *record = fakehost_record(host);
		const char *p = strstr(record, " log lines and ");
		size_t lost = 0;

		for (p = record; (p = strstr(p, " log lines and ")) != NULL; p++) {
			const char *digits = p;

			while (digits > record && digits[-1] >= '0' && digits[-1] <= '9')
				digits--;
			lost += strtoul(digits, NULL, 10);
		}
		ck_assert_uint_eq(told + lost, 60000);
		free(record);
	}
	fakehost_stop(&host);
}
END_TEST

START_TEST(closing_against_a_deaf_host)
{
	struct fakehost *host = open_link(NULL, NULL);
	uint64_t start = clock_mono_ms();

	fakehost_pause(host, true);
	for (int i = 0; i < 20000; i++)
		AddInLogMessageText("line %d", NOERROR, i);
	link_close(0);
	ck_assert_uint_lt(clock_mono_ms() - start, 20000);
	fakehost_pause(host, false);
	fakehost_stop(&host);
}
END_TEST

START_TEST(status_lines)
{
	struct fakehost *host = open_link(NULL, NULL);
	DHANDLE first = AddInCreateStatusLine("First"), second;
	char *record;

	ck_assert(fakehost_wait(host, "status new 1 First\n", PATIENCE));
	AddInSetStatusLine(first, "%s %d", "text", 1);
	ck_assert(fakehost_wait(host, "status set 1 text 1\n", PATIENCE));
	AddInSetStatusLine(first, "text 1");     /* no change, no message */
	AddInSetStatusLine(first, "%s", "");
	ck_assert(fakehost_wait(host, "status set 1 \n", PATIENCE));
	second = AddInCreateStatusLine("Second");
	AddInSetStatusLine(second, "here");
	AddInDeleteStatusLine(first);
	AddInSetStatusLine(first, "gone");
	AddInDeleteStatusLine(first);
	AddInDeleteStatusLine(4711);
	AddInSetStatusLine(0, "none");
	ck_assert(fakehost_wait(host, "status delete 1\n", PATIENCE));
	ck_assert(fakehost_wait(host, "status set 2 here\n", PATIENCE));
	record = fakehost_record(host);
	ck_assert_uint_eq(fakehost_count(host, "text 1"), 1);
	ck_assert_ptr_null(strstr(record, "gone"));
	ck_assert_ptr_null(strstr(record, "none"));
	free(record);
	fakehost_stop(&host);
}
END_TEST

START_TEST(too_many_status_lines)
{
	struct fakehost *host = open_link(NULL, NULL);
	DHANDLE lines[OUTBOX_LINES_MAX];

	for (size_t i = 0; i < OUTBOX_LINES_MAX; i++) {
		lines[i] = AddInCreateStatusLine("a name longer than the sixty-three octets that are "
		                                 "kept of it, by some");
		ck_assert_uint_ne(lines[i], NULLHANDLE);
	}
	ck_assert_uint_eq(AddInCreateStatusLine("one more"), NULLHANDLE);
	ck_assert(fakehost_wait(host, "status new 128 ", PATIENCE));
	AddInDeleteStatusLine(lines[5]);
	ck_assert(fakehost_wait(host, "status delete 6\n", PATIENCE));
	ck_assert_uint_ne(AddInCreateStatusLine("again"), NULLHANDLE);
	fakehost_stop(&host);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("link");
	TCase *tcase = tcase_create("link");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, hello_and_goodbye);
	tcase_add_loop_test(tcase, hello_refused, 0, 3);
	tcase_add_test(tcase, replies_find_their_thread);
	tcase_add_test(tcase, host_goes);
	tcase_add_loop_test(tcase, garbage_from_the_host, 0, 5);
	tcase_add_test(tcase, reply_of_another_kind);
	tcase_add_test(tcase, quit_wakes_idle);
	tcase_add_test(tcase, sigterm_is_a_wish_to_end);
	tcase_add_test(tcase, logs_are_batched);
	tcase_add_test(tcase, order_is_kept_before_a_request);
	tcase_add_test(tcase, flood_against_a_deaf_host);
	tcase_add_test(tcase, closing_against_a_deaf_host);
	tcase_add_test(tcase, status_lines);
	tcase_add_test(tcase, too_many_status_lines);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

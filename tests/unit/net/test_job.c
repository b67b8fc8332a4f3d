/* Jobs: done, late, given up, waiting in turn; with all of them frozen the rest
 * is served as ever. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "addin/net/impl.h"
#include "tests/support/lines.h"
#include "tests/support/unit.h"

#define WORKERS 6       /* four tokens for store jobs */

static struct lines lines;

static void start(const struct net_options *wanted)
{
	struct net_options options = { .workers = WORKERS, .grace_ms = 2000 };

	lines_start(&lines, wanted != NULL ? wanted : &options);
}

static void stop(void)
{
	ck_assert_int_eq(lines_stop(&lines), NOERROR);
	ck_assert_uint_eq(lines_opened, lines_closed);
}

START_TEST(finished)
{
	int fd;

	start(NULL);
	fd = lines_connect(lines.port);
	lines_talk(fd, "STORE 0\n", "done");
	lines_talk(fd, "STORE 20\n", "done");
	lines_talk(fd, "HASH a\n", "done");
	lines_say(fd, "ECHO before\nSTORE 30\nECHO after\n");
	ck_assert_str_eq(lines_hear(fd), "before");     /* goes out before the job runs */
	ck_assert_str_eq(lines_hear(fd), "done");
	ck_assert_str_eq(lines_hear(fd), "after");
	close(fd);
	stop();
	ck_assert_uint_eq(lines_run, 4);
	ck_assert_uint_eq(lines_discarded, 0);
}
END_TEST

/* The deadline comes first: the protocol goes on, and the result, when it comes
 * after all, is released; also when the connection has long been another's. */
START_TEST(deadline_passed)
{
	uint64_t before;
	int fd, other;

	start(NULL);
	lines_freeze();
	fd = lines_connect(lines.port);
	before = lines_now_ms();
	lines_talk(fd, "FREEZE 100\n", "late");
	ck_assert_uint_ge(lines_now_ms() - before, 95);
	ck_assert_uint_lt(lines_now_ms() - before, 5000);
	lines_talk(fd, "ECHO goes on\n", "goes on");
	ck_assert_uint_eq(lines_discarded, 0);
	lines_talk(fd, "QUIT\n", "bye");
	ck_assert(lines_ended(fd, 5000));
	close(fd);
	other = lines_connect(lines.port);
	lines_say(other, "FREEZE 0\n");
	ck_assert(lines_wait(&lines_frozen, 2));
	lines_thaw();
	ck_assert_str_eq(lines_hear(other), "done");
	ck_assert(lines_wait(&lines_discarded, 1));
	ck_assert_uint_eq(lines_cancelled, 0);
	close(other);
	stop();
	ck_assert_uint_eq(lines_run, 2);
}
END_TEST

START_TEST(all_frozen)
{
	int fds[WORKERS + 4], fd, detaching;

	start(NULL);
	lines_freeze();
	for (int i = 0; i < WORKERS + 4; i++) {
		fds[i] = lines_connect(lines.port);
		/* the last two wait for a token until it is too late */
		lines_say(fds[i], i < WORKERS + 2 ? "FREEZE 0\n" : "FREEZE 150\n");
	}
	ck_assert(lines_wait(&lines_frozen, WORKERS - 2));
	for (int i = 0; i < 20; i++) {
		fd = lines_connect(lines.port);
		lines_talk(fd, "ECHO greeting and commands\n", "greeting and commands");
		lines_talk(fd, "NAP 5\n", "woke");
		lines_talk(fd, "HASH h\n", "done");
		lines_talk(fd, "QUIT\n", "bye");
		close(fd);
	}
	ck_assert_str_eq(lines_hear(fds[WORKERS + 2]), "late");
	ck_assert_str_eq(lines_hear(fds[WORKERS + 3]), "late");
	ck_assert_uint_eq(lines_cancelled, 2);
	detaching = lines_connect(lines.port);
	lines_talk(detaching, "DETACH\n", "detached");
	ck_assert_uint_eq(lines_run, 20);
	lines_thaw();
	for (int i = 0; i < WORKERS + 2; i++)
		ck_assert_str_eq(lines_hear(fds[i]), "done");
	ck_assert(lines_wait(&lines_run, 20 + WORKERS + 2 + 1));
	for (int i = 0; i < WORKERS + 4; i++)
		close(fds[i]);
	close(detaching);
	stop();
}
END_TEST

START_TEST(queue_full)
{
	const struct net_options options = { .workers = 4, .max_queue = 3, .grace_ms = 2000 };
	struct net_counters counters;
	int fds[8], full = 0, queued = 0;

	start(&options);
	lines_freeze();
	for (int i = 0; i < 2; i++) {
		fds[i] = lines_connect(lines.port);
		lines_say(fds[i], "FREEZE 0\n");
	}
	ck_assert(lines_wait(&lines_frozen, 2));
	for (int i = 2; i < 8; i++) {
		fds[i] = lines_connect(lines.port);
		lines_say(fds[i], "STORE 0\n");
		if (i >= 5)
			ck_assert_str_eq(lines_hear(fds[i]), "full");
		for (queued = 0; queued < i - 1 && queued < 3;) {
			net_counters(lines.net, &counters);
			queued = (int)counters.queue;
		}
	}
	lines_talk(fds[7], "STORE 0\n", "full");
	lines_talk(fds[7], "ECHO and on\n", "and on");
	lines_thaw();
	for (int i = 0; i < 5; i++)
		ck_assert_str_eq(lines_hear(fds[i]), "done");
	for (int i = 0; i < 8; i++)
		close(fds[i]);
	stop();
	ck_assert_int_eq(full, 0);
	ck_assert_uint_eq(lines_discarded, 0);
}
END_TEST

/* One address has many hashes waiting; two others, who come later, get theirs in
 * turn and not behind them. Half the cores hash at once, so some are stuck first. */
START_TEST(hashes_in_turn)
{
	long stuck = sysconf(_SC_NPROCESSORS_ONLN) / 2 > 0 ? sysconf(_SC_NPROCESSORS_ONLN) / 2 : 1;
	struct net_options options = { .workers = (unsigned)stuck + WORKERS, .max_connections = 2000,
		.grace_ms = 5000 };
	struct net_counters counters;
	int many[50], few[4], *holders = calloc((size_t)stuck, sizeof(*holders)), worst = 0;

	ck_assert_ptr_nonnull(holders);
	start(&options);
	lines_freeze();
	for (long i = 0; i < stuck; i++) {
		holders[i] = lines_connect(lines.port);
		lines_say(holders[i], "STUCK 0\n");
	}
	ck_assert(lines_wait(&lines_frozen, (unsigned)stuck));
	for (int i = 0; i < 50; i++) {
		many[i] = lines_dial("127.0.0.2", lines.port);
		ck_assert_str_eq(lines_hear(many[i]), "hello");
		lines_say(many[i], "HASH m\n");
	}
	do
		net_counters(lines.net, &counters);
	while (counters.queue < 50);
	for (int i = 0; i < 4; i++) {
		few[i] = lines_dial(i % 2 == 0 ? "127.0.0.3" : "127.0.0.4", lines.port);
		ck_assert_str_eq(lines_hear(few[i]), "hello");
		lines_say(few[i], "HASH f\n");
	}
	do
		net_counters(lines.net, &counters);
	while (counters.queue < 54);
	lines_thaw();
	for (int i = 0; i < 4; i++)
		ck_assert_str_eq(lines_hear(few[i]), "done");
	for (int i = 0; i < 50; i++)
		ck_assert_str_eq(lines_hear(many[i]), "done");
	worst = (int)(strrchr(lines_hashes, 'f') - lines_hashes);
	ck_assert_uint_eq(strlen(lines_hashes), 54);
	ck_assert_msg(worst < 6 + 4 * stuck, "order %s", lines_hashes);
	for (int i = 0; i < 50; i++)
		close(many[i]);
	for (int i = 0; i < 4; i++)
		close(few[i]);
	for (long i = 0; i < stuck; i++)
		close(holders[i]);
	free(holders);
	stop();
}
END_TEST

static uint64_t ids[64];
static unsigned id_count;

static void note_id(void *context, struct net_conn *conn, void *state)
{
	ids[id_count++] = net_conn_id(conn);
}

/* A connection is closed from outside while its job runs or waits. */
START_TEST(closed_with_job)
{
	int fds[WORKERS];

	start(NULL);
	lines_freeze();
	for (int i = 0; i < WORKERS; i++) {
		fds[i] = lines_connect(lines.port);
		lines_say(fds[i], "FREEZE 0\n");
	}
	ck_assert(lines_wait(&lines_frozen, WORKERS - 2));
	ck_assert(lines_wait(&lines.net->jobs.waiting, 2));
	net_each(lines.net, note_id, NULL);
	ck_assert_uint_eq(id_count, WORKERS);
	for (unsigned i = 0; i < id_count; i++)
		ck_assert_int_eq(net_close_conn(lines.net, ids[i], POSTIL_ERR_CANCEL), NOERROR);
	for (int i = 0; i < WORKERS; i++) {
		ck_assert(lines_ended(fds[i], 5000));
		close(fds[i]);
	}
	ck_assert(lines_wait(&lines_closed, WORKERS));
	ck_assert_uint_eq(lines_cancelled, 2);
	lines_thaw();
	ck_assert(lines_wait(&lines_discarded, WORKERS));
	ck_assert_int_eq(net_close_conn(lines.net, ids[0], POSTIL_ERR_CANCEL),
		POSTIL_ERR_NOT_FOUND);
	stop();
	ck_assert_uint_eq(lines_closed_why[POSTIL_ERR_CANCEL], WORKERS);
}
END_TEST

/* Deadlines and results that come at the same moment, many times: each job goes
 * one way only, and nobody waits for ever. */
START_TEST(race_of_deadline_and_result)
{
	enum { CLIENTS = 30, ROUNDS = 20 };
	unsigned done = 0, late = 0;
	int fds[CLIENTS];

	start(NULL);
	for (int i = 0; i < CLIENTS; i++)
		fds[i] = lines_connect(lines.port);
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < CLIENTS; i++)
			lines_say(fds[i], "RACE 2\n");
		for (int i = 0; i < CLIENTS; i++) {
			const char *heard = lines_hear(fds[i]);

			if (strcmp(heard, "done") == 0)
				done++;
			else if (strcmp(heard, "late") == 0)
				late++;
			else
				ck_abort_msg("heard %s", heard);
		}
	}
	for (int i = 0; i < CLIENTS; i++)
		close(fds[i]);
	stop();
	ck_assert_uint_eq(done + late, CLIENTS * ROUNDS);
	ck_assert_uint_eq(lines_discarded, late);
	ck_assert_uint_eq(lines_run + lines_cancelled, CLIENTS * ROUNDS);
}
END_TEST

/* Clients that go while a job is about to start: what they asked for is done,
 * or given up, and released in either case. */
START_TEST(gone_before_job)
{
	struct linger at_once = { .l_onoff = 1 };
	unsigned asked = 0;

	start(NULL);
	for (int i = 0; i < 200; i++) {
		int fd = lines_connect(lines.port);

		lines_say(fd, "NAP 1\nECHO x\nSTORE 0\n");
		asked++;
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
		close(fd);
	}
	ck_assert(lines_wait(&lines_closed, asked));
	stop();
	ck_assert_uint_gt(lines_run, 0);
}
END_TEST

START_TEST(detached)
{
	int fd;

	start(NULL);
	fd = lines_connect(lines.port);
	for (int i = 0; i < 100; i++)
		lines_talk(fd, "DETACH\n", "detached");
	ck_assert(lines_wait(&lines_run, 100));
	ck_assert(lines_wait(&lines_discarded, 100));
	close(fd);
	stop();
}
END_TEST

UNIT_MAIN("job", finished, deadline_passed, all_frozen, queue_full, hashes_in_turn, closed_with_job,
          race_of_deadline_and_result, gone_before_job, detached)

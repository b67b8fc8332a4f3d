/*
 * A process that delivers and deletes is killed at a random moment, many times
 * over. What it had been told is done must be there; a deletion that it had not
 * been told of must have happened for all its messages or for none.
 *
 * $NSF_CRASH_ROUNDS sets how often (default 30).
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/crypt.h"
#include "base/text.h"
#include "nsf/private.h"
#include "tests/support/unit.h"
#include "tests/unit/nsf/help.h"

#include "base/banned.h"

enum { GROUP = 3, MESSAGES_MAX = 100000, LIVE_MAX = 60 };

/* What the child tells through the pipe: it is about to do this, or it is done.
 * A record is written at once, being shorter than PIPE_BUF. */
struct note_of {
	enum { WILL_DELETE, DELIVERED, DELETED } what;
	unsigned count;
	uint64_t ids[GROUP];
};

/* What the parent believes of each id. */
enum fate { UNKNOWN, THERE, GOING, GONE };
static enum fate fates[MESSAGES_MAX];
static char *dir;
static char path[4096];

static uint64_t size_of(uint64_t id)
{
	return id % 11 == 0 ? 300000 + id % 7 : 50 + id * 37 % 9000;
}

/* --- the child ----------------------------------------------------------------------- */

static void tell(int fd, const struct note_of *note)
{
	if (write(fd, note, sizeof(*note)) != (ssize_t)sizeof(*note))
		_exit(3);
}

static void must(STATUS status)
{
	if (status != NOERROR)
		_exit(4);
}

static void work(int fd, uint64_t next, struct help_list *live)
{
	struct nsf *nsf = NULL;
	bool more;

	must(nsf_open(path, &nsf, NULL));
	for (;;) {
		struct note_of note = { DELIVERED, 1 + (unsigned)(next % GROUP), { 0 } };
		struct nsf_delivery d[GROUP];
		uint64_t seeds[GROUP];

		/* The seed is the id it will get, so that the parent can tell its octets. */
		for (unsigned i = 0; i < note.count; i++) {
			seeds[i] = next + i;
			d[i] = help_message(&seeds[i], size_of(seeds[i]));
		}
		must(nsf_deliver(nsf, d, note.count, note.ids, NULL, NULL));
		if (note.ids[0] != next)
			_exit(5);
		next += note.count;
		tell(fd, &note);
		if (live->count >= GROUP && next % 2 == 0) {
			note = (struct note_of){ WILL_DELETE, GROUP, { 0 } };
			for (unsigned i = 0; i < GROUP; i++)
				note.ids[i] = live->messages[--live->count].id;
			tell(fd, &note);
			must(nsf_delete(nsf, note.ids, GROUP, NULL));
			note.what = DELETED;
			tell(fd, &note);
		}
		if (next % 5 == 0)
			must(nsf_reclaim(nsf, &more));
	}
}

/* --- the parent ------------------------------------------------------------------------ */

static void take_note(const struct note_of *note)
{
	static const enum fate becomes[] = { GOING, THERE, GONE };

	ck_assert_uint_le(note->count, GROUP);
	for (unsigned i = 0; i < note->count; i++) {
		ck_assert_uint_lt(note->ids[i], MESSAGES_MAX);
		fates[note->ids[i]] = becomes[note->what];
	}
}

/* Read notes until the time has come, kill, then read what is left in the pipe. */
static void listen_and_kill(int fd, pid_t child, int after_ms)
{
	struct timespec now;
	struct note_of note;
	int64_t end;
	int status;

	clock_gettime(CLOCK_MONOTONIC, &now);
	end = now.tv_sec * 1000 + now.tv_nsec / 1000000 + after_ms;
	for (;;) {
		struct pollfd p = { fd, POLLIN, 0 };
		int64_t left;

		clock_gettime(CLOCK_MONOTONIC, &now);
		left = end - (now.tv_sec * 1000 + now.tv_nsec / 1000000);
		if (left <= 0)
			break;
		if (poll(&p, 1, (int)left) > 0) {
			if (read(fd, &note, sizeof(note)) != (ssize_t)sizeof(note))
				break;
			take_note(&note);
		}
	}
	kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(WIFSIGNALED(status), "the child ended by itself with %d", WEXITSTATUS(status));
	while (read(fd, &note, sizeof(note)) == (ssize_t)sizeof(note))
		take_note(&note);
}

static void assert_fates(struct nsf *nsf, const struct help_list *list)
{
	unsigned going_there = 0, going = 0;
	size_t at = 0;

	for (uint64_t id = 1; id < MESSAGES_MAX; id++) {
		bool there = at < list->count && list->messages[at].id == id;

		at += there;
		ck_assert_msg(fates[id] != THERE || there, "message %d is lost", (int)id);
		ck_assert_msg(fates[id] != GONE || !there, "message %d is back", (int)id);
		going += fates[id] == GOING;
		going_there += fates[id] == GOING && there;
		if (there)
			ck_assert(help_body_is(nsf, id, id, size_of(id)));
		fates[id] = there ? THERE : fates[id] == UNKNOWN ? UNKNOWN : GONE;
	}
	ck_assert_uint_eq(at, list->count);
	ck_assert_msg(going_there == 0 || going_there == going, "%u of %u were deleted",
	              going - going_there, going);
}

static void trim(struct nsf *nsf)
{
	struct help_list list;
	uint64_t ids[MESSAGES_MAX / 100];
	size_t n = 0;

	help_list(nsf, 0, &list);
	while (list.count - n > LIVE_MAX && n < sizeof(ids) / sizeof(ids[0])) {
		ids[n] = list.messages[n].id;
		fates[ids[n]] = GONE;
		n++;
	}
	help_delete(nsf, ids, n);
	help_list_release(&list);
}

static void one_round(uint64_t *random)
{
	uint64_t next = (uint64_t)help_sql_number(path, "SELECT next_id FROM store");
	struct help_list list;
	struct nsf *nsf = help_open(path);
	int fds[2];
	pid_t child;

	ck_assert_uint_lt(next, MESSAGES_MAX - 5000);
	trim(nsf);
	help_list(nsf, 0, &list);
	nsf_close(&nsf);        /* no database goes through fork() */
	ck_assert_int_eq(pipe(fds), 0);
	child = fork();
	if (child == 0) {
		close(fds[0]);
		work(fds[1], next, &list);
	}
	ck_assert_int_gt(child, 0);
	close(fds[1]);
	*random = *random * 6364136223846793005u + 1442695040888963407u;
	listen_and_kill(fds[0], child, 2 + (int)(*random >> 40) % 60);
	close(fds[0]);
	help_list_release(&list);
	nsf = help_open(path);
	help_list(nsf, 0, &list);
	assert_fates(nsf, &list);
	help_list_release(&list);
	nsf_close(&nsf);
	ck_assert(help_check(path));
}

START_TEST(test_killed_at_random_moments)
{
	const char *wish = getenv("NSF_CRASH_ROUNDS");
	uint64_t rounds = 30, random = 0, acknowledged = 0;
	struct nsf *nsf;

	if (wish != NULL)
		ck_assert(text_number(slice_of(wish), 1000000, &rounds));
	ck_assert_uint_eq(crypt_random(&random, sizeof(random)), NOERROR);
	dir = unit_tempdir();
	nsf = help_create(dir, path, sizeof(path));
	nsf_close(&nsf);
	for (uint64_t i = 0; i < rounds; i++)
		one_round(&random);
	for (size_t i = 0; i < MESSAGES_MAX; i++)
		acknowledged += fates[i] != UNKNOWN;
	printf("%d rounds, %d messages acknowledged\n", (int)rounds, (int)acknowledged);
	ck_assert_uint_gt(acknowledged, rounds);
	unit_tempdir_remove(&dir);
}
END_TEST

/* --- others have it open meanwhile ------------------------------------------------------ */

static void deliver_until_killed(void)
{
	struct nsf *nsf = NULL;

	must(nsf_open(path, &nsf, NULL));
	for (uint64_t seed = 1;; seed++) {
		struct nsf_delivery d = help_message(&seed, 500 + seed % 40 * 1000);

		must(nsf_deliver(nsf, &d, 1, NULL, NULL, NULL));
	}
}

/* Delivers, lists, deletes and reclaims on one handle until the pipe ends; the
 * exit status is 0 if no call ever failed. */
static void survive(int fd)
{
	struct pollfd stop = { fd, POLLIN, 0 };
	struct nsf *nsf = NULL;

	must(nsf_open(path, &nsf, NULL));
	for (uint64_t seed = 1; poll(&stop, 1, 0) == 0; seed++) {
		struct nsf_delivery d = help_message(&seed, 2000);
		struct help_list list;
		uint64_t id;
		bool more;

		must(nsf_deliver(nsf, &d, 1, &id, NULL, NULL));
		help_list(nsf, 0, &list);
		if (help_index(&list, id) < 0 || !help_body_is(nsf, id, seed, 2000))
			_exit(6);
		must(nsf_delete(nsf, &list.messages[0].id, 1, NULL));
		help_list_release(&list);
		must(nsf_reclaim(nsf, &more));
	}
	nsf_close(&nsf);
	_exit(0);
}

static pid_t start_survivor(int fds[2])
{
	pid_t child;

	ck_assert_int_eq(pipe(fds), 0);
	child = fork();
	if (child == 0) {
		close(fds[1]);
		survive(fds[0]);
	}
	ck_assert_int_gt(child, 0);
	close(fds[0]);
	return child;
}

START_TEST(test_killed_while_others_go_on)
{
	struct timespec pause = { 0, 0 };
	struct nsf *nsf;
	int fds[2], status;
	pid_t survivor;

	dir = unit_tempdir();
	nsf = help_create(dir, path, sizeof(path));
	nsf_close(&nsf);
	survivor = start_survivor(fds);
	for (int i = 0; i < 15; i++) {
		pid_t child = fork();

		if (child == 0) {
			close(fds[1]);
			deliver_until_killed();
		}
		ck_assert_int_gt(child, 0);
		pause.tv_nsec = 5000000 + i * 7919 % 40 * 1000000;
		nanosleep(&pause, NULL);
		kill(child, SIGKILL);
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		ck_assert(WIFSIGNALED(status));
	}
	close(fds[1]);
	ck_assert_int_eq(waitpid(survivor, &status, 0), survivor);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "survivor: %04x", status);
	ck_assert(help_check(path));
	unit_tempdir_remove(&dir);
}
END_TEST

UNIT_MAIN("nsf crash", test_killed_at_random_moments, test_killed_while_others_go_on)

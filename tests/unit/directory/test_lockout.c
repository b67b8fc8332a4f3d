/* Internet password lockout over a clock of the test's own: what counts, what locks, what
 * expires, what survives, what another process sees. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "directory/lockout.h"
#include "directory/locktable.h"
#include "tests/support/unit.h"

#define NOW INT64_C(1700000000000)
#define SECS(n) (INT64_C(1000) * (n))
#define ANN SLICE_LIT("CN=Ann Lee/O=Acme")
#define BOB SLICE_LIT("CN=Bob Ray/O=Acme")
#define HOST SLICE_LIT("192.0.2.7")

static char *dir;
static struct lockout *lockout;

static void begin(void)
{
	dir = unit_tempdir();
	ck_assert_int_eq(lockout_open(dir, &lockout, NULL), NOERROR);
}

static void end(void)
{
	lockout_close(&lockout);
	lockout_close(&lockout);
	unit_tempdir_remove(&dir);
}

static const struct lockout_rules three = { .enforce = true, .max_tries = 3 };

static bool fail_once(struct lockout *l, const struct lockout_rules *rules,
                      enum lockout_kind kind, struct slice name, int64_t now)
{
	bool locked = true;

	ck_assert_int_eq(lockout_failed(l, rules, kind, name, now, &locked), NOERROR);
	return locked;
}

static void lock(struct lockout *l, struct slice name, int64_t now)
{
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(fail_once(l, &three, LOCKOUT_PERSON, name, now), i == 2);
}

static bool is_locked(const struct lockout_rules *rules, struct slice name, int64_t now)
{
	return lockout_is_locked(lockout, rules, LOCKOUT_PERSON, name, now);
}

START_TEST(locks_at_the_last_try)
{
	begin();
	ck_assert(!is_locked(&three, ANN, NOW));
	ck_assert(!fail_once(lockout, &three, LOCKOUT_PERSON, ANN, NOW));
	ck_assert(!fail_once(lockout, &three, LOCKOUT_PERSON, ANN, NOW + 1));
	ck_assert(!is_locked(&three, ANN, NOW + 1));
	ck_assert(fail_once(lockout, &three, LOCKOUT_PERSON, ANN, NOW + 2));
	ck_assert(is_locked(&three, ANN, NOW + 2));
	ck_assert(!is_locked(&three, BOB, NOW + 2));
	end();
}
END_TEST

/* One person whatever the spelling; a person is no address of the same text. */
START_TEST(one_record_for_all_spellings)
{
	static const struct lockout_rules rules = { .enforce = true, .max_tries = 2,
		.count_against_address = true, .lock_address = true };

	begin();
	fail_once(lockout, &rules, LOCKOUT_PERSON, ANN, NOW);
	ck_assert(fail_once(lockout, &rules, LOCKOUT_PERSON, SLICE_LIT("ann  lee/ACME"), NOW));
	ck_assert(is_locked(&rules, SLICE_LIT("Ann Lee/Acme"), NOW));
	fail_once(lockout, &rules, LOCKOUT_PERSON, HOST, NOW);
	fail_once(lockout, &rules, LOCKOUT_PERSON, HOST, NOW);
	ck_assert(!lockout_is_locked(lockout, &rules, LOCKOUT_ADDRESS, HOST, NOW));
	end();
}
END_TEST

START_TEST(unlimited_and_not_enforced)
{
	static const struct lockout_rules unlimited = { .enforce = true, .max_tries = 0 };
	static const struct lockout_rules off = { .enforce = false, .max_tries = 1 };
	char path[4096];

	begin();
	for (int i = 0; i < 3; i++)
		ck_assert(!fail_once(lockout, &off, LOCKOUT_PERSON, ANN, NOW));
	snprintf(path, sizeof(path), "%s/inetlockout.nsf", dir);
	ck_assert_int_ne(access(path, F_OK), 0);
	for (int i = 0; i < 50; i++)
		ck_assert(!fail_once(lockout, &unlimited, LOCKOUT_PERSON, ANN, NOW));
	ck_assert(!is_locked(&unlimited, ANN, NOW));
	lock(lockout, BOB, NOW);
	ck_assert(!is_locked(&off, BOB, NOW));
	end();
}
END_TEST

static const struct {
	uint64_t expire_secs;
	int64_t after_ms;
	bool locked;
} expiries[] = {
	{ 600, SECS(599), true },
	{ 600, SECS(600) - 1, true },
	{ 600, SECS(600), false },
	{ 600, SECS(700), false },
	{ 600, -SECS(7200), true },             /* the clock was set back */
	{ 0, SECS(86400) * 365, true },         /* never by itself */
};

START_TEST(expires)
{
	for (size_t i = 0; i < sizeof(expiries) / sizeof(*expiries); i++) {
		struct lockout_rules rules = three;

		begin();
		rules.expire_secs = expiries[i].expire_secs;
		lock(lockout, ANN, NOW);
		ck_assert_int_eq(is_locked(&rules, ANN, NOW + expiries[i].after_ms), expiries[i].locked);
		end();
	}
}
END_TEST

/* An expired lock is lifted at the next attempt, which counts from one again. */
START_TEST(counts_anew_after_expiry)
{
	struct lockout_rules rules = three;
	int64_t later = NOW + SECS(600);

	begin();
	rules.expire_secs = 600;
	lock(lockout, ANN, NOW);
	ck_assert(!fail_once(lockout, &rules, LOCKOUT_PERSON, ANN, later));
	ck_assert(!fail_once(lockout, &rules, LOCKOUT_PERSON, ANN, later));
	ck_assert(fail_once(lockout, &rules, LOCKOUT_PERSON, ANN, later));
	lock(lockout, BOB, NOW);
	ck_assert_int_eq(lockout_succeeded(lockout, &rules, LOCKOUT_PERSON, BOB, later), NOERROR);
	ck_assert_int_eq(lockout_unlock(lockout, LOCKOUT_PERSON, BOB), POSTIL_ERR_NOT_FOUND);
	end();
}
END_TEST

static const struct {
	uint64_t clear_secs;
	int64_t after_ms;
	bool cleared;
} clears[] = {
	{ 0, 0, true },                 /* every success clears */
	{ 60, SECS(59), false },
	{ 60, SECS(60), true },
	{ 60, -SECS(60), false },
};

START_TEST(success_clears)
{
	for (size_t i = 0; i < sizeof(clears) / sizeof(*clears); i++) {
		struct lockout_rules rules = three;

		begin();
		rules.clear_secs = clears[i].clear_secs;
		fail_once(lockout, &rules, LOCKOUT_PERSON, ANN, NOW);
		fail_once(lockout, &rules, LOCKOUT_PERSON, ANN, NOW);
		ck_assert_int_eq(lockout_succeeded(lockout, &rules, LOCKOUT_PERSON, ANN,
		                                   NOW + clears[i].after_ms), NOERROR);
		ck_assert_int_eq(fail_once(lockout, &rules, LOCKOUT_PERSON, ANN, NOW + SECS(100)),
		                 !clears[i].cleared);
		end();
	}
}
END_TEST

/* A success cannot lift a lock that holds. */
START_TEST(success_does_not_unlock)
{
	begin();
	lock(lockout, ANN, NOW);
	ck_assert_int_eq(lockout_succeeded(lockout, &three, LOCKOUT_PERSON, ANN, NOW + 1), NOERROR);
	ck_assert(is_locked(&three, ANN, NOW + 1));
	end();
}
END_TEST

static const struct {
	bool lock_address, count_against;
	bool counted, locked;
} addresses[] = {
	{ false, false, false, false },
	{ false, true, true, false },
	{ true, false, true, true },
	{ true, true, true, true },
};

static STATUS count_record(void *context, const struct lockout_record *record)
{
	++*(int *)context;
	return NOERROR;
}

START_TEST(addresses_by_the_rules)
{
	for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
		struct lockout_rules rules = three;
		int records = 0;

		begin();
		rules.lock_address = addresses[i].lock_address;
		rules.count_against_address = addresses[i].count_against;
		for (int j = 0; j < 3; j++)
			fail_once(lockout, &rules, LOCKOUT_ADDRESS, HOST, NOW);
		ck_assert_int_eq(lockout_each(lockout, &rules, NOW, count_record, &records), NOERROR);
		ck_assert_int_eq(records, addresses[i].counted);
		ck_assert_int_eq(lockout_is_locked(lockout, &rules, LOCKOUT_ADDRESS, HOST, NOW),
		                 addresses[i].locked);
		end();
	}
}
END_TEST

START_TEST(survives_a_restart)
{
	begin();
	lock(lockout, ANN, NOW);
	fail_once(lockout, &three, LOCKOUT_PERSON, BOB, NOW);
	lockout_close(&lockout);
	ck_assert_int_eq(lockout_open(dir, &lockout, NULL), NOERROR);
	ck_assert(is_locked(&three, ANN, NOW));
	fail_once(lockout, &three, LOCKOUT_PERSON, BOB, NOW);
	ck_assert(fail_once(lockout, &three, LOCKOUT_PERSON, BOB, NOW));
	end();
}
END_TEST

/* A process that is killed right behind the call loses no failure. */
START_TEST(survives_kill)
{
	pid_t pid;
	int state;

	begin();
	for (int i = 0; i < 3; i++) {
		pid = fork();
		ck_assert_int_ge(pid, 0);
		if (pid == 0) {
			struct lockout *own;
			bool locked;

			if (lockout_open(dir, &own, NULL) != NOERROR ||
			    lockout_failed(own, &three, LOCKOUT_PERSON, ANN, NOW, &locked) != NOERROR)
				_exit(1);
			kill(getpid(), SIGKILL);
		}
		ck_assert_int_eq(waitpid(pid, &state, 0), pid);
		ck_assert(WIFSIGNALED(state));
	}
	ck_assert(is_locked(&three, ANN, NOW));
	end();
}
END_TEST

/* Two handles stand for two processes: each sees at once what the other does. */
START_TEST(two_processes)
{
	struct lockout *other;

	begin();
	ck_assert_int_eq(lockout_open(dir, &other, NULL), NOERROR);
	fail_once(lockout, &three, LOCKOUT_PERSON, ANN, NOW);
	fail_once(other, &three, LOCKOUT_PERSON, ANN, NOW);
	ck_assert(fail_once(lockout, &three, LOCKOUT_PERSON, ANN, NOW));
	ck_assert(lockout_is_locked(other, &three, LOCKOUT_PERSON, ANN, NOW));
	ck_assert_int_eq(lockout_unlock(other, LOCKOUT_PERSON, ANN), NOERROR);
	ck_assert(!is_locked(&three, ANN, NOW));
	ck_assert_int_eq(lockout_unlock(other, LOCKOUT_PERSON, ANN), POSTIL_ERR_NOT_FOUND);
	lockout_close(&other);
	end();
}
END_TEST

START_TEST(unlock_needs_no_file)
{
	begin();
	ck_assert_int_eq(lockout_unlock(lockout, LOCKOUT_PERSON, ANN), POSTIL_ERR_NOT_FOUND);
	ck_assert_int_eq(lockout_unlock(lockout, LOCKOUT_PERSON, SLICE_LIT("")), POSTIL_ERR_INVALID);
	end();
}
END_TEST

/* An administrator removes the file: that unlocks everybody, and it is made again. */
START_TEST(file_removed_meanwhile)
{
	static const char *const endings[] = { "", "-wal", "-shm", "-lock" };
	char path[4096];

	begin();
	lock(lockout, ANN, NOW);
	ck_assert(is_locked(&three, ANN, NOW));
	for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++) {
		snprintf(path, sizeof(path), "%s/inetlockout.nsf%s", dir, endings[i]);
		unlink(path);
	}
	ck_assert(!is_locked(&three, ANN, NOW));
	lock(lockout, ANN, NOW);
	ck_assert(is_locked(&three, ANN, NOW));
	end();
}
END_TEST

static void write_garbage(const char *name)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "we");
	ck_assert_ptr_nonnull(file);
	for (int i = 0; i < 5000; i++)
		fputc('A' + i % 26, file);
	ck_assert_int_eq(fclose(file), 0);
}

/* Told once, kept beside, and counting goes on. */
START_TEST(damaged_file_is_set_aside)
{
	struct fault fault;
	char path[4096];

	begin();
	write_garbage("inetlockout.nsf");
	write_garbage("inetlockout.nsf-wal");
	ck_assert(!is_locked(&three, ANN, NOW));
	lock(lockout, ANN, NOW);
	ck_assert(is_locked(&three, ANN, NOW));
	ck_assert(lockout_trouble(lockout, &fault));
	ck_assert_ptr_nonnull(strstr(fault.text, "inetlockout.nsf.damaged-1"));
	ck_assert(!lockout_trouble(lockout, &fault));
	snprintf(path, sizeof(path), "%s/inetlockout.nsf.damaged-1", dir);
	ck_assert_int_eq(access(path, F_OK), 0);
	snprintf(path, sizeof(path), "%s/inetlockout.nsf.damaged-1-wal", dir);
	ck_assert_int_eq(access(path, F_OK), 0);
	lockout_close(&lockout);
	ck_assert_int_eq(lockout_open(dir, &lockout, NULL), NOERROR);
	ck_assert(is_locked(&three, ANN, NOW));
	end();
}
END_TEST

/* What cannot be written still counts in this process. */
#define FINDERS 8

/* All find the damage at once; the first makes the file anew, the others must count in it. */
static void find_damage(int ready, int n)
{
	char name[] = "CN=Ann 0/O=Acme", octet;
	struct lockout *own = NULL;
	bool locked;
	int bad;

	name[7] = (char)('0' + n);
	bad = lockout_open(dir, &own, NULL) != NOERROR;
	if (read(ready, &octet, 1) != 0)
		bad = 1;
	for (int i = 0; i < 3; i++)
		bad |= lockout_failed(own, &three, LOCKOUT_PERSON, slice_of(name), NOW, &locked) != NOERROR;
	lockout_close(&own);
	_exit(bad);
}

START_TEST(damage_found_by_many_processes)
{
	char name[] = "CN=Ann 0/O=Acme", path[4096];
	int ready[2], status, bad = 0;
	pid_t pids[FINDERS];

	begin();
	for (int round = 0; round < 5; round++) {
		lockout_close(&lockout);
		write_garbage("inetlockout.nsf");
		ck_assert_int_eq(pipe(ready), 0);
		for (int i = 0; i < FINDERS; i++) {
			pids[i] = fork();
			if (pids[i] == 0) {
				close(ready[1]);
				find_damage(ready[0], i);
			}
		}
		close(ready[0]);
		close(ready[1]);
		for (int i = 0; i < FINDERS; i++) {
			waitpid(pids[i], &status, 0);
			bad += status != 0;
		}
		ck_assert_int_eq(lockout_open(dir, &lockout, NULL), NOERROR);
		for (int i = 0; i < FINDERS; i++) {
			name[7] = (char)('0' + i);
			ck_assert_msg(is_locked(&three, slice_of(name), NOW), "round %d: %s", round, name);
		}
		snprintf(path, sizeof(path), "%s/inetlockout.nsf.damaged-%d", dir, round + 2);
		ck_assert_int_ne(access(path, F_OK), 0);
		ck_assert_int_eq(bad, 0);
	}
	end();
}
END_TEST

START_TEST(unwritable_directory)
{
	struct fault fault;
	bool locked = false;
	char *gone;

	begin();
	gone = dir;
	dir = unit_tempdir();
	unit_tempdir_remove(&gone);
	for (int i = 0; i < 3; i++)
		ck_assert_int_ne(lockout_failed(lockout, &three, LOCKOUT_PERSON, ANN, NOW, &locked),
		                 NOERROR);
	ck_assert(locked);
	ck_assert(is_locked(&three, ANN, NOW));
	ck_assert(lockout_trouble(lockout, &fault));
	end();
}
END_TEST

START_TEST(listing)
{
	struct lockout_rules rules = three;
	int records = 0;

	begin();
	rules.expire_secs = 600;
	lock(lockout, ANN, NOW);
	fail_once(lockout, &rules, LOCKOUT_PERSON, BOB, NOW);
	ck_assert_int_eq(lockout_each(lockout, &rules, NOW, count_record, &records), NOERROR);
	ck_assert_int_eq(records, 2);
	records = 0;
	ck_assert_int_eq(lockout_each(lockout, &rules, NOW + SECS(600), count_record, &records),
	                 NOERROR);
	ck_assert_int_eq(records, 1);
	end();
}
END_TEST

START_TEST(oldest_gives_way)
{
	struct locktable table = { .tree = NULL };
	struct locked *a, *b, *c;

	a = locktable_add(&table, LOCKOUT_PERSON, SLICE_LIT("a"), SLICE_LIT("A"));
	b = locktable_add(&table, LOCKOUT_PERSON, SLICE_LIT("b"), SLICE_LIT("B"));
	c = locktable_add(&table, LOCKOUT_ADDRESS, SLICE_LIT("c"), SLICE_LIT("C"));
	a->last_ms = 1;
	a->locked_ms = 1;
	b->last_ms = 2;
	ck_assert_ptr_eq(locktable_oldest(&table, LOCKOUT_PERSON), b);
	ck_assert_ptr_eq(locktable_oldest(&table, LOCKOUT_ADDRESS), c);
	b->locked_ms = 2;
	ck_assert_ptr_eq(locktable_oldest(&table, LOCKOUT_PERSON), a);
	ck_assert_ptr_eq(locktable_find(&table, LOCKOUT_PERSON, SLICE_LIT("b")), b);
	ck_assert_ptr_null(locktable_find(&table, LOCKOUT_ADDRESS, SLICE_LIT("b")));
	locktable_release(&table);
}
END_TEST

enum { THREADS = 8, TRIES = 25 };

static void *fail_often(void *context)
{
	static const struct lockout_rules rules = { .enforce = true, .max_tries = 0 };

	for (int i = 0; i < TRIES; i++)
		fail_once(lockout, &rules, LOCKOUT_PERSON, ANN, NOW);
	return NULL;
}

static STATUS see_failures(void *context, const struct lockout_record *record)
{
	*(uint32_t *)context = record->failures;
	return NOERROR;
}

START_TEST(all_threads_count)
{
	pthread_t threads[THREADS];
	uint32_t failures = 0;

	begin();
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, fail_often, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_int_eq(lockout_each(lockout, &three, NOW, see_failures, &failures), NOERROR);
	ck_assert_uint_eq(failures, THREADS * TRIES);
	end();
}
END_TEST

UNIT_MAIN("lockout", locks_at_the_last_try, one_record_for_all_spellings,
          unlimited_and_not_enforced, expires, counts_anew_after_expiry, success_clears,
          success_does_not_unlock, addresses_by_the_rules, survives_a_restart, survives_kill,
          two_processes, unlock_needs_no_file, file_removed_meanwhile,
          damaged_file_is_set_aside,
          damage_found_by_many_processes, unwritable_directory, listing, oldest_gives_way,
          all_threads_count)

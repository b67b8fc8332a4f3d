/*
 * Several processes and threads on one file: nobody is told that it is busy,
 * nothing is lost, and a reader that stalls does not keep the log growing.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nsf/private.h"
#include "tests/support/unit.h"
#include "tests/unit/nsf/help.h"

#include "base/banned.h"

enum { WRITERS = 4, READERS = 2, EACH = 60 };

static char *dir;
static char path[4096];

static STATUS write_some(uint64_t first)
{
	struct nsf *nsf = NULL;
	STATUS status = nsf_open(path, &nsf, NULL);

	for (uint64_t i = 0; status == NOERROR && i < EACH; i++) {
		uint64_t seed = first + i;
		struct nsf_delivery d = help_message(&seed, 1000 + seed % 50 * 100);
		char uidl[30];

		snprintf(uidl, sizeof(uidl), "%d", (int)seed);
		d.uidl = slice_of(uidl);
		status = nsf_deliver(nsf, &d, 1, NULL, NULL, NULL);
	}
	nsf_close(&nsf);
	return status;
}

struct first_message {
	uint64_t id;
	size_t count;
};

static STATUS keep_first(void *context, const struct nsf_message *message)
{
	struct first_message *first = context;

	if (first->count++ == 0)
		first->id = message->id;
	return NOERROR;
}

/* As sessions do: open, list, read, delete one, close. *deleted_r counts. */
static STATUS read_some(unsigned *deleted_r)
{
	STATUS status = NOERROR;

	*deleted_r = 0;
	for (int i = 0; status == NOERROR && i < EACH / 2; i++) {
		struct first_message first = { 0, 0 };
		struct nsf *nsf = NULL;
		char octets[2000];
		size_t got;
		bool more;

		status = nsf_open(path, &nsf, NULL);
		if (status == NOERROR)
			status = nsf_inbox_list(nsf, 0, true, keep_first, &first);
		if (status == NOERROR && first.count > 10) {
			status = nsf_body_read(nsf, first.id, 0, octets, sizeof(octets), &got);
			if (status == POSTIL_ERR_DELETED)       /* by the other reader */
				status = NOERROR;
			if (status == NOERROR)
				status = nsf_delete(nsf, &first.id, 1, NULL);
		}
		if (status == NOERROR)
			status = nsf_reclaim(nsf, &more);
		nsf_close(&nsf);
	}
	return status;
}

static void assert_all_is_accounted_for(uint64_t delivered)
{
	struct nsf *nsf = help_open(path);
	struct help_list list;

	help_list(nsf, 0, &list);
	for (size_t i = 0; i < list.count; i++) {
		uint64_t seed = strtoull(list.uidls[i], NULL, 10);

		ck_assert(help_body_is(nsf, list.messages[i].id, seed, 1000 + seed % 50 * 100));
	}
	ck_assert_uint_ge(list.count, 10);
	help_reclaim(nsf);
	/* Each UIDL ever used is kept: all deliveries have happened. */
	ck_assert_int_eq(help_sql_number(path, "SELECT count(*) FROM uidl"), (int64_t)delivered);
	ck_assert_int_eq(help_sql_number(path, "SELECT count(*) FROM stub"),
	                 (int64_t)(delivered - list.count));
	help_list_release(&list);
	nsf_close(&nsf);
	ck_assert(help_check(path));
}

START_TEST(test_processes)
{
	struct nsf *nsf;
	pid_t children[WRITERS + READERS];

	dir = unit_tempdir();
	nsf = help_create(dir, path, sizeof(path));
	nsf_close(&nsf);
	for (int i = 0; i < WRITERS + READERS; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			unsigned deleted;
			STATUS status = i < WRITERS ? write_some((uint64_t)(i + 1) * 1000)
				: read_some(&deleted);

			if (status != NOERROR)
				fprintf(stderr, "process %d: %s\n", i, status_text(status));
			_exit(status != NOERROR);
		}
		ck_assert_int_gt(children[i], 0);
	}
	for (int i = 0; i < WRITERS + READERS; i++) {
		int status;

		ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
		ck_assert_int_eq(status, 0);
	}
	assert_all_is_accounted_for((uint64_t)WRITERS * EACH);
	unit_tempdir_remove(&dir);
}
END_TEST

static void *write_thread(void *argument)
{
	return (void *)(uintptr_t)write_some(*(const uint64_t *)argument);
}

static void *read_thread(void *argument)
{
	unsigned deleted;

	(void)argument;
	return (void *)(uintptr_t)read_some(&deleted);
}

START_TEST(test_threads)
{
	pthread_t threads[WRITERS + READERS];
	uint64_t firsts[WRITERS];
	struct nsf *nsf;

	dir = unit_tempdir();
	nsf = help_create(dir, path, sizeof(path));
	for (int i = 0; i < WRITERS + READERS; i++) {
		if (i < WRITERS)
			firsts[i] = (uint64_t)(i + 1) * 1000;
		ck_assert_int_eq(pthread_create(&threads[i], NULL, i < WRITERS ? write_thread : read_thread,
		                                i < WRITERS ? &firsts[i] : NULL), 0);
	}
	for (int i = 0; i < WRITERS + READERS; i++) {
		void *status;

		ck_assert_int_eq(pthread_join(threads[i], &status), 0);
		ck_assert_uint_eq((uintptr_t)status, NOERROR);
	}
	nsf_close(&nsf);
	assert_all_is_accounted_for((uint64_t)WRITERS * EACH);
	unit_tempdir_remove(&dir);
}
END_TEST

/* A handle that another thread opened is used here, and the other way round. */
static void *use_handle(void *argument)
{
	struct nsf *nsf = argument;

	help_deliver(nsf, 1, 100, NULL);
	return NULL;
}

START_TEST(test_handle_is_not_bound_to_a_thread)
{
	pthread_t thread;
	struct nsf *nsf;
	uint64_t n, octets;

	dir = unit_tempdir();
	nsf = help_create(dir, path, sizeof(path));
	help_deliver(nsf, 1, 100, NULL);
	ck_assert_int_eq(pthread_create(&thread, NULL, use_handle, nsf), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	ck_assert_uint_eq(nsf_inbox_stat(nsf, &n, &octets), NOERROR);
	ck_assert_uint_eq(n, 2);
	nsf_close(&nsf);
	unit_tempdir_remove(&dir);
}
END_TEST

START_TEST(test_stalled_reader_does_not_grow_the_log)
{
	struct nsf *reader, *writer;
	char *part = malloc(4096), wal[5000];
	uint64_t id;
	size_t got;
	struct stat st;

	dir = unit_tempdir();
	writer = help_create(dir, path, sizeof(path));
	id = help_deliver(writer, 7, 10000000, NULL);
	reader = help_open(path);
	ck_assert_uint_eq(nsf_body_read(reader, id, 5000000, part, 4096, &got), NOERROR);
	for (uint64_t i = 0; i < 1000; i++)
		help_deliver(writer, i, 20000, NULL);
	snprintf(wal, sizeof(wal), "%s-wal", path);
	ck_assert_int_eq(stat(wal, &st), 0);
	ck_assert_int_lt(st.st_size, 2 * NSF_WAL_OCTETS);
	ck_assert(help_body_is(reader, id, 7, 10000000));
	nsf_close(&reader);
	nsf_close(&writer);
	free(part);
	unit_tempdir_remove(&dir);
}
END_TEST

/* Nobody reclaims; each writer comes for one message while others are there. */
START_TEST(test_passing_writers_do_not_grow_the_log)
{
	struct nsf *keeper, *writer;
	char wal[5000];
	struct stat st;

	dir = unit_tempdir();
	keeper = help_create(dir, path, sizeof(path));
	snprintf(wal, sizeof(wal), "%s-wal", path);
	for (uint64_t i = 0; i < 300; i++) {
		writer = help_open(path);
		help_deliver(writer, i, 40000, NULL);
		if (i % 10 == 0)
			help_deliver(keeper, i, 40000, NULL);
		nsf_close(&writer);
		ck_assert_int_eq(stat(wal, &st), 0);
		ck_assert_int_lt(st.st_size, 2 * NSF_WAL_OCTETS);
	}
	nsf_close(&keeper);
	ck_assert_int_eq(stat(wal, &st), 0);
	ck_assert_int_eq(st.st_size, 0);        /* all is in the file, for those who copy it */
	ck_assert(help_check(path));
	unit_tempdir_remove(&dir);
}
END_TEST

/* What a transaction wrote to the log before it was undone must never get there
 * over what others have committed meanwhile. */
static void undo_many(struct nsf *nsf, size_t count)
{
	static char value[65536];
	char name[32];

	ck_assert_uint_eq(nsf_begin(nsf, NULL), NOERROR);
	for (size_t i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "p%zu", i);
		memset(value, 'A' + (int)i % 26, sizeof(value));
		ck_assert_uint_eq(nsf_property_set(nsf, name, (struct slice){ value, sizeof(value) }),
		                  NOERROR);
	}
	nsf_rollback(nsf);
}

START_TEST(test_undone_frames_stay_away)
{
	dir = unit_tempdir();
	for (size_t count = 14; count < 26; count++) {
		struct nsf *undone = help_create(dir, path, sizeof(path)), *other;
		uint64_t first, id[20];

		first = help_deliver(undone, 1, 30000, NULL);
		nsf_close(&undone);     /* the log is empty now */
		undone = help_open(path);
		other = help_open(path);
		undo_many(undone, count);
		for (uint64_t i = 0; i < 20; i++)
			id[i] = help_deliver(other, i, 20000, NULL);
		for (uint64_t i = 0; i < 20; i++)
			ck_assert_msg(help_body_is(undone, id[i], i, 20000), "%zu: message %d", count,
			              (int)i);
		ck_assert(help_body_is(undone, first, 1, 30000));
		undo_many(undone, count);
		help_deliver(other, 7, 20000, NULL);
		nsf_close(&undone);
		nsf_close(&other);
		ck_assert_msg(help_check(path), "%zu", count);
		ck_assert_uint_eq(nsf_remove(path, NULL), NOERROR);
	}
	unit_tempdir_remove(&dir);
}
END_TEST

UNIT_MAIN("nsf many", test_processes, test_threads, test_handle_is_not_bound_to_a_thread,
	test_stalled_reader_does_not_grow_the_log, test_passing_writers_do_not_grow_the_log,
	test_undone_frames_stay_away)

/* Mailboxes without a network: their jobs are run by hand. What is read ahead,
 * what is kept, what a failing store leaves; and the registry behind them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addin/pop3/mailbox.h"
#include "tests/support/stores.h"
#include "tests/support/unit.h"

#define PATH "mail/a.nsf"

static struct task task;
static struct settings settings;
static unsigned logged;

static void log_line(void *context, const char *text)
{
	logged++;
}

static void setup(void)
{
	struct mail_store *memory;

	ck_assert_int_eq(store_memory_new(&memory), NOERROR);
	ck_assert_int_eq(store_fault_new(memory, &task.store), NOERROR);
	ck_assert_int_eq(registry_new(&task.registry), NOERROR);
	task.log = log_line;
	settings.read_all = 1;
	settings.store_timeout_secs = 1;
	logged = 0;
}

static void teardown(void)
{
	task.store->calls->free(&task.store);
	registry_free(&task.registry);
}

static void put(size_t size)
{
	char *text = malloc(size);

	memset(text, 'x', size);
	memcpy(text, "\r\n", 2);
	memcpy(text + size - 2, "\r\n", 2);
	ck_assert_int_eq(store_put(task.store, PATH, text, size, NULL), NOERROR);
	free(text);
}

static STATUS try_open(struct mailbox **mailbox_r)
{
	struct registry_entry *entry;
	STATUS status;

	ck_assert_int_eq(registry_add(task.registry, SLICE_LIT("CN=A"), PATH, "127.0.0.1", 7, 2,
	                              &entry), NOERROR);
	status = mailbox_open(&task, &settings, NULL, false, &entry, mailbox_r);
	ck_assert_int_eq(entry == NULL, status == NOERROR);
	registry_remove(task.registry, &entry);
	return status;
}

/* As a session does it: from memory, or by a job. */
static STATUS take(struct mailbox *m, uint32_t number, uint64_t offset, size_t size,
                   struct slice *data_r)
{
	struct net_job job;
	STATUS status;

	if (mailbox_has(m, number, offset, size, data_r))
		return NOERROR;
	mailbox_read_job(m, number, offset, size, &job);
	ck_assert_int_eq(job.class, NET_JOB_STORE);
	status = job.run(job.context);
	if (status == NOERROR)
		ck_assert(mailbox_has(m, number, offset, size, data_r));
	return status;
}

static unsigned reads(void)
{
	return store_fault_count(task.store, STORE_READ);
}

/* One message alone is read alone; from the second in order on, those behind too. */
START_TEST(reads_ahead_in_order)
{
	struct mailbox *m;
	struct slice data;

	for (int i = 0; i < 20; i++)
		put(1000);
	ck_assert_int_eq(try_open(&m), NOERROR);
	ck_assert_int_eq(take(m, 1, 0, 1000, &data), NOERROR);
	ck_assert_uint_eq(reads(), 1);
	mailbox_trim(m);
	ck_assert_int_eq(take(m, 2, 0, 1000, &data), NOERROR);
	ck_assert_uint_eq(reads(), 20);
	for (uint32_t number = 3; number <= 20; number++) {
		mailbox_trim(m);
		ck_assert(mailbox_has(m, number, 0, 1000, &data));
		ck_assert_uint_eq(data.n, 1000);
		ck_assert_int_eq(memcmp(data.p, "\r\nx", 3), 0);
	}
	mailbox_trim(m);
	ck_assert(!mailbox_has(m, 20, 0, 1000, &data));
	ck_assert_int_eq(take(m, 5, 10, 20, &data), NOERROR);
	ck_assert_uint_eq(data.n, 20);
	ck_assert_uint_eq(reads(), 21);
	mailbox_close(&m);
}
END_TEST

START_TEST(long_messages_in_pieces)
{
	struct mailbox *m;
	struct slice data;
	uint64_t offset = 0;

	put(1000000);
	put(70000);
	ck_assert_int_eq(try_open(&m), NOERROR);
	while (offset < 1000000) {
		size_t want = 1000000 - offset < NET_PIECE ? (size_t)(1000000 - offset) : NET_PIECE;

		mailbox_trim(m);
		ck_assert_int_eq(take(m, 1, offset, want, &data), NOERROR);
		ck_assert_uint_gt(data.n, 0);
		offset += data.n;
	}
	ck_assert_uint_eq(offset, 1000000);
	ck_assert_uint_le(reads(), 4);
	mailbox_close(&m);
}
END_TEST

START_TEST(read_fails)
{
	struct mailbox *m;
	struct slice data;

	put(100);
	put(100);
	put(100);
	ck_assert_int_eq(try_open(&m), NOERROR);
	store_fault_fail(task.store, STORE_READ, 1, POSTIL_ERR_IO, false);
	ck_assert_int_eq(take(m, 1, 0, 100, &data), POSTIL_ERR_IO);
	ck_assert_uint_eq(logged, 1);
	ck_assert(!mailbox_has(m, 1, 0, 100, &data));
	/* One that was read ahead in vain fails only when it is asked for. */
	ck_assert_int_eq(take(m, 1, 0, 100, &data), NOERROR);
	store_fault_fail(task.store, STORE_READ, 2, POSTIL_ERR_IO, false);
	ck_assert_int_eq(take(m, 2, 0, 100, &data), NOERROR);
	ck_assert(!mailbox_has(m, 3, 0, 100, &data));
	ck_assert_int_eq(take(m, 3, 0, 100, &data), NOERROR);
	mailbox_close(&m);
}
END_TEST

/* A job that never ran leaves nothing behind that looks like data. */
START_TEST(job_never_ran)
{
	struct mailbox *m;
	struct slice data;
	struct net_job job;

	put(100);
	put(100);
	put(100);
	ck_assert_int_eq(try_open(&m), NOERROR);
	ck_assert_int_eq(take(m, 1, 0, 100, &data), NOERROR);
	mailbox_read_job(m, 2, 0, 100, &job);
	ck_assert(!mailbox_has(m, 2, 0, 100, &data));
	ck_assert(!mailbox_has(m, 3, 0, 100, &data));
	mailbox_trim(m);
	job.discard(job.context, POSTIL_ERR_CANCEL);
	ck_assert_int_eq(try_open(&m), NOERROR);        /* it is free again */
	mailbox_close(&m);
}
END_TEST

START_TEST(commit_lets_go)
{
	static const uint32_t deleted[] = { 1, 3 };
	static const STATUS statuses[] = { NOERROR, POSTIL_ERR_DISK_FULL };
	struct mailbox *m, *again;
	struct mailbox_commit *commit;
	struct net_job job;
	uint32_t count;
	uint64_t octets;

	put(100);
	put(200);
	put(300);
	ck_assert_int_eq(try_open(&m), NOERROR);
	ck_assert_int_eq(try_open(&again), POSTIL_ERR_IN_USE);
	if (statuses[_i] != NOERROR)
		store_fault_fail(task.store, STORE_COMMIT, 1, statuses[_i], false);
	ck_assert_int_eq(mailbox_commit_job(m, deleted, 2, NULL, 0, &commit, &job), NOERROR);
	/* Without an engine nothing can be reclaimed afterwards. */
	const struct maildrop_store_calls *calls = task.store->calls;
	struct maildrop_store_calls without = *calls;

	without.reclaim = NULL;
	task.store->calls = &without;
	ck_assert_int_eq(job.run(job.context), statuses[_i]);
	task.store->calls = calls;
	ck_assert(!mailbox_commit_give_up(commit));
	mailbox_commit_release(&commit);
	ck_assert_int_eq(try_open(&again), NOERROR);
	mailbox_stat(again, &count, &octets);
	ck_assert_uint_eq(count, statuses[_i] == NOERROR ? 1 : 3);
	mailbox_close(&again);
	mailbox_close(&m);
}
END_TEST

/* Given up before it began: then it does not begin. */
START_TEST(commit_given_up)
{
	static const uint32_t deleted[] = { 1 };
	struct mailbox *m;
	struct mailbox_commit *commit;
	struct net_job job;

	put(100);
	ck_assert_int_eq(try_open(&m), NOERROR);
	ck_assert_int_eq(mailbox_commit_job(m, deleted, 1, NULL, 0, &commit, &job), NOERROR);
	ck_assert(mailbox_commit_give_up(commit));
	mailbox_commit_release(&commit);
	ck_assert_int_eq(job.run(job.context), POSTIL_ERR_CANCEL);
	ck_assert_uint_eq(store_fault_count(task.store, STORE_COMMIT), 0);
	job.discard(job.context, POSTIL_ERR_CANCEL);
	ck_assert_int_eq(try_open(&m), NOERROR);
	mailbox_close(&m);
}
END_TEST

/* --- the registry ------------------------------------------------------------------- */

START_TEST(registry_counts_and_finds)
{
	struct registry *r = task.registry;
	struct registry_entry *a, *b, *c = NULL;
	uint64_t holder = 0;

	ck_assert_int_eq(registry_add(r, SLICE_LIT("CN=A"), "mail/a.nsf", "10.0.0.1", 1, 2, &a), NOERROR);
	ck_assert_int_eq(registry_add(r, SLICE_LIT("CN=A"), "mail/a.nsf", "10.0.0.2", 2, 2, &b), NOERROR);
	ck_assert_int_eq(registry_add(r, SLICE_LIT("CN=A"), "mail/a.nsf", "10.0.0.1", 3, 2, &c),
	                 POSTIL_ERR_LIMIT);
	ck_assert_int_eq(registry_add(r, SLICE_LIT("CN=B"), "mail/b.nsf", "10.0.0.1", 4, 2, &c), NOERROR);
	ck_assert(!registry_holder(r, "mail/a.nsf", "10.0.0.1", &holder));      /* not open yet */
	registry_open(r, a, 5);
	ck_assert(registry_holder(r, "mail/a.nsf", "10.0.0.1", &holder));
	ck_assert_uint_eq(holder, 1);
	ck_assert(!registry_holder(r, "mail/a.nsf", "10.0.0.2", &holder));
	registry_remove(r, &a);
	ck_assert_ptr_null(a);
	ck_assert(!registry_holder(r, "mail/a.nsf", "10.0.0.1", &holder));
	ck_assert_int_eq(registry_add(r, SLICE_LIT("CN=A"), "mail/a.nsf", "10.0.0.1", 3, 2, &a), NOERROR);
	ck_assert_str_eq(registry_person(a), "CN=A");
	ck_assert_str_eq(registry_path(a), "mail/a.nsf");
	registry_remove(r, &a);
	registry_remove(r, &b);
	registry_remove(r, &c);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("mailbox");
	TCase *tcase = tcase_create("mailbox");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, reads_ahead_in_order);
	tcase_add_test(tcase, long_messages_in_pieces);
	tcase_add_test(tcase, read_fails);
	tcase_add_test(tcase, job_never_ran);
	tcase_add_loop_test(tcase, commit_lets_go, 0, 2);
	tcase_add_test(tcase, commit_given_up);
	tcase_add_test(tcase, registry_counts_and_finds);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}

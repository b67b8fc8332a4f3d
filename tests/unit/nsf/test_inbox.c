/* Delivery, list, bodies, deletion, UIDLs and unread marks of one file. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "nsf/private.h"
#include "tests/support/unit.h"
#include "tests/unit/nsf/help.h"

#include "base/banned.h"

static char *dir;
static char path[4096];
static struct nsf *nsf;

static void start(void)
{
	dir = unit_tempdir();
	nsf = help_create(dir, path, sizeof(path));
}

static void stop(void)
{
	nsf_close(&nsf);
	ck_assert(help_check(path));
	unit_tempdir_remove(&dir);
}

static void assert_counts(uint64_t count, uint64_t octets)
{
	uint64_t n = 99, bytes = 99;

	ck_assert_uint_eq(nsf_inbox_stat(nsf, &n, &bytes), NOERROR);
	ck_assert_uint_eq(n, count);
	ck_assert_uint_eq(bytes, octets);
}

START_TEST(test_list_gives_what_was_delivered)
{
	static const uint64_t sizes[] = { 1, 2, 4096, 262143, 262144, 262145, 1000000 };
	size_t count = sizeof(sizes) / sizeof(sizes[0]);
	struct help_list list;
	uint64_t total = 0;

	start();
	assert_counts(0, 0);
	for (size_t i = 0; i < count; i++) {
		help_deliver(nsf, i, sizes[i], NULL);
		total += sizes[i];
	}
	assert_counts(count, total);
	help_list(nsf, 0, &list);
	ck_assert_uint_eq(list.count, count);
	for (size_t i = 0; i < count; i++) {
		const struct nsf_message *m = &list.messages[i];

		ck_assert_uint_eq(m->size_octets, sizes[i]);
		ck_assert_uint_eq(m->header_octets, sizes[i] / 4);
		ck_assert(m->has_dot_line == (i % 2 == 1));
		ck_assert(i == 0 || m->id > m[-1].id);
		ck_assert_uint_eq(strlen(list.uidls[i]), 22);
		ck_assert(help_body_is(nsf, m->id, i, sizes[i]));
	}
	help_list_release(&list);
	stop();
}
END_TEST

START_TEST(test_body_in_pieces)
{
	static const size_t pieces[] = { 1, 7, 4096, 65536, 262144, 300000 };
	uint64_t seed = 5, size = 600001, id;
	char *want, *got;

	start();
	help_deliver(nsf, 1, 100, NULL);
	id = help_deliver(nsf, seed, size, NULL);
	want = malloc(size);
	got = malloc(size + 300000);
	help_body(&seed, 0, want, size);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		/* Single octets only around the border of two chunks. */
		uint64_t at = pieces[i] < 10 ? 262144 - 50 : 0, from = at, n = 1;
		uint64_t end = pieces[i] < 10 ? 262144 + 50 : size + 1;

		while (at < end && n > 0) {
			size_t count = 0;

			ck_assert_uint_eq(nsf_body_read(nsf, id, at, got + at, pieces[i], &count), NOERROR);
			ck_assert(count == pieces[i] || at + count == size);
			n = count;
			at += n;
		}
		ck_assert_uint_ge(at, pieces[i] < 10 ? end : size);
		ck_assert_int_eq(memcmp(got + from, want + from, at - from), 0);
	}
	free(want);
	free(got);
	stop();
}
END_TEST

START_TEST(test_body_beyond_its_end)
{
	char out[10];
	size_t got = 99;
	uint64_t id;

	start();
	id = help_deliver(nsf, 1, 262144, NULL);
	ck_assert_uint_eq(nsf_body_read(nsf, id, 262144, out, 10, &got), NOERROR);
	ck_assert_uint_eq(got, 0);
	ck_assert_uint_eq(nsf_body_read(nsf, id, UINT64_MAX - 5, out, 10, &got), NOERROR);
	ck_assert_uint_eq(got, 0);
	ck_assert_uint_eq(nsf_body_read(nsf, id, 262140, out, 0, &got), NOERROR);
	ck_assert_uint_eq(got, 0);
	ck_assert_uint_eq(nsf_body_read(nsf, id + 1, 0, out, 10, &got), POSTIL_ERR_DELETED);
	ck_assert_uint_eq(nsf_body_read(nsf, UINT64_MAX, 0, out, 10, &got), POSTIL_ERR_DELETED);
	stop();
}
END_TEST

START_TEST(test_body_with_missing_chunk_is_damaged)
{
	char out[10], sql[100];
	size_t got;
	uint64_t id;

	start();
	id = help_deliver(nsf, 1, 600000, NULL);
	snprintf(sql, sizeof(sql), "DELETE FROM body WHERE k=(%" PRIu64 "<<16)+1", id);
	help_sql(path, sql);
	ck_assert_uint_eq(nsf_body_read(nsf, id, 0, out, 10, &got), NOERROR);
	ck_assert_uint_eq(nsf_body_read(nsf, id, 262144, out, 10, &got), POSTIL_ERR_DAMAGED);
	snprintf(sql, sizeof(sql), "UPDATE body SET data=x'4141' WHERE k=%" PRIu64 "<<16", id);
	help_sql(path, sql);
	nsf_shrink(nsf);
	ck_assert_uint_eq(nsf_body_read(nsf, id, 0, out, 10, &got), POSTIL_ERR_DAMAGED);
	nsf_close(&nsf);
	ck_assert(!help_check(path));
	unit_tempdir_remove(&dir);
}
END_TEST

START_TEST(test_batch_is_all_or_none)
{
	uint64_t seeds[3] = { 1, 2, 3 }, ids[3];
	struct nsf_delivery d[3];
	struct fault fault = { 0 };
	size_t failed = 99;

	start();
	help_deliver(nsf, 9, 50, "taken");
	for (size_t i = 0; i < 3; i++)
		d[i] = help_message(&seeds[i], 1000);
	d[2].uidl = slice_of("taken");
	ck_assert_uint_eq(nsf_deliver(nsf, d, 3, ids, &failed, &fault), POSTIL_ERR_EXISTS);
	ck_assert_uint_eq(failed, 2);
	assert_counts(1, 50);
	d[2].uidl = slice_of("free");
	ck_assert_uint_eq(nsf_deliver(nsf, d, 3, ids, &failed, &fault), NOERROR);
	assert_counts(4, 3050);
	ck_assert(help_body_is(nsf, ids[2], 3, 1000));
	ck_assert_uint_eq(nsf_deliver(nsf, d, 0, NULL, NULL, NULL), NOERROR);
	stop();
}
END_TEST

START_TEST(test_same_uidl_twice_in_a_batch)
{
	uint64_t seed = 1;
	struct nsf_delivery d[2] = { help_message(&seed, 10), help_message(&seed, 10) };
	size_t failed = 99;

	start();
	d[0].uidl = d[1].uidl = slice_of("one");
	ck_assert_uint_eq(nsf_deliver(nsf, d, 2, NULL, &failed, NULL), POSTIL_ERR_EXISTS);
	ck_assert_uint_eq(failed, 1);
	assert_counts(0, 0);
	stop();
}
END_TEST

static STATUS body_fails(void *context, uint64_t offset, void *out, size_t size)
{
	(void)context;
	memset(out, 'x', size);
	return offset > 0 ? POSTIL_ERR_IO : NOERROR;
}

START_TEST(test_failing_body_changes_nothing)
{
	uint64_t seed = 1;
	struct nsf_delivery d = help_message(&seed, 300000);
	struct nsf_stamp before, after;
	struct nsf_lock *lock;
	size_t failed = 9;

	start();
	ck_assert_uint_eq(nsf_lock_open(path, &lock, NULL), NOERROR);
	help_deliver(nsf, 1, 10, NULL);
	nsf_lock_stamp(lock, &before);
	d.body = body_fails;
	ck_assert_uint_eq(nsf_deliver(nsf, &d, 1, NULL, &failed, NULL), POSTIL_ERR_IO);
	ck_assert_uint_eq(failed, 0);
	nsf_lock_stamp(lock, &after);
	ck_assert_uint_eq(before.words[0], after.words[0]);
	assert_counts(1, 10);
	help_deliver(nsf, 1, 10, NULL);
	nsf_lock_close(&lock);
	stop();
}
END_TEST

START_TEST(test_refused_deliveries)
{
	static const char long_uidl[] =
		"12345678901234567890123456789012345678901234567890123456789012345678901";
	uint64_t seed = 1;
	struct nsf_delivery good = help_message(&seed, 10);
	struct {
		struct nsf_delivery d;
		STATUS status;
	} cases[6];

	start();
	for (size_t i = 0; i < 6; i++) {
		cases[i].d = good;
		cases[i].status = POSTIL_ERR_INVALID;
	}
	cases[0].d.size_octets = 0;
	cases[1].d.header_octets = 11;
	cases[2].d.uidl = slice_of(long_uidl);
	cases[3].d.uidl = slice_of("a b");
	cases[4].d.uidl = (struct slice){ "a\0b", 3 };
	cases[5].d.size_octets = UINT64_MAX;
	cases[5].status = POSTIL_ERR_TOO_LONG;
	for (size_t i = 0; i < 6; i++) {
		size_t failed = 9;

		ck_assert_msg(nsf_deliver(nsf, &cases[i].d, 1, NULL, &failed, NULL) == cases[i].status,
		              "case %zu", i);
		ck_assert_uint_eq(failed, 0);
	}
	good.uidl = (struct slice){ long_uidl, 70 };
	ck_assert_uint_eq(nsf_deliver(nsf, &good, 1, NULL, NULL, NULL), NOERROR);
	assert_counts(1, 10);
	stop();
}
END_TEST

START_TEST(test_delete)
{
	uint64_t ids[6], gone[5];
	struct help_list list;

	start();
	for (size_t i = 0; i < 6; i++)
		ids[i] = help_deliver(nsf, i, 1000 + i, NULL);
	gone[0] = ids[1];
	gone[1] = ids[3];
	gone[2] = 12345;
	gone[3] = ids[3];
	gone[4] = UINT64_MAX;
	help_delete(nsf, gone, 5);
	assert_counts(4, 4 * 1000 + 0 + 2 + 4 + 5);
	help_delete(nsf, gone, 5);
	help_list(nsf, 0, &list);
	ck_assert_uint_eq(list.count, 4);
	ck_assert_int_eq(help_index(&list, ids[1]), -1);
	ck_assert_int_eq(help_index(&list, ids[5]), 3);
	help_list_release(&list);
	ck_assert(!help_body_is(nsf, ids[1], 1, 1001));
	ck_assert(help_body_is(nsf, ids[2], 2, 1002));
	ck_assert_int_eq(help_sql_number(path, "SELECT count(*) FROM gone"), 2);
	help_reclaim(nsf);
	ck_assert_int_eq(help_sql_number(path, "SELECT count(*) FROM gone"), 0);
	ck_assert_int_eq(help_sql_number(path, "SELECT count(*) FROM stub"), 2);
	ck_assert_int_eq(help_sql_number(path, "SELECT count(*) FROM note"), 4);
	ck_assert_int_eq(help_sql_number(path, "SELECT count(*) FROM body"), 4);
	ck_assert_uint_gt(help_deliver(nsf, 7, 10, NULL), ids[5]);
	stop();
}
END_TEST

START_TEST(test_last_id_is_not_used_again)
{
	uint64_t id;

	start();
	id = help_deliver(nsf, 1, 10, NULL);
	help_delete(nsf, &id, 1);
	help_reclaim(nsf);
	nsf_close(&nsf);
	nsf = help_open(path);
	ck_assert_uint_gt(help_deliver(nsf, 1, 10, NULL), id);
	stop();
}
END_TEST

START_TEST(test_reclaim_gives_space_back)
{
	uint64_t ids[40], kept = 0;
	struct stat before, after;
	bool more = false;
	int steps = 0;

	start();
	for (size_t i = 0; i < 40; i++)
		ids[i] = help_deliver(nsf, i, 700000, NULL);
	kept = ids[20];
	ids[20] = ids[0];
	help_reclaim(nsf);
	ck_assert_int_eq(stat(path, &before), 0);
	help_delete(nsf, ids, 40);
	do {
		ck_assert_uint_eq(nsf_reclaim(nsf, &more), NOERROR);
		ck_assert_int_lt(++steps, 1000);
	} while (more);
	ck_assert_int_gt(steps, 2);     /* it goes on in bounded steps */
	ck_assert_int_eq(stat(path, &after), 0);
	ck_assert_int_lt(after.st_size, 700000 * 115 / 100 + 200000);
	ck_assert_int_gt(before.st_size, 28000000);
	ck_assert(help_body_is(nsf, kept, 20, 700000));
	stop();
}
END_TEST

START_TEST(test_uidl_never_names_other_octets)
{
	uint64_t seed = 1, other = 2, id;
	struct nsf_delivery same = help_message(&seed, 300000), different = help_message(&other, 300000);

	start();
	id = help_deliver(nsf, 1, 300000, "u-1");
	same.uidl = different.uidl = slice_of("u-1");
	ck_assert_uint_eq(nsf_deliver(nsf, &same, 1, NULL, NULL, NULL), POSTIL_ERR_EXISTS);
	help_delete(nsf, &id, 1);
	ck_assert_uint_eq(nsf_deliver(nsf, &different, 1, NULL, NULL, NULL), POSTIL_ERR_EXISTS);
	help_reclaim(nsf);
	ck_assert_uint_eq(nsf_deliver(nsf, &different, 1, NULL, NULL, NULL), POSTIL_ERR_EXISTS);
	assert_counts(0, 0);
	/* Restored from an export, it is what it was. */
	ck_assert_uint_eq(nsf_deliver(nsf, &same, 1, &id, NULL, NULL), NOERROR);
	ck_assert(help_body_is(nsf, id, 1, 300000));
	ck_assert_uint_eq(nsf_deliver(nsf, &same, 1, NULL, NULL, NULL), POSTIL_ERR_EXISTS);
	stop();
}
END_TEST

static int compare_uidls(const void *a, const void *b)
{
	return strcmp(a, b);
}

START_TEST(test_made_uidls_are_unique)
{
	uint64_t seed = 1;
	struct nsf_delivery d[200];
	struct help_list list;

	start();
	for (size_t i = 0; i < 200; i++)
		d[i] = help_message(&seed, 10);
	for (int i = 0; i < 10; i++)
		ck_assert_uint_eq(nsf_deliver(nsf, d, 200, NULL, NULL, NULL), NOERROR);
	help_list(nsf, 0, &list);
	ck_assert_uint_eq(list.count, 2000);
	qsort(list.uidls, list.count, sizeof(*list.uidls), compare_uidls);
	for (size_t i = 1; i < list.count; i++)
		ck_assert_str_ne(list.uidls[i], list.uidls[i - 1]);
	for (size_t i = 0; i < list.count; i++)
		ck_assert_uint_eq(strspn(list.uidls[i], "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrst"
		                         "uvwxyz0123456789-_"), 22);
	help_list_release(&list);
	stop();
}
END_TEST

START_TEST(test_sizes_have_64_bits)
{
	uint64_t id, n, octets;
	struct help_list list;

	start();
	id = help_deliver(nsf, 1, 10, NULL);
	help_deliver(nsf, 2, 10, NULL);
	help_sql(path, "UPDATE inbox SET size=5000000000 WHERE id=1;"
	         "UPDATE store SET bytes=5000000010");
	help_list(nsf, 0, &list);
	ck_assert_uint_eq(list.messages[0].size_octets, 5000000000u);
	help_list_release(&list);
	ck_assert_uint_eq(nsf_inbox_stat(nsf, &n, &octets), NOERROR);
	ck_assert_uint_eq(octets, 5000000010u);
	help_deliver(nsf, 3, 90, NULL);
	assert_counts(3, 5000000100u);
	help_delete(nsf, &id, 1);
	assert_counts(2, 100);
	stop();
}
END_TEST

START_TEST(test_unread_marks)
{
	uint64_t ids[4], anna = 0, bert = 0, again = 0, seed = 9, read_id;
	struct nsf_delivery quiet = help_message(&seed, 10);
	struct help_list list;

	start();
	quiet.read = true;
	ids[0] = help_deliver(nsf, 0, 10, NULL);
	ck_assert_uint_eq(nsf_deliver(nsf, &quiet, 1, &read_id, NULL, NULL), NOERROR);
	ck_assert_uint_eq(nsf_user_id(nsf, slice_of("CN=Anna/O=Org"), false, &anna),
	                  POSTIL_ERR_NOT_FOUND);
	ck_assert_uint_eq(nsf_user_id(nsf, slice_of("CN=Anna/O=Org"), true, &anna), NOERROR);
	ids[1] = help_deliver(nsf, 1, 10, NULL);
	ck_assert_uint_eq(nsf_deliver(nsf, &quiet, 1, NULL, NULL, NULL), NOERROR);
	ck_assert_uint_eq(nsf_user_id(nsf, slice_of("CN=Bert/O=Org"), true, &bert), NOERROR);
	ck_assert_uint_ne(anna, bert);
	ck_assert_uint_eq(nsf_user_id(nsf, slice_of("CN=Anna/O=Org"), true, &again), NOERROR);
	ck_assert_uint_eq(anna, again);
	help_list(nsf, anna, &list);
	ck_assert_uint_eq(list.count, 2);
	ck_assert_uint_eq(list.messages[0].id, ids[0]);
	ck_assert_uint_eq(list.messages[1].id, ids[1]);
	help_list_release(&list);
	ck_assert_uint_eq(nsf_mark_read(nsf, anna, ids, 1), NOERROR);
	help_list(nsf, anna, &list);
	ck_assert_uint_eq(list.count, 1);
	ck_assert_uint_eq(list.messages[0].id, ids[1]);
	help_list_release(&list);
	help_list(nsf, bert, &list);
	ck_assert_uint_eq(list.count, 2);
	help_list_release(&list);
	help_delete(nsf, &ids[1], 1);
	help_list(nsf, bert, &list);
	ck_assert_uint_eq(list.count, 1);
	help_list_release(&list);
	help_reclaim(nsf);
	ck_assert_int_eq(help_sql_number(path, "SELECT count(*) FROM unread"), 1);
	stop();
}
END_TEST

START_TEST(test_delete_and_mark_in_one_transaction)
{
	uint64_t ids[2], user, count, octets;

	start();
	ids[0] = help_deliver(nsf, 0, 10, NULL);
	ids[1] = help_deliver(nsf, 1, 20, NULL);
	ck_assert_uint_eq(nsf_user_id(nsf, slice_of("a"), true, &user), NOERROR);
	for (int commit = 0; commit < 2; commit++) {
		ck_assert_uint_eq(nsf_begin(nsf, NULL), NOERROR);
		ck_assert_uint_eq(nsf_begin(nsf, NULL), POSTIL_ERR_INVALID);
		ck_assert_uint_eq(nsf_delete(nsf, &ids[0], 1, NULL), NOERROR);
		ck_assert_uint_eq(nsf_mark_read(nsf, user, &ids[1], 1), NOERROR);
		ck_assert_uint_eq(nsf_inbox_stat(nsf, &count, &octets), NOERROR);
		ck_assert_uint_eq(count, 1);
		if (commit == 0)
			nsf_rollback(nsf);
		else
			ck_assert_uint_eq(nsf_commit(nsf, NULL), NOERROR);
		assert_counts(commit == 0 ? 2 : 1, commit == 0 ? 30 : 20);
	}
	ck_assert_uint_eq(nsf_commit(nsf, NULL), POSTIL_ERR_INVALID);
	stop();
}
END_TEST

START_TEST(test_failed_part_of_a_transaction_leaves_the_rest)
{
	uint64_t seed = 3;
	struct nsf_delivery d[2] = { help_message(&seed, 10), help_message(&seed, 10) };

	start();
	d[0].uidl = d[1].uidl = slice_of("one");
	ck_assert_uint_eq(nsf_begin(nsf, NULL), NOERROR);
	help_deliver(nsf, 1, 100, NULL);
	ck_assert_uint_eq(nsf_deliver(nsf, d, 2, NULL, NULL, NULL), POSTIL_ERR_EXISTS);
	help_deliver(nsf, 2, 50, NULL);
	ck_assert_uint_eq(nsf_commit(nsf, NULL), NOERROR);
	assert_counts(2, 150);
	stop();
}
END_TEST

START_TEST(test_shrunk_handle_goes_on)
{
	uint64_t id;

	start();
	id = help_deliver(nsf, 1, 300000, NULL);
	for (int i = 0; i < 3; i++) {
		char part[1000];
		size_t got;

		ck_assert_uint_eq(nsf_body_read(nsf, id, 0, part, sizeof(part), &got), NOERROR);
		nsf_shrink(nsf);
		ck_assert(help_body_is(nsf, id, 1, 300000));
		help_deliver(nsf, 2, 10, NULL);
	}
	assert_counts(4, 300030);
	stop();
}
END_TEST

static STATUS stop_at_two(void *context, const struct nsf_message *message)
{
	(void)message;
	return ++*(int *)context == 2 ? POSTIL_ERR_CANCEL : NOERROR;
}

START_TEST(test_list_ends_at_the_callers_wish)
{
	int calls = 0;

	start();
	for (int i = 0; i < 5; i++)
		help_deliver(nsf, 1, 10, NULL);
	ck_assert_uint_eq(nsf_inbox_list(nsf, 0, true, stop_at_two, &calls), POSTIL_ERR_CANCEL);
	ck_assert_int_eq(calls, 2);
	stop();
}
END_TEST

UNIT_MAIN("nsf inbox", test_list_gives_what_was_delivered, test_body_in_pieces,
	test_body_beyond_its_end, test_body_with_missing_chunk_is_damaged, test_batch_is_all_or_none,
	test_same_uidl_twice_in_a_batch, test_failing_body_changes_nothing, test_refused_deliveries,
	test_delete, test_last_id_is_not_used_again, test_reclaim_gives_space_back,
	test_uidl_never_names_other_octets, test_made_uidls_are_unique, test_sizes_have_64_bits,
	test_unread_marks, test_delete_and_mark_in_one_transaction,
	test_failed_part_of_a_transaction_leaves_the_rest, test_shrunk_handle_goes_on,
	test_list_ends_at_the_callers_wish)

/* Packed message lists, and the cache that keeps them. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mailfile/list.h"
#include "mailfile/lists.h"

static uint64_t id_at(uint32_t i)
{
	return (uint64_t)i * 3 + 1 + (i > 700 ? 1ull << 40 : 0);
}

static struct maildrop_message message_at(uint32_t i, char uidl[80])
{
	struct maildrop_message m = { i * 1000ull, i % 5000, i % 3 == 0, { uidl, 0 } };
	int n = snprintf(uidl, 80, "u%u", i);

	if (i == 500)
		m.size_octets = 1ull << 40;
	if (i % 100 == 7) {
		memset(uidl + n, 'x', (size_t)(MAILDROP_UIDL_MAX - n));
		n = MAILDROP_UIDL_MAX;
	}
	m.uidl.n = (size_t)n;
	return m;
}

static struct msglist *make(uint32_t count)
{
	struct msglist_maker maker;
	struct msglist *list = NULL;
	char uidl[80];

	msglist_start(&maker);
	for (uint32_t i = 0; i < count; i++) {
		struct maildrop_message m = message_at(i, uidl);

		ck_assert_uint_eq(msglist_add(&maker, id_at(i), &m), NOERROR);
	}
	ck_assert_uint_eq(msglist_finish(&maker, &list), NOERROR);
	return list;
}

static void expect(const struct msglist *list, struct msglist_cursor *cursor, uint32_t i)
{
	struct maildrop_message found, wanted;
	char uidl[80];

	wanted = message_at(i, uidl);
	ck_assert_uint_eq(msglist_get(list, cursor, i, &found), id_at(i));
	ck_assert_uint_eq(found.size_octets, wanted.size_octets);
	ck_assert_uint_eq(found.header_octets, wanted.header_octets);
	ck_assert_int_eq(found.has_dot_line, wanted.has_dot_line);
	ck_assert(slice_equal(found.uidl, wanted.uidl));
}

START_TEST(test_order)
{
	static const uint32_t counts[] = { 0, 1, 2, LIST_BLOCK - 1, LIST_BLOCK, LIST_BLOCK + 1,
	                                   10 * LIST_BLOCK, 1000 };
	uint32_t count = counts[_i];
	struct msglist *list = make(count);
	struct msglist_cursor cursor = { 0 };
	uint32_t state = 1;

	ck_assert_uint_eq(msglist_count(list), count);
	for (uint32_t i = 0; i < count; i++)            /* forwards */
		expect(list, &cursor, i);
	for (uint32_t i = count; i > 0; i--)            /* backwards, each twice */
		expect(list, &cursor, i - 1), expect(list, &cursor, i - 1);
	for (uint32_t i = 0; count > 0 && i < 2000; i++) {
		state = state * 1664525 + 1013904223;
		expect(list, &cursor, (state >> 8) % count);
	}
	msglist_let_go(&list);
	ck_assert_ptr_null(list);
}
END_TEST

START_TEST(test_refused)
{
	struct msglist_maker maker;
	struct maildrop_message m = { 1, 1, false, SLICE_LIT("u") };
	char uidl[MAILDROP_UIDL_MAX + 1] = { 0 };

	msglist_start(&maker);
	ck_assert_uint_eq(msglist_add(&maker, 0, &m), POSTIL_ERR_DAMAGED);
	ck_assert_uint_eq(msglist_add(&maker, 5, &m), NOERROR);
	ck_assert_uint_eq(msglist_add(&maker, 5, &m), POSTIL_ERR_DAMAGED);
	ck_assert_uint_eq(msglist_add(&maker, 4, &m), POSTIL_ERR_DAMAGED);
	m.uidl.n = 0;
	ck_assert_uint_eq(msglist_add(&maker, 6, &m), POSTIL_ERR_DAMAGED);
	m.uidl = (struct slice){ uidl, sizeof(uidl) };
	ck_assert_uint_eq(msglist_add(&maker, 6, &m), POSTIL_ERR_DAMAGED);
	m = (struct maildrop_message){ UINT64_MAX, 1, false, SLICE_LIT("v"), false };
	ck_assert_uint_eq(msglist_add(&maker, 6, &m), POSTIL_ERR_DAMAGED);
	ck_assert_uint_eq(maker.count, 1);
	msglist_give_up(&maker);
}
END_TEST

START_TEST(test_small)
{
	struct msglist_maker maker;
	struct msglist *list;
	char uidl[23];

	msglist_start(&maker);
	for (uint32_t i = 0; i < 10000; i++) {
		struct maildrop_message m = { 20000 + i, 1500, false, { uidl, 22 } };

		snprintf(uidl, sizeof(uidl), "%022u", i);
		ck_assert_uint_eq(msglist_add(&maker, 1000 + i, &m), NOERROR);
	}
	ck_assert_uint_eq(msglist_finish(&maker, &list), NOERROR);
	ck_assert_uint_le(msglist_memory(list), 10000 * 32);
	msglist_let_go(&list);
}
END_TEST

START_TEST(test_cache)
{
	struct nsf_stamp stamp = { .words = { 1, 2, 3 }, .valid = true }, other = stamp;
	struct file_id id = { 1, 2 }, found_id = { 0, 0 };
	struct msglist *list = make(100), *found;
	struct lists *lists;
	char path[32];

	ck_assert_uint_eq(lists_new(64 * 1024, &lists), NOERROR);
	lists_keep(lists, "/a", true, id, &stamp, list);
	found = lists_find(lists, "/a", true, &stamp, &found_id);
	ck_assert_ptr_eq(found, list);
	msglist_let_go(&found);
	other.words[5] = 1;
	ck_assert_ptr_null(lists_find(lists, "/a", true, &other, &found_id));
	ck_assert(file_id_equal(found_id, id));
	ck_assert_ptr_null(lists_find(lists, "/b", true, &stamp, &found_id));
	other = stamp;
	other.valid = false;
	ck_assert_ptr_null(lists_find(lists, "/a", true, &other, &found_id));
	lists_keep(lists, "/b", true, id, &other, list);
	ck_assert_ptr_null(lists_find(lists, "/b", true, &other, &found_id));
	found = lists_find(lists, "/a", false, &stamp, &found_id);      /* it is the same for all */
	ck_assert_ptr_eq(found, list);
	msglist_let_go(&found);
	lists_forget(lists, "/a");
	ck_assert_ptr_null(lists_find(lists, "/a", true, &stamp, &found_id));

	for (int i = 0; i < 1000; i++) {        /* far more than it holds */
		snprintf(path, sizeof(path), "/%d", i);
		lists_keep(lists, path, true, id, &stamp, list);
		lists_keep(lists, path, true, id, &stamp, list);
	}
	ck_assert_ptr_null(lists_find(lists, "/0", true, &stamp, &found_id));
	found = lists_find(lists, "/999", true, &stamp, &found_id);
	ck_assert_ptr_eq(found, list);
	lists_free(&lists);
	ck_assert_uint_eq(msglist_count(found), 100);   /* held, it outlives the cache */
	msglist_let_go(&found);
	msglist_let_go(&list);
}
END_TEST

static struct msglist *make_with_forms(void)
{
	struct maildrop_message m = { 20, 10, true, SLICE_LIT("u"), true };
	struct msglist_maker maker;
	struct msglist *list;

	msglist_start(&maker);
	maker.one_form = false;
	ck_assert_uint_eq(msglist_add(&maker, 7, &m), NOERROR);
	m.needs_utf8 = false;
	ck_assert_uint_eq(msglist_add(&maker, 9, &m), NOERROR);
	ck_assert_uint_eq(msglist_finish(&maker, &list), NOERROR);
	return list;
}

/* With and without UTF8 two lists are kept, until one serves all again. */
START_TEST(test_forms)
{
	struct nsf_stamp stamp = { .words = { 1 }, .valid = true };
	struct msglist *with = make_with_forms(), *without = make_with_forms(), *one = make(3), *found;
	struct msglist_cursor cursor = { 0 };
	struct maildrop_message m;
	struct file_id id = { 1, 2 };
	struct lists *lists;

	msglist_get(with, &cursor, 0, &m);
	ck_assert(m.needs_utf8 && m.has_dot_line && slice_equal(m.uidl, SLICE_LIT("u")));
	ck_assert_uint_eq(msglist_get(with, &cursor, 1, &m), 9);
	ck_assert(!m.needs_utf8);
	ck_assert_uint_eq(lists_new(64 * 1024, &lists), NOERROR);
	lists_keep(lists, "/a", true, id, &stamp, with);
	ck_assert_ptr_null(lists_find(lists, "/a", false, &stamp, &id));
	lists_keep(lists, "/a", false, id, &stamp, without);
	found = lists_find(lists, "/a", true, &stamp, &id);
	ck_assert_ptr_eq(found, with);
	msglist_let_go(&found);
	found = lists_find(lists, "/a", false, &stamp, &id);
	ck_assert_ptr_eq(found, without);
	msglist_let_go(&found);
	lists_keep(lists, "/a", false, id, &stamp, one);
	found = lists_find(lists, "/a", true, &stamp, &id);
	ck_assert_ptr_eq(found, one);
	msglist_let_go(&found);
	lists_forget(lists, "/a");
	ck_assert_ptr_null(lists_find(lists, "/a", true, &stamp, &id));
	lists_free(&lists);
	msglist_let_go(&with);
	msglist_let_go(&without);
	msglist_let_go(&one);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("list");
	TCase *tc = tcase_create("list");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tc, test_order, 0, 8);
	tcase_add_test(tc, test_refused);
	tcase_add_test(tc, test_small);
	tcase_add_test(tc, test_cache);
	tcase_add_test(tc, test_forms);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}

/* Message headers: fields, text, addresses, dates. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "mailfile/header.h"

START_TEST(test_fields)
{
	struct slice rest = SLICE_LIT("A: 1\r\nnot a field\r\nB : 2\n folded\r\n\tonce more\r\n"
	                              ": no name\n\x80: no\nC:\n\nD: body\n");
	struct slice name, value;

	ck_assert(header_next(&rest, &name, &value));
	ck_assert(slice_equal(name, SLICE_LIT("A")) && slice_equal(value, SLICE_LIT(" 1")));
	ck_assert(header_next(&rest, &name, &value));
	ck_assert(slice_equal(name, SLICE_LIT("B")));
	ck_assert(slice_equal(value, SLICE_LIT(" 2\n folded\r\n\tonce more")));
	ck_assert(header_next(&rest, &name, &value));
	ck_assert(slice_equal(name, SLICE_LIT("C")) && value.n == 0);
	ck_assert(!header_next(&rest, &name, &value));
	rest = SLICE_LIT("a: 1\nb: 2");
	ck_assert(header_find(rest, "B", &value) && slice_equal(value, SLICE_LIT(" 2")));
	ck_assert(!header_find(rest, "c", &value));
	rest = (struct slice){ NULL, 0 };
	ck_assert(!header_next(&rest, &name, &value));
}
END_TEST

static const struct { const char *in, *out; } texts[] = {
	{ " plain  text ", "plain text" },
	{ " a\r\n b\n\tc", "a b c" },
	{ "=?utf-8?q?=C3=A9t=C3=A9?=", "\xC3\xA9t\xC3\xA9" },
	{ "=?UTF-8*fr?B?w6k=?=", "\xC3\xA9" },
	{ "=?iso-8859-1?q?=E9_x?=", "\xC3\xA9 x" },
	{ "=?windows-1252?q?=80?=", "\xE2\x82\xAC" },
	{ "=?utf-8?q?a?= =?utf-8?q?b?=", "ab" },
	{ "=?utf-8?q?a?= b =?utf-8?q?c?=", "a b c" },
	{ "(=?utf-8?q?a?=)", "(a)" },
	{ "=?koi8-r?q?=C1?=", "=?koi8-r?q?=C1?=" },
	{ "=?utf-8?x?a?=", "=?utf-8?x?a?=" },
	{ "=?utf-8?q?a", "=?utf-8?q?a" },
	{ "=?utf-8?q?", "=?utf-8?q?" },
	{ "=?", "=?" },
	{ "=?=?=?=?", "=?=?=?=?" },
	{ "=?utf-8?q?=ZZ=4?=", "=ZZ=4" },
	{ "=?utf-8?q?=00=0D=0Aa?=", "a" },
	{ "a\x01" "b\x7F" "c", "a b c" },
	{ "\xE9t\xE9", "\xC3\xA9t\xC3\xA9" },
	{ "", "" },
	{ " \r\n ", "" },
};

START_TEST(test_text)
{
	struct buf out = BUF_INIT;

	header_text(slice_of(texts[_i].in), 100, &out);
	ck_assert_str_eq(buf_cstr(&out), texts[_i].out);
	buf_release(&out);
}
END_TEST

START_TEST(test_text_cut)
{
	struct buf out = BUF_INIT;

	for (size_t max = 0; max < 10; max++) {
		buf_clear(&out);
		buf_add_str(&out, "before");
		header_text(SLICE_LIT("\xC3\xA9\xC3\xA9 \xE2\x82\xAC words"), max, &out);
		ck_assert_uint_le(out.n, 6 + max);
		ck_assert(text_is_utf8(buf_slice(&out)));
	}
	buf_release(&out);
}
END_TEST

START_TEST(test_addresses)
{
	struct slice rest = SLICE_LIT(" a@x, \"b, c\" <b@x> ,, d (e, f) <d@x>,\r\n <g,h@x>, \"i\\\",\"");
	static const char *const expected[] = { "a@x", "\"b, c\" <b@x>", "d (e, f) <d@x>",
	                                        "<g,h@x>", "\"i\\\",\"" };
	struct slice address;

	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		ck_assert(header_next_address(&rest, &address));
		ck_assert(slice_equal(address, slice_of(expected[i])));
	}
	ck_assert(!header_next_address(&rest, &address));
	rest = SLICE_LIT("\"never ends, \\");
	ck_assert(header_next_address(&rest, &address));
	ck_assert(!header_next_address(&rest, &address));
}
END_TEST

static const struct { const char *text; bool valid; int64_t secs; } dates[] = {
	{ " Fri, 21 Nov 1997 09:55:06 -0600", true, 880127706 },
	{ "Tue, 1 Jul 2003 10:52:37 +0200", true, 1057049557 },
	{ "21 Nov 97 09:55:06 GMT", true, 880106106 },
	{ "Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", true, 880127706 },
	{ "Thu, 1 Jan 1970 00:00 +0000", true, 0 },
	{ "Thu, 29 Feb 2024 23:59:60 EST", true, 1709269200 },
	{ "Wed, 31 Dec 1969 23:59:59 +0000", true, -1 },
	{ "Fri, 21 Nov 1997", false, 0 },
	{ "Fri, 32 Nov 1997 09:55:06 -0600", false, 0 },
	{ "Fri, 21 Nox 1997 09:55:06 -0600", false, 0 },
	{ "Fri, 21 Nov 99999999999 09:55:06", false, 0 },
	{ "21 Nov 1997 25:00:00", false, 0 },
	{ "", false, 0 },
	{ "never", false, 0 },
};

START_TEST(test_date)
{
	int64_t secs = 0;

	ck_assert_int_eq(header_date(slice_of(dates[_i].text), &secs), dates[_i].valid);
	ck_assert_int_eq(secs, dates[_i].secs);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("header");
	TCase *tc = tcase_create("header");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, test_fields);
	tcase_add_loop_test(tc, test_text, 0, sizeof(texts) / sizeof(texts[0]));
	tcase_add_test(tc, test_text_cut);
	tcase_add_test(tc, test_addresses);
	tcase_add_loop_test(tc, test_date, 0, sizeof(dates) / sizeof(dates[0]));
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}

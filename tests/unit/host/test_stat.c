/* The statistics table and its patterns. */
#include "addin/host/stat.h"

#include <string.h>

#include "addin/host/queue.h"
#include "tests/support/unit.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct stat_table table;
static const struct log_style style = { "MDY", '/', ':', false, false };

static STATUS put(const char *facility, const char *name, uint32_t flags, int32_t value)
{
	return stat_update(&table, 7, slice_of(facility), slice_of(name), flags, VT_LONG,
	                   (struct slice){ (const char *)&value, sizeof(value) });
}

static void assert_value(size_t at, const char *expected)
{
	struct buf out = BUF_INIT;

	stat_format_value(table.sorted[at], &style, &out);
	ck_assert_str_eq(buf_cstr(&out), expected);
	buf_release(&out);
}

START_TEST(order_and_kinds)
{
	double real = 2.25;

	put("POP3", "b", ST_UNIQUE, -3);
	put("pop3", "A", ST_UNIQUE, 1);
	put("Mem", "z", ST_UNIQUE, 2);
	put("POP", "x", ST_UNIQUE, 0);
	stat_update(&table, 7, SLICE_LIT("pop3"), SLICE_LIT("c"), ST_UNIQUE, VT_NUMBER,
	            (struct slice){ (const char *)&real, sizeof(real) });
	stat_update(&table, 7, SLICE_LIT("pop3"), SLICE_LIT("d"), ST_UNIQUE, VT_TEXT,
	            SLICE_LIT("a\033b"));
	ck_assert_uint_eq(table.count, 6);
	ck_assert_str_eq(table.sorted[0]->facility, "Mem");
	ck_assert_str_eq(table.sorted[1]->facility, "POP");
	ck_assert_str_eq(table.sorted[2]->name, "A");
	assert_value(3, "-3");
	assert_value(4, "2.25");
	assert_value(5, "a\\x1Bb");
	ck_assert_uint_eq(stat_after(&table, SLICE_LIT("POP3"), SLICE_LIT("a")), 3);
	ck_assert_uint_eq(stat_after(&table, SLICE_LIT("POP3"), SLICE_LIT("aa")), 3);
	ck_assert_uint_eq(stat_after(&table, SLICE_LIT("zzz"), SLICE_LIT("")), 6);
	stat_table_release(&table);
}
END_TEST

START_TEST(additive_and_reset)
{
	put("F", "sum", ST_ADDITIVE, 5);
	put("F", "sum", ST_ADDITIVE, 6);
	put("F", "unique", ST_UNIQUE, 5);
	put("F", "unique", ST_UNIQUE, 6);
	assert_value(0, "11");
	assert_value(1, "6");
	ck_assert_int_eq(stat_reset(&table, SLICE_LIT("f"), SLICE_LIT("SUM")), NOERROR);
	assert_value(0, "0");
	ck_assert_int_eq(stat_reset(&table, SLICE_LIT("f"), SLICE_LIT("unique")), ERR_STAT_NOT_SET);
	ck_assert_int_eq(stat_reset(&table, SLICE_LIT("f"), SLICE_LIT("no")), ERR_STAT_NOT_FOUND);
	stat_delete(&table, SLICE_LIT("F"), SLICE_LIT("sum"));
	ck_assert_uint_eq(table.count, 1);
	stat_set_number(&table, "Server", "own", 1);
	stat_delete_owner(&table, 7);
	ck_assert_uint_eq(table.count, 1);
	ck_assert_str_eq(table.sorted[0]->name, "own");
	stat_table_release(&table);
}
END_TEST

START_TEST(bad_values_are_refused)
{
	static const char octets[2000];
	static const struct {
		const char *facility, *name;
		uint32_t type;
		size_t n;
	} bad[] = {
		{ "", "x", VT_LONG, 4 }, { "F", "", VT_LONG, 4 }, { "F", "a b", VT_LONG, 4 },
		{ "F\n", "a", VT_LONG, 4 }, { "F", "a", VT_LONG, 3 }, { "F", "a", VT_LONG, 0 },
		{ "F", "a", VT_NUMBER, 4 }, { "F", "a", VT_TIMEDATE, 9 }, { "F", "a", 4, 4 },
		{ "F", "a", VT_TEXT, STAT_TEXT_MAX + 1 },
	};

	for (size_t i = 0; i < COUNT(bad); i++)
		ck_assert_int_eq(stat_update(&table, 1, slice_of(bad[i].facility),
		                 slice_of(bad[i].name), 1, bad[i].type,
		                 (struct slice){ octets, bad[i].n }), POSTIL_ERR_INVALID);
	ck_assert_uint_eq(table.count, 0);
}
END_TEST

START_TEST(type_may_change)
{
	put("F", "x", ST_ADDITIVE, 5);
	stat_update(&table, 7, SLICE_LIT("F"), SLICE_LIT("x"), ST_ADDITIVE, VT_TEXT, SLICE_LIT("t"));
	assert_value(0, "t");
	put("F", "x", ST_ADDITIVE, 6);
	assert_value(0, "6");
	stat_table_release(&table);
}
END_TEST

START_TEST(wildcards)
{
	static const struct {
		const char *pattern, *text;
		bool fits;
	} list[] = {
		{ "*", "", true }, { "*", "x", true }, { "", "", true }, { "", "x", false },
		{ "a*c", "abbbc", true }, { "a*c", "abcd", false }, { "A?C", "abc", true },
		{ "?", "", false }, { "**a", "bba", true }, { "*a*b*", "xxaxxbxx", true },
		{ "*ab", "aab", true }, { "pop3.*", "POP3.Sessions", true },
		{ "a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false },
	};

	for (size_t i = 0; i < COUNT(list); i++)
		ck_assert_msg(wildcard_matches(slice_of(list[i].pattern), slice_of(list[i].text))
		              == list[i].fits, "%s %s", list[i].pattern, list[i].text);
}
END_TEST

START_TEST(what_show_stat_finds)
{
	static const struct {
		const char *pattern;
		bool fits;
	} list[] = {
		{ "pop3", true }, { "POP3.*", true }, { "pop3.sessions", true }, { "pop3.sess", false },
		{ "pop3.sessions.inbound.total", true }, { "pop", false }, { "*total", true },
		{ "smtp", false }, { "*", true }, { "", false },
	};

	put("POP3", "Sessions.Inbound.Total", ST_UNIQUE, 1);
	for (size_t i = 0; i < COUNT(list); i++)
		ck_assert_msg(stat_matches(table.sorted[0], slice_of(list[i].pattern)) == list[i].fits,
		              "%s", list[i].pattern);
	stat_table_release(&table);
}
END_TEST

UNIT_MAIN("stat", order_and_kinds, additive_and_reset, bad_values_are_refused, type_may_change,
          wildcards, what_show_stat_finds)

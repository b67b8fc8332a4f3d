/* Clocks, TIMEDATE, DXL times. */
#include "base/clock.h"

#include "tests/support/unit.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

START_TEST(clocks_run_and_can_be_faked)
{
	uint64_t mono = clock_mono_ms();

	ck_assert_uint_ge(clock_mono_ms(), mono);
	ck_assert_int_gt(clock_wall_secs(), 1600000000);
	clock_fake(5000, 1234567);
	ck_assert_uint_eq(clock_mono_ms(), 5000);
	ck_assert_int_eq(clock_wall_ms(), 1234567);
	ck_assert_int_eq(clock_wall_secs(), 1234);
	clock_fake(-1, -1);
	ck_assert_int_gt(clock_wall_secs(), 1600000000);
}
END_TEST

START_TEST(timedates)
{
	static const struct {
		uint32_t innards[2];
		bool full;
		int64_t wall_ms;
	} cases[] = {
		/* a real note: octets 04155F00 2E7D2504, 17:18:33 GMT on 8 August 2014 */
		{ { 0x005F1504, 0x04257D2E }, true, INT64_C(1407518313000) },
		{ { 0, 2440588 }, true, 0 },
		{ { 8639999, 2440587 }, true, -10 },
		{ { 8640000, 2440588 }, false, 0 },
		{ { 0xFFFFFFFF, 2440588 }, false, 0 },          /* date only */
		{ { 0, 0xFFFFFF }, false, 0 },                  /* time only */
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct timedate t = { { cases[i].innards[0], cases[i].innards[1] } }, back;
		int64_t wall_ms = 42;

		ck_assert_msg(timedate_to_wall(t, &wall_ms) == cases[i].full, "case %zu", i);
		ck_assert_int_eq(wall_ms, cases[i].full ? cases[i].wall_ms : 42);
		if (!cases[i].full)
			continue;
		back = timedate_from_wall(wall_ms);
		ck_assert_uint_eq(back.innards[0], t.innards[0]);
		ck_assert_uint_eq(back.innards[1], t.innards[1] & 0xFFFFFF);
	}
	ck_assert(!timedate_to_wall(timedate_from_wall(INT64_MAX), &(int64_t){ 0 }));
	ck_assert(!timedate_to_wall(timedate_from_wall(INT64_MIN), &(int64_t){ 0 }));
}
END_TEST

START_TEST(dxl_parse)
{
	static const struct {
		const char *text;
		bool good;
		int64_t wall_ms;
	} cases[] = {
		{ "20140808T131833,00-04", true, INT64_C(1407518313000) },
		{ "20140808T171833,00+00", true, INT64_C(1407518313000) },
		{ "20140808T224833,25+0530", true, INT64_C(1407518313250) },
		{ "20140808T171833", true, INT64_C(1407518313000) },
		{ "\t19700101T000000,01+00 ", true, 10 },
		{ "19691231T235959,99+00", true, -10 },
		{ "20240229T000000,00+00", true, INT64_C(1709164800000) },
		{ "20000229T000000,00+00", true, INT64_C(951782400000) },
		{ "19000228T000000,00+00", true, INT64_C(-2203977600000) },
		{ "19000229T000000,00+00", false, 0 },
		{ "20230229T000000,00+00", false, 0 },
		{ "20140631T000000,00+00", false, 0 },
		{ "20141301T000000,00+00", false, 0 },
		{ "20140008T000000,00+00", false, 0 },
		{ "20140800T000000,00+00", false, 0 },
		{ "00000101T000000,00+00", false, 0 },
		{ "20140808T240000,00+00", false, 0 },
		{ "20140808T136000,00+00", false, 0 },
		{ "20140808T131860,00+00", false, 0 },
		{ "20140808T131833,0-04", false, 0 },
		{ "20140808T131833,00-99", false, 0 },
		{ "20140808T131833,00+0160", false, 0 },
		{ "20140808T131833,00+04x", false, 0 },
		{ "20140808T131833,00-", false, 0 },
		{ "20140808T131833,00Z", false, 0 },
		{ "19960412", false, 0 },                       /* date only */
		{ "T010000,00", false, 0 },                     /* time only */
		{ "-0140808T131833,00-04", false, 0 },
		{ "", false, 0 },
		{ NULL, false, 0 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		int64_t wall_ms = 42;

		ck_assert_msg(timedate_parse_dxl(cases[i].text, &wall_ms) == cases[i].good,
		              "case %zu: %s", i, cases[i].text);
		ck_assert_int_eq(wall_ms, cases[i].good ? cases[i].wall_ms : 42);
	}
}
END_TEST

START_TEST(dxl_format)
{
	static const struct {
		int64_t wall_ms;
		const char *text;
	} cases[] = {
		{ INT64_C(1407518313000), "20140808T171833,00+00" },
		{ 0, "19700101T000000,00+00" },
		{ -10, "19691231T235959,99+00" },
		{ INT64_C(1709164800990), "20240229T000000,99+00" },
		{ INT64_C(-62135596800000), "00010101T000000,00+00" },
		{ INT64_C(253402300799990), "99991231T235959,99+00" },
		{ INT64_C(253402300800000), "" },
		{ INT64_C(-62135596800010), "" },
		{ INT64_MAX, "" },
		{ INT64_MIN, "" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char out[32];
		int64_t back;

		timedate_format_dxl(cases[i].wall_ms, out);
		ck_assert_str_eq(out, cases[i].text);
		if (out[0] == '\0')
			continue;
		ck_assert(timedate_parse_dxl(out, &back));
		ck_assert_int_eq(back, cases[i].wall_ms);
	}
}
END_TEST

START_TEST(every_day_comes_back)
{
	/* 1 January 1890 to about 2110: each noon through text and TIMEDATE */
	for (int64_t day = -29219; day < 51200; day++) {
		int64_t noon = (day * 24 + 12) * 3600000, back;
		char out[32];

		timedate_format_dxl(noon, out);
		ck_assert(timedate_parse_dxl(out, &back));
		ck_assert_int_eq(back, noon);
		ck_assert(timedate_to_wall(timedate_from_wall(noon), &back));
		ck_assert_int_eq(back, noon);
	}
}
END_TEST

UNIT_MAIN("clock", clocks_run_and_can_be_faked, timedates, dxl_parse, dxl_format,
          every_day_comes_back)

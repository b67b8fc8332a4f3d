/* Lines out of octets: every length around the limit, every way to cut them. */
#include <string.h>

#include "addin/pop3/line.h"
#include "tests/support/unit.h"

#define LIMIT 10

/* What came out, one character each: the line in <>, T too long, S skipped. */
static void collect(const char *in, size_t n, size_t piece, struct buf *out)
{
	struct line_reader reader = { 0 };
	size_t from = 0, have = 0;

	buf_clear(out);
	while (have < n) {
		have = n - have < piece ? n : have + piece;
		for (;;) {
			struct slice line = { NULL, 0 };
			size_t used;
			enum line_result result = line_next(&reader,
				(struct slice){ in + from, have - from }, LIMIT, &line, &used);

			ck_assert_uint_le(used, have - from);
			from += used;
			if (result == LINE_MORE)
				break;
			if (result == LINE_READY) {
				buf_add_char(out, '<');
				buf_add_slice(out, line);
				buf_add_char(out, '>');
			} else {
				buf_add_char(out, result == LINE_TOO_LONG ? 'T' : 'S');
			}
		}
		ck_assert_uint_lt(have - from, LIMIT);
	}
}

static const struct {
	const char *in, *out;
} cases[] = {
	{ "", "" },
	{ "NOOP", "" },
	{ "NOOP\r\n", "<NOOP>" },
	{ "NOOP\n", "<NOOP>" },
	{ "\r\n", "<>" },
	{ "\n\n", "<><>" },
	{ "A\r\nB\r\nC", "<A><B>" },
	{ "A\rB\r\n", "<A\rB>" },
	{ "A\r\r\n", "<A\r>" },
	{ "12345678\r\n", "<12345678>" },               /* exactly the limit */
	{ "123456789\n", "<123456789>" },
	{ "123456789\r\n", "TS" },                      /* one more */
	{ "1234567890\n", "TS" },
	{ "123456789012345678901234567890\r\nA\r\n", "TS<A>" },
	{ "123456789012345678901234567890", "T" },
	{ "1234567890\n1234567890\nA\n", "TSTS<A>" },
};

START_TEST(cut_anywhere)
{
	size_t n = strlen(cases[_i].in);
	struct buf out = BUF_INIT;

	for (size_t piece = 1; piece <= n + 1; piece++) {
		collect(cases[_i].in, n, piece, &out);
		ck_assert_str_eq(buf_cstr(&out), cases[_i].out);
	}
	buf_release(&out);
}
END_TEST

static const struct {
	struct slice text;
	bool plain, high;
} texts[] = {
	{ SLICE_LIT("RETR 1"), true, true },
	{ SLICE_LIT(""), true, true },
	{ SLICE_LIT("a\0b"), false, false },
	{ SLICE_LIT("a\rb"), false, false },
	{ SLICE_LIT("a\tb"), false, false },
	{ SLICE_LIT("a\x7F"), false, false },
	{ SLICE_LIT("J\xC3\xBCrgen"), false, true },
};

START_TEST(which_octets)
{
	ck_assert_int_eq(line_is_text(texts[_i].text, false), texts[_i].plain);
	ck_assert_int_eq(line_is_text(texts[_i].text, true), texts[_i].high);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("line");
	TCase *tcase = tcase_create("line");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_loop_test(tcase, cut_anywhere, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_loop_test(tcase, which_octets, 0, sizeof(texts) / sizeof(texts[0]));
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}

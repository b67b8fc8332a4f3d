/* Text: UTF-8, folding, numbers, escaping. */
#include "base/text.h"

#include "tests/support/unit.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

START_TEST(utf8)
{
	static const struct {
		struct slice text;
		bool good;
	} cases[] = {
		{ SLICE_LIT(""), true },
		{ SLICE_LIT("plain"), true },
		{ SLICE_LIT("nul \0 inside"), true },
		{ SLICE_LIT("\xC3\xA4"), true },
		{ SLICE_LIT("\xF0\x9F\x93\xAC"), true },
		{ SLICE_LIT("\xF4\x8F\xBF\xBF"), true },        /* U+10FFFF */
		{ SLICE_LIT("\xF4\x90\x80\x80"), false },       /* behind it */
		{ SLICE_LIT("\xED\xA0\x80"), false },           /* surrogate */
		{ SLICE_LIT("\xC0\xAF"), false },               /* overlong / */
		{ SLICE_LIT("\xE0\x80\xAF"), false },
		{ SLICE_LIT("\xC3"), false },
		{ SLICE_LIT("a\x80"), false },
		{ SLICE_LIT("\xE4hnlich"), false },             /* ISO 8859-1 */
		{ SLICE_LIT("\xFF"), false },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		ck_assert_msg(text_is_utf8(cases[i].text) == cases[i].good, "case %zu", i);
}
END_TEST

START_TEST(fold)
{
	static const struct {
		struct slice text;
		const char *folded;     /* NULL: refused */
	} cases[] = {
		{ SLICE_LIT(""), "" },
		{ SLICE_LIT("Jane Doe/Sales/ACME"), "jane doe/sales/acme" },
		{ SLICE_LIT("  Jane \t\r\n Doe "), "jane doe" },
		{ SLICE_LIT(" \t "), "" },
		{ SLICE_LIT("@[`{"), "@[`{" },
		{ SLICE_LIT("J\xC3\x84RG"), "j\xC3\xA4rg" },
		{ SLICE_LIT("JA\xCC\x88RG"), "j\xC3\xA4rg" },           /* A + combining diaeresis */
		{ SLICE_LIT("Stra\xC3\x9F" "e"), "strasse" },           /* sharp s */
		{ SLICE_LIT("STRA\xE1\xBA\x9E" "E"), "strasse" },       /* capital sharp s */
		{ SLICE_LIT("\xCE\xA3\xCE\x91\xCE\xA3"), "\xCF\x83\xCE\xB1\xCF\x83" }, /* sigma */
		{ SLICE_LIT("\xCF\x83\xCE\xB1\xCF\x82"), "\xCF\x83\xCE\xB1\xCF\x83" }, /* final sigma */
		{ SLICE_LIT("\xC4\xB0"), "i\xCC\x87" },                 /* dotted I, no language */
		{ SLICE_LIT("\xEF\xAC\x81"), "fi" },                    /* ligature */
		{ SLICE_LIT("\xC2\xA0" "a\xE2\x80\x83\xC2\xA0" "b\xE3\x80\x80"), "a b" },
		{ SLICE_LIT("Jos\xC3\xA9"), "jos\xC3\xA9" },            /* accents count */
		{ SLICE_LIT("a\0b"), NULL },
		{ SLICE_LIT("\xC3\xA4\0"), NULL },
		{ SLICE_LIT("J\xE4rg"), NULL },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf out = BUF_INIT;
		STATUS status = text_fold(cases[i].text, &out);

		if (cases[i].folded == NULL) {
			ck_assert_msg(status == POSTIL_ERR_INVALID, "case %zu", i);
			ck_assert_uint_eq(out.n, 0);
		} else {
			ck_assert_msg(status == NOERROR, "case %zu", i);
			ck_assert_str_eq(buf_cstr(&out), cases[i].folded);
		}
		buf_release(&out);
	}
}
END_TEST

START_TEST(fold_appends_and_passes_limits_on)
{
	struct buf out;

	buf_init(&out, 8);
	buf_add_str(&out, "k:");
	ck_assert_int_eq(text_fold(SLICE_LIT(" A b"), &out), NOERROR);
	ck_assert_str_eq(buf_cstr(&out), "k:a b");
	ck_assert_int_eq(text_fold(SLICE_LIT("too long"), &out), POSTIL_ERR_TOO_LONG);
	buf_release(&out);
}
END_TEST

START_TEST(numbers)
{
	static const struct {
		const char *text;
		uint64_t max;
		bool good;
		uint64_t value;
	} cases[] = {
		{ "0", 0, true, 0 },
		{ "007", 10, true, 7 },
		{ "4294967295", UINT32_MAX, true, UINT32_MAX },
		{ "4294967296", UINT32_MAX, false, 0 },
		{ "9999999999999999999", UINT64_MAX, true, UINT64_C(9999999999999999999) },
		{ "10000000000000000000", UINT64_MAX, false, 0 },
		{ "", 10, false, 0 },
		{ "-1", 10, false, 0 },
		{ "+1", 10, false, 0 },
		{ " 1", 10, false, 0 },
		{ "1 ", 10, false, 0 },
		{ "0x1", 10, false, 0 },
		{ "1e1", 100, false, 0 },
		{ "\xD9\xA1", 10, false, 0 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		uint64_t value = 12345;
		bool good = text_number(slice_of(cases[i].text), cases[i].max, &value);

		ck_assert_msg(good == cases[i].good, "case %zu", i);
		ck_assert_uint_eq(value, good ? cases[i].value : 12345);
	}
}
END_TEST

START_TEST(escape)
{
	static const struct {
		struct slice text;
		size_t max;
		const char *shown;
	} cases[] = {
		{ SLICE_LIT("USER jane"), 100, "USER jane" },
		{ SLICE_LIT("a\r\nb\0c"), 100, "a\\x0d\\x0ab\\x00c" },
		{ SLICE_LIT("[x]\\"), 100, "\\x5bx\\x5d\\x5c" },
		{ SLICE_LIT("\x1B\x7F\xC3\xA4"), 100, "\\x1b\\x7f\\xc3\\xa4" },
		{ SLICE_LIT("12345"), 5, "12345" },
		{ SLICE_LIT("12345"), 4, "1234..." },
		{ SLICE_LIT("1"), 0, "..." },
		{ SLICE_LIT(""), 0, "" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf out = BUF_INIT;

		text_escape(cases[i].text, cases[i].max, &out);
		ck_assert_str_eq(buf_cstr(&out), cases[i].shown);
		buf_release(&out);
	}
}
END_TEST

START_TEST(trim_and_ends)
{
	struct slice rest = SLICE_LIT(" \t one\r\ntwo ");

	ck_assert(slice_equal(text_word(&rest), SLICE_LIT("one")));
	ck_assert(slice_equal(text_word(&rest), SLICE_LIT("two")));
	ck_assert_uint_eq(text_word(&rest).n, 0);
	ck_assert_uint_eq(rest.n, 0);
	ck_assert(slice_equal(text_trim(SLICE_LIT(" \t a b\t ")), SLICE_LIT("a b")));
	ck_assert_uint_eq(text_trim(SLICE_LIT(" \t ")).n, 0);
	ck_assert_uint_eq(text_trim(slice_of(NULL)).n, 0);
	ck_assert(text_ends_nocase(SLICE_LIT("MAIL.Nsf"), ".nsf"));
	ck_assert(text_ends_nocase(SLICE_LIT("x"), ""));
	ck_assert(!text_ends_nocase(SLICE_LIT("nsf"), ".nsf"));
}
END_TEST

START_TEST(sizes)
{
	static const struct {
		uint64_t octets;
		const char *shown;
	} cases[] = {
		{ 0, "0 B" }, { 1023, "1023 B" }, { 1024, "1.0 KB" }, { 1536, "1.5 KB" },
		{ 1048575, "1.0 MB" }, { 1048576, "1.0 MB" }, { 13002342, "12.4 MB" },
		{ UINT64_MAX, "16.0 EB" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		char out[16];

		text_size(cases[i].octets, out);
		ck_assert_str_eq(out, cases[i].shown);
	}
	ck_assert_str_eq(text_plural(0), "s");
	ck_assert_str_eq(text_plural(1), "");
	ck_assert_str_eq(text_plural(UINT64_MAX), "s");
}
END_TEST

UNIT_MAIN("text", utf8, fold, fold_appends_and_passes_limits_on, numbers, escape, trim_and_ends,
          sizes)

/* A-labels: the examples of RFC 3492 section 7.1 and what hostile names bring. */
#include <check.h>

#include "base/idna.h"

static const struct {
	const char *domain, *ascii;     /* NULL: refused */
} names[] = {
	{ "example.com", "example.com" },
	{ "Example.COM", "Example.COM" },
	{ "bücher.example", "xn--bcher-kva.example" },
	{ "BÜCHER.Example", "xn--bcher-kva.Example" },
	{ "bu\xCC\x88" "cher.example", "xn--bcher-kva.example" },
	{ "faß.de", "xn--fa-hia.de" },
	{ "例え.テスト", "xn--r8jz45g.xn--zckzah" },
	{ "例え。テスト", "xn--r8jz45g.xn--zckzah" },
	{ "ｅｘａｍｐｌｅ.com", "example.com" },
	{ "他们为什么不说中文.cn", "xn--ihqwcrb4cv8a8dqg056pqjye.cn" },
	{ "почемужеонинеговорятпорусски", "xn--b1abfaaepdrnnbgefbadotcwatmq2g4l" },
	{ "3年b組金八先生", "xn--3b-ww4c5e180e575a65lsy2b" },
	{ "安室奈美恵-with-super-monkeys", "xn---with-super-monkeys-pc58ag80a8qai00g7n9n" },
	{ "hello-another-way-それぞれの場所", "xn--hello-another-way--fc4qua05auwb3674vfr0b" },
	{ "ひとつ屋根の下2", "xn--2-u9tlzr9756bt3uc0v" },
	{ "majiでkoiする5秒前", "xn--majikoi5-783gue6qz075azm5e" },
	{ "\U0001F600.example", "xn--e28h.example" },
	{ "", NULL },
	{ ".", NULL },
	{ "a..b", NULL },
	{ "ü.", NULL },
	{ "ü\xFF.example", NULL },
	{ "ü b.example", NULL },
	{ "ü@b.example", NULL },
	{ "ü>.example", NULL },
	{ "ü\r\nx.example", NULL },
	{ "ü\xC2\x85.example", NULL },
	{ "ａ．b／c", NULL },
};

START_TEST(test_name)
{
	struct buf out = BUF_INIT;
	STATUS status = idna_to_ascii(slice_of(names[_i].domain), &out);

	if (names[_i].ascii == NULL) {
		ck_assert_uint_eq(status, POSTIL_ERR_INVALID);
		ck_assert_uint_eq(out.n, 0);
	} else {
		ck_assert_uint_eq(status, NOERROR);
		ck_assert_str_eq(buf_cstr(&out), names[_i].ascii);
	}
	buf_release(&out);
}
END_TEST

/* Labels and names that are too long, in ASCII and beyond. */
START_TEST(test_long)
{
	struct buf name = BUF_INIT, out = BUF_INIT;

	for (int i = 0; i < 63; i++)
		buf_add_char(&name, 'a');
	ck_assert_uint_eq(idna_to_ascii(buf_slice(&name), &out), NOERROR);
	buf_add_char(&name, 'a');
	ck_assert_uint_eq(idna_to_ascii(buf_slice(&name), &out), POSTIL_ERR_INVALID);
	buf_clear(&name);
	for (int i = 0; i < 60; i++)
		buf_add_str(&name, "ü");
	ck_assert_uint_eq(idna_to_ascii(buf_slice(&name), &out), POSTIL_ERR_INVALID);
	buf_clear(&name);
	for (int i = 0; i < 50; i++)
		buf_add_str(&name, "ü.");
	buf_add_str(&name, "x");
	ck_assert_uint_eq(idna_to_ascii(buf_slice(&name), &out), POSTIL_ERR_INVALID);
	buf_clear(&name);
	for (int i = 0; i < 100000; i++)
		buf_add_str(&name, "ü");
	ck_assert_uint_eq(idna_to_ascii(buf_slice(&name), &out), POSTIL_ERR_INVALID);
	buf_release(&name);
	buf_release(&out);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("idna");
	TCase *tc = tcase_create("idna");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tc, test_name, 0, sizeof(names) / sizeof(names[0]));
	tcase_add_test(tc, test_long);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}

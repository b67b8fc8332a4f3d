/* Names of mail files, hostile ones included. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mailfile/store.h"
#include "tests/support/unit.h"

#define OCTETS(s) { s, sizeof(s) - 1 }
#define A_10 "aaaaaaaaaa"
#define A_50 A_10 A_10 A_10 A_10 A_10
#define LONG_250 A_50 A_50 A_50 A_50 A_50

static const struct {
	struct slice given;
	const char *path;       /* NULL: refused */
} cases[] = {
	{ OCTETS("mail/jdoe.nsf"), "mail/jdoe.nsf" },
	{ OCTETS("mail\\jdoe.nsf"), "mail/jdoe.nsf" },
	{ OCTETS("mail\\jdoe"), "mail/jdoe.nsf" },
	{ OCTETS("mail/jdoe.NSF"), "mail/jdoe.NSF" },
	{ OCTETS(" mail/jdoe "), "mail/jdoe.nsf" },
	{ OCTETS("jdoe"), "jdoe.nsf" },
	{ OCTETS("mail//jdoe"), "mail/jdoe.nsf" },
	{ OCTETS("./mail/./jdoe"), "mail/jdoe.nsf" },
	{ OCTETS("mail/j\xC3\xBCrgen"), "mail/j\xC3\xBCrgen.nsf" },
	{ OCTETS("mail/..jdoe"), "mail/..jdoe.nsf" },
	{ OCTETS("mail/jdoe.."), "mail/jdoe...nsf" },
	{ OCTETS("not/there/yet"), "not/there/yet.nsf" },
	{ OCTETS("inside/jdoe"), "inside/jdoe.nsf" },
	{ OCTETS("."), NULL },
	{ OCTETS(""), NULL },
	{ OCTETS("  "), NULL },
	{ OCTETS("/etc/passwd"), NULL },
	{ OCTETS("\\etc\\passwd"), NULL },
	{ OCTETS("c:\\notes\\mail\\jdoe.nsf"), NULL },
	{ OCTETS(".."), NULL },
	{ OCTETS("../jdoe"), NULL },
	{ OCTETS("mail/../../jdoe"), NULL },
	{ OCTETS("mail\\..\\..\\jdoe"), NULL },
	{ OCTETS("mail/.."), NULL },
	{ OCTETS("mail/"), NULL },
	{ OCTETS("mail\\"), NULL },
	{ OCTETS("mail/j\0doe"), NULL },
	{ OCTETS("mail/j\ndoe"), NULL },
	{ OCTETS("mail/j\x7F" "doe"), NULL },
	{ OCTETS("mail/\xFF"), NULL },
	{ OCTETS("outside/jdoe"), NULL },
	{ OCTETS("mail/link.nsf"), NULL },
	{ OCTETS("mail/nowhere.nsf"), NULL },
	{ OCTETS("mail/twice.nsf"), NULL },
	{ OCTETS("inside/twice"), NULL },
	{ OCTETS(LONG_250 "b.nsf"), LONG_250 "b.nsf" },
	{ OCTETS(LONG_250 "bb.nsf"), NULL },
	{ OCTETS(LONG_250 "bb"), NULL },
};

static char *dir;

static char *below(const char *name)
{
	char *path = NULL;

	ck_assert_int_gt(asprintf(&path, "%s/%s", dir, name), 0);
	return path;
}

static void link_to(const char *target, const char *name)
{
	char *path = below(name);

	ck_assert_int_eq(symlink(target, path), 0);
	free(path);
}

static void setup(void)
{
	char *mail, *file;

	dir = unit_tempdir();
	mail = below("mail");
	ck_assert_int_eq(mkdir(mail, 0700), 0);
	free(mail);
	file = below("mail/once.nsf");
	close(open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	free(file);
	link_to("once.nsf", "mail/twice.nsf");
	link_to("mail", "inside");
	link_to("/tmp", "outside");
	link_to("/etc/passwd", "mail/link.nsf");
	link_to("gone", "mail/nowhere.nsf");
}

static void teardown(void)
{
	unit_tempdir_remove(&dir);
}

START_TEST(test_paths)
{
	struct buf path = BUF_INIT;
	struct fault fault = { 0 };
	STATUS status = mailfile_path(dir, cases[_i].given, &path, &fault);

	if (cases[_i].path != NULL) {
		ck_assert_uint_eq(status, NOERROR);
		ck_assert_str_eq(buf_cstr(&path), cases[_i].path);
	} else {
		ck_assert_uint_eq(status, POSTIL_ERR_INVALID);
		ck_assert_uint_eq(path.n, 0);
		ck_assert_ptr_nonnull(strstr(fault.text, "cannot be used"));
		ck_assert_ptr_null(strchr(fault.text, '\n'));
	}
	buf_release(&path);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("path");
	TCase *tc = tcase_create("mailfile_path");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, test_paths, 0, sizeof(cases) / sizeof(cases[0]));
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}

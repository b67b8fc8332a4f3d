/* Helpers of the unit tests. Only our own tests call this. */
#include "tests/support/unit.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/banned.h"

int unit_run(const char *name, const TTest *const *tests)
{
	Suite *suite = suite_create(name);
	TCase *tcase = tcase_create(name);
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 120);
	for (; *tests != NULL; tests++)
		tcase_add_test(tcase, *tests);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

char *unit_tempdir(void)
{
	const char *base = getenv("TMPDIR");
	char *path = NULL;

	if (base == NULL || base[0] == '\0')
		base = "/tmp";
	ck_assert_int_ge(asprintf(&path, "%s/postil-unit-XXXXXX", base), 0);
	ck_assert_msg(mkdtemp(path) != NULL, "cannot make %s: %m", path);
	return path;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	return remove(path);
}

void unit_tempdir_remove(char **path)
{
	if (*path != NULL)
		nftw(*path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(*path);
	*path = NULL;
}

long unit_resident_kib(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	char text[100], *end;
	long resident;

	ck_assert_ptr_nonnull(f);
	ck_assert_ptr_nonnull(fgets(text, sizeof(text), f));
	fclose(f);
	strtol(text, &end, 10);         /* all, then the resident set, in pages */
	resident = strtol(end, NULL, 10);
	return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

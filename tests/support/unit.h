/*
 * What every unit test needs: one call that runs its Check tests, and a
 * temporary directory that goes away.
 */
#ifndef POSTIL_TESTS_SUPPORT_UNIT_H
#define POSTIL_TESTS_SUPPORT_UNIT_H

#include <check.h>

/* Run the tests (list ends with NULL), each in a process of its own unless
 * CK_FORK=no; the result is main()'s: 0 if all passed. */
int unit_run(const char *name, const TTest *const *tests);
#define UNIT_MAIN(name, ...) \
	int main(void) \
	{ \
		const TTest *const tests[] = { __VA_ARGS__, NULL }; \
		return unit_run(name, tests); \
	}

/* A new directory under $TMPDIR or /tmp, mode 700; the test fails if it cannot
 * be made. The path is the caller's to free. */
char *unit_tempdir(void);
/* The resident set of this process, in KiB. */
long unit_resident_kib(void);
/* Remove the directory and all in it, free the path and set it to NULL. */
void unit_tempdir_remove(char **path);

#endif

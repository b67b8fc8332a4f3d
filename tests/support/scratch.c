/* Temporary directories of tests. */
#include "tests/support/scratch.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *scratch_path(const char *dir, const char *name)
{
	char *path = NULL;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		abort();
	return path;
}

char *scratch_new(void)
{
	const char *base = getenv("TMPDIR");
	char *dir = scratch_path(base != NULL && base[0] == '/' ? base : "/tmp",
	                         "postil-test.XXXXXX");

	if (mkdtemp(dir) == NULL) {
		perror(dir);
		abort();
	}
	return dir;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

void scratch_remove(char **dir)
{
	if (*dir == NULL)
		return;
	nftw(*dir, remove_one, 32, FTW_DEPTH | FTW_PHYS);
	free(*dir);
	*dir = NULL;
}

/* At the end of a task: files that nobody has open any more are left as one file each, without
 * log and index. Names found in folders are distrusted as paths go; links are not followed. */
#include "mailfile/tidy.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "nsf/maint.h"

#define DEPTH_MAX 32

static void folder(const char *path, uint64_t end_ms, int depth);

static void entry(char *path, uint64_t end_ms, int depth)
{
	static const char ending[] = ".nsf-wal";
	size_t n = strlen(path), m = sizeof(ending) - 1;
	struct stat st;

	if (lstat(path, &st) != 0)
		return;
	if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX)
		folder(path, end_ms, depth + 1);
	if (!S_ISREG(st.st_mode) || n <= m || strcmp(path + n - m, ending) != 0)
		return;
	path[n - 4] = '\0';
	nsf_tidy(path);
}

static void folder(const char *path, uint64_t end_ms, int depth)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	char name[PATH_MAX];

	while (dir != NULL && (e = readdir(dir)) != NULL && clock_mono_ms() < end_ms) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (snprintf(name, sizeof(name), "%s/%s", path, e->d_name) < (int)sizeof(name))
			entry(name, end_ms, depth);
	}
	if (dir != NULL)
		closedir(dir);
}

void mailfile_tidy(const char *data_dir, uint32_t limit_ms)
{
	folder(data_dir, clock_mono_ms() + limit_ms, 0);
}

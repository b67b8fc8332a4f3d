/*
 * Runs a fuzz target without libFuzzer: every file of its seed directory, and
 * cut-off beginnings of each, in memory of exactly their size. Seeds are ours,
 * but hold hostile input by their nature.
 *
 *	fuzz_NAME [FILE...]     default: $top_srcdir/tests/fuzz/seeds/NAME/
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

enum { CUTS = 48 };

static void run_copy(const uint8_t *data, size_t n)
{
	uint8_t *copy = malloc(n == 0 ? 1 : n);

	if (copy == NULL)
		abort();
	if (n != 0)
		memcpy(copy, data, n);
	LLVMFuzzerTestOneInput(copy, n);
	free(copy);
}

static void run_whole_and_cut(const uint8_t *data, size_t n)
{
	size_t step = n / CUTS + 1;

	run_copy(data, n);
	for (size_t cut = 0; cut < n; cut += step)
		run_copy(data, cut);
}

static bool run_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	uint8_t *data = NULL;
	bool good = false;

	if (fd >= 0 && fstat(fd, &st) == 0)
		data = malloc((size_t)st.st_size + 1);
	if (data != NULL && read(fd, data, (size_t)st.st_size) == st.st_size) {
		run_whole_and_cut(data, (size_t)st.st_size);
		good = true;
	}
	if (!good)
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	free(data);
	return good;
}

/* The number of files run, or -1. */
static int run_directory(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int count = 0;

	if (dir == NULL)
		return -1;
	while (count >= 0 && (entry = readdir(dir)) != NULL) {
		char *file = NULL;

		if (entry->d_name[0] == '.')
			continue;
		if (asprintf(&file, "%s/%s", path, entry->d_name) < 0)
			abort();
		count = run_file(file) ? count + 1 : -1;
		free(file);
	}
	closedir(dir);
	return count;
}

static int run_seeds(const char *program)
{
	const char *top = getenv("top_srcdir"), *base = strrchr(program, '/');
	const char *prefix = strstr(base == NULL ? program : base, "fuzz_");
	char *path = NULL;
	int count;

	if (prefix == NULL)
		return EXIT_FAILURE;
	if (asprintf(&path, "%s/tests/fuzz/seeds/%s", top == NULL ? "." : top, prefix + 5) < 0)
		abort();
	count = run_directory(path);
	printf("%s: %d seeds\n", path, count);
	free(path);
	return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return run_seeds(argv[0]);
	for (int i = 1; i < argc; i++)
		if (!run_file(argv[i]))
			return EXIT_FAILURE;
	return EXIT_SUCCESS;
}

/* FILE and DIR arguments. Distrusted: arguments, names found in folders, links;
 * names with control characters are shown by nobody who has not escaped them. */
#include "addin/maint/walk.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "mailfile/store.h"

#define DEPTH_MAX 32

static STATUS add(struct walk *walk, const char *path)
{
	char **more = walk->paths;

	if (walk->count % 256 == 0) {
		more = realloc(walk->paths, (walk->count + 256) * sizeof(*more));
		if (more == NULL)
			return POSTIL_ERR_MEMORY;
		walk->paths = more;
	}
	more[walk->count] = strdup(path);
	if (more[walk->count] == NULL)
		return POSTIL_ERR_MEMORY;
	walk->count++;
	return NOERROR;
}

static STATUS folder(struct walk *walk, const char *data_dir, const char *relative, int depth);

/* One name in a folder: relative is its path below the data directory. */
static STATUS entry(struct walk *walk, const char *data_dir, const char *relative, int depth)
{
	char full[PATH_MAX];
	struct stat st;

	if (snprintf(full, sizeof(full), "%s/%s", data_dir, relative) >= (int)sizeof(full)
	    || lstat(full, &st) != 0)
		return NOERROR;
	if (S_ISDIR(st.st_mode))
		return depth < DEPTH_MAX ? folder(walk, data_dir, relative, depth + 1) : NOERROR;
	if (S_ISREG(st.st_mode) && text_ends_nocase(slice_of(relative), ".nsf"))
		return add(walk, relative);
	return NOERROR;
}

static STATUS folder(struct walk *walk, const char *data_dir, const char *relative, int depth)
{
	char path[PATH_MAX];
	struct dirent *e;
	STATUS status = NOERROR;
	DIR *dir;

	if (snprintf(path, sizeof(path), "%s/%s", data_dir, relative) >= (int)sizeof(path))
		return NOERROR;
	dir = opendir(path);
	if (dir == NULL)
		return errno == EACCES ? POSTIL_ERR_PERMISSION : NOERROR;       /* gone meanwhile */
	while (status == NOERROR && (e = readdir(dir)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (snprintf(path, sizeof(path), "%s%s%s", relative, relative[0] == '\0' ? "" : "/",
		             e->d_name) < (int)sizeof(path))
			status = entry(walk, data_dir, path, depth);
	}
	closedir(dir);
	return status;
}

/* An absolute path into the data directory, as log lines show it, is one relative to it. */
static const char *inside(const char *data_dir, const char *argument)
{
	size_t n = strlen(data_dir);

	while (n > 1 && data_dir[n - 1] == '/')
		n--;
	if (strncmp(argument, data_dir, n) == 0 && argument[n] == '/')
		return argument + n + 1;
	return argument;
}

static bool is_folder(const char *data_dir, const char *relative)
{
	char full[PATH_MAX];
	struct stat st;

	return snprintf(full, sizeof(full), "%s/%s", data_dir, relative) < (int)sizeof(full)
	       && stat(full, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Clean by the rules for mail files; a folder is known by its name without .nsf. */
static STATUS clean(const char *data_dir, const char *argument, char out[PATH_MAX],
                    struct fault *fault)
{
	struct buf path = BUF_INIT;
	struct slice given = slice_of(argument);
	STATUS status;

	while (given.n > 1 && (given.p[given.n - 1] == '/' || given.p[given.n - 1] == '\\'))
		given.n--;
	status = mailfile_path(data_dir, given, &path, fault);
	if (status == NOERROR && path.n >= PATH_MAX)
		status = fault_set(fault, POSTIL_ERR_TOO_LONG, "%s: the name is too long", argument);
	if (status == NOERROR)
		memcpy(out, buf_cstr(&path), path.n + 1);
	buf_release(&path);
	if (status == NOERROR && !text_ends_nocase(given, ".nsf")) {
		size_t n = strlen(out);

		out[n - 4] = '\0';
		if (!is_folder(data_dir, out))
			out[n - 4] = '.';
	}
	return status;
}

STATUS walk_add(struct walk *walk, const char *data_dir, const char *argument, struct fault *fault)
{
	char path[PATH_MAX], full[PATH_MAX];
	struct stat st;
	STATUS status = NOERROR;

	path[0] = '\0';
	if (argument != NULL && strcmp(argument, ".") != 0) {
		argument = inside(data_dir, argument);
		status = clean(data_dir, argument, path, fault);
	}
	if (status != NOERROR)
		return status;
	if (snprintf(full, sizeof(full), "%s/%s", data_dir, path) >= (int)sizeof(full))
		return fault_set(fault, POSTIL_ERR_TOO_LONG, "%s: the name is too long", argument);
	if (stat(full, &st) != 0)
		return fault_set(fault, POSTIL_ERR_NOEXIST, "%s: %s", path, strerrordesc_np(errno));
	status = S_ISDIR(st.st_mode) ? folder(walk, data_dir, path, 0) : add(walk, path);
	return status == NOERROR ? status : fault_set(fault, status, "%s: %s", full, status_text(status));
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void walk_sort(struct walk *walk)
{
	size_t kept = 0;

	if (walk->count < 2)
		return;
	qsort(walk->paths, walk->count, sizeof(*walk->paths), by_name);
	for (size_t i = 1; i < walk->count; i++) {
		if (strcmp(walk->paths[i], walk->paths[kept]) == 0)
			free(walk->paths[i]);
		else
			walk->paths[++kept] = walk->paths[i];
	}
	walk->count = kept + 1;
}

void walk_release(struct walk *walk)
{
	for (size_t i = 0; i < walk->count; i++)
		free(walk->paths[i]);
	free(walk->paths);
	*walk = (struct walk){ .paths = NULL };
}

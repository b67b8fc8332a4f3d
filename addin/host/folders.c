/*
 * A watch is set before a folder is read, so that what comes after the reading is
 * told. Links are followed as the compiler follows them; each folder is visited
 * once, known by device and inode, so that none leads round in circles. While
 * there is no DATA/names the data directory itself is watched for it.
 * Distrusts what lies there in number, depth and kind.
 */
#include "addin/host/folders.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <search.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/banned.h"

#define NAMES "names"
#define READS_MOST 64           /* at once; the rest is told again */
#define MASK (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE \
              | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
#define MASK_PARENT (IN_MOVED_TO | IN_CREATE | IN_ONLYDIR)

struct visit {
	dev_t device;
	ino_t inode;
};

struct watches {
	int ids[FOLDERS_WATCHED_MAX];
	size_t count;
};

struct folders {
	char *data_dir;
	int fd;
	atomic_int parent_id;           /* the watch on the data directory; -1: none */
	atomic_uint unwatched;
	struct watches now, next;       /* of the last look, and of the one under way */
	void *visited;                  /* tsearch of struct visit */
	size_t visited_count;
	unsigned missed;
	uint64_t sum;
};

STATUS folders_new(const char *data_dir, struct folders **folders_r)
{
	struct folders *f = calloc(1, sizeof(*f));

	if (f != NULL)
		f->data_dir = strdup(data_dir);
	if (f == NULL || f->data_dir == NULL) {
		free(f);
		return POSTIL_ERR_MEMORY;
	}
	atomic_init(&f->parent_id, -1);
	f->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	*folders_r = f;
	return NOERROR;
}

void folders_free(struct folders **folders)
{
	struct folders *f = *folders;

	*folders = NULL;
	if (f == NULL)
		return;
	if (f->fd >= 0)
		close(f->fd);
	free(f->data_dir);
	free(f);
}

int folders_fd(const struct folders *f)
{
	return f->fd;
}

unsigned folders_unwatched(const struct folders *f)
{
	return atomic_load(&f->unwatched);
}

/* --- what inotify tells ---------------------------------------------------------- */

static bool is_news(const struct folders *f, const struct inotify_event *event)
{
	if (event->mask & IN_Q_OVERFLOW)
		return true;
	if (event->mask & IN_IGNORED)
		return false;
	if (event->wd == atomic_load(&f->parent_id))
		return event->len > 0 && strcmp(event->name, NAMES) == 0;
	/* A new file is news once it has been written. */
	return !(event->mask & IN_CREATE) || (event->mask & IN_ISDIR);
}

bool folders_changed(struct folders *f)
{
	_Alignas(struct inotify_event) char octets[16384];
	bool news = false;
	ssize_t n;

	for (int i = 0; i < READS_MOST && (n = read(f->fd, octets, sizeof(octets))) > 0; i++) {
		const char *p = octets;

		while (p < octets + n) {
			const struct inotify_event *event = (const void *)p;

			news |= is_news(f, event);
			p += sizeof(*event) + event->len;
		}
	}
	return news;
}

/* --- looking --------------------------------------------------------------------- */

static uint64_t mix(uint64_t sum, const void *p, size_t n)
{
	const unsigned char *octets = p;

	for (size_t i = 0; i < n; i++)
		sum = (sum ^ octets[i]) * 0x100000001B3u;
	return sum;
}

static int compare_visits(const void *a, const void *b)
{
	const struct visit *x = a, *y = b;

	if (x->device != y->device)
		return x->device < y->device ? -1 : 1;
	return x->inode < y->inode ? -1 : x->inode > y->inode;
}

/* false: it was visited before, or there have been too many. */
static bool visit_first(struct folders *f, const struct stat *st)
{
	struct visit *visit, **known;

	if (f->visited_count == FOLDERS_LOOKED_MAX)
		return false;
	visit = malloc(sizeof(*visit));
	if (visit == NULL)
		return false;
	*visit = (struct visit){ st->st_dev, st->st_ino };
	known = tsearch(visit, &f->visited, compare_visits);
	if (known == NULL || *known != visit) {
		free(visit);
		return false;
	}
	f->visited_count++;
	return true;
}

static int watch(struct folders *f, const char *path, uint32_t mask)
{
	int id = -1;

	if (f->fd >= 0 && f->next.count < FOLDERS_WATCHED_MAX)
		id = inotify_add_watch(f->fd, path, mask);
	if (id >= 0)
		f->next.ids[f->next.count++] = id;
	else
		f->missed++;
	return id;
}

/* The sum does not depend on the order in which files are found. */
static void take_file(struct folders *f, const char *path, const char *name,
                      const struct stat *st)
{
	uint64_t sum = 0xCBF29CE484222325u;

	sum = mix(sum, path, strlen(path) + 1);
	sum = mix(sum, name, strlen(name));
	sum = mix(sum, &st->st_size, sizeof(st->st_size));
	sum = mix(sum, &st->st_ino, sizeof(st->st_ino));
	sum = mix(sum, &st->st_mtim, sizeof(st->st_mtim));
	f->sum += sum;
}

static void visit(struct folders *f, const char *path, int deep);

static void take_entries(struct folders *f, DIR *dir, const char *path, int deep)
{
	struct dirent *entry;
	struct stat st;

	while ((entry = readdir(dir)) != NULL) {
		char below[PATH_MAX];

		if (entry->d_name[0] == '.' || fstatat(dirfd(dir), entry->d_name, &st, 0) != 0)
			continue;
		if (!S_ISDIR(st.st_mode)) {
			take_file(f, path, entry->d_name, &st);
			continue;
		}
		f->sum += mix(mix(1, path, strlen(path) + 1), entry->d_name,
		              strlen(entry->d_name));
		if (deep < FOLDERS_DEEP && (size_t)snprintf(below, sizeof(below), "%s/%s", path,
		                                            entry->d_name) < sizeof(below)
		    && visit_first(f, &st))
			visit(f, below, deep + 1);
	}
}

static void visit(struct folders *f, const char *path, int deep)
{
	DIR *dir;

	watch(f, path, MASK);
	dir = opendir(path);
	if (dir == NULL)
		return;
	take_entries(f, dir, path, deep);
	closedir(dir);
}

/* The data directory is watched first: a folder that comes meanwhile is told. */
static void look_at_names(struct folders *f)
{
	char path[PATH_MAX];
	struct stat st;

	if ((size_t)snprintf(path, sizeof(path), "%s/" NAMES, f->data_dir) >= sizeof(path))
		return;
	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
		atomic_store(&f->parent_id, watch(f, f->data_dir, MASK_PARENT));
	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
		return;
	f->sum = 1;
	if (visit_first(f, &st))
		visit(f, path, 0);
}

static int compare_ids(const void *a, const void *b)
{
	return *(const int *)a < *(const int *)b ? -1 : *(const int *)a > *(const int *)b;
}

static void unwatch_gone(struct folders *f)
{
	qsort(f->next.ids, f->next.count, sizeof(int), compare_ids);
	for (size_t i = 0; i < f->now.count; i++)
		if (bsearch(&f->now.ids[i], f->next.ids, f->next.count, sizeof(int),
		            compare_ids) == NULL)
			inotify_rm_watch(f->fd, f->now.ids[i]);
	f->now = f->next;
}

uint64_t folders_look(struct folders *f)
{
	f->next.count = 0;
	f->visited_count = 0;
	f->missed = 0;
	f->sum = 0;
	atomic_store(&f->parent_id, -1);
	look_at_names(f);
	unwatch_gone(f);
	tdestroy(f->visited, free);
	f->visited = NULL;
	atomic_store(&f->unwatched, f->missed);
	return f->sum;
}

/* The files of a directory of mail, and what the files beside them say of UIDLs.
 * Whoever owns the directory may have laid anything into it: links, pipes, sockets,
 * names of any octets, lists that name what is not there. Nothing is reached but
 * through the directories that are open. */
#include "mailfile/importdir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIST_OCTETS_MAX ((off_t)256 << 20)

bool listing_has(int fd, const char *name)
{
	struct stat st;

	return fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0
	       && (S_ISDIR(st.st_mode) || S_ISREG(st.st_mode));
}

int listing_subdirectory(int fd, const char *name)
{
	return openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

/* The directory itself stays open when the listing of it is closed. */
static DIR *directory_of(int fd)
{
	int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = again < 0 ? NULL : fdopendir(again);

	if (dir == NULL && again >= 0)
		close(again);
	return dir;
}

/* --- files of UIDLs ------------------------------------------------------------------ */

static STATUS read_list(int fd, off_t size, struct buf *out)
{
	ssize_t n = 1;

	if (buf_reserve(out, (size_t)size + 1) != NOERROR)
		return POSTIL_ERR_MEMORY;
	while (n != 0 && out->n <= (size_t)size) {
		n = read(fd, out->p + out->n, (size_t)size + 1 - out->n);
		if (n < 0 && errno != EINTR)
			return POSTIL_ERR_IO;
		out->n += n > 0 ? (size_t)n : 0;
	}
	return NOERROR;
}

static void tell_ignored(struct importer *im, const struct uidl_map *map, const char *name)
{
	size_t first, ignored = uidl_map_ignored(map, &first);

	if (ignored == 0)
		return;
	im->report->lines_ignored += ignored;
	if (first != 0)
		importer_say(im, "%.300s: %zu record%s ignored, the first is %zu", name, ignored,
		             ignored == 1 ? " was" : "s were", first);
}

/* A server's list beside its messages: read if it is a file; what it is not, is told. */
static STATUS take_list(struct importer *im, struct listing *l, const char *name,
                        enum uidl_map_kind kind, struct timespec *written_r)
{
	int fd = openat(l->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	struct buf text = BUF_INIT;
	char path[PATH_MAX];
	struct fault fault = { 0 };
	struct stat st;
	STATUS status;

	if (fd < 0)
		return NOERROR;
	snprintf(path, sizeof(path), "%s/%s", l->path, name);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > LIST_OCTETS_MAX) {
		importer_say(im, "%.300s is not used: it is no file of a usual size", path);
		close(fd);
		return NOERROR;
	}
	status = read_list(fd, st.st_size, &text);
	close(fd);
	if (status == NOERROR)
		status = uidl_map_parse(buf_slice(&text), kind, im->options->uidl_format, true, path,
		                        &l->maps[l->map_count], &fault);
	buf_release(&text);
	if (status == POSTIL_ERR_SYNTAX) {
		importer_say(im, "%s; it is not used", fault.text);
		im->report->lines_ignored++;
		return NOERROR;
	}
	if (status != NOERROR)
		return fault_set(im->fault, status, "cannot read %s: %s", path, status_text(status));
	tell_ignored(im, l->maps[l->map_count++], path);
	*written_r = st.st_mtim;
	return NOERROR;
}

static STATUS take_lists(struct importer *im, struct listing *l)
{
	struct timespec written[2] = { { 0, 0 }, { 0, 0 } };
	STATUS status = NOERROR;

	if (l->kind == LISTING_CYRUS)
		return take_list(im, l, "cyrus.index", UIDL_MAP_CYRUS, &written[0]);
	if (l->kind == LISTING_MAILDIR)
		status = take_list(im, l, "dovecot-uidlist", UIDL_MAP_DOVECOT, &written[0]);
	if (status == NOERROR && l->kind == LISTING_MAILDIR && l->top)
		status = take_list(im, l, "courierpop3dsizelist", UIDL_MAP_COURIER,
		                   &written[l->map_count]);
	if (l->map_count == 2 && (written[1].tv_sec > written[0].tv_sec
	    || (written[1].tv_sec == written[0].tv_sec
	        && written[1].tv_nsec > written[0].tv_nsec))) {
		struct uidl_map *other = l->maps[0];

		l->maps[0] = l->maps[1];
		l->maps[1] = other;
	}
	if (l->map_count == 2)
		importer_say(im, "%.300s has UIDLs of Dovecot and of Courier; those of %s hold, whose"
		             " list is the newer one", l->path,
		             uidl_map_kind(l->maps[0]) == UIDL_MAP_DOVECOT ? "Dovecot" : "Courier");
	return status;
}

/* --- names --------------------------------------------------------------------------------- */

static bool ends_in(const char *name, const char *suffix)
{
	size_t n = strlen(name), k = strlen(suffix);

	return n > k && strcasecmp(name + n - k, suffix) == 0;
}

/* "17." */
static bool is_cyrus_name(const char *name)
{
	size_t n = strspn(name, "0123456789");

	return n > 0 && name[0] != '0' && strcmp(name + n, ".") == 0;
}

static bool is_message(const struct listing *l, const char *name)
{
	if (name[0] == '.')
		return false;
	switch (l->kind) {
	case LISTING_EML: return ends_in(name, ".eml");
	case LISTING_CYRUS: return is_cyrus_name(name);
	default: return true;
	}
}

/* What UIDL files call the message. */
static struct slice key_of(const struct listing *l, const char *name)
{
	struct slice key = slice_of(name);
	const char *colon;

	if (l->kind == LISTING_CYRUS)
		key.n--;
	else if (l->kind == LISTING_MAILDIR && (colon = memchr(key.p, ':', key.n)) != NULL)
		key.n = (size_t)(colon - key.p);
	return key;
}

/* Of two lists the newer one that knows a UIDL. */
static const struct uidl_facts *facts_of(const struct listing *l, struct slice key)
{
	const struct uidl_facts *first = NULL;

	for (size_t i = 0; i < l->map_count; i++) {
		const struct uidl_facts *facts = uidl_map_facts(l->maps[i], key);

		if (facts != NULL && facts->uidl.n != 0)
			return facts;
		if (first == NULL)
			first = facts;
	}
	return first;
}

static STATUS add_name(struct listing *l, const char *name, unsigned char part)
{
	struct listed *entry;

	if (l->count == l->room) {
		size_t room = l->room == 0 ? 256 : l->room * 2;
		struct listed *list = realloc(l->list, room * sizeof(*list));

		if (list == NULL)
			return POSTIL_ERR_MEMORY;
		l->list = list;
		l->room = room;
	}
	entry = &l->list[l->count];
	*entry = (struct listed){ arena_strdup(&l->arena, name), part, NULL };
	if (entry->name == NULL)
		return POSTIL_ERR_MEMORY;
	entry->facts = facts_of(l, key_of(l, entry->name));
	l->count++;
	return NOERROR;
}

static STATUS collect(struct importer *im, struct listing *l, unsigned char part)
{
	DIR *dir = l->parts[part] < 0 ? NULL : directory_of(l->parts[part]);
	struct dirent *entry;
	STATUS status = NOERROR;

	if (dir == NULL)
		return l->parts[part] < 0 ? NOERROR : importer_read_failed(im, l->path, errno);
	while (status == NOERROR && (entry = readdir(dir)) != NULL)
		if (is_message(l, entry->d_name))
			status = add_name(l, entry->d_name, part);
	closedir(dir);
	return status;
}

/* POP3 numbers of Dovecot follow its order or UIDs. */
static uint64_t place_of(const struct listed *entry)
{
	const struct uidl_facts *facts = entry->facts;

	if (facts == NULL || (facts->order == 0 && facts->uid == 0))
		return UINT64_MAX;
	return facts->order != 0 ? facts->order : facts->uid;
}

/* Names by number, then by text: "2.eml" before "10.eml", Maildir files by time. */
static int compare_names(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;

	return strverscmp(x->name, y->name);
}

static int compare_places(const void *a, const void *b)
{
	uint64_t x = place_of(a), y = place_of(b);

	return x != y ? (x > y) - (x < y) : compare_names(a, b);
}

static void sort(struct listing *l)
{
	bool by_place = l->map_count > 0 && uidl_map_kind(l->maps[0]) == UIDL_MAP_DOVECOT;

	if (l->count > 1)
		qsort(l->list, l->count, sizeof(l->list[0]),
		      by_place ? compare_places : compare_names);
}

/* --- the whole ----------------------------------------------------------------------------- */

void listing_close(struct listing *l)
{
	for (size_t i = 0; i < 2; i++) {
		if (l->parts[i] >= 0 && l->parts[i] != l->fd)
			close(l->parts[i]);
		uidl_map_free(&l->maps[i]);
	}
	if (l->fd >= 0)
		close(l->fd);
	arena_release(&l->arena);
	free(l->list);
}

/* Of a Maildir; one that is a link is not followed. */
static void open_part(struct importer *im, struct listing *l, size_t part, const char *name)
{
	char path[PATH_MAX];

	l->part_names[part] = name;
	l->parts[part] = listing_subdirectory(l->fd, name + 1);
	if (l->parts[part] >= 0 || errno == ENOENT)
		return;
	snprintf(path, sizeof(path), "%s%s", l->path, name);
	im->source = path;
	importer_pass_over(im, errno == ELOOP || errno == ENOTDIR ? "it is not a directory"
	                                                          : strerrordesc_np(errno));
	im->source = l->path;
}

STATUS listing_open(struct importer *im, struct listing *l, enum listing_kind kind, bool top,
                    const char *path, int fd)
{
	STATUS status;

	*l = (struct listing){ .kind = kind, .top = top, .path = path, .fd = fd,
	                       .parts = { fd, -1 }, .part_names = { "", "" },
	                       .arena = ARENA_INIT };
	if (kind == LISTING_MAILDIR) {
		open_part(im, l, 0, "/cur");
		open_part(im, l, 1, "/new");
	}
	status = take_lists(im, l);
	for (unsigned char i = 0; i < 2 && status == NOERROR; i++)
		status = collect(im, l, i);
	if (status == NOERROR)
		sort(l);
	return status;
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static STATUS add_text(struct arena *arena, const char *name, char ***names, size_t *count,
                       size_t *room)
{
	if (*count == *room) {
		size_t more = *room == 0 ? 16 : *room * 2;
		char **grown = realloc(*names, more * sizeof(*grown));

		if (grown == NULL)
			return POSTIL_ERR_MEMORY;
		*names = grown;
		*room = more;
	}
	(*names)[*count] = arena_strdup(arena, name);
	return (*names)[*count] == NULL ? POSTIL_ERR_MEMORY : ((*count)++, NOERROR);
}

STATUS listing_folders(int fd, bool dotted, struct arena *arena, char ***names_r,
                       size_t *count_r)
{
	DIR *dir = directory_of(fd);
	struct dirent *entry;
	STATUS status = NOERROR;
	size_t room = 0;

	*names_r = NULL;
	*count_r = 0;
	while (dir != NULL && status == NOERROR && (entry = readdir(dir)) != NULL) {
		const char *name = entry->d_name;

		if ((name[0] == '.') != dotted || strcmp(name, ".") == 0 || strcmp(name, "..") == 0
		    || (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN))
			continue;
		status = add_text(arena, name, names_r, count_r, &room);
	}
	if (dir != NULL)
		closedir(dir);
	if (*count_r > 1)
		qsort(*names_r, *count_r, sizeof(**names_r), compare_texts);
	return status;
}

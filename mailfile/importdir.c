/* Importing directories: *.eml files, the Maildirs of Dovecot and Courier with their
 * folders (Maildir++, and directories within), mailboxes of Cyrus. Links are never
 * followed: their owner may not be who may read what they lead to. */
#include "mailfile/importdir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "mailfile/maildirname.h"

#define AHEAD 8         /* files that are open, and being read by the system, before their turn */

/* --- one file -------------------------------------------------------------------------- */

static int open_file(const struct listing *l, unsigned char part, const char *name)
{
	int fd = openat(l->parts[part], name,
	                O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);

	return fd < 0 ? -errno : fd;
}

/* A message that another program has moved to cur or marked meanwhile. */
static int open_moved(const struct listing *l, const char *name)
{
	size_t n = strcspn(name, ":");

	for (unsigned char part = 0; part < 2 && l->kind == LISTING_MAILDIR; part++) {
		int again = l->parts[part] < 0 ? -1
		            : openat(l->parts[part], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		DIR *dir = again < 0 ? NULL : fdopendir(again);
		struct dirent *entry;
		int fd = -ENOENT;

		if (dir == NULL) {
			if (again >= 0)
				close(again);
			continue;
		}
		while (fd == -ENOENT && (entry = readdir(dir)) != NULL)
			if (strncmp(entry->d_name, name, n) == 0
			    && (entry->d_name[n] == ':' || entry->d_name[n] == '\0'))
				fd = open_file(l, part, entry->d_name);
		closedir(dir);
		if (fd != -ENOENT)
			return fd;
	}
	return -ENOENT;
}

static const char *why_not(int error)
{
	switch (error) {
	case ELOOP: return "it is a link";
	case ENOENT: return "it is no longer there";
	case ENXIO: return "it is not a regular file";
	default: return strerrordesc_np(error);
	}
}

static int64_t file_ms(const struct stat *st)
{
	return (int64_t)st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / 1000000;
}

/* When the message came: the file's time, which servers keep as IMAP's INTERNALDATE, or
 * the second in its name where that is earlier (the files have been copied since). */
static int64_t received_of(const struct listing *l, const char *name, const struct stat *st)
{
	int64_t ms = file_ms(st);
	int64_t named = l->kind == LISTING_MAILDIR ? maildir_secs(slice_of(name)) : 0;

	if (named > 0 && (ms <= 0 || named * 1000 + 999 < ms))
		return named * 1000;
	return ms > 0 ? ms : clock_wall_ms();
}

/* A UIDL made of the name alone, where the format needs no more. */
static STATUS uidl_of_name(struct importer *im, struct slice base)
{
	struct uidl_parts parts = { .filename = base, .guid = base };
	struct buf text = BUF_INIT;
	STATUS status = NOERROR;

	if (im->options->uidl_format != NULL
	    && uidl_format_make(im->options->uidl_format, &parts, &text))
		status = importer_uidl(im, buf_slice(&text));
	buf_release(&text);
	return status;
}

/* What name, lists and the file itself say. */
static STATUS describe(struct importer *im, const struct listing *l,
                       const struct listed *entry, const struct stat *st)
{
	struct slice name = slice_of(entry->name), base = name;
	const struct uidl_facts *mapped;
	STATUS status = NOERROR;

	if (l->kind != LISTING_EML)
		base.n = strcspn(entry->name, l->kind == LISTING_CYRUS ? "." : ":");
	im->incoming = (struct incoming){ .received_ms = received_of(l, entry->name, st) };
	if (l->kind == LISTING_MAILDIR)
		im->incoming.flags = maildir_flags(name);
	importer_facts(im, entry->facts);
	if (entry->facts != NULL && !l->top && !entry->facts->recorded)
		im->incoming.uidl = (struct slice){ NULL, 0 };  /* no client has seen it */
	mapped = uidl_map_facts(im->options->uidls, base);
	if (mapped == NULL)
		mapped = uidl_map_facts(im->options->uidls, name);
	importer_facts(im, mapped);
	if (l->top && l->kind == LISTING_MAILDIR && im->incoming.uidl.n == 0
	    && !im->incoming.unusable)
		status = uidl_of_name(im, base);
	return status;
}

static STATUS read_one(struct importer *im, const struct listing *l,
                       const struct listed *entry, int fd)
{
	char path[PATH_MAX];
	struct stat st;
	STATUS status;

	snprintf(path, sizeof(path), "%s%s/%s", l->path, l->part_names[entry->part], entry->name);
	im->source = path;
	if (fd == -ENOENT)
		fd = open_moved(l, entry->name);
	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		importer_pass_over(im, fd >= 0 ? "it is not a regular file" : why_not(-fd));
		status = NOERROR;
	} else {
		status = describe(im, l, entry, &st);
		if (status == NOERROR)
			status = importer_file(im, fd, MAIL_FORM_EML);
	}
	if (fd >= 0)
		close(fd);
	im->source = l->path;
	return status;
}

/* --- one directory ------------------------------------------------------------------------- */

static bool is_expunged(const struct listed *entry)
{
	return entry->facts != NULL && entry->facts->flags & UIDL_FLAG_EXPUNGED;
}

static int open_ahead(const struct listing *l, size_t index)
{
	int fd = open_file(l, l->list[index].part, l->list[index].name);

	if (fd >= 0)
		posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED);
	return fd;
}

static STATUS read_list(struct importer *im, const struct listing *l)
{
	int ahead[AHEAD];
	size_t opened = 0;
	STATUS status = NOERROR;
	size_t i = 0;

	for (; i < l->count && status == NOERROR; i++) {
		for (; opened < l->count && opened < i + AHEAD; opened++)
			ahead[opened % AHEAD] = open_ahead(l, opened);
		if (is_expunged(&l->list[i])) {
			im->report->expunged++;
			if (ahead[i % AHEAD] >= 0)
				close(ahead[i % AHEAD]);
			continue;
		}
		status = read_one(im, l, &l->list[i], ahead[i % AHEAD]);
	}
	for (; i < opened; i++)
		if (ahead[i % AHEAD] >= 0)
			close(ahead[i % AHEAD]);
	return status;
}

/* For whoever is told of the progress. */
static void add_sizes(struct importer *im, const struct listing *l)
{
	struct stat st;

	for (size_t i = 0; i < l->count && im->options->progress != NULL; i++)
		if (fstatat(l->parts[l->list[i].part], l->list[i].name, &st,
		            AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
			im->total_octets += (uint64_t)st.st_size;
}

/* Messages that Cyrus' index names and that have no file. */
static void count_missing(struct importer *im, const struct listing *l)
{
	uint64_t named = 0, found = 0;

	if (l->kind != LISTING_CYRUS || l->map_count == 0)
		return;
	for (size_t i = 0; i < uidl_map_count(l->maps[0]); i++)
		named += (uidl_map_at(l->maps[0], i)->flags & UIDL_FLAG_EXPUNGED) == 0;
	for (size_t i = 0; i < l->count; i++)
		found += l->list[i].facts != NULL && !is_expunged(&l->list[i]);
	if (named > found)
		importer_say(im, "%.300s: %llu message%s of cyrus.index without a file", l->path,
		             (unsigned long long)(named - found), named - found == 1 ? "" : "s");
	im->report->missing += named - found;
}

/* fd is used up. */
static STATUS read_box(struct importer *im, enum listing_kind kind, bool top, const char *path,
                       int fd)
{
	struct listing l;
	STATUS status = listing_open(im, &l, kind, top, path, fd);

	if (status == NOERROR && top && l.count == 0 && !im->options->folders)
		status = fault_set(im->fault, POSTIL_ERR_NOEXIST, kind == LISTING_EML
		                   ? "%s holds no *.eml files, and no cur or new as a Maildir"
		                   : kind == LISTING_CYRUS ? "%s holds no messages"
		                   : "%s holds no messages in cur and new", path);
	if (status == NOERROR) {
		add_sizes(im, &l);
		count_missing(im, &l);
		status = read_list(im, &l);
	}
	listing_close(&l);
	return status;
}

/* --- folders ------------------------------------------------------------------------------------ */

static STATUS folders_within(struct importer *im, enum listing_kind kind, const char *path,
                             struct slice parent, int fd, unsigned depth);

static bool is_box(enum listing_kind kind, int fd)
{
	if (kind == LISTING_CYRUS)
		return listing_has(fd, "cyrus.index") || listing_has(fd, "cyrus.header");
	return listing_has(fd, "cur") || listing_has(fd, "new");
}

/* Cyrus writes `^` for a dot in a name. */
static STATUS name_in(enum listing_kind kind, struct slice name, char separator,
                      struct buf *out)
{
	struct buf text = BUF_INIT;
	STATUS status;

	for (size_t i = 0; i < name.n; i++)
		buf_add_char(&text, kind == LISTING_CYRUS && name.p[i] == '^' ? '.' : name.p[i]);
	status = buf_status(&text);
	if (status == NOERROR)
		status = maildir_folder_in(buf_slice(&text), separator, out);
	buf_release(&text);
	return status;
}

/* full: the folder's name as the old server has it, parents before it. */
static STATUS read_folder(struct importer *im, enum listing_kind kind, const char *path,
                          struct slice full, char separator, int fd)
{
	struct buf folder = BUF_INIT;
	STATUS status = name_in(kind, full, separator, &folder);

	if (status == POSTIL_ERR_INVALID) {
		im->source = path;
		importer_pass_over(im, "its name can be no folder's");
		close(fd);
		return NOERROR;
	}
	if (status == NOERROR) {
		importer_folder(im, buf_slice(&folder));
		status = arena_copy(&im->folders, im->folder, &im->folder);
	}
	if (status == NOERROR)
		status = read_box(im, kind, false, path, fd);
	else
		close(fd);
	buf_release(&folder);
	return status;
}

static bool is_part(const char *name)
{
	return strcmp(name, "cur") == 0 || strcmp(name, "new") == 0 || strcmp(name, "tmp") == 0;
}

/* A directory beside the messages: a folder, or something else. */
static STATUS look_into(struct importer *im, enum listing_kind kind, const char *path,
                        struct slice parent, int fd, const char *name, unsigned depth)
{
	bool dotted = name[0] == '.';
	int within = is_part(name) ? -1 : listing_subdirectory(fd, name);
	struct buf full = BUF_INIT;
	char where[PATH_MAX];
	STATUS status = NOERROR;
	int copy;

	if (within < 0)
		return NOERROR;
	snprintf(where, sizeof(where), "%s/%s", path, name);
	buf_add_slice(&full, parent);
	if (parent.n > 0)
		buf_add_char(&full, '/');
	buf_add_str(&full, name + dotted);
	copy = is_box(kind, within) ? fcntl(within, F_DUPFD_CLOEXEC, 3) : -1;
	if (copy >= 0)
		status = read_folder(im, kind, where, buf_slice(&full), dotted ? '.' : '/', copy);
	if (status == NOERROR && !dotted)
		status = folders_within(im, kind, where, buf_slice(&full), within, depth + 1);
	close(within);
	buf_release(&full);
	return status;
}

static STATUS folders_within(struct importer *im, enum listing_kind kind, const char *path,
                             struct slice parent, int fd, unsigned depth)
{
	struct arena arena = ARENA_INIT;
	STATUS status = NOERROR;

	if (depth > LISTING_DEPTH_MAX) {
		im->source = path;
		importer_pass_over(im, "folders lie too deep in each other");
		return NOERROR;
	}
	for (int dotted = kind == LISTING_MAILDIR && depth == 0; dotted >= 0; dotted--) {
		char **names = NULL;
		size_t count = 0;

		if (status == NOERROR)
			status = listing_folders(fd, dotted, &arena, &names, &count);
		for (size_t i = 0; i < count && status == NOERROR; i++)
			status = look_into(im, kind, path, parent, fd, names[i], depth);
		free(names);
	}
	arena_release(&arena);
	return status;
}

static bool kind_of(const struct importer *im, int fd, enum listing_kind *kind_r)
{
	switch (im->options->form) {
	case MAIL_FORM_EML: *kind_r = LISTING_EML; return true;
	case MAIL_FORM_MAILDIR: *kind_r = LISTING_MAILDIR; return true;
	case MAIL_FORM_CYRUS: *kind_r = LISTING_CYRUS; return true;
	case MAIL_FORM_AUTO: break;
	default: return false;
	}
	*kind_r = is_box(LISTING_CYRUS, fd) ? LISTING_CYRUS
	          : is_box(LISTING_MAILDIR, fd) ? LISTING_MAILDIR : LISTING_EML;
	return true;
}

STATUS importer_directory(struct importer *im, const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), copy;
	enum listing_kind kind;
	STATUS status;

	if (fd < 0)
		return importer_read_failed(im, dir, errno);
	if (!kind_of(im, fd, &kind)) {
		close(fd);
		return fault_set(im->fault, POSTIL_ERR_INVALID, "%s is a directory, not an mbox file",
		                 dir);
	}
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	status = copy < 0 ? importer_read_failed(im, dir, errno)
	                  : read_box(im, kind, true, dir, copy);
	if (status == NOERROR && im->options->folders && kind != LISTING_EML)
		status = folders_within(im, kind, dir, (struct slice){ NULL, 0 }, fd, 0);
	close(fd);
	return status;
}

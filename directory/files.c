/*
 * The DXL files below DATA/names and what is remembered of them. File names
 * come from whoever may write there; names.nsf is checked.
 */
#include "directory/documents.h"

#include <dirent.h>
#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "directory/pack.h"

#include "base/banned.h"

#define FOLDERS_DEEP 4
#define FILES_MAX 1000000

void files_init(struct files *files)
{
	*files = (struct files){ .next_id = 1 };
}

static void free_nothing(void *p)
{
}

void files_release(struct files *files)
{
	tdestroy(files->by_name, free_nothing);
	for (size_t i = 0; i < files->count; i++) {
		free(files->list[i]->name);
		free(files->list[i]);
	}
	free(files->list);
	files_init(files);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct file *)a)->name, ((const struct file *)b)->name);
}

struct file *files_find(const struct files *files, const char *name)
{
	struct file wanted = { 0 }, **found;

	if (files->by_name == NULL)
		return NULL;
	wanted.name = strdupa(name);
	found = tfind(&wanted, &files->by_name, compare_names);
	return found == NULL ? NULL : *found;
}

/* The list is in order of id, which only grows. */
struct file *files_by_id(const struct files *files, uint32_t id)
{
	size_t low = 0, high = files->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (files->list[middle]->id < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < files->count && files->list[low]->id == id ? files->list[low] : NULL;
}

static STATUS append(struct files *files, const char *name, uint32_t id, struct file **file_r)
{
	struct file *file;

	if (files->count >= FILES_MAX)
		return POSTIL_ERR_LIMIT;
	if (files->count == files->room) {
		size_t room = files->room == 0 ? 64 : 2 * files->room;
		struct file **list = realloc(files->list, room * sizeof(struct file *));

		if (list == NULL)
			return POSTIL_ERR_MEMORY;
		files->list = list;
		files->room = room;
	}
	file = calloc(1, sizeof(*file));
	if (file != NULL)
		file->name = strdup(name);
	if (file == NULL || file->name == NULL || tsearch(file, &files->by_name, compare_names) == NULL) {
		if (file != NULL)
			free(file->name);
		free(file);
		return POSTIL_ERR_MEMORY;
	}
	file->id = id;
	files->list[files->count++] = file;
	*file_r = file;
	return NOERROR;
}

STATUS files_add(struct files *files, const char *name, struct file **file_r)
{
	if (files->next_id == 0)
		return POSTIL_ERR_LIMIT;
	return append(files, name, files->next_id++, file_r);
}

/* --- the property ---------------------------------------------------------- */

static STATUS load_file(struct files *files, struct unpack *u, uint32_t *last_id)
{
	struct slice digest, name;
	struct file *file;
	struct file read = { 0 };
	char *text;
	STATUS status;

	read.id = (uint32_t)unpack_number(u, 4);
	read.flags = (uint32_t)unpack_number(u, 4);
	read.faults = (uint32_t)unpack_number(u, 4);
	read.mtime_ns = (int64_t)unpack_number(u, 8);
	read.size = unpack_number(u, 8);
	digest = unpack_octets(u, FILE_DIGEST_OCTETS);
	name = unpack_slice(u);
	if (u->bad || read.id <= *last_id || read.id >= files->next_id || name.n == 0 ||
	    memchr(name.p, '\0', name.n) != NULL)
		return POSTIL_ERR_DAMAGED;
	text = strndup(name.p, name.n);
	status = text == NULL ? POSTIL_ERR_MEMORY : append(files, text, read.id, &file);
	free(text);
	if (status != NOERROR)
		return status;
	*last_id = read.id;
	file->flags = read.flags;
	file->faults = read.faults;
	file->mtime_ns = read.mtime_ns;
	file->size = read.size;
	memcpy(file->digest, digest.p, FILE_DIGEST_OCTETS);
	return NOERROR;
}

STATUS files_load(struct files *files, struct nsf *nsf)
{
	struct buf text = BUF_INIT;
	struct unpack u = { .bad = false };
	uint32_t last_id = 0;
	STATUS status = nsf_property_get(nsf, PROPERTY_FILES, &text);

	if (status == NOERROR) {
		u.rest = buf_slice(&text);
		files->next_id = (uint32_t)unpack_number(&u, 4);
		if (u.bad || files->next_id == 0)
			status = POSTIL_ERR_DAMAGED;
		while (status == NOERROR && u.rest.n > 0)
			status = load_file(files, &u, &last_id);
	} else if (status == POSTIL_ERR_NOT_FOUND) {
		status = NOERROR;
	}
	buf_release(&text);
	return status;
}

STATUS files_save(const struct files *files, struct nsf *nsf)
{
	struct buf text = BUF_INIT;
	STATUS status;

	pack_number(&text, files->next_id, 4);
	for (size_t i = 0; i < files->count; i++) {
		const struct file *file = files->list[i];

		if (!file->present)
			continue;
		pack_number(&text, file->id, 4);
		pack_number(&text, file->flags, 4);
		pack_number(&text, file->faults, 4);
		pack_number(&text, (uint64_t)file->mtime_ns, 8);
		pack_number(&text, file->size, 8);
		buf_add(&text, file->digest, FILE_DIGEST_OCTETS);
		pack_slice(&text, slice_of(file->name));
	}
	status = buf_status(&text);
	if (status == NOERROR)
		status = nsf_property_set(nsf, PROPERTY_FILES, buf_slice(&text));
	buf_release(&text);
	return status;
}

/* --- looking for them ------------------------------------------------------ */

struct scan {
	struct files *files;
	const char *names_dir;
	uint32_t rank;
	struct fault *fault;
};

static bool is_dxl(const char *name)
{
	return text_ends_nocase(slice_of(name), ".dxl") || text_ends_nocase(slice_of(name), ".xml");
}

static STATUS found(struct scan *scan, const char *name, const struct stat *st)
{
	struct file *file = files_find(scan->files, name);
	STATUS status = NOERROR;

	if (file == NULL)
		status = files_add(scan->files, name, &file);
	if (status != NOERROR)
		return fault_set(scan->fault, status, "%s/%s: %s", scan->names_dir, name,
		                 status_text(status));
	file->present = true;
	file->rank = ++scan->rank;
	file->mtime_now_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
	file->size_now = (uint64_t)st->st_size;
	return NOERROR;
}

static int by_octets(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int not_hidden(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static STATUS scan_folder(struct scan *scan, const char *folder, int deep);

/* One pass for the files of a folder, one for its subfolders. */
static STATUS scan_entry(struct scan *scan, const char *folder, const char *entry,
                         bool folders, int deep)
{
	char *name = NULL, *path = NULL;
	struct stat st;
	STATUS status = NOERROR;

	if (asprintf(&name, "%s%s%s", folder, folder[0] == '\0' ? "" : "/", entry) < 0)
		return POSTIL_ERR_MEMORY;
	path = directory_path(scan->names_dir, name);
	if (path == NULL)
		status = POSTIL_ERR_MEMORY;
	else if (stat(path, &st) != 0)
		status = NOERROR;       /* gone meanwhile, or a link to nowhere */
	else if (!folders && S_ISREG(st.st_mode) && is_dxl(entry))
		status = found(scan, name, &st);
	else if (folders && S_ISDIR(st.st_mode) && deep < FOLDERS_DEEP)
		status = scan_folder(scan, name, deep + 1);
	free(path);
	free(name);
	return status;
}

static STATUS scan_folder(struct scan *scan, const char *folder, int deep)
{
	struct dirent **entries = NULL;
	char *path = directory_path(scan->names_dir, folder);
	int count = path == NULL ? -1 : scandir(path, &entries, not_hidden, by_octets);
	STATUS status = NOERROR;

	if (path == NULL)
		return POSTIL_ERR_MEMORY;
	if (count < 0) {
		status = errno == ENOENT || errno == ENOTDIR ? POSTIL_ERR_NOEXIST
		         : errno == EACCES ? POSTIL_ERR_PERMISSION : POSTIL_ERR_IO;
		fault_set(scan->fault, status, "cannot read the folder %s: %s", path,
		          strerrordesc_np(errno));
	}
	for (int pass = 0; pass < 2; pass++)
		for (int i = 0; i < count && status == NOERROR; i++)
			status = scan_entry(scan, folder, entries[i]->d_name, pass == 1, deep);
	for (int i = 0; i < count; i++)
		free(entries[i]);
	free(entries);
	free(path);
	return status;
}

STATUS files_scan(struct files *files, const char *names_dir, struct fault *fault)
{
	struct scan scan = { files, names_dir, 0, fault };

	return scan_folder(&scan, "", 0);
}

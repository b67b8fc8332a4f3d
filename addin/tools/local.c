/*
 * Writing documents. The new file is written under a hidden name, which the
 * compiler passes over, and takes its place by one rename. Files found there may
 * have been made by hand; what cannot be kept is not overwritten.
 */
#include "addin/tools/local.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypt.h"
#include "base/dxl.h"
#include "base/name.h"
#include "base/text.h"

#include "base/banned.h"

#define NEW_FILE ".new"
#define LOCK_WAIT_MS 30000
#define LOCK_LOOK_MS 20
#define READABLE_MAX 40
#define DIGEST_OCTETS 8

static STATUS failed(struct fault *fault, const char *what, const char *data_dir,
                     const char *name)
{
	int error = errno;
	STATUS status = error == EACCES || error == EPERM || error == EROFS ? POSTIL_ERR_PERMISSION
	                : error == ENOSPC || error == EDQUOT ? POSTIL_ERR_DISK_FULL
	                : error == ENOENT ? POSTIL_ERR_NOEXIST
	                : error == EEXIST ? POSTIL_ERR_EXISTS : POSTIL_ERR_IO;

	return fault_set(fault, status, "%s/%s cannot be %s: %s", data_dir, name, what,
	                 strerrordesc_np(error));
}

/* --- the folder ------------------------------------------------------------------- */

/* A folder that is made is durable before anything is put into it. */
static STATUS make_folder(int parent, const char *name, const char *data_dir,
                          const char *path, struct fault *fault)
{
	if (mkdirat(parent, name, 0700) != 0)
		return errno == EEXIST ? NOERROR : failed(fault, "made", data_dir, path);
	return fsync(parent) == 0 ? NOERROR : failed(fault, "made", data_dir, path);
}

static STATUS open_folder(int parent, const char *name, const char *data_dir,
                          const char *path, int *fd_r, struct fault *fault)
{
	STATUS status = make_folder(parent, name, data_dir, path, fault);

	if (status != NOERROR)
		return status;
	*fd_r = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *fd_r >= 0 ? NOERROR : failed(fault, "opened", data_dir, path);
}

static STATUS open_both(struct local *local, struct fault *fault)
{
	int data = open(local->data_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), names = -1;
	STATUS status = data >= 0 ? NOERROR : failed(fault, "opened", local->data_dir, ".");

	if (status == NOERROR)
		status = open_folder(data, "names", local->data_dir, "names", &names, fault);
	if (status == NOERROR)
		status = open_folder(names, "local", local->data_dir, LOCAL_FOLDER, &local->fd,
		                     fault);
	if (names >= 0)
		close(names);
	if (data >= 0)
		close(data);
	return status;
}

static STATUS lock(const struct local *local, struct fault *fault)
{
	const struct timespec pause = { .tv_nsec = LOCK_LOOK_MS * 1000000 };
	uint64_t end = clock_mono_ms() + LOCK_WAIT_MS;

	while (flock(local->fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return failed(fault, "locked", local->data_dir, LOCAL_FOLDER);
		if (clock_mono_ms() >= end)
			return fault_set(fault, POSTIL_ERR_BUSY, "%s/" LOCAL_FOLDER ": somebody else "
			                 "has been changing documents there for %d seconds",
			                 local->data_dir, LOCK_WAIT_MS / 1000);
		nanosleep(&pause, NULL);
	}
	return NOERROR;
}

STATUS local_open(const char *data_dir, struct local *local, struct fault *fault)
{
	STATUS status;

	*local = (struct local){ .data_dir = data_dir, .fd = -1 };
	status = open_both(local, fault);
	if (status == NOERROR)
		status = lock(local, fault);
	if (status != NOERROR)
		local_close(local);
	return status;
}

void local_close(struct local *local)
{
	if (local->fd >= 0)
		close(local->fd);
	local->fd = -1;
}

/* --- the name of a file -------------------------------------------------------------- */

static void add_readable(struct slice folded, struct buf *out)
{
	size_t before = out->n;

	for (size_t i = 0; i < folded.n && out->n - before < READABLE_MAX; i++) {
		char c = folded.p[i];

		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			buf_add_char(out, c);
		else if (out->n > before && out->p[out->n - 1] != '-')
			buf_add_char(out, '-');
	}
	while (out->n > before && out->p[out->n - 1] == '-')
		out->n--;
	if (out->n == before)
		buf_add_str(out, "person");
}

static STATUS add_digest(struct slice folded, struct buf *out)
{
	uint8_t digest[32];
	STATUS status = crypt_sha256(folded, digest);

	for (size_t i = 0; i < DIGEST_OCTETS && status == NOERROR; i++)
		buf_addf(out, "%02x", digest[i]);
	return status;
}

STATUS local_name(struct slice name, const char *ending, struct buf *out)
{
	struct buf canonical = BUF_INIT, common = BUF_INIT, folded = BUF_INIT;
	STATUS status = name_canonicalize(name, &canonical);

	if (status == NOERROR)
		status = name_common(buf_slice(&canonical), &common);
	if (status == NOERROR)
		status = text_fold(buf_slice(&common), &folded);
	if (status == NOERROR) {
		add_readable(buf_slice(&folded), out);
		buf_add_char(out, '-');
		buf_clear(&folded);
		status = text_fold(buf_slice(&canonical), &folded);
	}
	if (status == NOERROR)
		status = add_digest(buf_slice(&folded), out);
	buf_add_str(out, ending);
	buf_release(&canonical);
	buf_release(&common);
	buf_release(&folded);
	return status == NOERROR ? buf_status(out) : status;
}

/* --- reading ---------------------------------------------------------------------------- */

STATUS local_add(struct local_notes *notes, struct arena *arena, struct note *note)
{
	if (notes->count == notes->room) {
		size_t room = notes->room == 0 ? 4 : 2 * notes->room;
		struct note **list = arena_alloc(arena, room * sizeof(*list));

		if (list == NULL)
			return POSTIL_ERR_MEMORY;
		if (notes->count > 0)
			memcpy(list, notes->notes, notes->count * sizeof(*list));
		notes->notes = list;
		notes->room = room;
	}
	notes->notes[notes->count++] = note;
	return NOERROR;
}

struct reading {
	struct arena *arena;
	struct local_notes *notes;
	const char *path;
	struct fault *fault;
	bool faulty;
};

static STATUS keep_note(void *context, const struct note *note)
{
	struct reading *r = context;
	struct note *kept = arena_alloc(r->arena, sizeof(*kept));

	if (kept == NULL)
		return POSTIL_ERR_MEMORY;
	note_init(kept, r->arena);
	kept->has_unid = note->has_unid;
	kept->unid = note->unid;
	kept->class = note->class;
	kept->created_ms = note->created_ms;
	kept->modified_ms = note->modified_ms;
	for (const struct item *item = note->first; item != NULL; item = item->next)
		if (note_add(kept, slice_of(item->name), item->type, item->flags, item->values,
		             item->count) == NULL)
			return POSTIL_ERR_MEMORY;
	return local_add(r->notes, r->arena, kept);
}

static void faulty_note(void *context, unsigned line, const char *text)
{
	struct reading *r = context;

	if (!r->faulty)
		fault_set(r->fault, POSTIL_ERR_SYNTAX, "%s:%u: %s; mend the file or remove it",
		          r->path, line, text);
	r->faulty = true;
}

STATUS local_read(const struct local *local, const char *name, struct arena *arena,
                  struct local_notes *notes_r, struct fault *fault)
{
	static const struct dxl_sink sink = { keep_note, faulty_note };
	struct local_notes notes = { .count = 0 };
	struct fault own = { .status = NOERROR };
	char path[PATH_MAX];
	struct reading r = { .arena = arena, .notes = &notes, .path = path, .fault = &own };
	STATUS status;

	if ((size_t)snprintf(path, sizeof(path), "%s/" LOCAL_FOLDER "/%s", local->data_dir, name)
	    >= sizeof(path))
		return fault_set(fault, POSTIL_ERR_TOO_LONG, "%s: the path is too long",
		                 local->data_dir);
	if (faccessat(local->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		return failed(fault, "opened", local->data_dir, path + strlen(local->data_dir) + 1);
	status = dxl_read_file(path, &dxl_limits_directory, &sink, &r, &own);
	if (status == NOERROR && r.faulty)
		status = POSTIL_ERR_SYNTAX;
	if (status != NOERROR)
		return fault_set(fault, status, "%s", fault_text(&own, status));
	*notes_r = notes;
	return NOERROR;
}

/* --- writing ---------------------------------------------------------------------------- */

static STATUS write_dxl(const struct local_notes *notes, struct buf *out)
{
	STATUS status = dxl_write_begin(out);

	for (size_t i = 0; i < notes->count && status == NOERROR; i++)
		status = dxl_write_note(out, notes->notes[i]);
	return status == NOERROR ? dxl_write_end(out) : status;
}

static bool write_all(int fd, struct slice text)
{
	while (text.n > 0) {
		ssize_t n = write(fd, text.p, text.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		text.p += n;
		text.n -= (size_t)n;
	}
	return true;
}

/* Whoever has the lock has the hidden name; one left behind by a crash gives way. */
static bool write_new(const struct local *local, struct slice text)
{
	int fd, error;
	bool ok;

	unlinkat(local->fd, NEW_FILE, 0);
	fd = openat(local->fd, NEW_FILE, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
	            0600);
	if (fd < 0)
		return false;
	ok = write_all(fd, text) && fsync(fd) == 0;
	error = errno;
	if (close(fd) != 0 && ok) {
		ok = false;
		error = errno;
	}
	errno = error;
	return ok;
}

/* Where the file system knows no such rename the lock makes two steps as good. */
static bool rename_anew(const struct local *local, const char *name)
{
	if (renameat2(local->fd, NEW_FILE, local->fd, name, RENAME_NOREPLACE) == 0)
		return true;
	if (errno != EINVAL && errno != ENOSYS)
		return false;
	if (faccessat(local->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return false;
	}
	return renameat(local->fd, NEW_FILE, local->fd, name) == 0;
}

/* A new file that may not last is taken away again. */
static bool put_in_place(const struct local *local, const char *name, bool anew)
{
	if (anew ? !rename_anew(local, name)
	    : renameat(local->fd, NEW_FILE, local->fd, name) != 0)
		return false;
	if (fsync(local->fd) == 0)
		return true;
	if (anew) {
		int error = errno;

		unlinkat(local->fd, name, 0);
		errno = error;
	}
	return false;
}

STATUS local_write(const struct local *local, const char *name, const struct local_notes *notes,
                   bool anew, struct fault *fault)
{
	struct buf text = BUF_INIT, path = BUF_INIT;
	STATUS status = write_dxl(notes, &text);

	buf_addf(&path, LOCAL_FOLDER "/%s", name);
	if (status == NOERROR)
		status = buf_status(&path);
	if (status != NOERROR)
		fault_set(fault, status, "%s", status_text(status));
	else if (!write_new(local, buf_slice(&text)) || !put_in_place(local, name, anew))
		status = failed(fault, "written", local->data_dir, buf_cstr(&path));
	if (status != NOERROR) {
		int error = errno;

		unlinkat(local->fd, NEW_FILE, 0);
		errno = error;
	}
	buf_wipe_release(&text);
	buf_release(&path);
	return status;
}

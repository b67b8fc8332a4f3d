/*
 * directory_compile: DATA/names/ into names.nsf. Which files have changed is
 * told by what stat says and, where that differs, by a digest; only those are
 * parsed. All of it happens in one transaction, which is given up if nothing
 * has changed. Files are distrusted; a file that changes while it is read
 * makes the run fail, the next one will see it whole.
 */
#include "directory/compile.h"
#include "directory/cross.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypt.h"
#include "directory/pack.h"

#include "base/banned.h"

#define FORMAT 5                        /* of what we keep; another one is made anew */
#define CACHE_OCTETS (32u << 20)
#define WARNINGS_SAID_MAX 20            /* of one file */
#define YOUNG_NS 2000000000             /* a file this young may yet change unnoticed */

/* --- saying ---------------------------------------------------------------- */

__attribute__((format(printf, 3, 0)))
static void tell(struct compile *c, unsigned line, const char *format, va_list ap)
{
	struct buf text;

	if (c->say == NULL)
		return;
	buf_init(&text, 2048);
	buf_addf(&text, "%s/%s:%u: ", c->names_dir, c->file->name, line);
	buf_vaddf(&text, format, ap);
	c->say(c->context, buf_cstr(&text));
	buf_release(&text);
}

void compile_fault(struct compile *c, unsigned line, const char *format, ...)
{
	va_list ap;

	c->report.faults++;
	c->file->faults++;
	va_start(ap, format);
	tell(c, line, format, ap);
	va_end(ap);
}

void compile_warn(struct compile *c, unsigned line, const char *format, ...)
{
	va_list ap;

	if (c->quiet)
		return;
	c->report.warnings++;
	if (++c->warnings_said > WARNINGS_SAID_MAX)
		return;
	va_start(ap, format);
	tell(c, line, format, ap);
	va_end(ap);
}

void compile_say(struct compile *c, unsigned line, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	tell(c, line, format, ap);
	va_end(ap);
}

__attribute__((format(printf, 2, 3)))
static void say_file(struct compile *c, const char *format, ...)
{
	struct buf text;
	va_list ap;

	if (c->say == NULL)
		return;
	buf_init(&text, 2048);
	buf_addf(&text, "%s/%s: ", c->names_dir, c->file->name);
	va_start(ap, format);
	buf_vaddf(&text, format, ap);
	va_end(ap);
	c->say(c->context, buf_cstr(&text));
	buf_release(&text);
}

/* --- reading a file -------------------------------------------------------- */

static ssize_t read_fd(void *context, void *out, size_t size)
{
	const struct compile *c = context;
	ssize_t n;

	do
		n = read(c->fd, out, size);
	while (n < 0 && errno == EINTR);
	return n;
}

/* A chain of digests over blocks; false with errno: cannot be read. */
static bool digest_file(struct compile *c, uint8_t digest[FILE_DIGEST_OCTETS])
{
	enum { BLOCK = 65536 };
	char *block = malloc(FILE_DIGEST_OCTETS + BLOCK);
	bool ok = block != NULL;
	ssize_t n = 1;

	memset(digest, 0, FILE_DIGEST_OCTETS);
	while (ok && n > 0) {
		size_t filled = 0;

		while (filled < BLOCK && (n = read_fd(c, block + FILE_DIGEST_OCTETS + filled,
		                                      BLOCK - filled)) > 0)
			filled += (size_t)n;
		ok = n >= 0;
		memcpy(block, digest, FILE_DIGEST_OCTETS);
		ok = ok && crypt_sha256((struct slice){ block, FILE_DIGEST_OCTETS + filled },
		                        digest) == NOERROR;
	}
	free(block);
	return ok && lseek(c->fd, 0, SEEK_SET) == 0;
}

static STATUS sink_note(void *context, const struct note *note)
{
	return collect_note(context, note);
}

static void sink_fault(void *context, unsigned line, const char *text)
{
	compile_fault(context, line, "%s; the document is left out", text);
}

static void sink_broken(void *context, const struct note *note)
{
	collect_broken(context, note);
}

static STATUS ignore_note(void *context, const struct note *note)
{
	return NOERROR;
}

/* Is it well-formed to its end? Asked before documents of a good reading are touched. */
static STATUS try_file(struct compile *c, const char *path, struct fault *fault)
{
	static const struct dxl_sink nobody = { .note = ignore_note };
	STATUS status = dxl_read_stream(read_fd, c, path, &dxl_limits_directory, &nobody, c, fault);

	if (status == NOERROR && lseek(c->fd, 0, SEEK_SET) != 0)
		status = fault_set(fault, POSTIL_ERR_IO, "%s: %s", path, strerrordesc_np(errno));
	return status;
}

static STATUS drop_unseen(struct compile *c, struct file *file)
{
	uint32_t next = file->first_document;
	STATUS status = NOERROR;

	while (next != 0 && status == NOERROR) {
		struct document *document = &c->documents.list[next - 1];

		next = document->next_in_file;
		if (!(document->flags & DOCUMENT_DEAD) && (!file->present || document->run != c->run))
			status = collect_drop(c, document);
	}
	return status;
}

/* One of those not found again may be the broken one: none is dropped. */
static STATUS keep_unseen(struct compile *c)
{
	unsigned kept = 0;

	for (uint32_t next = c->file->first_document; next != 0; ) {
		const struct document *document = &c->documents.list[next - 1];

		next = document->next_in_file;
		kept += !(document->flags & DOCUMENT_DEAD) && document->run != c->run;
	}
	if (kept > 0)
		say_file(c, "which document was broken cannot be told; %u that %s not been found again "
		         "remain%s in force", kept, kept == 1 ? "has" : "have", kept == 1 ? "s" : "");
	return NOERROR;
}

static void file_said(struct compile *c, const struct fault *fault)
{
	c->report.faults++;
	c->file->faults++;
	if (c->say != NULL)
		c->say(c->context, fault->text);
}

/* Read the documents, of a file that has changed or must be read again. */
static STATUS read_documents(struct compile *c, const char *path)
{
	static const struct dxl_sink sink = { sink_note, sink_fault, sink_broken };
	struct file *file = c->file;
	bool was_good = file->flags & FILE_GOOD;
	struct fault fault = { 0 };
	STATUS status = NOERROR;

	c->run++;
	c->keep_unseen = false;
	c->report.files_read++;
	file->faults = 0;
	if (was_good)
		status = try_file(c, path, &fault);
	if (status == POSTIL_ERR_SYNTAX) {
		file_said(c, &fault);
		say_file(c, "the documents it held before remain in force");
		return NOERROR;
	}
	file->flags &= ~(uint32_t)FILE_COVERED;
	if (status == NOERROR)
		status = dxl_read_stream(read_fd, c, path, &dxl_limits_directory, &sink, c, &fault);
	if (status == POSTIL_ERR_SYNTAX && was_good)
		return fault_set(c->fault, POSTIL_ERR_BUSY, "%s has changed while it was read; "
		                 "nothing has been changed, try again", path);
	if (status == POSTIL_ERR_SYNTAX) {
		file_said(c, &fault);
		say_file(c, "only the documents before that place have been read");
		return NOERROR;
	}
	if (status != NOERROR)
		return c->fault != NULL && c->fault->status == status ? status
		       : fault_set(c->fault, status, "%s", fault_text(&fault, status));
	file->flags |= FILE_GOOD;
	return c->keep_unseen ? keep_unseen(c) : drop_unseen(c, file);
}

static void end_warnings(struct compile *c)
{
	if (c->warnings_said > WARNINGS_SAID_MAX)
		say_file(c, "and %u more warnings", c->warnings_said - WARNINGS_SAID_MAX);
	c->warnings_said = 0;
}

/* What stat and the digest said becomes what is remembered. */
static void remember_file(struct compile *c, const uint8_t digest[FILE_DIGEST_OCTETS])
{
	struct file *file = c->file;

	file->flags |= FILE_KNOWN;
	file->mtime_ns = file->mtime_now_ns;
	if (clock_wall_ms() * 1000000 - file->mtime_now_ns < YOUNG_NS)
		file->mtime_ns = 0;
	file->size = file->size_now;
	memcpy(file->digest, digest, FILE_DIGEST_OCTETS);
	c->files_changed = true;
}

static STATUS same_as_opened(struct compile *c, const char *path, const struct stat *before)
{
	struct stat now;

	if (fstat(c->fd, &now) == 0 && now.st_size == before->st_size &&
	    now.st_mtim.tv_sec == before->st_mtim.tv_sec &&
	    now.st_mtim.tv_nsec == before->st_mtim.tv_nsec)
		return NOERROR;
	return fault_set(c->fault, POSTIL_ERR_BUSY, "%s has changed while it was read; nothing "
	                 "has been changed, try again", path);
}

static STATUS read_open_file(struct compile *c, const char *path)
{
	struct file *file = c->file;
	uint8_t digest[FILE_DIGEST_OCTETS];
	struct stat st;
	STATUS status;

	if (fstat(c->fd, &st) != 0 || !digest_file(c, digest)) {
		c->report.faults++;
		say_file(c, "cannot be read: %s; the documents it held before remain in force",
		         strerrordesc_np(errno));
		return NOERROR;
	}
	file->mtime_now_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	file->size_now = (uint64_t)st.st_size;
	if ((file->flags & FILE_KNOWN) && !file->again &&
	    memcmp(digest, file->digest, sizeof(digest)) == 0)
		return NOERROR;         /* only touched */
	status = read_documents(c, path);
	if (status == NOERROR)
		status = same_as_opened(c, path, &st);
	end_warnings(c);
	if (status == NOERROR)
		remember_file(c, digest);
	return status;
}

static STATUS read_one_file(struct compile *c, struct file *file)
{
	char *path = directory_path(c->names_dir, file->name);
	STATUS status = path == NULL ? POSTIL_ERR_MEMORY : NOERROR;

	c->file = file;
	file->pending = false;
	if (status == NOERROR) {
		c->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
		if (c->fd < 0) {
			c->report.faults++;
			say_file(c, "cannot be opened: %s; the documents it held before remain "
			         "in force", strerrordesc_np(errno));
		} else {
			status = read_open_file(c, path);
			close(c->fd);
		}
	}
	file->again = false;
	free(path);
	return status;
}

/* --- all files ------------------------------------------------------------- */

/* Documents that had been covered may now stand again: their files are read once more. */
static void read_covered_again(struct compile *c, uint32_t below_rank)
{
	if (!c->uncovered)
		return;
	c->uncovered = false;
	for (size_t i = 0; i < c->files.count; i++) {
		struct file *file = c->files.list[i];

		if (file->present && (file->flags & FILE_COVERED) && file->rank < below_rank)
			file->pending = file->again = true;
	}
}

static bool look_for_changes(struct compile *c)
{
	bool any = false;

	for (size_t i = 0; i < c->files.count; i++) {
		struct file *file = c->files.list[i];

		if (file->present)
			file->pending = !(file->flags & FILE_KNOWN) || file->mtime_ns == 0 ||
			                file->mtime_ns != file->mtime_now_ns ||
			                file->size != file->size_now;
		any |= !file->present || file->pending;
		c->report.files += file->present;
	}
	return any;
}

static STATUS drop_removed(struct compile *c)
{
	STATUS status = NOERROR;

	for (size_t i = 0; i < c->files.count && status == NOERROR; i++) {
		if (c->files.list[i]->present)
			continue;
		c->files_changed = true;
		status = drop_unseen(c, c->files.list[i]);
	}
	read_covered_again(c, UINT32_MAX);
	return status;
}

static struct file *next_pending(const struct compile *c)
{
	struct file *next = NULL;

	for (size_t i = 0; i < c->files.count; i++) {
		struct file *file = c->files.list[i];

		if (file->pending && (next == NULL || file->rank < next->rank))
			next = file;
	}
	return next;
}

static int by_rank(const void *a, const void *b)
{
	const struct file *x = *(struct file *const *)a, *y = *(struct file *const *)b;

	return x->rank < y->rank ? -1 : x->rank > y->rank;
}

/* The usual case is one pass in order; whatever became pending behind it follows. */
static STATUS read_pending(struct compile *c)
{
	struct file **order = calloc(c->files.count + 1, sizeof(*order)), *file;
	STATUS status = order == NULL ? POSTIL_ERR_MEMORY : NOERROR;
	size_t count = 0;

	for (size_t i = 0; status == NOERROR && i < c->files.count; i++)
		if (c->files.list[i]->pending)
			order[count++] = c->files.list[i];
	if (status == NOERROR)
		qsort(order, count, sizeof(*order), by_rank);
	for (size_t i = 0; i < count && status == NOERROR; i++) {
		status = read_one_file(c, order[i]);
		read_covered_again(c, order[i]->rank);
	}
	free(order);
	while (status == NOERROR && (file = next_pending(c)) != NULL) {
		status = read_one_file(c, file);
		read_covered_again(c, file->rank);
	}
	return status;
}

void compile_end_warnings(struct compile *c, const char *where, const char *what)
{
	if (c->warnings_said > WARNINGS_SAID_MAX && c->say != NULL) {
		struct buf text = BUF_INIT;

		buf_addf(&text, "%s/%s: and %u more warnings%s%s", c->names_dir, where,
		         c->warnings_said - WARNINGS_SAID_MAX, what[0] == '\0' ? "" : " of ", what);
		c->say(c->context, buf_cstr(&text));
		buf_release(&text);
	}
	c->warnings_said = 0;
}

static STATUS apply_local_documents(struct compile *c)
{
	STATUS status = local_apply(c);

	compile_end_warnings(c, LOCAL_FOLDER, "");
	if (status == NOERROR && c->cross != NULL)
		status = cross_tell(c);
	return status;
}

static void count_documents(struct compile *c)
{
	for (uint32_t i = 0; i < c->documents.count; i++) {
		const struct document *document = &c->documents.list[i];

		if (document->flags & DOCUMENT_DEAD)
			continue;
		c->report.documents++;
		if (document->rounds > c->costliest_rounds)
			c->costliest_rounds = document->rounds;
		if (document->kind == DOCUMENT_PERSON)
			c->report.persons++;
		else if (document->kind == DOCUMENT_SERVER)
			c->report.servers++;
		else
			c->report.others++;
	}
}

/* --- names.nsf ------------------------------------------------------------- */

static uint64_t number_property(struct nsf *nsf, const char *name)
{
	struct buf text = BUF_INIT;
	struct unpack u = { .bad = false };
	uint64_t number = 0;

	if (nsf_property_get(nsf, name, &text) == NOERROR) {
		u.rest = buf_slice(&text);
		number = unpack_number(&u, 8);
	}
	buf_release(&text);
	return number;
}

static STATUS set_number_property(struct nsf *nsf, const char *name, uint64_t number,
                                  uint32_t second)
{
	struct buf text = BUF_INIT;
	STATUS status;

	pack_number(&text, number, 8);
	pack_number(&text, second, 4);
	status = buf_status(&text);
	if (status == NOERROR)
		status = nsf_property_set(nsf, name, buf_slice(&text));
	buf_release(&text);
	return status;
}

/* What an earlier version kept means nothing to us; its notes give way. */
static STATUS delete_one(void *context, uint64_t id)
{
	struct buf *ids = context;

	buf_add(ids, &id, sizeof(id));
	return buf_status(ids);
}

static STATUS start_anew(struct nsf *nsf)
{
	struct buf ids = BUF_INIT;
	STATUS status = nsf_notes_each(nsf, delete_one, &ids);

	for (size_t at = 0; status == NOERROR && at < ids.n; at += sizeof(uint64_t)) {
		uint64_t id;

		memcpy(&id, ids.p + at, sizeof(id));
		status = nsf_note_delete(nsf, id);
	}
	buf_release(&ids);
	return status;
}

static STATUS load_state(struct compile *c)
{
	uint64_t format = number_property(c->nsf, PROPERTY_FORMAT);
	STATUS status;

	if (format == FORMAT)
		return files_load(&c->files, c->nsf);
	c->documents_changed = true;
	status = start_anew(c->nsf);
	if (status == NOERROR)
		status = set_number_property(c->nsf, PROPERTY_FORMAT, FORMAT, 0);
	return status;
}

static STATUS save_state(struct compile *c)
{
	uint64_t before = number_property(c->nsf, PROPERTY_GENERATION);
	uint64_t now = (uint64_t)clock_wall_ms();
	STATUS status = entries_flush(&c->entries, c->nsf);

	if (status == NOERROR)
		status = files_save(&c->files, c->nsf);
	if (status == NOERROR && c->documents_changed)
		status = set_number_property(c->nsf, PROPERTY_GENERATION,
		                             now > before ? now : before + 1,
		                             c->costliest_rounds);
	return status;
}

/* In a transaction, unless only checking. */
static STATUS compile_all(struct compile *c)
{
	STATUS status = c->nsf == NULL ? NOERROR : load_state(c);
	bool any;

	if (status == NOERROR)
		status = files_scan(&c->files, c->names_dir, c->fault);
	if (status != NOERROR)
		return status;
	any = look_for_changes(c);
	if (c->nsf != NULL)
		status = documents_load(&c->documents, &c->files, c->nsf);
	if (status == NOERROR && any)
		status = drop_removed(c);
	if (status == NOERROR && any)
		status = read_pending(c);
	if (status == NOERROR && any)
		status = apply_local_documents(c);
	if (status == NOERROR)
		count_documents(c);
	if (status == NOERROR && c->nsf != NULL && (c->documents_changed || c->files_changed))
		status = save_state(c);
	return status;
}

static STATUS compile_in_transaction(struct compile *c)
{
	STATUS status;

	nsf_set_cache(c->nsf, CACHE_OCTETS);
	status = nsf_begin(c->nsf, c->fault);
	if (status != NOERROR)
		return status;
	status = compile_all(c);
	if (status == NOERROR && (c->documents_changed || c->files_changed)) {
		c->report.changed = c->documents_changed;
		return nsf_commit(c->nsf, c->fault);
	}
	nsf_rollback(c->nsf);
	return status;
}

/* names.nsf is derived: a damaged one is made anew, once. */
static STATUS open_database(struct compile *c, const char *path, bool anew)
{
	STATUS status;

	if (anew) {
		if (c->say != NULL)
			c->say(c->context, "names.nsf is damaged; it is made anew from the DXL files");
		status = nsf_remove(path, c->fault);
		if (status != NOERROR && status != POSTIL_ERR_NOEXIST)
			return status;
	}
	status = nsf_open(path, &c->nsf, c->fault);
	if (status == POSTIL_ERR_NOEXIST)
		status = nsf_create(path, NSF_DIRECTORY, &c->nsf, c->fault);
	if (status == POSTIL_ERR_EXISTS)        /* somebody else has just made it */
		status = nsf_open(path, &c->nsf, c->fault);
	if (status == NOERROR && c->fault != NULL)
		*c->fault = (struct fault){ .status = NOERROR };
	return status;
}

static void tidy_up(struct compile *c)
{
	bool more = c->report.changed;

	for (int i = 0; more && i < 100000; i++)
		if (nsf_reclaim(c->nsf, &more) != NOERROR)
			break;
}

static void compile_init(struct compile *c, void (*say)(void *context, const char *text),
                         void *context, struct fault *fault)
{
	memset(c, 0, sizeof(*c));
	c->say = say;
	c->context = context;
	c->fault = fault;
	files_init(&c->files);
	documents_init(&c->documents);
	entries_init(&c->entries);
}

static void compile_release(struct compile *c)
{
	nsf_close(&c->nsf);
	cross_free(&c->cross);
	entries_release(&c->entries);
	buf_wipe_release(&c->keys.text);
	documents_release(&c->documents);
	files_release(&c->files);
	free(c->names_dir);
}

static STATUS run(const char *data_dir, const char *nsf_path, bool anew, struct compile *c)
{
	struct stat st;
	STATUS status = NOERROR;

	c->names_dir = directory_path(data_dir, "names");
	if (c->names_dir == NULL)
		return fault_set(c->fault, POSTIL_ERR_MEMORY, "%s", status_text(POSTIL_ERR_MEMORY));
	if (stat(c->names_dir, &st) != 0 || !S_ISDIR(st.st_mode))
		return fault_set(c->fault, POSTIL_ERR_NOEXIST, "%s: there is no such folder; put the "
		                 "directory's DXL files there", c->names_dir);
	if (nsf_path == NULL)
		return compile_all(c);
	status = open_database(c, nsf_path, anew);
	if (status == NOERROR)
		status = compile_in_transaction(c);
	if (status == NOERROR)
		tidy_up(c);
	return status;
}

/* check_for: NULL, or the server for which the directory is only checked. */
static STATUS run_once(const char *data_dir, const char *nsf_path, bool anew,
                       const struct slice *check_for, struct compile_report *report_r,
                       void (*say)(void *context, const char *text), void *context,
                       struct fault *fault)
{
	struct compile c;
	STATUS status;

	compile_init(&c, say, context, fault);
	status = check_for == NULL ? NOERROR : cross_new(*check_for, &c.cross);
	if (status == NOERROR)
		status = run(data_dir, nsf_path, anew, &c);
	if (status == NOERROR)
		*report_r = c.report;
	else if (fault != NULL && fault->status != status)
		fault_set(fault, status, "%s: %s", nsf_path != NULL ? nsf_path : data_dir,
		          status_text(status));
	compile_release(&c);
	return status;
}

STATUS directory_compile(const char *data_dir, struct compile_report *report_r,
                         void (*say)(void *context, const char *text), void *context,
                         struct fault *fault)
{
	char *path = directory_path(data_dir, "names.nsf");
	STATUS status;

	if (path == NULL)
		return fault_set(fault, POSTIL_ERR_MEMORY, "%s", status_text(POSTIL_ERR_MEMORY));
	status = run_once(data_dir, path, false, NULL, report_r, say, context, fault);
	if (status == POSTIL_ERR_DAMAGED)
		status = run_once(data_dir, path, true, NULL, report_r, say, context, fault);
	free(path);
	return status;
}

STATUS directory_check(const char *data_dir, struct slice server,
                       struct compile_report *report_r,
                       void (*say)(void *context, const char *text), void *context,
                       struct fault *fault)
{
	return run_once(data_dir, NULL, false, &server, report_r, say, context, fault);
}

/*
 * The notes of a mail file as DXL, one at a time. What DXL has no place for (the UIDL,
 * the folders, the unread mark, when a message came) goes with it in items of our own,
 * which the import takes off again.
 */
#include "mailfile/dxlmail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/dxl.h"
#include "mailfile/notes.h"
#include "nsf/nsf.h"

struct exporter {
	struct nsf *nsf;
	const char *destination;
	const struct export_options *options;
	struct export_report *report;
	struct fault *fault;
	int fd;
	struct notes_ids notes, unread;
	struct buf out;
};

/* --- what there is ---------------------------------------------------------------------- */

static int compare_ids(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Unread for the owner of the file, or for one who has never asked. */
static STATUS find_unread(struct exporter *ex)
{
	struct buf owner = BUF_INIT;
	uint64_t user = 0;
	STATUS status = nsf_property_get(ex->nsf, NSF_PROPERTY_OWNER, &owner);

	if (status == NOERROR && owner.n > 0)
		status = nsf_user_id(ex->nsf, buf_slice(&owner), false, &user);
	buf_release(&owner);
	if (status != NOERROR && status != POSTIL_ERR_NOT_FOUND)
		return status;
	status = nsf_unread_each(ex->nsf, user, notes_ids_add, &ex->unread);
	if (ex->unread.count > 0)
		qsort(ex->unread.all, ex->unread.count, sizeof(uint64_t), compare_ids);
	return status;
}

static bool is_unread(const struct exporter *ex, uint64_t id)
{
	return ex->unread.count > 0 && bsearch(&id, ex->unread.all, ex->unread.count, sizeof(id),
	                                       compare_ids) != NULL;
}

/* --- one note ------------------------------------------------------------------------------ */

static STATUS write_failed(struct exporter *ex)
{
	return fault_set(ex->fault, errno == ENOSPC || errno == EDQUOT ? POSTIL_ERR_DISK_FULL
	                 : errno == EEXIST ? POSTIL_ERR_EXISTS
	                 : errno == EACCES || errno == EPERM ? POSTIL_ERR_PERMISSION : POSTIL_ERR_IO,
	                 "cannot write %s: %s", ex->destination, strerrordesc_np(errno));
}

static STATUS put(void *context, struct slice piece)
{
	struct exporter *ex = context;

	while (piece.n > 0) {
		ssize_t n = write(ex->fd, piece.p, piece.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return write_failed(ex);
		piece.p += n;
		piece.n -= (size_t)n;
	}
	return NOERROR;
}

static STATUS put_out(struct exporter *ex)
{
	STATUS status = buf_status(&ex->out);

	if (status == NOERROR)
		status = put(ex, buf_slice(&ex->out));
	buf_clear(&ex->out);
	return status;
}

/* A message as it was delivered has only the items that were made of its header. */
static bool is_message(const struct note *note)
{
	static const char *const made[] = { "Form", "From", "SendTo", "CopyTo", "Subject",
		"PostedDate", "$MessageID", "$MailFlags" };

	for (const struct item *item = note->first; item != NULL; item = item->next) {
		bool known = false;

		for (size_t i = 0; i < sizeof(made) / sizeof(*made) && !known; i++)
			known = slice_equal_nocase(slice_of(item->name), slice_of(made[i]));
		if (!known)
			return false;
	}
	return true;
}

struct body {
	struct nsf *nsf;
	uint64_t id;
};

static STATUS read_body(void *context, uint64_t offset, void *out, size_t size)
{
	const struct body *body = context;
	char *to = out;

	while (size > 0) {
		size_t got = 0;
		STATUS status = nsf_body_read(body->nsf, body->id, offset, to, size, &got);

		if (status != NOERROR)
			return status;
		if (got == 0)
			return POSTIL_ERR_DAMAGED;
		to += got;
		offset += got;
		size -= got;
	}
	return NOERROR;
}

struct folders {
	struct note *note;
	struct slice names[64];
	size_t count;
};

static STATUS add_folder(void *context, struct slice name)
{
	struct folders *f = context;

	if (f->count == sizeof(f->names) / sizeof(*f->names))
		return NOERROR;
	return arena_copy(f->note->arena, name, &f->names[f->count++]);
}

static STATUS add_extra(struct note *note, const char *name, struct slice value)
{
	return note_add_text(note, name, value) != NULL ? NOERROR : POSTIL_ERR_MEMORY;
}

/* What the import takes off again, see take_extras in dxlmail.c. */
static STATUS add_extras(struct exporter *ex, uint64_t id, const struct nsf_note_message *m,
                         bool whole, struct note *note)
{
	struct folders folders = { .note = note };
	STATUS status = nsf_note_folders(ex->nsf, id, add_folder, &folders);

	if (status == NOERROR && note_add(note, SLICE_LIT(DXLMAIL_FOLDERS), ITEM_TEXT_LIST,
	    ITEM_SUMMARY, folders.names, folders.count) == NULL)
		status = POSTIL_ERR_MEMORY;
	if (status == NOERROR)
		status = add_extra(note, DXLMAIL_UNREAD, is_unread(ex, id) ? SLICE_LIT("1") : SLICE_LIT("0"));
	if (status == NOERROR && m != NULL)
		status = add_extra(note, DXLMAIL_UIDL, m->message.uidl);
	if (status == NOERROR && whole)
		status = add_extra(note, DXLMAIL_MESSAGE, SLICE_LIT("1"));
	return status;
}

static STATUS export_found(struct exporter *ex, uint64_t id, struct note *note)
{
	struct nsf_note_message m;
	struct body body = { ex->nsf, 0 };
	struct dxl_writing writing = { .out = &ex->out, .flush = put, .context = ex };
	STATUS status = nsf_message_of_note(ex->nsf, id, &m);
	bool has = status == NOERROR, whole = has && is_message(note);

	if (status != NOERROR && status != POSTIL_ERR_NOT_FOUND)
		return status;
	body.id = has ? m.message.id : 0;
	if (whole)
		writing.mime = (struct item_blob){ m.message.size_octets, read_body, &body };
	status = add_extras(ex, id, has ? &m : NULL, whole, note);
	if (status == NOERROR)
		status = dxl_write_note_to(&writing, note);
	if (status == NOERROR)
		status = put_out(ex);
	if (status != NOERROR)
		return status;
	ex->report->messages++;
	ex->report->octets += has ? m.message.size_octets : 0;
	return NOERROR;
}

static STATUS export_note(struct exporter *ex, uint64_t id)
{
	struct arena arena = ARENA_INIT;
	struct note note;
	STATUS status = nsf_note_get(ex->nsf, id, &arena, &note);

	if (status == NOERROR && note.class == NOTE_CLASS_DOCUMENT)
		status = export_found(ex, id, &note);
	arena_release(&arena);
	if (status == POSTIL_ERR_DELETED) {
		ex->report->gone++;
		return NOERROR;
	}
	return status;
}

/* --- all of them --------------------------------------------------------------------------- */

static STATUS export_all(struct exporter *ex)
{
	STATUS status = nsf_notes_each(ex->nsf, notes_ids_add, &ex->notes);

	if (status == NOERROR)
		status = find_unread(ex);
	if (status == NOERROR)
		status = dxl_write_begin(&ex->out);
	for (size_t i = 0; i < ex->notes.count && status == NOERROR; i++) {
		status = export_note(ex, ex->notes.all[i]);
		if (status == NOERROR && ex->options->progress != NULL)
			ex->options->progress(ex->options->context, i + 1, ex->notes.count,
			                      ex->report->messages);
	}
	if (status == NOERROR)
		status = dxl_write_end(&ex->out);
	return status == NOERROR ? put_out(ex) : status;
}

static STATUS export_file(struct exporter *ex)
{
	STATUS status;

	if (strcmp(ex->destination, "-") == 0) {
		ex->fd = STDOUT_FILENO;
		return export_all(ex);
	}
	ex->fd = open(ex->destination, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (ex->fd < 0)
		return write_failed(ex);
	status = export_all(ex);
	if (status == NOERROR && fsync(ex->fd) != 0 && errno != EINVAL)
		status = write_failed(ex);
	if (close(ex->fd) != 0 && status == NOERROR)
		status = write_failed(ex);
	return status;
}

STATUS dxlmail_export(struct mail_store *store, const char *path, const char *destination,
                      const struct export_options *options, struct export_report *report,
                      struct fault *fault)
{
	static const struct export_options none;
	struct exporter ex = { .destination = destination, .report = report, .fault = fault,
		.options = options != NULL ? options : &none, .fd = -1 };
	STATUS status = dxlmail_open(store, path, &ex.nsf, fault);

	if (status == NOERROR)
		status = export_file(&ex);
	if (ex.nsf != NULL)
		nsf_close(&ex.nsf);
	notes_ids_release(&ex.notes);
	notes_ids_release(&ex.unread);
	buf_release(&ex.out);
	if (status != NOERROR && (fault == NULL || fault->status != status))
		fault_set(fault, status, "%s: %s", destination, status_text(status));
	return status;
}

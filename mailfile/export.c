/* Exporting mail: folder by folder, message by message. Distrusted: that the
 * destination is free, and that messages are still there. */
#include "mailfile/dxlmail.h"
#include "mailfile/exporter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

/* --- files ------------------------------------------------------------------------- */

STATUS export_failed(struct exporter *ex, const char *name)
{
	int error = errno;

	return fault_set(ex->fault, error == ENOSPC || error == EDQUOT ? POSTIL_ERR_DISK_FULL
	                 : error == EEXIST ? POSTIL_ERR_EXISTS
	                 : error == EACCES ? POSTIL_ERR_PERMISSION : POSTIL_ERR_IO,
	                 error == EEXIST ? "%s exists already (%s); name another"
	                                 : "cannot write %s: %s", name, strerrordesc_np(error));
}

STATUS export_new_file(struct exporter *ex, const char *name, FILE **file_r)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

	if (file == NULL) {
		STATUS status = export_failed(ex, name);

		if (fd >= 0)
			close(fd);
		return status;
	}
	setvbuf(file, NULL, _IOFBF, 65536);
	*file_r = file;
	return NOERROR;
}

STATUS export_close_file(struct exporter *ex, FILE **file, const char *name, bool sync)
{
	STATUS status = NOERROR;

	if (*file == NULL)
		return NOERROR;
	if (fflush(*file) != 0
	    || (sync && fsync(fileno(*file)) != 0 && errno != EINVAL && errno != EROFS))
		status = export_failed(ex, name);
	if (*file != stdout && fclose(*file) != 0 && status == NOERROR)
		status = export_failed(ex, name);
	*file = NULL;
	return status;
}

STATUS export_octets(void *context, const void *p, size_t n)
{
	struct exporter *ex = context;

	ex->written += n;
	return fwrite(p, 1, n, ex->file) == n ? NOERROR : export_failed(ex, ex->destination);
}

STATUS export_map_line(struct exporter *ex, const char *key)
{
	if (ex->map == NULL || fprintf(ex->map, "%s %.*s\n", key, (int)ex->message.uidl.n,
	                               ex->message.uidl.p) >= 0)
		return NOERROR;
	return export_failed(ex, ex->options->uidl_map);
}

/* --- one message ---------------------------------------------------------------------- */

STATUS export_rest(struct exporter *ex, uint32_t index, size_t got,
                   STATUS (*put)(void *context, const void *p, size_t n), void *context)
{
	uint64_t offset = 0;
	STATUS status = NOERROR;

	while (status == NOERROR && got > 0) {
		status = put(context, ex->piece, got);
		offset += got;
		if (status == NOERROR)
			status = ex->drop->calls->read(ex->drop, index, offset, ex->piece,
			                               EXPORT_PIECE_OCTETS, &got, ex->fault);
	}
	return status;
}

static bool is_mbox(const struct exporter *ex)
{
	return ex->form == MAIL_FORM_MBOX || ex->form == MAIL_FORM_MBOXRD;
}

static STATUS put_message(struct exporter *ex, uint32_t index)
{
	size_t got = 0;
	STATUS status = ex->drop->calls->read(ex->drop, index, 0, ex->piece, EXPORT_PIECE_OCTETS,
	                                      &got, ex->fault);

	ex->details = (struct maildrop_details){ .received_ms = 0 };
	if (status == NOERROR && ex->drop->calls->details != NULL)
		status = ex->drop->calls->details(ex->drop, index, &ex->details, ex->fault);
	if (status == POSTIL_ERR_DELETED) {
		ex->report->gone++;
		return NOERROR;
	}
	if (status != NOERROR)
		return status;
	ex->drop->calls->message(ex->drop, index, &ex->message);
	ex->uid++;
	status = is_mbox(ex) ? export_mbox_message(ex, index, got)
	                     : export_file_message(ex, index, got);
	if (status != NOERROR)
		return status;
	ex->report->messages++;
	ex->report->octets += ex->message.size_octets;
	if (ex->options->progress != NULL)
		ex->options->progress(ex->options->context, ex->report->octets, ex->total_octets,
		                      ex->report->messages);
	return NOERROR;
}

/* --- folders ------------------------------------------------------------------------------ */

static STATUS open_folder(struct exporter *ex)
{
	struct maildrop_options look = { .look_only = true, .utf8 = true, .folder = ex->folder };
	uint64_t epoch;

	return ex->store->calls->open(ex->store, ex->path, &look, &ex->drop, &epoch, ex->fault);
}

/* What lies in the folder that is open. */
static STATUS put_folder(struct exporter *ex)
{
	STATUS status = is_mbox(ex) ? NOERROR : export_make_directory(ex), closed;
	uint32_t count;
	uint64_t octets;

	ex->drop->calls->stat(ex->drop, &count, &octets);
	ex->total_octets += octets;
	ex->uid = 0;
	for (uint32_t i = 0; i < count && status == NOERROR; i++)
		status = put_message(ex, i);
	closed = export_finish_directory(ex);
	return status != NOERROR ? status : closed;
}

static void leave_out(struct exporter *ex)
{
	char text[300];

	ex->report->left_out++;
	if (ex->options->say == NULL)
		return;
	snprintf(text, sizeof(text), "the folder %.*s is left out: no Maildir can have this name",
	         (int)(ex->folder.n < 200 ? ex->folder.n : 200), ex->folder.p);
	ex->options->say(ex->options->context, text);
}

/* One beside the inbox, into a directory of its own. */
static STATUS put_subfolder(struct exporter *ex)
{
	struct buf path = BUF_INIT;
	STATUS status = export_folder_path(ex, &path);

	if (status == POSTIL_ERR_INVALID) {
		leave_out(ex);
		buf_release(&path);
		return NOERROR;
	}
	if (status == NOERROR)
		status = open_folder(ex);
	if (status == NOERROR) {
		ex->where = buf_cstr(&path);
		ex->report->folders++;
		status = put_folder(ex);
		ex->store->calls->close(&ex->drop);
	}
	buf_release(&path);
	return status;
}

static STATUS add_folder(void *context, struct slice folder)
{
	struct buf *names = context;

	buf_add_slice(names, folder);
	buf_add_char(names, '\0');
	return buf_status(names);
}

static STATUS put_subfolders(struct exporter *ex)
{
	struct buf names = BUF_INIT;
	STATUS status = NOERROR;

	if (ex->store->calls->folders != NULL)
		status = ex->store->calls->folders(ex->store, ex->path, add_folder, &names,
		                                   ex->fault);
	for (size_t at = 0; at < names.n && status == NOERROR; at += ex->folder.n + 1) {
		ex->folder = slice_of(names.p + at);
		status = put_subfolder(ex);
	}
	buf_release(&names);
	return status;
}

/* --- the whole ---------------------------------------------------------------------------- */

static STATUS destination_open(struct exporter *ex)
{
	STATUS status = NOERROR;

	if (is_mbox(ex) && strcmp(ex->destination, "-") == 0)
		ex->file = stdout;
	else if (is_mbox(ex))
		status = export_new_file(ex, ex->destination, &ex->file);
	if (status == NOERROR && ex->options->uidl_map != NULL)
		status = export_new_file(ex, ex->options->uidl_map, &ex->map);
	return status;
}

static STATUS destination_close(struct exporter *ex, STATUS status)
{
	bool to_file = is_mbox(ex) && strcmp(ex->destination, "-") != 0;
	STATUS closed = export_close_file(ex, &ex->file, ex->destination, to_file);

	if (status == NOERROR)
		status = closed;
	closed = export_close_file(ex, &ex->map, ex->options->uidl_map, true);
	if (status == NOERROR)
		status = closed;
	return status == NOERROR && !is_mbox(ex) ? export_sync(ex) : status;
}

static STATUS put_all(struct exporter *ex)
{
	STATUS status = destination_open(ex);

	if (status == NOERROR)
		status = put_folder(ex);
	ex->store->calls->close(&ex->drop);
	if (status == NOERROR && ex->options->folders && ex->form == MAIL_FORM_MAILDIR)
		status = put_subfolders(ex);
	return destination_close(ex, status);
}

STATUS export_mail(struct mail_store *store, const char *path, const char *destination,
                   const struct export_options *options, struct export_report *report,
                   struct fault *fault)
{
	static const struct export_options none;
	struct exporter ex = { .store = store, .path = path, .report = report, .fault = fault,
	                       .options = options != NULL ? options : &none,
	                       .destination = destination, .where = destination,
	                       .validity = (uint32_t)clock_wall_secs() };
	STATUS status;

	if (ex.options->form == MAIL_FORM_DXL)
		return dxlmail_export(store, path, destination, options, report, fault);
	ex.folder = slice_of(ex.options->folder);
	if (slice_equal_nocase(ex.folder, SLICE_LIT("($Inbox)")))
		ex.folder.n = 0;
	ex.form = ex.options->form == MAIL_FORM_AUTO ? MAIL_FORM_MBOXRD : ex.options->form;
	if (!is_mbox(&ex) && ex.form != MAIL_FORM_EML && ex.form != MAIL_FORM_MAILDIR)
		return fault_set(fault, POSTIL_ERR_INVALID, "nothing is exported in that form");
	status = open_folder(&ex);
	if (status != NOERROR)
		return status;
	ex.piece = malloc(EXPORT_PIECE_OCTETS);
	if (ex.piece != NULL) {
		status = put_all(&ex);
	} else {
		store->calls->close(&ex.drop);
		status = POSTIL_ERR_MEMORY;
	}
	free(ex.piece);
	if (status != NOERROR && (fault == NULL || fault->status != status))
		fault_set(fault, status, "%s: %s", destination, status_text(status));
	return status;
}

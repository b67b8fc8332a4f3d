/* Messages into directories: *.eml files, and Maildirs that a Dovecot can go on with.
 * Distrusted: that the destination is free; names of folders. */
#include "mailfile/exporter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypt.h"
#include "mailfile/importer.h"
#include "mailfile/maildirname.h"
#include "mailfile/mbox.h"

static const char *const parts[] = { "", "/tmp", "/new", "/cur" };

static char *below(const struct exporter *ex, const char *name)
{
	char *path = NULL;

	return asprintf(&path, "%s%s", ex->where, name) < 0 ? NULL : path;
}

STATUS export_folder_path(struct exporter *ex, struct buf *out)
{
	STATUS status;

	buf_addf(out, "%s/.", ex->destination);
	status = maildir_folder_out(ex->folder, out);
	while (status == NOERROR && access(buf_cstr(out), F_OK) == 0)
		buf_add_char(out, '_');         /* two folders here may have one name there */
	if (status == NOERROR && out->n - strlen(ex->destination) > 240)
		status = POSTIL_ERR_INVALID;
	return status;
}

/* --- the directory ---------------------------------------------------------------------- */

static STATUS make_one(struct exporter *ex, const char *part)
{
	char *path = below(ex, part);
	STATUS status = NOERROR;

	if (path == NULL)
		return POSTIL_ERR_MEMORY;
	if (mkdir(path, 0700) != 0)
		status = export_failed(ex, path);
	free(path);
	return status;
}

/* An empty file that says that the directory is a folder (Maildir++). */
static STATUS mark_folder(struct exporter *ex)
{
	char *path = below(ex, "/maildirfolder");
	int fd;

	if (path == NULL)
		return POSTIL_ERR_MEMORY;
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	free(path);
	if (fd < 0)
		return export_failed(ex, ex->where);
	close(fd);
	return NOERROR;
}

/* dovecot-uidlist, version 3: UID validity, next UID, and a GUID of the folder. */
static STATUS begin_uidlist(struct exporter *ex, uint32_t count)
{
	char *path = below(ex, "/dovecot-uidlist");
	uint8_t guid[16];
	STATUS status = path == NULL ? POSTIL_ERR_MEMORY : crypt_random(guid, sizeof(guid));

	if (status == NOERROR)
		status = export_new_file(ex, path, &ex->uidlist);
	free(path);
	if (status != NOERROR)
		return status;
	fprintf(ex->uidlist, "3 V%u N%u G", (unsigned)ex->validity, (unsigned)count + 1);
	for (size_t i = 0; i < sizeof(guid); i++)
		fprintf(ex->uidlist, "%02x", guid[i]);
	return fputc('\n', ex->uidlist) == EOF ? export_failed(ex, ex->where) : NOERROR;
}

STATUS export_make_directory(struct exporter *ex)
{
	size_t count = ex->form == MAIL_FORM_MAILDIR ? 4 : 1;
	STATUS status = NOERROR;
	uint32_t messages;
	uint64_t octets;

	for (size_t i = 0; i < count && status == NOERROR; i++)
		status = make_one(ex, parts[i]);
	if (status != NOERROR || ex->form != MAIL_FORM_MAILDIR)
		return status;
	ex->store->calls->stat(ex->drop, &messages, &octets);
	if (ex->where != ex->destination)
		status = mark_folder(ex);
	return status == NOERROR ? begin_uidlist(ex, messages) : status;
}

STATUS export_finish_directory(struct exporter *ex)
{
	return export_close_file(ex, &ex->uidlist, ex->where, false);
}

STATUS export_sync(struct exporter *ex)
{
	int fd = open(ex->destination, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	STATUS status = NOERROR;

	if (fd < 0 || syncfs(fd) != 0)
		status = export_failed(ex, ex->destination);
	if (fd >= 0)
		close(fd);
	return status;
}

/* --- one message --------------------------------------------------------------------------- */

/* The file's time is that of receipt. */
static STATUS set_time(struct exporter *ex, const char *name)
{
	int64_t ms = ex->details.received_ms;
	struct timespec times[2] = { { .tv_sec = (time_t)(ms / 1000),
	                               .tv_nsec = (long)(ms % 1000) * 1000000 } };

	if (ms <= 0)
		return NOERROR;
	times[1] = times[0];
	if (fflush(ex->file) != 0 || futimens(fileno(ex->file), times) != 0)
		return export_failed(ex, name);
	return NOERROR;
}

static STATUS write_eml(struct exporter *ex, uint32_t index, size_t got)
{
	char name[32];
	char *path;
	STATUS status;

	snprintf(name, sizeof(name), "/%u.eml", (unsigned)ex->uid);
	path = below(ex, name);
	if (path == NULL)
		return POSTIL_ERR_MEMORY;
	status = export_map_line(ex, name + 1);
	if (status == NOERROR)
		status = export_new_file(ex, path, &ex->file);
	if (status == NOERROR)
		status = export_rest(ex, index, got, export_octets, ex);
	if (status == NOERROR)
		status = set_time(ex, path);
	if (status == NOERROR)
		status = export_close_file(ex, &ex->file, path, false);
	free(path);
	return status;
}

static STATUS feed_writer(void *context, const void *p, size_t n)
{
	return mbox_writer_feed(context, p, n);
}

/* Letters of the name in the order of ASCII, as Dovecot wants them. */
static void flags_of(const struct exporter *ex, char out[8])
{
	static const char letters[] = "DFRST";
	bool trashed = slice_equal(ex->folder, SLICE_LIT(TRASH_FOLDER));
	size_t n = 0;

	for (const char *c = letters; *c != '\0'; c++)
		if (*c == 'S' ? ex->details.read : *c == 'T' ? trashed
		    : strchr(ex->details.flags, *c) != NULL)
			out[n++] = *c;
	out[n] = '\0';
}

/* From tmp to its place; base is what its name begins with. */
static STATUS name_message(struct exporter *ex, const char *from, const char *base)
{
	char name[160], flags[8];
	char *to;
	STATUS status;

	flags_of(ex, flags);
	snprintf(name, sizeof(name), "/cur/%s,S=%llu,W=%llu", base,
	         (unsigned long long)ex->written, (unsigned long long)ex->message.size_octets);
	if (fprintf(ex->uidlist, "%u P%.*s :%s\n", (unsigned)ex->uid, (int)ex->message.uidl.n,
	            ex->message.uidl.p, name + 5) < 0)
		return export_failed(ex, ex->where);
	status = export_map_line(ex, name + 5);
	snprintf(name + strlen(name), sizeof(name) - strlen(name), ":2,%s", flags);
	to = below(ex, name);
	if (to == NULL)
		return POSTIL_ERR_MEMORY;
	if (status == NOERROR && rename(from, to) != 0)
		status = export_failed(ex, to);
	free(to);
	return status;
}

static STATUS write_maildir(struct exporter *ex, uint32_t index, size_t got)
{
	int64_t ms = ex->details.received_ms > 0 ? ex->details.received_ms : 0;
	struct mbox_writer writer;
	char name[96];
	char *path;
	STATUS status;

	snprintf(name, sizeof(name), "/tmp/%lld.M%lldP1Q%u.postil", (long long)(ms / 1000),
	         (long long)(ms % 1000) * 1000, (unsigned)ex->uid);
	path = below(ex, name);
	if (path == NULL)
		return POSTIL_ERR_MEMORY;
	mbox_writer_init(&writer, MBOX_QUOTE_NONE, export_octets, ex);
	status = export_new_file(ex, path, &ex->file);
	ex->written = 0;
	if (status == NOERROR)
		status = export_rest(ex, index, got, feed_writer, &writer);
	if (status == NOERROR)
		status = mbox_writer_end(&writer);
	if (status == NOERROR)
		status = set_time(ex, path);
	if (status == NOERROR)
		status = export_close_file(ex, &ex->file, path, false);
	if (status == NOERROR)
		status = name_message(ex, path, name + 5);
	free(path);
	return status;
}

STATUS export_file_message(struct exporter *ex, uint32_t index, size_t got)
{
	return ex->form == MAIL_FORM_MAILDIR ? write_maildir(ex, index, got)
	                                     : write_eml(ex, index, got);
}

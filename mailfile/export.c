/* Exporting mail. Distrusted: what messages hold (names of senders go into
 * From_ lines), and that the destination is free. */
#include "mailfile/export.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "mailfile/header.h"
#include "mailfile/mbox.h"

#define PIECE_OCTETS (256u * 1024)
#define SENDER_MAX 200

struct exporter {
	const struct export_options *options;
	struct export_report *report;
	struct fault *fault;
	struct maildrop *drop;
	const char *destination;
	enum mail_form form;
	uint32_t count;
	uint64_t total_octets;
	FILE *file;                     /* mbox, or the message under way */
	FILE *map;
	char *piece;
};

static STATUS write_failed(struct exporter *ex, const char *name)
{
	int error = errno;

	return fault_set(ex->fault, error == ENOSPC || error == EDQUOT ? POSTIL_ERR_DISK_FULL
	                 : error == EEXIST ? POSTIL_ERR_EXISTS
	                 : error == EACCES ? POSTIL_ERR_PERMISSION : POSTIL_ERR_IO,
	                 error == EEXIST ? "%s exists already (%s); name another"
	                                 : "cannot write %s: %s", name, strerrordesc_np(error));
}

static STATUS new_file(struct exporter *ex, const char *name, FILE **file_r)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

	if (file == NULL) {
		STATUS status = write_failed(ex, name);

		if (fd >= 0)
			close(fd);
		return status;
	}
	setvbuf(file, NULL, _IOFBF, 65536);
	*file_r = file;
	return NOERROR;
}

/* Written out, synced if it is a file, closed. */
static STATUS close_file(struct exporter *ex, FILE **file, const char *name, bool sync)
{
	STATUS status = NOERROR;

	if (*file == NULL)
		return NOERROR;
	if (fflush(*file) != 0
	    || (sync && fsync(fileno(*file)) != 0 && errno != EINVAL && errno != EROFS))
		status = write_failed(ex, name);
	if (*file != stdout && fclose(*file) != 0 && status == NOERROR)
		status = write_failed(ex, name);
	*file = NULL;
	return status;
}

static STATUS put_octets(void *context, const void *p, size_t n)
{
	struct exporter *ex = context;

	return fwrite(p, 1, n, ex->file) == n ? NOERROR : write_failed(ex, ex->destination);
}

/* --- the From_ line ----------------------------------------------------------------- */

/* The address in a value, without anything that would break the line. */
static void put_sender(struct slice value, char out[SENDER_MAX + 1])
{
	const char *open_angle = memchr(value.p, '<', value.n);
	size_t n = 0, i = open_angle != NULL ? (size_t)(open_angle - value.p) + 1 : 0;

	while (i < value.n && (value.p[i] == ' ' || value.p[i] == '\t'))
		i++;
	for (; i < value.n && n < SENDER_MAX; i++) {
		if (value.p[i] <= ' ' || value.p[i] == 0x7F || value.p[i] == '>')
			break;
		out[n++] = value.p[i];
	}
	out[n] = '\0';
}

static void from_line(struct slice header, char *out, size_t size)
{
	char sender[SENDER_MAX + 1] = "", date[32] = "";
	struct slice value;
	int64_t secs;
	time_t when;
	struct tm tm;

	if ((header_find(header, "Return-Path", &value) || header_find(header, "From", &value))
	    && value.n != 0)
		put_sender(value, sender);
	if (!header_find(header, "Date", &value) || !header_date(value, &secs) || secs < 0)
		secs = time(NULL);
	when = (time_t)secs;
	if (gmtime_r(&when, &tm) == NULL || asctime_r(&tm, date) == NULL)
		snprintf(date, sizeof(date), "Thu Jan  1 00:00:00 1970\n");
	snprintf(out, size, "From %s %s", sender[0] != '\0' ? sender : "MAILER-DAEMON", date);
}

/* --- one message ---------------------------------------------------------------------- */

/* The body after its first piece, which is in ex->piece. */
static STATUS put_body(struct exporter *ex, uint32_t index, size_t got,
                       struct mbox_writer *writer)
{
	uint64_t offset = 0;
	STATUS status = NOERROR;

	while (status == NOERROR && got > 0) {
		status = writer != NULL ? mbox_writer_feed(writer, ex->piece, got)
		                        : put_octets(ex, ex->piece, got);
		offset += got;
		if (status == NOERROR)
			status = ex->drop->calls->read(ex->drop, index, offset, ex->piece,
			                               PIECE_OCTETS, &got, ex->fault);
	}
	if (status == NOERROR && writer != NULL)
		status = mbox_writer_end(writer);
	return status;
}

static STATUS put_mbox_message(struct exporter *ex, uint32_t index, size_t got)
{
	enum mbox_quoting quoting = ex->form == MAIL_FORM_MBOX ? MBOX_QUOTE_FROM
	                                                       : MBOX_QUOTE_ALL;
	struct mbox_writer writer;
	char line[SENDER_MAX + 64];
	STATUS status;

	from_line((struct slice){ ex->piece, got }, line, sizeof(line));
	mbox_writer_init(&writer, quoting, put_octets, ex);
	status = put_octets(ex, line, strlen(line));
	if (status == NOERROR)
		status = put_body(ex, index, got, &writer);
	return status == NOERROR ? put_octets(ex, "\n", 1) : status;
}

/* The name of a message's file, below the destination and in the UIDL map. */
static char *name_of(struct exporter *ex, uint32_t index, bool whole)
{
	const char *dir = whole ? ex->destination : "", *slash = whole ? "/" : "";
	char *name = NULL;
	int n;

	if (ex->form == MAIL_FORM_MAILDIR)
		n = asprintf(&name, "%s%s%u.postil", dir, whole ? "/new/" : "", index + 1);
	else if (ex->form == MAIL_FORM_EML)
		n = asprintf(&name, "%s%s%u.eml", dir, slash, index + 1);
	else
		n = asprintf(&name, "%llu", (unsigned long long)ex->report->messages + 1);
	return n < 0 ? NULL : name;
}

static STATUS put_file_message(struct exporter *ex, uint32_t index, size_t got)
{
	struct mbox_writer writer;
	char *name = name_of(ex, index, true);
	STATUS status;

	if (name == NULL)
		return POSTIL_ERR_MEMORY;
	mbox_writer_init(&writer, MBOX_QUOTE_NONE, put_octets, ex);
	status = new_file(ex, name, &ex->file);
	if (status == NOERROR)
		status = put_body(ex, index, got, ex->form == MAIL_FORM_MAILDIR ? &writer : NULL);
	if (status == NOERROR)
		status = close_file(ex, &ex->file, name, true);
	free(name);
	return status;
}

static STATUS put_map_line(struct exporter *ex, uint32_t index)
{
	struct maildrop_message message;
	char *key;

	if (ex->map == NULL)
		return NOERROR;
	key = name_of(ex, index, false);
	if (key == NULL)
		return POSTIL_ERR_MEMORY;
	ex->drop->calls->message(ex->drop, index, &message);
	if (fprintf(ex->map, "%s %.*s\n", key, (int)message.uidl.n, message.uidl.p) < 0) {
		free(key);
		return write_failed(ex, ex->options->uidl_map);
	}
	free(key);
	return NOERROR;
}

static STATUS put_message(struct exporter *ex, uint32_t index)
{
	struct maildrop_message message;
	size_t got = 0;
	STATUS status = ex->drop->calls->read(ex->drop, index, 0, ex->piece, PIECE_OCTETS, &got,
	                                      ex->fault);

	if (status == POSTIL_ERR_DELETED) {
		ex->report->gone++;
		return NOERROR;
	}
	if (status == NOERROR)
		status = put_map_line(ex, index);
	if (status == NOERROR)
		status = ex->form == MAIL_FORM_EML || ex->form == MAIL_FORM_MAILDIR
		         ? put_file_message(ex, index, got) : put_mbox_message(ex, index, got);
	if (status != NOERROR)
		return status;
	ex->drop->calls->message(ex->drop, index, &message);
	ex->report->messages++;
	ex->report->octets += message.size_octets;
	if (ex->options->progress != NULL)
		ex->options->progress(ex->options->context, ex->report->octets, ex->total_octets,
		                      ex->report->messages);
	return NOERROR;
}

/* --- the destination --------------------------------------------------------------------- */

static STATUS make_directories(struct exporter *ex)
{
	static const char *const parts[] = { "", "/tmp", "/new", "/cur" };
	size_t count = ex->form == MAIL_FORM_MAILDIR ? 4 : 1;

	for (size_t i = 0; i < count; i++) {
		char *name = NULL;
		STATUS status = NOERROR;

		if (asprintf(&name, "%s%s", ex->destination, parts[i]) < 0)
			return POSTIL_ERR_MEMORY;
		if (mkdir(name, 0700) != 0)
			status = write_failed(ex, name);
		free(name);
		if (status != NOERROR)
			return status;
	}
	return NOERROR;
}

static STATUS sync_directory(struct exporter *ex, const char *part)
{
	char *name = NULL;
	STATUS status = NOERROR;
	int fd;

	if (asprintf(&name, "%s%s", ex->destination, part) < 0)
		return POSTIL_ERR_MEMORY;
	fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || (fsync(fd) != 0 && errno != EINVAL))
		status = write_failed(ex, name);
	if (fd >= 0)
		close(fd);
	free(name);
	return status;
}

static STATUS destination_open(struct exporter *ex)
{
	STATUS status = NOERROR;

	if (ex->form == MAIL_FORM_EML || ex->form == MAIL_FORM_MAILDIR)
		status = make_directories(ex);
	else if (strcmp(ex->destination, "-") == 0)
		ex->file = stdout;
	else
		status = new_file(ex, ex->destination, &ex->file);
	if (status == NOERROR && ex->options->uidl_map != NULL)
		status = new_file(ex, ex->options->uidl_map, &ex->map);
	return status;
}

static STATUS destination_close(struct exporter *ex, STATUS status)
{
	bool is_file = ex->form == MAIL_FORM_MBOX || ex->form == MAIL_FORM_MBOXRD;
	STATUS closed = close_file(ex, &ex->file, ex->destination,
	                           is_file && strcmp(ex->destination, "-") != 0);

	if (status == NOERROR)
		status = closed;
	closed = close_file(ex, &ex->map, ex->options->uidl_map, true);
	if (status == NOERROR)
		status = closed;
	if (status == NOERROR && ex->form == MAIL_FORM_MAILDIR)
		status = sync_directory(ex, "/new");
	if (status == NOERROR && !is_file)
		status = sync_directory(ex, "");
	return status;
}

static STATUS put_all(struct exporter *ex)
{
	STATUS status = destination_open(ex);
	bool is_open = status == NOERROR;

	ex->drop->calls->stat(ex->drop, &ex->count, &ex->total_octets);
	for (uint32_t i = 0; i < ex->count && status == NOERROR; i++)
		status = put_message(ex, i);
	return is_open || ex->file != NULL ? destination_close(ex, status) : status;
}

STATUS export_mail(struct mail_store *store, const char *path, const char *destination,
                   const struct export_options *options, struct export_report *report,
                   struct fault *fault)
{
	static const struct export_options none;
	struct maildrop_options look = { .look_only = true };
	struct exporter ex = { .options = options != NULL ? options : &none, .report = report,
	                       .fault = fault, .destination = destination };
	uint64_t epoch;
	STATUS status = store->calls->open(store, path, &look, &ex.drop, &epoch, fault);

	if (status != NOERROR)
		return status;
	ex.form = ex.options->form == MAIL_FORM_AUTO ? MAIL_FORM_MBOXRD : ex.options->form;
	ex.piece = malloc(PIECE_OCTETS);
	status = ex.piece != NULL ? put_all(&ex) : POSTIL_ERR_MEMORY;
	free(ex.piece);
	store->calls->close(&ex.drop);
	if (status != NOERROR && (fault == NULL || fault->status != status))
		fault_set(fault, status, "%s: %s", destination, status_text(status));
	return status;
}

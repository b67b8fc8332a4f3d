/*
 * Where documents come from: files and folders of files, and what the reader of DXL tells of
 * them. Names are hostile too: in a folder links are not followed, what is shown of a
 * document is escaped.
 */
#include "mailfile/dxlmailimpl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/dxl.h"
#include "base/text.h"
#include "mailfile/render.h"

#define OTHERS_TOLD 20                          /* of one file */

/* --- telling ------------------------------------------------------------------------- */

void dxlmail_say(struct dxl_importer *im, const char *format, ...)
{
	char text[700];
	va_list ap;

	if (im->options->say == NULL)
		return;
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	im->options->say(im->options->context, text);
}

void dxlmail_label(const struct dxl_importer *im, const struct note *note, char out[256])
{
	struct buf subject = BUF_INIT;
	char unid[33] = "without UNID";

	if (note->has_unid)
		unid_format(&note->unid, unid);
	text_escape(note_text(note, "Subject"), 60, &subject);
	snprintf(out, 256, "%.100s:%u: document %s%s%s%s", im->source, note->line, unid,
	         subject.n > 0 ? " \"" : "", buf_cstr(&subject), subject.n > 0 ? "\"" : "");
	buf_release(&subject);
}

/* --- what the reader tells ------------------------------------------------------------------ */

static STATUS take_note(void *context, const struct note *note)
{
	return dxlmail_take(context, note);
}

static void take_fault(void *context, unsigned line, const char *text)
{
	struct dxl_importer *im = context;

	im->report->passed_over++;
	dxlmail_say(im, "%.300s:%u: a document is passed over: %s", im->source, line, text);
}

static void take_broken(void *context, const struct note *note)
{
	struct dxl_importer *im = context;
	char label[256];

	dxlmail_label(im, note, label);
	dxlmail_say(im, "%s: not imported: it is not whole", label);
}

static void take_flaw(void *context, unsigned line, const char *item, const char *text)
{
	struct dxl_importer *im = context;
	struct buf shown = BUF_INIT;

	text_escape(slice_of(item), 60, &shown);
	dxlmail_say(im, "%.300s:%u: %s%s%s; kept as far as it goes", im->source, line, buf_cstr(&shown),
	    shown.n > 0 ? ": " : "", text);
	buf_release(&shown);
}

/* Design elements come by the hundred. */
static void take_other(void *context, unsigned line, const char *element, struct slice name)
{
	struct dxl_importer *im = context;
	struct buf shown = BUF_INIT;

	if (im->others++ < OTHERS_TOLD) {
		text_escape(slice_of(element), 40, &shown);
		buf_add_str(&shown, name.n > 0 ? " " : "");
		text_escape(name, 60, &shown);
		dxlmail_say(im, "%.300s:%u: not a document, left out: %s", im->source, line, buf_cstr(&shown));
	}
	buf_release(&shown);
}

static ssize_t read_fd(void *context, void *out, size_t size)
{
	struct dxl_importer *im = context;
	ssize_t n;

	do
		n = read(im->fd, out, size);
	while (n < 0 && errno == EINTR);
	return n;
}

static STATUS read_open(struct dxl_importer *im)
{
	static const struct dxl_sink sink = { .note = take_note, .fault = take_fault,
		.broken = take_broken, .flaw = take_flaw, .other = take_other };
	struct dxl_limits limits = dxl_limits_mail;
	struct fault own = { 0 };
	STATUS status, put;

	im->others = 0;
	limits.spool_dir = im->options->render != NULL ? im->options->render->spool_dir : NULL;
	status = dxl_read_stream(read_fd, im, im->source, &limits, &sink, im, &own);
	put = dxlmail_flush(im);
	if (im->others > OTHERS_TOLD)
		dxlmail_say(im, "%.300s: %llu more that are no documents are left out", im->source,
		    (unsigned long long)(im->others - OTHERS_TOLD));
	if (status == NOERROR || (put != NOERROR && status == POSTIL_ERR_SYNTAX))
		return put;
	/* the store's own words, if it was the store */
	if (im->fault == NULL || im->fault->status != status)
		fault_set(im->fault, status, "%s", fault_text(&own, status));
	return status;
}

/* --- files -------------------------------------------------------------------------------------- */

static STATUS cannot_read(struct dxl_importer *im, const char *name)
{
	return fault_set(im->fault, errno == ENOENT ? POSTIL_ERR_NOEXIST
	                 : errno == EACCES ? POSTIL_ERR_PERMISSION : POSTIL_ERR_IO,
	                 "cannot read %s: %s", name, strerrordesc_np(errno));
}

/* follow: the name was given by a person, not found in a folder. */
static STATUS import_file(struct dxl_importer *im, const char *name, bool follow)
{
	struct stat st;
	STATUS status;

	im->source = name;
	im->fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (follow ? 0 : O_NOFOLLOW));
	if (im->fd < 0 || fstat(im->fd, &st) != 0)
		status = cannot_read(im, name);
	else if (!S_ISREG(st.st_mode) && !follow)
		status = fault_set(im->fault, POSTIL_ERR_INVALID, "%s is not a file", name);
	else
		status = NOERROR;
	if (status == NOERROR) {
		im->total_octets = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
		fcntl(im->fd, F_SETFL, fcntl(im->fd, F_GETFL) & ~O_NONBLOCK);
		status = read_open(im);
	}
	if (im->fd >= 0)
		close(im->fd);
	im->fd = -1;
	return status;
}

static int is_dxl_name(const struct dirent *entry)
{
	struct slice name = slice_of(entry->d_name);

	return name.p[0] != '.' && (text_ends_nocase(name, ".dxl") || text_ends_nocase(name, ".xml"));
}

/* One bad file of a folder does not keep the others out. */
static bool goes_on(STATUS status)
{
	return status == NOERROR || status == POSTIL_ERR_SYNTAX || status == POSTIL_ERR_INVALID ||
	       status == POSTIL_ERR_NOEXIST || status == POSTIL_ERR_PERMISSION;
}

static STATUS import_folder(struct dxl_importer *im, const char *folder)
{
	struct dirent **names = NULL;
	int count = scandir(folder, &names, is_dxl_name, alphasort);
	struct fault first = { 0 };
	STATUS status = NOERROR, failed = NOERROR;

	if (count < 0)
		return cannot_read(im, folder);
	for (int i = 0; i < count; i++) {
		char *name = NULL;

		if (goes_on(status) && asprintf(&name, "%s/%s", folder, names[i]->d_name) > 0)
			status = import_file(im, name, false);
		if (status != NOERROR && failed == NOERROR) {
			failed = status;
			first = im->fault != NULL ? *im->fault : first;
		} else if (status != NOERROR && im->fault != NULL && im->fault->status == status) {
			dxlmail_say(im, "%s", im->fault->text);
		}
		free(name);
		free(names[i]);
	}
	free(names);
	if (failed != NOERROR && im->fault != NULL && goes_on(status))
		*im->fault = first;
	if (count == 0)
		return fault_set(im->fault, POSTIL_ERR_NOEXIST, "%s has no .dxl or .xml file", folder);
	return goes_on(status) ? failed : status;
}

STATUS dxlmail_read(struct dxl_importer *im, const char *source)
{
	struct stat st;

	if (strcmp(source, "-") == 0) {
		im->source = "standard input";
		im->fd = STDIN_FILENO;
		return read_open(im);
	}
	if (stat(source, &st) != 0)
		return cannot_read(im, source);
	return S_ISDIR(st.st_mode) ? import_folder(im, source) : import_file(im, source, true);
}

static bool begins_as_dxl(struct slice head)
{
	static const char *const begins[] = { "<?xml", "<!DOCTYPE database", "<!DOCTYPE document",
		"<database", "<document", "<note" };

	if (head.n >= 3 && memcmp(head.p, "\xEF\xBB\xBF", 3) == 0)
		head = (struct slice){ head.p + 3, head.n - 3 };
	/* UTF-16: no mail begins so */
	if (head.n >= 2 && (memcmp(head.p, "\xFF\xFE", 2) == 0 || memcmp(head.p, "\xFE\xFF", 2) == 0))
		return true;
	for (size_t i = 0; i < sizeof(begins) / sizeof(*begins); i++)
		if (head.n >= strlen(begins[i]) && memcmp(head.p, begins[i], strlen(begins[i])) == 0)
			return true;
	return false;
}

static bool has_dxl_names(const char *directory)
{
	DIR *dir = opendir(directory);
	const struct dirent *entry;
	bool found = false, other = false;

	while (dir != NULL && !other && (entry = readdir(dir)) != NULL) {
		found = found || text_ends_nocase(slice_of(entry->d_name), ".dxl");
		other = strcmp(entry->d_name, "cur") == 0 || strcmp(entry->d_name, "new") == 0 ||
		        strncmp(entry->d_name, "cyrus.", 6) == 0;
	}
	if (dir != NULL)
		closedir(dir);
	return found && !other;
}

bool dxlmail_is_source(const char *source)
{
	char head[32];
	struct stat st;
	ssize_t n;
	int fd;

	if (strcmp(source, "-") == 0 || stat(source, &st) != 0)
		return false;
	if (S_ISDIR(st.st_mode))
		return has_dxl_names(source);
	fd = S_ISREG(st.st_mode) ? open(source, O_RDONLY | O_CLOEXEC | O_NOCTTY) : -1;
	if (fd < 0)
		return false;
	n = pread(fd, head, sizeof(head), 0);
	close(fd);
	return n > 0 && begins_as_dxl((struct slice){ head, (size_t)n });
}

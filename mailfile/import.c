/* Importing mail. Every file is hostile: no message, endless lines, odd names,
 * devices in the place of files. In a directory links are not followed: its owner
 * may not be who may read what they lead to. */
#include "mailfile/import.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mailfile/mbox.h"
#include "mailfile/message.h"

#define BATCH_DEFAULT 50
#define BATCH_MAX 1000
#define READ_OCTETS (256u * 1024)

struct importer {
	struct mail_store *store;
	const char *path;
	struct slice owner;
	const struct import_options *options;
	struct import_report *report;
	struct fault *fault;

	struct intake **intakes;        /* of the batch */
	struct maildrop_delivery *deliveries;
	size_t batch, count;

	struct intake *current;         /* the message being read, or NULL */
	bool passing;                   /* it is passed over */
	bool read;                      /* Maildir: seen */
	struct slice uidl;
	const char *source;             /* for people: the file */
	bool in_mbox;
	uint64_t number;                /* of the message in it, else 0 */
	uint64_t done_octets, total_octets;
	char *buffer;
};

bool mail_form_parse(const char *text, enum mail_form *form_r)
{
	static const char *const forms[] = { "auto", "eml", "mbox", "mboxrd", "maildir" };

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (strcasecmp(text, forms[i]) == 0) {
			*form_r = (enum mail_form)i;
			return true;
		}
	return false;
}

/* --- batches -------------------------------------------------------------------- */

static void batch_clear(struct importer *im)
{
	for (size_t i = 0; i < im->count; i++)
		intake_free(&im->intakes[i]);
	im->count = 0;
}

static STATUS batch_deliver(struct importer *im)
{
	STATUS status;

	if (im->count == 0)
		return NOERROR;
	status = im->store->calls->deliver(im->store, im->path, true, im->owner,
	                                   im->deliveries, im->count, im->fault);
	for (size_t i = 0; i < im->count && status == NOERROR; i++) {
		im->report->messages++;
		im->report->octets += im->deliveries[i].size_octets;
		im->report->uidls += im->deliveries[i].uidl.n != 0;
	}
	batch_clear(im);
	return status;
}

static void progress(struct importer *im)
{
	if (im->options->progress != NULL)
		im->options->progress(im->options->context, im->done_octets, im->total_octets,
		                      im->report->messages);
}

static void pass_over(struct importer *im, const char *why)
{
	char text[512];

	im->report->passed_over++;
	if (im->options->say == NULL)
		return;
	if (im->number != 0)
		snprintf(text, sizeof(text), "%.300s, message %llu: passed over: %s", im->source,
		         (unsigned long long)im->number, why);
	else
		snprintf(text, sizeof(text), "%.300s: passed over: %s", im->source, why);
	im->options->say(im->options->context, text);
}

/* --- one message ------------------------------------------------------------------ */

static STATUS message_begin(void *context)
{
	struct importer *im = context;
	struct intake_options options = { .max_octets = im->options->max_octets };
	char key[24];

	im->passing = false;
	if (im->in_mbox) {
		snprintf(key, sizeof(key), "%llu", (unsigned long long)++im->number);
		im->uidl = uidl_map_find(im->options->uidls, slice_of(key));
	}
	return intake_new(&options, &im->current);
}

static STATUS message_octets(void *context, const void *p, size_t n)
{
	struct importer *im = context;
	STATUS status = im->passing ? NOERROR : intake_add(im->current, p, n);

	if (status == POSTIL_ERR_TOO_LONG) {
		pass_over(im, "it is longer than the limit");
		im->passing = true;
		status = NOERROR;
	}
	return status;
}

static STATUS message_end(void *context)
{
	struct importer *im = context;
	struct maildrop_delivery *delivery = &im->deliveries[im->count];
	STATUS status = im->passing ? NOERROR : intake_finish(im->current, delivery);

	if (status == POSTIL_ERR_TOO_LONG) {
		pass_over(im, "it is longer than the limit");
		im->passing = true;
		status = NOERROR;
	}
	if (im->passing || status != NOERROR) {
		intake_free(&im->current);
		return status;
	}
	delivery->read = im->read;
	delivery->uidl = im->uidl;
	im->intakes[im->count++] = im->current;
	im->current = NULL;
	return im->count == im->batch ? batch_deliver(im) : NOERROR;
}

static const struct mbox_events message_events = { message_begin, message_octets, message_end };

/* --- one file ----------------------------------------------------------------------- */

static STATUS read_failed(struct importer *im, const char *name, int error)
{
	return fault_set(im->fault, error == ENOENT ? POSTIL_ERR_NOEXIST
	                 : error == EACCES ? POSTIL_ERR_PERMISSION : POSTIL_ERR_IO,
	                 "cannot read %s: %s", name, strerrordesc_np(error));
}

/* The next octets; 0 at the end. */
static STATUS read_piece(struct importer *im, int fd, size_t *got_r)
{
	ssize_t n;

	do
		n = read(fd, im->buffer, READ_OCTETS);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return read_failed(im, im->source, errno);
	*got_r = (size_t)n;
	im->done_octets += (uint64_t)n;
	return NOERROR;
}

/* Enough to tell an mbox file by, or all there is. */
static STATUS read_first_piece(struct importer *im, int fd, size_t *got_r)
{
	size_t got = 0;

	while (got < 5) {
		ssize_t n = read(fd, im->buffer + got, READ_OCTETS - got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return read_failed(im, im->source, errno);
		if (n == 0)
			break;
		got += (size_t)n;
	}
	im->done_octets += got;
	*got_r = got;
	return NOERROR;
}

/* The first piece is in the buffer already. */
static STATUS read_eml(struct importer *im, int fd, size_t got)
{
	STATUS status = message_begin(im);

	while (status == NOERROR && got > 0) {
		status = message_octets(im, im->buffer, got);
		if (status == NOERROR)
			status = read_piece(im, fd, &got);
		progress(im);
	}
	return status == NOERROR ? message_end(im) : status;
}

static STATUS read_mbox(struct importer *im, int fd, size_t got, bool unquote)
{
	struct mbox_reader reader;
	STATUS status = NOERROR;

	im->in_mbox = true;
	mbox_reader_init(&reader, unquote, &message_events, im);
	while (status == NOERROR && got > 0) {
		status = mbox_reader_feed(&reader, im->buffer, got);
		if (status == NOERROR)
			status = read_piece(im, fd, &got);
		progress(im);
	}
	if (status == NOERROR)
		status = mbox_reader_end(&reader);
	if (status == POSTIL_ERR_SYNTAX)
		return fault_set(im->fault, status, "%s is no mbox file: it does not begin with"
		                 " \"From \"; for a single message use the form eml", im->source);
	return status;
}

static STATUS read_file(struct importer *im, int fd, enum mail_form form)
{
	size_t got = 0;
	STATUS status = read_first_piece(im, fd, &got);

	if (status != NOERROR)
		return status;
	if (form == MAIL_FORM_AUTO)
		form = got >= 5 && memcmp(im->buffer, "From ", 5) == 0 ? MAIL_FORM_MBOX
		                                                       : MAIL_FORM_EML;
	if (form == MAIL_FORM_MBOX || form == MAIL_FORM_MBOXRD)
		return read_mbox(im, fd, got, form == MAIL_FORM_MBOXRD);
	return read_eml(im, fd, got);
}

/* --- directories ------------------------------------------------------------------------ */

struct names {
	char **list;
	size_t count, room;
};

static void names_release(struct names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->list[i]);
	free(names->list);
}

static STATUS names_add(struct names *names, const char *dir, const char *name)
{
	if (names->count == names->room) {
		size_t room = names->room == 0 ? 64 : names->room * 2;
		char **list = realloc(names->list, room * sizeof(*list));

		if (list == NULL)
			return POSTIL_ERR_MEMORY;
		names->list = list;
		names->room = room;
	}
	if (asprintf(&names->list[names->count], "%s/%s", dir, name) < 0)
		return POSTIL_ERR_MEMORY;
	names->count++;
	return NOERROR;
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/* By number, then by text: "2.eml" before "10.eml", Maildir files by time. */
static int compare_names(const void *a, const void *b)
{
	return strverscmp(last_part(*(char *const *)a), last_part(*(char *const *)b));
}

static bool ends_in(const char *name, const char *suffix)
{
	size_t n = strlen(name), k = strlen(suffix);

	return n > k && strcasecmp(name + n - k, suffix) == 0;
}

/* The files of dir that are wanted; NULL suffix: all but hidden ones. */
/* suffix NULL: part of a Maildir. */
static STATUS names_collect(struct names *names, const char *dir, const char *suffix,
                            struct importer *im)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | (suffix == NULL ? O_NOFOLLOW : 0));
	DIR *open_dir = fd < 0 ? NULL : fdopendir(fd);
	STATUS status = NOERROR;
	struct dirent *entry;
	int error = errno;

	if (open_dir == NULL) {
		if (fd >= 0)
			close(fd);
		return error == ENOENT ? NOERROR : read_failed(im, dir, error);
	}
	while (status == NOERROR && (entry = readdir(open_dir)) != NULL)
		if (entry->d_name[0] != '.' && (suffix == NULL || ends_in(entry->d_name, suffix)))
			status = names_add(names, dir, entry->d_name);
	closedir(open_dir);
	return status;
}

static void add_size(struct importer *im, const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
		im->total_octets += (uint64_t)st.st_size;
}

/* Maildir flags: what follows the last ":2,". */
static bool has_seen_flag(const char *name)
{
	const char *info = strstr(name, ":2,");

	return info != NULL && strchr(info + 3, 'S') != NULL;
}

static STATUS read_one_of(struct importer *im, const char *path, bool maildir)
{
	const char *name = last_part(path);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
	struct slice key = slice_of(name);
	struct stat st;
	STATUS status;

	im->source = path;
	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		pass_over(im, fd >= 0 ? "it is not a regular file"
		              : errno == ELOOP ? "it is a link" : strerrordesc_np(errno));
		if (fd >= 0)
			close(fd);
		return NOERROR;
	}
	if (maildir && memchr(key.p, ':', key.n) != NULL)
		key.n = (size_t)((const char *)memchr(key.p, ':', key.n) - key.p);
	im->uidl = uidl_map_find(im->options->uidls, key);
	im->read = maildir && has_seen_flag(name);
	status = read_file(im, fd, MAIL_FORM_EML);
	close(fd);
	return status;
}

static STATUS read_names(struct importer *im, struct names *names, bool maildir)
{
	STATUS status = NOERROR;

	if (names->count > 1)
		qsort(names->list, names->count, sizeof(names->list[0]), compare_names);
	for (size_t i = 0; i < names->count; i++)
		add_size(im, names->list[i]);
	for (size_t i = 0; i < names->count && status == NOERROR; i++)
		status = read_one_of(im, names->list[i], maildir);
	return status;
}

static bool is_directory(const char *dir, const char *name)
{
	struct stat st;
	char *path = NULL;
	bool is;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		return false;
	is = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
	free(path);
	return is;
}

static STATUS collect_maildir(struct names *names, const char *dir, struct importer *im)
{
	static const char *const parts[] = { "cur", "new" };
	STATUS status = NOERROR;

	for (size_t i = 0; i < 2 && status == NOERROR; i++) {
		char *path = NULL;

		if (asprintf(&path, "%s/%s", dir, parts[i]) < 0)
			return POSTIL_ERR_MEMORY;
		status = names_collect(names, path, NULL, im);
		free(path);
	}
	return status;
}

static STATUS read_directory(struct importer *im, const char *dir)
{
	bool maildir = im->options->form == MAIL_FORM_MAILDIR
	               || (im->options->form == MAIL_FORM_AUTO
	                   && (is_directory(dir, "cur") || is_directory(dir, "new")));
	struct names names = { 0 };
	STATUS status;

	if (im->options->form == MAIL_FORM_MBOX || im->options->form == MAIL_FORM_MBOXRD)
		return fault_set(im->fault, POSTIL_ERR_INVALID, "%s is a directory, not an mbox file",
		                 dir);
	status = maildir ? collect_maildir(&names, dir, im)
	                 : names_collect(&names, dir, ".eml", im);
	if (status == NOERROR && names.count == 0)
		status = fault_set(im->fault, POSTIL_ERR_NOEXIST, maildir
		                   ? "%s holds no messages in cur and new"
		                   : "%s holds no *.eml files, and no cur or new as a Maildir", dir);
	if (status == NOERROR)
		status = read_names(im, &names, maildir);
	names_release(&names);
	return status;
}

/* --- the whole ------------------------------------------------------------------------------ */

static STATUS read_source(struct importer *im, const char *source)
{
	struct stat st;
	STATUS status;
	int fd;

	im->source = source;
	if (strcmp(source, "-") == 0) {
		im->source = "standard input";
		return read_file(im, STDIN_FILENO, im->options->form);
	}
	if (stat(source, &st) != 0)
		return read_failed(im, source, errno);
	if (S_ISDIR(st.st_mode))
		return read_directory(im, source);
	if (im->options->form == MAIL_FORM_MAILDIR)
		return fault_set(im->fault, POSTIL_ERR_INVALID, "%s is not a directory", source);
	fd = open(source, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return read_failed(im, source, errno);
	add_size(im, source);
	im->uidl = uidl_map_find(im->options->uidls, slice_of(last_part(source)));
	status = read_file(im, fd, im->options->form);
	close(fd);
	return status;
}

static STATUS importer_init(struct importer *im, const struct import_options *options)
{
	im->options = options;
	im->batch = options->batch == 0 ? BATCH_DEFAULT : options->batch;
	if (im->batch > BATCH_MAX)
		im->batch = BATCH_MAX;
	im->intakes = calloc(im->batch, sizeof(*im->intakes));
	im->deliveries = calloc(im->batch, sizeof(*im->deliveries));
	im->buffer = malloc(READ_OCTETS);
	return im->intakes != NULL && im->deliveries != NULL && im->buffer != NULL
	       ? NOERROR : POSTIL_ERR_MEMORY;
}

static void importer_release(struct importer *im)
{
	batch_clear(im);
	intake_free(&im->current);
	free(im->intakes);
	free(im->deliveries);
	free(im->buffer);
}

STATUS import_mail(struct mail_store *store, const char *path, struct slice owner,
                   const char *source, const struct import_options *options,
                   struct import_report *report, struct fault *fault)
{
	static const struct import_options none;
	struct importer im = { .store = store, .path = path, .owner = owner, .report = report,
	                       .fault = fault };
	STATUS status = importer_init(&im, options != NULL ? options : &none);

	if (status == NOERROR)
		status = read_source(&im, source);
	if (status == NOERROR)
		status = batch_deliver(&im);
	progress(&im);
	importer_release(&im);
	if (status != NOERROR && (fault == NULL || fault->status != status))
		fault_set(fault, status, "%s: %s", source, status_text(status));
	return status;
}

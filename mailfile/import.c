/* Importing mail: each message is judged against what is there, and delivered in
 * batches. Every file is hostile: no message, endless lines, odd names, UIDLs that
 * belong to another message. */
#include "mailfile/importer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mailfile/dxlmail.h"

#define BATCH_DEFAULT 400
#define BATCH_MAX 1000
#define BATCH_OCTETS_DEFAULT (2u << 20)

bool mail_form_parse(const char *text, enum mail_form *form_r)
{
	static const struct { const char *name; enum mail_form form; } forms[] = {
		{ "auto", MAIL_FORM_AUTO }, { "eml", MAIL_FORM_EML },
		{ "mbox", MAIL_FORM_MBOX }, { "mboxo", MAIL_FORM_MBOX },
		{ "mboxrd", MAIL_FORM_MBOXRD }, { "mboxcl2", MAIL_FORM_MBOXCL2 },
		{ "maildir", MAIL_FORM_MAILDIR }, { "cyrus", MAIL_FORM_CYRUS },
		{ "dxl", MAIL_FORM_DXL },
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (strcasecmp(text, forms[i].name) == 0) {
			*form_r = forms[i].form;
			return true;
		}
	return false;
}

/* --- telling ---------------------------------------------------------------------- */

void importer_progress(struct importer *im)
{
	if (im->options->progress != NULL)
		im->options->progress(im->options->context, im->done_octets, im->total_octets,
		                      im->report->messages);
}

void importer_say(struct importer *im, const char *format, ...)
{
	char text[512];
	va_list ap;

	if (im->options->say == NULL)
		return;
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	im->options->say(im->options->context, text);
}

static void say_of(struct importer *im, struct label label, const char *what)
{
	if (label.number != 0)
		importer_say(im, "%.300s, message %llu: %s", label.source,
		             (unsigned long long)label.number, what);
	else
		importer_say(im, "%.300s: %s", label.source, what);
}

static struct label label_now(const struct importer *im)
{
	return (struct label){ im->source, im->number };
}

void importer_pass_over(struct importer *im, const char *why)
{
	char text[256];

	im->report->passed_over++;
	snprintf(text, sizeof(text), "passed over: %s", why);
	say_of(im, label_now(im), text);
}

STATUS importer_read_failed(struct importer *im, const char *name, int error)
{
	return fault_set(im->fault, error == ENOENT ? POSTIL_ERR_NOEXIST
	                 : error == EACCES ? POSTIL_ERR_PERMISSION : POSTIL_ERR_IO,
	                 "cannot read %s: %s", name, strerrordesc_np(error));
}

/* --- batches -------------------------------------------------------------------------- */

static void batch_clear(struct importer *im)
{
	for (size_t i = 0; i < im->count; i++)
		intake_free(&im->intakes[i]);
	im->count = 0;
	im->batch_octets = 0;
	arena_release(&im->arena);
}

static void count_delivered(struct importer *im, const struct maildrop_delivery *d)
{
	im->report->messages++;
	im->report->octets += d->size_octets;
	im->report->read += d->read;
	im->report->filed += d->folder.n != 0;
	im->report->uidls += d->uidl.n != 0;
}

/* A UIDL may have been taken since the import began: one by one, and that message with
 * a new one. */
static STATUS deliver_singly(struct importer *im)
{
	STATUS status = NOERROR;

	for (size_t i = 0; i < im->count && status == NOERROR; i++) {
		struct maildrop_delivery *d = &im->deliveries[i];

		status = im->store->calls->deliver(im->store, im->path, true, im->owner, d, 1,
		                                   im->fault);
		if (status == POSTIL_ERR_EXISTS && d->uidl.n != 0) {
			say_of(im, im->labels[i], "its UIDL names another message here; it got a new one");
			im->report->uidls_clashing++;
			d->uidl = (struct slice){ NULL, 0 };
			status = im->store->calls->deliver(im->store, im->path, true, im->owner, d, 1,
			                                   im->fault);
		}
		if (status == NOERROR)
			count_delivered(im, d);
	}
	return status;
}

static STATUS batch_deliver(struct importer *im)
{
	STATUS status = NOERROR;

	if (im->count == 0)
		return NOERROR;
	if (!im->options->dry_run)
		status = im->store->calls->deliver(im->store, im->path, true, im->owner,
		                                   im->deliveries, im->count, im->fault);
	if (status == POSTIL_ERR_EXISTS) {
		status = deliver_singly(im);
	} else {
		for (size_t i = 0; i < im->count && status == NOERROR; i++)
			count_delivered(im, &im->deliveries[i]);
	}
	batch_clear(im);
	return status;
}

void importer_folder(struct importer *im, struct slice folder)
{
	if (slice_equal_nocase(folder, SLICE_LIT("($Inbox)")))
		folder.n = 0;
	im->folder = folder;
	im->folder_counted = false;
}

/* --- one message ------------------------------------------------------------------------ */

STATUS importer_uidl(struct importer *im, struct slice uidl)
{
	if (!uidl_is_valid(uidl)) {
		im->incoming.unusable = true;
		return NOERROR;
	}
	return arena_copy(&im->arena, uidl, &im->incoming.uidl);
}

void importer_facts(struct importer *im, const struct uidl_facts *facts)
{
	if (facts == NULL)
		return;
	im->incoming.uidl = facts->uidl;
	im->incoming.unusable = facts->flags & UIDL_FLAG_UNUSABLE;
	if (facts->flags & UIDL_FLAG_KNOWN)
		im->incoming.flags = facts->flags;
	if (facts->received_ms != 0)
		im->incoming.received_ms = facts->received_ms;
}

STATUS importer_begin(struct importer *im)
{
	struct intake_options options = { .max_octets = im->options->max_octets };

	im->passing = false;
	im->incoming = (struct incoming){ .flags = 0 };
	return intake_new(&options, &im->current);
}

STATUS importer_octets(struct importer *im, const void *p, size_t n)
{
	STATUS status = im->passing ? NOERROR : intake_add(im->current, p, n);

	if (status == POSTIL_ERR_TOO_LONG) {
		importer_pass_over(im, "it is longer than the limit");
		im->passing = true;
		status = NOERROR;
	}
	return status;
}

void importer_forget(struct importer *im)
{
	intake_free(&im->current);
}

/* Judge the message: into the batch, or passed over because it is there. */
static STATUS judge(struct importer *im, struct maildrop_delivery *d, bool *wanted_r)
{
	uint8_t digest[MAILDROP_DIGEST_OCTETS];
	enum known_verdict verdict = KNOWN_NEW;
	STATUS status = NOERROR;

	if (im->known != NULL) {
		status = maildrop_digest(d, digest);
		if (status == NOERROR)
			status = known_judge(im->known, d->uidl, digest, &verdict);
	}
	*wanted_r = status == NOERROR && verdict != KNOWN_PRESENT;
	im->report->present += status == NOERROR && verdict == KNOWN_PRESENT;
	if (!*wanted_r)
		return status;
	if (verdict == KNOWN_CLASH) {
		im->report->uidls_clashing++;
		say_of(im, label_now(im), im->options->dry_run
		       ? "its UIDL names another message here; it would get a new one"
		       : "its UIDL names another message here; it got a new one");
		d->uidl = (struct slice){ NULL, 0 };
	} else if (im->incoming.unusable) {
		im->report->uidls_unusable++;
		say_of(im, label_now(im), im->options->dry_run
		       ? "its UIDL is not 1 to 70 printable characters; it would get a new one"
		       : "its UIDL is not 1 to 70 printable characters; it got a new one");
	} else if (d->uidl.n == 0) {
		im->report->uidls_made++;
	}
	return NOERROR;
}

static void describe(struct importer *im, struct maildrop_delivery *d)
{
	d->uidl = im->incoming.uidl;
	d->reuse_uidl = d->uidl.n == 0;
	d->read = im->incoming.flags & UIDL_FLAG_SEEN;
	d->received_ms = im->incoming.received_ms;
	d->folder = im->incoming.flags & UIDL_FLAG_DELETED && im->store->calls->folders != NULL
	            ? SLICE_LIT(TRASH_FOLDER) : im->folder;
}

static STATUS add_flags(struct importer *im)
{
	static const struct { unsigned flag; char letter; } letters[] = {
		{ UIDL_FLAG_DRAFT, 'D' }, { UIDL_FLAG_FLAGGED, 'F' }, { UIDL_FLAG_ANSWERED, 'R' },
	};
	char text[8];
	size_t n = 0;

	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		if (im->incoming.flags & letters[i].flag)
			text[n++] = letters[i].letter;
	return n == 0 ? NOERROR
	              : intake_add_item(im->current, MAILDROP_FLAGS_ITEM, (struct slice){ text, n });
}

/* The message is whole: into the batch. */
static STATUS take_in(struct importer *im)
{
	struct maildrop_delivery *d = &im->deliveries[im->count];
	bool wanted = false;
	STATUS status = intake_finish(im->current, d);

	if (status == POSTIL_ERR_TOO_LONG) {
		importer_pass_over(im, "it is longer than the limit");
		return NOERROR;
	}
	if (status == NOERROR)
		status = add_flags(im);
	if (status == NOERROR) {
		describe(im, d);
		status = judge(im, d, &wanted);
	}
	if (status != NOERROR || !wanted)
		return status;
	if (d->folder.n != 0 && !im->folder_counted) {
		im->report->folders += d->folder.p == im->folder.p;
		im->folder_counted = true;
	}
	im->batch_octets += d->size_octets;
	im->labels[im->count].number = im->number;
	im->labels[im->count].source = arena_strdup(&im->arena, im->source);
	if (im->labels[im->count].source == NULL)
		return POSTIL_ERR_MEMORY;
	status = arena_copy(&im->arena, d->uidl, &d->uidl);     /* maps end with their directory */
	if (status != NOERROR)
		return status;
	im->intakes[im->count++] = im->current;
	im->current = NULL;
	return NOERROR;
}

STATUS importer_end(struct importer *im)
{
	STATUS status = im->passing ? NOERROR : take_in(im);
	uint64_t full = im->options->batch_octets != 0 ? im->options->batch_octets
	                                               : BATCH_OCTETS_DEFAULT;

	intake_free(&im->current);
	if (status == NOERROR && (im->count == im->batch || im->batch_octets >= full))
		status = batch_deliver(im);
	if (im->count == 0)             /* UIDLs of what was passed over */
		arena_release(&im->arena);
	return status;
}

/* --- the whole ------------------------------------------------------------------------------ */

static STATUS read_source(struct importer *im, const char *source)
{
	enum mail_form form = im->options->form;
	struct stat st;
	STATUS status;
	int fd;

	im->source = source;
	if (strcmp(source, "-") == 0) {
		im->source = "standard input";
		return importer_file(im, STDIN_FILENO, form);
	}
	if (stat(source, &st) != 0)
		return importer_read_failed(im, source, errno);
	if (S_ISDIR(st.st_mode))
		return importer_directory(im, source);
	if (form == MAIL_FORM_MAILDIR || form == MAIL_FORM_CYRUS)
		return fault_set(im->fault, POSTIL_ERR_INVALID, "%s is not a directory", source);
	fd = open(source, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return importer_read_failed(im, source, errno);
	if (S_ISREG(st.st_mode))
		im->total_octets += (uint64_t)st.st_size;
	status = importer_file(im, fd, form);
	close(fd);
	return status;
}

static STATUS add_known(void *context, const struct maildrop_known *entry)
{
	return known_add(context, entry);
}

static STATUS load_known(struct importer *im)
{
	STATUS status;

	if (im->store->calls->known == NULL)
		return NOERROR;
	status = known_new(&im->known);
	return status != NOERROR ? status
	       : im->store->calls->known(im->store, im->path, add_known, im->known, im->fault);
}

static STATUS importer_init(struct importer *im)
{
	im->batch = im->options->batch == 0 ? BATCH_DEFAULT : im->options->batch;
	if (im->batch > BATCH_MAX)
		im->batch = BATCH_MAX;
	im->intakes = calloc(im->batch, sizeof(*im->intakes));
	im->deliveries = calloc(im->batch, sizeof(*im->deliveries));
	im->labels = calloc(im->batch, sizeof(*im->labels));
	im->buffer = malloc(IMPORT_READ_OCTETS);
	arena_init(&im->arena);
	arena_init(&im->folders);
	importer_folder(im, slice_of(im->options->folder));
	return im->intakes != NULL && im->deliveries != NULL && im->labels != NULL
	       && im->buffer != NULL ? load_known(im) : POSTIL_ERR_MEMORY;
}

static void importer_release(struct importer *im)
{
	batch_clear(im);
	intake_free(&im->current);
	known_free(&im->known);
	arena_release(&im->folders);
	free(im->intakes);
	free(im->deliveries);
	free(im->labels);
	free(im->buffer);
}

STATUS import_mail(struct mail_store *store, const char *path, struct slice owner,
                   const char *source, const struct import_options *options,
                   struct import_report *report, struct fault *fault)
{
	static const struct import_options none;
	struct importer im = { .store = store, .path = path, .owner = owner, .report = report,
	                       .fault = fault, .options = options != NULL ? options : &none };
	STATUS status;

	if (im.options->form == MAIL_FORM_DXL ||
	    (im.options->form == MAIL_FORM_AUTO && dxlmail_is_source(source)))
		return dxlmail_import(store, path, owner, source, options, report, fault);
	status = importer_init(&im);
	if (status == NOERROR)
		status = read_source(&im, source);
	if (status == NOERROR)
		status = batch_deliver(&im);
	importer_progress(&im);
	importer_release(&im);
	if (status != NOERROR && (fault == NULL || fault->status != status))
		fault_set(fault, status, "%s: %s", source, status_text(status));
	return status;
}

/*
 * Documents from DXL into a mail file. The files are hostile; what the reader makes of
 * them is bounded, what a document says of itself is only looked at.
 *
 * Documents wait in a batch, rendered; then one transaction takes them. One that has
 * values too large for memory goes at once, since they can be read only while the reader
 * stands on it.
 */
#include "mailfile/dxlmail.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/dxl.h"
#include "base/text.h"
#include "mailfile/message.h"
#include "mailfile/nsfstore.h"
#include "mailfile/render.h"
#include "nsf/nsf.h"

#define BATCH_MAX 50
#define BATCH_OCTETS (4u * 1024 * 1024)         /* of items and messages */
#define MESSAGE_OCTETS_MAX (4ull << 30)         /* a document with an attachment of 2 GiB */
#define FOLDERS_MAX 64                          /* of one document */
#define OTHERS_TOLD 20                          /* of one file */

struct waiting {
	struct note note;
	struct slice folders[FOLDERS_MAX];      /* beside the inbox */
	size_t folder_count;
	bool read, uidl_told;           /* told: why it does not keep its UIDL */
	bool in_inbox, wants_octets;
	struct intake *intake;          /* NULL: it needs no octets */
	struct maildrop_delivery octets;
	struct slice uidl;
	char label[256];
};

struct importer {
	struct nsf *nsf;
	const struct import_options *options;
	struct import_report *report;
	struct fault *fault;
	const char *source;             /* the file being read */
	int fd;
	uint64_t done_octets, total_octets;
	uint64_t others;

	struct waiting batch[BATCH_MAX];
	size_t count;
	uint64_t octets;
	struct arena arena;
};

/* --- telling ------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3)))
static void say(struct importer *im, const char *format, ...)
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

/* "FILE:LINE: document UNID "Subject"" */
static void label_of(const struct importer *im, const struct note *note, char out[256])
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

static void progress(struct importer *im)
{
	if (im->options->progress != NULL)
		im->options->progress(im->options->context, im->done_octets, im->total_octets,
		                      im->report->messages);
}

/* --- batches -------------------------------------------------------------------------- */

static void batch_clear(struct importer *im)
{
	for (size_t i = 0; i < im->count; i++)
		intake_free(&im->batch[i].intake);
	im->count = 0;
	im->octets = 0;
	arena_release(&im->arena);
}

static struct nsf_delivery delivery_of(const struct waiting *w, struct nsf_form *second)
{
	const struct maildrop_delivery *o = &w->octets;

	if (o->second != NULL)
		*second = (struct nsf_form){ o->second->size_octets, o->second->header_octets,
			o->second->has_dot_line, o->second->body, o->second->context };
	return (struct nsf_delivery){
		.size_octets = o->size_octets, .header_octets = o->header_octets,
		.has_dot_line = o->has_dot_line, .uidl = w->uidl, .reuse_uidl = true,
		.note = &w->note, .read = w->read, .body = o->body, .context = o->context,
		.second = o->second != NULL ? second : NULL, .needs_utf8 = o->needs_utf8,
		.received_ms = dxlmail_received(&w->note)
	};
}

static STATUS put_into_folders(struct importer *im, const struct waiting *w, uint64_t id)
{
	STATUS status = NOERROR;

	for (size_t i = 0; i < w->folder_count && status == NOERROR; i++) {
		status = nsf_folder_make(im->nsf, w->folders[i]);
		if (status == NOERROR || status == POSTIL_ERR_EXISTS)
			status = nsf_folder_add(im->nsf, w->folders[i], id);
	}
	return status;
}

/* A message that an export found outside the inbox goes back there with its octets. */
static STATUS put_message(struct importer *im, struct waiting *w)
{
	struct nsf_form second;
	struct nsf_delivery delivery = delivery_of(w, &second);
	uint64_t id;
	size_t failed = 0;
	STATUS status = nsf_deliver(im->nsf, &delivery, 1, &id, &failed, im->fault);

	if (status == POSTIL_ERR_EXISTS && w->uidl.n > 0) {
		say(im, "%s: its UIDL names another message here; it got a new one", w->label);
		im->report->uidls_clashing++;
		w->uidl_told = true;
		delivery.uidl = w->uidl = (struct slice){ NULL, 0 };
		status = nsf_deliver(im->nsf, &delivery, 1, &id, &failed, im->fault);
	}
	if (status == NOERROR)
		status = put_into_folders(im, w, id);
	if (status == NOERROR && !w->in_inbox)
		status = nsf_folder_take(im->nsf, SLICE_LIT(NSF_INBOX), id);
	return status;
}

static STATUS put_document(struct importer *im, const struct waiting *w)
{
	uint64_t id;
	STATUS status = nsf_note_put(im->nsf, &w->note, &id);

	return status == NOERROR ? put_into_folders(im, w, id) : status;
}

static void count_put(struct importer *im, const struct waiting *w)
{
	im->report->documents += w->intake == NULL;
	if (w->intake == NULL)
		return;
	im->report->messages++;
	im->report->octets += w->octets.size_octets;
	im->report->read += w->read;
	im->report->filed += !w->in_inbox;
	im->report->uidls += w->uidl.n > 0;
	im->report->uidls_made += w->uidl.n == 0 && !w->uidl_told;
}

static STATUS put_all(struct importer *im)
{
	STATUS status = nsf_begin(im->nsf, im->fault);

	if (status != NOERROR)
		return status;
	for (size_t i = 0; i < im->count && status == NOERROR; i++) {
		struct waiting *w = &im->batch[i];

		status = w->intake != NULL ? put_message(im, w) : put_document(im, w);
	}
	if (status == NOERROR)
		return nsf_commit(im->nsf, im->fault);
	nsf_rollback(im->nsf);
	return status;
}

static STATUS batch_put(struct importer *im)
{
	STATUS status = im->count == 0 || im->options->dry_run ? NOERROR : put_all(im);

	for (size_t i = 0; i < im->count && status == NOERROR; i++)
		count_put(im, &im->batch[i]);
	batch_clear(im);
	return status;
}

/* --- one document ------------------------------------------------------------------------ */

/* Is that UNID free (POSTIL_ERR_NOT_FOUND), or whose is it? */
static STATUS look_up(struct importer *im, const struct note *note, const struct unid *unid,
                      bool *same_r)
{
	struct arena arena = ARENA_INIT;
	struct note there;
	uint64_t id;
	STATUS status = im->nsf == NULL ? POSTIL_ERR_NOT_FOUND : nsf_note_find(im->nsf, unid, &id);

	if (status == NOERROR)
		status = nsf_note_get(im->nsf, id, &arena, &there);
	if (status == NOERROR)
		status = dxlmail_compare(note, &there, same_r);
	arena_release(&arena);
	return status == POSTIL_ERR_DELETED ? POSTIL_ERR_NOT_FOUND : status;
}

/* The UNID under which a note goes in; *present_r: it is in already. */
static STATUS settle_unid(struct importer *im, struct note *note, bool *present_r)
{
	struct unid unid = note->unid;
	STATUS status = note->has_unid ? look_up(im, note, &unid, present_r) : NOERROR;

	if (note->has_unid && (status != NOERROR || *present_r))
		return status == POSTIL_ERR_NOT_FOUND ? NOERROR : status;
	for (int i = 0; i < 8; i++) {
		status = dxlmail_derive(note, &unid);
		note->has_unid = true;
		note->unid = unid;
		if (status == NOERROR)
			status = look_up(im, note, &unid, present_r);
		if (status != NOERROR || *present_r)
			return status == POSTIL_ERR_NOT_FOUND ? NOERROR : status;
	}
	return unid_random(&note->unid);
}

static bool is_waiting(const struct importer *im, const struct unid *unid)
{
	for (size_t i = 0; i < im->count; i++)
		if (im->batch[i].note.has_unid &&
		    memcmp(im->batch[i].note.unid.octets, unid->octets, UNID_OCTETS) == 0)
			return true;
	return false;
}

static bool has_blobs(const struct note *note)
{
	for (const struct item *item = note->first; item != NULL; item = item->next)
		if (item->blob != NULL)
			return true;
	return false;
}

static bool uidl_is_good(struct slice uidl)
{
	for (size_t i = 0; i < uidl.n; i++)
		if (uidl.p[i] < 0x21 || uidl.p[i] > 0x7E)
			return false;
	return uidl.n <= NSF_UIDL_MAX;
}

/* What clients know the message by, if it can be had: of the map, the export or the document. */
static void choose_uidl(struct importer *im, const struct dxlmail_extras *extras,
                        struct waiting *w)
{
	char unid[33];

	w->uidl = (struct slice){ NULL, 0 };
	if (w->note.has_unid && im->options->uidls != NULL) {
		unid_format(&w->note.unid, unid);
		w->uidl = uidl_map_find(im->options->uidls, slice_of(unid));
	}
	if (w->uidl.n == 0)
		w->uidl = extras->uidl;
	if (w->uidl.n == 0)
		w->uidl = note_text(&w->note, "MailPop3UIDL");
	if (uidl_is_good(w->uidl))
		return;
	say(im, "%s: POP3 cannot carry its UIDL; it got a new one", w->label);
	im->report->uidls_unusable++;
	w->uidl_told = true;
	w->uidl = (struct slice){ NULL, 0 };
}

/* The octets of a received message, as an export has them. */
static STATUS restore(const struct item *message, struct intake *intake)
{
	uint64_t size = item_size(message, 0);
	char piece[16384];
	STATUS status = NOERROR;

	for (uint64_t at = 0; at < size && status == NOERROR; at += sizeof(piece)) {
		size_t n = size - at < sizeof(piece) ? (size_t)(size - at) : sizeof(piece);

		status = item_read(message, 0, at, piece, n);
		if (status == NOERROR)
			status = intake_add(intake, piece, n);
	}
	return status;
}

/* Its octets. A message longer than the limit stays a document: told, and not in the inbox. */
static STATUS render(struct importer *im, struct waiting *w, const struct item *message)
{
	struct intake_options options = { .max_octets = im->options->max_octets != 0
		? im->options->max_octets : MESSAGE_OCTETS_MAX };
	STATUS status = intake_new(&options, &w->intake);

	if (status == NOERROR)
		status = message != NULL ? restore(message, w->intake)
			: render_note(&w->note, im->options->render, w->intake, im->fault);
	if (status == NOERROR)
		status = intake_finish(w->intake, &w->octets);
	if (status == NOERROR)
		return NOERROR;
	intake_free(&w->intake);
	if (status != POSTIL_ERR_TOO_LONG)
		return status;
	say(im, "%s: its message is longer than the limit: kept as a document, not in the inbox",
	    w->label);
	im->report->passed_over++;
	w->in_inbox = false;
	return NOERROR;
}

static STATUS choose(struct importer *im, struct waiting *w, struct slice folder)
{
	STATUS status = NOERROR;

	if (slice_equal_nocase(folder, SLICE_LIT(NSF_INBOX))) {
		w->in_inbox = w->wants_octets = true;
	} else if (w->folder_count < FOLDERS_MAX) {
		status = arena_copy(&im->arena, folder, &w->folders[w->folder_count]);
		w->folder_count += status == NOERROR;
	}
	return status;
}

/* Into which folders: those that an export has said, the one that was asked for, or what the
 * document tells. Mail for the inbox has octets, wherever it is put. */
static STATUS choose_folders(struct importer *im, const struct note *note,
                             const struct dxlmail_extras *extras, struct waiting *w)
{
	struct slice own = dxlmail_folder(note);
	STATUS status = NOERROR;

	w->read = extras->unread_known && !extras->unread;
	if (extras->folders != NULL) {
		for (size_t i = 0; i < extras->folders->count && status == NOERROR; i++)
			status = choose(im, w, extras->folders->values[i]);
		return status;
	}
	w->wants_octets = slice_equal(own, SLICE_LIT(NSF_INBOX));
	if (im->options->folder != NULL)
		own = slice_of(im->options->folder);
	return own.n > 0 ? choose(im, w, own) : NOERROR;
}

/* The batch takes the next one: until it is full, or at once if its blobs are the reader's. */
static STATUS enqueue(struct importer *im, const struct note *note, struct waiting *w)
{
	struct dxlmail_extras extras = dxlmail_extras(note);
	STATUS status = choose_folders(im, note, &extras, w);

	if (status == NOERROR && extras.uidl.n > 0)
		status = arena_copy(&im->arena, extras.uidl, &extras.uidl);
	if (status != NOERROR)
		return status;
	if (w->wants_octets || extras.message != NULL) {
		choose_uidl(im, &extras, w);
		status = render(im, w, extras.message);
	}
	if (status != NOERROR)
		return status;
	im->octets += w->octets.size_octets;
	im->count++;
	return im->count == BATCH_MAX || im->octets + im->arena.used_octets > BATCH_OCTETS ||
	       has_blobs(note) ? batch_put(im) : NOERROR;
}

/* It is there: what was copied of it may go. */
static STATUS pass_present(struct importer *im)
{
	im->report->present++;
	if (im->count == 0)
		arena_release(&im->arena);
	return im->arena.used_octets > BATCH_OCTETS ? batch_put(im) : NOERROR;
}

static STATUS take_settled(struct importer *im, const struct note *note, struct waiting *w)
{
	bool present = false, renamed;
	STATUS status = settle_unid(im, &w->note, &present);

	if (status != NOERROR)
		return status;
	renamed = !note->has_unid ||
	          memcmp(w->note.unid.octets, note->unid.octets, UNID_OCTETS) != 0;
	/* a UNID made of the content waits: with the same content */
	if (present || (renamed && is_waiting(im, &w->note.unid)))
		return pass_present(im);
	if (renamed && note->has_unid)
		say(im, "%s: another document here has its UNID; it got a new one", w->label);
	return enqueue(im, note, w);
}

static STATUS take_note(void *context, const struct note *note)
{
	struct importer *im = context;
	off_t at = lseek(im->fd, 0, SEEK_CUR);
	struct waiting *w;
	STATUS status = NOERROR;

	im->done_octets = at > 0 ? (uint64_t)at : 0;
	progress(im);
	/* the same document twice in one file, or two that claim one UNID */
	if (note->has_unid && is_waiting(im, &note->unid))
		status = batch_put(im);
	w = &im->batch[im->count];
	*w = (struct waiting){ .in_inbox = false };
	label_of(im, note, w->label);
	if (status == NOERROR)
		status = dxlmail_copy(note, &im->arena, &w->note);
	return status == NOERROR ? take_settled(im, note, w) : status;
}

/* --- what the reader tells ------------------------------------------------------------------ */

static void take_fault(void *context, unsigned line, const char *text)
{
	struct importer *im = context;

	im->report->passed_over++;
	say(im, "%.300s:%u: a document is passed over: %s", im->source, line, text);
}

static void take_broken(void *context, const struct note *note)
{
	struct importer *im = context;
	char label[256];

	label_of(im, note, label);
	say(im, "%s: not imported: it is not whole", label);
}

static void take_flaw(void *context, unsigned line, const char *item, const char *text)
{
	struct importer *im = context;
	struct buf shown = BUF_INIT;

	text_escape(slice_of(item), 60, &shown);
	say(im, "%.300s:%u: %s%s%s; kept as far as it goes", im->source, line, buf_cstr(&shown),
	    shown.n > 0 ? ": " : "", text);
	buf_release(&shown);
}

/* Design elements come by the hundred. */
static void take_other(void *context, unsigned line, const char *element, struct slice name)
{
	struct importer *im = context;
	struct buf shown = BUF_INIT;

	if (im->others++ < OTHERS_TOLD) {
		text_escape(slice_of(element), 40, &shown);
		buf_add_str(&shown, name.n > 0 ? " " : "");
		text_escape(name, 60, &shown);
		say(im, "%.300s:%u: not a document, left out: %s", im->source, line, buf_cstr(&shown));
	}
	buf_release(&shown);
}

static ssize_t read_fd(void *context, void *out, size_t size)
{
	struct importer *im = context;
	ssize_t n;

	do
		n = read(im->fd, out, size);
	while (n < 0 && errno == EINTR);
	return n;
}

static STATUS read_open(struct importer *im)
{
	static const struct dxl_sink sink = { .note = take_note, .fault = take_fault,
		.broken = take_broken, .flaw = take_flaw, .other = take_other };
	struct dxl_limits limits = dxl_limits_mail;
	struct fault own = { 0 };
	STATUS status, put;

	im->others = 0;
	limits.spool_dir = im->options->render != NULL ? im->options->render->spool_dir : NULL;
	status = dxl_read_stream(read_fd, im, im->source, &limits, &sink, im, &own);
	put = batch_put(im);
	if (im->others > OTHERS_TOLD)
		say(im, "%.300s: %llu more that are no documents are left out", im->source,
		    (unsigned long long)(im->others - OTHERS_TOLD));
	if (status == NOERROR || (put != NOERROR && status == POSTIL_ERR_SYNTAX))
		return put;
	/* the store's own words, if it was the store */
	if (im->fault == NULL || im->fault->status != status)
		fault_set(im->fault, status, "%s", fault_text(&own, status));
	return status;
}

/* --- files -------------------------------------------------------------------------------------- */

static STATUS cannot_read(struct importer *im, const char *name)
{
	return fault_set(im->fault, errno == ENOENT ? POSTIL_ERR_NOEXIST
	                 : errno == EACCES ? POSTIL_ERR_PERMISSION : POSTIL_ERR_IO,
	                 "cannot read %s: %s", name, strerrordesc_np(errno));
}

/* follow: the name was given by a person, not found in a folder. */
static STATUS import_file(struct importer *im, const char *name, bool follow)
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

static STATUS import_folder(struct importer *im, const char *folder)
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
			say(im, "%s", im->fault->text);
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

static STATUS import_source(struct importer *im, const char *source)
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

/* --- the mail file ---------------------------------------------------------------------------------- */

STATUS dxlmail_open(struct mail_store *store, const char *path, struct nsf **nsf_r,
                    struct fault *fault)
{
	char full[PATH_MAX];
	STATUS status;

	if (strcmp(store->calls->name, "nsf") != 0)
		return fault_set(fault, POSTIL_ERR_INVALID, "%s: only note databases hold documents",
		                 path);
	status = nsfstore_path((struct nsfstore *)store, path, full, fault);
	if (status == NOERROR)
		status = nsf_open(full, nsf_r, fault);
	return nsfstore_told(fault, status, path);
}

STATUS dxlmail_import(struct mail_store *store, const char *path, struct slice owner,
                      const char *source, const struct import_options *options,
                      struct import_report *report, struct fault *fault)
{
	static const struct import_options none;
	struct fault own = { 0 };
	struct importer *im = calloc(1, sizeof(*im));
	STATUS status;

	if (im == NULL)
		return POSTIL_ERR_MEMORY;
	im->options = options != NULL ? options : &none;
	im->report = report;
	im->fault = fault != NULL ? fault : &own;
	im->fd = -1;
	status = im->options->dry_run ? NOERROR
	         : store->calls->deliver(store, path, true, owner, NULL, 0, im->fault);
	if (status == NOERROR)
		status = dxlmail_open(store, path, &im->nsf, im->fault);
	if (status == POSTIL_ERR_NOEXIST && im->options->dry_run)
		status = NOERROR;
	if (status == NOERROR)
		status = import_source(im, source);
	batch_clear(im);
	if (im->nsf != NULL)
		nsf_close(&im->nsf);
	free(im);
	if (status != NOERROR && (fault == NULL || fault->status != status))
		fault_set(fault, status, "%s: %s", source, status_text(status));
	return status;
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

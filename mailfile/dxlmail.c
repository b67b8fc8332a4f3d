/*
 * Documents from DXL into a mail file. The files are hostile; what the reader makes of
 * them is bounded, what a document says of itself is only looked at.
 *
 * Documents wait in a batch, rendered; then one transaction takes them. One that has
 * values too large for memory goes at once, since they can be read only while the reader
 * stands on it.
 */
#include "mailfile/dxlmailimpl.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mailfile/message.h"
#include "mailfile/nsfstore.h"
#include "mailfile/render.h"
#include "nsf/nsf.h"

#define BATCH_OCTETS (4u * 1024 * 1024)         /* of items and messages */
#define MESSAGE_OCTETS_MAX (4ull << 30)         /* a document with an attachment of 2 GiB */

static void progress(struct dxl_importer *im)
{
	if (im->options->progress != NULL)
		im->options->progress(im->options->context, im->done_octets, im->total_octets,
		                      im->report->messages);
}

/* --- batches -------------------------------------------------------------------------- */

static void batch_clear(struct dxl_importer *im)
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

static STATUS put_into_folders(struct dxl_importer *im, const struct waiting *w, uint64_t id)
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
static STATUS put_message(struct dxl_importer *im, struct waiting *w)
{
	struct nsf_form second;
	struct nsf_delivery delivery = delivery_of(w, &second);
	uint64_t id;
	size_t failed = 0;
	STATUS status = nsf_deliver(im->nsf, &delivery, 1, &id, &failed, im->fault);

	if (status == POSTIL_ERR_EXISTS && w->uidl.n > 0) {
		dxlmail_say(im, "%s: its UIDL names another message here; it got a new one", w->label);
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

static STATUS put_document(struct dxl_importer *im, const struct waiting *w)
{
	uint64_t id;
	STATUS status = nsf_note_put(im->nsf, &w->note, &id);

	return status == NOERROR ? put_into_folders(im, w, id) : status;
}

static void count_put(struct dxl_importer *im, const struct waiting *w)
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

static STATUS put_all(struct dxl_importer *im)
{
	STATUS status = nsf_begin(im->nsf, im->fault);

	if (status != NOERROR)
		return status;
	for (size_t i = 0; i < im->count && status == NOERROR; i++) {
		struct waiting *w = &im->batch[i];

		status = w->intake != NULL ? put_message(im, w) : put_document(im, w);
		/* it alone cannot be stored; the transaction stays as it was */
		if (status == POSTIL_ERR_TOO_LONG || status == POSTIL_ERR_INVALID) {
			dxlmail_say(im, "%s: passed over: %s", w->label, status_text(status));
			im->report->passed_over++;
			w->lost = true;
			status = NOERROR;
		}
	}
	if (status == NOERROR)
		return nsf_commit(im->nsf, im->fault);
	nsf_rollback(im->nsf);
	return status;
}

STATUS dxlmail_flush(struct dxl_importer *im)
{
	STATUS status = im->count == 0 || im->options->dry_run ? NOERROR : put_all(im);

	for (size_t i = 0; i < im->count && status == NOERROR; i++)
		if (!im->batch[i].lost)
			count_put(im, &im->batch[i]);
	batch_clear(im);
	return status;
}

/* --- one document ------------------------------------------------------------------------ */

/* Is that UNID free (POSTIL_ERR_NOT_FOUND), or whose is it? */
static STATUS look_up(struct dxl_importer *im, const struct note *note, const struct unid *unid,
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
static STATUS settle_unid(struct dxl_importer *im, struct note *note, bool *present_r)
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

static bool is_waiting(const struct dxl_importer *im, const struct unid *unid)
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
static void choose_uidl(struct dxl_importer *im, const struct dxlmail_extras *extras,
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
	dxlmail_say(im, "%s: POP3 cannot carry its UIDL; it %s a new one", w->label,
	            im->options->dry_run ? "would get" : "got");
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
static STATUS render(struct dxl_importer *im, struct waiting *w, const struct item *message)
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
	dxlmail_say(im, "%s: its message is longer than the limit: kept as a document, not in the inbox",
	    w->label);
	im->report->passed_over++;
	w->in_inbox = false;
	return NOERROR;
}

static STATUS choose(struct dxl_importer *im, struct waiting *w, struct slice folder)
{
	STATUS status = NOERROR;

	if (slice_equal_nocase(folder, SLICE_LIT(NSF_INBOX))) {
		w->in_inbox = w->wants_octets = true;
	} else if (w->folder_count < DXLMAIL_FOLDERS_MAX) {
		status = arena_copy(&im->arena, folder, &w->folders[w->folder_count]);
		w->folder_count += status == NOERROR;
	}
	return status;
}

/* Into which folders: those that an export has said, the one that was asked for, or what the
 * document tells. Mail for the inbox has octets, wherever it is put. */
static STATUS choose_folders(struct dxl_importer *im, const struct note *note,
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
static STATUS enqueue(struct dxl_importer *im, const struct note *note, struct waiting *w)
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
	return im->count == DXLMAIL_BATCH || im->octets + im->arena.used_octets > BATCH_OCTETS ||
	       has_blobs(note) ? dxlmail_flush(im) : NOERROR;
}

/* It is there: what was copied of it may go. */
static STATUS pass_present(struct dxl_importer *im)
{
	im->report->present++;
	if (im->count == 0)
		arena_release(&im->arena);
	return im->arena.used_octets > BATCH_OCTETS ? dxlmail_flush(im) : NOERROR;
}

static STATUS take_settled(struct dxl_importer *im, const struct note *note, struct waiting *w)
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
		dxlmail_say(im, "%s: another document here has its UNID; it %s a new one", w->label,
		            im->options->dry_run ? "would get" : "got");
	return enqueue(im, note, w);
}

STATUS dxlmail_take(struct dxl_importer *im, const struct note *note)
{
	off_t at = lseek(im->fd, 0, SEEK_CUR);
	struct waiting *w;
	STATUS status = NOERROR;

	im->done_octets = at > 0 ? (uint64_t)at : 0;
	progress(im);
	/* the same document twice in one file, or two that claim one UNID */
	if (note->has_unid && is_waiting(im, &note->unid))
		status = dxlmail_flush(im);
	w = &im->batch[im->count];
	*w = (struct waiting){ .in_inbox = false };
	dxlmail_label(im, note, w->label);
	if (status == NOERROR)
		status = dxlmail_copy(note, &im->arena, &w->note);
	return status == NOERROR ? take_settled(im, note, w) : status;
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
	struct dxl_importer *im = calloc(1, sizeof(*im));
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
		status = dxlmail_read(im, source);
	batch_clear(im);
	if (im->nsf != NULL)
		nsf_close(&im->nsf);
	free(im);
	if (status != NOERROR && (fault == NULL || fault->status != status))
		fault_set(fault, status, "%s: %s", source, status_text(status));
	return status;
}


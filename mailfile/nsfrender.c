/* Notes of the inbox that wait for octets: read, rendered, stored, a few at a time. The writer lock
 * is held only while finished octets are stored. Distrusted: the notes, of which each may be
 * damaged or impossible to render; that keeps none of the others from being served. */
#include "mailfile/nsfstore.h"

#include "mailfile/message.h"
#include "nsf/nsf.h"

#define BATCH_NOTES 16

struct rendering {
	uint64_t note_id;
	int64_t sequence;
	struct intake *intake;
	struct maildrop_delivery octets;
};

struct renderer {
	const struct nsfstore *store;
	struct nsf *nsf;
	const char *path;
	size_t count;
	struct rendering batch[BATCH_NOTES];
};

static STATUS render_one(struct renderer *r, uint64_t note_id, struct rendering *made,
                         struct fault *fault)
{
	struct intake_options options = { .spool_dir = r->store->render.spool_dir };
	struct arena arena = ARENA_INIT;
	struct note note;
	STATUS status = nsf_note_get(r->nsf, note_id, &arena, &note);

	if (status == NOERROR)
		status = intake_new(&options, &made->intake);
	if (status == NOERROR)
		status = render_note(&note, &r->store->render, made->intake, fault);
	if (status == NOERROR)
		status = intake_finish(made->intake, &made->octets);
	arena_release(&arena);
	return status;
}

static STATUS set_one(struct renderer *r, const struct rendering *made, struct fault *fault)
{
	const struct maildrop_delivery *octets = &made->octets;
	struct nsf_delivery delivery = {
		.size_octets = octets->size_octets, .header_octets = octets->header_octets,
		.has_dot_line = octets->has_dot_line, .body = octets->body, .context = octets->context,
	};

	return nsf_pending_set(r->nsf, made->note_id, made->sequence, &delivery, NULL, fault);
}

static STATUS batch_set(struct renderer *r, struct fault *fault)
{
	STATUS status = nsf_begin(r->nsf, fault);

	if (status != NOERROR)
		return status;
	for (size_t i = 0; i < r->count && status == NOERROR; i++)
		status = set_one(r, &r->batch[i], fault);
	if (status == NOERROR)
		return nsf_commit(r->nsf, fault);
	nsf_rollback(r->nsf);
	return status;
}

/* A full disk, or a lock not had, leaves notes without octets and the file readable. */
static STATUS batch_end(struct renderer *r)
{
	struct fault fault = { .status = NOERROR };
	STATUS status = r->count > 0 ? batch_set(r, &fault) : NOERROR;

	for (size_t i = 0; i < r->count; i++)
		intake_free(&r->batch[i].intake);
	r->count = 0;
	if (status != NOERROR)
		nsfstore_tell(r->store, "%s: notes in the inbox cannot be made messages: %s", r->path,
		              fault_text(&fault, status));
	return status;
}

static STATUS each_pending(void *context, uint64_t note_id, int64_t sequence)
{
	struct renderer *r = context;
	struct rendering *made = &r->batch[r->count];
	struct fault fault = { .status = NOERROR };
	STATUS status;

	*made = (struct rendering){ .note_id = note_id, .sequence = sequence };
	status = render_one(r, note_id, made, &fault);
	if (status == NOERROR)
		return ++r->count < BATCH_NOTES ? NOERROR : batch_end(r);
	intake_free(&made->intake);
	if (status != POSTIL_ERR_DELETED)
		nsfstore_tell(r->store, "%s: note %llu cannot be made a message: %s", r->path,
		              (unsigned long long)note_id, fault_text(&fault, status));
	return NOERROR;
}

STATUS nsfstore_render(const struct nsfstore *store, struct nsf *nsf, const char *path)
{
	struct renderer r = { .store = store, .nsf = nsf, .path = path };
	STATUS status = nsf_pending_each(nsf, each_pending, &r), last = batch_end(&r);

	if (status == NOERROR)
		status = last;
	return status == POSTIL_ERR_DAMAGED ? status : NOERROR;
}

/* What moving in and out needs of a mail file: which UIDLs it knows, its folders and
 * what lies in them, dates and marks. */
#include "mailfile/nsfstore.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "nsf/nsf.h"

static STATUS take(struct nsfstore *store, const char *path, char full[PATH_MAX],
                   struct handle **handle_r, struct fault *fault)
{
	struct file_id id;
	STATUS status = nsfstore_path(store, path, full, fault);

	if (status == NOERROR)
		status = file_id_of(full, &id, fault);
	return status != NOERROR ? status
	                         : handles_take(store->handles, full, id, handle_r, fault);
}

/* --- UIDLs ------------------------------------------------------------------------- */

struct known_call {
	STATUS (*each)(void *context, const struct maildrop_known *known);
	void *context;
};

static STATUS tell_known(void *context, struct slice uidl,
                         const uint8_t digest[NSF_DIGEST_OCTETS], bool live)
{
	struct known_call *call = context;
	struct maildrop_known known = { .uidl = uidl, .live = live };

	memcpy(known.digest, digest, sizeof(known.digest));
	return call->each(call->context, &known);
}

STATUS nsfstore_known(struct mail_store *base, const char *path,
                      STATUS (*each)(void *context, const struct maildrop_known *known),
                      void *context, struct fault *fault)
{
	struct nsfstore *store = (struct nsfstore *)base;
	struct known_call call = { each, context };
	struct handle *handle = NULL;
	char full[PATH_MAX];
	STATUS status = take(store, path, full, &handle, fault);

	if (status == POSTIL_ERR_NOEXIST)
		return NOERROR;
	if (status != NOERROR)
		return status;
	status = nsf_uidls_each(handle_nsf(handle), tell_known, &call);
	handles_put(store->handles, &handle, status);
	return nsfstore_told(fault, status, full);
}

/* --- folders ------------------------------------------------------------------------- */

struct folders_call {
	STATUS (*each)(void *context, struct slice folder);
	void *context;
};

static STATUS tell_folder(void *context, struct slice name, uint64_t notes)
{
	struct folders_call *call = context;

	if (notes == 0 || slice_equal(name, SLICE_LIT(NSF_INBOX))
	    || slice_equal(name, SLICE_LIT(NSF_ALL)))
		return NOERROR;
	return call->each(call->context, name);
}

STATUS nsfstore_folders(struct mail_store *base, const char *path,
                        STATUS (*each)(void *context, struct slice folder), void *context,
                        struct fault *fault)
{
	struct nsfstore *store = (struct nsfstore *)base;
	struct folders_call call = { each, context };
	struct handle *handle = NULL;
	char full[PATH_MAX];
	STATUS status = take(store, path, full, &handle, fault);

	if (status != NOERROR)
		return status;
	status = nsf_folders_each(handle_nsf(handle), tell_folder, &call);
	handles_put(store->handles, &handle, status);
	return nsfstore_told(fault, status, full);
}

struct place {
	uint64_t message, note;
};

struct list_call {
	struct nsf *nsf;
	struct place *places;
	size_t count, room;
};

/* Documents without octets are no messages; DXL carries them. */
static STATUS find_message(void *context, uint64_t note_id)
{
	struct list_call *call = context;
	struct nsf_note_message found;
	STATUS status = nsf_message_of_note(call->nsf, note_id, &found);

	if (status != NOERROR)
		return status == POSTIL_ERR_NOT_FOUND ? NOERROR : status;
	if (call->count == call->room) {
		size_t room = call->room == 0 ? 256 : call->room * 2;
		struct place *places = realloc(call->places, room * sizeof(*places));

		if (places == NULL)
			return POSTIL_ERR_MEMORY;
		call->places = places;
		call->room = room;
	}
	call->places[call->count++] = (struct place){ found.message.id, note_id };
	return NOERROR;
}

static int compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return (x->message > y->message) - (x->message < y->message);
}

/* Lists are in order of messages; a rendering may be younger than notes behind its own. */
static STATUS list_places(const struct list_call *call, struct msglist_maker *maker)
{
	struct nsf_note_message found;
	STATUS status = NOERROR;

	for (size_t i = 0; i < call->count && status == NOERROR; i++) {
		const struct nsf_message *m = &found.message;
		struct maildrop_message message;

		status = nsf_message_of_note(call->nsf, call->places[i].note, &found);
		if (status == NOERROR && m->id == call->places[i].message) {
			message = (struct maildrop_message){ m->size_octets, m->header_octets,
				m->has_dot_line, m->uidl, m->needs_utf8 };
			status = msglist_add(maker, m->id, &message);
		}
		if (status == POSTIL_ERR_NOT_FOUND)
			status = NOERROR;
	}
	return status;
}

STATUS nsfmove_list(struct nsf *nsf, struct slice folder, struct msglist_maker *maker)
{
	struct list_call call = { .nsf = nsf };
	STATUS status = nsf_folder_each(nsf, folder, find_message, &call);

	if (status == NOERROR && call.count > 1)
		qsort(call.places, call.count, sizeof(call.places[0]), compare_places);
	if (status == NOERROR)
		status = list_places(&call, maker);
	free(call.places);
	return status;
}

/* --- dates and marks ------------------------------------------------------------------ */

/* Whose marks go along: the owner's, if he has ever asked. */
static STATUS owner_of(struct nsf *nsf, uint64_t *user_r)
{
	struct buf owner = BUF_INIT;
	STATUS status = nsf_property_get(nsf, NSF_PROPERTY_OWNER, &owner);

	*user_r = 0;
	if (status == NOERROR && owner.n > 0)
		status = nsf_user_id(nsf, buf_slice(&owner), false, user_r);
	buf_release(&owner);
	return status == POSTIL_ERR_NOT_FOUND || status == POSTIL_ERR_INVALID ? NOERROR : status;
}

static void take_flags(const struct note *note, struct maildrop_details *details)
{
	const struct item *item = note_find(note, MAILDROP_FLAGS_ITEM);
	size_t n = 0;

	if (item == NULL || item->count == 0)
		return;
	for (size_t i = 0; i < item->values[0].n && n < sizeof(details->flags) - 1; i++)
		if (strchr("DFR", item->values[0].p[i]) != NULL && item->values[0].p[i] != '\0')
			details->flags[n++] = item->values[0].p[i];
}

STATUS nsfmove_details(struct nsf *nsf, uint64_t message, struct maildrop_details *details_r)
{
	struct arena arena = ARENA_INIT;
	struct note note;
	bool unread = false;
	uint64_t user, id = message;
	STATUS status = nsf_note_of_message(nsf, message, &id);

	*details_r = (struct maildrop_details){ .received_ms = 0 };
	if (status == NOERROR)
		status = nsf_note_get(nsf, id, &arena, &note);
	if (status == NOERROR) {
		details_r->received_ms = note.created_ms;
		take_flags(&note, details_r);
		status = owner_of(nsf, &user);
	}
	if (status == NOERROR)
		status = nsf_is_unread(nsf, user, id, &unread);
	details_r->read = !unread;
	arena_release(&arena);
	return status;
}

/* --- filing ------------------------------------------------------------------------------ */

bool nsfmove_has_folders(const struct maildrop_delivery *messages, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (messages[i].folder.n != 0)
			return true;
	return false;
}

static STATUS file_one(struct nsf *nsf, struct slice folder, uint64_t id)
{
	STATUS status;

	if (slice_equal(folder, SLICE_LIT(NSF_TRASH)))
		return nsf_trash_put(nsf, id);
	status = nsf_folder_make(nsf, folder);
	if (status == NOERROR || status == POSTIL_ERR_EXISTS)
		status = nsf_folder_add(nsf, folder, id);
	return status == NOERROR ? nsf_folder_take(nsf, SLICE_LIT(NSF_INBOX), id) : status;
}

STATUS nsfmove_file(struct nsf *nsf, const struct maildrop_delivery *messages,
                    const uint64_t *ids, size_t count)
{
	STATUS status = NOERROR;

	for (size_t i = 0; i < count && status == NOERROR; i++)
		if (messages[i].folder.n != 0)
			status = file_one(nsf, messages[i].folder, ids[i]);
	return status;
}

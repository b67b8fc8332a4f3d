/*
 * The documents of the directory in memory while it is compiled: a list, and a
 * hash table over their two identities. What comes from names.nsf is checked.
 */
#include "directory/documents.h"

#include <stdlib.h>
#include <string.h>

#include "directory/pack.h"

#include "base/banned.h"

void documents_init(struct documents *documents)
{
	*documents = (struct documents){ 0 };
}

void documents_release(struct documents *documents)
{
	free(documents->list);
	free(documents->slots);
	documents_init(documents);
}

static bool is_living(const struct document *document)
{
	return !(document->flags & DOCUMENT_DEAD);
}

/* --- the hash table -------------------------------------------------------- */

/* Identities are digests or UNIDs, whose middle differs from document to document. */
static uint64_t hash(const struct identity *identity)
{
	uint64_t a, b;

	memcpy(&a, identity->octets, 8);
	memcpy(&b, identity->octets + 8, 8);
	a = (a ^ b >> 32 ^ b << 32) * 0x9E3779B97F4A7C15u;
	return a ^ a >> 29;
}

static void insert(struct documents *documents, const struct identity *identity, uint32_t index)
{
	uint64_t at = hash(identity) % documents->slot_count;

	while (documents->slots[at] != 0)
		at = (at + 1) % documents->slot_count;
	documents->slots[at] = index + 1;
	documents->used++;
}

/* The first document of that form_name that was inserted, living or not. */
static struct document *head_of(struct documents *documents, const struct identity *form_name)
{
	uint64_t at;

	if (documents->slot_count == 0)
		return NULL;
	at = hash(form_name) % documents->slot_count;
	for (; documents->slots[at] != 0; at = (at + 1) % documents->slot_count) {
		struct document *document = &documents->list[documents->slots[at] - 1];

		if (document->named && memcmp(&document->form_name, form_name, sizeof(*form_name)) == 0)
			return document;
	}
	return NULL;
}

/* Namesakes hang on the first of them: many would make the table slow. */
static void insert_both(struct documents *documents, uint32_t index)
{
	struct document *document = &documents->list[index], *head = NULL;

	document->next_namesake = 0;
	if (document->named)
		head = head_of(documents, &document->form_name);
	insert(documents, &document->unid, index);
	if (head != NULL) {
		document->next_namesake = head->next_namesake;
		head->next_namesake = index + 1;
	} else if (document->named) {
		insert(documents, &document->form_name, index);
	}
}

static STATUS rehash(struct documents *documents)
{
	uint32_t wanted = documents->slot_count == 0 ? 1024 : 2 * documents->slot_count;
	uint32_t *slots = calloc(wanted, sizeof(*slots));

	if (slots == NULL)
		return POSTIL_ERR_MEMORY;
	free(documents->slots);
	documents->slots = slots;
	documents->slot_count = wanted;
	documents->used = 0;
	for (uint32_t i = 0; i < documents->count; i++)
		if (is_living(&documents->list[i]))
			insert_both(documents, i);
	return NOERROR;
}

struct document *documents_find(struct documents *documents, const struct identity *unid)
{
	uint64_t at;

	if (documents->slot_count == 0)
		return NULL;
	at = hash(unid) % documents->slot_count;
	for (; documents->slots[at] != 0; at = (at + 1) % documents->slot_count) {
		struct document *document = &documents->list[documents->slots[at] - 1];

		if (is_living(document) && memcmp(&document->unid, unid, sizeof(*unid)) == 0)
			return document;
	}
	return NULL;
}

struct document *documents_named(struct documents *documents, const struct identity *form_name)
{
	struct document *head = head_of(documents, form_name);

	return head == NULL || is_living(head) ? head : documents_namesake(documents, head);
}

struct document *documents_namesake(struct documents *documents, const struct document *after)
{
	uint32_t next = after->next_namesake;

	while (next != 0 && !is_living(&documents->list[next - 1]))
		next = documents->list[next - 1].next_namesake;
	return next == 0 ? NULL : &documents->list[next - 1];
}

static STATUS make_room(struct documents *documents)
{
	if (documents->count == documents->room) {
		uint32_t room = documents->room == 0 ? 512 : 2 * documents->room;
		struct document *list = room > UINT32_MAX / 4 ? NULL
		                        : realloc(documents->list, room * sizeof(*list));

		if (list == NULL)
			return POSTIL_ERR_MEMORY;
		documents->list = list;
		documents->room = room;
	}
	if (documents->used + 2 > documents->slot_count / 2)
		return rehash(documents);
	return NOERROR;
}

STATUS documents_add(struct documents *documents, const struct document *document,
                     struct document **document_r)
{
	STATUS status = make_room(documents);
	struct document *added;

	if (status != NOERROR)
		return status;
	added = &documents->list[documents->count];
	*added = *document;
	added->next_in_file = added->file->first_document;
	added->file->first_document = ++documents->count;
	insert_both(documents, documents->count - 1);
	if (document_r != NULL)
		*document_r = added;
	return NOERROR;
}

#define DOCUMENT_KEPT_FLAGS (DOCUMENT_COVERS | DOCUMENT_MADE_UNID | DOCUMENT_LOCALIZED)

/* --- $Documents ------------------------------------------------------------ */

#define DOCUMENT_FIXED_OCTETS (15 + 3 * IDENTITY_OCTETS)   /* before the file's name */

void document_key(uint64_t note_id, uint8_t key[8])
{
	for (int i = 0; i < 8; i++)
		key[i] = (uint8_t)(note_id >> (56 - 8 * i));
}

void document_encode(const struct document *document, struct buf *out)
{
	pack_number(out, document->file->id, 4);
	pack_number(out, document->kind, 1);
	pack_number(out, document->flags & DOCUMENT_KEPT_FLAGS, 1);
	pack_number(out, document->named, 1);
	pack_number(out, document->line, 4);
	pack_number(out, document->rounds, 4);
	buf_add(out, document->unid.octets, IDENTITY_OCTETS);
	buf_add(out, document->form_name.octets, IDENTITY_OCTETS);
	buf_add(out, document->digest.octets, IDENTITY_OCTETS);
	pack_slice(out, slice_of(document->file->name));
}

static void unpack_identity(struct unpack *u, struct identity *identity)
{
	struct slice s = unpack_octets(u, IDENTITY_OCTETS);

	if (s.n == IDENTITY_OCTETS)
		memcpy(identity->octets, s.p, IDENTITY_OCTETS);
}

struct load {
	struct documents *documents;
	struct files *files;
};

static STATUS load_one(void *context, struct slice key, uint64_t note_id, struct slice value)
{
	struct load *load = context;
	struct document document = { .note_id = note_id };
	struct unpack u = { .rest = value };

	document.file = files_by_id(load->files, (uint32_t)unpack_number(&u, 4));
	document.kind = (uint8_t)unpack_number(&u, 1);
	document.flags = unpack_number(&u, 1) & DOCUMENT_KEPT_FLAGS;
	document.named = unpack_number(&u, 1) != 0;
	document.line = (uint32_t)unpack_number(&u, 4);
	document.rounds = (uint32_t)unpack_number(&u, 4);
	unpack_identity(&u, &document.unid);
	unpack_identity(&u, &document.form_name);
	unpack_identity(&u, &document.digest);
	if (u.bad || document.file == NULL || document.kind > DOCUMENT_LOCAL)
		return POSTIL_ERR_DAMAGED;
	return documents_add(load->documents, &document, NULL);
}

STATUS documents_load(struct documents *documents, struct files *files, struct nsf *nsf)
{
	struct load load = { documents, files };

	return nsf_view_each(nsf, VIEW_DOCUMENTS, load_one, &load);
}

static STATUS take_file_name(void *context, uint64_t note_id, struct slice value)
{
	struct unpack u = { .rest = value };

	unpack_octets(&u, DOCUMENT_FIXED_OCTETS);
	buf_add_slice(context, unpack_slice(&u));
	return u.bad ? POSTIL_ERR_DAMAGED : buf_status(context);
}

STATUS document_file(struct nsf *nsf, uint64_t note_id, struct buf *out)
{
	uint8_t key[8];

	document_key(note_id, key);
	return nsf_view_find(nsf, VIEW_DOCUMENTS, (struct slice){ (const char *)key, sizeof(key) },
	                     take_file_name, out);
}

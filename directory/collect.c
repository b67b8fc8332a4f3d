/*
 * From a DXL document to what the directory keeps of it: who it is, whether
 * another one stands in its place, which names lead to it. Documents are
 * distrusted; what cannot be used is told by file and line, without values
 * that may be secret.
 */
#include "directory/compile.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypt.h"
#include "base/name.h"
#include "base/text.h"
#include "directory/pack.h"
#include "directory/settings.h"

#include "base/banned.h"

#define ITEM_OCTETS_MAX 16384           /* larger items of other documents are left in the DXL */

static const struct form forms[] = {
	{ "Person", DOCUMENT_PERSON, "FullName" },
	{ "Database", DOCUMENT_MAILIN, "FullName" },
	{ "Server", DOCUMENT_SERVER, "ServerName" },
	{ "Group", DOCUMENT_GROUP, "ListName" },
	{ "ServerConfig", DOCUMENT_OTHER, "ServerName" },
	{ "POP3Site", DOCUMENT_OTHER, "ISiteName" },
};
static const struct form other_form = { "", DOCUMENT_OTHER, NULL };

/* What is kept of a Person document; certificates and the like stay in the DXL. */
static const char *const person_items[] = {
	"Form", "Type", "FullName", "FirstName", "MiddleInitial", "LastName", "ShortName",
	"AltFullName", "InternetAddress", "HTTPPassword", "HTTPPasswordChangeDate", "$SecurePassword",
	"MailSystem",
	"MailDomain", "MailServer", "MailFile", "MailAddress", "MessageStorage", "Owner", NULL
};

static const struct form *form_of(const struct note *note)
{
	struct slice name = text_trim(note_text(note, "Form"));

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
		if (slice_equal_nocase(name, slice_of(forms[i].form)))
			return &forms[i];
	return &other_form;
}

/* --- what is kept ---------------------------------------------------------- */

/* Most items of a person are not among them: the first letter says so. */
static bool is_person_item(const char *name)
{
	for (const char *const *wanted = person_items; *wanted != NULL; wanted++)
		if (((*wanted)[0] | 0x20) == (name[0] | 0x20) &&
		    slice_equal_nocase(slice_of(name), slice_of(*wanted)))
			return true;
	return false;
}

static bool is_kept(const struct form *form, const struct item *item)
{
	size_t octets = 0;

	if (form->kind == DOCUMENT_PERSON || form->kind == DOCUMENT_MAILIN)
		return is_person_item(item->name);
	for (size_t i = 0; i < item->count; i++)
		octets += item->values[i].n;
	if (form->kind == DOCUMENT_GROUP)
		return true;    /* members may be many */
	return octets <= ITEM_OCTETS_MAX && (item->type & 0xFF00) >= 0x0300 &&
	       (item->type & 0xFF00) <= 0x0500;
}

/* Items are linked anew, values stay where they are. */
static STATUS keep(const struct form *form, const struct note *note, struct note *kept)
{
	note_init(kept, note->arena);
	kept->has_unid = true;
	kept->created_ms = note->created_ms;
	kept->modified_ms = note->modified_ms;
	kept->line = note->line;
	for (const struct item *item = note->first; item != NULL; item = item->next) {
		struct item *copy;

		if (!is_kept(form, item))
			continue;
		copy = arena_alloc(note->arena, sizeof(*copy));
		if (copy == NULL)
			return POSTIL_ERR_MEMORY;
		*copy = *item;
		copy->next = NULL;
		*kept->last = copy;
		kept->last = &copy->next;
	}
	return NOERROR;
}

/* --- who it is ------------------------------------------------------------- */

static STATUS short_digest(struct slice data, struct identity *identity)
{
	uint8_t whole[32];
	STATUS status = crypt_sha256(data, whole);

	if (status == NOERROR)
		memcpy(identity->octets, whole, sizeof(identity->octets));
	return status;
}

static STATUS digest_of(const struct note *kept, struct identity *digest)
{
	struct buf text = BUF_INIT;
	STATUS status;

	for (const struct item *item = kept->first; item != NULL; item = item->next) {
		pack_slice(&text, slice_of(item->name));
		pack_number(&text, item->type, 2);
		pack_number(&text, item->count, 4);
		for (size_t i = 0; i < item->count; i++)
			pack_slice(&text, item->values[i]);
	}
	status = buf_status(&text);
	if (status == NOERROR)
		status = short_digest(buf_slice(&text), digest);
	buf_release(&text);
	return status;
}

/* form and name, folded, as one digest. POSTIL_ERR_INVALID: the name cannot be used. */
static STATUS name_identity(const struct form *form, struct slice name, struct identity *identity)
{
	struct buf text = BUF_INIT;
	STATUS status;

	buf_add_str(&text, form->form);
	buf_add_char(&text, '\0');
	status = directory_key(name, &text);
	if (status == NOERROR)
		status = short_digest(buf_slice(&text), identity);
	buf_release(&text);
	return status;
}

/* POSTIL_ERR_INVALID: told already, the document is left out. */
static STATUS identify(struct compile *c, const struct form *form, const struct note *note,
                       struct document *document)
{
	struct slice name = { "", 0 };
	STATUS status = NOERROR;

	if (form->name_item != NULL)
		name = note_text(note, form->name_item);
	if (form->name_item != NULL && text_trim(name).n == 0) {
		compile_fault(c, note->line, "a %s document without %s", form->form, form->name_item);
		return POSTIL_ERR_INVALID;
	}
	if (name.n > 0) {
		status = name_identity(form, name, &document->form_name);
		document->named = status == NOERROR;
	}
	if (status == POSTIL_ERR_INVALID)
		compile_fault(c, compile_line(note, form->name_item), "%s cannot be used: it is longer than "
		              "%d octets or not text", form->name_item, DIRECTORY_NAME_MAX);
	if (status != NOERROR)
		return status;
	if (note->has_unid) {
		memcpy(document->unid.octets, note->unid.octets, UNID_OCTETS);
	} else if (document->named) {
		document->unid = document->form_name;
	} else {
		compile_fault(c, note->line, "a document with neither a UNID nor a name that is known");
		return POSTIL_ERR_INVALID;
	}
	return NOERROR;
}

/* --- in place of another --------------------------------------------------- */

STATUS collect_drop(struct compile *c, struct document *document)
{
	STATUS status = NOERROR;

	c->documents_changed = true;
	if (document->flags & DOCUMENT_COVERS)
		c->uncovered = true;
	if (c->nsf != NULL && (document->flags & DOCUMENT_NEW))
		status = entries_flush(&c->entries, c->nsf);
	if (c->nsf != NULL && status == NOERROR)
		status = nsf_note_delete(c->nsf, document->note_id);
	document->flags |= DOCUMENT_DEAD;
	return status == POSTIL_ERR_DELETED ? NOERROR : status;
}

enum meeting { MEET_NOBODY, MEET_SAME, MEET_COVERED };

/* old has the UNID or the form and name of the new document. What becomes of them? */
static STATUS meet(struct compile *c, struct document *old, struct document *document,
                   enum meeting *meeting)
{
	bool same_unid = memcmp(&old->unid, &document->unid, sizeof(old->unid)) == 0;

	if (old->file == c->file) {
		if (old->run == c->run)
			compile_warn(c, c->line, "a document of the same %s stands further up in "
			             "this file; this one takes its place", same_unid ? "UNID" : "form and name");
		if (same_unid && *meeting == MEET_NOBODY) {
			*meeting = MEET_SAME;
			return NOERROR;
		}
		document->flags |= old->flags & DOCUMENT_COVERS;
		return collect_drop(c, old);
	}
	if (old->file->rank > c->file->rank) {
		*meeting = MEET_COVERED;
		c->file->flags |= FILE_COVERED;
		if (!(old->flags & DOCUMENT_COVERS)) {
			struct buf value = BUF_INIT;
			uint8_t key[8];
			STATUS status;

			old->flags |= DOCUMENT_COVERS;
			c->documents_changed = true;
			document_key(old->note_id, key);
			document_encode(old, &value);
			status = c->nsf == NULL ? NOERROR : nsf_view_put(c->nsf, VIEW_DOCUMENTS,
			         (struct slice){ (const char *)key, sizeof(key) }, old->note_id,
			         buf_slice(&value));
			buf_release(&value);
			return status;
		}
		return NOERROR;
	}
	old->file->flags |= FILE_COVERED;
	document->flags |= DOCUMENT_COVERS;
	return collect_drop(c, old);
}

/* --- one document ---------------------------------------------------------- */

/* A living document with this UNID is written anew under its old note id. */
static STATUS put_note(struct compile *c, struct note *kept, struct document *same,
                       struct document *document)
{
	STATUS status = NOERROR;

	if (c->nsf == NULL) {
		document->note_id = same != NULL ? same->note_id : ++c->checked_id;
		return NOERROR;
	}
	memcpy(kept->unid.octets, document->unid.octets, UNID_OCTETS);
	if (same != NULL && (same->flags & DOCUMENT_NEW))
		status = entries_flush(&c->entries, c->nsf);
	if (same != NULL && status == NOERROR)
		status = nsf_view_delete_note(c->nsf, same->note_id);
	if (status == NOERROR)
		status = nsf_note_put(c->nsf, kept, &document->note_id);
	return status;
}

static STATUS remember(struct compile *c, const struct document *document, struct document *same)
{
	if (same == NULL)
		return documents_add(&c->documents, document, NULL);
	if (!document->named || (same->named &&
	    memcmp(&same->form_name, &document->form_name, sizeof(same->form_name)) == 0)) {
		uint32_t next = same->next_in_file;

		*same = *document;
		same->next_in_file = next;
		return NOERROR;
	}
	if (same->flags & DOCUMENT_COVERS)
		c->uncovered = true;
	same->flags |= DOCUMENT_DEAD;   /* the hash table knows it by its old name */
	return documents_add(&c->documents, document, NULL);
}

static STATUS replace(struct compile *c, const struct form *form, const struct note *note,
                      struct note *kept, struct document *document, struct document *same)
{
	STATUS status;

	c->documents_changed = true;
	document->flags |= DOCUMENT_NEW | (same != NULL ? same->flags & DOCUMENT_COVERS : 0);
	status = put_note(c, kept, same, document);
	if (status == NOERROR)
		status = index_document(c, form, note, document, c->nsf != NULL);
	return status == NOERROR ? remember(c, document, same) : status;
}

static STATUS place(struct compile *c, const struct form *form, const struct note *note,
                    struct note *kept, struct document *document)
{
	enum meeting meeting = MEET_NOBODY;
	struct document *by_unid = documents_find(&c->documents, &document->unid, false), *by_name;
	struct document *same;
	STATUS status = NOERROR;

	if (by_unid != NULL)
		status = meet(c, by_unid, document, &meeting);
	same = meeting == MEET_SAME ? by_unid : NULL;
	by_name = document->named ? documents_find(&c->documents, &document->form_name, true) : NULL;
	if (status == NOERROR && by_name != NULL && by_name != same && meeting != MEET_COVERED)
		status = meet(c, by_name, document, &meeting);
	if (status != NOERROR || meeting == MEET_COVERED)
		return status;
	if (same == NULL || memcmp(&same->digest, &document->digest, sizeof(same->digest)) != 0 ||
	    same->kind != document->kind)
		return replace(c, form, note, kept, document, same);
	same->run = c->run;     /* as it was */
	return index_document(c, form, note, same, false);
}

STATUS collect_note(struct compile *c, const struct note *note)
{
	const struct form *form = form_of(note);
	struct document document = {
		.file = c->file, .run = c->run, .kind = (uint8_t)form->kind, .line = note->line,
	};
	struct note kept;
	STATUS status;

	c->line = note->line;
	if (text_trim(note_text(note, "Form")).n == 0) {
		compile_fault(c, note->line, "a document without a form");
		return NOERROR;
	}
	status = identify(c, form, note, &document);
	if (status == POSTIL_ERR_INVALID)
		return NOERROR;
	if (status == NOERROR)
		status = keep(form, note, &kept);
	if (status == NOERROR)
		status = digest_of(&kept, &document.digest);
	return status == NOERROR ? place(c, form, note, &kept, &document) : status;
}

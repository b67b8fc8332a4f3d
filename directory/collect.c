/*
 * From a DXL document to what the directory keeps of it: who it is, whether
 * another one stands in its place, which names lead to it. Documents are
 * distrusted; what cannot be used is told by file and line, without values
 * that may be secret.
 */
#include "directory/certificates.h"
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
	{ LOCAL_FORM, DOCUMENT_LOCAL, "FullName" },
};
static const struct form other_form = { "", DOCUMENT_OTHER, NULL };

/* What is kept of a Person document, besides its certificates for the Internet. */
static const char *const person_items[] = {
	"Form", "Type", "FullName", "FirstName", "MiddleInitial", "LastName", "ShortName",
	"AltFullName", "InternetAddress", "HTTPPassword", "HTTPPasswordChangeDate", "$SecurePassword",
	"MailSystem",
	"MailDomain", "MailServer", "MailFile", "MailAddress", "MessageStorage", "Owner", NULL
};

/* What is kept of a LocalPerson document. */
static const char *const local_items[] = {
	"Form", "FullName", "HTTPPassword", "HTTPPasswordChangeDate", NULL
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
static bool is_one_of(const char *name, const char *const *wanted)
{
	for (; *wanted != NULL; wanted++)
		if (((*wanted)[0] | 0x20) == (name[0] | 0x20) &&
		    slice_equal_nocase(slice_of(name), slice_of(*wanted)))
			return true;
	return false;
}

/* certificates: octets of those kept before it. */
static bool is_kept(const struct form *form, const struct item *item, size_t *certificates)
{
	size_t octets = 0;

	if ((form->kind == DOCUMENT_PERSON || form->kind == DOCUMENT_LOCAL) &&
	    (item->name[0] | 0x20) == 'u' && certificates_are_in(item->name))
		return certificates_fit(certificates, item);
	if (form->kind == DOCUMENT_PERSON || form->kind == DOCUMENT_MAILIN)
		return is_one_of(item->name, person_items);
	if (form->kind == DOCUMENT_LOCAL)
		return is_one_of(item->name, local_items);
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
	size_t certificates = 0;

	note_init(kept, note->arena);
	kept->has_unid = true;
	kept->created_ms = note->created_ms;
	kept->modified_ms = note->modified_ms;
	kept->line = note->line;
	for (const struct item *item = note->first; item != NULL; item = item->next) {
		struct item *copy;

		if (!is_kept(form, item, &certificates))
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

/* Form and name, folded, as one digest, with line of documents of the same name in one
 * file. POSTIL_ERR_INVALID: the name cannot be used. */
static STATUS name_identity(const char *form, struct slice name, unsigned line,
                            struct identity *identity)
{
	struct buf text = BUF_INIT;
	STATUS status;

	buf_add_str(&text, form);
	buf_add_char(&text, '\0');
	status = directory_key(name, &text);
	if (line != 0)
		buf_addf(&text, "%c%u", '\0', line);
	if (status == NOERROR)
		status = buf_status(&text);
	if (status == NOERROR)
		status = short_digest(buf_slice(&text), identity);
	buf_release(&text);
	return status;
}

/* A LocalPerson document goes by the identity of its person. */
static STATUS identify_by_name(const struct form *form, struct slice name,
                               struct document *document)
{
	const char *label = form->kind == DOCUMENT_LOCAL ? "Person" : form->form;
	STATUS status = name_identity(label, name, 0, &document->form_name);

	document->named = status == NOERROR;
	return status;
}

/* The UNID, or what stands for one. */
static STATUS identify_by_unid(struct compile *c, const struct form *form,
                               const struct note *note, struct document *document)
{
	struct slice name = note_text(note, form->name_item == NULL ? "" : form->name_item);
	const struct document *old;
	STATUS status;

	if (note->has_unid) {
		memcpy(document->unid.octets, note->unid.octets, UNID_OCTETS);
		return NOERROR;
	}
	document->flags |= DOCUMENT_MADE_UNID;
	status = name_identity(form->form, name, 0, &document->unid);
	if (status != NOERROR || form->kind != DOCUMENT_PERSON)
		return status;
	old = documents_find(&c->documents, &document->unid);
	if (old != NULL && old->file == c->file && old->run == c->run)
		status = name_identity(form->form, name, note->line, &document->unid);
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
	if (name.n > 0)
		status = identify_by_name(form, name, document);
	if (status == POSTIL_ERR_INVALID)
		compile_fault(c, compile_line(note, form->name_item), "%s cannot be used: it is longer than "
		              "%d octets or not text", form->name_item, DIRECTORY_NAME_MAX);
	if (status != NOERROR)
		return status;
	if (!note->has_unid && !document->named) {
		compile_fault(c, note->line, "a document with neither a UNID nor a name that is known");
		return POSTIL_ERR_INVALID;
	}
	return identify_by_unid(c, form, note, document);
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
		if (old->flags & DOCUMENT_COVERS)
			return NOERROR;
		old->flags |= DOCUMENT_COVERS;
		c->documents_changed = true;
		return index_remember(c, old);
	}
	old->file->flags |= FILE_COVERED;
	document->flags |= DOCUMENT_COVERS;
	return collect_drop(c, old);
}

static bool is_user(const struct document *document)
{
	return document->kind == DOCUMENT_PERSON || document->kind == DOCUMENT_MAILIN;
}

/* Is what stands there about to be read, or not to be found again? */
static bool is_stale(const struct compile *c, const struct document *old)
{
	return old->file->pending || (old->file == c->file && old->run != c->run);
}

/* Two documents that are told apart by their UNIDs, or stand in one file, name two
 * persons. Without UNIDs the later file's is what the earlier one's has become. */
static bool are_two(const struct compile *c, const struct document *old,
                    const struct document *document)
{
	return is_user(document) &&
	       (old->file == c->file || !((old->flags | document->flags) & DOCUMENT_MADE_UNID));
}

static void warn_namesake(struct compile *c, const struct form *form, const struct document *old)
{
	compile_warn(c, c->line, "the same %s is that of another %s document, %s:%u; both stay, and "
	             "the name is ambiguous", form->name_item, form->form, old->file->name, old->line);
}

/* All others of that form and name, same excepted. */
static STATUS meet_namesakes(struct compile *c, const struct form *form,
                             const struct document *same, struct document *document,
                             enum meeting *meeting)
{
	struct document *old = documents_named(&c->documents, &document->form_name), *next;
	bool warned = false;
	STATUS status = NOERROR;

	for (; old != NULL && status == NOERROR && *meeting != MEET_COVERED; old = next) {
		next = documents_namesake(&c->documents, old);
		if (old == same || old->kind != document->kind)
			continue;
		if (!are_two(c, old, document)) {
			status = meet(c, old, document, meeting);
		} else if (!warned && !is_stale(c, old)) {
			warn_namesake(c, form, old);
			warned = true;
		}
	}
	return status;
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
		uint32_t next = same->next_in_file, namesake = same->next_namesake;

		*same = *document;
		same->next_in_file = next;
		same->next_namesake = namesake;
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

/* It says what it said before; where it stands may have changed. */
static STATUS see_again(struct compile *c, const struct form *form, const struct note *note,
                        const struct document *document, struct document *same)
{
	uint8_t covers = document->flags & DOCUMENT_COVERS;
	struct document scratch = *same;
	STATUS status = NOERROR;

	same->run = c->run;
	if (same->line != document->line || (covers & ~same->flags) != 0) {
		same->line = document->line;
		same->flags |= covers;
		status = index_remember(c, same);
	}
	return status == NOERROR ? index_document(c, form, note, &scratch, false) : status;
}

static STATUS place(struct compile *c, const struct form *form, const struct note *note,
                    struct note *kept, struct document *document)
{
	enum meeting meeting = MEET_NOBODY;
	struct document *same, *old = documents_find(&c->documents, &document->unid);
	STATUS status = NOERROR;

	if (old != NULL)
		status = meet(c, old, document, &meeting);
	same = meeting == MEET_SAME ? old : NULL;
	if (status == NOERROR && document->named)
		status = meet_namesakes(c, form, same, document, &meeting);
	if (status != NOERROR || meeting == MEET_COVERED)
		return status;
	if (same == NULL || memcmp(&same->digest, &document->digest, sizeof(same->digest)) != 0 ||
	    same->kind != document->kind)
		return replace(c, form, note, kept, document, same);
	return see_again(c, form, note, document, same);
}

/* Which one a broken document has been is told by its UNID, else by form and name. */
static struct document *what_it_was(struct compile *c, const struct note *note)
{
	const struct form *form = form_of(note);
	struct document *old = NULL, broken = { .kind = (uint8_t)form->kind };

	if (note->has_unid) {
		memcpy(broken.unid.octets, note->unid.octets, UNID_OCTETS);
		return documents_find(&c->documents, &broken.unid);
	}
	if (form->name_item == NULL ||
	    identify_by_name(form, note_text(note, form->name_item), &broken) != NOERROR)
		return NULL;
	old = documents_named(&c->documents, &broken.form_name);
	while (old != NULL && (old->file != c->file || old->kind != broken.kind))
		old = documents_namesake(&c->documents, old);
	return old;
}

void collect_broken(struct compile *c, const struct note *note)
{
	struct document *old = what_it_was(c, note);

	if (old == NULL && !note->has_unid)
		c->keep_unseen = true;
	if (old == NULL || old->file != c->file || old->run == c->run)
		return;
	old->run = c->run;
	compile_say(c, note->line, "what this document said before remains in force");
}

static bool is_local_file(const struct file *file)
{
	return strncmp(file->name, LOCAL_FOLDER, strlen(LOCAL_FOLDER)) == 0;
}

/* POSTIL_ERR_INVALID: told already, the document is left out. */
static STATUS check_form(struct compile *c, const struct note *note)
{
	if (text_trim(note_text(note, "Form")).n > 0)
		return NOERROR;
	compile_fault(c, note->line, "a document without a form");
	return POSTIL_ERR_INVALID;
}

STATUS collect_note(struct compile *c, const struct note *note)
{
	const struct form *form = form_of(note);
	struct document document = {
		.file = c->file, .run = c->run, .kind = (uint8_t)form->kind, .line = note->line,
	};
	struct note kept;
	STATUS status = check_form(c, note);

	c->line = note->line;
	if (form->kind == DOCUMENT_LOCAL && !is_local_file(c->file)) {
		compile_warn(c, note->line, "a LocalPerson document is passed over: such documents "
		             "count below names/" LOCAL_FOLDER " only");
		return NOERROR;
	}
	if (status == NOERROR)
		status = identify(c, form, note, &document);
	if (status == POSTIL_ERR_INVALID) {
		collect_broken(c, note);
		return NOERROR;
	}
	if (status == NOERROR)
		status = keep(form, note, &kept);
	if (status == NOERROR)
		status = digest_of(&kept, &document.digest);
	return status == NOERROR ? place(c, form, note, &kept, &document) : status;
}

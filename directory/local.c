/*
 * LocalPerson documents: items of a person that stand in a file of their own below
 * DATA/names/local/, so that an export stays as it is. The one person whose first
 * FullName is that of the document gets them: they are compiled into its record. Which
 * of the two documents was read first, has changed or has gone makes no difference.
 */
#include "directory/certificates.h"
#include "directory/compile.h"

#include "base/banned.h"

static const struct form person_form = { "Person", DOCUMENT_PERSON, "FullName" };

static bool is_living(const struct document *document, enum document_kind kind)
{
	return !(document->flags & DOCUMENT_DEAD) && document->kind == kind;
}

/* The only living document of that kind and name; NULL with *count_r 0 or 2. */
static struct document *only_one(struct compile *c, const struct document *named,
                                 enum document_kind kind, unsigned *count_r)
{
	struct document *document = documents_named(&c->documents, &named->form_name), *one = NULL;
	unsigned count = 0;

	for (; document != NULL && count < 2; document = documents_namesake(&c->documents, document))
		if (document->kind == kind) {
			one = document;
			count++;
		}
	*count_r = count;
	return count == 1 ? one : NULL;
}

/* --- the record of a person ------------------------------------------------ */

static STATUS append(struct note *note, const struct item *item)
{
	return note_add(note, slice_of(item->name), item->type, item->flags, item->values,
	                item->count) == NULL ? POSTIL_ERR_MEMORY : NOERROR;
}

/* Form and FullName say whose they are; all else stands in place of the person's. */
static bool is_value(const struct item *item)
{
	return !slice_equal_nocase(slice_of(item->name), slice_of("Form")) &&
	       !slice_equal_nocase(slice_of(item->name), slice_of("FullName"));
}

/* Certificates are certificates, whatever their item is called. */
static bool stands_in_place(const struct note *local, const struct item *item)
{
	bool certificates = certificates_are_in(item->name);

	for (const struct item *other = local->first; other != NULL; other = other->next)
		if (is_value(other) && (slice_equal_nocase(slice_of(other->name), slice_of(item->name)) ||
		                        (certificates && certificates_are_in(other->name))))
			return true;
	return false;
}

static STATUS merge(const struct note *person, const struct note *local, struct note *merged)
{
	STATUS status = NOERROR;

	for (const struct item *item = person->first; item != NULL && status == NOERROR; item = item->next)
		if (!stands_in_place(local, item))
			status = append(merged, item);
	for (const struct item *item = local->first; item != NULL && status == NOERROR; item = item->next)
		if (is_value(item))
			status = append(merged, item);
	return status;
}

/* The person's note as it stands, with what the other document says, if there is one. */
static STATUS read_merged(struct compile *c, const struct document *person,
                          const struct document *local, struct arena *arena,
                          struct note *merged_r)
{
	struct note own, other;
	STATUS status = nsf_note_get(c->nsf, person->note_id, arena, &own);

	if (status == NOERROR && local != NULL)
		status = nsf_note_get(c->nsf, local->note_id, arena, &other);
	if (status != NOERROR)
		return status == POSTIL_ERR_DELETED ? POSTIL_ERR_DAMAGED : status;
	if (local == NULL) {
		*merged_r = own;
		return NOERROR;
	}
	note_init(merged_r, arena);
	merged_r->line = person->line;
	return merge(&own, &other, merged_r);
}

static STATUS index_again(struct compile *c, struct document *person,
                          const struct document *local)
{
	struct arena arena = ARENA_INIT;
	struct note merged;
	STATUS status = read_merged(c, person, local, &arena, &merged);

	if (status == NOERROR && (person->flags & DOCUMENT_NEW))
		status = entries_flush(&c->entries, c->nsf);
	if (status == NOERROR)
		status = nsf_view_delete_note(c->nsf, person->note_id);
	if (status == NOERROR) {
		c->quiet = true;        /* both documents have been read before */
		status = index_document(c, &person_form, &merged, person, true);
		c->quiet = false;
	}
	person->flags |= DOCUMENT_NEW;
	arena_release(&arena);
	return status;
}

/* local NULL: the person's own items count again. */
static STATUS settle_person(struct compile *c, struct document *person,
                            const struct document *local)
{
	c->documents_changed = true;
	person->flags &= (uint8_t)~DOCUMENT_LOCALIZED;
	if (local != NULL)
		person->flags |= DOCUMENT_LOCALIZED;
	return c->nsf == NULL ? NOERROR : index_again(c, person, local);
}

/* --- one by one ------------------------------------------------------------ */

static void tell_unused(struct compile *c, const struct document *local, unsigned persons)
{
	c->file = local->file;
	compile_warn(c, local->line, "%s; this LocalPerson document has no effect", persons == 0
	             ? "no Person document has this first FullName"
	             : "more than one Person document has this first FullName");
}

static STATUS set_in_force(struct compile *c, struct document *local, bool in_force)
{
	if (((local->flags & DOCUMENT_LOCALIZED) != 0) == in_force)
		return NOERROR;
	local->flags ^= DOCUMENT_LOCALIZED;
	c->documents_changed = true;
	return index_remember(c, local);
}

static STATUS apply_local(struct compile *c, struct document *local)
{
	unsigned persons;
	struct document *person = only_one(c, local, DOCUMENT_PERSON, &persons);
	STATUS status = NOERROR;

	if (person == NULL && (local->flags & (DOCUMENT_NEW | DOCUMENT_LOCALIZED)))
		tell_unused(c, local, persons);
	if (person != NULL && ((local->flags & DOCUMENT_NEW) || !(person->flags & DOCUMENT_LOCALIZED)))
		status = settle_person(c, person, local);
	return status == NOERROR ? set_in_force(c, local, person != NULL) : status;
}

/* A person that has had local items: is there still a document that gives them? */
static STATUS check_person(struct compile *c, struct document *person)
{
	unsigned persons, locals;

	if (only_one(c, person, DOCUMENT_PERSON, &persons) != NULL &&
	    only_one(c, person, DOCUMENT_LOCAL, &locals) != NULL)
		return NOERROR;
	return settle_person(c, person, NULL);
}

STATUS local_apply(struct compile *c)
{
	STATUS status = NOERROR;

	for (uint32_t i = 0; i < c->documents.count && status == NOERROR; i++) {
		struct document *document = &c->documents.list[i];

		if (is_living(document, DOCUMENT_LOCAL))
			status = apply_local(c, document);
		else if (is_living(document, DOCUMENT_PERSON) && (document->flags & DOCUMENT_LOCALIZED))
			status = check_person(c, document);
	}
	return status;
}

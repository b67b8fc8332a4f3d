/* A directory in memory. Every question looks at every document. */
#include "tests/support/source_memory.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypt.h"
#include "base/name.h"
#include "base/soundex.h"
#include "base/text.h"
#include "directory/certificates.h"
#include "directory/private.h"
#include "directory/settings.h"

struct document {
	struct document *next;
	struct arena arena;
	struct note note;
	const char *file;
};

struct memory {
	struct directory_source base;
	pthread_mutex_t mutex;          /* over everything below */
	struct document *first, **last;
	uint64_t generation;
	STATUS failure;
	unsigned questions, unids, change_in;
	char *change;
};

/* --- documents ----------------------------------------------------------------- */

static STATUS copy_note(struct document *document, const struct note *from)
{
	struct note *note = &document->note;

	note_init(note, &document->arena);
	note->has_unid = from->has_unid;
	note->unid = from->unid;
	for (const struct item *item = from->first; item != NULL; item = item->next)
		if (note_add(note, slice_of(item->name), item->type, item->flags, item->values,
		             item->count) == NULL)
			return POSTIL_ERR_MEMORY;
	return NOERROR;
}

static void document_free(struct document *document)
{
	arena_release(&document->arena);
	free(document);
}

static STATUS put_unlocked(struct memory *m, const struct note *note, const char *file)
{
	struct document *document = calloc(1, sizeof(*document));

	if (document == NULL)
		return POSTIL_ERR_MEMORY;
	arena_init(&document->arena);
	if (copy_note(document, note) != NOERROR ||
	    (document->file = arena_strdup(&document->arena, file)) == NULL) {
		document_free(document);
		return POSTIL_ERR_MEMORY;
	}
	m->unids++;
	if (!document->note.has_unid) {
		document->note.has_unid = true;
		document->note.unid.octets[14] = (uint8_t)(m->unids >> 8);
		document->note.unid.octets[15] = (uint8_t)m->unids;
	}
	*m->last = document;
	m->last = &document->next;
	m->generation++;
	return NOERROR;
}

STATUS source_memory_put(struct directory_source *source, const struct note *note,
                         const char *file)
{
	struct memory *m = (struct memory *)source;
	STATUS status;

	pthread_mutex_lock(&m->mutex);
	status = put_unlocked(m, note, file);
	pthread_mutex_unlock(&m->mutex);
	return status;
}

/* What stands before c; s becomes what stands behind it. */
static struct slice cut(struct slice *s, char c)
{
	const char *at = s->n == 0 ? NULL : memchr(s->p, c, s->n);
	struct slice before = { s->p, at == NULL ? s->n : (size_t)(at - s->p) };
	size_t skip = before.n + (at != NULL);

	s->p += skip;
	s->n -= skip;
	return before;
}

static bool add_item(struct note *note, struct slice text)
{
	struct slice name = cut(&text, '='), values[64];
	size_t count = 0;

	while (count < sizeof(values) / sizeof(*values) && (text.n > 0 || count == 0))
		values[count++] = cut(&text, ';');
	return note_add(note, name, count == 1 ? ITEM_TEXT : ITEM_TEXT_LIST, ITEM_SUMMARY, values,
	                count) != NULL;
}

static STATUS write_unlocked(struct memory *m, const char *text)
{
	struct slice rest = slice_of(text);
	STATUS status = NOERROR;

	while (rest.n > 0 && status == NOERROR) {
		struct slice line = cut(&rest, '\n');
		struct arena arena = ARENA_INIT;
		struct note note;

		note_init(&note, &arena);
		while (line.n > 0 && status == NOERROR)
			status = add_item(&note, cut(&line, '|')) ? NOERROR : POSTIL_ERR_MEMORY;
		if (status == NOERROR && note.first != NULL)
			status = put_unlocked(m, &note, "memory.dxl");
		arena_release(&arena);
	}
	return status;
}

STATUS source_memory_write(struct directory_source *source, const char *text)
{
	struct memory *m = (struct memory *)source;
	STATUS status;

	pthread_mutex_lock(&m->mutex);
	status = write_unlocked(m, text);
	pthread_mutex_unlock(&m->mutex);
	return status;
}

static void clear_unlocked(struct memory *m)
{
	struct document *next;

	for (struct document *d = m->first; d != NULL; d = next) {
		next = d->next;
		document_free(d);
	}
	m->first = NULL;
	m->last = &m->first;
	m->generation++;
}

void source_memory_clear(struct directory_source *source)
{
	struct memory *m = (struct memory *)source;

	pthread_mutex_lock(&m->mutex);
	clear_unlocked(m);
	pthread_mutex_unlock(&m->mutex);
}

/* --- questions ------------------------------------------------------------------ */

void source_memory_fail(struct directory_source *source, STATUS status)
{
	struct memory *m = (struct memory *)source;

	pthread_mutex_lock(&m->mutex);
	m->failure = status;
	pthread_mutex_unlock(&m->mutex);
}

unsigned source_memory_questions(const struct directory_source *source)
{
	return ((const struct memory *)source)->questions;
}

void source_memory_change_at(struct directory_source *source, unsigned n, const char *text)
{
	struct memory *m = (struct memory *)source;

	pthread_mutex_lock(&m->mutex);
	m->change_in = n;
	free(m->change);
	m->change = strdup(text);
	pthread_mutex_unlock(&m->mutex);
}

/* A question begins: the mutex is held until it has been answered. */
static STATUS ask(struct memory *m)
{
	pthread_mutex_lock(&m->mutex);
	m->questions++;
	if (m->change_in > 0 && --m->change_in == 0)
		write_unlocked(m, m->change);
	return m->failure;
}

static STATUS answer(struct memory *m, STATUS status)
{
	pthread_mutex_unlock(&m->mutex);
	return status;
}

static bool is_form(const struct document *d, const char *form)
{
	return slice_equal_nocase(text_trim(note_text(&d->note, "Form")), slice_of(form));
}

static bool is_key(struct slice name, struct slice key)
{
	struct buf own = BUF_INIT;
	bool equal = directory_key(name, &own) == NOERROR && slice_equal(buf_slice(&own), key);

	buf_release(&own);
	return equal;
}

static bool is_common_key(struct slice name, struct slice key)
{
	struct buf common = BUF_INIT;
	bool equal = name_is_hierarchical(name) && name_common(name, &common) == NOERROR &&
	             is_key(buf_slice(&common), key);

	buf_release(&common);
	return equal;
}

static bool has_value(const struct document *d, const char *name, struct slice key)
{
	const struct item *item = note_find(&d->note, name);

	for (size_t i = 0; item != NULL && i < item->count; i++)
		if (is_key(item->values[i], key))
			return true;
	return false;
}

/* FullName, ServerName: also by its common name. */
static bool has_name(const struct document *d, const char *name, struct slice key)
{
	const struct item *item = note_find(&d->note, name);

	for (size_t i = 0; item != NULL && i < item->count; i++)
		if (is_common_key(item->values[i], key))
			return true;
	return has_value(d, name, key);
}

static bool is_user(const struct document *d)
{
	return is_form(d, "Person") || is_form(d, "Database");
}

static bool user_has_key(const struct document *d, struct slice key, bool more)
{
	static const char *const more_items[] = { "ShortName", "FirstName", "LastName" };
	char code[SOUNDEX_OCTETS + 1];

	if (has_name(d, "FullName", key) || is_key(setting_text(&d->note, SET_INTERNET_ADDRESS), key))
		return true;
	for (size_t i = 0; more && i < sizeof(more_items) / sizeof(*more_items); i++)
		if (has_value(d, more_items[i], key))
			return true;
	return more && soundex(note_text(&d->note, "LastName"), code) && is_key(slice_of(code), key);
}

static struct slice keep(struct arena *arena, struct slice s)
{
	return (struct slice){ arena_strndup(arena, s.p, s.n), s.n };
}

static struct slice keep_name(struct arena *arena, struct slice name)
{
	struct buf canonical = BUF_INIT;
	struct slice kept = { "", 0 };

	if (name.n > 0 && name_canonicalize(name, &canonical) == NOERROR)
		kept = keep(arena, buf_slice(&canonical));
	buf_release(&canonical);
	return kept;
}

static STATUS read_person(const struct document *d, struct arena *arena, struct person *person_r)
{
	const struct item *item = setting_item(&d->note, SET_HTTP_PASSWORD);
	struct person p = { .unid = d->note.unid };
	struct slice *passwords = arena_alloc(arena, (DIRECTORY_PASSWORDS_MAX + 1) * sizeof(*passwords));

	if (passwords == NULL)
		return POSTIL_ERR_MEMORY;
	p.name = keep_name(arena, setting_text(&d->note, SET_FULL_NAME));
	p.alternate_name = keep_name(arena, setting_text(&d->note, SET_ALTERNATE_NAME));
	p.internet_address = keep(arena, setting_text(&d->note, SET_INTERNET_ADDRESS));
	p.mail_server = keep_name(arena, setting_text(&d->note, SET_MAIL_SERVER));
	p.mail_file = keep(arena, setting_text(&d->note, SET_MAIL_FILE));
	p.forward = keep(arena, setting_text(&d->note, SET_FORWARD));
	p.passwords = passwords;
	for (size_t i = 0; item != NULL && i < item->count; i++) {
		struct slice value = text_trim(item->values[i]);

		if (value.n > 0 && p.password_count < DIRECTORY_PASSWORDS_MAX && is_form(d, "Person"))
			passwords[p.password_count++] = keep(arena, value);
	}
	*person_r = p;
	return NOERROR;
}

static STATUS memory_users(struct directory_source *source, struct slice key, bool more,
                           struct arena *arena,
                           STATUS (*each)(void *context, enum directory_user_kind kind,
                                          const struct person *person), void *context)
{
	struct memory *m = (struct memory *)source;
	STATUS status = ask(m);

	for (const struct document *d = m->first; d != NULL && status == NOERROR; d = d->next) {
		struct person person;

		if (!is_user(d) || !user_has_key(d, key, more))
			continue;
		status = read_person(d, arena, &person);
		if (status == NOERROR)
			status = each(context, is_form(d, "Person") ? DIRECTORY_PERSON : DIRECTORY_MAILIN,
			              &person);
	}
	return answer(m, status);
}

static STATUS read_certificates(const struct document *d, struct arena *arena,
                                struct person *person)
{
	struct certificates found;
	struct slice *list = arena_alloc(arena, DIRECTORY_CERTIFICATES_MAX * sizeof(*list));
	STATUS status = list == NULL ? POSTIL_ERR_MEMORY
	                : certificates_read(&d->note, arena, &found);

	for (size_t i = 0; status == NOERROR && i < found.count; i++)
		status = arena_copy(arena, found.list[i], &list[i]);
	if (status == NOERROR) {
		person->certificates = list;
		person->certificate_count = found.count;
	}
	return status;
}

static STATUS memory_persons(struct directory_source *source, struct slice key,
                             enum directory_by by, struct arena *arena,
                             STATUS (*each)(void *context, enum directory_user_kind kind,
                                            const struct person *person), void *context)
{
	struct memory *m = (struct memory *)source;
	STATUS status = ask(m);

	for (const struct document *d = m->first; d != NULL && status == NOERROR; d = d->next) {
		struct person person;

		if (!is_form(d, "Person") ||
		    !(by == DIRECTORY_BY_FULL_NAME ? has_value(d, "FullName", key)
		      : by == DIRECTORY_BY_SHORT_NAME ? has_value(d, "ShortName", key)
		      : is_key(setting_text(&d->note, SET_INTERNET_ADDRESS), key)))
			continue;
		status = read_person(d, arena, &person);
		if (status == NOERROR)
			status = read_certificates(d, arena, &person);
		if (status == NOERROR)
			status = each(context, DIRECTORY_PERSON, &person);
	}
	return answer(m, status);
}

static STATUS memory_groups_of(struct directory_source *source, struct slice key,
                               STATUS (*each)(void *context, const struct directory_group *group),
                               void *context)
{
	struct memory *m = (struct memory *)source;
	STATUS status = ask(m);

	for (const struct document *d = m->first; d != NULL && status == NOERROR; d = d->next) {
		struct directory_group group = { .name = setting_text(&d->note, SET_GROUP_NAME) };
		struct buf own = BUF_INIT;

		if (is_form(d, "Group") && has_value(d, "Members", key) &&
		    directory_key(group.name, &own) == NOERROR) {
			group.key = buf_slice(&own);
			group.type = setting_group_type(&d->note);
			status = each(context, &group);
		}
		buf_release(&own);
	}
	return answer(m, status);
}

static STATUS memory_documents(struct directory_source *source, const char *form,
                               STATUS (*each)(void *context, const struct note *note,
                                              const char *file), void *context)
{
	struct memory *m = (struct memory *)source;
	STATUS status = ask(m);

	for (const struct document *d = m->first; d != NULL && status == NOERROR; d = d->next)
		if (is_form(d, form))
			status = each(context, &d->note, d->file);
	return answer(m, status);
}

static bool document_has_key(const struct document *d, struct slice key)
{
	return (is_user(d) && user_has_key(d, key, false)) ||
	       (is_form(d, "Server") && has_name(d, "ServerName", key)) ||
	       (is_form(d, "Group") && (has_name(d, "ListName", key) ||
	                               is_key(setting_text(&d->note, SET_GROUP_ADDRESS), key)));
}

static STATUS memory_named(struct directory_source *source, struct slice key,
                           STATUS (*each)(void *context, const struct note *note,
                                          const char *file), void *context)
{
	struct memory *m = (struct memory *)source;
	STATUS status = ask(m);

	for (const struct document *d = m->first; d != NULL && status == NOERROR; d = d->next)
		if (document_has_key(d, key))
			status = each(context, &d->note, d->file);
	return answer(m, status);
}

static uint64_t memory_generation(struct directory_source *source)
{
	struct memory *m = (struct memory *)source;
	uint64_t generation;

	pthread_mutex_lock(&m->mutex);
	generation = m->generation;
	pthread_mutex_unlock(&m->mutex);
	return generation;
}

static uint32_t memory_costliest_rounds(struct directory_source *source)
{
	struct memory *m = (struct memory *)source;
	uint32_t most = 0;

	pthread_mutex_lock(&m->mutex);
	for (const struct document *d = m->first; d != NULL; d = d->next) {
		const struct item *item = note_find(&d->note, "HTTPPassword");
		uint32_t rounds;

		for (size_t i = 0; is_form(d, "Person") && item != NULL && i < item->count; i++)
			if (inetpass_kind(text_trim(item->values[i]), &rounds) == INETPASS_V3 &&
			    rounds > most)
				most = rounds;
	}
	pthread_mutex_unlock(&m->mutex);
	return most;
}

static void memory_shrink(struct directory_source *source)
{
}

static void memory_close(struct directory_source **source)
{
	struct memory *m = (struct memory *)*source;

	if (m == NULL)
		return;
	clear_unlocked(m);
	free(m->change);
	pthread_mutex_destroy(&m->mutex);
	free(m);
	*source = NULL;
}

static const struct directory_source_calls memory_calls = {
	.version = 3,
	.name = "memory",
	.users = memory_users,
	.persons = memory_persons,
	.groups_of = memory_groups_of,
	.documents = memory_documents,
	.named = memory_named,
	.generation = memory_generation,
	.costliest_rounds = memory_costliest_rounds,
	.shrink = memory_shrink,
	.close = memory_close,
};

STATUS source_memory_new(struct directory_source **source_r)
{
	struct memory *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return POSTIL_ERR_MEMORY;
	m->base.calls = &memory_calls;
	m->last = &m->first;
	m->generation = 1;
	pthread_mutex_init(&m->mutex, NULL);
	*source_r = &m->base;
	return NOERROR;
}

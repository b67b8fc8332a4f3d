/*
 * What a login name, a recipient or a server's name comes to, above any source.
 * Names are distrusted; sources are trusted to keep their contract.
 */
#include "directory/directory.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "directory/private.h"
#include "directory/settings.h"

#include "base/banned.h"

struct directory {
	struct directory_source *source;
};

STATUS directory_new(struct directory_source *source, struct directory **dir_r)
{
	struct directory *dir = calloc(1, sizeof(*dir));

	if (dir == NULL) {
		source->calls->close(&source);
		return POSTIL_ERR_MEMORY;
	}
	dir->source = source;
	*dir_r = dir;
	return NOERROR;
}

STATUS directory_open(const char *data_dir, struct directory **dir_r, struct fault *fault)
{
	struct directory_source *source;
	STATUS status = directory_source_compiled(data_dir, &source, fault);

	if (status != NOERROR)
		return status;
	status = directory_new(source, dir_r);
	return status == NOERROR ? status : fault_set(fault, status, "%s", status_text(status));
}

void directory_close(struct directory **dir)
{
	if (*dir == NULL)
		return;
	(*dir)->source->calls->close(&(*dir)->source);
	free(*dir);
	*dir = NULL;
}

struct directory_source *directory_source(struct directory *dir)
{
	return dir->source;
}

void directory_shrink(struct directory *dir)
{
	dir->source->calls->shrink(dir->source);
}

uint64_t directory_generation(struct directory *dir)
{
	return dir->source->calls->generation(dir->source);
}

uint32_t directory_costliest_rounds(struct directory *dir)
{
	return dir->source->calls->costliest_rounds(dir->source);
}

/* --- persons --------------------------------------------------------------- */

struct matches {
	struct arena *arena;
	struct person *persons;
	size_t count, room, most;
	bool mailin_too;
};

static STATUS make_room(struct matches *m)
{
	size_t room = m->room == 0 ? 1 : 4 * m->room;
	struct person *persons = arena_alloc(m->arena, room * sizeof(*persons));

	if (persons == NULL)
		return POSTIL_ERR_MEMORY;
	if (m->count > 0)
		memcpy(persons, m->persons, m->count * sizeof(*persons));
	m->persons = persons;
	m->room = room;
	return NOERROR;
}

static STATUS add_match(void *context, enum directory_user_kind kind,
                        const struct person *person)
{
	struct matches *m = context;
	STATUS status = NOERROR;

	if (kind != DIRECTORY_PERSON && !m->mailin_too)
		return NOERROR;
	if (m->count == m->most)
		return POSTIL_ERR_AMBIGUOUS;
	if (m->count == m->room)
		status = make_room(m);
	if (status == NOERROR)
		m->persons[m->count++] = *person;
	return status;
}

static STATUS find_users(struct directory *dir, struct slice name, bool more, struct matches *m)
{
	struct buf key = BUF_INIT;
	STATUS status = directory_key(name, &key);

	if (status == NOERROR)
		status = dir->source->calls->users(dir->source, buf_slice(&key), more, m->arena,
		                                   add_match, m);
	buf_release(&key);
	return status;
}

STATUS directory_find_login(struct directory *dir, struct slice login, bool more, size_t most,
                            struct arena *arena, const struct person **persons_r,
                            size_t *count_r)
{
	struct matches m = { .arena = arena };
	STATUS status;

	m.most = most < 1 ? 1 : most > DIRECTORY_MATCHES_MAX ? DIRECTORY_MATCHES_MAX : most;
	status = find_users(dir, login, more, &m);
	if (status == NOERROR) {
		*persons_r = m.persons;
		*count_r = m.count;
	}
	return status;
}

STATUS directory_find_recipient(struct directory *dir, struct slice recipient,
                                struct arena *arena, const struct person **person_r)
{
	struct matches m = { .arena = arena, .most = 1, .mailin_too = true };
	STATUS status = find_users(dir, recipient, false, &m);

	if (status == NOERROR && m.count == 0)
		status = POSTIL_ERR_NOT_FOUND;
	if (status == NOERROR)
		*person_r = m.persons;
	return status;
}

static STATUS find_persons(struct directory *dir, struct slice name, enum directory_by by,
                           struct matches *m)
{
	struct buf key = BUF_INIT;
	STATUS status = directory_key(name, &key);

	if (status == NOERROR)
		status = dir->source->calls->persons(dir->source, buf_slice(&key), by, m->arena,
		                                     add_match, m);
	buf_release(&key);
	return status;
}

STATUS directory_find_short_name(struct directory *dir, struct slice name, struct arena *arena,
                                 const struct person **person_r)
{
	struct matches m = { .arena = arena, .most = 1 };
	STATUS status = find_persons(dir, name, DIRECTORY_BY_SHORT_NAME, &m);

	if (status == NOERROR && m.count == 0)
		status = POSTIL_ERR_NOT_FOUND;
	if (status == NOERROR)
		*person_r = m.persons;
	return status;
}

/* --- whose certificate ------------------------------------------------------ */

STATUS directory_find_subject(struct directory *dir, struct slice name, struct arena *arena,
                              const struct person **persons_r, size_t *count_r)
{
	struct matches m = { .arena = arena, .most = DIRECTORY_MATCHES_MAX };
	STATUS status = find_persons(dir, name, DIRECTORY_BY_FULL_NAME, &m);

	if (status == NOERROR) {
		*persons_r = m.persons;
		*count_r = m.count;
	}
	return status;
}

static bool fold_equal(struct slice a, struct slice b)
{
	struct buf x = BUF_INIT, y = BUF_INIT;
	bool equal = text_fold(a, &x) == NOERROR && text_fold(b, &y) == NOERROR &&
	             slice_equal(buf_slice(&x), buf_slice(&y));

	buf_release(&x);
	buf_release(&y);
	return equal;
}

/* Keys of names are made for Notes names: "cn=ann@acme.example" has that of an address. */
STATUS directory_find_address(struct directory *dir, struct slice address, struct arena *arena,
                              const struct person **persons_r, size_t *count_r)
{
	struct matches m = { .arena = arena, .most = DIRECTORY_MATCHES_MAX };
	STATUS status = find_persons(dir, address, DIRECTORY_BY_ADDRESS, &m);
	size_t kept = 0;

	if (status != NOERROR)
		return status;
	for (size_t i = 0; i < m.count; i++)
		if (fold_equal(m.persons[i].internet_address, address))
			m.persons[kept++] = m.persons[i];
	*persons_r = m.persons;
	*count_r = kept;
	return NOERROR;
}

/* --- documents ------------------------------------------------------------- */

STATUS directory_each_document(struct directory *dir, struct slice name,
                               STATUS (*each)(void *context, const struct note *note,
                                              const char *file), void *context)
{
	struct buf key = BUF_INIT;
	STATUS status = directory_key(name, &key);

	if (status == NOERROR)
		status = dir->source->calls->named(dir->source, buf_slice(&key), each, context);
	buf_release(&key);
	return status;
}

/* --- this server ----------------------------------------------------------- */

static STATUS read_pop3(const struct note *note, struct arena *arena, struct pop3_settings *s)
{
	STATUS status = arena_copy(arena, setting_text(note, SET_HOST_NAME), &s->host_name);

	s->port = setting_port(note, SET_POP3_PORT);
	s->tls_port = setting_port(note, SET_POP3_TLS_PORT);
	s->port_enabled = setting_switch(note, SET_POP3_PORT_STATUS);
	s->tls_port_enabled = setting_switch(note, SET_POP3_TLS_STATUS);
	s->name_and_password = setting_switch(note, SET_POP3_PASSWORD);
	s->tls_name_and_password = setting_switch(note, SET_POP3_TLS_PASSWORD);
	s->client_certificate = setting_switch(note, SET_POP3_TLS_CERTIFICATE);
	s->enforce_access = setting_switch(note, SET_POP3_ENFORCE_ACCESS);
	s->more_name_variations = setting_switch(note, SET_NAME_VARIATIONS);
	s->internet_sites = setting_switch(note, SET_INTERNET_SITES);
	return status == NOERROR ? tls_document_read(note, false, arena, &s->tls) : status;
}

struct server_call {
	struct arena *arena;
	struct pop3_settings *settings;
};

/* The Server document of that very name; a common name alone may stand for one. */
static STATUS take_server(void *context, const struct note *note, const char *file)
{
	struct server_call *call = context;
	struct pop3_settings *s = call->settings;

	if (!slice_equal_nocase(text_trim(note_text(note, "Form")), slice_of("Server")))
		return NOERROR;
	if (s->found)
		return POSTIL_ERR_AMBIGUOUS;
	s->found = true;
	return read_pop3(note, call->arena, s);
}

STATUS directory_pop3_settings(struct directory *dir, struct slice server,
                               struct arena *arena, struct pop3_settings *settings_r)
{
	struct pop3_settings settings = { .found = false };
	struct server_call call = { arena, &settings };
	struct arena empty = ARENA_INIT;
	struct note nothing;
	STATUS status;

	note_init(&nothing, &empty);
	status = read_pop3(&nothing, arena, &settings);
	if (status == NOERROR)
		status = directory_each_document(dir, server, take_server, &call);
	if (status == NOERROR)
		*settings_r = settings;
	return status;
}

/* --- Internet domains --------------------------------------------------------- */

struct domains_call {
	struct arena *arena;
	struct slice *list;
	size_t count, room;
};

static STATUS add_domain(struct domains_call *call, struct slice domain)
{
	if (text_trim(domain).n == 0)
		return NOERROR;
	if (call->count == call->room) {
		size_t room = call->room == 0 ? 8 : 2 * call->room;
		struct slice *list = arena_alloc(call->arena, room * sizeof(*list));

		if (list == NULL)
			return POSTIL_ERR_MEMORY;
		if (call->count > 0)
			memcpy(list, call->list, call->count * sizeof(*list));
		call->list = list;
		call->room = room;
	}
	return arena_copy(call->arena, text_trim(domain), &call->list[call->count++]);
}

static STATUS take_domain(void *context, const struct note *note, const char *file)
{
	const struct item *aliases = setting_item(note, SET_DOMAIN_ALIASES);
	struct domains_call *call = context;
	STATUS status;

	if (!slice_equal_nocase(setting_text(note, SET_DOMAIN_TYPE), SLICE_LIT("GlobalDomain")))
		return NOERROR;
	status = add_domain(call, setting_text(note, SET_DOMAIN_PRIMARY));
	for (size_t i = 0; aliases != NULL && i < aliases->count && status == NOERROR; i++)
		status = add_domain(call, aliases->values[i]);
	return status;
}

STATUS directory_internet_domains(struct directory *dir, struct arena *arena,
                                  const struct slice **domains_r, size_t *count_r)
{
	struct domains_call call = { .arena = arena };
	STATUS status = dir->source->calls->documents(dir->source, "Domain", take_domain, &call);

	if (status != NOERROR)
		return status;
	*domains_r = call.list;
	*count_r = call.count;
	return NOERROR;
}

/*
 * Gathering what is told across documents. A document may be read again in one run and
 * then counts as it was read last.
 */
#include "directory/cross.h"

#include <stdlib.h>
#include <string.h>

#include "base/name.h"
#include "base/text.h"
#include "directory/settings.h"

#include "base/banned.h"

#define TEXT_OCTETS 200         /* kept of a value, to be shown */
#define FNV_START 14695981039346656037u

/* --- lists ------------------------------------------------------------------- */

STATUS cross_new(struct slice server, struct cross **cross_r)
{
	struct cross *x = calloc(1, sizeof(*x));
	STATUS status;

	if (x == NULL)
		return POSTIL_ERR_MEMORY;
	arena_init(&x->arena);
	status = arena_copy(&x->arena, server, &x->server);
	*cross_r = x;
	if (status != NOERROR)
		cross_free(cross_r);
	return status;
}

void cross_free(struct cross **cross)
{
	struct cross *x = *cross;

	if (x == NULL)
		return;
	free(x->turns);
	free(x->names.p);
	free(x->groups.p);
	free(x->references.p);
	free(x->servers.p);
	free(x->sites.p);
	free(x->configs.p);
	arena_release(&x->arena);
	free(x);
	*cross = NULL;
}

static STATUS append(struct cross_list *list, const void *element, size_t octets)
{
	if (list->count == list->room) {
		size_t room = list->room == 0 ? 64 : 2 * list->room;
		void *p = realloc(list->p, room * octets);

		if (p == NULL)
			return POSTIL_ERR_MEMORY;
		list->p = p;
		list->room = room;
	}
	memcpy((char *)list->p + list->count++ * octets, element, octets);
	return NOERROR;
}

/* --- hashes ------------------------------------------------------------------ */

static uint64_t hash_on(uint64_t hash, struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		hash = (hash ^ (unsigned char)s.p[i]) * 1099511628211u;
	return hash;
}

uint64_t cross_hash(struct slice key)
{
	return hash_on(FNV_START, key);
}

bool cross_is_slash(struct slice key, size_t at)
{
	return key.p[at] == '/' && (at == 0 || key.p[at - 1] != '$');
}

uint64_t cross_pattern_hash(struct slice key, size_t slash)
{
	uint64_t star = hash_on(FNV_START, SLICE_LIT("*"));

	return hash_on(star, (struct slice){ key.p + slash, key.n - slash });
}

/* POSTIL_ERR_INVALID: it cannot be a name. */
static STATUS hash_name(struct slice name, uint64_t *hash_r)
{
	struct buf key = BUF_INIT;
	STATUS status = directory_key(name, &key);

	if (status == NOERROR)
		*hash_r = cross_hash(buf_slice(&key));
	buf_release(&key);
	return status;
}

/* --- one document --------------------------------------------------------------- */

struct adding {
	struct cross *x;
	const struct note *note;
	struct cross_place place;       /* of the document */
	struct slice key;               /* of its first name */
};

static STATUS add_name(const struct adding *a, enum cross_kind kind, uint64_t key)
{
	struct cross_name name = { key, kind, a->place };

	return append(&a->x->names, &name, sizeof(name));
}

/* The first of its names is of that kind, the others are aliases. */
static STATUS add_names(const struct adding *a, const struct keys *keys, enum cross_kind kind)
{
	STATUS status = NOERROR;

	for (size_t i = 0; i < keys->count && status == NOERROR; i++)
		if (!keys->list[i].more)
			status = add_name(a, i == 0 ? kind : CROSS_ALIAS, cross_hash((struct slice){
			                  keys->text.p + keys->list[i].at, keys->list[i].n }));
	return status;
}

static STATUS add_patterns(const struct adding *a)
{
	STATUS status = NOERROR;

	for (size_t i = 0; i < a->key.n && status == NOERROR; i++)
		if (cross_is_slash(a->key, i))
			status = add_name(a, CROSS_PATTERN, cross_pattern_hash(a->key, i));
	return status;
}

static STATUS copy_text(struct cross *x, struct slice s, struct slice *copy_r)
{
	s = text_trim(s);
	if (s.n > TEXT_OCTETS)
		s.n = TEXT_OCTETS;
	return arena_copy(&x->arena, s, copy_r);
}

static STATUS add_reference(const struct adding *a, enum cross_item item, int type,
                            const struct item *of, struct slice value)
{
	struct cross_reference reference = { .item = item, .type = type, .place = a->place };
	STATUS status;

	value = text_trim(value);
	if (value.n == 0)
		return NOERROR;
	status = hash_name(value, &reference.key);
	if (status == POSTIL_ERR_INVALID)
		return NOERROR;         /* told when it was indexed */
	if (of->line != 0)
		reference.place.line = of->line;
	if (status == NOERROR)
		status = copy_text(a->x, value, &reference.text);
	if (status == NOERROR)
		status = append(&a->x->references, &reference, sizeof(reference));
	return status;
}

static STATUS add_references(const struct adding *a, enum cross_item item, int type,
                             enum setting which)
{
	const struct item *of = setting_item(a->note, which);
	STATUS status = NOERROR;

	for (size_t i = 0; of != NULL && i < of->count && status == NOERROR; i++)
		status = add_reference(a, item, type, of, of->values[i]);
	return status;
}

static STATUS add_person(const struct adding *a, const struct keys *keys)
{
	struct slice alternate = setting_text(a->note, SET_ALTERNATE_NAME);
	const struct item *mail_server = setting_item(a->note, SET_MAIL_SERVER);
	uint64_t key;
	STATUS status = add_names(a, keys, CROSS_PERSON);

	if (status == NOERROR)
		status = add_patterns(a);
	if (status == NOERROR && alternate.n > 0 && hash_name(alternate, &key) == NOERROR)
		status = add_name(a, CROSS_PERSON, key);
	if (status == NOERROR && a->x->server.n > 0 && mail_server != NULL &&
	    !name_equal(setting_text(a->note, SET_MAIL_SERVER), a->x->server))
		status = add_reference(a, CROSS_MAIL, 0, mail_server,
		                       setting_text(a->note, SET_MAIL_SERVER));
	return status;
}

static STATUS add_group(const struct adding *a, const struct keys *keys)
{
	struct cross_group group = {
		.key = cross_hash(a->key), .type = setting_group_type(a->note), .place = a->place,
	};
	STATUS status = add_names(a, keys, CROSS_GROUP);

	if (status == NOERROR)
		status = copy_text(a->x, setting_text(a->note, SET_GROUP_NAME), &group.name);
	if (status == NOERROR)
		status = append(&a->x->groups, &group, sizeof(group));
	return status == NOERROR ? add_references(a, CROSS_MEMBERS, group.type, SET_GROUP_MEMBERS)
	       : status;
}

static STATUS add_server(const struct adding *a, const struct keys *keys)
{
	struct cross_server server = {
		.place = a->place,
		.tls_port = setting_switch(a->note, SET_POP3_TLS_STATUS),
		.internet_sites = setting_switch(a->note, SET_INTERNET_SITES),
		.tls = { setting_switch(a->note, SET_POP3_TLS_PASSWORD),
		         setting_switch(a->note, SET_POP3_TLS_CERTIFICATE),
		         setting_switch(a->note, SET_TLS_STLS) },
	};
	struct buf organization = BUF_INIT, folded = BUF_INIT;
	STATUS status = add_names(a, keys, CROSS_SERVER);

	if (status == NOERROR)
		status = add_patterns(a);
	if (status == NOERROR)
		status = arena_copy(&a->x->arena, a->key, &server.key);
	if (status == NOERROR)
		status = copy_text(a->x, setting_text(a->note, SET_SERVER_NAME), &server.name);
	if (status == NOERROR)
		status = append(&a->x->servers, &server, sizeof(server));
	if (status == NOERROR)
		status = name_organization(setting_text(a->note, SET_SERVER_NAME), &organization);
	if (status == NOERROR && text_fold(buf_slice(&organization), &folded) == NOERROR)
		status = add_name(a, CROSS_ORGANIZATION, cross_hash(buf_slice(&folded)));
	if (status == NOERROR)
		status = add_references(a, CROSS_ALLOW, 0, SET_ALLOW_ACCESS);
	if (status == NOERROR)
		status = add_references(a, CROSS_DENY, 0, SET_DENY_ACCESS);
	buf_release(&organization);
	buf_release(&folded);
	return status;
}

static STATUS take_hosts(const struct adding *a, struct cross_site *site)
{
	const struct item *item = setting_item(a->note, SET_SITE_HOSTS);
	size_t count = item == NULL ? 0 : item->count;
	uint64_t *hosts = arena_alloc(&a->x->arena, (count + 1) * sizeof(*hosts));

	if (hosts == NULL)
		return POSTIL_ERR_MEMORY;
	site->hosts = hosts;
	site->everywhere = item == NULL;
	for (size_t i = 0; i < count; i++) {
		if (slice_equal(text_trim(item->values[i]), SLICE_LIT("*")))
			site->everywhere = true;
		if (hash_name(item->values[i], &hosts[site->host_count]) == NOERROR)
			site->host_count++;
	}
	return NOERROR;
}

static STATUS add_site(const struct adding *a, const struct document *document)
{
	struct cross_site site = {
		.unid = document->unid, .place = a->place,
		.tls = { setting_switch(a->note, SET_SITE_TLS_PASSWORD),
		         setting_switch(a->note, SET_SITE_CERTIFICATE),
		         setting_switch(a->note, SET_SITE_TLS_STLS) },
	};
	struct slice name = setting_text(a->note, SET_SITE_NAME);
	STATUS status = copy_text(a->x, name, &site.name);

	site.addressed = setting_item(a->note, SET_SITE_ADDRESSES) != NULL;
	if (status == NOERROR)
		status = site_sort_key(&a->x->arena, name, &site.sort_key);
	if (status == NOERROR)
		status = site_organization(&a->x->arena, setting_text(a->note, SET_SITE_ORGANIZATION),
		                           &site.organization);
	if (status == NOERROR)
		status = take_hosts(a, &site);
	if (status == NOERROR)
		status = append(&a->x->sites, &site, sizeof(site));
	return status == NOERROR ? add_references(a, CROSS_HOSTS, 0, SET_SITE_HOSTS) : status;
}

static STATUS add_config(const struct adding *a, const struct document *document)
{
	struct cross_config config = {
		.unid = document->unid, .place = a->place,
		.is_default = setting_switch(a->note, SET_CONFIG_DEFAULT),
	};
	STATUS status = append(&a->x->configs, &config, sizeof(config));

	return status == NOERROR ? add_references(a, CROSS_CONFIG, 0, SET_CONFIG_SERVER) : status;
}

static STATUS next_turn(struct cross *x, uint64_t note_id)
{
	size_t room = x->turns_room;
	uint32_t *turns;

	if (note_id >= room) {
		while (note_id >= room)
			room = room == 0 ? 1024 : 2 * room;
		turns = realloc(x->turns, room * sizeof(*turns));
		if (turns == NULL)
			return POSTIL_ERR_MEMORY;
		memset(turns + x->turns_room, 0, (room - x->turns_room) * sizeof(*turns));
		x->turns = turns;
		x->turns_room = room;
	}
	x->turns[note_id] = ++x->turn;
	return NOERROR;
}

STATUS cross_add(struct compile *c, const struct form *form, const struct note *note,
                 const struct document *document)
{
	struct adding a = { .x = c->cross, .note = note };
	STATUS status = next_turn(c->cross, document->note_id);

	if (status != NOERROR)
		return status;
	a.place = (struct cross_place){ c->file, note->line, (uint32_t)document->note_id,
	                                c->cross->turn };
	if (c->keys.count > 0)
		a.key = (struct slice){ c->keys.text.p + c->keys.list[0].at, c->keys.list[0].n };
	switch (form->kind) {
	case DOCUMENT_PERSON: return add_person(&a, &c->keys);
	case DOCUMENT_MAILIN: return add_names(&a, &c->keys, CROSS_MAILIN);
	case DOCUMENT_GROUP: return add_group(&a, &c->keys);
	case DOCUMENT_SERVER: return add_server(&a, &c->keys);
	default: break;
	}
	if (strcmp(form->form, directory_settings[SET_SITE_NAME].form) == 0)
		return add_site(&a, document);
	if (strcmp(form->form, directory_settings[SET_CONFIG_SERVER].form) == 0)
		return add_config(&a, document);
	return NOERROR;
}

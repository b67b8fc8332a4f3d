/*
 * Telling of Internet Sites and Configuration Settings that never hold, as site.c and
 * config.c choose: what is gathered is enough to tell, without a directory to ask.
 */
#include "directory/cross.h"

#include <stdlib.h>
#include <string.h>

#include "directory/access.h"

#include "base/banned.h"

/* --- sites of which one never holds ------------------------------------------------------- */

/* As site.c sorts them. */
static int site_order(const struct cross_site *a, const struct cross_site *b)
{
	size_t n = a->sort_key.n < b->sort_key.n ? a->sort_key.n : b->sort_key.n;
	int order = memcmp(a->sort_key.p, b->sort_key.p, n);

	if (order == 0)
		order = cross_order(a->sort_key.n, b->sort_key.n);
	return order != 0 ? order : memcmp(&a->unid, &b->unid, sizeof(a->unid));
}

static bool share_a_server(const struct cross_site *a, const struct cross_site *b)
{
	if (a->everywhere || b->everywhere)
		return true;
	for (size_t i = 0; i < a->host_count; i++)
		for (size_t j = 0; j < b->host_count; j++)
			if (a->hosts[i] == b->hosts[j])
				return true;
	return false;
}

/* The first one that holds where this one does not; NULL: there is none. */
static const struct cross_site *site_before(const struct cross *x, const struct cross_site *site)
{
	const struct cross_site *before = NULL;

	for (size_t i = 0; i < x->sites.count && i < CROSS_SITES_MAX; i++) {
		const struct cross_site *other = CROSS_AT(&x->sites, struct cross_site, i);

		if (other != site && slice_equal(other->organization, site->organization) &&
		    site_order(other, site) < 0 && share_a_server(other, site) &&
		    (before == NULL || site_order(other, before) < 0))
			before = other;
	}
	return before;
}

void cross_tell_sites(struct compile *c)
{
	const struct cross *x = c->cross;

	for (size_t i = 0; i < x->sites.count && i < CROSS_SITES_MAX; i++) {
		const struct cross_site *site = CROSS_AT(&x->sites, struct cross_site, i);
		const struct cross_site *before = site_before(x, site);

		if (before != NULL)
			CROSS_WARN(c, &site->place, "the site %s does not hold where the site %s, %s:%u, is hosted: "
			           "of one organization it is the first by name", cross_shown(site->name),
			           cross_shown(before->name), before->place.file->name, (unsigned)before->place.line);
		if (!site->addressed && x->servers.count > 0 &&
		    !(cross_kinds(x, cross_hash(site->organization), 0, NULL) & CROSS_ORGANIZATION))
			CROSS_WARN(c, &site->place, "the site %s has no addresses, and its organization %s is that "
			           "of no server: no connection comes to it", cross_shown(site->name),
			           cross_shown(site->organization));
	}
	compile_end_warnings(c, "", "sites");
}

/* --- equally near Configuration Settings ---------------------------------------------------- */

enum near { NEAR_NOT, NEAR_DEFAULT, NEAR_GROUP, NEAR_SERVER };

/* What a server goes by: its name, the patterns it is under, its groups. */
struct known {
	struct known_key {
		uint64_t key;
		enum near near;
	} *list;
	size_t count, room;
};

static const struct known_key *find_known(const struct known *k, uint64_t key)
{
	for (size_t i = 0; i < k->count; i++)
		if (k->list[i].key == key)
			return &k->list[i];
	return NULL;
}

static STATUS know(struct known *k, uint64_t key, enum near near)
{
	if (k->count >= NAMES_LIST_GROUPS_MAX || find_known(k, key) != NULL)
		return NOERROR;
	if (k->count == k->room) {
		size_t room = k->room == 0 ? 16 : 2 * k->room;
		struct known_key *list = realloc(k->list, room * sizeof(*list));

		if (list == NULL)
			return POSTIL_ERR_MEMORY;
		k->list = list;
		k->room = room;
	}
	k->list[k->count++] = (struct known_key){ key, near };
	return NOERROR;
}

/* members: the references of all groups, sorted by key. */
static STATUS know_groups(struct known *k, uint64_t key, const struct cross_reference *const *members,
                          size_t count, const uint64_t *group_keys)
{
	size_t low = 0, high = count;
	STATUS status = NOERROR;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (members[middle]->key < key)
			low = middle + 1;
		else
			high = middle;
	}
	for (; status == NOERROR && low < count && members[low]->key == key; low++)
		if (GROUPS_OF_SERVERS & 1u << members[low]->type)
			status = know(k, group_keys[members[low]->place.note_id], NEAR_GROUP);
	return status;
}

static STATUS know_server(struct known *k, const struct cross_server *server,
                          const struct cross_reference *const *members, size_t count,
                          const uint64_t *group_keys)
{
	STATUS status;

	k->count = 0;
	status = know(k, cross_hash(server->key), NEAR_SERVER);
	for (size_t i = 0; i < server->key.n && status == NOERROR; i++)
		if (cross_is_slash(server->key, i))
			status = know(k, cross_pattern_hash(server->key, i), NEAR_DEFAULT);
	if (status == NOERROR)
		status = know(k, cross_hash(SLICE_LIT("*")), NEAR_DEFAULT);
	for (size_t i = 0; i < k->count && status == NOERROR; i++)
		status = know_groups(k, k->list[i].key, members, count, group_keys);
	return status;
}

static enum near near_of(const struct cross *x, const struct cross_config *config,
                         const struct cross_reference *const *names, size_t count,
                         const struct known *k)
{
	enum near nearest = config->is_default ? NEAR_DEFAULT : NEAR_NOT;

	for (size_t i = 0; i < count; i++) {
		const struct known_key *known;

		if (names[i]->place.note_id != config->place.note_id)
			continue;
		known = find_known(k, names[i]->key);
		if (known != NULL && known->near > nearest)
			nearest = known->near;
	}
	return nearest;
}

/* The nearest document holds, of equally near ones that with the lowest UNID. */
static const struct cross_config *nearest_config(const struct cross *x,
                                                 const struct cross_reference *const *names,
                                                 size_t count, const struct known *k,
                                                 enum near *nearest_r)
{
	const struct cross_config *holds = NULL;

	*nearest_r = NEAR_NOT;
	for (size_t i = 0; i < x->configs.count; i++) {
		const struct cross_config *config = CROSS_AT(&x->configs, struct cross_config, i);
		enum near near = near_of(x, config, names, count, k);

		if (near == NEAR_NOT || near < *nearest_r)
			continue;
		if (near > *nearest_r || memcmp(&config->unid, &holds->unid, sizeof(config->unid)) < 0)
			holds = config;
		*nearest_r = near;
	}
	return holds;
}

static void tell_config(struct compile *c, const struct cross_server *server,
                        const struct cross_reference *const *names, size_t count,
                        const struct known *k)
{
	const struct cross *x = c->cross;
	enum near nearest;
	const struct cross_config *holds = nearest_config(x, names, count, k, &nearest);

	for (size_t i = 0; holds != NULL && i < x->configs.count; i++) {
		const struct cross_config *config = CROSS_AT(&x->configs, struct cross_config, i);

		if (config != holds && near_of(x, config, names, count, k) == nearest)
			CROSS_WARN(c, &config->place, "these Configuration Settings do not hold for the server %s: "
			           "others, %s:%u, are as near and have the lower UNID", cross_shown(server->name),
			           holds->place.file->name, (unsigned)holds->place.line);
	}
}

/* The key of the group that a note is. */
static STATUS keys_of_groups(const struct cross *x, uint64_t **keys_r)
{
	uint64_t *keys = calloc(x->turns_room + 1, sizeof(*keys));

	if (keys == NULL)
		return POSTIL_ERR_MEMORY;
	for (size_t i = 0; i < x->groups.count; i++) {
		const struct cross_group *group = CROSS_AT(&x->groups, struct cross_group, i);

		keys[group->place.note_id] = group->key;
	}
	*keys_r = keys;
	return NOERROR;
}

STATUS cross_tell_configs(struct compile *c)
{
	const struct cross *x = c->cross;
	const struct cross_reference **members = NULL, **names = NULL;
	size_t member_count = 0, name_count = 0;
	uint64_t *group_keys = NULL;
	struct known known = { .count = 0 };
	STATUS status = cross_references(x, CROSS_MEMBERS, &members, &member_count);

	if (status == NOERROR)
		status = cross_references(x, CROSS_CONFIG, &names, &name_count);
	if (status == NOERROR)
		status = keys_of_groups(x, &group_keys);
	for (size_t i = 0; status == NOERROR && x->configs.count > 1 && i < x->servers.count; i++) {
		const struct cross_server *server = CROSS_AT(&x->servers, struct cross_server, i);

		status = know_server(&known, server, members, member_count, group_keys);
		if (status == NOERROR)
			tell_config(c, server, names, name_count, &known);
	}
	free(members);
	free(names);
	free(group_keys);
	free(known.list);
	compile_end_warnings(c, "", "Configuration Settings");
	return status;
}

/*
 * POP3Site documents. They are written by people; an address that is none names no
 * organization. Host names are not looked up: an answer from outside must not decide
 * which options hold.
 */
#include "directory/site.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/name.h"
#include "base/text.h"
#include "directory/access.h"
#include "directory/private.h"
#include "directory/settings.h"

#include "base/banned.h"

#define ADDRESSES_MAX 1000              /* of one site */

struct found {
	struct pop3_site site;
	struct slice sort_key;          /* ISiteName, folded */
	struct unid unid;
	struct found *next;
};

struct search {
	struct arena *arena;
	const struct names_list *server;
	struct found *first;
	size_t count;
};

/* `*`, the server's name or a group it is in; without the item any server. */
static bool is_hosted(const struct note *note, const struct names_list *server)
{
	const struct item *item = setting_item(note, SET_SITE_HOSTS);

	for (size_t i = 0; item != NULL && i < item->count; i++)
		if (names_list_find(server, item->values[i]) != NULL)
			return true;
	return item == NULL;
}

static STATUS take_addresses(struct arena *arena, const struct note *note, struct pop3_site *site)
{
	const struct item *item = setting_item(note, SET_SITE_ADDRESSES);
	size_t count = item == NULL ? 0 : item->count < ADDRESSES_MAX ? item->count : ADDRESSES_MAX;
	struct slice *addresses = arena_alloc(arena, (count + 1) * sizeof(*addresses));
	STATUS status = addresses == NULL ? POSTIL_ERR_MEMORY : NOERROR;

	for (size_t i = 0; i < count && status == NOERROR; i++)
		status = arena_copy(arena, text_trim(item->values[i]), &addresses[i]);
	site->addresses = addresses;
	site->address_count = count;
	return status;
}

static STATUS fold(struct arena *arena, struct slice s, struct slice *folded_r)
{
	struct buf folded = BUF_INIT;
	STATUS status = text_fold(s, &folded);

	status = arena_copy(arena, status == NOERROR ? buf_slice(&folded) : s, folded_r);
	buf_release(&folded);
	return status;
}

STATUS site_sort_key(struct arena *arena, struct slice name, struct slice *key_r)
{
	return fold(arena, name, key_r);
}

STATUS site_organization(struct arena *arena, struct slice s, struct slice *organization_r)
{
	if (s.n > 0 && s.p[0] == '/')
		s = text_trim((struct slice){ s.p + 1, s.n - 1 });
	if (s.n > 2 && (s.p[0] | 0x20) == 'o' && s.p[1] == '=')
		s = text_trim((struct slice){ s.p + 2, s.n - 2 });
	return fold(arena, s, organization_r);
}

static STATUS take_site(void *context, const struct note *note, const char *file)
{
	struct search *search = context;
	struct found *found;
	STATUS status;

	if (!is_hosted(note, search->server))
		return NOERROR;
	found = arena_alloc(search->arena, sizeof(*found));
	if (found == NULL)
		return POSTIL_ERR_MEMORY;
	*found = (struct found){ .unid = note->unid, .next = search->first };
	found->site.unid = note->unid;
	status = arena_copy(search->arena, setting_text(note, SET_SITE_NAME), &found->site.name);
	if (status == NOERROR)
		status = site_sort_key(search->arena, found->site.name, &found->sort_key);
	if (status == NOERROR)
		status = site_organization(search->arena, setting_text(note, SET_SITE_ORGANIZATION),
		                           &found->site.organization);
	if (status == NOERROR)
		status = take_addresses(search->arena, note, &found->site);
	if (status == NOERROR)
		status = tls_document_read(note, true, search->arena, &found->site.tls);
	found->site.name_and_password = setting_switch(note, SET_SITE_PASSWORD);
	found->site.tls_name_and_password = setting_switch(note, SET_SITE_TLS_PASSWORD);
	found->site.client_certificate = setting_switch(note, SET_SITE_CERTIFICATE);
	search->first = found;
	search->count++;
	return status;
}

static int by_name(const void *a, const void *b)
{
	const struct found *x = *(struct found *const *)a, *y = *(struct found *const *)b;
	size_t n = x->sort_key.n < y->sort_key.n ? x->sort_key.n : y->sort_key.n;
	int order = memcmp(x->sort_key.p, y->sort_key.p, n);

	if (order == 0)
		order = (x->sort_key.n > y->sort_key.n) - (x->sort_key.n < y->sort_key.n);
	return order != 0 ? order : memcmp(x->unid.octets, y->unid.octets, UNID_OCTETS);
}

static STATUS sort_sites(const struct search *search, struct pop3_sites *sites)
{
	struct found **order = arena_alloc(search->arena, (search->count + 1) * sizeof(*order));
	struct pop3_site *list = arena_alloc(search->arena, (search->count + 1) * sizeof(*list));
	size_t n = 0;

	if (order == NULL || list == NULL)
		return POSTIL_ERR_MEMORY;
	for (struct found *found = search->first; found != NULL; found = found->next)
		order[n++] = found;
	if (n > 0)
		qsort(order, n, sizeof(*order), by_name);
	for (size_t i = 0; i < n; i++)
		list[i] = order[i]->site;
	sites->list = list;
	sites->count = n;
	return NOERROR;
}

static STATUS take_server_organization(struct slice server, struct arena *arena,
                                       struct pop3_sites *sites)
{
	struct buf organization = BUF_INIT;
	STATUS status = name_organization(server, &organization);

	if (status == NOERROR)
		status = fold(arena, buf_slice(&organization), &sites->organization);
	buf_release(&organization);
	return status;
}

STATUS directory_pop3_sites(struct directory *dir, struct slice server, struct arena *arena,
                            struct pop3_sites *sites_r)
{
	struct directory_source *source = directory_source(dir);
	struct pop3_sites sites = { .count = 0 };
	struct pop3_settings settings;
	struct names_list names;
	struct search search = { .arena = arena, .server = &names };
	STATUS status = directory_names_list(dir, server, SLICE_LIT(""), GROUPS_OF_SERVERS, arena,
	                                     &names);

	if (status == NOERROR)
		status = source->calls->documents(source, "POP3Site", take_site, &search);
	if (status == NOERROR)
		status = sort_sites(&search, &sites);
	if (status == NOERROR)
		status = take_server_organization(server, arena, &sites);
	if (status == NOERROR)
		status = directory_pop3_settings(dir, server, arena, &settings);
	if (status != NOERROR)
		return status;
	sites.host_name = settings.host_name;
	*sites_r = sites;
	return NOERROR;
}

/* --- choosing ---------------------------------------------------------------------- */

/* IPv4 as ::ffff:a.b.c.d. false: it is no numeric address. */
static bool parse_address(struct slice s, uint8_t octets[16])
{
	static const uint8_t mapped[12] = { [10] = 0xFF, [11] = 0xFF };
	char text[INET6_ADDRSTRLEN];

	if (s.n >= sizeof(text) || s.n == 0 || memchr(s.p, '\0', s.n) != NULL)
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	if (inet_pton(AF_INET, text, octets + 12) != 1)
		return inet_pton(AF_INET6, text, octets) == 1;
	memcpy(octets, mapped, sizeof(mapped));
	return true;
}

static bool has_address(const struct pop3_site *site, const uint8_t wanted[16])
{
	uint8_t own[16];

	for (size_t i = 0; i < site->address_count; i++)
		if (parse_address(site->addresses[i], own) && memcmp(own, wanted, sizeof(own)) == 0)
			return true;
	return false;
}

static bool has_host(const struct pop3_site *site, struct slice host_name)
{
	for (size_t i = 0; i < site->address_count; i++)
		if (host_name.n > 0 && slice_equal_nocase(site->addresses[i], host_name))
			return true;
	return false;
}

/* The address itself before the host's name, which stands for all of its addresses. */
static struct slice organization_at(const struct pop3_sites *sites, const char *local_address)
{
	uint8_t wanted[16];

	if (parse_address(slice_of(local_address), wanted))
		for (size_t i = 0; i < sites->count; i++)
			if (has_address(&sites->list[i], wanted))
				return sites->list[i].organization;
	for (size_t i = 0; i < sites->count; i++)
		if (has_host(&sites->list[i], sites->host_name))
			return sites->list[i].organization;
	return sites->organization;
}

const struct pop3_site *pop3_sites_choose(const struct pop3_sites *sites,
                                          const char *local_address)
{
	struct slice organization = organization_at(sites, local_address);

	for (size_t i = 0; i < sites->count; i++)
		if (slice_equal(sites->list[i].organization, organization))
			return &sites->list[i];
	return NULL;
}

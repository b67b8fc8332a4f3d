/*
 * Telling of options for TLS that come to nothing: certificates asked for where no client
 * can present one, a TLS port where nobody may log in. The options are those of the site
 * where Internet Sites are in use, the port is always that of the server.
 */
#include "directory/cross.h"

#include "base/banned.h"

/* --- without Internet Sites --------------------------------------------------------------- */

static void tell_server(struct compile *c, const struct cross_server *server)
{
	const struct cross_tls *tls = &server->tls;

	if (server->internet_sites)
		return;
	if (tls->certificate && !server->tls_port && !tls->stls)
		CROSS_WARN(c, &server->place, "the server %s asks for client certificates, but its TLS port is "
		           "disabled and STLS is not switched on: nobody can present one",
		           cross_shown(server->name));
	if (server->tls_port && !tls->certificate && !tls->password)
		CROSS_WARN(c, &server->place, "the TLS port of the server %s is enabled, but neither name and "
		           "password nor a client certificate is allowed on it: nobody can log in there",
		           cross_shown(server->name));
}

/* --- with them ----------------------------------------------------------------------------- */

/* Groups and patterns among the hosts may mean any server. */
static bool names_servers_only(const struct cross *x, const struct cross_site *site)
{
	for (size_t i = 0; i < site->host_count; i++)
		if (!(cross_kinds(x, site->hosts[i], 0, NULL) & CROSS_SERVER))
			return false;
	return true;
}

static bool may_host(const struct cross *x, const struct cross_site *site,
                     const struct cross_server *server)
{
	uint64_t key = cross_hash(server->key);

	if (!server->internet_sites)
		return false;
	for (size_t i = 0; i < site->host_count; i++)
		if (site->hosts[i] == key)
			return true;
	return site->everywhere || !names_servers_only(x, site);
}

static void tell_site(struct compile *c, const struct cross_site *site)
{
	const struct cross *x = c->cross;
	const struct cross_tls *tls = &site->tls;
	const struct cross_server *open = NULL;
	size_t hosting = 0;

	for (size_t i = 0; i < x->servers.count; i++) {
		const struct cross_server *server = CROSS_AT(&x->servers, struct cross_server, i);

		if (!may_host(x, site, server))
			continue;
		hosting++;
		if (server->tls_port && open == NULL)
			open = server;
	}
	if (tls->certificate && !tls->stls && hosting > 0 && open == NULL)
		CROSS_WARN(c, &site->place, "the site %s asks for client certificates, but the TLS port is disabled "
		           "wherever it is hosted, and STLS is not switched on: nobody can present one",
		           cross_shown(site->name));
	if (open != NULL && !tls->certificate && !tls->password)
		CROSS_WARN(c, &site->place, "the site %s allows neither name and password nor a client certificate "
		           "with TLS, but the TLS port of the server %s is enabled: nobody can log in there",
		           cross_shown(site->name), cross_shown(open->name));
}

void cross_tell_tls(struct compile *c)
{
	const struct cross *x = c->cross;

	for (size_t i = 0; i < x->servers.count; i++)
		tell_server(c, CROSS_AT(&x->servers, struct cross_server, i));
	for (size_t i = 0; i < x->sites.count && i < CROSS_SITES_MAX; i++)
		tell_site(c, CROSS_AT(&x->sites, struct cross_site, i));
	compile_end_warnings(c, "", "TLS");
}

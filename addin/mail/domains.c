/* Which Internet domains are ours. Distrusts what people write in documents and notes.ini. */
#include "addin/mail/domains.h"

#include <string.h>

#include "base/text.h"

#define DOMAIN_OCTETS_MAX 255

struct gathering {
	struct arena *arena;
	struct slice *list;
	size_t count, room;
	bool any;
};

/* As domains are compared; POSTIL_ERR_INVALID: it is none. */
static STATUS fold_domain(struct slice domain, struct buf *out)
{
	domain = text_trim(domain);
	if (domain.n > 0 && domain.p[domain.n - 1] == '.')
		domain.n--;
	if (domain.n == 0 || domain.n > DOMAIN_OCTETS_MAX || memchr(domain.p, '@', domain.n) != NULL)
		return POSTIL_ERR_INVALID;
	return text_fold(domain, out);
}

static STATUS make_room(struct gathering *g)
{
	size_t room = g->room == 0 ? 8 : 2 * g->room;
	struct slice *list = arena_alloc(g->arena, room * sizeof(*list));

	if (list == NULL)
		return POSTIL_ERR_MEMORY;
	if (g->count > 0)
		memcpy(list, g->list, g->count * sizeof(*list));
	g->list = list;
	g->room = room;
	return NOERROR;
}

static STATUS add_folded(struct gathering *g, struct slice folded)
{
	STATUS status = NOERROR;

	for (size_t i = 0; i < g->count; i++)
		if (slice_equal(g->list[i], folded))
			return NOERROR;
	if (g->count == MAIL_DOMAINS_MAX)
		return POSTIL_ERR_LIMIT;
	if (g->count == g->room)
		status = make_room(g);
	if (status == NOERROR)
		status = arena_copy(g->arena, folded, &g->list[g->count]);
	if (status == NOERROR)
		g->count++;
	return status;
}

static STATUS add(struct gathering *g, struct slice domain)
{
	struct buf folded = BUF_INIT;
	STATUS status = fold_domain(domain, &folded);

	if (status == NOERROR)
		status = add_folded(g, buf_slice(&folded));
	else if (status == POSTIL_ERR_INVALID)
		status = NOERROR;
	buf_release(&folded);
	return status;
}

static bool is_separator(char c)
{
	return c == ' ' || c == '\t' || c == ',' || c == ';';
}

static STATUS add_written(struct gathering *g, struct slice text)
{
	STATUS status = NOERROR;

	for (size_t at = 0; at < text.n && status == NOERROR;) {
		size_t end = at;

		while (end < text.n && !is_separator(text.p[end]))
			end++;
		if (end - at == 1 && text.p[at] == '*')
			g->any = true;
		else
			status = add(g, (struct slice){ text.p + at, end - at });
		at = end + 1;
	}
	return status;
}

static STATUS add_documents(struct gathering *g, struct directory *dir, struct slice server)
{
	struct arena arena = ARENA_INIT;
	struct pop3_settings settings = { .found = false };
	const struct slice *domains = NULL;
	size_t count = 0;
	STATUS status = directory_internet_domains(dir, &arena, &domains, &count);

	if (status == NOERROR && server.n > 0)
		status = directory_pop3_settings(dir, server, &arena, &settings);
	for (size_t i = 0; i < count && status == NOERROR; i++)
		status = add(g, domains[i]);
	if (status == NOERROR && settings.found)
		status = add(g, settings.host_name);
	arena_release(&arena);
	return status == POSTIL_ERR_NOEXIST ? NOERROR : status;
}

STATUS mail_domains_read(struct directory *dir, struct slice server, const struct slice *written,
                         size_t written_count, struct arena *arena, struct mail_domains *domains_r)
{
	struct gathering g = { .arena = arena };
	STATUS status = NOERROR;

	for (size_t i = 0; i < written_count && status == NOERROR; i++)
		status = add_written(&g, written[i]);
	if (status == NOERROR)
		status = add_documents(&g, dir, server);
	if (status == NOERROR)
		*domains_r = (struct mail_domains){ g.list, g.count, g.any };
	return status;
}

bool mail_domains_have(const struct mail_domains *domains, struct slice domain)
{
	struct buf folded = BUF_INIT;
	bool have = domains->any;

	if (!have && domains->count > 0 && fold_domain(domain, &folded) == NOERROR)
		for (size_t i = 0; i < domains->count && !have; i++)
			have = slice_equal(domains->list[i], buf_slice(&folded));
	buf_release(&folded);
	return have;
}

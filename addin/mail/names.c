/* Notes names in mail get the addresses of the directory. Names come from documents, domains from
 * documents and notes.ini; what is no address or no host name is not used (mailfile/render.h). */
#include "addin/mail/names.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

struct mail_names {
	struct directory *dir;
	struct arena arena;
	struct slice server, written;
	struct render_options options;
};

static STATUS find_address(void *context, struct slice name, struct buf *address_r)
{
	struct mail_names *names = context;

	return names->dir == NULL ? POSTIL_ERR_NOT_FOUND
	                          : directory_internet_address(names->dir, name, address_r);
}

static STATUS documents_domain(struct mail_names *names, struct buf *domain_r)
{
	struct arena arena = ARENA_INIT;
	struct pop3_settings settings = { .found = false };
	const struct slice *domains = NULL;
	size_t count = 0;
	STATUS status = directory_internet_domains(names->dir, &arena, &domains, &count);

	if (status == NOERROR && count > 0)
		buf_add_slice(domain_r, domains[0]);
	else if (status == NOERROR && names->server.n > 0)
		status = directory_pop3_settings(names->dir, names->server, &arena, &settings);
	if (status == NOERROR && settings.found)
		buf_add_slice(domain_r, text_trim(settings.host_name));
	arena_release(&arena);
	return status;
}

static void machine_domain(struct buf *domain_r)
{
	char name[256];

	if (gethostname(name, sizeof(name) - 1) != 0)
		return;
	name[sizeof(name) - 1] = '\0';
	if (strchr(name, '.') != NULL)
		buf_add_str(domain_r, name);
}

static STATUS find_domain(void *context, struct buf *domain_r)
{
	struct mail_names *names = context;

	if (names->written.n > 0)
		buf_add_slice(domain_r, names->written);
	else if (names->dir != NULL && documents_domain(names, domain_r) == POSTIL_ERR_MEMORY)
		return POSTIL_ERR_MEMORY;
	if (domain_r->n == 0)
		machine_domain(domain_r);
	return domain_r->n == 0 ? POSTIL_ERR_NOT_FOUND : buf_status(domain_r);
}

/* POP3_Domain may be a list (domains.h). */
static struct slice first_word(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == ' ' || s.p[i] == '\t' || s.p[i] == ',' || s.p[i] == ';')
			s.n = i;
	return s;
}

STATUS mail_names_new(struct directory *dir, struct slice server, struct slice written,
                      struct mail_names **names_r)
{
	struct mail_names *names = calloc(1, sizeof(*names));
	STATUS status = NOERROR;

	if (names == NULL)
		return POSTIL_ERR_MEMORY;
	arena_init(&names->arena);
	names->dir = dir;
	names->options = (struct render_options){
		.address = find_address, .find_domain = find_domain, .context = names,
	};
	if (server.n > 0)
		status = arena_copy(&names->arena, server, &names->server);
	written = first_word(text_trim(written));
	if (status == NOERROR && written.n > 0)
		status = arena_copy(&names->arena, written, &names->written);
	if (status != NOERROR)
		mail_names_free(&names);
	else
		*names_r = names;
	return status;
}

void mail_names_free(struct mail_names **names)
{
	if (*names == NULL)
		return;
	arena_release(&(*names)->arena);
	free(*names);
	*names = NULL;
}

const struct render_options *mail_names_options(const struct mail_names *names)
{
	return &names->options;
}

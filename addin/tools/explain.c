/* Which rule decides. Names come from the command line and from documents; what is said
 * of them is escaped. */
#include "addin/tools/explain.h"

#include <string.h>
#include <sys/stat.h>

#include "addin/tools/tool.h"
#include "base/clock.h"
#include "base/name.h"
#include "base/soundex.h"
#include "base/text.h"
#include "directory/access.h"
#include "directory/settings.h"

#include "base/banned.h"

#define ADDRESSES_TOLD_MAX 8

/* --- this server ----------------------------------------------------------------- */

STATUS explain_init(struct explain *e, const char *data_dir, struct directory *dir,
                    struct fault *fault)
{
	struct slice server;
	STATUS status;

	*e = (struct explain){ .data_dir = data_dir, .dir = dir, .server = BUF_INIT };
	status = tool_server_name(data_dir, &e->server, fault);
	server = buf_slice(&e->server);
	if (status == NOERROR && server.n == 0)
		return NOERROR;
	if (status == NOERROR)
		status = directory_pop3_settings(dir, server, &e->arena, &e->settings);
	if (status == NOERROR && e->settings.internet_sites)
		status = directory_pop3_sites(dir, server, &e->arena, &e->sites);
	if (status == NOERROR)
		status = directory_lockout_rules(dir, server, &e->rules, &e->nearness);
	return status;
}

void explain_release(struct explain *e)
{
	arena_release(&e->arena);
	buf_release(&e->server);
}

/* --- the name ---------------------------------------------------------------------- */

struct match {
	const struct person *person;
	struct slice login;
	const char *kind;
};

static bool has(const struct note *note, enum setting which, struct slice login)
{
	const struct item *item = setting_item(note, which);

	for (size_t i = 0; item != NULL && i < item->count; i++)
		if (name_equal(item->values[i], login))
			return true;
	return false;
}

static bool is_common(struct slice name, struct slice login)
{
	struct buf own = BUF_INIT, given = BUF_INIT;
	bool equal = name_common(name, &own) == NOERROR && name_common(login, &given) == NOERROR &&
	             !name_is_hierarchical(login) && name_equal(buf_slice(&own), buf_slice(&given));

	buf_release(&own);
	buf_release(&given);
	return equal;
}

static const char *full_name_kind(const struct note *note, struct slice login)
{
	const struct item *item = setting_item(note, SET_FULL_NAME);

	for (size_t i = 0; item != NULL && i < item->count; i++) {
		if (name_equal(item->values[i], login))
			return i == 0 ? "the first value of FullName" : "an alias in FullName";
		if (is_common(item->values[i], login))
			return i == 0 ? "the common name" : "the common name of an alias";
	}
	return NULL;
}

static const char *kind_of(const struct note *note, struct slice login)
{
	const char *kind = full_name_kind(note, login);
	char code[SOUNDEX_OCTETS + 1];

	if (kind != NULL)
		return kind;
	if (has(note, SET_INTERNET_ADDRESS, login))
		return "the Internet address";
	if (has(note, SET_SHORT_NAME, login))
		return "a short name";
	if (has(note, SET_FIRST_NAME, login))
		return "the first name";
	if (has(note, SET_LAST_NAME, login))
		return "the last name";
	if (soundex(setting_text(note, SET_LAST_NAME), code) && name_equal(slice_of(code), login))
		return "the Soundex code of the last name";
	return NULL;
}

static STATUS look_at(void *context, const struct note *note, const char *file)
{
	struct match *m = context;

	if (memcmp(&note->unid, &m->person->unid, sizeof(note->unid)) == 0)
		m->kind = kind_of(note, m->login);
	return NOERROR;
}

const char *explain_match(struct explain *e, const struct person *person, struct slice login)
{
	struct match match = { person, text_trim(login), NULL };

	(void)directory_each_document(e->dir, person->name, look_at, &match);
	return match.kind != NULL ? match.kind : "";
}

/* --- server, mail file, access, lockout ------------------------------------------------ */

void explain_server(struct explain *e, const struct person *person, struct buf *out)
{
	if (e->server.n == 0)
		buf_add_str(out, "notes.ini names no server to compare with");
	else if (person->mail_server.n == 0)
		buf_add_str(out, "none is given, so it is this one");
	else if (name_equal(person->mail_server, buf_slice(&e->server)))
		buf_add_str(out, "this one");
	else
		buf_add_str(out, "another one: the login is refused here");
}

void explain_mail_file(struct explain *e, const struct person *person, struct buf *out)
{
	struct buf path = BUF_INIT, full = BUF_INIT;
	struct fault fault = { .status = NOERROR };
	struct stat st;
	STATUS status;

	if (text_trim(person->mail_file).n == 0) {
		buf_add_str(out, "none is given: the login is refused");
		return;
	}
	status = mailfile_path(e->data_dir, person->mail_file, &path, &fault);
	buf_addf(&full, "%s/%s", e->data_dir, buf_cstr(&path));
	if (status != NOERROR)
		buf_addf(out, "%s", fault_text(&fault, status));
	else if (stat(buf_cstr(&full), &st) != 0)
		buf_addf(out, "%s does not exist: the login is refused", buf_cstr(&path));
	else
		buf_addf(out, "%s exists; `postil mail acl` tells who may read it", buf_cstr(&path));
	buf_release(&path);
	buf_release(&full);
}

void explain_access(struct explain *e, const struct person *person, struct buf *out)
{
	struct access_verdict verdict;
	STATUS status;

	if (e->server.n == 0) {
		buf_add_str(out, "not decided: notes.ini names no server");
		return;
	}
	status = directory_check_access(e->dir, buf_slice(&e->server), person, &e->arena, &verdict);
	if (status != NOERROR) {
		buf_add_str(out, status_text(status));
		return;
	}
	buf_add_str(out, verdict.allowed ? "allowed: " : "refused: ");
	access_describe(&verdict, out);
}

void explain_lockout(struct explain *e, const struct person *person, struct buf *out)
{
	static const char *const from[] = { "", "for all servers", "of a group", "of this server" };
	struct lockout *lockout = NULL;
	bool locked;

	if (!e->rules.enforce) {
		buf_add_str(out, "not enforced");
		return;
	}
	if (lockout_open(e->data_dir, &lockout, NULL) != NOERROR)
		return;
	locked = lockout_is_locked(lockout, &e->rules, LOCKOUT_PERSON, person->name, clock_wall_ms());
	lockout_close(&lockout);
	buf_addf(out, "%s (enforced by the Configuration Settings %s, %u tries)",
	         locked ? "locked out" : "not locked out", from[e->nearness], (unsigned)e->rules.max_tries);
}

static void add_site(const struct pop3_site *site, struct buf *out)
{
	if (site == NULL) {
		buf_add_str(out, "no site, nobody can log in");
		return;
	}
	tool_add_text(out, site->name);
	buf_addf(out, ", name and password %s, with TLS %s", site->name_and_password ? "yes" : "no",
	         site->tls_name_and_password ? "yes" : "no");
}

/* Where another site than at most addresses holds. */
static void add_addresses(const struct explain *e, const struct pop3_site *most, struct buf *out)
{
	size_t told = 0;

	for (size_t i = 0; i < e->sites.count; i++)
		for (size_t j = 0; j < e->sites.list[i].address_count; j++) {
			const char *address = e->sites.list[i].addresses[j].p;
			const struct pop3_site *site = pop3_sites_choose(&e->sites, address);

			if (site == most || told++ >= ADDRESSES_TOLD_MAX)
				continue;
			buf_add_str(out, "; at ");
			tool_add_text(out, e->sites.list[i].addresses[j]);
			buf_add_char(out, ' ');
			add_site(site, out);
		}
	if (told > ADDRESSES_TOLD_MAX)
		buf_addf(out, "; and %zu more addresses", told - ADDRESSES_TOLD_MAX);
}

void explain_site(const struct explain *e, struct buf *out)
{
	if (e->server.n == 0) {
		buf_add_str(out, "nowhere: notes.ini names no server");
	} else if (!e->settings.internet_sites) {
		buf_addf(out, "the Server document: name and password %s, with TLS %s",
		         e->settings.name_and_password ? "yes" : "no",
		         e->settings.tls_name_and_password ? "yes" : "no");
	} else if (e->sites.count == 0) {
		buf_add_str(out, "Internet Sites: this server hosts no POP3 Site document, nobody can log in");
	} else {
		buf_add_str(out, "Internet Sites: ");
		add_site(pop3_sites_choose(&e->sites, ""), out);
		add_addresses(e, pop3_sites_choose(&e->sites, ""), out);
	}
}

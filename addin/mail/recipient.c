/*
 * Recipients: addresses of the network and of the command line, distrusted, looked up in a
 * directory whose documents are distrusted, too.
 */
#include "addin/mail/recipient_impl.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/name.h"
#include "base/text.h"
#include "mailfile/store.h"

/* --- one name -------------------------------------------------------------------- */

enum recipient_result search_failed(struct search *s, enum recipient_result result, STATUS status,
                                    const char *text)
{
	fault_set(s->fault, status, "%s", text);
	return result;
}

/* What a question to the directory came to. */
static enum recipient_result judge(struct search *s, STATUS status)
{
	switch (status) {
	case NOERROR:
		return RECIPIENT_FOUND;
	case POSTIL_ERR_NOT_FOUND:
	case POSTIL_ERR_INVALID:
		return search_failed(s, RECIPIENT_UNKNOWN, POSTIL_ERR_NOT_FOUND,
		                     "no such person in the directory");
	case POSTIL_ERR_AMBIGUOUS:
		return search_failed(s, RECIPIENT_AMBIGUOUS, status, "more than one person has this name");
	case POSTIL_ERR_NOEXIST:
		return search_failed(s, RECIPIENT_TROUBLE, status,
		                     "there is no directory yet; compile it: postil directory update");
	default:
		fault_set(s->fault, status, "the directory cannot be asked: %s", status_text(status));
		return RECIPIENT_TROUBLE;
	}
}

enum recipient_result search_name(struct search *s, struct slice name, struct arena *arena,
                                  struct found *found_r)
{
	enum recipient_result result;

	found_r->person = NULL;
	if (name.n == 0 || name.n > RECIPIENT_OCTETS_MAX)
		return judge(s, POSTIL_ERR_INVALID);
	result = judge(s, directory_find_recipient(s->dir, name, arena, &found_r->person));
	if (result == RECIPIENT_UNKNOWN)
		result = judge(s, directory_find_short_name(s->dir, name, arena, &found_r->person));
	if (result == RECIPIENT_UNKNOWN)
		result = group_find(s, name);
	return result;
}

/* --- an address ---------------------------------------------------------------------- */

struct parts {
	struct slice local, domain;
	bool has_domain, ours;
};

static enum recipient_result try_joined(struct search *s, struct slice local, struct slice domain,
                                        struct arena *arena, struct found *found_r)
{
	enum recipient_result result = RECIPIENT_TROUBLE;
	struct buf address = BUF_INIT;

	buf_add_slice(&address, local);
	buf_add_char(&address, '@');
	buf_add_slice(&address, domain);
	if (buf_status(&address) == NOERROR)
		result = search_name(s, buf_slice(&address), arena, found_r);
	else
		search_failed(s, RECIPIENT_TROUBLE, POSTIL_ERR_MEMORY, status_text(POSTIL_ERR_MEMORY));
	buf_release(&address);
	return result;
}

/* The same with blanks in place of each of these octets; UNKNOWN if there is none. */
static enum recipient_result try_blanks(struct search *s, struct slice local, const char *octets,
                                        struct arena *arena, struct found *found_r)
{
	enum recipient_result result = RECIPIENT_UNKNOWN;
	struct buf name = BUF_INIT;
	bool any = false;

	for (size_t i = 0; i < local.n; i++) {
		bool blank = local.p[i] != '\0' && strchr(octets, local.p[i]) != NULL;

		buf_add_char(&name, blank ? ' ' : local.p[i]);
		any = any || blank;
	}
	if (any && buf_status(&name) == NOERROR)
		result = search_name(s, buf_slice(&name), arena, found_r);
	buf_release(&name);
	return result;
}

/* With a domain of ours: the local part in the other domains, then as a name. */
static enum recipient_result try_ours(struct search *s, struct slice local, struct arena *arena,
                                      struct found *found_r)
{
	const struct mail_domains *domains = s->rules->domains;
	enum recipient_result result = RECIPIENT_UNKNOWN;

	for (size_t i = 0; i < domains->count && result == RECIPIENT_UNKNOWN; i++)
		result = try_joined(s, local, domains->list[i], arena, found_r);
	if (result == RECIPIENT_UNKNOWN)
		result = search_name(s, local, arena, found_r);
	if (result == RECIPIENT_UNKNOWN)
		result = try_blanks(s, local, "_", arena, found_r);
	if (result == RECIPIENT_UNKNOWN)
		result = try_blanks(s, local, "_.", arena, found_r);
	return result;
}

static enum recipient_result try_parts(struct search *s, const struct parts *parts,
                                       struct arena *arena, struct found *found_r)
{
	enum recipient_result result;

	if (!parts->has_domain)
		return search_name(s, parts->local, arena, found_r);
	result = try_joined(s, parts->local, parts->domain, arena, found_r);
	if (result == RECIPIENT_UNKNOWN && parts->ours)
		result = try_ours(s, parts->local, arena, found_r);
	return result;
}

/* `"a\"b"` is a"b. The content lies in out. */
static struct slice without_quotes(struct slice local, struct buf *out)
{
	if (local.n < 2 || local.p[0] != '"' || local.p[local.n - 1] != '"')
		return local;
	for (size_t i = 1; i + 1 < local.n; i++) {
		if (local.p[i] == '\\' && i + 2 < local.n)
			i++;
		buf_add_char(out, local.p[i]);
	}
	return buf_slice(out);
}

static bool has_domain(struct slice address, size_t *at_r)
{
	for (size_t i = address.n; i > 0; i--)
		if (address.p[i - 1] == '@') {
			*at_r = i - 1;
			return true;
		}
	return false;
}

/* false: there is no detail to take off. */
static bool take_off_detail(struct slice separators, struct slice *local)
{
	for (size_t i = 1; i < local->n; i++)
		if (separators.n > 0 && memchr(separators.p, local->p[i], separators.n) != NULL) {
			local->n = i;
			return true;
		}
	return false;
}

enum recipient_result search_address(struct search *s, struct slice address, struct arena *arena,
                                     struct found *found_r)
{
	struct parts parts = { .local = address };
	struct buf plain = BUF_INIT;
	enum recipient_result result;
	size_t at;

	parts.has_domain = has_domain(address, &at);
	if (parts.has_domain) {
		parts.local.n = at;
		parts.domain = (struct slice){ address.p + at + 1, address.n - at - 1 };
		parts.local = without_quotes(parts.local, &plain);
		parts.ours = s->rules->domains != NULL &&
			mail_domains_have(s->rules->domains, parts.domain);
	}
	result = try_parts(s, &parts, arena, found_r);
	if (result == RECIPIENT_UNKNOWN && take_off_detail(s->rules->separators, &parts.local))
		result = try_parts(s, &parts, arena, found_r);
	if (result == RECIPIENT_UNKNOWN && parts.has_domain && !parts.ours)
		result = search_failed(s, RECIPIENT_ELSEWHERE, POSTIL_ERR_NOT_FOUND,
		                       "no such person in the directory, and not a domain of this server"
		                       " (LMTP_Domains)");
	buf_release(&plain);
	return result;
}

/* --- the mail file --------------------------------------------------------------------- */

static int by_path(const void *a, const void *b)
{
	return strcmp(a, b);
}

static bool make_room(struct search *s)
{
	size_t room = s->room == 0 ? 1 : 4 * s->room;
	struct recipient_file *files;

	if (s->count < s->room)
		return true;
	files = arena_alloc(&s->arena, room * sizeof(*files));
	if (files == NULL)
		return false;
	if (s->count > 0)
		memcpy(files, s->files, s->count * sizeof(*files));
	s->files = files;
	s->room = room;
	return true;
}

static enum recipient_result add_file(struct search *s, struct slice path, struct slice owner)
{
	const char *copy = arena_strndup(&s->arena, path.p, path.n);
	const char **known = copy == NULL ? NULL : tsearch(copy, &s->by_path, by_path);
	struct slice owner_copy;

	if (known != NULL && *known != copy)
		return RECIPIENT_FOUND;
	if (known != NULL && s->count == RECIPIENT_FILES_MAX)
		return search_failed(s, RECIPIENT_GROUP_LARGE, POSTIL_ERR_LIMIT,
		                     "the group means too many mail files");
	if (known == NULL || !make_room(s) || arena_copy(&s->arena, owner, &owner_copy) != NOERROR)
		return search_failed(s, RECIPIENT_TROUBLE, POSTIL_ERR_MEMORY,
		                     status_text(POSTIL_ERR_MEMORY));
	s->files[s->count++] = (struct recipient_file){ copy, owner_copy };
	s->octets += path.n + owner.n + 2;
	return RECIPIENT_FOUND;
}

enum recipient_result search_take(struct search *s, const struct person *person)
{
	const struct recipient_rules *rules = s->rules;
	struct buf path = BUF_INIT;
	enum recipient_result result;

	if (text_trim(person->forward).n > 0)
		return search_failed(s, RECIPIENT_FORWARDED, POSTIL_ERR_NOT_FOUND,
		                     "the Person document has a forwarding address, and nothing is sent on "
		                     "from here");
	if (rules->server.n > 0 && person->mail_server.n > 0 &&
	    !name_equal(person->mail_server, rules->server))
		return search_failed(s, RECIPIENT_OTHER_SERVER, POSTIL_ERR_NOT_FOUND,
		                     "the person's mail server is another one");
	if (text_trim(person->mail_file).n == 0)
		return search_failed(s, RECIPIENT_NO_MAIL_FILE, POSTIL_ERR_NOT_FOUND,
		                     "the Person document names no mail file");
	if (mailfile_path(rules->data_dir, person->mail_file, &path, s->fault) != NOERROR)
		result = RECIPIENT_BAD_MAIL_FILE;
	else
		result = add_file(s, buf_slice(&path), person->name);
	buf_release(&path);
	return result;
}

/* --- all of it ---------------------------------------------------------------------------- */

static const char *put_string(char **at, struct slice s)
{
	char *start = *at;

	if (s.n > 0)
		memcpy(start, s.p, s.n);
	start[s.n] = '\0';
	*at += s.n + 1;
	return start;
}

static enum recipient_result make_block(struct search *s, struct recipient **recipient_r)
{
	size_t head = sizeof(struct recipient) + s->count * sizeof(struct recipient_file);
	struct recipient *r = malloc(head + s->octets);
	char *at;

	if (r == NULL)
		return search_failed(s, RECIPIENT_TROUBLE, POSTIL_ERR_MEMORY,
		                     status_text(POSTIL_ERR_MEMORY));
	at = (char *)r + head;
	r->count = s->count;
	r->passed_over = s->passed_over;
	for (size_t i = 0; i < s->count; i++) {
		const struct recipient_file *file = &s->files[i];

		r->files[i].path = put_string(&at, slice_of(file->path));
		r->files[i].owner = (struct slice){ put_string(&at, file->owner), file->owner.n };
	}
	*recipient_r = r;
	return RECIPIENT_FOUND;
}

static void no_free(void *unused)
{
}

enum recipient_result recipient_find(struct directory *dir, const struct recipient_rules *rules,
                                     struct slice address, struct recipient **recipient_r,
                                     struct fault *fault)
{
	struct search s = { .dir = dir, .rules = rules, .fault = fault };
	struct arena arena = ARENA_INIT;
	struct found found;
	enum recipient_result result = search_address(&s, text_trim(address), &arena, &found);

	if (result == RECIPIENT_FOUND)
		result = found.person != NULL ? search_take(&s, found.person) : group_expand(&s);
	if (result == RECIPIENT_FOUND)
		result = make_block(&s, recipient_r);
	tdestroy(s.by_path, no_free);
	arena_release(&arena);
	arena_release(&s.arena);
	arena_release(&s.members.arena);
	return result;
}

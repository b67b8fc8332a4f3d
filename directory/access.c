/*
 * Names lists and server access lists. Entries of lists are written by people: what is
 * no name matches nobody. Groups may contain themselves.
 */
#include "directory/access.h"

#include <string.h>

#include "base/name.h"
#include "base/text.h"
#include "directory/private.h"
#include "directory/settings.h"

#include "base/banned.h"

#define SHOWN_OCTETS 200
#define TRIES_MAX 8             /* a change takes far longer than a look */

/* --- names list --------------------------------------------------------------------- */

struct gathering {
	struct arena *arena;
	struct names_list list;
	unsigned types;
	size_t groups, from;            /* from: whose groups are asked for */
};

static const struct names_entry *find_key(const struct names_list *list, struct slice key)
{
	for (size_t i = 0; i < list->count; i++)
		if (slice_equal(list->entries[i].key, key))
			return &list->entries[i];
	return NULL;
}

static STATUS add(struct gathering *g, enum names_kind kind, struct slice key, struct slice name)
{
	struct names_entry entry = { .kind = kind, .via = g->from };
	struct names_list *list = &g->list;
	STATUS status;

	if (find_key(list, key) != NULL)
		return NOERROR;
	if (list->count == list->room) {
		size_t room = list->room == 0 ? 16 : 2 * list->room;
		struct names_entry *entries = arena_alloc(g->arena, room * sizeof(*entries));

		if (entries == NULL)
			return POSTIL_ERR_MEMORY;
		if (list->count > 0)
			memcpy(entries, list->entries, list->count * sizeof(*entries));
		list->entries = entries;
		list->room = room;
	}
	status = arena_copy(g->arena, key, &entry.key);
	if (status == NOERROR)
		status = arena_copy(g->arena, name, &entry.name);
	if (status == NOERROR)
		list->entries[list->count++] = entry;
	return status;
}

/* A name that cannot be a key is in no list. */
static STATUS add_name(struct gathering *g, enum names_kind kind, struct slice name)
{
	struct buf key = BUF_INIT;
	STATUS status = directory_key(name, &key);

	if (status == NOERROR)
		status = add(g, kind, buf_slice(&key), name);
	else if (status == POSTIL_ERR_INVALID)
		status = NOERROR;
	buf_release(&key);
	return status;
}

/* CN=A/OU=B/O=C is under the patterns of OU=B/O=C, of O=C, and under `*`. */
static STATUS add_wildcards(struct gathering *g, struct slice name)
{
	struct buf canonical = BUF_INIT, pattern = BUF_INIT;
	STATUS status = name_canonicalize(name, &canonical);
	struct slice rest = buf_slice(&canonical);

	for (size_t i = 0; status == NOERROR && i < rest.n; i++) {
		if (rest.p[i] != '/' || (i > 0 && rest.p[i - 1] == '$'))
			continue;
		buf_clear(&pattern);
		buf_add_char(&pattern, '*');
		buf_add(&pattern, rest.p + i, rest.n - i);
		status = buf_status(&pattern);
		if (status == NOERROR)
			status = add_name(g, NAMES_WILDCARD, buf_slice(&pattern));
	}
	buf_release(&canonical);
	buf_release(&pattern);
	return status == NOERROR ? add_name(g, NAMES_WILDCARD, SLICE_LIT("*")) : status;
}

/* A group with the name of a pattern is not meant by the pattern. */
static bool is_pattern(struct slice key)
{
	return key.n > 0 && key.p[0] == '*' && (key.n == 1 || key.p[1] == '/');
}

static STATUS add_group(void *context, const struct directory_group *group)
{
	struct gathering *g = context;

	if ((g->types & 1u << group->type) == 0 || is_pattern(group->key) ||
	    find_key(&g->list, group->key) != NULL)
		return NOERROR;
	if (g->groups == NAMES_LIST_GROUPS_MAX) {
		g->list.cut = true;
		return NOERROR;
	}
	g->groups++;
	return add(g, NAMES_GROUP, group->key, group->name);
}

STATUS directory_names_list(struct directory *dir, struct slice name, struct slice alternate,
                            unsigned types, struct arena *arena, struct names_list *list_r)
{
	struct directory_source *source = directory_source(dir);
	struct gathering g = { .arena = arena, .types = types };
	STATUS status = add_name(&g, NAMES_SELF, name);

	if (status == NOERROR && alternate.n > 0)
		status = add_name(&g, NAMES_ALTERNATE, alternate);
	if (status == NOERROR)
		status = add_wildcards(&g, name);
	for (g.from = 0; g.from < g.list.count && status == NOERROR; g.from++)
		status = source->calls->groups_of(source, g.list.entries[g.from].key, add_group, &g);
	if (status == NOERROR)
		*list_r = g.list;
	return status;
}

const struct names_entry *names_list_find(const struct names_list *list, struct slice entry)
{
	const struct names_entry *found = NULL;
	struct buf key = BUF_INIT;

	if (directory_key(entry, &key) == NOERROR)
		found = find_key(list, buf_slice(&key));
	buf_release(&key);
	return found;
}

void names_list_describe(const struct names_list *list, const struct names_entry *entry,
                         struct buf *out)
{
	for (int depth = 0; entry->kind == NAMES_GROUP && depth < 8; depth++) {
		const struct names_entry *member = &list->entries[entry->via];

		if (depth == 0) {
			buf_add_str(out, "a member of the group ");
			text_escape(entry->name, SHOWN_OCTETS, out);
		}
		if (member->kind == NAMES_GROUP || member->kind == NAMES_WILDCARD) {
			buf_add_str(out, member->kind == NAMES_GROUP ? " by the group " : " by ");
			text_escape(member->name, SHOWN_OCTETS, out);
		}
		entry = member;
	}
}

/* --- the Server document --------------------------------------------------------------- */

struct lists {
	struct arena *arena;
	bool found, enforced, trusted;
	struct slice *allow, *deny;
	size_t allow_count, deny_count;
};

static STATUS copy_values(struct arena *arena, const struct item *item, struct slice **values_r,
                          size_t *count_r)
{
	size_t count = item == NULL ? 0 : item->count, kept = 0;
	struct slice *values = arena_alloc(arena, (count + 1) * sizeof(*values));
	STATUS status = values == NULL ? POSTIL_ERR_MEMORY : NOERROR;

	for (size_t i = 0; i < count && status == NOERROR; i++) {
		struct slice value = text_trim(item->values[i]);

		if (value.n > 0)
			status = arena_copy(arena, value, &values[kept++]);
	}
	*values_r = values;
	*count_r = kept;
	return status;
}

static STATUS take_lists(void *context, const struct note *note, const char *file)
{
	struct lists *l = context;
	STATUS status;

	if (!slice_equal_nocase(text_trim(note_text(note, "Form")), slice_of("Server")))
		return NOERROR;
	if (l->found)
		return POSTIL_ERR_AMBIGUOUS;
	l->found = true;
	l->enforced = setting_switch(note, SET_POP3_ENFORCE_ACCESS);
	l->trusted = setting_switch(note, SET_TRUSTED_DIRECTORIES);
	status = copy_values(l->arena, setting_item(note, SET_ALLOW_ACCESS), &l->allow, &l->allow_count);
	if (status == NOERROR)
		status = copy_values(l->arena, setting_item(note, SET_DENY_ACCESS), &l->deny,
		                     &l->deny_count);
	return status;
}

/* --- deciding ---------------------------------------------------------------------------- */

static STATUS set_how(const struct names_list *list, const struct names_entry *entry,
                      struct arena *arena, struct access_verdict *verdict)
{
	struct buf how = BUF_INIT;
	STATUS status;

	names_list_describe(list, entry, &how);
	status = buf_status(&how);
	if (status == NOERROR)
		status = arena_copy(arena, buf_slice(&how), &verdict->how);
	buf_release(&how);
	return status;
}

/* Is the person named? Then *verdict says so. Of too many groups to look at one may be among
 * those that deny. */
static STATUS look_in(struct directory *dir, const struct person *person, unsigned types,
                      const struct slice *entries, size_t count, struct arena *arena,
                      enum access_rule rule, struct access_verdict *verdict, bool *named_r)
{
	const struct names_entry *found;
	struct names_list list;
	STATUS status;

	*named_r = false;
	if (count == 0)
		return NOERROR;
	status = directory_names_list(dir, person->name, person->alternate_name, types, arena, &list);
	for (size_t i = 0; i < count && status == NOERROR && !*named_r; i++) {
		found = names_list_find(&list, entries[i]);
		if (found == NULL)
			continue;
		*named_r = true;
		*verdict = (struct access_verdict){ .rule = rule, .entry = entries[i] };
		status = set_how(&list, found, arena, verdict);
	}
	if (status == NOERROR && !*named_r && list.cut && rule == ACCESS_DENY_LISTED) {
		*named_r = true;
		*verdict = (struct access_verdict){ .rule = ACCESS_TOO_MANY_GROUPS };
	}
	return status;
}

static bool allows(enum access_rule rule)
{
	return rule != ACCESS_DENY_LISTED && rule != ACCESS_NOT_LISTED &&
	       rule != ACCESS_TOO_MANY_GROUPS;
}

static STATUS decide(struct directory *dir, const struct lists *l, const struct person *person,
                     struct arena *arena, struct access_verdict *verdict)
{
	bool named;
	STATUS status = look_in(dir, person, GROUPS_DENYING, l->deny, l->deny_count, arena,
	                        ACCESS_DENY_LISTED, verdict, &named);

	if (status != NOERROR || named)
		return status;
	if (l->allow_count == 0 || l->trusted) {
		verdict->rule = l->trusted ? ACCESS_TRUSTED : ACCESS_NO_LIST;
		return NOERROR;
	}
	status = look_in(dir, person, GROUPS_ALLOWING, l->allow, l->allow_count, arena,
	                 ACCESS_LISTED, verdict, &named);
	if (status == NOERROR && !named)
		verdict->rule = ACCESS_NOT_LISTED;
	return status;
}

static STATUS check_once(struct directory *dir, struct slice server, const struct person *person,
                         struct arena *arena, struct access_verdict *verdict_r)
{
	struct access_verdict verdict = { .rule = ACCESS_NO_SERVER };
	struct lists lists = { .arena = arena };
	STATUS status = directory_each_document(dir, server, take_lists, &lists);

	if (status == NOERROR && lists.found)
		verdict.rule = ACCESS_NOT_ENFORCED;
	if (status == NOERROR && lists.enforced)
		status = decide(dir, &lists, person, arena, &verdict);
	verdict.allowed = allows(verdict.rule);
	if (status == NOERROR)
		*verdict_r = verdict;
	return status;
}

/* It takes many questions: were they not all answered by one state of the directory, a
 * change that moves a person from one denied group to another could let the person in. */
STATUS directory_check_access(struct directory *dir, struct slice server,
                              const struct person *person, struct arena *arena,
                              struct access_verdict *verdict_r)
{
	uint64_t before, after = directory_generation(dir);
	struct access_verdict verdict;
	STATUS status;
	int tries = 0;

	do {
		before = after;
		status = check_once(dir, server, person, arena, &verdict);
		after = directory_generation(dir);
	} while (status == NOERROR && before != after && ++tries < TRIES_MAX);
	if (status == NOERROR && before != after)
		status = POSTIL_ERR_BUSY;
	if (status == NOERROR)
		*verdict_r = verdict;
	return status;
}

void access_describe(const struct access_verdict *verdict, struct buf *out)
{
	static const char *const rules[] = {
		[ACCESS_NO_SERVER] = "there is no Server document, so no access list holds",
		[ACCESS_NOT_ENFORCED] = "the Server document does not enforce server access for POP3",
		[ACCESS_NO_LIST] = "\"Access server\" is empty, so everyone may",
		[ACCESS_LISTED] = "\"Access server\" has ",
		[ACCESS_TRUSTED] = "\"Access server\" allows users listed in all trusted directories",
		[ACCESS_DENY_LISTED] = "\"Not access server\" has ",
		[ACCESS_NOT_LISTED] = "\"Access server\" names others and not this person",
		[ACCESS_TOO_MANY_GROUPS] = ("the person is in more groups than are looked at, so that "
		                           "\"Not access server\" cannot be answered"),
	};

	buf_add_str(out, rules[verdict->rule]);
	text_escape(verdict->entry, SHOWN_OCTETS, out);
	if (verdict->how.n > 0) {
		buf_add_str(out, ", the person is ");
		buf_add_slice(out, verdict->how);
	}
}

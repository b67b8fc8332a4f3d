/*
 * Members of groups. Groups are written by people: they may contain themselves, each other,
 * anything that is no name, and very many members.
 */
#include "addin/mail/recipient_impl.h"

#include <string.h>

#include "base/text.h"
#include "directory/settings.h"

#define GROUP_MULTI_PURPOSE 0
#define GROUP_MAIL_ONLY 1

static STATUS grow(struct arena *arena, void **list, size_t count, size_t *room, size_t octets)
{
	size_t more = *room == 0 ? 16 : 2 * *room;
	void *moved;

	if (count < *room)
		return NOERROR;
	moved = arena_alloc(arena, more * octets);
	if (moved == NULL)
		return POSTIL_ERR_MEMORY;
	if (count > 0)
		memcpy(moved, *list, count * octets);
	*list = moved;
	*room = more;
	return NOERROR;
}

static bool is_known(const struct members *m, const struct unid *unid)
{
	for (size_t i = 0; i < m->group_count; i++)
		if (memcmp(&m->groups[i], unid, sizeof(*unid)) == 0)
			return true;
	return false;
}

static STATUS add_member(struct members *m, struct slice name)
{
	void *names = m->names;
	STATUS status;

	name = text_trim(name);
	if (name.n == 0)
		return NOERROR;
	if (m->count == RECIPIENT_MEMBERS_MAX)
		return POSTIL_ERR_LIMIT;
	/* what is too long to name anybody is still one who is passed over */
	if (name.n > RECIPIENT_OCTETS_MAX)
		name.n = 0;
	status = grow(&m->arena, &names, m->count, &m->room, sizeof(*m->names));
	m->names = names;
	if (status == NOERROR)
		status = arena_copy(&m->arena, name, &m->names[m->count]);
	if (status == NOERROR)
		m->count++;
	return status;
}

static STATUS add_group(struct members *m, const struct note *note)
{
	const struct item *members = setting_item(note, SET_GROUP_MEMBERS);
	void *groups = m->groups;
	STATUS status;

	if (is_known(m, &note->unid))
		return NOERROR;
	if (m->group_count == RECIPIENT_GROUPS_MAX)
		return POSTIL_ERR_LIMIT;
	status = grow(&m->arena, &groups, m->group_count, &m->group_room, sizeof(*m->groups));
	m->groups = groups;
	if (status == NOERROR)
		m->groups[m->group_count++] = note->unid;
	for (size_t i = 0; members != NULL && i < members->count && status == NOERROR; i++)
		status = add_member(m, members->values[i]);
	return status;
}

struct group_call {
	struct members *members;
	bool found;
};

static STATUS take_group(void *context, const struct note *note, const char *file)
{
	struct group_call *call = context;
	int type;

	if (!slice_equal_nocase(text_trim(note_text(note, "Form")), SLICE_LIT("Group")))
		return NOERROR;
	type = setting_group_type(note);
	if (type != GROUP_MULTI_PURPOSE && type != GROUP_MAIL_ONLY)
		return NOERROR;
	call->found = true;
	return add_group(call->members, note);
}

enum recipient_result group_find(struct search *s, struct slice name)
{
	struct group_call call = { .members = &s->members };
	STATUS status = directory_each_document(s->dir, name, take_group, &call);

	if (status == POSTIL_ERR_LIMIT)
		return search_failed(s, RECIPIENT_GROUP_LARGE, status, "the group has too many members");
	if (status != NOERROR && status != POSTIL_ERR_INVALID) {
		fault_set(s->fault, status, "the directory cannot be asked: %s", status_text(status));
		return RECIPIENT_TROUBLE;
	}
	return call.found ? RECIPIENT_FOUND
	                  : search_failed(s, RECIPIENT_UNKNOWN, POSTIL_ERR_NOT_FOUND,
	                                  "no such person in the directory");
}

/* A member, looked up. What is wrong with one alone does not keep the mail from the others. */
static enum recipient_result expand_one(struct search *s, struct slice name)
{
	struct arena arena = ARENA_INIT;
	struct found found;
	enum recipient_result result = search_address(s, name, &arena, &found);

	if (result == RECIPIENT_FOUND && found.person != NULL)
		result = search_take(s, found.person);
	arena_release(&arena);
	if (result == RECIPIENT_FOUND || result == RECIPIENT_TROUBLE || result == RECIPIENT_GROUP_LARGE)
		return result;
	s->passed_over++;
	return RECIPIENT_FOUND;
}

enum recipient_result group_expand(struct search *s)
{
	enum recipient_result result = RECIPIENT_FOUND;

	for (size_t i = 0; i < s->members.count && result == RECIPIENT_FOUND; i++)
		result = expand_one(s, s->members.names[i]);
	if (result == RECIPIENT_FOUND && s->count == 0)
		result = search_failed(s, RECIPIENT_GROUP_EMPTY, POSTIL_ERR_NOT_FOUND,
		                       "no member of the group has a mail file here");
	return result;
}

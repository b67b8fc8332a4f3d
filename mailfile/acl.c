/*
 * Access control lists. What is decoded comes from a database file and is distrusted;
 * names in entries are compared, never used as anything else.
 */
#include "mailfile/acl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/name.h"
#include "base/text.h"

static const char *const level_texts[] = {
	[ACL_NO_ACCESS] = "no access", [ACL_DEPOSITOR] = "depositor", [ACL_READER] = "reader",
	[ACL_AUTHOR] = "author", [ACL_EDITOR] = "editor", [ACL_DESIGNER] = "designer",
	[ACL_MANAGER] = "manager",
};
#define LEVELS (sizeof(level_texts) / sizeof(level_texts[0]))

const char *acl_level_text(enum acl_level level)
{
	return level_texts[level];
}

/* Letters alone, so that "No Access" and "noaccess" are the same. */
static bool same_letters(struct slice s, const char *word)
{
	size_t i = 0;

	for (; *word != '\0'; word++) {
		if (*word == ' ')
			continue;
		while (i < s.n && s.p[i] == ' ')
			i++;
		if (i == s.n || (s.p[i] | 0x20) != *word)
			return false;
		i++;
	}
	return i == s.n;
}

bool acl_level_parse(struct slice text, enum acl_level *level_r)
{
	uint64_t number;

	text = text_trim(text);
	if (text_number(text, LEVELS - 1, &number)) {
		*level_r = (enum acl_level)number;
		return true;
	}
	for (size_t i = 0; i < LEVELS; i++)
		if (same_letters(text, level_texts[i])) {
			*level_r = (enum acl_level)i;
			return true;
		}
	return false;
}

/* --- entries -------------------------------------------------------------------- */

static bool is_default(struct slice name)
{
	return slice_equal_nocase(name, SLICE_LIT(ACL_DEFAULT_ENTRY));
}

static struct acl_entry *find(const struct acl *acl, struct slice name)
{
	for (size_t i = 0; i < acl->count; i++) {
		struct acl_entry *e = &acl->entries[i];

		if (is_default(name) ? is_default(e->name) : name_equal(e->name, name))
			return e;
	}
	return NULL;
}

static STATUS check_name(struct slice name)
{
	if (name.n > ACL_NAME_MAX)
		return POSTIL_ERR_TOO_LONG;
	if (name.n == 0 || !text_is_utf8(name))
		return POSTIL_ERR_INVALID;
	for (size_t i = 0; i < name.n; i++)
		if ((unsigned char)name.p[i] < ' ' || name.p[i] == 0x7F)
			return POSTIL_ERR_INVALID;
	return NOERROR;
}

/* One entry more, at the end. */
static STATUS append(struct acl *acl, struct arena *arena, struct slice name,
                     enum acl_level level, uint16_t flags)
{
	struct acl_entry *entries;
	char *copy;

	if (acl->count >= ACL_ENTRIES_MAX)
		return POSTIL_ERR_LIMIT;
	entries = arena_alloc(arena, (acl->count + 1) * sizeof(*entries));
	copy = arena_strndup(arena, name.p, name.n);
	if (entries == NULL || copy == NULL)
		return POSTIL_ERR_MEMORY;
	if (acl->count > 0)
		memcpy(entries, acl->entries, acl->count * sizeof(*entries));
	entries[acl->count++] = (struct acl_entry){ { copy, name.n }, level, flags };
	acl->entries = entries;
	return NOERROR;
}

STATUS acl_set(struct acl *acl, struct arena *arena, const struct acl_entry *entry)
{
	struct slice name = text_trim(entry->name);
	struct buf canonical = BUF_INIT;
	struct acl_entry *old;
	STATUS status = check_name(name);

	if (status == NOERROR)
		status = is_default(name) ? NOERROR : name_canonicalize(name, &canonical);
	if (status == NOERROR && canonical.n > 0)
		name = buf_slice(&canonical);
	if (status == NOERROR)
		status = check_name(name);
	old = status == NOERROR ? find(acl, name) : NULL;
	if (old != NULL) {
		old->level = entry->level;
		old->flags = entry->flags;
	} else if (status == NOERROR) {
		status = append(acl, arena, is_default(name) ? SLICE_LIT(ACL_DEFAULT_ENTRY) : name,
		                entry->level, entry->flags);
	}
	buf_release(&canonical);
	return status;
}

STATUS acl_remove(struct acl *acl, struct slice name)
{
	struct acl_entry *e;

	name = text_trim(name);
	if (is_default(name))
		return POSTIL_ERR_INVALID;
	e = find(acl, name);
	if (e == NULL)
		return POSTIL_ERR_NOT_FOUND;
	memmove(e, e + 1, (size_t)(acl->entries + acl->count - (e + 1)) * sizeof(*e));
	acl->count--;
	return NOERROR;
}

STATUS acl_default(struct slice owner, struct arena *arena, struct acl *acl_r)
{
	struct acl acl = { .max_internet = ACL_EDITOR };
	struct acl_entry entry = { owner, ACL_MANAGER, 0 };
	STATUS status = append(&acl, arena, SLICE_LIT(ACL_DEFAULT_ENTRY), ACL_NO_ACCESS, 0);

	if (status == NOERROR && owner.n > 0)
		status = acl_set(&acl, arena, &entry);
	if (status == NOERROR)
		*acl_r = acl;
	return status;
}

/* --- as it is kept ------------------------------------------------------------------ */

STATUS acl_encode(const struct acl *acl, struct buf *out)
{
	buf_addf(out, "acl 1 %d\n", (int)acl->max_internet);
	for (size_t i = 0; i < acl->count; i++) {
		const struct acl_entry *e = &acl->entries[i];

		buf_addf(out, "%d %u ", (int)e->level, (unsigned)e->flags);
		buf_add_slice(out, e->name);
		buf_add_char(out, '\n');
	}
	return buf_status(out);
}

/* Cut *rest at the first c; false: there is none. */
static bool cut(struct slice *rest, char c, struct slice *part)
{
	const char *at = memchr(rest->p, c, rest->n);

	if (at == NULL)
		return false;
	*part = (struct slice){ rest->p, (size_t)(at - rest->p) };
	rest->n -= part->n + 1;
	rest->p = at + 1;
	return true;
}

static bool cut_number(struct slice *rest, char c, uint64_t most, uint64_t *value)
{
	struct slice part;

	return cut(rest, c, &part) && text_number(part, most, value);
}

static size_t count_lines(struct slice s)
{
	size_t lines = 0;

	for (size_t i = 0; i < s.n; i++)
		lines += s.p[i] == '\n';
	return lines;
}

STATUS acl_decode(struct slice encoded, struct arena *arena, struct acl *acl_r)
{
	struct slice rest = encoded, head;
	struct acl acl = { .count = 0 };
	uint64_t level, flags;
	size_t lines;

	if (!cut(&rest, ' ', &head) || !slice_equal(head, SLICE_LIT("acl")) ||
	    !cut(&rest, ' ', &head) || !slice_equal(head, SLICE_LIT("1")) ||
	    !cut_number(&rest, '\n', ACL_MANAGER, &level))
		return POSTIL_ERR_DAMAGED;
	acl.max_internet = (enum acl_level)level;
	lines = count_lines(rest);
	if (lines > ACL_ENTRIES_MAX)
		return POSTIL_ERR_DAMAGED;
	acl.entries = arena_alloc(arena, (lines + 1) * sizeof(*acl.entries));
	if (acl.entries == NULL)
		return POSTIL_ERR_MEMORY;
	while (rest.n > 0) {
		struct acl_entry *e = &acl.entries[acl.count];

		if (!cut_number(&rest, ' ', ACL_MANAGER, &level) ||
		    !cut_number(&rest, ' ', UINT16_MAX, &flags) || !cut(&rest, '\n', &e->name) ||
		    check_name(e->name) != NOERROR)
			return POSTIL_ERR_DAMAGED;
		e->level = (enum acl_level)level;
		e->flags = (uint16_t)flags;
		acl.count++;
	}
	*acl_r = acl;
	return NOERROR;
}

/* --- deciding ------------------------------------------------------------------------- */

static bool is_named(const struct acl_who *who, struct slice name)
{
	return name_equal(who->name, name) ||
	       (who->alternate.n > 0 && name_equal(who->alternate, name));
}

/* A pattern begins with `*`; anything else that is not the person is a group. */
static bool fits(const struct acl_who *who, struct slice name)
{
	if (name.p[0] == '*')
		return name_matches(who->name, name);
	return who->is_member != NULL && who->is_member(who->context, name);
}

/* The better of two entries: the higher level, of equal ones the one that may delete. */
static const struct acl_entry *better(const struct acl_entry *a, const struct acl_entry *b)
{
	if (a == NULL || b->level > a->level)
		return b;
	return b->level == a->level && (b->flags & ACL_NO_DELETE) == 0 ? b : a;
}

static const struct acl_entry *entry_of(const struct acl *acl, const struct acl_who *who)
{
	const struct acl_entry *best = NULL, *fallback = NULL;

	for (size_t i = 0; i < acl->count; i++) {
		const struct acl_entry *e = &acl->entries[i];

		if (is_default(e->name))
			fallback = e;
		else if (is_named(who, e->name))
			return e;
	}
	for (size_t i = 0; i < acl->count; i++)
		if (!is_default(acl->entries[i].name) && fits(who, acl->entries[i].name))
			best = better(best, &acl->entries[i]);
	return best != NULL ? best : fallback;
}

void acl_evaluate(const struct acl *acl, const struct acl_who *who, struct acl_rights *rights_r)
{
	const struct acl_entry *e = entry_of(acl, who);
	enum acl_level level = e != NULL ? e->level : ACL_NO_ACCESS;

	if (who->internet && level > acl->max_internet)
		level = acl->max_internet;
	rights_r->level = level;
	rights_r->may_read = level >= ACL_READER;
	rights_r->may_delete = level >= ACL_EDITOR && e != NULL && (e->flags & ACL_NO_DELETE) == 0;
}

/*
 * Telling what is wrong across documents: names and groups (crosshold.c: which documents
 * never hold). Each kind of warning has its own limit. What is told of a document stands
 * at the item that is at fault.
 */
#include "directory/cross.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "directory/access.h"
#include "directory/settings.h"

#include "base/banned.h"

#define SHOWN_OCTETS 100

const char *cross_shown(struct slice s)
{
	static _Thread_local char texts[4][5 * SHOWN_OCTETS];
	static _Thread_local unsigned next;
	char *text = texts[next++ % 4];
	struct buf escaped = BUF_INIT;
	struct slice all;

	text_escape(s, SHOWN_OCTETS, &escaped);
	all = buf_slice(&escaped);
	if (all.n >= sizeof(texts[0]))
		all.n = sizeof(texts[0]) - 1;
	if (all.n > 0)
		memcpy(text, all.p, all.n);
	text[all.n] = '\0';
	buf_release(&escaped);
	return text;
}

/* --- what counts ---------------------------------------------------------------- */

static STATUS living_notes(const struct compile *c, bool **living_r)
{
	const struct cross *x = c->cross;
	bool *living = calloc(x->turns_room + 1, sizeof(*living));

	if (living == NULL)
		return POSTIL_ERR_MEMORY;
	for (uint32_t i = 0; i < c->documents.count; i++) {
		const struct document *document = &c->documents.list[i];

		if (!(document->flags & DOCUMENT_DEAD) && document->note_id < x->turns_room)
			living[document->note_id] = true;
	}
	*living_r = living;
	return NOERROR;
}

/* What was read of a document that has gone, or before it was read again, goes. */
static void settle(const struct cross *x, const bool *living, struct cross_list *list,
                   size_t octets, size_t place_at)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		char *element = (char *)list->p + i * octets;
		struct cross_place place;

		memcpy(&place, element + place_at, sizeof(place));
		if (!living[place.note_id] || x->turns[place.note_id] != place.turn)
			continue;
		if (kept != i)
			memcpy((char *)list->p + kept * octets, element, octets);
		kept++;
	}
	list->count = kept;
}

int cross_order(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int names_by_key(const void *a, const void *b)
{
	return cross_order(((const struct cross_name *)a)->key, ((const struct cross_name *)b)->key);
}

static int groups_by_key(const void *a, const void *b)
{
	return cross_order(((const struct cross_group *)a)->key, ((const struct cross_group *)b)->key);
}

static void sort(struct cross_list *list, size_t octets, int (*compare)(const void *, const void *))
{
	if (list->count > 1)
		qsort(list->p, list->count, octets, compare);
}

#define SETTLE(x, living, list, type) \
	settle(x, living, list, sizeof(type), offsetof(type, place))

static STATUS settle_all(struct compile *c)
{
	struct cross *x = c->cross;
	bool *living = NULL;
	STATUS status = living_notes(c, &living);

	if (status != NOERROR)
		return status;
	SETTLE(x, living, &x->names, struct cross_name);
	SETTLE(x, living, &x->groups, struct cross_group);
	SETTLE(x, living, &x->references, struct cross_reference);
	SETTLE(x, living, &x->servers, struct cross_server);
	SETTLE(x, living, &x->sites, struct cross_site);
	SETTLE(x, living, &x->configs, struct cross_config);
	free(living);
	sort(&x->names, sizeof(struct cross_name), names_by_key);
	sort(&x->groups, sizeof(struct cross_group), groups_by_key);
	return NOERROR;
}

/* --- who has a name --------------------------------------------------------------- */

unsigned cross_kinds(const struct cross *x, uint64_t key, unsigned wanted,
                     struct cross_place *place_r)
{
	size_t low = 0, high = x->names.count;
	unsigned kinds = 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (CROSS_AT(&x->names, struct cross_name, middle)->key < key)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < x->names.count; low++) {
		const struct cross_name *name = CROSS_AT(&x->names, struct cross_name, low);

		if (name->key != key)
			break;
		kinds |= name->kind;
		if (place_r != NULL && (name->kind & wanted))
			*place_r = name->place;
	}
	return kinds;
}

static struct cross_group *find_group(const struct cross *x, uint64_t key)
{
	struct cross_group wanted = { .key = key };

	return x->groups.count == 0 ? NULL :
	       bsearch(&wanted, x->groups.p, x->groups.count, sizeof(wanted), groups_by_key);
}

/* --- values that name nobody ----------------------------------------------------------- */

static const char *const item_names[] = {
	[CROSS_MEMBERS] = "Members", [CROSS_ALLOW] = "AllowAccess", [CROSS_DENY] = "DenyAccess",
	[CROSS_HOSTS] = "WSHostingSrvrs", [CROSS_CONFIG] = "ServerName", [CROSS_MAIL] = "MailServer",
};

static bool is_view(struct slice text)
{
	return text.n > 1 && text.p[0] == '*' && text.p[1] != '/';
}

/* Members of a mail group are recipients, and addresses are members of no other. */
static bool is_for_mail(const struct cross_reference *r)
{
	return r->item == CROSS_MEMBERS && (r->type == 1 || memchr(r->text.p, '@', r->text.n) != NULL);
}

static bool is_of_servers(const struct cross_reference *r)
{
	return r->item == CROSS_HOSTS || r->item == CROSS_CONFIG;
}

static void tell_name(struct compile *c, const struct cross_reference *r)
{
	unsigned kinds = cross_kinds(c->cross, r->key, 0, NULL);
	unsigned good = is_of_servers(r) ? CROSS_SERVER | CROSS_GROUP | CROSS_PATTERN
	                : CROSS_PERSON | CROSS_GROUP | CROSS_SERVER | CROSS_MAILIN | CROSS_PATTERN;

	if (slice_equal(r->text, SLICE_LIT("*")) || is_view(r->text) || is_for_mail(r) ||
	    r->item == CROSS_MAIL || (kinds & good) != 0)
		return;
	if (is_of_servers(r))
		CROSS_WARN(c, &r->place, "%s has %s, which is no server and no group of this directory",
		           item_names[r->item], cross_shown(r->text));
	else if (kinds & CROSS_ALIAS)
		CROSS_WARN(c, &r->place, "%s has %s, which is another name of somebody: only the first "
		           "FullName and AltFullName count here", item_names[r->item], cross_shown(r->text));
	else
		CROSS_WARN(c, &r->place, "%s has %s, which names nobody in this directory",
		           item_names[r->item], cross_shown(r->text));
}

/* A list may name a group of a type that means nobody there. */
static void tell_type(struct compile *c, const struct cross_reference *r)
{
	static const char *const labels[] = { "multi-purpose", "mail only", "access control list only",
	                                      "deny list only", "servers only" };
	const struct cross_group *group = find_group(c->cross, r->key);
	unsigned types = r->item == CROSS_ALLOW ? GROUPS_ALLOWING
	                 : r->item == CROSS_DENY ? GROUPS_DENYING : GROUPS_OF_SERVERS;

	if (group == NULL || r->item == CROSS_MEMBERS || r->item == CROSS_MAIL ||
	    (types & 1u << group->type) != 0)
		return;
	CROSS_WARN(c, &r->place, "%s has the group %s, whose type, %s, does not count here",
	           item_names[r->item], cross_shown(r->text), labels[group->type]);
}

static void tell_references(struct compile *c)
{
	const struct cross *x = c->cross;

	for (size_t i = 0; i < x->references.count; i++)
		tell_name(c, CROSS_AT(&x->references, struct cross_reference, i));
	compile_end_warnings(c, "", "names that name nobody");
	for (size_t i = 0; i < x->references.count; i++)
		tell_type(c, CROSS_AT(&x->references, struct cross_reference, i));
	compile_end_warnings(c, "", "groups of another type");
}

static void tell_clashes(struct compile *c)
{
	const struct cross *x = c->cross;

	for (size_t i = 0; i < x->groups.count; i++) {
		const struct cross_group *group = CROSS_AT(&x->groups, struct cross_group, i);
		struct cross_place place;

		if (cross_kinds(x, group->key, CROSS_PERSON, &place) & CROSS_PERSON)
			CROSS_WARN(c, &group->place, "the group %s has the name of a person, %s:%u: lists that "
			           "name one mean both", cross_shown(group->name), place.file->name,
			           (unsigned)place.line);
	}
	compile_end_warnings(c, "", "groups with the name of a person");
}

/* --- persons of other servers ---------------------------------------------------------- */

static int references_by_key(const void *a, const void *b)
{
	const struct cross_reference *const *x = a, *const *y = b;
	int order = cross_order((*x)->key, (*y)->key);

	return order != 0 ? order : cross_order((*x)->place.turn, (*y)->place.turn);
}

STATUS cross_references(const struct cross *x, enum cross_item item,
                        const struct cross_reference ***list_r, size_t *count_r)
{
	const struct cross_reference **list = calloc(x->references.count + 1, sizeof(*list));
	size_t count = 0;

	if (list == NULL)
		return POSTIL_ERR_MEMORY;
	for (size_t i = 0; i < x->references.count; i++) {
		const struct cross_reference *r = CROSS_AT(&x->references, struct cross_reference, i);

		if (r->item == item)
			list[count++] = r;
	}
	qsort(list, count, sizeof(*list), references_by_key);
	*list_r = list;
	*count_r = count;
	return NOERROR;
}

static STATUS tell_mail_servers(struct compile *c)
{
	const struct cross_reference **list = NULL;
	size_t count = 0, of_one;
	STATUS status = cross_references(c->cross, CROSS_MAIL, &list, &count);

	for (size_t i = 0; status == NOERROR && i < count; i += of_one) {
		for (of_one = 1; i + of_one < count && list[i + of_one]->key == list[i]->key;)
			of_one++;
		if (of_one == 1)
			CROSS_WARN(c, &list[i]->place, "the mail server of this person is %s: logins here are "
			           "refused", cross_shown(list[i]->text));
		else
			CROSS_WARN(c, &list[i]->place, "the mail server of this person and %zu more is %s: logins "
			           "here are refused", of_one - 1, cross_shown(list[i]->text));
	}
	free(list);
	compile_end_warnings(c, "", "other mail servers");
	return status;
}

/* --- groups in a circle ------------------------------------------------------------------ */

/* Each group finds its members: references of one document stand together. */
static STATUS find_members(const struct cross *x)
{
	uint32_t *groups = calloc(x->turns_room + 1, sizeof(*groups));

	if (groups == NULL)
		return POSTIL_ERR_MEMORY;
	for (size_t i = 0; i < x->groups.count; i++)
		groups[CROSS_AT(&x->groups, struct cross_group, i)->place.note_id] = (uint32_t)i + 1;
	for (size_t i = 0; i < x->references.count; i++) {
		const struct cross_reference *r = CROSS_AT(&x->references, struct cross_reference, i);
		struct cross_group *group;

		if (r->item != CROSS_MEMBERS || groups[r->place.note_id] == 0)
			continue;
		group = CROSS_AT(&x->groups, struct cross_group, groups[r->place.note_id] - 1);
		if (group->count++ == 0)
			group->first = i;
	}
	free(groups);
	return NOERROR;
}

enum { WALK_NEW, WALK_OPEN, WALK_DONE };

struct walk {
	struct step {
		struct cross_group *group;
		size_t next;            /* member to look at */
	} *steps;
	size_t depth;
	uint8_t *states;                /* of each group */
};

static uint8_t *state_of(const struct cross *x, const struct walk *w, const struct cross_group *group)
{
	return &w->states[group - (const struct cross_group *)x->groups.p];
}

static void enter(const struct cross *x, struct walk *w, struct cross_group *group)
{
	*state_of(x, w, group) = WALK_OPEN;
	w->steps[w->depth++] = (struct step){ group, 0 };
}

/* Deep nesting costs no stack: the way down is a list of steps. */
static void walk_from(struct compile *c, struct walk *w, struct cross_group *root)
{
	const struct cross *x = c->cross;

	enter(x, w, root);
	while (w->depth > 0) {
		struct step *step = &w->steps[w->depth - 1];
		const struct cross_reference *r;
		struct cross_group *to;

		if (step->next == step->group->count) {
			*state_of(x, w, step->group) = WALK_DONE;
			w->depth--;
			continue;
		}
		r = CROSS_AT(&x->references, struct cross_reference, step->group->first + step->next++);
		to = find_group(x, r->key);
		if (to == NULL || to == step->group)    /* itself: told when it was indexed */
			continue;
		if (*state_of(x, w, to) == WALK_OPEN)
			CROSS_WARN(c, &r->place, "the group %s has the group %s among its Members, which contains "
			           "it: that adds nobody", cross_shown(step->group->name), cross_shown(to->name));
		else if (*state_of(x, w, to) == WALK_NEW)
			enter(x, w, to);
	}
}

static STATUS tell_circles(struct compile *c)
{
	const struct cross *x = c->cross;
	struct walk w = { .depth = 0 };
	STATUS status = find_members(x);

	w.steps = calloc(x->groups.count + 1, sizeof(*w.steps));
	w.states = calloc(x->groups.count + 1, 1);
	if (w.steps == NULL || w.states == NULL)
		status = POSTIL_ERR_MEMORY;
	for (size_t i = 0; status == NOERROR && i < x->groups.count; i++)
		if (w.states[i] == WALK_NEW)
			walk_from(c, &w, CROSS_AT(&x->groups, struct cross_group, i));
	free(w.steps);
	free(w.states);
	compile_end_warnings(c, "", "groups in a circle");
	return status;
}

STATUS cross_tell(struct compile *c)
{
	STATUS status = settle_all(c);

	if (status != NOERROR)
		return status;
	tell_references(c);
	tell_clashes(c);
	status = tell_circles(c);
	if (status == NOERROR)
		status = tell_mail_servers(c);
	cross_tell_sites(c);
	cross_tell_tls(c);
	return status == NOERROR ? cross_tell_configs(c) : status;
}

/* The Notes side of a mail file; see notes.h. Distrusted: names of folders and of notes as somebody
 * wrote them, and items, of which only the first octets are shown. */
#include "mailfile/notes.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

#define SHOWN_OCTETS 400

static STATUS told(struct fault *fault, STATUS status, const char *what)
{
	if (status == NOERROR || (fault != NULL && fault->status == status && fault->text[0] != '\0'))
		return status;
	return fault_set(fault, status, "%s: %s", what, status_text(status));
}

static void clear(struct fault *fault)
{
	if (fault != NULL)
		*fault = (struct fault){ .status = NOERROR };
}

/* --- ids ------------------------------------------------------------------------------ */

void notes_ids_release(struct notes_ids *ids)
{
	free(ids->all);
	*ids = (struct notes_ids){ 0 };
}

STATUS notes_ids_add(void *context, uint64_t id)
{
	struct notes_ids *ids = context;

	if (ids->count == ids->room) {
		size_t room = ids->room == 0 ? 64 : ids->room * 2;
		uint64_t *all = realloc(ids->all, room * sizeof(*all));

		if (all == NULL)
			return POSTIL_ERR_MEMORY;
		ids->all = all;
		ids->room = room;
	}
	ids->all[ids->count++] = id;
	return NOERROR;
}

/* The inbox as POP3 counts it, then what waits to be rendered; other folders by note. */
static STATUS inbox_message(void *context, const struct nsf_message *m)
{
	return notes_ids_add(context, m->id);
}

static STATUS inbox_ids(struct nsf *nsf, struct notes_ids *ids)
{
	STATUS status = nsf_inbox_list(nsf, 0, true, inbox_message, ids);

	for (size_t i = 0; status == NOERROR && i < ids->count; i++)
		status = nsf_note_of_message(nsf, ids->all[i], &ids->all[i]);
	return status;
}

static STATUS add_waiting(void *context, uint64_t note_id, int64_t sequence)
{
	(void)sequence;
	return notes_ids_add(context, note_id);
}

static STATUS folder_ids(struct nsf *nsf, struct slice folder, struct notes_ids *ids,
                         struct fault *fault)
{
	STATUS status;

	if (slice_equal_nocase(folder, SLICE_LIT(NSF_INBOX))) {
		status = inbox_ids(nsf, ids);
		return status == NOERROR ? nsf_pending_each(nsf, add_waiting, ids) : status;
	}
	status = nsf_folder_each(nsf, folder, notes_ids_add, ids);
	if (status == POSTIL_ERR_NOT_FOUND)
		fault_set(fault, status, "there is no folder \"%.*s\"", (int)folder.n, folder.p);
	return status;
}

static bool hexadecimal(struct slice s, uint64_t *value_r)
{
	uint64_t value = 0;

	if (s.n == 0 || s.n > 15)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10
			: c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;

		if (digit < 0)
			return false;
		value = value << 4 | (uint64_t)digit;
	}
	*value_r = value;
	return true;
}

static STATUS choose_numbers(struct nsf *nsf, struct slice folder, const char *text,
                             struct notes_ids *ids, struct fault *fault)
{
	struct slice all = slice_of(text), first = all, last = all;
	const char *dash = strchr(text, '-');
	struct notes_ids in = { 0 };
	uint64_t from = 0, to = 0;
	STATUS status;

	if (dash != NULL) {
		first.n = (size_t)(dash - text);
		last = (struct slice){ dash + 1, all.n - first.n - 1 };
	}
	if (!text_number(first, UINT32_MAX, &from) || !text_number(last, UINT32_MAX, &to)
	    || from == 0 || from > to)
		return fault_set(fault, POSTIL_ERR_INVALID, "\"%s\" is no number of a message, no range such "
		                 "as 3-9 and no note id such as NT0000012E", text);
	status = folder_ids(nsf, folder, &in, fault);
	if (status == NOERROR && to > in.count)
		status = fault_set(fault, POSTIL_ERR_NOT_FOUND, "there is no message %llu; there are %zu",
		                   (unsigned long long)to, in.count);
	for (uint64_t i = from; status == NOERROR && i <= to; i++)
		status = notes_ids_add(ids, in.all[i - 1]);
	notes_ids_release(&in);
	return status;
}

STATUS notes_choose(struct nsf *nsf, struct slice folder, const char *text, struct notes_ids *ids,
                    struct fault *fault)
{
	struct arena arena = ARENA_INIT;
	struct note note;
	uint64_t id;
	STATUS status;

	clear(fault);
	if ((text[0] != 'N' && text[0] != 'n') || (text[1] != 'T' && text[1] != 't')
	    || !hexadecimal(slice_of(text + 2), &id))
		return told(fault, choose_numbers(nsf, folder, text, ids, fault), text);
	status = nsf_note_get(nsf, id, &arena, &note);
	arena_release(&arena);
	if (status == POSTIL_ERR_DELETED)
		return fault_set(fault, POSTIL_ERR_NOT_FOUND, "there is no note %s", text);
	return told(fault, status == NOERROR ? notes_ids_add(ids, id) : status, text);
}

struct wanted {
	struct slice uidl;
	uint64_t id;
};

static STATUS compare_uidl(void *context, const struct nsf_message *m)
{
	struct wanted *wanted = context;

	if (slice_equal(m->uidl, wanted->uidl))
		wanted->id = m->id;
	return NOERROR;
}

STATUS notes_choose_uidl(struct nsf *nsf, struct slice uidl, struct notes_ids *ids,
                         struct fault *fault)
{
	struct wanted wanted = { uidl, 0 };
	uint64_t note = 0;
	STATUS status;

	clear(fault);
	status = nsf_inbox_list(nsf, 0, true, compare_uidl, &wanted);
	if (status == NOERROR && wanted.id == 0)        /* or that of a second form */
		status = nsf_inbox_list(nsf, 0, false, compare_uidl, &wanted);
	if (status == NOERROR && wanted.id == 0)
		return fault_set(fault, POSTIL_ERR_NOT_FOUND, "there is no message with the UIDL %.*s",
		                 (int)uidl.n, uidl.p);
	if (status == NOERROR)
		status = nsf_note_of_message(nsf, wanted.id, &note);
	return told(fault, status == NOERROR ? notes_ids_add(ids, note) : status,
	            "the messages cannot be listed");
}

/* --- listing ---------------------------------------------------------------------------- */

struct marks {
	struct notes_ids unread;        /* in order */
	size_t at;
	bool asked;
};

static STATUS marks_get(struct nsf *nsf, struct slice user, struct marks *marks)
{
	uint64_t id = 0;
	STATUS status;

	if (user.n == 0)
		return NOERROR;
	marks->asked = true;
	status = nsf_user_id(nsf, user, false, &id);
	if (status != NOERROR && status != POSTIL_ERR_NOT_FOUND)
		return status;
	return nsf_unread_each(nsf, id, notes_ids_add, &marks->unread);
}

static int compare_ids(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static bool is_unread(const struct marks *marks, uint64_t id)
{
	return marks->asked && marks->unread.count > 0
	       && bsearch(&id, marks->unread.all, marks->unread.count, sizeof(id), compare_ids) != NULL;
}

static struct slice shown(struct slice text)
{
	if (text.n > SHOWN_OCTETS)
		text.n = SHOWN_OCTETS;
	while (text.n > 0 && !text_is_utf8(text))
		text.n--;
	return text;
}

static int64_t date_of(const struct note *note)
{
	char text[64];
	struct slice posted = note_text(note, "PostedDate");
	int64_t ms;

	if (posted.n > 0 && posted.n < sizeof(text)) {
		memcpy(text, posted.p, posted.n);
		text[posted.n] = '\0';
		if (timedate_parse_dxl(text, &ms))
			return ms;
	}
	return note->created_ms;
}

static STATUS entry_get(struct nsf *nsf, struct arena *arena, struct notes_entry *entry)
{
	struct nsf_note_message m;
	struct note note;
	STATUS status = nsf_note_get(nsf, entry->note_id, arena, &note);

	if (status != NOERROR)
		return status;
	entry->from = shown(note_text(&note, "From"));
	entry->subject = shown(note_text(&note, "Subject"));
	entry->date_ms = date_of(&note);
	status = nsf_message_of_note(nsf, entry->note_id, &m);
	entry->has_message = status == NOERROR;
	entry->size_octets = status == NOERROR ? m.message.size_octets : 0;
	return status == POSTIL_ERR_NOT_FOUND ? NOERROR : status;
}

static STATUS list_ids(struct nsf *nsf, const struct notes_ids *ids, const struct marks *marks,
                       STATUS (*each)(void *context, const struct notes_entry *entry),
                       void *context)
{
	STATUS status = NOERROR;

	for (size_t i = 0; status == NOERROR && i < ids->count; i++) {
		struct notes_entry entry = { .note_id = ids->all[i], .number = (uint32_t)i + 1,
			.unread = is_unread(marks, ids->all[i]) };
		struct arena arena = ARENA_INIT;

		status = entry_get(nsf, &arena, &entry);
		if (status == NOERROR)
			status = each(context, &entry);
		else if (status == POSTIL_ERR_DELETED)  /* since it was listed */
			status = NOERROR;
		arena_release(&arena);
	}
	return status;
}

STATUS notes_list(struct nsf *nsf, struct slice folder, struct slice user,
                  STATUS (*each)(void *context, const struct notes_entry *entry), void *context,
                  struct fault *fault)
{
	struct notes_ids ids = { 0 };
	struct marks marks = { .asked = false };
	STATUS status;

	clear(fault);
	status = folder_ids(nsf, folder, &ids, fault);
	if (status == NOERROR)
		status = marks_get(nsf, user, &marks);
	if (status == NOERROR)
		status = list_ids(nsf, &ids, &marks, each, context);
	notes_ids_release(&ids);
	notes_ids_release(&marks.unread);
	return told(fault, status, "the notes cannot be listed");
}

/* --- changing ------------------------------------------------------------------------------ */

/* All in one transaction. */
static STATUS for_each(struct nsf *nsf, const struct notes_ids *ids,
                       STATUS (*change)(struct nsf *nsf, uint64_t id, void *context), void *context,
                       const char *what, struct fault *fault)
{
	STATUS status;

	clear(fault);
	status = nsf_begin(nsf, fault);
	if (status != NOERROR)
		return status;
	for (size_t i = 0; status == NOERROR && i < ids->count; i++)
		status = change(nsf, ids->all[i], context);
	if (status == NOERROR)
		return nsf_commit(nsf, fault);
	nsf_rollback(nsf);
	return told(fault, status, what);
}

STATUS notes_mark(struct nsf *nsf, struct slice user, bool read, const struct notes_ids *ids,
                  struct fault *fault)
{
	uint64_t id = 0;
	STATUS status;

	clear(fault);
	status = nsf_user_id(nsf, user, true, &id);
	if (status == NOERROR)
		status = read ? nsf_mark_read(nsf, id, ids->all, ids->count)
			: nsf_mark_unread(nsf, id, ids->all, ids->count);
	return told(fault, status, "the marks cannot be set");
}

struct move {
	struct slice from, to;
};

static STATUS move_one(struct nsf *nsf, uint64_t id, void *context)
{
	const struct move *move = context;
	STATUS status;

	if (slice_equal_nocase(move->to, SLICE_LIT(NSF_TRASH)))
		return nsf_trash_put(nsf, id);
	status = nsf_folder_add(nsf, move->to, id);
	if (status != NOERROR || slice_equal_nocase(move->from, SLICE_LIT(NSF_ALL))
	    || slice_equal_nocase(move->from, move->to))
		return status;
	return nsf_folder_take(nsf, move->from, id);
}

static STATUS has_folder(void *context, struct slice name, uint64_t notes)
{
	struct slice *wanted = context;

	(void)notes;
	return slice_equal_nocase(name, *wanted) ? POSTIL_ERR_EXISTS : NOERROR;
}

STATUS notes_move(struct nsf *nsf, struct slice from, struct slice to, const struct notes_ids *ids,
                  struct fault *fault)
{
	struct move move = { from, to };
	const struct slice *both[] = { &move.from, &move.to };

	clear(fault);
	for (size_t i = 0; i < 2; i++) {
		STATUS status = nsf_folders_each(nsf, has_folder, (void *)(uintptr_t)both[i]);

		if (status == NOERROR)
			return fault_set(fault, POSTIL_ERR_NOT_FOUND, "there is no folder \"%.*s\"",
			                 (int)both[i]->n, both[i]->p);
		if (status != POSTIL_ERR_EXISTS)
			return told(fault, status, "the folders cannot be read");
	}
	return for_each(nsf, ids, move_one, &move, "the notes cannot be moved", fault);
}

static STATUS delete_one(struct nsf *nsf, uint64_t id, void *context)
{
	const bool *to_trash = context;
	int64_t since;
	STATUS status;

	if (*to_trash && nsf_trash_since(nsf, id, &since) == POSTIL_ERR_NOT_FOUND)
		return nsf_trash_put(nsf, id);
	status = nsf_note_delete(nsf, id);
	return status == POSTIL_ERR_DELETED ? NOERROR : status;         /* named twice */
}

STATUS notes_delete(struct nsf *nsf, bool for_good, const struct notes_ids *ids,
                    struct fault *fault)
{
	uint64_t hours = 0;
	STATUS status;
	bool to_trash;

	clear(fault);
	status = nsf_setting_get(nsf, NSF_SOFT_DELETE_HOURS, &hours);
	if (status != NOERROR)
		return told(fault, status, "the properties cannot be read");
	to_trash = !for_good && hours > 0;
	return for_each(nsf, ids, delete_one, &to_trash, "the notes cannot be deleted", fault);
}

static STATUS restore_one(struct nsf *nsf, uint64_t id, void *context)
{
	(void)context;
	return nsf_trash_restore(nsf, id);
}

STATUS notes_restore(struct nsf *nsf, const struct notes_ids *ids, struct fault *fault)
{
	STATUS status = for_each(nsf, ids, restore_one, NULL, "the notes cannot be restored", fault);

	if (status == POSTIL_ERR_NOT_FOUND)
		return fault_set(fault, status, "a note is not in the trash; nothing has been restored");
	return status;
}

STATUS notes_empty_trash(struct nsf *nsf, uint64_t *count_r, struct fault *fault)
{
	bool more = true;
	STATUS status = NOERROR;

	clear(fault);
	*count_r = 0;
	while (status == NOERROR && more)
		status = nsf_trash_purge(nsf, INT64_MAX, count_r, &more);
	return told(fault, status, "the trash cannot be emptied");
}

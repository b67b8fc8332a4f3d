/*
 * The one person meant, and the document beside it. Distrusts the name given and what
 * lies in names/local.
 */
#include "addin/tools/localperson.h"

#include <sysexits.h>

#include "base/name.h"
#include "base/text.h"

#include "base/banned.h"

#define FORM "LocalPerson"

/* --- whose ----------------------------------------------------------------------- */

static STATUS find(struct person_tool *t, struct slice name, bool more, struct arena *arena,
                   const struct person **persons_r, size_t *count_r)
{
	return directory_find_login(t->dir, name, more, PERSON_MATCHES_MAX, arena, persons_r,
	                            count_r);
}

static int unknown(struct person_tool *t, struct slice name, struct arena *arena)
{
	const struct person *persons;
	struct buf names = BUF_INIT, shown = BUF_INIT;
	size_t count = 0;

	tool_add_text(&shown, name);
	if (!t->more && find(t, name, true, arena, &persons, &count) == NOERROR && count > 0) {
		person_add_names(&names, persons, count);
		tool_say("nobody can log in by the name %s; with \"more name variations\" it "
		         "would mean %s", buf_cstr(&shown), buf_cstr(&names));
	} else {
		tool_say("nobody can log in by the name %s", buf_cstr(&shown));
	}
	buf_release(&names);
	buf_release(&shown);
	return EX_NOUSER;
}

static int ambiguous(const struct person *persons, size_t count)
{
	struct buf names = BUF_INIT;

	person_add_names(&names, persons, count);
	tool_say("%zu persons have that name: %s; name one so that it means nobody else", count,
	         buf_cstr(&names));
	buf_release(&names);
	return EX_DATAERR;
}

static int no_answer(struct person_tool *t, STATUS status)
{
	if (status == POSTIL_ERR_AMBIGUOUS) {
		tool_say("more than %d persons have that name", PERSON_MATCHES_MAX);
		return EX_DATAERR;
	}
	if (status == POSTIL_ERR_INVALID)
		tool_say("that is no name: empty, too long, or not UTF-8");
	else
		tool_say("%s/names.nsf: %s", t->data_dir, status_text(status));
	return tool_exit_status(status);
}

int localperson_find_one(struct person_tool *t, struct slice name, struct arena *arena,
                         struct slice *name_r)
{
	const struct person *persons, *others;
	size_t count, other_count, same = 0;
	STATUS status = find(t, name, t->more, arena, &persons, &count);

	if (status != NOERROR)
		return no_answer(t, status);
	if (count == 0)
		return unknown(t, name, arena);
	if (count > 1)
		return ambiguous(persons, count);
	status = find(t, persons[0].name, false, arena, &others, &other_count);
	if (status != NOERROR)
		return no_answer(t, status);
	for (size_t i = 0; i < other_count; i++)
		same += name_equal(others[i].name, persons[0].name);
	if (same > 1)
		return ambiguous(others, other_count);
	*name_r = persons[0].name;
	return EX_OK;
}

/* --- the document ------------------------------------------------------------------ */

static struct note *find_note(const struct local_notes *notes, struct slice name)
{
	for (size_t i = 0; i < notes->count; i++)
		if (slice_equal_nocase(note_text(notes->notes[i], "Form"), SLICE_LIT(FORM))
		    && name_equal(note_text(notes->notes[i], "FullName"), name))
			return notes->notes[i];
	return NULL;
}

static STATUS make_note(struct local_notes *notes, struct arena *arena, struct slice name,
                        struct note **note_r)
{
	struct note *note = arena_alloc(arena, sizeof(*note));
	STATUS status;

	if (note == NULL)
		return POSTIL_ERR_MEMORY;
	note_init(note, arena);
	status = person_set_text(note, "Form", 0, SLICE_LIT(FORM));
	if (status == NOERROR)
		status = person_set_text(note, "FullName", ITEM_NAMES, name);
	if (status == NOERROR)
		status = local_add(notes, arena, note);
	*note_r = note;
	return status;
}

STATUS localperson_change(const struct local *local, const char *file, struct slice name,
                          STATUS (*change)(void *context, struct note *note), void *context,
                          struct fault *fault)
{
	struct arena arena = ARENA_INIT;
	struct local_notes notes = { .count = 0 };
	struct note *note;
	STATUS status = local_read(local, file, &arena, &notes, fault);

	if (status == POSTIL_ERR_NOEXIST)
		status = NOERROR;
	note = find_note(&notes, name);
	if (status == NOERROR && note == NULL)
		status = make_note(&notes, &arena, name, &note);
	if (status == NOERROR)
		status = change(context, note);
	if (status == NOERROR)
		status = local_write(local, file, &notes, false, fault);
	arena_release(&arena);
	return status;
}

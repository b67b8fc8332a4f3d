/*
 * postil passwd: a person's Internet password, in a document of its own of the form
 * LocalPerson, which holds in place of what the Person document says. Distrusts the
 * name given and what lies in names/local.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "addin/tools/person.h"
#include "base/name.h"
#include "base/text.h"

#include "base/banned.h"

#define USAGE "passwd [-123] [-d DATA] [-r ROUNDS] NAME"
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

/* The first name of the one person meant, and of no other. */
static int find_one(struct person_tool *t, struct slice name, struct arena *arena,
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

/* What else the file holds stays. */
static STATUS change(const struct local *local, const char *file, struct slice name,
                     const char *digest, struct fault *fault)
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
		status = person_set_password(note, digest);
	if (status == NOERROR)
		status = local_write(local, file, &notes, false, fault);
	arena_release(&arena);
	return status;
}

struct setting {
	struct person_tool *tool;
	struct slice name;
	struct buf shown;               /* the name, for people */
	struct buf words;               /* what kind of digest */
	struct buf file;
	char digest[64];
};

/* Written; does it hold? */
static int taken_up(struct setting *s)
{
	struct fault fault = { .status = NOERROR };
	STATUS status = person_compile(s->tool, &fault);

	if (status != NOERROR) {
		tool_say("the password has been written to " LOCAL_FOLDER "/%s, but does not hold "
		         "yet: %s; `postil directory update` tries again", buf_cstr(&s->file),
		         fault_text(&fault, status));
		return tool_exit_status(status);
	}
	if (!person_has(s->tool, s->name, s->digest)) {
		tool_say("the password has been written to " LOCAL_FOLDER "/%s, but does not hold: "
		         "another document decides; see `postil directory show`",
		         buf_cstr(&s->file));
		return EX_DATAERR;
	}
	printf("The Internet password of %s is set (%s) and holds from now on; it is kept in "
	       LOCAL_FOLDER "/%s.\n", buf_cstr(&s->shown), buf_cstr(&s->words),
	       buf_cstr(&s->file));
	return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
}

static int keep(struct setting *s)
{
	struct fault fault = { .status = NOERROR };
	struct local local;
	STATUS status = local_name(s->name, ENDING_LOCAL, &s->file);
	int exit_status;

	if (status == NOERROR)
		status = local_open(s->tool->data_dir, &local, &fault);
	if (status != NOERROR)
		return tool_fail(&fault, status);
	status = change(&local, buf_cstr(&s->file), s->name, s->digest, &fault);
	exit_status = status == NOERROR ? taken_up(s) : tool_fail(&fault, status);
	local_close(&local);
	return exit_status;
}

static int set_password(struct person_tool *t, const struct digest_wish *wish,
                        struct slice name)
{
	struct setting s = { .tool = t, .name = name, .shown = BUF_INIT, .words = BUF_INIT,
	                     .file = BUF_INIT };
	struct buf prompt = BUF_INIT;
	struct fault fault = { .status = NOERROR };
	struct secret secret;
	int exit_status;
	STATUS status;

	person_add_names(&s.shown, &(struct person){ .name = name }, 1);
	buf_addf(&prompt, "New Internet password of %s: ", buf_cstr(&s.shown));
	status = ask_new_password(buf_cstr(&prompt), &secret, &fault);
	if (status == NOERROR) {
		status = person_digest(t, wish, &secret, s.digest, &s.words, &fault);
		crypt_wipe(&secret, sizeof(secret));
	}
	exit_status = status == NOERROR ? keep(&s) : tool_fail(&fault, status);
	crypt_wipe(s.digest, sizeof(s.digest));
	buf_release(&prompt);
	buf_release(&s.shown);
	buf_release(&s.words);
	buf_release(&s.file);
	return exit_status;
}

int person_passwd(int argc, char **argv)
{
	struct digest_wish wish = { .kind = INETPASS_V3 };
	struct arena arena = ARENA_INIT;
	const char *data = NULL;
	struct person_tool t;
	struct slice name;
	int option, exit_status;

	while ((option = getopt(argc, argv, "hd:" DIGEST_OPTIONS)) != -1)
		if (option == 'h')
			return tool_help(USAGE);
		else if (option == 'd')
			data = optarg;
		else if (!digest_option(&wish, option, optarg))
			return tool_usage(USAGE);
	if (argc - optind != 1 || !digest_wish_fits(&wish))
		return tool_usage(USAGE);
	exit_status = person_tool_open(&t, data, false);
	if (exit_status != EX_OK)
		return exit_status;
	exit_status = find_one(&t, slice_of(argv[optind]), &arena, &name);
	if (exit_status == EX_OK)
		exit_status = set_password(&t, &wish, name);
	arena_release(&arena);
	person_tool_close(&t);
	return exit_status;
}

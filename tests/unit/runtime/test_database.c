/* NSF...: documents written by a task are in the database, item by item. */
#include "addin/api/nsfdb.h"
#include "addin/api/nsfnote.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "addin/runtime/link.h"
#include "base/clock.h"
#include "nsf/nsf.h"
#include "tests/support/fakehost.h"
#include "tests/support/unit.h"

static bool say_directory(void *context, struct fakehost *host, struct wire_in *in)
{
	struct wire_out *out;

	if (in->kind != WIRE_HELLO)
		return false;
	out = fakehost_reply(host, in->kind, in->id, 0, NOERROR);
	wire_put_text(out, context);
	wire_put_text(out, "Alpha/Acme");
	wire_put_text(out, "/programs");
	fakehost_send(host);
	return true;
}

static struct fakehost *open_link(char *directory)
{
	struct fakehost *host;
	int fd;

	host = fakehost_start(say_directory, directory, &fd);
	ck_assert_int_eq(link_open(fd, "tester"), NOERROR);
	return host;
}

static char *path_of(const char *directory, const char *name)
{
	char *path = NULL;

	ck_assert_int_gt(asprintf(&path, "%s/%s", directory, name), 0);
	return path;
}

static STATUS count_one(void *context, uint64_t id)
{
	uint64_t *ids = context;

	ids[++ids[0]] = id;
	return NOERROR;
}

/* The notes of a file; returns how many, the last in note_r. */
static uint64_t read_back(const char *path, struct arena *arena, struct note *note_r)
{
	uint64_t ids[10] = { 0 };
	struct nsf *nsf;

	ck_assert_int_eq(nsf_open(path, &nsf, NULL), NOERROR);
	ck_assert_int_eq(nsf_notes_each(nsf, count_one, ids), NOERROR);
	if (ids[0] > 0)
		ck_assert_int_eq(nsf_note_get(nsf, ids[ids[0]], arena, note_r), NOERROR);
	nsf_close(&nsf);
	return ids[0];
}

START_TEST(documents)
{
	char *directory = unit_tempdir(), *path = path_of(directory, "addintst.nsf");
	struct fakehost *host = open_link(directory);
	struct arena arena = ARENA_INIT;
	NOTEHANDLE note;
	struct note back;
	TIMEDATE time = { { 6231300, 2456878 } };
	NUMBER number = 1.25;
	DBHANDLE db;

	ck_assert_int_eq(NSFDbOpen("addintst", &db), POSTIL_ERR_NOEXIST);
	ck_assert_uint_eq(db, NULLHANDLE);
	ck_assert_int_eq(NSFDbCreate("addintst", DBCLASS_NOTEFILE, FALSE), NOERROR);
	ck_assert_int_eq(NSFDbCreate("addintst.nsf", DBCLASS_NOTEFILE, FALSE), POSTIL_ERR_EXISTS);
	ck_assert_int_eq(NSFDbOpen(path, &db), NOERROR);
	ck_assert_int_eq(NSFNoteCreate(db, &note), NOERROR);
	ck_assert_int_eq(NSFItemSetText(note, "Form", "Wrong", MAXWORD), NOERROR);
	ck_assert_int_eq(NSFItemSetText(note, "Text", "two\0lines\0ignored", 9), NOERROR);
	ck_assert_int_eq(NSFItemSetText(note, "FORM", "AddInForm", MAXWORD), NOERROR);
	ck_assert_int_eq(NSFItemSetTime(note, "Time", &time), NOERROR);
	ck_assert_int_eq(NSFItemSetNumber(note, "Number", &number), NOERROR);
	ck_assert_int_eq(NSFItemSetText(note, "Bad", "\xFF", MAXWORD), POSTIL_ERR_INVALID);
	ck_assert_int_eq(NSFItemSetText(note, "", "x", MAXWORD), POSTIL_ERR_INVALID);
	ck_assert_int_eq(NSFNoteUpdate(note, 0), NOERROR);
	ck_assert_uint_eq(read_back(path, &arena, &back), 1);
	ck_assert(slice_equal(note_text(&back, "Form"), SLICE_LIT("AddInForm")));
	ck_assert_ptr_null(note_find_next(note_find(&back, "Form"), "Form"));
	ck_assert(slice_equal(note_text(&back, "Text"), SLICE_LIT("two\nlines")));
	ck_assert(slice_equal(note_text(&back, "Number"), SLICE_LIT("1.25")));
	ck_assert_int_eq(strncmp(note_text(&back, "Time").p, "20140808T171833", 15), 0);
	/* again: the same document, changed */
	ck_assert_int_eq(NSFItemSetText(note, "Form", "Other", MAXWORD), NOERROR);
	ck_assert_int_eq(NSFNoteUpdate(note, 0), NOERROR);
	ck_assert_uint_eq(read_back(path, &arena, &back), 1);
	ck_assert(slice_equal(note_text(&back, "Form"), SLICE_LIT("Other")));
	ck_assert_int_eq(NSFNoteClose(note), NOERROR);
	ck_assert_int_eq(NSFDbClose(db), NOERROR);
	ck_assert_int_eq(NSFDbCreate("addintst", DBCLASS_NOTEFILE, TRUE), NOERROR);
	ck_assert_uint_eq(read_back(path, &arena, &back), 0);
	arena_release(&arena);
	fakehost_stop(&host);
	free(path);
	unit_tempdir_remove(&directory);
}
END_TEST

START_TEST(wrong_handles)
{
	char *directory = unit_tempdir();
	struct fakehost *host = open_link(directory);
	DBHANDLE db, old;
	NOTEHANDLE note;

	ck_assert_int_ne(NSFNoteCreate(0, &note), NOERROR);
	ck_assert_int_ne(NSFNoteCreate(77, &note), NOERROR);
	ck_assert_int_ne(NSFDbClose(MAXDWORD), NOERROR);
	ck_assert_int_ne(NSFNoteUpdate(1, 0), NOERROR);
	ck_assert_int_ne(NSFItemSetText(1, "A", "b", MAXWORD), NOERROR);
	ck_assert_int_eq(NSFDbOpen(NULL, &db), POSTIL_ERR_INVALID);
	ck_assert_int_eq(NSFDbOpen("Beta!!x.nsf", &db), POSTIL_ERR_INVALID);
	ck_assert_int_eq(NSFDbCreate("x", 5, FALSE), POSTIL_ERR_INVALID);
	ck_assert_int_eq(NSFDbCreate("x", DBCLASS_NOTEFILE, FALSE), NOERROR);
	ck_assert_int_eq(NSFDbOpen("x", &db), NOERROR);
	ck_assert_int_eq(NSFNoteCreate(db, &note), NOERROR);
	ck_assert_int_eq(NSFDbClose(db), NOERROR);      /* closes the note */
	ck_assert_int_ne(NSFNoteUpdate(note, 0), NOERROR);
	ck_assert_int_ne(NSFNoteClose(note), NOERROR);
	old = db;
	ck_assert_int_eq(NSFDbOpen("x", &db), NOERROR);
	ck_assert_uint_ne(db, old);
	ck_assert_int_ne(NSFDbClose(old), NOERROR);
	ck_assert_int_eq(NSFNoteCreate(db, &note), NOERROR);
	ck_assert_int_eq(NSFNoteClose(note), NOERROR);
	ck_assert_int_ne(NSFNoteClose(note), NOERROR);
	ck_assert_int_eq(NSFDbClose(db), NOERROR);
	fakehost_stop(&host);
	unit_tempdir_remove(&directory);
}
END_TEST

START_TEST(many_handles)
{
	char *directory = unit_tempdir();
	struct fakehost *host = open_link(directory);
	DBHANDLE databases[65];
	NOTEHANDLE note;
	unsigned opened = 0, created = 0;

	ck_assert_int_eq(NSFDbCreate("x", DBCLASS_NOTEFILE, FALSE), NOERROR);
	while (opened < 65 && NSFDbOpen("x", &databases[opened]) == NOERROR)
		opened++;
	ck_assert_uint_eq(opened, 64);
	while (NSFNoteCreate(databases[created % 64], &note) == NOERROR)
		created++;
	ck_assert_uint_eq(created, 1024);
	while (opened > 0)
		ck_assert_int_eq(NSFDbClose(databases[--opened]), NOERROR);
	fakehost_stop(&host);
	unit_tempdir_remove(&directory);
}
END_TEST

UNIT_MAIN("database", documents, wrong_handles, many_handles)

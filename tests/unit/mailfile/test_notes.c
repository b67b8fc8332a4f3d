/* The Notes side of a mail file: which notes a text names, and properties as they are written. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "mailfile/notes.h"
#include "tests/support/unit.h"
#include "tests/unit/nsf/help.h"

#define INBOX SLICE_LIT(NSF_INBOX)

static char *dir;
static char path[4096];
static struct nsf *nsf;
static struct fault fault;

static void start(void)
{
	dir = unit_tempdir();
	nsf = help_create(dir, path, sizeof(path));
	for (uint64_t i = 1; i <= 5; i++)
		help_deliver(nsf, i, 100, i == 3 ? "three" : "");
}

static void stop(void)
{
	nsf_close(&nsf);
	ck_assert(help_check(path));
	unit_tempdir_remove(&dir);
}

/* The ids that a text names as digits; 0: none. */
static uint64_t chosen(struct slice folder, const char *text, STATUS expected)
{
	struct notes_ids ids = { 0 };
	uint64_t sum = 0;
	STATUS status = notes_choose(nsf, folder, text, &ids, &fault);

	ck_assert_msg(status == expected, "%s: %04x", text, status);
	ck_assert(status == NOERROR || fault.text[0] != '\0');
	for (size_t i = 0; i < ids.count; i++)
		sum = sum * 10 + ids.all[i];
	notes_ids_release(&ids);
	return sum;
}

START_TEST(test_choose)
{
	struct notes_ids ids = { 0 };

	start();
	ck_assert_uint_eq(nsf_note_delete(nsf, 2), NOERROR);
	ck_assert_uint_eq(chosen(INBOX, "2", NOERROR), 3);
	ck_assert_uint_eq(chosen(INBOX, "1-4", NOERROR), 1345);
	ck_assert_uint_eq(chosen(INBOX, "NT00000004", NOERROR), 4);
	ck_assert_uint_eq(chosen(INBOX, "nt4", NOERROR), 4);
	chosen(INBOX, "5", POSTIL_ERR_NOT_FOUND);
	chosen(INBOX, "NT2", POSTIL_ERR_NOT_FOUND);
	chosen(INBOX, "NTFFFFFFFFFFFFFFF", POSTIL_ERR_NOT_FOUND);
	chosen(SLICE_LIT("Nowhere"), "1", POSTIL_ERR_NOT_FOUND);
	for (const char *const *wrong = (const char *const[]){ "", "0", "-1", "2-1", "x", "NT", "NTX",
	     "99999999999999999999", "1-", "NT1234567812345678", NULL }; *wrong != NULL; wrong++)
		chosen(INBOX, *wrong, POSTIL_ERR_INVALID);
	ck_assert_uint_eq(notes_choose_uidl(nsf, SLICE_LIT("three"), &ids, &fault), NOERROR);
	ck_assert_uint_eq(ids.all[0], 3);
	ck_assert_uint_eq(notes_choose_uidl(nsf, SLICE_LIT("four"), &ids, &fault),
	                  POSTIL_ERR_NOT_FOUND);
	notes_ids_release(&ids);
	stop();
}
END_TEST

START_TEST(test_all_or_none)
{
	uint64_t all[] = { 1, 2, 77 };
	struct notes_ids ids = { all, 3, 3 };
	struct help_list list;

	start();
	ck_assert_uint_eq(nsf_folder_make(nsf, SLICE_LIT("Projects")), NOERROR);
	ck_assert_uint_eq(notes_move(nsf, INBOX, SLICE_LIT("Projects"), &ids, &fault),
	                  POSTIL_ERR_DELETED);
	ck_assert_uint_eq(chosen(SLICE_LIT("Projects"), "1", POSTIL_ERR_NOT_FOUND), 0);
	ids.count = 2;
	ck_assert_uint_eq(notes_move(nsf, SLICE_LIT("None"), INBOX, &ids, &fault), POSTIL_ERR_NOT_FOUND);
	ck_assert_uint_eq(notes_move(nsf, INBOX, SLICE_LIT(NSF_TRASH), &ids, &fault), NOERROR);
	ids.count = 3;
	ck_assert_uint_eq(notes_restore(nsf, &ids, &fault), POSTIL_ERR_NOT_FOUND);
	help_list(nsf, 0, &list);
	ck_assert_uint_eq(list.count, 3);
	help_list_release(&list);
	ids.count = 2;
	ck_assert_uint_eq(notes_restore(nsf, &ids, &fault), NOERROR);
	all[1] = 1;                             /* named twice */
	ck_assert_uint_eq(notes_delete(nsf, false, &ids, &fault), NOERROR);
	help_list(nsf, 0, &list);
	ck_assert_uint_eq(list.count, 4);
	help_list_release(&list);
	stop();
}
END_TEST

struct wanted {
	const char *name, *value;
	bool seen;
};

static STATUS look(void *context, const char *name, struct slice value)
{
	struct wanted *w = context;

	if (strcmp(name, w->name) == 0) {
		ck_assert_msg(slice_equal(value, slice_of(w->value)), "%s is %.*s", name, (int)value.n,
		              value.p);
		w->seen = true;
	}
	return NOERROR;
}

START_TEST(test_properties)
{
	static const struct {
		const char *name, *set, *shown; /* shown NULL: refused */
	} cases[] = {
		{ "quota", "0", "0" }, { "quota", "1", "1" }, { "quota", "3K", "3072" },
		{ "quota", "2m", "2097152" }, { "quota", "8G", "8589934592" },
		{ "quota", "9999999999G", NULL }, { "quota", "K", NULL }, { "quota", "-1", NULL },
		{ "quota", "1T", NULL }, { "quota", "", NULL }, { "quota", "1 K", NULL },
		{ "quota-messages", "7", "7" }, { "quota-messages", "7K", NULL },
		{ "soft-deletion", "48", "48" }, { "cutoff", "30", "30" },
		{ "title", "J\xc3\xa4ne", "J\xc3\xa4ne" }, { "title", "", "" },
		{ "title", "a\nb", NULL }, { "title", "\xff", NULL },
		{ "owner", "Jane Doe/Acme", "CN=Jane Doe/O=Acme" },
		{ "replica", "85257ab0:00123456", "85257AB0:00123456" },
		{ "replica", "0123456789ABCDEF", "01234567:89ABCDEF" },
		{ "replica", "0123456789ABCDE", NULL }, { "replica", "0123:456789ABCDEF", NULL },
		{ "replica", "0123456789ABCDEFF", NULL }, { "replica", "", NULL },
		{ "format", "2", "2" }, { "format", "3", NULL }, { "format", "22", NULL },
	};

	start();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wanted w = { cases[i].name, cases[i].shown, false };
		STATUS status = notes_property_set(nsf, cases[i].name, slice_of(cases[i].set), &fault);

		ck_assert_msg(status == (w.value == NULL ? POSTIL_ERR_INVALID : NOERROR), "%s=%s: %04x",
		              cases[i].name, cases[i].set, status);
		if (w.value == NULL)
			continue;
		ck_assert_uint_eq(notes_properties_each(nsf, look, &w, &fault), NOERROR);
		ck_assert(w.seen);
	}
	ck_assert_uint_eq(notes_property_set(nsf, "colour", SLICE_LIT("x"), NULL), POSTIL_ERR_NOT_FOUND);
	stop();
}
END_TEST

struct shown {
	char text[200];
};

static STATUS add_entry(void *context, const struct notes_entry *e)
{
	struct shown *s = context;
	size_t n = strlen(s->text);

	snprintf(s->text + n, sizeof(s->text) - n, "%u%s%llu%s;", e->number, e->unread ? "*" : ":",
	         (unsigned long long)e->note_id, e->has_message ? "" : "-");
	return NOERROR;
}

START_TEST(test_list)
{
	struct note note = { .class = NOTE_CLASS_DOCUMENT };
	struct shown none = { "" }, jane = { "" }, trash = { "" };
	uint64_t one[] = { 2 };
	struct notes_ids ids = { one, 1, 1 };
	uint64_t id;

	start();
	ck_assert_uint_eq(nsf_note_put(nsf, &note, &id), NOERROR);
	ck_assert_uint_eq(nsf_inbox_add_pending(nsf, id), NOERROR);
	ck_assert_uint_eq(nsf_trash_put(nsf, 4), NOERROR);
	ck_assert_uint_eq(notes_mark(nsf, SLICE_LIT("CN=Jane"), true, &ids, &fault), NOERROR);
	ck_assert_uint_eq(notes_list(nsf, INBOX, SLICE_LIT(""), add_entry, &none, &fault), NOERROR);
	ck_assert_str_eq(none.text, "1:1;2:2;3:3;4:5;5:6-;");
	ck_assert_uint_eq(notes_list(nsf, INBOX, SLICE_LIT("CN=Jane"), add_entry, &jane, &fault),
	                  NOERROR);
	ck_assert_str_eq(jane.text, "1*1;2:2;3*3;4*5;5*6-;");
	ck_assert_uint_eq(notes_list(nsf, SLICE_LIT("($SoftDeletions)"), SLICE_LIT("CN=Nobody"), add_entry,
	                             &trash, &fault), NOERROR);
	ck_assert_str_eq(trash.text, "1*4;");
	ck_assert_uint_eq(notes_list(nsf, SLICE_LIT("x"), SLICE_LIT(""), add_entry, &none, &fault),
	                  POSTIL_ERR_NOT_FOUND);
	stop();
}
END_TEST

UNIT_MAIN("notes", test_choose, test_all_or_none, test_properties, test_list)

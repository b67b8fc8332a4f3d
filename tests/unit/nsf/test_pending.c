/* Notes and their octets: renderings, second forms, values too large for a row. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nsf/private.h"
#include "tests/support/unit.h"
#include "tests/unit/nsf/help.h"

#include "base/banned.h"

#define UNID "0123456789ABCDEF0123456789ABCDEF"

static char *dir;
static char path[4096];
static struct nsf *nsf;
static struct arena arena = ARENA_INIT;

static void start(void)
{
	dir = unit_tempdir();
	nsf = help_create(dir, path, sizeof(path));
}

static void stop(void)
{
	help_reclaim(nsf);
	nsf_close(&nsf);
	ck_assert(help_check(path));
	arena_release(&arena);
	unit_tempdir_remove(&dir);
}

static uint64_t put_note(const char *subject)
{
	struct note note;
	uint64_t id = 0;

	note_init(&note, &arena);
	note.class = NOTE_CLASS_DOCUMENT;
	note.has_unid = unid_parse(SLICE_LIT(UNID), &note.unid);
	ck_assert_ptr_nonnull(note_add_text(&note, "Subject", slice_of(subject)));
	ck_assert_uint_eq(nsf_note_put(nsf, &note, &id), NOERROR);
	return id;
}

struct pending {
	uint64_t note, count;
	int64_t sequence;
};

static STATUS take_pending(void *context, uint64_t note, int64_t sequence)
{
	*(struct pending *)context = (struct pending){ note, ((struct pending *)context)->count + 1,
		sequence };
	return NOERROR;
}

static struct pending pending(void)
{
	struct pending p = { 0 };

	ck_assert_uint_eq(nsf_pending_each(nsf, take_pending, &p), NOERROR);
	return p;
}

static uint64_t render(struct pending p, uint64_t seed, uint64_t size)
{
	struct nsf_delivery d = help_message(&seed, size);
	struct fault fault = { 0 };
	uint64_t message = 0;
	STATUS status = nsf_pending_set(nsf, p.note, p.sequence, &d, &message, &fault);

	ck_assert_msg(status == NOERROR, "%s", fault_text(&fault, status));
	return message;
}

static void expect_one(uint64_t id, uint64_t note, uint64_t size, char uidl[NSF_UIDL_MAX + 1])
{
	struct help_list list;

	help_list(nsf, 0, &list);
	ck_assert_uint_eq(list.count, 1);
	ck_assert_uint_eq(list.messages[0].id, id);
	ck_assert_uint_eq(nsf_note_of_message(nsf, id, &id), NOERROR);
	ck_assert_uint_eq(id, note);
	ck_assert_uint_eq(list.messages[0].size_octets, size);
	snprintf(uidl, NSF_UIDL_MAX + 1, "%s", list.uidls[0]);
	help_list_release(&list);
}

START_TEST(test_rendered_once)
{
	char uidl[NSF_UIDL_MAX + 1], later[NSF_UIDL_MAX + 1];
	uint64_t note, message, user;
	struct help_list list;

	start();
	note = put_note("one");
	ck_assert_uint_eq(pending().count, 0);          /* it is not in the inbox */
	ck_assert_uint_eq(nsf_inbox_add_pending(nsf, note), NOERROR);
	ck_assert_uint_eq(nsf_inbox_add_pending(nsf, note), NOERROR);
	ck_assert_uint_eq(pending().count, 1);
	help_list(nsf, 0, &list);
	ck_assert_uint_eq(list.count, 0);
	help_list_release(&list);
	message = render(pending(), 3, 70000);
	ck_assert_uint_gt(message, note);
	ck_assert_uint_eq(pending().count, 0);
	expect_one(message, note, 70000, uidl);
	ck_assert(help_body_is(nsf, message, 3, 70000));
	/* out and in again: the same octets under the same name, rendered once */
	ck_assert_uint_eq(nsf_folder_take(nsf, SLICE_LIT(NSF_INBOX), note), NOERROR);
	ck_assert_uint_eq(nsf_inbox_add_pending(nsf, note), NOERROR);
	ck_assert_uint_eq(pending().count, 0);
	expect_one(message, note, 70000, later);
	ck_assert_str_eq(uidl, later);
	/* marks are the note's */
	ck_assert_uint_eq(nsf_user_id(nsf, SLICE_LIT("CN=A"), true, &user), NOERROR);
	help_list(nsf, user, &list);
	ck_assert_uint_eq(list.count, 1);
	help_list_release(&list);
	ck_assert_uint_eq(nsf_mark_read(nsf, user, &message, 1), NOERROR);
	help_list(nsf, user, &list);
	ck_assert_uint_eq(list.count, 0);
	help_list_release(&list);
	stop();
}
END_TEST

START_TEST(test_edited)
{
	char first[NSF_UIDL_MAX + 1], second[NSF_UIDL_MAX + 1];
	uint64_t note, message, again;
	struct pending old;

	start();
	note = put_note("one");
	ck_assert_uint_eq(nsf_inbox_add_pending(nsf, note), NOERROR);
	old = pending();
	message = render(old, 3, 70000);
	expect_one(message, note, 70000, first);
	ck_assert_uint_eq(put_note("two"), note);
	ck_assert_uint_eq(pending().count, 1);
	ck_assert_uint_eq(render(old, 4, 50), 0);       /* of what it was before */
	ck_assert_uint_eq(pending().count, 1);
	help_reclaim(nsf);
	again = render(pending(), 3, 70000);            /* even the same octets */
	ck_assert_uint_gt(again, message);
	expect_one(again, note, 70000, second);
	ck_assert_str_ne(first, second);
	ck_assert_uint_eq(nsf_body_read(nsf, message, 0, first, 10, &(size_t){ 0 }),
	                  POSTIL_ERR_DELETED);
	/* DELE of the old one does nothing to the new one */
	help_delete(nsf, &message, 1);
	expect_one(again, note, 70000, first);
	help_delete(nsf, &again, 1);
	ck_assert_uint_eq(nsf_note_get(nsf, note, &arena, &(struct note){ 0 }), POSTIL_ERR_DELETED);
	help_reclaim(nsf);
	ck_assert_int_eq(help_sql_number(path, "SELECT count(*) FROM body"), 0);
	stop();
}
END_TEST

/* Changed while it lies in a folder: pending once it comes back. */
START_TEST(test_edited_outside_the_inbox)
{
	uint64_t note;

	start();
	note = put_note("one");
	ck_assert_uint_eq(nsf_inbox_add_pending(nsf, note), NOERROR);
	render(pending(), 3, 500);
	ck_assert_uint_eq(nsf_trash_put(nsf, note), NOERROR);
	put_note("two");
	ck_assert_uint_eq(pending().count, 0);
	ck_assert_uint_eq(nsf_trash_restore(nsf, note), NOERROR);
	ck_assert_uint_eq(pending().count, 1);
	ck_assert_uint_eq(nsf_trash_put(nsf, note), NOERROR);   /* pending, and to the trash */
	ck_assert_uint_eq(pending().count, 0);
	ck_assert_uint_eq(nsf_inbox_add_pending(nsf, note), NOERROR);
	ck_assert_uint_eq(pending().count, 1);
	ck_assert_uint_eq(nsf_note_delete(nsf, note), NOERROR);
	ck_assert_uint_eq(pending().count, 0);
	stop();
}
END_TEST

/* --- second forms ------------------------------------------------------------------------- */

static STATUS take_messages(void *context, const struct nsf_message *m)
{
	struct nsf_message **next = context;

	**next = *m;
	(*next)++->uidl.p = NULL;
	return NOERROR;
}

static void deliver_three(uint64_t seeds[3], struct nsf_form *form)
{
	struct nsf_delivery d[3];

	for (int i = 0; i < 3; i++)
		d[i] = help_message(&seeds[i], 300 + 10 * (uint64_t)i);
	*form = (struct nsf_form){ 270000, 40, true, help_body, &seeds[2] };
	d[1].second = form;
	d[2].needs_utf8 = true;
	ck_assert_uint_eq(nsf_deliver(nsf, d, 3, NULL, NULL, NULL), NOERROR);
}

START_TEST(test_second_form)
{
	uint64_t seeds[3] = { 2, 4, 6 }, user, note;
	struct nsf_message with[3], without[3], *next = with;
	struct nsf_form form;

	start();
	deliver_three(seeds, &form);
	ck_assert_uint_eq(nsf_inbox_list(nsf, 0, true, take_messages, &next), NOERROR);
	next = without;
	ck_assert_uint_eq(nsf_inbox_list(nsf, 0, false, take_messages, &next), NOERROR);
	ck_assert_uint_eq(with[0].id, without[0].id);
	ck_assert_uint_eq(with[1].size_octets, 310);
	ck_assert_uint_eq(without[1].size_octets, 270000);
	ck_assert_uint_eq(without[1].header_octets, 40);
	ck_assert(without[1].has_dot_line && !with[1].has_dot_line);
	ck_assert_uint_eq(nsf_note_of_message(nsf, without[1].id, &note), NOERROR);
	ck_assert_uint_eq(note, with[1].id);
	ck_assert(!with[1].needs_utf8 && !without[1].needs_utf8);
	ck_assert(with[2].needs_utf8 && without[2].needs_utf8);
	ck_assert_uint_eq(with[2].id, without[2].id);
	ck_assert_uint_gt(without[2].id, without[1].id);
	ck_assert(help_body_is(nsf, with[1].id, 4, 310));
	ck_assert(help_body_is(nsf, without[1].id, 6, 270000));
	/* marks, moves and deletions under the second form's number */
	ck_assert_uint_eq(nsf_user_id(nsf, SLICE_LIT("CN=A"), true, &user), NOERROR);
	ck_assert_uint_eq(nsf_mark_read(nsf, user, &without[1].id, 1), NOERROR);
	next = with;
	ck_assert_uint_eq(nsf_inbox_list(nsf, user, true, take_messages, &next), NOERROR);
	ck_assert_int_eq(next - with, 2);
	ck_assert_uint_eq(nsf_folder_take(nsf, SLICE_LIT(NSF_INBOX), note), NOERROR);
	ck_assert(help_body_is(nsf, without[1].id, 6, 270000));
	ck_assert_uint_eq(nsf_inbox_add_pending(nsf, note), NOERROR);
	help_delete(nsf, &without[1].id, 1);
	next = with;
	ck_assert_uint_eq(nsf_inbox_list(nsf, 0, false, take_messages, &next), NOERROR);
	ck_assert_int_eq(next - with, 2);
	help_reclaim(nsf);
	ck_assert_int_eq(help_sql_number(path, "SELECT count(*) FROM body"), 2);
	ck_assert_int_eq(help_sql_number(path, "SELECT count(*) FROM second"), 0);
	stop();
}
END_TEST

START_TEST(test_second_form_in_the_trash)
{
	uint64_t seeds[3] = { 2, 4, 6 }, note;
	struct nsf_message all[3], *next = all;
	struct nsf_form form;

	start();
	ck_assert_uint_eq(nsf_setting_set(nsf, NSF_SOFT_DELETE_HOURS, 1), NOERROR);
	deliver_three(seeds, &form);
	ck_assert_uint_eq(nsf_inbox_list(nsf, 0, false, take_messages, &next), NOERROR);
	ck_assert_uint_eq(nsf_note_of_message(nsf, all[1].id, &note), NOERROR);
	help_delete(nsf, &all[1].id, 1);
	ck_assert(help_body_is(nsf, all[1].id, 6, 270000));
	ck_assert_uint_eq(nsf_trash_restore(nsf, note), NOERROR);
	next = all;
	ck_assert_uint_eq(nsf_inbox_list(nsf, 0, false, take_messages, &next), NOERROR);
	ck_assert_int_eq(next - all, 3);
	ck_assert_uint_eq(all[1].size_octets, 270000);
	ck_assert_uint_eq(nsf_note_delete(nsf, note), NOERROR);
	help_reclaim(nsf);
	ck_assert_int_eq(help_sql_number(path, "SELECT count(*) FROM body"), 2);
	stop();
}
END_TEST

/* --- large values ---------------------------------------------------------------------------- */

static uint64_t put_with_blob(const struct item_blob *blob)
{
	struct slice values[2] = { SLICE_LIT("file.bin"), SLICE_LIT("") };
	struct note note;
	uint64_t id = 0;

	note_init(&note, &arena);
	note.class = NOTE_CLASS_DOCUMENT;
	note.has_unid = unid_parse(SLICE_LIT(UNID), &note.unid);
	note_add_text(&note, "Subject", SLICE_LIT("before"));
	ck_assert_ptr_nonnull(note_add_blob(&note, SLICE_LIT("$FILE"), ITEM_OBJECT, 0, values, 2, blob));
	ck_assert_ptr_nonnull(note_add_blob(&note, SLICE_LIT("$MIME"), ITEM_MIME_PART, 0, NULL, 0, blob));
	ck_assert_uint_eq(nsf_note_put(nsf, &note, &id), NOERROR);
	return id;
}

static void expect_blob(const struct item *item, size_t index, uint64_t seed, uint64_t size)
{
	char *got = malloc(size), *want = malloc(size);

	ck_assert_ptr_nonnull(item);
	ck_assert_uint_eq(item_size(item, index), size);
	help_body(&seed, 0, want, size);
	ck_assert_uint_eq(item_read(item, index, 0, got, size), NOERROR);
	ck_assert_mem_eq(got, want, size);
	ck_assert_uint_eq(item_read(item, index, 262100, got, 100), NOERROR);
	ck_assert_mem_eq(got, want + 262100, 100);
	ck_assert_uint_eq(item_read(item, index, size - 5, got, 6), POSTIL_ERR_INVALID);
	free(got);
	free(want);
}

START_TEST(test_large_values)
{
	uint64_t seed = 5, size = 700001, id;
	struct item_blob blob = { size, help_body, &seed };
	struct note note;

	start();
	id = put_with_blob(&blob);
	ck_assert_uint_eq(nsf_note_get(nsf, id, &arena, &note), NOERROR);
	expect_blob(note_find(&note, "$FILE"), 1, seed, size);
	expect_blob(note_find(&note, "$MIME"), 0, seed, size);
	ck_assert(slice_equal(note_text(&note, "$FILE"), SLICE_LIT("file.bin")));
	/* changed with its own large values still in it */
	ck_assert_ptr_nonnull(note_add_text(&note, "More", SLICE_LIT("x")));
	ck_assert_uint_eq(nsf_note_put(nsf, &note, NULL), NOERROR);
	help_reclaim(nsf);
	ck_assert_int_eq(help_sql_number(path, "SELECT count(*) FROM body"), 6);
	ck_assert_uint_eq(nsf_note_get(nsf, id, &arena, &note), NOERROR);
	expect_blob(note_find(&note, "$FILE"), 1, seed, size);
	ck_assert_uint_eq(nsf_note_delete(nsf, id), NOERROR);
	help_reclaim(nsf);
	ck_assert_int_eq(help_sql_number(path, "SELECT count(*) FROM body"), 0);
	stop();
}
END_TEST

/* A source that fails leaves nothing; a row that lies is damage. */
START_TEST(test_large_values_that_fail)
{
	static const char *const changes[] = { "UPDATE item SET object=-1 WHERE object IS NOT NULL",
		"UPDATE item SET size='x' WHERE object IS NOT NULL",
		"UPDATE item SET size=1<<60 WHERE object IS NOT NULL" };
	uint64_t seed = 5, size = 300000, id;
	struct item_blob blob = { size, help_body, &seed };
	struct item_blob endless = { UINT64_MAX, help_body, &seed };
	struct note note;
	char octet;

	start();
	note_init(&note, &arena);
	note_add_blob(&note, SLICE_LIT("$FILE"), ITEM_OBJECT, 0, NULL, 0, &endless);
	ck_assert_uint_eq(nsf_note_put(nsf, &note, NULL), POSTIL_ERR_TOO_LONG);
	id = put_with_blob(&blob);
	ck_assert_uint_eq(nsf_note_get(nsf, id, &arena, &note), NOERROR);
	help_sql(path, "DELETE FROM body");
	ck_assert_uint_eq(item_read(note_find(&note, "$FILE"), 1, 0, &octet, 1), POSTIL_ERR_DAMAGED);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		help_sql(path, changes[i]);
		ck_assert_msg(nsf_note_get(nsf, id, &arena, &note) == POSTIL_ERR_DAMAGED, "%s", changes[i]);
	}
	nsf_close(&nsf);
	arena_release(&arena);
	unit_tempdir_remove(&dir);
}
END_TEST

UNIT_MAIN("nsf pending", test_rendered_once, test_edited, test_edited_outside_the_inbox,
	test_second_form, test_second_form_in_the_trash, test_large_values,
	test_large_values_that_fail)

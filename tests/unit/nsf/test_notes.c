/* Notes, items, views, properties. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nsf/private.h"
#include "tests/support/unit.h"
#include "tests/unit/nsf/help.h"

#include "base/banned.h"

static char *dir;
static char path[4096];
static struct nsf *nsf;

static void start(void)
{
	dir = unit_tempdir();
	nsf = help_create(dir, path, sizeof(path));
}

/* Views show notes that are there: 1 to 4. */
static void start_with_notes(void)
{
	struct note note = { .class = NOTE_CLASS_DOCUMENT };

	start();
	for (int i = 0; i < 4; i++)
		ck_assert_uint_eq(nsf_note_put(nsf, &note, NULL), NOERROR);
}

static void stop(void)
{
	nsf_close(&nsf);
	ck_assert(help_check(path));
	unit_tempdir_remove(&dir);
}

static const struct {
	const char *name;
	uint16_t type, flags;
	size_t count;
	struct slice values[3];
} items[] = {
	{ "Form", ITEM_TEXT, ITEM_SUMMARY, 1, { SLICE_LIT("Person") } },
	{ "FullName", ITEM_TEXT_LIST, ITEM_NAMES, 3,
	  { SLICE_LIT("CN=A/O=B"), SLICE_LIT(""), SLICE_LIT("a\nb") } },
	{ "Empty", ITEM_TEXT, 0, 1, { SLICE_LIT("") } },
	{ "None", ITEM_TEXT_LIST, 0, 0, { { NULL, 0 } } },
	{ "fullname", ITEM_TEXT, 0, 1, { SLICE_LIT("a second of that name") } },
	{ "Octets", ITEM_COMPOSITE, ITEM_SIGN, 1, { SLICE_LIT("\0\377\0x") } },
	{ "", 0xFFFF, 0xFFFF, 2, { SLICE_LIT("\xc3"), SLICE_LIT("\0") } },
};
#define ITEMS (sizeof(items) / sizeof(items[0]))

static void fill(struct note *note, struct arena *arena)
{
	note_init(note, arena);
	note->class = NOTE_CLASS_DOCUMENT;
	note->created_ms = 1000;
	note->modified_ms = -2000;
	for (size_t i = 0; i < ITEMS; i++)
		ck_assert_ptr_nonnull(note_add(note, slice_of(items[i].name), items[i].type,
		                               items[i].flags, items[i].values, items[i].count));
}

static void assert_filled(const struct note *note)
{
	const struct item *item = note->first;

	for (size_t i = 0; i < ITEMS; i++, item = item->next) {
		ck_assert_ptr_nonnull(item);
		ck_assert_str_eq(item->name, items[i].name);
		ck_assert_uint_eq(item->type, items[i].type);
		ck_assert_uint_eq(item->flags, items[i].flags);
		ck_assert_uint_eq(item->count, items[i].count);
		for (size_t j = 0; j < item->count; j++)
			ck_assert(slice_equal(item->values[j], items[i].values[j]));
	}
	ck_assert_ptr_null(item);
}

START_TEST(test_note_comes_back_as_it_was)
{
	struct arena arena = ARENA_INIT;
	struct note note, got;
	uint64_t id = 0;

	start();
	fill(&note, &arena);
	ck_assert_uint_eq(unid_random(&note.unid), NOERROR);
	note.has_unid = true;
	ck_assert_uint_eq(nsf_note_put(nsf, &note, &id), NOERROR);
	nsf_close(&nsf);
	nsf = help_open(path);
	ck_assert_uint_eq(nsf_note_get(nsf, id, &arena, &got), NOERROR);
	assert_filled(&got);
	ck_assert_int_eq(memcmp(&got.unid, &note.unid, sizeof(note.unid)), 0);
	ck_assert(got.has_unid);
	ck_assert_uint_eq(got.class, NOTE_CLASS_DOCUMENT);
	ck_assert_int_eq(got.created_ms, 1000);
	ck_assert_int_eq(got.modified_ms, -2000);
	ck_assert_uint_eq(nsf_note_get(nsf, id + 1, &arena, &got), POSTIL_ERR_DELETED);
	ck_assert_uint_eq(nsf_note_get(nsf, UINT64_MAX, &arena, &got), POSTIL_ERR_DELETED);
	arena_release(&arena);
	stop();
}
END_TEST

START_TEST(test_same_unid_replaces)
{
	struct arena arena = ARENA_INIT;
	struct note note, second, got;
	uint64_t id = 0, again = 0, other = 0;

	start();
	fill(&note, &arena);
	ck_assert_uint_eq(unid_random(&note.unid), NOERROR);
	note.has_unid = true;
	ck_assert_uint_eq(nsf_note_put(nsf, &note, &id), NOERROR);
	note_init(&second, &arena);
	second.unid = note.unid;
	second.has_unid = true;
	note_add_text(&second, "Subject", SLICE_LIT("new"));
	ck_assert_uint_eq(nsf_note_put(nsf, &second, &again), NOERROR);
	ck_assert_uint_eq(again, id);
	ck_assert_uint_eq(nsf_note_get(nsf, id, &arena, &got), NOERROR);
	ck_assert(slice_equal(note_text(&got, "Subject"), SLICE_LIT("new")));
	ck_assert_ptr_null(note_find(&got, "Form"));
	/* Without a UNID it is another one each time. */
	second.has_unid = false;
	ck_assert_uint_eq(nsf_note_put(nsf, &second, &other), NOERROR);
	ck_assert_uint_ne(other, id);
	arena_release(&arena);
	stop();
}
END_TEST

static STATUS count_note(void *context, uint64_t id)
{
	uint64_t *sum = context;

	sum[0]++;
	sum[1] += id;
	return NOERROR;
}

START_TEST(test_deleted_note_comes_back_under_its_unid)
{
	struct arena arena = ARENA_INIT;
	struct note note, got;
	uint64_t first, second, third, sum[2];

	start();
	fill(&note, &arena);
	ck_assert_uint_eq(unid_random(&note.unid), NOERROR);
	note.has_unid = true;
	ck_assert_uint_eq(nsf_note_put(nsf, &note, &first), NOERROR);
	ck_assert_uint_eq(nsf_note_delete(nsf, first), NOERROR);
	ck_assert_uint_eq(nsf_note_delete(nsf, first), POSTIL_ERR_DELETED);
	ck_assert_uint_eq(nsf_note_get(nsf, first, &arena, &got), POSTIL_ERR_DELETED);
	/* Before it is reclaimed, and after. */
	ck_assert_uint_eq(nsf_note_put(nsf, &note, &second), NOERROR);
	ck_assert_uint_ne(first, second);
	help_reclaim(nsf);
	ck_assert_int_eq(help_sql_number(path, "SELECT count(*) FROM stub"), 0);
	ck_assert_uint_eq(nsf_note_delete(nsf, second), NOERROR);
	help_reclaim(nsf);
	ck_assert_int_eq(help_sql_number(path, "SELECT count(*) FROM stub"), 1);
	ck_assert_uint_eq(nsf_note_put(nsf, &note, &third), NOERROR);
	ck_assert_int_eq(help_sql_number(path, "SELECT count(*) FROM stub"), 0);
	ck_assert_uint_eq(nsf_note_get(nsf, third, &arena, &got), NOERROR);
	assert_filled(&got);
	sum[0] = sum[1] = 0;
	ck_assert_uint_eq(nsf_notes_each(nsf, count_note, sum), NOERROR);
	ck_assert_uint_eq(sum[0], 1);
	ck_assert_uint_eq(sum[1], third);
	arena_release(&arena);
	stop();
}
END_TEST

START_TEST(test_deleting_the_note_of_a_message)
{
	uint64_t id, n, octets;

	start();
	help_deliver(nsf, 1, 300, NULL);
	id = help_deliver(nsf, 2, 500, NULL);
	ck_assert_uint_eq(nsf_note_delete(nsf, id), NOERROR);
	ck_assert_uint_eq(nsf_inbox_stat(nsf, &n, &octets), NOERROR);
	ck_assert_uint_eq(n, 1);
	ck_assert_uint_eq(octets, 300);
	help_reclaim(nsf);
	ck_assert_int_eq(help_sql_number(path, "SELECT count(*) FROM body"), 1);
	stop();
}
END_TEST

START_TEST(test_delivery_with_note)
{
	struct arena arena = ARENA_INIT;
	uint64_t seed = 1, id;
	struct nsf_delivery d = help_message(&seed, 100);
	struct note note, got;
	size_t failed = 9;

	start();
	fill(&note, &arena);
	ck_assert_uint_eq(unid_random(&note.unid), NOERROR);
	note.has_unid = true;
	d.note = &note;
	ck_assert_uint_eq(nsf_deliver(nsf, &d, 1, &id, NULL, NULL), NOERROR);
	ck_assert_uint_eq(nsf_note_get(nsf, id, &arena, &got), NOERROR);
	assert_filled(&got);
	ck_assert_uint_eq(nsf_deliver(nsf, &d, 1, NULL, &failed, NULL), POSTIL_ERR_EXISTS);
	ck_assert_uint_eq(failed, 0);
	arena_release(&arena);
	stop();
}
END_TEST

START_TEST(test_hostile_items_are_damage)
{
	static const char *const changes[] = {
		"UPDATE item SET value=x'FFFFFFFF41'", "UPDATE item SET value=x'0200000041'",
		"UPDATE item SET value=x'00'", "UPDATE item SET value=5", "UPDATE item SET value=NULL",
		"UPDATE item SET type=-1", "UPDATE item SET type=70000", "UPDATE item SET flags='x'",
		"UPDATE item SET name=NULL", "UPDATE note SET unid=x'00'", "UPDATE note SET unid=NULL",
		"UPDATE note SET class=100000",
	};
	struct arena arena = ARENA_INIT;
	struct note note, got;
	uint64_t id;

	start();
	fill(&note, &arena);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		char sql[200];

		ck_assert_uint_eq(nsf_note_put(nsf, &note, &id), NOERROR);
		snprintf(sql, sizeof(sql), "%s WHERE %s=%d", changes[i],
		         strstr(changes[i], "UPDATE note") != NULL ? "id" : "note_id", (int)id);
		help_sql(path, sql);
		ck_assert_msg(nsf_note_get(nsf, id, &arena, &got) == POSTIL_ERR_DAMAGED, "%s", changes[i]);
	}
	arena_release(&arena);
	nsf_close(&nsf);
	unit_tempdir_remove(&dir);
}
END_TEST

/* --- views ------------------------------------------------------------------------------ */

struct seen {
	char text[400];
	struct nsf *inner;      /* asked again from the callback */
};

static STATUS see(void *context, uint64_t note_id, struct slice value)
{
	struct seen *seen = context;
	size_t n = strlen(seen->text);

	snprintf(seen->text + n, sizeof(seen->text) - n, "%d=%.*s ", (int)note_id, (int)value.n, value.p);
	if (seen->inner != NULL) {
		struct seen nested = { "", NULL };

		ck_assert_uint_eq(nsf_view_find(seen->inner, "$Users", SLICE_LIT("anna"), see, &nested),
		                  NOERROR);
		ck_assert_str_eq(nested.text, "1=first 3=third ");
	}
	return NOERROR;
}

static STATUS see_all(void *context, struct slice key, uint64_t note_id, struct slice value)
{
	struct seen *seen = context;
	size_t n = strlen(seen->text);

	snprintf(seen->text + n, sizeof(seen->text) - n, "%.*s:", (int)key.n, key.p);
	return see(context, note_id, value);
}

START_TEST(test_views)
{
	struct seen seen = { "", NULL };

	start_with_notes();
	ck_assert_uint_eq(nsf_begin(nsf, NULL), NOERROR);
	ck_assert_uint_eq(nsf_view_put(nsf, "$Users", SLICE_LIT("anna"), 3, SLICE_LIT("third")), NOERROR);
	ck_assert_uint_eq(nsf_view_put(nsf, "$Users", SLICE_LIT("anna"), 1, SLICE_LIT("old")), NOERROR);
	ck_assert_uint_eq(nsf_view_put(nsf, "$Users", SLICE_LIT("anna"), 1, SLICE_LIT("first")), NOERROR);
	ck_assert_uint_eq(nsf_view_put(nsf, "$Users", SLICE_LIT("anna b"), 2, SLICE_LIT("")), NOERROR);
	ck_assert_uint_eq(nsf_view_put(nsf, "$Others", SLICE_LIT("anna"), 1, SLICE_LIT("x")), NOERROR);
	ck_assert_uint_eq(nsf_view_put(nsf, "$Users", (struct slice){ NULL, 0 }, 4, SLICE_LIT("y")), NOERROR);
	ck_assert_uint_eq(nsf_commit(nsf, NULL), NOERROR);
	seen.inner = nsf;
	ck_assert_uint_eq(nsf_view_find(nsf, "$Users", SLICE_LIT("anna"), see, &seen), NOERROR);
	ck_assert_str_eq(seen.text, "1=first 3=third ");
	seen = (struct seen){ "", NULL };
	ck_assert_uint_eq(nsf_view_find(nsf, "$Users", SLICE_LIT("ann"), see, &seen), NOERROR);
	ck_assert_str_eq(seen.text, "");
	ck_assert_uint_eq(nsf_view_each(nsf, "$Users", see_all, &seen), NOERROR);
	ck_assert_str_eq(seen.text, ":4=y anna:1=first anna:3=third anna b:2= ");
	seen = (struct seen){ "", NULL };
	ck_assert_uint_eq(nsf_view_range(nsf, "$Users", SLICE_LIT("anna"), SLICE_LIT("anna b"), see, &seen), NOERROR);
	ck_assert_uint_eq(nsf_view_range(nsf, "$Users", SLICE_LIT("anna "), SLICE_LIT("anna a"), see, &seen), NOERROR);
	ck_assert_str_eq(seen.text, "1=first 3=third 2= ");
	ck_assert_uint_eq(nsf_view_delete_note(nsf, 1), NOERROR);
	seen = (struct seen){ "", NULL };
	ck_assert_uint_eq(nsf_view_each(nsf, "$Others", see_all, &seen), NOERROR);
	ck_assert_uint_eq(nsf_view_find(nsf, "$Users", SLICE_LIT("anna"), see, &seen), NOERROR);
	ck_assert_str_eq(seen.text, "3=third ");
	stop();
}
END_TEST

/* SQLite gives up the whole transaction when the file is full: no commit pretends otherwise. */
START_TEST(test_a_view_entry_that_fails)
{
	struct seen seen = { "", NULL };
	size_t large = 1 << 20;
	char *value = calloc(1, large);

	start_with_notes();
	ck_assert_uint_eq(nsf_begin(nsf, NULL), NOERROR);
	ck_assert_uint_eq(nsf_view_put(nsf, "$Users", SLICE_LIT("anna"), 1, SLICE_LIT("first")), NOERROR);
	ck_assert_int_eq(sqlite3_exec(nsf->db, "PRAGMA max_page_count=40", NULL, NULL, NULL), SQLITE_OK);
	ck_assert_uint_eq(nsf_view_put(nsf, "$Users", SLICE_LIT("anna"), 2, (struct slice){ value, large }),
	                  POSTIL_ERR_DISK_FULL);
	ck_assert_uint_eq(nsf_view_put(nsf, "$Users", SLICE_LIT("anna"), 3, SLICE_LIT("third")),
	                  POSTIL_ERR_DISK_FULL);
	ck_assert_uint_eq(nsf_commit(nsf, NULL), POSTIL_ERR_DISK_FULL);
	ck_assert_uint_eq(nsf_view_find(nsf, "$Users", SLICE_LIT("anna"), see, &seen), NOERROR);
	ck_assert_str_eq(seen.text, "");
	ck_assert_uint_eq(nsf_view_put(nsf, "$Users", SLICE_LIT("anna"), 3, SLICE_LIT("third")), NOERROR);
	ck_assert_uint_eq(nsf_view_find(nsf, "$Users", SLICE_LIT("anna"), see, &seen), NOERROR);
	ck_assert_str_eq(seen.text, "3=third ");
	free(value);
	stop();
}
END_TEST

START_TEST(test_view_key_has_a_limit)
{
	char *key = calloc(1, 5000);

	start_with_notes();
	ck_assert_uint_eq(nsf_view_put(nsf, "v", (struct slice){ key, 4097 }, 1, SLICE_LIT("")),
	                  POSTIL_ERR_TOO_LONG);
	ck_assert_uint_eq(nsf_view_put(nsf, "v", (struct slice){ key, 4096 }, 1, SLICE_LIT("")), NOERROR);
	free(key);
	stop();
}
END_TEST

START_TEST(test_properties)
{
	struct buf value = BUF_INIT;

	start();
	ck_assert_uint_eq(nsf_property_get(nsf, "title", &value), POSTIL_ERR_NOT_FOUND);
	ck_assert_uint_eq(nsf_property_set(nsf, "title", SLICE_LIT("old")), NOERROR);
	ck_assert_uint_eq(nsf_property_set(nsf, "title", SLICE_LIT("a\0b")), NOERROR);
	ck_assert_uint_eq(nsf_property_get(nsf, "title", &value), NOERROR);
	ck_assert(slice_equal(buf_slice(&value), SLICE_LIT("a\0b")));
	buf_release(&value);
	stop();
}
END_TEST

UNIT_MAIN("nsf notes", test_note_comes_back_as_it_was, test_same_unid_replaces,
	test_deleted_note_comes_back_under_its_unid, test_deleting_the_note_of_a_message,
	test_delivery_with_note, test_hostile_items_are_damage, test_views, test_a_view_entry_that_fails,
	test_view_key_has_a_limit, test_properties)

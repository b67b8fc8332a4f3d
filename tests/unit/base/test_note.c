/* Notes, items and UNIDs. */
#include "base/note.h"

#include <string.h>

#include "tests/support/unit.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

START_TEST(unids)
{
	static const char *const bad[] = {
		"", "8FD8E55C12D1A9764F03FE20DF203FE", "8FD8E55C12D1A9764F03FE20DF203FE71",
		"8FD8E55C12D1A9764F03FE20DF203FEG", " FD8E55C12D1A9764F03FE20DF203FE7",
		"8FD8E55C:2D1A9764F03FE20DF203FE7",
	};
	struct unid unid, other;
	char text[33];

	ck_assert(unid_parse(SLICE_LIT("8fd8E55C12D1A9764F03FE20DF203FE7"), &unid));
	ck_assert_uint_eq(unid.octets[0], 0x8F);
	ck_assert_uint_eq(unid.octets[15], 0xE7);
	unid_format(&unid, text);
	ck_assert_str_eq(text, "8FD8E55C12D1A9764F03FE20DF203FE7");
	for (size_t i = 0; i < COUNT(bad); i++)
		ck_assert_msg(!unid_parse(slice_of(bad[i]), &unid), "%s", bad[i]);
	ck_assert_int_eq(unid_random(&unid), NOERROR);
	ck_assert_int_eq(unid_random(&other), NOERROR);
	ck_assert(memcmp(&unid, &other, sizeof(unid)) != 0);
}
END_TEST

START_TEST(items_keep_order_and_are_copied)
{
	struct arena arena = ARENA_INIT;
	struct note note;
	char value[] = "first";
	const struct slice list[] = { SLICE_LIT("Jane Doe/Acme"), SLICE_LIT(""), SLICE_LIT("a\0b") };
	const struct item *item;

	note_init(&note, &arena);
	ck_assert_ptr_nonnull(note_add_text(&note, "Received", slice_of(value)));
	memset(value, 'x', 5);
	ck_assert_ptr_nonnull(note_add(&note, SLICE_LIT("FullName"), ITEM_TEXT_LIST,
	                               ITEM_SUMMARY | ITEM_NAMES, list, COUNT(list)));
	ck_assert_ptr_nonnull(note_add_text(&note, "RECEIVED", SLICE_LIT("second")));
	ck_assert_ptr_nonnull(note_add(&note, SLICE_LIT("Empty"), ITEM_TEXT_LIST, 0, NULL, 0));

	ck_assert(slice_equal(note_text(&note, "received"), SLICE_LIT("first")));
	item = note_find_next(note_find(&note, "Received"), "Received");
	ck_assert(slice_equal(item->values[0], SLICE_LIT("second")));
	ck_assert_ptr_null(note_find_next(item, "Received"));
	item = note_find(&note, "FULLNAME");
	ck_assert_uint_eq(item->count, 3);
	ck_assert(slice_equal(item->values[2], SLICE_LIT("a\0b")));
	ck_assert_uint_eq(note_find(&note, "Empty")->count, 0);
	ck_assert_uint_eq(note_text(&note, "Empty").n, 0);
	ck_assert_ptr_null(note_find(&note, "Receive"));
	ck_assert_uint_eq(note_text(&note, "Absent").n, 0);
	arena_release(&arena);
}
END_TEST

START_TEST(numbers)
{
	static const struct {
		uint16_t type;
		const char *text;
		bool good;
		int64_t value;
	} cases[] = {
		{ ITEM_NUMBER, "110", true, 110 },
		{ ITEM_NUMBER, "-5", true, -5 },
		{ ITEM_NUMBER, "+5", true, 5 },
		{ ITEM_NUMBER, "110.00", true, 110 },
		{ ITEM_NUMBER, "110.", true, 110 },
		{ ITEM_NUMBER, "110.5", false, 0 },
		{ ITEM_NUMBER, ".5", false, 0 },
		{ ITEM_NUMBER, "NaN", false, 0 },
		{ ITEM_NUMBER, "1e3", false, 0 },
		{ ITEM_NUMBER, "9223372036854775807", true, INT64_MAX },
		{ ITEM_NUMBER, "9223372036854775808", false, 0 },
		{ ITEM_TEXT, " 995 ", true, 995 },
		{ ITEM_TEXT, "", false, 0 },
		{ ITEM_TEXT, "-", false, 0 },
		{ ITEM_TEXT, "--1", false, 0 },
		{ ITEM_TEXT, "eleven", false, 0 },
		{ ITEM_TIME, "20140808", false, 0 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena arena = ARENA_INIT;
		struct slice value = slice_of(cases[i].text);
		struct note note;
		int64_t number = 42;

		note_init(&note, &arena);
		note_add(&note, SLICE_LIT("POP3_Port"), cases[i].type, 0, &value, 1);
		ck_assert_msg(note_number(&note, "pop3_port", &number) == cases[i].good, "case %zu", i);
		ck_assert_int_eq(number, cases[i].good ? cases[i].value : 42);
		ck_assert(!note_number(&note, "POP3_SSLPort", &number));
		arena_release(&arena);
	}
}
END_TEST

static STATUS read_letters(void *context, uint64_t offset, void *out, size_t size)
{
	for (size_t i = 0; i < size; i++)
		((char *)out)[i] = (char)('a' + (offset + i) % 26);
	++*(unsigned *)context;
	return NOERROR;
}

START_TEST(values_are_read_wherever_they_are)
{
	static const struct slice name = SLICE_LIT("a.txt"), parts[] = { SLICE_LIT("a.txt"),
		SLICE_LIT("octets") };
	struct arena arena = ARENA_INIT;
	unsigned reads = 0;
	const struct item_blob blob = { 5000000000, read_letters, &reads };
	struct note note;
	struct item *far, *near, *raw;
	char got[4];

	note_init(&note, &arena);
	near = note_add(&note, SLICE_LIT("$FILE"), ITEM_OBJECT, 0, parts, 2);
	far = note_add_blob(&note, SLICE_LIT("$FILE"), ITEM_OBJECT, 0, &name, 1, &blob);
	raw = note_add_blob(&note, SLICE_LIT("Body"), ITEM_MIME_PART, 0, NULL, 0, &blob);
	ck_assert(near != NULL && far != NULL && raw != NULL);
	ck_assert_uint_eq(item_size(near, 1), 6);
	ck_assert_uint_eq(item_size(near, 2), 0);
	ck_assert_uint_eq(item_size(far, 0), 5);
	ck_assert_uint_eq(item_size(far, 1), 5000000000);
	ck_assert_uint_eq(item_size(raw, 0), 5000000000);
	ck_assert_uint_eq(item_size(raw, 1), 0);
	ck_assert_int_eq(item_read(near, 1, 2, got, 4), NOERROR);
	ck_assert_mem_eq(got, "tets", 4);
	ck_assert_int_eq(item_read(far, 0, 1, got, 4), NOERROR);
	ck_assert_mem_eq(got, ".txt", 4);
	ck_assert_int_eq(item_read(far, 1, 4999999996, got, 4), NOERROR);
	ck_assert_mem_eq(got, "efgh", 4);
	ck_assert_int_eq(item_read(raw, 0, 25, got, 2), NOERROR);
	ck_assert_mem_eq(got, "za", 2);
	ck_assert_uint_eq(reads, 2);
	ck_assert_int_eq(item_read(raw, 0, 5000000000, NULL, 0), NOERROR);
	ck_assert_int_eq(item_read(raw, 0, 4999999997, got, 4), POSTIL_ERR_INVALID);
	ck_assert_int_eq(item_read(raw, 0, UINT64_MAX, got, 2), POSTIL_ERR_INVALID);
	ck_assert_int_eq(item_read(near, 1, 3, got, 4), POSTIL_ERR_INVALID);
	ck_assert_int_eq(item_read(raw, 1, 0, got, 1), POSTIL_ERR_INVALID);
	ck_assert_uint_eq(reads, 2);
	arena_release(&arena);
}
END_TEST

UNIT_MAIN("note", values_are_read_wherever_they_are, unids, items_keep_order_and_are_copied, numbers)

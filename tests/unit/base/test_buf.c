/* Slices, growing buffers and arenas. */
#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "tests/support/unit.h"

START_TEST(slices)
{
	static const struct {
		const char *a, *b;
		bool equal, equal_nocase;
	} cases[] = {
		{ "", "", true, true },
		{ NULL, "", true, true },
		{ "a", "a", true, true },
		{ "a", "A", false, true },
		{ "Zz", "zZ", false, true },
		{ "@[", "`{", false, false },
		{ "a", "ab", false, false },
		{ "\xC3\x84", "\xC3\xA4", false, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct slice a = slice_of(cases[i].a), b = slice_of(cases[i].b);

		ck_assert_msg(slice_equal(a, b) == cases[i].equal, "case %zu", i);
		ck_assert_msg(slice_equal_nocase(a, b) == cases[i].equal_nocase, "case %zu nocase", i);
	}
	ck_assert(!slice_equal((struct slice){ "a\0b", 3 }, (struct slice){ "a\0c", 3 }));
}
END_TEST

START_TEST(appends)
{
	struct buf b = BUF_INIT;

	ck_assert_str_eq(buf_cstr(&b), "");
	buf_add_str(&b, "one");
	buf_add_char(&b, ' ');
	buf_add(&b, "two!!", 3);
	buf_add_slice(&b, SLICE_LIT(" three"));
	buf_addf(&b, " %d %s", 4, "five");
	ck_assert_str_eq(buf_cstr(&b), "one two three 4 five");
	buf_remove_front(&b, 4);
	ck_assert_str_eq(buf_cstr(&b), "two three 4 five");
	buf_remove_front(&b, 1000);
	ck_assert_uint_eq(b.n, 0);
	buf_add_str(&b, NULL);
	ck_assert_str_eq(buf_cstr(&b), "");
	ck_assert_int_eq(buf_status(&b), NOERROR);
	buf_release(&b);
}
END_TEST

START_TEST(formats_of_every_length)
{
	/* around each doubling the text must neither be cut nor lose its NUL */
	for (int n = 0; n < 300; n++) {
		struct buf b = BUF_INIT;

		buf_addf(&b, "%*s|", n, "");
		ck_assert_uint_eq(b.n, (size_t)n + 1);
		ck_assert_int_eq(buf_cstr(&b)[n], '|');
		ck_assert_int_eq(b.p[n + 1], '\0');
		buf_addf(&b, "%*s|", n, "");
		ck_assert_uint_eq(strlen(buf_cstr(&b)), 2 * (size_t)n + 2);
		buf_release(&b);
	}
}
END_TEST

START_TEST(limit_breaks_softly)
{
	struct buf b;

	buf_init(&b, 5);
	buf_add_str(&b, "12345");
	ck_assert_int_eq(buf_status(&b), NOERROR);
	buf_add_char(&b, '6');
	ck_assert_int_eq(buf_status(&b), POSTIL_ERR_TOO_LONG);
	buf_addf(&b, "%s", "");
	buf_clear(&b);
	buf_add_str(&b, "abc");
	buf_addf(&b, "%d", 123);
	buf_add_char(&b, 'x');
	ck_assert_int_eq(buf_status(&b), POSTIL_ERR_TOO_LONG);
	ck_assert_str_eq(buf_cstr(&b), "abc");
	buf_release(&b);
	ck_assert_uint_eq(b.limit, 5);
	ck_assert_int_eq(buf_status(&b), NOERROR);
}
END_TEST

START_TEST(impossible_sizes_break)
{
	struct buf b = BUF_INIT;

	buf_add_char(&b, 'x');
	ck_assert_int_eq(buf_reserve(&b, SIZE_MAX), POSTIL_ERR_MEMORY);
	ck_assert_int_eq(buf_reserve(&b, 1), POSTIL_ERR_MEMORY);
	ck_assert_str_eq(buf_cstr(&b), "x");
	buf_clear(&b);
	ck_assert_int_eq(buf_reserve(&b, SIZE_MAX - 1), POSTIL_ERR_MEMORY);
	buf_wipe_release(&b);
	ck_assert_ptr_null(b.p);
}
END_TEST

START_TEST(arena_is_zeroed_and_aligned)
{
	struct arena a = ARENA_INIT;

	for (size_t n = 0; n < 3000; n += 7) {
		unsigned char *p = arena_alloc(&a, n);

		ck_assert_ptr_nonnull(p);
		ck_assert_uint_eq((uintptr_t)p % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < n; i++)
			ck_assert_uint_eq(p[i], 0);
		memset(p, 0xAA, n);
	}
	ck_assert_uint_ge(a.used_octets, 3000 / 7 * 1500);
	arena_release(&a);
	ck_assert_ptr_null(a.first);
	ck_assert_uint_eq(a.used_octets, 0);
}
END_TEST

START_TEST(arena_keeps_small_room_beside_large_blocks)
{
	struct arena a = ARENA_INIT;
	char *small = arena_alloc(&a, 16), *large = arena_alloc(&a, 1 << 20);
	char *next = arena_alloc(&a, 16);

	ck_assert_ptr_nonnull(large);
	memset(large, 'x', 1 << 20);
	ck_assert_ptr_eq(next, small + 16);
	arena_release(&a);
}
END_TEST

START_TEST(arena_strings)
{
	struct arena a = ARENA_INIT;

	ck_assert_str_eq(arena_strdup(&a, ""), "");
	ck_assert_str_eq(arena_strdup(&a, "text"), "text");
	ck_assert_str_eq(arena_strndup(&a, "cut here", 3), "cut");
	ck_assert_str_eq(arena_strndup(&a, NULL, 0), "");
	ck_assert_ptr_null(arena_alloc(&a, SIZE_MAX));
	ck_assert_ptr_null(arena_alloc(&a, SIZE_MAX - 100));
	ck_assert_ptr_null(arena_strndup(&a, "x", SIZE_MAX));
	arena_release(&a);
}
END_TEST

UNIT_MAIN("buf", slices, appends, formats_of_every_length, limit_breaks_softly,
          impossible_sizes_break, arena_is_zeroed_and_aligned,
          arena_keeps_small_room_beside_large_blocks, arena_strings)

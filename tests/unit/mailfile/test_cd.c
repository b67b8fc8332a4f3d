/* CD records: where one ends and the next begins, lengths that lie, links of $Links. */
#include <stdlib.h>
#include <string.h>

#include "mailfile/cd.h"
#include "mailfile/richtext.h"
#include "tests/support/unit.h"

START_TEST(one_by_one)
{
	struct slice rest = SLICE_LIT("\x85\xFF\x07\0abc\0" "\x81\x02" "\x99\0\x08\0\0\0xy" "\x83\x04\x12\x34" "p");
	struct cd_record r;

	ck_assert(cd_next(&rest, &r));
	ck_assert_uint_eq(r.signature, CD_TEXT);
	ck_assert(slice_equal(r.body, SLICE_LIT("abc")));
	ck_assert(cd_next(&rest, &r));
	ck_assert_uint_eq(r.signature, CD_PARAGRAPH);
	ck_assert_uint_eq(r.body.n, 0);
	ck_assert(cd_next(&rest, &r));
	ck_assert_uint_eq(r.signature, CD_GRAPHIC);
	ck_assert(slice_equal(r.body, SLICE_LIT("xy")));
	ck_assert(cd_next(&rest, &r));
	ck_assert_uint_eq(r.signature, CD_PABREFERENCE);
	ck_assert_uint_eq(cd_word(r.body, 0), 0x3412);
	ck_assert(!cd_next(&rest, &r));
	ck_assert_uint_eq(rest.n, 0);           /* the last octet was padding */
}
END_TEST

START_TEST(lengths_that_lie)
{
	static const struct slice cases[] = {
		SLICE_LIT("\x81\x03"), SLICE_LIT("\x81\x01"), SLICE_LIT("\x85\xFF\x03\0"),
		SLICE_LIT("\x85\xFF\x05\0"), SLICE_LIT("\x85\xFF"), SLICE_LIT("\x85\xFF\xFF\xFF" "abc"),
		SLICE_LIT("\x99\0\x05\0\0\0"), SLICE_LIT("\x99\0\xFF\xFF\xFF\xFF"), SLICE_LIT("\0\0"),
		SLICE_LIT("\x99\0\0\0\0\0\0\0\0\0")
	};
	struct cd_record r;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct slice rest = cases[i];

		ck_assert_msg(!cd_next(&rest, &r), "case %zu", i);
		ck_assert_uint_eq(rest.n, cases[i].n);
	}
}
END_TEST

START_TEST(numbers_and_parts)
{
	struct slice body = SLICE_LIT("\x01\x02\x03\x04\x85");

	ck_assert_uint_eq(cd_dword(body, 0), 0x04030201);
	ck_assert_uint_eq(cd_dword(body, 1), 0x85040302);
	ck_assert_uint_eq(cd_dword(body, 2), 0);
	ck_assert_uint_eq(cd_word(body, 4), 0);
	ck_assert_uint_eq(cd_byte(body, 4), 0x85);
	ck_assert_uint_eq(cd_byte(body, 5), 0);
	ck_assert_uint_eq(cd_part(body, 3, 100).n, 2);
	ck_assert_uint_eq(cd_rest(body, 6).n, 0);
}
END_TEST

static void read_records(struct slice links, struct slice records, struct buf *text)
{
	struct richtext_maker *maker;
	struct arena arena = ARENA_INIT;
	struct richtext r;

	ck_assert_int_eq(richtext_new(NULL, &maker), NOERROR);
	ck_assert_int_eq(richtext_set_links(maker, links), NOERROR);
	ck_assert_int_eq(richtext_add_cd(maker, records), NOERROR);
	ck_assert_int_eq(richtext_finish(&maker, &arena, &r), NOERROR);
	buf_clear(text);
	buf_add_slice(text, buf_slice(&r.text));
	richtext_release(&r);
	arena_release(&arena);
}

#define LINK(first, second) "\xA8\x56\x13\0\x01\x5E\x25\x85" \
	"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" first "\0\0\0" second "\0\0\0\0\0\0\0\0\0\0\0"

/* CDLINK2 says which one; one that is not there has no address. */
START_TEST(links)
{
	struct slice list = SLICE_LIT("\x02\0" LINK("\x01", "\x02") LINK("\x03", "\x04"));
	struct buf text = BUF_INIT;

	read_records(list, SLICE_LIT("\x91\xFF\x0C\0\x01\0Two\0S\0"), &text);
	ck_assert_str_eq(buf_cstr(&text), "[Document link: Two]\n"
	                 "<notes://S/85255E01001356A8/0/00000004000000030000000000000000>\n");
	read_records(list, SLICE_LIT("\x91\xFF\x0C\0\x02\0Two\0S\0"), &text);
	ck_assert_str_eq(buf_cstr(&text), "[Document link: Two]\n");
	list.n -= 20;                           /* the count lies */
	read_records(list, SLICE_LIT("\x91\xFF\x0C\0\x01\0Two\0S\0"), &text);
	ck_assert_str_eq(buf_cstr(&text), "[Document link: Two]\n");
	buf_release(&text);
}
END_TEST

/* What came before a broken record is shown, what is unknown is said once. */
START_TEST(broken_and_unknown)
{
	struct buf text = BUF_INIT;
	struct slice none = { "", 0 };

	read_records(none, SLICE_LIT("\x85\xFF\x0B\0\0\0\0\0abc\0\x85\xFF\xF0\0\0\0\0\0def"), &text);
	ck_assert_str_eq(buf_cstr(&text), "abc[Part of this document is damaged and cannot be shown]\n");
	read_records(none, SLICE_LIT("\xFA\x02\xFA\x02\xFB\x02\x85\xFF\x09\0\0\0\0\0z\0"), &text);
	ck_assert_str_eq(buf_cstr(&text), "[Part of this document is of a kind that cannot be shown]z\n");
	/* bodies that are shorter than their record should be */
	read_records(none, SLICE_LIT("\x82\xFF\x04\0\x83\x02\x85\xFF\x04\0\x8B\xFF\x04\0\xA9\xFF\x04\0\xAA\x02"
	                             "\xA3\x02\xA4\x02\x81\x02\x85\xFF\x09\0\0\0\0\0z\0\xA5\x02\x91\xFF\x04\0"), &text);
	ck_assert_str_eq(buf_cstr(&text), "z\n[Document link]\n");
	buf_release(&text);
}
END_TEST

static void put(struct buf *out, unsigned n, size_t octets)
{
	for (; octets > 0; octets--, n >>= 8)
		buf_add_char(out, (char)n);
}

/* Few octets may stand for very many pixels: all bitmaps together are bounded. */
START_TEST(bitmaps_are_bounded)
{
	struct richtext_options options = { .picture_octets = 1 << 20 };
	struct richtext_maker *maker;
	struct arena arena = ARENA_INIT;
	struct buf bitmap = BUF_INIT;
	struct richtext r;

	put(&bitmap, CD_GRAPHIC, 2), put(&bitmap, 28, 4), put(&bitmap, 0, 22);
	put(&bitmap, CD_BITMAPHEADER, 2), put(&bitmap, 38, 4), put(&bitmap, 0, 16);
	put(&bitmap, 500, 2), put(&bitmap, 500, 2), put(&bitmap, 8, 12);
	put(&bitmap, CD_BITMAPSEGMENT, 2), put(&bitmap, 18 + 500 * 16, 4), put(&bitmap, 0, 8);
	put(&bitmap, 500, 2), put(&bitmap, 500 * 16, 2);
	for (int i = 0; i < 500 * 8; i++)
		put(&bitmap, i % 8 == 7 ? 0x00FB : 0x00FF, 2);          /* 7 times 63 and 59 */
	ck_assert_int_eq(richtext_new(&options, &maker), NOERROR);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(richtext_add_cd(maker, buf_slice(&bitmap)), NOERROR);
	ck_assert_int_eq(richtext_finish(&maker, &arena, &r), NOERROR);
	ck_assert_uint_eq(r.picture_count, 1);
	ck_assert_uint_lt(r.pictures[0].octets.n, 10000);
	ck_assert(r.incomplete);
	richtext_release(&r);
	arena_release(&arena);
	buf_release(&bitmap);
}
END_TEST

/* As many as there are numbers for, each used again and again. */
START_TEST(many_definitions)
{
	struct buf records = BUF_INIT, text = BUF_INIT;

	for (unsigned i = 0; i < 65536; i++) {
		char definition[70] = { (char)0x82, (char)0xFF, 70, 0, (char)i, (char)(i >> 8) };
		char use[4] = { (char)0x83, 4, (char)i, (char)(i >> 8) };

		buf_add(&records, definition, sizeof(definition));
		buf_add(&records, use, sizeof(use));
		if (i % 64 == 0)
			buf_add(&records, "\x81\x02", 2);
	}
	read_records((struct slice){ "", 0 }, buf_slice(&records), &text);
	ck_assert_uint_eq(text.n, 1023);
	buf_release(&records);
	buf_release(&text);
}
END_TEST

UNIT_MAIN("mailfile/cd", one_by_one, lengths_that_lie, numbers_and_parts, links, broken_and_unknown,
          bitmaps_are_bounded, many_definitions)

/* What moving in is made of: formats of UIDLs, the files in which servers keep them,
 * names in a Maildir, books in the headers of mbox files, what is known of a mail file. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mailfile/known.h"
#include "mailfile/maildirname.h"
#include "mailfile/mbox.h"
#include "mailfile/mboxcl.h"
#include "mailfile/mboxhead.h"
#include "mailfile/uidlmap.h"
#include "tests/support/unit.h"

/* --- formats --------------------------------------------------------------------------- */

static const struct { const char *pattern, *uidl; } formats[] = {
	{ "%08Xu%08Xv", "000000ff4c0907b0" }, { "dovecot", "000000ff4c0907b0" },
	{ "%v.%u", "1275660208.255" }, { "cyrus", "1275660208.255" },
	{ "courier", "UID255-1275660208" }, { "%u", "255" }, { "UID", "255" },
	{ "%f", "1.Mx.Host" }, { "%Lf", "1.mx.host" }, { "%Uf", "1.MX.HOST" },
	{ "%Mf", "2cd0ac31c2fbc2ddd37ff35a4dd6ba82" }, { "%5f", "1.Mx." }, { "%g", "guid" },
	{ "%m%%", "0123%" }, { "a%%b%u", "a%b255" }, { "%Xu", "ff" }, { "%06u", "000255" },
	{ "%{uid}-%{uidvalidity}", "255-1275660208" },
	{ "%{uid | hex(8)}%{uidvalidity|hex(8)}", "000000ff4c0907b0" },
	{ "%{filename | upper}", "1.MX.HOST" },
	{ "%v", NULL }, { "", NULL }, { "x", NULL }, { "%", NULL }, { "%q", NULL },
	{ "%{uid", NULL }, { "%{nothing}", NULL }, { "%{uid|nothing}", NULL }, { "%99u", NULL },
	{ "%u%u%u%u%u%u%u%u%u%u%u%u%u%u%u%u%u", NULL },
};

START_TEST(test_format)
{
	static const struct uidl_parts parts = { 255, 1275660208, { "1.Mx.Host", 9 },
	                                         { "guid", 4 }, { "0123", 4 } };
	static const struct uidl_parts none;
	struct uidl_format format;
	struct buf text = BUF_INIT;
	bool good = uidl_format_parse(formats[_i].pattern, &format);

	ck_assert_int_eq(good, formats[_i].uidl != NULL);
	if (!good)
		return;
	ck_assert(uidl_format_make(&format, &parts, &text));
	if (strstr(formats[_i].pattern, "M") == NULL)
		ck_assert_str_eq(buf_cstr(&text), formats[_i].uidl);
	else
		ck_assert_uint_eq(text.n, 32);
	buf_clear(&text);
	ck_assert(!uidl_format_make(&format, &none, &text));
	ck_assert_uint_eq(text.n, 0);
	buf_release(&text);
}
END_TEST

/* --- files of UIDLs ------------------------------------------------------------------------ */

static struct uidl_map *parsed(const char *text, size_t n, enum uidl_map_kind kind)
{
	struct uidl_map *map = NULL;

	ck_assert_uint_eq(uidl_map_parse((struct slice){ text, n }, kind, NULL, true, "list", &map,
	                                 NULL), NOERROR);
	return map;
}

static void expect(const struct uidl_map *map, const char *key, const char *uidl)
{
	struct slice found = uidl_map_find(map, slice_of(key));

	ck_assert_msg(slice_equal(found, slice_of(uidl)), "%s: %.*s, not %s", key, (int)found.n,
	              found.p, uidl);
}

START_TEST(test_uidlist)
{
	static const char text[] = "3 V1275660208 N9 Gaa\n\n1 :a:2,S\n2 Pold O7 Gg :b\nrubbish\n"
		"3 W1\n4 :c/d\n0 :e\n4294967296 :f\n5 :a\n6 Px\xffy :g\n7 P"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa :h\n9 :i";
	struct uidl_map *map = parsed(text, sizeof(text) - 1, UIDL_MAP_AUTO);
	size_t first;

	ck_assert_uint_eq(uidl_map_kind(map), UIDL_MAP_DOVECOT);
	ck_assert_uint_eq(uidl_map_count(map), 5);
	expect(map, "a", "000000054c0907b0");   /* the later record holds */
	expect(map, "b", "old");
	expect(map, "i", "000000094c0907b0");
	expect(map, "c/d", "");
	ck_assert_uint_eq(uidl_map_facts(map, SLICE_LIT("b"))->order, 7);
	ck_assert(uidl_map_facts(map, SLICE_LIT("b"))->recorded);
	ck_assert(uidl_map_facts(map, SLICE_LIT("g"))->flags & UIDL_FLAG_UNUSABLE);
	ck_assert(uidl_map_facts(map, SLICE_LIT("h"))->flags & UIDL_FLAG_UNUSABLE);
	ck_assert_uint_eq(uidl_map_ignored(map, &first), 6);
	ck_assert_uint_eq(first, 5);
	uidl_map_free(&map);
	map = parsed("1 1000 9\n5 100.a:2,S\n", 21, UIDL_MAP_AUTO);
	expect(map, "100.a", "00000005000003e8");
	uidl_map_free(&map);
}
END_TEST

START_TEST(test_sizelist)
{
	static const struct { const char *text, *uidl; } lists[] = {
		{ "100.a:2,S 12\n", "100.a" }, { "100.a 12\n100.a 13\n", "100.a" },
		{ "/1 9\n100.a 12 7\n", "UID7" }, { "/2 9 5\n100.a 12 7:5\n", "UID7-5" },
		{ "/3 9 5\n100.a:2, 12 7:6:1\n", "UID7-6" }, { "/3 9 5\n100.a 12 7:0:1\n", "UID7" },
		{ "/2 9 5\n100.a 12 0:0\n", "100.a" },
		{ "/2 9 5\n100.a 12 7\n100.a 7:5\n100.a 1 7:5:0\n12 7:5\n", "" },
	};
	struct uidl_map *map = NULL;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		map = parsed(lists[i].text, strlen(lists[i].text), UIDL_MAP_COURIER);
		expect(map, "100.a", lists[i].uidl);
		uidl_map_free(&map);
	}
	map = parsed("a\"b+'c\x01 12\n", 11, UIDL_MAP_COURIER);
	expect(map, "a\"b+'c\x01", "a+22b+2B+27c+01");
	uidl_map_free(&map);
	ck_assert_uint_eq(uidl_map_parse(SLICE_LIT("/9 1 2\n"), UIDL_MAP_COURIER, NULL, true, "l",
	                                 &map, NULL), POSTIL_ERR_SYNTAX);
}
END_TEST

/* --- names ------------------------------------------------------------------------------------ */

START_TEST(test_names)
{
	static const struct { const char *theirs, *ours, *out; } folders[] = {
		{ "Sent", "($Sent)", "Sent" }, { "trash", "($Trash)", "Trash" },
		{ "Spam", "($JunkMail)", "Junk" }, { "A.B", "A\\B", "A.B" },
		{ "&ANw-bung", "\xC3\x9C" "bung", "&ANw-bung" }, { "a&-b", "a&b", "a&-b" },
		{ "&2D3cAA-", "\xF0\x9F\x90\x80", "&2D3cAA-" }, { "x&AC4-y", "x.y", "x&AC4-y" },
		{ "bad&zz", "bad&zz", "bad&-zz" }, { "", NULL, NULL }, { "\xff", NULL, NULL },
		{ "a\nb", NULL, NULL }, { ".a", NULL, NULL }, { "a.", NULL, NULL },
	};
	struct buf text = BUF_INIT;

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		buf_clear(&text);
		ck_assert_uint_eq(maildir_folder_in(slice_of(folders[i].theirs), '.', &text),
		                  folders[i].ours != NULL ? NOERROR : POSTIL_ERR_INVALID);
		if (folders[i].ours == NULL)
			continue;
		ck_assert_str_eq(buf_cstr(&text), folders[i].ours);
		buf_clear(&text);
		ck_assert_uint_eq(maildir_folder_out(slice_of(folders[i].ours), &text), NOERROR);
		ck_assert_str_eq(buf_cstr(&text), folders[i].out);
	}
	buf_release(&text);
	ck_assert_uint_eq(maildir_flags(SLICE_LIT("1.a:2,DFRSTabc")), UIDL_FLAG_SEEN
		| UIDL_FLAG_ANSWERED | UIDL_FLAG_FLAGGED | UIDL_FLAG_DRAFT | UIDL_FLAG_DELETED);
	ck_assert_uint_eq(maildir_flags(SLICE_LIT("1.S:2,,S")), 0);
	ck_assert_int_eq(maildir_secs(SLICE_LIT("1700000000.a")), 1700000000);
	ck_assert_int_eq(maildir_secs(SLICE_LIT("99999999999.a")), 0);
	ck_assert_int_eq(maildir_secs(SLICE_LIT("x.a")), 0);
}
END_TEST

START_TEST(test_from_dates)
{
	static const struct { const char *line; int64_t secs; } lines[] = {
		{ "From a@x Tue Nov 14 22:13:20 2023\n", 1700000000 },
		{ "From a@x Tue Nov 14 22:13 2023", 1699999980 },
		{ "From a b c Tue Nov  4 22:13:20 2023 +0100\r\n", 1699132400 },
		{ "From a@x Tue Nov 14 22:13:20 EST 2023", 1700018000 },
		{ "From Tue Tue Nov 14 22:13:20 2023", 1700000000 },
		{ "From a@x\n", 0 }, { "From ", 0 }, { "From a Tue Nov 32 22:13:20 2023", 0 },
		{ "From a Tue Nov 14 24:13:20 2023", 0 }, { "From a Tue Foo 14 22:13:20 2023", 0 },
		{ "From a Tue Nov 14 22 2023", 0 },
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		int64_t secs = 0;

		ck_assert_int_eq(mbox_from_date(slice_of(lines[i].line), &secs), lines[i].secs != 0);
		ck_assert_int_eq(secs, lines[i].secs);
	}
}
END_TEST

/* --- books in headers ------------------------------------------------------------------------- */

static const struct {
	const char *in, *none, *hidden, *all, *uidl;
	uint32_t uid, validity;
	unsigned flags;
} heads[] = {
	{ "A: 1\nStatus: RO\n\nStatus: x\n", "A: 1\nStatus: RO\n\nStatus: x\n",
	  "A: 1\n\nStatus: x\n", "A: 1\n\nStatus: x\n", "", 0, 0, UIDL_FLAG_SEEN },
	{ "X-UIDL:  abc \r\nx-uid: 7\nX-IMAPbase: 5 9 kw\nX-Keywords:\n more\n\tmore\nB: 2\n\n", NULL,
	  "X-UIDL:  abc \r\nB: 2\n\n", "B: 2\n\n", "abc", 7, 5, 0 },
	{ "X-Status: AFTD\nStatus: O\n", NULL, "", "", "", 0, 0, UIDL_FLAG_ANSWERED
	  | UIDL_FLAG_FLAGGED | UIDL_FLAG_DRAFT | UIDL_FLAG_DELETED },
	{ "Statusx: R\nStatus R\n Status: R\n", NULL, "Statusx: R\nStatus R\n Status: R\n",
	  "Statusx: R\nStatus R\n Status: R\n", "", 0, 0, 0 },
	{ "\nStatus: R\n", NULL, "\nStatus: R\n", "\nStatus: R\n", "", 0, 0, 0 },
	{ "X-UID: 9999999999\nX-UID: x\n\n", NULL, "\n", "\n", "", 0, 0, 0 },
	/* what export wrote: just these lines, in every mode */
	{ MBOX_EXPORT_FIELD ": 2\nX-UIDL: u\nStatus: RO\nX-UIDL: own\nStatus: O\n\n",
	  "X-UIDL: own\nStatus: O\n\n", "X-UIDL: own\nStatus: O\n\n",
	  "X-UIDL: own\nStatus: O\n\n", "u", 0, 0, UIDL_FLAG_SEEN },
	{ "A: 1\n" MBOX_EXPORT_FIELD ": 1\nB: 2\n\n", NULL, "A: 1\n" MBOX_EXPORT_FIELD ": 1\nB: 2\n\n",
	  "A: 1\nB: 2\n\n", "", 0, 0, 0 },
	{ "Status", NULL, "Status", "Status", "", 0, 0, 0 },
	{ "Status: R", NULL, "", "", "", 0, 0, UIDL_FLAG_SEEN },
};

static STATUS add_octets(void *context, const void *p, size_t n)
{
	buf_add(context, p, n);
	return buf_status(context);
}

START_TEST(test_heads)
{
	const char *text = heads[_i].in;
	size_t n = strlen(text);

	for (int removal = MBOX_REMOVE_NONE; removal <= MBOX_REMOVE_ALL; removal++)
		for (size_t piece = 1; piece <= n + 1; piece++) {
			const char *wanted = removal == MBOX_REMOVE_ALL ? heads[_i].all
			                     : removal == MBOX_REMOVE_HIDDEN ? heads[_i].hidden
			                     : heads[_i].none != NULL ? heads[_i].none : text;
			struct buf out = BUF_INIT;
			struct mbox_head h;

			mbox_head_init(&h, (enum mbox_removal)removal, add_octets, &out);
			for (size_t i = 0; i < n; i += piece)
				ck_assert_uint_eq(mbox_head_feed(&h, text + i,
					n - i < piece ? n - i : piece), NOERROR);
			ck_assert_uint_eq(mbox_head_end(&h), NOERROR);
			ck_assert_str_eq(buf_cstr(&out), wanted);
			ck_assert_uint_eq(h.books.uid, heads[_i].uid);
			ck_assert_uint_eq(h.books.validity, heads[_i].validity);
			ck_assert_uint_eq(h.books.flags, heads[_i].flags);
			ck_assert_uint_eq(h.books.uidl_octets, strlen(heads[_i].uidl));
			ck_assert_int_eq(memcmp(h.books.uidl, heads[_i].uidl, h.books.uidl_octets), 0);
			buf_release(&out);
		}
}
END_TEST

/* A line of any length passes as it is, and what is looked at of it is bounded. */
START_TEST(test_long_lines)
{
	static const char *const names[] = { "X-UIDL: ", "Status: ", "A: ", "", " " };
	char *text = malloc(1000002);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct buf out = BUF_INIT;
		struct mbox_head h;

		memset(text, 'R', 1000000);
		memcpy(text, names[i], strlen(names[i]));
		memcpy(text + 1000000, "\n\n", 2);
		mbox_head_init(&h, MBOX_REMOVE_NONE, add_octets, &out);
		ck_assert_uint_eq(mbox_head_feed(&h, text, 1000002), NOERROR);
		ck_assert(mbox_head_is_over(&h));
		ck_assert_uint_eq(out.n, 1000002);
		ck_assert_int_eq(memcmp(out.p, text, out.n), 0);
		ck_assert(i != 0 || h.books.uidl_octets > sizeof(h.books.uidl));
		buf_release(&out);
	}
	free(text);
}
END_TEST

/* --- mboxcl2 -------------------------------------------------------------------------------------- */

struct cl_messages {
	struct buf out;
	uint64_t length;
	bool has_length;
};

static STATUS cl_begin(void *context)
{
	buf_add_char(&((struct cl_messages *)context)->out, '[');
	return NOERROR;
}

static STATUS cl_octets(void *context, const void *p, size_t n)
{
	buf_add(&((struct cl_messages *)context)->out, p, n);
	return NOERROR;
}

static STATUS cl_end(void *context)
{
	buf_add_char(&((struct cl_messages *)context)->out, ']');
	return NOERROR;
}

/* Every message of the test claims the same length. */
static bool cl_length(void *context, uint64_t *length_r)
{
	const struct cl_messages *m = context;

	*length_r = m->length;
	return m->has_length;
}

START_TEST(test_mboxcl2)
{
	static const struct mbox_events events = { cl_begin, cl_octets, cl_end, NULL };
	static const struct { const char *text, *expected; uint64_t length; } boxes[] = {
		{ "From a\nA: 1\n\nFrom \n\nFrom b\nB: 2\n\nx\ny\nz\n", "[A: 1\n\nFrom \n][B: 2\n\nx\ny\nz\n]", 6 },
		{ "From a\nA: 1\n\nx\n\nFrom b\nB: 2\n\ny", "[A: 1\n\nx\n][B: 2\n\ny]", 99 },
		{ "From a\nA: 1\n\nx\n\nFrom b\nB: 2\n\ny\n", "[A: 1\n\nx\n][B: 2\n\ny\n]", UINT64_MAX },
		{ "From a\nA: 1\n\nx\nFrom b\n\ny\n\n\n", "[A: 1\n\nx\nFrom b\n\ny\n\n]", 3 },
		{ "From a\nA: 1\n\nFrom b\n\n", "[A: 1\n\n][\n]", 0 },
		{ "\n\nFrom a\n", "[]", 5 }, { "", "", 5 },
	};
	char *buffer = malloc(4096);

	for (size_t i = 0; i < sizeof(boxes) / sizeof(boxes[0]); i++) {
		struct cl_messages m = { BUF_INIT, boxes[i].length, true };
		FILE *file = tmpfile();

		ck_assert_ptr_nonnull(file);
		ck_assert_int_ge(fputs(boxes[i].text, file), 0);
		ck_assert_int_eq(fflush(file), 0);
		ck_assert_int_eq(lseek(fileno(file), 0, SEEK_SET), 0);
		ck_assert_uint_eq(mboxcl_read(fileno(file), buffer, 4096, &events, cl_length, &m),
		                  NOERROR);
		ck_assert_str_eq(buf_cstr(&m.out), boxes[i].expected);
		buf_release(&m.out);
		fclose(file);
	}
	free(buffer);
}
END_TEST

/* --- what is known ----------------------------------------------------------------------------------- */

static enum known_verdict judge(struct known *known, const char *uidl, char octets)
{
	uint8_t digest[MAILDROP_DIGEST_OCTETS];
	enum known_verdict verdict;

	memset(digest, octets, sizeof(digest));
	ck_assert_uint_eq(known_judge(known, slice_of(uidl), digest, &verdict), NOERROR);
	return verdict;
}

START_TEST(test_known)
{
	struct known *known = NULL;
	struct maildrop_known entry = { .uidl = SLICE_LIT("here"), .live = true };
	char uidl[16];

	ck_assert_uint_eq(known_new(&known), NOERROR);
	ck_assert_uint_eq(judge(known, NULL, 'x'), KNOWN_NEW);  /* of an empty file */
	memset(entry.digest, 'a', sizeof(entry.digest));
	ck_assert_uint_eq(known_add(known, &entry), NOERROR);
	entry.uidl = SLICE_LIT("gone");
	entry.live = false;
	memset(entry.digest, 'b', sizeof(entry.digest));
	ck_assert_uint_eq(known_add(known, &entry), NOERROR);
	ck_assert_uint_eq(judge(known, "here", 'a'), KNOWN_PRESENT);
	ck_assert_uint_eq(judge(known, "here", 'c'), KNOWN_CLASH);
	ck_assert_uint_eq(judge(known, "gone", 'c'), KNOWN_CLASH);
	ck_assert_uint_eq(judge(known, NULL, 'b'), KNOWN_NEW);  /* it is not there any more */
	ck_assert_uint_eq(judge(known, "gone", 'b'), KNOWN_NEW);
	ck_assert_uint_eq(judge(known, "gone", 'b'), KNOWN_PRESENT);
	for (int i = 0; i < 5000; i++) {
		snprintf(uidl, sizeof(uidl), "n%d", i);
		ck_assert_uint_eq(judge(known, uidl, 'd'), KNOWN_NEW);
	}
	ck_assert_uint_eq(judge(known, "n77", 'd'), KNOWN_PRESENT);
	ck_assert_uint_eq(judge(known, "n77", 'e'), KNOWN_CLASH);
	/* without UIDL: one of the same octets that nothing was taken for yet */
	entry.uidl = SLICE_LIT("other");
	entry.live = true;
	memset(entry.digest, 'f', sizeof(entry.digest));
	ck_assert_uint_eq(known_add(known, &entry), NOERROR);
	ck_assert_uint_eq(judge(known, NULL, 'f'), KNOWN_PRESENT);
	ck_assert_uint_eq(judge(known, NULL, 'f'), KNOWN_NEW);
	known_free(&known);
	known_free(&known);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("move");
	TCase *tc = tcase_create("moving in");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tc, test_format, 0, sizeof(formats) / sizeof(formats[0]));
	tcase_add_test(tc, test_uidlist);
	tcase_add_test(tc, test_sizelist);
	tcase_add_test(tc, test_names);
	tcase_add_test(tc, test_from_dates);
	tcase_add_loop_test(tc, test_heads, 0, sizeof(heads) / sizeof(heads[0]));
	tcase_add_test(tc, test_long_lines);
	tcase_add_test(tc, test_mboxcl2);
	tcase_add_test(tc, test_known);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}

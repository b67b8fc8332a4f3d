/* Import and export: mbox and its kin, .eml, Maildir, UIDL maps, and that what
 * goes out comes back in. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mailfile/export.h"
#include "mailfile/import.h"
#include "mailfile/mbox.h"
#include "tests/support/stores.h"
#include "tests/support/unit.h"

#define BOX "mail/x.nsf"

static char *dir;
static struct mail_store *store;
static struct buf told;

static void setup(void)
{
	dir = unit_tempdir();
	ck_assert_uint_eq(store_memory_new(&store), NOERROR);
}

static void teardown(void)
{
	store->calls->free(&store);
	buf_release(&told);
	unit_tempdir_remove(&dir);
}

/* dir/name; one of four places that are used in turn. */
static const char *at(const char *name)
{
	static char places[4][512];
	static unsigned next;
	char *place = places[next++ % 4];

	snprintf(place, sizeof(places[0]), "%s/%s", dir, name);
	return place;
}

static void write_file(const char *name, const char *p, size_t n)
{
	FILE *file = fopen(at(name), "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(p, 1, n, file), n);
	ck_assert_int_eq(fclose(file), 0);
}

static void write_text(const char *name, const char *text)
{
	write_file(name, text, strlen(text));
}

static void make_dir(const char *name)
{
	ck_assert_int_eq(mkdir(at(name), 0700), 0);
}

static void tell(void *context, const char *text)
{
	buf_addf(&told, "%s\n", text);
}

static STATUS import_from(const char *name, enum mail_form form, const struct uidl_map *uidls,
                          struct import_report *report_r)
{
	struct import_options options = { .form = form, .batch = 3, .max_octets = 5000,
	                                  .uidls = uidls, .say = tell };
	struct fault fault = { 0 };

	*report_r = (struct import_report){ 0 };
	return import_mail(store, BOX, SLICE_LIT("CN=X"), at(name), &options, report_r, &fault);
}

static struct maildrop *open_box(const struct maildrop_options *options)
{
	struct maildrop *drop = NULL;
	uint64_t epoch;

	ck_assert_uint_eq(store->calls->open(store, BOX, options, &drop, &epoch, NULL), NOERROR);
	return drop;
}

static uint32_t count_of(struct maildrop *drop)
{
	uint32_t count;
	uint64_t octets;

	store->calls->stat(drop, &count, &octets);
	return count;
}

/* All messages in order, each between brackets. */
static void contents(struct buf *out)
{
	struct maildrop *drop = open_box(NULL);
	char text[8192];
	size_t got;

	for (uint32_t i = 0; i < count_of(drop); i++) {
		ck_assert_uint_eq(store->calls->read(drop, i, 0, text, sizeof(text), &got, NULL),
		                  NOERROR);
		buf_add_char(out, '[');
		buf_add(out, text, got);
		buf_add_char(out, ']');
	}
	store->calls->close(&drop);
}

static void expect_contents(const char *expected)
{
	struct buf found = BUF_INIT;

	contents(&found);
	ck_assert_str_eq(buf_cstr(&found), expected);
	buf_release(&found);
}

/* --- mbox --------------------------------------------------------------------------- */

static const struct { const char *text; bool unquote; const char *expected; } boxes[] = {
	{ "From a Mon\nA: 1\n\nx\n\nFrom b Tue\nA: 2\n\ny\n", false,
	  "[A: 1\r\n\r\nx\r\n][A: 2\r\n\r\ny\r\n]" },
	/* with CRLF; no last line end; empty lines before the first message */
	{ "From a\r\nA: 1\r\n\r\nx\r\n\r\nFrom b\r\nA: 2\r\n\r\ny", false,
	  "[A: 1\r\n\r\nx\r\n][A: 2\r\n\r\ny\r\n]" },
	{ "\n\r\n\nFrom a\nA: 1\n", false, "[A: 1\r\n]" },
	/* "From " begins a message only after an empty line */
	{ "From a\nA: 1\n\nx\nFrom b\ny\n", false, "[A: 1\r\n\r\nx\r\nFrom b\r\ny\r\n]" },
	{ "From a\nFrom b\n", false, "[From b\r\n]" },
	/* Content-Length is a claim like any other */
	{ "From a\nContent-Length: 999\n\nx\n\nFrom b\nContent-Length: 1\n\nyyyy\n", false,
	  "[Content-Length: 999\r\n\r\nx\r\n][Content-Length: 1\r\n\r\nyyyy\r\n]" },
	/* one empty line ends a message and is no part of it; more are */
	{ "From a\nA: 1\n\n\n\n\nFrom b\nA: 2\n\n", false,
	  "[A: 1\r\n\r\n\r\n\r\n][A: 2\r\n]" },
	/* quoting */
	{ "From a\n\n>From b\n>>From c\n> From d\n>Fromage\n>\n", false,
	  "[\r\n>From b\r\n>>From c\r\n> From d\r\n>Fromage\r\n>\r\n]" },
	{ "From a\n\n>From b\n>>From c\n> From d\n>Fromage\n>\n>", true,
	  "[\r\nFrom b\r\n>From c\r\n> From d\r\n>Fromage\r\n>\r\n>\r\n]" },
	{ "From a\n\n>From", true, "[\r\n>From\r\n]" },
	{ "From a\n\n>From ", true, "[\r\nFrom \r\n]" },
	{ "From a\n\nFro\n\nFroM b\n", true, "[\r\nFro\r\n\r\nFroM b\r\n]" },
	/* a CR alone is no line end */
	{ "From a\nA: 1\n\n\rFrom b\n\r\r\nFrom c\n\r", false,
	  "[A: 1\r\n\r\n\rFrom b\r\n\r\r\nFrom c\r\n\r\r\n]" },
	/* messages without octets */
	{ "From a\n\nFrom b\n\n", false, "[\r\n][\r\n]" },
	{ "From a", false, "[\r\n]" },
	{ "", false, "" },
	{ "\n\n", false, "" },
};

START_TEST(test_mbox)
{
	struct import_report report;
	enum mail_form form = boxes[_i].unquote ? MAIL_FORM_MBOXRD : MAIL_FORM_MBOX;

	write_text("box", boxes[_i].text);
	ck_assert_uint_eq(store->calls->create(store, BOX, SLICE_LIT("CN=X"), NULL), NOERROR);
	ck_assert_uint_eq(import_from("box", form, NULL, &report), NOERROR);
	expect_contents(boxes[_i].expected);
	ck_assert_uint_eq(report.passed_over, 0);
}
END_TEST

struct pieces {
	struct buf out;
};

static STATUS piece_begin(void *context)
{
	buf_add_char(&((struct pieces *)context)->out, '[');
	return NOERROR;
}

static STATUS piece_octets(void *context, const void *p, size_t n)
{
	buf_add(&((struct pieces *)context)->out, p, n);
	return NOERROR;
}

static STATUS piece_end(void *context)
{
	buf_add_char(&((struct pieces *)context)->out, ']');
	return NOERROR;
}

/* In pieces of any size a reader says the same. */
START_TEST(test_mbox_pieces)
{
	static const struct mbox_events events = { piece_begin, piece_octets, piece_end };
	const char *text = boxes[_i].text;
	struct pieces whole = { BUF_INIT };
	size_t n = strlen(text);

	for (size_t piece = n + 1; piece > 0; piece--) {
		struct pieces cut = { BUF_INIT }, *to = piece == n + 1 ? &whole : &cut;
		struct mbox_reader reader;

		mbox_reader_init(&reader, boxes[_i].unquote, &events, to);
		for (size_t i = 0; i < n; i += piece)
			ck_assert_uint_eq(mbox_reader_feed(&reader, text + i,
				n - i < piece ? n - i : piece), NOERROR);
		ck_assert_uint_eq(mbox_reader_end(&reader), NOERROR);
		if (to == &cut)
			ck_assert_str_eq(buf_cstr(&cut.out), buf_cstr(&whole.out));
		buf_release(&cut.out);
	}
	buf_release(&whole.out);
}
END_TEST

START_TEST(test_mbox_refused)
{
	static const char *const texts[] = { "A: 1\n\nx\n", "\rFrom a\n", "Fro", ">From a\n" };
	struct import_report report;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		write_text("box", texts[i]);
		ck_assert_uint_eq(import_from("box", MAIL_FORM_MBOX, NULL, &report),
		                  POSTIL_ERR_SYNTAX);
		ck_assert_uint_eq(report.messages, 0);
	}
	ck_assert_uint_eq(import_from("gone", MAIL_FORM_AUTO, NULL, &report), POSTIL_ERR_NOEXIST);
	ck_assert_uint_eq(import_from(".", MAIL_FORM_MBOX, NULL, &report), POSTIL_ERR_INVALID);
	ck_assert_uint_eq(import_from(".", MAIL_FORM_AUTO, NULL, &report), POSTIL_ERR_NOEXIST);
	ck_assert_uint_eq(import_from("box", MAIL_FORM_MAILDIR, NULL, &report),
	                  POSTIL_ERR_INVALID);
}
END_TEST

START_TEST(test_too_long)
{
	struct import_report report;
	char *text = malloc(20000);

	memset(text, 'x', 20000);
	memcpy(text, "From a\nA: 1\n\nFrom b\n", 20);
	memcpy(text + 10000, "\n\nFrom c\nA: 3\n\nx\n", 17);
	write_file("box", text, 10017);
	free(text);
	ck_assert_uint_eq(import_from("box", MAIL_FORM_AUTO, NULL, &report), NOERROR);
	ck_assert_uint_eq(report.messages, 2);
	ck_assert_uint_eq(report.passed_over, 1);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&told), "message 2: passed over: it is longer"));
	expect_contents("[A: 1\r\n][A: 3\r\n\r\nx\r\n]");
}
END_TEST

/* A delivery that fails leaves the batches before it, and says how many. */
START_TEST(test_store_fails)
{
	struct mail_store *inner = store;
	struct import_report report;
	struct buf text = BUF_INIT;

	ck_assert_uint_eq(store_fault_new(inner, &store), NOERROR);
	for (int i = 0; i < 10; i++)
		buf_addf(&text, "From a\nA: %d\n\n", i);
	write_file("box", text.p, text.n);
	buf_release(&text);
	store_fault_fail(store, STORE_DELIVER, 3, POSTIL_ERR_DISK_FULL, false);
	ck_assert_uint_eq(import_from("box", MAIL_FORM_AUTO, NULL, &report),
	                  POSTIL_ERR_DISK_FULL);
	ck_assert_uint_eq(report.messages, 6);
	ck_assert_uint_eq(store_fault_count(store, STORE_DELIVER), 3);
}
END_TEST

/* --- .eml and Maildir -------------------------------------------------------------------- */

START_TEST(test_eml)
{
	struct import_report report;

	make_dir("in");
	write_text("in/10.eml", "A: 10\n");
	write_text("in/2.EML", "A: 2\n");
	write_text("in/1.eml", "");
	write_text("in/.hidden.eml", "A: no\n");
	write_text("in/readme.txt", "A: no\n");
	make_dir("in/sub.eml");
	ck_assert_uint_eq(import_from("in", MAIL_FORM_AUTO, NULL, &report), NOERROR);
	expect_contents("[\r\n][A: 2\r\n][A: 10\r\n]");
	ck_assert_uint_eq(report.passed_over, 1);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&told), "sub.eml: passed over: it is not a regular"));
	/* one file; one that begins like an mbox file but is said to be none */
	write_text("one", "From a\nA: 1\n");
	ck_assert_uint_eq(import_from("one", MAIL_FORM_EML, NULL, &report), NOERROR);
	ck_assert_uint_eq(report.messages, 1);
	expect_contents("[\r\n][A: 2\r\n][A: 10\r\n][From a\r\nA: 1\r\n]");
}
END_TEST

START_TEST(test_maildir)
{
	struct maildrop_options unread = { .unread_only = true, .user = SLICE_LIT("CN=X") };
	struct import_report report;
	struct maildrop *drop;

	make_dir("in");
	make_dir("in/cur");
	make_dir("in/new");
	make_dir("in/tmp");
	write_text("in/cur/100.a:2,S", "A: 1\n");
	write_text("in/cur/99.b:2,", "A: 2\n");
	write_text("in/cur/101.c:2,FRS", "A: 3\n");
	write_text("in/new/102.S", "A: 4\n");
	write_text("in/tmp/1.x", "A: no\n");
	write_text("in/dovecot.index", "A: no\n");
	ck_assert_uint_eq(import_from("in", MAIL_FORM_AUTO, NULL, &report), NOERROR);
	expect_contents("[A: 2\r\n][A: 1\r\n][A: 3\r\n][A: 4\r\n]");
	drop = open_box(&unread);
	ck_assert_uint_eq(count_of(drop), 2);
	store->calls->close(&drop);
}
END_TEST

/* Who owns the directory may have laid links to what only the server may read. */
START_TEST(test_links_in_directories)
{
	struct import_report report;

	write_text("secret.eml", "A: secret\n");
	make_dir("others");
	write_text("others/1.z", "A: others'\n");
	make_dir("in");
	write_text("in/1.eml", "A: 1\n");
	ck_assert_int_eq(symlink("../secret.eml", at("in/2.eml")), 0);
	ck_assert_uint_eq(import_from("in", MAIL_FORM_AUTO, NULL, &report), NOERROR);
	ck_assert_uint_eq(report.passed_over, 1);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&told), "2.eml: passed over: it is a link"));
	make_dir("dir");
	make_dir("dir/cur");
	ck_assert_int_eq(symlink("../../secret.eml", at("dir/cur/1.a:2,")), 0);
	ck_assert_int_eq(symlink("../others", at("dir/new")), 0);
	ck_assert_uint_eq(import_from("dir", MAIL_FORM_AUTO, NULL, &report), NOERROR);
	ck_assert_uint_eq(report.passed_over, 2);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&told), "dir/new: passed over: it is not a dir"));
	ck_assert_int_eq(unlink(at("dir/new")), 0);
	ck_assert_uint_eq(import_from("dir", MAIL_FORM_AUTO, NULL, &report), NOERROR);
	ck_assert_uint_eq(report.passed_over, 1);
	expect_contents("[A: 1\r\n]");
}
END_TEST

/* --- UIDL maps ------------------------------------------------------------------------------ */

START_TEST(test_uidl_map)
{
	static const char *const faulty[] = { "key\n", " uidl\n", "key \n",
		"1 a\n2 b\n1 c\n" };
	struct uidl_map *map = NULL;
	struct import_report report;
	struct maildrop_message m;
	struct maildrop *drop;

	for (size_t i = 0; i < sizeof(faulty) / sizeof(faulty[0]); i++) {
		write_text("map", faulty[i]);
		ck_assert_uint_eq(uidl_map_read(at("map"), NULL, &map, NULL), POSTIL_ERR_SYNTAX);
		ck_assert_ptr_null(map);
	}
	ck_assert_uint_eq(uidl_map_read(at("none"), NULL, &map, NULL), POSTIL_ERR_NOEXIST);
	write_text("map", "2 Second\r\n\n1 First\nwith blank.eml Third");
	ck_assert_uint_eq(uidl_map_read(at("map"), NULL, &map, NULL), NOERROR);
	ck_assert_uint_eq(uidl_map_count(map), 3);
	write_text("box", "From a\nA: 1\n\nFrom b\nA: 2\n\nFrom c\nA: 3\n");
	write_text("with blank.eml", "A: 4\n");
	ck_assert_uint_eq(import_from("box", MAIL_FORM_AUTO, map, &report), NOERROR);
	ck_assert_uint_eq(report.uidls, 2);
	ck_assert_uint_eq(import_from("with blank.eml", MAIL_FORM_AUTO, map, &report), NOERROR);
	ck_assert_uint_eq(report.uidls, 1);
	drop = open_box(NULL);
	store->calls->message(drop, 1, &m);
	ck_assert(slice_equal(m.uidl, SLICE_LIT("Second")));
	store->calls->message(drop, 3, &m);
	ck_assert(slice_equal(m.uidl, SLICE_LIT("Third")));
	store->calls->close(&drop);
	uidl_map_free(&map);
}
END_TEST

START_TEST(test_uidlist)
{
	static const char *const faulty[] = {
		"3 V1 N2\nx :a\n", "3 V1 N2\n1\n", "3 V1 N2\n1 :\n", "3 V1 N2\n0 :a\n",
		"3 V1 N2\n1 ::2,S\n", "3 V1 N2\n4294967296 :a\n",
	};
	struct uidl_map *map = NULL;
	struct import_report report;

	for (size_t i = 0; i < sizeof(faulty) / sizeof(faulty[0]); i++) {
		write_text("uidlist", faulty[i]);
		ck_assert_uint_eq(uidl_map_read(at("uidlist"), NULL, &map, NULL), POSTIL_ERR_SYNTAX);
	}
	write_text("uidlist", "3 V1275660208 N25022 G3085f01b7f11094c501100008c4a11c1\n"
	           "25006 :1276528487.M364837P9451.host,S=1355,W=1394:2,\n"
	           "25017 W2481 Pold-uidl :1276533073.M242911P3632.host:2,F\n");
	ck_assert_uint_eq(uidl_map_read(at("uidlist"), NULL, &map, NULL), NOERROR);
	ck_assert_uint_eq(uidl_map_count(map), 2);
	ck_assert(slice_equal(SLICE_LIT("000061ae4c0907b0"), uidl_map_find(map,
		SLICE_LIT("1276528487.M364837P9451.host,S=1355,W=1394"))));
	ck_assert(slice_equal(SLICE_LIT("old-uidl"), uidl_map_find(map,
		SLICE_LIT("1276533073.M242911P3632.host"))));
	make_dir("in");
	make_dir("in/cur");
	write_text("in/cur/1276533073.M242911P3632.host:2,FS", "A: 1\n");
	ck_assert_uint_eq(import_from("in", MAIL_FORM_AUTO, map, &report), NOERROR);
	ck_assert_uint_eq(report.uidls, 1);
	uidl_map_free(&map);
}
END_TEST

/* --- there and back -------------------------------------------------------------------------- */

static const char *const nasty[] = {
	"A: 1\r\n\r\nplain\r\n",
	"From: Jane <jane@x>\r\nDate: Fri, 21 Nov 1997 09:55:06 -0600\r\n\r\nx\r\n",
	"From: \"a\r\n b\" <\x01 evil\r\n\r\nx\r\n",
	"A: 1\r\n\r\nFrom x\r\n>From y\r\n>>From z\r\n\r\nFrom w\r\n",
	"A: 1\r\n\r\n\r\n\r\n\r\n",
	"A: 1\r\n\r\nbare\rcr\r\n\r\r\nx\r\r\n\r\r\r\n",
	"\r\n",
	"A: 1\r\n\r\n",
	"no header at all\r\n",
	">\r\n>>\r\n>F\r\nFro\r\n",
	"From a\r\n\r\nFrom b\r\n",
};
static const enum mail_form forms[] = { MAIL_FORM_MBOXRD, MAIL_FORM_EML, MAIL_FORM_MAILDIR };

START_TEST(test_there_and_back)
{
	struct export_options options = { .form = forms[_i], .uidl_map = strdup(at("map")) };
	struct export_report exported = { 0 };
	struct buf before = BUF_INIT, after = BUF_INIT;
	struct import_report report;
	struct uidl_map *map = NULL;

	for (size_t i = 0; i < sizeof(nasty) / sizeof(nasty[0]); i++)
		ck_assert_uint_eq(store_put(store, BOX, nasty[i], strlen(nasty[i]), NULL), NOERROR);
	contents(&before);
	ck_assert_uint_eq(export_mail(store, BOX, at("out"), &options, &exported, NULL), NOERROR);
	ck_assert_uint_eq(exported.messages, sizeof(nasty) / sizeof(nasty[0]));
	ck_assert_uint_eq(store->calls->remove(store, BOX, NULL), NOERROR);
	ck_assert_uint_eq(uidl_map_read(at("map"), NULL, &map, NULL), NOERROR);
	ck_assert_uint_eq(import_from("out", forms[_i], map, &report), NOERROR);
	ck_assert_uint_eq(report.uidls, report.messages);
	contents(&after);
	ck_assert_str_eq(buf_cstr(&before), buf_cstr(&after));
	buf_release(&before);
	buf_release(&after);
	uidl_map_free(&map);
	free((char *)(uintptr_t)options.uidl_map);
}
END_TEST

START_TEST(test_never_overwrites)
{
	struct export_options options = { .form = forms[_i] };
	struct export_report exported = { 0 };
	struct stat st;

	ck_assert_uint_eq(store_put(store, BOX, "x\n", 2, NULL), NOERROR);
	write_text("out", "precious");
	ck_assert_int_eq(symlink(at("gone"), at("link")), 0);
	ck_assert_uint_eq(export_mail(store, BOX, at("out"), &options, &exported, NULL),
	                  POSTIL_ERR_EXISTS);
	ck_assert_uint_eq(export_mail(store, BOX, at("link"), &options, &exported, NULL),
	                  POSTIL_ERR_EXISTS);
	ck_assert_uint_eq(exported.messages, 0);
	ck_assert_int_eq(stat(at("out"), &st), 0);
	ck_assert_int_eq(st.st_size, 8);
	ck_assert_int_ne(stat(at("gone"), &st), 0);
	ck_assert_uint_eq(export_mail(store, BOX, at("no/dir"), &options, &exported, NULL),
	                  POSTIL_ERR_IO);
	ck_assert_uint_eq(export_mail(store, "no.nsf", at("new"), &options, &exported, NULL),
	                  POSTIL_ERR_NOEXIST);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("import");
	TCase *tc = tcase_create("import and export");
	SRunner *runner;
	int failed, box_count = sizeof(boxes) / sizeof(boxes[0]);

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, test_mbox, 0, box_count);
	tcase_add_loop_test(tc, test_mbox_pieces, 0, box_count);
	tcase_add_test(tc, test_mbox_refused);
	tcase_add_test(tc, test_too_long);
	tcase_add_test(tc, test_store_fails);
	tcase_add_test(tc, test_eml);
	tcase_add_test(tc, test_maildir);
	tcase_add_test(tc, test_links_in_directories);
	tcase_add_test(tc, test_uidl_map);
	tcase_add_test(tc, test_uidlist);
	tcase_add_loop_test(tc, test_there_and_back, 0, 3);
	tcase_add_loop_test(tc, test_never_overwrites, 0, 3);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}

/* Native MIME: records become the octets they were made of, and what is wrong with them is mended. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "mailfile/message.h"
#include "mailfile/nativemime.h"
#include "mailfile/render.h"
#include "tests/support/unit.h"

static struct arena arena;
static struct note note;

static void setup(void)
{
	arena_init(&arena);
	note_init(&note, &arena);
	note.has_unid = true;
	memset(note.unid.octets, 0xAB, UNID_OCTETS);
}

static void teardown(void)
{
	arena_release(&arena);
}

#define WRAPPER "=_native_ABABABABABABABABABABABABABABABAB_="

static void add_word(struct buf *out, size_t word)
{
	buf_add_char(out, (char)(word & 0xFF));
	buf_add_char(out, (char)(word >> 8 & 0xFF));
}

/* Lengths that a record tells of itself, when they are not what they are: -1. */
struct lies {
	int told, boundary, header;
};

static size_t told(int lie, size_t truth)
{
	return lie >= 0 ? (size_t)lie : truth;
}

static void add_part_lying(unsigned type, unsigned flags, const char *boundary, const char *header,
                           const char *data, struct lies lies)
{
	struct buf record = BUF_INIT;
	struct slice value;

	add_word(&record, 2);
	add_word(&record, flags | (boundary[0] != '\0' ? 1 : 0) | (header[0] != '\0' ? 2 : 0));
	add_word(&record, 0);
	buf_add_char(&record, (char)type);
	buf_add_char(&record, 0);
	add_word(&record, told(lies.told, strlen(boundary) + strlen(header) + strlen(data)));
	add_word(&record, told(lies.boundary, strlen(boundary)));
	add_word(&record, told(lies.header, strlen(header)));
	buf_add(&record, "\0\0\0\0\0\0", 6);
	buf_add_str(&record, boundary);
	buf_add_str(&record, header);
	buf_add_str(&record, data);
	value = buf_slice(&record);
	ck_assert_ptr_nonnull(note_add(&note, SLICE_LIT("Body"), ITEM_MIME_PART, 0, &value, 1));
	buf_release(&record);
}

static void add_part(unsigned type, unsigned flags, const char *boundary, const char *header,
                     const char *data)
{
	add_part_lying(type, flags, boundary, header, data, (struct lies){ -1, -1, -1 });
}

static void add_field(const char *name, const char *delimiter, const char *body)
{
	struct buf record = BUF_INIT;
	struct slice value;

	add_word(&record, 14);
	buf_add(&record, "\x0a\0\0\0", 4);
	add_word(&record, 6);
	add_word(&record, strlen(name));
	add_word(&record, strlen(delimiter));
	add_word(&record, strlen(body));
	buf_add_str(&record, "native");
	buf_add_str(&record, name);
	buf_add_str(&record, delimiter);
	buf_add_str(&record, body);
	value = buf_slice(&record);
	ck_assert_ptr_nonnull(note_add(&note, slice_of(name), ITEM_RFC822_TEXT, 0, &value, 1));
	buf_release(&record);
}

static void add_file(const char *name, const char *octets)
{
	struct slice values[] = { slice_of(name), slice_of(octets) };

	ck_assert_ptr_nonnull(note_add(&note, SLICE_LIT("$FILE"), ITEM_OBJECT, 0, values, 2));
}

static void add_usual_fields(void)
{
	add_field("From", ": ", "a@b\r\n");
	add_field("Date", ": ", "Fri, 08 Aug 2014 13:18:33 -0400");
	add_field("Message-ID", ":  ", "<1@b>\r\n");
	add_field("Mime-Version", ": ", "1.0\r\n");
}

#define USUAL "From: a@b\r\nDate: Fri, 08 Aug 2014 13:18:33 -0400\r\nMessage-ID:  <1@b>\r\n" \
	"Mime-Version: 1.0\r\n"

static void expect(const char *octets)
{
	struct intake *intake;
	struct maildrop_delivery d;
	struct fault fault;
	char *got;

	ck_assert_uint_eq(intake_new(NULL, &intake), NOERROR);
	ck_assert_uint_eq(render_note(&note, NULL, intake, &fault), NOERROR);
	ck_assert_uint_eq(intake_finish(intake, &d), NOERROR);
	got = calloc(1, (size_t)d.size_octets + 1);
	ck_assert_uint_eq(d.body(d.context, 0, got, (size_t)d.size_octets), NOERROR);
	ck_assert_str_eq(got, octets);
	free(got);
	intake_free(&intake);
}

/* --- as they should be --------------------------------------------------------------------------- */

START_TEST(test_one_part)
{
	add_field("Received", ": ", "from x\r\n\tby y;\r\n\ttoday\r\n");
	add_field("Received", ": ", "from y\r\n");
	add_usual_fields();
	add_field("X-Odd", ":\t", "\xFC raw \r\n");
	add_part(2, 0, "", "Content-Type: text/plain;\r\n\tcharset=us-ascii\r\n\r\n", "Hello=20\r\n.\r\n");
	expect("Received: from x\r\n\tby y;\r\n\ttoday\r\nReceived: from y\r\n" USUAL "X-Odd:\t\xFC raw \r\n"
	       "Content-Type: text/plain;\r\n\tcharset=us-ascii\r\n\r\nHello=20\r\n.\r\n");
}
END_TEST

static void add_tree(void)
{
	add_usual_fields();
	add_part(1, 0, "", "Content-Type: multipart/mixed; boundary=\"o\"\r\n\r\n", "preamble\r\n");
	add_part(1, 0, "--o\r\n", "Content-Type: multipart/alternative; boundary=i\r\n\r\n", "");
	add_part(2, 0, "--i  \r\n", "Content-Type: text/plain\r\n\r\n", "Hello\r\n");
	add_part(2, 0, "--i\r\n", "\r\n", "<p>Hello\r\n\r\n");
	add_part(3, 0, "--i--\r\n", "", "");
	add_part(2, 0x0C, "--o\r\n", "Content-Type: application/pdf\r\n"
	         "Content-Transfer-Encoding: binary\r\n\r\n", "a.pdf");
	add_part(3, 0, "--o--\r\n", "", "the end\r\n");
}

#define TREE USUAL "Content-Type: multipart/mixed; boundary=\"o\"\r\n\r\npreamble\r\n" \
	"--o\r\nContent-Type: multipart/alternative; boundary=i\r\n\r\n" \
	"--i  \r\nContent-Type: text/plain\r\n\r\nHello\r\n" \
	"--i\r\n\r\n<p>Hello\r\n\r\n--i--\r\n--o\r\nContent-Type: application/pdf\r\n"

START_TEST(test_tree)
{
	add_tree();
	add_file("b.pdf", "other octets");
	add_file("a.pdf", "octets");
	expect(TREE "Content-Transfer-Encoding: base64\r\n\r\nb2N0ZXRz\r\n--o--\r\nthe end\r\n");
}
END_TEST

START_TEST(test_missing_file)
{
	add_tree();
	expect(USUAL "Content-Type: multipart/mixed; boundary=\"o\"\r\n\r\npreamble\r\n"
	       "--o\r\nContent-Type: multipart/alternative; boundary=i\r\n\r\n"
	       "--i  \r\nContent-Type: text/plain\r\n\r\nHello\r\n"
	       "--i\r\n\r\n<p>Hello\r\n\r\n--i--\r\n--o\r\n"
	       "Content-Type: text/plain; charset=US-ASCII\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
	       "[The attachment \"a.pdf\" is not in this document.]\r\n--o--\r\nthe end\r\n");
}
END_TEST

START_TEST(test_message_in_message)
{
	add_usual_fields();
	add_part(1, 0, "", "Content-Type: multipart/mixed; boundary=o\r\n\r\n", "");
	add_part(5, 0, "--o\r\n", "Content-Type: message/rfc822\r\n\r\n", "");
	add_part(1, 0, "", "Subject: inner\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n", "");
	add_part(2, 0, "--i\r\n", "Content-Type: text/plain\r\n\r\n", "Hello\r\n");
	add_part(3, 0, "--i--\r\n", "", "");
	add_part(5, 0, "--o\r\n", "Content-Type: message/rfc822\r\n\r\n", "Subject: all\r\n\r\nof it\r\n");
	add_part(5, 0, "--o\r\n", "Content-Type: message/rfc822\r\n\r\n",
	         "Content-Type: multipart/mixed; boundary=k\r\n\r\n");
	add_part(2, 0, "--k\r\n", "\r\n", "K\r\n");
	add_part(3, 0, "--k--\r\n", "", "");
	add_part(3, 0, "--o--\r\n", "", "");
	expect(USUAL "Content-Type: multipart/mixed; boundary=o\r\n\r\n"
	       "--o\r\nContent-Type: message/rfc822\r\n\r\n"
	       "Subject: inner\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n"
	       "--i\r\nContent-Type: text/plain\r\n\r\nHello\r\n--i--\r\n"
	       "--o\r\nContent-Type: message/rfc822\r\n\r\nSubject: all\r\n\r\nof it\r\n"
	       "--o\r\nContent-Type: message/rfc822\r\n\r\n"
	       "Content-Type: multipart/mixed; boundary=k\r\n\r\n--k\r\n\r\nK\r\n--k--\r\n--o--\r\n");
}
END_TEST

/* --- as they should not be ------------------------------------------------------------------------------ */

#define TWO USUAL "Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\nA: 1\r\n\r\none\r\n" \
	"--o\r\nA: 2\r\n\r\ntwo\r\n--o--\r\n"

struct wrong {
	const char *boundary[4];        /* of prolog, two parts, epilog; NULL: there is no such record */
	int order[4];
};

/* Boundaries that are missing, wrong or not ended; parts out of order. */
static const struct wrong wrongs[] = {
	{ { "", "--o\r\n", "--o\r\n", "--o--\r\n" }, { 0, 1, 2, 3 } },
	{ { "", "", "--o\r\n", "--o--\r\n" }, { 0, 1, 2, 3 } },
	{ { "", "--wrong\r\n", "", "--wrong--\r\n" }, { 0, 1, 2, 3 } },
	{ { "", "--o", "--o", "--o--" }, { 0, 1, 2, 3 } },
	{ { "", "--o--\r\n", "o", "--o\r\n" }, { 0, 1, 2, 3 } },
	{ { "", "--o\r\n", "--o\r\n", NULL }, { 0, 1, 2, 3 } },
	{ { "", "--o\r\n", "--o\r\n", "--o--\r\n" }, { 0, 1, 3, 2 } },
	{ { "", "--o\r\n", "--o\r\n", "--o--\r\n" }, { 0, 3, 1, 2 } },
	{ { "--o\r\n", "--o\r\n", "--o\r\n", "" }, { 0, 1, 2, 3 } },
};

START_TEST(test_wrong)
{
	static const char *const headers[] = { "Content-Type: multipart/mixed; boundary=o\r\n\r\n",
	                                       "A: 1\r\n\r\n", "A: 2\r\n\r\n", "" };
	static const char *const data[] = { "", "one\r\n", "two\r\n", "" };
	static const unsigned types[] = { 1, 2, 2, 3 };
	const struct wrong *w = &wrongs[_i];

	add_usual_fields();
	for (int i = 0; i < 4; i++) {
		int k = w->order[i];

		if (w->boundary[k] != NULL)
			add_part(types[k], 0, w->boundary[k], headers[k], data[k]);
	}
	expect(TWO);
}
END_TEST

START_TEST(test_no_prolog)
{
	add_usual_fields();
	add_part(2, 0, "--o\r\n", "A: 1\r\n\r\n", "one");
	add_part(2, 0, "--o\r\n", "A: 2\r\n\r\n", "two\r\n");
	add_part(3, 0, "--o--\r\n", "", "");
	expect(USUAL "Content-Type: multipart/mixed;\r\n\tboundary=\"" WRAPPER "\"\r\n\r\n"
	       "--" WRAPPER "\r\nA: 1\r\n\r\none\r\n--" WRAPPER "\r\nA: 2\r\n\r\ntwo\r\n"
	       "--" WRAPPER "--\r\n");
}
END_TEST

START_TEST(test_prolog_without_boundary)
{
	add_usual_fields();
	add_part(1, 0, "", "Content-Type: multipart/mixed\r\n\r\n", "");
	add_part(2, 0, "--o\r\n", "A: 1\r\n\r\n", "one\r\n");
	expect(USUAL "Content-Type: multipart/mixed;\r\n\tboundary=\"=_part0_ABABABABABABABABABABABABABABABAB_=\""
	       "\r\n\r\n--=_part0_ABABABABABABABABABABABABABABABAB_=\r\nA: 1\r\n\r\none\r\n"
	       "--=_part0_ABABABABABABABABABABABABABABABAB_=--\r\n");
}
END_TEST

/* Lengths that lie are bounded by the record, and headers end where they end. */
static const struct lies lies[] = {
	{ 0x574, -1, -1 }, { 0, -1, -1 }, { 65535, -1, -1 }, { -1, -1, 3 }, { -1, -1, 65535 },
	{ -1, -1, 40 }, { 3, -1, 12 },
};

START_TEST(test_lies)
{
	add_usual_fields();
	add_part_lying(2, 0, "", "Content-Type: text/plain\r\n\r\n", "one\r\n\r\ntwo\r\n", lies[_i]);
	expect(USUAL "Content-Type: text/plain\r\n\r\none\r\n\r\ntwo\r\n");
}
END_TEST

static void cut_last(size_t n)
{
	struct item *item = note.first;

	while (item->next != NULL)
		item = item->next;
	ck_assert_uint_le(n, item->values[0].n);
	item->values[0].n = n;
}

START_TEST(test_truncated)
{
	add_usual_fields();
	add_part(2, 0, "", "Content-Type: text/plain\r\n\r\n", "one\r\n");
	cut_last((size_t)_i);
	if (_i < 20)
		expect(USUAL "Content-Type: text/plain; charset=US-ASCII\r\nContent-Transfer-Encoding: 7bit\r\n"
		       "\r\n[The text of this document cannot be read.]\r\n");
	else if (_i < 33)
		expect(USUAL "\r\n");
	else if (_i >= 48)
		expect(_i == 48 ? USUAL "Content-Type: text/plain\r\n\r\n"
		                : USUAL "Content-Type: text/plain\r\n\r\no\r\n");
}
END_TEST

START_TEST(test_no_headers)
{
	add_usual_fields();
	add_field("Content-Type", ": ", "text/html\r\n");
	add_part(2, 0, "", "", "<p>\r\n");
	expect(USUAL "Content-Type: text/html\r\n\r\n<p>\r\n");
}
END_TEST

/* A record of a field that begins lines, ends the header, shows a blind copy or is cut. */
START_TEST(test_fields_injected)
{
	add_field("Bcc", ": ", "secret@b\r\n");
	add_field("X-A", ": ", "1\r\nBcc: x\r\n\r\nbody\nY: z\r\r\n");
	add_field("X-B\r\nBcc", ": ", "1\r\n");
	add_field("X-C", "\r\nBcc: ", "1\r\n");
	add_usual_fields();
	add_part(2, 0, "", "Bcc: more\r\nContent-Type: text/plain\r\n\r\n", "x\r\n");
	expect("X-A: 1\r\n Bcc: x\r\n \r\n body\r\n Y: z\r\nX-C: 1\r\n" USUAL "Content-Type: text/plain\r\n\r\nx\r\n");
}
END_TEST

/* Fields that were not received are made of items. */
START_TEST(test_made_fields)
{
	struct slice subject = SLICE_LIT("made");

	add_usual_fields();
	note_add(&note, SLICE_LIT("Subject"), ITEM_TEXT, 0, &subject, 1);
	add_part(2, 0, "", "Content-Type: text/plain\r\n\r\n", "x\r\n");
	expect(USUAL "Subject: made\r\nContent-Type: text/plain\r\n\r\nx\r\n");
}
END_TEST

START_TEST(test_sealed)
{
	struct slice key = SLICE_LIT("key");

	add_usual_fields();
	note_add(&note, SLICE_LIT("$SealData"), 0x0A, 0, &key, 1);
	add_part(2, 0, "", "Content-Type: text/plain\r\n\r\n", "open\r\n");
	add_part(2, 0, "", "Content-Type: text/plain\r\n\r\n", "sealed\r\n");
	for (struct item *item = note.first; item != NULL; item = item->next)
		if (item->next == NULL)
			item->flags |= ITEM_SEAL;
	expect(USUAL "Content-Type: multipart/mixed;\r\n\tboundary=\"" WRAPPER "\"\r\n\r\n"
	       "--" WRAPPER "\r\nContent-Type: text/plain\r\n\r\nopen\r\n--" WRAPPER "\r\n"
	       "Content-Type: text/plain; charset=US-ASCII\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
	       "[Portions of this MIME document are encrypted with a Notes certificate and cannot be read.]\r\n"
	       "--" WRAPPER "--\r\n");
}
END_TEST

/* Nested 10,000 deep, and then all of it closed by nobody. */
START_TEST(test_deep)
{
	enum { DEEP = 10000 };
	struct intake *intake;
	struct maildrop_delivery d;
	char header[100], boundary[30] = "";

	add_usual_fields();
	for (int i = 0; i < DEEP; i++) {
		snprintf(header, sizeof(header), "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n", i);
		add_part(1, 0, boundary, header, "");
		snprintf(boundary, sizeof(boundary), "--b%d\r\n", i);
	}
	add_part(2, 0, boundary, "\r\n", "deep\r\n");
	ck_assert_uint_eq(intake_new(NULL, &intake), NOERROR);
	ck_assert_uint_eq(render_note(&note, NULL, intake, NULL), NOERROR);
	ck_assert_uint_eq(intake_finish(intake, &d), NOERROR);
	ck_assert_uint_gt(d.size_octets, DEEP * 50);
	intake_free(&intake);
}
END_TEST

/* A signed message passes octet for octet. */
START_TEST(test_signed)
{
	add_usual_fields();
	add_part(1, 0, "", "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\";\r\n"
	         " micalg=sha-256; boundary=\"----A\"\r\n\r\n", "This is an S/MIME signed message\r\n\r\n");
	add_part(2, 0, "------A\r\n", "Content-Type: text/plain  \r\n\r\n", "signed \t\r\n\r\n");
	add_part(2, 0, "\r\n------A\r\n", "Content-Type: application/pkcs7-signature\r\n\r\n", "MIAG\r\n\r\n");
	add_part(3, 0, "------A--\r\n", "", "\r\n");
	expect(USUAL "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\";\r\n"
	       " micalg=sha-256; boundary=\"----A\"\r\n\r\nThis is an S/MIME signed message\r\n\r\n"
	       "------A\r\nContent-Type: text/plain  \r\n\r\nsigned \t\r\n\r\n\r\n------A\r\n"
	       "Content-Type: application/pkcs7-signature\r\n\r\nMIAG\r\n\r\n------A--\r\n\r\n");
}
END_TEST

START_TEST(test_kept_message)
{
	struct slice two = SLICE_LIT("2");

	note_add(&note, SLICE_LIT("$MessageStorage"), ITEM_TEXT, 0, &two, 1);
	add_file("$RFC822.eml", "Subject: kept\n\nas it was\n");
	expect("Subject: kept\r\n\r\nas it was\r\n");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nativemime");
	TCase *tc = tcase_create("nativemime");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_one_part);
	tcase_add_test(tc, test_tree);
	tcase_add_test(tc, test_missing_file);
	tcase_add_test(tc, test_message_in_message);
	tcase_add_loop_test(tc, test_wrong, 0, (int)(sizeof(wrongs) / sizeof(wrongs[0])));
	tcase_add_test(tc, test_no_prolog);
	tcase_add_test(tc, test_prolog_without_boundary);
	tcase_add_loop_test(tc, test_lies, 0, (int)(sizeof(lies) / sizeof(lies[0])));
	tcase_add_loop_test(tc, test_truncated, 0, 50);
	tcase_add_test(tc, test_no_headers);
	tcase_add_test(tc, test_fields_injected);
	tcase_add_test(tc, test_made_fields);
	tcase_add_test(tc, test_sealed);
	tcase_add_test(tc, test_deep);
	tcase_add_test(tc, test_signed);
	tcase_add_test(tc, test_kept_message);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* The stored form of messages: what goes in, what is kept, in pieces of any size. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "mailfile/message.h"

#define OCTETS(s) s, sizeof(s) - 1

struct form_case {
	const char *in;
	size_t in_octets;
	const char *stored;
	size_t stored_octets;
	uint64_t header_octets;
	bool has_dot_line;
};

static const struct form_case forms[] = {
	/* bare LF, CRLF, both */
	{ OCTETS("A: b\n\nx\n"), OCTETS("A: b\r\n\r\nx\r\n"), 8, false },
	{ OCTETS("A: b\r\n\r\nx\r\n"), OCTETS("A: b\r\n\r\nx\r\n"), 8, false },
	{ OCTETS("A: b\r\n\nx\n"), OCTETS("A: b\r\n\r\nx\r\n"), 8, false },
	/* bare CR stays, also several, also before CRLF, also as the last octet */
	{ OCTETS("A: b\rc\r\n\r\n"), OCTETS("A: b\rc\r\n\r\n"), 10, false },
	{ OCTETS("a\r\r\n\r\n"), OCTETS("a\r\r\n\r\n"), 6, false },
	{ OCTETS("a\r"), OCTETS("a\r\r\n"), 4, false },
	{ OCTETS("\r"), OCTETS("\r\r\n"), 3, false },
	{ OCTETS("\r\r\n"), OCTETS("\r\r\n"), 3, false },
	{ OCTETS("\n\r\n\r"), OCTETS("\r\n\r\n\r\r\n"), 2, false },
	/* NUL and 8-bit octets stay */
	{ OCTETS("A: \0\n\n\0\xFF\x80\n"), OCTETS("A: \0\r\n\r\n\0\xFF\x80\r\n"), 8, false },
	{ OCTETS("\0"), OCTETS("\0\r\n"), 3, false },
	/* no final line end */
	{ OCTETS("A: b\n\nlast"), OCTETS("A: b\r\n\r\nlast\r\n"), 8, false },
	{ OCTETS("A: b"), OCTETS("A: b\r\n"), 6, false },
	/* dots: first octet, in the middle, after a bare CR (no line start) */
	{ OCTETS(".\n"), OCTETS(".\r\n"), 3, true },
	{ OCTETS("."), OCTETS(".\r\n"), 3, true },
	{ OCTETS(".A: b\n\nx\n"), OCTETS(".A: b\r\n\r\nx\r\n"), 9, true },
	{ OCTETS("A: b\n\n..x\n"), OCTETS("A: b\r\n\r\n..x\r\n"), 8, true },
	{ OCTETS("A: b\n\nx.\r.y\n"), OCTETS("A: b\r\n\r\nx.\r.y\r\n"), 8, false },
	{ OCTETS("A: b\n\nx\n.\n"), OCTETS("A: b\r\n\r\nx\r\n.\r\n"), 8, true },
	/* no header, no body, nothing */
	{ OCTETS("\nbody\n"), OCTETS("\r\nbody\r\n"), 2, false },
	{ OCTETS("\r\nbody\r\n"), OCTETS("\r\nbody\r\n"), 2, false },
	{ OCTETS("A: b\nC: d\n"), OCTETS("A: b\r\nC: d\r\n"), 12, false },
	{ OCTETS("A: b\n\n"), OCTETS("A: b\r\n\r\n"), 8, false },
	{ OCTETS("\n"), OCTETS("\r\n"), 2, false },
	{ OCTETS("\n\n\n"), OCTETS("\r\n\r\n\r\n"), 2, false },
	{ OCTETS(""), OCTETS("\r\n"), 2, false },
	/* a line with a CR in front is not empty */
	{ OCTETS("A: b\n\r\r\n\nx\n"), OCTETS("A: b\r\n\r\r\n\r\nx\r\n"), 11, false },
};

static struct intake *intake_with(size_t spool_octets, uint64_t max_octets)
{
	struct intake_options options = { .spool_octets = spool_octets, .max_octets = max_octets };
	struct intake *intake = NULL;

	ck_assert_uint_eq(intake_new(&options, &intake), NOERROR);
	return intake;
}

static void feed(struct intake *intake, const char *p, size_t n, size_t piece)
{
	for (size_t i = 0; i < n; i += piece)
		ck_assert_uint_eq(intake_add(intake, p + i, n - i < piece ? n - i : piece),
		                  NOERROR);
}

static void expect_form(const struct form_case *c, size_t piece, size_t spool)
{
	struct intake *intake = intake_with(spool, 0);
	struct maildrop_delivery d;
	char *stored;

	feed(intake, c->in, c->in_octets, piece);
	ck_assert_uint_eq(intake_finish(intake, &d), NOERROR);
	ck_assert_uint_eq(d.size_octets, c->stored_octets);
	stored = malloc(c->stored_octets + 1);
	ck_assert_uint_eq(d.body(d.context, 0, stored, c->stored_octets), NOERROR);
	ck_assert_mem_eq(stored, c->stored, c->stored_octets);
	ck_assert_uint_eq(d.header_octets, c->header_octets);
	ck_assert_int_eq(d.has_dot_line, c->has_dot_line);
	/* each octet alone, and none beyond the end */
	for (uint64_t i = 0; i < d.size_octets; i++) {
		ck_assert_uint_eq(d.body(d.context, i, stored, 1), NOERROR);
		ck_assert_int_eq(stored[0], c->stored[i]);
	}
	ck_assert_uint_ne(d.body(d.context, d.size_octets, stored, 1), NOERROR);
	free(stored);
	intake_free(&intake);
	ck_assert_ptr_null(intake);
}

START_TEST(test_forms)
{
	for (size_t piece = 1; piece <= 16; piece++)
		for (size_t spool = 1; spool <= 64; spool += 9)
			expect_form(&forms[_i], piece, spool);
	expect_form(&forms[_i], 1000, 0);
}
END_TEST

/* What is stored is its own stored form. */
START_TEST(test_again)
{
	struct form_case again = forms[_i];

	again.in = again.stored;
	again.in_octets = again.stored_octets;
	expect_form(&again, 3, 0);
}
END_TEST

/* A slow and plain reading of the rules, against many random messages. */
static size_t plain_form(const char *in, size_t n, char *out)
{
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		if (in[i] == '\n' && (i == 0 || in[i - 1] != '\r'))
			out[k++] = '\r';
		out[k++] = in[i];
	}
	if (n == 0 || in[n - 1] != '\n') {
		out[k++] = '\r';
		out[k++] = '\n';
	}
	return k;
}

static uint64_t plain_header(const char *p, size_t n)
{
	for (size_t i = 0; i + 1 < n; i++)
		if (p[i] == '\r' && p[i + 1] == '\n' && (i == 0 || p[i - 1] == '\n'))
			return i + 2;
	return n;
}

static bool plain_dot(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] == '.' && (i == 0 || p[i - 1] == '\n'))
			return true;
	return false;
}

START_TEST(test_random)
{
	static const char alphabet[] = "ab.\r\n\r\n\n.";
	uint32_t state = 12345;
	char in[64], out[130];

	for (int round = 0; round < 20000; round++) {
		struct form_case c = { in, 0, out, 0, 0, false };

		state = state * 1664525 + 1013904223;
		c.in_octets = state >> 26;
		for (size_t i = 0; i < c.in_octets; i++) {
			state = state * 1664525 + 1013904223;
			in[i] = alphabet[(state >> 16) % (sizeof(alphabet) - 1)];
		}
		c.stored_octets = plain_form(in, c.in_octets, out);
		c.header_octets = plain_header(out, c.stored_octets);
		c.has_dot_line = plain_dot(out, c.stored_octets);
		expect_form(&c, (size_t)(round % 7) + 1, (size_t)(round % 30) + 1);
	}
}
END_TEST

START_TEST(test_megabyte_line)
{
	size_t n = 1024 * 1024;
	char *line = malloc(n), *back = malloc(n);
	struct intake *intake = intake_with(64 * 1024, 0);
	struct maildrop_delivery d;

	memset(line, 'x', n);
	feed(intake, "A: b\n\n", 6, 6);
	feed(intake, line, n, 4097);
	ck_assert_uint_eq(intake_finish(intake, &d), NOERROR);
	ck_assert_uint_eq(d.size_octets, 8 + n + 2);
	ck_assert_uint_eq(d.header_octets, 8);
	ck_assert_uint_eq(d.body(d.context, 8, back, n), NOERROR);
	ck_assert_mem_eq(back, line, n);
	ck_assert_uint_eq(d.body(d.context, 8 + n, back, 2), NOERROR);
	ck_assert_mem_eq(back, "\r\n", 2);
	intake_free(&intake);
	free(line);
	free(back);
}
END_TEST

START_TEST(test_limit)
{
	struct intake *intake = intake_with(0, 10);
	struct maildrop_delivery d;

	ck_assert_uint_eq(intake_add(intake, "12345678\n", 9), NOERROR);
	ck_assert_uint_eq(intake_add(intake, "\n", 1), POSTIL_ERR_TOO_LONG);
	ck_assert_uint_eq(intake_add(intake, "", 0), POSTIL_ERR_TOO_LONG);
	ck_assert_uint_eq(intake_finish(intake, &d), POSTIL_ERR_TOO_LONG);
	intake_free(&intake);

	intake = intake_with(0, 9);     /* the line end that is added counts too */
	ck_assert_uint_eq(intake_add(intake, "12345678", 8), NOERROR);
	ck_assert_uint_eq(intake_finish(intake, &d), POSTIL_ERR_TOO_LONG);
	intake_free(&intake);
}
END_TEST

START_TEST(test_spool_trouble)
{
	struct intake_options options = { .spool_dir = "/nonexistent", .spool_octets = 16 };
	struct maildrop_delivery d;
	struct intake *intake;

	ck_assert_uint_eq(intake_new(&options, &intake), NOERROR);
	ck_assert_uint_eq(intake_add(intake, "0123456789abcdef", 16), NOERROR);
	ck_assert_uint_eq(intake_add(intake, "x", 1), POSTIL_ERR_IO);
	ck_assert_uint_eq(intake_finish(intake, &d), POSTIL_ERR_IO);
	intake_free(&intake);
}
END_TEST

static void expect_item(const struct note *note, const char *name, const char *value)
{
	struct slice s = note_text(note, name);

	ck_assert_msg(slice_equal(s, slice_of(value)), "%s is \"%.*s\", not \"%s\"", name,
	              (int)s.n, s.p, value);
}

START_TEST(test_items)
{
	static const char text[] =
		"Received: by a\n"
		"from: =?utf-8?Q?J=C3=BCrgen_Gro=C3=9F?= <j@acme.example>\n"
		"To: Jane <jane@acme.example>,\n"
		"\t\"Doe, John\" <john@acme.example>\n"
		"Subject: =?iso-8859-1?B?R3L8?=\n"
		" =?UTF-8?q?=C3=9Fe?= and\n more\n"
		"Date: Fri, 21 Nov 1997 09:55:06 -0600\n"
		"Message-ID: <1@acme.example>\n"
		"\n"
		"Subject: not this\n";
	struct intake *intake = intake_with(_i == 0 ? 0 : 32, 0);
	struct maildrop_delivery d;
	const struct item *item;

	feed(intake, text, sizeof(text) - 1, 11);
	ck_assert_uint_eq(intake_finish(intake, &d), NOERROR);
	expect_item(d.note, "Form", "Memo");
	expect_item(d.note, "From", "J\xC3\xBCrgen Gro\xC3\x9F <j@acme.example>");
	expect_item(d.note, "Subject", "Gr\xC3\xBC\xC3\x9F" "e and more");
	expect_item(d.note, "$MessageID", "<1@acme.example>");
	expect_item(d.note, "PostedDate", "19971121T155506,00+00");
	item = note_find(d.note, "SendTo");
	ck_assert_ptr_nonnull(item);
	ck_assert_uint_eq(item->count, 2);
	ck_assert(slice_equal(item->values[1], slice_of("\"Doe, John\" <john@acme.example>")));
	ck_assert_ptr_null(note_find(d.note, "CopyTo"));
	intake_free(&intake);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("message");
	TCase *tc = tcase_create("stored form");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_forms, 0, sizeof(forms) / sizeof(forms[0]));
	tcase_add_loop_test(tc, test_again, 0, sizeof(forms) / sizeof(forms[0]));
	tcase_add_test(tc, test_random);
	tcase_add_test(tc, test_megabyte_line);
	tcase_add_test(tc, test_limit);
	tcase_add_test(tc, test_spool_trouble);
	tcase_add_loop_test(tc, test_items, 0, 2);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}

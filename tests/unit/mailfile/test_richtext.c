/* Rich text: what its API promises. What each construct becomes is shown by files, see
 * tests/e2e/test_richtext.py. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "mailfile/richtext.h"
#include "tests/support/htmlcheck.h"
#include "tests/support/unit.h"

#define GIF "R0lGODlhAQABAAAAACw="         /* enough to be known as one */

struct made {
	struct arena arena;
	struct richtext r;
};

static struct richtext_maker *begin(const struct richtext_options *options)
{
	struct richtext_maker *maker;

	ck_assert_int_eq(richtext_new(options, &maker), NOERROR);
	return maker;
}

static struct made end(struct richtext_maker *maker)
{
	struct made made = { .arena = ARENA_INIT };

	ck_assert_int_eq(richtext_finish(&maker, &made.arena, &made.r), NOERROR);
	ck_assert_ptr_null(maker);
	ck_assert(text_is_utf8(buf_slice(&made.r.text)));
	ck_assert(text_is_utf8(buf_slice(&made.r.html)));
	ck_assert_pstr_eq(html_fault(buf_slice(&made.r.html)), NULL);
	return made;
}

static struct made from_dxl(const char *xml, const struct richtext_options *options)
{
	struct richtext_maker *maker = begin(options);

	ck_assert_int_eq(richtext_add_dxl(maker, slice_of(xml)), NOERROR);
	return end(maker);
}

static void release(struct made *made)
{
	richtext_release(&made->r);
	arena_release(&made->arena);
}

static bool says(struct buf *where, const char *what)
{
	return strstr(buf_cstr(where), what) != NULL;
}

START_TEST(items_are_one_rich_text)
{
	struct richtext_maker *maker = begin(NULL);
	struct made made;

	ck_assert_int_eq(richtext_add_dxl(maker, SLICE_LIT("<richtext><par>one</par></richtext>")), NOERROR);
	ck_assert_int_eq(richtext_add_cd(maker, (struct slice){ "\x85\xFF\x0B\0\x01\0\0\x0A" "two\0\x81\x02", 14 }),
	                 NOERROR);
	made = end(maker);
	ck_assert_str_eq(buf_cstr(&made.r.text), "one\ntwo\n");
	ck_assert(says(&made.r.html, "<div>one</div>\n<div>two</div>\n</body>"));
	ck_assert(!made.r.incomplete);
	release(&made);
}
END_TEST

START_TEST(pictures_and_attachments)
{
	struct richtext_options options = { .cid_suffix = "@x.y" };
	struct made made = from_dxl("<richtext><par><picture><gif>" GIF "</gif></picture>"
	                            "<attachmentref name='a&amp;b.txt' displayname='shown'/>"
	                            "<attachmentref name='c.txt'/><attachmentref name='c.txt'/>"
	                            "<picture><jpeg>" GIF "</jpeg></picture>"
	                            "<picture><gif>AAAA</gif></picture></par></richtext>", &options);

	ck_assert_uint_eq(made.r.picture_count, 2);
	ck_assert_str_eq(made.r.pictures[0].name, "picture1.gif");
	ck_assert_str_eq(made.r.pictures[1].name, "picture2.gif");      /* its octets say what it is */
	ck_assert(slice_equal(made.r.pictures[1].type, SLICE_LIT("image/gif")));
	ck_assert_uint_eq(made.r.pictures[0].octets.n, 14);
	ck_assert_uint_eq(made.r.attachment_count, 3);
	ck_assert(slice_equal(made.r.attachments[0], SLICE_LIT("a&b.txt")));
	ck_assert(slice_equal(made.r.attachments[2], SLICE_LIT("c.txt")));
	ck_assert(says(&made.r.html, "src=\"cid:picture1.gif@x.y\""));
	ck_assert(says(&made.r.text, "[Picture][Attachment: shown][Attachment: c.txt]"));
	ck_assert(made.r.incomplete);
	release(&made);
}
END_TEST

/* What came before is kept, and a sentence says that something is missing. */
START_TEST(broken_dxl)
{
	static const char *const cases[] = {
		"<richtext><par>begin</par><table><tablerow><tablecell><par>in it",
		"<richtext><par>begin</par><par><run><font style='bold'/>b</par></richtext>",
		"<richtext><par>begin</par>&undefined;</richtext>",
		"<richtext><par>begin</par></richtext>behind"
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct made made = from_dxl(cases[i], NULL);

		ck_assert(strncmp(buf_cstr(&made.r.text), "begin\n", 6) == 0);
		ck_assert(says(&made.r.text, "damaged and cannot be shown]"));
		ck_assert(says(&made.r.html, "</body>\n</html>\n"));
		ck_assert(made.r.incomplete);
		release(&made);
	}
}
END_TEST

static void nest(struct buf *xml, const char *begin_tag, const char *end_tag, int depth, bool closed)
{
	buf_clear(xml);
	buf_add_str(xml, "<richtext>");
	for (int i = 0; i < depth; i++)
		buf_add_str(xml, begin_tag);
	buf_add_str(xml, "<par>innermost</par>");
	for (int i = 0; closed && i < depth; i++)
		buf_add_str(xml, end_tag);
	buf_add_str(xml, closed ? "<par>behind</par></richtext>" : "");
}

static size_t count(struct buf *where, const char *what)
{
	size_t found = 0, n = strlen(what);

	/* strstr would look to the end of the text each time when built with a sanitizer */
	for (size_t i = 0; i + n <= where->n; i++)
		found += where->p[i] == what[0] && memcmp(where->p + i, what, n) == 0;
	return found;
}

START_TEST(nesting_is_bounded)
{
	struct richtext_options options = { .depth = 5 };
	struct buf xml = BUF_INIT;
	struct made made;

	nest(&xml, "<table><tablerow><tablecell>", "</tablecell></tablerow></table>", 60, true);
	made = from_dxl(buf_cstr(&xml), &options);
	ck_assert_uint_eq(count(&made.r.html, "<table"), 5);
	ck_assert_uint_eq(count(&made.r.html, "</table>"), 5);
	ck_assert(says(&made.r.text, "innermost\n") && says(&made.r.text, "behind\n"));
	ck_assert_uint_eq(count(&made.r.html, "nested too deeply"), 1);
	release(&made);
	nest(&xml, "<section>", "</section>", 200, true);
	made = from_dxl(buf_cstr(&xml), &options);
	ck_assert(says(&made.r.text, "innermost\n") && says(&made.r.text, "behind\n"));
	ck_assert_uint_eq(count(&made.r.html, "<div>\n"), 5);
	release(&made);
	nest(&xml, "<table><tablerow><tablecell>", "", 10000, false);
	made = from_dxl(buf_cstr(&xml), NULL);
	ck_assert(says(&made.r.text, "nested too deeply"));
	ck_assert_uint_eq(count(&made.r.html, "<table"), count(&made.r.html, "</table>"));
	release(&made);
	buf_release(&xml);
}
END_TEST

START_TEST(size_is_bounded)
{
	struct richtext_options options = { .html_octets = 100000, .picture_octets = 20 };
	struct buf xml = BUF_INIT;
	struct made made;

	buf_add_str(&xml, "<richtext><table><tablerow><tablecell><par>");
	for (int i = 0; i < 100000; i++)
		buf_add_str(&xml, "words and ");
	buf_add_str(&xml, "</par></tablecell></tablerow></table><par>behind</par></richtext>");
	made = from_dxl(buf_cstr(&xml), &options);
	ck_assert_uint_lt(made.r.html.n, 250000);
	ck_assert_uint_lt(made.r.text.n, 250000);
	ck_assert(says(&made.r.html, "the rest of it is left out]</div>\n</body>"));
	ck_assert(!says(&made.r.text, "behind"));
	release(&made);
	made = from_dxl("<richtext><par><picture><gif>" GIF "</gif></picture><picture><gif>" GIF
	                "</gif></picture></par></richtext>", &options);
	ck_assert_uint_eq(made.r.picture_count, 1);
	ck_assert(says(&made.r.text, "[Picture][A picture that is too large"));
	release(&made);
	buf_release(&xml);
}
END_TEST

/* A table of 100,000 cells, and one of 20,000 columns. */
START_TEST(large_tables)
{
	struct richtext_options options = { .html_octets = 64 << 20 };
	struct buf xml = BUF_INIT;
	struct made made;

	buf_add_str(&xml, "<richtext><table>");
	for (int i = 0; i < 25000; i++)
		buf_addf(&xml, "<tablerow><tablecell><par>r%d</par></tablecell><tablecell><par>b</par></tablecell>"
		         "<tablecell><par>c</par></tablecell><tablecell/></tablerow>", i);
	buf_add_str(&xml, "</table></richtext>");
	made = from_dxl(buf_cstr(&xml), &options);
	ck_assert(says(&made.r.text, "r24999  b  c\n"));
	ck_assert_uint_eq(count(&made.r.html, "<td"), 100000);
	release(&made);
	buf_clear(&xml);
	buf_add_str(&xml, "<richtext><table><tablerow>");
	for (int i = 0; i < 20000; i++)
		buf_add_str(&xml, "<tablecell columnspan='999'><par>x</par></tablecell>");
	buf_add_str(&xml, "</tablerow></table></richtext>");
	made = from_dxl(buf_cstr(&xml), &options);
	ck_assert_uint_eq(count(&made.r.html, "<td"), 20000);
	release(&made);
	buf_release(&xml);
}
END_TEST

/* Letters with so many accents that a line of a few columns has thousands of octets. */
START_TEST(lines_of_text_are_bounded)
{
	struct buf xml = BUF_INIT;
	struct made made;
	size_t line = 0;

	buf_add_str(&xml, "<richtext><pardef id='1' align='none'/>");
	for (int def = 0; def < 2; def++) {
		buf_addf(&xml, "<par def='%d'>", def);
		for (int i = 0; i < 100; i++) {
			buf_add_char(&xml, 'a');
			for (int k = 0; k < 20 + 10 * i; k++)
				buf_add_str(&xml, "\xCC\x80");
			buf_add_char(&xml, ' ');
		}
		buf_add_str(&xml, "</par>");
	}
	buf_add_str(&xml, "</richtext>");
	made = from_dxl(buf_cstr(&xml), NULL);
	for (size_t i = 0; i < made.r.text.n; i++) {
		line = made.r.text.p[i] == '\n' ? 0 : line + 1;
		ck_assert_uint_le(line, 998);
	}
	ck_assert_uint_ge(count(&made.r.text, "a"), 200);
	release(&made);
	buf_release(&xml);
}
END_TEST

static ssize_t fails(void *context, void *out, size_t size)
{
	if (++*(int *)context > 1)
		return -1;
	ck_assert_uint_ge(size, 10);
	memcpy(out, "<richtext>", 10);
	return 10;
}

START_TEST(reading_can_fail)
{
	struct richtext_maker *maker = begin(NULL);
	int calls = 0;

	ck_assert_int_eq(richtext_add_dxl_stream(maker, fails, &calls), POSTIL_ERR_IO);
	richtext_free(&maker);
	ck_assert_ptr_null(maker);
	richtext_free(&maker);
}
END_TEST

START_TEST(nothing_is_something)
{
	struct made made = end(begin(NULL));

	ck_assert_uint_eq(made.r.text.n, 0);
	ck_assert(says(&made.r.html, "<body"));
	release(&made);
}
END_TEST

UNIT_MAIN("mailfile/richtext", items_are_one_rich_text, pictures_and_attachments, broken_dxl,
          nesting_is_bounded, size_is_bounded, large_tables, lines_of_text_are_bounded,
          reading_can_fail, nothing_is_something)

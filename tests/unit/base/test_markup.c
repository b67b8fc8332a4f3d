/* Markup as it streams in: elements, attributes and text; what is refused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/markup.h"
#include "tests/support/unit.h"

struct seen {
	struct buf text;        /* "<name a=b>", text as it is, "</name>" */
	STATUS stop_with;
};

static STATUS see_start(void *context, struct slice name,
                        const struct markup_attribute *attributes, size_t count)
{
	struct seen *seen = context;

	buf_addf(&seen->text, "<%.*s", (int)name.n, name.p);
	for (size_t i = 0; i < count; i++)
		buf_addf(&seen->text, " %.*s=%.*s", (int)attributes[i].name.n, attributes[i].name.p,
		         (int)attributes[i].value.n, attributes[i].value.p);
	buf_add_char(&seen->text, '>');
	return NOERROR;
}

static STATUS see_end(void *context, struct slice name)
{
	struct seen *seen = context;

	buf_addf(&seen->text, "</%.*s>", (int)name.n, name.p);
	return seen->stop_with;
}

static STATUS see_text(void *context, struct slice text)
{
	buf_add_slice(&((struct seen *)context)->text, text);
	return NOERROR;
}

static const struct markup_sink sink = { see_start, see_end, see_text };

static STATUS read_text(struct slice xml, struct seen *seen, struct fault *fault)
{
	buf_clear(&seen->text);
	return markup_read_memory(xml, &sink, seen, fault);
}

START_TEST(elements)
{
	struct seen seen = { .text = BUF_INIT };
	struct slice xml = SLICE_LIT("<?xml version='1.0'?><a xmlns='u:v' b='1 &amp;&lt;&#233;' xmlns:x='u:x'"
	                             " x:foreign='no'>t&gt;<x:c/><![CDATA[<&]]><!-- k -->\n</a>");
	struct markup_attribute list[] = { { SLICE_LIT("b"), SLICE_LIT("1") } };

	ck_assert_int_eq(read_text(xml, &seen, NULL), NOERROR);
	ck_assert_str_eq(buf_cstr(&seen.text), "<a b=1 &<é>t><c></c><&\n</a>");
	ck_assert(slice_equal(markup_value(list, 1, "b"), SLICE_LIT("1")));
	ck_assert_uint_eq(markup_value(list, 1, "c").n, 0);
	buf_release(&seen.text);
}
END_TEST

/* What came before is delivered. */
START_TEST(broken)
{
	static const struct {
		const char *xml, *seen, *fault;
	} cases[] = {
		{ "<a><b>x</a>", "<a><b>x", "line 1:" },
		{ "<a>\n</b>", "<a>\n", "line 2:" },
		{ "<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>", "", "entity declarations are refused" },
		{ "<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><a>&e;</a>", "",
		  "entity declarations are refused" },
		{ "", "", "line" },
		{ "plain", "", "line 1:" }
	};
	struct seen seen = { .text = BUF_INIT };
	struct fault fault;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		ck_assert_int_eq(read_text(slice_of(cases[i].xml), &seen, &fault), POSTIL_ERR_SYNTAX);
		ck_assert_str_eq(buf_cstr(&seen.text), cases[i].seen);
		ck_assert_msg(strstr(fault.text, cases[i].fault) != NULL, "%s", fault.text);
	}
	buf_release(&seen.text);
}
END_TEST

START_TEST(bounds)
{
	struct seen seen = { .text = BUF_INIT };
	struct buf xml = BUF_INIT;

	for (int i = 0; i < 10000; i++)
		buf_add_str(&xml, "<a>");
	ck_assert_int_eq(read_text(buf_slice(&xml), &seen, NULL), POSTIL_ERR_SYNTAX);
	ck_assert_uint_ge(seen.text.n, 3 * MARKUP_DEPTH_MAX);
	ck_assert_uint_lt(seen.text.n, 3 * 300);
	buf_clear(&xml);
	buf_add_str(&xml, "<a");
	for (int i = 0; i < 100000; i++)
		buf_addf(&xml, " a%d=''", i);
	buf_add_str(&xml, "/>");
	ck_assert_int_eq(read_text(buf_slice(&xml), &seen, NULL), POSTIL_ERR_SYNTAX);
	ck_assert_uint_eq(seen.text.n, 0);
	buf_clear(&xml);
	buf_add_str(&xml, "<a>");
	for (int i = 0; i < 400000; i++)
		buf_add_str(&xml, "0123456789012345678901234567890123456789");
	buf_add_str(&xml, "</a>");
	ck_assert_int_eq(read_text(buf_slice(&xml), &seen, NULL), NOERROR);
	ck_assert_uint_eq(seen.text.n, xml.n);
	buf_release(&seen.text);
	buf_release(&xml);
}
END_TEST

static ssize_t cannot_read(void *context, void *out, size_t size)
{
	(void)out;
	return ++*(int *)context > 1 || size < 3 ? -1 : (memcpy(out, "<a>", 3), 3);
}

START_TEST(reader_and_sink_can_fail)
{
	struct seen seen = { .text = BUF_INIT, .stop_with = POSTIL_ERR_CANCEL };
	struct fault fault;
	int calls = 0;

	ck_assert_int_eq(markup_read(cannot_read, &calls, &sink, &seen, &fault), POSTIL_ERR_IO);
	ck_assert_int_eq(read_text(SLICE_LIT("<a><b/><c/></a>"), &seen, NULL), POSTIL_ERR_CANCEL);
	ck_assert_str_eq(buf_cstr(&seen.text), "<a><b></b>");
	buf_release(&seen.text);
}
END_TEST

UNIT_MAIN("base/markup", elements, broken, bounds, reader_and_sink_can_fail)

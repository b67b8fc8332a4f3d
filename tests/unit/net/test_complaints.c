/* What is wrong is told when it is new, and again when it comes back. */
#include <string.h>

#include "addin/net/complaints.h"
#include "tests/support/unit.h"

static struct buf told;

static void tell(void *context, const char *text)
{
	buf_addf((struct buf *)context, "%s;", text);
}

/* One reading that says these; what of it is told. */
static void expect(struct complaints *c, bool all, const char *const *lines, const char *wanted)
{
	buf_clear(&told);
	complaints_begin(c, all);
	for (; *lines != NULL; lines++)
		complaints_say(c, *lines);
	ck_assert_str_eq(buf_cstr(&told), wanted);
}
#define LINES(...) (const char *const[]){ __VA_ARGS__, NULL }

START_TEST(once_as_long_as_it_lasts)
{
	struct complaints c;

	complaints_init(&c, tell, &told);
	expect(&c, false, LINES("one is wrong", "two"), "one is wrong;two;");
	expect(&c, false, LINES("one is wrong", "two"), "");
	expect(&c, false, LINES("two", "one", "three"), "one;three;");  /* no part of a line */
	expect(&c, false, LINES("three"), "");
	expect(&c, false, LINES("two"), "two;");        /* gone and back */
	expect(&c, true, LINES("two"), "two;");
	expect(&c, false, LINES("two"), "");
	complaints_release(&c);
	buf_release(&told);
}
END_TEST

UNIT_MAIN("complaints", once_as_long_as_it_lasts)

/* Notes names and their forms. */
#include "base/name.h"

#include <string.h>

#include "tests/support/unit.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void check_form(STATUS (*form)(struct slice, struct buf *), const char *name,
                       const char *expected)
{
	struct buf out = BUF_INIT;

	ck_assert_int_eq(form(slice_of(name), &out), NOERROR);
	ck_assert_msg(strcmp(buf_cstr(&out), expected) == 0, "%s became %s, not %s", name,
	              buf_cstr(&out), expected);
	buf_release(&out);
}

START_TEST(forms)
{
	static const struct {
		const char *name, *abbreviated, *canonical, *common;
		bool hierarchical;
	} cases[] = {
		{ "CN=Jane Doe/OU=Inside Sales/OU=Sales/O=Acme/C=US",
		  "Jane Doe/Inside Sales/Sales/Acme/US",
		  "CN=Jane Doe/OU=Inside Sales/OU=Sales/O=Acme/C=US", "Jane Doe", true },
		{ "Jane Doe/Inside Sales/Sales/Acme/US", "Jane Doe/Inside Sales/Sales/Acme/US",
		  "CN=Jane Doe/OU=Inside Sales/OU=Sales/O=Acme/C=US", "Jane Doe", true },
		{ "Jane Doe/Sales/Acme", "Jane Doe/Sales/Acme", "CN=Jane Doe/OU=Sales/O=Acme",
		  "Jane Doe", true },
		{ "Jane/Acme", "Jane/Acme", "CN=Jane/O=Acme", "Jane", true },
		{ "Jane/US", "Jane/US", "CN=Jane/O=US", "Jane", true },
		{ "Jane/Acme/us", "Jane/Acme/us", "CN=Jane/O=Acme/C=us", "Jane", true },
		{ "Jane/Acme/U2", "Jane/Acme/U2", "CN=Jane/OU=Acme/O=U2", "Jane", true },
		{ "cn=jane / ou= sales/o=acme", "jane/sales/acme", "CN=jane/OU=sales/O=acme", "jane", true },
		{ "Jane/OU=Sales/O=US", "Jane/Sales/US", "CN=Jane/OU=Sales/O=US", "Jane", true },
		{ "Jane/Sales/C=US", "Jane/Sales/US", "CN=Jane/O=Sales/C=US", "Jane", true },
		{ "CN=Jane", "Jane", "CN=Jane", "Jane", false },
		{ "Jane", "Jane", "Jane", "Jane", false },
		{ "", "", "", "", false },
		{ "jane@acme.example", "jane@acme.example", "jane@acme.example", "jane@acme.example", false },
		{ "o=jane@acme.example", "o=jane@acme.example", "o=jane@acme.example",
		  "o=jane@acme.example", false },
		{ "CN=Jane/UID=jd/O=Acme", "CN=Jane/UID=jd/O=Acme", "CN=Jane/UID=jd/O=Acme", "Jane", true },
		{ "Jane/", "Jane/", "Jane/", "Jane/", false },
		{ "/Acme", "/Acme", "/Acme", "/Acme", false },
		{ "Jane//Acme", "Jane//Acme", "Jane//Acme", "Jane//Acme", false },
		{ "CN=/O=Acme", "CN=/O=Acme", "CN=/O=Acme", "CN=/O=Acme", false },
		{ "Jane$/Joe/Acme", "Jane$/Joe/Acme", "CN=Jane$/Joe/O=Acme", "Jane$/Joe", true },
		{ "a$=b/Acme", "a$=b/Acme", "CN=a$=b/O=Acme", "a$=b", true },
		{ "Jane$/Joe", "Jane$/Joe", "Jane$/Joe", "Jane$/Joe", false },
		{ "*/Sales/Acme", "*/Sales/Acme", "*/OU=Sales/O=Acme", "*", true },
		{ "*", "*", "*", "*", false },
		{ "CN=Jane/O=Acme@Domain", "Jane/Acme@Domain", "CN=Jane/O=Acme@Domain", "Jane", true },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		check_form(name_abbreviate, cases[i].name, cases[i].abbreviated);
		check_form(name_canonicalize, cases[i].name, cases[i].canonical);
		check_form(name_canonicalize, cases[i].canonical, cases[i].canonical);
		check_form(name_common, cases[i].name, cases[i].common);
		ck_assert_msg(name_is_hierarchical(slice_of(cases[i].name)) == cases[i].hierarchical,
		              "%s", cases[i].name);
	}
}
END_TEST

START_TEST(too_many_parts_are_left_alone)
{
	struct buf name = BUF_INIT;

	for (int i = 0; i < 10000; i++)
		buf_add_str(&name, "a/");
	buf_add_str(&name, "b");
	check_form(name_canonicalize, buf_cstr(&name), buf_cstr(&name));
	check_form(name_abbreviate, buf_cstr(&name), buf_cstr(&name));
	buf_release(&name);
}
END_TEST

START_TEST(equal)
{
	static const struct {
		const char *a, *b;
		bool equal;
	} cases[] = {
		{ "CN=Jane Doe/OU=Sales/O=Acme", "jane  doe/sales/ACME", true },
		{ "CN=Jane Doe/O=Acme", "Jane Doe/Acme", true },
		{ "CN=J\xC3\x96RG/O=Acme", "jo\xCC\x88rg/acme", true },
		{ "jane", "JANE", true },
		{ "Jane", "Jane/Acme", false },
		{ "CN=Jane/OU=A/O=B", "CN=Jane/O=A/OU=B", false },
		{ "", "", false },
		{ "J\xF6rg", "J\xF6rg", false },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct slice a = slice_of(cases[i].a), b = slice_of(cases[i].b);

		ck_assert_msg(name_equal(a, b) == cases[i].equal, "case %zu", i);
		ck_assert_msg(name_equal(b, a) == cases[i].equal, "case %zu turned", i);
	}
}
END_TEST

START_TEST(matches)
{
	static const struct {
		const char *name, *pattern;
		bool match;
	} cases[] = {
		{ "CN=Jane/OU=Illustration/OU=Production/O=Acme/C=US",
		  "*/Illustration/Production/Acme/US", true },
		{ "CN=Jane/OU=Illustration/OU=Production/O=Acme/C=US", "*/production/acme/us", true },
		{ "CN=Jane/OU=NewYork/O=Acme", "*/OU=NewYork/O=Acme", true },
		{ "CN=Jane/OU=NewYork/O=Acme", "*/O=NewYork/O=Acme", false },
		{ "CN=Jane/OU=NewYork/O=Acme", "*/York/Acme", false },
		{ "CN=Jane/O=Acme", "*/Acme", true },
		{ "Jane/Acme", "*/O=Acme", true },
		{ "CN=Jane/O=Acme", "*", true },
		{ "Jane", "*", true },
		{ "", "*", false },
		{ "Jane", "*/Acme", false },
		{ "Acme", "*/Acme", false },
		{ "CN=Jane/OU=Acme/O=Other", "*/Acme", false },
		{ "CN=x$/Sales/O=Acme", "*/Sales/Acme", false },
		{ "CN=Jane/O=Acme", "Jane/Acme", true },
		{ "CN=Jane/O=Acme", "Jane/*", false },
		{ "CN=Jane/UID=j/O=Acme", "*/Acme", false },
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		ck_assert_msg(name_matches(slice_of(cases[i].name), slice_of(cases[i].pattern)) ==
		              cases[i].match, "%s under %s", cases[i].name, cases[i].pattern);
}
END_TEST

UNIT_MAIN("name", forms, too_many_parts_are_left_alone, equal, matches)

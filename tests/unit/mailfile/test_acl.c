/* Access control lists: whose entry holds, what a level allows, what a file may say. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mailfile/acl.h"
#include "tests/support/unit.h"

static struct arena arena;

/* --- evaluating ------------------------------------------------------------------------ */

static bool in_group(void *context, struct slice group)
{
	return slice_equal_nocase(group, SLICE_LIT("Sales")) ||
	       slice_equal_nocase(group, SLICE_LIT("All"));
}

static const struct {
	const char *entries;            /* encoded, without the first line */
	enum acl_level level;
	bool may_delete;
} lists[] = {
	{ "", ACL_NO_ACCESS, false },
	{ "2 0 -Default-\n", ACL_READER, false },
	{ "4 0 -default-\n", ACL_EDITOR, true },
	{ "6 0 CN=Ann Lee/OU=Sales/O=Acme\n", ACL_MANAGER, true },
	{ "6 4 CN=Ann Lee/OU=Sales/O=Acme\n", ACL_MANAGER, false },
	{ "6 0 ann lee/sales/ACME\n", ACL_MANAGER, true },
	{ "3 0 CN=Ann Lee/OU=Sales/O=Acme\n", ACL_AUTHOR, false },
	{ "2 0 CN=Ann Lee/OU=Sales/O=Acme\n", ACL_READER, false },
	{ "1 0 CN=Ann Lee/OU=Sales/O=Acme\n", ACL_DEPOSITOR, false },
	{ "0 0 CN=Ann Lee/OU=Sales/O=Acme\n6 0 -Default-\n6 0 Sales\n", ACL_NO_ACCESS, false },
	{ "6 0 CN=Ann Lee/O=Acme\n", ACL_NO_ACCESS, false },
	{ "6 0 CN=Ann Alt/O=Acme\n", ACL_MANAGER, true },       /* her alternate name */
	{ "2 0 Sales\n4 0 All\n0 0 -Default-\n", ACL_EDITOR, true },
	{ "4 4 Sales\n4 0 All\n", ACL_EDITOR, true },
	{ "4 0 Sales\n4 4 All\n", ACL_EDITOR, true },
	{ "4 4 Sales\n2 0 All\n", ACL_EDITOR, false },
	{ "6 0 Strangers\n2 0 -Default-\n", ACL_READER, false },
	{ "4 0 */OU=Sales/O=Acme\n", ACL_EDITOR, true },
	{ "4 0 */Sales/Acme\n2 0 */O=Acme\n", ACL_EDITOR, true },
	{ "4 0 */OU=Legal/O=Acme\n", ACL_NO_ACCESS, false },
	{ "2 0 *\n", ACL_READER, false },
};

static struct acl_rights judge(const char *entries, enum acl_level max, bool internet)
{
	struct acl_who who = { .name = SLICE_LIT("CN=Ann Lee/OU=Sales/O=Acme"),
		.alternate = SLICE_LIT("CN=Ann Alt/O=Acme"), .is_member = in_group,
		.internet = internet };
	struct acl_rights rights;
	char text[512];
	struct acl acl;

	snprintf(text, sizeof(text), "acl 1 %d\n%s", (int)max, entries);
	ck_assert_uint_eq(acl_decode(slice_of(text), &arena, &acl), NOERROR);
	acl_evaluate(&acl, &who, &rights);
	arena_release(&arena);
	return rights;
}

START_TEST(whose_entry_holds)
{
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		struct acl_rights rights = judge(lists[i].entries, ACL_MANAGER, false);

		ck_assert_msg(rights.level == lists[i].level, "%s: %s", lists[i].entries,
		              acl_level_text(rights.level));
		ck_assert_msg(rights.may_delete == lists[i].may_delete, "%s", lists[i].entries);
		ck_assert_int_eq(rights.may_read, rights.level >= ACL_READER);
	}
}
END_TEST

START_TEST(internet_access_is_capped)
{
	static const char entries[] = "6 0 CN=Ann Lee/OU=Sales/O=Acme\n";

	ck_assert_int_eq(judge(entries, ACL_READER, false).level, ACL_MANAGER);
	ck_assert_int_eq(judge(entries, ACL_EDITOR, true).level, ACL_EDITOR);
	ck_assert(judge(entries, ACL_EDITOR, true).may_delete);
	ck_assert(!judge(entries, ACL_AUTHOR, true).may_delete);
	ck_assert(judge(entries, ACL_READER, true).may_read);
	ck_assert(!judge(entries, ACL_NO_ACCESS, true).may_read);
}
END_TEST

/* --- changing --------------------------------------------------------------------------- */

static void expect(const struct acl *acl, const char *text)
{
	struct buf out = BUF_INIT;

	ck_assert_uint_eq(acl_encode(acl, &out), NOERROR);
	ck_assert_str_eq(buf_cstr(&out), text);
	buf_release(&out);
}

START_TEST(set_and_remove)
{
	struct acl_entry bob = { SLICE_LIT(" Bob Ray/Acme "), ACL_READER, 0 };
	struct acl_entry fallback = { SLICE_LIT("-DEFAULT-"), ACL_DEPOSITOR, 0 };
	struct acl acl;

	ck_assert_uint_eq(acl_default(SLICE_LIT("CN=Ann Lee/O=Acme"), &arena, &acl), NOERROR);
	expect(&acl, "acl 1 4\n0 0 -Default-\n6 0 CN=Ann Lee/O=Acme\n");
	ck_assert_uint_eq(acl_set(&acl, &arena, &bob), NOERROR);
	bob.name = SLICE_LIT("CN=BOB RAY/O=ACME");
	bob.level = ACL_EDITOR;
	bob.flags = ACL_NO_DELETE;
	ck_assert_uint_eq(acl_set(&acl, &arena, &bob), NOERROR);
	ck_assert_uint_eq(acl_set(&acl, &arena, &fallback), NOERROR);
	expect(&acl, "acl 1 4\n1 0 -Default-\n6 0 CN=Ann Lee/O=Acme\n4 4 CN=Bob Ray/O=Acme\n");
	ck_assert_uint_eq(acl_remove(&acl, SLICE_LIT("Ann Lee/Acme")), NOERROR);
	ck_assert_uint_eq(acl_remove(&acl, SLICE_LIT("Ann Lee/Acme")), POSTIL_ERR_NOT_FOUND);
	ck_assert_uint_eq(acl_remove(&acl, SLICE_LIT("-default-")), POSTIL_ERR_INVALID);
	expect(&acl, "acl 1 4\n1 0 -Default-\n4 4 CN=Bob Ray/O=Acme\n");
	ck_assert_uint_eq(acl_default(SLICE_LIT(""), &arena, &acl), NOERROR);
	expect(&acl, "acl 1 4\n0 0 -Default-\n");
	arena_release(&arena);
}
END_TEST

START_TEST(names_refused)
{
	static const char *const bad[] = { "", "  ", "a\nb", "a\x7f", "\xff" };
	struct acl_entry entry = { SLICE_LIT(""), ACL_READER, 0 };
	char name[16];
	struct acl acl;
	STATUS status = NOERROR;

	ck_assert_uint_eq(acl_default(SLICE_LIT(""), &arena, &acl), NOERROR);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		entry.name = slice_of(bad[i]);
		ck_assert_uint_eq(acl_set(&acl, &arena, &entry), POSTIL_ERR_INVALID);
	}
	entry.name = (struct slice){ "a\0b", 3 };
	ck_assert_uint_eq(acl_set(&acl, &arena, &entry), POSTIL_ERR_INVALID);
	for (int i = 0; i < ACL_ENTRIES_MAX; i++) {
		snprintf(name, sizeof(name), "p%d", i);
		entry.name = slice_of(name);
		status = acl_set(&acl, &arena, &entry);
	}
	ck_assert_uint_eq(status, POSTIL_ERR_LIMIT);
	arena_release(&arena);
}
END_TEST

START_TEST(levels)
{
	enum acl_level level;

	for (int i = 0; i <= ACL_MANAGER; i++) {
		ck_assert(acl_level_parse(slice_of(acl_level_text((enum acl_level)i)), &level));
		ck_assert_int_eq((int)level, i);
	}
	ck_assert(acl_level_parse(SLICE_LIT(" NoAccess "), &level) && level == ACL_NO_ACCESS);
	ck_assert(acl_level_parse(SLICE_LIT("EDITOR"), &level) && level == ACL_EDITOR);
	ck_assert(acl_level_parse(SLICE_LIT("6"), &level) && level == ACL_MANAGER);
	ck_assert(!acl_level_parse(SLICE_LIT("7"), &level));
	ck_assert(!acl_level_parse(SLICE_LIT("editors"), &level));
	ck_assert(!acl_level_parse(SLICE_LIT("edit"), &level));
	ck_assert(!acl_level_parse(SLICE_LIT(""), &level));
}
END_TEST

/* --- what a file may say ------------------------------------------------------------------- */

static const char *const damaged[] = {
	"", "acl", "acl 1", "acl 1 4", "acl 2 4\n", "acl 1 7\n", "acl 1 -1\n", "ACL 1 4\n",
	"acl 1 4\n6\n", "acl 1 4\n6 0\n", "acl 1 4\n6 0 \n", "acl 1 4\n7 0 a\n",
	"acl 1 4\n6 65536 a\n", "acl 1 4\n6 0 a", "acl 1 4\n6 0 \xff\n", "acl 1 4\n\n",
	"acl 1 4\n6 0 a\tb\n",
};

START_TEST(damage_is_told)
{
	struct acl acl;

	for (size_t i = 0; i < sizeof(damaged) / sizeof(*damaged); i++)
		ck_assert_msg(acl_decode(slice_of(damaged[i]), &arena, &acl) == POSTIL_ERR_DAMAGED,
		              "\"%s\"", damaged[i]);
	arena_release(&arena);
}
END_TEST

UNIT_MAIN("acl", whose_entry_holds, internet_access_is_capped, set_and_remove, names_refused,
          levels, damage_is_told)

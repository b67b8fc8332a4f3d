/* Access lists and groups: who is named, by which way, and which rule decides. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "directory/access.h"
#include "directory/directory.h"
#include "tests/support/source_memory.h"
#include "tests/support/unit.h"

static struct directory_source *source;
static struct directory *dir;
static struct arena arena;

static void begin(const char *documents)
{
	ck_assert_uint_eq(source_memory_new(&source), NOERROR);
	ck_assert_uint_eq(source_memory_write(source, documents), NOERROR);
	ck_assert_uint_eq(directory_new(source, &dir), NOERROR);
}

static void end(void)
{
	directory_close(&dir);
	arena_release(&arena);
}

static const struct person ann = {
	.name = SLICE_LIT("CN=Ann Lee/OU=Sales/O=Acme"),
	.alternate_name = SLICE_LIT("CN=Anna Alt/O=Acme"),
};

static struct access_verdict check(void)
{
	struct access_verdict verdict;

	ck_assert_uint_eq(directory_check_access(dir, SLICE_LIT("mail/Acme"), &ann, &arena, &verdict),
	                  NOERROR);
	return verdict;
}

/* Groups that the cases speak of. */
#define GROUPS \
	"Form=Group|ListName=Direct|GroupType=0|Members=CN=Ann Lee/OU=Sales/O=Acme\n" \
	"Form=Group|ListName=Outer|GroupType=2|Members=Middle\n" \
	"Form=Group|ListName=Middle|GroupType=0|Members=Bob Ray/Acme;Direct\n" \
	"Form=Group|ListName=LoopA|Members=LoopB;Direct\n" \
	"Form=Group|ListName=LoopB|Members=LoopA\n" \
	"Form=Group|ListName=Self|Members=Self;Ann Lee/Sales/Acme\n" \
	"Form=Group|ListName=Mail|GroupType=1|Members=Ann Lee/Sales/Acme\n" \
	"Form=Group|ListName=ByMail|GroupType=0|Members=Mail\n" \
	"Form=Group|ListName=Acl|GroupType=2|Members=Ann Lee/Sales/Acme\n" \
	"Form=Group|ListName=Left|GroupType=3|Members=Ann Lee/Sales/Acme\n" \
	"Form=Group|ListName=ByLeft|GroupType=0|Members=Left\n" \
	"Form=Group|ListName=Servers|GroupType=4|Members=Ann Lee/Sales/Acme\n" \
	"Form=Group|ListName=Pattern|Members=*/OU=Sales/O=Acme\n" \
	"Form=Group|ListName=Everybody|Members=*\n" \
	"Form=Group|ListName=Labels|GroupType=Deny List only|Members=Ann Lee/Sales/Acme\n" \
	"Form=Group|ListName=Alternate|Members=Anna Alt/Acme\n" \
	"Form=Group|ListName=Alias|Members=Ann Lee\n" \
	"Form=Group|ListName=*/OU=Legal/O=Acme|Members=Ann Lee/Sales/Acme\n"

static const struct {
	const char *items;              /* of the Server document, all that is there */
	enum access_rule rule;
	const char *entry;
} cases[] = {
	{ "", ACCESS_NOT_ENFORCED, "" },
	{ "|POP3_EnforceAccess=0|DenyAccess=*", ACCESS_NOT_ENFORCED, "" },
	{ "|POP3_EnforceAccess=1", ACCESS_NO_LIST, "" },
	{ "|POP3_EnforceAccess=1|AllowAccess=", ACCESS_NO_LIST, "" },
	{ "|POP3_EnforceAccess=Yes|AllowAccess=Bob Ray/Acme", ACCESS_NOT_LISTED, "" },
	{ "|POP3_EnforceAccess=1|AllowAccess=;Bob Ray/Acme", ACCESS_NOT_LISTED, "" },
	{ "|POP3_EnforceAccess=1|AllowAccess=;CN=Ann Lee/OU=Sales/O=Acme", ACCESS_LISTED,
	  "CN=Ann Lee/OU=Sales/O=Acme" },
	{ "|POP3_EnforceAccess=1|AllowAccess=ann  lee/SALES/acme", ACCESS_LISTED, "ann  lee/SALES/acme" },
	{ "|POP3_EnforceAccess=1|AllowAccess=Anna Alt/Acme", ACCESS_LISTED, "Anna Alt/Acme" },
	{ "|POP3_EnforceAccess=1|AllowAccess=Ann Lee", ACCESS_NOT_LISTED, "" },        /* no common names */
	{ "|POP3_EnforceAccess=1|AllowAccess=*", ACCESS_LISTED, "*" },
	{ "|POP3_EnforceAccess=1|AllowAccess=*/OU=Sales/O=Acme", ACCESS_LISTED, "*/OU=Sales/O=Acme" },
	{ "|POP3_EnforceAccess=1|AllowAccess=*/Acme", ACCESS_LISTED, "*/Acme" },
	{ "|POP3_EnforceAccess=1|AllowAccess=*/OU=Legal/O=Acme", ACCESS_NOT_LISTED, "" },
	{ "|POP3_EnforceAccess=1|AllowAccess=*/O=Sales", ACCESS_NOT_LISTED, "" },
	{ "|POP3_EnforceAccess=1|AllowAccess=*People", ACCESS_NOT_LISTED, "" },
	{ "|POP3_EnforceAccess=1|AllowAccess=Direct", ACCESS_LISTED, "Direct" },
	{ "|POP3_EnforceAccess=1|AllowAccess=Nobody;OUTER", ACCESS_LISTED, "OUTER" },
	{ "|POP3_EnforceAccess=1|AllowAccess=LoopA", ACCESS_LISTED, "LoopA" },
	{ "|POP3_EnforceAccess=1|AllowAccess=LoopB", ACCESS_LISTED, "LoopB" },
	{ "|POP3_EnforceAccess=1|AllowAccess=Self", ACCESS_LISTED, "Self" },
	{ "|POP3_EnforceAccess=1|AllowAccess=Mail", ACCESS_NOT_LISTED, "" },
	{ "|POP3_EnforceAccess=1|AllowAccess=ByMail", ACCESS_NOT_LISTED, "" },
	{ "|POP3_EnforceAccess=1|AllowAccess=Acl", ACCESS_LISTED, "Acl" },
	{ "|POP3_EnforceAccess=1|AllowAccess=Left", ACCESS_NOT_LISTED, "" },
	{ "|POP3_EnforceAccess=1|AllowAccess=ByLeft", ACCESS_NOT_LISTED, "" },
	{ "|POP3_EnforceAccess=1|AllowAccess=Servers", ACCESS_NOT_LISTED, "" },
	{ "|POP3_EnforceAccess=1|AllowAccess=Pattern", ACCESS_LISTED, "Pattern" },
	{ "|POP3_EnforceAccess=1|AllowAccess=Everybody", ACCESS_LISTED, "Everybody" },
	{ "|POP3_EnforceAccess=1|AllowAccess=Alternate", ACCESS_LISTED, "Alternate" },
	{ "|POP3_EnforceAccess=1|AllowAccess=Alias", ACCESS_NOT_LISTED, "" },
	{ "|POP3_EnforceAccess=1|DenyAccess=Left", ACCESS_DENY_LISTED, "Left" },
	{ "|POP3_EnforceAccess=1|DenyAccess=ByLeft", ACCESS_DENY_LISTED, "ByLeft" },
	{ "|POP3_EnforceAccess=1|DenyAccess=Labels", ACCESS_DENY_LISTED, "Labels" },
	{ "|POP3_EnforceAccess=1|DenyAccess=Mail", ACCESS_NO_LIST, "" },
	{ "|POP3_EnforceAccess=1|DenyAccess=Direct|AllowAccess=CN=Ann Lee/OU=Sales/O=Acme",
	  ACCESS_DENY_LISTED, "Direct" },
	{ "|POP3_EnforceAccess=1|DenyAccess=*|AllowAccess=*", ACCESS_DENY_LISTED, "*" },
	{ "|POP3_EnforceAccess=1|DenyAccess=Bob Ray/Acme|AllowAccess=Direct", ACCESS_LISTED, "Direct" },
	{ "|POP3_EnforceAccess=1|AllowAccess=Bob Ray/Acme|AllowAccessTrusted=1", ACCESS_TRUSTED, "" },
	{ "|POP3_EnforceAccess=1|AllowAccessTrusted=Yes|DenyAccess=Direct", ACCESS_DENY_LISTED, "Direct" },
};

START_TEST(which_rule_decides)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct access_verdict verdict;
		char server[2048];

		snprintf(server, sizeof(server), "Form=Server|ServerName=CN=mail/O=Acme%s\n" GROUPS,
		         cases[i].items);
		begin(server);
		verdict = check();
		ck_assert_msg(verdict.rule == cases[i].rule, "%s: rule %d", cases[i].items,
		              (int)verdict.rule);
		ck_assert_msg(slice_equal(verdict.entry, slice_of(cases[i].entry)), "%s: entry %.*s",
		              cases[i].items, (int)verdict.entry.n, verdict.entry.p);
		ck_assert_int_eq(verdict.allowed, verdict.rule != ACCESS_DENY_LISTED &&
		                 verdict.rule != ACCESS_NOT_LISTED);
		end();
	}
}
END_TEST

START_TEST(no_server_document)
{
	begin("Form=Server|ServerName=CN=other/O=Acme|POP3_EnforceAccess=1|DenyAccess=*\n");
	ck_assert_int_eq(check().rule, ACCESS_NO_SERVER);
	ck_assert(check().allowed);
	end();
}
END_TEST

START_TEST(holds_at_once)
{
	begin("Form=Server|ServerName=CN=mail/O=Acme|POP3_EnforceAccess=1|AllowAccess=Staff\n");
	ck_assert(!check().allowed);
	source_memory_write(source, "Form=Group|ListName=Staff|Members=Ann Lee/Sales/Acme\n");
	ck_assert(check().allowed);
	end();
}
END_TEST

/* All answers come from one state of the directory: what changes between two questions is
 * asked for again. */
START_TEST(changes_meanwhile)
{
	begin("Form=Server|ServerName=CN=mail/O=Acme|POP3_EnforceAccess=1|DenyAccess=Gone\n");
	ck_assert(check().allowed);
	source_memory_change_at(source, 3, "Form=Group|ListName=Gone|Members=Ann Lee/Sales/Acme\n");
	ck_assert_int_eq(check().rule, ACCESS_DENY_LISTED);
	end();
}
END_TEST

static uint64_t another_generation(struct directory_source *of)
{
	static uint64_t generation;

	(void)of;
	return ++generation;
}

/* No verdict is better than one put together from several states. */
START_TEST(keeps_changing)
{
	struct access_verdict verdict = { .rule = ACCESS_LISTED };
	struct directory_source_calls restless;
	unsigned asked;

	begin("Form=Server|ServerName=CN=mail/O=Acme|POP3_EnforceAccess=1|AllowAccess=*\n");
	ck_assert(check().allowed);
	restless = *source->calls;
	restless.generation = another_generation;
	source->calls = &restless;
	asked = source_memory_questions(source);
	ck_assert_uint_eq(directory_check_access(dir, SLICE_LIT("mail/Acme"), &ann, &arena, &verdict),
	                  POSTIL_ERR_BUSY);
	ck_assert_uint_gt(source_memory_questions(source), asked + 1);
	ck_assert(!verdict.allowed);
	end();
}
END_TEST

START_TEST(trouble_is_told)
{
	struct access_verdict verdict;

	begin("Form=Server|ServerName=CN=mail/O=Acme|POP3_EnforceAccess=1|AllowAccess=Staff\n");
	source_memory_fail(source, POSTIL_ERR_IO);
	ck_assert_uint_eq(directory_check_access(dir, SLICE_LIT("mail/Acme"), &ann, &arena, &verdict),
	                  POSTIL_ERR_IO);
	end();
}
END_TEST

static void expect_text(const char *text)
{
	struct access_verdict verdict = check();
	struct buf out = BUF_INIT;

	access_describe(&verdict, &out);
	ck_assert_str_eq(buf_cstr(&out), text);
	buf_release(&out);
	end();
}

START_TEST(described)
{
	begin("Form=Server|ServerName=CN=mail/O=Acme|POP3_EnforceAccess=1|AllowAccess=Outer\n" GROUPS);
	expect_text("\"Access server\" has Outer, the person is a member of the group Outer by the group "
	            "Middle by the group Direct");
	begin("Form=Server|ServerName=CN=mail/O=Acme|POP3_EnforceAccess=1|DenyAccess=Pattern\n" GROUPS);
	expect_text("\"Not access server\" has Pattern, the person is a member of the group Pattern by "
	            "*/OU=Sales/O=Acme");
	begin("Form=Server|ServerName=CN=mail/O=Acme|POP3_EnforceAccess=1|DenyAccess=A[b]\xc3\xa9\n"
	      "Form=Group|ListName=A[b]\xc3\xa9|Members=Ann Lee/Sales/Acme\n");
	expect_text("\"Not access server\" has A\\x5bb\\x5d\\xc3\\xa9, the person is a member of the group "
	            "A\\x5bb\\x5d\\xc3\\xa9");
}
END_TEST

/* 3,000 groups one in the other, and more than may be counted of one person. */
START_TEST(many_groups)
{
	struct buf text = BUF_INIT;
	struct names_list list;

	buf_add_str(&text, "Form=Group|ListName=g0|Members=Ann Lee/Sales/Acme\n");
	for (int i = 1; i < 1500; i++)
		buf_addf(&text, "Form=Group|ListName=g%d|Members=g%d\n", i, i - 1);
	begin(buf_cstr(&text));
	ck_assert_uint_eq(directory_names_list(dir, ann.name, ann.alternate_name, GROUPS_ALLOWING,
	                                       &arena, &list), NOERROR);
	ck_assert(list.cut);
	ck_assert_ptr_nonnull(names_list_find(&list, SLICE_LIT("g999")));
	ck_assert_ptr_null(names_list_find(&list, SLICE_LIT("g1000")));
	buf_release(&text);
	end();
}
END_TEST

/* Who can make groups must not be able to hide the one that denies behind them. */
START_TEST(too_many_groups_deny)
{
	static const struct {
		const char *items;
		enum access_rule rule;
	} lists[] = {
		{ "|DenyAccess=Gone", ACCESS_TOO_MANY_GROUPS },
		{ "|DenyAccess=Gone|AllowAccess=*", ACCESS_TOO_MANY_GROUPS },
		{ "|DenyAccess=*/Acme", ACCESS_DENY_LISTED },
		{ "|AllowAccess=g0", ACCESS_LISTED },
		{ "|AllowAccess=Gone", ACCESS_NOT_LISTED },
	};

	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		struct buf text = BUF_INIT;

		buf_addf(&text, "Form=Server|ServerName=CN=mail/O=Acme|POP3_EnforceAccess=1%s\n",
		         lists[i].items);
		for (int g = 0; g < NAMES_LIST_GROUPS_MAX; g++)
			buf_addf(&text, "Form=Group|ListName=g%d|Members=Ann Lee/Sales/Acme\n", g);
		buf_add_str(&text, "Form=Group|ListName=Gone|GroupType=3|Members=Ann Lee/Sales/Acme\n");
		begin(buf_cstr(&text));
		ck_assert_msg(check().rule == lists[i].rule, "%s: rule %d", lists[i].items,
		              (int)check().rule);
		ck_assert_int_eq(check().allowed, lists[i].rule == ACCESS_LISTED);
		end();
		buf_release(&text);
	}
}
END_TEST

UNIT_MAIN("access", which_rule_decides, no_server_document, holds_at_once, changes_meanwhile,
          keeps_changing,
          trouble_is_told, described, many_groups, too_many_groups_deny)

/* Recipients: which mail files an address or a name means. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addin/mail/recipient.h"
#include "tests/support/source_memory.h"
#include "tests/support/unit.h"

#define SERVER "CN=mail/O=Acme"

static const char people[] =
	"Form=Server|ServerName=" SERVER "|SMTPFullHostDomain=Mail.Acme.Example\n"
	"Form=Domain|DomainType=GlobalDomain|LocalPrimaryInternetDomain=acme.example"
	"|LocalInternetDomainAliases=acme.net;acme.org\n"
	"Form=Person|FullName=CN=Jada Correr/O=Acme;Jada Correr;J\xC3\xBCrgen|ShortName=jcorrer;jc"
	"|InternetAddress=jada.correr@acme.example|MailServer=mail/Acme|MailFile=mail\\jcorrer\n"
	"Form=Person|FullName=CN=Ann Lee/OU=Sales/O=Acme|ShortName=ann+lee|MailFile=mail/alee\n"
	"Form=Person|FullName=CN=Sam Twin/OU=A/O=Acme|MailFile=mail/sam1\n"
	"Form=Person|FullName=CN=Sam Twin/OU=B/O=Acme|MailFile=mail/sam2\n"
	"Form=Person|FullName=CN=Gone Away/O=Acme|ShortName=gone|MailFile=mail/gone"
	"|MailAddress=gone@else.example\n"
	"Form=Person|FullName=CN=Far Off/O=Acme|ShortName=far|MailFile=mail/far|MailServer=far/Acme\n"
	"Form=Person|FullName=CN=No File/O=Acme|ShortName=nofile\n"
	"Form=Person|FullName=CN=Bad File/O=Acme|ShortName=bad|MailFile=../../out\n"
	"Form=Person|FullName=CN=Local Only/O=Acme|InternetAddress=x@nowhere.example|MailFile=mail/x\n"
	"Form=Database|FullName=Help Desk|InternetAddress=help@acme.example|MailFile=mail/desk\n"
	"Form=Group|ListName=Staff|InternetAddress=all@acme.example|GroupType=1"
	"|Members=Jada Correr/Acme;Sales;jada.correr@acme.example;Help Desk;else@else.example\n"
	"Form=Group|ListName=Sales|Members=Ann Lee/Sales/Acme;Staff;Sales;gone;nobody at all\n"
	"Form=Group|ListName=Deny|GroupType=3|Members=Ann Lee/Sales/Acme\n"
	"Form=Group|ListName=Empty|Members=else@else.example;gone\n";

static struct directory *dir;
static struct directory_source *source;
static struct arena arena;
static struct mail_domains domains;
static struct recipient_rules rules;
static char *data_dir;

static void setup(void)
{
	ck_assert_uint_eq(source_memory_new(&source), NOERROR);
	ck_assert_uint_eq(source_memory_write(source, people), NOERROR);
	ck_assert_uint_eq(directory_new(source, &dir), NOERROR);
	arena_init(&arena);
	data_dir = unit_tempdir();
	ck_assert_uint_eq(mail_domains_read(dir, SLICE_LIT(SERVER), NULL, 0, &arena, &domains), NOERROR);
	rules = (struct recipient_rules){ .data_dir = data_dir, .server = SLICE_LIT(SERVER),
		.domains = &domains, .separators = SLICE_LIT("+-") };
}

static void teardown(void)
{
	directory_close(&dir);
	arena_release(&arena);
	unit_tempdir_remove(&data_dir);
}

static const char *const names[] = {
	[RECIPIENT_UNKNOWN] = "unknown", [RECIPIENT_ELSEWHERE] = "elsewhere",
	[RECIPIENT_NO_MAIL_FILE] = "no mail file", [RECIPIENT_FORWARDED] = "forwarded",
	[RECIPIENT_OTHER_SERVER] = "other server", [RECIPIENT_GROUP_EMPTY] = "group empty",
	[RECIPIENT_GROUP_LARGE] = "group large", [RECIPIENT_AMBIGUOUS] = "ambiguous",
	[RECIPIENT_BAD_MAIL_FILE] = "bad mail file", [RECIPIENT_TROUBLE] = "trouble",
};

/* "mail/a.nsf,mail/b.nsf", with "(n)" for members passed over; or the result's name. */
static const char *found(struct slice address)
{
	static char text[512];
	struct recipient *r = NULL;
	struct fault fault = { .status = NOERROR };
	enum recipient_result result = recipient_find(dir, &rules, address, &r, &fault);

	text[0] = '\0';
	if (result != RECIPIENT_FOUND) {
		ck_assert_ptr_null(r);
		ck_assert_uint_ne(fault.status, NOERROR);
		ck_assert_str_ne(fault.text, "");
		return names[result];
	}
	for (size_t i = 0; i < r->count; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i > 0 ? "," : "",
		         r->files[i].path);
	if (r->passed_over > 0)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "(%zu)", r->passed_over);
	free(r);
	return text;
}

static const struct {
	const char *address, *wanted;
} addresses[] = {
	{ "jada.correr@acme.example", "mail/jcorrer.nsf" },
	{ "JADA.Correr@ACME.Example", "mail/jcorrer.nsf" },
	/* other domains of ours: an alias, and the server's host name */
	{ "jada.correr@acme.net", "mail/jcorrer.nsf" },
	{ "jada.correr@mail.acme.example", "mail/jcorrer.nsf" },
	{ "jada.correr@acme.example.", "mail/jcorrer.nsf" },
	/* the local part as a name */
	{ "jcorrer@acme.org", "mail/jcorrer.nsf" },
	{ "jc@acme.example", "mail/jcorrer.nsf" },
	{ "Jada_Correr@acme.example", "mail/jcorrer.nsf" },
	{ "\"Jada Correr\"@acme.example", "mail/jcorrer.nsf" },
	{ "Ann.Lee@acme.example", "mail/alee.nsf" },
	{ "Ann_Lee/Sales/Acme@acme.example", "mail/alee.nsf" },
	{ "J\xC3\xBCrgen@acme.example", "mail/jcorrer.nsf" },
	{ "help_desk@acme.net", "mail/desk.nsf" },
	{ "help@acme.example", "mail/desk.nsf" },
	/* subaddresses; a name that holds a separator itself comes first */
	{ "jcorrer+lists@acme.example", "mail/jcorrer.nsf" },
	{ "jada.correr+a+b@acme.net", "mail/jcorrer.nsf" },
	{ "jada_correr-x@acme.net", "mail/jcorrer.nsf" },
	{ "ann+lee@acme.example", "mail/alee.nsf" },
	{ "ann+lee+x@acme.example", "unknown" },
	{ "+jcorrer@acme.example", "unknown" },
	{ "jcorrer=x@acme.example", "unknown" },
	/* without a domain */
	{ "jcorrer", "mail/jcorrer.nsf" },
	{ "jcorrer+x", "mail/jcorrer.nsf" },
	{ "CN=Ann Lee/OU=Sales/O=Acme", "mail/alee.nsf" },
	{ "Ann_Lee", "unknown" },
	{ "Sam Twin/A/Acme", "mail/sam1.nsf" },
	{ "Sam Twin", "ambiguous" },
	/* a directory's address counts wherever its domain is; a name only in ours */
	{ "x@nowhere.example", "mail/x.nsf" },
	{ "x+y@nowhere.example", "mail/x.nsf" },
	{ "jcorrer@nowhere.example", "elsewhere" },
	{ "jcorrer@", "elsewhere" },
	{ "nobody@acme.example", "unknown" },
	{ "", "unknown" },
	{ "@acme.example", "unknown" },
	{ "a\xFF@acme.example", "unknown" },
	{ "'; drop table", "unknown" },
	/* what is refused */
	{ "gone@acme.example", "forwarded" },
	{ "far@acme.example", "other server" },
	{ "nofile@acme.example", "no mail file" },
	{ "bad@acme.example", "bad mail file" },
	/* groups: each mail file once, round in circles, those without one counted */
	{ "Staff@acme.example", "mail/jcorrer.nsf,mail/desk.nsf,mail/alee.nsf(3)" },
	{ "all@acme.example", "mail/jcorrer.nsf,mail/desk.nsf,mail/alee.nsf(3)" },
	{ "sales", "mail/alee.nsf,mail/jcorrer.nsf,mail/desk.nsf(3)" },
	{ "Deny", "unknown" },
	{ "Empty", "group empty" },
};

START_TEST(addresses_and_names)
{
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		const char *was = found(slice_of(addresses[i].address));

		ck_assert_msg(strcmp(was, addresses[i].wanted) == 0, "%s: %s, not %s", addresses[i].address,
		              was, addresses[i].wanted);
	}
}
END_TEST

START_TEST(owner_is_told)
{
	struct recipient *r;
	struct fault fault;

	ck_assert_int_eq(recipient_find(dir, &rules, SLICE_LIT("jc"), &r, &fault), RECIPIENT_FOUND);
	ck_assert(slice_equal(r->files[0].owner, SLICE_LIT("CN=Jada Correr/O=Acme")));
	free(r);
}
END_TEST

START_TEST(rules_that_are_off)
{
	rules.server = SLICE_LIT("");
	rules.separators = SLICE_LIT("");
	rules.domains = NULL;
	ck_assert_str_eq(found(SLICE_LIT("far")), "mail/far.nsf");
	ck_assert_str_eq(found(SLICE_LIT("jcorrer+x")), "unknown");
	ck_assert_str_eq(found(SLICE_LIT("jcorrer@acme.example")), "elsewhere");
	ck_assert_str_eq(found(SLICE_LIT("jada.correr@acme.example")), "mail/jcorrer.nsf");
}
END_TEST

START_TEST(long_and_odd)
{
	char text[5000];

	memset(text, 'x', sizeof(text));
	ck_assert_str_eq(found((struct slice){ text, sizeof(text) }), "unknown");
	text[4900] = '@';
	ck_assert_str_eq(found((struct slice){ text, sizeof(text) }), "elsewhere");
	ck_assert_str_eq(found((struct slice){ "jc\0@acme.example", 16 }), "unknown");
	ck_assert_str_eq(found((struct slice){ "\0jc", 3 }), "unknown");
}
END_TEST

START_TEST(directory_in_trouble)
{
	source_memory_fail(source, POSTIL_ERR_IO);
	ck_assert_str_eq(found(SLICE_LIT("jcorrer")), "trouble");
	ck_assert_str_eq(found(SLICE_LIT("Staff")), "trouble");
	source_memory_fail(source, POSTIL_ERR_NOEXIST);
	ck_assert_str_eq(found(SLICE_LIT("jcorrer")), "trouble");
}
END_TEST

START_TEST(large_groups)
{
	struct buf text = BUF_INIT;

	/* groups within a group, and one that has each of them */
	for (int i = 0; i <= RECIPIENT_GROUPS_MAX; i++)
		buf_addf(&text, "Form=Group|ListName=g%d|Members=g%d;jc\n", i, i + 1);
	ck_assert_uint_eq(source_memory_write(source, buf_cstr(&text)), NOERROR);
	ck_assert_str_eq(found(SLICE_LIT("g0")), "group large");
	ck_assert_str_eq(found(SLICE_LIT("g1")), "mail/jcorrer.nsf(1)");
	buf_release(&text);
}
END_TEST

START_TEST(domains_of_ours)
{
	struct slice written[] = { SLICE_LIT("One.example, two.example;three.example. a@b"), { NULL, 0 } };
	struct mail_domains d;

	ck_assert_uint_eq(mail_domains_read(dir, SLICE_LIT(""), written, 2, &arena, &d), NOERROR);
	ck_assert_uint_eq(d.count, 6);
	ck_assert(mail_domains_have(&d, SLICE_LIT("ONE.example.")));
	ck_assert(mail_domains_have(&d, SLICE_LIT("three.example")));
	ck_assert(mail_domains_have(&d, SLICE_LIT("acme.ORG")));
	ck_assert(!mail_domains_have(&d, SLICE_LIT("mail.acme.example")));
	ck_assert(!mail_domains_have(&d, SLICE_LIT("example")));
	ck_assert(!mail_domains_have(&d, SLICE_LIT("")));
	written[0] = SLICE_LIT("*");
	ck_assert_uint_eq(mail_domains_read(dir, SLICE_LIT(SERVER), written, 1, &arena, &d), NOERROR);
	ck_assert(mail_domains_have(&d, SLICE_LIT("any.where")));
	source_memory_fail(source, POSTIL_ERR_NOEXIST);
	written[0] = SLICE_LIT("a.b");
	ck_assert_uint_eq(mail_domains_read(dir, SLICE_LIT(SERVER), written, 1, &arena, &d), NOERROR);
	ck_assert_uint_eq(d.count, 1);
	source_memory_fail(source, POSTIL_ERR_IO);
	ck_assert_uint_eq(mail_domains_read(dir, SLICE_LIT(SERVER), written, 1, &arena, &d),
	                  POSTIL_ERR_IO);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("recipient");
	TCase *tcase = tcase_create("recipient");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, addresses_and_names);
	tcase_add_test(tcase, owner_is_told);
	tcase_add_test(tcase, rules_that_are_off);
	tcase_add_test(tcase, long_and_odd);
	tcase_add_test(tcase, directory_in_trouble);
	tcase_add_test(tcase, large_groups);
	tcase_add_test(tcase, domains_of_ours);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}

/* Notes names in mail: the addresses of the directory, and the domain of those that are made. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "addin/mail/names.h"
#include "tests/support/source_memory.h"
#include "tests/support/unit.h"

#define SERVER "CN=mail/O=Acme"

static const char people[] =
	"Form=Person|FullName=CN=Jada Correr/O=Acme;Jada Correr|ShortName=jcorrer"
	"|InternetAddress=jada.correr@acme.example|MailFile=mail\\jcorrer\n"
	"Form=Person|FullName=CN=No Address/O=Acme|MailFile=mail/none\n"
	"Form=Person|FullName=CN=Sam Twin/OU=A/O=Acme|InternetAddress=sam1@acme.example\n"
	"Form=Person|FullName=CN=Sam Twin/OU=B/O=Acme|InternetAddress=sam2@acme.example\n"
	"Form=Database|FullName=Help Desk|InternetAddress=help@acme.example|MailFile=mail/desk\n"
	"Form=Group|ListName=Staff|InternetAddress=all@acme.example|Members=Jada Correr/Acme\n"
	"Form=Group|ListName=Silent|Members=Jada Correr/Acme\n";

#define HOST "Form=Server|ServerName=" SERVER "|SMTPFullHostDomain=mail.acme.example\n"
#define GLOBAL "Form=Domain|DomainType=GlobalDomain|LocalPrimaryInternetDomain=acme.example" \
	"|LocalInternetDomainAliases=acme.net\n"

static struct directory *dir;

static struct mail_names *names_with(const char *written, const char *documents, const char *more)
{
	struct directory_source *source;
	struct mail_names *names;
	struct buf text = BUF_INIT;

	buf_add_str(&text, documents);
	buf_add_str(&text, more);
	ck_assert_uint_eq(source_memory_new(&source), NOERROR);
	ck_assert_uint_eq(source_memory_write(source, buf_cstr(&text)), NOERROR);
	ck_assert_uint_eq(directory_new(source, &dir), NOERROR);
	ck_assert_uint_eq(mail_names_new(dir, SLICE_LIT(SERVER), slice_of(written), &names), NOERROR);
	buf_release(&text);
	return names;
}

static const struct {
	const char *name, *address;
	STATUS status;
} addresses[] = {
	{ "CN=Jada Correr/O=Acme", "jada.correr@acme.example", NOERROR },
	{ "jada correr/acme", "jada.correr@acme.example", NOERROR },
	{ "Jada Correr", "jada.correr@acme.example", NOERROR },
	{ "Help Desk", "help@acme.example", NOERROR },
	{ "Staff", "all@acme.example", NOERROR },
	{ "Silent", "", POSTIL_ERR_NOT_FOUND },
	{ "No Address/Acme", "", POSTIL_ERR_NOT_FOUND },
	{ "Nobody/Acme", "", POSTIL_ERR_NOT_FOUND },
	{ "Sam Twin/B/Acme", "sam2@acme.example", NOERROR },
	{ "Sam Twin", "", POSTIL_ERR_AMBIGUOUS },
};

START_TEST(test_addresses)
{
	struct mail_names *names = names_with("", people, "");
	const struct render_options *options = mail_names_options(names);
	struct buf address = BUF_INIT;
	STATUS status = options->address(options->context, slice_of(addresses[_i].name), &address);

	ck_assert_uint_eq(status, addresses[_i].status);
	if (status == NOERROR)
		ck_assert_str_eq(buf_cstr(&address), addresses[_i].address);
	buf_release(&address);
	mail_names_free(&names);
	ck_assert_ptr_null(names);
	directory_close(&dir);
}
END_TEST

static const struct {
	const char *written, *documents, *more, *domain;
} domains[] = {
	{ "ini.example", HOST, GLOBAL, "ini.example" },
	{ " one.example, two.example", HOST, GLOBAL, "one.example" },
	{ "", HOST, GLOBAL, "acme.example" },
	{ "", HOST, "", "mail.acme.example" },
};

START_TEST(test_domains)
{
	struct mail_names *names = names_with(domains[_i].written, domains[_i].documents, domains[_i].more);
	const struct render_options *options = mail_names_options(names);
	struct buf domain = BUF_INIT;

	ck_assert_uint_eq(options->find_domain(options->context, &domain), NOERROR);
	ck_assert_str_eq(buf_cstr(&domain), domains[_i].domain);
	buf_release(&domain);
	mail_names_free(&names);
	directory_close(&dir);
}
END_TEST

/* Without any of them: the machine's name if it has a dot, else none. */
START_TEST(test_no_domain)
{
	struct mail_names *names;
	const struct render_options *options;
	struct buf domain = BUF_INIT;
	char host[256] = "";

	ck_assert_int_eq(gethostname(host, sizeof(host) - 1), 0);
	ck_assert_uint_eq(mail_names_new(NULL, SLICE_LIT(SERVER), slice_of(NULL), &names), NOERROR);
	options = mail_names_options(names);
	if (strchr(host, '.') != NULL) {
		ck_assert_uint_eq(options->find_domain(options->context, &domain), NOERROR);
		ck_assert_str_eq(buf_cstr(&domain), host);
	} else {
		ck_assert_uint_eq(options->find_domain(options->context, &domain), POSTIL_ERR_NOT_FOUND);
	}
	ck_assert_uint_eq(options->address(options->context, SLICE_LIT("Jada Correr"), &domain),
	                  POSTIL_ERR_NOT_FOUND);
	buf_release(&domain);
	mail_names_free(&names);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("names");
	TCase *tc = tcase_create("names");
	SRunner *runner;
	int failed;

	tcase_add_loop_test(tc, test_addresses, 0, (int)(sizeof(addresses) / sizeof(addresses[0])));
	tcase_add_loop_test(tc, test_domains, 0, (int)(sizeof(domains) / sizeof(domains[0])));
	tcase_add_test(tc, test_no_domain);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

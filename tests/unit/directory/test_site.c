/* Internet Sites and Configuration Settings: which document holds for a server. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "directory/config.h"
#include "directory/site.h"
#include "tests/support/source_memory.h"
#include "tests/support/unit.h"

static struct directory_source *source;
static struct directory *dir;
static struct arena arena;

#define SERVER "Form=Server|ServerName=CN=mail/OU=West/O=Acme|SMTPFullHostDomain=pop.acme.example\n"
#define ME SLICE_LIT("CN=mail/OU=West/O=Acme")

static void begin(const char *documents)
{
	ck_assert_uint_eq(source_memory_new(&source), NOERROR);
	ck_assert_uint_eq(source_memory_write(source, SERVER), NOERROR);
	ck_assert_uint_eq(source_memory_write(source, documents), NOERROR);
	ck_assert_uint_eq(directory_new(source, &dir), NOERROR);
}

static void end(void)
{
	directory_close(&dir);
	arena_release(&arena);
}

/* --- what documents say of TLS ------------------------------------------------------------ */

static const char *list_text(const struct slice *list, size_t count)
{
	static char out[2][512];
	static int turn;
	char *text = out[turn ^= 1];
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < count; i++)
		n += (size_t)snprintf(text + n, 512 - n, "%s%.*s", i > 0 ? " " : "", (int)list[i].n, list[i].p);
	return text;
}

static const struct {
	const char *server, *site;      /* items; NULL: not of this document */
	const char *key_files, *ciphers;
	bool accept_expired, check_crls, trust_expired, allow_failure;
	enum directory_choice stls;
} tls_cases[] = {
	{ "", "", "", "", false, false, false, false, DIRECTORY_UNSAID },
	{ "HTTP_SSLKeyFile=keyfile.kyr", "SSLKeyFile=keyfile.kyr", "keyfile.kyr", "", },
	{ "HTTP_SSLKeyFile=C:\\Domino\\Data\\keyfile.kyr", "SSLKeyFile=C:\\Domino\\Data\\keyfile.kyr",
	  "keyfile.kyr", "", },
	{ "HTTP_SSLKeyFile=/local/notesdata/x.kyr, b.pem", "SSLKeyFile= /local/notesdata/x.kyr ,b.pem",
	  "x.kyr b.pem", "", },
	{ "HTTP_SSLKeyFile=a;b;c,d", "SSLKeyFile=a;b;c,d", "a b c d", "", },
	{ "HTTP_SSLKeyFile=http.kyr|POP3_SSLKeyFile=pop3.kyr", NULL, "pop3.kyr", "", },
	{ "HTTP_SSLKeyFile=http.kyr|POP3_SSLKeyFile=", NULL, "http.kyr", "", },
	{ "HTTP_SSLKeyFile=../../etc/shadow;..;.;.hidden;a/..;/;\\;,;a\tb", "SSLKeyFile=../../etc/shadow;..;"
	  ".;.hidden;a/..;/;\\;,;a\tb", "shadow", "", },
	{ "SSLCipherList=C030;9F;C02F", "SSLCipherList=C030;9F;C02F", "", "C030 9F C02F", },
	{ "SSLCipherList=C030,9F, C02F", "SSLCipherList=C030,9F, C02F", "", "C030 9F C02F", },
	{ "SSLCipherList=0xC030,13,02,9E,0xC0,0x2F", "SSLCipherList=0xC030,13,02,9E,0xC0,0x2F", "",
	  "0xC030 13,02 9E 0xC0,0x2F", },
	{ "SSLCipherList=C030;RC4;12345;;9F", "SSLCipherList=C030;RC4;12345;;9F", "", "C030 9F", },
	{ "SSLCipherList=C030|POP3_SSLCipherList=C02F", NULL, "", "C02F", },
	{ "SSLAcceptExpired=1|SSLCheckCRL=1|SSLTrustExpiredCRL=Yes|SSLAllowCRLFail=On",
	  "AcceptExpiredCerts=1|CheckForCRLs=1|TrustExpiredCRLs=Yes|AllowCRLSearchToFail=On", "", "",
	  true, true, true, true, DIRECTORY_UNSAID },
	{ "POP3_NegotiatedSSL=1", "POP3_NegotiatedSSL=1", "", "", .stls = DIRECTORY_YES },
	{ "POP3_NegotiatedSSL=0", "NegotiatedSSL=2", "", "", .stls = DIRECTORY_NO },
	{ "POP3_NegotiatedSSL=perhaps", "POP3_NegotiatedSSL=perhaps", "", "", .stls = DIRECTORY_UNSAID },
};

static void expect_tls(size_t i, const struct tls_document *d)
{
	ck_assert_str_eq(list_text(d->key_files, d->key_file_count), tls_cases[i].key_files);
	ck_assert_str_eq(list_text(d->ciphers, d->cipher_count), tls_cases[i].ciphers);
	ck_assert_int_eq(d->accept_expired, tls_cases[i].accept_expired);
	ck_assert_int_eq(d->check_crls, tls_cases[i].check_crls);
	ck_assert_int_eq(d->trust_expired_crls, tls_cases[i].trust_expired);
	ck_assert_int_eq(d->allow_crl_failure, tls_cases[i].allow_failure);
	ck_assert_int_eq(d->stls, tls_cases[i].stls);
}

START_TEST(tls_of_documents)
{
	for (size_t i = 0; i < sizeof(tls_cases) / sizeof(*tls_cases); i++) {
		struct pop3_settings settings;
		struct pop3_sites sites;
		struct buf text = BUF_INIT;

		buf_addf(&text, "Form=Server|ServerName=tls/Acme|%s\nForm=POP3Site|ISiteName=A|ISiteOrg=Acme|%s\n",
		         tls_cases[i].server, tls_cases[i].site != NULL ? tls_cases[i].site : "");
		begin(buf_cstr(&text));
		ck_assert_uint_eq(directory_pop3_settings(dir, SLICE_LIT("tls/Acme"), &arena, &settings),
		                  NOERROR);
		ck_assert(settings.found);
		expect_tls(i, &settings.tls);
		ck_assert_uint_eq(directory_pop3_sites(dir, ME, &arena, &sites), NOERROR);
		ck_assert_uint_eq(sites.count, 1);
		if (tls_cases[i].site != NULL) {
			expect_tls(i, &sites.list[0].tls);
			ck_assert(tls_document_equal(&settings.tls, &sites.list[0].tls));
			/* all but the first say something */
			ck_assert_uint_eq(directory_pop3_settings(dir, ME, &arena, &settings), NOERROR);
			ck_assert_int_eq(tls_document_equal(&settings.tls, &sites.list[0].tls), i == 0 ||
			                 strstr(tls_cases[i].site, "perhaps") != NULL);
		}
		buf_release(&text);
		end();
	}
}
END_TEST

/* --- sites ------------------------------------------------------------------------------ */

static const struct {
	const char *documents, *address, *site;         /* site NULL: none */
} cases[] = {
	{ "", "192.0.2.1", NULL },
	{ "Form=POP3Site|ISiteName=A|ISiteOrg=Acme\n", "192.0.2.1", "A" },
	{ "Form=POP3Site|ISiteName=A|ISiteOrg=/O=ACME\n", "192.0.2.1", "A" },
	{ "Form=POP3Site|ISiteName=A|ISiteOrg=o=acme\n", "192.0.2.1", "A" },
	{ "Form=POP3Site|ISiteName=A|ISiteOrg=Other\n", "192.0.2.1", NULL },
	{ "Form=IMAPSite|ISiteName=A|ISiteOrg=Acme\n", "192.0.2.1", NULL },
	/* hosting servers */
	{ "Form=POP3Site|ISiteName=A|ISiteOrg=Acme|WSHostingSrvrs=*\n", "192.0.2.1", "A" },
	{ "Form=POP3Site|ISiteName=A|ISiteOrg=Acme|WSHostingSrvrs=x/Acme;mail/West/Acme\n", "192.0.2.1", "A" },
	{ "Form=POP3Site|ISiteName=A|ISiteOrg=Acme|WSHostingSrvrs=x/Acme\n", "192.0.2.1", NULL },
	{ "Form=POP3Site|ISiteName=A|ISiteOrg=Acme|WSHostingSrvrs=Hosts\n"
	  "Form=Group|ListName=Hosts|GroupType=4|Members=mail/West/Acme\n", "192.0.2.1", "A" },
	/* the first one, as a view sorts them, whatever address the client has come to */
	{ "Form=POP3Site|ISiteName=b|ISiteOrg=Acme|ISiteAdrs=192.0.2.1\n"
	  "Form=POP3Site|ISiteName=A|ISiteOrg=Acme|ISiteAdrs=192.0.2.2\n", "192.0.2.1", "A" },
	{ "Form=POP3Site|ISiteName=A|ISiteOrg=Acme|WSHostingSrvrs=x/Acme\n"
	  "Form=POP3Site|ISiteName=b|ISiteOrg=Acme\n", "192.0.2.1", "b" },
	/* an address tells the organization */
	{ "Form=POP3Site|ISiteName=A|ISiteOrg=Acme\n"
	  "Form=POP3Site|ISiteName=B|ISiteOrg=Other|ISiteAdrs=pop.other.example;192.0.2.7\n", "192.0.2.7", "B" },
	{ "Form=POP3Site|ISiteName=A|ISiteOrg=Acme\n"
	  "Form=POP3Site|ISiteName=B|ISiteOrg=Other|ISiteAdrs=192.0.2.7\n", "::ffff:192.0.2.7", "B" },
	{ "Form=POP3Site|ISiteName=A|ISiteOrg=Acme\n"
	  "Form=POP3Site|ISiteName=B|ISiteOrg=Other|ISiteAdrs=2001:DB8:0::1\n", "2001:db8::1", "B" },
	{ "Form=POP3Site|ISiteName=A|ISiteOrg=Acme\n"
	  "Form=POP3Site|ISiteName=B|ISiteOrg=Other|ISiteAdrs=192.0.2.7\n", "192.0.2.8", "A" },
	/* the host's name stands for each of its addresses, but gives way to an address */
	{ "Form=POP3Site|ISiteName=B|ISiteOrg=Other|ISiteAdrs=POP.acme.example\n", "192.0.2.8", "B" },
	{ "Form=POP3Site|ISiteName=B|ISiteOrg=Other|ISiteAdrs=www.acme.example\n", "192.0.2.8", NULL },
	{ "Form=POP3Site|ISiteName=A|ISiteOrg=One|ISiteAdrs=pop.acme.example\n"
	  "Form=POP3Site|ISiteName=B|ISiteOrg=Two|ISiteAdrs=192.0.2.8\n", "192.0.2.8", "B" },
	{ "Form=POP3Site|ISiteName=B|ISiteOrg=Other|ISiteAdrs=192.0.2;%s;999.1.1.1\n", "192.0.2.8", NULL },
};

START_TEST(which_site_holds)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct pop3_site *site;
		struct pop3_sites sites;

		begin(cases[i].documents);
		ck_assert_uint_eq(directory_pop3_sites(dir, ME, &arena, &sites), NOERROR);
		site = pop3_sites_choose(&sites, cases[i].address);
		ck_assert_msg((site == NULL) == (cases[i].site == NULL), "%s", cases[i].documents);
		if (site != NULL)
			ck_assert_msg(slice_equal(site->name, slice_of(cases[i].site)), "%s: %.*s",
			              cases[i].documents, (int)site->name.n, site->name.p);
		end();
	}
}
END_TEST

static const struct {
	const char *items;
	bool password, tls_password, certificate;
} options[] = {
	{ "", true, true, false },
	{ "|TCPNameAndPwd=0|SSLNameAndPwd=1", false, true, false },
	{ "|TCPNameAndPwd=1|SSLNameAndPwd=0|SSLClientCert=1", true, false, true },
	{ "|TCPNameAndPwd=No|SSLNameAndPwd=No|SSLCert=Yes", false, false, true },
	{ "|TCPNameAndPwd=0|SSLNameAndPwd=0", false, false, false },
	{ "|TCPNameAndPwd=perhaps", true, true, false },
};

START_TEST(options_of_a_site)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		struct pop3_sites sites;
		char text[256];

		snprintf(text, sizeof(text), "Form=POP3Site|ISiteName=A|ISiteOrg=Acme%s\n",
		         options[i].items);
		begin(text);
		ck_assert_uint_eq(directory_pop3_sites(dir, ME, &arena, &sites), NOERROR);
		ck_assert_uint_eq(sites.count, 1);
		ck_assert_int_eq(sites.list->name_and_password, options[i].password);
		ck_assert_int_eq(sites.list->tls_name_and_password, options[i].tls_password);
		ck_assert_int_eq(sites.list->client_certificate, options[i].certificate);
		end();
	}
}
END_TEST

/* --- Configuration Settings ----------------------------------------------------------------- */

#define ALL "Form=ServerConfig|ServerName=*|ILMaxTries=1\n"
#define GROUP "Form=ServerConfig|ServerName=Hosts|ILMaxTries=2\n" \
	"Form=Group|ListName=Hosts|Members=mail/West/Acme\n"
#define OWN "Form=ServerConfig|ServerName=CN=mail/OU=West/O=Acme|ILMaxTries=3\n"
#define OTHER "Form=ServerConfig|ServerName=CN=other/O=Acme|ILMaxTries=9\n"

static const struct {
	const char *documents;
	enum config_nearness nearness;
	uint32_t tries;
} configs[] = {
	{ "", CONFIG_NONE, 0 },
	{ OTHER, CONFIG_NONE, 0 },
	{ ALL OTHER, CONFIG_DEFAULT, 1 },
	{ ALL GROUP OTHER, CONFIG_GROUP, 2 },
	{ GROUP ALL, CONFIG_GROUP, 2 },
	{ OWN ALL GROUP, CONFIG_SERVER, 3 },
	{ ALL GROUP OWN, CONFIG_SERVER, 3 },
	{ "Form=ServerConfig|ServerName=nobody|UseAsDefault=1|ILMaxTries=4\n", CONFIG_DEFAULT, 4 },
	{ "Form=ServerConfig|ServerName=*/O=Acme|ILMaxTries=4\n", CONFIG_DEFAULT, 4 },
	{ "Form=ServerConfig|ServerName=MAIL/west/acme|ILMaxTries=6\n", CONFIG_SERVER, 6 },
	/* of two equally near ones the lower UNID */
	{ OWN "Form=ServerConfig|ServerName=mail/West/Acme|ILMaxTries=8\n", CONFIG_SERVER, 3 },
};

START_TEST(nearest_document)
{
	for (size_t i = 0; i < sizeof(configs) / sizeof(*configs); i++) {
		enum config_nearness nearness;
		struct lockout_rules rules;

		begin(configs[i].documents);
		ck_assert_uint_eq(directory_lockout_rules(dir, ME, &rules, &nearness), NOERROR);
		ck_assert_msg(nearness == configs[i].nearness, "%s", configs[i].documents);
		ck_assert_msg(rules.max_tries == configs[i].tries, "%s: %u", configs[i].documents,
		              (unsigned)rules.max_tries);
		ck_assert(!rules.enforce);
		end();
	}
}
END_TEST

static const struct {
	const char *items;
	uint64_t expire_secs, clear_secs;
} times[] = {
	{ "", 0, 0 },
	{ "|ILExpNum=10|ILExpMinutes=10|ILTimeFormat=,minutes", 600, 0 },
	{ "|ILExpNum=2|ILTimeFormat=,hours|ILClearNum=3|ILTimeFormat2=,days", 7200, 259200 },
	{ "|ILExpNum=2", 120, 0 },
	{ "|ILExpNum=0|ILClearMinutes=5", 0, 300 },
	{ "|ILExpNum=2|ILTimeFormat=moons", 120, 0 },
	{ "|ILExpNum=-2|ILClearNum=x", 0, 0 },
	{ "|ILExpMinutes=1.0", 60, 0 },
};

START_TEST(times_of_lockout)
{
	for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
		struct lockout_rules rules;
		char text[256];

		snprintf(text, sizeof(text), "Form=ServerConfig|ServerName=*|ILEnforce=1%s\n",
		         times[i].items);
		begin(text);
		ck_assert_uint_eq(directory_lockout_rules(dir, ME, &rules, NULL), NOERROR);
		ck_assert(rules.enforce && rules.log_lockouts && rules.log_failures);
		ck_assert(!rules.lock_address && !rules.count_against_address);
		ck_assert_uint_eq(rules.max_tries, 5);
		ck_assert_msg(rules.expire_secs == times[i].expire_secs, "%s", times[i].items);
		ck_assert_msg(rules.clear_secs == times[i].clear_secs, "%s", times[i].items);
		end();
	}
}
END_TEST

START_TEST(switches_of_lockout)
{
	struct lockout_rules rules;

	begin("Form=ServerConfig|ServerName=*|ILEnforce=1|ILMaxTries=0|ILLogLockouts=0|ILLogFailures=0"
	      "|ILLockIP=1|ILCountAgainstIP=1\n");
	ck_assert_uint_eq(directory_lockout_rules(dir, ME, &rules, NULL), NOERROR);
	ck_assert(rules.lock_address && rules.count_against_address);
	ck_assert(!rules.log_lockouts && !rules.log_failures);
	ck_assert_uint_eq(rules.max_tries, 0);
	end();
}
END_TEST

UNIT_MAIN("site", tls_of_documents, which_site_holds, options_of_a_site, nearest_document, times_of_lockout,
          switches_of_lockout)

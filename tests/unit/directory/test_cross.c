/* What a check tells that shows only across documents. */
#include "tests/unit/directory/fixture.h"

static struct world w;

#define ITEM(name, values) "<item name='" name "'><textlist>" values "</textlist></item>"
#define DOCUMENT(form, items) "<document form='" form "'>" items "</document>\n"
#define NAMED(unid, form, items) \
	"<document form='" form "'><noteinfo unid='" unid "'/>" items "</document>\n"
#define ANN DOCUMENT("Person", ITEM("FullName", T("CN=Ann Lee/OU=Sales/O=Acme") T("ann")) \
	ITEM("AltFullName", T("CN=Anna Alt/O=Acme")) ITEM("HTTPPassword", T(HASH1)))
#define SERVER(items) DOCUMENT("Server", ITEM("ServerName", T("CN=mail/OU=West/O=Acme")) items)
#define GROUP(name, members) DOCUMENT("Group", ITEM("ListName", T(name)) ITEM("Members", members))
#define TYPED(name, type, members) DOCUMENT("Group", ITEM("ListName", T(name)) \
	ITEM("GroupType", T(type)) ITEM("Members", members))
#define SITE(name, org, items) DOCUMENT("POP3Site", ITEM("ISiteName", T(name)) ITEM("ISiteOrg", T(org)) items)
#define CONFIG(unid, server) NAMED(unid, "ServerConfig", ITEM("ServerName", T(server)))

#define OTHER(items) DOCUMENT("Server", ITEM("ServerName", T("CN=other/OU=West/O=Acme")) items)
#define TLS_PORT ITEM("POP3_SSLStatus", T("1"))
#define CERTIFICATE ITEM("POP3_SSLCert", T("1"))
#define SITE_CERTIFICATE ITEM("SSLClientCert", T("1"))
#define SITES ITEM("LdISite", T("1"))

static const struct {
	const char *documents;          /* one a line: HEAD is two */
	const char *said;
} cases[] = {
	/* members */
	{ ANN SERVER("") GROUP("G", T("Ann Lee/Sales/Acme") T("Anna Alt/Acme") T("mail/West/Acme") T("*")
	  T("*/Sales/Acme") T("") T("x@example.com")), "" },
	{ ANN GROUP("G", T("Nobody/Acme")), "a.dxl:4: Members has Nobody/Acme, which names nobody in this directory\n" },
	{ ANN GROUP("G", T("ann")), "a.dxl:4: Members has ann, which is another name of somebody: only the first "
	  "FullName and AltFullName count here\n" },
	{ ANN GROUP("G", T("Ann Lee")), "a.dxl:4: Members has Ann Lee, which is another name of somebody: only the "
	  "first FullName and AltFullName count here\n" },
	{ ANN GROUP("G", T("*/Legal/Acme")), "a.dxl:4: Members has */Legal/Acme, which names nobody in this directory\n" },
	{ ANN TYPED("G", "1", T("Nobody/Acme") T("ann")), "" },
	{ ANN GROUP("G", T("A[b]")), "a.dxl:4: Members has A\\x5bb\\x5d, which names nobody in this directory\n" },
	/* access lists */
	{ ANN GROUP("G", T("Ann Lee/Sales/Acme")) SERVER(ITEM("AllowAccess", T("G") T("*/Acme")) ITEM("DenyAccess", T("G"))), "" },
	{ ANN SERVER(ITEM("AllowAccess", T("G"))), "a.dxl:4: AllowAccess has G, which names nobody in this directory\n" },
	{ ANN SERVER(ITEM("DenyAccess", T("Ann Lee"))), "a.dxl:4: DenyAccess has Ann Lee, which is another name of "
	  "somebody: only the first FullName and AltFullName count here\n" },
	{ ANN TYPED("G", "3", T("*")) SERVER(ITEM("AllowAccess", T("G"))),
	  "a.dxl:5: AllowAccess has the group G, whose type, deny list only, does not count here\n" },
	{ ANN TYPED("G", "3", T("*")) SERVER(ITEM("DenyAccess", T("G"))), "" },
	{ ANN TYPED("G", "1", T("*")) SERVER(ITEM("DenyAccess", T("G"))),
	  "a.dxl:5: DenyAccess has the group G, whose type, mail only, does not count here\n" },
	{ ANN TYPED("G", "4", T("*")) SERVER(ITEM("AllowAccess", T("G"))),
	  "a.dxl:5: AllowAccess has the group G, whose type, servers only, does not count here\n" },
	/* groups */
	{ ANN GROUP("ann lee/sales/acme", T("*")),
	  "a.dxl:4: the group ann lee/sales/acme has the name of a person, a.dxl:3: lists that name one mean both\n" },
	{ GROUP("A", T("B")) GROUP("B", T("C")) GROUP("C", T("*")) GROUP("D", T("B") T("C")), "" },
	/* persons of other servers */
	{ DOCUMENT("Person", ITEM("FullName", T("CN=A/O=Acme")) ITEM("HTTPPassword", T(HASH1)) ITEM("MailServer", T("MAIL/west/acme"))), "" },
	{ DOCUMENT("Person", ITEM("FullName", T("CN=A/O=Acme")) ITEM("HTTPPassword", T(HASH1)) ITEM("MailServer", T("other/Acme"))),
	  "a.dxl:3: the mail server of this person is other/Acme: logins here are refused\n" },
	{ DOCUMENT("Person", ITEM("FullName", T("CN=A/O=Acme")) ITEM("HTTPPassword", T(HASH1)) ITEM("MailServer", T("CN=other/O=Acme")))
	  DOCUMENT("Person", ITEM("FullName", T("CN=B/O=Acme")) ITEM("HTTPPassword", T(HASH1)) ITEM("MailServer", T("other/Acme"))),
	  "a.dxl:3: the mail server of this person and 1 more is CN=other/O=Acme: logins here are refused\n" },
	/* sites */
	{ SERVER("") SITE("b", "Acme", "") SITE("A", "o=ACME", ""),
	  "a.dxl:4: the site b does not hold where the site A, a.dxl:5, is hosted: of one organization it is the "
	  "first by name\n" },
	{ SERVER("") SITE("A", "Acme", ITEM("WSHostingSrvrs", T("mail/West/Acme"))) SITE("B", "Acme", ITEM("WSHostingSrvrs",
	  T("*/Acme"))), "" },
	{ SERVER("") SITE("A", "Acme", ITEM("WSHostingSrvrs", T("mail/West/Acme"))) SITE("B", "Acme", ITEM("WSHostingSrvrs",
	  T("CN=mail/OU=West/O=Acme"))),
	  "a.dxl:5: the site B does not hold where the site A, a.dxl:4, is hosted: of one organization it is the "
	  "first by name\n" },
	{ SERVER("") SITE("A", "Acme", "") SITE("B", "Other", ITEM("ISiteAdrs", T("192.0.2.1"))), "" },
	{ SERVER("") SITE("A", "Other", ""),
	  "a.dxl:4: the site A has no addresses, and its organization other is that of no server: no connection "
	  "comes to it\n" },
	{ SERVER("") SITE("A", "Acme", ITEM("WSHostingSrvrs", T("mail"))),
	  "a.dxl:4: WSHostingSrvrs has mail, which is no server and no group of this directory\n" },
	/* TLS */
	{ SERVER(CERTIFICATE), "a.dxl:3: the server CN=mail/OU=West/O=Acme asks for client certificates, but its TLS "
	  "port is disabled and STLS is not switched on: nobody can present one\n" },
	{ SERVER(CERTIFICATE TLS_PORT), "" },
	{ SERVER(CERTIFICATE ITEM("POP3_NegotiatedSSL", T("1"))), "" },
	{ SERVER(TLS_PORT ITEM("POP3_SSLNP", T("0"))), "a.dxl:3: the TLS port of the server CN=mail/OU=West/O=Acme is "
	  "enabled, but neither name and password nor a client certificate is allowed on it: nobody can log in there\n" },
	{ SERVER(ITEM("POP3_SSLNP", T("0"))), "" },
	{ SERVER(TLS_PORT CERTIFICATE ITEM("POP3_SSLNP", T("0"))), "" },
	/* with sites their options count */
	{ SERVER(CERTIFICATE SITES) SITE("A", "Acme", ""), "" },
	{ SERVER(TLS_PORT SITES ITEM("POP3_SSLNP", T("0"))) SITE("A", "Acme", ""), "" },
	{ SERVER(SITES) SITE("A", "Acme", SITE_CERTIFICATE), "a.dxl:4: the site A asks for client certificates, but the "
	  "TLS port is disabled wherever it is hosted, and STLS is not switched on: nobody can present one\n" },
	{ SERVER(SITES TLS_PORT) SITE("A", "Acme", SITE_CERTIFICATE), "" },
	{ SERVER(SITES) SITE("A", "Acme", SITE_CERTIFICATE ITEM("POP3_NegotiatedSSL", T("Yes"))), "" },
	{ SERVER("") SITE("A", "Acme", SITE_CERTIFICATE), "" },
	{ SERVER(SITES) OTHER(SITES TLS_PORT) SITE("A", "Acme", SITE_CERTIFICATE), "" },
	{ SERVER(SITES) OTHER(SITES TLS_PORT) SITE("A", "Acme", SITE_CERTIFICATE ITEM("WSHostingSrvrs", T("mail/West/Acme"))),
	  "a.dxl:5: the site A asks for client certificates, but the TLS port is disabled wherever it is hosted, and "
	  "STLS is not switched on: nobody can present one\n" },
	{ SERVER(SITES) OTHER(SITES TLS_PORT) SITE("A", "Acme", SITE_CERTIFICATE ITEM("WSHostingSrvrs", T("*/Acme"))), "" },
	{ SERVER(SITES TLS_PORT) SITE("A", "Acme", ITEM("SSLNameAndPwd", T("0"))), "a.dxl:4: the site A allows neither name "
	  "and password nor a client certificate with TLS, but the TLS port of the server CN=mail/OU=West/O=Acme is "
	  "enabled: nobody can log in there\n" },
	{ SERVER(SITES) SITE("A", "Acme", ITEM("SSLNameAndPwd", T("0"))), "" },
	/* Configuration Settings */
	{ SERVER("") CONFIG(U1, "*") CONFIG(U2, "mail/West/Acme"), "" },
	{ SERVER("") CONFIG(U1, "*") NAMED(U2, "ServerConfig", ITEM("ServerName", T("mail/West/Acme")) ITEM("UseAsDefault", T("1"))), "" },
	{ SERVER("") GROUP("G", T("mail/West/Acme")) CONFIG(U2, "*") NAMED(U1, "ServerConfig", ITEM("ServerName", T("G"))
	  ITEM("UseAsDefault", T("1"))), "" },
	{ SERVER("") CONFIG(U2, "*") CONFIG(U1, "*/Acme"),
	  "a.dxl:4: these Configuration Settings do not hold for the server CN=mail/OU=West/O=Acme: others, a.dxl:5, "
	  "are as near and have the lower UNID\n" },
	{ SERVER("") GROUP("In", T("*/West/Acme")) GROUP("Out", T("In")) CONFIG(U1, "In") CONFIG(U2, "Out") CONFIG(U3, "*"),
	  "a.dxl:7: these Configuration Settings do not hold for the server CN=mail/OU=West/O=Acme: others, a.dxl:6, "
	  "are as near and have the lower UNID\n" },
	{ SERVER("") GROUP("In", T("*/West/Acme")) TYPED("Out", "1", T("In")) CONFIG(U1, "In") CONFIG(U2, "Out"),
	  "a.dxl:7: ServerName has the group Out, whose type, mail only, does not count here\n" },
	{ SERVER("") CONFIG(U1, "other/Acme"),
	  "a.dxl:4: ServerName has other/Acme, which is no server and no group of this directory\n" },
};

static const char *check(void)
{
	buf_clear(&w.said);
	ck_assert_int_eq(directory_check(w.dir, SLICE_LIT("CN=mail/OU=West/O=Acme"), &w.report, say_into, &w,
	                                 &w.fault), NOERROR);
	return buf_cstr(&w.said);
}

START_TEST(across_documents)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buf xml = BUF_INIT;

		buf_addf(&xml, HEAD "%s" TAIL, cases[i].documents);
		world_begin(&w);
		put_file(&w, "a.dxl", buf_cstr(&xml));
		ck_assert_msg(strcmp(check(), cases[i].said) == 0, "%s: %s", cases[i].documents, check());
		ck_assert_uint_eq(w.report.faults, 0);
		ck_assert_uint_eq(w.report.warnings, cases[i].said[0] != '\0');
		/* only a check tells */
		ck_assert_str_eq(compile(&w), "");
		world_end(&w);
		buf_release(&xml);
	}
}
END_TEST

/* How often does text hold what? */
static unsigned times(const char *text, const char *what)
{
	unsigned n = 0;

	for (; (text = strstr(text, what)) != NULL; text += strlen(what))
		n++;
	return n;
}

START_TEST(circles)
{
	world_begin(&w);
	put_file(&w, "a.dxl", HEAD GROUP("A", T("B")) GROUP("B", T("C")) GROUP("C", T("A") T("*")) TAIL);
	ck_assert_uint_eq(times(check(), "adds nobody"), 1);
	ck_assert_uint_eq(w.report.warnings, 1);
	/* two circles that touch */
	put_file(&w, "a.dxl", HEAD GROUP("A", T("B") T("C")) GROUP("B", T("A")) GROUP("C", T("A")) TAIL);
	ck_assert_uint_eq(times(check(), "adds nobody"), 2);
	/* itself: told once, by what is told of each document */
	put_file(&w, "a.dxl", HEAD GROUP("A", T("A")) TAIL);
	ck_assert_str_eq(check(), "a.dxl:3: the group is among its own Members; that adds nobody\n");
	world_end(&w);
}
END_TEST

START_TEST(deep_circle)
{
	struct buf xml = BUF_INIT;

	buf_add_str(&xml, HEAD);
	for (int i = 0; i < 50000; i++)
		buf_addf(&xml, GROUP("g%d", "<text>g%d</text>"), i, (i + 1) % 50000);
	buf_add_str(&xml, TAIL);
	world_begin(&w);
	put_file(&w, "a.dxl", buf_cstr(&xml));
	ck_assert_uint_eq(times(check(), "adds nobody"), 1);
	world_end(&w);
	buf_release(&xml);
}
END_TEST

/* What a document said before another took its place is not told. */
START_TEST(only_what_counts)
{
	world_begin(&w);
	put_file(&w, "a.dxl", HEAD ANN GROUP("G", T("Nobody/Acme")) TAIL);
	put_file(&w, "b.dxl", HEAD GROUP("g", T("Ann Lee/Sales/Acme")) TAIL);
	ck_assert_str_eq(check(), "");
	/* with the same UNID, further down in one file */
	put_file(&w, "b.dxl", NULL);
	put_file(&w, "a.dxl", HEAD ANN NAMED(U1, "Group", ITEM("ListName", T("G")) ITEM("Members", T("Nobody/Acme")))
	         NAMED(U1, "Group", ITEM("ListName", T("G")) ITEM("Members", T("Ann Lee/Sales/Acme"))) TAIL);
	ck_assert_uint_eq(times(check(), "names nobody"), 0);
	ck_assert_uint_eq(times(buf_cstr(&w.said), "takes its place"), 1);
	/* the person that a group names has gone with the document that took its place */
	put_file(&w, "a.dxl", HEAD NAMED(U1, "Person", ITEM("FullName", T("CN=Old/O=Acme"))) GROUP("G", T("Old/Acme")) TAIL);
	put_file(&w, "b.dxl", HEAD NAMED(U1, "Person", ITEM("FullName", T("CN=New/O=Acme"))) TAIL);
	ck_assert_uint_eq(times(check(), "a.dxl:4: Members has Old/Acme, which names nobody"), 1);
	world_end(&w);
}
END_TEST

START_TEST(many_are_counted)
{
	struct buf xml = BUF_INIT;

	buf_add_str(&xml, HEAD "<document form='Group'>" ITEM("ListName", T("G")) "<item name='Members'><textlist>");
	for (int i = 0; i < 300; i++)
		buf_addf(&xml, "<text>Nobody %d</text>", i);
	buf_add_str(&xml, "</textlist></item></document>" GROUP("H", T("I")) GROUP("I", T("H")) TAIL);
	world_begin(&w);
	put_file(&w, "a.dxl", buf_cstr(&xml));
	ck_assert_uint_eq(times(check(), "names nobody in"), 20);
	ck_assert_uint_eq(times(buf_cstr(&w.said), "and 280 more warnings of names that name nobody"), 1);
	ck_assert_uint_eq(times(buf_cstr(&w.said), "adds nobody"), 1);
	ck_assert_uint_eq(w.report.warnings, 301);
	world_end(&w);
	buf_release(&xml);
}
END_TEST

UNIT_MAIN("cross", across_documents, circles, deep_circle, only_what_counts, many_are_counted)

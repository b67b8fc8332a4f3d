/* Who a login name is, what the server is told to do; many threads at once. */
#include <pthread.h>
#include <stdatomic.h>

#include "base/text.h"
#include "tests/unit/directory/fixture.h"

static struct world w;

static const char people[] = HEAD
	PERSON(U1, T("CN=Jada Correr/OU=Sales/O=Example/C=DE") T("Jada Correr") T("jada"), "Jada.Correr@Example.com", HASH1)
	PERSON(U2, T("CN=\xC3\x85sa \xC3\x96""berg/O=Example") T("Stra\xC3\x9F""e"), "asa@example.com", HASH1)
	PERSON(U3, T("Flat Name"), "", HASH1)
	"<document form='Person'><noteinfo unid='00000000000000000000000000000004'/><item name='FULLNAME'><textlist>"
	"<text>CN=Jada Correr/O=Other</text></textlist></item><item name='ShortName'><text>jc</text></item>"
	"<item name='FirstName'><text>Jada</text></item><item name='LastName'><text>Correr</text></item>"
	"<item name='MailServer'><text>mail/Other</text></item><item name='MailFile'><text>mail\\jc2</text></item>"
	"<item name='httppassword'><textlist><text>" HASH1 "</text><text>(GNBpcGJRYpBe9orUOpmZ)</text></textlist></item></document>\n"
	"<document form='Database'><item name='FullName'><text>Shop</text></item><item name='InternetAddress'>"
	"<text>shop@example.com</text></item><item name='MailFile'><text>mail/shop</text></item></document>\n"
	"<document form='Group'><item name='ListName'><text>Staff</text></item><item name='Members'><text>jada</text></item></document>\n"
	TAIL;

static const struct {
	const char *login, *found;
} logins[] = {
	{ "CN=Jada Correr/OU=Sales/O=Example/C=DE", "CN=Jada Correr/OU=Sales/O=Example/C=DE" },
	{ "cn=JADA correr/ou=sales/o=example/c=de", "CN=Jada Correr/OU=Sales/O=Example/C=DE" },
	{ "Jada Correr/Sales/Example/DE", "CN=Jada Correr/OU=Sales/O=Example/C=DE" },
	{ "jada  correr/sales/example/de", "CN=Jada Correr/OU=Sales/O=Example/C=DE" },
	{ "jada", "CN=Jada Correr/OU=Sales/O=Example/C=DE" },
	{ "  jada ", "CN=Jada Correr/OU=Sales/O=Example/C=DE" },
	{ "jada.correr@EXAMPLE.com", "CN=Jada Correr/OU=Sales/O=Example/C=DE" },
	/* two persons have this common name */
	{ "Jada Correr", "CN=Jada Correr/OU=Sales/O=Example/C=DE|CN=Jada Correr/O=Other" },
	{ "cn=jada correr", "CN=Jada Correr/OU=Sales/O=Example/C=DE|CN=Jada Correr/O=Other" },
	{ "Jada Correr/Other", "CN=Jada Correr/O=Other" },
	/* decomposed letters, other case, full folding */
	{ "a\xCC\x8Asa o\xCC\x88""berg", "CN=\xC3\x85sa \xC3\x96""berg/O=Example" },
	{ "STRASSE", "CN=\xC3\x85sa \xC3\x96""berg/O=Example" },
	{ "flat name", "Flat Name" },
	/* not a login name under Fewer */
	{ "jc", "" }, { "Correr", "" }, { "Jada Correr/Sales", "" }, { "Jada Correr/Example", "" },
	{ "Shop", "" }, { "shop@example.com", "" }, { "Staff", "" },
	{ "%s%n", "" }, { "' OR 1=1 --", "" }, { "*", "" }, { "jad*", "" }, { "(&(cn=*))", "" },
	{ "/", "" }, { "CN=", "" }, { "CN=/O=", "" }, { "$", "" }, { "a/b/c/d/e/f/g/h/i/j/k/l/m/n", "" },
	{ "", "error 3d00" }, { "  ", "error 3d00" }, { "\xFF\xFE", "error 3d00" }, { "a\xC3", "error 3d00" },
};

START_TEST(login_names)
{
	world_begin(&w);
	put_file(&w, "a.dxl", people);
	ck_assert_str_eq(compile(&w), "");
	for (size_t i = 0; i < sizeof(logins) / sizeof(*logins); i++)
		ck_assert_msg(strcmp(find(&w, logins[i].login), logins[i].found) == 0, "%s: %s",
		              logins[i].login, find(&w, logins[i].login));
	world_end(&w);
}
END_TEST

/* Each row of the table in postil-names(5). */
static const struct {
	const char *login;
	bool fewer, more;
} variations[] = {
	/* first FullName: canonical, abbreviated, common */
	{ "CN=Miriam Perlmutter/OU=Sales/O=Example/C=DE", true, true },
	{ "cn=miriam perlmutter/OU=Sales/o=Example/c=de", true, true },
	{ "Miriam Perlmutter/Sales/Example/DE", true, true },
	{ "Miriam Perlmutter", true, true }, { "CN=Miriam Perlmutter", true, true },
	{ "cn = Miriam Perlmutter", true, true }, { "OU=Miriam Perlmutter", false, false },
	/* aliases: hierarchical in all forms, and flat */
	{ "CN=Mimi/O=Alias", true, true }, { "Mimi/Alias", true, true }, { "Mimi", true, true },
	{ "CN=Mimi", true, true }, { "Stra\xC3\x9F""e", true, true }, { "STRASSE", true, true },
	{ "CN=Strasse", true, true },
	/* full case folding: sharp s, dotted I, final sigma, letters and their marks */
	{ "STRA\xE1\xBA\x9E""E", true, true },
	{ "\xC4\xB0stanbul", true, true }, { "i\xCC\x87stanbul", true, true }, { "istanbul", false, false },
	{ "\xCE\xA3\xCE\x95\xCE\x9B\xCE\x91\xCE\xA3", true, true },
	{ "\xCF\x83\xCE\xB5\xCE\xBB\xCE\xB1\xCF\x83", true, true },
	{ "\xCF\x83\xCE\xB5\xCE\xBB\xCE\xB1\xCF\x82", true, true },
	{ "Caf\xC3\xA9", true, true }, { "CAFE\xCC\x81", true, true }, { "Cafe", false, false },
	{ "\xEF\xAC\x81sh", true, true }, { "FISH", true, true },
	/* Internet address */
	{ "miriam@example.com", true, true }, { "MIRIAM@Example.COM", true, true },
	{ "second@example.com", false, false }, { "miriam", false, true },
	/* short names, first name, last name, Soundex code */
	{ "mper", false, true }, { "MPER", false, true }, { "mp2", false, true }, { "CN=mper", false, true },
	{ "Miriam", false, true }, { "Perlmutter", false, true }, { "CN=Perlmutter", false, true },
	{ "P645", false, true }, { "p645", false, true }, { "P640", false, false },
	/* parts of a name, other items, near misses */
	{ "Miriam Perlmutter/Sales", false, false }, { "Miriam Perlmutter/Example", false, false },
	{ "Miriam Perlmutter/O=Sales/O=Example/C=DE", false, false },
	{ "Miriam  Perlmutter", true, true }, { "MiriamPerlmutter", false, false },
	{ "Alternate Name", false, false }, { "mper\\0m", false, false }, { "m", false, false },
	{ "Perl*", false, false }, { "*", false, false },
};

START_TEST(name_variations)
{
	world_begin(&w);
	put_file(&w, "a.dxl", HEAD "<document form='Person'><item name='FullName'><textlist>"
	         T("CN=Miriam Perlmutter/OU=Sales/O=Example/C=DE") T("Mimi/Alias") T("Stra\xC3\x9F""e")
	         T("\xC4\xB0stanbul") T("\xCE\xA3\xCE\xB5\xCE\xBB\xCE\xB1\xCF\x82") T("Cafe\xCC\x81") T("\xEF\xAC\x81sh")
	         "</textlist></item><item name='ShortName'><textlist>" T("mper") T("mp2") "</textlist></item>"
	         "<item name='FirstName'><text>Miriam</text></item><item name='LastName'><text>Perlmutter</text></item>"
	         "<item name='AltFullName'><text>CN=Alternate Name/O=Example</text></item>"
	         "<item name='InternetAddress'><textlist>" T("miriam@example.com") T("second@example.com") "</textlist></item>"
	         "</document>" TAIL);
	ck_assert_str_eq(compile(&w), "");
	for (size_t i = 0; i < sizeof(variations) / sizeof(*variations); i++)
		for (int more = 0; more < 2; more++) {
			bool found = *find_with(&w, variations[i].login, more) != '\0';

			ck_assert_msg(found == (more ? variations[i].more : variations[i].fewer), "%s, %s: %s",
			              variations[i].login, more ? "More" : "Fewer", found ? "found" : "not found");
		}
	world_end(&w);
}
END_TEST

/* Under More a name leads to all whom it names in whatever way, to each of them once. */
START_TEST(each_person_once)
{
	world_begin(&w);
	put_file(&w, "a.dxl", HEAD
	         "<document form='Person'><item name='FullName'><textlist>" T("CN=Lee/O=X") T("Lee") "</textlist></item>"
	         "<item name='ShortName'><textlist>" T("LEE") T("Lee") T("l000") "</textlist></item>"
	         "<item name='LastName'><text>Lee</text></item></document>\n"
	         "<document form='Person'><item name='FullName'><text>CN=Anna Lee/O=X</text></item>"
	         "<item name='LastName'><text>Lee</text></item></document>\n" TAIL);
	ck_assert_str_eq(compile(&w), "");
	ck_assert_str_eq(find_with(&w, "lee", false), "CN=Lee/O=X");
	ck_assert_str_eq(find_with(&w, "lee", true), "CN=Lee/O=X|CN=Anna Lee/O=X");
	ck_assert_str_eq(find_with(&w, "L000", true), "CN=Lee/O=X|CN=Anna Lee/O=X");
	ck_assert_str_eq(find_with(&w, "L000", false), "");
	world_end(&w);
}
END_TEST

START_TEST(hostile_logins)
{
	struct arena arena = ARENA_INIT;
	const struct person *persons;
	char longest[10000];
	size_t count;

	memset(longest, 'a', sizeof(longest));
	world_begin(&w);
	put_file(&w, "a.dxl", people);
	compile(&w);
	ck_assert_int_eq(directory_find_login(w.directory, (struct slice){ "jada\0x", 6 }, false, 8, &arena, &persons,
	                 &count), POSTIL_ERR_INVALID);
	ck_assert_int_eq(directory_find_login(w.directory, (struct slice){ longest, sizeof(longest) },
	                 true, 8, &arena, &persons, &count), POSTIL_ERR_INVALID);
	ck_assert_int_eq(directory_find_login(w.directory, (struct slice){ longest, 1024 }, true, 8, &arena,
	                 &persons, &count), NOERROR);
	ck_assert_uint_eq(count, 0);
	arena_release(&arena);
	world_end(&w);
}
END_TEST

START_TEST(all_of_a_person)
{
	struct arena arena = ARENA_INIT;
	const struct person *p;
	size_t count;

	world_begin(&w);
	put_file(&w, "a.dxl", people);
	compile(&w);
	ck_assert_int_eq(directory_find_login(w.directory, SLICE_LIT("jada correr/other"), false, 8, &arena, &p, &count), NOERROR);
	ck_assert_uint_eq(count, 1);
	ck_assert(slice_equal(p->name, SLICE_LIT("CN=Jada Correr/O=Other")));
	ck_assert(slice_equal(p->mail_server, SLICE_LIT("CN=mail/O=Other")));
	ck_assert(slice_equal(p->mail_file, SLICE_LIT("mail\\jc2")));
	ck_assert_uint_eq(p->internet_address.n, 0);
	ck_assert_uint_eq(p->password_count, 2);
	ck_assert(slice_equal(p->passwords[0], SLICE_LIT(HASH1)));
	ck_assert(slice_equal(p->passwords[1], SLICE_LIT("(GNBpcGJRYpBe9orUOpmZ)")));
	ck_assert_uint_eq(p->unid.octets[15], 4);
	arena_release(&arena);
	world_end(&w);
}
END_TEST

START_TEST(recipients)
{
	struct arena arena = ARENA_INIT;
	const struct person *p;

	world_begin(&w);
	put_file(&w, "a.dxl", people);
	compile(&w);
	ck_assert_int_eq(directory_find_recipient(w.directory, SLICE_LIT("ASA@example.com"), &arena, &p), NOERROR);
	ck_assert(slice_equal(p->internet_address, SLICE_LIT("asa@example.com")));
	ck_assert_int_eq(directory_find_recipient(w.directory, SLICE_LIT("shop@example.com"), &arena, &p), NOERROR);
	ck_assert(slice_equal(p->mail_file, SLICE_LIT("mail/shop")));
	ck_assert_int_eq(directory_find_recipient(w.directory, SLICE_LIT("jada"), &arena, &p), NOERROR);
	ck_assert_int_eq(directory_find_recipient(w.directory, SLICE_LIT("Jada Correr"), &arena, &p), POSTIL_ERR_AMBIGUOUS);
	ck_assert_int_eq(directory_find_recipient(w.directory, SLICE_LIT("nobody@example.com"), &arena, &p), POSTIL_ERR_NOT_FOUND);
	ck_assert_int_eq(directory_find_recipient(w.directory, SLICE_LIT(""), &arena, &p), POSTIL_ERR_INVALID);
	arena_release(&arena);
	world_end(&w);
}
END_TEST

START_TEST(more_matches_than_allowed)
{
	struct buf xml = BUF_INIT;

	world_begin(&w);
	for (int persons = DIRECTORY_MATCHES_DEFAULT; persons <= DIRECTORY_MATCHES_DEFAULT + 1; persons++) {
		buf_clear(&xml);
		buf_add_str(&xml, HEAD);
		for (int i = 0; i < persons; i++)
			buf_addf(&xml, "<document form='Person'><item name='FullName'><textlist><text>CN=A/OU=U%d/O=X</text>"
			         "</textlist></item></document>\n", i);
		buf_add_str(&xml, TAIL);
		put_file(&w, "a.dxl", buf_cstr(&xml));
		ck_assert_str_eq(compile(&w), "");
		if (persons == DIRECTORY_MATCHES_DEFAULT)
			ck_assert_int_eq(strncmp(find(&w, "a"), "CN=A/OU=U0/O=X|CN=A/OU=U1/O=X|", 30), 0);
		else
			ck_assert_str_eq(find(&w, "a"), "error 3d0e");
		ck_assert_str_eq(find(&w, "a/u3/x"), "CN=A/OU=U3/O=X");
	}
	buf_release(&xml);
	world_end(&w);
}
END_TEST

#define SERVER(items) HEAD "<document form='Server'><item name='ServerName'><text>CN=mail/O=Example</text></item>" \
	items "</document>" TAIL
#define TEXT(name, value) "<item name='" name "'><text>" value "</text></item>"
#define NUMBER(name, value) "<item name='" name "'><number>" value "</number></item>"

static const struct {
	const char *dxl;
	struct pop3_settings s;
} servers[] = {
	{ SERVER(""), { true, 110, 995, true, false, true, true, false, false, false, false, { "", 0 } } },
	{ SERVER(NUMBER("POP3_Port", "8110") TEXT("POP3_PortStatus", "2") TEXT("POP3_TCPNP", "0")
	         NUMBER("POP3_SSLPort", "8995") TEXT("POP3_SSLStatus", "1") TEXT("POP3_SSLNP", "No")
	         TEXT("POP3_SSLCert", "Yes") TEXT("POP3_EnforceAccess", "1") TEXT("LdISite", "1")
	         TEXT("SMTPFullHostDomain", "mail.example.com")),
	  { true, 8110, 8995, false, true, false, false, true, true, false, true, { "mail.example.com", 16 } } },
	{ SERVER(TEXT("pop3_PORT", " 8110 ") TEXT("POP3_PORTSTATUS", "ENABLED") TEXT("POP3_SSLStatus", "Disabled")
	         NUMBER("POP3_EnforceAccess", "1") TEXT("InternetAuthentication", "More name variations with lower security")),
	  { true, 8110, 995, true, false, true, true, false, true, true, false, { "", 0 } } },
	{ SERVER(TEXT("POP3_Port", "") TEXT("POP3_TCPPort", "2110") TEXT("POP3_PortStatus", "perhaps")
	         TEXT("POP3_SSLPort", "70000") TEXT("InternetAuthentication", "0")),
	  { true, 2110, 995, true, false, true, true, false, false, false, false, { "", 0 } } },
	{ HEAD TAIL, { false, 110, 995, true, false, true, true, false, false, false, false, { "", 0 } } },
};

START_TEST(server_settings)
{
	static const char *const names[] = { "CN=mail/O=Example", "mail/example", "MAIL" };

	for (size_t i = 0; i < sizeof(servers) / sizeof(*servers); i++) {
		world_begin(&w);
		put_file(&w, "s.dxl", servers[i].dxl);
		compile(&w);
		for (size_t j = 0; j < sizeof(names) / sizeof(*names); j++) {
			const struct pop3_settings *e = &servers[i].s;
			struct arena arena = ARENA_INIT;
			struct pop3_settings s;

			ck_assert_int_eq(directory_pop3_settings(w.directory, slice_of(names[j]), &arena, &s), NOERROR);
			ck_assert_msg(s.found == e->found && s.port == e->port && s.tls_port == e->tls_port &&
			              s.port_enabled == e->port_enabled && s.tls_port_enabled == e->tls_port_enabled &&
			              s.name_and_password == e->name_and_password &&
			              s.tls_name_and_password == e->tls_name_and_password &&
			              s.client_certificate == e->client_certificate &&
			              s.enforce_access == e->enforce_access &&
			              s.more_name_variations == e->more_name_variations &&
			              s.internet_sites == e->internet_sites &&
			              slice_equal(s.host_name, e->host_name), "case %zu name %zu", i, j);
			arena_release(&arena);
		}
		world_end(&w);
	}
}
END_TEST

static STATUS note_form(void *context, const struct note *note, const char *file)
{
	struct buf *out = context;

	buf_add_slice(out, note_text(note, "Form"));
	buf_addf(out, " %s;", file);
	return NOERROR;
}

START_TEST(documents_by_name)
{
	struct buf out = BUF_INIT;

	world_begin(&w);
	put_file(&w, "a.dxl", people);
	put_file(&w, "s.dxl", SERVER(""));
	compile(&w);
	ck_assert_int_eq(directory_each_document(w.directory, SLICE_LIT("jada correr"), note_form, &out), NOERROR);
	ck_assert_int_eq(directory_each_document(w.directory, SLICE_LIT("mail/example"), note_form, &out), NOERROR);
	ck_assert_int_eq(directory_each_document(w.directory, SLICE_LIT("staff"), note_form, &out), NOERROR);
	ck_assert_int_eq(directory_each_document(w.directory, SLICE_LIT("nobody"), note_form, &out), NOERROR);
	ck_assert_str_eq(buf_cstr(&out), "Person a.dxl;Person a.dxl;Server s.dxl;Group a.dxl;");
	buf_release(&out);
	world_end(&w);
}
END_TEST

static atomic_bool stop_asking;
static atomic_uint asked, wrong;

static void *ask(void *argument)
{
	while (!atomic_load(&stop_asking)) {
		struct arena arena = ARENA_INIT;
		const struct person *persons;
		size_t count = 0;
		STATUS status = directory_find_login(w.directory, SLICE_LIT("asa@example.com"), false, 1, &arena,
		                                     &persons, &count);

		/* the directory may be gone for a moment, but is never half there */
		if (status == NOERROR ? count != 1 || !slice_equal(persons->internet_address,
		    SLICE_LIT("asa@example.com")) : status != POSTIL_ERR_NOEXIST && status != POSTIL_ERR_BUSY)
			atomic_fetch_add(&wrong, 1);
		directory_generation(w.directory);
		arena_release(&arena);
		atomic_fetch_add(&asked, 1);
	}
	return NULL;
}

START_TEST(many_threads_while_it_changes)
{
	pthread_t threads[6];

	world_begin(&w);
	put_file(&w, "a.dxl", people);
	compile(&w);
	for (size_t i = 0; i < 6; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, ask, NULL), 0);
	for (unsigned i = 0; i < 20; i++) {
		unsigned before = atomic_load(&asked);

		put_file(&w, "b.dxl", i % 2 == 0 ? SERVER("") : HEAD TAIL);
		compile(&w);
		while (atomic_load(&asked) < before + 20)
			sched_yield();
	}
	atomic_store(&stop_asking, true);
	for (size_t i = 0; i < 6; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(atomic_load(&wrong), 0);
	directory_shrink(w.directory);
	ck_assert_str_eq(find(&w, "flat name"), "Flat Name");
	world_end(&w);
}
END_TEST

UNIT_MAIN("directory/lookup", login_names, name_variations, each_person_once, hostile_logins, all_of_a_person, recipients,
          more_matches_than_allowed, server_settings, documents_by_name, many_threads_while_it_changes)

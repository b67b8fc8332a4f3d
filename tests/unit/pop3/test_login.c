/*
 * What a login comes to, without a network: directory and mail files in memory, its jobs
 * run by hand. What a client is told, and what it costs, is shown in tests/e2e.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addin/pop3/login.h"
#include "addin/pop3/registry.h"
#include "base/crypt.h"
#include "tests/support/source_memory.h"
#include "tests/support/stores.h"
#include "tests/support/unit.h"
#include "tls/make.h"

#define SECRET "(06E0A50B579AD2CD5FFDC48564627EE7)"     /* "secret" */
#define OTHER "(355E98E7C7B59BD810ED845AD0FD2FC4)"      /* "password" */

/* Each person's mail file is there, unless the case is about that. */
#define PERSON(name, more) "Form=Person|FullName=CN=" name "/O=Acme;" name "|MailServer=mail/Acme" more "\n"
#define PERSONS \
	PERSON("Ann Lee", "|MailFile=mail/ann|HTTPPassword=" SECRET "|ShortName=alee|LastName=Lee" \
	       "|InternetAddress=ann@acme.example") \
	PERSON("Bob Ray", "|MailFile=mail\\bob.nsf|HTTPPassword=" OTHER ";" SECRET "|LastName=Ray") \
	PERSON("No Hash", "|MailFile=mail/ann") \
	PERSON("Plain", "|MailFile=mail/ann|HTTPPassword=secret") \
	PERSON("Cut", "|MailFile=mail/ann|HTTPPassword=(06E0A50B)") \
	PERSON("No File", "|HTTPPassword=" SECRET) \
	PERSON("Missing", "|MailFile=mail/missing|HTTPPassword=" SECRET) \
	PERSON("Outside", "|MailFile=../../etc/passwd|HTTPPassword=" SECRET) \
	PERSON("Eve", "|MailFile=mail/ann|HTTPPassword=" SECRET) \
	"Form=Person|FullName=CN=Away/O=Acme;Away|MailServer=other/Acme|MailFile=mail/ann|HTTPPassword=" SECRET "\n" \
	"Form=Person|FullName=CN=Here/O=Acme;Here|MailFile=mail/here|HTTPPassword=" SECRET "\n" \
	"Form=Person|FullName=CN=Two/OU=A/O=Acme|MailFile=mail/twoa|HTTPPassword=" SECRET "\n" \
	"Form=Person|FullName=CN=Two/OU=B/O=Acme|MailFile=mail/twob|HTTPPassword=" OTHER "\n" \
	"Form=Person|FullName=CN=Same/OU=A/O=Acme|MailFile=mail/same|HTTPPassword=" SECRET "\n" \
	"Form=Person|FullName=CN=Same/OU=B/O=Acme|MailFile=mail/twob|HTTPPassword=" SECRET "\n" \
	"Form=Database|FullName=Desk|MailFile=mail/ann\n" \
	"Form=Server|ServerName=CN=other/O=Acme|SMTPFullHostDomain=pop.other.example\n"
#define SERVER "Form=Server|ServerName=CN=mail/O=Acme"

static struct task task;
static char *dir;
static const char *variable, *value;    /* one of notes.ini that is set */
static struct buf logged;

static void log_line(void *context, const char *text)
{
	buf_add_str(&logged, text);
	buf_add_char(&logged, '\n');
}

static bool get(void *context, const char *name, char *out, size_t size)
{
	if (strcmp(name, "ServerName") == 0)
		snprintf(out, size, "mail/Acme");
	else if (variable != NULL && strcmp(name, variable) == 0)
		snprintf(out, size, "%s", value);
	else
		return false;
	return true;
}

static void make_mail_file(const char *path, const char *owner)
{
	ck_assert_uint_eq(task.store->calls->create(task.store, path, slice_of(owner), NULL), NOERROR);
}

static void begin_alone(const char *documents)
{
	static const struct net_penalty_options none = { 1000, 0, 60000, 16 };
	struct directory_source *source;

	dir = unit_tempdir();
	task = (struct task){ .data_dir = dir, .log = log_line };
	pthread_mutex_init(&task.mutex, NULL);
	ck_assert_uint_eq(source_memory_new(&source), NOERROR);
	ck_assert_uint_eq(source_memory_write(source, documents), NOERROR);
	ck_assert_uint_eq(directory_new(source, &task.directory), NOERROR);
	ck_assert_uint_eq(settings_read(get, NULL, task.directory, NULL, NULL, &task.settings), NOERROR);
	ck_assert_uint_eq(store_memory_new(&task.store), NOERROR);
	ck_assert_uint_eq(passcache_new(64, 60, &task.passcache), NOERROR);
	ck_assert_uint_eq(registry_new(&task.registry), NOERROR);
	ck_assert_uint_eq(lockout_open(dir, &task.lockout, NULL), NOERROR);
	ck_assert_uint_eq(net_penalty_new(&none, &task.penalty), NOERROR);
	make_mail_file("mail/ann.nsf", "CN=Ann Lee/O=Acme");
	make_mail_file("mail/bob.nsf", "CN=Bob Ray/O=Acme");
	make_mail_file("mail/here.nsf", "CN=Here/O=Acme");
	make_mail_file("mail/twoa.nsf", "");
	make_mail_file("mail/twob.nsf", "");
	make_mail_file("mail/same.nsf", "CN=Same/OU=A/O=Acme");
}

static void begin(const char *documents)
{
	struct buf all = BUF_INIT;

	buf_add_str(&all, PERSONS);
	buf_add_str(&all, documents);
	begin_alone(buf_cstr(&all));
	buf_release(&all);
}

static void end(void)
{
	task.store->calls->free(&task.store);
	registry_free(&task.registry);
	passcache_free(&task.passcache);
	lockout_close(&task.lockout);
	net_penalty_free(&task.penalty);
	directory_close(&task.directory);
	settings_release(&task.settings);
	pthread_mutex_destroy(&task.mutex);
	unit_tempdir_remove(&dir);
	buf_release(&logged);
	variable = NULL;
}

/* To its end; how often a hash was asked for in *hashes_r (may be NULL). */
static struct login *run_from(const struct login_origin *origin,
                              const struct pop3_credentials *credentials, unsigned *hashes_r)
{
	struct login *login;
	unsigned hashes = 0;

	ck_assert_uint_eq(login_new(&task, task.settings, origin, credentials, &login), NOERROR);
	while (login_step(login) != LOGIN_DONE) {
		struct net_job job;

		login_job(login, &job);
		hashes += job.class == NET_JOB_HASH;
		ck_assert_ptr_eq(job.context, login);
		ck_assert_uint_eq(job.run(job.context), NOERROR);
	}
	if (hashes_r != NULL)
		*hashes_r = hashes;
	return login;
}

static struct login *run(const char *name, const char *password, const char *as, unsigned *hashes_r)
{
	struct pop3_credentials credentials = { .name = slice_of(name), .password = slice_of(password),
		.authorization = slice_of(as), .mechanism = as[0] == '\0' ? POP3_MECHANISM_USER
		: POP3_MECHANISM_PLAIN };
	struct login_origin origin = { .address = "192.0.2.1", .conn_id = 7, .way = ENTRY_PASSWORD };

	return run_from(&origin, &credentials, hashes_r);
}

static enum pop3_login_result result_of(const char *name, const char *password)
{
	struct login *login = run(name, password, "", NULL);
	enum pop3_login_result result = login_result(login);

	login_free(&login);
	return result;
}

/* --- what it comes to ---------------------------------------------------------------------- */

static const struct {
	const char *name, *password;
	enum pop3_login_result result;
	const char *shown, *reason;     /* reason: a part of it, or NULL */
} cases[] = {
	{ "Ann Lee", "secret", POP3_LOGIN_OK, "Ann Lee/Acme", NULL },
	{ "ann@ACME.example", "secret", POP3_LOGIN_OK, "Ann Lee/Acme", NULL },
	{ "Bob Ray", "secret", POP3_LOGIN_OK, "Bob Ray/Acme", NULL },
	{ "Bob Ray", "password", POP3_LOGIN_OK, "Bob Ray/Acme", NULL },
	{ "Here", "secret", POP3_LOGIN_OK, "Here/Acme", NULL },
	{ "Two", "secret", POP3_LOGIN_OK, "Two/A/Acme", NULL },
	{ "Two", "password", POP3_LOGIN_OK, "Two/B/Acme", NULL },
	{ "Two", "neither", POP3_LOGIN_REFUSED, "Two", NULL },
	{ "Same", "secret", POP3_LOGIN_REFUSED, "Same", NULL },
	{ "Same/A/Acme", "secret", POP3_LOGIN_OK, "Same/A/Acme", NULL },
	{ "Ann Lee", "Secret", POP3_LOGIN_REFUSED, "Ann Lee", NULL },
	{ "Ann Lee", "", POP3_LOGIN_REFUSED, "Ann Lee", NULL },
	{ "No Hash", "", POP3_LOGIN_REFUSED, "No Hash", NULL },
	{ "Plain", "secret", POP3_LOGIN_REFUSED, "Plain", NULL },
	{ "Cut", "secret", POP3_LOGIN_REFUSED, "Cut", NULL },
	{ "Desk", "secret", POP3_LOGIN_REFUSED, "Desk", NULL },
	{ "alee", "secret", POP3_LOGIN_REFUSED, "alee", NULL },
	{ "nobody", "secret", POP3_LOGIN_REFUSED, "nobody", NULL },
	{ "No File", "secret", POP3_LOGIN_NO_MAILFILE, "No File/Acme", "has no MailFile" },
	{ "Missing", "secret", POP3_LOGIN_NO_MAILFILE, "Missing/Acme", "no mail file mail/missing.nsf" },
	{ "Outside", "secret", POP3_LOGIN_NO_MAILFILE, "Outside/Acme", "leads upwards" },
	{ "Away", "secret", POP3_LOGIN_WRONG_SERVER, "Away/Acme", "is CN=other/O=Acme" },
	{ "Eve", "secret", POP3_LOGIN_NO_RIGHTS, "Eve/Acme", "access control list of mail/ann.nsf" },
	{ "Eve", "wrong", POP3_LOGIN_REFUSED, "Eve", NULL },
};

START_TEST(what_it_comes_to)
{
	begin("");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct login *login = run(cases[i].name, cases[i].password, "", NULL);
		const char *reason = login_reason(login);
		struct buf shown = BUF_INIT;

		login_shown_name(login, &shown);
		ck_assert_msg(login_result(login) == cases[i].result, "%s, %s: %d", cases[i].name,
		              cases[i].password, (int)login_result(login));
		ck_assert_str_eq(buf_cstr(&shown), cases[i].shown);
		ck_assert_msg((reason == NULL) == (cases[i].reason == NULL) &&
		              (reason == NULL || strstr(reason, cases[i].reason) != NULL), "%s: %s",
		              cases[i].name, reason);
		ck_assert_ptr_null(login_referral(login));
		buf_release(&shown);
		login_free(&login);
	}
	end();
}
END_TEST

START_TEST(more_name_variations)
{
	begin(SERVER "|InternetAuthentication=More\n");
	ck_assert_int_eq(result_of("alee", "secret"), POP3_LOGIN_OK);
	ck_assert_int_eq(result_of("ray", "secret"), POP3_LOGIN_OK);
	ck_assert_int_eq(result_of("L000", "secret"), POP3_LOGIN_OK);
	end();
}
END_TEST

START_TEST(access_lists)
{
	struct login *login;

	begin(SERVER "|POP3_EnforceAccess=1|AllowAccess=Staff\n"
	      "Form=Group|ListName=Staff|Members=Ann Lee/Acme;Away/Acme\n");
	ck_assert_int_eq(result_of("Ann Lee", "secret"), POP3_LOGIN_OK);
	ck_assert_int_eq(result_of("Bob Ray", "wrong"), POP3_LOGIN_REFUSED);
	ck_assert_int_eq(result_of("Away", "secret"), POP3_LOGIN_WRONG_SERVER);
	login = run("Bob Ray", "secret", "", NULL);
	ck_assert_int_eq(login_result(login), POP3_LOGIN_NO_ACCESS);
	ck_assert_ptr_nonnull(strstr(login_reason(login), "names others and not this person"));
	login_free(&login);
	end();
}
END_TEST

/* A group in the mail file's list lets its members in. */
START_TEST(groups_in_the_mail_file)
{
	struct acl_entry entries[] = { { SLICE_LIT("Team"), ACL_READER, 0 } };
	struct arena arena = ARENA_INIT;
	struct acl acl;

	begin("Form=Group|ListName=Team|Members=Inner\nForm=Group|ListName=Inner|Members=Eve/Acme\n");
	ck_assert_uint_eq(acl_default(SLICE_LIT("CN=Ann Lee/O=Acme"), &arena, &acl), NOERROR);
	ck_assert_uint_eq(acl_set(&acl, &arena, &entries[0]), NOERROR);
	ck_assert_uint_eq(task.store->calls->acl_set(task.store, "mail/ann.nsf", &acl, NULL), NOERROR);
	ck_assert_int_eq(result_of("Eve", "secret"), POP3_LOGIN_OK);
	arena_release(&arena);
	end();
}
END_TEST

START_TEST(referral)
{
	struct login *login;

	variable = "POP3_Referral";
	value = "1";
	begin("");
	login = run("Away", "secret", "", NULL);
	ck_assert_str_eq(login_referral(login), "pop://Away@pop.other.example");
	login_free(&login);
	login = run("Away", "wrong", "", NULL);
	ck_assert_ptr_null(login_referral(login));
	login_free(&login);
	end();
}
END_TEST

START_TEST(another_identity)
{
	struct login *login;

	begin("");
	login = run("Ann Lee", "secret", "ann@acme.example", NULL);
	ck_assert_int_eq(login_result(login), POP3_LOGIN_OK);
	login_free(&login);
	login = run("Ann Lee", "secret", "Bob Ray", NULL);
	ck_assert_int_eq(login_result(login), POP3_LOGIN_REFUSED);
	login_free(&login);
	end();
}
END_TEST

START_TEST(too_many_of_one_name)
{
	unsigned hashes;
	struct login *login;

	variable = "POP3_Max_Name_Matches";
	value = "1";
	begin("");
	login = run("Two", "secret", "", &hashes);
	ck_assert_int_eq(login_result(login), POP3_LOGIN_REFUSED);
	ck_assert_uint_eq(hashes, 1);
	ck_assert_uint_eq(login_tries(login), 1);
	login_free(&login);
	end();
}
END_TEST

START_TEST(tries_are_told)
{
	struct login *login;

	begin("");
	login = run("Two", "neither", "", NULL);
	ck_assert_uint_eq(login_tries(login), 2);
	login_free(&login);
	login = run("nobody", "x", "", NULL);
	ck_assert_uint_eq(login_tries(login), 1);
	login_free(&login);
	end();
}
END_TEST

/* A known password needs no hash, a changed one does. */
START_TEST(cache)
{
	unsigned hashes;
	struct login *login;

	begin("");
	for (unsigned i = 0; i < 3; i++) {
		login = run("Ann Lee", "secret", "", &hashes);
		ck_assert_int_eq(login_result(login), POP3_LOGIN_OK);
		ck_assert_uint_eq(hashes, i == 0);
		login_free(&login);
	}
	login = run("Ann Lee", "secre", "", &hashes);
	ck_assert_uint_eq(hashes, 1);
	login_free(&login);
	end();
}
END_TEST

START_TEST(lockout_holds)
{
	struct login *login;

	begin("Form=ServerConfig|ServerName=*|ILEnforce=1|ILMaxTries=2\n");
	ck_assert_int_eq(result_of("Ann Lee", "wrong"), POP3_LOGIN_REFUSED);
	ck_assert_int_eq(result_of("ann@acme.example", "wrong"), POP3_LOGIN_REFUSED);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&logged), "locked out after 2 failed logins"));
	login = run("Ann Lee/Acme", "secret", "", NULL);
	ck_assert_int_eq(login_result(login), POP3_LOGIN_REFUSED);
	ck_assert_int_eq(login_lock(login), LOGIN_PERSON_LOCKED);
	login_free(&login);
	ck_assert_int_eq(result_of("Bob Ray", "secret"), POP3_LOGIN_OK);
	ck_assert_uint_eq(lockout_unlock(task.lockout, LOCKOUT_PERSON, SLICE_LIT("Ann Lee/Acme")), NOERROR);
	ck_assert_int_eq(result_of("Ann Lee", "secret"), POP3_LOGIN_OK);
	end();
}
END_TEST

START_TEST(limit_of_sessions)
{
	struct login *first, *second;

	variable = "POP3_Max_Sessions_Per_User";
	value = "1";
	begin("");
	first = run("Ann Lee", "secret", "", NULL);
	ck_assert_int_eq(login_result(first), POP3_LOGIN_OK);
	second = run("Ann Lee", "secret", "", NULL);
	ck_assert_int_eq(login_result(second), POP3_LOGIN_LIMIT);
	login_free(&second);
	login_free(&first);
	ck_assert_int_eq(result_of("Ann Lee", "secret"), POP3_LOGIN_OK);
	end();
}
END_TEST

START_TEST(fingerprints)
{
	struct login *a, *b, *c;

	begin("");
	a = run("nobody", "x", "", NULL);
	b = run("nobody", "x", "", NULL);
	c = run("nobod", "yx", "", NULL);
	ck_assert(login_fingerprint(a) == login_fingerprint(b) && login_fingerprint(a) != 0);
	ck_assert(login_fingerprint(a) != login_fingerprint(c));
	login_free(&a);
	login_free(&b);
	login_free(&c);
	end();
}
END_TEST

/* --- certificates ---------------------------------------------------------------------------- */

enum whose { NONE, ANNS, BOBS, ANNS_OLD, NAMELESS, BY_ADDRESS, UNKNOWN, TWINS, WHOSE };

/* A certificate of itself: whether it may be trusted was the handshake's question. */
static void make_certificate(const char *const *subject, size_t count, const char *address,
                             struct buf *der)
{
	struct tls_make make = { .use = TLS_USE_CLIENT, .subject = subject, .subject_count = count,
		.addresses = &address, .address_count = address != NULL, .not_before = 1700000000,
		.not_after = 2000000000 };
	struct tls_identity *identity;

	ck_assert_uint_eq(tls_make(&make, &identity, NULL), NOERROR);
	ck_assert_uint_eq(tls_identity_der(identity, der), NOERROR);
	tls_identity_free(&identity);
}

static struct buf certificates[WHOSE];
static struct tls_peer peers[WHOSE];
static struct arena peer_arena;

static void make_certificates(void)
{
	static const char *const ann[] = { "C", "US", "O", "Acme", "CN", "Ann Lee" };
	static const char *const bob[] = { "CN", "Bob Ray" };
	static const char *const none[] = { "O", "Acme" }, *const other[] = { "CN", "Some Body" };
	static const char *const twin[] = { "CN", "Twin" };

	make_certificate(ann + 2, 4, NULL, &certificates[ANNS]);
	make_certificate(bob, 2, NULL, &certificates[BOBS]);
	make_certificate(ann + 2, 4, NULL, &certificates[ANNS_OLD]);
	make_certificate(none, 2, NULL, &certificates[NAMELESS]);
	make_certificate(other, 2, "ann@acme.example", &certificates[BY_ADDRESS]);
	make_certificate(other, 2, NULL, &certificates[UNKNOWN]);
	make_certificate(twin, 2, NULL, &certificates[TWINS]);
	for (int i = ANNS; i < WHOSE; i++)
		ck_assert_uint_eq(tls_peer_read(buf_slice(&certificates[i]), &peer_arena, &peers[i]),
		                  NOERROR);
}

static void forget_certificates(void)
{
	for (int i = 0; i < WHOSE; i++)
		buf_release(&certificates[i]);
	arena_release(&peer_arena);
}

static void add_certificate(struct buf *documents, const char *document, enum whose whose)
{
	buf_add_str(documents, document);
	buf_add_str(documents, "|UserCertificate=");
	base64_encode(buf_slice(&certificates[whose]), documents);
	buf_add_char(documents, '\n');
}

/* Persons with certificates beside those that have none; Holder has Ann's address. */
static void begin_with_certificates(void)
{
	struct buf documents = BUF_INIT;

	make_certificates();
	add_certificate(&documents, "Form=Person|FullName=CN=Ann Lee/O=Acme;Ann|MailServer=mail/Acme"
	                "|MailFile=mail/ann|HTTPPassword=" SECRET, ANNS);
	add_certificate(&documents, "Form=Person|FullName=CN=Bob Ray/O=Acme;Bob Ray|MailServer=mail/Acme"
	                "|MailFile=mail/bob|HTTPPassword=" OTHER, BOBS);
	add_certificate(&documents, "Form=Person|FullName=CN=Holder/O=Acme|InternetAddress="
	                "ann@acme.example|MailServer=mail/Acme|MailFile=mail/twob", BY_ADDRESS);
	add_certificate(&documents, "Form=Person|FullName=CN=Twin/OU=A/O=Acme;Twin|MailFile=mail/twoa", TWINS);
	add_certificate(&documents, "Form=Person|FullName=CN=Twin/OU=B/O=Acme;Twin|MailFile=mail/twoa", TWINS);
	begin_alone(buf_cstr(&documents));
	buf_release(&documents);
}

static const struct {
	enum entry_way way;
	enum whose whose;
	enum pop3_mechanism mechanism;
	const char *name, *password, *as;
	enum pop3_login_result result;
	const char *shown;
	const char *trouble;            /* a part of it, or NULL */
} by_certificate[] = {
	{ ENTRY_CERTIFICATE, ANNS, POP3_MECHANISM_EXTERNAL, "", "", "", POP3_LOGIN_OK, "Ann Lee/Acme", NULL },
	{ ENTRY_CERTIFICATE, ANNS, POP3_MECHANISM_EXTERNAL, "", "", "Ann", POP3_LOGIN_OK, "Ann Lee/Acme", NULL },
	{ ENTRY_CERTIFICATE, ANNS, POP3_MECHANISM_EXTERNAL, "", "", "Bob Ray", POP3_LOGIN_REFUSED,
	  "CN=Ann Lee,O=Acme", "not that of its client certificate" },
	{ ENTRY_CERTIFICATE, ANNS, POP3_MECHANISM_USER, "Ann", "anything", "", POP3_LOGIN_OK, "Ann Lee/Acme", NULL },
	{ ENTRY_CERTIFICATE, ANNS, POP3_MECHANISM_USER, "Bob Ray", "password", "", POP3_LOGIN_REFUSED,
	  "Bob Ray", "is that of CN=Ann Lee/O=Acme" },
	{ ENTRY_CERTIFICATE, ANNS, POP3_MECHANISM_PLAIN, "Ann", "secret", "", POP3_LOGIN_REFUSED, "Ann", NULL },
	{ ENTRY_CERTIFICATE, NONE, POP3_MECHANISM_USER, "Ann", "secret", "", POP3_LOGIN_REFUSED, "Ann", NULL },
	{ ENTRY_CERTIFICATE, BOBS, POP3_MECHANISM_EXTERNAL, "", "", "", POP3_LOGIN_OK, "Bob Ray/Acme", NULL },
	{ ENTRY_CERTIFICATE, ANNS_OLD, POP3_MECHANISM_EXTERNAL, "", "", "", POP3_LOGIN_REFUSED,
	  "CN=Ann Lee,O=Acme", "no person of its name has its key" },
	{ ENTRY_CERTIFICATE, NAMELESS, POP3_MECHANISM_EXTERNAL, "", "", "", POP3_LOGIN_REFUSED, "O=Acme",
	  "no usable name" },
	{ ENTRY_CERTIFICATE, UNKNOWN, POP3_MECHANISM_USER, "Ann", "secret", "", POP3_LOGIN_REFUSED, "Ann",
	  "no person has its name" },
	{ ENTRY_CERTIFICATE, BY_ADDRESS, POP3_MECHANISM_EXTERNAL, "", "", "", POP3_LOGIN_REFUSED,
	  "CN=Some Body", "no person has its name" },
	{ ENTRY_CERTIFICATE, TWINS, POP3_MECHANISM_EXTERNAL, "", "", "", POP3_LOGIN_REFUSED, "CN=Twin",
	  "several persons" },
	{ ENTRY_BOTH, ANNS, POP3_MECHANISM_USER, "Ann", "secret", "", POP3_LOGIN_OK, "Ann Lee/Acme", NULL },
	{ ENTRY_BOTH, ANNS, POP3_MECHANISM_PLAIN, "Ann", "secret", "", POP3_LOGIN_OK, "Ann Lee/Acme", NULL },
	{ ENTRY_BOTH, ANNS, POP3_MECHANISM_USER, "Ann", "wrong", "", POP3_LOGIN_REFUSED, "Ann", NULL },
	{ ENTRY_BOTH, BOBS, POP3_MECHANISM_USER, "Ann", "secret", "", POP3_LOGIN_REFUSED, "Ann",
	  "is that of CN=Bob Ray/O=Acme" },
	{ ENTRY_BOTH, BOBS, POP3_MECHANISM_USER, "Ann", "secret", "", POP3_LOGIN_REFUSED, "Ann",
	  "is that of CN=Bob Ray/O=Acme" },    /* the password is known to the cache now */
	{ ENTRY_BOTH, UNKNOWN, POP3_MECHANISM_USER, "Ann", "secret", "", POP3_LOGIN_REFUSED, "Ann",
	  "no person has its name" },
	{ ENTRY_BOTH, NONE, POP3_MECHANISM_USER, "Ann", "secret", "", POP3_LOGIN_REFUSED, "Ann", NULL },
	{ ENTRY_BOTH, ANNS, POP3_MECHANISM_EXTERNAL, "", "", "", POP3_LOGIN_REFUSED, "CN=Ann Lee,O=Acme", NULL },
	{ ENTRY_PASSWORD, NONE, POP3_MECHANISM_EXTERNAL, "", "", "", POP3_LOGIN_REFUSED, "", NULL },
};

static struct login *run_case(size_t i, unsigned *hashes_r)
{
	struct pop3_credentials credentials = { slice_of(by_certificate[i].name),
		slice_of(by_certificate[i].password), slice_of(by_certificate[i].as),
		by_certificate[i].mechanism };
	struct login_origin origin = { .address = "192.0.2.1", .conn_id = 7, .way = by_certificate[i].way };

	if (by_certificate[i].whose != NONE)
		origin.peer = &peers[by_certificate[i].whose];
	return run_from(&origin, &credentials, hashes_r);
}

START_TEST(certificates_and_passwords)
{
	begin_with_certificates();
	for (size_t i = 0; i < sizeof(by_certificate) / sizeof(by_certificate[0]); i++) {
		unsigned hashes = 0;
		struct login *login = run_case(i, &hashes);
		const char *trouble = login_certificate_trouble(login);
		struct buf shown = BUF_INIT;

		login_shown_name(login, &shown);
		ck_assert_msg(login_result(login) == by_certificate[i].result, "case %zu: %d", i,
		              (int)login_result(login));
		ck_assert_msg(strcmp(buf_cstr(&shown), by_certificate[i].shown) == 0, "case %zu: %s", i,
		              buf_cstr(&shown));
		ck_assert_msg(by_certificate[i].trouble == NULL ? trouble == NULL : trouble != NULL &&
		              strstr(trouble, by_certificate[i].trouble) != NULL, "case %zu: %s", i, trouble);
		ck_assert_msg(by_certificate[i].way != ENTRY_CERTIFICATE || hashes == 0, "case %zu", i);
		buf_release(&shown);
		login_free(&login);
	}
	end();
	forget_certificates();
}
END_TEST

/* More persons of one name than are looked at: nobody's, and the log says why. */
START_TEST(a_crowd_of_one_name)
{
	struct pop3_credentials external = { .mechanism = POP3_MECHANISM_EXTERNAL };
	struct login_origin origin = { .address = "192.0.2.1", .conn_id = 7, .way = ENTRY_CERTIFICATE };
	struct buf documents = BUF_INIT;
	struct login *login;

	make_certificates();
	for (int i = 0; i <= DIRECTORY_MATCHES_MAX; i++)
		buf_addf(&documents, "Form=Person|FullName=CN=Twin/OU=%d/O=Acme;Twin|MailFile=mail/ann\n", i);
	begin_alone(buf_cstr(&documents));
	origin.peer = &peers[TWINS];
	login = run_from(&origin, &external, NULL);
	ck_assert_int_eq(login_result(login), POP3_LOGIN_REFUSED);
	ck_assert_ptr_nonnull(strstr(login_certificate_trouble(login), "more persons have its name"));
	login_free(&login);
	end();
	buf_release(&documents);
	forget_certificates();
}
END_TEST

/* Tries by certificate are told apart by it, so that penalties grow. */
START_TEST(certificates_in_fingerprints)
{
	static const enum whose whose[] = { UNKNOWN, UNKNOWN, ANNS_OLD };
	struct pop3_credentials external = { .mechanism = POP3_MECHANISM_EXTERNAL };
	struct login_origin origin = { .address = "192.0.2.1", .conn_id = 7, .way = ENTRY_CERTIFICATE };
	uint64_t prints[4];
	struct login *login;

	begin_with_certificates();
	for (size_t i = 0; i < 4; i++) {
		origin.peer = &peers[whose[i % 3]];
		external.authorization = slice_of(i == 3 ? "Ann" : "");
		login = run_from(&origin, &external, NULL);
		prints[i] = login_fingerprint(login);
		login_free(&login);
	}
	ck_assert(prints[0] == prints[1] && prints[0] != prints[2] && prints[0] != prints[3]);
	end();
	forget_certificates();
}
END_TEST

/* Where switched on, an address stands for the name; the key must be the person's all the same. */
START_TEST(address_for_a_name)
{
	struct pop3_credentials external = { .mechanism = POP3_MECHANISM_EXTERNAL };
	struct login_origin origin = { .address = "192.0.2.1", .conn_id = 7, .way = ENTRY_CERTIFICATE };
	struct login *login;

	variable = "POP3_TLS_Address_Names";
	value = "1";
	begin_with_certificates();
	origin.peer = &peers[BY_ADDRESS];
	login = run_from(&origin, &external, NULL);
	ck_assert_int_eq(login_result(login), POP3_LOGIN_OK);
	login_free(&login);
	peers[BY_ADDRESS].public_key = peers[UNKNOWN].public_key;
	login = run_from(&origin, &external, NULL);
	ck_assert_int_eq(login_result(login), POP3_LOGIN_REFUSED);
	login_free(&login);
	end();
	forget_certificates();
}
END_TEST

/* With somebody else's certificate a right password counts as a wrong one: who tries finds
 * out nothing, not even by how soon the person is locked out. */
START_TEST(right_password_of_another_counts)
{
	struct pop3_credentials right = { SLICE_LIT("Ann"), SLICE_LIT("secret"), { NULL, 0 },
		POP3_MECHANISM_USER };
	struct login_origin origin = { .address = "192.0.2.1", .conn_id = 7, .way = ENTRY_BOTH };
	struct login *login;

	begin_with_certificates();
	task.settings->lockout = (struct lockout_rules){ .enforce = true, .max_tries = 3 };
	origin.peer = &peers[BOBS];
	for (int i = 0; i < 4; i++) {
		login = run_from(&origin, &right, NULL);
		ck_assert_int_eq(login_result(login), POP3_LOGIN_REFUSED);
		ck_assert_int_eq(login_lock(login), i < 3 ? LOGIN_NOT_LOCKED : LOGIN_PERSON_LOCKED);
		login_free(&login);
	}
	origin.peer = &peers[ANNS];
	login = run_from(&origin, &right, NULL);
	ck_assert_int_eq(login_result(login), POP3_LOGIN_REFUSED);
	login_free(&login);
	end();
	forget_certificates();
}
END_TEST

UNIT_MAIN("login", what_it_comes_to, more_name_variations, access_lists, groups_in_the_mail_file,
          referral, another_identity, too_many_of_one_name, tries_are_told, cache, lockout_holds,
          limit_of_sessions, fingerprints, certificates_and_passwords, a_crowd_of_one_name,
          certificates_in_fingerprints, address_for_a_name,
          right_password_of_another_counts)

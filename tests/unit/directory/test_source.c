/*
 * The contract of a source (directory/source.h): one suite, run against the compiled
 * DXL and against memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypt.h"
#include "directory/private.h"
#include "directory/source.h"
#include "tests/support/source_memory.h"
#include "tests/unit/directory/fixture.h"

enum kind { COMPILED, MEMORY, KINDS };

static struct world w;
static struct directory_source *source;
static struct arena arena;

/* text as source_memory_write takes it becomes one DXL file. */
static void dxl_items(struct buf *out, char *line)
{
	static unsigned unids = 1;
	char *rest, *item;

	buf_add_str(out, "<note class='document'>");
	if (strncmp(line, "Form=Domain|", 12) == 0)     /* nothing else tells who it is */
		buf_addf(out, "<noteinfo unid='%032X'/>", unids++);
	for (item = strtok_r(line, "|", &rest); item != NULL; item = strtok_r(NULL, "|", &rest)) {
		char *value = strchr(item, '='), *more;

		*value++ = '\0';
		buf_addf(out, "<item name='%s'><textlist>", item);
		for (value = strtok_r(value, ";", &more); value != NULL; value = strtok_r(NULL, ";", &more))
			buf_addf(out, "<text>%s</text>", value);
		buf_add_str(out, "</textlist></item>");
	}
	buf_add_str(out, "</note>\n");
}

static void put(enum kind kind, const char *text)
{
	struct buf xml = BUF_INIT;
	char *copy = strdup(text), *rest, *line;

	if (kind == MEMORY) {
		source_memory_clear(source);
		ck_assert_uint_eq(source_memory_write(source, text), NOERROR);
	} else {
		buf_add_str(&xml, HEAD);
		for (line = strtok_r(copy, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
			dxl_items(&xml, line);
		buf_add_str(&xml, TAIL);
		put_file(&w, "a.dxl", buf_cstr(&xml));
		compile(&w);
		ck_assert_uint_eq(w.report.faults, 0);
	}
	buf_release(&xml);
	free(copy);
}

static void begin(enum kind kind, const char *text)
{
	world_begin(&w);
	if (kind == MEMORY)
		ck_assert_uint_eq(source_memory_new(&source), NOERROR);
	else
		ck_assert_uint_eq(directory_source_compiled(w.dir, &source, NULL), NOERROR);
	put(kind, text);
}

static void end(void)
{
	source->calls->close(&source);
	ck_assert_ptr_null(source);
	arena_release(&arena);
	world_end(&w);
}

static struct slice key_of(const char *name)
{
	static struct buf key;

	buf_clear(&key);
	ck_assert_uint_eq(directory_key(slice_of(name), &key), NOERROR);
	return buf_slice(&key);
}

static STATUS add_user(void *context, enum directory_user_kind kind, const struct person *person)
{
	buf_addf(context, "%s%.*s%s", ((struct buf *)context)->n > 0 ? "," : "", (int)person->name.n,
	         person->name.p, kind == DIRECTORY_MAILIN ? "!" : "");
	return NOERROR;
}

static void expect_users(const char *name, bool more, const char *wanted)
{
	struct buf out = BUF_INIT;

	ck_assert_uint_eq(source->calls->users(source, key_of(name), more, &arena, add_user, &out),
	                  NOERROR);
	ck_assert_msg(strcmp(buf_cstr(&out), wanted) == 0, "%s: %s", name, buf_cstr(&out));
	buf_release(&out);
}

static STATUS add_group(void *context, const struct directory_group *group)
{
	buf_addf(context, "%s%.*s:%.*s:%d", ((struct buf *)context)->n > 0 ? "," : "",
	         (int)group->name.n, group->name.p, (int)group->key.n, group->key.p, group->type);
	return NOERROR;
}

static void expect_groups(const char *member, const char *wanted)
{
	struct buf out = BUF_INIT;

	ck_assert_uint_eq(source->calls->groups_of(source, key_of(member), add_group, &out), NOERROR);
	ck_assert_msg(strcmp(buf_cstr(&out), wanted) == 0, "%s: %s", member, buf_cstr(&out));
	buf_release(&out);
}

#define PERSONS \
	"Form=Person|FullName=CN=Ann Lee/O=Acme;Ann Lee;annie|FirstName=Ann|LastName=Lee|ShortName=alee" \
	"|InternetAddress=ann@acme.example|AltFullName=CN=Anna/O=Alt|MailServer=mail/Acme|MailFile=mail/a" \
	"|MailAddress=ann@else.example" \
	"|HTTPPassword=(06E0A50B579AD2CD5FFDC48564627EE7)\n" \
	"Form=Person|FullName=CN=Ann Ray/O=Acme|FirstName=Ann|LastName=Ray\n" \
	"Form=Database|FullName=Help Desk|InternetAddress=help@acme.example|MailFile=mail/h\n"

START_TEST(users)
{
	for (int kind = 0; kind < KINDS; kind++) {
		begin((enum kind)kind, PERSONS);
		expect_users("ann lee", false, "CN=Ann Lee/O=Acme");
		expect_users("CN=ANN LEE/O=ACME", false, "CN=Ann Lee/O=Acme");
		expect_users("annie", false, "CN=Ann Lee/O=Acme");
		expect_users("ann@acme.example", false, "CN=Ann Lee/O=Acme");
		expect_users("help desk", false, "Help Desk!");
		expect_users("alee", false, "");
		expect_users("alee", true, "CN=Ann Lee/O=Acme");
		expect_users("lee", false, "");
		expect_users("lee", true, "CN=Ann Lee/O=Acme");
		expect_users("ann", false, "");
		expect_users("ann", true, "CN=Ann Lee/O=Acme,CN=Ann Ray/O=Acme");
		expect_users("L000", true, "CN=Ann Lee/O=Acme");
		expect_users("L000", false, "");
		expect_users("nobody", true, "");
		end();
	}
}
END_TEST

static STATUS take_person(void *context, enum directory_user_kind kind, const struct person *person)
{
	*(struct person *)context = *person;
	return NOERROR;
}

START_TEST(all_of_a_person)
{
	for (int kind = 0; kind < KINDS; kind++) {
		struct person p = { 0 };

		begin((enum kind)kind, PERSONS);
		ck_assert_uint_eq(source->calls->users(source, key_of("annie"), false, &arena,
		                                       take_person, &p), NOERROR);
		ck_assert(slice_equal(p.name, SLICE_LIT("CN=Ann Lee/O=Acme")));
		ck_assert(slice_equal(p.alternate_name, SLICE_LIT("CN=Anna/O=Alt")));
		ck_assert(slice_equal(p.internet_address, SLICE_LIT("ann@acme.example")));
		ck_assert(slice_equal(p.mail_server, SLICE_LIT("CN=mail/O=Acme")));
		ck_assert(slice_equal(p.mail_file, SLICE_LIT("mail/a")));
		ck_assert(slice_equal(p.forward, SLICE_LIT("ann@else.example")));
		ck_assert_uint_eq(p.password_count, 1);
		ck_assert(slice_equal(p.passwords[0], SLICE_LIT(HASH1)));
		end();
	}
}
END_TEST

/* A certificate by its frame only: nobody looks into it here. 131 octets. */
#define FRAME "0\x81\x80"

/* A name and an address that are equal as keys stand side by side in $Users. */
#define SUBJECTS \
	"Form=Person|FullName=CN=Ann Lee/O=Acme;annie|InternetAddress=ann@acme.example" \
	"|ShortName=Bo|UserCertificate=%1$s\n" \
	"Form=Person|FullName=CN=Bo/O=Acme;ann@acme.example|LastName=annie\n" \
	"Form=Person|FullName=Ann Lee|InternetAddress=annie|UserCertificate=%1$s;%2$s\n" \
	"Form=Person|FullName=CN=Ann Lee/O=Acme|AltFullName=CN=Anna/O=Alt\n" \
	"Form=Person|FullName=CN=Cy/O=Acme|InternetAddress=;cy@acme.example\n" \
	"Form=Person|FullName=CN=Dee/O=Acme;Dee|InternetAddress=dee|LastName=Dee|ShortName=x;Dee\n" \
	"Form=Database|FullName=Desk|InternetAddress=desk@acme.example\n"

static void frame(char base64[200], char filling)
{
	char octets[131];
	struct buf text = BUF_INIT;

	memset(octets, filling, sizeof(octets));
	memcpy(octets, FRAME, 3);
	ck_assert_uint_eq(base64_encode((struct slice){ octets, sizeof(octets) }, &text), NOERROR);
	snprintf(base64, 200, "%s", buf_cstr(&text));
	buf_release(&text);
}

static STATUS add_person(void *context, enum directory_user_kind kind, const struct person *person)
{
	ck_assert_int_eq(kind, DIRECTORY_PERSON);
	buf_addf(context, "%s%.*s", ((struct buf *)context)->n > 0 ? "," : "", (int)person->name.n,
	         person->name.p);
	for (size_t i = 0; i < person->certificate_count; i++) {
		ck_assert_uint_eq(person->certificates[i].n, 131);
		ck_assert_mem_eq(person->certificates[i].p, FRAME, 3);
		buf_addf(context, "+%c", person->certificates[i].p[130]);
	}
	return NOERROR;
}

static void expect_persons(const char *name, enum directory_by by, const char *wanted)
{
	struct buf out = BUF_INIT;

	ck_assert_uint_eq(source->calls->persons(source, key_of(name), by, &arena, add_person, &out),
	                  NOERROR);
	ck_assert_msg(strcmp(buf_cstr(&out), wanted) == 0, "%s: %s", name, buf_cstr(&out));
	buf_release(&out);
}

static void begin_subjects(enum kind kind)
{
	char text[2048], a[200], b[200];

	frame(a, 'a');
	frame(b, 'b');
	snprintf(text, sizeof(text), SUBJECTS, a, b);
	begin(kind, text);
}

START_TEST(persons_by_name_or_address)
{
	for (int kind = 0; kind < KINDS; kind++) {
		begin_subjects((enum kind)kind);
		expect_persons("ann lee/acme", DIRECTORY_BY_FULL_NAME, "CN=Ann Lee/O=Acme+a,CN=Ann Lee/O=Acme");
		expect_persons("CN=ANN  LEE/O=ACME", DIRECTORY_BY_FULL_NAME,
		               "CN=Ann Lee/O=Acme+a,CN=Ann Lee/O=Acme");
		/* a common name stands for itself only, an alias for all */
		expect_persons("CN=Ann Lee", DIRECTORY_BY_FULL_NAME, "Ann Lee+a+b");
		expect_persons("annie", DIRECTORY_BY_FULL_NAME, "CN=Ann Lee/O=Acme+a");
		expect_persons("annie", DIRECTORY_BY_ADDRESS, "Ann Lee+a+b");
		expect_persons("ann@acme.example", DIRECTORY_BY_FULL_NAME, "CN=Bo/O=Acme");
		expect_persons("Ann@Acme.Example", DIRECTORY_BY_ADDRESS, "CN=Ann Lee/O=Acme+a");
		expect_persons("bo", DIRECTORY_BY_FULL_NAME, "");
		expect_persons("bo", DIRECTORY_BY_SHORT_NAME, "CN=Ann Lee/O=Acme+a");
		expect_persons("dee", DIRECTORY_BY_SHORT_NAME, "CN=Dee/O=Acme");
		expect_persons("annie", DIRECTORY_BY_SHORT_NAME, "");
		expect_persons("anna/alt", DIRECTORY_BY_FULL_NAME, "");
		expect_persons("desk", DIRECTORY_BY_FULL_NAME, "");
		expect_persons("desk@acme.example", DIRECTORY_BY_ADDRESS, "");
		expect_persons("ann lee/acme", DIRECTORY_BY_ADDRESS, "");
		/* one key is several things */
		expect_persons("dee", DIRECTORY_BY_FULL_NAME, "CN=Dee/O=Acme");
		expect_persons("dee", DIRECTORY_BY_ADDRESS, "CN=Dee/O=Acme");
		expect_persons("nobody", DIRECTORY_BY_FULL_NAME, "");
		end();
	}
}
END_TEST

/* The same above the source: who is asked by name is never found by an address. */
START_TEST(subjects_and_addresses)
{
	for (int kind = 0; kind < KINDS; kind++) {
		const struct person *persons;
		struct directory *dir;
		size_t count;

		begin_subjects((enum kind)kind);
		ck_assert_uint_eq(directory_new(source, &dir), NOERROR);
		ck_assert_uint_eq(directory_find_subject(dir, SLICE_LIT("Ann@acme.example"), &arena,
		                                         &persons, &count), NOERROR);
		ck_assert_uint_eq(count, 1);
		ck_assert(slice_equal(persons[0].name, SLICE_LIT("CN=Bo/O=Acme")));
		ck_assert_uint_eq(directory_find_address(dir, SLICE_LIT("ANN@acme.example"), &arena,
		                                         &persons, &count), NOERROR);
		ck_assert_uint_eq(count, 1);
		ck_assert(slice_equal(persons[0].name, SLICE_LIT("CN=Ann Lee/O=Acme")));
		ck_assert_uint_eq(persons[0].certificate_count, 1);
		/* the key of a name, and no address */
		ck_assert_uint_eq(directory_find_address(dir, SLICE_LIT("CN=ann@acme.example"), &arena,
		                                         &persons, &count), NOERROR);
		ck_assert_uint_eq(count, 0);
		ck_assert_uint_eq(directory_find_address(dir, SLICE_LIT("cy@acme.example"), &arena,
		                                         &persons, &count), NOERROR);
		ck_assert_uint_eq(count, 1);
		ck_assert_uint_eq(directory_find_subject(dir, SLICE_LIT(""), &arena, &persons, &count),
		                  POSTIL_ERR_INVALID);
		/* a login has no use for certificates */
		ck_assert_uint_eq(directory_find_login(dir, SLICE_LIT("annie"), false, 8, &arena,
		                                       &persons, &count), NOERROR);
		ck_assert_uint_eq(count, 2);
		ck_assert_uint_eq(persons[0].certificate_count + persons[1].certificate_count, 0);
		directory_close(&dir);
		arena_release(&arena);
		world_end(&w);
	}
}
END_TEST

START_TEST(too_many_of_a_name)
{
	struct buf text = BUF_INIT;
	const struct person *persons;
	struct directory *dir;
	size_t count = 0;

	for (int i = 0; i < DIRECTORY_MATCHES_MAX; i++)
		buf_addf(&text, "Form=Person|FullName=CN=Twin %d/O=Acme;Twin\n", i);
	begin(MEMORY, buf_cstr(&text));
	ck_assert_uint_eq(directory_new(source, &dir), NOERROR);
	ck_assert_uint_eq(directory_find_subject(dir, SLICE_LIT("twin"), &arena, &persons, &count), NOERROR);
	ck_assert_uint_eq(count, DIRECTORY_MATCHES_MAX);
	ck_assert_uint_eq(source_memory_write(source, "Form=Person|FullName=Twin\n"), NOERROR);
	ck_assert_uint_eq(directory_find_subject(dir, SLICE_LIT("twin"), &arena, &persons, &count),
	                  POSTIL_ERR_AMBIGUOUS);
	directory_close(&dir);
	arena_release(&arena);
	world_end(&w);
	buf_release(&text);
}
END_TEST

START_TEST(groups)
{
	for (int kind = 0; kind < KINDS; kind++) {
		begin((enum kind)kind, "Form=Group|ListName=Staff|GroupType=2|Members=Ann Lee/Acme;Sales\n"
		      "Form=Group|ListName=Sales|Members=*/O=Acme;staff\n");
		expect_groups("CN=Ann Lee/O=Acme", "Staff:staff:2");
		expect_groups("*/Acme", "Sales:sales:0");
		expect_groups("SALES", "Staff:staff:2");
		expect_groups("Staff", "Sales:sales:0");
		expect_groups("Ann Lee", "");
		end();
	}
}
END_TEST

static STATUS count(void *context, const struct note *note, const char *file)
{
	ck_assert_str_ne(file, "");
	++*(int *)context;
	return NOERROR;
}

static STATUS stop(void *context, const struct note *note, const char *file)
{
	return POSTIL_ERR_CANCEL;
}

START_TEST(documents)
{
	for (int kind = 0; kind < KINDS; kind++) {
		int sites = 0, servers = 0, named = 0;

		begin((enum kind)kind, "Form=POP3Site|ISiteName=a\nForm=POP3Site|ISiteName=b\n"
		      "Form=Server|ServerName=mail/Acme\nForm=Group|ListName=mail/Acme\n");
		ck_assert_uint_eq(source->calls->documents(source, "POP3Site", count, &sites), NOERROR);
		ck_assert_uint_eq(source->calls->documents(source, "server", count, &servers), NOERROR);
		ck_assert_uint_eq(source->calls->named(source, key_of("CN=MAIL/O=Acme"), count, &named),
		                  NOERROR);
		ck_assert_int_eq(sites, 2);
		ck_assert_int_eq(servers, 1);
		ck_assert_int_eq(named, 2);
		ck_assert_uint_eq(source->calls->documents(source, "POP3Site", stop, NULL),
		                  POSTIL_ERR_CANCEL);
		end();
	}
}
END_TEST

START_TEST(groups_by_address)
{
	for (int kind = 0; kind < KINDS; kind++) {
		int named = 0;

		begin((enum kind)kind, "Form=Group|ListName=Staff|InternetAddress=staff@acme.example"
		      "|Members=Ann Lee/Acme\n");
		ck_assert_uint_eq(source->calls->named(source, key_of("STAFF@acme.example"), count, &named),
		                  NOERROR);
		ck_assert_int_eq(named, 1);
		ck_assert_uint_eq(source->calls->named(source, key_of("staff"), count, &named), NOERROR);
		ck_assert_int_eq(named, 2);
		end();
	}
}
END_TEST

START_TEST(internet_domains)
{
	for (int kind = 0; kind < KINDS; kind++) {
		const struct slice *domains;
		struct directory *dir;
		size_t n;

		begin((enum kind)kind, "Form=Domain|DomainType=GlobalDomain|DomainName=Acme"
		      "|LocalPrimaryInternetDomain=acme.example|LocalInternetDomainAliases=Acme.net; ;acme.org\n"
		      "Form=Domain|DomainType=Foreign|LocalPrimaryInternetDomain=else.example\n");
		ck_assert_uint_eq(directory_new(source, &dir), NOERROR);
		ck_assert_uint_eq(directory_internet_domains(dir, &arena, &domains, &n), NOERROR);
		ck_assert_uint_eq(n, 3);
		ck_assert(slice_equal(domains[0], SLICE_LIT("acme.example")));
		ck_assert(slice_equal(domains[1], SLICE_LIT("Acme.net")));
		ck_assert(slice_equal(domains[2], SLICE_LIT("acme.org")));
		directory_close(&dir);
		arena_release(&arena);
		world_end(&w);
	}
}
END_TEST

START_TEST(changes)
{
	for (int kind = 0; kind < KINDS; kind++) {
		char digest[64], text[256];
		uint64_t before;

		begin((enum kind)kind, PERSONS);
		before = source->calls->generation(source);
		ck_assert_uint_ne(before, 0);
		ck_assert_uint_eq(source->calls->costliest_rounds(source), 0);
		ck_assert_uint_eq(inetpass_hash(SLICE_LIT("x"), INETPASS_V3, 77, digest), NOERROR);
		snprintf(text, sizeof(text), "Form=Person|FullName=CN=Bob/O=X|HTTPPassword=%s\n", digest);
		put((enum kind)kind, text);
		ck_assert_uint_ne(source->calls->generation(source), before);
		ck_assert_uint_eq(source->calls->costliest_rounds(source), 77);
		expect_users("annie", true, "");
		expect_users("bob", true, "CN=Bob/O=X");
		source->calls->shrink(source);
		expect_users("bob", true, "CN=Bob/O=X");
		end();
	}
}
END_TEST

UNIT_MAIN("source", users, all_of_a_person, persons_by_name_or_address, subjects_and_addresses,
	  too_many_of_a_name, groups, documents, groups_by_address, internet_domains, changes)

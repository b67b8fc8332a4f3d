/*
 * The one decision: every setting of the options, every state of the certificate, every
 * password. A cell has a letter for each of the logins below:
 *
 *      A, B    this person is let in           -       refused
 *      H       the handshake has failed        X       this site is not enabled
 */
#include <string.h>

#include "addin/pop3/entry.h"
#include "addin/pop3/reply.h"
#include "tests/support/unit.h"

enum certificate { NONE, OWN, ANOTHERS, NOBODYS, UNTRUSTED, CERTIFICATES };

static const char *const certificate_names[CERTIFICATES] = { "none", "A's", "B's",
	"nobody's (nameless, or no key of a person's)", "untrusted (expired, revoked)" };

static const struct person persons[2] = {
	{ .name = { "CN=A/O=Acme", 11 }, .unid = { { 1 } } },
	{ .name = { "CN=B/O=Acme", 11 }, .unid = { { 2 } } },
};

/* Who is named (an index of persons) and whether it is that person's password. */
static const struct {
	const char *what;
	enum pop3_mechanism mechanism;
	int named;
	bool right;
} logins[] = {
	{ "USER A and A's password", POP3_MECHANISM_USER, 0, true },
	{ "USER A and another password", POP3_MECHANISM_USER, 0, false },
	{ "USER B and B's password", POP3_MECHANISM_USER, 1, true },
	{ "PLAIN with A and A's password", POP3_MECHANISM_PLAIN, 0, true },
	{ "EXTERNAL", POP3_MECHANISM_EXTERNAL, -1, false },
	{ "USER with an unknown name", POP3_MECHANISM_USER, -1, false },
};
#define LOGINS (sizeof(logins) / sizeof(logins[0]))

static const struct {
	bool certificate, password, either;
	const char *cells[CERTIFICATES];
} rows[] = {
	/*                 none      A's       B's       nobody's  untrusted */
	{ false, true, false, { "A-BA--", "A-BA--", "A-BA--", "A-BA--", "A-BA--" } },
	{ false, true, true, { "A-BA--", "A-BA--", "A-BA--", "A-BA--", "A-BA--" } },
	{ true, false, false, { "HHHHHH", "AA--A-", "--B-B-", "------", "HHHHHH" } },
	{ true, false, true, { "HHHHHH", "AA--A-", "--B-B-", "------", "HHHHHH" } },
	{ true, true, false, { "HHHHHH", "A--A--", "--B---", "------", "HHHHHH" } },
	{ true, true, true, { "A-BA--", "AA--A-", "--B-B-", "------", "HHHHHH" } },
	{ false, false, false, { "XXXXXX", "XXXXXX", "XXXXXX", "XXXXXX", "XXXXXX" } },
	{ false, false, true, { "XXXXXX", "XXXXXX", "XXXXXX", "XXXXXX", "XXXXXX" } },
};

/* What a connection comes to over TLS. */
static char outcome(const struct entry_rules *rules, enum certificate certificate, size_t login)
{
	enum tls_ask ask = entry_ask(rules);
	bool presented = ask != TLS_ASK_NO && certificate != NONE;
	struct entry_claim claim = { .mechanism = logins[login].mechanism };
	const struct person *person;
	enum entry_way way;

	if (ask != TLS_ASK_NO && certificate == UNTRUSTED)
		return 'H';
	if (ask == TLS_ASK_REQUIRED && certificate == NONE)
		return 'H';
	way = entry_way(rules, true, presented);
	if (way == ENTRY_CLOSED)
		return 'X';
	if (presented && certificate == OWN)
		claim.owner = &persons[0];
	if (presented && certificate == ANOTHERS)
		claim.owner = &persons[1];
	if (logins[login].named >= 0) {
		claim.named = &persons[logins[login].named];
		claim.named_count = 1;
	}
	claim.verified = &logins[login].right;
	person = entry_person(way, &claim);
	return person == NULL ? '-' : person->unid.octets[0] == 1 ? 'A' : 'B';
}

START_TEST(every_combination)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct entry_rules rules = { .tls_certificate = rows[i].certificate,
			.tls_password = rows[i].password, .either = rows[i].either, .password = true };

		for (int c = 0; c < CERTIFICATES; c++)
			for (size_t k = 0; k < LOGINS; k++) {
				char got = outcome(&rules, (enum certificate)c, k);

				ck_assert_msg(got == rows[i].cells[c][k], "certificate %d, password %d, either "
				              "%d; certificate %s; %s: %c, not %c", rows[i].certificate,
				              rows[i].password, rows[i].either, certificate_names[c],
				              logins[k].what, got, rows[i].cells[c][k]);
			}
	}
}
END_TEST

/* Persons of one name: the password must be exactly one's, the certificate tells which. */
START_TEST(namesakes)
{
	static const bool both[2] = { true, true }, second[2] = { false, true }, none[2];
	struct entry_claim claim = { .mechanism = POP3_MECHANISM_USER, .named = persons,
		.named_count = 2, .verified = both };

	ck_assert_ptr_null(entry_person(ENTRY_PASSWORD, &claim));
	claim.verified = second;
	ck_assert_ptr_eq(entry_person(ENTRY_PASSWORD, &claim), &persons[1]);
	claim.owner = &persons[0];
	ck_assert_ptr_null(entry_person(ENTRY_BOTH, &claim));
	claim.owner = &persons[1];
	ck_assert_ptr_eq(entry_person(ENTRY_BOTH, &claim), &persons[1]);
	claim.verified = both;
	ck_assert_ptr_eq(entry_person(ENTRY_BOTH, &claim), &persons[1]);
	claim.verified = none;
	ck_assert_ptr_null(entry_person(ENTRY_BOTH, &claim));
	ck_assert_ptr_eq(entry_person(ENTRY_CERTIFICATE, &claim), &persons[1]);
	claim.verified = NULL;
	ck_assert_ptr_null(entry_person(ENTRY_PASSWORD, &claim));
	ck_assert_ptr_null(entry_person(ENTRY_BOTH, &claim));
	ck_assert_ptr_null(entry_person(ENTRY_CLOSED, &claim));
}
END_TEST

static const struct {
	struct entry_rules rules;
	bool tls, presented, password, certificate, stls, stls_first;
} doors[] = {
	{ { .password = true }, .password = true },
	{ { .password = true, .tls_password = true, .stls = true }, .password = true, .stls = true },
	{ { .tls_password = true, .stls = true }, .stls = true, .stls_first = true },
	{ { .tls_password = true } },
	{ { .password = true, .tls_password = true, .stls = true }, .tls = true, .password = true },
	{ { .password = true, .tls_certificate = true, .stls = true }, .tls = true, .presented = true,
	  .certificate = true },
	{ { .password = true, .tls_certificate = true, .tls_password = true }, .tls = true,
	  .presented = true, .password = true },
	{ { .tls_certificate = true, .tls_password = true, .either = true }, .tls = true,
	  .password = true },
	{ { .tls_certificate = true, .tls_password = true, .either = true }, .tls = true,
	  .presented = true, .certificate = true },
	{ { .password = true }, .tls = true },
};

START_TEST(what_is_offered)
{
	for (size_t i = 0; i < sizeof(doors) / sizeof(doors[0]); i++) {
		struct pop3_door door;

		entry_door(&doors[i].rules, doors[i].tls, doors[i].presented, &door);
		ck_assert_msg(door.password == doors[i].password &&
		              door.certificate == doors[i].certificate && door.stls == doors[i].stls &&
		              door.stls_first == doors[i].stls_first, "door %zu", i);
		ck_assert_int_eq(door.refused, doors[i].tls ? TEXT_SITE_DISABLED : TEXT_NO_PASSWORD);
	}
}
END_TEST

UNIT_MAIN("entry", every_combination, namesakes, what_is_offered)

/* Which ways in a session has, by its door and before and after STLS: what is answered,
 * what CAPA says of it, and what is asked of the seam. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypt.h"
#include "tests/support/pop3drive.h"
#include "tests/support/stores.h"
#include "tests/support/unit.h"

#define GREETED "+OK Postil POP3 server version 1.0 ready on mail/Acme.\r\n"
#define ASKED "+OK jcorrer, your papers please.\r\n"
#define IN "+OK jcorrer has 1 message.\r\n"
#define YOURS "+OK your maildrop has 1 message.\r\n"
#define OUT "+OK Postil POP3 server signing off.\r\n"
#define CAPA_HEAD "+OK Capability list follows\r\nTOP\r\n"
#define CAPA_TAIL "RESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\nUIDL\r\nEXPIRE NEVER\r\n" \
	"IMPLEMENTATION Postil-1.0\r\n.\r\n"
#define CAPA_OPEN_TAIL "RESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\nUIDL\r\nUTF8 USER\r\nLANG\r\n" \
	"EXPIRE NEVER\r\nIMPLEMENTATION Postil-1.0\r\n.\r\n"
#define AUTH_HEAD "+OK Mechanisms follow\r\n"
#define BEGIN "+OK Begin TLS negotiation\r\n"
#define CLOSED "-ERR [SYS/PERM] login is not enabled on this port\r\n"
#define FIRST_TEXT "STLS first, nothing else is answered before TLS\r\n"
#define FIRST "-ERR [SYS/PERM] " FIRST_TEXT
#define NOT_OFFERED "-ERR this authentication mechanism is not offered here\r\n"
#define NO_STLS "-ERR STLS is not possible on this connection\r\n"
#define REFUSED "-ERR [AUTH] invalid user name or password\r\n"
#define PLAIN "AUTH PLAIN AGpjb3JyZXIAbG90dXMgbm90ZXM=\r\n"

#define PASSWORD { .password = true }
#define CERTIFICATE { .certificate = true }
#define NOTHING { .password = false }

static struct mail_store *store;

static void setup(void)
{
	ck_assert_int_eq(store_memory_new(&store), NOERROR);
	ck_assert_int_eq(store_put(store, DRIVE_PATH, "x\n", 2, NULL), NOERROR);
}

static void teardown(void)
{
	store->calls->free(&store);
}

static void begin(struct drive *d, const struct pop3_door *door)
{
	d->store = store;
	drive_options(&d->options);
	d->options.door = *door;
	drive_open(d);
	buf_clear(&d->out);
}

/* `after` is the door behind STLS; said_after NULL: TLS must not have been asked for. */
static const struct {
	struct pop3_door door;
	const char *say, *said;
	struct pop3_door after;
	const char *say_after, *said_after;
} talks[] = {
	/* name and password */
	{ PASSWORD, "CAPA\r\nAUTH\r\n", CAPA_HEAD "USER\r\nSASL PLAIN\r\n" CAPA_OPEN_TAIL
	  AUTH_HEAD "PLAIN\r\n.\r\n", NOTHING, NULL, NULL },
	{ PASSWORD, "USER jcorrer\r\nPASS lotus notes\r\nCAPA\r\n", ASKED IN
	  CAPA_HEAD "USER\r\nSASL PLAIN\r\n" CAPA_OPEN_TAIL, NOTHING, NULL, NULL },
	{ PASSWORD, "USER jcorrer\r\nPASS wrong\r\n", ASKED REFUSED, NOTHING, NULL, NULL },
	{ PASSWORD, "AUTH EXTERNAL =\r\nAUTH EXTERNAL\r\nauth external amNvcnJlcg==\r\n",
	  NOT_OFFERED NOT_OFFERED NOT_OFFERED, NOTHING, NULL, NULL },
	{ PASSWORD, "STLS\r\nCAPA\r\n", NO_STLS CAPA_HEAD "USER\r\nSASL PLAIN\r\n" CAPA_OPEN_TAIL,
	  NOTHING, NULL, NULL },

	/* a certificate alone: any password is as good as another */
	{ CERTIFICATE, "CAPA\r\nAUTH\r\n", CAPA_HEAD "USER\r\nSASL EXTERNAL\r\n" CAPA_OPEN_TAIL
	  AUTH_HEAD "EXTERNAL\r\n.\r\n", NOTHING, NULL, NULL },
	{ CERTIFICATE, "USER jcorrer\r\nPASS x\r\nCAPA\r\n", ASKED IN
	  CAPA_HEAD "USER\r\nSASL EXTERNAL\r\n" CAPA_OPEN_TAIL, NOTHING, NULL, NULL },
	{ CERTIFICATE, "USER jcorrer\r\nPASS \r\n", ASKED IN, NOTHING, NULL, NULL },
	{ CERTIFICATE, "USER other\r\nPASS lotus notes\r\n",
	  "+OK other, your papers please.\r\n" REFUSED, NOTHING, NULL, NULL },
	{ CERTIFICATE, PLAIN "AUTH PLAIN\r\n", NOT_OFFERED NOT_OFFERED, NOTHING, NULL, NULL },
	{ CERTIFICATE, "AUTH EXTERNAL =\r\nSTAT\r\n", YOURS "+OK 1 3\r\n",
	  NOTHING, NULL, NULL },
	{ CERTIFICATE, "auth External\r\n\r\nSTAT\r\n", "+ \r\n" YOURS "+OK 1 3\r\n",
	  NOTHING, NULL, NULL },
	{ CERTIFICATE, "AUTH EXTERNAL\r\n*\r\nSTAT\r\n", "+ \r\n-ERR authentication cancelled\r\n"
	  "-ERR log in first\r\n", NOTHING, NULL, NULL },
	/* "=" stands for nothing behind the mechanism only */
	{ CERTIFICATE, "AUTH EXTERNAL\r\n=\r\nAUTH EXTERNAL ****\r\nAUTH EXTERNAL = =\r\n",
	  "+ \r\n-ERR that is not base64\r\n-ERR that is not base64\r\n"
	  "-ERR too many arguments, expected: AUTH [mechanism [initial-response]]\r\n",
	  NOTHING, NULL, NULL },
	{ CERTIFICATE, "AUTH EXTERNAL amNvcnJlcg==\r\n", IN, NOTHING, NULL, NULL },
	/* b3RoZXI= is "other" */
	{ CERTIFICATE, "AUTH EXTERNAL b3RoZXI=\r\n", REFUSED, NOTHING, NULL, NULL },

	/* nobody can log in */
	{ NOTHING, "USER jcorrer\r\nPASS lotus notes\r\n" PLAIN "AUTH EXTERNAL =\r\n"
	  "AUTH PLAIN\r\nAUTH EXTERNAL\r\nSTAT\r\n", CLOSED CLOSED CLOSED CLOSED CLOSED CLOSED
	  "-ERR log in first\r\n", NOTHING, NULL, NULL },
	{ NOTHING, "CAPA\r\nAUTH\r\nAUTH X\r\n", CAPA_HEAD CAPA_TAIL AUTH_HEAD ".\r\n"
	  "-ERR unknown authentication mechanism\r\n", NOTHING, NULL, NULL },
	{ { .refused = TEXT_NO_PASSWORD }, "USER jcorrer\r\n" PLAIN,
	  "-ERR [SYS/PERM] name and password are not accepted on this port\r\n"
	  "-ERR [SYS/PERM] name and password are not accepted on this port\r\n", NOTHING, NULL, NULL },

	/* STLS */
	{ { .password = true, .stls = true }, "CAPA\r\nSTLS now\r\nstls \r\n",
	  CAPA_HEAD "STLS\r\nUSER\r\nSASL PLAIN\r\n" CAPA_OPEN_TAIL
	  "-ERR too many arguments, expected: STLS\r\n" BEGIN, PASSWORD,
	  "CAPA\r\nSTLS\r\nUSER jcorrer\r\nPASS lotus notes\r\n",
	  CAPA_HEAD "USER\r\nSASL PLAIN\r\n" CAPA_OPEN_TAIL NO_STLS ASKED IN },
	{ { .password = true, .stls = true }, "USER jcorrer\r\nSTLS\r\n", ASKED BEGIN, PASSWORD,
	  "PASS lotus notes\r\n", "-ERR PASS must follow USER immediately\r\n" },
	{ { .password = true, .stls = true }, "USER jcorrer\r\nSTLS now\r\nPASS lotus notes\r\n",
	  ASKED "-ERR too many arguments, expected: STLS\r\n-ERR PASS must follow USER immediately\r\n",
	  NOTHING, NULL, NULL },
	{ { .password = true, .stls = true }, "USER jcorrer\r\nPASS lotus notes\r\nCAPA\r\nSTLS\r\n",
	  ASKED IN CAPA_HEAD "USER\r\nSASL PLAIN\r\n" CAPA_OPEN_TAIL "-ERR you are logged in already\r\n",
	  NOTHING, NULL, NULL },
	/* STLS there is an answer to the challenge: base64, but not what PLAIN wants */
	{ { .password = true, .stls = true }, "AUTH PLAIN\r\nSTLS\r\n",
	  "+ \r\n-ERR that is not a response to PLAIN\r\n", NOTHING, NULL, NULL },
	{ { .password = true, .stls = true }, "STLS\r\n", BEGIN, CERTIFICATE,
	  "CAPA\r\nAUTH\r\n" PLAIN "AUTH EXTERNAL =\r\n",
	  CAPA_HEAD "USER\r\nSASL EXTERNAL\r\n" CAPA_OPEN_TAIL AUTH_HEAD "EXTERNAL\r\n.\r\n"
	  NOT_OFFERED YOURS },
	{ { .password = true, .stls = true }, "STLS\r\n", BEGIN, { .refused = TEXT_SITE_DISABLED },
	  "CAPA\r\nUSER jcorrer\r\nPASS lotus notes\r\n", CAPA_HEAD CAPA_TAIL
	  "-ERR [SYS/PERM] This site is not enabled on the server\r\n"
	  "-ERR [SYS/PERM] This site is not enabled on the server\r\n" },
	{ { .stls = true }, "USER jcorrer\r\nSTLS\r\n", CLOSED BEGIN, PASSWORD,
	  "USER jcorrer\r\nPASS lotus notes\r\n", ASKED IN },

	/* nothing before TLS */
	{ { .stls = true, .stls_first = true }, "CAPA\r\nUSER jcorrer\r\nPASS lotus notes\r\nUSER\r\n"
	  PLAIN "AUTH\r\nNOOP\r\nSTAT x\r\nFOO\r\n\r\nSTLS now\r\nSTLS\r\n",
	  CAPA_HEAD "STLS\r\n" CAPA_TAIL FIRST FIRST FIRST FIRST FIRST
	  "-ERR " FIRST_TEXT "-ERR " FIRST_TEXT "-ERR " FIRST_TEXT "-ERR " FIRST_TEXT
	  "-ERR too many arguments, expected: STLS\r\n" BEGIN, PASSWORD,
	  "USER jcorrer\r\nPASS lotus notes\r\n", ASKED IN },
	{ { .stls = true, .stls_first = true }, "QUIT\r\n", OUT, NOTHING, NULL, NULL },
	/* what clear text would take does not help before TLS */
	{ { .password = true, .stls = true, .stls_first = true }, "CAPA\r\nUSER jcorrer\r\n" PLAIN,
	  CAPA_HEAD "STLS\r\n" CAPA_TAIL FIRST FIRST, NOTHING, NULL, NULL },
};

static void talk(size_t which, size_t piece, bool pending)
{
	struct drive d = { .pending = pending };

	begin(&d, &talks[which].door);
	drive_feed(&d, slice_of(talks[which].say), piece);
	ck_assert_str_eq(buf_cstr(&d.out), talks[which].said);
	if (talks[which].said_after == NULL) {
		ck_assert_int_ne(d.next, NET_START_TLS);
	} else {
		ck_assert_int_eq(d.next, NET_START_TLS);
		buf_clear(&d.out);
		drive_secure(&d, &talks[which].after);
		ck_assert_uint_eq(d.out.n, 0);          /* no greeting */
		drive_feed(&d, slice_of(talks[which].say_after), piece);
		ck_assert_str_eq(buf_cstr(&d.out), talks[which].said_after);
		ck_assert_int_ne(d.next, NET_START_TLS);
	}
	drive_close(&d);
}

START_TEST(doors)
{
	static const size_t pieces[] = { 0, 1, 3 };

	for (size_t i = 0; i < 6; i++)
		talk((size_t)_i, pieces[i / 2], i % 2 == 1);
}
END_TEST

/* --- what reaches the seam -------------------------------------------------------- */

START_TEST(mechanisms_are_told)
{
	static const struct {
		struct pop3_door door;
		const char *say, *authorization;
		enum pop3_mechanism mechanism;
	} logins[] = {
		{ PASSWORD, "USER jcorrer\r\nPASS a\r\n", "", POP3_MECHANISM_USER },
		{ CERTIFICATE, "USER jcorrer\r\nPASS a\r\n", "", POP3_MECHANISM_USER },
		{ PASSWORD, PLAIN, "", POP3_MECHANISM_PLAIN },
		{ PASSWORD, "AUTH PLAIN c29tZW9uZQBqY29ycmVyAGxvdHVzIG5vdGVz\r\n", "someone",
		  POP3_MECHANISM_PLAIN },
		{ CERTIFICATE, "AUTH EXTERNAL =\r\n", "", POP3_MECHANISM_EXTERNAL },
		{ CERTIFICATE, "AUTH EXTERNAL\r\namNvcnJlcg==\r\n", "jcorrer",
		  POP3_MECHANISM_EXTERNAL },
		/* what a cancelled or failed try said does not stay */
		{ CERTIFICATE, "AUTH EXTERNAL b3RoZXI=\r\nAUTH EXTERNAL =\r\n", "",
		  POP3_MECHANISM_EXTERNAL },
	};

	for (size_t i = 0; i < sizeof(logins) / sizeof(logins[0]); i++) {
		struct drive d = { .pending = i % 2 == 1, .mechanism = (enum pop3_mechanism)99 };

		begin(&d, &logins[i].door);
		drive_feed(&d, slice_of(logins[i].say), 0);
		ck_assert_uint_ge(d.logins, 1);
		ck_assert_int_eq(d.mechanism, logins[i].mechanism);
		ck_assert_str_eq(buf_cstr(&d.authorization), logins[i].authorization);
		drive_close(&d);
	}
}
END_TEST

#define OF(text, taken) { SLICE_LIT(text), 1, taken }

static const struct {
	struct slice text;
	unsigned times;
	bool taken;
} identities[] = {
	OF("", true),
	OF("jcorrer", true),
	OF("J\xC3\xBCrgen", true),
	OF("CN=Jada Correr/O=Acme", true),
	OF("\xC2\xA0", true),
	OF("\xEF\xBF\xBD", true),
	{ SLICE_LIT("a"), POP3_AUTHORIZATION_OCTETS, true },
	{ SLICE_LIT("a"), POP3_AUTHORIZATION_OCTETS + 1, false },
	{ SLICE_LIT("\xC3\xBC"), POP3_AUTHORIZATION_OCTETS / 2, true },
	{ SLICE_LIT("\xC3\xBC"), POP3_AUTHORIZATION_OCTETS, false },
	OF("a\0b", false),
	OF("\0", false),
	OF("a\r\nb", false),
	OF("\x1F", false),
	OF("a\x7F", false),
	OF("a\xC2\x80", false),
	OF("\xC2\x9F" "a", false),
	OF("\xFF", false),
	OF("a\xC3", false),
	OF("\xC0\x80", false),
	OF("\xED\xA0\x80", false),
};

static void claim(size_t which, bool initial)
{
	static const struct pop3_door door = CERTIFICATE;
	struct drive d = { .pending = initial };
	struct buf text = BUF_INIT, line = BUF_INIT;

	for (unsigned i = 0; i < identities[which].times; i++)
		buf_add_slice(&text, identities[which].text);
	buf_add_str(&line, initial ? "AUTH EXTERNAL " : "AUTH EXTERNAL\r\n");
	if (initial && text.n == 0)
		buf_add_char(&line, '=');
	ck_assert_int_eq(base64_encode(buf_slice(&text), &line), NOERROR);
	buf_add_str(&line, "\r\n");
	if (!initial || line.n <= POP3_COMMAND_OCTETS) {
		begin(&d, &door);
		drive_feed(&d, buf_slice(&line), 0);
		ck_assert_uint_eq(d.logins, identities[which].taken ? 1 : 0);
		ck_assert(slice_equal(buf_slice(&d.authorization),
		                      identities[which].taken ? buf_slice(&text) : SLICE_LIT("")));
		if (!identities[which].taken)
			ck_assert_ptr_nonnull(strstr(buf_cstr(&d.out),
			                             "-ERR that is not a response to EXTERNAL\r\n"));
		drive_close(&d);
	}
	buf_release(&text);
	buf_release(&line);
}

START_TEST(identities_of_external)
{
	claim((size_t)_i, false);
	claim((size_t)_i, true);
}
END_TEST

/* Of PLAIN the same holds: NUL parts it, so what is left are length and controls. */
START_TEST(identities_of_plain)
{
	static const struct pop3_door door = PASSWORD;

	for (size_t i = 0; i < sizeof(identities) / sizeof(identities[0]); i++) {
		struct drive d = { .pending = i % 2 == 1 };
		struct buf text = BUF_INIT, line = BUF_INIT;

		if (memchr(identities[i].text.p, '\0', identities[i].text.n) != NULL)
			continue;
		for (unsigned n = 0; n < identities[i].times; n++)
			buf_add_slice(&text, identities[i].text);
		buf_add(&text, "\0jcorrer\0lotus notes", 20);
		buf_add_str(&line, "AUTH PLAIN\r\n");
		ck_assert_int_eq(base64_encode(buf_slice(&text), &line), NOERROR);
		buf_add_str(&line, "\r\n");
		begin(&d, &door);
		drive_feed(&d, buf_slice(&line), 0);
		ck_assert_uint_eq(d.logins, identities[i].taken ? 1 : 0);
		drive_close(&d);
		buf_release(&text);
		buf_release(&line);
	}
}
END_TEST

/* --- STLS and what came before it ------------------------------------------------- */

static const struct pop3_door before = { .password = true, .stls = true };
static const struct pop3_door after = PASSWORD;

START_TEST(nothing_behind_stls_is_taken)
{
	static const struct slice octets = SLICE_LIT("CAPA\r\nSTLS\r\nUSER jcorrer\r\nPASS ");
	struct drive d = { .pending = false };
	struct buf out = BUF_INIT;
	struct pop3_session_counts counts;
	size_t used = 99, n;

	begin(&d, &before);
	ck_assert_int_eq(pop3_session_input(d.session, octets, &used, &out), NET_START_TLS);
	ck_assert_uint_eq(used, strlen("CAPA\r\nSTLS\r\n"));
	n = out.n;
	ck_assert_int_eq(pop3_session_input(d.session, SLICE_LIT("QUIT\r\n"), &used, &out),
	                 NET_START_TLS);
	ck_assert_uint_eq(used, 0);
	ck_assert_int_eq(pop3_session_pull(d.session, &out), NET_START_TLS);
	ck_assert_uint_eq(out.n, n);
	pop3_session_counts(d.session, &counts);
	ck_assert_uint_eq(counts.lines, 2);
	d.next = NET_START_TLS;
	drive_secure(&d, &after);
	drive_feed(&d, SLICE_LIT("PASS lotus notes\r\nQUIT\r\n"), 0);
	ck_assert_str_eq(buf_cstr(&d.out), "-ERR PASS must follow USER immediately\r\n" OUT);
	ck_assert_uint_eq(d.logins, 0);
	drive_close(&d);
	buf_release(&out);
}
END_TEST

/* STLS may come when so much has been answered that the client must read first. */
START_TEST(stls_behind_much_output)
{
	struct drive d = { .pending = false };
	struct buf in = BUF_INIT;

	begin(&d, &before);
	for (int i = 0; i < 1000; i++)
		buf_add_str(&in, "CAPA\r\n");
	buf_add_str(&in, "STLS\r\n");
	drive_feed(&d, buf_slice(&in), 0);
	ck_assert_int_eq(d.next, NET_START_TLS);
	ck_assert_uint_eq(d.in.n, 0);
	ck_assert_uint_gt(d.out.n, NET_PIECE);
	buf_release(&in);
	drive_close(&d);
}
END_TEST

START_TEST(bad_commands_stay_counted)
{
	struct drive d = { .pending = false };
	struct pop3_session_counts counts;

	begin(&d, &before);
	d.options.max_bad_commands = 3;
	drive_feed(&d, SLICE_LIT("FOO\r\nSTLS x\r\nSTLS\r\n"), 0);
	drive_secure(&d, &after);
	drive_feed(&d, SLICE_LIT("STLS\r\nNOOP\r\n"), 0);
	ck_assert_int_eq(d.next, NET_CLOSE);
	ck_assert_ptr_nonnull(strstr(buf_cstr(&d.out), BEGIN "-ERR too many bad commands"));
	pop3_session_counts(d.session, &counts);
	ck_assert_int_eq(counts.end, POP3_END_BAD_COMMANDS);
	ck_assert_uint_eq(counts.bad_commands, 3);
	drive_close(&d);
}
END_TEST

START_TEST(failed_logins_stay_counted)
{
	struct drive d = { .pending = _i == 1 };
	struct pop3_session_counts counts;

	begin(&d, &before);
	d.options.max_failed_logins = 2;
	drive_feed(&d, SLICE_LIT("USER jcorrer\r\nPASS x\r\nSTLS\r\n"), 0);
	drive_secure(&d, &after);
	drive_feed(&d, SLICE_LIT("USER jcorrer\r\nPASS x\r\nNOOP\r\n"), 0);
	ck_assert_int_eq(d.next, NET_CLOSE);
	pop3_session_counts(d.session, &counts);
	ck_assert_int_eq(counts.end, POP3_END_BAD_LOGINS);
	drive_close(&d);
}
END_TEST

/* By certificate, too, guessing whose it may be comes to an end. */
START_TEST(refused_identities_are_counted)
{
	static const struct pop3_door door = CERTIFICATE;
	struct drive d = { .pending = _i == 1 };

	begin(&d, &door);
	d.options.max_failed_logins = 2;
	drive_feed(&d, SLICE_LIT("AUTH EXTERNAL b3RoZXI=\r\nUSER other\r\nPASS x\r\nNOOP\r\n"), 0);
	ck_assert_str_eq(buf_cstr(&d.out), REFUSED "+OK other, your papers please.\r\n" REFUSED);
	ck_assert_int_eq(d.next, NET_CLOSE);
	drive_close(&d);
}
END_TEST

/* Refusals of what is well said are no bad commands, all else is, as ever. */
START_TEST(waiting_for_tls_is_counted_as_ever)
{
	static const struct pop3_door door = { .stls = true, .stls_first = true };
	struct drive d = { .pending = false };
	struct pop3_session_counts counts;

	begin(&d, &door);
	drive_feed(&d, SLICE_LIT("USER a\r\nPASS b\r\nAUTH\r\n" PLAIN), 0);
	pop3_session_counts(d.session, &counts);
	ck_assert_uint_eq(counts.bad_commands, 0);
	drive_feed(&d, SLICE_LIT("NOOP\r\nFOO\r\n\r\n"), 0);
	pop3_session_counts(d.session, &counts);
	ck_assert_uint_eq(counts.bad_commands, 3);
	ck_assert_uint_eq(d.logins, 0);
	drive_close(&d);
}
END_TEST

START_TEST(ending_stays)
{
	struct drive d = { .pending = false };

	begin(&d, &before);
	drive_feed(&d, SLICE_LIT("STLS\r\n"), 0);
	pop3_session_ending(d.session);
	drive_secure(&d, &after);
	buf_clear(&d.out);
	drive_feed(&d, SLICE_LIT("CAPA\r\n"), 0);
	ck_assert_str_eq(buf_cstr(&d.out), "-ERR [SYS/TEMP] the server is shutting down, try again "
	                 "later\r\n");
	ck_assert_int_eq(d.next, NET_CLOSE);
	drive_close(&d);
}
END_TEST

/* A service that is ending begins no TLS. */
START_TEST(ending_before_stls)
{
	struct drive d = { .pending = false };

	begin(&d, &before);
	pop3_session_ending(d.session);
	drive_feed(&d, SLICE_LIT("STLS\r\n"), 0);
	ck_assert_int_eq(d.next, NET_CLOSE);
	drive_close(&d);
}
END_TEST

/* A client that goes while TLS begins leaves nothing behind. */
START_TEST(gone_in_the_handshake)
{
	struct drive d = { .pending = false };

	begin(&d, &before);
	drive_feed(&d, SLICE_LIT("USER jcorrer\r\nSTLS\r\nX"), 0);
	ck_assert_int_eq(d.next, NET_START_TLS);
	ck_assert_uint_eq(d.in.n, 1);
	drive_close(&d);
	ck_assert_uint_eq(d.closes, 0);
}
END_TEST

int main(void)
{
	const TTest *const plain[] = { mechanisms_are_told, identities_of_plain,
		nothing_behind_stls_is_taken, stls_behind_much_output, bad_commands_stay_counted,
		waiting_for_tls_is_counted_as_ever, ending_stays, ending_before_stls,
		gone_in_the_handshake };
	Suite *suite = suite_create("door");
	TCase *tcase = tcase_create("door");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, doors, 0, sizeof(talks) / sizeof(talks[0]));
	tcase_add_loop_test(tcase, identities_of_external, 0,
	                    sizeof(identities) / sizeof(identities[0]));
	tcase_add_loop_test(tcase, failed_logins_stay_counted, 0, 2);
	tcase_add_loop_test(tcase, refused_identities_are_counted, 0, 2);
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		tcase_add_test(tcase, plain[i]);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}

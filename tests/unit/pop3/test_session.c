/* The session against a store in memory: what dialogues cannot say well, namely
 * failing stores, pending calls, cut input, big maildrops, exact octets. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/pop3drive.h"
#include "tests/support/stores.h"
#include "tests/support/unit.h"

#define LOGIN "USER jcorrer\r\nPASS lotus notes\r\n"
#define GREETED "+OK Postil POP3 server version 1.0 ready on mail/Acme.\r\n"

static struct mail_store *store;        /* a failing store around one in memory */

static void put(const char *text)
{
	ck_assert_int_eq(store_put(store, DRIVE_PATH, text, strlen(text), NULL), NOERROR);
}

static void setup(void)
{
	struct mail_store *memory;

	ck_assert_int_eq(store_memory_new(&memory), NOERROR);
	ck_assert_int_eq(store_fault_new(memory, &store), NOERROR);
}

static void teardown(void)
{
	store->calls->free(&store);
}

/* Everything the session says to these octets, in a new connection. */
static char *talk(struct drive *d, struct slice octets, size_t piece)
{
	char *said;

	d->store = store;
	if (d->options.greeting == NULL)
		drive_options(&d->options);
	drive_open(d);
	drive_feed(d, octets, piece);
	ck_assert_int_eq(buf_status(&d->out), NOERROR);
	said = strdup(buf_cstr(&d->out));
	return said;
}

/* All ways of feeding give the same answer; the last one is returned. */
static char *talk_all_ways(struct slice octets)
{
	static const size_t pieces[] = { 0, 1, 2, 7, 100 };
	char *first = NULL;

	for (size_t i = 0; i < 2 * sizeof(pieces) / sizeof(pieces[0]); i++) {
		struct drive d = { .pending = i % 2 == 1, .read_most = i };
		char *said = talk(&d, octets, pieces[i / 2]);

		if (first == NULL)
			first = strdup(said);
		ck_assert_str_eq(said, first);
		free(said);
		drive_close(&d);
	}
	return first;
}

static void expect(const char *in, const char *out)
{
	char *said = talk_all_ways(slice_of(in)), *whole = NULL;

	ck_assert_int_gt(asprintf(&whole, GREETED "%s", out), 0);
	ck_assert_str_eq(said, whole);
	free(said);
	free(whole);
}

#define IN_USER "+OK jcorrer, your papers please.\r\n"
#define IN(n) IN_USER "+OK jcorrer has " n "\r\n"

/* None of these ends in QUIT with deletions, so that each way finds the same. */
static const struct {
	const char *in, *out;
} cases[] = {
	{ "QUIT\r\n", "+OK Postil POP3 server signing off.\r\n" },
	{ LOGIN "STAT\r\nLIST\r\n", IN("3 messages.") "+OK 3 45\r\n+OK 3 messages (45 octets)\r\n"
	  "1 17\r\n2 17\r\n3 11\r\n.\r\n" },
	{ LOGIN "RETR 1\r\nRETR 2\r\nRETR 3\r\n", IN("3 messages.")
	  "+OK 17 octets\r\nSubject: a\r\n\r\nA\r\n.\r\n"
	  "+OK 17 octets\r\n..first\r\n\r\n..\r\n...\r\n.\r\n"
	  "+OK 11 octets\r\nno header\r\n.\r\n" },
	{ LOGIN "TOP 1 0\r\nTOP 1 1\r\nTOP 1 9999999999\r\n", IN("3 messages.")
	  "+OK top of message follows\r\nSubject: a\r\n\r\n.\r\n"
	  "+OK top of message follows\r\nSubject: a\r\n\r\nA\r\n.\r\n"
	  "+OK top of message follows\r\nSubject: a\r\n\r\nA\r\n.\r\n" },
	{ LOGIN "DELE 2\r\nSTAT\r\nLIST\r\nLIST 2\r\nRSET\r\nSTAT\r\n", IN("3 messages.")
	  "+OK message 2 deleted\r\n+OK 2 28\r\n+OK 2 messages (28 octets)\r\n1 17\r\n3 11\r\n.\r\n"
	  "-ERR message 2 has been deleted in this session\r\n+OK 3 messages (45 octets)\r\n"
	  "+OK 3 45\r\n" },
};

static void three_messages(void)
{
	put("Subject: a\n\nA\n");
	put(".first\n\n.\n..\n");
	put("no header\n");
}

START_TEST(every_way_the_same)
{
	three_messages();
	expect(cases[_i].in, cases[_i].out);
}
END_TEST

/* Random bodies, every split of the reads: RETR undone is the message, TOP a part. */
static char *unstuff(const char *p, const char *end)
{
	struct buf out = BUF_INIT;
	bool start = true;
	char *text;

	for (; p < end; p++) {
		if (start && *p == '.')
			p++;
		if (p < end)
			buf_add_char(&out, *p);
		start = p < end && *p == '\n';
	}
	text = strdup(buf_cstr(&out));
	buf_release(&out);
	return text;
}

static const char *end_of(const char *answer)
{
	const char *end = strstr(answer, "\r\n.\r\n");

	if (strncmp(answer, ".\r\n", 3) == 0)
		return answer;
	ck_assert_ptr_nonnull(end);
	return end + 2;
}

START_TEST(dots_survive)
{
	static const char alphabet[] = "..\n\nab\r";
	unsigned seed = (unsigned)_i * 2654435761U + 1;

	for (unsigned round = 0; round < 60; round++) {
		char text[65], stored[200];
		size_t n = round % 64, m = 0;

		for (size_t i = 0; i < n; i++) {
			seed = seed * 1103515245U + 12345U;
			text[i] = alphabet[(seed >> 16) % (sizeof(alphabet) - 1)];
		}
		text[n] = '\0';
		for (size_t i = 0; i < n; i++) {
			if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r'))
				stored[m++] = '\r';
			stored[m++] = text[i];
		}
		if (n == 0 || text[n - 1] != '\n') {
			stored[m++] = '\r';
			stored[m++] = '\n';
		}
		stored[m] = '\0';
		put(text);

		struct drive d = { .read_most = (size_t)_i };
		char command[64];

		snprintf(command, sizeof(command), LOGIN "RETR %u\r\n", round + 1);
		char *said = talk(&d, slice_of(command), 0);
		const char *body = strstr(said, " octets\r\n");

		ck_assert_ptr_nonnull(body);
		body += strlen(" octets\r\n");
		char *plain = unstuff(body, end_of(body));

		ck_assert_str_eq(plain, stored);
		free(plain);
		free(said);
		drive_close(&d);
	}
}
END_TEST

/* TOP k for every k is the header and exactly k lines, however the reads fall. */
START_TEST(top_is_exact)
{
	put("A: 1\nB: 2\n\none\n.two\n\nfour\n");
	for (unsigned k = 0; k < 7; k++) {
		static const char *const lines[] = { "", "one\r\n", "..two\r\n", "\r\n", "four\r\n",
			"", "" };
		struct drive d = { .read_most = (size_t)_i };
		struct buf want = BUF_INIT;
		char command[64];

		snprintf(command, sizeof(command), LOGIN "TOP 1 %u\r\n", k);
		char *said = talk(&d, slice_of(command), 0);

		buf_add_str(&want, GREETED IN("1 message.") "+OK top of message follows\r\n"
		            "A: 1\r\nB: 2\r\n\r\n");
		for (unsigned i = 0; i <= k; i++)
			buf_add_str(&want, lines[i]);
		buf_add_str(&want, ".\r\n");
		ck_assert_str_eq(said, buf_cstr(&want));
		buf_release(&want);
		free(said);
		drive_close(&d);
	}
}
END_TEST

START_TEST(top_reads_little)
{
	struct buf big = BUF_INIT;
	struct drive d = { 0 };

	buf_add_str(&big, "Subject: big\n\n");
	for (int i = 0; i < 40000; i++)
		buf_add_str(&big, "a line of some length, so that it comes to two megabytes\n");
	put(buf_cstr(&big));
	free(talk(&d, SLICE_LIT(LOGIN "TOP 1 0\r\nTOP 1 3\r\n"), 0));
	ck_assert_uint_eq(d.reads, 2);
	ck_assert_uint_lt(d.out.n, 500);
	drive_close(&d);
	buf_release(&big);
}
END_TEST

START_TEST(empty_message)
{
	put("");
	expect(LOGIN "RETR 1\r\nTOP 1 5\r\nSTAT\r\n", IN("1 message.") "+OK 2 octets\r\n\r\n.\r\n"
	       "+OK top of message follows\r\n\r\n.\r\n+OK 1 2\r\n");
}
END_TEST

/* --- UPDATE --------------------------------------------------------------------- */

static const struct {
	STATUS status;
	bool after;
	const char *said;
	bool gone;
} failures[] = {
	{ NOERROR, false, "+OK Postil POP3 server signing off (2 messages deleted).\r\n", true },
	{ POSTIL_ERR_IO, false, "-ERR [SYS/TEMP] the maildrop could not be updated, nothing was "
	  "deleted\r\n", false },
	{ POSTIL_ERR_DISK_FULL, false, "-ERR [SYS/TEMP] the maildrop could not be updated, nothing "
	  "was deleted\r\n", false },
	{ POSTIL_ERR_LOCK_LOST, false, "-ERR [SYS/TEMP] the maildrop could not be updated, nothing "
	  "was deleted\r\n", false },
	{ POSTIL_ERR_DAMAGED, false, "-ERR [SYS/PERM] the maildrop could not be updated, nothing "
	  "was deleted\r\n", false },
	{ POSTIL_ERR_NOACCESS, false, "-ERR [SYS/PERM] you may not delete here, nothing was "
	  "deleted\r\n", false },
	{ POSTIL_ERR_UNKNOWN_OUTCOME, true, "-ERR [SYS/TEMP] it is not known whether the messages "
	  "were deleted, log in again to see\r\n", true },
};

START_TEST(update_tells_the_truth)
{
	for (int pending = 0; pending < 2; pending++) {
		struct drive d = { .pending = pending }, again = { 0 };
		struct pop3_session_counts counts;
		char *said;

		teardown();
		setup();
		three_messages();
		if (failures[_i].status != NOERROR)
			store_fault_fail(store, STORE_COMMIT, 1, failures[_i].status,
			                 failures[_i].after);
		said = talk(&d, SLICE_LIT(LOGIN "DELE 1\r\nDELE 3\r\nQUIT\r\nNOOP\r\n"), 0);
		ck_assert_str_eq(strstr(said, "3 deleted\r\n") + 11, failures[_i].said);
		ck_assert_int_eq(d.next, NET_CLOSE);
		pop3_session_counts(d.session, &counts);
		ck_assert_uint_eq(counts.deleted, failures[_i].status == NOERROR ? 2 : 0);
		ck_assert_int_eq(counts.end_status, failures[_i].status);
		free(said);
		/* The maildrop is free although the old session still stands. */
		said = talk(&again, SLICE_LIT(LOGIN "STAT\r\n"), 0);
		ck_assert_ptr_nonnull(strstr(said, failures[_i].gone ? "\r\n+OK 1 17\r\n"
		                                                     : "\r\n+OK 3 45\r\n"));
		free(said);
		drive_close(&d);
		drive_close(&again);
		ck_assert_uint_eq(d.closes, 1);
	}
}
END_TEST

START_TEST(nothing_goes_without_quit)
{
	struct drive d = { 0 }, again = { 0 };

	three_messages();
	free(talk(&d, SLICE_LIT(LOGIN "DELE 1\r\nDELE 2\r\nDELE 3\r\n"), 0));
	drive_close(&d);
	char *said = talk(&again, SLICE_LIT(LOGIN), 0);

	ck_assert_ptr_nonnull(strstr(said, "has 3 messages."));
	ck_assert_uint_eq(d.commits, 0);
	free(said);
	drive_close(&again);
}
END_TEST

START_TEST(quit_marks_only_what_was_asked)
{
	static const struct {
		unsigned mark_read;
		const char *commands;
		unsigned unread;        /* of three */
	} marks[] = {
		{ 0, "LIST\r\nRETR 1\r\nTOP 2 0\r\n", 3 },
		{ 1, "LIST\r\n", 0 },
		{ 1, "UIDL 2\r\n", 2 },
		{ 1, "STAT\r\n", 3 },
		{ 2, "LIST\r\nUIDL\r\n", 3 },
		{ 2, "RETR 1\r\nTOP 2 0\r\n", 1 },
	};
	struct maildrop_options unread = { .unread_only = true, .user = SLICE_LIT("CN=T") };
	struct drive d = { 0 };
	struct buf commands = BUF_INIT;
	struct maildrop *drop;
	uint64_t epoch, octets;
	uint32_t count;

	three_messages();
	drive_options(&d.options);
	d.options.mark_read = marks[_i].mark_read;
	buf_addf(&commands, LOGIN "%sQUIT\r\n", marks[_i].commands);
	free(talk(&d, buf_slice(&commands), 0));
	drive_close(&d);
	buf_release(&commands);
	ck_assert_int_eq(store->calls->open(store, DRIVE_PATH, &unread, &drop, &epoch, NULL), NOERROR);
	drop->calls->stat(drop, &count, &octets);
	ck_assert_uint_eq(count, marks[_i].unread);
	drop->calls->close(&drop);
}
END_TEST

/* --- reading goes wrong ------------------------------------------------------------- */

START_TEST(first_read_fails)
{
	static const struct {
		STATUS status;
		const char *said;
		bool ends;
	} reads[] = {
		{ POSTIL_ERR_IO, "-ERR [SYS/TEMP] the message cannot be read now, try again later\r\n",
		  false },
		{ POSTIL_ERR_TIMEOUT, "-ERR [SYS/TEMP] the message cannot be read now, try again "
		  "later\r\n", true },
		{ POSTIL_ERR_DAMAGED, "-ERR [SYS/PERM] the message cannot be read, ask the "
		  "administrator\r\n", false },
		{ POSTIL_ERR_DELETED, "-ERR [SYS/TEMP] the message was removed by another program\r\n",
		  false },
		{ POSTIL_ERR_LOCK_LOST, "-ERR [SYS/TEMP] the message cannot be read now, try again "
		  "later\r\n", true },
	};
	struct drive d = { .pending = _i % 2 };

	three_messages();
	store_fault_fail(store, STORE_READ, 1, reads[_i].status, false);
	char *said = talk(&d, SLICE_LIT(LOGIN "RETR 1\r\n"), 0);

	ck_assert_str_eq(strstr(said, "has 3 messages.\r\n") + 17, reads[_i].said);
	ck_assert_int_eq(d.next, reads[_i].ends ? NET_CLOSE : NET_CONTINUE);
	free(said);
	drive_close(&d);
}
END_TEST

/* Once it has begun, an answer is whole or the connection ends without its dot. */
START_TEST(later_read_fails)
{
	struct drive d = { .read_most = 5, .pending = _i % 2 };
	struct pop3_session_counts counts;

	three_messages();
	store_fault_fail(store, STORE_READ, 3, POSTIL_ERR_IO, false);
	char *said = talk(&d, SLICE_LIT(LOGIN "RETR 1\r\nNOOP\r\n"), 0);

	ck_assert_str_eq(strstr(said, "+OK 17 octets\r\n") + 15, "Subject: a");
	ck_assert_int_eq(d.next, NET_CLOSE);
	pop3_session_counts(d.session, &counts);
	ck_assert_int_eq(counts.end, POP3_END_READ);
	ck_assert_int_eq(counts.end_status, POSTIL_ERR_IO);
	ck_assert_uint_eq(counts.retrieved, 0);
	free(said);
	drive_close(&d);
}
END_TEST

/* --- logins ---------------------------------------------------------------------------- */

static const struct {
	enum pop3_login_result result;
	STATUS status;
	const char *said;
} logins[] = {
	{ POP3_LOGIN_REFUSED, 0, "-ERR [AUTH] invalid user name or password\r\n" },
	{ POP3_LOGIN_IN_USE, 0, "-ERR [IN-USE] unable to gain exclusive access to maildrop, "
	  "another session has it\r\n" },
	{ POP3_LOGIN_LIMIT, 0, "-ERR [IN-USE] too many sessions of this user\r\n" },
	{ POP3_LOGIN_NO_ACCESS, 0, "-ERR [AUTH] you are not authorized to use the server\r\n" },
	{ POP3_LOGIN_NO_RIGHTS, 0, "-ERR [SYS/PERM] you are not authorized to read your mail file, "
	  "ask the administrator\r\n" },
	{ POP3_LOGIN_WRONG_SERVER, 0, "-ERR [SYS/PERM] your mail file is on another server\r\n" },
	{ POP3_LOGIN_NO_MAILFILE, 0, "-ERR [SYS/PERM] you have no mail file on this server\r\n" },
	{ POP3_LOGIN_TROUBLE_TEMP, 0, "-ERR [SYS/TEMP] login is not possible now, try again "
	  "later\r\n" },
	{ POP3_LOGIN_TROUBLE_PERM, 0, "-ERR [SYS/PERM] your mail file cannot be opened, ask the "
	  "administrator\r\n" },
	{ POP3_LOGIN_OK, POSTIL_ERR_TIMEOUT, "-ERR [SYS/TEMP] login is not possible now, try again "
	  "later\r\n" },
	{ POP3_LOGIN_OK, POSTIL_ERR_LIMIT, "-ERR [SYS/TEMP] login is not possible now, try again "
	  "later\r\n" },
	{ POP3_LOGIN_OK, POSTIL_ERR_DAMAGED, "-ERR [SYS/PERM] your mail file cannot be opened, ask "
	  "the administrator\r\n" },
};

START_TEST(refused_login)
{
	struct drive d = { .pending = _i % 2, .force = logins[_i].result,
		.login_status = logins[_i].status };

	put("x\n");
	char *said = talk(&d, SLICE_LIT(LOGIN "STAT\r\n"), 0);

	ck_assert_str_eq(strstr(said, "please.\r\n") + 9 + strlen(logins[_i].said),
	                 "-ERR log in first\r\n");
	ck_assert_int_eq(strncmp(strstr(said, "please.\r\n") + 9, logins[_i].said,
	                         strlen(logins[_i].said)), 0);
	ck_assert_int_eq(pop3_session_state(d.session), POP3_AUTHORIZATION);
	free(said);
	/* The same session may still get in. */
	d.force = POP3_LOGIN_OK;
	d.login_status = NOERROR;
	drive_feed(&d, SLICE_LIT(LOGIN "STAT\r\n"), 0);
	ck_assert_int_eq(pop3_session_state(d.session), POP3_TRANSACTION);
	drive_close(&d);
}
END_TEST

START_TEST(referred_login)
{
	struct drive d = { .pending = _i % 2, .force = POP3_LOGIN_WRONG_SERVER,
		.referral = "pop://jdoe@other.example" };
	char *said;

	put("x\n");
	said = talk(&d, SLICE_LIT(LOGIN), 0);
	ck_assert_str_eq(strstr(said, "please.\r\n") + 9, "-ERR [REFERRAL/pop://jdoe@other.example] "
	                 "your mail file is on another server\r\n");
	free(said);
	drive_close(&d);
}
END_TEST

/* Without the right to delete DELE marks nothing, and QUIT deletes nothing. */
START_TEST(nothing_may_be_deleted)
{
	struct drive d = { .pending = _i % 2, .keep = true };
	char *said;

	put("x\n");
	said = talk(&d, SLICE_LIT(LOGIN "DELE 1\r\nSTAT\r\nDELE 2\r\nQUIT\r\n"), 0);
	ck_assert_ptr_nonnull(strstr(said, "-ERR [SYS/PERM] you are not authorized to delete in this mail "
	                             "file\r\n+OK 1 3\r\n-ERR no message 2"));
	ck_assert_ptr_nonnull(strstr(said, "+OK Postil POP3 server signing off.\r\n"));
	free(said);
	drive_close(&d);
}
END_TEST

START_TEST(connection_goes_while_pending)
{
	struct drive d = { .pending = true };

	put("x\n");
	free(talk(&d, SLICE_LIT(LOGIN), 0));
	/* A call is begun and never finished. */
	struct buf out = BUF_INIT;
	size_t used;

	ck_assert_int_eq(pop3_session_input(d.session, SLICE_LIT("RETR 1\r\nNOOP\r\n"), &used, &out),
	                 NET_PARKED);
	ck_assert_uint_eq(used, 8);
	ck_assert_int_eq(pop3_session_input(d.session, SLICE_LIT("NOOP\r\n"), &used, &out), NET_PARKED);
	ck_assert_uint_eq(used, 0);
	ck_assert_uint_eq(out.n, 0);
	buf_release(&out);
	drive_close(&d);
	ck_assert_uint_eq(d.closes, 1);
}
END_TEST

START_TEST(failed_logins_end_it)
{
	struct drive d = { 0 };
	struct pop3_session_counts counts;

	put("x\n");
	drive_options(&d.options);
	d.options.max_failed_logins = 2;
	char *said = talk(&d, SLICE_LIT("USER a\r\nPASS b\r\nUSER a\r\nPASS b\r\nNOOP\r\n"), 0);

	ck_assert_int_eq(d.next, NET_CLOSE);
	ck_assert_uint_eq(d.logins, 2);
	pop3_session_counts(d.session, &counts);
	ck_assert_int_eq(counts.end, POP3_END_BAD_LOGINS);
	free(said);
	drive_close(&d);
}
END_TEST

/* --- the service ends ---------------------------------------------------------------------- */

START_TEST(ending)
{
	struct drive d = { 0 };

	three_messages();
	free(talk(&d, SLICE_LIT(LOGIN "DELE 1\r\n"), 0));
	pop3_session_ending(d.session);
	d.out.n = 0;
	drive_feed(&d, SLICE_LIT("QU"), 0);
	ck_assert_uint_eq(d.out.n, 0);          /* nothing unasked */
	drive_feed(&d, SLICE_LIT("IT\r\n"), 0);
	ck_assert_str_eq(buf_cstr(&d.out), "-ERR [SYS/TEMP] the server is shutting down, try again "
	                 "later\r\n");
	ck_assert_int_eq(d.next, NET_CLOSE);
	drive_close(&d);
	ck_assert_uint_eq(d.commits, 0);
}
END_TEST

/* --- limits and sizes ------------------------------------------------------------------------- */

START_TEST(authentication_lines)
{
	struct drive d = { 0 };
	struct buf line = BUF_INIT;

	put("x\n");
	/* "AAAA" is three NULs: a response to PLAIN in form, refused for its content. */
	buf_add_str(&line, "AUTH PLAIN\r\n");
	for (int i = 0; i < 12288 - 2; i++)
		buf_add_char(&line, 'A');
	buf_add_str(&line, "\r\nCAPA\r\nAUTH PLAIN\r\n");
	for (int i = 0; i < 12288 - 1; i++)
		buf_add_char(&line, 'A');
	buf_add_str(&line, "\r\nQUIT\r\n");
	char *said = talk(&d, buf_slice(&line), (size_t)_i);

	ck_assert_ptr_nonnull(strstr(said, "+ \r\n-ERR that is not base64\r\n+OK Capa"));
	ck_assert_ptr_nonnull(strstr(said, "+ \r\n-ERR line too long, authentication cancelled\r\n"
	                             "+OK Postil POP3 server signing off.\r\n"));
	free(said);
	drive_close(&d);
	buf_release(&line);
}
END_TEST

START_TEST(many_messages)
{
	struct drive d = { .pending = true };
	char line[64];

	for (int i = 0; i < 20000; i++)
		put("S: 1\n\nx\n");
	char *said = talk(&d, SLICE_LIT(LOGIN "DELE 20000\r\nLIST\r\nNOOP\r\n"), 0);
	const char *p = strstr(said, "+OK 19999 messages (219989 octets)\r\n");

	ck_assert_ptr_nonnull(p);
	p = strchr(p, '\n') + 1;
	for (int i = 1; i < 20000; i++) {
		int n = snprintf(line, sizeof(line), "%d 11\r\n", i);

		ck_assert_int_eq(strncmp(p, line, (size_t)n), 0);
		p += n;
	}
	ck_assert_str_eq(p, ".\r\n+OK\r\n");
	free(said);
	drive_close(&d);
}
END_TEST

/* A client that pipelines without reading makes the session stop, not grow. */
START_TEST(output_is_bounded)
{
	struct drive d = { .store = store };
	struct buf in = BUF_INIT, out = BUF_INIT;
	size_t used = 0;

	put("x\n");
	free(talk(&d, SLICE_LIT(LOGIN), 0));
	for (int i = 0; i < 20000; i++)
		buf_add_str(&in, "UIDL 1\r\n");
	ck_assert_int_eq(pop3_session_input(d.session, buf_slice(&in), &used, &out), NET_PULL);
	ck_assert_uint_lt(out.n, NET_PIECE + 600);
	ck_assert_uint_lt(used, in.n);
	ck_assert_int_eq(pop3_session_pull(d.session, &out), NET_CONTINUE);
	buf_release(&in);
	buf_release(&out);
	drive_close(&d);
}
END_TEST

START_TEST(out_of_memory_ends_it)
{
	struct drive d = { .store = store };
	struct buf out = BUF_INIT;
	size_t used;

	put("x\n");
	free(talk(&d, SLICE_LIT(LOGIN), 0));
	buf_init(&out, 10);
	ck_assert_int_eq(pop3_session_input(d.session, SLICE_LIT("LIST\r\n"), &used, &out), NET_CLOSE);
	buf_release(&out);
	drive_close(&d);
}
END_TEST

int main(void)
{
	const TTest *const plain[] = { top_reads_little, empty_message,
		nothing_goes_without_quit, connection_goes_while_pending, failed_logins_end_it, ending,
		many_messages, output_is_bounded, out_of_memory_ends_it };
	Suite *suite = suite_create("session");
	TCase *tcase = tcase_create("session");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, every_way_the_same, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_loop_test(tcase, dots_survive, 0, 6);
	tcase_add_loop_test(tcase, top_is_exact, 0, 8);
	tcase_add_loop_test(tcase, update_tells_the_truth, 0,
	                    sizeof(failures) / sizeof(failures[0]));
	tcase_add_loop_test(tcase, quit_marks_only_what_was_asked, 0, 6);
	tcase_add_loop_test(tcase, first_read_fails, 0, 5);
	tcase_add_loop_test(tcase, later_read_fails, 0, 2);
	tcase_add_loop_test(tcase, referred_login, 0, 2);
	tcase_add_loop_test(tcase, nothing_may_be_deleted, 0, 2);
	tcase_add_loop_test(tcase, refused_login, 0, sizeof(logins) / sizeof(logins[0]));
	tcase_add_loop_test(tcase, authentication_lines, 0, 2);
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		tcase_add_test(tcase, plain[i]);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}

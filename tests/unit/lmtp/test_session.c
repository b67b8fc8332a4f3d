/* LMTP sessions: gathering, bounds, trouble. What a peer sees in plain sessions is in the
 * dialogues. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/lmtpdrive.h"
#include "tests/support/stores.h"
#include "tests/support/unit.h"

#define FILE_OF_JADA "mail/jcorrer.nsf"
#define MAIL "MAIL FROM:<a@b>\r\nRCPT TO:<jcorrer@acme.example>\r\n"

static struct lmtp_drive d;
static struct mail_store *fault;

static void setup(void)
{
	struct mail_store *inner;

	d = (struct lmtp_drive){ .pending = false };
	lmtp_drive_options(&d.options);
	ck_assert_uint_eq(store_memory_new(&inner), NOERROR);
	ck_assert_uint_eq(store_fault_new(inner, &fault), NOERROR);
	d.store = fault;
}

static void teardown(void)
{
	lmtp_drive_close(&d);
	d.store->calls->free(&d.store);
}

static void begin(void)
{
	lmtp_drive_open(&d);
	lmtp_drive_feed(&d, SLICE_LIT("LHLO x\r\n"), 0);
	buf_clear(&d.out);
}

static void say(const char *text)
{
	lmtp_drive_feed(&d, slice_of(text), 0);
}

/* What was answered since the last time, codes only: "250 354 ". */
static const char *codes(void)
{
	static char text[8192];
	const char *line = buf_cstr(&d.out);

	text[0] = '\0';
	while (*line != '\0' && strlen(text) + 8 < sizeof(text)) {
		snprintf(text + strlen(text), 8, "%.3s ", line);
		line = strstr(line, "\r\n");
		ck_assert_ptr_nonnull(line);
		line += 2;
	}
	buf_clear(&d.out);
	return text;
}

static unsigned messages(const char *text)
{
	unsigned count = 0;

	while ((text = strstr(text, "Return-Path:")) != NULL) {
		count++;
		text++;
	}
	return count;
}

static unsigned delivered(void)
{
	char *content = lmtp_drive_content(d.store, FILE_OF_JADA);
	unsigned count = messages(content);

	free(content);
	return count;
}

/* Whole transactions by BDAT one behind the other: one call of the store. */
START_TEST(gathers)
{
	struct buf all = BUF_INIT;

	begin();
	for (int i = 0; i < 50; i++)
		buf_add_str(&all, MAIL "BDAT 3 LAST\r\nx\r\n");
	lmtp_drive_feed(&d, buf_slice(&all), 0);
	ck_assert_uint_eq(delivered(), 50);
	ck_assert_uint_eq(store_fault_count(fault, STORE_DELIVER), 1);
	ck_assert_uint_eq(d.deliveries, 1);
	ck_assert_uint_eq(strspn(codes(), "250 "), 50 * 3 * 4);
	buf_release(&all);
}
END_TEST

/* In pieces nothing waits for what has not come. */
START_TEST(waits_for_nobody)
{
	begin();
	say(MAIL "BDAT 3 LAST\r\nx\r\nMAIL FROM:<a@b>\r\nRCPT");
	ck_assert_str_eq(codes(), "250 250 250 250 ");
	ck_assert_uint_eq(delivered(), 1);
	say(" TO:<jcorrer@acme.example>\r\nBDAT 10 LAST\r\nx");
	ck_assert_str_eq(codes(), "250 ");
	say("123456789");
	ck_assert_str_eq(codes(), "250 ");
	ck_assert_uint_eq(delivered(), 2);
}
END_TEST

/* What is gathered is bounded in number and octets. */
START_TEST(gathers_no_more_than)
{
	struct buf all = BUF_INIT;
	char large[LMTP_GATHER_OCTETS / 4 + 1000];

	begin();
	for (int i = 0; i < LMTP_GATHER_MESSAGES * 2; i++)
		buf_add_str(&all, MAIL "BDAT 3 LAST\r\nx\r\n");
	lmtp_drive_feed(&d, buf_slice(&all), 0);
	ck_assert_uint_eq(d.deliveries, 2);
	buf_clear(&all);
	memset(large, 'x', sizeof(large));
	for (int i = 0; i < 8; i++) {
		buf_addf(&all, MAIL "BDAT %zu LAST\r\n", sizeof(large));
		buf_add(&all, large, sizeof(large));
	}
	lmtp_drive_feed(&d, buf_slice(&all), 0);
	ck_assert_uint_eq(d.deliveries, 4);
	ck_assert_uint_eq(delivered(), LMTP_GATHER_MESSAGES * 2 + 8);
	buf_release(&all);
}
END_TEST

/* Each in its place, though the messages go together. */
START_TEST(answers_in_order)
{
	begin();
	say(MAIL "BDAT 3 LAST\r\nx\r\nNOOP\r\nRCPT TO:<jcorrer@acme.example>\r\nMAIL FROM:<>\r\n"
	    "RCPT TO:<nobody@acme.example>\r\nRCPT TO:<alee@acme.example>\r\n"
	    "RCPT TO:<jcorrer@acme.example>\r\nBDAT 1 LAST\r\ny" MAIL "DATA\r\nz\r\n.\r\nQUIT\r\n");
	ck_assert_str_eq(codes(), "250 250 250 250 503 250 550 250 250 250 250 250 250 354 250 221 ");
	ck_assert_uint_eq(d.deliveries, 2);     /* DATA must be answered before its octets come */
	ck_assert_uint_eq(delivered(), 3);
}
END_TEST

/* One message that cannot be stored fails alone, of those that were gathered. */
START_TEST(fails_alone)
{
	begin();
	store_fault_fail(fault, STORE_DELIVER, 1, POSTIL_ERR_QUOTA, false);
	say(MAIL "BDAT 3 LAST\r\nx\r\n" MAIL "BDAT 3 LAST\r\ny\r\n");
	ck_assert_str_eq(codes(), "250 250 250 250 250 250 ");
	ck_assert_uint_eq(delivered(), 2);
	store_fault_fail(fault, STORE_DELIVER, 1, POSTIL_ERR_IO, false);
	say(MAIL "BDAT 3 LAST\r\nx\r\n" MAIL "BDAT 3 LAST\r\ny\r\n");
	ck_assert_str_eq(codes(), "250 250 451 250 250 451 ");
	ck_assert_uint_eq(delivered(), 2);
}
END_TEST

static const struct {
	STATUS status;
	bool quota_stays;
	const char *answer;
} failures[] = {
	{ POSTIL_ERR_QUOTA, false, "452 4.2.2 " }, { POSTIL_ERR_QUOTA, true, "552 5.2.2 " },
	{ POSTIL_ERR_TOO_LONG, false, "552 5.3.4 " }, { POSTIL_ERR_DISK_FULL, false, "452 4.3.1 " },
	{ POSTIL_ERR_BUSY, false, "451 4.3.2 " }, { POSTIL_ERR_DAMAGED, false, "451 4.3.0 " },
	{ POSTIL_ERR_FOREIGN, false, "451 4.3.0 " }, { POSTIL_ERR_IO, false, "451 4.3.0 " },
	{ POSTIL_ERR_UNKNOWN_OUTCOME, false, "451 4.3.0 " }, { POSTIL_ERR_TIMEOUT, false, "451 4.4.2 " },
};

START_TEST(failures_are_told)
{
	d.options.quota_stays = failures[_i].quota_stays;
	begin();
	say(MAIL "DATA\r\nx\r\n");
	buf_clear(&d.out);
	store_fault_fail(fault, STORE_DELIVER, 1, failures[_i].status, false);
	say(".\r\n");
	ck_assert_msg(strncmp(buf_cstr(&d.out), failures[_i].answer, 10) == 0, "%s", buf_cstr(&d.out));
	ck_assert_ptr_nonnull(strstr(buf_cstr(&d.log), "failed ("));
	ck_assert_uint_eq(delivered(), 0);
}
END_TEST

/* A store that never answers: everybody is told so, in order, and the session goes on. */
START_TEST(never_comes_back)
{
	d.pending = _i != 0;
	d.deliver_status = POSTIL_ERR_TIMEOUT;
	begin();
	say("MAIL FROM:<a@b>\r\nRCPT TO:<jcorrer@acme.example>\r\nRCPT TO:<alee@acme.example>\r\n"
	    "BDAT 1 LAST\r\nxNOOP\r\n" MAIL "BDAT 1 LAST\r\ny");
	ck_assert_str_eq(codes(), "250 250 250 451 451 250 250 250 451 ");
	d.deliver_status = NOERROR;
	say(MAIL "BDAT 1 LAST\r\nzQUIT\r\n");
	ck_assert_str_eq(codes(), "250 250 250 221 ");
}
END_TEST

START_TEST(directory_in_trouble)
{
	d.find_status = POSTIL_ERR_TIMEOUT;
	begin();
	say(MAIL "DATA\r\n");
	ck_assert_str_eq(codes(), "250 451 503 ");
	ck_assert_uint_eq(d.finds, 1);
}
END_TEST

/* However many come: so many are taken, all are answered, memory is not theirs. */
START_TEST(a_hundred_thousand_recipients)
{
	struct lmtp_session_counts counts;
	struct buf all = BUF_INIT;
	long before;

	d.options.max_recipients = 100;
	begin();
	say("MAIL FROM:<a@b>\r\n");
	for (int i = 0; i < 1000; i++)
		buf_add_str(&all, "RCPT TO:<jcorrer@acme.example>\r\n");
	lmtp_drive_feed(&d, buf_slice(&all), 0);
	before = unit_resident_kib();
	for (int i = 0; i < 99; i++) {
		buf_clear(&d.out);
		lmtp_drive_feed(&d, buf_slice(&all), 0);
		ck_assert_int_eq(strncmp(buf_cstr(&d.out), "452 4.5.3 ", 10), 0);
	}
	ck_assert_int_lt(unit_resident_kib() - before, 2048);
	lmtp_session_counts(d.session, &counts);
	ck_assert_uint_eq(counts.refused, 100000 - 100);
	ck_assert_uint_eq(d.finds, 100);
	buf_clear(&d.out);
	say("DATA\r\nx\r\n.\r\n");
	ck_assert_int_eq(strncmp(codes(), "354 250 250 ", 12), 0);
	ck_assert_uint_eq(delivered(), 1);
	buf_release(&all);
}
END_TEST

/* Mail files of groups count, too. */
START_TEST(too_many_files)
{
	d.options.max_files = 3;
	begin();
	say("MAIL FROM:<a@b>\r\nRCPT TO:<Staff>\r\nRCPT TO:<Staff>\r\nRCPT TO:<alee>\r\nRCPT TO:<alee>\r\n");
	ck_assert_str_eq(codes(), "250 250 452 250 452 ");
}
END_TEST

/* The service ends: what is whole is still delivered, the next command is refused. */
START_TEST(service_ends)
{
	begin();
	say(MAIL "DATA\r\nx\r\n");
	lmtp_session_ending(d.session);
	say(".\r\nNOOP\r\nNOOP\r\n");
	ck_assert_str_eq(codes(), "250 250 354 250 421 ");
	ck_assert_int_eq(d.next, NET_CLOSE);
	ck_assert_uint_eq(delivered(), 1);
}
END_TEST

/* Nobody is told of a message that is cut off, and nobody has it. */
START_TEST(cut_off)
{
	begin();
	say(MAIL "DATA\r\nx\r\n.\r");
	lmtp_session_free(&d.session);
	ck_assert_uint_eq(delivered(), 0);
	ck_assert_uint_eq(d.deliveries, 0);
}
END_TEST

START_TEST(bad_commands_behind_a_message)
{
	d.options.max_bad_commands = 2;
	d.pending = _i != 0;
	begin();
	say(MAIL "BDAT 1 LAST\r\nxMAIL FROM:x\r\nMAIL FROM:y\r\nNOOP\r\n");
	ck_assert_str_eq(codes(), "250 250 250 501 501 421 ");
	ck_assert_int_eq(d.next, NET_CLOSE);
	ck_assert_uint_eq(delivered(), 1);
}
END_TEST

START_TEST(log_lines)
{
	begin();
	say("MAIL FROM:<a@b>\r\nRCPT TO:<jcorrer@acme.example>\r\nDATA\r\nMessage-ID: <1]\x1b@b>\r\n\r\nsecret\r\n.\r\n");
	ck_assert_str_eq(buf_cstr(&d.log), "lmtp: delivery to [jcorrer@acme.example] from [a@b] "
	                 "message-id [<1\\x5d @b>] size 31: delivered (mail/jcorrer.nsf)\n");
	buf_clear(&d.log);
	say("MAIL FROM:<>\r\nRCPT TO:<Staff>\r\nDATA\r\n.\r\n");
	ck_assert_str_eq(buf_cstr(&d.log), "lmtp: delivery to [Staff] from [] message-id [] size 2: "
	                 "delivered (2 mail files)\n");
}
END_TEST

/* Delivered when every member has it; one whose file cannot be opened holds all back. */
START_TEST(groups_in_part)
{
	begin();
	store_fault_fail(fault, STORE_DELIVER, 3, POSTIL_ERR_QUOTA, false);
	say("MAIL FROM:<>\r\nRCPT TO:<Staff>\r\nDATA\r\nx\r\n.\r\n");
	ck_assert_str_eq(codes(), "250 250 354 452 ");
	ck_assert_uint_eq(delivered(), 1);
	store_fault_fail(fault, STORE_DELIVER, 2, POSTIL_ERR_DAMAGED, false);
	say("MAIL FROM:<>\r\nRCPT TO:<Staff>\r\nDATA\r\nx\r\n.\r\n");
	ck_assert_str_eq(codes(), "250 250 354 451 ");
	ck_assert_uint_eq(delivered(), 1);
}
END_TEST

START_TEST(octet_by_octet_and_pending)
{
	d.pending = true;
	begin();
	lmtp_drive_feed(&d, SLICE_LIT(MAIL "DATA\r\n..x\r\n.\r\nQUIT\r\n"), 1);
	ck_assert_str_eq(codes(), "250 250 354 250 221 ");
	ck_assert_uint_eq(delivered(), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("session");
	TCase *tcase = tcase_create("session");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, gathers);
	tcase_add_test(tcase, waits_for_nobody);
	tcase_add_test(tcase, gathers_no_more_than);
	tcase_add_test(tcase, answers_in_order);
	tcase_add_test(tcase, fails_alone);
	tcase_add_loop_test(tcase, failures_are_told, 0, sizeof(failures) / sizeof(failures[0]));
	tcase_add_loop_test(tcase, never_comes_back, 0, 2);
	tcase_add_test(tcase, directory_in_trouble);
	tcase_add_test(tcase, a_hundred_thousand_recipients);
	tcase_add_test(tcase, too_many_files);
	tcase_add_test(tcase, service_ends);
	tcase_add_test(tcase, cut_off);
	tcase_add_loop_test(tcase, bad_commands_behind_a_message, 0, 2);
	tcase_add_test(tcase, log_lines);
	tcase_add_test(tcase, groups_in_part);
	tcase_add_test(tcase, octet_by_octet_and_pending);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}

/* Deliveries: many messages into many mail files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addin/mail/delivery.h"
#include "mailfile/message.h"
#include "tests/support/stores.h"
#include "tests/support/unit.h"

static struct mail_store *store;

static void begin(void)
{
	struct mail_store *inner;

	ck_assert_uint_eq(store_memory_new(&inner), NOERROR);
	ck_assert_uint_eq(store_fault_new(inner, &store), NOERROR);
}

static void end(void)
{
	store->calls->free(&store);
}

/* All messages of a file, one behind the other, "|" between. */
static const char *content(const char *path)
{
	static char text[4096];
	struct maildrop_options options = { .unread_only = false };
	struct maildrop *drop;
	uint32_t count;
	uint64_t epoch, octets;
	size_t n = 0, got;

	if (store->calls->open(store, path, &options, &drop, &epoch, NULL) != NOERROR)
		return "none";
	store->calls->stat(drop, &count, &octets);
	for (uint32_t i = 0; i < count; i++) {
		if (i > 0)
			text[n++] = '|';
		ck_assert_uint_eq(store->calls->read(drop, i, 0, text + n, sizeof(text) - n - 1, &got, NULL),
		                  NOERROR);
		n += got;
	}
	text[n] = '\0';
	store->calls->close(&drop);
	return text;
}

static struct intake *message(const char *text, struct maildrop_delivery *delivery_r)
{
	struct intake *intake;

	ck_assert_uint_eq(intake_new(NULL, &intake), NOERROR);
	ck_assert_uint_eq(intake_add(intake, text, strlen(text)), NOERROR);
	ck_assert_uint_eq(intake_finish(intake, delivery_r), NOERROR);
	return intake;
}

static void tell(void *context, const struct delivery *delivery, const struct fault *fault)
{
	ck_assert_uint_ne(delivery->status, NOERROR);
	++*(unsigned *)context;
}

START_TEST(tops)
{
	struct buf top = BUF_INIT;
	char text[DELIVERY_ADDRESS_MAX + 1];

	ck_assert_uint_eq(delivery_add_return_path(SLICE_LIT("a@b"), &top), NOERROR);
	ck_assert_uint_eq(delivery_add_delivered_to(SLICE_LIT("c@d"), &top), NOERROR);
	ck_assert_str_eq(buf_cstr(&top), "Return-Path: <a@b>\r\nDelivered-To: c@d\r\n");
	buf_clear(&top);
	ck_assert_uint_eq(delivery_add_return_path(SLICE_LIT(""), &top), NOERROR);
	ck_assert_str_eq(buf_cstr(&top), "Return-Path: <>\r\n");
	buf_clear(&top);
	ck_assert_uint_eq(delivery_add_return_path(SLICE_LIT("a\r\nX: y"), &top), POSTIL_ERR_INVALID);
	ck_assert_uint_eq(delivery_add_delivered_to(SLICE_LIT("a\nb"), &top), POSTIL_ERR_INVALID);
	ck_assert_uint_eq(delivery_add_delivered_to((struct slice){ "\0", 1 }, &top), POSTIL_ERR_INVALID);
	memset(text, 'x', sizeof(text));
	ck_assert_uint_eq(delivery_add_delivered_to((struct slice){ text, sizeof(text) }, &top),
	                  POSTIL_ERR_TOO_LONG);
	ck_assert_uint_eq(top.n, 0);
	buf_release(&top);
}
END_TEST

/* Two messages into two files, one of them twice over: a call of the store for each file. */
START_TEST(batch)
{
	struct maildrop_delivery one, two;
	struct intake *a, *b;
	unsigned failed = 0;
	struct delivery list[] = {
		{ .path = "mail/x", .message = &one, .top = SLICE_LIT("T: 1\r\n") },
		{ .path = "mail/y", .message = &one, .top = SLICE_LIT("T: 2\r\n") },
		{ .path = "mail/x", .message = &two, .top = SLICE_LIT("") },
	};

	begin();
	a = message("A: 1\n\n.one\n", &one);
	b = message("B: 2\n", &two);
	delivery_run(store, list, 3, tell, &failed);
	ck_assert_uint_eq(failed, 0);
	ck_assert_uint_eq(store_fault_count(store, STORE_DELIVER), 2);
	ck_assert_str_eq(content("mail/x"), "T: 1\r\nA: 1\r\n\r\n.one\r\n|B: 2\r\n");
	ck_assert_str_eq(content("mail/y"), "T: 2\r\nA: 1\r\n\r\n.one\r\n");
	intake_free(&a);
	intake_free(&b);
	end();
}
END_TEST

/* Each part of a message with a top: across their border, too. */
START_TEST(size_and_header)
{
	struct maildrop_options options = { .unread_only = false };
	struct maildrop_message info;
	struct maildrop_delivery one;
	struct maildrop *drop;
	struct intake *a;
	struct delivery list[] = { { .path = "x", .message = &one, .top = SLICE_LIT("T: 1\r\n") } };
	uint64_t epoch;
	char part[4];
	size_t got;

	begin();
	a = message("A: 1\n\nbody\n", &one);
	delivery_run(store, list, 1, NULL, NULL);
	ck_assert_uint_eq(store->calls->open(store, "x", &options, &drop, &epoch, NULL), NOERROR);
	store->calls->message(drop, 0, &info);
	ck_assert_uint_eq(info.size_octets, 6 + 8 + 6);
	ck_assert_uint_eq(info.header_octets, 6 + 8);
	ck_assert_uint_eq(store->calls->read(drop, 0, 4, part, 4, &got, NULL), NOERROR);
	ck_assert_mem_eq(part, "\r\nA:", 4);
	store->calls->close(&drop);
	intake_free(&a);
	end();
}
END_TEST

/* What one message alone makes impossible does not keep the others from the file. */
START_TEST(one_cannot_be_stored)
{
	struct maildrop_delivery one, two;
	struct intake *a, *b;
	unsigned failed = 0;
	struct delivery list[] = {
		{ .path = "x", .message = &one }, { .path = "x", .message = &two },
	};

	begin();
	a = message("A\n", &one);
	b = message("B\n", &two);
	store_fault_fail(store, STORE_DELIVER, 1, POSTIL_ERR_QUOTA, false);
	delivery_run(store, list, 2, tell, &failed);
	ck_assert_uint_eq(failed, 0);
	ck_assert_uint_eq(store_fault_count(store, STORE_DELIVER), 3);
	ck_assert_str_eq(content("x"), "A\r\n|B\r\n");
	store_fault_fail(store, STORE_DELIVER, 1, POSTIL_ERR_IO, false);
	delivery_run(store, list, 2, tell, &failed);
	ck_assert_uint_eq(failed, 2);
	ck_assert_uint_eq(list[0].status, POSTIL_ERR_IO);
	ck_assert_uint_eq(list[1].status, POSTIL_ERR_IO);
	ck_assert_str_eq(content("x"), "A\r\n|B\r\n");
	store_fault_fail(store, STORE_DELIVER, 1, POSTIL_ERR_QUOTA, false);
	delivery_run(store, list + 1, 1, tell, &failed);
	ck_assert_uint_eq(failed, 3);
	ck_assert_uint_eq(list[1].status, POSTIL_ERR_QUOTA);
	intake_free(&a);
	intake_free(&b);
	end();
}
END_TEST

/* A failure in one file leaves the others alone. */
START_TEST(other_files)
{
	struct maildrop_delivery one;
	struct intake *a;
	struct delivery list[] = {
		{ .path = "b", .message = &one }, { .path = "a", .message = &one },
		{ .path = "c", .message = &one },
	};
	struct fault fault;

	begin();
	a = message("A\n", &one);
	store_fault_fail(store, STORE_DELIVER, 1, POSTIL_ERR_DAMAGED, false);
	delivery_run(store, list, 3, NULL, NULL);
	ck_assert_uint_eq(list[0].status, NOERROR);
	ck_assert_uint_eq(list[1].status, POSTIL_ERR_DAMAGED);
	ck_assert_uint_eq(list[2].status, NOERROR);
	ck_assert_str_eq(content("a"), "none");
	ck_assert_uint_eq(delivery_prepare(store, list, 3, &fault), NOERROR);
	ck_assert_str_eq(content("a"), "");
	store_fault_fail(store, STORE_DELIVER, 2, POSTIL_ERR_DAMAGED, false);
	ck_assert_uint_eq(delivery_prepare(store, list, 3, &fault), POSTIL_ERR_DAMAGED);
	intake_free(&a);
	end();
}
END_TEST

/* Several threads: each file has its messages in order, each failure is told once. */
START_TEST(many_files)
{
	enum { FILES = 60, EACH = 3 };
	struct maildrop_delivery messages[EACH];
	struct intake *intakes[EACH];
	struct delivery list[FILES * EACH];
	char paths[FILES][16];
	unsigned failed = 0;

	begin();
	intakes[0] = message("A\n", &messages[0]);
	intakes[1] = message("B\n", &messages[1]);
	intakes[2] = message("C\n", &messages[2]);
	for (int i = 0; i < FILES; i++)
		snprintf(paths[i], sizeof(paths[i]), "mail/%d", i);
	for (int i = 0; i < FILES * EACH; i++)
		list[i] = (struct delivery){ .path = paths[i % FILES], .message = &messages[i / FILES] };
	store_fault_fail(store, STORE_DELIVER, 30, POSTIL_ERR_IO, false);
	delivery_run(store, list, FILES * EACH, tell, &failed);
	ck_assert_uint_eq(failed, EACH);
	ck_assert_uint_eq(store_fault_count(store, STORE_DELIVER), FILES);
	for (int i = 0; i < FILES; i++) {
		const char *wanted = list[i].status == NOERROR ? "A\r\n|B\r\n|C\r\n" : "none";

		ck_assert_str_eq(content(paths[i]), wanted);
		failed += list[i].status != NOERROR;
	}
	ck_assert_uint_eq(failed, EACH + 1);
	for (int i = 0; i < EACH; i++)
		intake_free(&intakes[i]);
	end();
}
END_TEST

/* --- for clients without UTF8 -------------------------------------------------------- */

static struct buf first_form, second_form;      /* of the last message delivered to capture */

static void read_form(const struct maildrop_delivery *message, struct buf *form)
{
	buf_clear(form);
	if (message == NULL)
		return;
	ck_assert_uint_eq(buf_reserve(form, message->size_octets), NOERROR);
	for (uint64_t i = 0; i < message->size_octets; i++)     /* octet by octet: across the border */
		ck_assert_uint_eq(message->body(message->context, i, form->p + i, 1), NOERROR);
	form->n = message->size_octets;
	ck_assert_uint_le(message->header_octets, form->n);
	ck_assert_mem_eq(form->p + message->header_octets - 4, "\r\n\r\n", 4);
}

static STATUS capture(struct mail_store *unused, const char *path, bool make, struct slice owner,
                      const struct maildrop_delivery *messages, size_t count, struct fault *fault)
{
	ck_assert_uint_eq(count, 1);
	read_form(messages, &first_form);
	read_form(messages->second, &second_form);
	return NOERROR;
}

static const struct {
	bool smtputf8;
	const char *text, *top, *first, *second;
} forms[] = {
	{ false, "Subject: x\n\nb\n", "Delivered-To: a@b\r\n",
	  "Delivered-To: a@b\r\nSubject: x\r\n\r\nb\r\n", "" },
	/* mail of old: served as it came */
	{ false, "Subject: \xC3\xBC\n\nb\n", "Delivered-To: a@b\r\n",
	  "Delivered-To: a@b\r\nSubject: \xC3\xBC\r\n\r\nb\r\n", "" },
	{ true, "Subject: x\n\n\xC3\xBC\n", "Delivered-To: a@b\r\n",
	  "Delivered-To: a@b\r\nSubject: x\r\n\r\n\xC3\xBC\r\n", "" },
	{ true, "Subject: \xC3\xBC\n\nb\n", "Delivered-To: a@b\r\n",
	  "Delivered-To: a@b\r\nSubject: \xC3\xBC\r\n\r\nb\r\n",
	  "Delivered-To: a@b\r\nSubject: =?UTF-8?B?w7w=?=\r\n\r\nb\r\n" },
	{ true, "Subject: x\n\n\xC3\xBC\n", "Delivered-To: \xC3\xBC@b\r\n",
	  "Delivered-To: \xC3\xBC@b\r\nSubject: x\r\n\r\n\xC3\xBC\r\n", "Downgraded-Delivered-To: =?UTF-8?Q?=C3=BC@b?=\r\n"
	  "Subject: x\r\n\r\n\xC3\xBC\r\n" },
};

START_TEST(second_forms)
{
	struct maildrop_store_calls calls = { .version = 1, .deliver = capture };
	struct mail_store capturing = { &calls };
	struct intake_options options = { .smtputf8 = forms[_i].smtputf8 };
	struct maildrop_delivery message;
	struct delivery one = { .path = "x", .message = &message, .top = slice_of(forms[_i].top) };
	struct intake *intake;

	ck_assert_uint_eq(intake_new(&options, &intake), NOERROR);
	ck_assert_uint_eq(intake_add(intake, forms[_i].text, strlen(forms[_i].text)), NOERROR);
	ck_assert_uint_eq(intake_finish(intake, &message), NOERROR);
	delivery_run(&capturing, &one, 1, NULL, NULL);
	ck_assert_str_eq(buf_cstr(&first_form), forms[_i].first);
	ck_assert_str_eq(buf_cstr(&second_form), forms[_i].second);
	intake_free(&intake);
	buf_release(&first_form);
	buf_release(&second_form);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("delivery");
	TCase *tcase = tcase_create("delivery");

	tcase_add_test(tcase, tops);
	tcase_add_test(tcase, batch);
	tcase_add_test(tcase, size_and_header);
	tcase_add_test(tcase, one_cannot_be_stored);
	tcase_add_test(tcase, other_files);
	tcase_add_test(tcase, many_files);
	tcase_add_loop_test(tcase, second_forms, 0, sizeof(forms) / sizeof(forms[0]));
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	SRunner *runner = srunner_create(make_suite());
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}

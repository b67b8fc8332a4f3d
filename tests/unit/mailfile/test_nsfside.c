/* The store on note databases while the Notes side is at work in the same file: notes are rendered,
 * messages are moved and deleted under a session, quotas hold. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mailfile/message.h"
#include "mailfile/render.h"
#include "mailfile/store.h"
#include "nsf/nsf.h"
#include "tests/support/stores.h"
#include "tests/support/unit.h"
#include "tests/unit/nsf/help.h"

#define BOX "mail/jdoe.nsf"
#define UNID "0123456789ABCDEF0123456789ABCDEF"

static char *dir;
static char path[600];
static struct mail_store *store;
static struct nsf *nsf;         /* the Notes side */
static char told[600];
static struct arena arena = ARENA_INIT;

static void take_line(void *context, const char *text)
{
	(void)context;
	snprintf(told, sizeof(told), "%s", text);
}

static STATUS jane(void *context, struct slice name, struct buf *address_r)
{
	(void)context;
	(void)name;
	buf_add_slice(address_r, SLICE_LIT("jane@acme.example"));
	return buf_status(address_r);
}

static void setup(void)
{
	struct render_options render = { .address = jane, .domain = SLICE_LIT("acme.example") };
	struct nsfstore_options options = { .render = &render, .tell = take_line };

	dir = unit_tempdir();
	snprintf(path, sizeof(path), "%s/" BOX, dir);
	ck_assert_uint_eq(nsfstore_new(dir, &options, &store, NULL), NOERROR);
	ck_assert_uint_eq(store->calls->create(store, BOX, SLICE_LIT("CN=Jane/O=Acme"), NULL), NOERROR);
	ck_assert_uint_eq(nsf_open(path, &nsf, NULL), NOERROR);
	told[0] = '\0';
}

static void teardown(void)
{
	nsf_close(&nsf);
	store->calls->free(&store);
	ck_assert_uint_eq(nsf_check(path, NULL, NULL, NULL), NOERROR);
	arena_release(&arena);
	unit_tempdir_remove(&dir);
}

static void put(const char *text)
{
	ck_assert_uint_eq(store_put(store, BOX, text, strlen(text), NULL), NOERROR);
}

static struct maildrop *open_box(void)
{
	struct fault fault = { 0 };
	struct maildrop *drop = NULL;
	uint64_t epoch;
	STATUS status = store->calls->open(store, BOX, NULL, &drop, &epoch, &fault);

	ck_assert_msg(status == NOERROR, "%s", fault_text(&fault, status));
	return drop;
}

static uint32_t count_of(struct maildrop *drop)
{
	uint32_t count;
	uint64_t octets;

	store->calls->stat(drop, &count, &octets);
	return count;
}

/* The octets of a message, as many as its size says. The caller frees. */
static char *octets_of(struct maildrop *drop, uint32_t index)
{
	struct maildrop_message m;
	char *text;
	size_t got = 0;

	store->calls->message(drop, index, &m);
	text = calloc(1, m.size_octets + 2);
	ck_assert_uint_eq(store->calls->read(drop, index, 0, text, m.size_octets + 1, &got, NULL),
	                  NOERROR);
	ck_assert_uint_eq(got, m.size_octets);
	return text;
}

static uint64_t put_note(const char *subject)
{
	struct note note;
	uint64_t id;

	note_init(&note, &arena);
	note.class = NOTE_CLASS_DOCUMENT;
	note.has_unid = unid_parse(SLICE_LIT(UNID), &note.unid);
	note_add_text(&note, "Form", SLICE_LIT("Memo"));
	note_add_text(&note, "Subject", slice_of(subject));
	note_add_text(&note, "Body", SLICE_LIT("written in Notes"));
	ck_assert_uint_eq(nsf_note_put(nsf, &note, &id), NOERROR);
	ck_assert_uint_eq(nsf_inbox_add_pending(nsf, id), NOERROR);
	return id;
}

static char *uidl_of(struct maildrop *drop, uint32_t index)
{
	struct maildrop_message m;

	store->calls->message(drop, index, &m);
	return strndup(m.uidl.p, m.uidl.n);
}

/* Rendered once, the same from session to session; changed, it is another message. */
START_TEST(test_rendered_at_open)
{
	struct maildrop *drop;
	char *first, *again, *uidl, *later, octet[1];
	size_t got;

	put("Subject: received\n\nx\n");
	put_note("made here");
	drop = open_box();
	ck_assert_uint_eq(count_of(drop), 2);
	first = octets_of(drop, 1);
	uidl = uidl_of(drop, 1);
	ck_assert_ptr_nonnull(strstr(first, "Subject: made here\r\n"));
	ck_assert_ptr_nonnull(strstr(first, "written in Notes"));
	again = octets_of(drop, 1);
	ck_assert_str_eq(first, again);
	free(again);
	put_note("changed");                    /* under the session, which never sees the new octets */
	ck_assert_uint_eq(store->calls->read(drop, 1, 0, octet, 1, &got, NULL), POSTIL_ERR_DELETED);
	store->calls->close(&drop);
	drop = open_box();
	ck_assert_uint_eq(count_of(drop), 2);
	again = octets_of(drop, 1);
	later = uidl_of(drop, 1);
	ck_assert_ptr_nonnull(strstr(again, "Subject: changed\r\n"));
	ck_assert_str_ne(uidl, later);
	store->calls->close(&drop);
	ck_assert_str_eq(told, "");
	free(first);
	free(again);
	free(uidl);
	free(later);
}
END_TEST

/* Forty at once, in batches, one of which cannot be read: the others are served. */
START_TEST(test_one_cannot_be_rendered)
{
	struct slice values[2] = { SLICE_LIT("a"), SLICE_LIT("") };
	uint64_t ids[40], octets;
	struct maildrop *drop;
	uint32_t count;

	for (size_t i = 0; i < 40; i++) {
		struct note note;

		note_init(&note, &arena);
		note.class = NOTE_CLASS_DOCUMENT;
		note_add(&note, SLICE_LIT("Subject"), ITEM_TEXT, 0, values, i == 20 ? 2 : 1);
		ck_assert_uint_eq(nsf_note_put(nsf, &note, &ids[i]), NOERROR);
		ck_assert_uint_eq(nsf_inbox_add_pending(nsf, ids[i]), NOERROR);
	}
	/* a list of values that lies about its length */
	help_sql(path, "UPDATE item SET value=x'ffffffff' WHERE typeof(value)='blob'");
	drop = open_box();
	store->calls->stat(drop, &count, &octets);
	ck_assert_uint_eq(count, 39);
	ck_assert_ptr_nonnull(strstr(told, "cannot be made a message"));
	store->calls->close(&drop);
	help_sql(path, "UPDATE item SET value='' WHERE typeof(value)='blob'");
}
END_TEST

/* Numbers stay; what was moved can be fetched, what was deleted says so; DELE of what the user has
 * filed meanwhile leaves it there. */
START_TEST(test_changed_under_a_session)
{
	static const uint32_t all[] = { 0, 1, 2 };
	struct maildrop *drop;
	char *text, out[10];
	size_t got;

	put("zero\n");
	put("one\n");
	put("two\n");
	ck_assert_uint_eq(nsf_folder_make(nsf, SLICE_LIT("Kept")), NOERROR);
	drop = open_box();
	ck_assert_uint_eq(nsf_folder_add(nsf, SLICE_LIT("Kept"), 1), NOERROR);
	ck_assert_uint_eq(nsf_folder_take(nsf, SLICE_LIT(NSF_INBOX), 1), NOERROR);
	ck_assert_uint_eq(nsf_note_delete(nsf, 2), NOERROR);
	put("three\n");
	ck_assert_uint_eq(count_of(drop), 3);
	text = octets_of(drop, 0);
	ck_assert_str_eq(text, "zero\r\n");
	free(text);
	ck_assert_uint_eq(store->calls->read(drop, 1, 0, out, 10, &got, NULL), POSTIL_ERR_DELETED);
	text = octets_of(drop, 2);
	ck_assert_str_eq(text, "two\r\n");
	free(text);
	ck_assert_uint_eq(store->calls->commit(drop, all, 3, NULL, 0, NULL), NOERROR);
	store->calls->close(&drop);
	drop = open_box();
	ck_assert_uint_eq(count_of(drop), 1);
	text = octets_of(drop, 0);
	ck_assert_str_eq(text, "three\r\n");
	free(text);
	store->calls->close(&drop);
	ck_assert_uint_eq(nsf_folder_take(nsf, SLICE_LIT("Kept"), 1), NOERROR);
	ck_assert_uint_eq(nsf_inbox_add_pending(nsf, 1), NOERROR);
	drop = open_box();
	ck_assert_uint_eq(count_of(drop), 2);
	store->calls->close(&drop);
}
END_TEST

/* The trash of a file with soft deletion, and back, with the UIDL that clients know. */
START_TEST(test_soft_deletion)
{
	static const uint32_t first = 0;
	struct maildrop *drop;
	char *before, *after;

	ck_assert_uint_eq(nsf_setting_set(nsf, NSF_SOFT_DELETE_HOURS, 48), NOERROR);
	put("one\n");
	drop = open_box();
	before = uidl_of(drop, 0);
	ck_assert_uint_eq(store->calls->commit(drop, &first, 1, NULL, 0, NULL), NOERROR);
	store->calls->close(&drop);
	drop = open_box();
	ck_assert_uint_eq(count_of(drop), 0);
	store->calls->close(&drop);
	ck_assert_uint_eq(nsf_trash_restore(nsf, 1), NOERROR);
	drop = open_box();
	ck_assert_uint_eq(count_of(drop), 1);
	after = uidl_of(drop, 0);
	ck_assert_str_eq(before, after);
	store->calls->close(&drop);
	free(before);
	free(after);
}
END_TEST

static STATUS put_big(size_t octets, struct fault *fault)
{
	char *text = malloc(octets);
	struct maildrop_delivery d;
	struct intake *intake;
	STATUS status;

	memset(text, 'x', octets);
	ck_assert_uint_eq(intake_new(NULL, &intake), NOERROR);
	ck_assert_uint_eq(intake_add(intake, text, octets), NOERROR);
	ck_assert_uint_eq(intake_finish(intake, &d), NOERROR);
	status = store->calls->deliver(store, BOX, false, SLICE_LIT(""), &d, 1, fault);
	intake_free(&intake);
	free(text);
	return status;
}

START_TEST(test_quota)
{
	static const uint32_t first = 0;
	struct fault fault = { 0 };
	struct nsf_quota quota;
	struct maildrop *drop;
	char *text;

	ck_assert_uint_eq(nsf_quota_get(nsf, &quota), NOERROR);
	ck_assert_uint_eq(nsf_setting_set(nsf, NSF_WARNING_OCTETS, quota.used_octets + 200000), NOERROR);
	ck_assert_uint_eq(nsf_setting_set(nsf, NSF_QUOTA_OCTETS, quota.used_octets + 500000), NOERROR);
	ck_assert_uint_eq(put_big(100000, NULL), NOERROR);
	ck_assert_str_eq(told, "");
	ck_assert_uint_eq(put_big(200000, NULL), NOERROR);
	ck_assert_ptr_nonnull(strstr(told, "mail/jdoe.nsf uses "));
	ck_assert_ptr_nonnull(strstr(told, "its owner has been told"));
	told[0] = '\0';
	ck_assert_uint_eq(put_big(1000, NULL), NOERROR);
	ck_assert_str_eq(told, "");                     /* once */
	ck_assert_uint_eq(put_big(300000, &fault), POSTIL_ERR_QUOTA);
	ck_assert_ptr_nonnull(strstr(fault.text, "mail/jdoe.nsf: uses "));
	drop = open_box();
	ck_assert_uint_eq(count_of(drop), 4);
	text = octets_of(drop, 2);
	ck_assert_ptr_nonnull(strstr(text, "Subject: Quota Report: your mail file is nearly full\r\n"));
	ck_assert_ptr_nonnull(strstr(text, "To: <jane@acme.example>\r\n"));
	ck_assert_ptr_nonnull(strstr(text, "From: Mail Router <postmaster@acme.example>\r\n"));
	ck_assert_ptr_nonnull(strstr(text, "Your mail file mail/jdoe.nsf uses "));
	free(text);
	text = octets_of(drop, 0);
	free(text);
	ck_assert_uint_eq(store->calls->commit(drop, &first, 1, NULL, 0, NULL), NOERROR);
	store->calls->close(&drop);
	ck_assert_uint_eq(put_big(250000, NULL), NOERROR);      /* deleting has made room */
}

static STATUS no_octets(void *context, uint64_t offset, void *out, size_t size)
{
	(void)context;
	(void)offset;
	(void)out;
	(void)size;
	return POSTIL_ERR_IO;
}

/* The file that a delivery made belongs to its owner, whatever became of the message. */
START_TEST(test_owner_of_a_failed_delivery)
{
	struct maildrop_delivery d = { .size_octets = 10, .header_octets = 10, .body = no_octets };
	struct nsf *made = NULL;
	struct buf owner = BUF_INIT;
	char name[600];

	ck_assert_uint_eq(store->calls->deliver(store, "mail/new.nsf", true, SLICE_LIT("CN=New/O=Acme"),
	                                        &d, 1, NULL), POSTIL_ERR_IO);
	snprintf(name, sizeof(name), "%s/mail/new.nsf", dir);
	ck_assert_uint_eq(nsf_open(name, &made, NULL), NOERROR);
	ck_assert_uint_eq(nsf_property_get(made, NSF_PROPERTY_OWNER, &owner), NOERROR);
	ck_assert_str_eq(buf_cstr(&owner), "CN=New/O=Acme");
	buf_release(&owner);
	nsf_close(&made);
}
END_TEST
END_TEST

int main(void)
{
	Suite *suite = suite_create("nsfside");
	TCase *tc = tcase_create("nsfside");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_rendered_at_open);
	tcase_add_test(tc, test_one_cannot_be_rendered);
	tcase_add_test(tc, test_changed_under_a_session);
	tcase_add_test(tc, test_soft_deletion);
	tcase_add_test(tc, test_quota);
	tcase_add_test(tc, test_owner_of_a_failed_delivery);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}

/*
 * The maildrop contract (mailfile/store.h): one suite, run against every store.
 * What only the durable store can show is in test_nsfstore.c.
 */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mailfile/message.h"
#include "mailfile/store.h"
#include "tests/support/stores.h"
#include "tests/support/unit.h"

static const char *const stores[] = { "memory", "fault", "nsf" };
#define STORES (sizeof(stores) / sizeof(stores[0]))
#define BOX "mail/jdoe.nsf"
#define OWNER SLICE_LIT("CN=Jane Doe/O=Acme")

static char *dir;
static struct mail_store *store;

static void setup(void)
{
	dir = unit_tempdir();
}

static void teardown(void)
{
	if (store != NULL)
		store->calls->free(&store);
	ck_assert_ptr_null(store);
	unit_tempdir_remove(&dir);
}

static void use(int which)
{
	struct mail_store *inner = NULL;
	STATUS status;

	if (strcmp(stores[which], "nsf") == 0)
		status = nsfstore_new(dir, NULL, &store, NULL);
	else
		status = store_memory_new(&store);
	ck_assert_uint_eq(status, NOERROR);
	if (strcmp(stores[which], "fault") == 0) {
		inner = store;
		ck_assert_uint_eq(store_fault_new(inner, &store), NOERROR);
	}
	ck_assert_int_eq(store->calls->version, 1);
}

static void put(const char *text)
{
	ck_assert_uint_eq(store_put(store, BOX, text, strlen(text), NULL), NOERROR);
}

static struct maildrop *open_with(const struct maildrop_options *options)
{
	struct fault fault = { 0 };
	struct maildrop *drop = NULL;
	uint64_t epoch;
	STATUS status = store->calls->open(store, BOX, options, &drop, &epoch, &fault);

	ck_assert_msg(status == NOERROR, "open: %s", fault_text(&fault, status));
	return drop;
}

static STATUS try_open(void)
{
	struct maildrop *drop = NULL;
	uint64_t epoch;
	STATUS status = store->calls->open(store, BOX, NULL, &drop, &epoch, NULL);

	if (drop != NULL)
		store->calls->close(&drop);
	return status;
}

static void expect_stat(struct maildrop *drop, uint32_t count, uint64_t octets)
{
	uint32_t count_is;
	uint64_t octets_are;

	store->calls->stat(drop, &count_is, &octets_are);
	ck_assert_uint_eq(count_is, count);
	ck_assert_uint_eq(octets_are, octets);
}

static void expect_text(struct maildrop *drop, uint32_t index, const char *text)
{
	size_t n = strlen(text), got = 0;
	char *out = malloc(n + 16);

	ck_assert_uint_eq(store->calls->read(drop, index, 0, out, n + 16, &got, NULL), NOERROR);
	ck_assert_uint_eq(got, n);
	ck_assert_mem_eq(out, text, n);
	free(out);
}

static char *uidl_of(struct maildrop *drop, uint32_t index)
{
	struct maildrop_message m;

	store->calls->message(drop, index, &m);
	return strndup(m.uidl.p, m.uidl.n);
}

START_TEST(test_not_there)
{
	use(_i);
	ck_assert_uint_eq(try_open(), POSTIL_ERR_NOEXIST);
	ck_assert_uint_eq(store->calls->deliver(store, BOX, false, OWNER, NULL, 0, NULL),
	                  POSTIL_ERR_NOEXIST);
	ck_assert_uint_eq(store->calls->remove(store, BOX, NULL), POSTIL_ERR_NOEXIST);
	ck_assert_uint_eq(store->calls->create(store, BOX, OWNER, NULL), NOERROR);
	ck_assert_uint_eq(store->calls->create(store, BOX, OWNER, NULL), POSTIL_ERR_EXISTS);
	ck_assert_uint_eq(try_open(), NOERROR);
	ck_assert_uint_eq(store->calls->remove(store, BOX, NULL), NOERROR);
	ck_assert_uint_eq(try_open(), POSTIL_ERR_NOEXIST);
	put("again\n");                 /* delivery makes it */
	ck_assert_uint_eq(try_open(), NOERROR);
}
END_TEST

START_TEST(test_list)
{
	struct maildrop_message m;
	struct maildrop *drop;
	char *first, *second;

	use(_i);
	put("Subject: one\n\n.dot\n");
	put("Subject: two\n\nbody");
	put("");
	drop = open_with(NULL);
	expect_stat(drop, 3, 22 + 22 + 2);
	store->calls->message(drop, 0, &m);
	ck_assert_uint_eq(m.size_octets, 22);
	ck_assert_uint_eq(m.header_octets, 16);
	ck_assert(m.has_dot_line);
	store->calls->message(drop, 1, &m);
	ck_assert(!m.has_dot_line);
	store->calls->message(drop, 2, &m);     /* no message is empty */
	ck_assert_uint_eq(m.size_octets, 2);
	expect_text(drop, 2, "\r\n");
	first = uidl_of(drop, 0);
	second = uidl_of(drop, 1);
	ck_assert_str_ne(first, second);
	for (const char *p = first; *p != '\0'; p++)
		ck_assert(*p >= 0x21 && *p <= 0x7E);
	ck_assert(strlen(first) > 0 && strlen(first) <= MAILDROP_UIDL_MAX);
	ck_assert_uint_gt(store->calls->memory(drop), 0);
	store->calls->close(&drop);
	ck_assert_ptr_null(drop);
	store->calls->close(&drop);     /* does nothing */
	free(first);
	free(second);
}
END_TEST

START_TEST(test_read)
{
	struct maildrop *drop;
	char out[16];
	size_t got;

	use(_i);
	put("0123456789\n");
	drop = open_with(NULL);
	expect_text(drop, 0, "0123456789\r\n");
	ck_assert_uint_eq(store->calls->read(drop, 0, 4, out, 3, &got, NULL), NOERROR);
	ck_assert(got == 3 && memcmp(out, "456", 3) == 0);
	ck_assert_uint_eq(store->calls->read(drop, 0, 10, out, 3, &got, NULL), NOERROR);
	ck_assert(got == 2 && memcmp(out, "\r\n", 2) == 0);
	ck_assert_uint_eq(store->calls->read(drop, 0, 12, out, 3, &got, NULL), NOERROR);
	ck_assert_uint_eq(got, 0);
	ck_assert_uint_eq(store->calls->read(drop, 0, 1ull << 40, out, 3, &got, NULL), NOERROR);
	ck_assert_uint_eq(got, 0);
	store->calls->close(&drop);
}
END_TEST

START_TEST(test_big_body)
{
	size_t n = 1024 * 1024 + 77, at = 0, got;
	char *text = malloc(n), *out = malloc(n);
	struct maildrop *drop;

	use(_i);
	for (size_t i = 0; i < n; i++)
		text[i] = i % 64 == 62 ? '\r' : i % 64 == 63 ? '\n' : (char)('a' + i / 64 % 26);
	memcpy(text + n - 2, "\r\n", 2);
	ck_assert_uint_eq(store_put(store, BOX, text, n, NULL), NOERROR);
	drop = open_with(NULL);
	expect_stat(drop, 1, n);
	do {
		ck_assert_uint_eq(store->calls->read(drop, 0, at, out + at,
			n - at < 65536 ? n - at : 65536, &got, NULL), NOERROR);
		at += got;
	} while (got > 0 && at < n);
	ck_assert_uint_eq(at, n);
	ck_assert_mem_eq(text, out, n);
	store->calls->close(&drop);
	free(text);
	free(out);
}
END_TEST

START_TEST(test_two_sessions)
{
	struct maildrop_options look = { .look_only = true };
	struct maildrop *drop, *looker;
	uint64_t first, second;
	uint32_t index = 0;

	use(_i);
	put("a\n");
	ck_assert_uint_eq(store->calls->open(store, BOX, NULL, &drop, &first, NULL), NOERROR);
	ck_assert_uint_eq(try_open(), POSTIL_ERR_IN_USE);
	ck_assert_uint_eq(store->calls->remove(store, BOX, NULL), POSTIL_ERR_IN_USE);
	looker = open_with(&look);
	expect_stat(looker, 1, 3);
	expect_text(looker, 0, "a\r\n");
	ck_assert_uint_eq(store->calls->commit(looker, &index, 1, NULL, 0, NULL),
	                  POSTIL_ERR_INVALID);
	store->calls->close(&looker);
	ck_assert_uint_eq(try_open(), POSTIL_ERR_IN_USE);
	store->calls->close(&drop);
	ck_assert_uint_eq(store->calls->open(store, BOX, NULL, &drop, &second, NULL), NOERROR);
	ck_assert_uint_gt(second, first);
	expect_stat(drop, 1, 3);
	store->calls->close(&drop);
}
END_TEST

START_TEST(test_deliver_during_session)
{
	struct maildrop *drop;
	uint32_t index = 0;

	use(_i);
	put("a\n");
	drop = open_with(NULL);
	put("b\n");
	expect_stat(drop, 1, 3);
	ck_assert_uint_eq(store->calls->commit(drop, &index, 1, NULL, 0, NULL), NOERROR);
	put("c\n");
	store->calls->close(&drop);
	drop = open_with(NULL);
	expect_stat(drop, 2, 6);
	expect_text(drop, 0, "b\r\n");
	expect_text(drop, 1, "c\r\n");
	store->calls->close(&drop);
}
END_TEST

START_TEST(test_commit)
{
	static const uint32_t deleted[] = { 4, 0, 2 };
	struct maildrop *drop;
	char text[16], *kept, *after;

	use(_i);
	for (int i = 0; i < 6; i++) {
		snprintf(text, sizeof(text), "m%d\n", i);
		put(text);
	}
	drop = open_with(NULL);
	kept = uidl_of(drop, 3);
	ck_assert_uint_eq(store->calls->commit(drop, NULL, 0, NULL, 0, NULL), NOERROR);
	store->calls->close(&drop);             /* nothing was named */
	drop = open_with(NULL);
	expect_stat(drop, 6, 24);
	store->calls->close(&drop);             /* nothing was committed */
	drop = open_with(NULL);
	ck_assert_uint_eq(store->calls->commit(drop, deleted, 3, NULL, 0, NULL), NOERROR);
	store->calls->close(&drop);
	drop = open_with(NULL);
	expect_stat(drop, 3, 12);
	expect_text(drop, 0, "m1\r\n");
	expect_text(drop, 1, "m3\r\n");
	expect_text(drop, 2, "m5\r\n");
	after = uidl_of(drop, 1);
	ck_assert_str_eq(kept, after);
	store->calls->close(&drop);
	free(kept);
	free(after);
}
END_TEST

START_TEST(test_reclaim)
{
	static const uint32_t deleted[] = { 0, 1 };
	struct maildrop *drop;
	bool more = true;

	use(_i);
	put("a\n");
	put("b\n");
	put("c\n");
	drop = open_with(NULL);
	ck_assert_uint_eq(store->calls->commit(drop, deleted, 2, NULL, 0, NULL), NOERROR);
	store->calls->close(&drop);
	for (int i = 0; more && store->calls->reclaim != NULL && i < 10; i++)
		ck_assert_uint_eq(store->calls->reclaim(store, BOX, &more), NOERROR);
	drop = open_with(NULL);
	expect_stat(drop, 1, 3);
	expect_text(drop, 0, "c\r\n");
	store->calls->close(&drop);
}
END_TEST

START_TEST(test_unread)
{
	struct maildrop_options unread = { .unread_only = true, .user = OWNER };
	struct maildrop_options all = { .user = OWNER };
	static const uint32_t read[] = { 0, 2 };
	static const uint32_t deleted[] = { 1 };
	struct maildrop *drop;

	use(_i);
	put("a\n");
	put("b\n");
	put("c\n");
	put("d\n");
	drop = open_with(&unread);
	expect_stat(drop, 4, 12);
	store->calls->close(&drop);
	drop = open_with(&all);
	ck_assert_uint_eq(store->calls->commit(drop, deleted, 1, read, 2, NULL), NOERROR);
	store->calls->close(&drop);
	drop = open_with(&unread);
	expect_stat(drop, 1, 3);
	expect_text(drop, 0, "d\r\n");
	store->calls->close(&drop);
	put("e\n");
	drop = open_with(&unread);
	expect_stat(drop, 2, 6);
	store->calls->close(&drop);
	drop = open_with(&all);
	expect_stat(drop, 4, 12);
	store->calls->close(&drop);
}
END_TEST

START_TEST(test_uidl_given)
{
	struct maildrop *drop;
	char long_uidl[MAILDROP_UIDL_MAX + 2], *uidl;

	use(_i);
	memset(long_uidl, 'u', sizeof(long_uidl) - 1);
	long_uidl[MAILDROP_UIDL_MAX + 1] = '\0';
	ck_assert_uint_eq(store_put(store, BOX, "a\n", 2, "Old.Uidl~1"), NOERROR);
	ck_assert_uint_eq(store_put(store, BOX, "b\n", 2, "Old.Uidl~1"), POSTIL_ERR_EXISTS);
	ck_assert_uint_ne(store_put(store, BOX, "b\n", 2, long_uidl), NOERROR);
	long_uidl[MAILDROP_UIDL_MAX] = '\0';
	ck_assert_uint_eq(store_put(store, BOX, "b\n", 2, long_uidl), NOERROR);
	drop = open_with(NULL);
	expect_stat(drop, 2, 6);
	uidl = uidl_of(drop, 0);
	ck_assert_str_eq(uidl, "Old.Uidl~1");
	free(uidl);
	uidl = uidl_of(drop, 1);
	ck_assert_str_eq(uidl, long_uidl);
	free(uidl);
	store->calls->close(&drop);
}
END_TEST

/* --- forms and names ------------------------------------------------------------------ */

static STATUS text_body(void *context, uint64_t offset, void *out, size_t size)
{
	memcpy(out, (const char *)context + offset, size);
	return NOERROR;
}

static struct maildrop_delivery text_delivery(const char *text)
{
	return (struct maildrop_delivery){ .size_octets = strlen(text), .header_octets = 2,
		.body = text_body, .context = (void *)(uintptr_t)text };
}

static void deliver(const struct maildrop_delivery *d)
{
	ck_assert_uint_eq(store->calls->deliver(store, BOX, true, OWNER, d, 1, NULL), NOERROR);
}

/* Sessions with and without UTF8 see forms of their own, and either deletes the whole. */
START_TEST(test_second_form)
{
	struct maildrop_options utf8 = { .utf8 = true };
	struct maildrop_delivery first = text_delivery("a long form\r\n");
	struct maildrop_delivery second = text_delivery("short\r\n"), needs = text_delivery("nn\r\n");
	static const uint32_t all[] = { 0, 1 };
	struct maildrop_message m;
	char *with, *without, *again;
	struct maildrop *drop;

	use(_i);
	first.second = &second;
	needs.needs_utf8 = true;
	deliver(&first);
	deliver(&needs);
	for (int i = 0; i < 2; i++) {           /* the second time from what is kept */
		drop = open_with(&utf8);
		expect_stat(drop, 2, 13 + 4);
		expect_text(drop, 0, "a long form\r\n");
		with = uidl_of(drop, 0);
		store->calls->message(drop, 1, &m);
		ck_assert(m.needs_utf8);
		store->calls->close(&drop);
		drop = open_with(NULL);
		expect_stat(drop, 2, 7 + 4);
		expect_text(drop, 0, "short\r\n");
		without = uidl_of(drop, 0);
		ck_assert_str_ne(with, without);
		store->calls->message(drop, 0, &m);
		ck_assert(!m.needs_utf8);
		store->calls->message(drop, 1, &m);
		ck_assert(m.needs_utf8);
		again = uidl_of(drop, 1);
		if (i == 1)
			ck_assert_uint_eq(store->calls->commit(drop, all, 2, NULL, 0, NULL), NOERROR);
		store->calls->close(&drop);
		free(with);
		free(without);
		free(again);
	}
	drop = open_with(&utf8);
	expect_stat(drop, 0, 0);
	store->calls->close(&drop);
}
END_TEST

START_TEST(test_reuse_uidl)
{
	struct maildrop_delivery d = text_delivery("the same\r\n"), other = text_delivery("another\r\n");
	static const uint32_t first = 0;
	char *before, *after, *twin, *others;
	struct maildrop *drop;

	use(_i);
	d.reuse_uidl = other.reuse_uidl = true;
	deliver(&d);
	drop = open_with(NULL);
	before = uidl_of(drop, 0);
	ck_assert_uint_eq(store->calls->commit(drop, &first, 1, NULL, 0, NULL), NOERROR);
	store->calls->close(&drop);
	deliver(&other);
	deliver(&d);
	deliver(&d);
	drop = open_with(NULL);
	others = uidl_of(drop, 0);
	after = uidl_of(drop, 1);
	twin = uidl_of(drop, 2);
	ck_assert_str_eq(before, after);
	ck_assert_str_ne(before, others);
	ck_assert_str_ne(before, twin);
	store->calls->close(&drop);
	free(before);
	free(after);
	free(twin);
	free(others);
}
END_TEST

/* --- batches ------------------------------------------------------------------------- */

static STATUS small_body(void *context, uint64_t offset, void *out, size_t size)
{
	if (context == NULL)
		return POSTIL_ERR_IO;
	memcpy(out, (const char *)context + offset, size);
	return NOERROR;
}

static STATUS deliver_batch(size_t count, size_t bad)
{
	static char text[] = "Subject: x\r\n\r\nbody\r\n";
	struct maildrop_delivery *batch = calloc(count, sizeof(*batch));
	STATUS status;

	for (size_t i = 0; i < count; i++)
		batch[i] = (struct maildrop_delivery){
			.size_octets = sizeof(text) - 1, .header_octets = 14,
			.body = small_body, .context = i == bad ? NULL : text,
		};
	status = store->calls->deliver(store, BOX, true, OWNER, batch, count, NULL);
	free(batch);
	return status;
}

START_TEST(test_batch_all_or_none)
{
	struct maildrop *drop;

	use(_i);
	put("a\n");
	ck_assert_uint_eq(deliver_batch(10, 7), POSTIL_ERR_IO);         /* the eighth */
	drop = open_with(NULL);
	expect_stat(drop, 1, 3);
	store->calls->close(&drop);
	ck_assert_uint_eq(deliver_batch(10, SIZE_MAX), NOERROR);
	drop = open_with(NULL);
	expect_stat(drop, 11, 3 + 200);
	store->calls->close(&drop);
}
END_TEST

START_TEST(test_ten_thousand)
{
	uint32_t *deleted = malloc(5000 * sizeof(*deleted)), state = 7;
	struct maildrop_message m;
	struct maildrop *drop;
	char *last;

	use(_i);
	for (int i = 0; i < 20; i++)
		ck_assert_uint_eq(deliver_batch(500, SIZE_MAX), NOERROR);
	drop = open_with(NULL);
	expect_stat(drop, 10000, 200000);
	ck_assert_uint_le(store->calls->memory(drop), 10000 * 40);
	for (uint32_t i = 0; i < 10000; i++) {
		state = state * 1664525 + 1013904223;
		store->calls->message(drop, (state >> 8) % 10000, &m);
		ck_assert_uint_eq(m.size_octets, 20);
	}
	for (uint32_t i = 0; i < 5000; i++)
		deleted[i] = 2 * i;
	last = uidl_of(drop, 9999);
	ck_assert_uint_eq(store->calls->commit(drop, deleted, 5000, NULL, 0, NULL), NOERROR);
	store->calls->close(&drop);
	drop = open_with(NULL);
	expect_stat(drop, 5000, 100000);
	store->calls->message(drop, 4999, &m);
	ck_assert(slice_equal(m.uidl, slice_of(last)));
	store->calls->close(&drop);
	free(last);
	free(deleted);
}
END_TEST

/* --- many at once ------------------------------------------------------------------------ */

#define WRITERS 3
#define EACH 40

static void *deliver_many(void *unused)
{
	for (int i = 0; i < EACH; i++)
		if (store_put(store, BOX, "x\n", 2, NULL) != NOERROR)
			return store;           /* anything but NULL */
	return NULL;
}

/* Take what is there, delete every second message, until all have come. */
static unsigned fetch_some(void)
{
	struct maildrop *drop = open_with(NULL);
	uint32_t count, deleted[WRITERS * EACH], n = 0;
	uint64_t octets;

	store->calls->stat(drop, &count, &octets);
	ck_assert_uint_eq(octets, 3ull * count);
	for (uint32_t i = 0; i < count; i++) {
		expect_text(drop, i, "x\r\n");
		if (i % 2 == 0)
			deleted[n++] = i;
	}
	ck_assert_uint_eq(store->calls->commit(drop, deleted, n, NULL, 0, NULL), NOERROR);
	store->calls->close(&drop);
	return n;
}

START_TEST(test_threads)
{
	pthread_t threads[WRITERS];
	unsigned fetched = 0;
	void *failure;

	use(_i);
	ck_assert_uint_eq(store->calls->create(store, BOX, OWNER, NULL), NOERROR);
	for (int i = 0; i < WRITERS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, deliver_many, NULL), 0);
	for (int i = 0; i < 10; i++)
		fetched += fetch_some();
	for (int i = 0; i < WRITERS; i++) {
		pthread_join(threads[i], &failure);
		ck_assert_msg(failure == NULL, "a delivery failed");
	}
	while (fetched < WRITERS * EACH)
		fetched += fetch_some();
	ck_assert_uint_eq(fetched, WRITERS * EACH);
	ck_assert_uint_eq(fetch_some(), 0);
}
END_TEST

START_TEST(test_paths_refused)
{
	static const char *const paths[] = { "", "/etc/x.nsf", "../x.nsf", "mail/../../x.nsf" };
	struct maildrop *drop = NULL;
	uint64_t epoch;

	use(_i);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		ck_assert_uint_ne(store->calls->open(store, paths[i], NULL, &drop, &epoch, NULL),
		                  NOERROR);
		ck_assert_ptr_null(drop);
	}
}
END_TEST

/* --- the failing store itself ------------------------------------------------------------ */

/* --- who may read and delete ---------------------------------------------------------- */

static STATUS open_as(const char *name, struct maildrop **drop_r)
{
	struct acl_who who = { .name = slice_of(name), .internet = true };
	struct maildrop_options options = { .who = &who };
	uint64_t epoch;

	*drop_r = NULL;
	return store->calls->open(store, BOX, &options, drop_r, &epoch, NULL);
}

static STATUS try_open_as(const char *name)
{
	struct maildrop *drop;
	STATUS status = open_as(name, &drop);

	if (drop != NULL)
		store->calls->close(&drop);
	return status;
}

static void set_entry(const char *name, enum acl_level level, uint16_t flags)
{
	struct arena arena = ARENA_INIT;
	struct acl_entry entry = { slice_of(name), level, flags };
	struct buf encoded = BUF_INIT;
	struct acl acl;

	ck_assert_uint_eq(store->calls->acl_get(store, BOX, &encoded, NULL), NOERROR);
	ck_assert_uint_eq(acl_decode(buf_slice(&encoded), &arena, &acl), NOERROR);
	ck_assert_uint_eq(acl_set(&acl, &arena, &entry), NOERROR);
	ck_assert_uint_eq(store->calls->acl_set(store, BOX, &acl, NULL), NOERROR);
	buf_release(&encoded);
	arena_release(&arena);
}

/* Only the owner reads, until the list says otherwise; from the next open on. */
START_TEST(test_acl_reading)
{
	struct maildrop *drop;

	use(_i);
	ck_assert_uint_eq(store->calls->create(store, BOX, OWNER, NULL), NOERROR);
	put("a\r\n");
	ck_assert_uint_eq(try_open_as("CN=Bob Ray/O=Acme"), POSTIL_ERR_NOACCESS);
	ck_assert_uint_eq(open_as("CN=Jane Doe/O=Acme", &drop), NOERROR);
	ck_assert(drop->rights.may_read && drop->rights.may_delete);
	/* who may not read does not learn that somebody else does */
	ck_assert_uint_eq(try_open_as("CN=Bob Ray/O=Acme"), POSTIL_ERR_NOACCESS);
	set_entry("Bob Ray/Acme", ACL_READER, 0);
	ck_assert_uint_eq(try_open_as("CN=Bob Ray/O=Acme"), POSTIL_ERR_IN_USE);
	store->calls->close(&drop);
	ck_assert_uint_eq(open_as("CN=Bob Ray/O=Acme", &drop), NOERROR);
	ck_assert(drop->rights.may_read && !drop->rights.may_delete);
	store->calls->close(&drop);
	set_entry("Bob Ray/Acme", ACL_DEPOSITOR, 0);
	ck_assert_uint_eq(try_open_as("CN=Bob Ray/O=Acme"), POSTIL_ERR_NOACCESS);
	ck_assert_uint_eq(try_open(), NOERROR);         /* the file's own side */
}
END_TEST

START_TEST(test_acl_deleting)
{
	static const uint32_t first = 0;
	struct maildrop *drop;
	uint32_t count;
	uint64_t octets;

	use(_i);
	ck_assert_uint_eq(store->calls->create(store, BOX, OWNER, NULL), NOERROR);
	put("a\r\n");
	set_entry("Jane Doe/Acme", ACL_MANAGER, ACL_NO_DELETE);
	ck_assert_uint_eq(open_as("CN=Jane Doe/O=Acme", &drop), NOERROR);
	ck_assert(!drop->rights.may_delete);
	ck_assert_uint_eq(drop->calls->commit(drop, &first, 1, NULL, 0, NULL), POSTIL_ERR_NOACCESS);
	ck_assert_uint_eq(drop->calls->commit(drop, NULL, 0, &first, 1, NULL), NOERROR);
	store->calls->close(&drop);
	set_entry("Jane Doe/Acme", ACL_EDITOR, 0);
	ck_assert_uint_eq(open_as("CN=Jane Doe/O=Acme", &drop), NOERROR);
	drop->calls->stat(drop, &count, &octets);
	ck_assert_uint_eq(count, 1);
	ck_assert_uint_eq(drop->calls->commit(drop, &first, 1, NULL, 0, NULL), NOERROR);
	store->calls->close(&drop);
}
END_TEST

/* A file that nobody owns becomes his who opens it first, and nobody else's. */
START_TEST(test_acl_adopted)
{
	use(_i);
	ck_assert_uint_eq(store->calls->create(store, BOX, SLICE_LIT(""), NULL), NOERROR);
	ck_assert_uint_eq(try_open(), NOERROR);
	ck_assert_uint_eq(try_open_as("CN=Jane Doe/O=Acme"), NOERROR);
	ck_assert_uint_eq(try_open_as("CN=Bob Ray/O=Acme"), POSTIL_ERR_NOACCESS);
	ck_assert_uint_eq(try_open_as("CN=Jane Doe/O=Acme"), NOERROR);
}
END_TEST

START_TEST(test_fault_fail)
{
	struct maildrop *drop;
	uint32_t index = 0;
	char out[8];
	size_t got;

	use(1);
	put("a\n");
	store_fault_fail(store, STORE_OPEN, 2, POSTIL_ERR_TIMEOUT, false);
	ck_assert_uint_eq(try_open(), NOERROR);
	ck_assert_uint_eq(try_open(), POSTIL_ERR_TIMEOUT);
	ck_assert_uint_eq(store_fault_count(store, STORE_OPEN), 2);
	drop = open_with(NULL);
	store_fault_fail(store, STORE_READ, 1, POSTIL_ERR_IO, false);
	ck_assert_uint_eq(store->calls->read(drop, 0, 0, out, 8, &got, NULL), POSTIL_ERR_IO);
	ck_assert_uint_eq(store->calls->read(drop, 0, 0, out, 8, &got, NULL), NOERROR);
	store_fault_fail(store, STORE_COMMIT, 1, POSTIL_ERR_UNKNOWN_OUTCOME, true);
	ck_assert_uint_eq(store->calls->commit(drop, &index, 1, NULL, 0, NULL),
	                  POSTIL_ERR_UNKNOWN_OUTCOME);
	store->calls->close(&drop);
	drop = open_with(NULL);
	expect_stat(drop, 0, 0);
	store->calls->close(&drop);
}
END_TEST

static void *open_in_thread(void *status)
{
	*(STATUS *)status = try_open();
	return NULL;
}

START_TEST(test_fault_freeze)
{
	STATUS status = POSTIL_ERR_BASE;
	pthread_t thread;

	use(1);
	put("a\n");
	store_fault_freeze(store);
	ck_assert_int_eq(pthread_create(&thread, NULL, open_in_thread, &status), 0);
	ck_assert(store_fault_wait_held(store, 1, 5000));
	ck_assert(!store_fault_wait_held(store, 2, 20));
	store_fault_release(store);
	pthread_join(thread, NULL);
	ck_assert_uint_eq(status, NOERROR);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("store");
	TCase *tc = tcase_create("contract"), *fault = tcase_create("failing store");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, test_not_there, 0, STORES);
	tcase_add_loop_test(tc, test_list, 0, STORES);
	tcase_add_loop_test(tc, test_read, 0, STORES);
	tcase_add_loop_test(tc, test_big_body, 0, STORES);
	tcase_add_loop_test(tc, test_acl_reading, 0, STORES);
	tcase_add_loop_test(tc, test_acl_deleting, 0, STORES);
	tcase_add_loop_test(tc, test_acl_adopted, 0, STORES);
	tcase_add_loop_test(tc, test_two_sessions, 0, STORES);
	tcase_add_loop_test(tc, test_deliver_during_session, 0, STORES);
	tcase_add_loop_test(tc, test_commit, 0, STORES);
	tcase_add_loop_test(tc, test_reclaim, 0, STORES);
	tcase_add_loop_test(tc, test_unread, 0, STORES);
	tcase_add_loop_test(tc, test_uidl_given, 0, STORES);
	tcase_add_loop_test(tc, test_second_form, 0, STORES);
	tcase_add_loop_test(tc, test_reuse_uidl, 0, STORES);
	tcase_add_loop_test(tc, test_batch_all_or_none, 0, STORES);
	tcase_add_loop_test(tc, test_ten_thousand, 0, STORES);
	tcase_add_loop_test(tc, test_threads, 0, STORES);
	tcase_add_loop_test(tc, test_paths_refused, 0, STORES);
	suite_add_tcase(suite, tc);
	tcase_add_checked_fixture(fault, setup, teardown);
	tcase_add_test(fault, test_fault_fail);
	tcase_add_test(fault, test_fault_freeze);
	suite_add_tcase(suite, fault);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}

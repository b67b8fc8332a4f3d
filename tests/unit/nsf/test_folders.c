/* Folders, trash, soft deletion and stubs; what a session that listed the inbox before sees. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "nsf/private.h"
#include "tests/support/unit.h"
#include "tests/unit/nsf/help.h"

#include "base/banned.h"

#define PROJECTS SLICE_LIT("Projects")
#define INBOX SLICE_LIT(NSF_INBOX)
#define TRASH SLICE_LIT(NSF_TRASH)

static char *dir;
static char path[4096];
static struct nsf *nsf;
static int64_t now_secs = 1000000000;

static void later(int64_t secs)
{
	now_secs += secs;
	clock_fake(-1, now_secs * 1000);
}

static void start(void)
{
	dir = unit_tempdir();
	nsf = help_create(dir, path, sizeof(path));
	ck_assert_uint_eq(nsf_folder_make(nsf, PROJECTS), NOERROR);
}

static void stop(void)
{
	nsf_close(&nsf);
	ck_assert(help_check(path));
	unit_tempdir_remove(&dir);
}

static STATUS add_to_sum(void *context, uint64_t id)
{
	*(uint64_t *)context = *(uint64_t *)context * 10 + id;
	return NOERROR;
}

/* The ids in a folder as digits: 1, 2 and 3 are 123. */
static uint64_t notes_in(struct slice folder)
{
	uint64_t sum = 0;

	ck_assert_uint_eq(nsf_folder_each(nsf, folder, add_to_sum, &sum), NOERROR);
	return sum;
}

static void expect_inbox(uint64_t count, uint64_t octets)
{
	struct help_list list;
	uint64_t n, sum;

	ck_assert_uint_eq(nsf_inbox_stat(nsf, &n, &sum), NOERROR);
	ck_assert_uint_eq(n, count);
	ck_assert_uint_eq(sum, octets);
	help_list(nsf, 0, &list);
	ck_assert_uint_eq(list.count, count);
	help_list_release(&list);
}

static void name_of(uint64_t note, char uidl[NSF_UIDL_MAX + 1])
{
	struct nsf_note_message m;

	ck_assert_uint_eq(nsf_message_of_note(nsf, note, &m), NOERROR);
	memcpy(uidl, m.uidl, m.message.uidl.n);
	uidl[m.message.uidl.n] = '\0';
}

START_TEST(test_move_and_return)
{
	char before[NSF_UIDL_MAX + 1], after[NSF_UIDL_MAX + 1];

	start();
	for (uint64_t i = 1; i <= 3; i++)
		help_deliver(nsf, i, 100 * i, "");
	name_of(2, before);
	ck_assert_uint_eq(nsf_folder_add(nsf, SLICE_LIT("projects"), 2), NOERROR);
	expect_inbox(3, 600);                   /* in both */
	ck_assert_uint_eq(nsf_folder_take(nsf, INBOX, 2), NOERROR);
	ck_assert_uint_eq(nsf_folder_take(nsf, INBOX, 2), NOERROR);
	expect_inbox(2, 400);
	ck_assert_uint_eq(notes_in(INBOX), 13);
	ck_assert_uint_eq(notes_in(PROJECTS), 2);
	ck_assert_uint_eq(notes_in(SLICE_LIT(NSF_ALL)), 123);
	ck_assert(help_body_is(nsf, 2, 2, 200));        /* who listed it can read it */
	ck_assert_uint_eq(nsf_folder_add(nsf, INBOX, 2), NOERROR);
	expect_inbox(3, 600);
	ck_assert_uint_eq(notes_in(INBOX), 123);
	name_of(2, after);
	ck_assert_str_eq(before, after);
	ck_assert_uint_eq(nsf_folder_take(nsf, PROJECTS, 2), NOERROR);
	ck_assert_uint_eq(notes_in(PROJECTS), 0);
	stop();
}
END_TEST

static STATUS add_name(void *context, struct slice name, uint64_t notes)
{
	buf_addf(context, "%.*s=%llu;", (int)name.n, name.p, (unsigned long long)notes);
	return NOERROR;
}

static STATUS add_folder(void *context, struct slice name)
{
	return add_name(context, name, 0);
}

START_TEST(test_names)
{
	static const char *const bad[] = { "", "a\nb", "\xff", NULL };
	struct buf names = BUF_INIT;
	char long_name[257] = "";

	start();
	memset(long_name, 'x', 256);
	for (size_t i = 0; bad[i] != NULL; i++)
		ck_assert_uint_eq(nsf_folder_make(nsf, slice_of(bad[i])), POSTIL_ERR_INVALID);
	ck_assert_uint_eq(nsf_folder_make(nsf, slice_of(long_name)), POSTIL_ERR_INVALID);
	ck_assert_uint_eq(nsf_folder_make(nsf, SLICE_LIT("PROJECTS")), POSTIL_ERR_EXISTS);
	ck_assert_uint_eq(nsf_folder_make(nsf, SLICE_LIT("($inbox)")), POSTIL_ERR_EXISTS);
	ck_assert_uint_eq(nsf_folder_make(nsf, SLICE_LIT("a 'quoted' one; DROP")), NOERROR);
	help_deliver(nsf, 1, 10, "");
	ck_assert_uint_eq(nsf_folder_add(nsf, SLICE_LIT("nowhere"), 1), POSTIL_ERR_NOT_FOUND);
	ck_assert_uint_eq(nsf_folder_add(nsf, PROJECTS, 77), POSTIL_ERR_DELETED);
	ck_assert_uint_eq(nsf_folder_add(nsf, SLICE_LIT(NSF_ALL), 1), POSTIL_ERR_INVALID);
	ck_assert_uint_eq(nsf_folder_add(nsf, PROJECTS, 1), NOERROR);
	ck_assert_uint_eq(nsf_folders_each(nsf, add_name, &names), NOERROR);
	ck_assert_str_eq(buf_cstr(&names),
	                 "($Inbox)=1;($Trash)=0;($All)=1;a 'quoted' one; DROP=0;Projects=1;");
	buf_clear(&names);
	ck_assert_uint_eq(nsf_note_folders(nsf, 1, add_folder, &names), NOERROR);
	ck_assert_str_eq(buf_cstr(&names), "($Inbox)=0;Projects=0;");
	ck_assert_uint_eq(nsf_folder_remove(nsf, PROJECTS), NOERROR);
	ck_assert_uint_eq(nsf_folder_remove(nsf, PROJECTS), POSTIL_ERR_NOT_FOUND);
	ck_assert_uint_eq(nsf_folder_remove(nsf, TRASH), POSTIL_ERR_INVALID);
	ck_assert_uint_eq(notes_in(SLICE_LIT(NSF_ALL)), 1);
	buf_release(&names);
	stop();
}
END_TEST

START_TEST(test_trash)
{
	uint64_t purged = 0;
	bool more = true;

	start();
	for (uint64_t i = 1; i <= 3; i++)
		help_deliver(nsf, i, 100, "");
	ck_assert_uint_eq(nsf_folder_add(nsf, PROJECTS, 1), NOERROR);
	ck_assert_uint_eq(nsf_trash_put(nsf, 1), NOERROR);
	ck_assert_uint_eq(nsf_folder_add(nsf, SLICE_LIT("($SoftDeletions)"), 2), NOERROR);
	ck_assert_uint_eq(nsf_trash_put(nsf, 2), NOERROR);
	ck_assert_uint_eq(notes_in(TRASH), 12);
	ck_assert_uint_eq(notes_in(PROJECTS), 0);
	ck_assert_uint_eq(notes_in(SLICE_LIT(NSF_ALL)), 3);
	expect_inbox(1, 100);
	ck_assert_uint_eq(nsf_trash_restore(nsf, 1), NOERROR);
	ck_assert_uint_eq(nsf_trash_restore(nsf, 1), POSTIL_ERR_NOT_FOUND);
	ck_assert_uint_eq(notes_in(PROJECTS), 1);       /* and in the inbox, as it was */
	expect_inbox(2, 200);
	ck_assert(help_body_is(nsf, 1, 1, 100));
	while (more)
		ck_assert_uint_eq(nsf_trash_purge(nsf, INT64_MAX, &purged, &more), NOERROR);
	ck_assert_uint_eq(purged, 1);
	ck_assert_uint_eq(notes_in(TRASH), 0);
	help_reclaim(nsf);
	ck_assert_int_eq(help_sql_number(path, "SELECT count(*) FROM stub"), 1);
	ck_assert_int_eq(help_sql_number(path, "SELECT count(*) FROM body"), 2);
	stop();
}
END_TEST

static STATUS first_stub(void *context, const struct nsf_stub *stub)
{
	struct nsf_stub *first = context;

	if (first->deleted_secs == 0) {
		*first = *stub;
		ck_assert_uint_eq(stub->digest.n, 16);
		ck_assert(slice_equal(stub->uidl, SLICE_LIT("mine")));
	}
	return NOERROR;
}

/* Deleted by POP3 with hours set: to the trash, and from there after the hours for good; the
 * stub goes after the cutoff, what the UIDL named stays known. */
START_TEST(test_soft_deletion)
{
	static const uint64_t both[] = { 1, 2 };
	struct nsf_purged purged = { 0 };
	struct nsf_stub stub = { .deleted_secs = 0 };
	bool more = true;

	start();
	later(0);
	help_deliver(nsf, 1, 100, "mine");
	help_deliver(nsf, 2, 100, "");
	ck_assert_uint_eq(nsf_setting_set(nsf, NSF_SOFT_DELETE_HOURS, 48), NOERROR);
	help_delete(nsf, both, 2);
	expect_inbox(0, 0);
	ck_assert_uint_eq(notes_in(TRASH), 12);
	ck_assert(help_body_is(nsf, 1, 1, 100));
	later(47 * 3600);
	ck_assert_uint_eq(nsf_purge(nsf, &purged, &more), NOERROR);
	ck_assert_uint_eq(purged.notes, 0);
	ck_assert_uint_eq(nsf_trash_restore(nsf, 2), NOERROR);
	expect_inbox(1, 100);
	later(2 * 3600);
	for (more = true; more;)
		ck_assert_uint_eq(nsf_purge(nsf, &purged, &more), NOERROR);
	ck_assert_uint_eq(purged.notes, 1);
	ck_assert_uint_eq(notes_in(TRASH), 0);
	help_reclaim(nsf);
	ck_assert_uint_eq(nsf_stubs_each(nsf, first_stub, &stub), NOERROR);
	ck_assert_int_eq(stub.deleted_secs, now_secs);
	later(89 * 86400);
	for (more = true; more;)
		ck_assert_uint_eq(nsf_purge(nsf, &purged, &more), NOERROR);
	ck_assert_uint_eq(purged.stubs, 0);
	later(2 * 86400);
	for (more = true; more;)
		ck_assert_uint_eq(nsf_purge(nsf, &purged, &more), NOERROR);
	ck_assert_uint_eq(purged.stubs, 1);
	ck_assert_int_eq(help_sql_number(path, "SELECT count(*) FROM uidl"), 2);
	clock_fake(-1, -1);
	stop();
}
END_TEST

/* What the Notes side has moved or deleted since the session began is passed over. */
START_TEST(test_delete_passes_over)
{
	static const uint64_t listed[] = { 1, 2, 3, 4, 99, UINT64_MAX };

	start();
	for (uint64_t i = 1; i <= 5; i++)
		help_deliver(nsf, i, 100, "");
	ck_assert_uint_eq(nsf_folder_add(nsf, PROJECTS, 1), NOERROR);
	ck_assert_uint_eq(nsf_folder_take(nsf, INBOX, 1), NOERROR);
	ck_assert_uint_eq(nsf_note_delete(nsf, 2), NOERROR);
	ck_assert_uint_eq(nsf_trash_put(nsf, 3), NOERROR);
	help_delete(nsf, listed, sizeof(listed) / sizeof(listed[0]));
	expect_inbox(1, 100);
	ck_assert_uint_eq(notes_in(PROJECTS), 1);
	ck_assert_uint_eq(notes_in(TRASH), 3);
	ck_assert(help_body_is(nsf, 1, 1, 100));
	help_reclaim(nsf);
	ck_assert_int_eq(help_sql_number(path, "SELECT count(*) FROM body"), 3);
	stop();
}
END_TEST

/* From anywhere, for good. */
START_TEST(test_note_delete)
{
	start();
	for (uint64_t i = 1; i <= 4; i++)
		help_deliver(nsf, i, 100, "");
	ck_assert_uint_eq(nsf_trash_put(nsf, 2), NOERROR);
	ck_assert_uint_eq(nsf_folder_add(nsf, PROJECTS, 3), NOERROR);
	ck_assert_uint_eq(nsf_folder_take(nsf, INBOX, 3), NOERROR);
	for (uint64_t i = 1; i <= 3; i++)
		ck_assert_uint_eq(nsf_note_delete(nsf, i), NOERROR);
	ck_assert_uint_eq(nsf_note_delete(nsf, 1), POSTIL_ERR_DELETED);
	ck_assert_uint_eq(nsf_trash_restore(nsf, 2), POSTIL_ERR_NOT_FOUND);
	ck_assert_uint_eq(notes_in(SLICE_LIT(NSF_ALL)), 4);
	ck_assert_uint_eq(notes_in(PROJECTS), 0);
	expect_inbox(1, 100);
	help_reclaim(nsf);
	ck_assert_int_eq(help_sql_number(path, "SELECT count(*) FROM note"), 1);
	ck_assert_int_eq(help_sql_number(path, "SELECT count(*) FROM stub"), 3);
	ck_assert_int_eq(help_sql_number(path, "SELECT count(*) FROM member"), 0);
	stop();
}
END_TEST

/* Deleted and imported again: the UIDL that clients know, if the octets are those. */
START_TEST(test_uidl_of_a_deleted_message)
{
	char first[NSF_UIDL_MAX + 1], again[NSF_UIDL_MAX + 1];
	uint64_t seed = 7, other = 8, id, twin;
	struct nsf_delivery d = help_message(&seed, 300000), e = help_message(&other, 300000);

	start();
	d.reuse_uidl = e.reuse_uidl = true;
	for (int reclaimed = 0; reclaimed < 2; reclaimed++) {
		ck_assert_uint_eq(nsf_deliver(nsf, &d, 1, &id, NULL, NULL), NOERROR);
		name_of(id, again);
		if (reclaimed > 0)
			ck_assert_str_eq(first, again);
		memcpy(first, again, sizeof(first));
		ck_assert_uint_eq(nsf_deliver(nsf, &d, 1, &twin, NULL, NULL), NOERROR);
		name_of(twin, again);
		ck_assert_str_ne(first, again);         /* the name is in use */
		help_delete(nsf, &twin, 1);
		help_delete(nsf, &id, 1);
		help_reclaim(nsf);
	}
	d.size_octets = e.size_octets = d.header_octets = e.header_octets = 5000;   /* no twin of these */
	ck_assert_uint_eq(nsf_deliver(nsf, &d, 1, &id, NULL, NULL), NOERROR);
	name_of(id, first);
	help_delete(nsf, &id, 1);               /* gone, and not reclaimed */
	ck_assert_uint_eq(nsf_deliver(nsf, &e, 1, &id, NULL, NULL), NOERROR);
	name_of(id, again);
	ck_assert_str_ne(first, again);         /* other octets */
	ck_assert_uint_eq(nsf_deliver(nsf, &d, 1, &id, NULL, NULL), NOERROR);
	name_of(id, again);
	ck_assert_str_eq(first, again);
	d.reuse_uidl = false;
	help_delete(nsf, &id, 1);
	help_reclaim(nsf);
	ck_assert_uint_eq(nsf_deliver(nsf, &d, 1, &id, NULL, NULL), NOERROR);
	name_of(id, again);
	ck_assert_str_ne(first, again);         /* not asked for */
	help_reclaim(nsf);
	stop();
}
END_TEST

static STATUS count_one(void *context, uint64_t id)
{
	(void)id;
	++*(uint64_t *)context;
	return NOERROR;
}

START_TEST(test_marks_wherever_it_lies)
{
	uint64_t user, unread = 0, id = 1;
	struct help_list list;

	start();
	help_deliver(nsf, 1, 100, "");
	help_deliver(nsf, 2, 100, "");
	ck_assert_uint_eq(nsf_unread_each(nsf, 0, count_one, &unread), NOERROR);
	ck_assert_uint_eq(unread, 2);
	ck_assert_uint_eq(nsf_user_id(nsf, SLICE_LIT("CN=A"), true, &user), NOERROR);
	ck_assert_uint_eq(nsf_folder_take(nsf, INBOX, 1), NOERROR);
	ck_assert_uint_eq(nsf_mark_read(nsf, user, &id, 1), NOERROR);
	ck_assert_uint_eq(nsf_folder_add(nsf, INBOX, 1), NOERROR);
	help_list(nsf, user, &list);
	ck_assert_uint_eq(list.count, 1);
	ck_assert_uint_eq(list.messages[0].id, 2);
	help_list_release(&list);
	ck_assert_uint_eq(nsf_mark_unread(nsf, user, &id, 1), NOERROR);
	id = 77;                                /* no such note: no mark */
	ck_assert_uint_eq(nsf_mark_unread(nsf, user, &id, 1), NOERROR);
	unread = 0;
	ck_assert_uint_eq(nsf_unread_each(nsf, user, count_one, &unread), NOERROR);
	ck_assert_uint_eq(unread, 2);
	stop();
}
END_TEST

UNIT_MAIN("nsf folders", test_move_and_return, test_names, test_trash, test_soft_deletion,
	test_delete_passes_over, test_note_delete, test_uidl_of_a_deleted_message,
	test_marks_wherever_it_lies)

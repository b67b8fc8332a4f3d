/* Making, opening, refusing and removing files; locks and stamps; damage. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "nsf/private.h"
#include "tests/support/unit.h"
#include "tests/unit/nsf/help.h"

#include "base/banned.h"

static char *dir;
static char path[4096];

static void write_file(const char *name, const void *p, size_t n)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, p, n), (ssize_t)n);
	close(fd);
}

static bool exists(const char *base, const char *ending)
{
	char name[5000];
	struct stat st;

	snprintf(name, sizeof(name), "%s%s", base, ending);
	return stat(name, &st) == 0;
}

START_TEST(test_create)
{
	struct fault fault = { 0 };
	struct nsf *nsf, *other = NULL;
	struct stat st;

	dir = unit_tempdir();
	nsf = help_create(dir, path, sizeof(path));
	ck_assert_int_eq(nsf_kind(nsf), NSF_MAIL);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	ck_assert(exists(path, "-lock"));
	ck_assert(!exists(path, "-draft"));
	ck_assert_uint_eq(nsf_create(path, NSF_MAIL, &other, &fault), POSTIL_ERR_EXISTS);
	nsf_close(&nsf);
	ck_assert_int_eq(help_sql_number(path, "PRAGMA page_size"), 8192);
	ck_assert_int_eq(help_sql_number(path, "PRAGMA auto_vacuum"), 2);
	ck_assert_int_eq(help_sql_number(path, "PRAGMA application_id"), NSF_APPLICATION_ID);
	ck_assert_int_eq(help_sql_number(path, "PRAGMA user_version"), NSF_SCHEMA_VERSION);
	ck_assert_int_eq(help_sql_number(path, "SELECT length(replica) FROM store"), 8);
	unit_tempdir_remove(&dir);
}
END_TEST

START_TEST(test_create_over_a_leftover_draft)
{
	struct nsf *nsf;
	char draft[5000];

	dir = unit_tempdir();
	snprintf(draft, sizeof(draft), "%s/mail.nsf-draft", dir);
	write_file(draft, "half made", 9);
	nsf = help_create(dir, path, sizeof(path));
	ck_assert(!exists(path, "-draft"));
	nsf_close(&nsf);
	ck_assert(help_check(path));
	unit_tempdir_remove(&dir);
}
END_TEST

START_TEST(test_one_of_two_makers_wins)
{
	int made = 0, status;

	dir = unit_tempdir();
	snprintf(path, sizeof(path), "%s/mail.nsf", dir);
	for (int i = 0; i < 4; i++) {
		pid_t child = fork();

		if (child == 0) {
			struct nsf *nsf = NULL;
			STATUS s = nsf_create(path, NSF_MAIL, &nsf, NULL);

			nsf_close(&nsf);
			_exit(s == NOERROR ? 1 : s == POSTIL_ERR_EXISTS ? 0 : 2);
		}
		ck_assert_int_gt(child, 0);
	}
	for (int i = 0; i < 4; i++) {
		ck_assert_int_gt(wait(&status), 0);
		ck_assert(WIFEXITED(status) && WEXITSTATUS(status) < 2);
		made += WEXITSTATUS(status);
	}
	ck_assert_int_eq(made, 1);
	ck_assert(help_check(path));
	unit_tempdir_remove(&dir);
}
END_TEST

START_TEST(test_refused_files)
{
	static const struct {
		const char *name;
		struct slice octets;
		STATUS status;
		const char *says;
	} cases[] = {
		{ "empty", { "", 0 }, POSTIL_ERR_DAMAGED, "empty" },
		{ "domino", SLICE_LIT("\x1A\0\0\0\4\0 and so on"), POSTIL_ERR_FOREIGN, "DXL" },
		{ "short", SLICE_LIT("x"), POSTIL_ERR_FOREIGN, "not a Postil database" },
		{ "text", SLICE_LIT("From: me\r\n\r\nThis is no database at all, just a message.\r\n"),
		  POSTIL_ERR_FOREIGN, "not a Postil database" },
		{ "magic", SLICE_LIT("SQLite format 3\0"), POSTIL_ERR_FOREIGN, "not one of Postil" },
	};

	dir = unit_tempdir();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fault fault = { 0 };
		struct nsf *nsf = NULL;

		snprintf(path, sizeof(path), "%s/%s.nsf", dir, cases[i].name);
		write_file(path, cases[i].octets.p, cases[i].octets.n);
		ck_assert_msg(nsf_open(path, &nsf, &fault) == cases[i].status, "%s", cases[i].name);
		ck_assert_ptr_null(nsf);
		ck_assert_msg(strstr(fault.text, cases[i].says) != NULL, "%s", fault.text);
		ck_assert_msg(strstr(fault.text, path) != NULL, "%s", fault.text);
		ck_assert(!exists(path, "-wal") && !exists(path, "-shm"));
	}
	unit_tempdir_remove(&dir);
}
END_TEST

START_TEST(test_places_that_hold_no_database)
{
	struct fault fault = { 0 };
	struct nsf *nsf = NULL;

	dir = unit_tempdir();
	ck_assert_uint_eq(nsf_open(dir, &nsf, &fault), POSTIL_ERR_FOREIGN);
	snprintf(path, sizeof(path), "%s/none.nsf", dir);
	ck_assert_uint_eq(nsf_open(path, &nsf, &fault), POSTIL_ERR_NOEXIST);
	ck_assert(!exists(path, "") && !exists(path, "-lock"));
	ck_assert_uint_eq(nsf_remove(path, &fault), POSTIL_ERR_NOEXIST);
	ck_assert_uint_eq(nsf_check(path, NULL, NULL, &fault), POSTIL_ERR_NOEXIST);
	snprintf(path, sizeof(path), "%s/no/such/dir.nsf", dir);
	ck_assert_uint_eq(nsf_create(path, NSF_MAIL, &nsf, &fault), POSTIL_ERR_NOEXIST);
	ck_assert_uint_eq(nsf_open("file:x?mode=memory", &nsf, &fault), POSTIL_ERR_INVALID);
	ck_assert_uint_eq(nsf_open(":memory:", &nsf, &fault), POSTIL_ERR_INVALID);
	ck_assert_uint_eq(nsf_open("", &nsf, &fault), POSTIL_ERR_INVALID);
	ck_assert(nsf_is_network_fs(0x6969) && nsf_is_network_fs(0xFF534D42)
	          && nsf_is_network_fs(0x01021997) && !nsf_is_network_fs(0xEF53)
	          && !nsf_is_network_fs(0x01021994));
	unit_tempdir_remove(&dir);
}
END_TEST

START_TEST(test_foreign_and_newer_databases)
{
	struct fault fault = { 0 };
	struct nsf *nsf;

	dir = unit_tempdir();
	nsf = help_create(dir, path, sizeof(path));
	nsf_close(&nsf);
	help_sql(path, "PRAGMA user_version=3");
	ck_assert_uint_eq(nsf_open(path, &nsf, &fault), POSTIL_ERR_SCHEMA);
	ck_assert_ptr_nonnull(strstr(fault.text, "newer version"));
	help_sql(path, "PRAGMA user_version=2; PRAGMA application_id=7");
	ck_assert_uint_eq(nsf_open(path, &nsf, &fault), POSTIL_ERR_FOREIGN);
	unit_tempdir_remove(&dir);
}
END_TEST

START_TEST(test_copy_by_vacuum_into_opens)
{
	struct nsf *nsf;
	char copy[5000], sql[6000];
	uint64_t id;

	dir = unit_tempdir();
	nsf = help_create(dir, path, sizeof(path));
	id = help_deliver(nsf, 1, 5000, NULL);
	nsf_close(&nsf);
	snprintf(copy, sizeof(copy), "%s/copy.nsf", dir);
	snprintf(sql, sizeof(sql), "VACUUM INTO '%s'", copy);
	help_sql(path, sql);
	nsf = help_open(copy);
	ck_assert(help_body_is(nsf, id, 1, 5000));
	help_deliver(nsf, 2, 10, NULL);
	ck_assert_int_eq(help_sql_number(copy, "SELECT count(*) FROM pragma_journal_mode"
	                                 " WHERE journal_mode='wal'"), 1);
	nsf_close(&nsf);
	unit_tempdir_remove(&dir);
}
END_TEST

START_TEST(test_remove)
{
	struct fault fault = { 0 };
	struct nsf_lock *lock;
	struct nsf *nsf;
	uint64_t seed = 1;
	struct nsf_delivery d = help_message(&seed, 10);

	dir = unit_tempdir();
	nsf = help_create(dir, path, sizeof(path));
	help_deliver(nsf, 1, 10, NULL);
	ck_assert_uint_eq(nsf_lock_open(path, &lock, NULL), NOERROR);
	ck_assert_uint_eq(nsf_lock_session(lock), NOERROR);
	ck_assert_uint_eq(nsf_remove(path, &fault), POSTIL_ERR_IN_USE);
	ck_assert(exists(path, ""));
	nsf_unlock_session(lock);
	ck_assert_uint_eq(nsf_remove(path, &fault), NOERROR);
	ck_assert(!exists(path, "") && !exists(path, "-wal") && !exists(path, "-shm")
	          && !exists(path, "-lock"));
	/* Nothing is delivered into, or locked in, a file that is no more. */
	ck_assert_uint_eq(nsf_deliver(nsf, &d, 1, NULL, NULL, NULL), POSTIL_ERR_NOEXIST);
	ck_assert_uint_eq(nsf_lock_session(lock), POSTIL_ERR_NOEXIST);
	nsf_lock_close(&lock);
	nsf_close(&nsf);
	unit_tempdir_remove(&dir);
}
END_TEST

/* --- locks ------------------------------------------------------------------------------------ */

START_TEST(test_session_lock_in_one_process)
{
	struct nsf_lock *a, *b;
	struct nsf *nsf;
	uint64_t epoch;

	dir = unit_tempdir();
	nsf = help_create(dir, path, sizeof(path));
	ck_assert_uint_eq(nsf_lock_open(path, &a, NULL), NOERROR);
	ck_assert_uint_eq(nsf_lock_open(path, &b, NULL), NOERROR);
	ck_assert_uint_eq(nsf_lock_session(a), NOERROR);
	epoch = nsf_lock_epoch(a);
	ck_assert_uint_eq(nsf_lock_session(b), POSTIL_ERR_IN_USE);
	help_deliver(nsf, 1, 10, NULL);         /* delivery does not wait for it */
	nsf_unlock_session(a);
	ck_assert_uint_eq(nsf_lock_session(b), NOERROR);
	ck_assert_uint_gt(nsf_lock_epoch(b), epoch);
	ck_assert_uint_eq(nsf_lock_session(a), POSTIL_ERR_IN_USE);
	nsf_lock_close(&b);
	ck_assert_uint_eq(nsf_lock_session(a), NOERROR);
	nsf_lock_close(&a);
	nsf_close(&nsf);
	unit_tempdir_remove(&dir);
}
END_TEST

START_TEST(test_session_lock_dies_with_its_holder)
{
	struct nsf_lock *lock;
	struct nsf *nsf;
	int ready[2], status;
	char c;
	pid_t child;

	dir = unit_tempdir();
	nsf = help_create(dir, path, sizeof(path));
	nsf_close(&nsf);
	ck_assert_int_eq(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		if (nsf_lock_open(path, &lock, NULL) == NOERROR && nsf_lock_session(lock) == NOERROR)
			(void)!write(ready[1], "x", 1);
		for (;;)
			pause();
	}
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	ck_assert_uint_eq(nsf_lock_open(path, &lock, NULL), NOERROR);
	ck_assert_uint_eq(nsf_lock_session(lock), POSTIL_ERR_IN_USE);
	kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_uint_eq(nsf_lock_session(lock), NOERROR);
	nsf_lock_close(&lock);
	unit_tempdir_remove(&dir);
}
END_TEST

START_TEST(test_writer_lock_is_not_waited_for_without_end)
{
	struct fault fault = { 0 };
	struct nsf *nsf;
	struct nsf_lock *lock;
	uint64_t seed = 1, n, octets;
	struct nsf_delivery d = help_message(&seed, 10);

	dir = unit_tempdir();
	nsf = help_create(dir, path, sizeof(path));
	ck_assert_uint_eq(nsf_lock_open(path, &lock, NULL), NOERROR);
	ck_assert_uint_eq(nsf_lock_writer(lock), NOERROR);
	nsf_lock_wait_ms = 50;
	ck_assert_uint_eq(nsf_deliver(nsf, &d, 1, NULL, NULL, &fault), POSTIL_ERR_BUSY);
	ck_assert_uint_eq(nsf_inbox_stat(nsf, &n, &octets), NOERROR);
	nsf_unlock_writer(lock);
	ck_assert_uint_eq(nsf_deliver(nsf, &d, 1, NULL, NULL, &fault), NOERROR);
	nsf_lock_close(&lock);
	nsf_close(&nsf);
	unit_tempdir_remove(&dir);
}
END_TEST

/* --- stamps ------------------------------------------------------------------------------------- */

static bool same(const struct nsf_stamp *a, const struct nsf_stamp *b)
{
	return a->valid && b->valid && memcmp(a->words, b->words, sizeof(a->words)) == 0;
}

static void stamp(struct nsf_lock *lock, struct nsf_stamp *stamp_r)
{
	ck_assert_uint_eq(nsf_lock_stamp(lock, stamp_r), NOERROR);
	ck_assert(stamp_r->valid);
}

START_TEST(test_stamp_changes_with_each_commit)
{
	struct nsf_stamp s[8];
	struct nsf_lock *lock;
	struct nsf *nsf, *second;
	struct help_list list;
	uint64_t id, user;

	dir = unit_tempdir();
	nsf = help_create(dir, path, sizeof(path));
	ck_assert_uint_eq(nsf_lock_open(path, &lock, NULL), NOERROR);
	stamp(lock, &s[0]);
	id = help_deliver(nsf, 1, 10, NULL);
	stamp(lock, &s[1]);
	ck_assert(!same(&s[0], &s[1]));
	/* Reading, another handle, and deleting what is gone change nothing. */
	second = help_open(path);
	help_list(second, 0, &list);
	help_list_release(&list);
	ck_assert(help_body_is(second, id, 1, 10));
	help_delete(second, &(uint64_t){ 999 }, 1);
	nsf_close(&second);
	stamp(lock, &s[2]);
	ck_assert(same(&s[1], &s[2]));
	help_delete(nsf, &id, 1);
	stamp(lock, &s[3]);
	ck_assert(!same(&s[2], &s[3]));
	ck_assert_uint_eq(nsf_user_id(nsf, slice_of("x"), true, &user), NOERROR);
	stamp(lock, &s[4]);
	ck_assert(!same(&s[3], &s[4]));
	/* A program that knows nothing of the lock file. */
	help_sql(path, "UPDATE inbox SET dot=1");
	help_sql(path, "UPDATE store SET seq=seq+1");
	stamp(lock, &s[5]);
	ck_assert(!same(&s[4], &s[5]));
	nsf_close(&nsf);
	stamp(lock, &s[6]);
	help_sql(path, "UPDATE store SET seq=seq+1");
	stamp(lock, &s[7]);
	ck_assert(!same(&s[6], &s[7]));
	nsf_lock_close(&lock);
	unit_tempdir_remove(&dir);
}
END_TEST

START_TEST(test_opening_alone_does_not_change_the_stamp)
{
	struct nsf_stamp before, after;
	struct nsf_lock *lock;
	struct help_list list;
	struct nsf *nsf;

	dir = unit_tempdir();
	nsf = help_create(dir, path, sizeof(path));
	help_deliver(nsf, 1, 10, NULL);
	nsf_close(&nsf);
	ck_assert_uint_eq(nsf_lock_open(path, &lock, NULL), NOERROR);
	stamp(lock, &before);
	nsf = help_open(path);
	help_list(nsf, 0, &list);
	help_list_release(&list);
	stamp(lock, &after);
	ck_assert(same(&before, &after));
	nsf_close(&nsf);
	stamp(lock, &after);
	ck_assert(same(&before, &after));
	nsf_lock_close(&lock);
	unit_tempdir_remove(&dir);
}
END_TEST

START_TEST(test_generation_of_a_writer_that_died)
{
	struct nsf_stamp before, torn, after;
	struct nsf_lock *lock;
	struct nsf *nsf;

	dir = unit_tempdir();
	nsf = help_create(dir, path, sizeof(path));
	ck_assert_uint_eq(nsf_lock_open(path, &lock, NULL), NOERROR);
	help_deliver(nsf, 1, 10, NULL);
	stamp(lock, &before);
	ck_assert_uint_eq(nsf_lock_commit_begin(lock), NOERROR);
	ck_assert_uint_eq(nsf_lock_stamp(lock, &torn), NOERROR);
	ck_assert(!torn.valid);
	help_deliver(nsf, 1, 10, NULL);
	stamp(lock, &after);
	ck_assert_uint_gt(after.words[0], torn.words[0]);
	nsf_lock_close(&lock);
	nsf_close(&nsf);
	unit_tempdir_remove(&dir);
}
END_TEST

UNIT_MAIN("nsf file", test_create, test_create_over_a_leftover_draft, test_one_of_two_makers_wins,
	test_refused_files, test_places_that_hold_no_database, test_foreign_and_newer_databases,
	test_copy_by_vacuum_into_opens, test_remove, test_session_lock_in_one_process,
	test_session_lock_dies_with_its_holder, test_writer_lock_is_not_waited_for_without_end,
	test_stamp_changes_with_each_commit, test_opening_alone_does_not_change_the_stamp,
	test_generation_of_a_writer_that_died)

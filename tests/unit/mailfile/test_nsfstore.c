/*
 * The store on note databases: what only it can show. Durability over stores
 * and processes, locks that die with their holder, lists that are never stale,
 * files that are replaced, damaged, foreign.
 *
 * Other processes are forked before this one opens any database and wait for
 * their word, so that no database is used across a fork.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mailfile/store.h"
#include "nsf/nsf.h"
#include "tests/support/stores.h"
#include "tests/support/unit.h"

#define BOX "mail/jdoe.nsf"

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
	unit_tempdir_remove(&dir);
}

static struct mail_store *new_store(size_t handles)
{
	struct nsfstore_options options = { .handles = handles };
	struct mail_store *made = NULL;

	ck_assert_uint_eq(nsfstore_new(dir, &options, &made, NULL), NOERROR);
	return made;
}

static void put(const char *path, const char *text)
{
	ck_assert_uint_eq(store_put(store, path, text, strlen(text), NULL), NOERROR);
}

static STATUS try_open(const char *path, struct maildrop **drop_r)
{
	uint64_t epoch;

	*drop_r = NULL;
	return store->calls->open(store, path, NULL, drop_r, &epoch, NULL);
}

static struct maildrop *open_box(const char *path)
{
	struct fault fault = { 0 };
	struct maildrop *drop = NULL;
	uint64_t epoch;
	STATUS status = store->calls->open(store, path, NULL, &drop, &epoch, &fault);

	ck_assert_msg(status == NOERROR, "%s", fault_text(&fault, status));
	return drop;
}

static uint32_t count_in(const char *path)
{
	struct maildrop *drop = open_box(path);
	uint32_t count;
	uint64_t octets;

	store->calls->stat(drop, &count, &octets);
	store->calls->close(&drop);
	return count;
}

static void full(char out[512], const char *path)
{
	snprintf(out, 512, "%s/%s", dir, path);
}

/* --- another process --------------------------------------------------------------- */

struct other {
	pid_t pid;
	int to, from;
};

static void other_start(struct other *other, void (*run)(int in, int out))
{
	int to[2], from[2];

	ck_assert_int_eq(pipe2(to, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(from, O_CLOEXEC), 0);
	other->pid = fork();
	ck_assert_int_ge(other->pid, 0);
	if (other->pid == 0) {
		close(to[1]);
		close(from[0]);
		run(to[0], from[1]);
		_exit(0);
	}
	close(to[0]);
	close(from[1]);
	other->to = to[1];
	other->from = from[0];
}

static void say(int fd, char what)
{
	if (write(fd, &what, 1) != 1)
		_exit(3);
}

static char hear(int fd)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	char what = '?';

	if (poll(&wait, 1, 20000) != 1 || read(fd, &what, 1) != 1)
		return '?';
	return what;
}

/* Ask for one thing and wait until it is done. */
static void other_do(struct other *other, char what)
{
	say(other->to, what);
	ck_assert_int_eq(hear(other->from), what);
}

static void other_end(struct other *other, int signal)
{
	int status;

	if (signal != 0)
		kill(other->pid, signal);
	close(other->to);
	ck_assert_int_eq(waitpid(other->pid, &status, 0), other->pid);
	if (signal == 0)
		ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
		              "the other process failed: %d", status);
	close(other->from);
}

static bool other_delete(struct maildrop *drop)
{
	static const uint32_t first = 0;

	return store->calls->commit(drop, &first, 1, NULL, 0, NULL) == NOERROR;
}

/* d: deliver, o: open, x: delete the first message, c: close */
static void other_run(int in, int out)
{
	struct maildrop *drop = NULL;
	bool done = true;
	char what;

	store = new_store(4);
	while (done && (what = hear(in)) != '?') {
		switch (what) {
		case 'd': done = store_put(store, BOX, "other\n", 6, NULL) == NOERROR; break;
		case 'o': done = try_open(BOX, &drop) == NOERROR; break;
		case 'x': done = other_delete(drop); break;
		default: store->calls->close(&drop); break;
		}
		say(out, done ? what : '!');
	}
	store->calls->close(&drop);
	store->calls->free(&store);
	_exit(done ? 0 : 1);
}

/* --- tests ------------------------------------------------------------------------------ */

START_TEST(test_durable)
{
	struct maildrop_message m;
	struct maildrop *drop;
	char *uidl;

	store = new_store(0);
	put(BOX, "a\n");
	put(BOX, "b\n");
	drop = open_box(BOX);
	store->calls->message(drop, 1, &m);
	uidl = strndup(m.uidl.p, m.uidl.n);
	store->calls->close(&drop);
	store->calls->free(&store);
	store = new_store(0);
	drop = open_box(BOX);
	store->calls->message(drop, 1, &m);
	ck_assert(slice_equal(m.uidl, slice_of(uidl)));
	store->calls->close(&drop);
	free(uidl);
}
END_TEST

START_TEST(test_modes)
{
	char path[512];
	struct stat st;

	umask(022);
	store = new_store(0);
	put("a/b/c.nsf", "x\n");
	full(path, "a");
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0700);
	full(path, "a/b");
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0700);
	full(path, "a/b/c.nsf");
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
}
END_TEST

/* A list kept from the last session is not used once anybody has changed the file. */
START_TEST(test_never_stale)
{
	struct other other;

	other_start(&other, other_run);
	store = new_store(0);
	put(BOX, "a\n");
	ck_assert_uint_eq(count_in(BOX), 1);
	ck_assert_uint_eq(count_in(BOX), 1);
	for (uint32_t i = 1; i <= 5; i++) {
		other_do(&other, 'd');
		ck_assert_uint_eq(count_in(BOX), 1 + i);
		ck_assert_uint_eq(count_in(BOX), 1 + i);
	}
	other_do(&other, 'o');
	other_do(&other, 'x');
	other_do(&other, 'c');
	ck_assert_uint_eq(count_in(BOX), 5);
	other_end(&other, 0);                   /* closes its database */
	ck_assert_uint_eq(count_in(BOX), 5);
	put(BOX, "b\n");
	ck_assert_uint_eq(count_in(BOX), 6);
}
END_TEST

START_TEST(test_lock_over_processes)
{
	struct maildrop *drop;
	struct other other;

	other_start(&other, other_run);
	store = new_store(0);
	put(BOX, "a\n");
	other_do(&other, 'o');
	ck_assert_uint_eq(try_open(BOX, &drop), POSTIL_ERR_IN_USE);
	put(BOX, "b\n");                        /* delivery does not wait for it */
	other_do(&other, 'c');
	ck_assert_uint_eq(count_in(BOX), 2);
	other_do(&other, 'o');
	ck_assert_uint_eq(try_open(BOX, &drop), POSTIL_ERR_IN_USE);
	other_end(&other, SIGKILL);             /* a dead holder holds nothing */
	ck_assert_uint_eq(count_in(BOX), 2);
}
END_TEST

static void commit_and_die(int in, int out)
{
	struct maildrop *drop;

	store = new_store(0);
	if (hear(in) != 'g' || try_open(BOX, &drop) != NOERROR || !other_delete(drop))
		_exit(1);
	say(out, 'g');
	for (;;)
		pause();
}

START_TEST(test_commit_outlives_kill)
{
	struct other other;

	other_start(&other, commit_and_die);
	store = new_store(0);
	put(BOX, "a\n");
	put(BOX, "b\n");
	ck_assert_uint_eq(count_in(BOX), 2);
	other_do(&other, 'g');
	other_end(&other, SIGKILL);
	ck_assert_uint_eq(count_in(BOX), 1);
}
END_TEST

/* A restored copy under a session: nothing of the new file is deleted. */
START_TEST(test_replaced)
{
	struct maildrop *drop;
	char path[512], copy[512];
	uint32_t index = 0;
	char out[16];
	size_t got;
	STATUS status;

	store = new_store(0);
	put(BOX, "a\n");
	put("mail/copy.nsf", "x\n");
	put("mail/copy.nsf", "y\n");
	store->calls->shrink(store);
	ck_assert_uint_eq(count_in(BOX), 1);
	full(path, BOX);
	full(copy, "mail/copy.nsf");
	drop = open_box(BOX);
	store->calls->shrink(store);
	ck_assert_int_eq(rename(copy, path), 0);
	status = store->calls->read(drop, 0, 0, out, sizeof(out), &got, NULL);
	ck_assert_uint_eq(status, POSTIL_ERR_LOCK_LOST);
	ck_assert_uint_eq(store->calls->commit(drop, &index, 1, NULL, 0, NULL),
	                  POSTIL_ERR_LOCK_LOST);
	store->calls->close(&drop);
	ck_assert_uint_eq(count_in(BOX), 2);
}
END_TEST

START_TEST(test_removed_under_session)
{
	struct maildrop *drop;
	uint32_t index = 0;
	char path[512];

	store = new_store(0);
	put(BOX, "a\n");
	drop = open_box(BOX);
	full(path, BOX);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_uint_eq(store->calls->commit(drop, &index, 1, NULL, 0, NULL),
	                  POSTIL_ERR_LOCK_LOST);
	store->calls->close(&drop);
	ck_assert_uint_eq(try_open(BOX, &drop), POSTIL_ERR_NOEXIST);
}
END_TEST

/* More mail files than handles; sessions on all of them at once. */
START_TEST(test_few_handles)
{
	struct maildrop *drops[12];
	char path[32], text[32], out[32];
	size_t got;

	store = new_store(2);
	for (int i = 0; i < 12; i++) {
		snprintf(path, sizeof(path), "mail/%d.nsf", i);
		snprintf(text, sizeof(text), "text %d\n", i);
		put(path, text);
		drops[i] = open_box(path);
	}
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 12; i++) {
			ck_assert_uint_eq(store->calls->read(drops[i], 0, 0, out, sizeof(out),
			                                     &got, NULL), NOERROR);
			snprintf(text, sizeof(text), "text %d\r\n", i);
			ck_assert_uint_eq(got, strlen(text));
			ck_assert_mem_eq(out, text, got);
		}
		store->calls->shrink(store);
	}
	for (int i = 0; i < 12; i++)
		store->calls->close(&drops[i]);
}
END_TEST

static void write_file(const char *path, const char *p, size_t n)
{
	char name[512];
	FILE *file;

	full(name, path);
	file = fopen(name, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(p, 1, n, file), n);
	fclose(file);
}

START_TEST(test_not_mail_files)
{
	struct maildrop *drop;
	struct nsf *nsf;
	char path[512];

	store = new_store(0);
	ck_assert_uint_eq(store->calls->create(store, BOX, SLICE_LIT("CN=X"), NULL), NOERROR);
	write_file("mail/text.nsf", "some text that is no database at all\n", 37);
	ck_assert_uint_eq(try_open("mail/text.nsf", &drop), POSTIL_ERR_FOREIGN);
	write_file("mail/real.nsf", "\x1A\x00\x00\x04more", 8);
	ck_assert_uint_eq(try_open("mail/real.nsf", &drop), POSTIL_ERR_FOREIGN);
	ck_assert_uint_eq(store_put(store, "mail/real.nsf", "x\n", 2, NULL), POSTIL_ERR_FOREIGN);
	full(path, "names.nsf");
	ck_assert_uint_eq(nsf_create(path, NSF_DIRECTORY, &nsf, NULL), NOERROR);
	nsf_close(&nsf);
	ck_assert_uint_eq(try_open("names.nsf", &drop), POSTIL_ERR_FOREIGN);
	ck_assert_uint_eq(store_put(store, "names.nsf", "x\n", 2, NULL), POSTIL_ERR_FOREIGN);
	ck_assert_uint_ne(try_open("mail", &drop), NOERROR);
}
END_TEST

/* The tail of the file is overwritten: an error, or the right octets, no crash. */
START_TEST(test_damaged)
{
	struct maildrop *drop;
	char path[512], text[8192], out[8192];
	struct stat st;
	size_t got;
	int fd;

	store = new_store(0);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (int i = 0; i < 20; i++)
		put(BOX, text);
	store->calls->free(&store);
	full(path, BOX);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	ck_assert_int_eq(fstat(fd, &st), 0);
	memset(text, 0xA5, sizeof(text));
	for (off_t at = 8192; at + 8192 <= st.st_size; at += 3 * 8192)
		ck_assert_int_eq(pwrite(fd, text, sizeof(text), at), sizeof(text));
	close(fd);
	store = new_store(0);
	if (try_open(BOX, &drop) != NOERROR)
		return;
	for (uint32_t i = 0; i < 20; i++)
		store->calls->read(drop, i, 0, out, sizeof(out), &got, NULL);
	store->calls->close(&drop);
}
END_TEST

START_TEST(test_owner)
{
	struct buf owner = BUF_INIT;
	struct nsf *nsf;
	char path[512];

	store = new_store(0);
	ck_assert_uint_eq(store->calls->create(store, BOX, SLICE_LIT("CN=Jane/O=Acme"), NULL),
	                  NOERROR);
	full(path, BOX);
	ck_assert_uint_eq(nsf_open(path, &nsf, NULL), NOERROR);
	ck_assert_uint_eq(nsf_property_get(nsf, "owner", &owner), NOERROR);
	ck_assert_str_eq(buf_cstr(&owner), "CN=Jane/O=Acme");
	buf_release(&owner);
	nsf_close(&nsf);
	ck_assert_uint_eq(nsfstore_new("relative", NULL, &store, NULL), POSTIL_ERR_INVALID);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nsfstore");
	TCase *tc = tcase_create("nsfstore");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_durable);
	tcase_add_test(tc, test_modes);
	tcase_add_test(tc, test_never_stale);
	tcase_add_test(tc, test_lock_over_processes);
	tcase_add_test(tc, test_commit_outlives_kill);
	tcase_add_test(tc, test_replaced);
	tcase_add_test(tc, test_removed_under_session);
	tcase_add_test(tc, test_few_handles);
	tcase_add_test(tc, test_not_mail_files);
	tcase_add_test(tc, test_damaged);
	tcase_add_test(tc, test_owner);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}

/*
 * A disk that is full: a tmpfs of 32 MiB of our own, in a mount namespace that
 * ends with the process. Skipped where that is not permitted.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "nsf/private.h"
#include "tests/support/unit.h"
#include "tests/unit/nsf/help.h"

#include "base/banned.h"

enum { SKIPPED = 77, MESSAGES_MAX = 20000 };

static char *dir;
static char path[4096];

static void write_text(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)!write(fd, text, strlen(text));
	close(fd);
}

static bool namespace_ready(void)
{
	char users[40], groups[40];

	snprintf(users, sizeof(users), "%u %u 1", (unsigned)getuid(), (unsigned)getuid());
	snprintf(groups, sizeof(groups), "%u %u 1", (unsigned)getgid(), (unsigned)getgid());
	if (unshare(CLONE_NEWNS) < 0) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
			return false;
		/* Without both maps no file can be made; without "deny" there is no map of groups. */
		write_text("/proc/self/setgroups", "deny");
		write_text("/proc/self/uid_map", users);
		write_text("/proc/self/gid_map", groups);
	}
	return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static void start(void)
{
	dir = unit_tempdir();
	ck_assert_int_eq(mount("none", dir, "tmpfs", 0, "size=32m,mode=0700"), 0);
}

static void stop(void)
{
	ck_assert_int_eq(umount2(dir, MNT_DETACH), 0);
	unit_tempdir_remove(&dir);
}

static uint64_t room(void)
{
	struct statvfs fs;

	ck_assert_int_eq(statvfs(dir, &fs), 0);
	return (uint64_t)fs.f_bavail * fs.f_frsize;
}

/* Until one is refused; the number delivered. The reclaiming is what the server
 * does beside it. */
static size_t fill(struct nsf *nsf, uint64_t size, uint64_t *ids)
{
	struct fault fault = { 0 };
	bool more;
	size_t n = 0;

	for (; n < MESSAGES_MAX; n++) {
		uint64_t seed = n;
		struct nsf_delivery d = help_message(&seed, size);
		STATUS status = nsf_deliver(nsf, &d, 1, &ids[n], NULL, &fault);

		if (status != NOERROR) {
			ck_assert_uint_eq(status, POSTIL_ERR_DISK_FULL);
			ck_assert_uint_ne(fault.text[0], '\0');
			break;
		}
		if (n % 50 == 0)
			nsf_reclaim(nsf, &more);
	}
	ck_assert_uint_gt(n, 0);
	ck_assert_uint_lt(n, MESSAGES_MAX);
	return n;
}

static void assert_all_there(struct nsf *nsf, const uint64_t *ids, size_t n, uint64_t size)
{
	uint64_t count, octets;

	ck_assert_uint_eq(nsf_inbox_stat(nsf, &count, &octets), NOERROR);
	ck_assert_uint_eq(count, n);
	ck_assert_uint_eq(octets, n * size);
	for (size_t i = 0; i < n; i++)
		ck_assert(help_body_is(nsf, ids[i], i, size));
}

/* What other programs leave: nothing at all. */
static void fill_rest(void)
{
	static char zeros[65536];
	char name[5000];
	size_t step = sizeof(zeros);
	int fd;

	snprintf(name, sizeof(name), "%s/other", dir);
	fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	while (step > 0)
		if (write(fd, zeros, step) != (ssize_t)step)
			step /= 2;
	close(fd);
	ck_assert_uint_eq(room(), 0);
}

static const uint64_t sizes[] = { 1500, 4096, 500000 };

START_TEST(test_refused_below_the_reserve_and_deleted_within_it)
{
	uint64_t *ids = calloc(MESSAGES_MAX, sizeof(*ids)), size = sizes[_i];
	struct nsf *nsf;
	size_t n, again;

	start();
	nsf = help_create(dir, path, sizeof(path));
	n = fill(nsf, size, ids);
	ck_assert_uint_lt(room(), (17u << 20) + 2 * size);
	assert_all_there(nsf, ids, n, size);
	help_delete(nsf, ids, n);
	assert_all_there(nsf, ids, 0, size);
	help_reclaim(nsf);
	again = fill(nsf, size, ids);
	ck_assert_uint_gt(again * 10, n * 7);
	assert_all_there(nsf, ids, again, size);
	nsf_close(&nsf);
	ck_assert(help_check(path));
	stop();
	free(ids);
}
END_TEST

/* Without a reserve, to the last octet: whatever SQLite then says, nothing that
 * was acknowledged is lost and nothing is half done. */
START_TEST(test_full_to_the_last_octet)
{
	uint64_t *ids = calloc(MESSAGES_MAX, sizeof(*ids)), size = sizes[_i];
	struct nsf *nsf;
	size_t n;

	start();
	nsf_set_reserve(0);
	nsf = help_create(dir, path, sizeof(path));
	n = fill(nsf, size, ids);
	assert_all_there(nsf, ids, n, size);
	nsf_close(&nsf);
	nsf = help_open(path);
	assert_all_there(nsf, ids, n, size);
	nsf_close(&nsf);
	ck_assert(help_check(path));
	stop();
	free(ids);
}
END_TEST

/* Another program takes the reserve too: a deletion is done whole or refused
 * whole, and what is left can be read. */
START_TEST(test_reserve_taken_by_others)
{
	uint64_t *ids = calloc(MESSAGES_MAX, sizeof(*ids)), size = sizes[_i], count, octets;
	struct fault fault = { 0 };
	struct nsf *nsf;
	STATUS status;
	size_t n;

	start();
	nsf = help_create(dir, path, sizeof(path));
	n = fill(nsf, size, ids);
	fill_rest();
	assert_all_there(nsf, ids, n, size);
	status = nsf_delete(nsf, ids, n / 2, &fault);
	printf("%d of %d messages of %d octets deleted: %s\n", (int)(n / 2), (int)n, (int)size,
	       fault_text(&fault, status));
	ck_assert(status == NOERROR || status == POSTIL_ERR_DISK_FULL);
	ck_assert_uint_eq(nsf_inbox_stat(nsf, &count, &octets), NOERROR);
	ck_assert_uint_eq(count, status == NOERROR ? n - n / 2 : n);
	nsf_close(&nsf);
	ck_assert(help_check(path));
	stop();
	free(ids);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("nsf full");
	TCase *tcase = tcase_create("full");
	SRunner *runner;
	int failed;

	if (!namespace_ready()) {
		printf("skipped: no mount namespace (%s)\n", strerrordesc_np(errno));
		return SKIPPED;
	}
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, test_refused_below_the_reserve_and_deleted_within_it, 0, 3);
	tcase_add_loop_test(tcase, test_full_to_the_last_octet, 0, 3);
	tcase_add_loop_test(tcase, test_reserve_taken_by_others, 0, 3);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}

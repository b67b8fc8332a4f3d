/*
 * How often the disk is waited for. This program's own fsync and fdatasync
 * stand before those of the C library, also for SQLite.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "nsf/private.h"
#include "tests/support/unit.h"
#include "tests/unit/nsf/help.h"

#include "base/banned.h"

static _Atomic unsigned syncs;
static _Atomic bool failing;

int fdatasync(int fd)
{
	syncs++;
	return failing ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
	syncs++;
	return failing ? -1 : (int)syscall(SYS_fsync, fd);
}

static char *dir;
static char path[4096];

static unsigned syncs_since(unsigned *before)
{
	unsigned n = syncs - *before;

	*before = syncs;
	return n;
}

START_TEST(test_one_sync_for_each_change)
{
	struct nsf *nsf;
	uint64_t ids[20], user, seeds[3] = { 1, 2, 3 };
	struct nsf_delivery batch[3];
	unsigned before = 0;
	bool more;

	dir = unit_tempdir();
	nsf = help_create(dir, path, sizeof(path));
	help_deliver(nsf, 1, 4096, NULL);       /* begins the log */
	ck_assert_uint_gt(syncs_since(&before), 0);
	for (size_t i = 0; i < 20; i++) {
		ids[i] = help_deliver(nsf, i, 4096, NULL);
		ck_assert_uint_eq(syncs_since(&before), 1);
	}
	for (size_t i = 0; i < 3; i++)
		batch[i] = help_message(&seeds[i], 50000);
	ck_assert_uint_eq(nsf_deliver(nsf, batch, 3, NULL, NULL, NULL), NOERROR);
	ck_assert_uint_eq(syncs_since(&before), 1);
	help_delete(nsf, ids, 10);
	ck_assert_uint_eq(syncs_since(&before), 1);
	help_delete(nsf, ids, 10);              /* nothing left to change */
	ck_assert_uint_eq(syncs_since(&before), 0);
	ck_assert_uint_eq(nsf_user_id(nsf, slice_of("x"), true, &user), NOERROR);
	ck_assert_uint_eq(nsf_mark_read(nsf, user, ids + 10, 5), NOERROR);
	ck_assert_uint_eq(syncs_since(&before), 2);
	ck_assert(help_body_is(nsf, ids[15], 15, 4096));
	ck_assert_uint_eq(syncs_since(&before), 0);
	/* After reclaiming, which syncs only to move the log into the file, the
	 * next change is durable again. */
	do
		ck_assert_uint_eq(nsf_reclaim(nsf, &more), NOERROR);
	while (more);
	help_deliver(nsf, 1, 10, NULL);
	syncs_since(&before);
	help_deliver(nsf, 1, 10, NULL);
	ck_assert_uint_eq(syncs_since(&before), 1);
	nsf_close(&nsf);
	unit_tempdir_remove(&dir);
}
END_TEST

START_TEST(test_failed_sync_is_told)
{
	uint64_t seed = 1;
	struct nsf_delivery d = help_message(&seed, 100);
	struct fault fault = { 0 };
	struct nsf *nsf;
	STATUS status;

	dir = unit_tempdir();
	nsf = help_create(dir, path, sizeof(path));
	help_deliver(nsf, 1, 100, NULL);
	failing = true;
	status = nsf_deliver(nsf, &d, 1, NULL, NULL, &fault);
	failing = false;
	ck_assert_uint_eq(status, POSTIL_ERR_UNKNOWN_OUTCOME);
	ck_assert_uint_ne(fault.text[0], '\0');
	help_deliver(nsf, 2, 100, NULL);
	nsf_close(&nsf);
	ck_assert(help_check(path));
	unit_tempdir_remove(&dir);
}
END_TEST

UNIT_MAIN("nsf sync", test_one_sync_for_each_change, test_failed_sync_is_told)

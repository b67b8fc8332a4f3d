/* Quotas and the warning threshold: who is refused, what makes room, how often is told. */
#include <stdio.h>
#include <string.h>

#include "nsf/private.h"
#include "tests/support/unit.h"
#include "tests/unit/nsf/help.h"

#include "base/banned.h"

#define KIB 1024u

static char *dir;
static char path[4096];
static struct nsf *nsf;
static uint64_t seed = 3;

static void start(void)
{
	dir = unit_tempdir();
	nsf = help_create(dir, path, sizeof(path));
}

static void stop(void)
{
	nsf_close(&nsf);
	ck_assert(help_check(path));
	unit_tempdir_remove(&dir);
}

static void set(enum nsf_setting which, uint64_t value)
{
	uint64_t is = ~value;

	ck_assert_uint_eq(nsf_setting_set(nsf, which, value), NOERROR);
	ck_assert_uint_eq(nsf_setting_get(nsf, which, &is), NOERROR);
	ck_assert_uint_eq(is, value);
}

static STATUS deliver(uint64_t size, uint64_t *id_r, struct fault *fault)
{
	struct nsf_delivery d = help_message(&seed, size);

	return nsf_deliver(nsf, &d, 1, id_r, NULL, fault);
}

static uint64_t used(void)
{
	struct nsf_quota quota;

	ck_assert_uint_eq(nsf_quota_get(nsf, &quota), NOERROR);
	return quota.used_octets;
}

START_TEST(test_octets)
{
	struct fault fault = { 0 };
	uint64_t ids[2];

	start();
	set(NSF_QUOTA_OCTETS, used() + 500 * KIB);
	ck_assert_uint_eq(deliver(200 * KIB, &ids[0], NULL), NOERROR);
	ck_assert_uint_eq(deliver(200 * KIB, &ids[1], NULL), NOERROR);
	ck_assert_uint_eq(deliver(200 * KIB, NULL, &fault), POSTIL_ERR_QUOTA);
	ck_assert_ptr_nonnull(strstr(fault.text, "204800 more would exceed its quota"));
	ck_assert(help_body_is(nsf, ids[0], seed, 200 * KIB));  /* reading goes on */
	help_delete(nsf, ids, 1);                               /* and deleting makes room at once */
	ck_assert_uint_eq(deliver(200 * KIB, &ids[0], NULL), NOERROR);
	ck_assert_uint_eq(deliver(200 * KIB, NULL, NULL), POSTIL_ERR_QUOTA);
	set(NSF_QUOTA_OCTETS, 0);
	ck_assert_uint_eq(deliver(200 * KIB, NULL, NULL), NOERROR);
	stop();
}
END_TEST

START_TEST(test_messages)
{
	struct fault fault = { 0 };
	uint64_t ids[3];

	start();
	set(NSF_QUOTA_MESSAGES, 3);
	for (int i = 0; i < 3; i++)
		ck_assert_uint_eq(deliver(100, &ids[i], NULL), NOERROR);
	ck_assert_uint_eq(deliver(100, NULL, &fault), POSTIL_ERR_QUOTA);
	ck_assert_ptr_nonnull(strstr(fault.text, "holds 3 messages, 1 more would exceed its quota of 3"));
	ck_assert_uint_eq(nsf_folder_take(nsf, SLICE_LIT(NSF_INBOX), ids[1]), NOERROR);
	ck_assert_uint_eq(deliver(100, NULL, NULL), POSTIL_ERR_QUOTA);  /* a folder is no way out */
	help_delete(nsf, ids, 1);
	ck_assert_uint_eq(deliver(100, NULL, NULL), NOERROR);
	ck_assert_uint_eq(deliver(100, NULL, NULL), POSTIL_ERR_QUOTA);
	stop();
}
END_TEST

/* What lies in the trash gives way, the oldest first, but not for nothing. */
START_TEST(test_trash_gives_way)
{
	uint64_t ids[4], big = 500 * KIB;

	start();
	set(NSF_SOFT_DELETE_HOURS, 48);
	for (int i = 0; i < 4; i++)
		ck_assert_uint_eq(deliver(100 * KIB, &ids[i], NULL), NOERROR);
	set(NSF_QUOTA_OCTETS, used() + 50 * KIB);
	ck_assert_uint_eq(deliver(100 * KIB, NULL, NULL), POSTIL_ERR_QUOTA);
	help_delete(nsf, ids, 2);
	ck_assert_uint_eq(deliver(big, NULL, NULL), POSTIL_ERR_QUOTA);
	ck_assert_int_eq(help_sql_number(path, "SELECT count(*) FROM trash"), 2);
	ck_assert_uint_eq(deliver(100 * KIB, NULL, NULL), NOERROR);
	ck_assert_int_eq(help_sql_number(path, "SELECT count(*) FROM trash WHERE note=1"), 0);
	stop();
}
END_TEST

/* Where the inbox alone has as many messages as may be, emptying the trash helps nobody. */
START_TEST(test_trash_stays_if_it_cannot_help)
{
	uint64_t ids[4];

	start();
	set(NSF_SOFT_DELETE_HOURS, 48);
	for (int i = 0; i < 4; i++)
		ck_assert_uint_eq(deliver(100, &ids[i], NULL), NOERROR);
	help_delete(nsf, ids, 1);
	set(NSF_QUOTA_MESSAGES, 3);
	ck_assert_uint_eq(deliver(100, NULL, NULL), POSTIL_ERR_QUOTA);
	ck_assert_int_eq(help_sql_number(path, "SELECT count(*) FROM trash"), 1);
	set(NSF_QUOTA_MESSAGES, 4);
	ck_assert_uint_eq(deliver(100, NULL, NULL), NOERROR);
	ck_assert_int_eq(help_sql_number(path, "SELECT count(*) FROM trash"), 0);
	stop();
}
END_TEST

/* Not asked, but counted for the next one, in a batch with others too. */
START_TEST(test_beyond)
{
	struct nsf_delivery two[2];

	start();
	set(NSF_QUOTA_MESSAGES, 1);
	ck_assert_uint_eq(deliver(100, NULL, NULL), NOERROR);
	two[0] = help_message(&seed, 100);
	two[1] = help_message(&seed, 100);
	two[0].beyond_quota = two[1].beyond_quota = true;
	ck_assert_uint_eq(nsf_deliver(nsf, two, 2, NULL, NULL, NULL), NOERROR);
	set(NSF_QUOTA_MESSAGES, 0);
	set(NSF_QUOTA_OCTETS, used());
	ck_assert_uint_eq(deliver(100, NULL, NULL), POSTIL_ERR_QUOTA);
	two[0] = help_message(&seed, 100);
	two[0].beyond_quota = true;
	ck_assert_uint_eq(nsf_deliver(nsf, two, 1, NULL, NULL, NULL), NOERROR);
	two[1] = help_message(&seed, 100);
	ck_assert_uint_eq(nsf_deliver(nsf, two, 2, NULL, NULL, NULL), POSTIL_ERR_QUOTA);
	stop();
}
END_TEST

static void tell(void)
{
	struct nsf_delivery d = help_message(&seed, 700);

	d.quota_report = true;
	ck_assert_uint_eq(nsf_deliver(nsf, &d, 1, NULL, NULL, NULL), NOERROR);
}

START_TEST(test_warned_once)
{
	struct nsf *other;
	uint64_t id, n, octets;

	start();
	set(NSF_WARNING_OCTETS, used() + 300 * KIB);
	ck_assert_uint_eq(deliver(100 * KIB, NULL, NULL), NOERROR);
	ck_assert(!nsf_quota_crossed(nsf));
	ck_assert_uint_eq(deliver(250 * KIB, &id, NULL), NOERROR);
	ck_assert(nsf_quota_crossed(nsf));
	ck_assert_uint_eq(deliver(100, NULL, NULL), NOERROR);
	ck_assert(nsf_quota_crossed(nsf));              /* nobody has told the owner */
	tell();
	ck_assert(!nsf_quota_crossed(nsf));
	tell();                                         /* somebody else was quicker */
	ck_assert_uint_eq(nsf_inbox_stat(nsf, &n, &octets), NOERROR);
	ck_assert_uint_eq(n, 4);
	other = help_open(path);
	nsf_close(&nsf);
	nsf = other;
	ck_assert_uint_eq(deliver(100, NULL, NULL), NOERROR);
	ck_assert(!nsf_quota_crossed(nsf));
	help_delete(nsf, &id, 1);
	help_reclaim(nsf);
	ck_assert_uint_eq(deliver(100, NULL, NULL), NOERROR);   /* below */
	ck_assert(!nsf_quota_crossed(nsf));
	ck_assert_uint_eq(deliver(250 * KIB, NULL, NULL), NOERROR);
	ck_assert(nsf_quota_crossed(nsf));              /* and above again */
	stop();
}
END_TEST

/* The notice itself is not refused. */
START_TEST(test_notice_over_quota)
{
	uint64_t n, octets;

	start();
	set(NSF_QUOTA_MESSAGES, 1);
	set(NSF_WARNING_OCTETS, 1);
	ck_assert_uint_eq(deliver(100, NULL, NULL), NOERROR);
	ck_assert(nsf_quota_crossed(nsf));
	tell();
	ck_assert_uint_eq(nsf_inbox_stat(nsf, &n, &octets), NOERROR);
	ck_assert_uint_eq(n, 2);
	stop();
}
END_TEST

START_TEST(test_settings)
{
	uint64_t replica = 0, value;

	start();
	ck_assert_uint_eq(nsf_setting_get(nsf, NSF_CUTOFF_DAYS, &value), NOERROR);
	ck_assert_uint_eq(value, 90);
	set(NSF_CUTOFF_DAYS, 30);
	ck_assert_uint_eq(nsf_setting_set(nsf, NSF_CUTOFF_DAYS, UINT64_MAX), POSTIL_ERR_INVALID);
	ck_assert_uint_eq(nsf_replica_get(nsf, &replica), NOERROR);
	ck_assert_uint_ne(replica, 0);
	ck_assert_uint_eq(nsf_replica_set(nsf, 0x85257AB000123456), NOERROR);
	ck_assert_uint_eq(nsf_replica_get(nsf, &replica), NOERROR);
	ck_assert_uint_eq(replica, 0x85257AB000123456);
	ck_assert_uint_eq(nsf_setting_get(nsf, NSF_CUTOFF_DAYS, &value), NOERROR);
	ck_assert_uint_eq(value, 30);
	help_sql(path, "UPDATE store SET quota='much'");
	ck_assert_uint_eq(nsf_setting_get(nsf, NSF_QUOTA_OCTETS, &value), POSTIL_ERR_DAMAGED);
	help_sql(path, "UPDATE store SET quota=NULL");
	stop();
}
END_TEST

UNIT_MAIN("nsf quota", test_octets, test_messages, test_trash_gives_way,
          test_trash_stays_if_it_cannot_help, test_warned_once,
	test_notice_over_quota, test_beyond, test_settings)

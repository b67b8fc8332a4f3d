/* What an administrator sees of lockout records, and whom a name unlocks. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "directory/lockadmin.h"
#include "directory/source.h"
#include "tests/support/source_memory.h"
#include "tests/support/unit.h"

#define NOW INT64_C(1700000000000)

static const struct lockout_rules once = { .enforce = true, .max_tries = 1, .lock_address = true };

static char *data;
static struct lockout *lockout;
static struct directory *dir;
static struct directory_source *source;
static struct buf told;

static void begin(void)
{
	data = unit_tempdir();
	ck_assert_int_eq(lockout_open(data, &lockout, NULL), NOERROR);
	ck_assert_int_eq(source_memory_new(&source), NOERROR);
	ck_assert_int_eq(source_memory_write(source,
		"Form=Person|FullName=CN=Ann Lee/O=Acme;ann|LastName=Lee|InternetAddress=ann@acme.example\n"
		"Form=Person|FullName=CN=Bob Lee/O=Acme|LastName=Lee\n"
		"Form=Person|FullName=CN=Cy Lee/O=Acme|LastName=Lee\n"), NOERROR);
	ck_assert_int_eq(directory_new(source, &dir), NOERROR);
	told = (struct buf)BUF_INIT;
}

static void end(void)
{
	buf_release(&told);
	directory_close(&dir);
	lockout_close(&lockout);
	unit_tempdir_remove(&data);
}

static void lock(enum lockout_kind kind, const char *name)
{
	bool locked;

	ck_assert_int_eq(lockout_failed(lockout, &once, kind, slice_of(name), NOW, &locked), NOERROR);
	ck_assert(locked);
}

static bool is_locked(enum lockout_kind kind, const char *name)
{
	return lockout_is_locked(lockout, &once, kind, slice_of(name), NOW);
}

static void tell(void *context, const struct lockout_record *record)
{
	lockadmin_add_name(record, context);
	buf_add_char(context, ';');
}

static STATUS unlock(const char *name)
{
	told.n = 0;
	return lockadmin_unlock(lockout, dir, slice_of(name), tell, &told);
}

static const struct {
	const char *name, *told;
	STATUS status;
} names[] = {
	/* the record's own name, in each spelling of it */
	{ "CN=Ann Lee/O=Acme", "Ann Lee/Acme;", NOERROR },
	{ "ann lee/ACME", "ann lee/ACME;", NOERROR },
	/* as for a login */
	{ "ann", "Ann Lee/Acme;", NOERROR },
	{ "Ann Lee", "Ann Lee/Acme;", NOERROR },
	{ "ANN@acme.example", "Ann Lee/Acme;", NOERROR },
	/* more persons of one name: those who have a record */
	{ "Lee", "Ann Lee/Acme;", NOERROR },
	{ "Bob Lee", NULL, POSTIL_ERR_NOT_FOUND },
	{ "nobody", NULL, POSTIL_ERR_NOT_FOUND },
	{ "", NULL, POSTIL_ERR_NOT_FOUND },
	{ "\xFF", NULL, POSTIL_ERR_NOT_FOUND },
	{ "192.0.2.1", NULL, POSTIL_ERR_NOT_FOUND },
};

START_TEST(persons)
{
	begin();
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		lock(LOCKOUT_PERSON, "CN=Ann Lee/O=Acme");
		ck_assert_msg(unlock(names[i].name) == names[i].status, "%s", names[i].name);
		ck_assert_msg(is_locked(LOCKOUT_PERSON, "CN=Ann Lee/O=Acme") == (names[i].status != NOERROR),
		              "%s", names[i].name);
		ck_assert_msg(slice_equal(buf_slice(&told), slice_of(names[i].told)), "%s", names[i].name);
		lockout_unlock(lockout, LOCKOUT_PERSON, SLICE_LIT("CN=Ann Lee/O=Acme"));
	}
	end();
}
END_TEST

START_TEST(all_of_one_name)
{
	begin();
	lock(LOCKOUT_PERSON, "CN=Ann Lee/O=Acme");
	lock(LOCKOUT_PERSON, "CN=Cy Lee/O=Acme");
	ck_assert_int_eq(unlock("lee"), NOERROR);
	ck_assert(strstr(buf_cstr(&told), "Ann Lee/Acme;") != NULL);
	ck_assert(strstr(buf_cstr(&told), "Cy Lee/Acme;") != NULL);
	ck_assert(strstr(buf_cstr(&told), "Bob") == NULL);
	ck_assert(!is_locked(LOCKOUT_PERSON, "CN=Ann Lee/O=Acme"));
	ck_assert(!is_locked(LOCKOUT_PERSON, "CN=Cy Lee/O=Acme"));
	end();
}
END_TEST

static const struct {
	const char *record, *name;
	bool unlocks;
} addresses[] = {
	{ "192.0.2.7", "192.0.2.7", true },
	{ "192.0.2.7", "::ffff:192.0.2.7", true },
	{ "192.0.2.7", "192.0.2.70", false },
	{ "2001:db8:1:2::/64", "2001:db8:1:2::/64", true },
	{ "2001:db8:1:2::/64", "2001:DB8:1:2:3::4", true },
	{ "2001:db8:1:2::/64", "2001:db8:1:3::4", false },
	{ "2001:db8:1:2::/64", "2001:db8:1:2:3::4 and a tail longer than any address has", false },
};

START_TEST(of_addresses)
{
	begin();
	for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
		lock(LOCKOUT_ADDRESS, addresses[i].record);
		ck_assert_msg(unlock(addresses[i].name) ==
		              (addresses[i].unlocks ? NOERROR : POSTIL_ERR_NOT_FOUND), "%s",
		              addresses[i].name);
		ck_assert(is_locked(LOCKOUT_ADDRESS, addresses[i].record) == !addresses[i].unlocks);
		lockout_unlock(lockout, LOCKOUT_ADDRESS, slice_of(addresses[i].record));
	}
	end();
}
END_TEST

/* Without a directory the record's own name does; what fails is told, not "no record". */
START_TEST(directory_in_trouble)
{
	begin();
	lock(LOCKOUT_PERSON, "CN=Ann Lee/O=Acme");
	source_memory_fail(source, POSTIL_ERR_NOEXIST);
	ck_assert_int_eq(unlock("ann"), POSTIL_ERR_NOT_FOUND);
	source_memory_fail(source, POSTIL_ERR_IO);
	ck_assert_int_eq(unlock("ann"), POSTIL_ERR_IO);
	ck_assert_int_eq(lockadmin_unlock(lockout, NULL, SLICE_LIT("ann"), tell, &told),
	                 POSTIL_ERR_NOT_FOUND);
	ck_assert_int_eq(lockadmin_unlock(lockout, NULL, SLICE_LIT("Ann Lee/Acme"), tell, &told),
	                 NOERROR);
	end();
}
END_TEST

START_TEST(lines)
{
	struct lockout_record record = { .kind = LOCKOUT_PERSON, .name = SLICE_LIT("CN=Ann Lee/O=Acme"),
	                                 .locked = true, .failures = 3, .first_ms = NOW,
	                                 .last_ms = NOW + 61999 };
	struct buf name = BUF_INIT, line = BUF_INIT;

	setenv("TZ", "UTC0", 1);
	tzset();
	lockadmin_add_name(&record, &name);
	ck_assert_str_eq(buf_cstr(&name), "Ann Lee/Acme");
	lockadmin_add_line(&record, SLICE_LIT("x"), &line);
	ck_assert_str_eq(buf_cstr(&line), "user x: locked, 3 failed logins, first 2023-11-14 22:13:20, "
	                 "last 2023-11-14 22:14:21");
	record = (struct lockout_record){ .kind = LOCKOUT_ADDRESS, .name = SLICE_LIT("2001:db8::/64"),
	                                  .failures = 1, .last_ms = 1000 };
	name.n = line.n = 0;
	lockadmin_add_name(&record, &name);
	lockadmin_add_line(&record, buf_slice(&name), &line);
	ck_assert_str_eq(buf_cstr(&line), "address 2001:db8::/64: not locked, 1 failed login, first "
	                 "1970-01-01 00:00:00, last 1970-01-01 00:00:01");
	buf_release(&name);
	buf_release(&line);
}
END_TEST

UNIT_MAIN("directory/lockadmin", persons, all_of_one_name, of_addresses, directory_in_trouble, lines)

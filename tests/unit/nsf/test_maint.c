/*
 * Compaction, counting, backup and restore of whole files, and that fixup knows
 * every table there is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nsf/maintain.h"
#include "tests/support/unit.h"
#include "tests/unit/nsf/help.h"

#include "base/banned.h"

static char *dir;
static char path[4096], copy[4200];
static uint64_t ids[200];

static struct nsf *sample(size_t count, uint64_t size)
{
	struct nsf *nsf;

	dir = unit_tempdir();
	nsf = help_create(dir, path, sizeof(path));
	snprintf(copy, sizeof(copy), "%s/copy.nsf", dir);
	for (size_t i = 0; i < count; i++)
		ids[i] = help_deliver(nsf, i, size, NULL);
	return nsf;
}

static bool exists(const char *ending)
{
	char name[5000];
	struct stat st;

	snprintf(name, sizeof(name), "%s%s", path, ending);
	return stat(name, &st) == 0;
}

/* The pages of a table that fixup does not know would be lost in a rebuild. */
START_TEST(test_tables_are_known)
{
	struct finder finder = { .findings = 0 };
	struct nsf *nsf = sample(0, 0);
	char sql[200];

	ck_assert_uint_eq(nsf_tables_check(nsf, &finder), NOERROR);
	nsf_close(&nsf);
	ck_assert_int_eq(help_sql_number(path, "SELECT count(*) FROM sqlite_schema WHERE type='table'"),
	                 (int64_t)nsf_table_count);
	for (size_t i = 0; i < nsf_table_count; i++) {
		const char *comma = nsf_tables[i].columns;
		int64_t columns = 1;

		while ((comma = strchr(comma, ',')) != NULL) {
			columns++;
			comma++;
		}
		snprintf(sql, sizeof(sql), "SELECT count(*) FROM pragma_table_info('%s')", nsf_tables[i].name);
		ck_assert_msg(help_sql_number(path, sql) == columns, "%s", nsf_tables[i].name);
		ck_assert_uint_eq(strlen(nsf_tables[i].shape), (size_t)columns);
	}
	unit_tempdir_remove(&dir);
}
END_TEST

START_TEST(test_compact_in_place)
{
	struct nsf_compact_options options = { .style = NSF_COMPACT_KEEP };
	struct nsf_compact_result r;
	struct nsf *nsf = sample(200, 9000), *reader;
	char piece[100];
	size_t got = 0;

	reader = help_open(path);       /* as the server has it */
	help_delete(nsf, ids + 10, 190);
	ck_assert_uint_eq(nsf_compact(path, &options, NULL, &r, NULL), NOERROR);
	ck_assert_uint_ge(r.unused_percent, 70);
	ck_assert_int_eq(help_sql_number(path, "SELECT count(*) FROM gone"), 0);
	ck_assert_int_gt(help_sql_number(path, "PRAGMA freelist_count"), 100);
	options.style = NSF_COMPACT_SHRINK;
	ck_assert_uint_eq(nsf_compact(path, &options, NULL, &r, NULL), NOERROR);
	ck_assert_uint_lt(r.after_octets, r.before_octets / 4);
	options.unused_percent = 50;
	ck_assert_uint_eq(nsf_compact(path, &options, NULL, &r, NULL), NOERROR);
	ck_assert(r.passed_over);
	options = (struct nsf_compact_options){ .style = NSF_COMPACT_COPY };
	ck_assert_uint_eq(nsf_compact(path, &options, NULL, &r, NULL), POSTIL_ERR_IN_USE);
	ck_assert_uint_eq(nsf_body_read(reader, ids[9], 0, piece, sizeof(piece), &got), NOERROR);
	nsf_close(&nsf);
	nsf_close(&reader);
	ck_assert(help_check(path));
	unit_tempdir_remove(&dir);
}
END_TEST

START_TEST(test_compact_as_copy)
{
	struct nsf_compact_options options = { .style = NSF_COMPACT_COPY };
	struct nsf_compact_result r;
	struct nsf_lock *lock = NULL;
	struct nsf *nsf = sample(100, 9000);

	help_delete(nsf, ids, 90);
	nsf_close(&nsf);
	ck_assert_uint_eq(nsf_lock_open(path, &lock, NULL), NOERROR);
	ck_assert_uint_eq(nsf_lock_session(lock), NOERROR);
	ck_assert_uint_eq(nsf_compact(path, &options, NULL, &r, NULL), POSTIL_ERR_IN_USE);
	nsf_lock_close(&lock);
	ck_assert_uint_eq(nsf_compact(path, &options, NULL, &r, NULL), NOERROR);
	ck_assert_uint_lt(r.after_octets, r.before_octets / 2);
	ck_assert(help_check(path));
	nsf = help_open(path);
	ck_assert(help_body_is(nsf, ids[95], 95, 9000));
	help_deliver(nsf, 1, 100, NULL);
	nsf_close(&nsf);
	unit_tempdir_remove(&dir);
}
END_TEST

START_TEST(test_recount)
{
	struct nsf_recounted r;
	struct nsf *nsf = sample(3, 100);

	nsf_close(&nsf);
	ck_assert_uint_eq(nsf_recount(path, &r, NULL), NOERROR);
	ck_assert_uint_eq(r.counters + r.marks, 0);
	help_sql(path, "UPDATE store SET n=7,bytes=8,filed_n=9; INSERT INTO unread VALUES(5,1)");
	ck_assert_uint_eq(nsf_recount(path, &r, NULL), NOERROR);
	ck_assert_uint_eq(r.counters, 3);
	ck_assert_uint_eq(r.marks, 1);
	ck_assert(help_check(path));
	unit_tempdir_remove(&dir);
}
END_TEST

/* A writer goes on between the steps of a backup, which holds what was there at its begin. */
static bool deliver_meanwhile(void *context, uint64_t done, uint64_t total)
{
	(void)done;
	(void)total;
	help_deliver(context, 5, 500, NULL);
	return true;
}

START_TEST(test_backup)
{
	struct nsf *nsf = sample(100, 30000), *made;
	struct nsf_watch watch = { .go_on = deliver_meanwhile, .context = nsf };
	uint64_t octets = 0, count;
	struct fault fault;

	ck_assert_uint_eq(nsf_backup(path, copy, false, &watch, &octets, &fault), NOERROR);
	ck_assert_uint_gt(octets, 100 * 30000);
	ck_assert(help_check(copy));
	made = help_open(copy);
	ck_assert_uint_eq(nsf_inbox_stat(made, &count, &octets), NOERROR);
	ck_assert_uint_eq(count, 100);
	nsf_close(&made);
	ck_assert_uint_eq(nsf_inbox_stat(nsf, &count, &octets), NOERROR);
	ck_assert_uint_gt(count, 100);
	ck_assert_uint_eq(nsf_backup(path, copy, false, NULL, &octets, &fault), POSTIL_ERR_EXISTS);
	ck_assert_uint_eq(nsf_backup(copy, path, true, NULL, &octets, &fault), POSTIL_ERR_IN_USE);
	nsf_close(&nsf);
	help_sql(path, "DELETE FROM body WHERE k>>16=5");
	ck_assert_uint_eq(nsf_backup(path, copy, true, NULL, &octets, &fault), POSTIL_ERR_DAMAGED);
	ck_assert(help_check(copy));
	unit_tempdir_remove(&dir);
}
END_TEST

static void restore_now(struct nsf_restored *r)
{
	struct fault fault = { 0 };
	STATUS status = nsf_restore(copy, path, NULL, r, &fault);

	ck_assert_msg(status == NOERROR, "%s", fault_text(&fault, status));
	ck_assert(help_check(path));
}

START_TEST(test_restore)
{
	struct nsf *nsf = sample(5, 3000);
	struct nsf_restored r;
	struct stat st;
	uint64_t octets, later, seed = 9;
	struct nsf_delivery other = help_message(&seed, 300);

	help_deliver(nsf, 70, 700, "kept-uidl");
	ck_assert_uint_eq(nsf_backup(path, copy, false, NULL, &octets, NULL), NOERROR);
	later = help_deliver(nsf, 71, 710, "later-uidl");
	help_delete(nsf, ids, 5);
	nsf_close(&nsf);
	restore_now(&r);
	ck_assert_uint_eq(r.messages, 6);
	ck_assert_uint_eq(r.renamed, 0);
	ck_assert(stat(r.kept, &st) == 0);
	nsf = help_open(path);
	/* What named octets after the backup names no others now, and ids go on. */
	other.uidl = SLICE_LIT("later-uidl");
	ck_assert_uint_eq(nsf_deliver(nsf, &other, 1, NULL, NULL, NULL), POSTIL_ERR_EXISTS);
	ck_assert_uint_gt(help_deliver(nsf, 71, 710, "later-uidl"), later);
	ck_assert(help_body_is(nsf, ids[3], 3, 3000));
	nsf_close(&nsf);
	ck_assert(help_check(path));
	unit_tempdir_remove(&dir);
}
END_TEST

/* The same UIDL for other octets, in another file: the restored message gets a new one. */
START_TEST(test_restore_renames)
{
	struct nsf *nsf = sample(2, 3000);
	struct nsf_restored r;
	uint64_t octets;

	help_deliver(nsf, 70, 700, "one-uidl");
	ck_assert_uint_eq(nsf_backup(path, copy, false, NULL, &octets, NULL), NOERROR);
	nsf_close(&nsf);
	ck_assert_uint_eq(nsf_remove(path, NULL), NOERROR);
	ck_assert_uint_eq(nsf_create(path, NSF_MAIL, &nsf, NULL), NOERROR);
	help_deliver(nsf, 71, 710, "one-uidl");
	nsf_close(&nsf);
	restore_now(&r);
	ck_assert_uint_eq(r.renamed, 1);
	ck_assert_int_eq(help_sql_number(path, "SELECT count(*) FROM inbox WHERE uidl='one-uidl'"), 0);
	ck_assert_int_eq(help_sql_number(path, "SELECT count(*) FROM inbox"), 3);
	ck_assert_int_eq(help_sql_number(path, "SELECT count(*) FROM uidl WHERE uidl='one-uidl'"), 1);
	unit_tempdir_remove(&dir);
}
END_TEST

/* What was delivered and lies in the log alone is in the old file itself before the log loses its
 * name, so that a crash in between loses nothing. */
START_TEST(test_restore_keeps_old_whole)
{
	struct nsf *nsf = sample(3, 3000);
	struct nsf_restored r;
	uint64_t octets;
	char log[5000];
	struct stat st;

	ck_assert_uint_eq(nsf_backup(path, copy, false, NULL, &octets, NULL), NOERROR);
	help_deliver(nsf, 80, 800, "in-the-log");       /* the file stays open, as the server has it */
	restore_now(&r);
	snprintf(log, sizeof(log), "%s-wal", r.kept);
	ck_assert(stat(log, &st) != 0);
	ck_assert_int_eq(help_sql_number(r.kept, "SELECT count(*) FROM inbox WHERE uidl='in-the-log'"), 1);
	nsf_close(&nsf);
	unit_tempdir_remove(&dir);
}
END_TEST

/* What a file left that is no longer there, or cannot be opened, does not become part of the next. */
static void copy_octets(const char *from_ending, const char *to_ending)
{
	char from[5000], to[5000], octets[65536];
	FILE *in, *out;
	size_t n;

	snprintf(from, sizeof(from), "%s%s", path, from_ending);
	snprintf(to, sizeof(to), "%s%s", path, to_ending);
	in = fopen(from, "rbe");
	out = fopen(to, "wbe");
	ck_assert(in != NULL && out != NULL);
	while ((n = fread(octets, 1, sizeof(octets), in)) > 0)
		ck_assert_uint_eq(fwrite(octets, 1, n, out), n);
	ck_assert_int_eq(fclose(out), 0);
	fclose(in);
}

static void leave_log(struct nsf **nsf)
{
	char log[5000];

	help_deliver(*nsf, 90, 900, NULL);
	copy_octets("-wal", ".saved");
	nsf_close(nsf);
	ck_assert_uint_eq(nsf_remove(path, NULL), NOERROR);
	copy_octets(".saved", "-wal");
	snprintf(log, sizeof(log), "%s.saved", path);
	ck_assert_int_eq(unlink(log), 0);
}

START_TEST(test_leftover_log)
{
	struct nsf *nsf = sample(3, 3000);
	struct nsf_restored r;
	uint64_t octets, count = 9;

	ck_assert_uint_eq(nsf_backup(path, copy, false, NULL, &octets, NULL), NOERROR);
	leave_log(&nsf);
	ck_assert_uint_eq(nsf_create(path, NSF_MAIL, &nsf, NULL), NOERROR);
	ck_assert_uint_eq(nsf_inbox_stat(nsf, &count, &octets), NOERROR);
	ck_assert_uint_eq(count, 0);
	leave_log(&nsf);
	restore_now(&r);
	ck_assert_int_eq(help_sql_number(path, "SELECT count(*) FROM inbox"), 3);
	unit_tempdir_remove(&dir);
}
END_TEST

START_TEST(test_leftover_journal)
{
	struct nsf *nsf = sample(3, 3000);
	struct nsf_restored r;
	uint64_t octets;
	char journal[5000];
	struct stat st;

	ck_assert_uint_eq(nsf_backup(path, copy, false, NULL, &octets, NULL), NOERROR);
	nsf_close(&nsf);
	copy_octets("", "-journal");
	ck_assert_int_eq(truncate(path, 60), 0);        /* nothing that SQLite looks at further */
	restore_now(&r);
	ck_assert(!exists("-journal"));
	snprintf(journal, sizeof(journal), "%s-journal", r.kept);
	ck_assert_int_eq(stat(journal, &st), 0);
	unit_tempdir_remove(&dir);
}
END_TEST

START_TEST(test_restore_refused)
{
	struct nsf *nsf = sample(3, 3000);
	struct nsf_restored r;
	struct nsf_lock *lock = NULL;
	uint64_t octets;
	struct stat before, after;

	ck_assert_uint_eq(nsf_backup(path, copy, false, NULL, &octets, NULL), NOERROR);
	ck_assert_uint_eq(nsf_lock_open(path, &lock, NULL), NOERROR);
	ck_assert_uint_eq(nsf_lock_session(lock), NOERROR);
	ck_assert_int_eq(stat(path, &before), 0);
	ck_assert_uint_eq(nsf_restore(copy, path, NULL, &r, NULL), POSTIL_ERR_IN_USE);
	nsf_lock_close(&lock);
	help_sql(copy, "UPDATE store SET n=1");
	nsf_tidy(copy);
	ck_assert_uint_eq(nsf_restore(copy, path, NULL, &r, NULL), POSTIL_ERR_DAMAGED);
	ck_assert_int_eq(stat(path, &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
	nsf_close(&nsf);
	/* Nothing is there: nothing is kept. A damaged file gives way. */
	help_sql(copy, "UPDATE store SET n=3");
	nsf_tidy(copy);
	ck_assert_uint_eq(nsf_remove(path, NULL), NOERROR);
	restore_now(&r);
	ck_assert_str_eq(r.kept, "");
	ck_assert_int_eq(truncate(path, 20000), 0);
	restore_now(&r);
	ck_assert_uint_eq(r.messages, 3);
	unit_tempdir_remove(&dir);
}
END_TEST

START_TEST(test_tidy)
{
	struct nsf *nsf = sample(3, 3000), *other;

	other = help_open(path);
	nsf_close(&nsf);
	nsf_tidy(path);
	ck_assert(exists("-wal"));      /* somebody has it open */
	nsf_close(&other);
	nsf_tidy(path);
	ck_assert(!exists("-wal") && !exists("-shm"));
	ck_assert(help_check(path));
	unit_tempdir_remove(&dir);
}
END_TEST

UNIT_MAIN("nsf maintenance", test_tables_are_known, test_compact_in_place, test_compact_as_copy,
	test_recount, test_backup, test_restore, test_restore_renames, test_restore_keeps_old_whole,
	test_leftover_log, test_leftover_journal, test_restore_refused, test_tidy)

/*
 * Repair: files with octets overwritten, cut off, with tables dropped and rows
 * changed. Whatever was done to a file: afterwards the full check finds nothing, a
 * UIDL of before names the octets that it named or none, no id comes back, and the
 * old file is still there if it is another one now.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "nsf/maint.h"
#include "nsf/private.h"
#include "tests/support/unit.h"
#include "tests/unit/nsf/help.h"

#include "base/banned.h"

enum { MESSAGES = 60 };

static char *dir;
static char path[4096], victim[5000];

/* Sizes of one page, of several, and of two chunks. */
static uint64_t size_of(uint64_t seed)
{
	return seed == 20 ? 300000 : seed % 7 == 3 ? 21000 + seed : 400 + seed * 30;
}

static void uidl_of(uint64_t seed, char out[16])
{
	snprintf(out, 16, "uidl-%llu", (unsigned long long)seed);
}

static uint64_t next_id;        /* of the sample */

static void make_sample(void)
{
	struct arena arena = ARENA_INIT;
	struct note note;
	struct nsf *nsf;
	uint64_t user, ids[MESSAGES];
	char uidl[16];

	dir = unit_tempdir();
	nsf = help_create(dir, path, sizeof(path));
	for (uint64_t i = 0; i < MESSAGES; i++) {
		uidl_of(i, uidl);
		ids[i] = help_deliver(nsf, i, size_of(i), uidl);
	}
	ck_assert_uint_eq(nsf_user_id(nsf, slice_of("CN=A/O=X"), true, &user), NOERROR);
	ck_assert_uint_eq(nsf_mark_read(nsf, user, ids, MESSAGES / 2), NOERROR);
	note_init(&note, &arena);
	for (int i = 0; i < 40; i++) {
		note_add_text(&note, "Form", SLICE_LIT("Memo"));
		note_add_text(&note, "Body", SLICE_LIT("a text of some length"));
		ck_assert_uint_eq(nsf_note_put(nsf, &note, NULL), NOERROR);
	}
	ck_assert_uint_eq(nsf_folder_make(nsf, SLICE_LIT("Work")), NOERROR);
	ck_assert_uint_eq(nsf_folder_add(nsf, SLICE_LIT("Work"), ids[1]), NOERROR);
	ck_assert_uint_eq(nsf_folder_add(nsf, SLICE_LIT("Work"), ids[2]), NOERROR);
	ck_assert_uint_eq(nsf_folder_take(nsf, SLICE_LIT(NSF_INBOX), ids[2]), NOERROR);
	ck_assert_uint_eq(nsf_trash_put(nsf, ids[3]), NOERROR);
	ck_assert_uint_eq(nsf_property_set(nsf, "owner", SLICE_LIT("CN=A/O=X")), NOERROR);
	ck_assert_uint_eq(nsf_acl_set(nsf, SLICE_LIT("an acl")), NOERROR);
	help_delete(nsf, ids + MESSAGES - 5, 3);
	nsf_close(&nsf);
	arena_release(&arena);
	next_id = (uint64_t)help_sql_number(path, "SELECT next_id FROM store");
	snprintf(victim, sizeof(victim), "%s/victim.nsf", dir);
}

static char *read_file(const char *name, size_t *size_r)
{
	struct stat st;
	char *octets;
	int fd = open(name, O_RDONLY | O_CLOEXEC);

	ck_assert(fd >= 0 && fstat(fd, &st) == 0);
	octets = malloc((size_t)st.st_size + 1);
	ck_assert_int_eq(read(fd, octets, (size_t)st.st_size), st.st_size);
	close(fd);
	*size_r = (size_t)st.st_size;
	return octets;
}

/* Only the sample and what is written here are left in the folder. */
static void write_victim(const char *octets, size_t size)
{
	struct dirent *e;
	DIR *d = opendir(dir);
	char name[5300];
	int fd;

	while ((e = readdir(d)) != NULL) {
		snprintf(name, sizeof(name), "%s/%s", dir, e->d_name);
		if (strncmp(e->d_name, "victim", 6) == 0)
			unlink(name);
	}
	closedir(d);
	fd = open(victim, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, octets, size), (ssize_t)size);
	close(fd);
}

/* --- what must hold afterwards ------------------------------------------------------------- */

struct seen {
	struct nsf *nsf;
	uint64_t right, strange;        /* messages as in the sample; with other UIDLs */
};

static STATUS judge_message(struct seen *seen, const struct nsf_message *m)
{
	struct slice number = { m->uidl.p + 5, m->uidl.n - 5 };
	uint64_t seed;

	if (m->uidl.n < 6 || memcmp(m->uidl.p, "uidl-", 5) != 0
	    || !text_number(number, UINT32_MAX, &seed)) {
		seen->strange++;
		return NOERROR;
	}
	ck_assert_uint_lt(seed, MESSAGES);
	ck_assert_uint_eq(m->size_octets, size_of(seed));
	ck_assert_msg(help_body_is(seen->nsf, m->id, seed, size_of(seed)), "message %llu names other octets", (unsigned long long)seed);
	seen->right++;
	return NOERROR;
}

static void judge(uint64_t *right_r)
{
	struct seen seen = { 0 };
	struct help_list list;

	ck_assert(help_check(victim));
	seen.nsf = help_open(victim);
	help_list(seen.nsf, 0, &list);
	for (size_t i = 0; i < list.count; i++) {
		list.messages[i].uidl = slice_of(list.uidls[i]);
		judge_message(&seen, &list.messages[i]);
	}
	help_list_release(&list);
	ck_assert_uint_ge(help_deliver(seen.nsf, 1000, 100, NULL), next_id);
	nsf_close(&seen.nsf);
	*right_r = seen.right;
}

static STATUS fix(struct nsf_fixup_result *r)
{
	struct fault fault = { 0 };
	struct stat st;
	STATUS status = nsf_fixup(victim, false, NULL, r, &fault);

	ck_assert(status == NOERROR || fault.text[0] != '\0');
	if (status == NOERROR && r->rebuilt)
		ck_assert_msg(stat(r->kept, &st) == 0, "%s", r->kept);
	if (r->aside[0] != '\0') {
		ck_assert(help_check(r->aside));
		ck_assert_uint_gt(r->set_aside, 0);
	}
	return status;
}

/* --- the cases ----------------------------------------------------------------------------------- */

static uint64_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33;
}

static uint64_t rounds(uint64_t usual)
{
	const char *wish = getenv("NSF_DAMAGE_ROUNDS");

	if (wish != NULL)
		ck_assert(text_number(slice_of(wish), 1000000, &usual));
	return usual;
}

START_TEST(test_whole_file_is_left_alone)
{
	struct nsf_fixup_result r;
	size_t size, after;
	char *octets, *now;
	uint64_t right;

	make_sample();
	octets = read_file(path, &size);
	write_victim(octets, size);
	ck_assert_uint_eq(fix(&r), NOERROR);
	ck_assert_uint_eq(r.findings, 0);
	ck_assert_uint_eq(r.messages, MESSAGES - 5);    /* three deleted, one filed, one in the trash */
	now = read_file(victim, &after);
	ck_assert(size == after && memcmp(octets, now, size) == 0);
	judge(&right);
	ck_assert_uint_eq(right, MESSAGES - 5);
	free(octets);
	free(now);
	unit_tempdir_remove(&dir);
}
END_TEST

/* Whole pages of noise, somewhere; and single octets. */
START_TEST(test_overwritten)
{
	uint64_t random = 5, rebuilt = 0, most = 0, end = rounds(32);
	struct nsf_fixup_result r;
	size_t size;
	char *octets;

	make_sample();
	octets = read_file(path, &size);
	for (uint64_t i = 0; i < end; i++) {
		char *copy = malloc(size);
		uint64_t right;
		size_t count = i % 2 == 0 ? 8192 : 1 + i % 50;

		memcpy(copy, octets, size);
		for (uint64_t j = 0; j <= i % 4; j++) {
			size_t at = next_random(&random) % size;

			at = i % 2 == 0 ? at / 8192 * 8192 : at;
			for (size_t k = 0; k < count && at + k < size; k++)
				copy[at + k] = (char)next_random(&random);
		}
		write_victim(copy, size);
		ck_assert_msg(fix(&r) == NOERROR, "round %llu", (unsigned long long)i);
		judge(&right);
		rebuilt += r.rebuilt;
		most = right > most ? right : most;
		free(copy);
	}
	ck_assert_uint_gt(rebuilt, end / 4);
	ck_assert_uint_ge(most, MESSAGES - 8);
	free(octets);
	unit_tempdir_remove(&dir);
}
END_TEST

START_TEST(test_header_overwritten)
{
	struct nsf_fixup_result r;
	struct buf acl = BUF_INIT;
	struct nsf *nsf;
	uint64_t right, user;
	struct help_list list;
	size_t size;
	char *octets;

	make_sample();
	octets = read_file(path, &size);
	memset(octets, 'x', 100);
	write_victim(octets, size);
	ck_assert_uint_eq(fix(&r), NOERROR);
	ck_assert(r.rebuilt);
	judge(&right);
	ck_assert_uint_eq(right, MESSAGES - 5);
	ck_assert_str_eq(r.aside, "");
	nsf = help_open(victim);
	ck_assert_uint_eq(nsf_acl_get(nsf, &acl), NOERROR);
	ck_assert(slice_equal(buf_slice(&acl), SLICE_LIT("an acl")));
	ck_assert_uint_eq(nsf_user_id(nsf, slice_of("CN=A/O=X"), false, &user), NOERROR);
	help_list(nsf, user, &list);
	ck_assert_uint_eq(list.count, MESSAGES / 2 - 3 + 1);    /* and the new one of judge() */
	help_list_release(&list);
	nsf_close(&nsf);
	buf_release(&acl);
	/* The whole first page: the list of tables is lost as well. */
	memset(octets, 'x', 8192);
	write_victim(octets, size);
	ck_assert_uint_eq(fix(&r), NOERROR);
	judge(&right);
	ck_assert_uint_ge(right, MESSAGES - 5);
	free(octets);
	unit_tempdir_remove(&dir);
}
END_TEST

START_TEST(test_cut_off)
{
	struct nsf_fixup_result r;
	size_t size, fixed = 0, most = 0;
	char *octets;

	make_sample();
	octets = read_file(path, &size);
	for (size_t n = 1; n < size; n += n < 9000 ? 2999 : 31013) {
		uint64_t right = 0;
		STATUS status;

		write_victim(octets, n);
		status = fix(&r);
		ck_assert(status == NOERROR || status == POSTIL_ERR_DAMAGED);
		if (status == NOERROR) {
			judge(&right);
			fixed++;
		} else {
			size_t after;
			char *now = read_file(victim, &after);

			ck_assert(after == n && memcmp(now, octets, n) == 0);   /* left alone */
			free(now);
		}
		most = right > most ? right : most;
	}
	ck_assert_uint_gt(fixed, 5);
	ck_assert_uint_gt(most, MESSAGES / 2);
	free(octets);
	unit_tempdir_remove(&dir);
}
END_TEST

START_TEST(test_tables_dropped)
{
	static const struct { const char *sql; uint64_t least; } changes[] = {
		{ "DROP TABLE inbox", MESSAGES - 5 }, { "DROP TABLE uidl", MESSAGES - 5 },
		{ "DROP TABLE note", MESSAGES - 5 }, { "DROP TABLE store", MESSAGES - 5 },
		{ "DROP TABLE item", MESSAGES - 5 }, { "DROP TABLE gone; DROP TABLE stub", MESSAGES - 5 },
		{ "DROP TABLE user; DROP TABLE unread; DROP TABLE property; DROP TABLE entry", MESSAGES - 5 },
		{ "DROP TABLE filed; DROP TABLE second; DROP TABLE pending; DROP TABLE loose", MESSAGES - 5 },
		{ "DROP TABLE folder; DROP TABLE member; DROP TABLE trash", MESSAGES - 5 },
		{ "DROP TABLE body; CREATE TABLE body(k TEXT)", 0 },
		{ "DELETE FROM store", MESSAGES - 5 },
	};
	struct nsf_fixup_result r;
	size_t size;
	char *octets;

	make_sample();
	octets = read_file(path, &size);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		uint64_t right;

		write_victim(octets, size);
		help_sql(victim, changes[i].sql);
		ck_assert_msg(fix(&r) == NOERROR, "%s", changes[i].sql);
		ck_assert_msg(r.rebuilt, "%s", changes[i].sql);
		judge(&right);
		ck_assert_msg(right >= changes[i].least, "%s: %llu", changes[i].sql, (unsigned long long)right);
	}
	free(octets);
	unit_tempdir_remove(&dir);
}
END_TEST

/* Rows changed by a foreign program: mended in place. */
START_TEST(test_rows_changed)
{
	static const struct { const char *sql; uint64_t lost; bool aside; } changes[] = {
		{ "UPDATE store SET n=n+1", 0, false }, { "UPDATE store SET bytes=bytes-1", 0, false },
		{ "UPDATE store SET next_id=3", 0, false }, { "UPDATE store SET filed_n=77", 0, false },
		{ "DELETE FROM note WHERE id=9", 0, false },
		{ "UPDATE inbox SET size=size+1 WHERE id=9", 0, false },
		{ "UPDATE inbox SET size='many',hdr=NULL,dot='x'", 0, false },
		{ "UPDATE inbox SET uidl='other' WHERE id=9", 0, false },
		{ "UPDATE inbox SET uidl=x'00ff'", 0, false }, { "UPDATE inbox SET uidl=NULL", 0, false },
		{ "UPDATE inbox SET id=-id", 0, true }, { "UPDATE inbox SET id=id+(1<<50)", 0, true },
		{ "UPDATE inbox SET uidl=(SELECT uidl FROM inbox WHERE id=10) WHERE id=9", 0, false },
		{ "DELETE FROM inbox WHERE id IN (9,10,11)", 0, false },
		{ "DELETE FROM uidl", 0, false }, { "DELETE FROM uidl WHERE id=9", 0, false },
		{ "UPDATE uidl SET digest='x' WHERE id<20", 0, false },
		{ "UPDATE uidl SET digest=randomblob(16) WHERE id=9", 1, true },
		{ "DELETE FROM body WHERE k=9<<16", 1, true },
		{ "DELETE FROM body WHERE k=21<<16", 1, true },
		{ "UPDATE body SET data=zeroblob(length(data)) WHERE k=9<<16", 1, true },
		{ "UPDATE body SET data='text' WHERE k=9<<16", 1, true },
		{ "INSERT INTO body VALUES(50000<<16,x'00')", 0, true },
		{ "INSERT INTO gone(id,deleted) VALUES(9,0)", 0, false },
		{ "INSERT INTO item(note_id,ord,name,type,flags,value) VALUES(7777,0,'x',1,0,'')", 0, true },
		{ "INSERT INTO item(note_id,ord,name,type,flags,value) VALUES(9,50,'x',1,0,x'ffffffff00')", 0, true },
		{ "UPDATE note SET unid=NULL,class='x' WHERE id<20", 0, false },
		{ "INSERT INTO unread VALUES(1,8888),(77,9)", 0, false },
		{ "INSERT INTO member VALUES(99,9),(1,9999); INSERT INTO trash VALUES(9999,1,1),(9,1,1)", 0, false },
		{ "INSERT INTO pending VALUES(9999,1)", 0, false },
		{ "INSERT INTO second VALUES(5000,1,'x',0,0); UPDATE inbox SET dot=dot|2 WHERE id=9", 0, false },
		{ "INSERT INTO loose VALUES(9)", 0, false },
		{ "INSERT INTO filed SELECT * FROM inbox WHERE id=9", 0, false },
		{ "DELETE FROM inbox WHERE id=2", 0, false },
		{ "INSERT INTO stub(unid,seq,deleted) SELECT unid,1,1 FROM note WHERE id=9", 0, false },
	};
	struct nsf_fixup_result r;
	size_t size;
	char *octets;

	make_sample();
	octets = read_file(path, &size);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		uint64_t right;

		write_victim(octets, size);
		help_sql(victim, changes[i].sql);
		ck_assert_msg(nsf_fixup(victim, true, NULL, &r, NULL) == POSTIL_ERR_DAMAGED, "%s", changes[i].sql);
		ck_assert_msg(fix(&r) == NOERROR, "%s", changes[i].sql);
		ck_assert_msg(!r.rebuilt && r.findings > 0, "%s", changes[i].sql);
		ck_assert_msg((r.aside[0] != '\0') == changes[i].aside, "%s: %s", changes[i].sql, r.aside);
		judge(&right);
		ck_assert_msg(right == MESSAGES - 5 - changes[i].lost, "%s: %llu", changes[i].sql,
		              (unsigned long long)right);
	}
	free(octets);
	unit_tempdir_remove(&dir);
}
END_TEST

/* What is left of a damaged message can be read beside the file. */
START_TEST(test_set_aside)
{
	struct nsf_fixup_result r;
	struct help_list list;
	struct arena arena = ARENA_INIT;
	struct note note;
	struct nsf *nsf;
	size_t size;
	char *octets;

	make_sample();
	octets = read_file(path, &size);
	write_victim(octets, size);
	help_sql(victim, "DELETE FROM body WHERE k=21<<16|1");       /* the second of two chunks */
	ck_assert_uint_eq(fix(&r), NOERROR);
	ck_assert_uint_eq(r.set_aside, 1);
	nsf = help_open(r.aside);
	help_list(nsf, 0, &list);
	ck_assert_uint_eq(list.count, 1);
	ck_assert_uint_eq(list.messages[0].size_octets, NSF_CHUNK_OCTETS);
	ck_assert(help_body_is(nsf, list.messages[0].id, 20, NSF_CHUNK_OCTETS));
	ck_assert_uint_eq(nsf_note_get(nsf, list.messages[0].id, &arena, &note), NOERROR);
	ck_assert(slice_equal(note_text(&note, "$DamagedUIDL"), SLICE_LIT("uidl-20")));
	help_list_release(&list);
	nsf_close(&nsf);
	/* Its UIDL stays that of its octets. */
	ck_assert_int_eq(help_sql_number(victim, "SELECT count(*) FROM uidl WHERE uidl='uidl-20'"), 1);
	arena_release(&arena);
	free(octets);
	unit_tempdir_remove(&dir);
}
END_TEST

START_TEST(test_others_are_left_alone)
{
	static const struct { const char *start; STATUS status; } files[] = {
		{ "\x1a", POSTIL_ERR_FOREIGN }, { "a text", POSTIL_ERR_DAMAGED }, { "", POSTIL_ERR_DAMAGED },
	};
	struct nsf_fixup_result r;
	struct fault fault = { 0 };
	char noise[30000];
	size_t size, after;
	char *octets, *now;

	make_sample();
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		size_t n = strlen(files[i].start);

		memset(noise, 0, sizeof(noise));
		memcpy(noise, files[i].start, n);
		write_victim(noise, n == 0 ? 0 : sizeof(noise));
		ck_assert_uint_eq(nsf_fixup(victim, false, NULL, &r, &fault), files[i].status);
		now = read_file(victim, &after);
		ck_assert(after == (n == 0 ? 0 : sizeof(noise)) && memcmp(now, noise, after) == 0);
		free(now);
	}
	octets = read_file(path, &size);
	write_victim(octets, size);
	help_sql(victim, "PRAGMA user_version=9");
	ck_assert_uint_eq(nsf_fixup(victim, false, NULL, &r, &fault), POSTIL_ERR_SCHEMA);
	write_victim(octets, size);
	help_sql(victim, "PRAGMA application_id=9; DROP TABLE store; DROP TABLE note; DROP TABLE inbox;"
	         " DROP TABLE filed; DROP TABLE body; VACUUM");
	ck_assert_uint_eq(nsf_fixup(victim, false, NULL, &r, &fault), POSTIL_ERR_DAMAGED);
	ck_assert_str_eq(r.kept, "");
	free(octets);
	unit_tempdir_remove(&dir);
}
END_TEST

/* A log that has not been emptied counts as far as it holds. */
START_TEST(test_log_counts)
{
	struct nsf_fixup_result r;
	struct nsf *nsf;
	char from[5000], *main_file, *log, wal[5100];
	size_t main_size, log_size;
	uint64_t right;
	int fd;

	make_sample();
	nsf = help_open(path);
	help_deliver(nsf, 5, 5000, "in-the-log");
	snprintf(from, sizeof(from), "%s-wal", path);
	main_file = read_file(path, &main_size);
	log = read_file(from, &log_size);
	nsf_close(&nsf);
	ck_assert_uint_gt(log_size, 5000);
	memset(main_file, 0, 90);
	write_victim(main_file, main_size);
	snprintf(wal, sizeof(wal), "%s-wal", victim);
	fd = open(wal, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_eq(write(fd, log, log_size), (ssize_t)log_size);
	close(fd);
	ck_assert_uint_eq(fix(&r), NOERROR);
	ck_assert_int_eq(help_sql_number(victim, "SELECT count(*) FROM inbox WHERE uidl='in-the-log'"), 1);
	judge(&right);
	ck_assert_uint_ge(right, MESSAGES - 5);
	free(main_file);
	free(log);
	unit_tempdir_remove(&dir);
}
END_TEST

/* Who has the old file open can neither write into it nor keep others from the new one. */
START_TEST(test_swap_beside_writers)
{
	struct nsf_fixup_result r;
	struct nsf_lock *session = NULL, *other = NULL;
	struct nsf *old;
	uint64_t seed = 1, right;
	struct nsf_delivery d = help_message(&seed, 500);
	size_t size;
	char *octets;
	int64_t page;
	int fd;

	make_sample();
	octets = read_file(path, &size);
	write_victim(octets, size);
	old = help_open(victim);
	help_deliver(old, 2000, 300, "one-more");
	ck_assert_uint_eq(nsf_lock_open(victim, &session, NULL), NOERROR);
	ck_assert_uint_eq(nsf_lock_session(session), NOERROR);
	page = help_sql_number(victim, "SELECT rootpage-1 FROM sqlite_schema WHERE name='property'");
	fd = open(victim, O_WRONLY | O_CLOEXEC);
	ck_assert_int_eq(pwrite(fd, "garbage garbage", 15, page * 8192), 15);
	close(fd);
	ck_assert_uint_eq(fix(&r), NOERROR);
	ck_assert(r.rebuilt);
	ck_assert_uint_eq(nsf_deliver(old, &d, 1, NULL, NULL, NULL), POSTIL_ERR_NOEXIST);
	ck_assert(nsf_lock_is_removed(session));
	ck_assert_uint_eq(nsf_lock_open(victim, &other, NULL), NOERROR);
	ck_assert_uint_eq(nsf_lock_session(other), NOERROR);
	ck_assert_uint_gt(nsf_lock_epoch(other), nsf_lock_epoch(session));
	nsf_lock_close(&other);
	nsf_lock_close(&session);
	nsf_close(&old);
	ck_assert_int_eq(help_sql_number(victim, "SELECT count(*) FROM inbox WHERE uidl='one-more'"), 1);
	judge(&right);
	free(octets);
	unit_tempdir_remove(&dir);
}
END_TEST

static bool stop(void *context, uint64_t done, uint64_t total)
{
	(void)done;
	(void)total;
	return --*(int *)context > 0;
}

START_TEST(test_stopped)
{
	struct nsf_watch watch = { .go_on = stop };
	struct nsf_fixup_result r;
	size_t size, after;
	char *octets, *now;

	make_sample();
	octets = read_file(path, &size);
	memset(octets, 'x', 100);
	for (int steps = 1; steps < 40; steps += 6) {
		int left = steps;

		watch.context = &left;
		write_victim(octets, size);
		ck_assert_uint_eq(nsf_fixup(victim, false, &watch, &r, NULL), POSTIL_ERR_CANCEL);
		now = read_file(victim, &after);
		ck_assert(size == after && memcmp(octets, now, size) == 0);
		free(now);
	}
	free(octets);
	unit_tempdir_remove(&dir);
}
END_TEST

UNIT_MAIN("nsf fixup", test_whole_file_is_left_alone, test_overwritten, test_header_overwritten,
	test_cut_off, test_tables_dropped, test_rows_changed, test_set_aside,
	test_others_are_left_alone, test_log_counts, test_swap_beside_writers, test_stopped)

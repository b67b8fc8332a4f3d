/*
 * Damaged and hostile files: flipped octets, cut ends, foreign tables. Whatever
 * is called gives an answer; what was right is only ever given whole.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "nsf/private.h"
#include "tests/support/unit.h"
#include "tests/unit/nsf/help.h"

#include "base/banned.h"

static char *dir;
static char path[4096], victim[5000];

static void make_sample(void)
{
	struct arena arena = ARENA_INIT;
	struct note note;
	struct nsf *nsf;
	uint64_t id;

	dir = unit_tempdir();
	nsf = help_create(dir, path, sizeof(path));
	for (uint64_t i = 0; i < 30; i++)
		id = help_deliver(nsf, i, i == 7 ? 300000 : 500 + i * 50, NULL);
	note_init(&note, &arena);
	note_add_text(&note, "Form", SLICE_LIT("Memo"));
	ck_assert_uint_eq(nsf_note_put(nsf, &note, NULL), NOERROR);
	ck_assert_uint_eq(nsf_view_put(nsf, "$Users", SLICE_LIT("anna"), 1, SLICE_LIT("x")), NOERROR);
	ck_assert_uint_eq(nsf_property_set(nsf, "title", SLICE_LIT("x")), NOERROR);
	help_delete(nsf, &id, 1);
	nsf_close(&nsf);
	arena_release(&arena);
	snprintf(victim, sizeof(victim), "%s/victim.nsf", dir);
}

static char *read_sample(size_t *size_r)
{
	struct stat st;
	char *octets;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	ck_assert(fd >= 0 && fstat(fd, &st) == 0);
	octets = malloc((size_t)st.st_size);
	ck_assert_int_eq(read(fd, octets, (size_t)st.st_size), st.st_size);
	close(fd);
	*size_r = (size_t)st.st_size;
	return octets;
}

static void write_victim(const char *octets, size_t size)
{
	static const char *const endings[] = { "", "-wal", "-shm", "-lock" };
	char name[5100];
	int fd;

	for (size_t i = 0; i < 4; i++) {
		snprintf(name, sizeof(name), "%s%s", victim, endings[i]);
		unlink(name);
	}
	fd = open(victim, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, octets, size), (ssize_t)size);
	close(fd);
}

static STATUS note_id(void *context, uint64_t id)
{
	uint64_t *ids = context;

	if (ids[0] < 50)
		ids[++ids[0]] = id;
	return NOERROR;
}

static STATUS list_id(void *context, const struct nsf_message *message)
{
	return note_id(context, message->id);
}

static STATUS value_seen(void *context, struct slice key, uint64_t id, struct slice value)
{
	*(size_t *)context += key.n + value.n + (size_t)id;
	return NOERROR;
}

static STATUS answered(STATUS status)
{
	ck_assert_msg(status == NOERROR || (status >= POSTIL_ERR_BASE && status < POSTIL_ERR_END)
	              || status == POSTIL_ERR_DELETED || status == POSTIL_ERR_NOT_FOUND
	              || status == POSTIL_ERR_NOEXIST || status == POSTIL_ERR_EXISTS
	              || status == POSTIL_ERR_MEMORY, "%04x", status);
	return status;
}

/* Call everything. */
static STATUS use_victim(void)
{
	struct fault fault = { 0 };
	struct arena arena = ARENA_INIT;
	struct buf value = BUF_INIT;
	struct nsf *nsf = NULL;
	struct note note;
	uint64_t ids[51] = { 0 }, n, octets, seed = 1;
	struct nsf_delivery d = help_message(&seed, 700);
	char *part = malloc(400000);
	size_t got = 0, sum = 0;
	bool more = true;
	STATUS status = answered(nsf_open(victim, &nsf, &fault));

	ck_assert(status == NOERROR || fault.text[0] != '\0');
	if (status == NOERROR) {
		answered(nsf_inbox_stat(nsf, &n, &octets));
		answered(nsf_inbox_list(nsf, 0, true, list_id, ids));
		for (uint64_t i = 1; i <= ids[0]; i++)
			answered(nsf_body_read(nsf, ids[i], 0, part, 400000, &got));
		answered(nsf_notes_each(nsf, note_id, ids));
		for (uint64_t i = 1; i <= ids[0]; i++)
			answered(nsf_note_get(nsf, ids[i], &arena, &note));
		answered(nsf_view_each(nsf, "$Users", value_seen, &sum));
		answered(nsf_property_get(nsf, "title", &value));
		answered(nsf_deliver(nsf, &d, 1, NULL, NULL, &fault));
		answered(nsf_delete(nsf, ids + 1, ids[0], &fault));
		for (int i = 0; i < 20 && more; i++)
			if (answered(nsf_reclaim(nsf, &more)) != NOERROR)
				break;
		answered(nsf_user_id(nsf, slice_of("x"), true, &n));
		nsf_close(&nsf);
		answered(nsf_check(victim, NULL, NULL, &fault));
	}
	buf_release(&value);
	arena_release(&arena);
	free(part);
	return status;
}

/* A simple generator: the same cases each time, more with $NSF_DAMAGE_ROUNDS. */
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

START_TEST(test_flipped_octets)
{
	uint64_t random = 42, end = rounds(150);
	size_t size, failed = 0;
	char *octets;

	make_sample();
	octets = read_sample(&size);
	for (uint64_t i = 0; i < end; i++) {
		char *copy = malloc(size);

		memcpy(copy, octets, size);
		for (uint64_t j = 0; j <= i % 8; j++)
			copy[i % 3 == 0 ? next_random(&random) % 8192 : next_random(&random) % size] =
				(char)next_random(&random);
		write_victim(copy, size);
		failed += use_victim() != NOERROR;
		free(copy);
	}
	ck_assert_uint_gt(failed, 0);
	free(octets);
	unit_tempdir_remove(&dir);
}
END_TEST

START_TEST(test_cut_off)
{
	size_t size, failed = 0, cuts = 0;
	char *octets;

	make_sample();
	octets = read_sample(&size);
	for (size_t n = 0; n < size; n += n < 200 ? 13 : n < 9000 ? 997 : 20011, cuts++) {
		write_victim(octets, n);
		failed += use_victim() != NOERROR;
	}
	ck_assert_uint_gt(failed, cuts / 2);
	free(octets);
	unit_tempdir_remove(&dir);
}
END_TEST

START_TEST(test_random_pages_behind_a_good_header)
{
	uint64_t random = 7;
	size_t size;
	char *octets;

	make_sample();
	octets = read_sample(&size);
	for (int i = 0; i < 10; i++) {
		for (size_t at = 100; at < size; at++)
			octets[at] = (char)next_random(&random);
		write_victim(octets, size);
		ck_assert_uint_eq(use_victim(), POSTIL_ERR_DAMAGED);
	}
	free(octets);
	unit_tempdir_remove(&dir);
}
END_TEST

START_TEST(test_damaged_log)
{
	uint64_t random = 11;
	char wal[5100], octets[4000];
	size_t size;
	char *sample;

	make_sample();
	sample = read_sample(&size);
	snprintf(wal, sizeof(wal), "%s-wal", victim);
	for (int i = 0; i < 10; i++) {
		int fd;

		for (size_t at = 0; at < sizeof(octets); at++)
			octets[at] = (char)next_random(&random);
		write_victim(sample, size);
		fd = open(wal, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		ck_assert_int_eq(write(fd, octets, sizeof(octets)), (ssize_t)sizeof(octets));
		close(fd);
		/* A log that fails its checksums holds nothing; the file is whole. */
		ck_assert_uint_eq(use_victim(), NOERROR);
	}
	free(sample);
	unit_tempdir_remove(&dir);
}
END_TEST

START_TEST(test_hostile_contents)
{
	static const char *const changes[] = {
		"UPDATE inbox SET uidl=x'00ff'", "UPDATE inbox SET uidl=NULL", "UPDATE inbox SET uidl=''",
		"UPDATE inbox SET uidl='a b'", "UPDATE inbox SET uidl=zeroblob(1000)",
		"UPDATE inbox SET size=-1", "UPDATE inbox SET size='many'", "UPDATE inbox SET size=NULL",
		"UPDATE inbox SET hdr=size+1", "UPDATE inbox SET hdr=-1", "UPDATE inbox SET id=-id",
		"UPDATE inbox SET id=id+(1<<50)",
	};
	uint64_t ids[51];
	size_t size;
	char *sample;

	make_sample();
	sample = read_sample(&size);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct nsf *nsf;

		write_victim(sample, size);
		help_sql(victim, changes[i]);
		nsf = help_open(victim);
		ids[0] = 0;
		ck_assert_msg(nsf_inbox_list(nsf, 0, true, list_id, ids) == POSTIL_ERR_DAMAGED, "%s", changes[i]);
		nsf_close(&nsf);
		ck_assert_msg(nsf_check(victim, NULL, NULL, NULL) == POSTIL_ERR_DAMAGED, "%s", changes[i]);
		use_victim();
	}
	free(sample);
	unit_tempdir_remove(&dir);
}
END_TEST

START_TEST(test_hostile_tables)
{
	static const struct {
		const char *sql;
		STATUS status;  /* of nsf_open */
	} changes[] = {
		{ "DELETE FROM store", POSTIL_ERR_DAMAGED },
		{ "UPDATE store SET n='x'", POSTIL_ERR_DAMAGED },
		{ "UPDATE store SET bytes=-1", POSTIL_ERR_DAMAGED },
		{ "UPDATE store SET next_id=0", POSTIL_ERR_DAMAGED },
		{ "DROP TABLE store", POSTIL_ERR_DAMAGED },
		{ "DROP TABLE store; CREATE VIEW store AS SELECT 1 k,1 kind,0 n,0 bytes,1 next_id,0 seq",
		  POSTIL_ERR_DAMAGED },
		{ "DROP TABLE inbox", NOERROR },
		{ "DROP TABLE inbox; CREATE VIEW inbox AS WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL"
		  " SELECT i+1 FROM c) SELECT i id,1 size,'x' uidl,0 hdr,0 dot,NULL note FROM c", NOERROR },
		{ "CREATE TRIGGER t AFTER INSERT ON note BEGIN DELETE FROM inbox; END", NOERROR },
		{ "DROP TABLE body; CREATE TABLE body(k TEXT)", NOERROR },
		{ "DROP TABLE uidl; DROP TABLE gone; DROP TABLE stub", NOERROR },
	};
	size_t size;
	char *sample;

	make_sample();
	sample = read_sample(&size);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		write_victim(sample, size);
		help_sql(victim, changes[i].sql);
		ck_assert_msg(use_victim() == changes[i].status, "%s", changes[i].sql);
	}
	free(sample);
	unit_tempdir_remove(&dir);
}
END_TEST

/* Full-text and other tables that bring their own code are unknown here. */
START_TEST(test_no_virtual_tables)
{
	static const char *const modules[] = { "fts3(a)", "fts4(a)", "fts5(a)", "rtree(i,a,b)",
		"json_each", "dbstat" };
	struct nsf *nsf;

	make_sample();
	nsf = help_open(path);
	for (size_t i = 0; i < sizeof(modules) / sizeof(modules[0]); i++) {
		char sql[100];

		snprintf(sql, sizeof(sql), "CREATE VIRTUAL TABLE v USING %s", modules[i]);
		ck_assert_msg(sqlite3_exec(nsf->db, sql, NULL, NULL, NULL) != SQLITE_OK, "%s", sql);
		ck_assert_ptr_nonnull(strstr(sqlite3_errmsg(nsf->db), "no such module"));
	}
	ck_assert_int_ne(sqlite3_exec(nsf->db, "SELECT * FROM json_each('[1]')", NULL, NULL, NULL),
	                 SQLITE_OK);
	nsf_close(&nsf);
	unit_tempdir_remove(&dir);
}
END_TEST

START_TEST(test_check_names_what_is_wrong)
{
	static const char *const changes[] = {
		"UPDATE store SET n=n+1", "UPDATE store SET bytes=bytes-1", "UPDATE store SET next_id=3",
		"DELETE FROM note WHERE id=2", "UPDATE inbox SET size=size+1 WHERE id=2",
		"UPDATE inbox SET uidl='other' WHERE id=2", "DELETE FROM body WHERE k=2<<16",
		"INSERT INTO body VALUES(9999<<16,x'00')", "INSERT INTO gone VALUES(2,0,NULL)",
		"INSERT INTO item VALUES(777,0,'x',1,0,'',NULL,NULL)",
		"INSERT INTO item VALUES(2,99,'x',1,0,'',2,1)", "UPDATE store SET filed_n=1",
		"INSERT INTO filed SELECT * FROM inbox WHERE id=2; UPDATE store SET filed_n=1",
		"UPDATE inbox SET note=888 WHERE id=2", "UPDATE inbox SET dot=2 WHERE id=2",
		"INSERT INTO second SELECT id+1,size,uidl,hdr,dot FROM inbox WHERE id=2",
		"INSERT INTO pending VALUES(9999,1)", "INSERT INTO pending VALUES(2,1)",
		"INSERT INTO trash VALUES(2,0,0)", "INSERT INTO member VALUES(1,2)",
	};
	size_t size;
	char *sample;

	make_sample();
	sample = read_sample(&size);
	write_victim(sample, size);
	ck_assert(help_check(victim));
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		write_victim(sample, size);
		help_sql(victim, changes[i]);
		ck_assert_msg(nsf_check(victim, NULL, NULL, NULL) == POSTIL_ERR_DAMAGED, "%s", changes[i]);
	}
	free(sample);
	unit_tempdir_remove(&dir);
}
END_TEST

UNIT_MAIN("nsf damage", test_flipped_octets, test_cut_off, test_random_pages_behind_a_good_header,
	test_damaged_log, test_hostile_contents, test_hostile_tables,
	test_no_virtual_tables, test_check_names_what_is_wrong)

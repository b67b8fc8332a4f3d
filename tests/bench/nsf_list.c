/*
 * Two ways to keep the list of an inbox: a row for each message, and rows that
 * hold 120 packed entries each. Both with the register of UIDLs beside them.
 * Prints, for several counts, microseconds for: open and list, list alone, one
 * synced delivery, a batch of 50 per message, deleting every tenth message in
 * one synced transaction; and the octets of the file per message.
 *
 *	nsf_list [DIRECTORY]
 */
#include <inttypes.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/banned.h"

enum { PER_ROW = 120, UIDL = 22, ENTRY_MAX = 24 + 1 + UIDL };

struct entry {
	uint64_t id, size, header;
	uint8_t dot, n;
	char uidl[UIDL];
};

static sqlite3 *db;
static bool packed;
static char path[4096];
static uint64_t sum;

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void must(int rc)
{
	if (rc == SQLITE_OK || rc == SQLITE_DONE || rc == SQLITE_ROW)
		return;
	fprintf(stderr, "nsf_list: %s\n", sqlite3_errmsg(db));
	exit(1);
}

static void run(const char *sql)
{
	must(sqlite3_exec(db, sql, NULL, NULL, NULL));
}

static sqlite3_stmt *prepare(const char *sql)
{
	sqlite3_stmt *s;

	must(sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &s, NULL));
	return s;
}

static void open_file(void)
{
	must(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
	                     | SQLITE_OPEN_NOMUTEX, NULL));
}

static void pragmas(void)
{
	run("PRAGMA synchronous=FULL; PRAGMA cache_size=-1024; PRAGMA wal_autocheckpoint=512;"
	    "PRAGMA secure_delete=FAST");
}

static void make_file(void)
{
	open_file();
	run("PRAGMA page_size=8192; PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL");
	pragmas();
	run("CREATE TABLE uidl(uidl TEXT PRIMARY KEY,id INT,digest BLOB)WITHOUT ROWID");
	run(packed ? "CREATE TABLE list(k INTEGER PRIMARY KEY,data BLOB)"
	    : "CREATE TABLE inbox(id INTEGER PRIMARY KEY,size INT,uidl TEXT,hdr INT,dot INT)");
}

static void entry_make(struct entry *e, uint64_t id)
{
	uint64_t x = id * 0x9E3779B97F4A7C15u;

	*e = (struct entry){ id, 1000 + (x >> 40) % 9000, 700, 0, UIDL, { 0 } };
	for (int i = 0; i < UIDL; i++, x = x * 6364136223846793005u + 1442695040888963407u)
		e->uidl[i] = (char)('A' + (x >> 59));
}

/* --- packed rows ------------------------------------------------------------------ */

static size_t entry_put(uint8_t *p, const struct entry *e)
{
	memcpy(p, &e->id, 8);
	memcpy(p + 8, &e->size, 8);
	memcpy(p + 16, &e->header, 7);
	p[23] = e->dot;
	p[24] = e->n;
	memcpy(p + 25, e->uidl, e->n);
	return 25u + e->n;
}

static size_t row_load(sqlite3_stmt *get, uint64_t row, uint8_t *data)
{
	size_t n = 0;

	sqlite3_bind_int64(get, 1, (sqlite3_int64)row);
	if (sqlite3_step(get) == SQLITE_ROW) {
		n = (size_t)sqlite3_column_bytes(get, 0);
		memcpy(data, sqlite3_column_blob(get, 0), n);
	}
	sqlite3_reset(get);
	return n;
}

static void row_store(sqlite3_stmt *set, uint64_t row, const uint8_t *data, size_t n)
{
	sqlite3_bind_int64(set, 1, (sqlite3_int64)row);
	sqlite3_bind_blob(set, 2, data, (int)n, SQLITE_STATIC);
	must(sqlite3_step(set));
	sqlite3_reset(set);
}

/* --- operations --------------------------------------------------------------------- */

static sqlite3_stmt *add, *get, *set, *uidl_add, *take;

static void statements(void)
{
	uidl_add = prepare("INSERT INTO uidl VALUES(?1,?2,zeroblob(16))");
	if (packed) {
		get = prepare("SELECT data FROM list WHERE k=?1");
		set = prepare("INSERT OR REPLACE INTO list VALUES(?1,?2)");
	} else {
		add = prepare("INSERT INTO inbox VALUES(?1,?2,?3,?4,?5)");
		take = prepare("DELETE FROM inbox WHERE id=?1 RETURNING size");
	}
}

static void close_file(void)
{
	sqlite3_stmt **all[] = { &add, &get, &set, &uidl_add, &take };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		sqlite3_finalize(*all[i]);
		*all[i] = NULL;
	}
	must(sqlite3_close(db));
}

static void deliver(uint64_t id)
{
	static uint8_t data[PER_ROW * ENTRY_MAX];
	struct entry e;

	entry_make(&e, id);
	sqlite3_bind_text(uidl_add, 1, e.uidl, UIDL, SQLITE_STATIC);
	sqlite3_bind_int64(uidl_add, 2, (sqlite3_int64)id);
	must(sqlite3_step(uidl_add));
	sqlite3_reset(uidl_add);
	if (packed) {
		size_t n = row_load(get, id / PER_ROW, data);

		row_store(set, id / PER_ROW, data, n + entry_put(data + n, &e));
		return;
	}
	sqlite3_bind_int64(add, 1, (sqlite3_int64)e.id);
	sqlite3_bind_int64(add, 2, (sqlite3_int64)e.size);
	sqlite3_bind_text(add, 3, e.uidl, UIDL, SQLITE_STATIC);
	sqlite3_bind_int64(add, 4, (sqlite3_int64)e.header);
	sqlite3_bind_int64(add, 5, e.dot);
	must(sqlite3_step(add));
	sqlite3_reset(add);
}

static void delete_in_row(uint64_t row)
{
	static uint8_t data[PER_ROW * ENTRY_MAX];
	size_t n = row_load(get, row, data), to = 0, length;
	uint64_t id;

	for (size_t at = 0; at < n; at += length) {
		length = 25u + data[at + 24];
		memcpy(&id, data + at, 8);
		if (id % 10 == 3)
			continue;
		memmove(data + to, data + at, length);
		to += length;
	}
	row_store(set, row, data, to);
}

static void delete_tenth(uint64_t count)
{
	if (packed) {
		for (uint64_t row = 0; row <= count / PER_ROW; row++)
			delete_in_row(row);
		return;
	}
	for (uint64_t id = 3; id <= count; id += 10) {
		sqlite3_bind_int64(take, 1, (sqlite3_int64)id);
		while (sqlite3_step(take) == SQLITE_ROW)
			sum += (uint64_t)sqlite3_column_int64(take, 0);
		sqlite3_reset(take);
	}
}

static uint64_t list_packed(sqlite3_stmt *s)
{
	uint64_t count = 0, size;

	while (sqlite3_step(s) == SQLITE_ROW) {
		const uint8_t *data = sqlite3_column_blob(s, 0);
		size_t n = (size_t)sqlite3_column_bytes(s, 0);

		for (size_t at = 0; at + 25 <= n; at += 25u + data[at + 24], count++) {
			memcpy(&size, data + at + 8, 8);
			sum += size + data[at + 25];
		}
	}
	return count;
}

static uint64_t list_plain(sqlite3_stmt *s)
{
	uint64_t count = 0;

	for (; sqlite3_step(s) == SQLITE_ROW; count++) {
		const unsigned char *uidl = sqlite3_column_text(s, 2);

		sum += (uint64_t)sqlite3_column_int64(s, 0) + (uint64_t)sqlite3_column_int64(s, 1)
			+ (uint64_t)sqlite3_column_int64(s, 3) + uidl[sqlite3_column_bytes(s, 2) - 1];
	}
	return count;
}

static double list_us(int rounds, bool reopen)
{
	const char *sql = packed ? "SELECT data FROM list ORDER BY k"
		: "SELECT id,size,uidl,hdr,dot FROM inbox ORDER BY id";
	sqlite3_stmt *s = NULL;
	double start = now_us();

	for (int i = 0; i < rounds; i++) {
		if (reopen)
			open_file();
		if (s == NULL)
			s = prepare(sql);
		if (packed)
			list_packed(s);
		else
			list_plain(s);
		sqlite3_reset(s);
		if (reopen) {
			sqlite3_finalize(s);
			s = NULL;
			must(sqlite3_close(db));
		}
	}
	start = (now_us() - start) / rounds;
	sqlite3_finalize(s);
	return start;
}

static double octets_per_message(uint64_t count)
{
	sqlite3_stmt *s = prepare("PRAGMA page_count");
	double pages;

	must(sqlite3_step(s));
	pages = (double)sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return pages * 8192 / (double)count;
}

static double deliver_us(uint64_t *next, int rounds, int batch)
{
	double start = now_us();

	for (int i = 0; i < rounds; i++) {
		run("BEGIN IMMEDIATE");
		for (int j = 0; j < batch; j++)
			deliver((*next)++);
		run("COMMIT");
	}
	return (now_us() - start) / rounds / batch;
}

static void measure(const char *directory, uint64_t count)
{
	uint64_t next = 1;
	double octets, open_list, list, one, batch, start;
	sqlite3 *keeper;

	snprintf(path, sizeof(path), "%s/nsf_list.%d", directory, (int)getpid());
	make_file();
	statements();
	run("BEGIN");
	while (next <= count)
		deliver(next++);
	run("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
	octets = octets_per_message(count);
	list = list_us(20, false);
	one = deliver_us(&next, 200, 1);
	batch = deliver_us(&next, 20, 50);
	start = now_us();
	run("BEGIN IMMEDIATE");
	delete_tenth(next - 1);
	run("COMMIT");
	start = now_us() - start;
	keeper = db;    /* else each close would empty the log */
	open_list = list_us(20, true);
	db = keeper;
	printf("%-6s %8" PRIu64 " %10.1f %10.1f %9.1f %9.2f %11.1f %8.1f\n", packed ? "packed" : "rows",
	       count, open_list, list, one, batch, start, octets);
	fflush(stdout);
	close_file();
	unlink(path);
}

int main(int argc, char **argv)
{
	static const uint64_t counts[] = { 10, 1000, 10000, 100000 };
	const char *directory = argc > 1 ? argv[1] : ".";

	printf("%-6s %8s %10s %10s %9s %9s %11s %8s\n", "list", "messages", "open+list", "list",
	       "deliver", "of 50", "delete 10%", "octets");
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		for (int way = 0; way < 2; way++) {
			packed = way == 1;
			measure(directory, counts[i]);
		}
	return sum == 0;
}

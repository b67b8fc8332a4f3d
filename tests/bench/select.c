/*
 * The bare SELECT that the listing of a large mailbox is measured against:
 * number, size and UIDL of every message of a mail file. Prints milliseconds
 * with and without opening the file, best of several times.
 *
 *     select FILE [TIMES]
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static long list(sqlite3 *db)
{
	sqlite3_stmt *statement;
	long rows = 0, sum = 0;

	if (sqlite3_prepare_v2(db, "SELECT id, size, uidl FROM inbox ORDER BY id", -1, &statement, NULL) != SQLITE_OK) {
		fprintf(stderr, "select: %s\n", sqlite3_errmsg(db));
		exit(1);
	}
	while (sqlite3_step(statement) == SQLITE_ROW) {
		sum += sqlite3_column_int64(statement, 0) + sqlite3_column_int64(statement, 1) +
		       (long)strlen((const char *)sqlite3_column_text(statement, 2));
		rows++;
	}
	sqlite3_finalize(statement);
	return sum == 0 ? 0 : rows;
}

int main(int argc, char *argv[])
{
	unsigned long times = argc > 2 ? strtoul(argv[2], NULL, 10) : 5;
	double best = 1e9, best_open = 1e9;
	long rows = 0;

	if (argc < 2)
		return 2;
	for (unsigned long i = 0; i < times; i++) {
		sqlite3 *db;
		double a = now_ms(), b;

		if (sqlite3_open_v2(argv[1], &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK) {
			fprintf(stderr, "select: %s: %s\n", argv[1], sqlite3_errmsg(db));
			return 1;
		}
		b = now_ms();
		rows = list(db);
		if (now_ms() - b < best)
			best = now_ms() - b;
		if (now_ms() - a < best_open)
			best_open = now_ms() - a;
		sqlite3_close(db);
	}
	printf("{\"rows\": %ld, \"select_ms\": %.3f, \"open_and_select_ms\": %.3f}\n", rows, best, best_open);
	return 0;
}

/*
 * Look-ups by login name in one thread, as the POP3 task makes them:
 *
 *     lookups DATA PERSONS SECONDS
 *
 * DATA holds a names.nsf of documents that names.py wrote. Each way of naming somebody is
 * taken for SECONDS, names in an order that is far from that of the file; what was found
 * must be who was meant, else it ends. One line of JSON: look-ups per second of CPU and of
 * wall time for each.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "directory/directory.h"

#define BLOCK 1000              /* look-ups between two looks at the clock */

struct way {
	const char *name;       /* in the JSON */
	const char *before, *behind;    /* of a number: the login name; without behind
	                                 * there is no number in it */
	bool more;
	STATUS status;          /* what must come */
	size_t count;
};

static const struct way ways[] = {
	{ "hit_alias", "user", "", false, NOERROR, 1 },
	{ "hit_address", "User", "@Example.com", false, NOERROR, 1 },
	{ "miss", "nobody", "", false, NOERROR, 0 },
	{ "miss_hierarchical", "CN=Nobody ", "/OU=Unit 1/O=Bench", false, NOERROR, 0 },
	{ "more_hit_alias", "user", "", true, NOERROR, 1 },
	{ "more_hit_short", "sn", "", true, NOERROR, 1 },
	{ "more_miss", "nobody", "", true, NOERROR, 0 },
	/* A first name that thousands have: not counted as a look-up that has a bar. */
	{ "more_ambiguous", "Ada", NULL, true, POSTIL_ERR_AMBIGUOUS, 0 },
};

static double now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Repeatable on purpose (xorshift). */
static unsigned order_next(void)
{
	static uint32_t x = 2463534242u;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return x;
}

static void look_up(struct directory *dir, const struct way *way, unsigned number)
{
	struct arena arena = ARENA_INIT;
	const struct person *persons = NULL;
	size_t count = 0;
	char login[128];
	STATUS status;

	if (way->behind != NULL)
		snprintf(login, sizeof(login), "%s%u%s", way->before, number, way->behind);
	else
		snprintf(login, sizeof(login), "%s", way->before);
	status = directory_find_login(dir, (struct slice){ login, strlen(login) }, way->more,
	                              DIRECTORY_MATCHES_DEFAULT, &arena, &persons, &count);
	if (status != way->status || count != way->count) {
		fprintf(stderr, "lookups: %s %s: status %04x, %zu persons\n", way->name, login,
		        (unsigned)status, count);
		exit(1);
	}
	arena_release(&arena);
}

static void measure(struct directory *dir, const struct way *way, unsigned persons,
                    double seconds)
{
	double wall = now(CLOCK_MONOTONIC), cpu = now(CLOCK_THREAD_CPUTIME_ID);
	double end = wall + seconds;
	uint64_t count = 0;

	while (now(CLOCK_MONOTONIC) < end)
		for (int i = 0; i < BLOCK; i++, count++)
			look_up(dir, way, order_next() % persons);
	wall = now(CLOCK_MONOTONIC) - wall;
	cpu = now(CLOCK_THREAD_CPUTIME_ID) - cpu;
	printf("%s\"%s\": [%.0f, %.0f]", way == ways ? "{" : ", ", way->name, (double)count / cpu,
	       (double)count / wall);
}

int main(int argc, char *argv[])
{
	struct directory *dir;
	struct fault fault = { 0 };

	if (argc != 4) {
		fprintf(stderr, "usage: lookups DATA PERSONS SECONDS\n");
		return 2;
	}
	if (directory_open(argv[1], &dir, &fault) != NOERROR) {
		fprintf(stderr, "lookups: %s\n", fault.text);
		return 1;
	}
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		measure(dir, &ways[i], (unsigned)strtoul(argv[2], NULL, 10), strtod(argv[3], NULL));
	printf("}\n");
	directory_close(&dir);
	return 0;
}

/*
 * Bars of maintenance, as ratios to what the sqlite3 command does with the same file
 * in the same minute: fixup to `pragma integrity_check`, compact to VACUUM.
 *
 *	nsf_maint [MESSAGES [DIRECTORY]]
 *
 * Each row says PASS or MISS; the exit status does not. DIRECTORY needs room for
 * four files of MESSAGES (10,000) messages of 4 KiB.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/text.h"
#include "nsf/maint.h"
#include "nsf/nsf.h"

#include "base/banned.h"

enum { BATCH = 50, RUNS = 5, OCTETS = 4096 };

static char root[2048], file[2100], other[2100];

__attribute__((format(printf, 1, 2), noreturn))
static void stop(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Lines of 72 octets. */
static STATUS body(void *context, uint64_t offset, void *out, size_t size)
{
	char *p = out;

	for (size_t i = 0; i < size; i++) {
		uint64_t at = offset + i;

		p[i] = at % 72 == 70 ? '\r' : at % 72 == 71 ? '\n'
			: (char)('a' + (at * 7 + at / 32 + *(uint64_t *)context) % 26);
	}
	return NOERROR;
}

static void make(uint64_t messages)
{
	static const char *const names[] = { "Form", "Subject", "From", "SendTo", "PostedDate",
		"DeliveredDate", "$MessageID", "Principal" };
	struct arena arena = ARENA_INIT;
	struct nsf_delivery d[BATCH];
	uint64_t seeds[BATCH];
	struct nsf *nsf = NULL;
	struct fault fault;
	struct note note;

	note_init(&note, &arena);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		note_add_text(&note, names[i], SLICE_LIT("the value of an item of usual length"));
	if (nsf_create(file, NSF_MAIL, &nsf, &fault) != NOERROR)
		stop("%s", fault.text);
	for (uint64_t done = 0; done < messages; done += BATCH) {
		for (size_t i = 0; i < BATCH; i++) {
			seeds[i] = done + i;
			d[i] = (struct nsf_delivery){ .size_octets = OCTETS, .header_octets = 360,
				.note = &note, .body = body, .context = &seeds[i] };
		}
		if (nsf_deliver(nsf, d, BATCH, NULL, NULL, &fault) != NOERROR)
			stop("%s", fault.text);
	}
	nsf_close(&nsf);
	nsf_tidy(file);
	arena_release(&arena);
}

static void copy_file(void)
{
	char *piece = malloc(1 << 20);
	int from = open(file, O_RDONLY | O_CLOEXEC);
	int to = open(other, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t n;

	while ((n = read(from, piece, 1 << 20)) > 0)
		if (write(to, piece, (size_t)n) != n)
			stop("%s: cannot be written", other);
	fsync(to);
	close(from);
	close(to);
	free(piece);
}

/* Every second message goes. */
static void thin_out(uint64_t messages)
{
	uint64_t *ids = calloc(messages, sizeof(*ids));
	struct nsf *nsf = NULL;

	for (uint64_t i = 0; i < messages / 2; i++)
		ids[i] = 2 * i + 1;
	if (nsf_open(other, &nsf, NULL) != NOERROR || nsf_delete(nsf, ids, messages / 2, NULL) != NOERROR)
		stop("%s: cannot be thinned out", other);
	nsf_close(&nsf);
	nsf_tidy(other);
	free(ids);
}

/* As the sqlite3 command does it: open, the statement, close. */
static double sqlite_ms(const char *path, const char *sql)
{
	double begin = now_ms();
	sqlite3 *db = NULL;

	if (sqlite3_open(path, &db) != SQLITE_OK || sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		stop("%s: %s", sql, sqlite3_errmsg(db));
	sqlite3_close(db);
	return now_ms() - begin;
}

static double fixup_ms(void)
{
	struct nsf_fixup_result r;
	struct fault fault;
	double begin = now_ms();

	if (nsf_fixup(file, false, NULL, &r, &fault) != NOERROR || r.findings != 0)
		stop("fixup: %s", fault.text);
	return now_ms() - begin;
}

static double compact_ms(void)
{
	struct nsf_compact_options options = { .style = NSF_COMPACT_SHRINK };
	struct nsf_compact_result r;
	struct fault fault;
	double begin = now_ms();

	if (nsf_compact(other, &options, NULL, &r, &fault) != NOERROR)
		stop("compact: %s", fault.text);
	return now_ms() - begin;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void row(const char *what, double *ours, double *theirs)
{
	double ratio;

	qsort(ours, RUNS, sizeof(*ours), by_size);
	qsort(theirs, RUNS, sizeof(*theirs), by_size);
	ratio = ours[RUNS / 2] / theirs[RUNS / 2];
	printf("%-32s %8.1f ms, theirs %8.1f ms: %.2f x (bar 2) %s\n", what, ours[RUNS / 2], theirs[RUNS / 2],
	       ratio, ratio <= 2 ? "PASS" : "MISS");
}

static void measure(uint64_t messages)
{
	double ours[RUNS], theirs[RUNS];

	make(messages);
	for (int i = 0; i < RUNS; i++) {
		theirs[i] = sqlite_ms(file, "PRAGMA integrity_check");
		ours[i] = fixup_ms();
	}
	row("fixup, integrity_check", ours, theirs);
	for (int i = 0; i < RUNS; i++) {
		copy_file();
		thin_out(messages);
		theirs[i] = sqlite_ms(other, "VACUUM");
		copy_file();
		thin_out(messages);
		ours[i] = compact_ms();
	}
	row("compact, VACUUM", ours, theirs);
}

int main(int argc, char **argv)
{
	uint64_t messages = 10000;

	if (argc > 1 && !text_number(slice_of(argv[1]), 1000000, &messages))
		stop("nsf_maint: %s is no number of messages", argv[1]);
	snprintf(root, sizeof(root), "%s/nsf_maint.XXXXXX", argc > 2 ? argv[2] : ".");
	if (mkdtemp(root) == NULL)
		stop("nsf_maint: cannot make a directory there");
	snprintf(file, sizeof(file), "%s/m.nsf", root);
	snprintf(other, sizeof(other), "%s/n.nsf", root);
	measure(messages);
	nsf_remove(file, NULL);
	nsf_remove(other, NULL);
	rmdir(root);
	return 0;
}

/*
 * Bars of the note database, as ratios to probes of the same minute on the same
 * file system:
 *
 *   P  median of 200 times 4 KiB appended and synced
 *   R  octets a second of one pread for each message of a warm file
 *   M  reading, parsing and sorting a Maildir directory of as many messages
 *   S  a bare SELECT of number, size and UIDL of the same inbox
 *
 * Each row says PASS or MISS; the exit status does not.
 *
 *	nsf_bars [--full] [DIRECTORY]
 *
 * --full measures 100,000 messages too. DIRECTORY needs 2 GB of room (--full: 3).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <math.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "nsf/nsf.h"

#include "base/banned.h"

enum { BATCH = 200, BIG = 10 << 20, BIG_PIECE = 256 << 10 /* what the POP3 task reads at a time */ };

static char root[2048];
static double probe_us;         /* P */
static unsigned missed;
static char *filler;            /* BIG octets */

/* --- tools ------------------------------------------------------------------------------- */

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

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

static void must(STATUS status, const char *what)
{
	if (status != NOERROR)
		stop("nsf_bars: %s: %s", what, status_text(status));
}

__attribute__((format(printf, 2, 3)))
static void row(bool pass, const char *format, ...)
{
	va_list ap;

	printf("%s  ", pass ? "PASS" : "MISS");
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
	missed += !pass;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double percentile(double *values, size_t n, unsigned percent)
{
	qsort(values, n, sizeof(*values), compare_doubles);
	return values[(n - 1) * percent / 100];
}

static const char *name_of(char *out, size_t size, const char *name)
{
	snprintf(out, size, "%s/%s", root, name);
	return out;
}

static long memory_kib(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[200];
	long kib = 0;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "RssAnon:", 8) == 0)
			kib = strtol(line + 8, NULL, 10);
	if (f != NULL)
		fclose(f);
	return kib;
}

static void remove_all(void)
{
	struct dirent *e;
	DIR *d = opendir(root);
	char path[4096];

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		name_of(path, sizeof(path), e->d_name);
		unlink(path);
	}
	if (d != NULL)
		closedir(d);
	rmdir(root);
}

/* --- probes -------------------------------------------------------------------------------- */

static double probe_append(void)
{
	double times[200];
	char path[4096];
	int fd = open(name_of(path, sizeof(path), "probe"), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	for (size_t i = 0; i < 200; i++) {
		double start = now_us();

		if (write(fd, filler, 4096) != 4096 || fdatasync(fd) < 0)
			stop("nsf_bars: %s: cannot write", path);
		times[i] = now_us() - start;
	}
	close(fd);
	unlink(path);
	return percentile(times, 200, 50);
}

static double probe_write_big(void)
{
	char path[4096];
	int fd = open(name_of(path, sizeof(path), "big"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	double start = now_us();

	if (write(fd, filler, BIG) != BIG || fdatasync(fd) < 0)
		stop("nsf_bars: %s: cannot write", path);
	start = now_us() - start;
	close(fd);
	return start;
}

static double probe_read_big(void)
{
	char path[4096];
	char *out = malloc(BIG);
	int fd = open(name_of(path, sizeof(path), "big"), O_RDONLY | O_CLOEXEC);
	double best = 1e9;

	for (int i = 0; i < 5; i++) {
		double start = now_us();

		for (size_t at = 0; at < BIG; at += BIG_PIECE)
			if (pread(fd, out, BIG_PIECE, (off_t)at) != BIG_PIECE)
				stop("nsf_bars: %s: cannot read", path);
		best = fmin(best, now_us() - start);
	}
	close(fd);
	unlink(path);
	free(out);
	return best;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static double probe_maildir(size_t count)
{
	char path[4096];
	char **names = calloc(count + 1, sizeof(*names));
	struct dirent *e;
	size_t n = 0;
	uint64_t octets = 0;
	double start;
	DIR *d;

	snprintf(path, sizeof(path), "%s/maildir", root);
	mkdir(path, 0700);
	for (size_t i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/maildir/%zu.M%zuP77.host,S=%zu:2,S", root,
		         1700000000 + i * 7919 % count, i, 1000 + i);
		close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	}
	snprintf(path, sizeof(path), "%s/maildir", root);
	start = now_us();
	d = opendir(path);
	while ((e = readdir(d)) != NULL) {
		const char *size = strstr(e->d_name, ",S=");

		if (size == NULL)
			continue;
		octets += strtoull(size + 3, NULL, 10);
		names[n++] = strdup(e->d_name);
	}
	closedir(d);
	qsort(names, n, sizeof(*names), compare_names);
	start = now_us() - start;
	for (size_t i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/maildir/%s", root, names[i]);
		unlink(path);
		free(names[i]);
	}
	free(names);
	snprintf(path, sizeof(path), "%s/maildir", root);
	rmdir(path);
	return octets == 0 ? 0 : start;
}

static double probe_select(const char *path)
{
	double best = 1e9;
	sqlite3_stmt *s;
	uint64_t sum = 0;
	sqlite3 *db;

	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK
	    || sqlite3_prepare_v2(db, "SELECT id,size,uidl FROM inbox", -1, &s, NULL) != SQLITE_OK)
		stop("nsf_bars: %s: cannot select", path);
	for (int i = 0; i < 7; i++) {
		double start = now_us();

		while (sqlite3_step(s) == SQLITE_ROW)
			sum += (uint64_t)sqlite3_column_int64(s, 0) + (uint64_t)sqlite3_column_int64(s, 1)
				+ sqlite3_column_text(s, 2)[0];
		sqlite3_reset(s);
		best = fmin(best, now_us() - start);
	}
	sqlite3_finalize(s);
	sqlite3_close(db);
	return sum == 0 ? 0 : best;
}

/* --- a mail file ------------------------------------------------------------------------------ */

struct box {
	char path[4096];
	size_t count;
	uint64_t *ids, *sizes, payload;
};

static STATUS body(void *context, uint64_t offset, void *out, size_t size)
{
	(void)context;
	memcpy(out, filler + offset % (BIG / 2 + 1), size);
	return NOERROR;
}

static struct nsf_delivery message(uint64_t size)
{
	return (struct nsf_delivery){ .size_octets = size, .header_octets = size < 600 ? size : 600,
		.body = body };
}

/* Log-normal sizes of the given median and mean. */
static uint64_t random_size(double median, double mean)
{
	static uint64_t state = 1;
	double u[2], sigma = sqrt(2 * log(mean / median));
	uint64_t size;

	for (int i = 0; i < 2; i++) {
		state = state * 6364136223846793005u + 1442695040888963407u;
		u[i] = ((double)(state >> 11) + 1) / 9007199254740994.0;
	}
	size = (uint64_t)(median * exp(sigma * sqrt(-2 * log(u[0])) * cos(6.283185307 * u[1])));
	return size < 200 ? 200 : size > BIG / 2 ? BIG / 2 : size;
}

static void box_make(struct box *box, const char *name, size_t count, double median, double mean)
{
	struct nsf_delivery batch[BATCH];
	struct nsf *nsf = NULL;
	bool more = true;

	box->count = count;
	box->payload = 0;
	box->ids = calloc(count, sizeof(*box->ids));
	box->sizes = calloc(count, sizeof(*box->sizes));
	must(nsf_create(name_of(box->path, sizeof(box->path), name), NSF_MAIL, &nsf, NULL), "create");
	for (size_t i = 0; i < count; ) {
		size_t n = 0;

		for (; n < BATCH && i + n < count; n++) {
			box->sizes[i + n] = random_size(median, mean);
			box->payload += box->sizes[i + n];
			batch[n] = message(box->sizes[i + n]);
		}
		must(nsf_deliver(nsf, batch, n, box->ids + i, NULL, NULL), "deliver");
		i += n;
	}
	while (more)
		must(nsf_reclaim(nsf, &more), "reclaim");
	nsf_close(&nsf);
}

static void box_remove(struct box *box)
{
	must(nsf_remove(box->path, NULL), "remove");
	free(box->ids);
	free(box->sizes);
}

static double file_octets(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (double)st.st_size : 0;
}

static STATUS sum_message(void *context, const struct nsf_message *m)
{
	*(uint64_t *)context += m->id + m->size_octets + (unsigned char)m->uidl.p[0];
	return NOERROR;
}

static double open_list_us(const char *path, int rounds)
{
	struct nsf *keeper = NULL;
	double times[50];
	uint64_t sum = 0;

	if (rounds > 1)         /* as below; off the disk nobody has it open */
		must(nsf_open(path, &keeper, NULL), "open");
	for (int i = 0; i < rounds; i++) {
		struct nsf *nsf = NULL;
		double start = now_us();

		must(nsf_open(path, &nsf, NULL), "open");
		must(nsf_inbox_list(nsf, 0, true, sum_message, &sum), "list");
		times[i] = now_us() - start;
		nsf_close(&nsf);
	}
	nsf_close(&keeper);
	return percentile(times, (size_t)rounds, 50);
}

static double open_stat_us(const char *path)
{
	struct nsf *keeper = NULL;
	double times[200];

	/* Somebody has it open as a rule: the server keeps handles. */
	must(nsf_open(path, &keeper, NULL), "open");
	for (size_t i = 0; i < 200; i++) {
		struct nsf *nsf = NULL;
		uint64_t n, octets;
		double start = now_us();

		must(nsf_open(path, &nsf, NULL), "open");
		must(nsf_inbox_stat(nsf, &n, &octets), "stat");
		times[i] = now_us() - start;
		nsf_close(&nsf);
	}
	nsf_close(&keeper);
	return percentile(times, 200, 50);
}

static void evict(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);      /* nobody has it open now */

	fdatasync(fd);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	close(fd);
}

/* --- rows --------------------------------------------------------------------------------------- */

static void row_list(const struct box *box, double maildir_part)
{
	double select = probe_select(box->path), maildir = probe_maildir(box->count);
	double warm = open_list_us(box->path, 15), cold;

	row(warm <= 2 * select && warm <= maildir / maildir_part,
	    "open and list %zu: %.0f us = %.2f S (bar 2), M / %.1f (bar %.0f)", box->count, warm,
	    warm / select, maildir / warm, maildir_part);
	if (box->count != 10000)
		return;
	evict(box->path);
	cold = open_list_us(box->path, 1);
	row(cold <= 10 * warm, "open and list %zu off the disk: %.0f us = %.1f times warm (bar 10)",
	    box->count, cold, cold / warm);
}

static double read_all(struct nsf *nsf, const struct box *box, char *out)
{
	double best = 1e12;
	size_t got;

	for (int i = 0; i < 3; i++) {
		double start = now_us();

		for (size_t j = 0; j < box->count; j++)
			must(nsf_body_read(nsf, box->ids[j], 0, out, BIG, &got), "read");
		best = fmin(best, now_us() - start);
	}
	return best;
}

static double read_all_raw(const struct box *box, char *out)
{
	double best = 1e12;
	char path[4096];
	int fd = open(name_of(path, sizeof(path), "raw"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	for (size_t j = 0; j < box->count; j++)
		if (write(fd, filler, box->sizes[j]) < 0)
			stop("nsf_bars: %s: cannot write", path);
	for (int i = 0; i < 3; i++) {
		double start = now_us();
		off_t at = 0;

		for (size_t j = 0; j < box->count; at += (off_t)box->sizes[j++])
			if (pread(fd, out, box->sizes[j], at) < 0)
				stop("nsf_bars: %s: cannot read", path);
		best = fmin(best, now_us() - start);
	}
	close(fd);
	unlink(path);
	return best;
}

/* The database file from end to end: no store in it can be read quicker. */
static double read_file_us(const char *path, char *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);      /* nobody has it open now */
	double best = 1e12;

	for (int i = 0; i < 3; i++) {
		double start = now_us();
		ssize_t got = 1;

		for (off_t at = 0; (got = pread(fd, out, 65536, at)) > 0; )
			at += got;
		best = fmin(best, now_us() - start);
	}
	close(fd);
	return best;
}

static void row_bodies(const struct box *box, double percent)
{
	char *out = malloc(BIG);
	struct nsf *nsf = NULL;
	double ours, raw, file;

	memset(out, 1, BIG);
	file = read_file_us(box->path, out);
	must(nsf_open(box->path, &nsf, NULL), "open");
	raw = read_all_raw(box, out);
	ours = read_all(nsf, box, out);
	nsf_close(&nsf);
	free(out);
	row(raw / ours * 100 >= percent, "read all of %zu, warm: %.0f MB/s = %.0f %% of R (bar %.0f); the file "
	    "by pread %.0f %%", box->count, (double)box->payload / ours, raw / ours * 100, percent,
	    raw / file * 100);
}

static void row_size(const struct box *box, double bar)
{
	double ratio = file_octets(box->path) / (double)box->payload;

	row(ratio <= bar, "file of %zu messages over their octets: %.3f (bar %.2f)", box->count, ratio, bar);
}

static void row_big(void)
{
	double write_us = probe_write_big(), read_us = probe_read_big(), took;
	struct nsf_delivery d = message(BIG);
	char path[4096], *out = malloc(BIG_PIECE);
	struct nsf *nsf = NULL;
	uint64_t id;
	size_t got;
	bool more;
	long before;

	must(nsf_create(name_of(path, sizeof(path), "one.nsf"), NSF_MAIL, &nsf, NULL), "create");
	d.size_octets = BIG / 2;        /* starts the process's buffers */
	must(nsf_deliver(nsf, &d, 1, NULL, NULL, NULL), "deliver");
	must(nsf_reclaim(nsf, &more), "reclaim");       /* what the server does beside it */
	nsf_shrink(nsf);
	d.size_octets = BIG;
	before = memory_kib();
	took = now_us();
	must(nsf_deliver(nsf, &d, 1, &id, NULL, NULL), "deliver");
	took = now_us() - took;
	row(took <= 3 * write_us && memory_kib() - before <= 4096,
	    "deliver 10 MiB: %.1f ms = %.2f times write and sync (bar 3), memory +%ld KiB (bar 4096)",
	    took / 1000, took / write_us, memory_kib() - before);
	must(nsf_reclaim(nsf, &more), "reclaim");
	nsf_shrink(nsf);
	before = memory_kib();
	took = 1e9;
	for (int i = 0; i < 5; i++) {           /* the best of as many as the probe's */
		double start = now_us();

		got = 1;
		for (uint64_t at = 0; got > 0; at += got)
			must(nsf_body_read(nsf, id, at, out, BIG_PIECE, &got), "read");
		took = fmin(took, now_us() - start);
	}
	row(took <= 3 * read_us && memory_kib() - before <= 512,
	    "read 10 MiB in 256 KiB: %.2f ms = %.2f times pread (bar 3), memory +%ld KiB (bar 512)",
	    took / 1000, took / read_us, memory_kib() - before);
	nsf_close(&nsf);
	free(out);
	must(nsf_remove(path, NULL), "remove");
}

static void row_deliver(struct box *box)
{
	struct nsf_delivery batch[50], d = message(4096);
	double times[1000], took;
	struct nsf *nsf = NULL;
	bool more;

	must(nsf_open(box->path, &nsf, NULL), "open");
	probe_us = probe_append();
	for (size_t i = 0; i < 1000; i++) {
		double start = now_us();

		must(nsf_deliver(nsf, &d, 1, NULL, NULL, NULL), "deliver");
		times[i] = now_us() - start;
		if (i % 25 == 24)       /* what the server does beside it */
			must(nsf_reclaim(nsf, &more), "reclaim");
	}
	took = percentile(times, 1000, 50);
	row(took <= 2 * probe_us && percentile(times, 1000, 99) <= 20 * probe_us,
	    "deliver 4 KiB into %zu: median %.0f us = %.2f P (bar 2), 99 %%: %.1f P (bar 20)", box->count,
	    took, took / probe_us, percentile(times, 1000, 99) / probe_us);
	for (size_t i = 0; i < 50; i++)
		batch[i] = d;
	for (size_t i = 0; i < 30; i++) {
		double start = now_us();

		must(nsf_deliver(nsf, batch, 50, NULL, NULL, NULL), "deliver");
		times[i] = (now_us() - start) / 50;
	}
	took = percentile(times, 30, 50);
	row(took <= 0.25 * probe_us, "deliver 50 at once: %.0f us each = %.3f P (bar 0.25)", took,
	    took / probe_us);
	nsf_close(&nsf);
}

static void row_delete(struct box *box, double bar)
{
	size_t n = box->count / 10;
	uint64_t *ids = calloc(n, sizeof(*ids));
	struct nsf *nsf = NULL;
	bool more = true;
	double took, live, start;

	for (size_t i = 0; i < n; i++)
		ids[i] = box->ids[i * 10];
	must(nsf_open(box->path, &nsf, NULL), "open");
	took = now_us();
	must(nsf_delete(nsf, ids, n, NULL), "delete");
	took = now_us() - took;
	row(took <= bar * (double)n + 2 * probe_us,
	    "delete a tenth of %zu: %.1f ms = %.1f us each (bar %.0f + 2 P)", box->count, took / 1000,
	    took / (double)n, bar);
	live = (double)box->payload;
	for (size_t i = 0; i < n; i++)
		live -= (double)box->sizes[i * 10];
	for (start = now_us(); more; )
		must(nsf_reclaim(nsf, &more), "reclaim");
	start = now_us() - start;
	nsf_close(&nsf);
	row(file_octets(box->path) <= 1.15 * live,
	    "file after reclaiming (%.0f ms): %.3f of the live octets (bar 1.15)", start / 1000,
	    file_octets(box->path) / live);
	free(ids);
}

/* --- many at once ----------------------------------------------------------------------------- */

static const char *shared_path;
static _Atomic bool ended;
static _Atomic unsigned deliveries, sessions, busy;

struct worst {
	double us;
	pthread_t thread;
};

static void take_time(struct worst *worst, double start)
{
	worst->us = fmax(worst->us, now_us() - start);
}

static void *deliver_thread(void *argument)
{
	struct worst *worst = argument;
	struct nsf_delivery d = message(4096);
	struct nsf *nsf = NULL;

	must(nsf_open(shared_path, &nsf, NULL), "open");
	while (!ended) {
		double start = now_us();

		if (nsf_deliver(nsf, &d, 1, NULL, NULL, NULL) != NOERROR)
			busy++;
		take_time(worst, start);
		deliveries++;
	}
	nsf_close(&nsf);
	return NULL;
}

struct some {
	uint64_t ids[20];
	size_t n;
};

static STATUS keep_some(void *context, const struct nsf_message *m)
{
	struct some *some = context;

	if (some->n < 20)
		some->ids[some->n++] = m->id;
	return NOERROR;
}

static void *session_thread(void *argument)
{
	struct worst *worst = argument;
	char *out = malloc(BIG);
	size_t got;

	while (!ended) {
		struct some some = { { 0 }, 0 };
		struct nsf *nsf = NULL;
		double start = now_us();

		if (nsf_open(shared_path, &nsf, NULL) != NOERROR
		    || nsf_inbox_list(nsf, 0, true, keep_some, &some) != NOERROR)
			busy++;
		take_time(worst, start);
		for (size_t i = 0; i < some.n; i++)
			if (nsf_body_read(nsf, some.ids[i], 0, out, BIG, &got) == POSTIL_ERR_BUSY)
				busy++;
		if (nsf_delete(nsf, some.ids, 1, NULL) != NOERROR)
			busy++;
		nsf_close(&nsf);
		sessions++;
	}
	free(out);
	return NULL;
}

static void row_many(const struct box *box)
{
	struct worst worst[6] = { { 0, 0 } };
	double list, deliver;

	shared_path = box->path;
	probe_us = probe_append();
	for (int i = 0; i < 6; i++)
		if (pthread_create(&worst[i].thread, NULL, i < 4 ? deliver_thread : session_thread, &worst[i]))
			stop("nsf_bars: cannot start a thread");
	sleep(5);
	ended = true;
	for (int i = 0; i < 6; i++)
		pthread_join(worst[i].thread, NULL);
	list = fmax(worst[4].us, worst[5].us);
	deliver = fmax(fmax(worst[0].us, worst[1].us), fmax(worst[2].us, worst[3].us));
	row(busy == 0 && list <= 150 * probe_us && deliver <= 150 * probe_us
	    && deliveries / 5.0 >= 0.15 / (probe_us / 1e6),
	    "2 sessions and 4 writers, 5 s: %u errors (bar 0), worst list %.0f P, worst delivery %.0f P "
	    "(bar 150), %.2f deliveries per P (bar 0.15), %u sessions", busy, list / probe_us,
	    deliver / probe_us, deliveries / 5.0 * probe_us / 1e6, sessions);
}

static void row_open_files(void)
{
	enum { FILES = 2000 };
	struct nsf **all = calloc(FILES, sizeof(*all));
	struct rlimit limit = { 8192, 8192 };
	struct nsf_delivery d[10];
	long before, used, shrunk;
	uint64_t sum = 0;
	char path[4096], name[40];
	double took = 0;

	setrlimit(RLIMIT_NOFILE, &limit);
	for (size_t i = 0; i < 10; i++)
		d[i] = message(2000);
	before = memory_kib();
	for (size_t i = 0; i < FILES; i++) {
		double start;

		snprintf(name, sizeof(name), "many%zu.nsf", i);
		must(nsf_create(name_of(path, sizeof(path), name), NSF_MAIL, &all[i], NULL), "create");
		must(nsf_deliver(all[i], d, 10, NULL, NULL, NULL), "deliver");
		nsf_close(&all[i]);
		start = now_us();
		must(nsf_open(path, &all[i], NULL), "open");
		must(nsf_inbox_list(all[i], 0, true, sum_message, &sum), "list");
		took += now_us() - start;
	}
	used = memory_kib() - before;
	for (size_t i = 0; i < FILES; i++)
		nsf_shrink(all[i]);
	malloc_trim(0);
	shrunk = memory_kib() - before;
	row(used / FILES <= 128, "2,000 open files: %ld KiB each, %ld when shrunk (bar 128), %.0f us to open",
	    used / FILES, shrunk / FILES, took / FILES);
	for (size_t i = 0; i < FILES; i++)
		nsf_close(&all[i]);
	free(all);
}

static void measure(bool full)
{
	static const struct {
		size_t count;
		double median, mean;
	} kinds[] = { { 10, 4096, 40960 }, { 1000, 4096, 40960 }, { 10000, 4096, 40960 },
		{ 100000, 1536, 4096 } };
	double stat_us[4] = { 0 };
	struct box box;

	probe_us = probe_append();
	printf("P = %.0f us\n", probe_us);
	for (size_t i = 0; i < (full ? 4 : 3); i++) {
		box_make(&box, "box.nsf", kinds[i].count, kinds[i].median, kinds[i].mean);
		stat_us[i] = open_stat_us(box.path);
		row(stat_us[i] <= 250 && stat_us[i] <= 1.5 * stat_us[0],
		    "open and STAT of %zu: %.0f us (bar 250), %.2f times that of 10 (bar 1.5)", box.count,
		    stat_us[i], stat_us[i] / stat_us[0]);
		if (i >= 1)
			row_size(&box, i == 3 ? 1.35 : 1.08);
		if (i >= 2)
			row_list(&box, i == 2 ? 4 : 5);
		if (i == 1 || i == 2)
			row_bodies(&box, i == 1 ? 35 : 25);
		if (i == 1 || i == 2)
			row_delete(&box, i == 1 ? 60 : 150);
		if (i >= 1)
			row_deliver(&box);
		if (i == 2)
			row_many(&box);
		box_remove(&box);
	}
	row_big();
	row_open_files();
}

int main(int argc, char **argv)
{
	bool full = argc > 1 && strcmp(argv[1], "--full") == 0;
	const char *directory = argc > 1 + full ? argv[1 + full] : ".";

	snprintf(root, sizeof(root), "%s/nsf_bars.XXXXXX", directory);
	if (mkdtemp(root) == NULL)
		stop("nsf_bars: %s: cannot make a directory there", directory);
	filler = malloc(BIG);
	for (size_t i = 0; i < BIG; i++)
		filler[i] = (char)('A' + i * i % 57);
	measure(full);
	remove_all();
	free(filler);
	printf("%u missed\n", missed);
	return 0;
}

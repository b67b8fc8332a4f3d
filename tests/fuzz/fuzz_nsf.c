/*
 * A database file changed at will, then opened, listed, read, written to and
 * checked. The input is a list of changes to a good file: three octets of
 * offset, one of length (its low five bits and one), then so many octets. Input
 * that begins as an SQLite file does is taken as the whole file.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nsf/nsf.h"
#include "tests/fuzz/fuzz.h"

#include "base/banned.h"

static char dir[64], path[100];
static uint8_t *sample;
static size_t sample_octets;

static STATUS body(void *context, uint64_t offset, void *out, size_t size)
{
	(void)context;
	memset(out, 'a' + (int)(offset % 26), size);
	return NOERROR;
}

static void remove_files(void)
{
	static const char *const endings[] = { "", "-wal", "-shm", "-lock", "-journal" };
	char name[120];

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		snprintf(name, sizeof(name), "%s%s", path, endings[i]);
		unlink(name);
	}
}

static void end(void)
{
	remove_files();
	rmdir(dir);
	free(sample);
}

static void make_sample(void)
{
	struct nsf_delivery d = { .size_octets = 900, .header_octets = 100, .body = body };
	struct arena arena = ARENA_INIT;
	struct nsf *nsf = NULL;
	struct note note;
	struct stat st;
	uint64_t id;
	int fd;

	snprintf(dir, sizeof(dir), "/tmp/fuzz-nsf-XXXXXX");
	FUZZ_CHECK(mkdtemp(dir) != NULL);
	snprintf(path, sizeof(path), "%s/f.nsf", dir);
	FUZZ_CHECK(nsf_create(path, NSF_MAIL, &nsf, NULL) == NOERROR);
	for (int i = 0; i < 8; i++) {
		d.size_octets = i == 5 ? 20000 : 900;
		FUZZ_CHECK(nsf_deliver(nsf, &d, 1, &id, NULL, NULL) == NOERROR);
	}
	FUZZ_CHECK(nsf_delete(nsf, &id, 1, NULL) == NOERROR);
	note_init(&note, &arena);
	note_add_text(&note, "Form", SLICE_LIT("Person"));
	FUZZ_CHECK(nsf_note_put(nsf, &note, &id) == NOERROR);
	FUZZ_CHECK(nsf_view_put(nsf, "$Users", SLICE_LIT("anna"), id, SLICE_LIT("x")) == NOERROR);
	nsf_close(&nsf);
	arena_release(&arena);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	FUZZ_CHECK(fd >= 0 && fstat(fd, &st) == 0);
	sample_octets = (size_t)st.st_size;
	sample = malloc(sample_octets);
	FUZZ_CHECK(sample != NULL && read(fd, sample, sample_octets) == st.st_size);
	close(fd);
	atexit(end);
}

static void write_changed(const uint8_t *data, size_t n)
{
	uint8_t *file = malloc(sample_octets);
	size_t octets = sample_octets, at = 0;
	int fd;

	FUZZ_CHECK(file != NULL);
	memcpy(file, sample, sample_octets);
	while (n - at > 4) {
		size_t offset = ((size_t)data[at] << 16 | (size_t)data[at + 1] << 8 | data[at + 2])
			% sample_octets;
		size_t count = (data[at + 3] & 31) + 1u;

		at += 4;
		for (; count > 0 && at < n; count--, at++)
			file[offset++ % sample_octets] = data[at];
	}
	remove_files();
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	FUZZ_CHECK(fd >= 0);
	if (n > 16 && memcmp(data, "SQLite format 3", 16) == 0) {
		FUZZ_CHECK(write(fd, data, n) == (ssize_t)n);
	} else {
		FUZZ_CHECK(write(fd, file, octets) == (ssize_t)octets);
	}
	close(fd);
	free(file);
}

struct ids {
	uint64_t all[32];
	size_t n;
};

static STATUS take_message(void *context, const struct nsf_message *m)
{
	struct ids *ids = context;

	FUZZ_CHECK(m->uidl.n >= 1 && m->uidl.n <= NSF_UIDL_MAX);
	for (size_t i = 0; i < m->uidl.n; i++)
		FUZZ_CHECK(m->uidl.p[i] >= 0x21 && m->uidl.p[i] <= 0x7E);
	FUZZ_CHECK(m->header_octets <= m->size_octets && m->id > 0);
	if (ids->n < 32)
		ids->all[ids->n++] = m->id;
	return NOERROR;
}

static STATUS take_note(void *context, uint64_t id)
{
	struct ids *ids = context;

	if (ids->n < 32)
		ids->all[ids->n++] = id;
	return NOERROR;
}

static STATUS take_entry(void *context, struct slice key, uint64_t id, struct slice value)
{
	*(size_t *)context += key.n + value.n + (size_t)id % 2;
	return ++((size_t *)context)[1] < 100 ? NOERROR : POSTIL_ERR_CANCEL;
}

static void use(struct nsf *nsf)
{
	struct nsf_delivery d = { .size_octets = 700, .header_octets = 70, .body = body };
	struct arena arena = ARENA_INIT;
	struct ids ids = { { 0 }, 0 };
	size_t sums[2] = { 0, 0 }, got = 0;
	static char out[30000];
	uint64_t count, octets;
	struct note note;
	bool more = true;

	nsf_inbox_stat(nsf, &count, &octets);
	nsf_inbox_list(nsf, 0, true, take_message, &ids);
	for (size_t i = 0; i < ids.n; i++)
		if (nsf_body_read(nsf, ids.all[i], 10, out, sizeof(out), &got) == NOERROR)
			FUZZ_CHECK(got <= sizeof(out));
	nsf_notes_each(nsf, take_note, &ids);
	for (size_t i = 0; i < ids.n; i++)
		if (nsf_note_get(nsf, ids.all[i], &arena, &note) == NOERROR)
			FUZZ_CHECK(note.has_unid);
	nsf_view_each(nsf, "$Users", take_entry, sums);
	nsf_deliver(nsf, &d, 1, NULL, NULL, NULL);
	nsf_delete(nsf, ids.all, ids.n / 2, NULL);
	for (int i = 0; i < 5 && more; i++)
		if (nsf_reclaim(nsf, &more) != NOERROR)
			break;
	arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fault fault = { 0 };
	struct nsf *nsf = NULL;

	if (sample == NULL) {
		make_sample();
		nsf_set_reserve(0);
	}
	write_changed(data, n);
	if (nsf_open(path, &nsf, &fault) != NOERROR) {
		FUZZ_CHECK(nsf == NULL && fault.text[0] != '\0');
		return 0;
	}
	use(nsf);
	nsf_close(&nsf);
	nsf_check(path, NULL, NULL, NULL);
	return 0;
}

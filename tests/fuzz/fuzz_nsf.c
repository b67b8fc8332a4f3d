/*
 * A database file changed at will: some are repaired; all are opened, listed, read,
 * written to and checked. The input is a list of changes to a good file: three octets of
 * offset, one of length (its low five bits and one), then so many octets. Input
 * that begins as an SQLite file does is taken as the whole file.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nsf/maint.h"
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

static void remove_name(const char *file)
{
	static const char *const endings[] = { "", "-wal", "-shm", "-lock", "-journal" };
	char name[PATH_MAX + 16];

	for (size_t i = 0; file[0] != '\0' && i < sizeof(endings) / sizeof(endings[0]); i++) {
		snprintf(name, sizeof(name), "%s%s", file, endings[i]);
		unlink(name);
	}
}

static void remove_files(void)
{
	remove_name(path);
}

static void end(void)
{
	remove_files();
	rmdir(dir);
	free(sample);
}

/* A message moved, one in the trash, one with a second form, a note that waits. */
static void fill_folders(struct nsf *nsf)
{
	struct nsf_form second = { 500, 50, true, body, NULL };
	struct nsf_delivery d = { .size_octets = 900, .header_octets = 100, .body = body,
		.second = &second };
	struct note note = { .class = NOTE_CLASS_DOCUMENT };
	uint64_t id;

	FUZZ_CHECK(nsf_folder_make(nsf, SLICE_LIT("Projects")) == NOERROR);
	FUZZ_CHECK(nsf_folder_add(nsf, SLICE_LIT("Projects"), 1) == NOERROR);
	FUZZ_CHECK(nsf_folder_take(nsf, SLICE_LIT(NSF_INBOX), 1) == NOERROR);
	FUZZ_CHECK(nsf_trash_put(nsf, 2) == NOERROR);
	FUZZ_CHECK(nsf_deliver(nsf, &d, 1, NULL, NULL, NULL) == NOERROR);
	FUZZ_CHECK(nsf_note_put(nsf, &note, &id) == NOERROR);
	FUZZ_CHECK(nsf_inbox_add_pending(nsf, id) == NOERROR);
	FUZZ_CHECK(nsf_setting_set(nsf, NSF_QUOTA_MESSAGES, 50) == NOERROR);
}

static void make_sample(void)
{
	struct nsf_delivery d = { .size_octets = 900, .header_octets = 100, .body = body };
	struct item_blob blob = { 3000, body, NULL };
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
	fill_folders(nsf);
	note_init(&note, &arena);
	note_add_text(&note, "Form", SLICE_LIT("Person"));
	note_add_blob(&note, SLICE_LIT("$FILE"), ITEM_OBJECT, 0, NULL, 0, &blob);
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

static STATUS take_folder(void *context, struct slice name, uint64_t notes)
{
	FUZZ_CHECK(name.n > 0 && name.n <= 255);
	*(uint64_t *)context += notes;
	return NOERROR;
}

static STATUS take_pending(void *context, uint64_t id, int64_t sequence)
{
	struct nsf_delivery d = { .size_octets = 70, .header_octets = 7, .body = body };

	nsf_pending_set(context, id, sequence, &d, NULL, NULL);
	return NOERROR;
}

static STATUS take_stub(void *context, const struct nsf_stub *stub)
{
	FUZZ_CHECK(stub->uidl.n <= NSF_UIDL_MAX);
	*(uint64_t *)context += stub->digest.n;
	return NOERROR;
}

/* What the Notes side does. */
static void use_folders(struct nsf *nsf, const struct ids *ids)
{
	struct nsf_note_message m;
	struct nsf_purged purged = { 0 };
	struct nsf_quota quota;
	uint64_t sum = 0;
	bool more;

	nsf_folders_each(nsf, take_folder, &sum);
	nsf_pending_each(nsf, take_pending, nsf);
	nsf_stubs_each(nsf, take_stub, &sum);
	nsf_quota_get(nsf, &quota);
	for (size_t i = 0; i < ids->n; i++) {
		if (nsf_message_of_note(nsf, ids->all[i], &m) == NOERROR)
			FUZZ_CHECK(m.message.uidl.n <= NSF_UIDL_MAX);
		nsf_trash_put(nsf, ids->all[i]);
		if (i % 2 == 0)
			nsf_trash_restore(nsf, ids->all[i]);
		nsf_inbox_add_pending(nsf, ids->all[i]);
		nsf_folder_take(nsf, SLICE_LIT(NSF_INBOX), ids->all[i]);
	}
	nsf_purge(nsf, &purged, &more);
}

/* Whatever size an item says it has, what is read has the size that is asked for. */
static void use_items(const struct note *note)
{
	char octets[4000];

	for (const struct item *item = note->first; item != NULL; item = item->next)
		item_read(item, 1, 0, octets, item_size(item, 1) < sizeof(octets)
		          ? (size_t)item_size(item, 1) : sizeof(octets));
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
	nsf_inbox_list(nsf, 0, false, take_message, &ids);
	for (size_t i = 0; i < ids.n; i++)
		if (nsf_body_read(nsf, ids.all[i], 10, out, sizeof(out), &got) == NOERROR)
			FUZZ_CHECK(got <= sizeof(out));
	nsf_notes_each(nsf, take_note, &ids);
	for (size_t i = 0; i < ids.n; i++)
		if (nsf_note_get(nsf, ids.all[i], &arena, &note) == NOERROR) {
			FUZZ_CHECK(note.has_unid);
			use_items(&note);
		}
	nsf_view_each(nsf, "$Users", take_entry, sums);
	nsf_deliver(nsf, &d, 1, NULL, NULL, NULL);
	nsf_delete(nsf, ids.all, ids.n / 2, NULL);
	use_folders(nsf, &ids);
	for (int i = 0; i < 5 && more; i++)
		if (nsf_reclaim(nsf, &more) != NOERROR)
			break;
	arena_release(&arena);
}

/* Whatever fixup was given: what it leaves is whole, or was left alone. */
static void repair(const uint8_t *data, size_t n)
{
	struct nsf_fixup_result r;
	struct fault fault = { 0 };
	STATUS status;

	write_changed(data, n);
	status = nsf_fixup(path, false, NULL, &r, &fault);
	if (status == NOERROR)
		FUZZ_CHECK(nsf_check(path, NULL, NULL, &fault) == NOERROR);
	else
		FUZZ_CHECK(fault.text[0] != '\0' && !r.rebuilt);
	remove_name(r.kept);
	remove_name(r.aside);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct fault fault = { 0 };
	struct nsf *nsf = NULL;

	if (sample == NULL) {
		make_sample();
		nsf_set_reserve(0);
	}
	if (n % 4 == 1)         /* it syncs often */
		repair(data, n);
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

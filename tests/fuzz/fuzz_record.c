/* Values of the views of names.nsf as a hostile file may hold them, and names as logins
 * give them: what is understood is written the same way again, and a key is a key's key. */
#include <string.h>

#include "base/soundex.h"
#include "directory/certificates.h"
#include "directory/private.h"
#include "tests/fuzz/fuzz.h"

static void records(struct slice data)
{
	struct arena arena = ARENA_INIT;
	struct buf again = BUF_INIT;
	struct person person;
	enum document_kind kind;
	unsigned by;

	if (record_decode(data, &arena, &person, &kind, &by) == NOERROR) {
		FUZZ_CHECK(record_encode(&person, kind, by, &again) == NOERROR);
		/* what stands behind a record is passed over */
		FUZZ_CHECK(again.n <= data.n && memcmp(again.p, data.p, again.n) == 0);
	}
	buf_release(&again);
	arena_release(&arena);
}

static void certificates(struct slice data)
{
	struct arena arena = ARENA_INIT;
	struct buf again = BUF_INIT;
	struct person person = { .certificate_count = 0 };
	struct certificates found = { .count = 0 };

	if (certificates_decode(data, &arena, &person) == NOERROR) {
		for (; found.count < person.certificate_count; found.count++)
			found.list[found.count] = person.certificates[found.count];
		FUZZ_CHECK(certificates_encode(&found, &again) == NOERROR);
		FUZZ_CHECK(again.n <= data.n && memcmp(again.p, data.p, again.n) == 0);
	}
	buf_release(&again);
	arena_release(&arena);
}

/* data as the values of an item: each line one, and all of it as one of octets. What is
 * found comes out the same when it is read again. */
static void certificate_items(struct slice data)
{
	struct arena arena = ARENA_INIT;
	struct certificates found, again;
	struct note note, second;
	struct slice lines[64];
	size_t count = 0, at = 0;

	note_init(&note, &arena);
	note_init(&second, &arena);
	for (size_t i = 0; i <= data.n && count < sizeof(lines) / sizeof(*lines); i++)
		if (i == data.n || data.p[i] == '\n') {
			lines[count++] = (struct slice){ data.p + at, i - at };
			at = i + 1;
		}
	FUZZ_CHECK(note_add(&note, SLICE_LIT("UserCertificate"), ITEM_TEXT_LIST, 0, lines, count) != NULL);
	FUZZ_CHECK(note_add(&note, SLICE_LIT("userCertificate;binary"), 4, 0, &data, 1) != NULL);
	FUZZ_CHECK(certificates_read(&note, &arena, &found) == NOERROR);
	FUZZ_CHECK(found.count <= DIRECTORY_CERTIFICATES_MAX);
	for (size_t i = 0; i < found.count; i++) {
		FUZZ_CHECK(found.list[i].n <= DIRECTORY_CERTIFICATE_OCTETS);
		FUZZ_CHECK(note_add(&second, SLICE_LIT("UserCertificate"), 4, 0, &found.list[i], 1) != NULL);
	}
	FUZZ_CHECK(certificates_read(&second, &arena, &again) == NOERROR);
	FUZZ_CHECK(again.count == found.count && again.bad == 0 && again.large == 0);
	for (size_t i = 0; i < found.count; i++)
		FUZZ_CHECK(slice_equal(found.list[i], again.list[i]));
	arena_release(&arena);
}

static void groups(struct slice data)
{
	struct directory_group group;
	struct buf again = BUF_INIT;

	if (group_decode(data, &group) == NOERROR) {
		FUZZ_CHECK(group_encode(&group, &again) == NOERROR);
		FUZZ_CHECK(again.n <= data.n && memcmp(again.p, data.p, again.n) == 0);
	}
	buf_release(&again);
}

static void names(struct slice data)
{
	struct buf key = BUF_INIT;
	char code[SOUNDEX_OCTETS + 1];

	if (directory_key(data, &key) == NOERROR) {
		FUZZ_CHECK(key.n > 0 && key.n <= 2 * DIRECTORY_NAME_MAX);
		FUZZ_CHECK(memchr(key.p, '\0', key.n) == NULL);
	}
	if (soundex(data, code))
		FUZZ_CHECK(strlen(code) == SOUNDEX_OCTETS && code[0] >= 'A' && code[0] <= 'Z');
	buf_release(&key);
}

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t n)
{
	struct slice data = { (const char *)octets, n };

	records(data);
	certificates(data);
	certificate_items(data);
	groups(data);
	names(data);
	return 0;
}

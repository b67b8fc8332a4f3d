/* Values of the views of names.nsf as a hostile file may hold them, and names as logins
 * give them: what is understood is written the same way again, and a key is a key's key. */
#include <string.h>

#include "base/soundex.h"
#include "directory/private.h"
#include "tests/fuzz/fuzz.h"

static void records(struct slice data)
{
	struct arena arena = ARENA_INIT;
	struct buf again = BUF_INIT;
	struct person person;
	enum document_kind kind;

	if (record_decode(data, &arena, &person, &kind) == NOERROR) {
		FUZZ_CHECK(record_encode(&person, kind, &again) == NOERROR);
		/* what stands behind a record is passed over */
		FUZZ_CHECK(again.n <= data.n && memcmp(again.p, data.p, again.n) == 0);
	}
	buf_release(&again);
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
	groups(data);
	names(data);
	return 0;
}

/* Text and names: folding and canonical forms are final (doing it again
 * changes nothing), escaped text is printable. */
#include "base/name.h"
#include "base/text.h"
#include "tests/fuzz/fuzz.h"

static void fuzz_fold(struct slice text)
{
	struct buf once = BUF_INIT, twice = BUF_INIT;

	if (text_fold(text, &once) == NOERROR) {
		FUZZ_CHECK(text_is_utf8(buf_slice(&once)));
		FUZZ_CHECK(text_fold(buf_slice(&once), &twice) == NOERROR);
		FUZZ_CHECK(slice_equal(buf_slice(&once), buf_slice(&twice)));
	}
	buf_release(&once);
	buf_release(&twice);
}

static void fuzz_escape(struct slice text)
{
	struct buf out = BUF_INIT;

	text_escape(text, 100, &out);
	for (size_t i = 0; i < out.n; i++)
		FUZZ_CHECK(out.p[i] >= ' ' && out.p[i] <= '~');
	buf_release(&out);
}

static void fuzz_name(struct slice name)
{
	struct buf once = BUF_INIT, twice = BUF_INIT, other = BUF_INIT;

	FUZZ_CHECK(name_canonicalize(name, &once) == NOERROR);
	FUZZ_CHECK(name_canonicalize(buf_slice(&once), &twice) == NOERROR);
	FUZZ_CHECK(slice_equal(buf_slice(&once), buf_slice(&twice)));
	FUZZ_CHECK(name_abbreviate(name, &other) == NOERROR);
	FUZZ_CHECK(name_common(name, &other) == NOERROR);
	if (name_equal(name, name))
		FUZZ_CHECK(name_equal(name, buf_slice(&once)));
	name_matches(name, SLICE_LIT("*/Sales/Acme"));
	name_matches(SLICE_LIT("CN=Jane Doe/OU=Sales/O=Acme"), name);
	buf_release(&once);
	buf_release(&twice);
	buf_release(&other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice text = { (const char *)data, n };
	uint64_t number;

	fuzz_fold(text);
	fuzz_escape(text);
	fuzz_name(text);
	if (text_number(text, 1000, &number))
		FUZZ_CHECK(number <= 1000);
	return 0;
}

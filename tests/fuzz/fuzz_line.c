/* Lines: however the octets are cut, the same lines come out, none above the limit. */
#include <string.h>

#include "addin/pop3/line.h"
#include "tests/fuzz/fuzz.h"

#define LIMIT 16

static void split(const char *p, size_t n, size_t piece, struct buf *out)
{
	struct line_reader reader = { false };
	size_t from = 0, have = 0;

	while (have < n) {
		have = n - have < piece ? n : have + piece;
		for (;;) {
			struct slice line = { NULL, 0 };
			size_t used;
			enum line_result result = line_next(&reader,
				(struct slice){ p + from, have - from }, LIMIT, &line, &used);

			FUZZ_CHECK(used <= have - from);
			from += used;
			if (result == LINE_MORE)
				break;
			buf_addf(out, "%d ", result);
			if (result != LINE_READY)
				continue;
			FUZZ_CHECK(line.n < LIMIT && memchr(line.p, '\n', line.n) == NULL);
			line_is_text(line, true);
			buf_add_slice(out, line);
		}
		FUZZ_CHECK(have - from < LIMIT);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct buf whole = BUF_INIT, cut = BUF_INIT;

	split((const char *)data, n, n == 0 ? 1 : n, &whole);
	for (size_t piece = 1; piece < 20 && piece < n; piece += 6) {
		buf_clear(&cut);
		split((const char *)data, n, piece, &cut);
		FUZZ_CHECK(slice_equal(buf_slice(&whole), buf_slice(&cut)));
	}
	buf_release(&whole);
	buf_release(&cut);
	return 0;
}

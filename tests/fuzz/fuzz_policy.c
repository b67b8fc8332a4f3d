/* Lists of suites, a line each: what is taken only narrows, and taking it again changes
 * nothing. */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tls/policy.h"

#define CODES_MAX 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *p = (const char *)data, *end = p + n;
	struct slice codes[CODES_MAX];
	size_t count = 0;
	struct buf ignored = BUF_INIT, text = BUF_INIT;
	struct tls_policy all, once, twice;
	STATUS status;

	while (count < CODES_MAX && p < end) {
		const char *line = memchr(p, '\n', (size_t)(end - p));

		codes[count++] = (struct slice){ p, (size_t)((line == NULL ? end : line) - p) };
		p = line == NULL ? end : line + 1;
	}
	tls_policy_init(&all);
	once = all;
	status = tls_policy_narrow(&once, codes, count, &ignored, NULL);
	FUZZ_CHECK((once.suites & ~all.suites) == 0 && once.suites != 0);
	FUZZ_CHECK(once.tls_1_2 || once.tls_1_3);
	FUZZ_CHECK(status == NOERROR || once.suites == all.suites);
	twice = once;
	FUZZ_CHECK(tls_policy_narrow(&twice, codes, count, NULL, NULL) == status);
	FUZZ_CHECK(twice.suites == once.suites && twice.tls_1_2 == once.tls_1_2 &&
	           twice.tls_1_3 == once.tls_1_3);
	for (size_t i = 0; i < ignored.n; i++)
		FUZZ_CHECK(ignored.p[i] >= 0x20 && ignored.p[i] < 0x7F);
	tls_policy_text(&once, &text);
	FUZZ_CHECK(text.n > 0);
	buf_release(&text);
	buf_release(&ignored);
	return 0;
}

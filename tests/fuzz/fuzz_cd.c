/* CD records: the first octet says where the first item ends and what are links. */
#include "tests/fuzz/richtext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct richtext_maker *maker;
	struct slice all = { (const char *)data + 1, n - 1 };
	size_t first;

	if (n == 0)
		return 0;
	first = all.n - all.n * data[0] / 512;
	FUZZ_CHECK(richtext_new(&fuzz_options, &maker) == NOERROR);
	FUZZ_CHECK(richtext_set_links(maker, (struct slice){ all.p + first, all.n - first }) == NOERROR);
	FUZZ_CHECK(richtext_add_cd(maker, (struct slice){ all.p, first }) == NOERROR);
	FUZZ_CHECK(richtext_add_cd(maker, (struct slice){ all.p + first, all.n - first }) == NOERROR);
	fuzz_finish(maker);
	return 0;
}

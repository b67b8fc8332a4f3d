/* DXL rich text: whatever comes becomes harmless HTML and text, within bounds. */
#include "tests/fuzz/richtext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct richtext_maker *maker;

	FUZZ_CHECK(richtext_new(&fuzz_options, &maker) == NOERROR);
	FUZZ_CHECK(richtext_add_dxl(maker, (struct slice){ (const char *)data, n }) == NOERROR);
	FUZZ_CHECK(richtext_add_dxl(maker, SLICE_LIT("<richtext><par>behind</par></richtext>")) == NOERROR);
	fuzz_finish(maker);
	return 0;
}

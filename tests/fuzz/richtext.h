/* What holds for every rich text, whatever it was made of. */
#ifndef POSTIL_TESTS_FUZZ_RICHTEXT_H
#define POSTIL_TESTS_FUZZ_RICHTEXT_H

#include <string.h>

#include "base/text.h"
#include "mailfile/richtext.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/htmlcheck.h"

static const struct richtext_options fuzz_options = { 4, 20000, 20000, "@fuzz" };

static inline void fuzz_finish(struct richtext_maker *maker)
{
	struct arena arena = ARENA_INIT;
	struct richtext r;
	const char *fault;
	size_t line = 0;

	FUZZ_CHECK(richtext_finish(&maker, &arena, &r) == NOERROR);
	FUZZ_CHECK(text_is_utf8(buf_slice(&r.text)) && text_is_utf8(buf_slice(&r.html)));
	FUZZ_CHECK(r.text.n < 400000 && r.html.n < 400000 && r.picture_octets.n <= 20000);
	fault = html_fault(buf_slice(&r.html));
	if (fault != NULL)
		fprintf(stderr, "%s: %s\n", fault, buf_cstr(&r.html));
	FUZZ_CHECK(fault == NULL);
	for (size_t i = 0; i < r.text.n; i++) {
		line = r.text.p[i] == '\n' ? 0 : line + 1;
		FUZZ_CHECK(line <= 998);
		FUZZ_CHECK((unsigned char)r.text.p[i] >= ' ' || r.text.p[i] == '\n' || r.text.p[i] == '\t');
	}
	FUZZ_CHECK(line == 0);
	richtext_release(&r);
	arena_release(&arena);
}

#endif

/* SASLprep: the examples of RFC 4013 section 3, each table of what is forbidden. */
#include <check.h>
#include <string.h>

#include "base/saslprep.h"
#include "tests/support/unit.h"

static const struct {
	const char *in, *out;           /* NULL: refused */
} texts[] = {
	{ "", "" },
	{ "lotus notes", "lotus notes" },
	{ " ~ ", " ~ " },
	/* section 3 */
	{ "I\xC2\xADX", "IX" },
	{ "user", "user" },
	{ "USER", "USER" },
	{ "\xC2\xAA", "a" },
	{ "\xE2\x85\xA8", "IX" },
	{ "\x07", NULL },
	{ "\xD8\xA7\x31", NULL },
	/* what is typed differently and looks the same */
	{ "u\xCC\x88", "\xC3\xBC" },
	{ "\xC3\xBC", "\xC3\xBC" },
	{ "a\xC2\xA0" "b\xE3\x80\x80" "c", "a b c" },
	{ "\xEF\xBC\xA1\xC2\xB2", "A2" },
	{ "\xD8\xA7\x31\xD8\xA8", "\xD8\xA7\x31\xD8\xA8" },
	{ "\xD8\xA7 \xD7\x90", "\xD8\xA7 \xD7\x90" },
	{ "\xD8\xA7" "a\xD8\xA8", NULL },
	{ "1\xD8\xA7", NULL },
	{ "\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80" },
	/* unassigned: a query string may have it */
	{ "\xCD\xB8", "\xCD\xB8" },
	/* section 2.3 */
	{ "\x1F", NULL }, { "\x7F", NULL }, { "\t", NULL }, { "a\r\nb", NULL },
	{ "\xC2\x85", NULL }, { "\xDB\x9D", NULL }, { "\xE2\x80\xA8", NULL }, { "\xE2\x81\xA1", NULL },
	{ "\xEE\x80\x80", NULL }, { "\xF3\xB0\x80\x80", NULL }, { "\xF4\x8F\xBF\xBD", NULL },
	{ "\xEF\xB7\x90", NULL }, { "\xEF\xBF\xBE", NULL }, { "\xF0\x9F\xBF\xBE", NULL },
	{ "\xEF\xBF\xBD", NULL }, { "\xE2\xBF\xB0", NULL }, { "\xE2\x80\x8E", NULL },
	{ "\xE2\x80\xAE", NULL }, { "\xF3\xA0\x80\x81", NULL }, { "\xF3\xA0\x81\x81", NULL },
	/* not UTF-8 */
	{ "\xFC", NULL }, { "\xC3", NULL }, { "\xC0\x80", NULL }, { "\xED\xA0\x80", NULL },
};

START_TEST(every_text)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct buf out = BUF_INIT;
		STATUS status = saslprep(slice_of(texts[i].in), &out);

		ck_assert_msg(status == (texts[i].out == NULL ? POSTIL_ERR_INVALID : NOERROR), "text %zu", i);
		ck_assert_msg(slice_equal(buf_slice(&out), slice_of(texts[i].out)), "text %zu: %s", i,
		              buf_cstr(&out));
		buf_release(&out);
	}
}
END_TEST

START_TEST(nul_is_forbidden)
{
	struct buf out = BUF_INIT;

	ck_assert_uint_eq(saslprep(SLICE_LIT("a\0b"), &out), POSTIL_ERR_INVALID);
	buf_release(&out);
}
END_TEST

UNIT_MAIN("saslprep", every_text, nul_is_forbidden)

/* LMBCS: each kind of group, what is cut off, what is not assigned. */
#include <string.h>

#include "base/lmbcs.h"
#include "base/text.h"
#include "tests/support/unit.h"

#define REPLACED "\xEF\xBF\xBD"

static const struct {
	const char *in;
	size_t n;
	const char *utf8;
} cases[] = {
	{ "plain", 5, "plain" },
	{ "a\0b", 3, "a\nb" },
	{ "\tx\r\n", 4, "\tx\r\n" },
	{ "Gr\x81\xE1" "e", 5, "Grüße" },                       /* code page 850, no lead octet */
	{ "\x01\x81\x81", 3, "üü" },
	{ "\x01\x2B\x01\x2C \x01\x29\x01\x1F", 9, "‘’ –▼" },    /* group 1 below 0x80 */
	{ "\x01\x26\x01\x38", 4, "“”" },
	{ "\x02\x01\x02\x7F", 4, "ͺ⊃" },
	{ "\x05\xCF\x05\xF0\x05\xE8", 6, "При" },
	{ "\x06\x01\x06\xA5\x06\x2E", 6, "āąĀ" },
	{ "\x03\xF9\x04\xC7\x08\xFD\x0B\xA1", 8, "שاıก" },
	{ "\x10\x82\xA0\x10\x10\xB1", 6, "あｱ" },
	{ "\x11\xB0\xA1\x12\xA4\xA4\x13\xD6\xD0", 9, "가中中" },
	{ "\x0F\x21\x0F\x80", 4, "\x01\xC2\x80" },
	{ "\x14\x20\xAC\x14\xF6\x04", 6, "€Ѐ" },
	{ "\x14\xD8\x3D\x14\xDE\x00", 6, "😀" },
	{ "\x14\xD8\x3Dz", 4, REPLACED "z" },                   /* half a pair */
	{ "\x14\xD8\x3D\x14\x20\xAC", 6, REPLACED "€" },
	{ "\x14\xDE\x00", 3, REPLACED },
	{ "a\x14\x20", 3, "a" REPLACED },                       /* cut off */
	{ "a\x14", 2, "a" REPLACED },
	{ "a\x01", 2, "a" REPLACED },
	{ "a\x0F", 2, "a" REPLACED },
	{ "a\x10\x82", 3, "a" REPLACED },
	{ "\x07yz", 3, REPLACED "z" },                          /* no such group */
	{ "\x1Fz", 2, REPLACED "z" },
	{ "\x01\x28", 2, "…" },
	{ "\x01\x2D", 2, REPLACED },                            /* not assigned */
	{ "\x06\x30", 2, REPLACED },
	{ "", 0, "" }
};

START_TEST(texts)
{
	struct buf out = BUF_INIT;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		buf_clear(&out);
		lmbcs_to_utf8((struct slice){ cases[i].in, cases[i].n }, &out);
		ck_assert_msg(strcmp(buf_cstr(&out), cases[i].utf8) == 0, "case %zu: %s", i,
		              buf_cstr(&out));
	}
	buf_release(&out);
}
END_TEST

/* Whatever comes, the result is UTF-8 and at most three octets for each. */
START_TEST(any_octets)
{
	char in[3];
	struct buf out = BUF_INIT;

	for (unsigned i = 0; i < 0x20 * 256; i++) {
		in[0] = (char)(i >> 8);
		in[1] = (char)i;
		in[2] = (char)0xA4;
		buf_clear(&out);
		lmbcs_to_utf8((struct slice){ in, 3 }, &out);
		ck_assert(text_is_utf8(buf_slice(&out)));
		ck_assert_uint_le(out.n, 9);
	}
	buf_release(&out);
}
END_TEST

UNIT_MAIN("base/lmbcs", texts, any_octets)

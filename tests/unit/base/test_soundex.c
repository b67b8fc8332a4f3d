/* Codes of names: Knuth's examples, the directory's, and names no letter of which counts. */
#include "base/soundex.h"
#include "tests/support/unit.h"

static const struct {
	const char *name, *code;
} names[] = {
	/* Knuth, volume 3, section 6 */
	{ "Euler", "E460" }, { "Gauss", "G200" }, { "Hilbert", "H416" }, { "Knuth", "K530" },
	{ "Lloyd", "L300" }, { "Lukasiewicz", "L222" }, { "Wachs", "W200" },
	{ "Ellery", "E460" }, { "Ghosh", "G200" }, { "Heilbronn", "H416" }, { "Kant", "K530" },
	{ "Liddy", "L300" }, { "Lissajous", "L222" }, { "Waugh", "W200" },
	{ "Rogers", "R262" }, { "Rodgers", "R326" }, { "Sinclair", "S524" }, { "St. Clair", "S300" },
	{ "Tchebysheff", "T212" }, { "Chebyshev", "C121" },
	/* the API's and a directory's */
	{ "Perlin", "P645" }, { "Perlmutter", "P645" }, { "Moignard", "M256" },
	/* a digit once: beside the first letter, across h and w, but not across a vowel */
	{ "Pfister", "P236" }, { "Ashcraft", "A261" }, { "Ashcroft", "A261" }, { "Tymczak", "T522" },
	{ "Jackson", "J250" }, { "Honeyman", "H555" }, { "Robert", "R163" }, { "Rupert", "R163" },
	{ "Washington", "W252" }, { "Lee", "L000" }, { "Gutierrez", "G362" }, { "Hw", "H000" },
	/* the first word; case; what is no letter */
	{ "van der Berg", "V500" }, { "  perlin  ", "P645" }, { "PERLIN x", "P645" }, { "O'Brien", "O165" },
	{ "P-e-r-l-i-n", "P645" }, { "per\tlin", "P600" }, { "a", "A000" },
	/* accents off, full folding */
	{ "M\xC3\xBCller", "M460" }, { "Mu\xCC\x88ller", "M460" }, { "\xC3\x85sa", "A200" },
	{ "Stra\xC3\x9F""e", "S362" }, { "Strasse", "S362" }, { "\xC3\x89milie", "E540" },
	{ "Per\xC2\xA0lin", "P600" },
	/* nothing to code */
	{ "", NULL }, { " ", NULL }, { "123", NULL }, { "\xD0\x98\xD0\xB2\xD0\xB0\xD0\xBD", NULL },
	{ "\xFFPerlin", NULL }, { "Perlin\xC3", NULL },
};

START_TEST(codes)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char code[SOUNDEX_OCTETS + 1];
		bool any = soundex(slice_of(names[i].name), code);

		ck_assert_msg(any == (names[i].code != NULL), "%s", names[i].name);
		ck_assert_msg(!any || strcmp(code, names[i].code) == 0, "%s: %s", names[i].name, code);
	}
}
END_TEST

START_TEST(long_and_strange)
{
	char text[2000], code[SOUNDEX_OCTETS + 1];

	memset(text, 'b', sizeof(text));
	ck_assert(!soundex((struct slice){ text, sizeof(text) }, code));
	ck_assert(soundex((struct slice){ text, 1024 }, code));
	ck_assert_str_eq(code, "B000");
	ck_assert(!soundex((struct slice){ "Per\0lin", 7 }, code));
}
END_TEST

UNIT_MAIN("base/soundex", codes, long_and_strange)

/* The texts of all languages, and which language a client means. */
#include <string.h>

#include "addin/pop3/language.h"
#include "base/text.h"
#include "tests/support/unit.h"

static unsigned count_of(const char *text, const char *what)
{
	unsigned n = 0;

	for (const char *p = text; (p = strstr(p, what)) != NULL; p++)
		n++;
	return n;
}

/* A reply line has at most 512 octets, of which names and numbers may take a quarter. */
START_TEST(every_text)
{
	for (unsigned t = 0; t < TEXT_COUNT; t++)
		for (unsigned l = 0; l < LANGUAGES; l++) {
			const char *text = language_text((enum pop3_language)l, (enum pop3_text)t);
			const char *english = language_text(LANGUAGE_DEFAULT, (enum pop3_text)t);

			ck_assert_msg(text != NULL, "text %u has no language %u", t, l);
			ck_assert_msg(text_is_utf8(slice_of(text)) && strlen(text) < 384, "%s", text);
			ck_assert_msg(t == TEXT_NOTHING || (text[0] != '\0' && text[0] != '['), "text %u", t);
			ck_assert_msg(count_of(text, "$1") == count_of(english, "$1") &&
			              count_of(text, "$2") == count_of(english, "$2") &&
			              count_of(text, "$") == count_of(text, "$1") + count_of(text, "$2"), "%s", text);
			for (const char *p = text; *p != '\0'; p++)
				ck_assert_msg((unsigned char)*p >= ' ' && (l == LANGUAGE_DE || (unsigned char)*p < 0x7F),
				              "%s", text);
		}
}
END_TEST

/* What is put in is not looked at again. */
START_TEST(arguments)
{
	struct buf out = BUF_INIT;

	language_say(&out, LANGUAGE_DE, TEXT_HAS_MESSAGES, SLICE_LIT("a$2%s"), SLICE_LIT("3"));
	ck_assert_str_eq(buf_cstr(&out), "a$2%s hat 3 Nachrichten.");
	buf_release(&out);
}
END_TEST

static const struct {
	const char *range;
	bool found;
	enum pop3_language language;
} ranges[] = {
	{ "en", true, LANGUAGE_EN }, { "EN", true, LANGUAGE_EN }, { "de", true, LANGUAGE_DE },
	{ "de-CH-1996", true, LANGUAGE_DE }, { "i-default", true, LANGUAGE_DEFAULT },
	{ "I-Default", true, LANGUAGE_DEFAULT }, { "i", true, LANGUAGE_DEFAULT },
	{ "*", true, LANGUAGE_DE }, { "d", false, LANGUAGE_DEFAULT }, { "deu", false, LANGUAGE_DEFAULT },
	{ "i-def", true, LANGUAGE_DEFAULT }, { "fr", false, LANGUAGE_DEFAULT },
	{ "x-de", false, LANGUAGE_DEFAULT }, { "-", false, LANGUAGE_DEFAULT },
	{ "*-de", false, LANGUAGE_DEFAULT }, { "-de", false, LANGUAGE_DEFAULT }, { "", false, LANGUAGE_DEFAULT },
};

START_TEST(every_range)
{
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		enum pop3_language language = LANGUAGE_EN;
		bool found = language_find(slice_of(ranges[i].range), LANGUAGE_DE, &language);

		ck_assert_msg(found == ranges[i].found, "%s", ranges[i].range);
		ck_assert_msg(language == (found ? ranges[i].language : LANGUAGE_EN), "%s", ranges[i].range);
	}
}
END_TEST

UNIT_MAIN("language", every_text, arguments, every_range)

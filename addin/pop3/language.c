/* The table of texts, and which language a client means. Distrusts the range it sends. */
#include "addin/pop3/language.h"

#include <string.h>

#define POP3_TEXT_LINE(name, english, german) \
	[TEXT_##name] = { [LANGUAGE_DEFAULT] = english, [LANGUAGE_EN] = english, [LANGUAGE_DE] = german },
static const char *const texts[TEXT_COUNT][LANGUAGES] = { POP3_TEXTS(POP3_TEXT_LINE) };

static const struct {
	const char *tag, *name;
} languages[LANGUAGES] = {
	[LANGUAGE_DEFAULT] = { "i-default", "" },
	[LANGUAGE_EN] = { "en", "English" },
	[LANGUAGE_DE] = { "de", "Deutsch" },
};

const char *language_text(enum pop3_language in, enum pop3_text text)
{
	return texts[text][in];
}

void language_say(struct buf *out, enum pop3_language in, enum pop3_text text,
                  struct slice first, struct slice second)
{
	const char *p = language_text(in, text), *dollar;

	while ((dollar = strchr(p, '$')) != NULL) {
		buf_add(out, p, (size_t)(dollar - p));
		buf_add_slice(out, dollar[1] == '1' ? first : second);
		p = dollar + 2;
	}
	buf_add_str(out, p);
}

const char *language_tag(enum pop3_language language)
{
	return languages[language].tag;
}

const char *language_name(enum pop3_language language)
{
	return languages[language].name;
}

/* range is tag, or tag begins with its subtags. */
static bool matches(struct slice range, const char *tag)
{
	struct slice begin = slice_of(tag);

	if (begin.n < range.n || (begin.n > range.n && begin.p[range.n] != '-'))
		return false;
	begin.n = range.n;
	return slice_equal_nocase(range, begin);
}

bool language_find(struct slice range, enum pop3_language preferred, enum pop3_language *language_r)
{
	if (slice_equal(range, SLICE_LIT("*"))) {
		*language_r = preferred;
		return true;
	}
	while (range.n > 0) {
		for (unsigned i = 0; i < LANGUAGES; i++)
			if (matches(range, languages[i].tag)) {
				*language_r = (enum pop3_language)i;
				return true;
			}
		do
			range.n--;
		while (range.n > 0 && range.p[range.n] != '-');
	}
	return false;
}

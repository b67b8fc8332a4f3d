/*
 * Soundex as in Knuth, volume 3: letters that sound alike have one digit; of neighbours
 * with the same digit one counts, also where only h or w stands between, but not across a
 * vowel. Names are distrusted.
 */
#include "base/soundex.h"

#include <string.h>

#include "base/text.h"

#include "base/banned.h"

#define TEXT_OCTETS_MAX 1024    /* of a name more is never looked at */

/* For each letter: its digit, '0' for vowels, '-' for h and w. */
static const char digits[] = "01230120022455012623010202";
static const char silent[] = "hw";

static void add_letter(char letter, char code[SOUNDEX_OCTETS + 1], size_t *n, char *last)
{
	char digit = digits[letter - 'a'];

	if (*n == 0)
		code[(*n)++] = (char)(letter - 'a' + 'A');
	else if (strchr(silent, letter) != NULL)
		return;
	else if (digit != '0' && digit != *last)
		code[(*n)++] = digit;
	*last = digit;
}

bool soundex(struct slice text, char code[SOUNDEX_OCTETS + 1])
{
	struct buf plain = BUF_INIT;
	size_t n = 0;
	char last = '0';

	text = text_trim(text);
	memset(code, '0', SOUNDEX_OCTETS);
	code[SOUNDEX_OCTETS] = '\0';
	if (text.n <= TEXT_OCTETS_MAX && text_fold_plain(text, &plain) == NOERROR)
		for (size_t i = 0; i < plain.n && plain.p[i] != ' ' && n < SOUNDEX_OCTETS; i++)
			if (plain.p[i] >= 'a' && plain.p[i] <= 'z')
				add_letter(plain.p[i], code, &n, &last);
	buf_release(&plain);
	return n > 0;
}

/* Paths and parameters. The text is a stranger's: of any form, without controls. */
#include "addin/lmtp/argument.h"

#include <string.h>

#include "base/text.h"

static bool take_word(struct slice *text, const char *word)
{
	size_t n = strlen(word);

	if (text->n < n || !slice_equal_nocase((struct slice){ text->p, n }, slice_of(word)))
		return false;
	text->p += n;
	text->n -= n;
	return true;
}

static void take_blanks(struct slice *text)
{
	while (text->n > 0 && text->p[0] == ' ') {
		text->p++;
		text->n--;
	}
}

/* Where the path ends: the first `>` outside quotes. false: nowhere. */
static bool find_end(struct slice text, size_t *end_r)
{
	bool quoted = false;

	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '\\' && quoted) {
			i++;
		} else if (text.p[i] == '"') {
			quoted = !quoted;
		} else if (text.p[i] == '>' && !quoted) {
			*end_r = i;
			return true;
		}
	}
	return false;
}

/* RFC 5321, appendix C: `@a,@b:` before an address is passed over. */
static struct slice without_route(struct slice path)
{
	const char *colon = path.n > 0 && path.p[0] == '@' ? memchr(path.p, ':', path.n) : NULL;
	size_t n = colon != NULL ? (size_t)(colon + 1 - path.p) : 0;

	return (struct slice){ path.p + n, path.n - n };
}

static bool is_ascii(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] > 0x7E)
			return false;
	return true;
}

/* Blanks and brackets stand within quotes only; something stands on both sides of the last `@`. */
static bool is_address(struct slice s)
{
	bool quoted = false;
	size_t at = s.n;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '\\' && quoted)
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == ' ' || c == '<' || c == '>'))
			return false;
		else if (!quoted && c == '@')
			at = i;
	}
	return !quoted && s.n > 0 && s.n <= ARGUMENT_ADDRESS_OCTETS && at != 0 && at + 1 != s.n &&
	       text_is_utf8(s);
}

static enum argument_fault take_size(struct slice value, struct argument *a)
{
	if (a->has_size || value.n == 0)
		return ARGUMENT_SYNTAX;
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] < '0' || value.p[i] > '9')
			return ARGUMENT_SYNTAX;
	a->has_size = true;
	if (value.n > 20 || !text_number(value, UINT64_MAX, &a->size))
		a->size = UINT64_MAX;
	return ARGUMENT_GOOD;
}

static enum argument_fault take_body(struct slice value, struct argument *a)
{
	if (slice_equal_nocase(value, SLICE_LIT("8BITMIME")))
		a->eight_bit = true;
	else if (!slice_equal_nocase(value, SLICE_LIT("7BIT")))
		return ARGUMENT_UNKNOWN;
	return ARGUMENT_GOOD;
}

static enum argument_fault take_parameter(struct slice name, struct slice value, bool has_value,
                                          struct argument *a)
{
	if (slice_equal_nocase(name, SLICE_LIT("SIZE")))
		return take_size(value, a);
	if (slice_equal_nocase(name, SLICE_LIT("BODY")))
		return take_body(value, a);
	if (!slice_equal_nocase(name, SLICE_LIT("SMTPUTF8")))
		return ARGUMENT_UNKNOWN;
	a->smtputf8 = true;
	return has_value ? ARGUMENT_SYNTAX : ARGUMENT_GOOD;
}

static enum argument_fault take_parameters(struct slice text, bool mail, struct argument *a)
{
	enum argument_fault fault = ARGUMENT_GOOD;

	while (text.n > 0 && fault == ARGUMENT_GOOD) {
		const char *space, *equal;
		struct slice word;

		if (text.p[0] != ' ')
			return ARGUMENT_SYNTAX;
		take_blanks(&text);
		if (text.n == 0)
			break;
		if (!mail)
			return ARGUMENT_UNKNOWN;
		space = memchr(text.p, ' ', text.n);
		word = (struct slice){ text.p, space != NULL ? (size_t)(space - text.p) : text.n };
		equal = memchr(word.p, '=', word.n);
		text = (struct slice){ text.p + word.n, text.n - word.n };
		if (equal == NULL)
			fault = take_parameter(word, (struct slice){ "", 0 }, false, a);
		else
			fault = take_parameter((struct slice){ word.p, (size_t)(equal - word.p) },
			                       (struct slice){ equal + 1, word.n - (size_t)(equal + 1 - word.p) },
			                       true, a);
	}
	return fault;
}

enum argument_fault argument_parse(struct slice text, bool mail, bool utf8, struct argument *argument_r)
{
	struct argument a = { .smtputf8 = utf8 };
	enum argument_fault fault;
	size_t end;

	if (!take_word(&text, mail ? "FROM:" : "TO:"))
		return ARGUMENT_SYNTAX;
	take_blanks(&text);     /* many clients put one there */
	if (!take_word(&text, "<") || !find_end(text, &end))
		return ARGUMENT_ADDRESS;
	a.address = without_route((struct slice){ text.p, end });
	if (!is_address(a.address) && !(mail && end == 0))
		return ARGUMENT_ADDRESS;
	fault = take_parameters((struct slice){ text.p + end + 1, text.n - end - 1 }, mail, &a);
	if (fault == ARGUMENT_GOOD && !a.smtputf8 && !is_ascii(a.address))
		fault = ARGUMENT_NEEDS_UTF8;
	*argument_r = a;
	return fault;
}

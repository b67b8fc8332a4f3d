/* From a typed line to its command. Distrusts the line: any octets, any length. */
#include "addin/host/command.h"

#include <string.h>
#include <strings.h>

#include "addin/wire/console.h"
#include "base/text.h"
#include "base/banned.h"

#define CANDIDATES_MAX 64

struct candidates {
	const struct command *list[CANDIDATES_MAX];
	const char *next[CANDIDATES_MAX];       /* the words not matched yet */
	size_t count;
};

static struct slice take_word(struct slice *s)
{
	struct slice word;
	bool quoted = false;

	*s = text_trim(*s);
	word = (struct slice){ s->p, 0 };
	while (s->n > 0 && (quoted || (*s->p != ' ' && *s->p != '\t'))) {
		if (*s->p == '"')
			quoted = !quoted;
		s->p++;
		s->n--;
		word.n++;
	}
	if (word.n >= 2 && word.p[0] == '"' && word.p[word.n - 1] == '"') {
		word.p++;
		word.n -= 2;
	}
	return word;
}

static size_t word_length(const char *words)
{
	return strcspn(words, " ");
}

static const char *behind(const char *words)
{
	const char *p = words + word_length(words);

	return *p == ' ' ? p + 1 : p;
}

/* Keep the candidates whose next word begins with word; if one equals it, only
 * those that equal it. */
static void narrow(struct candidates *c, struct slice word)
{
	bool exact = false;
	size_t kept = 0;

	for (size_t i = 0; i < c->count; i++)
		exact = exact || (word_length(c->next[i]) == word.n
		                  && strncasecmp(c->next[i], word.p, word.n) == 0);
	for (size_t i = 0; i < c->count; i++) {
		size_t n = word_length(c->next[i]);

		if (n < word.n || (exact && n != word.n) || word.n == 0
		    || strncasecmp(c->next[i], word.p, word.n) != 0)
			continue;
		c->list[kept] = c->list[i];
		c->next[kept++] = behind(c->next[i]);
	}
	c->count = kept;
}

/* Do all candidates share the word that was just matched? */
static bool share_first_word(const struct candidates *c)
{
	size_t n = word_length(c->list[0]->words);

	for (size_t i = 1; i < c->count; i++)
		if (word_length(c->list[i]->words) != n
		    || strncmp(c->list[i]->words, c->list[0]->words, n) != 0)
			return false;
	return true;
}

static bool are_one(const struct candidates *c)
{
	for (size_t i = 1; i < c->count; i++)
		if (c->list[i]->function != c->list[0]->function)
			return false;
	return true;
}

static enum command_match find(const struct command *table, struct slice *rest,
                               const struct command **command_r)
{
	struct candidates c = { .count = 0 };

	for (; table->words != NULL && c.count < CANDIDATES_MAX; table++) {
		c.list[c.count] = table;
		c.next[c.count++] = table->words;
	}
	narrow(&c, take_word(rest));
	if (c.count > 0 && !are_one(&c) && !share_first_word(&c))
		return COMMAND_AMBIGUOUS;
	if (c.count > 0 && *c.next[0] != '\0') {
		*rest = text_trim(*rest);
		if (rest->n == 0)
			return COMMAND_INSUFFICIENT;
		narrow(&c, take_word(rest));
	}
	if (c.count == 0)
		return COMMAND_UNKNOWN;
	*command_r = c.list[0];
	return are_one(&c) ? COMMAND_FOUND : COMMAND_AMBIGUOUS;
}

enum command_match command_match(const struct command *table, struct slice line,
                                 struct command_found *found_r)
{
	struct command_found f = { .count = 0 };
	struct slice rest;
	enum command_match match;
	size_t count = 0;

	line = text_trim(line);
	if (line.n == 0)
		return COMMAND_EMPTY;
	if (line.n > CONSOLE_COMMAND_MAX)
		return COMMAND_TOO_LONG;
	match = find(table, &line, &f.command);
	if (match != COMMAND_FOUND)
		return match;
	f.rest = rest = text_trim(line);
	while (rest.n > 0) {
		struct slice word = take_word(&rest);

		if (f.count < COMMAND_ARGS_MAX)
			f.args[f.count++] = word;
		count++;
		rest = text_trim(rest);
	}
	if (count < f.command->least)
		return COMMAND_INSUFFICIENT;
	if (count > f.command->most)
		return COMMAND_TOO_MANY;
	*found_r = f;
	return COMMAND_FOUND;
}

const char *command_match_text(enum command_match match)
{
	switch (match) {
	case COMMAND_UNKNOWN:
		return "Command or option is not recognized";
	case COMMAND_AMBIGUOUS:
		return "Command or option is ambiguous";
	case COMMAND_INSUFFICIENT:
		return "Insufficient arguments.  Enter 'HELP' for the correct syntax.";
	case COMMAND_TOO_MANY:
		return "Too many arguments.  Enter 'HELP' for the correct syntax.";
	case COMMAND_TOO_LONG:
		return "The command line is too long";
	case COMMAND_FOUND:
	case COMMAND_EMPTY:
		break;
	}
	return "";
}

/* The dialogues of tests/e2e/dialogues against the session alone, with a mail
 * store in memory. Their form is told in tests/e2e/README.md; the dialogue given
 * in POSTIL_DIALOGUE (a path) is run alone. */
#include <dirent.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tests/support/pop3drive.h"
#include "tests/support/stores.h"
#include "tests/support/unit.h"

#define CONNECTIONS 4

static char *paths[256];
static int path_count;

struct dialogue {
	const char *path;
	unsigned line;
	size_t piece;
	bool pending;
	struct mail_store *store;
	bool smtputf8;                  /* it was sent with SMTPUTF8 */
	struct buf message;             /* being told; n 0 and !telling: none */
	bool telling, talking, skip;
	struct pop3_session_options options;
	struct drive clients[CONNECTIONS];
	size_t taken[CONNECTIONS];      /* of what was sent */
	bool open[CONNECTIONS];
	unsigned on;
};

__attribute__((format(printf, 2, 3), noreturn))
static void wrong(const struct dialogue *d, const char *format, ...)
{
	struct buf text = BUF_INIT;
	va_list ap;

	va_start(ap, format);
	buf_vaddf(&text, format, ap);
	va_end(ap);
	ck_abort_msg("%s:%u (pieces of %zu): %s", d->path, d->line, d->piece, buf_cstr(&text));
	abort();
}

static int hex(char c)
{
	const char *digits = "0123456789abcdef", *at = c == '\0' ? NULL : strchr(digits, c | 32);

	return at == NULL ? -1 : (int)(at - digits);
}

/* \r \n \t \0 \\ \xNN, and \*COUNT(text) */
static void unescape(struct dialogue *d, const char *p, struct buf *out)
{
	for (; *p != '\0'; p++) {
		if (*p != '\\') {
			buf_add_char(out, *p);
			continue;
		}
		switch (*++p) {
		case 'r': buf_add_char(out, '\r'); break;
		case 'n': buf_add_char(out, '\n'); break;
		case 't': buf_add_char(out, '\t'); break;
		case '0': buf_add_char(out, '\0'); break;
		case '\\': buf_add_char(out, '\\'); break;
		case 'x':
			if (hex(p[1]) < 0 || hex(p[2]) < 0)
				wrong(d, "\\x needs two digits");
			buf_add_char(out, (char)(hex(p[1]) * 16 + hex(p[2])));
			p += 2;
			break;
		case '*': {
			char *end;
			unsigned long count = strtoul(p + 1, &end, 10);
			const char *close = strchr(end, ')');

			if (*end != '(' || close == NULL)
				wrong(d, "\\* needs COUNT(text)");
			while (count-- > 0)
				buf_add(out, end + 1, (size_t)(close - end) - 1);
			p = close;
			break;
		}
		default: wrong(d, "unknown escape");
		}
	}
}

static void message_done(struct dialogue *d)
{
	if (!d->telling)
		return;
	if (d->smtputf8)
		ck_assert_int_eq(store_put_utf8(d->store, DRIVE_PATH, d->message.p, d->message.n), NOERROR);
	else
		ck_assert_int_eq(store_put(d->store, DRIVE_PATH, d->message.p, d->message.n, NULL), NOERROR);
	buf_clear(&d->message);
	d->telling = false;
}

static void connect_client(struct dialogue *d, unsigned n)
{
	message_done(d);
	d->on = n;
	if (d->open[n])
		return;
	d->clients[n] = (struct drive){ .store = d->store, .options = d->options,
		.pending = d->pending };
	drive_open(&d->clients[n]);
	d->taken[n] = 0;
	d->open[n] = true;
}

static struct drive *client(struct dialogue *d)
{
	if (!d->open[d->on])
		connect_client(d, d->on);
	return &d->clients[d->on];
}

static void leave(struct dialogue *d)
{
	if (d->open[d->on])
		drive_close(&d->clients[d->on]);
	d->open[d->on] = false;
}

/* The next line sent, without its CRLF; false: none. */
static bool next_line(struct dialogue *d, struct slice *line_r)
{
	struct drive *c = client(d);
	const char *from = c->out.p + d->taken[d->on];
	size_t left = c->out.n - d->taken[d->on];
	const char *end = left > 0 ? memmem(from, left, "\r\n", 2) : NULL;

	if (end == NULL)
		return false;
	*line_r = (struct slice){ from, (size_t)(end - from) };
	d->taken[d->on] += line_r->n + 2;
	return true;
}

static void expect_line(struct dialogue *d, char how, const char *text)
{
	struct buf want = BUF_INIT;
	struct slice line;
	bool same;

	if (!next_line(d, &line))
		wrong(d, "nothing more was sent");
	if (how == '~') {
		char *got = strndup(line.p, line.n), *whole = NULL;
		regex_t regex;

		ck_assert_int_gt(asprintf(&whole, "^(%s)$", text), 0);
		if (regcomp(&regex, whole, REG_EXTENDED | REG_NOSUB) != 0)
			wrong(d, "bad expression");
		same = regexec(&regex, got, 0, NULL, 0) == 0;
		regfree(&regex);
		free(got);
		free(whole);
	} else {
		if (how == '\\')
			unescape(d, text, &want);
		else
			buf_add_str(&want, text);
		same = slice_equal(line, buf_slice(&want));
	}
	buf_release(&want);
	if (!same)
		wrong(d, "expected [%s], got [%.*s]", text, (int)line.n, line.p);
}

static void expect_close(struct dialogue *d)
{
	struct slice line;

	if (client(d)->next != NET_CLOSE)
		wrong(d, "the session is still open");
	if (next_line(d, &line))
		wrong(d, "more was sent: [%.*s]", (int)line.n, line.p);
	leave(d);
}

static void set_option(struct dialogue *d, const char *text)
{
	const char *value = strchr(text, '=');
	struct slice name = { text, value == NULL ? 0 : (size_t)(value - text) };
	uint64_t number = 0;

	if (value == NULL)
		wrong(d, "set NAME=VALUE");
	text_number(slice_of(value + 1), 1000000, &number);
	if (slice_equal_nocase(name, SLICE_LIT("POP3MarkRead")))
		d->options.mark_read = (unsigned)number;
	else if (slice_equal_nocase(name, SLICE_LIT("POP3_Max_Bad_Commands")))
		d->options.max_bad_commands = (unsigned)number;
	else if (slice_equal_nocase(name, SLICE_LIT("POP3_Max_Failed_Logins")))
		d->options.max_failed_logins = (unsigned)number;
	else if (slice_equal_nocase(name, SLICE_LIT("POP3_Expire")))
		d->options.expire_days = value[1] == '\0' ? -1 : value[1] == 'N' ? -2 : (int)number;
	else if (slice_equal_nocase(name, SLICE_LIT("POP3_Language")))
		ck_assert(language_find(slice_of(value + 1), LANGUAGE_EN, &d->options.preferred));
	else if (slice_equal_nocase(name, SLICE_LIT("POP3_Show_Implementation")))
		d->options.implementation = number != 0 ? "Postil-1.0" : NULL;
	else
		d->skip = true;
}

/* The words of a door; "nothing" is one without any. */
static void read_door(struct dialogue *d, const char *words, struct pop3_door *door)
{
	struct slice rest = slice_of(words);

	*door = (struct pop3_door){ .password = false };
	while (rest.n > 0) {
		const char *space = memchr(rest.p, ' ', rest.n);
		struct slice word = { rest.p, space == NULL ? rest.n : (size_t)(space - rest.p) };

		if (slice_equal(word, SLICE_LIT("password")))
			door->password = true;
		else if (slice_equal(word, SLICE_LIT("certificate")))
			door->certificate = true;
		else if (slice_equal(word, SLICE_LIT("stls")))
			door->stls = true;
		else if (slice_equal(word, SLICE_LIT("stls-first")))
			door->stls = door->stls_first = true;
		else if (!slice_equal(word, SLICE_LIT("nothing")))
			wrong(d, "unknown word of a door");
		rest.p += word.n + (space != NULL);
		rest.n -= word.n + (space != NULL);
	}
}

static void begin_tls(struct dialogue *d, const char *words)
{
	struct pop3_door door;

	if (client(d)->next != NET_START_TLS)
		wrong(d, "the session has not asked for TLS");
	read_door(d, words, &door);
	drive_secure(client(d), &door);
}

static void directive(struct dialogue *d, const char *text)
{
	if (strcmp(text, "message") == 0 || strcmp(text, "message utf8") == 0) {
		message_done(d);
		d->telling = true;
		d->smtputf8 = strcmp(text, "message utf8") == 0;
	} else if (strncmp(text, "set ", 4) == 0) {
		set_option(d, text + 4);
	} else if (strncmp(text, "connect ", 8) == 0 && text[8] >= '1' && text[8] <= '4') {
		connect_client(d, (unsigned)(text[8] - '1'));
	} else if (strcmp(text, "vanish") == 0) {
		leave(d);
	} else if (strncmp(text, "door ", 5) == 0) {
		read_door(d, text + 5, &d->options.door);
	} else if (strncmp(text, "tls ", 4) == 0) {
		begin_tls(d, text + 4);
	} else if (strcmp(text, "only server") == 0) {
		d->skip = true;
	} else if (strcmp(text, "only session") != 0) {
		wrong(d, "unknown directive %s", text);
	}
}

static void say(struct dialogue *d, char how, const char *text)
{
	struct buf octets = BUF_INIT;

	if (how == '\\') {
		unescape(d, text, &octets);
	} else {
		buf_add_str(&octets, text);
		buf_add_str(&octets, "\r\n");
	}
	drive_feed(client(d), buf_slice(&octets), d->piece);
	buf_release(&octets);
}

static void tell(struct dialogue *d, char how, const char *text)
{
	if (!d->telling)
		wrong(d, "no message has begun");
	if (how == '\\') {
		unescape(d, text, &d->message);
		return;
	}
	buf_add_str(&d->message, text);
	buf_add_str(&d->message, "\r\n");
}

static void run_line(struct dialogue *d, char *line)
{
	char who = line[0], how = who == '\0' ? '\0' : line[1];
	char *text = how == '\0' ? line + 1 : line + 2 + (line[2] == ' ');
	struct slice skipped;

	if (who == '\0' || who == '#')
		return;
	if (who == '@' && how == ' ')
		directive(d, line + 2);
	else if (who == 'M' && (how == ':' || how == '\\'))
		tell(d, how, text);
	else if (who == 'C' && (how == ':' || how == '\\'))
		say(d, how, text);
	else if (who == 'S' && (how == ':' || how == '\\' || how == '~'))
		expect_line(d, how, text);
	else if (who == 'S' && how == '!')
		expect_close(d);
	else if (who == 'S' && how == '*')
		do {
			if (!next_line(d, &skipped))
				wrong(d, "no line with a dot alone");
		} while (!slice_equal(skipped, SLICE_LIT(".")));
	else
		wrong(d, "what is this line? %s", line);
}

static void all_read(struct dialogue *d)
{
	struct slice line;

	for (d->on = 0; d->on < CONNECTIONS; d->on++) {
		if (d->open[d->on] && next_line(d, &line))
			wrong(d, "more was sent: [%.*s]", (int)line.n, line.p);
		leave(d);
	}
}

static void run_dialogue(const char *path, size_t piece, bool pending)
{
	struct dialogue d = { .path = path, .piece = piece, .pending = pending };
	FILE *file = fopen(path, "r");
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	ck_assert_msg(file != NULL, "%s: %m", path);
	ck_assert_int_eq(store_memory_new(&d.store), NOERROR);
	ck_assert_int_eq(d.store->calls->create(d.store, DRIVE_PATH, SLICE_LIT("CN=Test"), NULL),
	                 NOERROR);
	drive_options(&d.options);
	while (!d.skip && (n = getline(&line, &room, file)) > 0) {
		d.line++;
		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		run_line(&d, line);
	}
	if (!d.skip)
		all_read(&d);
	buf_release(&d.message);
	free(line);
	fclose(file);
	d.store->calls->free(&d.store);
}

START_TEST(dialogue)
{
	static const size_t pieces[] = { 0, 1, 3 };

	for (size_t i = 0; i < 6; i++)
		run_dialogue(paths[_i], pieces[i / 2], i % 2 == 1);
}
END_TEST

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void find_dialogues(void)
{
	const char *top = getenv("top_srcdir");
	char *dir = NULL;
	struct dirent *entry;
	DIR *d;

	if (getenv("POSTIL_DIALOGUE") != NULL) {
		paths[path_count++] = strdup(getenv("POSTIL_DIALOGUE"));
		return;
	}
	if (asprintf(&dir, "%s/tests/e2e/dialogues", top == NULL ? "." : top) < 0)
		abort();
	d = opendir(dir);
	while (d != NULL && path_count < 256 && (entry = readdir(d)) != NULL)
		if (text_ends_nocase(slice_of(entry->d_name), ".dialog") &&
		    asprintf(&paths[path_count], "%s/%s", dir, entry->d_name) > 0)
			path_count++;
	if (d != NULL)
		closedir(d);
	free(dir);
	qsort(paths, (size_t)path_count, sizeof(paths[0]), by_name);
}

int main(void)
{
	Suite *suite = suite_create("dialogues");
	TCase *tcase = tcase_create("dialogues");
	SRunner *runner = srunner_create(suite);
	int failed, found;

	find_dialogues();
	found = path_count;
	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, dialogue, 0, path_count);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	while (path_count > 0)
		free(paths[--path_count]);
	return failed != 0 || found == 0;
}

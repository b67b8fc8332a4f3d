/* The dialogues of tests/e2e/lmtp against the session alone, with mail files and directory in
 * memory. Their form is told in tests/e2e/README.md; the dialogue given in POSTIL_DIALOGUE (a
 * path) is run alone. */
#include <dirent.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tests/support/lmtpdrive.h"
#include "tests/support/stores.h"
#include "tests/support/unit.h"

static char *paths[256];
static int path_count;

struct dialogue {
	const char *path;
	unsigned line;
	size_t piece;
	bool skip, open;
	struct lmtp_drive drive;
	size_t taken;                   /* of what was sent */
	char file[64];                  /* whose content is told; "": none */
	struct buf content;
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

static const char *repeat(struct dialogue *d, const char *p, struct buf *out)
{
	char *end;
	unsigned long count = strtoul(p, &end, 10);
	const char *close = strchr(end, ')');

	if (*end != '(' || close == NULL)
		wrong(d, "\\* needs COUNT(text)");
	while (count-- > 0)
		buf_add(out, end + 1, (size_t)(close - end) - 1);
	return close;
}

/* \r \n \t \0 \\ \xNN, and \*COUNT(text) */
static void unescape(struct dialogue *d, const char *p, struct buf *out)
{
	static const char names[] = "rnt0\\", octets[] = "\r\n\t\0\\";

	for (; *p != '\0'; p++) {
		const char *simple;

		if (*p != '\\') {
			buf_add_char(out, *p);
			continue;
		}
		p++;
		simple = *p == '\0' ? NULL : strchr(names, *p);
		if (simple != NULL) {
			buf_add_char(out, octets[simple - names]);
		} else if (*p == 'x' && hex(p[1]) >= 0 && hex(p[2]) >= 0) {
			buf_add_char(out, (char)(hex(p[1]) * 16 + hex(p[2])));
			p += 2;
		} else if (*p == '*') {
			p = repeat(d, p + 1, out);
		} else {
			wrong(d, "unknown escape");
		}
	}
}

static void file_done(struct dialogue *d)
{
	char path[100], *was;

	if (d->file[0] == '\0')
		return;
	snprintf(path, sizeof(path), "mail/%s.nsf", d->file);
	was = lmtp_drive_content(d->drive.store, path);
	if (strcmp(was, "none") == 0)
		was[0] = '\0';
	if (strcmp(was, buf_cstr(&d->content)) != 0 && memchr(d->content.p, '\0', d->content.n) == NULL)
		wrong(d, "%s holds [%s], not [%s]", path, was, buf_cstr(&d->content));
	if (d->content.n > 0 && memcmp(was, d->content.p, d->content.n) != 0)
		wrong(d, "%s holds other octets", path);
	free(was);
	buf_clear(&d->content);
	d->file[0] = '\0';
}

static void connect_client(struct dialogue *d)
{
	if (!d->open)
		lmtp_drive_open(&d->drive);
	d->open = true;
}

static bool next_line(struct dialogue *d, struct slice *line_r)
{
	const char *from, *end;
	size_t left;

	connect_client(d);
	from = d->drive.out.p + d->taken;
	left = d->drive.out.n - d->taken;
	end = left > 0 ? memmem(from, left, "\r\n", 2) : NULL;
	if (end == NULL)
		return false;
	*line_r = (struct slice){ from, (size_t)(end - from) };
	d->taken += line_r->n + 2;
	return true;
}

static bool matches(struct dialogue *d, struct slice line, const char *text)
{
	char *got = strndup(line.p, line.n), *whole = NULL;
	regex_t regex;
	bool same;

	ck_assert_int_gt(asprintf(&whole, "^(%s)$", text), 0);
	if (regcomp(&regex, whole, REG_EXTENDED | REG_NOSUB) != 0)
		wrong(d, "bad expression");
	same = regexec(&regex, got, 0, NULL, 0) == 0;
	regfree(&regex);
	free(got);
	free(whole);
	return same;
}

static void expect_line(struct dialogue *d, char how, const char *text)
{
	struct slice line;

	if (!next_line(d, &line))
		wrong(d, "nothing more was sent, wanted: %s", text);
	if (how == '~' ? !matches(d, line, text) : !slice_equal(line, slice_of(text)))
		wrong(d, "expected [%s], got [%.*s]", text, (int)line.n, line.p);
}

static void expect_close(struct dialogue *d)
{
	struct slice line;

	if (next_line(d, &line))
		wrong(d, "more was sent: [%.*s]", (int)line.n, line.p);
	if (d->drive.next != NET_CLOSE)
		wrong(d, "the session is still open");
}

static void set_option(struct dialogue *d, const char *text)
{
	const char *value = strchr(text, '=');
	struct slice name = { text, value == NULL ? 0 : (size_t)(value - text) };
	uint64_t number = 0;

	if (value == NULL || !text_number(slice_of(value + 1), 1000000, &number))
		wrong(d, "set NAME=VALUE");
	lmtp_drive_options(&d->drive.options);
	if (slice_equal(name, SLICE_LIT("LMTP_Max_Bad_Commands")))
		d->drive.options.max_bad_commands = (unsigned)number;
	else if (slice_equal(name, SLICE_LIT("LMTP_Max_Message_KB")))
		d->drive.options.max_octets = number * 1024;
	else if (slice_equal(name, SLICE_LIT("LMTP_Max_Recipients")))
		d->drive.options.max_recipients = (unsigned)number;
	else
		d->skip = true;
}

static void directive(struct dialogue *d, const char *text)
{
	if (strncmp(text, "file ", 5) == 0) {
		file_done(d);
		snprintf(d->file, sizeof(d->file), "%s", text + 5);
	} else if (strncmp(text, "set ", 4) == 0) {
		set_option(d, text + 4);
	} else if (strcmp(text, "only server") == 0) {
		d->skip = true;
	} else {
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
	connect_client(d);
	lmtp_drive_feed(&d->drive, buf_slice(&octets), d->piece);
	buf_release(&octets);
}

static void run_line(struct dialogue *d, char *line)
{
	char who = line[0], how = who == '\0' ? '\0' : line[1];
	char *text = how == '\0' ? line + 1 : line + 2 + (line[2] == ' ');

	if (who == '\0' || who == '#')
		return;
	if (who == '@' && how == ' ')
		directive(d, line + 2);
	else if (who == 'M' && how == '\\')
		unescape(d, text, &d->content);
	else if (who == 'M' && how == ':')
		buf_addf(&d->content, "%s\r\n", text);
	else if (who == 'C' && (how == ':' || how == '\\'))
		say(d, how, text);
	else if (who == 'S' && (how == ':' || how == '~'))
		expect_line(d, how, text);
	else if (who == 'S' && how == '!')
		expect_close(d);
	else
		wrong(d, "what is this line? %s", line);
}

static void run_dialogue(const char *path, size_t piece, bool pending)
{
	struct dialogue d = { .path = path, .piece = piece, .drive = { .pending = pending } };
	char *line = NULL;
	size_t room = 0;
	ssize_t n;
	FILE *file = fopen(path, "r");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(store_memory_new(&d.drive.store), NOERROR);
	while (!d.skip && (n = getline(&line, &room, file)) >= 0) {
		d.line++;
		if (n > 0 && line[n - 1] == '\n')
			line[n - 1] = '\0';
		run_line(&d, line);
	}
	file_done(&d);
	if (d.open && !d.skip) {
		struct slice more;

		if (next_line(&d, &more))
			wrong(&d, "more was sent: [%.*s]", (int)more.n, more.p);
	}
	if (d.open)
		lmtp_drive_close(&d.drive);
	d.drive.store->calls->free(&d.drive.store);
	buf_release(&d.content);
	free(line);
	fclose(file);
}

START_TEST(dialogue)
{
	static const size_t pieces[] = { 0, 1, 7 };

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
		for (int pending = 0; pending < 2; pending++)
			run_dialogue(paths[_i], pieces[i], pending != 0);
}
END_TEST

static void find_dialogues(void)
{
	const char *top = getenv("top_srcdir"), *alone = getenv("POSTIL_DIALOGUE");
	char folder[4096];
	struct dirent *entry;
	DIR *dir;

	if (alone != NULL) {
		paths[path_count++] = strdup(alone);
		return;
	}
	snprintf(folder, sizeof(folder), "%s/tests/e2e/lmtp", top != NULL ? top : ".");
	dir = opendir(folder);
	while (dir != NULL && path_count < 256 && (entry = readdir(dir)) != NULL)
		if (text_ends_nocase(slice_of(entry->d_name), ".dialog") &&
		    asprintf(&paths[path_count], "%s/%s", folder, entry->d_name) > 0)
			path_count++;
	if (dir != NULL)
		closedir(dir);
}

int main(void)
{
	Suite *suite = suite_create("dialogues");
	TCase *tcase = tcase_create("dialogues");
	SRunner *runner;
	int failed;

	find_dialogues();
	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, dialogue, 0, path_count);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	for (int i = 0; i < path_count; i++)
		free(paths[i]);
	return path_count > 0 && failed == 0 ? 0 : 1;
}

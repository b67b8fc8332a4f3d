/* Log lines: their look, their safety, the file and its generations. */
#include "addin/host/logfile.h"
#include "addin/host/logformat.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/unit.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define WHEN 1769860805123      /* 2026-01-31 12:00:05.123 UTC */

static struct log_style style_of(const char *text)
{
	struct log_style style;
	struct ini *ini = NULL;

	ck_assert_int_eq(ini_parse(slice_of(text), &ini), NOERROR);
	log_style_read(&style, ini);
	ini_free(&ini);
	return style;
}

static void assert_line(const char *ini, int64_t when, const char *expected)
{
	struct log_style style = style_of(ini);
	struct log_record record = { when, "pop3", 42, 0, SLICE_LIT("POP3 Server: Started\n") };
	struct buf out = BUF_INIT;

	log_format_text(&style, &record, &out);
	ck_assert_str_eq(buf_cstr(&out), expected);
	buf_release(&out);
}

START_TEST(looks)
{
	setenv("TZ", "UTC", 1);
	tzset();
	assert_line("", WHEN, "01/31/2026 12:00:05 PM  POP3 Server: Started");
	assert_line("", WHEN - 12 * 3600000, "01/31/2026 12:00:05 AM  POP3 Server: Started");
	assert_line("", WHEN + 3600000, "01/31/2026 01:00:05 PM  POP3 Server: Started");
	assert_line("ClockType=24_Hour\n", WHEN + 3600000, "01/31/2026 13:00:05  POP3 Server: Started");
	assert_line("DateOrder=dmy\nDateSeparator=.\nClockType=24_Hour\n", WHEN,
	            "31.01.2026 12:00:05  POP3 Server: Started");
	assert_line("DateOrder=YMD\nDateSeparator=-\nTimeSeparator=.\n", WHEN,
	            "2026-01-31 12.00.05 PM  POP3 Server: Started");
	assert_line("DateOrder=XYZ\nDateSeparator=ab\nTimeSeparator=%\nClockType=12\n", WHEN,
	            "01/31/2026 12:00:05 PM  POP3 Server: Started");
	assert_line("DEBUG_THREADID=1\n", WHEN,
	            "[000042:000000] 01/31/2026 12:00:05 PM  POP3 Server: Started");
}
END_TEST

static const struct {
	const char *text;
	size_t n;
	const char *shown, *json;
} hostile[] = {
	{ "plain", 5, "plain", "\"plain\"" },
	{ "end\r\n", 5, "end", "\"end\"" },
	{ "a\033[2Jb", 6, "a\\x1B[2Jb", "\"a\\u001B[2Jb\"" },
	{ "a\0b", 3, "a\\x00b", "\"a\\u0000b\"" },
	{ "tab\there", 8, "tab here", "\"tab\\u0009here\"" },
	{ "quote\" \\", 8, "quote\" \\", "\"quote\\\" \\\\\"" },
	{ "two\nlines", 9, "two\n    lines", "\"two\\nlines\"" },
	{ "\x7F", 1, "\\x7F", "\"\\u007F\"" },
	{ "\xC3\xBC", 2, "\xC3\xBC", "\"\xC3\xBC\"" },
	{ "\xC2\x9B", 2, "\\xC2\\x9B", "\"\\u009B\"" },
	{ "\xFF", 1, "\\xFF", "\"\\\\xFF\"" },
	{ "\xC3", 1, "\\xC3", "\"\\\\xC3\"" },
	{ "\xC0\x80", 2, "\\xC0\\x80", "\"\\\\xC0\\\\x80\"" },
	{ "\xED\xA0\x80", 3, "\\xED\\xA0\\x80", "\"\\\\xED\\\\xA0\\\\x80\"" },
	{ "\xF4\x90\x80\x80", 4, "\\xF4\\x90\\x80\\x80", "\"\\\\xF4\\\\x90\\\\x80\\\\x80\"" },
	{ "\xE2\x80\xAE", 3, "\\xE2\\x80\\xAE", "\"\\u202E\"" },
	{ "\xF0\x9F\x93\xA7", 4, "\xF0\x9F\x93\xA7", "\"\xF0\x9F\x93\xA7\"" },
	{ "", 0, "", "\"\"" },
};

START_TEST(hostile_text)
{
	struct buf out = BUF_INIT;
	char expected[256];

	for (size_t i = 0; i < COUNT(hostile); i++) {
		struct slice text = { hostile[i].text, hostile[i].n };
		struct log_record record = { WHEN, "pop3", 42, 3, text };

		buf_clear(&out);
		log_show_text(text, &out);
		ck_assert_str_eq(buf_cstr(&out), hostile[i].shown);
		buf_clear(&out);
		log_format_json(&record, &out);
		snprintf(expected, sizeof(expected), "{\"time\":\"2026-01-31T12:00:05.123Z\","
		         "\"task\":\"pop3\",\"pid\":42,\"thread\":3,\"text\":%s}", hostile[i].json);
		ck_assert_str_eq(buf_cstr(&out), expected);
	}
	buf_release(&out);
}
END_TEST

static char *path_in(const char *dir, const char *name)
{
	char *path;

	ck_assert_int_ge(asprintf(&path, "%s/%s", dir, name), 0);
	return path;
}

static long size_in(const char *dir, const char *name)
{
	char *path = path_in(dir, name);
	struct stat st;
	long size = stat(path, &st) == 0 ? (long)st.st_size : -1;

	free(path);
	return size;
}

START_TEST(file_is_rotated)
{
	char *dir = unit_tempdir(), lines[600];
	struct log_file file;

	memset(lines, 'x', sizeof(lines));
	for (size_t i = 99; i < sizeof(lines); i += 100)
		lines[i] = '\n';
	ck_assert_int_eq(log_file_init(&file, dir), NOERROR);
	log_file_limits(&file, 1, 2);
	log_file_write(&file, (struct slice){ lines, 600 });
	ck_assert_int_eq(size_in(dir, "console.log"), 600);
	log_file_write(&file, (struct slice){ lines, 600 });
	ck_assert_int_eq(size_in(dir, "console.log"), 600);
	ck_assert_int_eq(size_in(dir, "console.log.1"), 600);
	for (int i = 0; i < 5; i++)
		log_file_write(&file, (struct slice){ lines, 600 });
	ck_assert_int_eq(size_in(dir, "console.log.2"), 600);
	ck_assert_int_eq(size_in(dir, "console.log.3"), -1);
	log_file_release(&file);
	unit_tempdir_remove(&dir);
}
END_TEST

START_TEST(a_batch_larger_than_the_limit_is_cut_at_lines)
{
	static char lines[5000];
	char *dir = unit_tempdir();
	struct log_file file;

	memset(lines, 'x', sizeof(lines));
	for (size_t i = 99; i < sizeof(lines); i += 100)
		lines[i] = '\n';
	ck_assert_int_eq(log_file_init(&file, dir), NOERROR);
	log_file_limits(&file, 1, 9);
	log_file_write(&file, (struct slice){ lines, sizeof(lines) });
	ck_assert_int_eq(file.error, 0);
	ck_assert_int_eq(size_in(dir, "console.log.4"), 1000);
	ck_assert_int_eq(size_in(dir, "console.log"), 1000);
	ck_assert_int_eq(size_in(dir, "console.log.5"), -1);
	log_file_release(&file);
	unit_tempdir_remove(&dir);
}
END_TEST

START_TEST(file_trouble_is_counted)
{
	char *dir = unit_tempdir(), *path = path_in(dir, "console.log");
	struct log_file file;

	ck_assert_int_eq(log_file_init(&file, dir), NOERROR);
	log_file_write(&file, SLICE_LIT("one\n"));
	ck_assert_int_eq(unlink(path), 0);                      /* removed by someone */
	log_file_write(&file, SLICE_LIT("two\n"));
	ck_assert_int_eq(size_in(dir, "console.log"), 4);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(symlink("/dev/full", path), 0);        /* not followed */
	log_file_write(&file, SLICE_LIT("three\nfour\n"));
	ck_assert_int_ne(file.error, 0);
	ck_assert_uint_eq(file.lost, 2);
	ck_assert_int_eq(unlink(path), 0);
	log_file_write(&file, SLICE_LIT("five\n"));
	ck_assert_int_eq(file.error, 0);
	ck_assert_int_eq(size_in(dir, "console.log"), 5);
	log_file_release(&file);
	free(path);
	unit_tempdir_remove(&dir);
}
END_TEST

UNIT_MAIN("log", looks, hostile_text, file_is_rotated,
          a_batch_larger_than_the_limit_is_cut_at_lines, file_trouble_is_counted)

/* notes.ini: reading, changing, writing. */
#include "base/ini.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/unit.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char sample[] =
	"[Notes]\r\n"
	"; kept as it is\r\n"
	"ServerName=CN=Mail/O=Acme\r\n"
	"  POP3_Timeout =  600 \r\n"
	"\r\n"
	"ServerTasks=pop3\n"
	"Blank=\n"
	"servertasks=second line loses\n"
	"Negative=-7\n"
	"NotANumber=12x\n"
	"Last=no line end";

static struct ini *parse(const char *text)
{
	struct ini *ini = NULL;

	ck_assert_int_eq(ini_parse(slice_of(text), &ini), NOERROR);
	return ini;
}

static char *join(const char *dir, const char *name)
{
	char *path;

	ck_assert_int_ge(asprintf(&path, "%s/%s", dir, name), 0);
	return path;
}

static void write_text(const char *path, struct slice text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text.p, text.n), (ssize_t)text.n);
	close(fd);
}

static void assert_text(const char *path, const char *expected)
{
	char text[4096] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_ge(read(fd, text, sizeof(text) - 1), 0);
	close(fd);
	ck_assert_str_eq(text, expected);
}

START_TEST(get)
{
	struct ini *ini = parse(sample);

	ck_assert_str_eq(ini_get(ini, "SERVERNAME"), "CN=Mail/O=Acme");
	ck_assert_str_eq(ini_get(ini, "ServerTasks"), "pop3");
	ck_assert_str_eq(ini_get(ini, "last"), "no line end");
	ck_assert_ptr_null(ini_get(ini, "Blank"));
	ck_assert_ptr_null(ini_get(ini, "Absent"));
	ck_assert_ptr_null(ini_get(ini, "; kept as it is"));
	ck_assert_int_eq(ini_get_number(ini, "pop3_timeout", 1), 600);
	ck_assert_int_eq(ini_get_number(ini, "Negative", 1), -7);
	ck_assert_int_eq(ini_get_number(ini, "NotANumber", 17), 17);
	ck_assert_int_eq(ini_get_number(ini, "Absent", 18), 18);
	ini_free(&ini);
	ck_assert_ptr_null(ini);
}
END_TEST

START_TEST(texts_that_are_refused)
{
	struct ini *ini = NULL;
	char *large = malloc((1 << 20) + 1);

	ck_assert_ptr_nonnull(large);
	memset(large, 'x', (1 << 20) + 1);
	ck_assert_int_eq(ini_parse(SLICE_LIT("a=b\0c"), &ini), POSTIL_ERR_SYNTAX);
	ck_assert_int_eq(ini_parse((struct slice){ large, (1 << 20) + 1 }, &ini), POSTIL_ERR_TOO_LONG);
	ck_assert_ptr_null(ini);
	ck_assert_int_eq(ini_parse((struct slice){ large, 1 << 20 }, &ini), NOERROR);
	ini_free(&ini);
	ck_assert_int_eq(ini_parse(slice_of(NULL), &ini), NOERROR);
	ck_assert_ptr_null(ini_get(ini, "x"));
	ini_free(&ini);
	free(large);
}
END_TEST

START_TEST(set)
{
	static const struct {
		const char *name, *value;
	} bad[] = {
		{ "", "x" }, { "a=b", "x" }, { " a", "x" }, { "a\n", "x" }, { "a", "x\ny=z" },
		{ "a", "x\ry" }, { ";a", "x" }, { "#a", "x" }, { "[a]", "x" },
	};
	struct ini *ini = parse(sample);

	ck_assert_int_eq(ini_set(ini, "SERVERTASKS", " pop3,hello "), NOERROR);
	ck_assert_str_eq(ini_get(ini, "ServerTasks"), "pop3,hello");
	ck_assert_int_eq(ini_set(ini, "ServerTasks", ""), NOERROR);
	ck_assert_ptr_null(ini_get(ini, "ServerTasks"));        /* the second line went too */
	ck_assert_int_eq(ini_set(ini, "New", "1"), NOERROR);
	ck_assert_str_eq(ini_get(ini, "new"), "1");
	ck_assert_int_eq(ini_set(ini, "New", NULL), NOERROR);
	ck_assert_ptr_null(ini_get(ini, "New"));
	for (size_t i = 0; i < COUNT(bad); i++)
		ck_assert_msg(ini_set(ini, bad[i].name, bad[i].value) == POSTIL_ERR_INVALID,
		              "case %zu", i);
	ini_free(&ini);
}
END_TEST

static bool collect(void *context, const char *name, const char *value)
{
	struct buf *out = context;

	buf_addf(out, "%s=%s;", name, value);
	return strcmp(name, "Blank") != 0;
}

START_TEST(each_in_file_order_until_stopped)
{
	struct ini *ini = parse(sample);
	struct buf out = BUF_INIT;

	ini_each(ini, collect, &out);
	ck_assert_str_eq(buf_cstr(&out),
	                 "ServerName=CN=Mail/O=Acme;POP3_Timeout=600;ServerTasks=pop3;Blank=;");
	buf_release(&out);
	ini_free(&ini);
}
END_TEST

START_TEST(write_keeps_order_mode_and_links)
{
	char *dir = unit_tempdir(), *path = join(dir, "notes.ini"), *link = join(dir, "link.ini");
	struct ini *ini = NULL;
	struct stat st;

	write_text(path, SLICE_LIT("[Notes]\nB=2\n; c\nA=1\nB=3\n"), 0640);
	ck_assert_int_eq(symlink("notes.ini", link), 0);
	ck_assert_int_eq(ini_read(link, &ini, NULL), NOERROR);
	ck_assert_int_eq(ini_set(ini, "b", "4"), NOERROR);
	ck_assert_int_eq(ini_set(ini, "C", "5"), NOERROR);
	ck_assert_int_eq(ini_write(ini, link, NULL), NOERROR);
	assert_text(path, "[Notes]\nB=4\n; c\nA=1\nC=5\n");
	ck_assert_int_eq(lstat(link, &st), 0);
	ck_assert(S_ISLNK(st.st_mode));
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0640);
	ini_free(&ini);
	free(link);
	free(path);
	unit_tempdir_remove(&dir);
}
END_TEST

static size_t files_in(const char *dir)
{
	DIR *d = opendir(dir);
	size_t count = 0;

	ck_assert_ptr_nonnull(d);
	while (readdir(d) != NULL)
		count++;
	closedir(d);
	return count - 2;
}

START_TEST(failures_name_the_file_and_leave_nothing)
{
	char *dir = unit_tempdir(), *path = join(dir, "notes.ini"), *bad = join(dir, "no/notes.ini");
	struct ini *ini = NULL;
	struct fault fault = { NOERROR, "" };

	ck_assert_int_eq(ini_read(path, &ini, &fault), POSTIL_ERR_NOEXIST);
	ck_assert_ptr_nonnull(strstr(fault.text, path));
	ck_assert_int_eq(ini_read(dir, &ini, &fault), POSTIL_ERR_INVALID);
	write_text(path, SLICE_LIT("a=\0"), 0600);
	ck_assert_int_eq(ini_read(path, &ini, &fault), POSTIL_ERR_SYNTAX);
	ck_assert_ptr_nonnull(strstr(fault.text, path));
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(ini_read(path, &ini, &fault), POSTIL_ERR_INVALID);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_ptr_null(ini);

	ini = parse("a=b\n");
	ck_assert_int_eq(ini_write(ini, bad, &fault), POSTIL_ERR_NOEXIST);
	ck_assert_ptr_nonnull(strstr(fault.text, bad));
	ck_assert_int_eq(mkdir(path, 0700), 0);         /* a directory in the file's place */
	ck_assert_int_eq(ini_write(ini, path, &fault), POSTIL_ERR_IO);
	ck_assert_uint_eq(files_in(dir), 1);
	ini_free(&ini);
	free(bad);
	free(path);
	unit_tempdir_remove(&dir);
}
END_TEST

UNIT_MAIN("ini", get, texts_that_are_refused, set, each_in_file_order_until_stopped,
          write_keeps_order_mode_and_links, failures_name_the_file_and_leave_nothing)

/* Words of a command, programs by name, lines of a stream, the rate limit, the loop. */
#include "addin/host/program.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "addin/host/lines.h"
#include "base/clock.h"
#include "tests/support/unit.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

START_TEST(words)
{
	char **argv = NULL;

	ck_assert_int_eq(program_args(SLICE_LIT("  pop3  -p \"two words\" a\"b\"c \"\""), &argv),
	                 NOERROR);
	ck_assert_str_eq(argv[0], "pop3");
	ck_assert_str_eq(argv[1], "-p");
	ck_assert_str_eq(argv[2], "two words");
	ck_assert_str_eq(argv[3], "abc");
	ck_assert_str_eq(argv[4], "");
	ck_assert_ptr_null(argv[5]);
	program_args_free(&argv);
	ck_assert_ptr_null(argv);
	ck_assert_int_eq(program_args(SLICE_LIT("   "), &argv), POSTIL_ERR_INVALID);
	ck_assert_int_eq(program_args(SLICE_LIT("\"\" x"), &argv), POSTIL_ERR_INVALID);
	ck_assert_int_eq(program_args(SLICE_LIT("x \"open"), &argv), POSTIL_ERR_INVALID);
	ck_assert_ptr_null(argv);
}
END_TEST

static void make_file(const char *dir, const char *name, mode_t mode)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, mode);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

START_TEST(programs)
{
	static const struct {
		const char *name;
		STATUS status;
	} names[] = {
		{ "pop3", NOERROR }, { "POP3", NOERROR }, { "Mixed", NOERROR },
		{ "mixed", POSTIL_ERR_NOEXIST }, { "missing", POSTIL_ERR_NOEXIST },
		{ "notes", POSTIL_ERR_NOEXIST },        /* not executable */
		{ "folder", POSTIL_ERR_NOEXIST }, { "../pop3", POSTIL_ERR_INVALID },
		{ "./pop3", POSTIL_ERR_INVALID }, { ".hidden", POSTIL_ERR_INVALID },
		{ "postil-server", POSTIL_ERR_INVALID }, { "Postil-Server", POSTIL_ERR_INVALID },
		{ "", POSTIL_ERR_INVALID }, { "a b", POSTIL_ERR_INVALID },
		{ "p\xC3\xBCp", POSTIL_ERR_INVALID }, { "/nowhere/pop3", POSTIL_ERR_NOEXIST },
		{ "/bin/.x", POSTIL_ERR_INVALID }, { "/bin/", POSTIL_ERR_INVALID },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		  POSTIL_ERR_INVALID },
	};
	char *dir = unit_tempdir(), path[4096], folder[512];

	make_file(dir, "pop3", 0700);
	make_file(dir, "Mixed", 0700);
	make_file(dir, "notes", 0600);
	make_file(dir, ".hidden", 0700);
	make_file(dir, "postil-server", 0700);
	snprintf(folder, sizeof(folder), "%s/folder", dir);
	ck_assert_int_eq(mkdir(folder, 0700), 0);
	for (size_t i = 0; i < COUNT(names); i++)
		ck_assert_msg(program_find(dir, names[i].name, path, sizeof(path)) == names[i].status,
		              "%s", names[i].name);
	snprintf(folder, sizeof(folder), "%s/pop3", dir);
	ck_assert_int_eq(program_find("/nowhere", folder, path, sizeof(path)), NOERROR);
	ck_assert_str_eq(path, folder);
	unit_tempdir_remove(&dir);
}
END_TEST

static char collected[20000];

static void collect(void *context, struct slice text)
{
	size_t n = strlen(collected);

	(void)context;
	snprintf(collected + n, sizeof(collected) - n, "[%.*s]", (int)text.n, text.p);
}

START_TEST(lines)
{
	static const char stream[] = "one\r\ntwo\n\nthree";
	struct line_reader reader;

	for (size_t step = 1; step < sizeof(stream); step++) {
		collected[0] = '\0';
		line_reader_init(&reader);
		for (size_t at = 0; at < sizeof(stream) - 1; at += step) {
			size_t n = sizeof(stream) - 1 - at < step ? sizeof(stream) - 1 - at : step;

			line_reader_feed(&reader, (struct slice){ stream + at, n }, collect, NULL);
		}
		ck_assert_str_eq(collected, "[one][two][]");
		line_reader_finish(&reader, collect, NULL);
		ck_assert_str_eq(collected, "[one][two][][three]");
		line_reader_release(&reader);
	}
}
END_TEST

START_TEST(long_lines_are_cut)
{
	static char octets[LINE_MAX_OCTETS * 2 + 10];
	struct line_reader reader;

	memset(octets, 'x', sizeof(octets));
	collected[0] = '\0';
	line_reader_init(&reader);
	line_reader_feed(&reader, (struct slice){ octets, sizeof(octets) }, collect, NULL);
	ck_assert_uint_eq(strlen(collected), 2 * (LINE_MAX_OCTETS + 2));
	line_reader_finish(&reader, collect, NULL);
	ck_assert_uint_eq(strlen(collected), 2 * (LINE_MAX_OCTETS + 2) + 12);
	line_reader_release(&reader);
}
END_TEST

START_TEST(rate)
{
	struct rate r = { 0 };
	unsigned taken = 0;

	for (int i = 0; i < 100; i++)
		taken += rate_take(&r, 1000, 10);
	ck_assert_uint_eq(taken, 40);           /* four seconds' worth at once */
	ck_assert_uint_eq(r.dropped, 60);
	ck_assert(!rate_has_room(&r, 1050, 10));
	ck_assert_uint_eq(r.dropped, 60);
	for (uint64_t now = 1100; now <= 2000; now += 100)
		taken += rate_take(&r, now, 10);
	ck_assert_uint_ge(taken, 49);
	ck_assert_uint_le(taken, 50);
}
END_TEST

struct seen {
	struct loop *loop;
	struct watch *watch, *other;
	struct timer *timer;
	int ready, fired;
};

static void on_ready(void *context, short revents)
{
	struct seen *s = context;

	(void)revents;
	s->ready++;
	loop_unwatch(s->loop, &s->watch);       /* both are ready; the other must not be called */
	loop_unwatch(s->loop, &s->other);
}

static void on_fire(void *context)
{
	struct seen *s = context;

	s->fired++;
	loop_untimer(s->loop, &s->timer);
}

START_TEST(watches_and_timers_may_end_in_callbacks)
{
	struct loop loop;
	struct seen s = { .loop = &loop };
	int ends[2];

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	ck_assert_int_eq(write(ends[1], "x", 1), 1);
	loop_init(&loop);
	s.watch = loop_watch(&loop, ends[0], POLLIN, on_ready, &s);
	s.other = loop_watch(&loop, ends[0], POLLIN, on_ready, &s);
	s.timer = loop_timer(&loop, on_fire, &s);
	timer_arm(s.timer, 1);
	for (int i = 0; i < 50 && s.fired == 0; i++)
		ck_assert_int_eq(loop_round(&loop, 100), NOERROR);
	ck_assert_int_eq(loop_round(&loop, 0), NOERROR);
	ck_assert_int_eq(s.ready, 1);
	ck_assert_int_eq(s.fired, 1);
	loop_release(&loop);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

UNIT_MAIN("program", words, programs, lines, long_lines_are_cut, rate,
          watches_and_timers_may_end_in_callbacks)

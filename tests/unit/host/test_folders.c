/* Folders of documents: what is told of them, and when. */
#include "addin/host/folders.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/unit.h"

static char *top;
static struct folders *folders;

static const char *at(const char *name)
{
	static char path[2][4096];
	static int turn;

	turn = 1 - turn;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", top, name);
	return path[turn];
}

static void make(const char *name)
{
	ck_assert_int_eq(mkdir(at(name), 0700), 0);
}

static void put(const char *name, const char *text)
{
	FILE *f = fopen(at(name), "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	ck_assert_int_eq(fclose(f), 0);
}

static void move(const char *from, const char *to)
{
	ck_assert_int_eq(rename(at(from), at(to)), 0);
}

/* inotify's queue is filled before the call that changed something returns. */
static bool told(void)
{
	struct pollfd p = { .fd = folders_fd(folders), .events = POLLIN };

	return poll(&p, 1, 0) == 1 && folders_changed(folders);
}

static void start(void)
{
	top = unit_tempdir();
	ck_assert_int_eq(folders_new(top, &folders), NOERROR);
	ck_assert_int_ge(folders_fd(folders), 0);
}

static void end(void)
{
	folders_free(&folders);
	ck_assert_ptr_null(folders);
	unit_tempdir_remove(&top);
}

static void look(void)
{
	folders_look(folders);
	while (told())
		;
}

START_TEST(test_below)
{
	uint64_t before;

	start();
	make("names");
	make("names/a");
	make("names/a/b");
	look();
	before = folders_look(folders);
	ck_assert(!told());
	put("names/a/b/x.dxl", "1");
	ck_assert(told());
	ck_assert_uint_ne(folders_look(folders), before);
	before = folders_look(folders);
	put("names/a/b/x.dxl", "22");
	ck_assert(told());
	ck_assert_uint_ne(folders_look(folders), before);
	ck_assert_int_eq(unlink(at("names/a/b/x.dxl")), 0);
	ck_assert(told());
	ck_assert_uint_eq(folders_unwatched(folders), 0);
	end();
}
END_TEST

START_TEST(test_new_folder)
{
	start();
	make("names");
	look();
	make("names/local");
	ck_assert(told());
	look();
	put("names/local/x.dxl", "1");
	ck_assert(told());
	move("names/local", "names/other");
	ck_assert(told());
	look();
	put("names/other/x.dxl", "2");
	ck_assert(told());
	end();
}
END_TEST

/* A folder that was moved away is none of ours any more. */
START_TEST(test_moved_away)
{
	start();
	make("names");
	make("names/local");
	look();
	move("names/local", "elsewhere");
	ck_assert(told());
	look();
	put("elsewhere/x.dxl", "1");
	ck_assert(!told());
	end();
}
END_TEST

/* A file that is being written is told when it has been. */
START_TEST(test_while_written)
{
	int fd;

	start();
	make("names");
	look();
	fd = open(at("names/x.dxl"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "1", 1), 1);
	ck_assert(!told());
	close(fd);
	ck_assert(told());
	end();
}
END_TEST

START_TEST(test_no_names_yet)
{
	start();
	look();
	put("console.log", "1");
	make("mail");
	ck_assert(!told());
	make("names");
	ck_assert(told());
	look();
	put("names/x.dxl", "1");
	ck_assert(told());
	look();
	make("mail2");
	ck_assert(!told());
	end();
}
END_TEST

/* The folder as a whole gives way to another one. */
START_TEST(test_names_replaced)
{
	start();
	make("names");
	make("names.new");
	look();
	move("names", "names.old");
	ck_assert(told());
	look();
	move("names.new", "names");
	ck_assert(told());
	look();
	put("names/x.dxl", "1");
	ck_assert(told());
	look();
	put("names.old/x.dxl", "1");
	ck_assert(!told());
	end();
}
END_TEST

/* Links are followed, not round and round. */
START_TEST(test_links)
{
	uint64_t before;

	start();
	make("names");
	make("names/a");
	make("elsewhere");
	ck_assert_int_eq(symlink("..", at("names/a/up")), 0);
	ck_assert_int_eq(symlink("../names", at("names/again")), 0);
	ck_assert_int_eq(symlink("../elsewhere", at("names/there")), 0);
	ck_assert_int_eq(symlink("loop", at("names/loop")), 0);
	before = folders_look(folders);
	ck_assert_uint_eq(folders_look(folders), before);
	ck_assert_uint_eq(folders_unwatched(folders), 0);
	ck_assert(!told());
	put("elsewhere/x.dxl", "1");
	ck_assert(told());
	ck_assert_uint_ne(folders_look(folders), before);
	end();
}
END_TEST

START_TEST(test_too_deep)
{
	start();
	make("names");
	make("names/1");
	make("names/1/2");
	make("names/1/2/3");
	make("names/1/2/3/4");
	make("names/1/2/3/4/5");
	look();
	put("names/1/2/3/4/5/x.dxl", "1");
	ck_assert(!told());
	put("names/1/2/3/4/x.dxl", "1");
	ck_assert(told());
	end();
}
END_TEST

/* Of too many folders the rest is seen at the next look. */
START_TEST(test_too_many)
{
	uint64_t before;
	char name[64];

	start();
	make("names");
	for (int i = 0; i < FOLDERS_WATCHED_MAX + 10; i++) {
		snprintf(name, sizeof(name), "names/%d", i);
		make(name);
	}
	before = folders_look(folders);
	ck_assert_uint_eq(folders_unwatched(folders), 11);      /* names/ is one, too */
	for (int i = 0; i < FOLDERS_WATCHED_MAX + 10; i++) {
		uint64_t now;

		snprintf(name, sizeof(name), "names/%d/x.dxl", i);
		put(name, "1");
		now = folders_look(folders);
		ck_assert_uint_ne(now, before);
		before = now;
		i += 50;
	}
	end();
}
END_TEST

UNIT_MAIN("folders", test_below, test_new_folder, test_moved_away, test_while_written,
          test_no_names_yet, test_names_replaced, test_links, test_too_deep, test_too_many)

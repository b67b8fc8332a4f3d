/* A data directory with DXL files, compiled and asked. */
#ifndef POSTIL_TESTS_UNIT_DIRECTORY_FIXTURE_H
#define POSTIL_TESTS_UNIT_DIRECTORY_FIXTURE_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "directory/directory.h"
#include "tests/support/unit.h"

#define HEAD "<?xml version='1.0' encoding='utf-8'?>\n<database xmlns='http://www.lotus.com/dxl'>\n"
#define TAIL "</database>\n"
#define HASH1 "(06E0A50B579AD2CD5FFDC48564627EE7)"
#define PERSON_LINES 4
/* A Person document on lines of its own. */
#define PERSON(unid, full_names, address, password) \
	"<document form='Person'><noteinfo unid='" unid "'/>\n<item name='FullName'><textlist>" full_names \
	"</textlist></item>\n<item name='InternetAddress'><text>" address "</text></item>" \
	"<item name='HTTPPassword'><text>" password "</text></item>\n</document>\n"
#define U1 "00000000000000000000000000000001"
#define U2 "00000000000000000000000000000002"
#define U3 "00000000000000000000000000000003"
/* The same without a UNID, as written by hand. */
#define PLAIN_PERSON(full_names, address) \
	"<document form='Person'><item name='FullName'><textlist>" full_names "</textlist></item>\n" \
	"<item name='InternetAddress'><text>" address "</text></item></document>\n"
#define T(value) "<text>" value "</text>"

struct world {
	char *dir;
	struct directory *directory;
	struct compile_report report;
	struct buf said;
	struct fault fault;
};

static void say_into(void *context, const char *text)
{
	struct world *w = context;
	size_t skip = strlen(w->dir) + strlen("/names/");

	buf_add_str(&w->said, strncmp(text, w->dir, strlen(w->dir)) == 0 ? text + skip : text);
	buf_add_char(&w->said, '\n');
}

static inline void world_begin(struct world *w)
{
	char path[4096];

	memset(w, 0, sizeof(*w));
	w->dir = unit_tempdir();
	snprintf(path, sizeof(path), "%s/names", w->dir);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_eq(directory_open(w->dir, &w->directory, NULL), NOERROR);
}

static inline void world_end(struct world *w)
{
	directory_close(&w->directory);
	buf_release(&w->said);
	unit_tempdir_remove(&w->dir);
}

/* text NULL removes the file. */
static inline void put_file(struct world *w, const char *name, const char *text)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/names/%s", w->dir, name);
	if (text == NULL) {
		ck_assert_int_eq(unlink(path), 0);
		return;
	}
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

/* Written an hour ago, as most files have been: known by what stat says. */
static inline void age_file(struct world *w, const char *name)
{
	struct timespec then[2] = { { .tv_sec = time(NULL) - 3600 }, { .tv_sec = time(NULL) - 3600 } };
	char path[4096];

	snprintf(path, sizeof(path), "%s/names/%s", w->dir, name);
	ck_assert_int_eq(utimensat(AT_FDCWD, path, then, 0), 0);
}

static inline const char *compile(struct world *w)
{
	STATUS status;

	buf_clear(&w->said);
	status = directory_compile(w->dir, &w->report, say_into, w, &w->fault);
	ck_assert_msg(status == NOERROR, "compile: %04x %s", status, w->fault.text);
	return buf_cstr(&w->said);
}

/* "first FullName|..." of all that login matches. */
static inline const char *find_with(struct world *w, const char *login, bool more)
{
	static char out[4096];
	struct arena arena = ARENA_INIT;
	const struct person *persons;
	size_t count = 0, at = 0;
	STATUS status = directory_find_login(w->directory, slice_of(login), more, DIRECTORY_MATCHES_DEFAULT,
	                                     &arena, &persons, &count);

	out[0] = '\0';
	if (status != NOERROR)
		snprintf(out, sizeof(out), "error %04x", status);
	for (size_t i = 0; i < count; i++)
		at += (size_t)snprintf(out + at, sizeof(out) - at, "%s%.*s", i > 0 ? "|" : "",
		                       (int)persons[i].name.n, persons[i].name.p);
	arena_release(&arena);
	return out;
}

static inline const char *find(struct world *w, const char *login)
{
	return find_with(w, login, false);
}

#endif

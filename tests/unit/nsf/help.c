/* See help.h. Nothing here is distrusted. */
#include "tests/unit/nsf/help.h"

#include <check.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"

STATUS help_body(void *context, uint64_t offset, void *out, size_t size)
{
	uint64_t seed = *(const uint64_t *)context;
	char *p = out;

	for (size_t i = 0; i < size; i++) {
		uint64_t at = offset + i;

		p[i] = (char)('A' + (seed * 31 + at * 7 + (at >> 9) + (at >> 18) * 3) % 57);
	}
	return NOERROR;
}

struct nsf_delivery help_message(const uint64_t *seed, uint64_t size)
{
	struct nsf_delivery d = { .size_octets = size, .header_octets = size / 4,
		.has_dot_line = *seed % 2 == 1, .body = help_body };

	d.context = (void *)(uintptr_t)seed;
	return d;
}

struct nsf *help_create(const char *dir, char *path_r, size_t size)
{
	struct fault fault = { 0 };
	struct nsf *nsf = NULL;
	STATUS status;

	snprintf(path_r, size, "%s/mail.nsf", dir);
	status = nsf_create(path_r, NSF_MAIL, &nsf, &fault);
	ck_assert_msg(status == NOERROR, "create: %04x %s", status, fault_text(&fault, status));
	return nsf;
}

struct nsf *help_open(const char *path)
{
	struct fault fault = { 0 };
	struct nsf *nsf = NULL;
	STATUS status = nsf_open(path, &nsf, &fault);

	ck_assert_msg(status == NOERROR, "open: %04x %s", status, fault_text(&fault, status));
	return nsf;
}

uint64_t help_deliver(struct nsf *nsf, uint64_t seed, uint64_t size, const char *uidl)
{
	struct nsf_delivery d = help_message(&seed, size);
	struct fault fault = { 0 };
	uint64_t id = 0;
	STATUS status;

	d.uidl = slice_of(uidl);
	status = nsf_deliver(nsf, &d, 1, &id, NULL, &fault);
	ck_assert_msg(status == NOERROR, "deliver: %04x %s", status, fault_text(&fault, status));
	ck_assert_uint_gt(id, 0);
	return id;
}

void help_delete(struct nsf *nsf, const uint64_t *ids, size_t count)
{
	struct fault fault = { 0 };
	STATUS status = nsf_delete(nsf, ids, count, &fault);

	ck_assert_msg(status == NOERROR, "delete: %04x %s", status, fault_text(&fault, status));
}

void help_reclaim(struct nsf *nsf)
{
	bool more = true;

	for (int i = 0; more; i++) {
		ck_assert_int_lt(i, 100000);
		ck_assert_uint_eq(nsf_reclaim(nsf, &more), NOERROR);
	}
}

bool help_body_is(struct nsf *nsf, uint64_t id, uint64_t seed, uint64_t size)
{
	char *got = malloc(size + 10), *want = malloc(size + 10);
	size_t n = 0;
	bool same;

	ck_assert(got != NULL && want != NULL);
	help_body(&seed, 0, want, size);
	same = nsf_body_read(nsf, id, 0, got, size + 10, &n) == NOERROR && n == size
		&& memcmp(got, want, size) == 0;
	free(got);
	free(want);
	return same;
}

static void print_finding(void *context, const char *text)
{
	fprintf(stderr, "%s: %s\n", (const char *)context, text);
}

bool help_check(const char *path)
{
	struct fault fault = { 0 };
	STATUS status = nsf_check(path, print_finding, (void *)(uintptr_t)path, &fault);

	if (status != NOERROR)
		fprintf(stderr, "%s\n", fault_text(&fault, status));
	return status == NOERROR;
}

static STATUS add_message(void *context, const struct nsf_message *message)
{
	struct help_list *list = context;

	if (list->count % 256 == 0) {
		list->messages = realloc(list->messages, (list->count + 256) * sizeof(*list->messages));
		list->uidls = realloc(list->uidls, (list->count + 256) * sizeof(*list->uidls));
		ck_assert(list->messages != NULL && list->uidls != NULL);
	}
	list->messages[list->count] = *message;
	ck_assert_uint_le(message->uidl.n, NSF_UIDL_MAX);
	memcpy(list->uidls[list->count], message->uidl.p, message->uidl.n);
	list->uidls[list->count][message->uidl.n] = '\0';
	list->octets += message->size_octets;
	list->count++;
	return NOERROR;
}

void help_list(struct nsf *nsf, uint64_t unread_for, struct help_list *list)
{
	STATUS status;

	memset(list, 0, sizeof(*list));
	status = nsf_inbox_list(nsf, unread_for, true, add_message, list);
	ck_assert_msg(status == NOERROR, "list: %04x %s", status, status_text(status));
}

void help_list_release(struct help_list *list)
{
	free(list->messages);
	free(list->uidls);
	memset(list, 0, sizeof(*list));
}

int64_t help_index(const struct help_list *list, uint64_t id)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->messages[i].id == id)
			return (int64_t)i;
	return -1;
}

static int take_number(void *context, int count, char **values, char **names)
{
	(void)count;
	(void)names;
	*(int64_t *)context = values[0] == NULL ? -1 : strtoll(values[0], NULL, 10);
	return 0;
}

int64_t help_sql_number(const char *path, const char *sql)
{
	sqlite3 *db = NULL;
	int64_t number = -1;
	char *error = NULL;

	ck_assert_int_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	sqlite3_busy_timeout(db, 5000);
	sqlite3_exec(db, sql, take_number, &number, &error);
	ck_assert_msg(error == NULL, "%s: %s", sql, error);
	sqlite3_close(db);
	return number;
}

void help_sql(const char *path, const char *sql)
{
	help_sql_number(path, sql);
}

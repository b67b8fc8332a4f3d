/*
 * What the tests of nsf share: messages whose octets follow from a number, and
 * short forms of the calls that fail the test when they fail.
 */
#ifndef POSTIL_TESTS_UNIT_NSF_HELP_H
#define POSTIL_TESTS_UNIT_NSF_HELP_H

#include <stdint.h>

#include "nsf/nsf.h"

/* The octets of message number seed; the context of help_body is &seed. */
STATUS help_body(void *context, uint64_t offset, void *out, size_t size);
struct nsf_delivery help_message(const uint64_t *seed, uint64_t size);

struct nsf *help_create(const char *dir, char *path_r, size_t size);
struct nsf *help_open(const char *path);
uint64_t help_deliver(struct nsf *nsf, uint64_t seed, uint64_t size, const char *uidl);
void help_delete(struct nsf *nsf, const uint64_t *ids, size_t count);
void help_reclaim(struct nsf *nsf);
/* The body of id is that of seed, octet for octet. */
bool help_body_is(struct nsf *nsf, uint64_t id, uint64_t seed, uint64_t size);
/* nsf_check finds nothing; findings go to stderr. */
bool help_check(const char *path);

struct help_list {
	struct nsf_message *messages;
	char (*uidls)[NSF_UIDL_MAX + 1];
	size_t count;
	uint64_t octets;
};
void help_list(struct nsf *nsf, uint64_t unread_for, struct help_list *list);
void help_list_release(struct help_list *list);
int64_t help_index(const struct help_list *list, uint64_t id);  /* -1: not there */

/* Run SQL on the file as a foreign program would (the sqlite3 library). */
void help_sql(const char *path, const char *sql);
int64_t help_sql_number(const char *path, const char *sql);

#endif

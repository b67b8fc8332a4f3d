/*
 * The host's end of a wire, for tests of tasks: a thread that reads, writes down
 * what comes, and answers as the test says.
 *
 * The record is text, a line a message (a group each for those of groups):
 *
 *      log SEVERITY FLAGS TEXT         status new LINE NAME
 *      stat FACILITY.NAME FLAGS TYPE OCTETS-IN-HEX
 *      any other kind: its name and its fields
 */
#ifndef POSTIL_TESTS_SUPPORT_FAKEHOST_H
#define POSTIL_TESTS_SUPPORT_FAKEHOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addin/wire/wire.h"

struct fakehost;

/* Answer a request by fakehost_reply..., at once or later; false: the fake host
 * does it (hello: its directories; everything else POSTIL_ERR_NOT_FOUND). */
typedef bool (*fakehost_fn)(void *context, struct fakehost *host, struct wire_in *in);

/* *task_fd_r is the task's end. answer may be NULL. */
struct fakehost *fakehost_start(fakehost_fn answer, void *context, int *task_fd_r);
void fakehost_stop(struct fakehost **host);     /* closes the wire */

int fakehost_fd(const struct fakehost *host);
/* Begin a reply to the request `id` of `kind` in memory of the fake host's (one for each thread); the
 * test puts fields and calls fakehost_send. */
struct wire_out *fakehost_reply(struct fakehost *host, enum wire_kind kind, uint32_t id,
                                unsigned flags, STATUS status);
struct wire_out *fakehost_message(struct fakehost *host, enum wire_kind kind, uint32_t id);
void fakehost_send(struct fakehost *host);
void fakehost_send_octets(struct fakehost *host, const void *p, size_t n);

/* Until the record holds this text, at most so long. */
bool fakehost_wait(struct fakehost *host, const char *text, unsigned ms);
bool fakehost_wait_closed(struct fakehost *host, unsigned ms);
size_t fakehost_count(struct fakehost *host, const char *text); /* how often it holds it */
size_t fakehost_packets(struct fakehost *host);
char *fakehost_record(struct fakehost *host);   /* a copy, to be freed */
void fakehost_pause(struct fakehost *host, bool paused);        /* read nothing */

#endif

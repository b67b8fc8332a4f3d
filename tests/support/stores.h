/*
 * Mail stores for tests: one in memory, and one that wraps another and fails,
 * counts or freezes its calls on demand. Both fulfil the contract of
 * mailfile/store.h; the suite tests/unit/mailfile/test_store.c says so.
 */
#ifndef POSTIL_TESTS_SUPPORT_STORES_H
#define POSTIL_TESTS_SUPPORT_STORES_H

#include "mailfile/store.h"

STATUS store_memory_new(struct mail_store **store_r);
/* Deliver text in its stored form (canonicalised here), UIDL as given or, when
 * NULL, made. The mail file is made if needed. Works on any store. */
STATUS store_put(struct mail_store *store, const char *path, const char *text, size_t n,
                 const char *uidl);
/* The same of one sent with SMTPUTF8. */
STATUS store_put_utf8(struct mail_store *store, const char *path, const char *text, size_t n);

enum store_call {
	STORE_OPEN, STORE_READ, STORE_COMMIT, STORE_RECLAIM, STORE_DELIVER,
	STORE_CREATE, STORE_REMOVE, STORE_CALLS
};

/* inner belongs to the new store from now on. */
STATUS store_fault_new(struct mail_store *inner, struct mail_store **store_r);
/* The n-th such call from now on (1: the next) answers status, once; the inner
 * store is not asked. n 0: no longer. after: the inner store does its work
 * first, so that status hides what happened (UNKNOWN_OUTCOME, TIMEOUT). */
void store_fault_fail(struct mail_store *store, enum store_call call, unsigned n,
                      STATUS status, bool after);
/* All calls but close, stat, message wait from now on, until released. */
void store_fault_freeze(struct mail_store *store);
void store_fault_release(struct mail_store *store);
/* Also frozen while a file of that name exists (NULL: none). For tests of whole
 * programs; looked at every 10 ms. */
void store_fault_watch(struct mail_store *store, const char *file);
/* Wait until `calls` calls are held, at most ms milliseconds. */
bool store_fault_wait_held(struct mail_store *store, unsigned calls, unsigned ms);
/* How many calls of this kind have begun. */
unsigned store_fault_count(struct mail_store *store, enum store_call call);

#endif

/*
 * Bytes: a slice that is looked at, and a buffer that grows.
 *
 * Growing fails softly: after a failed allocation or a passed limit the buffer
 * is "broken", keeps what it had, ignores further appends, and buf_status()
 * says why; callers check once at the end.
 */
#ifndef POSTIL_BASE_BUF_H
#define POSTIL_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct slice {
	const char *p;  /* not NUL-terminated */
	size_t n;
};

#define SLICE_LIT(s) ((struct slice){ (s), sizeof(s) - 1 })
struct slice slice_of(const char *text);                 /* text may be NULL: empty */
bool slice_equal(struct slice a, struct slice b);
bool slice_equal_nocase(struct slice a, struct slice b); /* ASCII letters only */

struct buf {
	char *p;
	size_t n;       /* octets in use */
	size_t size;    /* octets allocated */
	size_t limit;   /* never more than this; 0 = no limit */
	STATUS broken;
};

#define BUF_INIT { NULL, 0, 0, 0, NOERROR }
void buf_init(struct buf *b, size_t limit);
void buf_release(struct buf *b);        /* frees the storage; b may be used again */
void buf_wipe_release(struct buf *b);   /* overwrites first: for secrets */
void buf_clear(struct buf *b);          /* n = 0, not broken; storage is kept */
STATUS buf_status(const struct buf *b);
STATUS buf_reserve(struct buf *b, size_t more);  /* room for `more` octets behind n */
void buf_add(struct buf *b, const void *p, size_t n);
void buf_add_slice(struct buf *b, struct slice s);
void buf_add_str(struct buf *b, const char *s);
void buf_add_char(struct buf *b, char c);
__attribute__((format(printf, 2, 3)))
void buf_addf(struct buf *b, const char *format, ...);
__attribute__((format(printf, 2, 0)))
void buf_vaddf(struct buf *b, const char *format, va_list ap);
void buf_remove_front(struct buf *b, size_t n);
const char *buf_cstr(struct buf *b);    /* NUL-terminated view; "" if broken and empty */
struct slice buf_slice(const struct buf *b);

#endif

/*
 * Slices and growing buffers. Contents are hostile octets of any value; sizes
 * that would overflow are refused as out of memory.
 *
 * Invariant: when storage exists, size > n, so a terminating NUL always fits.
 */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_OCTETS = 64 };

struct slice slice_of(const char *text)
{
	return (struct slice){ text, text == NULL ? 0 : strlen(text) };
}

bool slice_equal(struct slice a, struct slice b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool slice_equal_nocase(struct slice a, struct slice b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
			return false;
	return true;
}

void buf_init(struct buf *b, size_t limit)
{
	*b = (struct buf)BUF_INIT;
	b->limit = limit;
}

void buf_release(struct buf *b)
{
	size_t limit = b->limit;

	free(b->p);
	buf_init(b, limit);
}

void buf_wipe_release(struct buf *b)
{
	if (b->p != NULL)
		explicit_bzero(b->p, b->size);
	buf_release(b);
}

void buf_clear(struct buf *b)
{
	b->n = 0;
	b->broken = NOERROR;
}

STATUS buf_status(const struct buf *b)
{
	return b->broken;
}

STATUS buf_reserve(struct buf *b, size_t more)
{
	size_t need, size;
	char *grown;

	if (b->broken != NOERROR)
		return b->broken;
	if (more >= SIZE_MAX - b->n)
		return b->broken = POSTIL_ERR_MEMORY;
	if (b->limit != 0 && b->n + more > b->limit)
		return b->broken = POSTIL_ERR_TOO_LONG;
	need = b->n + more + 1;
	if (need <= b->size)
		return NOERROR;
	size = b->size < FIRST_OCTETS ? FIRST_OCTETS : b->size;
	while (size < need)
		size = size > SIZE_MAX / 2 ? need : size * 2;
	grown = realloc(b->p, size);
	if (grown == NULL)
		return b->broken = POSTIL_ERR_MEMORY;
	b->p = grown;
	b->size = size;
	return NOERROR;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
	if (n == 0 || buf_reserve(b, n) != NOERROR)
		return;
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

void buf_add_slice(struct buf *b, struct slice s)
{
	buf_add(b, s.p, s.n);
}

void buf_add_str(struct buf *b, const char *s)
{
	buf_add_slice(b, slice_of(s));
}

void buf_add_char(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void buf_addf(struct buf *b, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	buf_vaddf(b, format, ap);
	va_end(ap);
}

void buf_vaddf(struct buf *b, const char *format, va_list ap)
{
	va_list again;
	size_t room;
	int n;

	if (b->broken != NOERROR)
		return;
	va_copy(again, ap);
	room = b->p == NULL ? 0 : b->size - b->n;
	n = vsnprintf(b->p == NULL ? NULL : b->p + b->n, room, format, ap);
	if (n < 0)
		b->broken = POSTIL_ERR_INVALID;
	else if (buf_reserve(b, (size_t)n) == NOERROR) {
		if ((size_t)n >= room)
			vsnprintf(b->p + b->n, (size_t)n + 1, format, again);
		b->n += (size_t)n;
	}
	va_end(again);
}

void buf_remove_front(struct buf *b, size_t n)
{
	if (n >= b->n) {
		b->n = 0;
		return;
	}
	if (n == 0)
		return;
	memmove(b->p, b->p + n, b->n - n);
	b->n -= n;
}

const char *buf_cstr(struct buf *b)
{
	if (b->p == NULL)
		return "";
	b->p[b->n] = '\0';
	return b->p;
}

struct slice buf_slice(const struct buf *b)
{
	return (struct slice){ b->p, b->n };
}

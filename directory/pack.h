/*
 * Small values packed into octets, low octet first, for what the directory
 * keeps in names.nsf. Reading stops at the end and says so: the file is distrusted.
 */
#ifndef POSTIL_DIRECTORY_PACK_H
#define POSTIL_DIRECTORY_PACK_H

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "base/buf.h"

static inline void pack_number(struct buf *out, uint64_t value, int octets)
{
	for (int i = 0; i < octets; i++)
		buf_add_char(out, (char)(value >> 8 * i & 255));
}

static inline void pack_slice(struct buf *out, struct slice s)
{
	pack_number(out, s.n, 4);
	buf_add_slice(out, s);
}

/* Of at most 65,535 octets. */
static inline void pack_short(struct buf *out, struct slice s)
{
	assert(s.n <= UINT16_MAX);
	pack_number(out, s.n, 2);
	buf_add_slice(out, s);
}

struct unpack {
	struct slice rest;
	bool bad;               /* something was missing; all that follows is 0 or empty */
};

static inline struct slice unpack_octets(struct unpack *u, size_t n)
{
	struct slice s = { u->rest.p, n };

	if (u->bad || n > u->rest.n) {
		u->bad = true;
		return (struct slice){ "", 0 };
	}
	u->rest.p += n;
	u->rest.n -= n;
	return s;
}

static inline uint64_t unpack_number(struct unpack *u, int octets)
{
	struct slice s = unpack_octets(u, (size_t)octets);
	uint64_t value = 0;

	for (size_t i = s.n; i > 0; i--)
		value = value << 8 | (unsigned char)s.p[i - 1];
	return value;
}

static inline struct slice unpack_slice(struct unpack *u)
{
	return unpack_octets(u, (size_t)unpack_number(u, 4));
}

static inline struct slice unpack_short(struct unpack *u)
{
	return unpack_octets(u, (size_t)unpack_number(u, 2));
}

#endif

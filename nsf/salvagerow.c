/*
 * One row out of a cell of a page: its payload, which may go on in a chain of
 * other pages, and the values of the record in it. Lengths are checked against
 * what is there; a chain ends at a page that is in use already.
 */
#include <string.h>

#include "nsf/private.h"
#include "nsf/salvage_impl.h"

#include "base/banned.h"

size_t salvage_varint(const unsigned char *p, const unsigned char *end, uint64_t *value_r)
{
	uint64_t value = 0;

	for (size_t i = 0; i < 9; i++) {
		if (p + i >= end)
			return 0;
		if (i == 8) {
			*value_r = value << 8 | p[i];
			return 9;
		}
		value = value << 7 | (p[i] & 0x7F);
		if ((p[i] & 0x80) == 0) {
			*value_r = value;
			return i + 1;
		}
	}
	return 0;
}

/* How many octets of a payload lie in the cell itself. */
static size_t local_octets(const struct salvage *s, uint64_t payload, bool leaf_table)
{
	size_t u = s->usable, least = (u - 12) * 32 / 255 - 23;
	size_t most = leaf_table ? u - 35 : (u - 12) * 64 / 255 - 23;
	size_t n;

	if (payload <= most)
		return (size_t)payload;
	n = least + (size_t)((payload - least) % (u - 4));
	return n <= most ? n : least;
}

static void chain_read(struct salvage *s, uint32_t next, size_t wanted)
{
	unsigned char page[SALVAGE_PAGE_MAX];

	while (s->payload.n < wanted && next > 1 && next <= s->pages
	       && s->uses[next - 1] == SALVAGE_UNKNOWN) {
		size_t n = wanted - s->payload.n;

		if (salvage_page(s, next, page) != NOERROR)
			return;
		s->uses[next - 1] = SALVAGE_OVERFLOW;
		buf_add(&s->payload, page + 4, n < s->usable - 4 ? n : s->usable - 4);
		next = salvage_u32(page);
	}
}

static size_t serial_octets(uint64_t type)
{
	static const uint8_t sizes[] = { 0, 1, 2, 3, 4, 6, 8, 8, 0, 0 };

	if (type < sizeof(sizes))
		return sizes[type];
	return type < 12 ? SIZE_MAX : (size_t)((type - 12) / 2);
}

static int64_t integer_of(const unsigned char *p, size_t n)
{
	uint64_t value = n > 0 && (p[0] & 0x80) != 0 ? UINT64_MAX : 0;

	for (size_t i = 0; i < n; i++)
		value = value << 8 | p[i];
	return (int64_t)value;
}

static void value_take(struct salvage_value *v, uint64_t type, const unsigned char *p, size_t n)
{
	*v = (struct salvage_value){ .type = SALVAGE_INTEGER };
	if (type == 0) {
		v->type = SALVAGE_NULL;
	} else if (type == 7) {
		uint64_t bits = (uint64_t)integer_of(p, n);

		v->type = SALVAGE_REAL;
		memcpy(&v->real, &bits, sizeof(v->real));
	} else if (type == 8 || type == 9) {
		v->integer = type == 9;
	} else if (type >= 12) {
		v->type = type % 2 == 0 ? SALVAGE_BLOB : SALVAGE_TEXT;
		v->octets = (struct slice){ (const char *)p, n };
	} else {
		v->integer = integer_of(p, n);
	}
}

/* The record fills a payload of `octets`, of which the first may be all there is. */
static bool record_read(struct slice payload, uint64_t octets, struct salvage_row *row)
{
	const unsigned char *p = (const unsigned char *)payload.p, *end = p + payload.n;
	uint64_t header = 0, at, body, type;
	size_t n = salvage_varint(p, end, &header);

	row->count = 0;
	if (n == 0 || header < n || header > payload.n)
		return false;
	body = header;
	for (at = n; at < header; at += n) {
		size_t size, there;

		n = salvage_varint(p + at, p + header, &type);
		if (n == 0 || row->count == SALVAGE_COLUMNS_MAX)
			return false;
		size = serial_octets(type);
		if (size > octets - body)
			return false;
		there = body >= payload.n ? 0 : payload.n - (size_t)body;
		if (there < size && type < 12)
			return false;
		value_take(&row->values[row->count++], type, p + (there == 0 ? 0 : body),
		           size < there ? size : there);
		body += size;
	}
	return body == octets && row->count > 0;
}

bool salvage_cell(struct salvage *s, const unsigned char *page, size_t at, bool leaf_table,
                  struct salvage_row *row)
{
	const unsigned char *p = page + at, *end = page + s->usable;
	uint64_t octets = 0, rowid = 0;
	size_t n = salvage_varint(p, end, &octets), local;

	if (n == 0 || octets == 0 || octets > NSF_VALUE_MAX + 4096)
		return false;
	p += n;
	n = leaf_table ? salvage_varint(p, end, &rowid) : 0;
	if (leaf_table && n == 0)
		return false;
	p += n;
	local = local_octets(s, octets, leaf_table);
	if ((size_t)(end - p) < local + (local < octets ? 4 : 0))
		return false;
	buf_clear(&s->payload);
	buf_add(&s->payload, p, local);
	if (local < octets)
		chain_read(s, salvage_u32(p + local), (size_t)octets);
	row->has_rowid = leaf_table;
	row->rowid = (int64_t)rowid;
	row->whole = s->payload.n == octets;
	return buf_status(&s->payload) == NOERROR
		&& record_read(buf_slice(&s->payload), octets, row);
}

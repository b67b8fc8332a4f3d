/* Native MIME records, read. Each length is bounded by the octets that are there. */
#include "mailfile/nativemime.h"

#include <string.h>

#define FIELD_HEAD 14u          /* of an RFC822ITEMDESC */

static size_t word_at(const char *p)
{
	return (size_t)(uint8_t)p[0] | (size_t)(uint8_t)p[1] << 8;
}

/* The next n octets, fewer where there are no more. */
static struct slice take(struct slice *rest, size_t n)
{
	struct slice taken = { rest->p, n < rest->n ? n : rest->n };

	*rest = (struct slice){ rest->p + taken.n, rest->n - taken.n };
	return taken;
}

static bool is_field_name(struct slice name)
{
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= ' ' || name.p[i] > '~' || name.p[i] == ':')
			return false;
	return name.n > 0 && name.n < 256;
}

bool nativemime_field(struct slice record, struct nativemime_field *field_r)
{
	struct slice rest = record;
	struct nativemime_field field;

	if (record.n < FIELD_HEAD || word_at(record.p) < FIELD_HEAD || word_at(record.p) > record.n)
		return false;
	take(&rest, word_at(record.p));         /* its own size: a later version may be longer */
	take(&rest, word_at(record.p + 6));
	field.name = take(&rest, word_at(record.p + 8));
	field.delimiter = take(&rest, word_at(record.p + 10));
	field.body = take(&rest, word_at(record.p + 12));
	if (!is_field_name(field.name))
		return false;
	*field_r = field;
	return true;
}

static bool ends_in_empty_line(struct slice header)
{
	return (header.n == 2 || (header.n > 3 && memcmp(header.p + header.n - 4, "\r\n", 2) == 0)) &&
	       memcmp(header.p + header.n - 2, "\r\n", 2) == 0;
}

bool nativemime_header_is_whole(struct slice header)
{
	if (!ends_in_empty_line(header))
		return false;
	return header.n == 2 || memmem(header.p, header.n - 1, "\r\n\r\n", 4) == NULL;
}

bool nativemime_is(const struct note *note)
{
	const struct item *item = note_find(note, "Body");

	return item != NULL && item->type == ITEM_MIME_PART;
}

bool nativemime_part(const char head[MIME_PART_OCTETS], uint64_t item_octets,
                     struct mime_part *part_r)
{
	uint64_t left = item_octets < MIME_PART_OCTETS ? 0 : item_octets - MIME_PART_OCTETS;
	size_t boundary = word_at(head + 10), header = word_at(head + 12), told = word_at(head + 8);
	uint32_t flags = (uint32_t)(word_at(head + 2) | word_at(head + 4) << 16);

	if (item_octets < MIME_PART_OCTETS)
		return false;
	if ((flags & MIME_PART_HAS_BOUNDARY) == 0)
		boundary = 0;
	if ((flags & MIME_PART_HAS_HEADERS) == 0)
		header = 0;
	/* Told octets are wrong in real files, in either direction: the item's end counts, but for the
	 * one octet that evens its length. */
	if (left % 2 == 0 && told + 1 == left && told >= boundary + header)
		left--;
	boundary = boundary < left ? boundary : (size_t)left;
	left -= boundary;
	header = header < left ? header : (size_t)left;
	*part_r = (struct mime_part){
		.flags = flags, .type = (uint8_t)head[6], .boundary_octets = boundary,
		.header_octets = header, .data_octets = left - header,
	};
	return true;
}

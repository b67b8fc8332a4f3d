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

bool nativemime_is(const struct note *note)
{
	const struct item *item = note_find(note, "Body");

	return item != NULL && item->type == ITEM_MIME_PART;
}

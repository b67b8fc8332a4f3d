/* CD records one by one. They come from a document: each length is held against what is
 * there before anything is looked at. */
#include "mailfile/cd.h"

#include "base/banned.h"

uint8_t cd_byte(struct slice body, size_t at)
{
	return at < body.n ? (uint8_t)body.p[at] : 0;
}

uint16_t cd_word(struct slice body, size_t at)
{
	return at + 2 <= body.n ? (uint16_t)(cd_byte(body, at) | cd_byte(body, at + 1) << 8) : 0;
}

uint32_t cd_dword(struct slice body, size_t at)
{
	return at + 4 <= body.n ? cd_word(body, at) | (uint32_t)cd_word(body, at + 2) << 16 : 0;
}

struct slice cd_rest(struct slice body, size_t at)
{
	return at < body.n ? (struct slice){ body.p + at, body.n - at } : (struct slice){ "", 0 };
}

struct slice cd_part(struct slice body, size_t at, size_t n)
{
	struct slice part = cd_rest(body, at);

	if (part.n > n)
		part.n = n;
	return part;
}

bool cd_next(struct slice *rest, struct cd_record *record_r)
{
	uint8_t id, kind;
	size_t head, length;

	if (rest->n < 2) {
		*rest = (struct slice){ "", 0 };        /* an octet of padding */
		return false;
	}
	id = cd_byte(*rest, 0);
	kind = cd_byte(*rest, 1);
	if (kind == 0xFF) {
		head = 4;
		length = cd_word(*rest, 2);
		record_r->signature = CD_WORD(id);
	} else if (kind == 0) {
		head = 6;
		length = cd_dword(*rest, 2);
		record_r->signature = CD_LONG(id);
	} else {
		head = 2;
		length = kind;
		record_r->signature = CD_BYTE(id);
	}
	if (length < head || length > rest->n)
		return false;
	record_r->body = (struct slice){ rest->p + head, length - head };
	length += length % 2;
	if (length > rest->n)
		length = rest->n;
	*rest = (struct slice){ rest->p + length, rest->n - length };
	return true;
}

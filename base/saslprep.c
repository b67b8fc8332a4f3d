/* SASLprep by the tables of RFC 3454. What is prepared is hostile, and may be a secret: every
 * copy is wiped. */
#include "base/saslprep.h"

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct range {
	uint32_t first, last;
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* C.1.2: become a blank */
static const struct range spaces[] = {
	{ 0xA0, 0xA0 }, { 0x1680, 0x1680 }, { 0x2000, 0x200B }, { 0x202F, 0x202F },
	{ 0x205F, 0x205F }, { 0x3000, 0x3000 },
};

/* B.1: become nothing */
static const struct range nothing[] = {
	{ 0xAD, 0xAD }, { 0x34F, 0x34F }, { 0x1806, 0x1806 }, { 0x180B, 0x180D },
	{ 0x200C, 0x200D }, { 0x2060, 0x2060 }, { 0xFE00, 0xFE0F }, { 0xFEFF, 0xFEFF },
};

/* C.1.2 and C.2.1 to C.9; the last two octets of each plane (C.4) are looked at apart. */
static const struct range forbidden[] = {
	{ 0x0, 0x1F }, { 0x7F, 0xA0 }, { 0x340, 0x341 }, { 0x6DD, 0x6DD }, { 0x70F, 0x70F },
	{ 0x1680, 0x1680 }, { 0x180E, 0x180E }, { 0x2000, 0x200F }, { 0x2028, 0x202F },
	{ 0x205F, 0x2063 }, { 0x206A, 0x206F }, { 0x2FF0, 0x2FFB }, { 0x3000, 0x3000 },
	{ 0xD800, 0xF8FF }, { 0xFDD0, 0xFDEF }, { 0xFEFF, 0xFEFF }, { 0xFFF9, 0xFFFF },
	{ 0x1D173, 0x1D17A }, { 0xE0001, 0xE0001 }, { 0xE0020, 0xE007F },
	{ 0xF0000, 0x10FFFF },
};

static bool is_in(uint32_t c, const struct range *table, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (c >= table[i].first && c <= table[i].last)
			return true;
	return false;
}

static bool is_forbidden(uint32_t c)
{
	return is_in(c, forbidden, COUNT(forbidden)) || (c & 0xFFFE) == 0xFFFE;
}

static struct slice next(struct slice *rest, uint32_t *c_r)
{
	struct slice one = { rest->p, 0 };

	*c_r = text_character(*rest, &one.n);
	rest->p += one.n;
	rest->n -= one.n;
	return one;
}

/* Section 2.1 */
static void map(struct slice s, struct buf *out)
{
	while (s.n > 0) {
		uint32_t c;
		struct slice one = next(&s, &c);

		if (is_in(c, spaces, COUNT(spaces)))
			buf_add_char(out, ' ');
		else if (!is_in(c, nothing, COUNT(nothing)))
			buf_add_slice(out, one);
	}
}

/* Sections 2.3 and 2.4 */
static bool is_allowed(struct slice s)
{
	bool first = true, starts = false, ends = false, right = false, left = false;

	while (s.n > 0) {
		uint32_t c;

		next(&s, &c);
		if (is_forbidden(c))
			return false;
		ends = text_is_right_to_left(c);
		starts = first ? ends : starts;
		right = right || ends;
		left = left || text_is_left_to_right(c);
		first = false;
	}
	return !right || (!left && starts && ends);
}

static STATUS prepare(struct slice s, struct buf *mapped, struct buf *composed)
{
	STATUS status;

	map(s, mapped);
	status = buf_status(mapped);
	if (status == NOERROR)
		status = text_compose(buf_slice(mapped), composed);
	if (status == NOERROR && !is_allowed(buf_slice(composed)))
		status = POSTIL_ERR_INVALID;
	return status;
}

STATUS saslprep(struct slice s, struct buf *out)
{
	struct buf mapped = BUF_INIT, composed = BUF_INIT;
	STATUS status = text_is_utf8(s) ? NOERROR : POSTIL_ERR_INVALID;

	if (status == NOERROR)
		status = prepare(s, &mapped, &composed);
	if (status == NOERROR) {
		buf_add_slice(out, buf_slice(&composed));
		status = buf_status(out);
	}
	buf_wipe_release(&mapped);
	buf_wipe_release(&composed);
	return status;
}

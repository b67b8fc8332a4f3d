/*
 * Raw items: values packed in the canonical form, little-endian, as the C API
 * describes them (nsfdata.h). Lengths and counts in them are distrusted.
 */
#include "base/dxlnote.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/lmbcs.h"

#include "base/banned.h"

bool dxl_is_packed(uint16_t type)
{
	return type == ITEM_TEXT || type == ITEM_TEXT_LIST || type == ITEM_NUMBER ||
	       type == ITEM_NUMBER_RANGE || type == ITEM_TIME || type == ITEM_TIME_RANGE;
}

static uint16_t word_at(const char *p)
{
	return (uint16_t)((uint8_t)p[0] | (uint8_t)p[1] << 8);
}

static uint32_t dword_at(const char *p)
{
	return (uint32_t)word_at(p) | (uint32_t)word_at(p + 2) << 16;
}

/* A UNID is two TIMEDATEs of two numbers; its text has the second of each first. So both
 * halves are the text's octets from behind. */
void dxl_pack_unid(const struct unid *unid, char out[UNID_OCTETS])
{
	for (size_t i = 0; i < UNID_OCTETS; i++)
		out[i] = (char)unid->octets[i / 8 * 8 + 7 - i % 8];
}

void dxl_unpack_unid(const char packed[UNID_OCTETS], struct unid *unid_r)
{
	for (size_t i = 0; i < UNID_OCTETS; i++)
		unid_r->octets[i] = (uint8_t)packed[i / 8 * 8 + 7 - i % 8];
}

/* Packed text is LMBCS, with a NUL where a line ends. */
static bool text_value(struct slice raw, struct arena *arena, struct slice *value_r)
{
	struct buf text = BUF_INIT;
	bool good;

	lmbcs_to_utf8(raw, &text);
	good = buf_status(&text) == NOERROR && arena_copy(arena, buf_slice(&text), value_r) == NOERROR;
	buf_release(&text);
	return good;
}

/* Eight octets: a double. */
static bool number_value(const char *p, struct arena *arena, struct slice *value_r)
{
	uint64_t bits = (uint64_t)dword_at(p) | (uint64_t)dword_at(p + 4) << 32;
	double number;
	char text[40];
	int n;

	memcpy(&number, &bits, sizeof(number));
	n = snprintf(text, sizeof(text), "%.15g", number);
	return arena_copy(arena, (struct slice){ text, (size_t)n }, value_r) == NOERROR;
}

/* Eight octets: a TIMEDATE; one without a time of day is a date, others are no time. */
static void format_time(const char *p, char text[32])
{
	struct timedate t = { { dword_at(p), dword_at(p + 4) } };
	int64_t ms;

	text[0] = '\0';
	if (timedate_to_wall(t, &ms)) {
		timedate_format_dxl(ms, text);
	} else if (t.innards[0] == UINT32_MAX) {
		t.innards[0] = 0;
		if (timedate_to_wall(t, &ms))
			timedate_format_dxl(ms, text);
		text[strcspn(text, "T")] = '\0';
	}
}

static bool time_value(const char *p, struct arena *arena, struct slice *value_r)
{
	char text[32];

	format_time(p, text);
	return arena_copy(arena, slice_of(text), value_r) == NOERROR;
}

static bool pair_value(const char *p, struct arena *arena, struct slice *value_r)
{
	char text[80], from[32], to[32];

	format_time(p, from);
	format_time(p + 8, to);
	snprintf(text, sizeof(text), "%s/%s", from, to);
	return arena_copy(arena, slice_of(text), value_r) == NOERROR;
}

/* --- lists ------------------------------------------------------------------ */

/* WORD count, WORD length of each, then the texts. */
static bool list_is_whole(struct slice raw, size_t *count_r)
{
	size_t count, at;

	if (raw.n < 2)
		return false;
	count = word_at(raw.p);
	at = 2 + 2 * count;
	if (at > raw.n)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (word_at(raw.p + 2 + 2 * i) > raw.n - at)
			return false;
		at += word_at(raw.p + 2 + 2 * i);
	}
	*count_r = count;
	return true;
}

static bool text_list(struct slice raw, size_t count, struct arena *arena, struct slice *values)
{
	size_t at = 2 + 2 * count;

	for (size_t i = 0; i < count; i++) {
		size_t n = word_at(raw.p + 2 + 2 * i);

		if (!text_value((struct slice){ raw.p + at, n }, arena, &values[i]))
			return false;
		at += n;
	}
	return true;
}

/* RANGE: WORD of single entries, WORD of pairs, then entries of 8 octets. */
static bool range_is_whole(struct slice raw, size_t *singles_r, size_t *pairs_r)
{
	if (raw.n < 4)
		return false;
	*singles_r = word_at(raw.p);
	*pairs_r = word_at(raw.p + 2);
	return raw.n - 4 >= 8 * *singles_r + 16 * *pairs_r;
}

static bool range(struct slice raw, size_t singles, size_t pairs, bool times, struct arena *arena,
                  struct slice *values)
{
	const char *p = raw.p + 4;
	bool ok = true;

	for (size_t i = 0; i < singles && ok; i++, p += 8)
		ok = times ? time_value(p, arena, values++) : number_value(p, arena, values++);
	for (size_t i = 0; i < pairs && ok; i++, p += 16) {
		if (times) {
			ok = pair_value(p, arena, values++);
		} else {
			ok = number_value(p, arena, values++) && number_value(p + 8, arena, values++);
		}
	}
	return ok;
}

/* How many values; false: the octets are not what the type says. */
static bool count_values(struct slice raw, uint16_t type, size_t *count_r, size_t *pairs_r)
{
	*pairs_r = 0;
	*count_r = 1;
	switch (type) {
	case ITEM_TEXT_LIST: return list_is_whole(raw, count_r);
	case ITEM_NUMBER_RANGE: case ITEM_TIME_RANGE:
		return range_is_whole(raw, count_r, pairs_r);
	case ITEM_NUMBER: case ITEM_TIME: return raw.n == 8;
	default: return true;
	}
}

bool dxl_unpack(struct slice raw, struct arena *arena, uint16_t *type, struct slice **values_r,
                size_t *count_r)
{
	size_t count, pairs;
	struct slice *values;

	if (!count_values(raw, *type, &count, &pairs)) {
		*type = ITEM_OBJECT;
		count = 1;
		pairs = 0;
	}
	values = arena_alloc(arena, (count + 2 * pairs + 1) * sizeof(*values));
	if (values == NULL)
		return false;
	*values_r = values;
	*count_r = count + (*type == ITEM_NUMBER_RANGE ? 2 * pairs : pairs);
	switch (*type) {
	case ITEM_TEXT: return text_value(raw, arena, values);
	case ITEM_TEXT_LIST: return text_list(raw, count, arena, values);
	case ITEM_NUMBER: return number_value(raw.p, arena, values);
	case ITEM_TIME: return time_value(raw.p, arena, values);
	case ITEM_NUMBER_RANGE: case ITEM_TIME_RANGE:
		return range(raw, count, pairs, *type == ITEM_TIME_RANGE, arena, values);
	default: values[0] = raw; return true;
	}
}

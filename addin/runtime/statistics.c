/*
 * Stat...: the statistics table, which the host keeps. What other tasks put into
 * it is distrusted: values are taken only with the size their type has.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "addin/api/miscerr.h"
#include "addin/api/osmem.h"
#include "addin/api/stats.h"
#include "addin/runtime/link.h"
#include "addin/runtime/outbox.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/banned.h"

#define TEXT_MAX 2000           /* octets of a VT_TEXT value */
#define QUERY_MAX (64u << 20)   /* of the whole table as text */

/* --- values over the wire ------------------------------------------------------------ */

static void store(unsigned char *p, uint64_t value, size_t octets)
{
	for (size_t i = 0; i < octets; i++)
		p[i] = (unsigned char)(value >> (8 * i));
}

static uint64_t load(const char *p, size_t octets)
{
	uint64_t value = 0;

	for (size_t i = 0; i < octets; i++)
		value |= (uint64_t)(unsigned char)p[i] << (8 * i);
	return value;
}

/* The octets of a value; -1: no such type. Long ones need no copy. */
static int encode(WORD type, const void *value, unsigned char small[8], const void **p_r)
{
	const TIMEDATE *t = value;
	uint64_t bits;

	*p_r = small;
	switch (type) {
	case VT_LONG:
		store(small, (uint32_t)*(const LONG *)value, 4);
		return 4;
	case VT_TIMEDATE:
		store(small, t->Innards[0], 4);
		store(small + 4, t->Innards[1], 4);
		return 8;
	case VT_NUMBER:
		memcpy(&bits, value, sizeof(bits));
		store(small, bits, 8);
		return 8;
	case VT_TEXT:
		*p_r = value;
		return (int)strnlen(value, TEXT_MAX);
	default:
		return -1;
	}
}

union value {
	LONG number;
	TIMEDATE time;
	NUMBER real;
	char text[TEXT_MAX + 1];
};

static bool decode(uint32_t type, struct slice s, union value *value_r)
{
	uint64_t bits;

	switch (type) {
	case VT_LONG:
		if (s.n != 4)
			return false;
		value_r->number = (LONG)(uint32_t)load(s.p, 4);
		return true;
	case VT_TIMEDATE:
		if (s.n != 8)
			return false;
		value_r->time.Innards[0] = (DWORD)load(s.p, 4);
		value_r->time.Innards[1] = (DWORD)load(s.p + 4, 4);
		return true;
	case VT_NUMBER:
		if (s.n != 8)
			return false;
		bits = load(s.p, 8);
		memcpy(&value_r->real, &bits, sizeof(bits));
		return true;
	case VT_TEXT:
		if (s.n > TEXT_MAX)
			s.n = TEXT_MAX;
		memcpy(value_r->text, s.p, s.n);
		value_r->text[s.n] = '\0';
		return true;
	default:
		return false;
	}
}

/* --- changing -------------------------------------------------------------------------- */

STATUS LNPUBLIC StatUpdate(const char *facility, const char *name, WORD flags, WORD type,
                           const void *value)
{
	unsigned char small[8];
	const void *p;
	int n;

	if (facility == NULL || name == NULL || value == NULL)
		return POSTIL_ERR_INVALID;
	if ((flags & ST_ADDITIVE) && type != VT_LONG && type != VT_NUMBER)
		return POSTIL_ERR_INVALID;
	n = encode(type, value, small, &p);
	if (n < 0)
		return POSTIL_ERR_INVALID;
	return outbox_stat_update(facility, name, flags, type, p, (size_t)n);
}

void LNPUBLIC StatDelete(const char *facility, const char *name)
{
	if (facility != NULL && name != NULL)
		outbox_stat_delete(facility, name);
}

STATUS LNPUBLIC StatReset(const char *facility, const char *name)
{
	unsigned char memory[LINK_SMALL];
	struct wire_out out;

	link_begin(&out, memory, sizeof(memory), WIRE_STAT_RESET);
	wire_put_text(&out, facility);
	wire_put_text(&out, name);
	return link_request(&out, NULL);
}

/* --- listing ----------------------------------------------------------------------------- */

struct row {
	char facility[WIRE_NAME_MAX + 1], name[WIRE_NAME_MAX + 1];
	WORD type;
	union value value;
	int64_t updated_ms;
};

typedef STATUS (*row_fn)(void *context, struct row *row);

static STATUS ask_page(const char *facility, const char *name, const struct row *after,
                       struct link_reply *reply_r)
{
	unsigned char memory[2 * LINK_SMALL];
	struct wire_out out;

	link_begin(&out, memory, sizeof(memory), WIRE_STAT_LIST);
	wire_put_text(&out, facility);
	wire_put_text(&out, name);
	wire_put_text(&out, after->facility);
	wire_put_text(&out, after->name);
	return link_request(&out, reply_r);
}

static bool read_row(struct wire_in *in, struct row *row)
{
	struct slice value;
	uint32_t type;

	wire_get_text(in, row->facility, sizeof(row->facility));
	wire_get_text(in, row->name, sizeof(row->name));
	wire_get_u32(in);
	type = wire_get_u32(in);
	value = wire_get_slice(in);
	row->updated_ms = (int64_t)wire_get_u64(in);
	row->type = (WORD)type;
	return decode(type, value, &row->value);
}

/* Every row, page by page; row keeps the place between two pages. */
static STATUS each_row(const char *facility, const char *name, row_fn each, void *context)
{
	struct row row = { .type = 0 };
	STATUS status;
	bool more;

	do {
		struct link_reply reply;

		status = ask_page(facility, name, &row, &reply);
		if (status != NOERROR)
			return status;
		more = (reply.in.flags & WIRE_MORE) != 0 && !wire_at_end(&reply.in);
		while (status == NOERROR && !wire_at_end(&reply.in))
			if (read_row(&reply.in, &row))
				status = each(context, &row);
		link_reply_release(&reply);
	} while (status == NOERROR && more);
	return status;
}

struct traversal {
	STATTRAVERSEPROC routine;
	void *context;
};

static STATUS hand_over(void *context, struct row *row)
{
	const struct traversal *t = context;
	struct row copy = *row;         /* the callee may write to its arguments */

	return t->routine(t->context, copy.facility, copy.name, copy.type, &copy.value);
}

void LNPUBLIC StatTraverse(const char *facility, const char *name, STATTRAVERSEPROC routine,
                           void *context)
{
	struct traversal t = { routine, context };

	each_row(facility, name, hand_over, &t);
}

/* --- as text -------------------------------------------------------------------------------- */

static void time_text(int64_t wall_ms, char *to, size_t size)
{
	time_t t = (time_t)(wall_ms / 1000);
	struct tm tm;

	if (localtime_r(&t, &tm) == NULL || strftime(to, size, "%m/%d/%Y %I:%M:%S %p", &tm) == 0)
		to[0] = '\0';
}

static void timedate_text(const TIMEDATE *t, char *to, size_t size)
{
	struct timedate inner = { .innards = { t->Innards[0], t->Innards[1] } };
	int64_t wall_ms;

	to[0] = '\0';
	if (timedate_to_wall(inner, &wall_ms))
		time_text(wall_ms, to, size);
}

void LNPUBLIC StatToText(const char *facility, const char *name, WORD type, const void *value,
                         char *name_text, WORD name_size, char *value_text, WORD value_size)
{
	if (name_text != NULL && name_size > 0)
		snprintf(name_text, name_size, "%s.%s", facility, name);
	if (value_text == NULL || value_size == 0)
		return;
	switch (type) {
	case VT_LONG:
		snprintf(value_text, value_size, "%" PRId32, *(const LONG *)value);
		break;
	case VT_NUMBER:
		snprintf(value_text, value_size, "%.15g", *(const NUMBER *)value);
		break;
	case VT_TIMEDATE:
		timedate_text(value, value_text, value_size);
		break;
	case VT_TEXT:
		snprintf(value_text, value_size, "%s", (const char *)value);
		break;
	default:
		value_text[0] = '\0';
	}
}

struct query {
	const char *name_prefix, *value_prefix, *line_suffix;
	bool times;
	struct buf text;
};

static STATUS add_row(void *context, struct row *row)
{
	char name[2 * WIRE_NAME_MAX + 2], value[TEXT_MAX + 1], when[64];
	struct query *query = context;

	StatToText(row->facility, row->name, row->type, &row->value, name, sizeof(name), value,
	           sizeof(value));
	buf_add_str(&query->text, query->name_prefix);
	buf_add_str(&query->text, name);
	buf_add_str(&query->text, query->value_prefix);
	buf_add_str(&query->text, value);
	if (query->times) {
		time_text(row->updated_ms, when, sizeof(when));
		buf_addf(&query->text, " [%s]", when);
	}
	buf_add_str(&query->text, query->line_suffix);
	return buf_status(&query->text);
}

static const char *or_empty(const char *text)
{
	return text != NULL ? text : "";
}

static STATUS give_text(struct buf *text, DHANDLE *handle_r, DWORD *length_r)
{
	STATUS status;

	buf_add_char(text, '\0');
	status = buf_status(text);
	if (status == NOERROR)
		status = OSMemAlloc(0, (DWORD)text->n, handle_r);
	if (status != NOERROR)
		return ERR_MEMORY;
	memcpy(OSLockObject(*handle_r), text->p, text->n);
	OSUnlockObject(*handle_r);
	*length_r = (DWORD)text->n - 1;
	return NOERROR;
}

static STATUS query_all(struct query *query, const char *facility, const char *name,
                        const char *header, DHANDLE *handle_r, DWORD *length_r)
{
	STATUS status;

	*handle_r = NULLHANDLE;
	*length_r = 0;
	buf_init(&query->text, QUERY_MAX);
	buf_add_str(&query->text, or_empty(header));
	status = each_row(facility, name, add_row, query);
	if (status == NOERROR)
		status = give_text(&query->text, handle_r, length_r);
	buf_release(&query->text);
	return status;
}

STATUS LNPUBLIC StatQuery(const char *header, const char *name_prefix, const char *value_prefix,
                          const char *line_suffix, DHANDLE *handle_r, DWORD *length_r)
{
	struct query query = { or_empty(name_prefix), or_empty(value_prefix),
	                       or_empty(line_suffix), false, BUF_INIT };

	return query_all(&query, NULL, NULL, header, handle_r, length_r);
}

STATUS LNPUBLIC StatQueryTime(const char *facility, const char *name, const char *header,
                              const char *name_prefix, const char *value_prefix,
                              const char *line_suffix, DHANDLE *handle_r, DWORD *length_r)
{
	struct query query = { or_empty(name_prefix), or_empty(value_prefix),
	                       or_empty(line_suffix), true, BUF_INIT };

	return query_all(&query, facility, name, header, handle_r, length_r);
}

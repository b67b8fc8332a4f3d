/* The statistics table. Distrusts tasks: names, types, lengths and the number
 * of entries are checked, and text is made safe when it is shown. */
#include "addin/host/stat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "addin/host/queue.h"
#include "base/clock.h"
#include "base/banned.h"

static void statistic_free(struct statistic *s)
{
	if (s == NULL)
		return;
	free(s->facility);
	free(s->name);
	buf_release(&s->value);
	free(s);
}

void stat_table_release(struct stat_table *table)
{
	for (size_t i = 0; i < table->count; i++)
		statistic_free(table->sorted[i]);
	free(table->sorted);
	*table = (struct stat_table){ 0 };
}

static int compare_text(const char *a, struct slice b)
{
	int order = strncasecmp(a, b.p, b.n);

	if (order != 0 || b.n == 0)
		return order != 0 ? order : a[0] != '\0';
	return a[b.n] != '\0';
}

static int compare(const struct statistic *s, struct slice facility, struct slice name)
{
	int order = compare_text(s->facility, facility);

	return order != 0 ? order : compare_text(s->name, name);
}

/* Where the entry is (true), or where it would go. */
static bool find(const struct stat_table *table, struct slice facility, struct slice name,
                 size_t *at_r)
{
	size_t low = 0, high = table->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare(table->sorted[middle], facility, name);

		if (order == 0) {
			*at_r = middle;
			return true;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*at_r = low;
	return false;
}

size_t stat_after(const struct stat_table *table, struct slice facility, struct slice name)
{
	size_t at;

	return find(table, facility, name, &at) ? at + 1 : at;
}

static bool is_name(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7F)
			return false;
	return s.n > 0;
}

static bool value_fits(uint32_t type, size_t n)
{
	switch (type) {
	case VT_LONG:
		return n == 4 || n == 8;
	case VT_TEXT:
		return n <= STAT_TEXT_MAX;
	case VT_TIMEDATE:
	case VT_NUMBER:
		return n == 8;
	default:
		return false;
	}
}

static int64_t long_of(struct slice value)
{
	int32_t four;
	int64_t eight;

	if (value.n == 4) {
		memcpy(&four, value.p, 4);
		return four;
	}
	memcpy(&eight, value.p, 8);
	return eight;
}

static double number_of(struct slice value)
{
	double number;

	memcpy(&number, value.p, sizeof(number));
	return number;
}

static STATUS set_value(struct statistic *s, struct slice value)
{
	int64_t number = 0;

	buf_clear(&s->value);
	if (s->type == VT_LONG) {
		number = long_of(value);
		value = (struct slice){ (const char *)&number, sizeof(number) };
	}
	buf_add_slice(&s->value, value);
	s->updated_ms = clock_wall_ms();
	return buf_status(&s->value);
}

static STATUS add_value(struct statistic *s, struct slice value)
{
	int64_t sum;
	double number;

	if (s->type == VT_LONG) {
		sum = (int64_t)((uint64_t)long_of(buf_slice(&s->value)) + (uint64_t)long_of(value));
		return set_value(s, (struct slice){ (const char *)&sum, sizeof(sum) });
	}
	number = number_of(buf_slice(&s->value)) + number_of(value);
	return set_value(s, (struct slice){ (const char *)&number, sizeof(number) });
}

static STATUS insert(struct stat_table *table, size_t at, struct statistic *s)
{
	if (table->count == table->size) {
		size_t size = table->size == 0 ? 64 : table->size * 2;
		struct statistic **sorted = realloc(table->sorted, size * sizeof(struct statistic *));

		if (sorted == NULL)
			return POSTIL_ERR_MEMORY;
		table->sorted = sorted;
		table->size = size;
	}
	memmove(table->sorted + at + 1, table->sorted + at,
	        (table->count - at) * sizeof(struct statistic *));
	table->sorted[at] = s;
	table->count++;
	return NOERROR;
}

static STATUS add_entry(struct stat_table *table, size_t at, struct slice facility,
                        struct slice name)
{
	struct statistic *s;
	STATUS status;

	if (table->count >= STAT_TABLE_MAX)
		return ERR_STAT_POOLFULL;
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return POSTIL_ERR_MEMORY;
	buf_init(&s->value, 0);
	s->facility = strndup(facility.p, facility.n);
	s->name = strndup(name.p, name.n);
	status = s->facility != NULL && s->name != NULL ? insert(table, at, s)
	                                                : POSTIL_ERR_MEMORY;
	if (status != NOERROR)
		statistic_free(s);
	return status;
}

STATUS stat_update(struct stat_table *table, unsigned owner, struct slice facility,
                   struct slice name, uint32_t flags, uint32_t type, struct slice value)
{
	struct statistic *s;
	STATUS status;
	size_t at;
	bool known;

	if (!is_name(facility) || !is_name(name) || !value_fits(type, value.n))
		return POSTIL_ERR_INVALID;
	known = find(table, facility, name, &at);
	if (!known) {
		status = add_entry(table, at, facility, name);
		if (status != NOERROR)
			return status;
	}
	s = table->sorted[at];
	known = known && s->type == (enum stat_type)type && s->value.n > 0;
	s->owner = owner;
	s->flags = flags;
	s->type = (enum stat_type)type;
	if (known && (flags & ST_ADDITIVE) && (type == VT_LONG || type == VT_NUMBER))
		return add_value(s, value);
	return set_value(s, value);
}

STATUS stat_set_number(struct stat_table *table, const char *facility, const char *name,
                       int64_t value)
{
	return stat_update(table, 0, slice_of(facility), slice_of(name), ST_UNIQUE, VT_LONG,
	                   (struct slice){ (const char *)&value, sizeof(value) });
}

STATUS stat_set_text(struct stat_table *table, const char *facility, const char *name,
                     const char *text)
{
	return stat_update(table, 0, slice_of(facility), slice_of(name), ST_UNIQUE, VT_TEXT,
	                   slice_of(text));
}

static void remove_at(struct stat_table *table, size_t at)
{
	statistic_free(table->sorted[at]);
	memmove(table->sorted + at, table->sorted + at + 1,
	        (table->count - at - 1) * sizeof(struct statistic *));
	table->count--;
}

void stat_delete(struct stat_table *table, struct slice facility, struct slice name)
{
	size_t at;

	if (find(table, facility, name, &at))
		remove_at(table, at);
}

void stat_delete_owner(struct stat_table *table, unsigned owner)
{
	size_t kept = 0;

	for (size_t i = 0; i < table->count; i++) {
		if (table->sorted[i]->owner == owner)
			statistic_free(table->sorted[i]);
		else
			table->sorted[kept++] = table->sorted[i];
	}
	table->count = kept;
}

STATUS stat_reset(struct stat_table *table, struct slice facility, struct slice name)
{
	static const char zero[8];
	struct statistic *s;
	size_t at;

	if (!find(table, facility, name, &at))
		return ERR_STAT_NOT_FOUND;
	s = table->sorted[at];
	if (!(s->flags & ST_ADDITIVE) || (s->type != VT_LONG && s->type != VT_NUMBER))
		return ERR_STAT_NOT_SET;
	return set_value(s, (struct slice){ zero, sizeof(zero) });
}

void stat_format_value(const struct statistic *s, const struct log_style *style,
                       struct buf *out)
{
	struct timedate t;
	int64_t ms;

	switch (s->type) {
	case VT_LONG:
		buf_addf(out, "%lld", (long long)long_of(buf_slice(&s->value)));
		break;
	case VT_NUMBER:
		buf_addf(out, "%.15g", number_of(buf_slice(&s->value)));
		break;
	case VT_TIMEDATE:
		memcpy(t.innards, s->value.p, sizeof(t.innards));
		if (timedate_to_wall(t, &ms))
			log_format_time(style, ms, out);
		break;
	case VT_TEXT:
		log_show_text(buf_slice(&s->value), out);
		break;
	}
}

bool wildcard_matches(struct slice pattern, struct slice text)
{
	size_t p = 0, t = 0, star = SIZE_MAX, resume = 0;

	while (t < text.n) {
		if (p < pattern.n && pattern.p[p] == '*') {
			star = p++;
			resume = t;
		} else if (p < pattern.n && (pattern.p[p] == '?'
		           || strncasecmp(pattern.p + p, text.p + t, 1) == 0)) {
			p++;
			t++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			t = ++resume;
		} else {
			return false;
		}
	}
	while (p < pattern.n && pattern.p[p] == '*')
		p++;
	return p == pattern.n;
}

bool stat_matches(const struct statistic *s, struct slice pattern)
{
	char full[2 * 256 + 2];

	if (slice_equal_nocase(pattern, slice_of(s->facility)))
		return true;
	snprintf(full, sizeof(full), "%s.%s", s->facility, s->name);
	/* `show stat pop3.sessions` shows what lies under that name, too. */
	if (pattern.n > 0 && memchr(pattern.p, '*', pattern.n) == NULL
	    && strlen(full) > pattern.n && full[pattern.n] == '.'
	    && slice_equal_nocase(pattern, (struct slice){ full, pattern.n }))
		return true;
	return wildcard_matches(pattern, slice_of(full));
}

/*
 * Notes and items. Names and values come from DXL files, messages and
 * databases and are copied as they are; nothing here interprets them but the
 * hexadecimal and decimal readers, which refuse what they do not know.
 */
#include "base/note.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/text.h"

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

bool unid_parse(struct slice hex, struct unid *unid_r)
{
	struct unid unid;

	if (hex.n != 2 * UNID_OCTETS)
		return false;
	for (size_t i = 0; i < UNID_OCTETS; i++) {
		int high = hex_value(hex.p[2 * i]), low = hex_value(hex.p[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		unid.octets[i] = (uint8_t)(high * 16 + low);
	}
	*unid_r = unid;
	return true;
}

void unid_format(const struct unid *unid, char out[33])
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < UNID_OCTETS; i++) {
		out[2 * i] = digits[unid->octets[i] >> 4];
		out[2 * i + 1] = digits[unid->octets[i] & 15];
	}
	out[2 * UNID_OCTETS] = '\0';
}

/* A UNID must be unique, not secret; the kernel's generator is always at hand. */
STATUS unid_random(struct unid *unid_r)
{
	struct unid unid;
	ssize_t n;

	do
		n = getrandom(unid.octets, sizeof(unid.octets), 0);
	while (n < 0 && errno == EINTR);
	if (n != sizeof(unid.octets))
		return POSTIL_ERR_IO;
	*unid_r = unid;
	return NOERROR;
}

void note_init(struct note *note, struct arena *arena)
{
	*note = (struct note){ .arena = arena, .class = NOTE_CLASS_DOCUMENT };
	note->last = &note->first;
}

static bool copy_values(struct arena *arena, struct item *item,
                        const struct slice *values, size_t count)
{
	if (count == 0)
		return true;
	if (count > SIZE_MAX / sizeof(*values))
		return false;
	item->values = arena_alloc(arena, count * sizeof(*values));
	if (item->values == NULL)
		return false;
	for (size_t i = 0; i < count; i++) {
		item->values[i].p = arena_strndup(arena, values[i].p, values[i].n);
		item->values[i].n = values[i].n;
		if (item->values[i].p == NULL)
			return false;
	}
	item->count = count;
	return true;
}

struct item *note_add(struct note *note, struct slice name, uint16_t type,
                      uint16_t flags, const struct slice *values, size_t count)
{
	struct item *item = arena_alloc(note->arena, sizeof(*item));

	if (item == NULL)
		return NULL;
	item->type = type;
	item->flags = flags;
	item->name = arena_strndup(note->arena, name.p, name.n);
	if (item->name == NULL || !copy_values(note->arena, item, values, count))
		return NULL;
	*note->last = item;
	note->last = &item->next;
	return item;
}

struct item *note_add_blob(struct note *note, struct slice name, uint16_t type, uint16_t flags,
                           const struct slice *values, size_t count,
                           const struct item_blob *blob)
{
	struct item_blob *copy = arena_alloc(note->arena, sizeof(*copy));
	struct item *item = copy == NULL ? NULL : note_add(note, name, type, flags, values, count);

	if (item == NULL)
		return NULL;
	*copy = *blob;
	item->blob = copy;
	return item;
}

struct item *note_add_text(struct note *note, const char *name, struct slice value)
{
	return note_add(note, slice_of(name), ITEM_TEXT, ITEM_SUMMARY, &value, 1);
}

static const struct item *find_from(const struct item *item, const char *name)
{
	for (; item != NULL; item = item->next)
		if (slice_equal_nocase(slice_of(item->name), slice_of(name)))
			return item;
	return NULL;
}

const struct item *note_find(const struct note *note, const char *name)
{
	return find_from(note->first, name);
}

const struct item *note_find_next(const struct item *after, const char *name)
{
	return find_from(after->next, name);
}

/* Is this value the blob's? */
static bool is_blob(const struct item *item, size_t value_index)
{
	return item->blob != NULL && value_index == (item->type == ITEM_OBJECT ? 1 : 0);
}

uint64_t item_size(const struct item *item, size_t value_index)
{
	if (is_blob(item, value_index))
		return item->blob->size_octets;
	return value_index < item->count ? item->values[value_index].n : 0;
}

STATUS item_read(const struct item *item, size_t value_index, uint64_t offset, void *out,
                 size_t size)
{
	uint64_t whole = item_size(item, value_index);

	if (offset > whole || size > whole - offset)
		return POSTIL_ERR_INVALID;
	if (size == 0)
		return NOERROR;
	if (is_blob(item, value_index))
		return item->blob->read(item->blob->context, offset, out, size);
	memcpy(out, item->values[value_index].p + offset, size);
	return NOERROR;
}

struct slice note_text(const struct note *note, const char *name)
{
	const struct item *item = note_find(note, name);

	if (item == NULL || item->count == 0)
		return slice_of(NULL);
	return item->values[0];
}

/* A whole number: sign, digits, and a fraction only if it is zero. */
static bool whole_number(struct slice s, int64_t *value_r)
{
	bool negative = s.n != 0 && s.p[0] == '-';
	size_t digits = 0;
	uint64_t value;

	if (s.n != 0 && (s.p[0] == '-' || s.p[0] == '+'))
		s = (struct slice){ s.p + 1, s.n - 1 };
	while (digits < s.n && s.p[digits] != '.')
		digits++;
	for (size_t i = digits + 1; i < s.n; i++)
		if (s.p[i] != '0')
			return false;
	if (!text_number((struct slice){ s.p, digits }, INT64_MAX, &value))
		return false;
	*value_r = negative ? -(int64_t)value : (int64_t)value;
	return true;
}

bool note_number(const struct note *note, const char *name, int64_t *value_r)
{
	const struct item *item = note_find(note, name);

	if (item == NULL || item->count == 0)
		return false;
	switch (item->type) {
	case ITEM_NUMBER:
	case ITEM_NUMBER_RANGE:
	case ITEM_TEXT:
	case ITEM_TEXT_LIST:
		return whole_number(text_trim(item->values[0]), value_r);
	default:
		return false;
	}
}

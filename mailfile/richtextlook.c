/* Lengths, colours and names of fonts as DXL writes them. All of it is distrusted: what is
 * not understood is not set, and nothing but numbers and plain letters comes out. */
#include "mailfile/richtextmaker.h"

#include <string.h>

#include "base/banned.h"

struct slice rich_cut(struct slice utf8, size_t max_octets)
{
	if (utf8.n > max_octets) {
		utf8.n = max_octets;
		while (utf8.n > 0 && ((unsigned char)utf8.p[utf8.n] & 0xC0) == 0x80)
			utf8.n--;
	}
	return utf8;
}

/* A decimal number in thousandths, and what stands behind it. */
static bool read_number(struct slice *text, int64_t *thousandths_r)
{
	int64_t value = 0, scale = 1000;
	bool negative = text->n > 0 && text->p[0] == '-', any = false, fraction = false;
	size_t i = negative;

	for (; i < text->n; i++) {
		char c = text->p[i];

		if (c == '.' && !fraction) {
			fraction = true;
		} else if (c >= '0' && c <= '9') {
			any = true;
			if (fraction) {
				scale /= 10;
				value += (c - '0') * scale;
			} else if (value < 1000000000) {
				value = value * 10 + (c - '0') * (int64_t)1000;
			}
		} else {
			break;
		}
	}
	*text = (struct slice){ text->p + i, text->n - i };
	*thousandths_r = negative ? -value : value;
	return any;
}

struct rich_length rich_read_length(struct slice text)
{
	static const struct {
		const char *unit;
		int64_t twips;          /* of a thousand units */
	} units[] = {
		{ "in", 1440000 }, { "cm", 566929 }, { "mm", 56693 }, { "pt", 20000 }, { "px", 15000 },
		{ "pc", 240000 }, { "em", 240000 }, { "ex", 120000 }
	};
	struct rich_length length = { 0 };
	int64_t value;

	if (!read_number(&text, &value) || value > 100000000 || value < -100000000)
		return length;
	if (slice_equal(text, SLICE_LIT("%")) && value <= 1000000 && value >= 0) {
		length = (struct rich_length){ (int32_t)(value / 10), true, true };
		return length;
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (slice_equal(text, slice_of(units[i].unit))) {
			length.value = (int32_t)(value * units[i].twips / 1000000);
			length.set = true;
		}
	return length;
}

static uint32_t read_hex(struct slice digits)
{
	uint32_t value = 0;

	for (size_t i = 0; i < digits.n; i++) {
		char c = digits.p[i];
		int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10
		            : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;

		if (digit < 0)
			return 0;
		value = value << 4 | (uint32_t)digit;
		if (digits.n == 3)
			value = value << 4 | (uint32_t)digit;
	}
	return digits.n == 3 || digits.n == 6 ? value | RICH_COLOR_SET : 0;
}

uint32_t rich_read_color(struct slice text)
{
	static const struct {
		const char *name;
		uint32_t rgb;
	} names[] = {
		{ "aqua", 0x00FFFF }, { "black", 0x000000 }, { "blue", 0x0000FF },
		{ "fuchsia", 0xFF00FF }, { "gray", 0x808080 }, { "green", 0x008000 },
		{ "lime", 0x00FF00 }, { "maroon", 0x800000 }, { "navy", 0x000080 },
		{ "olive", 0x808000 }, { "purple", 0x800080 }, { "red", 0xFF0000 },
		{ "silver", 0xC0C0C0 }, { "teal", 0x008080 }, { "white", 0xFFFFFF },
		{ "yellow", 0xFFFF00 }
	};

	if (text.n > 0 && text.p[0] == '#')
		return read_hex((struct slice){ text.p + 1, text.n - 1 });
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (slice_equal_nocase(text, slice_of(names[i].name)))
			return names[i].rgb | RICH_COLOR_SET;
	return 0;
}

/* The default font has no name. A name with anything but letters, digits, blanks and
 * hyphens in it has no business in a style. */
void rich_clean_name(struct slice name, char *out, size_t size)
{
	static const char *const defaults[] = {
		"sans-serif", "multilingual", "user-interface", "Default Sans Serif", "Helv", "Helvetica"
	};
	static const struct {
		const char *name, *as;
	} known[] = {
		{ "Default Serif", "serif" }, { "Default Monospace", "monospace" },
		{ "Tms Rmn", "serif" }, { "Courier", "monospace" }
	};
	size_t n = 0;

	out[0] = '\0';
	for (size_t i = 0; i < sizeof(defaults) / sizeof(*defaults); i++)
		if (slice_equal(name, slice_of(defaults[i])))
			return;
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (slice_equal(name, slice_of(known[i].name)))
			name = slice_of(known[i].as);
	for (; n < name.n && n + 1 < size; n++) {
		char c = name.p[n];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		      c == ' ' || c == '-')) {
			out[0] = '\0';
			return;
		}
		out[n] = c;
	}
	out[n] = '\0';
}

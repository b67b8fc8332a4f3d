/* Log lines as text and as JSON. The text of a line is hostile: it may hold
 * what a client sent, or whatever a task wrote to its standard output. */
#include "addin/host/logformat.h"

#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/banned.h"

static bool is_one_of(const char *value, const char *a, const char *b, const char *c)
{
	return strcasecmp(value, a) == 0 || strcasecmp(value, b) == 0
	       || strcasecmp(value, c) == 0;
}

static char separator(const struct ini *ini, const char *name, char fallback)
{
	const char *value = ini_get(ini, name);

	if (value == NULL || value[0] == '\0' || value[1] != '\0'
	    || strchr("/-.: ", value[0]) == NULL)
		return fallback;
	return value[0];
}

void log_style_read(struct log_style *style, const struct ini *ini)
{
	const char *order = ini_get(ini, "DateOrder"), *clock = ini_get(ini, "ClockType");

	*style = (struct log_style){ .date_order = "MDY" };
	if (order != NULL && is_one_of(order, "MDY", "DMY", "YMD"))
		for (size_t i = 0; i < 3; i++)
			style->date_order[i] = (char)(order[i] & ~0x20);
	style->date_separator = separator(ini, "DateSeparator", '/');
	style->time_separator = separator(ini, "TimeSeparator", ':');
	style->clock_24 = clock != NULL && is_one_of(clock, "24_Hour", "24Hour", "24");
	style->thread_id = ini_get_number(ini, "DEBUG_THREADID", 0) == 1;
}

static struct tm local_time(int64_t wall_ms)
{
	static time_t last = -1;
	static struct tm tm;
	time_t secs = (time_t)(wall_ms / 1000);

	if (secs != last) {
		localtime_r(&secs, &tm);
		last = secs;
	}
	return tm;
}

void log_format_time(const struct log_style *style, int64_t wall_ms, struct buf *out)
{
	struct tm tm = local_time(wall_ms);
	int hour = tm.tm_hour;

	for (size_t i = 0; i < 3; i++) {
		if (i > 0)
			buf_add_char(out, style->date_separator);
		if (style->date_order[i] == 'Y')
			buf_addf(out, "%04d", tm.tm_year + 1900);
		else
			buf_addf(out, "%02d", style->date_order[i] == 'M' ? tm.tm_mon + 1
			                                                  : tm.tm_mday);
	}
	if (!style->clock_24)
		hour = hour % 12 == 0 ? 12 : hour % 12;
	buf_addf(out, " %02d%c%02d%c%02d", hour, style->time_separator, tm.tm_min,
	         style->time_separator, tm.tm_sec);
	if (!style->clock_24)
		buf_add_str(out, tm.tm_hour < 12 ? " AM" : " PM");
}

/* One character of UTF-8 at p: its octets, and its code point in *code_r;
 * 0 when p does not start a well-formed one. */
static size_t utf8_char(const unsigned char *p, size_t n, uint32_t *code_r)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t length = p[0] < 0x80 ? 1 : p[0] < 0xC2 ? 0 : p[0] < 0xE0 ? 2
	                : p[0] < 0xF0 ? 3 : p[0] < 0xF5 ? 4 : 0;
	uint32_t code = length == 1 ? p[0] : p[0] & (0x7Fu >> length);

	if (length == 0 || length > n)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if ((p[i] & 0xC0) != 0x80)
			return 0;
		code = code << 6 | (p[i] & 0x3Fu);
	}
	if (code < least[length] || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
		return 0;
	*code_r = code;
	return length;
}

/* What moves the cursor, ends the line or turns the order of the text around. */
static bool is_harmful(uint32_t code)
{
	return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x200E || code == 0x200F
	       || (code >= 0x2028 && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069)
	       || code == 0xFEFF;
}

static void add_escaped(const char *p, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++)
		buf_addf(out, "\\x%02X", (unsigned char)p[i]);
}

static struct slice without_line_end(struct slice text)
{
	while (text.n > 0 && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
		text.n--;
	return text;
}

void log_show_text(struct slice text, struct buf *out)
{
	size_t step;
	uint32_t code;

	text = without_line_end(text);
	for (size_t i = 0; i < text.n; i += step) {
		step = utf8_char((const unsigned char *)text.p + i, text.n - i, &code);
		if (step == 1 && code == '\n')
			buf_add_str(out, "\n    ");
		else if (step == 1 && code == '\t')
			buf_add_char(out, ' ');
		else if (step > 0 && !is_harmful(code))
			buf_add(out, text.p + i, step);
		else
			add_escaped(text.p + i, step > 0 ? step : 1, out);
		if (step == 0)
			step = 1;
	}
}

void log_format_text(const struct log_style *style, const struct log_record *record,
                     struct buf *out)
{
	if (style->thread_id)
		buf_addf(out, "[%06d:%06u] ", record->pid, (unsigned)record->thread);
	log_format_time(style, record->wall_ms, out);
	buf_add_str(out, "  ");
	log_show_text(record->text, out);
}

static void add_json_string(struct slice text, struct buf *out)
{
	size_t step;
	uint32_t code;

	buf_add_char(out, '"');
	for (size_t i = 0; i < text.n; i += step) {
		step = utf8_char((const unsigned char *)text.p + i, text.n - i, &code);
		if (step == 0) {
			buf_addf(out, "\\\\x%02X", (unsigned char)text.p[i]);
			step = 1;
		} else if (code == '"' || code == '\\') {
			buf_add_char(out, '\\');
			buf_add_char(out, (char)code);
		} else if (code == '\n') {
			buf_add_str(out, "\\n");
		} else if (is_harmful(code)) {
			buf_addf(out, "\\u%04X", (unsigned)code);
		} else {
			buf_add(out, text.p + i, step);
		}
	}
	buf_add_char(out, '"');
}

void log_format_json(const struct log_record *record, struct buf *out)
{
	time_t secs = (time_t)(record->wall_ms / 1000);
	struct tm tm;

	gmtime_r(&secs, &tm);
	buf_addf(out, "{\"time\":\"%04d-%02d-%02dT%02d:%02d:%02d.%03dZ\",\"task\":",
	         tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
	         tm.tm_sec, (int)(record->wall_ms % 1000));
	add_json_string(slice_of(record->task), out);
	buf_addf(out, ",\"pid\":%d", record->pid);
	if (record->thread != 0)
		buf_addf(out, ",\"thread\":%u", (unsigned)record->thread);
	buf_add_str(out, ",\"text\":");
	add_json_string(without_line_end(record->text), out);
	buf_add_char(out, '}');
}

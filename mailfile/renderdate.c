/* Times of items as dates of mail (RFC 5322, 3.3). The text is distrusted; a time keeps the zone that
 * it was written in. */
#include <stdio.h>

#include "base/clock.h"
#include "base/text.h"
#include "mailfile/header.h"
#include "mailfile/renderimpl.h"


/* Minutes east of Greenwich, behind the time: "+0530", "-05"; 0 when there is none. */
static int zone_minutes(struct slice text)
{
	uint64_t hours = 0, minutes = 0;
	size_t i = text.n;
	int all;

	while (i > 0 && text.p[i - 1] >= '0' && text.p[i - 1] <= '9')
		i--;
	if (i == 0 || (text.p[i - 1] != '+' && text.p[i - 1] != '-') || text.n - i < 2)
		return 0;
	text_number((struct slice){ text.p + i, 2 }, 15, &hours);
	if (text.n - i == 4)
		text_number((struct slice){ text.p + i + 2, 2 }, 59, &minutes);
	all = (int)(hours * 60 + minutes);
	return text.p[i - 1] == '-' ? -all : all;
}

/* From "20140808T171833,00+00", which clock.h makes of any time. */
static bool format(int64_t wall_ms, int zone, char out[48])
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	static const char days[] = "ThuFriSatSunMonTueWed";     /* 1970 began on a Thursday */
	char text[32];
	int64_t local = wall_ms + (int64_t)zone * 60000, day;
	uint64_t month, of_month;
	int minutes = zone < 0 ? -zone : zone;

	timedate_format_dxl(local, text);
	if (text[0] == '\0' || !text_number((struct slice){ text + 4, 2 }, 12, &month) ||
	    !text_number((struct slice){ text + 6, 2 }, 31, &of_month))
		return false;
	day = (local - (local % 86400000 + 86400000) % 86400000) / 86400000;
	day = (day % 7 + 7) % 7;
	snprintf(out, 48, "%.3s, %02u %.3s %.4s %.2s:%.2s:%.2s %c%02d%02d", days + 3 * day,
	         (unsigned)of_month, months + 3 * (month - 1), text, text + 9, text + 11,
	         text + 13, zone < 0 ? '-' : '+', minutes / 60, minutes % 60);
	return true;
}

bool render_date_ms(int64_t wall_ms, char out[48])
{
	return format(wall_ms, 0, out);
}

bool render_date(struct slice value, char out[48])
{
	char text[64];
	int64_t ms, secs;

	for (size_t i = 0; i < value.n; i++)            /* the first of a range */
		if (value.p[i] == '/')
			value.n = i;
	value = text_trim(value);
	if (value.n == 0)
		return false;
	if (value.n + sizeof("T000000,00+00") <= sizeof(text)) {
		snprintf(text, sizeof(text), "%.*s", (int)value.n, value.p);
		if (timedate_parse_dxl(text, &ms))
			return format(ms, zone_minutes(value), out);
		snprintf(text, sizeof(text), "%.*sT000000,00+00", (int)value.n, value.p);
		if (value.n == 8 && timedate_parse_dxl(text, &ms))
			return format(ms, 0, out);
	}
	return value.n < 256 && header_date(value, &secs) && secs < INT64_MAX / 1000 &&
	       secs > INT64_MIN / 1000 && format(secs * 1000, 0, out);
}

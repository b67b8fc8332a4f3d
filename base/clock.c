/*
 * Clocks and the two forms of a Notes time. Numbers and texts come from
 * documents and are distrusted: every field is bounded before it is used.
 */
#include "base/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"

#define DAY_MS INT64_C(86400000)
#define JULIAN_1970 INT64_C(2440588)
#define JULIAN_MASK 0x00FFFFFFu
#define NO_TIME 0xFFFFFFFFu
#define DAY_HUNDREDTHS 8640000u
/* years 1 to 9999, all that the text form can show */
#define FIRST_DAY INT64_C(-719162)
#define LAST_DAY INT64_C(2932896)

static _Atomic int64_t fake_mono_ms = -1, fake_wall_ms = -1;

static int64_t read_clock(clockid_t id, _Atomic int64_t *fake)
{
	int64_t faked = atomic_load_explicit(fake, memory_order_relaxed);
	struct timespec now;

	if (faked >= 0)
		return faked;
	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

uint64_t clock_mono_ms(void)
{
	return (uint64_t)read_clock(CLOCK_MONOTONIC, &fake_mono_ms);
}

int64_t clock_wall_secs(void)
{
	return clock_wall_ms() / 1000;
}

int64_t clock_wall_ms(void)
{
	return read_clock(CLOCK_REALTIME, &fake_wall_ms);
}

void clock_fake(int64_t mono_ms, int64_t wall_ms)
{
	atomic_store(&fake_mono_ms, mono_ms);
	atomic_store(&fake_wall_ms, wall_ms);
}

/* Days since 1970 and milliseconds of that day, also before 1970. */
static int64_t split_days(int64_t wall_ms, int64_t *of_day_r)
{
	int64_t of_day = wall_ms % DAY_MS;

	if (of_day < 0)
		of_day += DAY_MS;
	*of_day_r = of_day;
	return (wall_ms - of_day) / DAY_MS;
}

struct timedate timedate_from_wall(int64_t wall_ms)
{
	int64_t of_day, days;

	if (wall_ms < FIRST_DAY * DAY_MS || wall_ms >= (LAST_DAY + 1) * DAY_MS)
		return (struct timedate){ { NO_TIME, JULIAN_MASK } };
	days = split_days(wall_ms, &of_day);
	return (struct timedate){ { (uint32_t)(of_day / 10), (uint32_t)(days + JULIAN_1970) } };
}

bool timedate_to_wall(struct timedate t, int64_t *wall_ms_r)
{
	int64_t julian = t.innards[1] & JULIAN_MASK;

	if (t.innards[0] >= DAY_HUNDREDTHS || julian == JULIAN_MASK)
		return false;
	*wall_ms_r = (julian - JULIAN_1970) * DAY_MS + (int64_t)t.innards[0] * 10;
	return true;
}

/* Gregorian calendar, years counted from 1 March so that the leap day is last. */
static int64_t days_from_date(int64_t year, int64_t month, int64_t day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = y / 400, of_era = y % 400;
	int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void date_from_days(int64_t days, int *year_r, int *month_r, int *day_r)
{
	int64_t d = days + 719468;
	int64_t era = d / 146097, of_era = d % 146097;
	int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * y + y / 4 - y / 100);
	int64_t m = (5 * of_year + 2) / 153;

	*day_r = (int)(of_year - (153 * m + 2) / 5 + 1);
	*month_r = (int)(m < 10 ? m + 3 : m - 9);
	*year_r = (int)(y + era * 400 + (*month_r <= 2));
}

/* Take exactly n digits off the front. */
static bool take_digits(struct slice *s, size_t n, int64_t *value_r)
{
	uint64_t value;

	if (s->n < n || !text_number((struct slice){ s->p, n }, INT64_MAX, &value))
		return false;
	*s = (struct slice){ s->p + n, s->n - n };
	*value_r = (int64_t)value;
	return true;
}

static bool take_char(struct slice *s, char c)
{
	if (s->n == 0 || s->p[0] != c)
		return false;
	*s = (struct slice){ s->p + 1, s->n - 1 };
	return true;
}

static bool take_date(struct slice *s, int64_t *days_r)
{
	int64_t year, month, day, days;
	int y, m, d;

	if (!take_digits(s, 4, &year) || !take_digits(s, 2, &month) || !take_digits(s, 2, &day))
		return false;
	if (year < 1 || month < 1 || month > 12 || day < 1)
		return false;
	days = days_from_date(year, month, day);
	date_from_days(days, &y, &m, &d);       /* 31 June comes back as 1 July */
	*days_r = days;
	return d == day && m == month;
}

static bool take_time(struct slice *s, int64_t *ms_r)
{
	int64_t hour, minute, second, hundredths = 0;

	if (!take_digits(s, 2, &hour) || !take_digits(s, 2, &minute) || !take_digits(s, 2, &second))
		return false;
	if (take_char(s, ',') && !take_digits(s, 2, &hundredths))
		return false;
	if (hour > 23 || minute > 59 || second > 59)
		return false;
	*ms_r = ((hour * 60 + minute) * 60 + second) * 1000 + hundredths * 10;
	return true;
}

/* +HH or +HHMM, east of Greenwich is positive; none is taken as GMT. */
static bool take_zone(struct slice *s, int64_t *ms_r)
{
	int64_t hours, minutes = 0;
	bool west = take_char(s, '-');

	*ms_r = 0;
	if (s->n == 0 && !west)
		return true;
	if (!west && !take_char(s, '+'))
		return false;
	if (!take_digits(s, 2, &hours) || (s->n != 0 && !take_digits(s, 2, &minutes)))
		return false;
	*ms_r = (hours * 60 + minutes) * (west ? -60000 : 60000);
	return s->n == 0 && hours <= 15 && minutes <= 59;
}

bool timedate_parse_dxl(const char *text, int64_t *wall_ms_r)
{
	struct slice s = text_trim(slice_of(text));
	int64_t days, of_day, zone;

	if (!take_date(&s, &days) || !take_char(&s, 'T') || !take_time(&s, &of_day) ||
	    !take_zone(&s, &zone))
		return false;
	*wall_ms_r = days * DAY_MS + of_day - zone;
	return true;
}

void timedate_format_dxl(int64_t wall_ms, char out[32])
{
	int64_t of_day, days;
	int year, month, day, hundredths;

	out[0] = '\0';
	if (wall_ms < FIRST_DAY * DAY_MS || wall_ms >= (LAST_DAY + 1) * DAY_MS)
		return;
	days = split_days(wall_ms, &of_day);
	date_from_days(days, &year, &month, &day);
	hundredths = (int)(of_day / 10);
	snprintf(out, 32, "%04d%02d%02dT%02d%02d%02d,%02d+00", year, month, day,
	         hundredths / 360000, hundredths / 6000 % 60, hundredths / 100 % 60,
	         hundredths % 100);
}

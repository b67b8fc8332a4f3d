/*
 * TIMEDATE: the current time, comparison, arithmetic. A TIMEDATE from elsewhere
 * may hold anything: one without a date or a time is compared as numbers and not
 * added to.
 */
#include <stdbool.h>
#include <time.h>

#include "addin/api/misc.h"
#include "addin/api/ostime.h"
#include "base/clock.h"

#define JULIAN_MASK 0x00FFFFFFu

static bool to_wall(const TIMEDATE *t, int64_t *wall_ms_r)
{
	struct timedate inner = { .innards = { t->Innards[0], t->Innards[1] } };

	return timedate_to_wall(inner, wall_ms_r);
}

static void from_wall(int64_t wall_ms, TIMEDATE *t)
{
	struct timedate inner = timedate_from_wall(wall_ms);

	t->Innards[0] = inner.innards[0];
	t->Innards[1] = inner.innards[1];
}

void LNPUBLIC OSCurrentTIMEDATE(TIMEDATE *t)
{
	from_wall(clock_wall_ms(), t);
}

int LNPUBLIC TimeDateCompare(const TIMEDATE *a, const TIMEDATE *b)
{
	DWORD day_a = a->Innards[1] & JULIAN_MASK, day_b = b->Innards[1] & JULIAN_MASK;

	if (day_a != day_b)
		return day_a > day_b ? 1 : -1;
	if (a->Innards[0] != b->Innards[0])
		return a->Innards[0] > b->Innards[0] ? 1 : -1;
	return 0;
}

LONG LNPUBLIC TimeDateDifference(const TIMEDATE *a, const TIMEDATE *b)
{
	int64_t wall_a, wall_b, secs;

	if (!to_wall(a, &wall_a) || !to_wall(b, &wall_b))
		return 0;
	secs = (wall_a - wall_b) / 1000;
	if (secs > INT32_MAX)
		return INT32_MAX;
	return secs < INT32_MIN ? INT32_MIN : (LONG)secs;
}

/* Whole months first, the day kept within its month, then the rest. */
static bool add_months(int64_t *secs, int months)
{
	static const int days_in[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	time_t t = (time_t)*secs;
	struct tm tm;
	int month, year, last;

	if (gmtime_r(&t, &tm) == NULL)
		return false;
	month = tm.tm_year * 12 + tm.tm_mon + months;
	year = month / 12;
	month %= 12;
	if (month < 0 || year < 0)
		return false;
	last = days_in[month];
	if (month == 1 && (year + 1900) % 4 == 0 &&
	    ((year + 1900) % 100 != 0 || (year + 1900) % 400 == 0))
		last = 29;
	tm.tm_year = year;
	tm.tm_mon = month;
	tm.tm_mday = tm.tm_mday > last ? last : tm.tm_mday;
	*secs = (int64_t)timegm(&tm);
	return true;
}

BOOL LNPUBLIC TimeDateIncrement(TIMEDATE *t, int seconds, int minutes, int hours, int days,
                                int months, int years)
{
	int64_t wall_ms, secs, rest;

	if (!to_wall(t, &wall_ms) || months > 120000 ||
	    months < -120000 || years > 10000 || years < -10000)
		return TRUE;
	secs = wall_ms / 1000;
	rest = wall_ms % 1000;
	if (months + years * 12 != 0 && !add_months(&secs, months + years * 12))
		return TRUE;
	secs += seconds + (int64_t)minutes * 60 + (int64_t)hours * 3600 + (int64_t)days * 86400;
	if (secs < -210866803200 || secs > 253402300799)
		return TRUE;
	from_wall(secs * 1000 + rest, t);
	return FALSE;
}

void LNPUBLIC TimeDateClear(TIMEDATE *t)
{
	t->Innards[0] = t->Innards[1] = MAXDWORD;
}

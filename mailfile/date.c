/* The date of a message (RFC 5322, 3.3 and 4.3), and that of a "From " line. The text
 * is hostile: every number is bounded before it is used. */
#include "mailfile/header.h"
#include "mailfile/mbox.h"

#include <string.h>
#include <strings.h>

#include "base/text.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The next word of a date: letters or digits, or a sign with digits. Comments
 * and other signs between words are passed over. */
static bool next_word(struct slice *rest, struct slice *word_r)
{
	unsigned comment = 0;
	size_t i = 0, start;

	for (; i < rest->n; i++) {
		char c = rest->p[i];

		if (c == '(')
			comment++;
		else if (c == ')' && comment > 0)
			comment--;
		else if (comment == 0 && (is_digit(c) || is_letter(c) || c == '+' || c == '-'))
			break;
	}
	start = i;
	if (i < rest->n)
		i++;
	while (i < rest->n && (is_digit(rest->p[i]) || is_letter(rest->p[i])))
		i++;
	*word_r = (struct slice){ rest->p + start, i - start };
	*rest = (struct slice){ rest->p + i, rest->n - i };
	return word_r->n > 0;
}

static bool number(struct slice s, unsigned max_digits, int *value_r)
{
	int value = 0;

	if (s.n == 0 || s.n > max_digits)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		value = value * 10 + (s.p[i] - '0');
	}
	*value_r = value;
	return true;
}

static bool month_number(struct slice s, int *month_r)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (int i = 0; i < 12 && s.n == 3; i++)
		if (strncasecmp(months + 3 * i, s.p, 3) == 0) {
			*month_r = i + 1;
			return true;
		}
	return false;
}

/* Seconds east of Greenwich. Letters not known mean zero (RFC 5322, 4.3). */
static int zone_secs(struct slice s)
{
	static const struct { const char *name; int hours; } zones[] = {
		{ "EDT", -4 }, { "EST", -5 }, { "CDT", -5 }, { "CST", -6 },
		{ "MDT", -6 }, { "MST", -7 }, { "PDT", -7 }, { "PST", -8 },
	};
	int value;

	if (s.n == 5 && (s.p[0] == '+' || s.p[0] == '-')
	    && number((struct slice){ s.p + 1, 4 }, 4, &value)) {
		int secs = (value / 100 * 60 + value % 100) * 60;

		return s.p[0] == '-' ? -secs : secs;
	}
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++)
		if (slice_equal_nocase(s, slice_of(zones[i].name)))
			return zones[i].hours * 3600;
	return 0;
}

/* Days from 1970-01-01 in the Gregorian calendar. */
static int64_t days_from_civil(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int full_year(int year, size_t digits)
{
	if (digits == 2)
		return year < 50 ? 2000 + year : 1900 + year;
	return digits == 3 ? 1900 + year : year;
}

bool header_date(struct slice value, int64_t *secs_r)
{
	struct slice word;
	int day, month, year, hour, minute, second = 0, zone = 0;

	if (!next_word(&value, &word))
		return false;
	if (!number(word, 2, &day) && (!next_word(&value, &word) || !number(word, 2, &day)))
		return false;
	if (!next_word(&value, &word) || !month_number(word, &month)
	    || !next_word(&value, &word) || !number(word, 4, &year))
		return false;
	year = full_year(year, word.n);
	if (!next_word(&value, &word) || !number(word, 2, &hour)
	    || !next_word(&value, &word) || !number(word, 2, &minute))
		return false;
	if (next_word(&value, &word)) {
		if (number(word, 2, &second)) {
			if (next_word(&value, &word))
				zone = zone_secs(word);
		} else {
			zone = zone_secs(word);
		}
	}
	if (day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60)
		return false;
	*secs_r = days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60
	          + second - zone;
	return true;
}

/* --- "From jane@example.com Thu Nov 26 15:14:25 2026" ------------------------------ */

static bool is_weekday(struct slice s)
{
	static const char days[] = "SunMonTueWedThuFriSat";

	for (int i = 0; i < 7 && s.n == 3; i++)
		if (strncasecmp(days + 3 * i, s.p, 3) == 0)
			return true;
	return false;
}

/* HH:MM or HH:MM:SS */
static bool clock_time(struct slice s, int *secs_r)
{
	int part[3] = { 0, 0, 0 };
	int count = 0;

	for (; count < 3; count++) {
		const char *colon = s.n != 0 ? memchr(s.p, ':', s.n) : NULL;
		struct slice digits = { s.p, colon != NULL ? (size_t)(colon - s.p) : s.n };

		if (!number(digits, 2, &part[count]))
			return false;
		if (colon == NULL)
			break;
		s = (struct slice){ colon + 1, s.n - digits.n - 1 };
	}
	*secs_r = part[0] * 3600 + part[1] * 60 + part[2];
	return count >= 1 && count < 3 && part[0] < 24 && part[1] < 60 && part[2] <= 60;
}

/* From the month on. */
static bool asctime_date(struct slice rest, int64_t *secs_r)
{
	int month, day, secs, year, zone = 0;
	struct slice word;

	if (!month_number(text_word(&rest), &month) || !number(text_word(&rest), 2, &day)
	    || !clock_time(text_word(&rest), &secs))
		return false;
	word = text_word(&rest);
	if (!number(word, 4, &year)) {
		zone = zone_secs(word);
		word = text_word(&rest);
		if (!number(word, 4, &year))
			return false;
	} else {
		zone = zone_secs(text_word(&rest));
	}
	if (day < 1 || day > 31 || word.n != 4)
		return false;
	*secs_r = days_from_civil(year, month, day) * 86400 + secs - zone;
	return true;
}

bool mbox_from_date(struct slice line, int64_t *secs_r)
{
	struct slice word;

	do {
		word = text_word(&line);
		if (is_weekday(word) && asctime_date(line, secs_r))
			return true;
	} while (word.n > 0);
	return false;
}

#include <stdio.h>
#include <string.h>
#include <sys/timex.h>
#include <time.h>

#include "clock.h"

enum { NS_PER_S = 1000000000, DAY_S = 86400 };

int64_t
rtta_clock_mono_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
rtta_clock_real_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

bool
rtta_clock_is_synced(void)
{
	struct timex timex = { .modes = 0 };

	return adjtimex(&timex) >= 0 && !(timex.status & STA_UNSYNC);
}

int64_t
rtta_clock_set_ns(int64_t *offset_ns)
{
	int64_t now_ns = rtta_clock_real_ns() - rtta_clock_mono_ms() * 1000000;
	int64_t set_ns = *offset_ns != 0 ? now_ns - *offset_ns : 0;

	*offset_ns = now_ns;
	return set_ns >= NS_PER_S || set_ns <= -NS_PER_S ? set_ns : 0;
}

void
rtta_clock_deadline(struct timespec *deadline, int ms)
{
	clock_gettime(CLOCK_MONOTONIC, deadline);
	deadline->tv_sec += ms / 1000;
	deadline->tv_nsec += ms % 1000 * 1000000L;
	if (deadline->tv_nsec >= 1000000000L) {
		deadline->tv_sec++;
		deadline->tv_nsec -= 1000000000L;
	}
}

int
rtta_clock_sooner(int a_ms, int b_ms)
{
	if (a_ms < 0 || b_ms < 0)
		return a_ms < 0 ? b_ms : a_ms;
	return a_ms < b_ms ? a_ms : b_ms;
}

/*
 * Days since 1970 and the date, in the calendar of RFC 3339.  By hand:
 * gmtime_r() and timegm() look at the time zone each time, under a lock.
 * Years are counted from March, so that a leap day is the last of its year.
 */
static int64_t
days_of_date(int64_t year, int month, int day)
{
	int64_t era;

	year -= month <= 2;
	era = (year >= 0 ? year : year - 399) / 400;
	year -= era * 400;
	return era * 146097 + year * 365 + year / 4 - year / 100 +
	    (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1 - 719468;
}

static void
date_of_days(int64_t days, int64_t *year, int *month, int *day)
{
	int64_t era, of_era, of_year;
	int from_march;

	days += 719468;
	era = (days >= 0 ? days : days - 146096) / 146097;
	of_era = days - era * 146097;
	*year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	of_year = of_era - (365 * *year + *year / 4 - *year / 100);
	from_march = (int)(5 * of_year + 2) / 153;
	*day = (int)of_year - (153 * from_march + 2) / 5 + 1;
	*month = from_march + (from_march < 10 ? 3 : -9);
	*year += era * 400 + (*month <= 2);
}

/* So many digits and what stands behind them; returns what comes next. */
static char *
put_digits(char *text, int64_t number, int digits, char behind)
{
	for (int i = digits; i-- > 0; number /= 10)
		text[i] = (char)('0' + number % 10);
	text[digits] = behind;
	return text + digits + 1;
}

char *
rtta_clock_format(char text[RTTA_CLOCK_TEXT_BYTES], int64_t real_ns)
{
	int64_t part_ns = real_ns % NS_PER_S, seconds = real_ns / NS_PER_S, days, year;
	int month, day;
	char *at = text;

	if (part_ns < 0) {
		part_ns += NS_PER_S;
		seconds--;
	}
	days = seconds / DAY_S;
	seconds %= DAY_S;
	if (seconds < 0) {
		seconds += DAY_S;
		days--;
	}
	date_of_days(days, &year, &month, &day);
	at = put_digits(at, year, 4, '-');
	at = put_digits(at, month, 2, '-');
	at = put_digits(at, day, 2, 'T');
	at = put_digits(at, seconds / 3600, 2, ':');
	at = put_digits(at, seconds / 60 % 60, 2, ':');
	at = put_digits(at, seconds % 60, 2, '.');
	at = put_digits(at, part_ns / 1000, 6, 'Z');
	*at = '\0';
	return text;
}

/* So many digits, at most max, and what stands behind them (0: anything).
 * Returns what comes next; NULL: it is something else. */
static const char *
get_digits(const char *text, int digits, int max, char behind, int *number)
{
	if (text == NULL)
		return NULL;
	*number = 0;
	for (int i = 0; i < digits; i++, text++) {
		if (*text < '0' || *text > '9')
			return NULL;
		*number = *number * 10 + *text - '0';
	}
	if (*number > max || (behind != 0 && *text != behind))
		return NULL;
	return text + (behind != 0);
}

/* ".5" is 500,000,000 ns.  Returns the text behind, NULL when malformed. */
static const char *
parse_decimals(const char *text, int64_t *part_ns)
{
	int64_t unit = NS_PER_S;
	const char *start;

	*part_ns = 0;
	if (*text != '.')
		return text;
	start = ++text;
	for (; *text >= '0' && *text <= '9' && text - start < 9; text++) {
		unit /= 10;
		*part_ns += (*text - '0') * unit;
	}
	return text == start ? NULL : text;
}

static int
parse_offset(const char *text, int *offset_s)
{
	int hours, minutes, used = 0;

	*offset_s = 0;
	if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0)
		return 0;
	if (*text != '+' && *text != '-')
		return -1;
	if (sscanf(text + 1, "%2d:%2d%n", &hours, &minutes, &used) != 2 ||
	    used != 5 || text[6] != '\0' || hours < 0 || minutes < 0)
		return -1;
	*offset_s = (hours * 60 + minutes) * 60 * (*text == '-' ? -1 : 1);
	return 0;
}

int
rtta_clock_parse(const char *text, int64_t *real_ns)
{
	int year, month, day, hours, minutes, seconds, offset_s;
	int64_t part_ns;
	const char *rest;

	rest = get_digits(text, 4, 2200, '-', &year);  /* which still fits into 64 bits */
	rest = get_digits(rest, 2, 12, '-', &month);
	rest = get_digits(rest, 2, 31, 'T', &day);
	rest = get_digits(rest, 2, 23, ':', &hours);
	rest = get_digits(rest, 2, 59, ':', &minutes);
	rest = get_digits(rest, 2, 60, 0, &seconds);
	if (rest == NULL || (rest = parse_decimals(rest, &part_ns)) == NULL ||
	    parse_offset(rest, &offset_s) < 0 || year < 1970 || month == 0 || day == 0)
		return -1;
	*real_ns = (days_of_date(year, month, day) * DAY_S + hours * 3600 + minutes * 60 +
	    seconds - offset_s) * NS_PER_S + part_ns;
	return 0;
}

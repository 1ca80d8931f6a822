#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "clock.h"

enum { NS_PER_S = 1000000000 };

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

char *
rtta_clock_format(char text[RTTA_CLOCK_TEXT_BYTES], int64_t real_ns)
{
	int64_t part_ns = real_ns % NS_PER_S;
	time_t seconds = (time_t)(real_ns / NS_PER_S);
	struct tm tm;
	size_t len;

	if (part_ns < 0) {
		part_ns += NS_PER_S;
		seconds--;
	}
	gmtime_r(&seconds, &tm);
	len = strftime(text, RTTA_CLOCK_TEXT_BYTES, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + len, RTTA_CLOCK_TEXT_BYTES - len, ".%06dZ",
	    (int)(part_ns / 1000));
	return text;
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
	struct tm tm = {0};
	int64_t part_ns;
	const char *rest;
	int offset_s;

	rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	if (rest == NULL || (rest = parse_decimals(rest, &part_ns)) == NULL ||
	    parse_offset(rest, &offset_s) < 0)
		return -1;
	if (tm.tm_year < 70 || tm.tm_year > 300)
		return -1;  /* 2200 still fits into 64 bits of ns */
	*real_ns = ((int64_t)timegm(&tm) - offset_s) * NS_PER_S + part_ns;
	return 0;
}

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "log.h"
#include "opt.h"

static const char *nats_url;

void
rtta_opt_fail(const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ')
			*c = '?';
	rtta_log_error("%s (see %s --help)", text, rtta_log_name());
	exit(EX_USAGE);
}

/* stdout is data, also for --help: a full disk must not pass for success. */
static void
print_and_exit(const char *text)
{
	if (fputs(text, stdout) == EOF || fflush(stdout) == EOF) {
		rtta_log_error("stdout: %s", strerror(errno));
		exit(EX_IOERR);
	}
	exit(0);
}

static void
build_short(char *str, const struct option *table)
{
	*str++ = ':';
	for (; table->name != NULL; table++) {
		if (table->val <= ' ' || table->val > '~')
			continue;
		*str++ = (char)table->val;
		if (table->has_arg != no_argument)
			*str++ = ':';
	}
	*str = '\0';
}

int
rtta_opt_next(int argc, char *argv[], const struct option *table,
    const char *help)
{
	char letters[256];
	int at, c;

	build_short(letters, table);
	opterr = 0;
	for (;;) {
		at = optind;
		c = getopt_long(argc, argv, letters, table, NULL);
		switch (c) {
		case 'h':
			print_and_exit(help);
			break;
		case 'V':
			printf("%s %s\n", rtta_log_name(), RTTA_VERSION);
			print_and_exit("");
			break;
		case 'q':
			rtta_log_set_level(RTTA_LOG_WARNING);
			break;
		case 'v':
			rtta_log_set_level(RTTA_LOG_DEBUG);
			break;
		case 'N':
			nats_url = optarg;
			break;
		case ':':
			rtta_opt_fail("%s needs a value", argv[at]);
		case '?':
			rtta_opt_fail("unknown option %s", argv[at]);
		default:
			return c;
		}
	}
}

double
rtta_opt_double(const char *flag, const char *text, double min, double max)
{
	char *end;
	double value;

	errno = 0;
	value = strtod(text, &end);
	if (end == text || *end != '\0' || errno != 0 || !isfinite(value) ||
	    value < min || value > max)
		rtta_opt_fail("%s %s: not a number from %g to %g", flag, text,
		    min, max);
	return value;
}

int64_t
rtta_opt_int(const char *flag, const char *text, int64_t min, int64_t max)
{
	char *end;
	long long value;

	errno = 0;
	value = strtoll(text, &end, 10);
	if (end == text || *end != '\0' || errno != 0 || value < min ||
	    value > max)
		rtta_opt_fail("%s %s: not a whole number from %lld to %lld",
		    flag, text, (long long)min, (long long)max);
	return value;
}

struct unit {
	const char *suffix;
	int64_t factor;
};

/* A whole number and one of the units; -1 when it is not. */
static int64_t
parse_with_unit(const char *text, const struct unit *units)
{
	long long value;
	char *end;

	errno = 0;
	value = strtoll(text, &end, 10);
	if (end == text || errno != 0 || value < 0)
		return -1;
	for (; units->suffix != NULL; units++)
		if (strcmp(end, units->suffix) == 0 &&
		    value <= INT64_MAX / units->factor)
			return value * units->factor;
	return -1;
}

int64_t
rtta_opt_duration_ms(const char *flag, const char *text, int64_t min_ms,
    int64_t max_ms)
{
	static const struct unit units[] = {
		{ "", 1000 }, { "s", 1000 }, { "ms", 1 }, { "m", 60000 },
		{ "h", 3600000 }, { "d", 86400000 }, { NULL, 0 }
	};
	int64_t value_ms = parse_with_unit(text, units);

	if (value_ms < min_ms || value_ms > max_ms)
		rtta_opt_fail("%s %s: not a time from %g s to %g s, such as "
		    "90s, 15m, 2h or 7d", flag, text, (double)min_ms / 1000,
		    (double)max_ms / 1000);
	return value_ms;
}

int64_t
rtta_opt_bytes(const char *flag, const char *text, int64_t min, int64_t max)
{
	static const struct unit units[] = {
		{ "", 1 }, { "K", 1LL << 10 }, { "M", 1LL << 20 },
		{ "G", 1LL << 30 }, { "T", 1LL << 40 }, { NULL, 0 }
	};
	int64_t value = parse_with_unit(text, units);

	if (value < min || value > max)
		rtta_opt_fail("%s %s: not a size from %lld to %lld bytes, such "
		    "as 64K, 512M or 2G", flag, text, (long long)min,
		    (long long)max);
	return value;
}

const char *
rtta_opt_env(const char *name, const char *fallback)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0' ? value : fallback;
}

const char *
rtta_opt_nats_url(void)
{
	if (nats_url != NULL)
		return nats_url;
	return rtta_opt_env("RTTA_NATS_URL", "nats://127.0.0.1:4222");
}

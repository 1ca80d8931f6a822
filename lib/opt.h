/*
 * opt - options of a command line, the same way in every tool.
 *
 * One table per tool; the short string is built from it.  Common options
 * are handled inside.  A wrong option is one line on stderr and exit 64:
 * that is this module's job, and nothing else in lib/ exits for input.
 * A flag beats the environment, which beats the default.
 */
#ifndef RTTA_OPT_H
#define RTTA_OPT_H

#include <getopt.h>
#include <stdint.h>

#define RTTA_OPT_COMMON							\
	{ "help", no_argument, NULL, 'h' },				\
	{ "quiet", no_argument, NULL, 'q' },				\
	{ "verbose", no_argument, NULL, 'v' },				\
	{ "version", no_argument, NULL, 'V' },				\
	{ NULL, 0, NULL, 0 }
#define RTTA_OPT_COMMON_HELP						\
    "  -h, --help       print this and exit\n"				\
    "  -q, --quiet      warnings and errors only\n"			\
    "  -v, --verbose    every message\n"				\
    "  -V, --version    print the version and exit\n"

/* Before RTTA_OPT_COMMON, for tools on the bus. */
#define RTTA_OPT_BUS							\
	{ "nats-url", required_argument, NULL, 'N' },
#define RTTA_OPT_BUS_HELP						\
    "  -N, --nats-url URL  the bus (RTTA_NATS_URL; nats://127.0.0.1:4222)\n"

/*
 * The next option of the tool's own, as getopt_long(3) returns it, or -1.
 * Long-only options have a val above 255.
 */
int rtta_opt_next(int argc, char *argv[], const struct option *table,
    const char *help);

/* Complain about the command line in one line and exit 64. */
void rtta_opt_fail(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), noreturn));

/* Whole numbers with a range; the message gives flag, text and range. */
double rtta_opt_double(const char *flag, const char *text, double min, double max);
int64_t rtta_opt_int(const char *flag, const char *text, int64_t min, int64_t max);

/* "90", "90s", "15m", "2h", "7d": milliseconds; range given in ms. */
int64_t rtta_opt_duration_ms(const char *flag, const char *text, int64_t min_ms,
    int64_t max_ms);

/* "64K", "512M", "2G" or plain bytes. */
int64_t rtta_opt_bytes(const char *flag, const char *text, int64_t min, int64_t max);

/* The value of the environment variable, or fallback when unset or empty. */
const char *rtta_opt_env(const char *name, const char *fallback);

/* --nats-url, RTTA_NATS_URL, or nats://127.0.0.1:4222. */
const char *rtta_opt_nats_url(void);

#endif

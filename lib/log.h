/*
 * log - lines for people and the journal, on stderr.
 *
 * error: we are leaving (said once, by main).  warning: something was lost
 * or is being retried.  info: a state changed.  debug: per message.
 * Under systemd (JOURNAL_STREAM names stderr) a line starts with "<N>", the
 * syslog level of sd-daemon(3); elsewhere with the program's name.
 * All verbs keep errno, write one line with one write(2), and may be called
 * from any thread.
 */
#ifndef RTTA_LOG_H
#define RTTA_LOG_H

#include <stdint.h>

enum rtta_log_level {
	RTTA_LOG_ERROR,
	RTTA_LOG_WARNING,
	RTTA_LOG_INFO,
	RTTA_LOG_DEBUG
};

/* First call of main.  name is kept, not copied.  Level starts at info. */
void rtta_log_open(const char *name);
const char *rtta_log_name(void);
void rtta_log_set_level(enum rtta_log_level level);

void rtta_log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void rtta_log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void rtta_log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void rtta_log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * A warning that each of many messages may cause: one in ten seconds is
 * written, which says how many were kept back.  Starts zeroed; for one thread.
 */
struct rtta_log_damper {
	int64_t until_ms;
	unsigned kept_back;
};
void rtta_log_warn_damped(struct rtta_log_damper *damper, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * A warning that comes again and again as long as something is away: with the
 * same key it is written three times, then once in a minute, which says how
 * many were kept back.  A minute without it, or another key, and it is news.
 * Starts zeroed; for one thread.
 */
struct rtta_log_refrain {
	char key[128];
	unsigned times, kept_back;
	int64_t said_ms, came_ms;
};
void rtta_log_warn_again(struct rtta_log_refrain *refrain, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif

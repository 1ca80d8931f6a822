#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"

enum {
	DAMPED_MS = 10000,
	REFRAIN_MS = 60000,
	REFRAIN_TIMES = 3
};

static const char *log_name = "rtta";
static enum rtta_log_level log_level = RTTA_LOG_INFO;
static bool to_journal;

/* JOURNAL_STREAM is "device:inode" of the journal's socket: systemd.exec(5). */
static bool
stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream != NULL &&
	    sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	    fstat(STDERR_FILENO, &st) == 0 &&
	    st.st_dev == device && st.st_ino == inode;
}

void
rtta_log_open(const char *name)
{
	log_name = name;
	to_journal = stderr_is_journal();
}

const char *
rtta_log_name(void)
{
	return log_name;
}

void
rtta_log_set_level(enum rtta_log_level level)
{
	log_level = level;
}

static void __attribute__((format(printf, 2, 0)))
log_line(enum rtta_log_level level, const char *fmt, va_list ap)
{
	static const struct {
		const char *journal, *word;
	} style[] = {
		[RTTA_LOG_ERROR] = { "<3>", "" },
		[RTTA_LOG_WARNING] = { "<4>", "warning: " },
		[RTTA_LOG_INFO] = { "<6>", "" },
		[RTTA_LOG_DEBUG] = { "<7>", "debug: " },
	};
	int saved = errno;
	char line[1024];
	size_t used;
	int len;

	if (level > log_level)
		return;
	if (to_journal)
		len = snprintf(line, sizeof(line), "%s", style[level].journal);
	else
		len = snprintf(line, sizeof(line), "%s: %s", log_name,
		    style[level].word);
	used = (size_t)len;
	len = vsnprintf(line + used, sizeof(line) - used, fmt, ap);
	if (len > 0)
		used += (size_t)len;
	if (used > sizeof(line) - 2)
		used = sizeof(line) - 2;
	line[used++] = '\n';
	if (write(STDERR_FILENO, line, used) < 0) {
		/* There is nobody left to tell. */
	}
	errno = saved;
}

#define LOG_VERB(verb, level)						\
void									\
rtta_log_##verb(const char *fmt, ...)					\
{									\
	va_list ap;							\
									\
	va_start(ap, fmt);						\
	log_line(level, fmt, ap);					\
	va_end(ap);							\
}

LOG_VERB(error, RTTA_LOG_ERROR)
LOG_VERB(warn, RTTA_LOG_WARNING)
LOG_VERB(info, RTTA_LOG_INFO)
LOG_VERB(debug, RTTA_LOG_DEBUG)

void
rtta_log_warn_damped(struct rtta_log_damper *damper, const char *fmt, ...)
{
	int64_t now_ms = rtta_clock_mono_ms();
	char text[512];
	va_list ap;

	if (now_ms < damper->until_ms) {
		damper->kept_back++;
		return;
	}
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (damper->kept_back > 0)
		rtta_log_warn("%s (and %u more before)", text, damper->kept_back);
	else
		rtta_log_warn("%s", text);
	*damper = (struct rtta_log_damper){ .until_ms = now_ms + DAMPED_MS };
}

static bool
is_news(struct rtta_log_refrain *refrain, const char *key, int64_t now_ms)
{
	bool same = strncmp(refrain->key, key, sizeof(refrain->key) - 1) == 0 &&
	    now_ms - refrain->came_ms < REFRAIN_MS;

	if (!same) {
		*refrain = (struct rtta_log_refrain){0};
		snprintf(refrain->key, sizeof(refrain->key), "%s", key);
	}
	refrain->came_ms = now_ms;
	if (refrain->times < REFRAIN_TIMES) {
		refrain->times++;
		return true;
	}
	return now_ms - refrain->said_ms >= REFRAIN_MS;
}

void
rtta_log_warn_again(struct rtta_log_refrain *refrain, const char *key, const char *fmt, ...)
{
	int64_t now_ms = rtta_clock_mono_ms();
	char text[512];
	va_list ap;

	if (!is_news(refrain, key, now_ms)) {
		refrain->kept_back++;
		return;
	}
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (refrain->kept_back > 0)
		rtta_log_warn("%s (and %u more before)", text, refrain->kept_back);
	else
		rtta_log_warn("%s", text);
	refrain->said_ms = now_ms;
	refrain->kept_back = 0;
}

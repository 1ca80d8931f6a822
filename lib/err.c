#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "err.h"
#include "log.h"

/* What came from outside must not break the line it is reported on. */
static void
make_one_line(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

static void __attribute__((format(printf, 4, 0)))
record(struct rtta_err *err, int exit_code, int errnum, const char *fmt,
    va_list ap)
{
	size_t len;

	if (err->exit_code != 0)
		return;
	err->exit_code = exit_code;
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	if (errnum != 0) {
		len = strlen(err->text);
		snprintf(err->text + len, sizeof(err->text) - len, ": %s",
		    strerror(errnum));
	}
	make_one_line(err->text);
}

int
rtta_err_set(struct rtta_err *err, int exit_code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	record(err, exit_code, 0, fmt, ap);
	va_end(ap);
	return -1;
}

int
rtta_err_sys(struct rtta_err *err, int exit_code, const char *fmt, ...)
{
	int errnum = errno;
	va_list ap;

	va_start(ap, fmt);
	record(err, exit_code, errnum, fmt, ap);
	va_end(ap);
	return -1;
}

void
rtta_err_clear(struct rtta_err *err)
{
	err->exit_code = 0;
	err->text[0] = '\0';
}

int
rtta_err_exit(const struct rtta_err *err)
{
	if (err->exit_code != 0 && err->text[0] != '\0')
		rtta_log_error("%s", err->text);
	return err->exit_code;
}

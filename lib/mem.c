#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "log.h"
#include "mem.h"

static void *
there(void *ptr)
{
	if (ptr == NULL) {
		rtta_log_error("out of memory");
		exit(EX_OSERR);
	}
	return ptr;
}

void *
rtta_xcalloc(size_t count, size_t size)
{
	return there(calloc(count ? count : 1, size ? size : 1));
}

void *
rtta_xreallocarray(void *ptr, size_t count, size_t size)
{
	return there(reallocarray(ptr, count ? count : 1, size ? size : 1));
}

char *
rtta_xstrdup(const char *str)
{
	return there(strdup(str));
}

void *
rtta_xmemdup(const void *ptr, size_t size)
{
	void *copy = there(malloc(size ? size : 1));

	if (size > 0)
		memcpy(copy, ptr, size);
	return copy;
}

char *
rtta_xasprintf(const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	return there(text);
}

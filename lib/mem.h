/*
 * mem - memory that is there or the process is not.
 *
 * Without memory these exit with 71 (EX_OSERR): a thousand branches that no
 * test reaches are worse.  Sizes that come from outside are checked against
 * a limit before they get here.  Results are freed with free(3).
 */
#ifndef RTTA_MEM_H
#define RTTA_MEM_H

#include <stddef.h>

void *rtta_xcalloc(size_t count, size_t size);
void *rtta_xreallocarray(void *ptr, size_t count, size_t size);
char *rtta_xstrdup(const char *str);
void *rtta_xmemdup(const void *ptr, size_t size);  /* size 0: one byte */
char *rtta_xasprintf(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));

#endif

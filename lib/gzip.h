/*
 * gzip - bytes made smaller, for who said that it can read them.
 *
 * zlib's, at once and in memory.
 */
#ifndef RTTA_GZIP_H
#define RTTA_GZIP_H

#include <stddef.h>

/* zlib's levels: for what is sent once, and for what is sent often. */
enum { RTTA_GZIP_FAST = 1, RTTA_GZIP_BEST = 9 };

/* A gzip file of data; the caller frees it.  *bytes becomes its length. */
char *rtta_gzip(const char *data, size_t *bytes, int level);

#endif

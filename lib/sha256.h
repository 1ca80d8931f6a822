/*
 * sha256 - the digest of FIPS 180-4, for files that must be what they were.
 *
 * Not for secrets: nothing here runs in constant time.
 */
#ifndef RTTA_SHA256_H
#define RTTA_SHA256_H

#include <stddef.h>

struct rtta_err;

enum { RTTA_SHA256_HEX_BYTES = 65 };

/* 64 lowercase hex digits and a NUL; returns hex. */
char *rtta_sha256_hex(char hex[RTTA_SHA256_HEX_BYTES], const void *data,
    size_t bytes);

/* The same of a file.  0, or -1 with EX_NOINPUT naming it. */
int rtta_sha256_file(char hex[RTTA_SHA256_HEX_BYTES], const char *path,
    struct rtta_err *err);

#endif

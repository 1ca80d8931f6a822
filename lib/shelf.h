/*
 * shelf - transcripts as files, kept until they have changed.
 *
 * Formatting a long session takes as long as a text to a thousand readers:
 * who asks for the same file again, or whether it is another one by now, gets
 * what was made before.  A few files, and not more bytes than the limit but
 * for the newest one.  Pure.
 */
#ifndef RTTA_SHELF_H
#define RTTA_SHELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format.h"
#include "http.h"

struct rtta_shelf;

enum { RTTA_SHELF_FILES = 8, RTTA_SHELF_MAX_BYTES = 32 << 20 };

/* What a file is of: version names one state of one transcript. */
struct rtta_shelf_key {
	uint64_t version;
	enum rtta_format format;
	bool times;
};

struct rtta_shelf_file {
	struct rtta_shelf_key key;
	char etag[RTTA_HTTP_ETAG_BYTES];
	char *text, *gzip;             /* gzip: rtta_shelf_gzip() */
	size_t bytes, gzip_bytes;
};

struct rtta_shelf *rtta_shelf_new(void);
void rtta_shelf_free(struct rtta_shelf *shelf);  /* NULL is allowed */

/* The file, borrowed until the next one is put there; NULL: there is none. */
struct rtta_shelf_file *rtta_shelf_find(struct rtta_shelf *shelf,
    const struct rtta_shelf_key *key);

/* Takes text.  The oldest ones go. */
struct rtta_shelf_file *rtta_shelf_put(struct rtta_shelf *shelf,
    const struct rtta_shelf_key *key, char *text, size_t bytes);

/* The file made smaller, once. */
void rtta_shelf_gzip(struct rtta_shelf_file *file);

#endif

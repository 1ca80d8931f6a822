/*
 * files - the files of the page, read once and kept in memory.
 *
 * Only what lies directly in the folder, under a name that ends as the page's
 * files do: nothing else can be asked for.  No sockets.
 */
#ifndef RTTA_FILES_H
#define RTTA_FILES_H

#include <stddef.h>

#include "http.h"

struct rtta_err;
struct rtta_files;

enum { RTTA_FILES_MAX = 32, RTTA_FILES_MAX_BYTES = 1 << 20 };

struct rtta_file {
	char name[RTTA_HTTP_NAME_MAX_BYTES];
	char etag[RTTA_HTTP_ETAG_BYTES];
	const char *mime;
	char *data, *gzip;       /* gzip: NULL where it is no shorter */
	size_t bytes, gzip_bytes;
};

/* NULL with EX_NOINPUT: no folder, a file that cannot be read, or no
 * index.html. */
struct rtta_files *rtta_files_load(const char *dir, struct rtta_err *err);
void rtta_files_free(struct rtta_files *files);  /* NULL is allowed */

/* Borrowed; NULL: there is none of that name. */
const struct rtta_file *rtta_files_find(const struct rtta_files *files, const char *name);

#endif

#include <stdlib.h>
#include <string.h>

#include "gzip.h"
#include "mem.h"
#include "shelf.h"

struct rtta_shelf {
	struct rtta_shelf_file files[RTTA_SHELF_FILES];  /* text is NULL: none */
	size_t next;                                     /* the oldest one */
};

struct rtta_shelf *
rtta_shelf_new(void)
{
	return rtta_xcalloc(1, sizeof(struct rtta_shelf));
}

static void
clear(struct rtta_shelf_file *file)
{
	free(file->text);
	free(file->gzip);
	*file = (struct rtta_shelf_file){0};
}

void
rtta_shelf_free(struct rtta_shelf *shelf)
{
	if (shelf == NULL)
		return;
	for (size_t i = 0; i < RTTA_SHELF_FILES; i++)
		clear(&shelf->files[i]);
	free(shelf);
}

struct rtta_shelf_file *
rtta_shelf_find(struct rtta_shelf *shelf, const struct rtta_shelf_key *key)
{
	for (size_t i = 0; i < RTTA_SHELF_FILES; i++) {
		struct rtta_shelf_file *file = &shelf->files[i];

		if (file->text != NULL && file->key.version == key->version &&
		    file->key.format == key->format && file->key.times == key->times)
			return file;
	}
	return NULL;
}

/* From the oldest one on, until what is left and so many more bytes fit. */
static void
make_room(struct rtta_shelf *shelf, size_t bytes)
{
	for (size_t i = 0; i < RTTA_SHELF_FILES; i++)
		bytes += shelf->files[i].bytes + shelf->files[i].gzip_bytes;
	for (size_t i = 0; i < RTTA_SHELF_FILES && bytes > RTTA_SHELF_MAX_BYTES; i++) {
		struct rtta_shelf_file *file = &shelf->files[(shelf->next + i) % RTTA_SHELF_FILES];

		bytes -= file->bytes + file->gzip_bytes;
		clear(file);
	}
}

struct rtta_shelf_file *
rtta_shelf_put(struct rtta_shelf *shelf, const struct rtta_shelf_key *key, char *text,
    size_t bytes)
{
	struct rtta_shelf_file *file = &shelf->files[shelf->next];

	clear(file);
	shelf->next = (shelf->next + 1) % RTTA_SHELF_FILES;
	make_room(shelf, bytes);
	file->key = *key;
	file->text = text;
	file->bytes = bytes;
	rtta_http_etag(file->etag, text, bytes);
	return file;
}

void
rtta_shelf_gzip(struct rtta_shelf_file *file)
{
	size_t bytes = file->bytes;

	if (file->gzip != NULL)
		return;
	file->gzip = rtta_gzip(file->text, &bytes, RTTA_GZIP_FAST);
	file->gzip_bytes = bytes;
}

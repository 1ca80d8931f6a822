/* shelf: what is found again, and what goes. */
#include "check.h"
#include "mem.h"
#include "shelf.h"

static struct rtta_shelf_key
key_of(uint64_t version)
{
	return (struct rtta_shelf_key){ version, RTTA_FORMAT_VTT, false };
}

static struct rtta_shelf_file *
put(struct rtta_shelf *shelf, uint64_t version, size_t bytes)
{
	const struct rtta_shelf_key key = key_of(version);

	return rtta_shelf_put(shelf, &key, rtta_xcalloc(bytes + 1, 1), bytes);
}

static bool
has(struct rtta_shelf *shelf, uint64_t version)
{
	const struct rtta_shelf_key key = key_of(version);

	return rtta_shelf_find(shelf, &key) != NULL;
}

static void
check_key(void)
{
	struct rtta_shelf *shelf = rtta_shelf_new();
	struct rtta_shelf_key key = { 7, RTTA_FORMAT_TXT, true };
	struct rtta_shelf_file *file = rtta_shelf_put(shelf, &key, rtta_xstrdup("text"), 4);
	char *gzip;

	CHECK(rtta_shelf_find(shelf, &key) == file);
	CHECK_STR(file->text, "text");
	CHECK(file->etag[0] != '\0');
	rtta_shelf_gzip(file);
	gzip = file->gzip;
	CHECK(gzip != NULL && file->gzip_bytes > 0);
	rtta_shelf_gzip(file);
	CHECK(file->gzip == gzip);
	key.times = false;
	CHECK(rtta_shelf_find(shelf, &key) == NULL);
	key.times = true;
	key.format = RTTA_FORMAT_SRT;
	CHECK(rtta_shelf_find(shelf, &key) == NULL);
	key.format = RTTA_FORMAT_TXT;
	key.version = 8;
	CHECK(rtta_shelf_find(shelf, &key) == NULL);
	rtta_shelf_free(shelf);
}

static void
check_limits(void)
{
	struct rtta_shelf *shelf = rtta_shelf_new();

	for (uint64_t version = 1; version <= RTTA_SHELF_FILES + 1; version++)
		put(shelf, version, 10);
	CHECK(!has(shelf, 1));
	for (uint64_t version = 2; version <= RTTA_SHELF_FILES + 1; version++)
		CHECK(has(shelf, version));
	/* Half of all there is room for, twice: the small ones go, the oldest first. */
	put(shelf, 20, RTTA_SHELF_MAX_BYTES / 2);
	CHECK(!has(shelf, 2) && has(shelf, 3));
	put(shelf, 21, RTTA_SHELF_MAX_BYTES / 2);
	CHECK(!has(shelf, 3) && !has(shelf, RTTA_SHELF_FILES + 1));
	CHECK(has(shelf, 20) && has(shelf, 21));
	/* The newest one stays, whatever its size. */
	put(shelf, 22, RTTA_SHELF_MAX_BYTES + 1);
	CHECK(!has(shelf, 20) && !has(shelf, 21) && has(shelf, 22));
	rtta_shelf_free(shelf);
}

int
main(void)
{
	check_key();
	check_limits();
	return check_result();
}

/* The newest interim text, its end by a final, and what comes too late. */
#include <stdlib.h>

#include "check.h"
#include "interim.h"

static struct rtta_record
record(uint64_t run, uint64_t first, uint64_t last, int channel, bool backfill)
{
	struct rtta_record made = { .span = { run, first, last }, .channel = channel,
	    .backfill = backfill };

	return made;
}

static bool
put(struct rtta_interim *interim, struct rtta_record said, const char *text)
{
	if (!rtta_interim_fresh(interim, &said))
		return false;
	return rtta_interim_put(interim, &said, strdup(text));
}

static const char *
after(const struct rtta_interim *interim, uint64_t version)
{
	const struct rtta_interim_text *text = rtta_interim_after(interim, version);

	return text == NULL ? NULL : text->text;
}

int
main(void)
{
	struct rtta_interim interim = {0};
	struct rtta_record final;

	/* The newest of a place; places of their own for channels and lanes. */
	CHECK(put(&interim, record(1, 100, 200, -1, false), "one"));
	CHECK(put(&interim, record(1, 100, 250, -1, false), "one two"));
	CHECK(put(&interim, record(1, 100, 250, 1, false), "other channel"));
	CHECK_STR(after(&interim, 0), "one two");
	CHECK_STR(after(&interim, 2), "other channel");
	CHECK(after(&interim, 3) == NULL);

	/* A final of another channel, or elsewhere, ends nothing. */
	final = record(1, 0, 300, 0, false);
	rtta_interim_final(&interim, &final);
	final = record(1, 0, 100, -1, true);
	rtta_interim_final(&interim, &final);
	CHECK_STR(after(&interim, 0), "one two");

	/* Its own does, and what is said again behind it is stale. */
	final = record(1, 100, 300, -1, false);
	rtta_interim_final(&interim, &final);
	CHECK_STR(after(&interim, 0), "other channel");
	CHECK(!put(&interim, record(1, 100, 260, -1, false), "one two"));
	CHECK(put(&interim, record(1, 300, 310, -1, false), "three"));

	/* A late final far ahead of the live edge makes nothing stale. */
	final = record(1, 900, 990, -1, true);
	rtta_interim_final(&interim, &final);
	CHECK(put(&interim, record(1, 310, 320, -1, false), "four"));

	/* More places than there are: refused, not overrun. */
	for (uint64_t run = 10; run < 10 + 2 * RTTA_INTERIM_MAX; run++) {
		final = record(run, 0, 10, -1, false);
		rtta_interim_final(&interim, &final);
		put(&interim, record(run, 10, 20, -1, false), "x");
	}
	CHECK_INT(interim.count, RTTA_INTERIM_MAX);
	rtta_interim_clear(&interim);
	CHECK(after(&interim, 0) == NULL);
	return check_result();
}

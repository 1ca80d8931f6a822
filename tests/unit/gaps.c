/* gaps: what a session lacks, and the reasons. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "cover.h"
#include "err.h"
#include "gaps.h"

#define RUN "00000000000000aa"
#define RUN2 "00000000000000bb"

static void
key(struct rtta_gaps *gaps, const char *what, const char *rest, const char *json)
{
	struct rtta_err err = {0};
	jv value = jv_parse(json);

	CHECK_INT(rtta_gaps_key(gaps, what, rest, value, &err), 0);
	CHECK_STR(err.text, "");
	jv_free(value);
}

/* Two runs: pre-roll from 1000, cut at 17000, capture restarted behind 40000,
 * end at 32000 of the second. */
static struct rtta_gaps *
session(bool contiguous)
{
	struct rtta_gaps *gaps = rtta_gaps_new();

	key(gaps, "cut", "", "{\"at\":{\"run\":\"" RUN "\",\"sample\":17000},\"at_us\":2000000,"
	    "\"first\":{\"run\":\"" RUN "\",\"sample\":1000},\"last\":{\"run\":\"" RUN "\",\"sample\":16680}}");
	key(gaps, "run", "1", contiguous ?
	    "{\"run\":\"" RUN2 "\",\"first\":0,\"first_us\":9000000,\"prev_next\":40000,\"prev_us\":4000000,\"contiguous\":true,\"rate_hz\":16000}" :
	    "{\"run\":\"" RUN2 "\",\"first\":0,\"first_us\":9000000,\"prev_next\":40000,\"prev_us\":4000000,\"contiguous\":false,\"rate_hz\":16000}");
	key(gaps, "run", "0", "{\"run\":\"" RUN "\",\"first\":1000,\"first_us\":1000000,\"rate_hz\":16000}");
	return gaps;
}

static const char *
list(struct rtta_gap *gaps, size_t count)
{
	static char out[1000];
	int used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < count; i++)
		used += snprintf(out + used, sizeof(out) - (size_t)used,
		    "%" PRIx64 " %" PRIu64 "-%" PRIu64 " %s %.2f-%.2f; ", gaps[i].span.run,
		    gaps[i].span.first, gaps[i].span.last, gaps[i].reason,
		    (double)gaps[i].start_ns / 1e9, (double)gaps[i].end_ns / 1e9);
	free(gaps);
	return out;
}

static const char *
missing(const struct rtta_gaps *gaps, const struct rtta_cover *cover)
{
	struct rtta_gap *found = NULL;
	size_t count = rtta_gaps_missing(gaps, &cover, 0, &found);

	return list(found, count);
}

/* Of two channels: what each of them lacks, also behind where its own records
 * end. */
static void
test_channels(void)
{
	struct rtta_gaps *gaps = session(false);
	struct rtta_cover *left = rtta_cover_new(), *right = rtta_cover_new();
	const struct rtta_cover *sets[] = { left, right };
	struct rtta_gap *found = NULL;
	size_t count;

	rtta_cover_add(left, (struct rtta_span){ 0xaa, 1000, 40000 });
	rtta_cover_add(left, (struct rtta_span){ 0xbb, 0, 5000 });
	rtta_cover_add(right, (struct rtta_span){ 0xaa, 1000, 30000 });
	rtta_cover_add(right, (struct rtta_span){ 0xbb, 1000, 3000 });
	count = rtta_gaps_missing(gaps, sets, 2, &found);
	CHECK_INT(count, 3);
	for (size_t i = 0; i < count; i++)
		CHECK_INT(found[i].channel, 1);
	CHECK_STR(list(found, count), "aa 30000-40000 lost 2.81-3.44; bb 0-1000 lost 9.00-9.06; "
	    "bb 3000-5000 lost 9.19-9.31; ");
	CHECK_INT(rtta_gaps_missing(gaps, sets, 0, &found), 0);
	free(found);
	rtta_cover_free(left);
	rtta_cover_free(right);
	rtta_gaps_free(gaps);
}

static void
add(struct rtta_cover *cover, uint64_t run, uint64_t first, uint64_t last)
{
	rtta_cover_add(cover, (struct rtta_span){ run, first, last });
}

static void
test_missing(void)
{
	struct rtta_gaps *gaps = session(false);
	struct rtta_cover *cover = rtta_cover_new();

	CHECK(!rtta_gaps_has_end(gaps));
	key(gaps, "end", "", "{\"at\":{\"run\":\"" RUN2 "\",\"sample\":32000},\"at_us\":11000000}");
	CHECK(rtta_gaps_flushing(gaps));
	key(gaps, "flush", "", "{\"copied_samples\":16000,\"holes\":0,\"short_s\":0}");
	CHECK(!rtta_gaps_flushing(gaps) && rtta_gaps_has_end(gaps));
	CHECK_STR(missing(gaps, cover), "aa 1000-40000 lost 1.00-3.44; bb 0-32000 lost 9.00-11.00; ");
	add(cover, 0xaa, 0, 17000);
	add(cover, 0xaa, 33000, 50000);
	add(cover, 0xbb, 0, 31999);
	CHECK_STR(missing(gaps, cover), "aa 17000-33000 lost 2.00-3.00; bb 31999-32000 lost 11.00-11.00; ");
	/* Flush misses the same, and says so first. */
	key(gaps, "note", "flush-" RUN "-20000", "{\"from\":{\"run\":\"" RUN "\",\"sample\":20000},"
	    "\"to\":{\"run\":\"" RUN "\",\"sample\":24000},\"from_us\":1,\"to_us\":2,\"reason\":\"no longer in the pre-roll buffer\"}");
	key(gaps, "note", "route-" RUN "-20000", "{\"from\":{\"run\":\"" RUN "\",\"sample\":20000},"
	    "\"to\":{\"run\":\"" RUN "\",\"sample\":24000},\"from_us\":1,\"to_us\":2,\"reason\":\"off the record\"}");
	CHECK_STR(missing(gaps, cover), "aa 17000-20000 lost 2.00-2.19; aa 20000-24000 off the record 2.19-2.44; "
	    "aa 24000-33000 lost 2.44-3.00; bb 31999-32000 lost 11.00-11.00; ");
	/* It began there, and who wrote that did not live to see it end. */
	key(gaps, "note", "route-" RUN "-30000", "{\"from\":{\"run\":\"" RUN "\",\"sample\":30000},"
	    "\"to\":{\"run\":\"" RUN "\",\"sample\":30000},\"from_us\":1,\"to_us\":1,\"reason\":\"off the record\"}");
	CHECK_STR(missing(gaps, cover), "aa 17000-20000 lost 2.00-2.19; aa 20000-24000 off the record 2.19-2.44; "
	    "aa 24000-30000 lost 2.44-2.81; aa 30000-33000 off the record 2.81-3.00; "
	    "bb 31999-32000 lost 11.00-11.00; ");
	add(cover, 0xaa, 17000, 33000);
	add(cover, 0xbb, 31999, 32000);
	CHECK_STR(missing(gaps, cover), "");
	rtta_cover_free(cover);
	rtta_gaps_free(gaps);
}

static void
test_breaks(void)
{
	struct rtta_gaps *gaps = session(false), *whole = session(true), *empty = rtta_gaps_new();
	struct rtta_gaps *back = rtta_gaps_new();
	struct rtta_gap *found;
	size_t count = rtta_gaps_breaks(gaps, &found);

	CHECK_STR(list(found, count), "bb 0-0 nothing was recorded 4.00-9.00; ");
	key(gaps, "note", "capture-" RUN "-40000", "{\"from\":{\"run\":\"" RUN "\",\"sample\":40000},"
	    "\"to\":{\"run\":\"" RUN2 "\",\"sample\":0},\"from_us\":4000000,\"to_us\":9000000,\"reason\":\"microphone unplugged\"}");
	count = rtta_gaps_breaks(gaps, &found);
	CHECK_STR(list(found, count), "bb 0-0 microphone unplugged 4.00-9.00; ");
	count = rtta_gaps_breaks(whole, &found);
	CHECK_STR(list(found, count), "");
	/* The clock was set back meanwhile: lost all the same, nobody knows how much. */
	key(back, "run", "0", "{\"run\":\"" RUN "\",\"first\":1000,\"first_us\":1000000,\"rate_hz\":16000}");
	key(back, "run", "1", "{\"run\":\"" RUN2 "\",\"first\":0,\"first_us\":3000000,\"prev_next\":40000,"
	    "\"prev_us\":4000000,\"contiguous\":false,\"rate_hz\":16000}");
	count = rtta_gaps_breaks(back, &found);
	CHECK_STR(list(found, count), "bb 0-0 nothing was recorded 3.00-3.00; ");
	key(back, "note", "route-" RUN2 "-0", "{\"from\":{\"run\":\"" RUN "\",\"sample\":40000},"
	    "\"to\":{\"run\":\"" RUN2 "\",\"sample\":0},\"from_us\":4000000,\"to_us\":3000000,\"reason\":\"off the record\"}");
	count = rtta_gaps_breaks(back, &found);
	CHECK_STR(list(found, count), "bb 0-0 off the record 3.00-3.00; ");
	/* A session without a single frame is one gap by wall clock. */
	key(empty, "cut", "", "{\"at\":null,\"at_us\":1000000}");
	count = rtta_gaps_breaks(empty, &found);
	CHECK_STR(list(found, count), "");
	key(empty, "end", "", "{\"at\":null,\"at_us\":5000000}");
	count = rtta_gaps_breaks(empty, &found);
	CHECK_STR(list(found, count), "0 0-0 nothing was recorded 1.00-5.00; ");
	/* Not one whose run is no longer known, nor backwards. */
	key(empty, "end", "", "{\"at\":{\"run\":\"" RUN "\",\"sample\":32000},\"at_us\":5000000}");
	count = rtta_gaps_breaks(empty, &found);
	CHECK_STR(list(found, count), "");
	key(empty, "end", "", "{\"at\":null,\"at_us\":500000}");
	count = rtta_gaps_breaks(empty, &found);
	CHECK_STR(list(found, count), "");
	rtta_gaps_free(gaps);
	rtta_gaps_free(whole);
	rtta_gaps_free(empty);
	rtta_gaps_free(back);
}

/* Sound that ended before the session did. */
static void
test_tail(void)
{
	struct rtta_gaps *gaps = session(true);
	struct rtta_gap *found;
	size_t count;

	key(gaps, "end", "", "{\"at\":{\"run\":\"" RUN2 "\",\"sample\":32000},\"at_us\":19000000,"
	    "\"sound_us\":11000000}");
	count = rtta_gaps_breaks(gaps, &found);
	CHECK_STR(list(found, count), "bb 32000-32000 nothing was recorded 11.00-19.00; ");
	key(gaps, "note", "route-" RUN2 "-32000", "{\"from\":{\"run\":\"" RUN2 "\",\"sample\":32000},"
	    "\"to\":{\"run\":\"" RUN2 "\",\"sample\":32000},\"from_us\":11000000,\"to_us\":19000000,\"reason\":\"microphone unplugged\"}");
	count = rtta_gaps_breaks(gaps, &found);
	CHECK_STR(list(found, count), "bb 32000-32000 microphone unplugged 11.00-19.00; ");
	rtta_gaps_free(gaps);
}

int
main(void)
{
	test_missing();
	test_channels();
	test_breaks();
	test_tail();
	return check_result();
}

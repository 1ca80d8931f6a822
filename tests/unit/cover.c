/* cover against a bitmap: random intervals of three runs. */
#include <stdlib.h>

#include "check.h"
#include "cover.h"

enum { RUNS = 3, SAMPLES = 90, OPS = 60000 };

/* Far apart, and not in the order of their use. */
static const uint64_t run_ids[RUNS] = { 0xffffffffffffffff, 7, 0x8000000000000000 };
static bool bitmap[RUNS][SAMPLES];

static struct rtta_span
random_span(int *run)
{
	unsigned first = (unsigned)rand() % SAMPLES, last = (unsigned)rand() % SAMPLES;

	*run = rand() % RUNS;
	if (rand() % 8 != 0 && first > last)
		return (struct rtta_span){ run_ids[*run], last, first };
	return (struct rtta_span){ run_ids[*run], first, last };
}

static uint64_t
set_bits(int run, struct rtta_span span, bool value)
{
	uint64_t changed = 0;

	for (uint64_t i = span.first; i < span.last; i++) {
		changed += bitmap[run][i] != value;
		bitmap[run][i] = value;
	}
	return changed;
}

/* The first stretch of the bitmap in span with this value. */
static int
find_bits(int run, struct rtta_span span, bool value, struct rtta_span *part)
{
	uint64_t i = span.first;

	while (i < span.last && bitmap[run][i] != value)
		i++;
	if (i >= span.last)
		return 0;
	*part = (struct rtta_span){ span.run, i, i };
	while (part->last < span.last && bitmap[run][part->last] == value)
		part->last++;
	return 1;
}

static void
check_part(int got, struct rtta_span part, int want, struct rtta_span expected)
{
	CHECK_INT(got, want);
	if (got == 1 && want == 1) {
		CHECK(part.run == expected.run);
		CHECK_INT(part.first, expected.first);
		CHECK_INT(part.last, expected.last);
	}
}

static void
check_queries(const struct rtta_cover *cover)
{
	struct rtta_span part = {0}, expected = {0}, span;
	int run, got, want;

	span = random_span(&run);
	got = rtta_cover_missing(cover, span, &part);
	want = find_bits(run, span, false, &expected);
	check_part(got, part, want, expected);
	CHECK(rtta_cover_contains(cover, span) == !want);
	got = rtta_cover_present(cover, span, &part);
	want = find_bits(run, span, true, &expected);
	check_part(got, part, want, expected);
}

/* Sorted, apart from each other, and as many samples as it says. */
static void
check_whole(const struct rtta_cover *cover)
{
	struct rtta_span span, before = {0};
	uint64_t samples = 0, bits = 0;

	for (size_t i = 0; rtta_cover_at(cover, i, &span); i++) {
		CHECK(span.first < span.last);
		CHECK(i == 0 || before.run < span.run ||
		    (before.run == span.run && before.last < span.first));
		samples += span.last - span.first;
		before = span;
	}
	for (int run = 0; run < RUNS; run++)
		for (int i = 0; i < SAMPLES; i++)
			bits += bitmap[run][i];
	CHECK_INT(samples, bits);
	CHECK_INT(rtta_cover_samples(cover), bits);
}

static void
check_random(void)
{
	struct rtta_cover *cover = rtta_cover_new();
	struct rtta_span span;
	int run;

	srand(1);
	for (int i = 0; i < OPS && check_failures == 0; i++) {
		span = random_span(&run);
		/* Mostly full, then mostly empty, and so on. */
		if (rand() % 4 != 0 ? i / 500 % 2 == 0 : i / 500 % 2 != 0)
			CHECK_INT(rtta_cover_add(cover, span), set_bits(run, span, true));
		else
			CHECK_INT(rtta_cover_remove(cover, span), set_bits(run, span, false));
		check_queries(cover);
		if (i % 16 == 0)
			check_whole(cover);
	}
	rtta_cover_free(cover);
}

/* The ends of the number range, and a day of records at the end. */
static void
check_edges(void)
{
	struct rtta_cover *cover = rtta_cover_new();
	struct rtta_span part;

	CHECK_INT(rtta_cover_missing(cover, (struct rtta_span){ 1, 5, 9 }, &part), 1);
	CHECK_INT(part.last, 9);
	rtta_cover_add(cover, (struct rtta_span){ 1, 0, UINT64_MAX });
	CHECK(rtta_cover_contains(cover, (struct rtta_span){ 1, 0, UINT64_MAX }));
	CHECK(!rtta_cover_contains(cover, (struct rtta_span){ 0, 0, 1 }));
	CHECK(!rtta_cover_contains(cover, (struct rtta_span){ 2, 0, 1 }));
	CHECK(rtta_cover_contains(cover, (struct rtta_span){ 2, 4, 4 }));
	CHECK_INT(rtta_cover_at(cover, 1, &part), 0);
	for (uint64_t i = 0; i < 100000; i++)
		CHECK_INT(rtta_cover_add(cover, (struct rtta_span){ 2, i * 10, i * 10 + 5 }), 5);
	CHECK_INT(rtta_cover_at(cover, 100000, &part), 1);
	CHECK_INT(rtta_cover_remove(cover, (struct rtta_span){ 2, 0, 1000000 }), 500000);
	rtta_cover_free(cover);
}

int
main(void)
{
	check_random();
	check_edges();
	return check_result();
}

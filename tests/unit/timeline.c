/* timeline: pieces with pauses, holes, a new run and foreign sound. */
#include <math.h>

#include "check.h"
#include "timeline.h"

enum { RATE_HZ = 16000, RUN_A = 0xa, RUN_B = 0xb };
static const int64_t S = 1000000000, START = 1000000000000;

static void
sent(struct rtta_timeline *timeline, struct rtta_span span, int64_t capture_ns)
{
	rtta_timeline_sent(timeline, span, span.last - span.first, capture_ns);
}

/* Half a second of A, a hole of 100 s, half a second of A, then a second of B. */
static struct rtta_timeline *
make(void)
{
	struct rtta_timeline *timeline = rtta_timeline_new(RATE_HZ);

	for (int i = 0; i < 25; i++)
		sent(timeline, (struct rtta_span){ RUN_A, 320u * i, 320u * i + 320 },
		    START + i * S / 50);
	for (int i = 0; i < 25; i++)
		sent(timeline, (struct rtta_span){ RUN_A,
		    1600000 + 320u * i, 1600000 + 320u * i + 320 }, START + 100 * S + i * S / 50);
	sent(timeline, (struct rtta_span){ RUN_B, 500, 16500 }, START + 3600 * S);
	return timeline;
}

static void
check_find(void)
{
	static const struct {
		double seconds;
		bool as_end;
		uint64_t run, sample;
		int64_t after_ms;
	} rows[] = {
		{ 0, false, RUN_A, 0, 0 },
		{ 0, true, RUN_A, 0, 0 },
		{ 0.25, false, RUN_A, 4000, 250 },
		{ 0.5, true, RUN_A, 8000, 500 },
		{ 0.5, false, RUN_A, 1600000, 100000 },
		{ 0.75, true, RUN_A, 1604000, 100250 },
		{ 1, true, RUN_A, 1608000, 100500 },
		{ 1, false, RUN_B, 500, 3600000 },
		{ 1.5, false, RUN_B, 8500, 3600500 },
		{ 2, true, RUN_B, 16500, 3601000 },
		{ 2, false, RUN_B, 16500, 3601000 },
		{ 1e9, true, RUN_B, 16500, 3601000 },
		{ -1, false, RUN_A, 0, 0 },
		{ NAN, true, RUN_A, 0, 0 },
		{ 0.25 + 1e-7, false, RUN_A, 4000, 250 },  /* 3.6000004 */
	};
	struct rtta_timeline *timeline = make();
	struct rtta_pos pos;
	int64_t real_ns;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CHECK(rtta_timeline_find(timeline, rows[i].seconds, rows[i].as_end, &pos, &real_ns));
		CHECK_INT(pos.run, rows[i].run);
		CHECK_INT(pos.sample, rows[i].sample);
		CHECK_INT(real_ns - START, rows[i].after_ms * 1000000);
	}
	rtta_timeline_free(timeline);
}

/* What is forgotten is clamped to what is left. */
static void
check_forget(void)
{
	struct rtta_timeline *timeline = make();
	struct rtta_pos pos;
	int64_t real_ns;

	rtta_timeline_forget(timeline, 1);
	CHECK(rtta_timeline_find(timeline, 0.25, false, &pos, &real_ns));
	CHECK_INT(pos.run, RUN_B);
	CHECK_INT(pos.sample, 500);
	CHECK(rtta_timeline_find(timeline, 1.5, false, &pos, &real_ns));
	CHECK_INT(pos.sample, 8500);
	CHECK_INT(real_ns, START + 3600 * S + S / 2);
	rtta_timeline_free(timeline);
}

/* The clock is that of the frames, where it drifts away from the samples too. */
static void
check_drift(void)
{
	struct rtta_timeline *timeline = rtta_timeline_new(RATE_HZ);
	struct rtta_pos pos;
	int64_t real_ns;

	for (int i = 0; i < 5000; i++)  /* 100 s, a clock 1000 ppm fast */
		sent(timeline, (struct rtta_span){ 1, 320u * i, 320u * i + 320 },
		    START + i * (S / 50 + S / 50000));
	for (int i = 0; i < 5000; i += 100) {
		CHECK(rtta_timeline_find(timeline, i / 50.0, false, &pos, &real_ns));
		CHECK_INT(pos.sample, 320 * i);
		CHECK_NEAR((double)(real_ns - START - i * (S / 50 + S / 50000)), 0, 1e6);
	}
	rtta_timeline_free(timeline);
}

/* One message is one position, however long it is. */
static void
check_foreign(void)
{
	struct rtta_timeline *timeline = rtta_timeline_new(RATE_HZ);
	struct rtta_pos pos;
	int64_t real_ns;

	rtta_timeline_sent(timeline, (struct rtta_span){ 9, 7, 8 }, 8000, START);
	rtta_timeline_sent(timeline, (struct rtta_span){ 9, 12, 13 }, 8000, START + S);
	CHECK(rtta_timeline_find(timeline, 0.25, false, &pos, &real_ns));
	CHECK_INT(pos.sample, 7);
	CHECK(rtta_timeline_find(timeline, 0.25, true, &pos, &real_ns));
	CHECK_INT(pos.sample, 8);
	CHECK_INT(real_ns, START + S / 4);
	CHECK(rtta_timeline_find(timeline, 0.75, false, &pos, &real_ns));
	CHECK_INT(pos.sample, 12);
	CHECK(rtta_timeline_find(timeline, 1, true, &pos, &real_ns));
	CHECK_INT(pos.sample, 13);
	CHECK_INT(real_ns, START + S + S / 2);
	rtta_timeline_free(timeline);
}

static void
check_empty(void)
{
	struct rtta_timeline *timeline = rtta_timeline_new(RATE_HZ);
	struct rtta_pos pos;
	int64_t real_ns;

	sent(timeline, (struct rtta_span){ 1, 5, 5 }, START);
	CHECK(!rtta_timeline_find(timeline, 0, false, &pos, &real_ns));
	rtta_timeline_forget(timeline, 1);
	rtta_timeline_free(timeline);
}

int
main(void)
{
	check_find();
	check_forget();
	check_drift();
	check_foreign();
	check_empty();
	return check_result();
}

/* window - marks, holding, and the pre-roll that is found in it. */
#include <stdlib.h>

#include "check.h"
#include "window.h"

enum { FRAME = 320, RATE_HZ = 16000 };
static const int64_t frame_ns = 20000000;

static struct rtta_held *
make(uint64_t run, uint64_t number)
{
	uint8_t pcm[2 * FRAME] = {0};
	struct rtta_frame frame = {
		.run_id = run, .sample = number * FRAME, .rate_hz = RATE_HZ, .channels = 1,
		.capture_ns = (int64_t)number * frame_ns, .payload_bytes = sizeof(pcm),
		.payload = pcm,
	};

	return rtta_held_new(&frame);
}

static void
fill(struct rtta_window *window, uint64_t run, uint64_t first, uint64_t last, bool stored)
{
	for (uint64_t i = first; i <= last; i++)
		rtta_window_add(window, make(run, i), stored);
}

static void
ack(struct rtta_window *window, int count)
{
	for (int i = 0; i < count; i++) {
		rtta_window_send(window);
		rtta_window_acked(window);
	}
}

static void
test_marks(void)
{
	struct rtta_window *window = rtta_window_new(10 * frame_ns);
	size_t bytes;

	fill(window, 1, 0, 4, true);
	fill(window, 1, 5, 9, false);
	CHECK_INT(rtta_window_unstored(window, &bytes), 5);
	CHECK_INT(bytes, 5 * 2 * FRAME);
	CHECK_INT(rtta_window_send(window)->frame.sample, 5 * FRAME);
	CHECK_INT(rtta_window_send(window)->frame.sample, 6 * FRAME);
	rtta_window_acked(window);
	rtta_window_unsend(window);
	CHECK_INT(rtta_window_send(window)->frame.sample, 6 * FRAME);
	rtta_window_rewind(window);
	CHECK_INT(rtta_window_unstored(window, &bytes), 10);
	CHECK_INT(bytes, 10 * 2 * FRAME);
	CHECK_INT(rtta_window_send(window)->frame.sample, 0);
	rtta_window_free(window);
}

static void
test_trim(void)
{
	struct rtta_window *window = rtta_window_new(10 * frame_ns);

	fill(window, 1, 0, 99, false);
	rtta_window_trim(window, 100, UINT64_MAX);
	CHECK_INT(rtta_window_oldest(window), 0);      /* nothing is stored */
	ack(window, 95);
	rtta_window_trim(window, 100, UINT64_MAX);
	CHECK_INT(rtta_window_oldest(window), 90);
	fill(window, 1, 100, 149, true);               /* behind what waits: waits too */
	ack(window, 55);
	rtta_window_trim(window, 150, 100);            /* a flush needs 100 and above */
	CHECK_INT(rtta_window_oldest(window), 130);    /* but not for ever */
	rtta_window_trim(window, 135, UINT64_MAX);     /* the status is not known since 135 */
	CHECK_INT(rtta_window_oldest(window), 130);
	rtta_window_free(window);
}

static void
test_range(void)
{
	struct rtta_window *window = rtta_window_new(1000 * frame_ns);
	uint64_t first = 0, last = 0;

	CHECK_INT(rtta_window_range(window, 0, 5 * frame_ns, &first, &last), 0);
	fill(window, 1, 0, 19, true);
	CHECK_INT(rtta_window_range(window, 20, 5 * frame_ns, &first, &last), 1);
	CHECK_INT(first, 15);
	CHECK_INT(last, 19);
	CHECK_INT(rtta_window_range(window, 20, 5 * frame_ns + frame_ns / 2, &first, &last), 1);
	CHECK_INT(first, 15);                          /* at most */
	CHECK_INT(rtta_window_range(window, 10, 5 * frame_ns, &first, &last), 1);
	CHECK_INT(first, 5);                           /* and what came since */
	CHECK_INT(last, 19);
	CHECK_INT(rtta_window_range(window, 20, 0, &first, &last), 0);
	rtta_window_bar(window);
	CHECK_INT(rtta_window_range(window, 20, 5 * frame_ns, &first, &last), 0);
	fill(window, 2, 0, 2, true);
	CHECK_INT(rtta_window_range(window, 23, 5 * frame_ns, &first, &last), 1);
	CHECK_INT(first, 20);
	CHECK_INT(last, 22);
	rtta_window_bar_behind(window, (struct rtta_pos){ 2, 1 * FRAME });
	CHECK_INT(rtta_window_range(window, 23, 5 * frame_ns, &first, &last), 1);
	CHECK_INT(first, 22);
	rtta_window_bar_behind(window, (struct rtta_pos){ 1, 5 * FRAME });
	CHECK_INT(rtta_window_range(window, 23, 5 * frame_ns, &first, &last), 1);
	CHECK_INT(first, 22);                          /* a bar never moves back */
	rtta_window_bar_before(window, (struct rtta_pos){ 2, 1 * FRAME });
	CHECK_INT(rtta_window_range(window, 23, 5 * frame_ns, &first, &last), 1);
	CHECK_INT(first, 22);
	fill(window, 3, 4, 5, true);                   /* a hole before them */
	rtta_window_bar_before(window, (struct rtta_pos){ 3, 3 * FRAME });
	CHECK_INT(rtta_window_range(window, 25, 5 * frame_ns, &first, &last), 1);
	CHECK_INT(first, 23);
	fill(window, 3, 10, 12, true);                 /* off the record before them */
	rtta_window_bar_across(window, 7 * frame_ns / 1000, 11 * frame_ns / 1000);
	CHECK_INT(rtta_window_range(window, 28, 9 * frame_ns, &first, &last), 1);
	CHECK_INT(first, 23);                          /* one of them lies in it */
	rtta_window_bar_across(window, 7 * frame_ns / 1000, 10 * frame_ns / 1000);
	CHECK_INT(rtta_window_range(window, 28, 9 * frame_ns, &first, &last), 1);
	CHECK_INT(first, 25);
	CHECK_INT(last, 27);
	rtta_window_free(window);
}

static void
test_has(void)
{
	struct rtta_window *window = rtta_window_new(1000 * frame_ns);
	static const struct {
		uint64_t run, number;
		bool has;
	} rows[] = {
		{ 2, 4, true }, { 2, 5, false }, { 1, 3, true }, { 1, 10, false }, { 3, 0, false },
	};

	fill(window, 1, 0, 9, true);
	fill(window, 2, 0, 4, true);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rtta_held *held = make(rows[i].run, rows[i].number);

		CHECK_INT(rtta_window_has(window, &held->frame), rows[i].has);
		free(held);
	}
	rtta_window_free(window);
}

static void
test_forget(void)
{
	struct rtta_window *window = rtta_window_new(1000 * frame_ns);
	uint64_t first, last;
	size_t bytes;

	fill(window, 1, 0, 99, false);
	ack(window, 50);
	/* captured since frame 90; a flush needs 30 and above */
	rtta_window_forget(window, 30, 90 * frame_ns / 1000);
	CHECK_INT(rtta_window_oldest(window), 30);
	CHECK_INT(rtta_window_next(window), 90);
	CHECK_INT(rtta_window_unstored(window, &bytes), 40);
	CHECK_INT(bytes, 40 * 2 * FRAME);
	CHECK_INT(rtta_window_range(window, 90, 5 * frame_ns, &first, &last), 0);
	rtta_window_forget(window, UINT64_MAX, 90 * frame_ns / 1000);
	CHECK_INT(rtta_window_oldest(window), 90);
	CHECK_INT(rtta_window_unstored(window, &bytes), 0);
	CHECK_INT(bytes, 0);
	fill(window, 1, 200, 201, false);
	CHECK_INT(rtta_window_send(window)->frame.sample, 200 * FRAME);
	rtta_window_free(window);
}

int
main(void)
{
	test_marks();
	test_trim();
	test_range();
	test_has();
	test_forget();
	return check_result();
}

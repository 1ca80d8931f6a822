/* hold: deliveries in order, repeats, and what coverage lets go. */
#include <string.h>

#include "audio.h"
#include "check.h"
#include "cover.h"
#include "frame.h"
#include "hold.h"

static enum rtta_hold_outcome
put_samples(struct rtta_hold *hold, uint64_t run, uint64_t first, uint32_t samples,
    uint64_t seq, const char *reply)
{
	static uint8_t pcm[RTTA_FRAME_MAX_BYTES];
	struct rtta_audio audio = {
		.lane = RTTA_AUDIO_LIVE, .session = "S", .rev = 1, .stream_seq = seq,
		.frame = {
			.run_id = run, .sample = first, .rate_hz = 16000, .channels = 1,
			.payload_bytes = samples * 2, .payload = pcm,
		},
	};

	pcm[0] = (uint8_t)seq;
	return rtta_hold_put(hold, &audio, reply);
}

static enum rtta_hold_outcome
put(struct rtta_hold *hold, uint64_t run, uint64_t first, uint64_t seq, const char *reply)
{
	return put_samples(hold, run, first, 320, seq, reply);
}

static void
test_order(void)
{
	struct rtta_hold *hold = rtta_hold_new();

	CHECK_INT(put(hold, 2, 320, 1, "a"), RTTA_HOLD_NEW);
	CHECK_INT(put(hold, 2, 0, 2, "b"), RTTA_HOLD_NEW);
	CHECK_INT(put(hold, 1, 640, 3, "c"), RTTA_HOLD_NEW);
	CHECK_INT(rtta_hold_count(hold), 3);
	CHECK_STR(rtta_hold_at(hold, 0)->reply, "c");
	CHECK_STR(rtta_hold_at(hold, 1)->reply, "b");
	CHECK_STR(rtta_hold_at(hold, 2)->reply, "a");
	CHECK(rtta_hold_at(hold, 3) == NULL);
	CHECK_STR(rtta_hold_find(hold, (struct rtta_pos){ 2, 319 })->reply, "b");
	CHECK_STR(rtta_hold_find(hold, (struct rtta_pos){ 2, 320 })->reply, "a");
	CHECK_STR(rtta_hold_find(hold, (struct rtta_pos){ 1, 0 })->reply, "c");
	CHECK(rtta_hold_find(hold, (struct rtta_pos){ 2, 640 }) == NULL);
	CHECK_INT(rtta_hold_samples(hold, (struct rtta_span){ 2, 0, 640 }), 640);
	rtta_hold_free(hold);
}

/* The same message again has a new reply; another one is a copy. */
static void
test_repeats(void)
{
	struct rtta_hold *hold = rtta_hold_new();
	size_t bytes;

	put(hold, 1, 0, 5, "old");
	bytes = rtta_hold_bytes(hold);
	CHECK_INT(put(hold, 1, 0, 5, "new"), RTTA_HOLD_REPLACED);
	CHECK_INT(put(hold, 1, 0, 9, "copy"), RTTA_HOLD_COPY);
	CHECK_STR(rtta_hold_at(hold, 0)->reply, "new");
	CHECK_INT(rtta_hold_bytes(hold), bytes);
	CHECK_INT(rtta_hold_count(hold), 1);
	rtta_hold_free(hold);
}

/* The same sound divided otherwise: nothing of it is out of sight. */
static void
test_overlaps(void)
{
	struct rtta_hold *hold = rtta_hold_new();
	struct rtta_cover *cover = rtta_cover_new();
	struct rtta_delivery *held;

	put_samples(hold, 1, 0, 16384, 1, "long");
	put(hold, 1, 3, 2, "odd");
	put(hold, 1, 320, 3, "inside");
	CHECK_INT(put_samples(hold, 1, 320, 640, 4, "longer"), RTTA_HOLD_NEW);
	CHECK_INT(put(hold, 1, 320, 5, "copy"), RTTA_HOLD_COPY);
	CHECK_STR(rtta_hold_get(hold, (struct rtta_pos){ 1, 3 })->reply, "odd");
	CHECK_STR(rtta_hold_get(hold, (struct rtta_pos){ 1, 320 })->reply, "longer");
	CHECK(rtta_hold_get(hold, (struct rtta_pos){ 1, 4 }) == NULL);
	CHECK_STR(rtta_hold_find(hold, (struct rtta_pos){ 1, 5000 })->reply, "long");
	held = rtta_hold_at(hold, 3);
	CHECK_STR(held->reply, "inside");
	rtta_hold_remove(hold, held);
	rtta_delivery_free(held);
	CHECK_INT(rtta_hold_count(hold), 3);
	rtta_cover_add(cover, (struct rtta_span){ 1, 0, 16384 });
	held = rtta_hold_take_covered(hold, (struct rtta_span){ 1, 5000, 16384 }, cover);
	CHECK_STR(held->reply, "long");
	rtta_delivery_free(held);
	rtta_hold_free(hold);
	rtta_cover_free(cover);
}

static void
test_covered(void)
{
	struct rtta_hold *hold = rtta_hold_new();
	struct rtta_cover *cover = rtta_cover_new();
	struct rtta_span span = { 1, 100, 1000 };
	struct rtta_delivery *held;

	for (uint64_t i = 0; i < 5; i++)
		put(hold, 1, i * 320, i, "r");
	rtta_cover_add(cover, span);
	held = rtta_hold_take_covered(hold, span, cover);
	CHECK_INT(held->span.first, 320);
	rtta_delivery_free(held);
	held = rtta_hold_take_covered(hold, span, cover);
	CHECK_INT(held->span.first, 640);
	rtta_delivery_free(held);
	CHECK(rtta_hold_take_covered(hold, span, cover) == NULL);
	CHECK_INT(rtta_hold_count(hold), 3);
	/* The first frame goes once all of it is covered. */
	rtta_cover_add(cover, (struct rtta_span){ 1, 0, 100 });
	held = rtta_hold_take_covered(hold, (struct rtta_span){ 1, 0, 100 }, cover);
	CHECK_INT(held->span.first, 0);
	rtta_delivery_free(held);
	rtta_hold_free(hold);
	rtta_cover_free(cover);
}

/* Memory is given back at the front again and again. */
static void
test_flow(void)
{
	struct rtta_hold *hold = rtta_hold_new();
	struct rtta_cover *cover = rtta_cover_new();

	for (uint64_t i = 0; i < 10000; i++) {
		struct rtta_span span = { 1, i * 320, i * 320 + 320 };
		struct rtta_delivery *held;

		put(hold, 1, i * 320, i, "reply");
		rtta_cover_add(cover, span);
		held = rtta_hold_take_covered(hold, span, cover);
		CHECK(held != NULL && held->pcm[0] == (uint8_t)i);
		rtta_delivery_free(held);
	}
	CHECK_INT(rtta_hold_bytes(hold), 0);
	rtta_hold_free(hold);
	rtta_cover_free(cover);
}

int
main(void)
{
	test_order();
	test_repeats();
	test_overlaps();
	test_covered();
	test_flow();
	return check_result();
}

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "framer.h"
#include "mem.h"

struct rtta_framer {
	struct rtta_frame_writer *out;
	struct rtta_frame frame;   /* the one being filled; payload is values */
	size_t used;               /* samples in it */
	size_t room;               /* samples of a whole one */
	uint64_t dropped;
	bool dropping;
	struct rtta_discipline clock;
	struct rtta_frame done;    /* what rtta_framer_add() returned */
	int16_t values[RTTA_FRAME_MAX_BYTES / sizeof(int16_t)];
};

struct rtta_framer *
rtta_framer_new(struct rtta_frame_writer *out)
{
	struct rtta_framer *framer = rtta_xcalloc(1, sizeof(*framer));

	framer->out = out;
	return framer;
}

void
rtta_framer_free(struct rtta_framer *framer)
{
	free(framer);
}

void
rtta_framer_begin(struct rtta_framer *framer, uint64_t run_id,
    uint32_t rate_hz, int channels, int frame_ms, bool contiguous)
{
	size_t most = RTTA_FRAME_MAX_BYTES / sizeof(int16_t) / (size_t)channels;
	bool lost = framer->frame.flags & RTTA_FRAME_LOST;

	framer->frame = (struct rtta_frame){
		.run_id = run_id,
		.rate_hz = rate_hz,
		.channels = (uint8_t)channels,
		.flags = contiguous && !lost ? RTTA_FRAME_CONTIGUOUS : 0,
		.payload = (uint8_t *)framer->values,
	};
	framer->used = 0;
	framer->room = (size_t)rate_hz * (size_t)frame_ms / 1000;
	if (framer->room > most)
		framer->room = most;
}

void
rtta_framer_start_clock(struct rtta_framer *framer, int64_t mono_ms,
    int64_t real_ns)
{
	rtta_discipline_init(&framer->clock, framer->frame.rate_hz,
	    framer->frame.sample, mono_ms, real_ns);
}

int16_t *
rtta_framer_room(struct rtta_framer *framer, size_t *samples)
{
	*samples = framer->room - framer->used;
	return framer->values + framer->used * framer->frame.channels;
}

/* What is in the frame goes out, or is lost if that may be. */
static void
emit(struct rtta_framer *framer, bool may_drop)
{
	struct rtta_frame *frame = &framer->frame;

	frame->payload_bytes = (uint32_t)(framer->used * frame->channels *
	    sizeof(framer->values[0]));
	frame->capture_ns = rtta_discipline_ns(&framer->clock, frame->sample);
	framer->done = *frame;
	framer->dropping = may_drop && framer->out != NULL &&
	    rtta_frame_pending(framer->out) > 0;
	if (framer->dropping) {
		framer->dropped += framer->used;
		frame->flags = RTTA_FRAME_LOST | RTTA_FRAME_UNTAKEN;
	} else {
		if (framer->out != NULL)
			rtta_frame_put(framer->out, frame);
		frame->flags = 0;
	}
	frame->sample += framer->used;
	framer->used = 0;
}

const struct rtta_frame *
rtta_framer_add(struct rtta_framer *framer, size_t samples)
{
	framer->used += samples;
	assert(framer->used <= framer->room);
	if (framer->used < framer->room)
		return NULL;
	emit(framer, true);
	return &framer->done;
}

void
rtta_framer_cut(struct rtta_framer *framer)
{
	if (framer->used > 0)
		emit(framer, true);
}

void
rtta_framer_lose(struct rtta_framer *framer, uint64_t samples)
{
	assert(framer->used == 0);
	framer->frame.sample += samples;
	framer->frame.flags |= RTTA_FRAME_LOST;
}

void
rtta_framer_end(struct rtta_framer *framer, bool gone)
{
	struct rtta_frame *frame = &framer->frame;

	if (framer->used > 0)
		emit(framer, false);
	frame->payload_bytes = 0;
	frame->capture_ns = rtta_discipline_ns(&framer->clock, frame->sample);
	frame->flags |= RTTA_FRAME_END | (gone ? RTTA_FRAME_GONE : 0);
	if (framer->out != NULL)
		rtta_frame_put(framer->out, frame);
	frame->flags = 0;
}

enum rtta_discipline_verdict
rtta_framer_observe(struct rtta_framer *framer, size_t backlog,
    int64_t mono_ms, int64_t real_ns)
{
	int64_t late_ns = (int64_t)backlog * 1000000000 / framer->frame.rate_hz;

	return rtta_discipline_observe(&framer->clock,
	    rtta_framer_sample(framer), mono_ms - late_ns / 1000000,
	    real_ns - late_ns);
}

int64_t
rtta_framer_set_ns(const struct rtta_framer *framer)
{
	return framer->clock.set_ns;
}

uint64_t
rtta_framer_missing(const struct rtta_framer *framer, int64_t mono_ms)
{
	return rtta_discipline_missing(&framer->clock,
	    rtta_framer_sample(framer), mono_ms);
}

uint64_t
rtta_framer_sample(const struct rtta_framer *framer)
{
	return framer->frame.sample + framer->used;
}

int64_t
rtta_framer_ns(const struct rtta_framer *framer)
{
	return rtta_discipline_ns(&framer->clock, rtta_framer_sample(framer));
}

uint64_t
rtta_framer_dropped(const struct rtta_framer *framer)
{
	return framer->dropped;
}

bool
rtta_framer_dropping(const struct rtta_framer *framer)
{
	return framer->dropping;
}

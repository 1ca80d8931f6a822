#include <stdbool.h>
#include <stdlib.h>

#include "hold.h"
#include "level.h"
#include "mem.h"
#include "pause.h"
#include "seam.h"

/* The loudness of contiguous frames: those before `from` are the past. */
struct strip {
	struct rtta_pause_frame *frames;
	uint64_t *firsts;
	size_t count, from, room;
	uint32_t rate_hz;
};

static void
put(struct strip *strip, const struct rtta_delivery *held)
{
	size_t i = strip->count++;

	if (i == strip->room) {
		strip->room = strip->room ? strip->room * 2 : 256;
		strip->frames = rtta_xreallocarray(strip->frames, strip->room,
		    sizeof(*strip->frames));
		strip->firsts = rtta_xreallocarray(strip->firsts, strip->room,
		    sizeof(*strip->firsts));
	}
	strip->frames[i] = (struct rtta_pause_frame){
		rtta_level_db((const int16_t *)(const void *)held->pcm, held->pcm_bytes / 2),
		rtta_samples_ns(held->samples, held->rate_hz)
	};
	strip->firsts[i] = held->span.first;
}

/* Frames that begin in span, and up to RTTA_SEAM_PAST_S before it. */
static void
fill(struct strip *strip, const struct rtta_hold *hold, struct rtta_span span)
{
	const struct rtta_delivery *held = rtta_hold_find(hold,
	    (struct rtta_pos){ span.run, span.first });
	uint64_t past, at;

	if (held == NULL)
		return;
	strip->rate_hz = held->rate_hz;
	past = (uint64_t)strip->rate_hz * RTTA_SEAM_PAST_S;
	for (at = span.first > past ? span.first - past : 0; at < span.last; at = held->span.last) {
		held = rtta_hold_find(hold, (struct rtta_pos){ span.run, at });
		if (held == NULL || held->span.first >= span.last)
			break;
		if (held->span.first < span.first)
			strip->from++;
		put(strip, held);
	}
}

static void
done(struct strip *strip)
{
	free(strip->frames);
	free(strip->firsts);
}

/* Frames of so many seconds: from `from` on, or before the end. */
static size_t
ahead(const struct strip *strip, int seconds)
{
	size_t i = strip->from;

	while (i < strip->count && strip->firsts[i] <
	    strip->firsts[strip->from] + (uint64_t)seconds * strip->rate_hz)
		i++;
	return i;
}

static size_t
back(const struct strip *strip, int seconds)
{
	size_t i = strip->count;

	while (i > strip->from && strip->firsts[i - 1] + (uint64_t)seconds * strip->rate_hz >=
	    strip->firsts[strip->count - 1])
		i--;
	return i;
}

/* The longer the search, the shorter the pause that will do. */
static uint64_t
nearest(const struct rtta_hold *hold, struct rtta_span span, bool to_end)
{
	struct strip strip = {0};
	uint64_t first = span.last;
	bool found = false;

	fill(&strip, hold, span);
	for (int s = 1; s <= RTTA_SEAM_SEEK_S && !found && strip.count > strip.from; s++) {
		size_t from = to_end ? back(&strip, s) : strip.from, at;
		size_t count = to_end ? strip.count : ahead(&strip, s);

		found = rtta_pause_find(strip.frames, count, from, s == RTTA_SEAM_SEEK_S, &at);
		if (found)
			first = strip.firsts[at];
	}
	done(&strip);
	return first;
}

uint64_t
rtta_seam_first(const struct rtta_hold *hold, struct rtta_span span)
{
	return nearest(hold, span, false);
}

uint64_t
rtta_seam_last(const struct rtta_hold *hold, struct rtta_span span)
{
	return nearest(hold, span, true);
}

uint64_t
rtta_seam_best(const struct rtta_hold *hold, struct rtta_span span)
{
	struct strip strip = {0};
	uint64_t first = span.last;
	size_t at;

	fill(&strip, hold, span);
	if (strip.count > strip.from && rtta_pause_find(strip.frames, strip.count, strip.from,
	    true, &at))
		first = strip.firsts[at];
	done(&strip);
	return first;
}

#include "clock.h"
#include "cover.h"
#include "engine.h"
#include "hold.h"
#include "level.h"
#include "profile.h"
#include "resample.h"
#include "scribe.h"
#include "stretch_parts.h"

/* The first position from `from` on that is held and that a voice has not
 * claimed.  False: there is none. */
static bool
find_unheard(const struct rtta_stretch *stretch, const struct rtta_voice *voice, uint64_t from,
    uint64_t *at)
{
	struct rtta_span rest = { stretch->span.run, from, stretch->span.last }, part;
	struct rtta_delivery *held;

	while (rest.first < rest.last && rtta_cover_missing(voice->claimed, rest, &part)) {
		held = rtta_hold_find(stretch->source->hold,
		    (struct rtta_pos){ part.run, part.first });
		if (held == NULL || held->span.first >= rest.last)
			return false;
		if (held->span.first <= part.first) {
			*at = part.first;
			return true;
		}
		rest.first = held->span.first;
	}
	return false;
}

bool
rtta_stretch_unclaimed(const struct rtta_stretch *stretch, uint64_t from, uint64_t *at)
{
	bool found = false;
	uint64_t first;

	for (int v = 0; v < stretch->count; v++)
		if (find_unheard(stretch, &stretch->voices[v], from, &first) &&
		    (!found || first < *at)) {
			*at = first;
			found = true;
		}
	return found;
}

/* `samples` of each voice. */
static void
count_sent(struct rtta_stretch *stretch, const int16_t *values, size_t samples)
{
	double seconds = (double)samples / stretch->source->profile->rate_hz;

	for (int v = 0; v < stretch->count; v++) {
		struct rtta_voice *voice = &stretch->voices[v];
		bool loud = samples > 0 && rtta_level_channel_db(values, samples,
		    (size_t)stretch->count, (size_t)v) > RTTA_LEVEL_QUIET_DB;

		if (loud)
			voice->loud_samples += samples;
		rtta_patience_sent(&voice->patience, seconds, loud, rtta_clock_mono_ms());
	}
}

static bool
is_loud(const struct rtta_delivery *held)
{
	return rtta_level_db((const int16_t *)(const void *)held->pcm, held->pcm_bytes / 2) >
	    RTTA_LEVEL_QUIET_DB;
}

static void
pass_on(struct rtta_stretch *stretch, const int16_t *values, size_t samples)
{
	count_sent(stretch, values, samples);
	rtta_engine_send(stretch->engine, values,
	    samples * (size_t)stretch->count * sizeof(*values));
}

/* What may be sent next of a frame. */
struct next {
	const struct rtta_delivery *held;
	uint64_t last;                 /* up to here */
	unsigned mute;                 /* voices (bits) that have claimed it already */
};

static void
send_part(struct rtta_stretch *stretch, const struct next *next)
{
	const struct rtta_delivery *held = next->held;
	uint64_t skip = stretch->foreign ? 0 : stretch->sent - held->span.first;
	uint64_t end = next->last < held->span.last ? next->last : held->span.last;
	uint64_t samples = stretch->foreign ? held->samples : end - stretch->sent;
	struct rtta_span span = { stretch->span.run, stretch->sent, end };
	const int16_t *values;
	size_t count;

	rtta_resample_mute(stretch->resample, next->mute);
	count = rtta_resample_put(stretch->resample,
	    held->pcm + (size_t)skip * held->channels * 2, (size_t)samples, &values);
	pass_on(stretch, values, count);
	for (int v = 0; v < stretch->count; v++)
		rtta_scribe_sent(stretch->voices[v].scribe, span, samples,
		    held->capture_ns + rtta_samples_ns(skip, held->rate_hz));
	stretch->sent = end;
}

/* A voice has not claimed span's beginning: the others are mute, up to where
 * that changes for one of them. */
static bool
is_wanted(const struct rtta_stretch *stretch, struct rtta_span span, struct next *next)
{
	struct rtta_span part;
	bool wanted = false;

	next->last = span.last;
	next->mute = 0;
	for (int v = 0; v < stretch->count; v++) {
		uint64_t change = span.last;
		bool missing = rtta_cover_missing(stretch->voices[v].claimed, span, &part);

		if (missing && part.first == span.first) {
			wanted = true;
			change = part.last;
		} else {
			next->mute |= 1u << v;
			change = missing ? part.first : span.last;
		}
		if (change < next->last)
			next->last = change;
	}
	return wanted;
}

/* The next part that may follow on this connection.  False: a hole, covered
 * sound, another format, or nothing there yet. */
static bool
next_part(struct rtta_stretch *stretch, struct next *next)
{
	struct rtta_span rest = { stretch->span.run, stretch->sent, stretch->span.last };
	const struct rtta_delivery *held;

	if (rest.first >= rest.last)
		return false;
	held = rtta_hold_find(stretch->source->hold,
	    (struct rtta_pos){ rest.run, rest.first });
	if (held == NULL || held->span.first >= rest.last || held->rate_hz != stretch->rate_hz ||
	    held->channels != stretch->channels || held->foreign != stretch->foreign)
		return false;
	next->held = held;
	if (!stretch->foreign)
		return held->span.first <= stretch->sent && is_wanted(stretch, rest, next);
	/* One message is one position, and a jump is no hole. */
	if (!is_wanted(stretch, held->span, next))
		return false;
	next->last = held->span.last;
	stretch->sent = held->span.first;
	return true;
}

static void
finish(struct rtta_stretch *stretch)
{
	const int16_t *values;
	size_t count = rtta_resample_put(stretch->resample, NULL, 0, &values);

	rtta_engine_send(stretch->engine, values,
	    count * (size_t)stretch->count * sizeof(*values));
	rtta_engine_finish(stretch->engine);
	stretch->finished = true;
}

static void
wait_for_room(struct rtta_stretch *stretch, const struct rtta_delivery *held)
{
	bool loud = is_loud(held);

	for (int v = 0; v < stretch->count; v++)
		rtta_patience_sent(&stretch->voices[v].patience, 0, loud, rtta_clock_mono_ms());
}

/* True when there is more to send and no room for it. */
static bool
feed(struct rtta_stretch *stretch)
{
	struct next next;

	while (!stretch->finished && next_part(stretch, &next)) {
		if (rtta_engine_room(stretch->engine) == 0) {
			wait_for_room(stretch, next.held);
			return true;
		}
		send_part(stretch, &next);
	}
	/* Nothing may follow: because it is the end, or because of a hole. */
	if (!stretch->finished && (stretch->ended || stretch->sent < stretch->span.last))
		finish(stretch);
	return false;
}

void
rtta_stretch_supply(struct rtta_stretch *stretch, struct rtta_err *why)
{
	bool more;

	do {
		more = feed(stretch);
		if (rtta_engine_pump(stretch->engine, why) < 0)
			return;
	} while (more && rtta_engine_room(stretch->engine) > 0);
}

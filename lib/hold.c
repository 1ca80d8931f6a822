#include <stdlib.h>
#include <string.h>

#include "audio.h"
#include "cover.h"
#include "frame.h"
#include "hold.h"
#include "mem.h"

enum { FRAME_MAX_SAMPLES = RTTA_FRAME_MAX_BYTES / 2 };

struct rtta_hold {
	struct rtta_delivery **held;   /* in use: [begin, end), in order of (run, first) */
	size_t begin, end, room;
	size_t bytes;
};

struct rtta_hold *
rtta_hold_new(void)
{
	return rtta_xcalloc(1, sizeof(struct rtta_hold));
}

void
rtta_delivery_free(struct rtta_delivery *held)
{
	free(held);
}

void
rtta_hold_free(struct rtta_hold *hold)
{
	if (hold == NULL)
		return;
	for (size_t i = hold->begin; i < hold->end; i++)
		rtta_delivery_free(hold->held[i]);
	free(hold->held);
	free(hold);
}

static size_t
weight(const struct rtta_delivery *held)
{
	return sizeof(*held) + held->pcm_bytes + strlen(held->reply);
}

/* In one piece: the struct, the sound, the reply subject. */
static struct rtta_delivery *
new_held(const struct rtta_audio *audio, const char *reply)
{
	size_t pcm_bytes = audio->frame.payload_bytes, reply_bytes = strlen(reply) + 1;
	struct rtta_delivery *held = rtta_xcalloc(1, sizeof(*held) + pcm_bytes + reply_bytes);

	*held = (struct rtta_delivery){
		.span = rtta_audio_span(audio),
		.stream_seq = audio->stream_seq,
		.capture_ns = audio->frame.capture_ns,
		.lost = audio->lost,
		.flags = audio->frame.flags,
		.rate_hz = audio->frame.rate_hz,
		.samples = rtta_frame_samples(&audio->frame),
		.pcm_bytes = audio->frame.payload_bytes,
		.channels = audio->frame.channels,
		.foreign = audio->foreign,
		.pcm = (uint8_t *)(held + 1),
		.reply = (char *)(held + 1) + pcm_bytes,
	};
	memcpy(held->pcm, audio->frame.payload, pcm_bytes);
	memcpy(held->reply, reply, reply_bytes);
	return held;
}

/* Index of the first that is not before (run, first). */
static size_t
lower_bound(const struct rtta_hold *hold, uint64_t run, uint64_t first)
{
	size_t low = hold->begin, high = hold->end;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct rtta_span *span = &hold->held[middle]->span;

		if (span->run < run || (span->run == run && span->first < first))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Index of the first that may reach over (run, sample): a frame may lie in
 * an earlier, longer one. */
static size_t
first_reaching(const struct rtta_hold *hold, uint64_t run, uint64_t sample)
{
	size_t at = lower_bound(hold, run, sample), first = at;

	while (at > hold->begin && hold->held[at - 1]->span.run == run &&
	    hold->held[at - 1]->span.first + FRAME_MAX_SAMPLES > sample) {
		at--;
		if (hold->held[at]->span.last > sample)
			first = at;
		else if (hold->held[at]->foreign)
			break;
	}
	return first;
}

static void
insert(struct rtta_hold *hold, size_t at, struct rtta_delivery *held)
{
	if (hold->end == hold->room) {
		if (hold->begin > hold->room / 2) {
			memmove(hold->held, hold->held + hold->begin,
			    (hold->end - hold->begin) * sizeof(*hold->held));
			at -= hold->begin;
			hold->end -= hold->begin;
			hold->begin = 0;
		} else {
			hold->room = hold->room ? hold->room * 2 : 64;
			hold->held = rtta_xreallocarray(hold->held, hold->room, sizeof(*hold->held));
		}
	}
	memmove(hold->held + at + 1, hold->held + at, (hold->end - at) * sizeof(*hold->held));
	hold->held[at] = held;
	hold->end++;
	hold->bytes += weight(held);
}

enum rtta_hold_outcome
rtta_hold_put(struct rtta_hold *hold, const struct rtta_audio *audio, const char *reply)
{
	struct rtta_delivery *held = new_held(audio, reply != NULL ? reply : "");
	size_t at = lower_bound(hold, held->span.run, held->span.first);
	struct rtta_delivery *there = at < hold->end ? hold->held[at] : NULL;

	if (there == NULL || there->span.run != held->span.run ||
	    there->span.first != held->span.first) {
		insert(hold, at, held);
		return RTTA_HOLD_NEW;
	}
	if (there->stream_seq != held->stream_seq) {
		if (held->span.last > there->span.last) {
			insert(hold, at, held);
			return RTTA_HOLD_NEW;
		}
		rtta_delivery_free(held);
		return RTTA_HOLD_COPY;
	}
	held->moving = there->moving;
	hold->bytes += weight(held) - weight(there);
	rtta_delivery_free(there);
	hold->held[at] = held;
	return RTTA_HOLD_REPLACED;
}

struct rtta_delivery *
rtta_hold_find(const struct rtta_hold *hold, struct rtta_pos pos)
{
	size_t at = first_reaching(hold, pos.run, pos.sample);

	return at < hold->end && hold->held[at]->span.run == pos.run ? hold->held[at] : NULL;
}

struct rtta_delivery *
rtta_hold_get(const struct rtta_hold *hold, struct rtta_pos pos)
{
	size_t at = lower_bound(hold, pos.run, pos.sample);
	struct rtta_delivery *held = at < hold->end ? hold->held[at] : NULL;

	return held != NULL && held->span.run == pos.run &&
	    held->span.first == pos.sample ? held : NULL;
}

struct rtta_delivery *
rtta_hold_at(const struct rtta_hold *hold, size_t i)
{
	return i < hold->end - hold->begin ? hold->held[hold->begin + i] : NULL;
}

static void
remove_at(struct rtta_hold *hold, size_t at)
{
	hold->bytes -= weight(hold->held[at]);
	if (at == hold->begin) {
		hold->begin++;
		return;
	}
	hold->end--;
	memmove(hold->held + at, hold->held + at + 1, (hold->end - at) * sizeof(*hold->held));
}

struct rtta_delivery *
rtta_hold_take_covered(struct rtta_hold *hold, struct rtta_span span,
    const struct rtta_cover *cover)
{
	for (size_t at = first_reaching(hold, span.run, span.first); at < hold->end; at++) {
		struct rtta_delivery *held = hold->held[at];

		if (held->span.run != span.run || held->span.first >= span.last)
			return NULL;
		if (!rtta_cover_contains(cover, held->span))
			continue;
		remove_at(hold, at);
		return held;
	}
	return NULL;
}

void
rtta_hold_remove(struct rtta_hold *hold, struct rtta_delivery *held)
{
	size_t at = lower_bound(hold, held->span.run, held->span.first);

	while (at < hold->end && hold->held[at]->span.first == held->span.first &&
	    hold->held[at] != held)
		at++;
	if (at < hold->end && hold->held[at] == held)
		remove_at(hold, at);
}

size_t
rtta_hold_count(const struct rtta_hold *hold)
{
	return hold->end - hold->begin;
}

size_t
rtta_hold_bytes(const struct rtta_hold *hold)
{
	return hold->bytes;
}

uint64_t
rtta_hold_samples(const struct rtta_hold *hold, struct rtta_span span)
{
	uint64_t samples = 0;

	for (size_t at = lower_bound(hold, span.run, span.first); at < hold->end; at++) {
		if (hold->held[at]->span.run != span.run || hold->held[at]->span.first >= span.last)
			break;
		samples += hold->held[at]->samples;
	}
	return samples;
}

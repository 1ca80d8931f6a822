#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "timeline.h"

/* A piece may grow while the clock of its frames agrees to this. */
enum { CLOCK_SLACK_NS = 500000 };

/* `samples` that the engine was given stand for span; normally as many. */
struct piece {
	uint64_t count;       /* sent before this piece */
	uint64_t samples;
	struct rtta_span span;
	int64_t capture_ns;
};

struct rtta_timeline {
	uint32_t rate_hz;
	struct piece *pieces;
	size_t first, end, room;   /* in use: [first, end) */
	uint64_t count;
};

struct rtta_timeline *
rtta_timeline_new(uint32_t rate_hz)
{
	struct rtta_timeline *timeline = rtta_xcalloc(1, sizeof(*timeline));

	timeline->rate_hz = rate_hz;
	return timeline;
}

void
rtta_timeline_free(struct rtta_timeline *timeline)
{
	if (timeline != NULL)
		free(timeline->pieces);
	free(timeline);
}

static bool
one_to_one(const struct piece *piece)
{
	return piece->span.last - piece->span.first == piece->samples;
}

static bool
continues(const struct rtta_timeline *timeline, const struct piece *last,
    const struct piece *next)
{
	int64_t expected_ns = last->capture_ns + rtta_samples_ns(last->samples, timeline->rate_hz);

	return one_to_one(last) && one_to_one(next) &&
	    last->span.run == next->span.run && last->span.last == next->span.first &&
	    llabs(next->capture_ns - expected_ns) < CLOCK_SLACK_NS;
}

/* Room for one more piece behind the last. */
static void
make_room(struct rtta_timeline *timeline)
{
	if (timeline->end < timeline->room)
		return;
	if (timeline->first > timeline->room / 2) {
		memmove(timeline->pieces, timeline->pieces + timeline->first,
		    (timeline->end - timeline->first) * sizeof(*timeline->pieces));
		timeline->end -= timeline->first;
		timeline->first = 0;
		return;
	}
	timeline->room = timeline->room ? timeline->room * 2 : 16;
	timeline->pieces = rtta_xreallocarray(timeline->pieces, timeline->room,
	    sizeof(*timeline->pieces));
}

void
rtta_timeline_sent(struct rtta_timeline *timeline, struct rtta_span span,
    uint64_t samples, int64_t capture_ns)
{
	struct piece next = { timeline->count, samples, span, capture_ns };
	struct piece *last;

	if (samples == 0 || span.first >= span.last)
		return;
	timeline->count += samples;
	if (timeline->end > timeline->first) {
		last = &timeline->pieces[timeline->end - 1];
		if (continues(timeline, last, &next)) {
			last->span.last = span.last;
			last->samples += samples;
			return;
		}
	}
	make_room(timeline);
	timeline->pieces[timeline->end++] = next;
}

/* The samples at engine time seconds, clamped to the pieces that are known. */
static uint64_t
clamp_count(const struct rtta_timeline *timeline, double seconds)
{
	uint64_t least = timeline->pieces[timeline->first].count;
	double count = round(seconds * timeline->rate_hz);

	if (!(count > (double)least))  /* also NAN */
		return least;
	if (count >= (double)timeline->count)
		return timeline->count;
	return (uint64_t)count;
}

/* The piece of a count; as an end the one before a border. */
static const struct piece *
find_piece(const struct rtta_timeline *timeline, uint64_t count, bool as_end)
{
	size_t low = timeline->first, high = timeline->end - 1;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct piece *piece = &timeline->pieces[middle];
		uint64_t end = piece->count + piece->samples;

		if (end < count || (end == count && !as_end))
			low = middle + 1;
		else
			high = middle;
	}
	return &timeline->pieces[low];
}

bool
rtta_timeline_find(const struct rtta_timeline *timeline, double seconds, bool as_end,
    struct rtta_pos *pos, int64_t *real_ns)
{
	const struct piece *piece;
	uint64_t count, into, positions;

	if (timeline->first == timeline->end)
		return false;
	count = clamp_count(timeline, seconds);
	piece = find_piece(timeline, count, as_end);
	into = count - piece->count;
	*real_ns = piece->capture_ns + rtta_samples_ns(into, timeline->rate_hz);
	pos->run = piece->span.run;
	if (one_to_one(piece)) {
		pos->sample = piece->span.first + into;
		return true;
	}
	/* A position that is begun is in: down as a start, up as an end. */
	positions = piece->span.last - piece->span.first;
	pos->sample = piece->span.first +
	    (into * positions + (as_end ? piece->samples - 1 : 0)) / piece->samples;
	return true;
}

void
rtta_timeline_forget(struct rtta_timeline *timeline, double seconds)
{
	double count = seconds * timeline->rate_hz;

	/* The newest piece stays: it is where a late end is clamped to. */
	while (timeline->first + 1 < timeline->end) {
		const struct piece *piece = &timeline->pieces[timeline->first];

		if ((double)(piece->count + piece->samples) > count)
			return;
		timeline->first++;
	}
}

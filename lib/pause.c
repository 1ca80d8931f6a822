#include <math.h>

#include "level.h"
#include "pause.h"

enum {
	LOWEST_DB = -120,
	BINS = 121,              /* of 1 dB */
	FLOOR_PERCENT = 5,
	SPEECH_PERCENT = 95,
	RANGE_DB = 8,            /* speech is louder than what is between it by so much */
	RANGE_MOST_DB = 40,      /* a gate makes silence quieter than any room is */
	QUIET_PERCENT = 30       /* of the range: below it is quiet */
};

#define MS INT64_C(1000000)
#define AROUND_NS (80 * MS)
#define NEAR_NS (20 * MS)

/* So long a pause will do when it has been looked for so long. */
static const struct wanted {
	int64_t sought_ns, pause_ns;
} wanted[] = {
	{ 1000 * MS, 240 * MS },
	{ 2000 * MS, 200 * MS },
	{ 3000 * MS, 160 * MS },
	{ RTTA_PAUSE_SEEK_NS, 120 * MS },
};

#define LEAST_NS (80 * MS)    /* at the end: shorter ones are within words */

static int64_t
length(const struct rtta_pause_frame *frames, size_t from, size_t to)
{
	int64_t ns = 0;

	while (from < to)
		ns += frames[from++].ns;
	return ns;
}

/* --- what is quiet --- */

static double
level_at(const int64_t *bins, int64_t total_ns, int percent)
{
	int64_t below_ns = 0;
	int i = 0;

	while (i < BINS - 1 && below_ns + bins[i] <= total_ns / 100 * percent)
		below_ns += bins[i++];
	return LOWEST_DB + i;
}

static double
quiet_db(const struct rtta_pause_frame *frames, size_t count)
{
	int64_t bins[BINS] = {0}, total_ns = 0;
	double floor_db, speech_db;

	for (size_t i = 0; i < count; i++) {
		double level_db = fmin(fmax(frames[i].level_db, LOWEST_DB), 0);

		bins[(int)lround(level_db) - LOWEST_DB] += frames[i].ns;
		total_ns += frames[i].ns;
	}
	speech_db = level_at(bins, total_ns, SPEECH_PERCENT);
	floor_db = fmax(level_at(bins, total_ns, FLOOR_PERCENT), speech_db - RANGE_MOST_DB);
	if (speech_db - floor_db < RANGE_DB)
		return RTTA_LEVEL_QUIET_DB;  /* nobody speaks, or all of the time */
	return floor_db + (speech_db - floor_db) * QUIET_PERCENT / 100;
}

/* --- where --- */

/* A place in a pause is worth as much as it lies away from both its ends. */
static void
try_pause(const struct rtta_pause_frame *frames, size_t first, size_t end, size_t from,
    int64_t *best_ns, size_t *at)
{
	int64_t before_ns = length(frames, first, from > first ? from : first);
	int64_t after_ns = length(frames, first, end) - before_ns;

	for (size_t i = from > first ? from : first; i < end; i++) {
		int64_t ns = 2 * (before_ns < after_ns ? before_ns : after_ns);

		if (ns > *best_ns) {
			*best_ns = ns;
			*at = i;
		}
		before_ns += frames[i].ns;
		after_ns -= frames[i].ns;
	}
}

static int64_t
best_pause(const struct rtta_pause_frame *frames, size_t count, size_t from, size_t *at)
{
	double quiet = quiet_db(frames, count);
	int64_t best_ns = 0;
	size_t first = 0;

	for (size_t i = 0; i <= count; i++) {
		if (i < count && frames[i].level_db < quiet)
			continue;
		if (i > from)
			try_pause(frames, first, i, from, &best_ns, at);
		first = i + 1;
	}
	return best_ns;
}

/* A frame counts the more the nearer it is. */
static void
weigh(const struct rtta_pause_frame *frame, int64_t away_ns, double *sum, double *weights)
{
	double weight = (double)frame->ns / (double)(away_ns + frame->ns / 2 + NEAR_NS);

	*sum += weight * frame->level_db;
	*weights += weight;
}

/* The mean level, in dB, around the start of a frame. */
static double
around_db(const struct rtta_pause_frame *frames, size_t count, size_t at)
{
	double sum = 0, weights = 0;
	int64_t away_ns = 0;

	for (size_t i = at; i < count && away_ns < AROUND_NS; away_ns += frames[i++].ns)
		weigh(&frames[i], away_ns, &sum, &weights);
	away_ns = 0;
	for (size_t i = at; i > 0 && away_ns < AROUND_NS; away_ns += frames[--i].ns)
		weigh(&frames[i - 1], away_ns, &sum, &weights);
	return sum / weights;
}

static size_t
quietest(const struct rtta_pause_frame *frames, size_t count, size_t from)
{
	double least_db = INFINITY, db;
	size_t at = from;

	for (size_t i = from; i < count; i++) {
		db = around_db(frames, count, i);
		if (db < least_db) {
			least_db = db;
			at = i;
		}
	}
	return at;
}

static int64_t
wanted_ns(int64_t sought_ns)
{
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (sought_ns < wanted[i].sought_ns)
			return wanted[i].pause_ns;
	return 0;
}

bool
rtta_pause_find(const struct rtta_pause_frame *frames, size_t count, size_t from,
    bool must, size_t *at)
{
	int64_t want_ns = must ? 0 : wanted_ns(length(frames, from, count));
	int64_t found_ns = best_pause(frames, count, from, at);

	if (want_ns > 0)
		return found_ns >= want_ns;
	if (found_ns < LEAST_NS)
		*at = quietest(frames, count, from);
	return true;
}

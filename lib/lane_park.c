#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "book.h"
#include "clock.h"
#include "cover.h"
#include "hold.h"
#include "lane_parts.h"
#include "log.h"
#include "mem.h"

enum { REST_MAX_MS = 600000 };

static bool
overlap(struct rtta_span a, struct rtta_span b)
{
	return a.run == b.run && a.first < b.last && b.first < a.last;
}

/* It has failed again: what was known of its sound goes into the new entry. */
static void
take_over(struct rtta_track *track, struct rtta_parked *new)
{
	struct rtta_parked **at = &track->parked;

	while (*at != NULL) {
		struct rtta_parked *parked = *at;

		if (!overlap(parked->span, new->span)) {
			at = &parked->next;
			continue;
		}
		if (parked->rests > new->rests)
			new->rests = parked->rests;
		new->hurried = new->hurried || parked->hurried;
		*at = parked->next;
		free(parked);
	}
}

static void
let_go(struct rtta_track *track, struct rtta_span span, struct rtta_parked *parked)
{
	struct rtta_delivery *held;
	uint64_t at = span.first;

	while ((held = rtta_hold_find(track->hold, (struct rtta_pos){ span.run, at })) != NULL &&
	    held->span.first < span.last) {
		if (parked->start_ns == 0)
			parked->start_ns = held->capture_ns;
		parked->end_ns = held->capture_ns + rtta_samples_ns(held->samples, held->rate_hz);
		at = held->span.last;
		rtta_hold_remove(track->hold, held);
		rtta_delivery_free(held);
	}
}

void
rtta_lane_park(struct rtta_lane *lane, struct rtta_piece *piece)
{
	struct rtta_track *track = piece->track;
	struct rtta_span span = rtta_stretch_span(piece->stretch);
	int64_t rest_ms = lane->config->rest_ms;
	struct rtta_parked *parked;

	span.first = rtta_stretch_sent(piece->stretch);
	if (span.first >= span.last)
		return;
	parked = rtta_xcalloc(1, sizeof(*parked));
	parked->span = span;
	take_over(track, parked);
	for (unsigned i = 0; i < parked->rests && rest_ms < REST_MAX_MS; i++)
		rest_ms *= 2;
	parked->rests++;
	parked->due_ms = rtta_clock_mono_ms() + rest_ms;
	/* Of a second pass nothing is missing: the first one has it. */
	parked->untold = !piece->foreign && track->rev == 1;
	strcpy(parked->job, piece->job);
	rtta_log_warn_again(&lane->parked, "", "%s: %s: %d attempts in vain, again in %.0f s", track->book->session,
	    piece->job[0] != '\0' ? piece->job : "backfill", RTTA_STRETCH_ATTEMPTS,
	    (double)rest_ms / 1000);
	let_go(track, span, parked);
	parked->next = track->parked;
	track->parked = parked;
	lane->parked_since++;
}

/* One piece alone may be at fault itself: it waits. */
void
rtta_lane_hurry(struct rtta_lane *lane)
{
	if (lane->parked_since > 1) {
		for (struct rtta_track *track = lane->tracks; track != NULL; track = track->next)
			for (struct rtta_parked *parked = track->parked; parked != NULL;
			    parked = parked->next)
				if (!parked->recalled && !parked->hurried) {
					parked->hurried = true;
					parked->due_ms = 0;
				}
		lane->recall_ms = 0;
	}
	lane->parked_since = 0;
}

bool
rtta_lane_is_parked(const struct rtta_track *track, struct rtta_span span)
{
	for (const struct rtta_parked *parked = track->parked; parked != NULL; parked = parked->next)
		if (!parked->recalled && overlap(parked->span, span))
			return true;
	return false;
}

bool
rtta_lane_is_job_parked(const struct rtta_track *track, const char *job)
{
	const struct rtta_parked *parked = track->parked;

	while (parked != NULL && strcmp(parked->job, job) != 0)
		parked = parked->next;
	return parked != NULL;
}

void
rtta_lane_unpark_covered(struct rtta_track *track)
{
	struct rtta_parked **at = &track->parked;

	while (*at != NULL) {
		struct rtta_parked *parked = *at;

		if (!rtta_cover_contains(track->cover, parked->span)) {
			at = &parked->next;
		} else if (!parked->recalled) {
			/* Somebody else was faster: it has to come once more, to
			 * be acknowledged. */
			parked->due_ms = 0;
			at = &parked->next;
		} else {
			*at = parked->next;
			free(parked);
		}
	}
}

void
rtta_lane_free_parked(struct rtta_track *track)
{
	struct rtta_parked *parked;

	while ((parked = track->parked) != NULL) {
		track->parked = parked->next;
		free(parked);
	}
}

int64_t
rtta_lane_parked_ms(const struct rtta_lane *lane)
{
	int64_t due_ms = INT64_MAX;

	for (const struct rtta_track *track = lane->tracks; track != NULL; track = track->next)
		for (const struct rtta_parked *parked = track->parked; parked != NULL;
		    parked = parked->next)
			if (!parked->recalled && parked->due_ms < due_ms)
				due_ms = parked->due_ms;
	return due_ms < lane->recall_ms ? lane->recall_ms : due_ms;
}

double
rtta_lane_parked_s(const struct rtta_lane *lane)
{
	double s = 0;

	for (const struct rtta_track *track = lane->tracks; track != NULL; track = track->next)
		for (const struct rtta_parked *parked = track->parked; parked != NULL;
		    parked = parked->next)
			if (!parked->recalled)
				s += (double)(parked->end_ns - parked->start_ns) / 1e9;
	return s;
}

bool
rtta_lane_recall(struct rtta_lane *lane)
{
	int64_t now_ms = rtta_clock_mono_ms();
	bool any = false;

	/* All that rests comes with it: not too often. */
	if (now_ms < lane->recall_ms)
		return false;
	for (struct rtta_track *track = lane->tracks; track != NULL; track = track->next)
		for (struct rtta_parked *parked = track->parked; parked != NULL;
		    parked = parked->next)
			if (!parked->recalled && now_ms >= parked->due_ms) {
				parked->recalled = true;
				any = true;
			}
	if (any)
		lane->recall_ms = now_ms + lane->config->rest_ms;
	return any;
}

int
rtta_lane_next_given_up(struct rtta_lane *lane, struct rtta_given_up *what)
{
	for (struct rtta_track *track = lane->tracks; track != NULL; track = track->next)
		for (struct rtta_parked *parked = track->parked; parked != NULL;
		    parked = parked->next)
			if (parked->untold) {
				parked->untold = false;
				*what = (struct rtta_given_up){ track->book, parked->span,
				    parked->start_ns, parked->end_ns };
				return 1;
			}
	return 0;
}

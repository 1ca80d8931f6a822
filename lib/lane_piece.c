#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "book.h"
#include "clock.h"
#include "engine.h"
#include "err.h"
#include "hold.h"
#include "lane_parts.h"
#include "log.h"
#include "mem.h"
#include "seam.h"

enum {
	ENGINES_LIVE = 4,            /* at once; one may drain while the next begins */
	ENGINES_BACKFILL = 1,
	SEEK_S = 60,                 /* a long piece is divided in its last minute */
	HALF_MIN_S = 1               /* of one that an engine finds too long */
};

struct rtta_piece *
rtta_piece_new(struct rtta_lane *lane, struct rtta_track *track, const char *job,
    struct rtta_span span, const struct rtta_delivery *like)
{
	struct rtta_piece *piece = rtta_xcalloc(1, sizeof(*piece));

	piece->track = track;
	piece->bridged = lane->bridged;
	piece->stretch = rtta_stretch_new(lane->bridged ? &track->bridge.source : &track->source,
	    span);
	strcpy(piece->job, job);
	piece->open = true;
	piece->foreign = like->foreign;
	piece->rate_hz = like->rate_hz;
	piece->channels = like->channels;
	piece->grown_ms = rtta_clock_mono_ms();
	*lane->last_piece = piece;
	lane->last_piece = &piece->next;
	if (piece->bridged)
		rtta_bridge_copy(lane, track, span);
	return piece;
}

void
rtta_piece_end(struct rtta_piece *piece)
{
	piece->open = false;
	rtta_stretch_end(piece->stretch);
}

/* Take the piece at *at out of the list. */
void
rtta_piece_remove(struct rtta_lane *lane, struct rtta_piece **at)
{
	struct rtta_piece *piece = *at;

	*at = piece->next;
	if (piece->next == NULL)
		lane->last_piece = at;
	rtta_stretch_free(piece->stretch);
	free(piece);
}

struct rtta_piece *
rtta_piece_open(const struct rtta_lane *lane, const struct rtta_track *track, const char *job)
{
	struct rtta_piece *piece = lane->pieces;

	while (piece != NULL &&
	    !(piece->open && piece->track == track && strcmp(piece->job, job) == 0))
		piece = piece->next;
	return piece;
}

static bool
continues(const struct rtta_piece *piece, const struct rtta_delivery *held)
{
	struct rtta_span span = rtta_stretch_span(piece->stretch);

	if (span.run != held->span.run || piece->rate_hz != held->rate_hz ||
	    piece->channels != held->channels || piece->foreign != held->foreign)
		return false;
	return held->foreign ? held->span.first >= span.last : held->span.first == span.last;
}

double
rtta_piece_unsent_ms(const struct rtta_piece *piece)
{
	struct rtta_span span = rtta_stretch_span(piece->stretch);

	span.first = rtta_stretch_sent(piece->stretch);
	if (span.first >= span.last)
		return 0;
	return 1000.0 * (double)(piece->foreign ?
	    rtta_hold_samples(piece->track->hold, span) : span.last - span.first) / piece->rate_hz;
}

/* In the best pause of the samples before longest; the rest, NULL: none is held. */
static struct rtta_piece *
divide(struct rtta_lane *lane, struct rtta_piece *piece, uint64_t longest, uint64_t seek)
{
	struct rtta_span span = rtta_stretch_span(piece->stretch);
	uint64_t at = rtta_seam_best(piece->track->hold, (struct rtta_span){
	    span.run, span.first + longest - seek, span.first + longest });
	const struct rtta_delivery *held = rtta_hold_find(piece->track->hold,
	    (struct rtta_pos){ span.run, at });
	struct rtta_piece *rest;

	rtta_stretch_shorten(piece->stretch, at);
	piece->open = false;
	if (held == NULL || held->span.first >= span.last)
		return NULL;
	rest = rtta_piece_new(lane, piece->track, piece->job,
	    (struct rtta_span){ span.run, at, span.last }, held);
	rest->grown_ms = piece->grown_ms;
	return rest;
}

/* A piece that has become too long is divided in the best pause of its end. */
static void
divide_long(struct rtta_lane *lane, struct rtta_piece *piece)
{
	struct rtta_span span = rtta_stretch_span(piece->stretch);
	uint64_t longest = (uint64_t)piece->rate_hz * (uint64_t)lane->config->piece_ms / 1000;
	uint64_t seek = (uint64_t)piece->rate_hz * SEEK_S;

	if (!piece->foreign && span.last - span.first > longest)
		divide(lane, piece, longest, seek > longest / 2 ? longest / 2 : seek);
}

void
rtta_piece_append(struct rtta_lane *lane, struct rtta_track *track, const char *job,
    const struct rtta_delivery *held)
{
	struct rtta_piece *piece;

	if (rtta_bridge_take(lane, track, held))
		return;
	piece = rtta_piece_open(lane, track, job);
	if (piece != NULL && !continues(piece, held)) {
		rtta_piece_end(piece);
		piece = NULL;
	}
	if (piece == NULL)
		piece = rtta_piece_new(lane, track, job, held->span, held);
	if (piece->bridged)
		rtta_bridge_copy(lane, track, held->span);
	rtta_stretch_grow(piece->stretch, held->span.last);
	piece->grown_ms = rtta_clock_mono_ms();
	if (lane->config->backfill)
		divide_long(lane, piece);
}

/* The engine takes none as long as this one. */
static bool
halve(struct rtta_lane *lane, struct rtta_piece *piece)
{
	struct rtta_span span = rtta_stretch_span(piece->stretch);
	uint64_t half = (span.last - span.first) / 2;
	struct rtta_piece *rest;

	if (piece->foreign || half < (uint64_t)piece->rate_hz * HALF_MIN_S)
		return false;
	rest = divide(lane, piece, half + half / 4, half / 2);
	if (rest != NULL)
		rtta_piece_end(rest);
	return true;
}

int
rtta_piece_connected(const struct rtta_lane *lane)
{
	int count = 0;

	for (const struct rtta_piece *piece = lane->pieces; piece != NULL; piece = piece->next)
		count += rtta_stretch_connected(piece->stretch);
	return count;
}

/* May this piece have an engine now? */
bool
rtta_piece_may_open(const struct rtta_lane *lane, const struct rtta_piece *piece, int engines)
{
	int most = lane->config->backfill || lane->config->in_order ?
	    ENGINES_BACKFILL : ENGINES_LIVE;

	if (lane->config->backfill && piece->open)
		return false;
	if (lane->config->in_order && piece != lane->pieces)
		return false;
	/* The live edge does not wait for what drains. */
	return engines < most || (piece->open && engines < 2 * most);
}

/* Three times in vain: the other lane tries, or this one, later. */
static void
park_or_move(struct rtta_lane *lane, struct rtta_piece *piece)
{
	if (rtta_stretch_failures(piece->stretch) == 0 ||
	    rtta_stretch_failures(piece->stretch) % RTTA_STRETCH_ATTEMPTS != 0 ||
	    rtta_stretch_connected(piece->stretch))
		return;
	if (!lane->config->backfill) {
		/* Its last words are the fallback's. */
		if (lane->config->fallback != NULL && !piece->bridged)
			return;
		if (lane->config->edge_ms > 0 && !piece->open && !piece->foreign &&
		    rtta_clock_mono_ms() >= lane->stay_ms && rtta_piece_unsent_ms(piece) > 0)
			rtta_lane_move_piece(lane, piece);
		return;
	}
	rtta_lane_park(lane, piece);
}

int
rtta_piece_pump(struct rtta_lane *lane, struct rtta_piece *piece, int *engines,
    struct rtta_err *err)
{
	bool was = rtta_stretch_connected(piece->stretch), is;
	bool was_ready = rtta_stretch_ready(piece->stretch);
	unsigned failures = rtta_stretch_failures(piece->stretch), now;
	bool may = was || rtta_piece_may_open(lane, piece, *engines);
	struct rtta_draft *draft;

	if (!was && may && lane->spare != NULL &&
	    piece->bridged == (lane->config->fallback != NULL) && rtta_stretch_wants(piece->stretch)) {
		rtta_stretch_use(piece->stretch, lane->spare);
		lane->spare = NULL;
	}
	rtta_stretch_pump(piece->stretch, may, err);
	is = rtta_stretch_connected(piece->stretch);
	*engines += (int)is - (int)was;
	/* There again: what is said now is more than what was missed. */
	if (!was_ready && rtta_stretch_ready(piece->stretch))
		lane->recovering = lane->recovering || lane->failing;
	while ((draft = rtta_stretch_next(piece->stretch)) != NULL) {
		lane->recovering = lane->recovering || lane->failing;
		lane->failing = false;
		lane->proven = true;
		rtta_lane_hurry(lane);
		if (piece->bridged && draft->record.is_final)
			rtta_bridge_put(lane, piece->track, draft);
		else
			rtta_drafts_put(&lane->drafts, draft);
	}
	now = rtta_stretch_failures(piece->stretch);
	if (now > failures || (now > 0 && was && !is)) {
		lane->retries++;
		lane->failing = true;
		if (!rtta_stretch_too_large(piece->stretch) || !halve(lane, piece))
			park_or_move(lane, piece);
	}
	return err->exit_code != 0 ? -1 : 0;
}

/* Its sound has left the hold, or is none of its business any more. */
bool
rtta_piece_is_over(const struct rtta_piece *piece)
{
	struct rtta_span span = rtta_stretch_span(piece->stretch);
	uint64_t at = span.first;
	const struct rtta_delivery *held;

	if (!rtta_stretch_over(piece->stretch))
		return false;
	while (at < span.last) {
		held = rtta_hold_find(piece->track->hold, (struct rtta_pos){ span.run, at });
		if (held == NULL || held->span.first >= span.last)
			return true;
		if (!held->moving)
			return false;
		at = held->span.last;
	}
	return true;
}

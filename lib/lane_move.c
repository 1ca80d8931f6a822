#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "book.h"
#include "clock.h"
#include "cover.h"
#include "hold.h"
#include "lane_parts.h"
#include "log.h"
#include "mem.h"
#include "seam.h"

enum {
	STAY_MS = 30000,             /* after a move that failed */
	NEAR_MS = 3000               /* so near the edge is at it */
};

void
rtta_lane_put_move(struct rtta_lane *lane, struct rtta_track *track,
    const struct rtta_delivery *held, const char *job, bool better)
{
	struct rtta_lane_moving *moving = rtta_xcalloc(1, sizeof(*moving));

	moving->track = track;
	moving->pos = (struct rtta_pos){ held->span.run, held->span.first };
	moving->better = better;
	strcpy(moving->job, job);
	*lane->last_move = moving;
	lane->last_move = &moving->next;
}

/* A held frame is to be copied to the other lane. */
static void
move(struct rtta_lane *lane, struct rtta_track *track, struct rtta_delivery *held)
{
	char run[RTTA_RUN_TEXT_BYTES];

	if (track->move_job[0] == '\0')
		snprintf(track->move_job, sizeof(track->move_job), "move-%s-%" PRIu64,
		    rtta_run_format(run, held->span.run), held->span.first);
	held->moving = true;
	track->moving++;
	rtta_lane_put_move(lane, track, held, track->move_job, false);
	track->move_end = (struct rtta_pos){ held->span.run, held->span.last };
	track->move_end_ns = held->capture_ns + rtta_samples_ns(held->samples, held->rate_hz);
	track->move_rate_hz = held->rate_hz;
}

static void
move_tail(struct rtta_lane *lane, struct rtta_track *track, uint64_t last)
{
	struct rtta_delivery *held;

	while (track->tail.first < last) {
		held = rtta_hold_find(track->hold,
		    (struct rtta_pos){ track->tail.run, track->tail.first });
		if (held == NULL || held->span.first >= last)
			break;
		track->tail.first = held->span.last;
		if (!held->moving)
			move(lane, track, held);
	}
	track->tail.first = last;
}

void
rtta_lane_put_off(struct rtta_lane *lane, struct rtta_track *track,
    const struct rtta_delivery *held)
{
	uint64_t most = (uint64_t)held->rate_hz * (RTTA_SEAM_PAST_S + RTTA_SEAM_SEEK_S);

	if (held->span.run != track->tail.run || held->span.first != track->tail.last) {
		move_tail(lane, track, track->tail.last);
		track->tail = held->span;
	}
	track->tail.last = held->span.last;
	if (track->tail.last - track->tail.first > most)
		move_tail(lane, track, track->tail.last - most);
}

/* The next frame of a piece from *at on that is nobody's yet, or NULL. */
static struct rtta_delivery *
next_unclaimed(const struct rtta_piece *piece, uint64_t *at)
{
	const struct rtta_track *track = piece->track;
	struct rtta_span span = rtta_stretch_span(piece->stretch);

	while (*at < span.last) {
		struct rtta_delivery *held = rtta_hold_find(track->hold,
		    (struct rtta_pos){ span.run, *at });

		if (held == NULL || held->span.first >= span.last)
			break;
		*at = held->span.last;
		if (!held->moving && !rtta_book_claims(track->book, track->rev, held->span))
			return held;
	}
	return NULL;
}

void
rtta_lane_move_piece(struct rtta_lane *lane, struct rtta_piece *piece)
{
	uint64_t from = rtta_stretch_sent(piece->stretch), at = from;
	struct rtta_delivery *held;

	while ((held = next_unclaimed(piece, &at)) != NULL)
		move(lane, piece->track, held);
	rtta_stretch_shorten(piece->stretch, from);
	piece->open = false;
	piece->track->move_eos = !lane->jumping;
}

double
rtta_lane_behind_ms(const struct rtta_lane *lane)
{
	double ms = (double)lane->pending * lane->frame_ms;

	for (const struct rtta_piece *piece = lane->pieces; piece != NULL; piece = piece->next)
		ms += rtta_piece_unsent_ms(piece);
	return ms;
}

/* What an engine has, it keeps, up to the next pause. */
static uint64_t
jump_at(const struct rtta_piece *piece)
{
	struct rtta_span span = rtta_stretch_span(piece->stretch);

	span.first = rtta_stretch_sent(piece->stretch);
	return rtta_stretch_connected(piece->stretch) ?
	    rtta_seam_first(piece->track->hold, span) : span.first;
}

static void
put_off_piece(struct rtta_lane *lane, struct rtta_piece *piece)
{
	uint64_t from = jump_at(piece), at = from;
	const struct rtta_delivery *held;

	while ((held = next_unclaimed(piece, &at)) != NULL)
		rtta_lane_put_off(lane, piece->track, held);
	rtta_stretch_shorten(piece->stretch, from);
	piece->open = false;
}

/* The other lane gets the backlog. */
static void
jump(struct rtta_lane *lane)
{
	rtta_log_info("behind by %.1f s: the backlog moves to the backfill lane",
	    rtta_lane_behind_ms(lane) / 1000);
	lane->jumping = true;
	for (struct rtta_piece *piece = lane->pieces; piece != NULL; piece = piece->next)
		if (!piece->foreign && rtta_piece_unsent_ms(piece) > 0)
			put_off_piece(lane, piece);
}

void
rtta_lane_land(struct rtta_lane *lane, struct rtta_track *track)
{
	struct rtta_span tail = track->tail;
	const struct rtta_delivery *held;

	if (tail.first < tail.last) {
		tail.first = rtta_seam_last(track->hold, tail);
		move_tail(lane, track, tail.first);
	}
	for (uint64_t at = tail.first; at < tail.last; at = held->span.last) {
		held = rtta_hold_find(track->hold, (struct rtta_pos){ tail.run, at });
		if (held == NULL || held->span.first >= tail.last)
			break;
		rtta_piece_append(lane, track, "", held);
	}
	track->tail = (struct rtta_span){0};
	track->move_eos = track->move_eos || track->move_job[0] != '\0';
}

static void
land(struct rtta_lane *lane)
{
	lane->jumping = false;
	for (struct rtta_track *track = lane->tracks; track != NULL; track = track->next)
		rtta_lane_land(lane, track);
}

/* Behind by so much is too much: less, while an engine comes back. */
static double
most_behind_ms(const struct rtta_lane *lane)
{
	int64_t edge_ms = lane->config->edge_ms;

	return (double)(lane->recovering && edge_ms > NEAR_MS ? NEAR_MS : edge_ms);
}

void
rtta_lane_watch_edge(struct rtta_lane *lane)
{
	if (lane->config->edge_ms == 0 || lane->config->backfill)
		return;
	if (lane->jumping && lane->pending == 0) {
		land(lane);
	} else if (!lane->jumping) {
		bool is_behind = rtta_lane_behind_ms(lane) > most_behind_ms(lane);

		if (is_behind && rtta_clock_mono_ms() >= lane->stay_ms && !rtta_bridge_doubts(lane))
			jump(lane);
		lane->recovering = lane->recovering && is_behind;
	}
}

static int
next_eos_move(struct rtta_lane *lane, struct rtta_move *move)
{
	struct rtta_track *track = lane->tracks;

	while (track != NULL && !track->move_eos)
		track = track->next;
	if (track == NULL)
		return 0;
	*move = (struct rtta_move){
		.audio = {
			.lane = RTTA_AUDIO_BACKFILL, .rev = track->rev, .eos = true,
			.frame = {
				.run_id = track->move_end.run, .sample = track->move_end.sample,
				.capture_ns = track->move_end_ns,
				.rate_hz = track->move_rate_hz, .channels = 1,
			},
		},
		.pos = track->move_end,
		.book = track->book,
	};
	strcpy(move->audio.session, track->book->session);
	strcpy(move->audio.job, track->move_job);
	track->move_job[0] = '\0';
	track->move_eos = false;
	return 1;
}

struct rtta_audio
rtta_lane_audio(const struct rtta_track *track, const struct rtta_delivery *held)
{
	struct rtta_audio audio = {
		.lane = RTTA_AUDIO_BACKFILL, .rev = track->rev, .lost = held->lost,
		.frame = {
			.run_id = held->span.run, .sample = held->span.first,
			.capture_ns = held->capture_ns, .rate_hz = held->rate_hz,
			.payload_bytes = held->pcm_bytes, .channels = held->channels,
			.flags = held->flags, .payload = held->pcm,
		},
	};

	strcpy(audio.session, track->book->session);
	return audio;
}

int
rtta_lane_next_move(struct rtta_lane *lane, struct rtta_move *move)
{
	struct rtta_lane_moving *moving;
	const struct rtta_delivery *held;

	while ((moving = lane->moves) != NULL) {
		struct rtta_track *track = moving->track;
		bool found;

		held = rtta_hold_get(track->hold, moving->pos);
		found = held != NULL && (held->moving || moving->better);
		if (found) {
			*move = (struct rtta_move){
				.audio = rtta_lane_audio(track, held),
				.pos = moving->pos,
				.book = track->book,
				.better = moving->better,
			};
			if (moving->better)
				move->audio.rev = RTTA_BOOK_REVS;
			strcpy(move->audio.job, moving->job);
		}
		lane->moves = moving->next;
		if (lane->moves == NULL)
			lane->last_move = &lane->moves;
		free(moving);
		if (found)
			return 1;
	}
	return rtta_bridge_next_eos(lane, move) || next_eos_move(lane, move);
}

/* The moving frame of a position, or NULL. */
static struct rtta_delivery *
find_moving(struct rtta_lane *lane, const struct rtta_book *book, struct rtta_pos pos,
    struct rtta_track **track)
{
	for (*track = lane->tracks; *track != NULL; *track = (*track)->next) {
		struct rtta_delivery *held;

		if ((*track)->book != book)
			continue;
		held = rtta_hold_get((*track)->hold, pos);
		if (held != NULL && held->moving)
			return held;
	}
	return NULL;
}

void
rtta_lane_moved(struct rtta_lane *lane, struct rtta_book *book, struct rtta_pos pos)
{
	struct rtta_track *track;
	struct rtta_delivery *held = find_moving(lane, book, pos, &track);

	if (held == NULL)
		return;
	rtta_cover_add(track->moved, held->span);
	rtta_lane_ack(lane, held->reply);
	rtta_hold_remove(track->hold, held);
	rtta_delivery_free(held);
	track->moving--;
	lane->moved_frames++;
}

void
rtta_lane_unmoved(struct rtta_lane *lane, struct rtta_book *book, struct rtta_pos pos)
{
	struct rtta_track *track;
	struct rtta_delivery *held = find_moving(lane, book, pos, &track);

	lane->stay_ms = rtta_clock_mono_ms() + STAY_MS;
	if (lane->jumping)
		land(lane);
	if (held == NULL)
		return;
	held->moving = false;
	track->moving--;
	rtta_piece_append(lane, track, "unmoved", held);
}

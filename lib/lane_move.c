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

enum { STAY_MS = 30000 };            /* after a move that failed */

void
rtta_lane_move(struct rtta_lane *lane, struct rtta_track *track, struct rtta_delivery *held)
{
	struct rtta_lane_moving *moving = rtta_xcalloc(1, sizeof(*moving));
	char run[RTTA_RUN_TEXT_BYTES];

	if (track->move_job[0] == '\0')
		snprintf(track->move_job, sizeof(track->move_job), "move-%s-%" PRIu64,
		    rtta_run_format(run, held->span.run), held->span.first);
	held->moving = true;
	track->moving++;
	moving->track = track;
	moving->pos = (struct rtta_pos){ held->span.run, held->span.first };
	strcpy(moving->job, track->move_job);
	*lane->last_move = moving;
	lane->last_move = &moving->next;
	track->move_end = (struct rtta_pos){ held->span.run, held->span.last };
	track->move_end_ns = held->capture_ns + rtta_samples_ns(held->samples, held->rate_hz);
	track->move_rate_hz = held->rate_hz;
}

/* Everything of a piece from `from` on, except what is claimed, moves. */
void
rtta_lane_move_from(struct rtta_lane *lane, struct rtta_piece *piece, uint64_t from)
{
	struct rtta_track *track = piece->track;
	struct rtta_span span = rtta_stretch_span(piece->stretch);
	struct rtta_delivery *held;

	for (uint64_t at = from; at < span.last; at = held->span.last) {
		held = rtta_hold_find(track->hold, (struct rtta_pos){ span.run, at });
		if (held == NULL || held->span.first >= span.last)
			break;
		if (!held->moving && !rtta_cover_contains(track->claimed, held->span))
			rtta_lane_move(lane, track, held);
	}
	rtta_stretch_shorten(piece->stretch, from);
	piece->open = false;
}

double
rtta_lane_behind_ms(const struct rtta_lane *lane)
{
	double ms = (double)lane->pending * lane->frame_ms;

	for (const struct rtta_piece *piece = lane->pieces; piece != NULL; piece = piece->next)
		ms += rtta_piece_unsent_ms(piece);
	return ms;
}

/* The other lane gets the backlog; what an engine has, it keeps. */
static void
jump(struct rtta_lane *lane)
{
	rtta_log_info("behind by %.1f s: the backlog moves to the backfill lane",
	    rtta_lane_behind_ms(lane) / 1000);
	lane->jumping = true;
	for (struct rtta_piece *piece = lane->pieces; piece != NULL; piece = piece->next)
		if (!piece->foreign && rtta_piece_unsent_ms(piece) > 0)
			rtta_lane_move_from(lane, piece, rtta_stretch_sent(piece->stretch));
}

static void
land(struct rtta_lane *lane)
{
	lane->jumping = false;
	for (struct rtta_track *track = lane->tracks; track != NULL; track = track->next)
		if (track->move_job[0] != '\0')
			track->move_eos = true;
}

void
rtta_lane_watch_edge(struct rtta_lane *lane)
{
	int64_t now_ms = rtta_clock_mono_ms();

	if (lane->config->edge_ms == 0 || lane->config->backfill)
		return;
	if (lane->jumping && lane->pending == 0)
		land(lane);
	else if (!lane->jumping && now_ms >= lane->stay_ms &&
	    rtta_lane_behind_ms(lane) > (double)lane->config->edge_ms)
		jump(lane);
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

int
rtta_lane_next_move(struct rtta_lane *lane, struct rtta_move *move)
{
	struct rtta_lane_moving *moving;
	const struct rtta_delivery *held;

	while ((moving = lane->moves) != NULL) {
		struct rtta_track *track = moving->track;
		bool found;

		held = rtta_hold_get(track->hold, moving->pos);
		found = held != NULL && held->moving;
		if (found) {
			*move = (struct rtta_move){
				.audio = {
					.lane = RTTA_AUDIO_BACKFILL, .rev = track->rev,
					.lost = held->lost,
					.frame = {
						.run_id = held->span.run, .sample = held->span.first,
						.capture_ns = held->capture_ns, .rate_hz = held->rate_hz,
						.payload_bytes = held->pcm_bytes,
						.channels = held->channels, .flags = held->flags,
						.payload = held->pcm,
					},
				},
				.pos = moving->pos,
				.book = track->book,
			};
			strcpy(move->audio.session, track->book->session);
			strcpy(move->audio.job, moving->job);
		}
		lane->moves = moving->next;
		if (lane->moves == NULL)
			lane->last_move = &lane->moves;
		free(moving);
		if (found)
			return 1;
	}
	return next_eos_move(lane, move);
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
	rtta_piece_append(lane, track, "", held);
}

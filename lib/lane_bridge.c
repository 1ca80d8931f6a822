#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "book.h"
#include "clock.h"
#include "cover.h"
#include "err.h"
#include "hold.h"
#include "lane_parts.h"
#include "log.h"
#include "mem.h"
#include "profile.h"
#include "seam.h"

enum {
	LOOK_MS = 250,               /* is somebody waiting? */
	FLAP_MS = 120000,            /* away again so soon: it is trusted half as much */
	DOUBT_MAX = 16,
	CATCH_UP_MS = 20000,         /* the fallback begins with a backlog */
	LANDING_S = 2,               /* so much sound is searched for a pause */
	LANDING_MS = 3000,           /* should less than that come */
	TRIAL_IDLE_MS = 5000,        /* a service closes what carries no sound */
	RARELY = 6,                  /* times --return, after a refusal; then twice as long */
	RARELY_MAX_MS = 600000,
	STAY_MS = 30000              /* nothing is copied, after a copy that failed */
};

void
rtta_bridge_init(struct rtta_lane *lane, struct rtta_track *track)
{
	const struct rtta_profile *profile = lane->config->fallback;
	struct rtta_bridge *bridge = &track->bridge;

	rtta_drafts_init(&bridge->waiting);
	rtta_record_init(&bridge->like);
	bridge->asked = rtta_cover_new();
	bridge->stored = rtta_cover_new();
	if (profile == NULL)
		return;
	rtta_record_done(&bridge->like);
	rtta_record_copy(&bridge->like, &track->like);
	free(bridge->like.engine);
	bridge->like.engine = rtta_xstrdup(profile->name);
	free(bridge->like.language);
	bridge->like.language = profile->language != NULL ? rtta_xstrdup(profile->language) : NULL;
	bridge->source = track->source;
	bridge->source.profile = profile;
	bridge->source.like = &bridge->like;
}

void
rtta_bridge_done(struct rtta_track *track)
{
	rtta_drafts_done(&track->bridge.waiting);
	rtta_record_done(&track->bridge.like);
	rtta_cover_free(track->bridge.asked);
	rtta_cover_free(track->bridge.stored);
}

/* --- copies for the second pass --- */

static void
ask(struct rtta_lane *lane, struct rtta_track *track, const struct rtta_delivery *held)
{
	struct rtta_bridge *bridge = &track->bridge;
	char run[RTTA_RUN_TEXT_BYTES];

	if (bridge->job[0] == '\0')
		snprintf(bridge->job, sizeof(bridge->job), "better-%s-%" PRIu64,
		    rtta_run_format(run, held->span.run), held->span.first);
	bridge->end = (struct rtta_pos){ held->span.run, held->span.last };
	bridge->end_ns = held->capture_ns + rtta_samples_ns(held->samples, held->rate_hz);
	bridge->rate_hz = held->rate_hz;
	rtta_cover_add(bridge->asked, held->span);
	rtta_lane_put_move(lane, track, held, bridge->job, true);
}

void
rtta_bridge_copy(struct rtta_lane *lane, struct rtta_track *track, struct rtta_span span)
{
	const struct rtta_delivery *held;

	/* The stream took no copies a moment ago: text does not wait for that. */
	if (rtta_clock_mono_ms() < lane->copy_ms)
		return;
	for (uint64_t at = span.first; at < span.last; at = held->span.last) {
		held = rtta_hold_find(track->hold, (struct rtta_pos){ span.run, at });
		if (held == NULL || held->span.first >= span.last)
			break;
		if (!held->foreign && !rtta_cover_contains(track->bridge.asked, held->span))
			ask(lane, track, held);
	}
}

int
rtta_bridge_next_eos(struct rtta_lane *lane, struct rtta_move *move)
{
	struct rtta_track *track = lane->tracks;
	struct rtta_bridge *bridge;

	while (track != NULL && !track->bridge.eos)
		track = track->next;
	if (track == NULL)
		return 0;
	bridge = &track->bridge;
	*move = (struct rtta_move){
		.audio = {
			.lane = RTTA_AUDIO_BACKFILL, .rev = RTTA_BOOK_REVS, .eos = true,
			.frame = {
				.run_id = bridge->end.run, .sample = bridge->end.sample,
				.capture_ns = bridge->end_ns, .rate_hz = bridge->rate_hz,
				.channels = 1,
			},
		},
		.pos = bridge->end,
		.book = track->book,
		.better = true,
	};
	strcpy(move->audio.session, track->book->session);
	strcpy(move->audio.job, bridge->job);
	bridge->job[0] = '\0';
	bridge->eos = false;
	return 1;
}

/* All copies of span that were asked for are there, or somebody else has
 * covered it. */
static bool
may_leave(const struct rtta_track *track, struct rtta_span span)
{
	struct rtta_span part, lacking;

	while (rtta_cover_present(track->bridge.asked, span, &part)) {
		span.first = part.last;
		while (rtta_cover_missing(track->bridge.stored, part, &lacking)) {
			if (!rtta_cover_contains(track->cover, lacking))
				return false;
			part.first = lacking.last;
		}
	}
	return true;
}

static void
release(struct rtta_lane *lane, struct rtta_track *track)
{
	struct rtta_drafts *waiting = &track->bridge.waiting;

	while (waiting->first != NULL && may_leave(track, waiting->first->record.span))
		rtta_drafts_put(&lane->drafts, rtta_drafts_take(waiting));
}

void
rtta_bridge_put(struct rtta_lane *lane, struct rtta_track *track, struct rtta_draft *draft)
{
	rtta_drafts_put(&track->bridge.waiting, draft);
	release(lane, track);
}

void
rtta_lane_bettered(struct rtta_lane *lane, struct rtta_book *book, struct rtta_span span,
    bool stored)
{
	if (!stored) {
		rtta_log_warn_damped(&lane->damper, "%s: a copy for the second pass cannot be stored: "
		    "the text of %s stays", book->session, lane->config->fallback->name);
		lane->copy_ms = rtta_clock_mono_ms() + STAY_MS;
	}
	for (struct rtta_track *track = lane->tracks; track != NULL; track = track->next)
		if (track->book == book) {
			rtta_cover_add(track->bridge.stored, span);
			release(lane, track);
		}
}

/* --- trials --- */

static void
end_trial(struct rtta_lane *lane, int64_t wait_ms)
{
	struct rtta_trial *trial = lane->trial;

	lane->trial_ms = rtta_clock_mono_ms() + wait_ms;
	if (trial == NULL)
		return;
	rtta_stretch_free(trial->stretch);
	rtta_hold_free(trial->hold);
	for (int c = 0; c < RTTA_FRAME_MAX_CHANNELS; c++)
		rtta_cover_free(trial->source.claimed[c]);
	free(trial);
	lane->trial = NULL;
}

static struct rtta_trial *
new_trial(struct rtta_track *track, const struct rtta_delivery *held)
{
	struct rtta_trial *trial = rtta_xcalloc(1, sizeof(*trial));

	trial->track = track;
	trial->hold = rtta_hold_new();
	trial->source = (struct rtta_stretch_source){
		.profile = track->source.profile, .like = &track->like, .hold = trial->hold,
		.channels = track->source.channels, .quiet = true,
	};
	for (int c = 0; c < RTTA_FRAME_MAX_CHANNELS && track->source.claimed[c] != NULL; c++)
		trial->source.claimed[c] = rtta_cover_new();
	trial->stretch = rtta_stretch_new(&trial->source, held->span);
	trial->rate_hz = held->rate_hz;
	trial->end = (struct rtta_pos){ held->span.run, held->span.first };
	return trial;
}

/* What was sent is not needed again: with the first failure it is over. */
static void
drop_sent(struct rtta_trial *trial)
{
	struct rtta_delivery *held;
	uint64_t sent = rtta_stretch_sent(trial->stretch);

	while (rtta_stretch_connected(trial->stretch) &&
	    (held = rtta_hold_at(trial->hold, 0)) != NULL && held->span.last <= sent) {
		rtta_hold_remove(trial->hold, held);
		rtta_delivery_free(held);
	}
}

static void
try(struct rtta_lane *lane, struct rtta_track *track, const struct rtta_delivery *held)
{
	struct rtta_audio audio = rtta_lane_audio(track, held);
	struct rtta_trial *trial = lane->trial;

	if (trial == NULL && rtta_clock_mono_ms() >= lane->trial_ms)
		trial = lane->trial = new_trial(track, held);
	if (trial == NULL || trial->track != track)
		return;
	if (trial->end.run != held->span.run || trial->end.sample != held->span.first ||
	    trial->rate_hz != held->rate_hz) {
		end_trial(lane, 0);
		return;
	}
	rtta_hold_put(trial->hold, &audio, NULL);
	rtta_stretch_grow(trial->stretch, held->span.last);
	trial->end.sample = held->span.last;
	trial->grown_ms = rtta_clock_mono_ms();
}

static void
fail_trial(struct rtta_lane *lane, const struct rtta_err *why)
{
	int64_t wait_ms = lane->config->return_ms;

	lane->refused = why->exit_code == EX_CONFIG;
	if (!lane->refused) {
		lane->refusals = 0;
		end_trial(lane, wait_ms);
		return;
	}
	wait_ms *= RARELY;
	for (unsigned i = 0; i < lane->refusals && wait_ms < RARELY_MAX_MS; i++)
		wait_ms *= 2;
	if (wait_ms > RARELY_MAX_MS)
		wait_ms = RARELY_MAX_MS;
	lane->refusals++;
	rtta_log_warn("%s, again in %.0f s", why->text, (double)wait_ms / 1000);
	end_trial(lane, wait_ms);
}

/* It answers, and has done so for long enough. */
static bool
is_well(const struct rtta_lane *lane, struct rtta_trial *trial)
{
	int64_t now_ms = rtta_clock_mono_ms();

	if (trial->well_ms == 0 && rtta_stretch_answered(trial->stretch))
		trial->well_ms = now_ms;
	return trial->well_ms != 0 &&
	    now_ms - trial->well_ms >= lane->config->return_ms * lane->doubt;
}

static void
pump_trial(struct rtta_lane *lane)
{
	struct rtta_trial *trial = lane->trial;
	struct rtta_err why = {0};
	struct rtta_draft *draft;

	if (trial == NULL)
		return;
	rtta_stretch_pump(trial->stretch, true, &why);
	while ((draft = rtta_stretch_next(trial->stretch)) != NULL)
		rtta_draft_free(draft);
	drop_sent(trial);
	if (why.exit_code != 0 || rtta_stretch_failures(trial->stretch) > 0 ||
	    rtta_stretch_tried_ms(trial->stretch) >= lane->config->patience_ms) {
		fail_trial(lane, &why);
	} else if (is_well(lane, trial)) {
		end_trial(lane, lane->config->return_ms);
		lane->returning = true;
		lane->return_by_ms = rtta_clock_mono_ms() + LANDING_MS;
	} else if (rtta_clock_mono_ms() - trial->grown_ms > TRIAL_IDLE_MS) {
		end_trial(lane, 0);
	}
}

/* --- to the fallback --- */

/* What has no record yet is heard by the fallback. */
static void
hand_over(struct rtta_lane *lane, struct rtta_piece *piece)
{
	struct rtta_span span = rtta_stretch_span(piece->stretch);
	const struct rtta_delivery *held;
	struct rtta_piece *next;
	bool open = piece->open;

	rtta_stretch_leave(piece->stretch);
	piece->open = false;
	span.first = rtta_stretch_sent(piece->stretch);
	rtta_stretch_shorten(piece->stretch, span.first);
	held = rtta_hold_find(piece->track->hold, (struct rtta_pos){ span.run, span.first });
	if (held == NULL || span.first >= span.last || held->span.first >= span.last)
		return;
	next = rtta_piece_new(lane, piece->track, piece->job, span, held);
	if (!open)
		rtta_piece_end(next);
}

static void
fall(struct rtta_lane *lane)
{
	int64_t now_ms = rtta_clock_mono_ms();

	rtta_log_warn("engine %s is away: live goes on with %s", lane->config->profile->name,
	    lane->config->fallback->name);
	lane->bridged = true;
	lane->failing = false;
	lane->engine_since_ns = rtta_clock_real_ns();
	lane->refusals = 0;
	lane->doubt = lane->back_ms == 0 || now_ms - lane->back_ms > FLAP_MS ? 1 :
	    lane->doubt < DOUBT_MAX ? lane->doubt * 2 : DOUBT_MAX;
	lane->caught_up_ms = now_ms + CATCH_UP_MS;
	lane->trial_ms = now_ms +
	    lane->config->return_ms * (lane->refused ? RARELY : 1);
	for (struct rtta_piece *piece = lane->pieces; piece != NULL; piece = piece->next)
		if (!piece->bridged)
			hand_over(lane, piece);
}

bool
rtta_bridge_doubts(const struct rtta_lane *lane)
{
	if (lane->config->fallback == NULL)
		return false;
	if (lane->bridged)
		return rtta_clock_mono_ms() < lane->caught_up_ms;
	for (const struct rtta_piece *piece = lane->pieces; piece != NULL; piece = piece->next)
		if (!rtta_stretch_over(piece->stretch) && !rtta_stretch_connected(piece->stretch) &&
		    rtta_stretch_tried_ms(piece->stretch) > 0)
			return true;
	return false;
}

static bool
is_away(const struct rtta_lane *lane)
{
	if (lane->refused)
		return true;
	for (const struct rtta_piece *piece = lane->pieces; piece != NULL; piece = piece->next)
		if (!piece->bridged && !rtta_stretch_over(piece->stretch) &&
		    rtta_stretch_tried_ms(piece->stretch) >= lane->config->patience_ms)
			return true;
	return false;
}

/* --- and back --- */

/* Frames of what was kept go to pieces. */
static void
append(struct rtta_lane *lane, struct rtta_track *track, struct rtta_span span)
{
	const struct rtta_delivery *held;

	for (uint64_t at = span.first; at < span.last; at = held->span.last) {
		held = rtta_hold_find(track->hold, (struct rtta_pos){ span.run, at });
		if (held == NULL || held->span.first >= span.last)
			break;
		rtta_piece_append(lane, track, "", held);
	}
}

/* The fallback hears everything up to a pause. */
static void
end_bridge(struct rtta_lane *lane, struct rtta_track *track)
{
	struct rtta_span *rest = &track->bridge.landing, before = *rest;

	if (rest->first < rest->last) {
		before.last = rest->first = rtta_seam_first(track->hold, *rest);
		append(lane, track, before);
	}
	track->bridge.eos = track->bridge.job[0] != '\0';
}

static void
go_back(struct rtta_lane *lane)
{
	lane->returning = false;
	for (struct rtta_track *track = lane->tracks; track != NULL; track = track->next)
		end_bridge(lane, track);
	for (struct rtta_piece *piece = lane->pieces; piece != NULL; piece = piece->next)
		if (piece->bridged && piece->open)
			rtta_piece_end(piece);
	lane->bridged = lane->refused = false;
	lane->back_ms = rtta_clock_mono_ms();
	lane->engine_since_ns = rtta_clock_real_ns();
	for (struct rtta_track *track = lane->tracks; track != NULL; track = track->next) {
		struct rtta_span rest = track->bridge.landing;

		track->bridge.landing = (struct rtta_span){0};
		append(lane, track, rest);
	}
	rtta_log_info("engine %s is back", lane->config->profile->name);
}

bool
rtta_bridge_take(struct rtta_lane *lane, struct rtta_track *track,
    const struct rtta_delivery *held)
{
	struct rtta_span *landing = &track->bridge.landing;

	if (!lane->bridged || held->foreign)
		return false;
	if (!lane->returning) {
		try(lane, track, held);
		return false;
	}
	if (landing->first < landing->last &&
	    (held->span.run != landing->run || held->span.first != landing->last)) {
		go_back(lane);
		return false;
	}
	if (landing->first == landing->last)
		*landing = held->span;
	landing->last = held->span.last;
	if (landing->last - landing->first >= (uint64_t)held->rate_hz * LANDING_S)
		lane->return_by_ms = 0;
	return true;
}

void
rtta_bridge_end(struct rtta_lane *lane, struct rtta_track *track)
{
	if (lane->returning)
		go_back(lane);
	track->bridge.eos = track->bridge.job[0] != '\0';
}

/* --- the loop --- */

void
rtta_bridge_watch(struct rtta_lane *lane)
{
	if (lane->config->fallback == NULL || lane->config->backfill || lane->leaving)
		return;
	for (struct rtta_track *track = lane->tracks; track != NULL; track = track->next)
		release(lane, track);
	if (!lane->bridged && is_away(lane))
		fall(lane);
	else if (lane->returning && rtta_clock_mono_ms() >= lane->return_by_ms)
		go_back(lane);
	else if (lane->bridged)
		pump_trial(lane);
}

int
rtta_bridge_wait_ms(const struct rtta_lane *lane)
{
	int wait_ms = lane->trial != NULL ? rtta_stretch_wait_ms(lane->trial->stretch) : -1;

	if (lane->config->fallback == NULL || lane->config->backfill || lane->pieces == NULL)
		return wait_ms;
	return rtta_clock_sooner(wait_ms, LOOK_MS);
}

int
rtta_bridge_fds(struct rtta_lane *lane, struct pollfd *fds, int max)
{
	return lane->trial != NULL ? rtta_stretch_fds(lane->trial->stretch, fds, max) : 0;
}

/* They are claimed no more, but for what is covered. */
static void
forget_waiting(struct rtta_track *track)
{
	struct rtta_draft *draft;

	while ((draft = rtta_drafts_take(&track->bridge.waiting)) != NULL) {
		struct rtta_span rest = draft->record.span, part;
		const struct rtta_part *of = rtta_book_part(track->book, draft->record.rev,
		    draft->record.channel);

		rtta_cover_remove(of->claimed, rest);
		while (rtta_cover_present(of->cover, rest, &part)) {
			rtta_cover_add(of->claimed, part);
			rest.first = part.last;
		}
		rtta_draft_free(draft);
	}
}

void
rtta_bridge_forget(struct rtta_lane *lane)
{
	end_trial(lane, 0);
	lane->returning = false;
	for (struct rtta_track *track = lane->tracks; track != NULL; track = track->next)
		forget_waiting(track);
}

#include <stdlib.h>
#include <string.h>

#include "book.h"
#include "clock.h"
#include "cover.h"
#include "engine.h"
#include "err.h"
#include "hold.h"
#include "lane_parts.h"
#include "log.h"
#include "mem.h"
#include "profile.h"
#include "reason.h"

enum {
	SPARE_MS = 30000,            /* between attempts to have one ready */
	PRUNE_MS = 60000,
	TRACK_MS = 3600000,          /* an empty track is forgotten after so long */
	LOST_S = 3600,               /* at most, when nothing of the run was seen before */
	LOST_SLACK_S = 2
};

struct rtta_lane *
rtta_lane_new(const struct rtta_lane_config *config, struct rtta_books *books)
{
	struct rtta_lane *lane = rtta_xcalloc(1, sizeof(*lane));

	lane->config = config;
	lane->books = books;
	lane->last_piece = &lane->pieces;
	lane->last_ack = &lane->acks;
	lane->last_move = &lane->moves;
	lane->frame_ms = 20;
	lane->engine_since_ns = rtta_clock_real_ns();
	rtta_drafts_init(&lane->drafts);
	return lane;
}

void
rtta_lane_use(struct rtta_lane *lane, struct rtta_engine *engine)
{
	rtta_engine_close(lane->spare);
	lane->spare = engine;
}

/* --- tracks --- */

static struct rtta_track *
find_track(const struct rtta_lane *lane, const struct rtta_book *book, int rev)
{
	struct rtta_track *track = lane->tracks;

	while (track != NULL && (track->book != book || track->rev != rev))
		track = track->next;
	return track;
}

static struct rtta_track *
get_track(struct rtta_lane *lane, const char *session, int rev)
{
	struct rtta_book *book = rtta_books_get(lane->books, session);
	const struct rtta_profile *profile = lane->config->profile;
	struct rtta_track *track = find_track(lane, book, rev);
	int end;

	if (track != NULL)
		return track;
	track = rtta_xcalloc(1, sizeof(*track));
	track->book = book;
	track->rev = rev;
	track->hold = rtta_hold_new();
	track->cover = book->cover[rtta_book_index(rev)];
	track->moved = rtta_cover_new();
	rtta_record_init(&track->like);
	strcpy(track->like.session, book->session);
	track->like.backfill = lane->config->backfill;
	track->like.rev = rev;
	track->like.engine = rtta_xstrdup(profile->name);
	if (profile->language != NULL)
		track->like.language = rtta_xstrdup(profile->language);
	track->source = (struct rtta_stretch_source){
		.profile = profile, .like = &track->like, .hold = track->hold,
		.channels = book->channels, .refrain = &lane->failed,
		.forwards = !lane->config->backfill && lane->config->edge_ms > 0,
	};
	for (int c = rtta_book_channels(book, &end), i = 0; c < end; c++, i++)
		track->source.claimed[i] = rtta_book_part(book, rev, c)->claimed;
	rtta_bridge_init(lane, track);
	track->next = lane->tracks;
	lane->tracks = track;
	return track;
}

static void
free_track(struct rtta_track *track)
{
	rtta_hold_free(track->hold);
	rtta_lane_free_parked(track);
	rtta_cover_free(track->moved);
	rtta_record_done(&track->like);
	rtta_bridge_done(track);
	free(track);
}

/* --- acknowledgements --- */

/* Takes reply. */
static void
put_ack(struct rtta_lane *lane, char *reply)
{
	struct rtta_lane_ack *ack = rtta_xcalloc(1, sizeof(*ack));

	ack->reply = reply;
	*lane->last_ack = ack;
	lane->last_ack = &ack->next;
}

void
rtta_lane_ack(struct rtta_lane *lane, const char *reply)
{
	if (reply != NULL && reply[0] != '\0')
		put_ack(lane, rtta_xstrdup(reply));
}

char *
rtta_lane_next_ack(struct rtta_lane *lane)
{
	struct rtta_lane_ack *ack = lane->acks;
	char *reply;

	if (ack == NULL)
		return NULL;
	reply = ack->reply;
	lane->acks = ack->next;
	if (lane->acks == NULL)
		lane->last_ack = &lane->acks;
	free(ack);
	return reply;
}

static void
release_covered(struct rtta_lane *lane, struct rtta_track *track, struct rtta_span span)
{
	struct rtta_delivery *held;

	while ((held = rtta_hold_take_covered(track->hold, span, track->cover)) != NULL) {
		rtta_lane_ack(lane, held->reply);
		track->moving -= held->moving;
		rtta_delivery_free(held);
	}
	rtta_lane_unpark_covered(track);
}

void
rtta_lane_covered(struct rtta_lane *lane, struct rtta_book *book, int rev,
    struct rtta_span span)
{
	for (struct rtta_track *track = lane->tracks; track != NULL; track = track->next)
		if (track->book == book && rtta_book_index(track->rev) == rtta_book_index(rev))
			release_covered(lane, track, span);
}

/* As if all of its runs were covered: pieces and drafts end by themselves. */
void
rtta_lane_drop(struct rtta_lane *lane, struct rtta_book *book)
{
	const struct rtta_delivery *held;

	for (struct rtta_track *track = lane->tracks; track != NULL; track = track->next) {
		if (track->book == book)
			rtta_lane_free_parked(track);
		while (track->book == book && (held = rtta_hold_at(track->hold, 0)) != NULL) {
			struct rtta_span run = { held->span.run, 0, RTTA_SAMPLE_MAX };

			rtta_book_close(book, track->rev, run.run);
			release_covered(lane, track, run);
		}
	}
}

/* --- deliveries --- */

/* As much as the time since the frame before, if there was one. */
static bool
can_be_lost(const struct rtta_track *track, const struct rtta_delivery *held)
{
	int64_t lost_ns = rtta_samples_ns(held->lost, held->rate_hz);

	if (track->seen.run != held->span.run)
		return lost_ns <= LOST_S * INT64_C(1000000000);
	return lost_ns <= held->capture_ns - track->seen_ns + LOST_SLACK_S * INT64_C(1000000000);
}

static void
put_lost_of(struct rtta_lane *lane, struct rtta_track *track, int channel,
    const struct rtta_delivery *held)
{
	struct rtta_span rest = { held->span.run, held->span.first - held->lost, held->span.first };
	struct rtta_cover *claimed = rtta_book_part(track->book, track->rev, channel)->claimed;
	struct rtta_span part;

	while (rtta_cover_missing(claimed, rest, &part)) {
		struct rtta_draft *draft = rtta_draft_new();
		struct rtta_record *record = &draft->record;

		rtta_record_done(record);
		rtta_record_copy(record, &track->like);
		record->type = RTTA_RECORD_GAP;
		record->channel = channel;
		record->span = draft->core = part;
		record->start_ns = held->capture_ns -
		    rtta_samples_ns(held->span.first - part.first, held->rate_hz);
		record->end_ns = held->capture_ns -
		    rtta_samples_ns(held->span.first - part.last, held->rate_hz);
		record->reason = rtta_xstrdup(rtta_reason_text(held->flags & RTTA_FRAME_UNTAKEN ?
		    RTTA_REASON_CEILING : RTTA_REASON_OVERRUN));
		draft->ns_per_position = 1e9 / held->rate_hz;
		rtta_drafts_put(&lane->drafts, draft);
		rtta_cover_add(claimed, part);
		rest.first = part.last;
	}
}

static void
put_lost(struct rtta_lane *lane, struct rtta_track *track, const struct rtta_delivery *held)
{
	int end;

	for (int c = rtta_book_channels(track->book, &end); c < end; c++)
		put_lost_of(lane, track, c, held);
}

static void
take_eos(struct rtta_lane *lane, struct rtta_track *track, const struct rtta_audio *audio,
    const char *reply)
{
	struct rtta_lane_eos *eos = lane->eos;
	struct rtta_piece *piece;

	if (!lane->config->backfill)
		rtta_lane_land(lane, track);
	rtta_bridge_end(lane, track);
	piece = rtta_piece_open(lane, track, audio->job);
	if (piece != NULL)
		rtta_piece_end(piece);
	if (reply == NULL)
		return;
	while (eos != NULL && eos->stream_seq != audio->stream_seq)
		eos = eos->next;
	if (eos == NULL) {
		eos = rtta_xcalloc(1, sizeof(*eos));
		eos->track = track;
		eos->stream_seq = audio->stream_seq;
		strcpy(eos->job, audio->job);
		eos->next = lane->eos;
		lane->eos = eos;
	}
	free(eos->reply);
	eos->reply = rtta_xstrdup(reply);
}

void
rtta_lane_take(struct rtta_lane *lane, const struct rtta_audio *audio, const char *reply)
{
	struct rtta_track *track = get_track(lane, audio->session, audio->rev);
	struct rtta_span span = rtta_audio_span(audio);
	struct rtta_delivery *held;

	track->used_ms = rtta_clock_mono_ms();
	if (audio->eos) {
		take_eos(lane, track, audio, reply);
		return;
	}
	if (track->book->deleted || rtta_cover_contains(track->cover, span) || rtta_cover_contains(track->moved, span)) {
		rtta_lane_ack(lane, reply);
		return;
	}
	if (rtta_lane_is_parked(track, span))
		return;
	switch (rtta_hold_put(track->hold, audio, reply)) {
	case RTTA_HOLD_COPY:
		rtta_lane_ack(lane, reply);
		return;
	case RTTA_HOLD_REPLACED:
		return;
	case RTTA_HOLD_NEW:
		break;
	}
	held = rtta_hold_get(track->hold, (struct rtta_pos){ span.run, span.first });
	if (held->lost > 0 && !can_be_lost(track, held))
		rtta_log_warn_damped(&lane->damper, "%s: sample %llu: lost: %llu cannot be "
		    "missing before it: not taken for a gap", audio->session,
		    (unsigned long long)span.first, (unsigned long long)held->lost);
	else if (held->lost > 0 && !lane->config->backfill)
		put_lost(lane, track, held);
	track->seen = (struct rtta_pos){ span.run, span.last };
	track->seen_ns = held->capture_ns + rtta_samples_ns(held->samples, held->rate_hz);
	lane->frame_ms = held->samples * 1000 / held->rate_hz;
	if (lane->jumping && !held->foreign)
		rtta_lane_put_off(lane, track, held);
	else
		rtta_piece_append(lane, track, audio->job, held);
}

void
rtta_lane_end(struct rtta_lane *lane)
{
	for (struct rtta_piece *piece = lane->pieces; piece != NULL; piece = piece->next)
		rtta_piece_end(piece);
}

void
rtta_lane_again(struct rtta_lane *lane, struct rtta_book *book, int rev, int channel,
    const struct rtta_cover *again)
{
	struct rtta_track *track = find_track(lane, book, rev);
	struct rtta_span span;

	for (size_t i = 0; track != NULL && rtta_cover_at(again, i, &span); i++) {
		struct rtta_delivery *held;
		struct rtta_piece *piece;

		rtta_cover_remove(rtta_book_part(book, rev, channel)->claimed, span);
		held = rtta_hold_find(track->hold, (struct rtta_pos){ span.run, span.first });
		if (held == NULL || held->span.first >= span.last)
			continue;
		piece = rtta_piece_new(lane, track, "", span, held);
		rtta_piece_end(piece);
	}
}

void
rtta_lane_leave(struct rtta_lane *lane)
{
	lane->leaving = true;
	for (struct rtta_piece *piece = lane->pieces; piece != NULL; piece = piece->next)
		if (piece->open) {
			piece->open = false;
			rtta_stretch_leave(piece->stretch);
		}
}

static void
end_idle(struct rtta_lane *lane)
{
	int64_t now_ms = rtta_clock_mono_ms();

	for (struct rtta_piece *piece = lane->pieces; piece != NULL; piece = piece->next) {
		if (!piece->open)
			continue;
		if (lane->config->idle_ms > 0 && now_ms - piece->grown_ms >= lane->config->idle_ms)
			rtta_piece_end(piece);
	}
}

static bool
job_left(const struct rtta_lane *lane, const struct rtta_lane_eos *eos)
{
	for (const struct rtta_piece *piece = lane->pieces; piece != NULL; piece = piece->next)
		if (piece->track == eos->track && strcmp(piece->job, eos->job) == 0)
			return false;
	return eos->track->moving == 0 && !rtta_lane_is_job_parked(eos->track, eos->job);
}

static void
sweep(struct rtta_lane *lane)
{
	struct rtta_piece **piece = &lane->pieces;
	struct rtta_lane_eos **eos = &lane->eos;

	while (*piece != NULL)
		if (rtta_piece_is_over(*piece))
			rtta_piece_remove(lane, piece);
		else
			piece = &(*piece)->next;
	while (*eos != NULL) {
		struct rtta_lane_eos *gone = *eos;

		if (!job_left(lane, gone)) {
			eos = &gone->next;
			continue;
		}
		put_ack(lane, gone->reply);
		*eos = gone->next;
		free(gone);
	}
}

static bool
is_used(const struct rtta_lane *lane, const struct rtta_track *track, int64_t now_ms)
{
	if (now_ms - track->used_ms < TRACK_MS || rtta_hold_count(track->hold) > 0 ||
	    track->parked != NULL)
		return true;
	for (const struct rtta_piece *piece = lane->pieces; piece != NULL; piece = piece->next)
		if (piece->track == track)
			return true;
	for (const struct rtta_lane_eos *eos = lane->eos; eos != NULL; eos = eos->next)
		if (eos->track == track)
			return true;
	return lane->moves != NULL;
}

/* Sessions come and go for years. */
static void
prune_tracks(struct rtta_lane *lane)
{
	int64_t now_ms = rtta_clock_mono_ms();
	struct rtta_track **at = &lane->tracks;

	if (now_ms < lane->prune_ms)
		return;
	lane->prune_ms = now_ms + PRUNE_MS;
	while (*at != NULL) {
		struct rtta_track *track = *at;

		if (is_used(lane, track, now_ms)) {
			at = &track->next;
			continue;
		}
		*at = track->next;
		free_track(track);
	}
}

/* At first a broken configuration is the end; once an engine has worked, or
 * where there is another one, it is a failure like others, which somebody
 * may mend. */
static int
judge(struct rtta_lane *lane, const struct rtta_piece *piece, struct rtta_err *err)
{
	if (!lane->proven && (lane->config->fallback == NULL || piece->bridged))
		return -1;
	rtta_log_warn("%s", err->text);
	rtta_err_clear(err);
	lane->refused = lane->refused || !piece->bridged;
	return 0;
}

/* An engine that waits for its first piece may still turn out to be none. */
static int
pump_spare(struct rtta_lane *lane, struct rtta_err *err)
{
	struct rtta_engine_event event;
	struct rtta_err why = {0};

	if (lane->spare == NULL)
		return 0;
	if (rtta_engine_pump(lane->spare, &why) == 0) {
		while (rtta_engine_next(lane->spare, &event)) {
			lane->proven = true;
			rtta_engine_event_done(&event);
		}
		return 0;
	}
	rtta_engine_close(lane->spare);
	lane->spare = NULL;
	lane->spare_ms = rtta_clock_mono_ms() + SPARE_MS;
	if (why.exit_code == EX_CONFIG && !lane->proven)
		return rtta_err_set(err, EX_CONFIG, "%s", why.text);
	rtta_log_warn("%s", why.text);
	return 0;
}

/* Live: an engine is loaded before somebody speaks; the fallback, before it
 * is needed. */
static void
keep_spare(struct rtta_lane *lane)
{
	const struct rtta_profile *fallback = lane->config->fallback;
	const struct rtta_profile *profile = fallback != NULL ? fallback : lane->config->profile;
	bool needed = lane->pieces == NULL || (fallback != NULL && !lane->bridged);
	struct rtta_err why = {0};

	/* A service closes what carries no sound. */
	if (profile->kind != RTTA_PROFILE_EXEC || !needed ||
	    lane->config->backfill || lane->config->in_order || lane->spare != NULL ||
	    rtta_clock_mono_ms() < lane->spare_ms)
		return;
	lane->spare_ms = rtta_clock_mono_ms() + SPARE_MS;
	lane->spare = rtta_engine_open(profile, false, 1, NULL, &why);
	if (lane->spare == NULL)
		rtta_log_warn("%s", why.text);
}

void
rtta_lane_bear(struct rtta_lane *lane)
{
	for (struct rtta_piece *piece = lane->pieces; piece != NULL; piece = piece->next)
		piece->grown_ms = rtta_clock_mono_ms();
}

int
rtta_lane_pump(struct rtta_lane *lane, uint64_t pending, struct rtta_err *err)
{
	int engines = rtta_piece_connected(lane);

	lane->pending = pending;
	if (pump_spare(lane, err) < 0)
		return -1;
	end_idle(lane);
	if (!lane->leaving)
		rtta_lane_watch_edge(lane);
	rtta_bridge_watch(lane);
	for (struct rtta_piece *piece = lane->pieces; piece != NULL; piece = piece->next)
		if (rtta_piece_pump(lane, piece, &engines, err) < 0 && judge(lane, piece, err) < 0)
			return -1;
	sweep(lane);
	prune_tracks(lane);
	keep_spare(lane);
	return 0;
}

struct rtta_draft *
rtta_lane_next_draft(struct rtta_lane *lane)
{
	return rtta_drafts_take(&lane->drafts);
}

void
rtta_lane_forget(struct rtta_lane *lane)
{
	struct rtta_track *track;
	struct rtta_lane_moving *moving;
	struct rtta_lane_eos *eos;
	char *reply;

	while (lane->pieces != NULL)
		rtta_piece_remove(lane, &lane->pieces);
	rtta_bridge_forget(lane);
	while ((moving = lane->moves) != NULL) {
		lane->moves = moving->next;
		free(moving);
	}
	lane->last_move = &lane->moves;
	while ((eos = lane->eos) != NULL) {
		lane->eos = eos->next;
		free(eos->reply);
		free(eos);
	}
	while ((track = lane->tracks) != NULL) {
		lane->tracks = track->next;
		free_track(track);
	}
	while ((reply = rtta_lane_next_ack(lane)) != NULL)
		free(reply);
	lane->jumping = false;
	lane->pending = 0;
}

void
rtta_lane_free(struct rtta_lane *lane)
{
	if (lane == NULL)
		return;
	rtta_lane_forget(lane);
	rtta_drafts_done(&lane->drafts);
	rtta_engine_close(lane->spare);
	free(lane);
}

int
rtta_lane_fds(struct rtta_lane *lane, struct pollfd *fds, int max)
{
	int count = lane->spare != NULL ? rtta_engine_fds(lane->spare, fds, max) : 0;

	for (struct rtta_piece *piece = lane->pieces; piece != NULL; piece = piece->next)
		count += rtta_stretch_fds(piece->stretch, fds + count, max - count);
	return count + rtta_bridge_fds(lane, fds + count, max - count);
}

int
rtta_lane_wait_ms(const struct rtta_lane *lane)
{
	int wait_ms = lane->spare != NULL ? rtta_engine_wait_ms(lane->spare) : -1;
	int64_t parked_ms = rtta_lane_parked_ms(lane), now_ms = rtta_clock_mono_ms();
	int engines = rtta_piece_connected(lane);

	wait_ms = rtta_clock_sooner(wait_ms, rtta_bridge_wait_ms(lane));
	for (const struct rtta_piece *piece = lane->pieces; piece != NULL; piece = piece->next) {
		int ms = rtta_stretch_wait_ms(piece->stretch);

		/* What was covered since the last turn makes room for others. */
		if (rtta_piece_is_over(piece) || (rtta_piece_may_open(lane, piece, engines) &&
		    rtta_stretch_wants(piece->stretch)))
			return 0;
		if (piece->open && (ms < 0 || ms > 1000))
			ms = 1000;  /* to see that it is idle */
		if (ms >= 0 && (wait_ms < 0 || ms < wait_ms))
			wait_ms = ms;
	}
	if (parked_ms < INT64_MAX)
		wait_ms = rtta_clock_sooner(wait_ms, parked_ms > now_ms ? (int)(parked_ms - now_ms) : 0);
	return wait_ms;
}

void
rtta_lane_status(const struct rtta_lane *lane, struct rtta_lane_status *status)
{
	*status = (struct rtta_lane_status){
		.engines = (size_t)rtta_piece_connected(lane),
		.behind_s = rtta_lane_behind_ms(lane) / 1000,
		.parked_s = rtta_lane_parked_s(lane),
		.retries = lane->retries,
		.moved_frames = lane->moved_frames,
		.moving = lane->jumping,
		.failing = lane->failing,
		.bridged = lane->bridged,
		.engine = (lane->bridged ? lane->config->fallback : lane->config->profile)->name,
		.engine_since_ns = lane->engine_since_ns,
	};
	for (const struct rtta_piece *piece = lane->pieces; piece != NULL; piece = piece->next)
		status->pieces++;
	for (const struct rtta_track *track = lane->tracks; track != NULL; track = track->next) {
		status->held_frames += rtta_hold_count(track->hold);
		status->held_bytes += rtta_hold_bytes(track->hold);
		status->sessions += rtta_hold_count(track->hold) > 0;
	}
}

bool
rtta_lane_settled(const struct rtta_lane *lane)
{
	for (const struct rtta_piece *piece = lane->pieces; piece != NULL; piece = piece->next)
		if (!rtta_stretch_over(piece->stretch))
			return false;
	for (const struct rtta_track *track = lane->tracks; track != NULL; track = track->next)
		if (track->bridge.waiting.first != NULL)
			return false;
	return lane->drafts.first == NULL;
}

bool
rtta_lane_holds(const struct rtta_lane *lane, const char *session)
{
	for (const struct rtta_track *track = lane->tracks; track != NULL; track = track->next)
		if (strcmp(track->book->session, session) == 0 && rtta_hold_count(track->hold) > 0)
			return true;
	return false;
}

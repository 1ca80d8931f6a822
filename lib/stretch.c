#include <stdlib.h>

#include "clock.h"
#include "cover.h"
#include "draft.h"
#include "engine.h"
#include "err.h"
#include "hold.h"
#include "log.h"
#include "mem.h"
#include "patience.h"
#include "profile.h"
#include "random.h"
#include "reason.h"
#include "record.h"
#include "resample.h"
#include "scribe.h"
#include "stretch_parts.h"

enum {
	BACKOFF_MS = 500,              /* doubled with each failure */
	BACKOFF_LIVE_MAX_MS = 1500,    /* people wait for the text */
	BACKOFF_MAX_MS = 30000,
	JITTER_PERCENT = 20,
	STUCK_MS = 60000               /* neither takes sound nor says a word */
};

struct rtta_stretch *
rtta_stretch_new(const struct rtta_stretch_source *source, struct rtta_span span)
{
	struct rtta_stretch *stretch = rtta_xcalloc(1, sizeof(*stretch));

	stretch->source = source;
	stretch->count = source->channels > 0 ? source->channels : 1;
	for (int v = 0; v < stretch->count; v++)
		stretch->voices[v].claimed = source->claimed[v];
	stretch->span = span;
	stretch->sent = span.first;
	rtta_drafts_init(&stretch->out);
	return stretch;
}

static void
disconnect(struct rtta_stretch *stretch)
{
	rtta_engine_close(stretch->engine);
	rtta_resample_free(stretch->resample);
	stretch->engine = NULL;
	stretch->resample = NULL;
	for (int v = 0; v < stretch->count; v++) {
		rtta_scribe_free(stretch->voices[v].scribe);
		stretch->voices[v].scribe = NULL;
	}
	stretch->ready = stretch->finished = stretch->said_done = false;
}

void
rtta_stretch_free(struct rtta_stretch *stretch)
{
	if (stretch == NULL)
		return;
	disconnect(stretch);
	rtta_engine_close(stretch->spare);
	rtta_drafts_done(&stretch->out);
	free(stretch);
}

void
rtta_stretch_grow(struct rtta_stretch *stretch, uint64_t last)
{
	if (last > stretch->span.last)
		stretch->span.last = last;
}

void
rtta_stretch_end(struct rtta_stretch *stretch)
{
	stretch->ended = true;
}

void
rtta_stretch_shorten(struct rtta_stretch *stretch, uint64_t last)
{
	if (last < stretch->span.last)
		stretch->span.last = last;
	stretch->ended = true;
	if (!stretch->too_large)
		return;
	/* Less is worth an attempt of its own. */
	stretch->too_large = false;
	stretch->failures = 0;
	stretch->retry_ms = 0;
}

struct rtta_span
rtta_stretch_span(const struct rtta_stretch *stretch)
{
	return stretch->span;
}

/* --- open --- */

static int64_t
jitter_percent(void)
{
	return (int64_t)(rtta_random() % (2 * JITTER_PERCENT + 1)) - JITTER_PERCENT;
}

static void
fail(struct rtta_stretch *stretch, const struct rtta_err *why)
{
	int64_t most_ms = stretch->source->like->backfill ? BACKOFF_MAX_MS : BACKOFF_LIVE_MAX_MS;
	int64_t asked_ms = stretch->engine != NULL ? rtta_engine_retry_ms(stretch->engine) : 0;
	int64_t wait_ms = BACKOFF_MS;

	stretch->failures++;
	stretch->too_large = stretch->engine != NULL && rtta_engine_too_large(stretch->engine);
	for (unsigned i = 1; i < stretch->failures && wait_ms < most_ms; i++)
		wait_ms *= 2;
	if (wait_ms > most_ms)
		wait_ms = most_ms;
	/* Many boxes that lost one service do not come back as one. */
	wait_ms += wait_ms * jitter_percent() / 100;
	if (asked_ms > wait_ms)
		wait_ms = asked_ms;
	for (int v = 0; v < stretch->count; v++)
		rtta_patience_broken(&stretch->voices[v].patience, rtta_clock_mono_ms());
	if (stretch->source->quiet)
		rtta_log_debug("%s", why->text);
	else if (why->exit_code != EX_CONFIG)  /* the caller judges that */
		rtta_log_warn_again(stretch->source->refrain, why->text, "%s, again in %.1f s",
		    why->text, (double)wait_ms / 1000);
	stretch->retry_ms = rtta_clock_mono_ms() + wait_ms;
}

static void
begin_voice(struct rtta_stretch *stretch, int v)
{
	struct rtta_voice *voice = &stretch->voices[v];
	struct rtta_record like = *stretch->source->like;

	like.channel = stretch->source->channels > 0 ? v : -1;
	voice->scribe = rtta_scribe_new(&like, stretch->rate_hz);
	voice->loud_samples = 0;
	voice->heard_ms = rtta_clock_mono_ms();
	rtta_patience_begin(&voice->patience, voice->heard_ms);
}

/* Begin a connection at a held position. */
static int
connect_at(struct rtta_stretch *stretch, uint64_t at, struct rtta_err *err)
{
	const struct rtta_profile *profile = stretch->source->profile;
	const struct rtta_delivery *held = rtta_hold_find(stretch->source->hold,
	    (struct rtta_pos){ stretch->span.run, at });
	struct rtta_engine *spare = stretch->spare;
	struct rtta_err why = {0};

	stretch->spare = NULL;
	stretch->engine = rtta_engine_open(profile, stretch->source->like->backfill,
	    stretch->count, spare, &why);
	if (stretch->engine != NULL)
		stretch->resample = rtta_resample_new(held->rate_hz, held->channels,
		    profile->rate_hz, (uint8_t)stretch->count, &why);
	if (stretch->resample == NULL) {
		disconnect(stretch);
		fail(stretch, &why);
		return why.exit_code == EX_CONFIG ?
		    rtta_err_set(err, EX_CONFIG, "%s", why.text) : 0;
	}
	stretch->rate_hz = held->rate_hz;
	stretch->channels = held->channels;
	stretch->foreign = held->foreign;
	stretch->from = stretch->sent = at;
	stretch->gained = 0;
	for (int v = 0; v < stretch->count; v++)
		begin_voice(stretch, v);
	return 0;
}

void
rtta_stretch_use(struct rtta_stretch *stretch, struct rtta_engine *engine)
{
	rtta_engine_close(stretch->spare);
	stretch->spare = engine;
}

/* --- hear --- */

/* With several channels a claimed one was on the connection, too, mute. */
static void
put_final(struct rtta_stretch *stretch, const struct rtta_voice *voice, struct rtta_draft *draft)
{
	struct rtta_cover *again = rtta_cover_new();
	struct rtta_drafts pieces;

	rtta_drafts_init(&pieces);
	if (stretch->count > 1)
		rtta_draft_cut(draft, voice->claimed, &pieces, again);
	else
		rtta_drafts_put(&pieces, draft);
	while ((draft = rtta_drafts_take(&pieces)) != NULL) {
		stretch->gained += rtta_cover_add(voice->claimed, draft->record.span);
		rtta_drafts_put(&stretch->out, draft);
	}
	/* What is to be heard again is not claimed. */
	rtta_cover_free(again);
}

static void
take_drafts(struct rtta_stretch *stretch)
{
	struct rtta_draft *draft;

	for (int v = 0; v < stretch->count; v++)
		while ((draft = rtta_scribe_next(stretch->voices[v].scribe)) != NULL)
			if (draft->record.is_final)
				put_final(stretch, &stretch->voices[v], draft);
			else
				rtta_drafts_put(&stretch->out, draft);
}

static void
hear_voice(struct rtta_stretch *stretch, struct rtta_voice *voice,
    const struct rtta_engine_event *event)
{
	voice->loud_samples = 0;
	voice->heard_ms = rtta_clock_mono_ms();
	if (event->kind != RTTA_ENGINE_READY && event->kind != RTTA_ENGINE_ERROR &&
	    event->kind != RTTA_ENGINE_DONE) {
		stretch->answered = true;
		rtta_patience_heard(&voice->patience,
		    event->kind == RTTA_ENGINE_SPEECH ? event->start_s : event->end_s);
	}
	rtta_scribe_event(voice->scribe, event);
}

/* An event that names no channel is of all, but for text: that is one's. */
static bool
is_of(const struct rtta_stretch *stretch, int v, const struct rtta_engine_event *event)
{
	if (stretch->count == 1)
		return true;
	if (event->channel >= 0 && event->channel < stretch->count)
		return event->channel == v;
	return v == 0 || (event->kind != RTTA_ENGINE_TEXT && event->kind != RTTA_ENGINE_DELTA);
}

static void
hear(struct rtta_stretch *stretch)
{
	struct rtta_engine_event event;

	while (rtta_engine_next(stretch->engine, &event)) {
		if (event.kind == RTTA_ENGINE_DONE)
			stretch->said_done = true;
		stretch->ready = stretch->ready || event.kind == RTTA_ENGINE_READY;
		for (int v = 0; v < stretch->count; v++)
			if (is_of(stretch, v, &event))
				hear_voice(stretch, &stretch->voices[v], &event);
		rtta_engine_event_done(&event);
	}
	take_drafts(stretch);
}

/* Speech went in for long, and nothing came back. */
static bool
is_deaf(const struct rtta_stretch *stretch, const struct rtta_voice *voice)
{
	int64_t deaf_s = stretch->source->profile->deaf_s;
	uint64_t deaf_samples = (uint64_t)deaf_s * stretch->source->profile->rate_hz;

	/* Sound may be sent faster than it is spoken: so long it has, too. */
	return voice->loud_samples > deaf_samples &&
	    rtta_clock_mono_ms() - voice->heard_ms > deaf_s * 1000;
}

static void
check_alive(struct rtta_stretch *stretch, struct rtta_err *why)
{
	const struct rtta_profile *profile = stretch->source->profile;
	int64_t silent_ms = rtta_clock_mono_ms() - rtta_engine_active_ms(stretch->engine);
	bool deaf = false;

	for (int v = 0; v < stretch->count; v++)
		deaf = deaf || is_deaf(stretch, &stretch->voices[v]);
	/* Taking sound is no sign of life once all of it was taken. */
	if (silent_ms > STUCK_MS && (stretch->finished || stretch->sent < stretch->span.last))
		rtta_err_set(why, EX_TEMPFAIL, "engine %s: no sign of life for %d s",
		    profile->name, STUCK_MS / 1000);
	/* Who is sent a recording is silent until it answers. */
	else if (deaf && profile->kind != RTTA_PROFILE_HTTP)
		rtta_err_set(why, EX_TEMPFAIL, "engine %s: not a word on %d s of sound",
		    profile->name, profile->deaf_s);
}

static void
abandon(struct rtta_stretch *stretch)
{
	for (int v = 0; v < stretch->count; v++)
		rtta_scribe_abandon(stretch->voices[v].scribe);
	take_drafts(stretch);
}

static void
give_up(struct rtta_stretch *stretch)
{
	for (int v = 0; v < stretch->count; v++)
		rtta_scribe_give_up(stretch->voices[v].scribe, rtta_reason_text(RTTA_REASON_ENGINE));
	take_drafts(stretch);
}

/* The connection is over before it said done. */
static void
broken(struct rtta_stretch *stretch, const struct rtta_err *why)
{
	uint64_t at;

	abandon(stretch);
	if (stretch->gained > 0)
		stretch->failures = stretch->undone = 0;
	if (stretch->ended && !rtta_stretch_unclaimed(stretch, stretch->span.first, &at)) {
		rtta_log_debug("%s, and nothing is left", why->text);
	} else if (why->exit_code == EX_PROTOCOL && stretch->source->like->rev == 1 &&
	    (stretch->foreign || !stretch->source->forwards) &&
	    ++stretch->undone >= RTTA_STRETCH_ATTEMPTS) {
		rtta_log_warn("%s: what it did not settle is a gap", why->text);
		give_up(stretch);
		stretch->failures = stretch->undone = 0;
	} else {
		fail(stretch, why);
	}
	disconnect(stretch);
}

static void
done(struct rtta_stretch *stretch)
{
	for (int v = 0; v < stretch->count; v++)
		rtta_scribe_finish(stretch->voices[v].scribe);
	take_drafts(stretch);
	stretch->failures = stretch->undone = 0;
	disconnect(stretch);
}

/* --- the loop --- */

static int
open_connection(struct rtta_stretch *stretch, struct rtta_err *err)
{
	uint64_t at;

	if (stretch->left || rtta_clock_mono_ms() < stretch->retry_ms ||
	    !rtta_stretch_unclaimed(stretch, stretch->span.first, &at))
		return 0;
	return connect_at(stretch, at, err);
}

int
rtta_stretch_pump(struct rtta_stretch *stretch, bool may_open, struct rtta_err *err)
{
	struct rtta_err why = {0};

	if (stretch->resample == NULL && may_open && open_connection(stretch, err) < 0)
		return -1;
	if (stretch->resample == NULL)
		return 0;
	rtta_stretch_supply(stretch, &why);
	hear(stretch);
	if (stretch->said_done && stretch->finished) {
		done(stretch);
		return 0;
	}
	if (why.exit_code == 0)
		check_alive(stretch, &why);
	if (why.exit_code != 0)
		broken(stretch, &why);
	return why.exit_code == EX_CONFIG ? rtta_err_set(err, EX_CONFIG, "%s", why.text) : 0;
}

struct rtta_draft *
rtta_stretch_next(struct rtta_stretch *stretch)
{
	return rtta_drafts_take(&stretch->out);
}

int
rtta_stretch_fds(struct rtta_stretch *stretch, struct pollfd *fds, int max)
{
	return stretch->engine != NULL ? rtta_engine_fds(stretch->engine, fds, max) : 0;
}

int
rtta_stretch_wait_ms(const struct rtta_stretch *stretch)
{
	int64_t left_ms = stretch->retry_ms - rtta_clock_mono_ms();

	if (stretch->resample != NULL) {
		int ms = rtta_engine_wait_ms(stretch->engine);

		return ms >= 0 && ms < 1000 ? ms : 1000;  /* to see that it lives */
	}
	return left_ms > 0 ? (int)left_ms : -1;
}

bool
rtta_stretch_connected(const struct rtta_stretch *stretch)
{
	return stretch->resample != NULL;
}

bool
rtta_stretch_ready(const struct rtta_stretch *stretch)
{
	return stretch->ready;
}

bool
rtta_stretch_wants(const struct rtta_stretch *stretch)
{
	uint64_t at;

	return stretch->resample == NULL && !stretch->left &&
	    rtta_clock_mono_ms() >= stretch->retry_ms &&
	    rtta_stretch_unclaimed(stretch, stretch->span.first, &at);
}

bool
rtta_stretch_over(const struct rtta_stretch *stretch)
{
	uint64_t at;

	return stretch->ended && stretch->resample == NULL && stretch->out.first == NULL &&
	    (stretch->left || !rtta_stretch_unclaimed(stretch, stretch->span.first, &at));
}

uint64_t
rtta_stretch_sent(const struct rtta_stretch *stretch)
{
	uint64_t at;

	if (stretch->resample != NULL)
		return stretch->sent;
	return rtta_stretch_unclaimed(stretch, stretch->span.first, &at) ? at : stretch->span.last;
}

unsigned
rtta_stretch_failures(const struct rtta_stretch *stretch)
{
	return stretch->failures;
}

bool
rtta_stretch_too_large(const struct rtta_stretch *stretch)
{
	return stretch->too_large;
}

int64_t
rtta_stretch_tried_ms(const struct rtta_stretch *stretch)
{
	int64_t now_ms = rtta_clock_mono_ms(), most_ms = 0;

	for (int v = 0; v < stretch->count; v++) {
		int64_t tried_ms = rtta_patience_tried_ms(&stretch->voices[v].patience,
		    stretch->resample != NULL, now_ms);

		if (tried_ms > most_ms)
			most_ms = tried_ms;
	}
	return most_ms;
}

bool
rtta_stretch_answered(const struct rtta_stretch *stretch)
{
	return stretch->answered;
}

void
rtta_stretch_leave(struct rtta_stretch *stretch)
{
	if (stretch->resample != NULL)
		abandon(stretch);
	disconnect(stretch);
	stretch->ended = stretch->left = true;
}

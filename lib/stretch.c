#include <stdlib.h>

#include "clock.h"
#include "cover.h"
#include "draft.h"
#include "engine.h"
#include "err.h"
#include "hold.h"
#include "level.h"
#include "log.h"
#include "mem.h"
#include "patience.h"
#include "profile.h"
#include "random.h"
#include "reason.h"
#include "record.h"
#include "resample.h"
#include "scribe.h"
#include "stretch.h"

enum {
	BACKOFF_MS = 500,              /* doubled with each failure */
	BACKOFF_LIVE_MAX_MS = 1500,    /* people wait for the text */
	BACKOFF_MAX_MS = 30000,
	JITTER_PERCENT = 20,
	STUCK_MS = 60000               /* neither takes sound nor says a word */
};

struct rtta_stretch {
	const struct rtta_stretch_source *source;
	struct rtta_span span;
	bool ended;
	bool left;                     /* to somebody else */
	/* the connection */
	struct rtta_engine *engine;
	struct rtta_scribe *scribe;
	struct rtta_resample *resample;
	uint32_t rate_hz;
	uint8_t channels;
	bool foreign;
	uint64_t from, sent;           /* positions [from, sent) are with it */
	uint64_t loud_samples;         /* of speech since it last said something */
	int64_t heard_ms;              /* when that was; or since when it is open */
	bool ready, finished, said_done;
	struct rtta_patience patience;
	bool answered;
	/* between connections */
	unsigned failures, undone;     /* undone: left in order, without done */
	int64_t retry_ms;
	bool too_large;                /* the last one took no recording so long */
	struct rtta_drafts out;
};

struct rtta_stretch *
rtta_stretch_new(const struct rtta_stretch_source *source, struct rtta_span span)
{
	struct rtta_stretch *stretch = rtta_xcalloc(1, sizeof(*stretch));

	stretch->source = source;
	stretch->span = span;
	stretch->sent = span.first;
	rtta_drafts_init(&stretch->out);
	return stretch;
}

static void
disconnect(struct rtta_stretch *stretch)
{
	rtta_engine_close(stretch->engine);
	rtta_scribe_free(stretch->scribe);
	rtta_resample_free(stretch->resample);
	stretch->engine = NULL;
	stretch->scribe = NULL;
	stretch->resample = NULL;
	stretch->ready = stretch->finished = stretch->said_done = false;
}

void
rtta_stretch_free(struct rtta_stretch *stretch)
{
	if (stretch == NULL)
		return;
	disconnect(stretch);
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

/*
 * The first position from `from` on that is held and not claimed.  False:
 * there is none.
 */
static bool
find_unclaimed(const struct rtta_stretch *stretch, uint64_t from, uint64_t *at)
{
	struct rtta_span rest = { stretch->span.run, from, stretch->span.last }, part;
	struct rtta_delivery *held;

	while (rest.first < rest.last &&
	    rtta_cover_missing(stretch->source->claimed, rest, &part)) {
		held = rtta_hold_find(stretch->source->hold,
		    (struct rtta_pos){ part.run, part.first });
		if (held == NULL || held->span.first >= rest.last)
			return false;
		if (held->span.first <= part.first) {
			*at = part.first;
			return true;
		}
		rest.first = held->span.first;
	}
	return false;
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
	rtta_patience_broken(&stretch->patience, rtta_clock_mono_ms());
	if (stretch->source->quiet)
		rtta_log_debug("%s", why->text);
	else if (why->exit_code != EX_CONFIG)  /* the caller judges that */
		rtta_log_warn_again(stretch->source->refrain, why->text, "%s, again in %.1f s",
		    why->text, (double)wait_ms / 1000);
	stretch->retry_ms = rtta_clock_mono_ms() + wait_ms;
}

/* Begin a connection at a held position. */
static int
connect_at(struct rtta_stretch *stretch, uint64_t at, struct rtta_err *err)
{
	const struct rtta_profile *profile = stretch->source->profile;
	const struct rtta_record *like = stretch->source->like;
	const struct rtta_delivery *held = rtta_hold_find(stretch->source->hold,
	    (struct rtta_pos){ stretch->span.run, at });
	struct rtta_err why = {0};

	if (stretch->engine == NULL)
		stretch->engine = rtta_engine_open(profile, like->backfill, 1, NULL, &why);
	if (stretch->engine != NULL)
		stretch->resample = rtta_resample_new(held->rate_hz, held->channels,
		    profile->rate_hz, 1, &why);
	if (stretch->resample == NULL) {
		disconnect(stretch);
		fail(stretch, &why);
		return why.exit_code == EX_CONFIG ?
		    rtta_err_set(err, EX_CONFIG, "%s", why.text) : 0;
	}
	stretch->scribe = rtta_scribe_new(like, held->rate_hz);
	stretch->rate_hz = held->rate_hz;
	stretch->channels = held->channels;
	stretch->foreign = held->foreign;
	stretch->from = stretch->sent = at;
	stretch->loud_samples = 0;
	stretch->heard_ms = rtta_clock_mono_ms();
	rtta_patience_begin(&stretch->patience, rtta_clock_mono_ms());
	return 0;
}

void
rtta_stretch_use(struct rtta_stretch *stretch, struct rtta_engine *engine)
{
	if (stretch->engine == NULL)
		stretch->engine = engine;
	else
		rtta_engine_close(engine);
}

/* --- send --- */

static void
count_sent(struct rtta_stretch *stretch, const int16_t *values, size_t count)
{
	bool loud = count > 0 && rtta_level_db(values, count) > RTTA_LEVEL_QUIET_DB;

	if (loud)
		stretch->loud_samples += count;
	rtta_patience_sent(&stretch->patience,
	    (double)count / stretch->source->profile->rate_hz, loud, rtta_clock_mono_ms());
}

static bool
is_loud(const struct rtta_delivery *held)
{
	return rtta_level_db((const int16_t *)(const void *)held->pcm, held->pcm_bytes / 2) >
	    RTTA_LEVEL_QUIET_DB;
}

/* Send what held has from `sent` up to last. */
static void
send_part(struct rtta_stretch *stretch, const struct rtta_delivery *held, uint64_t last)
{
	uint64_t skip = stretch->foreign ? 0 : stretch->sent - held->span.first;
	uint64_t end = last < held->span.last ? last : held->span.last;
	uint64_t samples = stretch->foreign ? held->samples : end - stretch->sent;
	const int16_t *values;
	size_t count;

	count = rtta_resample_put(stretch->resample,
	    held->pcm + (size_t)skip * held->channels * 2, (size_t)samples, &values);
	count_sent(stretch, values, count);
	rtta_engine_send(stretch->engine, values, count * sizeof(*values));
	rtta_scribe_sent(stretch->scribe,
	    (struct rtta_span){ stretch->span.run, stretch->sent, end }, samples,
	    held->capture_ns + rtta_samples_ns(skip, held->rate_hz));
	stretch->sent = end;
}

/* The next frame that may follow on this connection, or NULL: a hole, covered
 * sound, another format, or nothing there yet.  *last is where it must stop. */
static const struct rtta_delivery *
next_part(struct rtta_stretch *stretch, uint64_t *last)
{
	struct rtta_span part = { stretch->span.run, stretch->sent, stretch->span.last };
	const struct rtta_delivery *held;

	if (part.first >= part.last)
		return NULL;
	held = rtta_hold_find(stretch->source->hold,
	    (struct rtta_pos){ part.run, part.first });
	if (held == NULL || held->span.first >= part.last || held->rate_hz != stretch->rate_hz ||
	    held->channels != stretch->channels || held->foreign != stretch->foreign)
		return NULL;
	if (stretch->foreign) {
		/* One message is one position, and a jump is no hole. */
		*last = held->span.last;
		if (!rtta_cover_missing(stretch->source->claimed, held->span, &part))
			return NULL;
		stretch->sent = held->span.first;
		return held;
	}
	if (held->span.first > stretch->sent ||
	    !rtta_cover_missing(stretch->source->claimed, part, &part) ||
	    part.first != stretch->sent)
		return NULL;
	*last = part.last;
	return held;
}

static void
finish(struct rtta_stretch *stretch)
{
	const int16_t *values;
	size_t count = rtta_resample_put(stretch->resample, NULL, 0, &values);

	rtta_engine_send(stretch->engine, values, count * sizeof(*values));
	rtta_engine_finish(stretch->engine);
	stretch->finished = true;
}

/* True when there is more to send and no room for it. */
static bool
feed(struct rtta_stretch *stretch)
{
	const struct rtta_delivery *held = NULL;
	uint64_t last = 0;

	while (!stretch->finished) {
		held = next_part(stretch, &last);
		if (held == NULL)
			break;
		if (rtta_engine_room(stretch->engine) == 0) {
			rtta_patience_sent(&stretch->patience, 0, is_loud(held), rtta_clock_mono_ms());
			return true;
		}
		send_part(stretch, held, last);
	}
	/* Nothing may follow: because it is the end, or because of a hole. */
	if (!stretch->finished && (stretch->ended || stretch->sent < stretch->span.last))
		finish(stretch);
	return false;
}

/*
 * As much as the engine takes now.  Room that the pump has made is used at
 * once: with an empty buffer no descriptor would wake us for it.
 */
static void
supply(struct rtta_stretch *stretch, struct rtta_err *why)
{
	bool more;

	do {
		more = feed(stretch);
		if (rtta_engine_pump(stretch->engine, why) < 0)
			return;
	} while (more && rtta_engine_room(stretch->engine) > 0);
}

/* --- hear --- */

static void
take_drafts(struct rtta_stretch *stretch)
{
	struct rtta_draft *draft;

	while ((draft = rtta_scribe_next(stretch->scribe)) != NULL) {
		if (draft->record.is_final)
			rtta_cover_add(stretch->source->claimed, draft->record.span);
		rtta_drafts_put(&stretch->out, draft);
	}
}

static void
answered(struct rtta_stretch *stretch, const struct rtta_engine_event *event)
{
	stretch->answered = true;
	rtta_patience_heard(&stretch->patience,
	    event->kind == RTTA_ENGINE_SPEECH ? event->start_s : event->end_s);
}

static void
hear(struct rtta_stretch *stretch)
{
	struct rtta_engine_event event;

	while (rtta_engine_next(stretch->engine, &event)) {
		stretch->loud_samples = 0;
		stretch->heard_ms = rtta_clock_mono_ms();
		if (event.kind == RTTA_ENGINE_DONE)
			stretch->said_done = true;
		else if (event.kind == RTTA_ENGINE_READY)
			stretch->ready = true;
		else if (event.kind != RTTA_ENGINE_ERROR)
			answered(stretch, &event);
		rtta_scribe_event(stretch->scribe, &event);
		rtta_engine_event_done(&event);
	}
	take_drafts(stretch);
}

static void
check_alive(struct rtta_stretch *stretch, struct rtta_err *why)
{
	const char *name = stretch->source->profile->name;
	int64_t now_ms = rtta_clock_mono_ms();
	int64_t silent_ms = now_ms - rtta_engine_active_ms(stretch->engine);
	int64_t deaf_s = stretch->source->profile->deaf_s;
	uint64_t deaf_samples = (uint64_t)deaf_s * stretch->source->profile->rate_hz;

	/* Taking sound is no sign of life once all of it was taken. */
	if (silent_ms > STUCK_MS && (stretch->finished || stretch->sent < stretch->span.last))
		rtta_err_set(why, EX_TEMPFAIL, "engine %s: no sign of life for %d s", name,
		    STUCK_MS / 1000);
	else if (stretch->loud_samples > deaf_samples && now_ms - stretch->heard_ms > deaf_s * 1000 &&
	    stretch->source->profile->kind != RTTA_PROFILE_HTTP)
		/* Sound may be sent faster than it is spoken: so long it has, too.
		 * Who is sent a recording is silent until it answers. */
		rtta_err_set(why, EX_TEMPFAIL, "engine %s: not a word on %d s of sound", name,
		    (int)deaf_s);
}

/* The connection is over before it said done. */
static void
broken(struct rtta_stretch *stretch, const struct rtta_err *why)
{
	uint64_t at;

	rtta_scribe_abandon(stretch->scribe);
	if (rtta_scribe_settled(stretch->scribe) > 0)
		stretch->failures = stretch->undone = 0;
	take_drafts(stretch);
	if (stretch->ended && !find_unclaimed(stretch, stretch->span.first, &at)) {
		rtta_log_debug("%s, and nothing is left", why->text);
	} else if (why->exit_code == EX_PROTOCOL && stretch->source->like->rev == 1 &&
	    (stretch->foreign || !stretch->source->forwards) &&
	    ++stretch->undone >= RTTA_STRETCH_ATTEMPTS) {
		rtta_log_warn("%s: what it did not settle is a gap", why->text);
		rtta_scribe_give_up(stretch->scribe, rtta_reason_text(RTTA_REASON_ENGINE));
		stretch->failures = stretch->undone = 0;
	} else {
		fail(stretch, why);
	}
	take_drafts(stretch);
	disconnect(stretch);
}

static void
done(struct rtta_stretch *stretch)
{
	rtta_scribe_finish(stretch->scribe);
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
	    !find_unclaimed(stretch, stretch->span.first, &at))
		return 0;
	return connect_at(stretch, at, err);
}

int
rtta_stretch_pump(struct rtta_stretch *stretch, bool may_open, struct rtta_err *err)
{
	struct rtta_err why = {0};

	if (stretch->scribe == NULL && may_open && open_connection(stretch, err) < 0)
		return -1;
	if (stretch->scribe == NULL)
		return 0;
	supply(stretch, &why);
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

	if (stretch->scribe != NULL) {
		int ms = rtta_engine_wait_ms(stretch->engine);

		return ms >= 0 && ms < 1000 ? ms : 1000;  /* to see that it lives */
	}
	return left_ms > 0 ? (int)left_ms : -1;
}

bool
rtta_stretch_connected(const struct rtta_stretch *stretch)
{
	return stretch->scribe != NULL;
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

	return stretch->scribe == NULL && !stretch->left &&
	    rtta_clock_mono_ms() >= stretch->retry_ms &&
	    find_unclaimed(stretch, stretch->span.first, &at);
}

bool
rtta_stretch_over(const struct rtta_stretch *stretch)
{
	uint64_t at;

	return stretch->ended && stretch->scribe == NULL && stretch->out.first == NULL &&
	    (stretch->left || !find_unclaimed(stretch, stretch->span.first, &at));
}

uint64_t
rtta_stretch_sent(const struct rtta_stretch *stretch)
{
	uint64_t at;

	if (stretch->scribe != NULL)
		return stretch->sent;
	return find_unclaimed(stretch, stretch->span.first, &at) ? at : stretch->span.last;
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
	return rtta_patience_tried_ms(&stretch->patience, stretch->scribe != NULL,
	    rtta_clock_mono_ms());
}

bool
rtta_stretch_answered(const struct rtta_stretch *stretch)
{
	return stretch->answered;
}

void
rtta_stretch_leave(struct rtta_stretch *stretch)
{
	if (stretch->scribe != NULL) {
		rtta_scribe_abandon(stretch->scribe);
		take_drafts(stretch);
	}
	disconnect(stretch);
	stretch->ended = stretch->left = true;
}

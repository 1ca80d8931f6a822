#include <stdlib.h>
#include <string.h>

#include "audio.h"
#include "bus.h"
#include "clock.h"
#include "copy.h"
#include "credit.h"
#include "err.h"
#include "excerpt.h"
#include "keys.h"
#include "log.h"
#include "mem.h"
#include "publisher.h"
#include "reader.h"
#include "reason.h"
#include "state.h"

enum {
	WINDOW = 4096,
	MESSAGES_A_TURN = 4096,
	AHEAD = 65536,          /* messages with the publisher; then reading waits */
	PATIENCE_MS = 60000,    /* for what PRE_BUFFER does not hold yet */
	HOLDS_S = 600,          /* what was cut before will not come any more */
	NOTES_MAX = 16,
	NS_PER_US = 1000,
	US_PER_S = 1000000,
	POLL_MS = 500
};

enum step {
	STEP_READ,     /* PRE_BUFFER, until the last frame has come */
	STEP_SETTLE,   /* until all is acknowledged */
	STEP_KEY,      /* flush.<session> is being created */
	STEP_STORED,   /* until the copy of the state has it */
	STEP_OVER
};

struct rtta_copy {
	struct rtta_bus *bus;
	struct rtta_log_damper damper;   /* of messages that are no good */
	struct rtta_state *state;
	struct rtta_reader *reader;
	struct rtta_publisher *publisher;
	char id[RTTA_SESSION_ID_BYTES];
	struct rtta_session_cut cut;
	struct rtta_excerpt excerpt;
	enum step step;
	uint64_t epoch, write;
	int64_t patience_ms, deadline_ms;
	int64_t preroll_s, started_ns;
	int notes;
	bool wrote;         /* since the last tick */
};

struct rtta_copy *
rtta_copy_new(struct rtta_bus *bus, struct rtta_state *state, const char *id)
{
	struct rtta_copy *copy = rtta_xcalloc(1, sizeof(*copy));
	int64_t now_us = rtta_clock_real_ns() / NS_PER_US;
	struct rtta_session_info info = { .preroll_s = RTTA_SESSION_PREROLL_S };
	uint64_t *runs;
	size_t n_runs = rtta_keys_runs(state, id, &runs);

	copy->started_ns = rtta_clock_real_ns();
	copy->bus = bus;
	copy->state = state;
	strcpy(copy->id, id);
	rtta_keys_cut(state, id, &copy->cut);
	rtta_keys_info(state, id, &info);
	copy->preroll_s = info.preroll_s;
	rtta_excerpt_init(&copy->excerpt, &copy->cut, runs, n_runs);
	copy->epoch = rtta_bus_epoch(bus);
	if (now_us - copy->cut.at_us < HOLDS_S * (int64_t)US_PER_S)
		copy->patience_ms = PATIENCE_MS;
	copy->deadline_ms = rtta_clock_mono_ms() + PATIENCE_MS;
	copy->publisher = rtta_publisher_new(bus, WINDOW);
	rtta_publisher_limit(copy->publisher, rtta_credit_new(bus));
	if (copy->cut.has_preroll)
		copy->reader = rtta_reader_new(bus, "PRE_BUFFER", NULL, RTTA_READER_ALL, 1);
	else
		copy->step = STEP_SETTLE;
	return copy;
}

void
rtta_copy_free(struct rtta_copy *copy)
{
	if (copy == NULL)
		return;
	rtta_reader_free(copy->reader);
	rtta_publisher_free(copy->publisher);
	rtta_excerpt_done(&copy->excerpt);
	free(copy);
}

const char *
rtta_copy_session(const struct rtta_copy *copy)
{
	return copy->id;
}

int64_t
rtta_copy_samples(const struct rtta_copy *copy)
{
	return copy->excerpt.copied_samples;
}

bool
rtta_copy_is_stuck(const struct rtta_copy *copy)
{
	return rtta_publisher_trouble(copy->publisher) != 0;
}

bool
rtta_copy_is_over(const struct rtta_copy *copy)
{
	return copy->step == STEP_OVER;
}

/* --- reading --- */

static void
publish(struct rtta_copy *copy, struct rtta_audio *audio)
{
	audio->lane = RTTA_AUDIO_BACKFILL;
	audio->rev = 1;
	strcpy(audio->session, copy->id);
	strcpy(audio->job, "preroll");
	rtta_publisher_put(copy->publisher, rtta_audio_encode(audio), NULL);
}

static void
note_missing(struct rtta_copy *copy, struct rtta_pos from, struct rtta_pos to, int64_t to_us,
    enum rtta_reason reason)
{
	char key[RTTA_SESSION_KEY_BYTES];
	struct rtta_session_note note = {
		.from = from, .to = to, .to_us = to_us,
		.from_us = copy->excerpt.begun ? copy->excerpt.next_ns / NS_PER_US : to_us,
	};

	if (copy->notes++ >= NOTES_MAX)
		return;
	strcpy(note.reason, rtta_reason_text(reason));
	copy->wrote = true;
	rtta_state_create(copy->state, rtta_session_note_key(key, copy->id, "flush", from),
	    rtta_session_note_encode(&note));
}

static enum rtta_reason
why_missing(const struct rtta_audio *audio)
{
	if (audio->lost == 0)
		return RTTA_REASON_PREROLL;
	return audio->frame.flags & RTTA_FRAME_UNTAKEN ? RTTA_REASON_CEILING : RTTA_REASON_OVERRUN;
}

static void
offer(struct rtta_copy *copy, natsMsg *msg)
{
	struct rtta_err ignored = {0};  /* not ours: no cut names it */
	struct rtta_audio audio;
	struct rtta_pos gap = {0};
	int verdict = 0;

	if (rtta_audio_decode(&audio, msg, 0, &ignored) == 0 && !audio.eos)
		verdict = rtta_excerpt_offer(&copy->excerpt, &audio.frame, &gap);
	if (verdict == 2)
		note_missing(copy, gap, (struct rtta_pos){ audio.frame.run_id, audio.frame.sample },
		    audio.frame.capture_ns / NS_PER_US, why_missing(&audio));
	if (verdict > 0)
		publish(copy, &audio);
	natsMsg_Destroy(msg);
}

static void
end_reading(struct rtta_copy *copy)
{
	const struct rtta_excerpt *excerpt = &copy->excerpt;
	struct rtta_pos to = copy->cut.has_at ? copy->cut.at : copy->cut.last;
	struct rtta_audio eos = {
		.eos = true,
		.frame = {
			.run_id = excerpt->next.run, .sample = excerpt->next.sample,
			.capture_ns = excerpt->next_ns,
			.rate_hz = RTTA_AUDIO_FOREIGN_RATE_HZ, .channels = 1,
		},
	};

	if (!excerpt->done) {
		rtta_log_warn("session %s: PRE_BUFFER does not hold all of its pre-roll", copy->id);
		note_missing(copy, excerpt->next, to, copy->cut.at_us, RTTA_REASON_PREROLL);
	}
	if (excerpt->begun)
		publish(copy, &eos);
	rtta_reader_free(copy->reader);
	copy->reader = NULL;
	copy->step = STEP_SETTLE;
}

static int
read_buffer(struct rtta_copy *copy)
{
	int wait_ms = rtta_reader_tick(copy->reader);
	int64_t now_ms = rtta_clock_mono_ms();
	natsMsg *msg;

	if (copy->epoch != rtta_bus_epoch(copy->bus) || !rtta_bus_connected(copy->bus)) {
		copy->epoch = rtta_bus_epoch(copy->bus);
		copy->deadline_ms = now_ms + PATIENCE_MS;
	}
	/* Not all at once: the server stores while we go on reading. */
	for (int i = 0; i < MESSAGES_A_TURN && !copy->excerpt.done; i++) {
		if (rtta_publisher_pending(copy->publisher) >= AHEAD ||
		    (msg = rtta_reader_take(copy->reader)) == NULL)
			break;
		offer(copy, msg);
		if (i == MESSAGES_A_TURN - 1)
			wait_ms = 0;
	}
	if (copy->excerpt.done || now_ms >= copy->deadline_ms ||
	    (copy->patience_ms == 0 && rtta_reader_caught_up(copy->reader)))
		end_reading(copy);
	return wait_ms < 0 || wait_ms > POLL_MS ? POLL_MS : wait_ms;
}

/* --- and what follows --- */

static void
create_key(struct rtta_copy *copy)
{
	double copied_s = (double)copy->excerpt.copied_ns / 1e9;
	struct rtta_session_flush flush = {
		.copied_samples = copy->excerpt.copied_samples,
		.holes = copy->excerpt.holes,
		.short_s = copied_s < (double)copy->preroll_s ?
		    (double)copy->preroll_s - copied_s : 0,
	};

	rtta_log_info("session %s: copied %.1f s of pre-roll in %.1f ms", copy->id, copied_s,
	    (double)(rtta_clock_real_ns() - copy->started_ns) / 1e6);
	copy->wrote = true;
	copy->write = rtta_keys_create(copy->state, "flush", copy->id,
	    rtta_session_flush_encode(&flush));
	copy->step = STEP_KEY;
}

void
rtta_copy_stored(struct rtta_copy *copy, uint64_t write)
{
	if (copy->step == STEP_KEY && write == copy->write)
		copy->step = STEP_STORED;
}

int
rtta_copy_tick(struct rtta_copy *copy)
{
	struct rtta_puback ack;
	int wait_ms = -1, pump_ms;

	copy->wrote = false;
	if (copy->step == STEP_READ)
		wait_ms = read_buffer(copy);
	pump_ms = rtta_publisher_pump(copy->publisher);
	while (rtta_publisher_next(copy->publisher, &ack))
		if (ack.error != 0)
			rtta_log_warn_damped(&copy->damper, "session %s: a frame was refused (%d)",
			    copy->id, ack.error);
	if (copy->step == STEP_SETTLE && rtta_publisher_pending(copy->publisher) == 0)
		create_key(copy);
	if (copy->step == STEP_STORED && rtta_keys_ever(copy->state, "flush", copy->id))
		copy->step = STEP_OVER;
	return copy->wrote ? 0 : rtta_clock_sooner(wait_ms, pump_ms);
}

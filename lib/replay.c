#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audio.h"
#include "bus.h"
#include "clock.h"
#include "credit.h"
#include "err.h"
#include "frame.h"
#include "inlet.h"
#include "keys.h"
#include "log.h"
#include "mem.h"
#include "publisher.h"
#include "replay.h"
#include "session.h"
#include "sig.h"
#include "state.h"

enum {
	WINDOW = 4096,
	AHEAD = 8192,
	FRAMES_A_TURN = 512,
	RUNS_MAX = 10000,
	NS_PER_US = 1000
};

enum step {
	STEP_LOAD,      /* the state */
	STEP_READ,      /* stdin */
	STEP_SETTLE,    /* until all is acknowledged */
	STEP_KEYS,      /* the last ones are being created */
	STEP_OVER
};

struct replay {
	const struct rtta_replay_options *options;
	struct rtta_bus *bus;
	struct rtta_state *state;
	struct rtta_publisher *publisher;
	struct rtta_inlet *in;
	enum step step;
	char job[RTTA_AUDIO_JOB_BYTES];
	bool begun;
	struct rtta_pos first, last, next;  /* first and last frame; behind it */
	int64_t next_ns;
	uint64_t *runs;
	size_t n_runs;
	int64_t samples;
	uint64_t info_write, cut_write;
	bool has_info;              /* stored: who hears a frame knows what to do with it */
};

static void
publish(struct replay *replay, struct rtta_audio *audio)
{
	audio->lane = RTTA_AUDIO_BACKFILL;
	audio->rev = 1;
	strcpy(audio->session, replay->options->session);
	strcpy(audio->job, replay->job);
	rtta_publisher_put(replay->publisher, rtta_audio_encode(audio), NULL);
}

static void
begin(struct replay *replay, const struct rtta_frame *frame)
{
	struct rtta_session_info info = {
		.started_us = frame->capture_ns / NS_PER_US,
		.source = "replay",
		.split = replay->options->split,
		.channels = frame->channels,
	};
	char run[RTTA_RUN_TEXT_BYTES];

	if (replay->options->title != NULL)
		snprintf(info.title, sizeof(info.title), "%s", replay->options->title);
	replay->begun = true;
	replay->first = (struct rtta_pos){ frame->run_id, frame->sample };
	snprintf(replay->job, sizeof(replay->job), "replay-%s",
	    rtta_run_format(run, frame->run_id));
	replay->info_write = rtta_keys_create(replay->state, "session",
	    replay->options->session, rtta_session_info_encode(&info));
}

/*
 * A session that was flushed before: 1 if it began with this frame, so that
 * nothing is left to do; 0: there was none; -1: it is another sound.
 */
static int
was_done(const struct replay *replay, const struct rtta_frame *frame, struct rtta_err *err)
{
	const char *id = replay->options->session;
	struct rtta_pos pos = { frame->run_id, frame->sample };
	struct rtta_session_cut cut;

	if (rtta_keys_cut(replay->state, id, &cut) < 0)
		return 0;
	if (cut.has_preroll && rtta_pos_equal(cut.first, pos) &&
	    rtta_keys_now(replay->state, "flush", id))
		return 1;
	return rtta_err_set(err, EX_DATAERR, "session %s is there already, with other sound", id);
}

static void
note_run(struct replay *replay, const struct rtta_frame *frame)
{
	char key[RTTA_SESSION_KEY_BYTES];
	struct rtta_session_run run = {
		.run = frame->run_id, .first = frame->sample,
		.first_us = frame->capture_ns / NS_PER_US, .rate_hz = frame->rate_hz,
	};

	for (size_t i = 0; i < replay->n_runs; i++)
		if (replay->runs[i] == frame->run_id)
			return;
	if (replay->n_runs == RUNS_MAX)
		return;
	if (replay->n_runs > 0) {
		run.prev_next = replay->next.sample;
		run.prev_us = replay->next_ns / NS_PER_US;
		run.contiguous = frame->flags & RTTA_FRAME_CONTIGUOUS;
	}
	rtta_state_create(replay->state, rtta_session_run_key(key, replay->options->session,
	    (unsigned)replay->n_runs), rtta_session_run_encode(&run));
	replay->runs = rtta_xreallocarray(replay->runs, replay->n_runs + 1,
	    sizeof(*replay->runs));
	replay->runs[replay->n_runs++] = frame->run_id;
}

static void
take_frame(struct replay *replay, const struct rtta_frame *frame)
{
	struct rtta_audio audio = { .frame = *frame };

	if (frame->payload_bytes == 0)
		return;
	if (!replay->begun)
		begin(replay, frame);
	note_run(replay, frame);
	if ((frame->flags & RTTA_FRAME_LOST) && frame->run_id == replay->next.run &&
	    frame->sample > replay->next.sample)
		audio.lost = frame->sample - replay->next.sample;
	publish(replay, &audio);
	replay->samples += rtta_frame_samples(frame);
	replay->last = (struct rtta_pos){ frame->run_id, frame->sample };
	replay->next = (struct rtta_pos){ frame->run_id, rtta_frame_end(frame) };
	replay->next_ns = frame->capture_ns +
	    rtta_samples_ns(rtta_frame_samples(frame), frame->rate_hz);
}

static void
end_input(struct replay *replay, struct rtta_err *err)
{
	struct rtta_audio eos = {
		.eos = true,
		.frame = {
			.run_id = replay->next.run, .sample = replay->next.sample,
			.capture_ns = replay->next_ns,
			.rate_hz = RTTA_AUDIO_FOREIGN_RATE_HZ, .channels = 1,
		},
	};

	if (!replay->begun && err->exit_code == 0)
		rtta_err_set(err, EX_DATAERR, "no sound on standard input");
	if (replay->begun && err->exit_code == 0)
		publish(replay, &eos);
	replay->step = STEP_SETTLE;
}

/* The first frame decides: go on, or there is nothing to do. */
static bool
may_begin(struct replay *replay, const struct rtta_frame *frame, struct rtta_err *err)
{
	int done = was_done(replay, frame, err);

	if (done > 0) {
		rtta_log_info("session %s is there already", replay->options->session);
		replay->step = STEP_OVER;
	}
	return done == 0;
}

static void
take_input(struct replay *replay, struct rtta_err *err)
{
	enum rtta_inlet_got got;
	struct rtta_frame frame;

	for (int i = 0; i < FRAMES_A_TURN; i++) {
		got = rtta_inlet_next(replay->in, &frame, err);
		if (got == RTTA_INLET_LATER)
			return;
		if (got != RTTA_INLET_FRAME ||
		    (!replay->begun && !may_begin(replay, &frame, err)))
			break;
		take_frame(replay, &frame);
		if (i == FRAMES_A_TURN - 1)
			return;
	}
	if (replay->step == STEP_READ)
		end_input(replay, err);
}

/* flush and end before the cut: whoever sees the cut finds nothing to do. */
static void
create_keys(struct replay *replay)
{
	const char *id = replay->options->session;
	int64_t next_us = replay->next_ns / NS_PER_US;
	struct rtta_session_flush flush = { .copied_samples = replay->samples };
	struct rtta_session_end end = { .has_at = true, .at = replay->next, .at_us = next_us };
	struct rtta_session_cut cut = {
		.has_at = true, .at = replay->next, .at_us = next_us,
		.has_preroll = true, .first = replay->first, .last = replay->last,
	};

	rtta_keys_create(replay->state, "flush", id, rtta_session_flush_encode(&flush));
	rtta_keys_create(replay->state, "end", id, rtta_session_end_encode(&end));
	replay->cut_write = rtta_keys_create(replay->state, "cut", id,
	    rtta_session_cut_encode(&cut));
	replay->step = STEP_KEYS;
}

static void
take_results(struct replay *replay, struct rtta_err *err)
{
	struct rtta_state_change change;
	struct rtta_state_result result;
	struct rtta_puback ack;

	while (rtta_state_next(replay->state, &change))
		jv_free(change.value);
	while (rtta_state_result(replay->state, &result)) {
		if (result.outcome == RTTA_STATE_REFUSED)
			rtta_log_warn("%s: another value stands already", result.key);
		if (replay->begun && result.number == replay->info_write)
			replay->has_info = true;
		if (replay->step == STEP_KEYS && result.number == replay->cut_write)
			replay->step = STEP_OVER;
	}
	while (rtta_publisher_next(replay->publisher, &ack))
		if (ack.error != 0)
			rtta_err_set(err, EX_DATAERR, "a frame was refused (%d)", ack.error);
}

/* True: something is to be sent. */
static bool
turn(struct replay *replay, struct rtta_err *err)
{
	enum step before = replay->step;

	if (replay->step == STEP_LOAD && rtta_state_loaded(replay->state))
		replay->step = STEP_READ;
	take_results(replay, err);
	if (replay->step == STEP_SETTLE && rtta_publisher_pending(replay->publisher) == 0) {
		if (err->exit_code == 0)
			create_keys(replay);
		else if (rtta_state_pending(replay->state) == 0)
			replay->step = STEP_OVER;
	}
	return replay->step != before && replay->step != STEP_OVER;
}

static void
run(struct replay *replay, int sig_fd, struct rtta_err *err)
{
	enum { SIG, BUS, IN, NFDS };
	struct pollfd fds[NFDS] = {
		[SIG] = { .fd = sig_fd, .events = POLLIN },
		[BUS] = { .fd = rtta_bus_fd(replay->bus), .events = POLLIN },
		[IN] = { .events = POLLIN },
	};
	int wait_ms = 0;

	while (replay->step != STEP_OVER) {
		fds[IN].fd = replay->step == STEP_READ &&
		    rtta_publisher_pending(replay->publisher) < AHEAD ? STDIN_FILENO : -1;
		if (poll(fds, NFDS, wait_ms) < 0 && errno != EINTR) {
			rtta_err_sys(err, EX_OSERR, "poll");
			return;
		}
		if (fds[BUS].revents && rtta_bus_wake(replay->bus, err) < 0)
			return;
		if (fds[SIG].revents && rtta_sig_take(sig_fd)) {
			rtta_err_set(err, EX_TEMPFAIL, "stopped");
			return;
		}
		if (fds[IN].fd >= 0 && fds[IN].revents)
			take_input(replay, err);
		do {
			wait_ms = rtta_state_tick(replay->state);
			if (replay->has_info)
				wait_ms = rtta_clock_sooner(wait_ms,
				    rtta_publisher_pump(replay->publisher));
		} while (turn(replay, err));
	}
}

int
rtta_replay(struct rtta_bus *bus, struct rtta_state *state, int sig_fd,
    const struct rtta_replay_options *options, struct rtta_err *err)
{
	struct replay replay = { .options = options, .bus = bus, .state = state };

	replay.publisher = rtta_publisher_new(bus, WINDOW);
	rtta_publisher_limit(replay.publisher, rtta_credit_new(bus));
	replay.in = rtta_inlet_open(STDIN_FILENO, false, err);
	if (replay.in != NULL)
		run(&replay, sig_fd, err);
	rtta_inlet_close(replay.in);
	rtta_publisher_free(replay.publisher);
	free(replay.runs);
	return err->exit_code == 0 ? 0 : -1;
}

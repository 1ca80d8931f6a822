#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "audio.h"
#include "bus.h"
#include "clock.h"
#include "err.h"
#include "log.h"
#include "mem.h"
#include "preroll.h"
#include "publisher.h"
#include "reader.h"
#include "streams.h"
#include "window.h"

enum {
	AHEAD = 2048,          /* messages with the publisher; the rest waits in the window */
	IN_FLIGHT = 1024,
	ANSWER_MS = 2000,
	RETRY_MS = 500,
	NO_STREAM = 10059,     /* err_codes of JetStream */
	NO_ANSWER = 503
};

enum step {
	STEP_LOOK,      /* which stream is it? ask */
	STEP_ASKED,
	STEP_MAKE,      /* there is none: it is being made */
	STEP_READ,      /* back into the window, once */
	STEP_SEND
};

struct rtta_preroll {
	struct rtta_bus *bus;
	struct rtta_log_damper damper;   /* of messages that are no good */
	struct rtta_api *api;
	struct rtta_publisher *publisher;
	struct rtta_reader *reader;
	struct rtta_window *window;
	enum step step;
	uint64_t epoch;
	char created[64];              /* of the stream that holds the window */
	int64_t offset_ns;             /* of the wall clock */
	unsigned again;                /* the window was sent so often before */
	jv config;                     /* what it was made with */
	bool ready;
	int64_t due_ms;                /* the next attempt at what failed */
	uint64_t stored;

	bool flush_open, purge, purging;
	uint64_t purge_below;          /* frames of the window that still go */
};

struct rtta_preroll *
rtta_preroll_new(struct rtta_bus *bus, struct rtta_window *window)
{
	struct rtta_preroll *preroll = rtta_xcalloc(1, sizeof(*preroll));

	preroll->bus = bus;
	preroll->window = window;
	preroll->config = rtta_streams_config("PRE_BUFFER", NULL);
	preroll->api = rtta_api_new(bus);
	preroll->publisher = rtta_publisher_new(bus, IN_FLIGHT);
	return preroll;
}

void
rtta_preroll_free(struct rtta_preroll *preroll)
{
	if (preroll == NULL)
		return;
	rtta_reader_free(preroll->reader);
	rtta_publisher_free(preroll->publisher);
	rtta_api_free(preroll->api);
	jv_free(preroll->config);
	free(preroll);
}

bool
rtta_preroll_ready(const struct rtta_preroll *preroll)
{
	return preroll->ready;
}

uint64_t
rtta_preroll_stored(const struct rtta_preroll *preroll)
{
	return preroll->stored;
}

/* --- which stream --- */

static void
ask(struct rtta_preroll *preroll, const char *what, jv body, enum step step)
{
	rtta_api_ask(preroll->api, what, body, ANSWER_MS, (void *)(uintptr_t)step);
	preroll->step = step;
}

static void
look_again(struct rtta_preroll *preroll, int after_ms)
{
	preroll->step = STEP_LOOK;
	preroll->due_ms = rtta_clock_mono_ms() + after_ms;
}

static void
take_acks(struct rtta_preroll *preroll)
{
	struct rtta_puback ack;

	while (rtta_publisher_next(preroll->publisher, &ack)) {
		if (ack.error != 0)
			rtta_log_warn_damped(&preroll->damper,
			    "preroll.audio: a frame was refused (%d)", ack.error);
		else
			preroll->stored++;
		rtta_window_acked(preroll->window);
	}
}

void
rtta_preroll_recall(struct rtta_preroll *preroll)
{
	struct rtta_puback behind;
	natsMsg *msg;

	take_acks(preroll);
	while ((msg = rtta_publisher_take_back(preroll->publisher, NULL)) != NULL)
		natsMsg_Destroy(msg);
	/* The window counts: those are sent again, too. */
	while (rtta_publisher_next(preroll->publisher, &behind))
		;
	rtta_window_unsend(preroll->window);
}

static void
refill(struct rtta_preroll *preroll)
{
	uint64_t frames;

	rtta_preroll_recall(preroll);
	rtta_window_rewind(preroll->window);
	preroll->purge = false;  /* an empty stream is purged */
	frames = rtta_window_next(preroll->window) - rtta_window_oldest(preroll->window);
	if (frames > 0)
		rtta_log_info("PRE_BUFFER: made anew, filling it with %llu frames",
		    (unsigned long long)frames);
}

/*
 * What PRE_BUFFER holds is older now by what the clock was set forward, and
 * goes; with its old id nothing would be stored again.
 */
static void
follow_clock(struct rtta_preroll *preroll)
{
	int64_t set_ns = rtta_clock_set_ns(&preroll->offset_ns);

	if (set_ns <= 0 || !preroll->ready)
		return;
	rtta_log_warn("the wall clock was set forward by %.1f s: filling PRE_BUFFER again",
	    (double)set_ns / 1e9);
	preroll->again++;
	rtta_preroll_recall(preroll);
	rtta_window_rewind(preroll->window);
}

static void
take_info(struct rtta_preroll *preroll, jv info)
{
	jv config = jv_object_get(jv_copy(info), jv_string("config"));
	jv created = jv_object_get(info, jv_string("created"));
	const char *text = jv_get_kind(created) == JV_KIND_STRING ?
	    jv_string_value(created) : "";

	if (!preroll->ready) {
		preroll->reader = rtta_reader_new(preroll->bus, "PRE_BUFFER", NULL,
		    RTTA_READER_ALL, 1);
		preroll->step = STEP_READ;
	} else {
		if (strncmp(preroll->created, text, sizeof(preroll->created) - 1) != 0)
			refill(preroll);
		preroll->step = STEP_SEND;
	}
	snprintf(preroll->created, sizeof(preroll->created), "%s", text);
	jv_free(created);
	if (jv_get_kind(config) != JV_KIND_OBJECT) {
		jv_free(config);
		return;
	}
	jv_free(preroll->config);
	preroll->config = config;
}

static void
take_answer(struct rtta_preroll *preroll, struct rtta_answer *answer)
{
	enum step step = (enum step)(uintptr_t)answer->tag;

	if (step == STEP_SEND) {  /* the purge */
		preroll->purging = false;
		if (answer->error == 0) {
			preroll->purge = false;
			rtta_log_info("PRE_BUFFER: purged");
		}
		preroll->due_ms = rtta_clock_mono_ms() + RETRY_MS;
	} else if (step != preroll->step) {
		;  /* asked before the connection was lost */
	} else if (step == STEP_MAKE) {
		look_again(preroll, answer->error == 0 ? 0 : RETRY_MS);
	} else if (answer->error == 0) {
		take_info(preroll, jv_copy(answer->body));
	} else if (answer->error == NO_STREAM) {
		ask(preroll, "STREAM.CREATE.PRE_BUFFER",
		    jv_copy(preroll->config), STEP_MAKE);
	} else {
		look_again(preroll, RETRY_MS);
	}
	jv_free(answer->body);
}

static void
look(struct rtta_preroll *preroll)
{
	struct rtta_answer answer;

	while (rtta_api_next(preroll->api, &answer))
		take_answer(preroll, &answer);
	if (!rtta_bus_connected(preroll->bus))
		return;
	if (preroll->step == STEP_SEND && preroll->epoch != rtta_bus_epoch(preroll->bus))
		look_again(preroll, 0);
	if (preroll->step == STEP_SEND &&
	    rtta_publisher_trouble(preroll->publisher) == NO_ANSWER) {
		rtta_preroll_recall(preroll);
		look_again(preroll, 0);
	}
	if (preroll->step == STEP_LOOK && rtta_clock_mono_ms() >= preroll->due_ms) {
		preroll->epoch = rtta_bus_epoch(preroll->bus);
		ask(preroll, "STREAM.INFO.PRE_BUFFER", jv_invalid(), STEP_ASKED);
	}
}

/* --- back into the window --- */

static void
hold(struct rtta_preroll *preroll, natsMsg *msg)
{
	struct rtta_err ignored = {0};  /* not ours: nobody can flush it */
	struct rtta_audio audio;

	if (rtta_audio_decode(&audio, msg, 0, &ignored) == 0 && !audio.eos &&
	    !rtta_window_has(preroll->window, &audio.frame))
		rtta_window_add(preroll->window, rtta_held_new(&audio.frame), true);
	natsMsg_Destroy(msg);
}

static int
read_back(struct rtta_preroll *preroll)
{
	int wait_ms = rtta_reader_tick(preroll->reader);
	natsMsg *msg;

	while ((msg = rtta_reader_take(preroll->reader)) != NULL)
		hold(preroll, msg);
	if (!rtta_reader_caught_up(preroll->reader))
		return wait_ms;
	rtta_reader_free(preroll->reader);
	preroll->reader = NULL;
	preroll->ready = true;
	preroll->step = STEP_SEND;
	return 0;
}

/* --- and out of it --- */

static bool
may_send(const struct rtta_preroll *preroll)
{
	if (rtta_publisher_pending(preroll->publisher) >= AHEAD || preroll->purging)
		return false;
	return !preroll->purge || rtta_window_sent(preroll->window) < preroll->purge_below;
}

static void
send_window(struct rtta_preroll *preroll)
{
	struct rtta_audio audio = { .lane = RTTA_AUDIO_PREROLL, .again = preroll->again };
	const struct rtta_held *held;

	while (may_send(preroll) && (held = rtta_window_send(preroll->window)) != NULL) {
		audio.frame = held->frame;
		audio.lost = held->lost;
		rtta_publisher_put(preroll->publisher, rtta_audio_encode(&audio), NULL);
	}
}

void
rtta_preroll_purge(struct rtta_preroll *preroll)
{
	preroll->purge = true;
	preroll->purge_below = rtta_window_next(preroll->window);
}

void
rtta_preroll_flush_open(struct rtta_preroll *preroll, bool is_open)
{
	preroll->flush_open = is_open;
}

static void
purge(struct rtta_preroll *preroll)
{
	if (!preroll->purge || preroll->purging || preroll->flush_open ||
	    !rtta_bus_connected(preroll->bus) || rtta_clock_mono_ms() < preroll->due_ms)
		return;
	rtta_preroll_recall(preroll);
	rtta_api_ask(preroll->api, "STREAM.PURGE.PRE_BUFFER", jv_invalid(), ANSWER_MS,
	    (void *)(uintptr_t)STEP_SEND);
	preroll->purging = true;
}

int
rtta_preroll_tick(struct rtta_preroll *preroll)
{
	int wait_ms = -1;

	follow_clock(preroll);
	look(preroll);
	if (preroll->step == STEP_READ)
		wait_ms = read_back(preroll);
	if (preroll->step == STEP_SEND) {
		purge(preroll);
		send_window(preroll);
		wait_ms = rtta_publisher_pump(preroll->publisher);
		take_acks(preroll);
	}
	if (preroll->step == STEP_LOOK || (preroll->purge && !preroll->flush_open))
		wait_ms = rtta_clock_sooner(wait_ms, RETRY_MS);
	return rtta_clock_sooner(wait_ms, rtta_api_wait_ms(preroll->api));
}

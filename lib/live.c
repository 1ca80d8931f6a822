#include <stdlib.h>
#include <string.h>

#include "audio.h"
#include "bus.h"
#include "clock.h"
#include "credit.h"
#include "err.h"
#include "live.h"
#include "log.h"
#include "mem.h"
#include "publisher.h"
#include "queue.h"
#include "window.h"

enum {
	IN_FLIGHT = 1024,
	MUCH = 4096,          /* messages with the publisher */
	MOVES_MS = 1000,
	NS_PER_US = 1000
};

struct rtta_live {
	struct rtta_publisher *publisher;
	struct rtta_log_damper damper;   /* of messages that are no good */
	int64_t moved_ms;     /* the last acknowledgement */
	uint64_t stored;
};

struct rtta_live *
rtta_live_new(struct rtta_bus *bus)
{
	struct rtta_live *live = rtta_xcalloc(1, sizeof(*live));

	live->publisher = rtta_publisher_new(bus, IN_FLIGHT);
	rtta_publisher_limit(live->publisher, rtta_credit_new(bus));
	return live;
}

void
rtta_live_free(struct rtta_live *live)
{
	if (live == NULL)
		return;
	rtta_publisher_free(live->publisher);
	free(live);
}

static void
publish(struct rtta_live *live, struct rtta_audio *audio, const char *id)
{
	audio->lane = RTTA_AUDIO_LIVE;
	strcpy(audio->session, id);
	rtta_publisher_put(live->publisher, rtta_audio_encode(audio), NULL);
}

void
rtta_live_frame(struct rtta_live *live, const char *id, struct rtta_held *held)
{
	struct rtta_audio audio = { .lost = held->lost, .frame = held->frame };

	publish(live, &audio, id);
	free(held);
}

void
rtta_live_eos(struct rtta_live *live, const char *id, const struct rtta_session_end *end)
{
	struct rtta_audio audio = {
		.eos = true,
		.frame = {
			.run_id = end->at.run, .sample = end->at.sample,
			.capture_ns = end->at_us * NS_PER_US,
			.rate_hz = RTTA_AUDIO_FOREIGN_RATE_HZ, .channels = 1,
		},
	};

	publish(live, &audio, id);
}

int
rtta_live_tick(struct rtta_live *live)
{
	int wait_ms = rtta_publisher_pump(live->publisher);
	struct rtta_puback ack;

	while (rtta_publisher_next(live->publisher, &ack)) {
		live->moved_ms = rtta_clock_mono_ms();
		if (ack.error != 0)
			rtta_log_warn_damped(&live->damper, "a live frame was refused (%d)", ack.error);
		else
			live->stored++;
	}
	return wait_ms;
}

size_t
rtta_live_pending(const struct rtta_live *live, size_t *bytes)
{
	*bytes = rtta_publisher_pending_bytes(live->publisher);
	return rtta_publisher_pending(live->publisher);
}

bool
rtta_live_is_busy(const struct rtta_live *live)
{
	return rtta_publisher_pending(live->publisher) >= MUCH &&
	    rtta_clock_mono_ms() - live->moved_ms < MOVES_MS;
}

int
rtta_live_trouble(const struct rtta_live *live)
{
	return rtta_publisher_trouble(live->publisher);
}

uint64_t
rtta_live_stored(const struct rtta_live *live)
{
	return live->stored;
}

/* A frame of ours that is still ours.  False: an EOS. */
static bool
read_frame(natsMsg *msg, struct rtta_audio *audio)
{
	struct rtta_err ignored = {0};

	return rtta_audio_decode(audio, msg, 0, &ignored) == 0 && !audio->eos;
}

bool
rtta_live_drop(struct rtta_live *live, int64_t from_us, int64_t to_us,
    struct rtta_pos *first, int64_t *first_us)
{
	struct rtta_queue kept = {0};
	struct rtta_audio audio;
	bool dropped = false;
	natsMsg *msg;

	while ((msg = rtta_publisher_take_back(live->publisher, NULL)) != NULL) {
		if (!read_frame(msg, &audio) || audio.frame.capture_ns / NS_PER_US < from_us ||
		    audio.frame.capture_ns / NS_PER_US >= to_us) {
			rtta_queue_push(&kept, msg);
			continue;
		}
		if (!dropped) {
			*first = (struct rtta_pos){ audio.frame.run_id, audio.frame.sample };
			*first_us = audio.frame.capture_ns / NS_PER_US;
			dropped = true;
		}
		natsMsg_Destroy(msg);
	}
	while ((msg = rtta_queue_pop(&kept)) != NULL)
		rtta_publisher_put(live->publisher, msg, NULL);
	rtta_queue_done(&kept);
	return dropped;
}

void
rtta_live_take_back(struct rtta_live *live,
    void (*keep)(void *context, const struct rtta_audio *audio), void *context)
{
	struct rtta_audio audio;
	natsMsg *msg;

	while ((msg = rtta_publisher_take_back(live->publisher, NULL)) != NULL) {
		if (read_frame(msg, &audio))
			keep(context, &audio);
		natsMsg_Destroy(msg);
	}
}

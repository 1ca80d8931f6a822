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
#include "reason.h"
#include "window.h"

enum {
	IN_FLIGHT = 1024,
	MUCH = 4096,          /* messages with the publisher */
	MOVES_MS = 1000,
	REFUSED_MS = 60000,
	PATIENCE_MS = 3000,   /* then what waits is kept elsewhere, too */
	STALE_BYTES = 4 << 20,  /* there, and stored meanwhile: so much may be */
	NS_PER_US = 1000
};

/* What a message is; an EOS has none. */
struct piece {
	char id[RTTA_SESSION_ID_BYTES];
	struct rtta_session_note note;   /* of what is missing without it */
	int64_t came_ms;
	bool kept;                       /* elsewhere, too */
	struct piece *next;
};

struct rtta_live {
	struct rtta_bus *bus;
	void (*keep)(void *context, const struct rtta_audio *audio);  /* or NULL */
	void *keep_context;
	int64_t oldest_ms;    /* what waits came then, or later */
	bool keeping;         /* also what comes now */
	size_t kept;          /* frames that wait and are kept */
	size_t kept_bytes;    /* payload, also of what is stored meanwhile */
	struct rtta_publisher *publisher;
	struct rtta_log_damper damper;   /* of messages that are no good */
	struct piece *refused;           /* that may still grow, or NULL */
	struct piece *refusals, **refusals_end;
	int64_t refused_ms;              /* the last time, or 0 */
	int64_t moved_ms;     /* the last acknowledgement */
	uint64_t stored;
};

struct rtta_live *
rtta_live_new(struct rtta_bus *bus)
{
	struct rtta_live *live = rtta_xcalloc(1, sizeof(*live));

	live->bus = bus;
	live->publisher = rtta_publisher_new(bus, IN_FLIGHT);
	rtta_publisher_limit(live->publisher, rtta_credit_new(bus));
	live->refusals_end = &live->refusals;
	return live;
}

void
rtta_live_free(struct rtta_live *live)
{
	struct rtta_puback ack;
	struct piece *piece;
	natsMsg *msg;
	void *tag;

	if (live == NULL)
		return;
	while ((msg = rtta_publisher_take_back(live->publisher, &tag)) != NULL) {
		natsMsg_Destroy(msg);
		free(tag);
	}
	while (rtta_publisher_next(live->publisher, &ack))
		free(ack.tag);
	while ((piece = live->refusals) != NULL) {
		live->refusals = piece->next;
		free(piece);
	}
	free(live->refused);
	rtta_publisher_free(live->publisher);
	free(live);
}

static void
publish(struct rtta_live *live, struct rtta_audio *audio, const char *id, struct piece *piece)
{
	audio->lane = RTTA_AUDIO_LIVE;
	strcpy(audio->session, id);
	rtta_publisher_put(live->publisher, rtta_audio_encode(audio), piece);
}

static struct piece *
piece_of(const char *id, const struct rtta_held *held)
{
	struct piece *piece = rtta_xcalloc(1, sizeof(*piece));
	const struct rtta_frame *frame = &held->frame;

	strcpy(piece->id, id);
	piece->came_ms = rtta_clock_mono_ms();
	piece->note = (struct rtta_session_note){
		.from = { frame->run_id, frame->sample },
		.to = { frame->run_id, rtta_frame_end(frame) },
		.from_us = frame->capture_ns / NS_PER_US,
		.to_us = (frame->capture_ns + rtta_held_ns(held)) / NS_PER_US,
	};
	return piece;
}

/* --- what is kept elsewhere, too --- */

static void
count_kept(struct rtta_live *live, struct piece *piece, const struct rtta_audio *audio)
{
	piece->kept = true;
	live->kept++;
	live->kept_bytes += audio->frame.payload_bytes;
}

static void
give(struct rtta_live *live, struct piece *piece, const struct rtta_audio *audio)
{
	live->keep(live->keep_context, audio);
	count_kept(live, piece, audio);
}

/* It waits no longer. */
static void
uncount(struct rtta_live *live, struct piece *piece)
{
	live->kept -= piece->kept;
	piece->kept = false;
}

static void
forget(struct rtta_live *live)
{
	live->keep(live->keep_context, NULL);
	live->kept = live->kept_bytes = 0;
}

void
rtta_live_frame(struct rtta_live *live, const char *id, struct rtta_held *held)
{
	struct rtta_audio audio = { .lost = held->lost, .frame = held->frame };
	struct piece *piece = piece_of(id, held);

	if (rtta_publisher_pending(live->publisher) == 0)
		live->oldest_ms = piece->came_ms;
	publish(live, &audio, id, piece);
	if (held->kept)
		count_kept(live, piece, &audio);
	else if (live->keeping)
		give(live, piece, &audio);
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

	publish(live, &audio, id, NULL);
}

/* No more of it follows. */
static void
end_refusal(struct rtta_live *live)
{
	if (live->refused == NULL)
		return;
	*live->refusals_end = live->refused;
	live->refusals_end = &live->refused->next;
	live->refused = NULL;
}

/* Takes piece. */
static void
refuse(struct rtta_live *live, struct piece *piece)
{
	struct piece *before = live->refused;

	live->refused_ms = rtta_clock_mono_ms();
	if (before != NULL && strcmp(before->id, piece->id) == 0 &&
	    rtta_pos_equal(before->note.to, piece->note.from)) {
		before->note.to = piece->note.to;
		before->note.to_us = piece->note.to_us;
		free(piece);
		return;
	}
	end_refusal(live);
	strcpy(piece->note.reason, rtta_reason_text(RTTA_REASON_REFUSED));
	live->refused = piece;
}

int
rtta_live_refusal(struct rtta_live *live, char id[RTTA_SESSION_ID_BYTES],
    struct rtta_session_note *note)
{
	struct piece *piece = live->refusals;

	if (piece == NULL)
		return 0;
	live->refusals = piece->next;
	if (live->refusals == NULL)
		live->refusals_end = &live->refusals;
	strcpy(id, piece->id);
	*note = piece->note;
	free(piece);
	return 1;
}

bool
rtta_live_is_refused(const struct rtta_live *live)
{
	return live->refused_ms != 0 && rtta_clock_mono_ms() - live->refused_ms < REFUSED_MS;
}

/* A frame of ours that is still ours.  False: an EOS. */
static bool
read_frame(natsMsg *msg, struct rtta_audio *audio)
{
	struct rtta_err ignored = {0};

	return rtta_audio_decode(audio, msg, 0, &ignored) == 0 && !audio->eos;
}

/* Messages on their way out of the publisher and into it again. */
struct taken {
	struct rtta_queue messages;
	struct piece *pieces, **end;     /* of those that are frames */
};

static void
hold(struct taken *taken, natsMsg *msg, struct piece *piece)
{
	rtta_queue_push(&taken->messages, msg);
	if (piece == NULL)
		return;
	*(taken->pieces != NULL ? taken->end : &taken->pieces) = piece;
	taken->end = &piece->next;
}

static void
put_back(struct rtta_live *live, struct taken *taken)
{
	struct rtta_audio audio;
	struct piece *piece;
	natsMsg *msg;

	while ((msg = rtta_queue_pop(&taken->messages)) != NULL) {
		piece = read_frame(msg, &audio) ? taken->pieces : NULL;
		if (piece != NULL) {
			taken->pieces = piece->next;
			piece->next = NULL;
		}
		rtta_publisher_put(live->publisher, msg, piece);
	}
	rtta_queue_done(&taken->messages);
}

/* anew: nothing is kept any more, and all that waits shall be. */
static void
keep_all(struct rtta_live *live, bool anew)
{
	struct taken taken = {0};
	struct rtta_audio audio;
	struct piece *piece;
	natsMsg *msg;
	void *tag;

	while ((msg = rtta_publisher_take_back(live->publisher, &tag)) != NULL) {
		piece = tag;
		if (read_frame(msg, &audio) && (anew || !piece->kept))
			give(live, piece, &audio);
		hold(&taken, msg, piece);
	}
	put_back(live, &taken);
}

void
rtta_live_keep(struct rtta_live *live,
    void (*keep)(void *context, const struct rtta_audio *audio), void *context)
{
	live->keep = keep;
	live->keep_context = context;
}

/* What is kept is given up when all of it is stored, and made anew when most of
 * it is: where the bus takes as much as comes, and no more, something waits for
 * hours.  Who is killed in that moment loses what waits. */
static void
give_up_stored(struct rtta_live *live)
{
	size_t waiting_bytes = rtta_publisher_pending_bytes(live->publisher);

	if (live->kept == 0 && live->kept_bytes > 0) {
		forget(live);
	} else if (live->kept_bytes > 2 * waiting_bytes + STALE_BYTES) {
		forget(live);
		keep_all(live, true);
	}
}

static void
look_at_waiting(struct rtta_live *live)
{
	bool long_ago = rtta_publisher_pending(live->publisher) > 0 &&
	    rtta_clock_mono_ms() - live->oldest_ms >= PATIENCE_MS;

	if (live->keep == NULL)
		return;
	if (!long_ago) {
		live->keeping = false;
	} else if (!live->keeping &&
	    (rtta_publisher_trouble(live->publisher) != 0 || !rtta_bus_connected(live->bus))) {
		keep_all(live, false);
		live->keeping = true;
	}
	give_up_stored(live);
}

/* Its message is settled.  Takes piece. */
static void
settle(struct rtta_live *live, struct piece *piece, int error)
{
	live->oldest_ms = piece->came_ms;
	uncount(live, piece);
	if (error != 0)
		refuse(live, piece);
	else
		free(piece);
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
		if (ack.error == 0 || ack.tag == NULL)
			end_refusal(live);
		if (ack.tag != NULL)
			settle(live, ack.tag, ack.error);
		live->stored += ack.error == 0;
	}
	look_at_waiting(live);
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

bool
rtta_live_drop(struct rtta_live *live, int64_t from_us, int64_t to_us,
    struct rtta_pos *first, int64_t *first_us)
{
	struct taken taken = {0};
	struct rtta_audio audio;
	bool dropped = false;
	natsMsg *msg;
	void *tag;

	while ((msg = rtta_publisher_take_back(live->publisher, &tag)) != NULL) {
		if (!read_frame(msg, &audio) || audio.frame.capture_ns / NS_PER_US < from_us ||
		    audio.frame.capture_ns / NS_PER_US >= to_us) {
			hold(&taken, msg, tag);
			continue;
		}
		if (!dropped) {
			*first = (struct rtta_pos){ audio.frame.run_id, audio.frame.sample };
			*first_us = audio.frame.capture_ns / NS_PER_US;
			dropped = true;
		}
		natsMsg_Destroy(msg);
		free(tag);
	}
	put_back(live, &taken);
	/* It may be among what is kept though it is stored. */
	if (live->keep != NULL && (dropped || live->kept_bytes > 0)) {
		forget(live);
		keep_all(live, true);
	}
	return dropped;
}

void
rtta_live_take_back(struct rtta_live *live,
    void (*keep)(void *context, const struct rtta_audio *audio), void *context)
{
	struct rtta_audio audio;
	natsMsg *msg;
	void *tag;

	while ((msg = rtta_publisher_take_back(live->publisher, &tag)) != NULL) {
		if (read_frame(msg, &audio))
			keep(context, &audio);
		natsMsg_Destroy(msg);
		free(tag);
	}
}

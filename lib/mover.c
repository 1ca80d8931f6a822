#include <stdlib.h>

#include "audio.h"
#include "bus.h"
#include "clock.h"
#include "credit.h"
#include "lane.h"
#include "log.h"
#include "mem.h"
#include "mover.h"
#include "publisher.h"

enum {
	WINDOW = 512,
	PATIENCE_MS = 3000           /* then it is transcribed where it is */
};

struct rtta_mover {
	struct rtta_bus *bus;
	struct rtta_lane *lane;
	struct rtta_publisher *publisher;
	int64_t trouble_ms;          /* since when it takes nothing; 0: it takes */
};

/* What a copy stands for.  An EOS stands for nothing. */
struct copy {
	struct rtta_book *book;
	struct rtta_pos pos;
	struct rtta_span span;
	bool eos, better;
};

struct rtta_mover *
rtta_mover_new(struct rtta_bus *bus, struct rtta_lane *lane)
{
	struct rtta_mover *mover = rtta_xcalloc(1, sizeof(*mover));

	mover->bus = bus;
	mover->lane = lane;
	mover->publisher = rtta_publisher_new(bus, WINDOW);
	rtta_publisher_limit(mover->publisher, rtta_credit_new(bus));
	return mover;
}

void
rtta_mover_forget(struct rtta_mover *mover)
{
	struct rtta_puback ack;
	natsMsg *msg;
	void *tag;

	while ((msg = rtta_publisher_take_back(mover->publisher, &tag)) != NULL) {
		natsMsg_Destroy(msg);
		free(tag);
	}
	while (rtta_publisher_next(mover->publisher, &ack))
		free(ack.tag);
	mover->trouble_ms = 0;
}

void
rtta_mover_free(struct rtta_mover *mover)
{
	if (mover == NULL)
		return;
	rtta_mover_forget(mover);
	rtta_publisher_free(mover->publisher);
	free(mover);
}

static void
put_copies(struct rtta_mover *mover)
{
	struct rtta_move move;

	while (rtta_publisher_pending(mover->publisher) < WINDOW &&
	    rtta_lane_next_move(mover->lane, &move)) {
		struct copy *copy = rtta_xcalloc(1, sizeof(*copy));

		*copy = (struct copy){ move.book, move.pos, rtta_audio_span(&move.audio),
		    move.audio.eos, move.better };
		rtta_publisher_put(mover->publisher, rtta_audio_encode(&move.audio), copy);
	}
}

static void
say(struct rtta_mover *mover, const struct copy *copy, bool stored)
{
	if (copy->eos)
		return;
	if (copy->better)
		rtta_lane_bettered(mover->lane, copy->book, copy->span, stored);
	else if (stored)
		rtta_lane_moved(mover->lane, copy->book, copy->pos);
	else
		rtta_lane_unmoved(mover->lane, copy->book, copy->pos);
}

static void
take_results(struct rtta_mover *mover)
{
	struct rtta_puback ack;

	while (rtta_publisher_next(mover->publisher, &ack)) {
		struct copy *copy = ack.tag;

		say(mover, copy, ack.error == 0);
		free(copy);
	}
}

/* All that is not stored goes back, in order. */
static void
give_back(struct rtta_mover *mover)
{
	struct rtta_move move;
	natsMsg *msg;
	void *tag;

	rtta_log_warn("the backlog cannot move (%d): it is transcribed where it is",
	    rtta_publisher_trouble(mover->publisher));
	while ((msg = rtta_publisher_take_back(mover->publisher, &tag)) != NULL) {
		struct copy *copy = tag;

		say(mover, copy, false);
		natsMsg_Destroy(msg);
		free(copy);
	}
	while (rtta_lane_next_move(mover->lane, &move)) {
		struct copy copy = { move.book, move.pos, rtta_audio_span(&move.audio),
		    move.audio.eos, move.better };

		say(mover, &copy, false);
	}
	mover->trouble_ms = 0;
}

static void
watch_trouble(struct rtta_mover *mover)
{
	int64_t now_ms = rtta_clock_mono_ms();

	if (rtta_publisher_trouble(mover->publisher) == 0 || !rtta_bus_connected(mover->bus)) {
		mover->trouble_ms = 0;
		return;
	}
	if (mover->trouble_ms == 0)
		mover->trouble_ms = now_ms;
	if (now_ms - mover->trouble_ms >= PATIENCE_MS)
		give_back(mover);
}

int
rtta_mover_tick(struct rtta_mover *mover)
{
	int wait_ms;

	put_copies(mover);
	wait_ms = rtta_publisher_pump(mover->publisher);
	take_results(mover);
	watch_trouble(mover);
	return mover->trouble_ms != 0 && (wait_ms < 0 || wait_ms > 500) ? 500 : wait_ms;
}

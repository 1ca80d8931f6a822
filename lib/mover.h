/*
 * mover - carries what a lane moves to audio.backfill.<S>: publish, PubAck,
 * then the original is acknowledged.
 *
 * When the stream takes nothing for a while (full), the frames go back to
 * the lane and are transcribed where they are.  Belongs to main's thread;
 * nothing waits.
 */
#ifndef RTTA_MOVER_H
#define RTTA_MOVER_H

#include <stddef.h>

struct rtta_bus;
struct rtta_lane;
struct rtta_mover;

/* lane is kept. */
struct rtta_mover *rtta_mover_new(struct rtta_bus *bus, struct rtta_lane *lane);
void rtta_mover_free(struct rtta_mover *mover);

/* Call in every turn of the loop.  Returns ms until it wants to be called. */
int rtta_mover_tick(struct rtta_mover *mover);

/* The lane forgets all: so do we. */
void rtta_mover_forget(struct rtta_mover *mover);

#endif

/*
 * copy - one session's pre-roll on its way from PRE_BUFFER to the backfill
 * lane.
 *
 * Reads PRE_BUFFER from its start, publishes what the cut names with the job
 * "preroll", then EOS, and when all of it is acknowledged creates
 * flush.<session>.  Done again it changes nothing: the ids are the same.
 * What PRE_BUFFER does not hold is waited for, a minute, and then noted.
 * Belongs to main's thread; nothing waits.
 */
#ifndef RTTA_COPY_H
#define RTTA_COPY_H

#include <stdbool.h>
#include <stdint.h>

struct rtta_bus;
struct rtta_copy;
struct rtta_state;

/* The session has a readable cut. */
struct rtta_copy *rtta_copy_new(struct rtta_bus *bus, struct rtta_state *state, const char *id);
void rtta_copy_free(struct rtta_copy *copy);

/* Call in every turn of the loop.  Returns ms until it wants to be called. */
int rtta_copy_tick(struct rtta_copy *copy);

/* A write of the state's has an outcome. */
void rtta_copy_stored(struct rtta_copy *copy, uint64_t write);

/* AUDIO_STREAM takes nothing. */
bool rtta_copy_is_stuck(const struct rtta_copy *copy);

bool rtta_copy_is_over(const struct rtta_copy *copy);
const char *rtta_copy_session(const struct rtta_copy *copy);
int64_t rtta_copy_samples(const struct rtta_copy *copy);

#endif

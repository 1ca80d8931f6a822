/*
 * tail - where the stored sound of a session ends.
 *
 * For a route that goes on with a session: behind the last frame that is
 * still in AUDIO_STREAM, or behind the last record, whichever is later.
 * Belongs to main's thread; nothing waits, and it gives up after 5 s.
 */
#ifndef RTTA_TAIL_H
#define RTTA_TAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "position.h"

struct rtta_bus;
struct rtta_tail;

/* runs: of the session, in order; copied. */
struct rtta_tail *rtta_tail_new(struct rtta_bus *bus, const char *id, const uint64_t *runs,
    size_t n_runs);
void rtta_tail_free(struct rtta_tail *tail);

/* Returns ms until it wants to be called. */
int rtta_tail_tick(struct rtta_tail *tail);
bool rtta_tail_is_over(const struct rtta_tail *tail);

/* True with the position and its wall clock; false: there is no sound. */
bool rtta_tail_get(const struct rtta_tail *tail, struct rtta_pos *pos, int64_t *us);

#endif

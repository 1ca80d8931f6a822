/*
 * timeline - from what an engine has counted to where it was in the sound.
 *
 * Engines count samples sent on this connection.  This map is piecewise:
 * each frame that was sent adds a piece; times in seconds become positions
 * and wall-clock times, across pauses, holes and reconnects (a new
 * connection is a new timeline).  Pure: no bus, no clock.
 */
#ifndef RTTA_TIMELINE_H
#define RTTA_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "position.h"

struct rtta_timeline;

/* rate_hz: of the frames (what positions count), not of the engine. */
struct rtta_timeline *rtta_timeline_new(uint32_t rate_hz);
void rtta_timeline_free(struct rtta_timeline *timeline);

/*
 * span was sent next as so many samples; its first one was captured at
 * capture_ns.  Where positions are not samples (foreign sound) the two
 * differ: then `samples` of the engine's time stand for span.
 */
void rtta_timeline_sent(struct rtta_timeline *timeline, struct rtta_span span,
    uint64_t samples, int64_t capture_ns);

/*
 * Where engine time seconds lies; clamped to what was sent.  As an end (the
 * first sample not in) a time at a border belongs to the piece before.
 * False when nothing was sent.
 */
bool rtta_timeline_find(const struct rtta_timeline *timeline, double seconds, bool as_end,
    struct rtta_pos *pos, int64_t *real_ns);

/* Forget the pieces before engine time seconds. */
void rtta_timeline_forget(struct rtta_timeline *timeline, double seconds);

#endif

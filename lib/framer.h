/*
 * framer - samples of one source become the numbered, timed frames of runs.
 *
 * The caller puts samples into the room that the framer gives, and says what
 * was lost; the framer keeps run, sample number, flags and time.  When the
 * writer is still busy with an earlier frame, a new one is dropped, counted
 * and flagged: who must not lose sound looks at rtta_frame_pending() before
 * adding more.  Reads no clock, knows no source.
 */
#ifndef RTTA_FRAMER_H
#define RTTA_FRAMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "discipline.h"

struct rtta_frame;
struct rtta_frame_writer;
struct rtta_framer;

/* out is borrowed; NULL: frames are made and not written. */
struct rtta_framer *rtta_framer_new(struct rtta_frame_writer *out);
void rtta_framer_free(struct rtta_framer *framer);

/*
 * A run begins at sample 0; the one before has been ended.  A frame holds
 * frame_ms of sound, or less when RTTA_FRAME_MAX_BYTES are reached.
 * contiguous: nothing was lost since the last run.
 */
void rtta_framer_begin(struct rtta_framer *framer, uint64_t run_id,
    uint32_t rate_hz, int channels, int frame_ms, bool contiguous);

/* The next sample was heard at this time: once, before the first is added. */
void rtta_framer_start_clock(struct rtta_framer *framer, int64_t mono_ms,
    int64_t real_ns);

/* Where the next samples of the current frame go, and how many. */
int16_t *rtta_framer_room(struct rtta_framer *framer, size_t *samples);

/*
 * That many samples have been put into the room.  The frame, when it is
 * full and on its way (or dropped), else NULL; valid until the next call.
 */
const struct rtta_frame *rtta_framer_add(struct rtta_framer *framer,
    size_t samples);

/* There is a break in the sound: what is in the current frame goes now. */
void rtta_framer_cut(struct rtta_framer *framer);

/* So many samples are missing before the next one.  After a cut. */
void rtta_framer_lose(struct rtta_framer *framer, uint64_t samples);

/* The last, shorter frame, and the empty one with RTTA_FRAME_END; gone: the
 * device went away. */
void rtta_framer_end(struct rtta_framer *framer, bool gone);

/*
 * backlog samples of the source have not been added yet; the newest of them
 * (or of those added) was heard at this moment.
 */
enum rtta_discipline_verdict rtta_framer_observe(struct rtta_framer *framer,
    size_t backlog, int64_t mono_ms, int64_t real_ns);

/* How far the wall clock was set when that said RTTA_DISCIPLINE_SET. */
int64_t rtta_framer_set_ns(const struct rtta_framer *framer);

/* The next sample was heard at mono_ms: how many are missing before it? */
uint64_t rtta_framer_missing(const struct rtta_framer *framer, int64_t mono_ms);

uint64_t rtta_framer_sample(const struct rtta_framer *framer);  /* the next one's number */
int64_t rtta_framer_ns(const struct rtta_framer *framer);       /* and its time */
uint64_t rtta_framer_dropped(const struct rtta_framer *framer); /* samples, ever */
bool rtta_framer_dropping(const struct rtta_framer *framer);    /* was the last frame? */

#endif

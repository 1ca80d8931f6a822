/*
 * recorder - samples that are heard now go into frames, run after run.
 *
 * Between a source (a device, a player) and a frame writer: begins and ends
 * runs, keeps their time near the wall clock, counts what an overrun lost,
 * measures the level, and stops after --duration.  Reads the clocks.
 */
#ifndef RTTA_RECORDER_H
#define RTTA_RECORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "meter.h"

struct rtta_err;
struct rtta_frame_writer;
struct rtta_framer;

struct rtta_recorder {
	/* set before rtta_recorder_init() */
	struct rtta_frame_writer *out;  /* borrowed; NULL: the level only */
	int frame_ms;
	bool has_run_id;                /* else it is random */
	uint64_t run_id;
	int64_t duration_ms;            /* 0: for ever */

	struct rtta_framer *framer;
	struct rtta_meter meter;
	uint32_t rate_hz;               /* of this run */
	int channels;
	bool in_run;
	bool has_clock;                 /* the time of its first sample is known */
	bool live;                      /* its source has a clock of its own */
	bool overrun;                   /* what was lost is not yet counted */
	bool reader_gone;
	bool was_dropping;
	uint64_t told_dropped;
	uint64_t heard;                 /* samples of this run */
	int64_t heard_ms;               /* of the runs before */
};

void rtta_recorder_init(struct rtta_recorder *rec);
void rtta_recorder_done(struct rtta_recorder *rec);

/*
 * A run begins.  contiguous: nothing was lost since the one before.  live:
 * times come from when samples arrive, else from rtta_recorder_set_time().
 */
void rtta_recorder_begin(struct rtta_recorder *rec, uint32_t rate_hz,
    int channels, bool contiguous, bool live);

/* The first sample of the run is of this moment. */
void rtta_recorder_set_time(struct rtta_recorder *rec, int64_t mono_ms,
    int64_t real_ns);

/* The last frame and the end of the run; nothing if there is no run. */
void rtta_recorder_end(struct rtta_recorder *rec);

/* The same, because its source has gone away. */
void rtta_recorder_gone(struct rtta_recorder *rec);

/* Where samples go, and how many: 0 when the duration is over. */
int16_t *rtta_recorder_room(struct rtta_recorder *rec, size_t *samples);

/*
 * So many have been put there, and backlog more wait in the source: the
 * newest of them was heard now.  0, or -1 with EX_IOERR.
 */
int rtta_recorder_add(struct rtta_recorder *rec, size_t samples,
    size_t backlog, struct rtta_err *err);

/* The source was started anew: samples are missing before the next. */
void rtta_recorder_overrun(struct rtta_recorder *rec);

/* Once a second: say in the log when sound begins and ceases to be dropped
 * because frames are not taken. */
void rtta_recorder_tell(struct rtta_recorder *rec);

#endif

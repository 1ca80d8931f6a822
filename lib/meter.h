/*
 * meter - how loud it was, for people and as events.
 *
 * Takes frames; once per interval says what the level was since the last
 * time, and what state the microphone is in.  Pure.
 */
#ifndef RTTA_METER_H
#define RTTA_METER_H

#include <jv.h>
#include <stdint.h>

#include "level.h"

struct rtta_frame;

enum { RTTA_METER_TEXT_BYTES = 96 };

struct rtta_meter {
	struct rtta_mic mic;
	double power;       /* sum over samples */
	uint64_t samples;   /* since the last reading */
};

void rtta_meter_init(struct rtta_meter *meter, int64_t now_ms);
void rtta_meter_frame(struct rtta_meter *meter, const struct rtta_frame *frame,
    int64_t now_ms);

/* What came since the last reading.  db and peak_db are RTTA_LEVEL_ZERO_DB
 * and samples is 0 when nothing came. */
struct rtta_meter_reading {
	double db, peak_db;
	uint64_t samples;
	enum rtta_mic_state mic;
};
struct rtta_meter_reading rtta_meter_read(struct rtta_meter *meter, int64_t now_ms);

/* {"event":"level","db","peak_db","mic","at_us"}; the levels are absent when
 * nothing came. */
jv rtta_meter_event(const struct rtta_meter_reading *reading, int64_t real_ns);

/* A line with a bar, for a terminal; returns text. */
char *rtta_meter_bar(char text[RTTA_METER_TEXT_BYTES],
    const struct rtta_meter_reading *reading);

#endif

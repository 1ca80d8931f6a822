/*
 * source - what is known of where the frames come from: how loud it is,
 * whether the microphone lives, and what capture says of its device (JSON
 * Lines on a descriptor).  Belongs to main's thread; nothing waits.
 */
#ifndef RTTA_SOURCE_H
#define RTTA_SOURCE_H

#include <jv.h>
#include <stddef.h>
#include <stdint.h>

#include "level.h"

struct rtta_frame;

enum { RTTA_SOURCE_LINE_BYTES = 16384, RTTA_SOURCE_LEVEL_MS = 250 };

struct rtta_source {
	int status_fd;         /* -1: none, or it has ended */
	char line[RTTA_SOURCE_LINE_BYTES];
	size_t line_used;
	jv device;             /* the last event of capture about it */
	struct rtta_mic mic;
	double level_db;       /* of the last frame */
	double peak_db;        /* of the loudest since rtta_source_level() */
	int64_t level_ms;      /* when it is due again */
	uint64_t bytes_a_s;    /* of its sound */
};

/* status_fd is set before; it is read without blocking. */
void rtta_source_init(struct rtta_source *source);
void rtta_source_done(struct rtta_source *source);

/* A frame has come. */
void rtta_source_frame(struct rtta_source *source, const struct rtta_frame *frame,
    double level_db);

/* status_fd is readable. */
void rtta_source_read(struct rtta_source *source);

enum rtta_mic_state rtta_source_mic(const struct rtta_source *source);

/* Sound has come, and its level is due: as JSON, {level_db, mic}, the loudest
 * frame since the last time.  Invalid: not due. */
jv rtta_source_level(struct rtta_source *source);

/* Adds level_db, mic and device to counters (taken). */
jv rtta_source_describe(const struct rtta_source *source, jv counters);

#endif

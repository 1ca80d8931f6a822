/*
 * hold - sound that was delivered and is kept until a record covers it.
 *
 * One hold is one session's in one lane and revision: frames in order of
 * (run, first), each with the reply subject that acknowledges it.  Messages
 * are copied, so that nothing of the bus is kept alive.  Pure: no bus, no
 * clock.
 */
#ifndef RTTA_HOLD_H
#define RTTA_HOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "position.h"

struct rtta_audio;
struct rtta_cover;
struct rtta_hold;

struct rtta_delivery {
	struct rtta_span span;
	uint64_t stream_seq;
	int64_t capture_ns;
	uint64_t lost;           /* samples missing just before */
	uint8_t flags;           /* of the frame */
	uint32_t rate_hz;
	uint32_t samples;        /* span.last - span.first unless foreign */
	uint32_t pcm_bytes;
	uint8_t channels;
	bool foreign;
	bool moving;             /* a copy is on its way to the other lane */
	char *reply;             /* acknowledges it; "" in a filter */
	uint8_t *pcm;
};

struct rtta_hold *rtta_hold_new(void);
void rtta_hold_free(struct rtta_hold *hold);

enum rtta_hold_outcome {
	RTTA_HOLD_NEW,
	RTTA_HOLD_REPLACED,      /* the same message again: reply is the new one */
	RTTA_HOLD_COPY           /* another message, of sound that is held */
};

/* Copies what it needs.  reply may be NULL. */
enum rtta_hold_outcome rtta_hold_put(struct rtta_hold *hold, const struct rtta_audio *audio,
    const char *reply);

/* The first held frame of pos.run that ends behind pos.sample, or NULL.
 * Frames may overlap: somebody may divide the same sound otherwise. */
struct rtta_delivery *rtta_hold_find(const struct rtta_hold *hold, struct rtta_pos pos);

/* The held frame that begins at pos (the longest), or NULL. */
struct rtta_delivery *rtta_hold_get(const struct rtta_hold *hold, struct rtta_pos pos);

/* The i-th in order, or NULL behind the last. */
struct rtta_delivery *rtta_hold_at(const struct rtta_hold *hold, size_t i);

/* Take out the frames that overlap span and that cover contains: each call
 * gives one, the caller frees it with rtta_delivery_free(); NULL: no more. */
struct rtta_delivery *rtta_hold_take_covered(struct rtta_hold *hold, struct rtta_span span,
    const struct rtta_cover *cover);

/* Take out one that was found. */
void rtta_hold_remove(struct rtta_hold *hold, struct rtta_delivery *held);
void rtta_delivery_free(struct rtta_delivery *held);

size_t rtta_hold_count(const struct rtta_hold *hold);
size_t rtta_hold_bytes(const struct rtta_hold *hold);

/* Samples of sound in the frames of span. */
uint64_t rtta_hold_samples(const struct rtta_hold *hold, struct rtta_span span);

#endif

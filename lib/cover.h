/*
 * cover - sets of sample intervals: what has a record, and what has not.
 *
 * One set holds intervals of many runs.  Intervals that touch are one.
 * Pure: no bus, no clock.  One set per channel where channels are split.
 */
#ifndef RTTA_COVER_H
#define RTTA_COVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "position.h"

struct rtta_cover;

struct rtta_cover *rtta_cover_new(void);
void rtta_cover_free(struct rtta_cover *cover);

/* Add an interval; an empty one changes nothing.  Returns the samples that
 * were not in before. */
uint64_t rtta_cover_add(struct rtta_cover *cover, struct rtta_span span);

/* Take an interval out.  Returns the samples that were in. */
uint64_t rtta_cover_remove(struct rtta_cover *cover, struct rtta_span span);

/* All of span is in (an empty span is). */
bool rtta_cover_contains(const struct rtta_cover *cover, struct rtta_span span);

/*
 * The first part of span that is not in: 1 with *part, or 0 when all is.
 * Iterate by moving span.first to part->last.
 */
int rtta_cover_missing(const struct rtta_cover *cover, struct rtta_span span,
    struct rtta_span *part);

/* The first part of span that is in: 1 with *part, or 0. */
int rtta_cover_present(const struct rtta_cover *cover, struct rtta_span span,
    struct rtta_span *part);

/* The i-th interval in order of (run, first); 1, or 0 behind the last. */
int rtta_cover_at(const struct rtta_cover *cover, size_t i, struct rtta_span *span);

uint64_t rtta_cover_samples(const struct rtta_cover *cover);

#endif

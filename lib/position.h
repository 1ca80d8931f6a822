/*
 * position - a place in the sound: a run and a sample within it.
 *
 * A run is one uninterrupted life of a capture; samples count from 0 within
 * it, one per instant whatever the channels.  All intervals are half-open:
 * last is the first sample that is not in.  On the wire a run is 16 lowercase
 * hex digits (a JSON number is a double), a sample is decimal.
 */
#ifndef RTTA_POSITION_H
#define RTTA_POSITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RTTA_RUN_TEXT_BYTES = 17 };

/* No number of a sample is above: JSON has them as doubles. */
#define RTTA_SAMPLE_MAX (UINT64_C(1) << 53)

struct rtta_pos {
	uint64_t run;
	uint64_t sample;
};

/* [first, last) of one run. */
struct rtta_span {
	uint64_t run;
	uint64_t first;
	uint64_t last;
};

bool rtta_pos_equal(struct rtta_pos a, struct rtta_pos b);

/* Does a come before b?  runs: in their order; one that is not among them is
 * behind all others. */
bool rtta_pos_before(struct rtta_pos a, struct rtta_pos b, const uint64_t *runs,
    size_t n_runs);

/* Write a run as text; returns text. */
char *rtta_run_format(char text[RTTA_RUN_TEXT_BYTES], uint64_t run);

/* Read exactly 16 lowercase hex digits.  0, or -1 for anything else. */
int rtta_run_parse(const char *text, uint64_t *run);

/* Read a decimal number up to RTTA_SAMPLE_MAX, digits only.  0 or -1. */
int rtta_sample_parse(const char *text, uint64_t *sample);

/* Samples to nanoseconds and back, exact for days at 8000 to 48000 Hz.  Never
 * above 10^18 ns, so that a number from outside added to a clock fits. */
int64_t rtta_samples_ns(uint64_t samples, uint32_t rate_hz);
uint64_t rtta_ns_samples(int64_t ns, uint32_t rate_hz);  /* ns >= 0 */

#endif

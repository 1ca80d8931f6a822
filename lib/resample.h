/*
 * resample - s16le of any rate and channels to mono s16le of one rate.
 *
 * Channels are averaged; libsoxr changes the rate, and is left alone where
 * the rates are equal.  A stream of its own for each connection: rtta's
 * engine times count from its first sample.
 */
#ifndef RTTA_RESAMPLE_H
#define RTTA_RESAMPLE_H

#include <stddef.h>
#include <stdint.h>

struct rtta_err;
struct rtta_resample;

/* NULL with EX_SOFTWARE when the library refuses. */
struct rtta_resample *rtta_resample_new(uint32_t from_hz, uint8_t channels, uint32_t to_hz,
    struct rtta_err *err);
void rtta_resample_free(struct rtta_resample *resample);

/* `samples` of interleaved sound, or NULL for the rest at the end.  *out is
 * borrowed until the next call.  Returns the samples in it. */
size_t rtta_resample_put(struct rtta_resample *resample, const uint8_t *pcm, size_t samples,
    const int16_t **out);

#endif

/*
 * resample - s16le of any rate and channels to s16le of one rate, mono or not.
 *
 * Channels are averaged or kept apart; libsoxr changes the rate, and is left
 * alone where the rates are equal.  A stream of its own for each connection or
 * file: times count from its first sample.  What goes in again comes out again,
 * to the bit.
 */
#ifndef RTTA_RESAMPLE_H
#define RTTA_RESAMPLE_H

#include <stddef.h>
#include <stdint.h>

struct rtta_err;
struct rtta_resample;

/*
 * To 1 channel: the mix.  To others no channel is lost: channel c goes to
 * channel c modulo to_channels.  NULL with EX_SOFTWARE when the library refuses.
 */
struct rtta_resample *rtta_resample_new(uint32_t from_hz, uint8_t channels, uint32_t to_hz,
    uint8_t to_channels, struct rtta_err *err);
void rtta_resample_free(struct rtta_resample *resample);

/* From the next sample on these of the channels that come out (bit c: channel
 * c) are silent. */
void rtta_resample_mute(struct rtta_resample *resample, unsigned channels);

/* `samples` of interleaved sound, or NULL for the rest at the end.  *out is
 * borrowed until the next call.  Returns the samples in it. */
size_t rtta_resample_put(struct rtta_resample *resample, const uint8_t *pcm, size_t samples,
    const int16_t **out);

/* Samples, of those that come out, that it has been given and still holds. */
size_t rtta_resample_held(const struct rtta_resample *resample);

#endif

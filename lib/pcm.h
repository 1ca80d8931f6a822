/*
 * pcm - one value of sound, as WAV files have it, in 16 bits.
 *
 * Integers of 8 to 32 bits, floats of 32 and 64, G.711.  What is beyond full
 * scale is clipped; what is not a number is silence.  Knows no files.
 */
#ifndef RTTA_PCM_H
#define RTTA_PCM_H

#include <stddef.h>
#include <stdint.h>

enum rtta_pcm {
	RTTA_PCM_U8,
	RTTA_PCM_S16,
	RTTA_PCM_S24,
	RTTA_PCM_S32,
	RTTA_PCM_F32,
	RTTA_PCM_F64,
	RTTA_PCM_ALAW,
	RTTA_PCM_MULAW
};

size_t rtta_pcm_bytes(enum rtta_pcm pcm);

/* The value of that many bytes, little-endian. */
int16_t rtta_pcm_value(enum rtta_pcm pcm, const uint8_t *bytes);

#endif

/*
 * level - loudness of s16le PCM, and whether the microphone is alive.
 *
 * dBFS here is 20*log10(rms/32768): a full-scale square wave is 0, digital
 * zero is RTTA_LEVEL_ZERO_DB.  Pure.
 */
#ifndef RTTA_LEVEL_H
#define RTTA_LEVEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RTTA_LEVEL_ZERO_DB (-120.0)
#define RTTA_LEVEL_SILENT_DB (-55.0)  /* a working microphone in a quiet room is above */
#define RTTA_LEVEL_QUIET_DB (-45.0)   /* nobody speaks */

/* RMS of all values (channels together). */
double rtta_level_db(const int16_t *values, size_t count);

/* Of one channel of interleaved sound. */
double rtta_level_channel_db(const int16_t *values, size_t samples, size_t channels,
    size_t channel);

enum rtta_mic_state {
	RTTA_MIC_OK,
	RTTA_MIC_NO_FRAMES,   /* nothing comes */
	RTTA_MIC_ZERO,        /* digital zero */
	RTTA_MIC_SILENT       /* below RTTA_LEVEL_SILENT_DB */
};
const char *rtta_mic_state_name(enum rtta_mic_state state);  /* "ok", "no frames", "zero", "silent" */

/* Follows frames; a state is only taken on after hold_ms (sound makes it OK
 * at once). */
struct rtta_mic {
	int64_t frames_ms, sound_ms, nonzero_ms;  /* monotonic, of the last such frame */
	double peak_db;                           /* loudest frame since asked */
};
void rtta_mic_init(struct rtta_mic *mic, int64_t now_ms);
void rtta_mic_frame(struct rtta_mic *mic, double level_db, int64_t now_ms);
enum rtta_mic_state rtta_mic_state(const struct rtta_mic *mic, int64_t now_ms, int64_t hold_ms);

#endif

#include <math.h>

#include "level.h"

enum { PAUSE_MS = 1000 };  /* longer without a frame: the clocks stood still */

double
rtta_level_db(const int16_t *values, size_t count)
{
	return rtta_level_channel_db(values, count, 1, 0);
}

double
rtta_level_channel_db(const int16_t *values, size_t samples, size_t channels, size_t channel)
{
	int64_t sum = 0;
	double db;

	for (size_t i = channel; i < samples * channels; i += channels)
		sum += (int32_t)values[i] * values[i];
	if (sum == 0)
		return RTTA_LEVEL_ZERO_DB;
	db = 10 * log10((double)sum / (double)samples / (32768.0 * 32768.0));
	/* One bit in a long frame is little, but it is not digital zero. */
	return fmax(db, RTTA_LEVEL_ZERO_DB + 1);
}

const char *
rtta_mic_state_name(enum rtta_mic_state state)
{
	static const char *const names[] = {
		[RTTA_MIC_OK] = "ok",
		[RTTA_MIC_NO_FRAMES] = "no frames",
		[RTTA_MIC_ZERO] = "zero",
		[RTTA_MIC_SILENT] = "silent",
	};

	return names[state];
}

void
rtta_mic_init(struct rtta_mic *mic, int64_t now_ms)
{
	*mic = (struct rtta_mic){
		.frames_ms = now_ms,
		.sound_ms = now_ms,
		.nonzero_ms = now_ms,
		.peak_db = RTTA_LEVEL_ZERO_DB,
	};
}

void
rtta_mic_frame(struct rtta_mic *mic, double level_db, int64_t now_ms)
{
	int64_t pause_ms = now_ms - mic->frames_ms;

	/* What did not come was neither silent nor zero. */
	if (pause_ms > PAUSE_MS) {
		mic->sound_ms += pause_ms;
		mic->nonzero_ms += pause_ms;
	}
	mic->frames_ms = now_ms;
	if (level_db > RTTA_LEVEL_ZERO_DB)
		mic->nonzero_ms = now_ms;
	if (level_db >= RTTA_LEVEL_SILENT_DB)
		mic->sound_ms = now_ms;
	if (level_db > mic->peak_db)
		mic->peak_db = level_db;
}

enum rtta_mic_state
rtta_mic_state(const struct rtta_mic *mic, int64_t now_ms, int64_t hold_ms)
{
	if (now_ms - mic->frames_ms >= hold_ms)
		return RTTA_MIC_NO_FRAMES;
	if (mic->frames_ms - mic->nonzero_ms >= hold_ms)
		return RTTA_MIC_ZERO;
	if (mic->frames_ms - mic->sound_ms >= hold_ms)
		return RTTA_MIC_SILENT;
	return RTTA_MIC_OK;
}

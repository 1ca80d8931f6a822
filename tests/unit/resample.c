/* resample: as much sound as there was, at the place where it was. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "check.h"
#include "err.h"
#include "resample.h"

enum { FRAMES = 100 };

/* A burst from 0.5 to 0.6 s in two seconds of silence, in frames of 20 ms.
 * The other channels are silent.  Where it begins, and how many samples came. */
static double
burst(uint32_t from_hz, uint8_t channels, uint32_t to_hz, uint8_t to_channels, size_t *total)
{
	struct rtta_err err = {0};
	struct rtta_resample *resample = rtta_resample_new(from_hz, channels, to_hz, to_channels,
	    &err);
	size_t samples = from_hz / 50, at = 0;
	uint8_t *pcm = calloc(samples * channels, 2);
	double begin = -1;

	for (size_t frame = 0; frame <= FRAMES; frame++) {
		const int16_t *out;
		size_t count;

		for (size_t i = 0; i < samples; i++, at++) {
			double t = (double)at / from_hz;
			int value = t >= 0.5 && t < 0.6 ?
			    (int)(20000 * sin(2 * 3.14159265 * 1000 * t)) : 0;

			pcm[2 * i * channels] = (uint8_t)value;
			pcm[2 * i * channels + 1] = (uint8_t)(value >> 8);
		}
		count = rtta_resample_put(resample, frame < FRAMES ? pcm : NULL,
		    frame < FRAMES ? samples : 0, &out);
		for (size_t i = 0; i < count; i++)
			if (begin < 0 && abs(out[i * to_channels]) > 3000)
				begin = (double)(*total + i) / to_hz;
		for (size_t i = 0; to_channels > 1 && i < count; i++)
			CHECK_INT(out[i * to_channels + 1], 0);
		*total += count;
	}
	free(pcm);
	rtta_resample_free(resample);
	return begin;
}

/* Three channels of steady 1000, 2000, 4000 as to_channels; the second one that
 * comes out is mute when `mute`: the values in the middle. */
static void
check_apart(uint32_t to_hz, uint8_t to_channels, bool mute, const int want[])
{
	struct rtta_err err = {0};
	struct rtta_resample *resample = rtta_resample_new(16000, 3, to_hz, to_channels, &err);
	uint8_t *pcm = calloc(16000, 6);
	const int16_t *out;
	size_t count;

	for (size_t i = 0; i < 16000; i++)
		for (size_t c = 0; c < 3; c++) {
			int value = 1000 << c;

			pcm[6 * i + 2 * c] = (uint8_t)value;
			pcm[6 * i + 2 * c + 1] = (uint8_t)(value >> 8);
		}
	rtta_resample_mute(resample, mute ? 2 : 0);
	count = rtta_resample_put(resample, pcm, 16000, &out);
	CHECK(count > to_hz / 2);
	for (uint32_t c = 0; c < to_channels; c++)
		CHECK_NEAR((double)out[to_hz / 2 * to_channels + c], (double)want[c], 2);
	free(pcm);
	rtta_resample_free(resample);
}

int
main(void)
{
	static const struct { uint32_t from_hz; uint8_t channels; uint32_t to_hz;
		uint8_t to_channels; } rows[] = {
		{ 16000, 1, 16000, 1 }, { 16000, 2, 16000, 1 }, { 48000, 2, 16000, 1 },
		{ 44100, 1, 16000, 1 }, { 8000, 1, 16000, 1 }, { 16000, 1, 8000, 1 },
		{ 96000, 2, 48000, 2 }, { 88200, 3, 48000, 3 }, { 16000, 2, 16000, 2 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t total = 0;

		CHECK_NEAR(burst(rows[i].from_hz, rows[i].channels, rows[i].to_hz,
		    rows[i].to_channels, &total), 0.5, 0.002);
		CHECK_NEAR((double)total, 2.0 * rows[i].to_hz, 2);
	}
	for (uint32_t to_hz = 8000; to_hz <= 16000; to_hz += 8000) {
		check_apart(to_hz, 1, false, (const int[]){ 2333 });
		check_apart(to_hz, 2, false, (const int[]){ 2500, 2000 });
		check_apart(to_hz, 2, true, (const int[]){ 2500, 0 });
		check_apart(to_hz, 3, true, (const int[]){ 1000, 0, 4000 });
		check_apart(to_hz, 4, false, (const int[]){ 1000, 2000, 4000, 0 });
	}
	return check_result();
}

#include <soxr.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "mem.h"
#include "resample.h"

/* The library gives in lumps: room beyond what the ratio says. */
enum { SLACK = 4096 };

struct rtta_resample {
	soxr_t soxr;             /* NULL: the rates are equal */
	double ratio;
	uint8_t channels, to_channels;
	unsigned mute;           /* bit c: channel c of those that come out */
	int16_t *in, *out;       /* of to_channels */
	size_t in_room, out_room;
};

struct rtta_resample *
rtta_resample_new(uint32_t from_hz, uint8_t channels, uint32_t to_hz,
    uint8_t to_channels, struct rtta_err *err)
{
	struct rtta_resample *resample = rtta_xcalloc(1, sizeof(*resample));
	soxr_io_spec_t io = soxr_io_spec(SOXR_INT16_I, SOXR_INT16_I);
	soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, 0);
	soxr_error_t error = NULL;

	/* Its dither is another one every time; a recording that is replayed
	 * must be the same sound. */
	io.flags = SOXR_NO_DITHER;
	resample->channels = channels;
	resample->to_channels = to_channels;
	resample->ratio = (double)to_hz / from_hz;
	if (from_hz == to_hz)
		return resample;
	resample->soxr = soxr_create(from_hz, to_hz, to_channels, &error, &io, &quality, NULL);
	if (error == NULL)
		return resample;
	rtta_err_set(err, EX_SOFTWARE, "resample %u Hz to %u Hz: %s", from_hz, to_hz, error);
	rtta_resample_free(resample);
	return NULL;
}

void
rtta_resample_free(struct rtta_resample *resample)
{
	if (resample == NULL)
		return;
	if (resample->soxr != NULL)
		soxr_delete(resample->soxr);
	free(resample->in);
	free(resample->out);
	free(resample);
}

void
rtta_resample_mute(struct rtta_resample *resample, unsigned channels)
{
	resample->mute = channels;
}

static void
need(const struct rtta_resample *resample, int16_t **buffer, size_t *room, size_t samples)
{
	if (samples <= *room)
		return;
	*room = samples;
	*buffer = rtta_xreallocarray(*buffer, samples * resample->to_channels,
	    sizeof(**buffer));
}

/* Of the channels that go to `to`. */
static int16_t
mean(const struct rtta_resample *resample, const uint8_t *pcm, int to)
{
	int sum = 0, count = 0;

	for (int c = to; c < resample->channels; c += resample->to_channels, count++)
		sum += (int16_t)(pcm[2 * c] | pcm[2 * c + 1] << 8);
	return (int16_t)(count > 0 ? sum / count : 0);
}

static void
mix(struct rtta_resample *resample, const uint8_t *pcm, size_t samples)
{
	int16_t *to = resample->in;

	for (size_t i = 0; i < samples; i++, pcm += 2 * resample->channels)
		for (int c = 0; c < resample->to_channels; c++)
			*to++ = resample->mute >> c & 1 ? 0 : mean(resample, pcm, c);
}

/* Samples are little-endian, as is every machine that this is built for. */
static void
take(struct rtta_resample *resample, const uint8_t *pcm, size_t samples)
{
	need(resample, &resample->in, &resample->in_room, samples);
	if (resample->channels != resample->to_channels || resample->mute != 0)
		mix(resample, pcm, samples);
	else
		memcpy(resample->in, pcm, samples * resample->channels * sizeof(*resample->in));
}

size_t
rtta_resample_put(struct rtta_resample *resample, const uint8_t *pcm, size_t samples,
    const int16_t **out)
{
	size_t used = 0, done = 0, took, got, channels = resample->to_channels;

	if (pcm != NULL)
		take(resample, pcm, samples);
	if (resample->soxr == NULL) {
		*out = resample->in;
		return pcm != NULL ? samples : 0;
	}
	do {
		need(resample, &resample->out, &resample->out_room,
		    done + (size_t)((double)(samples - used) * resample->ratio) + SLACK);
		took = got = 0;
		if (soxr_process(resample->soxr, pcm != NULL ?
		    resample->in + used * channels : NULL, samples - used, &took,
		    resample->out + done * channels, resample->out_room - done, &got) != NULL)
			break;
		used += took;
		done += got;
	} while (pcm != NULL ? used < samples : got > 0);
	*out = resample->out;
	return done;
}

size_t
rtta_resample_held(const struct rtta_resample *resample)
{
	double held = resample->soxr != NULL ? soxr_delay(resample->soxr) : 0;

	return held > 0 ? (size_t)held : 0;
}

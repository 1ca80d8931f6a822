/*
 * wav - samples out of a WAV file or raw PCM, as s16le.
 *
 * Reads a descriptor in one pass, so a pipe will do.  RIFF and RF64; 8-, 16-,
 * 24- and 32-bit integers, 32- and 64-bit floats and G.711, 1 to
 * RTTA_FRAME_MAX_CHANNELS channels, 8000 to RTTA_WAV_MAX_RATE_HZ; at another
 * rate, if that is wanted.  Chunks that are not sound are skipped; a data chunk
 * that ends early, or whose writer never filled in the length, is read to the
 * end of the file.  Errors and warnings name file and offset.  One thread.
 */
#ifndef RTTA_WAV_H
#define RTTA_WAV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct rtta_err;
struct rtta_wav;

enum { RTTA_WAV_MAX_RATE_HZ = 384000 };

struct rtta_wav_format {
	uint32_t rate_hz;
	int channels;
};

enum rtta_wav_kind {
	RTTA_WAV_RIFF,   /* a WAV file */
	RTTA_WAV_RAW,    /* raw s16le of the given format */
	RTTA_WAV_EITHER  /* WAV if it starts with RIFF and WAVE, else raw */
};

/* fd and name stay the caller's; raw (copied) is the format of raw PCM. */
struct rtta_wav *rtta_wav_new(int fd, const char *name, enum rtta_wav_kind kind,
    const struct rtta_wav_format *raw);
void rtta_wav_free(struct rtta_wav *wav);

/*
 * Decode what is buffered, else read(2) once and decode that.  1 with
 * *samples set, 0 at the end of the sound, -1 with EX_DATAERR or EX_IOERR.
 * *samples is 0 while the header is incomplete, once when the format has
 * become known, when nothing is there yet (EAGAIN), and while the resampler
 * wants more.
 */
int rtta_wav_read(struct rtta_wav *wav, int16_t *values, size_t max_samples,
    size_t *samples, struct rtta_err *err);

/* NULL until the header has been read. */
const struct rtta_wav_format *rtta_wav_format(const struct rtta_wav *wav);

/* Does rtta_wav_read() get on without reading? */
bool rtta_wav_is_ready(const struct rtta_wav *wav);

/* Samples that have been read and not been given out. */
size_t rtta_wav_backlog(const struct rtta_wav *wav);

/* From now on one channel, the mean of all.  The format must be known. */
void rtta_wav_mix(struct rtta_wav *wav);

/*
 * From now on at this rate, and the same samples every time.  The format must
 * be known, and nothing have been read.  0, or -1 with EX_SOFTWARE.
 */
int rtta_wav_resample(struct rtta_wav *wav, uint32_t rate_hz, struct rtta_err *err);

#endif

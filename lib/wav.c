#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "err.h"
#include "frame.h"
#include "log.h"
#include "mem.h"
#include "pcm.h"
#include "resample.h"
#include "wav.h"

enum {
	BUFFER_BYTES = 65536,
	RESAMPLED_AT_ONCE = 4096,
	RIFF_BYTES = 12,
	CHUNK_BYTES = 8,
	FMT_MIN_BYTES = 16,
	FMT_EXTENSIBLE_BYTES = 40,
	DS64_BYTES = 28,
	DS64_DATA_AT = 8,
	CODE_PCM = 1,
	CODE_FLOAT = 3,
	CODE_ALAW = 6,
	CODE_MULAW = 7,
	CODE_EXTENSIBLE = 0xfffe
};

/* Length of a data chunk that ends where the file does. */
static const uint64_t TO_THE_END = UINT64_MAX;

/* The tail of every sub-format GUID that is a plain format code. */
static const uint8_t guid_tail[14] = {
	0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x80, 0x00,
	0x00, 0xaa, 0x00, 0x38, 0x9b, 0x71
};

struct rtta_wav {
	int fd;
	const char *name;
	enum {
		SNIFF,   /* WAV or raw? */
		RIFF,    /* at the start of a WAV file */
		CHUNK,   /* at a chunk's header */
		FMT,     /* in the format chunk */
		DS64,    /* in the one that has the lengths beyond 4 GiB */
		SKIP,    /* in a chunk that is not sound */
		DATA,    /* in the sound */
		DONE     /* behind it */
	} state;
	struct rtta_wav_format format;
	bool has_pcm;        /* else no format yet */
	enum rtta_pcm pcm;
	int channels;        /* in the file; format has those that are given out */
	bool announced, ended;
	uint32_t riff_bytes; /* as the header says */
	uint64_t long_bytes; /* of the data chunk, by the DS64 one; 0: unknown */
	uint64_t left;       /* bytes of the chunk that are still to come */
	uint64_t offset;     /* in the file, of *next */
	uint8_t *next;       /* in data */
	size_t used;         /* from there */
	uint8_t data[BUFFER_BYTES];

	struct rtta_resample *resample;  /* NULL: the file's own rate will do */
	double ratio;
	int16_t *decoded;    /* on its way there */
	const int16_t *resampled;
	size_t ready;        /* samples from there */
	bool drained;        /* it has given all */
};

struct rtta_wav *
rtta_wav_new(int fd, const char *name, enum rtta_wav_kind kind,
    const struct rtta_wav_format *raw)
{
	struct rtta_wav *wav = rtta_xcalloc(1, sizeof(*wav));

	wav->fd = fd;
	wav->name = name;
	wav->next = wav->data;
	wav->state = kind == RTTA_WAV_RIFF ? RIFF :
	    kind == RTTA_WAV_RAW ? DATA : SNIFF;
	wav->has_pcm = kind == RTTA_WAV_RAW;
	wav->pcm = RTTA_PCM_S16;
	wav->format = *raw;
	wav->channels = raw->channels;
	wav->left = TO_THE_END;
	return wav;
}

void
rtta_wav_free(struct rtta_wav *wav)
{
	if (wav == NULL)
		return;
	rtta_resample_free(wav->resample);
	free(wav->decoded);
	free(wav);
}

const struct rtta_wav_format *
rtta_wav_format(const struct rtta_wav *wav)
{
	return wav->state == DATA || wav->state == DONE ? &wav->format : NULL;
}

static size_t
sample_bytes(const struct rtta_wav *wav)
{
	return rtta_pcm_bytes(wav->pcm) * (size_t)wav->channels;
}

/* Whole samples of the file that have been read. */
static size_t
undecoded(const struct rtta_wav *wav)
{
	size_t bytes = wav->used;

	if (wav->state != DATA)
		return 0;
	if (bytes > wav->left)
		bytes = (size_t)wav->left;
	return bytes / sample_bytes(wav);
}

static uint32_t
get16(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8;
}

static uint32_t
get32(const uint8_t *bytes)
{
	return get16(bytes) | get16(bytes + 2) << 16;
}

static uint64_t
get64(const uint8_t *bytes)
{
	return get32(bytes) | (uint64_t)get32(bytes + 4) << 32;
}

static void
discard(struct rtta_wav *wav, size_t bytes)
{
	wav->next += bytes;
	wav->used -= bytes;
	wav->offset += bytes;
}

/* RF64, later named BW64: a WAV file that may be longer than 4 GiB. */
static bool
begins_like_wav(const struct rtta_wav *wav)
{
	size_t known = wav->used < 4 ? wav->used : 4;

	return memcmp(wav->next, "RIFF", known) == 0 ||
	    memcmp(wav->next, "RF64", known) == 0 ||
	    memcmp(wav->next, "BW64", known) == 0;
}

static bool
looks_like_wav(const struct rtta_wav *wav)
{
	return wav->used >= RIFF_BYTES && begins_like_wav(wav) &&
	    memcmp(wav->next + 8, "WAVE", 4) == 0;
}

static void
be_raw(struct rtta_wav *wav)
{
	wav->state = DATA;
	wav->has_pcm = true;
}

/* Each step_* returns 1 when it went on, 0 when it needs more bytes, -1. */
static int
step_sniff(struct rtta_wav *wav)
{
	if (!begins_like_wav(wav)) {
		be_raw(wav);
		return 1;
	}
	if (wav->used < RIFF_BYTES)
		return 0;
	if (looks_like_wav(wav))
		wav->state = RIFF;
	else
		be_raw(wav);
	return 1;
}

static int
step_riff(struct rtta_wav *wav, struct rtta_err *err)
{
	if (wav->used < RIFF_BYTES)
		return 0;
	if (!looks_like_wav(wav))
		return rtta_err_set(err, EX_DATAERR, "%s: not a WAV file: no "
		    "RIFF and WAVE at offset 0", wav->name);
	wav->riff_bytes = get32(wav->next + 4);
	discard(wav, RIFF_BYTES);
	wav->state = CHUNK;
	return 1;
}

/*
 * A writer to a pipe cannot go back to fill in the length.  It leaves 0 or
 * 2^32 - 1; a 0 in a file whose RIFF length was filled in is really none.
 */
static bool
length_is_unknown(const struct rtta_wav *wav, uint32_t bytes)
{
	return bytes == UINT32_MAX ||
	    (bytes == 0 && (wav->riff_bytes == UINT32_MAX ||
	    wav->riff_bytes + 8ULL <= wav->offset + CHUNK_BYTES));
}

static int
begin_data(struct rtta_wav *wav, uint32_t bytes, struct rtta_err *err)
{
	if (!wav->has_pcm)
		return rtta_err_set(err, EX_DATAERR, "%s: sound before its "
		    "format, at offset %" PRIu64, wav->name, wav->offset);
	wav->left = bytes;
	if (bytes == UINT32_MAX && wav->long_bytes != 0)
		wav->left = wav->long_bytes;
	else if (length_is_unknown(wav, bytes)) {
		rtta_log_warn("%s: no length in the header, read to the end",
		    wav->name);
		wav->left = TO_THE_END;
	}
	wav->state = DATA;
	return 0;
}

static int
step_chunk(struct rtta_wav *wav, struct rtta_err *err)
{
	uint32_t bytes;

	if (wav->used < CHUNK_BYTES)
		return 0;
	bytes = get32(wav->next + 4);
	wav->left = (uint64_t)bytes + bytes % 2;
	if (memcmp(wav->next, "data", 4) == 0) {
		if (begin_data(wav, bytes, err) < 0)
			return -1;
	} else if (memcmp(wav->next, "fmt ", 4) == 0) {
		if (bytes < FMT_MIN_BYTES)
			return rtta_err_set(err, EX_DATAERR, "%s: format of %u "
			    "bytes, at least %d, at offset %" PRIu64, wav->name,
			    bytes, FMT_MIN_BYTES, wav->offset);
		wav->state = FMT;
	} else if (memcmp(wav->next, "ds64", 4) == 0 && bytes >= DS64_BYTES) {
		wav->state = DS64;
	} else {
		wav->state = SKIP;
	}
	discard(wav, CHUNK_BYTES);
	return 1;
}

static int
refuse(const struct rtta_wav *wav, const char *what, uint32_t value,
    const char *want, struct rtta_err *err)
{
	return rtta_err_set(err, EX_DATAERR, "%s: %s %u, not %s, at offset %"
	    PRIu64, wav->name, what, value, want, wav->offset);
}

static int
find_pcm(struct rtta_wav *wav, uint32_t code, uint32_t bits,
    struct rtta_err *err)
{
	static const struct { uint32_t code, bits; enum rtta_pcm pcm; } known[] = {
		{ CODE_PCM, 8, RTTA_PCM_U8 }, { CODE_PCM, 16, RTTA_PCM_S16 },
		{ CODE_PCM, 24, RTTA_PCM_S24 }, { CODE_PCM, 32, RTTA_PCM_S32 },
		{ CODE_FLOAT, 32, RTTA_PCM_F32 }, { CODE_FLOAT, 64, RTTA_PCM_F64 },
		{ CODE_ALAW, 8, RTTA_PCM_ALAW }, { CODE_MULAW, 8, RTTA_PCM_MULAW },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].code == code && known[i].bits == bits) {
			wav->pcm = known[i].pcm;
			return 0;
		}
	switch (code) {
	case CODE_PCM: return refuse(wav, "bits", bits, "8, 16, 24 or 32", err);
	case CODE_FLOAT:
		return refuse(wav, "bits of a float", bits, "32 or 64", err);
	case CODE_ALAW:
	case CODE_MULAW: return refuse(wav, "bits of G.711", bits, "8", err);
	}
	return refuse(wav, "format code", code,
	    "1 (PCM), 3 (float), 6 or 7 (G.711)", err);
}

static int
parse_format(struct rtta_wav *wav, size_t bytes, struct rtta_err *err)
{
	const uint8_t *fmt = wav->next;
	uint32_t code = get16(fmt), channels = get16(fmt + 2);
	uint32_t rate_hz = get32(fmt + 4), block_bytes = get16(fmt + 12);
	uint32_t bits = get16(fmt + 14);

	if (code == CODE_EXTENSIBLE) {
		if (bytes < FMT_EXTENSIBLE_BYTES || memcmp(fmt + 26, guid_tail,
		    sizeof(guid_tail)) != 0)
			return refuse(wav, "format code", code,
			    "followed by one that is known", err);
		code = get16(fmt + 24);
	}
	if (find_pcm(wav, code, bits, err) < 0)
		return -1;
	if (channels < 1 || channels > RTTA_FRAME_MAX_CHANNELS)
		return refuse(wav, "channels", channels, "1 to 8", err);
	if (rate_hz < RTTA_FRAME_MIN_RATE_HZ || rate_hz > RTTA_WAV_MAX_RATE_HZ)
		return refuse(wav, "rate", rate_hz, "8000 to 384000 Hz", err);
	if (block_bytes != channels * bits / 8)
		return refuse(wav, "block size", block_bytes,
		    "channels times bytes", err);
	wav->has_pcm = true;
	wav->format.rate_hz = rate_hz;
	wav->format.channels = wav->channels = (int)channels;
	return 0;
}

static int
step_fmt(struct rtta_wav *wav, struct rtta_err *err)
{
	size_t bytes = wav->left < FMT_EXTENSIBLE_BYTES ? (size_t)wav->left :
	    FMT_EXTENSIBLE_BYTES;

	if (wav->used < bytes)
		return 0;
	if (parse_format(wav, bytes, err) < 0)
		return -1;
	wav->state = SKIP;
	return 1;
}

static int
step_ds64(struct rtta_wav *wav)
{
	if (wav->used < DS64_BYTES)
		return 0;
	wav->long_bytes = get64(wav->next + DS64_DATA_AT);
	wav->state = SKIP;
	return 1;
}

static int
step_skip(struct rtta_wav *wav)
{
	size_t bytes = wav->used < wav->left ? wav->used : (size_t)wav->left;

	discard(wav, bytes);
	wav->left -= bytes;
	if (wav->left > 0)
		return 0;
	wav->state = CHUNK;
	return 1;
}

/* Go through what is buffered until the sound begins.  0 or -1. */
static int
parse_header(struct rtta_wav *wav, struct rtta_err *err)
{
	int went_on = 1;

	while (went_on > 0)
		switch (wav->state) {
		case SNIFF: went_on = step_sniff(wav); break;
		case RIFF: went_on = step_riff(wav, err); break;
		case CHUNK: went_on = step_chunk(wav, err); break;
		case FMT: went_on = step_fmt(wav, err); break;
		case DS64: went_on = step_ds64(wav); break;
		case SKIP: went_on = step_skip(wav); break;
		case DATA:
		case DONE: return 0;
		}
	return went_on;
}

static void
copy(const struct rtta_wav *wav, int16_t *values, size_t count)
{
	size_t bytes = rtta_pcm_bytes(wav->pcm);

	if (wav->pcm == RTTA_PCM_S16)
		memcpy(values, wav->next, count * sizeof(*values));
	else
		for (size_t i = 0; i < count; i++)
			values[i] = rtta_pcm_value(wav->pcm,
			    wav->next + i * bytes);
}

static void
mix(const struct rtta_wav *wav, int16_t *values, size_t samples)
{
	size_t bytes = rtta_pcm_bytes(wav->pcm);
	const uint8_t *next = wav->next;

	for (size_t i = 0; i < samples; i++) {
		int32_t sum = 0;

		for (int c = 0; c < wav->channels; c++, next += bytes)
			sum += rtta_pcm_value(wav->pcm, next);
		values[i] = (int16_t)(sum / wav->channels);
	}
}

static size_t
take(struct rtta_wav *wav, int16_t *values, size_t max_samples)
{
	size_t samples = undecoded(wav);

	if (samples > max_samples)
		samples = max_samples;
	if (wav->format.channels != wav->channels)
		mix(wav, values, samples);
	else
		copy(wav, values, samples * (size_t)wav->channels);
	discard(wav, samples * sample_bytes(wav));
	if (wav->left != TO_THE_END)
		wav->left -= samples * sample_bytes(wav);
	return samples;
}

/* The file has ended: as it should? */
static int
finish(struct rtta_wav *wav, struct rtta_err *err)
{
	uint64_t end = wav->offset + wav->used;

	if (wav->state != DATA && wav->state != DONE)
		return rtta_err_set(err, EX_DATAERR, "%s: ends before the "
		    "sound, at offset %" PRIu64, wav->name, end);
	if (wav->state == DATA && wav->left != TO_THE_END &&
	    wav->left > wav->used)
		rtta_log_warn("%s: cut off at offset %" PRIu64 ", %" PRIu64
		    " bytes short", wav->name, end, wav->left - wav->used);
	else if (wav->state == DATA && wav->used > 0)
		rtta_log_warn("%s: ends inside a sample, at offset %" PRIu64,
		    wav->name, end);
	wav->state = DONE;
	return 0;
}

static int
fill(struct rtta_wav *wav, struct rtta_err *err)
{
	ssize_t got;

	memmove(wav->data, wav->next, wav->used);
	wav->next = wav->data;
	got = read(wav->fd, wav->data + wav->used,
	    sizeof(wav->data) - wav->used);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (got < 0)
		return rtta_err_sys(err, EX_IOERR, "%s", wav->name);
	wav->used += (size_t)got;
	wav->ended = got == 0;
	return 0;
}

/* rtta_wav_read() at the file's own rate. */
static int
read_decoded(struct rtta_wav *wav, int16_t *values, size_t max_samples,
    size_t *samples, struct rtta_err *err)
{
	*samples = 0;
	if (undecoded(wav) == 0 && wav->state != DONE &&
	    fill(wav, err) < 0)
		return -1;
	if (parse_header(wav, err) < 0)
		return -1;
	if (wav->ended && wav->state == SNIFF)
		be_raw(wav);
	if (wav->ended && undecoded(wav) == 0)
		return finish(wav, err);
	if (rtta_wav_format(wav) == NULL)
		return 1;
	if (!wav->announced) {
		wav->announced = true;
		return 1;
	}
	*samples = take(wav, values, max_samples);
	if (wav->left < sample_bytes(wav))
		wav->state = DONE;
	return *samples > 0 || wav->state != DONE;
}

static int
refill_resampled(struct rtta_wav *wav, struct rtta_err *err)
{
	size_t got;
	int more = read_decoded(wav, wav->decoded, RESAMPLED_AT_ONCE, &got, err);

	if (more < 0)
		return -1;
	if (got > 0)
		wav->ready = rtta_resample_put(wav->resample,
		    (const uint8_t *)wav->decoded, got, &wav->resampled);
	wav->drained = more == 0;
	if (wav->drained)
		wav->ready = rtta_resample_put(wav->resample, NULL, 0,
		    &wav->resampled);
	return 0;
}

static int
read_resampled(struct rtta_wav *wav, int16_t *values, size_t max_samples,
    size_t *samples, struct rtta_err *err)
{
	size_t count;

	*samples = 0;
	if (wav->ready == 0 && !wav->drained && refill_resampled(wav, err) < 0)
		return -1;
	*samples = wav->ready < max_samples ? wav->ready : max_samples;
	count = *samples * (size_t)wav->format.channels;
	if (count > 0) {
		memcpy(values, wav->resampled, count * sizeof(*values));
		wav->resampled += count;
		wav->ready -= *samples;
	}
	return *samples > 0 || !wav->drained;
}

int
rtta_wav_read(struct rtta_wav *wav, int16_t *values, size_t max_samples,
    size_t *samples, struct rtta_err *err)
{
	return wav->resample != NULL ?
	    read_resampled(wav, values, max_samples, samples, err) :
	    read_decoded(wav, values, max_samples, samples, err);
}

bool
rtta_wav_is_ready(const struct rtta_wav *wav)
{
	return wav->ready > 0 || undecoded(wav) > 0 ||
	    (wav->resample != NULL && wav->state == DONE && !wav->drained);
}

size_t
rtta_wav_backlog(const struct rtta_wav *wav)
{
	if (wav->resample == NULL)
		return undecoded(wav);
	return wav->ready + rtta_resample_held(wav->resample) +
	    (size_t)((double)undecoded(wav) * wav->ratio);
}

void
rtta_wav_mix(struct rtta_wav *wav)
{
	wav->format.channels = 1;
}

int
rtta_wav_resample(struct rtta_wav *wav, uint32_t rate_hz, struct rtta_err *err)
{
	uint8_t channels = (uint8_t)wav->format.channels;

	wav->resample = rtta_resample_new(wav->format.rate_hz, channels, rate_hz,
	    channels, err);
	if (wav->resample == NULL)
		return -1;
	wav->decoded = rtta_xreallocarray(NULL, (size_t)RESAMPLED_AT_ONCE * channels,
	    sizeof(*wav->decoded));
	wav->ratio = (double)rate_hz / wav->format.rate_hz;
	wav->format.rate_hz = rate_hz;
	return 0;
}

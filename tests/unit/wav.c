#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"
#include "err.h"
#include "log.h"
#include "wav.h"

/* A file as it is put together: bytes, and little-endian numbers. */
struct file {
	uint8_t bytes[4096];
	size_t used;
};

static void
put(struct file *file, const void *bytes, size_t count)
{
	memcpy(file->bytes + file->used, bytes, count);
	file->used += count;
}

static void
put_int(struct file *file, uint32_t value, int count)
{
	for (int i = 0; i < count; i++)
		file->bytes[file->used++] = (uint8_t)(value >> 8 * i);
}

static void
put_riff(struct file *file, uint32_t bytes)
{
	put(file, "RIFF", 4);
	put_int(file, bytes, 4);
	put(file, "WAVE", 4);
}

static void
put_fmt(struct file *file, int code, int channels, int rate_hz, int bits)
{
	put(file, "fmt ", 4);
	put_int(file, 16, 4);
	put_int(file, (uint32_t)code, 2);
	put_int(file, (uint32_t)channels, 2);
	put_int(file, (uint32_t)rate_hz, 4);
	put_int(file, (uint32_t)(rate_hz * channels * bits / 8), 4);
	put_int(file, (uint32_t)(channels * bits / 8), 2);
	put_int(file, (uint32_t)bits, 2);
}

static void
put_data(struct file *file, uint32_t bytes)
{
	put(file, "data", 4);
	put_int(file, bytes, 4);
}

/* A mono 16-bit file of four samples: 1 -2 300 -32768. */
static struct file
plain(void)
{
	struct file file = {0};

	put_riff(&file, 44);
	put_fmt(&file, 1, 1, 16000, 16);
	put_data(&file, 8);
	put(&file, "\x01\x00\xfe\xff\x2c\x01\x00\x80", 8);
	return file;
}

struct result {
	int rc;              /* of the last read */
	struct rtta_err err;
	struct rtta_wav_format format;
	int16_t values[256];
	size_t samples;
};

/* Read it all through a pipe, piece bytes at a time. */
static struct result
read_pieces(const struct file *file, enum rtta_wav_kind kind, bool mix,
    size_t piece)
{
	static const struct rtta_wav_format raw = { 22050, 2 };
	struct result result = {0};
	struct rtta_wav *wav;
	size_t sent = 0, got;
	int fds[2];

	CHECK_INT(pipe2(fds, O_NONBLOCK), 0);
	wav = rtta_wav_new(fds[0], "x.wav", kind, &raw);
	do {
		size_t part = file->used - sent < piece ? file->used - sent : piece;

		if (part > 0)
			CHECK_INT(write(fds[1], file->bytes + sent, part), part);
		else if (fds[1] >= 0)
			close(fds[1]), fds[1] = -1;
		sent += part;
		result.rc = rtta_wav_read(wav, result.values + result.samples *
		    (size_t)(result.format.channels), 3, &got, &result.err);
		result.samples += got;
		if (rtta_wav_format(wav) != NULL && mix)
			rtta_wav_mix(wav);
		if (rtta_wav_format(wav) != NULL)
			result.format = *rtta_wav_format(wav);
	} while (result.rc > 0);
	if (fds[1] >= 0)
		close(fds[1]);
	close(fds[0]);
	rtta_wav_free(wav);
	return result;
}

static struct result
read_wav(const struct file *file)
{
	struct result whole = read_pieces(file, RTTA_WAV_RIFF, false, 4096);
	struct result bytes = read_pieces(file, RTTA_WAV_RIFF, false, 1);

	/* however it arrives */
	CHECK_INT(bytes.rc, whole.rc);
	CHECK_INT(bytes.samples, whole.samples);
	CHECK(memcmp(bytes.values, whole.values, sizeof(whole.values)) == 0);
	CHECK_STR(bytes.err.text, whole.err.text);
	return whole;
}

static void
check_values(const struct result *result, const int16_t *want, size_t count)
{
	CHECK_INT(result->rc, 0);
	CHECK_STR(result->err.text, "");
	CHECK_INT(result->samples * (size_t)result->format.channels, count);
	for (size_t i = 0; i < count; i++)
		CHECK_INT(result->values[i], want[i]);
}

static const int16_t plain_values[] = { 1, -2, 300, -32768 };

static void
check_plain(void)
{
	struct file file = plain();
	struct result result = read_wav(&file);

	check_values(&result, plain_values, 4);
	CHECK_INT(result.format.rate_hz, 16000);
	CHECK_INT(result.format.channels, 1);

	/* what stands behind the sound is not sound */
	put(&file, "LIST\x04\x00\x00\x00" "abcd", 12);
	result = read_wav(&file);
	check_values(&result, plain_values, 4);
}

static void
check_odd_chunks(void)
{
	struct file file = {0};
	struct result result;

	put_riff(&file, 100);
	put(&file, "LIST\x03\x00\x00\x00" "abc\0", 12);  /* padded to even */
	put(&file, "junk\x00\x00\x00\x00", 8);
	put_fmt(&file, 1, 2, 44100, 16);
	put(&file, "fact\x04\x00\x00\x00\x02\x00\x00\x00", 12);
	put_data(&file, 8);
	put(&file, "\x01\x00\xfe\xff\x2c\x01\x00\x80", 8);
	result = read_wav(&file);
	check_values(&result, plain_values, 4);
	CHECK_INT(result.format.rate_hz, 44100);
	CHECK_INT(result.format.channels, 2);
}

/* One byte a sample, as telephones have it. */
static void
check_bytes(void)
{
	static const struct { int code; int16_t want[6]; } cases[] = {
		{ 1, { -32768, 0, 32512, -256, -11008, 21760 } },
		{ 6, { -5504, 5504, 848, -848, -8, 8 } },          /* A-law */
		{ 7, { -32124, 32124, 0, 0, -716, 716 } },         /* mu-law */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct file file = {0};
		struct result result;

		put_riff(&file, 100);
		put_fmt(&file, cases[i].code, 1, 8000, 8);
		put_data(&file, 6);
		put(&file, "\x00\x80\xff\x7f\x55\xd5", 6);
		result = read_wav(&file);
		check_values(&result, cases[i].want, 6);
	}
}

static void
check_formats(void)
{
	static const int16_t want24[] = { 1, -2, 0x1235, INT16_MAX, INT16_MIN };
	static const int16_t want32[] = { 1, -1, INT16_MAX, INT16_MIN };
	static const int16_t wantf[] = { 16384, -32768, 32767, 32767, -32768, 0, 1 };
	static const float floats[] = { 0.5f, -1, 1, 7, -7, 0, 1.0f / 32768 };
	static const double doubles[] = { 0.5, -1, 1, 1e300, -7, 0, 1.0 / 32768 };
	struct file file = {0};
	struct result result;

	put_riff(&file, 100);
	put_fmt(&file, 1, 1, 8000, 24);
	put_data(&file, 15);
	put(&file, "\x00\x01\x00" "\x00\xfe\xff" "\x80\x34\x12" "\xff\xff\x7f"
	    "\x00\x00\x80", 15);
	result = read_wav(&file);
	check_values(&result, want24, 5);

	file.used = 0;
	put_riff(&file, 100);
	put_fmt(&file, 1, 1, 48000, 32);
	put_data(&file, 16);
	put(&file, "\x00\x00\x01\x00" "\x00\x00\xff\xff" "\xff\xff\xff\x7f"
	    "\x00\x00\x00\x80", 16);
	result = read_wav(&file);
	check_values(&result, want32, 4);

	file.used = 0;
	put_riff(&file, 100);
	put_fmt(&file, 3, 1, 48000, 32);
	put_data(&file, sizeof(floats) + 4);
	put(&file, floats, sizeof(floats));
	put_int(&file, 0x7fc00000, 4);  /* not a number */
	result = read_wav(&file);
	CHECK_INT(result.values[7], 0);
	CHECK_INT(result.samples, 8);
	result.samples = 7;
	check_values(&result, wantf, 7);

	file.used = 0;
	put_riff(&file, 100);
	put_fmt(&file, 3, 1, 48000, 64);
	put_data(&file, sizeof(doubles));
	put(&file, doubles, sizeof(doubles));
	result = read_wav(&file);
	check_values(&result, wantf, 7);
}

static void
put_extensible(struct file *file, int code, const char *tail)
{
	put(file, "fmt ", 4);
	put_int(file, 40, 4);
	put_int(file, 0xfffe, 2);
	put_int(file, 1, 2);
	put_int(file, 16000, 4);
	put_int(file, 32000, 4);
	put_int(file, 2, 2);
	put_int(file, 16, 2);
	put_int(file, 22, 2);
	put_int(file, 16, 2);
	put_int(file, 4, 4);
	put_int(file, (uint32_t)code, 2);
	put(file, tail, 14);
}

static void
check_extensible(void)
{
	static const char tail[] = "\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71";
	struct file file = {0};
	struct result result;

	put_riff(&file, 100);
	put_extensible(&file, 1, tail);
	put_data(&file, 8);
	put(&file, "\x01\x00\xfe\xff\x2c\x01\x00\x80", 8);
	result = read_wav(&file);
	check_values(&result, plain_values, 4);

	file.used = 0;
	put_riff(&file, 100);
	put_extensible(&file, 1, "\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x72");
	result = read_wav(&file);
	CHECK_INT(result.rc, -1);
	CHECK_STR(result.err.text, "x.wav: format code 65534, not followed by "
	    "one that is known, at offset 20");
}

/* A writer to a pipe leaves the length open; a recorder dies. */
static void
check_lengths(void)
{
	static const struct {
		uint32_t riff_bytes, data_bytes;
		size_t file_bytes, samples;
	} cases[] = {
		{ 44, 8, 52, 4 },
		{ UINT32_MAX, UINT32_MAX, 52, 4 },
		{ 0, 0, 52, 4 },
		{ 36, 0, 52, 4 },            /* header written, never filled in */
		{ UINT32_MAX, 0, 52, 4 },
		{ 44, 0, 52, 0 },            /* filled in: really empty */
		{ 0x7ffff024, 0x7ffff000, 52, 4 },
		{ 44, 8, 51, 3 },
		{ 44, 8, 50, 3 },
		{ 44, 8, 45, 0 },
		{ 44, 8, 44, 0 },
		{ 44, 7, 52, 3 },            /* no whole number of samples */
		{ 44, 6, 52, 3 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct file file = plain();
		struct result result;

		file.used = 4;
		put_int(&file, cases[i].riff_bytes, 4);
		file.used = 40;
		put_int(&file, cases[i].data_bytes, 4);
		file.used = cases[i].file_bytes;
		result = read_wav(&file);
		check_values(&result, plain_values, cases[i].samples);
	}
}

/* Longer than 4 GiB, as far as the header goes. */
static void
check_rf64(void)
{
	static const struct { const char *id; uint32_t low, high; size_t samples; } cases[] = {
		{ "RF64", 6, 0, 3 },
		{ "BW64", 8, 0, 4 },
		{ "RF64", 6, 1, 4 },                     /* cut off */
		{ "RF64", 0, 0, 4 },                     /* never filled in */
		{ "RF64", UINT32_MAX, UINT32_MAX, 4 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct file file = {0};
		struct result result;

		put(&file, cases[i].id, 4);
		put(&file, "\xff\xff\xff\xffWAVEds64\x1c\0\0\0", 16);
		put(&file, "\x50\0\0\0\0\0\0\0", 8);
		put_int(&file, cases[i].low, 4);
		put_int(&file, cases[i].high, 4);
		put(&file, "\x04\0\0\0\0\0\0\0\0\0\0\0", 12);
		put_fmt(&file, 1, 1, 16000, 16);
		put_data(&file, UINT32_MAX);
		put(&file, "\x01\x00\xfe\xff\x2c\x01\x00\x80", 8);
		result = read_wav(&file);
		check_values(&result, plain_values, cases[i].samples);
	}
}

static void
check_refused(void)
{
	static const struct {
		size_t at;
		uint32_t value;
		int bytes;
		size_t cut;
		const char *text;
	} cases[] = {
		{ 0, 'X', 1, 52, "x.wav: not a WAV file: no RIFF and WAVE at offset 0" },
		{ 8, 'X', 1, 52, "x.wav: not a WAV file: no RIFF and WAVE at offset 0" },
		{ 0, 'R', 1, 0, "x.wav: ends before the sound, at offset 0" },
		{ 0, 'R', 1, 11, "x.wav: ends before the sound, at offset 11" },
		{ 0, 'R', 1, 30, "x.wav: ends before the sound, at offset 30" },
		{ 0, 'R', 1, 43, "x.wav: ends before the sound, at offset 43" },
		{ 16, 15, 4, 52, "x.wav: format of 15 bytes, at least 16, at offset 12" },
		{ 16, UINT32_MAX, 4, 52, "x.wav: ends before the sound, at offset 52" },
		{ 20, 2, 2, 52, "x.wav: format code 2, not 1 (PCM), 3 (float), 6 or 7 (G.711), at offset 20" },
		{ 20, 6, 2, 52, "x.wav: bits of G.711 16, not 8, at offset 20" },
		{ 20, 3, 2, 52, "x.wav: bits of a float 16, not 32 or 64, at offset 20" },
		{ 22, 0, 2, 52, "x.wav: channels 0, not 1 to 8, at offset 20" },
		{ 22, 9, 2, 52, "x.wav: channels 9, not 1 to 8, at offset 20" },
		{ 24, 7999, 4, 52, "x.wav: rate 7999, not 8000 to 384000 Hz, at offset 20" },
		{ 24, 384001, 4, 52, "x.wav: rate 384001, not 8000 to 384000 Hz, at offset 20" },
		{ 32, 4, 2, 52, "x.wav: block size 4, not channels times bytes, at offset 20" },
		{ 34, 12, 2, 52, "x.wav: bits 12, not 8, 16, 24 or 32, at offset 20" },
		{ 34, 8, 2, 52, "x.wav: block size 2, not channels times bytes, at offset 20" },
		{ 12, 'F', 1, 52, "x.wav: sound before its format, at offset 36" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct file file = plain();
		struct result result;

		file.used = cases[i].at;
		put_int(&file, cases[i].value, cases[i].bytes);
		file.used = cases[i].cut;
		result = read_wav(&file);
		CHECK_INT(result.rc, -1);
		CHECK_INT(result.err.exit_code, EX_DATAERR);
		CHECK_STR(result.err.text, cases[i].text);
		CHECK_INT(result.samples, 0);
	}
}

static void
check_raw(void)
{
	static const int16_t riff[] = { 0x4952, 0x4646, 0x2020, 0x2020 };
	struct file file = {0};
	struct result result;

	put(&file, "\x01\x00\xfe\xff\x2c\x01\x00\x80", 8);
	result = read_pieces(&file, RTTA_WAV_RAW, false, 3);
	check_values(&result, plain_values, 4);
	CHECK_INT(result.format.rate_hz, 22050);
	CHECK_INT(result.format.channels, 2);
	result = read_pieces(&file, RTTA_WAV_EITHER, false, 3);
	check_values(&result, plain_values, 4);

	file = plain();
	result = read_pieces(&file, RTTA_WAV_EITHER, false, 1);
	check_values(&result, plain_values, 4);
	CHECK_INT(result.format.rate_hz, 16000);

	/* raw sound that begins like a WAV file and is none */
	file.used = 0;
	put(&file, "RIFF    ", 8);
	result = read_pieces(&file, RTTA_WAV_EITHER, false, 1);
	check_values(&result, riff, 4);
	put(&file, "    ", 4);
	result = read_pieces(&file, RTTA_WAV_EITHER, false, 1);
	CHECK_INT(result.samples, 3);

	file.used = 0;
	result = read_pieces(&file, RTTA_WAV_EITHER, false, 1);
	CHECK_INT(result.rc, 0);
	CHECK_INT(result.samples, 0);
}

static void
check_mix(void)
{
	static const int16_t want[] = { 0, -16234 };
	struct file file = plain();
	struct result result;

	file.used = 22;
	put_int(&file, 2, 2);
	file.used = 32;
	put_int(&file, 4, 2);
	file.used = 52;
	result = read_pieces(&file, RTTA_WAV_RIFF, true, 7);
	CHECK_INT(result.format.channels, 1);
	check_values(&result, want, 2);
}

int
main(void)
{
	rtta_log_open("wav");
	rtta_log_set_level(RTTA_LOG_ERROR);
	check_plain();
	check_odd_chunks();
	check_formats();
	check_bytes();
	check_extensible();
	check_lengths();
	check_rf64();
	check_refused();
	check_raw();
	check_mix();
	return check_result();
}

/* Any bytes as a sound file, in small bites. */
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "err.h"
#include "frame.h"
#include "log.h"
#include "wav.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct rtta_wav_format raw = { 16000, 1 };
	int16_t values[RTTA_FRAME_MAX_CHANNELS * 100];
	int fd = memfd_create("wav", MFD_CLOEXEC);
	struct rtta_err err = {0};
	struct rtta_wav *wav;
	bool resampled = false;
	size_t samples, total = 0;

	rtta_log_set_level(RTTA_LOG_ERROR);
	if (size < 1 || write(fd, data + 1, size - 1) != (ssize_t)size - 1)
		return 0;
	lseek(fd, 0, SEEK_SET);
	wav = rtta_wav_new(fd, "fuzz.wav", data[0] % 3, &raw);
	while (rtta_wav_read(wav, values, 100, &samples, &err) > 0) {
		assert(samples <= 100);
		assert(samples == 0 || rtta_wav_format(wav) != NULL);
		if (rtta_wav_format(wav) != NULL && data[0] & 64)
			rtta_wav_mix(wav);
		if (rtta_wav_format(wav) != NULL && data[0] & 128 && !resampled) {
			assert(total == 0 && samples == 0);
			assert(rtta_wav_resample(wav, 16000, &err) == 0);
			resampled = true;
		}
		total += samples;
	}
	assert(total <= size * (resampled ? 2 : 1));
	assert(err.exit_code == 0 || err.exit_code == EX_DATAERR);
	rtta_wav_free(wav);
	close(fd);
	return 0;
}

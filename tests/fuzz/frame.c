/* Any bytes as a stream of frames, strict and after a reader that died. */
#include <assert.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "err.h"
#include "frame.h"
#include "log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_all(int fd, bool resync)
{
	struct rtta_frame_reader *reader = rtta_frame_reader_new(fd);
	struct rtta_frame frame;
	struct rtta_err err = {0};
	int got = 0;

	if (resync)
		rtta_frame_reader_resync(reader);
	while (got >= 0 && rtta_frame_fill(reader, &err) > 0)
		while ((got = rtta_frame_next(reader, &frame, &err)) > 0) {
			assert(frame.payload_bytes <= RTTA_FRAME_MAX_BYTES);
			assert(rtta_frame_end(&frame) >= frame.sample);
			for (uint32_t i = 0; i < frame.payload_bytes; i++)
				frame.payload[i] ^= 1;
		}
	assert(err.exit_code == 0 || err.exit_code == EX_DATAERR);
	rtta_frame_reader_free(reader);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("frames", MFD_CLOEXEC);

	rtta_log_set_level(RTTA_LOG_ERROR);
	if (write(fd, data, size) != (ssize_t)size)
		return 0;
	lseek(fd, 0, SEEK_SET);
	read_all(fd, false);
	lseek(fd, 0, SEEK_SET);
	read_all(fd, true);
	close(fd);
	return 0;
}

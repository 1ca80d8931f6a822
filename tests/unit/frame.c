#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"
#include "err.h"
#include "frame.h"
#include "log.h"

enum { PAYLOAD = 640, WHOLE = RTTA_FRAME_HEADER_BYTES + PAYLOAD };

/* Frame n of a stream: its payload spells n, and so does its number. */
static struct rtta_frame
numbered(uint32_t n, uint8_t payload[PAYLOAD])
{
	for (int i = 0; i < PAYLOAD; i++)
		payload[i] = (uint8_t)(n >> 8 * (i % 2));
	return (struct rtta_frame){
		.run_id = 0xfedcba9876543210,
		.sample = n * 320,
		.capture_ns = 1700000000123456789 + n * 20000000,
		.rate_hz = 16000,
		.payload_bytes = PAYLOAD,
		.channels = 1,
		.flags = n % 3 == 0 ? RTTA_FRAME_LOST : 0,
		.payload = payload,
	};
}

static void
write_numbered(uint8_t *bytes, uint32_t n)
{
	uint8_t payload[PAYLOAD];
	struct rtta_frame frame = numbered(n, payload);

	rtta_frame_encode(bytes, &frame);
	memcpy(bytes + RTTA_FRAME_HEADER_BYTES, payload, PAYLOAD);
}

/* The table of rtta-frame(5), byte for byte. */
static void
check_layout(void)
{
	static const uint8_t want[RTTA_FRAME_HEADER_BYTES] = {
		'R', 'T', 'A', 'F', 1, 1, 2, 5,
		0x80, 0xbb, 0, 0, 0x00, 0x80, 0, 0,
		0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01,
		0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0x00,
		0x15, 0xcd, 0x5b, 0x07, 0, 0, 0, 0,
	};
	struct rtta_frame frame = {
		.channels = 2,
		.flags = RTTA_FRAME_LOST | RTTA_FRAME_CONTIGUOUS,
		.rate_hz = 48000,
		.payload_bytes = 32768,
		.run_id = 0x0123456789abcdef,
		.sample = 0x0011223344556677,
		.capture_ns = 123456789,
	};
	struct rtta_frame back;
	struct rtta_err err = {0};
	uint8_t got[RTTA_FRAME_HEADER_BYTES];

	rtta_frame_encode(got, &frame);
	CHECK(memcmp(got, want, sizeof(want)) == 0);
	CHECK_INT(rtta_frame_decode(&back, got, &err), 0);
	CHECK(memcmp(&back, &frame, sizeof(frame)) == 0);
	CHECK_INT(rtta_frame_samples(&back), 8192);
	CHECK_INT(rtta_frame_end(&back), 0x0011223344556677 + 8192);
}

static void
check_refused(void)
{
	static const struct {
		int at, bytes;
		uint64_t value;
		const char *text;
	} cases[] = {
		{ 3, 1, 'f', "not a frame: no RTAF, at offset 0" },
		{ 4, 1, 2, "frame of version 2, this program knows 1, at offset 0" },
		{ 5, 1, 0, "frame of unknown format 0, at offset 0" },
		{ 6, 1, 0, "frame of 0 channels, limit 8, at offset 0" },
		{ 6, 1, 9, "frame of 9 channels, limit 8, at offset 0" },
		{ 6, 1, 3, "frame of 640 bytes, not a whole number of samples, at offset 0" },
		{ 7, 1, 32, "frame with unknown flags 0x20, at offset 0" },
		{ 8, 4, 7999, "frame of 7999 Hz, limits 8000 and 48000, at offset 0" },
		{ 8, 4, 48001, "frame of 48001 Hz, limits 8000 and 48000, at offset 0" },
		{ 12, 4, 32770, "frame of 32770 bytes, limit 32768, at offset 0" },
		{ 12, 4, UINT32_MAX, "frame of 4294967295 bytes, limit 32768, at offset 0" },
		{ 12, 4, 639, "frame of 639 bytes, not a whole number of samples, at offset 0" },
		{ 12, 4, 0, "empty frame that ends no run, at offset 0" },
		{ 24, 8, (1ULL << 53) - 32767, "frame with a sample number beyond 2^53, at offset 0" },
		{ 32, 8, 1ULL << 63, "frame with a time beyond 2^63, at offset 0" },
	};
	uint8_t bytes[WHOLE];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rtta_frame_reader *reader;
		struct rtta_frame frame;
		struct rtta_err err = {0};
		int fds[2], got = 0;

		write_numbered(bytes, 1);
		for (int b = 0; b < cases[i].bytes; b++)
			bytes[cases[i].at + b] = (uint8_t)(cases[i].value >> 8 * b);
		CHECK_INT(pipe(fds), 0);
		CHECK_INT(write(fds[1], bytes, sizeof(bytes)), WHOLE);
		close(fds[1]);
		reader = rtta_frame_reader_new(fds[0]);
		while (got == 0 && rtta_frame_fill(reader, &err) > 0)
			got = rtta_frame_next(reader, &frame, &err);
		CHECK_INT(got, -1);
		CHECK_INT(err.exit_code, EX_DATAERR);
		CHECK_STR(err.text, cases[i].text);
		rtta_frame_reader_free(reader);
		close(fds[0]);
	}
}

/* Three frames that arrive in pieces of every size, cut off at every byte. */
static void
read_stream(const uint8_t *bytes, size_t length, size_t piece)
{
	struct rtta_frame_reader *reader;
	struct rtta_frame frame;
	struct rtta_err err = {0};
	uint32_t frames = 0;
	size_t sent = 0;
	int fds[2], more = 1;

	CHECK_INT(pipe2(fds, O_NONBLOCK), 0);
	reader = rtta_frame_reader_new(fds[0]);
	while (more > 0) {
		size_t part = length - sent < piece ? length - sent : piece;

		if (part > 0)
			CHECK_INT(write(fds[1], bytes + sent, part), part);
		else if (fds[1] >= 0)
			close(fds[1]), fds[1] = -1;
		sent += part;
		more = rtta_frame_fill(reader, &err);
		/* never beyond the frame that is needed */
		CHECK(rtta_frame_buffered(reader) <= WHOLE);
		while (more > 0 && rtta_frame_next(reader, &frame, &err) > 0) {
			CHECK_INT(frame.sample, frames * 320);
			CHECK_INT(frame.payload[0], frames);
			CHECK_INT(frame.payload[PAYLOAD - 2], frames);
			frames++;
		}
	}
	CHECK_INT(frames, length / WHOLE);
	CHECK_INT(more, length % WHOLE == 0 ? 0 : -1);
	CHECK_INT(err.exit_code, length % WHOLE == 0 ? 0 : EX_DATAERR);
	rtta_frame_reader_free(reader);
	close(fds[0]);
}

static void
check_pieces(void)
{
	static const size_t pieces[] = { 1, 7, 39, 40, 41, 679, 680, 681, 5000 };
	uint8_t bytes[3 * WHOLE];

	for (uint32_t n = 0; n < 3; n++)
		write_numbered(bytes + n * WHOLE, n);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++)
		read_stream(bytes, sizeof(bytes), pieces[i]);
	for (size_t length = 0; length <= sizeof(bytes); length += 13)
		read_stream(bytes, length, 5000);
}

/* What one reader leaves in the pipe is there for the next one, whole. */
static void
check_handover(void)
{
	uint8_t bytes[4 * WHOLE];
	struct rtta_err err = {0};
	int fds[2];

	CHECK_INT(pipe(fds), 0);
	for (uint32_t n = 0; n < 4; n++)
		write_numbered(bytes + n * WHOLE, n);
	CHECK_INT(write(fds[1], bytes, sizeof(bytes)), sizeof(bytes));
	for (uint32_t n = 0; n < 4; n++) {
		struct rtta_frame_reader *reader = rtta_frame_reader_new(fds[0]);
		struct rtta_frame frame;
		int got = 0;

		while (got == 0 && rtta_frame_fill(reader, &err) > 0)
			got = rtta_frame_next(reader, &frame, &err);
		CHECK_INT(got, 1);
		CHECK_INT(frame.sample, n * 320);
		CHECK_INT(rtta_frame_buffered(reader), 0);
		rtta_frame_reader_free(reader);
	}
	close(fds[0]);
	close(fds[1]);
}

/* The last reader died inside a frame, at every byte of it. */
static void
check_resync(void)
{
	uint8_t bytes[3 * WHOLE];

	for (uint32_t n = 0; n < 3; n++)
		write_numbered(bytes + n * WHOLE, n + 1);
	for (size_t cut = 0; cut <= WHOLE; cut += 17) {
		struct rtta_frame_reader *reader;
		struct rtta_frame frame;
		struct rtta_err err = {0};
		uint32_t frames = 0;
		int fds[2];

		CHECK_INT(pipe(fds), 0);
		CHECK_INT(write(fds[1], bytes + cut, sizeof(bytes) - cut),
		    sizeof(bytes) - cut);
		close(fds[1]);
		reader = rtta_frame_reader_new(fds[0]);
		rtta_frame_reader_resync(reader);
		while (rtta_frame_fill(reader, &err) > 0)
			while (rtta_frame_next(reader, &frame, &err) > 0) {
				if (frames++ == 0)
					CHECK_INT(frame.sample, (cut > 0 ? 2 : 1) * 320);
			}
		CHECK_INT(err.exit_code, 0);
		CHECK_INT(frames, cut > 0 ? 2 : 3);
		rtta_frame_reader_free(reader);
		close(fds[0]);
	}
}

/* Writers that died: what a tolerant reader gets of it, in samples. */
static void
check_torn(void)
{
	enum { LARGE = 6400, LARGE_WHOLE = RTTA_FRAME_HEADER_BYTES + LARGE };
	static const struct {
		uint32_t payload, written;   /* of the frame that breaks off */
		uint32_t samples[3];         /* of the frames that come */
	} rows[] = {
		{ LARGE, LARGE_WHOLE, { LARGE / 2, LARGE / 2, LARGE / 2 } },
		{ LARGE, LARGE_WHOLE - 20, { LARGE / 2 - 10, LARGE / 2, LARGE / 2 } },
		{ LARGE, 4096, { 2028, LARGE / 2, LARGE / 2 } },
		{ LARGE, 4097, { 2028, LARGE / 2, LARGE / 2 } },
		{ LARGE, RTTA_FRAME_HEADER_BYTES + 1, { LARGE / 2, LARGE / 2 } },
		{ LARGE, 39, { LARGE / 2, LARGE / 2 } },
	};
	static uint8_t bytes[3 * LARGE_WHOLE];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rtta_frame frame = { .run_id = 1, .rate_hz = 16000, .channels = 1,
		    .payload_bytes = rows[i].payload };
		struct rtta_frame_reader *reader;
		struct rtta_err err = {0};
		int fd = memfd_create("frames", 0), n = 0;

		memset(bytes, 'R', sizeof(bytes));
		for (int k = 0; k < 3; k++, frame.sample += LARGE / 2) {
			rtta_frame_encode(bytes, &frame);
			CHECK(write(fd, bytes, k == 0 ? rows[i].written : LARGE_WHOLE) > 0);
		}
		lseek(fd, 0, SEEK_SET);
		reader = rtta_frame_reader_new(fd);
		rtta_frame_reader_resync(reader);
		while (rtta_frame_fill(reader, &err) > 0)
			while (rtta_frame_next(reader, &frame, &err) > 0 && n < 3)
				CHECK_INT(rtta_frame_samples(&frame), rows[i].samples[n++]);
		CHECK_INT(err.exit_code, 0);
		CHECK_INT(n, rows[i].samples[2] != 0 ? 3 : 2);
		rtta_frame_reader_free(reader);
		close(fd);
	}
}

/* A full pipe: whole frames or nothing, in order, memory bounded. */
static void
check_writer(void)
{
	struct rtta_frame_writer *writer;
	struct rtta_frame_reader *reader;
	struct rtta_frame frame;
	struct rtta_err err = {0};
	uint8_t payload[PAYLOAD];
	uint32_t put = 0, got = 0;
	int fds[2];

	CHECK_INT(pipe2(fds, O_NONBLOCK), 0);
	CHECK(fcntl(fds[1], F_SETPIPE_SZ, 4096) >= 4096);
	writer = rtta_frame_writer_new(fds[1]);
	reader = rtta_frame_reader_new(fds[0]);
	while (got < 5000) {
		while (put < got + 20) {
			frame = numbered(put++, payload);
			rtta_frame_put(writer, &frame);
		}
		CHECK_INT(rtta_frame_flush(writer, &err), 1);
		/* each write leaves whole frames in the pipe */
		CHECK_INT(rtta_frame_pending(writer) % WHOLE, 0);
		CHECK(rtta_frame_pending(writer) > 0);
		for (int i = 0; i < 3; i++) {
			CHECK_INT(rtta_frame_fill(reader, &err), 1);
			while (rtta_frame_next(reader, &frame, &err) > 0) {
				CHECK_INT(frame.sample, got * 320);
				got++;
			}
		}
	}
	/* the reader goes: an end, not an error */
	close(fds[0]);
	CHECK_INT(rtta_frame_flush(writer, &err), 0);
	CHECK_INT(err.exit_code, 0);
	rtta_frame_writer_free(writer);
	rtta_frame_reader_free(reader);
	close(fds[1]);

	writer = rtta_frame_writer_new(open("/dev/full", O_WRONLY | O_CLOEXEC));
	frame = numbered(1, payload);
	rtta_frame_put(writer, &frame);
	CHECK_INT(rtta_frame_flush(writer, &err), -1);
	CHECK_STR(err.text, "write frames: No space left on device");
	rtta_frame_writer_free(writer);
}

/* Frames above PIPE_BUF go out in parts and arrive whole. */
static void
check_large(void)
{
	static uint8_t payload[RTTA_FRAME_MAX_BYTES];
	struct rtta_frame frame = {
		.channels = 2, .rate_hz = 48000, .run_id = 1,
		.payload_bytes = sizeof(payload), .payload = payload,
	};
	struct rtta_frame_writer *writer;
	struct rtta_frame_reader *reader;
	struct rtta_err err = {0};
	int fds[2], got = 0;

	CHECK_INT(pipe2(fds, O_NONBLOCK), 0);
	CHECK(fcntl(fds[1], F_SETPIPE_SZ, 8192) >= 8192);
	writer = rtta_frame_writer_new(fds[1]);
	reader = rtta_frame_reader_new(fds[0]);
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 7);
	rtta_frame_put(writer, &frame);
	rtta_frame_put(writer, &frame);
	for (int frames = 0; frames < 2; frames++) {
		for (got = 0; got == 0;) {
			CHECK_INT(rtta_frame_flush(writer, &err), 1);
			CHECK_INT(rtta_frame_fill(reader, &err), 1);
			got = rtta_frame_next(reader, &frame, &err);
		}
		CHECK_INT(got, 1);
		CHECK(memcmp(frame.payload, payload, sizeof(payload)) == 0);
	}
	rtta_frame_writer_free(writer);
	rtta_frame_reader_free(reader);
	close(fds[0]);
	close(fds[1]);
}

int
main(void)
{
	rtta_log_open("frame");
	rtta_log_set_level(RTTA_LOG_ERROR);
	signal(SIGPIPE, SIG_IGN);
	check_layout();
	check_refused();
	check_pieces();
	check_handover();
	check_resync();
	check_torn();
	check_writer();
	check_large();
	return check_result();
}

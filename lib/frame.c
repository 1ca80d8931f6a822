#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "err.h"
#include "frame.h"
#include "log.h"
#include "mem.h"
#include "position.h"

static const char magic[4] = { 'R', 'T', 'A', 'F' };

enum { VERSION = 1, SAMPLE_BYTES = 2, KNOWN_FLAGS = 31 };

uint32_t
rtta_frame_samples(const struct rtta_frame *frame)
{
	return frame->payload_bytes / (frame->channels * SAMPLE_BYTES);
}

uint64_t
rtta_frame_end(const struct rtta_frame *frame)
{
	return frame->sample + rtta_frame_samples(frame);
}

static void
put32(uint8_t *bytes, uint32_t value)
{
	value = htole32(value);
	memcpy(bytes, &value, sizeof(value));
}

static void
put64(uint8_t *bytes, uint64_t value)
{
	value = htole64(value);
	memcpy(bytes, &value, sizeof(value));
}

static uint32_t
get32(const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return le32toh(value);
}

static uint64_t
get64(const uint8_t *bytes)
{
	uint64_t value;

	memcpy(&value, bytes, sizeof(value));
	return le64toh(value);
}

void
rtta_frame_encode(uint8_t bytes[RTTA_FRAME_HEADER_BYTES],
    const struct rtta_frame *frame)
{
	memcpy(bytes, magic, sizeof(magic));
	bytes[4] = VERSION;
	bytes[5] = RTTA_FRAME_FORMAT_S16LE;
	bytes[6] = frame->channels;
	bytes[7] = frame->flags;
	put32(bytes + 8, frame->rate_hz);
	put32(bytes + 12, frame->payload_bytes);
	put64(bytes + 16, frame->run_id);
	put64(bytes + 24, frame->sample);
	put64(bytes + 32, (uint64_t)frame->capture_ns);
}

int
rtta_frame_decode(struct rtta_frame *frame,
    const uint8_t bytes[RTTA_FRAME_HEADER_BYTES], struct rtta_err *err)
{
	if (memcmp(bytes, magic, sizeof(magic)) != 0)
		return rtta_err_set(err, EX_DATAERR, "not a frame: no RTAF");
	if (bytes[4] != VERSION)
		return rtta_err_set(err, EX_DATAERR, "frame of version %d, "
		    "this program knows %d", bytes[4], VERSION);
	if (bytes[5] != RTTA_FRAME_FORMAT_S16LE)
		return rtta_err_set(err, EX_DATAERR,
		    "frame of unknown format %d", bytes[5]);
	*frame = (struct rtta_frame){
		.channels = bytes[6],
		.flags = bytes[7],
		.rate_hz = get32(bytes + 8),
		.payload_bytes = get32(bytes + 12),
		.run_id = get64(bytes + 16),
		.sample = get64(bytes + 24),
		.capture_ns = (int64_t)get64(bytes + 32),
	};
	if (frame->channels < 1 || frame->channels > RTTA_FRAME_MAX_CHANNELS)
		return rtta_err_set(err, EX_DATAERR, "frame of %d channels, "
		    "limit %d", frame->channels, RTTA_FRAME_MAX_CHANNELS);
	if (frame->flags & ~KNOWN_FLAGS)
		return rtta_err_set(err, EX_DATAERR, "frame with unknown flags "
		    "0x%02x", frame->flags);
	if (frame->rate_hz < RTTA_FRAME_MIN_RATE_HZ ||
	    frame->rate_hz > RTTA_FRAME_MAX_RATE_HZ)
		return rtta_err_set(err, EX_DATAERR, "frame of %u Hz, limits "
		    "%d and %d", frame->rate_hz, RTTA_FRAME_MIN_RATE_HZ,
		    RTTA_FRAME_MAX_RATE_HZ);
	if (frame->payload_bytes > RTTA_FRAME_MAX_BYTES)
		return rtta_err_set(err, EX_DATAERR, "frame of %u bytes, limit "
		    "%d", frame->payload_bytes, RTTA_FRAME_MAX_BYTES);
	if (frame->payload_bytes % (frame->channels * SAMPLE_BYTES) != 0)
		return rtta_err_set(err, EX_DATAERR, "frame of %u bytes, not a "
		    "whole number of samples", frame->payload_bytes);
	if (frame->payload_bytes == 0 && !(frame->flags & RTTA_FRAME_END))
		return rtta_err_set(err, EX_DATAERR,
		    "empty frame that ends no run");
	if (frame->sample > RTTA_SAMPLE_MAX - RTTA_FRAME_MAX_BYTES)
		return rtta_err_set(err, EX_DATAERR,
		    "frame with a sample number beyond 2^53");
	if (frame->capture_ns < 0)
		return rtta_err_set(err, EX_DATAERR, "frame with a time beyond 2^63");
	return 0;
}

struct rtta_frame_reader {
	int fd;
	bool tolerant;     /* its writers may die inside a frame */
	bool searching;    /* for a valid header */
	uint64_t offset;   /* in the input, of data[0] */
	size_t used;       /* bytes in data */
	size_t taken;      /* bytes of the frame that the caller has */
	uint64_t skipped;
	bool told;         /* that there is nothing but bytes to skip */
	/* a frame, and a header that may stand at its end by mistake */
	uint8_t data[2 * RTTA_FRAME_HEADER_BYTES + RTTA_FRAME_MAX_BYTES];
};

struct rtta_frame_reader *
rtta_frame_reader_new(int fd)
{
	struct rtta_frame_reader *reader = rtta_xcalloc(1, sizeof(*reader));

	reader->fd = fd;
	return reader;
}

void
rtta_frame_reader_free(struct rtta_frame_reader *reader)
{
	free(reader);
}

void
rtta_frame_reader_resync(struct rtta_frame_reader *reader)
{
	reader->tolerant = reader->searching = true;
}

size_t
rtta_frame_buffered(const struct rtta_frame_reader *reader)
{
	return reader->used - reader->taken;
}

static void
discard(struct rtta_frame_reader *reader, size_t bytes)
{
	memmove(reader->data, reader->data + bytes, reader->used - bytes);
	reader->used -= bytes;
	reader->offset += bytes;
}

/* Give back what the caller had. */
static void
release(struct rtta_frame_reader *reader)
{
	if (reader->taken > 0)
		discard(reader, reader->taken);
	reader->taken = 0;
}

static bool
is_header(const uint8_t *bytes)
{
	struct rtta_err ignored = {0};
	struct rtta_frame frame;

	return rtta_frame_decode(&frame, bytes, &ignored) == 0;
}

/* So many bytes, maybe less than a header has. */
static bool
may_be_header(const uint8_t *bytes, size_t n)
{
	return n >= RTTA_FRAME_HEADER_BYTES ? is_header(bytes) :
	    memcmp(bytes, magic, n < sizeof(magic) ? n : sizeof(magic)) == 0;
}

/*
 * A frame above PIPE_BUF is written in parts: the next writer's header may
 * stand in what should be its payload.  Where the first one begins that is
 * whole, or may be once more has come; `bytes` when there is none.
 */
static size_t
find_torn(const struct rtta_frame_reader *reader, size_t bytes)
{
	size_t end = reader->used < bytes ? reader->used : bytes;
	const uint8_t *at = reader->data + RTTA_FRAME_HEADER_BYTES;

	if (!reader->tolerant || bytes <= PIPE_BUF)
		return bytes;
	while ((at = memmem(at, (size_t)(reader->data + end - at), magic, sizeof(magic))) != NULL) {
		size_t torn = (size_t)(at - reader->data);

		if (torn + RTTA_FRAME_HEADER_BYTES > reader->used || is_header(at))
			return torn;
		at++;
	}
	return bytes;
}

/* How many bytes the frame at the start of the buffer needs in all. */
static size_t
needed(const struct rtta_frame_reader *reader)
{
	struct rtta_err ignored = {0};
	struct rtta_frame frame;
	size_t bytes, torn;

	if (reader->used < RTTA_FRAME_HEADER_BYTES ||
	    rtta_frame_decode(&frame, reader->data, &ignored) < 0)
		return RTTA_FRAME_HEADER_BYTES;
	bytes = RTTA_FRAME_HEADER_BYTES + frame.payload_bytes;
	torn = find_torn(reader, bytes);
	return torn < bytes ? torn + RTTA_FRAME_HEADER_BYTES : bytes;
}

int
rtta_frame_fill(struct rtta_frame_reader *reader, struct rtta_err *err)
{
	size_t want;
	ssize_t got;

	release(reader);
	want = needed(reader);
	if (reader->used >= want)
		return 1;
	got = read(reader->fd, reader->data + reader->used,
	    want - reader->used);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 1;
	if (got < 0)
		return rtta_err_sys(err, EX_IOERR, "read frames");
	if (got == 0 && reader->skipped > 0 && reader->skipped == reader->offset)
		return rtta_err_set(err, EX_DATAERR, "no frame in the input (%llu bytes)",
		    (unsigned long long)(reader->offset + reader->used));
	if (got == 0 && reader->skipped + reader->used > 0)
		return rtta_err_set(err, EX_DATAERR, "input ends inside a "
		    "frame (%llu bytes left over at offset %llu)",
		    (unsigned long long)(reader->skipped + reader->used),
		    (unsigned long long)(reader->offset - reader->skipped));
	reader->used += (size_t)got;
	return got > 0;
}

/* More than a reader and a writer that died can have left: said once. */
static void
tell_foreign(struct rtta_frame_reader *reader)
{
	if (reader->told || reader->skipped <= 2 * sizeof(reader->data))
		return;
	reader->told = true;
	rtta_log_warn("%llu bytes of input without a frame: frames are what rtta-capture writes",
	    (unsigned long long)reader->skipped);
}

/* Drop bytes until a valid header stands at the start, or may come to. */
static void
skip_to_header(struct rtta_frame_reader *reader)
{
	size_t at = 0;

	while (at < reader->used && !may_be_header(reader->data + at, reader->used - at))
		at++;
	reader->skipped += at;
	discard(reader, at);
	tell_foreign(reader);
	if (reader->used < RTTA_FRAME_HEADER_BYTES)
		return;
	if (reader->skipped == reader->offset && reader->skipped > 0)
		rtta_log_warn("input starts inside a frame: %llu bytes skipped",
		    (unsigned long long)reader->skipped);
	else if (reader->skipped > 0)
		rtta_log_warn("input goes on inside a frame: %llu bytes skipped at offset %llu",
		    (unsigned long long)reader->skipped,
		    (unsigned long long)(reader->offset - reader->skipped));
	reader->searching = reader->told = false;
	reader->skipped = 0;
}

/* Its writer died: what of it came is a frame, if there is a sample in it. */
static int
take_torn(struct rtta_frame_reader *reader, struct rtta_frame *frame, size_t torn)
{
	size_t sample_bytes = frame->channels * (size_t)SAMPLE_BYTES;

	frame->payload_bytes = (uint32_t)((torn - RTTA_FRAME_HEADER_BYTES) / sample_bytes *
	    sample_bytes);
	rtta_log_warn("a frame at offset %llu breaks off: %u bytes of its sound are kept",
	    (unsigned long long)reader->offset, frame->payload_bytes);
	reader->taken = torn;
	return frame->payload_bytes > 0;
}

int
rtta_frame_next(struct rtta_frame_reader *reader, struct rtta_frame *frame,
    struct rtta_err *err)
{
	struct rtta_err bad = {0};
	size_t bytes, torn;

	release(reader);
	reader->searching |= reader->tolerant && reader->used >= RTTA_FRAME_HEADER_BYTES &&
	    !is_header(reader->data);
	if (reader->searching)
		skip_to_header(reader);
	if (reader->used < RTTA_FRAME_HEADER_BYTES)
		return 0;
	if (rtta_frame_decode(frame, reader->data, &bad) < 0)
		return rtta_err_set(err, bad.exit_code, "%s, at offset %llu",
		    bad.text, (unsigned long long)reader->offset);
	bytes = RTTA_FRAME_HEADER_BYTES + frame->payload_bytes;
	torn = find_torn(reader, bytes);
	if (reader->used < bytes && torn >= reader->used)
		return 0;
	if (torn < bytes && torn + RTTA_FRAME_HEADER_BYTES > reader->used)
		return 0;
	frame->payload = reader->data + RTTA_FRAME_HEADER_BYTES;
	if (torn < bytes)
		return take_torn(reader, frame, torn);
	reader->taken = bytes;
	return 1;
}

struct rtta_frame_writer {
	int fd;
	uint8_t *data;
	size_t used, room;
	size_t written;    /* of the used bytes */
	size_t committed;  /* end of the write that is under way */
};

struct rtta_frame_writer *
rtta_frame_writer_new(int fd)
{
	struct rtta_frame_writer *writer = rtta_xcalloc(1, sizeof(*writer));

	writer->fd = fd;
	return writer;
}

void
rtta_frame_writer_free(struct rtta_frame_writer *writer)
{
	if (writer == NULL)
		return;
	free(writer->data);
	free(writer);
}

/* What is written makes room before memory does. */
static void
reclaim(struct rtta_frame_writer *writer)
{
	memmove(writer->data, writer->data + writer->written,
	    writer->used - writer->written);
	writer->used -= writer->written;
	writer->committed -= writer->written;
	writer->written = 0;
}

void
rtta_frame_put(struct rtta_frame_writer *writer, const struct rtta_frame *frame)
{
	size_t bytes = RTTA_FRAME_HEADER_BYTES + frame->payload_bytes;

	assert(frame->payload_bytes <= RTTA_FRAME_MAX_BYTES);
	if (writer->used + bytes > writer->room && writer->written > 0)
		reclaim(writer);
	if (writer->used + bytes > writer->room) {
		writer->room = 2 * writer->room + bytes;
		writer->data = rtta_xreallocarray(writer->data, writer->room, 1);
	}
	rtta_frame_encode(writer->data + writer->used, frame);
	if (frame->payload_bytes > 0)
		memcpy(writer->data + writer->used + RTTA_FRAME_HEADER_BYTES,
		    frame->payload, frame->payload_bytes);
	writer->used += bytes;
}

size_t
rtta_frame_pending(const struct rtta_frame_writer *writer)
{
	return writer->used - writer->written;
}

/*
 * The bytes of the next write: what is left of the last one, else whole
 * frames up to PIPE_BUF, else one frame.
 */
static size_t
next_write(struct rtta_frame_writer *writer)
{
	size_t end = writer->committed, more;

	if (end > writer->written)
		return end - writer->written;
	while (end < writer->used) {
		more = RTTA_FRAME_HEADER_BYTES + get32(writer->data + end + 12);
		if (end > writer->written &&
		    end + more - writer->written > PIPE_BUF)
			break;
		end += more;
	}
	writer->committed = end;
	return end - writer->written;
}

int
rtta_frame_flush(struct rtta_frame_writer *writer, struct rtta_err *err)
{
	ssize_t put;

	while (rtta_frame_pending(writer) > 0) {
		put = write(writer->fd, writer->data + writer->written,
		    next_write(writer));
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0 && errno == EAGAIN)
			return 1;
		if (put < 0 && errno == EPIPE)
			return 0;
		if (put < 0)
			return rtta_err_sys(err, EX_IOERR, "write frames");
		writer->written += (size_t)put;
	}
	writer->used = writer->written = writer->committed = 0;
	return 1;
}

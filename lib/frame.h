/*
 * frame - the record that flows between tools on stdin and stdout.
 *
 * A frame is a 40-byte little-endian header and a payload of at most
 * RTTA_FRAME_MAX_BYTES of interleaved s16le PCM; rtta-frame(5) has the
 * table.  This module turns a byte stream into frames and frames into
 * bytes.  It knows nothing of the bus.  A reader or writer belongs to one
 * thread.
 */
#ifndef RTTA_FRAME_H
#define RTTA_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rtta_err;

enum {
	RTTA_FRAME_HEADER_BYTES = 40,
	RTTA_FRAME_MAX_BYTES = 32768,
	RTTA_FRAME_MAX_CHANNELS = 8,
	RTTA_FRAME_MIN_RATE_HZ = 8000,
	RTTA_FRAME_MAX_RATE_HZ = 48000,
	RTTA_FRAME_FORMAT_S16LE = 1,
	RTTA_FRAME_PIPE_BYTES = 1 << 20   /* what F_SETPIPE_SZ is asked for */
};

enum rtta_frame_flag {
	RTTA_FRAME_LOST = 1,        /* samples are missing before this frame */
	RTTA_FRAME_END = 2,         /* the run ends here; payload may be empty */
	RTTA_FRAME_CONTIGUOUS = 4,  /* this run follows the one before without loss */
	RTTA_FRAME_UNTAKEN = 8,     /* with LOST: because frames were not taken in time */
	RTTA_FRAME_GONE = 16        /* with END: because the device went away */
};

struct rtta_frame {
	uint64_t run_id;         /* random, once per run */
	uint64_t sample;         /* number of the first sample in the run */
	int64_t capture_ns;      /* CLOCK_REALTIME of the first sample */
	uint32_t rate_hz;
	uint32_t payload_bytes;  /* a whole number of samples */
	uint8_t channels;
	uint8_t flags;           /* enum rtta_frame_flag */
	uint8_t *payload;        /* borrowed: see rtta_frame_next() */
};

/* Samples (instants, not values) in the payload. */
uint32_t rtta_frame_samples(const struct rtta_frame *frame);

/* The first sample behind the frame. */
uint64_t rtta_frame_end(const struct rtta_frame *frame);

/* Write the header of *frame to bytes. */
void rtta_frame_encode(uint8_t bytes[RTTA_FRAME_HEADER_BYTES],
    const struct rtta_frame *frame);

/*
 * Read a header; payload stays NULL.  0, or -1 with EX_DATAERR and the
 * field that is wrong.
 */
int rtta_frame_decode(struct rtta_frame *frame,
    const uint8_t bytes[RTTA_FRAME_HEADER_BYTES], struct rtta_err *err);

struct rtta_frame_reader;

/* A reader of fd, which stays the caller's. */
struct rtta_frame_reader *rtta_frame_reader_new(int fd);
void rtta_frame_reader_free(struct rtta_frame_reader *reader);

/*
 * fd is a FIFO, and who wrote to it, or read it before, may die inside a
 * frame: skip to the next valid header instead of failing, keep what of a
 * frame had been written, and log both.  Call before the first fill.
 */
void rtta_frame_reader_resync(struct rtta_frame_reader *reader);

/*
 * One read(2), and never past the frame that is needed next: what is not
 * taken stays in the pipe for the next reader.  Blocks only if fd does.
 * 1: bytes or EAGAIN, 0: end of input, -1: EX_IOERR, or EX_DATAERR when
 * the input ends inside a frame.
 */
int rtta_frame_fill(struct rtta_frame_reader *reader, struct rtta_err *err);

/*
 * Take the next whole frame out of the buffer; never blocks.
 * 1 with *frame filled, 0 when more bytes are needed, -1 with EX_DATAERR
 * and the offset in the input.  frame->payload points into the reader: the
 * caller may change it in place; valid until the next call on this reader.
 */
int rtta_frame_next(struct rtta_frame_reader *reader, struct rtta_frame *frame,
    struct rtta_err *err);

/* Bytes read that are not yet part of a frame that was taken. */
size_t rtta_frame_buffered(const struct rtta_frame_reader *reader);

struct rtta_frame_writer;

/* A writer to fd, which stays the caller's.  Buffers without limit: look at
 * rtta_frame_pending() before putting more. */
struct rtta_frame_writer *rtta_frame_writer_new(int fd);
void rtta_frame_writer_free(struct rtta_frame_writer *writer);
void rtta_frame_put(struct rtta_frame_writer *writer, const struct rtta_frame *frame);

/* Bytes that wait to be written. */
size_t rtta_frame_pending(const struct rtta_frame_writer *writer);

/*
 * Write what can be written now; a frame of at most PIPE_BUF bytes goes in
 * one write(2).  1: written or EAGAIN, 0: the reader has gone, -1: EX_IOERR.
 */
int rtta_frame_flush(struct rtta_frame_writer *writer, struct rtta_err *err);

#endif

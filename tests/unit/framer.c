#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "err.h"
#include "frame.h"
#include "framer.h"

static const int64_t T0_NS = 1700000000000000000;

struct line {
	struct rtta_framer *framer;
	struct rtta_frame_writer *out;
	struct rtta_frame_reader *in;
	int fds[2];
};

static void
open_line(struct line *line)
{
	CHECK_INT(pipe2(line->fds, O_NONBLOCK), 0);
	line->in = rtta_frame_reader_new(line->fds[0]);
	line->out = rtta_frame_writer_new(line->fds[1]);
	line->framer = rtta_framer_new(line->out);
}

static void
close_line(struct line *line)
{
	rtta_framer_free(line->framer);
	rtta_frame_writer_free(line->out);
	rtta_frame_reader_free(line->in);
	close(line->fds[0]);
	close(line->fds[1]);
}

/* Add samples that are numbered from first; how many frames that made. */
static int
add(struct line *line, size_t samples, int16_t first)
{
	int frames = 0;

	while (samples > 0) {
		size_t room;
		int16_t *values = rtta_framer_room(line->framer, &room);
		size_t part = samples < room ? samples : room;

		for (size_t i = 0; i < part; i++)
			values[i] = first++;
		frames += rtta_framer_add(line->framer, part) != NULL;
		samples -= part;
	}
	return frames;
}

/* The next frame that comes out. */
static void
expect(struct line *line, uint64_t run, uint64_t sample, uint32_t samples,
    int flags, int16_t first)
{
	struct rtta_err err = {0};
	struct rtta_frame frame;
	int got = 0;

	CHECK_INT(rtta_frame_flush(line->out, &err), 1);
	for (int i = 0; i < 3 && got == 0; i++)
		if (rtta_frame_fill(line->in, &err) > 0)
			got = rtta_frame_next(line->in, &frame, &err);
	CHECK_INT(got, 1);
	if (got != 1)
		return;
	CHECK_INT(frame.run_id, run);
	CHECK_INT(frame.sample, sample);
	CHECK_INT(rtta_frame_samples(&frame), samples);
	CHECK_INT(frame.flags, flags);
	CHECK_INT(frame.capture_ns, T0_NS + (int64_t)sample * 1000000 / 16);
	if (samples > 0)
		CHECK_INT(((int16_t *)(void *)frame.payload)[0], first);
}

static void
expect_nothing(struct line *line)
{
	struct rtta_err err = {0};
	struct rtta_frame frame;

	CHECK_INT(rtta_frame_fill(line->in, &err), 1);
	CHECK_INT(rtta_frame_next(line->in, &frame, &err), 0);
}

static void
begin(struct line *line, uint64_t run, bool contiguous)
{
	rtta_framer_begin(line->framer, run, 16000, 1, 20, contiguous);
	rtta_framer_start_clock(line->framer, 5000, T0_NS);
}

static void
check_runs(void)
{
	struct line line;

	open_line(&line);
	begin(&line, 7, false);
	CHECK_INT(add(&line, 400, 1), 1);
	expect(&line, 7, 0, 320, 0, 1);
	expect_nothing(&line);
	rtta_framer_end(line.framer, false);
	expect(&line, 7, 320, 80, 0, 321);
	expect(&line, 7, 400, 0, RTTA_FRAME_END, 0);

	begin(&line, 8, true);
	CHECK_INT(add(&line, 320, 1), 1);
	expect(&line, 8, 0, 320, RTTA_FRAME_CONTIGUOUS, 1);
	CHECK_INT(add(&line, 320, 321), 1);
	expect(&line, 8, 320, 320, 0, 321);
	rtta_framer_end(line.framer, false);
	expect(&line, 8, 640, 0, RTTA_FRAME_END, 0);
	close_line(&line);
}

static void
check_break(void)
{
	struct line line;

	open_line(&line);
	begin(&line, 7, false);
	add(&line, 100, 1);
	rtta_framer_cut(line.framer);
	CHECK_INT(rtta_framer_missing(line.framer, 5000 + 6 + 1000), 15996);
	rtta_framer_lose(line.framer, 1000);
	expect(&line, 7, 0, 100, 0, 1);
	add(&line, 320, 1);
	expect(&line, 7, 1100, 320, RTTA_FRAME_LOST, 1);

	/* lost, and then the run ends: the end says so */
	rtta_framer_lose(line.framer, 500);
	rtta_framer_end(line.framer, false);
	expect(&line, 7, 1920, 0, RTTA_FRAME_LOST | RTTA_FRAME_END, 0);
	close_line(&line);
}

static void
check_dropping(void)
{
	struct line line;
	struct rtta_err err = {0};

	open_line(&line);
	begin(&line, 7, false);
	/* the first frame waits in the writer; what comes then is lost */
	CHECK_INT(add(&line, 320 * 5, 1), 5);
	CHECK(rtta_framer_dropping(line.framer));
	CHECK_INT(rtta_framer_dropped(line.framer), 320 * 4);
	expect(&line, 7, 0, 320, 0, 1);
	add(&line, 320, 9);
	CHECK(!rtta_framer_dropping(line.framer));
	expect(&line, 7, 1600, 320, RTTA_FRAME_LOST | RTTA_FRAME_UNTAKEN, 9);
	add(&line, 320, 9);
	expect(&line, 7, 1920, 320, 0, 9);

	/* a run whose beginning was lost does not follow without loss */
	rtta_framer_end(line.framer, false);
	begin(&line, 8, true);
	add(&line, 320, 1);
	add(&line, 10, 3);
	rtta_framer_end(line.framer, false);
	expect(&line, 7, 2240, 0, RTTA_FRAME_END, 0);
	expect(&line, 8, 320, 10, RTTA_FRAME_LOST | RTTA_FRAME_UNTAKEN, 3);
	expect(&line, 8, 330, 0, RTTA_FRAME_END, 0);

	/* nor one before whose beginning sound was lost */
	begin(&line, 9, false);
	add(&line, 640, 1);
	begin(&line, 10, true);
	CHECK_INT(rtta_frame_flush(line.out, &err), 1);
	add(&line, 320, 1);
	expect(&line, 9, 0, 320, 0, 1);
	expect(&line, 10, 0, 320, 0, 1);
	close_line(&line);
}

/* As many samples as 32768 bytes hold, whatever was asked for. */
static void
check_largest(void)
{
	struct rtta_framer *framer = rtta_framer_new(NULL);
	size_t room;

	rtta_framer_begin(framer, 1, 48000, 8, 200, false);
	rtta_framer_start_clock(framer, 0, T0_NS);
	rtta_framer_room(framer, &room);
	CHECK_INT(room, 2048);
	rtta_framer_add(framer, 100);
	rtta_framer_room(framer, &room);
	CHECK_INT(room, 1948);
	CHECK_INT(rtta_framer_add(framer, room)->payload_bytes,
	    RTTA_FRAME_MAX_BYTES);
	rtta_framer_free(framer);
}

int
main(void)
{
	check_runs();
	check_break();
	check_dropping();
	check_largest();
	return check_result();
}

/*
 * lane - with an engine that is not there and a fallback: what the fallback
 * hears is stored after the copies for the second pass, and without them when
 * they cannot be.  (The lane on the bus: tests/bats/stt.bats, fallback.bats.)
 */
#include <stdlib.h>
#include <unistd.h>

#include "audio.h"
#include "book.h"
#include "check.h"
#include "clock.h"
#include "draft.h"
#include "err.h"
#include "frame.h"
#include "lane.h"
#include "log.h"
#include "profile.h"

enum { FRAMES = 60, FINAL = 25, PATIENCE_MS = 60000 };

struct run {
	struct rtta_profile *engine, *fallback;
	struct rtta_lane_config config;
	struct rtta_books books;
	struct rtta_lane *lane;
	int interims, finals, moves;
	struct rtta_span spans[FRAMES];
};

/* Numbered frames of one session into the lane. */
static void
take_frames(struct run *run)
{
	FILE *pipe = popen("numbered gen -n 60", "r");
	struct rtta_frame_reader *reader = rtta_frame_reader_new(fileno(pipe));
	struct rtta_audio audio = { .lane = RTTA_AUDIO_LIVE, .session = "S", .rev = 1 };
	struct rtta_err err = {0};

	while (rtta_frame_fill(reader, &err) > 0)
		while (rtta_frame_next(reader, &audio.frame, &err) > 0)
			rtta_lane_take(run->lane, &audio, "reply");
	rtta_frame_reader_free(reader);
	pclose(pipe);
}

static void
pump(struct run *run)
{
	struct rtta_draft *draft;
	struct rtta_move move;
	struct rtta_err err = {0};

	CHECK_INT(rtta_lane_pump(run->lane, 0, &err), 0);
	while ((draft = rtta_lane_next_draft(run->lane)) != NULL) {
		run->interims += !draft->record.is_final;
		run->finals += draft->record.is_final;
		CHECK_STR(draft->record.engine, "numbered");
		rtta_draft_free(draft);
	}
	while (rtta_lane_next_move(run->lane, &move)) {
		CHECK_INT(move.audio.rev, 2);
		CHECK_STR(move.audio.job, "better-0000000000000001-0");
		CHECK(move.better && !move.audio.eos);
		if (run->moves < FRAMES)
			run->spans[run->moves++] = rtta_audio_span(&move.audio);
	}
	usleep(1000);
}

static void
test_copies_first(bool stored)
{
	struct run run = {
		.engine = rtta_profile_exec("no-such-program", 16000),
		.fallback = rtta_profile_exec("numbered hear --words --interim 10", 16000),
	};
	int64_t late_ms = rtta_clock_mono_ms() + PATIENCE_MS;

	run.config = (struct rtta_lane_config){ .profile = run.engine, .fallback = run.fallback,
	    .idle_ms = 0, .patience_ms = 1000, .return_ms = 1000 };
	rtta_books_init(&run.books);
	rtta_book_tell(rtta_books_get(&run.books, "S"), 0);
	run.lane = rtta_lane_new(&run.config, &run.books);
	take_frames(&run);
	pump(&run);
	run.config.edge_ms = 1;  /* now that it is in doubt, no backlog moves */
	/* An interim text behind two finals: those are kept back. */
	while (run.interims < 5 && rtta_clock_mono_ms() < late_ms)
		pump(&run);
	CHECK_INT(run.moves, FRAMES);
	CHECK_INT(run.finals, 0);
	for (int i = 0; i < FINAL; i++)
		rtta_lane_bettered(run.lane, run.books.first, run.spans[i], stored);
	pump(&run);
	CHECK_INT(run.finals, 1);
	CHECK(!rtta_lane_settled(run.lane));
	rtta_lane_free(run.lane);
	rtta_books_done(&run.books);
	rtta_profile_free(run.engine);
	rtta_profile_free(run.fallback);
}

int
main(void)
{
	rtta_log_open("lane");
	test_copies_first(true);
	test_copies_first(false);
	return check_result();
}

/*
 * pause - drawings of loudness and where they are cut; and random speech, of
 * which no word is cut in two as long as it has a pause.
 */
#include <stdint.h>
#include <stdlib.h>

#include "check.h"
#include "pause.h"

enum { MS = 20, MOST = 1000 };

/*
 * In 20 ms: s speech, m weaker speech, q the room, 0 digital zero; a number
 * in front repeats.  | is where the search begins.
 */
static size_t
draw(const char *drawing, double speech_db, double room_db, struct rtta_pause_frame *frames,
    size_t *from)
{
	size_t count = 0;

	for (; *drawing != '\0'; drawing++) {
		char *end;
		long times = strtol(drawing, &end, 10);

		if (*end == '\0' || (*drawing == '0' && times == 0)) {
			frames[count++] = (struct rtta_pause_frame){ -120, MS * 1000000 };
			continue;
		}
		if (end == drawing)
			times = 1;
		drawing = end;
		if (*drawing == '|') {
			*from = count;
			continue;
		}
		while (times-- > 0)
			frames[count++] = (struct rtta_pause_frame){
				*drawing == 's' ? speech_db : *drawing == 'm' ? speech_db - 8 :
				*drawing == 'q' ? room_db : -120, MS * 1000000 };
	}
	return count;
}

static const struct row {
	const char *drawing;
	int at;          /* -1: wait for more */
	double speech_db, room_db;
} rows[] = {
	/* a pause of 240 ms, in its middle; in a quiet and in a noisy recording */
	{ "100s|5s12q", 111, -20, -60 },
	{ "100s|5s12q", 111, -45, -75 },
	{ "100s|5s12q", 111, -15, -30 },
	{ "100s|5s11q", -1, -20, -60 },
	/* what came before the search counts as pause, but cannot be cut */
	{ "100s8q|6q", 108, -20, -60 },
	{ "100s8q|5q", -1, -20, -60 },
	{ "100s2q|9q", -1, -20, -60 },
	{ "100s2q|10q", 106, -20, -60 },
	/* the closure of a consonant is none */
	{ "100s20q50s|10s4q30s", -1, -20, -60 },
	/* after a second 200 ms will do, after two 160, after three 120 */
	{ "100s|10s10q29s", -1, -20, -60 },
	{ "100s|10s10q30s", 115, -20, -60 },
	{ "100s|10s8q82s", 114, -20, -60 },
	{ "100s|10s6q133s", -1, -20, -60 },
	{ "100s|10s6q134s", 113, -20, -60 },
	/* at the end the longest, if it is one, else where it is weakest */
	{ "100s|10s4q30s5q150s", -1, -20, -60 },
	{ "100s|10s4q30s6q150s", 147, -20, -60 },
	{ "100s|10s3q30s6m151s", 111, -20, -60 },
	{ "100s|60s6m134s", 163, -20, -60 },
	/* a room in which nobody speaks */
	{ "100q|6q", 100, -20, -60 },
	{ "|11q", -1, -20, -60 },
	{ "|12q", 6, -20, -60 },
	/* noise without a word, then speech: it was a pause */
	{ "400q|10q40s", 400, -10, -30 },
};

static void
test_rows(void)
{
	struct rtta_pause_frame frames[MOST];
	size_t count, from = 0, at = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		int got = -1;

		count = draw(row->drawing, row->speech_db, row->room_db, frames, &from);
		if (rtta_pause_find(frames, count, from, false, &at))
			got = (int)at;
		if (got != row->at) {
			check_failures++;
			fprintf(stderr, "%s: at %d, want %d\n", row->drawing, got, row->at);
		}
	}
}

/* With must there is an answer, whatever came; also of long frames. */
static void
test_must(void)
{
	static const struct rtta_pause_frame frames[] = {
		{ -20, 200000000 }, { -20, 200000000 }, { -50, 200000000 }, { -20, 200000000 },
	};
	size_t at = 9;

	CHECK(rtta_pause_find(frames, 1, 0, true, &at));
	CHECK_INT(at, 0);
	CHECK(rtta_pause_find(frames, 4, 1, true, &at));
	CHECK_INT(at, 2);
	CHECK(!rtta_pause_find(frames, 4, 1, false, &at));
}

static uint32_t
number(uint32_t *seed, uint32_t below)
{
	*seed = *seed * 1103515245 + 12345;
	return *seed / 65536 % below;
}

/* Words of 200 to 800 ms with closures up to 60 ms, two to five in a breath;
 * marks[i]: frame i is within a breath. */
static void
speak(uint32_t *seed, double speech_db, double room_db, struct rtta_pause_frame *frames,
    bool *marks)
{
	uint32_t left = 0, closure = 0, voiced = 0, rest = 0;

	for (size_t i = 0; i < MOST; i++) {
		if (left == 0 && rest == 0) {
			left = 40 + number(seed, 80);
			rest = 13 + number(seed, 20);
		}
		marks[i] = left > 0;
		if (left == 0) {
			rest--;
		} else if (closure > 0) {
			closure--;
			voiced = 0;
		} else if (voiced++ > 3 && number(seed, 10) == 0) {
			closure = number(seed, 4);
		}
		frames[i] = (struct rtta_pause_frame){ (marks[i] && closure == 0 ? speech_db -
		    number(seed, 10) : room_db) + number(seed, 3), MS * 1000000 };
		if (left > 0 && --left == 0)
			closure = 0;
	}
}

static void
test_speech(void)
{
	struct rtta_pause_frame frames[MOST];
	bool marks[MOST];
	uint32_t seed = 1;
	size_t at, count;

	for (int round = 0; round < 500; round++) {
		double speech_db = -10 - number(&seed, 30);
		size_t from = 500 + number(&seed, 250);

		speak(&seed, speech_db, speech_db - 20 - number(&seed, 30), frames, marks);
		for (count = from + 1; !rtta_pause_find(frames, count, from, false, &at); count++)
			;
		CHECK(at >= from && at < count && count - from <= 200);
		if (marks[at] || (marks[at - 1] && at > from)) {
			check_failures++;
			fprintf(stderr, "round %d: from %zu at %zu is in a word\n", round, from, at);
		}
	}
}

int
main(void)
{
	test_rows();
	test_must();
	test_speech();
	return check_result();
}

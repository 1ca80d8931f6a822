/*
 * utterance: what follows from lines of voice.  Times in the tables are
 * milliseconds; a listener that hears in steps of 128 ms is played.
 */
#include <math.h>
#include <stdlib.h>

#include "check.h"
#include "utterance.h"

enum { MS = 16, STEP_MS = 128 };

static const struct rtta_utterance_limits limits = {
	.join = 800 * MS, .max = 12000 * MS, .interim = 1000 * MS,
	.look_behind = 8192, .hop = 512
};

struct voice {
	int from_ms, to_ms;      /* as the listener draws its lines */
};

struct seen {
	int finals, interims, cuts, speeches, settled;
	int64_t first[32], last[32];
	int64_t settled_last, longest_untold;
	int64_t interim_until;
	int rest_interims;       /* interims told while there was no voice */
};

/* Take all actions, and check what holds for any sequence of them. */
static void
take(struct rtta_utterance *utterance, struct seen *seen, int64_t now)
{
	struct rtta_utterance_action action;

	for (int i = 0; ; i++) {
		action = rtta_utterance_next(utterance);
		switch (action.kind) {
		case RTTA_UTTERANCE_NONE:
			return;
		case RTTA_UTTERANCE_SPEECH:
			seen->speeches++;
			CHECK(action.first >= seen->settled_last);
			break;
		case RTTA_UTTERANCE_INTERIM:
			seen->interims++;
			CHECK(action.first >= seen->settled_last);
			CHECK(action.last > action.first && action.last <= now);
			break;
		case RTTA_UTTERANCE_FINAL:
			CHECK(action.last > action.first && action.last <= now);
			CHECK(action.last - action.first <=
			    utterance->limits.max + STEP_MS * MS);
			CHECK(action.first >= seen->settled_last);
			if (seen->finals > 0)
				CHECK(action.first >= seen->last[seen->finals - 1]);
			if (seen->finals < 32) {
				seen->first[seen->finals] = action.first;
				seen->last[seen->finals++] = action.last;
			}
			break;
		case RTTA_UTTERANCE_CUT:
			seen->cuts++;
			rtta_utterance_cut(utterance,
			    (action.first + action.last) / 2);
			break;
		case RTTA_UTTERANCE_SETTLED:
			seen->settled++;
			CHECK(action.last >= seen->settled_last);
			CHECK(action.last <= now);
			seen->settled_last = action.last;
			break;
		}
		if (i > 100) {
			CHECK(!"an end of actions");
			return;
		}
	}
}

/* Play lines of voice to an utterance; count ends at a from of -1. */
static struct seen
play(const struct rtta_utterance_limits *with, const struct voice *voices,
    int end_ms)
{
	struct rtta_utterance utterance;
	struct seen seen = {0};

	rtta_utterance_init(&utterance, with);
	for (int now_ms = STEP_MS; now_ms <= end_ms; now_ms += STEP_MS) {
		int64_t now = (int64_t)now_ms * MS;

		rtta_utterance_heard(&utterance, now);
		for (int i = 0; voices[i].from_ms >= 0; i++) {
			const struct voice *voice = &voices[i];
			bool ends = voice->to_ms <= now_ms;
			struct rtta_utterance_line line = {
				(int64_t)voice->from_ms * MS,
				ends ? (int64_t)voice->to_ms * MS : now, ends
			};

			/* found half a second after it began */
			if (voice->from_ms + 512 > now_ms ||
			    voice->to_ms <= now_ms - STEP_MS)
				continue;
			rtta_utterance_line(&utterance, &line);
			take(&utterance, &seen, now);
		}
		take(&utterance, &seen, now);
		if (!utterance.is_open &&
		    now - seen.settled_last > seen.longest_untold)
			seen.longest_untold = now - seen.settled_last;
	}
	rtta_utterance_finish(&utterance, (int64_t)end_ms * MS);
	take(&utterance, &seen, (int64_t)end_ms * MS);
	CHECK_INT(seen.settled_last, (int64_t)end_ms * MS);
	return seen;
}

#define PLAY(with, end_ms, ...)						\
	play(with, (const struct voice[]){ __VA_ARGS__, { -1, -1 } }, end_ms)

static void
test_silence(void)
{
	struct seen seen = PLAY(&limits, 60000, { 90000, 90000 });

	CHECK_INT(seen.finals, 0);
	CHECK_INT(seen.speeches, 0);
	CHECK(seen.settled >= 50);
	CHECK(seen.longest_untold <= 2000 * MS);
}

static void
test_one(void)
{
	struct seen seen = PLAY(&limits, 10000, { 1000, 4000 });

	CHECK_INT(seen.finals, 1);
	CHECK_INT(seen.first[0], 1000 * MS);
	CHECK_INT(seen.last[0], 4000 * MS);
	CHECK_INT(seen.speeches, 1);
	CHECK(seen.interims >= 2);
}

static void
test_join(void)
{
	struct seen seen = PLAY(&limits, 10000, { 1000, 2000 }, { 2100, 4000 });

	CHECK_INT(seen.finals, 1);
	CHECK_INT(seen.last[0], 4000 * MS);
	seen = PLAY(&limits, 10000, { 1000, 2000 }, { 3500, 4500 });
	CHECK_INT(seen.finals, 2);
	CHECK_INT(seen.last[0], 2000 * MS);
	CHECK_INT(seen.first[1], 3500 * MS);
}

/* Lines of the listener overlap a little; what is told never does. */
static void
test_overlap(void)
{
	struct rtta_utterance_limits no_join = limits;
	struct seen seen;

	no_join.join = 0;
	seen = PLAY(&no_join, 10000, { 1000, 2000 }, { 1900, 3000 });
	CHECK_INT(seen.finals, 2);
	CHECK_INT(seen.last[0], 2000 * MS);
	CHECK_INT(seen.first[1], 2000 * MS);
}

/* A pause that joins early in an utterance ends it when it is long. */
static void
test_long(void)
{
	struct seen seen = PLAY(&limits, 20000, { 0, 10900 }, { 11200, 14000 });

	CHECK_INT(seen.finals, 2);
	CHECK_INT(seen.last[0], 10900 * MS);
	CHECK_INT(seen.cuts, 0);
}

static void
test_endless(void)
{
	struct seen seen = PLAY(&limits, 60000, { 0, 90000 });

	CHECK(seen.cuts >= 4);
	CHECK(seen.finals >= 5);
	CHECK_INT(seen.first[0], 0);
	for (int i = 1; i < seen.finals; i++)
		CHECK_INT(seen.first[i], seen.last[i - 1]);
	CHECK_INT(seen.last[seen.finals - 1], 60000 * MS);
}

static void
test_no_interim(void)
{
	struct rtta_utterance_limits none = limits;
	struct seen seen;

	none.interim = 0;
	seen = PLAY(&none, 20000, { 1000, 15000 });
	CHECK_INT(seen.interims, 0);
	CHECK_INT(seen.finals, 2);
}

/* The listener begins anew while there is voice: nothing is lost. */
static void
test_rotate(void)
{
	struct rtta_utterance utterance;
	struct rtta_utterance_line line = { 16000, 48000, false };
	struct seen seen = {0};

	rtta_utterance_init(&utterance, &limits);
	rtta_utterance_heard(&utterance, 48000);
	rtta_utterance_line(&utterance, &line);
	take(&utterance, &seen, 48000);
	CHECK(!rtta_utterance_is_silent(&utterance, 0));
	rtta_utterance_rotate(&utterance);
	rtta_utterance_heard(&utterance, 52096);
	take(&utterance, &seen, 52096);
	line = (struct rtta_utterance_line){ 48000, 56192, true };
	rtta_utterance_heard(&utterance, 56192);
	rtta_utterance_line(&utterance, &line);
	take(&utterance, &seen, 56192);
	rtta_utterance_heard(&utterance, 80000);
	take(&utterance, &seen, 80000);
	CHECK_INT(seen.finals, 1);
	CHECK_INT(seen.first[0], 16000);
	CHECK_INT(seen.last[0], 56192);
	CHECK(rtta_utterance_is_silent(&utterance, 16000));

	/* and in silence: the line reaches back behind the rotation */
	line = (struct rtta_utterance_line){ 80000, 82048, false };
	rtta_utterance_heard(&utterance, 82048);
	rtta_utterance_line(&utterance, &line);
	take(&utterance, &seen, 82048);
	CHECK_INT(utterance.first, 82048 - 8192);
}

static void
test_hold_interim(void)
{
	struct rtta_utterance utterance;
	struct rtta_utterance_line line = { 0, 16000, false };

	rtta_utterance_init(&utterance, &limits);
	rtta_utterance_heard(&utterance, 16000);
	rtta_utterance_line(&utterance, &line);
	CHECK_INT(rtta_utterance_next(&utterance).kind, RTTA_UTTERANCE_SPEECH);
	CHECK_INT(rtta_utterance_next(&utterance).kind, RTTA_UTTERANCE_INTERIM);
	rtta_utterance_hold_interim(&utterance, 32000);
	for (line.last = 18000; line.last < 48000; line.last += 2000) {
		rtta_utterance_heard(&utterance, line.last);
		rtta_utterance_line(&utterance, &line);
		CHECK_INT(rtta_utterance_next(&utterance).kind,
		    RTTA_UTTERANCE_NONE);
	}
	rtta_utterance_heard(&utterance, 48000);
	rtta_utterance_line(&utterance, &line);
	CHECK_INT(rtta_utterance_next(&utterance).kind, RTTA_UTTERANCE_INTERIM);
}

/* The last step is filled up with silence, and the listener's line goes into it. */
static void
test_filled_up(void)
{
	struct rtta_utterance utterance;
	struct rtta_utterance_line line = { 1000 * MS, 5024 * MS, true };
	struct seen seen = {0};

	rtta_utterance_init(&utterance, &limits);
	rtta_utterance_heard(&utterance, 5024 * MS);
	rtta_utterance_line(&utterance, &line);
	take(&utterance, &seen, 5024 * MS);
	rtta_utterance_finish(&utterance, 5000 * MS);
	take(&utterance, &seen, 5000 * MS);
	CHECK_INT(seen.finals, 1);
	CHECK_INT(seen.last[0], 5000 * MS);
}

/* Any sequence of lines: take() checks that nothing overlaps or goes back. */
static void
test_random(void)
{
	srand(1);
	for (int i = 0; i < 300; i++) {
		struct voice voices[12] = {0};
		struct rtta_utterance_limits with = limits;
		int at_ms = 0, count = rand() % 11;

		with.join = rand() % 2000 * MS;
		with.max = (3000 + rand() % 15000) * MS;
		for (int j = 0; j < count; j++) {
			int gap_ms = rand() % 2500 - 200;

			voices[j].from_ms = at_ms + gap_ms < 0 ? 0 : at_ms + gap_ms;
			at_ms = voices[j].from_ms + 520 + rand() % 9000;
			voices[j].to_ms = at_ms;
		}
		voices[count].from_ms = -1;
		play(&with, voices, at_ms + rand() % 3000 - 500 < 200 ? 200 :
		    at_ms + rand() % 3000);
	}
}

static void
test_quietest(void)
{
	static float pcm[16000];

	for (size_t i = 0; i < 16000; i++)
		pcm[i] = i >= 9000 && i < 9800 ? 0.001F : 0.5F;
	CHECK_NEAR((double)rtta_utterance_quietest(pcm, 16000), 9400, 90);
	CHECK_INT(rtta_utterance_quietest(pcm, 100), 50);
}

int
main(void)
{
	test_silence();
	test_one();
	test_join();
	test_overlap();
	test_long();
	test_endless();
	test_no_interim();
	test_rotate();
	test_hold_interim();
	test_filled_up();
	test_random();
	test_quietest();
	return check_result();
}

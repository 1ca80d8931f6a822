/*
 * switch - scripts of what comes and what has to be done, and a search
 * through random ones for a frame that is lost, doubled or out of place.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "mem.h"
#include "switch.h"

enum { FRAME = 320, RATE_HZ = 16000, MS = 20 };

struct bench {
	struct rtta_window *window;
	struct rtta_switch *sw;
	uint64_t run, number;      /* of the next frame */
	int64_t now_ms;
	uint64_t seen;             /* of the window, by the script */
	struct rtta_session_cut cut;
	struct rtta_session_end end;
	bool storing;              /* a cut or an end: nothing moves meanwhile */
	char said[4096];
	size_t used;
};

static void
say(struct bench *bench, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
say(struct bench *bench, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	bench->used += (size_t)vsnprintf(bench->said + bench->used,
	    sizeof(bench->said) - bench->used, fmt, ap);
	va_end(ap);
}

static void
open_bench(struct bench *bench)
{
	*bench = (struct bench){ .run = 1, .now_ms = 1000 };
	bench->window = rtta_window_new(INT64_C(360000000000));
	bench->sw = rtta_switch_new(bench->window, false);
	rtta_switch_time(bench->sw, bench->now_ms, bench->now_ms * 1000);
	rtta_switch_known(bench->sw, true);
}

static void
close_bench(struct bench *bench)
{
	rtta_switch_free(bench->sw);
	rtta_window_free(bench->window);
}

static struct rtta_held *
make(struct bench *bench, double level_db, uint8_t flags)
{
	uint8_t pcm[2 * FRAME] = {0};
	struct rtta_frame frame = {
		.run_id = bench->run, .sample = bench->number * FRAME, .rate_hz = RATE_HZ,
		.channels = 1, .flags = flags, .payload_bytes = sizeof(pcm), .payload = pcm,
		.capture_ns = (int64_t)bench->number * MS * 1000000,
	};
	struct rtta_held *held = rtta_held_new(&frame);

	held->level_db = level_db;
	bench->number++;
	return held;
}

static unsigned long long
number_of(struct rtta_pos pos)
{
	return (unsigned long long)(pos.run * 1000 + pos.sample / FRAME);
}

static void
say_cut(struct bench *bench, const struct rtta_switch_action *action)
{
	bench->cut = action->cut;
	bench->storing = true;
	say(bench, "cut.%s", action->id);
	if (action->cut.has_preroll)
		say(bench, "[%llu-%llu]", number_of(action->cut.first), number_of(action->cut.last));
	if (action->cut.has_at)
		say(bench, "@%llu ", number_of(action->cut.at));
	else
		say(bench, "@null ");
}

static void
say_action(struct bench *bench, const struct rtta_switch_action *action)
{
	struct rtta_pos pos;

	switch (action->what) {
	case RTTA_SWITCH_FRAME:
		CHECK(!bench->storing);
		pos = rtta_held_pos(action->frame);
		say(bench, "L%llu%s ", number_of(pos), action->frame->lost ? "!" : "");
		free(action->frame);
		break;
	case RTTA_SWITCH_INFO:
		break;
	case RTTA_SWITCH_RUN:
		say(bench, "run.%s.%u=%llu<%llu%s ", action->id, action->n,
		    (unsigned long long)action->run.run,
		    (unsigned long long)action->run.prev_next / FRAME,
		    action->run.contiguous ? "+" : "");
		break;
	case RTTA_SWITCH_CUT:
		say_cut(bench, action);
		break;
	case RTTA_SWITCH_END:
		bench->end = action->end;
		bench->storing = true;
		if (action->end.has_at)
			say(bench, "end.%s@%llu ", action->id, number_of(action->end.at));
		else
			say(bench, "end.%s@null ", action->id);
		if (action->end.sound_us != 0)
			say(bench, "(%lld ms) ", (long long)(action->end.at_us - action->end.sound_us) / 1000);
		break;
	case RTTA_SWITCH_NOTE:
		say(bench, "note.%s[%llu-%llu] ", action->id, number_of(action->note.from),
		    number_of(action->note.to));
		break;
	case RTTA_SWITCH_EOS:
		say(bench, "eos.%s ", action->id);
		break;
	}
}

/* What went into the window first, then what else is to be done. */
static void
listen(struct bench *bench)
{
	const struct rtta_switch_action *action;

	CHECK(!bench->storing || bench->seen == rtta_window_next(bench->window));
	for (; bench->seen < rtta_window_next(bench->window); bench->seen++)
		say(bench, "P%llu ", number_of(rtta_held_pos(
		    rtta_window_at(bench->window, bench->seen))));
	while ((action = rtta_switch_next(bench->sw)) != NULL)
		say_action(bench, action);
}

static void
configure(struct bench *bench, const char *id, bool active, bool over)
{
	struct rtta_switch_want want = {
		.config = { .active = active, .preroll_s = 1 }, .has_cut = over, .has_end = over,
	};

	strcpy(want.config.id, id);
	rtta_switch_config(bench->sw, &want);
}

/*
 * A script: f loud frame, q quiet frame, Q a pause of 12, l frame behind 3 lost ones, r next
 * run, R next run without loss; A, B ACTIVE a or b; I, J IDLE a or b; X
 * ACTIVE for one that is over; N none; c cut stored, e end stored; t 1 s
 * goes by; k, u the status is known, not known; o off, O off from the frame
 * behind the next, p on the record; g the device is gone, G it is the end of
 * the run; T 29 s go by;
 * . end of input.
 */
static void
step(struct bench *bench, char what)
{
	struct rtta_switch *sw = bench->sw;
	struct rtta_held *held;

	switch (what) {
	case 'l': bench->number += 3; rtta_switch_frame(sw, make(bench, -20, RTTA_FRAME_LOST)); break;
	case 'f': rtta_switch_frame(sw, make(bench, -20 - (double)(bench->number == 7), 0)); break;
	case 'q': rtta_switch_frame(sw, make(bench, -60, 0)); break;
	case 'Q':
		for (int i = 0; i < 12; i++)
			rtta_switch_frame(sw, make(bench, -60, 0));
		break;
	case 'r': bench->run++; bench->number = 0; rtta_switch_frame(sw, make(bench, -20, 0)); break;
	case 'R':
		bench->run++;
		bench->number = 0;
		rtta_switch_frame(sw, make(bench, -20, RTTA_FRAME_CONTIGUOUS));
		break;
	case 'A': configure(bench, "a", true, false); break;
	case 'B': configure(bench, "b", true, false); break;
	case 'I': configure(bench, "a", false, false); break;
	case 'J': configure(bench, "b", false, false); break;
	case 'X': configure(bench, "x", true, true); break;
	case 'N': configure(bench, "", false, false); break;
	case 'c':
		bench->storing &= rtta_switch_state(sw) != RTTA_SWITCH_CUTTING;
		rtta_switch_cut_stored(sw, &bench->cut);
		break;
	case 'e':
		bench->storing &= rtta_switch_state(sw) != RTTA_SWITCH_ENDING;
		rtta_switch_end_stored(sw, &bench->end);
		break;
	case 'g':
	case 'G':
		held = make(bench, -90, RTTA_FRAME_END | (what == 'g' ? RTTA_FRAME_GONE : 0));
		held->frame.payload_bytes = 0;
		bench->number--;
		rtta_switch_frame(sw, held);
		break;
	case 't':
	case 'T':
		bench->now_ms += what == 'T' ? 29000 : 1000;
		rtta_switch_time(sw, bench->now_ms, bench->now_ms * 1000);
		rtta_switch_tick(sw);
		break;
	case 'k': rtta_switch_known(sw, true); break;
	case 'u': rtta_switch_known(sw, false); break;
	case 'o': rtta_switch_off_record(sw, (int64_t)bench->number * MS * 1000, NULL, 0); break;
	case 'O': rtta_switch_off_record(sw, (int64_t)(bench->number + 1) * MS * 1000, NULL, 0); break;
	case 'p': rtta_switch_on_record(sw, (int64_t)bench->number * MS * 1000); break;
	case '.': rtta_switch_eof(sw); break;
	}
	listen(bench);
}

static const struct row {
	const char *script, *said;
} rows[] = {
	/* a pause is cut in its middle, and waits for its cut */
	{ "ffAfQcf", "P1000 P1001 P1002 P1003 P1004 P1005 P1006 P1007 P1008 run.a.0=1<0 "
	    "cut.a[1000-1008]@1009 L1009 L1010 L1011 L1012 L1013 L1014 L1015 " },
	/* in the middle of one: it begins with the first frame that comes */
	{ "QAqqqqqqcf", "P1000 P1001 P1002 P1003 P1004 P1005 P1006 P1007 P1008 P1009 P1010 P1011 "
	    "run.a.0=1<0 cut.a[1000-1011]@1012 L1012 L1013 L1014 L1015 L1016 L1017 L1018 " },
	/* no pause, and nothing more comes: where it is quietest */
	{ "fAfffqqffftcf", "P1000 P1001 P1002 P1003 P1004 run.a.0=1<0 "
	    "cut.a[1000-1004]@1005 L1005 L1006 L1007 L1008 L1009 " },
	/* no frames at all */
	{ "Atcf", "cut.a@null run.a.0=1<0 L1000 " },
	{ "ffAtcIe", "P1000 P1001 run.a.0=1<0 cut.a[1000-1001]@null end.a@null eos.a " },
	/* the end of the input decides */
	{ "Aff.c", "cut.a@1000 run.a.0=1<0 L1000 L1001 " },
	/* what comes behind an end waits, and is pre-roll */
	{ "AqtcfIffef", "cut.a@1000 run.a.0=1<0 L1000 L1001 end.a@1002 P1002 P1003 eos.a P1004 " },
	/* stop before the cut is stored: what came before it is a's, what comes is not */
	{ "AqtfIfceqf", "cut.a@1000 run.a.0=1<0 L1000 L1001 end.a@1002 P1002 eos.a P1003 P1004 " },
	/* stop before the cut is decided: its pre-roll is not lost */
	{ "ffAfIcef", "P1000 P1001 P1002 run.a.0=1<0 cut.a[1000-1002]@1003 end.a@1003 eos.a P1003 " },
	/* IDLE names a session that has no cut */
	{ "ffIcef", "P1000 P1001 run.a.0=1<0 cut.a[1000-1001]@1002 end.a@1002 eos.a P1002 " },
	{ "ffIceI", "P1000 P1001 run.a.0=1<0 cut.a[1000-1001]@1002 end.a@1002 eos.a " },
	/* straight into another: the same place, no pre-roll, no seeking */
	{ "AqtcBfefc", "cut.a@1000 run.a.0=1<0 L1000 end.a@1001 eos.a cut.b@1001 "
	    "run.b.0=1<0 L1001 L1002 " },
	/* by way of IDLE: what lies between is b's pre-roll */
	{ "AqtcIffBqetc", "cut.a@1000 run.a.0=1<0 L1000 end.a@1001 P1001 P1002 eos.a "
	    "run.b.0=1<0 cut.b[1001-1002]@1003 L1003 " },
	/* one that is over stays over; none is IDLE */
	{ "Xf", "P1000 " },
	{ "AqtcXfef", "cut.a@1000 run.a.0=1<0 L1000 end.a@1001 P1001 eos.a P1002 " },
	{ "AqtcNe", "cut.a@1000 run.a.0=1<0 L1000 end.a@1001 eos.a " },
	/* runs, in pre-roll and live; what capture lost */
	{ "fRfAqtcr", "P1000 P2000 P2001 run.a.0=1<0 run.a.1=2<1+ cut.a[1000-2001]@2002 "
	    "L2002 run.a.2=3<3 L3000 " },
	{ "Aqtcfl", "cut.a@1000 run.a.0=1<0 L1000 L1001 L1005! " },
	/* sound that ended before the session: gone, or nobody says why; or as it should */
	{ "AqtcgttI", "cut.a@1000 run.a.0=1<0 L1000 note.a[1001-1001] end.a@1001 (3000 ms) " },
	{ "Aqtcgr", "cut.a@1000 run.a.0=1<0 L1000 note.a[1001-2000] run.a.1=2<1 L2000 " },
	{ "AqtcfTI", "cut.a@1000 run.a.0=1<0 L1000 L1001 end.a@1002 " },
	{ "AqtcfTtI", "cut.a@1000 run.a.0=1<0 L1000 L1001 end.a@1002 (30000 ms) " },
	{ "AqtcfGTtI", "cut.a@1000 run.a.0=1<0 L1000 L1001 end.a@1002 " },
	{ "fgAtctttI", "P1000 run.a.0=1<0 cut.a[1000-1000]@null end.a@null (3000 ms) " },
	/* the status was not known: the pre-roll reaches back from there */
	{ "fufffkAtc", "P1000 P1001 P1002 P1003 run.a.0=1<0 cut.a[1000-1003]@null " },
	/* off the record: noted first, dropped, and no pre-roll reaches beyond */
	{ "AqtcofpfI", "cut.a@1000 run.a.0=1<0 L1000 note.a[1001-1001] note.a[1001-1002] "
	    "L1002 end.a@1003 " },
	{ "ffofpfAtc", "P1000 P1001 P1003 run.a.0=1<0 cut.a[1003-1003]@null " },
	{ "ffOfffpfAtc", "P1000 P1001 P1002 P1005 run.a.0=1<0 cut.a[1005-1005]@null " },
	{ "AfofpfQcI", "note.a[1001-1001] note.a[1001-1002] P1000 P1002 P1003 P1004 P1005 P1006 P1007 "
	    "P1008 run.a.0=1<0 cut.a[1000-1008]@1009 L1009 L1010 L1011 L1012 L1013 L1014 end.a@1015 " },
	{ "AqtffoffpfcI", "cut.a@1000 note.a[1003-1003] note.a[1003-1005] run.a.0=1<0 "
	    "L1000 L1001 L1002 L1005 end.a@1006 " },
	/* and what follows it without loss does not follow what the session has */
	{ "AqtcofR", "cut.a@1000 run.a.0=1<0 L1000 note.a[1001-1001] note.a[1001-2000] "
	    "run.a.1=2<1 L2000 " },
};

/* An expected text names pre-roll first within a step; so does listen(). */
static void
test_rows(void)
{
	struct bench bench;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		open_bench(&bench);
		for (const char *c = rows[i].script; *c != '\0'; c++)
			step(&bench, *c);
		if (strcmp(bench.said, rows[i].said) != 0) {
			check_failures++;
			fprintf(stderr, "%s:\n said %s\n want %s\n", rows[i].script,
			    bench.said, rows[i].said);
		}
		close_bench(&bench);
	}
}

static void
test_preroll_s(void)
{
	struct bench bench;

	open_bench(&bench);
	for (int i = 0; i < 120; i++)
		step(&bench, 'f');
	bench.used = 0;
	step(&bench, 'A');
	step(&bench, 't');
	CHECK_STR(bench.said, "run.a.0=1<0 cut.a[1070-1119]@null ");
	close_bench(&bench);

	open_bench(&bench);  /* counted from where it began, not from the cut */
	for (int i = 0; i < 120; i++)
		step(&bench, 'f');
	step(&bench, 'A');
	for (int i = 0; i < 60; i++)
		step(&bench, 'f');
	step(&bench, 'Q');
	CHECK_INT(number_of(bench.cut.first), 1070);
	CHECK_INT(number_of(bench.cut.last), 1184);
	CHECK_INT(number_of(bench.cut.at), 1185);
	close_bench(&bench);
}

/* Without a pause it is cut all the same. */
static void
test_limit(void)
{
	struct bench bench;

	open_bench(&bench);
	step(&bench, 'A');
	for (int i = 1; i < 200; i++)
		step(&bench, 'f');
	CHECK_INT(rtta_switch_state(bench.sw), RTTA_SWITCH_SEEKING);
	step(&bench, 'f');
	CHECK_INT(rtta_switch_state(bench.sw), RTTA_SWITCH_CUTTING);
	close_bench(&bench);
}

static void
test_resume(void)
{
	static const uint64_t runs[] = { 1 };
	struct rtta_switch_resume resume = {
		.id = "a", .cut = { .has_at = true, .at = { 1, 10 * FRAME } },
		.runs = runs, .n_runs = 1, .has_live = true, .has_next = true,
		.next = { 1, 15 * FRAME },
	};
	struct bench bench;

	open_bench(&bench);
	rtta_switch_resume(bench.sw, &resume);
	bench.number = 17;
	for (const char *c = "ffArI"; *c != '\0'; c++)
		step(&bench, *c);
	CHECK_STR(bench.said, "note.a[1015-1017] L1017 L1018 run.a.1=2<19 L2000 end.a@2001 ");
	close_bench(&bench);

	open_bench(&bench);  /* of its second run nothing was stored */
	resume.runs = (const uint64_t[]){ 1, 9 };
	resume.n_runs = 2;
	resume.run_end = (struct rtta_pos){ 9, 3 * FRAME };
	rtta_switch_resume(bench.sw, &resume);
	bench.number = 17;
	step(&bench, 'r');
	CHECK_STR(bench.said, "run.a.2=2<3 L2000 ");
	resume.runs = runs;
	resume.n_runs = 1;
	close_bench(&bench);

	open_bench(&bench);  /* nothing comes, and it is over */
	rtta_switch_resume(bench.sw, &resume);
	step(&bench, 'I');
	CHECK_STR(bench.said, "end.a@1015 ");
	close_bench(&bench);

	open_bench(&bench);  /* saved before the cut: pre-roll */
	resume.has_live = resume.has_next = false;
	rtta_switch_resume(bench.sw, &resume);
	bench.number = 9;
	step(&bench, 'f');
	step(&bench, 'f');
	CHECK_STR(bench.said, "P1009 L1010 ");
	close_bench(&bench);

	open_bench(&bench);  /* as well when a live frame is stored */
	resume.has_live = resume.has_next = true;
	rtta_switch_resume(bench.sw, &resume);
	bench.number = 9;
	step(&bench, 'f');
	CHECK_STR(bench.said, "P1009 ");
	close_bench(&bench);

	open_bench(&bench);  /* and when the cut has only its pre-roll */
	resume.cut = (struct rtta_session_cut){ .has_preroll = true,
	    .first = { 1, 2 * FRAME }, .last = { 1, 9 * FRAME } };
	resume.has_live = false;
	resume.next.sample = 10 * FRAME;
	rtta_switch_resume(bench.sw, &resume);
	bench.number = 9;
	step(&bench, 'f');
	step(&bench, 'f');
	CHECK_STR(bench.said, "P1009 L1010 ");
	close_bench(&bench);
}

/* What stands in the store holds, also when it is not ours. */
static void
test_refused(void)
{
	struct bench bench;

	open_bench(&bench);
	step(&bench, 'A');
	step(&bench, 'q');
	step(&bench, 't');
	step(&bench, 'f');
	bench.cut.at.sample = 1 * FRAME;
	step(&bench, 'c');
	CHECK_STR(bench.said, "cut.a@1000 P1000 run.a.0=1<0 L1001 ");
	close_bench(&bench);
}

static void
test_take_back(void)
{
	struct bench bench;
	struct rtta_held *held;
	size_t bytes;

	open_bench(&bench);
	for (const char *c = "Aqff"; *c != '\0'; c++)
		step(&bench, *c);
	CHECK_INT(rtta_switch_waiting(bench.sw, &bytes), 3);
	CHECK_INT(bytes, 3 * 2 * FRAME);
	for (uint64_t i = 0; (held = rtta_switch_take_back(bench.sw)) != NULL; i++) {
		CHECK_INT(held->frame.sample, i * FRAME);
		free(held);
	}
	CHECK_INT(rtta_switch_waiting(bench.sw, &bytes), 0);
	CHECK_INT(bytes, 0);
	close_bench(&bench);
}

/*
 * Random scripts.  Whatever comes in whatever order: every frame goes to one
 * place, once; each session's live frames lie between its cut and its end;
 * and no live frame comes before its cut is stored.
 */
static void
check_story(const char *script, const char *said, uint64_t frames)
{
	uint8_t places[512] = {0};
	char live_id = '\0';
	const char *at = said;
	unsigned long long number, last_live = 0;
	int end;
	char id;

	while (*at != '\0') {
		if (sscanf(at, "P%llu%n", &number, &end) == 1)
			places[number - 1000]++;
		else if (sscanf(at, "L%llu%n", &number, &end) == 1) {
			places[number - 1000]++;
			if (live_id == '\0' || number <= last_live) {
				check_failures++;
				fprintf(stderr, "%s: %llu is live out of place: %s\n",
				    script, number, said);
				return;
			}
			last_live = number;
		} else if (sscanf(at, "cut.%c", &id) == 1)
			live_id = id;
		else if (sscanf(at, "end.%c", &id) == 1)
			live_id = '\0';
		at += strcspn(at, " ");
		at += *at == ' ';
	}
	for (uint64_t i = 0; i < frames; i++)
		if (places[i] != 1) {
			check_failures++;
			fprintf(stderr, "%s: frame %llu is in %d places: %s\n", script,
			    (unsigned long long)i, places[i], said);
			return;
		}
}

static void
test_random(void)
{
	static const char letters[] = "fffffqfffABIJNXceceet";
	char script[128];
	struct bench bench;
	uint32_t seed = 1;

	for (int round = 0; round < 20000; round++) {
		size_t length;

		open_bench(&bench);
		for (length = 0; length < 60; length++) {
			seed = seed * 1664525 + 1013904223;
			script[length] = letters[(seed >> 16) % (sizeof(letters) - 1)];
			step(&bench, script[length]);
		}
		script[length] = '\0';
		for (int i = 0; i < 60; i++)  /* all is stored in the end */
			for (const char *c = "tce"; *c != '\0'; c++)
				step(&bench, *c);
		check_story(script, bench.said, bench.number);
		close_bench(&bench);
		if (check_failures > 0)
			return;
	}
}

int
main(void)
{
	test_rows();
	test_preroll_s();
	test_limit();
	test_resume();
	test_refused();
	test_take_back();
	test_random();
	return check_result();
}

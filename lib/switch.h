/*
 * switch - decides for every frame whether it is pre-roll or live.
 *
 * Frames and changes of session_config go in, in the order in which they
 * became known; what is to be done comes out, in order.  Where a key has to
 * be stored first (a cut before its live frames, an end before what comes
 * behind it) the switch waits, and everything behind waits in it.  Pre-roll
 * goes into the window at once; live frames are handed out.
 *
 * Pure: no bus, no clock (rtta_switch_time() tells it).  Belongs to one
 * thread.
 */
#ifndef RTTA_SWITCH_H
#define RTTA_SWITCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "session.h"
#include "window.h"

enum rtta_switch_state {
	RTTA_SWITCH_IDLE,       /* frames are pre-roll */
	RTTA_SWITCH_SEEKING,    /* a session begins: frames wait for a pause */
	RTTA_SWITCH_CUTTING,    /* until its cut is stored */
	RTTA_SWITCH_LIVE,       /* frames are the session's */
	RTTA_SWITCH_ENDING      /* until its end is stored */
};
const char *rtta_switch_state_name(enum rtta_switch_state state);

enum rtta_switch_what {
	RTTA_SWITCH_FRAME,      /* publish frame on audio.live.<id>; it is the caller's */
	RTTA_SWITCH_INFO,       /* create session.<id> */
	RTTA_SWITCH_RUN,        /* create run.<id>.<n> */
	RTTA_SWITCH_CUT,        /* create cut.<id>, then rtta_switch_cut_stored() */
	RTTA_SWITCH_END,        /* create end.<id>, then rtta_switch_end_stored() */
	RTTA_SWITCH_NOTE,       /* create note.<id>.route-<note_at> */
	RTTA_SWITCH_EOS         /* the live lane of id is over, at end.at */
};

struct rtta_switch_action {
	enum rtta_switch_what what;
	char id[RTTA_SESSION_ID_BYTES];
	struct rtta_held *frame;
	unsigned n;
	struct rtta_pos note_at;
	struct rtta_session_info info;
	struct rtta_session_run run;
	struct rtta_session_cut cut;
	struct rtta_session_end end;
	struct rtta_session_note note;
};

struct rtta_switch;

/* The window stays the caller's.  split: sessions keep channels apart. */
struct rtta_switch *rtta_switch_new(struct rtta_window *window, bool split);
void rtta_switch_free(struct rtta_switch *sw);

/* The clocks; before anything else in a turn of the loop. */
void rtta_switch_time(struct rtta_switch *sw, int64_t mono_ms, int64_t real_us);

/* Does the caller know the status as it is now, or only as it was? */
void rtta_switch_known(struct rtta_switch *sw, bool known);

/*
 * At the start: a session has a cut and no end, so what comes is its own,
 * until a config says otherwise.  runs: those it has, in order.  next: the
 * position behind its last stored frame (has_live) or behind its pre-roll.
 * run_end: where the sound of its last run ends, as far as it is stored; a
 * route that was killed may have lost all of a run that it wrote down.
 */
struct rtta_switch_resume {
	const char *id;
	struct rtta_session_cut cut;
	const uint64_t *runs;
	size_t n_runs;
	bool has_live, has_next;
	struct rtta_pos next, run_end;
	int64_t next_us, run_end_us;
};
void rtta_switch_resume(struct rtta_switch *sw, const struct rtta_switch_resume *resume);

/* Takes held.  A frame that ends a run may be empty. */
void rtta_switch_frame(struct rtta_switch *sw, struct rtta_held *held);

/* session_config, and what is stored of the session that it names. */
struct rtta_switch_want {
	struct rtta_session_config config;
	bool has_cut, has_end;
	int64_t said_us;     /* wall clock, if it was before this route began, else 0 */
};
void rtta_switch_config(struct rtta_switch *sw, const struct rtta_switch_want *want);

/*
 * Off the record since since_us, or (on = true) on it again since then:
 * frames captured in between are dropped, also those that wait here.  The
 * caller drops what it has itself, and says where that began.
 */
void rtta_switch_off_record(struct rtta_switch *sw, int64_t since_us,
    const struct rtta_pos *dropped, int64_t dropped_us);
void rtta_switch_on_record(struct rtta_switch *sw, int64_t since_us);

/* Spans off the record that are over, all that are known; dropped as above. */
void rtta_switch_off_before(struct rtta_switch *sw, const struct rtta_session_off *off,
    size_t count, const struct rtta_pos *dropped, int64_t dropped_us);
bool rtta_switch_is_off_record(const struct rtta_switch *sw, const struct rtta_frame *frame);

/* What stands in cut.<id> and end.<id> now: ours, or an earlier one. */
void rtta_switch_cut_stored(struct rtta_switch *sw, const struct rtta_session_cut *cut);
void rtta_switch_end_stored(struct rtta_switch *sw, const struct rtta_session_end *end);

/* No more input: decide what waits for more frames. */
void rtta_switch_eof(struct rtta_switch *sw);

/* Milliseconds until rtta_switch_tick() has something to decide, or -1. */
int rtta_switch_wait_ms(const struct rtta_switch *sw);
void rtta_switch_tick(struct rtta_switch *sw);

/* What is to be done next, or NULL; valid until the next call of any. */
const struct rtta_switch_action *rtta_switch_next(struct rtta_switch *sw);

/* For people, and for the caller's bounds. */
enum rtta_switch_state rtta_switch_state(const struct rtta_switch *sw);
bool rtta_switch_is_cutting(const struct rtta_switch *sw);      /* SEEKING or CUTTING */
const char *rtta_switch_session(const struct rtta_switch *sw);  /* "" when idle */
uint64_t rtta_switch_mark(const struct rtta_switch *sw);        /* for rtta_window_trim() */
size_t rtta_switch_waiting(const struct rtta_switch *sw, size_t *bytes);

/* At the end: the next frame that waits here, oldest first, or NULL.
 * In SEEKING and CUTTING they were to be live or the end of a pre-roll, in
 * ENDING they are of no session. */
struct rtta_held *rtta_switch_take_back(struct rtta_switch *sw);

#endif

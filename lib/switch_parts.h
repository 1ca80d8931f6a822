/*
 * switch_parts - what the files of switch share: switch.c decides,
 * switch_begin.c looks for the cut and makes it, switch_run.c says which runs a
 * session has and why sound between two is missing, switch_off.c drops what is
 * off the record, switch_queue.c holds what has to wait.  For nobody else.
 */
#ifndef RTTA_SWITCH_PARTS_H
#define RTTA_SWITCH_PARTS_H

#include "reason.h"
#include "switch.h"

struct rtta_pause_frame;

enum {
	NS_PER_MS = 1000000,
	NS_PER_US = 1000,
	US_PER_MS = 1000
};

/* A frame or a change of session_config, in the order in which they came. */
struct rtta_switch_event {
	struct rtta_held *frame;
	struct rtta_switch_want *want;  /* one of the two */
	struct rtta_switch_event *next;
};

struct rtta_switch_queue {
	struct rtta_switch_event *head, **tail;
};

/* Behind a frame. */
struct rtta_switch_mark {
	bool is_set;
	struct rtta_pos pos;
	int64_t us;
};

struct rtta_switch {
	struct rtta_window *window;
	bool split;
	int64_t mono_ms, real_us;
	bool known;
	int channels;
	struct rtta_switch_mark read;              /* behind the frame that came last */
	bool read_gone;                /* and it said that the device went away */
	bool read_over;                /* or that the sound is over, as it should be */
	int64_t heard_ms;              /* when there was sound last */
	bool resumed;                  /* nothing came yet behind what the route before stored */
	struct rtta_switch_mark done;              /* behind the one that was dealt with last */

	enum rtta_switch_state state;
	struct rtta_session_config config;
	struct rtta_session_cut cut;
	struct rtta_session_end end;
	uint64_t *runs;
	size_t n_runs;
	struct rtta_switch_mark run_end;           /* how far the last of them is known */
	bool had_live;
	bool direct;                   /* follows another session: no pre-roll, no seeking */
	bool over;                     /* ends as soon as its cut is stored */
	struct rtta_switch_want then;  /* what made it end */
	char last_id[RTTA_SESSION_ID_BYTES];

	uint64_t mark;                 /* window: first frame since the status was known; of a
	                                * session that begins, its first */
	struct rtta_switch_queue waiting;          /* while a key is being stored */
	struct rtta_switch_queue seeking;          /* candidates for the cut */
	int64_t seek_ms;               /* since when nothing came */
	struct rtta_pause_frame *levels;  /* where the cut is looked for */
	size_t levels_size;
	size_t waiting_frames, waiting_bytes;

	bool off;
	int64_t off_us, on_us;         /* captured in [off_us, on_us): dropped */
	struct rtta_session_off before[RTTA_SESSION_OFF_MAX];  /* and in these */
	size_t before_count;
	bool noting;                   /* a note stands open at note_from */
	struct rtta_switch_mark note_from;

	struct rtta_switch_action *actions;
	size_t actions_size, actions_head, actions_count;
};

struct rtta_switch_action *rtta_switch_act(struct rtta_switch *sw, enum rtta_switch_what what);

/* The frame has been dealt with. */
void rtta_switch_pass(struct rtta_switch *sw, const struct rtta_held *held);

/* It is pre-roll.  Takes held. */
void rtta_switch_to_window(struct rtta_switch *sw, struct rtta_held *held);

/* Not only the end of a run. */
bool rtta_switch_is_sound(const struct rtta_held *held);

/* --- switch_begin.c --- */

/* A session begins.  direct: at once behind the one before, without pre-roll. */
void rtta_switch_begin(struct rtta_switch *sw, const struct rtta_switch_want *want,
    bool direct);

/* A frame while the cut is looked for (taken). */
void rtta_switch_seek(struct rtta_switch *sw, struct rtta_switch_event *event);

/* Cut in a pause, if there is one; must: at the quietest place. */
void rtta_switch_cut_in_pause(struct rtta_switch *sw, bool must);

/* All that waits before `at` is pre-roll, the rest waits for the cut.  NULL:
 * all of it is, and the next frame will be the first live one. */
void rtta_switch_cut_at(struct rtta_switch *sw, const struct rtta_switch_event *at);

/* --- switch_run.c --- */

/* Why what lies between prev and the frame is missing. */
void rtta_switch_note_hole(struct rtta_switch *sw, const struct rtta_switch_mark *prev,
    const struct rtta_frame *frame, enum rtta_reason reason);

/* The device that went away had not come back. */
void rtta_switch_note_gone(struct rtta_switch *sw, const struct rtta_session_end *end);

/* A frame of the session: its run is one of the session's, and reaches so far. */
void rtta_switch_note_run(struct rtta_switch *sw, const struct rtta_held *held);

/* --- switch_queue.c --- */

void rtta_switch_queue_init(struct rtta_switch_queue *queue);
void rtta_switch_queue_put(struct rtta_switch_queue *queue, struct rtta_switch_event *event);
struct rtta_switch_event *rtta_switch_queue_take(struct rtta_switch_queue *queue);
void rtta_switch_queue_prepend(struct rtta_switch_queue *queue, struct rtta_switch_queue *first);

/* One more (sign 1) or less (-1) waits. */
void rtta_switch_count(struct rtta_switch *sw, const struct rtta_held *frame, int sign);

/* Takes both. */
struct rtta_switch_event *rtta_switch_event_new(struct rtta_held *frame,
    struct rtta_switch_want *want);
void rtta_switch_event_free(struct rtta_switch_event *event);

/* --- switch_off.c --- */

/* Sound of the session is dropped from there on, and no more from this frame on. */
void rtta_switch_open_note(struct rtta_switch *sw, struct rtta_pos pos, int64_t us);
void rtta_switch_close_note(struct rtta_switch *sw, const struct rtta_frame *frame);

#endif

/*
 * window - the pre-roll that route holds in memory, oldest first.
 *
 * PRE_BUFFER vanishes with its server, so a frame stays here after its
 * acknowledgement, until it is too old.  Frames are numbered in the order
 * they were added; three marks move over them:
 *
 *     oldest <= acked <= sent <= next
 *
 * [oldest, acked) is stored, [acked, sent) is with the publisher,
 * [sent, next) waits.  Pure: no bus, no clock; time is counted in samples.
 */
#ifndef RTTA_WINDOW_H
#define RTTA_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame.h"
#include "position.h"

/* A frame that outlives its reader. */
struct rtta_held {
	struct rtta_frame frame;   /* the payload lies behind the struct */
	uint64_t lost;             /* samples missing just before it */
	double level_db;
	bool kept;                 /* in a file already, should the process be killed */
	bool known;                /* the status was known when it was read */
	bool after_gone;           /* the run before ended because the device went away */
	bool has_after;
	struct rtta_pos after;     /* where what was read before it ended */
	int64_t before_ns;         /* the window's: sound added before it */
};

struct rtta_held *rtta_held_new(const struct rtta_frame *frame);  /* free(3) */
struct rtta_pos rtta_held_pos(const struct rtta_held *held);
int64_t rtta_held_ns(const struct rtta_held *held);               /* its length */

struct rtta_window;

struct rtta_window *rtta_window_new(int64_t hold_ns);
void rtta_window_free(struct rtta_window *window);

/* Takes held.  stored: it was read back from PRE_BUFFER. */
void rtta_window_add(struct rtta_window *window, struct rtta_held *held, bool stored);

/* Numbers: of the oldest frame, and of the one that will be added next. */
uint64_t rtta_window_oldest(const struct rtta_window *window);
uint64_t rtta_window_next(const struct rtta_window *window);

/* The frame of a number from oldest to next - 1; it stays the window's. */
const struct rtta_held *rtta_window_at(const struct rtta_window *window, uint64_t number);

/* The number of the frame that starts at pos.  1, or 0: not here. */
int rtta_window_find(const struct rtta_window *window, struct rtta_pos pos, uint64_t *number);

/* Is it a repeat of one that is here? */
bool rtta_window_has(const struct rtta_window *window, const struct rtta_frame *frame);

/* The number of the next frame that waits. */
uint64_t rtta_window_sent(const struct rtta_window *window);

/* The next frame that waits, which then counts as sent, or NULL. */
const struct rtta_held *rtta_window_send(struct rtta_window *window);

/* The oldest of those that were sent is stored. */
void rtta_window_acked(struct rtta_window *window);

/* The publisher has given back what it had: that waits again. */
void rtta_window_unsend(struct rtta_window *window);

/* The stream is another one: everything waits again. */
void rtta_window_rewind(struct rtta_window *window);

/* Frames that are not stored yet, and their payload bytes. */
size_t rtta_window_unstored(const struct rtta_window *window, size_t *bytes);

/*
 * Let go of stored frames that lie more than the hold before `mark` and
 * below `needed`; for what is needed the hold counts twice.
 */
void rtta_window_trim(struct rtta_window *window, uint64_t mark, uint64_t needed);

/* No session that starts from now on reaches back beyond this point. */
void rtta_window_bar(struct rtta_window *window);
void rtta_window_bar_behind(struct rtta_window *window, struct rtta_pos pos);
void rtta_window_bar_before(struct rtta_window *window, struct rtta_pos pos);
void rtta_window_bar_across(struct rtta_window *window, int64_t from_us, int64_t to_us);

/*
 * The pre-roll of a session: from the frame at most `length_ns` before
 * `mark`, and not beyond the bar, to the newest.  1, or 0: there is none.
 */
int rtta_window_range(const struct rtta_window *window, uint64_t mark,
    int64_t length_ns, uint64_t *first, uint64_t *last);

/*
 * Off the record: forget every frame below `needed`, and those at the end
 * that were captured at or after since_us.  Bars what is left.
 */
void rtta_window_forget(struct rtta_window *window, uint64_t needed, int64_t since_us);

#endif

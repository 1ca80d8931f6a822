/*
 * lane - from deliveries to drafts: who is fed to an engine, and when.
 *
 * A lane holds what was delivered until a record covers it, divides it into
 * pieces (contiguous, one job, one run), and takes each through an engine.
 * Live: a piece is fed as it comes.  Backfill: a piece is collected first,
 * up to its EOS, five minutes or a pause.  When live falls behind, its
 * backlog becomes moves to the other lane.  While its engine is away, live
 * goes on with another one, and copies of what that hears become moves, too,
 * to be heard again by the better one.  It knows no bus: acknowledgements,
 * drafts and moves come out of it, and its caller does them.  Belongs to
 * main's thread; nothing waits.
 */
#ifndef RTTA_LANE_H
#define RTTA_LANE_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audio.h"
#include "position.h"

struct rtta_book;
struct rtta_books;
struct rtta_cover;
struct rtta_draft;
struct rtta_engine;
struct rtta_err;
struct rtta_delivery;
struct rtta_lane;
struct rtta_profile;

struct rtta_lane_config {
	const struct rtta_profile *profile;
	const struct rtta_profile *fallback;  /* live goes on with it while profile's
	                     * engine is away; its refusals end nothing.  NULL: none */
	bool backfill;
	bool in_order;      /* one engine at a time, each piece to its end (a filter) */
	int64_t edge_ms;    /* behind by more: move the backlog; 0: never */
	int64_t idle_ms;    /* so long without sound ends a piece; 0: never */
	int64_t piece_ms;   /* backfill: longest piece */
	int64_t rest_ms;    /* backfill: of what failed three times; doubled each time */
	int64_t patience_ms;  /* so long speech waits for an answer, then the fallback hears it */
	int64_t return_ms;  /* so long the engine answers well, then it is back at work */
};

/* config and books are kept, not copied.  A session's book has to be told how
 * its channels are taken before its sound comes. */
struct rtta_lane *rtta_lane_new(const struct rtta_lane_config *config,
    struct rtta_books *books);
void rtta_lane_free(struct rtta_lane *lane);

/* An engine that was opened ahead of need: the first piece takes it. */
void rtta_lane_use(struct rtta_lane *lane, struct rtta_engine *engine);

/* A delivery; copied.  reply acknowledges it, NULL in a filter. */
void rtta_lane_take(struct rtta_lane *lane, const struct rtta_audio *audio, const char *reply);

/* No more will come: all pieces end. */
void rtta_lane_end(struct rtta_lane *lane);

/* Somebody else goes on: what is open stays his from the last final on, so
 * that no word is cut in two, and nothing moves any more. */
void rtta_lane_leave(struct rtta_lane *lane);

/* No sound can come just now (the bus is away): no piece ends for want of it. */
void rtta_lane_bear(struct rtta_lane *lane);

/* Go on.  pending: messages that the lane was not given yet.  0, or -1 with
 * EX_CONFIG. */
int rtta_lane_pump(struct rtta_lane *lane, uint64_t pending, struct rtta_err *err);

/* Final drafts and interim ones, in order, the caller's; NULL: none. */
struct rtta_draft *rtta_lane_next_draft(struct rtta_lane *lane);

/* Reply subjects to acknowledge, the caller's (free(3)); NULL: none. */
char *rtta_lane_next_ack(struct rtta_lane *lane);

/* span is covered now, on all channels (the book has it): what it completes is
 * acknowledged. */
void rtta_lane_covered(struct rtta_lane *lane, struct rtta_book *book, int rev,
    struct rtta_span span);

/* These have to be heard again: they are no longer claimed on that channel
 * (-1: the mix). */
void rtta_lane_again(struct rtta_lane *lane, struct rtta_book *book, int rev, int channel,
    const struct rtta_cover *again);

/* --- moves: live's backlog on its way to the backfill lane --- */

struct rtta_move {
	struct rtta_audio audio;   /* the copy to publish; payload borrowed from the lane */
	struct rtta_pos pos;       /* names it to the functions below */
	struct rtta_book *book;
	bool better;               /* of what the fallback hears: for revision 2 */
};

/* The next copy to be made: 1 with *move, or 0. */
int rtta_lane_next_move(struct rtta_lane *lane, struct rtta_move *move);

/* The copy is stored. */
void rtta_lane_moved(struct rtta_lane *lane, struct rtta_book *book, struct rtta_pos pos);

/* It cannot be: it is transcribed where it is, and for a while nothing moves. */
void rtta_lane_unmoved(struct rtta_lane *lane, struct rtta_book *book, struct rtta_pos pos);

/* The same of a copy for revision 2: text waits until it is stored, or cannot be. */
void rtta_lane_bettered(struct rtta_lane *lane, struct rtta_book *book,
    struct rtta_span span, bool stored);

/* The session was deleted: what is held of it is acknowledged, and so is
 * what comes. */
void rtta_lane_drop(struct rtta_lane *lane, struct rtta_book *book);

/* --- what no engine settles leaves memory, and comes again --- */

/* Something has rested long enough: everything unacknowledged is to be
 * delivered again. */
bool rtta_lane_recall(struct rtta_lane *lane);

struct rtta_given_up {
	struct rtta_book *book;
	struct rtta_span span;
	int64_t start_ns, end_ns;
};

/* Three attempts in vain, for now: 1 with *what, or 0. */
int rtta_lane_next_given_up(struct rtta_lane *lane, struct rtta_given_up *what);

/* --- as a whole --- */

/* What was delivered is somebody else's now: forget all of it. */
void rtta_lane_forget(struct rtta_lane *lane);

int rtta_lane_fds(struct rtta_lane *lane, struct pollfd *fds, int max);
int rtta_lane_wait_ms(const struct rtta_lane *lane);

struct rtta_lane_status {
	size_t held_frames, held_bytes, pieces, engines, sessions;
	double behind_s;        /* available and not yet sent to an engine */
	double parked_s;        /* failed three times, not in memory */
	uint64_t retries;       /* connections that failed */
	uint64_t moved_frames;
	bool moving, failing;   /* failing: no engine has worked since it last failed */
	bool bridged;           /* the fallback is at work */
	const char *engine;     /* at work */
	int64_t engine_since_ns;  /* wall clock */
};
void rtta_lane_status(const struct rtta_lane *lane, struct rtta_lane_status *status);

/* Nothing is with an engine any more, or waits for one. */
bool rtta_lane_settled(const struct rtta_lane *lane);

/* Something of the session is held. */
bool rtta_lane_holds(const struct rtta_lane *lane, const char *session);

#endif

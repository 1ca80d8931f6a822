/*
 * lane_parts - what the files of lane share: lane.c takes deliveries and
 * gives drafts and acknowledgements, lane_piece.c leads pieces through
 * engines, lane_move.c hands a backlog to the other lane, lane_park.c lets
 * go of what no engine settles, lane_bridge.c goes on with another engine
 * while the better one is away.  For nobody else.
 */
#ifndef RTTA_LANE_PARTS_H
#define RTTA_LANE_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audio.h"
#include "draft.h"
#include "lane.h"
#include "log.h"
#include "position.h"
#include "record.h"
#include "stretch.h"

struct rtta_delivery;
struct rtta_hold;

/* Sound that failed three times and has left memory: it lies unacknowledged
 * in the stream and is not taken again before it is recalled. */
struct rtta_parked {
	struct rtta_span span;
	char job[RTTA_AUDIO_JOB_BYTES];
	unsigned rests;
	int64_t due_ms;
	int64_t start_ns, end_ns;    /* wall clock */
	bool recalled;
	bool hurried;                /* was due early, and failed again */
	bool untold;                 /* nobody has been told */
	struct rtta_parked *next;
};

/* What the fallback hears of a track, and its copies for revision 2. */
struct rtta_bridge {
	struct rtta_record like;
	struct rtta_stretch_source source;
	struct rtta_cover *asked;    /* copies were asked for */
	struct rtta_cover *stored;   /* and are there, or cannot be */
	struct rtta_drafts waiting;  /* records, for the copies of their sound */
	struct rtta_span landing;    /* newest sound, while a pause to return in is awaited */
	char job[RTTA_AUDIO_JOB_BYTES];  /* open, or "" */
	struct rtta_pos end;         /* behind its last frame */
	int64_t end_ns;
	uint32_t rate_hz;
	bool eos;                    /* the job's EOS is to be made */
};

/* The better engine is tried with what comes: nothing that it says counts. */
struct rtta_trial {
	struct rtta_track *track;
	struct rtta_hold *hold;
	struct rtta_stretch_source source;  /* whose claimed are its own */
	struct rtta_stretch *stretch;
	struct rtta_pos end;
	uint32_t rate_hz;
	int64_t grown_ms;
	int64_t well_ms;             /* answers since then; 0: not yet */
};

/* The sound of one session and revision in this lane. */
struct rtta_track {
	struct rtta_book *book;
	int rev;
	struct rtta_hold *hold;
	struct rtta_cover *cover;    /* the book's, of this revision */
	struct rtta_record like;
	struct rtta_stretch_source source;
	struct rtta_cover *moved;    /* what has a copy in the other lane */
	struct rtta_span tail;       /* newest sound of a backlog: live goes on in it */
	char move_job[RTTA_AUDIO_JOB_BYTES];  /* open, or "" */
	struct rtta_pos move_end;    /* behind its last frame */
	uint32_t move_rate_hz;
	int64_t move_end_ns;
	bool move_eos;               /* the job's EOS is to be made */
	size_t moving;               /* held frames whose copy is not stored yet */
	struct rtta_parked *parked;
	struct rtta_bridge bridge;
	int64_t used_ms;             /* when sound last came */
	struct rtta_pos seen;        /* behind what came last */
	int64_t seen_ns;             /* and its wall clock */
	struct rtta_track *next;
};

/* A stretch of a job. */
struct rtta_piece {
	struct rtta_track *track;
	struct rtta_stretch *stretch;
	char job[RTTA_AUDIO_JOB_BYTES];
	bool open;                   /* may grow; backfill: not fed yet */
	bool foreign;
	bool bridged;                /* the fallback hears it */
	uint32_t rate_hz;
	uint8_t channels;
	int64_t grown_ms;
	struct rtta_piece *next;
};

/* An EOS message: acknowledged when its job has left. */
struct rtta_lane_eos {
	struct rtta_track *track;
	char job[RTTA_AUDIO_JOB_BYTES];
	uint64_t stream_seq;
	char *reply;
	struct rtta_lane_eos *next;
};

struct rtta_lane_ack {
	char *reply;
	struct rtta_lane_ack *next;
};

/* A frame on its way out: which, and whether its copy was handed out. */
struct rtta_lane_moving {
	struct rtta_track *track;
	struct rtta_pos pos;
	char job[RTTA_AUDIO_JOB_BYTES];
	bool better;
	struct rtta_lane_moving *next;
};

struct rtta_lane {
	struct rtta_log_damper damper;        /* of losses that cannot be */
	struct rtta_log_refrain failed, parked;  /* of what an engine fails on */
	const struct rtta_lane_config *config;
	struct rtta_books *books;
	struct rtta_track *tracks;
	struct rtta_piece *pieces, **last_piece;
	struct rtta_lane_eos *eos;
	struct rtta_lane_ack *acks, **last_ack;
	struct rtta_lane_moving *moves, **last_move;    /* to be handed out */
	struct rtta_drafts drafts;
	struct rtta_engine *spare;
	bool jumping;
	bool recovering;                      /* an engine works again: to the edge */
	bool leaving;                         /* what is left is the successor's */
	int64_t stay_ms;                      /* nothing moves before */
	uint64_t pending, retries, moved_frames;
	uint32_t frame_ms;                    /* of the last delivery */
	bool failing;
	unsigned parked_since;                /* an engine worked: pieces */
	int64_t recall_ms;                    /* nothing is recalled before */
	bool proven;                          /* an engine has worked here */
	int64_t spare_ms;                     /* no spare is opened before */
	int64_t prune_ms;                     /* tracks are looked through then */
	bool bridged;                         /* the fallback is at work */
	bool refused;                         /* no attempt will help, says the engine */
	unsigned refusals;                    /* in a row */
	bool returning;                       /* in the next pause */
	int64_t return_by_ms;                 /* or then */
	int64_t engine_since_ns;              /* wall clock */
	int64_t back_ms;                      /* when the engine last came back; 0: never */
	unsigned doubt;                       /* times --return, for one that comes and goes */
	int64_t caught_up_ms;                 /* the fallback should have, then */
	int64_t trial_ms;                     /* no trial before */
	int64_t copy_ms;                      /* nothing is copied for the second pass before */
	struct rtta_trial *trial;
};

/* reply (copied; NULL or "": nothing) is to be acknowledged. */
void rtta_lane_ack(struct rtta_lane *lane, const char *reply);

/* --- lane_piece.c --- */

/* A new open piece, the last of the list; its format is that of like. */
struct rtta_piece *rtta_piece_new(struct rtta_lane *lane, struct rtta_track *track,
    const char *job, struct rtta_span span, const struct rtta_delivery *like);
void rtta_piece_end(struct rtta_piece *piece);

/* Take the piece at *at out of the list and free it. */
void rtta_piece_remove(struct rtta_lane *lane, struct rtta_piece **at);

/* The piece of a job that may grow, or NULL. */
struct rtta_piece *rtta_piece_open(const struct rtta_lane *lane, const struct rtta_track *track,
    const char *job);

/* held goes to the open piece of its job if it continues that, else to a
 * new one.  A backfill piece that becomes too long is divided in a pause. */
void rtta_piece_append(struct rtta_lane *lane, struct rtta_track *track, const char *job,
    const struct rtta_delivery *held);

/* Sound that no engine was sent yet. */
double rtta_piece_unsent_ms(const struct rtta_piece *piece);

/* Pieces with a connection. */
int rtta_piece_connected(const struct rtta_lane *lane);

/* May this piece have an engine, when there are so many? */
bool rtta_piece_may_open(const struct rtta_lane *lane, const struct rtta_piece *piece,
    int engines);

/* Go on with it.  *engines is kept up to date.  0, or -1 with EX_CONFIG. */
int rtta_piece_pump(struct rtta_lane *lane, struct rtta_piece *piece, int *engines,
    struct rtta_err *err);

/* Its sound has left the hold, or is none of its business any more. */
bool rtta_piece_is_over(const struct rtta_piece *piece);

/* --- lane_move.c --- */

/* A held frame is of the backlog: it is to be copied to the other lane, but
 * for the newest seconds, in which live goes on in a pause. */
void rtta_lane_put_off(struct rtta_lane *lane, struct rtta_track *track,
    const struct rtta_delivery *held);

/* Live goes on in the newest seconds of the backlog, and its job ends. */
void rtta_lane_land(struct rtta_lane *lane, struct rtta_track *track);

/* All that is left of a piece is copied to the other lane. */
void rtta_lane_move_piece(struct rtta_lane *lane, struct rtta_piece *piece);

/* Sound that is there and was not sent to an engine yet. */
double rtta_lane_behind_ms(const struct rtta_lane *lane);

/* Begin to move when behind by too much, end it at the live edge. */
void rtta_lane_watch_edge(struct rtta_lane *lane);

/* A copy of held for the other lane is asked for. */
void rtta_lane_put_move(struct rtta_lane *lane, struct rtta_track *track,
    const struct rtta_delivery *held, const char *job, bool better);

/* held as a message of the other lane, without its job. */
struct rtta_audio rtta_lane_audio(const struct rtta_track *track,
    const struct rtta_delivery *held);

/* --- lane_bridge.c --- */

void rtta_bridge_init(struct rtta_lane *lane, struct rtta_track *track);
void rtta_bridge_done(struct rtta_track *track);

/* What waits for copies is nobody's any more. */
void rtta_bridge_forget(struct rtta_lane *lane);

/* It may have to go on with the fallback, or has just done so: a backlog is
 * no reason to move anything. */
bool rtta_bridge_doubts(const struct rtta_lane *lane);

/* To the fallback when the engine is away, back when it answers well. */
void rtta_bridge_watch(struct rtta_lane *lane);
int rtta_bridge_wait_ms(const struct rtta_lane *lane);
int rtta_bridge_fds(struct rtta_lane *lane, struct pollfd *fds, int max);

/* Sound that the fallback is going to hear. */
void rtta_bridge_copy(struct rtta_lane *lane, struct rtta_track *track,
    struct rtta_span span);

/* Sound comes while bridged.  True: it is kept until the return. */
bool rtta_bridge_take(struct rtta_lane *lane, struct rtta_track *track,
    const struct rtta_delivery *held);

/* A session's live sound is over. */
void rtta_bridge_end(struct rtta_lane *lane, struct rtta_track *track);

/* A final draft of the fallback (taken): it leaves when its copies are stored. */
void rtta_bridge_put(struct rtta_lane *lane, struct rtta_track *track, struct rtta_draft *draft);

/* The EOS of a job for revision 2: 1 with *move, or 0. */
int rtta_bridge_next_eos(struct rtta_lane *lane, struct rtta_move *move);

/* --- lane_park.c --- */

/* A piece has failed three times: its frames leave the hold. */
void rtta_lane_park(struct rtta_lane *lane, struct rtta_piece *piece);

/* An engine works again: what was parked in its outage is due. */
void rtta_lane_hurry(struct rtta_lane *lane);

/* Some of span rests, and is not taken now. */
bool rtta_lane_is_parked(const struct rtta_track *track, struct rtta_span span);
bool rtta_lane_is_job_parked(const struct rtta_track *track, const char *job);

/* What is covered needs no rest. */
void rtta_lane_unpark_covered(struct rtta_track *track);
void rtta_lane_free_parked(struct rtta_track *track);

double rtta_lane_parked_s(const struct rtta_lane *lane);

/* When the next one is due: rtta_clock_mono_ms(), or INT64_MAX. */
int64_t rtta_lane_parked_ms(const struct rtta_lane *lane);

#endif
